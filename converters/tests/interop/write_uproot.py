"""write_uproot.py make FILE: a new file with a histogram, a tree, a directory and an RNTuple.
write_uproot.py update FILE: a histogram added to a file that is there, and another one in a directory."""
import sys

import awkward
import numpy
import uproot

command, path = sys.argv[1:]
if command == "make":
    with uproot.recreate(path) as file:
        file["histogram"] = numpy.histogram(numpy.arange(100), bins=10)
        file["folder/histogram"] = numpy.histogram(numpy.arange(50), bins=5)
        file.mktree("tree", {"number": numpy.dtype("i4")}).extend({"number": numpy.arange(20, dtype="i4")})
        numbers = {"id": numpy.arange(30), "values": awkward.Array([[i * 0.5] * (i % 3) for i in range(30)])}
        file.mkrntuple("by_uproot", awkward.Array(numbers))
else:
    with uproot.update(path) as file:
        file["histogram"] = numpy.histogram(numpy.arange(100), bins=10)
        file["folder/histogram"] = numpy.histogram(numpy.arange(50), bins=5)
