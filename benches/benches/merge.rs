//! Merging files: sealed pages moved as they are, encoded pages compressed anew.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run has nothing to say")]

mod support;

use std::fs;
use std::path::PathBuf;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rntuple_io::{Merge, Row, WriteOptions};
use support::Event;

const INPUTS: usize = 8;

fn merge(c: &mut Criterion) {
    let events = support::events();
    let file = support::written(&support::batches(&events, 10_000), Event::schema(), WriteOptions::default());
    let dir = tempfile::tempdir().unwrap();
    let inputs: Vec<PathBuf> = (0..INPUTS).map(|i| dir.path().join(format!("{i}.root"))).collect();
    inputs.iter().for_each(|input| fs::write(input, &file).unwrap());
    let output = dir.path().join("merged.root");

    let mut group = c.benchmark_group("merge");
    group.sample_size(10).throughput(Throughput::Bytes((file.len() * INPUTS) as u64));
    group.bench_function("pages moved", |b| b.iter(|| Merge::new(&inputs).threads(1).write(&output).unwrap()));
    for threads in [1, 2] {
        let anew =
            || Merge::new(&inputs).threads(threads).compression("lz4:4".parse().unwrap()).write(&output).unwrap();
        group.bench_function(format!("pages compressed anew, {threads} threads"), |b| b.iter(anew));
    }
    group.finish();
}

criterion_group!(benches, merge);
criterion_main!(benches);
