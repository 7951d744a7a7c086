//! Pairs, tuples and variants of classes that only the schema knows.
//!
//! ROOT needs its type system's word on `std::pair`, `std::tuple` and `std::variant` to read fields of these types. For
//! standard types it finds it by itself, for a pair of unknown classes only in a streamer info.

use std::collections::HashSet;

use super::class::{StreamerClass, StreamerMember};
use super::member::member;
use super::schema::is_class;
use super::spelling::{Pointers, root_name};
use crate::schema::{Field, FieldRole, Schema};

/// The pairs, tuples and variants of a schema that hold classes, each once, inner ones before outer ones.
///
/// With their streamer infos, ROOT 6.40 reads and merges fields of these types without a dictionary; without, it refuses
/// pairs and tuples and crashes on variants. ROOT itself does not write them.
///
/// Left out are:
/// - the items of maps: ROOT refuses maps without a dictionary; with streamer infos of their items it would abort when it
///   reads them;
/// - pairs and tuples of which ROOT could find out the size only with a dictionary. It lays them out by their streamer
///   info but fills them by the fields, and must not be told too little.
#[must_use]
pub fn standard_templates_of(schema: &Schema) -> Vec<StreamerClass> {
    let mut seen = HashSet::new();
    let mut classes = Vec::new();
    // Fields come behind the field that they are part of.
    for field in schema.fields().iter().rev() {
        let wanted = match template(field) {
            Some(Template::Variant) => true,
            Some(Template::Pair | Template::Tuple) => schema.children(field).all(|child| is_sized(schema, child)),
            None => false,
        };
        if wanted && !is_map_item(schema, field) && holds_class(schema, field) && seen.insert(&*field.type_name) {
            classes.push(describe(schema, field));
        }
    }
    classes
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Template {
    Pair,
    Tuple,
    Variant,
}

fn template(field: &Field) -> Option<Template> {
    match (field.role, field.parsed_type().name) {
        (FieldRole::Record, "std::pair") => Some(Template::Pair),
        (FieldRole::Record, "std::tuple") => Some(Template::Tuple),
        (FieldRole::Variant, "std::variant") => Some(Template::Variant),
        _ => None,
    }
}

fn describe(schema: &Schema, field: &Field) -> StreamerClass {
    let mut members: Vec<StreamerMember> = schema.children(field).map(|child| member(schema, child)).collect();
    if template(field) == Some(Template::Pair) {
        for (member, name) in members.iter_mut().zip(["first", "second"]) {
            name.clone_into(&mut member.name);
        }
    }
    let mut class = StreamerClass {
        name: root_name(&field.type_name, Pointers::Spelt),
        version: 1,
        checksum: 0,
        bases: Vec::new(),
        members,
    };
    class.checksum = class.computed_checksum();
    class
}

fn is_map_item(schema: &Schema, field: &Field) -> bool {
    field.parent.and_then(|id| schema.field(id)).is_some_and(|parent| parent.parsed_type().is_map())
}

/// Whether a class is part of the type.
fn holds_class(schema: &Schema, field: &Field) -> bool {
    is_class(field) || schema.children(field).any(|child| holds_class(schema, child))
}

/// Whether ROOT gives a type at least the size that its field needs, going by streamer infos alone.
fn is_sized(schema: &Schema, field: &Field) -> bool {
    let all = || schema.children(field).all(|child| is_sized(schema, child));
    match field.parsed_type().name {
        "bool" | "char" | "float" | "double" | "std::int8_t" | "std::uint8_t" | "std::int16_t" | "std::uint16_t"
        | "std::int32_t" | "std::uint32_t" | "std::int64_t" | "std::uint64_t" | "std::string" => true,
        "std::vector" | "std::array" => all(),
        _ if template(field).is_some() => holds_class(schema, field) && all(),
        _ => is_class(field) && !field.soa && all(),
    }
}
