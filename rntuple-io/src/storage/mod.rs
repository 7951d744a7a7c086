//! Where bytes come from, and where they go to.

mod local;
mod memory;
mod sink;

use std::fmt::Debug;
use std::io;

pub use local::LocalFile;
pub use memory::Memory;
pub use sink::{ByteSink, FileInPlace, MemorySink, NewFile};

/// Random access to bytes that do not change. Reads may come from several threads at once.
pub trait ByteSource: Debug + Send + Sync {
    /// Number of bytes.
    fn size(&self) -> u64;

    /// Fills `buffer` with the bytes from `offset` on.
    ///
    /// # Errors
    /// Those of the storage; [`io::ErrorKind::UnexpectedEof`] when there are not enough bytes.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;
}
