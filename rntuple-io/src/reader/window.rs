//! Pages fetched ahead of the decoder, for a range of entries.
//!
//! Which pages hold a range of entries is known for columns that are not below a collection. For the others it is
//! estimated from the share of the cluster that the range is. A page belongs to the window in which its first element
//! lies; a page that the estimate misses is read when it is used.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use rntuple_core::memory::Pool;
use rntuple_core::metadata::ColumnPages;
use rntuple_core::page::sealed_len;

use super::cluster::Cluster;
use super::fetch::{PageKey, Wanted, fetch};
use super::file::File;

#[derive(Debug)]
pub(super) struct Window {
    /// Up to which entry it reaches.
    pub(super) end: u64,
    pages: HashMap<PageKey, Fetched>,
}

#[derive(Debug)]
struct Fetched {
    bytes: Bytes,
    used: AtomicBool,
}

impl Window {
    pub(super) fn has(&self, key: PageKey) -> bool {
        self.pages.contains_key(&key)
    }

    pub(super) fn page(&self, key: PageKey) -> Option<Bytes> {
        let page = self.pages.get(&key)?;
        page.used.store(true, Ordering::Relaxed);
        Some(page.bytes.clone())
    }

    pub(super) fn fetch(file: &File, pool: &Arc<Pool>, plan: WindowPlan, parallel: usize) -> Self {
        let pages = fetch(file, pool, plan.wanted, parallel).into_iter();
        let fetched = |(key, bytes)| (key, Fetched { bytes, used: AtomicBool::new(false) });
        Self { end: plan.end, pages: pages.map(fetched).collect() }
    }

    /// Takes over the pages of a window that is done with but were not used yet: the decoder lags behind the estimate.
    /// They are copied, as each holds on to all that was read with it.
    pub(super) fn carry(&mut self, done: &Self) {
        for (&key, page) in done.pages.iter().filter(|(_, page)| !page.used.load(Ordering::Relaxed)) {
            let fetched = || Fetched { bytes: Bytes::copy_from_slice(&page.bytes), used: AtomicBool::new(false) };
            self.pages.entry(key).or_insert_with(fetched);
        }
    }
}

/// What a window is to hold.
#[derive(Debug)]
pub(super) struct WindowPlan {
    pub(super) end: u64,
    wanted: Vec<Wanted>,
}

impl WindowPlan {
    /// Plans a window over entries from `range.start` on: as many as have about `budget` sealed bytes, at least one
    /// (and so at least the pages that it lies on), up to `range.end`. `clusters` holds those entries; the last cluster
    /// may end before `range.end`, and then so does the window. With `first` nothing was fetched before, so pages that
    /// begin before the window count too.
    pub(super) fn new(clusters: &[&Cluster], range: Range<u64>, budget: u64, first: bool, max_key_size: u64) -> Self {
        let (mut wanted, mut bytes, mut end) = (Vec::new(), 0, range.start);
        for cluster in clusters {
            let summary = cluster.summary;
            let cluster_end = summary.first_entry + summary.entries;
            if cluster_end <= end {
                continue;
            }
            if summary.first_entry >= range.end || bytes >= budget {
                break;
            }
            let from = end.max(summary.first_entry) - summary.first_entry;
            let most = range.end.min(cluster_end) - summary.first_entry;
            let whole = cluster.read_columns().map(|(_, column)| stored(column)).fold(0, u64::saturating_add);
            // The share of the cluster that fits into what is left of the budget.
            let fits = share(summary.entries, budget - bytes, whole.max(1)).max(1);
            let to = from.saturating_add(fits).min(most);
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
                    if let Some(page) = Wanted::new(key, page, max_key_size) {
                        bytes = page.len.saturating_add(bytes);
                        wanted.push(page);
                    }
                }
            }
            end = summary.first_entry + to;
            if to < most {
                break;
            }
        }
        Self { end: end.max(range.start + 1), wanted }
    }

    /// Leaves out pages that are there already.
    pub(super) fn leave_out(&mut self, there: impl Fn(PageKey) -> bool) {
        self.wanted.retain(|page| !there(page.key));
    }
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
