//! The anchor of an RNTuple in a ROOT file (format-spec/container.md, anchor).

use std::borrow::Cow;

use crate::checksum::xxh3;
use crate::compression;
use crate::error::{Context, Error, Result};
use crate::wire::{Be, BeWriter};

/// Bytes of the anchor without checksum: object header, versions, seven 64-bit numbers.
const BODY: usize = 6 + 4 * 2 + 7 * 8;
/// The checksum leaves out the object header (byte count and class version).
const OBJECT_HEADER: usize = 6;
/// The only epoch that was ever released.
const EPOCH: u16 = 1;
/// Version of the anchor's class, in its object header.
const CLASS_VERSION: u16 = 2;
/// First word of the object header: a mark, and the 66 bytes between this word and the checksum.
const BYTE_COUNT: u32 = 0x4000_0000 | 66;
/// Far above any future anchor; keeps a lying key from asking for memory.
const MAX_LEN: u32 = 4096;

/// Where an envelope lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EnvelopePlace {
    /// Offset in the file.
    pub offset: u64,
    /// Bytes as stored.
    pub stored: u64,
    /// Bytes once decompressed.
    pub length: u64,
}

/// The entry point to one RNTuple.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Anchor {
    /// Version of the format that the writer supports: epoch, major, minor, patch. Only the epoch matters to readers.
    pub version: [u16; 4],
    /// The header envelope.
    pub header: EnvelopePlace,
    /// The footer envelope.
    pub footer: EnvelopePlace,
    /// Payloads larger than this many bytes are split over several records; 0: never.
    pub max_key_size: u64,
}

impl Anchor {
    /// Class name of the key of an anchor.
    pub const CLASS: &'static str = "ROOT::RNTuple";

    /// Bytes of an anchor of the current format.
    pub const LEN: usize = BODY + 8;

    /// An anchor; see the fields of the same names.
    #[must_use]
    pub fn new(version: [u16; 4], header: EnvelopePlace, footer: EnvelopePlace, max_key_size: u64) -> Self {
        Self { version, header, footer, max_key_size }
    }

    /// Writes the anchor, uncompressed.
    #[must_use]
    pub fn serialize(&self) -> [u8; Self::LEN] {
        let mut out = BeWriter::new();
        out.u32(BYTE_COUNT);
        out.u16(CLASS_VERSION);
        for part in self.version {
            out.u16(part);
        }
        for place in [self.header, self.footer] {
            out.u64(place.offset);
            out.u64(place.stored);
            out.u64(place.length);
        }
        out.u64(self.max_key_size);
        out.u64(xxh3(out.as_slice().get(OBJECT_HEADER..).unwrap_or_default()));
        // Exactly that many bytes were written.
        out.as_slice().first_chunk().copied().unwrap_or([0; Self::LEN])
    }

    /// Reads the anchor from the payload of its record, which is compressed when its size is not `object_len`.
    ///
    /// # Errors
    /// As [`Anchor::parse`], and when the payload does not decompress.
    pub fn from_record(payload: &[u8], object_len: u32) -> Result<Self> {
        if object_len > MAX_LEN {
            return Err(Error::Limit { what: "anchor size", value: object_len.into(), limit: MAX_LEN.into() });
        }
        let bytes: Cow<'_, [u8]> = if payload.len() == object_len as usize {
            payload.into()
        } else {
            let mut bytes = vec![0; object_len as usize];
            compression::decompress(payload, &mut bytes).context(|| "anchor".to_owned())?;
            bytes.into()
        };
        Self::parse(&bytes)
    }

    /// Reads an uncompressed anchor. Fields that later versions append are skipped.
    ///
    /// # Errors
    /// [`Error::Truncated`], [`Error::Checksum`], and [`Error::Malformed`] for an epoch other than 1.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut cursor = Be::new(bytes, 0);
        let hashed = bytes.len().saturating_sub(8).max(BODY);
        let body = cursor.sub("anchor", hashed)?;
        let stored = cursor.u64("anchor checksum")?;
        let computed = xxh3(bytes.get(OBJECT_HEADER..hashed).unwrap_or_default());
        if stored != computed {
            return Err(Error::Checksum { what: "anchor", stored, computed });
        }
        let mut cursor = body;
        cursor.take("object header of the anchor", OBJECT_HEADER)?;
        let mut version = [0; 4];
        for part in &mut version {
            *part = cursor.u16("format version")?;
        }
        if version[0] != EPOCH {
            return Err(Error::malformed("format version", 6, format!("epoch {} is not supported", version[0])));
        }
        let mut place = || -> Result<EnvelopePlace> {
            Ok(EnvelopePlace {
                offset: cursor.u64("envelope offset")?,
                stored: cursor.u64("envelope size")?,
                length: cursor.u64("envelope length")?,
            })
        };
        let (header, footer) = (place()?, place()?);
        Ok(Self { version, header, footer, max_key_size: cursor.u64("maximum key size")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(epoch: u16) -> Vec<u8> {
        let mut bytes = 0x4000_0042_u32.to_be_bytes().to_vec();
        for word in [2_u16, epoch, 0, 2, 0] {
            bytes.extend(word.to_be_bytes());
        }
        for word in [300_u64, 100, 200, 400, 90, 180, 0x4000_0000] {
            bytes.extend(word.to_be_bytes());
        }
        bytes.extend(xxh3(&bytes[6..]).to_be_bytes());
        bytes
    }

    #[test]
    fn read() {
        let anchor = Anchor::from_record(&bytes(1), 78).unwrap();
        assert_eq!(anchor.version, [1, 0, 2, 0]);
        assert_eq!(anchor.header, EnvelopePlace { offset: 300, stored: 100, length: 200 });
        assert_eq!(anchor.footer, EnvelopePlace { offset: 400, stored: 90, length: 180 });
        assert_eq!(anchor.max_key_size, 1 << 30);
        assert_eq!(anchor.serialize(), *bytes(1));
    }

    #[test]
    fn appended_fields_are_skipped() {
        let mut longer = bytes(1);
        longer.truncate(70);
        longer.extend([7; 12]);
        longer.extend(xxh3(&longer[6..]).to_be_bytes());
        assert_eq!(Anchor::parse(&longer).unwrap(), Anchor::parse(&bytes(1)).unwrap());
    }

    #[test]
    fn every_flipped_byte_is_noticed() {
        for i in 6..78 {
            let mut damaged = bytes(1);
            damaged[i] ^= 1;
            assert!(matches!(Anchor::parse(&damaged), Err(Error::Checksum { .. })), "byte {i}");
        }
    }

    #[test]
    fn wrong_epoch_and_cut_short() {
        for epoch in [0, 2] {
            assert!(matches!(Anchor::parse(&bytes(epoch)), Err(Error::Malformed { .. })));
        }
        for len in 0..78 {
            assert!(matches!(Anchor::parse(&bytes(1)[..len]), Err(Error::Truncated { .. })), "{len}");
        }
        assert!(matches!(Anchor::from_record(&[0; 20], u32::MAX), Err(Error::Limit { .. })));
    }
}
