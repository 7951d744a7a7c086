//! Messages of files and streams: each length is checked before memory is taken for it.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::datatypes::SchemaRef;
use arrow::error::{ArrowError, Result};
use arrow::ipc::convert::fb_to_schema;
use arrow::ipc::reader::{FileDecoder, StreamDecoder};
use arrow::ipc::{Block, MessageHeader, root_as_footer, root_as_message};
use rntuple_io::storage::ByteSource;

/// Bytes of metadata of one message, at most: of schemas with a million columns there are some 100 MB.
const MAX_METADATA: usize = 256 << 20;
/// Bytes of a record batch after decompression, at most.
const MAX_BATCH: u64 = 4 << 30;
/// What a file ends with: the length of its footer, and the magic.
const END: u64 = 10;
/// What messages of today's streams begin with.
const CONTINUATION: [u8; 4] = [0xff; 4];

fn broken(reason: impl Into<String>) -> ArrowError {
    ArrowError::IpcError(reason.into())
}

fn length(value: i64, what: &str) -> Result<usize> {
    usize::try_from(value).map_err(|_| broken(format!("a {what} of {value} bytes")))
}

/// Checks what the decoder takes on trust. `message` is without prefix.
fn check(message: &[u8], body: &[u8]) -> Result<()> {
    let message = root_as_message(message).map_err(|e| broken(format!("not a message: {e}")))?;
    let batch = match message.header_type() {
        MessageHeader::RecordBatch => message.header_as_record_batch(),
        MessageHeader::DictionaryBatch => message.header_as_dictionary_batch().and_then(|batch| batch.data()),
        _ => return Ok(()),
    };
    let Some(batch) = batch else { return Err(broken("a message without its batch")) };
    // Nulls take no bytes, so that nothing else limits how many there are.
    let most = (i32::MAX as u64).saturating_add((body.len() as u64).saturating_mul(8)).saturating_mul(4);
    let lengths = batch.nodes().into_iter().flatten().map(arrow::ipc::FieldNode::length);
    for rows in lengths.chain([batch.length()]) {
        if u64::try_from(rows).is_ok_and(|rows| rows <= most) {
            continue;
        }
        return Err(broken(format!("a record batch of {rows} rows")));
    }
    let mut sum = 0_u64;
    for buffer in batch.buffers().into_iter().flatten() {
        let (start, len) = (length(buffer.offset(), "place")?, length(buffer.length(), "buffer")?);
        let bytes = start.checked_add(len).and_then(|end| body.get(start..end));
        let Some(bytes) = bytes else { return Err(broken("a buffer lies outside of its message")) };
        if batch.compression().is_some()
            && let Some((prefix, _)) = bytes.split_first_chunk::<8>()
        {
            sum = sum.saturating_add(u64::try_from(i64::from_le_bytes(*prefix)).unwrap_or(0));
        }
    }
    if sum > MAX_BATCH {
        return Err(broken(format!("a record batch of {sum} bytes after decompression; at most {MAX_BATCH} are read")));
    }
    Ok(())
}

/// A file with random access.
pub(super) struct FileMessages {
    source: Arc<dyn ByteSource>,
    decoder: FileDecoder,
    blocks: std::vec::IntoIter<Block>,
    pub(super) schema: SchemaRef,
}

impl FileMessages {
    pub(super) fn open(source: Arc<dyn ByteSource>) -> Result<Self> {
        let size = source.size();
        let mut end = [0; 10];
        let at = size.checked_sub(END).ok_or_else(|| broken("the file is cut short"))?;
        source.read_at(at, &mut end)?;
        let (len, magic) = end.split_first_chunk::<4>().ok_or_else(|| broken("the file is cut short"))?;
        if magic != b"ARROW1" {
            return Err(broken("the file does not end as Arrow files do: it is cut short"));
        }
        let len = length(i32::from_le_bytes(*len).into(), "footer")?;
        let start = at.checked_sub(len as u64).ok_or_else(|| broken("the footer is longer than the file"))?;
        let mut bytes = vec![0; len];
        source.read_at(start, &mut bytes)?;
        let footer = root_as_footer(&bytes).map_err(|e| broken(format!("the footer is damaged: {e}")))?;
        let schema = footer.schema().ok_or_else(|| broken("the footer has no schema"))?;
        if !schema.endianness().equals_to_target_endianness() {
            return Err(broken("the file has the byte order of another kind of machine"));
        }
        let schema = Arc::new(fb_to_schema(schema));
        let decoder = FileDecoder::new(Arc::clone(&schema), footer.version());
        let blocks: Vec<Block> = footer.recordBatches().into_iter().flatten().copied().collect();
        let dictionaries: Vec<Block> = footer.dictionaries().into_iter().flatten().copied().collect();
        let mut messages = Self { source, decoder, blocks: blocks.into_iter(), schema };
        for block in &dictionaries {
            let bytes = messages.read(block)?;
            messages.decoder.read_dictionary(block, &bytes)?;
        }
        Ok(messages)
    }

    fn read(&self, block: &Block) -> Result<Buffer> {
        let metadata = length(block.metaDataLength().into(), "message")?;
        let body = length(block.bodyLength(), "message")?;
        let start = length(block.offset(), "place")? as u64;
        let len = metadata.checked_add(body).filter(|&len| {
            start.checked_add(len as u64).is_some_and(|end| end <= self.source.size()) && metadata <= MAX_METADATA
        });
        let len = len.ok_or_else(|| broken(format!("a message at byte {start} goes beyond the end of the file")))?;
        let mut bytes = vec![0; len];
        self.source.read_at(start, &mut bytes)?;
        let (message, body) = bytes.split_at(metadata);
        let prefix = if message.starts_with(&CONTINUATION) { 8 } else { 4 };
        check(message.get(prefix..).unwrap_or_default(), body)?;
        Ok(Buffer::from_vec(bytes))
    }

    pub(super) fn next(&mut self) -> Result<Option<RecordBatch>> {
        while let Some(block) = self.blocks.next() {
            let bytes = self.read(&block)?;
            if let Some(batch) = self.decoder.read_record_batch(&block, &bytes)? {
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }
}

/// A stream.
pub(super) struct StreamMessages {
    stream: Box<dyn Read + Send>,
    decoder: StreamDecoder,
    batches: VecDeque<RecordBatch>,
    ended: bool,
}

impl StreamMessages {
    /// Reads up to the schema.
    pub(super) fn open(stream: Box<dyn Read + Send>) -> Result<(Self, SchemaRef)> {
        let mut messages = Self { stream, decoder: StreamDecoder::new(), batches: VecDeque::new(), ended: false };
        loop {
            if let Some(schema) = messages.decoder.schema() {
                return Ok((messages, schema));
            }
            if !messages.advance()? {
                return Err(broken("the stream ends before its schema"));
            }
        }
    }

    pub(super) fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(batch) = self.batches.pop_front() {
                return Ok(Some(batch));
            }
            if !self.advance()? {
                return Ok(None);
            }
        }
    }

    /// Decodes the next message; `false` at the end. The decoder takes up a message without body when bytes of the next one
    /// come, so that it may give a batch of the one before.
    fn advance(&mut self) -> Result<bool> {
        if self.ended {
            return Ok(false);
        }
        let mut bytes = match self.read()? {
            Some(bytes) => bytes,
            None => {
                self.ended = true;
                Buffer::from([CONTINUATION, [0; 4]].concat())
            }
        };
        while !bytes.is_empty() {
            self.batches.extend(self.decoder.decode(&mut bytes)?);
        }
        Ok(true)
    }

    /// The next message with its prefix; `None` at the end.
    fn read(&mut self) -> Result<Option<Buffer>> {
        let mut bytes = Vec::new();
        self.take(4, &mut bytes)?;
        if bytes.is_empty() {
            return Ok(None);
        }
        if bytes == CONTINUATION {
            self.take(4, &mut bytes)?;
        }
        let prefix = bytes.len();
        let len: [u8; 4] = bytes
            .last_chunk::<4>()
            .copied()
            .filter(|_| prefix >= 4)
            .ok_or_else(|| broken("the stream is cut short"))?;
        let metadata = length(i32::from_le_bytes(len).into(), "message")?;
        if metadata == 0 {
            return Ok(None);
        }
        if metadata > MAX_METADATA {
            return Err(broken(format!("metadata of {metadata} bytes; is this an Arrow stream?")));
        }
        self.take(metadata, &mut bytes)?;
        let message = bytes.get(prefix..).unwrap_or_default();
        let header = root_as_message(message).map_err(|e| broken(format!("not a message of Arrow: {e}")))?;
        let body = length(header.bodyLength(), "message")?;
        self.take(body, &mut bytes)?;
        let (message, body_bytes) =
            bytes.get(prefix..).and_then(|rest| rest.split_at_checked(metadata)).unwrap_or_default();
        if body_bytes.len() != body {
            return Err(broken("the stream is cut short"));
        }
        check(message, body_bytes)?;
        Ok(Some(Buffer::from_vec(bytes)))
    }

    /// Takes memory for what comes, not for what is said to come.
    fn take(&mut self, len: usize, into: &mut Vec<u8>) -> io::Result<()> {
        self.stream.by_ref().take(len as u64).read_to_end(into).map(drop)
    }
}
