//! `head`, `tail`, `sample`, `count`.

use crate::support::{muons, ndjson, path_text, rntuple};

fn all(file: &str) -> Vec<String> {
    rntuple(["show", file, "--format", "ndjson"]).fine().lines().map(ToOwned::to_owned).collect()
}

fn lines(args: &[&str]) -> Vec<String> {
    rntuple(args.iter().copied().chain(["--format", "ndjson"])).fine().lines().map(ToOwned::to_owned).collect()
}

#[test]
fn head_and_tail_are_the_ends() {
    let Some(file) = muons() else { return };
    let all = all(&file);
    assert_eq!(lines(&["head", &file]), all[..10]);
    assert_eq!(lines(&["tail", &file]), all[990..]);
    assert_eq!(lines(&["head", &file, "-l", "3"]), all[..3]);
    assert_eq!(lines(&["tail", &file, "--limit", "3"]), all[997..]);
    for command in ["head", "tail", "sample"] {
        assert!(lines(&[command, &file, "-l", "0"]).is_empty());
        let mut everything = lines(&[command, &file, "-l", "5000"]);
        assert_eq!(everything.len(), 1000);
        everything.dedup();
        assert_eq!(everything, all, "{command}");
    }
    let table = rntuple(["tail", &file, "-l", "2", "--fields", "nMuon"]).fine();
    assert!(table.ends_with("2 of 1,000 entries\n") && table.lines().count() == 6, "{table}");
    let csv = rntuple(["head", &file, "-l", "2", "-f", "nMuon", "--format", "csv"]).fine();
    assert_eq!(csv.lines().count(), 3, "{csv}");
    let metrics = rntuple(["head", &file, "--metrics"]);
    assert!(metrics.status == 0 && metrics.err.starts_with("requests "), "{}", metrics.err);
}

#[test]
fn samples_are_entries_in_their_order() {
    let Some(file) = muons() else { return };
    let all = all(&file);
    let sample = lines(&["sample", &file, "-l", "50"]);
    assert_eq!(sample.len(), 50);
    let mut from = 0;
    for line in &sample {
        let at = all[from..].iter().position(|other| other == line).unwrap_or_else(|| panic!("{line} is out of order"));
        from += at + 1;
    }
    assert_eq!(lines(&["sample", &file, "-l", "50", "--seed", "1"]), sample);
    assert_ne!(lines(&["sample", &file, "-l", "50", "--seed", "2"]), sample);
    let table = rntuple(["sample", &file, "-f", "nMuon"]).fine();
    assert!(table.ends_with("10 of 1,000 entries\n"), "{table}");
    let one = lines(&["sample", &file, "-l", "1", "-f", "nMuon"]);
    assert!(ndjson(&one[0])[0]["nMuon"].is_u64(), "{one:?}");
}

#[test]
fn entries_are_counted() {
    let Some(file) = muons() else { return };
    assert_eq!(rntuple(["count", &file]).fine(), "1000\n");
    let folder = tempfile::tempdir().unwrap();
    let few = path_text(&folder.path().join("few.root"));
    rntuple(["convert", "-q", &file, &few, "--entries", "..7"]).fine();
    let text = rntuple(["count", &file, &few]).fine();
    let numbers: Vec<&str> = text.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(numbers.contains(&"1,000") && numbers.contains(&"7") && numbers.last() == Some(&"1,007"), "{text}");
    let some = rntuple(["count", &few, "missing.root"]);
    assert!(some.status == 1 && some.err.contains("missing.root") && some.out.contains("could be opened"), "{some:?}");
    assert!(rntuple(["count", "missing.root"]).failed(1).contains("missing.root"));
    assert!(rntuple(["count", &few, "--ntuple", "other"]).failed(1).contains("other"));
}
