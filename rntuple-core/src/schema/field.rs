//! Fields (format-spec/schema.md, fields).

use super::{ColumnId, TypeName};

/// Running number of a field in the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldId(pub u32);

/// How a field's data are structured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldRole {
    /// A leaf, or a wrapper around one subfield (fixed-size array, enum, atomic).
    Plain,
    /// Any number of the subfield per element.
    Collection,
    /// The subfields side by side.
    Record,
    /// One of the subfields per element.
    Variant,
    /// Objects serialized by the ROOT streamer.
    Streamer,
    /// A role that this version does not know.
    Unknown(u16),
}

impl From<u16> for FieldRole {
    fn from(code: u16) -> Self {
        match code {
            0 => Self::Plain,
            1 => Self::Collection,
            2 => Self::Record,
            3 => Self::Variant,
            4 => Self::Streamer,
            other => Self::Unknown(other),
        }
    }
}

impl FieldRole {
    /// Number of the role on storage.
    #[must_use]
    pub fn code(self) -> u16 {
        match self {
            Self::Plain => 0,
            Self::Collection => 1,
            Self::Record => 2,
            Self::Variant => 3,
            Self::Streamer => 4,
            Self::Unknown(code) => code,
        }
    }
}

/// A node of the schema tree.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Field {
    /// Its number.
    pub id: FieldId,
    /// The field above; `None` at the top level.
    pub parent: Option<FieldId>,
    /// Name as stored; `_0`, `_1`, ... below collections, pairs, tuples and variants, `:_0`, ... for base classes.
    pub name: Box<str>,
    /// C++ type as stored; empty for untyped records and collections.
    pub type_name: Box<str>,
    /// The type as it was spelt by the user, where it differs.
    pub type_alias: Box<str>,
    /// Description by the user.
    pub description: Box<str>,
    /// Version of the field.
    pub version: u32,
    /// Version of the class; `0xFFFFFFFF` when it has none.
    pub type_version: u32,
    /// Structure.
    pub role: FieldRole,
    /// Elements per fixed-size array or bitset.
    pub repetitions: Option<u64>,
    /// The field that a projected field shows.
    pub source: Option<FieldId>,
    /// Checksum of the class as ROOT computes it.
    pub type_checksum: Option<u32>,
    /// Whether the collection stands for a structure of arrays.
    pub soa: bool,
    /// Whether the field was added while writing, in the footer's schema extension.
    pub extension: bool,
    /// Subfields, in order.
    pub children: Vec<FieldId>,
    /// Physical columns, ordered by representation; of a projected field, those of its source.
    pub columns: Vec<ColumnId>,
    /// Why the field cannot be read by this version.
    pub problem: Option<Box<str>>,
}

impl Field {
    /// The type name, taken apart.
    #[must_use]
    pub fn parsed_type(&self) -> TypeName<'_> {
        TypeName::parse(&self.type_name)
    }

    /// Elements of a fixed-size array or bitset, those without elements included: ROOT does not mark them as arrays, so
    /// only their type name tells.
    #[must_use]
    pub fn array_size(&self) -> Option<u64> {
        let is_empty = || {
            let type_name = self.parsed_type();
            matches!(type_name.name, "std::array" | "std::bitset") && type_name.arguments.last() == Some(&"0")
        };
        self.repetitions.or_else(|| is_empty().then_some(0))
    }

    pub(super) fn set_problem(&mut self, problem: impl Into<Box<str>>) {
        self.problem.get_or_insert_with(|| problem.into());
    }
}
