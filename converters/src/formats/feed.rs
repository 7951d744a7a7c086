//! Text files as they are read: decompressed, once or twice, their pieces decoded on several threads.

use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::{Source, decompress};
use crate::error::{Error, Result};
use crate::transport::{Input, is_standard};

/// Bytes that are read and decoded as one piece, if records are not larger.
pub(super) const PIECE: usize = 4 << 20;
/// Bytes of a record, at most.
pub(super) const MAX_RECORD: usize = 64 << 20;
/// Bytes that are looked at for types unless all are to be.
pub(super) const SAMPLE: usize = 64 << 20;
/// The marks of text in UTF-8 and UTF-16.
const BOM: [u8; 3] = [0xef, 0xbb, 0xbf];
const UTF16: [[u8; 2]; 2] = [[0xff, 0xfe], [0xfe, 0xff]];

/// A text file that can be read from its start.
#[derive(Debug)]
pub(super) struct TextInput {
    path: PathBuf,
    pub(super) name: Arc<str>,
    /// A stream that is to be read twice.
    spool: Option<File>,
}

impl TextInput {
    /// `twice`: it is opened more than once, so that a stream has to be kept in a temporary file.
    pub(super) fn new(path: &Path, twice: bool) -> Result<Self> {
        let mut input = Self { path: path.to_owned(), name: path.to_string_lossy().into(), spool: None };
        if is_standard(path) {
            input.name = "standard input".into();
            if twice {
                let keep = || {
                    let mut spool = tempfile::tempfile()?;
                    io::copy(&mut io::stdin(), &mut spool)?;
                    Ok(spool)
                };
                input.spool = Some(keep().map_err(|source| input.failed(source))?);
            }
        }
        Ok(input)
    }

    /// Starts to read it.
    pub(super) fn open(&self) -> Result<Text> {
        let stream: Box<dyn Read + Send> = match &self.spool {
            None => Input::open(&self.path)?.stream(),
            Some(spool) => {
                let open = || {
                    let mut file = spool.try_clone()?;
                    file.rewind()?;
                    Ok(file)
                };
                Box::new(open().map_err(|source| self.failed(source))?)
            }
        };
        let stream = decompress::reader(stream).map_err(|source| self.failed(source))?;
        let mut text = Text { stream, name: Arc::clone(&self.name), buffer: Vec::new(), ended: false };
        text.fill(BOM.len())?;
        if text.buffer.starts_with(&BOM) {
            text.buffer.drain(..BOM.len());
        } else if UTF16.iter().any(|mark| text.buffer.starts_with(mark)) {
            return Err(table(&self.name, "the text is UTF-16; make it UTF-8 first, as in: iconv -f UTF-16 -t UTF-8"));
        }
        Ok(text)
    }

    fn failed(&self, source: io::Error) -> Error {
        Error::Io { file: self.name.to_string(), source }
    }
}

/// An error about what stands in a file.
pub(super) fn table(file: &str, reason: impl Into<String>) -> Error {
    Error::Table { file: file.to_owned(), reason: reason.into() }
}

/// Text of which a part is in memory.
pub(super) struct Text {
    stream: Box<dyn Read + Send>,
    pub(super) name: Arc<str>,
    pub(super) buffer: Vec<u8>,
    /// True when the buffer ends where the text does.
    pub(super) ended: bool,
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Text").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Text {
    /// Has at least this many bytes in the buffer, or else all that are left.
    pub(super) fn fill(&mut self, bytes: usize) -> Result<()> {
        let missing = bytes.saturating_sub(self.buffer.len());
        if missing > 0 && !self.ended {
            self.buffer.reserve(missing);
            let read = self.stream.by_ref().take(missing as u64).read_to_end(&mut self.buffer);
            let read = read.map_err(|source| Error::Io { file: self.name.to_string(), source })?;
            self.ended = read < missing;
        }
        Ok(())
    }

    /// Takes the first bytes out of the buffer.
    pub(super) fn take(&mut self, bytes: usize) -> Vec<u8> {
        let rest = self.buffer.split_off(bytes.min(self.buffer.len()));
        std::mem::replace(&mut self.buffer, rest)
    }
}

/// The number of line ends in a text: LF, CR LF, or CR.
pub(super) fn lines(text: &[u8]) -> u64 {
    let feeds = memchr::memchr_iter(b'\n', text).count();
    let returns = memchr::memchr_iter(b'\r', text).filter(|&at| text.get(at + 1) != Some(&b'\n')).count();
    (feeds + returns) as u64
}

/// Files that are cut into pieces of whole records.
pub(super) trait Files {
    type Piece: Send + 'static;

    /// The next piece of the file under way, or the first of the next file.
    fn next(&mut self) -> Result<Option<Self::Piece>>;
}

/// What makes record batches out of pieces.
pub(super) trait Decode<P>: Send + Sync + 'static {
    fn schema(&self) -> SchemaRef;

    fn decode(&self, piece: &P) -> Result<RecordBatch>;
}

/// Files of text that are read as one table: each piece becomes a batch, several of them at the same time.
pub(super) struct TextSource<F: Files, D> {
    files: F,
    /// What was read for the types and is yet to be decoded.
    sample: VecDeque<F::Piece>,
    decoder: Arc<D>,
    ahead: Ahead<Result<RecordBatch>>,
}

impl<F: Files, D: Decode<F::Piece>> TextSource<F, D> {
    pub(super) fn new(files: F, sample: VecDeque<F::Piece>, decoder: D, threads: Option<usize>) -> Result<Self> {
        Ok(Self { files, sample, decoder: Arc::new(decoder), ahead: Ahead::new(threads)? })
    }
}

impl<F: Files + Send, D: Decode<F::Piece>> Source for TextSource<F, D> {
    fn schema(&self) -> SchemaRef {
        self.decoder.schema()
    }

    fn rows(&self) -> Option<u64> {
        None
    }

    fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            while self.ahead.has_room() {
                let Some(piece) = next_piece(&mut self.sample, &mut self.files)? else { break };
                let decoder = Arc::clone(&self.decoder);
                self.ahead.start(move || decoder.decode(&piece));
            }
            match self.ahead.next().transpose()? {
                // Nothing but blank lines.
                Some(batch) if batch.num_rows() == 0 => {}
                other => return Ok(other),
            }
        }
    }
}

/// The next piece: of those that were read before, then of the files.
pub(super) fn next_piece<F: Files>(sample: &mut VecDeque<F::Piece>, files: &mut F) -> Result<Option<F::Piece>> {
    match sample.pop_front() {
        Some(piece) => Ok(Some(piece)),
        None => files.next(),
    }
}

/// Tasks that run ahead of use, on several threads; their results come in the order in which they were started.
#[derive(Debug)]
pub(super) struct Ahead<T> {
    threads: Option<Arc<rayon::ThreadPool>>,
    depth: usize,
    under_way: VecDeque<Receiver<T>>,
}

impl<T: Send + 'static> Ahead<T> {
    /// `threads`: how many, or one per processor.
    pub(super) fn new(threads: Option<usize>) -> Result<Self> {
        let count = threads.unwrap_or_else(rayon::current_num_threads).max(1);
        let own = match threads {
            Some(count) if count > 1 => Some(rayon::ThreadPoolBuilder::new().num_threads(count).build()),
            _ => None,
        };
        let own = own.transpose().map_err(|error| Error::Output(io::Error::other(error)))?;
        // With one thread a task is done at once.
        let depth = if count > 1 { count + 1 } else { 1 };
        Ok(Self { threads: own.map(Arc::new), depth, under_way: VecDeque::new() })
    }

    /// Whether another task should be started.
    pub(super) fn has_room(&self) -> bool {
        self.under_way.len() < self.depth
    }

    /// Starts a task.
    pub(super) fn start(&mut self, task: impl FnOnce() -> T + Send + 'static) {
        let (sender, receiver) = sync_channel(1);
        // Nobody waits for it when the job was given up.
        let task = move || drop(sender.send(task()));
        match &self.threads {
            Some(pool) => pool.spawn_fifo(task),
            None if self.depth > 1 => rayon::spawn_fifo(task),
            None => task(),
        }
        self.under_way.push_back(receiver);
    }

    /// Waits for the oldest task; `None` when there is none.
    pub(super) fn next(&mut self) -> Option<T> {
        self.under_way.pop_front()?.recv().ok()
    }
}
