//! Which fields a pattern chooses, and what is left of them.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field};
use rntuple_core::Error as FormatError;
use rntuple_io::{Error, NTuple};

use crate::support::{data, open, whole};

fn read(ntuple: &NTuple, patterns: &[&str]) -> RecordBatch {
    whole(ntuple.scan().columns(patterns), ntuple.entries())
}

fn names(batch: &RecordBatch) -> Vec<String> {
    batch.schema().fields().iter().map(|field| field.name().clone()).collect()
}

/// A field as text: names, and what is below.
fn shape(field: &Field) -> String {
    let inner = match field.data_type() {
        DataType::List(item) | DataType::LargeList(item) => format!("[{}]", shape(item)),
        DataType::FixedSizeList(item, n) => format!("[{};{n}]", shape(item)),
        DataType::Map(item, _) => format!("map[{}]", shape(item)),
        DataType::Struct(members) => {
            format!("{{{}}}", members.iter().map(|member| shape(member)).collect::<Vec<_>>().join(" "))
        }
        DataType::Union(fields, _) => {
            format!("<{}>", fields.iter().skip(1).map(|(_, field)| shape(field)).collect::<Vec<_>>().join("|"))
        }
        _ => String::new(),
    };
    format!("{}{inner}", field.name())
}

fn shapes(ntuple: &NTuple, patterns: &[&str]) -> Vec<String> {
    let batches = ntuple.scan().columns(patterns).open().unwrap_or_else(|e| panic!("{patterns:?}: {e}"));
    batches.schema().fields().iter().map(|field| shape(field)).collect()
}

#[test]
fn names_and_globs() {
    let ntuple = data("projections");
    let all = whole(ntuple.scan(), ntuple.entries());
    for (patterns, expected) in [
        (vec!["met"], vec!["met"]),
        (vec!["n_*"], vec!["n_hits", "n_hits32", "n_vv", "n_set", "n_charges"]),
        (vec!["n_h*32", "?et"], vec!["met", "set", "n_hits32"]),
        // In the order of the data set, each field once.
        (vec!["set", "met", "set", "m*"], vec!["met", "set", "missing"]),
        (vec!["*hits*"], vec!["hits", "n_hits", "n_hits32"]),
        (vec!["??"], vec!["vv", "xs"]),
    ] {
        let batch = read(&ntuple, &patterns);
        assert_eq!(names(&batch), expected, "{patterns:?}");
        for name in expected {
            assert_eq!(batch.column_by_name(name), all.column_by_name(name), "{name}");
        }
    }
    for everything in ["*", "**"] {
        assert_eq!(read(&ntuple, &[everything]), all);
    }
}

#[test]
fn the_item_of_a_collection_may_be_left_out() {
    let ntuple = data("projections");
    let all = whole(ntuple.scan(), ntuple.entries());
    let full = all.column_by_name("hits").unwrap().as_list::<i32>();
    for (patterns, expected) in [
        (vec!["hits.id"], "hits[_0{id}]"),
        (vec!["hits._0.id"], "hits[_0{id}]"),
        (vec!["hits.where.y"], "hits[_0{where{y}}]"),
        (vec!["hits._0.where.y", "hits.label"], "hits[_0{where{y} label}]"),
        (vec!["hits.label", "hits.where"], "hits[_0{where{x y} label}]"),
        (vec!["hits.charges"], "hits[_0{charges[_0]}]"),
        (vec!["hits.*a*"], "hits[_0{charges[_0] label}]"),
        (vec!["hits.*.x"], "hits[_0{where{x}}]"),
        (vec!["**.y"], "hits[_0{where{y}}]"),
        (vec!["hits.id", "hits"], "hits[_0{id where{x y} charges[_0] label}]"),
        (vec!["hits._0"], "hits[_0{id where{x y} charges[_0] label}]"),
        (vec!["hits.**"], "hits[_0{id where{x y} charges[_0] label}]"),
    ] {
        let shapes = shapes(&ntuple, &patterns);
        let shape = shapes.iter().find(|shape| shape.starts_with("hits")).unwrap();
        assert_eq!(shape, expected, "{patterns:?}");
        let batch = read(&ntuple, &patterns);
        let part = batch.column_by_name("hits").unwrap().as_list::<i32>();
        assert_eq!(part.offsets(), full.offsets(), "{patterns:?}");
        let (part, full) = (part.values().as_struct(), full.values().as_struct());
        for (member, array) in part.column_names().into_iter().zip(part.columns()) {
            let whole = full.column_by_name(member).unwrap();
            match (member, array.as_struct_opt()) {
                ("where", Some(place)) => {
                    for (member, array) in place.column_names().into_iter().zip(place.columns()) {
                        assert_eq!(array, whole.as_struct().column_by_name(member).unwrap(), "{patterns:?}");
                    }
                }
                _ => assert_eq!(array, whole, "{patterns:?}"),
            }
        }
    }
}

/// Each `_0` may be left out or not, whatever is done with the others on the path.
#[test]
fn some_of_the_items_left_out() {
    let ntuple = data("projections");
    for pattern in ["hits.charges", "hits._0.charges", "hits._0.charges._0", "hits.charges._0"] {
        assert_eq!(shapes(&ntuple, &[pattern]), ["hits[_0{charges[_0]}]"], "{pattern}");
    }
}

#[test]
fn names_do_not_reach_over_dots() {
    let ntuple = data("projections");
    assert_eq!(shapes(&ntuple, &["point.*"]), ["point{x y}"]);
    assert_eq!(shapes(&ntuple, &["p*.x"]), ["point{x}"]);
    assert_eq!(
        shapes(&ntuple, &["*.x"]),
        ["hits[_0{where{x}}]", "point{x}", "whole[_0{x}]", "same_point{x}"]
            .into_iter()
            .filter(|shape| !shape.starts_with("hits"))
            .collect::<Vec<_>>()
    );
    assert_eq!(shapes(&ntuple, &["**.x"]), ["hits[_0{where{x}}]", "point{x}", "whole[_0{x}]", "same_point{x}"]);
}

#[test]
fn below_records_arrays_and_optionals() {
    assert_eq!(
        shapes(&data("untyped"), &["record.inner.label", "points.x"]),
        ["record{inner{label}}", "points[_0{x}]"]
    );
    assert_eq!(shapes(&data("arrays"), &["ap.x"]), ["ap[_0{x};2]"]);
    assert_eq!(shapes(&data("nullables"), &["op.where.x", "up.y"]), ["up{y}", "op{where{x}}"]);
    assert_eq!(shapes(&data("extension"), &["late_class.where.x"]), ["late_class{where{x}}"]);
    // What is optional stays so: where there was nothing, there is nothing.
    let ntuple = data("nullables");
    let (all, part) = (whole(ntuple.scan(), ntuple.entries()), read(&ntuple, &["op.id"]));
    let (all, part) = (all.column_by_name("op").unwrap(), part.column(0));
    assert_eq!(all.nulls(), part.nulls());
    assert!(all.null_count() > 0);
    for i in (0..all.len()).filter(|&i| all.is_valid(i)) {
        let id = |array: &ArrayRef| array.as_struct().column_by_name("id").unwrap().slice(i, 1);
        assert_eq!(&id(all), &id(part));
    }
}

/// A key without its value is no map any more.
#[test]
fn parts_of_maps() {
    let ntuple = data("associative");
    assert_eq!(shapes(&ntuple, &["map_string"]), ["map_string".to_owned() + "map[_0{_0 _1}]"]);
    assert_eq!(shapes(&ntuple, &["map_string._0"]), ["map_stringmap[_0{_0 _1}]"]);
    assert_eq!(shapes(&ntuple, &["map_string._0._1"]), ["map_string[_0{_1}]"]);
    assert_eq!(shapes(&ntuple, &["map_string._1"]), ["map_string[_0{_1}]"]);
    assert_eq!(shapes(&ntuple, &["map_point._1.y"]), ["map_point[_0{_1{y}}]"]);
    // Both halves, one of them in part: still a map.
    assert_eq!(shapes(&ntuple, &["map_point._0._0", "map_point._0._1.y"]), ["map_pointmap[_0{_0 _1{y}}]"]);
    let all = whole(ntuple.scan(), ntuple.entries());
    let full = all.column_by_name("map_string").unwrap().as_map();
    let part = read(&ntuple, &["map_string._0._1"]);
    let part = part.column(0).as_list::<i32>();
    assert_eq!(part.offsets(), full.offsets());
    assert_eq!(part.values().as_struct().column(0), full.values());
}

/// Of a variant all alternatives are read, or it would be unknown what an entry holds.
#[test]
fn parts_of_variants() {
    let ntuple = data("variants");
    let all = whole(ntuple.scan(), ntuple.entries());
    for pattern in ["wide._9.x", "wide._3", "wide"] {
        let batch = read(&ntuple, &[pattern]);
        assert_eq!(batch.column_by_name("wide"), all.column_by_name("wide"), "{pattern}");
    }
    let batch = read(&ntuple, &["in_pair._0._1"]);
    assert_eq!(shape(batch.schema().field(0)), "in_pair{_0<_0|_1>}");
}

#[test]
fn projected_fields_read_their_source_only() {
    let ntuple = data("projections");
    let all = whole(ntuple.scan(), ntuple.entries());
    for name in
        ["missing", "label", "n_hits", "ids", "xs", "labels", "charges", "n_charges", "whole", "just_y", "vv_copy"]
    {
        let batch = read(&ntuple, &[name]);
        assert_eq!(names(&batch), [name]);
        assert_eq!(batch.column_by_name(name), all.column_by_name(name));
    }
    assert_eq!(all.column_by_name("missing"), all.column_by_name("met"));
}

fn no_such_field(ntuple: &NTuple, patterns: &[&str]) -> (String, String) {
    let error = ntuple.scan().columns(patterns).open().map(|_| ()).unwrap_err();
    let Error::Format { source, .. } = &error else { panic!("{error:?}") };
    let FormatError::NoSuchField { pattern, hint } = &**source else { panic!("{error:?}") };
    assert!(error.to_string().contains(pattern.as_str()), "{error}");
    (pattern.clone(), hint.clone())
}

#[test]
fn patterns_that_match_nothing() {
    let ntuple = data("projections");
    for (patterns, missing, near) in [
        (vec!["hitz"], "hitz", Some("'hits'")),
        (vec!["Met"], "Met", Some("'met'")),
        (vec!["met", "mising"], "mising", Some("'missing'")),
        (vec!["hits.idd"], "hits.idd", None),
        (vec!["hits.id.more"], "hits.id.more", None),
        (vec!["qqqqqqqqqqqqq"], "qqqqqqqqqqqqq", None),
        (vec!["*", "Q*"], "Q*", None),
        (vec![""], "", None),
    ] {
        let (pattern, hint) = no_such_field(&ntuple, &patterns);
        assert_eq!(pattern, missing);
        if let Some(near) = near {
            assert!(hint.contains(near), "{pattern}: '{hint}'");
        }
        if missing.starts_with("qq") {
            assert_eq!(hint, "", "nothing comes close");
        }
    }
    assert!(ntuple.scan().columns(["met"]).random_access().is_ok());
    assert!(ntuple.scan().columns(["hitz"]).random_access().is_err());
}

#[test]
fn no_patterns_choose_no_fields() {
    let ntuple = data("clusters");
    let batches: Vec<RecordBatch> =
        ntuple.scan().columns::<&str>([]).batch_rows(50).open().unwrap().map(Result::unwrap).collect();
    assert!(batches.iter().all(|batch| batch.num_columns() == 0));
    assert_eq!(batches.iter().map(RecordBatch::num_rows).collect::<Vec<_>>(), [50, 50, 20]);
}

#[test]
fn odd_names() {
    let ntuple = open("unicode_names.root", "données");
    let all = whole(ntuple.scan(), ntuple.entries());
    for (i, field) in all.schema().fields().iter().enumerate() {
        let batch = read(&ntuple, &[field.name()]);
        assert_eq!(batch, all.project(&[i]).unwrap(), "{field}");
    }
    // A question mark is one character, not one byte.
    let schema = all.schema();
    let name = schema.fields().iter().map(|field| field.name()).find(|name| !name.is_ascii()).unwrap();
    let pattern: String = name.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect();
    assert!(names(&read(&ntuple, &[&pattern])).contains(name), "{pattern} finds {name}");
}
