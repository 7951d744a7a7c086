//! Values of columns from JSON, as `rntuple show --format ndjson` writes it.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{Column, Members, Values};
use crate::formats::types::type_text;
use crate::output::text::cut;

/// Columns of a piece of a message that are shown.
const SHOWN: usize = 40;

/// What is wrong with a JSON text, and where in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// From 1.
    pub(crate) line: usize,
    /// Bytes, from 1.
    pub(crate) column: usize,
    /// The path of the value, such as `muons[3].pt`; may be empty.
    pub(crate) path: String,
    pub(crate) reason: String,
    /// True when the text is JSON, but not of the type that was expected.
    pub(crate) is_of_type: bool,
}

/// What is said of a key that an object has twice.
pub(crate) const TWICE: &str = "is there twice";

/// How a value is reached: the members of structs, the items of lists. Left standing where an error is found.
type Path = Vec<Step>;

#[derive(Debug, Clone, Copy)]
enum Step {
    Member(usize),
    Item(usize),
}

impl Column {
    /// Takes a JSON value.
    pub(super) fn push_json_text(&mut self, text: &str) -> Result<(), Fault> {
        let mut path = Path::new();
        let mut json = serde_json::Deserializer::from_str(text);
        let pushed = Value { column: self, path: &mut path }.deserialize(&mut json).and_then(|()| json.end());
        pushed.map_err(|error| fault(&error, self.path_text(&path)))
    }

    fn path_text(&self, path: &[Step]) -> String {
        let mut text = String::new();
        self.extend_path(path, &mut text);
        text
    }

    fn extend_path(&self, path: &[Step], text: &mut String) {
        let Some((step, rest)) = path.split_first() else { return };
        match (step, &self.values) {
            (_, Values::Boxed(child)) => child.extend_path(path, text),
            (Step::Member(at), Values::Struct(members)) => {
                if let Some(child) = members.columns.get(*at) {
                    if !text.is_empty() {
                        text.push('.');
                    }
                    text.push_str(&child.key);
                    child.extend_path(rest, text);
                }
            }
            (Step::Item(at), Values::List { item, .. } | Values::Array { item, .. }) => {
                text.push_str(&format!("[{at}]"));
                item.extend_path(rest, text);
            }
            _ => {}
        }
    }
}

impl Members {
    /// Takes one JSON object for all columns.
    pub(crate) fn push_json(&mut self, text: &[u8]) -> Result<(), Fault> {
        let mut path = Path::new();
        let mut json = serde_json::Deserializer::from_slice(text);
        let object = Object { members: self, path: &mut path };
        let pushed = json.deserialize_map(object).and_then(|()| json.end());
        pushed.map_err(|error| {
            let mut name = String::new();
            if let Some((Step::Member(at), rest)) = path.split_first()
                && let Some(column) = self.columns.get(*at)
            {
                name.push_str(&column.key);
                column.extend_path(rest, &mut name);
            }
            fault(&error, name)
        })
    }
}

/// An error without the place that stands at the end of its text.
pub(crate) fn fault(error: &serde_json::Error, path: String) -> Fault {
    let (line, column) = (error.line().max(1), error.column().max(1));
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let reason = text.strip_suffix(&place).unwrap_or(&text).to_owned();
    let is_of_type = error.is_data() && !reason.ends_with(TWICE);
    Fault { line, column, path, reason, is_of_type }
}

/// A piece of JSON in a message.
fn shown(text: &str) -> String {
    crate::output::text::printable(&cut(text, SHOWN)).into_owned()
}

/// Puts the next JSON value into a column.
struct Value<'a> {
    column: &'a mut Column,
    path: &'a mut Path,
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        let Self { column, path } = self;
        let nullable = column.field.is_nullable();
        match &mut column.values {
            Values::Leaf(_) => column.push_leaf(<&RawValue>::deserialize(json)?.get()).map_err(D::Error::custom),
            Values::Boxed(child) => {
                let text = <&RawValue>::deserialize(json)?.get();
                if text == "null" && nullable {
                    column.push_filler();
                    return Ok(());
                }
                let mut inner = serde_json::Deserializer::from_str(text);
                Value { column: child, path }
                    .deserialize(&mut inner)
                    .map_err(|error| D::Error::custom(fault(&error, String::new()).reason))?;
                column.nulls.append_non_null();
                Ok(())
            }
            Values::List { .. } | Values::Array { .. } | Values::Struct(_) => {
                json.deserialize_any(Nested { column, path })
            }
        }
    }
}

impl Column {
    /// Takes a JSON value that has no parts, from its text.
    fn push_leaf(&mut self, text: &str) -> Result<(), String> {
        let expected = type_text(self.field.data_type());
        let wrong = |text: &str| Err(format!("expected {expected}, found {}", shown(text)));
        if text == "null" {
            return if self.push_null() { Ok(()) } else { Err(format!("expected {expected}, found null")) };
        }
        let Values::Leaf(leaf) = &mut self.values else { return wrong(text) };
        let taken = match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
            Some(plain) if !plain.contains('\\') => leaf.in_quotes(plain) && leaf.text(plain),
            Some(_) => {
                let plain: String = serde_json::from_str(text).map_err(|error| fault(&error, String::new()).reason)?;
                leaf.in_quotes(&plain) && leaf.text(&plain)
            }
            None if text.starts_with('{') => match serde_json::from_str::<Bytes>(text) {
                Ok(bytes) => leaf.bytes(&bytes.0),
                Err(_) => false,
            },
            // Dates and texts need quotes; `true` is no text.
            None => !leaf.in_quotes(text) && leaf.text(text),
        };
        if !taken {
            return wrong(text);
        }
        self.nulls.append_non_null();
        Ok(())
    }
}

/// Bytes that are not UTF-8: `{"__bytes_hex__": "00ff"}`.
struct Bytes(Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        let object = std::collections::BTreeMap::<String, String>::deserialize(json)?;
        let digits = object.get("__bytes_hex__").filter(|_| object.len() == 1);
        let digits = digits.ok_or_else(|| D::Error::custom("expected bytes"))?;
        let pairs = digits.as_bytes().chunks(2);
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        let bytes = pairs.map(|pair| if pair.len() == 2 { byte(pair) } else { None }).collect::<Option<Vec<u8>>>();
        bytes.map(Self).ok_or_else(|| D::Error::custom("expected pairs of hexadecimal digits"))
    }
}

/// Puts a list or an object into a column.
struct Nested<'a> {
    column: &'a mut Column,
    path: &'a mut Path,
}

impl<'de> Visitor<'de> for Nested<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.column.values {
            Values::Struct(_) => f.write_str("an object"),
            Values::Array { size, .. } => write!(f, "an array of {size} values"),
            _ => f.write_str("an array"),
        }
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        if self.column.push_null() { Ok(()) } else { Err(E::custom("null, where a value must be")) }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Self { column, path } = self;
        let mut count = 0;
        let (Values::List { item, .. } | Values::Array { item, .. }) = &mut column.values else {
            return Err(A::Error::invalid_type(serde::de::Unexpected::Seq, &"an object"));
        };
        loop {
            path.push(Step::Item(count));
            let next = items.next_element_seed(Value { column: item, path })?;
            path.pop();
            if next.is_none() {
                break;
            }
            count += 1;
        }
        match &mut column.values {
            Values::List { ends, .. } => {
                let end = ends.last().copied().unwrap_or(0);
                ends.push(end.saturating_add(i64::try_from(count).unwrap_or(i64::MAX)));
            }
            Values::Array { size, .. } if *size != count => {
                return Err(A::Error::custom(format!("expected an array of {size} values, found {count}")));
            }
            _ => {}
        }
        column.nulls.append_non_null();
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<(), A::Error> {
        let Self { column, path } = self;
        let Values::Struct(members) = &mut column.values else {
            return Err(A::Error::invalid_type(serde::de::Unexpected::Map, &"an array"));
        };
        Object { members, path }.visit_map(object)?;
        column.nulls.append_non_null();
        Ok(())
    }
}

/// Puts an object into the columns of its members.
struct Object<'a> {
    members: &'a mut Members,
    path: &'a mut Path,
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let Self { members, path } = self;
        members.objects += 1;
        let mut expected = 0;
        while let Some(found) = object.next_key_seed(Key { members, expected })? {
            let at = match found {
                Ok(at) => at,
                Err(key) => {
                    // Its value is read first, so that broken JSON is called that.
                    object.next_value::<IgnoredAny>()?;
                    return Err(A::Error::custom(format!("key {key:?} is not in the schema")));
                }
            };
            let Some((column, seen)) = members.columns.get_mut(at).zip(members.seen.get_mut(at)) else { break };
            if std::mem::replace(seen, members.objects) == members.objects {
                return Err(A::Error::custom(format!("key {:?} {TWICE}", column.key)));
            }
            path.push(Step::Member(at));
            object.next_value_seed(Value { column, path })?;
            path.pop();
            expected = at + 1;
        }
        for (column, seen) in members.columns.iter_mut().zip(&members.seen) {
            if *seen != members.objects && !column.push_null() {
                return Err(A::Error::custom(format!("key {:?} is missing", column.key)));
            }
        }
        Ok(())
    }
}

/// Finds the member that a key names. Objects mostly have their keys in the same order.
struct Key<'a> {
    members: &'a Members,
    expected: usize,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Result<usize, String>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Result<usize, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        match self.members.columns.get(self.expected) {
            Some(column) if column.key == key => Ok(Ok(self.expected)),
            _ => Ok(self.members.by_key.get(key).copied().ok_or_else(|| key.to_owned())),
        }
    }
}
