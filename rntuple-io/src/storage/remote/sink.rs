//! An object that is written in parts while a file is made.

use std::collections::VecDeque;
use std::io;
use std::mem;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use bytes::Bytes;
use object_store::multipart::PartId;
use object_store::path::Path;
use object_store::{MultipartId, ObjectStoreExt};

use super::super::ByteSink;
use super::{InParts, Service, runtime, to_io};

/// Bytes of a part. Services take 10,000 of them, so they double from time to time.
const PART: usize = 16 << 20;
/// Parts after which they double.
const DOUBLE: usize = 2_000;
/// Parts that are on their way at once.
const PARALLEL: usize = 3;

/// Writes an object. It appears when it is finished; if it is not, its parts are given up.
///
/// The first part is kept to the end, since the start of a file changes when the file is complete; what lies behind it
/// is sent as soon as there is enough of it, and cannot change any more. A service that takes no parts gets the object
/// in one piece, which is in memory until then.
#[derive(Debug)]
pub(super) struct Upload {
    service: Service,
    path: Path,
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
    id: MultipartId,
    /// Number of the next part; the first one is number 0.
    next: usize,
    done: Vec<(usize, PartId)>,
    under_way: VecDeque<(usize, Receiver<io::Result<PartId>>)>,
}

impl Upload {
    pub(super) fn new(service: Service, path: Path) -> Self {
        Self { service, path, first: Vec::new(), open: Vec::new(), open_at: PART as u64, parts: None }
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
            None => Parts::start(store, &self.path)?,
        };
        let bytes = mem::take(&mut self.open);
        self.open_at += bytes.len() as u64;
        let sent = parts.send(&self.path, bytes.into());
        self.parts = Some(parts);
        sent
    }
}

impl Parts {
    fn start(store: &Arc<dyn InParts>, path: &Path) -> io::Result<Self> {
        let store = Arc::clone(store);
        let (task, at) = (Arc::clone(&store), path.clone());
        let id = runtime::wait(async move { task.create_multipart(&at).await.map_err(to_io) })?;
        Ok(Self { store, id, next: 1, done: Vec::new(), under_way: VecDeque::new() })
    }

    fn send(&mut self, path: &Path, bytes: Bytes) -> io::Result<()> {
        let number = self.next;
        self.next += 1;
        self.send_as(number, path, bytes)
    }

    fn send_as(&mut self, number: usize, path: &Path, bytes: Bytes) -> io::Result<()> {
        while self.under_way.len() >= PARALLEL {
            self.settle_one()?;
        }
        let (store, id, path) = (Arc::clone(&self.store), self.id.clone(), path.clone());
        let (done, result) = sync_channel(1);
        runtime::spawn(async move {
            let sent = store.put_part(&path, &id, number, bytes.into()).await;
            // Nobody takes it only if the writer is gone.
            let _ = done.send(sent.map_err(to_io));
        })?;
        self.under_way.push_back((number, result));
        Ok(())
    }

    fn settle_one(&mut self) -> io::Result<()> {
        let Some((number, result)) = self.under_way.pop_front() else { return Ok(()) };
        let part = result.recv().map_err(|_| io::Error::other("an upload was given up"))??;
        self.done.push((number, part));
        Ok(())
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
            let store = Arc::clone(&self.service.store);
            return runtime::wait(async move { store.put(&path, first.into()).await.map(drop).map_err(to_io) });
        };
        first.resize(PART, 0);
        let complete = parts.send_as(0, &path, first.into()).and_then(|()| {
            let last = mem::take(&mut self.open);
            if last.is_empty() { Ok(()) } else { parts.send(&path, last.into()) }
        });
        let complete = complete.and_then(|()| parts.settle());
        let done = complete.and_then(|all| {
            let (store, id) = (Arc::clone(&parts.store), parts.id.clone());
            runtime::wait(async move { store.complete_multipart(&path, &id, all).await.map(drop).map_err(to_io) })
        });
        if done.is_err() {
            self.parts = Some(parts);
        }
        done
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Some(Parts { store, id, .. }) = self.parts.take() {
            let path = self.path.clone();
            // An error on the way out has nobody to go to.
            let _ = runtime::wait(async move { store.abort_multipart(&path, &id).await.map_err(to_io) });
        }
    }
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
