//! What is written from memory: 20 vectors of floats and 20 floats per entry.

use std::path::Path;

use arrow::array::Float32Array;
use rntuple_benches::truncated;
use rntuple_io::WriteOptions;

use super::columns::{Columns, items};
use super::{BATCH, write};
use crate::Done;

/// Number of entries.
pub(crate) const ENTRIES: usize = 400_000;

pub(super) fn make(path: &Path) -> Done<()> {
    write(path, WriteOptions::default(), ENTRIES, BATCH, |first, rows| {
        let mut columns = Columns::new(first, rows);
        for i in 0..20 {
            let name = format!("v{i}");
            let sizes = columns.sizes(&format!("size{i}"), |random| random.poisson(3.0));
            let mut random = columns.random(&name);
            let values = (0..items(&sizes)).map(|_| truncated(random.exponential(30.0)));
            columns.list(&name, &sizes, Float32Array::from_iter_values(values))?;
            columns.floats(&format!("s{i}"), |random| truncated(random.exponential(30.0)));
        }
        columns.finish()
    })
}
