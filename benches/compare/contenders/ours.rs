//! This library, reading.

use std::hint::black_box;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rntuple_benches::seconds;
use rntuple_core::row::ReadRow;
use rntuple_io::storage::{Access, ByteSource, LocalFile, ReadRange};
use rntuple_io::{NTuple, Reader, Scan};

use super::{Measured, measure_batches, peak};
use crate::Done;
use crate::check::{Check, Leaf};

/// A file that counts what is read from it.
#[derive(Debug)]
struct Counted {
    file: LocalFile,
    bytes: Arc<AtomicU64>,
}

impl ByteSource for Counted {
    fn size(&self) -> u64 {
        self.file.size()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.bytes.fetch_add(buffer.len() as u64, Ordering::Relaxed);
        self.file.read_at(offset, buffer)
    }

    fn read_many(&self, reads: &mut [ReadRange<'_>], at_once: usize) {
        let bytes = reads.iter().map(|read| read.buffer.len() as u64).sum();
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.file.read_many(reads, at_once);
    }

    fn will_read(&self, ranges: &[Range<u64>]) {
        self.file.will_read(ranges);
    }

    fn access(&self) -> Access {
        self.file.access()
    }
}

fn open(path: &Path, bytes: &Arc<AtomicU64>) -> Done<NTuple> {
    bytes.store(0, Ordering::Relaxed);
    let file = Counted { file: LocalFile::open(path)?, bytes: Arc::clone(bytes) };
    Ok(Reader::from_source(path.to_string_lossy(), Arc::new(file))?.only()?)
}

fn choose(scan: Scan, columns: &[&str]) -> Scan {
    if columns.is_empty() { scan } else { scan.columns(columns) }
}

/// Record batches of all entries.
pub(super) fn scan(path: &Path, columns: &[&str], threads: usize, keep: bool) -> Done<Measured> {
    let bytes = Arc::default();
    let measured = measure_batches(keep, |take| {
        let scan = choose(open(path, &bytes)?.scan(), columns).threads(threads);
        scan.open()?.try_for_each(|batch| take(batch?))
    })?;
    Ok(Measured { bytes: Some(bytes.load(Ordering::Relaxed)), ..measured })
}

/// Looks at every value, in a process that has done nothing else.
pub(super) fn once(path: &Path) -> Done<Measured> {
    let mut check = Check::default();
    let scan = Reader::open(path)?.only()?.scan();
    let (seconds, done) = seconds(|| scan.open()?.try_for_each(|batch| check.add_batch(&batch?)));
    done?;
    Ok(Measured { seconds, peak: peak()?, check: Some(check), ..Measured::default() })
}

/// Structs, one by one, each over the one before.
pub(super) fn rows<T: ReadRow + Leaf>(path: &Path, threads: usize) -> Done<Measured> {
    let run = |take: &mut dyn FnMut(&T)| -> Done<()> {
        let mut rows = Reader::open(path)?.only()?.scan().threads(threads).rows::<T>()?;
        let Some(mut row) = rows.next().transpose()? else { return Ok(()) };
        take(&row);
        while rows.read_into(&mut row)? {
            take(&row);
        }
        Ok(())
    };
    let mut check = Check::default();
    run(&mut |row| row.add_to(&mut check))?;
    let (seconds, done) = seconds(|| {
        run(&mut |row| {
            black_box(row);
        })
    });
    done?;
    Ok(Measured { seconds, peak: peak()?, check: Some(check), ..Measured::default() })
}

/// Single entries, by their numbers in `entries`.
pub(super) fn random(path: &Path, columns: &[&str], entries: &str) -> Done<Measured> {
    let entries: Vec<u64> = entries.lines().map(str::parse).collect::<Result<_, _>>()?;
    let bytes = Arc::default();
    let measured = measure_batches(false, |take| {
        let mut reader = choose(open(path, &bytes)?.scan(), columns).threads(1).random_access()?;
        entries.iter().try_for_each(|&entry| take(reader.read(entry..entry + 1)?))
    })?;
    Ok(Measured { bytes: Some(bytes.load(Ordering::Relaxed)), ..measured })
}
