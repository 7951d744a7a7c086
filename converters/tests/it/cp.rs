//! `cp`, URIs as files, and `--metrics`.

use std::fs;

use crate::support::{muons, path_text, rntuple};

#[test]
fn a_file_goes_to_an_object_and_comes_back() {
    let (Some(muons), folder) = (muons(), tempfile::tempdir().unwrap()) else { return };
    let object = "memory://cp/muons.root";
    let back = path_text(&folder.path().join("back.root"));
    let text = rntuple(["cp", "--verify", &muons, object]).fine();
    assert!(text.starts_with("memory://cp/muons.root: ") && text.trim_end().ends_with('B'), "{text}");
    assert_eq!(rntuple(["cp", "-q", object, &back]).fine(), "");
    assert_eq!(fs::read(&muons).unwrap(), fs::read(&back).unwrap());
    let entries = |file: &str| rntuple(["show", file, "--format", "ndjson"]).fine();
    assert_eq!(entries(object), entries(&muons));
    let anew = "memory://cp/anew.root";
    rntuple(["convert", "-q", object, anew]).fine();
    assert_eq!(entries(anew), entries(&muons));
    rntuple(["verify", "-q", anew]).fine();
}

#[test]
fn a_file_becomes_objects_and_a_file_again() {
    let (Some(muons), folder) = (muons(), tempfile::tempdir().unwrap()) else { return };
    let entries = |file: &str| rntuple(["show", file, "--format", "ndjson"]).fine();
    let back = path_text(&folder.path().join("back.root"));
    let embedded = format!("kv+file://{}#run1/Events", path_text(&folder.path().join("store")));
    for (store, size) in [("ntpl+memory://cp/objects", "32MiB"), ("ntpl+memory://cp/pages", "0"), (&embedded, "1MiB")] {
        rntuple(["cp", "--verify", "--object-size", size, &muons, store]).fine();
        assert_eq!(entries(store), entries(&muons));
        rntuple(["verify", "-q", store]).fine();
        rntuple(["cp", "-q", "--verify", store, &back]).fine();
        assert_eq!(entries(&back), entries(&muons));
        let stat = |file: &str| {
            let text = rntuple(["stat", "--json", file]).fine();
            let stat: serde_json::Value = serde_json::from_str(&text).unwrap();
            stat["columns"].clone()
        };
        assert_eq!(stat(&back), stat(&muons), "pages are as they were");
        // Once more: it is replaced, and what was there is left over.
        let none = rntuple(["gc", store]).fine();
        assert_eq!(none, "0 keys that nothing leads to\n");
        rntuple(["convert", "-q", &muons, store]).fine();
        let left = rntuple(["gc", store]).fine();
        assert!(left.lines().count() > 1, "{left}");
        assert!(rntuple(["gc", store, "--delete"]).fine().ends_with(" deleted\n"));
        assert_eq!(rntuple(["gc", store]).fine(), none);
        assert_eq!(entries(store), entries(&muons));
        let listed = rntuple(["ls", store]).fine();
        assert!(listed.contains("1,000"), "{listed}");
    }
    // All data sets below a key.
    let listed = rntuple(["ls", "ntpl+memory://cp"]).fine();
    assert!(listed.contains("\nobjects ") && listed.contains("\npages ") && !listed.contains("cp/"), "{listed}");
    let shown = rntuple(["show", "ntpl+memory://cp", "--ntuple", "pages", "--limit", "1", "--format", "ndjson"]).fine();
    assert_eq!(shown.lines().count(), 1);
    let message = rntuple(["cp", &muons, "kv+nothing://x/y"]).failed(1);
    assert!(message.contains("kv+nothing"), "{message}");
    let message = rntuple(["gc", &muons]).failed(1);
    assert!(message.contains("ntpl+s3://"), "{message}");
}

#[test]
fn what_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let to = path_text(&folder.path().join("to.root"));
    let message = rntuple(["cp", "memory://cp/nothing.root", &to]).failed(1);
    assert!(message.contains("memory://cp/nothing.root"), "{message}");
    let message = rntuple(["cp", "gopher://host/a.root", &to]).failed(1);
    assert!(message.contains("gopher") && message.contains("s3"), "{message}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn metrics_are_said_beside_the_result() {
    let Some(muons) = muons() else { return };
    let plain = rntuple(["show", &muons, "--format", "ndjson"]).fine();
    let measured = rntuple(["show", &muons, "--format", "ndjson", "--metrics"]);
    assert_eq!((measured.status, measured.out), (0, plain));
    let lines: Vec<&str> = measured.err.lines().map(|line| line[..18].trim_end()).collect();
    let all = ["requests", "bytes asked for", "bytes read", "time of requests", "time of waiting", "time of unsealing"];
    assert_eq!(lines, all);
    assert!(!measured.err.starts_with("requests           0"), "{}", measured.err);
}

/// Every format by URI on both sides, a store among them; what cannot be read leaves no object behind.
#[test]
fn conversions_between_objects() {
    let Some(muons) = muons() else { return };
    let entries = |file: &str| rntuple(["show", file, "--format", "ndjson"]).fine();
    for end in ["parquet", "arrow", "jsonl.zst"] {
        let table = format!("memory://convert/muons.{end}");
        rntuple(["convert", "-q", &muons, &table]).fine();
        for back in [format!("memory://convert/{end}.root"), format!("ntpl+memory://convert/{end}")] {
            rntuple(["convert", "-q", &table, &back]).fine();
            assert_eq!(entries(&back), entries(&muons), "{back}");
        }
    }
    let message = rntuple(["convert", "-q", "memory://convert/none.parquet", "memory://convert/none.root"]).failed(1);
    assert!(message.contains("memory://convert/none.parquet"), "{message}");
    rntuple(["show", "memory://convert/none.root"]).failed(1);
}
