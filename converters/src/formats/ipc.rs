//! Apache Arrow IPC: files with random access (Feather V2), and streams.

mod dictionaries;
mod messages;

use std::io::{self, BufReader, Cursor, Read};
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::CompressionType;
use arrow::ipc::writer::{DictionaryHandling, FileWriter, IpcWriteOptions, StreamWriter};
use rntuple_io::storage::{ByteSource, Memory};

use self::dictionaries::{Dictionaries, holds_dictionary};
use self::messages::{FileMessages, StreamMessages};
use super::{Sink, Source};
use crate::cli::Convert;
use crate::error::{Error, Result};
use crate::guard::quietly;
use crate::transport::{Input, Output, is_standard};

/// What a file with random access begins with.
const MAGIC: &[u8] = b"ARROW1";
/// What the first version of Feather begins with, which is another format.
const FEATHER_1: &[u8] = b"FEA1";
/// Bytes that are read at once.
const PIECE: usize = 1 << 20;

fn arrow_error(file: &str, error: ArrowError) -> Error {
    match error {
        ArrowError::IoError(_, source) if source.kind() != io::ErrorKind::UnexpectedEof => {
            Error::Io { file: file.to_owned(), source }
        }
        other => Error::Table { file: file.to_owned(), reason: other.to_string() },
    }
}

/// Opens a file or a stream, whichever it is.
pub(super) fn open(file: &Path) -> Result<Box<dyn Source>> {
    let input = Input::open(file)?;
    let name = input.name().to_owned();
    let io_error = |source| Error::Io { file: name.clone(), source };
    let mut start = Vec::new();
    let source: Arc<dyn ByteSource> = if is_standard(file) {
        // Standard input may bring either.
        let mut stream = input.stream();
        Read::by_ref(&mut stream).take(MAGIC.len() as u64).read_to_end(&mut start).map_err(io_error)?;
        if start != MAGIC {
            return open_stream(Box::new(Cursor::new(start).chain(stream)), name);
        }
        stream.read_to_end(&mut start).map_err(io_error)?;
        Arc::new(Memory::new(start))
    } else {
        let source = input.random_access()?;
        start.resize(MAGIC.len().min(usize::try_from(source.size()).unwrap_or(usize::MAX)), 0);
        source.read_at(0, &mut start).map_err(io_error)?;
        if start.starts_with(FEATHER_1) {
            let reason = "is a Feather file of the first version; write it anew as version 2, with pyarrow for example";
            return Err(Error::Table { file: name, reason: reason.to_owned() });
        }
        if start != MAGIC {
            return open_stream(Box::new(BufReader::with_capacity(PIECE, Input::open(file)?.stream())), name);
        }
        source
    };
    let messages = match quietly(|| FileMessages::open(source)) {
        Ok(messages) => messages.map_err(|e| arrow_error(&name, e))?,
        Err(panic) => return Err(panicked(&name, "the footer", &panic)),
    };
    let schema = Arc::clone(&messages.schema);
    Ok(Box::new(IpcSource { name, schema, batches: Batches::File(Box::new(messages)), number: 0 }))
}

fn open_stream(stream: Box<dyn Read + Send>, name: String) -> Result<Box<dyn Source>> {
    let (messages, schema) = match quietly(|| StreamMessages::open(stream)) {
        Ok(opened) => opened.map_err(|e| arrow_error(&name, e))?,
        Err(panic) => return Err(panicked(&name, "the schema", &panic)),
    };
    Ok(Box::new(IpcSource { name, schema, batches: Batches::Stream(Box::new(messages)), number: 0 }))
}

fn panicked(file: &str, place: &str, panic: &str) -> Error {
    Error::Table { file: file.to_owned(), reason: format!("{place} cannot be understood: {panic}") }
}

enum Batches {
    File(Box<FileMessages>),
    Stream(Box<StreamMessages>),
}

struct IpcSource {
    name: String,
    schema: SchemaRef,
    batches: Batches,
    /// Of the next batch, for messages.
    number: usize,
}

impl Source for IpcSource {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn rows(&self) -> Option<u64> {
        None
    }

    fn next(&mut self) -> Result<Option<RecordBatch>> {
        let batch = quietly(|| match &mut self.batches {
            Batches::File(messages) => messages.next(),
            Batches::Stream(messages) => messages.next(),
        });
        let place = format!("record batch {}", self.number);
        self.number += 1;
        match batch {
            Ok(Ok(batch)) => Ok(batch),
            Ok(Err(error)) => match arrow_error(&self.name, error) {
                Error::Table { file, reason } => Err(Error::Table { file, reason: format!("{place}: {reason}") }),
                other => Err(other),
            },
            Err(panic) => Err(panicked(&self.name, &place, &panic)),
        }
    }
}

/// What --compression asks of an Arrow file.
pub(crate) fn compression(args: &Convert) -> Result<Option<CompressionType>> {
    match args.compression.as_deref() {
        None | Some("none") => Ok(None),
        Some("lz4") => Ok(Some(CompressionType::LZ4_FRAME)),
        Some("zstd") => Ok(Some(CompressionType::ZSTD)),
        Some(text) => {
            let reason = format!("invalid value {text:?} for '--compression' of an Arrow file: give zstd, lz4 or none");
            Err(Error::Usage(reason))
        }
    }
}

/// Starts to write: a stream to standard output and to names that end in `.arrows`, a file else.
pub(super) fn create(args: &Convert, schema: &SchemaRef) -> Result<Box<dyn Sink>> {
    let as_stream = is_standard(&args.output) || args.output.extension().is_some_and(|ending| ending == "arrows");
    let options = IpcWriteOptions::default().try_with_compression(compression(args)?);
    let output = Output::create(&args.output)?;
    let file = output.name().to_owned();
    let options = options.map_err(|e| arrow_error(&file, e))?;
    let mut dictionaries = None;
    let writer = if as_stream {
        StreamWriter::try_new_with_options(output, schema, options).map(|writer| To::Stream(Box::new(writer)))
    } else {
        if schema.fields().iter().any(|field| holds_dictionary(field.data_type())) {
            dictionaries = Some(Dictionaries::default());
        }
        let options = options.with_dictionary_handling(DictionaryHandling::Delta);
        FileWriter::try_new_with_options(output, schema, options).map(|writer| To::File(Box::new(writer)))
    };
    let writer = writer.map_err(|e| arrow_error(&file, e))?;
    Ok(Box::new(IpcSink { file, writer, dictionaries }))
}

enum To {
    File(Box<FileWriter<Output>>),
    Stream(Box<StreamWriter<Output>>),
}

struct IpcSink {
    file: String,
    writer: To,
    /// Those of a file, if it has any; a stream may have others for each batch.
    dictionaries: Option<Dictionaries>,
}

impl Sink for IpcSink {
    fn append(&mut self, batch: &RecordBatch) -> Result<()> {
        let unified = self.dictionaries.as_mut().map(|dictionaries| dictionaries.unify(batch)).transpose();
        let unified = unified.map_err(|e| arrow_error(&self.file, e))?;
        let batch = unified.as_ref().unwrap_or(batch);
        let written = match &mut self.writer {
            To::File(writer) => writer.write(batch),
            To::Stream(writer) => writer.write(batch),
        };
        written.map_err(|e| arrow_error(&self.file, e))
    }

    fn finish(self: Box<Self>) -> Result<u64> {
        let file = self.file;
        let output = match self.writer {
            To::File(mut writer) => writer.finish().and_then(|()| writer.into_inner()),
            To::Stream(mut writer) => writer.finish().and_then(|()| writer.into_inner()),
        };
        output.map_err(|e| arrow_error(&file, e))?.finish()
    }
}
