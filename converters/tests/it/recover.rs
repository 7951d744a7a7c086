//! `recover`: what is saved is what was written, and what is lost is named.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{muons, path_text, rntuple};

fn inside(folder: &TempDir, name: &str) -> String {
    path_text(&folder.path().join(name))
}

fn values(file: &str) -> String {
    rntuple(["show", file, "--format", "ndjson"]).fine()
}

/// The muons in many clusters, and how many there are.
fn many_clusters(folder: &TempDir) -> Option<(String, u64)> {
    let file = inside(folder, "many.root");
    rntuple(["convert", "--cluster-size", "2K", &muons()?, &file]).fine();
    let listed: Value = serde_json::from_str(&rntuple(["ls", "--json", &file]).fine()).unwrap();
    let clusters = listed[0]["clusters"].as_u64().unwrap();
    assert!(clusters > 5, "{listed}");
    Some((file, clusters))
}

#[test]
fn a_file_that_lacks_nothing_is_copied() {
    let folder = tempfile::tempdir().unwrap();
    let Some((whole, clusters)) = many_clusters(&folder) else { return };
    let out = inside(&folder, "out.root");
    for file in [&muons().unwrap(), &whole] {
        let text = rntuple(["recover", file, &out]).fine();
        assert!(text.starts_with("Events: saved 1,000 entries in "), "{text}");
        assert!(text.contains("complete") && text.contains(&out), "{text}");
        assert_eq!(fs::read(file).unwrap(), fs::read(&out).unwrap());
    }
    let text = rntuple(["recover", &whole, &out]).fine();
    assert!(text.contains(&format!("in {clusters} clusters")), "{text}");
}

#[test]
fn of_a_file_cut_short_every_complete_cluster_is_saved() {
    let folder = tempfile::tempdir().unwrap();
    let Some((whole, clusters)) = many_clusters(&folder) else { return };
    let (broken, out) = (inside(&folder, "broken.root"), inside(&folder, "out.root"));
    let (bytes, all) = (fs::read(&whole).unwrap(), values(&whole));
    let mut saved = Vec::new();
    for part in 1..10 {
        fs::write(&broken, &bytes[..bytes.len() * part / 10]).unwrap();
        let done = rntuple(["recover", &broken, &out]);
        if done.status == 1 {
            saved.push(0);
            continue;
        }
        let text = done.fine();
        let kept = values(&out);
        assert!(all.starts_with(&kept), "{part}");
        let entries = kept.lines().count();
        assert!(text.starts_with(&format!("Events: saved {entries} entr")), "{text}");
        rntuple(["verify", &out]).fine();
        saved.push(entries);
    }
    assert!(saved.is_sorted() && saved[4] > 0 && saved[8] > saved[4], "{saved:?}");
    assert!(saved[8] as u64 + 2 * 1000 / clusters >= 900 - 1000 / clusters, "{saved:?} of {clusters} clusters");
}

#[test]
fn a_damaged_page_costs_its_cluster() {
    let folder = tempfile::tempdir().unwrap();
    let Some((whole, clusters)) = many_clusters(&folder) else { return };
    let (broken, out) = (inside(&folder, "broken.root"), inside(&folder, "out.root"));
    let mut bytes = fs::read(&whole).unwrap();
    let verdict = |file: &str| rntuple(["verify", file]);
    let middle = bytes.len() / 2;
    // A place in the middle that belongs to a page.
    let place = (middle..).find(|place| {
        bytes[*place] ^= 0xff;
        fs::write(&broken, &bytes).unwrap();
        let hit = verdict(&broken).err.contains("page");
        if !hit {
            bytes[*place] ^= 0xff;
        }
        hit
    });
    assert!(place.is_some());
    let text = rntuple(["recover", &broken, &out]).fine();
    assert!(text.contains("lost entries") && text.contains(&format!("in {} clusters", clusters - 1)), "{text}");
    verdict(&out).fine();
    let (all, kept) = (values(&whole), values(&out));
    let mut rest = all.lines();
    assert!(kept.lines().all(|line| rest.any(|other| other == line)), "what is kept is in order");
    assert!(kept.lines().count() < 1000);
}

#[test]
fn where_nothing_can_be_saved_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let out = inside(&folder, "out.root");
    let text = inside(&folder, "text.root");
    fs::write(&text, "no ROOT file at all\n".repeat(100)).unwrap();
    for file in [&text, &inside(&folder, "missing.root")] {
        let message = rntuple(["recover", file, &out]).failed(1);
        assert!(message.contains(file.as_str()) && message.lines().count() == 1, "{message}");
        assert!(!folder.path().join("out.root").exists());
    }
    let message = rntuple(["recover", &text, &text]).failed(1);
    assert!(message.contains("itself"), "{message}");
    assert!(fs::read(&text).unwrap().starts_with(b"no ROOT"));

    // ROOT writes page lists last: of a file of its own that ends before, no entry can be saved.
    let Some(file) = muons() else { return };
    let bytes = fs::read(file).unwrap();
    let cut = inside(&folder, "cut.root");
    fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    let done = rntuple(["recover", &cut, &out]);
    assert_eq!(done.status, 1, "{}", done.out);
    assert!(done.err.contains("cut.root"), "{}", done.err);
    assert!(done.out.is_empty() || done.out.contains("0 entries"), "{}", done.out);
}
