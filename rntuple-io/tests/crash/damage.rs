//! Damaged bytes: what is not damaged is saved, and what is lost is said.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, ListArray, RecordBatch, StringArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Int64Type};
use rntuple_io::{Checkpoint, Reader, WriteOptions, Writer, recover};

use crate::data::{assert_whole, batch, ids, mix, open, schema};
use crate::truncate::records;

const ROWS: i64 = 100;
const CLUSTERS: i64 = 6;

fn write(path: &Path, options: WriteOptions) -> Vec<u8> {
    let mut writer = Writer::create(path, "Events", schema(), options.threads(1)).unwrap();
    for cluster in 0..CLUSTERS {
        writer.append(&batch(cluster * ROWS..(cluster + 1) * ROWS)).unwrap();
        writer.flush_cluster().unwrap();
    }
    writer.finish().unwrap();
    fs::read(path).unwrap()
}

/// The clusters that a file has.
fn clusters(ids: &[i64]) -> Vec<i64> {
    let chunks = ids.chunks(ROWS as usize);
    let first = |chunk: &[i64]| {
        assert!(chunk.iter().copied().eq(chunk[0]..chunk[0] + ROWS), "{chunk:?}");
        chunk[0] / ROWS
    };
    chunks.map(first).collect()
}

/// A flipped bit costs one cluster at most, except in the header envelope.
#[test]
fn any_bit() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.root");
    let variants = [WriteOptions::default(), WriteOptions::default().checkpoint(Checkpoint::Clusters(2))];
    for (variant, options) in variants.into_iter().enumerate() {
        let bytes = write(&path, options);
        let (damaged, saved) = (directory.path().join("damaged.root"), directory.path().join("saved.root"));
        let mut places: Vec<usize> = (0..300).collect();
        for record in records(&bytes).windows(2) {
            places.extend((record[0]..record[1]).take(60).skip(variant).step_by(2));
            places.extend((0..6).map(|i| record[0] + mix(i) as usize % (record[1] - record[0])));
        }
        // The first blob is the header envelope.
        let all = records(&bytes);
        let blob = all.windows(2).find(|range| bytes[range[0]..].get(34..40) == Some(b"\x05RBlob")).unwrap();
        let header = blob[0]..blob[1];
        for place in places.into_iter().filter(|place| *place < bytes.len()) {
            let mut flipped = bytes.clone();
            flipped[place] ^= 1 << (mix(place as u64) % 8);
            fs::write(&damaged, &flipped).unwrap();
            let recovered = match recover(&damaged, &saved) {
                Ok(recovered) => recovered,
                Err(error) => {
                    assert!(header.contains(&place), "byte {place}: {error}");
                    continue;
                }
            };
            let ntuple = open(&saved);
            let clusters = clusters(&ids(&ntuple));
            assert!(clusters.len() as i64 >= CLUSTERS - 1, "byte {place}: {clusters:?}\n{recovered}");
            assert!(clusters.is_sorted());
            let lost: u64 = recovered.ntuples[0].lost_entries.iter().map(|range| range.end - range.start).sum();
            assert_eq!(lost + ntuple.entries(), (CLUSTERS * ROWS) as u64, "byte {place}\n{recovered}");
            assert_eq!(recovered.ntuples[0].lost.is_empty(), lost == 0);
        }
    }
}

/// Entries behind a hole are renumbered, and the report says what is lost and where the rest is.
#[test]
fn holes_are_closed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.root");
    let bytes = write(&path, WriteOptions::default());
    // Records: file, header, then for each cluster pages and journal.
    let records = records(&bytes);
    let mut damaged = bytes.clone();
    for cluster in [1, 3] {
        let pages = records[2 + 2 * cluster]..records[3 + 2 * cluster];
        damaged[pages.end - 100] ^= 1;
    }
    let broken = directory.path().join("broken.root");
    let saved = directory.path().join("saved.root");
    fs::write(&broken, &damaged).unwrap();
    let recovered = recover(&broken, &saved).unwrap();
    let ntuple = open(&saved);
    assert_eq!(clusters(&ids(&ntuple)), [0, 2, 4, 5]);
    let events = &recovered.ntuples[0];
    assert_eq!((events.entries, events.clusters), (400, 4));
    assert_eq!(events.lost_entries, [100..200, 300..400]);
    let text = recovered.to_string();
    for part in [
        "Events: 400 entries in 4 clusters",
        "lost entries 100 to 199 (100): page of field '",
        "checksum mismatch",
        "entries 200 to 299 (100) are entries 100 to 199 now",
        "entries 400 to 599 (200) are entries 200 to 399 now",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

/// Page lists are gone, journals are there: nothing is lost. And the other way round.
#[test]
fn either_is_enough() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.root");
    let bytes = write(&path, WriteOptions::default());
    let (broken, saved) = (directory.path().join("broken.root"), directory.path().join("saved.root"));
    let is_journal = |start: usize| bytes.get(start + 42..start + 50) == Some(b"RNTJRNL1");
    let starts = records(&bytes);
    let last_journal = *starts[..starts.len() - 1].iter().rfind(|start| is_journal(**start)).unwrap();
    let page_list = *starts.iter().find(|start| **start > last_journal).unwrap();
    let mut damaged = bytes.clone();
    damaged[page_list + 60] ^= 1;
    fs::write(&broken, &damaged).unwrap();
    let recovered = recover(&broken, &saved).unwrap();
    assert!(!recovered.complete);
    assert_eq!(clusters(&ids(&open(&saved))), [0, 1, 2, 3, 4, 5]);

    let mut damaged = bytes.clone();
    for start in starts[..starts.len() - 1].iter().filter(|start| is_journal(**start)) {
        damaged[start + 60] ^= 1;
    }
    fs::write(&broken, &damaged[..damaged.len() - 1]).unwrap();
    recover(&broken, &saved).unwrap();
    assert_eq!(clusters(&ids(&open(&saved))), [0, 1, 2, 3, 4, 5]);
}

/// Large parts of a file overwritten, zeroed, taken out or doubled: whatever comes out is right.
#[test]
fn mangled() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.root");
    let bytes = write(&path, WriteOptions::default().checkpoint(Checkpoint::Clusters(3)));
    let (broken, saved) = (directory.path().join("broken.root"), directory.path().join("saved.root"));
    for seed in 0..400_u64 {
        let random = |i: u64, below: usize| mix(seed * 100 + i) as usize % below;
        let mut mangled = bytes.clone();
        for change in 0..1 + seed % 3 {
            let start = random(change * 10, mangled.len());
            let len = random(change * 10 + 1, (mangled.len() - start).clamp(1, 5000));
            match random(change * 10 + 2, 4) {
                0 => mangled[start..start + len].fill(0),
                1 => mangled[start..start + len].iter_mut().zip(0..).for_each(|(b, i)| *b = mix(i) as u8),
                2 => drop(mangled.drain(start..start + len)),
                _ => {
                    let copy = mangled[start..start + len].to_vec();
                    let at = random(change * 10 + 3, mangled.len());
                    mangled.splice(at..at, copy);
                }
            }
        }
        fs::write(&broken, &mangled).unwrap();
        let _ = fs::remove_file(&saved);
        if recover(&broken, &saved).is_err() {
            assert!(!saved.exists());
            continue;
        }
        let reader = Reader::open(&saved).unwrap();
        for key in reader.list() {
            let ntuple = reader.ntuple(&key.to_string()).unwrap();
            assert_whole(&ntuple);
            clusters(&ids(&ntuple));
        }
    }
}

/// Fields that were added while writing keep their values where clusters before, at and behind the addition are lost.
#[test]
fn holes_around_an_extension() {
    let directory = tempfile::tempdir().unwrap();
    let (path, broken) = (directory.path().join("events.root"), directory.path().join("broken.root"));
    let options = WriteOptions::default().threads(1);
    let mut writer = Writer::create(&path, "Events", schema(), options).unwrap();
    for cluster in 0..CLUSTERS {
        let plain = batch(cluster * ROWS..(cluster + 1) * ROWS);
        if cluster == 3 {
            // In the middle of a cluster.
            writer.append(&plain.slice(0, 40)).unwrap();
            let strings =
                Field::new("words", DataType::List(Arc::new(Field::new("item", DataType::Utf8, false))), false);
            writer.extend([Field::new("late", DataType::Int64, false), strings]).unwrap();
            writer.append(&with_late(&plain.slice(40, 60))).unwrap();
        } else if cluster > 3 {
            writer.append(&with_late(&plain)).unwrap();
        } else {
            writer.append(&plain).unwrap();
        }
        writer.flush_cluster().unwrap();
    }
    writer.finish().unwrap();
    let bytes = fs::read(&path).unwrap();
    let records = records(&bytes);
    let is_journal = |start: usize| bytes.get(start + 42..start + 50) == Some(b"RNTJRNL1");
    let pages: Vec<usize> =
        (1..records.len() - 1).filter(|i| is_journal(records[*i])).map(|i| records[i] - 100).collect();
    assert_eq!(pages.len(), 7);
    for lost in 0_u32..1 << pages.len() {
        let mut damaged = bytes.clone();
        for (cluster, at) in pages.iter().enumerate() {
            damaged[*at] ^= u8::from(lost & (1 << cluster) != 0);
        }
        fs::write(&broken, &damaged).unwrap();
        let saved = directory.path().join(format!("saved{lost}.root"));
        let recovered = recover(&broken, &saved).unwrap();
        let ntuple = open(&saved);
        let ids = ids(&ntuple);
        let first = [0, 100, 200, 300, 340, 400, 500, 600];
        let kept = (0..7).filter(|cluster| lost & (1 << cluster) == 0);
        let expected: Vec<i64> = kept.flat_map(|cluster| first[cluster]..first[cluster + 1]).collect();
        assert_eq!(ids, expected, "{recovered}");
        let batches = ntuple.scan().columns(["late", "words"]).open().unwrap();
        let mut at = 0;
        for batch in batches {
            let batch = batch.unwrap();
            let late = batch.column_by_name("late").unwrap().as_primitive::<Int64Type>();
            let words = batch.column_by_name("words").unwrap().as_list::<i32>();
            for row in 0..batch.num_rows() {
                let id = ids[at];
                let (number, word) = if id < 340 { (0, Vec::new()) } else { (id + 1, vec![format!("word {id}")]) };
                assert_eq!(late.value(row), number);
                let got = words.value(row);
                assert!(got.as_string::<i32>().iter().flatten().eq(word.iter().map(String::as_str)), "{id}");
                at += 1;
            }
        }
        assert_eq!(at, ids.len());
    }
}

fn with_late(batch: &RecordBatch) -> RecordBatch {
    let ids = batch.column(0).as_primitive::<Int64Type>().values().to_vec();
    let late: ArrayRef = Arc::new(Int64Array::from_iter_values(ids.iter().map(|id| id + 1)));
    let words: ArrayRef = Arc::new(StringArray::from_iter_values(ids.iter().map(|id| format!("word {id}"))));
    let item = Arc::new(Field::new("item", DataType::Utf8, false));
    let words: ArrayRef =
        Arc::new(ListArray::new(item, OffsetBuffer::<i32>::from_lengths(vec![1; ids.len()]), words, None));
    let old = batch.schema();
    let fields = old.fields().iter().zip(batch.columns());
    let fields = fields.map(|(field, column)| (field.name().clone(), Arc::clone(column), false));
    let new = [("late".to_owned(), late, false), ("words".to_owned(), words, false)];
    RecordBatch::try_from_iter_with_nullable(fields.chain(new)).unwrap()
}
