//! The undamaged files, and what the commands print of them.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::judge::{Command, undamaged};
use crate::layout::{Directories, Layout, ListedKey};

/// Files with more entries than this are shown in part only.
const MANY_ENTRIES: u64 = 20_000;

/// An undamaged file.
#[derive(Debug)]
pub(crate) struct Subject {
    pub name: String,
    pub path: PathBuf,
    pub bytes: Vec<u8>,
    pub directories: Directories,
    pub ntuples: Vec<(ListedKey, Layout)>,
    /// Arguments that choose a data set, one for each that there is.
    pub choices: Vec<Vec<String>>,
    /// How many entries `show` is asked for, where there are too many to read them over and over.
    pub limit: Option<u32>,
    /// What `show` prints of any of the data sets, by command.
    pub shown: Vec<(Command, BTreeSet<Vec<u8>>)>,
    /// Bytes of additional memory that the undamaged file needs at most.
    pub needs: usize,
}

impl Subject {
    pub(crate) fn read(path: PathBuf) -> Self {
        let bytes = std::fs::read(&path).unwrap();
        let directories = Directories::of(&bytes);
        let keys = directories.keys.iter().filter(|key| key.class == "ROOT::RNTuple");
        let ntuples: Vec<(ListedKey, Layout)> = keys
            .filter_map(|key| {
                let payload = &bytes[key.record.start + key.key_len..key.record.end];
                Some((key.clone(), Layout::of(&bytes, payload, key.object_len)?))
            })
            .collect();
        let mut choices = Vec::new();
        for (key, layout) in &ntuples {
            let newest = ntuples.iter().all(|(other, _)| other.path != key.path || other.cycle <= key.cycle);
            let path = if newest { key.path.clone() } else { format!("{};{}", key.path, key.cycle) };
            // Without a choice the only one is taken.
            let choice = if ntuples.len() == 1 { vec![] } else { vec!["--ntuple".to_owned(), path] };
            let sets = layout.attribute_sets.iter();
            let sets = sets.map(|(set, _)| [&choice[..], &["--attributes".to_owned(), set.clone()]].concat());
            choices.extend(sets);
            choices.push(choice);
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let limit = ntuples.iter().any(|(_, layout)| layout.entries > MANY_ENTRIES).then_some(1000);
        let mut subject = Self { name, path, bytes, directories, ntuples, choices, limit, shown: Vec::new(), needs: 0 };
        for command in Command::ALL {
            let mut shown = BTreeSet::new();
            if subject.choices.is_empty() {
                // A file that is refused as it is: nothing is ever printed.
                shown.insert(Vec::new());
            }
            for choice in &subject.choices {
                let (out, memory) = undamaged(&subject.path, command, choice, limit);
                subject.needs = subject.needs.max(memory);
                shown.insert(out);
            }
            if command.shows() {
                subject.shown.push((command, shown));
            }
        }
        subject
    }

    /// How many times less often than others this file is tried: one that takes longer, or is much like the others.
    pub(crate) fn weight(&self) -> usize {
        let golden = self.path.parent().is_some_and(|folder| folder.ends_with("vectors"));
        (if golden { 1 } else { 3 }) + (self.bytes.len() + self.needs / 8) / 40_000
    }

    /// Byte ranges of pages, with their checksums, in order and without overlap.
    pub(crate) fn page_ranges(&self) -> Vec<Range<usize>> {
        let pages = self.ntuples.iter().flat_map(|(_, layout)| layout.all_pages());
        let mut ranges: Vec<Range<usize>> = pages.flat_map(|page| page.ranges).collect();
        ranges.sort_by_key(|range| (range.start, range.end));
        ranges.dedup_by(|next, before| {
            let overlap = next.start < before.end;
            if overlap {
                before.end = before.end.max(next.end);
            }
            overlap
        });
        ranges
    }

    /// Offsets of all bytes that are not in pages.
    pub(crate) fn metadata(&self) -> Vec<usize> {
        let mut out = Vec::new();
        let mut next = 0;
        for range in self.page_ranges() {
            out.extend(next..range.start);
            next = range.end;
        }
        out.extend(next..self.bytes.len());
        out
    }
}

/// The golden files of the project.
pub(crate) fn vectors() -> Vec<PathBuf> {
    let files = roots(&root().join("format-spec/vectors"));
    assert!(!files.is_empty(), "the golden files are part of the repository");
    files
}

/// The golden files, and those of the corpus beside the repository where that is there.
pub(crate) fn all() -> Vec<PathBuf> {
    let mut files = vectors();
    let corpus = root().join("../shared/corpus");
    if corpus.is_dir() {
        files.extend(["validation", "edge", "wild"].iter().flat_map(|folder| roots(&corpus.join(folder))));
    } else {
        eprintln!("skipped: {} is not there; only the golden files are damaged", corpus.display());
    }
    files
}

pub(crate) fn vector(name: &str) -> Subject {
    Subject::read(root().join("format-spec/vectors").join(name).with_extension("root"))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn roots(folder: &Path) -> Vec<PathBuf> {
    let Ok(files) = std::fs::read_dir(folder) else { return Vec::new() };
    let files = files.map(|file| file.unwrap().path());
    let mut files: Vec<_> = files.filter(|file| file.extension().is_some_and(|end| end == "root")).collect();
    files.sort();
    files
}
