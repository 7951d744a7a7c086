//! The rows of a scan as Rust structs.

use std::fmt;

use rntuple_core::row::{ReadRow, RowReader};

use super::batches::Batches;
use super::file::File;
use crate::error::Result;

/// The rows of a scan, in order of entries; made by [`Scan::rows`](super::Scan::rows). Ends after the first error.
pub struct Rows<T: ReadRow> {
    batches: Batches,
    file: File,
    next_entry: u64,
    batch: Option<RowReader<T>>,
    failed: bool,
}

impl<T: ReadRow> Rows<T> {
    pub(super) fn new(batches: Batches, file: File) -> Self {
        let next_entry = batches.entries().start;
        Self { batches, file, next_entry, batch: None, failed: false }
    }

    /// The next row over another one, whose vectors and strings it takes over: nothing is allocated for what they have
    /// room for. `false` behind the last row and after an error, and the other row is as it was.
    ///
    /// ```no_run
    /// use rntuple_io::{Reader, Row};
    ///
    /// #[derive(Row, Default)]
    /// struct Event {
    ///     run: u32,
    ///     #[rntuple(rename = "Muon_pt")]
    ///     muon_pt: Vec<f32>,
    /// }
    ///
    /// # fn main() -> rntuple_io::Result<()> {
    /// let mut rows = Reader::open("events.root")?.only()?.scan().rows::<Event>()?;
    /// let mut event = Event::default();
    /// while rows.read_into(&mut event)? {
    ///     println!("{} muons in run {}", event.muon_pt.len(), event.run);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As the iterator gives; the row may then be partly the next one.
    #[inline]
    pub fn read_into(&mut self, row: &mut T) -> Result<bool> {
        loop {
            if self.failed {
                return Ok(false);
            }
            let done = self.batch.as_mut().map_or(Ok(false), |batch| batch.next_into(row));
            match done {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(error) => {
                    self.failed = true;
                    return Err(self.file.format(error));
                }
            }
            self.batch = None;
            match self.refill() {
                None => return Ok(false),
                Some(Ok(())) => {}
                Some(Err(error)) => {
                    self.failed = true;
                    return Err(error);
                }
            }
        }
    }

    fn refill(&mut self) -> Option<Result<()>> {
        let batch = match self.batches.next()? {
            Ok(batch) => batch,
            Err(error) => return Some(Err(error)),
        };
        let reader = RowReader::new(&batch).map_err(|e| self.file.format(e));
        let first = self.next_entry;
        self.next_entry += batch.num_rows() as u64;
        Some(reader.map(|reader| self.batch = Some(reader.first_entry(first))))
    }
}

impl<T: ReadRow> Iterator for Rows<T> {
    type Item = Result<T>;

    #[inline]
    fn next(&mut self) -> Option<Result<T>> {
        loop {
            if self.failed {
                return None;
            }
            if let Some(row) = self.batch.as_mut().and_then(Iterator::next) {
                self.failed = row.is_err();
                return Some(row.map_err(|e| self.file.format(e)));
            }
            self.batch = None;
            if let Err(error) = self.refill()? {
                self.failed = true;
                return Some(Err(error));
            }
        }
    }
}

impl<T: ReadRow> fmt::Debug for Rows<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows").field("batches", &self.batches).finish_non_exhaustive()
    }
}
