//! `diff`.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int32Array, ListArray, RecordBatch, StringArray};
use arrow::datatypes::{Field, Float32Type, Schema};
use rntuple_io::{WriteOptions, Writer};
use serde_json::Value;

use crate::support::{muons, path_text, rntuple};

const ENTRIES: i32 = 20_000;

/// What `at` changes in entry 12,345: nothing, `x` by 1e-9, the second item of `v`, the size of `v`, `s`.
fn write(path: &Path, change: &str, rows: i32, cluster: u64) -> String {
    let entries = 0..ENTRIES;
    let here = |entry: &i32| *entry == 12_345;
    let x = entries.clone().map(|entry| match entry {
        17 => f64::NAN,
        _ => f64::from(entry) + if here(&entry) && change == "x" { 1e-9 } else { 0.0 },
    });
    let v = entries.clone().map(|entry| {
        let size = 1 + entry % 3 + i32::from(here(&entry) && change == "size");
        let item = |i: i32| Some(i as f32 + if here(&entry) && change == "v" && i == 0 { 0.5 } else { 0.0 });
        Some((0..size).map(item).collect::<Vec<_>>())
    });
    let s = entries
        .clone()
        .map(|entry| if here(&entry) && change == "s" { "other".to_owned() } else { format!("{entry}") });
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("n", Arc::new(Int32Array::from_iter_values(entries.clone()))),
        ("x", Arc::new(Float64Array::from_iter_values(x))),
        ("v", Arc::new(ListArray::from_iter_primitive::<Float32Type, _, _>(v))),
        ("s", Arc::new(StringArray::from_iter_values(s))),
    ];
    let fields = columns.iter().map(|(name, array)| match array.data_type() {
        arrow::datatypes::DataType::List(_) => {
            let item = Arc::new(Field::new("_0", arrow::datatypes::DataType::Float32, false));
            Field::new(*name, arrow::datatypes::DataType::List(item), false)
        }
        other => Field::new(*name, other.clone(), false),
    });
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let arrays = columns.into_iter().zip(schema.fields()).map(|((_, array), field)| match field.data_type() {
        arrow::datatypes::DataType::List(item) => {
            let list = arrow::array::AsArray::as_list::<i32>(&array);
            let list = ListArray::new(item.clone(), list.offsets().clone(), list.values().clone(), None);
            Arc::new(list) as ArrayRef
        }
        _ => array,
    });
    let batch = RecordBatch::try_new(schema.clone(), arrays.collect()).unwrap();
    let options = WriteOptions::new().approx_zipped_cluster_size(cluster);
    let mut writer = Writer::create(path, "Events", schema, options).unwrap();
    let mut at = 0;
    while at < ENTRIES {
        let len = rows.min(ENTRIES - at);
        writer.append(&batch.slice(at.try_into().unwrap(), len.try_into().unwrap())).unwrap();
        at += len;
    }
    writer.finish().unwrap();
    path_text(path)
}

fn json(args: &[&str]) -> (u8, Value) {
    let done = rntuple(args.iter().copied().chain(["--json"]));
    assert_eq!(done.err, "");
    (done.status, serde_json::from_str(&done.out).unwrap())
}

#[test]
fn how_values_are_stored_makes_no_difference() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let a = write(&file("a.root"), "", 1000, 1 << 30);
    let b = write(&file("b.root"), "", 77, 10_000);
    let text = rntuple(["diff", &a, &b]).fine();
    assert_eq!(text, "no difference in 4 fields and 20,000 entries\n");
    assert_eq!(rntuple(["diff", "-q", &a, &b]).fine(), "");
    let (status, report) = json(&["diff", &a, &b]);
    assert_eq!((status, &report["equal"], &report["entries"][1]), (0, &true.into(), &20_000.into()));
    assert_eq!(rntuple(["diff", "--schema-only", &a, &b]).fine(), "no difference between the fields\n");
}

#[test]
fn the_first_value_that_differs_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let a = write(&file("a.root"), "", 1000, 50_000);
    let expected = [
        ("x", "x", "value", Value::from(12_345.0), Value::from(12_345.0 + 1e-9)),
        ("v", "v[0]", "value", Value::from(0.0), Value::from(0.5)),
        ("size", "v", "size", Value::from(1), Value::from(2)),
        ("s", "s", "value", Value::from("12345"), Value::from("other")),
    ];
    for (change, place, what, ours, theirs) in expected {
        let b = write(&file("b.root"), change, 333, 20_000);
        let (status, report) = json(&["diff", &a, &b]);
        assert_eq!((status, &report["equal"]), (1, &false.into()));
        assert!(report["schema"].as_array().unwrap().is_empty());
        let values = report["values"].as_array().unwrap();
        assert_eq!(values.len(), 1, "{change}: {report}");
        let one = &values[0];
        assert_eq!((&one["entry"], &one["place"], &one["what"]), (&12_345.into(), &place.into(), &what.into()));
        assert_eq!((&one["a"], &one["b"]), (&ours, &theirs));
        let text = rntuple(["diff", &a, &b]);
        assert!(text.status == 1 && text.err.is_empty(), "{text:?}");
        assert!(text.out.contains("12,345  ") && text.out.contains("b.root"), "{}", text.out);
        assert_eq!(rntuple(["diff", "-q", &a, &b]).status, 1);
        // Elsewhere they are equal.
        rntuple(["diff", &a, &b, "--entries", "..12345"]).fine();
        rntuple(["diff", &a, &b, "--entries", "12346.."]).fine();
        rntuple(["diff", &a, &b, "--fields", "n"]).fine();
        if change == "x" {
            rntuple(["diff", &a, &b, "--tolerance", "1e-8"]).fine();
            rntuple(["diff", &a, &b, "--relative", "1e-12"]).fine();
            assert_eq!(rntuple(["diff", &a, &b, "--tolerance", "1e-10"]).status, 1);
        }
    }
}

#[test]
fn fields_and_sizes_that_differ_are_named() {
    let Some(muons) = muons() else { return };
    let folder = tempfile::tempdir().unwrap();
    let other = path_text(&folder.path().join("other.root"));
    // Projections become fields, an encoding changes, and there are fewer fields and entries.
    rntuple(["convert", "-q", &muons, &other, "--fields", "Muon_pt,nMuon", "--entries", "..900"]).fine();
    let (status, report) = json(&["diff", &muons, &other]);
    assert_eq!(status, 1);
    assert_eq!(report["entries"], serde_json::json!([1000, 900]));
    let fields: Vec<&str> = report["schema"].as_array().unwrap().iter().map(|f| f["field"].as_str().unwrap()).collect();
    assert!(fields.contains(&"Muon_eta") && !fields.contains(&"Muon_pt"), "{report}");
    // A projected cardinality becomes a number.
    assert!(fields.contains(&"nMuon"), "{report}");
    assert!(report["values"].as_array().unwrap().is_empty(), "{report}");
    let text = rntuple(["diff", &muons, &other]);
    assert!(text.status == 1 && text.out.contains("1,000 entries") && text.out.contains("Muon_eta"), "{}", text.out);
    rntuple(["diff", &muons, &other, "--fields", "Muon_pt", "--entries", "..900"]).fine();
    rntuple(["diff", "--schema-only", &muons, &other, "--fields", "Muon_pt"]).fine();
}

#[test]
fn trouble_is_not_a_difference() {
    let Some(muons) = muons() else { return };
    assert!(rntuple(["diff", &muons, "missing.root"]).failed(2).contains("missing.root"));
    assert!(rntuple(["diff", &muons, &muons, "--ntuple-b", "other"]).failed(2).contains("other"));
    assert!(rntuple(["diff", &muons, &muons, "--fields", "nothing"]).failed(2).contains("nothing"));
    for wrong in
        [&["diff", &muons][..], &["diff", &muons, &muons, "--tolerance", "-1"], &["diff", "-q", "--json", "a", "b"]]
    {
        rntuple(wrong).failed(2);
    }
    let folder = tempfile::tempdir().unwrap();
    let damaged = folder.path().join("damaged.root");
    let mut bytes = std::fs::read(&muons).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    std::fs::write(&damaged, bytes).unwrap();
    let done = rntuple(["diff", &muons, &path_text(&damaged)]);
    assert!(done.status == 2 && done.err.contains("damaged.root"), "{done:?}");
}

/// Every type that ROOT writes, compared with itself.
#[test]
fn every_vector_equals_itself() {
    let Some(folder) = crate::support::vectors() else { return };
    let mut count = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|end| end != "root") {
            continue;
        }
        let name = path_text(&path);
        let listed: Value = serde_json::from_str(&rntuple(["ls", "--json", &name]).out).unwrap_or_default();
        for one in listed.as_array().into_iter().flatten() {
            let key = one["path"].as_str().unwrap();
            let done = rntuple(["diff", &name, &name, "--ntuple", key]);
            if done.status == 2 {
                assert!(done.err.contains("cannot be read"), "{name}: {}", done.err);
                rntuple(["diff", &name, &name, "--ntuple", key, "--schema-only"]).fine();
                continue;
            }
            assert!(done.fine().starts_with("no difference"), "{name}");
            count += 1;
        }
    }
    assert!(count > 10, "{count}");
}
