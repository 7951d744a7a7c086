//! What the members of JSON objects are.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::formats::columns::leaf::is_integer;
use crate::formats::columns::{Fault, KEY, TWICE, fault};
use crate::formats::names;
use crate::formats::schema::Wanted;

/// What has been seen of all rows.
#[derive(Debug, Default)]
pub(super) struct Objects {
    members: Members,
}

/// What has been seen of objects.
#[derive(Debug, Default)]
struct Members {
    members: Vec<Member>,
    by_key: HashMap<String, usize>,
    objects: u64,
}

#[derive(Debug)]
struct Member {
    key: String,
    value: Seen,
    /// Objects that have it.
    objects: u64,
    /// The last of them.
    last: u64,
}

/// What has been seen of a value.
#[derive(Debug, Default)]
struct Seen {
    null: bool,
    /// What it is, and the line where it was so first.
    kind: Option<(Kind, u64)>,
    /// Integers from -2^63, integers from 2^63, and other numbers.
    negative: bool,
    large: bool,
    double: bool,
    item: Option<Box<Seen>>,
    members: Members,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Flag,
    Number,
    Text,
    List,
    Object,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flag => "true or false",
            Self::Number => "a number",
            Self::Text => "a string",
            Self::List => "an array",
            Self::Object => "an object",
        })
    }
}

/// What holds for one row.
struct Context<'a> {
    line: u64,
    path: Vec<Step>,
    /// Whether a double was so large that it may have been written as an integer.
    large: Option<Vec<Step>>,
    wanted: &'a Wanted,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Member(usize),
    Item(usize),
}

impl Objects {
    /// Looks at one row.
    pub(super) fn see(&mut self, text: &[u8], line: u64, wanted: &Wanted) -> Result<(), Fault> {
        let mut context = Context { line, path: Vec::new(), large: None, wanted };
        let mut json = serde_json::Deserializer::from_slice(text);
        let object = Object { members: &mut self.members, context: &mut context, top: true };
        let seen = json.deserialize_map(object).and_then(|()| json.end());
        seen.map_err(|error| fault(&error, self.members.path_text(&context.path)))?;
        if let Some(path) = context.large
            && let Some((at, digits)) = long_integer(text)
        {
            let reason = format!(
                "{digits} has more than 64 bits; write it as a string, or use --schema or --types with float64, which \
                 keeps 15 digits"
            );
            let before = text.get(..at).unwrap_or_default();
            let line = 1 + memchr::memchr_iter(b'\n', before).count();
            let column = at - memchr::memrchr(b'\n', before).map_or(0, |feed| feed + 1) + 1;
            return Err(Fault { line, column, path: self.members.path_text(&path), reason, is_of_type: false });
        }
        Ok(())
    }

    /// Whether a row has this key.
    pub(super) fn has(&self, key: &str) -> bool {
        self.members.by_key.contains_key(key)
    }

    /// The fields that hold all that was seen.
    pub(super) fn fields(&self, wanted: &Wanted, warn: &mut dyn FnMut(String)) -> Result<Fields, String> {
        self.members.fields("", Some(wanted), warn)
    }
}

impl Members {
    fn fields(&self, path: &str, wanted: Option<&Wanted>, warn: &mut dyn FnMut(String)) -> Result<Fields, String> {
        let keys: Vec<String> = self.members.iter().map(|member| member.key.clone()).collect();
        let names = names::distinct(&keys, &mut *warn);
        let field = |(member, name): (&Member, String)| -> Result<FieldRef, String> {
            let path = if path.is_empty() { member.key.clone() } else { format!("{path}.{}", member.key) };
            let (data_type, nullable) = match wanted.and_then(|wanted| wanted.type_of(&member.key)) {
                Some(given) => given.clone(),
                None => (member.value.data_type(&path, warn)?, member.value.null || member.objects < self.objects),
            };
            let renamed = name != member.key;
            let field = Field::new(name, data_type, nullable);
            let metadata = HashMap::from([(KEY.to_owned(), member.key.clone())]);
            Ok(Arc::new(if renamed { field.with_metadata(metadata) } else { field }))
        };
        self.members.iter().zip(names).map(field).collect()
    }

    fn path_text(&self, path: &[Step]) -> String {
        let mut text = String::new();
        if let Some((Step::Member(at), rest)) = path.split_first()
            && let Some(member) = self.members.get(*at)
        {
            text.push_str(&member.key);
            member.value.extend_path(rest, &mut text);
        }
        text
    }
}

impl Seen {
    fn extend_path(&self, path: &[Step], text: &mut String) {
        match path.split_first() {
            Some((Step::Item(at), rest)) => {
                text.push_str(&format!("[{at}]"));
                if let Some(item) = &self.item {
                    item.extend_path(rest, text);
                }
            }
            Some((Step::Member(_), _)) => {
                text.push('.');
                text.push_str(&self.members.path_text(path));
            }
            None => {}
        }
    }

    fn data_type(&self, path: &str, warn: &mut dyn FnMut(String)) -> Result<DataType, String> {
        Ok(match self.kind {
            // Never there, or always null.
            None => DataType::Utf8,
            Some((Kind::Text, _)) => DataType::Utf8,
            Some((Kind::Flag, _)) => DataType::Boolean,
            Some((Kind::Number, _)) => match (self.double, self.large, self.negative) {
                (true, ..) => DataType::Float64,
                (false, true, true) => {
                    return Err(format!(
                        "{path}: some numbers are negative, others need 64 bits without a sign; use --schema or --types \
                         with float64, which keeps 15 digits"
                    ));
                }
                (false, true, false) => DataType::UInt64,
                (false, false, _) => DataType::Int64,
            },
            Some((Kind::List, _)) => {
                let nothing = Self::default();
                let item = self.item.as_deref().unwrap_or(&nothing);
                let data_type = item.data_type(&format!("{path}[]"), warn)?;
                DataType::List(Arc::new(Field::new("_0", data_type, item.null)))
            }
            Some((Kind::Object, _)) => DataType::Struct(self.members.fields(path, None, warn)?),
        })
    }

    /// Says that the value is of a kind, which must be that of all.
    fn is<E: serde::de::Error>(&mut self, kind: Kind, context: &Context<'_>) -> Result<(), E> {
        match self.kind {
            Some((before, line)) if before != kind => Err(E::custom(format!(
                "{kind}, but {before} in line {line}; a column has one type: make them the same"
            ))),
            Some(_) => Ok(()),
            None => {
                self.kind = Some((kind, context.line));
                Ok(())
            }
        }
    }
}

/// An integer in a JSON text that 64 bits do not hold, and where it is.
fn long_integer(text: &[u8]) -> Option<(usize, &str)> {
    let mut at = 0;
    while let Some(&sign) = text.get(at) {
        let start = at;
        at += 1;
        match sign {
            b'"' => loop {
                match text.get(at)? {
                    b'"' => break at += 1,
                    b'\\' => at += 2,
                    _ => at += 1,
                }
            },
            b'-' | b'0'..=b'9' => {
                let is_part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'+' | b'-');
                at += text.get(at..)?.iter().position(|b| !is_part(b))?;
                let number = std::str::from_utf8(text.get(start..at)?).ok()?;
                let whole = number.trim_start_matches('-').bytes().all(|b| b.is_ascii_digit());
                if whole && is_integer(number) == (false, false) {
                    return Some((start, number));
                }
            }
            _ => {}
        }
    }
    None
}

/// Looks at the next value.
struct Look<'a, 'c> {
    seen: &'a mut Seen,
    context: &'a mut Context<'c>,
}

impl<'de> DeserializeSeed<'de> for Look<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Look<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.seen.null = true;
        Ok(())
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<(), E> {
        self.seen.is(Kind::Flag, self.context)
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.seen.negative |= value < 0;
        self.seen.is(Kind::Number, self.context)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.seen.large |= i64::try_from(value).is_err();
        self.seen.is(Kind::Number, self.context)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        // 2^63: where integers do not fit any more.
        if value.abs() >= 9_223_372_036_854_775_808.0 {
            self.context.large = Some(self.context.path.clone());
        }
        self.seen.double = true;
        self.seen.is(Kind::Number, self.context)
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<(), E> {
        self.seen.is(Kind::Text, self.context)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Self { seen, context } = self;
        seen.is(Kind::List, context)?;
        let item = seen.item.get_or_insert_default();
        for at in 0.. {
            context.path.push(Step::Item(at));
            let next = items.next_element_seed(Look { seen: item, context })?;
            context.path.pop();
            if next.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<(), A::Error> {
        let Self { seen, context } = self;
        seen.is(Kind::Object, context)?;
        Object { members: &mut seen.members, context, top: false }.visit_map(object)
    }
}

/// Looks at the members of an object.
struct Object<'a, 'c> {
    members: &'a mut Members,
    context: &'a mut Context<'c>,
    top: bool,
}

impl<'de> Visitor<'de> for Object<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let Self { members, context, top } = self;
        members.objects += 1;
        while let Some(key) = object.next_key::<String>()? {
            let next = members.members.len();
            let at = *members.by_key.entry(key).or_insert_with_key(|key| {
                let value = Seen::default();
                members.members.push(Member { key: key.clone(), value, objects: 0, last: 0 });
                next
            });
            let Some(member) = members.members.get_mut(at) else { break };
            if std::mem::replace(&mut member.last, members.objects) == members.objects {
                return Err(A::Error::custom(format!("key {:?} {TWICE}", member.key)));
            }
            member.objects += 1;
            if top && context.wanted.type_of(&member.key).is_some() {
                object.next_value::<IgnoredAny>()?;
                continue;
            }
            context.path.push(Step::Member(at));
            object.next_value_seed(Look { seen: &mut member.value, context })?;
            context.path.pop();
        }
        Ok(())
    }
}
