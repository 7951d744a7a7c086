//! The engines behind stores: all keep values in the same way.

use std::io::ErrorKind;
use std::sync::Arc;

use rntuple_io::storage::keyed::{Created, KeyedRead, KeyedStore, MemoryStore, orphans};

use crate::objects::{Store, assert_copy, ids, layouts, open, write, writer};
use crate::support::sets;

fn read(store: &dyn KeyedStore, key: &str, offset: u64, len: usize) -> Result<Vec<u8>, ErrorKind> {
    let mut buffer = vec![0; len];
    let mut reads = [KeyedRead::new(key, offset, &mut buffer)];
    store.get(&mut reads);
    let [KeyedRead { result, .. }] = reads;
    result.map(|()| buffer).map_err(|e| e.kind())
}

/// What every engine does.
pub(crate) fn check(store: &dyn KeyedStore, at: &str) {
    let key = |name: &str| format!("{at}/{name}");
    // Larger than a piece, and no multiple of one.
    let large: Vec<u8> = (0..1_000_003_u32).map(|i| i.to_le_bytes()[0] ^ i.to_le_bytes()[1]).collect();
    let (a, b, c) = (key("a"), key("b"), key("b/c"));
    assert_eq!(store.size(&a).unwrap(), None);
    assert_eq!(store.get_whole(&a, 10).unwrap(), None);
    assert_eq!(read(store, &a, 0, 1), Err(ErrorKind::NotFound));
    store.put(&[(&a, b"one"), (&b, &large), (&c, b"")]).unwrap();
    assert_eq!(store.list(&format!("{at}/")).unwrap(), [a.as_str(), b.as_str(), c.as_str()]);
    assert_eq!(store.list(&key("b/")).unwrap(), [c.as_str()]);
    assert_eq!([&a, &b, &c].map(|key| store.size(key).unwrap()), [Some(3), Some(1_000_003), Some(0)]);
    assert_eq!(store.get_whole(&b, 2_000_000).unwrap().unwrap(), large);
    assert_eq!(store.get_whole(&c, 0).unwrap().unwrap(), b"");
    assert_eq!(store.get_whole(&b, 1_000_002).unwrap_err().kind(), ErrorKind::InvalidData);
    for (offset, len) in [(0, 5), (262_140, 10), (262_144, 262_144), (500_000, 500_003), (1_000_002, 1), (0, 1_000_003)]
    {
        let expected = &large[usize::try_from(offset).unwrap()..][..len];
        assert_eq!(read(store, &b, offset, len).unwrap(), expected, "{offset}, {len}");
    }
    for (offset, len) in [(1_000_003, 1), (1_000_000, 4), (u64::MAX, 1), (1 << 40, 3)] {
        assert!(read(store, &b, offset, len).is_err(), "{offset}, {len}");
    }
    // Several at once, each with its own result.
    let mut buffers = [[0; 3]; 3];
    let keys = [a.clone(), key("none"), b.clone()];
    let mut reads: Vec<KeyedRead> = keys.iter().zip(&mut buffers).map(|(key, to)| KeyedRead::new(key, 0, to)).collect();
    store.get(&mut reads);
    assert_eq!(reads.iter().map(|read| read.result.is_ok()).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!((buffers[0], buffers[2].as_slice()), (*b"one", &large[..3]));
    // Shorter than before, and empty.
    store.put(&[(&b, b"two")]).unwrap();
    assert_eq!(store.get_whole(&b, 10).unwrap().unwrap(), b"two");
    assert_eq!(read(store, &b, 0, 4), Err(ErrorKind::UnexpectedEof));
    assert_eq!(store.put_new(&a, b"three").unwrap(), Created::Exists);
    assert_eq!(store.get_whole(&a, 10).unwrap().unwrap(), b"one");
    let d = key("d");
    assert_eq!(store.put_new(&d, b"four").unwrap(), Created::Yes);
    store.delete(&[&a, &b, &c, &key("none")]).unwrap();
    assert_eq!(store.list(&format!("{at}/")).unwrap(), [d.as_str()]);
    assert_eq!(store.size(&b).unwrap(), None);
    assert_eq!(store.put_new(&b, &large).unwrap(), Created::Yes);
    store.delete(&[&b, &d]).unwrap();
    store.delete(&[]).unwrap();
    let d = d.as_str();
    // Of many that create a key at once, one does.
    if store.guards() {
        let created: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|i: u8| scope.spawn(move || store.put_new(d, &[i]).unwrap())).collect();
            threads.into_iter().map(|thread| usize::from(thread.join().unwrap() == Created::Yes)).sum()
        });
        assert_eq!(created, 1);
        store.delete(&[d]).unwrap();
    }
}

#[test]
fn memory() {
    check(&MemoryStore::new(), "x/y");
    check_data_sets(&(Arc::new(MemoryStore::new()) as Store), "x/y");
}

/// Data sets in an engine: copied in, written, replaced, with what is left removed.
pub(crate) fn check_data_sets(store: &Store, at: &str) {
    for set in sets().iter().step_by(5).filter(|set| set.ntuple.unavailable().unwrap().is_empty()) {
        for (n, (what, options)) in layouts().iter().enumerate() {
            if *what == "key-value" && !set.ntuple.attribute_sets().is_empty() {
                continue;
            }
            let base = format!("{at}/{}/{n}/{}", set.file, set.ntuple.name());
            set.ntuple.copy_to_store("store", Arc::clone(store), &base, options).unwrap();
            let copy = open(store, &base).unwrap();
            assert_copy(set, copy, what);
        }
    }
    for (what, options) in layouts() {
        let base = format!("{at}/{}/Events", what.replace(' ', "-"));
        let dropped = writer(store, &base, options.clone()).unwrap();
        drop(dropped);
        write(store, &base, 0, 2, options.clone().overwrite(true));
        assert!(writer(store, &base, options.clone()).is_err());
        write(store, &base, 500, 1, options.overwrite(true));
        let left = orphans("store", store, &base).unwrap();
        assert!(!left.is_empty(), "{what}");
        store.delete(&left.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
        assert_eq!(orphans("store", store, &base).unwrap(), Vec::<String>::new());
        assert_eq!(ids(&open(store, &base).unwrap()), (500..600).collect::<Vec<_>>(), "{what}");
    }
}

#[cfg(feature = "kv")]
mod embedded {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    use rntuple_io::storage::keyed::{EmbeddedStore, ObjectLayout};
    use rntuple_io::{Checkpoint, Error, NTuple, WriteOptions};

    use super::*;
    use crate::objects::batch;

    #[test]
    fn values() {
        let directory = tempfile::tempdir().unwrap();
        let store = EmbeddedStore::open(directory.path().join("new")).unwrap();
        check(&store, "x");
        for key in ["", "a\0b", &"x".repeat(40_000)] {
            assert_eq!(store.put(&[(key, b"")]).unwrap_err().kind(), ErrorKind::InvalidInput);
        }
    }

    /// What is written is tidied up at any moment, and nobody waits for ever.
    #[test]
    fn values_that_come_and_go() {
        let directory = tempfile::tempdir().unwrap();
        let store = EmbeddedStore::open(directory.path()).unwrap();
        let names: Vec<_> = (0..12).map(|i| format!("values/{i}")).collect();
        std::thread::scope(|scope| {
            for mine in names.chunks(4) {
                let store = &store;
                scope.spawn(move || {
                    for round in 0..10_u8 {
                        let value = vec![round; 3 << 20];
                        store.put(&mine.iter().map(|name| (name.as_str(), &*value)).collect::<Vec<_>>()).unwrap();
                        for name in mine {
                            assert!(store.get_whole(name, value.len()).unwrap().unwrap() == value, "{name}");
                        }
                        store.delete(&mine.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
                        assert!(store.size(&mine[0]).unwrap().is_none());
                    }
                });
            }
        });
        assert!(store.list("").unwrap().is_empty());
        // 360 MB were written, 36 MB of them are there at a time at most.
        let files = walk(directory.path());
        assert!(files < 120 << 20, "{files} bytes");
    }

    #[test]
    fn damaged_files_are_errors() {
        let directory = tempfile::tempdir().unwrap();
        let values = [vec![1; 10], vec![2; 300_000]];
        let store = EmbeddedStore::open(directory.path()).unwrap();
        store.put(&[("a", &values[0]), ("b", &values[1])]).unwrap();
        drop(store);
        let file = directory.path().join("rntuple.redb");
        let good = std::fs::read(&file).unwrap();
        let mut refused = 0;
        for round in 0..120_usize {
            let mut bad = good.clone();
            match round % 10 {
                0 => bad.truncate(good.len() * round / 120),
                // The header, and a tree.
                1..6 => bad[round * 5..][..4].fill(0xA5),
                _ => bad.iter_mut().skip(4096).step_by(97 + round).for_each(|byte| *byte ^= 0x55),
            }
            let other = tempfile::tempdir().unwrap();
            std::fs::write(other.path().join("rntuple.redb"), bad).unwrap();
            let read = EmbeddedStore::open_existing(other.path()).and_then(|store| {
                store.list("")?;
                store.get_whole("a", 10)?;
                store.get_whole("b", 300_000)
            });
            refused += usize::from(read.is_err());
        }
        assert!(refused > 40, "{refused} refused");
    }

    /// Bytes of all files below a directory.
    fn walk(directory: &std::path::Path) -> u64 {
        let entries = std::fs::read_dir(directory).unwrap().map(Result::unwrap);
        entries
            .map(|entry| if entry.path().is_dir() { walk(&entry.path()) } else { entry.metadata().unwrap().len() })
            .sum()
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn one_process_at_a_time() {
        use rustix::fs::FlockOperation;

        let directory = tempfile::tempdir().unwrap();
        assert_eq!(EmbeddedStore::open_existing(directory.path()).unwrap_err().kind(), ErrorKind::NotFound);
        let store = EmbeddedStore::open(directory.path()).unwrap();
        let clone = store.clone();
        store.put(&[("key", b"value")]).unwrap();
        let same = EmbeddedStore::open(directory.path().join(".")).unwrap();
        assert_eq!(same.get_whole("key", 10).unwrap().unwrap(), b"value");
        let lock = std::fs::File::open(directory.path().join("rntuple.redb")).unwrap();
        let take = |operation| rustix::fs::flock(&lock, operation);
        assert!(take(FlockOperation::NonBlockingLockExclusive).is_err(), "another process could open it");
        drop((store, clone, same));
        take(FlockOperation::LockExclusive).unwrap();
        let other = EmbeddedStore::open(directory.path().join("."));
        assert_eq!(other.unwrap_err().kind(), ErrorKind::WouldBlock);
        drop(lock);
        let store = EmbeddedStore::open_existing(directory.path()).unwrap();
        assert_eq!(store.get_whole("key", 10).unwrap().unwrap(), b"value");
    }

    const TARGET: &str = "RNTUPLE_TEST_STORE";
    const BASE: &str = "run/Events";

    /// Writes clusters until it is killed, in a process of its own.
    #[test]
    fn killed_writer() {
        let Ok(target) = std::env::var(TARGET) else { return };
        let (layout, directory) = target.split_once(' ').unwrap();
        let store: Store = Arc::new(EmbeddedStore::open(directory).unwrap());
        let options = match layout {
            "native" => WriteOptions::default(),
            "checkpoints" => WriteOptions::default().checkpoint(Checkpoint::Clusters(1)),
            _ => WriteOptions::default().object_layout(ObjectLayout::KeyValue).checkpoint(Checkpoint::Clusters(1)),
        };
        let mut writer = writer(&store, BASE, options).unwrap();
        for i in 0..10_000 {
            writer.append(&batch(i * 100, 100)).unwrap();
            writer.flush_cluster().unwrap();
            println!("@{i}");
        }
    }

    #[test]
    fn a_writer_that_is_killed() {
        for (n, layout) in ["native", "checkpoints", "key-value"].iter().enumerate() {
            let directory = tempfile::tempdir().unwrap();
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "objects_engines::embedded::killed_writer", "--nocapture", "--test-threads=1"])
                .env(TARGET, format!("{layout} {}", directory.path().display()))
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let lines = BufReader::new(child.stdout.take().unwrap()).lines();
            let written = lines.map(Result::unwrap).find(|line| line.ends_with(&format!("@{}", n + 3)));
            child.kill().unwrap();
            child.wait().unwrap();
            assert!(written.is_some());
            let store: Store = Arc::new(EmbeddedStore::open_existing(directory.path()).unwrap());
            match open(&store, BASE) {
                Err(error) => assert!(*layout == "native" && matches!(error, Error::NotFound { .. }), "{error}"),
                Ok(ntuple) => {
                    assert_ne!(*layout, "native");
                    let entries = ntuple.entries();
                    assert!(entries >= (n as u64 + 4) * 100 && entries % 100 == 0, "{entries}");
                    assert_eq!(ids(&ntuple), (0..i32::try_from(entries).unwrap()).collect::<Vec<_>>());
                    assert!(ntuple.verify(&|_, _| {}).unwrap().damage.is_empty());
                }
            }
            let left = orphans("store", &store, BASE).unwrap();
            // Checkpoints of the key-value layout leave nothing.
            assert!(!left.is_empty() || *layout == "key-value");
            store.delete(&left.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
            let options = WriteOptions::default().overwrite(*layout != "native");
            let options = if *layout == "key-value" { options.object_layout(ObjectLayout::KeyValue) } else { options };
            write(&store, BASE, 0, 1, options);
            assert_eq!(open(&store, BASE).unwrap().entries(), 100);
        }
    }

    #[test]
    fn data_sets() {
        let directory = tempfile::tempdir().unwrap();
        let store: Store = Arc::new(EmbeddedStore::open(directory.path()).unwrap());
        check_data_sets(&store, "data");
        // Still there when it is opened again.
        let base = "kept/Events";
        write(&store, base, 0, 3, WriteOptions::default().object_layout(ObjectLayout::KeyValue));
        drop(store);
        let store: Store = Arc::new(EmbeddedStore::open_existing(directory.path()).unwrap());
        assert_eq!(ids(&NTuple::from_store("store", store, base).unwrap()).len(), 300);
    }
}

/// Needs a cluster that `$CEPH_CONF` describes, and a pool of the name in `$RNTUPLE_RADOS_POOL`.
#[cfg(feature = "rados")]
mod rados {
    use rntuple_io::storage::keyed::RadosStore;

    use super::*;

    fn pool() -> String {
        std::env::var("RNTUPLE_RADOS_POOL").expect("the name of a pool in RNTUPLE_RADOS_POOL")
    }

    #[test]
    #[ignore = "needs a Ceph cluster"]
    fn values() {
        let store = RadosStore::open(&pool()).unwrap();
        check(&store, &format!("values-{}", std::process::id()));
        assert!(RadosStore::open("there is no such pool").is_err());
    }

    #[test]
    #[ignore = "needs a Ceph cluster"]
    fn data_sets() {
        let store: Store = Arc::new(RadosStore::open(&pool()).unwrap());
        check_data_sets(&store, &format!("data-{}", std::process::id()));
    }
}
