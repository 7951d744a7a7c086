//! Types of columns as users write them: `float64`, `string?`, `list<struct<pt: float32, charge: int8>>`.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, TimeUnit};

/// Types within types, at most.
const DEPTH: usize = 64;

/// What [`parse`] takes, for messages.
pub(crate) const KNOWN: &str = "bool, int8 to int64, uint8 to uint64, float32, float64, string, date, time[us], \
     timestamp[us], timestamp[us, UTC], list<T>, array<T, N>, map<K, V>, struct<name: T, ...>; with ? behind it, it may be \
     missing";

const PLAIN: [(&str, DataType); 22] = [
    ("bool", DataType::Boolean),
    ("int8", DataType::Int8),
    ("int16", DataType::Int16),
    ("int32", DataType::Int32),
    ("int64", DataType::Int64),
    ("uint8", DataType::UInt8),
    ("uint16", DataType::UInt16),
    ("uint32", DataType::UInt32),
    ("uint64", DataType::UInt64),
    ("float16", DataType::Float16),
    ("float32", DataType::Float32),
    ("float64", DataType::Float64),
    ("string", DataType::Utf8),
    ("date", DataType::Date32),
    // Other spellings of the same; the first one is what is printed.
    ("boolean", DataType::Boolean),
    ("int", DataType::Int64),
    ("half", DataType::Float16),
    ("float", DataType::Float32),
    ("double", DataType::Float64),
    ("str", DataType::Utf8),
    ("date32", DataType::Date32),
    ("binary", DataType::Binary),
];

const UNITS: [(&str, TimeUnit); 4] = [
    ("s", TimeUnit::Second),
    ("ms", TimeUnit::Millisecond),
    ("us", TimeUnit::Microsecond),
    ("ns", TimeUnit::Nanosecond),
];

/// A type, and whether its values may be missing.
pub(crate) fn parse(text: &str) -> Result<(DataType, bool), String> {
    let text = text.trim();
    let mut rest = Rest { text };
    let parsed = rest.value(0).and_then(|parsed| match rest.text {
        "" => Ok(parsed),
        more => Err(format!("nothing is expected at {more:?}")),
    });
    parsed.map_err(|reason| format!("{text:?} is not a type: {reason}; known are {KNOWN}"))
}

/// The text that [`parse`] would read as this type; that of Arrow for others.
pub(crate) fn type_text(data_type: &DataType) -> String {
    let item = |field: &Field| field_text(field.data_type(), field.is_nullable());
    let unit = |unit: &TimeUnit| UNITS.iter().find(|(_, known)| known == unit).map_or("", |(name, _)| name);
    if let Some((name, _)) = PLAIN.iter().find(|(_, plain)| plain == data_type) {
        return (*name).to_owned();
    }
    match data_type {
        DataType::LargeUtf8 => "string".to_owned(),
        DataType::LargeBinary => "binary".to_owned(),
        DataType::Time32(of) | DataType::Time64(of) => format!("time[{}]", unit(of)),
        DataType::Timestamp(of, None) => format!("timestamp[{}]", unit(of)),
        DataType::Timestamp(of, Some(zone)) => format!("timestamp[{}, {zone}]", unit(of)),
        DataType::List(field) | DataType::LargeList(field) => format!("list<{}>", item(field)),
        DataType::FixedSizeList(field, size) => format!("array<{}, {size}>", item(field)),
        DataType::Struct(fields) => {
            let members = fields.iter().map(|field| format!("{}: {}", field.name(), item(field)));
            format!("struct<{}>", members.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// As [`type_text`], with the mark of what may be missing.
pub(crate) fn field_text(data_type: &DataType, nullable: bool) -> String {
    let mark = if nullable { "?" } else { "" };
    format!("{}{mark}", type_text(data_type))
}

/// What is not read yet.
struct Rest<'a> {
    text: &'a str,
}

impl<'a> Rest<'a> {
    /// A type, with its question mark.
    fn value(&mut self, depth: usize) -> Result<(DataType, bool), String> {
        if depth > DEPTH {
            return Err("too many types within types".to_owned());
        }
        let data_type = self.data_type(depth)?;
        Ok((data_type, self.eat("?")))
    }

    fn data_type(&mut self, depth: usize) -> Result<DataType, String> {
        let name = self.word();
        let field = |name: &str, (data_type, nullable)| Arc::new(Field::new(name, data_type, nullable));
        match name {
            "list" | "vector" => {
                self.expect("<")?;
                let item = self.value(depth + 1)?;
                self.expect(">")?;
                Ok(DataType::List(field("_0", item)))
            }
            "array" => {
                self.expect("<")?;
                let item = self.value(depth + 1)?;
                self.expect(",")?;
                let size = self.word().parse().map_err(|_| "an array needs its size, as in array<float32, 3>")?;
                self.expect(">")?;
                Ok(DataType::FixedSizeList(field("_0", item), size))
            }
            "map" => {
                self.expect("<")?;
                let key = self.value(depth + 1)?;
                self.expect(",")?;
                let value = self.value(depth + 1)?;
                self.expect(">")?;
                let pair = DataType::Struct(Fields::from(vec![field("_0", key), field("_1", value)]));
                Ok(DataType::Map(field("_0", (pair, false)), false))
            }
            "struct" => {
                self.expect("<")?;
                let mut members = Vec::new();
                while !self.eat(">") {
                    if !members.is_empty() {
                        self.expect(",")?;
                    }
                    let name = self.word();
                    self.expect(":")?;
                    members.push(field(name, self.value(depth + 1)?));
                }
                Ok(DataType::Struct(members.into()))
            }
            "time" => match self.unit()? {
                unit @ (TimeUnit::Second | TimeUnit::Millisecond) => self.expect("]").map(|()| DataType::Time32(unit)),
                unit => self.expect("]").map(|()| DataType::Time64(unit)),
            },
            "timestamp" => {
                let unit = self.unit()?;
                let zone = if self.eat(",") { Some(Arc::from(self.word())) } else { None };
                self.expect("]")?;
                Ok(DataType::Timestamp(unit, zone))
            }
            name => match PLAIN.iter().find(|(plain, _)| *plain == name) {
                Some((_, data_type)) => Ok(data_type.clone()),
                None => Err(format!("{name:?} is not known")),
            },
        }
    }

    fn unit(&mut self) -> Result<TimeUnit, String> {
        self.expect("[")?;
        let name = self.word();
        let unit = UNITS.iter().find(|(unit, _)| *unit == name);
        unit.map(|(_, unit)| *unit).ok_or_else(|| format!("the unit is s, ms, us or ns, not {name:?}"))
    }

    /// Everything up to a sign that has a meaning.
    fn word(&mut self) -> &'a str {
        let end = self.text.find(['<', '>', '[', ']', ',', '?', ':']);
        // A zone such as +01:00 has a colon in it.
        let end = match end {
            Some(end) if self.text.starts_with(['+', '-']) => self.text.find(']').unwrap_or(end),
            other => other.unwrap_or(self.text.len()),
        };
        let (word, rest) = self.text.split_at(end);
        self.text = rest;
        word.trim()
    }

    fn eat(&mut self, sign: &str) -> bool {
        match self.text.trim_start().strip_prefix(sign) {
            Some(rest) => {
                self.text = rest.trim_start();
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, sign: &str) -> Result<(), String> {
        if self.eat(sign) { Ok(()) } else { Err(format!("{sign:?} is missing at {:?}", self.text)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_back() {
        for text in [
            "bool",
            "int8?",
            "uint64",
            "float32",
            "float64?",
            "string",
            "binary",
            "date",
            "time[us]",
            "time[ms]?",
            "timestamp[ns]",
            "timestamp[us, UTC]?",
            "timestamp[s, +01:00]",
            "list<float32>",
            "list<list<int16?>?>",
            "array<float64, 3>",
            "struct<pt: float32, hits: list<struct<x: float64, id: uint32?>>>?",
            "struct<>",
        ] {
            let (data_type, nullable) = parse(text).unwrap();
            assert_eq!(field_text(&data_type, nullable), text);
        }
        assert_eq!(
            parse(" struct < a:int,b : double ? > ? ").unwrap(),
            parse("struct<a: int64, b: float64?>?").unwrap()
        );
    }

    #[test]
    fn others_are_refused() {
        let deep = "list<".repeat(1000);
        for text in [
            "",
            "?",
            "flot",
            "list",
            "list<",
            "list<>",
            "array<int8>",
            "array<int8, x>",
            "int8 int8",
            "int8??",
            "timestamp",
            "timestamp[h]",
            "struct<a>",
            "map<int8>",
            &deep,
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(
            parse("flot").unwrap_err().starts_with("\"flot\" is not a type: \"flot\" is not known; known are bool, ")
        );
    }
}
