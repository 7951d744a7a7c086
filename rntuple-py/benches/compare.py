#!/usr/bin/env python3
"""Times this package and uproot at the same work, in one process, on the same files.

    compare.py --whole nano.root --some nano.root:run,event,Muon_pt,Jet_pt,MET_pt --wide wide.root [--runs 5]

`--whole` reads every field, `--some` the named ones, `--wide` opens a file anew and reads two fields. Each is read into
Awkward Arrays; the best of several runs counts, and what both read is compared. The files are those of `cargo run
--release -p rntuple-benches --bin compare`; any others with one RNTuple do as well.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable
from typing import Any

import awkward as ak
import numpy as np
import rntuple
import uproot


def best(work: Callable[[], Any], runs: int) -> tuple[float, Any]:
    """Seconds of the fastest run, and what it gave."""
    fastest, result = float("inf"), None
    for _ in range(runs):
        # What the run before gave is not freed within the next one.
        result = None
        started = time.perf_counter()
        result = work()
        fastest = min(fastest, time.perf_counter() - started)
    return fastest, result


def compare(what: str, path: str, fields: list[str] | None, runs: int, uproot_runs: int, reopen: bool) -> None:
    name = rntuple.open(path).only().name
    chosen: dict[str, Any] = {} if fields is None else {"filter_name": fields}

    def ours() -> Any:
        ntuple = rntuple.open(path)[name] if reopen else opened
        return ntuple.arrays(fields)

    def theirs() -> Any:
        ntuple = uproot.open(path)[name] if reopen else other
        return ntuple.arrays(array_cache=None, **chosen)

    opened = rntuple.open(path)[name]
    other = uproot.open(path)[name]
    ours_time, mine = best(ours, runs)
    theirs_time, expected = best(theirs, uproot_runs)
    checked = mine.fields[:: max(1, len(mine.fields) // 20)]
    for field in checked:
        assert np.all(ak.flatten(mine[field], axis=None) == ak.flatten(expected[field], axis=None)), field
    print(
        f"{what:34} {len(mine):>9,} x {len(mine.fields):<6,} rntuple {ours_time * 1e3:10.1f} ms   uproot "
        f"{theirs_time * 1e3:11.1f} ms   ratio {theirs_time / ours_time:9.1f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--whole", action="append", default=[], metavar="FILE", help="read every field")
    parser.add_argument("--some", action="append", default=[], metavar="FILE:NAMES", help="read some fields")
    parser.add_argument("--wide", action="append", default=[], metavar="FILE", help="open, and read two fields")
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    print(
        f"rntuple {rntuple.__version__}, uproot {uproot.__version__}, awkward {ak.__version__}, Python {platform.python_version()}"
    )
    for path in arguments.whole:
        compare(f"{path.rpartition('/')[2]}, whole", path, None, arguments.runs, arguments.runs, False)
    for some in arguments.some:
        path, _, names = some.rpartition(":")
        fields = names.split(",")
        compare(f"{path.rpartition('/')[2]}, {len(fields)} fields", path, fields, arguments.runs, arguments.runs, False)
    for path in arguments.wide:
        compare(
            f"{path.rpartition('/')[2]}, two fields",
            path,
            list(rntuple.open(path).only())[::5000][:2],
            arguments.runs,
            1,
            True,
        )


if __name__ == "__main__":
    main()
