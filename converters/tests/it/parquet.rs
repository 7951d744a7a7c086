//! Parquet to RNTuple and back.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int32Array, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Schema, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use proptest::prelude::*;

use crate::support::{muons, ndjson, path_text, rntuple, vectors};
use crate::tables::{any_table, read_parquet, small, write_parquet};

fn convert(from: &Path, to: &Path, more: &[&str]) -> crate::support::Outcome {
    rntuple(["convert", &path_text(from), &path_text(to)].iter().chain(more))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_table_comes_back(seed in any::<u64>()) {
        let folder = tempfile::tempdir().unwrap();
        let [a, root, b] = ["a.parquet", "a.root", "b.parquet"].map(|name| folder.path().join(name));
        write_parquet(&a, &any_table(seed, true));
        convert(&a, &root, &[]).fine();
        convert(&root, &b, &[]).fine();
        let (before, after) = (read_parquet(&a), read_parquet(&b));
        prop_assert_eq!(before.schema(), after.schema());
        prop_assert_eq!(before, after);
    }
}

/// Several row groups of numbers that are counted up.
fn counted(file: &Path, rows: i32, group: usize, codec: Compression) {
    let numbers: ArrayRef = Arc::new(Int32Array::from_iter_values(0..rows));
    let names: ArrayRef = Arc::new(arrow::array::StringArray::from_iter_values((0..rows).map(|i| format!("row {i}"))));
    let batch = RecordBatch::try_from_iter([("n", numbers), ("name", names)]).unwrap();
    let properties =
        WriterProperties::builder().set_max_row_group_row_count(Some(group)).set_compression(codec).build();
    let mut writer = ArrowWriter::try_new(File::create(file).unwrap(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn numbers(file: &Path) -> Vec<i64> {
    let shown = rntuple(["show", &path_text(file), "--format", "ndjson"]).fine();
    ndjson(&shown).iter().map(|row| row["n"].as_i64().unwrap()).collect()
}

#[test]
fn row_groups_keep_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let [a, root, b] = ["a.parquet", "a.root", "b.parquet"].map(|name| folder.path().join(name));
    counted(&a, 10_000, 700, Compression::SNAPPY);
    for threads in ["1", "2", "7"] {
        convert(&a, &root, &["--threads", threads]).fine();
        assert_eq!(numbers(&root), (0..10_000).collect::<Vec<_>>(), "{threads}");
        convert(&root, &b, &["--threads", threads, "--row-group-rows", "999"]).fine();
        assert_eq!(read_parquet(&a), read_parquet(&b), "{threads}");
        let reader = SerializedFileReader::new(File::open(&b).unwrap()).unwrap();
        assert_eq!(reader.metadata().num_row_groups(), 11);
    }
    for (entries, wanted) in [("650..2150", 650..2150), ("-5..", 9995..10_000), ("..3", 0..3), ("700..1400", 700..1400)]
    {
        convert(&a, &root, &["--entries", entries]).fine();
        assert_eq!(numbers(&root), wanted.collect::<Vec<i64>>(), "{entries}");
    }
    // Over several inputs.
    let [c, d] = ["c.parquet", "d.parquet"].map(|name| folder.path().join(name));
    convert(&a, &c, &["--entries", "..1000"]).fine();
    convert(&a, &d, &["--entries", "1000..1500"]).fine();
    let pattern = path_text(&folder.path().join("[cd].parquet"));
    let text =
        rntuple(["convert", &pattern, &path_text(&root), "--name", "dir/Trips", "--entries", "900..-400"]).fine();
    assert!(text.starts_with("dir/Trips: 200 entries"), "{text}");
    assert_eq!(numbers(&root), (900..1100).collect::<Vec<i64>>());
}

#[test]
fn every_codec_is_read_and_written() {
    let folder = tempfile::tempdir().unwrap();
    let [a, root, b] = ["a.parquet", "a.root", "b.parquet"].map(|name| folder.path().join(name));
    let all = [
        ("none", Compression::UNCOMPRESSED),
        ("snappy", Compression::SNAPPY),
        ("gzip:3", Compression::GZIP(Default::default())),
        ("brotli", Compression::BROTLI(Default::default())),
        ("lz4", Compression::LZ4_RAW),
        ("zstd:7", Compression::ZSTD(Default::default())),
    ];
    for (name, codec) in all {
        counted(&a, 1000, 400, codec);
        convert(&a, &root, &[]).fine();
        convert(&root, &b, &["--compression", name]).fine();
        assert_eq!(read_parquet(&a), read_parquet(&b), "{name}");
        let reader = SerializedFileReader::new(File::open(&b).unwrap()).unwrap();
        let used = reader.metadata().row_group(0).column(0).compression();
        assert_eq!(std::mem::discriminant(&used), std::mem::discriminant(&codec), "{name}");
    }
    let message = convert(&root, &b, &["--compression", "lzma"]).failed(2);
    assert!(message.contains("snappy"), "{message}");
}

#[test]
fn empty_tables_stay_empty() {
    let folder = tempfile::tempdir().unwrap();
    let [a, root, b] = ["a.parquet", "a.root", "b.parquet"].map(|name| folder.path().join(name));
    write_parquet(&a, &small().slice(0, 0));
    let text = convert(&a, &root, &[]).fine();
    assert!(text.starts_with("Events: 0 entries"), "{text}");
    convert(&root, &b, &[]).fine();
    assert_eq!(read_parquet(&b), small().slice(0, 0));
    let options = RecordBatchOptions::new().with_row_count(Some(0));
    let nothing = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &options).unwrap();
    write_parquet(&a, &nothing);
    convert(&a, &root, &[]).fine();
    convert(&root, &b, &[]).fine();
    assert_eq!(read_parquet(&b).schema().fields().len(), 0);
}

#[test]
fn columns_can_be_chosen_and_changed() {
    let folder = tempfile::tempdir().unwrap();
    let [a, root, b] = ["a.parquet", "a.root", "b.parquet"].map(|name| folder.path().join(name));
    write_parquet(&a, &small());
    let names = |file: &Path| -> Vec<String> {
        read_parquet(file).schema().fields().iter().map(|field| field.name().clone()).collect()
    };
    convert(&a, &b, &["--fields", "f*,pickup time"]).fine();
    assert_eq!(names(&b), ["pickup time", "fare"]);
    convert(&a, &b, &["--drop", "s*"]).fine();
    assert_eq!(names(&b), ["pickup time", "fare"]);
    convert(&a, &b, &["--cast", "fare=string", "--cast", "pickup time=Timestamp(ns)"]).fine();
    let cast = read_parquet(&b);
    assert_eq!(cast.schema().field(0).data_type(), &DataType::Timestamp(TimeUnit::Nanosecond, None));
    assert_eq!(cast.column(1).as_string::<i32>().value(1), "2.5");
    for (more, word) in [(["--drop", "z"], "'z'"), (["--fields", "z*"], "z*"), (["--cast", "z=int8"], "'z'")] {
        let message = convert(&a, &b, &more).failed(1);
        assert!(message.contains(word), "{message}");
    }
    // The fields that are kept keep their types.
    convert(&a, &root, &[]).fine();
    convert(&root, &b, &["--fields", "pickup_time,stops"]).fine();
    assert_eq!(read_parquet(&b), small().project(&[0, 2]).unwrap());
}

#[test]
fn what_parquet_cannot_hold_is_named() {
    let Some(vectors) = vectors() else { return };
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("out.parquet");
    let source = vectors.join("variants.root");
    let message = convert(&source, &target, &[]).failed(1);
    assert!(message.contains("--drop") && message.contains("--unions-as-structs"), "{message}");
    let refused = message.split('\'').nth(1).unwrap().to_owned();
    assert!(!target.exists());
    let message = convert(&source, &target, &["--drop", &refused]);
    assert!(message.status == 0 || !message.err.contains(&format!("'{refused}'")), "{}", message.err);
    let numbers = convert(&source, &target, &["--fields", &refused, "--unions-as-structs"]);
    assert_eq!((numbers.status, numbers.err.as_str()), (0, ""));
    assert!(matches!(read_parquet(&target).schema().field(0).data_type(), DataType::Struct(_)));
}

#[test]
fn rntuples_keep_their_cpp_types() {
    let Some(source) = muons() else { return };
    let folder = tempfile::tempdir().unwrap();
    let [parquet, root] = ["a.parquet", "a.root"].map(|name| folder.path().join(name));
    convert(Path::new(&source), &parquet, &[]).fine();
    convert(&parquet, &root, &[]).fine();
    let show = |file: &str| rntuple(["show", file, "--format", "ndjson"]).fine();
    assert_eq!(show(&source), show(&path_text(&root)));
    let types = |file: &str| {
        let ntuple = rntuple_io::Reader::open(file).unwrap().only().unwrap();
        let schema = ntuple.schema().clone();
        assert_eq!(ntuple.attribute_sets(), [""; 0], "what comes from an RNTuple needs no record");
        schema.fields().iter().map(|field| format!("{} {}", field.name, field.type_name)).collect::<Vec<_>>()
    };
    assert_eq!(types(&source), types(&path_text(&root)));
}

#[test]
fn damaged_files_leave_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let [file, target] = ["a.parquet", "out.root"].map(|name| folder.path().join(name));
    write_parquet(&file, &small());
    let whole = fs::read(&file).unwrap();
    for len in (0..whole.len()).step_by(13) {
        fs::write(&file, &whole[..len]).unwrap();
        let message = convert(&file, &target, &[]).failed(1);
        assert!(message.contains("a.parquet"), "{len}: {message}");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "{len}");
    }
    for place in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[place] ^= 0x5a;
        fs::write(&file, &bytes).unwrap();
        let done = convert(&file, &target, &[]);
        assert!(done.status == 0 || (done.status == 1 && done.err.contains("a.parquet")), "{place}: {}", done.err);
        assert_eq!(target.exists(), done.status == 0, "{place}");
        let _ = fs::remove_file(&target);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "{place}");
    }
}

#[test]
fn arrow_types_survive_a_rewrite() {
    let folder = tempfile::tempdir().unwrap();
    let [a, first, second, b] =
        ["a.parquet", "first.root", "second.root", "b.parquet"].map(|name| folder.path().join(name));
    write_parquet(&a, &small());
    convert(&a, &first, &[]).fine();
    convert(&first, &second, &["--entries", "1..", "--compression", "lz4:4", "--fields", "pickup_time,stops"]).fine();
    convert(&second, &b, &[]).fine();
    assert_eq!(read_parquet(&b), small().project(&[0, 2]).unwrap().slice(1, 2));
    // The same numbers, but of another unit.
    convert(&a, &b, &["--cast", "pickup time=Timestamp(ms)"]).fine();
    convert(&b, &second, &[]).fine();
    let out = folder.path().join("out.root");
    let message = rntuple(["convert", &path_text(&first), &path_text(&second), &path_text(&out)]).failed(1);
    assert!(message.contains("second.root") && message.contains("'pickup time'"), "{message}");
    assert!(!out.exists());
    rntuple(["convert", &path_text(&first), &path_text(&first), &path_text(&out)]).fine();
    convert(&out, &b, &[]).fine();
    let twice = read_parquet(&b);
    assert_eq!((twice.slice(0, 3), twice.slice(3, 3)), (small(), small()));
}
