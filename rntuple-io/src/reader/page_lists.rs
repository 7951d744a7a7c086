//! Page lists, read when needed and only as far as needed.
//!
//! The first time a page list is asked for, it is streamed: decompressed piece by piece, with nothing kept but the
//! columns asked for. Whoever asks a second time is likely to ask again, so then it is kept decompressed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rntuple_core::Context;
use rntuple_core::compression::BlockReader;
use rntuple_core::metadata::{ClusterPages, Footer, Locator, PageListReader};
use rntuple_core::schema::ColumnId;

use super::file::place;
use super::ntuple::Inner;
use crate::error::Result;

/// Bytes of decompressed page lists that are kept.
const KEEP: usize = 64 << 20;

#[derive(Debug)]
pub(super) struct PageLists {
    /// Number of the first cluster of each group.
    first_clusters: Vec<u64>,
    seen: Mutex<HashMap<usize, Option<Arc<Vec<u8>>>>>,
}

impl PageLists {
    pub(super) fn new(footer: &Footer) -> Self {
        let first = |next: &mut u64, clusters: u32| {
            let first = *next;
            *next += u64::from(clusters);
            Some(first)
        };
        let clusters = footer.cluster_groups.iter().map(|group| group.clusters);
        let first_clusters = clusters.scan(0, first).collect();
        Self { first_clusters, seen: Mutex::default() }
    }

    /// Notes that the page list of a group is asked for. Gives its bytes if they are kept, and whether to keep them.
    fn visit(&self, group: usize) -> (Option<Arc<Vec<u8>>>, bool) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match seen.get(&group) {
            Some(kept) => (kept.clone(), true),
            None => {
                seen.insert(group, None);
                (None, false)
            }
        }
    }

    fn keep(&self, group: usize, bytes: &Arc<Vec<u8>>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let kept: usize = seen.values().flatten().map(|bytes| bytes.len()).sum();
        if kept + bytes.len() > KEEP {
            seen.values_mut().for_each(|kept| *kept = None);
        }
        if bytes.len() <= KEEP {
            seen.insert(group, Some(Arc::clone(bytes)));
        }
    }
}

impl Inner {
    /// The clusters of a group, with the pages of some columns (ascending).
    pub(super) fn clusters(&self, group: usize, columns: &[ColumnId]) -> Result<Vec<ClusterPages>> {
        let (Some(description), Some(&first_cluster)) =
            (self.footer.cluster_groups.get(group), self.page_lists.first_clusters.get(group))
        else {
            return Ok(Vec::new());
        };
        let reader = PageListReader {
            schema: &self.schema,
            header_checksum: self.header.checksum,
            group: description,
            first_cluster,
        };
        let what = || format!("page list of cluster group {group}");
        let link = description.page_list;
        let format = |e: rntuple_core::Error| self.file.format(e.within(place(&what(), link.locator)));

        let (kept, again) = self.page_lists.visit(group);
        if let Some(bytes) = kept {
            return reader.read(bytes.as_slice(), columns).map_err(format);
        }
        let max_key_size = self.anchor.max_key_size;
        if again && link.length <= KEEP as u64 {
            let bytes = Arc::new(self.file.read_envelope(what, link.locator, link.length, max_key_size)?);
            self.page_lists.keep(group, &bytes);
            return reader.read(bytes.as_slice(), columns).map_err(format);
        }
        let sealed = self.file.read_sealed_envelope(what, link.locator, link.length, max_key_size)?;
        let length = usize::try_from(link.length).unwrap_or(usize::MAX);
        let stream = BlockReader::new(&sealed, length).context(what).map_err(|e| self.file.format(e))?;
        reader.read(stream, columns).map_err(format)
    }

    /// Which groups hold entries of a range.
    pub(super) fn groups(&self, first: u64, end: u64) -> std::ops::Range<usize> {
        let groups = &self.footer.cluster_groups;
        let start = groups.partition_point(|group| group.first_entry.saturating_add(group.entries) <= first);
        let stop = groups.partition_point(|group| group.first_entry < end);
        start..stop.max(start)
    }
}

/// Offset and length in the file, for pages that lie in files.
pub(super) fn file_range(locator: &Locator) -> Option<(u64, u64)> {
    match *locator {
        Locator::File { size, offset } => Some((offset, size)),
        _ => None,
    }
}
