//! From the types that others use to those that can be written.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray, RecordBatch, RecordBatchOptions};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};

/// The type with every child replaced.
fn map_children(data_type: &DataType, change: &dyn Fn(&FieldRef) -> FieldRef) -> DataType {
    match data_type {
        DataType::List(item) => DataType::List(change(item)),
        DataType::LargeList(item) => DataType::LargeList(change(item)),
        DataType::FixedSizeList(item, size) => DataType::FixedSizeList(change(item), *size),
        DataType::Map(entries, sorted) => DataType::Map(change(entries), *sorted),
        DataType::Struct(members) => DataType::Struct(members.iter().map(change).collect::<Fields>()),
        other => other.clone(),
    }
}

fn with_type(field: &FieldRef, data_type: DataType) -> FieldRef {
    if *field.data_type() == data_type {
        return Arc::clone(field);
    }
    Arc::new(field.as_ref().clone().with_data_type(data_type))
}

/// Types that only differ in how they hold their values, such as dictionaries and views, as those that can be written.
fn plain(data_type: &DataType) -> DataType {
    let changed = |field: &FieldRef| with_type(field, plain(field.data_type()));
    match data_type {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        DataType::ListView(item) => DataType::List(changed(item)),
        DataType::LargeListView(item) => DataType::LargeList(changed(item)),
        DataType::Dictionary(_, values) => plain(values),
        DataType::RunEndEncoded(_, values) => plain(values.data_type()),
        other => map_children(other, &changed),
    }
}

/// A schema in types that can be written, as far as there are such.
pub(crate) fn plain_schema(schema: &Schema) -> Schema {
    let fields: Fields = schema.fields().iter().map(|field| with_type(field, plain(field.data_type()))).collect();
    Schema::new_with_metadata(fields, schema.metadata().clone())
}

/// The same type with offsets of 64 bits.
pub(crate) fn large(data_type: &DataType) -> DataType {
    let changed = |field: &FieldRef| with_type(field, large(field.data_type()));
    match data_type {
        DataType::Utf8 => DataType::LargeUtf8,
        DataType::Binary => DataType::LargeBinary,
        DataType::List(item) => DataType::LargeList(changed(item)),
        other => map_children(other, &changed),
    }
}

/// The field without the permission to have nulls, at each level where none of the arrays has one. Fields that came from
/// an RNTuple stay as they are: there it is known.
pub(crate) fn tighten(field: &FieldRef, arrays: &[ArrayRef]) -> FieldRef {
    if field.metadata().contains_key(rntuple_core::arrow::TYPE) {
        return Arc::clone(field);
    }
    let inner = |child: &FieldRef, of: &dyn Fn(&ArrayRef) -> ArrayRef| {
        let children: Vec<ArrayRef> = arrays.iter().map(of).collect();
        tighten(child, &children)
    };
    let data_type = match field.data_type() {
        DataType::List(item) => DataType::List(inner(item, &|array| Arc::clone(array.as_list::<i32>().values()))),
        DataType::LargeList(item) => {
            DataType::LargeList(inner(item, &|array| Arc::clone(array.as_list::<i64>().values())))
        }
        DataType::FixedSizeList(item, size) => {
            let child = inner(item, &|array| Arc::clone(array.as_fixed_size_list().values()));
            DataType::FixedSizeList(child, *size)
        }
        DataType::Map(entries, sorted) => {
            let child = inner(entries, &|array| Arc::new(array.as_map().entries().clone()));
            DataType::Map(child, *sorted)
        }
        DataType::Struct(members) => {
            let member = |(i, member): (usize, &FieldRef)| {
                let column = |array: &ArrayRef| array.as_struct().columns().get(i).cloned();
                let children: Vec<ArrayRef> = arrays.iter().filter_map(column).collect();
                tighten(member, &children)
            };
            DataType::Struct(members.iter().enumerate().map(member).collect::<Fields>())
        }
        other => other.clone(),
    };
    let nullable = field.is_nullable() && arrays.iter().any(|array| array.logical_null_count() > 0);
    Arc::new(field.as_ref().clone().with_data_type(data_type).with_nullable(nullable))
}

/// Whether a type, or one within it, has no counterpart in RNTuple, so that its fields are stored by physical types.
pub(crate) fn is_foreign(data_type: &DataType) -> bool {
    use DataType as D;
    match data_type {
        D::Timestamp(..) | D::Date32 | D::Date64 | D::Time32(_) | D::Time64(_) | D::Duration(_) | D::Interval(_) => {
            true
        }
        D::Decimal32(..) | D::Decimal64(..) | D::Decimal128(..) | D::Decimal256(..) | D::FixedSizeBinary(_) => true,
        D::List(item) | D::LargeList(item) | D::FixedSizeList(item, _) | D::Map(item, _) => {
            is_foreign(item.data_type())
        }
        D::Struct(members) => members.iter().any(|member| is_foreign(member.data_type())),
        D::Union(members, _) => members.iter().any(|(_, member)| is_foreign(member.data_type())),
        _ => false,
    }
}

/// Whether values of one type can become those of another without a loss that is not noticed.
fn keeps(from: &DataType, to: &DataType) -> bool {
    use DataType as D;
    match (from, to) {
        (D::Dictionary(_, from), to) => keeps(from, to),
        (D::RunEndEncoded(_, from), to) => keeps(from.data_type(), to),
        (
            D::List(a) | D::LargeList(a) | D::FixedSizeList(a, _) | D::ListView(a) | D::LargeListView(a),
            D::List(b) | D::LargeList(b) | D::FixedSizeList(b, _),
        )
        | (D::Map(a, _), D::Map(b, _)) => keeps(a.data_type(), b.data_type()),
        (D::Struct(a), D::Struct(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| keeps(a.data_type(), b.data_type()))
        }
        (D::Utf8 | D::LargeUtf8 | D::Utf8View, D::Utf8 | D::LargeUtf8) => true,
        (D::Binary | D::LargeBinary | D::BinaryView, D::Binary | D::LargeBinary) => true,
        // Integers are checked; floats are rounded to what was asked for.
        (from, to) if from.is_integer() => to.is_integer() || to.is_floating(),
        (from, to) if from.is_floating() => to.is_floating(),
        (D::Null, _) => true,
        (from, to) => from == to,
    }
}

/// The array in the type of a field.
pub(crate) fn array(array: &ArrayRef, field: &Field) -> Result<ArrayRef, String> {
    let (from, to) = (array.data_type(), field.data_type());
    if from == to {
        return Ok(Arc::clone(array));
    }
    if !keeps(from, to) {
        return Err(format!("field '{}' of type {to} cannot be written from values of type {from}", field.name()));
    }
    let options = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(array, to, &options).map_err(|error| format!("field '{}': {error}", field.name()))
}

/// The columns of a schema, in its types, out of those of a batch.
pub(crate) fn batch(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, String> {
    let mut columns = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        let column =
            batch.column_by_name(field.name()).ok_or_else(|| format!("there is no column '{}'", field.name()))?;
        let is_union = matches!(field.data_type(), DataType::Union(..));
        if !field.is_nullable() && !is_union && column.logical_null_count() > 0 {
            return Err(format!("field '{}' always has a value, but there is a null in it", field.name()));
        }
        columns.push(array(column, field)?);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(SchemaRef::clone(schema), columns, &options).map_err(|error| error.to_string())
}
