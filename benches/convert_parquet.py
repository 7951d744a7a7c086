#!/usr/bin/env python3
"""Measures `rntuple convert` from Parquet against arrow-rs rewriting the same file, both with zstd.

    cargo build --release -p rntuple-converters -p rntuple-benches --bin rntuple --example rewrite_parquet
    benches/convert_parquet.py target/release FILE.parquet [--rounds 5] [--level 5] [--threads 2]

ROOT's level 5 of zstd is zstd's own level 10, which is what arrow-rs gets then. The two take turns, so that what else the machine does hits both. Prints for each its times, peak memory and bytes, and
the median of the ratios of each round.
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


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("programs", type=pathlib.Path)
    parser.add_argument("parquet", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--level", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root, rewritten = pathlib.Path(folder) / "out.root", pathlib.Path(folder) / "out.parquet"
        ours = [args.programs / "rntuple", "convert", "-q", args.parquet, root, "-j", args.threads]
        ours += ["-c", f"zstd:{args.level}"]
        theirs = [args.programs / "examples" / "rewrite_parquet", args.parquet, rewritten, 2 * args.level]
        rounds = [(run(ours), run(theirs)) for _ in range(args.rounds)]
        for name, i, file in (("rntuple convert", 0, root), ("arrow-rs", 1, rewritten)):
            times = ", ".join(f"{one[i][0]:.2f}" for one in rounds)
            memory = max(one[i][1] for one in rounds)
            print(f"{name:16} {times} s; at most {memory:.0f} MiB; {file.stat().st_size / 1e6:.1f} MB")
        ratio = statistics.median(one[0][0] / one[1][0] for one in rounds)
        size = root.stat().st_size / rewritten.stat().st_size
        print(f"rntuple convert takes {ratio:.2f} times as long as arrow-rs, and its file is {size:.2f} times as large")


if __name__ == "__main__":
    main()
