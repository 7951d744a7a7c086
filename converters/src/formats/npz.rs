//! NumPy archives: one array per flat column. They are written only.
//!
//! An array says in its header how long it is, and strings how long the longest one is, so that nothing can be written
//! before all is known: values go to one temporary file, batch by batch, and from there into the archive, column by column.
//! Memory does not grow with the number of rows.

mod array;
mod spool;

use std::fs::File;
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use zip::write::{SimpleFileOptions, StreamWriter, ZipWriter};

use self::array::ColumnArray;
use self::spool::Spool;
use super::Sink;
use crate::error::{Error, Result};
use crate::interrupt;
use crate::transport::{Output, is_standard};

/// An archive under way.
pub(crate) struct NpzSink {
    output: Output,
    spool: Spool,
    columns: Vec<ColumnArray>,
    rows: u64,
}

impl NpzSink {
    /// Starts an archive; refuses columns that are no arrays.
    pub(crate) fn create(path: &Path, schema: &Schema) -> Result<Self> {
        let name = path.to_string_lossy();
        let columns = schema.fields().iter().map(ColumnArray::new);
        let columns = columns.collect::<std::result::Result<Vec<_>, _>>();
        let mut columns = columns.map_err(|reason| Error::Table { file: name.to_string(), reason })?;
        let output = Output::create(path)?;
        let failed = |source| Error::Io { file: name.to_string(), source };
        let mut spool = Spool::new(temporary(path).map_err(failed)?);
        columns.iter_mut().try_for_each(|column| column.start(&mut spool)).map_err(failed)?;
        Ok(Self { output, spool, columns, rows: 0 })
    }
}

/// A file without a name, beside the one that is written if that is a file.
fn temporary(path: &Path) -> std::io::Result<File> {
    let folder = path.parent().filter(|_| !is_standard(path) && !path.to_string_lossy().contains("://"));
    match folder {
        Some(folder) if folder.as_os_str().is_empty() => tempfile::tempfile_in("."),
        Some(folder) => tempfile::tempfile_in(folder),
        None => tempfile::tempfile(),
    }
}

impl Sink for NpzSink {
    fn append(&mut self, batch: &RecordBatch) -> Result<()> {
        let file = self.output.name();
        for (column, array) in self.columns.iter_mut().zip(batch.columns()) {
            column.append(array, self.rows, &mut self.spool).map_err(|error| error.into_error(file))?;
        }
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<u64> {
        let Self { output, mut spool, columns, rows } = *self;
        let file = output.name().to_owned();
        let failed = |source| Error::Io { file: file.clone(), source };
        let mut zip: ZipWriter<StreamWriter<Output>> = ZipWriter::new_stream(output);
        for column in &columns {
            for part in column.parts(rows).map_err(|error| error.into_error(&file))? {
                interrupt::check()?;
                let options = SimpleFileOptions::default()
                    .compression_method(zip::CompressionMethod::Stored)
                    .large_file(part.bytes() >= u64::from(u32::MAX));
                zip.start_file(format!("{}.npy", part.name), options).map_err(|error| failed(error.into()))?;
                part.write(&mut spool, &mut zip).map_err(failed)?;
            }
        }
        zip.finish().map_err(|error| failed(error.into()))?.into_inner().finish()
    }
}
