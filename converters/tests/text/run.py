#!/usr/bin/env python3
"""Compares conversions of text with what pandas, pyarrow, NumPy and Python's own csv and json make of the same files.

    python3 converters/tests/text/run.py [path of the rntuple binary]

needs pandas, pyarrow and numpy; ends with status 1 at the first difference. Each table goes from text to RNTuple and
from there to Arrow IPC, which pyarrow reads.
"""

import bz2
import csv
import gzip
import json
import lzma
import math
import pathlib
import random
import struct
import subprocess
import sys
import tempfile

import numpy
import pandas
import pyarrow
import pyarrow.csv
import pyarrow.ipc

BINARY = sys.argv[1] if len(sys.argv) > 1 else "rntuple"
FOLDER = pathlib.Path(tempfile.mkdtemp(prefix="rntuple-text-"))
RANDOM = random.Random(7)
checks = 0


def rntuple(*args, fails=False, stdin=None):
    done = subprocess.run([BINARY, *map(str, args)], capture_output=True, input=stdin)
    if (done.returncode != 0) != fails:
        sys.exit(f"{args}: status {done.returncode}\n{done.stderr.decode()}")
    return done.stderr.decode() if fails else done.stdout


def table(*inputs, options=(), stdin=None):
    """What pyarrow reads after text -> RNTuple -> Arrow IPC."""
    rntuple("convert", *inputs, FOLDER / "out.root", "--quiet", *options, stdin=stdin)
    rntuple("verify", FOLDER / "out.root", "--quiet")
    rntuple("convert", FOLDER / "out.root", FOLDER / "out.arrow", "--quiet")
    return pyarrow.ipc.open_file(FOLDER / "out.arrow").read_all()


def same(name, found, expected):
    global checks
    checks += 1

    def equal(a, b):
        if isinstance(a, float) and isinstance(b, float):
            return a == b and math.copysign(1, a) == math.copysign(1, b) or (math.isnan(a) and math.isnan(b))
        if isinstance(a, list) and isinstance(b, list):
            return len(a) == len(b) and all(map(equal, a, b))
        if isinstance(a, dict) and isinstance(b, dict):
            return a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
        return type(a) is type(b) and a == b

    if equal(found, expected):
        return
    if isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        for at, (a, b) in enumerate(zip(found, expected)):
            if not equal(a, b):
                sys.exit(f"{name}: item {at}: {a!r}, expected {b!r}")
    sys.exit(f"{name}: {found!r}, expected {expected!r}")


def write(name, text):
    path = FOLDER / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def columns(of):
    return {name: of.column(name).to_pylist() for name in of.column_names}


# Nasty files, with the options that they need of us and of pyarrow.
NASTY = {
    "quotes": ('a,b\n1,"x, ""y""\nz"\n2,plain\n', (), {}),
    "crlf": ("a,b\r\n1,x\r\n2,y\r\n", (), {}),
    "bom": ("\ufeffa,b\n1,é\n2,µ⁺\n", (), {}),
    "no newline at the end": ("a,b\n1,x\n2,y", (), {}),
    "blank lines": ("a,b\n\n1,x\n\n\n2,y\n\n", (), {}),
    "semicolons": ("a;b\n1;0.5\n2;1e-3\n", ("--delimiter", ";"), {"delimiter": ";"}),
    "single quotes": ("a,b\n1,'x,y'\n", ("--quote", "'"), {"quote_char": "'"}),
    "escapes": ('a,b\n1,"x\\"y"\n', ("--escape", "\\"), {"escape_char": "\\"}),
    "numbers": (
        "i,u,d\n-9223372036854775808,18446744073709551615,1.7976931348623157e308\n"
        "9223372036854775807,0,5e-324\n0,1,-0.0\n",
        ("--types", "u=uint64"),
        {"types": {"u": pyarrow.uint64()}},
    ),
    "dates": ("d,t\n2026-11-21,2026-11-21 12:34:56\n1969-12-31,1969-12-31 23:59:59\n", (), {"us": ["t"]}),
    "many columns": (
        ",".join(f"c{i}" for i in range(2000)) + "\n" + ",".join(str(i) for i in range(2000)) + "\n",
        (),
        {},
    ),
    "unquoted quotes": ('a,b\n1,5" pipe\n2,it"s\n', (), {}),
}


def nasty_csv():
    for name, (text, options, how) in NASTY.items():
        path = write("nasty.csv", text)
        found = table(path, options=options)
        parse = pyarrow.csv.ParseOptions(
            delimiter=how.get("delimiter", ","),
            quote_char=how.get("quote_char", '"'),
            escape_char=how.get("escape_char", False),
            newlines_in_values=True,
        )
        types = {**how.get("types", {}), **{column: pyarrow.timestamp("us") for column in how.get("us", [])}}
        convert = pyarrow.csv.ConvertOptions(column_types=types)
        expected = pyarrow.csv.read_csv(path, parse_options=parse, convert_options=convert)
        same(name, columns(found), columns(expected))
        for column in expected.column_names:
            same(f"type of {name}.{column}", str(found.schema.field(column).type), str(expected.schema.field(column).type))


def random_texts(count):
    pieces = ["a", "b", " ", ",", '"', "\n", "é", "粒", ";", "'", "\t", "#", "x y"]
    return ["".join(RANDOM.choices(pieces, k=RANDOM.randrange(1, 9))) for _ in range(count)]


def generated_csv():
    """Python's csv module writes, pandas reads, we read."""
    for rows in (1, 2, 1000, 50_000):
        data = {
            "i": [RANDOM.randrange(-(2**63), 2**63) for _ in range(rows)],
            "d": [struct.unpack("<d", struct.pack("<Q", RANDOM.getrandbits(62)))[0] for _ in range(rows)],
            "b": [RANDOM.random() < 0.5 for _ in range(rows)],
            "s": ["s" + text for text in random_texts(rows)],
            "n": [None if RANDOM.random() < 0.3 else RANDOM.uniform(-1, 1) for _ in range(rows)],
        }
        data["d"] = [value if math.isfinite(value) else 0.5 for value in data["d"]]
        data["n"][0] = None
        path = FOLDER / "generated.csv"
        with open(path, "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(data)
            for row in zip(*data.values()):
                writer.writerow(["" if value is None else repr(value) if isinstance(value, float) else value for value in row])
        found = columns(table(path))
        if rows == 1:
            found["n"] = [None]  # a column without any value is one of strings
        same(f"generated, {rows} rows", found, data)
        frame = pandas.read_csv(path)
        if rows > 2:
            same(f"pandas, {rows} rows", found["i"], frame["i"].tolist())
            same(f"pandas, {rows} rows", found["s"], frame["s"].tolist())
        # And back: what Python's csv module reads.
        rntuple("convert", FOLDER / "out.root", FOLDER / "back.csv", "--quiet")
        with open(FOLDER / "back.csv", newline="") as file:
            back = list(csv.DictReader(file))
        same("back", [row["s"] for row in back], data["s"])
        same("back", [int(row["i"]) for row in back], data["i"])
        same("back", [float(row["d"]) for row in back], data["d"])
        same("back", [float(row["n"]) if row["n"] else None for row in back], data["n"])


def compressed():
    text = "a,b\n" + "".join(f"{i},x{i}\n" for i in range(3000))
    expected = {"a": list(range(3000)), "b": [f"x{i}" for i in range(3000)]}
    half = len(text) // 2
    parts = [text[:half].encode(), text[half:].encode()]
    for name, compress in [("gz", gzip.compress), ("xz", lzma.compress), ("bz2", bz2.compress)]:
        # Two members, and a name that says nothing.
        path = write("compressed.csv", b"".join(map(compress, parts)))
        same(name, columns(table(path)), expected)
    for end, read in [("gz", gzip.decompress), ("xz", lzma.decompress), ("bz2", bz2.decompress)]:
        path = FOLDER / f"out.csv.{end}"
        rntuple("convert", FOLDER / "out.root", path, "--quiet")
        same(end, read(path.read_bytes()).decode(), text)
        same(end, columns(table(path)), expected)
    rntuple("convert", FOLDER / "out.root", FOLDER / "out.tsv.zst", "--quiet")
    same("zst", columns(table(FOLDER / "out.tsv.zst")), expected)
    same("stdin", columns(table("-", options=("--from", "csv"), stdin=text.encode())), expected)
    same("stdin twice", columns(table("-", options=("--from", "csv", "--infer-rows", "all"), stdin=text.encode())), expected)


def random_json(depth=0):
    """A value and its like, so that all rows have the same types."""
    kinds = ["int", "double", "bool", "text"] + ([] if depth > 2 else ["list", "object"])
    kind = RANDOM.choice(kinds)
    if kind == "int":
        return lambda: RANDOM.randrange(-(2**63), 2**63)
    if kind == "double":
        return lambda: RANDOM.uniform(-1, 1) * 10.0 ** RANDOM.randrange(-300, 300)
    if kind == "bool":
        return lambda: RANDOM.random() < 0.5
    if kind == "text":
        return lambda: RANDOM.choice(["", "a", 'q"\\/\b\f\n\r\t', "é粒", "\u0001", "😀"]) * RANDOM.randrange(3)
    if kind == "list":
        item = random_json(depth + 1)
        return lambda: [item() for _ in range(RANDOM.randrange(4))]
    members = {f"k{i}": random_json(depth + 1) for i in range(RANDOM.randrange(1, 4))}
    return lambda: {key: make() for key, make in members.items()}


def optional(make, share):
    return lambda: None if RANDOM.random() < share else make()


def json_lines():
    for case in range(30):
        members = {f"m{i}": random_json() for i in range(RANDOM.randrange(1, 6))}
        members["o"] = optional(random_json(3), 0.5)
        rows = [{key: make() for key, make in members.items()} for _ in range(RANDOM.choice([1, 20, 3000]))]
        ascii_only = case % 2 == 0
        lines = "".join(json.dumps(row, ensure_ascii=ascii_only) + "\n" for row in rows)
        found = table(write("rows.jsonl", lines)).to_pylist()
        same(f"json {case}", found, rows)
        # One array over many lines.
        found = table(write("rows.json", json.dumps(rows, indent=1))).to_pylist()
        same(f"json array {case}", found, rows)
        # And back: what Python reads.
        rntuple("convert", FOLDER / "out.root", FOLDER / "back.jsonl.gz", "--quiet")
        back = [json.loads(line) for line in gzip.open(FOLDER / "back.jsonl.gz", "rt", encoding="utf-8").read().split("\n")[:-1]]
        same(f"json back {case}", back, rows)
    text = '{"a": 1, "b": {"c": [1, 2.5]}}\n{"b": {"c": [], "d": "x"}}\n{"a": 18446744073709551615, "b": {}}\n'
    found = table(write("missing.jsonl", text))
    same("missing keys", found.to_pylist(), [
        {"a": 1, "b": {"c": [1.0, 2.5], "d": None}},
        {"a": None, "b": {"c": [], "d": "x"}},
        {"a": 2**64 - 1, "b": {"c": None, "d": None}},
    ])
    same("missing keys", str(found.schema.field("a").type), "uint64")


def archives():
    rows = 5000
    data = {
        "flag": [i % 3 == 0 for i in range(rows)],
        "small": [i % 256 - 128 for i in range(rows)],
        "single": [struct.unpack("<f", struct.pack("<f", RANDOM.uniform(-9, 9)))[0] for _ in range(rows)],
        "double": [RANDOM.uniform(-1, 1) for _ in range(rows)],
        "text": [RANDOM.choice(["", "a", "é粒😀", "long enough"]) for _ in range(rows)],
        "vector": [[i, i + 0.5, -i] for i in range(rows)],
        "jagged": [list(range(i % 5)) for i in range(rows)],
    }
    path = write("arrays.jsonl", "".join(json.dumps(dict(zip(data, row))) + "\n" for row in zip(*data.values())))
    types = "small=int8,single=float32,vector=array<float64, 3>,jagged=list<int16>"
    table(path, options=("--types", types))
    rntuple("convert", FOLDER / "out.root", FOLDER / "arrays.npz", "--quiet")
    with numpy.load(FOLDER / "arrays.npz", allow_pickle=False) as found:
        same("arrays", sorted(found.files), sorted([*data, "jagged.offsets"]))
        for name, dtype in [("flag", "bool"), ("small", "int8"), ("single", "float32"), ("double", "float64"),
                            ("text", "<U11"), ("vector", "float64"), ("jagged.offsets", "int64")]:
            same(name, str(found[name].dtype), str(numpy.dtype(dtype)))
        for name in ("flag", "small", "single", "double", "text"):
            same(name, found[name].tolist(), data[name])
        same("vector", found["vector"].tolist(), [[float(x) for x in row] for row in data["vector"]])
        same("vector", list(found["vector"].shape), [rows, 3])
        offsets, values = found["jagged.offsets"], found["jagged"]
        same("jagged", [values[a:b].tolist() for a, b in zip(offsets, offsets[1:])], data["jagged"])
    # The data start at a multiple of 64 bytes in each .npy, as NumPy has it.
    import zipfile

    with zipfile.ZipFile(FOLDER / "arrays.npz") as archive:
        same("zip", archive.testzip(), None)
        for name in archive.namelist():
            start = archive.read(name)[:10]
            same(name, (10 + struct.unpack("<H", start[8:])[0]) % 64, 0)


def bad_files():
    """Message, status, and nothing left behind."""
    for text, options, expected in [
        ("a,b\n1,2\n3\n", (), "line 3: 1 value, but there are 2 columns"),
        ('a,b\n1,"x\ny"\n2,z,3\n', (), "line 4: 3 values"),
        ('a,b\n1,2\n3,"x\n', (), "line 3: a quote is opened and never closed"),
        ("a,b\n1,2\nx,3\n", ("--infer-rows", "1"), "line 3, column 'a': \"x\" is not of the type int64"),
        (b"a,b\n1,\xff\n", (), "line 2: column 'b' is not UTF-8"),
    ]:
        target = FOLDER / "bad.root"
        message = rntuple("convert", write("bad.csv", text), target, *options, fails=True)
        if expected not in message or target.exists() or list(FOLDER.glob(".bad*")):
            sys.exit(f"{text!r}: {message!r}, expected {expected!r}")


for test in (nasty_csv, generated_csv, compressed, json_lines, archives, bad_files):
    test()
    print(f"{test.__name__}: as expected")
print(f"{checks} comparisons")
