//! Differences between the fields of two data sets.

use std::collections::HashSet;

use rntuple_core::schema::{Field, FieldRole, Schema, TypeName};

/// A field that only one of them has, or that has other types.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TypeDifference {
    /// Its path.
    pub(super) field: String,
    /// Its C++ types, where it is there.
    pub(super) types: [Option<String>; 2],
}

/// What differs below the top-level fields of these names; below all if there is no choice.
pub(super) fn differences(a: &Schema, b: &Schema, chosen: Option<&HashSet<String>>) -> Vec<TypeDifference> {
    let of = |schema: &'_ Schema| -> Vec<Field> {
        let chosen = |field: &&Field| chosen.is_none_or(|names| names.contains(&*field.name));
        schema.top_level().filter(chosen).cloned().collect()
    };
    let mut out = Vec::new();
    members(a, &of(a), b, &of(b), &mut out);
    out
}

fn members(a: &Schema, a_fields: &[Field], b: &Schema, b_fields: &[Field], out: &mut Vec<TypeDifference>) {
    let by_name = |fields: &[Field], name: &str| fields.iter().position(|field| &*field.name == name);
    for field in a_fields {
        match by_name(b_fields, &field.name).and_then(|at| b_fields.get(at)) {
            Some(other) => pair(a, field, b, other, out),
            None => {
                out.push(TypeDifference { field: a.path(field.id), types: [Some(type_of(field)), None] });
            }
        }
    }
    for field in b_fields.iter().filter(|field| by_name(a_fields, &field.name).is_none()) {
        out.push(TypeDifference { field: b.path(field.id), types: [None, Some(type_of(field))] });
    }
}

fn pair(a: &Schema, field: &Field, b: &Schema, other: &Field, out: &mut Vec<TypeDifference>) {
    let (one, two) = (type_of(field), type_of(other));
    if one != two {
        out.push(TypeDifference { field: a.path(field.id), types: [Some(one), Some(two)] });
        return;
    }
    let below = |schema: &Schema, field: &Field| schema.children(field).cloned().collect::<Vec<_>>();
    members(a, &below(a, field), b, &below(b, other), out);
}

/// The type as every writer would spell it.
fn type_of(field: &Field) -> String {
    let name = match (&*field.type_name, field.role) {
        ("", FieldRole::Record) => "(record)".to_owned(),
        ("", FieldRole::Collection) => "(collection)".to_owned(),
        (name, _) => TypeName::normalise(name),
    };
    match field.repetitions {
        // Of an array, the type has its size; of other fields that repeat, it has not.
        Some(times) if !name.contains('<') => format!("{name}[{times}]"),
        _ => name,
    }
}
