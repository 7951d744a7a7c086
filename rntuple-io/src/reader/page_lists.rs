//! Page lists, read when needed and only as far as needed.
//!
//! The first time a page list is asked for, it is streamed: decompressed piece by piece, with nothing kept but the
//! columns asked for. Whoever asks a second time is likely to ask again, so then it is kept decompressed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes of decompressed page lists that are kept.
pub(super) const KEEP: usize = 64 << 20;

#[derive(Debug, Default)]
pub(super) struct PageLists {
    seen: Mutex<HashMap<usize, Option<Arc<Vec<u8>>>>>,
}

impl PageLists {
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

    /// Keeps a page list of at most [`KEEP`] bytes; others make room for it.
    pub(super) fn keep(&self, group: usize, bytes: &Arc<Vec<u8>>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let kept: usize = seen.values().flatten().map(|bytes| bytes.len()).sum();
        if kept + bytes.len() > KEEP {
            seen.values_mut().for_each(|kept| *kept = None);
        }
        seen.insert(group, Some(Arc::clone(bytes)));
    }
}
