//! Many growing streams of bytes in one temporary file.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};

/// Bytes that are copied at once.
const PIECE: usize = 1 << 20;

/// The file.
#[derive(Debug)]
pub(super) struct Spool {
    file: BufWriter<File>,
    end: u64,
}

/// Where the bytes of one stream are, in order.
#[derive(Debug, Default)]
pub(super) struct Stream {
    extents: Vec<(u64, u64)>,
    length: u64,
}

impl Spool {
    pub(super) fn new(file: File) -> Self {
        Self { file: BufWriter::with_capacity(PIECE, file), end: 0 }
    }

    /// Puts bytes at the end of a stream.
    pub(super) fn append(&mut self, stream: &mut Stream, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        let length = bytes.len() as u64;
        match stream.extents.last_mut() {
            Some((start, long)) if *start + *long == self.end => *long += length,
            _ => stream.extents.push((self.end, length)),
        }
        self.end += length;
        stream.length += length;
        Ok(())
    }

    /// Hands all bytes of a stream to `take`, piece by piece.
    pub(super) fn read(&mut self, stream: &Stream, mut take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        self.file.flush()?;
        let file = self.file.get_mut();
        let mut buffer = vec![0; PIECE];
        for &(start, length) in &stream.extents {
            file.seek(SeekFrom::Start(start))?;
            let mut left = length;
            while left > 0 {
                let size = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
                let (piece, _) = buffer.split_at_mut(size);
                file.read_exact(piece)?;
                take(piece)?;
                left -= size as u64;
            }
        }
        Ok(())
    }
}

impl Stream {
    pub(super) fn length(&self) -> u64 {
        self.length
    }
}
