//! A store in a local directory: a log-structured tree of keys, with the values in logs of their own.

use std::collections::HashMap;
use std::fmt::Display;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use fjall::{
    Batch, Config, GarbageCollection, KvSeparationOptions, PartitionCreateOptions, PartitionHandle, PersistMode,
    Snapshot,
};
use fs4::fs_std::FileExt;

use super::{Created, KeyedRead, KeyedStore, whole_len};

/// Values are kept in pieces of this many bytes, so that a range of a large one is read without the rest.
const PIECE: usize = 256 << 10;
/// The stores that this process has open.
static OPEN: LazyLock<Mutex<HashMap<PathBuf, Weak<Inner>>>> = LazyLock::new(Mutex::default);
/// How often 10 ms are waited for one that is being closed.
const CLOSING: usize = 500;

/// Bytes that a key may have.
const MAX_KEY: usize = 32 << 10;

/// A key-value store in a local directory, without a server: one process at a time has it open, readers included. Within a
/// process, all that open it share it.
#[derive(Clone)]
pub struct EmbeddedStore {
    inner: Arc<Inner>,
}

struct Inner {
    keyspace: fjall::Keyspace,
    /// For each key, the bytes of its value.
    sizes: PartitionHandle,
    /// The pieces of the values.
    pieces: PartitionHandle,
    /// Held while something is written.
    writing: Mutex<()>,
    /// Locked as long as it is open; last, so that it is given up last.
    _lock: File,
}

impl std::fmt::Debug for EmbeddedStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EmbeddedStore").field("keys", &self.inner.sizes.approximate_len()).finish_non_exhaustive()
    }
}

fn failed(error: impl Display) -> io::Error {
    io::Error::other(error.to_string())
}

impl EmbeddedStore {
    /// Opens the store of a directory, which is made if it is not there.
    ///
    /// # Errors
    /// Those of the operating system; [`io::ErrorKind::WouldBlock`] when another process has it open.
    pub fn open(directory: impl AsRef<Path>) -> io::Result<Self> {
        Self::open_directory(directory.as_ref(), true)
    }

    /// Opens the store of a directory that has one.
    ///
    /// # Errors
    /// As [`EmbeddedStore::open`]; [`io::ErrorKind::NotFound`] when there is none.
    pub fn open_existing(directory: impl AsRef<Path>) -> io::Result<Self> {
        Self::open_directory(directory.as_ref(), false)
    }

    fn open_directory(directory: &Path, create: bool) -> io::Result<Self> {
        if create {
            fs::create_dir_all(directory)?;
        }
        let directory = &directory.canonicalize()?;
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(inner) = open.get(directory).and_then(Weak::upgrade) {
            return Ok(Self { inner });
        }
        let lock = directory.join("rntuple.lock");
        let lock = File::options().read(true).write(true).create(create).truncate(false).open(lock)?;
        // Here, somebody may be about to close it.
        let mut tries = if open.contains_key(directory) { CLOSING } else { 0 };
        while !FileExt::try_lock_exclusive(&lock)? {
            if tries == 0 {
                return Err(io::Error::new(io::ErrorKind::WouldBlock, "is open in another process"));
            }
            tries -= 1;
            std::thread::sleep(Duration::from_millis(10));
        }
        let store = Self::open_locked(directory, lock)?;
        open.retain(|_, inner| inner.strong_count() > 0);
        open.insert(directory.clone(), Arc::downgrade(&store.inner));
        Ok(store)
    }

    fn open_locked(directory: &Path, lock: File) -> io::Result<Self> {
        let keyspace = Config::new(directory).open().map_err(failed)?;
        let options = PartitionCreateOptions::default;
        let separated = options().with_kv_separation(KvSeparationOptions::default());
        let sizes = keyspace.open_partition("sizes", options()).map_err(failed)?;
        let pieces = keyspace.open_partition("pieces", separated).map_err(failed)?;
        Ok(Self { inner: Arc::new(Inner { keyspace, sizes, pieces, writing: Mutex::new(()), _lock: lock }) })
    }
}

fn piece_key(key: &str, number: usize) -> io::Result<Vec<u8>> {
    let number = u32::try_from(number).map_err(failed)?;
    Ok([key.as_bytes(), &[0], &number.to_be_bytes()].concat())
}

fn check_key(key: &str) -> io::Result<()> {
    if key.is_empty() || key.len() > MAX_KEY || key.contains('\0') {
        let reason = format!("'{}' is no key", key.escape_debug().take(100).collect::<String>());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
    }
    Ok(())
}

fn size_of(stored: Option<fjall::Slice>) -> io::Result<Option<u64>> {
    let Some(stored) = stored else { return Ok(None) };
    let size = stored.first_chunk().copied().map(u64::from_le_bytes);
    size.map(Some).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the size of a value is damaged"))
}

impl Inner {
    fn writing(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sizes and pieces at a moment: each value is either the old or the new one.
    fn snapshot(&self) -> (Snapshot, Snapshot) {
        let instant = self.keyspace.instant();
        (self.sizes.snapshot_at(instant), self.pieces.snapshot_at(instant))
    }

    fn read(&self, key: &str, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let (sizes, pieces) = self.snapshot();
        let size = size_of(sizes.get(key).map_err(failed)?)?.ok_or(io::ErrorKind::NotFound)?;
        Self::read_pieces(&pieces, key, size, offset, buffer)
    }

    fn read_whole(&self, key: &str, most: usize) -> io::Result<Option<Vec<u8>>> {
        let (sizes, pieces) = self.snapshot();
        let Some(size) = size_of(sizes.get(key).map_err(failed)?)? else { return Ok(None) };
        let mut value = vec![0; whole_len(size, most)?];
        Self::read_pieces(&pieces, key, size, 0, &mut value).map(|()| Some(value))
    }

    fn read_pieces(pieces: &Snapshot, key: &str, size: u64, offset: u64, mut buffer: &mut [u8]) -> io::Result<()> {
        if offset.checked_add(buffer.len() as u64).is_none_or(|end| end > size) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut at = usize::try_from(offset).map_err(failed)?;
        while !buffer.is_empty() {
            let piece = pieces.get(piece_key(key, at / PIECE)?).map_err(failed)?;
            let from = piece.as_deref().and_then(|piece| piece.get(at % PIECE..)).unwrap_or_default();
            let len = from.len().min(buffer.len());
            let (to, rest) = buffer.split_at_mut(len);
            if to.is_empty() {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a piece of the value is missing"));
            }
            to.copy_from_slice(from.get(..len).unwrap_or_default());
            buffer = rest;
            at += len;
        }
        Ok(())
    }

    fn size(&self, key: &str) -> io::Result<Option<u64>> {
        size_of(self.sizes.get(key).map_err(failed)?)
    }

    fn batch(&self) -> Batch {
        self.keyspace.batch().durability(Some(PersistMode::SyncAll))
    }

    fn add(&self, batch: &mut Batch, key: &str, value: &[u8]) -> io::Result<()> {
        check_key(key)?;
        let mut count = 0;
        for (piece, number) in value.chunks(PIECE).zip(0..) {
            batch.insert(&self.pieces, piece_key(key, number)?, piece);
            count = number + 1;
        }
        self.remove_pieces(batch, key, count)?;
        batch.insert(&self.sizes, key, (value.len() as u64).to_le_bytes());
        Ok(())
    }

    /// Removes the pieces of the value that is there, from one on.
    fn remove_pieces(&self, batch: &mut Batch, key: &str, from: usize) -> io::Result<()> {
        let Some(size) = self.size(key)? else { return Ok(()) };
        let count = usize::try_from(size).map_err(failed)?.div_ceil(PIECE);
        (from..count).try_for_each(|number| {
            batch.remove(&self.pieces, piece_key(key, number)?);
            Ok(())
        })
    }
}

impl KeyedStore for EmbeddedStore {
    fn get(&self, reads: &mut [KeyedRead<'_>]) {
        for read in reads {
            read.result = self.inner.read(read.key, read.offset, read.buffer);
        }
    }

    fn size(&self, key: &str) -> io::Result<Option<u64>> {
        self.inner.size(key)
    }

    fn get_whole(&self, key: &str, most: usize) -> io::Result<Option<Vec<u8>>> {
        self.inner.read_whole(key, most)
    }

    fn puts_at_once(&self) -> bool {
        true
    }

    fn put(&self, values: &[(&str, &[u8])]) -> io::Result<()> {
        let _writing = self.inner.writing();
        let mut batch = self.inner.batch();
        for (key, value) in values {
            self.inner.add(&mut batch, key, value)?;
        }
        batch.commit().map_err(failed)
    }

    fn guards(&self) -> bool {
        true
    }

    fn put_new(&self, key: &str, value: &[u8]) -> io::Result<Created> {
        let _writing = self.inner.writing();
        if self.inner.size(key)?.is_some() {
            return Ok(Created::Exists);
        }
        let mut batch = self.inner.batch();
        self.inner.add(&mut batch, key, value)?;
        batch.commit().map_err(failed)?;
        Ok(Created::Yes)
    }

    fn delete(&self, keys: &[&str]) -> io::Result<()> {
        let _writing = self.inner.writing();
        let mut batch = self.inner.batch();
        for key in keys {
            self.inner.remove_pieces(&mut batch, key, 0)?;
            batch.remove(&self.inner.sizes, *key);
        }
        batch.commit().map_err(failed)?;
        // The logs are written anew where half of them, or more, is of no use any more.
        let pieces = &self.inner.pieces;
        pieces.gc_scan().and_then(|_| pieces.gc_with_staleness_threshold(0.5)).map_err(failed)?;
        Ok(())
    }

    fn list(&self, prefix: &str) -> io::Result<Vec<String>> {
        let found = self.inner.sizes.prefix(prefix).map(|entry| {
            let (key, _) = entry.map_err(failed)?;
            String::from_utf8(key.to_vec()).map_err(failed)
        });
        found.collect()
    }
}
