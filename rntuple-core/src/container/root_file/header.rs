//! The file header (format-spec/container.md, file header).

use super::uuid;
use crate::error::{Error, Result};
use crate::wire::{Be, BeWriter, to_u32};

/// Version numbers from here on mean the big layout, with 64-bit offsets.
const BIG_FILE: u32 = 1_000_000;

/// The start of a ROOT file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileHeader {
    /// Version of the ROOT that wrote the file, as 10000 * major + 100 * minor + patch (64000: 6.40.00).
    pub version: u32,
    /// Whether the header has 64-bit offsets.
    pub big: bool,
    /// Offset of the first record.
    pub begin: u64,
    /// Offset of the end of the file, as the writer saw it.
    pub end: u64,
    /// Offset and size in bytes of the free list record, its key included.
    pub free_list: (u64, u32),
    /// Number of segments in the free list.
    pub free_segments: u32,
    /// Size of the key and the names that precede the top directory in the first record.
    pub nbytes_name: u32,
    /// Default compression settings of the file (algorithm * 100 + level).
    pub compression: u32,
    /// Offset and size in bytes of the streamer info record; zero when there is none.
    pub streamer_info: (u64, u32),
    /// UUID of the file; zero where the writer gives it none.
    pub uuid: [u8; 16],
}

impl FileHeader {
    /// Bytes that the header needs, in either layout.
    pub const LEN: usize = 75;

    /// Bytes in front of the first record: the header, and zeros.
    pub const STORED_LEN: usize = 100;

    /// Reads the header from the first bytes of a file.
    ///
    /// # Errors
    /// [`Error::Malformed`] when this is not a ROOT file, [`Error::Truncated`] when it ends in the header.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut cursor = Be::new(bytes, 0);
        let magic = cursor.take("ROOT file signature", 4)?;
        if magic != b"root" {
            return Err(Error::malformed("ROOT file signature", 0, "not a ROOT file"));
        }
        let version = cursor.u32("file version")?;
        let big = version >= BIG_FILE;
        let begin = u64::from(cursor.u32("offset of the first record")?);
        let offset = |cursor: &mut Be<'_>, what| if big { cursor.u64(what) } else { cursor.u32(what).map(u64::from) };
        let end = offset(&mut cursor, "end of file")?;
        let free_list = (offset(&mut cursor, "offset of the free list")?, cursor.u32("size of the free list")?);
        let free_segments = cursor.u32("number of free segments")?;
        let nbytes_name = cursor.u32("size of the top directory's names")?;
        cursor.u8("offset width")?;
        let compression = cursor.u32("file compression")?;
        let seek_info = offset(&mut cursor, "offset of the streamer info")?;
        let nbytes_info = cursor.u32("size of the streamer info")?;
        Ok(Self {
            version: version % BIG_FILE,
            big,
            begin,
            end,
            free_list,
            free_segments,
            nbytes_name,
            compression,
            streamer_info: (seek_info, nbytes_info),
            uuid: uuid::read(&mut cursor),
        })
    }

    /// Writes the header, with the zeros behind it: [`FileHeader::STORED_LEN`] bytes.
    ///
    /// # Errors
    /// [`Error::Limit`] for an offset that the layout cannot hold.
    pub fn serialize(&self) -> Result<Vec<u8>> {
        let big = self.big;
        let mut out = BeWriter::new();
        out.put(b"root");
        out.u32(self.version.saturating_add(if big { BIG_FILE } else { 0 }));
        out.u32(to_u32("offset of the first record", self.begin)?);
        out.offset("end of file", self.end, big)?;
        out.offset("offset of the free list", self.free_list.0, big)?;
        out.u32(self.free_list.1);
        out.u32(self.free_segments);
        out.u32(self.nbytes_name);
        out.u8(if big { 8 } else { 4 });
        out.u32(self.compression);
        out.offset("offset of the streamer info", self.streamer_info.0, big)?;
        out.u32(self.streamer_info.1);
        uuid::write_of_file(&mut out, &self.uuid);
        out.zeros_to(Self::STORED_LEN);
        Ok(out.into_bytes())
    }

    /// Offset of the top directory's block.
    ///
    /// # Errors
    /// [`Error::Malformed`] when the header's numbers overflow.
    pub fn directory_at(&self) -> Result<u64> {
        self.begin
            .checked_add(u64::from(self.nbytes_name))
            .ok_or_else(|| Error::malformed("offset of the first record", 8, format!("{} is out of range", self.begin)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Vec<u8> {
        let mut bytes = b"root".to_vec();
        for word in [64_000_u32, 100, 5_000, 4_900, 60, 1, 64] {
            bytes.extend(word.to_be_bytes());
        }
        bytes.push(4);
        for word in [505_u32, 4_000, 321] {
            bytes.extend(word.to_be_bytes());
        }
        bytes.resize(100, 0);
        bytes
    }

    #[test]
    fn small_layout() {
        let header = FileHeader::parse(&small()).unwrap();
        assert_eq!((header.version, header.big, header.begin, header.end), (64_000, false, 100, 5_000));
        assert_eq!((header.nbytes_name, header.compression, header.streamer_info), (64, 505, (4_000, 321)));
        assert_eq!(header.directory_at().unwrap(), 164);
    }

    #[test]
    fn big_layout() {
        let mut bytes = b"root".to_vec();
        for word in [1_064_000_u32, 100] {
            bytes.extend(word.to_be_bytes());
        }
        for word in [5_000_000_000_u64, 4_999_999_900] {
            bytes.extend(word.to_be_bytes());
        }
        for word in [60_u32, 1, 64] {
            bytes.extend(word.to_be_bytes());
        }
        bytes.push(8);
        bytes.extend(505_u32.to_be_bytes());
        bytes.extend(4_999_000_000_u64.to_be_bytes());
        bytes.extend(321_u32.to_be_bytes());
        bytes.resize(100, 0);
        let header = FileHeader::parse(&bytes).unwrap();
        assert_eq!((header.version, header.big, header.end), (64_000, true, 5_000_000_000));
        assert_eq!(header.streamer_info, (4_999_000_000, 321));
    }

    #[test]
    fn not_root_and_cut_short() {
        assert!(matches!(FileHeader::parse(b"PAR1 and so on"), Err(Error::Malformed { .. })));
        let bytes = small();
        for len in 0..45 {
            assert!(matches!(FileHeader::parse(&bytes[..len]), Err(Error::Truncated { .. })), "{len}");
        }
    }
}
