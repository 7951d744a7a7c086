"""From batches to what users compute with. Each library is imported when it is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

from rntuple import _lib
from rntuple.errors import ArgumentError

_NAMES = {
    "ak": "ak", "awkward": "ak",
    "np": "np", "numpy": "np",
    "pd": "pd", "pandas": "pd",
    "pa": "pa", "pyarrow": "pa", "arrow": "pa",
    "pl": "pl", "polars": "pl",
    "batch": "batch",
}  # fmt: skip


def regularize(library: str) -> str:
    """The short name of a library."""
    try:
        return _NAMES[library]
    except (KeyError, TypeError):
        known = ", ".join(sorted(set(_NAMES.values())))
        raise ArgumentError(f"library {library!r} is unknown; there are: {known}") from None


def load(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != module.partition(".")[0]:
            raise
        package = module.partition(".")[0]
        raise ModuleNotFoundError(f"this needs {package}: pip install {package}", name=package) from None


def convert(batch: _lib.Batch, library: str, order: Sequence[str] | None, how: Any, first_entry: int) -> Any:
    """A batch as what `library` has for several columns; `how` puts the columns into another container."""
    library = regularize(library)
    names = [name for name in order if name in set(batch.names)] if order is not None else batch.names
    arrays = dict(zip(batch.names, batch.columns()))
    if how is not None and how != "zip":
        columns = {name: column(arrays[name], library, first_entry) for name in names}
        if how is dict or how == "dict":
            return columns
        if how is list or how == "list":
            return list(columns.values())
        if how is tuple or how == "tuple":
            return tuple(columns.values())
        raise ArgumentError(f"how={how!r} is unknown: None, 'zip', dict, list or tuple")
    if how == "zip" and library != "ak":
        raise ArgumentError("how='zip' makes Awkward Arrays: library='ak'")
    if library == "ak":
        load("awkward")
        from rntuple import _awkward

        if how == "zip":
            return _awkward.zipped(names, [arrays[name] for name in names], len(batch))
        return _awkward.records(names, [arrays[name] for name in names], len(batch))
    if library == "np":
        return {name: column(arrays[name], "np", first_entry) for name in names}
    if library == "pd":
        pandas = load("pandas")
        data = {name: _series_data(arrays[name]) for name in names}
        index = pandas.RangeIndex(first_entry, first_entry + len(batch))
        return pandas.DataFrame(data, index=index, copy=False)
    ordered = batch if names == batch.names else _lib.Batch.from_arrays([(name, arrays[name]) for name in names])
    if library == "pa":
        return load("pyarrow").table(ordered)
    if library == "pl":
        return load("polars").DataFrame(ordered)
    return ordered


def column(array: _lib.Array, library: str, first_entry: int = 0) -> Any:
    """One column as what a library has for it."""
    library = regularize(library)
    if library == "ak":
        ak = load("awkward")
        from rntuple import _awkward

        return ak.Array(_awkward.to_layout(array))
    if library == "np":
        from rntuple import _numpy

        return _numpy.to_numpy(array)
    if library == "pd":
        pandas = load("pandas")
        data = _series_data(array)
        return pandas.Series(data, index=pandas.RangeIndex(first_entry, first_entry + len(array)), name=array.name)
    if library == "pa":
        return load("pyarrow").array(array)
    if library == "pl":
        return load("polars").DataFrame(_lib.Batch.from_arrays([(array.name, array)])).to_series()
    return array


def _series_data(array: _lib.Array) -> Any:
    """Numbers are numbers; everything else, and what may be missing, are objects."""
    import numpy

    from rntuple import _numpy

    values = _numpy.to_numpy(array)
    if isinstance(values, numpy.ma.MaskedArray):
        if values.dtype.kind == "f":
            return values.filled(numpy.nan)
        if values.dtype.kind in "mM":
            return values.filled(values.dtype.type("NaT"))
        return _masked(values)
    if values.ndim > 1 or values.dtype.names is not None:
        return _numpy.objects(list(values))
    return values


def _masked(values: Any) -> Any:
    """Integers and booleans that may be missing, in the types that pandas has for them."""
    pandas = load("pandas")
    import numpy

    missing = numpy.ma.getmaskarray(values)
    if values.dtype.kind == "b":
        return pandas.arrays.BooleanArray(values.data.copy(), missing.copy())
    return pandas.arrays.IntegerArray(values.data.copy(), missing.copy())
