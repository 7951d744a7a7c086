//! Trees written by ROOT (tests/ttree/make.py), and what becomes of them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{ndjson, path_text, rntuple};

fn files() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ttree/files")
}

fn file(name: &str) -> String {
    path_text(&files().join(name).with_extension("root"))
}

/// Converts, and shows what came of it.
fn converted(name: &str, options: &[&str]) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let out = path_text(&folder.path().join("out.root"));
    rntuple(["convert", &file(name), &out, "-q"].iter().chain(options)).fine();
    ndjson(&rntuple(["show", &out, "--format", "ndjson"]).fine())
}

/// What ROOT reads from the same tree.
fn expected(name: &str, tree: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(files().join(format!("{name}.{tree}.json"))).unwrap();
    serde_json::from_str::<Vec<Value>>(&text).unwrap()
}

/// Everything in `want` is in `got`; floats may be written in other digits.
fn same(got: &Value, want: &Value) -> bool {
    match (got, want) {
        (Value::Object(got), Value::Object(want)) => {
            want.iter().all(|(name, want)| got.get(name).is_some_and(|got| same(got, want)))
        }
        (Value::Array(got), Value::Array(want)) => {
            got.len() == want.len() && got.iter().zip(want).all(|(got, want)| same(got, want))
        }
        (Value::Number(got), Value::Number(want)) if got.is_f64() || want.is_f64() => {
            let (got, want) = (got.as_f64().unwrap(), want.as_f64().unwrap());
            #[allow(clippy::cast_possible_truncation, reason = "a float32 is shown in the digits that it needs")]
            let singles = (got as f32).to_bits() == (want as f32).to_bits() && f64::from(want as f32) == want;
            got.to_bits() == want.to_bits() || singles || got == want
        }
        _ => got == want,
    }
}

#[track_caller]
fn agree(got: &[Value], want: &[Value]) {
    assert_eq!(got.len(), want.len());
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        let Some(want) = want.as_object() else { panic!("{want}") };
        for (name, want) in want {
            let got = got.get(name).unwrap_or_else(|| panic!("entry {i} has no {name}: {got}"));
            assert!(same(got, want), "entry {i}, {name}: {got}, ROOT has {want}");
        }
    }
}

#[test]
fn leaves_of_every_type() {
    agree(&converted("leaves", &[]), &expected("leaves", "t"));
    agree(&converted("leaves", &["--threads", "1"]), &expected("leaves", "t"));
}

#[test]
fn containers() {
    agree(&converted("vectors", &[]), &expected("vectors", "t"));
}

#[test]
fn every_codec() {
    for name in ["codec_none", "codec_zlib", "codec_lzma", "codec_lz4", "codec_zstd", "generated_offsets"] {
        agree(&converted(name, &[]), &expected(name, "t"));
    }
}

#[test]
fn objects_split_and_whole() {
    let got = converted("objects", &[]);
    let want = expected("objects", "t");
    assert_eq!(got.len(), want.len());
    for (i, (got, want)) in got.iter().zip(&want).enumerate() {
        let mut whole = got["whole"].as_object().unwrap().clone();
        // The members of the base class are members of their own record where the object is not split.
        whole.extend(whole["Base"].as_object().unwrap().clone());
        let mut once = got["once"].as_object().unwrap().clone();
        if let Some(Value::Object(base)) = once.get("Base").cloned() {
            once.extend(base);
        }
        for (form, got) in [
            ("event", got["event"].clone()),
            ("flat", got["flat"].clone()),
            ("whole", whole.into()),
            ("once", once.into()),
        ] {
            let want = &want["event"];
            for (name, want) in want.as_object().unwrap() {
                let got = got.get(name).unwrap_or_else(|| panic!("entry {i}, {form} has no {name}: {got}"));
                assert!(same(got, want), "entry {i}, {form}.{name}: {got}, ROOT has {want}");
            }
        }
        assert!(same(&got["tracks"], &want["tracks"]), "entry {i}: {}, ROOT has {}", got["tracks"], want["tracks"]);
    }
}

#[test]
fn a_basket_of_several_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let out = path_text(&folder.path().join("out.root"));
    rntuple(["convert", &file("large_basket"), &out, "-q"]).fine();
    for (range, want) in [("0..1", 0.0), ("499999..500000", 0.0), ("500000..500001", 1.0), ("2499999..", 4.0)] {
        let shown = ndjson(&rntuple(["show", &out, "--format", "ndjson", "--entries", range]).fine());
        assert_eq!(shown.len(), 1);
        assert_eq!(shown[0]["x"].as_f64(), Some(want), "{range}");
    }
}

#[test]
fn counts_of_collections_are_shown_as_fields() {
    let folder = tempfile::tempdir().unwrap();
    let out = path_text(&folder.path().join("out.root"));
    rntuple(["convert", &file("leaves"), &out, "-q", "--fields", "nMuon,Muon_pt,Muon_charge"]).fine();
    let schema = rntuple(["schema", &out]).fine();
    for line in [
        "nMuon",
        "Muon_pt",
        "ROOT::RNTupleCardinality<std::uint32_t>",
        "ROOT::VecOps::RVec<float>",
        "transverse momentum",
    ] {
        assert!(schema.contains(line), "{line} is not in\n{schema}");
    }
    // ROOT wants to meet the source of a projection first.
    assert!(schema.find("(collection)") < schema.find("ROOT::RNTupleCardinality"), "{schema}");
    let shown = ndjson(&rntuple(["show", &out, "--format", "ndjson"]).fine());
    for entry in &shown {
        let muons = entry["Muon"].as_array().unwrap();
        assert_eq!(entry["nMuon"].as_u64(), Some(muons.len() as u64));
        let pt: Vec<Value> = muons.iter().map(|muon| muon["pt"].clone()).collect();
        assert_eq!(entry["Muon_pt"], Value::Array(pt));
    }
    // Stored once only.
    let stat = rntuple(["stat", &out]).fine();
    assert!(!stat.contains("Muon_pt"), "{stat}");
}

#[test]
fn independent_vectors_on_request() {
    let shown = converted("leaves", &["--collections", "independent"]);
    assert!(shown[3].get("Muon").is_none());
    let want = expected("leaves", "t");
    for (got, want) in shown.iter().zip(&want) {
        assert!(same(&got["Muon_pt"], &want["Muon_pt"]) && got["nMuon"] == want["nMuon"], "{got}");
    }
}

#[test]
fn cycles_directories_and_ntuples() {
    let x = |options: &[&str]| -> Vec<i64> {
        converted("cycles", options).iter().map(|entry| entry["x"].as_i64().unwrap()).collect()
    };
    assert_eq!(x(&["--tree", "t"]), [2, 3]);
    assert_eq!(x(&["--ntuple", "t;1"]), [1]);
    assert_eq!(x(&["--tree", "a/b/t"]), [4]);
    assert_eq!(converted("cycles", &["--tree", "nt"])[0], serde_json::json!({"px": 1.5, "py": -2.0}));
    assert_eq!(converted("cycles", &["--tree", "ntd"])[0], serde_json::json!({"z": 0.1, "w": 0.2}));
    // All of them, each under its name.
    let folder = tempfile::tempdir().unwrap();
    let out = path_text(&folder.path().join("out.root"));
    rntuple(["convert", &file("cycles"), &out, "-q"]).fine();
    let listed = rntuple(["ls", &out]).fine();
    for name in ["a/b/t", "nt", "ntd"] {
        assert!(listed.contains(name), "{listed}");
    }
}

#[test]
fn what_is_refused_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.root");
    let convert = |name: &str, options: &[&str]| {
        let out = path_text(&out);
        rntuple(["convert", &file(name), &out, "-q"].iter().chain(options))
    };
    let message = convert("friends", &["--tree", "first"]).failed(1);
    assert!(message.contains("has friends") && message.contains("--fields"), "{message}");
    assert!(!out.exists());
    let message = convert("cycles", &["--tree", "nothing"]).failed(1);
    assert!(message.contains("has no TTree 'nothing'; it has: "), "{message}");
    let message = convert("leaves", &["--fields", "Jet_*"]).failed(1);
    assert!(message.contains("no field matches 'Jet_*'"), "{message}");
    assert!(!out.exists());
    let outcome = convert("friends", &["--tree", "first", "--fields", "*"]);
    assert_eq!(outcome.status, 0, "{}", outcome.err);
    assert!(outcome.err.contains("has friends"), "{}", outcome.err);
}

/// A generator of numbers that look random, the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % n
    }
}

#[test]
fn damaged_files_are_refused() {
    const TRIES: usize = 60;
    let mut refused = 0;
    for name in ["leaves", "vectors", "objects", "codec_none", "codec_lz4", "cycles", "generated_offsets"] {
        let good = std::fs::read(file(name)).unwrap();
        let mut random = Random(good.len() as u64);
        for i in 0..TRIES {
            let folder = tempfile::tempdir().unwrap();
            let (damaged, out) = (folder.path().join("in.root"), folder.path().join("out.root"));
            let mut bytes = good.clone();
            if i % 3 == 0 {
                bytes.truncate(random.below(good.len()));
            } else {
                for _ in 0..=random.below(8) {
                    let at = random.below(good.len());
                    bytes[at] ^= 1 << random.below(8);
                }
            }
            std::fs::write(&damaged, &bytes).unwrap();
            let args = ["convert", &path_text(&damaged), &path_text(&out), "-q", "--from", "ttree", "--threads", "1"];
            let outcome = catch_unwind(AssertUnwindSafe(|| rntuple(args)));
            let outcome = outcome.unwrap_or_else(|_| panic!("{name}, try {i}: panicked"));
            match outcome.status {
                // Bits of values may change without notice: a TTree has no checksums.
                0 => assert!(out.exists()),
                1 => {
                    refused += 1;
                    assert!(!out.exists(), "{name}, try {i}: an output was left behind");
                    assert!(outcome.err.contains("in.root"), "{name}, try {i}: {}", outcome.err);
                }
                status => panic!("{name}, try {i}: status {status}: {}", outcome.err),
            }
            let left: Vec<_> =
                std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            assert!(left.len() <= 1 + usize::from(outcome.status == 0), "{name}, try {i}: {left:?}");
        }
    }
    assert!(refused > 100, "only {refused} damaged files were refused");
}
