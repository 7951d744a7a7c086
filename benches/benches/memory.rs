//! Peak memory of scans. Not a matter of time: each is run once and its peak printed.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run has nothing to say")]
#![expect(clippy::print_stdout, reason = "that is what it is for")]

mod support;

use peak_alloc::PeakAlloc;
use rntuple_io::{Row, WriteOptions};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

fn main() {
    // `cargo test --benches` only wants to know that it runs.
    let times = if std::env::args().any(|argument| argument == "--test") { 1 } else { 40 };
    let batches = support::batches(&support::events(), 10_000);
    let batches: Vec<_> = (0..times).flat_map(|_| batches.iter().cloned()).collect();
    let bytes = support::written(&batches, support::Event::schema(), WriteOptions::default());
    drop(batches);
    println!("{} MB on storage", bytes.len() >> 20);
    let ntuple = support::open(bytes);
    for mebibytes in [1, 8, 32, 128] {
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        let rows: usize =
            ntuple.scan().memory(mebibytes << 20).open().unwrap().map(|batch| batch.unwrap().num_rows()).sum();
        let peak = MEMORY.peak_usage() - before;
        println!("scan of {rows} entries with {mebibytes} MiB: peak {:.1} MiB", peak as f64 / f64::from(1 << 20));
    }
}
