//! The rows of several inputs, one after the other, and of these the ones that are asked for.

use std::collections::VecDeque;
use std::ops;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::datatypes::SchemaRef;
use rntuple_io::{EntryRange, Metrics};

use super::{Differences, Source};
use crate::error::{Error, Result};

/// Which rows are still to be passed over and to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    skip: u64,
    take: u64,
}

impl Default for Range {
    fn default() -> Self {
        Self { skip: 0, take: u64::MAX }
    }
}

impl Range {
    pub(crate) fn of(rows: &ops::Range<u64>) -> Self {
        Self { skip: rows.start, take: rows.end.saturating_sub(rows.start) }
    }

    /// Of the next `rows` rows, those that are wanted.
    pub(crate) fn take(&mut self, rows: u64) -> EntryRange {
        let skip = self.skip.min(rows);
        let take = self.take.min(rows - skip);
        self.skip -= skip;
        self.take -= take;
        EntryRange::from(skip..skip + take)
    }
}

/// Opens an input when its turn comes.
type Open = Box<dyn Fn(&PathBuf) -> Result<Box<dyn Source>> + Send>;

/// Several inputs as one source.
pub(crate) struct Chain {
    open: Open,
    inputs: VecDeque<PathBuf>,
    name: String,
    current: Box<dyn Source>,
    schema: SchemaRef,
    range: Range,
    /// Columns of the current input in the order of the first one; `None` when they are so already.
    order: Option<Vec<usize>>,
    rows: Option<u64>,
}

impl Chain {
    /// The rows of all inputs that are in the range.
    pub(crate) fn open(
        inputs: Vec<PathBuf>,
        open: impl Fn(&PathBuf) -> Result<Box<dyn Source>> + Send + 'static,
        range: Option<EntryRange>,
    ) -> Result<Box<dyn Source>> {
        let mut inputs = VecDeque::from(inputs);
        let Some(first) = inputs.pop_front() else { return Err(Error::Usage("there is nothing to read".to_owned())) };
        let name = first.to_string_lossy().into_owned();
        let current = open(&first)?;
        if inputs.is_empty() && range.is_none() {
            return Ok(current);
        }
        let schema = current.schema();
        let mut rows = current.rows();
        let range = match range {
            None => Range::default(),
            Some(range) => {
                for input in &inputs {
                    let more = open(input)?.rows();
                    rows = rows.zip(more).map(|(rows, more)| rows.saturating_add(more));
                }
                resolve(range, rows, &name)?
            }
        };
        let rows = if inputs.is_empty() || range != Range::default() {
            rows.map(|rows| rows.saturating_sub(range.skip).min(range.take))
        } else {
            None
        };
        let mut chain = Self { open: Box::new(open), inputs, name, current, schema, range, order: None, rows };
        chain.pass_over()?;
        Ok(Box::new(chain))
    }

    /// The rows of a source that are in the range; `name` is for messages.
    pub(crate) fn over(source: Box<dyn Source>, name: &str, range: Option<EntryRange>) -> Result<Box<dyn Source>> {
        let Some(range) = range else { return Ok(source) };
        let rows = source.rows();
        let range = resolve(range, rows, name)?;
        let rows = rows.map(|rows| rows.saturating_sub(range.skip).min(range.take));
        let mut chain = Self {
            open: Box::new(|_| Err(Error::Usage("there is nothing to read".to_owned()))),
            inputs: VecDeque::new(),
            name: name.to_owned(),
            schema: source.schema(),
            current: source,
            range,
            order: None,
            rows,
        };
        chain.pass_over()?;
        Ok(Box::new(chain))
    }

    fn pass_over(&mut self) -> Result<()> {
        if self.range.skip > 0 {
            self.range.skip -= self.current.skip(self.range.skip)?.min(self.range.skip);
        }
        Ok(())
    }

    fn open_next(&mut self) -> Result<bool> {
        let Some(input) = self.inputs.pop_front() else { return Ok(false) };
        self.name = input.to_string_lossy().into_owned();
        self.current = (self.open)(&input)?;
        let schema = self.current.schema();
        Differences::between(&self.schema, &schema).refuse(&self.name)?;
        let place = |field: &Arc<arrow::datatypes::Field>| schema.index_of(field.name()).ok();
        let order: Vec<usize> = self.schema.fields().iter().filter_map(place).collect();
        let same = order.iter().copied().eq(0..order.len());
        self.order = (!same).then_some(order);
        self.pass_over()?;
        Ok(true)
    }

    /// Gives a batch of a further input the schema of the first.
    fn conform(&self, batch: RecordBatch) -> Result<RecordBatch> {
        if Arc::ptr_eq(&self.schema, &batch.schema()) || self.schema == batch.schema() {
            return Ok(batch);
        }
        let wrong = |e: arrow::error::ArrowError| Error::Table { file: self.name.clone(), reason: e.to_string() };
        let batch = match &self.order {
            Some(order) => batch.project(order).map_err(wrong)?,
            None => batch,
        };
        // Types that differ in the names of list items only.
        let columns = batch.columns().iter().zip(self.schema.fields()).map(|(column, field)| {
            let same = column.data_type() == field.data_type();
            if same { Ok(Arc::clone(column)) } else { cast(column, field.data_type()) }
        });
        let columns = columns.collect::<std::result::Result<Vec<_>, _>>().map_err(wrong)?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options).map_err(wrong)
    }
}

/// More rows than there are.
const ENDLESS: u64 = 1 << 62;

/// Whether no number of a range counts from the end.
fn from_start(range: EntryRange) -> bool {
    let (some, more) = (range.resolve(ENDLESS - 1), range.resolve(ENDLESS));
    some.start == more.start && (some.end == more.end || more.end == ENDLESS)
}

/// The rows that a range means. Those that count from the end need their number.
fn resolve(range: EntryRange, rows: Option<u64>, file: &str) -> Result<Range> {
    let total = match rows {
        Some(rows) => rows,
        None if from_start(range) => ENDLESS,
        None => {
            let reason = "the number of its rows is not known beforehand: --entries can count from the start only";
            return Err(Error::Table { file: file.to_owned(), reason: reason.to_owned() });
        }
    };
    let rows = range.resolve(total);
    if rows.end == ENDLESS { Ok(Range { skip: rows.start, take: u64::MAX }) } else { Ok(Range::of(&rows)) }
}

impl Source for Chain {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn rows(&self) -> Option<u64> {
        self.rows
    }

    fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if self.range.take == 0 {
                return Ok(None);
            }
            let Some(batch) = self.current.next()? else {
                if self.open_next()? {
                    continue;
                }
                return Ok(None);
            };
            let rows = batch.num_rows() as u64;
            let wanted = self.range.take(rows).resolve(rows);
            let len = usize::try_from(wanted.end - wanted.start).unwrap_or(usize::MAX);
            if len > 0 {
                let batch = batch.slice(usize::try_from(wanted.start).unwrap_or(usize::MAX), len);
                return self.conform(batch).map(Some);
            }
        }
    }

    fn warnings(&self) -> Vec<String> {
        self.current.warnings()
    }

    fn metrics(&self) -> Option<Metrics> {
        self.current.metrics()
    }
}

#[cfg(test)]
mod tests {
    use super::Range;

    #[test]
    fn a_range_goes_over_several_inputs() {
        let mut range = Range::of(&(5..12));
        let taken: Vec<_> = [3, 4, 0, 4, 4].map(|rows| range.take(rows).resolve(rows)).into();
        assert_eq!(taken, [3..3, 2..4, 0..0, 0..4, 0..1]);
        assert_eq!(range, Range { skip: 0, take: 0 });
    }
}
