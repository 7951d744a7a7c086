"""What can go wrong.

::

    Error
    |-- StorageError (OSError)         the file cannot be read or written
    |   `-- MissingFileError (FileNotFoundError)
    |-- FormatError                    the content is not what the format says
    |   `-- ChecksumError              bytes were damaged
    |-- NotFoundError (KeyError)       no such data set or field
    |   `-- MissingFileError
    |-- FieldError (ValueError)        a field cannot be read or written as asked, or a value does not fit it
    `-- ArgumentError (ValueError)     an argument makes no sense here
"""

from __future__ import annotations


class Error(Exception):
    """An error of this package. The message says all there is to say; the attributes are for programs."""

    file: str | None = None
    """The file, as it was named on opening."""
    field: str | None = None
    """Path of the field."""
    entry: int | None = None
    """Number of the entry."""
    offset: int | None = None
    """Where in the file the damaged or unreadable part starts, in bytes."""

    def __str__(self) -> str:
        # That of KeyError is the representation of its argument.
        return str(self.args[0]) if len(self.args) == 1 else Exception.__str__(self)


class StorageError(Error, OSError):
    """The file cannot be read or written."""


class FormatError(Error):
    """The content of the file is not what the format says, or is beyond what this version knows."""


class ChecksumError(FormatError):
    """Bytes of the file were damaged: stored and computed checksum differ."""


class NotFoundError(Error, KeyError):
    """There is no such data set or field."""


class MissingFileError(NotFoundError, StorageError, FileNotFoundError):
    """There is no such file."""


class FieldError(Error, ValueError):
    """A field cannot be read or written as asked, or a value does not fit it."""


class ArgumentError(Error, ValueError):
    """An argument makes no sense here."""
