//! Page lists, read when needed and only as far as needed.
//!
//! The first time a page list is asked for, it is streamed: decompressed piece by piece, with nothing kept but the
//! columns asked for. Whoever asks a second time is likely to ask again, so then it is kept decompressed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rntuple_core::metadata::Footer;

/// Bytes of decompressed page lists that are kept.
pub(super) const KEEP: usize = 64 << 20;

#[derive(Debug)]
pub(super) struct PageLists {
    /// Number of the first cluster of each group.
    pub(super) first_clusters: Vec<u64>,
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
    pub(super) fn visit(&self, group: usize) -> (Option<Arc<Vec<u8>>>, bool) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match seen.get(&group) {
            Some(kept) => (kept.clone(), true),
            None => {
                seen.insert(group, None);
                (None, false)
            }
        }
    }

    pub(super) fn keep(&self, group: usize, bytes: &Arc<Vec<u8>>) {
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
