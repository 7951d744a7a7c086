//! The envelope: type, length, content, checksum (format-spec/envelopes.md, envelopes).

use super::locator::Locator;
use crate::checksum::xxh3;
use crate::error::{Error, Result};
use crate::limits::MAX_ENVELOPE;
use crate::wire::{Le, LeWriter};

/// What an envelope holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnvelopeKind {
    /// The schema.
    Header,
    /// Schema extension, cluster groups, attribute sets.
    Footer,
    /// Clusters and page locations of a cluster group.
    PageList,
}

/// Bytes of the first word and of the checksum.
pub(super) const HEAD: usize = 8;
pub(super) const CHECKSUM: usize = 8;

impl EnvelopeKind {
    /// Name for messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Header => "header envelope",
            Self::Footer => "footer envelope",
            Self::PageList => "page list envelope",
        }
    }

    fn id(self) -> u64 {
        match self {
            Self::Header => 1,
            Self::Footer => 2,
            Self::PageList => 3,
        }
    }

    /// Length of the envelope from its first word, which must announce this kind.
    pub(super) fn check_head(self, head: u64, available: u64) -> Result<u64> {
        let what = self.name();
        if head & 0xffff != self.id() {
            let reason = format!("envelope type is {:#06x}, not {:#06x}", head & 0xffff, self.id());
            return Err(Error::malformed(what, 0, reason));
        }
        let length = head >> 16;
        if length < (HEAD + CHECKSUM) as u64 {
            return Err(Error::malformed(what, 2, format!("length {length} is too small for an envelope")));
        }
        if length > available {
            return Err(Error::Truncated { what, at: 0, needed: length, available });
        }
        Ok(length)
    }

    /// Checks type, length and checksum of an envelope. Gives its content and its checksum.
    pub(super) fn open(self, bytes: &[u8]) -> Result<(Le<'_>, u64)> {
        let what = self.name();
        let head = Le::new(bytes, 0).u64(what)?;
        let length = self.check_head(head, bytes.len() as u64)?;
        // In range: `length` is at most `bytes.len()` and at least the 16 bytes of head and checksum.
        let end = usize::try_from(length).unwrap_or(bytes.len()) - CHECKSUM;
        let mut cursor = Le::new(bytes, 0);
        let covered = cursor.take(what, end)?;
        let stored = cursor.u64(what)?;
        let computed = xxh3(covered);
        if stored != computed {
            return Err(Error::Checksum { what, stored, computed });
        }
        Ok((Le::new(covered.get(HEAD..).unwrap_or_default(), HEAD as u64), stored))
    }
}

/// An uncompressed envelope, ready to be compressed and stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SerializedEnvelope {
    /// The whole envelope: type and length, content, checksum.
    pub bytes: Vec<u8>,
    /// The checksum that ends it.
    pub checksum: u64,
}

impl EnvelopeKind {
    /// Makes an envelope around what `content` writes.
    pub(super) fn seal(self, content: impl FnOnce(&mut LeWriter) -> Result<()>) -> Result<SerializedEnvelope> {
        let mut out = LeWriter::new();
        out.u64(0);
        content(&mut out).map_err(|e| e.within(self.name()))?;
        let length = (out.len() + CHECKSUM) as u64;
        // The format has 48 bits for the length; what a reader refuses need not be written.
        if length > MAX_ENVELOPE {
            return Err(Error::Limit { what: self.name(), value: length, limit: MAX_ENVELOPE });
        }
        out.replace(0, (self.id() | length << 16).to_le_bytes());
        let checksum = xxh3(out.as_slice());
        out.u64(checksum);
        Ok(SerializedEnvelope { bytes: out.into_bytes(), checksum })
    }
}

/// Place and uncompressed size of an envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnvelopeLink {
    /// Bytes once decompressed.
    pub length: u64,
    /// Where it lies.
    pub locator: Locator,
}

impl EnvelopeLink {
    pub(super) fn read(cursor: &mut Le<'_>) -> Result<Self> {
        Ok(Self { length: cursor.u64("envelope length")?, locator: Locator::read(cursor)? })
    }

    pub(super) fn write(&self, out: &mut LeWriter) -> Result<()> {
        out.u64(self.length);
        self.locator.write(out)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Wraps content as an envelope.
    pub(in super::super) fn seal(id: u64, content: &[u8]) -> Vec<u8> {
        let mut bytes = (id | ((content.len() + 16) as u64) << 16).to_le_bytes().to_vec();
        bytes.extend(content);
        bytes.extend(xxh3(&bytes).to_le_bytes());
        bytes
    }

    #[test]
    fn opens() {
        let bytes = seal(1, b"content");
        let (mut cursor, checksum) = EnvelopeKind::Header.open(&bytes).unwrap();
        assert_eq!(cursor.take("", 7).unwrap(), b"content");
        assert_eq!((cursor.remaining(), checksum), (0, xxh3(&bytes[..15])));
        // Bytes behind the envelope do not matter.
        let longer = [&bytes[..], b"more"].concat();
        assert!(EnvelopeKind::Header.open(&longer).is_ok());
    }

    #[test]
    fn refuses_damage() {
        let bytes = seal(3, b"content");
        assert!(EnvelopeKind::Header.open(&bytes).is_err());
        for i in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[i] ^= 0x10;
            assert!(EnvelopeKind::PageList.open(&damaged).is_err(), "byte {i}");
            assert!(EnvelopeKind::PageList.open(&bytes[..i]).is_err(), "cut at {i}");
        }
    }
}
