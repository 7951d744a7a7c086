//! Walks the records of a file, also of one that is cut short or damaged.
//!
//! Every key tells how long its record is, so that records follow one another. Where that chain breaks, the scan looks
//! for the next bytes that can only be a key: those that give their own offset in the file.

use rntuple_core::container::root_file::{FileHeader, Key};

use crate::error::Result;
use crate::reader::File;

/// Bytes that hold most keys.
const KEY: usize = 256;
/// Bytes that hold every key: the length of a key is a signed 16-bit number.
const LONG_KEY: usize = 1 << 15;
/// The shortest key that there is: small layout, empty strings.
const SHORTEST: u64 = 29;
/// Where records begin unless the file says otherwise.
const BEGIN: u64 = 100;
/// Bytes searched at once: few at first, as the next record may be near.
const FIRST_CHUNK: usize = 1 << 12;
const LAST_CHUNK: usize = 1 << 20;

/// A record.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) key: Key,
    /// Bytes of the key as stored.
    pub(super) key_bytes: Vec<u8>,
    /// Where it really starts, which is what its key says.
    pub(super) at: u64,
    /// Where it ends, at most the end of the file or the start of the next record.
    pub(super) end: u64,
    /// Whether that is where its key says.
    pub(super) whole: bool,
}

impl Record {
    /// Where the payload starts: behind what the key consists of, even where it says otherwise.
    pub(super) fn payload_at(&self) -> u64 {
        let len = self.key.fields().key_len().unwrap_or(self.key.key_len);
        self.at.saturating_add(len.into()).min(self.end)
    }

    /// Whether the key has the length that it says; those of some other objects are longer than what all keys have.
    pub(super) fn plain(&self) -> bool {
        self.key.fields().key_len().is_ok_and(|len| len == self.key.key_len)
    }

    /// Bytes of the payload that are there.
    pub(super) fn payload_len(&self) -> u64 {
        self.end.saturating_sub(self.payload_at())
    }
}

/// What is at some offset.
enum Step {
    /// A key, with its bytes.
    Key(Key, Vec<u8>),
    /// Bytes that no record takes, up to this offset.
    Gap(u64),
    /// Neither.
    Nothing,
}

/// Calls `visit` with every record, in the order of the file. Gives the ranges that are no records.
pub(super) fn records(file: &File, mut visit: impl FnMut(Record) -> Result<()>) -> Result<Vec<(u64, u64)>> {
    let size = file.size();
    let mut garbage = Vec::new();
    let head = file.read_up_to(|| "file header".to_owned(), 0, FileHeader::LEN)?;
    let mut at = FileHeader::parse(&head).map_or(BEGIN, |header| header.begin);
    if matches!(step(file, at)?, Step::Nothing) {
        at = search(file, 0, size)?.unwrap_or(size);
        if at > BEGIN {
            garbage.push((BEGIN.min(size), at));
        }
    }
    while at < size {
        match step(file, at)? {
            Step::Gap(end) => at = end,
            Step::Key(key, key_bytes) => {
                let told = at.saturating_add(key.nbytes.into());
                let behind_key = at.saturating_add(key_bytes.len() as u64);
                // The length is believed if it leads to another record, or to the end of the file.
                let good = told == size || (told < size && !matches!(step(file, told)?, Step::Nothing));
                let next = if good { told } else { search(file, behind_key, size)?.unwrap_or(size) };
                let end = told.min(next);
                visit(Record { key, key_bytes, at, end, whole: end == told })?;
                if end < next {
                    garbage.push((end, next));
                }
                at = next;
            }
            Step::Nothing => {
                let next = search(file, at.saturating_add(1), size)?.unwrap_or(size);
                garbage.push((at, next));
                at = next;
            }
        }
    }
    Ok(garbage)
}

/// Looks at an offset.
fn step(file: &File, at: u64) -> Result<Step> {
    if at >= file.size() {
        return Ok(Step::Nothing);
    }
    let bytes = file.read_up_to(|| "key of a record".to_owned(), at, size_of::<i32>())?;
    let Some(nbytes) = bytes.first_chunk().copied().map(i32::from_be_bytes) else { return Ok(Step::Nothing) };
    if nbytes < 0 {
        let end = at.saturating_add(u64::from(nbytes.unsigned_abs()));
        // A gap takes four bytes at least, to say so. Gaps do not follow each other, and any four bytes may look like one.
        let fits = nbytes <= -4 && (end == file.size() || (end < file.size() && read_key(file, end)?.is_some()));
        return Ok(if fits { Step::Gap(end) } else { Step::Nothing });
    }
    Ok(read_key(file, at)?.map_or(Step::Nothing, |(key, bytes)| Step::Key(key, bytes)))
}

/// The key at an offset.
fn read_key(file: &File, at: u64) -> Result<Option<(Key, Vec<u8>)>> {
    let mut bytes = file.read_up_to(|| "key of a record".to_owned(), at, KEY)?;
    if bytes.len() == KEY && Key::parse(&bytes, at).is_err() && head_fits(&bytes, at) {
        bytes = file.read_up_to(|| "key of a record".to_owned(), at, LONG_KEY)?;
    }
    Ok(key(&bytes, at))
}

/// The key that starts `bytes`, if there is one.
fn key(bytes: &[u8], at: u64) -> Option<(Key, Vec<u8>)> {
    if !head_fits(bytes, at) {
        return None;
    }
    let key = Key::parse(bytes, at).ok()?;
    let fits = key.at == at && u64::from(key.key_len) >= SHORTEST;
    let bytes = bytes.get(..usize::from(key.key_len))?.to_owned();
    fits.then_some((key, bytes))
}

/// Whether bytes have the version of a key, and the offset at which they are.
fn head_fits(bytes: &[u8], at: u64) -> bool {
    let version = bytes.get(4..6);
    if version == Some(&[0x03, 0xec]) {
        bytes.get(18..26) == Some(&at.to_be_bytes())
    } else if version == Some(&[0, 4]) {
        u32::try_from(at).is_ok_and(|at| bytes.get(18..22) == Some(&at.to_be_bytes()))
    } else {
        false
    }
}

/// The next offset from `from` on where there is a key.
fn search(file: &File, mut from: u64, size: u64) -> Result<Option<u64>> {
    let mut chunk = FIRST_CHUNK;
    while from.saturating_add(SHORTEST) <= size {
        let bytes = file.read_up_to(|| "search for records".to_owned(), from, chunk)?;
        // A key that the chunk cuts is found in the next one, which overlaps.
        let last = bytes.len().saturating_sub(26);
        for i in 0..=last {
            let version = bytes.get(i + 4..i + 6);
            if version != Some(&[0x03, 0xec]) && version != Some(&[0, 4]) {
                continue;
            }
            let at = from + i as u64;
            if head_fits(bytes.get(i..).unwrap_or_default(), at) && matches!(step(file, at)?, Step::Key(..)) {
                return Ok(Some(at));
            }
        }
        if bytes.len() < chunk {
            break;
        }
        from += last as u64 + 1;
        chunk = (2 * chunk).min(LAST_CHUNK);
    }
    Ok(None)
}
