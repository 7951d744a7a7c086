//! Pages fetched ahead of the decoder, for a range of entries.
//!
//! Which pages hold a range of entries is known for columns that are not below a collection. For the others it is
//! estimated from the share of the cluster that the range is. A page belongs to the window in which its first element
//! lies; a page that the estimate misses is read when it is used.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use rntuple_core::memory::Pool;
use rntuple_core::metadata::{ColumnPages, PageInfo};
use rntuple_core::page::sealed_len;
use rntuple_core::schema::ColumnId;

use super::cluster::Cluster;
use super::fetch::{PageKey, Wanted, announce, fetch};
use super::file::File;

/// Pages, those that are there and those that are on their way.
#[derive(Debug)]
pub(super) struct Window {
    /// Up to which entry it reaches.
    pub(super) end: u64,
    pages: HashMap<PageKey, Fetched>,
    /// Whether it has what is left of others.
    is_rest: bool,
}

#[derive(Debug, Default)]
struct Fetched {
    /// Set once the page is there, or is known not to come. Emptied by the last one who takes it.
    bytes: OnceLock<Mutex<Option<Bytes>>>,
    used: AtomicBool,
}

impl Fetched {
    /// Sets what came, unless that was done.
    fn arrive(&self, bytes: Option<Bytes>) {
        self.bytes.get_or_init(|| Mutex::new(bytes));
    }

    /// What came, if anything did yet.
    fn bytes(&self) -> Option<MutexGuard<'_, Option<Bytes>>> {
        Some(self.bytes.get()?.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Window {
    /// A window whose pages are still to be fetched.
    pub(super) fn new(plan: WindowPlan) -> (Arc<Self>, Fetch) {
        let pages = plan.wanted.iter().map(|page| (page.key, Fetched::default())).collect();
        let window = Arc::new(Self { end: plan.end, pages, is_rest: false });
        let fetch = Fetch { window: Arc::clone(&window), wanted: plan.wanted };
        (window, fetch)
    }

    pub(super) fn has(&self, key: PageKey) -> bool {
        self.pages.contains_key(&key)
    }

    /// Takes a page, and waits for it if need be. Unless it is asked for `again`, its memory is free once it was used.
    pub(super) fn page(&self, key: PageKey, file: &File, again: bool) -> Option<Bytes> {
        let page = self.pages.get(&key)?;
        page.used.store(true, Ordering::Relaxed);
        if page.bytes.get().is_none() {
            let since = Instant::now();
            page.bytes.wait();
            file.counters.waited(since);
        }
        let mut bytes = page.bytes()?;
        if again { bytes.clone() } else { bytes.take() }
    }

    /// Whether a page is there.
    pub(super) fn arrived(&self, key: PageKey) -> bool {
        self.pages.get(&key).is_some_and(|page| page.bytes.get().is_some())
    }

    /// Takes a page that is there and that nobody has taken.
    pub(super) fn unused(&self, key: PageKey) -> Option<Bytes> {
        let page = self.pages.get(&key)?;
        let mut bytes = page.bytes()?;
        if bytes.is_none() || page.used.swap(true, Ordering::Relaxed) { None } else { bytes.take() }
    }

    /// Gives up windows that are done with, but for the pages that were not used yet, as the decoder lags behind the
    /// estimate.
    pub(super) fn give_up(windows: &mut VecDeque<Arc<Self>>, done: usize) {
        if windows.iter().take(done).all(|window| window.is_rest) {
            return;
        }
        let (mut end, mut pages) = (0, HashMap::new());
        for window in windows.drain(..done) {
            end = window.end;
            for (&key, page) in window.pages.iter().filter(|(_, page)| !page.used.load(Ordering::Relaxed)) {
                // A page holds on to all that was read with it, so it is copied; but once is enough.
                let copy = |bytes: &Bytes| if window.is_rest { bytes.clone() } else { Bytes::copy_from_slice(bytes) };
                page.bytes.wait();
                let rest = Fetched::default();
                rest.arrive(page.bytes().and_then(|bytes| bytes.as_ref().map(copy)));
                pages.insert(key, rest);
            }
        }
        if !pages.is_empty() {
            windows.push_front(Arc::new(Self { end, pages, is_rest: true }));
        }
    }
}

/// The work that a window waits for.
#[derive(Debug)]
pub(super) struct Fetch {
    window: Arc<Window>,
    wanted: Vec<Wanted>,
}

impl Fetch {
    /// Fetches the pages, unless nobody has the window any more.
    pub(super) fn run(mut self, file: &File, pool: &Arc<Pool>, parallel: usize) {
        if Arc::strong_count(&self.window) > 1 {
            fetch(file, pool, std::mem::take(&mut self.wanted), parallel, |key, bytes| {
                if let Some(page) = self.window.pages.get(&key) {
                    page.arrive(Some(bytes));
                }
            });
        }
    }
}

impl Drop for Fetch {
    /// Whoever waits for a page must not wait for ever, whatever became of this.
    fn drop(&mut self) {
        for page in self.window.pages.values() {
            page.arrive(None);
        }
    }
}

/// What a window is to hold.
#[derive(Debug)]
pub(super) struct WindowPlan {
    pub(super) end: u64,
    /// Whether it begins with so much that what is before it should be used up first, see [`Limits::burst`].
    pub(super) begins_burst: bool,
    wanted: Vec<Wanted>,
    /// The pages that hold many entries, by the entry that they start with (an estimate below collections).
    pub(super) long: Vec<LongPage>,
}

/// How much a window is to hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Sealed bytes, about.
    pub(super) bytes: u64,
    /// A window ends before an entry with which pages of so many sealed bytes begin: columns of one width have pages
    /// that end together, and those of a cluster all do. The pages before can be used up then, and need not be held
    /// together with those behind.
    pub(super) burst: Option<u64>,
    /// Entries of a batch.
    pub(super) rows: u64,
}

impl Limits {
    /// Whether so much begins with an entry of a cluster.
    fn bursts_at(&self, cluster: &Cluster, entry: u64) -> bool {
        self.burst.is_some_and(|burst| match entry {
            0 => opening(cluster) >= burst,
            at => first_burst(cluster, at - 1..at + 1, burst).is_some(),
        })
    }
}

/// A page that several batches are made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct LongPage {
    /// The entry that it starts with.
    pub(super) entry: u64,
    pub(super) key: PageKey,
    pub(super) column: ColumnId,
    pub(super) info: PageInfo,
}

impl WindowPlan {
    /// Plans a window over entries from `range.start` on: as many as the limits allow, at least one (and so at least the
    /// pages that it lies on), up to `range.end`. `clusters` holds those entries; the last cluster may end before
    /// `range.end`, and then so does the window. With `first` nothing was fetched before, so pages that begin before the
    /// window count too.
    pub(super) fn new(
        clusters: &[&Cluster],
        range: Range<u64>,
        limits: Limits,
        first: bool,
        max_key_size: u64,
    ) -> Self {
        let (mut wanted, mut bytes, mut end, mut long) = (Vec::new(), 0, range.start, Vec::new());
        for cluster in clusters {
            let summary = cluster.summary;
            let cluster_end = summary.first_entry + summary.entries;
            if cluster_end <= end {
                continue;
            }
            let follows = summary.first_entry > range.start;
            if summary.first_entry >= range.end || bytes >= limits.bytes || (follows && limits.bursts_at(cluster, 0)) {
                break;
            }
            let from = end.max(summary.first_entry) - summary.first_entry;
            let most = range.end.min(cluster_end) - summary.first_entry;
            let whole = cluster.read_columns().map(|(_, column)| stored(column)).fold(0, u64::saturating_add);
            // The share of the cluster that fits into what is left of the budget.
            let fits = share(summary.entries, limits.bytes - bytes, whole.max(1)).max(1);
            let to = from.saturating_add(fits).min(most);
            let cut = limits.burst.and_then(|burst| first_burst(cluster, from..to, burst));
            let to = cut.unwrap_or(to);
            let opens = first && end == range.start;
            for (i, column) in cluster.read_columns() {
                let start = share(column.elements, from, summary.entries);
                let stop = if to == summary.entries { u64::MAX } else { share(column.elements, to, summary.entries) };
                let mut begin = column.pages.partition_point(|page| page.first < start);
                if opens {
                    begin = begin.min(column.page_of(start));
                }
                for (n, page) in column.pages.iter().enumerate().skip(begin).take_while(|(_, page)| page.first < stop) {
                    let key = PageKey { cluster: summary.id, column: i, page: n };
                    if let Some(wanting) = Wanted::new(key, page, max_key_size) {
                        bytes = wanting.len.saturating_add(bytes);
                        wanted.push(wanting);
                        if share(summary.entries, page.elements.into(), column.elements) > limits.rows {
                            let entry = summary.first_entry + share(summary.entries, page.first, column.elements);
                            long.push(LongPage { entry, key, column: column.column, info: *page });
                        }
                    }
                }
            }
            end = summary.first_entry + to;
            if to < most {
                break;
            }
        }
        long.sort_by_key(|page| page.entry);
        let end = end.max(range.start + 1);
        let begins_burst = clusters
            .first()
            .is_some_and(|cluster| limits.bursts_at(cluster, range.start.saturating_sub(cluster.summary.first_entry)));
        Self { end, begins_burst, wanted, long }
    }

    /// Tells the file that this will be fetched.
    pub(super) fn announce(&self, file: &File) {
        announce(file, self.wanted.clone());
    }

    /// Leaves out pages that are there already.
    pub(super) fn leave_out(&mut self, there: impl Fn(PageKey) -> bool) {
        self.wanted.retain(|page| !there(page.key));
    }
}

/// Sealed bytes of the pages with which a cluster begins.
fn opening(cluster: &Cluster) -> u64 {
    let first = cluster.read_columns().filter_map(|(_, column)| sealed_len(column.pages.first()?));
    first.fold(0, u64::saturating_add)
}

/// The first entry within a range of a cluster, but for its start, with which pages of so many sealed bytes begin. Only
/// those of columns count that are not below collections.
fn first_burst(cluster: &Cluster, range: Range<u64>, bytes: u64) -> Option<u64> {
    let mut beginning = BTreeMap::<u64, u64>::new();
    for (_, column) in cluster.read_columns().filter(|(_, column)| column.elements == cluster.summary.entries) {
        let behind = column.pages.partition_point(|page| page.first <= range.start);
        for page in column.pages.iter().skip(behind).take_while(|page| page.first < range.end) {
            let sum = beginning.entry(page.first).or_default();
            *sum = sum.saturating_add(sealed_len(page).unwrap_or(0));
        }
    }
    beginning.into_iter().find(|(_, sum)| *sum >= bytes).map(|(entry, _)| entry)
}

/// Bytes of a column in a cluster.
fn stored(column: &ColumnPages) -> u64 {
    column.pages.iter().filter_map(sealed_len).fold(0, u64::saturating_add)
}

/// `whole * part / all`, without overflow.
fn share(whole: u64, part: u64, all: u64) -> u64 {
    let share = u128::from(whole) * u128::from(part) / u128::from(all.max(1));
    u64::try_from(share).unwrap_or(u64::MAX)
}
