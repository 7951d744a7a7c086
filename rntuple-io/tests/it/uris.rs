//! Files named by URIs.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch};
use rntuple_io::{Checkpoint, Error, FileWriter, Reader, WriteOptions, Writer};

/// Entries that fill several parts of an upload, as nothing compresses them.
fn noise(entries: usize) -> RecordBatch {
    let mut state = 1_u64;
    let number = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from_bits((state >> 12) | 0x3ff0_0000_0000_0000)
    };
    let column: ArrayRef = Arc::new(Float64Array::from_iter_values((0..entries).map(number)));
    RecordBatch::try_from_iter([("x", column)]).unwrap()
}

/// Whether a batch has the values that were written from an entry on. What the fields say of their types may differ.
fn same(read: &RecordBatch, written: &RecordBatch, first: usize) -> bool {
    read.columns() == written.slice(first, read.num_rows()).columns()
}

#[test]
fn written_and_read_by_uri() {
    for entries in [0, 1, 1000, 6_000_000] {
        let uri = format!("memory://uris/{entries}.root");
        let batch = noise(entries);
        let mut writer = Writer::create(&uri, "data", batch.schema(), WriteOptions::default()).unwrap();
        writer.append(&batch).unwrap();
        assert!(matches!(Reader::open(&uri), Err(Error::Io { .. })), "visible before it is complete");
        let written = writer.finish().unwrap();
        let data = Reader::open(&uri).unwrap().only().unwrap();
        let mut seen = 0;
        for read in data.scan().open().unwrap() {
            let read = read.unwrap();
            assert!(same(&read, &batch, seen), "{entries}: entries from {seen} on differ");
            seen += read.num_rows();
        }
        assert_eq!(seen, entries);
        let metrics = data.metrics();
        assert!(metrics.bytes_read <= written.file_size + (330 << 10), "{metrics:?} of {}", written.file_size);
        if entries < 10_000 {
            assert_eq!(metrics.requests, 2, "start and end of the object have all of it");
        } else {
            let most = 2 + 2 + written.file_size / (8 << 20) * 2;
            assert!(metrics.requests <= most, "{} requests for {} bytes", metrics.requests, written.file_size);
        }
    }
}

#[test]
fn what_cannot_be_done_with_objects() {
    let batch = noise(10);
    let uri = "memory://uris/other.root";
    let options = WriteOptions::default().checkpoint(Checkpoint::Clusters(1));
    let error = Writer::create(uri, "data", batch.schema(), options).unwrap_err();
    assert!(matches!(&error, Error::Argument { .. }) && error.to_string().contains("local file"), "{error}");
    let error = FileWriter::open(uri, &WriteOptions::default()).unwrap_err();
    assert!(matches!(&error, Error::Argument { .. }) && error.to_string().contains("local file"), "{error}");
    let error = Reader::open("memory://uris/nothing.root").unwrap_err();
    assert!(matches!(&error, Error::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound), "{error}");
}

#[test]
fn single_entries_take_one_round_each() {
    let uri = "memory://uris/random.root";
    let batch = noise(3_000_000);
    let mut writer = Writer::create(uri, "data", batch.schema(), WriteOptions::default()).unwrap();
    writer.append(&batch).unwrap();
    writer.finish().unwrap();
    let data = Reader::open(uri).unwrap().only().unwrap();
    let mut entries = data.scan().random_access().unwrap();
    assert!(same(&entries.read(0..1).unwrap(), &batch, 0));
    let before = data.metrics().requests;
    for i in [100_000, 1_500_000, 2_999_999] {
        assert!(same(&entries.read(i..i + 1).unwrap(), &batch, usize::try_from(i).unwrap()));
    }
    assert!(data.metrics().requests - before <= 3);
}
