//! Arrow fields with the metadata that tells a writer which RNTuple field is meant.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields};

use crate::arrow::{BOXED, CHECKSUM, DESCRIPTION, ENCODING, INNER, PREFIX, TYPE, VERSION};
use crate::schema::TypeName;

/// What a derived field says of itself besides its name. Made by `#[derive(Row)]`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Attributes<'a> {
    /// The C++ type in place of the item's own.
    pub type_name: Option<&'a str>,
    /// What the field is.
    pub description: Option<&'a str>,
    /// How its numbers are stored.
    pub encoding: Option<&'a str>,
}

impl Attributes<'_> {
    /// The field with these attributes.
    #[must_use]
    pub fn on(&self, mut field: Field) -> Field {
        if let Some(type_name) = self.type_name {
            field = with_type(field, &normalise(type_name));
        }
        if let Some(encoding) = self.encoding {
            field = with_encoding(field, encoding);
        }
        if let Some(description) = self.description {
            field = with(field, DESCRIPTION, description.to_owned());
        }
        field
    }
}

fn with(mut field: Field, key: &str, value: String) -> Field {
    field.metadata_mut().insert(key.to_owned(), value);
    field
}

/// A field of a C++ type.
pub(super) fn typed(name: &str, data_type: DataType, nullable: bool, type_name: String) -> Field {
    with(Field::new(name, data_type, nullable), TYPE, type_name)
}

/// A collection or record of other types. Without a name for one of them it has none itself: an untyped one.
#[must_use]
pub fn compose(name: &str, arguments: &[String]) -> String {
    if arguments.iter().any(String::is_empty) { String::new() } else { template(name, arguments) }
}

/// A template with its arguments.
pub(super) fn template(name: &str, arguments: &[String]) -> String {
    format!("{name}<{}>", arguments.join(","))
}

/// The C++ type of a field.
#[must_use]
pub fn type_of(field: &Field) -> String {
    field.metadata().get(TYPE).cloned().unwrap_or_default()
}

/// A type name in normal form.
#[must_use]
pub fn normalise(type_name: &str) -> String {
    TypeName::normalise(type_name)
}

/// The field of a record, which a class stands for unless `type_name` is empty.
pub(super) fn class_field(name: &str, type_name: String, members: Vec<Field>) -> Field {
    let members: Fields = members.into();
    let (version, checksum) = class_identity(&type_name, &members);
    let mut field = typed(name, DataType::Struct(members), false, type_name);
    if let Some(version) = version {
        field = with(field, VERSION, version.to_string());
    }
    match checksum {
        Some(checksum) => with(field, CHECKSUM, format!("{checksum:#010x}")),
        None => field,
    }
}

/// Version and checksum of a class that a derived struct stands for. The one place that decides them.
fn class_identity(_type_name: &str, _members: &Fields) -> (Option<u32>, Option<u32>) {
    (None, None)
}

/// A field that has the Arrow type of its one subfield, `inner`, and keeps what that says of itself.
pub(super) fn collapse(name: &str, type_name: String, inner: &Field, nullable: bool) -> Field {
    let mut metadata = HashMap::from([(TYPE.to_owned(), type_name)]);
    for (key, value) in inner.metadata() {
        if let Some(rest) = key.strip_prefix(PREFIX) {
            metadata.insert(format!("{INNER}{rest}"), value.clone());
        }
    }
    Field::new(name, inner.data_type().clone(), nullable).with_metadata(metadata)
}

/// A nullable struct around a subfield that may be null by itself.
pub(super) fn boxed(name: &str, type_name: String, inner: Field) -> Field {
    let field = typed(name, DataType::Struct([inner].into_iter().collect()), true, type_name);
    with(field, BOXED, "true".to_owned())
}

/// The subfield of a field as [`collapse`] made it.
fn inner_of(field: &Field) -> Option<Field> {
    let metadata: HashMap<String, String> = field
        .metadata()
        .iter()
        .filter_map(|(key, value)| Some((format!("{PREFIX}{}", key.strip_prefix(INNER)?), value.clone())))
        .collect();
    (!metadata.is_empty()).then(|| Field::new("_0", field.data_type().clone(), false).with_metadata(metadata))
}

/// Changes the subfield of a field as [`collapse`] made it.
fn map_inner(field: &Field, inner: Field, change: impl FnOnce(Field) -> Field) -> Field {
    let inner = change(inner);
    let type_name = type_of(field);
    let mut out = collapse(field.name(), type_name, &inner, field.is_nullable());
    for (key, value) in field.metadata().iter().filter(|(key, _)| !key.starts_with(INNER)) {
        out.metadata_mut().insert(key.clone(), value.clone());
    }
    out
}

/// Changes the subfields of a field, `change` being given their numbers.
fn map_children(field: Field, change: impl Fn(usize, Field) -> Field) -> Field {
    let change = |i, child: &Arc<Field>| Arc::new(change(i, Field::clone(child)));
    let data_type = match field.data_type() {
        DataType::List(item) => DataType::List(change(0, item)),
        DataType::FixedSizeList(item, size) => DataType::FixedSizeList(change(0, item), *size),
        DataType::Map(item, sorted) => DataType::Map(change(0, item), *sorted),
        DataType::Struct(members) => {
            DataType::Struct(members.iter().enumerate().map(|(i, member)| change(i, member)).collect())
        }
        DataType::Union(fields, mode) => {
            let fields = fields.iter().enumerate().map(|(i, (id, child))| match i.checked_sub(1) {
                Some(alternative) => (id, change(alternative, child)),
                None => (id, Arc::clone(child)),
            });
            DataType::Union(fields.collect(), *mode)
        }
        _ => return field,
    };
    field.with_data_type(data_type)
}

/// The field as a field of another C++ type. What that says of its parts, as `std::vector<char>` does, they become.
fn with_type(field: Field, type_name: &str) -> Field {
    let parts = TypeName::parse(type_name);
    let arguments = parts.arguments.as_slice();
    let field = match (inner_of(&field), arguments) {
        (Some(inner), [value]) => map_inner(&field, inner, |inner| with_type(inner, value)),
        _ => match (field.data_type(), arguments) {
            (DataType::List(_), [item, ..]) if !parts.is_map() && is_standard(parts.name) => {
                map_children(field, |_, child| with_type(child, item))
            }
            // Its items are no fields, so that nothing is said of them.
            (DataType::FixedSizeList(..), [_]) if parts.name == "std::bitset" => {
                map_children(field, |_, child| child.with_metadata(HashMap::new()))
            }
            (DataType::FixedSizeList(..), [item, _]) => map_children(field, |_, child| with_type(child, item)),
            (DataType::Map(..) | DataType::List(_), [key, value]) if parts.is_map() => {
                let pair = format!("std::pair<{key},{value}>");
                map_children(field, |_, child| with_type(child, &pair))
            }
            (DataType::Struct(members), _) if members.len() == arguments.len() && is_standard(parts.name) => {
                map_children(field, |i, child| match arguments.get(i) {
                    Some(argument) => with_type(child, argument),
                    None => child,
                })
            }
            (DataType::Union(..), _) if is_standard(parts.name) => {
                map_children(field, |i, child| match arguments.get(i) {
                    Some(argument) => with_type(child, argument),
                    None => child,
                })
            }
            _ => field,
        },
    };
    with(field, TYPE, type_name.to_owned())
}

/// Whether the arguments of a template say what its parts are.
fn is_standard(template: &str) -> bool {
    template.starts_with("std::") || template.ends_with("RVec")
}

/// The field with an encoding of its columns, or of those of its items.
fn with_encoding(field: Field, encoding: &str) -> Field {
    let is_index = encoding.trim_start_matches("Split").starts_with("Index");
    if let Some(inner) = inner_of(&field) {
        return map_inner(&field, inner, |inner| with_encoding(inner, encoding));
    }
    match field.data_type() {
        DataType::List(_) | DataType::Map(..) if is_index => with(field, ENCODING, encoding.to_owned()),
        DataType::List(_) | DataType::FixedSizeList(..) => {
            map_children(field, |_, child| with_encoding(child, encoding))
        }
        DataType::Struct(_) if field.metadata().contains_key(BOXED) => {
            map_children(field, |_, child| with_encoding(child, encoding))
        }
        _ => with(field, ENCODING, encoding.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::row::Item;

    fn metadata(field: &Field) -> BTreeMap<&str, &str> {
        field.metadata().iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
    }

    fn item(field: &Field) -> &Field {
        match field.data_type() {
            DataType::List(item) | DataType::FixedSizeList(item, _) | DataType::Map(item, _) => item,
            DataType::Struct(members) => &members[0],
            other => panic!("{other}"),
        }
    }

    #[test]
    fn types_of_parts() {
        let change = |field, type_name| Attributes { type_name: Some(type_name), ..Attributes::default() }.on(field);
        let chars = change(Vec::<i8>::field("x"), "ROOT::RVec< char >");
        assert_eq!(metadata(&chars)["rntuple.type"], "ROOT::VecOps::RVec<char>");
        assert_eq!(metadata(item(&chars))["rntuple.type"], "char");
        let map = change(BTreeMap::<u8, [u8; 2]>::field("x"), "std::multimap<std::byte,std::array<std::byte,2>>");
        let pair = item(&map);
        assert_eq!(metadata(pair)["rntuple.type"], "std::pair<std::byte,std::array<std::byte,2>>");
        let DataType::Struct(members) = pair.data_type() else { panic!() };
        assert_eq!(metadata(item(&members[1]))["rntuple.type"], "std::byte");
        let bits = change(<[bool; 3]>::field("x"), "std::bitset<3>");
        assert_eq!(metadata(&bits), BTreeMap::from([("rntuple.type", "std::bitset<3>")]));
        assert!(metadata(item(&bits)).is_empty());
        let class = change(Vec::<i8>::field("x"), "Proxy<char>");
        assert_eq!(metadata(item(&class))["rntuple.type"], "std::int8_t");
        let optional = change(Option::<i8>::field("x"), "std::unique_ptr<char>");
        assert_eq!(
            metadata(&optional),
            BTreeMap::from([("rntuple.type", "std::unique_ptr<char>"), ("rntuple._0.type", "char")])
        );
    }

    #[test]
    fn encodings_of_parts() {
        let change = |field, encoding| Attributes { encoding: Some(encoding), ..Attributes::default() }.on(field);
        let plain = change(f32::field("x"), "Real16");
        assert_eq!(metadata(&plain)["rntuple.encoding"], "Real16");
        let nested = change(Vec::<[f32; 2]>::field("x"), "Real16");
        assert_eq!(metadata(item(item(&nested)))["rntuple.encoding"], "Real16");
        assert!(!metadata(&nested).contains_key("rntuple.encoding"));
        let index = change(Vec::<f32>::field("x"), "SplitIndex32");
        assert_eq!(metadata(&index)["rntuple.encoding"], "SplitIndex32");
        let optional = change(Option::<f32>::field("x"), "Real16");
        assert_eq!(metadata(&optional)["rntuple._0.encoding"], "Real16");
        let boxed = change(Option::<Option<f32>>::field("x"), "Real16");
        assert_eq!(metadata(item(&boxed))["rntuple._0.encoding"], "Real16");
    }
}
