//! zstd: one frame per block. A context is kept per thread: making one costs more than unpacking a small page.

use std::cell::RefCell;

use ::zstd::bulk::Decompressor;
use ::zstd::stream::raw::{Decoder, Operation};
use ::zstd::zstd_safe::{CCtx, CParameter, ResetDirective};

use super::error::Failure;

thread_local! {
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
    static COMPRESSOR: RefCell<Option<CCtx<'static>>> = const { RefCell::new(None) };
}

/// Unpacks `src`, which must give exactly `dst.len()` bytes.
pub(super) fn decompress(src: &[u8], dst: &mut [u8]) -> Result<(), Failure> {
    DECOMPRESSOR.with_borrow_mut(|slot| {
        let decompressor = match slot {
            Some(decompressor) => decompressor,
            None => slot.insert(Decompressor::new().map_err(Failure::new)?),
        };
        // The decoder itself refuses data after the frame that is not a frame.
        let written = decompressor.decompress_to_buffer(src, dst).map_err(Failure::new)?;
        if written == dst.len() {
            Ok(())
        } else {
            Err(Failure::sizes(src.len() as u64, src.len(), written as u64, dst.len()))
        }
    })
}

/// Packs `src` into `dst`; `None` if there is not enough room.
pub(super) fn compress(level: u32, src: &[u8], dst: &mut [u8]) -> Option<usize> {
    // ROOT's levels 1 to 9 stand for every second one of zstd; too high a number means the highest there is.
    let level = i32::try_from(level).unwrap_or(i32::MAX).saturating_mul(2);
    COMPRESSOR.with_borrow_mut(|slot| {
        let compressor = match slot {
            Some(compressor) => compressor,
            None => slot.insert(CCtx::try_create()?),
        };
        // A run that found no room is still open, and an open run does not take all parameters.
        compressor.reset(ResetDirective::SessionOnly).ok()?;
        compressor.set_parameter(CParameter::CompressionLevel(level)).ok()?;
        compressor.compress2(dst, src).ok()
    })
}

/// Unpacks one block piece by piece.
pub(super) struct Stream {
    decoder: Decoder<'static>,
}

impl Stream {
    pub(super) fn new() -> Result<Self, Failure> {
        Ok(Self { decoder: Decoder::new().map_err(Failure::new)? })
    }

    /// Begins a new block.
    pub(super) fn restart(&mut self) -> Result<(), Failure> {
        self.decoder.reinit().map_err(Failure::new)
    }

    /// Unpacks more of `src` into `dst` and moves `src` on; gives the bytes written, and whether a frame has just ended.
    pub(super) fn step(&mut self, src: &mut &[u8], dst: &mut [u8]) -> Result<(usize, bool), Failure> {
        let status = self.decoder.run_on_buffers(src, dst).map_err(Failure::new)?;
        *src = src.get(status.bytes_read..).unwrap_or_default();
        Ok((status.bytes_written, status.remaining == 0))
    }
}
