//! The ROOT file that is being written: records, directories, and the commit (format-spec/container.md).
//!
//! Records are only ever added at the end. What makes them visible, the header and the block of the top directory, is
//! written last, in one piece of a few hundred bytes: before that, readers see the file as it was.

mod guard;
mod salvage;

use std::collections::HashSet;
use std::sync::Arc;

use rntuple_core::Error as FormatError;
use rntuple_core::compression::{self, CompressionSettings};
use rntuple_core::container::root_file::{
    Anchor, Directory, FileHeader, FreeSegment, Key, KeyFields, SplitPayload, StreamerInfoList, raw_keys,
    serialize_free_list, serialize_key_list,
};
use rntuple_core::limits;
use rntuple_core::schema::Schema;

use self::guard::Guarded;
use super::options::WriteOptions;
use crate::error::{Error, Result};
use crate::path::{join, split};
use crate::reader::File;
use crate::storage::ByteSink;

pub(crate) use salvage::{Salvage, SalvagedFile, SalvagedFolder};

/// Version of ROOT that the files are like.
const ROOT_VERSION: u32 = 64000;
/// Where the first record lies.
const BEGIN: u64 = 100;
/// Beyond this size ROOT writes a file with 64-bit offsets.
const SMALL_FILE: u64 = 2_000_000_000;
/// Small writes are collected up to this many bytes.
const BUFFER: usize = 1 << 20;
/// Class of the records of pages and envelopes.
const BLOB: &str = "RBlob";
const DIRECTORY: &str = "TDirectory";
/// ROOT takes no file whose names in front of the top directory are longer than 10,000 bytes.
const MAX_HEAD: u64 = 1 << 16;

/// A directory of the file.
#[derive(Debug)]
struct Folder {
    /// Path from the top, without slashes at the ends; empty for the top.
    path: String,
    block: Directory,
    /// Where the block lies.
    block_at: u64,
    /// The keys, as they stand in the key list.
    keys: Vec<(Key, Vec<u8>)>,
    changed: bool,
}

/// What was loaded of a file that exists, which may lie about its directories.
struct Loaded {
    blocks: HashSet<u64>,
    /// Bytes of key lists and paths.
    bytes: u64,
}

/// A ROOT file that is being written.
#[derive(Debug)]
pub(super) struct Container {
    name: Arc<str>,
    /// Name in the records of the file itself.
    base_name: String,
    sink: Guarded,
    /// Bytes behind which the sink has everything; the rest is in the buffer.
    buffer_at: u64,
    buffer: Vec<u8>,
    /// Where the next record goes.
    end: u64,
    header: FileHeader,
    /// The start of the file up to the end of the top directory's block, as it was when the file was opened.
    head: Vec<u8>,
    folders: Vec<Folder>,
    streamer_info: StreamerInfoList,
    streamer_info_changed: bool,
    /// Segments between the records.
    free: Vec<FreeSegment>,
    compression: CompressionSettings,
    time: u32,
}

impl Container {
    /// Starts a new file.
    pub(super) fn create(name: Arc<str>, sink: Box<dyn ByteSink>, options: &WriteOptions) -> Result<Self> {
        let base_name = name.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
        let key = KeyFields { cycle: 1, ..key_of(BEGIN, 0, "TFile", &base_name, "", options.time) };
        let mut container = Self {
            name,
            sink: Guarded::new(sink),
            buffer_at: 0,
            buffer: Vec::new(),
            end: BEGIN,
            header: FileHeader::default(),
            head: Vec::new(),
            folders: Vec::new(),
            streamer_info: StreamerInfoList::empty(),
            streamer_info_changed: true,
            free: Vec::new(),
            compression: options.compression,
            time: options.time,
            base_name: base_name.clone(),
        };
        let key_len = container.check(key.key_len())?;
        let mut names = string(&base_name);
        names.extend(string(""));
        let nbytes_name = u32::from(key_len) + u32::try_from(names.len()).unwrap_or(u32::MAX);
        if nbytes_name > 10_000 {
            return Err(container.argument("the name of the file is too long for a ROOT file"));
        }
        container.header.version = ROOT_VERSION;
        container.header.begin = BEGIN;
        container.header.nbytes_name = nbytes_name;
        container.header.compression = options.compression.get();
        container.header.uuid = options.uuid;
        let block = Directory {
            created: options.time,
            modified: options.time,
            nbytes_name,
            at: BEGIN,
            uuid: options.uuid,
            ..Directory::default()
        };
        let header = container.check(container.header.serialize())?;
        container.write(0, &header)?;
        container.flush()?;
        let block_bytes = container.check(block.serialize())?;
        let payload = [names, block_bytes].concat();
        container.record(key, &[&payload])?;
        container.head = [header.as_slice(), &container.buffer].concat();
        let block_at = BEGIN + u64::from(nbytes_name);
        container.folders.push(Folder { path: String::new(), block, block_at, keys: Vec::new(), changed: true });
        Ok(container)
    }

    /// Continues a file that exists.
    pub(super) fn open(file: &File, sink: Box<dyn ByteSink>, options: &WriteOptions) -> Result<Self> {
        let format = |e: FormatError| file.format(e);
        let header = FileHeader::parse(&file.read_up_to(|| "file header".to_owned(), 0, FileHeader::STORED_LEN)?)
            .map_err(format)?;
        let streamer_info = file.streamer_info(header.streamer_info)?;
        let mut container = Self {
            name: Arc::clone(&file.name),
            base_name: String::new(),
            sink: Guarded::new(sink),
            buffer_at: file.size(),
            buffer: Vec::new(),
            end: file.size(),
            folders: Vec::new(),
            streamer_info,
            streamer_info_changed: false,
            free: Vec::new(),
            compression: options.compression,
            time: options.time,
            header,
            head: Vec::new(),
        };
        if container.header.end > file.size() {
            let (end, size) = (container.header.end, file.size());
            return Err(
                container.argument(format!("it ends at byte {size}, but says that it has {end}: recover it first"))
            );
        }
        let first = Key::parse(
            &file.read_up_to(|| "first record".to_owned(), container.header.begin, 1 << 15)?,
            container.header.begin,
        )
        .map_err(format)?;
        container.base_name = first.name.to_string();
        let top = container.header.directory_at().map_err(format)?;
        if top > MAX_HEAD {
            return Err(container.argument(format!("its top directory lies at byte {top}, where no ROOT writes it")));
        }
        if u64::from(first.nbytes) < u64::from(container.header.nbytes_name) + Directory::LEN as u64 {
            return Err(container.argument("its top directory has no room for what this version writes"));
        }
        container.head = file.read(|| "start of the file".to_owned(), 0, top + Directory::LEN as u64)?;
        let mut loaded = Loaded { blocks: HashSet::new(), bytes: 0 };
        container.load(file, top, String::new(), 0, &mut loaded)?;
        Ok(container)
    }

    /// Loads a directory and those below it.
    fn load(&mut self, file: &File, block_at: u64, path: String, depth: usize, loaded: &mut Loaded) -> Result<()> {
        let what = || if path.is_empty() { "top directory".to_owned() } else { format!("directory '{path}'") };
        if depth > limits::MAX_DIRECTORY_DEPTH || !loaded.blocks.insert(block_at) {
            return Ok(());
        }
        if self.folders.len() >= limits::MAX_DIRECTORIES {
            return Err(self.argument(format!("it has more than {} directories", limits::MAX_DIRECTORIES)));
        }
        let format = |e: FormatError| file.format(e.within(what()));
        let block = Directory::parse(&file.read_up_to(what, block_at, Directory::LEN)?, block_at).map_err(format)?;
        // Key lists of a sound file lie side by side.
        loaded.bytes = loaded.bytes.saturating_add(u64::from(block.key_list_len)).saturating_add(path.len() as u64);
        if loaded.bytes > file.size().saturating_add(limits::MAX_KEY_LIST) {
            return Err(self.argument("its key lists take more bytes than the file has"));
        }
        let mut keys = Vec::new();
        if block.key_list_at != 0 {
            let record = file.read(what, block.key_list_at, block.key_list_len.into())?;
            let key = Key::parse(&record, block.key_list_at).map_err(format)?;
            let payload = record.get(usize::from(key.key_len)..).unwrap_or_default();
            let listed = raw_keys(payload, key.payload_at()).map_err(format)?;
            keys = listed.into_iter().map(|(key, bytes)| (key, bytes.to_owned())).collect();
        }
        let below: Vec<(String, u64)> = keys
            .iter()
            .filter(|(key, _)| Directory::CLASSES.contains(&&*key.class))
            // What follows a block that is shorter, as those before ROOT 4 are, would be overwritten with it.
            .filter(|(key, _)| key.payload_len() as usize >= Directory::LEN)
            .map(|(key, _)| (join(&path, &key.name), key.payload_at()))
            .collect();
        self.folders.push(Folder { path, block, block_at, keys, changed: false });
        below.into_iter().try_for_each(|(path, at)| self.load(file, at, path, depth + 1, loaded))
    }

    pub(super) fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Bytes of the file so far.
    pub(super) fn size(&self) -> u64 {
        self.end
    }

    /// Adds the streamer info of the classes of a schema, for readers without their dictionaries.
    pub(super) fn add_classes(&mut self, schema: &Schema) {
        let before = self.streamer_info.classes().count();
        self.streamer_info.add_schema(schema);
        self.streamer_info_changed |= self.streamer_info.classes().count() > before;
    }

    /// Adds the streamer info of another file.
    pub(super) fn add_streamer_info(&mut self, other: &StreamerInfoList) {
        let before = self.streamer_info.classes().count();
        self.streamer_info.merge(other, |_| true);
        self.streamer_info_changed |= self.streamer_info.classes().count() > before;
    }

    fn check<T>(&self, result: rntuple_core::Result<T>) -> Result<T> {
        result.map_err(|e| self.format(e))
    }

    pub(super) fn format(&self, source: FormatError) -> Error {
        Error::Format { file: Arc::clone(&self.name), source: Arc::new(source) }
    }

    pub(super) fn argument(&self, reason: impl Into<String>) -> Error {
        Error::Argument { file: Arc::clone(&self.name), reason: reason.into() }
    }

    fn io(&self, what: &str, source: std::io::Error) -> Error {
        Error::io(&self.name, what, source)
    }

    /// Writes bytes that continue those before, or ones in front of them.
    fn write(&mut self, at: u64, bytes: &[u8]) -> Result<()> {
        let buffered = self.buffer_at + self.buffer.len() as u64;
        if at != buffered || self.buffer.len() + bytes.len() > BUFFER {
            self.flush()?;
            self.buffer_at = at;
        }
        if bytes.len() < BUFFER / 4 {
            self.buffer.extend_from_slice(bytes);
            return Ok(());
        }
        self.flush()?;
        self.sink.write_at(at, bytes).map_err(|e| self.io("writing", e))?;
        self.buffer_at = at + bytes.len() as u64;
        Ok(())
    }

    /// Hands over to the sink what is in the buffer.
    pub(super) fn flush(&mut self) -> Result<()> {
        if !self.buffer.is_empty() {
            self.sink.write_at(self.buffer_at, &self.buffer).map_err(|e| self.io("writing", e))?;
            self.buffer_at += self.buffer.len() as u64;
            self.buffer.clear();
        }
        Ok(())
    }

    /// Adds a record with a payload of several parts; gives the offset of the payload.
    fn record(&mut self, key: KeyFields<'_>, payload: &[&[u8]]) -> Result<u64> {
        let len: u64 = payload.iter().map(|part| part.len() as u64).sum();
        let key_len = self.check(key.key_len())?;
        let too_long = || self.format(FormatError::Limit { what: "size of a record", value: len, limit: 1 << 30 });
        let nbytes = u32::try_from(len + u64::from(key_len)).map_err(|_| too_long())?;
        let object_len = if key.object_len == 0 { u32::try_from(len).map_err(|_| too_long())? } else { key.object_len };
        let bytes = self.check(KeyFields { nbytes, object_len, at: self.end, ..key }.serialize())?;
        let payload_at = self.end + u64::from(key_len);
        self.write(self.end, &bytes)?;
        let mut at = payload_at;
        for part in payload {
            self.write(at, part)?;
            at += part.len() as u64;
        }
        self.end = at;
        Ok(payload_at)
    }

    /// Where the payload of the next blob will lie.
    pub(super) fn next_blob_at(&self) -> Result<u64> {
        let key = key_of(self.end, BEGIN, BLOB, "", "", self.time);
        Ok(self.end + u64::from(self.check(key.key_len())?))
    }

    /// Adds a record of pages or of an envelope; gives the offset of its payload.
    pub(super) fn blob(&mut self, payload: &[&[u8]]) -> Result<u64> {
        self.record(key_of(self.end, BEGIN, BLOB, "", "", self.time), payload)
    }

    /// Adds a payload, in several records if it is larger than `max_key_size`; gives the offset that stands for it.
    pub(super) fn payload(&mut self, payload: &[u8], max_key_size: u64) -> Result<u64> {
        let Some(split) = self.check(SplitPayload::plan(0, payload.len() as u64, max_key_size))? else {
            return self.blob(&[payload]);
        };
        let first_len = usize::try_from(split.first_data_len()).unwrap_or(usize::MAX).min(payload.len());
        let (first, mut rest) = payload.split_at(first_len);
        let mut others = Vec::new();
        for len in split.other_lens() {
            let len = usize::try_from(len).unwrap_or(usize::MAX).min(rest.len());
            let (chunk, behind) = rest.split_at(len);
            others.push(self.blob(&[chunk])?);
            rest = behind;
        }
        let offsets = self.check(split.serialize_offsets(&others))?;
        self.blob(&[first, &offsets])
    }

    /// Finds a directory by path, or creates it and those above it.
    pub(super) fn folder(&mut self, path: &str) -> Result<usize> {
        if let Some(found) = self.folders.iter().position(|folder| folder.path == path) {
            return Ok(found);
        }
        let (above, name) = split(path);
        if name.is_empty() {
            return Err(self.argument(format!("'{path}' is no path of a directory")));
        }
        if name.chars().any(|c| c.is_control() || c == ';') {
            return Err(self.argument(format!("'{name}' is no name for a directory")));
        }
        let parent = self.folder(above)?;
        if self.cycle(parent, name) > 0 {
            return Err(
                self.argument(format!("'{path}' would be a directory, but there is something else of this name"))
            );
        }
        let parent_at = self.folders.get(parent).map_or(BEGIN, |folder| folder.block.at);
        let key = key_of(self.end, parent_at, DIRECTORY, name, name, self.time);
        let key_len = self.check(key.key_len())?;
        let block = Directory {
            big: self.end > SMALL_FILE,
            created: self.time,
            modified: self.time,
            nbytes_name: key_len.into(),
            at: self.end,
            parent: parent_at,
            uuid: self.header.uuid,
            ..Directory::default()
        };
        let bytes = self.check(block.serialize())?;
        let block_at = self.object(parent, DIRECTORY, name, name, &bytes)?;
        self.folders.push(Folder { path: path.to_owned(), block, block_at, keys: Vec::new(), changed: true });
        Ok(self.folders.len() - 1)
    }

    /// The highest cycle of a name in a directory; 0 when there is none.
    pub(super) fn cycle(&self, folder: usize, name: &str) -> u16 {
        let keys = self.folders.get(folder).map_or(&[][..], |folder| &folder.keys);
        keys.iter().filter(|(key, _)| &*key.name == name).map(|(key, _)| key.cycle).max().unwrap_or(0)
    }

    /// An object with the path of a directory would hide the directory from ROOT.
    pub(super) fn check_no_folder(&self, path: &str) -> Result<()> {
        if self.folders.iter().any(|folder| folder.path == path) {
            return Err(self.argument(format!("'{path}' is a directory")));
        }
        Ok(())
    }

    /// The cycle of a new object of this name, `above` the highest that is taken.
    pub(super) fn next_cycle(&self, folder: usize, name: &str, above: u16) -> Result<u16> {
        let next = self.cycle(folder, name).max(above).checked_add(1);
        next.ok_or_else(|| self.argument(format!("there are too many cycles of '{name}'")))
    }

    /// Finds the directory of an RNTuple.
    pub(super) fn find(&self, directory: &str, name: &str, cycle: u16) -> Option<usize> {
        let is_it = |key: &Key| &*key.name == name && &*key.class == Anchor::CLASS && key.cycle == cycle;
        let mut folders = self.folders.iter();
        folders.position(|folder| folder.path == directory && folder.keys.iter().any(|(key, _)| is_it(key)))
    }

    /// Adds an object that no directory lists; gives the offset of its payload.
    pub(super) fn unlisted(&mut self, class: &str, name: &str, payload: &[u8]) -> Result<u64> {
        self.record(key_of(self.end, BEGIN, class, name, "", self.time), &[payload])
    }

    /// Adds an object to a directory, as the newest cycle of its name; gives the offset of its payload.
    pub(super) fn object(
        &mut self,
        folder: usize,
        class: &str,
        name: &str,
        title: &str,
        payload: &[u8],
    ) -> Result<u64> {
        let cycle = self.next_cycle(folder, name, 0)?;
        self.put(folder, class, name, title, payload, cycle)
    }

    /// The same, in place of the object that has this cycle.
    pub(super) fn put(
        &mut self,
        folder: usize,
        class: &str,
        name: &str,
        title: &str,
        payload: &[u8],
        cycle: u16,
    ) -> Result<u64> {
        let at = self.end;
        let directory = self.folders.get(folder).map_or(BEGIN, |folder| folder.block.at);
        let key = KeyFields { cycle, ..key_of(at, directory, class, name, title, self.time) };
        let payload_at = self.record(key, &[payload])?;
        let key_len = self.check(key.key_len())?;
        let len = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        let nbytes = len.saturating_add(key_len.into());
        let bytes = self.check(KeyFields { nbytes, object_len: len, at, ..key }.serialize())?;
        let key = self.check(Key::parse(&bytes, at))?;
        if let Some(folder) = self.folders.get_mut(folder) {
            let replaced = |other: &Key| *other.name == *name && *other.class == *class && other.cycle == cycle;
            folder.keys.retain(|(other, _)| !replaced(other));
            // The newest cycle comes first: that is the one which ROOT finds.
            let older = folder.keys.iter().position(|(other, _)| *other.name == *name && other.cycle < cycle);
            let newest = || folder.keys.iter().rposition(|(other, _)| *other.name == *name).map(|last| last + 1);
            let place = older.or_else(newest).unwrap_or(folder.keys.len());
            folder.keys.insert(place, (key, bytes));
            folder.changed = true;
        }
        Ok(payload_at)
    }

    /// Makes everything so far visible: key lists, streamer info and free list at the end, then header and directories.
    pub(super) fn commit(&mut self) -> Result<()> {
        let base_name = self.base_name.clone();
        for i in 0..self.folders.len() {
            let Some(folder) = self.folders.get(i).filter(|folder| folder.changed) else { continue };
            let keys: Vec<&[u8]> = folder.keys.iter().map(|(_, bytes)| bytes.as_slice()).collect();
            let payload = self.check(serialize_key_list(&keys))?;
            let directory = folder.block.at;
            let name = folder.path.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or(&base_name).to_owned();
            let at = self.end;
            self.record(key_of(at, directory, "", &name, "", self.time), &[&payload])?;
            let len = u32::try_from(self.end - at).unwrap_or(u32::MAX);
            if let Some(folder) = self.folders.get_mut(i) {
                folder.block.key_list_at = at;
                folder.block.key_list_len = len;
                folder.block.modified = self.time;
                folder.block.big |= self.end > SMALL_FILE;
            }
        }
        if self.streamer_info_changed {
            let key = key_of(self.end, BEGIN, "TList", "StreamerInfo", "Doubly linked list", self.time);
            let plain = self.check(key.key_len().and_then(|key_len| self.streamer_info.serialize(key_len)))?;
            let mut packed = Vec::new();
            compression::compress(self.compression, &plain, &mut packed).map_err(|e| self.format(e.into()))?;
            let at = self.end;
            let object_len = u32::try_from(plain.len()).unwrap_or(u32::MAX);
            self.record(KeyFields { object_len, ..key }, &[&packed])?;
            self.header.streamer_info = (at, u32::try_from(self.end - at).unwrap_or(u32::MAX));
            self.streamer_info_changed = false;
        }
        self.write_free_list(&base_name)?;
        self.header.end = self.end;
        self.header.big |= self.end > SMALL_FILE;
        self.flush()?;
        self.sink.sync().map_err(|e| self.io("synchronising", e))?;

        // Directories below the top first: nothing in the top leads to their new contents yet, if they are new.
        let mut blocks = Vec::new();
        for folder in self.folders.iter().skip(1).filter(|folder| folder.changed) {
            blocks.push((folder.block_at, self.check(folder.block.serialize())?));
        }
        for (at, bytes) in blocks {
            self.write(at, &bytes)?;
        }
        self.flush()?;
        self.commit_top()?;
        self.sink.sync().map_err(|e| self.io("synchronising", e))?;
        self.folders.iter_mut().for_each(|folder| folder.changed = false);
        self.buffer_at = self.end;
        Ok(())
    }

    fn write_free_list(&mut self, base_name: &str) -> Result<()> {
        let key = key_of(self.end, BEGIN, "TFile", base_name, "", self.time);
        let key_len = u64::from(self.check(key.key_len())?);
        // The list describes the end of the file that it makes longer; its own length depends on nothing else.
        let mut segments = self.free.clone();
        let mut end = self.end;
        loop {
            segments.truncate(self.free.len());
            segments.push(FreeSegment::tail(end));
            let len = segments.iter().map(|segment| segment.stored_len() as u64).sum::<u64>();
            if self.end + key_len + len == end {
                break;
            }
            end = self.end + key_len + len;
        }
        let at = self.end;
        self.record(key, &[&serialize_free_list(&segments)])?;
        self.header.free_list = (at, u32::try_from(self.end - at).unwrap_or(u32::MAX));
        self.header.free_segments = u32::try_from(segments.len()).unwrap_or(u32::MAX);
        Ok(())
    }

    /// Header and top directory, in one write: this is what makes the rest visible.
    fn commit_top(&mut self) -> Result<()> {
        let Some(top) = self.folders.first() else { return Ok(()) };
        let header = self.check(self.header.serialize())?;
        let block = self.check(top.block.serialize())?;
        let block_at = usize::try_from(top.block_at).unwrap_or(usize::MAX);
        // Only the numbers: what else stands in front of the first record is not ours.
        for (to, from) in self.head.iter_mut().zip(header.iter().take(FileHeader::LEN)) {
            *to = *from;
        }
        for (to, from) in self.head.iter_mut().skip(block_at).zip(&block) {
            *to = *from;
        }
        self.sink.write_at(0, &self.head).map_err(|e| self.io("writing", e))
    }

    /// Makes everything visible under the name of the file; gives its size in bytes.
    pub(super) fn finish(mut self) -> Result<u64> {
        self.commit()?;
        self.sink.finish().map_err(|e| Error::io(&self.name, "finishing", e))?;
        Ok(self.end)
    }
}

/// The key of a record at the end of the file; sizes are filled in when it is written.
fn key_of<'a>(at: u64, directory: u64, class: &'a str, name: &'a str, title: &'a str, datime: u32) -> KeyFields<'a> {
    KeyFields { nbytes: 0, object_len: 0, datime, cycle: 1, at, directory, class, name, title, big: true }
}

/// A string of a ROOT file.
fn string(text: &str) -> Vec<u8> {
    let mut out = match u8::try_from(text.len()) {
        Ok(len) if len < 255 => vec![len],
        _ => {
            let mut out = vec![255];
            out.extend(u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
            out
        }
    };
    out.extend(text.as_bytes());
    out
}
