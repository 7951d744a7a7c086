//! `rntuple schema`: which fields are there, and how are they stored?

use std::collections::HashMap;

use arrow::datatypes::{DataType, Field as ArrowField, FieldRef};
use rntuple_core::schema::{Column, ColumnId, ColumnType, Field, FieldId, FieldRole, Schema as Fields};
use rntuple_io::NTuple;
use serde_json::{Map, Value, json};

use super::{Console, open, version};
use crate::cli::Schema;
use crate::error::Result;
use crate::output::text::{counted, printable};
use crate::output::tree::{Branch, render};

/// What both forms of output need beside the schema itself.
struct Context<'a> {
    fields: &'a Fields,
    /// Why a top-level field cannot be read.
    unavailable: HashMap<String, String>,
    /// Whether Arrow types are shown.
    arrow: bool,
}

pub(super) fn run(args: &Schema, console: &mut Console<'_>) -> Result<()> {
    let ntuple = open(&args.source)?;
    let fields = ntuple.schema();
    let arrow = if args.arrow { Some(ntuple.arrow_schema()?) } else { None };
    let context =
        Context { fields, unavailable: ntuple.unavailable()?.iter().cloned().collect(), arrow: arrow.is_some() };
    let arrow_of = |field: &Field| {
        let (_, found) = arrow.as_ref()?.fields().find(&field.name)?;
        Some(found.clone())
    };
    if args.json {
        let top_level = fields.top_level().map(|field| context.to_json(field, arrow_of(field).as_ref()));
        return console.print_json(&summary(&ntuple, &top_level.collect::<Vec<_>>()));
    }
    let roots: Vec<Branch> = fields.top_level().map(|field| context.branch(field, arrow_of(field).as_ref())).collect();
    console.print(&title(&ntuple))?;
    console.print(&render(&roots))
}

/// The lines above the tree.
fn title(ntuple: &NTuple) -> String {
    let mut text = format!(
        "{}: {}, format {}, written by {}\n",
        printable(ntuple.name()),
        counted(ntuple.entries(), "entry", "entries"),
        version(ntuple.format_version()),
        printable(ntuple.writer()),
    );
    if !ntuple.description().is_empty() {
        text += &format!("{}\n", printable(ntuple.description()));
    }
    let sets = ntuple.attribute_sets();
    if !sets.is_empty() {
        text += &format!("attribute sets: {}\n", printable(&sets.join(", ")));
    }
    text.push('\n');
    text
}

fn summary(ntuple: &NTuple, fields: &[Value]) -> Value {
    json!({
        "name": ntuple.name(),
        "description": ntuple.description(),
        "entries": ntuple.entries(),
        "format_version": version(ntuple.format_version()),
        "writer": ntuple.writer(),
        "attribute_sets": ntuple.attribute_sets(),
        "fields": fields,
    })
}

impl Context<'_> {
    /// Why the field itself (not one below it) cannot be read; at the top level, why the whole field cannot.
    fn problem<'a>(&'a self, field: &'a Field) -> Option<&'a str> {
        let whole = field.parent.is_none().then(|| self.unavailable.get(&*field.name).map(String::as_str));
        whole.flatten().or(field.problem.as_deref())
    }

    fn source(&self, field: &Field) -> Option<String> {
        field.source.map(|source| self.fields.path(source))
    }

    /// The columns of each representation. Those of a projected field are its source's, and shown there.
    fn representations<'a>(&'a self, field: &'a Field) -> impl Iterator<Item = Vec<&'a Column>> {
        let own = field.source.is_none();
        let columns = |ids: &[ColumnId]| ids.iter().filter_map(|id| self.fields.column(*id)).collect();
        self.fields.representations(field).filter(move |_| own).map(columns)
    }

    fn branch(&self, field: &Field, arrow: Option<&FieldRef>) -> Branch {
        let mut details = vec![type_text(field)];
        if self.arrow {
            details.push(arrow.map(|arrow| arrow_text(arrow)).unwrap_or_default());
        }
        details.push(match self.source(field) {
            Some(source) => format!("-> {source}"),
            None => {
                let representation =
                    |columns: Vec<&Column>| columns.into_iter().map(encoding).collect::<Vec<_>>().join(" + ");
                self.representations(field).map(representation).collect::<Vec<_>>().join(" | ")
            }
        });
        details.push(self.marks(field).join(", "));
        let mut notes = Vec::new();
        if !field.description.is_empty() {
            notes.push(field.description.to_string());
        }
        if let Some(problem) = self.problem(field) {
            notes.push(format!("cannot be read: {problem}"));
        }
        let children = self.fields.children(field).enumerate();
        let children = children.map(|(at, child)| self.branch(child, arrow_below(field, arrow, at, child).as_ref()));
        Branch { label: field.name.to_string(), details, notes, children: children.collect() }
    }

    /// What is unusual about a field.
    fn marks(&self, field: &Field) -> Vec<&'static str> {
        let mut marks = Vec::new();
        if field.soa {
            marks.push("SoA");
        }
        if field.extension {
            marks.push("added while writing");
        }
        if self.representations(field).flatten().any(|column| column.deferred) {
            marks.push("deferred");
        }
        marks
    }

    fn to_json(&self, field: &Field, arrow: Option<&FieldRef>) -> Value {
        let mut object = Map::new();
        let mut put = |key: &str, value: Value| {
            object.insert(key.to_owned(), value);
        };
        put("name", json!(field.name));
        put("path", json!(self.fields.path(field.id)));
        put("type", json!(field.type_name));
        if !field.type_alias.is_empty() {
            put("alias", json!(field.type_alias));
        }
        put("role", json!(role(field.role)));
        if let Some(repetitions) = field.repetitions {
            put("repetitions", json!(repetitions));
        }
        if !field.description.is_empty() {
            put("description", json!(field.description));
        }
        put("field_version", json!(field.version));
        put("type_version", json!(field.type_version));
        if let Some(checksum) = field.type_checksum {
            put("type_checksum", json!(checksum));
        }
        for (key, set) in [("soa", field.soa), ("extension", field.extension)] {
            if set {
                put(key, Value::Bool(true));
            }
        }
        if let Some(source) = self.source(field) {
            put("source", json!(source));
        }
        if let Some(problem) = self.problem(field) {
            put("unavailable", json!(problem));
        }
        if let Some(arrow) = arrow {
            put("arrow", json!(arrow.data_type().to_string()));
            put("nullable", json!(arrow.is_nullable()));
        }
        let columns = |columns: Vec<&Column>| Value::Array(columns.into_iter().map(column_json).collect());
        put("representations", Value::Array(self.representations(field).map(columns).collect()));
        let children = self.fields.children(field).enumerate();
        let children = children.map(|(at, child)| self.to_json(child, arrow_below(field, arrow, at, child).as_ref()));
        put("fields", Value::Array(children.collect()));
        Value::Object(object)
    }
}

/// The C++ type, and the name that the user gave it.
pub(super) fn type_text(field: &Field) -> String {
    let own = match (&*field.type_name, field.role) {
        ("", FieldRole::Record) => "(record)",
        ("", FieldRole::Collection) => "(collection)",
        (name, _) => name,
    };
    if field.type_alias.is_empty() { own.to_owned() } else { format!("{own} (alias {})", field.type_alias) }
}

/// A column's type, with what its name does not say.
pub(super) fn encoding(column: &Column) -> String {
    match (column.kind, column.range) {
        (ColumnType::Real32Quant, Some((min, max))) => format!("Real32Quant({} bits, {min}..{max})", column.bits),
        (ColumnType::Real32Trunc | ColumnType::Real32Quant, _) => format!("{}({} bits)", column.kind, column.bits),
        (kind, _) => kind.to_string(),
    }
}

fn column_json(column: &Column) -> Value {
    let mut object = Map::new();
    let ColumnId(id) = column.id;
    object.insert("column".to_owned(), json!(id));
    object.insert("type".to_owned(), json!(column.kind.to_string()));
    object.insert("bits".to_owned(), json!(column.bits));
    if let Some((min, max)) = column.range {
        object.insert("range".to_owned(), json!([min, max]));
    }
    if column.deferred {
        object.insert("first_element".to_owned(), json!(column.first_element));
        object.insert("suppressed".to_owned(), json!(column.suppressed_deferred));
    }
    Value::Object(object)
}

fn role(role: FieldRole) -> String {
    match role {
        FieldRole::Plain => "plain".to_owned(),
        FieldRole::Collection => "collection".to_owned(),
        FieldRole::Record => "record".to_owned(),
        FieldRole::Variant => "variant".to_owned(),
        FieldRole::Streamer => "streamer".to_owned(),
        FieldRole::Unknown(code) => format!("unknown ({code:#06x})"),
        other => format!("{other:?}").to_lowercase(),
    }
}

/// An Arrow type without what stands below it in the tree anyhow.
fn arrow_text(arrow: &ArrowField) -> String {
    let own = match arrow.data_type() {
        DataType::List(_) => "List".to_owned(),
        DataType::LargeList(_) => "LargeList".to_owned(),
        DataType::FixedSizeList(item, size) if item.data_type().is_nested() => format!("FixedSizeList[{size}]"),
        DataType::FixedSizeList(item, size) => format!("FixedSizeList[{size}] of {}", item.data_type()),
        DataType::Struct(_) => "Struct".to_owned(),
        DataType::Map(..) => "Map".to_owned(),
        DataType::Union(..) => "Union".to_owned(),
        other => other.to_string(),
    };
    if arrow.is_nullable() { format!("{own}, nullable") } else { own }
}

/// The Arrow field of subfield number `at`, given that of the field above it.
fn arrow_below(field: &Field, arrow: Option<&FieldRef>, at: usize, child: &Field) -> Option<FieldRef> {
    let arrow = arrow?;
    let wrapper = field.parsed_type().is_nullable() || (field.role == FieldRole::Plain && field.repetitions.is_none());
    match arrow.data_type() {
        // Only there to be null: a struct of one field, the optional's own.
        DataType::Struct(members) if wrapper && arrow.metadata().contains_key("rntuple.boxed") => {
            members.first().cloned()
        }
        // An optional, an enum, an atomic are one with what is in them.
        _ if wrapper => Some(arrow.as_ref().clone().with_nullable(false).into()),
        DataType::Struct(members) => members.find(&child.name).map(|(_, member)| member.clone()),
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::FixedSizeList(item, _)
        | DataType::Map(item, _) => Some(item.clone()),
        // Number 0 is the valueless state.
        DataType::Union(alternatives, _) => {
            let number = i8::try_from(at + 1).ok()?;
            alternatives.iter().find(|(id, _)| *id == number).map(|(_, alternative)| alternative.clone())
        }
        _ => None,
    }
}

/// The top-level field above a field, or the field itself.
pub(super) fn top_level_of(fields: &Fields, mut id: FieldId) -> FieldId {
    while let Some(parent) = fields.field(id).and_then(|field| field.parent) {
        id = parent;
    }
    id
}
