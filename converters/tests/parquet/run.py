#!/usr/bin/env python3
"""Converts the public files of apache/parquet-testing to RNTuple and back, and compares with pyarrow.

    run.py --rntuple PATH/TO/rntuple [--files FOLDER]

Without --files, the archive of apache/parquet-testing is downloaded to a temporary folder; nothing of it is kept. Where it
cannot be had, it says that it skips, and ends with status 77.
Needs pyarrow. Each file ends as one of these, and any other outcome, or a difference, makes the script fail:

  equal     values and schema are those that pyarrow reads from the original
  cast      values are; the type differs in what arrow-rs, by itself, makes of the original (strings as views and the like)
  refused   rntuple says why; the reason is printed
  range     has times outside of the range of 64-bit nanoseconds, on which readers do not agree; not compared
  unread    pyarrow cannot read the original either
"""

import argparse
import collections
import io
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import urllib.request

import pyarrow as pa
import pyarrow.parquet as pq

ARCHIVE = "https://codeload.github.com/apache/parquet-testing/tar.gz/refs/heads/master"
SKIPPED = 77
# Damaged on purpose, or encrypted: there is nothing to compare.
NOT_TABLES = ("encrypt", "external_key_material")
# Both readers wrap around where nanoseconds since 1970 do not fit 64 bits, each in its own way.
OUT_OF_RANGE = {"int96_from_spark.parquet"}


def files(folder):
    return [p for p in sorted(folder.rglob("*.parquet")) if not any(word in str(p) for word in NOT_TABLES)]


def fetch(folder):
    try:
        with urllib.request.urlopen(ARCHIVE, timeout=120) as answer:
            content = answer.read()
    except OSError as error:
        print(f"skipped: the public files cannot be downloaded: {error}")
        sys.exit(SKIPPED)
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        archive.extractall(folder, filter="data")
    return pathlib.Path(folder)


def run(rntuple, *args):
    done = subprocess.run([rntuple, "convert", "--quiet", *map(str, args)], capture_output=True, text=True, timeout=300)
    return done.returncode, done.stderr.strip()


def values(column):
    """Python values; numbers of times that Python has no type for."""
    try:
        return column.to_pylist()
    except ValueError:
        return column.cast(pa.int64()).to_pylist()


def difference(a, b):
    """What differs, if anything; NaN is equal to NaN, and what pyarrow reads as different types is cast."""
    if a.num_rows != b.num_rows or a.column_names != b.column_names:
        return "rows or columns"
    for x, y in zip(a.columns, b.columns):
        if x.type != y.type:
            try:
                y = y.cast(x.type)
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
                x, y = x.cast(pa.string()), y.cast(pa.string())
        if x.combine_chunks().equals(y.combine_chunks()):
            continue
        for row, (v, w) in enumerate(zip(values(x), values(y))):
            if repr(v) != repr(w):
                return f"row {row}: {v!r} became {w!r} ({x.type}, {y.type})"
    return None


def check(rntuple, path, scratch):
    root, back = scratch / "out.root", scratch / "out.parquet"
    for file in (root, back):
        file.unlink(missing_ok=True)
    status, message = run(rntuple, path, root)
    try:
        original = pq.ParquetFile(path).read()
    except Exception as error:  # pyarrow's errors have many types, and all mean the same here
        if status == 0:
            return "unread", f"pyarrow: {str(error).splitlines()[0][:100]}"
        return ("unread", message) if status == 1 and not root.exists() else ("WRONG", message)
    if status == 0:
        status, message = run(rntuple, root, back)
    if status != 0:
        clean = status == 1 and path.name in message or "out.parquet" in message or "out.root" in message
        return ("refused" if clean else "WRONG"), message
    result = pq.ParquetFile(back).read()
    differs = difference(original, result)
    if differs:
        return ("range" if path.name in OUT_OF_RANGE else "WRONG"), differs
    return ("equal" if original.schema.equals(result.schema) else "cast"), ""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rntuple", required=True)
    parser.add_argument("--files", type=pathlib.Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        folder = args.files or fetch(scratch)
        counts = collections.Counter()
        found = files(folder)
        for path in found:
            verdict, why = check(args.rntuple, path, scratch)
            counts[verdict] += 1
            if verdict != "equal":
                print(f"{verdict:8} {path.relative_to(folder)}{': ' if why else ''}{why}")
        print(", ".join(f"{n} {verdict}" for verdict, n in sorted(counts.items())), f"of {len(found)} files")
        if counts["WRONG"] or not counts["equal"]:
            sys.exit(1)


if __name__ == "__main__":
    main()
