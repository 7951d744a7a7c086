//! Sealed pages: elements encoded, compressed, and followed by a checksum (format-spec/pages.md).

use crate::checksum::xxh3;
use crate::compression;
use crate::encoding::IndexKind;
use crate::encoding::index::{encode_index, for_each_index};
use crate::error::{Context, Error, Result};
use crate::metadata::PageInfo;
use crate::schema::{Column, ColumnType};

/// Bytes of the checksum behind a page.
pub const CHECKSUM_LEN: usize = 8;

/// Bytes on storage of a page with its checksum, where the locator tells.
#[must_use]
pub fn sealed_len(page: &PageInfo) -> Option<u64> {
    page.locator.size()?.checked_add(if page.checksum { CHECKSUM_LEN as u64 } else { 0 })
}

/// Verifies the checksum of a sealed page, if it has one, and gives the page without it.
///
/// # Errors
/// [`Error::Checksum`] when they differ, [`Error::Truncated`] when `sealed` is too short.
pub fn verify<'a>(sealed: &'a [u8], page: &PageInfo) -> Result<&'a [u8]> {
    if !page.checksum {
        return Ok(sealed);
    }
    let Some((stored, checksum)) = sealed.split_last_chunk::<CHECKSUM_LEN>() else {
        let (needed, available) = (CHECKSUM_LEN as u64, sealed.len() as u64);
        return Err(Error::Truncated { what: "page checksum", at: 0, needed, available });
    };
    let (checksum, computed) = (u64::from_le_bytes(*checksum), xxh3(stored));
    if checksum == computed {
        return Ok(stored);
    }
    Err(Error::Checksum { what: "page", stored: checksum, computed })
}

/// Unseals a page of `column`: verifies and decompresses it. The result lies in `sealed` if the page was stored
/// uncompressed, else in `buffer`, whose content is replaced.
///
/// # Errors
/// As [`verify`], and [`Error::Compression`] when the page does not decompress to what its elements need.
pub fn unseal<'a>(sealed: &'a [u8], page: &PageInfo, column: &Column, buffer: &'a mut Vec<u8>) -> Result<&'a [u8]> {
    let stored = verify(sealed, page)?;
    let len = raw_len(page, column)?;
    if stored.len() == len {
        return Ok(stored);
    }
    compression::decompress_to_vec(stored, len, buffer).context(|| "page".to_owned())?;
    Ok(buffer)
}

/// Unseals a page straight into `out`, which has the size of the uncompressed page.
///
/// # Errors
/// As [`unseal`].
pub fn unseal_into(sealed: &[u8], page: &PageInfo, out: &mut [u8]) -> Result<()> {
    compression::decompress(verify(sealed, page)?, out).context(|| "page".to_owned())
}

/// The form in which an unsealed page of an index column is best kept for reading parts of it: absolute values, and the
/// column type that they make up. `None` for pages whose elements can be had one by one already.
///
/// # Errors
/// [`Error::Encoding`] when the page is too short for its elements.
pub fn kept_form(unsealed: &[u8], page: &PageInfo, column: &Column) -> Result<Option<(Vec<u8>, ColumnType)>> {
    let Some(kind) = index_kind(column.kind).filter(|kind| kind.is_split()) else { return Ok(None) };
    let mut values = Vec::new();
    for_each_index(kind, unsealed, page.elements as usize, 0, page.elements as usize, &mut |chunk| {
        let done = values.len();
        values.resize(done + size_of_val(chunk), 0);
        encode_index(IndexKind::Plain64, chunk, values.get_mut(done..).unwrap_or_default())
    })?;
    Ok(Some((values, ColumnType::Index64)))
}

pub(crate) fn index_kind(kind: ColumnType) -> Option<IndexKind> {
    Some(match kind {
        ColumnType::Index32 => IndexKind::Plain32,
        ColumnType::Index64 => IndexKind::Plain64,
        ColumnType::SplitIndex32 => IndexKind::Split32,
        ColumnType::SplitIndex64 => IndexKind::Split64,
        _ => return None,
    })
}

fn raw_len(page: &PageInfo, column: &Column) -> Result<usize> {
    let len = column.page_len(page.elements);
    usize::try_from(len).map_err(|_| Error::Limit { what: "page size", value: len, limit: usize::MAX as u64 })
}
