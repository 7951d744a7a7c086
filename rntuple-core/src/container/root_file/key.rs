//! Record keys and key lists (format-spec/container.md, keys).

use crate::error::{Error, Result};
use crate::wire::{Be, BeWriter};

/// Versions above this one have 64-bit offsets.
const BIG_KEY: u16 = 1000;
/// Version of a key, in the small layout.
const VERSION: u16 = 4;
/// Bytes of a key in the small layout before its strings.
const FIXED_SMALL: usize = 26;
/// The offset of the directory in a big key shares its word with 16 bits that mean something else.
const DIRECTORY_MASK: u64 = (1 << 48) - 1;
/// Bytes of a key in the big layout before its strings, and so enough to learn the length of any key.
const FIXED: usize = 34;

/// The head of a record: what the record holds and where.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Key {
    /// Bytes of the record, key and payload.
    pub nbytes: u32,
    /// Bytes of the payload once decompressed.
    pub object_len: u32,
    /// When it was written, as [`super::datime`] packs it.
    pub datime: u32,
    /// Bytes of the key.
    pub key_len: u16,
    /// Cycle: counts the objects of one name in one directory, newest highest.
    pub cycle: u16,
    /// Offset of the record.
    pub at: u64,
    /// Offset of the record of the directory that it belongs to.
    pub directory: u64,
    /// Whether the key has 64-bit offsets.
    pub big: bool,
    /// C++ class of the object.
    pub class: Box<str>,
    /// Name of the object.
    pub name: Box<str>,
    /// Title of the object.
    pub title: Box<str>,
}

impl Key {
    /// Enough bytes for the fixed part of any key.
    pub const FIXED_LEN: usize = FIXED;

    /// Offset of the record's payload.
    #[must_use]
    pub fn payload_at(&self) -> u64 {
        self.at.saturating_add(u64::from(self.key_len))
    }

    /// Bytes of the payload as stored.
    #[must_use]
    pub fn payload_len(&self) -> u32 {
        self.nbytes.saturating_sub(u32::from(self.key_len))
    }

    /// Reads the key that starts `bytes`; `at` is the offset of `bytes`, for messages.
    ///
    /// # Errors
    /// [`Error::Truncated`] and [`Error::Malformed`].
    pub fn parse(bytes: &[u8], at: u64) -> Result<Self> {
        Self::read(&mut Be::new(bytes, at))
    }

    fn read(cursor: &mut Be<'_>) -> Result<Self> {
        let start = cursor.at();
        let nbytes = cursor.i32("record size")?;
        let version = cursor.u16("key version")?;
        let object_len = cursor.u32("object size")?;
        let datime = cursor.u32("record time")?;
        let key_len = cursor.u16("key size")?;
        let cycle = cursor.u16("cycle")?;
        let offset = |cursor: &mut Be<'_>, what| {
            if version > BIG_KEY { cursor.u64(what) } else { cursor.u32(what).map(u64::from) }
        };
        let at = offset(cursor, "record offset")?;
        let directory = offset(cursor, "offset of the record's directory")? & DIRECTORY_MASK;
        let class = cursor.string("class name of a key")?;
        let name = cursor.string("name of a key")?;
        let title = cursor.string("title of a key")?;
        let nbytes = u32::try_from(nbytes)
            .map_err(|_| Error::malformed("record size", start, format!("{nbytes}: a gap, not a record")))?;
        if u32::from(key_len) > nbytes {
            return Err(Error::malformed("key size", start, format!("key of {key_len} in a record of {nbytes} bytes")));
        }
        let big = version > BIG_KEY;
        Ok(Self { nbytes, object_len, datime, key_len, cycle, at, directory, big, class, name, title })
    }

    /// What is needed to write the key again, maybe changed. Where a string of the key is not UTF-8, it was not kept as
    /// stored; [`raw_keys`] has the bytes.
    #[must_use]
    pub fn fields(&self) -> KeyFields<'_> {
        KeyFields {
            nbytes: self.nbytes,
            object_len: self.object_len,
            datime: self.datime,
            cycle: self.cycle,
            at: self.at,
            directory: self.directory,
            class: &self.class,
            name: &self.name,
            title: &self.title,
            big: self.big,
        }
    }
}

/// A key to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyFields<'a> {
    /// Bytes of the record, key and payload.
    pub nbytes: u32,
    /// Bytes of the payload once decompressed.
    pub object_len: u32,
    /// When it is written, as [`super::datime`] packs it.
    pub datime: u32,
    /// Cycle: counts the objects of one name in one directory, newest highest.
    pub cycle: u16,
    /// Offset of the record.
    pub at: u64,
    /// Offset of the record of the directory that it belongs to.
    pub directory: u64,
    /// C++ class of the object.
    pub class: &'a str,
    /// Name of the object.
    pub name: &'a str,
    /// Title of the object.
    pub title: &'a str,
    /// Whether to write 64-bit offsets, which every file may have.
    pub big: bool,
}

impl KeyFields<'_> {
    /// Bytes of the key, which only its layout and its strings decide.
    ///
    /// # Errors
    /// [`Error::Limit`] when the strings are too long for a key.
    pub fn key_len(&self) -> Result<u16> {
        // A long string takes four bytes more for its length.
        let string = |text: &str| 1 + if text.len() < 255 { 0 } else { 4 } + text.len();
        let strings = string(self.class) + string(self.name) + string(self.title);
        let len = strings + if self.big { FIXED } else { FIXED_SMALL };
        // ROOT takes the size of a key for a signed number.
        let limit = i16::MAX.unsigned_abs();
        u16::try_from(len).ok().filter(|&len| len <= limit).ok_or(Error::Limit {
            what: "size of a key",
            value: len as u64,
            limit: limit.into(),
        })
    }

    /// Writes the key: [`KeyFields::key_len`] bytes.
    ///
    /// # Errors
    /// [`Error::Limit`] for a record of 2 GiB and more, an offset that the layout cannot hold, and strings that are too
    /// long; [`Error::Inconsistent`] when the record is shorter than its key.
    pub fn serialize(&self) -> Result<Vec<u8>> {
        let key_len = self.key_len()?;
        let too_long = |_| Error::Limit { what: "size of a record", value: self.nbytes.into(), limit: i32::MAX as u64 };
        let nbytes = i32::try_from(self.nbytes).map_err(too_long)?;
        if self.nbytes < key_len.into() {
            let reason = format!("key of {key_len} in a record of {nbytes} bytes");
            return Err(Error::inconsistent("size of a record", reason));
        }
        let mut out = BeWriter::new();
        out.i32(nbytes);
        out.u16(VERSION + if self.big { BIG_KEY } else { 0 });
        out.u32(self.object_len);
        out.u32(self.datime);
        out.u16(key_len);
        out.u16(self.cycle);
        out.offset("record offset", self.at, self.big)?;
        out.offset("offset of the record's directory", self.directory, self.big)?;
        out.string("class name of a key", self.class)?;
        out.string("name of a key", self.name)?;
        out.string("title of a key", self.title)?;
        Ok(out.into_bytes())
    }
}

/// Reads the payload of a key list record: the keys of a directory, in stored order.
///
/// `at` is the offset of the payload, for messages. Of two keys with one name, the one with the higher cycle is newer.
///
/// # Errors
/// [`Error::Truncated`] and [`Error::Malformed`], naming the offset of the key.
pub fn parse_key_list(payload: &[u8], at: u64) -> Result<Vec<Key>> {
    Ok(raw_keys(payload, at)?.into_iter().map(|(key, _)| key).collect())
}

/// As [`parse_key_list`], each key together with its bytes, which [`serialize_key_list`] takes.
///
/// # Errors
/// As [`parse_key_list`].
pub fn raw_keys(payload: &[u8], at: u64) -> Result<Vec<(Key, &[u8])>> {
    let mut cursor = Be::new(payload, at);
    let count = cursor.u32("number of keys")? as usize;
    // The count is not trusted with an allocation: no key is shorter than its fixed part.
    let mut keys = Vec::with_capacity(count.min(payload.len() / (FIXED - 8)));
    for _ in 0..count {
        let start = payload.len() - cursor.remaining();
        let key = Key::read(&mut cursor)?;
        let end = payload.len() - cursor.remaining();
        keys.push((key, payload.get(start..end).unwrap_or_default()));
    }
    Ok(keys)
}

/// The payload of a key list record, from the bytes of the keys. Of keys with one name, the one with the highest cycle
/// must come first: that is the one which ROOT finds.
///
/// # Errors
/// [`Error::Limit`] for more keys than a list can count.
pub fn serialize_key_list<K: AsRef<[u8]>>(keys: &[K]) -> Result<Vec<u8>> {
    let count = keys.len() as u64;
    let mut out = BeWriter::new();
    let too_many = |_| Error::Limit { what: "number of keys", value: count, limit: i32::MAX as u64 };
    out.i32(i32::try_from(keys.len()).map_err(too_many)?);
    for key in keys {
        out.put(key.as_ref());
    }
    Ok(out.into_bytes())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A key as ROOT writes it, in the small or the big layout.
    pub(in super::super) fn key_bytes(big: bool, nbytes: i32, at: u64, class: &str, name: &str) -> Vec<u8> {
        let mut bytes = nbytes.to_be_bytes().to_vec();
        bytes.extend(if big { 1004_u16 } else { 4 }.to_be_bytes());
        bytes.extend(78_u32.to_be_bytes());
        bytes.extend(0_u32.to_be_bytes());
        let len = (if big { 34 } else { 26 }) + 3 + class.len() + name.len();
        bytes.extend(u16::try_from(len).unwrap().to_be_bytes());
        bytes.extend(1_u16.to_be_bytes());
        for offset in [at, 100] {
            if big {
                bytes.extend(offset.to_be_bytes());
            } else {
                bytes.extend(u32::try_from(offset).unwrap().to_be_bytes());
            }
        }
        for text in [class, name, ""] {
            bytes.push(u8::try_from(text.len()).unwrap());
            bytes.extend(text.as_bytes());
        }
        bytes
    }

    #[test]
    fn both_layouts() {
        for big in [false, true] {
            let bytes = key_bytes(big, 200, 4321, "ROOT::RNTuple", "Events");
            let key = Key::parse(&bytes, 0).unwrap();
            assert_eq!((&*key.class, &*key.name, &*key.title), ("ROOT::RNTuple", "Events", ""));
            assert_eq!((key.at, key.nbytes, key.object_len, key.cycle), (4321, 200, 78, 1));
            assert_eq!(usize::from(key.key_len), bytes.len());
            assert_eq!(key.payload_at(), 4321 + bytes.len() as u64);
            for len in 0..bytes.len() {
                assert!(matches!(Key::parse(&bytes[..len], 0), Err(Error::Truncated { .. })));
            }
        }
    }

    #[test]
    fn lists() {
        let mut bytes = 2_u32.to_be_bytes().to_vec();
        bytes.extend(key_bytes(false, 100, 1, "A", "a"));
        bytes.extend(key_bytes(true, 100, 2, "B", "b"));
        let keys = parse_key_list(&bytes, 0).unwrap();
        assert_eq!(keys.iter().map(|k| &*k.name).collect::<Vec<_>>(), ["a", "b"]);
        bytes[..4].copy_from_slice(&u32::MAX.to_be_bytes());
        assert!(matches!(parse_key_list(&bytes, 0), Err(Error::Truncated { .. })));
    }

    #[test]
    fn gaps_and_lies() {
        assert!(matches!(Key::parse(&key_bytes(false, -50, 0, "", ""), 0), Err(Error::Malformed { .. })));
        assert!(matches!(Key::parse(&key_bytes(false, 5, 0, "", ""), 0), Err(Error::Malformed { .. })));
    }
}
