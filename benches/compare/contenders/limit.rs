//! What cannot be left out: reads the same pages, compares their checksums, decompresses and copies them, and knows
//! beforehand where they are.

use std::fs::File;
use std::hint::black_box;
use std::os::unix::fs::FileExt;
use std::path::Path;

use rntuple_core::checksum::xxh3;
use rntuple_core::compression::BLOCK_HEADER_SIZE;
use rntuple_core::metadata::Locator;
use rntuple_core::page::CHECKSUM_LEN;
use rntuple_core::schema::{ColumnId, FieldId, Schema};
use rntuple_io::Reader;
use zstd::bulk::{Compressor, Decompressor};

use super::{Measured, measure};
use crate::Done;

/// Adjacent pages are read together, up to so many bytes.
const READ: usize = 4 << 20;

/// A page in the file. `stored` is without its checksum; `raw` is what it decompresses to.
#[derive(Debug, Clone, Copy)]
struct Page {
    offset: u64,
    stored: usize,
    raw: usize,
}

impl Page {
    fn end(&self) -> u64 {
        self.offset + (self.stored + CHECKSUM_LEN) as u64
    }
}

/// Reads, compares checksums, decompresses and copies: each page to memory of its own, or all to the same.
pub(super) fn limit(path: &Path, columns: &[&str], threads: usize, keep: bool) -> Done<Measured> {
    let pages = pages(path, columns)?;
    let parts = split(&pages, threads);
    let measured = measure(|| -> Done<Vec<Vec<Vec<u8>>>> {
        std::thread::scope(|scope| {
            let running: Vec<_> = parts
                .iter()
                .skip(1)
                .map(|part| scope.spawn(|| unseal(path, part, keep).map_err(|e| e.to_string())))
                .collect();
            let mut all = vec![unseal(path, parts.first().copied().unwrap_or_default(), keep)?];
            for thread in running {
                all.push(thread.join().map_err(|_| "a thread panicked")??);
            }
            Ok(all)
        })
    })?;
    let bytes = pages.iter().map(|page| (page.stored + CHECKSUM_LEN) as u64).sum();
    Ok(Measured { bytes: Some(bytes), ..measured })
}

/// Only decompresses what is in memory.
pub(super) fn decompress(path: &Path, columns: &[&str]) -> Done<Measured> {
    let file = File::open(path)?;
    let sealed = pages(path, columns)?.into_iter().map(|page| {
        let mut bytes = vec![0; page.stored];
        file.read_exact_at(&mut bytes, page.offset)?;
        Ok((page, bytes))
    });
    let sealed: Vec<(Page, Vec<u8>)> = sealed.collect::<std::io::Result<_>>()?;
    measure(|| {
        let mut zstd = Decompressor::new()?;
        let mut buffer = Vec::new();
        for (page, bytes) in sealed.iter().filter(|(page, _)| page.stored != page.raw) {
            inflate(&mut zstd, bytes, page.raw, &mut buffer)?;
        }
        Ok(buffer)
    })
}

/// Only compresses the pages of a file, from memory, as they are compressed by default.
pub(super) fn compress(path: &Path) -> Done<Measured> {
    let mut pages = Vec::new();
    Reader::open(path)?.only()?.unsealed_pages(|_, _, page| {
        pages.push(page.to_vec());
        Ok(())
    })?;
    let largest = pages.iter().map(Vec::len).max().unwrap_or(0);
    measure(|| {
        // Level 5 in a ROOT file is level 10 of zstd.
        let mut zstd = Compressor::new(10)?;
        let mut out = vec![0; zstd::zstd_safe::compress_bound(largest)];
        for page in &pages {
            black_box(zstd.compress_to_buffer(page, &mut out)?);
        }
        Ok(())
    })
}

fn unseal(path: &Path, pages: &[Page], keep: bool) -> Done<Vec<Vec<u8>>> {
    let file = File::open(path)?;
    let mut zstd = Decompressor::new()?;
    let (mut sealed, mut buffer, mut copy) = (Vec::new(), Vec::new(), Vec::new());
    let mut copies = Vec::with_capacity(pages.len());
    let mut rest = pages;
    while let Some(first) = rest.first() {
        let mut end = first.offset;
        let together = rest.iter().take_while(|page| {
            let joins = page.offset == end && (end == first.offset || page.end() - first.offset <= READ as u64);
            end = if joins { page.end() } else { end };
            joins
        });
        let (run, later) = rest.split_at(together.count());
        sealed.resize(usize::try_from(end - first.offset)?, 0);
        file.read_exact_at(&mut sealed, first.offset)?;
        let mut left = sealed.as_slice();
        for page in run {
            let (stored, behind) = left.split_at_checked(page.stored).ok_or("a page is cut off")?;
            let (checksum, behind) = behind.split_first_chunk::<CHECKSUM_LEN>().ok_or("a page has no checksum")?;
            left = behind;
            if xxh3(stored) != u64::from_le_bytes(*checksum) {
                return Err("a page is damaged".into());
            }
            let unsealed = if page.stored == page.raw {
                stored
            } else {
                inflate(&mut zstd, stored, page.raw, &mut buffer)?;
                &buffer
            };
            copy.clear();
            copy.extend_from_slice(unsealed);
            if keep {
                copies.push(std::mem::take(&mut copy));
            }
        }
        rest = later;
    }
    Ok(copies)
}

fn inflate(zstd: &mut Decompressor<'_>, stored: &[u8], raw: usize, buffer: &mut Vec<u8>) -> Done<()> {
    let frame = stored.get(BLOCK_HEADER_SIZE..).ok_or("a page has no block header")?;
    buffer.clear();
    buffer.reserve(raw);
    if zstd.decompress_to_buffer(frame, buffer)? == raw { Ok(()) } else { Err("a page has another size".into()) }
}

/// Parts of about the same number of raw bytes.
fn split(pages: &[Page], parts: usize) -> Vec<&[Page]> {
    let total: usize = pages.iter().map(|page| page.raw).sum();
    let mut rest = pages;
    let mut out = Vec::new();
    for _ in 1..parts {
        let mut bytes = 0;
        let within = |page: &&Page| {
            bytes += page.raw;
            bytes <= total / parts
        };
        let (part, later) = rest.split_at(rest.iter().take_while(within).count());
        out.push(part);
        rest = later;
    }
    out.push(rest);
    out
}

/// The pages of some fields, in the order of the file.
fn pages(path: &Path, fields: &[&str]) -> Done<Vec<Page>> {
    let ntuple = Reader::open(path)?.only()?;
    let columns = columns(ntuple.schema(), fields);
    let mut pages = Vec::new();
    ntuple.unsealed_pages(|column, page, raw| {
        if let Locator::File { offset, size } = page.locator
            && columns.contains(&column.id)
        {
            pages.push(Page { offset, stored: usize::try_from(size).unwrap_or(usize::MAX), raw: raw.len() });
        }
        Ok(())
    })?;
    pages.sort_by_key(|page| page.offset);
    Ok(pages)
}

/// The columns of these fields (by their paths; with a name at the end that is `**`, all below) and of the fields above.
fn columns(schema: &Schema, fields: &[&str]) -> Vec<ColumnId> {
    let asked = |id: FieldId| {
        let path = schema.path(id).replace("._0", "");
        fields.iter().any(|field| {
            let whole = field.trim_end_matches(".**");
            let inside = |inner: &str, outer: &str| {
                inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            inside(&path, whole) || inside(whole, &path)
        })
    };
    let wanted = schema.fields().iter().filter(|field| fields.is_empty() || asked(field.id));
    wanted.flat_map(|field| field.columns.iter().copied()).collect()
}
