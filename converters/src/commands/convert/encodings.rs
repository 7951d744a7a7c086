//! How fields are to be stored, where that is not simply what the source says.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, UnionFields};
use rntuple_core::arrow::{ENCODING, INNER, Layout, LayoutOptions, PREFIX};
use rntuple_core::schema::{self, ColumnEncoding, ColumnType};

/// Encodings for the fields whose data have several in the source: of each, one that takes all values as they are.
/// `written` is the schema of the target, which may have fewer fields.
pub(super) fn widest(
    source: &schema::Schema,
    written: &SchemaRef,
) -> rntuple_core::Result<Vec<(String, ColumnEncoding)>> {
    let several: HashMap<String, ColumnEncoding> = source
        .fields()
        .iter()
        .filter(|field| field.source.is_none())
        .filter_map(|field| Some((source.path(field.id), widest_of(source, field)?)))
        .collect();
    if several.is_empty() {
        return Ok(Vec::new());
    }
    let layout = Layout::new(written, &LayoutOptions::default())?;
    let written = layout.schema();
    let physical = written.fields().iter().filter(|field| field.source.is_none());
    Ok(physical
        .filter_map(|field| several.get_key_value(&written.path(field.id)))
        .map(|(k, v)| (k.clone(), *v))
        .collect())
}

/// Numbers of other kinds lose nothing: their encodings have as many bits as their type.
fn widest_of(source: &schema::Schema, field: &schema::Field) -> Option<ColumnEncoding> {
    let mut all: Vec<ColumnEncoding> = Vec::new();
    for columns in source.representations(field) {
        let [column] = columns else { return None };
        all.push(ColumnEncoding::of_column(source.column(*column)?));
    }
    let first = *all.first()?;
    if all.iter().all(|encoding| *encoding == first) {
        return None;
    }
    let is_double = &*field.type_name == "double";
    let needs_double = |encoding: &ColumnEncoding| match encoding.kind {
        ColumnType::Real64 | ColumnType::SplitReal64 => true,
        // Steps of a range that single precision may not have.
        ColumnType::Real32Quant => is_double,
        _ => false,
    };
    let enough: &[ColumnType] = if all.iter().any(needs_double) {
        &[ColumnType::Real64, ColumnType::SplitReal64]
    } else {
        &[ColumnType::Real32, ColumnType::SplitReal32]
    };
    let is_real = |encoding: &ColumnEncoding| {
        use ColumnType as C;
        matches!(
            encoding.kind,
            C::Real16
                | C::SplitReal16
                | C::Real32
                | C::SplitReal32
                | C::Real64
                | C::SplitReal64
                | C::Real32Trunc
                | C::Real32Quant
        )
    };
    if !all.iter().all(is_real) {
        return None;
    }
    let split = || enough.last().copied().map(ColumnEncoding::of);
    all.iter().find(|encoding| enough.contains(&encoding.kind)).copied().or_else(split)
}

/// The same schema without what it says about encodings: a writer chooses them.
pub(super) fn removed(schema: &SchemaRef) -> SchemaRef {
    Arc::new(Schema::new_with_metadata(fields(schema.fields()), schema.metadata().clone()))
}

fn fields(all: &Fields) -> Fields {
    all.iter().map(field).collect()
}

fn field(one: &FieldRef) -> FieldRef {
    let mut metadata = one.metadata().clone();
    metadata.retain(|key, _| !is_encoding(key));
    Arc::new(Field::clone(one).with_data_type(data_type(one.data_type())).with_metadata(metadata))
}

/// Subfields without an Arrow field of their own have their keys with the field above, maybe several levels up.
fn is_encoding(key: &str) -> bool {
    let inner = INNER.strip_prefix(PREFIX).unwrap_or(INNER);
    let mut rest = key.strip_prefix(PREFIX);
    while let Some(more) = rest.and_then(|rest| rest.strip_prefix(inner)) {
        rest = Some(more);
    }
    rest.is_some() && rest == ENCODING.strip_prefix(PREFIX)
}

fn data_type(one: &DataType) -> DataType {
    match one {
        DataType::List(item) => DataType::List(field(item)),
        DataType::LargeList(item) => DataType::LargeList(field(item)),
        DataType::FixedSizeList(item, n) => DataType::FixedSizeList(field(item), *n),
        DataType::Struct(members) => DataType::Struct(fields(members)),
        DataType::Map(entries, sorted) => DataType::Map(field(entries), *sorted),
        DataType::Union(members, mode) => {
            DataType::Union(members.iter().map(|(id, member)| (id, field(member))).collect::<UnionFields>(), *mode)
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_go_at_every_depth_and_nothing_else_does() {
        let marked = |name: &str, data_type: DataType| {
            let pairs = [
                ("rntuple.type", "T"),
                ("rntuple.encoding", "SplitReal32"),
                ("rntuple._0.encoding", "SplitInt32"),
                ("rntuple._0.type", "std::int32_t"),
                ("rntuple._0._0.encoding", "SplitInt32"),
                ("rntuple.encoding.more", "other"),
                ("encoding", "other"),
            ];
            let pairs = pairs.map(|(key, value)| (key.to_owned(), value.to_owned()));
            Field::new(name, data_type, true).with_metadata(pairs.into())
        };
        let item = marked("_0", DataType::Struct([Arc::new(marked("x", DataType::Float32))].into_iter().collect()));
        let schema: SchemaRef = Arc::new(Schema::new(vec![marked("hits", DataType::List(Arc::new(item)))]));
        let schema = removed(&schema);
        let mut at: FieldRef = Arc::clone(&schema.fields()[0]);
        for depth in 0..3 {
            let mut keys: Vec<&str> = at.metadata().keys().map(String::as_str).collect();
            keys.sort_unstable();
            assert_eq!(keys, ["encoding", "rntuple._0.type", "rntuple.encoding.more", "rntuple.type"], "{depth}");
            at = match at.data_type() {
                DataType::List(item) => Arc::clone(item),
                DataType::Struct(members) => Arc::clone(&members[0]),
                _ => Arc::clone(&at),
            };
        }
    }
}
