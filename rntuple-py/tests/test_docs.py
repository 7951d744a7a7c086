"""The examples in the documentation do what they say."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import shutil
from pathlib import Path

import pytest
import rntuple

from .conftest import DIMUON

MODULES = ["rntuple", *(f"rntuple.{module.name}" for module in pkgutil.iter_modules(rntuple.__path__))]


def examples() -> list[doctest.DocTest]:
    finder = doctest.DocTestFinder(exclude_empty=True)
    found: dict[str, doctest.DocTest] = {}
    for name in MODULES:
        module = importlib.import_module(name)
        for test in finder.find(module, name, extraglobs={"__name__": name}):
            if test.examples:
                found[test.name] = test
    return list(found.values())


EXAMPLES = examples()


def test_there_are_examples() -> None:
    assert len(EXAMPLES) > 20


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: str(example.name))
def test_example(example: doctest.DocTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(DIMUON, tmp_path / "dimuon.root")
    monkeypatch.chdir(tmp_path)
    events = rntuple.open("dimuon.root:Events")
    example.globs.update(events=events, field=events["Muon_pt"])
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    assert runner.run(example, out=report.append).failed == 0, "".join(report)
