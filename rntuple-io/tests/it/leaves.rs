//! The numbers in a nested array, by field and with the entry that each belongs to.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray, OffsetSizeTrait, RecordBatch, UnionArray};
use arrow::datatypes::{
    DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use rntuple_core::schema::{Field, FieldRole, Schema};

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Leaf {
    Bool(bool),
    Integer(i128),
    Float(f32),
    Double(f64),
}

/// By path of the field: entry and value, in order.
pub(crate) type Leaves = BTreeMap<String, Vec<(u64, Leaf)>>;

/// The numbers of all fields of a batch that starts with entry 0.
pub(crate) fn leaves(schema: &Schema, batch: &RecordBatch) -> Leaves {
    let mut out = Leaves::new();
    let entries: Vec<u64> = (0..batch.num_rows() as u64).collect();
    for field in schema.top_level() {
        if let Some(array) = batch.column_by_name(&field.name) {
            walk(schema, field, array, &rows(&entries), &mut out);
        }
    }
    out
}

/// Positions in an array, each with its entry.
type Rows = Vec<(usize, u64)>;

fn rows(entries: &[u64]) -> Rows {
    entries.iter().copied().enumerate().collect()
}

fn walk(schema: &Schema, field: &Field, array: &ArrayRef, rows: &Rows, out: &mut Leaves) {
    let children: Vec<&Field> = schema.children(field).collect();
    match (field.role, array.data_type()) {
        (FieldRole::Collection, _) if field.parsed_type().is_nullable() => {
            let rows: Rows = rows.iter().copied().filter(|(i, _)| array.is_valid(*i)).collect();
            let boxed = children[0].parsed_type().is_nullable() || children[0].role == FieldRole::Variant;
            let boxed = boxed || (array.as_struct_opt().is_some() && holds_nullable(schema, children[0]));
            let inner = if boxed { array.as_struct().column(0) } else { array };
            walk(schema, children[0], inner, &rows, out);
        }
        (FieldRole::Collection, DataType::List(_)) => walk_list::<i32>(schema, children[0], array, rows, out),
        (FieldRole::Collection, DataType::LargeList(_)) => walk_list::<i64>(schema, children[0], array, rows, out),
        (FieldRole::Collection, DataType::Map(..)) => {
            let map = array.as_map();
            let entries: ArrayRef = std::sync::Arc::new(map.entries().clone());
            let offsets: Vec<usize> = map.value_offsets().iter().map(|&o| usize::try_from(o).unwrap()).collect();
            walk(schema, children[0], &entries, &spread(rows, |i| offsets[i]..offsets[i + 1]), out);
        }
        (FieldRole::Record, _) => {
            for child in children {
                if let Some(array) = array.as_struct().column_by_name(&child.name) {
                    walk(schema, child, array, rows, out);
                }
            }
        }
        (FieldRole::Variant, _) => {
            let union: &UnionArray = array.as_any().downcast_ref().unwrap();
            for (id, child) in (1_i8..).zip(children) {
                let chosen = rows.iter().filter(|(i, _)| union.type_id(*i) == id);
                let rows: Rows = chosen.map(|&(i, entry)| (union.value_offset(i), entry)).collect();
                walk(schema, child, union.child(id), &rows, out);
            }
        }
        (FieldRole::Plain, DataType::FixedSizeList(..)) => {
            let list = array.as_fixed_size_list();
            let n = usize::try_from(list.value_length()).unwrap();
            let rows = spread(rows, |i| i * n..(i + 1) * n);
            match children.first() {
                Some(child) => walk(schema, child, list.values(), &rows, out),
                None => numbers(schema, field, list.values(), &rows, out),
            }
        }
        (FieldRole::Plain, _) if !children.is_empty() => walk(schema, children[0], array, rows, out),
        (FieldRole::Plain, _) => numbers(schema, field, array, rows, out),
        _ => {}
    }
}

fn holds_nullable(schema: &Schema, field: &Field) -> bool {
    // A wrapper around something nullable is nullable itself.
    field.role == FieldRole::Plain
        && field.repetitions.is_none()
        && schema.children(field).any(|child| child.parsed_type().is_nullable() || holds_nullable(schema, child))
}

fn walk_list<O: OffsetSizeTrait>(schema: &Schema, item: &Field, array: &ArrayRef, rows: &Rows, out: &mut Leaves) {
    let list = array.as_list::<O>();
    let offsets = list.value_offsets();
    walk(schema, item, list.values(), &spread(rows, |i| offsets[i].as_usize()..offsets[i + 1].as_usize()), out);
}

fn spread(rows: &Rows, items: impl Fn(usize) -> std::ops::Range<usize>) -> Rows {
    rows.iter().flat_map(|&(i, entry)| items(i).map(move |item| (item, entry))).collect()
}

fn numbers(schema: &Schema, field: &Field, array: &ArrayRef, rows: &Rows, out: &mut Leaves) {
    macro_rules! integers {
        ($kind:ty) => {{
            let values = array.as_primitive::<$kind>();
            rows.iter().map(|&(i, entry)| (entry, Leaf::Integer(values.value(i).into()))).collect()
        }};
    }
    let values: Vec<(u64, Leaf)> = match array.data_type() {
        DataType::Boolean => rows.iter().map(|&(i, entry)| (entry, Leaf::Bool(array.as_boolean().value(i)))).collect(),
        DataType::Int8 => integers!(Int8Type),
        DataType::UInt8 => integers!(UInt8Type),
        DataType::Int16 => integers!(Int16Type),
        DataType::UInt16 => integers!(UInt16Type),
        DataType::Int32 => integers!(Int32Type),
        DataType::UInt32 => integers!(UInt32Type),
        DataType::Int64 => integers!(Int64Type),
        DataType::UInt64 => integers!(UInt64Type),
        DataType::Float32 => {
            let values = array.as_primitive::<Float32Type>();
            rows.iter().map(|&(i, entry)| (entry, Leaf::Float(values.value(i)))).collect()
        }
        DataType::Float64 => {
            let values = array.as_primitive::<Float64Type>();
            rows.iter().map(|&(i, entry)| (entry, Leaf::Double(values.value(i)))).collect()
        }
        _ => return,
    };
    out.insert(schema.path(field.id), values);
}
