//! An object that is written in parts while a file is made.

use std::collections::VecDeque;
use std::io;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};

use bytes::Bytes;
use object_store::multipart::PartId;
use object_store::path::Path;
use object_store::{Error as StoreError, MultipartId, ObjectStore, ObjectStoreExt, PutPayload};
use tokio::task::AbortHandle;

use super::super::ByteSink;
use super::super::uri::Settings;
use super::attempts::{Failure, insist, limit, within};
use super::{InParts, Service, runtime};

/// Bytes of a part. Services take 10,000 of them, so they double from time to time.
const PART: usize = 16 << 20;
/// Parts after which they double.
const DOUBLE: usize = 2_000;
/// Parts that are on their way at once.
const PARALLEL: usize = 3;
/// Bytes per second below which an upload is given up.
const SLOWEST: u64 = 256 << 10;

/// Writes an object. It appears when it is finished; if it is not, its parts are given up.
///
/// The first part is kept to the end, since the start of a file changes when the file is complete; what lies behind it
/// is sent as soon as there is enough of it, and cannot change any more. A service that takes no parts gets the object
/// in one piece, which is in memory until then.
#[derive(Debug)]
pub(super) struct Upload {
    service: Service,
    path: Path,
    settings: Settings,
    first: Vec<u8>,
    /// Bytes behind the first part and those that were sent.
    open: Vec<u8>,
    /// Where `open` starts.
    open_at: u64,
    parts: Option<Parts>,
}

/// What was sent.
#[derive(Debug)]
struct Parts {
    store: Arc<dyn InParts>,
    settings: Settings,
    id: MultipartId,
    /// Bytes of all parts.
    size: u64,
    /// Number of the next part; the first one is number 0.
    next: usize,
    done: Vec<(usize, PartId)>,
    under_way: VecDeque<Sending>,
}

/// A part on its way.
#[derive(Debug)]
struct Sending {
    number: usize,
    result: Receiver<io::Result<PartId>>,
    task: AbortHandle,
}

/// Does something that sends `len` bytes; again, if that fails for a reason that may pass.
async fn send<T, F: Future<Output = Result<T, StoreError>>>(
    settings: &Settings,
    len: usize,
    request: impl Fn() -> F,
) -> io::Result<T> {
    let limit = limit(settings, len as u64, SLOWEST);
    let attempt = || within(limit, async { request().await.map_err(Failure::of) });
    insist(settings, Failure::is_passing, attempt).await.map_err(Failure::into_error)
}

impl Upload {
    pub(super) fn new(service: Service, path: Path, settings: &Settings) -> Self {
        let settings = settings.clone();
        Self { service, path, settings, first: Vec::new(), open: Vec::new(), open_at: PART as u64, parts: None }
    }

    fn part_len(&self) -> usize {
        let sent = self.parts.as_ref().map_or(1, |parts| parts.next);
        PART << (sent / DOUBLE).min(8)
    }

    /// Sends the part that is complete.
    fn send_part(&mut self) -> io::Result<()> {
        let Some(store) = &self.service.parts else { return Ok(()) };
        let mut parts = match self.parts.take() {
            Some(parts) => parts,
            None => Parts::start(store, &self.path, &self.settings)?,
        };
        let bytes = mem::take(&mut self.open);
        self.open_at += bytes.len() as u64;
        let sent = parts.send(&self.path, bytes.into());
        self.parts = Some(parts);
        sent
    }
}

impl Parts {
    fn start(store: &Arc<dyn InParts>, path: &Path, settings: &Settings) -> io::Result<Self> {
        let (store, settings) = (Arc::clone(store), settings.clone());
        let (task, at, with) = (Arc::clone(&store), path.clone(), settings.clone());
        let id = runtime::wait(async move { send(&with, 0, || task.create_multipart(&at)).await })?;
        Ok(Self { store, settings, id, size: 0, next: 1, done: Vec::new(), under_way: VecDeque::new() })
    }

    fn send(&mut self, path: &Path, bytes: Bytes) -> io::Result<()> {
        let number = self.next;
        self.next += 1;
        self.send_as(number, path, bytes)
    }

    fn send_as(&mut self, number: usize, path: &Path, bytes: Bytes) -> io::Result<()> {
        self.size += bytes.len() as u64;
        while self.under_way.len() >= PARALLEL {
            self.settle_one()?;
        }
        let (store, settings) = (Arc::clone(&self.store), self.settings.clone());
        let (id, path) = (self.id.clone(), path.clone());
        let (done, result) = sync_channel(1);
        let task = runtime::spawn(async move {
            let part = || store.put_part(&path, &id, number, bytes.clone().into());
            // Nobody takes it only if the writer is gone.
            let _ = done.send(send(&settings, bytes.len(), part).await);
        })?;
        self.under_way.push_back(Sending { number, result, task });
        Ok(())
    }

    fn settle_one(&mut self) -> io::Result<()> {
        let Some(Sending { number, result, .. }) = self.under_way.pop_front() else { return Ok(()) };
        let part = result.recv().map_err(|_| io::Error::other("an upload was given up"))??;
        self.done.push((number, part));
        Ok(())
    }

    /// Makes the object of its parts.
    fn complete(
        &self,
        path: Path,
        all: Vec<PartId>,
        objects: Arc<dyn ObjectStore>,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let (store, settings, id) = (Arc::clone(&self.store), self.settings.clone(), self.id.clone());
        let size = self.size;
        async move {
            let tries = AtomicUsize::new(0);
            let request = || {
                tries.fetch_add(1, Ordering::Relaxed);
                store.complete_multipart(&path, &id, all.clone())
            };
            // A service may have work to do for as long as a part takes.
            let Err(error) = send(&settings, PART, request).await else { return Ok(()) };
            // That there is no such upload any more may mean that it was completed, and the answer was lost.
            if error.kind() == io::ErrorKind::NotFound && tries.load(Ordering::Relaxed) > 1 {
                let object = send(&settings, 0, || objects.head(&path)).await;
                return if object.is_ok_and(|object| object.size == size) { Ok(()) } else { Err(error) };
            }
            Err(error)
        }
    }

    /// All parts, in order.
    fn settle(&mut self) -> io::Result<Vec<PartId>> {
        while !self.under_way.is_empty() {
            self.settle_one()?;
        }
        self.done.sort_unstable_by_key(|(number, _)| *number);
        Ok(self.done.drain(..).map(|(_, part)| part).collect())
    }
}

impl ByteSink for Upload {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let gone =
            || io::Error::new(io::ErrorKind::Unsupported, "an object cannot be changed where it was sent already");
        let start = usize::try_from(offset).map_err(|_| gone())?;
        // What of it falls into the first part.
        let (head, tail) = bytes.split_at(bytes.len().min(PART.saturating_sub(start)));
        if !head.is_empty() {
            put(&mut self.first, start, head);
        }
        let mut at = offset + head.len() as u64;
        let mut rest = tail;
        while !rest.is_empty() {
            let from = at.checked_sub(self.open_at).and_then(|from| usize::try_from(from).ok()).ok_or_else(gone)?;
            let limit = if self.service.parts.is_some() { self.part_len() } else { usize::MAX };
            let room = limit.saturating_sub(from);
            if room == 0 {
                // A gap of a whole part is filled with zeros.
                self.open.resize(limit, 0);
            } else {
                let (now, later) = rest.split_at(rest.len().min(room));
                put(&mut self.open, from, now);
                at += now.len() as u64;
                rest = later;
            }
            if self.open.len() >= limit {
                self.send_part()?;
            }
        }
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        // Nobody can see it yet.
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        let path = self.path.clone();
        let mut first = mem::take(&mut self.first);
        let Some(mut parts) = self.parts.take() else {
            if !self.open.is_empty() {
                first.resize(PART, 0);
                first.append(&mut self.open);
            }
            let (store, settings, plain) =
                (Arc::clone(&self.service.store), self.settings.clone(), self.service.parts.is_none());
            let all = PutPayload::from(first);
            return runtime::wait(async move {
                send(&settings, all.content_length(), || store.put(&path, all.clone())).await?;
                if plain { stored(&settings, &*store, &path, all.content_length()).await } else { Ok(()) }
            });
        };
        first.resize(PART, 0);
        let complete = parts.send_as(0, &path, first.into()).and_then(|()| {
            let last = mem::take(&mut self.open);
            if last.is_empty() { Ok(()) } else { parts.send(&path, last.into()) }
        });
        let complete = complete.and_then(|()| parts.settle());
        let done = complete.and_then(|all| runtime::wait(parts.complete(path, all, Arc::clone(&self.service.store))));
        if done.is_err() {
            self.parts = Some(parts);
        }
        done
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Some(Parts { store, settings, id, under_way, .. }) = self.parts.take() {
            under_way.iter().for_each(|part| part.task.abort());
            let path = self.path.clone();
            // An error on the way out has nobody to go to.
            let _ = runtime::wait(async move { send(&settings, 0, || store.abort_multipart(&path, &id)).await });
        }
    }
}

/// Fails if a web server says that it stored something, but did not: not each means by that the whole of it.
async fn stored(settings: &Settings, store: &dyn ObjectStore, path: &Path, len: usize) -> io::Result<()> {
    let reason = match send(settings, 0, || store.head(path)).await {
        Ok(object) if object.size == len as u64 => return Ok(()),
        Ok(object) => format!("the server stored {} bytes of {len}", object.size),
        Err(error) if error.kind() == io::ErrorKind::NotFound => "the server stored nothing".to_owned(),
        // It does not tell.
        Err(_) => return Ok(()),
    };
    Err(io::Error::new(io::ErrorKind::WriteZero, reason))
}

/// Puts bytes at a place; what lies between is zero.
fn put(to: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = at + bytes.len();
    if to.len() < end {
        to.resize(end, 0);
    }
    if let Some(place) = to.get_mut(at..end) {
        place.copy_from_slice(bytes);
    }
}
