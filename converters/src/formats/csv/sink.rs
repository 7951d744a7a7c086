//! Tables as CSV files.

use std::path::Path;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;

use super::Dialect;
use crate::error::{Error, Result};
use crate::formats::Sink;
use crate::formats::decompress::Compressed;
use crate::output::csv::{CsvFormat, CsvWriter};
use crate::transport::Output;

/// A CSV file under way.
#[derive(Debug)]
pub(crate) struct CsvSink {
    name: String,
    lines: CsvWriter<Compressed>,
}

impl CsvSink {
    /// Starts a file; the extension of its name says how it is compressed.
    pub(crate) fn create(path: &Path, schema: &Schema, dialect: &Dialect) -> Result<Self> {
        let Some(quote) = dialect.quote else {
            return Err(Error::Usage("--quote none is for reading; what is written needs quotes".to_owned()));
        };
        let output = Output::create(path)?;
        let name = output.name().to_owned();
        let out = Compressed::new(path, output).map_err(|source| Error::Io { file: name.clone(), source })?;
        let Dialect { delimiter, escape, header, .. } = *dialect;
        let format = CsvFormat { delimiter, quote, escape, null: &dialect.null, header };
        let lines = CsvWriter::new(schema, &format, out).map_err(|error| error.in_file(&name))?;
        Ok(Self { name, lines })
    }
}

impl Sink for CsvSink {
    fn append(&mut self, batch: &RecordBatch) -> Result<()> {
        self.lines.write(batch).map_err(|error| error.in_file(&self.name))
    }

    fn finish(self: Box<Self>) -> Result<u64> {
        let Self { name, lines } = *self;
        let out = lines.finish().map_err(|error| error.in_file(&name))?;
        out.end().map_err(|source| Error::Io { file: name, source })?.finish()
    }
}
