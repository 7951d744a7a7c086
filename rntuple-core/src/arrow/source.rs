//! Where the decoder gets its pages from.

use crate::error::Result;
use crate::metadata::ColumnPages;
use crate::schema::{ColumnId, ColumnType};

/// Gives unsealed pages to the decoder. Clusters are numbered as in the [segments](super::Segment) to decode.
pub trait PageSource: Sync {
    /// The pages of a column in a cluster.
    ///
    /// # Errors
    /// When the source does not have this column.
    fn pages(&self, cluster: usize, column: ColumnId) -> Result<&ColumnPages>;

    /// Says that page `first` is read next, and after it those up to `last`, so that they can be fetched together.
    ///
    /// # Errors
    /// Those of the storage.
    fn announce(&self, cluster: usize, column: ColumnId, first: usize, last: usize) -> Result<()>;

    /// Hands the unsealed bytes of a page to `consume`, with the type of their elements: that of the column, or, for a
    /// page kept in the form of [`kept_form`](crate::page::kept_form), the one that it says. With `again` the page is
    /// likely to be asked for again.
    ///
    /// # Errors
    /// When the page cannot be had or unsealed, and those of `consume`.
    fn with_page(
        &self,
        cluster: usize,
        column: ColumnId,
        page: usize,
        again: bool,
        consume: &mut dyn FnMut(&[u8], ColumnType) -> Result<()>,
    ) -> Result<()>;

    /// Unseals a page straight into `out`, which has the size of the unsealed page.
    ///
    /// # Errors
    /// When the page cannot be had or unsealed.
    fn page_into(&self, cluster: usize, column: ColumnId, page: usize, out: &mut [u8]) -> Result<()>;

    /// Runs `task` for each of `0..n`, in parallel if the source has threads for it.
    fn run(&self, n: usize, task: &(dyn Fn(usize) + Sync)) {
        (0..n).for_each(task);
    }
}
