//! The directories of a file: as its key lists say or, where they are missing, as the keys of the records say.

use std::collections::{HashMap, HashSet};

use rntuple_core::container::root_file::{Anchor, Directory, FileHeader, Key, KeyFields, raw_keys};
use rntuple_core::limits::{MAX_DIRECTORIES, MAX_DIRECTORY_DEPTH, MAX_KEY_LIST};

use super::envelopes;
use super::evidence::{Evidence, Object};
use crate::error::Result;
use crate::path::join;
use crate::reader::File;
use crate::writer::{SalvagedFile, SalvagedFolder};

/// Where the first record lies in a file whose header is lost.
const BEGIN: u64 = 100;
/// Version of ROOT that a new header names.
const ROOT_VERSION: u32 = 64000;
/// Names in front of the top directory are not longer than this.
const MAX_HEAD: u64 = 1 << 16;

/// The directories, and what leads to them.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) header: FileHeader,
    head: Vec<u8>,
    base_name: String,
    pub(super) folders: Vec<SalvagedFolder>,
    /// Directories and keys of the listed anchors, by offset of their records.
    pub(super) listed: HashMap<u64, (String, Vec<u8>)>,
    /// Where the top directory's key list lies; `None` when the key lists cannot be read.
    pub(super) committed: Option<u64>,
    /// Whether header and directories are as they should be, and all that they list lies in the file.
    pub(super) whole: bool,
    /// Whether the key lists say of each record what its key says.
    pub(super) sound: bool,
    /// Paths of directories, by offset of their record.
    paths: HashMap<u64, String>,
    /// Whether there are objects other than RNTuples.
    pub(super) foreign: bool,
    pub(super) notes: Vec<String>,
}

impl Tree {
    pub(super) fn build(file: &File, evidence: &Evidence, base_name: &str) -> Result<Self> {
        let mut tree = Self {
            header: FileHeader::default(),
            head: Vec::new(),
            base_name: base_name.to_owned(),
            folders: Vec::new(),
            listed: HashMap::new(),
            committed: None,
            whole: true,
            sound: true,
            paths: HashMap::new(),
            foreign: false,
            notes: Vec::new(),
        };
        tree.top(file, evidence)?;
        let key_list_at = tree.folders.first().map_or(0, |top| top.block.key_list_at);
        if key_list_at != 0 && tree.load_key_lists(file, evidence)? {
            tree.committed = Some(key_list_at);
        } else {
            tree.whole = false;
            tree.folders.truncate(1);
            tree.listed.clear();
            tree.load_records(file, evidence)?;
        }
        if tree.header.end > file.size() {
            let (end, size) = (tree.header.end, file.size());
            tree.notes.push(format!("the file is cut short: it has {size} of {end} bytes"));
            tree.whole = false;
        }
        Ok(tree)
    }

    /// Header and top directory, from the file or made anew.
    fn top(&mut self, file: &File, evidence: &Evidence) -> Result<()> {
        let what = || "start of the file".to_owned();
        let start = file.read_up_to(what, 0, FileHeader::STORED_LEN)?;
        match FileHeader::parse(&start) {
            Ok(header) if header.begin >= FileHeader::LEN as u64 => self.header = header,
            _ => {
                self.whole = false;
                self.notes.push("the header of the file is lost and was made anew".to_owned());
                self.header = FileHeader { version: ROOT_VERSION, begin: BEGIN, ..FileHeader::default() };
            }
        }
        let first =
            |begin: u64| evidence.objects.iter().find(|object| object.key.at == begin && &*object.key.class == "TFile");
        let first = first(self.header.begin).or_else(|| first(BEGIN)).filter(|object| object.whole);
        if let Some(Object { key, key_bytes, .. }) = first {
            let begin = key.at;
            // The block follows the key, and the name and title again.
            let strings = key_bytes.len().saturating_sub(if key.big { 34 } else { 26 } + 1 + key.class.len());
            let nbytes_name = u64::from(key.key_len) + strings as u64;
            let block_at = begin.saturating_add(nbytes_name);
            let bytes = up_to(file, block_at, Directory::LEN)?;
            if let Ok(block) = Directory::parse(&bytes, block_at)
                && block.at == begin
                && block_at <= MAX_HEAD
                && bytes.len() == Directory::LEN
            {
                let told = u32::try_from(nbytes_name).unwrap_or(u32::MAX);
                self.whole &= self.header.nbytes_name == told && self.header.begin == begin;
                self.header.begin = begin;
                self.header.nbytes_name = told;
                self.base_name = key.name.to_string();
                self.head = file.read(what, 0, block_at + Directory::LEN as u64)?;
                self.folders = vec![SalvagedFolder { path: String::new(), block, block_at, keys: Vec::new() }];
                self.paths.insert(begin, String::new());
                return Ok(());
            }
        }
        self.whole = false;
        self.notes.push("the top directory of the file is lost and was made anew".to_owned());
        let records = evidence.blobs.iter().map(|blob| blob.at);
        let records = records.chain(evidence.objects.iter().map(|object| object.key.at));
        let records = records.chain(evidence.data_sets.iter().map(|set| set.place.offset));
        let room = records.filter(|&at| at > BEGIN).min().unwrap_or(u64::MAX);
        self.new_top(file, room)
    }

    /// Makes a record of the top directory in front of the first of the others.
    fn new_top(&mut self, file: &File, room: u64) -> Result<()> {
        let format = |e| file.format(e);
        let room = usize::try_from(room - BEGIN).unwrap_or(usize::MAX);
        let mut name: String = self.base_name.clone();
        loop {
            let strings = 2 + name.len();
            let key = KeyFields {
                nbytes: u32::MAX,
                object_len: 0,
                datime: 0,
                cycle: 1,
                at: BEGIN,
                directory: 0,
                class: "TFile",
                name: &name,
                title: "",
                big: true,
            };
            let key_len = key.key_len().map_err(format)?;
            let len = usize::from(key_len) + strings + Directory::LEN;
            // What is left must be nothing, or have room to say how much it is.
            let left = room.checked_sub(len).filter(|left| *left == 0 || *left >= 4);
            let (Some(left), true) = (left, name.len() < 255) else {
                if name.pop().is_none() {
                    let reason = "its top directory is lost, and there is no room for a new one".to_owned();
                    let inconsistent = rntuple_core::Error::Inconsistent { what: "file", reason };
                    return Err(format(inconsistent));
                }
                continue;
            };
            let nbytes_name = u32::from(key_len) + u32::try_from(strings).unwrap_or(u32::MAX);
            let nbytes = u32::try_from(len).unwrap_or(u32::MAX);
            let object_len = nbytes - u32::from(key_len);
            let key = KeyFields { nbytes, object_len, ..key }.serialize().map_err(format)?;
            self.header.begin = BEGIN;
            self.header.nbytes_name = nbytes_name;
            let block = Directory { at: BEGIN, nbytes_name, ..Directory::default() };
            let length = u8::try_from(name.len()).unwrap_or(u8::MAX);
            let names = [&[length], name.as_bytes(), &[0]].concat();
            let header = self.header.serialize().map_err(format)?;
            let block_bytes = block.serialize().map_err(format)?;
            self.head = [header, key, names, block_bytes].concat();
            if let Some(gap) = i32::try_from(left).ok().filter(|gap| *gap > 0 && left < 1 << 20) {
                self.head.extend((-gap).to_be_bytes());
            }
            let block_at = BEGIN + u64::from(nbytes_name);
            self.folders = vec![SalvagedFolder { path: String::new(), block, block_at, keys: Vec::new() }];
            self.paths.insert(BEGIN, String::new());
            self.base_name = name;
            return Ok(());
        }
    }

    /// Loads the key lists; `false` when that of the top directory cannot be read.
    fn load_key_lists(&mut self, file: &File, evidence: &Evidence) -> Result<bool> {
        // What a list says of a record is what its key says.
        let records = evidence.objects.iter().map(|object| (object.key.at, &object.key_bytes));
        let anchors = evidence.data_sets.iter().filter_map(|set| set.anchor.as_ref());
        let records: HashMap<u64, &Vec<u8>> =
            records.chain(anchors.map(|(anchor, _)| (anchor.key.at, &anchor.key_bytes))).collect();
        let Some(top) = self.folders.pop() else { return Ok(false) };
        let mut seen = HashSet::new();
        let mut bytes_left = MAX_KEY_LIST.min(file.size());
        let mut open = vec![(top, 0_usize)];
        while let Some((mut folder, depth)) = open.pop() {
            let place =
                if folder.path.is_empty() { "top directory".into() } else { format!("directory '{}'", folder.path) };
            let keys = match folder.block.key_list_at {
                0 => Some(Vec::new()),
                at => {
                    let len = u64::from(folder.block.key_list_len);
                    let allowed = len <= bytes_left && seen.insert(at) && seen.len() <= MAX_DIRECTORIES;
                    bytes_left = bytes_left.saturating_sub(len);
                    if allowed { key_list(file, at, len)? } else { None }
                }
            };
            let Some(keys) = keys else {
                self.whole = false;
                if depth == 0 {
                    self.folders = vec![folder];
                    return Ok(false);
                }
                self.notes.push(format!("the {place} cannot be read; what it lists besides RNTuples is lost"));
                // It becomes an empty one.
                self.paths.insert(folder.block.at, folder.path.clone());
                self.folders.push(folder);
                continue;
            };
            for (key, bytes) in keys {
                self.sound &= records.get(&key.at).is_some_and(|known| **known == bytes);
                if &*key.class == Anchor::CLASS {
                    self.listed.insert(key.at, (folder.path.clone(), bytes));
                    continue;
                }
                let inside = key.at.checked_add(key.nbytes.into()).is_some_and(|end| end <= file.size());
                if !inside {
                    self.whole = false;
                    let name = join(&folder.path, &key.name);
                    self.notes.push(format!("'{name}' ({}) lies beyond the end of the file", key.class));
                    continue;
                }
                if Directory::CLASSES.contains(&&*key.class) {
                    if let Some(block) = block(file, &key)? {
                        let path = join(&folder.path, &key.name);
                        if depth < MAX_DIRECTORY_DEPTH {
                            let (block_at, keys) = (key.payload_at(), Vec::new());
                            open.push((SalvagedFolder { path, block, block_at, keys }, depth + 1));
                        }
                    } else {
                        self.whole = false;
                        self.notes.push(format!("directory '{}' is damaged", join(&folder.path, &key.name)));
                        continue;
                    }
                } else {
                    self.foreign = true;
                }
                folder.keys.push((key, bytes));
            }
            self.paths.insert(folder.block.at, folder.path.clone());
            self.folders.push(folder);
        }
        Ok(true)
    }

    /// Puts the directories together from the keys of the records.
    fn load_records(&mut self, file: &File, evidence: &Evidence) -> Result<()> {
        let mut blocks: HashMap<u64, (Directory, &Object)> = HashMap::new();
        for object in &evidence.objects {
            if Directory::CLASSES.contains(&&*object.key.class)
                && blocks.len() < MAX_DIRECTORIES
                && let Some(block) = block(file, &object.key)?
            {
                blocks.insert(object.key.at, (block, object));
            }
        }
        let top = self.header.begin;
        for (&at, (_, object)) in &blocks {
            // From here up to the top, unless there is no way.
            let mut names = vec![&*object.key.name];
            let mut above = object.key.directory;
            while above != top && names.len() <= MAX_DIRECTORY_DEPTH {
                let Some((_, next)) = blocks.get(&above) else { break };
                names.push(&next.key.name);
                above = next.key.directory;
            }
            if above == top {
                names.reverse();
                self.paths.insert(at, names.join("/"));
            }
        }
        let mut ordered: Vec<(&u64, &(Directory, &Object))> = blocks.iter().collect();
        ordered.sort_by_key(|(at, _)| **at);
        for (at, (block, object)) in ordered {
            let Some(path) = self.paths.get(at) else { continue };
            if self.folders.iter().all(|folder| folder.path != *path) {
                let (path, block_at) = (path.clone(), object.key.payload_at());
                self.folders.push(SalvagedFolder { path, block: *block, block_at, keys: Vec::new() });
            }
        }
        let places: HashMap<u64, usize> =
            self.folders.iter().enumerate().map(|(i, folder)| (folder.block.at, i)).collect();
        for Object { key, key_bytes, whole, .. } in &evidence.objects {
            let service = matches!(&*key.class, "" | "TFile" | "TBasket")
                || (&*key.class == "TList" && &*key.name == "StreamerInfo")
                || (Directory::CLASSES.contains(&&*key.class) && !places.contains_key(&key.at));
            let Some(folder) = places.get(&key.directory).filter(|_| !service && *whole) else { continue };
            let Some(folder) = self.folders.get_mut(*folder) else { continue };
            self.foreign |= !Directory::CLASSES.contains(&&*key.class);
            // Higher cycles come first.
            let place = folder.keys.iter().position(|(other, _)| other.name == key.name && other.cycle < key.cycle);
            folder.keys.insert(place.unwrap_or(folder.keys.len()), (key.clone(), key_bytes.clone()));
        }
        Ok(())
    }

    /// The path of the directory whose record lies at an offset.
    pub(super) fn path(&self, at: u64) -> Option<&str> {
        self.paths.get(&at).map(String::as_str)
    }

    /// Bytes that all of this needs.
    pub(super) fn end(&self) -> u64 {
        let blocks = self.folders.iter().map(|folder| folder.block_at.saturating_add(Directory::LEN as u64));
        let keys = self.folders.iter().flat_map(|folder| &folder.keys);
        let records = keys.map(|(key, _)| key.at.saturating_add(key.nbytes.into()));
        blocks.chain(records).max().unwrap_or(0).max(self.head.len() as u64)
    }

    /// What the target starts with; it has the first `end` bytes of the source already.
    pub(super) fn salvage(self, file: &File, evidence: &Evidence, end: u64) -> Result<SalvagedFile> {
        let streamer_info = self.streamer_info(file, evidence)?;
        let Self { header, head, base_name, folders, .. } = self;
        Ok(SalvagedFile { header, head, base_name, folders, streamer_info, end })
    }

    fn streamer_info(&self, file: &File, evidence: &Evidence) -> Result<Option<(Vec<u8>, u16)>> {
        let is_list =
            |object: &&Object| &*object.key.class == "TList" && &*object.key.name == "StreamerInfo" && object.whole;
        let mut lists = evidence.objects.iter().filter(is_list);
        let told = lists.clone().find(|object| object.key.at == self.header.streamer_info.0);
        let Some(Object { key, end, .. }) = told.or_else(|| lists.next_back()) else { return Ok(None) };
        let payload =
            file.read(|| "streamer info".to_owned(), key.payload_at(), end.saturating_sub(key.payload_at()))?;
        Ok(envelopes::plain(&payload, key.object_len.into()).map(|plain| (plain, key.key_len)))
    }
}

/// Keys with their bytes.
type Keys = Vec<(Key, Vec<u8>)>;

/// The keys of a key list record, if it can be read.
fn key_list(file: &File, at: u64, len: u64) -> Result<Option<Keys>> {
    if at.checked_add(len).is_none_or(|end| end > file.size()) {
        return Ok(None);
    }
    let record = file.read(|| "key list".to_owned(), at, len)?;
    let keys = Key::parse(&record, at).and_then(|key| {
        let payload = record.get(usize::from(key.key_len)..).unwrap_or_default();
        let keys: Keys =
            raw_keys(payload, key.payload_at())?.into_iter().map(|(key, bytes)| (key, bytes.to_owned())).collect();
        // A list has no checksum, but nothing behind its keys.
        let len = size_of::<u32>() + keys.iter().map(|(_, bytes)| bytes.len()).sum::<usize>();
        Ok((len == payload.len()).then_some(keys))
    });
    Ok(keys.ok().flatten())
}

/// As many of the bytes at an offset as the file has.
fn up_to(file: &File, at: u64, most: usize) -> Result<Vec<u8>> {
    file.read_up_to(|| "directory".to_owned(), at.min(file.size()), most)
}

/// The block of a subdirectory, if it is one.
fn block(file: &File, key: &Key) -> Result<Option<Directory>> {
    let bytes = up_to(file, key.payload_at(), Directory::LEN)?;
    let block = Directory::parse(&bytes, key.payload_at()).ok();
    Ok(block.filter(|block| block.at == key.at && bytes.len() == Directory::LEN))
}
