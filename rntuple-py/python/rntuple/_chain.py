"""Several files as one."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rntuple import _lib, _libraries
from rntuple._file import File, NTuple
from rntuple._filters import Filter
from rntuple._open import open_ntuple, split_name
from rntuple._progress import Progress
from rntuple._scan import Expressions
from rntuple.errors import ArgumentError


def _ntuples(files: Any, options: dict[str, Any]) -> Iterator[NTuple]:
    """Opens one after the other. Paths may be globs."""
    if isinstance(files, (NTuple, File, str, os.PathLike)) or hasattr(files, "read") or not isinstance(files, Iterable):
        files = [files]
    elif isinstance(files, Mapping):
        files = [{source: name} for source, name in files.items()]
    for source in files:
        if isinstance(source, str) and any(mark in source for mark in "*?[") and "://" not in source:
            path, name = split_name(source)
            found = sorted(glob.glob(path))
            for match in found:
                yield open_ntuple(match if name is None else {match: name}, **options)
            if found:
                continue
        yield open_ntuple(source, **options)


def iterate(
    files: Any,
    expressions: Expressions = None,
    *,
    filter_name: Filter = None,
    filter_typename: Filter = None,
    step_size: int | str = "100 MB",
    library: str = "ak",
    how: Any = None,
    report: bool = False,
    progress: Progress = None,
    **options: Any,
) -> Iterator[Any]:
    """Reads data sets of several files, one after the other and step by step.

    Args:
        files: What :func:`open` takes, or several of that; paths may have ``*``. Where no data set is named, the file
            must have only one.
        report: Gives pairs of the data and ``(file, entries)``.
        options: Passed on to :func:`open`.

    The other arguments are those of :meth:`NTuple.iterate`.

    >>> import rntuple
    >>> sum(len(step) for step in rntuple.iterate(["dimuon.root:Events"] * 2, "nMuon", step_size=600))
    2000
    """
    for ntuple in _ntuples(files, options):
        steps = ntuple.iterate(
            expressions, filter_name=filter_name, filter_typename=filter_typename, step_size=step_size,
            library=library, how=how, report=report, progress=progress,
        )  # fmt: skip
        for step in steps:
            yield (step[0], (ntuple.file, step[1])) if report else step


def concatenate(
    files: Any,
    expressions: Expressions = None,
    *,
    filter_name: Filter = None,
    filter_typename: Filter = None,
    library: str = "ak",
    how: Any = None,
    progress: Progress = None,
    **options: Any,
) -> Any:
    """Reads data sets of several files into one array. The arguments are those of :func:`iterate`.

    >>> import rntuple
    >>> rntuple.concatenate(["dimuon.root:Events"] * 3, ["nMuon"], library="np")["nMuon"].shape
    (3000,)
    """
    _libraries.regularize(library)
    order = None
    batches: list[_lib.Batch] = []
    for ntuple in _ntuples(files, options):
        choice = ntuple._choose(expressions, filter_name, filter_typename)
        order = choice.order
        batches.append(ntuple._read(choice, 0, ntuple.num_entries, progress, None))
    if not batches:
        raise ArgumentError("there are no files to put together")
    return _libraries.convert(_lib.concat(batches), library, order, how, 0)
