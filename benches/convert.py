#!/usr/bin/env python3
"""Measures `rntuple convert` from Parquet or CSV against arrow-rs writing the same as Parquet, both with zstd.

    cargo build --release -p rntuple-converters -p rntuple-benches --bin rntuple --example to_parquet
    benches/convert.py target/release FILE.parquet FILE.csv [--rounds 5] [--level 5] [--threads 2]

Files of 1 GB are made from those of `compare`, for instance by `rntuple convert nano.root nano.root .. big.parquet`. ROOT's level
5 of zstd is zstd's own level 10, which is what arrow-rs gets then. The two take turns, so that what else the machine does hits
both. Prints for each its times, peak memory and bytes, and the median of the ratios of each round.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import tempfile
import time


def run(command):
    started = time.perf_counter()
    process = subprocess.Popen([str(word) for word in command])
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(f"failed: {command}")
    return time.perf_counter() - started, usage.ru_maxrss / 1024


def compare(source, folder, args):
    root, parquet = folder / "out.root", folder / "out.parquet"
    ours = [args.programs / "rntuple", "convert", "-q", source, root, "-j", args.threads, "-c", f"zstd:{args.level}"]
    theirs = [args.programs / "examples" / "to_parquet", source, parquet, 2 * args.level]
    rounds = [(run(ours), run(theirs)) for _ in range(args.rounds)]
    print(f"{source}, {source.stat().st_size / 1e6:.0f} MB")
    for name, i, file in (("rntuple convert", 0, root), ("arrow-rs", 1, parquet)):
        times = ", ".join(f"{one[i][0]:.2f}" for one in rounds)
        memory = max(one[i][1] for one in rounds)
        print(f"  {name:16} {times} s; at most {memory:.0f} MiB; {file.stat().st_size / 1e6:.1f} MB")
    ratio = statistics.median(one[0][0] / one[1][0] for one in rounds)
    size = root.stat().st_size / parquet.stat().st_size
    print(f"  rntuple convert takes {ratio:.2f} times as long as arrow-rs, and its file is {size:.2f} times as large")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("programs", type=pathlib.Path)
    parser.add_argument("sources", type=pathlib.Path, nargs="+", metavar="FILE")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--level", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for source in args.sources:
            compare(source, pathlib.Path(folder), args)


if __name__ == "__main__":
    main()
