//! The Arrow types that a data set had before it was stored (format-spec/arrow.md, section 7).

use std::sync::Arc;

use arrow::array::{Array, AsArray, BinaryArray};
use arrow::datatypes::{DataType, SchemaRef, UInt8Type};
use rntuple_core::arrow::logical::{RECORD, RECORD_FIELD, parse_record};

use super::dataset::DataSet;
use super::ntuple::NTuple;
use crate::error::Result;

impl NTuple {
    /// The Arrow schema of the data that were written with [`WriteOptions::arrow_types`](crate::WriteOptions::arrow_types);
    /// `None` when there is none, as the usual types say it all. [`Scan::arrow_types`](crate::Scan::arrow_types) reads
    /// them so. The first call reads it from an attribute set.
    ///
    /// # Errors
    /// Those of reading it.
    pub fn logical_schema(&self) -> Result<Option<SchemaRef>> {
        logical_schema(&self.data)
    }
}

pub(super) fn logical_schema(data: &Arc<DataSet>) -> Result<Option<SchemaRef>> {
    if let Some(known) = data.logical.get() {
        return Ok(known.clone());
    }
    let has_record = data.footer.attribute_sets.iter().any(|set| &*set.name == RECORD);
    let schema = if has_record { read(data)? } else { None };
    Ok(data.logical.get_or_init(|| schema).clone())
}

/// An attribute set that only has the same name is none of ours.
fn read(data: &Arc<DataSet>) -> Result<Option<SchemaRef>> {
    let set = NTuple { data: Arc::clone(data) }.attribute_set(RECORD)?;
    let field = format!("_userData.{RECORD_FIELD}");
    let is_ours = set.arrow_schema()?.field_with_name("_userData").is_ok_and(|user| match user.data_type() {
        DataType::Struct(members) => members.find(RECORD_FIELD).is_some_and(|(_, field)| is_bytes(field.data_type())),
        _ => false,
    });
    if !is_ours || set.entries() == 0 {
        return Ok(None);
    }
    let batch = set.scan().columns([field]).threads(1).random_access()?.read(0..1)?;
    let bytes = batch.columns().first().and_then(|column| {
        let list = column.as_struct_opt()?.column_by_name(RECORD_FIELD)?.as_list_opt::<i32>()?;
        let values = list.values().as_primitive_opt::<UInt8Type>()?.values().inner().clone();
        BinaryArray::try_new(list.offsets().clone(), values, None).ok()
    });
    match bytes.filter(|bytes| !bytes.is_empty()) {
        None => Ok(None),
        Some(bytes) => {
            parse_record(bytes.value(0)).map(|schema| Some(Arc::new(schema))).map_err(|e| data.file.format(e))
        }
    }
}

fn is_bytes(data_type: &DataType) -> bool {
    matches!(data_type, DataType::List(item) if item.data_type() == &DataType::UInt8)
}
