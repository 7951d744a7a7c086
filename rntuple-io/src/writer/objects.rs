//! The objects of a data set that is being written to a store that has keys (format-spec/objects.md).
//!
//! Nothing that exists is written over before the commit, which is the anchor: a writer has numbers of its own for its
//! objects. What a writer leaves that does not finish is found by [`orphans`](crate::storage::keyed::orphans).

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::sync::Arc;

use rntuple_core::container::objects::{AKEY_FOOTER, AKEY_HEADER, DaosAnchor, DaosEnvelope, NativeAnchor, ObjectPlace};
use rntuple_core::container::root_file::Anchor;
use rntuple_core::metadata::{EnvelopeKind, Locator};
use rntuple_core::schema::ColumnId;

use super::options::WriteOptions;
use super::place::MAX_SHARED;
use crate::error::{Error, Result};
use crate::path::split;
use crate::reader::NTuple;
use crate::storage::keyed::{Created, KeyedStore, Keys, ObjectLayout, Part, is_number};

/// How many unfinished or replaced data sets may lie under one base.
const MAX_RUNS: u32 = 1000;

/// The objects of a data set.
#[derive(Debug)]
pub(super) struct Objects {
    name: Arc<str>,
    store: Arc<dyn KeyedStore>,
    base: String,
    layout: ObjectLayout,
    keys: Keys,
    /// The templates of the native anchor.
    templates: (String, String),
    object_size: u64,
    /// The number of the next object; of the next page list, in the key-value layout.
    next: u64,
    next_page_list: u64,
    /// Bytes that were put.
    size: u64,
    /// Whether the anchor must not replace another one.
    new: bool,
    /// What is put with the commit: the anchor comes last.
    held: Vec<(String, Vec<u8>)>,
    failed: bool,
}

impl Objects {
    /// Starts a data set under a key.
    pub(super) fn create(
        name: Arc<str>,
        store: Arc<dyn KeyedStore>,
        base: &str,
        options: &WriteOptions,
    ) -> Result<Self> {
        let base = base.trim_matches('/').to_owned();
        let layout = options.object_layout;
        let (keys, url, clone) = match layout {
            ObjectLayout::Native => Keys::of_run(&base, None),
            ObjectLayout::KeyValue => (Keys::key_value(&base), String::new(), String::new()),
        };
        let mut objects = Self {
            name,
            store,
            base,
            layout,
            keys,
            templates: (url, clone),
            object_size: options.object_size.min(MAX_SHARED),
            next: 0,
            next_page_list: 0,
            size: 0,
            new: !options.overwrite,
            held: Vec::new(),
            failed: false,
        };
        objects.check_base(options.overwrite)?;
        Ok(objects)
    }

    fn check_base(&mut self, overwrite: bool) -> Result<()> {
        let (_, last) = split(&self.base);
        if last.is_empty() || is_number(last) || self.base.split('/').any(|part| matches!(part, "" | "." | "..")) {
            let reason = format!("'{}' is no key for a data set: its last part must be a name", self.base);
            return Err(self.argument(reason));
        }
        let other = match self.layout {
            ObjectLayout::Native => Keys::key_value(&self.base).anchor(),
            ObjectLayout::KeyValue => self.base.clone(),
        };
        if self.exists(&other)? {
            return Err(self.argument("a data set of another layout is there: remove it first"));
        }
        if !overwrite && self.exists(&self.keys.anchor())? {
            return Err(self.argument("there is a data set already; ask for it to be overwritten"));
        }
        if self.layout == ObjectLayout::KeyValue && overwrite {
            let there = NTuple::from_store(Arc::clone(&self.name), Arc::clone(&self.store), &self.base);
            if matches!(there, Err(Error::NotFound { .. })) && self.exists(&self.keys.anchor())? {
                return Err(self.argument("a data set with another name has the same number: choose another name"));
            }
            self.go_behind_others()?;
        }
        Ok(())
    }

    fn exists(&self, key: &str) -> Result<bool> {
        let size = self.store.size(key);
        Ok(size.map_err(|e| Error::io(&self.name, format!("looking for '{key}'"), e))?.is_some())
    }

    /// Starts with attribute keys that are not in use.
    fn go_behind_others(&mut self) -> Result<()> {
        let Keys::KeyValue { prefix } = &self.keys else { return Ok(()) };
        let listed = self.store.list(prefix).map_err(|e| Error::io(&self.name, format!("listing '{prefix}'"), e))?;
        let metadata = self.keys.key(Part::metadata(0));
        let (metadata, _) = split(&metadata);
        let page_lists =
            self.keys.page_list(Locator::Object { size: 0, location: 0 }).map(|list| self.keys.key(list.part));
        let page_lists = page_lists.as_deref().map_or("", |key| split(key).0);
        for key in &listed {
            let (above, akey) = split(key);
            let Ok(akey) = u64::from_str_radix(akey, 16) else { continue };
            if above == metadata {
                continue;
            }
            if akey >= MAX_SHARED {
                let reason = format!("'{key}' leaves no numbers for more values: remove what is there first");
                return Err(self.argument(reason));
            }
            let next = if above == page_lists { &mut self.next_page_list } else { &mut self.next };
            *next = (*next).max(akey + 1);
        }
        Ok(())
    }

    /// The objects of an attribute set of this data set.
    pub(super) fn attribute_set(&self, name: &str, options: &WriteOptions) -> Result<Self> {
        let base = self.keys.attribute_set(name).map_err(|reason| self.argument(reason))?;
        // Nobody else knows of the objects of this writer.
        let options = WriteOptions { overwrite: true, ..options.clone() };
        Self::create(Arc::clone(&self.name), Arc::clone(&self.store), &base, &options)
    }

    pub(super) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(super) fn layout(&self) -> ObjectLayout {
        self.layout
    }

    /// The name that the data set must have, where its keys say so.
    pub(super) fn wanted_name(&self) -> Option<&str> {
        self.keys.name_of(&self.base)
    }

    pub(super) fn object_size(&self) -> u64 {
        self.object_size
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    pub(super) fn argument(&self, reason: impl Into<String>) -> Error {
        Error::Argument { file: Arc::clone(&self.name), reason: reason.into() }
    }

    /// A number for an object.
    pub(super) fn take_number(&mut self) -> u64 {
        let number = self.next;
        self.next += 1;
        number
    }

    /// The key of an object with pages.
    pub(super) fn page_key(&self, cluster: u64, column: ColumnId, number: u64) -> String {
        let part = self.keys.page(Locator::Object { size: 0, location: number }, cluster, column);
        part.map(|range| self.keys.key(range.part)).unwrap_or_default()
    }

    /// Refuses everything after the first error: what is lost must not become visible.
    fn guarded<T>(&mut self, what: &str, step: impl FnOnce(&dyn KeyedStore) -> io::Result<T>) -> Result<T> {
        let done = if self.failed { Err(io::Error::other("an earlier write failed")) } else { step(&*self.store) };
        self.failed = done.is_err();
        done.map_err(|e| Error::io(&self.name, what, e))
    }

    pub(super) fn put(&mut self, values: &[(&str, &[u8])]) -> Result<()> {
        if values.is_empty() {
            return Ok(());
        }
        self.guarded("writing objects", |store| store.put(values))?;
        self.size += values.iter().map(|(_, value)| value.len() as u64).sum::<u64>();
        Ok(())
    }

    /// Writes an envelope; gives its number.
    pub(super) fn envelope(&mut self, kind: EnvelopeKind, packed: Vec<u8>) -> Result<u64> {
        match (self.layout, kind) {
            (ObjectLayout::Native, EnvelopeKind::Header) => self.claim_run(&packed),
            (ObjectLayout::Native, _) => {
                let number = self.take_number();
                let key = self.keys.key(Part::object(number));
                self.put(&[(&key, &packed)])?;
                Ok(number)
            }
            (ObjectLayout::KeyValue, EnvelopeKind::PageList) => {
                let number = self.next_page_list;
                self.next_page_list += 1;
                let list = self.keys.page_list(Locator::Object { size: 0, location: number });
                let key = list.map(|range| self.keys.key(range.part)).unwrap_or_default();
                self.put(&[(&key, &packed)])?;
                Ok(number)
            }
            (ObjectLayout::KeyValue, EnvelopeKind::Header) => {
                let key = self.keys.key(Part::metadata(AKEY_HEADER));
                if self.new {
                    // Of two writers that start together, one stops here.
                    self.claim(&key, &packed)?;
                } else {
                    self.held.push((key, packed));
                }
                Ok(0)
            }
            (ObjectLayout::KeyValue, EnvelopeKind::Footer) => {
                let key = self.keys.key(Part::metadata(AKEY_FOOTER));
                self.held.push((key, packed));
                Ok(0)
            }
        }
    }

    fn claim(&mut self, key: &str, header: &[u8]) -> Result<()> {
        match self.guarded("writing the header", |store| store.put_new(key, header))? {
            Created::Yes => self.size += header.len() as u64,
            Created::Exists => {
                let reason = "a data set is being written there, or was not finished: remove what it left, or ask for it \
                              to be overwritten";
                return Err(self.argument(reason));
            }
        }
        Ok(())
    }

    /// Takes the first run that nobody has, by putting the header there: two writers never share objects. The first run
    /// has the names that ROOT gives. A store that does not guard is given a run that nobody else thinks of.
    fn claim_run(&mut self, header: &[u8]) -> Result<u64> {
        let number = self.take_number();
        if !self.store.guards() {
            let mut hasher = RandomState::new().build_hasher();
            hasher.write_u32(std::process::id());
            self.set_run(Some(&format!("{:016x}", hasher.finish())));
            let key = self.keys.key(Part::object(number));
            self.put(&[(&key, header)])?;
            return Ok(number);
        }
        for run in 0..MAX_RUNS {
            self.set_run(Some(run.to_string().as_str()).filter(|_| run > 0));
            let key = self.keys.key(Part::object(number));
            if self.guarded("writing the header", |store| store.put_new(&key, header))? == Created::Yes {
                self.size += header.len() as u64;
                return Ok(number);
            }
        }
        Err(self.argument(format!("there are {MAX_RUNS} unfinished or replaced data sets: remove what they left")))
    }

    fn set_run(&mut self, run: Option<&str>) {
        let (keys, url, clone) = Keys::of_run(&self.base, run);
        (self.keys, self.templates) = (keys, (url, clone));
    }

    /// Notes the anchor that the next commit puts.
    pub(super) fn set_anchor(&mut self, anchor: &Anchor) -> rntuple_core::Result<()> {
        let Anchor { version, header, footer, .. } = *anchor;
        let bytes = match self.layout {
            ObjectLayout::Native => {
                let [header, footer] = [header, footer].map(|at| ObjectPlace {
                    object: at.offset,
                    offset: 0,
                    stored: at.stored,
                    length: at.length,
                });
                let (url_template, clone_template) = self.templates.clone();
                NativeAnchor { version, url_template, clone_template, header, footer }.serialize().into_bytes()
            }
            ObjectLayout::KeyValue => {
                let [header, footer] = [header, footer].map(|at| DaosEnvelope { stored: at.stored, length: at.length });
                DaosAnchor { version, header, footer }.serialize()?
            }
        };
        self.held.push((self.keys.anchor(), bytes));
        Ok(())
    }

    /// Puts the anchor.
    pub(super) fn commit(&mut self) -> Result<()> {
        let held = std::mem::take(&mut self.held);
        let values: Vec<(&str, &[u8])> = held.iter().map(|(key, value)| (key.as_str(), value.as_slice())).collect();
        let Some((&(anchor_key, anchor), before)) = values.split_last() else { return Ok(()) };
        if !self.new && self.store.puts_at_once() {
            return self.put(&values);
        }
        self.put(before)?;
        if !self.new {
            return self.put(&[(anchor_key, anchor)]);
        }
        match self.guarded("writing the anchor", |store| store.put_new(anchor_key, anchor))? {
            Created::Yes => {
                self.size += anchor.len() as u64;
                // From here on, it is this writer's own.
                self.new = false;
                Ok(())
            }
            Created::Exists => {
                self.failed = true;
                Err(self.argument("another writer was first: its data set stays"))
            }
        }
    }

    pub(super) fn finish(mut self) -> Result<u64> {
        self.commit()?;
        if self.failed { Err(self.argument("an earlier write failed")) } else { Ok(self.size) }
    }
}
