//! Plain little-endian elements, and split ones: byte planes per page.
//!
//! Split encoding puts byte 0 of all elements first, then byte 1 of all elements, and so on. The planes have as many
//! bytes as the page has elements, so a piece of a page is one piece of each plane.

use super::{BLOCK, EncodingError, check_output, element_range, page_bytes};

/// A type that page elements decode into, bit for bit: all integers of 8 to 64 bits, `f32` and `f64`.
///
/// Sealed: the widths of the format are fixed.
pub trait Element: Copy + Default + Sealed + 'static {
    /// Bytes of one element.
    const SIZE: usize;
}

/// What makes [`Element`] work; outside of this crate there is nothing to do with it.
pub(crate) mod sealed {
    use super::BLOCK;

    /// One block of one byte plane.
    pub(crate) type PlaneBlock = [u8; BLOCK];

    /// The other view of an element: the unsigned integer with the same bits.
    pub trait Sealed: Copy {
        /// That integer.
        type Raw: Raw;
        /// From the bits.
        fn from_raw(raw: Self::Raw) -> Self;
        /// To the bits.
        fn to_raw(self) -> Self::Raw;
        /// Reads little-endian elements, as many as both sides have.
        fn read(bytes: &[u8], out: &mut [Self]);
        /// Writes little-endian elements, as many as both sides have.
        fn write(values: &[Self], out: &mut [u8]);
    }

    /// An unsigned integer that can be put together from byte planes and taken apart.
    ///
    /// Both work by halves (two `u8` make a `u16`, two `u16` make a `u32`, ..): a step from one width to the next is
    /// what the interleaving instructions of a CPU do; or-ing shifted bytes into wide integers is several times slower.
    pub trait Raw: Copy + Default + 'static {
        /// Bytes of one element.
        const SIZE: usize;
        /// Puts whole blocks together; `planes[first]` holds the lowest bytes.
        fn blocks<'a>(planes: [&'a [PlaneBlock]; 8], first: usize) -> impl Iterator<Item = [Self; BLOCK]> + 'a;
        /// Takes a block apart into `planes[first..first + SIZE]`.
        fn part(values: &[Self; BLOCK], planes: &mut [PlaneBlock; 8], first: usize);
    }
}

pub(crate) use sealed::Raw;
use sealed::{PlaneBlock, Sealed};

impl Raw for u8 {
    const SIZE: usize = 1;
    #[inline(always)]
    fn blocks<'a>(planes: [&'a [PlaneBlock]; 8], first: usize) -> impl Iterator<Item = [Self; BLOCK]> + 'a {
        planes.get(first).copied().unwrap_or_default().iter().copied()
    }
    #[inline(always)]
    fn part(values: &[Self; BLOCK], planes: &mut [PlaneBlock; 8], first: usize) {
        if let Some(plane) = planes.get_mut(first) {
            *plane = *values;
        }
    }
}

macro_rules! raw {
    ($int:ty, $half:ty) => {
        impl Raw for $int {
            const SIZE: usize = size_of::<$int>();
            #[inline(always)]
            fn blocks<'a>(planes: [&'a [PlaneBlock]; 8], first: usize) -> impl Iterator<Item = [Self; BLOCK]> + 'a {
                let low = <$half>::blocks(planes, first);
                let high = <$half>::blocks(planes, first + size_of::<$half>());
                low.zip(high).map(|(low, high)| {
                    let mut out = [0; BLOCK];
                    for ((out, low), high) in out.iter_mut().zip(low).zip(high) {
                        *out = <$int>::from(low) | (<$int>::from(high) << <$half>::BITS);
                    }
                    out
                })
            }
            #[inline(always)]
            #[expect(clippy::cast_possible_truncation, reason = "the two halves of an integer")]
            fn part(values: &[Self; BLOCK], planes: &mut [PlaneBlock; 8], first: usize) {
                let low = values.map(|value| value as $half);
                let high = values.map(|value| (value >> <$half>::BITS) as $half);
                <$half>::part(&low, planes, first);
                <$half>::part(&high, planes, first + size_of::<$half>());
            }
        }
    };
}
raw!(u16, u8);
raw!(u32, u16);
raw!(u64, u32);

macro_rules! element {
    ($($type:ty, $raw:ty, $from:expr, $to:expr;)*) => {$(
        impl Sealed for $type {
            type Raw = $raw;
            #[inline(always)]
            fn from_raw(raw: $raw) -> Self {
                $from(raw)
            }
            #[inline(always)]
            fn to_raw(self) -> $raw {
                $to(self)
            }
            #[inline]
            fn read(bytes: &[u8], out: &mut [Self]) {
                for (out, bytes) in out.iter_mut().zip(bytes.as_chunks().0) {
                    *out = $from(<$raw>::from_le_bytes(*bytes));
                }
            }
            #[inline]
            fn write(values: &[Self], out: &mut [u8]) {
                for (bytes, value) in out.as_chunks_mut().0.iter_mut().zip(values) {
                    *bytes = <$raw>::to_le_bytes($to(*value));
                }
            }
        }
        impl Element for $type {
            const SIZE: usize = size_of::<$type>();
        }
    )*};
}
element! {
    u8, u8, std::convert::identity, std::convert::identity;
    u16, u16, std::convert::identity, std::convert::identity;
    u32, u32, std::convert::identity, std::convert::identity;
    u64, u64, std::convert::identity, std::convert::identity;
    i8, u8, u8::cast_signed, i8::cast_unsigned;
    i16, u16, u16::cast_signed, i16::cast_unsigned;
    i32, u32, u32::cast_signed, i32::cast_unsigned;
    i64, u64, u64::cast_signed, i64::cast_unsigned;
    f32, u32, f32::from_bits, f32::to_bits;
    f64, u64, f64::from_bits, f64::to_bits;
}

/// Bits of an element of `R`.
#[expect(clippy::cast_possible_truncation, reason = "at most 64")]
pub(crate) const fn bits_of<R: Raw>() -> u32 {
    (R::SIZE * 8) as u32
}

/// Decodes plain little-endian elements `start .. start + out.len()` of a page of `n`.
///
/// # Errors
///
/// The page is too short for `n` elements, or the range is not on it.
#[inline(never)]
pub fn plain<T: Element>(page: &[u8], n: usize, start: usize, out: &mut [T]) -> Result<(), EncodingError> {
    let range = element_range(n, start, out.len())?;
    let page = page_bytes(page, n, bits_of::<T::Raw>())?;
    // inside of the page, hence no overflow
    T::read(page.get(range.start * T::SIZE..).unwrap_or_default(), out);
    Ok(())
}

/// Encodes `values` as plain little-endian elements.
///
/// # Errors
///
/// `out` has not exactly `values.len() * T::SIZE` bytes.
#[inline(never)]
pub fn encode_plain<T: Element>(values: &[T], out: &mut [u8]) -> Result<(), EncodingError> {
    check_output(out, values.len(), bits_of::<T::Raw>())?;
    T::write(values, out);
    Ok(())
}

/// Decodes split elements `start .. start + out.len()` of a page of `n`.
///
/// # Errors
///
/// The page is too short for `n` elements, or the range is not on it.
#[inline(never)]
pub fn unsplit<T: Element>(page: &[u8], n: usize, start: usize, out: &mut [T]) -> Result<(), EncodingError> {
    unsplit_map(page, n, start, out, T::from_raw)
}

/// [`unsplit`] with a last step on each element while it is in a register.
#[inline(always)]
pub(crate) fn unsplit_map<R: Raw, T>(
    page: &[u8],
    n: usize,
    start: usize,
    out: &mut [T],
    map: impl Fn(R) -> T,
) -> Result<(), EncodingError> {
    let planes = Planes::<R>::new(page, n, start, out.len())?;
    let (blocks, tail) = out.as_chunks_mut::<BLOCK>();
    for (out, block) in blocks.iter_mut().zip(planes.blocks()) {
        for (out, raw) in out.iter_mut().zip(block) {
            *out = map(raw);
        }
    }
    for (out, raw) in tail.iter_mut().zip(planes.tail()) {
        *out = map(raw);
    }
    Ok(())
}

/// A piece of a split page: the same piece of each of its byte planes.
#[derive(Debug)]
pub(crate) struct Planes<'a, R> {
    planes: [&'a [u8]; 8],
    len: usize,
    raw: std::marker::PhantomData<R>,
}

impl<'a, R: Raw> Planes<'a, R> {
    /// The elements `start .. start + len` of a page of `n` elements.
    pub(crate) fn new(page: &'a [u8], n: usize, start: usize, len: usize) -> Result<Self, EncodingError> {
        let range = element_range(n, start, len)?;
        let page = page_bytes(page, n, bits_of::<R>())?;
        let mut planes: [&[u8]; 8] = [&[]; 8];
        // `n` is not zero where there is something to take: the range is within it
        for (plane, bytes) in planes.iter_mut().zip(page.chunks_exact(n.max(1))) {
            *plane = bytes.get(range.clone()).unwrap_or_default();
        }
        Ok(Self { planes, len, raw: std::marker::PhantomData })
    }

    /// Elements in this piece.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The whole blocks of this piece.
    #[inline(always)]
    pub(crate) fn blocks(&self) -> impl Iterator<Item = [R; BLOCK]> {
        R::blocks(self.planes.map(|plane| plane.as_chunks().0), 0)
    }

    /// Whole block `i`; zeros if there is none.
    #[inline(always)]
    pub(crate) fn block(&self, i: usize) -> [R; BLOCK] {
        let one = |plane: &'a [u8]| plane.as_chunks().0.get(i..=i).unwrap_or_default();
        R::blocks(self.planes.map(one), 0).next().unwrap_or([R::default(); BLOCK])
    }

    /// The lowest bytes of whole block `i`, if its elements are all less than `limit`, a power of two.
    #[inline(always)]
    pub(crate) fn small_block(&self, i: usize, limit: u8) -> Option<&'a PlaneBlock> {
        let block = |plane: &'a [u8]| plane.as_chunks::<BLOCK>().0.get(i);
        let (lowest, others) = self.planes.split_first()?;
        let low = block(lowest)?;
        let words = |block: &'a PlaneBlock| block.as_chunks().0.iter().map(|word| u64::from_ne_bytes(*word));
        let too_large = u64::from_ne_bytes([limit.wrapping_neg(); 8]);
        let mut seen = words(low).fold(0, |seen, word| seen | word & too_large);
        for block in others.iter().filter_map(|plane| block(plane)) {
            seen |= words(block).fold(0, |seen, word| seen | word);
        }
        (seen == 0).then_some(low)
    }

    /// The elements behind the last whole block; what is missing to a block is zero.
    #[inline(never)]
    pub(crate) fn tail(&self) -> [R; BLOCK] {
        let mut padded = [[0; BLOCK]; 8];
        for (block, plane) in padded.iter_mut().zip(&self.planes) {
            for (to, from) in block.iter_mut().zip(plane.as_chunks::<BLOCK>().1) {
                *to = *from;
            }
        }
        let blocks = padded.each_ref().map(std::slice::from_ref);
        R::blocks(blocks, 0).next().unwrap_or([R::default(); BLOCK])
    }
}

/// Encodes `values` as byte planes.
///
/// # Errors
///
/// `out` has not exactly `values.len() * T::SIZE` bytes.
#[inline(never)]
pub fn split<T: Element>(values: &[T], out: &mut [u8]) -> Result<(), EncodingError> {
    split_map(values, out, T::to_raw)
}

/// [`split`] with a first step on each element.
#[inline(always)]
pub(crate) fn split_map<R: Raw, T: Copy>(
    values: &[T],
    out: &mut [u8],
    mut map: impl FnMut(T) -> R,
) -> Result<(), EncodingError> {
    let n = values.len();
    check_output(out, n, bits_of::<R>())?;
    let mut planes = [[0; BLOCK]; 8];
    for (at, values) in values.chunks(BLOCK).enumerate() {
        let mut raw = [R::default(); BLOCK];
        for (raw, value) in raw.iter_mut().zip(values) {
            *raw = map(*value);
        }
        R::part(&raw, &mut planes, 0);
        let here = at * BLOCK;
        for (out, plane) in out.chunks_exact_mut(n).zip(&planes) {
            // The fixed-size copy is the fast one
            match out.get_mut(here..).and_then(<[u8]>::first_chunk_mut) {
                Some(out) => *out = *plane,
                None => {
                    for (out, byte) in out.iter_mut().skip(here).zip(plane) {
                        *out = *byte;
                    }
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "narrow random numbers out of wide ones")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_planes() {
        let page = [0x01, 0x02, 0x03, 0x0a, 0x0b, 0x0c];
        let mut out = [0u16; 3];
        unsplit(&page, 3, 0, &mut out).unwrap();
        assert_eq!(out, [0x0a01, 0x0b02, 0x0c03]);
        let mut out = [0u16; 2];
        unsplit(&page, 3, 1, &mut out).unwrap();
        assert_eq!(out, [0x0b02, 0x0c03]);
        let mut back = [0; 6];
        split(&[0x0a01u16, 0x0b02, 0x0c03], &mut back).unwrap();
        assert_eq!(back, page);

        // 1.0f = 3f800000, -2.0f = c0000000
        let mut page = [0xff; 8];
        split(&[1.0f32, -2.0], &mut page).unwrap();
        assert_eq!(page, [0, 0, 0, 0, 0x80, 0, 0x3f, 0xc0]);
        let mut out = [0u64; 1];
        unsplit(&[1, 2, 3, 4, 5, 6, 7, 8], 1, 0, &mut out).unwrap();
        assert_eq!(out, [0x0807_0605_0403_0201]);
        plain(&[1, 2, 3, 4, 5, 6, 7, 8], 1, 0, &mut out).unwrap();
        assert_eq!(out, [0x0807_0605_0403_0201]);
    }

    #[test]
    fn nan_payloads_survive() {
        let bits = [0x7fa0_0001u32, 0xffc1_2345, 0x7f80_0001];
        let values = bits.map(f32::from_bits);
        let mut page = [0; 12];
        split(&values, &mut page).unwrap();
        let mut out = [0f32; 3];
        unsplit(&page, 3, 0, &mut out).unwrap();
        assert_eq!(out.map(f32::to_bits), bits);
    }

    #[test]
    fn wrong_sizes_are_errors() {
        let mut out = [0u32; 4];
        let page = [0u8; 16];
        assert_eq!(
            unsplit(page.get(..15).unwrap(), 4, 0, &mut out),
            Err(EncodingError::Truncated { needed: 16, available: 15 })
        );
        assert!(plain(page.get(..15).unwrap(), 4, 0, &mut out).is_err());
        assert_eq!(unsplit(&page, 4, 1, &mut out), Err(EncodingError::OutOfRange { start: 1, len: 4, elements: 4 }));
        assert!(plain(&page, 4, usize::MAX, &mut out).is_err());
        assert!(unsplit(&page, usize::MAX, 0, &mut out).is_err());
        assert!(unsplit(&[], 0, 0, &mut out).is_err());
        assert!(unsplit::<u32>(&[], 0, 0, &mut []).is_ok());
        assert!(split(&out, &mut [0; 15]).is_err());
        assert!(split(&out, &mut [0; 17]).is_err());
        assert!(encode_plain(&out, &mut [0; 17]).is_err());
        assert!(split::<u64>(&[], &mut []).is_ok());
    }

    /// The definition: byte k of element i is at `k * n + i`.
    fn check<T: Element + PartialEq + std::fmt::Debug>(values: &[T], cut: (usize, usize)) {
        let n = values.len();
        let mut little = vec![0; n * T::SIZE];
        encode_plain(values, &mut little).unwrap();
        let mut planes = vec![0; n * T::SIZE];
        split(values, &mut planes).unwrap();
        for i in 0..n {
            for k in 0..T::SIZE {
                assert_eq!(planes[k * n + i], little[i * T::SIZE + k]);
            }
        }
        let start = cut.0.min(n);
        let len = cut.1.min(n - start);
        let mut out = vec![T::default(); len];
        plain(&little, n, start, &mut out).unwrap();
        assert_eq!(out, values[start..start + len]);
        out.fill(T::default());
        unsplit(&planes, n, start, &mut out).unwrap();
        assert_eq!(out, values[start..start + len]);
    }

    proptest! {
        #[test]
        fn round_trip_of_every_width(
            values in prop::collection::vec(any::<u64>(), 0..400),
            cut in (0usize..400, 0usize..400),
        ) {
            check(&values, cut);
            check(&values.iter().map(|v| v.to_le_bytes()[0]).collect::<Vec<u8>>(), cut);
            check(&values.iter().map(|v| v.to_le_bytes()[0].cast_signed()).collect::<Vec<i8>>(), cut);
            check(&values.iter().map(|v| *v as u16).collect::<Vec<u16>>(), cut);
            check(&values.iter().map(|v| *v as i16).collect::<Vec<i16>>(), cut);
            check(&values.iter().map(|v| *v as u32).collect::<Vec<u32>>(), cut);
            check(&values.iter().map(|v| *v as i32).collect::<Vec<i32>>(), cut);
            check(&values.iter().map(|v| v.cast_signed()).collect::<Vec<i64>>(), cut);
            check(&values.iter().map(|v| *v as f32).collect::<Vec<f32>>(), cut);
            check(&values.iter().map(|v| *v as f64).collect::<Vec<f64>>(), cut);
        }

        #[test]
        fn no_input_panics(
            page in prop::collection::vec(any::<u8>(), 0..200),
            n in any::<usize>(), small in 0usize..60, start in 0usize..60, len in 0usize..60,
        ) {
            let mut out = vec![0u32; len];
            let _ = unsplit(&page, n, start, &mut out);
            let _ = plain(&page, n, start, &mut out);
            let fits = small * 4 <= page.len() && start + len <= small;
            prop_assert_eq!(unsplit(&page, small, start, &mut out).is_ok(), fits);
            prop_assert_eq!(plain(&page, small, start, &mut out).is_ok(), fits);
        }
    }
}
