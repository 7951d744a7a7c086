//! Where bytes go to.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Random access writing. Bytes that nobody wrote are zero.
pub trait ByteSink: Debug + Send {
    /// Writes bytes at an offset, maybe over others or behind the end.
    ///
    /// # Errors
    /// Those of the storage.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Returns when all that was written would survive a loss of power.
    ///
    /// # Errors
    /// Those of the storage.
    fn sync(&mut self) -> io::Result<()>;

    /// Makes what was written visible under its name. A sink that is dropped instead leaves no trace, where it can.
    ///
    /// # Errors
    /// Those of the storage.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

/// A local file that appears under its name when it is complete: it is written beside it, and renamed.
#[derive(Debug)]
pub struct NewFile {
    file: File,
    temporary: PathBuf,
    target: PathBuf,
    finished: bool,
}

/// Makes names of temporary files differ within a process.
static COUNTER: AtomicU64 = AtomicU64::new(0);

impl NewFile {
    /// Starts to write; `target` may exist and stays as it is until [`ByteSink::finish`].
    ///
    /// # Errors
    /// Those of the operating system; when `target` exists and is no regular file.
    pub fn create(target: &Path) -> io::Result<Self> {
        let target = replaceable(target)?;
        loop {
            let number = COUNTER.fetch_add(1, Ordering::Relaxed);
            let temporary = beside(&target, &format!("{}-{number}", std::process::id()))?;
            match OpenOptions::new().write(true).create_new(true).open(&temporary) {
                Ok(file) => return Ok(Self { file, temporary, target, finished: false }),
                // Left by a process that was killed and had the same number, as is usual in containers.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl ByteSink for NewFile {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        write_all_at(&self.file, offset, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        // Nobody can see it yet: it is synchronised once, when it is complete.
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.temporary, &self.target)?;
        self.finished = true;
        sync_directory(&self.target)
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.finished {
            // An error on the way out has nobody to go to.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// A local file that is written where it is.
#[derive(Debug)]
pub struct FileInPlace {
    file: File,
    path: PathBuf,
}

impl FileInPlace {
    /// Creates a file, or empties the one that is there.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(path)?;
        sync_directory(path)?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Opens a file that exists.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { file: OpenOptions::new().write(true).open(path)?, path: path.to_owned() })
    }
}

impl ByteSink for FileInPlace {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        write_all_at(&self.file, offset, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        self.file.sync_all()?;
        sync_directory(&self.path)
    }
}

#[cfg(unix)]
pub(super) fn write_all_at(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

#[cfg(windows)]
pub(super) fn write_all_at(file: &File, mut offset: u64, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let n = std::os::windows::fs::FileExt::seek_write(file, bytes, offset)?;
        if n == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes = bytes.get(n..).unwrap_or_default();
        offset += n as u64;
    }
    Ok(())
}

/// The file that is replaced when this one is written. A link stays a link: what it points at is replaced.
pub(super) fn replaceable(target: &Path) -> io::Result<PathBuf> {
    match fs::metadata(target) {
        Ok(metadata) if metadata.is_file() => fs::canonicalize(target),
        Ok(_) => Err(io::Error::new(io::ErrorKind::InvalidInput, "exists and is no regular file")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(target.to_owned()),
        Err(error) => Err(error),
    }
}

/// Where a file is written before it appears as `target`.
pub(super) fn beside(target: &Path, tag: &str) -> io::Result<PathBuf> {
    let name = target.file_name();
    let name = name.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "is no name of a file"))?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{tag}.part"));
    Ok(target.with_file_name(hidden))
}

/// Makes a new name in a directory survive a loss of power.
#[cfg(unix)]
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

#[cfg(windows)]
pub(super) fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

/// A file in memory; clones share its bytes, so that a clone can read them afterwards.
#[derive(Debug, Clone, Default)]
pub struct MemorySink {
    bytes: Arc<Mutex<Vec<u8>>>,
}

impl MemorySink {
    /// An empty file.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A file with this content.
    #[must_use]
    pub fn with(content: Vec<u8>) -> Self {
        Self { bytes: Arc::new(Mutex::new(content)) }
    }

    /// The bytes so far.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ByteSink for MemorySink {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut content = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let too_large = || io::Error::from(io::ErrorKind::OutOfMemory);
        let start = usize::try_from(offset).map_err(|_| too_large())?;
        let end = start.checked_add(bytes.len()).ok_or_else(too_large)?;
        if content.len() < end {
            let more = end - content.len();
            content.try_reserve(more).map_err(|_| too_large())?;
            content.resize(end, 0);
        }
        if let Some(to) = content.get_mut(start..end) {
            to.copy_from_slice(bytes);
        }
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        Ok(())
    }
}
