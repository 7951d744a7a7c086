//! Keys of the metadata that Arrow fields carry, so that a writer can restore the RNTuple field.

use std::collections::HashMap;

use arrow::datatypes::{DataType, Field as ArrowField};

use crate::schema::Field;

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
/// "true" on a nullable struct that only serves to make its one child, `_0`, nullable.
pub const BOXED: &str = "rntuple.boxed";
/// "true" on binary values that the ROOT streamer wrote.
pub const STREAMER: &str = "rntuple.streamer";

/// An Arrow field that remembers the RNTuple field it came from.
pub(super) fn arrow_field(field: &Field, data_type: DataType, nullable: bool, mark: Option<&str>) -> ArrowField {
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
    if let Some(mark) = mark {
        put(mark, "true".to_owned());
    }
    ArrowField::new(&*field.name, data_type, nullable).with_metadata(metadata)
}
