"""What all tests share: where data are, and an open file for the examples in the documentation."""

from __future__ import annotations

from pathlib import Path

import pytest
import rntuple

ROOT = Path(__file__).resolve().parents[2]
CORPUS = ROOT.parent / "shared" / "corpus"
VECTORS = ROOT / "format-spec" / "vectors"
DIMUON = ROOT / "examples" / "dimuon.root"


@pytest.fixture
def dimuon() -> Path:
    return DIMUON


@pytest.fixture
def events() -> rntuple.NTuple:
    ntuple = rntuple.open(f"{DIMUON}:Events")
    assert isinstance(ntuple, rntuple.NTuple)
    return ntuple
