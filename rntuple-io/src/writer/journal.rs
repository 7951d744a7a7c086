//! What the writer leaves behind each cluster, for the case that it dies before it can write the page list.
//!
//! A record that nothing refers to, so that other readers never see it: the page list of this one cluster, a footer with
//! the schema extension so far, and what only the anchor would say (format-spec/container.md, journal).
//!
//! ```text
//!  offset  bytes
//!       0      8  "RNTJRNL1"
//!       8     24  header envelope of the data set: offset, bytes as stored, bytes once decompressed
//!      32      8  maximum key size
//!      40     16  page list envelope: bytes as stored, bytes once decompressed
//!      56     16  footer envelope: the same
//!      72      4  length of the path
//!      76         path of the data set in the file, page list envelope, footer envelope
//!   end-8      8  XXH3-64 of all bytes before
//! ```
//!
//! All numbers are little-endian.

use rntuple_core::checksum::xxh3;
use rntuple_core::compression::{self, CompressionSettings};
use rntuple_core::container::root_file::EnvelopePlace;
use rntuple_core::{Error, Result};

/// How a journal record starts.
pub(crate) const MAGIC: [u8; 8] = *b"RNTJRNL1";

/// Bytes before the path.
const FIXED: usize = 76;

/// Content of a journal record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    /// The header envelope of the data set.
    pub(crate) header: EnvelopePlace,
    /// Payloads larger than this are split over several records.
    pub(crate) max_key_size: u64,
    /// Directories and name of the data set in the file, joined by slashes.
    pub(crate) path: String,
    /// Page list envelope of one cluster.
    pub(crate) page_list: Vec<u8>,
    /// Footer envelope without cluster groups.
    pub(crate) footer: Vec<u8>,
}

impl Record {
    /// The payload of the record.
    pub(crate) fn serialize(&self, compression: CompressionSettings) -> Result<Vec<u8>> {
        let mut out = MAGIC.to_vec();
        let EnvelopePlace { offset, stored, length } = self.header;
        for number in [offset, stored, length, self.max_key_size] {
            out.extend(number.to_le_bytes());
        }
        let mut envelopes = Vec::new();
        for envelope in [&self.page_list, &self.footer] {
            let mut packed = Vec::new();
            compression::compress(compression, envelope, &mut packed)?;
            out.extend((packed.len() as u64).to_le_bytes());
            out.extend((envelope.len() as u64).to_le_bytes());
            envelopes.extend(packed);
        }
        let (value, limit) = (self.path.len() as u64, u32::MAX.into());
        let len = u32::try_from(value).map_err(|_| Error::Limit { what: "length of a path", value, limit })?;
        out.extend(len.to_le_bytes());
        out.extend(self.path.as_bytes());
        out.extend(envelopes);
        let checksum = xxh3(&out);
        out.extend(checksum.to_le_bytes());
        Ok(out)
    }

    /// Reads a payload; `None` when it is no journal record.
    pub(crate) fn parse(payload: &[u8]) -> Result<Option<Self>> {
        if !payload.starts_with(&MAGIC) {
            return Ok(None);
        }
        let available = payload.len() as u64;
        let cut_short = |needed: u64| Error::Truncated { what: "journal", at: 0, needed, available };
        let least = (FIXED + size_of::<u64>()) as u64;
        let Some((content, checksum)) = payload.split_last_chunk().filter(|(content, _)| content.len() >= FIXED) else {
            return Err(cut_short(least));
        };
        let (stored, computed) = (u64::from_le_bytes(*checksum), xxh3(content));
        if stored != computed {
            return Err(Error::Checksum { what: "journal", stored, computed });
        }
        let (fixed, mut rest) = content.split_at(FIXED);
        let mut numbers = fixed.chunks(8).skip(1).map(|bytes| {
            let mut number = [0; 8];
            number.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
            u64::from_le_bytes(number)
        });
        let mut number = || numbers.next().unwrap_or_default();
        let header = EnvelopePlace { offset: number(), stored: number(), length: number() };
        let max_key_size = number();
        let page_list = (number(), number());
        let footer = (number(), number());
        // The length of the path stands in the four bytes that are left.
        let path_len = number();
        let mut take = |len: u64| -> Result<&[u8]> {
            let parts = usize::try_from(len).ok().and_then(|len| rest.split_at_checked(len));
            let (taken, behind) = parts.ok_or_else(|| cut_short(least.saturating_add(len)))?;
            rest = behind;
            Ok(taken)
        };
        let path = String::from_utf8_lossy(take(path_len)?).into_owned();
        let mut envelope = |(stored, length): (u64, u64)| -> Result<Vec<u8>> {
            let packed = take(stored)?;
            let limit = stored.saturating_mul(256).max(1 << 20);
            if length > limit {
                return Err(Error::Limit { what: "size of an envelope in the journal", value: length, limit });
            }
            let mut plain = Vec::new();
            compression::decompress_to_vec(packed, usize::try_from(length).unwrap_or(usize::MAX), &mut plain)?;
            Ok(plain)
        };
        let (page_list, footer) = (envelope(page_list)?, envelope(footer)?);
        Ok(Some(Self { header, max_key_size, path, page_list, footer }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            header: EnvelopePlace { offset: 262, stored: 90, length: 200 },
            max_key_size: 1 << 30,
            path: "runs/Events".to_owned(),
            page_list: vec![7; 1000],
            footer: b"footer".to_vec(),
        }
    }

    #[test]
    fn round_trip_and_damage() {
        for settings in [CompressionSettings::NONE, CompressionSettings::default()] {
            let bytes = record().serialize(settings).unwrap();
            assert_eq!(Record::parse(&bytes).unwrap(), Some(record()));
            for len in MAGIC.len()..bytes.len() {
                assert!(Record::parse(&bytes[..len]).is_err(), "{len}");
            }
            for at in MAGIC.len()..bytes.len() {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1;
                assert!(matches!(Record::parse(&damaged), Err(Error::Checksum { .. })), "{at}");
            }
        }
        assert_eq!(Record::parse(b"something else").unwrap(), None);
        assert_eq!(Record::parse(b"").unwrap(), None);
    }

    /// Lengths that lie under a checksum that holds.
    #[test]
    fn hostile_lengths() {
        let bytes = record().serialize(CompressionSettings::NONE).unwrap();
        for at in [40, 48, 56, 64, 72] {
            for lie in [0_u32, 1, 1 << 30, u32::MAX] {
                let mut lying = bytes[..bytes.len() - 8].to_vec();
                lying[at..at + 4].copy_from_slice(&lie.to_le_bytes());
                lying.extend(xxh3(&lying).to_le_bytes());
                // The footer may be any shorter part of what is there; nothing may be longer.
                let read = Record::parse(&lying);
                assert!(read.is_err() || read.is_ok_and(|record| record.is_some_and(|r| r.page_list.len() < 2000)));
            }
        }
    }
}
