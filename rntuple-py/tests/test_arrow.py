"""The Arrow C interfaces, with those who speak them."""

from __future__ import annotations

import gc
import io
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pytest
import rntuple

from .conftest import DIMUON, VECTORS


def test_pyarrow(events: rntuple.NTuple) -> None:
    table = pa.table(events)
    assert table.num_rows == 1000 and table.column_names == list(events)
    assert pa.schema(events.schema) == table.schema == pa.schema(events)
    reader = pa.RecordBatchReader.from_stream(events.scan(["nMuon"], batch_rows=100))
    assert [batch.num_rows for batch in reader] == [100] * 10
    batch = next(events.scan(batch_rows=10).batches())
    assert pa.record_batch(batch).to_pylist() == table.slice(0, 10).to_pylist()
    assert pa.table(batch).schema == table.schema
    assert pa.array(batch.column("nMuon")).to_pylist() == table["nMuon"].slice(0, 10).to_pylist()


def test_metadata_says_how_fields_are_stored(events: rntuple.NTuple) -> None:
    metadata = pa.schema(events).field("Muon_pt").metadata
    assert metadata[b"rntuple.type"] == b"ROOT::VecOps::RVec<float>"


def test_data_outlive_what_they_came_from() -> None:
    table = pa.table(rntuple.open(f"{DIMUON}:Events")[5:8])
    array = rntuple.open(f"{DIMUON}:Events").array("Muon_pt")
    gc.collect()
    assert table["nMuon"].to_pylist() == [len(pt) for pt in array.tolist()[5:8]]


def test_polars(events: rntuple.NTuple) -> None:
    frame = pl.DataFrame(events)
    assert frame["nMuon"].sum() == events.array("nMuon", library="np").sum()
    # Polars makes a series of records of whatever comes as a stream.
    series = pl.from_arrow(events)
    assert isinstance(series, pl.Series) and series.struct.unnest().equals(frame)
    assert frame.equals(events.arrays(library="pl"))


def rows(relation: Any) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = relation.fetchall()
    return found


def test_duckdb(events: rntuple.NTuple) -> None:
    scan = events.scan(["nMuon", "Muon_charge"])
    expected = int(events.array("nMuon", library="np").sum())
    assert rows(duckdb.sql("select sum(nMuon), count(*) from scan")) == [(expected, 1000)]
    # A scan can be read more than once.
    assert rows(duckdb.sql("select sum(len(Muon_charge)) from scan where nMuon > 0")) == [(expected,)]
    assert rows(duckdb.sql("select sum(nMuon) from events")) == [(expected,)]


def test_duckdb_reads_through_python(events: rntuple.NTuple) -> None:
    # Threads of DuckDB read from a file object, which needs the GIL.
    slow = rntuple.open({io.BytesIO(DIMUON.read_bytes()): "Events"}).scan(["nMuon"], batch_rows=50)
    assert rows(duckdb.sql("select sum(nMuon) from slow")) == [(int(events.array("nMuon", library="np").sum()),)]


@pytest.mark.parametrize("path", sorted(VECTORS.glob("*.root")), ids=lambda path: str(path.stem))
def test_every_type_goes_through(path: object) -> None:
    for name in rntuple.open(path):
        ntuple = rntuple.open(path)[name].scan(strings_as_binary="strings" in str(path))
        table = pa.table(ntuple)
        table.validate(full=True)
        assert table.num_rows == ntuple.num_entries
        assert pa.schema(ntuple.schema) == table.schema


def test_errors_reach_the_consumer() -> None:
    strings = rntuple.open(VECTORS / "strings.root")["data"]
    with pytest.raises(pa.ArrowInvalid, match="not UTF-8"):
        pa.table(strings)
