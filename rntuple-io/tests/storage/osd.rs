//! One of three OSDs of a Ceph cluster is killed while a file is read, and while one is written.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::data::{Content, open};
use crate::targets::Target;

/// The cluster needs some 15 seconds to notice; a server that hangs for good would take minutes.
const LONGEST: Duration = Duration::from_secs(90);

/// Runs the command that kills and starts OSDs.
fn osd(action: &str) {
    let command = std::env::var("RNTUPLE_TEST_CEPH").unwrap();
    let mut words = command.split_whitespace();
    let status = Command::new(words.next().unwrap()).args(words).args([action, "1"]).status().unwrap();
    assert!(status.success());
}

fn survives(target: &Target) {
    let old = Content::new(1, 2_000_000);
    let (write, read) = target.file("osd");
    old.write(&write, &target.storage).unwrap();

    let data = open(&read, &target.storage).unwrap();
    let mut batches = data.scan().memory(8 << 20).open().unwrap();
    let first = batches.next().unwrap().unwrap();
    old.check(&first, 0);
    osd("kill");
    let since = Instant::now();
    let mut next = first.num_rows() as u64;
    let mut failed = None;
    for batch in batches {
        match batch {
            Ok(batch) => {
                old.check(&batch, next);
                next += batch.num_rows() as u64;
            }
            Err(error) => failed = Some(error),
        }
    }
    let metrics = data.metrics();
    println!("read, with an OSD killed: {:?}, {next} entries, {failed:?}, {metrics:?}", since.elapsed());
    assert!(next == old.entries || failed.is_some());
    assert!(since.elapsed() < LONGEST);
    osd("start");

    let new = Content::new(2, 3_000_000);
    let since = Instant::now();
    let written = std::thread::scope(|scope| {
        let writing = scope.spawn(|| new.write(&write, &target.storage));
        std::thread::sleep(Duration::from_millis(300));
        assert!(!writing.is_finished());
        osd("kill");
        writing.join().unwrap()
    });
    println!("written, with an OSD killed: {:?}, {written:?}", since.elapsed());
    assert!(since.elapsed() < LONGEST);
    // Before that OSD is back, and behind.
    for action in ["", "start"] {
        if !action.is_empty() {
            osd(action);
        }
        let data = open(&read, &target.storage).unwrap();
        let is_new = data.entries() == new.entries;
        if is_new { new } else { old }.scan(&data).unwrap();
        assert!(is_new || written.is_err(), "what was written is not there");
    }
}

#[test]
#[ignore = "needs Ceph: run servers.py --ceph"]
fn radosgw() {
    survives(&Target::of_environment("RADOSGW"));
}

#[test]
#[ignore = "needs Ceph, and a storage of its objects: run servers.py --ceph"]
fn rados() {
    survives(&Target::of_environment("RADOS"));
}
