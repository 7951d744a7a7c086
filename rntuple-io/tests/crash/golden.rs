//! Files of ROOT: what lacks nothing is copied as it is; of what is cut short, what page lists mention is saved.

use std::fs;
use std::path::{Path, PathBuf};

use rntuple_core::container::root_file::FileHeader;
use rntuple_io::{Reader, recover};

use crate::data::assert_whole;

fn golden() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../format-spec/vectors");
    let mut files: Vec<PathBuf> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "root"));
    files.sort();
    assert!(files.len() > 20);
    files
}

#[test]
fn complete_files_are_copied() {
    let directory = tempfile::tempdir().unwrap();
    for path in golden() {
        let saved = directory.path().join("saved.root");
        let recovered = recover(&path, &saved).unwrap();
        assert!(recovered.complete, "{}: {recovered}", path.display());
        assert_eq!(fs::read(&path).unwrap(), fs::read(&saved).unwrap(), "{}", path.display());
        let reader = Reader::open(&path).unwrap();
        for key in reader.list().iter().filter(|key| key.newest) {
            let entries = reader.ntuple(&key.path).unwrap().entries();
            let said = recovered.ntuples.iter().find(|ntuple| ntuple.path == key.path).unwrap();
            assert_eq!((said.entries, said.lost.len()), (entries, 0), "{}:{}", path.display(), key.path);
        }
    }
}

/// Without the end, where the key lists are, everything is still found.
#[test]
fn cut_behind_the_anchors() {
    let directory = tempfile::tempdir().unwrap();
    for path in golden() {
        let bytes = fs::read(&path).unwrap();
        let cut = directory.path().join("cut.root");
        let saved = directory.path().join("saved.root");
        // Direct writing leaves zeros behind the end.
        let end = FileHeader::parse(&bytes).unwrap().end as usize;
        fs::write(&cut, &bytes[..end - 1]).unwrap();
        let recovered = recover(&cut, &saved).unwrap();
        assert!(!recovered.complete, "{}", path.display());
        let (before, after) = (Reader::open(&path).unwrap(), Reader::open(&saved).unwrap());
        assert!(after.damaged().is_empty());
        for key in before.list() {
            let (before, after) = (before.ntuple(&key.to_string()).unwrap(), after.ntuple(&key.to_string()).unwrap());
            assert_whole(&after);
            assert_eq!(before.entries(), after.entries(), "{}:{key}", path.display());
            assert_eq!(before.attribute_sets(), after.attribute_sets());
            assert_eq!(before.arrow_schema().unwrap(), after.arrow_schema().unwrap());
        }
        assert_eq!(before.list().len(), after.list().len());
        // What was recovered is complete.
        let again = directory.path().join("again.root");
        assert!(recover(&saved, &again).unwrap().complete, "{}", path.display());
    }
}

/// Cut anywhere: what is written can be read, and has no more than the original.
#[test]
fn cut_anywhere() {
    let directory = tempfile::tempdir().unwrap();
    let (cut, saved) = (directory.path().join("cut.root"), directory.path().join("saved.root"));
    for path in golden() {
        let bytes = fs::read(&path).unwrap();
        let original = Reader::open(&path).unwrap();
        for part in 0..16 {
            let _ = fs::remove_file(&saved);
            fs::write(&cut, &bytes[..bytes.len() * part / 16]).unwrap();
            if recover(&cut, &saved).is_err() {
                assert!(!saved.exists());
                continue;
            }
            let reader = Reader::open(&saved).unwrap();
            for key in reader.list() {
                let ntuple = reader.ntuple(&key.to_string()).unwrap();
                assert_whole(&ntuple);
                let cycles = original.list().iter().filter(|other| other.path == key.path);
                let most = cycles.map(|other| original.ntuple(&other.to_string()).unwrap().entries()).max();
                assert!(most.is_none_or(|most| ntuple.entries() <= most), "{}:{key}", path.display());
            }
        }
    }
}
