//! The classes of a schema.

use std::collections::HashSet;

use super::class::{StreamerBase, StreamerClass, UNVERSIONED};
use super::member::{array_member, member};
use super::spelling::{Pointers, root_name};
use crate::schema::{Field, FieldRole, Schema};

/// The classes whose members are fields of a schema, each once, in the order of the fields.
///
/// These are records with a type name that is neither `std::pair` nor `std::tuple`, and structures of arrays. `TObject`
/// is left out, because every ROOT knows it. Classes that are stored by their streamer are described by the extra type
/// information of the schema: see [`StreamerInfoList::parse_extra_type_info`](super::StreamerInfoList).
///
/// Version and checksum are those of the field; the checksum is computed where the field has none.
#[must_use]
pub fn classes_of(schema: &Schema) -> Vec<StreamerClass> {
    let mut seen = HashSet::new();
    let mut classes = Vec::new();
    for field in schema.fields() {
        if is_class(field) && seen.insert((class_text(field), field.type_version, field.type_checksum)) {
            classes.push(describe(schema, field));
        }
    }
    classes
}

/// The checksum that ROOT computes for the class of a field from its definition, as far as the schema tells it. `None`
/// where the field is not of a class.
///
/// This is what the field, and each other field of the same class, is to carry as its type checksum.
#[must_use]
pub fn class_checksum(schema: &Schema, field: &Field) -> Option<u32> {
    is_class(field).then(|| describe(schema, field).computed_checksum())
}

pub(super) fn is_class(field: &Field) -> bool {
    let is_record = || !matches!(field.parsed_type().name, "" | "std::pair" | "std::tuple" | "TObject");
    match field.role {
        FieldRole::Record => is_record(),
        FieldRole::Collection => field.soa,
        _ => false,
    }
}

/// Name of the class. Typedefs in template arguments that ROOT keeps are in the alias.
fn class_text(field: &Field) -> &str {
    if field.type_alias.is_empty() { &field.type_name } else { &field.type_alias }
}

fn describe(schema: &Schema, field: &Field) -> StreamerClass {
    let mut class = StreamerClass {
        name: root_name(class_text(field), Pointers::Spelt),
        version: if field.type_version == UNVERSIONED { 1 } else { field.type_version },
        checksum: 0,
        bases: Vec::new(),
        members: Vec::new(),
    };
    if field.soa {
        let members = schema.children(field).flat_map(|record| schema.children(record));
        class.members = members.map(|field| array_member(schema, field)).collect();
    } else {
        for child in schema.children(field) {
            if child.name.starts_with(':') {
                class.bases.push(StreamerBase {
                    name: root_name(class_text(child), Pointers::Spelt),
                    version: child.type_version,
                    checksum: known_checksum(child).or_else(|| class_checksum(schema, child)).unwrap_or_default(),
                });
            } else {
                class.members.push(member(schema, child));
            }
        }
    }
    class.checksum = known_checksum(field).unwrap_or_else(|| class.computed_checksum());
    class
}

/// The checksum that a field carries. ROOT writes zero on arrays of classes.
fn known_checksum(field: &Field) -> Option<u32> {
    field.type_checksum.filter(|&checksum| checksum != 0)
}
