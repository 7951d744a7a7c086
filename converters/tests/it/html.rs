//! `stat --html`. What a browser makes of the page is looked at by `tests/html/run.py`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Array, Int32Array, RecordBatch};
use arrow::datatypes::{Field, Schema};
use rntuple_io::{WriteOptions, Writer};

use crate::support::{muons, path_text, rntuple, vectors};

/// Where pages go: a folder that stays, if one is named.
fn page(scratch: &Path, name: &str) -> PathBuf {
    match std::env::var_os("RNTUPLE_KEEP_PAGES") {
        Some(folder) => {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder);
            std::fs::create_dir_all(&folder).unwrap();
            folder.join(name)
        }
        None => scratch.join(name),
    }
}

fn numbers(page: &str, attribute: &str, class: &str) -> Vec<u64> {
    let tags = page.split('<').filter(|tag| tag.contains(class));
    let values = tags.filter_map(|tag| tag.split(&format!("{attribute}=\"")).nth(1));
    values.map(|rest| rest.split('"').next().unwrap().parse().unwrap()).collect()
}

fn report(file: &str, out: &Path) -> String {
    let said = rntuple(["stat", "--html", &path_text(out), file]).fine();
    assert!(said.starts_with(&path_text(out)) && said.trim_end().ends_with('B'), "{said}");
    let page = std::fs::read_to_string(out).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    for open in ["section", "table", "tbody", "details", "ul", "li", "div", "figure", "svg", "script", "style"] {
        let opened = page.matches(&format!("<{open}>")).count() + page.matches(&format!("<{open} ")).count();
        assert_eq!(opened, page.matches(&format!("</{open}>")).count(), "{open}");
    }
    for outside in ["http://", "https://", "src=", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    page
}

#[test]
fn a_page_has_all_bytes() {
    let Some(file) = muons() else { return };
    let scratch = tempfile::tempdir().unwrap();
    let text = report(&file, &page(scratch.path(), "muons.html"));
    let stat: serde_json::Value = serde_json::from_str(&rntuple(["stat", "--json", &file]).fine()).unwrap();
    let stored = stat["total"]["stored_bytes"].as_u64().unwrap();
    assert_eq!(numbers(&text, "data-bytes", "id=\"map\""), [stored]);
    assert_eq!(numbers(&text, "data-bytes", "class=\"cell ").iter().sum::<u64>(), stored);
    for column in stat["columns"].as_array().unwrap() {
        assert!(text.contains(&format!("<th scope=\"row\">{}", column["field"].as_str().unwrap())), "{column}");
    }
    assert!(text.contains("projection of _collection0") && text.contains("SplitReal32"), "{text}");
    assert_eq!(rntuple(["stat", "-q", "--html", &path_text(&scratch.path().join("b.html")), &file]).fine(), "");
    assert!(rntuple(["stat", "--html", "x.html", "--json", &file]).failed(2).contains("--json"));
    let message = rntuple(["stat", "--html", "nowhere/there/x.html", &file]).failed(1);
    assert!(message.contains("nowhere/there/x.html"), "{message}");
}

#[test]
fn names_are_no_markup() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("hostile.root");
    let names = ["<script>hostile=1", "\"onmouseover=\"hostile=2\"", "<svg%onload='hostile=3'>", "&lt;b&gt;", "é'☃"];
    write(
        &file,
        names.iter().map(|name| (*name).to_owned()).collect(),
        "<i>&\"'",
        "</script></style><script>hostile=4</script> a\u{202e}b",
    );
    let text = report_hostile(&path_text(&file), &page(scratch.path(), "hostile.html"));
    assert!(!text.contains("<script>hostile") && !text.contains("<svg%") && !text.contains("\"onmouseover"), "{text}");
    assert!(
        text.contains("&lt;/script&gt;&lt;/style&gt;")
            && text.contains("&amp;lt;b&amp;gt;")
            && text.contains("a\\u{202e}b")
    );
    assert_eq!(text.matches("<script>").count(), 1);
}

/// As [`report`], for a file whose names look like addresses.
fn report_hostile(file: &str, out: &Path) -> String {
    rntuple(["stat", "--html", &path_text(out), file]).fine();
    std::fs::read_to_string(out).unwrap()
}

#[test]
fn ten_thousand_columns_make_a_page_of_bearable_size() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("wide.root");
    write(&file, (0..10_000).map(|i| format!("column_{i:05}")).collect(), "Wide", "");
    let text = report(&path_text(&file), &page(scratch.path(), "wide.html"));
    assert!(text.len() < 3_000_000, "{} bytes", text.len());
    assert!(text.matches("class=\"cell ").count() < 2000);
    assert!(text.contains("9,500 more columns are not shown") && text.contains("fields 9801 to 10000"), "no rest");
    assert!(text.contains("column_09999"), "the tree has them all");
    let stored = numbers(&text, "data-bytes", "id=\"map\"");
    assert_eq!(numbers(&text, "data-bytes", "class=\"cell ").iter().sum::<u64>(), stored[0]);
}

/// Some columns take more room than others.
fn write(path: &Path, names: Vec<String>, ntuple: &str, description: &str) {
    let rows = 64_usize;
    let column = |i: usize| -> ArrayRef {
        let distinct = 1 + (i * 7919) % rows;
        if i.is_multiple_of(3) {
            Arc::new(Int32Array::from_iter_values(
                (0..rows).map(|row| i32::try_from((row * 48_271 + i) % distinct).unwrap()),
            ))
        } else {
            Arc::new(Float32Array::from_iter_values((0..rows).map(|row| ((row % distinct + i) as f32).sin())))
        }
    };
    let columns: Vec<ArrayRef> = (0..names.len()).map(column).collect();
    let fields =
        names.into_iter().zip(&columns).map(|(name, array)| Field::new(name, array.data_type().clone(), false));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let mut writer =
        Writer::create(path, ntuple, schema.clone(), WriteOptions::new().description(description)).unwrap();
    writer.append(&RecordBatch::try_new(schema, columns).unwrap()).unwrap();
    writer.finish().unwrap();
}

#[test]
fn every_vector_has_its_page() {
    let Some(folder) = vectors() else { return };
    let scratch = tempfile::tempdir().unwrap();
    let mut pages = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = path_text(&file.unwrap().path());
        if path.ends_with(".root") && rntuple(["stat", &path]).status == 0 {
            report(&path, &scratch.path().join("page.html"));
            pages += 1;
        }
    }
    assert!(pages > 5, "{pages}");
}
