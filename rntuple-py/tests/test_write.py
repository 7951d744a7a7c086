"""Writing, and what uproot and ROOT read from it."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import io
import json
import os
import pathlib
import subprocess
import sys
import typing
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any, NamedTuple, Optional, TypedDict, Union

import awkward as ak
import numpy as np
import numpy.typing as npt
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import rntuple
import uproot

from .conftest import DIMUON, VECTORS

Path = pathlib.Path


def written(path: Path, data: Any, **options: Any) -> rntuple.NTuple:
    with rntuple.create(path, **options) as file:
        file["data"] = data
    ntuple: rntuple.NTuple = rntuple.open(path)["data"]
    assert ntuple.verify() == []
    return ntuple


def in_uproot(path: Path) -> Any:
    return uproot.open(path)["data"].arrays()


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out.root"


ARRAYS = {
    **{
        kind: np.arange(5).astype(kind)
        for kind in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
    },
    "float32": np.linspace(-1, 1, 5, dtype=np.float32),
    "float64": np.array([0.1, np.nan, np.inf, -np.inf, 1e300]),
    "bool": np.array([True, False, True, True, False]),
    "big_endian": np.arange(5, dtype=">i4"),
    "strided": np.arange(10, dtype=np.int16)[::2],
    "matrix": np.arange(30, dtype=np.float32).reshape(5, 2, 3),
    "text": np.array(["a", "", "ccc", "é", "z"]),
    "list": [[1, 2], [], [3], [4, 5, 6], []],
    "nested": [[[0.5], []], [], [[1.5, 2.5]], [], [[]]],
    "words": [["a", "b"], [], ["c"], [], ["d"]],
    "ragged": ak.Array([[1.5], [], [2.5, 3.5], [], [4.5]]),
    "records": ak.Array([{"x": i, "y": [float(i)] * i} for i in range(5)]),
    "tuples": ak.Array([(i, i / 2) for i in range(5)]),
    "fixed": ak.to_regular(ak.Array([[1, 2, 3]] * 5)),
}


def test_dict_of_arrays(out: Path) -> None:
    ntuple = written(out, ARRAYS)
    theirs = in_uproot(out)
    assert list(ntuple) == list(ARRAYS) == theirs.fields
    for name, values in ARRAYS.items():
        expected = values.tolist() if hasattr(values, "tolist") else values
        for found in (ntuple.array(name).tolist(), theirs[name].tolist()):
            np.testing.assert_equal(found, expected)
        assert ntuple.array(name).type == theirs[name].type
    assert ntuple.typenames(filter_name=["int8", "uint64", "float32", "bool", "text", "list", "matrix"]) == {
        "int8": "std::int8_t",
        "uint64": "std::uint64_t",
        "float32": "float",
        "bool": "bool",
        "matrix": "std::array<std::array<float,3>,2>",
        "text": "std::string",
        "list": "std::vector<std::int64_t>",
    }


def test_awkward(out: Path) -> None:
    array = ak.Array([
        {"i": 1, "s": "one", "o": None, "l": [{"x": 1, "y": None}], "b": True, "t": (1, "a"), "e": []},
        {"i": 2, "s": "", "o": 2.5, "l": [], "b": False, "t": (2, ""), "e": []},
        {"i": 3, "s": "three", "o": None, "l": [{"x": 2, "y": 3}, {"x": 4, "y": None}], "b": True, "t": (3, "c"), "e": []},
    ])  # fmt: skip
    ntuple = written(out, array)
    assert ntuple.arrays().tolist() == array.tolist() == in_uproot(out).tolist()
    assert ntuple.typenames(recursive=False)["o"] == "std::optional<double>"
    # Slices, masks and other views have the same values.
    assert written(out, array[[2, 0]]).arrays().tolist() == array[[2, 0]].tolist()
    assert written(out, array[1:]).arrays().tolist() == array[1:].tolist()
    masked = ak.with_field(array, ak.mask(array.l, array.i > 1), "l")
    assert written(out, masked).arrays().tolist() == masked.tolist()
    with pytest.raises(TypeError, match="records"):
        written(out, ak.Array([1, 2, 3]))


def test_unions(out: Path) -> None:
    array = ak.Array({"u": ak.Array([1, "two", 3, None, "five"])})
    ntuple = written(out, array)
    assert ntuple["u"].typename == "std::variant<std::int64_t,std::string>"
    assert ntuple.arrays().tolist() == array.tolist() == in_uproot(out).tolist()
    again = written(out.with_name("again.root"), ntuple.arrays())
    assert again.arrays().tolist() == array.tolist() and again["u"].typename == ntuple["u"].typename


def test_arrow_table(out: Path) -> None:
    table = pa.table({
        "x": pa.array([1, 2, 3], pa.int32()),
        "maybe": pa.array([1.5, None, 2.5]),
        "text": pa.array(["a", "b", "c"]).dictionary_encode(),
        "view": pa.array(["a", "b", "c"], pa.string_view()),
        "list": pa.array([[1], [], [2, 3]], pa.list_(pa.int16())),
        "maybe_items": pa.array([[1], [None], []]),
        "struct": pa.array([{"a": 1, "b": "x"}] * 3),
        "map": pa.array([[("k", 1)], [], [("l", 2)]], pa.map_(pa.string(), pa.int64())),
        "fixed": pa.array([[1.0, 2.0]] * 3, pa.list_(pa.float32(), 2)),
    })  # fmt: skip
    ntuple = written(out, table)
    assert ntuple.typenames(recursive=False) == {
        "x": "std::int32_t",
        "maybe": "std::optional<double>",
        "text": "std::string",
        "view": "std::string",
        "list": "std::vector<std::int16_t>",
        "maybe_items": "std::vector<std::optional<std::int64_t>>",
        "struct": "",
        "map": "std::map<std::string,std::int64_t>",
        "fixed": "std::array<float,2>",
    }
    assert pa.table(ntuple).to_pydict() == table.to_pydict()
    for part in (table.to_batches()[0], table.to_reader(), table.slice(0, 0)):
        rows = 0 if isinstance(part, pa.Table) else 3
        assert written(out, part).num_entries == rows
    with pytest.raises(rntuple.FieldError, match="when") as caught:
        written(out.with_name("no.root"), pa.table({"when": pa.nulls(1)}))
    assert caught.value.field == "when._0" and not out.with_name("no.root").exists()


def test_arrow_types_that_root_has_not(out: Path) -> None:
    times = [datetime.datetime(2024, 1, 2, 3, 4, 5, 6), None, datetime.datetime(1969, 12, 31)]
    table = pa.table(
        {
            "n": pa.array([1, 2, 3], pa.int64()),
            "when": pa.array(times, pa.timestamp("us")),
            "zone": pa.array([1, 2, 3], pa.timestamp("ns", "Europe/Zurich")),
            "day": pa.array([0, 1, -1], pa.date32()),
            "since": pa.array([5, 6, 7], pa.duration("s")),
            "clock": pa.array([0, 1, 2], pa.time32("ms")),
            "price": pa.array([decimal.Decimal("1.50"), None, decimal.Decimal("-2.25")], pa.decimal128(10, 2)),
            "id": pa.array([b"abcd", b"efgh", b"ijkl"], pa.binary(4)),
            "many": pa.array([[times[0]], [], [times[2], times[0]]], pa.list_(pa.timestamp("us"))),
        }
    )
    ntuple = written(out, table)
    assert ntuple["when"].typename == "std::optional<std::int64_t>" and ntuple["n"].typename == "std::int64_t"
    assert pa.table(ntuple).to_pydict() == table.to_pydict()
    back = ntuple.arrays(["when", "price"], library="pa")
    assert back.schema.field("when").type == pa.timestamp("us") and back["price"].to_pylist() == table["price"].to_pylist()
    arrays = ntuple.arrays(library="np")
    assert arrays["when"].dtype == "M8[us]" and arrays["when"][0] == np.datetime64(times[0])
    assert arrays["when"].mask.tolist() == [False, True, False]
    assert arrays["day"].tolist() == [datetime.date(1970, 1, 1), datetime.date(1970, 1, 2), datetime.date(1969, 12, 31)]
    assert arrays["since"].dtype == "m8[s]" and arrays["clock"].dtype == "m8[ms]" and arrays["clock"].astype(int).tolist() == [0, 1, 2]
    assert arrays["price"].tolist() == table["price"].to_pylist() and arrays["id"][1] == b"efgh"
    assert ak.to_list(ntuple.arrays(["when"]).when[:1]) == [np.datetime64(times[0])]
    row = ntuple[2]
    assert row["day"] == np.datetime64("1969-12-31") and row["many"][1] == np.datetime64(times[0]) and row["since"] == np.timedelta64(7, "s")
    frame = ntuple.arrays(["when", "day"], library="pd")
    assert frame["when"].isna().tolist() == [False, True, False] and frame["when"][2] == pd.Timestamp(1969, 12, 31)
    assert pl.DataFrame(ntuple)["when"].to_list() == times
    again = written(out.with_name("frame.root"), frame)
    assert again["when"].array(library="pa").to_pylist()[0] == datetime.datetime(2024, 1, 2, 3, 4, 5, 6)


def test_numpy_times(out: Path) -> None:
    when = np.array(["2024-01-02", "NaT", "1970-01-01"], "M8[D]")
    ntuple = written(out, {"when": when, "span": np.array([1, 2, 3], "m8[ns]")})
    back = ntuple.arrays(library="np")
    assert back["when"].mask.tolist() == [False, True, False] and back["when"][0] == when[0]
    assert back["span"].dtype == "m8[ns]" and back["span"].astype(int).tolist() == [1, 2, 3]
    with pytest.raises(rntuple.ArgumentError, match="seconds"):
        written(out.with_name("no.root"), {"x": np.array(["2024-01"], "M8[M]")})


def test_fields_added_to_arrow_types(out: Path) -> None:
    with rntuple.create(out) as file:
        data = file.mkntuple("data", pa.schema([("when", pa.timestamp("s"))]))
        data.extend(pa.table({"when": pa.array([1], pa.timestamp("s"))}))
        data.add_fields({"x": "float64"})
        data.extend(pa.table({"when": pa.array([2], pa.timestamp("s")), "x": [0.5]}))
    table = pa.table(rntuple.open(out)["data"])
    assert table.schema.field("when").type == pa.timestamp("s") and table["x"].to_pylist() == [0.0, 0.5]


def test_data_frames(out: Path) -> None:
    frame = pd.DataFrame(
        {"x": [1, 2, 3], "y": ["a", "b", None], "z": pd.array([1, None, 3], "Int32"), "f": [0.5, 1, np.nan]}
    )
    ntuple = written(out, frame)
    assert ntuple.arrays()[["x", "y", "z"]].tolist() == [
        {"x": 1, "y": "a", "z": 1}, {"x": 2, "y": "b", "z": None}, {"x": 3, "y": None, "z": 3}
    ]  # fmt: skip
    assert ntuple["z"].typename == "std::optional<std::int32_t>"
    in_arrow = pd.DataFrame(
        {"l": pd.Series([[1], [2, 3]], dtype=pd.ArrowDtype(pa.list_(pa.int16()))), "c": pd.Categorical(["u", "v"])}
    )
    assert written(out, in_arrow).arrays().tolist() == [{"l": [1], "c": "u"}, {"l": [2, 3], "c": "v"}]
    assert written(out, {"s": pd.Series([1.5, 2.5])}).arrays().tolist() == [{"s": 1.5}, {"s": 2.5}]
    polars = pl.DataFrame(
        {"x": [1, 2], "s": ["a", "b"], "l": [[1.5], []], "c": pl.Series(["u", "v"], dtype=pl.Categorical)}
    )
    ntuple = written(out, polars)
    assert ntuple.arrays(library="pl").equals(polars.with_columns(pl.col("c").cast(pl.String)))
    assert ntuple.typenames(recursive=False)["s"] == "std::string"


class Colour(enum.IntEnum):
    RED = 1
    GREEN = 2


class Point(NamedTuple):
    x: float
    y: float


@dataclasses.dataclass
class Muon:
    pt: Annotated[float, np.float32]
    charge: np.int8


@dataclasses.dataclass
class Event:
    run: int
    good: bool
    weight: float
    name: str
    muons: list[Muon]
    where: Point
    trigger: Optional[str]
    either: Union[int, str, None, float]
    counts: dict[str, int]
    pair: tuple[int, str]
    samples: npt.NDArray[np.float32]
    raw: bytes
    colour: Colour


class Row(TypedDict):
    a: int
    b: list[float]


EITHER: list[Union[int, str, float]] = [1, "two", 3.5]
ROWS = [
    Event(i, i % 2 == 0, i / 4, f"event {i}", [Muon(1.5 * k, np.int8(-1)) for k in range(i)], Point(i, -i),
          None if i % 2 else "mu", EITHER[i % 3], {"a": i}, (i, "p"), np.arange(i, dtype=np.float32),
          bytes([i]), Colour.GREEN)
    for i in range(4)
]  # fmt: skip


def test_dataclasses(out: Path) -> None:
    with rntuple.create(out) as file:
        events = file.mkntuple("data", Event)
        events.extend(ROWS[:1])
        events.extend(ROWS[1:])
    ntuple = rntuple.open(out)["data"]
    assert ntuple.verify() == []
    types = ntuple.typenames(recursive=False)
    assert types["run"] == "std::int64_t" and types["trigger"] == "std::optional<std::string>"
    assert types["either"] == "std::variant<std::int64_t,std::string,double>"
    assert types["counts"] == "std::map<std::string,std::int64_t>" and types["samples"] == "std::vector<float>"
    for i, row in enumerate(ROWS):
        found = ntuple[i]
        assert found["muons"] == [{"pt": 1.5 * k, "charge": -1} for k in range(i)]
        assert found["where"] == {"x": i, "y": -i} and found["pair"] == (i, "p") and found["counts"] == [("a", i)]
        assert found["samples"] == list(range(i)) and found["colour"] == 2
        assert [found[name] for name in ("run", "good", "weight", "name", "trigger", "either")] == [
            row.run, row.good, row.weight, row.name, row.trigger, row.either
        ]  # fmt: skip
    assert in_uproot(out).run.tolist() == [0, 1, 2, 3]
    # Without a schema, rows say themselves what they are.
    assert written(out, ROWS).typenames() == ntuple.typenames()


def test_typed_dicts(out: Path) -> None:
    with rntuple.create(out) as file:
        rows = file.mkntuple("data", Row)
        rows.extend([{"a": 1, "b": [0.5]}, {"a": 2, "b": []}])
        with pytest.raises(rntuple.FieldError, match="'b'"):
            rows.extend([{"a": 1}])
        with pytest.raises(rntuple.FieldError, match="'x' is no int64"):
            rows.extend([{"a": "x", "b": []}])
    assert rntuple.open(out)["data"].arrays().tolist() == [{"a": 1, "b": [0.5]}, {"a": 2, "b": []}]


@pytest.mark.parametrize(
    ("kind", "typename"),
    [
        ("float32", "float"),
        (np.int16, "std::int16_t"),
        (np.dtype("u8"), "std::uint64_t"),
        ("var * float32", "std::vector<float>"),
        ("3 * var * int8", "std::array<std::vector<std::int8_t>,3>"),
        ("?int32", "std::optional<std::int32_t>"),
        ("union[int32, string]", "std::variant<std::int32_t,std::string>"),
        ("var * {x: int32, y: ?float64}", ""),
        (list[list[str]], "std::vector<std::vector<std::string>>"),
        (typing.Sequence[int], "std::vector<std::int64_t>"),
        (dict[int, list[float]], "std::map<std::int64_t,std::vector<double>>"),
        (set[int], "std::vector<std::int64_t>"),
        (np.dtype(("f4", (2, 3))), "std::array<std::array<float,3>,2>"),
        (ak.types.from_datashape("var * ?bool", highlevel=False), "std::vector<std::optional<bool>>"),
        (rntuple.SchemaField("ignored", "binary"), "std::vector<std::byte>"),
    ],
)
def test_types(out: Path, kind: Any, typename: str) -> None:
    with rntuple.create(out) as file:
        file.mkntuple("data", {"field": kind})
    ntuple = rntuple.open(out)["data"]
    assert ntuple["field"].typename == typename and ntuple.num_entries == 0


@pytest.mark.parametrize("kind", ["nonsense", complex, np.dtype("M8[s]"), object, list])
def test_types_that_are_none(out: Path, kind: Any) -> None:
    with pytest.raises(rntuple.ArgumentError, match="field 'x'"):
        with rntuple.create(out) as file:
            file.mkntuple("data", {"x": kind})
    assert not out.exists()


def test_arrow_schema(out: Path, events: rntuple.NTuple) -> None:
    with rntuple.create(out) as file:
        copy = file.mkntuple("data", pa.schema(events))
        for batch in events.scan(batch_rows=300).batches():
            copy.extend(batch)
        file.mkntuple("again", events.schema).extend(events)
    for name in ("data", "again"):
        copied = rntuple.open(out)[name]
        assert copied.typenames() == events.typenames()
        assert ak.array_equal(copied.arrays(), events.arrays())


@pytest.mark.parametrize("path", sorted(VECTORS.glob("*.root")), ids=lambda path: str(path.stem))
def test_copies(path: Path, out: Path) -> None:
    if path.stem == "strings":
        pytest.skip("has strings that are no text, which are refused")
    for name in rntuple.open(path):
        original = rntuple.open(path)[name]
        copy = written(out, original)
        assert copy.typenames() == original.typenames()
        assert pa.table(copy).equals(pa.table(original)) or str(pa.table(copy)) == str(pa.table(original))


def test_numbers_are_converted_if_they_fit(out: Path) -> None:
    with rntuple.create(out) as file:
        data = file.mkntuple("data", {"i": "int16", "f": "float32", "l": "var * uint8"})
        data.extend({"i": np.array([1, 2]), "f": [1, 2.5], "l": ak.Array([[1], [255]])})
        data.extend({"f": np.arange(2.0), "l": [[1], []], "i": [3, 4], "unknown": [0, 0]})
        for bad, message in [
            ({"i": np.array([40_000]), "f": [0.0], "l": [[1]]}, "'i'"),
            (
                {"i": np.array([0.5]), "f": [0.0], "l": [[1]]},
                "'i' of type Int16 cannot be written from values of type Float64",
            ),
            ({"i": [1], "f": [0.0], "l": ak.Array([[256]])}, "'l'"),
            ({"i": [1], "f": [0.0]}, "no column 'l'"),
            ({"i": [1, 2], "f": [0.0], "l": [[1]]}, "column 'f' has 1 values"),
            ({"i": [1], "f": np.ma.MaskedArray([0.0], [True]), "l": [[1]]}, "null"),
        ]:
            with pytest.raises(rntuple.FieldError, match=message):
                data.extend(bad)
    assert rntuple.open(out)["data"].arrays().tolist() == [
        {"i": 1, "f": 1.0, "l": [1]}, {"i": 2, "f": 2.5, "l": [255]},
        {"i": 3, "f": 0.0, "l": [1]}, {"i": 4, "f": 1.0, "l": []},
    ]  # fmt: skip


@pytest.mark.parametrize("compression", ["none", "zstd:1", "zstd", "lz4:4", "zlib:6", "lzma:1", 505, 0])
def test_compression(out: Path, compression: str | int) -> None:
    values = np.arange(10_000, dtype=np.int32)
    written(out, {"x": values}, compression=compression)
    assert np.array_equal(in_uproot(out).x, values)
    assert (out.stat().st_size > 40_000) == (compression in ("none", 0))


def test_options(out: Path) -> None:
    values = np.linspace(0, 1, 5000, dtype=np.float32)
    with rntuple.create(out, compression="lz4:1", encodings={"t": "Real32Trunc(12)"}) as file:
        file["data"] = {"t": values, "exact": values}
        other = file.mkntuple(
            "dir/other", {"x": "float64"}, description="a test", compression="none", encodings={"x": "Real32Quant(10;0;1)"},
            approx_zipped_cluster_size=1000, max_unzipped_page_size=512, threads=1,
        )  # fmt: skip
        other.extend({"x": values})
        assert other.num_entries == 5000
    opened = rntuple.open(out)
    encoding = {field.name: field.metadata["rntuple.encoding"] for field in opened["data"].schema.fields}
    assert encoding == {"t": "Real32Trunc(12)", "exact": "SplitReal32"}
    assert np.array_equal(opened["data"].array("exact", library="np"), values)
    assert opened["dir/other"].description == "a test" and opened["dir/other"].num_clusters > 3
    np.testing.assert_allclose(opened["dir/other"].array("x", library="np"), values, atol=1e-3)
    with pytest.raises(rntuple.ArgumentError):
        rntuple.create(out, compression="zstd:99:1")
    with pytest.raises(TypeError, match="'nonsense'"):
        rntuple.create(out, nonsense=1)
    with pytest.raises(rntuple.NotFoundError):
        with rntuple.create(out.with_name("b.root")) as file:
            file.mkntuple("data", {"x": "int32"}, encodings={"y": "Int32"})


def test_same_bytes_whatever_the_threads(out: Path) -> None:
    data = {"x": np.random.default_rng(1).normal(size=200_000), "y": np.arange(200_000)}
    contents = set()
    for threads in (1, 2, 4):
        written(out, data, threads=threads)
        contents.add(out.read_bytes())
    assert len(contents) == 1


def test_several_threads(out: Path) -> None:
    def fill(job: tuple[Any, int]) -> None:
        context, start = job
        with context:
            for i in range(start, start + 5000, 1000):
                context.extend({"x": np.arange(i, i + 1000), "y": [[k] for k in range(1000)]})

    contents = set()
    for _ in range(3):
        with rntuple.create(out, approx_zipped_cluster_size=4000) as file:
            data = file.mkparallel("data", {"x": "int64", "y": "var * int32"}, ordered=True)
            jobs = [(data.context(), i * 5000) for i in range(8)]
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(fill, jobs))
        contents.add(out.read_bytes())
    assert len(contents) == 1
    assert rntuple.open(out)["data"].array("x", library="np").tolist() == list(range(40_000))
    assert rntuple.open(out)["data"].verify() == []
    with pytest.raises(rntuple.ArgumentError, match="dropped"):
        with rntuple.create(out.with_name("lost.root")) as file:
            data = file.mkparallel("data", {"x": "int64"})
            with pytest.raises(rntuple.FieldError), data.context() as context:
                context.extend({"x": [1]})
                context.extend({"x": ["a"]})
    assert not out.with_name("lost.root").exists()


def test_an_exception_leaves_nothing_behind(out: Path) -> None:
    out.write_bytes(b"what was there")
    with pytest.raises(ZeroDivisionError):
        with rntuple.create(out) as file:
            file["data"] = {"x": [1]}
            file.mkntuple("open", {"x": "int32"}).extend({"x": [1]})
            raise ZeroDivisionError
    assert out.read_bytes() == b"what was there" and os.listdir(out.parent) == ["out.root"]


def test_a_refused_data_set_does_not_harm_others(out: Path) -> None:
    with rntuple.create(out) as file:
        file["data"] = {"x": [1]}
        with pytest.raises(rntuple.FieldError):
            file["bad"] = {"x": [1, 2], "y": [1]}
        with pytest.raises(rntuple.FieldError):
            file["worse"] = pa.RecordBatchReader.from_batches(LATE_NULL[0].schema, LATE_NULL)
    assert list(rntuple.open(out)) == ["data"]


NOT_NULL = pa.schema([pa.field("x", pa.int32(), nullable=False)])
LATE_NULL = [pa.RecordBatch.from_arrays([pa.array([x], pa.int32())], schema=NOT_NULL) for x in (1, None)]


def test_file_objects() -> None:
    target = io.BytesIO()
    with rntuple.create(target) as file:
        file["data"] = {"x": [1, 2]}
    assert rntuple.open(target.getvalue())["data"].array("x", library="np").tolist() == [1, 2]


def test_update(out: Path) -> None:
    written(out, {"x": np.arange(3, dtype=np.int32)})
    with rntuple.update(out, compression="lz4") as file:
        file["more"] = {"y": ["a"]}
        data = file.append("data", {"x": [3]})
        data.extend({"x": np.array([4], np.int64)})
    rntuple.append(f"{out}:data", {"x": [5]})
    rntuple.append(out, {"x": [6]}, "data")
    assert in_uproot(out).x.tolist() == list(range(7))
    assert rntuple.open(out)["more"].arrays().tolist() == [{"y": "a"}]
    with rntuple.update(out) as file:
        file["data"] = {"z": [1]}
    assert rntuple.open(out).keys(cycle=True).count("data;2") == 1
    assert list(rntuple.open(out)["data"]) == ["z"] and list(rntuple.open(out)["data;1"]) == ["x"]
    with pytest.raises(FileNotFoundError):
        rntuple.update(out.with_name("missing.root"))
    with rntuple.update(out) as file, pytest.raises(rntuple.NotFoundError):
        file.append("nope")


def test_update_a_file_of_uproot(out: Path) -> None:
    with uproot.recreate(out) as file:
        file.mkrntuple("data", {"x": np.arange(3)})
    with rntuple.update(out) as ours:
        ours["more"] = {"y": [1.5]}
    assert in_uproot(out).x.tolist() == [0, 1, 2]
    assert uproot.open(out)["more"].arrays().y.tolist() == [1.5]


def test_more_fields_while_writing(out: Path) -> None:
    with rntuple.create(out) as file:
        data = file.mkntuple("data", {"x": "int32"})
        data.extend({"x": [1, 2]})
        data.add_fields({"late": "var * float32"})
        data.extend({"x": [3], "late": [[0.5]]})
    assert rntuple.open(out)["data"].array("late").tolist() == [[], [], [0.5]] == in_uproot(out).late.tolist()


def test_checkpoints(out: Path) -> None:
    file = rntuple.create(out, checkpoint=1)
    data = file.mkntuple("data", {"x": "int32"})
    data.extend({"x": [1, 2]})
    data.checkpoint()
    # Whoever opens the file now sees what there is.
    assert rntuple.open(out)["data"].num_entries == 2
    data.extend({"x": [3]})
    file.close()
    assert rntuple.open(out)["data"].num_entries == 3


def test_closed(out: Path) -> None:
    with rntuple.create(out) as file:
        data = file.mkntuple("data", {"x": "int32"})
    with pytest.raises(RuntimeError, match="closed"):
        data.extend({"x": [1]})
    with pytest.raises(RuntimeError, match="closed"):
        file["more"] = {"x": [1]}


def test_a_stream_larger_than_a_batch(out: Path, events: rntuple.NTuple) -> None:
    def batches() -> Any:
        for i in range(50):
            yield pa.record_batch({"x": pa.array([i] * 1000, pa.int32())})

    schema = pa.schema([pa.field("x", pa.int32(), nullable=False)])
    ntuple = written(out, pa.RecordBatchReader.from_batches(schema, (batch.cast(schema) for batch in batches())))
    assert ntuple["x"].typename == "std::int32_t" and ntuple.num_entries == 50_000
    assert ntuple.array("x", library="np").sum() == sum(range(50)) * 1000


READ_BY_ROOT = """
import json, sys, ROOT
reader = ROOT.RNTupleReader.Open("data", sys.argv[1])
out = []
for entry in range(reader.GetNEntries()):
    out.append(entry)
frame = ROOT.RDataFrame("data", sys.argv[1])
print(json.dumps({
    "entries": len(out),
    "i": [int(x) for x in frame.Take["std::int32_t"]("i").GetValue()],
    "v": [[float(y) for y in x] for x in frame.Take["ROOT::VecOps::RVec<float>"]("v").GetValue()],
    "s": [str(x) for x in frame.Take["std::string"]("s").GetValue()],
}))
"""


def test_root_reads_it(out: Path) -> None:
    python = os.environ.get("ROOT_PYTHON", sys.executable)
    if subprocess.run([python, "-c", "import ROOT"], capture_output=True).returncode:
        pytest.skip("ROOT is not installed")
    data = {
        "i": np.arange(4, dtype=np.int32),
        "v": ak.values_astype(ak.Array([[0.5], [], [1.5, 2.5], []]), "float32"),
        "s": ["a", "", "c", "é"],
    }
    written(out, data)
    result = subprocess.run([python, "-c", READ_BY_ROOT, out], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout.splitlines()[-1])
    assert found == {"entries": 4, "i": [0, 1, 2, 3], "v": [[0.5], [], [1.5, 2.5], []], "s": ["a", "", "c", "é"]}


def test_copy_of_the_example_is_read_by_others(out: Path) -> None:
    original = rntuple.open(DIMUON)["Events"]
    written(out, original)
    assert ak.array_equal(in_uproot(out).Muon_pt, original.array("Muon_pt"))
