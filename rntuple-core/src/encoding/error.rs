//! What can be wrong with a page, or with values that should become one.

/// A page cannot be decoded, or values cannot be encoded.
///
/// Carries no file offset: whoever knows where the page came from adds that.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodingError {
    /// The page is shorter than its number of elements needs.
    #[error("page has {available} bytes, its elements need {needed}")]
    Truncated {
        /// Bytes that the elements need (`usize::MAX` when the number does not even fit into memory).
        needed: usize,
        /// Bytes that the page has.
        available: usize,
    },
    /// The elements asked for are not all on the page.
    #[error("elements {start} and {len} from there on are not all on a page of {elements} elements")]
    OutOfRange {
        /// First element asked for, counted from the start of the page.
        start: usize,
        /// Number of elements asked for.
        len: usize,
        /// Number of elements on the page.
        elements: usize,
    },
    /// The buffer given for the output has the wrong size.
    #[error("output buffer has room for {available}, {needed} are needed")]
    OutputSize {
        /// Bytes (of a page) or elements (of decoded values) that are needed.
        needed: usize,
        /// Bytes or elements that the buffer has.
        available: usize,
    },
    /// A bit width that the encoding does not have.
    #[error("{bits} bits per element are not possible here ({min} to {max} are)")]
    InvalidBits {
        /// Bits per element as declared.
        bits: u32,
        /// Smallest possible number.
        min: u32,
        /// Largest possible number.
        max: u32,
    },
    /// A value range of a quantised column that is no range of normal numbers of the field's type.
    #[error("{min} to {max} is not a possible value range of a quantised column")]
    InvalidRange {
        /// Lower end as declared.
        min: f64,
        /// Upper end as declared.
        max: f64,
    },
    /// A value that a quantised column cannot hold.
    #[error("value {value} at position {position} is outside of the value range {min} to {max} of its column")]
    ValueOutOfRange {
        /// Position in the slice that was to be encoded.
        position: usize,
        /// The value.
        value: f64,
        /// Lower end of the column's range.
        min: f64,
        /// Upper end of the column's range.
        max: f64,
    },
    /// An index that does not fit into a 32 bit index column.
    #[error("index {value} at position {position} does not fit into a 32 bit index column")]
    IndexTooLarge {
        /// Position in the slice that was to be encoded.
        position: usize,
        /// The index.
        value: u64,
    },
}
