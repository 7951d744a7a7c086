//! The elements of one unsealed page: page bytes to values, and back.
//!
//! A *page* here is what is left after unsealing (checksum verified, decompressed). It holds `n` elements
//! of one column, packed as the column's type says:
//!
//! | column type | module | layout of a page of `n` elements |
//! |---|---|---|
//! | Byte, Char, `Int8`..`UInt64`, `Real32`, `Real64` | [`split`] (`plain`) | little endian, one after the other |
//! | `SplitUInt16`..`64`, `SplitReal32`, `SplitReal64` | [`split`] (`unsplit`) | byte planes: all first bytes, then all second bytes, .. |
//! | `SplitInt16`..`64` | [`zigzag`] | byte planes of `(x << 1) ^ (x >> (bits - 1))` |
//! | `Index32`, `Index64`, `SplitIndex32`, `SplitIndex64` | [`index`] | split ones: byte planes of differences; the first element is absolute |
//! | Bit | [`bits`] (`copy_bits`) | one bit each, the lowest bit of a byte first |
//! | `Real16`, `SplitReal16`, `Real32Trunc`, `Real32Quant` | [`real`] | half floats; the top `b` bits of a float; a quantised number of `b` bits |
//! | Switch | [`switch`] | 12 bytes: `u64` index, `u32` tag |
//!
//! ```text
//!  values      0x0A01  0x0B02  0x0C03          (SplitUInt16, n = 3)
//!  page        01 02 03 | 0A 0B 0C             plane 0 | plane 1
//!                 ^^^^^      ^^^^^             start = 1, out.len() = 2
//! ```
//!
//! **Addressing.** Every decoder takes the whole page, the number of elements `n` that it holds, and decodes the
//! elements `start .. start + out.len()`. A page may therefore be decoded in pieces, straight into the buffer
//! where the values stay. All layouts restart on each page.
//!
//! **Hostile input.** Page, `n` and range come from a file. A page that is too short for `n` elements and a range
//! that leaves the page are an [`EncodingError`]; no function panics or allocates. Sums of differences wrap: whoever
//! uses an index checks that it does not decrease and stays inside the column that it points into.
//!
//! **Speed.** The kernels work on blocks of 64 elements in fixed-size arrays, a shape that compilers turn into
//! the plain SSE2 that every x86-64 has. The last, partial block goes through a padded copy. Functions that run through
//! a page are never inlined: in the middle of other code the same loops come out several times slower.

use std::ops::Range;

pub mod bits;
mod error;
pub mod index;
pub mod real;
pub mod split;
pub mod switch;
pub mod zigzag;

pub use error::EncodingError;
pub use index::IndexKind;
pub use real::{Quantizer, Real};
pub use split::Element;

/// Elements that the kernels take at a time.
pub(crate) const BLOCK: usize = 64;

/// The bytes of a page of `n` elements of `bits` bits each: `ceil(n * bits / 8)`.
///
/// `None` when the number does not fit into memory.
#[must_use]
pub fn packed_size(n: usize, bits: u32) -> Option<usize> {
    let bits = u128::from(bits) * (n as u128);
    usize::try_from(bits.div_ceil(8)).ok()
}

/// The first `packed_size(n, bits)` bytes of `page`.
///
/// A page longer than that is not an error here: its length is checked where it is unsealed.
pub(crate) fn page_bytes(page: &[u8], n: usize, bits: u32) -> Result<&[u8], EncodingError> {
    let needed = packed_size(n, bits).unwrap_or(usize::MAX);
    page.get(..needed).ok_or(EncodingError::Truncated { needed, available: page.len() })
}

/// `start .. start + len`, if it lies within `n` elements.
pub(crate) fn element_range(n: usize, start: usize, len: usize) -> Result<Range<usize>, EncodingError> {
    match start.checked_add(len) {
        Some(end) if end <= n => Ok(start..end),
        _ => Err(EncodingError::OutOfRange { start, len, elements: n }),
    }
}

/// The page to be encoded into: exactly `packed_size(n, bits)` bytes.
pub(crate) fn check_output(out: &[u8], n: usize, bits: u32) -> Result<(), EncodingError> {
    let needed = packed_size(n, bits).unwrap_or(usize::MAX);
    if out.len() == needed { Ok(()) } else { Err(EncodingError::OutputSize { needed, available: out.len() }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_size_rounds_up_and_does_not_overflow() {
        assert_eq!(packed_size(0, 31), Some(0));
        assert_eq!(packed_size(1, 1), Some(1));
        assert_eq!(packed_size(9, 1), Some(2));
        assert_eq!(packed_size(3, 12), Some(5));
        assert_eq!(packed_size(usize::MAX, 8), Some(usize::MAX));
        assert_eq!(packed_size(usize::MAX, 9), None);
    }

    #[test]
    fn element_range_does_not_overflow() {
        assert_eq!(element_range(10, 3, 7).unwrap(), 3..10);
        assert_eq!(element_range(10, 10, 0).unwrap(), 10..10);
        assert!(element_range(10, 11, 0).is_err());
        assert!(element_range(10, 4, 7).is_err());
        assert!(element_range(10, usize::MAX, 2).is_err());
    }
}
