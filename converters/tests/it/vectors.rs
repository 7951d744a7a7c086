//! The project's own golden files, written by ROOT, against what ROOT reads from them.

use std::path::Path;

use serde_json::Value;

use crate::compare::{Rules, normalise};
use crate::support::{ndjson, path_text, rntuple, vectors};

/// More entries than this are not in the ndjson files.
const MOST: usize = 200;

/// The lines of a list in the folder of vectors, split at tabs. An empty list is a mistake.
fn lines<const N: usize>(folder: &Path, list: &str) -> Vec<[String; N]> {
    let text = std::fs::read_to_string(folder.join(list)).unwrap();
    let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let split = |line: &str| -> [String; N] {
        let parts: Vec<String> = line.split('\t').map(str::to_owned).collect();
        parts.try_into().unwrap_or_else(|parts| panic!("{list}: {parts:?} are not {N} parts"))
    };
    let lines: Vec<_> = lines.map(split).collect();
    assert!(!lines.is_empty(), "{list} names no file");
    lines
}

fn values(folder: &Path, file: &str) -> Vec<Value> {
    ndjson(&std::fs::read_to_string(folder.join(file)).unwrap())
}

/// Collects what is wrong with several files, so that one bad file does not hide another.
fn each<const N: usize>(lines: &[[String; N]], check: impl Fn(&[String; N]) -> Result<(), String>) {
    let wrong: Vec<String> =
        lines.iter().filter_map(|line| check(line).err().map(|why| format!("{}: {why}", line.join(" ")))).collect();
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), lines.len(), wrong.join("\n"));
}

#[test]
fn show_prints_what_root_reads() {
    let Some(folder) = vectors() else { return };
    each(&lines(&folder, "MANIFEST.txt"), |[file, ntuple, truth]| {
        let file = path_text(&folder.join(file));
        let limit = MOST.to_string();
        if truth.starts_with("error:") {
            // ROOT does not know what is in there. Any answer will do that is one.
            let done = rntuple(["show", &file, "--ntuple", ntuple, "--format", "ndjson", "--limit", &limit]);
            return if done.status == 0 || done.err.starts_with("rntuple: ") { Ok(()) } else { Err(done.err) };
        }
        check(&file, ntuple, &["--limit", &limit], &values(&folder, truth))
    });
}

#[test]
fn show_prints_the_end_of_long_data_sets() {
    let Some(folder) = vectors() else { return };
    each(&lines(&folder, "RANGES.txt"), |[file, ntuple, first, truth]| {
        let range = format!("{first}..");
        check(&path_text(&folder.join(file)), ntuple, &["--entries", &range], &values(&folder, truth))
    });
}

#[test]
fn show_prints_attribute_sets() {
    let Some(folder) = vectors() else { return };
    each(&lines(&folder, "ATTRIBUTES.txt"), |[file, ntuple, set, truth]| {
        let file = path_text(&folder.join(file));
        let got = rntuple(["show", &file, "--ntuple", ntuple, "--attributes", set, "--format", "ndjson"]).fine();
        // ROOT's reader sorts by range: as many times each is all that counts.
        let (got, want) = (Value::Array(ndjson(&got)), Value::Array(values(&folder, truth)));
        let rules = Rules { free_order: true, double: true };
        if rules.same(&got, &want) { Ok(()) } else { Err(format!("got {got}, ROOT has {want}")) }
    });
}

#[test]
fn show_prints_the_bytes_of_streamer_fields() {
    let Some(folder) = vectors() else { return };
    each(&lines(&folder, "STREAMS.txt"), |[file, ntuple, truth]| {
        let file = path_text(&folder.join(file));
        let got = ndjson(&rntuple(["show", &file, "--ntuple", ntuple, "--format", "ndjson"]).fine());
        let want = values(&folder, truth);
        if got == want { Ok(()) } else { Err("differs".to_owned()) }
    });
}

fn check(file: &str, ntuple: &str, more: &[&str], wanted: &[Value]) -> Result<(), String> {
    let done = rntuple(["show", file, "--ntuple", ntuple, "--format", "ndjson"].iter().chain(more));
    if (done.status, done.err.as_str()) != (0, "") {
        return Err(format!("status {}: {}", done.status, done.err));
    }
    let got = ndjson(&done.out);
    if got.len() != wanted.len() {
        return Err(format!("{} entries, ROOT has {}", got.len(), wanted.len()));
    }
    let schema: Value = serde_json::from_str(&rntuple(["schema", "--json", file, "--ntuple", ntuple]).fine()).unwrap();
    for (at, (got, want)) in got.into_iter().map(normalise).zip(wanted.iter().cloned().map(normalise)).enumerate() {
        let (got, want) = (got.as_object().unwrap(), want.as_object().unwrap());
        if !got.keys().eq(want.keys()) {
            return Err(format!("entry {at}: other fields, or another order: {:?}", got.keys().collect::<Vec<_>>()));
        }
        for field in schema["fields"].as_array().unwrap() {
            let name = field["name"].as_str().unwrap();
            let (got, want) = (&got[name], &want[name]);
            if !Rules::of(&types(field)).same(got, want) {
                return Err(format!("entry {at}, {name}: {got}, ROOT has {want}"));
            }
        }
    }
    Ok(())
}

/// The names of all types at or below a field.
fn types(field: &Value) -> String {
    let own = field["type"].as_str().unwrap().to_owned();
    field["fields"].as_array().unwrap().iter().map(types).fold(own, |all, below| all + " " + &below)
}
