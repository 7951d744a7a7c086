//! Apache Arrow IPC: files with random access (Feather V2), and streams.

use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::CompressionType;
use arrow::ipc::reader::{FileReader, StreamReader};
use arrow::ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use rntuple_io::storage::ByteSource;

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
    // Standard input may bring either.
    let bytes: Box<dyn ReadSeek> = if is_standard(file) {
        let mut stream = input.stream();
        Read::by_ref(&mut stream).take(MAGIC.len() as u64).read_to_end(&mut start).map_err(io_error)?;
        if start != MAGIC {
            let stream = Box::new(BufReader::with_capacity(PIECE, Cursor::new(start).chain(stream)));
            return open_stream(stream, name);
        }
        let mut all = start.clone();
        stream.read_to_end(&mut all).map_err(io_error)?;
        Box::new(Cursor::new(all))
    } else {
        let source = input.random_access()?;
        let size = source.size();
        let mut bytes = BufReader::with_capacity(PIECE, Seekable { source, at: 0 });
        Read::by_ref(&mut bytes).take(MAGIC.len() as u64).read_to_end(&mut start).map_err(io_error)?;
        bytes.rewind().map_err(io_error)?;
        if start.starts_with(FEATHER_1) {
            let reason = "is a Feather file of the first version; write it anew as version 2, with pyarrow for example";
            return Err(Error::Table { file: name, reason: reason.to_owned() });
        }
        if start != MAGIC {
            if size == 0 {
                return Err(Error::Table { file: name, reason: "is empty: it has not even a schema".to_owned() });
            }
            return open_stream(Box::new(bytes), name);
        }
        Box::new(bytes)
    };
    let reader = match quietly(|| FileReader::try_new(bytes, None)) {
        Ok(reader) => reader.map_err(|e| arrow_error(&name, e))?,
        Err(panic) => return Err(panicked(&name, "footer", &panic)),
    };
    let schema = reader.schema();
    Ok(Box::new(IpcSource { name, schema, batches: Batches::File(Box::new(reader)), number: 0 }))
}

fn open_stream(stream: Box<dyn Read + Send>, name: String) -> Result<Box<dyn Source>> {
    let reader = match quietly(|| StreamReader::try_new(stream, None)) {
        Ok(reader) => reader.map_err(|e| arrow_error(&name, e))?,
        Err(panic) => return Err(panicked(&name, "schema", &panic)),
    };
    let schema = reader.schema();
    Ok(Box::new(IpcSource { name, schema, batches: Batches::Stream(Box::new(reader)), number: 0 }))
}

fn panicked(file: &str, place: &str, panic: &str) -> Error {
    Error::Table { file: file.to_owned(), reason: format!("{place} cannot be understood: {panic}") }
}

trait ReadSeek: Read + Seek + Send {}
impl<T: Read + Seek + Send> ReadSeek for T {}

enum Batches {
    File(Box<FileReader<Box<dyn ReadSeek>>>),
    Stream(Box<StreamReader<Box<dyn Read + Send>>>),
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
            Batches::File(reader) => reader.next(),
            Batches::Stream(reader) => reader.next(),
        });
        let place = format!("record batch {}", self.number);
        self.number += 1;
        match batch {
            Ok(None) => Ok(None),
            Ok(Some(Ok(batch))) => Ok(Some(batch)),
            Ok(Some(Err(error))) => match arrow_error(&self.name, error) {
                Error::Table { file, reason } => Err(Error::Table { file, reason: format!("{place}: {reason}") }),
                other => Err(other),
            },
            Err(panic) => Err(panicked(&self.name, &place, &panic)),
        }
    }
}

/// A source as a file that is read from any place.
struct Seekable {
    source: Arc<dyn ByteSource>,
    at: u64,
}

impl Read for Seekable {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.source.size().saturating_sub(self.at)).unwrap_or(usize::MAX);
        let (buffer, _) = buffer.split_at_mut(buffer.len().min(left));
        self.source.read_at(self.at, buffer)?;
        self.at += buffer.len() as u64;
        Ok(buffer.len())
    }
}

impl Seek for Seekable {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.source.size().checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a place before the file"))?;
        Ok(self.at)
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
    let writer = if as_stream {
        StreamWriter::try_new_with_options(output, schema, options).map(|writer| To::Stream(Box::new(writer)))
    } else {
        FileWriter::try_new_with_options(output, schema, options).map(|writer| To::File(Box::new(writer)))
    };
    let writer = writer.map_err(|e| arrow_error(&file, e))?;
    Ok(Box::new(IpcSink { file, writer }))
}

enum To {
    File(Box<FileWriter<Output>>),
    Stream(Box<StreamWriter<Output>>),
}

struct IpcSink {
    file: String,
    writer: To,
}

impl Sink for IpcSink {
    fn append(&mut self, batch: &RecordBatch) -> Result<()> {
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
