//! Several files merged into one.

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float32Array, Int32Array, RecordBatch, StringArray, TimestampMillisecondArray,
    TimestampSecondArray, UInt64Array,
};
use arrow::datatypes::{DataType, Field, Schema as ArrowSchema, TimestampSecondType, UInt64Type};
use rntuple_core::compression::CompressionSettings;
use rntuple_core::schema::{ColumnType, Schema};
use rntuple_io::storage::Storage;
use rntuple_io::{Error, FileWriter, Merge, MergeMode, Merged, NTuple, Reader, WriteOptions, Writer};

use crate::support::{data, sets, vectors, whole};

fn merge(inputs: &[PathBuf], mode: MergeMode, output: &Path) -> Result<Merged, Error> {
    Merge::new(inputs).mode(mode).write(output)
}

fn only(path: &Path) -> NTuple {
    Reader::open(path).unwrap().only().unwrap()
}

fn sound(path: &Path) {
    let reader = Reader::open(path).unwrap();
    for key in reader.list() {
        let report = reader.ntuple(&key.path).unwrap().verify(&|_, _| ()).unwrap();
        assert!(report.damage.is_empty(), "{}: {:?}", key.path, report.damage);
    }
}

/// Compares values, whatever the fields say about their encodings.
fn same_values(what: &str, got: &RecordBatch, want: &RecordBatch) {
    assert_eq!(got.num_rows(), want.num_rows(), "{what}");
    for (field, want) in want.schema().fields().iter().zip(want.columns()) {
        let got = got.column_by_name(field.name()).unwrap_or_else(|| panic!("{what}: no {}", field.name()));
        assert!(text(got) == text(want), "{what}: field {} is\n{got:?}\nnot\n{want:?}", field.name());
    }
}

/// Values as text, every bit of real numbers included as far as it shows.
fn text(array: &ArrayRef) -> String {
    let options = arrow::util::display::FormatOptions::default().with_null("null");
    let values = arrow::util::display::ArrayFormatter::try_new(array, &options).unwrap();
    (0..array.len()).map(|i| format!("{}\n", values.value(i))).collect()
}

fn rows(ntuple: &NTuple, from: u64, to: u64) -> RecordBatch {
    whole(ntuple.scan().strings_as_binary(true).entries(from..to), to - from)
}

/// The fields of a schema, by path.
fn described(schema: &Schema) -> BTreeMap<String, String> {
    let of = |field: &rntuple_core::schema::Field| {
        let source = field.source.map(|source| schema.path(source));
        let (name, alias, text) = (&field.type_name, &field.type_alias, &field.description);
        let numbers = (field.type_version, field.type_checksum, field.repetitions, field.role, field.soa);
        format!("{name} {alias} {text} {source:?} {numbers:?}")
    };
    schema.fields().iter().map(|field| (schema.path(field.id), of(field))).collect()
}

/// Every golden data set, twice: the entries come twice, and no page is touched.
#[test]
fn golden_files_with_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let mut files: Vec<String> = sets().into_iter().map(|set| set.file).collect();
    files.sort();
    files.dedup();
    assert!(files.len() > 50);
    for file in files {
        let (input, output) = (vectors().join(&file), folder.path().join(&file));
        let merged = merge(&[input.clone(), input], MergeMode::Filter, &output);
        let merged = merged.unwrap_or_else(|error| panic!("{file}: {error}"));
        sound(&output);
        let reader = Reader::open(&output).unwrap();
        for set in sets().iter().filter(|set| set.file == file && !set.path.contains(';')) {
            let both = reader.ntuple(&set.path).unwrap();
            let entries = set.ntuple.entries();
            assert_eq!(both.entries(), 2 * entries, "{}", set.name());
            if set.is_small() {
                let want = rows(&set.ntuple, 0, entries);
                same_values(&set.name(), &rows(&both, 0, entries), &want);
                same_values(&set.name(), &rows(&both, entries, 2 * entries), &want);
            }
            assert_eq!(both.description(), set.ntuple.description());
            let (old, new) = (set.ntuple.schema(), both.schema());
            assert_eq!(described(old), described(new), "{}", set.name());
            // Only ranges of attribute sets count anew.
            if both.attribute_sets().is_empty() {
                let late = set
                    .ntuple
                    .schema()
                    .columns()
                    .iter()
                    .any(|column| column.deferred && column.kind == ColumnType::Real32Quant);
                assert!(late || merged.pages_reencoded == 0, "{}", set.name());
            }
        }
    }
}

/// Ways to write that give other encodings and compressions.
fn ways() -> Vec<WriteOptions> {
    let setting = |n| WriteOptions::new().keep_encodings(false).compression(CompressionSettings::new(n));
    vec![
        setting(505).max_unzipped_page_size(64),
        setting(0).page_checksums(false),
        setting(404).small_indexes(true),
        setting(101).max_unzipped_page_size(128),
        setting(0).small_indexes(true),
    ]
}

/// A data set that is cut into pieces, each written in its own way, and merged again is what it was.
#[test]
fn pieces_of_every_golden_set_in_any_encoding() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out.root");
    let mut encoded = 0;
    for (n, set) in
        sets().iter().filter(|set| set.is_small() && set.ntuple.unavailable().unwrap().is_empty()).enumerate()
    {
        let entries = set.ntuple.entries();
        let schema = set.ntuple.scan().strings_as_binary(true).open().unwrap().schema();
        let ways = ways();
        let mut inputs = Vec::new();
        let cut = |i: u64| entries * i / 4;
        for i in 0..4 {
            let path = folder.path().join(format!("{n}-{i}.root"));
            let way = ways[(n + usize::try_from(i).unwrap()) % ways.len()].clone();
            let Ok(mut writer) = Writer::create(&path, "data", Arc::clone(&schema), way) else { continue };
            let wanted = writer.schema();
            let batch = whole(set.ntuple.scan().schema(wanted).entries(cut(i)..cut(i + 1)), cut(i + 1) - cut(i));
            writer.append(&batch).unwrap();
            writer.add_type_info(set.ntuple.schema().extra_type_info().iter().cloned());
            writer.finish().unwrap();
            inputs.push(path);
        }
        if inputs.is_empty() {
            continue;
        }
        for mode in [MergeMode::Filter, MergeMode::Strict, MergeMode::Union] {
            let merged = merge(&inputs, mode, &output).unwrap_or_else(|error| panic!("{}: {error}", set.name()));
            sound(&output);
            encoded += merged.pages_reencoded;
            assert_eq!(merged.entries(), entries);
            same_values(&set.name(), &rows(&only(&output), 0, entries), &rows(&set.ntuple, 0, entries));
        }
        let one =
            |threads| Merge::new(&inputs).compression(CompressionSettings::new(207)).threads(threads).write(&output);
        let merged = one(1).unwrap();
        sound(&output);
        same_values(&set.name(), &rows(&only(&output), 0, entries), &rows(&set.ntuple, 0, entries));
        assert_eq!(merged.pages_kept, 0, "{}", set.name());
        for column in only(&output).stat().unwrap() {
            assert!(
                column.compression.iter().all(|&setting| setting == 207),
                "{}: {:?}",
                set.name(),
                column.compression
            );
        }
        let bytes = fs::read(&output).unwrap();
        one(3).unwrap();
        assert!(bytes == fs::read(&output).unwrap(), "{}: other bytes with other threads", set.name());
    }
    assert!(encoded > 100, "{encoded}");
}

fn write(path: &Path, columns: Vec<(&str, ArrayRef)>) -> PathBuf {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = Writer::create(path, "Events", batch.schema(), WriteOptions::default()).unwrap();
    writer.append(&batch).unwrap();
    writer.finish().unwrap();
    path.to_owned()
}

fn ints(values: impl IntoIterator<Item = i32>) -> ArrayRef {
    Arc::new(Int32Array::from_iter_values(values))
}

#[test]
fn modes_say_which_fields_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let a = write(&at("a.root"), vec![("x", ints(0..3)), ("y", ints(10..13))]);
    let b = write(&at("b.root"), vec![("z", ints(20..22)), ("x", ints(3..5))]);
    let c = write(&at("c.root"), vec![("x", ints(5..9)), ("y", ints(13..17)), ("w", ints(30..34))]);
    let out = at("out.root");

    let error = merge(&[a.clone(), b.clone()], MergeMode::Filter, &out).unwrap_err().to_string();
    assert!(error.contains("b.root") && error.contains("'Events'") && error.contains("'y'"), "{error}");
    assert!(error.contains("union"), "{error}");
    let error = merge(&[a.clone(), c.clone()], MergeMode::Strict, &out).unwrap_err().to_string();
    assert!(error.contains("c.root") && error.contains("'w'") && error.contains("filter"), "{error}");
    assert!(!out.exists());

    merge(&[a.clone(), c.clone()], MergeMode::Filter, &out).unwrap();
    let batch = rows(&only(&out), 0, 7);
    let names: Vec<String> = batch.schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names, ["x", "y"]);
    assert_eq!(batch["y"].as_ref(), ints(10..17).as_ref());

    merge(&[a.clone(), b, c], MergeMode::Union, &out).unwrap();
    sound(&out);
    let batch = rows(&only(&out), 0, 9);
    assert_eq!(batch["x"].as_ref(), ints(0..9).as_ref());
    assert_eq!(batch["y"].as_ref(), ints([10, 11, 12, 0, 0, 13, 14, 15, 16]).as_ref());
    assert_eq!(batch["z"].as_ref(), ints([0, 0, 0, 20, 21, 0, 0, 0, 0]).as_ref());
    assert_eq!(batch["w"].as_ref(), ints([0, 0, 0, 0, 0, 30, 31, 32, 33]).as_ref());

    // Other types of one name.
    let other: ArrayRef = Arc::new(Float32Array::from(vec![1.0]));
    let d = write(&at("d.root"), vec![("x", other), ("y", ints(0..1))]);
    for mode in [MergeMode::Filter, MergeMode::Strict, MergeMode::Union] {
        let error = merge(&[a.clone(), d.clone()], mode, &at("not.root")).unwrap_err().to_string();
        assert!(error.contains("d.root") && error.contains("float") && error.contains("std::int32_t"), "{error}");
    }
    assert!(!at("not.root").exists());
}

/// Every golden set as late fields, and as fields that are missing later: zeros, empty, absent.
#[test]
fn late_and_missing_fields_of_every_type() {
    let folder = tempfile::tempdir().unwrap();
    let plain = write(&folder.path().join("plain.root"), vec![("plain_x", ints(0..5))]);
    let out = folder.path().join("out.root");
    let mut checked = 0;
    for set in sets().iter().filter(|set| set.is_small() && set.ntuple.entries() > 0 && !set.path.contains([';', '/']))
    {
        let input = vectors().join(&set.file);
        // The same name for both, which is the only one that is merged.
        let named = write_as(&plain, set.ntuple.name(), folder.path());
        let late = |inputs: &[PathBuf]| Merge::new(inputs).ntuple(&set.path).mode(MergeMode::Union).write(&out);
        let entries = set.ntuple.entries();
        let merged = late(&[named.clone(), input.clone(), named.clone()]);
        if set.file == "streamer.root" {
            let error = merged.unwrap_err().to_string();
            assert!(error.contains("no default"), "{error}");
            continue;
        }
        merged.unwrap_or_else(|error| panic!("{}: {error}", set.name()));
        sound(&out);
        let ntuple = Reader::open(&out).unwrap().ntuple(&set.path).unwrap();
        assert_eq!(ntuple.entries(), entries + 10);
        same_values(&set.name(), &rows(&ntuple, 5, 5 + entries), &rows(&set.ntuple, 0, entries));
        let (before, after) = (rows(&ntuple, 0, 5), rows(&ntuple, 5 + entries, entries + 10));
        same_values(&set.name(), &after, &before);
        let own = before.column_by_name("plain_x").unwrap();
        assert_eq!(own.as_ref(), ints(0..5).as_ref());
        for (field, column) in
            before.schema().fields().iter().zip(before.columns()).filter(|(field, _)| field.name() != "plain_x")
        {
            assert!(is_default(column), "{}: field {}: {column:?}", set.name(), field.name());
            checked += 1;
        }
        // In the other order it is not late, but missing.
        late(&[input, named]).unwrap_or_else(|error| panic!("{}: {error}", set.name()));
        let ntuple = Reader::open(&out).unwrap().ntuple(&set.path).unwrap();
        same_values(&set.name(), &rows(&ntuple, 0, entries), &rows(&set.ntuple, 0, entries));
        let end = rows(&ntuple, entries, entries + 5);
        same_values(&set.name(), &end, &before);
    }
    assert!(checked > 200, "{checked}");
}

fn write_as(plain: &Path, name: &str, folder: &Path) -> PathBuf {
    let batch = rows(&only(plain), 0, 5);
    let path = folder.join("named.root");
    let mut writer = Writer::create(&path, name, batch.schema(), WriteOptions::default()).unwrap();
    writer.append(&batch).unwrap();
    writer.finish().unwrap();
    path
}

/// Whether all values are zeros, empty or absent.
fn is_default(array: &ArrayRef) -> bool {
    let shown = text(array);
    !shown.chars().any(|c| c.is_ascii_digit() && c != '0')
        || matches!(array.data_type(), DataType::Union(..) | DataType::Struct(_))
}

#[test]
fn encodings_that_do_not_fit_become_representations() {
    let folder = tempfile::tempdir().unwrap();
    let values: ArrayRef = Arc::new(Float32Array::from_iter_values((0..100).map(|i| 0.1 * i as f32)));
    let mut inputs = Vec::new();
    let encodings = ["Real16", "SplitReal32", "Real32Trunc(20)", "Real32Quant(12;0;10)", "Real32", "Real16"];
    for (i, encoding) in encodings.iter().enumerate() {
        let path = folder.path().join(format!("{i}.root"));
        let list = arrow::array::ListArray::new(
            Arc::new(Field::new("item", DataType::Float32, false)),
            arrow::buffer::OffsetBuffer::from_lengths([10; 10]),
            Arc::clone(&values),
            None,
        );
        let batch =
            RecordBatch::try_from_iter([("x", values.slice(0, 10)), ("v", Arc::new(list) as ArrayRef)]).unwrap();
        let options = WriteOptions::new().encoding("**", encoding.parse().unwrap());
        let mut writer = Writer::create(&path, "Events", batch.schema(), options).unwrap();
        writer.append(&batch).unwrap();
        writer.finish().unwrap();
        inputs.push(path);
    }
    let out = folder.path().join("out.root");
    let merged = merge(&inputs, MergeMode::Filter, &out).unwrap();
    sound(&out);
    let ntuple = only(&out);
    let field = ntuple.schema().top_level().next().unwrap();
    assert_eq!(ntuple.schema().representations(field).count(), 2, "Real16, and SplitReal32 for all others");
    assert!(merged.pages_reencoded > 0);
    for (i, input) in inputs.iter().enumerate() {
        let from = 10 * i as u64;
        same_values(encodings[i], &rows(&ntuple, from, from + 10), &rows(&only(input), 0, 10));
    }
}

#[test]
fn zeros_of_quantised_columns_are_zeros() {
    let folder = tempfile::tempdir().unwrap();
    let values: ArrayRef = Arc::new(Float32Array::from_iter_values((0..10).map(|i| 5.0 + i as f32)));
    let batch = RecordBatch::try_from_iter([("x", values), ("y", ints(0..10))]).unwrap();
    let path = folder.path().join("quant.root");
    let options = WriteOptions::new().encoding("x", "Real32Quant(12;4;16)".parse().unwrap());
    let mut writer = Writer::create(&path, "Events", batch.schema(), options).unwrap();
    writer.append(&batch).unwrap();
    writer.finish().unwrap();
    let other = write(&folder.path().join("other.root"), vec![("y", ints(0..4))]);
    let out = folder.path().join("out.root");
    merge(&[other.clone(), path.clone(), other], MergeMode::Union, &out).unwrap();
    let all = rows(&only(&out), 0, 18);
    let x: Vec<f32> = all["x"].as_primitive::<arrow::datatypes::Float32Type>().values().to_vec();
    assert_eq!(x[..4], [0.0; 4]);
    assert_eq!(x[14..], [0.0; 4]);
    same_values("quantised", &all.slice(4, 10), &rows(&only(&path), 0, 10));
}

#[test]
fn ranges_of_attribute_sets_count_on() {
    let folder = tempfile::tempdir().unwrap();
    let (input, out) = (vectors().join("attributes.root"), folder.path().join("out.root"));
    let plain = write_as(&write(&folder.path().join("p.root"), vec![("q", ints(0..5))]), "data", folder.path());
    Merge::new([&input, &plain, &input]).mode(MergeMode::Union).write(&out).unwrap();
    sound(&out);
    let (one, both) = (data("attributes"), Reader::open(&out).unwrap().ntuple("data").unwrap());
    let second = one.entries() + 5;
    let mut names = one.attribute_sets();
    names.sort();
    let mut merged = both.attribute_sets();
    merged.sort();
    assert_eq!(names, merged);
    for name in names {
        let (one, both) = (one.attribute_set(&name).unwrap(), both.attribute_set(&name).unwrap());
        let n = one.entries();
        assert_eq!(both.entries(), 2 * n);
        if n == 0 {
            continue;
        }
        let want = rows(&one, 0, n);
        same_values(&name, &rows(&both, 0, n), &want);
        let again = rows(&both, n, 2 * n);
        let starts = |batch: &RecordBatch| batch["_rangeStart"].as_primitive::<UInt64Type>().clone();
        let moved = UInt64Array::from_iter_values(starts(&want).values().iter().map(|start| start + second));
        assert_eq!(starts(&again), moved);
        for column in ["_rangeLen", "_userData"] {
            assert_eq!(text(&again[column].clone()), text(&want[column].clone()), "{name}");
        }
    }
}

#[test]
fn damaged_inputs_leave_no_output() {
    let folder = tempfile::tempdir().unwrap();
    let good = vectors().join("clusters.root");
    let (bad, out) = (folder.path().join("bad.root"), folder.path().join("out.root"));
    let bytes = fs::read(&good).unwrap();
    let mut failed = 0;
    let step = (bytes.len() / 200).max(1);
    for at in (0..bytes.len()).step_by(step) {
        fs::write(&bad, &bytes[..at]).unwrap();
        match Merge::new([&good, &bad]).write(&out) {
            // Behind the data are the descriptions of classes.
            Ok(merged) => {
                assert_eq!(merged.entries(), 2 * only(&good).entries());
                fs::remove_file(&out).unwrap();
            }
            Err(error) => assert!(error.to_string().contains("bad.root"), "{error}"),
        }
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x55;
        fs::write(&bad, flipped).unwrap();
        match Merge::new([&good, &bad]).write(&out) {
            // A name, a date, what lies between the records.
            Ok(_) => fs::remove_file(&out).unwrap(),
            Err(error) => {
                failed += 1;
                assert!(error.to_string().contains("bad.root"), "{error}");
            }
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "only the input is there");
    }
    assert!(failed > 50, "{failed}");
}

#[test]
fn what_cannot_be_done_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let a = write(&at("a.root"), vec![("x", ints(0..3))]);
    let error = Merge::new([&a, &a]).write(&a).unwrap_err().to_string();
    assert!(error.contains("an input, too"), "{error}");
    assert_eq!(only(&a).entries(), 3, "it is what it was");
    let error = Merge::new(Vec::<PathBuf>::new()).write(at("o.root")).unwrap_err().to_string();
    assert!(error.contains("nothing to merge"), "{error}");
    let error = Merge::new([&a]).ntuple("Other").write(at("o.root")).unwrap_err().to_string();
    assert!(error.contains("'Other'"), "{error}");
    let mut calls = 0;
    let stopped = Merge::new([&a, &a]).write_with(at("o.root"), Storage::shared(), &mut |_, _| {
        calls += 1;
        if calls > 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(matches!(stopped, Err(Error::Stopped { .. })));
    assert!(!at("o.root").exists());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn several_data_sets_and_directories() {
    let folder = tempfile::tempdir().unwrap();
    let (input, out) = (vectors().join("directories.root"), folder.path().join("out.root"));
    let a = write_as(&write(&folder.path().join("p.root"), vec![("q", ints(0..5))]), "more", folder.path());
    let merged = Merge::new([&input, &a, &input]).write(&out).unwrap();
    let paths: Vec<(&str, u64)> = merged.ntuples.iter().map(|ntuple| (ntuple.path.as_str(), ntuple.inputs)).collect();
    assert_eq!(paths.last(), Some(&("more", 1)));
    assert!(paths.contains(&("a/b/events", 2)), "{paths:?}");
    sound(&out);
    // Something else than RNTuples.
    let merged = Merge::new([vectors().join("with_objects.root")]).write(&out).unwrap();
    assert!(merged.notes.iter().any(|note| note.contains("not merged")), "{:?}", merged.notes);
}

#[test]
fn an_input_without_entries() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let empty = write(&at("empty.root"), vec![("x", ints(0..0)), ("y", ints(0..0))]);
    let full = write(&at("full.root"), vec![("x", ints(0..3))]);
    let out = at("out.root");
    for inputs in [[&empty, &full], [&full, &empty]] {
        Merge::new(inputs).mode(MergeMode::Union).write(&out).unwrap();
        let batch = rows(&only(&out), 0, 3);
        assert_eq!((batch["x"].as_ref(), batch["y"].as_ref()), (ints(0..3).as_ref(), ints([0; 3]).as_ref()));
    }
    Merge::new([&empty, &empty]).write(&out).unwrap();
    assert_eq!(only(&out).entries(), 0);
}

#[cfg(feature = "remote")]
#[test]
fn from_stores_and_into_stores() {
    let muons = vectors().join("clusters.root");
    let one = only(&muons);
    for (n, out) in ["ntpl+memory://merged/native", "memory://merged/file.root"].iter().enumerate() {
        let options = WriteOptions::new().overwrite(true);
        let input = format!("ntpl+memory://merging/in{n}/{}", one.name());
        rntuple_io::copy_ntuples(&muons, &input, &options, Storage::shared(), &mut |_, _| ControlFlow::Continue(()))
            .unwrap();
        for _ in 0..2 {
            let merged = Merge::new([PathBuf::from(&input), muons.clone()]).write(out).unwrap();
            assert_eq!((merged.ntuples.len(), merged.entries()), (1, 2 * one.entries()));
        }
        let both = only(Path::new(out));
        let want = rows(&one, 0, one.entries());
        same_values(out, &rows(&both, 0, one.entries()), &want);
        same_values(out, &rows(&both, one.entries(), 2 * one.entries()), &want);
    }
    let error = Merge::new([vectors().join("two_ntuples.root")]).write("ntpl+memory://merged/two").unwrap_err();
    assert!(error.to_string().contains("choose one"), "{error}");
}

/// The output of a merge merges again, and so does one with late fields.
#[test]
fn merged_files_merge_again() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let strings: ArrayRef = Arc::new(StringArray::from_iter_values(["a", "", "ccc"]));
    let a = write(&at("a.root"), vec![("x", ints(0..3))]);
    let b = write(&at("b.root"), vec![("x", ints(3..6)), ("s", strings)]);
    merge(&[a.clone(), b.clone()], MergeMode::Union, &at("ab.root")).unwrap();
    merge(&[at("ab.root"), a, at("ab.root")], MergeMode::Union, &at("out.root")).unwrap();
    sound(&at("out.root"));
    let batch = rows(&only(&at("out.root")), 0, 15);
    assert_eq!(text(&batch["x"].clone()).replace('\n', " "), "0 1 2 3 4 5 0 1 2 0 1 2 3 4 5 ");
    let strings: Vec<&[u8]> = batch["s"].as_binary::<i32>().iter().flatten().collect();
    let empty: &[u8] = b"";
    let once = [empty, empty, empty, b"a", empty, b"ccc"];
    assert_eq!(strings, [&once[..], &[empty; 3], &once[..]].concat());
    // Two data sets of one file, one of them written while the other is.
    let file = FileWriter::create(at("two.root"), &WriteOptions::default()).unwrap();
    let schema = Arc::new(ArrowSchema::new(vec![Field::new("x", DataType::Int32, false)]));
    for name in ["Events", "dir/More"] {
        let mut writer = file.ntuple(name, Arc::clone(&schema), WriteOptions::default()).unwrap();
        writer.append(&RecordBatch::try_from_iter([("x", ints(0..2))]).unwrap()).unwrap();
        writer.finish().unwrap();
    }
    file.finish().unwrap();
    let merged = Merge::new([at("two.root"), at("two.root")]).write(at("out.root")).unwrap();
    assert_eq!((merged.ntuples.len(), merged.entries(), merged.inputs), (2, 8, 2));
}

/// Pages that several columns share are sealed anew once, and shared again.
#[test]
fn shared_pages_stay_shared() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let names: Vec<String> = (0..200).map(|i| format!("x{i}")).collect();
    let noise = ints((0..5000_i32).map(|i| i.wrapping_mul(i).wrapping_mul(1_664_525) ^ i.wrapping_mul(1_013_904_223)));
    let columns = names.iter().map(|name| (name.as_str(), Arc::clone(&noise))).collect();
    let a = write(&at("a.root"), columns);
    let size = fs::metadata(&a).unwrap().len();
    for way in [
        Merge::new([&a, &a]).compression(CompressionSettings::new(207)),
        Merge::new([&plain(&at("b.root"), &names), &a]),
    ] {
        let merged = way.write(at("out.root")).unwrap();
        assert!(merged.file_size < 5 * size, "{} of {size}", merged.file_size);
        assert!(merged.pages_kept == 0 || merged.pages_reencoded > 0);
        sound(&at("out.root"));
        let batch = rows(&only(&at("out.root")), merged.entries() - 5000, merged.entries());
        assert!(batch.columns().iter().all(|column| column.as_ref() == noise.as_ref()));
    }
}

/// A data set of integers that are not split.
fn plain(path: &Path, names: &[String]) -> PathBuf {
    let columns: Vec<(&str, ArrayRef)> = names.iter().map(|name| (name.as_str(), ints(0..10))).collect();
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let options = WriteOptions::new().compression(CompressionSettings::new(0));
    let mut writer = Writer::create(path, "Events", batch.schema(), options).unwrap();
    writer.append(&batch).unwrap();
    writer.finish().unwrap();
    path.to_owned()
}

/// Arrow types that an attribute set keeps hold for the whole of the merged data; types that differ are no merge.
#[test]
fn arrow_types_are_kept_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, column: ArrayRef| {
        let path = folder.path().join(name);
        let batch = RecordBatch::try_from_iter([("time", column)]).unwrap();
        let options = WriteOptions::default().arrow_types(true);
        let mut writer = Writer::create(&path, "T", batch.schema(), options).unwrap();
        writer.append(&batch).unwrap();
        writer.finish().unwrap();
        path
    };
    let first = write("1.root", Arc::new(TimestampSecondArray::from(vec![1, 2])));
    let second = write("2.root", Arc::new(TimestampSecondArray::from(vec![3])));
    let other = write("3.root", Arc::new(TimestampMillisecondArray::from(vec![4])));
    let output = folder.path().join("out.root");
    merge(&[first.clone(), second], MergeMode::Filter, &output).unwrap();
    let mut batches = only(&output).scan().arrow_types(true).open().unwrap();
    let got: Vec<i64> = batches
        .by_ref()
        .flat_map(|batch| batch.unwrap().column(0).as_primitive::<TimestampSecondType>().values().to_vec())
        .collect();
    assert_eq!(got, [1, 2, 3]);
    let refused = merge(&[first, other], MergeMode::Filter, &folder.path().join("no.root")).unwrap_err().to_string();
    assert!(refused.contains("3.root") && refused.contains("'time'") && refused.contains("Timestamp(ms)"), "{refused}");
    assert!(!folder.path().join("no.root").exists());
}
