//! Where the decoder gets its pages from.

use bytes::Bytes;

use crate::error::Result;
use crate::memory::Memory;
use crate::metadata::ColumnPages;
use crate::schema::{ColumnId, ColumnType};

/// A page that was verified and decompressed.
#[derive(Debug, Clone, Copy)]
pub struct UnsealedPage<'a> {
    /// Its bytes.
    pub bytes: &'a [u8],
    /// Type of their elements: that of the column, or, for a page kept in the form of
    /// [`kept_form`](crate::page::kept_form), the one that it says.
    pub kind: ColumnType,
    /// The same bytes, if arrays may hold on to their memory.
    pub shared: Option<&'a Bytes>,
}

/// Gives unsealed pages to the decoder. Clusters are numbered as in the [segments](super::Segment) to decode.
pub trait PageSource: Sync {
    /// The pages of a column in a cluster.
    ///
    /// # Errors
    /// When the source does not have this column.
    fn pages(&self, cluster: usize, column: ColumnId) -> Result<&ColumnPages>;

    /// The column whose pages are read for an index column: another one where both have the same pages in this cluster.
    fn same_pages(&self, _cluster: usize, column: ColumnId) -> ColumnId {
        column
    }

    /// Says that page `first` is read next, and after it those up to `last`, so that they can be fetched together.
    ///
    /// # Errors
    /// Those of the storage.
    fn announce(&self, cluster: usize, column: ColumnId, first: usize, last: usize) -> Result<()>;

    /// Hands an unsealed page to `consume`. With `again` it is likely to be asked for again.
    ///
    /// # Errors
    /// When the page cannot be had or unsealed, and those of `consume`.
    fn with_page(
        &self,
        cluster: usize,
        column: ColumnId,
        page: usize,
        again: bool,
        consume: &mut dyn FnMut(UnsealedPage<'_>) -> Result<()>,
    ) -> Result<()>;

    /// Unseals a page straight into `out`, which has the size of the unsealed page.
    ///
    /// # Errors
    /// When the page cannot be had or unsealed.
    fn page_into(&self, cluster: usize, column: ColumnId, page: usize, out: &mut [u8]) -> Result<()>;

    /// Where in a cluster the collection before element `element` of an index column ends, if [`PageSource::keep_end`] was
    /// told. Saves adding up a page from its beginning.
    fn end_before(&self, _cluster: usize, _column: ColumnId, _element: u64) -> Option<u64> {
        None
    }

    /// Takes note of an end that [`PageSource::end_before`] is likely to be asked for.
    fn keep_end(&self, _cluster: usize, _column: ColumnId, _element: u64, _end: u64) {}

    /// Memory for an array, with room for `capacity` bytes.
    fn memory(&self, capacity: usize) -> Memory {
        Memory::new(capacity)
    }

    /// Runs `task` for each of `0..n`, in parallel if the source has threads for it.
    fn run(&self, n: usize, task: &(dyn Fn(usize) + Sync)) {
        (0..n).for_each(task);
    }
}
