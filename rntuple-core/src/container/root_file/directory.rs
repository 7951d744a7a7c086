//! Directory blocks (format-spec/container.md, directories).

use crate::error::{Error, Result};
use crate::wire::Be;

/// Versions above this one have 64-bit offsets.
const BIG_DIRECTORY: u16 = 1000;

/// Where a directory keeps the list of its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Directory {
    /// Offset of the key list record; zero in a directory that was never saved.
    pub key_list_at: u64,
    /// Bytes of the key list record, its own key included.
    pub key_list_len: u32,
}

impl Directory {
    /// Enough bytes for a directory block in either layout.
    pub const LEN: usize = 42;

    /// Class names of keys that lead to a subdirectory.
    pub const CLASSES: [&'static str; 2] = ["TDirectory", "TDirectoryFile"];

    /// Reads a directory block; `at` is its offset, for messages.
    ///
    /// # Errors
    /// [`Error::Truncated`] and [`Error::Malformed`].
    pub fn parse(bytes: &[u8], at: u64) -> Result<Self> {
        let mut cursor = Be::new(bytes, at);
        let version = cursor.u16("directory version")?;
        cursor.u32("directory creation time")?;
        cursor.u32("directory change time")?;
        let nbytes_keys = cursor.i32("size of the key list")?;
        cursor.u32("size of the directory's names")?;
        let offset = |cursor: &mut Be<'_>, what| {
            if version > BIG_DIRECTORY { cursor.u64(what) } else { cursor.u32(what).map(u64::from) }
        };
        offset(&mut cursor, "directory offset")?;
        offset(&mut cursor, "offset of the parent directory")?;
        let key_list_at = offset(&mut cursor, "offset of the key list")?;
        let key_list_len = u32::try_from(nbytes_keys)
            .map_err(|_| Error::malformed("size of the key list", at + 10, format!("{nbytes_keys} is negative")))?;
        Ok(Self { key_list_at, key_list_len })
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
            assert_eq!(directory, Directory { key_list_at: 777, key_list_len: 111 });
            assert!(bytes.len() <= Directory::LEN);
            for len in 0..bytes.len() {
                assert!(matches!(Directory::parse(&bytes[..len], 0), Err(Error::Truncated { .. })));
            }
        }
    }
}
