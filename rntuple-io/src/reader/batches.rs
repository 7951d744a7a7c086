//! The iterator over record batches.

use std::collections::VecDeque;
use std::fmt::Display;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::Instant;

use arrow::array::{RecordBatch, RecordBatchIterator, RecordBatchReader};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

use super::entries::{EntryReader, in_range};
use super::window::{Fetch, Limits, LongPage, Window, WindowPlan};
use crate::error::{Error, Result};
use crate::threads::Threads;

/// Most rows of a batch whose size was not chosen.
const MAX_ROWS: u64 = 65_536;

/// The record batches of a scan, in order of entries. Ends after the first error.
///
/// While one batch is decoded, the pages of the next ones are fetched in the background: from a local file with more than
/// one thread, from anything else in any case.
#[derive(Debug)]
pub struct Batches {
    reader: EntryReader,
    range: Range<u64>,
    next: u64,
    batch_rows: Option<u64>,
    budget: Budget,
    windows: VecDeque<Arc<Window>>,
    /// Up to where windows are planned.
    planned: u64,
    /// A planned window that is not fetched before what lies in front of it is used up.
    held: Option<WindowPlan>,
    fetchers: Vec<Fetcher>,
    /// Number of the next fetcher to get a window.
    turn: usize,
    /// Pages of the windows that are worth unsealing before they are asked for, by entry.
    long: VecDeque<LongPage>,
}

/// How the memory of a scan is shared out, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    /// Pages that are kept from batch to batch.
    pub(super) kept: usize,
    /// Pages that are fetched together.
    window: usize,
    /// Windows that are fetched before they are needed.
    ahead: usize,
    /// Pages that begin together and are not fetched while those before them are in use.
    burst: Option<u64>,
    /// Decoded values of a batch whose rows were not chosen.
    batch: usize,
}

impl Budget {
    /// Far away, it takes several windows under way at once to fill the line; a local file takes one, and only for threads
    /// that have nothing else to do.
    pub(super) fn new(memory: usize, remote: bool, threads: &Threads) -> Self {
        if remote {
            Self { kept: memory / 16, window: memory / 8, ahead: 3, burst: None, batch: memory / 32 }
        } else {
            let ahead = usize::from(!threads.is_one());
            Self { kept: memory / 4, window: memory / 8, ahead, burst: Some(memory as u64 / 4), batch: memory / 8 }
        }
    }
}

/// A thread that fetches windows.
#[derive(Debug)]
struct Fetcher {
    windows: Sender<Fetch>,
}

impl Fetcher {
    /// The thread ends with the channel.
    fn spawn(reader: &EntryReader) -> io::Result<Self> {
        let (windows, to_fetch) = channel::<Fetch>();
        let (data, pool) = (Arc::clone(&reader.data), Arc::clone(reader.pool()));
        let parallel = reader.requests();
        let fetch = move || to_fetch.into_iter().for_each(|fetch| fetch.run(&data.file, &pool, parallel));
        std::thread::Builder::new().name("rntuple-fetch".to_owned()).spawn(fetch)?;
        Ok(Self { windows })
    }
}

impl Batches {
    pub(super) fn new(reader: EntryReader, range: Range<u64>, batch_rows: Option<usize>, budget: Budget) -> Self {
        let (next, planned) = (range.start, range.start);
        let batch_rows = batch_rows.map(|rows| rows as u64);
        let (windows, held, fetchers, turn, long) = Default::default();
        Self { reader, range, next, batch_rows, budget, windows, planned, held, fetchers, turn, long }
    }

    /// Arrow schema of the batches.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        self.reader.schema()
    }

    /// The entries that are read.
    #[must_use]
    pub fn entries(&self) -> Range<u64> {
        self.range.clone()
    }

    /// Top-level fields that are left out because this version cannot read them, with the reason.
    #[must_use]
    pub fn skipped(&self) -> &[(String, String)] {
        self.reader.plan.skipped()
    }

    /// The same batches as an Arrow reader, for what takes one: the C stream interface, Parquet and IPC writers, SQL.
    pub fn into_reader(self) -> impl RecordBatchReader + Send {
        let schema = self.schema();
        RecordBatchIterator::new(self.map(|batch| batch.map_err(|e| ArrowError::ExternalError(Box::new(e)))), schema)
    }

    fn batch(&mut self) -> Result<RecordBatch> {
        let rows = match self.batch_rows {
            Some(rows) => rows,
            None => self.rows_within_budget()?,
        };
        let mut end = self.fetch_up_to(self.range.end.min(self.next.saturating_add(rows)), rows)?;
        self.unseal_ahead(end);
        let batch = loop {
            match self.reader.read_through(self.next..end, self.windows.make_contiguous()) {
                // Dictionaries may have few keys.
                Err(Error::Format { source, .. })
                    if end - self.next > 1 && matches!(*source, rntuple_core::Error::Packing { .. }) =>
                {
                    end = self.next + (end - self.next) / 2;
                }
                done => break done?,
            }
        };
        self.next = end;
        // The last window stays for what it may hold of the entries to come.
        let last = self.windows.len().saturating_sub(1);
        let done = self.windows.iter().take(last).take_while(|window| window.end <= end).count();
        Window::give_up(&mut self.windows, done);
        Ok(batch)
    }

    /// Has idle threads unseal pages of the batches behind `end`.
    fn unseal_ahead(&mut self, end: u64) {
        if self.reader.threads.is_one() {
            self.long.clear();
        }
        let windows = self.windows.make_contiguous();
        while let Some(page) = self.long.front() {
            let arrived = || windows.iter().any(|window| window.arrived(page.key));
            if page.entry >= end && !(arrived() && self.reader.unseal_ahead(*page, windows)) {
                break;
            }
            self.long.pop_front();
        }
    }

    /// How many rows have about the budget of decoded bytes, by the cluster that comes next.
    fn rows_within_budget(&mut self) -> Result<u64> {
        let start = self.next..self.next.saturating_add(1).min(self.range.end);
        let groups = self.reader.load(&start)?;
        let schema = Arc::clone(&self.reader.data.schema);
        let Some(cluster) = in_range(&groups, &start).next() else { return Ok(MAX_ROWS) };
        let bytes: u128 = cluster
            .read_columns()
            .filter_map(|(_, pages)| Some(u128::from(pages.elements) * u128::from(schema.column(pages.column)?.bits)))
            .sum::<u128>()
            / 8;
        let rows = self.budget.batch as u128 * u128::from(cluster.summary.entries) / bytes.max(1);
        Ok(u64::try_from(rows).unwrap_or(u64::MAX).clamp(1, MAX_ROWS))
    }

    /// Makes sure that windows cover the entries up to `end`, and that the next ones are on their way. Gives the end of the
    /// batch, which comes earlier where much begins at once, unless its rows were chosen.
    fn fetch_up_to(&mut self, mut end: u64, rows: u64) -> Result<u64> {
        while self.planned < self.range.end {
            // The first of these has the end of the batch.
            let ahead = self.windows.iter().filter(|window| window.end >= end).count();
            if ahead > self.budget.ahead {
                break;
            }
            let is_new = self.held.is_none();
            let mut plan = match self.held.take() {
                Some(plan) => plan,
                None => self.plan_window(rows)?,
            };
            if plan.begins_burst && self.planned > self.next && (ahead > 0 || self.batch_rows.is_none()) {
                if is_new {
                    plan.announce(&self.reader.data.file);
                }
                end = end.min(self.planned);
                self.held = Some(plan);
                break;
            }
            self.planned = plan.end;
            self.long.extend(std::mem::take(&mut plan.long));
            let (window, fetch) = Window::new(plan);
            self.windows.push_back(window);
            if self.budget.ahead == 0 {
                let (file, since) = (&self.reader.data.file, Instant::now());
                fetch.run(file, self.reader.pool(), self.reader.requests());
                file.counters.waited(since);
                continue;
            }
            let turn = self.turn % self.budget.ahead;
            self.turn = turn + 1;
            if turn == self.fetchers.len() {
                self.fetchers.push(Fetcher::spawn(&self.reader).map_err(|e| self.storage("starting a thread", e))?);
            }
            if let Some(fetcher) = self.fetchers.get(turn) {
                fetcher.windows.send(fetch).map_err(|e| self.gone(e))?;
            }
        }
        Ok(end)
    }

    fn gone(&self, error: impl Display) -> Error {
        self.storage("fetching pages", io::Error::other(error.to_string()))
    }

    fn plan_window(&mut self, rows: u64) -> Result<WindowPlan> {
        let rest = self.planned..self.range.end;
        // One group at a time: page lists of later groups are not read before they are needed.
        let groups = self.reader.load(&(rest.start..rest.start.saturating_add(1).min(rest.end)))?;
        let clusters: Vec<_> = in_range(&groups, &rest).collect();
        let max_key_size = self.reader.data.anchor.max_key_size;
        let first = self.planned == self.range.start;
        let Budget { window, burst, .. } = self.budget;
        let limits = Limits { bytes: window as u64, burst, rows };
        Ok(WindowPlan::new(&clusters, rest, limits, first, max_key_size))
    }

    fn storage(&self, what: &str, source: io::Error) -> Error {
        Error::io(&self.reader.data.file.name, what, source)
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.range.end {
            return None;
        }
        let batch = self.batch();
        if batch.is_err() {
            self.next = self.range.end;
        }
        Some(batch)
    }
}
