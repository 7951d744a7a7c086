//! Columns (format-spec/columns.md).

use std::fmt;

use super::FieldId;

/// Running number of a physical column in the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ColumnId(pub u32);

/// A sequence of simple elements that holds data of a field.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Column {
    /// Its number.
    pub id: ColumnId,
    /// The field it belongs to.
    pub field: FieldId,
    /// Type and encoding of its elements.
    pub kind: ColumnType,
    /// Bits per element on storage.
    pub bits: u16,
    /// Which of the field's representations it is part of.
    pub representation: u16,
    /// Whether it was added while writing; entries from before have zeros.
    pub deferred: bool,
    /// Whether it was added while writing as a representation that is suppressed in the clusters from before.
    pub suppressed_deferred: bool,
    /// Entry-wise first element of a deferred column.
    pub first_element: u64,
    /// Whether the column was added while writing, in the footer's schema extension.
    pub extension: bool,
    /// The first element index as it is stored: also zero, which says nothing, and negative ones, all of them.
    pub(crate) stored_first: Option<i64>,
    /// Smallest and largest value, of quantised columns.
    pub range: Option<(f64, f64)>,
    /// Why the column cannot be read by this version.
    pub problem: Option<Box<str>>,
}

impl Column {
    /// Bytes of a page of `elements`, before compression.
    #[must_use]
    pub fn page_len(&self, elements: u32) -> u64 {
        (u64::from(elements) * u64::from(self.bits)).div_ceil(8)
    }
}

macro_rules! column_types {
    ($($name:ident = $code:literal, $bits:expr, $doc:literal;)*) => {
        /// Type and encoding of a column's elements.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ColumnType {
            $(#[doc = $doc] $name,)*
            /// A type that this version does not know.
            Unknown(u16),
        }

        impl From<u16> for ColumnType {
            fn from(code: u16) -> Self {
                match code {
                    $($code => Self::$name,)*
                    other => Self::Unknown(other),
                }
            }
        }

        impl ColumnType {
            /// Every known type.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Number of the type on storage.
            #[must_use]
            pub fn code(self) -> u16 {
                match self {
                    $(Self::$name => $code,)*
                    Self::Unknown(code) => code,
                }
            }

            /// Smallest and largest number of bits per element; `None` for an unknown type.
            #[must_use]
            pub fn bits(self) -> Option<(u16, u16)> {
                match self {
                    $(Self::$name => Some($bits),)*
                    Self::Unknown(_) => None,
                }
            }
        }

        impl fmt::Display for ColumnType {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$name => f.pad(stringify!($name)),)*
                    Self::Unknown(code) => write!(f, "Unknown({code:#04x})"),
                }
            }
        }
    };
}

column_types! {
    Bit = 0x00, (1, 1), "Boolean.";
    Byte = 0x01, (8, 8), "Uninterpreted byte.";
    Char = 0x02, (8, 8), "Character.";
    Int8 = 0x03, (8, 8), "Signed integer.";
    UInt8 = 0x04, (8, 8), "Unsigned integer.";
    Int16 = 0x05, (16, 16), "Signed integer.";
    UInt16 = 0x06, (16, 16), "Unsigned integer.";
    Int32 = 0x07, (32, 32), "Signed integer.";
    UInt32 = 0x08, (32, 32), "Unsigned integer.";
    Int64 = 0x09, (64, 64), "Signed integer.";
    UInt64 = 0x0A, (64, 64), "Unsigned integer.";
    Real16 = 0x0B, (16, 16), "Half-precision float.";
    Real32 = 0x0C, (32, 32), "Single-precision float.";
    Real64 = 0x0D, (64, 64), "Double-precision float.";
    Index32 = 0x0E, (32, 32), "Ends of collections, counted within the cluster.";
    Index64 = 0x0F, (64, 64), "Ends of collections, counted within the cluster.";
    Switch = 0x10, (96, 96), "Index and tag of a variant.";
    SplitInt16 = 0x11, (16, 16), "Signed integer, zigzag and split.";
    SplitUInt16 = 0x12, (16, 16), "Unsigned integer, split.";
    SplitInt32 = 0x13, (32, 32), "Signed integer, zigzag and split.";
    SplitUInt32 = 0x14, (32, 32), "Unsigned integer, split.";
    SplitInt64 = 0x15, (64, 64), "Signed integer, zigzag and split.";
    SplitUInt64 = 0x16, (64, 64), "Unsigned integer, split.";
    SplitReal16 = 0x17, (16, 16), "Half-precision float, split.";
    SplitReal32 = 0x18, (32, 32), "Single-precision float, split.";
    SplitReal64 = 0x19, (64, 64), "Double-precision float, split.";
    SplitIndex32 = 0x1A, (32, 32), "Ends of collections, delta and split.";
    SplitIndex64 = 0x1B, (64, 64), "Ends of collections, delta and split.";
    Real32Trunc = 0x1C, (10, 31), "Single-precision float without its last bits.";
    Real32Quant = 0x1D, (1, 32), "Real number in a range, as an integer.";
}

impl ColumnType {
    /// Whether the elements are ends of collections.
    #[must_use]
    pub fn is_index(self) -> bool {
        matches!(self, Self::Index32 | Self::Index64 | Self::SplitIndex32 | Self::SplitIndex64)
    }
}
