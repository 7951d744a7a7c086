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
//! **Contexts.** zstd, zlib and LZ4 keep their working memory per thread and use it again; LZMA cannot.

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

use block::{check_blocks, write_header};

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
    let first = expected.min(MAX_BLOCK_SIZE).saturating_sub(out.len());
    out.try_reserve_exact(first).map_err(|_| CompressionError::OutOfMemory { requested: first })?;
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

/// Packs `src` as `settings` say and appends the result to `out`.
///
/// If compression is off, or if one block does not become smaller (its header included), the whole of `src` is
/// appended as it is: a stored buffer is never longer than its content.
///
/// LZ4 uses one and the same effort for all levels so far. The result depends on `settings` and `src` only.
///
/// # Errors
///
/// `settings` name an algorithm that does not exist, or memory ran out.
pub fn compress(settings: CompressionSettings, src: &[u8], out: &mut Vec<u8>) -> Result<(), CompressionError> {
    let start = out.len();
    if !settings.is_none() {
        let Some(algorithm) = settings.algorithm() else {
            return Err(CompressionError::UnknownSettings { settings: settings.get() });
        };
        let mut blocks = src.chunks(MAX_BLOCK_SIZE);
        if blocks.all(|block| compress_block(algorithm, settings.level(), block, out)) {
            return Ok(());
        }
        out.truncate(start);
    }
    reserve(out, src.len())?;
    out.extend_from_slice(src);
    Ok(())
}

/// Appends one block; `false` (and anything appended) if it is not smaller than `src`.
fn compress_block(algorithm: Algorithm, level: u32, src: &[u8], out: &mut Vec<u8>) -> bool {
    // the most that the data may have
    let Some(limit) = src.len().checked_sub(BLOCK_HEADER_SIZE + 1) else {
        return false;
    };
    let start = out.len();
    let data_start = start + BLOCK_HEADER_SIZE;
    if reserve(out, BLOCK_HEADER_SIZE + limit).is_err() {
        return false;
    }
    out.resize(data_start + limit, 0);
    let data = out.get_mut(data_start..).unwrap_or_default();
    let written = match algorithm {
        Algorithm::Zlib => zlib::compress(level, src, data, true),
        Algorithm::OldDeflate => zlib::compress(level, src, data, false),
        Algorithm::Lzma => lzma::compress(level, src, data),
        Algorithm::Lz4 => lz4::compress(src, data),
        Algorithm::Zstd => zstd::compress(level, src, data),
    };
    let Some(written) = written else {
        return false;
    };
    out.truncate(data_start + written);
    write_header(algorithm, written, src.len(), out.get_mut(start..).unwrap_or_default())
}

#[cfg(test)]
mod tests;
