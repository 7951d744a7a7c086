//! Parquet, read by arrow-rs.

use std::fs::File;
use std::path::Path;

use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::{Measured, measure_batches};
use crate::Done;

/// Rows per batch: the fastest of 1024 to 400,000, by a few per cent.
const ROWS: usize = 8192;

/// Record batches of all entries, kept.
pub(super) fn read(path: &Path, columns: &[&str]) -> Done<Measured> {
    measure_batches(true, |take| {
        let mut builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?.with_batch_size(ROWS);
        if !columns.is_empty() {
            let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
            builder = builder.with_projection(mask);
        }
        builder.build()?.try_for_each(|batch| take(batch?))
    })
}
