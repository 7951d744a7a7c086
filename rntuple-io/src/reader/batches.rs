//! The iterator over record batches.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

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
    windows: VecDeque<Arc<Window>>,
    /// Up to where windows are planned.
    planned: u64,
    coming: Option<Receiver<Result<Window>>>,
}

impl Batches {
    pub(super) fn new(reader: EntryReader, range: Range<u64>, batch_rows: Option<usize>, budget: usize) -> Self {
        let (next, planned) = (range.start, range.start);
        let batch_rows = batch_rows.map(|rows| rows as u64);
        Self { reader, range, next, batch_rows, budget, windows: VecDeque::new(), planned, coming: None }
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

    fn batch(&mut self) -> Result<RecordBatch> {
        let rows = match self.batch_rows {
            Some(rows) => rows,
            None => self.rows_within_budget()?,
        };
        self.batch_rows = Some(rows);
        let end = self.range.end.min(self.next.saturating_add(rows));
        self.fetch_up_to(end)?;
        let windows: &[Arc<Window>] = self.windows.make_contiguous();
        let batch = self.reader.read_through(self.next..end, windows)?;
        self.next = end;
        while self.windows.front().is_some_and(|window| window.end <= end) {
            self.windows.pop_front();
        }
        Ok(batch)
    }

    /// How many rows have about the budget of decoded bytes, by the first cluster of the range.
    fn rows_within_budget(&mut self) -> Result<u64> {
        let start = self.next..self.next.saturating_add(1).min(self.range.end);
        let groups = self.reader.load(&start)?;
        let schema = Arc::clone(&self.reader.data.schema);
        let Some(cluster) = in_range(&groups, &start).next() else { return Ok(MAX_ROWS) };
        let bytes: u128 = cluster
            .columns
            .iter()
            .filter_map(|pages| Some(u128::from(pages.elements) * u128::from(schema.column(pages.column)?.bits)))
            .sum::<u128>()
            / 8;
        let rows = self.budget as u128 * u128::from(cluster.summary.entries) / bytes.max(1);
        Ok(u64::try_from(rows).unwrap_or(u64::MAX).clamp(1, MAX_ROWS))
    }

    /// Makes sure that windows cover the entries up to `end`, and starts to fetch the next one.
    fn fetch_up_to(&mut self, end: u64) -> Result<()> {
        while self.windows.back().map_or(self.next, |window| window.end) < end {
            let window = match self.coming.take() {
                // The sender does not go away without an answer, short of a panic in it.
                Some(coming) => coming.recv().unwrap_or_else(|_| self.broken())?,
                None => {
                    let plan = self.plan_window()?;
                    Window::fetch(&self.reader.data.file, plan, &self.reader.threads)?
                }
            };
            self.windows.push_back(Arc::new(window));
        }
        if self.coming.is_none() && self.planned < self.range.end && !self.reader.threads.is_one() {
            let plan = self.plan_window()?;
            let (sender, receiver) = channel();
            let (data, threads) = (Arc::clone(&self.reader.data), self.reader.threads.clone());
            std::thread::Builder::new()
                .name("rntuple-fetch".to_owned())
                .spawn(move || sender.send(Window::fetch(&data.file, plan, &threads)))
                .map_err(|source| self.storage("starting a thread", source))?;
            self.coming = Some(receiver);
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

    fn broken<T>(&self) -> Result<T> {
        Err(self.storage("fetching pages", std::io::Error::other("the fetching thread ended without an answer")))
    }

    fn storage(&self, what: &str, source: std::io::Error) -> Error {
        let file = Arc::clone(&self.reader.data.file.name);
        Error::Io { file, what: what.to_owned(), source: Arc::new(source) }
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
