//! Many scans at once, and one scan whose fields share columns.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, RecordBatchReader, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use rayon::prelude::*;
use rntuple_core::Error as FormatError;
use rntuple_core::compression::CompressionSettings;
use rntuple_io::storage::{ByteSource, Memory, MemorySink};
use rntuple_io::{Error, FileWriter, NTuple, Reader, WriteOptions};

use crate::economy::{Counting, bytes as bytes_of};
use crate::support::{data, vectors, whole};
use crate::synthetic::Shape;

fn many_windows() -> NTuple {
    let shape = Shape { integers: 4, lists: 2, clusters: 20, pages: 4, rows: 50, ..Shape::default() };
    let source: Arc<dyn ByteSource> = Arc::new(Memory::new(shape.file().bytes));
    Reader::from_source("many windows", source).unwrap().ntuple("data").unwrap()
}

/// Scans that run on a pool wait for pages there. Were the pages read on the same pool, all would wait for ever.
#[test]
fn scans_inside_a_small_pool_end() {
    let ntuple = many_windows();
    let expected = whole(ntuple.scan(), ntuple.entries());
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        let scan = |_| -> Vec<RecordBatch> {
            ntuple.scan().memory(8 << 10).batch_rows(100).open().unwrap().map(Result::unwrap).collect()
        };
        let done: Vec<Vec<RecordBatch>> = pool.install(|| (0..8).into_par_iter().map(scan).collect());
        sender.send(done).unwrap();
    });
    let done = receiver.recv_timeout(Duration::from_secs(60)).expect("the scans wait for each other");
    for batches in done {
        assert_eq!(arrow::compute::concat_batches(&expected.schema(), &batches).unwrap(), expected);
    }
}

#[test]
fn threads_of_its_own() {
    let ntuple = many_windows();
    let expected = whole(ntuple.scan(), ntuple.entries());
    let batches: Vec<_> = ntuple.scan().threads(3).batch_rows(77).open().unwrap().map(Result::unwrap).collect();
    assert_eq!(arrow::compute::concat_batches(&expected.schema(), &batches).unwrap(), expected);
}

#[test]
fn arrow_reader() {
    let ntuple = many_windows();
    let reader = ntuple.scan().batch_rows(1000).open().unwrap().into_reader();
    assert_eq!(reader.schema(), ntuple.arrow_schema().unwrap());
    assert_eq!(reader.map(|batch| batch.unwrap().num_rows() as u64).sum::<u64>(), ntuple.entries());
}

/// Entries, and where they are cut into two clusters.
const MANY: (i32, usize) = (400_000, 250_000);

/// Numbers and texts in pages of 64 KiB, two clusters of them. Two of the numbers are larger than the others.
fn many_pages(options: WriteOptions) -> (RecordBatch, NTuple) {
    let integer = |i| if i == 140_000 || i == 170_000 { i } else { i % 1000 };
    let integers: ArrayRef = Arc::new(Int64Array::from_iter_values((0..MANY.0).map(integer).map(i64::from)));
    let reals: ArrayRef = Arc::new(Float64Array::from_iter_values((0..MANY.0).map(|i| f64::from(i).sqrt())));
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values((0..MANY.0).map(|i| format!("number {i}"))));
    let data = [("integers", integers, false), ("reals", reals, false), ("texts", texts, false)];
    let batch = RecordBatch::try_from_iter_with_nullable(data).unwrap();
    let sink = MemorySink::new();
    let options = options.max_unzipped_page_size(64 << 10);
    let file = FileWriter::to_sink("pages.root", Box::new(sink.clone()), &options).unwrap();
    let mut writer = file.ntuple("data", batch.schema(), options).unwrap();
    for part in [0..MANY.1, MANY.1..batch.num_rows()] {
        writer.append(&batch.slice(part.start, part.len())).unwrap();
        writer.flush_cluster().unwrap();
    }
    writer.finish().unwrap();
    file.finish().unwrap();
    let source: Arc<dyn ByteSource> = Arc::new(Memory::new(sink.bytes()));
    (batch, Reader::from_source("pages.root", source).unwrap().ntuple("data").unwrap())
}

/// Arrays that are large enough are filled by several threads, whether their pages are decoded or merely unsealed, and
/// whether the first and the last are needed whole or in part.
#[test]
fn several_threads_fill_one_array() {
    for compression in ["zstd:1", "none"] {
        let settings: CompressionSettings = compression.parse().unwrap();
        let (expected, ntuple) = many_pages(WriteOptions::default().compression(settings));
        for (from, to) in [(0, 400_000), (1, 399_999), (12_345, 250_000), (249_999, 390_000), (0, 150_000)] {
            let scan = ntuple.scan().entries(from..to).batch_rows(400_000).memory(64 << 20).threads(2);
            let batches: Vec<RecordBatch> = scan.open().unwrap().map(Result::unwrap).collect();
            let [batch] = &*batches else { panic!("{} batches", batches.len()) };
            let expected = expected.slice(usize::try_from(from).unwrap(), usize::try_from(to - from).unwrap());
            for (got, want) in batch.columns().iter().zip(expected.columns()) {
                assert_eq!(&arrow::compute::cast(got, want.data_type()).unwrap(), want, "{compression} {from}..{to}");
            }
        }
    }
}

/// A value on one of several pages that does not fit is named by its entry, and it is the first of them.
#[test]
fn several_threads_find_the_first_error() {
    let (batch, ntuple) = many_pages(WriteOptions::default());
    let read = |target: DataType| {
        let schema = Schema::new(vec![Field::new("integers", target, false)]);
        let scan = ntuple.scan().schema(Arc::new(schema)).batch_rows(400_000).memory(64 << 20).threads(2);
        scan.open().unwrap().next().unwrap()
    };
    let expected = arrow::compute::cast(batch.column(0), &DataType::Int32).unwrap();
    assert_eq!(read(DataType::Int32).unwrap().column(0), &expected);
    for _ in 0..10 {
        let error = read(DataType::Int16).unwrap_err();
        let Error::Format { source, .. } = &error else { panic!("{error:?}") };
        assert!(matches!(**source, FormatError::Value { entry: 140_000, .. }), "{error}");
    }
}

/// A projected field and its source are read from one column; its pages are read once for both.
#[test]
fn shared_columns_are_read_once() {
    let name = "projections";
    let expected = whole(data(name).scan(), data(name).entries());
    let bytes = std::fs::read(vectors().join(format!("{name}.root"))).unwrap();
    let size = bytes.len() as u64;
    let (source, ntuple) = Counting::of_bytes(bytes);
    source.take();
    let batches: Vec<_> = ntuple.scan().threads(1).batch_rows(3).open().unwrap().map(Result::unwrap).collect();
    assert_eq!(arrow::compute::concat_batches(&expected.schema(), &batches).unwrap(), expected);
    let read = bytes_of(&source.take());
    assert!(read < size, "{read} bytes of {size} were read");
}
