//! LZMA2 in .xz streams.

use liblzma::stream::{Action, Check, Filters, LzmaOptions, Status, Stream};

use super::error::Failure;

/// What a decoder may use. The largest dictionary of any preset is 64 MiB; ROOT's fit into a quarter of a block.
const MEMORY_LIMIT: u64 = 32 << 20;

/// Unpacks `src`, which must give exactly `dst.len()` bytes.
pub(super) fn decompress(src: &[u8], dst: &mut [u8]) -> Result<(), Failure> {
    let mut stream = Stream::new_stream_decoder(MEMORY_LIMIT, 0).map_err(Failure::new)?;
    let status = stream.process(src, dst, Action::Finish).map_err(Failure::new)?;
    let (read, written) = (stream.total_in(), stream.total_out());
    if status == Status::StreamEnd && read == src.len() as u64 && written == dst.len() as u64 {
        Ok(())
    } else {
        Err(Failure::sizes(read, src.len(), written, dst.len()))
    }
}

/// Packs `src` into `dst`; `None` if there is not enough room.
pub(super) fn compress(level: u32, src: &[u8], dst: &mut [u8]) -> Option<usize> {
    let preset = level.min(9);
    let mut options = LzmaOptions::new_preset(preset).ok()?;
    // A dictionary larger than the data only costs memory. ROOT takes a quarter of the data.
    let quarter = u32::try_from(src.len() / 4).ok()?.max(4096);
    options.dict_size(quarter.min(dictionary_of(preset)));
    let mut stream = Stream::new_stream_encoder(Filters::new().lzma2(&options), Check::Crc32).ok()?;
    match stream.process(src, dst, Action::Finish) {
        Ok(Status::StreamEnd) => usize::try_from(stream.total_out()).ok(),
        _ => None,
    }
}

/// Bytes of the dictionary of a preset.
const fn dictionary_of(preset: u32) -> u32 {
    match preset {
        0 => 1 << 18,
        1 => 1 << 20,
        2 => 1 << 21,
        3 | 4 => 1 << 22,
        5 | 6 => 1 << 23,
        7 => 1 << 24,
        8 => 1 << 25,
        _ => 1 << 26,
    }
}
