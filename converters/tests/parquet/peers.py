#!/usr/bin/env python3
"""Checks with ROOT and uproot that Arrow types which RNTuple lacks are stored as the values that the format pages say.

    peers.py --rntuple PATH/TO/rntuple

Needs ROOT 6.40 or later, uproot and pyarrow. Fails when one of them reads anything else.
"""

import argparse
import datetime
import decimal
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import pyarrow as pa
import pyarrow.parquet as pq
import ROOT
import uproot

UTC = datetime.timezone.utc
D = decimal.Decimal
# Column: Arrow type, values, physical values.
COLUMNS = {
    "i": (pa.int32(), [1, None], [1, None]),
    "time": (pa.timestamp("us", "UTC"), [datetime.datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), None], [1_000_000, None]),
    "day": (pa.date32(), [datetime.date(1970, 1, 3), None], [2, None]),
    "clock": (pa.time64("us"), [datetime.time(0, 0, 2), None], [2_000_000, None]),
    "span": (pa.duration("ms"), [datetime.timedelta(seconds=3), None], [3000, None]),
    "price": (pa.decimal128(10, 2), [D("1.23"), D("-4.50")], [123, -450]),
    "wide": (pa.decimal128(30, 2), [D("2.58"), None], [[2, 1] + 14 * [0], None]),
    "id": (pa.binary(3), [b"abc", None], [[97, 98, 99], None]),
    "word": (pa.dictionary(pa.int8(), pa.string()), ["a", "b"], ["a", "b"]),
    "view": (pa.string_view(), ["x", None], ["x", None]),
    "nothing": (pa.null(), [None, None], [None, None]),
    "large": (pa.large_list(pa.int16()), [[1, None], None], [[1, None], None]),
    "pair": (pa.list_(pa.float32(), 2), [[1.5, 2.5], None], [[1.5, 2.5], None]),
    "pick up": (pa.struct([("lat", pa.float64())]), [{"lat": 0.5}, None], [{"lat": 0.5}, None]),
}

ROOT.gInterpreter.Declare(
    """
#include <ROOT/RNTupleDescriptor.hxx>
#include <ROOT/RNTupleReader.hxx>
#include <sstream>
std::string show(const std::string &file) {
   ROOT::RNTupleDescriptor::RCreateModelOptions how;
   how.SetEmulateUnknownTypes(true);
   auto reader = ROOT::RNTupleReader::Open(how, "Events", file);
   std::ostringstream out;
   for (auto entry : *reader) { reader->Show(entry, out); out << ","; }
   return out.str();
}
"""
)


def by_root(file):
    text = str(ROOT.show(str(file))).rstrip().rstrip(",")
    return json.loads("[" + re.sub(r"0x([0-9a-f]{2})", lambda m: str(int(m.group(1), 16)), text) + "]")


def by_uproot(file):
    events = uproot.open(f"{file}:Events")
    columns = {name: events[name].array().tolist() for name in events.keys() if "." not in name}
    return [dict(zip(columns, row)) for row in zip(*columns.values())]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rntuple", required=True)
    args = parser.parse_args()
    table = pa.table({name: pa.array(values, data_type) for name, (data_type, values, _) in COLUMNS.items()})
    names = [name.replace(" ", "_") for name in COLUMNS]
    wanted = [dict(zip(names, row)) for row in zip(*(physical for _, _, physical in COLUMNS.values()))]
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        parquet, file = pathlib.Path(folder) / "a.parquet", pathlib.Path(folder) / "a.root"
        pq.write_table(table, parquet)
        subprocess.run([args.rntuple, "convert", "--quiet", parquet, file], check=True)
        for reader in (by_root, by_uproot):
            found = reader(file)
            for row, (want, got) in enumerate(zip(wanted, found, strict=True)):
                for name, value in want.items():
                    if got[name] != value:
                        print(f"{reader.__name__}: row {row}, {name}: {got[name]!r} instead of {value!r}")
                        failed = True
            print(f"{reader.__name__}: {len(found)} rows of {len(names)} columns compared")
    sys.exit(failed)


if __name__ == "__main__":
    main()
