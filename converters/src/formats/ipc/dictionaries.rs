//! Dictionaries that only grow: an Arrow file has one for each column, of which later batches may add to the end.

use std::collections::HashMap;

use arrow::array::{Array, ArrayData, ArrayRef, AsArray, Int64Array, RecordBatch, UInt32Array, make_array};
use arrow::compute::{CastOptions, cast_with_options, concat, take};
use arrow::datatypes::{DataType, Field};
use arrow::error::{ArrowError, Result};
use arrow::row::{RowConverter, SortField};

/// The dictionaries of all columns so far, in the order in which they come up.
#[derive(Default)]
pub(super) struct Dictionaries {
    known: Vec<Known>,
}

struct Known {
    values: ArrayRef,
    rows: RowConverter,
    /// Number of each value.
    places: HashMap<Box<[u8]>, i64>,
}

impl Dictionaries {
    /// The same batch, with dictionaries that begin as those of the batches before.
    pub(super) fn unify(&mut self, batch: &RecordBatch) -> Result<RecordBatch> {
        let mut next = 0;
        let columns = batch.columns().iter().map(|column| Ok(make_array(self.array(column.to_data(), &mut next)?)));
        RecordBatch::try_new(batch.schema(), columns.collect::<Result<Vec<_>>>()?)
    }

    fn array(&mut self, data: ArrayData, next: &mut usize) -> Result<ArrayData> {
        if let DataType::Dictionary(keys, _) = data.data_type() {
            let keys = keys.as_ref().clone();
            *next += 1;
            return self.dictionary(&make_array(data), &keys, *next - 1);
        }
        if !holds_dictionary(data.data_type()) {
            return Ok(data);
        }
        let children = data.child_data().iter().map(|child| self.array(child.clone(), next));
        let children = children.collect::<Result<Vec<_>>>()?;
        data.into_builder().child_data(children).build()
    }

    fn dictionary(&mut self, array: &ArrayRef, key_type: &DataType, number: usize) -> Result<ArrayData> {
        let dictionary = array.as_any_dictionary();
        let values = dictionary.values();
        if self.known.len() <= number {
            let rows = RowConverter::new(vec![SortField::new(values.data_type().clone())])?;
            self.known.push(Known { values: values.slice(0, 0), rows, places: HashMap::new() });
        }
        let known =
            self.known.get_mut(number).ok_or_else(|| ArrowError::SchemaError("one dictionary less".to_owned()))?;
        let rows = known.rows.convert_columns(&[std::sync::Arc::clone(values)])?;
        let mut new: Vec<u32> = Vec::new();
        let mut places: Vec<i64> = Vec::with_capacity(values.len());
        for (i, row) in (0_u32..).zip(rows.iter()) {
            let free = i64::try_from(known.places.len()).unwrap_or(i64::MAX);
            let place = *known.places.entry(row.as_ref().into()).or_insert_with(|| {
                new.push(i);
                free
            });
            places.push(place);
        }
        if !new.is_empty() {
            let new = take(values, &UInt32Array::from(new), None)?;
            known.values = concat(&[&known.values, &new])?;
        }
        let keys = cast_with_options(dictionary.keys(), &DataType::Int64, &CastOptions::default())?;
        let place = |key: i64| usize::try_from(key).ok().and_then(|key| places.get(key)).copied();
        let keys: Int64Array =
            keys.as_primitive::<arrow::datatypes::Int64Type>().iter().map(|key| key.and_then(place)).collect();
        let strict = CastOptions { safe: false, ..CastOptions::default() };
        let keys = cast_with_options(&keys, key_type, &strict)?.to_data();
        keys.into_builder().data_type(array.data_type().clone()).add_child_data(known.values.to_data()).build()
    }
}

/// Whether there are dictionaries at or below a type.
pub(super) fn holds_dictionary(data_type: &DataType) -> bool {
    let item = |field: &Field| holds_dictionary(field.data_type());
    match data_type {
        DataType::Dictionary(..) => true,
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::ListView(field)
        | DataType::LargeListView(field)
        | DataType::FixedSizeList(field, _)
        | DataType::Map(field, _)
        | DataType::RunEndEncoded(_, field) => item(field),
        DataType::Struct(fields) => fields.iter().any(|field| item(field)),
        DataType::Union(fields, _) => fields.iter().any(|(_, field)| item(field)),
        _ => false,
    }
}
