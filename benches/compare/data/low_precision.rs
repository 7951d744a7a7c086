//! Floats stored with fewer bits.

use std::path::Path;

use rntuple_io::WriteOptions;

use super::columns::Columns;
use super::{BATCH, write};
use crate::Done;

/// Ten floats each as half precision, with 9 bits of mantissa, and as 12-bit integers. They are rounded when they are
/// written: what is compared is what each reader makes of the same bits.
pub(super) fn make(path: &Path) -> Done<()> {
    let options = WriteOptions::default()
        .encoding("half_*", "Real16".parse()?)
        .encoding("cut_*", "Real32Trunc(18)".parse()?)
        .encoding("quant_*", "Real32Quant(12;0;1)".parse()?);
    write(path, options, 1_000_000, BATCH, |first, rows| {
        let mut columns = Columns::new(first, rows);
        for i in 0..10 {
            columns.floats(&format!("half_{i}"), |random| single(random.normal()));
            columns.floats(&format!("cut_{i}"), |random| single(random.exponential(30.0)));
            columns.floats(&format!("quant_{i}"), |random| single(random.uniform()));
        }
        columns.finish()
    })
}

#[expect(clippy::cast_possible_truncation, reason = "a float is what is wanted")]
fn single(value: f64) -> f32 {
    value as f32
}
