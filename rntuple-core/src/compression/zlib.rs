//! zlib streams, and bare deflate data. A context of each kind is kept per thread.

use std::cell::RefCell;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::error::Failure;

thread_local! {
    static DECOMPRESSORS: RefCell<[Option<Decompress>; 2]> = const { RefCell::new([const { None }; 2]) };
    /// The last one used, with its level.
    static COMPRESSORS: RefCell<[Option<(u32, Compress)>; 2]> = const { RefCell::new([const { None }; 2]) };
}

/// Unpacks `src`, a zlib stream or (not `framed`) deflate data, which must give exactly `dst.len()` bytes.
pub(super) fn decompress(src: &[u8], dst: &mut [u8], framed: bool) -> Result<(), Failure> {
    DECOMPRESSORS.with_borrow_mut(|[bare, zlib]| {
        let slot = if framed { zlib } else { bare };
        let decompressor = slot.get_or_insert_with(|| Decompress::new(framed));
        decompressor.reset(framed);
        let status = decompressor.decompress(src, dst, FlushDecompress::Finish).map_err(Failure::new)?;
        let (read, written) = (decompressor.total_in(), decompressor.total_out());
        if status == Status::StreamEnd && read == src.len() as u64 && written == dst.len() as u64 {
            Ok(())
        } else {
            Err(Failure::sizes(read, src.len(), written, dst.len()))
        }
    })
}

/// Packs `src` into `dst`; `None` if there is not enough room.
pub(super) fn compress(level: u32, src: &[u8], dst: &mut [u8], framed: bool) -> Option<usize> {
    // The levels of zlib-rs give about what those of zlib give or up to 3 % less, but for level 1: that is a quick one of
    // its own, with results larger by a fifth and more. Its level 2 is near zlib's level 1.
    let level = level.clamp(2, 9);
    COMPRESSORS.with_borrow_mut(|[bare, zlib]| {
        let slot = if framed { zlib } else { bare };
        let compressor = match slot {
            Some((of, compressor)) if *of == level => {
                compressor.reset();
                compressor
            }
            _ => &mut slot.insert((level, Compress::new(Compression::new(level), framed))).1,
        };
        match compressor.compress(src, dst, FlushCompress::Finish) {
            Ok(Status::StreamEnd) => usize::try_from(compressor.total_out()).ok(),
            _ => None,
        }
    })
}
