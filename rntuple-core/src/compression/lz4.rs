//! LZ4 blocks behind an XXH64 of their bytes.

use byteorder::{BigEndian, ByteOrder};
use lz4::block::{CompressionMode, compress_to_buffer};
use lz4_flex::block::decompress_into;
use xxhash_rust::xxh64::xxh64;

use super::error::Failure;

const CHECKSUM_SIZE: usize = 8;

/// Unpacks `src`, which must give exactly `dst.len()` bytes.
pub(super) fn decompress(src: &[u8], dst: &mut [u8]) -> Result<(), Failure> {
    let Some((checksum, data)) = src.split_first_chunk::<CHECKSUM_SIZE>() else {
        return Err(Failure::new("it is shorter than its checksum"));
    };
    let stored = u64::from_be_bytes(*checksum);
    let computed = xxh64(data, 0);
    if stored != computed {
        return Err(Failure::Checksum { stored, computed });
    }
    let written = decompress_into(data, dst).map_err(Failure::new)?;
    if written == dst.len() {
        Ok(())
    } else {
        Err(Failure::sizes(src.len() as u64, src.len(), written as u64, dst.len()))
    }
}

/// Packs `src` into `dst`; `None` if there is not enough room.
///
/// With the C library, as ROOT does: the one that decodes is safe Rust, but has no high-compression mode. That mode is
/// what levels from 4 on mean; ROOT takes levels above 9 as 9.
pub(super) fn compress(level: u32, src: &[u8], dst: &mut [u8]) -> Option<usize> {
    let mode = match i32::try_from(level.min(9)).ok()? {
        ..=3 => CompressionMode::DEFAULT,
        level => CompressionMode::HIGHCOMPRESSION(level),
    };
    let (checksum, data) = dst.split_at_mut_checked(CHECKSUM_SIZE)?;
    let written = compress_to_buffer(src, Some(mode), false, data).ok()?;
    BigEndian::write_u64(checksum, xxh64(data.get(..written)?, 0));
    Some(CHECKSUM_SIZE + written)
}
