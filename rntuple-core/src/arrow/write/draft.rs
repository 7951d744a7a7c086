//! From an Arrow field to the RNTuple field that it becomes, before anything has a number.

use arrow::datatypes::{DataType, Field as ArrowField, Fields, UnionMode};

use super::metadata::Metadata;
use super::types::{Content, advice, is_nullable, is_number_name, is_standard, names_number, number_name};
use crate::arrow::node::NumberType;
use crate::arrow::projection::Path;
use crate::error::{Error, Result};
use crate::schema::{ColumnEncoding, FieldRole, TypeName};

/// A field to be, with everything below it.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) type_name: String,
    pub(super) alias: String,
    pub(super) description: String,
    pub(super) version: u32,
    pub(super) checksum: Option<u32>,
    pub(super) role: FieldRole,
    pub(super) repetitions: Option<u64>,
    pub(super) soa: bool,
    /// Path of the field that a projected field shows.
    pub(super) source: Option<String>,
    pub(super) encodings: Vec<ColumnEncoding>,
    pub(super) shape: Form,
    pub(super) children: Vec<Draft>,
}

/// How Arrow arrays are taken apart into columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Values of one column. `half`: Arrow half floats, which are widened first.
    Number { number: NumberType, half: bool },
    /// Strings or bytes: an index column, and a column of bytes that may belong to the child.
    Bytes,
    /// An index column; the child has the items.
    List,
    /// `n` elements of the child.
    Array(usize),
    /// `n` elements of the field's own column.
    Numbers(usize, NumberType),
    /// The children side by side.
    Record,
    /// A switch column; one of the children.
    Variant,
    /// An index column; the child is there or not. `boxed`: it is the only member of a struct.
    Optional { boxed: bool },
    /// What the child is.
    Wrapper,
}

/// Options that bear on single fields.
pub(super) trait Choices {
    /// The encoding of a column, by the path of its field.
    fn encoding(&self, path: &Path<'_>, content: Content, stored: Option<&ColumnEncoding>) -> Result<ColumnEncoding>;
}

pub(super) struct Drafter<'a> {
    pub(super) choices: &'a dyn Choices,
    /// Whether the encodings that the metadata name count.
    pub(super) keep: bool,
}

/// Where a field is: its path, and whether a type name above it must spell its own.
#[derive(Clone, Copy)]
struct Place<'a> {
    path: &'a Path<'a>,
    named: bool,
}

fn refuse(path: &Path<'_>, reason: impl Into<String>) -> Error {
    Error::Unwritable { field: path.full(), reason: reason.into() }
}

impl Drafter<'_> {
    /// The field that a top-level Arrow field becomes.
    pub(super) fn top(&self, arrow: &ArrowField) -> Result<Draft> {
        let path = Path::top(arrow.name());
        self.field(arrow, Metadata::of(arrow), arrow.is_nullable(), Place { path: &path, named: false })
    }

    fn field(&self, arrow: &ArrowField, metadata: Metadata<'_>, nullable: bool, place: Place<'_>) -> Result<Draft> {
        check_name(arrow.name(), place.path)?;
        let stored = metadata.type_name();
        let is_union = matches!(arrow.data_type(), DataType::Union(..));
        if (nullable && !is_union && !self.is_wrapper(arrow, metadata)) || stored.is_some_and(is_nullable) {
            return self.optional(arrow, metadata, place);
        }
        if self.is_wrapper(arrow, metadata) {
            return self.wrapper(arrow, metadata, nullable, place);
        }
        self.plain(arrow, metadata, place)
    }

    /// Whether the Arrow field stands for a field that only wraps another one: an atomic or an enum.
    fn is_wrapper(&self, arrow: &ArrowField, metadata: Metadata<'_>) -> bool {
        let Some(stored) = metadata.type_name() else { return false };
        if is_nullable(stored) {
            return false;
        }
        if metadata.inner().type_name().is_some() {
            return true;
        }
        let is_enum = || {
            let is_integer = arrow.data_type().is_integer();
            is_integer && !stored.is_empty() && !is_standard(stored)
        };
        TypeName::parse(stored).name == "std::atomic" || is_enum()
    }

    fn draft(&self, metadata: Metadata<'_>, name: &str, default_type: String) -> Draft {
        Draft {
            name: name.to_owned(),
            type_name: metadata.type_name().map_or(default_type, ToOwned::to_owned),
            alias: metadata.alias().to_owned(),
            description: metadata.description().to_owned(),
            version: metadata.version(),
            checksum: metadata.checksum(),
            role: FieldRole::Plain,
            repetitions: None,
            soa: metadata.is_soa(),
            source: metadata.source().map(ToOwned::to_owned),
            encodings: Vec::new(),
            shape: Form::Record,
            children: Vec::new(),
        }
    }

    fn optional(&self, arrow: &ArrowField, metadata: Metadata<'_>, place: Place<'_>) -> Result<Draft> {
        let path = place.path.child("_0", true);
        let below = Place { path: &path, named: true };
        let boxed = metadata.is_boxed();
        let mut child = match arrow.data_type() {
            DataType::Struct(members) if boxed => {
                let [member] = &**members else {
                    return Err(refuse(place.path, "a boxed value must have one member"));
                };
                self.field(member, Metadata::of(member), member.is_nullable(), below)?
            }
            _ => self.field(arrow, metadata.inner(), false, below)?,
        };
        "_0".clone_into(&mut child.name);
        let mut draft = self.draft(metadata, arrow.name(), String::new());
        if !metadata.type_name().is_some_and(is_nullable) {
            draft.type_name = format!("std::optional<{}>", child.type_name);
        }
        draft.role = FieldRole::Collection;
        draft.shape = Form::Optional { boxed };
        draft.encodings = vec![self.index(place.path, metadata)?];
        draft.children = vec![child];
        Ok(draft)
    }

    fn wrapper(&self, arrow: &ArrowField, metadata: Metadata<'_>, nullable: bool, place: Place<'_>) -> Result<Draft> {
        let path = place.path.child("_0", true);
        let mut child = self.field(arrow, metadata.inner(), nullable, Place { path: &path, named: true })?;
        "_0".clone_into(&mut child.name);
        let mut draft = self.draft(metadata, arrow.name(), String::new());
        draft.shape = Form::Wrapper;
        draft.children = vec![child];
        Ok(draft)
    }

    fn plain(&self, arrow: &ArrowField, metadata: Metadata<'_>, place: Place<'_>) -> Result<Draft> {
        match arrow.data_type() {
            DataType::Float16 => self.number(arrow, metadata, place, NumberType::Float32, true),
            DataType::Utf8 | DataType::LargeUtf8 => self.text(arrow, metadata, place),
            DataType::Binary | DataType::LargeBinary => self.binary(arrow, metadata, place),
            DataType::List(item) | DataType::LargeList(item) => self.list(arrow, metadata, place, item, "std::vector"),
            DataType::Map(entries, _) => self.list(arrow, metadata, place, entries, "std::map"),
            DataType::FixedSizeList(item, n) => self.array(arrow, metadata, place, item, *n),
            DataType::Struct(members) => self.record(arrow, metadata, place, members),
            DataType::Union(..) => self.variant(arrow, metadata, place),
            data_type => match NumberType::of_arrow(data_type) {
                Some(number) => self.number(arrow, metadata, place, number, false),
                None => Err(refuse(place.path, advice(data_type))),
            },
        }
    }

    fn number(
        &self,
        arrow: &ArrowField,
        metadata: Metadata<'_>,
        place: Place<'_>,
        number: NumberType,
        half: bool,
    ) -> Result<Draft> {
        let mut draft = self.draft(metadata, arrow.name(), number_name(number).to_owned());
        // The Arrow type says what the values are; a type name that says otherwise is from before a conversion.
        if is_number_name(&draft.type_name) && !names_number(&draft.type_name, number) {
            number_name(number).clone_into(&mut draft.type_name);
        }
        draft.shape = Form::Number { number, half };
        let content = Content::of(&draft.type_name, number);
        let stored = if half {
            self.stored(metadata).first().copied().or(Some(ColumnEncoding::of(crate::schema::ColumnType::Real16)))
        } else {
            let double32 = draft
                .alias
                .ends_with("Double32_t")
                .then_some(ColumnEncoding::of(crate::schema::ColumnType::SplitReal32));
            self.stored(metadata).first().copied().or(double32)
        };
        draft.encodings = vec![self.choices.encoding(place.path, content, stored.as_ref())?];
        Ok(draft)
    }

    fn stored(&self, metadata: Metadata<'_>) -> Vec<ColumnEncoding> {
        if self.keep { metadata.encoding() } else { Vec::new() }
    }

    fn index(&self, path: &Path<'_>, metadata: Metadata<'_>) -> Result<ColumnEncoding> {
        self.choices.encoding(path, Content::Index, self.stored(metadata).first())
    }

    fn text(&self, arrow: &ArrowField, metadata: Metadata<'_>, place: Place<'_>) -> Result<Draft> {
        let mut draft = self.draft(metadata, arrow.name(), "std::string".to_owned());
        let bytes = self.choices.encoding(place.path, Content::Char, None)?;
        draft.encodings = vec![self.index(place.path, metadata)?, bytes];
        draft.shape = Form::Bytes;
        Ok(draft)
    }

    /// Bytes: a string when the type says so, objects of the ROOT streamer when they are marked, else a collection.
    fn binary(&self, arrow: &ArrowField, metadata: Metadata<'_>, place: Place<'_>) -> Result<Draft> {
        if metadata.type_name().is_some_and(|name| name == "std::string") && !metadata.is_streamer() {
            return self.text(arrow, metadata, place);
        }
        let index = self.index(place.path, metadata)?;
        let path = place.path.child("_0", true);
        let bytes = self.choices.encoding(&path, Content::Byte, None)?;
        let mut draft = self.draft(metadata, arrow.name(), "std::vector<std::byte>".to_owned());
        draft.shape = Form::Bytes;
        if metadata.is_streamer() {
            draft.role = FieldRole::Streamer;
            draft.encodings = vec![index, bytes];
        } else {
            let mut item = self.draft(metadata.inner(), "_0", "std::byte".to_owned());
            item.encodings = vec![bytes];
            item.shape = Form::Number { number: NumberType::UInt8, half: false };
            draft.role = FieldRole::Collection;
            draft.encodings = vec![index];
            draft.children = vec![item];
        }
        Ok(draft)
    }

    /// The item of a collection or array.
    fn item(&self, item: &ArrowField, place: Place<'_>, named: bool) -> Result<Draft> {
        let path = place.path.child("_0", true);
        let place = Place { path: &path, named };
        // The names of items differ between producers of Arrow data; on storage it is always this one.
        let arrow = item.clone().with_name("_0");
        self.field(&arrow, Metadata::of(&arrow), item.is_nullable(), place)
    }

    fn list(
        &self,
        arrow: &ArrowField,
        metadata: Metadata<'_>,
        place: Place<'_>,
        item: &ArrowField,
        template: &str,
    ) -> Result<Draft> {
        let child =
            if template == "std::map" { self.entries(item, place)? } else { self.item(item, place, place.named)? };
        let default = match child.children.as_slice() {
            [key, value] if template == "std::map" => format!("std::map<{},{}>", key.type_name, value.type_name),
            _ if child.type_name.is_empty() => String::new(),
            _ => format!("{template}<{}>", child.type_name),
        };
        let mut draft = self.draft(metadata, arrow.name(), default);
        draft.role = FieldRole::Collection;
        draft.shape = Form::List;
        draft.encodings = vec![self.index(place.path, metadata)?];
        draft.children = vec![child];
        Ok(draft)
    }

    /// The pairs of a map.
    fn entries(&self, entries: &ArrowField, place: Place<'_>) -> Result<Draft> {
        let DataType::Struct(members) = entries.data_type() else {
            return Err(refuse(place.path, "the entries of a map must be structs"));
        };
        let path = place.path.child("_0", true);
        let mut children = self.members(members, Place { path: &path, named: true }, true)?;
        for (child, name) in children.iter_mut().zip(["_0", "_1"]) {
            name.clone_into(&mut child.name);
        }
        let [key, value] = children.as_slice() else {
            return Err(refuse(place.path, "the entries of a map must have a key and a value"));
        };
        let default = format!("std::pair<{},{}>", key.type_name, value.type_name);
        let mut draft = self.draft(Metadata::of(entries), "_0", default);
        draft.role = FieldRole::Record;
        draft.children = children;
        Ok(draft)
    }

    fn array(
        &self,
        arrow: &ArrowField,
        metadata: Metadata<'_>,
        place: Place<'_>,
        item: &ArrowField,
        n: i32,
    ) -> Result<Draft> {
        let n = usize::try_from(n).map_err(|_| refuse(place.path, "arrays need a size that is not negative"))?;
        let is_bitset = metadata.type_name().is_some_and(|name| TypeName::parse(name).name == "std::bitset");
        if is_bitset && item.data_type() == &DataType::Boolean {
            let mut draft = self.draft(metadata, arrow.name(), String::new());
            draft.repetitions = Some(n as u64);
            draft.shape = Form::Numbers(n, NumberType::Bool);
            draft.encodings = vec![self.choices.encoding(place.path, Content::Number(NumberType::Bool), None)?];
            return Ok(draft);
        }
        let child = self.item(item, place, true)?;
        let mut draft = self.draft(metadata, arrow.name(), format!("std::array<{},{n}>", child.type_name));
        // ROOT does not mark arrays without elements as arrays.
        draft.repetitions = Some(n as u64).filter(|&n| n > 0);
        draft.shape = Form::Array(n);
        draft.children = vec![child];
        Ok(draft)
    }

    fn members(&self, members: &Fields, place: Place<'_>, named: bool) -> Result<Vec<Draft>> {
        let mut out: Vec<Draft> = Vec::with_capacity(members.len());
        for member in members {
            let path = place.path.child(member.name(), false);
            if out.iter().any(|other| other.name == *member.name()) {
                return Err(refuse(&path, "there are two members of this name"));
            }
            let below = Place { path: &path, named };
            out.push(self.field(member, Metadata::of(member), member.is_nullable(), below)?);
        }
        Ok(out)
    }

    fn record(&self, arrow: &ArrowField, metadata: Metadata<'_>, place: Place<'_>, members: &Fields) -> Result<Draft> {
        let is_tuple =
            metadata.type_name().is_some_and(|name| matches!(TypeName::parse(name).name, "std::pair" | "std::tuple"));
        let children = self.members(members, place, is_tuple)?;
        // A record whose name others have to spell needs one; its path is unique in the data set.
        let untyped = metadata.type_name().is_none();
        let mut draft = self.draft(metadata, arrow.name(), String::new());
        if untyped && place.named {
            draft.type_name = place.path.full().replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        }
        draft.role = FieldRole::Record;
        draft.shape = Form::Record;
        draft.children = children;
        Ok(draft)
    }

    fn variant(&self, arrow: &ArrowField, metadata: Metadata<'_>, place: Place<'_>) -> Result<Draft> {
        let DataType::Union(fields, UnionMode::Dense | UnionMode::Sparse) = arrow.data_type() else {
            return Err(refuse(place.path, "not a union"));
        };
        let mut children = Vec::new();
        for (_, field) in fields.iter().filter(|(_, field)| field.data_type() != &DataType::Null) {
            let name = format!("_{}", children.len());
            let path = place.path.child(&name, false);
            let alternative = field.as_ref().clone().with_name(&name);
            let below = Place { path: &path, named: true };
            children.push(self.field(&alternative, Metadata::of(&alternative), field.is_nullable(), below)?);
        }
        if !(1..=125).contains(&children.len()) {
            return Err(refuse(place.path, format!("a variant has 1 to 125 alternatives, not {}", children.len())));
        }
        let names: Vec<&str> = children.iter().map(|child| child.type_name.as_str()).collect();
        let mut draft = self.draft(metadata, arrow.name(), format!("std::variant<{}>", names.join(",")));
        draft.role = FieldRole::Variant;
        draft.shape = Form::Variant;
        draft.encodings = vec![self.choices.encoding(place.path, Content::Switch, None)?];
        draft.children = children;
        Ok(draft)
    }
}

/// Names that ROOT accepts.
fn check_name(name: &str, path: &Path<'_>) -> Result<()> {
    let bad = |c: char| c.is_control() || matches!(c, '.' | '/' | '\\' | ' ');
    match name.chars().find(|&c| bad(c)) {
        Some(c) => Err(refuse(path, format!("its name has the character {c:?}, which ROOT does not allow"))),
        None if name.is_empty() => Err(refuse(path, "its name is empty")),
        None => Ok(()),
    }
}

impl Draft {
    /// Makes a projected field one with data of its own. Only projected fields can be cardinalities.
    pub(super) fn detach(&mut self) {
        self.source = None;
        if let Form::Number { number, .. } = self.shape
            && self.is_cardinality()
        {
            number_name(number).clone_into(&mut self.type_name);
        }
        self.children.iter_mut().for_each(Self::detach);
    }

    pub(super) fn is_cardinality(&self) -> bool {
        TypeName::parse(&self.type_name).name == "ROOT::RNTupleCardinality"
    }
}
