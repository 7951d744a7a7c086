//! What can go wrong between bytes and arrays.

use crate::compression::CompressionError;
use crate::encoding::EncodingError;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, where, and in which structure.
///
/// Offsets named `at` count bytes from the start of the structure that is being read (a file for the container, the
/// uncompressed envelope for metadata); [`Error::In`] adds what that structure is and where it lies.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A structure ends before its content does.
    #[error("{what} at byte {at} is cut short: {needed} bytes needed, {available} left")]
    Truncated {
        /// What was being read.
        what: &'static str,
        /// Byte offset of the read.
        at: u64,
        /// Bytes that the structure asks for.
        needed: u64,
        /// Bytes that are there.
        available: u64,
    },
    /// A value that the format does not allow.
    #[error("{what} at byte {at}: {reason}")]
    Malformed {
        /// What was being read.
        what: &'static str,
        /// Byte offset of the value.
        at: u64,
        /// Why it cannot be.
        reason: String,
    },
    /// Parts of the metadata, or metadata and data, that contradict each other.
    #[error("{what}: {reason}")]
    Inconsistent {
        /// What does not fit.
        what: &'static str,
        /// Why not.
        reason: String,
    },
    /// Stored and computed checksum differ: the bytes were damaged.
    #[error("{what}: checksum mismatch (stored {stored:#018x}, computed {computed:#018x})")]
    Checksum {
        /// What the checksum covers.
        what: &'static str,
        /// The checksum on storage.
        stored: u64,
        /// The checksum of the bytes that were read.
        computed: u64,
    },
    /// The data set uses a format feature that this version does not know; it cannot be read safely.
    #[error("unsupported format feature: flag bit {bit}")]
    FeatureFlag {
        /// Number of the unknown bit.
        bit: u32,
    },
    /// A size beyond what this library is willing to handle (see [`crate::limits`]).
    #[error("{what}: {value} is over the limit of {limit}")]
    Limit {
        /// What is limited.
        what: &'static str,
        /// The value asked for.
        value: u64,
        /// The most that is accepted.
        limit: u64,
    },
    /// A field that this version cannot read; other fields of the data set can be.
    #[error("field '{field}' cannot be read: {reason}")]
    FieldUnavailable {
        /// Qualified field path.
        field: String,
        /// Why.
        reason: String,
    },
    /// A field that cannot be written as asked.
    #[error("field '{field}' cannot be written: {reason}")]
    Unwritable {
        /// Qualified field path.
        field: String,
        /// Why.
        reason: String,
    },
    /// A field of a data set that does not fit those it is to be merged with.
    #[error("field '{field}' cannot be merged: {reason}")]
    Unmergeable {
        /// Qualified field path.
        field: String,
        /// Why, and what to do about it.
        reason: String,
    },
    /// A name or pattern that selects nothing.
    #[error("no field matches '{pattern}'{hint}")]
    NoSuchField {
        /// What was asked for.
        pattern: String,
        /// Names that come close, ready to print, or nothing.
        hint: String,
    },
    /// A value that the requested type cannot hold, or bytes that are not what the type says.
    #[error("field '{field}', entry {entry}: {reason}")]
    Value {
        /// Qualified field path.
        field: String,
        /// Entry number in the data set.
        entry: u64,
        /// What does not fit.
        reason: String,
    },
    /// A batch has more different values, or more runs, than its Arrow type can count: take fewer entries at once.
    #[error("field '{field}' cannot be packed as {to}: {reason}")]
    Packing {
        /// Qualified field path.
        field: String,
        /// The dictionary or run-end encoded type.
        to: String,
        /// What Arrow says.
        reason: String,
    },
    /// A requested Arrow type into which a field cannot be read.
    #[error("field '{field}' of type '{from}' cannot be read as {to}")]
    Cast {
        /// Qualified field path.
        field: String,
        /// Type on storage.
        from: String,
        /// Type asked for.
        to: String,
    },
    /// A compressed payload that does not decompress.
    #[error(transparent)]
    Compression(#[from] CompressionError),
    /// A page that does not decode.
    #[error(transparent)]
    Encoding(#[from] EncodingError),
    /// Arrow refused an array that was put together from decoded values.
    #[error("arrow: {0}")]
    Arrow(#[from] arrow::error::ArrowError),
    /// An error of the storage below, passed through a decode.
    #[error(transparent)]
    Storage(Box<dyn std::error::Error + Send + Sync>),
    /// An error together with what was being read and from where.
    #[error("{context}: {source}")]
    In {
        /// The structure that was being read, with its place.
        context: String,
        /// What went wrong in it.
        source: Box<Error>,
    },
}

impl Error {
    /// The same error, saying what was being read.
    #[must_use]
    pub fn within(self, context: impl Into<String>) -> Self {
        Self::In { context: context.into(), source: Box::new(self) }
    }

    pub(crate) fn malformed(what: &'static str, at: u64, reason: impl Into<String>) -> Self {
        Self::Malformed { what, at, reason: reason.into() }
    }

    pub(crate) fn inconsistent(what: &'static str, reason: impl Into<String>) -> Self {
        Self::Inconsistent { what, reason: reason.into() }
    }
}

/// Adds what was being read to an error.
pub trait Context<T> {
    /// On error, wraps it with the context made by `f`.
    ///
    /// # Errors
    /// The error it was called on, with its context.
    fn context(self, f: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: Into<Error>> Context<T> for Result<T, E> {
    fn context(self, f: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|e| e.into().within(f()))
    }
}
