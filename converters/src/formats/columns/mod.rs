//! Arrow columns that grow value by value, from the text of a cell or from JSON.
//!
//! Numbers, dates and times are parsed by Arrow's own parsers, from the digits that stand in the file: nothing is rounded
//! on the way.

mod json;
pub(crate) mod leaf;

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, FixedSizeListArray, GenericListArray, MapArray, NullBufferBuilder, OffsetSizeTrait, StructArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, FieldRef};
use arrow::error::ArrowError;

use self::leaf::Leaf;
use super::types::type_text;

pub(crate) use self::json::{Fault, TWICE, fault};

/// Arrow metadata key that marks a one-field struct which stands for an optional value of its child.
const BOXED: &str = "rntuple.boxed";
/// Arrow metadata key that marks a Binary field as the bytes of a streamer field.
const STREAMER: &str = "rntuple.streamer";

/// Arrow metadata key of fields that are called otherwise in JSON.
pub(crate) const KEY: &str = "json.key";

/// A column under way.
#[derive(Debug)]
pub(crate) struct Column {
    field: FieldRef,
    /// How it is called in JSON.
    key: String,
    nulls: NullBufferBuilder,
    values: Values,
}

#[derive(Debug)]
enum Values {
    Leaf(Box<dyn Leaf>),
    List {
        ends: Vec<i64>,
        item: Box<Column>,
    },
    Array {
        size: usize,
        item: Box<Column>,
    },
    Struct(Members),
    /// A struct that only makes its one member nullable.
    Boxed(Box<Column>),
}

/// The columns of an object.
#[derive(Debug)]
pub(crate) struct Members {
    columns: Vec<Column>,
    by_key: HashMap<String, usize>,
    /// The last object that had each of them.
    seen: Vec<u64>,
    objects: u64,
}

/// Why the text of a cell cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It is missing, and the column is not nullable.
    Missing,
    /// It is not of the column's type.
    Wrong,
}

impl Members {
    /// Empty columns for fields.
    pub(crate) fn new<'a>(fields: impl IntoIterator<Item = &'a FieldRef>) -> Result<Self, String> {
        let columns = fields.into_iter().map(Column::new).collect::<Result<Vec<_>, _>>()?;
        let by_key = columns.iter().enumerate().map(|(at, column)| (column.key.clone(), at)).collect();
        let seen = vec![0; columns.len()];
        Ok(Self { columns, by_key, seen, objects: 0 })
    }

    /// Objects taken so far, and their arrays; the columns are empty then.
    pub(crate) fn finish(&mut self) -> Result<(usize, Vec<ArrayRef>), ArrowError> {
        let arrays = self.columns.iter_mut().map(Column::finish).collect::<Result<_, _>>()?;
        self.seen.fill(0);
        let rows = usize::try_from(std::mem::take(&mut self.objects)).unwrap_or(usize::MAX);
        Ok((rows, arrays))
    }
}

impl Column {
    /// An empty column for a field.
    ///
    /// # Errors
    /// A sentence when its type cannot be had from text.
    pub(crate) fn new(field: &FieldRef) -> Result<Self, String> {
        let is = |key| field.metadata().get(key).is_some_and(|value| value == "true");
        let refuse = |what: &str| Err(format!("column '{}': {what}", field.name()));
        let child = |item: &FieldRef| Self::new(item).map(Box::new);
        let values = match field.data_type() {
            _ if is(STREAMER) => return refuse("objects of the ROOT streamer cannot be read from text; leave it out"),
            DataType::List(item) | DataType::LargeList(item) => Values::List { ends: vec![0], item: child(item)? },
            DataType::Map(entries, _) => Values::List { ends: vec![0], item: child(entries)? },
            DataType::FixedSizeList(item, size) => {
                Values::Array { size: usize::try_from(*size).unwrap_or(0), item: child(item)? }
            }
            DataType::Struct(fields) => match &**fields {
                [member] if is(BOXED) => Values::Boxed(child(member)?),
                fields => Values::Struct(Members::new(fields)?),
            },
            other => match leaf::of(other) {
                Some(leaf) => Values::Leaf(leaf),
                None => return refuse(&format!("values of the type {} cannot be read from text", type_text(other))),
            },
        };
        let key = field.metadata().get(KEY).unwrap_or(field.name()).clone();
        Ok(Self { field: Arc::clone(field), key, nulls: NullBufferBuilder::new(0), values })
    }

    /// Takes the text of a cell; nested values are JSON. `null` stands for a missing value, but a column of text that is
    /// not nullable takes it as text.
    pub(crate) fn push_text(&mut self, text: &str, null: &str) -> Result<(), Refused> {
        let trimmed = match &self.values {
            Values::Leaf(leaf) if leaf.is_text() => text,
            _ => text.trim_matches(|c| matches!(c, ' ' | '\t')),
        };
        let is_text = matches!(&self.values, Values::Leaf(leaf) if leaf.is_text());
        if (text == null || trimmed == null) && (self.field.is_nullable() || !is_text) {
            return if self.push_null() { Ok(()) } else { Err(Refused::Missing) };
        }
        match &mut self.values {
            Values::Leaf(leaf) => {
                if !leaf.text(trimmed) {
                    return Err(Refused::Wrong);
                }
                self.nulls.append_non_null();
                Ok(())
            }
            _ => self.push_json_text(trimmed).map_err(|_| Refused::Wrong),
        }
    }

    /// Takes a missing value; `false` when the column has no place for one.
    fn push_null(&mut self) -> bool {
        if self.field.is_nullable() {
            self.push_filler();
            true
        } else {
            false
        }
    }

    /// A value that nobody sees, below something that is missing: null if possible.
    fn push_filler(&mut self) {
        match &mut self.values {
            Values::Leaf(leaf) => leaf.filler(),
            Values::List { ends, item: _ } => ends.push(ends.last().copied().unwrap_or(0)),
            Values::Array { size, item } => (0..*size).for_each(|_| item.push_filler()),
            Values::Struct(members) => members.columns.iter_mut().for_each(Self::push_filler),
            Values::Boxed(child) => child.push_filler(),
        }
        self.nulls.append(!self.field.is_nullable());
    }

    /// The array, of the type of the field; the column is empty then.
    pub(crate) fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let rows = self.nulls.len();
        let nulls = self.nulls.finish();
        let data_type = self.field.data_type().clone();
        match (&mut self.values, &data_type) {
            (Values::Leaf(leaf), _) => leaf.finish(nulls),
            (Values::List { ends, item }, DataType::LargeList(field)) => list::<i64>(field, ends, item, nulls),
            (Values::List { ends, item }, DataType::List(field)) => list::<i32>(field, ends, item, nulls),
            (Values::List { ends, item }, DataType::Map(field, sorted)) => {
                let offsets = offsets::<i32>(ends)?;
                let entries = item.finish()?;
                let entries = entries.as_any().downcast_ref::<StructArray>().cloned().ok_or_else(not_built)?;
                Ok(Arc::new(MapArray::try_new(Arc::clone(field), offsets, entries, nulls, *sorted)?))
            }
            (Values::Array { item, .. }, DataType::FixedSizeList(field, size)) => {
                let values = item.finish()?;
                let array = FixedSizeListArray::try_new_with_length(Arc::clone(field), *size, values, nulls, rows)?;
                Ok(Arc::new(array))
            }
            (Values::Struct(members), DataType::Struct(fields)) => {
                let (_, arrays) = members.finish()?;
                Ok(Arc::new(StructArray::try_new_with_length(fields.clone(), arrays, nulls, rows)?))
            }
            (Values::Boxed(child), DataType::Struct(fields)) => {
                Ok(Arc::new(StructArray::try_new(fields.clone(), vec![child.finish()?], nulls)?))
            }
            _ => Err(not_built()),
        }
    }
}

/// The constructor pairs values with types; this is never seen.
fn not_built() -> ArrowError {
    ArrowError::SchemaError("a column is not of its type".to_owned())
}

fn offsets<O: OffsetSizeTrait>(ends: &mut Vec<i64>) -> Result<OffsetBuffer<O>, ArrowError> {
    let too_long = || ArrowError::OffsetOverflowError(usize::try_from(ends.last().copied().unwrap_or(0)).unwrap_or(0));
    let offsets = ends.iter().map(|&end| usize::try_from(end).ok().and_then(O::from_usize));
    let offsets = offsets.collect::<Option<Vec<O>>>().ok_or_else(too_long)?;
    *ends = vec![0];
    Ok(OffsetBuffer::new(ScalarBuffer::from(offsets)))
}

fn list<O: OffsetSizeTrait>(
    field: &FieldRef,
    ends: &mut Vec<i64>,
    item: &mut Column,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef, ArrowError> {
    let offsets = offsets::<O>(ends)?;
    Ok(Arc::new(GenericListArray::<O>::try_new(Arc::clone(field), offsets, item.finish()?, nulls)?))
}
