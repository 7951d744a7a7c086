//! Damaged bytes: what is not damaged is saved, and what is lost is said.

use std::fs;
use std::path::Path;

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
    for options in [WriteOptions::default(), WriteOptions::default().checkpoint(Checkpoint::Clusters(2))] {
        let bytes = write(&path, options);
        let (damaged, saved) = (directory.path().join("damaged.root"), directory.path().join("saved.root"));
        let mut places: Vec<usize> = (0..300).collect();
        for record in records(&bytes).windows(2) {
            places.extend((record[0]..record[1]).take(60));
            places.extend((0..10).map(|i| record[0] + mix(i) as usize % (record[1] - record[0])));
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
            println!("byte {place}: {recovered}");
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
            let len = random(change * 10 + 1, (mangled.len() - start).min(5000).max(1));
            match random(change * 10 + 2, 4) {
                0 => mangled[start..start + len].fill(0),
                1 => mangled[start..start + len].iter_mut().zip(0..).for_each(|(b, i)| *b = mix(i)as u8),
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
