//! What a batch brings for one column.

use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};

/// Elements for a column, as Arrow has them; they share the memory of the batch.
#[derive(Debug, Clone)]
pub enum Piece {
    /// Booleans.
    Bools(BooleanBuffer),
    /// Numbers of a column of the same type.
    Int8(ScalarBuffer<i8>),
    /// The same.
    UInt8(ScalarBuffer<u8>),
    /// The same.
    Int16(ScalarBuffer<i16>),
    /// The same.
    UInt16(ScalarBuffer<u16>),
    /// The same.
    Int32(ScalarBuffer<i32>),
    /// The same.
    UInt32(ScalarBuffer<u32>),
    /// The same.
    Int64(ScalarBuffer<i64>),
    /// The same.
    UInt64(ScalarBuffer<u64>),
    /// The same.
    Float32(ScalarBuffer<f32>),
    /// The same.
    Float64(ScalarBuffer<f64>),
    /// Bytes of strings.
    Bytes(Buffer),
    /// Offsets of collections, one more than there are collections; they need not start at 0.
    Offsets32(ScalarBuffer<i32>),
    /// The same.
    Offsets64(ScalarBuffer<i64>),
    /// Values that are there or not.
    Present {
        /// Which ones are there; all, if nothing is said.
        present: Option<NullBuffer>,
        /// Number of values.
        len: usize,
    },
    /// The alternatives of variants: 0 for none, 1 for the first.
    Tags(Vec<u8>),
}

impl Piece {
    /// Number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Bools(values) => values.len(),
            Self::Int8(values) => values.len(),
            Self::UInt8(values) => values.len(),
            Self::Int16(values) => values.len(),
            Self::UInt16(values) => values.len(),
            Self::Int32(values) => values.len(),
            Self::UInt32(values) => values.len(),
            Self::Int64(values) => values.len(),
            Self::UInt64(values) => values.len(),
            Self::Float32(values) => values.len(),
            Self::Float64(values) => values.len(),
            Self::Bytes(values) => values.len(),
            Self::Offsets32(offsets) => offsets.len().saturating_sub(1),
            Self::Offsets64(offsets) => offsets.len().saturating_sub(1),
            Self::Present { len, .. } => *len,
            Self::Tags(tags) => tags.len(),
        }
    }

    /// Whether there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
