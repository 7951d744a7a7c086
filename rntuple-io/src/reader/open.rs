//! Opening a ROOT file and finding the RNTuples in it.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rntuple_core::container::root_file::{Anchor, Directory, FileHeader, Key, StreamerInfoList, parse_key_list};
use rntuple_core::limits::{MAX_DIRECTORIES, MAX_DIRECTORY_DEPTH, MAX_KEY_LIST};
use rntuple_core::{Context, Error as FormatError};

use super::file::File;
use super::ntuple::NTuple;
use crate::error::{Error, Result};
use crate::path::join;
use crate::storage::keyed::{KeyedStore, data_sets};
use crate::storage::{ByteSource, Keyed, Storage};

/// An open ROOT file, or a store of data sets without a file, that knows which RNTuples it holds.
///
/// Opening reads the directories only. Cheap to clone; data sets opened from it stay valid when it is dropped.
#[derive(Debug, Clone)]
pub struct Reader {
    name: Arc<str>,
    origin: Origin,
    keys: Arc<[NTupleKey]>,
    damaged: Arc<[(String, Error)]>,
    others: Arc<[(String, String)]>,
}

/// Where the data sets are.
#[derive(Debug, Clone)]
enum Origin {
    File {
        file: File,
        /// Offset and size of the streamer info record.
        streamer_info: (u64, u32),
    },
    /// Under keys that end with their paths, all below one place.
    Store { store: Arc<dyn KeyedStore>, below: String },
    /// The only one, which is open already.
    DataSet(NTuple),
}

/// One RNTuple in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NTupleKey {
    /// Directories and name, joined by slashes; in a store, below what was opened.
    pub path: String,
    /// Cycle: of several with one path, the highest is the newest.
    pub cycle: u16,
    /// Whether no higher cycle of this path exists.
    pub newest: bool,
    /// The record of its anchor, if it is in a file.
    key: Option<Key>,
}

impl fmt::Display for NTupleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        if self.newest { Ok(()) } else { write!(f, ";{}", self.cycle) }
    }
}

impl Reader {
    /// Opens a file, given its path or URI, and lists its RNTuples. [`Storage`] tells which URIs there are.
    ///
    /// # Errors
    /// [`Error::Io`], and [`Error::Format`] when it is not a ROOT file or its directories are damaged.
    pub fn open(name: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(name, Storage::shared())
    }

    /// The same, with settings of one's own for what is not a local file.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn open_with(name: impl AsRef<Path>, storage: &Storage) -> Result<Self> {
        let path = name.as_ref();
        let name: Arc<str> = path.to_string_lossy().into();
        match storage.keyed(path, false).map_err(|e| Error::io(&name, "cannot be opened", e))? {
            Some(keyed) => Self::from_store(name, keyed),
            None => Self::from_file(File::open(path, storage)?),
        }
    }

    /// The data set of a key, or all below it.
    fn from_store(name: Arc<str>, Keyed { store, base, .. }: Keyed) -> Result<Self> {
        let (origin, paths) = match NTuple::from_store(Arc::clone(&name), Arc::clone(&store), &base) {
            Ok(ntuple) => {
                let path = ntuple.name().to_owned();
                (Origin::DataSet(ntuple), vec![path])
            }
            Err(Error::NotFound { .. } | Error::Argument { .. }) => {
                let below = if base.is_empty() { base } else { format!("{}/", base.trim_end_matches('/')) };
                let found = data_sets(Arc::clone(&name), &store, &below)?;
                if found.is_empty() && !below.is_empty() {
                    let hint = "; nothing is kept under this key".to_owned();
                    return Err(Error::NotFound { path: below.trim_end_matches('/').to_owned(), file: name, hint });
                }
                let relative = |key: String| key.strip_prefix(&below).map(str::to_owned).unwrap_or(key);
                let paths = found.into_iter().map(relative).collect();
                (Origin::Store { store, below }, paths)
            }
            Err(error) => return Err(error),
        };
        let keys = paths.into_iter().map(|path| NTupleKey { path, cycle: 1, newest: true, key: None }).collect();
        Ok(Self { name, origin, keys, damaged: Arc::new([]), others: Arc::new([]) })
    }

    /// Opens any byte source; `name` is for messages.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn from_source(name: impl Into<Arc<str>>, source: Arc<dyn ByteSource>) -> Result<Self> {
        Self::from_file(File::new(name, source))
    }

    pub(crate) fn from_file(file: File) -> Result<Self> {
        let what = || "file header".to_owned();
        let bytes = file.read_up_to(what, 0, FileHeader::LEN)?;
        let header = FileHeader::parse(&bytes).context(what).map_err(|e| file.format(e))?;
        let top = header.directory_at().context(what).map_err(|e| file.format(e))?;
        let mut finder = Finder {
            file: &file,
            seen: HashSet::new(),
            key_bytes: 0,
            newest: HashMap::new(),
            found: Vec::new(),
            damaged: Vec::new(),
            others: Vec::new(),
        };
        finder.directory(top, "", 0)?;
        let (keys, damaged, others) = (finder.found.into(), finder.damaged.into(), finder.others.into());
        let (name, streamer_info) = (Arc::clone(&file.name), header.streamer_info);
        Ok(Self { name, origin: Origin::File { file, streamer_info }, keys, damaged, others })
    }

    /// The file as it was named on opening.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Bytes of the file, if it is one.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        match &self.origin {
            Origin::File { file, .. } => Some(file.size()),
            Origin::Store { .. } | Origin::DataSet(_) => None,
        }
    }

    /// Every RNTuple, those in directories included, in the order of the file's key lists.
    #[must_use]
    pub fn list(&self) -> &[NTupleKey] {
        &self.keys
    }

    /// Directories below the top that cannot be read, with the reason. What is in them is not listed.
    #[must_use]
    pub fn damaged(&self) -> &[(String, Error)] {
        &self.damaged
    }

    /// Path and class of every other object of the file, such as a histogram or a `TTree`.
    #[must_use]
    pub fn other_objects(&self) -> &[(String, String)] {
        &self.others
    }

    /// The descriptions of C++ classes that the file carries; those of a store have none.
    ///
    /// # Errors
    /// [`Error::Io`], and [`Error::Format`] when they are damaged.
    pub fn streamer_info(&self) -> Result<StreamerInfoList> {
        match &self.origin {
            Origin::File { file, streamer_info } => file.streamer_info(*streamer_info),
            Origin::Store { .. } | Origin::DataSet(_) => Ok(StreamerInfoList::empty()),
        }
    }

    /// Opens the RNTuple at a path such as `Events`, `dir/sub/Events` or, for an older cycle, `Events;1`.
    ///
    /// # Errors
    /// [`Error::NotFound`], and [`Error::Format`] when its metadata cannot be read.
    pub fn ntuple(&self, path: &str) -> Result<NTuple> {
        self.open_key(self.find(path)?)
    }

    /// The RNTuple that a path means.
    pub(crate) fn find(&self, path: &str) -> Result<&NTupleKey> {
        let wanted = path.strip_prefix('/').unwrap_or(path);
        let with_cycle = wanted.rsplit_once(';').and_then(|(path, cycle)| Some((path, cycle.parse::<u16>().ok()?)));
        let found = self.keys.iter().find(|key| key.path == wanted && key.newest).or_else(|| {
            let (path, cycle) = with_cycle?;
            self.keys.iter().find(|key| key.path == path && key.cycle == cycle)
        });
        found.ok_or_else(|| {
            let inside = |(directory, _): &&(String, Error)| {
                wanted.strip_prefix(directory.as_str()).is_some_and(|rest| rest.starts_with('/'))
            };
            if let Some((_, error)) = self.damaged.iter().find(inside) {
                return error.clone();
            }
            let hint = match &*self.keys {
                [] => "; the file holds none".to_owned(),
                keys => format!("; there are: {}", names(keys).join(", ")),
            };
            Error::NotFound { file: Arc::clone(&self.name), path: path.to_owned(), hint }
        })
    }

    /// Opens the only RNTuple of the file; older cycles of it do not count.
    ///
    /// # Errors
    /// [`Error::Choose`] when there are none or several, and those of [`Reader::ntuple`].
    pub fn only(&self) -> Result<NTuple> {
        let newest: Vec<&NTupleKey> = self.keys.iter().filter(|key| key.newest).collect();
        match (newest.as_slice(), &*self.damaged) {
            ([key], _) => self.open_key(key),
            ([], [(_, error), ..]) => Err(error.clone()),
            _ => Err(Error::Choose { file: Arc::clone(&self.name), paths: names(newest) }),
        }
    }

    pub(crate) fn open_key(&self, NTupleKey { path, key, .. }: &NTupleKey) -> Result<NTuple> {
        let what = || format!("anchor of '{path}'");
        match (&self.origin, key) {
            (Origin::File { file, .. }, Some(key)) => {
                let payload = file.read(what, key.payload_at(), key.payload_len().into())?;
                let anchor = Anchor::from_record(&payload, key.object_len)
                    .context(|| format!("{} at byte {}", what(), key.payload_at()))
                    .map_err(|e| file.format(e))?;
                NTuple::open(file.clone(), anchor)
            }
            (Origin::File { file, .. }, None) => {
                let hint = String::new();
                Err(Error::NotFound { file: Arc::clone(&file.name), path: path.clone(), hint })
            }
            (Origin::DataSet(ntuple), _) => Ok(ntuple.clone()),
            (Origin::Store { store, below }, _) => {
                NTuple::from_store(Arc::clone(&self.name), Arc::clone(store), &format!("{below}{path}"))
            }
        }
    }
}

fn names<'a>(keys: impl IntoIterator<Item = &'a NTupleKey>) -> Vec<String> {
    keys.into_iter().map(ToString::to_string).collect()
}

struct Finder<'a> {
    file: &'a File,
    /// Offsets of the directories and key lists visited, as a damaged file may have circles.
    seen: HashSet<u64>,
    /// Bytes of the key lists visited; no file has more of them than bytes.
    key_bytes: u64,
    /// Where in `found` the newest cycle of each path is.
    newest: HashMap<String, usize>,
    found: Vec<NTupleKey>,
    damaged: Vec<(String, Error)>,
    others: Vec<(String, String)>,
}

impl Finder<'_> {
    fn directory(&mut self, at: u64, path: &str, depth: usize) -> Result<()> {
        let place = || if path.is_empty() { "top directory".to_owned() } else { format!("directory '{path}'") };
        let limit = |what, value: usize, limit: usize| {
            self.file.format(FormatError::Limit { what, value: value as u64, limit: limit as u64 }.within(place()))
        };
        if depth > MAX_DIRECTORY_DEPTH {
            return Err(limit("depth of directories", depth, MAX_DIRECTORY_DEPTH));
        }
        if self.seen.len() >= MAX_DIRECTORIES {
            return Err(limit("number of directories", self.seen.len(), MAX_DIRECTORIES));
        }
        if !self.seen.insert(at) {
            return Ok(());
        }
        for key in self.keys(at, &place)? {
            let path = join(path, &key.name);
            if Directory::CLASSES.contains(&&*key.class) {
                if let Err(error) = self.directory(key.payload_at(), &path, depth + 1) {
                    self.damaged.push((path, error));
                }
            } else if &*key.class == Anchor::CLASS {
                self.add(path, key);
            } else {
                self.others.push((path, key.class.to_string()));
            }
        }
        Ok(())
    }

    fn add(&mut self, path: String, key: Key) {
        // Older cycles stand behind newer ones, but nothing is lost by not relying on it.
        let index = self.found.len();
        let newest = match self.newest.get_mut(&path) {
            None => {
                self.newest.insert(path.clone(), index);
                true
            }
            Some(known) => match self.found.get_mut(*known) {
                Some(other) if other.cycle < key.cycle => {
                    other.newest = false;
                    *known = index;
                    true
                }
                _ => false,
            },
        };
        self.found.push(NTupleKey { path, cycle: key.cycle, newest, key: Some(key) });
    }

    /// The keys of the directory whose block lies at `at`.
    fn keys(&mut self, at: u64, place: &dyn Fn() -> String) -> Result<Vec<Key>> {
        let bytes = self.file.read_up_to(place, at, Directory::LEN)?;
        let directory = Directory::parse(&bytes, at).context(place).map_err(|e| self.file.format(e))?;
        let what = || format!("key list of the {}", place());
        if directory.key_list_at == 0 || !self.seen.insert(directory.key_list_at) {
            return Ok(Vec::new());
        }
        let len = u64::from(directory.key_list_len);
        self.key_bytes = self.key_bytes.saturating_add(len);
        let limit = MAX_KEY_LIST.min(self.file.size());
        if self.key_bytes > limit {
            let what_is_limited = "size of the key lists of a file";
            let error = FormatError::Limit { what: what_is_limited, value: self.key_bytes, limit };
            return Err(self.file.format(error.within(what())));
        }
        let record = self.file.read(what, directory.key_list_at, len)?;
        let parse = || {
            let key = Key::parse(&record, directory.key_list_at)?;
            let payload = record.get(usize::from(key.key_len)..).unwrap_or_default();
            parse_key_list(payload, directory.key_list_at + u64::from(key.key_len))
        };
        parse().context(what).map_err(|e| self.file.format(e))
    }
}
