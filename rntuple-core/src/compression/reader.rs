//! Reading a stored buffer front to back without ever holding the whole content.

use std::fmt;
use std::io::{self, BufRead, Read};

use super::block::check_blocks;
use super::error::Failure;
use super::zstd::Stream;
use super::{Algorithm, BlockHeader, BlockHeaders, CompressionError, block_headers, decompress_block, reserve};

/// The most that is unpacked at a time from a zstd block, in bytes.
const PIECE: usize = 256 << 10;

/// Reads the content of a stored buffer.
///
/// zstd blocks are unpacked in pieces of up to 256 KiB, blocks of other algorithms (16 MiB at most) one at a time;
/// what is stored without compression is not copied at all. Sizes are checked as in [`decompress`](super::decompress):
/// those of all block headers on creation, those of the data as it is unpacked.
///
/// Errors on reading are [`io::Error`]s of kind `InvalidData` with a [`CompressionError`] inside; further reads give the
/// same error again.
pub struct BlockReader<'a> {
    src: &'a [u8],
    state: State<'a>,
    /// Bytes given out so far.
    position: usize,
    failed: Option<CompressionError>,
}

enum State<'a> {
    /// The rest of what is stored as it is.
    Stored(&'a [u8]),
    Blocks(Blocks<'a>),
}

struct Blocks<'a> {
    headers: BlockHeaders<'a>,
    /// Unpacked bytes; those from `start` on are still to be given out.
    buffer: Vec<u8>,
    start: usize,
    stream: Option<Stream>,
    /// The zstd block at hand.
    open: Option<OpenBlock<'a>>,
}

struct OpenBlock<'a> {
    header: BlockHeader,
    /// Data not yet taken in by the decoder.
    data: &'a [u8],
    /// Bytes of content that are still to come.
    missing: usize,
}

impl<'a> BlockReader<'a> {
    /// A reader of the stored buffer `src`, whose content should have `expected` bytes.
    ///
    /// # Errors
    ///
    /// The blocks of `src` are malformed or do not add up to `expected`.
    pub fn new(src: &'a [u8], expected: usize) -> Result<Self, CompressionError> {
        let state = if src.len() == expected {
            State::Stored(src)
        } else {
            check_blocks(src, expected)?;
            State::Blocks(Blocks {
                headers: block_headers(src),
                buffer: Vec::new(),
                start: 0,
                stream: None,
                open: None,
            })
        };
        Ok(Self { src, state, position: 0, failed: None })
    }

    /// Bytes of content consumed so far.
    #[must_use]
    pub fn position(&self) -> usize {
        self.position
    }
}

impl<'a> Blocks<'a> {
    fn unread(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// Puts the next piece of content into the used-up buffer; leaves it empty at the end of the content.
    fn refill(&mut self, src: &'a [u8]) -> Result<(), CompressionError> {
        self.buffer.clear();
        self.start = 0;
        while self.buffer.is_empty() {
            if let Some(open) = &mut self.open {
                let header = open.header;
                let done = match &mut self.stream {
                    Some(stream) => open.step(stream, &mut self.buffer).map_err(|failure| failure.at(&header))?,
                    None => true,
                };
                if done {
                    self.open = None;
                }
                continue;
            }
            let Some(header) = self.headers.next() else {
                return Ok(());
            };
            let header = header?;
            if header.algorithm == Algorithm::Zstd {
                let at = |failure: Failure| failure.at(&header);
                match &mut self.stream {
                    Some(stream) => stream.restart().map_err(at)?,
                    None => self.stream = Some(Stream::new().map_err(at)?),
                }
                self.open = Some(OpenBlock { header, data: header.data(src), missing: header.uncompressed });
            } else {
                reserve(&mut self.buffer, header.uncompressed)?;
                self.buffer.resize(header.uncompressed, 0);
                decompress_block(&header, src, &mut self.buffer)?;
            }
        }
        Ok(())
    }
}

impl OpenBlock<'_> {
    /// Unpacks one piece into `buffer` (none, at times); `true` at the end of the block.
    fn step(&mut self, stream: &mut Stream, buffer: &mut Vec<u8>) -> Result<bool, Failure> {
        let before = self.data.len();
        // Room for one byte even when nothing is missing, so that too much is noticed.
        buffer.resize(self.missing.clamp(1, PIECE), 0);
        let (written, frame_ended) = stream.step(&mut self.data, buffer)?;
        buffer.truncate(written);
        let ended = frame_ended && self.data.is_empty();
        let stuck = written == 0 && self.data.len() == before;
        if written > self.missing || (ended && written < self.missing) || (stuck && !ended) {
            let done = self.header.uncompressed - self.missing + written;
            let used = self.header.compressed - self.data.len();
            return Err(Failure::sizes(used as u64, self.header.compressed, done as u64, self.header.uncompressed));
        }
        self.missing -= written;
        Ok(ended)
    }
}

impl BufRead for BlockReader<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if let Some(error) = &self.failed {
            return Err(error.clone().into());
        }
        match &mut self.state {
            State::Stored(rest) => Ok(rest),
            State::Blocks(blocks) => {
                if blocks.unread().is_empty()
                    && let Err(error) = blocks.refill(self.src)
                {
                    blocks.buffer.clear();
                    self.failed = Some(error.clone());
                    return Err(error.into());
                }
                Ok(blocks.unread())
            }
        }
    }

    fn consume(&mut self, amount: usize) {
        let amount = match &mut self.state {
            State::Stored(rest) => {
                let amount = amount.min(rest.len());
                *rest = rest.get(amount..).unwrap_or_default();
                amount
            }
            State::Blocks(blocks) => {
                let amount = amount.min(blocks.unread().len());
                blocks.start += amount;
                amount
            }
        };
        self.position += amount;
    }
}

impl Read for BlockReader<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(out)?;
        self.consume(count);
        Ok(count)
    }
}

impl fmt::Debug for BlockReader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockReader")
            .field("stored", &self.src.len())
            .field("position", &self.position)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}
