"""pyarrow reads Parquet: pyarrow_read.py FILE THREADS COLUMNS...

The first pass warms up and checks all values, the second one is measured.
"""

import json
import sys
import time

import numpy
import pyarrow
import pyarrow.parquet


def leaves(array):
    """The arrays of leaf values: numbers, bools, and bytes of strings."""
    kind = array.type
    if pyarrow.types.is_list(kind):
        yield from leaves(array.flatten())
    elif pyarrow.types.is_struct(kind):
        for child in array.flatten():
            yield from leaves(child)
    elif pyarrow.types.is_string(kind):
        yield numpy.frombuffer("".join(array.to_pylist()).encode(), dtype=numpy.uint8)
    else:
        yield array.to_numpy(zero_copy_only=False)


def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))


def main():
    file, threads, *columns = sys.argv[1:]
    pyarrow.set_cpu_count(int(threads))

    def run():
        return pyarrow.parquet.read_table(file, columns=columns or None, use_threads=int(threads) > 1)

    count, total = 0, 0.0
    for column in run().columns:
        for chunk in column.chunks:
            for leaf in leaves(chunk):
                count += len(leaf)
                total += float(leaf.sum(dtype=numpy.float64))
    start = time.perf_counter()
    table = run()
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "peak": peak(), "count": count, "sum": total}))
    del table


main()
