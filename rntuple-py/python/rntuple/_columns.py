"""From what Python users have to columns that can be written."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rntuple import _lib, _types
from rntuple.errors import ArgumentError


def batch_of(data: Any, schema: _lib.Schema | None = None) -> _lib.Batch | None:
    """The data as one batch, or `None` for what comes as an Arrow stream."""
    if isinstance(data, _lib.Batch):
        return data
    awkward = sys.modules.get("awkward")
    if awkward is not None and isinstance(data, awkward.Array):
        from rntuple import _awkward

        return _lib.Batch.from_arrays(_awkward.columns(data))
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(data, pandas.DataFrame):
        # By way of Arrow it would need pyarrow.
        return _lib.Batch.from_arrays([(str(name), column(str(name), data[name].array, schema)) for name in data])
    if hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__"):
        return None
    if isinstance(data, Mapping):
        return _lib.Batch.from_arrays([(name, column(name, values, schema)) for name, values in data.items()])
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(data, numpy.ndarray) and data.dtype.names:
        return _lib.Batch.from_arrays([(name, column(name, data[name], schema)) for name in data.dtype.names])
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _rows(data, schema)
    raise ArgumentError(
        f"{type(data).__name__} cannot be written: a dict of arrays, an Awkward Array of records, a table, a data frame, "
        "or a list of rows can"
    )


def _rows(rows: Sequence[Any], schema: _lib.Schema | None) -> _lib.Batch:
    if schema is None:
        if not rows:
            raise ArgumentError("there are no rows to tell the types from: give a schema")
        first = rows[0]
        if dataclasses.is_dataclass(first) and not isinstance(first, type):
            schema = _types.schema_of(type(first))
        else:
            inferred = _types.infer("", rows)
            if inferred.kind != "struct":
                raise ArgumentError("rows are dicts, dataclass objects or named tuples")
            schema = _lib.Schema(inferred.children)
    record = _lib.objects(list(rows), _lib.Field("", "struct", schema.fields))
    return _lib.Batch.from_arrays([(member.name, member) for member in record.children()])


def column(name: str, values: Any, schema: _lib.Schema | None = None) -> _lib.Array:
    """One column, of the type that the schema has for it if it says so."""
    field = None if schema is None else next((field for field in schema.fields if field.name == name), None)
    if isinstance(values, _lib.Array):
        return values
    awkward = sys.modules.get("awkward")
    if awkward is not None and isinstance(values, awkward.Array):
        from rntuple import _awkward

        return _awkward.from_awkward(values)
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(values, (pandas.Series, pandas.api.extensions.ExtensionArray)):
        return _from_pandas(name, values, field)
    if hasattr(values, "__arrow_c_array__") or hasattr(values, "__arrow_c_stream__"):
        return _lib.Array.import_from(values)
    if isinstance(values, (list, tuple)):
        return _lib.objects(list(values), field or _types.infer(name, values))
    return from_numpy(name, values, field)


def _from_pandas(name: str, values: Any, field: _lib.Field | None) -> _lib.Array:
    import numpy

    values = getattr(values, "array", values)
    if hasattr(values.dtype, "pyarrow_dtype"):
        return _lib.Array.import_from(values.__arrow_array__())
    missing = numpy.asarray(values.isna(), numpy.bool_) if hasattr(values, "isna") else None
    dtype = getattr(values.dtype, "numpy_dtype", None)
    if isinstance(dtype, numpy.dtype) and dtype.kind in "biuf" and missing is not None and hasattr(values, "_data"):
        plain = values.to_numpy(dtype=dtype, na_value=dtype.type(0))
        if not missing.any():
            return from_numpy(name, plain, field)
        return from_numpy(name, numpy.ma.MaskedArray(plain, missing), field)
    plain = numpy.asarray(values)
    if plain.dtype == object and missing is not None and missing.any():
        plain = plain.copy()
        plain[missing] = None
    return from_numpy(name, plain, field)


def from_numpy(name: str, values: Any, field: _lib.Field | None = None) -> _lib.Array:
    """A column of a NumPy array: further dimensions become arrays of fixed size, structured arrays become records."""
    import numpy

    if isinstance(values, numpy.ma.MaskedArray):
        valid = ~numpy.ma.getmaskarray(values)
        if valid.ndim > 1 or values.dtype.names is not None:
            raise ArgumentError(f"field '{name}': only whole entries can be missing")
        return _lib.nullable(from_numpy(name, values.compressed(), field), numpy.ascontiguousarray(valid))
    array = numpy.asarray(values)
    if array.ndim == 0:
        raise ArgumentError(f"field '{name}': a column needs one value per entry, not a single {type(values).__name__}")
    if array.ndim > 1:
        array = numpy.ascontiguousarray(array)
        items = from_numpy(name, array.reshape(-1, *array.shape[2:]) if array.ndim > 2 else array.reshape(-1))
        return _lib.fixed(items, array.shape[1], len(array))
    if array.dtype.names is not None:
        members = [(member, from_numpy(member, array[member])) for member in array.dtype.names]
        return _lib.structs(members, len(array))
    if array.dtype.kind in "OUS" or array.dtype.kind == "T":
        objects = array.tolist() if array.dtype.kind != "O" else list(array)
        return _lib.objects(objects, field or _types.infer(name, objects))
    if array.dtype.kind in "mM":
        return _times(name, array)
    if array.dtype.kind not in "biuf":
        raise ArgumentError(
            f"field '{name}': values of type {array.dtype} have no counterpart in RNTuple; store them as numbers"
        )
    return _lib.numbers(numpy.ascontiguousarray(array, array.dtype.newbyteorder("=")))


def _times(name: str, array: Any) -> _lib.Array:
    """Points and spans of time; NaT is a missing value."""
    import numpy

    unit, steps = numpy.datetime_data(array.dtype)
    if unit not in _UNITS:
        raise ArgumentError(f"field '{name}': {array.dtype} has no counterpart; use a unit from seconds to nanoseconds")
    if steps != 1 or unit not in ("s", "ms", "us", "ns"):
        array = array.astype(f"{array.dtype.kind}8[{_UNITS[unit]}]")
        unit = _UNITS[unit]
    missing = numpy.isnat(array)
    numbers = array[~missing].astype(f"{array.dtype.kind}8[{unit}]").view(numpy.int64)
    values = _lib.times(_lib.numbers(numpy.ascontiguousarray(numbers)), array.dtype.kind == "M", unit)
    return _lib.nullable(values, ~missing) if missing.any() else values


# What units of NumPy are stored with.
_UNITS = {"D": "s", "h": "s", "m": "s", "s": "s", "ms": "ms", "us": "us", "ns": "ns"}
