//! Sealed pages: elements encoded, compressed, and followed by a checksum (format-spec/pages.md).

use arrow::datatypes::ArrowNativeType;

use crate::checksum::xxh3;
use crate::compression::{self, CompressionSettings};
use crate::encoding::index::for_each_index;
use crate::encoding::{EncodingError, IndexKind, split, zigzag};
use crate::error::{Context, Error, Result};
use crate::memory::Memory;
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

/// Seals an unsealed page, behind what `out` has: compresses it, if that makes it smaller, and adds a checksum if asked to.
///
/// # Errors
/// [`Error::Compression`] for settings that name no algorithm.
pub fn seal(unsealed: &[u8], settings: CompressionSettings, checksum: bool, out: &mut Vec<u8>) -> Result<()> {
    let start = out.len();
    compression::compress(settings, unsealed, out)?;
    if checksum {
        let checksum = xxh3(out.get(start..).unwrap_or_default());
        out.extend_from_slice(&checksum.to_le_bytes());
    }
    Ok(())
}

/// The form in which an unsealed page is best kept for reading parts of it, in memory that `memory` gives: plain elements,
/// of which any can be had without the others, and the column type that they make up. `None` for pages that are kept as
/// they are.
///
/// # Errors
/// [`Error::Encoding`] when the page is too short for its elements.
pub fn kept_form(
    unsealed: &[u8],
    page: &PageInfo,
    column: &Column,
    memory: impl Fn(usize) -> Memory,
) -> Result<Option<(Memory, ColumnType)>> {
    use ColumnType as C;
    if cfg!(target_endian = "big") {
        return Ok(None);
    }
    let n = page.elements as usize;
    let memory = || memory(unsealed.len());
    let (memory, kind) = match column.kind {
        C::SplitInt16 => (plain::<i16>(unsealed, n, memory(), zigzag::unsplit_zigzag)?, C::Int16),
        C::SplitInt32 => (plain::<i32>(unsealed, n, memory(), zigzag::unsplit_zigzag)?, C::Int32),
        C::SplitInt64 => (plain::<i64>(unsealed, n, memory(), zigzag::unsplit_zigzag)?, C::Int64),
        C::SplitUInt16 => (plain::<u16>(unsealed, n, memory(), split::unsplit)?, C::UInt16),
        C::SplitUInt32 => (plain::<u32>(unsealed, n, memory(), split::unsplit)?, C::UInt32),
        C::SplitUInt64 => (plain::<u64>(unsealed, n, memory(), split::unsplit)?, C::UInt64),
        C::SplitReal32 => (plain::<f32>(unsealed, n, memory(), split::unsplit)?, C::Real32),
        C::SplitReal64 => (plain::<f64>(unsealed, n, memory(), split::unsplit)?, C::Real64),
        C::SplitIndex32 => (ends::<u32>(IndexKind::Split32, unsealed, n, memory())?, C::Index32),
        // Half the memory, unless the cluster has more than 2^32 items.
        C::SplitIndex64 => match ends::<u32>(IndexKind::Split64, unsealed, n, memory()) {
            Err(Ends::TooLarge) => (ends::<u64>(IndexKind::Split64, unsealed, n, memory())?, C::Index64),
            narrow => (narrow?, C::Index32),
        },
        _ => return Ok(None),
    };
    Ok(Some((memory, kind)))
}

/// Decodes elements of a page: the page, how many it has, the first one wanted, and where they go.
type Decode<T> = fn(&[u8], usize, usize, &mut [T]) -> std::result::Result<(), EncodingError>;

fn plain<T: ArrowNativeType>(page: &[u8], n: usize, mut memory: Memory, decode: Decode<T>) -> Result<Memory> {
    memory.fill(n, |first, elements| decode(page, n, first, elements))?;
    Ok(memory)
}

/// Why ends of collections cannot be had in some type.
enum Ends {
    TooLarge,
    Encoding(EncodingError),
}

impl From<EncodingError> for Ends {
    fn from(error: EncodingError) -> Self {
        Self::Encoding(error)
    }
}

impl From<Ends> for Error {
    fn from(error: Ends) -> Self {
        match error {
            Ends::TooLarge => Self::inconsistent("page", "an end of a collection does not fit its column".to_owned()),
            Ends::Encoding(error) => error.into(),
        }
    }
}

/// What ends of collections are kept as.
trait End: ArrowNativeType {
    const MAX: u64;
    /// Of a number up to `MAX`.
    fn of(end: u64) -> Self;
}

impl End for u32 {
    const MAX: u64 = u32::MAX as u64;
    #[expect(clippy::cast_possible_truncation, reason = "at most MAX")]
    fn of(end: u64) -> Self {
        end as Self
    }
}

impl End for u64 {
    const MAX: u64 = u64::MAX;
    fn of(end: u64) -> Self {
        end
    }
}

fn ends<T: End>(kind: IndexKind, page: &[u8], n: usize, mut memory: Memory) -> std::result::Result<Memory, Ends> {
    for_each_index(kind, page, n, 0, n, None, &mut |ends| {
        if ends.iter().fold(0, |all, end| all | end) > T::MAX {
            return Err(Ends::TooLarge);
        }
        for (out, &end) in memory.grow::<T>(ends.len()).iter_mut().zip(ends) {
            *out = T::of(end);
        }
        Ok(())
    })?;
    Ok(memory)
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
