//! RNTuples as tables, and where their files come from and go to.

use std::io;
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use rntuple_io::storage::MemorySink;
use rntuple_io::{Batches, EntryRange, FileWriter, Metrics, NTuple, Reader, Scan, WriteOptions, Writer};

use super::{Sink, Source};
use crate::cli::Convert;
use crate::error::{Error, Result};
use crate::transport::{Input, is_standard};

/// Opens a file of RNTuples; standard input is taken into memory.
pub(crate) fn open_reader(file: &Path) -> Result<Reader> {
    if !is_standard(file) {
        return Ok(Reader::open(file)?);
    }
    let input = Input::open(file)?;
    let name = input.name().to_owned();
    Ok(Reader::from_source(name, input.random_access()?)?)
}

/// A file of RNTuples under way. One for standard output is made in memory: it is not written from start to end.
pub(crate) struct NewFile {
    pub(crate) writer: FileWriter,
    memory: Option<MemorySink>,
}

pub(crate) fn open_writer(file: &Path, options: &WriteOptions) -> Result<NewFile> {
    if !is_standard(file) {
        return Ok(NewFile { writer: FileWriter::create(file, options)?, memory: None });
    }
    let memory = MemorySink::new();
    let writer = FileWriter::to_sink("standard output", Box::new(memory.clone()), options)?;
    Ok(NewFile { writer, memory: Some(memory) })
}

impl NewFile {
    pub(crate) fn finish(self) -> Result<u64> {
        let size = self.writer.finish()?;
        if let Some(memory) = self.memory {
            let mut out = io::stdout().lock();
            io::Write::write_all(&mut out, &memory.bytes())
                .and_then(|()| io::Write::flush(&mut out))
                .map_err(Error::Output)?;
        }
        Ok(size)
    }
}

/// The newest cycles of all RNTuples of a file.
pub(super) fn names(file: &Path) -> Result<Vec<Option<String>>> {
    Ok(newest(&Reader::open(file)?)?.into_iter().map(Some).collect())
}

/// The paths of the newest cycles; at least one.
pub(crate) fn newest(reader: &Reader) -> Result<Vec<String>> {
    // What cannot be listed must not be lost without a word.
    if let Some((_, error)) = reader.damaged().first() {
        return Err(error.clone().into());
    }
    let paths: Vec<_> = reader.list().iter().filter(|key| key.newest).map(|key| key.path.clone()).collect();
    if paths.is_empty() {
        // Says that there is none.
        reader.only()?;
    }
    Ok(paths)
}

/// The entries of one RNTuple.
pub(super) fn open(file: &Path, name: Option<&str>, args: &Convert) -> Result<Box<dyn Source>> {
    let reader = open_reader(file)?;
    let ntuple = match name {
        Some(path) => reader.ntuple(path)?,
        None => reader.only()?,
    };
    let mut scan = ntuple.scan().arrow_types(true);
    if !args.fields.is_empty() {
        scan = scan.columns(&args.fields);
    }
    if let Some(threads) = args.threads {
        scan = scan.threads(threads);
    }
    let batches = scan.clone().open()?;
    if args.fields.is_empty()
        && let Some((field, reason)) = batches.skipped().first()
    {
        let reason = format!("field '{field}' cannot be read: {reason}; --fields '*' leaves out what cannot be read");
        return Err(Error::Read(rntuple_io::Error::Argument { file: ntuple.file_name().into(), reason }));
    }
    Ok(Box::new(NTupleSource { ntuple, scan, batches }))
}

struct NTupleSource {
    ntuple: NTuple,
    scan: Scan,
    batches: Batches,
}

impl Source for NTupleSource {
    fn schema(&self) -> SchemaRef {
        self.batches.schema()
    }

    fn rows(&self) -> Option<u64> {
        let entries = self.batches.entries();
        Some(entries.end - entries.start)
    }

    fn skip(&mut self, rows: u64) -> Result<u64> {
        let rows = rows.min(self.ntuple.entries());
        self.batches = self.scan.clone().entries(EntryRange::from(rows..)).open()?;
        Ok(rows)
    }

    fn next(&mut self) -> Result<Option<RecordBatch>> {
        Ok(self.batches.next().transpose()?)
    }

    fn metrics(&self) -> Option<Metrics> {
        Some(self.ntuple.metrics())
    }
}

/// An RNTuple that is written.
pub(crate) struct NTupleSink {
    writer: Writer,
}

impl NTupleSink {
    pub(crate) fn new(writer: Writer) -> Self {
        Self { writer }
    }

    pub(crate) fn into_writer(self) -> Writer {
        self.writer
    }
}

impl Sink for NTupleSink {
    fn append(&mut self, batch: &RecordBatch) -> Result<()> {
        Ok(self.writer.append(batch)?)
    }

    fn finish(self: Box<Self>) -> Result<u64> {
        Ok(self.writer.finish()?.file_size)
    }
}
