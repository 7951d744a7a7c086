//! Bytes in memory.

use std::io;

use bytes::Bytes;

use super::ByteSource;

/// A file that is held in memory.
#[derive(Debug, Clone)]
pub struct Memory {
    bytes: Bytes,
}

impl Memory {
    /// A file with this content.
    #[must_use]
    pub fn new(content: Vec<u8>) -> Self {
        Self { bytes: content.into() }
    }
}

impl ByteSource for Memory {
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let from = usize::try_from(offset).ok().and_then(|start| self.bytes.get(start..)?.get(..buffer.len()));
        buffer.copy_from_slice(from.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}
