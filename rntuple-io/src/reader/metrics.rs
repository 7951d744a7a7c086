//! What reading cost.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::file::File;

/// What reading from a file cost so far, all data sets and scans together; see
/// [`NTuple::metrics`](crate::NTuple::metrics).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Metrics {
    /// Requests to the storage, those that were repeated included.
    pub requests: u64,
    /// Requests that were made a second time because the first one took too long.
    pub hedged: u64,
    /// Bytes of the pages and of the metadata that were asked for; what is stored once counts once per read.
    pub bytes_asked: u64,
    /// Bytes that were read.
    pub bytes_read: u64,
    /// How long requests took, those in the background included; of those that run together, the longest counts.
    pub reading: Duration,
    /// How long decoding had to wait for requests.
    pub waiting: Duration,
    /// How long it took to check and to decompress pages, summed over threads.
    pub unsealing: Duration,
}

impl Metrics {
    /// Bytes that were read for each that was asked for.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a ratio to be printed")]
    pub fn overhead(&self) -> f64 {
        self.bytes_read as f64 / self.bytes_asked.max(1) as f64
    }

    /// Bytes that were read per second of [`Metrics::reading`].
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a ratio to be printed")]
    pub fn bandwidth(&self) -> f64 {
        self.bytes_read as f64 / self.reading.as_secs_f64().max(1e-9)
    }
}

/// Counts what is read from a file.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    requests: AtomicU64,
    asked: AtomicU64,
    read: AtomicU64,
    reading: AtomicU64,
    waiting: AtomicU64,
    unsealing: AtomicU64,
}

fn add(to: &AtomicU64, n: u64) {
    to.fetch_add(n, Ordering::Relaxed);
}

fn add_time(to: &AtomicU64, since: Instant) {
    add(to, u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX));
}

impl Counters {
    /// Requests that were made together, from a moment on, of which `asked` bytes were wanted.
    pub(crate) fn read(&self, requests: u64, asked: u64, read: u64, since: Instant) {
        add(&self.requests, requests);
        add(&self.asked, asked);
        add(&self.read, read);
        add_time(&self.reading, since);
    }

    pub(crate) fn waited(&self, since: Instant) {
        add_time(&self.waiting, since);
    }

    pub(crate) fn unsealed(&self, since: Instant) {
        add_time(&self.unsealing, since);
    }
}

impl File {
    pub(crate) fn metrics(&self) -> Metrics {
        let get = |n: &AtomicU64| n.load(Ordering::Relaxed);
        let time = |n: &AtomicU64| Duration::from_nanos(get(n));
        let counters = &self.counters;
        let mut metrics = Metrics {
            requests: get(&counters.requests),
            hedged: 0,
            bytes_asked: get(&counters.asked),
            bytes_read: get(&counters.read),
            reading: time(&counters.reading),
            waiting: time(&counters.waiting),
            unsealing: time(&counters.unsealing),
        };
        if let Some(traffic) = self.source.traffic() {
            metrics.requests = traffic.requests;
            metrics.hedged = traffic.hedged;
            metrics.bytes_read = traffic.bytes;
        }
        metrics
    }
}
