//! Local files, by positional reads: vectored ones where ranges touch.

use std::fs::File;
use std::io;
#[cfg(target_os = "linux")]
use std::num::NonZeroU64;
#[cfg(target_os = "linux")]
use std::ops::Range;
use std::path::Path;
use std::time::SystemTime;

use super::ByteSource;
#[cfg(all(feature = "io-uring", target_os = "linux"))]
use super::{Access, uring};
#[cfg(target_os = "linux")]
use super::{ReadRange, vectored};

/// A file of the operating system.
#[derive(Debug)]
pub struct LocalFile {
    file: File,
    size: u64,
    modified: Option<SystemTime>,
}

impl LocalFile {
    /// Opens a file.
    ///
    /// # Errors
    /// Those of the operating system, and one for a directory.
    pub fn open(path: &Path) -> io::Result<Self> {
        Self::of(File::open(path)?)
    }

    pub(crate) fn of(file: File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "is a directory"));
        }
        Ok(Self { file, size: metadata.len(), modified: metadata.modified().ok() })
    }
}

impl ByteSource for LocalFile {
    fn size(&self) -> u64 {
        self.size
    }

    fn version(&self) -> Option<String> {
        let since = self.modified?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        Some(since.as_nanos().to_string())
    }

    #[cfg(target_os = "linux")]
    fn will_read(&self, ranges: &[Range<u64>]) {
        for range in ranges {
            let len = NonZeroU64::new(range.end.saturating_sub(range.start));
            // It is only advice: a file system that takes none is as good.
            let _ = rustix::fs::fadvise(&self.file, range.start, len, rustix::fs::Advice::WillNeed);
        }
    }

    #[cfg(target_os = "linux")]
    fn read_many(&self, reads: &mut [ReadRange<'_>], _: usize) {
        #[cfg(feature = "io-uring")]
        let done = uring::read(&self.file, reads);
        #[cfg(not(feature = "io-uring"))]
        let done = false;
        if !done {
            vectored::read(&self.file, reads);
        }
        // What failed says why, and what was cut short is read to its end.
        for read in reads.iter_mut().filter(|read| read.result.is_err()) {
            read.result = self.read_at(read.offset, read.buffer);
        }
    }

    #[cfg(all(feature = "io-uring", target_os = "linux"))]
    fn access(&self) -> Access {
        Access { parallel: if uring::available() { uring::DEPTH } else { 1 }, ..Access::LOCAL }
    }

    #[cfg(unix)]
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.file, buffer, offset)
    }

    #[cfg(windows)]
    fn read_at(&self, mut offset: u64, mut buffer: &mut [u8]) -> io::Result<()> {
        while !buffer.is_empty() {
            let n = std::os::windows::fs::FileExt::seek_read(&self.file, buffer, offset)?;
            if n == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            buffer = buffer.get_mut(n..).unwrap_or_default();
            offset += n as u64;
        }
        Ok(())
    }
}
