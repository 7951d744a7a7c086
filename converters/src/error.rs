//! What can go wrong in a command, and how the process ends then.

use std::io;

/// The result of every command.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file cannot be opened, is not what it should be, or is damaged; the message names file and offset.
    #[error(transparent)]
    Read(rntuple_io::Error),

    /// Standard output or standard error could not be written.
    #[error("cannot write the output: {0}")]
    Output(#[source] io::Error),

    /// The scan delivered an Arrow type that no RNTuple field maps to.
    #[error("field {field:?} has the Arrow type {arrow_type}, which has no text form")]
    UnsupportedArrow {
        /// The Arrow field's name.
        field: String,
        /// The Arrow type, as Arrow prints it.
        arrow_type: String,
    },

    /// A file in another format cannot be read or written.
    #[error("{file}: {source}")]
    Io {
        /// Its path or URI.
        file: String,
        /// What the storage says.
        source: io::Error,
    },

    /// A table in another format is damaged, or holds what cannot be kept.
    #[error("{file}: {reason}")]
    Table {
        /// Its path or URI.
        file: String,
        /// Where (line, column, row group) and why, and what to do about it.
        reason: String,
    },

    /// Arguments that do not go together; the message says what to do.
    #[error("{0}")]
    Usage(String),

    /// The user pressed Ctrl-C.
    #[error("interrupted; nothing was left behind")]
    Interrupted,

    /// The messages are out already, one per file or data set; all that is left is the exit status.
    #[error("see the messages above")]
    Reported,
}

impl Error {
    /// True when the reader of our output has gone away, as in `rntuple show FILE | head`: no reason to complain.
    #[must_use]
    pub fn is_closed_pipe(&self) -> bool {
        match self {
            Self::Output(error) | Self::Io { source: error, .. } => error.kind() == io::ErrorKind::BrokenPipe,
            _ => false,
        }
    }
}

impl From<rntuple_io::Error> for Error {
    fn from(error: rntuple_io::Error) -> Self {
        match error {
            // Only Ctrl-C makes our callbacks say so.
            rntuple_io::Error::Stopped { .. } => Self::Interrupted,
            other => Self::Read(other),
        }
    }
}

impl Error {
    /// The same of a file that is written, and not of standard output.
    pub(crate) fn in_file(self, file: &str) -> Self {
        match self {
            Self::Output(source) => Self::Io { file: file.to_owned(), source },
            other => other,
        }
    }
}

impl From<csv::Error> for Error {
    fn from(error: csv::Error) -> Self {
        // The writer is only ever given records of equal length, so this is always the sink's own error.
        match error.into_kind() {
            csv::ErrorKind::Io(error) => Self::Output(error),
            other => Self::Output(io::Error::other(format!("{other:?}"))),
        }
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Output(error.into())
    }
}
