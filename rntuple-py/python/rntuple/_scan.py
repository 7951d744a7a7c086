"""Choices of what to read: fields and entries of a data set."""

from __future__ import annotations

import operator
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, Union, overload

from rntuple import _lib, _libraries
from rntuple._filters import ALL, Choice, Filter, Key, accept_path, by_filter, by_name, missing, predicate
from rntuple._progress import Meter, Progress
from rntuple.errors import ArgumentError

Expressions = Union[None, str, Iterable[str]]

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}


# What is read at once, rather than batch by batch: bytes on storage, and rows.
_AT_ONCE = 512 << 20
_ROWS_AT_ONCE = 4 << 20


def step_size_of(step_size: int | str) -> tuple[int | None, int | None]:
    """Rows, or bytes, of a step.

    >>> step_size_of(1000), step_size_of("100 MB")
    ((1000, None), (None, 100000000))
    """
    if not isinstance(step_size, str):
        rows = operator.index(step_size)
        if rows < 1:
            raise ArgumentError(f"a step of {rows} rows")
        return rows, None
    match = re.fullmatch(r"\s*([0-9.]+)\s*([kmgt]?i?)b?\s*", step_size, re.IGNORECASE)
    if match is None or not float(match[1]):
        raise ArgumentError(f"{step_size!r} is no number of rows, and no size such as '100 MB'")
    return None, max(1, int(float(match[1]) * _UNITS[match[2].lower()]))


class Scan:
    """Some fields and some entries of a data set. Nothing is read before it is asked for.

    A scan is made from a data set by naming fields (``events[["run", "Muon_pt"]]``), by slicing (``events[10:20]``), or
    with :meth:`scan`. It offers the Arrow C stream interface: pyarrow, Polars, DuckDB and others read it batch by
    batch.
    """

    def __init__(self, ntuple: _lib.NTuple, choice: Choice, start: int, stop: int, resources: dict[str, Any]):
        self._ntuple = ntuple
        self._choice = choice
        self._start = start
        self._stop = stop
        self._resources = resources

    @property
    def num_entries(self) -> int:
        """Number of entries.

        >>> events[10:20].num_entries
        10
        """
        return self._stop - self._start

    def __len__(self) -> int:
        return self.num_entries

    @property
    def schema(self) -> _lib.Schema:
        """The Arrow schema; ``pyarrow.schema(scan.schema)`` makes one of pyarrow of it.

        >>> events[["nMuon"]].schema.names
        ['nMuon']
        """
        if self._choice.fields is None and not self._resources:
            return self._ntuple.schema()
        return self._ntuple.scan_schema(self._choice.fields, self._resource_values({}))

    # ---- fields ----

    @cached_property
    def _all_keys(self) -> list[Key]:
        return [Key(*key) for key in self._ntuple.keys()]

    @property
    def _known_keys(self) -> list[Key] | None:
        return self.__dict__.get("_all_keys")

    def _accepted(self, filter_name: Filter, filter_typename: Filter, recursive: bool) -> list[Key]:
        keys = self._all_keys
        if self._choice.fields is not None:
            keys = [key for key in keys if self._reads(key)]
        if not recursive:
            keys = [key for key in keys if key.depth == 0]
        if filter_name is not None:
            name_ok = predicate(filter_name)
            keys = [key for key in keys if accept_path(name_ok, key)]
        if filter_typename is not None:
            type_ok = predicate(filter_typename)
            keys = [key for key in keys if type_ok(key.typename)]
        return keys

    def _reads(self, key: Key) -> bool:
        stored = self._ntuple.stored(key.path) or key.path
        fields = self._choice.fields or []
        return any(
            stored == field or stored.startswith(field + ".") or field.startswith(stored + ".") for field in fields
        )

    def keys(self, *, filter_name: Filter = None, filter_typename: Filter = None, recursive: bool = True) -> list[str]:
        """Names of the fields; those within others with the names above them and dots.

        Args:
            filter_name: A glob (``"Muon_*"``), a regular expression between slashes (``"/muon_.*/i"``), a function of
                the name, or several of these.
            filter_typename: The same for the C++ type.
            recursive: Whether to go into records and collections.

        >>> events.keys(filter_name="Muon_p*", recursive=False)
        ['Muon_pt', 'Muon_phi']
        """
        return [key.path for key in self._accepted(filter_name, filter_typename, recursive)]

    def typenames(
        self, *, filter_name: Filter = None, filter_typename: Filter = None, recursive: bool = True
    ) -> dict[str, str]:
        """C++ types of the fields, by name.

        >>> events.typenames(filter_name="Muon_pt", recursive=False)
        {'Muon_pt': 'ROOT::VecOps::RVec<float>'}
        """
        return {key.path: key.typename for key in self._accepted(filter_name, filter_typename, recursive)}

    def __iter__(self) -> Iterator[str]:
        """The names of the top-level fields, as with a DataFrame."""
        return iter(self.keys(recursive=False))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._ntuple.stored(name) is not None

    def values(self) -> list[Field]:
        """The top-level fields."""
        return [self[name] for name in self]

    def items(self) -> list[tuple[str, Field]]:
        """Name and field of each top-level field."""
        return [(name, self[name]) for name in self]

    def show(self, *, filter_name: Filter = None, filter_typename: Filter = None, stream: Any = None) -> None:
        """Prints the tree of fields.

        >>> events.show(filter_name="*Muon")
        Events: 1,000 entries
        └─ nMuon (ROOT::RNTupleCardinality<std::uint32_t>)
        """
        stream = sys.stdout if stream is None else stream
        keys = self._accepted(filter_name, filter_typename, True)
        lines = []
        # From below, a line knows whether others of its level follow.
        open_levels: set[int] = set()
        for key in reversed(keys):
            open_levels = {level for level in open_levels if level <= key.depth}
            trunk = "".join("│  " if level in open_levels else "   " for level in range(key.depth))
            branch = "├─ " if key.depth in open_levels else "└─ "
            open_levels.add(key.depth)
            description = f"  {key.description}" if key.description else ""
            lines.append(f"{trunk}{branch}{key.name} ({key.typename}){description}\n")
        stream.write(f"{self._ntuple.name}: {self.num_entries:,} entries\n" + "".join(reversed(lines)))

    def _choose(self, expressions: Expressions, filter_name: Filter, filter_typename: Filter) -> Choice:
        if expressions is not None:
            if filter_name is not None or filter_typename is not None:
                raise ArgumentError("fields are either named or filtered, not both")
            return by_name(self._ntuple, expressions, self._choice, self._known_keys)
        if filter_name is None and filter_typename is None:
            return self._choice
        accepted = self._accepted(filter_name, filter_typename, True)
        total = sum(key.depth == 0 for key in self._all_keys)
        return by_filter(self._ntuple, accepted, total, self._choice)

    # ---- entries ----

    def _range(self, start: int | None, stop: int | None) -> tuple[int, int]:
        first, last, _ = slice(start, stop).indices(self.num_entries)
        return self._start + first, self._start + max(first, last)

    def _resource_values(self, more: dict[str, Any]) -> dict[str, Any]:
        values: dict[str, Any] = {
            "batch_rows": None, "memory": None, "threads": None, "large_offsets": False, "strings_as_binary": False,
        }  # fmt: skip
        values.update(self._resources)
        values.update(more)
        return values

    def _stream(self, choice: Choice, start: int, stop: int, **resources: Any) -> _lib.Stream:
        return self._ntuple.scan(choice.fields, start, stop, self._resource_values(resources))

    def scan(
        self,
        expressions: Expressions = None,
        *,
        filter_name: Filter = None,
        filter_typename: Filter = None,
        entry_start: int | None = None,
        entry_stop: int | None = None,
        batch_rows: int | None = None,
        memory: int | None = None,
        threads: int | None = None,
        large_offsets: bool | None = None,
        strings_as_binary: bool | None = None,
    ) -> Scan:
        """A part of this, to be read later or by others.

        Args:
            expressions: Names of fields, in the order in which they are wanted.
            filter_name: See :meth:`keys`.
            filter_typename: See :meth:`keys`.
            entry_start: The first entry; negative numbers count from the end.
            entry_stop: The entry behind the last one.
            batch_rows: Rows per batch.
            memory: Bytes to hold at once, 32 MiB by default.
            threads: Threads to read and decode with; with 1 nothing is spawned.
            large_offsets: Lists and strings with 64-bit offsets.
            strings_as_binary: Strings as bytes, which need not be UTF-8.

        >>> scan = events.scan(["nMuon", "Muon_pt"], entry_stop=3)
        >>> [len(batch) for batch in scan.batches()]
        [3]
        """
        choice = self._choose(expressions, filter_name, filter_typename)
        start, stop = self._range(entry_start, entry_stop)
        given = {
            "batch_rows": batch_rows, "memory": memory, "threads": threads,
            "large_offsets": large_offsets, "strings_as_binary": strings_as_binary,
        }  # fmt: skip
        resources = {**self._resources, **{name: value for name, value in given.items() if value is not None}}
        return Scan(self._ntuple, choice, start, stop, resources)

    def batches(self) -> Iterator[_lib.Batch]:
        """Reads batch by batch."""
        return iter(self._stream(self._choice, self._start, self._stop))

    # ---- data ----

    def arrays(
        self,
        expressions: Expressions = None,
        *,
        filter_name: Filter = None,
        filter_typename: Filter = None,
        entry_start: int | None = None,
        entry_stop: int | None = None,
        library: str = "ak",
        how: Any = None,
        progress: Progress = None,
        threads: int | None = None,
    ) -> Any:
        """Reads fields into one array, table or data frame.

        Args:
            expressions: Names of fields, in the order in which they are wanted; all fields by default.
            filter_name: Fields by glob, regular expression or function, see :meth:`keys`.
            filter_typename: The same for the C++ type.
            entry_start: The first entry; negative numbers count from the end.
            entry_stop: The entry behind the last one.
            library: ``"ak"``: an Awkward Array of records; ``"np"``: a dict of NumPy arrays; ``"pd"``: a pandas
                DataFrame; ``"pa"``: a pyarrow Table; ``"pl"``: a Polars DataFrame; ``"batch"``: a :class:`Batch`.
            how: ``None``: what the library has for several columns; ``dict``, ``list`` or ``tuple``: a container of
                one array per field; ``"zip"``: lists of equal lengths whose names begin alike become lists of records.
            progress: ``True`` shows a bar (with tqdm); a function is called with the entries done and their total.
            threads: Threads to read and decode with.

        >>> events.arrays(["nMuon", "Muon_pt"], entry_stop=2).fields
        ['nMuon', 'Muon_pt']
        >>> events.arrays("nMuon", entry_stop=3, library="np")["nMuon"].dtype
        dtype('uint32')
        """
        _libraries.regularize(library)
        choice = self._choose(expressions, filter_name, filter_typename)
        start, stop = self._range(entry_start, entry_stop)
        batch = self._read(choice, start, stop, progress, threads)
        return _libraries.convert(batch, library, choice.order, how, start)

    def _read(self, choice: Choice, start: int, stop: int, progress: Progress, threads: int | None) -> _lib.Batch:
        given: dict[str, Any] = {} if threads is None else {"threads": threads}
        rows = stop - start
        meter = Meter(progress, rows)
        # A data set without a file does not tell its size.
        size = self._ntuple.file_size
        if (
            not meter.watched
            and size is not None
            and size * rows <= _AT_ONCE * max(1, self._ntuple.entries)
            and rows <= _ROWS_AT_ONCE
        ):
            # One batch needs no putting together.
            given |= {"batch_rows": max(1, rows), "memory": _AT_ONCE // 4}
        stream = self._stream(choice, start, stop, **{**given, **self._resources})
        with meter:
            batch = stream.read(None, meter.add if meter.watched else None)
        assert batch is not None
        return batch

    def array(
        self,
        name: str,
        *,
        entry_start: int | None = None,
        entry_stop: int | None = None,
        library: str = "ak",
        progress: Progress = None,
    ) -> Any:
        """Reads one field.

        >>> events.array("nMuon", entry_stop=4, library="np").dtype
        dtype('uint32')
        """
        return self[name].array(entry_start=entry_start, entry_stop=entry_stop, library=library, progress=progress)

    def iterate(
        self,
        expressions: Expressions = None,
        *,
        filter_name: Filter = None,
        filter_typename: Filter = None,
        step_size: int | str = "100 MB",
        entry_start: int | None = None,
        entry_stop: int | None = None,
        library: str = "ak",
        how: Any = None,
        report: bool = False,
        progress: Progress = None,
    ) -> Iterator[Any]:
        """Reads step by step, so that memory holds a few steps at most.

        Args:
            step_size: Rows per step, or the bytes that a step has in memory (``"100 MB"``).
            report: Gives pairs of the data and the range of entries that it is.

        The other arguments are those of :meth:`arrays`.

        >>> [len(step) for step in events.iterate("nMuon", step_size=400)]
        [400, 400, 200]
        """
        _libraries.regularize(library)
        rows, size = step_size_of(step_size)
        choice = self._choose(expressions, filter_name, filter_typename)
        start, stop = self._range(entry_start, entry_stop)
        return self._steps(choice, start, stop, rows, size, library, how, report, progress)

    def _steps(
        self, choice: Choice, start: int, stop: int, rows: int | None, size: int | None, library: str, how: Any,
        report: bool, progress: Progress,
    ) -> Iterator[Any]:  # fmt: skip
        stream = self._stream(choice, start, stop, **({} if rows is None else {"batch_rows": rows}))
        with Meter(progress, stop - start) as meter:
            entry = start
            while entry < stop:
                batch = stream.read(1 if size is None else size, None)
                if batch is None:
                    break
                data = _libraries.convert(batch, library, choice.order, how, entry)
                first, entry = entry, entry + len(batch)
                # The caller may be done with a step before the next one is read: nothing here keeps it.
                del batch
                yield (data, range(first, entry)) if report else data
                del data
                meter.add(entry - first)

    @overload
    def __getitem__(self, where: str) -> Field: ...
    @overload
    def __getitem__(self, where: slice | Sequence[str]) -> Scan: ...
    @overload
    def __getitem__(self, where: int) -> dict[str, Any]: ...
    def __getitem__(self, where: Any) -> Any:
        """A field by its name, several by a list of names, entries by a slice, or one entry as a dict.

        >>> events["Muon_pt"].typename
        'ROOT::VecOps::RVec<float>'
        >>> events[10:20][["nMuon"]].num_entries
        10
        >>> events[["nMuon", "Muon_charge"]][0]
        {'nMuon': 2, 'Muon_charge': [-1, -1]}
        """
        if isinstance(where, str):
            return self._field(where)
        if isinstance(where, slice):
            first, last, step = where.indices(self.num_entries)
            if step != 1:
                raise ArgumentError(f"entries can only be taken one by one, not in steps of {step}")
            return Scan(
                self._ntuple, self._choice, self._start + first, self._start + max(first, last), self._resources
            )
        if isinstance(where, (list, tuple)):
            choice = by_name(self._ntuple, where, self._choice, self._known_keys)
            return Scan(self._ntuple, choice, self._start, self._stop, self._resources)
        return self._row(operator.index(where))

    def _row(self, index: int) -> dict[str, Any]:
        entry = index + self.num_entries if index < 0 else index
        if not 0 <= entry < self.num_entries:
            raise IndexError(f"entry {index} of {self.num_entries}")
        entry += self._start
        if self._choice.fields is None and not self._resources:
            batch = self._ntuple.row(entry)
        else:
            batch = self._read(self._choice, entry, entry + 1, None, 1)
        row = {name: column.value(0) for name, column in zip(batch.names, batch.columns())}
        return row if self._choice.order is None else {name: row[name] for name in self._choice.order}

    def _field(self, name: str) -> Field:
        stored = self._ntuple.stored(name)
        if stored is None:
            raise missing(self._ntuple, name, self._known_keys)
        return Field(
            self._ntuple, by_name(self._ntuple, name, ALL, None), self._start, self._stop, self._resources, name
        )

    # ---- Arrow ----

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._arrow_stream().__arrow_c_stream__(requested_schema)

    def _arrow_stream(self) -> Any:
        return self._stream(self._choice, self._start, self._stop)

    def __arrow_c_schema__(self) -> object:
        return self.schema.__arrow_c_schema__()

    def __repr__(self) -> str:
        fields = "all fields" if self._choice.fields is None else f"fields {', '.join(self._choice.fields)}"
        return f"<rntuple.Scan of {self._ntuple.name}: entries {self._start} to {self._stop}, {fields}>"


class Field(Scan):
    """One field of a data set.

    >>> field = events["Muon_pt"]
    >>> field.name, field.typename
    ('Muon_pt', 'ROOT::VecOps::RVec<float>')
    """

    def __init__(
        self, ntuple: _lib.NTuple, choice: Choice, start: int, stop: int, resources: dict[str, Any], path: str
    ):
        super().__init__(ntuple, choice, start, stop, resources)
        self.path = path

    @cached_property
    def _key(self) -> Key:
        return next(key for key in self._all_keys if key.path == self.path)

    @property
    def name(self) -> str:
        """Its name, without those above it."""
        return self._key.name

    @property
    def typename(self) -> str:
        """Its C++ type."""
        return self._key.typename

    @property
    def description(self) -> str:
        """What the writer said about it."""
        return self._key.description

    def array(  # type: ignore[override]
        self,
        *,
        entry_start: int | None = None,
        entry_stop: int | None = None,
        library: str = "ak",
        progress: Progress = None,
    ) -> Any:
        """Reads the field.

        >>> field.array(entry_stop=3).type.length
        3
        """
        start, stop = self._range(entry_start, entry_stop)
        library = _libraries.regularize(library)
        array = self._read(self._choice, start, stop, progress, None).columns()[0]
        below = (self._choice.fields or [""])[0].split(".")[1:]
        return _libraries.column(_descend(array, below), library, start)

    def __getitem__(self, where: Any) -> Any:
        if isinstance(where, str):
            return self._field(f"{self.path}.{where}")
        if isinstance(where, slice):
            part = super().__getitem__(where)
            return Field(self._ntuple, self._choice, part._start, part._stop, self._resources, self.path)
        if isinstance(where, (list, tuple)):
            return super().__getitem__([f"{self.path}.{name}" for name in where])
        entry = operator.index(where)
        if not -len(self) <= entry < len(self):
            raise IndexError(f"entry {entry} of {len(self)}")
        entry %= len(self)
        return self[entry : entry + 1].array(library="batch").value(0)

    def __iter__(self) -> Iterator[str]:
        prefix = self.path + "."
        return (key.path[len(prefix) :] for key in self._all_keys if key.path.startswith(prefix))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        import numpy

        array = self.array(library="np")
        return numpy.array(array, dtype, copy=True) if copy else numpy.asarray(array, dtype)

    def __repr__(self) -> str:
        return f"<rntuple.Field {self.path} ({self.typename}): entries {self._start} to {self._stop}>"


def _descend(array: _lib.Array, names: list[str]) -> _lib.Array:
    """The array of a subfield, by its path on storage, with the lists that lie between."""
    if not names:
        return array
    rest = names[1:]
    if (array.type_name or "").startswith(("std::optional<", "std::unique_ptr<")):
        # The value is a level of the path, but not of the array, unless it is boxed.
        if array.boxed:
            return _descend(array.member(names[0]), rest)
        names, rest = rest, rest[1:]
        if not names:
            return array
    if array.kind == "struct":
        return _descend(array.member(names[0]), rest)
    if array.kind in ("list", "map", "array"):
        return array.with_items(_descend(array.children()[0], rest))
    # Atomics and enums are their numbers.
    return array
