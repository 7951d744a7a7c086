//! A file beyond 2 GiB: the big layout of ROOT files, with 64-bit offsets.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, UInt64Array};
use arrow::datatypes::UInt64Type;
use rntuple_core::compression::CompressionSettings;
use rntuple_io::{FileWriter, Reader, WriteOptions, Writer};

const ROWS: u64 = 1 << 20;
const BATCHES: u64 = 280;

fn batch(first: u64) -> RecordBatch {
    let column: ArrayRef = Arc::new(UInt64Array::from_iter_values(first..first + ROWS));
    RecordBatch::try_from_iter([("number", column)]).unwrap()
}

/// Takes 2.3 GB of disk and some seconds: `cargo test --release -p rntuple-io --test it -- --ignored large`. With
/// `RNTUPLE_LARGE` set to a directory, the file stays there as `large.root`.
#[test]
#[ignore = "writes 2.3 GB"]
fn beyond_2_gib() {
    let directory = tempfile::tempdir().unwrap();
    let kept = std::env::var_os("RNTUPLE_LARGE").map(PathBuf::from);
    let path = kept.unwrap_or_else(|| directory.path().to_owned()).join("large.root");
    let options = || WriteOptions::default().compression(CompressionSettings::NONE);
    let mut writer = Writer::create(&path, "Large", batch(0).schema(), options()).unwrap();
    for i in 0..BATCHES {
        writer.append(&batch(i * ROWS)).unwrap();
    }
    let written = writer.finish().unwrap();
    assert!(written.file_size > (1 << 31) + (1 << 27), "{written:?}");
    // A small file becomes a large one when it grows, and takes further data sets.
    let file = FileWriter::open(&path, &options()).unwrap();
    let mut writer = file.reopen("Large", options()).unwrap();
    writer.append(&batch(BATCHES * ROWS)).unwrap();
    writer.finish().unwrap();
    let mut small = file.ntuple("deep/Small", batch(0).schema(), options()).unwrap();
    small.append(&batch(7).slice(0, 10)).unwrap();
    small.finish().unwrap();
    file.finish().unwrap();

    let reader = Reader::open(&path).unwrap();
    assert_eq!(reader.ntuple("deep/Small").unwrap().entries(), 10);
    let ntuple = reader.ntuple("Large").unwrap();
    assert_eq!(ntuple.entries(), (BATCHES + 1) * ROWS);
    let report = ntuple.verify(&|_, _| {}).unwrap();
    assert!(report.damage.is_empty(), "{:?}", report.damage);
    let mut next = 0;
    for batch in ntuple.scan().open().unwrap() {
        let batch = batch.unwrap();
        let values = batch.column(0).as_primitive::<UInt64Type>();
        assert!(values.values().iter().copied().eq(next..next + values.len() as u64));
        next += values.len() as u64;
    }
    assert_eq!(next, ntuple.entries());
}
