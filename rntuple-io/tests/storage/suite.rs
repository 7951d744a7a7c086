//! What every kind of storage must do.

use std::io::ErrorKind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rntuple_io::{Error, NTuple, Result};

use crate::data::{Content, open};
use crate::targets::Target;

/// More than three parts of an upload, and many clusters.
const LARGE: u64 = 2_000_000;

pub(crate) fn suite(target: &Target) {
    for case in
        [round_trip, parts_of_a_file, missing, denied, given_up, replaced_under_a_reader, replaced_under_openers]
    {
        case(target);
    }
}

fn written(target: &Target, name: &str, content: Content) -> (String, u64) {
    let (write, read) = target.file(name);
    let size = content.write(&write, &target.storage).unwrap();
    (read, size)
}

/// What reading a whole file may cost, in requests. Opening takes both ends at once. If not all is known then, page lists
/// may lie elsewhere, and each range of 8 MiB may end with a smaller one, as each of the pieces that are planned together.
fn budget(target: &Target, size: u64) -> u64 {
    match (target.ranges, size) {
        (false, _) => 3,
        (true, 0..65_536) => 2,
        (true, _) => 2 + 2 + 2 * size.div_ceil(8 << 20),
    }
}

fn within_budget(target: &Target, data: &NTuple, size: u64) {
    let metrics = data.metrics();
    if target.remote {
        let most = budget(target, size) + if target.versions { 0 } else { 2 };
        println!(
            "{}: {} requests of {most}, {} bytes of {size}",
            data.file_name(),
            metrics.requests,
            metrics.bytes_read
        );
        assert!(metrics.requests <= most, "{} requests for {size} bytes, {most} would do", metrics.requests);
    }
    assert!(metrics.bytes_read <= size + (1 << 20), "{metrics:?} for {size} bytes");
    assert_eq!(metrics.hedged, 0);
}

fn round_trip(target: &Target) {
    for entries in [0, 1_000, 300_000, LARGE] {
        let content = Content::new(1, entries);
        let (uri, size) = written(target, "round", content);
        assert!(entries < LARGE || size > 3 * (16 << 20));
        let data = open(&uri, &target.storage).unwrap();
        content.scan(&data).unwrap();
        within_budget(target, &data, size);
        let report = data.verify(&|_, _| ()).unwrap();
        assert!(report.damage.is_empty(), "{report:?}");
        assert!(report.pages > 0 || entries == 0);
    }
}

/// Few fields, few entries, entries here and there.
fn parts_of_a_file(target: &Target) {
    let content = Content::new(2, LARGE);
    let (uri, size) = written(target, "parts", content);
    let opened = || open(&uri, &target.storage).unwrap();

    let data = opened();
    let mut next = 0;
    for batch in data.scan().columns(["x"]).open().unwrap() {
        let batch = batch.unwrap();
        assert_eq!(batch.num_columns(), 1);
        content.check(&batch, next);
        next += batch.num_rows() as u64;
    }
    assert_eq!(next, LARGE);
    if target.ranges {
        let (read, asked) = (data.metrics().bytes_read, data.metrics().bytes_asked);
        assert!(asked < size / 2 && read < size * 3 / 4, "{read} bytes of {size}, {asked} wanted");
    }

    let data = opened();
    for range in [0..1, 999_990..1_000_010, LARGE - 5..LARGE] {
        let mut next = range.start;
        for batch in data.scan().entries(range.clone()).open().unwrap() {
            let batch = batch.unwrap();
            content.check(&batch, next);
            next += batch.num_rows() as u64;
        }
        assert_eq!(next, range.end);
    }
    if target.ranges {
        assert!(data.metrics().bytes_read < size / 4, "{:?}", data.metrics());
    }

    let data = opened();
    let mut entries = data.scan().random_access().unwrap();
    let before = data.metrics().requests;
    let places = [1_234_567, 7, LARGE - 1, 800_000, 800_001];
    for entry in places {
        let batch = entries.read(entry..entry + 1).unwrap();
        assert_eq!(batch.num_rows(), 1);
        content.check(&batch, entry);
    }
    if target.remote {
        let requests = data.metrics().requests - before;
        println!("{uri}: {requests} requests for {} single entries", places.len());
        // Four fields in a cluster of 4 MiB: pages that lie close together come together.
        assert!(requests <= 5 * places.len() as u64, "{requests} requests");
    }
}

fn kind<T>(result: Result<T>) -> ErrorKind {
    match result.map(drop).unwrap_err() {
        Error::Io { source, .. } => source.kind(),
        Error::NotFound { .. } => ErrorKind::NotFound,
        other => panic!("{other}"),
    }
}

fn missing(target: &Target) {
    let (_, uri) = target.file("missing");
    let error = open(&uri, &target.storage).unwrap_err();
    assert!(error.to_string().contains(&uri), "{error}");
    assert_eq!(kind::<()>(Err(error)), ErrorKind::NotFound);
}

fn denied(target: &Target) {
    if let Some(uri) = &target.denied {
        assert_eq!(kind(open(uri, &target.storage)), ErrorKind::PermissionDenied);
    }
    if target.keys {
        let (write, read) = target.file("locked");
        let content = Content::new(10, 10);
        content.write(&write, &target.storage).unwrap();
        let wrong = target.storage.clone().option("aws_secret_access_key", "wrong");
        assert_eq!(kind(open(&read, &wrong)), ErrorKind::PermissionDenied);
        assert_eq!(kind(content.write(&write, &wrong)), ErrorKind::PermissionDenied);
    }
}

/// A writer that gives up halfway leaves what was there before.
fn given_up(target: &Target) {
    let (write, read) = target.file("half");
    Content::new(3, LARGE).write_half(&write, &target.storage).unwrap();
    assert_eq!(kind(open(&read, &target.storage)), ErrorKind::NotFound);
    let old = Content::new(4, 100);
    old.write(&write, &target.storage).unwrap();
    Content::new(5, LARGE).write_half(&write, &target.storage).unwrap();
    old.scan(&open(&read, &target.storage).unwrap()).unwrap();
}

/// Who has a file open reads it to its end, or is told that it is another.
fn replaced_under_a_reader(target: &Target) {
    let (write, read) = target.file("replaced");
    let old = Content::new(6, 1_000_000);
    // Where versions cannot be told apart, their sizes can.
    let new = Content::new(7, if target.versions { old.entries } else { old.entries + 1 });
    old.write(&write, &target.storage).unwrap();
    let data = open(&read, &target.storage).unwrap();
    let mut batches = data.scan().memory(4 << 20).open().unwrap();
    let first = batches.next().unwrap().unwrap();
    old.check(&first, 0);
    if target.seconds {
        std::thread::sleep(Duration::from_millis(1100));
    }
    new.write(&write, &target.storage).unwrap();
    let mut next = first.num_rows() as u64;
    for batch in batches {
        match batch {
            Ok(batch) => {
                old.check(&batch, next);
                next += batch.num_rows() as u64;
            }
            Err(error) => {
                assert!(error.to_string().contains("changed"), "{error}");
                break;
            }
        }
    }
    println!("{read}: replaced while it was read: {next} of {} entries came", old.entries);
    new.scan(&open(&read, &target.storage).unwrap()).unwrap();
}

/// Who opens a file while it is replaced gets the one or the other.
fn replaced_under_openers(target: &Target) {
    if !target.atomic {
        return;
    }
    let (write, read) = target.file("watched");
    let (old, new) = (Content::new(8, 20_000), Content::new(9, 600_000));
    old.write(&write, &target.storage).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut looks = 0;
            while !done.load(Ordering::Relaxed) || looks == 0 {
                match open(&read, &target.storage) {
                    Ok(data) => {
                        let content = if data.entries() == old.entries { old } else { new };
                        if let Err(error) = content.scan(&data) {
                            assert!(error.to_string().contains("changed"), "{error}");
                        }
                    }
                    Err(error) => assert!(error.to_string().contains("changed"), "{error}"),
                }
                looks += 1;
            }
            looks
        });
        for content in [new, old, new, old, new] {
            content.write(&write, &target.storage).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        println!("{read}: opened {} times while it was replaced", watch.join().unwrap());
    });
    new.scan(&open(&read, &target.storage).unwrap()).unwrap();
}
