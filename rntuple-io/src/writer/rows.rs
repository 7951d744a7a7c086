//! Rust structs on their way into record batches.

use arrow::array::RecordBatch;
use rntuple_core::Result;
use rntuple_core::row::{Row, RowBuffer};

/// Rows that are collected before they are taken apart into columns.
const ROWS: usize = 16_384;
/// How often the bytes of the rows are counted.
const CHECK: usize = 256;
/// Bytes of rows that are collected, as far as the counting notices: so few that they are still in a cache of the
/// processor when they are taken apart.
const BYTES: usize = 512 << 10;

/// Rows that are not appended yet.
#[derive(Debug, Default)]
pub(super) struct PendingRows(RowBuffer);

impl PendingRows {
    /// Adds a row; gives the batches that are due.
    #[inline]
    pub(super) fn push<T: Row>(&mut self, row: &T) -> Result<[Option<RecordBatch>; 2]> {
        let other_type = self.0.push(row)?;
        let len = self.0.len();
        let full = len.is_multiple_of(CHECK) && (len >= ROWS || self.0.size() >= BYTES);
        Ok([other_type, if full { self.0.finish()? } else { None }])
    }

    /// What is left.
    pub(super) fn take(&mut self) -> Result<Option<RecordBatch>> {
        self.0.finish()
    }

    pub(super) fn len(&self) -> u64 {
        self.0.len() as u64
    }
}
