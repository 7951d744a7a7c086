//! Reading any range of entries: what scans and random access are made of.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use rntuple_core::arrow::logical::Logical;
use rntuple_core::arrow::{Plan, Segment};
use rntuple_core::memory::Pool;

use super::cluster::Cluster;
use super::dataset::DataSet;
use super::pages::{Pages, Store};
use super::window::{Limits, LongPage, Window, WindowPlan};
use crate::error::{Error, Result};
use crate::threads::Threads;

/// Cluster groups whose page locations are kept.
const KEEP_GROUPS: usize = 16;

/// Reads entries in any order, for the fields of the scan that it was made from.
///
/// Unsealed pages are kept within the memory budget of the scan, so that neighbouring entries cost no second read. A
/// single entry takes, for each column, the pages that its values lie on and at most one more, where a collection
/// starts on the page before.
#[derive(Debug)]
pub struct EntryReader {
    pub(super) data: Arc<DataSet>,
    pub(super) plan: Arc<Plan>,
    pub(super) threads: Threads,
    /// The Arrow types that the data had before they were stored, if they are wanted and known.
    logical: Option<Logical>,
    groups: BTreeMap<usize, Arc<Vec<Cluster>>>,
    store: Arc<Store>,
    random: bool,
}

impl EntryReader {
    pub(super) fn new(data: Arc<DataSet>, plan: Arc<Plan>, threads: Threads, budget: usize, random: bool) -> Self {
        let store = Arc::new(Store::new(&plan, budget, Pool::new(budget / 2)));
        Self { data, plan, threads, logical: None, groups: BTreeMap::new(), store, random }
    }

    pub(super) fn with_logical(self, logical: Option<Logical>) -> Self {
        Self { logical, ..self }
    }

    /// Arrow schema of the batches.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(self.logical.as_ref().map_or(self.plan.schema(), Logical::schema))
    }

    /// Reads the entries of a range as one batch.
    ///
    /// # Errors
    /// [`Error::Argument`] for entries that do not exist, and whatever reading and decoding give.
    pub fn read(&mut self, entries: Range<u64>) -> Result<RecordBatch> {
        if !self.data.file.source.access().remote || entries.is_empty() {
            return self.read_through(entries, &[]);
        }
        // Far away, the pages of all columns are asked for together, before the decoder asks for one after the other.
        let groups = self.load(&entries)?;
        let clusters: Vec<_> = in_range(&groups, &entries).collect();
        let limits = Limits { bytes: self.store.budget() as u64, burst: None, rows: u64::MAX };
        let mut plan = WindowPlan::new(&clusters, entries.clone(), limits, true, self.data.anchor.max_key_size);
        plan.leave_out(|key| self.store.keeps(key));
        let (window, fetch) = Window::new(plan);
        let since = Instant::now();
        fetch.run(&self.data.file, self.pool(), self.requests());
        self.data.file.counters.waited(since);
        self.read_through(entries, &[window])
    }

    /// How many requests to the storage to have under way at once.
    pub(super) fn requests(&self) -> usize {
        self.data.file.at_once(&self.threads)
    }

    pub(super) fn pool(&self) -> &Arc<Pool> {
        &self.store.pool
    }

    /// Reads a range of which some pages were fetched already.
    pub(super) fn read_through(&mut self, entries: Range<u64>, windows: &[Arc<Window>]) -> Result<RecordBatch> {
        let data = Arc::clone(&self.data);
        if entries.start > entries.end || entries.end > data.entries {
            let reason =
                format!("entries {} to {} are asked for, but there are {}", entries.start, entries.end, data.entries);
            return Err(Error::Argument { file: Arc::clone(&data.file.name), reason });
        }
        let groups = self.load(&entries)?;
        let mut clusters = Vec::new();
        let mut segments = Vec::new();
        for cluster in in_range(&groups, &entries) {
            let first = cluster.summary.first_entry;
            let start = entries.start.max(first);
            let len = entries.end.min(first + cluster.summary.entries) - start;
            segments.push(Segment { cluster: clusters.len(), start: start - first, len });
            clusters.push(cluster);
        }
        let pages = Pages {
            data: &data,
            columns: self.plan.columns(),
            clusters: &clusters,
            windows,
            store: &self.store,
            threads: &self.threads,
            random: self.random,
            requests: self.requests(),
        };
        let batch = self.plan.decode(&pages, &segments, entries.start);
        let batch = match &self.logical {
            Some(logical) => batch.and_then(|batch| logical.to_logical(&batch)),
            None => batch,
        };
        batch.map_err(|e| {
            self.store.forget_fetched();
            data.file.format(e)
        })
    }

    /// Starts to unseal a page that is fetched, for batches to come, when a thread has nothing else to do. Says whether
    /// there was room for it.
    pub(super) fn unseal_ahead(&self, page: LongPage, windows: &[Arc<Window>]) -> bool {
        if !self.store.reserve_ahead() {
            return false;
        }
        let (store, data, windows) = (Arc::clone(&self.store), Arc::clone(&self.data), windows.to_vec());
        self.threads.spawn(move || store.unseal_ahead(&data, &page, &windows));
        true
    }

    /// The clusters of every group that has entries of the range.
    pub(super) fn load(&mut self, entries: &Range<u64>) -> Result<Vec<Arc<Vec<Cluster>>>> {
        let data = Arc::clone(&self.data);
        let wanted = data.groups(entries.start, entries.end);
        if self.groups.len() > KEEP_GROUPS {
            self.groups.retain(|group, _| wanted.contains(group));
        }
        let mut out = Vec::new();
        for group in wanted {
            if !self.groups.contains_key(&group) {
                let clusters = data.clusters(group, self.plan.columns())?;
                let clusters = clusters.into_iter().map(|pages| Cluster::new(pages, &data.schema)).collect();
                self.groups.insert(group, Arc::new(clusters));
            }
            out.extend(self.groups.get(&group).cloned());
        }
        Ok(out)
    }
}

/// The clusters that have entries of a range, in order.
pub(super) fn in_range<'a>(groups: &'a [Arc<Vec<Cluster>>], entries: &Range<u64>) -> impl Iterator<Item = &'a Cluster> {
    let (start, end) = (entries.start, entries.end);
    groups.iter().flat_map(move |clusters| {
        // Clusters are ordered by entry; those without entries are passed over.
        let skip = clusters.partition_point(|c| c.summary.first_entry + c.summary.entries <= start);
        clusters
            .iter()
            .skip(skip)
            .take_while(move |cluster| cluster.summary.first_entry < end)
            .filter(|cluster| cluster.summary.entries > 0)
    })
}
