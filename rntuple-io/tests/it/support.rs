//! The golden files.

use std::fs;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use rntuple_io::{NTuple, Reader, Scan};
use serde_json::Value;

/// Sets with more entries than this are not read in small pieces.
pub(crate) const SMALL: u64 = 1000;

pub(crate) fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../format-spec/vectors")
}

pub(crate) fn text(name: &str) -> String {
    let path = vectors().join(name);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The lines of a table of the golden files, taken apart.
pub(crate) fn table<const N: usize>(name: &str) -> Vec<[String; N]> {
    let line = |line: &str| {
        let parts: Vec<String> = line.split('\t').map(str::to_owned).collect();
        <[String; N]>::try_from(parts).unwrap_or_else(|parts| panic!("{name}: {parts:?}"))
    };
    text(name).lines().map(line).collect()
}

/// What ROOT reads, one entry per line.
pub(crate) fn answers(name: &str) -> Vec<Value> {
    text(name).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A data set of the golden files.
pub(crate) struct Set {
    pub(crate) file: String,
    pub(crate) path: String,
    /// Name of the file with what ROOT reads; none where ROOT cannot.
    pub(crate) answers: Option<String>,
    pub(crate) ntuple: NTuple,
}

impl Set {
    /// A scan of all fields.
    pub(crate) fn scan(&self) -> Scan {
        // This file has strings that are not UTF-8.
        self.ntuple.scan().strings_as_binary(self.file == "strings.root")
    }

    pub(crate) fn name(&self) -> String {
        format!("{}:{}", self.file, self.path)
    }

    /// All entries as one batch, on one thread.
    pub(crate) fn whole(&self) -> RecordBatch {
        whole(self.scan(), self.ntuple.entries())
    }

    pub(crate) fn is_small(&self) -> bool {
        self.ntuple.entries() <= SMALL
    }
}

/// Reads a scan as one batch.
pub(crate) fn whole(scan: Scan, entries: u64) -> RecordBatch {
    let rows = usize::try_from(entries).unwrap().max(1);
    let mut batches = scan.batch_rows(rows).threads(1).open().unwrap();
    let Some(batch) = batches.next() else { return RecordBatch::new_empty(batches.schema()) };
    assert!(batches.next().is_none());
    batch.unwrap()
}

pub(crate) fn open(file: &str, path: &str) -> NTuple {
    Reader::open(vectors().join(file)).unwrap().ntuple(path).unwrap()
}

/// The RNTuple `data` of a file.
pub(crate) fn data(name: &str) -> NTuple {
    open(&format!("{name}.root"), "data")
}

pub(crate) fn sets() -> Vec<Set> {
    let set = |[file, path, answers]: [String; 3]| {
        let ntuple = open(&file, &path);
        Set { file, path, answers: Some(answers).filter(|name| !name.starts_with("error:")), ntuple }
    };
    table("MANIFEST.txt").into_iter().map(set).collect()
}
