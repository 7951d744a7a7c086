//! Opening: what is read and decoded before the first value.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run has nothing to say")]

mod support;

use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use rntuple_io::storage::Memory;
use rntuple_io::{Reader, Row, WriteOptions};

fn open(c: &mut Criterion) {
    let narrow = support::written(
        &support::batches(&support::events(), 10_000),
        support::Event::schema(),
        WriteOptions::default(),
    );
    let wide = support::wide(10_000, 20);
    let mut group = c.benchmark_group("open");
    for (name, bytes) in [("narrow", narrow), ("wide, 10,000 columns in 20 clusters", wide)] {
        let source = Arc::new(Memory::new(bytes));
        let reader = || Reader::from_source("memory", source.clone()).unwrap().only().unwrap();
        group.bench_function(name, |b| b.iter(reader));
        let first = reader().arrow_schema().unwrap().field(0).name().clone();
        let one = || reader().scan().columns([&first]).threads(1).open().unwrap().count();
        group.bench_function(format!("{name}, and one column"), |b| b.iter(one));
    }
    group.finish();
}

criterion_group!(benches, open);
criterion_main!(benches);
