//! An object, read by ranges.

use std::io;
use std::ops::Range;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::{Either, join, select};
use object_store::path::Path;
use object_store::{Error as StoreError, GetOptions, GetRange, ObjectMeta, ObjectStore};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::super::uri::Settings;
use super::super::{Access, ByteSource, ReadRange, Traffic};
use super::{runtime, to_io};

/// Bytes of the start that opening reads: the header of a file, and the header envelope of its first data set.
const HEAD: u64 = 64 << 10;
/// Bytes of the end that opening reads: key lists and anchors, footers, the page lists of files that are not wide.
const TAIL: u64 = 256 << 10;
/// A server that ignores ranges is asked for the whole object if that has no more bytes than this.
const WHOLE: u64 = 256 << 20;
/// Bytes per second below which a server is given up.
const SLOWEST: u64 = 64 << 10;
/// The pause before the first repetition; it doubles.
const PAUSE: Duration = Duration::from_millis(100);

/// An object of a server.
///
/// Opening asks for start and end of the object at the same time; what is read of them later comes from memory.
#[derive(Debug)]
pub(super) struct RemoteFile {
    object: Arc<Object>,
    version: Version,
    head: Bytes,
    tail: Bytes,
}

#[derive(Debug)]
struct Object {
    store: Arc<dyn ObjectStore>,
    path: Path,
    settings: Settings,
    requests: AtomicU64,
    bytes: AtomicU64,
    hedged: AtomicU64,
}

/// What tells one version of an object from another.
#[derive(Debug, Clone)]
struct Version {
    size: u64,
    etag: Option<String>,
}

impl Version {
    fn of(meta: &ObjectMeta) -> Self {
        Self { size: meta.size, etag: meta.e_tag.clone() }
    }

    /// Where the server does not say more, the size must do.
    fn is(&self, other: &Self) -> bool {
        let same_tag = match (&self.etag, &other.etag) {
            (Some(tag), Some(other)) => tag == other,
            _ => true,
        };
        same_tag && self.size == other.size
    }

    fn check(&self, other: &Self) -> io::Result<()> {
        if self.is(other) {
            return Ok(());
        }
        Err(io::Error::new(io::ErrorKind::InvalidData, "the object has changed since it was opened"))
    }
}

/// Why a request failed, and whether it is worth another try.
enum Failure {
    Final(io::Error),
    Passing(io::Error),
    /// The answer was the whole object.
    NoRanges,
}

impl Failure {
    fn of(error: StoreError) -> Self {
        // That the server ignored the range is told by the text only.
        match &error {
            StoreError::Generic { source, .. } if source.to_string().contains("non-partial response") => Self::NoRanges,
            StoreError::Generic { .. } => Self::Passing(to_io(error)),
            _ => Self::Final(to_io(error)),
        }
    }

    fn into_error(self) -> io::Error {
        match self {
            Self::Final(error) | Self::Passing(error) => error,
            Self::NoRanges => {
                let reason = format!(
                    "the server ignores ranges and sends the whole of an object of more than {} MiB; copy it first",
                    WHOLE >> 20
                );
                io::Error::new(io::ErrorKind::Unsupported, reason)
            }
        }
    }
}

/// Part of an object.
struct Answer {
    version: Version,
    chunks: Vec<Bytes>,
}

impl Answer {
    fn len(&self) -> u64 {
        self.chunks.iter().map(|chunk| chunk.len() as u64).sum()
    }

    fn into_bytes(mut self) -> Bytes {
        match self.chunks.len() {
            1 => self.chunks.swap_remove(0),
            _ => self.chunks.concat().into(),
        }
    }
}

impl RemoteFile {
    pub(super) fn open(store: Arc<dyn ObjectStore>, path: Path, settings: &Settings) -> io::Result<Self> {
        let settings = settings.clone();
        let (requests, bytes, hedged) = Default::default();
        runtime::wait(Self::read_ends(Arc::new(Object { store, path, settings, requests, bytes, hedged })))
    }

    async fn read_ends(object: Arc<Object>) -> io::Result<Self> {
        let head = object.persist(GetRange::Bounded(0..HEAD), HEAD);
        // Not every server knows how to count from the end, so that this fails means nothing.
        let tail = object.hedge(GetRange::Suffix(TAIL), TAIL);
        let (head, tail) = match join(head, tail).await {
            (Ok(head), tail) => (head, tail),
            (Err(Failure::NoRanges), _) => return Self::read_whole(object).await,
            // An empty object has no range at all.
            (Err(Failure::Final(error)), _) if error.kind() == io::ErrorKind::Other => {
                return Self::read_whole(object).await.map_err(|_| error);
            }
            (Err(failure), _) => return Err(failure.into_error()),
        };
        let version = head.version.clone();
        let start = version.size.saturating_sub(TAIL);
        let head = head.into_bytes();
        let tail = match tail {
            Ok(tail) if version.is(&tail.version) && tail.len() == version.size - start => tail.into_bytes(),
            _ if version.size == head.len() as u64 => Bytes::new(),
            _ => {
                let range = GetRange::Bounded(start..version.size);
                let tail = object.persist(range, TAIL).await.map_err(Failure::into_error)?;
                version.check(&tail.version)?;
                tail.into_bytes()
            }
        };
        Ok(Self { object, version, head, tail })
    }

    /// For servers that send the whole object whatever they are asked for.
    async fn read_whole(object: Arc<Object>) -> io::Result<Self> {
        let answer = object.whole().await.map_err(Failure::into_error)?;
        let version = answer.version.clone();
        Ok(Self { object, version, head: answer.into_bytes(), tail: Bytes::new() })
    }

    /// Bytes that are in memory.
    fn known(&self, offset: u64, len: usize) -> Option<&[u8]> {
        let within = |bytes: &'_ Bytes, start: u64| -> Option<Range<usize>> {
            let from = usize::try_from(offset.checked_sub(start)?).ok()?;
            let to = from.checked_add(len)?;
            (to <= bytes.len()).then_some(from..to)
        };
        if let Some(range) = within(&self.head, 0) {
            return self.head.get(range);
        }
        self.tail.get(within(&self.tail, self.version.size - self.tail.len() as u64)?)
    }

    /// Copies what is in memory; false if it is not.
    fn recall(&self, offset: u64, buffer: &mut [u8]) -> bool {
        let known = self.known(offset, buffer.len());
        if let Some(known) = known {
            buffer.copy_from_slice(known);
        }
        known.is_some()
    }

    fn range(&self, offset: u64, len: usize) -> io::Result<Range<u64>> {
        let end = offset.checked_add(len as u64).filter(|end| *end <= self.version.size);
        end.map(|end| offset..end).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn take(&self, answer: io::Result<Answer>, mut buffer: &mut [u8]) -> io::Result<()> {
        let answer = answer?;
        self.version.check(&answer.version)?;
        for chunk in &answer.chunks {
            let (to, rest) = buffer.split_at_mut_checked(chunk.len()).ok_or(io::ErrorKind::InvalidData)?;
            to.copy_from_slice(chunk);
            buffer = rest;
        }
        if buffer.is_empty() { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

impl ByteSource for RemoteFile {
    fn size(&self) -> u64 {
        self.version.size
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let mut read = [ReadRange::new(offset, buffer)];
        self.read_many(&mut read, 1);
        let [read] = read;
        read.result
    }

    fn read_many(&self, reads: &mut [ReadRange<'_>], at_once: usize) {
        let slots = Arc::new(Semaphore::new(at_once.max(1)));
        let (send, answers) = channel();
        for (i, read) in reads.iter_mut().enumerate() {
            if read.buffer.is_empty() || self.recall(read.offset, read.buffer) {
                read.result = Ok(());
                continue;
            }
            let (object, slots, send) = (Arc::clone(&self.object), Arc::clone(&slots), send.clone());
            let task = |range: Range<u64>| async move {
                let _slot = slots.acquire().await;
                let len = range.end - range.start;
                let answer = object.persist(GetRange::Bounded(range), len).await;
                // Nobody takes it only if the reader is gone.
                let _ = send.send((i, answer.map_err(Failure::into_error)));
            };
            let range = self.range(read.offset, read.buffer.len());
            if let Err(error) = range.and_then(|range| runtime::spawn(task(range))) {
                read.result = Err(error);
            }
        }
        drop(send);
        for (i, answer) in answers {
            if let Some(read) = reads.get_mut(i) {
                read.result = self.take(answer, read.buffer);
            }
        }
    }

    fn version(&self) -> Option<String> {
        self.version.etag.clone()
    }

    fn access(&self) -> Access {
        self.object.settings.access
    }

    fn traffic(&self) -> Option<Traffic> {
        let get = |n: &AtomicU64| n.load(Ordering::Relaxed);
        let Object { requests, bytes, hedged, .. } = &*self.object;
        Some(Traffic { requests: get(requests), bytes: get(bytes), hedged: get(hedged) })
    }
}

impl Object {
    /// Asks until there is an answer or no hope.
    async fn persist(&self, range: GetRange, len: u64) -> Result<Answer, Failure> {
        let mut pause = PAUSE;
        for _ in 0..self.settings.retries {
            match self.hedge(range.clone(), len).await {
                Err(Failure::Passing(_)) => sleep(pause).await,
                answer => return answer,
            }
            pause *= 2;
        }
        self.hedge(range, len).await
    }

    /// Asks, and once more if that takes long; the first good answer counts.
    async fn hedge(&self, range: GetRange, len: u64) -> Result<Answer, Failure> {
        let mut first = pin!(self.request(range.clone(), len));
        let Some(patience) = self.settings.hedge else { return first.await };
        if let Ok(answer) = timeout(patience, first.as_mut()).await {
            return answer;
        }
        self.hedged.fetch_add(1, Ordering::Relaxed);
        match select(first, pin!(self.request(range, len))).await {
            Either::Left((Err(Failure::Passing(_)), second)) => second.await,
            Either::Right((Err(Failure::Passing(_)), first)) => first.await,
            Either::Left((answer, _)) | Either::Right((answer, _)) => answer,
        }
    }

    /// One request.
    async fn request(&self, range: GetRange, len: u64) -> Result<Answer, Failure> {
        self.collect(GetOptions::default().with_range(Some(range)), len).await
    }

    /// The whole object, if it is not too large.
    async fn whole(&self) -> Result<Answer, Failure> {
        self.collect(GetOptions::default(), WHOLE).await
    }

    async fn collect(&self, options: GetOptions, len: u64) -> Result<Answer, Failure> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let limit = self.settings.timeout + Duration::from_secs(len / SLOWEST);
        let answer = async {
            let result = self.store.get_opts(&self.path, options).await.map_err(Failure::of)?;
            let (version, expected) = (Version::of(&result.meta), result.range.end - result.range.start);
            if expected > len {
                return Err(Failure::NoRanges);
            }
            let mut answer = Answer { version, chunks: Vec::new() };
            let mut body = result.into_stream();
            let mut got = 0;
            while let Some(chunk) = body.next().await {
                let chunk = chunk.map_err(Failure::of)?;
                got += chunk.len() as u64;
                self.bytes.fetch_add(chunk.len() as u64, Ordering::Relaxed);
                answer.chunks.push(chunk);
                if got > expected {
                    break;
                }
            }
            if got == expected {
                return Ok(answer);
            }
            let reason = format!("the server sent {got} bytes instead of {expected}");
            Err(Failure::Passing(io::Error::new(io::ErrorKind::UnexpectedEof, reason)))
        };
        let late = |_| io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {} seconds", limit.as_secs()));
        timeout(limit, answer).await.unwrap_or_else(|e| Err(Failure::Passing(late(e))))
    }
}
