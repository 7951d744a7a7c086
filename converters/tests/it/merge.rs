//! `merge`: what users give and what they are told.

use std::fs;

use serde_json::Value;

use crate::support::{corpus, muons, ndjson, path_text, rntuple, vectors};

fn entries(file: &str) -> Vec<Value> {
    ndjson(&rntuple(["show", file, "--format", "ndjson", "--limit", "100000"]).fine())
}

#[test]
fn files_follow_each_other() {
    let (Some(muons), folder) = (muons(), tempfile::tempdir().unwrap()) else { return };
    let at = |name: &str| path_text(&folder.path().join(name));
    let once = entries(&muons);
    fs::copy(&muons, at("run1.root")).unwrap();
    fs::copy(&muons, at("run2.root")).unwrap();
    fs::write(at("names.txt"), format!("# two\n\n{}\n  {}\n", at("run1.root"), at("run2.root"))).unwrap();
    let twice = [once.clone(), once].concat();
    for (i, inputs) in
        [vec![at("run1.root"), at("run2.root")], vec![at("run*.root")], vec![format!("@{}", at("names.txt"))]]
            .into_iter()
            .enumerate()
    {
        let out = at(&format!("out{i}.root"));
        let said = rntuple(["merge".to_owned(), out.clone()].into_iter().chain(inputs)).fine();
        assert!(said.starts_with("Events: 2,000 entries in 2 clusters of 2 inputs\n"), "{said}");
        assert!(said.contains("12 pages as they were\n"), "{said}");
        assert!(entries(&out) == twice);
        rntuple(["verify", "-q", &out]).fine();
    }
    assert_eq!(fs::read(at("out0.root")).unwrap().len(), fs::read(at("out2.root")).unwrap().len());
    let done =
        rntuple(["merge", "-q", "--metrics", "-c", "lz4:1", &at("out0.root"), &at("run1.root"), &at("run2.root")]);
    assert_eq!((done.status, done.out.as_str()), (0, ""));
    assert!(done.err.contains("pages recompressed 12"), "{}", done.err);
    assert!(entries(&at("out0.root")) == twice, "it replaces what is there");
}

#[test]
fn what_is_wrong_is_said_and_nothing_is_left() {
    let (Some(corpus), Some(vectors), folder) = (corpus(), vectors(), tempfile::tempdir().unwrap()) else { return };
    let whole = path_text(&corpus.join("wild/ntpl001_staff_rntuple_v1-0-1-0.root"));
    let out = path_text(&folder.path().join("out.root"));
    let less = path_text(&folder.path().join("less.root"));
    rntuple(["convert", "-q", &whole, &less, "--fields", "Age,Cost"]).fine();
    let said = rntuple(["merge", &out, &whole, &less]).failed(1);
    assert!(said.contains("less.root") && said.contains("'Staff'") && said.contains("union"), "{said}");
    let said = rntuple(["merge", &out, &less, &whole, "--mode", "strict"]).failed(1);
    assert!(said.contains("filter") && said.contains("wild"), "{said}");
    let said = rntuple(["merge", &out, &less, "nothing*.root"]).failed(1);
    assert!(said.contains("no file matches"), "{said}");
    let said = rntuple(["merge", &out, &less, "nothing.root"]).failed(1);
    assert!(said.contains("nothing.root"), "{said}");
    let said = rntuple(["merge", &out, "@nothing.txt"]).failed(1);
    assert!(said.contains("nothing.txt"), "{said}");
    let said = rntuple(["merge", &less, &whole, &less]).failed(1);
    assert!(said.contains("an input, too"), "{said}");
    let said = rntuple(["merge", &out, &less, "-n", "Other"]).failed(1);
    assert!(said.contains("'Other'"), "{said}");
    rntuple(["merge", &out]).failed(2);
    rntuple(["merge", &out, &less, "--mode", "join"]).failed(2);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    // Fields of the first only.
    rntuple(["merge", "-q", &out, &less, &whole]).fine();
    let objects = path_text(&vectors.join("with_objects.root"));
    let done = rntuple(["merge", "-q", &out, &objects, &objects]);
    assert_eq!(done.status, 0);
    assert!(done.err.contains("warning") && done.err.contains("TH1F") && done.err.contains("2 inputs"), "{}", done.err);
}

/// Every file of the corpus, merged with itself, has its entries twice.
#[test]
fn the_corpus_with_itself() {
    let (Some(corpus), folder) = (corpus(), tempfile::tempdir().unwrap()) else { return };
    let out = path_text(&folder.path().join("out.root"));
    let mut merged = 0;
    for part in ["edge", "validation", "wild"] {
        for file in fs::read_dir(corpus.join(part)).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "root") {
                continue;
            }
            let file = path_text(&path);
            let done = rntuple(["merge", "-q", &out, &file, &file]);
            if done.status != 0 {
                let refused = rntuple(["stat", &file]);
                assert_ne!(refused.status, 0, "{file}: {}", done.err);
                continue;
            }
            rntuple(["verify", "-q", &out]).fine();
            let list =
                |file: &str| -> Vec<Value> { serde_json::from_str(&rntuple(["ls", "--json", file]).out).unwrap() };
            let (before, after) = (list(&file), list(&out));
            assert!(!after.is_empty());
            for now in &after {
                let was = before.iter().find(|was| was["path"] == now["path"] && was["newest"] == true).unwrap();
                let entries = was["entries"].as_u64().unwrap();
                assert_eq!(now["entries"].as_u64(), Some(2 * entries), "{file}");
                let name = now["path"].as_str().unwrap();
                let few = entries.min(500);
                let show = |file: &str, from: u64| {
                    let range = format!("{from}..{}", from + few);
                    rntuple(["show", file, "-n", name, "-e", &range, "--format", "ndjson", "--limit", "1000"]).out
                };
                let want = show(&file, 0);
                assert!(show(&out, 0) == want, "{file}: {name}");
                assert!(show(&out, entries) == want, "{file}: {name}, second half");
            }
            merged += 1;
        }
    }
    assert!(merged > 60, "{merged}");
}
