//! The pages of a data set as they are, for tools that look at the bytes.

use std::collections::HashSet;

use rntuple_core::metadata::{Locator, PageInfo};
use rntuple_core::page::unseal;
use rntuple_core::schema::{Column, ColumnId};
use rntuple_core::{Context, Error as FormatError};

use super::file::place;
use super::ntuple::NTuple;
use crate::error::Result;

impl NTuple {
    /// Calls `each` with every page: its column, its place, and its bytes, verified and decompressed but not decoded.
    /// Pages that are stored once for several places come once. The order is that of clusters and columns.
    ///
    /// # Errors
    /// Those of `each`; [`crate::Error::Io`], and [`crate::Error::Format`] for a damaged page.
    pub fn unsealed_pages(&self, mut each: impl FnMut(&Column, &PageInfo, &[u8]) -> Result<()>) -> Result<()> {
        let data = &self.data;
        let columns: Vec<ColumnId> = data.schema.columns().iter().map(|column| column.id).collect();
        let mut seen: HashSet<Locator> = HashSet::new();
        let mut buffer = Vec::new();
        for group in 0..self.cluster_group_count() {
            for cluster in data.clusters(group, &columns)? {
                for (column, listed) in data.schema.columns().iter().zip(&cluster.columns) {
                    for page in listed.pages.iter().filter(|page| seen.insert(page.locator)) {
                        let what = || format!("page of column {} in cluster {}", column.id.0, cluster.summary.id);
                        let format = |e: FormatError| data.file.format(e);
                        let sealed = data.read_page(what, page)?;
                        let bytes = unseal(&sealed, page, column, &mut buffer)
                            .context(|| place(&what(), page.locator))
                            .map_err(format)?;
                        each(column, page, bytes)?;
                    }
                }
            }
        }
        Ok(())
    }
}
