"""Arrow arrays as Awkward Arrays, which look at the same memory, and back."""

from __future__ import annotations

import re
from typing import Any

import awkward as ak
import numpy as np

from rntuple import _lib
from rntuple._numpy import NUMBERS

_MEMBER = re.compile(r"_[0-9]+")
_BASE = re.compile(r":_[0-9]+")


def records(names: list[str], arrays: list[_lib.Array], length: int) -> Any:
    """A record array of named columns."""
    return ak.Array(ak.contents.RecordArray([to_layout(array) for array in arrays], names, length=length))


def zipped(names: list[str], arrays: list[_lib.Array], length: int) -> Any:
    """The same, with lists that have the same lengths, and names that begin alike, as lists of records:
    ``Muon_pt`` and ``Muon_eta`` become ``Muon`` with ``pt`` and ``eta``.
    """
    groups: dict[str, list[int]] = {}
    for i, name in enumerate(names):
        prefix, mark, _ = name.partition("_")
        group = prefix if mark and prefix and arrays[i].kind == "list" and not arrays[i].nullable else ""
        groups.setdefault(group or f"\0{i}", []).append(i)
    out: dict[str, Any] = {}
    for prefix, members in groups.items():
        alike = len(members) > 1 and prefix not in names
        ends = [np.asarray(arrays[i].offsets()) for i in members] if alike else []
        if alike and all(np.array_equal(ends[0], other) for other in ends[1:]):
            inner = [to_layout(arrays[i].children()[0]) for i in members]
            record = ak.contents.RecordArray(inner, [names[i][len(prefix) + 1 :] for i in members])
            out[prefix] = ak.contents.ListOffsetArray(_offsets(arrays[members[0]]), record)
        else:
            for i in members:
                out[names[i]] = to_layout(arrays[i])
    return ak.Array(ak.contents.RecordArray(list(out.values()), list(out), length=length))


def to_layout(array: _lib.Array) -> Any:
    """The layout of an array. Its types are those that uproot gives the same field."""
    values = _values(array)
    if array.kind == "union" or not array.nullable:
        return values
    validity = array.validity()
    if validity is None:
        return ak.contents.UnmaskedArray.simplified(values)
    mask = ak.index.IndexU8(np.asarray(validity))
    return ak.contents.BitMaskedArray.simplified(mask, values, valid_when=True, length=len(array), lsb_order=True)


def _values(array: _lib.Array) -> Any:
    kind = array.kind
    if kind in NUMBERS:
        values = np.asarray(array.values())
        if (array.type_name or "").startswith("ROOT::RNTupleCardinality"):
            # To uproot these are differences of indexes.
            values = values.astype(np.int64)
        return ak.contents.NumpyArray(values)
    if kind in ("string", "binary"):
        inner, outer = ("char", "string") if kind == "string" else ("byte", "bytestring")
        characters = ak.contents.NumpyArray(np.asarray(array.values()), parameters={"__array__": inner})
        return ak.contents.ListOffsetArray(_offsets(array), characters, parameters={"__array__": outer})
    if kind in ("list", "map"):
        return ak.contents.ListOffsetArray(_offsets(array), to_layout(array.children()[0]))
    if kind == "array":
        return ak.contents.RegularArray(to_layout(array.children()[0]), array.size, zeros_length=len(array))
    if kind == "struct":
        if array.boxed:
            return to_layout(array.children()[0])
        return _record(array)
    if kind == "union":
        return _union(array)
    if kind == "null":
        return _nones(len(array))
    raise TypeError(f"an Arrow array of type {kind} cannot be an Awkward Array")


def _offsets(array: _lib.Array) -> Any:
    offsets = np.asarray(array.offsets())
    return ak.index.Index32(offsets) if offsets.dtype == np.int32 else ak.index.Index64(offsets)


def _members(array: _lib.Array) -> list[_lib.Array]:
    """Members of a record and then those of its base classes, which are no level of their own."""
    own: list[_lib.Array] = []
    bases: list[_lib.Array] = []
    for member in array.children():
        (bases if _BASE.fullmatch(member.name) and member.kind == "struct" else own).append(member)
    known = {member.name for member in own}
    for base in reversed(bases):
        own += [member for member in _members(base) if member.name not in known]
    return own


def _record(array: _lib.Array) -> Any:
    members = _members(array)
    names: list[str] | None = [member.name for member in members]
    if all(_MEMBER.fullmatch(member.name) for member in members):
        names = None
    return ak.contents.RecordArray([to_layout(member) for member in members], names, length=len(array))


def _nones(length: int) -> Any:
    return ak.contents.IndexedOptionArray(ak.index.Index64(np.full(length, -1)), ak.contents.EmptyArray())


def _union(array: _lib.Array) -> Any:
    tags = np.asarray(array.tags())
    places = array.places()
    index = np.arange(len(tags)) if places is None else np.asarray(places)
    contents = []
    for child in array.children():
        content = to_layout(child)
        if not content.is_option and not content.is_union:
            content = ak.contents.UnmaskedArray(content)
        contents.append(content)
    index = ak.index.Index32(index) if index.dtype == np.int32 else ak.index.Index64(index)
    return ak.contents.UnionArray(ak.index.Index8(tags), index, contents)


def from_awkward(array: Any) -> _lib.Array:
    """An Arrow array of the same values."""
    layout = ak.to_layout(array, primitive_policy="error", string_policy="as-characters")
    return _from_layout(layout.to_packed())


def columns(array: Any) -> list[tuple[str, _lib.Array]]:
    """The fields of a record array."""
    fields = ak.fields(array)
    if not fields:
        raise TypeError("an Awkward Array of records is needed: its fields become those of the data set")
    return [(field, from_awkward(array[field])) for field in fields]


def _from_layout(layout: Any, in_union: bool = False) -> _lib.Array:
    if layout.is_unknown:
        return _lib.numbers(np.zeros(0))
    if layout.is_option:
        if in_union:
            # The alternatives of a variant have no null of their own: the variant as a whole may have no value.
            return _from_layout(layout.project() if layout.is_indexed else layout.content)
        valid = ~layout.mask_as_bool(valid_when=False)
        return _lib.nullable(_from_layout(layout.project().to_packed()), np.ascontiguousarray(valid))
    if layout.is_indexed:
        return _from_layout(layout.project())
    if layout.is_union:
        return _from_union(layout)
    if layout.is_record:
        members = [_from_layout(content[: len(layout)]) for content in layout.contents]
        names = [f"_{i}" for i in range(len(members))] if layout.is_tuple else layout.fields
        return _lib.structs(list(zip(names, members)), len(layout))
    if layout.is_regular and layout.parameter("__array__") is None:
        size = layout.size
        return _lib.fixed(_from_layout(layout.content[: size * len(layout)]), size, len(layout))
    if layout.is_list:
        layout = layout.to_ListOffsetArray64(True)
        offsets = np.ascontiguousarray(layout.offsets.data, np.int64)
        kind = layout.parameter("__array__")
        content = layout.content[: offsets[-1]]
        if kind in ("string", "bytestring"):
            characters = np.ascontiguousarray(content.data, np.uint8)
            return _lib.strings(offsets, characters, kind == "string")
        return _lib.lists(offsets, _from_layout(content))
    data = np.asarray(layout.data)
    if data.ndim > 1:
        return _from_layout(layout.to_RegularArray())
    return _lib.numbers(np.ascontiguousarray(data, data.dtype.newbyteorder("=")))


def _from_union(layout: Any) -> _lib.Array:
    tags = np.ascontiguousarray(layout.tags.data, np.int8)
    index = np.ascontiguousarray(layout.index.data[: len(tags)], np.int64)
    missing = np.zeros(len(tags), np.bool_)
    children = []
    for tag, content in enumerate(layout.contents):
        mine = tags == tag
        content = content._carry(ak.index.Index64(index[mine]), False)
        if content.is_option:
            none = content.mask_as_bool(valid_when=False)
            missing[np.flatnonzero(mine)[none]] = True
            content = content.project()
        children.append(None if content.is_unknown else _from_layout(content.to_packed()))
    # The valueless state comes first, and takes what is missing anywhere.
    kept = [tag for tag, child in enumerate(children) if child is not None]
    renumber = np.zeros(len(children), np.int8)
    for new, tag in enumerate(kept):
        renumber[tag] = new + 1
    new_tags = np.where(missing, np.int8(0), renumber[tags])
    places = np.zeros(len(tags), np.int32)
    for tag in range(len(kept) + 1):
        mine = new_tags == tag
        places[mine] = np.arange(np.count_nonzero(mine), dtype=np.int32)
    nones = _lib.objects([None] * int(np.count_nonzero(missing)), _lib.Field("none", "null"))
    return _lib.unions(new_tags, places, [nones, *(child for child in children if child is not None)])
