//! Frames: sized records and lists (format-spec/envelopes.md, frames).

use crate::error::{Error, Result};
use crate::wire::{Le, LeWriter, to_u32};

/// Opens a record frame: a cursor over its content. The outer cursor moves behind the frame, whatever is read of it.
pub(super) fn record<'a>(cursor: &mut Le<'a>, what: &'static str) -> Result<Le<'a>> {
    let at = cursor.at();
    let size = cursor.i64(what)?;
    body(cursor, what, at, size, 8)
}

/// Opens a list frame: the number of items, and a cursor over its content.
pub(super) fn list<'a>(cursor: &mut Le<'a>, what: &'static str) -> Result<(u32, Le<'a>)> {
    let at = cursor.at();
    let size = cursor.i64(what)?;
    let items = cursor.u32(what)?;
    let size = size.checked_neg().unwrap_or(i64::MIN);
    Ok((items, body(cursor, what, at, size, 12)?))
}

fn body<'a>(cursor: &mut Le<'a>, what: &'static str, at: u64, size: i64, head: usize) -> Result<Le<'a>> {
    match usize::try_from(size).ok().and_then(|size| size.checked_sub(head)) {
        Some(len) => cursor.sub(what, len),
        None => Err(Error::malformed(what, at, format!("frame size {size} is not possible here"))),
    }
}

/// Calls `read` with each item of a list frame; each is a record frame of its own.
pub(super) fn each(
    cursor: &mut Le<'_>,
    what: &'static str,
    mut read: impl FnMut(&mut Le<'_>) -> Result<()>,
) -> Result<()> {
    let (items, mut content) = list(cursor, what)?;
    for i in 0..items {
        let mut item = record(&mut content, what)?;
        read(&mut item).map_err(|e| e.within(format!("{what}, item {i}")))?;
    }
    Ok(())
}

/// The items of a list frame. Memory grows as they are read, so a lying count asks for none.
pub(super) fn records<T>(
    cursor: &mut Le<'_>,
    what: &'static str,
    mut read: impl FnMut(&mut Le<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let mut out = Vec::new();
    each(cursor, what, |item| {
        out.push(read(item)?);
        Ok(())
    })?;
    Ok(out)
}

/// Writes a record frame around what `content` writes.
pub(super) fn put_record(out: &mut LeWriter, content: impl FnOnce(&mut LeWriter) -> Result<()>) -> Result<()> {
    let start = out.len();
    out.u64(0);
    content(out)?;
    let size = (out.len() - start) as u64;
    out.replace(start, size.to_le_bytes());
    Ok(())
}

/// Writes a list frame; `item` writes each of the items.
pub(super) fn put_list<T>(
    out: &mut LeWriter,
    what: &'static str,
    items: &[T],
    mut item: impl FnMut(&mut LeWriter, &T) -> Result<()>,
) -> Result<()> {
    put_list_behind(out, what, items, &mut item, |_| Ok(()))
}

/// Writes a list frame with something behind its items.
pub(super) fn put_list_behind<T>(
    out: &mut LeWriter,
    what: &'static str,
    items: &[T],
    mut item: impl FnMut(&mut LeWriter, &T) -> Result<()>,
    behind: impl FnOnce(&mut LeWriter) -> Result<()>,
) -> Result<()> {
    let start = out.len();
    out.u64(0);
    out.u32(to_u32(what, items.len() as u64)?);
    for it in items {
        item(out, it)?;
    }
    behind(out)?;
    // A list announces itself by the sign of its size.
    let size = ((out.len() - start) as u64).wrapping_neg();
    out.replace(start, size.to_le_bytes());
    Ok(())
}

/// Writes a list frame of record frames.
pub(super) fn put_records<T>(
    out: &mut LeWriter,
    what: &'static str,
    items: &[T],
    mut item: impl FnMut(&mut LeWriter, &T) -> Result<()>,
) -> Result<()> {
    put_list(out, what, items, |out, it| put_record(out, |out| item(out, it)).map_err(|e| e.within(what)))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn record_bytes(content: &[u8]) -> Vec<u8> {
        let mut bytes = (i64::try_from(content.len()).unwrap() + 8).to_le_bytes().to_vec();
        bytes.extend(content);
        bytes
    }

    pub(in super::super) fn list_bytes(items: &[Vec<u8>]) -> Vec<u8> {
        let content = items.concat();
        let mut bytes = (-i64::try_from(content.len()).unwrap() - 12).to_le_bytes().to_vec();
        bytes.extend(u32::try_from(items.len()).unwrap().to_le_bytes());
        bytes.extend(content);
        bytes
    }

    #[test]
    fn trailing_bytes_are_skipped() {
        let bytes =
            [list_bytes(&[record_bytes(&[1, 2, 3, 4, 9, 9]), record_bytes(&[5, 6, 7, 8])]), vec![0xee]].concat();
        let mut cursor = Le::new(&bytes, 0);
        let items = records(&mut cursor, "items", |item| item.u32("item")).unwrap();
        assert_eq!(items, [0x0403_0201, 0x0807_0605]);
        assert_eq!(cursor.u8("end").unwrap(), 0xee);
    }

    #[test]
    fn hostile_sizes() {
        for size in [0_i64, 7, 9, i64::MAX, i64::MIN, -1, -11, -13] {
            let bytes = [&size.to_le_bytes()[..], &[1, 0, 0, 0]].concat();
            assert!(record(&mut Le::new(&bytes[..8], 0), "record").is_err(), "record {size}");
            assert!(records(&mut Le::new(&bytes, 0), "list", |c| c.u8("x")).is_err(), "list {size}");
        }
        // A count beyond the content.
        let mut bytes = list_bytes(&[record_bytes(&[1])]);
        bytes[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(records(&mut Le::new(&bytes, 0), "list", |c| c.u8("x")).is_err());
    }
}
