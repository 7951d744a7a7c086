//! The tree that a plan is made of and that the decoder walks.

use arrow::datatypes::{DataType, FieldRef};

use crate::schema::{ColumnId, ColumnType, FieldId, TypeName};

/// A field that is read, with everything below it that is read.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) id: FieldId,
    pub(super) arrow: FieldRef,
    pub(super) kind: Kind,
    /// The columns, by representation, principal column first.
    pub(super) columns: Vec<Box<[ColumnId]>>,
    pub(super) children: Vec<Node>,
}

/// How the values of a node are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// One column of numbers or booleans.
    Number(NumberType),
    /// An index column and a column of bytes.
    Bytes,
    /// An index column whose differences are the values.
    Cardinality(NumberType),
    /// An index column; the child holds the items.
    List,
    /// The same, with pairs of key and value.
    Map,
    /// An index column; the child is there or not.
    Optional,
    /// A fixed number of the child's elements.
    Array(u64),
    /// A fixed number of elements of one column.
    Numbers(u64, NumberType),
    /// The children side by side.
    Struct,
    /// A switch column; one of the children.
    Variant,
    /// What the one child is.
    Wrapper,
}

impl Node {
    /// How many values a node without columns, at it and below it, makes of one element.
    pub(super) fn empty_items(&self) -> Option<u64> {
        if !self.columns.is_empty() {
            return None;
        }
        let below = self.children.iter().map(Self::empty_items).sum::<Option<u64>>()?;
        Some(below.max(1).saturating_mul(if let Kind::Array(n) = self.kind { n } else { 1 }))
    }

    pub(super) fn collect_columns(&self, out: &mut Vec<ColumnId>) {
        out.extend(self.columns.iter().flat_map(|representation| representation.iter().copied()));
        self.children.iter().for_each(|child| child.collect_columns(out));
    }
}

/// The in-memory types of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberType {
    Bool,
    Int8,
    UInt8,
    Int16,
    UInt16,
    Int32,
    UInt32,
    Int64,
    UInt64,
    Float32,
    Float64,
}

impl NumberType {
    pub(super) fn data_type(self) -> DataType {
        match self {
            Self::Bool => DataType::Boolean,
            Self::Int8 => DataType::Int8,
            Self::UInt8 => DataType::UInt8,
            Self::Int16 => DataType::Int16,
            Self::UInt16 => DataType::UInt16,
            Self::Int32 => DataType::Int32,
            Self::UInt32 => DataType::UInt32,
            Self::Int64 => DataType::Int64,
            Self::UInt64 => DataType::UInt64,
            Self::Float32 => DataType::Float32,
            Self::Float64 => DataType::Float64,
        }
    }

    pub(super) fn of_arrow(data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Boolean => Self::Bool,
            DataType::Int8 => Self::Int8,
            DataType::UInt8 => Self::UInt8,
            DataType::Int16 => Self::Int16,
            DataType::UInt16 => Self::UInt16,
            DataType::Int32 => Self::Int32,
            DataType::UInt32 => Self::UInt32,
            DataType::Int64 => Self::Int64,
            DataType::UInt64 => Self::UInt64,
            DataType::Float32 => Self::Float32,
            DataType::Float64 => Self::Float64,
            _ => return None,
        })
    }

    /// The type that a column has by itself.
    pub(super) fn of_column(kind: ColumnType) -> Self {
        match kind {
            ColumnType::Bit => Self::Bool,
            ColumnType::Char | ColumnType::Int8 => Self::Int8,
            ColumnType::Byte | ColumnType::UInt8 | ColumnType::Unknown(_) | ColumnType::Switch => Self::UInt8,
            ColumnType::Int16 | ColumnType::SplitInt16 => Self::Int16,
            ColumnType::UInt16 | ColumnType::SplitUInt16 => Self::UInt16,
            ColumnType::Int32 | ColumnType::SplitInt32 => Self::Int32,
            ColumnType::UInt32 | ColumnType::SplitUInt32 | ColumnType::Index32 | ColumnType::SplitIndex32 => {
                Self::UInt32
            }
            ColumnType::Int64 | ColumnType::SplitInt64 => Self::Int64,
            ColumnType::UInt64 | ColumnType::SplitUInt64 | ColumnType::Index64 | ColumnType::SplitIndex64 => {
                Self::UInt64
            }
            ColumnType::Real16
            | ColumnType::SplitReal16
            | ColumnType::Real32
            | ColumnType::SplitReal32
            | ColumnType::Real32Trunc
            | ColumnType::Real32Quant => Self::Float32,
            ColumnType::Real64 | ColumnType::SplitReal64 => Self::Float64,
        }
    }

    fn is_float(self) -> bool {
        matches!(self, Self::Float32 | Self::Float64)
    }

    /// Whether a column can be read into this type: integers, characters and booleans into one another, floats into
    /// floats.
    pub(super) fn reads(self, kind: ColumnType) -> bool {
        !kind.is_index()
            && !matches!(kind, ColumnType::Switch | ColumnType::Unknown(_))
            && self.is_float() == Self::of_column(kind).is_float()
    }

    /// The type that a type name stands for.
    pub(super) fn of(type_name: &TypeName<'_>, column: ColumnType) -> Self {
        match type_name.name {
            "bool" => Self::Bool,
            "char" | "std::int8_t" => Self::Int8,
            "std::byte" | "std::uint8_t" => Self::UInt8,
            "std::int16_t" => Self::Int16,
            "std::uint16_t" => Self::UInt16,
            "std::int32_t" => Self::Int32,
            "std::uint32_t" => Self::UInt32,
            "std::int64_t" => Self::Int64,
            "std::uint64_t" => Self::UInt64,
            "float" => Self::Float32,
            "double" => Self::Float64,
            // A name that this version does not know says nothing about the values; the column does.
            _ => Self::of_column(column),
        }
    }
}
