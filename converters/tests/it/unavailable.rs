//! A field of a kind that a later version of the format may bring: that field cannot be read, the others can.

use std::path::{Path, PathBuf};

use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

use crate::support::{ndjson, path_text, rntuple, vectors};

/// A copy of a data set in which the type of one column is the number that the format reserves for such tests.
struct FromTheFuture {
    _folder: tempfile::TempDir,
    file: String,
    original: String,
    /// The field that the column belongs to.
    field: String,
}

impl FromTheFuture {
    fn make() -> Option<Self> {
        let original = vectors()?.join("integers_raw.root");
        let mut bytes = std::fs::read(&original).unwrap();

        // A record frame of 20 bytes with type UInt16, 16 bits: the first such column.
        let wanted = [&20_u64.to_le_bytes()[..], &[0x06, 0, 16, 0]].concat();
        let record = bytes.windows(wanted.len()).position(|window| window == wanted).unwrap();
        let number = u32::from_le_bytes(bytes[record + 12..record + 16].try_into().unwrap());
        bytes[record + 8] = 0x99;

        // The header has another checksum now, and page list and footer repeat it.
        let header = envelopes(&bytes, 1).into_iter().find(|range| range.contains(&record)).unwrap();
        let old = bytes[header.end - 8..header.end].to_vec();
        let new = seal(&mut bytes, header.clone());
        let repeats = bytes.windows(8).enumerate().filter(|(_, window)| *window == old).map(|(at, _)| at);
        let repeats: Vec<usize> = repeats.collect();
        assert_eq!(repeats.len(), 2, "one page list, one footer");
        for at in repeats {
            bytes[at..at + 8].copy_from_slice(&new);
            let holders = [2, 3].into_iter().flat_map(|kind| envelopes(&bytes, kind));
            let holder = holders.into_iter().find(|range| range.contains(&at)).unwrap();
            seal(&mut bytes, holder);
        }

        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("future.root");
        std::fs::write(&file, bytes).unwrap();
        Some(Self {
            field: field_name(&original, number),
            file: path_text(&file),
            original: path_text(&original),
            _folder: folder,
        })
    }
}

/// The name of a field by its number.
fn field_name(file: &Path, number: u32) -> String {
    let ntuple = rntuple_io::Reader::open(file).unwrap().only().unwrap();
    ntuple.schema().fields()[number as usize].name.to_string()
}

/// Where uncompressed envelopes of a kind may lie: a preamble of that kind, and the checksum that it promises.
fn envelopes(bytes: &[u8], kind: u64) -> Vec<std::ops::Range<usize>> {
    let mut found = Vec::new();
    for start in 0..bytes.len().saturating_sub(16) {
        let preamble = u64::from_le_bytes(bytes[start..start + 8].try_into().unwrap());
        let end = start.saturating_add(usize::try_from(preamble >> 16).unwrap());
        if preamble & 0xffff == kind && end <= bytes.len() && end >= start + 16 {
            found.push(start..end);
        }
    }
    // Other bytes may look like a preamble. The envelope around a known place is the smallest one that is not tiny.
    found.retain(|range| range.len() > 40);
    found.sort_by_key(ExactSizeIterator::len);
    found
}

/// Writes the checksum of an envelope, and returns it as stored.
fn seal(bytes: &mut [u8], range: std::ops::Range<usize>) -> [u8; 8] {
    let checksum = xxh3_64(&bytes[range.start..range.end - 8]).to_le_bytes();
    bytes[range.end - 8..range.end].copy_from_slice(&checksum);
    checksum
}

#[test]
fn an_unreadable_field_is_skipped_with_a_warning() {
    let Some(future) = FromTheFuture::make() else { return };
    let done = rntuple(["show", "--format", "ndjson", &future.file]);
    assert_eq!(done.status, 0, "{}", done.err);
    let warning = format!("rntuple: warning: field '{}' is skipped: ", future.field);
    assert!(done.err.starts_with(&warning), "{}", done.err);
    assert!(done.err.contains("0x99") && done.err.lines().count() == 1, "{}", done.err);

    // All else is as it was.
    let mut wanted = ndjson(&rntuple(["show", "--format", "ndjson", &future.original]).fine());
    for entry in &mut wanted {
        assert!(entry.as_object_mut().unwrap().shift_remove(&future.field).is_some());
    }
    assert_eq!(ndjson(&done.out), wanted);
}

#[test]
fn an_unreadable_field_that_is_asked_for_is_an_error() {
    let Some(future) = FromTheFuture::make() else { return };
    let message = rntuple(["show", "--format", "ndjson", &future.file, "--fields", &future.field]).failed(1);
    assert!(message.contains(&future.field) && message.contains("0x99"), "{message}");
    // A pattern that would take it in leaves it out with the same warning.
    let done = rntuple(["show", "--format", "ndjson", &future.file, "--fields", "*"]);
    assert_eq!(done.status, 0, "{}", done.err);
    assert!(done.err.contains("warning: "), "{}", done.err);
    // Without it there is nothing to say.
    let other = rntuple(["schema", "--json", &future.file]).fine();
    let other: Value = serde_json::from_str(&other).unwrap();
    let names = other["fields"].as_array().unwrap().iter().map(|field| field["name"].as_str().unwrap());
    let other = names.into_iter().find(|name| *name != future.field).unwrap();
    rntuple(["show", "--format", "ndjson", &future.file, "--fields", other]).fine();
}

#[test]
fn schema_says_why_a_field_cannot_be_read() {
    let Some(future) = FromTheFuture::make() else { return };
    let text = rntuple(["schema", &future.file]).fine();
    assert!(text.contains("cannot be read: column type 0x99"), "{text}");
    let all: Value = serde_json::from_str(&rntuple(["schema", "--json", "--arrow", &future.file]).fine()).unwrap();
    let field = all["fields"].as_array().unwrap().iter().find(|field| field["name"] == future.field.as_str()).unwrap();
    assert!(field["unavailable"].as_str().unwrap().contains("0x99"), "{field}");
    assert!(field.get("arrow").is_none(), "{field}");
}

#[test]
fn convert_does_not_lose_fields_silently() {
    let Some(future) = FromTheFuture::make() else { return };
    let target = format!("{}.copy.root", future.file);
    let message = rntuple(["convert", &future.file, &target]).failed(1);
    for part in [future.field.as_str(), "0x99", "--fields '*'"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert!(!Path::new(&target).exists());
    let done = rntuple(["convert", &future.file, &target, "--fields", "*"]);
    assert_eq!(done.status, 0, "{}", done.err);
    let warning = format!("rntuple: warning: field '{}' is left out: ", future.field);
    assert!(done.err.starts_with(&warning) && done.err.lines().count() == 1, "{}", done.err);
    let kept = rntuple(["show", "--format", "ndjson", &target]).fine();
    assert_eq!(kept, rntuple(["show", "--format", "ndjson", &future.file]).out);
}

#[test]
fn the_other_reports_do_not_mind() {
    let Some(future) = FromTheFuture::make() else { return };
    let file = PathBuf::from(&future.file);
    for command in ["ls", "stat", "verify"] {
        let text = rntuple([command, &path_text(&file)]).fine();
        assert!(!text.is_empty());
    }
    assert!(rntuple(["stat", &future.file]).fine().contains("Unknown(0x99)"));
}
