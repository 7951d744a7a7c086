//! Directory blocks (format-spec/container.md, directories).

use super::uuid;
use crate::error::{Error, Result};
use crate::wire::{Be, BeWriter};

/// Versions above this one have 64-bit offsets.
const BIG_DIRECTORY: u16 = 1000;
/// Version of the block, in the small layout.
const VERSION: u16 = 5;

/// A directory: above all, where it keeps the list of its keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Directory {
    /// Whether the block has 64-bit offsets.
    pub big: bool,
    /// When it was created, as [`super::datime`] packs it.
    pub created: u32,
    /// When it was last changed.
    pub modified: u32,
    /// Size of the key, and in the top directory of the names, between the start of the record and this block.
    pub nbytes_name: u32,
    /// Offset of the directory's record.
    pub at: u64,
    /// Offset of the record of the directory above; zero for the top directory.
    pub parent: u64,
    /// Offset of the key list record; zero in a directory that was never saved.
    pub key_list_at: u64,
    /// Bytes of the key list record, its own key included.
    pub key_list_len: u32,
    /// UUID of the directory.
    pub uuid: [u8; 16],
}

impl Directory {
    /// Bytes of a directory block, in either layout.
    pub const LEN: usize = 60;

    /// Class names of keys that lead to a subdirectory.
    pub const CLASSES: [&'static str; 2] = ["TDirectory", "TDirectoryFile"];

    /// Reads a directory block; `at` is its offset, for messages.
    ///
    /// # Errors
    /// [`Error::Truncated`] and [`Error::Malformed`].
    pub fn parse(bytes: &[u8], at: u64) -> Result<Self> {
        let mut cursor = Be::new(bytes, at);
        let version = cursor.u16("directory version")?;
        let created = cursor.u32("directory creation time")?;
        let modified = cursor.u32("directory change time")?;
        let nbytes_keys = cursor.i32("size of the key list")?;
        let nbytes_name = cursor.u32("size of the directory's names")?;
        let offset = |cursor: &mut Be<'_>, what| {
            if version > BIG_DIRECTORY { cursor.u64(what) } else { cursor.u32(what).map(u64::from) }
        };
        let own = offset(&mut cursor, "directory offset")?;
        let parent = offset(&mut cursor, "offset of the parent directory")?;
        let key_list_at = offset(&mut cursor, "offset of the key list")?;
        let key_list_len = u32::try_from(nbytes_keys)
            .map_err(|_| Error::malformed("size of the key list", at + 10, format!("{nbytes_keys} is negative")))?;
        Ok(Self {
            big: version > BIG_DIRECTORY,
            created,
            modified,
            nbytes_name,
            at: own,
            parent,
            key_list_at,
            key_list_len,
            uuid: uuid::read(&mut cursor),
        })
    }

    /// Writes the block: [`Directory::LEN`] bytes.
    ///
    /// # Errors
    /// [`Error::Limit`] for an offset that the layout cannot hold, or a key list of 2 GiB and more.
    pub fn serialize(&self) -> Result<Vec<u8>> {
        let mut out = BeWriter::new();
        out.u16(VERSION + if self.big { BIG_DIRECTORY } else { 0 });
        out.u32(self.created);
        out.u32(self.modified);
        let too_long =
            |_| Error::Limit { what: "size of the key list", value: self.key_list_len.into(), limit: i32::MAX as u64 };
        out.i32(i32::try_from(self.key_list_len).map_err(too_long)?);
        out.u32(self.nbytes_name);
        out.offset("directory offset", self.at, self.big)?;
        out.offset("offset of the parent directory", self.parent, self.big)?;
        out.offset("offset of the key list", self.key_list_at, self.big)?;
        uuid::write(&mut out, &self.uuid);
        out.zeros_to(Self::LEN);
        Ok(out.into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_layouts() {
        for big in [false, true] {
            let mut bytes = (if big { 1005_u16 } else { 5 }).to_be_bytes().to_vec();
            for word in [1_u32, 2, 111, 64] {
                bytes.extend(word.to_be_bytes());
            }
            for offset in [100_u64, 0, 777] {
                if big {
                    bytes.extend(offset.to_be_bytes());
                } else {
                    bytes.extend(u32::try_from(offset).unwrap().to_be_bytes());
                }
            }
            let directory = Directory::parse(&bytes, 0).unwrap();
            let expected = Directory {
                big,
                created: 1,
                modified: 2,
                nbytes_name: 64,
                at: 100,
                parent: 0,
                key_list_at: 777,
                key_list_len: 111,
                uuid: [0; 16],
            };
            assert_eq!(directory, expected);
            assert!(bytes.len() <= Directory::LEN);
            for len in 0..bytes.len() {
                assert!(matches!(Directory::parse(&bytes[..len], 0), Err(Error::Truncated { .. })));
            }
        }
    }
}
