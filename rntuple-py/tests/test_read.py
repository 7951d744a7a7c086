"""Reading: fields, entries, libraries, sources."""

from __future__ import annotations

import io
import math
import pathlib
from typing import Any

import awkward as ak
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import rntuple

from .conftest import DIMUON, VECTORS


def test_file_is_a_mapping() -> None:
    file = rntuple.open(DIMUON)
    assert list(file) == ["Events"] and len(file) == 1 and "Events" in file and "events" not in file
    assert file.keys(cycle=True) == ["Events;1"] and file.keys(filter_name="E*") == ["Events"]
    assert file["Events"] is file["Events"] and file.get("nope") is None
    assert file.size == DIMUON.stat().st_size
    with rntuple.open(DIMUON) as again, again["Events"] as events:
        assert events.num_entries == len(events) == 1000


@pytest.mark.parametrize("source", [f"{DIMUON}:Events", {str(DIMUON): "Events"}, {DIMUON: "Events"}])
def test_open_with_a_name(source: Any) -> None:
    assert rntuple.open(source).name == "Events"


def test_sources() -> None:
    import fsspec
    import obstore.store

    content = DIMUON.read_bytes()
    memory = fsspec.filesystem("memory")
    memory.pipe("/dimuon.root", content)
    store = obstore.store.MemoryStore()
    store.put("dimuon.root", content)
    expected = rntuple.open(f"{DIMUON}:Events").arrays()
    opened = [
        rntuple.open(pathlib.Path(DIMUON)),
        rntuple.open(io.BytesIO(content)),
        rntuple.open(content),
        rntuple.open("/dimuon.root", fs=memory),
        rntuple.open("memory://dimuon.root", storage_options={}),
        rntuple.open("dimuon.root", fs=store),
        rntuple.open(str(DIMUON), fs=fsspec.filesystem("file")),
    ]
    with DIMUON.open("rb") as file:
        opened.append(rntuple.open(file))
        for one in opened:
            assert ak.array_equal(one["Events"].arrays(), expected)
            assert one["Events"][-1] == rntuple.open(DIMUON)["Events"][999]


def test_python_source_errors_are_passed_on() -> None:
    class Broken(io.BytesIO):
        broken = False

        def read(self, size: int | None = -1, /) -> bytes:
            if self.broken:
                raise RuntimeError("the disk is on fire")
            return super().read(size)

    source = Broken(DIMUON.read_bytes())
    events = rntuple.open({source: "Events"})
    source.broken = True
    with pytest.raises(rntuple.StorageError, match="the disk is on fire") as caught:
        events.arrays()
    assert isinstance(caught.value.__cause__, RuntimeError) and isinstance(caught.value, OSError)


def test_keys(events: rntuple.NTuple) -> None:
    muons = ["Muon_pt", "Muon_eta", "Muon_phi", "Muon_mass", "Muon_charge"]
    assert list(events) == ["_collection0", *muons, "nMuon"]
    assert events.keys(filter_name="Muon_*", recursive=False) == muons
    assert events.keys(filter_name="/MUON_P/i", recursive=False) == ["Muon_pt", "Muon_phi"]
    assert events.keys(filter_name=lambda name: name.startswith("n")) == ["nMuon"]
    assert events.keys(filter_name=["nMuon", "Muon_pt"], recursive=False) == ["Muon_pt", "nMuon"]
    assert events.keys(filter_typename="*int32_t*", recursive=False) == ["Muon_charge", "nMuon"]
    assert events.keys(filter_name="_collection0.Muon_pt") == ["_collection0.Muon_pt"]
    assert "Muon_pt" in events and "Muon" not in events
    assert [field.name for field in events.values()] == list(events)


def test_choosing_fields(events: rntuple.NTuple) -> None:
    assert events.arrays(["nMuon", "Muon_pt"]).fields == ["nMuon", "Muon_pt"]
    assert events.arrays("Muon_p*", library="pa").column_names[-2:] == ["Muon_pt", "Muon_phi"]
    assert events.arrays(filter_name="n*").fields == ["nMuon"]
    assert events.arrays(filter_name="nothing*").fields == []
    inner = events.arrays("_collection0.Muon_pt")
    assert str(inner.type) == "1000 * {_collection0: var * {Muon_pt: float32}}"
    assert events.arrays(filter_name=lambda name: True).fields == list(events)
    assert ak.array_equal(events.array("_collection0.Muon_pt"), events.array("Muon_pt"))
    assert ak.array_equal(events["_collection0"]["Muon_pt"].array(), events.array("Muon_pt"))
    with pytest.raises(rntuple.ArgumentError):
        events.arrays("nMuon", filter_name="n*")
    with pytest.raises(rntuple.NotFoundError, match="did you mean 'Muon_pt'") as caught:
        events.arrays("muon_pt")
    assert caught.value.field == "muon_pt" and caught.value.file == str(DIMUON)
    with pytest.raises(KeyError):
        events["nope"]


def test_choosing_entries(events: rntuple.NTuple) -> None:
    everything = events.array("nMuon", library="np")
    assert len(everything) == 1000
    for start, stop in [(0, 10), (10, None), (-10, None), (-20, -10), (None, -990), (500, 10), (990, 2000), (-5000, 5)]:
        expected = everything[start:stop]
        assert np.array_equal(events.array("nMuon", entry_start=start, entry_stop=stop, library="np"), expected)
        assert np.array_equal(events[start:stop]["nMuon"].array(library="np"), expected)
    part = events[100:200][10:-10]
    assert part.num_entries == 80
    assert np.array_equal(part.array("nMuon", library="np", entry_start=-1), everything[189:190])
    with pytest.raises(rntuple.ArgumentError):
        events[::2]


def test_rows(events: rntuple.NTuple) -> None:
    row = events[7]
    assert row["nMuon"] == len(row["Muon_pt"]) == len(row["_collection0"])
    assert row == events[7 - 1000] == events[5:][2]
    assert events[["nMuon"]][7] == {"nMuon": row["nMuon"]}
    assert events["nMuon"][7] == row["nMuon"] == events["nMuon"][-993]
    with pytest.raises(IndexError):
        events[1000]


def test_numpy(events: rntuple.NTuple) -> None:
    arrays = events.arrays(["nMuon", "Muon_pt"], library="np")
    assert arrays["nMuon"].dtype == np.uint32 and arrays["Muon_pt"].dtype == object
    assert arrays["Muon_pt"][0].dtype == np.float32
    assert [len(pt) for pt in arrays["Muon_pt"]] == arrays["nMuon"].tolist()
    assert np.asarray(events["nMuon"]).tolist() == arrays["nMuon"].tolist()
    records = events.array("_collection0", library="np")
    assert records[0].dtype.names is not None and records[0]["Muon_pt"][0] == arrays["Muon_pt"][0][0]


def test_no_copies(events: rntuple.NTuple) -> None:
    batch = events.arrays(["Muon_pt"], library="batch")
    pt = batch.column("Muon_pt")
    address = pt.children()[0].values().__array_interface__["data"][0]
    layout = rntuple._libraries.column(pt, "ak").layout
    assert layout.content.data.ctypes.data == address
    assert pa.array(pt).values.buffers()[1].address == address
    assert not layout.content.data.flags.writeable


def test_numpy_of_everything() -> None:
    for path in sorted(VECTORS.glob("*.root")):
        for name in rntuple.open(path):
            ntuple = rntuple.open(path)[name].scan(strings_as_binary=path.stem == "strings")
            for field, array in ntuple.arrays(library="np").items():
                assert len(array) == ntuple.num_entries, field
            assert len(ntuple.arrays(library="pd")) == ntuple.num_entries
            if ntuple.num_entries:
                assert list(ntuple[0]) == ntuple.arrays(library="batch").names


def test_missing_values() -> None:
    nullables = rntuple.open(VECTORS / "nullables.root")["data"]
    values = nullables.array("o", library="np")
    assert isinstance(values, np.ma.MaskedArray)
    expected = nullables.array("o").tolist()
    assert values.tolist() == expected and None in expected
    series = nullables.array("o", library="pd")
    assert [None if pd.isna(value) else value for value in series] == expected
    assert nullables.arrays(["o"], library="pa")["o"].to_pylist() == expected
    assert nullables.arrays(["o"], library="pl")["o"].to_list() == expected


def test_containers(events: rntuple.NTuple) -> None:
    columns = events.arrays(["nMuon", "Muon_pt"], how=dict)
    assert list(columns) == ["nMuon", "Muon_pt"] and isinstance(columns["nMuon"], ak.Array)
    pair = events.arrays(["nMuon", "Muon_pt"], how=tuple, library="np")
    assert isinstance(pair, tuple) and pair[0].dtype == np.uint32
    zipped = events.arrays(filter_name=["Muon_*", "nMuon"], how="zip")
    assert "nMuon" in zipped.fields and zipped.Muon.fields == ["pt", "eta", "phi", "mass", "charge"]
    assert ak.array_equal(zipped.Muon.pt, events.array("Muon_pt"))


def test_pandas(events: rntuple.NTuple) -> None:
    frame = events.arrays(["nMuon", "Muon_pt"], library="pd", entry_start=10, entry_stop=13)
    assert list(frame.columns) == ["nMuon", "Muon_pt"] and list(frame.index) == [10, 11, 12]
    assert frame["nMuon"].dtype == np.uint32


def test_unknown_library(events: rntuple.NTuple) -> None:
    with pytest.raises(rntuple.ArgumentError, match="there are: ak, batch, np, pa, pd, pl"):
        events.arrays(library="cupy")


@pytest.mark.parametrize("step_size", [1, 7, 400, 5000, "1 kB", "10 kB", "100 MB"])
def test_iterate(events: rntuple.NTuple, step_size: int | str) -> None:
    steps = list(events.iterate(["nMuon", "Muon_pt"], step_size=step_size, library="batch", report=True))
    assert [entry for _, entries in steps for entry in entries] == list(range(1000))
    assert all(len(batch) == len(entries) for batch, entries in steps)
    if isinstance(step_size, int):
        assert {len(batch) for batch, _ in steps[:-1]} <= {step_size}


def test_iterate_part(events: rntuple.NTuple) -> None:
    steps = [step["nMuon"] for step in events.iterate("nMuon", entry_start=-10, step_size=4, library="np")]
    assert np.array_equal(np.concatenate(steps), events.array("nMuon", library="np")[-10:])


def test_several_files(tmp_path: pathlib.Path) -> None:
    for i in range(3):
        with rntuple.create(tmp_path / f"part{i}.root") as file:
            file["data"] = {"x": np.arange(i * 10, i * 10 + 10), "y": [[i] * k for k in range(10)]}
    pattern = str(tmp_path / "part*.root")
    for files in [
        pattern,
        pattern + ":data",
        {pattern: "data"},
        sorted(tmp_path.glob("part*")),
        rntuple.open(tmp_path / "part0.root"),
    ]:
        expected = 10 if isinstance(files, rntuple.File) else 30
        if isinstance(files, dict):
            files = {path: "data" for path in tmp_path.glob("part*")}
        assert rntuple.concatenate(files, "x", library="np")["x"].sum() == sum(range(expected))
    steps = list(rntuple.iterate(pattern, step_size=4, library="np", report=True))
    assert [value for step, _ in steps for value in step["x"]] == list(range(30))
    assert [report[0] for _, report in steps][::3] == [str(path) for path in sorted(tmp_path.glob("part*"))]
    assert rntuple.concatenate(pattern).y[-1].tolist() == [2] * 9
    with pytest.raises(rntuple.ArgumentError):
        rntuple.concatenate([])


def test_files_that_store_a_field_in_different_ways(tmp_path: pathlib.Path) -> None:
    data = {"x": ak.Array([[1.5, 2.5], []]), "y": np.arange(2)}
    for i, compression in enumerate(["none", "zstd"]):
        with rntuple.create(tmp_path / f"{i}.root", compression=compression) as file:
            file["data"] = data if i else dict(reversed(data.items()))
    assert rntuple.concatenate(str(tmp_path / "*.root")).x.tolist() == [[1.5, 2.5], []] * 2
    with rntuple.create(tmp_path / "2.root") as file:
        file["data"] = {"x": [1]}
    with pytest.raises(rntuple.FieldError):
        rntuple.concatenate(str(tmp_path / "*.root"))


def test_attribute_sets() -> None:
    ntuple = rntuple.open(VECTORS / "attributes.root")["data"]
    assert len(ntuple.attributes) > 0
    for name, attributes in ntuple.attributes.items():
        assert attributes.arrays().fields == ["_rangeStart", "_rangeLen", "_userData"], name
    with pytest.raises(rntuple.NotFoundError):
        ntuple.attributes["nope"]


def test_show(events: rntuple.NTuple) -> None:
    stream = io.StringIO()
    events.show(stream=stream)
    lines = stream.getvalue().splitlines()
    assert lines[0] == "Events: 1,000 entries"
    assert (
        lines[1].startswith("├─ _collection0")
        and lines[2] == "│  ├─ Muon_pt (float)"
        and lines[-1].startswith("└─ nMuon")
    )


def test_progress(events: rntuple.NTuple, capsys: pytest.CaptureFixture[str]) -> None:
    calls: list[tuple[int, int]] = []
    events.scan(batch_rows=300).arrays(progress=lambda done, total: calls.append((done, total)))
    assert calls == [(300, 1000), (600, 1000), (900, 1000), (1000, 1000)]
    events.arrays(progress=True)
    assert "1.00k/1.00k" in capsys.readouterr().err
    calls.clear()
    for _ in events.iterate("nMuon", step_size=500, progress=lambda *done: calls.append(done)):
        pass
    assert calls == [(500, 1000), (1000, 1000)]


def test_resources(events: rntuple.NTuple) -> None:
    expected = events.arrays()
    for scan in [events.scan(threads=1), events.scan(threads=3), events.scan(memory=1), events.scan(batch_rows=7)]:
        assert ak.array_equal(scan.arrays(), expected)
    assert "large_list" in str(events.scan("Muon_pt", large_offsets=True).arrays(library="pa").schema)
    assert ak.array_equal(events.scan(large_offsets=True).arrays(), expected)
    assert pa.schema(events.scan("Muon_pt", large_offsets=True).schema).types[0] == pa.large_list(
        pa.field("_0", pa.float32(), nullable=False)
    )


def test_strings_that_are_no_text() -> None:
    strings = rntuple.open(VECTORS / "strings.root")["data"]
    with pytest.raises(rntuple.FieldError, match="not UTF-8") as caught:
        strings.array("s")
    assert (caught.value.field, caught.value.entry) == ("s", 6)
    assert isinstance(strings.scan("s", strings_as_binary=True).arrays(library="np")["s"][6], bytes)


def test_polars_takes_what_is_named(events: rntuple.NTuple) -> None:
    frame = events.arrays(["nMuon"], library="pl")
    assert isinstance(frame, pl.DataFrame) and frame.columns == ["nMuon"] and math.isfinite(frame["nMuon"].sum())
