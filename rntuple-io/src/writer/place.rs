//! Where the pages of a cluster go.

use std::borrow::Cow;
use std::collections::HashMap;

use rntuple_core::metadata::Locator;
use rntuple_core::page::CHECKSUM_LEN;
use rntuple_core::schema::ColumnId;

use super::container::Container;
use super::objects::Objects;
use crate::error::Result;
use crate::storage::keyed::ObjectLayout;

/// Most bytes of pages in one record, where the data set has no lower limit.
const MAX_RECORD: u64 = 1 << 30;
/// Objects are put together up to this many of them, and bytes.
const MAX_BATCH: usize = 256;
const MAX_BATCH_BYTES: u64 = 128 << 20;
/// What ROOT's locators of shared objects can count to: objects, and bytes in them.
pub(super) const MAX_SHARED: u64 = (1 << 30) - 1;

/// Takes the pages of a cluster, column after column, and says where each lies. `'a` is how long their bytes are there.
pub(super) trait Placer<'a> {
    /// The pages that follow are of this column.
    fn column(&mut self, column: ColumnId) -> Result<()>;

    /// Takes a page; `checksum`: its last 8 bytes are one.
    fn place(&mut self, checksum: bool, bytes: &'a [u8]) -> Result<Locator>;

    /// Writes what is left.
    fn flush(&mut self) -> Result<()>;
}

/// The pages of a cluster by checksum, to store identical ones once. Those without a checksum are not compared.
struct Seen<'a> {
    /// Whether identical pages are stored once.
    merging: bool,
    pages: HashMap<u64, (&'a [u8], Locator)>,
}

impl<'a> Seen<'a> {
    fn new(merging: bool) -> Self {
        Self { merging, pages: HashMap::new() }
    }

    fn checksum(&self, checksum: bool, page: &[u8]) -> Option<u64> {
        page.last_chunk().filter(|_| self.merging && checksum).copied().map(u64::from_le_bytes)
    }

    fn find(&self, checksum: bool, bytes: &[u8]) -> Option<Locator> {
        let (other, locator) = self.pages.get(&self.checksum(checksum, bytes)?)?;
        (*other == bytes).then_some(*locator)
    }

    fn add(&mut self, checksum: bool, bytes: &'a [u8], locator: Locator) {
        if let Some(checksum) = self.checksum(checksum, bytes) {
            self.pages.entry(checksum).or_insert((bytes, locator));
        }
    }
}

/// Bytes of a page without its checksum.
fn size(checksum: bool, bytes: &[u8]) -> u64 {
    bytes.len().saturating_sub(if checksum { CHECKSUM_LEN } else { 0 }) as u64
}

/// Puts pages into records of a ROOT file.
pub(super) struct FilePlacer<'a, 'b> {
    container: &'b mut Container,
    max_key_size: u64,
    /// Most bytes of pages in one record, unless a single page has more.
    max_record: u64,
    /// What the open record has so far, and where its payload will lie.
    open: Vec<&'a [u8]>,
    open_len: u64,
    open_at: u64,
    seen: Seen<'a>,
}

impl<'b> FilePlacer<'_, 'b> {
    pub(super) fn new(container: &'b mut Container, max_key_size: u64, merging: bool) -> Result<Self> {
        let max_record = if max_key_size == 0 { MAX_RECORD } else { max_key_size.min(MAX_RECORD) };
        let open_at = container.next_blob_at()?;
        let seen = Seen::new(merging);
        Ok(Self { container, max_key_size, max_record, open: Vec::new(), open_len: 0, open_at, seen })
    }
}

impl<'a> Placer<'a> for FilePlacer<'a, '_> {
    fn column(&mut self, _: ColumnId) -> Result<()> {
        Ok(())
    }

    fn place(&mut self, checksum: bool, bytes: &'a [u8]) -> Result<Locator> {
        if let Some(locator) = self.seen.find(checksum, bytes) {
            return Ok(locator);
        }
        let len = bytes.len() as u64;
        let offset = if len > self.max_record {
            self.flush()?;
            let offset = self.container.payload(bytes, self.max_key_size)?;
            self.open_at = self.container.next_blob_at()?;
            offset
        } else {
            if self.open_len + len > self.max_record {
                self.flush()?;
            }
            let offset = self.open_at + self.open_len;
            self.open.push(bytes);
            self.open_len += len;
            offset
        };
        let locator = Locator::File { size: size(checksum, bytes), offset };
        self.seen.add(checksum, bytes, locator);
        Ok(locator)
    }

    fn flush(&mut self) -> Result<()> {
        if self.open_len > 0 {
            self.container.blob(&self.open)?;
        }
        self.open.clear();
        self.open_len = 0;
        self.open_at = self.container.next_blob_at()?;
        Ok(())
    }
}

/// Puts pages into objects: as many into one as its size allows, in the key-value layout only those of one column.
pub(super) struct ObjectPlacer<'a, 'b> {
    objects: &'b mut Objects,
    cluster: u64,
    column: ColumnId,
    /// The pages of the open object, and its number.
    open: Vec<&'a [u8]>,
    open_len: u64,
    number: u64,
    /// Complete objects, and their bytes.
    complete: Vec<(String, Cow<'a, [u8]>)>,
    complete_len: u64,
    seen: Seen<'a>,
}

impl<'a, 'b> ObjectPlacer<'a, 'b> {
    pub(super) fn new(objects: &'b mut Objects, cluster: u64, merging: bool) -> Self {
        Self {
            objects,
            cluster,
            column: ColumnId(0),
            open: Vec::new(),
            open_len: 0,
            number: 0,
            complete: Vec::new(),
            complete_len: 0,
            seen: Seen::new(merging),
        }
    }

    /// Ends the open object.
    fn end_object(&mut self) -> Result<()> {
        let object = match self.open.as_slice() {
            [] => return Ok(()),
            [page] => Cow::Borrowed(*page),
            pages => Cow::Owned(pages.concat()),
        };
        self.open.clear();
        self.open_len = 0;
        self.complete(self.number, object)
    }

    fn complete(&mut self, number: u64, object: Cow<'a, [u8]>) -> Result<()> {
        self.complete_len += object.len() as u64;
        self.complete.push((self.objects.page_key(self.cluster, self.column, number), object));
        if self.complete.len() < MAX_BATCH && self.complete_len < MAX_BATCH_BYTES {
            return Ok(());
        }
        self.put()
    }

    fn put(&mut self) -> Result<()> {
        let values: Vec<(&str, &[u8])> = self.complete.iter().map(|(key, object)| (key.as_str(), &**object)).collect();
        self.objects.put(&values)?;
        self.complete.clear();
        self.complete_len = 0;
        Ok(())
    }
}

impl<'a> Placer<'a> for ObjectPlacer<'a, '_> {
    fn column(&mut self, column: ColumnId) -> Result<()> {
        if self.objects.layout() == ObjectLayout::KeyValue {
            // The key of an object has the number of the column.
            self.end_object()?;
            self.seen.pages.clear();
        }
        self.column = column;
        Ok(())
    }

    fn place(&mut self, checksum: bool, bytes: &'a [u8]) -> Result<Locator> {
        if let Some(locator) = self.seen.find(checksum, bytes) {
            return Ok(locator);
        }
        let (size, len) = (size(checksum, bytes), bytes.len() as u64);
        let most = self.objects.object_size();
        if self.open_len + len > most {
            self.end_object()?;
        }
        let locator = if len > most {
            let location = self.objects.take_number();
            self.complete(location, Cow::Borrowed(bytes))?;
            Locator::Object { size, location }
        } else {
            if self.open.is_empty() {
                self.number = self.objects.take_number();
            }
            let object = u32::try_from(self.number).ok().filter(|_| self.number <= MAX_SHARED);
            let (Some(object), Ok(offset)) = (object, u32::try_from(self.open_len)) else {
                return Err(self.objects.argument(format!("it has more than {MAX_SHARED} objects: make them larger")));
            };
            self.open.push(bytes);
            self.open_len += len;
            Locator::Multi { size, object, offset }
        };
        self.seen.add(checksum, bytes, locator);
        Ok(locator)
    }

    fn flush(&mut self) -> Result<()> {
        self.end_object()?;
        self.put()
    }
}
