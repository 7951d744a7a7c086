//! Compressed buffers: pages, header, footer and page lists as they are stored.
//!
//! A stored buffer has two lengths, both known from outside of it: that in the file and that of its content. If they
//! are equal, the content is stored as it is. Otherwise the buffer is a series of blocks, nothing before, between or
//! after them; each holds up to 16 MiB - 1 of the content:
//!
//! ```text
//!  offset  size
//!       0     2   algorithm   "ZL" zlib, "CS" old deflate, "XZ" LZMA, "L4" LZ4, "ZS" zstd
//!       2     1   method      8, 8, 0, 1, 1: the format that follows
//!       3     3   c           little endian: bytes that follow this header
//!       6     3   u           little endian: bytes of content that they stand for; u > c + 9
//!       9     c   data        zlib stream | raw deflate | .xz stream | XXH64 of the rest (big endian), raw LZ4 block
//!                             | zstd frame
//! ```
//!
//! | to | use |
//! |---|---|
//! | unpack into a buffer of the right length | [`decompress`] |
//! | unpack what says itself how long it is | [`decompress_to_vec`]: memory grows with what really came out |
//! | read a large buffer once, front to back | [`BlockReader`]: 256 KiB (zstd) or one block at a time |
//! | look at the blocks only | [`block_headers`] |
//! | pack | [`compress`] |
//!
//! **Hostile input.** Lengths must add up on both sides: the blocks fill the stored buffer and give the whole content,
//! and so does each block's data within its block. Anything else is a [`CompressionError`]; nothing panics. LZMA decoding
//! is limited to 100 MiB of memory, the other algorithms need little.
//!
//! **Contexts.** zstd and zlib keep their working memory per thread and use it again, LZMA cannot, LZ4 need not. Packing
//! also keeps a buffer of the size of the largest block so far (at most 16 MiB) per thread.
//!
//! **As ROOT.** Levels mean what they mean in ROOT. zstd, LZMA and LZ4 give the very bytes that ROOT 6.40 gives; zlib is
//! another implementation, whose results are a few percent smaller at the low levels, and equally large at the high ones.

mod block;
mod error;
mod lz4;
mod lzma;
mod reader;
mod settings;
mod zlib;
mod zstd;

pub use block::{BLOCK_HEADER_SIZE, BlockHeader, BlockHeaders, MAX_BLOCK_SIZE, block_headers};
pub use error::CompressionError;
pub use reader::BlockReader;
pub use settings::{Algorithm, CompressionSettings};

use std::cell::RefCell;

use block::{check_blocks, write_header};

thread_local! {
    /// Where the data of a block goes until its length is known, see [`compress_block`]. Only ever grows: what is there
    /// from the last use is overwritten, so no byte of it is zeroed twice.
    static PACKED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Unpacks the stored buffer `src` into `dst`, which has the length of the content.
///
/// # Errors
///
/// `src` is not what a content of `dst.len()` bytes can be stored as, or its data is damaged. What is in `dst` then
/// means nothing.
pub fn decompress(src: &[u8], dst: &mut [u8]) -> Result<(), CompressionError> {
    if src.len() == dst.len() {
        dst.copy_from_slice(src);
        return Ok(());
    }
    check_blocks(src, dst.len())?;
    let mut rest = dst;
    for header in block_headers(src) {
        let header = header?;
        let (now, later) = std::mem::take(&mut rest).split_at_mut_checked(header.uncompressed).unwrap_or_default();
        decompress_block(&header, src, now)?;
        rest = later;
    }
    Ok(())
}

/// Unpacks the stored buffer `src`, whose content should have `expected` bytes, into `out`, replacing what is there.
///
/// `expected` may come from the file: sizes are compared before anything is allocated, and `out` then grows block by
/// block, after the block before has really been unpacked.
///
/// # Errors
///
/// `src` is not what a content of `expected` bytes can be stored as, its data is damaged, or memory ran out. What `out`
/// holds then has no meaning.
pub fn decompress_to_vec(src: &[u8], expected: usize, out: &mut Vec<u8>) -> Result<(), CompressionError> {
    if src.len() == expected {
        out.clear();
        reserve(out, expected)?;
        out.extend_from_slice(src);
        return Ok(());
    }
    check_blocks(src, expected)?;
    // Room for the first block and no more than is needed; then memory grows as blocks are unpacked.
    let first = expected.min(MAX_BLOCK_SIZE);
    if out.capacity() < first {
        // New memory is zero already: the system need not be asked for it twice, first to zero it.
        *out = vec![0; first];
    }
    let mut done = 0;
    for header in block_headers(src) {
        let header = header?;
        let end = done + header.uncompressed;
        // What is there from the last use is overwritten; only what is new must be zeroed.
        if let Some(additional) = end.checked_sub(out.len()) {
            reserve(out, additional)?;
            out.resize(end, 0);
        }
        decompress_block(&header, src, out.get_mut(done..end).unwrap_or_default())?;
        done = end;
    }
    out.truncate(done);
    Ok(())
}

fn reserve(out: &mut Vec<u8>, additional: usize) -> Result<(), CompressionError> {
    let requested = out.len().saturating_add(additional);
    out.try_reserve(additional).map_err(|_| CompressionError::OutOfMemory { requested })
}

/// Unpacks one block of `src`; `dst` has `header.uncompressed` bytes.
fn decompress_block(header: &BlockHeader, src: &[u8], dst: &mut [u8]) -> Result<(), CompressionError> {
    let data = header.data(src);
    match header.algorithm {
        Algorithm::Zlib => zlib::decompress(data, dst, true),
        Algorithm::OldDeflate => zlib::decompress(data, dst, false),
        Algorithm::Lzma => lzma::decompress(data, dst),
        Algorithm::Lz4 => lz4::decompress(data, dst),
        Algorithm::Zstd => zstd::decompress(data, dst),
    }
    .map_err(|failure| failure.at(header))
}

/// Packs `src` as `settings` say and appends the result to `out`, which gets no more room than that takes.
///
/// If compression is off, or if one block does not become smaller (its header included), the whole of `src` is
/// appended as it is: a stored buffer is never longer than its content.
///
/// The result depends on `settings` and `src` only. What the levels mean to each algorithm:
///
/// | algorithm | level |
/// |---|---|
/// | zlib, old deflate | zlib's own, at most 9; 1 is the same as 2 |
/// | LZMA | the preset, at most 9, with a dictionary of a quarter of the data at most |
/// | LZ4 | up to 3 the fast search, then the high-compression mode of that level, at most 9 |
/// | zstd | twice as high as zstd's own, which ends at 22 |
///
/// # Errors
///
/// `settings` name an algorithm that does not exist, or memory ran out; `out` is then as it was.
pub fn compress(settings: CompressionSettings, src: &[u8], out: &mut Vec<u8>) -> Result<(), CompressionError> {
    let start = out.len();
    let packed = compress_blocks(settings, src, out);
    if packed != Ok(true) {
        out.truncate(start);
    }
    if !packed? {
        reserve(out, src.len())?;
        out.extend_from_slice(src);
    }
    Ok(())
}

/// Appends blocks; `false` (and part of them) if `src` is to be stored as it is.
fn compress_blocks(settings: CompressionSettings, src: &[u8], out: &mut Vec<u8>) -> Result<bool, CompressionError> {
    if settings.is_none() {
        return Ok(false);
    }
    let Some(algorithm) = settings.algorithm() else {
        return Err(CompressionError::UnknownSettings { settings: settings.get() });
    };
    for block in src.chunks(MAX_BLOCK_SIZE) {
        if !compress_block(algorithm, settings.level(), block, out)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Appends one block; `false` (and nothing appended) if it is not smaller than `src`.
///
/// Encoders want a buffer for the largest result that is of use. That is not made at the end of `out`: it would have to
/// be zeroed each time, and `out` would keep the room. Copying what was really written costs less.
fn compress_block(algorithm: Algorithm, level: u32, src: &[u8], out: &mut Vec<u8>) -> Result<bool, CompressionError> {
    // As much as ROOT gives them, one byte more than is of use: some give up before all of their room is filled.
    let Some(room) = src.len().checked_sub(BLOCK_HEADER_SIZE) else {
        return Ok(false);
    };
    PACKED.with_borrow_mut(|packed| {
        if let Some(additional) = room.checked_sub(packed.len()) {
            reserve(packed, additional)?;
            packed.resize(room, 0);
        }
        let dst = packed.get_mut(..room).unwrap_or_default();
        let written = match algorithm {
            Algorithm::Zlib => zlib::compress(level, src, dst, true),
            Algorithm::OldDeflate => zlib::compress(level, src, dst, false),
            Algorithm::Lzma => lzma::compress(level, src, dst),
            Algorithm::Lz4 => lz4::compress(level, src, dst),
            Algorithm::Zstd => zstd::compress(level, src, dst),
        };
        let data = written.filter(|written| *written < room).and_then(|written| dst.get(..written));
        let mut header = [0; BLOCK_HEADER_SIZE];
        let Some(data) = data.filter(|data| write_header(algorithm, data.len(), src.len(), &mut header)) else {
            return Ok(false);
        };
        reserve(out, BLOCK_HEADER_SIZE + data.len())?;
        out.extend_from_slice(&header);
        out.extend_from_slice(data);
        Ok(true)
    })
}

#[cfg(test)]
mod tests;
