//! Writing to memory: batches and rows, one writer and fill contexts.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run has nothing to say")]

mod support;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rntuple_io::storage::MemorySink;
use rntuple_io::{FileWriter, Row, WriteOptions};
use support::Event;

fn write(c: &mut Criterion) {
    let events = support::events();
    let batches = support::batches(&events, 10_000);
    let file = |options: &WriteOptions| FileWriter::to_sink("memory", Box::new(MemorySink::new()), options).unwrap();
    let mut group = c.benchmark_group("write");
    group.sample_size(10).throughput(Throughput::Elements(support::ENTRIES));
    for threads in [1, 2] {
        let options = WriteOptions::default().threads(threads);
        let append = || support::written(&batches, Event::schema(), options.clone());
        group.bench_function(format!("batches, {threads} threads"), |b| b.iter(append));
    }
    let options = WriteOptions::default().threads(1);
    group.bench_function("rows", |b| {
        b.iter(|| {
            let file = file(&options);
            let mut writer = file.ntuple("Events", Event::schema(), options.clone()).unwrap();
            events.iter().for_each(|event| writer.append_row(event).unwrap());
            writer.finish().unwrap();
            file.finish().unwrap()
        });
    });
    group.bench_function("two fill contexts", |b| {
        b.iter(|| {
            let file = file(&options);
            let writer = file.parallel_ntuple("Events", Event::schema(), options.clone()).unwrap();
            std::thread::scope(|scope| {
                for half in events.chunks(events.len() / 2) {
                    let mut context = writer.context().unwrap();
                    scope.spawn(move || {
                        half.iter().for_each(|event| context.append_row(event).unwrap());
                        context.finish().unwrap();
                    });
                }
            });
            writer.finish().unwrap();
            file.finish().unwrap()
        });
    });
    group.finish();
}

criterion_group!(benches, write);
criterion_main!(benches);
