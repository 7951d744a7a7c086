//! Arrow types that RNTuple cannot express: stored by a physical type, and given back as they were
//! (format-spec/arrow.md, section 7).
//!
//! A [`Logical`] pairs an Arrow schema with the physical schema that stands for it on storage: timestamps become numbers,
//! dictionaries plain values, decimals unscaled numbers or bytes. A writer stores the [record](Logical::record) of the
//! Arrow schema beside the data, and a reader [restores](Logical::restore) from it what the fields that it reads were.
//!
//! ```
//! # fn main() -> rntuple_core::Result<()> {
//! use std::sync::Arc;
//! use arrow::array::{RecordBatch, TimestampSecondArray};
//! use arrow::datatypes::DataType;
//! use rntuple_core::arrow::logical::Logical;
//!
//! let times = TimestampSecondArray::from(vec![0, 1_700_000_000]).with_timezone("UTC");
//! let batch = RecordBatch::try_from_iter([("time", Arc::new(times) as _)])?;
//! let logical = Logical::of(&batch.schema())?;
//! let stored = logical.to_physical(&batch)?;
//! assert_eq!(stored.column(0).data_type(), &DataType::Int64);
//! assert_eq!(logical.to_logical(&stored)?, batch);
//! # Ok(())
//! # }
//! ```

mod load;
mod record;
mod store;
mod types;

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, new_empty_array};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};

pub use record::{parse_record, write_record};

use super::{Layout, LayoutOptions, Plan, Projection, ReadOptions, TYPE};
use crate::error::{Error, Result};

/// Name of the attribute set whose first entry holds the record.
pub const RECORD: &str = "arrow_schema";
/// Name of its field: the schema as an Arrow IPC message.
pub const RECORD_FIELD: &str = "schema";

/// An Arrow schema, and the physical schema that stands for it on storage.
#[derive(Debug, Clone)]
pub struct Logical {
    logical: SchemaRef,
    physical: SchemaRef,
}

impl Logical {
    /// Finds the physical schema of an Arrow schema. Names that ROOT does not allow are changed, too: `a b` to `a_b`.
    ///
    /// # Errors
    /// [`Error::Unwritable`] for a type that cannot be kept, with the name of the column.
    pub fn of(schema: &SchemaRef) -> Result<Self> {
        let physical = Arc::new(Schema::new(types::physical_fields(schema.fields(), "")?));
        Ok(Self { logical: Arc::clone(schema), physical })
    }

    /// What the fields of `physical`, which was read, are according to a record. Fields that the record does not know, or
    /// that it does not fit, stay as they are.
    #[must_use]
    pub fn restore(record: &Schema, physical: &SchemaRef) -> Self {
        let names = types::physical_names(record.fields());
        let restored = |field: &FieldRef| -> Option<FieldRef> {
            let position = names.iter().position(|name| name == field.name())?;
            let logical = types::prune(record.fields().get(position)?, field)?;
            // What can be done for no elements can be done for any number of them.
            load::array(&new_empty_array(field.data_type()), &logical, field.name()).ok()?;
            Some(logical)
        };
        let fields: Vec<FieldRef> =
            physical.fields().iter().map(|field| restored(field).unwrap_or_else(|| Arc::clone(field))).collect();
        let logical = Arc::new(Schema::new_with_metadata(fields, record.metadata().clone()));
        Self { logical, physical: Arc::clone(physical) }
    }

    /// The Arrow schema.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.logical
    }

    /// The schema on storage.
    #[must_use]
    pub fn physical_schema(&self) -> &SchemaRef {
        &self.physical
    }

    /// Whether the physical schema, once written, is read as the Arrow schema, so that no record is needed. Metadata that
    /// tells of RNTuple fields needs to be there; what it says does not matter.
    ///
    /// # Errors
    /// As [`Layout::new`].
    pub fn is_plain(&self) -> Result<bool> {
        let layout = Layout::new(&self.physical, &LayoutOptions::default())?;
        let plan = Plan::new(layout.schema(), &Projection::all(), &ReadOptions::default())?;
        let fields = self.logical.fields().iter().zip(plan.schema().fields());
        let same = self.logical.fields().len() == plan.schema().fields().len();
        Ok(same && self.logical.metadata().is_empty() && fields.into_iter().all(|(a, b)| is_same(a, b)))
    }

    /// The Arrow schema as bytes to be kept with the data.
    #[must_use]
    pub fn record(&self) -> Vec<u8> {
        write_record(&self.logical)
    }

    /// A batch as it is stored. Columns are found by their places.
    ///
    /// # Errors
    /// [`Error::Cast`] for a column of another type, [`Error::Value`] for a value that the physical type cannot hold.
    pub fn to_physical(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let columns = self.logical.fields().iter().zip(self.physical.fields()).enumerate();
        let columns = columns.map(|(i, (field, stored))| store::array(column(batch, i, field)?, stored, field.name()));
        rebuilt(batch, &self.physical, columns)
    }

    /// A batch that was read, with its Arrow types.
    ///
    /// # Errors
    /// [`Error::Packing`] when more different values are in a batch than a dictionary has keys for: take fewer rows.
    pub fn to_logical(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let columns = self.logical.fields().iter().zip(batch.columns());
        let columns = columns.map(|(field, array)| load::array(array, field, field.name()));
        rebuilt(batch, &self.logical, columns)
    }
}

fn column<'a>(batch: &'a RecordBatch, i: usize, field: &Field) -> Result<&'a ArrayRef> {
    let same = batch.schema_ref().fields().get(i).is_some_and(|other| other.name() == field.name());
    let array = if same { batch.columns().get(i) } else { batch.column_by_name(field.name()) };
    let Some(array) = array else {
        return Err(Error::NoSuchField { pattern: field.name().clone(), hint: " in the batch".to_owned() });
    };
    if array.data_type().equals_datatype(field.data_type()) {
        return Ok(array);
    }
    let (from, to) = (array.data_type().to_string(), field.data_type().to_string());
    Err(Error::Cast { field: field.name().clone(), from, to })
}

fn rebuilt(
    batch: &RecordBatch,
    schema: &SchemaRef,
    columns: impl Iterator<Item = Result<ArrayRef>>,
) -> Result<RecordBatch> {
    let columns = columns.collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?)
}

/// Whether a field that is read back is the one that was written. Of RNTuple's own metadata, only its presence counts.
fn is_same(written: &Field, read: &Field) -> bool {
    let foreign = |field: &Field| field.metadata().keys().any(|key| !key.starts_with(super::PREFIX));
    written.name() == read.name()
        && written.is_nullable() == read.is_nullable()
        && written.metadata().contains_key(TYPE)
        && !foreign(written)
        && same_type(written.data_type(), read.data_type())
}

fn same_type(written: &DataType, read: &DataType) -> bool {
    use DataType as D;
    match (written, read) {
        (D::List(a), D::List(b)) => is_same(a, b),
        (D::Map(a, a_sorted), D::Map(b, b_sorted)) => a_sorted == b_sorted && is_same(a, b),
        (D::FixedSizeList(a, a_len), D::FixedSizeList(b, b_len)) => {
            // Numbers of a bit set have no field of their own.
            let bare = |field: &Field| field.metadata().is_empty();
            a_len == b_len && (is_same(a, b) || (bare(a) && bare(b) && a == b))
        }
        (D::Struct(a), D::Struct(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b)),
        (D::Union(a, a_mode), D::Union(b, b_mode)) => {
            let none = |field: &Field| field.data_type() == &D::Null && field.name() == "none";
            let same = |((a_id, a), (b_id, b)): ((i8, &FieldRef), (i8, &FieldRef))| {
                a_id == b_id && (is_same(a, b) || (none(a) && none(b)))
            };
            a_mode == b_mode && a.len() == b.len() && a.iter().zip(b.iter()).all(same)
        }
        _ => written == read,
    }
}
