//! A scan over a slow storage holds no more than its budget, though it fetches ahead.

use std::io;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rntuple_io::Reader;
use rntuple_io::storage::{Access, ByteSource, ReadRange, Storage};

use crate::data::{Content, open};
use crate::server::{Habits, Server};

const CONTENT: Content = Content { version: 1, entries: 3_000_000 };

/// A file far away, which counts the bytes that are on their way.
#[derive(Debug)]
struct Counted {
    bytes: Vec<u8>,
    now: AtomicU64,
    most: AtomicU64,
}

impl ByteSource for Counted {
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.read_many(&mut [ReadRange::new(offset, buffer)], 1);
        Ok(())
    }

    fn read_many(&self, reads: &mut [ReadRange<'_>], _: usize) {
        let bytes = reads.iter().map(|read| read.buffer.len() as u64).sum();
        let now = self.now.fetch_add(bytes, Ordering::SeqCst) + bytes;
        self.most.fetch_max(now, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(10));
        for read in reads {
            let from = usize::try_from(read.offset).unwrap();
            read.buffer.copy_from_slice(&self.bytes[from..from + read.buffer.len()]);
            read.result = Ok(());
        }
        self.now.fetch_sub(bytes, Ordering::SeqCst);
    }

    fn access(&self) -> Access {
        Access::REMOTE
    }
}

#[test]
fn bytes_on_their_way() {
    let bytes = CONTENT.bytes();
    for budget in [4 << 20, 16 << 20, 64 << 20] {
        let source = Arc::new(Counted { bytes: bytes.clone(), now: AtomicU64::new(0), most: AtomicU64::new(0) });
        let data = Reader::from_source("counted", Arc::clone(&source) as Arc<dyn ByteSource>).unwrap().only().unwrap();
        let mut next = 0;
        for batch in data.scan().memory(budget).open().unwrap() {
            let batch = batch.unwrap();
            CONTENT.check(&batch, next);
            next += batch.num_rows() as u64;
        }
        assert_eq!(next, CONTENT.entries);
        let most = source.most.load(Ordering::SeqCst);
        println!("budget {budget}: {most} bytes were on their way at once");
        // Three windows of an eighth each, and a few pages that were estimated wrongly.
        assert!(most <= budget as u64 / 2, "{most} of {budget}");
        assert!(most > budget as u64 / 6, "{most} of {budget}: nothing is fetched ahead");
    }
}

/// Most memory that this process had so far, in bytes.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

/// What a process of its own needs for a scan with this budget over a slow line: everything counts, the buffers of the
/// connections too. The allocator returns at once what it is given back, and so does not count.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn all_of_a_process() {
    let server = Server::new();
    server.put("file.root", CONTENT.bytes());
    server.habits(Habits { latency: Duration::from_millis(20), bandwidth: 100_000_000, ..Habits::default() });
    for budget in [16_u64 << 20, 64 << 20, 128 << 20] {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "memory::a_process_that_scans", "--ignored", "--nocapture"])
            .envs([("MALLOC_ARENA_MAX", "1"), ("MALLOC_TRIM_THRESHOLD_", "0"), ("MALLOC_MMAP_THRESHOLD_", "16384")])
            .env("RNTUPLE_TEST_SCAN", format!("{} {budget}", server.uri("file.root")))
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        let needed = text.lines().find_map(|line| line.split_once("needed ")?.1.parse::<u64>().ok()).unwrap();
        println!("budget {budget}: the process needed {needed} bytes more");
        assert!(needed <= budget, "{needed} of {budget}");
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
#[ignore = "a part of all_of_a_process"]
fn a_process_that_scans() {
    let line = std::env::var("RNTUPLE_TEST_SCAN").unwrap();
    let (uri, budget) = line.split_once(' ').unwrap();
    let data = open(uri, &Storage::new()).unwrap();
    let scan = |first: u64, end: u64, budget: usize| {
        let mut next = first;
        for batch in data.scan().entries(first..end).memory(budget).threads(1).open().unwrap() {
            let batch = batch.unwrap();
            CONTENT.check(&batch, next);
            next += batch.num_rows() as u64;
        }
        assert_eq!(next, end);
    };
    // What does not come again: threads, connections, code.
    scan(0, 1000, 1 << 20);
    let before = peak();
    scan(0, CONTENT.entries, budget.parse().unwrap());
    println!("\nneeded {}", peak() - before);
}
