"""Arrow arrays as NumPy arrays."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from rntuple import _lib

NUMBERS = frozenset(
    ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64", "datetime", "timedelta"]
)
_MEMBER = re.compile(r"_[0-9]+")


def bits_to_bools(bits: Any, length: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """A mask of bits, least significant first, as booleans."""
    return np.unpackbits(np.asarray(bits), count=length, bitorder="little").view(np.bool_)


def to_numpy(array: _lib.Array) -> np.ndarray[Any, Any]:
    """Numbers as they are in memory, without a copy (so they are read-only); masked where values are missing.

    Strings and lists become arrays of objects, arrays of fixed size get a further dimension, and records are
    structured arrays.
    """
    kind = array.kind
    validity = array.validity()
    if kind in NUMBERS:
        values = np.asarray(array.values())
        if validity is None and not array.nullable:
            return values
        missing = np.zeros(len(array), np.bool_) if validity is None else ~bits_to_bools(validity, len(array))
        return np.ma.MaskedArray(values, missing)
    if validity is None:
        if kind == "list":
            return _lists(array)
        if kind == "array":
            inner = to_numpy(array.children()[0])
            return inner.reshape((len(array), array.size, *inner.shape[1:]))
        if kind == "struct" and not array.boxed:
            return _records(array)
    return objects(array.to_list())


def objects(values: list[Any]) -> np.ndarray[Any, Any]:
    """An array of Python objects."""
    # One by one: NumPy would take lists of equal length for a further dimension.
    out = np.empty(len(values), object)
    for i, value in enumerate(values):
        out[i] = value
    return out


def _lists(array: _lib.Array) -> np.ndarray[Any, Any]:
    ends = np.asarray(array.offsets()).tolist()
    items = to_numpy(array.children()[0])
    out = np.empty(len(array), object)
    for i in range(len(array)):
        out[i] = items[ends[i] : ends[i + 1]]
    return out


def _records(array: _lib.Array) -> np.ndarray[Any, Any]:
    members = array.children()
    names = [member.name for member in members]
    if names and all(_MEMBER.fullmatch(name) for name in names):
        names = [name[1:] for name in names]
    columns = [to_numpy(member) for member in members]
    dtype = np.dtype([(name, column.dtype, column.shape[1:]) for name, column in zip(names, columns)])
    out = np.ma.empty(len(array), dtype) if any(map(np.ma.isMaskedArray, columns)) else np.empty(len(array), dtype)
    for name, column in zip(names, columns):
        out[name] = column
    return out
