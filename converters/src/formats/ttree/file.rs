//! A ROOT file: its directories, and the records in it.

use std::sync::Arc;

use rntuple_core::compression;
use rntuple_core::container::root_file::{Directory, FileHeader, Key, parse_key_list};
use rntuple_core::limits::{MAX_DIRECTORIES, MAX_DIRECTORY_DEPTH, MAX_KEY_LIST};
use rntuple_io::storage::ByteSource;

use super::bytes::Outcome;
use crate::error::{Error, Result};

/// The most that the content of a record may have: what ROOT can stream.
const MAX_CONTENT: usize = 1 << 30;
/// Bytes that are read at once for a key.
const KEY_PIECE: usize = 512;

/// An open file.
#[derive(Debug, Clone)]
pub(super) struct File {
    name: Arc<str>,
    source: Arc<dyn ByteSource>,
}

/// The content of a record.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// The payload, decompressed.
    pub(super) content: Vec<u8>,
    /// Bytes of the key, which positions within the content count as well.
    pub(super) key_len: usize,
}

/// An object in a directory.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// Directories and name, joined by slashes.
    pub(super) path: String,
    pub(super) key: Key,
}

impl File {
    pub(super) fn new(name: &str, source: Arc<dyn ByteSource>) -> Self {
        Self { name: name.into(), source }
    }

    /// An error about this file.
    pub(super) fn error(&self, reason: impl Into<String>) -> Error {
        Error::Table { file: self.name.to_string(), reason: reason.into() }
    }

    fn read(&self, at: u64, len: usize) -> Outcome<Vec<u8>> {
        let size = self.source.size();
        if at.checked_add(len as u64).is_none_or(|end| end > size) {
            return Err(format!("{len} bytes at byte {at} lie beyond the end of the file ({size} bytes)"));
        }
        let mut bytes = vec![0; len];
        self.source.read_at(at, &mut bytes).map_err(|e| format!("reading {len} bytes at byte {at}: {e}"))?;
        Ok(bytes)
    }

    fn read_up_to(&self, at: u64, most: usize) -> Outcome<Vec<u8>> {
        let left = self.source.size().saturating_sub(at);
        self.read(at, usize::try_from(left).map_or(most, |left| left.min(most)))
    }

    pub(super) fn header(&self) -> Result<FileHeader> {
        let bytes = self.read_up_to(0, FileHeader::LEN).map_err(|e| self.error(e))?;
        FileHeader::parse(&bytes).map_err(|e| self.error(e.to_string()))
    }

    /// All objects in all directories that `wanted` says yes to, given their class.
    pub(super) fn list(&self, header: &FileHeader, wanted: impl Fn(&str) -> bool) -> Result<Vec<Entry>> {
        let mut found = Vec::new();
        let mut directories = vec![(header.directory_at().map_err(|e| self.error(e.to_string()))?, String::new(), 0)];
        let mut seen = std::collections::HashSet::new();
        while let Some((at, above, depth)) = directories.pop() {
            if !seen.insert(at) {
                continue;
            }
            if seen.len() > MAX_DIRECTORIES || depth > MAX_DIRECTORY_DEPTH {
                return Err(self.error("there are too many directories"));
            }
            let keys = self.keys(at).map_err(|e| self.error(format!("directory '{above}': {e}")))?;
            for key in keys {
                let path = if above.is_empty() { key.name.to_string() } else { format!("{above}/{}", key.name) };
                if Directory::CLASSES.contains(&&*key.class) {
                    directories.push((key.payload_at(), path, depth + 1));
                } else if wanted(&key.class) {
                    found.push(Entry { path, key });
                }
            }
        }
        Ok(found)
    }

    fn keys(&self, directory_at: u64) -> Outcome<Vec<Key>> {
        let block = self.read_up_to(directory_at, Directory::LEN)?;
        let directory = Directory::parse(&block, directory_at).map_err(|e| e.to_string())?;
        if directory.key_list_at == 0 {
            return Ok(Vec::new());
        }
        let len = u64::from(directory.key_list_len);
        if len > MAX_KEY_LIST {
            return Err(format!("a key list of {len} bytes"));
        }
        let record = self.read(directory.key_list_at, usize::try_from(len).unwrap_or(usize::MAX))?;
        let key = Key::parse(&record, directory.key_list_at).map_err(|e| e.to_string())?;
        let payload = record.get(usize::from(key.key_len)..).unwrap_or_default();
        parse_key_list(payload, key.payload_at()).map_err(|e| e.to_string())
    }

    /// Reads and decompresses the record at an offset; `len` bytes with its key, if that is known.
    pub(super) fn record(&self, at: u64, len: Option<usize>) -> Outcome<(Key, Vec<u8>, Record)> {
        let place = |e: String| format!("record at byte {at}: {e}");
        let mut bytes = match len {
            Some(len) => self.read(at, len),
            None => self.read_up_to(at, KEY_PIECE),
        }
        .map_err(place)?;
        let key = Key::parse(&bytes, at).map_err(|e| e.to_string())?;
        let nbytes = usize::try_from(key.nbytes).unwrap_or(usize::MAX);
        match len {
            Some(len) if nbytes > len => return Err(place(format!("its key says {nbytes} bytes, not {len}"))),
            Some(_) => bytes.truncate(nbytes),
            None => bytes = self.read(at, nbytes).map_err(place)?,
        }
        let key_len = usize::from(key.key_len);
        let length = usize::try_from(key.object_len).unwrap_or(usize::MAX);
        let head = bytes.get(..key_len).unwrap_or_default().to_vec();
        let stored = bytes.get(key_len..).unwrap_or_default();
        let mut content = Vec::new();
        if stored.len() >= length {
            // Not compressed; baskets that were not filled may keep their room.
            content.extend_from_slice(stored.get(..length).unwrap_or_default());
        } else if length > MAX_CONTENT {
            return Err(place(format!("a content of {length} bytes")));
        } else {
            compression::decompress_to_vec(stored, length, &mut content).map_err(|e| place(e.to_string()))?;
        }
        Ok((key, head, Record { content, key_len }))
    }
}
