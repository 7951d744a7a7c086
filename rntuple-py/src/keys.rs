//! The names under which Python users find fields.
//!
//! They are those of uproot: the names from the top level down, joined by dots, without what has no name of its own (items
//! of collections, values of optionals, base classes); members of pairs and tuples are `0`, `1`, ... What is within a
//! variant can only be read as a whole, so it has no keys.

use rntuple_core::schema::{Field, FieldRole, Schema};

/// A field that has a name.
#[derive(Debug)]
pub(crate) struct Key {
    /// As users see it.
    pub(crate) path: String,
    /// As it is on storage.
    pub(crate) stored: String,
    /// Name without those above it.
    pub(crate) name: String,
    pub(crate) type_name: String,
    pub(crate) description: String,
    /// How many names there are above.
    pub(crate) depth: usize,
}

/// The keys of a schema, each before those below it.
pub(crate) fn keys(schema: &Schema) -> Vec<Key> {
    let mut keys = Vec::new();
    for field in schema.top_level() {
        add(schema, field, None, Above { path: "", stored: "", depth: 0 }, &mut keys);
    }
    keys
}

#[derive(Clone, Copy)]
struct Above<'a> {
    path: &'a str,
    stored: &'a str,
    depth: usize,
}

fn add(schema: &Schema, field: &Field, parent: Option<&Field>, above: Above<'_>, keys: &mut Vec<Key>) {
    let join = |above: &str, name: &str| if above.is_empty() { name.to_owned() } else { format!("{above}.{name}") };
    let stored = join(above.stored, &field.name);
    let named = parent.is_none_or(|parent| !is_anonymous(field, parent));
    let path = if named { join(above.path, visible_name(field, parent)) } else { above.path.to_owned() };
    if named {
        keys.push(Key {
            path: path.clone(),
            stored: stored.clone(),
            name: visible_name(field, parent).to_owned(),
            type_name: field.type_name.to_string(),
            description: field.description.to_string(),
            depth: above.depth,
        });
    }
    if field.role == FieldRole::Variant {
        return;
    }
    let below = Above { path: &path, stored: &stored, depth: above.depth + usize::from(named) };
    for child in schema.children(field) {
        add(schema, child, Some(field), below, keys);
    }
}

fn is_anonymous(field: &Field, parent: &Field) -> bool {
    match parent.role {
        FieldRole::Record => is_base(&field.name),
        _ => true,
    }
}

/// Whether this is the name of a base class: `:_0`, `:_1`, ...
pub(crate) fn is_base(name: &str) -> bool {
    name.strip_prefix(":_").is_some_and(is_digits)
}

/// The number of a member of a pair or tuple: `_0`, `_1`, ...
pub(crate) fn member_number(name: &str) -> Option<&str> {
    name.strip_prefix('_').filter(|digits| is_digits(digits))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn visible_name<'a>(field: &'a Field, parent: Option<&Field>) -> &'a str {
    match parent {
        Some(parent) if parent.role == FieldRole::Record => member_number(&field.name).unwrap_or(&field.name),
        _ => &field.name,
    }
}
