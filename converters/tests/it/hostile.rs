//! Damaged files: cut short, bytes changed. Whatever is printed must be true, and what is wrong must be said.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::support::{Outcome, path_text, rntuple, vectors};

/// Small files with all kinds of records, some compressed, some not. All have checksums on pages.
const FILES: [&str; 5] = ["two_ntuples", "classes", "integers_raw", "cluster_groups", "attributes"];
/// Damage tried per file and kind.
const TRIES: usize = 400;
/// What writes files is tried on every so many of them, as it takes longer.
const RARELY: usize = 4;
/// No answer may take longer, however slow the machine.
const PATIENCE: Duration = Duration::from_secs(5);

/// A file of the vectors, and somewhere to put damaged copies of it.
struct Patient {
    bytes: Vec<u8>,
    copy: PathBuf,
    _folder: tempfile::TempDir,
    /// Path and entries of each data set in it.
    good: Vec<(String, String)>,
    /// How many copies were examined.
    examined: Cell<usize>,
}

impl Patient {
    fn all() -> Option<Vec<Self>> {
        let vectors = vectors()?;
        let patient = |name: &str| {
            let file = vectors.join(name).with_extension("root");
            let folder = tempfile::tempdir().unwrap();
            let listed = rntuple(["ls", "--json", &path_text(&file)]).fine();
            let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
            let paths = listed.as_array().unwrap().iter().map(|one| one["path"].as_str().unwrap().to_owned());
            let good = paths.map(|path| (path.clone(), show(&path_text(&file), &path).fine()));
            Self {
                bytes: std::fs::read(&file).unwrap(),
                copy: folder.path().join("damaged.root"),
                good: good.collect(),
                examined: Cell::new(0),
                _folder: folder,
            }
        };
        Some(FILES.iter().map(|name| patient(name)).collect())
    }

    /// Every command on these bytes: no panic, no long wait, nothing wrong on standard output.
    fn examine(&self, bytes: &[u8], what: &str) {
        std::fs::write(&self.copy, bytes).unwrap();
        let copy = path_text(&self.copy);
        let run = |args: &[&str]| -> Outcome {
            let started = Instant::now();
            let outcome = catch_unwind(AssertUnwindSafe(|| rntuple(args)));
            let outcome = outcome.unwrap_or_else(|_| panic!("panic in {args:?}: {what}"));
            assert!(started.elapsed() < PATIENCE, "{args:?} takes {:?}: {what}", started.elapsed());
            assert!(outcome.status < 2, "{args:?}: {what}: {}", outcome.err);
            let only_a_note = outcome.err.ends_with(": holds no RNTuple\n") && args[0] == "ls";
            assert_eq!(
                outcome.status == 1,
                !outcome.err.is_empty() && !only_a_note,
                "{args:?}: {what}: {}",
                outcome.err
            );
            for line in outcome.err.lines() {
                assert!(line.starts_with("rntuple: ") && line.contains(&copy), "{args:?}: {what}: {line}");
            }
            outcome
        };
        run(&["ls", &copy]);
        let sound = run(&["verify", "--quiet", &copy]).status == 0;
        for (path, good) in &self.good {
            run(&["schema", "--json", &copy, "--ntuple", path]);
            run(&["stat", "--json", &copy, "--ntuple", path]);
            let shown = run(&["show", "--format", "ndjson", &copy, "--ntuple", path]);
            assert!(good.starts_with(&shown.out), "{path}: wrong entries: {what}:\n{}\ninstead of\n{good}", shown.out);
            if self.examined.get().is_multiple_of(RARELY) {
                self.convert(path, good, what);
            }
            if shown.status == 0 {
                assert_eq!(&shown.out, good, "{path}: entries are missing without a word: {what}");
            } else {
                // What cannot be found is no damage to what is found.
                assert!(
                    !sound || shown.err.contains("no RNTuple"),
                    "{path}: verify saw nothing: {what}: {}",
                    shown.err
                );
            }
        }
        if self.examined.get().is_multiple_of(RARELY) {
            self.recover(what);
        }
        self.examined.set(self.examined.get() + 1);
    }

    /// A command that writes a file: it does so completely, or not at all. Gives the file.
    fn write(&self, command: &str, more: &[&str], what: &str) -> Option<String> {
        let target = path_text(&self.copy.with_file_name("written.root"));
        let copy = path_text(&self.copy);
        let args: Vec<&str> = [command, &copy, &target].iter().chain(more).copied().collect();
        let started = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| rntuple(&args)));
        let outcome = outcome.unwrap_or_else(|_| panic!("panic in {args:?}: {what}"));
        assert!(started.elapsed() < PATIENCE, "{args:?} takes {:?}: {what}", started.elapsed());
        let files = std::fs::read_dir(self.copy.parent().unwrap()).unwrap().count();
        // Of a file without any entry that can be saved, its fields are.
        let wrote = outcome.status == 0 || !outcome.out.is_empty();
        assert!(outcome.status < 2 && files == 1 + usize::from(wrote), "{args:?}: {what}: {}", outcome.err);
        assert!(outcome.status == 0 || outcome.err.contains(&copy), "{args:?}: {what}: {}", outcome.err);
        wrote.then_some(target)
    }

    fn convert(&self, path: &str, good: &str, what: &str) {
        let Some(target) = self.write("convert", &["--quiet", "--ntuple", path], what) else { return };
        let base = path.rsplit('/').next().unwrap();
        assert_eq!(show(&target, base).fine(), good, "{path}: convert gives wrong entries: {what}");
        std::fs::remove_file(target).unwrap();
    }

    fn recover(&self, what: &str) {
        let Some(target) = self.write("recover", &[], what) else { return };
        for key in rntuple_io::Reader::open(&target).unwrap().list() {
            let Some((_, good)) = self.good.iter().find(|(path, _)| *path == key.path) else { continue };
            let shown = show(&target, &key.path);
            assert_eq!(shown.status, 0, "{}: recover gives what cannot be read: {what}: {}", key.path, shown.err);
            let shown = shown.out;
            let mut rest = good.lines();
            let in_order = shown.lines().all(|line| rest.any(|other| other == line));
            assert!(in_order, "{}: recover gives wrong entries: {what}:\n{shown}\ninstead of\n{good}", key.path);
        }
        std::fs::remove_file(target).unwrap();
    }
}

fn show(file: &str, path: &str) -> Outcome {
    rntuple(["show", "--format", "ndjson", file, "--ntuple", path])
}

/// `TRIES` positions below `len`, spread evenly, each with its number.
fn positions(len: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..TRIES.min(len)).map(move |number| (number, number * len / TRIES.min(len)))
}

#[test]
fn files_cut_short() {
    for patient in Patient::all().into_iter().flatten() {
        for (_, len) in positions(patient.bytes.len()) {
            patient.examine(&patient.bytes[..len], &format!("cut to {len} bytes"));
        }
    }
}

#[test]
fn files_with_a_flipped_bit() {
    for patient in Patient::all().into_iter().flatten() {
        for (number, at) in positions(patient.bytes.len()) {
            let mut bytes = patient.bytes.clone();
            bytes[at] ^= 1 << (number % 8);
            patient.examine(&bytes, &format!("bit {} of byte {at} flipped", number % 8));
        }
    }
}

#[test]
fn files_with_lengths_blown_up() {
    let lengths: [&[u8]; 5] = [
        &0x7fff_ffff_u32.to_be_bytes(),
        &0x7fff_ffff_u32.to_le_bytes(),
        &0x8000_0000_0000_0000_u64.to_be_bytes(),
        &0x8000_0000_0000_0000_u64.to_le_bytes(),
        &[0xff; 8],
    ];
    for patient in Patient::all().into_iter().flatten() {
        for (number, at) in positions(patient.bytes.len()) {
            let length = lengths[number % lengths.len()];
            let mut bytes = patient.bytes.clone();
            let end = bytes.len().min(at + length.len());
            bytes[at..end].copy_from_slice(&length[..end - at]);
            patient.examine(&bytes, &format!("{length:02x?} at byte {at}"));
        }
    }
}
