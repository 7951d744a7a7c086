"""Schemas from what Python users have: type names, dataclasses, typed dicts, awkward types."""

from __future__ import annotations

import dataclasses
import enum
import re
import sys
import types
import typing
from collections.abc import Mapping, Sequence, Set
from typing import Any

from rntuple import _lib
from rntuple.errors import ArgumentError

_NAMES = {
    "bool": "bool", "int": "int64", "float": "float64", "double": "float64", "str": "string", "string": "string",
    "bytes": "binary", "char": "int8",
    **{name: name for name in (
        "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64",
    )},
}  # fmt: skip
_PYTHON = {bool: "bool", int: "int64", float: "float64", str: "string", bytes: "binary"}


def schema_of(description: Any) -> _lib.Schema:
    """The schema that is described by an Arrow schema, a mapping of names to types, a dataclass or a typed dict."""
    if isinstance(description, _lib.Schema):
        return description
    if hasattr(description, "__arrow_c_schema__"):
        return _lib.Schema.import_from(description)
    if isinstance(description, type):
        return _lib.Schema([field_of(name, kind) for name, kind in _members(description)])
    if isinstance(description, Mapping):
        return _lib.Schema([field_of(name, kind) for name, kind in description.items()])
    raise ArgumentError(f"{description!r} is no schema: an Arrow schema, a dict of names and types, or a dataclass is")


def is_schema(description: Any) -> bool:
    """Whether this describes types, rather than being data."""
    if isinstance(description, (_lib.Schema, type)):
        return True
    if isinstance(description, Mapping):
        return all(_is_type(kind) for kind in description.values())
    return hasattr(description, "__arrow_c_schema__") and not (
        hasattr(description, "__arrow_c_stream__") or hasattr(description, "__arrow_c_array__")
    )


def _is_type(kind: Any) -> bool:
    if isinstance(kind, (str, type, _lib.Field)) or typing.get_origin(kind) is not None:
        return True
    return type(kind).__module__.startswith(("numpy.dtypes", "awkward.types"))


def _members(described: type) -> list[tuple[str, Any]]:
    hints = typing.get_type_hints(described, include_extras=True)
    if dataclasses.is_dataclass(described):
        return [(field.name, hints[field.name]) for field in dataclasses.fields(described)]
    if typing.is_typeddict(described) or issubclass(described, tuple):
        return list(hints.items())
    raise ArgumentError(f"{described.__name__} does not say which fields it has: dataclasses and typed dicts do")


def field_of(name: str, kind: Any) -> _lib.Field:
    """A field of a type, which is a name, a NumPy type, an annotation or an awkward type."""
    if isinstance(kind, _lib.Field):
        return _renamed(kind, name)
    if isinstance(kind, str):
        return _from_text(name, kind.strip())
    if isinstance(kind, type) and kind in _PYTHON:
        return _lib.Field(name, _PYTHON[kind])
    if type(kind).__module__.startswith("awkward.types"):
        return _from_awkward(name, kind)
    origin = typing.get_origin(kind)
    if hasattr(origin, "__value__"):
        # A type alias with parameters, as NDArray is with newer versions of NumPy.
        return field_of(name, origin.__value__[typing.get_args(kind)])
    if hasattr(kind, "__value__"):
        return field_of(name, kind.__value__)
    if origin is not None:
        return _from_generic(name, kind, origin, typing.get_args(kind))
    if isinstance(kind, type):
        if issubclass(kind, enum.IntEnum):
            return _lib.Field(name, "int32")
        if dataclasses.is_dataclass(kind) or typing.is_typeddict(kind) or hasattr(kind, "_fields"):
            return _lib.Field(name, "struct", [field_of(*member) for member in _members(kind)])
    import numpy

    try:
        dtype = numpy.dtype(kind)
    except TypeError:
        raise ArgumentError(f"field '{name}': {kind!r} is no type that can be written") from None
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        field = field_of("_0", base)
        for size in reversed(shape):
            field = _lib.Field("_0", "array", [field], size=size)
        return _renamed(field, name)
    if dtype.names is not None and dtype.fields is not None:
        return _lib.Field(name, "struct", [field_of(member, dtype.fields[member][0]) for member in dtype.names])
    return _from_text(name, dtype.name)


def _renamed(field: _lib.Field, name: str, nullable: bool | None = None) -> _lib.Field:
    return field.with_name(name) if nullable is None else field.with_name(name).with_nullable(nullable)


def _from_text(name: str, text: str) -> _lib.Field:
    if text in _NAMES:
        return _lib.Field(name, _NAMES[text])
    if text.startswith("?"):
        return _renamed(_from_text(name, text[1:].strip()), name, True)
    size = re.match(r"(var|\d+)\s*\*\s*(.*)", text, re.DOTALL)
    if size:
        item = _from_text("_0", size[2].strip())
        if size[1] == "var":
            return _lib.Field(name, "list", [item])
        return _lib.Field(name, "array", [item], size=int(size[1]))
    if re.match(r"(option|union)\[|[{(]", text):
        import awkward

        return _from_awkward(name, awkward.types.from_datashape(text, highlevel=False))
    raise ArgumentError(f"field '{name}': {text!r} is no type that can be written")


def _from_generic(name: str, kind: Any, origin: Any, arguments: tuple[Any, ...]) -> _lib.Field:
    if origin is typing.Annotated:
        # What is annotated may say more precisely what is meant: Annotated[float, numpy.float32].
        return field_of(name, next((extra for extra in arguments[1:] if _is_type(extra)), arguments[0]))
    if origin in (typing.Union, types.UnionType):
        others = [argument for argument in arguments if argument is not types.NoneType]
        if len(others) == 1:
            return _renamed(field_of(name, others[0]), name, True)
        children = [_lib.Field("none", "null")]
        children += [field_of(f"_{i}", other) for i, other in enumerate(others)]
        return _lib.Field(name, "union", children)
    if origin in (typing.Required, typing.NotRequired) if sys.version_info >= (3, 11) else False:
        return field_of(name, arguments[0])
    if isinstance(origin, type):
        if issubclass(origin, tuple):
            if len(arguments) == 2 and arguments[1] is Ellipsis:
                return _lib.Field(name, "list", [field_of("_0", arguments[0])])
            return _lib.Field(name, "struct", [field_of(f"_{i}", one) for i, one in enumerate(arguments)])
        if issubclass(origin, Mapping):
            key, value = arguments
            entry = _lib.Field("_0", "struct", [field_of("_0", key), field_of("_1", value)])
            return _lib.Field(name, "map", [entry])
        if issubclass(origin, (Sequence, Set)):
            return _lib.Field(name, "list", [field_of("_0", arguments[0])])
        if origin.__module__ == "numpy" and origin.__name__ == "ndarray":
            (item,) = typing.get_args(arguments[1])
            return _lib.Field(name, "list", [field_of("_0", item)])
    raise ArgumentError(f"field '{name}': {kind!r} is no type that can be written")


def _from_awkward(name: str, kind: Any) -> _lib.Field:
    import awkward as ak

    special = kind.parameter("__array__")
    if isinstance(kind, ak.types.OptionType):
        return _renamed(_from_awkward(name, kind.content), name, True)
    if special in ("string", "bytestring"):
        return _lib.Field(name, "string" if special == "string" else "binary")
    if isinstance(kind, ak.types.ListType):
        return _lib.Field(name, "list", [_from_awkward("_0", kind.content)])
    if isinstance(kind, ak.types.RegularType):
        return _lib.Field(name, "array", [_from_awkward("_0", kind.content)], size=kind.size)
    if isinstance(kind, ak.types.RecordType):
        names = [f"_{i}" for i in range(len(kind.contents))] if kind.is_tuple else kind.fields
        return _lib.Field(name, "struct", [_from_awkward(*member) for member in zip(names, kind.contents)])
    if isinstance(kind, ak.types.UnionType):
        children = [_lib.Field("none", "null")]
        children += [_from_awkward(f"_{i}", content) for i, content in enumerate(kind.contents)]
        return _lib.Field(name, "union", children)
    if isinstance(kind, ak.types.NumpyType):
        return _from_text(name, kind.primitive)
    raise ArgumentError(f"field '{name}': {kind} is no type that can be written")


def infer(name: str, values: Sequence[Any]) -> _lib.Field:
    """The type that takes all of these Python objects."""
    there = [value for value in values if value is not None]
    nullable = len(there) < len(values)
    return _renamed(_infer(name, there), name, nullable)


def _infer(name: str, values: list[Any]) -> _lib.Field:
    import numpy

    kinds = {type(value) for value in values}
    if not kinds:
        return _lib.Field(name, "float64")
    if all(issubclass(kind, (bool, numpy.bool_)) for kind in kinds):
        return _lib.Field(name, "bool")
    if all(issubclass(kind, (int, numpy.integer)) for kind in kinds):
        scalars = [value for value in values if isinstance(value, numpy.integer)]
        if len(kinds) == 1 and scalars:
            return field_of(name, scalars[0].dtype)
        return _lib.Field(name, "uint64" if max(values) >= 2**63 else "int64")
    if all(issubclass(kind, (int, float, numpy.integer, numpy.floating)) for kind in kinds):
        return _lib.Field(name, "float32" if kinds == {numpy.float32} else "float64")
    if all(issubclass(kind, str) for kind in kinds):
        return _lib.Field(name, "string")
    if all(issubclass(kind, (bytes, bytearray)) for kind in kinds):
        return _lib.Field(name, "binary")
    if len(kinds) == 1:
        (kind,) = kinds
        if dataclasses.is_dataclass(kind):
            return field_of(name, kind)
        if hasattr(kind, "_fields"):
            members = [infer(member, [getattr(value, member) for value in values]) for member in kind._fields]
            return _lib.Field(name, "struct", members)
        if issubclass(kind, tuple) and len({len(value) for value in values}) == 1:
            members = [infer(f"_{i}", [value[i] for value in values]) for i in range(len(values[0]))]
            return _lib.Field(name, "struct", members)
        if issubclass(kind, numpy.ndarray) and len({value.dtype for value in values}) == 1 and values[0].ndim == 1:
            if values[0].dtype != object:
                return _lib.Field(name, "list", [field_of("_0", values[0].dtype)])
    if all(issubclass(kind, Mapping) for kind in kinds):
        names = dict.fromkeys(member for value in values for member in value)
        return _lib.Field(name, "struct", [infer(str(one), [value.get(one) for value in values]) for one in names])
    if all(issubclass(kind, (Sequence, Set, numpy.ndarray)) and not issubclass(kind, str) for kind in kinds):
        return _lib.Field(name, "list", [infer("_0", [item for value in values for item in value])])
    shown = ", ".join(sorted(kind.__name__ for kind in kinds))
    raise ArgumentError(f"field '{name}': no type takes all of: {shown}; give a schema")
