"""Showing how far long work is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Union

Progress = Union[None, bool, Callable[[int, int], object]]


class Meter:
    """Counts entries, and tells a bar of tqdm or a function of the user."""

    def __init__(self, progress: Progress, total: int, what: str = "reading"):
        self._total = total
        self._done = 0
        self._bar: Any = None
        self._tell: Callable[[int, int], object] | None = None
        if callable(progress):
            self._tell = progress
        elif progress:
            try:
                from tqdm.auto import tqdm
            except ImportError:
                pass
            else:
                self._bar = tqdm(total=total, unit=" entries", unit_scale=True, desc=what)

    @property
    def watched(self) -> bool:
        return self._bar is not None or self._tell is not None

    def add(self, entries: int) -> None:
        self._done += entries
        if self._bar is not None:
            self._bar.update(entries)
        if self._tell is not None:
            self._tell(self._done, self._total)

    def __enter__(self) -> Meter:
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.close()
