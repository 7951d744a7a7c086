//! Continues the good part of a damaged or unfinished file, whose directories were put together by a recovery.

use std::sync::Arc;

use rntuple_core::container::root_file::{Anchor, Directory, EnvelopePlace, FileHeader, Key, StreamerInfoList};
use rntuple_core::metadata::{AttributeSet, SerializedEnvelope};
use rntuple_core::schema::Schema;

use super::super::dataset::store;
use super::super::options::WriteOptions;
use super::guard::Guarded;
use super::{Container, Folder};
use crate::error::Result;
use crate::storage::ByteSink;

/// A directory as it is to be.
#[derive(Debug, Clone)]
pub(crate) struct SalvagedFolder {
    /// Path from the top, without slashes at the ends; empty for the top, which comes first.
    pub(crate) path: String,
    pub(crate) block: Directory,
    /// Where the block lies.
    pub(crate) block_at: u64,
    /// Its keys and their bytes.
    pub(crate) keys: Vec<(Key, Vec<u8>)>,
}

/// What a recovery knows of a file.
#[derive(Debug)]
pub(crate) struct SalvagedFile {
    pub(crate) header: FileHeader,
    /// The start of the file up to the end of the top directory's block.
    pub(crate) head: Vec<u8>,
    pub(crate) base_name: String,
    pub(crate) folders: Vec<SalvagedFolder>,
    /// The list of streamer info with the length of its key, decompressed.
    pub(crate) streamer_info: Option<(Vec<u8>, u16)>,
    /// Bytes that the sink has; what is new goes behind them.
    pub(crate) end: u64,
}

/// Writes what a file lacks.
#[derive(Debug)]
pub(crate) struct Salvage {
    container: Container,
}

impl Salvage {
    pub(crate) fn start(name: Arc<str>, sink: Box<dyn ByteSink>, file: SalvagedFile) -> Self {
        let options = WriteOptions::default();
        let listed = file.streamer_info.and_then(|(payload, key_len)| StreamerInfoList::parse(&payload, key_len).ok());
        let folder = |folder: SalvagedFolder| {
            let SalvagedFolder { path, block, block_at, keys } = folder;
            Folder { path, block, block_at, keys, changed: true }
        };
        let container = Container {
            name,
            base_name: file.base_name,
            sink: Guarded::new(sink),
            buffer_at: file.end,
            buffer: Vec::new(),
            end: file.end,
            header: file.header,
            head: file.head,
            folders: file.folders.into_iter().map(folder).collect(),
            streamer_info: listed.unwrap_or_else(StreamerInfoList::empty),
            // Where it was, nothing may be now.
            streamer_info_changed: true,
            free: Vec::new(),
            compression: options.compression,
            time: options.time,
        };
        Self { container }
    }

    /// Adds an envelope.
    pub(crate) fn envelope(&mut self, envelope: &SerializedEnvelope, max_key_size: u64) -> Result<EnvelopePlace> {
        let compression = self.container.compression;
        store(&mut self.container, envelope, compression, max_key_size)
    }

    /// Adds the streamer info of the classes of a schema.
    pub(crate) fn add_classes(&mut self, schema: &Schema) {
        self.container.add_classes(schema);
    }

    /// Lists the key of an anchor that stays as it is.
    pub(crate) fn keep(&mut self, directory: &str, key: Key, bytes: Vec<u8>) -> Result<()> {
        let folder = self.container.folder(directory)?;
        if let Some(folder) = self.container.folders.get_mut(folder) {
            let place = folder.keys.iter().position(|(other, _)| other.name == key.name && other.cycle <= key.cycle);
            let end = folder.keys.iter().rposition(|(other, _)| other.name == key.name).map(|last| last + 1);
            let place = place.or(end).unwrap_or(folder.keys.len());
            folder.keys.insert(place, (key, bytes));
        }
        Ok(())
    }

    /// Adds an anchor to a directory; without a cycle, as the newest one of its name.
    pub(crate) fn anchor(&mut self, directory: &str, name: &str, cycle: Option<u16>, anchor: &Anchor) -> Result<()> {
        let folder = self.container.folder(directory)?;
        let cycle = match cycle {
            Some(cycle) => cycle,
            None => self.container.cycle(folder, name).saturating_add(1),
        };
        self.container.put(folder, Anchor::CLASS, name, "", &anchor.serialize(), cycle)?;
        Ok(())
    }

    /// Adds an anchor for another data set to link to.
    pub(crate) fn linked(&mut self, set: &AttributeSet, anchor: &Anchor) -> Result<AttributeSet> {
        let payload = anchor.serialize();
        let offset = self.container.unlisted(Anchor::CLASS, &set.name, &payload)?;
        let size = payload.len() as u64;
        Ok(AttributeSet {
            anchor_len: u32::try_from(size).unwrap_or(u32::MAX),
            anchor: rntuple_core::metadata::Locator::File { size, offset },
            ..set.clone()
        })
    }

    pub(crate) fn format(&self, error: rntuple_core::Error) -> crate::error::Error {
        self.container.format(error)
    }

    /// Makes the file visible; gives its size in bytes.
    pub(crate) fn finish(self) -> Result<u64> {
        self.container.finish()
    }
}
