//! Where bytes come from, and where they go to.
//!
//! Reading needs a [`ByteSource`], writing a [`ByteSink`]. Those that come with this crate are found by URI, see
//! [`Storage`]; any other can be given to [`Reader::from_source`](crate::Reader::from_source) and
//! [`FileWriter::to_sink`](crate::FileWriter::to_sink). No trait or type here names another library.

pub mod keyed;
mod local;
mod memory;
mod parallel;
mod partial;
#[cfg(feature = "remote")]
mod remote;
mod sink;
mod uri;
#[cfg(all(feature = "io-uring", target_os = "linux"))]
mod uring;
#[cfg(target_os = "linux")]
mod vectored;

use std::fmt::Debug;
use std::io;
use std::ops::Range;

pub use local::LocalFile;
pub use memory::Memory;
pub(crate) use partial::Partial;
pub use sink::{ByteSink, FileInPlace, MemorySink, NewFile};
pub use uri::Storage;
pub(crate) use uri::{Keyed, Name};

/// Random access to bytes that do not change. Reads may come from several threads at once.
pub trait ByteSource: Debug + Send + Sync {
    /// Number of bytes.
    fn size(&self) -> u64;

    /// Fills `buffer` with the bytes from `offset` on.
    ///
    /// # Errors
    /// Those of the storage; [`io::ErrorKind::UnexpectedEof`] when there are not enough bytes.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;

    /// Fills several buffers, up to `at_once` of them at the same time, and leaves in each what came of it.
    ///
    /// The default makes `at_once` threads that call [`ByteSource::read_at`].
    fn read_many(&self, reads: &mut [ReadRange<'_>], at_once: usize) {
        parallel::read(self, reads, at_once);
    }

    /// What tells its content from what was under the same name before, where the storage knows: an entity tag, a time.
    fn version(&self) -> Option<String> {
        None
    }

    /// Is told that ranges will be read soon, in this order. The default does nothing about it.
    fn will_read(&self, ranges: &[Range<u64>]) {
        let _ = ranges;
    }

    /// How it likes to be read.
    fn access(&self) -> Access {
        Access::LOCAL
    }

    /// What it had to do so far, if it keeps count itself: reads may be answered from what it remembers, or take several
    /// requests.
    fn traffic(&self) -> Option<Traffic> {
        None
    }
}

/// A range to be read, and where to.
#[derive(Debug)]
pub struct ReadRange<'a> {
    /// Where it starts.
    pub offset: u64,
    /// What is to be filled.
    pub buffer: &'a mut [u8],
    /// What came of it; an error until it is filled.
    pub result: io::Result<()>,
}

impl<'a> ReadRange<'a> {
    /// A range that is not read yet.
    pub fn new(offset: u64, buffer: &'a mut [u8]) -> Self {
        Self { offset, buffer, result: Err(io::Error::other("was not read")) }
    }
}

/// How a source likes to be read: what a request costs beside its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Access {
    /// Bytes that are better read along, though nobody wants them, than left out by another request.
    pub gap: u64,
    /// Most bytes of a request that joins several pages.
    pub request: u64,
    /// Requests to have under way at once.
    pub parallel: usize,
    /// Whether requests wait for something far away, so that it pays to have many of them under way, long before they
    /// are needed.
    pub remote: bool,
}

impl Access {
    /// A local file: a request costs next to nothing, and the operating system reads ahead what it is
    /// [told](ByteSource::will_read).
    pub const LOCAL: Self = Self { gap: 4 << 10, request: 1 << 20, parallel: 1, remote: false };

    /// A server: as a request takes some 10 ms, it may as well bring 256 KiB more.
    pub const REMOTE: Self = Self { gap: 256 << 10, request: 8 << 20, parallel: 16, remote: true };
}

/// What a source did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Traffic {
    /// Requests, those that were repeated included.
    pub requests: u64,
    /// Bytes that came.
    pub bytes: u64,
    /// Requests that were made a second time because the first one took too long.
    pub hedged: u64,
}
