//! Finding RNTuples in a file, and choosing entries of them.

use std::fs;
use std::sync::Arc;

use arrow::array::RecordBatch;
use rntuple_io::storage::{ByteSource, Memory};
use rntuple_io::{EntryRange, Error, NTupleKey, Reader};

use crate::support::{data, open, sets, vectors, whole};
use crate::synthetic::{Changes, NO_CHANGES, Shape};

fn reader(file: &str) -> Reader {
    Reader::open(vectors().join(file)).unwrap()
}

fn paths(reader: &Reader) -> Vec<String> {
    reader.list().iter().map(NTupleKey::to_string).collect()
}

#[test]
fn lists() {
    assert_eq!(paths(&reader("clusters.root")), ["data"]);
    assert_eq!(paths(&reader("two_ntuples.root")), ["first", "second"]);
    assert_eq!(paths(&reader("big_header.root")), ["data", "sub/inner"]);
    assert_eq!(paths(&reader("with_objects.root")), ["data"]);
    let mut nested = paths(&reader("directories.root"));
    nested.sort();
    assert_eq!(nested, ["a/b/events", "a/b/other", "a/events", "top", "x/y/z/events"]);
    // Every set that the golden files name is listed.
    for set in sets() {
        let reader = reader(&set.file);
        let named = |key: &NTupleKey| key.to_string() == set.path;
        assert!(reader.list().iter().any(named), "{} in {:?}", set.path, paths(&reader));
    }
}

#[test]
fn cycles() {
    let reader = reader("cycles.root");
    let cycles: Vec<(u16, bool)> = reader.list().iter().map(|key| (key.cycle, key.newest)).collect();
    assert_eq!(cycles, [(3, true), (2, false), (1, false)]);
    assert!(reader.list().iter().all(|key| key.path == "data"));
    assert_eq!(paths(&reader), ["data", "data;2", "data;1"]);
    for (path, entries) in [("data", 2), ("data;3", 2), ("data;2", 5), ("data;1", 3), ("/data", 2), ("/data;1", 3)] {
        assert_eq!(reader.ntuple(path).unwrap().entries(), entries, "{path}");
    }
    for path in ["data;0", "data;4", "data;", "data;x", "data;1;1", "data;99999", ";1", ""] {
        let error = reader.ntuple(path).map(|_| ()).unwrap_err();
        assert!(matches!(&error, Error::NotFound { path: named, .. } if named == path), "{path}: {error:?}");
    }
    // Older cycles do not make a choice necessary.
    assert_eq!(reader.only().unwrap().entries(), 2);
}

#[test]
fn paths_in_directories() {
    let reader = reader("directories.root");
    for path in ["a/b/events", "/a/b/events", "a/b/events;1"] {
        assert_eq!(reader.ntuple(path).unwrap().entries(), 6, "{path}");
    }
    assert_eq!(reader.ntuple("a/events").unwrap().entries(), 5);
    assert_eq!(reader.ntuple("a/events").unwrap().name(), "events");
    for path in ["events", "b/events", "a", "a/b", "a/b/", "//top", "a//events", "A/events"] {
        let error = reader.ntuple(path).map(|_| ()).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, Error::NotFound { .. }), "{path}: {text}");
        assert!(text.contains("x/y/z/events") && text.contains("directories.root"), "{text}");
    }
    let error = reader.only().map(|_| ()).unwrap_err();
    let Error::Choose { paths, .. } = &error else { panic!("{error:?}") };
    assert_eq!(paths.len(), 5);
    assert!(error.to_string().contains("holds 5 RNTuples"), "{error}");
}

#[test]
fn files_without_rntuples() {
    // A file header and an empty top directory.
    let bytes = crate::synthetic::container(&[], &[]);
    let reader = Reader::from_source("empty.root", Arc::new(Memory::new(bytes))).unwrap();
    assert!(reader.list().is_empty());
    let error = reader.only().map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("holds no RNTuple"), "{error}");
    let error = reader.ntuple("data").map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("holds none"), "{error}");
}

#[test]
fn what_is_no_root_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file.root");
    for content in [&b""[..], b"r", b"PAR1 this is something else", b"root"] {
        fs::write(&path, content).unwrap();
        let error = Reader::open(&path).map(|_| ()).unwrap_err();
        assert!(matches!(error, Error::Format { .. }), "{error:?}");
        assert!(error.to_string().contains("file.root"), "{error}");
    }
    for path in [directory.path().to_path_buf(), directory.path().join("missing.root")] {
        let error = Reader::open(&path).map(|_| ()).unwrap_err();
        assert!(matches!(error, Error::Io { .. }), "{error:?}");
        assert!(error.to_string().contains(&*path.to_string_lossy()), "{error}");
    }
}

#[test]
fn memory_is_as_good_as_a_file() {
    for set in sets() {
        let bytes = fs::read(vectors().join(&set.file)).unwrap();
        let size = bytes.len() as u64;
        let reader = Reader::from_source("in memory", Arc::new(Memory::new(bytes))).unwrap();
        assert_eq!((reader.name(), reader.size()), ("in memory", Some(size)));
        let ntuple = reader.ntuple(&set.path).unwrap();
        assert_eq!((ntuple.file_name(), ntuple.entries()), ("in memory", set.ntuple.entries()));
        let scan = ntuple.scan().strings_as_binary(set.file == "strings.root");
        assert_eq!(whole(scan, ntuple.entries()), set.whole(), "{}", set.name());
    }
}

#[test]
fn facts_of_a_set() {
    let ntuple = data("cluster_groups");
    assert_eq!((ntuple.entries(), ntuple.cluster_count(), ntuple.cluster_group_count()), (90, 10, 4));
    assert_eq!((ntuple.name(), ntuple.format_version()), ("data", [1, 0, 2, 0]));
    assert!(ntuple.writer().starts_with("ROOT v6.40"));
    assert!(ntuple.unavailable().unwrap().is_empty());
    // A clone, and a set whose reader is gone, read on.
    let clone = { reader("clusters.root").only().unwrap().clone() };
    let on_thread = std::thread::spawn(move || whole(clone.scan(), 120).num_rows());
    assert_eq!(on_thread.join().unwrap(), 120);
}

#[test]
#[expect(
    clippy::reversed_empty_ranges,
    reason = "negative numbers count from the end, and what is empty reads nothing"
)]
fn entry_ranges() {
    let ntuple = data("clusters");
    let rows = |range: EntryRange| -> Vec<i32> {
        let batches = ntuple.scan().columns(["id"]).entries(range).batch_rows(7).open().unwrap();
        let expected = batches.entries();
        let ids: Vec<i32> = batches
            .flat_map(|batch| {
                let batch = batch.unwrap();
                let ids: &arrow::array::Int32Array = batch.column(0).as_any().downcast_ref().unwrap();
                ids.values().to_vec()
            })
            .collect();
        assert_eq!(ids.len() as u64, expected.end - expected.start);
        ids
    };
    for (range, expected) in [
        (EntryRange::from(..), 0..120),
        ((10..20).into(), 10..20),
        ((-10..).into(), 110..120),
        ((-10..-5).into(), 110..115),
        ((..-115).into(), 0..5),
        ((100..-10).into(), 100..110),
        ((119..).into(), 119..120),
        ((-1000..3).into(), 0..3),
        ((118..1000).into(), 118..120),
        ((120..).into(), 0..0),
        ((20..10).into(), 0..0),
        ((-5..-10).into(), 0..0),
        ((i64::MIN..i64::MAX).into(), 0..120),
        (EntryRange::new(None, Some(2)), 0..2),
        (EntryRange::new(Some(5), Some(5)), 0..0),
    ] {
        assert!(rows(range).into_iter().eq(expected.clone()), "{range:?}, {expected:?}");
    }
}

#[test]
fn sets_without_entries_or_fields() {
    for (name, entries, fields) in [
        ("no_entries", 0, 4),
        ("no_entries_many_fields", 0, 5),
        ("no_fields", 0, 0),
        ("no_fields_3_entries", 3, 0),
        ("no_elements", 6, 3),
    ] {
        let ntuple = data(name);
        assert_eq!(ntuple.entries(), entries, "{name}");
        assert_eq!(ntuple.arrow_schema().unwrap().fields().len(), fields, "{name}");
        for threads in [1, 2] {
            let batches: Vec<RecordBatch> =
                ntuple.scan().threads(threads).batch_rows(2).open().unwrap().map(Result::unwrap).collect();
            let rows: Vec<usize> = batches.iter().map(RecordBatch::num_rows).collect();
            let expected: &[usize] = match entries {
                0 => &[],
                3 => &[2, 1],
                _ => &[2, 2, 2],
            };
            assert_eq!(rows, expected, "{name}");
            let rows: usize = ntuple.scan().open().unwrap().map(|batch| batch.unwrap().num_rows()).sum();
            assert_eq!(rows as u64, entries, "{name}");
        }
        assert!(ntuple.verify(&|_, _| {}).unwrap().damage.is_empty());
        assert_eq!(ntuple.stat().unwrap().len(), ntuple.schema().columns().len());
        let mut reader = ntuple.scan().random_access().unwrap();
        assert_eq!(reader.read(0..0).unwrap().num_rows(), 0);
        assert_eq!(reader.read(0..entries).unwrap().num_rows() as u64, entries);
        assert!(reader.read(0..entries + 1).is_err());
    }
    let reader = open("no_entries.root", "data").scan().entries(-5..).open().unwrap();
    assert_eq!(reader.count(), 0);
}

#[test]
fn every_golden_file_verifies() {
    for set in sets() {
        let calls = std::sync::atomic::AtomicUsize::new(0);
        let report = set
            .ntuple
            .verify(&|done, all| {
                assert!(done <= all, "{done} of {all}");
                calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            })
            .unwrap();
        assert!(report.damage.is_empty(), "{}: {:?}", set.name(), report.damage);
        let stats = set.ntuple.stat().unwrap();
        let pages: u64 = stats.iter().map(|stat| stat.pages).sum();
        // Pages that are stored once for several places count once; those of attribute sets count too.
        let alone = set.ntuple.attribute_sets().is_empty();
        assert!(!alone || report.pages <= pages, "{}", set.name());
        assert_eq!(report.pages > 0, pages > 0, "{}", set.name());
        let unchecked = if set.file == "no_checksums.root" { report.pages } else { 0 };
        assert_eq!(report.pages_without_checksum, unchecked, "{}", set.name());
        let columns = set.ntuple.schema().columns();
        for (stat, column) in stats.iter().zip(columns) {
            assert_eq!(stat.column, column.id);
            assert!(stat.stored_bytes <= stat.raw_bytes, "{}: {stat:?}", set.name());
            let exact = stat.elements * u64::from(column.bits);
            assert!(stat.raw_bytes * 8 >= exact && stat.raw_bytes * 8 < exact + 8 * stat.pages.max(1), "{stat:?}");
        }
    }
}

/// A directory that cannot be read hides what is in it, and nothing else.
#[test]
fn a_damaged_directory_hides_only_itself() {
    let mut bytes = fs::read(vectors().join("directories.root")).unwrap();
    let whole = paths(&reader("directories.root"));
    // Class, name and title of the key of directory `a`, then its block: version 5, two times, size of the key list.
    let key = b"\x0aTDirectory\x01a\x01a";
    let block =
        bytes.windows(key.len() + 2).position(|w| w.starts_with(key) && w.ends_with(&[0, 5])).unwrap() + key.len();
    bytes[block + 10..block + 14].copy_from_slice(&(-1_i32).to_be_bytes());
    let source: Arc<dyn ByteSource> = Arc::new(Memory::new(bytes));
    let reader = Reader::from_source("damaged", source).unwrap();
    let (lost, kept): (Vec<String>, Vec<String>) = whole.into_iter().partition(|path| path.starts_with("a/"));
    assert!(!lost.is_empty() && !kept.is_empty());
    assert_eq!(paths(&reader), kept);
    assert_eq!(reader.damaged().iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(), ["a"]);
    let error = reader.ntuple(&lost[0]).unwrap_err().to_string();
    assert!(error.contains("directory 'a'") && error.contains("key list"), "{error}");
    assert!(reader.ntuple(&kept[0]).is_ok());
}

/// Cluster groups may be listed in any order; what counts is which entries they hold.
#[test]
fn cluster_groups_out_of_order() {
    let shape = Shape { clusters: 6, clusters_per_group: 2, ..Shape::default() };
    let open = |bytes: Vec<u8>| {
        let source: Arc<dyn ByteSource> = Arc::new(Memory::new(bytes));
        Reader::from_source("groups", source).unwrap().ntuple("data").unwrap()
    };
    let in_order = open(shape.file().bytes);
    let reversed = open(shape.file_with(&Changes { footer: &|footer| footer.groups.reverse(), ..NO_CHANGES }).bytes);
    assert_eq!(whole(reversed.scan(), reversed.entries()), whole(in_order.scan(), in_order.entries()));
}

/// Clusters without entries, and groups of nothing else, hold no data and are in nobody's way.
#[test]
fn clusters_without_entries() {
    let full = Shape { clusters: 5, clusters_per_group: 1, lists: 2, ..Shape::default() };
    let open = |bytes: Vec<u8>| {
        let source: Arc<dyn ByteSource> = Arc::new(Memory::new(bytes));
        Reader::from_source("empty clusters", source).unwrap().ntuple("data").unwrap()
    };
    let expected = open(full.file().bytes);
    for clusters_per_group in [1, 2, 100] {
        let ntuple = open(Shape { empty_clusters: true, clusters_per_group, ..full.clone() }.file().bytes);
        assert_eq!((ntuple.entries(), ntuple.cluster_count()), (expected.entries(), 11));
        assert_eq!(whole(ntuple.scan(), ntuple.entries()), whole(expected.scan(), expected.entries()));
        let batches: Vec<RecordBatch> = ntuple.scan().batch_rows(7).open().unwrap().map(Result::unwrap).collect();
        assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>() as u64, ntuple.entries());
        let mut random = ntuple.scan().random_access().unwrap();
        assert_eq!(random.read(19..21).unwrap(), whole(expected.scan(), expected.entries()).slice(19, 2));
        assert!(ntuple.verify(&|_, _| {}).unwrap().damage.is_empty());
    }
}
