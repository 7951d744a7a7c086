//! Files of ours that are cut short at every interesting place.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int32Array, RecordBatch};
use arrow::datatypes::Int32Type;
use rntuple_core::compression::CompressionSettings;
use rntuple_core::container::root_file::{FileHeader, Key};
use rntuple_io::{Checkpoint, FileWriter, Reader, WriteOptions, Writer, recover};

use crate::data::{assert_counts, assert_whole, batch, mix, open, schema};

/// Offsets of the records, and the end of the file.
pub(crate) fn records(bytes: &[u8]) -> Vec<usize> {
    let mut out = Vec::new();
    let mut at = 100;
    while at < bytes.len() {
        out.push(at);
        let key = Key::parse(&bytes[at..], at as u64).unwrap();
        assert_eq!(key.at, at as u64);
        at += key.nbytes as usize;
    }
    out.push(bytes.len());
    out
}

/// Where journals end, which is where a cluster is safe.
fn journals(bytes: &[u8]) -> Vec<usize> {
    let records = records(bytes);
    let is_journal = |range: &&[usize]| bytes[range[0]..range[1]].get(42..50) == Some(b"RNTJRNL1");
    records.windows(2).filter(is_journal).map(|range| range[1]).collect()
}

fn write(path: &Path, options: WriteOptions) -> Vec<i64> {
    let mut writer = Writer::create(path, "Events", schema(), options.threads(1)).unwrap();
    let mut ends = Vec::new();
    let mut next = 0;
    for rows in [100, 1, 300, 50, 120] {
        writer.append(&batch(next..next + rows)).unwrap();
        writer.flush_cluster().unwrap();
        next += rows;
        ends.push(next);
    }
    writer.finish().unwrap();
    ends
}

fn variants() -> Vec<(&'static str, WriteOptions)> {
    let base = WriteOptions::default;
    vec![
        ("default", base()),
        ("uncompressed", base().compression(CompressionSettings::NONE)),
        ("checkpoints", base().checkpoint(Checkpoint::Clusters(2))),
        ("split", base().max_key_size(300).max_unzipped_page_size(1000)),
        ("no checksums", base().page_checksums(false)),
    ]
}

#[test]
fn at_every_record() {
    for (name, options) in variants() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("events.root");
        let ends = write(&path, options);
        let bytes = fs::read(&path).unwrap();
        let journals = journals(&bytes);
        assert_eq!(journals.len(), ends.len(), "{name}");
        let (cut, saved) = (directory.path().join("cut.root"), directory.path().join("saved.root"));
        let mut places: Vec<usize> = vec![0, 1, 4, 50, 75, 99];
        for range in records(&bytes).windows(2) {
            let (start, end) = (range[0], range[1]);
            places.extend([start, start + 1, start + 30, start + 42, start + 43, (start + end) / 2, end - 1]);
        }
        for place in places {
            let _ = fs::remove_file(&saved);
            fs::write(&cut, &bytes[..place]).unwrap();
            let expected = ends[..journals.iter().filter(|end| **end <= place).count()].last().copied().unwrap_or(0);
            match recover(&cut, &saved) {
                Ok(recovered) => {
                    assert!(!recovered.complete, "{name} at {place}");
                    let reader = Reader::open(&saved).unwrap();
                    assert_eq!(reader.list().len(), 1, "{name} at {place}");
                    assert_eq!(assert_counts(&open(&saved)), expected as u64, "{name} at {place}\n{recovered}");
                    let again = directory.path().join("again.root");
                    let again = recover(&saved, &again).unwrap();
                    assert!(again.complete, "{name} at {place}: {again}");
                }
                Err(error) => {
                    assert_eq!(expected, 0, "{name} at {place}: {error}");
                    assert!(!saved.exists());
                }
            }
        }
    }
}

#[test]
fn whole_files_are_copied() {
    for (name, options) in variants() {
        let directory = tempfile::tempdir().unwrap();
        let (path, saved) = (directory.path().join("events.root"), directory.path().join("saved.root"));
        let ends = write(&path, options);
        let recovered = recover(&path, &saved).unwrap();
        assert!(recovered.complete, "{name}: {recovered}");
        assert_eq!(fs::read(&path).unwrap(), fs::read(&saved).unwrap());
        assert_eq!(recovered.ntuples[0].entries, *ends.last().unwrap() as u64);
        assert_eq!(recovered.ntuples[0].clusters, 5);
    }
}

/// Data sets in directories are found there again, and several with equal headers are told apart.
#[test]
fn directories() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.root");
    let file = FileWriter::create(&path, &WriteOptions::default()).unwrap();
    let paths = ["Events", "a/Events", "a/b/c/Events", "a/Other"];
    let mut writers: Vec<Writer> =
        paths.iter().map(|path| file.ntuple(path, schema(), WriteOptions::default().threads(1)).unwrap()).collect();
    for round in 0..3 {
        for (writer, extra) in writers.iter_mut().zip(0..) {
            let next = writer.entries() as i64;
            writer.append(&batch(next..next + 100 + round + extra)).unwrap();
            writer.flush_cluster().unwrap();
        }
    }
    let entries: Vec<u64> = writers.iter().map(Writer::entries).collect();
    writers.into_iter().for_each(|writer| {
        writer.finish().unwrap();
    });
    file.finish().unwrap();
    let bytes = fs::read(&path).unwrap();
    let last = *journals(&bytes).last().unwrap();
    let (cut, saved) = (directory.path().join("cut.root"), directory.path().join("saved.root"));
    for place in [last, bytes.len() - 1] {
        fs::write(&cut, &bytes[..place]).unwrap();
        let recovered = recover(&cut, &saved).unwrap();
        let reader = Reader::open(&saved).unwrap();
        assert_eq!(reader.list().len(), paths.len(), "{recovered}");
        for (path, entries) in paths.iter().zip(&entries) {
            let ntuple = reader.ntuple(path).unwrap();
            assert_whole(&ntuple);
            assert_eq!(assert_counts(&ntuple), *entries, "{path}");
        }
    }
}

#[test]
fn refusals() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.root");
    write(&path, WriteOptions::default());
    let before = fs::read(&path).unwrap();
    assert!(recover(&path, &path).unwrap_err().to_string().contains("into itself"));
    let odd = directory.path().join("x/../events.root");
    fs::create_dir(directory.path().join("x")).unwrap();
    assert!(recover(&path, odd).is_err());
    assert_eq!(fs::read(&path).unwrap(), before);
    assert!(recover(directory.path().join("missing.root"), directory.path().join("out.root")).is_err());
    let text = directory.path().join("text");
    fs::write(&text, "no ROOT file at all, but long enough to be taken for one".repeat(20)).unwrap();
    let error = recover(&text, directory.path().join("out.root")).unwrap_err().to_string();
    assert!(error.contains("nothing can be saved"), "{error}");
    assert!(!directory.path().join("out.root").exists());
}

/// A file that was cut short, continued from its last checkpoint, and cut again: the two runs are not mixed, and what the
/// first one left does not hide what the second one wrote.
#[test]
fn cut_continued_and_cut() {
    let directory = tempfile::tempdir().unwrap();
    let (path, saved) = (directory.path().join("events.root"), directory.path().join("saved.root"));
    for seed in 0..300_u64 {
        let none = CompressionSettings::NONE;
        let options = WriteOptions::default().threads(1).compression(none).checkpoint(Checkpoint::Clusters(3));
        let add = |writer: &mut Writer, run: u64| {
            for cluster in 0..5 {
                let next = writer.entries() as i64;
                let rows = 1 + mix(seed * 1000 + run * 10 + cluster) % 200;
                writer.append(&batch(next..next + rows as i64)).unwrap();
                writer.flush_cluster().unwrap();
            }
        };
        let cut = |end: usize, run: u64| {
            let len = fs::metadata(&path).unwrap().len() as usize;
            let len = end + mix(seed * 7 + run) as usize % (len - end + 1);
            fs::File::options().write(true).open(&path).unwrap().set_len(len as u64).unwrap();
        };
        let mut writer = Writer::create(&path, "Events", schema(), options.clone()).unwrap();
        add(&mut writer, 0);
        drop(writer);
        for run in 1..3 {
            let end = FileHeader::parse(&fs::read(&path).unwrap()).unwrap().end as usize;
            cut(end, run);
            let file = FileWriter::open(&path, &options).unwrap();
            let mut writer = file.reopen("Events", options.clone()).unwrap();
            add(&mut writer, run);
            drop(writer);
            drop(file);
        }
        let bytes = fs::read(&path).unwrap();
        let end = FileHeader::parse(&bytes).unwrap().end as usize;
        cut(end, 3);
        let safe = assert_counts(&open(&path));
        let recovered = recover(&path, &saved).unwrap();
        assert_eq!(recovered.ntuples[0].lost, Vec::<String>::new(), "seed {seed}: {recovered}");
        assert!(assert_counts(&open(&saved)) >= safe);
    }
}

/// A writer died after it wrote an anchor, but before this one counted; another one continued from the commit before.
#[test]
fn anchors_that_never_counted() {
    let directory = tempfile::tempdir().unwrap();
    let (path, saved) = (directory.path().join("events.root"), directory.path().join("saved.root"));
    let options = WriteOptions::default().threads(1).checkpoint(Checkpoint::Clusters(2));
    let mut writer = Writer::create(&path, "Events", schema(), options.clone()).unwrap();
    let add = |writer: &mut Writer, rows: i64| {
        let next = writer.entries() as i64;
        writer.append(&batch(next..next + rows)).unwrap();
        writer.flush_cluster().unwrap();
    };
    add(&mut writer, 100);
    add(&mut writer, 100);
    let head = fs::read(&path).unwrap()[..250].to_vec();
    add(&mut writer, 100);
    add(&mut writer, 100);
    drop(writer);
    let back = || {
        let mut bytes = fs::read(&path).unwrap();
        bytes[..250].copy_from_slice(&head);
        fs::write(&path, &bytes).unwrap();
    };
    back();
    assert_eq!(assert_counts(&open(&path)), 200);
    recover(&path, &saved).unwrap();
    assert_eq!(assert_counts(&open(&saved)), 400);
    let file = FileWriter::open(&path, &options).unwrap();
    let mut writer = file.reopen("Events", options).unwrap();
    add(&mut writer, 150);
    drop(writer);
    drop(file);
    let recovered = recover(&path, &saved).unwrap();
    assert_eq!(recovered.ntuples[0].lost, Vec::<String>::new());
    assert_eq!(assert_counts(&open(&saved)), 350);
}

/// Numbers of a run, to be told apart from those of another.
fn numbers(rows: usize, value: i32) -> RecordBatch {
    let column: ArrayRef = Arc::new(Int32Array::from(vec![value; rows]));
    RecordBatch::try_from_iter_with_nullable([("value", column, false)]).unwrap()
}

fn values(path: &Path) -> Vec<i32> {
    let batches = open(path).scan().open().unwrap().map(Result::unwrap);
    let values = batches.map(|batch| batch.column(0).as_primitive::<Int32Type>().values().to_vec());
    values.collect::<Vec<_>>().concat()
}

/// What a run wrote behind its last checkpoint is gone once another run continued from there: also those clusters that
/// start behind what the other one has come to.
#[test]
fn runs_are_not_mixed() {
    let directory = tempfile::tempdir().unwrap();
    let (path, saved) = (directory.path().join("events.root"), directory.path().join("saved.root"));
    let options = WriteOptions::default().threads(1).checkpoint(Checkpoint::Clusters(100));
    let run = |writer: &mut Writer, clusters: usize, rows: usize, value: i32| {
        for _ in 0..clusters {
            writer.append(&numbers(rows, value)).unwrap();
            writer.flush_cluster().unwrap();
        }
    };
    let mut writer = Writer::create(&path, "Events", numbers(0, 0).schema(), options.clone()).unwrap();
    run(&mut writer, 2, 50, 1);
    writer.checkpoint().unwrap();
    run(&mut writer, 5, 100, 2);
    drop(writer);
    recover(&path, &saved).unwrap();
    assert_eq!(values(&saved), [vec![1; 100], vec![2; 500]].concat());
    let file = FileWriter::open(&path, &options).unwrap();
    let mut writer = file.reopen("Events", options.clone()).unwrap();
    run(&mut writer, 2, 100, 3);
    drop(writer);
    drop(file);
    let recovered = recover(&path, &saved).unwrap();
    assert_eq!(values(&saved), [vec![1; 100], vec![3; 200]].concat(), "{recovered}");
    assert_eq!(recovered.ntuples[0].lost, Vec::<String>::new());
    // The pages of the first run are known, though not part of the data.
    assert_eq!(recovered.unassigned_bytes, 0);
}

/// The end that a cut record should have had lies in pages that look like gaps between records.
#[test]
fn pages_that_look_like_gaps() {
    let directory = tempfile::tempdir().unwrap();
    let (path, saved) = (directory.path().join("events.root"), directory.path().join("saved.root"));
    let options = WriteOptions::default().compression(CompressionSettings::NONE).same_page_merging(false);
    let options = options.threads(1).checkpoint(Checkpoint::Clusters(100));
    // ff ff ff 00: gaps of 256, 65281 and 16711681 bytes.
    let value = 0x00ff_ffff;
    let mut writer = Writer::create(&path, "Events", numbers(0, 0).schema(), options.clone()).unwrap();
    writer.append(&numbers(10, value)).unwrap();
    writer.checkpoint().unwrap();
    let end = fs::metadata(&path).unwrap().len();
    writer.append(&numbers(50_000, value)).unwrap();
    writer.flush_cluster().unwrap();
    drop(writer);
    for shift in 0..4 {
        fs::File::options().write(true).open(&path).unwrap().set_len(end + 500 + shift).unwrap();
        let file = FileWriter::open(&path, &options).unwrap();
        let mut writer = file.reopen("Events", options.clone()).unwrap();
        for _ in 0..40 {
            writer.append(&numbers(5000, value)).unwrap();
            writer.flush_cluster().unwrap();
        }
        drop(writer);
        drop(file);
        let recovered = recover(&path, &saved).unwrap();
        assert_eq!(values(&saved).len(), 200_010, "{recovered}");
    }
}
