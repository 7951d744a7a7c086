//! Formats of tables other than RNTuple: what is read from them and written to them are Arrow record batches.

use std::path::Path;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use crate::error::Result;

/// A format of tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// RNTuples in a ROOT file or a store
    #[value(name = "rntuple")]
    RNTuple,
    /// TTrees in a ROOT file
    #[value(name = "ttree")]
    TTree,
    /// Apache Parquet
    Parquet,
    /// Apache Arrow IPC: a file (Feather V2), or a stream
    Arrow,
    /// Comma-separated values
    Csv,
    /// Tab-separated values
    Tsv,
    /// One JSON object per line
    Json,
    /// NumPy arrays, one per column
    Npz,
}

impl Format {
    /// The format that the extension of a file tells, that of a compression left aside; `None` when it tells none.
    pub(crate) fn of(name: &Path) -> Option<Self> {
        let name = name.to_string_lossy().to_lowercase();
        let name = name.split(['?', '#']).next().unwrap_or_default();
        let name = COMPRESSED.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        Some(match name.rsplit_once('.')?.1 {
            "root" => Self::RNTuple,
            "parquet" | "pq" => Self::Parquet,
            "arrow" | "arrows" | "feather" | "ipc" => Self::Arrow,
            "csv" => Self::Csv,
            "tsv" | "tab" => Self::Tsv,
            "json" | "jsonl" | "ndjson" => Self::Json,
            "npz" => Self::Npz,
            _ => return None,
        })
    }
}

/// Extensions that say that a text file is compressed.
const COMPRESSED: [&str; 4] = [".gz", ".zst", ".xz", ".bz2"];

/// A table that is read batch by batch.
pub(crate) trait Source {
    /// Columns of all batches, with their logical types (timestamps, dictionaries) and metadata.
    fn schema(&self) -> SchemaRef;

    /// Number of rows of the whole table, if it is known beforehand.
    fn rows(&self) -> Option<u64>;

    /// The next batch; `None` at the end.
    fn next(&mut self) -> Result<Option<RecordBatch>>;
}

/// A table that is written batch by batch. Dropped before [`Sink::finish`], it leaves no trace.
pub(crate) trait Sink {
    /// Writes rows; the batch has the schema that the sink was made with.
    fn append(&mut self, batch: &RecordBatch) -> Result<()>;

    /// Completes the table and makes it visible. Returns its size in bytes.
    fn finish(self: Box<Self>) -> Result<u64>;
}
