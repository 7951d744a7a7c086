"""Every field of every file, against what uproot reads from it: the same types, and the same values.

Where uproot is known to be wrong, the field is listed with the reason. A field that is listed and equal is a failure, too:
the list then is out of date.
"""

from __future__ import annotations

import math
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import awkward as ak
import pytest
import rntuple
import uproot

from .conftest import CORPUS, DIMUON, VECTORS

FILES = sorted([*CORPUS.glob("*/*.root"), *VECTORS.glob("*.root"), DIMUON])

COLUMN = "uproot gives a float or double the type of its column, which may be narrower"
CHAR = "uproot reads char, and enums and containers of it, as unsigned"
VARIANT = "uproot does not follow variants across clusters"
UNIQUE_PTR = "uproot takes unique_ptr for a list"
NESTED = "uproot cannot express an optional or variant within another one"
CHUNKED = "uproot does not read pages that are split over several records"
OLD = "uproot does not know ROOT's old deflate compression"
REPRESENTATIONS = "uproot reads only the first of several column representations"
STREAMER = "uproot does not read fields of the ROOT streamer"
ATOMIC_ENUM = "uproot does not find the column of an atomic enum"
NO_ELEMENTS = "uproot does not read std::array<T,0>"
NOT_TEXT = "uproot gives bytes that are not UTF-8 as text"
REFUSED = "the file must be refused, says ROOT"
INDEX32 = "uproot gives cardinalities of 32-bit index columns another type than others"

KNOWN = {
    "edge/classes:d": COLUMN,
    "edge/classes:vd": COLUMN,
    "edge/comp_301:*": OLD,
    "edge/empty_entries:cls": COLUMN,
    "edge/floats:*_Real16": COLUMN,
    "edge/floats:d_*Real32": COLUMN,
    "edge/ints_505:char_Char": CHAR,
    "edge/lowprec:d*": COLUMN,
    "edge/lowprec:half": COLUMN,
    "edge/strings:s": NOT_TEXT,
    "validation/projections.cardinality:*Index32Cardinality": INDEX32,
    "validation/structure.feature_flag:*": REFUSED,
    "validation/types.fundamental.misc:Char": CHAR,
    "validation/types.fundamental.real:*Real16": COLUMN,
    "validation/types.fundamental.real:Double*Real32": COLUMN,
    "validation/types.fundamental.real32trunc:Double*": COLUMN,
    "validation/types.unique_ptr:*": UNIQUE_PTR,
    "validation/types.user.enum:EnumInt8": CHAR,
    "vectors/aliases:f1": CHAR,
    "vectors/aliases:f13": COLUMN,
    "vectors/aliases:f18": COLUMN,
    "vectors/aliases:f2[025]": COLUMN,
    "vectors/arrays:none": NO_ELEMENTS,
    "vectors/associative:map_char": CHAR,
    "vectors/atomics_enums:atomic_enum": ATOMIC_ENUM,
    "vectors/atomics_enums:*tiny": CHAR,
    "vectors/atomics_enums:array_enum": CHAR,
    "vectors/compression_302:*": OLD,
    "vectors/extension:late_half": COLUMN,
    "vectors/extension:late_variant": VARIANT,
    "vectors/floats*:*_half": COLUMN,
    "vectors/floats*:d_*32": COLUMN,
    "vectors/indexes*:variant": VARIANT,
    "vectors/integers*:ch_0": CHAR,
    "vectors/many_keys*:*": CHUNKED,
    "vectors/map_optional:map": CHAR,
    "vectors/members:m": CHAR,
    "vectors/no_entries_many_fields:members": CHAR,
    "vectors/nullables:oo": NESTED,
    "vectors/nullables:ovar": NESTED,
    "vectors/nullables:u": UNIQUE_PTR,
    "vectors/nullables:u[opsv]": UNIQUE_PTR,
    "vectors/nullables:vu": UNIQUE_PTR,
    "vectors/quantised*:d*": COLUMN,
    "vectors/representations:[dfsv]": REPRESENTATIONS,
    "vectors/representations:vo": REPRESENTATIONS,
    "vectors/representations_truncated_double:t": REPRESENTATIONS,
    "vectors/sequences:vchar": CHAR,
    "vectors/streamer:[!a]*": STREAMER,
    "vectors/strings:[as]": NOT_TEXT,
    "vectors/truncated*:d*": COLUMN,
    "vectors/tuples:tuple": CHAR,
    "vectors/variants:nested": NESTED,
    "vectors/variants:[!n]*": VARIANT,
    "vectors/variants_empty:in_optional": NESTED,
    "vectors/variants_empty:*": VARIANT,
    "wild/jsroot_rntuple_test32:DoubleReal32Quant*": COLUMN,
}

seen: set[str] = set()


def reason(path: Path, field: str) -> str | None:
    for pattern, why in KNOWN.items():
        if fnmatchcase(f"{path.parent.name}/{path.stem}:{field}", pattern):
            seen.add(pattern)
            return why
    return None


def same(a: Any, b: Any) -> bool:
    """Equality of Python values, in which NaN equals NaN."""
    if isinstance(a, float) and isinstance(b, float):
        return a == b or (math.isnan(a) and math.isnan(b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)) and type(a) is type(b):
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and bool(a == b)


def as_floats(array: Any) -> Any:
    return ak.values_astype(array, "float32").tolist()


def difference(ours: rntuple.NTuple, theirs: Any, field: str, why: str | None) -> str | None:
    """How the two disagree about a field."""
    try:
        expected = theirs[field].array()
    except Exception as error:  # uproot raises many kinds
        return f"uproot: {error}"
    try:
        actual = ours.array(field)
    except rntuple.Error as error:
        return f"rntuple: {error}"
    if why == COLUMN and not same(as_floats(actual), as_floats(expected)):
        return "values, even as numbers of 32 bits"
    if actual.type.content != expected.type.content or len(actual) != len(expected):
        return f"types: {actual.type} and {expected.type}"
    if ak.array_equal(actual, expected, equal_nan=True, dtype_exact=True) or same(actual.tolist(), expected.tolist()):
        return None
    pairs = zip(actual.tolist(), expected.tolist())
    return next(f"entry {i}: {a} and {b}" for i, (a, b) in enumerate(pairs) if not same(a, b))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_same_as_uproot(path: Path) -> None:
    wrong = []
    for name in rntuple.open(path):
        try:
            ours, theirs = rntuple.open(path)[name], uproot.open(path)[name]
        except Exception as error:  # uproot raises many kinds
            if reason(path, "") is None:
                wrong.append(f"{name}: {error}")
            continue
        if reason(path, "") == CHUNKED:
            continue
        assert ours.num_entries == theirs.num_entries
        fields = theirs.keys(recursive=False)
        assert list(ours) == fields
        assert ours.typenames(recursive=False) == theirs.typenames(recursive=False)
        for field in fields:
            why = reason(path, field)
            problem = difference(ours, theirs, field, why)
            if problem and (not why or problem.startswith("values")):
                wrong.append(f"{name}, {field} ({ours[field].typename}): {problem}")
            if why and not problem:
                wrong.append(f"{name}, {field}: is equal, though: {why}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_same_subfields_as_uproot(path: Path) -> None:
    wrong = []
    for name in rntuple.open(path):
        if reason(path, "") in (REFUSED, OLD, CHUNKED):
            continue
        ours, theirs = rntuple.open(path)[name], uproot.open(path)[name]
        for field in ours.keys():
            top, _, below = field.partition(".")
            if below and not reason(path, top) and (problem := difference(ours, theirs, field, None)):
                wrong.append(f"{name}, {field} ({ours[field].typename}): {problem}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_same_keys_as_uproot(path: Path) -> None:
    for name in rntuple.open(path):
        if (why := reason(path, "")) in (REFUSED, OLD, CHUNKED):
            pytest.skip(str(why))
        theirs = uproot.open(path)[name]
        # uproot lists what is below collections within variants, which cannot be read from there.
        if any("variant" in typename for typename in theirs.typenames().values()):
            continue
        assert sorted(rntuple.open(path)[name].keys()) == sorted(theirs.keys())


def test_list_of_known_faults_is_up_to_date() -> None:
    assert len(FILES) > 20
    if len({path.parent.name for path in FILES}) < 5:
        pytest.skip("the corpus is not there")
    assert seen == set(KNOWN)
