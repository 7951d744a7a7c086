//! What to read, and with how much of the machine.

use std::ops::{Range, RangeFrom, RangeFull, RangeTo};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use rntuple_core::arrow::logical::Logical;
use rntuple_core::arrow::{Plan, Projection, ReadOptions};
use rntuple_core::row::{ReadRow, requested_schema};

use super::batches::{Batches, Budget};
use super::dataset::DataSet;
use super::entries::EntryReader;
use super::logical::logical_schema;
use super::rows::Rows;
use super::stream::BatchStream;
use crate::error::{Error, Result};
use crate::threads::Threads;

/// Bytes that a scan may hold, unless it is told otherwise. With more, reading from a file gets slower: memory that is
/// touched for the first time costs more than the requests that it saves.
const MEMORY: usize = 32 << 20;
/// The same for what is not a local file: what is on its way takes memory, too.
const REMOTE_MEMORY: usize = 128 << 20;

/// A range of entries. Negative numbers count from the end, as in Python: `-10..` are the last ten entries.
///
/// Bounds beyond the data set are cut to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EntryRange {
    start: Option<i64>,
    end: Option<i64>,
}

impl EntryRange {
    /// From `start` up to but not including `end`; `None`: the first entry, and behind the last one.
    #[must_use]
    pub fn new(start: Option<i64>, end: Option<i64>) -> Self {
        Self { start, end }
    }

    /// The entries it means in a data set of `entries`.
    #[must_use]
    pub fn resolve(self, entries: u64) -> Range<u64> {
        let absolute = |n: i64| {
            if n < 0 { entries.saturating_sub(n.unsigned_abs()) } else { n.unsigned_abs().min(entries) }
        };
        let start = self.start.map_or(0, absolute);
        start..self.end.map_or(entries, absolute).max(start)
    }
}

/// Ranges of any integer type. Numbers beyond `i64` are beyond any data set.
macro_rules! from_ranges {
    ($($int:ty)*) => {$(
        impl From<Range<$int>> for EntryRange {
            fn from(range: Range<$int>) -> Self {
                Self::new(Some(saturating(range.start)), Some(saturating(range.end)))
            }
        }

        impl From<RangeFrom<$int>> for EntryRange {
            fn from(range: RangeFrom<$int>) -> Self {
                Self::new(Some(saturating(range.start)), None)
            }
        }

        impl From<RangeTo<$int>> for EntryRange {
            fn from(range: RangeTo<$int>) -> Self {
                Self::new(None, Some(saturating(range.end)))
            }
        }
    )*};
}

from_ranges!(i32 u32 i64 u64 usize);

fn saturating(n: impl TryInto<i64>) -> i64 {
    n.try_into().unwrap_or(i64::MAX)
}

impl From<RangeFull> for EntryRange {
    fn from(_: RangeFull) -> Self {
        Self::default()
    }
}

/// A choice of fields, entries and resources; made by [`NTuple::scan`](super::NTuple::scan).
///
/// ```no_run
/// # fn main() -> rntuple_io::Result<()> {
/// let events = rntuple_io::Reader::open("events.root")?.only()?;
/// for batch in events.scan().columns(["Muon_*", "event.id"]).entries(-1000..).open()? {
///     println!("{} rows", batch?.num_rows());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a scan reads nothing until it is opened"]
pub struct Scan {
    data: Arc<DataSet>,
    projection: Projection,
    entries: EntryRange,
    batch_rows: Option<usize>,
    threads: Option<usize>,
    memory: Option<usize>,
    options: ReadOptions,
    arrow_types: bool,
}

impl Scan {
    pub(super) fn new(data: Arc<DataSet>) -> Self {
        Self {
            data,
            projection: Projection::all(),
            entries: EntryRange::default(),
            batch_rows: None,
            threads: None,
            memory: None,
            options: ReadOptions::default(),
            arrow_types: false,
        }
    }

    /// Reads only the fields that match one of these patterns; see [`Projection`] for what a pattern is. The batches
    /// have the fields in the order of the data set.
    pub fn columns<S: AsRef<str>>(mut self, patterns: impl IntoIterator<Item = S>) -> Self {
        self.projection = Projection::patterns(patterns.into_iter().map(|pattern| pattern.as_ref().to_owned()));
        self
    }

    /// Reads only these entries.
    pub fn entries(mut self, range: impl Into<EntryRange>) -> Self {
        self.entries = range.into();
        self
    }

    /// Rows per batch; the last one may have fewer. By default as many as an eighth of the memory budget holds, at
    /// most 65,536, and fewer where a batch would go beyond the pages of many columns at once.
    pub fn batch_rows(mut self, rows: usize) -> Self {
        self.batch_rows = Some(rows.max(1));
        self
    }

    /// Threads to read and decode with. By default those of rayon's global pool; with 1, nothing is spawned.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Bytes to hold at once: pages fetched ahead, pages kept for the next batch, and the batch being made. By default
    /// 32 MiB, and 128 MiB for what is not a local file. What cannot be less is held all the same: one entry, and one page of each column.
    pub fn memory(mut self, bytes: usize) -> Self {
        self.memory = Some(bytes);
        self
    }

    /// Strings as Arrow Binary, which takes bytes that are not UTF-8.
    pub fn strings_as_binary(mut self, yes: bool) -> Self {
        self.options.strings_as_binary = yes;
        self
    }

    /// Lists, strings and binaries with 64-bit offsets, for batches of more than 2^31 items.
    pub fn large_offsets(mut self, yes: bool) -> Self {
        self.options.large_offsets = yes;
        self
    }

    /// Reads the fields of this Arrow schema, into its types and in its order. Numbers are converted as ROOT does; a
    /// value that does not fit is an error that names field and entry.
    pub fn schema(mut self, schema: SchemaRef) -> Self {
        self.options.schema = Some(schema);
        self
    }

    /// Gives columns the Arrow types that they had when they were written with
    /// [`WriteOptions::arrow_types`](crate::WriteOptions::arrow_types): timestamps, decimals, dictionaries and so on. Columns
    /// and data sets of which nothing is known are read as usual. Not together with [`Scan::schema`], large offsets or
    /// strings as binary.
    pub fn arrow_types(mut self, yes: bool) -> Self {
        self.arrow_types = yes;
        self
    }

    /// Starts reading.
    ///
    /// # Errors
    /// [`Error::Format`] for a field that does not exist or cannot be read as asked.
    pub fn open(self) -> Result<Batches> {
        let range = self.entries.resolve(self.data.entries);
        let batch_rows = self.batch_rows;
        let (remote, memory) = (self.remote(), self.bytes());
        let threads = self.make_threads()?;
        let budget = Budget::new(memory, remote, &threads);
        Ok(Batches::new(self.reader(threads, budget.kept, false)?, range, batch_rows, budget))
    }

    /// Starts reading for an asynchronous caller, on any runtime: the batches of [`Scan::open`] as a stream.
    ///
    /// ```no_run
    /// # async fn example() -> rntuple_io::Result<()> {
    /// let events = rntuple_io::unblock(|| rntuple_io::Reader::open("s3://bucket/events.root")?.only()).await?;
    /// let mut batches = events.scan().columns(["Muon_*"]).stream()?;
    /// while let Some(batch) = batches.next().await {
    ///     println!("{} rows", batch?.num_rows());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Scan::open`], and [`Error::Io`] when no thread can be made.
    pub fn stream(self) -> Result<BatchStream> {
        let file = Arc::clone(&self.data.file.name);
        BatchStream::start(self.open()?, &file)
    }

    /// Reads rows of a type that `#[derive(Row)]` was put on. Its fields are what is read, instead of
    /// [`Scan::columns`]; members that may be missing may be, numbers are converted as by [`Scan::schema`].
    ///
    /// ```no_run
    /// use rntuple_io::{Reader, Row};
    ///
    /// #[derive(Row)]
    /// struct Event {
    ///     #[rntuple(rename = "Muon_pt")]
    ///     muon_pt: Vec<f32>,
    ///     run: u32,
    /// }
    ///
    /// # fn main() -> rntuple_io::Result<()> {
    /// for event in Reader::open("events.root")?.only()?.scan().rows::<Event>()? {
    ///     let event = event?;
    ///     println!("{} muons in run {}", event.muon_pt.len(), event.run);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Format`] for a field that is missing or has another type, naming it and both types.
    pub fn rows<T: ReadRow>(mut self) -> Result<Rows<T>> {
        let file = self.data.file.clone();
        let on_disk = self.data.everything()?.schema();
        let schema = requested_schema::<T>(on_disk).map_err(|e| file.format(e))?;
        self.projection = Projection::all();
        self.options.schema = Some(schema);
        Ok(Rows::new(self.open()?, file))
    }

    /// Opens the fields for reading entries in any order. The range of entries does not matter here.
    ///
    /// # Errors
    /// As [`Scan::open`].
    pub fn random_access(self) -> Result<EntryReader> {
        let (threads, memory) = (self.make_threads()?, self.bytes());
        self.reader(threads, memory, true)
    }

    fn remote(&self) -> bool {
        self.data.file.source.access().remote
    }

    fn bytes(&self) -> usize {
        self.memory.unwrap_or(if self.remote() { REMOTE_MEMORY } else { MEMORY })
    }

    fn make_threads(&self) -> Result<Threads> {
        let file = &self.data.file.name;
        Threads::new(self.threads)
            .map_err(|e| Error::Argument { file: Arc::clone(file), reason: format!("no threads: {e}") })
    }

    fn reader(self, threads: Threads, budget: usize, random: bool) -> Result<EntryReader> {
        let data = &self.data;
        let plan = Plan::new(&data.schema, &self.projection, &self.options).map_err(|e| data.file.format(e))?;
        let record = if self.arrow_types { logical_schema(data)? } else { None };
        let logical = record.map(|record| Logical::restore(&record, plan.schema()));
        Ok(EntryReader::new(Arc::clone(data), Arc::new(plan), threads, budget, random).with_logical(logical))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entry_ranges() {
        let resolve = |range: EntryRange| range.resolve(100);
        assert_eq!(resolve((..).into()), 0..100);
        assert_eq!(resolve((10..20).into()), 10..20);
        assert_eq!(resolve((-10..).into()), 90..100);
        assert_eq!(resolve((-10..-5).into()), 90..95);
        assert_eq!(resolve((..-95).into()), 0..5);
        assert_eq!(resolve((-500..500).into()), 0..100);
        assert_eq!(resolve(EntryRange::new(Some(50), Some(10))), 50..50);
        assert_eq!(resolve((i64::MIN..i64::MAX).into()), 0..100);
    }
}
