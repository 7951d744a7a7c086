//! What is known of an open RNTuple, shared by all that read from it.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use rntuple_core::arrow::{Plan, Projection, ReadOptions};
use rntuple_core::compression::BlockReader;
use rntuple_core::container::root_file::{Anchor, EnvelopePlace};
use rntuple_core::memory::Pool;
use rntuple_core::metadata::{ClusterPages, Footer, Header, Locator, PageInfo, PageListReader};
use rntuple_core::page::sealed_len;
use rntuple_core::schema::{ColumnId, Schema};
use rntuple_core::{Context, Error as FormatError};

use super::fetch::{PageKey, Wanted, fetch};
use super::file::{File, file_range, place};
use super::page_lists::{KEEP, PageLists};
use crate::error::Result;
use crate::storage::keyed::ObjectSpace;
use crate::threads::Threads;

#[derive(Debug)]
pub(crate) struct DataSet {
    pub(crate) file: File,
    /// The objects that stand for a file, where there is none: `file` reads from them.
    pub(crate) objects: Option<Arc<ObjectSpace>>,
    pub(crate) anchor: Anchor,
    pub(crate) header: Names,
    pub(crate) footer: Footer,
    pub(crate) schema: Arc<Schema>,
    pub(crate) entries: u64,
    pub(super) page_lists: PageLists,
    /// The plan to read all fields, once someone asked.
    everything: OnceLock<Plan>,
    /// The Arrow schema that was recorded, once someone asked.
    pub(super) logical: OnceLock<Option<SchemaRef>>,
}

/// What remains of the header once the schema is built.
#[derive(Debug)]
pub(crate) struct Names {
    pub(crate) name: Box<str>,
    pub(crate) description: Box<str>,
    pub(crate) writer: Box<str>,
    pub(crate) checksum: u64,
}

impl DataSet {
    pub(super) fn open(file: File, anchor: Anchor, objects: Option<Arc<ObjectSpace>>) -> Result<Self> {
        let envelope = |what: &'static str, at: EnvelopePlace| -> Result<(Vec<u8>, String)> {
            let locator = Locator::File { size: at.stored, offset: at.offset };
            let bytes = file.read_envelope(|| what.to_owned(), locator, at.length, anchor.max_key_size)?;
            Ok((bytes, place(what, locator)))
        };
        let (bytes, what) = envelope("header envelope", anchor.header)?;
        let header = Header::parse(&bytes).context(|| what).map_err(|e| file.format(e))?;
        let names = Names {
            name: header.name.clone(),
            description: header.description.clone(),
            writer: header.writer.clone(),
            checksum: header.checksum,
        };
        let (bytes, what) = envelope("footer envelope", anchor.footer)?;
        let format = |e: FormatError| file.format(e.within(what.clone()));
        let (mut footer, schema) = Footer::parse(&bytes, header).map_err(format)?;
        let entries = footer.entries().map_err(format)?;
        if let Some(objects) = &objects {
            objects.place_page_lists(&mut footer).map_err(format)?;
        }
        let page_lists = PageLists::default();
        let schema = Arc::new(schema);
        let (everything, logical) = Default::default();
        Ok(Self { file, objects, anchor, header: names, footer, schema, entries, page_lists, everything, logical })
    }

    /// The plan to read all fields, with the usual types.
    pub(super) fn everything(&self) -> Result<&Plan> {
        if let Some(plan) = self.everything.get() {
            return Ok(plan);
        }
        let plan = Plan::new(&self.schema, &Projection::all(), &ReadOptions::default());
        let plan = plan.map_err(|e| self.file.format(e))?;
        Ok(self.everything.get_or_init(|| plan))
    }

    /// The clusters of a group, with the pages of some columns (ascending).
    pub(crate) fn clusters(&self, group: usize, columns: &[ColumnId]) -> Result<Vec<ClusterPages>> {
        let mut clusters = self.listed_clusters(group, columns)?;
        if let Some(objects) = &self.objects {
            let placed = objects.place_pages(&mut clusters);
            placed.map_err(|e| self.file.format(e.within(format!("page list of cluster group {group}"))))?;
        }
        Ok(clusters)
    }

    /// The same, with their pages as the page list says where they are.
    fn listed_clusters(&self, group: usize, columns: &[ColumnId]) -> Result<Vec<ClusterPages>> {
        let Some(description) = self.footer.cluster_groups.get(group) else { return Ok(Vec::new()) };
        let reader = PageListReader { schema: &self.schema, header_checksum: self.header.checksum, group: description };
        let what = || format!("page list of cluster group {group}");
        let link = description.page_list;
        let format = |e: FormatError| self.file.format(e.within(place(&what(), link.locator)));

        let max_key_size = self.anchor.max_key_size;
        let kept = match self.page_lists.visit(group) {
            (None, true) if link.length <= KEEP as u64 => {
                let bytes = Arc::new(self.file.read_envelope(what, link.locator, link.length, max_key_size)?);
                self.page_lists.keep(group, &bytes);
                Some(bytes)
            }
            (kept, _) => kept,
        };
        if let Some(bytes) = kept {
            return reader.read(bytes.as_slice(), columns).map_err(format);
        }
        let sealed = self.file.read_sealed_envelope(what, link.locator, link.length, max_key_size)?;
        let length = usize::try_from(link.length).unwrap_or(usize::MAX);
        let stream = BlockReader::new(&sealed, length).context(what).map_err(|e| self.file.format(e))?;
        reader.read(stream, columns).map_err(format)
    }

    /// Pages as they are stored, with their checksums, which are not verified; without those that cannot be fetched
    /// together with others.
    pub(super) fn fetch_pages<'a>(
        &self,
        pages: impl ExactSizeIterator<Item = &'a PageInfo>,
        pool: &Arc<Pool>,
        threads: &Threads,
    ) -> Vec<Option<Bytes>> {
        let mut sealed: Vec<Option<Bytes>> = vec![None; pages.len()];
        let key = |page| PageKey { cluster: 0, column: 0, page };
        let wanted = pages.enumerate().filter_map(|(i, page)| Wanted::new(key(i), page, self.anchor.max_key_size));
        fetch(&self.file, pool, wanted.collect(), self.file.at_once(threads), |key, bytes| {
            if let Some(slot) = sealed.get_mut(key.page) {
                *slot = Some(bytes);
            }
        });
        sealed
    }

    /// A page as it is stored, with its checksum, which is not verified.
    pub(super) fn read_page(&self, what: impl Fn() -> String, page: &PageInfo) -> Result<Bytes> {
        let (Some((offset, _)), Some(len)) = (file_range(&page.locator), sealed_len(page)) else {
            let reason = format!("its locator ({:?}) does not point into a file", page.locator);
            return Err(self.file.format(FormatError::Inconsistent { what: "page", reason }.within(what())));
        };
        self.file.read_payload(what, offset, len, self.anchor.max_key_size).map(Bytes::from)
    }

    /// Pages as they are stored, with their checksums, which are not verified.
    pub(crate) fn sealed_pages(&self, pages: &[PageInfo], pool: &Arc<Pool>, threads: &Threads) -> Result<Vec<Bytes>> {
        let fetched = self.fetch_pages(pages.iter(), pool, threads);
        let read = |(sealed, page): (Option<Bytes>, &PageInfo)| match sealed {
            Some(sealed) => Ok(sealed),
            None => self.read_page(|| "page".to_owned(), page),
        };
        fetched.into_iter().zip(pages).map(read).collect()
    }

    /// Which groups hold entries of a range.
    pub(super) fn groups(&self, first: u64, end: u64) -> Range<usize> {
        let groups = &self.footer.cluster_groups;
        let start = groups.partition_point(|group| group.first_entry.saturating_add(group.entries) <= first);
        let stop = groups.partition_point(|group| group.first_entry < end);
        start..stop.max(start)
    }
}
