//! Members of classes: how ROOT streams the types that fields have.

use super::class::{ElementKind, StreamerElement, StreamerMember, container_code};
use super::layout::{Layout, layout, rvec};
use super::spelling::{Pointers, root_name};
use crate::schema::{Field, FieldRole, Schema};

/// Most extents of an array in a streamer info.
const MAX_DIMENSIONS: usize = 5;
/// Codes of types of items: any object, any pointer.
const OBJECT_ITEM: i32 = 61;
const POINTER_ITEM: i32 = 63;
/// ROOT's code for `int`, which also stands for enums.
const INT: i32 = 3;
const DOUBLE32: &str = "Double32_t";

/// A field below a class, as a member of it.
pub(super) fn member(schema: &Schema, field: &Field) -> StreamerMember {
    let type_name = type_text(field);
    StreamerMember {
        name: field.name.to_string(),
        is_enum: &*field.type_name == "std::byte" || is_enum(schema, field),
        element: element(schema, field, type_name),
        type_name: root_name(type_name, Pointers::Spelt),
    }
}

/// A member of a structure of arrays: an `RVec` of what the record has.
pub(super) fn array_member(schema: &Schema, field: &Field) -> StreamerMember {
    let rvec_of = |inner: String| {
        let gap = if inner.ends_with('>') { " " } else { "" };
        format!("ROOT::VecOps::RVec<{inner}{gap}>")
    };
    let spelt = |pointers| rvec_of(root_name(type_text(field), pointers));
    let code = item_code(schema, field);
    let kind = ElementKind::Container(container_code("ROOT::VecOps::RVec").unwrap_or_default(), code);
    StreamerMember {
        name: field.name.to_string(),
        is_enum: false,
        element: Some(StreamerElement {
            kind,
            type_name: spelt(Pointers::Bare),
            size: bytes(rvec(layout(schema, field))),
            dimensions: Vec::new(),
        }),
        type_name: spelt(Pointers::Spelt),
    }
}

/// The type as C++ has it: `Double32_t`, which RNTuple only keeps as an alias, is a type of its own for ROOT.
fn type_text(field: &Field) -> &str {
    let alias = &*field.type_alias;
    let is_double32 = alias.contains(DOUBLE32) && alias.replace(DOUBLE32, "double") == *field.type_name;
    if is_double32 { alias } else { &field.type_name }
}

fn element(schema: &Schema, field: &Field, type_name: &str) -> Option<StreamerElement> {
    // Arrays of arrays become one array with several extents.
    let (mut dimensions, mut item, mut item_type) = (Vec::new(), field, type_name);
    while item.parsed_type().name == "std::array" {
        dimensions.push(u32::try_from(item.array_size()?).ok()?);
        item = schema.children(item).next()?;
        item_type = type_text(item);
    }
    if dimensions.len() > MAX_DIMENSIONS {
        return None;
    }
    if !dimensions.is_empty() && type_name.contains(DOUBLE32) && item_type == "double" {
        item_type = DOUBLE32;
    }
    let count = dimensions.iter().fold(1_u32, |count, &n| count.saturating_mul(n));
    let is_array = !dimensions.is_empty();
    let (kind, size) = kind(schema, item, item_type, is_array)?;
    let mut text = root_name(item_type, Pointers::Bare);
    if item_type == "std::byte" {
        item_type.clone_into(&mut text);
    }
    Some(StreamerElement { kind, type_name: text, size: size.saturating_mul(count), dimensions })
}

/// The kind of an element, and the size of one item.
fn kind(schema: &Schema, field: &Field, type_name: &str, is_array: bool) -> Option<(ElementKind, u32)> {
    let size = bytes(layout(schema, field));
    if let Some(code) = number_code(type_name) {
        return Some((ElementKind::Number(code), size));
    }
    if type_name == "std::byte" {
        return (!is_array).then_some((ElementKind::Number(INT), 4));
    }
    if is_enum(schema, field) {
        // ROOT streams enums as int.
        return (!is_array && size <= 4).then_some((ElementKind::Number(INT), size));
    }
    let parsed = field.parsed_type();
    if parsed.name == "std::string" {
        return Some((ElementKind::Text, size));
    }
    if parsed.name == "std::unique_ptr" {
        let target = schema.children(field).next()?;
        return match type_text(target) {
            _ if is_array => None,
            "std::string" => Some((ElementKind::Text, size)),
            "std::byte" => None,
            number if number_code(number).is_some() || is_enum(schema, target) => None,
            _ => Some((ElementKind::Pointer, size)),
        };
    }
    if let Some(code) = container_code(parsed.name).filter(|_| !is_array) {
        let item = schema.children(field).next().map_or(0, |item| item_code(schema, item));
        return Some((ElementKind::Container(code, item), size));
    }
    match field.role {
        _ if type_name.is_empty() || parsed.name == "ROOT::RNTupleCardinality" => None,
        FieldRole::Record if is_root_object(schema, field) => Some((ElementKind::RootObject, size)),
        FieldRole::Unknown(_) => None,
        _ => Some((ElementKind::Object, size)),
    }
}

/// ROOT's code for the items of a container.
fn item_code(schema: &Schema, item: &Field) -> i32 {
    let type_name = type_text(item);
    match number_code(type_name) {
        Some(code) => code,
        None if type_name == "std::byte" => INT,
        None if is_enum(schema, item) => {
            schema.children(item).next().and_then(|inner| number_code(&inner.type_name)).unwrap_or(INT)
        }
        None if item.parsed_type().name == "std::unique_ptr" => POINTER_ITEM,
        None => OBJECT_ITEM,
    }
}

/// ROOT's code for a number.
fn number_code(type_name: &str) -> Option<i32> {
    Some(match type_name {
        "char" | "std::int8_t" => 1,
        "std::int16_t" => 2,
        "std::int32_t" => 3,
        "std::int64_t" => 4,
        "float" => 5,
        "double" => 8,
        DOUBLE32 => 9,
        "std::uint8_t" => 11,
        "std::uint16_t" => 12,
        "std::uint32_t" => 13,
        "std::uint64_t" => 14,
        "bool" => 18,
        _ => return None,
    })
}

/// Enums are fields without columns around one integer, like atomics and arrays, which have names of their own.
fn is_enum(schema: &Schema, field: &Field) -> bool {
    let wraps_integer = || {
        let mut children = schema.children(field);
        let inner = children.next().and_then(|inner| number_code(&inner.type_name));
        children.next().is_none() && inner.is_some_and(|code| !matches!(code, 5 | 8 | 9))
    };
    let is_standard = || field.type_name.starts_with("std::") || field.type_name.starts_with("ROOT::");
    field.role == FieldRole::Plain && field.columns.is_empty() && !is_standard() && wraps_integer()
}

/// Whether `TObject` is a base class, however far up.
pub(super) fn is_root_object(schema: &Schema, class: &Field) -> bool {
    &*class.type_name == "TObject"
        || schema.children(class).any(|child| child.name.starts_with(':') && is_root_object(schema, child))
}

fn bytes(layout: Layout) -> u32 {
    u32::try_from(layout.size).unwrap_or(u32::MAX)
}
