//! `hist`.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Field, Schema};
use rntuple_io::{WriteOptions, Writer};

use crate::support::{muons, ndjson, path_text, rntuple, vectors};

/// The counts at the ends of the lines with bars.
fn counts(text: &str) -> Vec<u64> {
    let bars = text.lines().filter(|line| line.contains('┤'));
    bars.map(|line| line.split_whitespace().last().unwrap().replace(',', "").parse().unwrap()).collect()
}

#[test]
fn values_of_collections_are_counted() {
    let Some(file) = muons() else { return };
    let shown = ndjson(&rntuple(["show", &file, "-f", "Muon_eta", "--format", "ndjson"]).fine());
    let values: Vec<f64> =
        shown.iter().flat_map(|row| row["Muon_eta"].as_array().unwrap()).map(|value| value.as_f64().unwrap()).collect();
    let text = rntuple(["hist", &file, "Muon_eta", "--range", "-2..2", "--bins", "4"]).fine();
    let expected: Vec<u64> = (-2..2)
        .map(|low| {
            let low = f64::from(low);
            let inside = |x: &&f64| **x >= low && (**x < low + 1.0 || (low == 1.0 && **x == 2.0));
            values.iter().filter(inside).count() as u64
        })
        .collect();
    assert_eq!(counts(&text), expected, "{text}");
    let below = values.iter().filter(|x| **x < -2.0).count();
    let above = values.iter().filter(|x| **x > 2.0).count();
    assert!(text.contains(&format!("< -2: {below}\n")) && text.contains(&format!("> 2: {above}\n")), "{text}");
    assert!(text.starts_with(&format!("Muon_eta: {} values in 1,000 entries\n", "2,372")), "{text}");
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let line = text.lines().nth(1).unwrap();
    let told: f64 = line.split([' ', ',']).nth(1).unwrap().parse().unwrap();
    assert!((told - mean).abs() < 1e-3, "{line}: {mean}");
    // Without limits, all of them are in the bars.
    let text = rntuple(["hist", &file, "Muon_eta", "-j", "1"]).fine();
    assert_eq!(counts(&text).iter().sum::<u64>(), 2372, "{text}");
    assert!(!text.contains('<') && !text.contains('>'), "{text}");
    let few = rntuple(["hist", &file, "Muon_eta", "--entries", "..10"]).fine();
    assert!(few.contains(" in 10 entries"), "{few}");
    let nested = rntuple(["hist", &file, "_collection0.Muon_eta"]).fine();
    assert_eq!(counts(&nested), counts(&text));
}

#[test]
fn integers_booleans_and_strings_have_bins_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.root");
    let n = [i64::MIN, -1, 0, 0, 7, 7, 7, i64::MAX];
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("all", Arc::new(Int64Array::from(n.to_vec()))),
        ("few", Arc::new(Int64Array::from(vec![3, 5, 5, 4, 4, 4, 9, 3]))),
        ("yes", Arc::new(BooleanArray::from(vec![true, false, true, true, false, true, true, true]))),
        ("text", Arc::new(StringArray::from(vec!["b", "a", "b", "c\u{1b}", "b", "a", "", "d"]))),
        ("odd", Arc::new(Float64Array::from(vec![f64::NAN, f64::INFINITY, -f64::INFINITY, 1.0, 2.0, 2.0, -0.0, 3.0]))),
        ("same", Arc::new(Float64Array::from(vec![1e300; 8]))),
        ("wide", Arc::new(Float64Array::from(vec![-f64::MAX, f64::MAX, 0.0, 0.0, 0.0, 0.0, 0.0, 5e-324]))),
        ("none", Arc::new(Float64Array::from(vec![f64::NAN; 8]))),
    ];
    write(&path, columns);
    let path = path_text(&path);
    let hist = |args: &[&str]| rntuple(["hist", &path].into_iter().chain(args.iter().copied())).fine();
    let few = hist(&["few"]);
    assert_eq!(counts(&few), [2, 3, 2, 0, 0, 0, 1], "{few}");
    assert!(few.contains("\n3 ┤") && few.contains("mean 4.625"), "{few}");
    assert_eq!(counts(&hist(&["few", "--range", "4..5"])), [3, 2]);
    let all = hist(&["all"]);
    assert_eq!(counts(&all).iter().sum::<u64>(), 8, "{all}");
    assert_eq!(counts(&hist(&["all", "--bins", "1"])), [8]);
    let yes = hist(&["yes"]);
    assert!(yes.contains("false ┤") && yes.contains(" true ┤"), "{yes}");
    assert_eq!(counts(&yes), [2, 6]);
    let text = hist(&["text"]);
    assert_eq!(counts(&text), [3, 2, 1, 1, 1]);
    assert!(text.contains("c\\u{1b}") && !text.contains('\u{1b}'), "{text}");
    let text = hist(&["text", "--bins", "2", "--log"]);
    assert!(text.contains("3 strings more: 3\n") && text.contains("logarithmic"), "{text}");
    let odd = hist(&["odd"]);
    assert_eq!(counts(&odd).iter().sum::<u64>(), 5, "{odd}");
    assert!(odd.contains("not a number: 1\n") && odd.contains("< 0.0: 1\n") && odd.contains("> 3.0: 1\n"), "{odd}");
    for field in ["same", "wide"] {
        let text = hist(&[field]);
        assert_eq!(counts(&text).iter().sum::<u64>(), 8, "{text}");
    }
    assert!(hist(&["none"]).contains("not a number: 8\n"));
    for field in ["all", "few", "yes", "text", "odd", "same", "wide", "none"] {
        let png = path_text(&folder.path().join(format!("{field}.png")));
        assert_eq!(hist(&[field, "--png", &png, "--log"]), "");
        size_of(&png);
    }
    assert!(rntuple(["hist", &path, "few", "--range", "2..1"]).failed(2).contains("range"));
    assert!(rntuple(["hist", &path, "few", "--bins", "0"]).failed(2).contains("--bins"));
    assert!(rntuple(["hist", &path, "fww"]).failed(1).contains("few"));
    assert!(rntuple(["hist", &path, "*"]).failed(1).contains("choose one of: all, few"));
}

fn write(path: &Path, columns: Vec<(&str, ArrayRef)>) {
    let fields = columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), false));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    let mut writer = Writer::create(path, "Events", schema.clone(), WriteOptions::default()).unwrap();
    writer.append(&RecordBatch::try_new(schema, arrays).unwrap()).unwrap();
    writer.finish().unwrap();
}

/// Width and height of a picture that is one.
fn size_of(path: &str) -> (u32, u32) {
    let bytes = std::fs::read(path).unwrap();
    assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n") && bytes.ends_with(b"IEND\xaeB`\x82"), "{path}");
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

#[test]
fn pictures_are_written_anywhere() {
    let Some(file) = muons() else { return };
    let folder = tempfile::tempdir().unwrap();
    let png = path_text(&folder.path().join("pt.png"));
    assert_eq!(rntuple(["hist", &file, "Muon_pt", "--range", "0..100", "--png", &png]).fine(), "");
    assert_eq!(size_of(&png), (960, 600));
    let message = rntuple(["hist", &file, "Muon_pt", "--png", "nowhere/there/pt.png"]).failed(1);
    assert!(message.contains("nowhere/there/pt.png"), "{message}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// Every field of the files that ROOT wrote either has a histogram or says why not.
#[test]
fn no_field_is_too_odd() {
    let Some(folder) = vectors() else { return };
    let mut drawn = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = path_text(&file.unwrap().path());
        if !path.ends_with(".root") {
            continue;
        }
        let schema = rntuple(["schema", "--json", &path]);
        let Ok(schema) = serde_json::from_str::<serde_json::Value>(&schema.out) else { continue };
        for field in schema["fields"].as_array().unwrap() {
            let done = rntuple(["hist", &path, field["path"].as_str().unwrap()]);
            match done.status {
                0 => drawn += 1,
                1 => assert!(done.out.is_empty() && done.err.starts_with("rntuple: "), "{path} {field}: {done:?}"),
                _ => panic!("{path} {field}: {done:?}"),
            }
        }
    }
    assert!(drawn > 20, "{drawn}");
}
