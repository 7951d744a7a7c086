//! The data sets: made once, by this library, the same on every machine.

mod columns;
pub(crate) mod flat;
mod low_precision;
pub(crate) mod nano;
pub(crate) mod nested;
mod parquet;
pub(crate) mod wide;
mod written;

use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use rntuple_io::{WriteOptions, Writer};

use crate::Done;

/// Entries per batch while data are made.
const BATCH: usize = 8192;

/// A data set by its file.
#[derive(Debug)]
pub(crate) struct DataSet {
    /// Name of the file, without extension.
    pub(crate) name: &'static str,
    /// What is in it.
    pub(crate) what: &'static str,
    make: fn(&Path) -> Done<()>,
}

pub(crate) static NANO: DataSet =
    DataSet { name: "nano", what: "NanoAOD-like: 91 fields, jagged collections, 400,000 entries", make: nano::make };
pub(crate) static FLAT: DataSet =
    DataSet { name: "flat", what: "LHCb-like: 26 doubles, 2,000,000 entries", make: flat::lhcb };
pub(crate) static WIDE: DataSet =
    DataSet { name: "wide", what: "10,000 floats, 100 clusters of 10 entries", make: wide::sparse };
pub(crate) static NESTED: DataSet = DataSet {
    name: "nested",
    what: "vectors of structs with vectors, strings and variants, 100,000 entries",
    make: nested::make,
};
pub(crate) static LOW: DataSet = DataSet {
    name: "low_precision",
    what: "30 floats as Real16, Real32Trunc and Real32Quant, 1,000,000 entries",
    make: low_precision::make,
};
pub(crate) static NANO_WIDE: DataSet =
    DataSet { name: "nano_wide", what: "as wide as NanoAOD: 1,479 fields, 50,000 entries", make: wide::nano };
pub(crate) static HIGGS: DataSet =
    DataSet { name: "higgs", what: "81 numbers and lists, 500,000 entries", make: flat::higgs };
pub(crate) static WRITTEN: DataSet =
    DataSet { name: "written", what: "20 vectors of floats and 20 floats, 400,000 entries", make: written::make };
pub(crate) static LARGE: DataSet =
    DataSet { name: "large", what: "2 GB: 64 doubles and 8 vectors of floats", make: flat::large };

impl DataSet {
    /// Its file; made if it is not there.
    pub(crate) fn file(&self, dir: &Path) -> Done<PathBuf> {
        let path = dir.join(self.name).with_extension("root");
        if !path.exists() {
            eprintln!("making {}: {}", path.display(), self.what);
            (self.make)(&path)?;
        }
        Ok(path)
    }

    /// The same as Parquet; made if it is not there.
    pub(crate) fn parquet(&self, dir: &Path) -> Done<PathBuf> {
        let path = dir.join(self.name).with_extension("parquet");
        if !path.exists() {
            eprintln!("making {}", path.display());
            parquet::copy(&self.file(dir)?, &path)?;
        }
        Ok(path)
    }
}

/// Writes a data set: `batch` makes the entries from a number on.
fn write(
    path: &Path,
    options: WriteOptions,
    entries: usize,
    per_batch: usize,
    batch: impl Fn(usize, usize) -> Done<RecordBatch>,
) -> Done<()> {
    let schema = batch(0, 1)?.schema();
    write_as(path, schema, options, entries, per_batch, batch)
}

/// As [`write()`], with a schema that says more than those of the batches.
fn write_as(
    path: &Path,
    schema: SchemaRef,
    options: WriteOptions,
    entries: usize,
    per_batch: usize,
    batch: impl Fn(usize, usize) -> Done<RecordBatch>,
) -> Done<()> {
    let mut writer = Writer::create(path, "Events", schema, options)?;
    for first in (0..entries).step_by(per_batch) {
        writer.append(&batch(first, per_batch.min(entries - first))?)?;
    }
    writer.finish()?;
    Ok(())
}
