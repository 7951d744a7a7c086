//! Flat data: numbers only, or nearly so.

use std::path::Path;

use arrow::array::{Float32Array, RecordBatch};
use arrow::buffer::OffsetBuffer;
use rntuple_benches::{Random, truncated};
use rntuple_core::compression::CompressionSettings;
use rntuple_io::WriteOptions;

use super::columns::{Columns, items};
use super::{BATCH, write};
use crate::Done;

/// Twelve fields of the 81 of [`higgs`].
pub(crate) const TWELVE: &[&str] = &["f0", "f1", "f2", "f3", "f10", "f20", "f30", "i0", "i7", "b0", "b5", "v3"];

/// Like published samples of B decays: three tracks, 26 doubles in all.
pub(super) fn lhcb(path: &Path) -> Done<()> {
    write(path, WriteOptions::default(), 2_000_000, BATCH, |first, rows| {
        let mut columns = Columns::new(first, rows);
        columns.doubles("B_FlightDistance", |random| random.exponential(12.0));
        columns.doubles("B_VertexChi2", |random| random.exponential(3.0));
        for track in ["H1", "H2", "H3"] {
            for axis in ["PX", "PY", "PZ"] {
                columns.doubles(&format!("{track}_{axis}"), |random| random.normal() * 2000.0);
            }
            columns.doubles(&format!("{track}_ProbK"), Random::uniform);
            columns.doubles(&format!("{track}_ProbPi"), Random::uniform);
            columns.doubles(&format!("{track}_Charge"), |random| f64::from(random.below(2)) * 2.0 - 1.0);
            columns.doubles(&format!("{track}_IPChi2"), |random| random.exponential(500.0));
            columns.doubles(&format!("{track}_isMuon"), |random| f64::from(u8::from(random.below(50) == 0)));
        }
        columns.finish()
    })
}

/// Like the ntuples that ATLAS published for Higgs searches: 81 fields.
pub(super) fn higgs(path: &Path) -> Done<()> {
    write(path, WriteOptions::default(), 500_000, BATCH, |first, rows| {
        let mut columns = Columns::new(first, rows);
        for i in 0..45 {
            columns.floats(&format!("f{i}"), |random| truncated(random.exponential(30.0)));
        }
        for i in 0..15 {
            columns.ints(&format!("i{i}"), |random| random.below(60).cast_signed());
        }
        for i in 0..11 {
            columns.bools(&format!("b{i}"), |random| random.below(4) == 0);
        }
        let sizes = columns.sizes("size", |random| random.poisson(2.0));
        for i in 0..10 {
            vector(&mut columns, &format!("v{i}"), &sizes)?;
        }
        columns.finish()
    })
}

/// Two gigabytes that hardly compress and are made fast.
pub(super) fn large(path: &Path) -> Done<()> {
    let options = WriteOptions::default().compression(CompressionSettings::new(501));
    write(path, options, 4_000_000, BATCH, large_batch)
}

fn large_batch(first: usize, rows: usize) -> Done<RecordBatch> {
    let mut columns = Columns::new(first, rows);
    for i in 0..64 {
        columns.doubles(&format!("d{i}"), Random::uniform);
    }
    let sizes = columns.sizes("size", |random| random.poisson(5.0));
    for i in 0..8 {
        vector(&mut columns, &format!("v{i}"), &sizes)?;
    }
    columns.finish()
}

fn vector(columns: &mut Columns, name: &str, sizes: &OffsetBuffer<i32>) -> Done<()> {
    let mut random = columns.random(name);
    let values = (0..items(sizes)).map(|_| truncated(random.exponential(30.0)));
    columns.list(name, sizes, Float32Array::from_iter_values(values))
}
