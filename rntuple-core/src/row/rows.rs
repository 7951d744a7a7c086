//! Rows to record batches and back.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Schema, SchemaRef};

use super::item::{Item, ReadRow, RecordBuilder, Row};
use super::path::{Path, ReadError};
use super::record::Members;
use crate::error::{Error, Result};

/// Collects rows of one type, column by column.
///
/// ```
/// use rntuple_core::row::{Row, RowsBuilder};
///
/// #[derive(Row)]
/// struct Muon<'a> {
///     pt: f32,
///     tags: &'a [u16],
/// }
///
/// # fn main() -> rntuple_core::Result<()> {
/// let mut rows = RowsBuilder::of::<Muon>();
/// for n in 0..3 {
///     // What a row refers to is copied, and need not live longer than the call.
///     let tags = vec![7; n];
///     rows.push(&Muon { pt: 40.5, tags: &tags });
/// }
/// let batch = rows.finish()?;
/// assert_eq!((batch.num_rows(), batch.num_columns()), (3, 2));
/// assert!(rows.is_empty());
/// # Ok(())
/// # }
/// ```
pub struct RowsBuilder<B> {
    schema: SchemaRef,
    builder: B,
}

impl<B: RecordBuilder> RowsBuilder<B> {
    /// An empty one for rows of type `T`.
    #[must_use]
    pub fn of<T: Row<Builder = B>>() -> Self {
        Self { schema: T::schema(), builder: B::default() }
    }

    /// The schema of the batches.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Appends a row.
    #[inline]
    pub fn push<T: Row<Builder = B>>(&mut self, row: &T) {
        row.append_to(&mut self.builder);
    }

    /// Number of rows.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.builder.len()
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that the values take. Costs a visit of each column.
    #[inline]
    #[must_use]
    pub fn size(&self) -> usize {
        self.builder.size()
    }

    /// The rows as a batch; there are none afterwards. What the rows are in is handed over, not copied.
    ///
    /// # Errors
    /// [`Error::Limit`](crate::Error::Limit) for a column with more than 2^31 - 1 list items or bytes of text; the rows
    /// are lost, so a batch is to be finished long before ([`RowsBuilder::size`]).
    pub fn finish(&mut self) -> Result<RecordBatch> {
        let options = RecordBatchOptions::new().with_row_count(Some(self.len()));
        let mut columns = Vec::with_capacity(self.schema.fields().len());
        let finished = self.builder.finish_members(&mut self.schema.fields().iter(), &mut columns);
        if finished.is_err() {
            // Some columns are done and some are not: nothing to go on with.
            self.builder = B::default();
        }
        finished?;
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?)
    }
}

impl<B: RecordBuilder> fmt::Debug for RowsBuilder<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowsBuilder").field("len", &self.len()).field("size", &self.size()).finish_non_exhaustive()
    }
}

/// Collects rows of a type that only each call knows: what a writer holds.
///
/// Rows of different types may follow each other, though a batch ends with every change.
///
/// ```
/// use rntuple_core::row::{Row, RowBuffer};
///
/// #[derive(Row)]
/// struct Hit { x: f64 }
///
/// # fn main() -> rntuple_core::Result<()> {
/// let mut rows = RowBuffer::default();
/// assert!(rows.push(&Hit { x: 0.5 })?.is_none());
/// let batch = rows.finish()?.expect("a row is there");
/// assert_eq!(batch.num_rows(), 1);
/// assert!(rows.finish()?.is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
pub struct RowBuffer {
    rows: Option<Box<dyn AnyRows>>,
}

/// Rows of some type.
trait AnyRows: Any + Send {
    fn len(&self) -> usize;
    fn size(&self) -> usize;
    fn finish(&mut self) -> Result<RecordBatch>;
}

impl<B: RecordBuilder> AnyRows for RowsBuilder<B> {
    fn len(&self) -> usize {
        Self::len(self)
    }

    fn size(&self) -> usize {
        Self::size(self)
    }

    fn finish(&mut self) -> Result<RecordBatch> {
        Self::finish(self)
    }
}

impl RowBuffer {
    /// Appends a row. Gives the rows before it if they were of another type.
    ///
    /// # Errors
    /// As [`RowsBuilder::finish`].
    #[inline]
    pub fn push<T: Row>(&mut self, row: &T) -> Result<Option<RecordBatch>> {
        if let Some(rows) = self.rows_of::<T>() {
            rows.push(row);
            return Ok(None);
        }
        let before = self.finish()?;
        let mut rows = RowsBuilder::of::<T>();
        rows.push(row);
        self.rows = Some(Box::new(rows));
        Ok(before)
    }

    #[inline]
    fn rows_of<T: Row>(&mut self) -> Option<&mut RowsBuilder<<T as Item>::Builder>> {
        let rows: &mut dyn Any = self.rows.as_deref_mut()?;
        rows.downcast_mut()
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.as_ref().map_or(0, |rows| rows.len())
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that the values take. Costs a visit of each column.
    #[must_use]
    pub fn size(&self) -> usize {
        self.rows.as_ref().map_or(0, |rows| rows.size())
    }

    /// The rows as a batch, if there are any; there are none afterwards.
    ///
    /// # Errors
    /// As [`RowsBuilder::finish`].
    pub fn finish(&mut self) -> Result<Option<RecordBatch>> {
        match &mut self.rows {
            Some(rows) if rows.len() > 0 => rows.finish().map(Some),
            _ => Ok(None),
        }
    }
}

impl fmt::Debug for RowBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowBuffer").field("len", &self.len()).field("size", &self.size()).finish_non_exhaustive()
    }
}

/// The Arrow schema to read into ([`ReadOptions::schema`](crate::arrow::ReadOptions::schema)) so that the batches hold
/// rows of type `T`, where `on_disk` is what the data set has by itself.
///
/// Fields that `T` lacks are left out, numbers get the types that `T` has, and members that may be missing are.
///
/// # Errors
/// [`Error::NoSuchField`](crate::Error::NoSuchField) for a field that is missing and must not be;
/// [`Error::Cast`](crate::Error::Cast) for a field of another type, with its path and both types.
pub fn requested_schema<T: ReadRow>(on_disk: &Schema) -> Result<SchemaRef> {
    let mut fields = Vec::new();
    T::request_members(on_disk.fields(), &Path::root(), &mut fields)?;
    Ok(Arc::new(Schema::new(fields)))
}

/// The rows of a batch.
///
/// ```
/// use rntuple_core::row::{Row, RowReader, RowsBuilder};
///
/// #[derive(Row, Debug, PartialEq)]
/// struct Muon {
///     pt: f32,
///     charge: i8,
/// }
///
/// # fn main() -> rntuple_core::Result<()> {
/// let mut rows = RowsBuilder::of::<Muon>();
/// rows.push(&Muon { pt: 40.5, charge: -1 });
/// let batch = rows.finish()?;
/// let muons = RowReader::new(&batch)?.collect::<Result<Vec<Muon>, _>>()?;
/// assert_eq!(muons, [Muon { pt: 40.5, charge: -1 }]);
/// # Ok(())
/// # }
/// ```
pub struct RowReader<T: ReadRow> {
    reader: T::Reader,
    next: usize,
    rows: usize,
    first_entry: u64,
    row: PhantomData<fn() -> T>,
}

impl<T: ReadRow> RowReader<T> {
    /// Prepares to read a batch. Columns that `T` lacks do not matter; the others have the types of
    /// [`requested_schema`], or those that [`RowsBuilder`] gives.
    ///
    /// # Errors
    /// [`Error::NoSuchField`](crate::Error::NoSuchField) for a missing column, [`Error::Cast`](crate::Error::Cast) for
    /// one of another type, [`Error::FieldUnavailable`](crate::Error::FieldUnavailable) for nulls that `T` does not
    /// allow.
    pub fn new(batch: &RecordBatch) -> Result<Self> {
        let reader = T::open_members(&Members::of_batch(batch), &Path::root())?;
        Ok(Self { reader, next: 0, rows: batch.num_rows(), first_entry: 0, row: PhantomData })
    }

    /// Says which entry of the data set the first row is, for messages.
    #[must_use]
    pub fn first_entry(mut self, entry: u64) -> Self {
        self.first_entry = entry;
        self
    }

    /// Row number `index` of the batch.
    ///
    /// # Errors
    /// [`Error::Value`](crate::Error::Value) for a value that `T` does not have, such as a number that is none of an
    /// enum's, and for a row that is not there.
    #[inline]
    pub fn get(&self, index: usize) -> Result<T> {
        let row = if index < self.rows { T::read(&self.reader, index) } else { Err(ReadError::beyond()) };
        row.map_err(|error| self.at(error, index))
    }

    /// Row number `index` of the batch over another row, whose vectors and strings it takes over: nothing is allocated
    /// for what they have room for. The row is afterwards what [`RowReader::get`] gives; after an error it may be partly
    /// so.
    ///
    /// # Errors
    /// As [`RowReader::get`].
    #[inline]
    pub fn read_into(&self, index: usize, row: &mut T) -> Result<()> {
        let done = if index < self.rows { T::read_into(&self.reader, index, row) } else { Err(ReadError::beyond()) };
        done.map_err(|error| self.at(error, index))
    }

    /// The next row over another one, as by [`RowReader::read_into`]; `false` behind the last row, and the other one is
    /// as it was.
    ///
    /// # Errors
    /// As [`RowReader::get`].
    #[inline]
    pub fn next_into(&mut self, row: &mut T) -> Result<bool> {
        let index = self.next;
        if index >= self.rows {
            return Ok(false);
        }
        self.next += 1;
        self.read_into(index, row)?;
        Ok(true)
    }

    #[cold]
    fn at(&self, error: ReadError, index: usize) -> Error {
        error.at(self.first_entry.saturating_add(index as u64))
    }
}

impl<T: ReadRow> Iterator for RowReader<T> {
    type Item = Result<T>;

    #[inline]
    fn next(&mut self) -> Option<Result<T>> {
        let index = self.next;
        if index >= self.rows {
            return None;
        }
        self.next += 1;
        Some(self.get(index))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.rows - self.next;
        (left, Some(left))
    }

    fn nth(&mut self, n: usize) -> Option<Result<T>> {
        self.next = self.next.saturating_add(n).min(self.rows);
        self.next()
    }
}

impl<T: ReadRow> ExactSizeIterator for RowReader<T> {}

impl<T: ReadRow> fmt::Debug for RowReader<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowReader").field("next", &self.next).field("rows", &self.rows).finish_non_exhaustive()
    }
}
