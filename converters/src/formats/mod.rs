//! Formats of tables: what is read from them and written to them are Arrow record batches.

pub(crate) mod chain;
mod columns;
pub(crate) mod csv;
mod decompress;
mod differences;
mod feed;
pub(crate) mod ipc;
mod json;
mod names;
mod npz;
pub(crate) mod parquet;
pub(crate) mod rntuple;
pub(crate) mod schema;
mod shape;
pub(crate) mod ttree;
pub(crate) mod types;

use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use rntuple_io::Metrics;

use crate::cli::Convert;
use crate::error::{Error, Result};

pub(crate) use chain::Range;
pub(crate) use differences::Differences;

/// A format of tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// RNTuples in a ROOT file or a store
    #[value(name = "rntuple")]
    RNTuple,
    /// Trees in a ROOT file
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
    /// `NumPy` arrays, one per column
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
pub(crate) trait Source: Send {
    /// Columns of all batches, with their logical types (timestamps, dictionaries) and metadata.
    fn schema(&self) -> SchemaRef;

    /// Number of rows of the whole table, if it is known beforehand.
    fn rows(&self) -> Option<u64>;

    /// Passes over the next rows without reading them, as far as that can be done: at most `rows`. Gives how many were
    /// passed over; the default passes over none. Called before the first batch only.
    fn skip(&mut self, rows: u64) -> Result<u64> {
        let _ = rows;
        Ok(0)
    }

    /// Reads these columns only, given their places, in this order; `false` where that saves nothing. Called before the
    /// first batch only.
    fn keep(&mut self, columns: &[usize]) -> Result<bool> {
        let _ = columns;
        Ok(false)
    }

    /// The next batch; `None` at the end.
    fn next(&mut self) -> Result<Option<RecordBatch>>;

    /// What is left out though it was asked for, with the reasons.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }

    /// What reading cost, if that is counted.
    fn metrics(&self) -> Option<Metrics> {
        None
    }
}

/// A table that is written batch by batch. Dropped before [`Sink::finish`], it leaves no trace.
pub(crate) trait Sink {
    /// Writes rows; the batch has the schema that the sink was made with.
    fn append(&mut self, batch: &RecordBatch) -> Result<()>;

    /// Completes the table and makes it visible. Returns its size in bytes.
    fn finish(self: Box<Self>) -> Result<u64>;
}

/// The tables of a file, by the names that they have there; a nameless one for formats that hold one table.
pub(crate) fn names(format: Format, file: &Path) -> Result<Vec<Option<String>>> {
    match format {
        Format::RNTuple => rntuple::names(file),
        Format::TTree => ttree::names(file),
        _ => Ok(vec![None]),
    }
}

/// Opens a table of a file; without a name, the only one. Of the options, those of reading count; entries are chosen later.
pub(crate) fn open(format: Format, file: &Path, name: Option<&str>, args: &Convert) -> Result<Box<dyn Source>> {
    let source = match format {
        Format::RNTuple => rntuple::open(file, name, args)?,
        Format::TTree => ttree::open(file, name, args)?,
        Format::Parquet => parquet::open(file, args)?,
        Format::Arrow => ipc::open(file)?,
        _ => return Err(not_yet(format, file)),
    };
    shape::shape(source, file, args, !matches!(format, Format::RNTuple | Format::TTree))
}

/// Opens text files as one table; `None` for formats that are no text. What their rows are is found out from all of them
/// together. `warn` hears of names that were changed.
pub(crate) fn open_text(
    format: Format,
    files: &[PathBuf],
    args: &Convert,
    warn: &mut dyn FnMut(String),
) -> Result<Option<Box<dyn Source>>> {
    let wanted = args.text.wanted();
    let source: Box<dyn Source> = match format {
        Format::Csv | Format::Tsv => {
            let dialect = args.text.dialect(format);
            Box::new(csv::open(files, dialect, &wanted, args.threads, warn)?)
        }
        Format::Json => Box::new(json::open(files, &wanted, args.threads, warn)?),
        _ => return Ok(None),
    };
    let first = files.first().map(PathBuf::as_path).unwrap_or(Path::new(""));
    shape::shape(source, first, args, true).map(Some)
}

/// Starts to write a table to the output that the options name.
pub(crate) fn create(format: Format, args: &Convert, schema: &SchemaRef) -> Result<Box<dyn Sink>> {
    let output = &args.output;
    match format {
        Format::Parquet => parquet::create(args, schema),
        Format::Arrow => ipc::create(args, schema),
        Format::Csv | Format::Tsv => Ok(Box::new(csv::CsvSink::create(output, schema, &args.text.dialect(format))?)),
        Format::Json => Ok(Box::new(json::JsonSink::create(output)?)),
        Format::Npz => Ok(Box::new(npz::NpzSink::create(output, schema)?)),
        _ => Err(not_yet(format, output)),
    }
}

fn not_yet(format: Format, file: &Path) -> Error {
    let reason = format!("the format {format:?} is not supported in this direction");
    Error::Table { file: file.to_string_lossy().into_owned(), reason }
}
