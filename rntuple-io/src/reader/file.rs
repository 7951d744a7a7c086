//! A named byte source, with the checks that every read needs.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use rntuple_core::container::root_file::{Key, SplitPayload, StreamerInfoList};
use rntuple_core::limits::MAX_ENVELOPE;
use rntuple_core::metadata::Locator;
use rntuple_core::{Error as FormatError, compression};

use super::metrics::Counters;
use crate::error::{Error, Result};
use crate::storage::{ByteSource, ReadRange, Storage};
use crate::threads::Threads;

/// No real envelope compresses better than this, so a small file cannot ask for much memory.
const MAX_ENVELOPE_RATIO: u64 = 256;
/// What an envelope may have in any case.
const SMALL_ENVELOPE: u64 = 1 << 20;

#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) name: Arc<str>,
    pub(crate) source: Arc<dyn ByteSource>,
    pub(crate) counters: Arc<Counters>,
}

impl File {
    pub(crate) fn new(name: impl Into<Arc<str>>, source: Arc<dyn ByteSource>) -> Self {
        Self { name: name.into(), source, counters: Arc::default() }
    }

    /// Opens what a path or URI names.
    pub(crate) fn open(path: &Path, storage: &Storage) -> Result<Self> {
        let name: Arc<str> = path.to_string_lossy().into();
        let source = storage.source(path).map_err(|e| Error::io(&name, "cannot be opened", e))?;
        Ok(Self::new(name, source))
    }

    pub(crate) fn size(&self) -> u64 {
        self.source.size()
    }

    /// An error of the format layer, with the name of this file. An error of the storage that came through it is itself
    /// again, with what was being read.
    pub(crate) fn format(&self, error: FormatError) -> Error {
        match error {
            FormatError::In { context, source } => match self.format(*source) {
                Error::Io { file, what, source } => Error::Io { file, what: format!("{context}: {what}"), source },
                Error::BeyondEnd { file, what, offset, len, size } => {
                    Error::BeyondEnd { file, what: format!("{context}: {what}"), offset, len, size }
                }
                Error::Format { source, .. } => self.wrap(match Arc::try_unwrap(source) {
                    Ok(source) => source.within(context),
                    Err(shared) => FormatError::Storage(Box::new(shared)).within(context),
                }),
                other => other,
            },
            FormatError::Storage(source) => match source.downcast::<Error>() {
                Ok(error) => *error,
                Err(source) => self.wrap(FormatError::Storage(source)),
            },
            other => self.wrap(other),
        }
    }

    fn wrap(&self, source: FormatError) -> Error {
        Error::Format { file: Arc::clone(&self.name), source: Arc::new(source) }
    }

    /// Fails when the file does not have these bytes. Called before memory is allocated for them.
    pub(crate) fn check(&self, what: impl Fn() -> String, offset: u64, len: u64) -> Result<()> {
        if offset.checked_add(len).is_some_and(|end| end <= self.size()) {
            return Ok(());
        }
        Err(Error::BeyondEnd { file: Arc::clone(&self.name), what: what(), offset, len, size: self.size() })
    }

    /// Fills a buffer.
    pub(crate) fn read_into(&self, what: impl Fn() -> String, offset: u64, buffer: &mut [u8]) -> Result<()> {
        let len = buffer.len() as u64;
        self.check(&what, offset, len)?;
        let since = Instant::now();
        let read = self.source.read_at(offset, buffer);
        self.counters.read(1, len, len, since);
        read.map_err(|source| {
            Error::io(&self.name, format!("{}: reading {len} bytes at byte {offset}", what()), source)
        })
    }

    /// How many requests to have under way at once. What is far away is worth waiting for several answers at once even
    /// to one thread.
    pub(crate) fn at_once(&self, threads: &Threads) -> usize {
        let access = self.source.access();
        if threads.is_one() && !access.remote { 1 } else { access.parallel }
    }

    /// Fills several buffers, whose ranges the file has; `wanted` of their bytes are asked for.
    pub(crate) fn read_many(&self, reads: &mut [ReadRange<'_>], wanted: u64, at_once: usize) {
        let since = Instant::now();
        self.source.read_many(reads, at_once);
        let read = reads.iter().map(|read| read.buffer.len() as u64).sum();
        self.counters.read(reads.len() as u64, wanted, read, since);
    }

    pub(crate) fn read(&self, what: impl Fn() -> String, offset: u64, len: u64) -> Result<Vec<u8>> {
        self.check(&what, offset, len)?;
        let mut buffer = vec![0; usize::try_from(len).unwrap_or(usize::MAX)];
        self.read_into(what, offset, &mut buffer)?;
        Ok(buffer)
    }

    /// As many of the `most` bytes at `offset` as the file has.
    pub(crate) fn read_up_to(&self, what: impl Fn() -> String, offset: u64, most: usize) -> Result<Vec<u8>> {
        let len = (most as u64).min(self.size().saturating_sub(offset));
        self.read(what, offset, len)
    }

    /// Reads a payload of `stored` bytes that is split over several records when it is larger than `max_key_size`.
    pub(crate) fn read_payload(
        &self,
        what: impl Fn() -> String,
        offset: u64,
        stored: u64,
        max_key_size: u64,
    ) -> Result<Vec<u8>> {
        let Some(split) =
            SplitPayload::plan(offset, stored, max_key_size).map_err(|e| self.format(e.within(what())))?
        else {
            return self.read(what, offset, stored);
        };
        // All parts lie in the file, each byte once, so the whole is no longer than the file.
        self.check(&what, 0, stored)?;
        let first = split.first_chunk();
        let mut payload = self.read(&what, first.start, first.end - first.start)?;
        let others = split.other_chunks(&payload).map_err(|e| self.format(e.within(what())))?;
        payload.truncate(usize::try_from(split.first_data_len()).unwrap_or(usize::MAX));
        for chunk in others {
            payload.extend(self.read(&what, chunk.start, chunk.end - chunk.start)?);
        }
        Ok(payload)
    }

    /// Reads the streamer info record, given its offset and size; an empty list where there is none.
    pub(crate) fn streamer_info(&self, (at, len): (u64, u32)) -> Result<StreamerInfoList> {
        if at == 0 || len == 0 {
            return Ok(StreamerInfoList::empty());
        }
        let what = || format!("streamer info at byte {at}");
        let record = self.read(what, at, len.into())?;
        let parse = || {
            let key = Key::parse(&record, at)?;
            let stored = record.get(usize::from(key.key_len)..).unwrap_or_default();
            let length = key.object_len as usize;
            if stored.len() == length {
                return StreamerInfoList::parse(stored, key.key_len);
            }
            let limit = (stored.len() as u64).saturating_mul(MAX_ENVELOPE_RATIO).max(SMALL_ENVELOPE);
            if length as u64 > limit {
                return Err(FormatError::Limit { what: "size of the streamer info", value: length as u64, limit });
            }
            let mut plain = Vec::new();
            compression::decompress_to_vec(stored, length, &mut plain)?;
            StreamerInfoList::parse(&plain, key.key_len)
        };
        parse().map_err(|e| self.format(e.within(what())))
    }

    /// Reads an envelope as stored.
    pub(crate) fn read_sealed_envelope(
        &self,
        what: impl Fn() -> String,
        locator: Locator,
        length: u64,
        max_key_size: u64,
    ) -> Result<Vec<u8>> {
        let Locator::File { size, offset } = locator else {
            let reason = format!("its locator ({locator:?}) does not point into a file");
            return Err(self.format(FormatError::Inconsistent { what: "envelope", reason }.within(what())));
        };
        let limit = size.saturating_mul(MAX_ENVELOPE_RATIO).clamp(SMALL_ENVELOPE, MAX_ENVELOPE);
        if length > limit {
            let error = FormatError::Limit { what: "uncompressed envelope size", value: length, limit };
            return Err(self.format(error.within(format!("{} at byte {offset}", what()))));
        }
        self.read_payload(what, offset, size, max_key_size)
    }

    /// Reads and decompresses an envelope.
    pub(crate) fn read_envelope(
        &self,
        what: impl Fn() -> String,
        locator: Locator,
        length: u64,
        max_key_size: u64,
    ) -> Result<Vec<u8>> {
        let sealed = self.read_sealed_envelope(&what, locator, length, max_key_size)?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if sealed.len() == length {
            return Ok(sealed);
        }
        let mut envelope = Vec::new();
        compression::decompress_to_vec(&sealed, length, &mut envelope)
            .map_err(|e| self.format(FormatError::from(e).within(place(&what(), locator))))?;
        Ok(envelope)
    }
}

/// What, and where it lies, for messages.
pub(crate) fn place(what: &str, locator: Locator) -> String {
    match locator {
        Locator::File { size, offset } => format!("{what} at byte {offset} ({size} bytes)"),
        _ => what.to_owned(),
    }
}

/// Offset and length in the file, for pages that lie in files.
pub(super) fn file_range(locator: &Locator) -> Option<(u64, u64)> {
    match *locator {
        Locator::File { size, offset } => Some((offset, size)),
        _ => None,
    }
}
