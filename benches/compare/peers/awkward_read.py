"""uproot, or the Python package of this library, reads: awkward_read.py MODULE FILE all|random ENTRIES COLUMNS...

ENTRIES is a file with the numbers of the entries to read, for `random`. The first pass warms up and checks all values,
the second one is measured. A pass that takes more than 20 seconds is not repeated: it is the result.
"""

import importlib
import json
import sys
import time

import awkward
import numpy


def leaves(layout):
    """The arrays of leaf values: numbers, bools, and bytes of strings."""
    if layout.is_numpy:
        yield numpy.asarray(layout.data).ravel()
    elif layout.is_record or layout.is_union:
        for content in layout.contents:
            yield from leaves(content)
    elif layout.is_list or layout.is_option:
        yield from leaves(layout.content)
    elif layout.is_indexed:
        yield from leaves(layout.project())
    elif not layout.is_unknown:
        raise TypeError(f"no check for {type(layout)}")


def check_of(array):
    found = [0, 0.0]
    for leaf in leaves(awkward.to_packed(array).layout):
        found[0] += len(leaf)
        found[1] += float(leaf.sum(dtype=numpy.float64))
    return found


def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))


def main():
    module, file, mode, entries, *columns = sys.argv[1:]
    package = importlib.import_module(module)
    found = [0, 0.0]

    def run(check):
        def add(array):
            if check:
                for i, part in enumerate(check_of(array)):
                    found[i] += part

        events = package.open(file)["Events"]
        chosen = {"filter_name": columns} if columns else {}
        if mode == "all":
            array = events.arrays(**chosen)
            elapsed = time.perf_counter() - start
            add(array)
            return elapsed
        for entry in numbers:
            add(events.arrays(entry_start=entry, entry_stop=entry + 1, **chosen))
        return time.perf_counter() - start

    numbers = [int(line) for line in open(entries)] if mode == "random" else []
    start = time.perf_counter()
    seconds = run(check=True)
    if seconds < 20:
        start = time.perf_counter()
        seconds = run(check=False)
    print(json.dumps({"seconds": seconds, "peak": peak(), "count": found[0], "sum": found[1]}))


main()
