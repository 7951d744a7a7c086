//! Reading: scans, rows, single entries, and handing batches on.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run has nothing to say")]

mod support;

use std::hint::black_box;

use arrow::array::{Array, StructArray};
use arrow::ffi::to_ffi;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rntuple_io::WriteOptions;
use support::Event;

fn scans(c: &mut Criterion) {
    let ntuple = support::ntuple(WriteOptions::default());
    let mut group = c.benchmark_group("scan");
    group.throughput(Throughput::Elements(support::ENTRIES));
    for threads in [1, 2] {
        let scan =
            || ntuple.scan().threads(threads).open().unwrap().map(|batch| batch.unwrap().num_rows()).sum::<usize>();
        group.bench_function(format!("all fields, {threads} threads"), |b| b.iter(scan));
    }
    let sparse = || ntuple.scan().columns(["pt", "vertex"]).threads(1).open().unwrap().count();
    group.bench_function("two fields", |b| b.iter(sparse));
    let range = || ntuple.scan().entries(30_000..30_100).threads(1).open().unwrap().count();
    group.bench_function("100 entries", |b| b.iter(range));
    group.finish();
}

fn rows(c: &mut Criterion) {
    let ntuple = support::ntuple(WriteOptions::default());
    let mut group = c.benchmark_group("rows");
    group.throughput(Throughput::Elements(support::ENTRIES));
    let rows = || ntuple.scan().threads(1).rows::<Event>().unwrap();
    group.bench_function("each its own", |b| b.iter(|| rows().for_each(|row| drop(black_box(row.unwrap())))));
    group.bench_function("one over the other", |b| {
        b.iter(|| {
            let (mut rows, mut event) = (rows(), Event::default());
            while rows.read_into(&mut event).unwrap() {
                black_box(&event);
            }
        });
    });
    group.finish();
}

fn random_access(c: &mut Criterion) {
    let ntuple = support::ntuple(WriteOptions::default());
    let mut group = c.benchmark_group("random access");
    let mut reader = ntuple.scan().threads(1).random_access().unwrap();
    let mut entry = 0;
    group.bench_function("an entry", |b| {
        b.iter(|| {
            entry = (entry + 7_919) % support::ENTRIES;
            reader.read(entry..entry + 1).unwrap()
        });
    });
    group.finish();
}

/// To the C data interface, by which Python gets batches.
fn export(c: &mut Criterion) {
    let ntuple = support::ntuple(WriteOptions::default());
    let batches: Vec<StructArray> = ntuple.scan().open().unwrap().map(|batch| batch.unwrap().into()).collect();
    c.bench_function("export of a scan", |b| {
        b.iter(|| batches.iter().map(|batch| to_ffi(&batch.to_data()).unwrap().0.len()).sum::<usize>());
    });
}

criterion_group!(benches, scans, rows, random_access, export);
criterion_main!(benches);
