"""RNTuple data sets, the columnar format of CERN's ROOT, in Python.

Reading::

    import rntuple

    events = rntuple.open("events.root:Events")
    events.keys()                                   # names of the fields
    events.arrays(["Muon_pt", "Muon_eta"])          # an Awkward Array
    events.arrays(filter_name="Muon_*", library="pd", entry_stop=1000)
    for chunk in events.iterate(step_size="100 MB"):
        ...

Data sets, scans and batches offer the Arrow C interfaces, so that whatever knows Arrow reads them: ``pyarrow.table(events)``,
``polars.from_arrow(events)``, ``duckdb.sql("select avg(run) from events")``.

Writing::

    with rntuple.create("out.root", compression="zstd:5") as file:
        file["Events"] = {"run": [1, 2], "pt": awkward_array}   # or an Arrow table, a DataFrame, ...

Awkward Array, pandas, pyarrow, Polars and tqdm are imported when they are asked for, not before.
"""

from __future__ import annotations

from rntuple._chain import concatenate, iterate
from rntuple._file import File, NTuple
from rntuple._lib import Batch, Schema, __version__
from rntuple._lib import Field as SchemaField
from rntuple._open import open
from rntuple._scan import Field, Scan
from rntuple._write import WritableFile, WritableNTuple, append, create, update
from rntuple.errors import (
    ArgumentError,
    ChecksumError,
    Error,
    FieldError,
    FormatError,
    NotFoundError,
    StorageError,
)

__all__ = [
    "ArgumentError",
    "Batch",
    "ChecksumError",
    "Error",
    "Field",
    "FieldError",
    "File",
    "FormatError",
    "NTuple",
    "NotFoundError",
    "Scan",
    "Schema",
    "SchemaField",
    "StorageError",
    "WritableFile",
    "WritableNTuple",
    "__version__",
    "append",
    "concatenate",
    "create",
    "iterate",
    "open",
    "update",
]
