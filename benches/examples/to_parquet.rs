//! Writes a Parquet or CSV file as Parquet with arrow-rs: what `rntuple convert` is measured against by `benches/convert.py`.
//!
//! `to_parquet IN OUT LEVEL`: zstd of that level, all else as arrow-rs has it, on one thread as its writer works.

use std::error::Error;
use std::fs::File;
use std::io::Seek;
use std::sync::Arc;

use arrow::array::RecordBatchReader;
use arrow::csv;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

/// As the `rntuple` binary has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Rows of a batch.
const ROWS: usize = 65_536;

fn open(path: &str) -> Result<Box<dyn RecordBatchReader>, Box<dyn Error>> {
    let mut file = File::open(path)?;
    if path.ends_with(".parquet") {
        return Ok(Box::new(ParquetRecordBatchReaderBuilder::try_new(file)?.with_batch_size(ROWS).build()?));
    }
    let (schema, _) = csv::reader::Format::default().with_header(true).infer_schema(&mut file, Some(1000))?;
    file.rewind()?;
    Ok(Box::new(csv::ReaderBuilder::new(Arc::new(schema)).with_header(true).with_batch_size(ROWS).build(file)?))
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(from), Some(to), Some(level)) = (args.next(), args.next(), args.next()) else {
        return Err("usage: to_parquet IN OUT LEVEL".into());
    };
    let batches = open(&from)?;
    let level = ZstdLevel::try_new(level.parse()?)?;
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
    let mut writer = ArrowWriter::try_new(File::create(to)?, batches.schema(), Some(properties))?;
    for batch in batches {
        writer.write(&batch?)?;
    }
    writer.close()?;
    Ok(())
}
