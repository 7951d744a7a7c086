//! JSON to RNTuple and back.

use std::fs;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::csv::{Desk, read};
use crate::support::{ndjson, rntuple, vectors};

/// The text as RNTuple, and that as JSON.
fn through(desk: &Desk, text: &str, options: &[&str]) -> String {
    desk.file("in.jsonl", text);
    assert_eq!(desk.convert("in.jsonl", "out.root", options).fine(), "");
    rntuple(["show", &desk.path("out.root"), "--format", "ndjson"]).fine()
}

#[test]
fn schemas_are_inferred() {
    let desk = Desk::new();
    let text = r#"{"run": 1, "muons": [{"pt": 1, "q": -1}, {"pt": 2.5, "q": 1}], "tag": "a\nb"}
{"muons": [], "run": 18446744073709551615, "flag": true}

{"run": 2, "muons": [{"pt": 0.1, "q": null}], "tag": null}"#;
    let expected = [
        json!({"run": 1, "muons": [{"pt": 1.0, "q": -1}, {"pt": 2.5, "q": 1}], "tag": "a\nb", "flag": null}),
        json!({"run": u64::MAX, "muons": [], "tag": null, "flag": true}),
        json!({"run": 2, "muons": [{"pt": 0.1, "q": null}], "tag": null, "flag": null}),
    ];
    assert_eq!(ndjson(&through(&desk, text, &[])), expected);
    assert!(desk.types("out.root").starts_with("run: std::uint64_t, muons: "), "{}", desk.types("out.root"));
    // As one array.
    let array = format!("[{}]", text.trim().replace("\n\n", "\n").replace("}\n{", "},\n {"));
    assert_eq!(ndjson(&through(&desk, &array, &["--threads", "1"])), expected);
}

#[test]
fn types_are_given() {
    let desk = Desk::new();
    let text = r#"{"x": "NaN", "t": "2026-11-21T12:00:00", "a": [1, 2], "m": [{"_0": "k", "_1": 1}]}"#;
    let types = ["--types", "x=float32,t=string,a=array<int8, 2>,m=map<string, int32>"];
    assert_eq!(
        through(&desk, text, &types),
        "{\"x\":\"NaN\",\"t\":\"2026-11-21T12:00:00\",\"a\":[1,2],\"m\":[{\"_0\":\"k\",\"_1\":1}]}\n"
    );
    // Without a type, a string is one.
    assert!(desk.types("out.root").starts_with("x: float, "));
    through(&desk, "{\"x\": \"NaN\"}", &[]);
    assert_eq!(desk.types("out.root"), "x: std::string");
    assert_eq!(
        through(
            &desk,
            "{\"a.b\": 1, \"c\": {\"d e\": 2}}",
            &["--schema", &desk.file("s", "a.b: int8\nc: struct<d e: int16>")]
        ),
        "{\"a_b\":1,\"c\":{\"d_e\":2}}\n"
    );
}

#[test]
fn what_cannot_be_taken_is_named_with_line_column_and_path() {
    let desk = Desk::new();
    let first = ["--infer-rows", "1"];
    let deep = format!("{{\"a\": {}1{}}}", "[".repeat(500), "]".repeat(500));
    let table: &[(&str, &[&str], &str)] = &[
        (
            "{\"m\": [{\"pt\": 1}]}\n{\"m\": [{\"pt\": 2}, {\"pt\": \"x\"}]}",
            &[],
            "line 2, column 28: m[1].pt: a string, but a number in line 1; a column has one type: make them the same",
        ),
        (
            "{\"m\": [{\"pt\": 1}]}\n{\"m\": [{\"pt\": 2}, {\"pt\": \"x\"}]}",
            &first,
            "line 2, column 29: m[1].pt: expected int64, found \"x\"; the types come from the first rows (1 at most): use \
             --infer-rows all, --schema or --types",
        ),
        (
            "{\"a\": 1}\n{\"a\": 2, \"b\": 3}",
            &first,
            "line 2, column 16: key \"b\" is not in the schema; the types come from the first rows (1 at most): use --infer-rows \
             all, --schema or --types",
        ),
        (
            "{\"a\": 1}\n{\"a\": null}",
            &first,
            "line 2, column 11: a: expected int64, found null; the types come from the first rows (1 at most): use --infer-rows \
             all, --schema or --types",
        ),
        (
            "{\"a\": 1}\n{}",
            &first,
            "line 2, column 2: key \"a\" is missing; the types come from the first rows (1 at most): use --infer-rows all, --schema or --types",
        ),
        (
            "{\"a\": 300}",
            &["--types", "a=uint8"],
            "line 1, column 10: a: expected uint8, found 300; that is what --types says",
        ),
        (
            "{\"a\": 18446744073709551616}",
            &[],
            "line 1, column 7: a: 18446744073709551616 has more than 64 bits; write it as a string, or use --schema or \
             --types with float64, which keeps 15 digits",
        ),
        (
            "{\"a\": -1}\n{\"a\": 18446744073709551615}",
            &[],
            "a: some numbers are negative, others need 64 bits without a sign; use --schema or --types with float64, \
             which keeps 15 digits",
        ),
        ("{\"a\": 1, \"a\": 2}", &[], "line 1, column 12: key \"a\" is there twice"),
        ("{\"a\": 1}\n{\"a\": 2\n", &[], "line 3, column 1: EOF while parsing an object"),
        ("{\"a\": 1}\n{\"a\" 2}", &[], "line 2, column 6: a: expected `:`"),
        ("{\"a\": 1}\n[2]", &[], "line 2, column 1: invalid type: sequence, expected an object"),
        ("[{\"a\": 1}\n{\"a\": 2}]", &[], "line 2: a comma or ] should follow the object"),
        ("[{\"a\": 1},\n]", &[], "line 2: ']' stands where an object should"),
        ("[{\"a\": 1},\n", &[], "line 2: the array that starts the file is not closed"),
        ("[{\"a\": 1}]\n{}", &[], "line 2: something follows the end of the array"),
        ("", &[], "there is no object with a key in it, and so no column"),
        ("{}\n", &[], "there is no object with a key in it, and so no column"),
        (&deep, &[], "line 1, column 133: a[0][0][0]: recursion limit exceeded"),
    ];
    for (text, options, expected) in table {
        let said = desk.refusal("bad.jsonl", text, options);
        if text == &deep {
            assert!(said.ends_with("recursion limit exceeded"), "{said}");
        } else {
            assert_eq!(said, *expected, "{text}");
        }
    }
}

/// What ROOT wrote comes back the same by way of JSON.
#[test]
fn files_of_root_come_back() {
    let Some(vectors) = vectors() else { return };
    let mut names = Vec::new();
    for entry in fs::read_dir(vectors).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|end| end != "root") {
            continue;
        }
        let file = path.to_str().unwrap();
        let desk = Desk::new();
        let shown = rntuple(["show", file, "--format", "ndjson"]);
        let there = desk.path("out.jsonl");
        let outcome = rntuple(["convert", file, &there, "-q"]);
        if shown.status != 0 || !shown.err.is_empty() || outcome.status != 0 {
            continue;
        }
        assert_eq!(fs::read_to_string(&there).unwrap(), shown.out, "{file}");
        let back = desk.convert("out.jsonl", "back.root", &["--schema", file]);
        if back.status != 0 {
            let known = ["cannot be read from text", "there is no object"];
            assert!(known.iter().any(|known| back.err.contains(known)), "{file}: {}", back.err);
            continue;
        }
        assert_eq!(rntuple(["show", &desk.path("back.root"), "--format", "ndjson"]).fine(), shown.out, "{file}");
        names.push(path.file_name().unwrap().to_owned());
    }
    assert!(names.len() > 5, "{names:?}");
}

/// A type, by values of it.
fn values(depth: u32) -> BoxedStrategy<BoxedStrategy<Value>> {
    let leaf = prop::sample::select(vec![
        any::<i64>().prop_map(Value::from).boxed(),
        any::<u64>().prop_map(Value::from).boxed(),
        any::<f64>().prop_filter("JSON has no NaN", |x| x.is_finite()).prop_map(Value::from).boxed(),
        any::<bool>().prop_map(Value::from).boxed(),
        ".{0,5}".prop_map(Value::from).boxed(),
    ]);
    if depth == 0 {
        return leaf.boxed();
    }
    let inner = values(depth - 1);
    prop_oneof![
        2 => leaf,
        1 => inner.prop_map(|item| vec(item, 0..4).prop_map(Value::from).boxed()),
        1 => btree_map("[a-z]{1,3}", values(depth - 1), 1..4).prop_map(objects),
    ]
    .boxed()
}

fn objects(members: std::collections::BTreeMap<String, BoxedStrategy<Value>>) -> BoxedStrategy<Value> {
    let (keys, values): (Vec<_>, Vec<_>) = members.into_iter().unzip();
    let object = move |values: Vec<Value>| Value::Object(keys.iter().cloned().zip(values).collect::<Map<_, _>>());
    values.prop_map(object).boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// JSON -> RNTuple -> JSON -> RNTuple, with the types found out each time or given by the RNTuple.
    #[test]
    fn values_come_back(
        rows in btree_map("[a-z]{1,3}", values(2), 1..5).prop_map(objects).prop_flat_map(|row| vec(row, 1..20)),
    ) {
        let desk = Desk::new();
        let text: String = rows.iter().map(|row| format!("{row}\n")).collect();
        desk.file("in.jsonl", &text);
        desk.convert("in.jsonl", "out.root", &[]).fine();
        desk.convert("out.root", "back.jsonl.zst", &[]).fine();
        let text = zstd::decode_all(fs::File::open(desk.path("back.jsonl.zst")).unwrap()).unwrap();
        prop_assert_eq!(ndjson(&String::from_utf8(text).unwrap()), rows);
        let schema = desk.path("out.root");
        desk.convert("back.jsonl.zst", "again.root", &["--schema", &schema]).fine();
        prop_assert_eq!(read(&schema), read(desk.path("again.root")));
    }
}
