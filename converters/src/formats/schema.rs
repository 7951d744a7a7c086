//! Schemas that users give for text, which has none of its own.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use rntuple_io::Reader;
use serde_json::Value;

use super::feed::table;
use super::types;
use crate::error::{Error, Result};

/// Rows whose texts tell the types, unless the user says otherwise.
pub(crate) const INFER_ROWS: u64 = 100_000;
/// Bytes of a schema, at most.
const MAX_SCHEMA: u64 = 64 << 20;
/// What a projected field remembers of its source.
const SOURCE: &str = "rntuple.source";

/// What the user says about the columns of a text.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// A file that tells all of them.
    pub(crate) schema: Option<PathBuf>,
    /// Types of single columns, by name.
    pub(crate) types: Vec<(String, (DataType, bool))>,
    /// Rows that tell the types of others; `None` for all.
    pub(crate) infer_rows: Option<u64>,
}

impl Default for Wanted {
    fn default() -> Self {
        Self { schema: None, types: Vec::new(), infer_rows: Some(INFER_ROWS) }
    }
}

impl Wanted {
    /// The fields of the schema file, if there is one.
    pub(super) fn fields(&self) -> Result<Option<Fields>> {
        let Some(path) = &self.schema else { return Ok(None) };
        let fields = load(path)?;
        let typed = |field: &FieldRef| match self.type_of(field.name()) {
            Some((data_type, nullable)) => Arc::new(Field::new(field.name(), data_type.clone(), *nullable)),
            None => Arc::clone(field),
        };
        Ok(Some(fields.iter().map(typed).collect()))
    }

    pub(super) fn type_of(&self, name: &str) -> Option<&(DataType, bool)> {
        self.types.iter().rev().find(|(known, _)| known == name).map(|(_, wanted)| wanted)
    }

    /// Refuses types for columns that are not there.
    pub(super) fn check_names(&self, file: &str, is_there: impl Fn(&str) -> bool) -> Result<()> {
        match self.types.iter().find(|(name, _)| !is_there(name)) {
            Some((name, _)) => Err(table(file, format!("--types names the column {name:?}, which is not there"))),
            None => Ok(()),
        }
    }

    /// What to do about a value that the type of its column does not take.
    pub(super) fn remedy(&self, name: &str, inferred: bool, type_text: &str) -> String {
        if !inferred {
            return format!("the type was given; to take it, give {type_text}");
        }
        match self.infer_rows {
            Some(rows) => format!(
                "the type comes from the first rows ({rows} at most): use --infer-rows all, or --types '{name}={type_text}'"
            ),
            None => format!("use --types '{name}={type_text}'"),
        }
    }
}

/// The schema in a file: that of an RNTuple; JSON as `rntuple schema --json --arrow` prints it; or lines of `name: type`.
fn load(path: &Path) -> Result<Fields> {
    let name = path.to_string_lossy();
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| {
        let start = file.take(MAX_SCHEMA).read_to_end(&mut bytes);
        start.map(|_| ())
    });
    read.map_err(|source| Error::Io { file: name.to_string(), source })?;
    if bytes.starts_with(b"root") {
        let scan = Reader::open(path)?.only()?.scan();
        // Bytes that are not UTF-8 pass as they are.
        let schema = scan.strings_as_binary(true).open()?.schema();
        return Ok(schema.fields().iter().map(real).collect());
    }
    let text = String::from_utf8(bytes).map_err(|_| table(&name, "neither an RNTuple nor text"))?;
    let fields = match text.trim_start().starts_with(['{', '[']) {
        true => from_json(&text),
        false => from_lines(&text),
    };
    fields.map_err(|reason| table(&name, reason))
}

/// The field with values of its own, if it shows those of another one.
fn real(field: &FieldRef) -> FieldRef {
    let mut metadata = field.metadata().clone();
    if metadata.remove(SOURCE).is_none() {
        return Arc::clone(field);
    }
    Arc::new(field.as_ref().clone().with_metadata(metadata))
}

/// One field per line: a name, a colon, a type; lines that start with `#` are comments.
fn from_lines(text: &str) -> Result<Fields, String> {
    let mut fields = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let place = |reason: String| format!("line {}: {reason}", at + 1);
        let (name, of) = line
            .split_once(':')
            .ok_or_else(|| place(format!("{line:?} is not of the form NAME: TYPE, such as pt: float32")))?;
        let (data_type, nullable) = types::parse(of).map_err(place)?;
        fields.push(Field::new(name.trim(), data_type, nullable));
    }
    Ok(fields.into())
}

/// What is expected of a schema in JSON.
const FORM: &str = "expected what `rntuple schema --json --arrow` prints: \
                    {\"fields\": [{\"name\": \"pt\", \"arrow\": \"Float32\", \"nullable\": false}]}";

fn from_json(text: &str) -> Result<Fields, String> {
    let json: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let fields = json.get("fields").unwrap_or(&json).as_array().ok_or(FORM)?;
    fields.iter().map(field_from_json).collect()
}

fn field_from_json(field: &Value) -> Result<Field, String> {
    let name = field.get("name").and_then(Value::as_str).ok_or(FORM)?;
    let data_type = type_from_json(field).map_err(|reason| format!("field {name:?}: {reason}"))?;
    Ok(Field::new(name, data_type, field.get("nullable").and_then(Value::as_bool).unwrap_or(false)))
}

/// Types with others in them are put together from the fields below, others are known by name.
fn type_from_json(field: &Value) -> Result<DataType, String> {
    let arrow = field.get("arrow").and_then(Value::as_str).ok_or(FORM)?;
    let stored = field.get("type").and_then(Value::as_str).unwrap_or_default();
    let below = field.get("fields").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let kind = arrow.split_once('(').map_or(arrow, |(kind, _)| kind);
    let is_optional = stored.starts_with("std::optional<") || stored.starts_with("std::unique_ptr<");
    match (kind, below) {
        (_, [value]) if is_optional => type_from_json(value),
        ("List" | "LargeList", [item]) => Ok(DataType::List(Arc::new(field_from_json(item)?))),
        ("Map", [pair]) => Ok(DataType::Map(Arc::new(field_from_json(pair)?), false)),
        ("FixedSizeList", _) if !stored.is_empty() => {
            let size = field.get("repetitions").and_then(Value::as_i64).and_then(|size| i32::try_from(size).ok());
            let item = match below {
                [item] => field_from_json(item)?,
                // A set of bits.
                _ => Field::new("_0", DataType::Boolean, false),
            };
            Ok(DataType::FixedSizeList(Arc::new(item), size.unwrap_or(0)))
        }
        ("Struct", members) if !members.is_empty() => {
            Ok(DataType::Struct(members.iter().map(field_from_json).collect::<Result<_, _>>()?))
        }
        _ => arrow.parse::<DataType>().or_else(|_| types::parse(arrow).map(|(data_type, _)| data_type)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_are_lines_or_json() {
        let lines = from_lines("# muons\npt: float32\n\n charge : int8?\nhits: list<float64>\n").unwrap();
        let json = from_json(
            r#"{"fields": [{"name": "pt", "arrow": "Float32", "nullable": false},
                {"name": "charge", "arrow": "Int8", "nullable": true},
                {"name": "hits", "arrow": "list<float64>"}]}"#,
        );
        assert_eq!(Ok(lines), json);
        assert_eq!(
            from_lines("a: int64\nb float64").unwrap_err(),
            "line 2: \"b float64\" is not of the form NAME: TYPE, such as pt: float32"
        );
        assert!(from_lines("a: flot").unwrap_err().starts_with("line 1: \"flot\" is not a type"));
        assert!(from_json("{}").unwrap_err().starts_with("expected what"));
        assert!(from_json("[{\"name\": \"a\", \"arrow\": \"Flot\"}]").unwrap_err().starts_with("field \"a\": "));
    }
}
