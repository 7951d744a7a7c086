"""From what users name to an open file."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import Any

from rntuple import _lib
from rntuple._file import File, NTuple
from rntuple.errors import ArgumentError


def open(
    source: Any,
    *,
    fs: Any = None,
    storage_options: Mapping[str, Any] | None = None,
) -> Any:
    """Opens a ROOT file, or an RNTuple in it.

    Args:
        source: A path, a URI such as ``s3://bucket/key`` or ``https://host/path``, or a file object that is open for
            reading bytes. After a colon comes the name of an RNTuple (``"events.root:Events"``); a dict with one item,
            ``{source: name}``, says the same and works for all sources.
        fs: An fsspec file system or an obstore store, in which ``source`` is a path.
        storage_options: Options for a URI. For ``s3``, ``gs``, ``az``, ``http``, ``https`` and stores (``ntpl+s3``,
            ``kv+file``): ``timeout`` and ``hedge_after`` in seconds, ``retries``, and what else comes from the environment,
            such as ``aws_endpoint``, ``aws_access_key_id``, ``aws_skip_signature``. For other URIs, those of fsspec.

    Returns:
        A :class:`File`, or an :class:`NTuple` where its name is given.

    >>> import rntuple
    >>> file = rntuple.open("dimuon.root")
    >>> file.keys()
    ['Events']
    >>> rntuple.open("dimuon.root:Events").num_entries
    1000
    """
    name: str | None = None
    if isinstance(source, Mapping):
        if len(source) != 1:
            raise ArgumentError(f"a dict with one file and one name is needed, not with {len(source)}")
        ((source, name),) = source.items()
    elif isinstance(source, str):
        source, name = split_name(source)
    file = File(_open_file(source, fs, storage_options))
    return file if name is None else file[name]


def open_ntuple(source: Any, **options: Any) -> NTuple:
    """The RNTuple that is named, or the only one that there is."""
    opened = source if isinstance(source, (File, NTuple)) else open(source, **options)
    return opened if isinstance(opened, NTuple) else opened.only()


def split_name(source: str) -> tuple[str, str | None]:
    """Takes ``file:name`` apart. A colon that is part of a URI, a drive or a file name that exists does not count."""
    place, colon, name = source.rpartition(":")
    if not colon or not place or name.startswith(("/", "\\")) or os.path.exists(source):
        return source, None
    if len(place) == 1 and place.isalpha():
        return source, None
    # The port of a URI is followed by a path.
    scheme, mark, rest = place.partition("://")
    if mark and "/" not in rest and scheme:
        return source, None
    return place, name


_NATIVE = ("s3", "gs", "az", "http", "https")


def is_native(source: Any) -> bool:
    """Whether a URI goes to the reader as it is."""
    scheme, mark, _ = source.partition("://") if isinstance(source, str) else ("", "", "")
    return bool(mark) and (scheme in _NATIVE or scheme.startswith(("ntpl+", "kv+")))


def _open_file(source: Any, fs: Any, storage_options: Mapping[str, Any] | None) -> _lib.File:
    if storage_options is not None and not (fs is None and is_native(source)):
        import fsspec

        fs, source = fsspec.core.url_to_fs(os.fspath(source), **storage_options)
    if fs is not None:
        path = os.fspath(source)
        store: _Store = (
            _Obstore(fs, path) if hasattr(fs, "get_range") or not hasattr(fs, "cat_file") else _Fsspec(fs, path)
        )
        return _lib.File.from_source(path, store, store.size, store.remote)
    if isinstance(source, (str, os.PathLike)):
        # The only place where paths and URIs go to the reader.
        return _lib.File.open(os.fsdecode(source), None if storage_options is None else dict(storage_options))
    if isinstance(source, (bytes, bytearray, memoryview)):
        content = _Bytes(bytes(source))
        return _lib.File.from_source("memory", content, content.size, False)
    if hasattr(source, "read") and hasattr(source, "seek"):
        opened = _FileObject(source)
        return _lib.File.from_source(str(getattr(source, "name", "file object")), opened, opened.size, False)
    raise TypeError(f"cannot open {type(source).__name__!r}: paths, URIs and file objects can be opened")


class _Store:
    """Something with a size, from which bytes can be read at any place, by several threads at once."""

    size: int
    remote = False

    def read_at(self, offset: int, length: int) -> bytes:
        raise NotImplementedError


class _Bytes(_Store):
    def __init__(self, content: bytes):
        self._content = content
        self.size = len(content)

    def read_at(self, offset: int, length: int) -> bytes:
        return self._content[offset : offset + length]


class _FileObject(_Store):
    def __init__(self, file: Any):
        self._file = file
        # A file object has one position, which its readers have to share.
        self._lock = threading.Lock()
        self.size = file.seek(0, os.SEEK_END)

    def read_at(self, offset: int, length: int) -> bytes:
        with self._lock:
            self._file.seek(offset)
            parts = []
            while length:
                part = self._file.read(length)
                if not part:
                    break
                parts.append(part)
                length -= len(part)
        return b"".join(parts)


class _Fsspec(_Store):
    def __init__(self, fs: Any, path: str):
        self._fs = fs
        self._path = path
        self.remote = not {"file", "local", "memory"} & {*([fs.protocol] if isinstance(fs.protocol, str) else fs.protocol)}
        size = fs.info(path)["size"]
        if size is None:
            raise ArgumentError(f"{path}: the file system does not tell the size of the file")
        self.size = int(size)

    def read_at(self, offset: int, length: int) -> bytes:
        return bytes(self._fs.cat_file(self._path, start=offset, end=offset + length))


class _Obstore(_Store):
    def __init__(self, store: Any, path: str):
        import obstore

        self._get_range = obstore.get_range
        self._store = store
        self._path = path
        self.remote = True
        self.size = int(obstore.head(store, path)["size"])

    def read_at(self, offset: int, length: int) -> bytes:
        if not length:
            return b""
        return bytes(self._get_range(self._store, self._path, start=offset, length=length))
