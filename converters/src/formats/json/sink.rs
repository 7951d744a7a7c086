//! Tables as JSON lines.

use std::path::Path;

use arrow::array::RecordBatch;

use crate::error::{Error, Result};
use crate::formats::Sink;
use crate::formats::decompress::Compressed;
use crate::output::json::write_batch;
use crate::transport::Output;

/// A file of JSON lines under way.
#[derive(Debug)]
pub(crate) struct JsonSink {
    name: String,
    out: Compressed,
    buffer: Vec<u8>,
}

impl JsonSink {
    /// Starts a file; the extension of its name says how it is compressed.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let output = Output::create(path)?;
        let name = output.name().to_owned();
        let out = Compressed::new(path, output).map_err(|source| Error::Io { file: name.clone(), source })?;
        Ok(Self { name, out, buffer: Vec::new() })
    }
}

impl Sink for JsonSink {
    fn append(&mut self, batch: &RecordBatch) -> Result<()> {
        write_batch(batch, &mut self.buffer, &mut self.out).map_err(|error| error.in_file(&self.name))
    }

    fn finish(self: Box<Self>) -> Result<u64> {
        let Self { name, out, .. } = *self;
        out.end().map_err(|source| Error::Io { file: name, source })?.finish()
    }
}
