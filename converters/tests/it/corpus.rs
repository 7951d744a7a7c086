//! Real files against what ROOT reads from them, where the corpus is there.

use std::fs::File;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use serde_json::Value;

use crate::compare::{Rules, normalise};
use crate::support::{corpus, ndjson, path_text, rntuple};

#[test]
fn show_prints_what_root_reads() {
    let Some(corpus) = corpus() else { return };
    let (mut compared, mut wrong) = (0, Vec::new());
    for folder in ["validation", "edge", "wild"] {
        for file in roots(&corpus.join(folder)) {
            let truth = File::open(file.with_extension("truth.json.gz")).unwrap();
            let truth: Value = serde_json::from_reader(GzDecoder::new(truth)).unwrap();
            for ntuple in truth["ntuples"].as_array().unwrap() {
                compared += 1;
                if let Err(why) = check(&file, ntuple) {
                    wrong.push(format!("{}: {why}", file.display()));
                }
            }
        }
    }
    assert!(compared > 0);
    assert!(wrong.is_empty(), "{} of {compared} differ:\n{}", wrong.len(), wrong.join("\n"));
}

fn roots(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<_> = files.filter(|file| file.extension().is_some_and(|end| end == "root")).collect();
    files.sort();
    files
}

fn check(file: &Path, ntuple: &Value) -> Result<(), String> {
    let path = ntuple["path"].as_str().unwrap();
    let entries = ntuple.get("entries").and_then(Value::as_array);
    let limit = entries.map_or(1000, Vec::len).to_string();
    let done = rntuple(["show", &path_text(file), "--ntuple", path, "--format", "ndjson", "--limit", &limit]);
    if ntuple.get("error").is_some() {
        let refused = done.status == 1 && done.out.is_empty() && done.err.starts_with("rntuple: ");
        return if refused { Ok(()) } else { Err(format!("not refused: {done:?}")) };
    }
    if done.status != 0 {
        return Err(format!("status {}: {}", done.status, done.err));
    }
    let got: Vec<Value> = ndjson(&done.out).into_iter().map(normalise).collect();
    let fields = ntuple["meta"]["fields"].as_array().unwrap();
    // By entry, or by field where ROOT could not put the entries together.
    let (wanted, columns): (Vec<Value>, Vec<&str>) = match entries {
        Some(entries) => {
            if got.len() != entries.len() {
                return Err(format!("{} entries, ROOT has {}", got.len(), entries.len()));
            }
            let top =
                fields.iter().filter(|field| field["parent"].is_null()).map(|field| field["name"].as_str().unwrap());
            (entries.iter().cloned().map(normalise).collect(), top.collect())
        }
        None => return check_columns(ntuple, fields, &got),
    };
    for (at, (want, got)) in wanted.iter().zip(&got).enumerate() {
        let names = |entry: &Value| entry.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        let (mut a, mut b) = (names(want), names(got));
        a.sort();
        b.sort();
        if a != b {
            return Err(format!("entry {at}: fields {b:?}, ROOT has {a:?}"));
        }
        for name in &columns {
            let rules = Rules::of(&types(fields, name));
            if !rules.same(&want[*name], &got[*name]) {
                return Err(format!("entry {at}, {name}: {}, ROOT has {}", got[*name], want[*name]));
            }
        }
    }
    Ok(())
}

fn check_columns(ntuple: &Value, fields: &[Value], got: &[Value]) -> Result<(), String> {
    for (name, column) in ntuple["columns_by_field"].as_object().unwrap() {
        let Some(column) = column.as_array() else { continue };
        let rules = Rules::of(&types(fields, name));
        for (at, (want, got)) in column.iter().zip(got).enumerate() {
            let want = normalise(want.clone());
            if !rules.same(&want, &got[name]) {
                return Err(format!("entry {at}, {name}: {}, ROOT has {want}", got[name]));
            }
        }
    }
    Ok(())
}

/// The names of all types at or below a top-level field.
fn types(fields: &[Value], top: &str) -> String {
    let below = format!("{top}.");
    let mut types = String::new();
    for field in fields {
        let path = field["path"].as_str().unwrap();
        if path == top || path.starts_with(&below) {
            types += field["type"].as_str().unwrap();
            types.push(' ');
        }
    }
    types
}
