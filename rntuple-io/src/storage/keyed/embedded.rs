//! A store in a local directory: two B-trees of `redb`, in one file.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};
use std::time::Duration;

use redb::{Database, DatabaseError, ReadOnlyTable, ReadableTable, Table, TableDefinition};

use super::{Created, KeyedRead, KeyedStore, whole_len};

/// The file within the directory.
const FILE: &str = "rntuple.redb";
/// For each key, the bytes of its value.
const SIZES: TableDefinition<'static, Key, u64> = TableDefinition::new("sizes");
/// The values, in pieces that are numbered.
const PIECES: TableDefinition<'static, PieceKey, Piece> = TableDefinition::new("pieces");
type Key = &'static str;
type PieceKey = (&'static str, u32);
type Piece = &'static [u8];
/// Bytes of a piece: a range of a large value is read without the rest. With a key of less than 4 KiB it fits into 2^n
/// pages of the file, which are what the library reserves.
const PIECE: usize = (256 - 4) << 10;
/// Bytes that a key may have.
const MAX_KEY: usize = 32 << 10;
/// Bytes that are kept in memory: parts of the trees, and what was read just now.
const CACHE: usize = 16 << 20;
/// How often 10 ms are waited for a store that is being closed.
const CLOSING: usize = 500;

/// The stores that this process has open.
static OPEN: LazyLock<Mutex<HashMap<PathBuf, Weak<Database>>>> = LazyLock::new(Mutex::default);

/// A key-value store in a local directory, without a server: one process at a time has it open, readers included. Within a
/// process, all that open it share it.
#[derive(Clone)]
pub struct EmbeddedStore {
    database: Arc<Database>,
}

impl std::fmt::Debug for EmbeddedStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EmbeddedStore").finish_non_exhaustive()
    }
}

fn failed(error: impl Into<redb::Error>) -> io::Error {
    match error.into() {
        redb::Error::Io(error) => error,
        redb::Error::DatabaseAlreadyOpen => io::Error::new(io::ErrorKind::WouldBlock, "is open in another process"),
        redb::Error::Corrupted(what) => io::Error::new(io::ErrorKind::InvalidData, what),
        other => io::Error::other(other),
    }
}

/// What the engine says of a damaged file may be a panic.
fn guarded<T>(work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::InvalidData, "the key-value store is damaged")))
}

impl EmbeddedStore {
    /// Opens the store of a directory, which is made if it is not there.
    ///
    /// # Errors
    /// Those of the operating system; [`io::ErrorKind::WouldBlock`] when another process has it open.
    pub fn open(directory: impl AsRef<Path>) -> io::Result<Self> {
        fs::create_dir_all(directory.as_ref())?;
        Self::open_directory(directory.as_ref(), redb::Builder::create)
    }

    /// Opens the store of a directory that has one.
    ///
    /// # Errors
    /// As [`EmbeddedStore::open`]; [`io::ErrorKind::NotFound`] when there is none.
    pub fn open_existing(directory: impl AsRef<Path>) -> io::Result<Self> {
        Self::open_directory(directory.as_ref(), redb::Builder::open)
    }

    fn open_directory(
        directory: &Path,
        open_file: fn(&redb::Builder, PathBuf) -> Result<Database, DatabaseError>,
    ) -> io::Result<Self> {
        let directory = directory.canonicalize()?;
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(database) = open.get(&directory).and_then(Weak::upgrade) {
            return Ok(Self { database });
        }
        let mut builder = Database::builder();
        builder.set_cache_size(CACHE).create_with_file_format_v3(true);
        // Here, somebody may be about to close it.
        let mut tries = if open.contains_key(&directory) { CLOSING } else { 0 };
        let database = loop {
            match guarded(|| open_file(&builder, directory.join(FILE)).map_err(failed)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && tries > 0 => tries -= 1,
                opened => break opened?,
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        let store = Self { database: Arc::new(database) };
        // A new one, or one whose maker died, has no tables yet.
        if store.look(|_| Ok(())).is_err() {
            store.change(|_| Ok(()))?;
        }
        open.retain(|_, database| database.strong_count() > 0);
        open.insert(directory, Arc::downgrade(&store.database));
        Ok(store)
    }

    /// Looks at what is there at one moment: each value is either the old or the new one.
    fn look<T>(&self, look: impl FnOnce(&Now) -> io::Result<T>) -> io::Result<T> {
        guarded(|| {
            let now = self.database.begin_read().map_err(failed)?;
            let sizes = now.open_table(SIZES).map_err(failed)?;
            let pieces = now.open_table(PIECES).map_err(failed)?;
            look(&Values { sizes, pieces })
        })
    }

    /// Changes several values at one moment.
    fn change<T>(&self, change: impl FnOnce(&mut Changing<'_>) -> io::Result<T>) -> io::Result<T> {
        guarded(|| {
            let mut transaction = self.database.begin_write().map_err(failed)?;
            // Otherwise all that is in the store is read when it is opened after a crash.
            transaction.set_quick_repair(true);
            let sizes = transaction.open_table(SIZES).map_err(failed)?;
            let pieces = transaction.open_table(PIECES).map_err(failed)?;
            let mut values = Values { sizes, pieces };
            let result = change(&mut values)?;
            drop(values);
            transaction.commit().map_err(failed)?;
            Ok(result)
        })
    }
}

/// Values at a moment, or within a change.
struct Values<S, P> {
    sizes: S,
    pieces: P,
}

type Now = Values<ReadOnlyTable<Key, u64>, ReadOnlyTable<PieceKey, Piece>>;
type Changing<'t> = Values<Table<'t, Key, u64>, Table<'t, PieceKey, Piece>>;

fn number(index: usize) -> io::Result<u32> {
    u32::try_from(index).map_err(|_| io::ErrorKind::FileTooLarge.into())
}

fn check_key(key: &str) -> io::Result<()> {
    if key.is_empty() || key.len() > MAX_KEY || key.contains('\0') {
        let reason = format!("'{}' is no key", key.escape_debug().take(100).collect::<String>());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
    }
    Ok(())
}

impl<S: ReadableTable<Key, u64>, P: ReadableTable<PieceKey, Piece>> Values<S, P> {
    fn size(&self, key: &str) -> io::Result<Option<u64>> {
        Ok(self.sizes.get(key).map_err(failed)?.map(|size| size.value()))
    }

    fn read(&self, key: &str, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let size = self.size(key)?.ok_or(io::ErrorKind::NotFound)?;
        if offset.checked_add(buffer.len() as u64).is_none_or(|end| end > size) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut at = usize::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let mut rest = buffer;
        while !rest.is_empty() {
            let piece = self.pieces.get((key, number(at / PIECE)?)).map_err(failed)?;
            let from = piece.as_ref().and_then(|piece| piece.value().get(at % PIECE..)).unwrap_or_default();
            let len = from.len().min(rest.len());
            let (to, behind) = rest.split_at_mut(len);
            if to.is_empty() {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a piece of the value is missing"));
            }
            to.copy_from_slice(from.get(..len).unwrap_or_default());
            rest = behind;
            at += len;
        }
        Ok(())
    }
}

impl Changing<'_> {
    fn put(&mut self, key: &str, value: &[u8]) -> io::Result<()> {
        check_key(key)?;
        let mut count = 0;
        for (piece, i) in value.chunks(PIECE).zip(0..) {
            self.pieces.insert((key, i), piece).map_err(failed)?;
            count = i + 1;
        }
        self.remove_pieces(key, count)?;
        self.sizes.insert(key, value.len() as u64).map_err(failed)?;
        Ok(())
    }

    fn remove(&mut self, key: &str) -> io::Result<()> {
        self.remove_pieces(key, 0)?;
        self.sizes.remove(key).map_err(failed)?;
        Ok(())
    }

    /// Removes the pieces of a value, from one on.
    fn remove_pieces(&mut self, key: &str, from: u32) -> io::Result<()> {
        for i in from.. {
            if self.pieces.remove((key, i)).map_err(failed)?.is_none() {
                break;
            }
        }
        Ok(())
    }
}

impl KeyedStore for EmbeddedStore {
    fn get(&self, reads: &mut [KeyedRead<'_>]) {
        let looked = self.look(|now| {
            reads.iter_mut().for_each(|read| read.result = now.read(read.key, read.offset, read.buffer));
            Ok(())
        });
        if let Err(error) = looked {
            let again = || io::Error::new(error.kind(), error.to_string());
            reads.iter_mut().for_each(|read| read.result = Err(again()));
        }
    }

    fn size(&self, key: &str) -> io::Result<Option<u64>> {
        self.look(|now| now.size(key))
    }

    fn get_whole(&self, key: &str, most: usize) -> io::Result<Option<Vec<u8>>> {
        self.look(|now| {
            let Some(size) = now.size(key)? else { return Ok(None) };
            let mut value = vec![0; whole_len(size, most)?];
            now.read(key, 0, &mut value).map(|()| Some(value))
        })
    }

    fn puts_at_once(&self) -> bool {
        true
    }

    fn put(&self, values: &[(&str, &[u8])]) -> io::Result<()> {
        self.change(|stored| values.iter().try_for_each(|(key, value)| stored.put(key, value)))
    }

    fn guards(&self) -> bool {
        true
    }

    fn put_new(&self, key: &str, value: &[u8]) -> io::Result<Created> {
        self.change(|stored| match stored.size(key)? {
            Some(_) => Ok(Created::Exists),
            None => stored.put(key, value).map(|()| Created::Yes),
        })
    }

    fn delete(&self, keys: &[&str]) -> io::Result<()> {
        self.change(|stored| keys.iter().try_for_each(|key| stored.remove(key)))
    }

    fn list(&self, prefix: &str) -> io::Result<Vec<String>> {
        self.look(|now| {
            let mut keys = Vec::new();
            for entry in now.sizes.range(prefix..).map_err(failed)? {
                let (key, _) = entry.map_err(failed)?;
                if !key.value().starts_with(prefix) {
                    break;
                }
                keys.push(key.value().to_owned());
            }
            Ok(keys)
        })
    }
}
