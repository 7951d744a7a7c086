//! What can be wrong with a stored buffer, or with compression settings.

use super::BlockHeader;

/// A stored buffer cannot be unpacked, or settings are not possible.
///
/// `offset` counts bytes from the start of the stored buffer; whoever knows where that came from adds it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CompressionError {
    /// The stored buffer ends within a block.
    #[error("the block at {offset} needs {needed} bytes, {available} are left")]
    Truncated {
        /// Start of the block.
        offset: usize,
        /// Bytes that the block (or its header, if there is not even that) needs.
        needed: usize,
        /// Bytes that there are.
        available: usize,
    },
    /// A block of no known algorithm, or of an unknown variant of it.
    #[error("the block at {offset} begins with {bytes:02x?}, which is no known algorithm and method")]
    UnknownAlgorithm {
        /// Start of the block.
        offset: usize,
        /// Algorithm (two characters) and method.
        bytes: [u8; 3],
    },
    /// A block that is not smaller than its content; such content is stored without blocks.
    #[error("the block at {offset} has {compressed} bytes for {uncompressed} bytes of content")]
    NotSmaller {
        /// Start of the block.
        offset: usize,
        /// Bytes of the block, its header included.
        compressed: usize,
        /// Bytes of its content.
        uncompressed: usize,
    },
    /// The stored buffer is longer than its content.
    #[error("{stored} bytes are stored for {expected} bytes of content")]
    StoredTooLarge {
        /// Bytes stored.
        stored: usize,
        /// Bytes that the content should have.
        expected: usize,
    },
    /// The blocks say that the content has another length than expected.
    #[error("the content has {declared} bytes, {expected} are expected")]
    SizeMismatch {
        /// Bytes of content according to the blocks.
        declared: usize,
        /// Bytes that the content should have.
        expected: usize,
    },
    /// The data of an LZ4 block is not what was written.
    #[error("the block at {offset} has checksum {stored:016x}, its data {computed:016x}")]
    Checksum {
        /// Start of the block.
        offset: usize,
        /// XXH64 according to the block.
        stored: u64,
        /// XXH64 of the data.
        computed: u64,
    },
    /// The data of a block cannot be unpacked, or gives another number of bytes than the block says.
    #[error("the {algorithm} data of the block at {offset} is damaged: {reason}")]
    Codec {
        /// Start of the block.
        offset: usize,
        /// The algorithm.
        algorithm: &'static str,
        /// What its decoder says.
        reason: String,
    },
    /// There is not enough memory.
    #[error("no memory for {requested} bytes")]
    OutOfMemory {
        /// Bytes needed.
        requested: usize,
    },
    /// A text that is not a compression setting.
    #[error("{text:?} is not a compression setting; examples are none, zstd, zstd:5, 505")]
    InvalidSettings {
        /// The text.
        text: String,
    },
    /// A setting with an algorithm that does not exist.
    #[error("compression setting {settings} names no known algorithm (1xx zlib, 2xx lzma, 4xx lz4, 5xx zstd)")]
    UnknownSettings {
        /// The setting.
        settings: u32,
    },
}

impl From<CompressionError> for std::io::Error {
    fn from(error: CompressionError) -> Self {
        Self::new(std::io::ErrorKind::InvalidData, error)
    }
}

/// Why the data of one block could not be unpacked.
pub(super) enum Failure {
    Reason(String),
    Checksum { stored: u64, computed: u64 },
}

impl Failure {
    pub(super) fn new(reason: impl std::fmt::Display) -> Self {
        Self::Reason(reason.to_string())
    }

    /// The data gave fewer or more bytes than it should, or did not end where it should.
    pub(super) fn sizes(read: u64, of: usize, written: u64, into: usize) -> Self {
        Self::Reason(format!("{read} of {of} bytes were used and gave {written} of {into} bytes"))
    }

    pub(super) fn at(self, header: &BlockHeader) -> CompressionError {
        let offset = header.offset;
        match self {
            Self::Reason(reason) => CompressionError::Codec { offset, algorithm: header.algorithm.name(), reason },
            Self::Checksum { stored, computed } => CompressionError::Checksum { offset, stored, computed },
        }
    }
}
