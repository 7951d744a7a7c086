//! Scans for asynchronous callers, on no runtime at all: futures are polled by hand.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use arrow::array::{ArrayRef, AsArray, Float64Array, RecordBatch};
use arrow::datatypes::Float64Type;
use futures_util::future::join_all;
use rntuple_io::storage::{Access, ByteSource, Memory, MemorySink, ReadRange};
use rntuple_io::{Error, FileWriter, NTuple, Reader, WriteOptions, unblock};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}

/// Memory that is as slow as a server, and notes how many bytes are being asked for.
#[derive(Debug)]
struct Slow {
    memory: Memory,
    access: Access,
    now: AtomicU64,
    peak: AtomicU64,
}

impl ByteSource for Slow {
    fn size(&self) -> u64 {
        self.memory.size()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.memory.read_at(offset, buffer)
    }

    fn read_many(&self, reads: &mut [ReadRange<'_>], _: usize) {
        let len: u64 = reads.iter().map(|read| read.buffer.len() as u64).sum();
        let now = self.now.fetch_add(len, Ordering::SeqCst) + len;
        self.peak.fetch_max(now, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(5));
        for read in reads {
            read.result = self.memory.read_at(read.offset, read.buffer);
        }
        self.now.fetch_sub(len, Ordering::SeqCst);
    }

    fn access(&self) -> Access {
        self.access
    }
}

const ENTRIES: usize = 200_000;

fn file() -> Vec<u8> {
    let sink = MemorySink::new();
    let file = FileWriter::to_sink("memory", Box::new(sink.clone()), &WriteOptions::default()).unwrap();
    let column = |k: usize| -> ArrayRef {
        let value = |i| f64::from(u32::try_from(i * 7919 + k).unwrap()).sqrt();
        Arc::new(Float64Array::from_iter_values((0..ENTRIES).map(value)))
    };
    let batch = RecordBatch::try_from_iter((0..4).map(|k| (format!("x{k}"), column(k)))).unwrap();
    let options = WriteOptions::default().max_unzipped_page_size(32 << 10);
    let mut writer = file.ntuple("data", batch.schema(), options).unwrap();
    writer.append(&batch).unwrap();
    writer.finish().unwrap();
    file.finish().unwrap();
    sink.bytes()
}

fn sum(batch: &RecordBatch) -> f64 {
    batch.columns().iter().flat_map(|column| column.as_primitive::<Float64Type>().values().iter()).sum()
}

fn slow(bytes: Vec<u8>) -> (Arc<Slow>, NTuple) {
    let (now, peak) = Default::default();
    let source = Arc::new(Slow { memory: Memory::new(bytes), access: Access::REMOTE, now, peak });
    let reader = Reader::from_source("slow", Arc::clone(&source) as Arc<dyn ByteSource>).unwrap();
    (source, reader.only().unwrap())
}

async fn total(data: &NTuple, memory: usize) -> rntuple_io::Result<(usize, f64)> {
    let mut batches = data.scan().memory(memory).stream()?;
    let (mut entries, mut total) = (0, 0.0);
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        entries += batch.num_rows();
        total += sum(&batch);
    }
    Ok((entries, total))
}

#[test]
fn a_stream_has_the_batches_of_the_scan() {
    let (_, data) = slow(file());
    let expected: Vec<RecordBatch> = data.scan().open().unwrap().map(Result::unwrap).collect();
    let got = block_on(async {
        let mut stream = data.scan().stream().unwrap();
        assert_eq!(stream.schema(), expected[0].schema());
        let mut got = Vec::new();
        while let Some(batch) = stream.next().await {
            got.push(batch.unwrap());
        }
        assert!(stream.next().await.is_none());
        got
    });
    assert!(got == expected);
}

#[test]
fn a_hundred_scans_stay_within_their_memory() {
    const SCANS: usize = 100;
    const MEMORY: usize = 1 << 20;
    let (source, data) = slow(file());
    let expected: f64 = data.scan().open().unwrap().map(|batch| sum(&batch.unwrap())).sum();
    source.peak.store(0, Ordering::SeqCst);
    let totals = block_on(join_all((0..SCANS).map(|_| total(&data, MEMORY))));
    for result in totals {
        let (entries, total) = result.unwrap();
        assert_eq!(entries, ENTRIES);
        // Batches are cut elsewhere, so numbers are added in another order.
        assert!((total / expected - 1.0).abs() < 1e-9, "{total} {expected}");
    }
    let peak = source.peak.load(Ordering::SeqCst);
    assert!(peak > (MEMORY / 8) as u64, "{peak} bytes: the scans did not run at the same time");
    assert!(peak <= (SCANS * MEMORY) as u64, "{peak} bytes were under way at once");
}

#[test]
fn dropping_a_stream_ends_the_scan() {
    let (source, data) = slow(file());
    block_on(async {
        let mut stream = data.scan().memory(64 << 10).batch_rows(100).stream().unwrap();
        stream.next().await.unwrap().unwrap();
    });
    // What was under way comes to its end, and nothing else begins.
    for _ in 0..100 {
        thread::sleep(Duration::from_millis(20));
        let before = data.metrics().requests;
        thread::sleep(Duration::from_millis(20));
        if source.now.load(Ordering::SeqCst) == 0 && data.metrics().requests == before {
            let all = data.scan().memory(64 << 10).open().unwrap().count();
            assert!(all > 10 && data.metrics().requests > before + 10);
            return;
        }
    }
    panic!("the scan goes on");
}

#[test]
fn unblock_gives_results_and_errors() {
    assert_eq!(block_on(unblock(|| Ok(7))).unwrap(), 7);
    let missing = block_on(unblock(|| Reader::open("nowhere/nothing.root")));
    assert!(matches!(missing, Err(Error::Io { .. })));
    let seen = Arc::new(Mutex::new(false));
    let set = Arc::clone(&seen);
    let ended = block_on(unblock::<()>(move || {
        *set.lock().unwrap() = true;
        panic!("a panic in the background is an error in front")
    }));
    assert!(matches!(ended, Err(Error::Io { .. })) && *seen.lock().unwrap());
}
