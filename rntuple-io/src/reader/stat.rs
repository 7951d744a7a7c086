//! How much room each column takes.

use std::collections::HashSet;

use rntuple_core::metadata::{ClusterPages, Locator};
use rntuple_core::schema::ColumnId;

use super::ntuple::NTuple;
use crate::error::Result;

/// Storage of one physical column, over all clusters.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ColumnStat {
    /// The column.
    pub column: ColumnId,
    /// Number of pages.
    pub pages: u64,
    /// Number of elements on these pages.
    pub elements: u64,
    /// Bytes of the pages as stored, checksums left out. A page that is stored once for several places counts once.
    pub stored_bytes: u64,
    /// Bytes of the pages before compression.
    pub raw_bytes: u64,
    /// The compression settings that occur, ascending (algorithm * 100 + level).
    pub compression: Vec<u32>,
    /// Number of clusters in which the column holds the data of its field.
    pub clusters: u64,
}

impl NTuple {
    /// What each column takes on storage, by column id. Reads all page lists, but no page.
    ///
    /// # Errors
    /// [`crate::Error::Format`] and [`crate::Error::Io`] when a page list cannot be read.
    pub fn stat(&self) -> Result<Vec<ColumnStat>> {
        self.stat_with(&mut |_| ())
    }

    /// [`NTuple::stat`] that also hands over every cluster on the way, with the pages of all columns, by column id.
    ///
    /// # Errors
    /// As [`NTuple::stat`].
    pub fn stat_with(&self, each: &mut dyn FnMut(&ClusterPages)) -> Result<Vec<ColumnStat>> {
        let columns: Vec<ColumnId> = self.data.schema.columns().iter().map(|column| column.id).collect();
        let empty = |&column: &ColumnId| ColumnStat {
            column,
            pages: 0,
            elements: 0,
            stored_bytes: 0,
            raw_bytes: 0,
            compression: Vec::new(),
            clusters: 0,
        };
        let mut stats: Vec<ColumnStat> = columns.iter().map(empty).collect();
        let mut seen: HashSet<Locator> = HashSet::new();
        for group in 0..self.cluster_group_count() {
            for cluster in self.data.clusters(group, &columns)? {
                each(&cluster);
                for ((stat, pages), column) in stats.iter_mut().zip(&cluster.columns).zip(self.data.schema.columns()) {
                    let Some(compression) = pages.compression else { continue };
                    stat.clusters += 1;
                    if let Err(i) = stat.compression.binary_search(&compression) {
                        stat.compression.insert(i, compression);
                    }
                    for page in &pages.pages {
                        stat.pages += 1;
                        stat.elements += u64::from(page.elements);
                        stat.raw_bytes += column.page_len(page.elements);
                        if seen.insert(page.locator) {
                            stat.stored_bytes = stat.stored_bytes.saturating_add(page.locator.size().unwrap_or(0));
                        }
                    }
                }
            }
        }
        Ok(stats)
    }
}
