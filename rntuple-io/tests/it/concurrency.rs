//! Many scans at once, and one scan whose fields share columns.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use arrow::array::{RecordBatch, RecordBatchReader};
use rayon::prelude::*;
use rntuple_io::storage::{ByteSource, Memory};
use rntuple_io::{NTuple, Reader};

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
