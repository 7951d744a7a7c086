//! The values of a data set as one address space, so that it is read like a file.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, PoisonError, RwLock};

use rntuple_core::container::objects::{AKEY_FOOTER, AKEY_HEADER, DaosAnchor, DaosEnvelope, NativeAnchor, ObjectPlace};
use rntuple_core::container::root_file::{Anchor, EnvelopePlace};
use rntuple_core::metadata::{ClusterPages, Footer, Locator};
use rntuple_core::page::sealed_len;
use rntuple_core::{Context, Error as FormatError};

use super::layout::Range;
use super::{KeyedRead, KeyedStore, Keys, Part};
use crate::error::{Error, Result};
use crate::storage::{Access, ByteSource, ReadRange};

/// Bits of an address that count bytes within a value; those above number the values.
const OFFSET_BITS: u32 = 34;
const MAX_VALUE: u64 = 1 << OFFSET_BITS;
/// How many values a data set may have.
const MAX_VALUES: usize = 1 << 29;
/// Ranges of more bytes are only believed if the store says that they are there: memory is taken for them.
const TRUSTED: u64 = 64 << 20;

/// The values of a data set, each with a number by which it is addressed. They get their numbers when they are first named.
#[derive(Debug)]
pub(crate) struct ObjectSpace {
    /// The store, for messages.
    name: Arc<str>,
    pub(crate) store: Arc<dyn KeyedStore>,
    pub(crate) keys: Keys,
    table: RwLock<Table>,
}

#[derive(Debug, Default)]
struct Table {
    parts: Vec<Part>,
    numbers: HashMap<Part, usize>,
}

/// A data set that was found: its values, and its anchor with addresses in place of offsets.
pub(crate) type Found = (Arc<ObjectSpace>, Anchor);

/// Opens the data set of a base: of the native layout, or else of the key-value layout.
pub(crate) fn open(name: &Arc<str>, store: Arc<dyn KeyedStore>, base: &str) -> Result<Found> {
    let base = base.trim_matches('/');
    if base.is_empty() {
        return Err(Error::Argument { file: Arc::clone(name), reason: "a data set needs a key".to_owned() });
    }
    if let Some(found) = open_native(name, Arc::clone(&store), base)? {
        return Ok(found);
    }
    if let Some(found) = open_key_value(name, store, Keys::key_value(base))? {
        return Ok(found);
    }
    let hint = format!("; there is no anchor under '{base}'");
    Err(Error::NotFound { file: Arc::clone(name), path: base.to_owned(), hint })
}

fn open_native(name: &Arc<str>, store: Arc<dyn KeyedStore>, base: &str) -> Result<Option<Found>> {
    let Some(bytes) = get(name, &*store, base, NativeAnchor::MAX_LEN)? else { return Ok(None) };
    let format = |e| in_anchor(name, base, e);
    let anchor = NativeAnchor::parse(&bytes).map_err(format)?;
    let bad = |reason| format(FormatError::Inconsistent { what: "anchor", reason });
    let space = ObjectSpace::new(name, store, Keys::native(base, &anchor).map_err(bad)?);
    let place = |what: &'static str, at: ObjectPlace| {
        let range = Range { part: Part::object(at.object), offset: at.offset, size: at.stored };
        let offset = space.address(range, at.stored).context(|| what.to_owned()).map_err(format)?;
        Ok(EnvelopePlace { offset, stored: at.stored, length: at.length })
    };
    let (header, footer) = (place("header envelope", anchor.header)?, place("footer envelope", anchor.footer)?);
    Ok(Some((Arc::new(space), Anchor::new(anchor.version, header, footer, 0))))
}

/// Opens the data set that has these keys, if there is one.
pub(crate) fn open_key_value(name: &Arc<str>, store: Arc<dyn KeyedStore>, keys: Keys) -> Result<Option<Found>> {
    let key = keys.anchor();
    let Some(bytes) = get(name, &*store, &key, DaosAnchor::MAX_LEN)? else { return Ok(None) };
    let format = |e| in_anchor(name, &key, e);
    let anchor = DaosAnchor::parse(&bytes).map_err(format)?;
    let space = ObjectSpace::new(name, store, keys);
    let place = |what: &'static str, akey: u64, at: DaosEnvelope| {
        let range = Range { part: Part::metadata(akey), offset: 0, size: at.stored };
        let offset = space.address(range, at.stored).context(|| what.to_owned()).map_err(format)?;
        Ok(EnvelopePlace { offset, stored: at.stored, length: at.length })
    };
    let header = place("header envelope", AKEY_HEADER, anchor.header)?;
    let footer = place("footer envelope", AKEY_FOOTER, anchor.footer)?;
    Ok(Some((Arc::new(space), Anchor::new(anchor.version, header, footer, 0))))
}

fn get(name: &Arc<str>, store: &dyn KeyedStore, key: &str, most: usize) -> Result<Option<Vec<u8>>> {
    store.get_whole(key, most).map_err(|e| Error::io(name, format!("anchor '{key}'"), e))
}

fn in_anchor(name: &Arc<str>, key: &str, error: FormatError) -> Error {
    Error::Format { file: Arc::clone(name), source: Arc::new(error.within(format!("anchor '{key}'"))) }
}

impl ObjectSpace {
    fn new(name: &Arc<str>, store: Arc<dyn KeyedStore>, keys: Keys) -> Self {
        Self { name: Arc::clone(name), store, keys, table: RwLock::default() }
    }

    /// The address of a range. Its `len` bytes fit in memory, or are there.
    fn address(&self, range: Range, len: u64) -> rntuple_core::Result<u64> {
        let Range { part, offset, .. } = range;
        let end = offset.checked_add(len).filter(|end| *end <= MAX_VALUE);
        let Some(end) = end else {
            let reason = format!("{len} bytes at byte {offset} of '{}' are more than a value has", self.keys.key(part));
            return Err(FormatError::Inconsistent { what: "locator", reason });
        };
        if len > TRUSTED {
            let key = self.keys.key(part);
            let size = self.store.size(&key).map_err(|e| {
                FormatError::Storage(Box::new(Error::io(&self.name, "looking for an object", named(&key, &e))))
            })?;
            if size.is_none_or(|size| size < end) {
                let there = size.map_or("is missing".to_owned(), |size| format!("has {size} bytes"));
                let reason = format!("{len} bytes at byte {offset} of '{key}', which {there}");
                return Err(FormatError::Inconsistent { what: "locator", reason });
            }
        }
        let known = self.table.read().unwrap_or_else(PoisonError::into_inner).numbers.get(&part).copied();
        let number = match known {
            Some(number) => number,
            None => {
                let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
                let next = table.parts.len();
                if next >= MAX_VALUES {
                    let (value, limit) = (next as u64, MAX_VALUES as u64);
                    return Err(FormatError::Limit { what: "number of objects", value, limit });
                }
                let number = *table.numbers.entry(part).or_insert(next);
                if number == next {
                    table.parts.push(part);
                }
                number
            }
        };
        Ok((number as u64) << OFFSET_BITS | offset)
    }

    /// Gives the page lists of a footer their addresses.
    pub(crate) fn place_page_lists(&self, footer: &mut Footer) -> rntuple_core::Result<()> {
        for (group, n) in footer.cluster_groups.iter_mut().zip(0..) {
            let locator = &mut group.page_list.locator;
            *locator = match self.keys.page_list(*locator) {
                Some(range) => {
                    let address = self.address(range, range.size);
                    let offset = address.context(|| format!("page list of cluster group {n}"))?;
                    Locator::File { size: range.size, offset }
                }
                None => foreign(*locator),
            };
        }
        Ok(())
    }

    /// Gives the pages of clusters their addresses.
    pub(crate) fn place_pages(&self, clusters: &mut [ClusterPages]) -> rntuple_core::Result<()> {
        for cluster in clusters {
            for column in &mut cluster.columns {
                for page in &mut column.pages {
                    let what = || format!("page of column {} in cluster {}", column.column.0, cluster.summary.id);
                    page.locator = match self.keys.page(page.locator, cluster.summary.id, column.column) {
                        Some(range) => {
                            let len = sealed_len(page).unwrap_or(u64::MAX);
                            let offset = self.address(range, len).context(what)?;
                            Locator::File { size: range.size, offset }
                        }
                        None => foreign(page.locator),
                    };
                }
            }
        }
        Ok(())
    }

    /// The keys of all values that have an address.
    pub(super) fn named(&self) -> Vec<String> {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        table.parts.iter().map(|part| self.keys.key(*part)).collect()
    }

    /// Fills buffers with what lies at their addresses, with one call of the store; gives what came of each.
    fn read_ranges(&self, ranges: &mut [(u64, &mut [u8])]) -> Vec<io::Result<()>> {
        let key = |(address, buffer): &(u64, &mut [u8])| {
            // Ranges that reach from one value into the next make no sense.
            let inside = (address & (MAX_VALUE - 1)) + buffer.len() as u64 <= MAX_VALUE;
            self.part(*address).filter(|_| inside).map(|part| self.keys.key(part))
        };
        let keys: Vec<Option<String>> = ranges.iter().map(key).collect();
        let named_ranges = keys.iter().zip(ranges.iter_mut());
        let mut reads: Vec<KeyedRead<'_>> = named_ranges
            .filter_map(|(key, (address, buffer))| {
                Some(KeyedRead::new(key.as_deref()?, *address & (MAX_VALUE - 1), buffer))
            })
            .collect();
        self.store.get(&mut reads);
        let mut read = reads.into_iter();
        let result = |key: &Option<String>| match key.as_ref().and_then(|_| read.next()) {
            Some(KeyedRead { key, result, .. }) => result.map_err(|error| named(key, &error)),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        };
        keys.iter().map(result).collect()
    }

    /// The key of the value that has an address, and the offset in it.
    pub(crate) fn place(&self, address: u64) -> Option<(String, u64)> {
        Some((self.keys.key(self.part(address)?), address & (MAX_VALUE - 1)))
    }

    fn part(&self, address: u64) -> Option<Part> {
        let number = usize::try_from(address >> OFFSET_BITS).ok()?;
        self.table.read().unwrap_or_else(PoisonError::into_inner).parts.get(number).copied()
    }
}

/// A locator that says nothing in a store: an offset in a file would be taken for an address.
fn foreign(locator: Locator) -> Locator {
    match locator {
        Locator::File { .. } => Locator::Unknown { kind: 0 },
        other => other,
    }
}

/// An error that says which value it is about.
fn named(key: &str, error: &io::Error) -> io::Error {
    let what = match error.kind() {
        io::ErrorKind::NotFound => "is missing".to_owned(),
        io::ErrorKind::UnexpectedEof => "is too short".to_owned(),
        _ => error.to_string(),
    };
    io::Error::new(error.kind(), format!("object '{key}': {what}"))
}

impl ByteSource for ObjectSpace {
    fn size(&self) -> u64 {
        (MAX_VALUES as u64) << OFFSET_BITS
    }

    fn read_at(&self, address: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.read_ranges(&mut [(address, buffer)]).pop().unwrap_or(Ok(()))
    }

    fn read_many(&self, reads: &mut [ReadRange<'_>], _: usize) {
        let mut ranges: Vec<_> = reads.iter_mut().map(|read| (read.offset, &mut *read.buffer)).collect();
        let results = self.read_ranges(&mut ranges);
        reads.iter_mut().zip(results).for_each(|(read, result)| read.result = result);
    }

    fn access(&self) -> Access {
        self.store.access()
    }
}
