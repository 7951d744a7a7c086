//! The pages of a cluster, and which columns have them in common.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::Deref;

use rntuple_core::metadata::{ClusterPages, ColumnPages};
use rntuple_core::schema::{ColumnId, ColumnType, Schema};

/// The pages of a cluster, in the columns of a plan.
///
/// Fields such as `Muon_pt` and `Muon_eta` have an index column each, all with the same values, and writers store
/// identical pages once. Such columns are read once.
#[derive(Debug)]
pub(super) struct Cluster {
    pages: ClusterPages,
    /// For index columns, the first one with the same pages, if that is another one.
    same: HashMap<ColumnId, ColumnId>,
}

impl Deref for Cluster {
    type Target = ClusterPages;

    fn deref(&self) -> &ClusterPages {
        &self.pages
    }
}

impl Cluster {
    pub(super) fn new(pages: ClusterPages, schema: &Schema) -> Self {
        let mut first: HashMap<_, (&ColumnPages, ColumnType)> = HashMap::new();
        let mut same = HashMap::new();
        for column in &pages.columns {
            let kind = schema.column(column.column).map(|column| column.kind).filter(|kind| kind.is_index());
            let (Some(kind), Some(page)) = (kind, column.pages.first()) else { continue };
            match first.entry((page.locator, column.elements)) {
                Entry::Vacant(entry) => {
                    entry.insert((column, kind));
                }
                Entry::Occupied(entry) => {
                    let (other, other_kind) = *entry.get();
                    if kind == other_kind && column.zeros == other.zeros && column.pages == other.pages {
                        same.insert(column.column, other.column);
                    }
                }
            }
        }
        Self { pages, same }
    }

    /// The column whose pages are read for this one.
    pub(super) fn same_pages(&self, column: ColumnId) -> ColumnId {
        self.same.get(&column).copied().unwrap_or(column)
    }

    /// The columns whose pages are read, with their positions in the plan.
    pub(super) fn read_columns(&self) -> impl Iterator<Item = (usize, &ColumnPages)> {
        self.pages.columns.iter().enumerate().filter(|(_, column)| !self.same.contains_key(&column.column))
    }
}
