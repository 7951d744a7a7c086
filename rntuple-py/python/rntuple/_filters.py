"""Which fields are meant: names, globs, regular expressions, functions."""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Union

from rntuple import _lib
from rntuple.errors import ArgumentError, NotFoundError

Filter = Union[None, str, Callable[[str], bool], Iterable[Union[str, Callable[[str], bool]]]]


class Key(NamedTuple):
    """A field that has a name; its path joins the names above it by dots."""

    path: str
    name: str
    typename: str
    description: str
    depth: int


class Choice(NamedTuple):
    """Fields to read, by their paths on storage, and the order of the top-level ones; ``None`` means all, as stored."""

    fields: list[str] | None
    order: list[str] | None

    @property
    def key(self) -> tuple[str, ...] | None:
        return None if self.fields is None else tuple(self.fields)


ALL = Choice(None, None)


def predicate(wanted: Filter) -> Callable[[str], bool]:
    """A function of a name that says whether a filter accepts it.

    >>> accepts = predicate(["Muon_*", "/jet_.t/i"])
    >>> accepts("Muon_pt"), accepts("Jet_pt"), accepts("MET_pt")
    (True, True, False)
    """
    if wanted is None:
        return lambda name: True
    if isinstance(wanted, str):
        expression = re.fullmatch(r"/(.*)/([aiLmsux]*)", wanted, re.DOTALL)
        if expression:
            flags = 0
            for letter in expression[2]:
                flags |= getattr(re, letter.upper())
            pattern = re.compile(expression[1], flags)
            return lambda name: pattern.search(name) is not None
        glob = re.compile(fnmatch.translate(wanted))
        return lambda name: glob.match(name) is not None
    if callable(wanted):
        return wanted
    filters = [predicate(one) for one in wanted]
    return lambda name: any(accepts(name) for accepts in filters)


def accept_path(accepts: Callable[[str], bool], key: Key) -> bool:
    """Filters see the name of a field and its whole path, and may accept either."""
    return accepts(key.name) or (key.depth > 0 and (accepts(key.path) or accepts("." + key.path)))


def is_plain(name: object) -> bool:
    """Whether this is a name, rather than a pattern."""
    return isinstance(name, str) and not re.search(r"[*?\[]|^/.*/\w*$", name)


def by_name(
    ntuple: _lib.NTuple, expressions: str | Iterable[str], within: Choice, keys: Sequence[Key] | None
) -> Choice:
    """The fields that a user names, in that order; names may be globs."""
    names = [expressions] if isinstance(expressions, str) else list(expressions)
    paths: dict[str, str] = {}
    for name in names:
        if not isinstance(name, str):
            raise ArgumentError(f"names of fields are needed, not {name!r}")
        stored = ntuple.stored(name)
        if stored is not None:
            paths[name] = stored
            continue
        found = (
            [] if is_plain(name) else [key.path for key in listing(ntuple, keys) if accept_path(predicate(name), key)]
        )
        if not found:
            raise missing(ntuple, name, keys)
        for path in found:
            stored = ntuple.stored(path)
            if stored is not None:
                paths[path] = stored
    return _choice(list(paths.values()), within)


def by_filter(ntuple: _lib.NTuple, accepted: Iterable[Key], total: int, within: Choice) -> Choice:
    """The fields that a filter accepted, in the order of the data set."""
    fields: list[str] = []
    tops = 0
    for key in accepted:
        stored = ntuple.stored(key.path)
        if stored is not None:
            fields.append(stored)
            tops += key.depth == 0
    if within.fields is None and tops == total:
        return ALL
    return _choice(fields, within)._replace(order=None)


def _choice(fields: list[str], within: Choice) -> Choice:
    if within.fields is not None:
        fields = [field for field in fields if _is_within(field, within.fields)]
    # What is below a field that is read anyway need not be said.
    chosen = set(fields)
    fields = [field for field in fields if not _is_below(field, chosen)]
    order = list(dict.fromkeys(field.partition(".")[0] for field in fields))
    return Choice(fields, order)


def _is_below(field: str, chosen: set[str]) -> bool:
    at = field.find(".")
    while at != -1:
        if field[:at] in chosen:
            return True
        at = field.find(".", at + 1)
    return False


def _is_within(field: str, allowed: list[str]) -> bool:
    return any(field == other or field.startswith(other + ".") or other.startswith(field + ".") for other in allowed)


def listing(ntuple: _lib.NTuple, keys: Sequence[Key] | None) -> Sequence[Key]:
    return keys if keys is not None else [Key(*key) for key in ntuple.keys()]


def missing(ntuple: _lib.NTuple, name: str, keys: Sequence[Key] | None) -> NotFoundError:
    close = difflib.get_close_matches(name, [key.path for key in listing(ntuple, keys)][:20_000], 3)
    hint = f"; did you mean {', '.join(map(repr, close))}?" if close else ""
    error = NotFoundError(f"{ntuple.file}: no field {name!r} in '{ntuple.name}'{hint}")
    error.file = ntuple.file
    error.field = name
    return error


def unwanted(options: dict[str, Any]) -> None:
    """Raises for keyword arguments that nothing is known of."""
    if options:
        raise TypeError(f"unexpected keyword argument {next(iter(options))!r}")
