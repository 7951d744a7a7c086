//! Errors, each naming the file it is about.

use std::io;
use std::sync::Arc;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, in which file.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The storage failed.
    #[error("{file}: {what}: {source}")]
    Io {
        /// The file, as it was named on opening.
        file: Arc<str>,
        /// What was being done, with the byte range where there is one.
        what: String,
        /// What the storage says.
        source: Arc<io::Error>,
    },
    /// Something is said to lie where the file has no bytes: the file is cut short, or a length is damaged.
    #[error("{file}: {what}: {len} bytes at byte {offset} are beyond the end of the file, which has {size}")]
    BeyondEnd {
        /// The file.
        file: Arc<str>,
        /// What was being read.
        what: String,
        /// Where it is said to start.
        offset: u64,
        /// How long it is said to be.
        len: u64,
        /// Bytes of the file.
        size: u64,
    },
    /// The content of the file is not what the format says, or cannot be read by this version.
    #[error("{file}: {source}")]
    Format {
        /// The file.
        file: Arc<str>,
        /// What is wrong.
        source: Arc<rntuple_core::Error>,
    },
    /// There is no such RNTuple in the file.
    #[error("{file}: no RNTuple '{path}'{hint}")]
    NotFound {
        /// The file.
        file: Arc<str>,
        /// What was asked for.
        path: String,
        /// What there is instead, ready to print.
        hint: String,
    },
    /// The file does not hold exactly one RNTuple, so one must be chosen.
    #[error("{file}: {}", several(.paths))]
    Choose {
        /// The file.
        file: Arc<str>,
        /// The RNTuples that there are.
        paths: Vec<String>,
    },
    /// An argument that makes no sense for this data set.
    #[error("{file}: {reason}")]
    Argument {
        /// The file.
        file: Arc<str>,
        /// Why not.
        reason: String,
    },
    /// The callback that was told how far the work is wanted it to end. The target does not exist.
    #[error("{file}: stopped")]
    Stopped {
        /// The file that was being written.
        file: Arc<str>,
    },
}

impl Error {
    /// The storage failed while something was done.
    pub(crate) fn io(file: &Arc<str>, what: impl Into<String>, source: io::Error) -> Self {
        Self::Io { file: Arc::clone(file), what: what.into(), source: Arc::new(source) }
    }
}

fn several(paths: &[String]) -> String {
    if paths.is_empty() {
        "holds no RNTuple".to_owned()
    } else {
        format!("holds {} RNTuples, choose one of: {}", paths.len(), paths.join(", "))
    }
}
