//! Writers of objects that stop, meet each other, or replace what is there.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rntuple_io::storage::keyed::{Created, KeyedRead, KeyedStore, MemoryStore, ObjectLayout, orphans};
use rntuple_io::{Error, WriteOptions};

use crate::objects::{Store, batch, expected, ids, layouts, memory, open, options, write, writer};

/// Fails from the n-th put on, and may be one that does not guard.
#[derive(Debug)]
struct Failing {
    store: MemoryStore,
    puts_left: AtomicUsize,
    guards: bool,
}

impl Failing {
    fn put_left(&self) -> io::Result<()> {
        let left = self.puts_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
        left.map(drop).map_err(|_| io::Error::other("the store is full"))
    }
}

impl KeyedStore for Failing {
    fn get(&self, reads: &mut [KeyedRead<'_>]) {
        self.store.get(reads);
    }

    fn size(&self, key: &str) -> io::Result<Option<u64>> {
        self.store.size(key)
    }

    fn get_whole(&self, key: &str, most: usize) -> io::Result<Option<Vec<u8>>> {
        self.store.get_whole(key, most)
    }

    fn put(&self, values: &[(&str, &[u8])]) -> io::Result<()> {
        self.put_left()?;
        self.store.put(values)
    }

    fn guards(&self) -> bool {
        self.guards
    }

    fn put_new(&self, key: &str, value: &[u8]) -> io::Result<Created> {
        self.put_left()?;
        self.store.put_new(key, value)
    }

    fn delete(&self, keys: &[&str]) -> io::Result<()> {
        self.store.delete(keys)
    }

    fn list(&self, prefix: &str) -> io::Result<Vec<String>> {
        self.store.list(prefix)
    }
}

#[test]
fn a_writer_that_stops_anywhere_leaves_nothing_visible() {
    for (what, options) in layouts() {
        let mut failures = 0;
        for puts in 0.. {
            let kept = MemoryStore::new();
            let store: Store =
                Arc::new(Failing { store: kept.clone(), puts_left: AtomicUsize::new(puts), guards: true });
            let written = (|| {
                let mut writer = writer(&store, "a/Events", options.clone())?;
                for i in 0..3 {
                    writer.append(&batch(i * 100, 100))?;
                    writer.flush_cluster()?;
                }
                writer.finish()
            })();
            let kept: Store = Arc::new(kept);
            if written.is_ok() {
                assert_eq!(open(&kept, "a/Events").unwrap().entries(), 300);
                break;
            }
            failures += 1;
            assert!(matches!(written, Err(Error::Io { .. })), "{written:?}");
            assert!(matches!(open(&kept, "a/Events"), Err(Error::NotFound { .. })), "{what}, {puts} puts");
            // All that is there is found, and can go.
            let (all, left) = (kept.list("").unwrap(), orphans("store", &kept, "a/Events").unwrap());
            assert_eq!(all, left, "{what}, {puts} puts");
            kept.delete(&left.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
            write(&kept, "a/Events", 0, 1, options.clone());
            assert_eq!(ids(&open(&kept, "a/Events").unwrap()), expected(0, 1));
        }
        assert!(failures >= 6, "{what}: {failures}");
    }
}

#[test]
fn of_two_writers_the_second_loses() {
    let store = memory();
    let mut one = writer(&store, "a/Events", options()).unwrap();
    let mut two = writer(&store, "a/Events", options()).unwrap();
    one.append(&batch(0, 100)).unwrap();
    two.append(&batch(1000, 100)).unwrap();
    one.flush_cluster().unwrap();
    two.flush_cluster().unwrap();
    two.finish().unwrap();
    let error = one.finish().unwrap_err().to_string();
    assert!(error.contains("another writer was first"), "{error}");
    // The winner's objects are its own.
    let ntuple = open(&store, "a/Events").unwrap();
    assert_eq!(ids(&ntuple), expected(1000, 1));
    assert!(ntuple.verify(&|_, _| {}).unwrap().damage.is_empty());
    assert!(writer(&store, "a/Events", options()).unwrap_err().to_string().contains("there is a data set already"));
    assert_eq!(orphans("store", &store, "a/Events").unwrap().len(), 4);

    // In the key-value layout they meet at once.
    let store = memory();
    let options = options().object_layout(ObjectLayout::KeyValue);
    let one = writer(&store, "a/Events", options.clone()).unwrap();
    let error = writer(&store, "a/Events", options.clone()).unwrap_err().to_string();
    assert!(error.contains("is being written there"), "{error}");
    one.finish().unwrap();
    assert!(writer(&store, "a/Events", options).is_err());
}

#[test]
fn replacing_a_data_set() {
    for (what, options) in layouts() {
        let store = memory();
        write(&store, "a/Events", 0, 2, options.clone());
        let before = open(&store, "a/Events").unwrap();
        let options = options.overwrite(true);
        let mut new = writer(&store, "a/Events", options.clone()).unwrap();
        new.append(&batch(5000, 100)).unwrap();
        new.flush_cluster().unwrap();
        // Not before the end.
        assert_eq!(ids(&open(&store, "a/Events").unwrap()), expected(0, 2), "{what}");
        new.finish().unwrap();
        assert_eq!(ids(&open(&store, "a/Events").unwrap()), expected(5000, 1), "{what}");
        // Nothing of the pages was written over.
        assert_eq!(ids(&before), expected(0, 2), "{what}");
        write(&store, "a/Events", 7000, 1, options);
        assert_eq!(ids(&open(&store, "a/Events").unwrap()), expected(7000, 1), "{what}");
        let left = orphans("store", &store, "a/Events").unwrap();
        store.delete(&left.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
        let ntuple = open(&store, "a/Events").unwrap();
        assert!(ntuple.verify(&|_, _| {}).unwrap().damage.is_empty(), "{what}");
        let other = if what == "key-value" { ObjectLayout::Native } else { ObjectLayout::KeyValue };
        let error =
            writer(&store, "a/Events", WriteOptions::default().object_layout(other).overwrite(true)).unwrap_err();
        assert!(error.to_string().contains("another layout"), "{error}");
    }
}

#[test]
fn replacing_where_numbers_are_used_up() {
    let store = memory();
    let options = options().object_layout(ObjectLayout::KeyValue).overwrite(true);
    let key = "a/0000000087d4b929.0000000000000000/0000000000000000/";
    store.put(&[(&format!("{key}{:016x}", u64::MAX), b"x"), (&format!("{key}none"), b"x")]).unwrap();
    let error = writer(&store, "a/Events", options.clone()).unwrap_err().to_string();
    assert!(error.contains("leaves no numbers"), "{error}");
    store.delete(&[&format!("{key}{:016x}", u64::MAX)]).unwrap();
    write(&store, "a/Events", 0, 1, options);
    assert_eq!(ids(&open(&store, "a/Events").unwrap()), expected(0, 1));
}

#[test]
fn a_store_that_does_not_guard_gives_each_writer_a_place_of_its_own() {
    let memory = MemoryStore::new();
    let store: Store = Arc::new(Failing { store: memory, puts_left: AtomicUsize::new(usize::MAX), guards: false });
    let writers = [0, 1000].map(|first| {
        let mut writer = writer(&store, "Events", options().overwrite(true)).unwrap();
        writer.append(&batch(first, 100)).unwrap();
        writer.flush_cluster().unwrap();
        writer
    });
    for (writer, first) in writers.into_iter().zip([0, 1000]) {
        writer.finish().unwrap();
        // The last one is seen, whole.
        assert_eq!(ids(&open(&store, "Events").unwrap()), expected(first, 1));
    }
}
