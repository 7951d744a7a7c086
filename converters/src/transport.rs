//! Where tables in other formats come from and go to: files, URIs, standard input and output.

use std::ffi::OsStr;
use std::fmt;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;

use rntuple_io::storage::{ByteSink, ByteSource, Storage};

use crate::error::{Error, Result};

/// Bytes that are handed to a sink at once.
const PIECE: usize = 1 << 20;

/// What is read: its name for messages, and its bytes.
#[derive(Debug)]
pub(crate) struct Input {
    name: String,
    bytes: Bytes,
}

enum Bytes {
    At(Arc<dyn ByteSource>),
    Stream(Box<dyn Read + Send>),
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(source) => source.fmt(f),
            Self::Stream(_) => f.write_str("stream"),
        }
    }
}

impl Input {
    /// Opens a path or URI; `-` is standard input.
    pub(crate) fn open(name: &Path) -> Result<Self> {
        if is_standard(name) {
            return Ok(Self { name: "standard input".to_owned(), bytes: Bytes::Stream(Box::new(io::stdin())) });
        }
        let text = name.to_string_lossy().into_owned();
        match Storage::shared().source(name) {
            Ok(source) => Ok(Self { name: text, bytes: Bytes::At(source) }),
            Err(source) => Err(Error::Io { file: text, source }),
        }
    }

    /// What messages call it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// For formats that are read from their end: all bytes, those of a stream in memory.
    pub(crate) fn random_access(self) -> Result<Arc<dyn ByteSource>> {
        match self.bytes {
            Bytes::At(source) => Ok(source),
            Bytes::Stream(mut stream) => {
                let mut bytes = Vec::new();
                stream.read_to_end(&mut bytes).map_err(|source| Error::Io { file: self.name, source })?;
                Ok(Arc::new(rntuple_io::storage::Memory::new(bytes)))
            }
        }
    }

    /// For formats that are read from start to end.
    pub(crate) fn stream(self) -> Box<dyn Read + Send> {
        match self.bytes {
            Bytes::At(source) => Box::new(Sequential { source, offset: 0 }),
            Bytes::Stream(stream) => stream,
        }
    }
}

/// True for `-`, which stands for standard input or output.
pub(crate) fn is_standard(name: &Path) -> bool {
    name.as_os_str() == OsStr::new("-")
}

/// Reads a source from start to end, at most [`PIECE`] bytes at once.
struct Sequential {
    source: Arc<dyn ByteSource>,
    offset: u64,
}

impl Read for Sequential {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.source.size().saturating_sub(self.offset)).unwrap_or(usize::MAX);
        let length = buffer.len().min(left);
        let (buffer, _) = buffer.split_at_mut(length);
        self.source.read_at(self.offset, buffer)?;
        self.offset = self.offset.saturating_add(length as u64);
        Ok(length)
    }
}

/// A file under way: it appears under its name with [`Output::finish`], and leaves no trace when dropped before.
pub(crate) struct Output {
    name: String,
    sink: To,
    written: u64,
    /// Not handed over yet.
    buffer: Vec<u8>,
}

enum To {
    Sink(Box<dyn ByteSink>),
    Standard(io::Stdout),
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("name", &self.name).field("written", &self.written).finish_non_exhaustive()
    }
}

impl Output {
    /// Starts to write a path or URI; `-` is standard output.
    pub(crate) fn create(name: &Path) -> Result<Self> {
        let (text, sink) = if is_standard(name) {
            ("standard output".to_owned(), To::Standard(io::stdout()))
        } else {
            let text = name.to_string_lossy().into_owned();
            let sink = Storage::shared().sink(name).map_err(|source| Error::Io { file: text.clone(), source })?;
            (text, To::Sink(sink))
        };
        Ok(Self { name: text, sink, written: 0, buffer: Vec::new() })
    }

    /// What messages call it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Completes the file. Returns its size in bytes.
    pub(crate) fn finish(mut self) -> Result<u64> {
        let done = self.flush().and_then(|()| match self.sink {
            To::Sink(sink) => sink.finish(),
            To::Standard(_) => Ok(()),
        });
        match done {
            Ok(()) => Ok(self.written),
            Err(source) => Err(Error::Io { file: self.name, source }),
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.sink {
            To::Sink(sink) => sink.write_at(self.written, &self.buffer)?,
            To::Standard(stdout) => {
                stdout.write_all(&self.buffer)?;
                stdout.flush()?;
            }
        }
        self.written = self.written.saturating_add(self.buffer.len() as u64);
        self.buffer.clear();
        Ok(())
    }
}
