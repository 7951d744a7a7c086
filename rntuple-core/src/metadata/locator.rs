//! Locators: where a page or an envelope lies (format-spec/envelopes.md, locators).

use crate::error::{Error, Result};
use crate::wire::{Le, LeWriter};

/// Where a page or an envelope lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Locator {
    /// A byte range of a file (simple and large locators).
    File {
        /// Bytes as stored; for a page without its checksum.
        size: u64,
        /// Offset of the first byte.
        offset: u64,
    },
    /// An object of an object store (type 0x02).
    Object {
        /// Bytes as stored; for a page without its checksum.
        size: u64,
        /// Which object; its meaning is up to the store.
        location: u64,
    },
    /// A part of an object of an object store (type 0x03, which ROOT calls multi): several pages share an object.
    Multi {
        /// Bytes as stored; for a page without its checksum.
        size: u64,
        /// Which object; its meaning is up to the store.
        object: u32,
        /// Offset of the first byte in the object.
        offset: u32,
    },
    /// A kind of locator that this version does not know. What it points at cannot be read.
    Unknown {
        /// Locator type.
        kind: u8,
    },
}

/// What follows the first 32-bit word of a locator.
#[derive(Clone, Copy)]
pub(super) enum Head {
    Simple { size: u32 },
    Typed { kind: u8, payload: usize },
}

impl Head {
    pub(super) fn parse(word: i32, at: u64) -> Result<Self> {
        if let Ok(size) = u32::try_from(word) {
            return Ok(Self::Simple { size });
        }
        // Negate first, then split: the low half is the size of the whole locator.
        let word = word.unsigned_abs();
        let [size_low, size_high, _reserved, kind] = word.to_le_bytes();
        let size = usize::from(u16::from_le_bytes([size_low, size_high]));
        match size.checked_sub(4) {
            Some(payload) => Ok(Self::Typed { kind, payload }),
            None => Err(Error::malformed("locator", at, format!("size {size} is too small"))),
        }
    }

    /// Bytes between the head and the end of the locator.
    pub(super) fn payload_len(self) -> usize {
        match self {
            Self::Simple { .. } => 8,
            Self::Typed { payload, .. } => payload,
        }
    }

    pub(super) fn finish(self, payload: &mut Le<'_>) -> Result<Locator> {
        Ok(match self {
            Self::Simple { size } => Locator::File { size: size.into(), offset: payload.u64("locator offset")? },
            Self::Typed { kind: 0x01, .. } => {
                Locator::File { size: payload.u64("locator size")?, offset: payload.u64("locator offset")? }
            }
            Self::Typed { kind: 0x02, payload: len } => Locator::Object {
                // Two forms, told apart by their length: a 32-bit and a 64-bit size.
                size: if len >= 16 { payload.u64("object size")? } else { payload.u32("object size")?.into() },
                location: payload.u64("object location")?,
            },
            Self::Typed { kind: 0x03, payload: len } => Locator::Multi {
                size: if len >= 16 { payload.u64("object size")? } else { payload.u32("object size")?.into() },
                object: payload.u32("object number")?,
                offset: payload.u32("offset in an object")?,
            },
            Self::Typed { kind, .. } => Locator::Unknown { kind },
        })
    }
}

/// First word of a locator other than the simple one: type and total size, negated as a whole.
fn typed_head(kind: u8, size: u16) -> i32 {
    -(i32::from(size) | i32::from(kind) << 24)
}

/// Head and size of a locator whose payload has eight more bytes.
fn write_object_head(out: &mut LeWriter, kind: u8, size: u64) {
    match u32::try_from(size) {
        Ok(size) => {
            out.i32(typed_head(kind, 16));
            out.u32(size);
        }
        Err(_) => {
            out.i32(typed_head(kind, 20));
            out.u64(size);
        }
    }
}

impl Locator {
    pub(super) fn read(cursor: &mut Le<'_>) -> Result<Self> {
        let at = cursor.at();
        let head = Head::parse(cursor.i32("locator")?, at)?;
        head.finish(&mut cursor.sub("locator", head.payload_len())?)
    }

    /// Writes the shortest form that holds the locator.
    ///
    /// # Errors
    /// [`Error::Inconsistent`] for a locator whose kind is not known: its content was not kept.
    pub(super) fn write(&self, out: &mut LeWriter) -> Result<()> {
        match *self {
            Self::File { size, offset } => {
                match i32::try_from(size) {
                    Ok(size) => out.i32(size),
                    Err(_) => {
                        out.i32(typed_head(0x01, 20));
                        out.u64(size);
                    }
                }
                out.u64(offset);
            }
            Self::Object { size, location } => {
                write_object_head(out, 0x02, size);
                out.u64(location);
            }
            Self::Multi { size, object, offset } => {
                write_object_head(out, 0x03, size);
                out.u32(object);
                out.u32(offset);
            }
            Self::Unknown { kind } => {
                let reason = format!("type {kind:#04x} is unknown to this version and cannot be written");
                return Err(Error::inconsistent("locator", reason));
            }
        }
        Ok(())
    }

    /// Bytes as stored, where the locator tells.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        match *self {
            Self::File { size, .. } | Self::Object { size, .. } | Self::Multi { size, .. } => Some(size),
            Self::Unknown { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Locator> {
        Locator::read(&mut Le::new(bytes, 0))
    }

    #[test]
    fn known_kinds() {
        let simple = [&100_i32.to_le_bytes()[..], &200_u64.to_le_bytes()].concat();
        assert_eq!(read(&simple).unwrap(), Locator::File { size: 100, offset: 200 });
        // The head of a large locator as seen in files of ROOT 6.40.
        let large = [&[0xec, 0xff, 0xff, 0xfe][..], &(1_u64 << 40).to_le_bytes(), &7_u64.to_le_bytes()].concat();
        assert_eq!(read(&large).unwrap(), Locator::File { size: 1 << 40, offset: 7 });
        let object32 =
            [&(-(16 | (2_i32 << 24))).to_le_bytes()[..], &5_u32.to_le_bytes(), &9_u64.to_le_bytes()].concat();
        assert_eq!(read(&object32).unwrap(), Locator::Object { size: 5, location: 9 });
        let object64 =
            [&(-(20 | (2_i32 << 24))).to_le_bytes()[..], &5_u64.to_le_bytes(), &9_u64.to_le_bytes()].concat();
        assert_eq!(read(&object64).unwrap(), Locator::Object { size: 5, location: 9 });
    }

    /// The numbers are those of ROOT's own tests of its locators; the bytes follow from what its serialiser does with them.
    #[test]
    fn objects_to_the_byte() {
        let bytes = |locator: Locator| {
            let mut out = LeWriter::new();
            locator.write(&mut out).unwrap();
            let bytes = out.into_bytes();
            assert_eq!(read(&bytes).unwrap(), locator);
            bytes
        };
        let (size, large) = (420_420, 1_u64 << 32);
        let object = [0xf0, 0xff, 0xff, 0xfd, 0x44, 0x6a, 0x06, 0, 0x39, 5, 0, 0, 0, 0, 0, 0];
        assert_eq!(bytes(Locator::Object { size, location: 1337 }), object);
        let object = [0xec, 0xff, 0xff, 0xfd, 0, 0, 0, 0, 1, 0, 0, 0, 0x39, 5, 0, 0, 0, 0, 0, 0];
        assert_eq!(bytes(Locator::Object { size: large, location: 1337 }), object);
        let multi = [0xf0, 0xff, 0xff, 0xfc, 0x44, 0x6a, 0x06, 0, 0x39, 5, 0, 0, 0xa4, 0x10, 0, 0];
        assert_eq!(bytes(Locator::Multi { size, object: 1337, offset: 4260 }), multi);
        let multi = [0xec, 0xff, 0xff, 0xfc, 0, 0, 0, 0, 1, 0, 0, 0, 0x39, 5, 0, 0, 0xa4, 0x10, 0, 0];
        assert_eq!(bytes(Locator::Multi { size: large, object: 1337, offset: 4260 }), multi);
    }

    #[test]
    fn unknown_kinds_are_kept_and_skipped() {
        let bytes = [&(-(7 | (0x7e_i32 << 24))).to_le_bytes()[..], &[1, 2, 3], &[42]].concat();
        let mut cursor = Le::new(&bytes, 0);
        assert_eq!(Locator::read(&mut cursor).unwrap(), Locator::Unknown { kind: 0x7e });
        assert_eq!(cursor.u8("next").unwrap(), 42);
    }

    #[test]
    fn hostile() {
        assert!(read(&i32::MIN.to_le_bytes()).is_err());
        assert!(read(&(-3_i32).to_le_bytes()).is_err());
        // A large locator too short for its content.
        assert!(read(&[&(-(8 | (1_i32 << 24))).to_le_bytes()[..], &[0; 16]].concat()).is_err());
        // Objects: too short for their content, and cut short.
        for kind in [2_i32, 3] {
            for len in [4, 8, 12, 15] {
                let bytes = [&(-(len | (kind << 24))).to_le_bytes()[..], &[0; 16]].concat();
                assert!(read(&bytes).is_err(), "kind {kind}, {len} bytes");
            }
            for len in 0..12 {
                let bytes = [&(-(16 | (kind << 24))).to_le_bytes()[..], &[1; 12]].concat();
                assert!(read(&bytes[..4 + len]).is_err(), "kind {kind}, cut to {len} bytes");
            }
            let large = [&(-(20 | (kind << 24))).to_le_bytes()[..], &[0xff; 16]].concat();
            assert_eq!(read(&large).unwrap().size(), Some(u64::MAX));
        }
    }
}
