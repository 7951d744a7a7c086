//! The keys and the anchor of ROOT's DAOS backend (format-spec/objects.md, key-value layout).

use crate::checksum::xxh3;
use crate::error::{Error, Result};
use crate::wire::{Le, LeWriter, to_u32};

/// Distribution key of anchor, envelopes and page lists.
pub const DKEY_DEFAULT: u64 = 0x5a3c_69f0_cafe_4a11;
/// Attribute key of the anchor.
pub const AKEY_ANCHOR: u64 = 0x4243_544b_5344_422a;
/// Attribute key of the header envelope.
pub const AKEY_HEADER: u64 = 0x4243_544b_5344_422b;
/// Attribute key of the footer envelope.
pub const AKEY_FOOTER: u64 = 0x4243_544b_5344_422c;
/// Low half of the id of the object that holds anchor, header and footer.
pub const OID_LOW_METADATA: u64 = u64::MAX;
/// Low half of the id of the object that holds the page lists.
pub const OID_LOW_PAGE_LIST: u64 = u64::MAX - 1;

const ANCHOR_VERSION: u64 = 1;
/// The only epoch that was ever released.
const EPOCH: u16 = 1;
/// The class of replication that ROOT asks for.
const OBJECT_CLASS: &str = "SX";
/// Anchors of at least this many bytes are from ROOT: it leaves room for an object class of any name.
const FROM_ROOT: usize = 64;
const WHAT: &str = "anchor";

/// The size of an envelope whose key is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DaosEnvelope {
    /// Bytes as stored.
    pub stored: u64,
    /// Bytes once decompressed.
    pub length: u64,
}

/// The entry point to one RNTuple in a container of a key-value store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DaosAnchor {
    /// Version of the format that the writer supports: epoch, major, minor, patch.
    pub version: [u16; 4],
    /// The header envelope.
    pub header: DaosEnvelope,
    /// The footer envelope.
    pub footer: DaosEnvelope,
}

impl DaosAnchor {
    /// Bytes that an anchor may have.
    pub const MAX_LEN: usize = 4096;

    /// Writes the anchor as ROOT does, and a checksum behind it, which ROOT does not look at.
    ///
    /// # Errors
    /// [`Error::Limit`] for an envelope of more than 4 GiB.
    pub fn serialize(&self) -> Result<Vec<u8>> {
        let mut out = LeWriter::new();
        out.u64(ANCHOR_VERSION);
        for part in self.version {
            out.u16(part);
        }
        for envelope in [self.header, self.footer] {
            out.u32(to_u32("size of an envelope", envelope.stored)?);
            out.u32(to_u32("length of an envelope", envelope.length)?);
        }
        out.string("object class", OBJECT_CLASS)?;
        out.u64(xxh3(out.as_slice()));
        Ok(out.into_bytes())
    }

    /// Reads an anchor. Those from ROOT are longer than they need to be, and have no checksum.
    ///
    /// # Errors
    /// [`Error::Truncated`], [`Error::Checksum`], and [`Error::Malformed`] for a version or an epoch that is not known.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut cursor = Le::new(bytes, 0);
        let version = cursor.u64("anchor version")?;
        if version != ANCHOR_VERSION {
            return Err(Error::malformed(WHAT, 0, format!("version {version} is unknown to this version")));
        }
        let mut format = [0; 4];
        for part in &mut format {
            *part = cursor.u16("format version")?;
        }
        let mut envelope = || -> Result<DaosEnvelope> {
            Ok(DaosEnvelope {
                stored: cursor.u32("envelope size")?.into(),
                length: cursor.u32("envelope length")?.into(),
            })
        };
        let (header, footer) = (envelope()?, envelope()?);
        cursor.string("object class")?;
        if bytes.len() < FROM_ROOT {
            let mut body = Le::new(bytes, 0);
            let body = body.take(WHAT, bytes.len().saturating_sub(cursor.remaining()))?;
            let (stored, computed) = (cursor.u64("checksum")?, xxh3(body));
            if stored != computed || cursor.remaining() > 0 {
                return Err(Error::Checksum { what: WHAT, stored, computed });
            }
        }
        if format[0] != EPOCH {
            return Err(Error::malformed("format version", 8, format!("epoch {} is not supported", format[0])));
        }
        Ok(Self { version: format, header, footer })
    }
}

/// The number of a data set in its container, from its name: `std::hash` as the GNU C++ library has it on 64-bit machines,
/// folded to 32 bits; never 0.
#[must_use]
pub fn ntuple_index(name: &str) -> u32 {
    let hash = std_hash(name.as_bytes());
    let (low, high) = (low(hash), low(hash >> 32));
    let mixed = low.wrapping_add(0x9e37_79b9).wrapping_add(high << 6).wrapping_add(high >> 2);
    (high ^ mixed).max(1)
}

fn low(word: u64) -> u32 {
    let [a, b, c, d, ..] = word.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

/// `MurmurHash64A` with the seed of the GNU C++ library, which mixes the end differently from the original.
fn std_hash(bytes: &[u8]) -> u64 {
    const MUL: u64 = 0xc6a4_a793_5bd1_e995;
    const SEED: u64 = 0xc70f_6907;
    let mix = |word: u64| word ^ (word >> 47);
    let mut hash = SEED ^ (bytes.len() as u64).wrapping_mul(MUL);
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        let data = mix(u64::from_le_bytes(*word).wrapping_mul(MUL)).wrapping_mul(MUL);
        hash = (hash ^ data).wrapping_mul(MUL);
    }
    if !rest.is_empty() {
        let mut word = [0; 8];
        word.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        hash = (hash ^ u64::from_le_bytes(word)).wrapping_mul(MUL);
    }
    mix(mix(hash).wrapping_mul(MUL))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From a program in C++ that does with `std::hash` what ROOT does.
    #[test]
    fn indexes_of_names() {
        let known = [
            ("", 6_142_509_188_972_423_790, 1_951_186_587),
            ("a", 4_993_892_634_952_068_459, 3_465_103_673),
            ("ntpl", 15_559_530_694_012_227_157, 2_547_455_110),
            ("Events", 15_285_012_181_481_638_802, 2_278_865_193),
            ("12345678", 10_113_836_418_918_046_885, 2_657_940_453),
            ("a longer name with more than 16 bytes", 14_275_874_788_882_553_643, 4_002_390_457),
        ];
        for (name, hash, index) in known {
            assert_eq!(std_hash(name.as_bytes()), hash, "{name}");
            assert_eq!(ntuple_index(name), index, "{name}");
        }
    }

    fn anchor() -> DaosAnchor {
        DaosAnchor {
            version: [1, 0, 2, 0],
            header: DaosEnvelope { stored: 0x102, length: 0x304 },
            footer: DaosEnvelope { stored: 5, length: 6 },
        }
    }

    #[test]
    fn to_the_byte() {
        let bytes = anchor().serialize().unwrap();
        let expected = [
            1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2, 1, 0, 0, 4, 3, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0, 2, 0, 0, 0,
            b'S', b'X',
        ];
        assert_eq!(bytes[..38], expected);
        assert_eq!(bytes[38..], xxh3(&expected).to_le_bytes());
        assert_eq!(DaosAnchor::parse(&bytes).unwrap(), anchor());
        // As ROOT leaves it: whatever was in memory behind it.
        assert_eq!(DaosAnchor::parse(&[&expected[..], &[0x55; 62]].concat()).unwrap(), anchor());
        let large = DaosEnvelope { stored: 1 << 32, length: 0 };
        assert!(matches!(DaosAnchor { header: large, ..anchor() }.serialize(), Err(Error::Limit { .. })));
    }

    #[test]
    fn hostile() {
        let bytes = anchor().serialize().unwrap();
        for i in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[i] ^= 1;
            assert!(DaosAnchor::parse(&damaged).is_err(), "byte {i}");
        }
        for len in 0..46 {
            assert!(matches!(DaosAnchor::parse(&bytes[..len]), Err(Error::Truncated { .. })), "{len}");
        }
        let other = DaosAnchor { version: [2, 0, 0, 0], ..anchor() }.serialize().unwrap();
        assert!(DaosAnchor::parse(&other).unwrap_err().to_string().contains("epoch 2"));
    }
}
