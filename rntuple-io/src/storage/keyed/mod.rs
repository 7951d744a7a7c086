//! Stores that keep values under keys, for RNTuples without a file (format-spec/objects.md).
//!
//! ```text
//!  Writer::to_store, NTuple::copy_to_store         NTuple::from_store
//!          |  pages, envelopes, and last the anchor        |  anchor, envelopes, ranges of pages
//!          v                                               v
//!  +--------------------------- KeyedStore ----------------------------+
//!  | MemoryStore | EmbeddedStore: a directory | RadosStore: Ceph | ... |
//!  +-------------------------------------------------------------------+
//! ```
//!
//! A data set has a *base*, a key such as `run1/Events`, and a [layout](ObjectLayout): that of ROOT's experimental S3
//! backend, or that of its DAOS backend. [`data_sets`] lists those that a store has, and [`orphans`] what unfinished
//! writers left. Other stores are used by implementing [`KeyedStore`].

#[cfg(feature = "kv")]
mod embedded;
mod layout;
mod listing;
mod memory;
mod orphans;
#[cfg(feature = "rados")]
#[expect(unsafe_code, reason = "librados is a library in C")]
mod rados;
mod space;

use std::fmt::Debug;
use std::io;

use super::Access;

#[cfg(feature = "kv")]
pub use embedded::EmbeddedStore;
pub use layout::ObjectLayout;
pub(crate) use layout::{Keys, Part, is_inner};
pub use listing::data_sets;
pub use memory::MemoryStore;
pub(crate) use orphans::is_number;
pub use orphans::orphans;
#[cfg(feature = "rados")]
pub use rados::RadosStore;
pub(crate) use space::{Found, ObjectSpace, open};

/// A range of a value that is to be read.
#[derive(Debug)]
pub struct KeyedRead<'a> {
    /// The key of the value.
    pub key: &'a str,
    /// Offset of the first byte in the value.
    pub offset: u64,
    /// Where the bytes go; its length says how many they are.
    pub buffer: &'a mut [u8],
    /// What came of it. Before [`KeyedStore::get`] it means nothing.
    pub result: io::Result<()>,
}

impl<'a> KeyedRead<'a> {
    /// A range that is not read yet.
    pub fn new(key: &'a str, offset: u64, buffer: &'a mut [u8]) -> Self {
        Self { key, offset, buffer, result: Ok(()) }
    }
}

/// What became of a value that was to be created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Created {
    /// It was created.
    Yes,
    /// There was one under this key, which is as it was.
    Exists,
}

/// Keeps values under keys. Calls may come from several threads at once.
///
/// A value is put as a whole and seen as a whole. Keys are texts; those that belong together have a common beginning that
/// ends with a slash.
pub trait KeyedStore: Debug + Send + Sync {
    /// Reads ranges of values, in any order and at once where that is faster. Each has its own result:
    /// [`io::ErrorKind::NotFound`] without such a key, [`io::ErrorKind::UnexpectedEof`] where the value ends before the
    /// range does.
    fn get(&self, reads: &mut [KeyedRead<'_>]);

    /// Bytes of a value; `None` without such a key.
    ///
    /// # Errors
    /// Those of the storage.
    fn size(&self, key: &str) -> io::Result<Option<u64>>;

    /// A whole value, as it was at one moment; `None` without such a key.
    ///
    /// # Errors
    /// Those of the storage; [`io::ErrorKind::InvalidData`] for a value of more than `most` bytes.
    fn get_whole(&self, key: &str, most: usize) -> io::Result<Option<Vec<u8>>>;

    /// Puts values, over others that are there, and returns when they would survive a crash. They may come in any order;
    /// when it fails, some of them may be there.
    ///
    /// # Errors
    /// Those of the storage.
    fn put(&self, values: &[(&str, &[u8])]) -> io::Result<()>;

    /// How it likes to be read.
    fn access(&self) -> Access {
        Access::LOCAL
    }

    /// Whether all values of a [`KeyedStore::put`] become visible at one moment. By default not.
    fn puts_at_once(&self) -> bool {
        false
    }

    /// Whether [`KeyedStore::put_new`] holds when several writers try at once. Some stores that speak S3 ignore the
    /// condition, and must say no here.
    fn guards(&self) -> bool;

    /// Puts a value if there is none under its key. Without [`KeyedStore::guards`], one that comes at the same moment may
    /// be overwritten.
    ///
    /// # Errors
    /// Those of the storage.
    fn put_new(&self, key: &str, value: &[u8]) -> io::Result<Created>;

    /// Deletes values; keys that are not there do no harm.
    ///
    /// # Errors
    /// Those of the storage.
    fn delete(&self, keys: &[&str]) -> io::Result<()>;

    /// The keys that begin with `prefix`, in alphabetical order.
    ///
    /// # Errors
    /// Those of the storage.
    fn list(&self, prefix: &str) -> io::Result<Vec<String>>;
}

/// The length of a value that is wanted as a whole, and may have `most` bytes.
fn whole_len(size: u64, most: usize) -> io::Result<usize> {
    usize::try_from(size).ok().filter(|len| *len <= most).ok_or_else(|| {
        let reason = format!("has {size} bytes, more than {most}");
        io::Error::new(io::ErrorKind::InvalidData, reason)
    })
}

/// Reads a range of a value that is in memory.
fn read_from(value: Option<&[u8]>, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
    let value = value.ok_or(io::ErrorKind::NotFound)?;
    let from = usize::try_from(offset).ok().and_then(|start| value.get(start..)?.get(..buffer.len()));
    buffer.copy_from_slice(from.ok_or(io::ErrorKind::UnexpectedEof)?);
    Ok(())
}
