//! Requests for parts of an object.

use std::collections::BTreeMap;
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::{Either, select};
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStore};
use tokio::time::timeout;

use super::super::Traffic;
use super::super::uri::Settings;
use super::attempts::{Failure, insist, limit, within};

/// Bytes per second below which a server is given up.
const SLOWEST: u64 = 64 << 10;

/// Where an object is, and what was asked for so far.
#[derive(Debug)]
pub(super) struct Object {
    store: Arc<dyn ObjectStore>,
    path: Path,
    pub(super) settings: Settings,
    requests: AtomicU64,
    bytes: AtomicU64,
    hedged: AtomicU64,
}

/// What tells one version of an object from another.
#[derive(Debug, Clone)]
pub(super) struct Version {
    pub(super) size: u64,
    pub(super) etag: Option<String>,
    /// In milliseconds; 0 if it is not known.
    modified: i64,
}

impl Version {
    fn of(meta: &ObjectMeta) -> Self {
        Self { size: meta.size, etag: meta.e_tag.clone(), modified: meta.last_modified.timestamp_millis() }
    }

    /// Where the server does not say more, the size must do.
    pub(super) fn is(&self, other: &Self) -> bool {
        let same = match (&self.etag, &other.etag) {
            // Servers with copies of an object may not agree on when they got them.
            (Some(tag), Some(other)) => tag == other,
            _ => self.modified == other.modified,
        };
        same && self.size == other.size
    }

    pub(super) fn check(&self, other: &Self) -> io::Result<()> {
        if self.is(other) {
            return Ok(());
        }
        Err(io::Error::new(io::ErrorKind::InvalidData, "the object has changed since it was opened"))
    }
}

/// What is asked for.
#[derive(Debug, Clone)]
pub(super) struct Wanted<'a> {
    /// The range; everything without.
    pub(super) range: Option<GetRange>,
    /// Most bytes that it has.
    pub(super) len: u64,
    /// The version of the object that is expected.
    pub(super) version: Option<&'a Version>,
}

/// A good answer. Its bytes were passed on as they came.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) version: Version,
    /// Number of bytes.
    pub(super) len: u64,
    /// Number of the request.
    request: u64,
}

/// Takes bytes as they come: the number of the request, where in its range they start, and the bytes. Requests for the
/// same range may run at the same time.
pub(super) trait Take: Fn(u64, u64, Bytes) + Sync {}

impl<F: Fn(u64, u64, Bytes) + Sync> Take for F {}

impl Object {
    pub(super) fn new(store: Arc<dyn ObjectStore>, path: Path, settings: &Settings) -> Self {
        let (requests, bytes, hedged) = Default::default();
        Self { store, path, settings: settings.clone(), requests, bytes, hedged }
    }

    /// Asks until there is an answer or no hope.
    pub(super) async fn persist(
        &self,
        wanted: Wanted<'_>,
        again: impl Fn(&Failure) -> bool,
        take: &impl Take,
    ) -> Result<Answer, Failure> {
        insist(&self.settings, again, || self.hedge(wanted.clone(), take)).await
    }

    /// Asks until there is an answer or no hope, and returns what it was.
    pub(super) async fn collect(
        &self,
        wanted: Wanted<'_>,
        again: impl Fn(&Failure) -> bool,
    ) -> Result<(Version, Bytes), Failure> {
        let collected = Mutex::new(BTreeMap::<u64, Vec<u8>>::new());
        let collected = || collected.lock().unwrap_or_else(PoisonError::into_inner);
        let take = |request, _, bytes: Bytes| {
            let mut collected = collected();
            collected.entry(request).or_default().extend_from_slice(&bytes);
            // No more than two run at once; what is older has failed.
            while collected.len() > 2 {
                collected.pop_first();
            }
        };
        let answer = self.persist(wanted, again, &take).await?;
        let bytes = collected().remove(&answer.request).unwrap_or_default();
        Ok((answer.version, bytes.into()))
    }

    /// Asks, and once more if that takes long; the first good answer counts.
    async fn hedge(&self, wanted: Wanted<'_>, take: &impl Take) -> Result<Answer, Failure> {
        let mut first = pin!(self.request(wanted.clone(), take));
        let Some(patience) = self.settings.hedge else { return first.await };
        if let Ok(answer) = timeout(patience, first.as_mut()).await {
            return answer;
        }
        self.hedged.fetch_add(1, Ordering::Relaxed);
        match select(first, pin!(self.request(wanted, take))).await {
            Either::Left((Err(failure), second)) if failure.may_pass() => second.await,
            Either::Right((Err(failure), first)) if failure.may_pass() => first.await,
            Either::Left((answer, _)) | Either::Right((answer, _)) => answer,
        }
    }

    /// One request.
    async fn request(&self, wanted: Wanted<'_>, take: &impl Take) -> Result<Answer, Failure> {
        let request = self.requests.fetch_add(1, Ordering::Relaxed);
        let Wanted { range, len, version: expected } = wanted;
        let whole = range.is_none();
        let options = GetOptions::default().with_range(range);
        within(limit(&self.settings, len, SLOWEST), async {
            let result = self.store.get_opts(&self.path, options).await.map_err(Failure::of)?;
            let (version, promised) = (Version::of(&result.meta), result.range.end - result.range.start);
            if let Some(expected) = expected {
                expected.check(&version).map_err(Failure::Final)?;
            }
            if promised > len {
                let reason = format!("{promised} bytes came, where {len} at most were expected");
                let error = io::Error::new(io::ErrorKind::Unsupported, reason);
                return Err(if whole { Failure::Final(error) } else { Failure::OtherRange(error) });
            }
            let mut body = result.into_stream();
            let mut got = 0;
            while let Some(bytes) = body.next().await {
                let (bytes, at) = (bytes.map_err(Failure::of)?, got);
                got += bytes.len() as u64;
                self.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                if got > promised {
                    break;
                }
                take(request, at, bytes);
            }
            if got == promised {
                return Ok(Answer { version, len: got, request });
            }
            let reason = format!("the server sent {got} bytes instead of {promised}");
            Err(Failure::Passing(io::Error::new(io::ErrorKind::UnexpectedEof, reason)))
        })
        .await
    }

    pub(super) fn traffic(&self) -> Traffic {
        let get = |n: &AtomicU64| n.load(Ordering::Relaxed);
        Traffic { requests: get(&self.requests), bytes: get(&self.bytes), hedged: get(&self.hedged) }
    }
}
