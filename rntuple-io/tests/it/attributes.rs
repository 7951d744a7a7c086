//! Linked attribute sets, with the fields of their own RNTuple.

use rntuple_io::Error;

use crate::support::{answers, open, table, whole};
use crate::values::check;

#[test]
fn attribute_sets_have_the_values_that_root_reads() {
    let sets: Vec<[String; 4]> = table("ATTRIBUTES.txt");
    assert_eq!(sets.len(), 4);
    for [file, path, name, answer] in &sets {
        let main = open(file, path);
        let set = main.attribute_set(name).unwrap();
        let answers = answers(answer);
        assert_eq!(set.entries(), answers.len() as u64, "{path}, {name}");
        assert_eq!(set.file_name(), main.file_name());
        check(name, &whole(set.scan(), set.entries()), 0, &answers);
        let schema = set.arrow_schema().unwrap();
        let names: Vec<&String> = schema.fields().iter().map(|field| field.name()).collect();
        assert_eq!(names, ["_rangeStart", "_rangeLen", "_userData"]);
        // They are not RNTuples that the file lists.
        let reader = rntuple_io::Reader::open(crate::support::vectors().join(file)).unwrap();
        assert!(reader.list().iter().all(|key| key.path != *name));
    }
}

#[test]
fn one_name_in_two_data_sets() {
    let [one, two] = ["data", "other"].map(|path| open("attributes.root", path));
    let entries = [&one, &two].map(|set| set.attribute_set("runs").unwrap().entries());
    assert_eq!(entries[0], answers("attributes.data.attr.runs.ndjson").len() as u64);
    assert_eq!(entries[1], answers("attributes.other.attr.runs.ndjson").len() as u64);
    let mut names = one.attribute_sets();
    names.sort();
    assert_eq!(names, ["files", "never_filled", "runs"]);
    assert_eq!(two.attribute_sets(), ["runs"]);
}

#[test]
fn sets_that_are_not_there() {
    let main = open("attributes.root", "data");
    let error = main.attribute_set("run").map(|_| ()).unwrap_err();
    assert!(matches!(&error, Error::NotFound { path, .. } if path == "run"), "{error:?}");
    assert!(error.to_string().contains("runs"), "{error}");
    let error = open("clusters.root", "data").attribute_set("runs").map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("no attribute sets"), "{error}");
    // Sets have no sets.
    assert!(main.attribute_set("runs").unwrap().attribute_sets().is_empty());
}

#[test]
fn verifying_a_data_set_verifies_its_attributes() {
    let main = open("attributes.root", "data");
    let report = main.verify(&|_, _| {}).unwrap();
    assert!(report.damage.is_empty(), "{:?}", report.damage);
    // Header, footer and page list of the data set; the same of two sets, one of them without entries.
    assert!(report.envelopes >= 3 + 3 + 3 + 2, "{report:?}");
}
