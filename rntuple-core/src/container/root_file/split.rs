//! Payloads larger than the maximum key size (format-spec/container.md, split payloads).

use std::ops::Range;

use crate::error::{Error, Result};
use crate::wire::Le;

/// How a payload of `stored` bytes is spread over records of at most `max` bytes.
///
/// The first chunk ends with the little-endian 64-bit file offsets of the others, so reading takes two steps: read
/// [`SplitPayload::first_chunk`], then the ranges that [`SplitPayload::other_chunks`] finds at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SplitPayload {
    offset: u64,
    stored: u64,
    max: u64,
    chunks: u64,
}

impl SplitPayload {
    /// The split of a payload at `offset` of `stored` bytes (for a page: with its checksum), or `None` when it lies
    /// in one piece.
    ///
    /// # Errors
    /// [`Error::Malformed`] when no split into records of `max_key_size` bytes can hold the payload.
    pub fn plan(offset: u64, stored: u64, max_key_size: u64) -> Result<Option<Self>> {
        let max = max_key_size;
        if max == 0 || stored <= max {
            return Ok(None);
        }
        let impossible = || {
            let reason = format!("a payload of {stored} bytes cannot be split into records of {max} bytes");
            Error::malformed("maximum key size", offset, reason)
        };
        let mut chunks = stored.div_ceil(max);
        if chunks > max / 8 + 1 {
            return Err(impossible());
        }
        // The offsets take room in the first chunk; what the last chunk leaves free may already suffice.
        let slack = (max - stored % max) % max;
        if 8 * (chunks - 1) > slack {
            chunks += 1;
        }
        if 8 * (chunks - 1) >= max {
            return Err(impossible());
        }
        Ok(Some(Self { offset, stored, max, chunks }))
    }

    /// Number of chunks, at least two.
    #[must_use]
    pub fn chunks(&self) -> u64 {
        self.chunks
    }

    /// Bytes of payload in each of the other chunks, in order.
    pub fn other_lens(&self) -> impl Iterator<Item = u64> + use<> {
        let (max, mut left) = (self.max, self.stored - self.first_data_len());
        (1..self.chunks).map(move |_| {
            let len = left.min(max);
            left -= len;
            len
        })
    }

    /// What follows the payload bytes in the first chunk: where the payloads of the other chunks lie.
    ///
    /// # Errors
    /// [`Error::Inconsistent`] when there are not as many offsets as other chunks.
    pub fn serialize_offsets(&self, others: &[u64]) -> Result<Vec<u8>> {
        if others.len() as u64 != self.chunks - 1 {
            let reason = format!("{} offsets for {} other chunks", others.len(), self.chunks - 1);
            return Err(Error::inconsistent("split payload", reason));
        }
        Ok(others.iter().flat_map(|at| at.to_le_bytes()).collect())
    }

    /// File range of the first chunk, offsets included.
    #[must_use]
    pub fn first_chunk(&self) -> Range<u64> {
        self.offset..self.offset.saturating_add(self.max)
    }

    /// Bytes of payload in the first chunk; the offsets of the other chunks follow.
    #[must_use]
    pub fn first_data_len(&self) -> u64 {
        self.max - 8 * (self.chunks - 1)
    }

    /// File ranges of the other chunks, from the bytes of the first. Payload bytes continue in this order.
    ///
    /// # Errors
    /// [`Error::Truncated`] when `first` is not the whole first chunk.
    pub fn other_chunks(&self, first: &[u8]) -> Result<Vec<Range<u64>>> {
        let mut cursor = Le::new(first, self.offset);
        cursor.take("first chunk of a split payload", usize::try_from(self.first_data_len()).unwrap_or(usize::MAX))?;
        let mut ranges = Vec::new();
        for len in self.other_lens() {
            let at = cursor.u64("chunk offset")?;
            ranges.push(at..at.saturating_add(len));
        }
        Ok(ranges)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seen in a file of ROOT 6.40: a page of 5600 bytes plus checksum under a maximum key size of 1000.
    #[test]
    fn known_split() {
        let split = SplitPayload::plan(50_000, 5608, 1000).unwrap().unwrap();
        assert_eq!((split.chunks, split.first_data_len()), (6, 960));
        let mut first = vec![1; 960];
        for at in [1_u64, 2000, 4000, 6000, 8000] {
            first.extend(at.to_le_bytes());
        }
        assert_eq!(split.first_chunk(), 50_000..51_000);
        let others = split.other_chunks(&first).unwrap();
        assert_eq!(others, [1..1001, 2000..3000, 4000..5000, 6000..7000, 8000..8648]);
        assert!(split.other_chunks(&first[..992]).is_err());
        // Writing: the same numbers from the other side.
        assert_eq!((split.chunks(), split.other_lens().collect::<Vec<_>>()), (6, vec![1000, 1000, 1000, 1000, 648]));
        let offsets: Vec<u64> = others.iter().map(|chunk| chunk.start).collect();
        assert_eq!(split.serialize_offsets(&offsets).unwrap(), first[960..]);
        assert!(split.serialize_offsets(&offsets[1..]).is_err());
    }

    #[test]
    fn sizes_add_up() {
        for max in [20_u64, 64, 100, 1000] {
            for stored in 1..3000 {
                let Ok(plan) = SplitPayload::plan(0, stored, max) else { continue };
                let Some(split) = plan else {
                    assert!(stored <= max);
                    continue;
                };
                let first = vec![0; usize::try_from(max).unwrap()];
                let others: u64 = split.other_chunks(&first).unwrap().iter().map(|r| r.end - r.start).sum();
                assert_eq!(split.first_data_len() + others, stored);
            }
        }
    }

    #[test]
    fn never_split_and_impossible() {
        assert_eq!(SplitPayload::plan(0, u64::MAX, 0).unwrap(), None);
        assert_eq!(SplitPayload::plan(0, 1000, 1000).unwrap(), None);
        for (stored, max) in [(5608, 16), (u64::MAX, 1), (u64::MAX, 8), (u64::MAX, 1 << 32)] {
            assert!(SplitPayload::plan(0, stored, max).is_err(), "{stored} by {max}");
        }
    }
}
