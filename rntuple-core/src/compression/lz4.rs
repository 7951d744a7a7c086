//! LZ4 blocks behind an XXH64 of their bytes.

use std::cell::RefCell;

use byteorder::{BigEndian, ByteOrder};
use lz4_flex::block::{CompressTable, compress_into_with_table, decompress_into, get_maximum_output_size};
use xxhash_rust::xxh64::xxh64;

use super::error::Failure;

const CHECKSUM_SIZE: usize = 8;

thread_local! {
    /// Table and output of the compressor, which wants room for the worst case.
    ///
    /// The large table is used for all sizes: with another table small data would be packed differently, and the
    /// result would depend on what the thread did before.
    static COMPRESSOR: RefCell<Option<(CompressTable, Vec<u8>)>> = const { RefCell::new(None) };
}

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
/// Levels from 4 on mean a better and slower search in ROOT; here all levels are the fast one so far.
pub(super) fn compress(src: &[u8], dst: &mut [u8]) -> Option<usize> {
    COMPRESSOR.with_borrow_mut(|slot| {
        let (table, packed) = slot.get_or_insert_with(|| (CompressTable::large(), Vec::new()));
        let room = get_maximum_output_size(src.len());
        packed.try_reserve(room.saturating_sub(packed.len())).ok()?;
        packed.resize(room.max(packed.len()), 0);
        let written = compress_into_with_table(src, packed, table).ok()?;
        let packed = packed.get(..written)?;
        let (checksum, data) = dst.get_mut(..CHECKSUM_SIZE + written)?.split_at_mut(CHECKSUM_SIZE);
        BigEndian::write_u64(checksum, xxh64(packed, 0));
        data.copy_from_slice(packed);
        Some(CHECKSUM_SIZE + written)
    })
}
