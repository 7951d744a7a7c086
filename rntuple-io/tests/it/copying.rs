//! Files copied between storages.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use rntuple_io::storage::Storage;
use rntuple_io::{Error, checksum_file, copy_file};

const CONTINUE: ControlFlow<()> = ControlFlow::Continue(());
const MIB: usize = 1 << 20;

fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let byte = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_le_bytes()[6]
    };
    (0..len).map(byte).collect()
}

/// What is in a directory, by name.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn part(directory: &Path) -> PathBuf {
    let hidden: Vec<_> = names(directory).into_iter().filter(|name| name.starts_with('.')).collect();
    assert_eq!(hidden.len(), 1, "{hidden:?}");
    directory.join(&hidden[0])
}

#[test]
fn bytes_come_over_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    for len in [0, 1, 8 * MIB, 40 * MIB + 3] {
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::write(&from, noise(len, 1)).unwrap();
        let mut seen = 0;
        let copied = copy_file(&from, &to, Storage::shared(), &mut |done, all| {
            assert!(done > seen && done <= all && all == len as u64);
            seen = done;
            CONTINUE
        });
        let copied = copied.unwrap();
        assert_eq!((copied.bytes, copied.resumed, seen), (len as u64, 0, len as u64));
        assert!(fs::read(&to).unwrap() == noise(len, 1), "{len} bytes");
        assert_eq!(names(folder.path()), ["from", "to"]);
        assert_eq!(checksum_file(&to, Storage::shared(), &mut |_, _| CONTINUE).unwrap(), copied.checksum);
    }
}

#[cfg(feature = "remote")]
#[test]
fn through_objects_and_back() {
    let folder = tempfile::tempdir().unwrap();
    for len in [1, MIB, 16 * MIB, 16 * MIB + 1, 60 * MIB] {
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::write(&from, noise(len, 2)).unwrap();
        let object = format!("memory://copies/{len}");
        let sent = copy_file(&from, &object, Storage::shared(), &mut |_, _| CONTINUE).unwrap();
        let back = copy_file(&object, &to, Storage::shared(), &mut |_, _| CONTINUE).unwrap();
        assert_eq!(sent.checksum, back.checksum);
        assert!(fs::read(&to).unwrap() == noise(len, 2), "{len} bytes");
    }
}

/// Starts a copy and breaks it off, as a signal would.
fn broken_off(from: &Path, to: &Path) {
    let broken = std::panic::catch_unwind(|| {
        copy_file(from, to, Storage::shared(), &mut |done, _| {
            assert!(done < 20 * MIB as u64, "broken off");
            CONTINUE
        })
    });
    broken.unwrap_err();
}

#[test]
fn a_copy_that_is_stopped_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    fs::write(&from, noise(50 * MIB, 6)).unwrap();
    fs::write(&to, b"old").unwrap();
    let stop = &mut |done, _| if done < 20 * MIB as u64 { CONTINUE } else { ControlFlow::Break(()) };
    let stopped = copy_file(&from, &to, Storage::shared(), stop).unwrap_err();
    assert!(matches!(stopped, Error::Stopped { .. }), "{stopped}");
    assert_eq!(names(folder.path()), ["from", "to"]);
    assert_eq!(fs::read(&to).unwrap(), b"old");
    let stopped = checksum_file(&from, Storage::shared(), &mut |_, _| ControlFlow::Break(())).unwrap_err();
    assert!(matches!(stopped, Error::Stopped { .. }), "{stopped}");
}

#[test]
fn a_copy_goes_on_where_it_was_broken_off() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    fs::write(&from, noise(50 * MIB, 3)).unwrap();
    broken_off(&from, &to);
    assert!(!to.exists());
    assert_eq!(fs::metadata(part(folder.path())).unwrap().len(), 24 * MIB as u64);
    let copied = copy_file(&from, &to, Storage::shared(), &mut |_, _| CONTINUE).unwrap();
    assert_eq!(copied.resumed, 24 * MIB as u64);
    assert!(fs::read(&to).unwrap() == noise(50 * MIB, 3));
    assert_eq!(checksum_file(&from, Storage::shared(), &mut |_, _| CONTINUE).unwrap(), copied.checksum);
    assert_eq!(names(folder.path()), ["from", "to"]);
}

#[test]
fn what_was_damaged_meanwhile_is_copied_again() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    fs::write(&from, noise(50 * MIB, 4)).unwrap();
    broken_off(&from, &to);
    let part = part(folder.path());
    let mut bytes = fs::read(&part).unwrap();
    bytes[20 * MIB] ^= 1;
    fs::write(&part, bytes).unwrap();
    let copied = copy_file(&from, &to, Storage::shared(), &mut |_, _| CONTINUE).unwrap();
    assert_eq!(copied.resumed, 0);
    assert!(fs::read(&to).unwrap() == noise(50 * MIB, 4));
}

#[test]
fn another_source_is_copied_from_its_start() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    fs::write(&from, noise(50 * MIB, 5)).unwrap();
    broken_off(&from, &to);
    fs::remove_file(&from).unwrap();
    fs::write(&from, noise(50 * MIB, 6)).unwrap();
    let copied = copy_file(&from, &to, Storage::shared(), &mut |_, _| CONTINUE).unwrap();
    assert_eq!(copied.resumed, 0);
    assert!(fs::read(&to).unwrap() == noise(50 * MIB, 6));
}

#[test]
fn what_cannot_be_copied() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    let missing = copy_file(&from, &to, Storage::shared(), &mut |_, _| CONTINUE).unwrap_err();
    assert!(matches!(&missing, Error::Io { .. }) && missing.to_string().contains("from"), "{missing}");
    fs::write(&from, noise(10, 7)).unwrap();
    assert!(copy_file(&from, folder.path(), Storage::shared(), &mut |_, _| CONTINUE).is_err());
    assert_eq!(names(folder.path()), ["from"]);
}
