//! The same data as Parquet.

use std::fs::File;
use std::path::Path;

use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use rntuple_io::Reader;

use super::nested;
use crate::Done;

/// Copies a data set as this library reads it, with the defaults of the Parquet writer and zstd at its usual level, 3.
pub(super) fn copy(from: &Path, to: &Path) -> Done<()> {
    let events = Reader::open(from)?.only()?;
    let mut scan = events.scan();
    if from.file_stem().is_some_and(|name| name == "nested") {
        scan = scan.columns(nested::WITHOUT_VARIANT);
    }
    let batches = scan.open()?;
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?)).build();
    let unfinished = to.with_extension("part");
    let mut writer = ArrowWriter::try_new(File::create(&unfinished)?, batches.schema(), Some(properties))?;
    for batch in batches {
        writer.write(&batch?)?;
    }
    writer.close()?;
    std::fs::rename(unfinished, to)?;
    Ok(())
}
