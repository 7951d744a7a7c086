//! The iterator over record batches.

use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use arrow::array::{RecordBatch, RecordBatchIterator, RecordBatchReader};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

use super::entries::{EntryReader, in_range};
use super::window::{Window, WindowPlan};
use crate::error::{Error, Result};

/// Most rows of a batch whose size was not chosen.
const MAX_ROWS: u64 = 65_536;

/// The record batches of a scan, in order of entries. Ends after the first error.
///
/// While one batch is decoded, the pages of the next ones are fetched in the background (with more than one thread).
#[derive(Debug)]
pub struct Batches {
    reader: EntryReader,
    range: Range<u64>,
    next: u64,
    batch_rows: Option<u64>,
    /// Bytes of a window, and of a batch.
    budget: usize,
    windows: VecDeque<Window>,
    /// Up to where windows are planned.
    planned: u64,
    fetcher: Option<Fetcher>,
    /// Whether the fetcher has a window to fetch.
    coming: bool,
}

/// A thread that fetches windows.
#[derive(Debug)]
struct Fetcher {
    plans: Sender<WindowPlan>,
    windows: Receiver<Window>,
}

impl Fetcher {
    /// The thread ends with the channels.
    fn spawn(reader: &EntryReader) -> io::Result<Self> {
        let (plans, to_fetch) = channel();
        let (done, windows) = channel();
        let (data, pool) = (Arc::clone(&reader.data), Arc::clone(reader.pool()));
        let parallel = reader.threads.requests();
        let fetch = move || {
            for plan in to_fetch {
                if done.send(Window::fetch(&data.file, &pool, plan, parallel)).is_err() {
                    break;
                }
            }
        };
        std::thread::Builder::new().name("rntuple-fetch".to_owned()).spawn(fetch)?;
        Ok(Self { plans, windows })
    }
}

impl Batches {
    pub(super) fn new(reader: EntryReader, range: Range<u64>, batch_rows: Option<usize>, budget: usize) -> Self {
        let (next, planned) = (range.start, range.start);
        let batch_rows = batch_rows.map(|rows| rows as u64);
        Self {
            reader,
            range,
            next,
            batch_rows,
            budget,
            windows: VecDeque::new(),
            planned,
            fetcher: None,
            coming: false,
        }
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
        let end = self.range.end.min(self.next.saturating_add(rows));
        self.fetch_up_to(end)?;
        let batch = self.reader.read_through(self.next..end, self.windows.make_contiguous())?;
        self.next = end;
        // The last window stays for what it may hold of the entries to come.
        while self.windows.len() > 1 && self.windows.front().is_some_and(|window| window.end <= end) {
            if let (Some(done), Some(next)) = (self.windows.pop_front(), self.windows.front_mut()) {
                next.carry(&done);
            }
        }
        Ok(batch)
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
        let rows = self.budget as u128 * u128::from(cluster.summary.entries) / bytes.max(1);
        Ok(u64::try_from(rows).unwrap_or(u64::MAX).clamp(1, MAX_ROWS))
    }

    /// Makes sure that windows cover the entries up to `end`, and starts to fetch the next one.
    fn fetch_up_to(&mut self, end: u64) -> Result<()> {
        // The thread does not go away without an answer, short of a panic in it.
        let gone = |e: &dyn std::error::Error| io::Error::other(e.to_string());
        while self.windows.back().map_or(self.next, |window| window.end) < end {
            let window = match &self.fetcher {
                Some(fetcher) if std::mem::take(&mut self.coming) => {
                    fetcher.windows.recv().map_err(|e| self.storage("fetching pages", gone(&e)))?
                }
                _ => {
                    let plan = self.plan_window()?;
                    Window::fetch(&self.reader.data.file, self.reader.pool(), plan, self.reader.threads.requests())
                }
            };
            self.windows.push_back(window);
        }
        if !self.coming && self.planned < self.range.end && !self.reader.threads.is_one() {
            let plan = self.plan_window()?;
            let fetcher = match self.fetcher.take() {
                Some(fetcher) => fetcher,
                None => Fetcher::spawn(&self.reader).map_err(|e| self.storage("starting a thread", e))?,
            };
            fetcher.plans.send(plan).map_err(|e| self.storage("fetching pages", gone(&e)))?;
            self.fetcher = Some(fetcher);
            self.coming = true;
        }
        Ok(())
    }

    fn plan_window(&mut self) -> Result<WindowPlan> {
        let rest = self.planned..self.range.end;
        // One group at a time: page lists of later groups are not read before they are needed.
        let groups = self.reader.load(&(rest.start..rest.start.saturating_add(1).min(rest.end)))?;
        let clusters: Vec<_> = in_range(&groups, &rest).collect();
        let max_key_size = self.reader.data.anchor.max_key_size;
        let first = self.planned == self.range.start;
        let plan = WindowPlan::new(&clusters, rest, self.budget as u64, first, max_key_size);
        self.planned = plan.end;
        Ok(plan)
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
