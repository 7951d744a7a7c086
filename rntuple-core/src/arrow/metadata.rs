//! Keys of the metadata that Arrow fields carry, so that a writer can restore the RNTuple field.
//!
//! Some fields have no Arrow field of their own: the value of an optional, the number behind an enum or an atomic. What
//! there is to say of them stands with the field above, under keys with [`INNER`] in place of the first `rntuple.`.

use std::collections::HashMap;

use arrow::datatypes::{DataType, Field as ArrowField};

use crate::schema::{Field, Schema};

/// C++ type of the field, as stored.
pub const TYPE: &str = "rntuple.type";
/// The type as the user spelt it, where it differs.
pub const ALIAS: &str = "rntuple.alias";
/// Description of the field.
pub const DESCRIPTION: &str = "rntuple.description";
/// Version of the class, where it has one.
pub const VERSION: &str = "rntuple.version";
/// Checksum of the class.
pub const CHECKSUM: &str = "rntuple.checksum";
/// Encodings of the columns of the field, see [`Schema::encodings`].
pub const ENCODING: &str = "rntuple.encoding";
/// Path of the field that a projected field shows.
pub const SOURCE: &str = "rntuple.source";
/// "true" on collections that stand for a structure of arrays.
pub const SOA: &str = "rntuple.soa";
/// "true" on a nullable struct that only serves to make its one child, `_0`, nullable.
pub const BOXED: &str = "rntuple.boxed";
/// "true" on binary values that the ROOT streamer wrote.
pub const STREAMER: &str = "rntuple.streamer";
/// What all keys start with.
pub const PREFIX: &str = "rntuple.";
/// What the keys of a subfield that has no Arrow field of its own start with.
pub const INNER: &str = "rntuple._0.";

/// An Arrow field that remembers the RNTuple field it came from; `inner` is the subfield that it stands for as well.
pub(super) fn arrow_field(
    schema: &Schema,
    field: &Field,
    data_type: DataType,
    nullable: bool,
    mark: Option<&str>,
    inner: Option<&ArrowField>,
) -> ArrowField {
    let mut metadata = HashMap::from([(TYPE.to_owned(), field.type_name.to_string())]);
    let mut put = |key: &str, value: String| {
        if !value.is_empty() {
            metadata.insert(key.to_owned(), value);
        }
    };
    put(ALIAS, field.type_alias.to_string());
    put(DESCRIPTION, field.description.to_string());
    if field.type_version != 0 {
        put(VERSION, field.type_version.to_string());
    }
    if let Some(checksum) = field.type_checksum {
        put(CHECKSUM, format!("{checksum:#010x}"));
    }
    if field.soa {
        put(SOA, "true".to_owned());
    }
    match field.source {
        Some(source) => put(SOURCE, schema.path(source)),
        None => put(ENCODING, encodings(schema, field)),
    }
    if let Some(mark) = mark {
        put(mark, "true".to_owned());
    }
    for (key, value) in inner.into_iter().flat_map(ArrowField::metadata) {
        if let Some(rest) = key.strip_prefix(PREFIX) {
            metadata.insert(format!("{INNER}{rest}"), value.clone());
        }
    }
    ArrowField::new(&*field.name, data_type, nullable).with_metadata(metadata)
}

fn encodings(schema: &Schema, field: &Field) -> String {
    schema.encodings(field).iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}
