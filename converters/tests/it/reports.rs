//! `ls`, `schema`, `stat` and `verify`.

use serde_json::Value;

use crate::support::{corpus, muons, path_text, rntuple};

fn json(args: &[&str]) -> Value {
    serde_json::from_str(&rntuple(args).fine()).unwrap()
}

#[test]
fn ls_has_a_line_per_data_set() {
    let Some(file) = muons() else { return };
    let text = rntuple(["ls", &file]).fine();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(lines[0].starts_with("path") && lines[0].ends_with("writer"), "{text}");
    assert!(lines[2].starts_with("Events  ") && lines[2].contains("1,000"), "{text}");
    let two = rntuple(["ls", &file, &file]).fine();
    assert_eq!(two.lines().count(), 4);
    assert!(two.starts_with("file"), "{two}");

    let all = json(&["ls", "--json", &file]);
    assert_eq!(all.as_array().unwrap().len(), 1);
    let one = &all[0];
    assert_eq!((&one["path"], &one["entries"], &one["fields"]), (&"Events".into(), &1000.into(), &7.into()));
    assert_eq!(one["format_version"], "1.0.0.0");
    assert!(one["stored_bytes"].as_u64().unwrap() > 10_000, "{one}");
}

#[test]
fn schema_shows_types_encodings_and_sources() {
    let Some(file) = muons() else { return };
    let text = rntuple(["schema", &file]).fine();
    let line =
        |start: &str| text.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{start}: {text}"));
    assert!(text.starts_with("Events: 1,000 entries, format 1.0.0.0, written by "), "{text}");
    assert!(line("_collection0").contains("SplitIndex64"), "{text}");
    assert!(line("Muon_pt").contains("-> _collection0"), "{text}");
    assert!(line("nMuon").contains("RNTupleCardinality"), "{text}");
    assert!(!text.contains("UInt32"), "{text}");
    let arrow = rntuple(["schema", "--arrow", &file]).fine();
    assert!(arrow.lines().any(|line| line.starts_with("nMuon") && line.contains("UInt")), "{arrow}");

    let all = json(&["schema", "--json", "--arrow", &file]);
    let fields = all["fields"].as_array().unwrap();
    assert_eq!(fields.len(), 7);
    assert_eq!(fields[1]["name"], "Muon_pt");
    assert_eq!(fields[1]["source"], "_collection0");
    assert_eq!(fields[0]["representations"][0][0]["type"], "SplitIndex64");
    assert!(fields[1]["arrow"].as_str().unwrap().contains("Float32"), "{}", fields[1]);
}

#[test]
fn schema_knows_ranges_of_low_precision_floats() {
    let Some(corpus) = corpus() else { return };
    let text = rntuple(["schema", &path_text(&corpus.join("edge/lowprec.root"))]).fine();
    assert!(text.contains("Real32Trunc("), "{text}");
    assert!(text.contains("Real32Quant("), "{text}");
}

#[test]
fn stat_adds_up() {
    let Some(file) = muons() else { return };
    let all = json(&["stat", "--json", &file]);
    let sum = |list: &str, key: &str| -> u64 {
        all[list].as_array().unwrap().iter().map(|item| item[key].as_u64().unwrap()).sum()
    };
    for key in ["pages", "stored_bytes", "raw_bytes"] {
        assert_eq!(sum("columns", key), all["total"][key].as_u64().unwrap(), "{key}");
        assert_eq!(sum("fields", key), all["total"][key].as_u64().unwrap(), "{key}");
    }
    let size = std::fs::metadata(&file).unwrap().len();
    let stored = all["total"]["stored_bytes"].as_u64().unwrap();
    assert!(stored < size && stored > size / 4, "{stored} of {size}");
    for column in all["columns"].as_array().unwrap() {
        let (elements, bits) = (column["elements"].as_u64().unwrap(), column["bits"].as_u64().unwrap());
        assert_eq!(column["raw_bytes"].as_u64().unwrap(), (elements * bits).div_ceil(8), "{column}");
    }
    let index = &all["columns"][0];
    assert_eq!((&index["field"], &index["elements"]), (&"_collection0".into(), &1000.into()));

    let text = rntuple(["stat", &file]).fine();
    assert!(
        text.contains("SplitIndex64") && text.contains("zstd 5") | text.contains("zlib") | text.contains("lz"),
        "{text}"
    );
    assert!(text.contains("compression\n") && text.contains("share\n"), "{text}");
}

#[test]
fn verify_counts_and_finds_damage() {
    let Some(file) = muons() else { return };
    let text = rntuple(["verify", &file]).fine();
    assert!(text.contains(": Events: ok, ") && text.contains(" pages, "), "{text}");
    assert_eq!(rntuple(["verify", "--quiet", &file]).fine(), "");

    // Somewhere in the pages, which make up most of the file.
    let folder = tempfile::tempdir().unwrap();
    let damaged = folder.path().join("damaged.root");
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    std::fs::write(&damaged, bytes).unwrap();
    let damaged = path_text(&damaged);
    let done = rntuple(["verify", &damaged]);
    assert_eq!(done.status, 1, "{done:?}");
    assert!(done.out.contains("DAMAGED") && done.out.contains("1 damaged place"), "{}", done.out);
    let message = done.err;
    assert!(message.starts_with("rntuple: ") && message.contains(&damaged) && message.contains("offset"), "{message}");
    assert_eq!(rntuple(["verify", "--quiet", &damaged]).failed(1), message);
    // The good file beside it is still counted.
    let both = rntuple(["verify", &damaged, &file]);
    assert_eq!(both.status, 1);
    assert!(both.out.contains(": Events: ok, "), "{}", both.out);
}
