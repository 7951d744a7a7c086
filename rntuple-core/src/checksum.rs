//! XXH3-64, the checksum of envelopes, pages and anchors.

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// The XXH3-64 of `bytes`, with seed 0.
#[must_use]
pub fn xxh3(bytes: &[u8]) -> u64 {
    xxh3_64(bytes)
}

/// The same for bytes that come in pieces.
#[derive(Clone, Default)]
pub struct Hasher(Xxh3);

impl Hasher {
    /// Adds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The checksum of all bytes so far.
    #[must_use]
    pub fn finish(&self) -> u64 {
        self.0.digest()
    }
}

impl std::fmt::Debug for Hasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Hasher({:016x})", self.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the C library (xxHash 0.8.4). The lengths lie around every change of method: 0, 3, 8, 16, 128 and 240 bytes,
    /// stripes of 64 bytes, blocks of 1024. Lengths that are 1 mod 64 above 240 are those that other implementations
    /// are known to have got wrong.
    const KNOWN: [(usize, u64); 32] = [
        (0, 0x2d06800538d394c2),
        (1, 0xc44bdff4074eecdb),
        (2, 0x46df12d4d7a0d663),
        (3, 0xd5fb6a7679a1734b),
        (4, 0x6361267602576b4b),
        (8, 0x4e64c0fb0db5d1e8),
        (9, 0x033e0f18853d6d7c),
        (16, 0xf05ec8268bf52d68),
        (17, 0xf5508579a73e5555),
        (64, 0x5beea3dcf6dda7e0),
        (65, 0x85b845fe25026624),
        (96, 0xd27a8add213d0b74),
        (128, 0xb44271fd65d08854),
        (129, 0x621d67fe02cd4c4f),
        (193, 0x1e181f697a04ec49),
        (240, 0x7f64406503072412),
        (241, 0x87bdac1e134c4dd7),
        (257, 0xbf3e2327dac9cce9),
        (321, 0x893070ca55d7958c),
        (385, 0x77422f63e95f71fb),
        (512, 0xc82ee7c5d572f8d4),
        (513, 0x741ed034134dab86),
        (577, 0x2f30101ead3942da),
        (1024, 0xbfdca06fce656383),
        (1025, 0xb319e1fbebc31fdb),
        (1089, 0x68e4421b766b9c9b),
        (1153, 0x7873619cb7ac9aab),
        (2048, 0x0c7cf1f070f101e4),
        (2049, 0x62778cbf2a66d05e),
        (4097, 0x6653f5a4e384996f),
        (65537, 0x8f85d21b6fc7295c),
        (790_081, 0xbf3a10c3db8e8604),
    ];

    /// The low byte of `(31 i^2 + 7 i + 3) / 8`.
    fn data(len: usize) -> Vec<u8> {
        (0..len as u64).map(|i| ((i * i * 31 + i * 7 + 3) >> 3).to_le_bytes()[0]).collect()
    }

    #[test]
    fn known_answers() {
        for (len, checksum) in KNOWN {
            assert_eq!(xxh3(&data(len)), checksum, "{len} bytes");
            let mut pieces = Hasher::default();
            data(len).chunks(100).for_each(|piece| pieces.update(piece));
            assert_eq!(pieces.finish(), checksum, "{len} bytes in pieces");
        }
    }

    #[test]
    fn every_bit_matters() {
        let mut bytes = data(321);
        let checksum = xxh3(&bytes);
        for at in 0..bytes.len() {
            bytes[at] ^= 0x10;
            assert_ne!(xxh3(&bytes), checksum, "byte {at}");
            bytes[at] ^= 0x10;
        }
    }
}
