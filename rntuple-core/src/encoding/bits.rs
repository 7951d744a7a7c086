//! Bit columns and values of 1 to 32 bits that are packed without gaps, the lowest bit first.
//!
//! Element `i` of `b` bits occupies the bits `i * b .. (i + 1) * b` of the page; bit `k` of a page is bit `k % 8` of
//! byte `k / 8`. That is also the layout of Arrow's bit buffers, so a Bit column is copied, not decoded.

use super::{BLOCK, EncodingError, check_output, element_range, page_bytes};

/// Copies `len` bits from bit `src_bit` of `src` to bit `dst_bit` of `dst`; the other bits of `dst` stay as they are.
///
/// # Errors
///
/// `src` is too short (a page cut off), or `dst` is.
#[inline(never)]
pub fn copy_bits(src: &[u8], src_bit: usize, dst: &mut [u8], dst_bit: usize, len: usize) -> Result<(), EncodingError> {
    let src_size = bytes_up_to(src_bit, len);
    let src = src.get(..src_size).ok_or(EncodingError::Truncated { needed: src_size, available: src.len() })?;
    let (dst_size, available) = (bytes_up_to(dst_bit, len), dst.len());
    let dst = dst.get_mut(..dst_size).ok_or(EncodingError::OutputSize { needed: dst_size, available })?;

    let mut src_bit = src_bit;
    let mut len = len;
    let mut dst = dst.get_mut(dst_bit / 8..).unwrap_or_default();
    // up to the first whole byte of the output
    let into = dst_bit % 8;
    if into != 0 {
        let count = len.min(8 - into);
        if let Some((first, rest)) = std::mem::take(&mut dst).split_first_mut() {
            merge_bits(first, into, few_bits(src, src_bit), count);
            dst = rest;
        }
        src_bit += count;
        len -= count;
    }
    // whole bytes
    let (whole, rest) = dst.split_at_mut_checked(len / 8).unwrap_or_default();
    copy_bytes(src.get(src_bit / 8..).unwrap_or_default(), src_bit % 8, whole);
    // what is left of the last byte
    if let Some(last) = rest.first_mut() {
        merge_bits(last, 0, few_bits(src, src_bit + len / 8 * 8), len % 8);
    }
    Ok(())
}

/// The bytes that hold the bits `first .. first + len`, counted from the first byte.
fn bytes_up_to(first: usize, len: usize) -> usize {
    first.checked_add(len).map_or(usize::MAX, |end| end.div_ceil(8))
}

/// The eight bits from bit `at` on; those behind the end are zero.
fn few_bits(src: &[u8], at: usize) -> u8 {
    let byte = |k: usize| src.get(at / 8 + k).copied().unwrap_or(0);
    let [low, _] = (u16::from_le_bytes([byte(0), byte(1)]) >> (at % 8)).to_le_bytes();
    low
}

/// Replaces the bits `at .. at + count` of `byte` (at most 8 in all) by the lowest of `bits`.
fn merge_bits(byte: &mut u8, at: usize, bits: u8, count: usize) {
    let [mask, _] = (((1u16 << count) - 1) << at).to_le_bytes();
    let [bits, _] = (u16::from(bits) << at).to_le_bytes();
    *byte = (*byte & !mask) | (bits & mask);
}

/// Fills `dst` from bit `shift` (0 to 7) of `src` on.
fn copy_bytes(src: &[u8], shift: usize, dst: &mut [u8]) {
    if shift == 0 {
        for (dst, src) in dst.iter_mut().zip(src) {
            *dst = *src;
        }
        return;
    }
    // Eight bytes of the output are the eight bytes here, shifted down, and the eight bytes one further, shifted up:
    // they overlap in bits that are equal.
    let (low, high) = (src, src.get(1..).unwrap_or_default());
    let (words, tail) = dst.as_chunks_mut::<8>();
    let mut done = 0;
    for ((dst, low), high) in words.iter_mut().zip(low.as_chunks().0).zip(high.as_chunks().0) {
        let word = (u64::from_le_bytes(*low) >> shift) | (u64::from_le_bytes(*high) << (8 - shift));
        *dst = word.to_le_bytes();
        done += 8;
    }
    // The last word may have no whole word one byte further, if its last bit is the last of `src`.
    let rest = words.as_flattened_mut().get_mut(done..).unwrap_or_default();
    for dst in rest.iter_mut().chain(tail) {
        *dst = few_bits(src, done * 8 + shift);
        done += 1;
    }
}

/// Packs booleans into `out`, the lowest bit first; unused bits of the last byte are zero.
///
/// # Errors
///
/// `out` has not exactly `ceil(values.len() / 8)` bytes.
#[inline(never)]
pub fn pack_bools(values: &[bool], out: &mut [u8]) -> Result<(), EncodingError> {
    check_output(out, values.len(), 1)?;
    for (out, values) in out.iter_mut().zip(values.chunks(8)) {
        *out = values.iter().rev().fold(0, |byte, value| (byte << 1) | u8::from(*value));
    }
    Ok(())
}

/// Unpacks the elements `start .. start + out.len()` of a page of `n` elements of `bits` bits each (1 to 32).
///
/// # Errors
///
/// `bits` is not 1 to 32, the page is too short for `n` elements, or the range is not on it.
#[inline(never)]
pub fn unpack(page: &[u8], n: usize, bits: u32, start: usize, out: &mut [u32]) -> Result<(), EncodingError> {
    unpack_map(page, n, bits, start, out, |value| value)
}

/// Packs the lowest `bits` bits (1 to 32) of each value.
///
/// # Errors
///
/// `bits` is not 1 to 32, or `out` has not exactly `ceil(values.len() * bits / 8)` bytes.
#[inline(never)]
pub fn pack(values: &[u32], bits: u32, out: &mut [u8]) -> Result<(), EncodingError> {
    pack_map(values, bits, out, |value| value)
}

fn check_bits(bits: u32) -> Result<usize, EncodingError> {
    if (1..=32).contains(&bits) { Ok(bits as usize) } else { Err(EncodingError::InvalidBits { bits, min: 1, max: 32 }) }
}

/// A block of elements of up to 32 bits, and as much behind it as an eight byte load may touch.
type Packed = [u8; BLOCK * 32 / 8 + 8];

/// [`unpack`] with a last step on each element.
#[inline(always)]
pub(crate) fn unpack_map<T>(
    page: &[u8],
    n: usize,
    bits: u32,
    start: usize,
    out: &mut [T],
    map: impl Fn(u32) -> T,
) -> Result<(), EncodingError> {
    let width = check_bits(bits)?;
    let range = element_range(n, start, out.len())?;
    let page = page_bytes(page, n, bits)?;
    // Eight elements always fill whole bytes: begin at a multiple of eight, drop what is before the range.
    let mut skip = range.start % 8;
    let mut src = page.get((range.start - skip) / 8 * width..).unwrap_or_default();
    let mut block = [0u32; BLOCK];
    let mut rest = out;
    while !rest.is_empty() {
        if let Some(packed) = src.first_chunk() {
            unpack_block(packed, bits, &mut block);
        } else {
            let mut padded = [0; size_of::<Packed>()];
            for (to, from) in padded.iter_mut().zip(src) {
                *to = *from;
            }
            unpack_block(&padded, bits, &mut block);
        }
        let here = rest.len().min(BLOCK - skip);
        let (now, later) = rest.split_at_mut(here);
        match now.as_chunks_mut::<BLOCK>().0 {
            // a full block, the usual case: no bounds to look at
            [now] => {
                for (out, value) in now.iter_mut().zip(block) {
                    *out = map(value);
                }
            }
            _ => {
                for (out, value) in now.iter_mut().zip(block.iter().skip(skip)) {
                    *out = map(*value);
                }
            }
        }
        rest = later;
        skip = 0;
        src = src.get(BLOCK / 8 * width..).unwrap_or_default();
    }
    Ok(())
}

/// Unpacks [`BLOCK`] elements. One copy of the loop per width: with all offsets and shifts known it is three times
/// faster than a loop for any width.
fn unpack_block(packed: &Packed, bits: u32, out: &mut [u32; BLOCK]) {
    macro_rules! widths {
        ($($bits:literal)*) => {
            match bits {
                $($bits => unpack_width::<$bits>(packed, out),)*
                _ => {}
            }
        };
    }
    widths!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32);
}

#[inline(never)]
#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "eight elements end at byte BITS <= 32 of their group, the last window at byte 36 of 40; the cast and the \
              mask take the element out of its window"
)]
fn unpack_width<const BITS: usize>(packed: &Packed, out: &mut [u32; BLOCK]) {
    let mask = u32::MAX >> (32 - BITS);
    for (group, out) in out.as_chunks_mut::<8>().0.iter_mut().enumerate() {
        let Some(bytes) = packed[group * BITS..].first_chunk::<40>() else {
            return;
        };
        for (at, out) in out.iter_mut().enumerate() {
            let bit = at * BITS;
            let mut window = [0; 8];
            window.copy_from_slice(&bytes[bit / 8..bit / 8 + 8]);
            *out = ((u64::from_le_bytes(window) >> (bit % 8)) as u32) & mask;
        }
    }
}

/// [`pack`] with a first step on each element.
#[inline(always)]
pub(crate) fn pack_map<T: Copy>(
    values: &[T],
    bits: u32,
    out: &mut [u8],
    map: impl Fn(T) -> u32,
) -> Result<(), EncodingError> {
    let width = check_bits(bits)?;
    check_output(out, values.len(), bits)?;
    let mut packed = [0; BLOCK * 32 / 8];
    for (values, out) in values.chunks(BLOCK).zip(out.chunks_mut(BLOCK / 8 * width)) {
        let mut block = [0u32; BLOCK];
        for (to, value) in block.iter_mut().zip(values) {
            *to = map(*value);
        }
        pack_block(&block, bits, &mut packed);
        for (out, byte) in out.iter_mut().zip(packed) {
            *out = byte;
        }
    }
    Ok(())
}

/// Packs [`BLOCK`] elements.
fn pack_block(values: &[u32; BLOCK], bits: u32, packed: &mut [u8; BLOCK * 32 / 8]) {
    macro_rules! widths {
        ($($bits:literal)*) => {
            match bits {
                $($bits => pack_width::<$bits>(values, packed),)*
                _ => {}
            }
        };
    }
    widths!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32);
}

#[inline(never)]
fn pack_width<const BITS: usize>(values: &[u32; BLOCK], packed: &mut [u8; BLOCK * 32 / 8]) {
    let mask = u64::from(u32::MAX >> (32 - BITS));
    for (values, out) in values.as_chunks::<8>().0.iter().zip(packed.chunks_exact_mut(BITS)) {
        // The window holds less than a word before an element goes in.
        let mut bytes = [0; 32];
        let mut words = bytes.as_chunks_mut::<4>().0.iter_mut();
        let mut window = 0u64;
        let mut filled = 0;
        for value in values {
            window |= (u64::from(*value) & mask) << filled;
            filled += BITS;
            if filled >= 32 {
                if let Some(word) = words.next() {
                    *word = low_word(window);
                }
                window >>= 32;
                filled -= 32;
            }
        }
        if let Some(word) = words.next() {
            *word = low_word(window);
        }
        for (out, byte) in out.iter_mut().zip(bytes) {
            *out = byte;
        }
    }
}

fn low_word(window: u64) -> [u8; 4] {
    let [b0, b1, b2, b3, ..] = window.to_le_bytes();
    [b0, b1, b2, b3]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bit(bytes: &[u8], at: usize) -> bool {
        bytes[at / 8] >> (at % 8) & 1 == 1
    }

    #[test]
    fn known_bits() {
        let mut out = [0; 2];
        pack_bools(&[true, false, false, true, false, false, false, false, true], &mut out).unwrap();
        assert_eq!(out, [0x09, 0x01]);
        // 5 bits each, {0, 31} and {10, 16}: pages that ROOT wrote
        pack(&[0, 31], 5, &mut out).unwrap();
        assert_eq!(out, [0xe0, 0x03]);
        pack(&[10, 16], 5, &mut out).unwrap();
        assert_eq!(out, [0x0a, 0x02]);
        let mut values = [0; 2];
        unpack(&out, 2, 5, 0, &mut values).unwrap();
        assert_eq!(values, [10, 16]);
        unpack(&out, 2, 5, 1, &mut values[..1]).unwrap();
        assert_eq!(values[0], 16);
    }

    #[test]
    fn wrong_sizes_are_errors() {
        let mut out = [0u32; 3];
        assert!(unpack(&[0; 4], 3, 12, 0, &mut out).is_err());
        assert!(unpack(&[0; 5], 3, 12, 0, &mut out).is_ok());
        assert!(unpack(&[0; 5], 3, 12, 1, &mut out).is_err());
        assert!(unpack(&[0; 5], usize::MAX, 12, 1, &mut out).is_err());
        for bits in [0, 33, u32::MAX] {
            assert!(unpack(&[0; 64], 3, bits, 0, &mut out).is_err());
            assert!(pack(&out, bits, &mut [0; 64]).is_err());
        }
        assert!(pack(&out, 12, &mut [0; 6]).is_err());
        assert!(pack_bools(&[true], &mut []).is_err());
        assert!(copy_bits(&[0; 2], 9, &mut [0; 2], 0, 8).is_err());
        assert!(copy_bits(&[0; 2], 0, &mut [0; 2], 9, 8).is_err());
        assert!(copy_bits(&[0; 2], usize::MAX, &mut [0; 2], 9, 8).is_err());
        assert!(copy_bits(&[0; 2], 16, &mut [0; 2], 16, 0).is_ok());
    }

    proptest! {
        #[test]
        fn copy_bits_is_bit_by_bit(
            src in prop::collection::vec(any::<u8>(), 0..80),
            before in prop::collection::vec(any::<u8>(), 0..80),
            src_bit in 0usize..640, dst_bit in 0usize..640, len in 0usize..640,
        ) {
            let src_bit = src_bit.min(src.len() * 8);
            let dst_bit = dst_bit.min(before.len() * 8);
            let len = len.min(src.len() * 8 - src_bit).min(before.len() * 8 - dst_bit);
            let mut dst = before.clone();
            copy_bits(&src, src_bit, &mut dst, dst_bit, len).unwrap();
            for at in 0..dst.len() * 8 {
                let expected = if (dst_bit..dst_bit + len).contains(&at) {
                    bit(&src, src_bit + at - dst_bit)
                } else {
                    bit(&before, at)
                };
                prop_assert_eq!(bit(&dst, at), expected, "bit {}", at);
            }
        }

        #[test]
        fn bools(values in prop::collection::vec(any::<bool>(), 0..80)) {
            let mut out = vec![0xff; values.len().div_ceil(8)];
            pack_bools(&values, &mut out).unwrap();
            for at in 0..out.len() * 8 {
                prop_assert_eq!(bit(&out, at), values.get(at).copied().unwrap_or(false));
            }
        }

        #[test]
        fn round_trip_of_every_width(
            values in prop::collection::vec(any::<u32>(), 0..300),
            bits in 1u32..=32, cut in (0usize..300, 0usize..300),
        ) {
            let n = values.len();
            let mut page = vec![0; (n * bits as usize).div_ceil(8)];
            pack(&values, bits, &mut page).unwrap();
            let kept: Vec<u32> = values.iter().map(|v| v & (u32::MAX >> (32 - bits))).collect();
            for (i, value) in kept.iter().enumerate() {
                for k in 0..bits as usize {
                    prop_assert_eq!(bit(&page, i * bits as usize + k), value >> k & 1 == 1);
                }
            }
            let start = cut.0.min(n);
            let len = cut.1.min(n - start);
            let mut out = vec![0; len];
            unpack(&page, n, bits, start, &mut out).unwrap();
            prop_assert_eq!(&out[..], &kept[start..start + len]);
        }
    }
}
