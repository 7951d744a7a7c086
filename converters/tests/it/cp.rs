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
