//! Rewrites a Parquet file with arrow-rs: what `rntuple convert` is measured against by `benches/convert_parquet.py`.
//!
//! `rewrite_parquet IN OUT LEVEL`: zstd of that level, all else as arrow-rs has it, on one thread as its writer works.

use std::error::Error;
use std::fs::File;

use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

/// As the `rntuple` binary has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(from), Some(to), Some(level)) = (args.next(), args.next(), args.next()) else {
        return Err("usage: rewrite_parquet IN OUT LEVEL".into());
    };
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(from)?)?.with_batch_size(65_536);
    let level = ZstdLevel::try_new(level.parse()?)?;
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
    let mut writer = ArrowWriter::try_new(File::create(to)?, builder.schema().clone(), Some(properties))?;
    for batch in builder.build()? {
        writer.write(&batch?)?;
    }
    writer.close()?;
    Ok(())
}
