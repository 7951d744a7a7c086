//! Index columns: where each collection of a page ends, counted in elements of its items within the cluster.
//!
//! | kind | layout |
//! |---|---|
//! | `Index32`, `Index64` | plain little endian |
//! | `SplitIndex32`, `SplitIndex64` | byte planes of differences; the first element of each page is absolute |
//!
//! Differences add up in the width of the column and wrap there, as they do in ROOT.

use super::split::{Element, Planes, Raw, encode_plain, sealed::Sealed, split_map};
use super::{BLOCK, EncodingError, check_output, element_range, page_bytes};

/// How an index column is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IndexKind {
    /// `Index32`
    Plain32,
    /// `Index64`
    Plain64,
    /// `SplitIndex32`
    Split32,
    /// `SplitIndex64`
    Split64,
}

impl IndexKind {
    /// Bits of one element: 32 or 64.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::Plain32 | Self::Split32 => 32,
            Self::Plain64 | Self::Split64 => 64,
        }
    }

    /// Whether elements are differences in byte planes.
    #[must_use]
    pub const fn is_split(self) -> bool {
        matches!(self, Self::Split32 | Self::Split64)
    }
}

/// Values handed over at a time: small enough to stay in the first-level cache with what is made of them.
const CHUNK: usize = 8 * BLOCK;

/// Calls `f` with the absolute values of the elements `start .. start + len` of a page of `n`, in order, at most 512 at
/// a time (none at all when `len` is 0). Who knows the value `before` element `start` saves adding up the ones before.
///
/// Nothing is promised about the values: they come from the file and may decrease.
///
/// # Errors
///
/// The page is too short for `n` elements, or the range is not on it; or `f` failed, which ends the walk.
pub fn for_each_index<E: From<EncodingError>>(
    kind: IndexKind,
    page: &[u8],
    n: usize,
    start: usize,
    len: usize,
    before: Option<u64>,
    f: &mut impl FnMut(&[u64]) -> Result<(), E>,
) -> Result<(), E> {
    match kind {
        IndexKind::Plain32 => plain::<u32, E>(page, n, start, len, f),
        IndexKind::Plain64 => plain::<u64, E>(page, n, start, len, f),
        IndexKind::Split32 => deltas::<u32, E>(page, n, start, len, before, f),
        IndexKind::Split64 => deltas::<u64, E>(page, n, start, len, before, f),
    }
}

/// Writes the absolute values of a whole page of `n` elements to `out`.
///
/// # Errors
///
/// The page is too short for `n` elements, or `out` has not exactly `n` elements.
pub fn undelta_page(kind: IndexKind, page: &[u8], n: usize, out: &mut [u64]) -> Result<(), EncodingError> {
    if out.len() != n {
        return Err(EncodingError::OutputSize { needed: n, available: out.len() });
    }
    let mut chunks = out.chunks_mut(CHUNK);
    for_each_index(kind, page, n, 0, n, None, &mut |values| {
        if let Some(out) = chunks.next() {
            for (out, value) in out.iter_mut().zip(values) {
                *out = *value;
            }
        }
        Ok(())
    })
}

/// Encodes absolute `values` as one page.
///
/// # Errors
///
/// A value does not fit into a 32 bit column, or `out` has not exactly `values.len() * bits / 8` bytes.
pub fn encode_index(kind: IndexKind, values: &[u64], out: &mut [u8]) -> Result<(), EncodingError> {
    check_output(out, values.len(), kind.bits())?;
    if kind.bits() == 32
        && let Some((position, value)) = values.iter().enumerate().find(|(_, value)| u32::try_from(**value).is_err())
    {
        return Err(EncodingError::IndexTooLarge { position, value: *value });
    }
    let mut before = 0u64;
    let mut delta = |value: u64| value.wrapping_sub(std::mem::replace(&mut before, value));
    match kind {
        IndexKind::Plain64 => encode_plain(values, out),
        IndexKind::Plain32 => {
            for (out, value) in out.as_chunks_mut::<4>().0.iter_mut().zip(values) {
                *out = low_half(*value).to_le_bytes();
            }
            Ok(())
        }
        IndexKind::Split32 => split_map(values, out, |value| low_half(delta(value))),
        IndexKind::Split64 => split_map(values, out, delta),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a 32 bit difference wraps in 32 bits")]
fn low_half(value: u64) -> u32 {
    value as u32
}

/// The two widths of an index, with sums that wrap in that width.
trait Word: Raw + Element + Sealed {
    fn low_of(value: u64) -> Self;
    fn widen(self) -> u64;
    fn plus(self, other: Self) -> Self;
    /// Reads plain little-endian elements, as many as both sides have.
    fn read_wide(bytes: &[u8], out: &mut [u64; CHUNK]);
}

impl Word for u32 {
    #[inline(always)]
    fn low_of(value: u64) -> Self {
        low_half(value)
    }
    #[inline(always)]
    fn widen(self) -> u64 {
        u64::from(self)
    }
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self.wrapping_add(other)
    }
    fn read_wide(bytes: &[u8], out: &mut [u64; CHUNK]) {
        for (out, bytes) in out.iter_mut().zip(bytes.as_chunks().0) {
            *out = u64::from(Self::from_le_bytes(*bytes));
        }
    }
}

impl Word for u64 {
    #[inline(always)]
    fn low_of(value: u64) -> Self {
        value
    }
    #[inline(always)]
    fn widen(self) -> u64 {
        self
    }
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self.wrapping_add(other)
    }
    fn read_wide(bytes: &[u8], out: &mut [u64; CHUNK]) {
        Self::read(bytes, out);
    }
}

fn plain<W: Word, E: From<EncodingError>>(
    page: &[u8],
    n: usize,
    start: usize,
    len: usize,
    f: &mut impl FnMut(&[u64]) -> Result<(), E>,
) -> Result<(), E> {
    let range = element_range(n, start, len)?;
    let size = <W as Raw>::SIZE;
    let page = page_bytes(page, n, super::split::bits_of::<W>())?;
    // inside of the page, hence no overflow
    let bytes = page.get(range.start * size..range.end * size).unwrap_or_default();
    let mut values = [0u64; CHUNK];
    for bytes in bytes.chunks(CHUNK * size) {
        W::read_wide(bytes, &mut values);
        f(values.get(..bytes.len() / size).unwrap_or_default())?;
    }
    Ok(())
}

fn deltas<W: Word, E: From<EncodingError>>(
    page: &[u8],
    n: usize,
    start: usize,
    len: usize,
    before: Option<u64>,
    f: &mut impl FnMut(&[u64]) -> Result<(), E>,
) -> Result<(), E> {
    let mut sum = match before {
        // The first element of a page is not a difference.
        Some(before) if start > 0 => W::low_of(before),
        _ => sum_of_deltas::<W>(page, n, start),
    };
    let mut values = [0u64; CHUNK];
    for first in (0..len).step_by(CHUNK) {
        let here = CHUNK.min(len - first);
        let planes = Planes::<W>::new(page, n, start + first, here)?;
        sum = undelta(&planes, sum, &mut values);
        f(values.get(..here).unwrap_or_default())?;
    }
    Ok(())
}

/// Fills `out` with as many values as there are in `planes`; `sum` is the value before these.
///
/// Returns the last value.
#[inline(never)]
fn undelta<W: Word>(planes: &Planes<'_, W>, mut sum: W, out: &mut [u64; CHUNK]) -> W {
    let (blocks, _) = out.as_chunks_mut::<BLOCK>();
    let whole = planes.len() / BLOCK;
    for (i, out) in blocks.iter_mut().take(whole).enumerate() {
        sum = match planes.small_block(i, SMALL) {
            Some(low) => add_up_small(low, sum, out),
            None => add_up(&planes.block(i), sum, out),
        };
    }
    // zeros follow the last difference, so the sum stays
    if let Some(out) = blocks.get_mut(whole) {
        sum = add_up(&planes.tail(), sum, out);
    }
    sum
}

fn add_up<W: Word>(deltas: &[W; BLOCK], mut sum: W, out: &mut [u64; BLOCK]) -> W {
    for (out, delta) in out.iter_mut().zip(deltas) {
        sum = sum.plus(*delta);
        *out = sum.widen();
    }
    sum
}

/// Eight differences below this add up within a byte.
const SMALL: u8 = 32;

/// [`add_up`] for differences below [`SMALL`], as sizes of collections mostly are. A multiplication adds up eight at once:
/// byte `i` of the product is the sum of the bytes up to `i`.
fn add_up_small<W: Word>(deltas: &[u8; BLOCK], mut sum: W, out: &mut [u64; BLOCK]) -> W {
    for (out, deltas) in out.as_chunks_mut::<8>().0.iter_mut().zip(deltas.as_chunks::<8>().0) {
        let sums = u64::from_le_bytes(*deltas).wrapping_mul(0x0101_0101_0101_0101).to_le_bytes();
        for (out, part) in out.iter_mut().zip(sums) {
            *out = sum.plus(W::low_of(part.into())).widen();
        }
        sum = sum.plus(W::low_of(sums[7].into()));
    }
    sum
}

/// The sum of the first `count` differences of a page: the value before element `count`.
///
/// A sum of numbers is the sum of their byte sums, each shifted to its place: no need to put the numbers together.
#[inline(never)]
fn sum_of_deltas<W: Word>(page: &[u8], n: usize, count: usize) -> W {
    let mut total = 0u64;
    for (plane, bytes) in page.chunks_exact(n.max(1)).take(<W as Raw>::SIZE).enumerate() {
        let bytes = bytes.get(..count).unwrap_or_default();
        let mut sum = 0u64;
        // Sums of a few hundred bytes fit into 32 bits, which is what makes them fast.
        for part in bytes.chunks(1 << 12) {
            sum = sum.wrapping_add(u64::from(part.iter().map(|byte| u32::from(*byte)).sum::<u32>()));
        }
        total = total.wrapping_add(sum << (8 * plane));
    }
    W::low_of(total)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KINDS: [IndexKind; 4] = [IndexKind::Plain32, IndexKind::Plain64, IndexKind::Split32, IndexKind::Split64];

    fn collect(kind: IndexKind, page: &[u8], n: usize, start: usize, len: usize) -> Result<Vec<u64>, EncodingError> {
        let mut out = Vec::new();
        for_each_index(kind, page, n, start, len, None, &mut |values| {
            assert!(!values.is_empty() && values.len() <= CHUNK);
            out.extend_from_slice(values);
            Ok::<_, EncodingError>(())
        })?;
        Ok(out)
    }

    #[test]
    fn known_pages() {
        // 2, 2, 258: differences 2, 0, 256
        let page = [2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        assert_eq!(collect(IndexKind::Split32, &page, 3, 0, 3).unwrap(), [2, 2, 258]);
        assert_eq!(collect(IndexKind::Split32, &page, 3, 2, 1).unwrap(), [258]);
        let mut out = [0; 12];
        encode_index(IndexKind::Split32, &[2, 2, 258], &mut out).unwrap();
        assert_eq!(out, page);
        let page = [2, 0, 0, 0, 1, 1, 0, 0];
        assert_eq!(collect(IndexKind::Plain32, &page, 2, 0, 2).unwrap(), [2, 257]);
        assert_eq!(collect(IndexKind::Plain64, &page, 1, 0, 1).unwrap(), [0x101_0000_0002]);
    }

    #[test]
    fn sums_wrap_in_the_width_of_the_column() {
        // -1 (or 2^32 - 1), then + 2
        let page = [0xff, 2, 0xff, 0, 0xff, 0, 0xff, 0];
        assert_eq!(collect(IndexKind::Split32, &page, 2, 0, 2).unwrap(), [u64::from(u32::MAX), 1]);
        assert_eq!(collect(IndexKind::Split32, &page, 2, 1, 1).unwrap(), [1]);
        let all = [0xff; 1600];
        let values = collect(IndexKind::Split64, &all, 200, 0, 200).unwrap();
        assert_eq!(values[199], 0u64.wrapping_sub(200));
        assert_eq!(collect(IndexKind::Split64, &all, 200, 199, 1).unwrap(), [values[199]]);
    }

    #[test]
    fn wrong_sizes_are_errors() {
        for kind in KINDS {
            let size = kind.bits() as usize / 8;
            assert!(collect(kind, &vec![0; 3 * size - 1], 3, 0, 3).is_err());
            assert!(collect(kind, &vec![0; 3 * size], 3, 1, 3).is_err());
            assert!(collect(kind, &vec![0; 3 * size], 3, usize::MAX, 3).is_err());
            assert!(collect(kind, &vec![0; 3 * size], usize::MAX, 0, 3).is_err());
            assert_eq!(collect(kind, &[], 0, 0, 0).unwrap(), Vec::<u64>::new());
            assert!(undelta_page(kind, &vec![0; 3 * size], 3, &mut [0; 2]).is_err());
            assert!(encode_index(kind, &[1, 2], &mut [0; 3]).is_err());
        }
        assert_eq!(
            encode_index(IndexKind::Split32, &[1, 1 << 32], &mut [0; 8]),
            Err(EncodingError::IndexTooLarge { position: 1, value: 1 << 32 })
        );
    }

    #[test]
    fn an_error_of_the_callback_ends_the_walk() {
        let page = vec![0; 8 * 2000];
        let mut calls = 0;
        let result = for_each_index(IndexKind::Split64, &page, 2000, 0, 2000, None, &mut |_| {
            calls += 1;
            Err(EncodingError::InvalidBits { bits: 7, min: 0, max: 0 })
        });
        assert!(result.is_err());
        assert_eq!(calls, 1);
    }

    proptest! {
        #[test]
        fn round_trip(
            values in prop::collection::vec(any::<u64>(), 0..1500),
            cut in (0usize..1500, 0usize..1500),
        ) {
            let n = values.len();
            let start = cut.0.min(n);
            let len = cut.1.min(n - start);
            for kind in KINDS {
                let size = kind.bits() as usize / 8;
                let values: Vec<u64> =
                    values.iter().map(|v| if size == 4 { v & 0xffff_ffff } else { *v }).collect();
                let mut page = vec![0; n * size];
                encode_index(kind, &values, &mut page).unwrap();
                prop_assert_eq!(&collect(kind, &page, n, start, len).unwrap()[..], &values[start..start + len]);
                if let Some(before) = start.checked_sub(1).and_then(|i| values.get(i)) {
                    let mut out = Vec::new();
                    for_each_index(kind, &page, n, start, len, Some(*before), &mut |values| {
                        out.extend_from_slice(values);
                        Ok::<_, EncodingError>(())
                    }).unwrap();
                    prop_assert_eq!(&out[..], &values[start..start + len]);
                }
                let mut out = vec![0; n];
                undelta_page(kind, &page, n, &mut out).unwrap();
                prop_assert_eq!(&out, &values);
            }
        }
    }
}
