//! A local file that is copied in several sittings.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::sink::{beside, replaceable, sync_directory, write_all_at};

/// The part of a copy that is there. It lies beside its target, is called after what is being copied, and stays when the
/// copy is broken off.
#[derive(Debug)]
pub(crate) struct Partial {
    pub(crate) file: File,
    path: PathBuf,
    target: PathBuf,
    /// Bytes that were there already.
    pub(crate) len: u64,
}

impl Partial {
    /// Opens the part of a copy to `target` of what has this identity, or starts one.
    pub(crate) fn open(target: &Path, identity: u64) -> io::Result<Self> {
        let target = replaceable(target)?;
        let path = beside(&target, &format!("{identity:016x}"))?;
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
        let len = file.metadata()?.len();
        Ok(Self { file, path, target, len })
    }

    pub(crate) fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        write_all_at(&self.file, offset, bytes)
    }

    /// Takes it away.
    pub(crate) fn remove(&self) {
        // An error on the way out has nobody to go to.
        let _ = fs::remove_file(&self.path);
    }

    /// Makes the file visible under its name.
    pub(crate) fn finish(self, len: u64) -> io::Result<()> {
        self.file.set_len(len)?;
        self.file.sync_all()?;
        fs::rename(&self.path, &self.target)?;
        sync_directory(&self.target)
    }
}
