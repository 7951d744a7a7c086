//! Gives the decoder its pages: from a window that was fetched ahead, from those kept for the next batch, or from the
//! file.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use rntuple_core::arrow::{PageSource, Plan, UnsealedPage};
use rntuple_core::memory::{Memory, Pool};
use rntuple_core::metadata::{ColumnPages, PageInfo};
use rntuple_core::page::{kept_form, sealed_len, unseal, unseal_into};
use rntuple_core::schema::{Column, ColumnId, ColumnType};
use rntuple_core::{Error as FormatError, Result as FormatResult};

use super::cluster::Cluster;
use super::dataset::DataSet;
use super::fetch::{PageKey, Wanted, fetch};
use super::file::file_range;
use super::window::{LongPage, Window};
use crate::threads::Threads;

/// Pages of a scan that outlive a batch.
#[derive(Debug)]
pub(super) struct Store {
    columns: Vec<Mutex<ColumnStore>>,
    /// For each column, whether several fields are read from it.
    shared: Vec<bool>,
    /// Bytes of unsealed pages that are kept, of all columns.
    kept: AtomicUsize,
    budget: usize,
    /// Pages that are unsealed before they are asked for, those under way included.
    ahead: AtomicUsize,
    /// Memory of batches and windows that are gone, for those to come.
    pub(super) pool: Arc<Pool>,
}

#[derive(Debug, Default)]
struct ColumnStore {
    /// Fetched for the batch at hand.
    sealed: HashMap<(u64, usize), Bytes>,
    /// Unsealed pages that will be asked for again, with when they were last.
    unsealed: HashMap<(u64, usize), (Kept, u64)>,
    /// Pages that are being unsealed before they are asked for.
    coming: HashMap<(u64, usize), Arc<OnceLock<Option<Kept>>>>,
    clock: u64,
    /// Ends of collections where batches meet, see [`PageSource::end_before`]: cluster, element behind, end. Two, as
    /// several fields may be read from the column, one after the other.
    ends: [Option<(u64, u64, u64)>; 2],
}

/// An unsealed page and the type of its elements.
#[derive(Debug, Clone)]
struct Kept {
    bytes: Bytes,
    kind: ColumnType,
}

impl Kept {
    fn page(&self) -> UnsealedPage<'_> {
        UnsealedPage { bytes: &self.bytes, kind: self.kind, shared: Some(&self.bytes) }
    }
}

impl Store {
    pub(super) fn new(plan: &Plan, budget: usize, pool: Arc<Pool>) -> Self {
        let columns = plan.columns().iter().map(|_| Mutex::default()).collect();
        let shared = plan.columns().iter().map(|column| plan.shared_columns().binary_search(column).is_ok()).collect();
        Self { columns, shared, kept: AtomicUsize::new(0), budget, ahead: AtomicUsize::new(0), pool }
    }

    fn is_shared(&self, column: usize) -> bool {
        self.shared.get(column) == Some(&true)
    }

    /// Bytes of unsealed pages that may be kept.
    pub(super) fn budget(&self) -> usize {
        self.budget
    }

    /// Whether an unsealed page is kept.
    pub(super) fn keeps(&self, key: PageKey) -> bool {
        self.column(key.column).is_some_and(|store| store.unsealed.contains_key(&(key.cluster, key.page)))
    }

    /// Drops what was fetched for a batch that failed.
    pub(super) fn forget_fetched(&self) {
        for column in 0..self.columns.len() {
            if let Some(mut store) = self.column(column) {
                store.sealed.clear();
            }
        }
    }

    fn column(&self, column: usize) -> Option<MutexGuard<'_, ColumnStore>> {
        Some(self.columns.get(column)?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn unsealed(&self, key: PageKey) -> Option<Kept> {
        let mut store = self.column(key.column)?;
        let place = (key.cluster, key.page);
        if let Some(coming) = store.coming.get(&place).cloned() {
            drop(store);
            let page = coming.wait().clone();
            store = self.column(key.column)?;
            // Several fields may have waited for it.
            if store.coming.remove(&place).is_some() {
                self.ahead.fetch_sub(1, Ordering::Relaxed);
            }
            drop(store);
            let page = page?;
            self.keep(key, page.clone());
            return Some(page);
        }
        store.clock += 1;
        let now = store.clock;
        let (page, used) = store.unsealed.get_mut(&(key.cluster, key.page))?;
        *used = now;
        Some(page.clone())
    }

    /// Keeps an unsealed page. Where the budget is used up, the other pages of the column make room.
    fn keep(&self, key: PageKey, page: Kept) {
        let Some(mut store) = self.column(key.column) else { return };
        let len = page.bytes.len();
        while self.kept.load(Ordering::Relaxed) + len > self.budget {
            let Some(oldest) = store.unsealed.iter().min_by_key(|(_, (_, used))| *used).map(|(key, _)| *key) else {
                // One page per column is kept in any case: to unseal it again for every batch would cost far more.
                break;
            };
            if let Some((dropped, _)) = store.unsealed.remove(&oldest) {
                self.kept.fetch_sub(dropped.bytes.len(), Ordering::Relaxed);
            }
        }
        store.clock += 1;
        let now = store.clock;
        self.kept.fetch_add(len, Ordering::Relaxed);
        if let Some((before, _)) = store.unsealed.insert((key.cluster, key.page), (page, now)) {
            self.kept.fetch_sub(before.bytes.len(), Ordering::Relaxed);
        }
    }

    /// Makes room for a page that nobody asked for yet, if there is some.
    pub(super) fn reserve_ahead(&self) -> bool {
        let more = |ahead| (ahead < MAX_AHEAD).then_some(ahead + 1);
        self.ahead.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    /// Unseals a page for which there is [room](Self::reserve_ahead), unless somebody has begun with it. Whoever asks for
    /// it meanwhile waits.
    pub(super) fn unseal_ahead(&self, data: &DataSet, page: &LongPage, windows: &[Arc<Window>]) {
        let LongPage { key, column, info, .. } = page;
        let coming = Coming(Arc::default());
        let sealed = self.column(key.column).and_then(|mut store| {
            let place = (key.cluster, key.page);
            if store.unsealed.contains_key(&place) || store.coming.contains_key(&place) {
                return None;
            }
            let sealed = windows.iter().find_map(|window| window.unused(*key))?;
            store.coming.insert(place, Arc::clone(&coming.0));
            Some(sealed)
        });
        match (sealed, data.schema.column(*column)) {
            // What is wrong with it will be found again by who needs it.
            (Some(sealed), Some(column)) => _ = coming.0.set(unseal_to_keep(&sealed, info, column, data, self).ok()),
            (Some(_), None) => {}
            (None, _) => _ = self.ahead.fetch_sub(1, Ordering::Relaxed),
        }
    }

    /// Gives up a page that was just used.
    fn forget(&self, key: PageKey) {
        let Some(mut store) = self.column(key.column) else { return };
        if let Some((page, _)) = store.unsealed.remove(&(key.cluster, key.page)) {
            self.kept.fetch_sub(page.bytes.len(), Ordering::Relaxed);
        }
    }
}

/// A page that is being unsealed. Whoever waits for it must not wait for ever.
struct Coming(Arc<OnceLock<Option<Kept>>>);

impl Drop for Coming {
    fn drop(&mut self) {
        self.0.get_or_init(|| None);
    }
}

/// Unseals a page into memory of its own.
fn unseal_to_keep(
    sealed: &[u8],
    info: &PageInfo,
    column: &Column,
    data: &DataSet,
    store: &Store,
) -> FormatResult<Kept> {
    unseal_with(sealed, info, column, data, |bytes| {
        let memory = |capacity| store.pool.memory(capacity);
        if let Some((memory, kind)) = kept_form(bytes, info, column, memory)? {
            return Ok(Kept { bytes: memory.into_bytes(), kind });
        }
        let mut memory = memory(bytes.len());
        memory.grow(bytes.len()).copy_from_slice(bytes);
        Ok(Kept { bytes: memory.into_bytes(), kind: column.kind })
    })?
}

/// Unseals a page for use at once.
fn unseal_with<T>(
    sealed: &[u8],
    info: &PageInfo,
    column: &Column,
    data: &DataSet,
    use_page: impl FnOnce(&[u8]) -> T,
) -> FormatResult<T> {
    SCRATCH.with_borrow_mut(|scratch| {
        let since = Instant::now();
        let unsealed = unseal(sealed, info, column, scratch);
        data.file.counters.unsealed(since);
        let used = unsealed.map(use_page);
        if scratch.capacity() > MAX_SCRATCH {
            *scratch = Vec::new();
        }
        used
    })
}

thread_local! {
    /// Room for an unsealed page; each thread uses its own over and over.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Pages that are unsealed before they are asked for: enough to keep threads busy that would wait for others.
const MAX_AHEAD: usize = 8;

/// Bytes of one column that are fetched ahead of their use, where no window has them.
const MAX_ANNOUNCED: u64 = 8 << 20;

/// Larger scratch buffers are given back after use.
const MAX_SCRATCH: usize = 4 << 20;

/// The pages of one batch.
pub(super) struct Pages<'a> {
    pub(super) data: &'a DataSet,
    /// The columns of the plan, ascending.
    pub(super) columns: &'a [ColumnId],
    /// The clusters that the batch touches; segments number them.
    pub(super) clusters: &'a [&'a Cluster],
    pub(super) windows: &'a [Arc<Window>],
    pub(super) store: &'a Store,
    pub(super) threads: &'a Threads,
    /// Whether pages are kept once they are used up, for reads that jump around.
    pub(super) random: bool,
    /// How many requests to have under way at once.
    pub(super) requests: usize,
}

/// A page that somebody asks for.
enum Found {
    Unsealed(Kept),
    Sealed(Bytes),
}

struct Place<'a> {
    key: PageKey,
    info: &'a PageInfo,
    column: &'a ColumnPages,
}

impl<'a> Pages<'a> {
    fn place(&self, cluster: usize, column: ColumnId, page: usize) -> FormatResult<Place<'a>> {
        let not_there = || missing(column, "page is not in the page list");
        let cluster = self.clusters.get(cluster).ok_or_else(not_there)?;
        let position = self.columns.binary_search(&column).map_err(|_| not_there())?;
        let pages = cluster.columns.get(position).ok_or_else(not_there)?;
        let info = pages.pages.get(page).ok_or_else(not_there)?;
        Ok(Place { key: PageKey { cluster: cluster.summary.id, column: position, page }, info, column: pages })
    }

    /// Number of a cluster in the data set, and of a column in the plan.
    fn position(&self, cluster: usize, column: ColumnId) -> Option<(u64, usize)> {
        Some((self.clusters.get(cluster)?.summary.id, self.columns.binary_search(&column).ok()?))
    }

    fn fetched(&self, key: PageKey) -> Option<Bytes> {
        let again = self.store.is_shared(key.column);
        let page = self.windows.iter().find_map(|window| window.page(key, &self.data.file, again));
        page.or_else(|| self.store.column(key.column)?.sealed.remove(&(key.cluster, key.page)))
    }

    fn find(&self, place: &Place<'_>) -> FormatResult<Found> {
        if let Some(page) = self.store.unsealed(place.key) {
            return Ok(Found::Unsealed(page));
        }
        if let Some(sealed) = self.fetched(place.key) {
            return Ok(Found::Sealed(sealed));
        }
        // Another thread may have taken it between these two looks, to unseal it ahead.
        match self.store.unsealed(place.key) {
            Some(page) => Ok(Found::Unsealed(page)),
            None => self.read(place).map(Found::Sealed),
        }
    }

    fn read(&self, place: &Place<'_>) -> FormatResult<Bytes> {
        let what = || describe(place);
        let (Some((offset, _)), Some(len)) = (file_range(&place.info.locator), sealed_len(place.info)) else {
            let reason = format!("its locator ({:?}) does not point into a file", place.info.locator);
            return Err(missing(place.column.column, &reason).within(what()));
        };
        let bytes = self.data.file.read_payload(what, offset, len, self.data.anchor.max_key_size);
        bytes.map(Bytes::from).map_err(|e| FormatError::Storage(Box::new(e)))
    }

    fn column(&self, place: &Place<'_>) -> FormatResult<&'a Column> {
        let column = self.data.schema.column(place.column.column);
        column.ok_or_else(|| missing(place.column.column, "no such column"))
    }
}

impl PageSource for Pages<'_> {
    fn pages(&self, cluster: usize, column: ColumnId) -> FormatResult<&ColumnPages> {
        let not_there = || missing(column, "column is not in the page list");
        let cluster = self.clusters.get(cluster).ok_or_else(not_there)?;
        let position = self.columns.binary_search(&column).map_err(|_| not_there())?;
        cluster.columns.get(position).ok_or_else(not_there)
    }

    fn same_pages(&self, cluster: usize, column: ColumnId) -> ColumnId {
        self.clusters.get(cluster).map_or(column, |cluster| cluster.same_pages(column))
    }

    fn announce(&self, cluster: usize, column: ColumnId, first: usize, last: usize) -> FormatResult<()> {
        let there = |key: PageKey| {
            self.windows.iter().any(|window| window.has(key))
                || self.store.column(key.column).is_none_or(|store| {
                    let key = (key.cluster, key.page);
                    store.sealed.contains_key(&key)
                        || store.unsealed.contains_key(&key)
                        || store.coming.contains_key(&key)
                })
        };
        // One page is read when it is used; several are worth a common request.
        if first >= last || there(self.place(cluster, column, first)?.key) {
            return Ok(());
        }
        let (mut wanted, mut bytes) = (Vec::new(), 0);
        for page in first..=last {
            let place = self.place(cluster, column, page)?;
            if bytes >= MAX_ANNOUNCED {
                break;
            }
            if let Some(page) = Wanted::new(place.key, place.info, self.data.anchor.max_key_size)
                && !there(place.key)
            {
                bytes += page.len;
                wanted.push(page);
            }
        }
        fetch(&self.data.file, &self.store.pool, wanted, self.requests, |key, bytes| {
            if let Some(mut store) = self.store.column(key.column) {
                store.sealed.insert((key.cluster, key.page), bytes);
            }
        });
        Ok(())
    }

    fn with_page(
        &self,
        cluster: usize,
        column: ColumnId,
        page: usize,
        again: bool,
        consume: &mut dyn FnMut(UnsealedPage<'_>) -> FormatResult<()>,
    ) -> FormatResult<()> {
        let place = self.place(cluster, column, page)?;
        // A page that several fields are read from is not used up by the first of them.
        let again = again || self.random || self.store.is_shared(place.key.column);
        let mut consume = |page: UnsealedPage<'_>| consume(page).map_err(|e| e.within(describe(&place)));
        match self.find(&place)? {
            Found::Unsealed(page) => {
                if !again {
                    self.store.forget(place.key);
                }
                consume(page.page())
            }
            Found::Sealed(sealed) if again => {
                let page = unseal_to_keep(&sealed, place.info, self.column(&place)?, self.data, self.store)
                    .map_err(|e| e.within(describe(&place)))?;
                self.store.keep(place.key, page.clone());
                consume(page.page())
            }
            Found::Sealed(sealed) => {
                let column = self.column(&place)?;
                let consume = |bytes: &[u8]| consume(UnsealedPage { bytes, kind: column.kind, shared: None });
                unseal_with(&sealed, place.info, column, self.data, consume).map_err(|e| e.within(describe(&place)))?
            }
        }
    }

    fn page_into(&self, cluster: usize, column: ColumnId, page: usize, out: &mut [u8]) -> FormatResult<()> {
        let place = self.place(cluster, column, page)?;
        let sealed = self.fetched(place.key).map_or_else(|| self.read(&place), Ok)?;
        let since = Instant::now();
        let unsealed = unseal_into(&sealed, place.info, out);
        self.data.file.counters.unsealed(since);
        unsealed.map_err(|e| e.within(describe(&place)))
    }

    fn end_before(&self, cluster: usize, column: ColumnId, element: u64) -> Option<u64> {
        let (cluster, position) = self.position(cluster, column)?;
        let ends = self.store.column(position)?.ends;
        ends.into_iter().flatten().find(|known| (known.0, known.1) == (cluster, element)).map(|(.., end)| end)
    }

    fn keep_end(&self, cluster: usize, column: ColumnId, element: u64, end: u64) {
        let Some((cluster, position)) = self.position(cluster, column) else { return };
        let Some(mut store) = self.store.column(position) else { return };
        let known = Some((cluster, element, end));
        if !store.ends.contains(&known) {
            store.ends = [known, store.ends[0]];
        }
    }

    fn memory(&self, capacity: usize) -> Memory {
        self.store.pool.memory(capacity)
    }

    fn run(&self, n: usize, task: &(dyn Fn(usize) + Sync)) {
        self.threads.run(n, task);
    }
}

fn missing(column: ColumnId, reason: &str) -> FormatError {
    FormatError::Inconsistent { what: "page", reason: format!("column {}: {reason}", column.0) }
}

fn describe(place: &Place<'_>) -> String {
    let PageKey { cluster, page, .. } = place.key;
    let column = place.column.column.0;
    match file_range(&place.info.locator) {
        Some((offset, _)) => format!("page {page} of column {column} in cluster {cluster} at byte {offset}"),
        None => format!("page {page} of column {column} in cluster {cluster}"),
    }
}
