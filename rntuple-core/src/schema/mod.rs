//! The schema: a tree of fields, and the columns that hold their data (format-spec/schema.md).
//!
//! A *field* stands for a C++ type and has subfields where the type is composed; a *column* is a sequence of simple
//! elements attached to a field. A field may have several alternative *representations*, each a set of columns; in any
//! one cluster exactly one of them holds the data. A *projected* field has no columns of its own and shows those of
//! another field under another type.

mod builder;
mod column;
mod column_encoding;
mod field;
mod merge;
mod type_name;

pub use builder::SchemaBuilder;
pub(crate) use builder::{AliasRecord, ColumnRecord, FieldRecord};
pub use column::{Column, ColumnId, ColumnType};
pub use column_encoding::{ColumnEncoding, InvalidEncoding};
pub use field::{Field, FieldId, FieldRole};
pub use merge::{FieldSource, MergeMode, MergedSchema, SchemaMerge};
pub use type_name::TypeName;

/// Type information that comes with a data set, such as ROOT streamer info for streamer fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtraTypeInfo {
    /// Whether it was added while writing, in the footer's schema extension.
    pub extension: bool,
    /// What the content is; 0: ROOT streamer info.
    pub content_id: u32,
    /// Version of the type.
    pub type_version: u32,
    /// Name of the type; empty when the content is not bound to one.
    pub type_name: Box<str>,
    /// The content as stored.
    pub content: Box<[u8]>,
}

/// The schema of a data set, its extensions included.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    fields: Vec<Field>,
    columns: Vec<Column>,
    top_level: Vec<FieldId>,
    aliases: Vec<Alias>,
    extra: Vec<ExtraTypeInfo>,
}

/// An alias column: a physical column that a projected field shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Alias {
    pub(crate) physical: ColumnId,
    pub(crate) field: FieldId,
    /// Whether it is described in the footer's schema extension.
    pub(crate) extension: bool,
}

impl Schema {
    /// All fields, by id.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// All physical columns, by id.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The fields that make up an entry.
    pub fn top_level(&self) -> impl Iterator<Item = &Field> {
        self.top_level.iter().filter_map(|&id| self.field(id))
    }

    /// A field by id.
    #[must_use]
    pub fn field(&self, id: FieldId) -> Option<&Field> {
        self.fields.get(id.0 as usize)
    }

    pub(crate) fn field_mut(&mut self, id: FieldId) -> Option<&mut Field> {
        self.fields.get_mut(id.0 as usize)
    }

    /// A column by id.
    #[must_use]
    pub fn column(&self, id: ColumnId) -> Option<&Column> {
        self.columns.get(id.0 as usize)
    }

    /// The direct subfields of a field, in order.
    pub fn children<'a>(&'a self, field: &'a Field) -> impl Iterator<Item = &'a Field> {
        field.children.iter().filter_map(|&id| self.field(id))
    }

    /// The column representations of a field: each the columns of one representation, principal column first.
    /// For a projected field these are columns of its source.
    pub fn representations<'a>(&'a self, field: &'a Field) -> impl Iterator<Item = &'a [ColumnId]> {
        let representation = |id: &ColumnId| self.column(*id).map(|column| column.representation);
        field.columns.chunk_by(move |a, b| representation(a) == representation(b))
    }

    /// Path of a field: the names from the top level down, joined by dots.
    #[must_use]
    pub fn path(&self, id: FieldId) -> String {
        let mut names: Vec<&str> = self.upwards(id).map(|field| &*field.name).collect();
        names.reverse();
        names.join(".")
    }

    /// A field, the one above it, and so on to the top level.
    fn upwards(&self, id: FieldId) -> impl Iterator<Item = &Field> {
        std::iter::successors(self.field(id), |field| self.field(field.parent?))
    }

    /// Extra type information, as stored.
    #[must_use]
    pub fn extra_type_info(&self) -> &[ExtraTypeInfo] {
        &self.extra
    }

    /// The alias columns, in stored order.
    pub(crate) fn aliases(&self) -> &[Alias] {
        &self.aliases
    }

    /// Why a top-level field, or anything below it, cannot be read by this version.
    #[must_use]
    pub fn problem(&self, field: &Field) -> Option<String> {
        let of_column = |id: &ColumnId| self.column(*id)?.problem.as_deref();
        let own = field.problem.as_deref().or_else(|| field.columns.iter().find_map(of_column)).map(|problem| {
            if field.parent.is_some() { format!("{}: {problem}", self.path(field.id)) } else { problem.to_owned() }
        });
        own.or_else(|| self.children(field).find_map(|child| self.problem(child)))
    }

    /// Whether the elements of a column are one per entry, or as many as the arrays above it have: it is the principal
    /// column of a field that is not below a collection or a variant.
    pub(crate) fn is_entry_wise(&self, column: &Column) -> bool {
        let Some(field) = self.field(column.field) else { return false };
        let principal = self.representations(field).any(|columns| columns.first() == Some(&column.id));
        let bounded = |field: &Field| !matches!(field.role, FieldRole::Collection | FieldRole::Variant);
        principal && self.upwards(field.id).skip(1).all(bounded)
    }

    /// How many elements of a field's principal column make up one entry, where no collection lies between: the
    /// product of the array sizes on the path.
    pub(crate) fn repetitions(&self, id: FieldId) -> u64 {
        let sizes = self.upwards(id).map(|field| field.array_size().unwrap_or(1));
        sizes.fold(1, u64::saturating_mul)
    }
}
