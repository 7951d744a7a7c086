//! Split signed integers: byte planes of zigzag-coded values.
//!
//! Zigzag coding maps 0, -1, 1, -2, .. to 0, 1, 2, 3, .., so that numbers near zero have zeros in their high planes.

use super::EncodingError;
use super::split::{Element, split_map, unsplit_map};

/// The signed integers that are stored zigzag-coded: `i16`, `i32`, `i64`. Sealed.
pub trait Zigzag: Element + sealed::ZigzagRaw {}

mod sealed {
    use super::super::split::sealed::Sealed;

    /// The two directions of the coding.
    pub trait ZigzagRaw: Sealed {
        /// To the stored number.
        fn zigzag(self) -> Self::Raw;
        /// From the stored number.
        fn unzigzag(raw: Self::Raw) -> Self;
    }
}

macro_rules! zigzag {
    ($($int:ty),*) => {$(
        impl sealed::ZigzagRaw for $int {
            #[inline(always)]
            fn zigzag(self) -> Self::Raw {
                ((self << 1) ^ (self >> (<$int>::BITS - 1))).cast_unsigned()
            }
            #[inline(always)]
            fn unzigzag(raw: Self::Raw) -> Self {
                (raw >> 1).cast_signed() ^ (raw & 1).cast_signed().wrapping_neg()
            }
        }
        impl Zigzag for $int {}
    )*};
}
zigzag!(i16, i32, i64);

/// Decodes split, zigzag-coded elements `start .. start + out.len()` of a page of `n`.
///
/// # Errors
///
/// The page is too short for `n` elements, or the range is not on it.
#[inline(never)]
pub fn unsplit_zigzag<T: Zigzag>(page: &[u8], n: usize, start: usize, out: &mut [T]) -> Result<(), EncodingError> {
    unsplit_map(page, n, start, out, T::unzigzag)
}

/// Encodes `values` as byte planes of zigzag-coded numbers.
///
/// # Errors
///
/// `out` has not exactly `values.len() * T::SIZE` bytes.
#[inline(never)]
pub fn split_zigzag<T: Zigzag>(values: &[T], out: &mut [u8]) -> Result<(), EncodingError> {
    split_map(values, out, T::zigzag)
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "narrow random numbers out of wide ones")]
mod tests {
    use proptest::prelude::*;

    use super::sealed::ZigzagRaw;
    use super::*;

    #[test]
    fn known_numbers() {
        let pairs = [(0i16, 0u16), (-1, 1), (1, 2), (-2, 3), (i16::MAX, 0xfffe), (i16::MIN, 0xffff)];
        for (value, coded) in pairs {
            assert_eq!(value.zigzag(), coded);
            assert_eq!(i16::unzigzag(coded), value);
        }
        assert_eq!(i32::unzigzag(u32::MAX), i32::MIN);
        assert_eq!(i64::MIN.zigzag(), u64::MAX);
        let mut page = [0; 6];
        split_zigzag(&[-1i16, 128, i16::MIN], &mut page).unwrap();
        assert_eq!(page, [0x01, 0x00, 0xff, 0x00, 0x01, 0xff]);
    }

    #[test]
    fn wrong_sizes_are_errors() {
        assert!(unsplit_zigzag(&[0; 7], 2, 0, &mut [0i32; 2]).is_err());
        assert!(unsplit_zigzag(&[0; 8], 2, 1, &mut [0i32; 2]).is_err());
        assert!(split_zigzag(&[0i32; 2], &mut [0; 7]).is_err());
    }

    fn check<T: Zigzag + PartialEq + std::fmt::Debug>(values: &[T], cut: (usize, usize)) {
        let n = values.len();
        let mut page = vec![0; n * T::SIZE];
        split_zigzag(values, &mut page).unwrap();
        let start = cut.0.min(n);
        let len = cut.1.min(n - start);
        let mut out = vec![T::default(); len];
        unsplit_zigzag(&page, n, start, &mut out).unwrap();
        assert_eq!(out, values[start..start + len]);
    }

    proptest! {
        #[test]
        fn round_trip(
            values in prop::collection::vec(any::<i64>(), 0..300),
            cut in (0usize..300, 0usize..300),
        ) {
            check(&values, cut);
            check(&values.iter().map(|v| *v as i32).collect::<Vec<_>>(), cut);
            check(&values.iter().map(|v| *v as i16).collect::<Vec<_>>(), cut);
        }
    }
}
