//! Many columns, of which few are read.

use std::path::Path;

use arrow::array::{Float32Array, Int32Array};
use rntuple_benches::truncated;
use rntuple_io::{WriteOptions, Writer};

use super::columns::{Columns, items};
use super::{BATCH, write};
use crate::Done;

const COLUMNS: u16 = 10_000;
const CLUSTERS: u16 = 100;
const ENTRIES: u16 = 10;
/// Two columns of 10,000.
pub(crate) const TWO: &[&str] = &["col_17", "col_9000"];
/// Six fields of 1,479.
pub(crate) const SIX: &[&str] = &["c0_f0", "c0_f1", "c0_f2", "c0_i0", "flag_3", "number_5"];

/// 10,000 floats, in small clusters: a million pages of 10 elements.
pub(super) fn sparse(path: &Path) -> Done<()> {
    let batch = |cluster: u16| {
        let mut columns = Columns::new(0, ENTRIES.into());
        for i in 0..COLUMNS {
            let value = |entry: u16| f32::from(i) * 0.5 + f32::from(entry) + f32::from(cluster);
            columns.add(format!("col_{i}"), Float32Array::from_iter_values((0..ENTRIES).map(value)));
        }
        columns.finish()
    };
    let mut writer = Writer::create(path, "Events", batch(0)?.schema(), WriteOptions::default())?;
    for cluster in 0..CLUSTERS {
        writer.append(&batch(cluster)?)?;
        writer.flush_cluster()?;
    }
    writer.finish()?;
    Ok(())
}

/// 1,479 fields: 40 collections of 14 members, 700 bits, 219 numbers.
pub(super) fn nano(path: &Path) -> Done<()> {
    write(path, WriteOptions::default(), 50_000, BATCH, |first, rows| {
        let mut columns = Columns::new(first, rows);
        for c in 0..40 {
            let sizes = columns.sizes(&format!("c{c}"), |random| random.poisson(1.0));
            for i in 0..10 {
                let name = format!("c{c}_f{i}");
                let mut random = columns.random(&name);
                let values = (0..items(&sizes)).map(|_| truncated(random.exponential(30.0)));
                columns.list(&name, &sizes, Float32Array::from_iter_values(values))?;
            }
            for i in 0..4 {
                let name = format!("c{c}_i{i}");
                let mut random = columns.random(&name);
                let values = (0..items(&sizes)).map(|_| random.below(8).cast_signed());
                columns.list(&name, &sizes, Int32Array::from_iter_values(values))?;
            }
        }
        for i in 0..700 {
            columns.bools(&format!("flag_{i}"), |random| random.below(1000) < 1 + i);
        }
        for i in 0..219 {
            columns.floats(&format!("number_{i}"), |random| truncated(random.exponential(30.0)));
        }
        columns.finish()
    })
}
