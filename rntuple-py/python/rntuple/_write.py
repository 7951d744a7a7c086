"""Writing files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rntuple import _columns, _lib, _types
from rntuple._filters import unwanted
from rntuple.errors import ArgumentError

_OPTIONS = frozenset([
    "compression", "field_compression", "encodings", "small_indexes", "keep_encodings", "approx_zipped_cluster_size",
    "max_unzipped_cluster_size", "initial_unzipped_page_size", "max_unzipped_page_size", "page_checksums",
    "same_page_merging", "max_key_size", "description", "checkpoint", "threads", "ordered",
])  # fmt: skip


def create(target: Any, *, storage_options: Mapping[str, Any] | None = None, **options: Any) -> WritableFile:
    """Starts a new ROOT file, to be used in a ``with`` statement. It appears under its name when the block ends; an
    exception within leaves nothing behind, and a file of that name as it was.

    Args:
        target: A path, a URI such as ``s3://bucket/key``, or a file object that is open for writing bytes, which gets the
            whole file at the end.
        storage_options: Options for a URI, as for :func:`open`.
        compression: ``"zstd:5"`` (the default), ``"lz4:4"``, ``"zlib:1"``, ``"lzma:7"``, ``"none"``, or ROOT's number.
        field_compression: A dict of field patterns and compressions.
        encodings: A dict of field patterns and column encodings, such as ``{"Muon_*": "Real32Trunc(12)"}``.
        checkpoint: Brings the file up to date while it is written: after so many clusters (int) or seconds (float).
        threads: Threads to encode and compress with. The bytes written are the same.
        options: ``small_indexes``, ``keep_encodings``, ``approx_zipped_cluster_size``, ``max_unzipped_cluster_size``,
            ``initial_unzipped_page_size``, ``max_unzipped_page_size``, ``page_checksums``, ``same_page_merging``,
            ``max_key_size``, ``description``: ROOT's, with ROOT's defaults. All options hold for every data set of the
            file that is not given others.

    >>> import rntuple
    >>> with rntuple.create("new.root", compression="zstd:3") as file:
    ...     file["Events"] = {"run": [1, 1, 2], "pt": [[31.5, 20.0], [], [7.25]]}
    >>> rntuple.open("new.root:Events").arrays(library="np")["run"].tolist()
    [1, 1, 2]
    """
    unwanted({name: value for name, value in options.items() if name not in _OPTIONS})
    if hasattr(target, "write"):
        return WritableFile(_lib.FileWriter.create(None, _file_options(options)), options, target)
    storage = None if storage_options is None else dict(storage_options)
    return WritableFile(_lib.FileWriter.create(os.fsdecode(target), _file_options(options), storage), options)


def update(path: str | os.PathLike[str], **options: Any) -> WritableFile:
    """Opens a ROOT file to add data sets to it, or entries to those it has. What is in it stays as it is; what is added
    becomes visible when the ``with`` block ends. The options are those of :func:`create`.

    >>> import rntuple
    >>> with rntuple.create("grow.root") as file:
    ...     file["a"] = {"x": [1, 2]}
    >>> with rntuple.update("grow.root") as file:
    ...     file["b"] = {"y": [0.5]}
    ...     a = file.append("a", {"x": [3]})
    >>> sorted(rntuple.open("grow.root")), rntuple.open("grow.root:a").num_entries
    (['a', 'b'], 3)
    """
    unwanted({name: value for name, value in options.items() if name not in _OPTIONS})
    return WritableFile(_lib.FileWriter.open(os.fsdecode(path), _file_options(options)), options)


def append(path: str | os.PathLike[str], data: Any, name: str | None = None, **options: Any) -> None:
    """Adds entries to a data set of a file.

    Args:
        path: The file; ``"file.root:Events"`` names the data set, too.
        data: What :meth:`WritableNTuple.extend` takes.
        name: The data set; it need not be named where there is only one.

    >>> import rntuple
    >>> with rntuple.create("more.root") as file:
    ...     file["a"] = {"x": [1, 2]}
    >>> rntuple.append("more.root:a", {"x": [3, 4]})
    >>> rntuple.open("more.root:a").array("x", library="np").tolist()
    [1, 2, 3, 4]
    """
    from rntuple._open import open_ntuple, split_name

    place: str = os.fsdecode(path)
    if name is None:
        place, name = split_name(place)
    if name is None:
        name = open_ntuple(place).name
    with update(place, **options) as file:
        file.append(name, data)


def _file_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Those that concern the file as a whole: patterns mean fields, of which a file has none."""
    return {name: value for name, value in options.items() if name not in ("encodings", "field_compression")}


class WritableFile:
    """A ROOT file that is written."""

    def __init__(self, file: _lib.FileWriter, options: Mapping[str, Any], target: Any = None):
        self._file = file
        self._options = dict(options)
        self._target = target
        self._open: list[WritableNTuple | ParallelNTuple] = []
        self._closed = False

    def __setitem__(self, name: str, data: Any) -> None:
        """Writes a whole data set: a dict of arrays, an Awkward Array of records, an Arrow table, a data frame, a list of
        rows, or anything that offers the Arrow C interfaces.

        Columns of tables that could have nulls but have none become plain values.
        """
        self.mkntuple(name, data).close()

    def mkntuple(self, name: str, schema: Any, *, description: str | None = None, **options: Any) -> WritableNTuple:
        """Starts a data set.

        Args:
            name: Its name, after directories if it is to be in one (``"dir/Events"``).
            schema: What fields it has: an Arrow schema, a dict of names and types (``{"pt": "var * float32"}``), a
                dataclass or a typed dict. Or data, which are written as well.
            description: What to say about it.
            options: Those of :func:`create`, for this data set.

        >>> import rntuple
        >>> with rntuple.create("typed.root") as file:
        ...     events = file.mkntuple("Events", {"run": "uint32", "pt": "var * float32"})
        ...     for run in range(3):
        ...         events.extend({"run": [run], "pt": [[0.5] * run]})
        >>> rntuple.open("typed.root:Events").typenames()
        {'run': 'std::uint32_t', 'pt': 'std::vector<float>'}
        """
        unwanted({option: value for option, value in options.items() if option not in _OPTIONS})
        chosen = {**self._options, **options}
        if description is not None:
            chosen["description"] = description
        if _types.is_schema(schema):
            return self._start(name, _types.schema_of(schema), chosen)
        batch = _columns.batch_of(schema)
        if batch is None and not hasattr(schema, "__len__") and not hasattr(schema, "__arrow_c_array__"):
            return self._from_stream(name, schema, chosen)
        if batch is None and hasattr(schema, "_arrow_stream"):
            return self._from_stream(name, schema._arrow_stream(), chosen)
        batches = _lib.Batch.import_all(schema) if batch is None else [batch]
        declared = batches[0].schema if batches else _lib.OpenStream(schema).schema
        return self._filled(self._start(name, _lib.writable_schema(batches, declared), chosen), batches)

    def _from_stream(self, name: str, source: Any, options: dict[str, Any]) -> WritableNTuple:
        """Data that may be larger than memory, in the types that the stream declares."""
        stream = _lib.OpenStream(source)
        ntuple = self._start(name, stream.schema, options)
        try:
            ntuple._writer.append_stream(stream)
        except BaseException:
            ntuple._abandon()
            raise
        return ntuple

    def _filled(self, ntuple: WritableNTuple, batches: Iterable[_lib.Batch]) -> WritableNTuple:
        """Writes all data; what cannot be written as a whole is not written at all."""
        try:
            for batch in batches:
                ntuple.extend(batch)
        except BaseException:
            ntuple._abandon()
            raise
        return ntuple

    def _start(self, name: str, schema: _lib.Schema, options: dict[str, Any]) -> WritableNTuple:
        return self._keep(WritableNTuple(self._file.ntuple(name, schema, options), name))

    def _keep(self, ntuple: WritableNTuple) -> WritableNTuple:
        self._open = [one for one in self._open if not one._closed] + [ntuple]
        return ntuple

    def mkparallel(self, name: str, schema: Any, **options: Any) -> ParallelNTuple:
        """Starts a data set that several threads write, each whole clusters of its own.

        Args:
            name: Its name.
            schema: What fields it has, see :meth:`mkntuple`.
            options: Those of :func:`create`. With ``ordered=True`` the clusters come in the order in which the contexts
                were made, so that the same data give the same bytes; otherwise as they are completed.

        >>> import rntuple
        >>> from concurrent.futures import ThreadPoolExecutor
        >>> with rntuple.create("parallel.root") as file:
        ...     events = file.mkparallel("Events", {"x": "int32"}, ordered=True)
        ...     def work(part):
        ...         context, values = part
        ...         with context:
        ...             context.extend({"x": values})
        ...     with ThreadPoolExecutor() as pool:
        ...         done = list(pool.map(work, [(events.context(), [1, 2]), (events.context(), [3])]))
        >>> rntuple.open("parallel.root:Events").array("x", library="np").tolist()
        [1, 2, 3]
        """
        unwanted({option: value for option, value in options.items() if option not in _OPTIONS})
        writer = self._file.parallel_ntuple(name, _types.schema_of(schema), {**self._options, **options})
        ntuple = ParallelNTuple(writer, name)
        self._open.append(ntuple)
        return ntuple

    def append(self, name: str, data: Any = None, **options: Any) -> WritableNTuple:
        """Continues a data set that the file has; its encodings stay. The file must have been opened by :func:`update`.

        Args:
            name: The data set.
            data: What to add, see :meth:`WritableNTuple.extend`.
            options: Those of :func:`create` that concern compression, clusters and pages.
        """
        unwanted({option: value for option, value in options.items() if option not in _OPTIONS})
        ntuple = self._keep(WritableNTuple(self._file.reopen(name, {**self._options, **options}), name))
        if data is not None:
            ntuple.extend(data)
        return ntuple

    def close(self) -> None:
        """Finishes all data sets and makes the file visible."""
        if self._closed:
            return
        try:
            for ntuple in self._open:
                ntuple.close()
        except BaseException:
            self.abandon()
            raise
        self._closed = True
        self._file.finish()
        if self._target is not None:
            self._target.write(self._file.content())

    def abandon(self) -> None:
        """Gives up: nothing is left behind, and an existing file stays as it was."""
        self._closed = True
        for ntuple in self._open:
            ntuple._abandon()
        self._file.abandon()

    def __enter__(self) -> WritableFile:
        return self

    def __exit__(self, kind: object, *error: object) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()


class WritableNTuple:
    """A data set that is written."""

    def __init__(self, writer: _lib.NTupleWriter, name: str):
        self._writer = writer
        self._closed = False
        self._schema = writer.schema
        self._attributes: list[WritableAttributes] = []
        self.name = name

    @property
    def schema(self) -> _lib.Schema:
        """The Arrow schema."""
        return self._schema

    @property
    def num_entries(self) -> int:
        """Number of entries so far."""
        return self._writer.entries

    def extend(self, data: Any) -> None:
        """Adds entries: a dict of arrays, an Awkward Array of records, an Arrow table or stream, a data frame, or a list of
        rows. Numbers are converted to the types of the fields, if they fit.
        """
        batch = _columns.batch_of(data, self._schema)
        if batch is not None:
            self._writer.append(batch)
        elif hasattr(data, "__arrow_c_stream__"):
            self._writer.append_stream(_lib.OpenStream(data))
        else:
            for batch in _lib.Batch.import_all(data):
                self._writer.append(batch)

    def add_fields(self, fields: Any) -> None:
        """Adds fields while writing; entries so far have zeros, empty lists and absent values there.

        Args:
            fields: A dict of names and types, or what else :meth:`WritableFile.mkntuple` takes as schema.
        """
        self._writer.add_fields(_types.schema_of(fields).fields)
        self._schema = self._writer.schema

    def attribute_set(self, name: str, schema: Any) -> WritableAttributes:
        """Starts an attribute set, which annotates ranges of entries of this data set.

        >>> import rntuple
        >>> with rntuple.create("noted.root") as file:
        ...     events = file.mkntuple("Events", {"x": "int32"})
        ...     events.extend({"x": [1, 2, 3]})
        ...     events.attribute_set("quality", {"good": bool}).add([range(0, 2)], {"good": [True]})
        >>> rntuple.open("noted.root:Events").attributes["quality"][0]
        {'_rangeStart': 0, '_rangeLen': 2, '_userData': {'good': True}}
        """
        attributes = WritableAttributes(self._writer.attribute_set(name, _types.schema_of(schema)))
        self._attributes.append(attributes)
        return attributes

    def flush_cluster(self) -> None:
        """Ends the open cluster: the next entries start a new one."""
        self._writer.flush_cluster()

    def checkpoint(self) -> None:
        """Brings the file on storage up to date."""
        self._writer.checkpoint()

    def close(self) -> None:
        """Writes what is left. The data set becomes visible with its file."""
        if not self._closed:
            self._closed = True
            for attributes in self._attributes:
                self._writer.add_attribute_set(attributes._writer)
            self._writer.finish()

    def _abandon(self) -> None:
        self._closed = True
        self._writer.abandon()

    def __enter__(self) -> WritableNTuple:
        return self

    def __exit__(self, kind: object, *error: object) -> None:
        if kind is None:
            self.close()
        else:
            self._abandon()


class ParallelNTuple:
    """A data set that several threads write; see :meth:`WritableFile.mkparallel`."""

    def __init__(self, writer: _lib.ParallelNTupleWriter, name: str):
        self._writer = writer
        self._closed = False
        self.name = name

    @property
    def num_entries(self) -> int:
        """Number of entries in complete clusters."""
        return self._writer.entries

    def context(self) -> FillContext:
        """What one thread writes through, in a ``with`` statement."""
        return FillContext(self._writer.context(), self._writer.schema)

    def close(self) -> None:
        """Finishes the data set; all contexts must be closed before."""
        if not self._closed:
            self._closed = True
            self._writer.finish()

    def _abandon(self) -> None:
        self._closed = True
        self._writer.abandon()


class FillContext:
    """What one thread writes through. After an exception within its ``with`` statement the data set cannot be finished."""

    def __init__(self, writer: _lib.ContextWriter, schema: _lib.Schema):
        self._writer = writer
        self._schema = schema

    def extend(self, data: Any) -> None:
        """Adds entries, as :meth:`WritableNTuple.extend` does."""
        batch = _columns.batch_of(data, self._schema)
        for one in _lib.Batch.import_all(data) if batch is None else [batch]:
            self._writer.append(one)

    def flush_cluster(self) -> None:
        """Ends the open cluster."""
        self._writer.flush_cluster()

    def close(self) -> None:
        """Ends the context."""
        self._writer.finish()

    def __enter__(self) -> FillContext:
        return self

    def __exit__(self, kind: object, *error: object) -> None:
        if kind is None:
            self.close()
        else:
            self._writer.abandon()


class WritableAttributes:
    """An attribute set that is written."""

    def __init__(self, writer: _lib.AttributeWriter):
        self._writer = writer

    def add(self, ranges: Iterable[range | slice | tuple[int, int]], data: Any) -> None:
        """Annotates ranges of entries, each with one row of the data."""
        batch = _columns.batch_of(data, self._writer.schema)
        if batch is None:
            batch = _lib.concat(_lib.Batch.import_all(data))
        self._writer.append([_bounds(one) for one in ranges], batch)


def _bounds(entries: range | slice | Sequence[int]) -> tuple[int, int]:
    if isinstance(entries, (range, slice)):
        if entries.start is None or entries.stop is None or entries.step not in (None, 1):
            raise ArgumentError(f"{entries} is no range of entries")
        return entries.start, entries.stop
    start, stop = entries
    return start, stop
