//! C++ type names of numbers, and the encodings that their columns can have.

use arrow::datatypes::DataType;

use crate::arrow::node::NumberType;
use crate::schema::{ColumnEncoding, ColumnType, TypeName};

const NUMBERS: [NumberType; 11] = [
    NumberType::Bool,
    NumberType::Int8,
    NumberType::UInt8,
    NumberType::Int16,
    NumberType::UInt16,
    NumberType::Int32,
    NumberType::UInt32,
    NumberType::Int64,
    NumberType::UInt64,
    NumberType::Float32,
    NumberType::Float64,
];

/// The C++ type that a number gets without further knowledge.
pub(super) fn number_name(number: NumberType) -> &'static str {
    match number {
        NumberType::Bool => "bool",
        NumberType::Int8 => "std::int8_t",
        NumberType::UInt8 => "std::uint8_t",
        NumberType::Int16 => "std::int16_t",
        NumberType::UInt16 => "std::uint16_t",
        NumberType::Int32 => "std::int32_t",
        NumberType::UInt32 => "std::uint32_t",
        NumberType::Int64 => "std::int64_t",
        NumberType::UInt64 => "std::uint64_t",
        NumberType::Float32 => "float",
        NumberType::Float64 => "double",
    }
}

/// Whether a C++ type name is one of those for this number.
pub(super) fn names_number(type_name: &str, number: NumberType) -> bool {
    type_name == number_name(number)
        || match number {
            NumberType::Int8 => type_name == "char",
            NumberType::UInt8 => type_name == "std::byte",
            _ => false,
        }
}

/// Whether a C++ type name is that of some number.
pub(super) fn is_number_name(type_name: &str) -> bool {
    NUMBERS.into_iter().any(|number| names_number(type_name, number))
}

/// Whether a C++ type is a standard one, whose structure its name tells.
pub(super) fn is_standard(type_name: &str) -> bool {
    type_name.starts_with("std::") || type_name.starts_with("ROOT::") || is_number_name(type_name)
}

/// What a column holds, as far as it decides on encodings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    Number(NumberType),
    Char,
    Byte,
    Index,
    Switch,
}

impl Content {
    /// What a field of this type holds.
    pub(super) fn of(type_name: &str, number: NumberType) -> Self {
        match type_name {
            "char" => Self::Char,
            "std::byte" => Self::Byte,
            _ => Self::Number(number),
        }
    }

    /// What has this encoding by default, for compressed data; each content has one of its own.
    pub(super) fn of_default(kind: ColumnType) -> Option<Self> {
        let numbers = NUMBERS.into_iter().map(Self::Number);
        let mut all = [Self::Char, Self::Byte, Self::Index, Self::Switch].into_iter().chain(numbers);
        all.find(|content| content.choices().first() == Some(&kind))
    }

    /// The encodings that it can have: first the one for compressed data, then the one for uncompressed data.
    fn choices(self) -> &'static [ColumnType] {
        use ColumnType as C;
        match self {
            Self::Char => &[C::Char, C::Char],
            Self::Byte => &[C::Byte, C::Byte],
            Self::Index => &[C::SplitIndex64, C::Index64, C::SplitIndex32, C::Index32],
            Self::Switch => &[C::Switch, C::Switch],
            Self::Number(number) => match number {
                NumberType::Bool => &[C::Bit, C::Bit],
                NumberType::Int8 => &[C::Int8, C::Int8],
                NumberType::UInt8 => &[C::UInt8, C::UInt8],
                NumberType::Int16 => &[C::SplitInt16, C::Int16],
                NumberType::UInt16 => &[C::SplitUInt16, C::UInt16],
                NumberType::Int32 => &[C::SplitInt32, C::Int32],
                NumberType::UInt32 => &[C::SplitUInt32, C::UInt32],
                NumberType::Int64 => &[C::SplitInt64, C::Int64],
                NumberType::UInt64 => &[C::SplitUInt64, C::UInt64],
                NumberType::Float32 => &[C::SplitReal32, C::Real32, C::Real16, C::Real32Trunc, C::Real32Quant],
                NumberType::Float64 => {
                    &[C::SplitReal64, C::Real64, C::SplitReal32, C::Real32, C::Real16, C::Real32Trunc, C::Real32Quant]
                }
            },
        }
    }

    pub(super) fn allows(self, encoding: &ColumnEncoding) -> bool {
        self.choices().contains(&encoding.kind)
    }

    /// The encoding without further knowledge: split, unless the data stay uncompressed.
    pub(super) fn default_encoding(self, split: bool, small_index: bool) -> ColumnEncoding {
        let kind = match (self, small_index) {
            (Self::Index, true) if split => ColumnType::SplitIndex32,
            (Self::Index, true) => ColumnType::Index32,
            _ => self.choices().get(usize::from(!split)).copied().unwrap_or(ColumnType::Byte),
        };
        ColumnEncoding::of(kind)
    }
}

/// Whether a type is one of the two whose values may be absent.
pub(super) fn is_nullable(type_name: &str) -> bool {
    TypeName::parse(type_name).is_nullable()
}

/// Arrow types that have no RNTuple counterpart, with what to do about them.
pub(super) fn advice(data_type: &DataType) -> String {
    let to = match data_type {
        DataType::Timestamp(..) | DataType::Date64 | DataType::Time64(_) | DataType::Duration(_) => "Int64",
        DataType::Date32 | DataType::Time32(_) => "Int32",
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => {
            "Float64, Int64 or Utf8"
        }
        DataType::Dictionary(_, values) => {
            return format!("Arrow type {data_type} has no counterpart; cast it to {values}");
        }
        DataType::Utf8View => "Utf8",
        DataType::BinaryView | DataType::FixedSizeBinary(_) => "Binary",
        DataType::ListView(_) | DataType::LargeListView(_) => "List",
        _ => return format!("Arrow type {data_type} has no counterpart"),
    };
    format!("Arrow type {data_type} has no counterpart; cast it to {to}")
}
