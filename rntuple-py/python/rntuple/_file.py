"""Files and data sets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from rntuple import _lib
from rntuple._filters import ALL, Filter, predicate
from rntuple._scan import Scan


class NTuple(Scan):
    """An open data set.

    It can be read as a whole or in part: by the names of fields (``events["Muon_pt"]``), by entries (``events[10:20]``,
    ``events[7]``), and by everything that :class:`Scan` offers.
    """

    def __init__(self, ntuple: _lib.NTuple):
        super().__init__(ntuple, ALL, 0, ntuple.entries, {})

    @property
    def name(self) -> str:
        """Its name.

        >>> events.name
        'Events'
        """
        return self._ntuple.name

    @property
    def description(self) -> str:
        """What the writer said about it."""
        return self._ntuple.description

    @property
    def writer(self) -> str:
        """Program or library that wrote it."""
        return self._ntuple.writer

    @property
    def file(self) -> str:
        """The file, as it was named on opening."""
        return self._ntuple.file

    @property
    def num_clusters(self) -> int:
        """Number of clusters."""
        return self._ntuple.clusters

    @property
    def attributes(self) -> Mapping[str, NTuple]:
        """The attribute sets: data sets whose entries annotate ranges of entries of this one. Their fields are
        ``_rangeStart``, ``_rangeLen`` and the record ``_userData``.

        >>> list(events.attributes)
        []
        """
        return _Attributes(self._ntuple)

    @property
    def unavailable(self) -> dict[str, str]:
        """Fields that this version cannot read, with the reason. They are left out."""
        return dict(self._ntuple.unavailable())

    def verify(self) -> list[tuple[str, int, str]]:
        """Checks every checksum; gives what is damaged, at which offset, and how.

        >>> events.verify()
        []
        """
        return self._ntuple.verify()

    def __enter__(self) -> NTuple:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def __repr__(self) -> str:
        return f"<rntuple.NTuple {self.name!r} of {self.file}: {self.num_entries} entries>"


class _Attributes(Mapping[str, NTuple]):
    def __init__(self, ntuple: _lib.NTuple):
        self._ntuple = ntuple
        self._names = ntuple.attribute_sets()

    def __getitem__(self, name: str) -> NTuple:
        return NTuple(self._ntuple.attribute_set(name))

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class File(Mapping[str, NTuple]):
    """An open ROOT file: a mapping of names to data sets.

    Names in directories have slashes (``"dir/Events"``); ``"Events;1"`` is an older cycle.
    """

    def __init__(self, file: _lib.File):
        self._file = file
        self._open: dict[str, NTuple] = {}

    @property
    def name(self) -> str:
        """The file, as it was named on opening."""
        return self._file.name

    @property
    def size(self) -> int | None:
        """Bytes of the file; ``None`` for data sets without one."""
        return self._file.size

    @property
    def damaged(self) -> dict[str, str]:
        """Directories that cannot be read, with the reason. What is in them is not listed."""
        return dict(self._file.damaged())

    def keys(  # type: ignore[override]
        self, *, filter_name: Filter = None, cycle: bool = False
    ) -> list[str]:
        """Names of the data sets.

        Args:
            filter_name: A glob, a regular expression between slashes, a function, or several of these.
            cycle: Whether to name cycles (``"Events;1"``), older ones too.
        """
        accepts: Callable[[str], bool] = predicate(filter_name)
        listed = [(path, number) for path, number, newest in self._file.listing() if cycle or newest]
        return [f"{path};{number}" if cycle else path for path, number in listed if accepts(path)]

    def __getitem__(self, name: str) -> NTuple:
        if name not in self._open:
            self._open[name] = NTuple(self._file.ntuple(name))
        return self._open[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self.keys())

    def only(self) -> NTuple:
        """The data set, where there is only one."""
        return NTuple(self._file.only())

    def close(self) -> None:
        """Forgets the data sets that were opened. The file itself is closed with the last object that reads from it."""
        self._open.clear()

    def __enter__(self) -> File:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<rntuple.File {self.name}: {', '.join(self) or 'no data sets'}>"
