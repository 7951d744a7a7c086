"""Damaged files, and what errors tell."""

from __future__ import annotations

from pathlib import Path

import pytest
import rntuple
from rntuple import errors

from .conftest import CORPUS, DIMUON


def test_hierarchy() -> None:
    for name in ("StorageError", "FormatError", "ChecksumError", "NotFoundError", "FieldError", "ArgumentError"):
        assert issubclass(getattr(rntuple, name), rntuple.Error)
    assert issubclass(rntuple.ChecksumError, rntuple.FormatError)
    assert issubclass(errors.MissingFileError, FileNotFoundError)


def test_missing_file() -> None:
    with pytest.raises(FileNotFoundError, match="No such file") as caught:
        rntuple.open("/nowhere/at all.root")
    assert isinstance(caught.value, rntuple.NotFoundError) and caught.value.file == "/nowhere/at all.root"


def test_no_root_file(tmp_path: Path) -> None:
    (tmp_path / "no.root").write_bytes(b"hello" * 100)
    with pytest.raises(rntuple.FormatError) as caught:
        rntuple.open(tmp_path / "no.root")
    assert caught.value.file == str(tmp_path / "no.root")
    with pytest.raises(rntuple.StorageError):
        rntuple.open(tmp_path)
    with pytest.raises(TypeError, match="cannot open 'int'"):
        rntuple.open(5)


def test_missing_data_set() -> None:
    with pytest.raises(rntuple.NotFoundError, match="there are: Events") as caught:
        rntuple.open(f"{DIMUON}:Evts")
    assert caught.value.file == str(DIMUON) and isinstance(caught.value, KeyError)


def test_damaged_page(tmp_path: Path) -> None:
    path = tmp_path / "damaged.root"
    with rntuple.create(path, compression="none") as file:
        file["data"] = {"x": list(range(1000)), "marked": [0x4242424242424242] * 100 + [1] * 900}
    content = bytearray(path.read_bytes())
    place = content.index(b"\x42" * 100)
    content[place + 50] ^= 1
    path.write_bytes(content)
    ntuple = rntuple.open(path)["data"]
    assert ntuple.array("x", library="np").sum() == sum(range(1000))
    with pytest.raises(rntuple.ChecksumError, match="checksum mismatch") as caught:
        ntuple.arrays(library="np")
    error = caught.value
    assert (
        (error.file, error.field) == (str(path), "marked")
        and error.offset is not None
        and error.offset <= place < error.offset + 10_000
    )
    [(what, offset, _)] = ntuple.verify()
    assert "page" in what and offset == error.offset


def test_truncated_file(tmp_path: Path) -> None:
    path = tmp_path / "short.root"
    path.write_bytes(DIMUON.read_bytes()[:-2000])
    with pytest.raises(rntuple.FormatError):
        rntuple.open(path)["Events"].arrays()


def test_every_byte_changed_is_an_error_or_nothing(tmp_path: Path) -> None:
    """Never a crash, and never anything but an error of this package."""
    source = CORPUS / "validation" / "types.variant.root"
    content = source.read_bytes() if source.exists() else DIMUON.read_bytes()[:4000]
    for place in range(0, len(content), 7):
        damaged = bytearray(content)
        damaged[place] ^= 0xFF
        try:
            for ntuple in rntuple.open(bytes(damaged)).values():
                ntuple.arrays(library="np")
        except rntuple.Error:
            pass


def test_feature_from_the_future() -> None:
    path = CORPUS / "validation" / "structure.feature_flag.root"
    if not path.exists():
        pytest.skip("the corpus is not there")
    with pytest.raises(rntuple.FormatError, match="unsupported format feature"):
        rntuple.open(path).only()
