//! Switch columns: which alternative of a variant an element holds, and where.
//!
//! An element has 12 bytes, little endian: `u64` index of the value among those of its alternative within the cluster,
//! then `u32` tag. Tag 0 is the valueless variant (its index means nothing), tag 1 the first alternative.

use super::{EncodingError, check_output, element_range, page_bytes};

/// Bytes of one element.
pub const SWITCH_SIZE: usize = 12;

/// One element of a switch column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Switch {
    /// Position among the values of the alternative, counted from the start of the cluster.
    pub index: u64,
    /// 0: no value; `k`: alternative number `k`, the first being 1. Not checked against the number of alternatives.
    pub tag: u32,
}

/// The elements `start .. start + len` of a page of `n`, in order.
///
/// # Errors
///
/// The page is too short for `n` elements, or the range is not on it.
pub fn switches(
    page: &[u8],
    n: usize,
    start: usize,
    len: usize,
) -> Result<impl ExactSizeIterator<Item = Switch> + '_, EncodingError> {
    let range = element_range(n, start, len)?;
    let page = page_bytes(page, n, 96)?;
    let elements = page.as_chunks::<SWITCH_SIZE>().0.get(range).unwrap_or_default();
    Ok(elements.iter().map(|bytes| {
        let [i0, i1, i2, i3, i4, i5, i6, i7, t0, t1, t2, t3] = *bytes;
        Switch {
            index: u64::from_le_bytes([i0, i1, i2, i3, i4, i5, i6, i7]),
            tag: u32::from_le_bytes([t0, t1, t2, t3]),
        }
    }))
}

/// Encodes `values` as one page.
///
/// # Errors
///
/// `out` has not exactly `12 * values.len()` bytes.
pub fn encode_switches(values: &[Switch], out: &mut [u8]) -> Result<(), EncodingError> {
    check_output(out, values.len(), 96)?;
    for (out, value) in out.as_chunks_mut::<SWITCH_SIZE>().0.iter_mut().zip(values) {
        let (index, tag) = out.split_at_mut(8);
        index.copy_from_slice(&value.index.to_le_bytes());
        tag.copy_from_slice(&value.tag.to_le_bytes());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_bytes() {
        let mut page = [0; 12];
        let value = Switch { index: 0x0102, tag: 3 };
        encode_switches(&[value], &mut page).unwrap();
        assert_eq!(page, [2, 1, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0]);
        assert_eq!(switches(&page, 1, 0, 1).unwrap().collect::<Vec<_>>(), [value]);
    }

    #[test]
    fn wrong_sizes_are_errors() {
        assert!(switches(&[0; 23], 2, 0, 2).is_err());
        assert!(switches(&[0; 24], 2, 1, 2).is_err());
        assert!(switches(&[0; 24], usize::MAX, 0, 2).is_err());
        assert_eq!(switches(&[], 0, 0, 0).unwrap().len(), 0);
        assert!(encode_switches(&[Switch::default()], &mut [0; 13]).is_err());
    }

    proptest! {
        #[test]
        fn round_trip(
            values in prop::collection::vec((any::<u64>(), any::<u32>()), 0..100),
            cut in (0usize..100, 0usize..100),
        ) {
            let values: Vec<_> = values.into_iter().map(|(index, tag)| Switch { index, tag }).collect();
            let n = values.len();
            let mut page = vec![0; 12 * n];
            encode_switches(&values, &mut page).unwrap();
            let start = cut.0.min(n);
            let len = cut.1.min(n - start);
            let out: Vec<_> = switches(&page, n, start, len).unwrap().collect();
            prop_assert_eq!(&out[..], &values[start..start + len]);
        }
    }
}
