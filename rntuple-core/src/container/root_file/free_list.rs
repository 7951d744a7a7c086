//! Free segments: which bytes of a file no record takes (format-spec/container.md, free list).

use crate::error::{Error, Result};
use crate::wire::{Be, BeWriter};

/// Version of an entry; with [`BIG`] added its offsets have 64 bits.
const VERSION: u16 = 1;
const BIG: u16 = 1000;
/// Segments that end behind this offset are written with 64 bits, as ROOT does.
const BIG_OFFSET: u64 = 2_000_000_000;
/// The last segment of a file ends at a multiple of this.
const STEP: u64 = 1_000_000_000;

/// Bytes of a file that no record takes. The last segment of each file starts at its end and reaches beyond it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreeSegment {
    /// Offset of the first free byte.
    pub first: u64,
    /// Offset of the last free byte.
    pub last: u64,
}

impl FreeSegment {
    /// The segment behind the end of a file of `end` bytes.
    #[must_use]
    pub fn tail(end: u64) -> Self {
        let last = (end / STEP).saturating_add(1).saturating_mul(STEP).max(BIG_OFFSET);
        Self { first: end, last }
    }

    /// Bytes that the segment takes in a free list.
    #[must_use]
    pub fn stored_len(&self) -> usize {
        if self.is_big() { 18 } else { 10 }
    }

    /// What stands at the start of a segment between two records: its size as a negative number, where a record has its
    /// own. Gaps of more than 2 GB do not say all of their size.
    #[must_use]
    pub fn gap(&self) -> [u8; 4] {
        let len = self.last.saturating_sub(self.first).saturating_add(1).min(BIG_OFFSET);
        i32::try_from(len).unwrap_or(i32::MAX).wrapping_neg().to_be_bytes()
    }

    fn is_big(&self) -> bool {
        self.last > BIG_OFFSET
    }
}

/// Reads the payload of a free list record; `at` is its offset, for messages. Zeros behind the last segment are skipped:
/// ROOT sets room aside for the list before it knows its length.
///
/// # Errors
/// [`Error::Truncated`], and [`Error::Malformed`] for a segment that ends before it starts.
pub fn parse_free_list(payload: &[u8], at: u64) -> Result<Vec<FreeSegment>> {
    let mut cursor = Be::new(payload, at);
    let mut segments = Vec::new();
    while cursor.remaining() > 0 {
        let start = cursor.at();
        let version = cursor.u16("free segment")?;
        if version == 0 {
            break;
        }
        let mut offset = || {
            if version > BIG { cursor.u64("free segment") } else { cursor.u32("free segment").map(u64::from) }
        };
        let segment = FreeSegment { first: offset()?, last: offset()? };
        if segment.last < segment.first {
            let reason = format!("from byte {} to byte {}", segment.first, segment.last);
            return Err(Error::malformed("free segment", start, reason));
        }
        segments.push(segment);
    }
    Ok(segments)
}

/// The payload of a free list record.
#[must_use]
pub fn serialize_free_list(segments: &[FreeSegment]) -> Vec<u8> {
    let mut out = BeWriter::new();
    for segment in segments {
        // All offsets below the limit fit 32 bits.
        match (u32::try_from(segment.first), u32::try_from(segment.last)) {
            (Ok(first), Ok(last)) if !segment.is_big() => {
                out.u16(VERSION);
                out.u32(first);
                out.u32(last);
            }
            _ => {
                out.u16(VERSION + BIG);
                out.u64(segment.first);
                out.u64(segment.last);
            }
        }
    }
    out.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_bytes() {
        // From a file of ROOT 6.40 that ends at byte 2889.
        let bytes = [0, 1, 0, 0, 0x0b, 0x49, 0x77, 0x35, 0x94, 0];
        assert_eq!(serialize_free_list(&[FreeSegment::tail(2889)]), bytes);
        assert_eq!(parse_free_list(&bytes, 0).unwrap(), [FreeSegment { first: 2889, last: 2_000_000_000 }]);
    }

    #[test]
    fn tails() {
        for (end, last, len) in [
            (0, 2_000_000_000, 10),
            (1_999_999_999, 2_000_000_000, 10),
            (2_000_000_000, 3_000_000_000, 18),
            (2_999_999_999, 3_000_000_000, 18),
            (7_123_456_789, 8_000_000_000, 18),
        ] {
            let tail = FreeSegment::tail(end);
            assert_eq!((tail.first, tail.last, tail.stored_len()), (end, last, len));
            assert_eq!(serialize_free_list(&[tail]).len(), len);
        }
        assert!(FreeSegment::tail(u64::MAX).last >= u64::MAX - 1);
    }

    #[test]
    fn read_and_written() {
        let segments = [
            FreeSegment { first: 300, last: 400 },
            FreeSegment { first: 1_000, last: 2_000_000_001 },
            FreeSegment { first: 2_500_000_000, last: 3_000_000_000 },
        ];
        let bytes = serialize_free_list(&segments);
        assert_eq!(bytes.len(), 10 + 18 + 18);
        assert_eq!(parse_free_list(&bytes, 0).unwrap(), segments);
        let padded = [&bytes[..], &[0; 8]].concat();
        assert_eq!(parse_free_list(&padded, 0).unwrap(), segments);
        for len in 0..bytes.len() {
            assert_eq!(parse_free_list(&bytes[..len], 0).is_ok(), [0, 10, 28].contains(&len), "{len}");
        }
        assert!(matches!(parse_free_list(&[0, 1, 0, 0, 0, 9, 0, 0, 0, 8], 0), Err(Error::Malformed { .. })));
    }
}
