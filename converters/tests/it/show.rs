//! `show`: choosing fields and entries, and the three formats.

use rntuple_converters::Terminal;
use serde_json::Value;

use crate::support::{corpus, muons, ndjson, path_text, rntuple, rntuple_on};

fn entries(file: &str, more: &[&str]) -> Vec<Value> {
    ndjson(&rntuple(["show", file, "--format", "ndjson"].iter().chain(more)).fine())
}

#[test]
fn entries_are_chosen_by_range_and_limit() {
    let Some(file) = muons() else { return };
    let all = entries(&file, &[]);
    assert_eq!(all.len(), 1000, "no limit for ndjson");
    for (range, expected) in [
        ("10..20", &all[10..20]),
        ("990..", &all[990..]),
        ("..3", &all[..3]),
        ("-3..", &all[997..]),
        ("-3..-1", &all[997..999]),
        ("5", &all[5..6]),
        ("-1", &all[999..]),
        ("5..5", &[][..]),
        ("2000..", &[]),
        ("0..99999", &all[..]),
    ] {
        assert_eq!(entries(&file, &["--entries", range]), expected, "{range}");
    }
    assert_eq!(entries(&file, &["--limit", "7"]), &all[..7]);
    assert_eq!(entries(&file, &["--limit", "0"]), &[] as &[Value]);
    assert_eq!(entries(&file, &["--limit", "99999"]), &all[..]);
    assert_eq!(entries(&file, &["--entries", "-5..", "--limit", "2"]), &all[995..997]);
    assert_eq!(entries(&file, &["--entries=-5..", "--limit=18446744073709551615"]), &all[995..]);
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let Some(file) = muons() else { return };
    let all = rntuple(["show", &file, "--format", "ndjson"]).fine();
    for threads in ["1", "2", "5"] {
        assert_eq!(rntuple(["show", &file, "--format", "ndjson", "--threads", threads]).fine(), all);
    }
}

#[test]
fn fields_are_chosen_by_glob() {
    let Some(file) = muons() else { return };
    let names = |fields: &str| -> Vec<String> {
        entries(&file, &["--limit", "1", "--fields", fields])[0].as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(names("nMuon"), ["nMuon"]);
    assert_eq!(names("nMuon,Muon_p*"), ["Muon_pt", "Muon_phi", "nMuon"], "in the order of the schema");
    assert_eq!(names("*uon*").len(), 6);
    assert_eq!(names("**").len(), 7);
}

#[test]
fn csv_has_a_line_of_names_and_one_per_entry() {
    let Some(file) = muons() else { return };
    let text = rntuple(["show", &file, "--format", "csv", "--fields", "nMuon,Muon_charge", "--limit", "3"]).fine();
    let first = &entries(&file, &["--limit", "1"])[0];
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    assert_eq!(reader.headers().unwrap(), vec!["Muon_charge", "nMuon"]);
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 3);
    assert_eq!(serde_json::from_str::<Value>(&rows[0][0]).unwrap(), first["Muon_charge"]);
    assert_eq!(rows[0][1], first["nMuon"].to_string());
}

#[test]
fn a_table_shows_twenty_entries_and_says_so() {
    let Some(file) = muons() else { return };
    let text = rntuple(["show", &file]).fine();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3 + 20 + 1, "names, types, rule, entries, count: {text}");
    assert!(lines[0].contains("Muon_pt") && lines[0].contains("nMuon"), "{text}");
    assert!(lines[1].contains("ROOT::VecOps::RVec<float>"), "{text}");
    assert_eq!(lines[23], "20 of 1,000 entries");
    assert!(rntuple(["show", &file, "--limit", "30"]).fine().ends_with("\n30 of 1,000 entries\n"));
    assert!(rntuple(["show", &file, "--entries", "998.."]).fine().ends_with("\n2 of 1,000 entries\n"));
}

#[test]
fn a_table_keeps_to_the_terminal() {
    let Some(file) = muons() else { return };
    for columns in [20, 40, 60, 80, 120, 200] {
        let text = rntuple_on(Terminal::none().with_width(columns), ["show", &file]).fine();
        let (count, table) = text.lines().collect::<Vec<_>>().split_last().map(|(l, t)| (*l, t.to_vec())).unwrap();
        assert_eq!(table.len(), 23, "{text}");
        for line in table {
            assert!(line.chars().count() <= columns, "{columns}: {line}");
        }
        let all_fit = text.contains("nMuon");
        assert_eq!(count == "20 of 1,000 entries", all_fit, "{text}");
        assert!(all_fit || count.contains(" of 7 fields"), "{text}");
        assert_eq!(all_fit, columns >= 120, "{text}");
    }
}

#[test]
fn data_sets_without_fields_or_entries() {
    let Some(corpus) = corpus() else { return };
    let file = |name: &str| path_text(&corpus.join("edge").join(name));
    let empty_entries = file("empty_entries.root");
    assert_eq!(rntuple(["show", &empty_entries, "--format", "ndjson"]).fine(), "");
    assert!(rntuple(["show", &empty_entries]).fine().ends_with("0 of 0 entries\n"));
    assert_eq!(rntuple(["show", &empty_entries, "--format", "csv"]).fine().lines().count(), 1);
    let empty_model = file("empty_model.root");
    let objects = rntuple(["show", &empty_model, "--format", "ndjson"]).fine();
    assert!(objects.lines().all(|line| line == "{}"), "{objects}");
    assert_eq!(rntuple(["show", &empty_model, "--format", "csv"]).fine(), "");
    let table = rntuple(["show", &empty_model]).fine();
    assert_eq!(table.lines().count(), 1, "{table}");
}

#[test]
fn attribute_sets_are_data_sets() {
    let Some(corpus) = corpus() else { return };
    let file = path_text(&corpus.join("validation/structure.attributes.root"));
    let set = entries(&file, &["--attributes", "Attributes"]);
    assert!(!set.is_empty());
    for entry in &set {
        let names: Vec<&String> = entry.as_object().unwrap().keys().collect();
        assert_eq!(names, ["_rangeStart", "_rangeLen", "_userData"]);
    }
}
