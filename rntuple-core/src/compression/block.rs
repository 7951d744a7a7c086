//! The header of a block.

use std::iter::FusedIterator;

use byteorder::{ByteOrder, LittleEndian};

use super::{Algorithm, CompressionError};

/// Bytes of the header of a block.
pub const BLOCK_HEADER_SIZE: usize = 9;

/// The most content that one block can hold, in bytes: what 24 bits can say.
pub const MAX_BLOCK_SIZE: usize = 0xff_ffff;

/// What the header of a block says. The block is known to lie within its buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockHeader {
    /// Start of the header within the stored buffer, in bytes.
    pub offset: usize,
    /// How the data is compressed.
    pub algorithm: Algorithm,
    /// Bytes of data after the header.
    pub compressed: usize,
    /// Bytes of content, more than [`BLOCK_HEADER_SIZE`] + `compressed`.
    pub uncompressed: usize,
}

impl BlockHeader {
    /// The data of this block, out of the buffer that the header was read from.
    #[must_use]
    pub fn data<'a>(&self, src: &'a [u8]) -> &'a [u8] {
        let start = self.offset.saturating_add(BLOCK_HEADER_SIZE);
        src.get(start..start.saturating_add(self.compressed)).unwrap_or_default()
    }
}

/// The block headers of a stored buffer, one after the other; the data is skipped.
///
/// Ends after the last block or after the first error. An empty buffer has no blocks.
#[must_use]
pub fn block_headers(src: &[u8]) -> BlockHeaders<'_> {
    BlockHeaders { src, offset: 0 }
}

/// Iterator over block headers, see [`block_headers`].
#[derive(Debug, Clone)]
pub struct BlockHeaders<'a> {
    src: &'a [u8],
    offset: usize,
}

impl BlockHeaders<'_> {
    fn parse(&self) -> Result<BlockHeader, CompressionError> {
        let offset = self.offset;
        let rest = self.src.get(offset..).unwrap_or_default();
        let truncated = |needed| CompressionError::Truncated { offset, needed, available: rest.len() };
        let Some((header, data)) = rest.split_first_chunk::<BLOCK_HEADER_SIZE>() else {
            return Err(truncated(BLOCK_HEADER_SIZE));
        };
        let [a0, a1, method, sizes @ ..] = header;
        let bytes = [*a0, *a1, *method];
        let algorithm = Algorithm::from_block(bytes).ok_or(CompressionError::UnknownAlgorithm { offset, bytes })?;
        let (compressed, uncompressed) = sizes.split_at(3);
        let compressed = LittleEndian::read_u24(compressed) as usize;
        let uncompressed = LittleEndian::read_u24(uncompressed) as usize;
        if data.len() < compressed {
            return Err(truncated(BLOCK_HEADER_SIZE + compressed));
        }
        if uncompressed <= BLOCK_HEADER_SIZE + compressed {
            return Err(CompressionError::NotSmaller {
                offset,
                compressed: BLOCK_HEADER_SIZE + compressed,
                uncompressed,
            });
        }
        Ok(BlockHeader { offset, algorithm, compressed, uncompressed })
    }
}

impl Iterator for BlockHeaders<'_> {
    type Item = Result<BlockHeader, CompressionError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.offset >= self.src.len() {
            return None;
        }
        let header = self.parse();
        self.offset = match &header {
            Ok(header) => header.offset + BLOCK_HEADER_SIZE + header.compressed,
            Err(_) => self.src.len(),
        };
        Some(header)
    }
}

impl FusedIterator for BlockHeaders<'_> {}

/// Checks that the blocks of `src` are well-formed, fill it, and add up to `expected` bytes of content.
pub(super) fn check_blocks(src: &[u8], expected: usize) -> Result<(), CompressionError> {
    if src.len() > expected {
        return Err(CompressionError::StoredTooLarge { stored: src.len(), expected });
    }
    let mut declared = 0usize;
    for header in block_headers(src) {
        declared = declared.saturating_add(header?.uncompressed);
    }
    if declared == expected { Ok(()) } else { Err(CompressionError::SizeMismatch { declared, expected }) }
}

/// Writes the header of a block at the start of `out`; `false` if that is impossible.
pub(super) fn write_header(algorithm: Algorithm, compressed: usize, uncompressed: usize, out: &mut [u8]) -> bool {
    let (Ok(compressed), Ok(uncompressed)) = (u32::try_from(compressed), u32::try_from(uncompressed)) else {
        return false;
    };
    let Some([a0, a1, method, sizes @ ..]) = out.first_chunk_mut::<BLOCK_HEADER_SIZE>() else {
        return false;
    };
    if compressed.max(uncompressed) >> 24 != 0 {
        return false;
    }
    [*a0, *a1, *method] = algorithm.block_bytes();
    let (low, high) = sizes.split_at_mut(3);
    LittleEndian::write_u24(low, compressed);
    LittleEndian::write_u24(high, uncompressed);
    true
}
