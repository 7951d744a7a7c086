//! An object, read by ranges.

use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use futures_util::future::join;
use object_store::path::Path;
use object_store::{GetRange, ObjectStore};
use tokio::sync::Semaphore;

use super::super::uri::Settings;
use super::super::{Access, ByteSource, ReadRange, Traffic};
use super::attempts::Failure;
use super::object::{Object, Version, Wanted};
use super::runtime;

/// Bytes of the start that opening reads: the header of a file, and the header envelope of its first data set.
const HEAD: u64 = 64 << 10;
/// Bytes of the end that opening reads: key lists and anchors, footers, the page lists of files that are not wide.
const TAIL: u64 = 256 << 10;
/// A server that ignores ranges is asked for the whole object if that has no more bytes than this.
const WHOLE: u64 = 256 << 20;
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

/// What comes of a request of several.
enum News {
    /// Some of its bytes, and where they belong.
    Bytes(u64, Bytes),
    /// How it ended, with the number of its bytes.
    End(io::Result<u64>),
}

impl RemoteFile {
    pub(super) fn open(store: Arc<dyn ObjectStore>, path: Path, settings: &Settings) -> io::Result<Self> {
        runtime::wait(Self::read_ends(Arc::new(Object::new(store, path, settings))))
    }

    async fn read_ends(object: Arc<Object>) -> io::Result<Self> {
        let part = |range: GetRange, len: u64| Wanted { range: Some(range), len, version: None };
        let head = || part(GetRange::Bounded(0..HEAD), HEAD);
        let first = object.collect(head(), Failure::is_passing);
        // Not every server knows how to count from the end, so that this fails means nothing.
        let last = object.collect(part(GetRange::Suffix(TAIL), TAIL), |_| false);
        let (first, last) = join(first, last).await;
        let (version, head) = match first {
            Ok(first) => first,
            Err(failure) => {
                let most = match &failure {
                    Failure::NoRanges(_) => WHOLE,
                    // An empty object has no range at all, and one that is smaller than this range may puzzle a server.
                    Failure::OtherRange(_) | Failure::BeyondEnd(_) => TAIL,
                    _ => return Err(failure.into_error()),
                };
                let whole = Wanted { range: None, len: most, version: None };
                if let Ok((version, bytes)) = object.collect(whole, Failure::is_passing).await {
                    return Ok(Self::new(object, version, bytes, Bytes::new()));
                }
                if !failure.may_pass() {
                    return Err(failure.into_error());
                }
                object.collect(head(), Failure::may_pass).await.map_err(Failure::into_error)?
            }
        };
        let start = version.size.saturating_sub(TAIL);
        let tail = match last {
            Ok((other, tail)) if version.is(&other) && tail.len() as u64 == version.size - start => tail,
            _ if version.size == head.len() as u64 => Bytes::new(),
            _ => {
                let range = Some(GetRange::Bounded(start..version.size));
                let wanted = Wanted { range, len: TAIL, version: Some(&version) };
                object.collect(wanted, Failure::may_pass).await.map_err(Failure::into_error)?.1
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
            let (object, version) = (Arc::clone(&self.object), self.version.clone());
            let (slots, send) = (Arc::clone(&slots), send.clone());
            let task = |range: Range<u64>| async move {
                // Closed when another one failed: then these are not asked for any more.
                let Ok(_slot) = slots.acquire().await else { return };
                // Nobody takes anything only if the reader is gone.
                let take = |_, at, bytes| drop(send.send((i, News::Bytes(at, bytes))));
                let len = range.end - range.start;
                let wanted = Wanted { range: Some(GetRange::Bounded(range)), len, version: Some(&version) };
                let answer = object.persist(wanted, Failure::may_pass, &take).await;
                let end = answer.map(|answer| answer.len).map_err(Failure::into_error);
                let _ = send.send((i, News::End(end)));
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
        for (i, news) in answers {
            let (Some(read), Some(waits)) = (reads.get_mut(i), waiting.get_mut(i)) else { continue };
            let end = match news {
                // Requests for the same bytes of the same version may overlap.
                News::Bytes(at, bytes) => {
                    copy(&bytes, at, read.buffer);
                    continue;
                }
                News::End(end) => end,
            };
            *waits = false;
            read.result = end.and_then(|len| {
                if len == read.buffer.len() as u64 { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
            });
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
        Some(self.object.traffic())
    }
}

/// Copies bytes to a place in a buffer that has room for them.
fn copy(bytes: &[u8], at: u64, buffer: &mut [u8]) {
    let place = usize::try_from(at).ok().and_then(|at| buffer.get_mut(at..)?.get_mut(..bytes.len()));
    if let Some(place) = place {
        place.copy_from_slice(bytes);
    }
}
