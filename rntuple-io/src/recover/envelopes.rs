//! Recognises envelopes in records of which nothing tells what they hold.

use std::io::BufRead;

use rntuple_core::compression::{self, BLOCK_HEADER_SIZE, BlockReader};
use rntuple_core::container::root_file::EnvelopePlace;
use rntuple_core::limits::MAX_ENVELOPE;

use crate::error::Result;
use crate::reader::File;

/// What an envelope says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Header,
    Footer,
    PageList,
}

/// No real envelope compresses better than this.
const MAX_RATIO: u64 = 256;
const SMALL_ENVELOPE: u64 = 1 << 20;
/// How compressed blocks start.
const ALGORITHMS: [&[u8; 2]; 5] = [b"ZL", b"CS", b"XZ", b"L4", b"ZS"];

/// Whether a payload looks like an envelope, stored as it is or compressed. Its checksum is not looked at.
pub(super) fn recognise(file: &File, at: u64, stored: u64) -> Result<Option<(Kind, EnvelopePlace)>> {
    let what = || "start of a record".to_owned();
    let start = file.read_up_to(what, at, 16)?;
    if start.len() < 16 || stored < 16 {
        return Ok(None);
    }
    if let Some(kind) = kind(&start, stored) {
        return Ok(Some((kind, EnvelopePlace { offset: at, stored, length: stored })));
    }
    // Blocks tell their sizes: those of an envelope fill the record.
    let (mut done, mut length, mut first) = (0, 0_u64, None);
    while done < stored {
        let header = file.read_up_to(what, at.saturating_add(done), BLOCK_HEADER_SIZE)?;
        let [a, b, _, c0, c1, c2, u0, u1, u2] = *header.as_slice() else { return Ok(None) };
        if !ALGORITHMS.contains(&&[a, b]) {
            return Ok(None);
        }
        let packed = u64::from(u32::from_le_bytes([c0, c1, c2, 0])) + BLOCK_HEADER_SIZE as u64;
        let plain = u32::from_le_bytes([u0, u1, u2, 0]);
        first.get_or_insert((packed, plain));
        done += packed;
        length += u64::from(plain);
    }
    let limit = stored.saturating_mul(MAX_RATIO).clamp(SMALL_ENVELOPE, MAX_ENVELOPE);
    let Some((packed, plain)) = first.filter(|_| done == stored && length <= limit) else { return Ok(None) };
    let block = file.read(what, at, packed)?;
    let Ok(mut reader) = BlockReader::new(&block, plain as usize) else { return Ok(None) };
    let Ok(buffer) = reader.fill_buf() else { return Ok(None) };
    Ok(kind(buffer, length).map(|kind| (kind, EnvelopePlace { offset: at, stored, length })))
}

/// What the first word of an envelope of this length says.
fn kind(start: &[u8], length: u64) -> Option<Kind> {
    let word = u64::from_le_bytes(*start.first_chunk()?);
    if word >> 16 != length {
        return None;
    }
    match word & 0xffff {
        1 => Some(Kind::Header),
        2 => Some(Kind::Footer),
        3 => Some(Kind::PageList),
        _ => None,
    }
}

/// The checksum of the header that a footer or page list repeats; zero feature flags stand before it in a footer.
pub(super) fn header_checksum(kind: Kind, envelope: &[u8]) -> Option<u64> {
    let word = |at: usize| Some(u64::from_le_bytes(*envelope.get(at..)?.first_chunk()?));
    match kind {
        Kind::Header => None,
        Kind::Footer => word(8).filter(|flags| *flags == 0).and_then(|_| word(16)),
        Kind::PageList => word(8),
    }
}

/// The first bytes of an envelope, enough for [`header_checksum`].
pub(super) fn start(file: &File, place: EnvelopePlace) -> Result<Vec<u8>> {
    const ENOUGH: usize = 24;
    let what = || "start of an envelope".to_owned();
    if place.stored == place.length {
        return file.read_up_to(what, place.offset, ENOUGH);
    }
    let sealed = file.read(what, place.offset, place.stored)?;
    let mut out = Vec::new();
    let Ok(mut reader) = BlockReader::new(&sealed, usize::try_from(place.length).unwrap_or(usize::MAX)) else {
        return Ok(out);
    };
    while out.len() < ENOUGH {
        let Ok(buffer) = reader.fill_buf() else { break };
        let n = buffer.len().min(ENOUGH - out.len());
        if n == 0 {
            break;
        }
        out.extend(buffer.iter().take(n));
        reader.consume(n);
    }
    Ok(out)
}

/// A payload that may be compressed, decompressed.
pub(super) fn plain(payload: &[u8], length: u64) -> Option<Vec<u8>> {
    let length = usize::try_from(length).ok()?;
    if length as u64 > (payload.len() as u64).saturating_mul(MAX_RATIO).max(SMALL_ENVELOPE) {
        return None;
    }
    let mut out = Vec::new();
    compression::decompress_to_vec(payload, length, &mut out).ok()?;
    Some(out)
}
