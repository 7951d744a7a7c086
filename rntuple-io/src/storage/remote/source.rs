//! An object, read by ranges.

use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::{Either, join, select};
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStore};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::super::uri::Settings;
use super::super::{Access, ByteSource, ReadRange, Traffic};
use super::attempts::{Failure, insist, limit, within};
use super::runtime;

/// Bytes of the start that opening reads: the header of a file, and the header envelope of its first data set.
const HEAD: u64 = 64 << 10;
/// Bytes of the end that opening reads: key lists and anchors, footers, the page lists of files that are not wide.
const TAIL: u64 = 256 << 10;
/// A server that ignores ranges is asked for the whole object if that has no more bytes than this.
const WHOLE: u64 = 256 << 20;
/// Bytes per second below which a server is given up.
const SLOWEST: u64 = 64 << 10;
/// Most failed ranges that are remembered.
const MOST_FAILED: usize = 4096;

/// An object of a server.
///
/// Opening asks for start and end of the object at the same time; what is read of them later comes from memory.
#[derive(Debug)]
pub(super) struct RemoteFile {
    object: Arc<Object>,
    version: Version,
    head: Bytes,
    tail: Bytes,
    /// What could not be read lately. A reader that does not get several pages at once asks for one after the other, and
    /// would wait as long for each.
    failed: Mutex<VecDeque<Failed>>,
}

/// A range that could not be read.
#[derive(Debug)]
struct Failed {
    range: Range<u64>,
    at: Instant,
    kind: io::ErrorKind,
    reason: Arc<str>,
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
    /// In milliseconds; 0 if it is not known.
    modified: i64,
}

impl Version {
    fn of(meta: &ObjectMeta) -> Self {
        Self { size: meta.size, etag: meta.e_tag.clone(), modified: meta.last_modified.timestamp_millis() }
    }

    /// Where the server does not say more, the size must do.
    fn is(&self, other: &Self) -> bool {
        let same = match (&self.etag, &other.etag) {
            (Some(tag), Some(other)) => tag == other,
            // Servers with copies of an object may not agree on when they got them.
            _ => self.modified == other.modified,
        };
        same && self.size == other.size
    }

    fn check(&self, other: &Self) -> io::Result<()> {
        if self.is(other) {
            return Ok(());
        }
        Err(io::Error::new(io::ErrorKind::InvalidData, "the object has changed since it was opened"))
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
        let head = object.persist(Some(GetRange::Bounded(0..HEAD)), HEAD, Failure::is_passing);
        // Not every server knows how to count from the end, so that this fails means nothing.
        let tail = object.hedge(Some(GetRange::Suffix(TAIL)), TAIL);
        let (head, tail) = join(head, tail).await;
        let head = match head {
            Ok(head) => head,
            Err(failure) => {
                let most = match &failure {
                    Failure::NoRanges(_) => WHOLE,
                    // An empty object has no range at all, and one that is smaller than this range may puzzle a server.
                    Failure::OtherRange(_) | Failure::BeyondEnd(_) => TAIL,
                    _ => return Err(failure.into_error()),
                };
                if let Ok(whole) = object.persist(None, most, Failure::is_passing).await {
                    return Ok(Self::new(object, whole.version.clone(), whole.into_bytes(), Bytes::new()));
                }
                if !failure.may_pass() {
                    return Err(failure.into_error());
                }
                let range = Some(GetRange::Bounded(0..HEAD));
                object.persist(range, HEAD, Failure::may_pass).await.map_err(Failure::into_error)?
            }
        };
        let version = head.version.clone();
        let start = version.size.saturating_sub(TAIL);
        let head = head.into_bytes();
        let tail = match tail {
            Ok(tail) if version.is(&tail.version) && tail.len() == version.size - start => tail.into_bytes(),
            _ if version.size == head.len() as u64 => Bytes::new(),
            _ => {
                let range = Some(GetRange::Bounded(start..version.size));
                let tail = object.persist(range, TAIL, Failure::may_pass).await.map_err(Failure::into_error)?;
                version.check(&tail.version)?;
                tail.into_bytes()
            }
        };
        Ok(Self::new(object, version, head, tail))
    }

    fn new(object: Arc<Object>, version: Version, head: Bytes, tail: Bytes) -> Self {
        Self { object, version, head, tail, failed: Mutex::default() }
    }

    fn failed(&self) -> MutexGuard<'_, VecDeque<Failed>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers for a while that a range cannot be read.
    fn remember(&self, read: &ReadRange<'_>) {
        let Err(error) = &read.result else { return };
        let range = read.offset..read.offset.saturating_add(read.buffer.len() as u64);
        let mut failed = self.failed();
        failed.truncate(MOST_FAILED);
        failed.push_front(Failed { range, at: Instant::now(), kind: error.kind(), reason: error.to_string().into() });
    }

    /// Fails if a range could not be read as long ago as one waits for an answer, or less.
    fn recall_failure(&self, range: &Range<u64>) -> io::Result<()> {
        let mut failed = self.failed();
        failed.retain(|failed| failed.at.elapsed() < self.object.settings.timeout);
        match failed.iter().find(|failed| failed.range.start <= range.start && range.end <= failed.range.end) {
            Some(Failed { kind, reason, .. }) => Err(io::Error::new(*kind, reason.to_string())),
            None => Ok(()),
        }
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
        let mut waiting = vec![false; reads.len()];
        for ((i, read), waits) in reads.iter_mut().enumerate().zip(&mut waiting) {
            if read.buffer.is_empty() || self.recall(read.offset, read.buffer) {
                read.result = Ok(());
                continue;
            }
            let (object, slots, send) = (Arc::clone(&self.object), Arc::clone(&slots), send.clone());
            let task = |range: Range<u64>| async move {
                // Closed when another one failed: then these are not asked for any more.
                let Ok(_slot) = slots.acquire().await else { return };
                let len = range.end - range.start;
                let answer = object.persist(Some(GetRange::Bounded(range)), len, Failure::may_pass).await;
                // Nobody takes it only if the reader is gone.
                let _ = send.send((i, answer.map_err(Failure::into_error)));
            };
            let range = self.range(read.offset, read.buffer.len());
            let range = range.and_then(|range| self.recall_failure(&range).map(|()| range));
            match range.and_then(|range| runtime::spawn(task(range))) {
                Ok(_) => *waits = true,
                Err(error) => read.result = Err(error),
            }
        }
        drop(send);
        let mut failed = None;
        for (i, answer) in answers {
            let (Some(read), Some(waits)) = (reads.get_mut(i), waiting.get_mut(i)) else { continue };
            *waits = false;
            read.result = self.take(answer, read.buffer);
            if let Err(error) = &read.result {
                slots.close();
                failed.get_or_insert_with(|| (error.kind(), format!("another range could not be read: {error}")));
            }
        }
        let Some((kind, reason)) = failed else { return };
        for (read, waits) in reads.iter_mut().zip(waiting) {
            if waits {
                read.result = Err(io::Error::new(kind, reason.clone()));
            }
            self.remember(read);
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
    async fn persist(
        &self,
        range: Option<GetRange>,
        len: u64,
        again: impl Fn(&Failure) -> bool,
    ) -> Result<Answer, Failure> {
        insist(&self.settings, again, || self.hedge(range.clone(), len)).await
    }

    /// Asks, and once more if that takes long; the first good answer counts.
    async fn hedge(&self, range: Option<GetRange>, len: u64) -> Result<Answer, Failure> {
        let mut first = pin!(self.request(range.clone(), len));
        let Some(patience) = self.settings.hedge else { return first.await };
        if let Ok(answer) = timeout(patience, first.as_mut()).await {
            return answer;
        }
        self.hedged.fetch_add(1, Ordering::Relaxed);
        match select(first, pin!(self.request(range, len))).await {
            Either::Left((Err(failure), second)) if failure.may_pass() => second.await,
            Either::Right((Err(failure), first)) if failure.may_pass() => first.await,
            Either::Left((answer, _)) | Either::Right((answer, _)) => answer,
        }
    }

    /// One request for a range, or for the whole object, of at most `len` bytes.
    async fn request(&self, range: Option<GetRange>, len: u64) -> Result<Answer, Failure> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let whole = range.is_none();
        let options = GetOptions::default().with_range(range);
        within(limit(&self.settings, len, SLOWEST), async {
            let result = self.store.get_opts(&self.path, options).await.map_err(Failure::of)?;
            let (version, expected) = (Version::of(&result.meta), result.range.end - result.range.start);
            if expected > len {
                let reason = format!("{expected} bytes came, where {len} at most were expected");
                let error = io::Error::new(io::ErrorKind::Unsupported, reason);
                return Err(if whole { Failure::Final(error) } else { Failure::OtherRange(error) });
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
        })
        .await
    }
}
