//! What must not go wrong when writing: entries that get lost, files that change although nothing was written to them,
//! values that end up in another place.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float32Array, Int32Array, ListArray, RecordBatch, StringArray, StructArray, UnionArray,
};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Fields, Float32Type, Int32Type, Schema, SchemaRef, UnionFields};
use rntuple_core::compression::CompressionSettings;
use rntuple_io::storage::{ByteSink, Memory, MemorySink, NewFile};
use rntuple_io::{Checkpoint, FileWriter, NTuple, ParallelWriter, Reader, Row, WriteOptions, Writer};

use crate::support::vectors;

fn ids(range: std::ops::Range<i32>) -> RecordBatch {
    let column: ArrayRef = Arc::new(Int32Array::from_iter_values(range));
    RecordBatch::try_from_iter([("id", column)]).unwrap()
}

fn small() -> WriteOptions {
    WriteOptions::default().approx_zipped_cluster_size(1000).max_unzipped_page_size(512)
}

fn read(ntuple: &NTuple) -> RecordBatch {
    let report = ntuple.verify(&|_, _| {}).unwrap();
    assert!(report.damage.is_empty(), "{:?}", report.damage);
    let batches = ntuple.scan().open().unwrap();
    let schema = batches.schema();
    let all: Vec<RecordBatch> = batches.map(Result::unwrap).collect();
    concat_batches(&schema, &all).unwrap()
}

fn id_column(batch: &RecordBatch) -> Vec<i32> {
    batch.column_by_name("id").unwrap().as_primitive::<Int32Type>().values().to_vec()
}

fn memory(write: impl FnOnce(&FileWriter)) -> Vec<u8> {
    let sink = MemorySink::new();
    let file = FileWriter::to_sink("test.root", Box::new(sink.clone()), &WriteOptions::default()).unwrap();
    write(&file);
    file.finish().unwrap();
    sink.bytes()
}

fn open(bytes: &[u8]) -> Reader {
    Reader::from_source("test.root", Arc::new(Memory::new(bytes.to_vec()))).unwrap()
}

fn write_ids(path: &Path, rows: i32) {
    let batch = ids(0..rows);
    let mut writer = Writer::create(path, "Events", batch.schema(), small()).unwrap();
    writer.append(&batch).unwrap();
    writer.finish().unwrap();
}

#[test]
fn two_writers_of_one_name_are_two_cycles() {
    let bytes = memory(|file| {
        let mut a = file.ntuple("Events", ids(0..0).schema(), small()).unwrap();
        let mut b = file.ntuple("Events", ids(0..0).schema(), small()).unwrap();
        a.append(&ids(0..3)).unwrap();
        b.append(&ids(10..15)).unwrap();
        b.finish().unwrap();
        a.finish().unwrap();
    });
    let reader = open(&bytes);
    // In the order of the key list, of which ROOT takes the first that fits.
    let names: Vec<String> = reader.list().iter().map(ToString::to_string).collect();
    assert_eq!(names, ["Events", "Events;1"]);
    assert_eq!(id_column(&read(&reader.ntuple("Events").unwrap())), [10, 11, 12, 13, 14]);
    assert_eq!(id_column(&read(&reader.ntuple("Events;1").unwrap())), [0, 1, 2]);
}

#[test]
fn continuing_a_data_set_twice_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.root");
    write_ids(&path, 5);
    let file = FileWriter::open(&path, &small()).unwrap();
    let mut a = file.reopen("Events", small()).unwrap();
    assert!(file.reopen("Events", small()).is_err(), "two at once");
    a.append(&ids(5..7)).unwrap();
    a.finish().unwrap();
    // What it added is not committed yet, so it would be lost.
    assert!(file.reopen("Events", small()).is_err(), "one after the other");
    file.finish().unwrap();
    assert_eq!(id_column(&read(&Reader::open(&path).unwrap().only().unwrap())), (0..7).collect::<Vec<_>>());
}

#[test]
fn a_new_cycle_is_not_taken_for_the_one_to_continue() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.root");
    write_ids(&path, 5);
    let file = FileWriter::open(&path, &small()).unwrap();
    let mut new = file.ntuple("Events", ids(0..0).schema(), small()).unwrap();
    new.append(&ids(100..103)).unwrap();
    new.finish().unwrap();
    if let Ok(mut old) = file.reopen("Events", small()) {
        old.append(&ids(5..7)).unwrap();
        old.finish().unwrap();
    }
    file.finish().unwrap();
    let reader = Reader::open(&path).unwrap();
    assert_eq!(id_column(&read(&reader.ntuple("Events;2").unwrap())), [100, 101, 102]);
    assert_eq!(id_column(&read(&reader.ntuple("Events;1").unwrap()))[..5], [0, 1, 2, 3, 4]);
}

#[test]
fn encodings_of_options_do_not_hinder_an_extension() {
    let bytes = memory(|file| {
        let options =
            small().encoding("id", "Int32".parse().unwrap()).field_compression("id", CompressionSettings::new(101));
        let mut writer = file.ntuple("Events", ids(0..0).schema(), options).unwrap();
        writer.append(&ids(0..3)).unwrap();
        writer.extend([Field::new("late", DataType::Float32, false)]).unwrap();
        writer.finish().unwrap();
    });
    assert_eq!(id_column(&read(&open(&bytes).only().unwrap())), [0, 1, 2]);
}

fn pairs(names: [&str; 2], values: [i32; 2]) -> RecordBatch {
    let fields: Fields = names.map(|name| Field::new(name, DataType::Int32, false)).into_iter().collect();
    let columns = values.map(|value| Arc::new(Int32Array::from(vec![value])) as ArrayRef).to_vec();
    let column: ArrayRef = Arc::new(StructArray::new(fields, columns, None));
    RecordBatch::try_from_iter([("pair", column)]).unwrap()
}

#[test]
fn members_in_another_order_are_not_mixed_up() {
    let bytes = memory(|file| {
        let mut writer = file.ntuple("Events", pairs(["a", "b"], [0, 0]).schema(), small()).unwrap();
        writer.append(&pairs(["a", "b"], [1, 2])).unwrap();
        assert!(writer.append(&pairs(["b", "a"], [4, 3])).is_err(), "members in another order");
        assert!(writer.append(&pairs(["a", "c"], [4, 3])).is_err(), "another member");
        writer.append(&pairs(["a", "b"], [3, 4])).unwrap();
        writer.finish().unwrap();
    });
    let got = read(&open(&bytes).only().unwrap());
    let a = got.column(0).as_struct().column_by_name("a").unwrap();
    assert_eq!(a.as_primitive::<Int32Type>().values(), &[1, 3]);
}

fn union(ids: [i8; 2]) -> RecordBatch {
    let field = |id: i8| Arc::new(Field::new(format!("v{id}"), DataType::Int32, false));
    let fields: UnionFields = ids.into_iter().map(|id| (id, field(id))).collect();
    let children = ids.map(|id| Arc::new(Int32Array::from(vec![i32::from(id) * 10])) as ArrayRef).to_vec();
    let tags = ScalarBuffer::from(vec![0_i8, 1]);
    let array: ArrayRef = Arc::new(UnionArray::try_new(fields, tags, Some(vec![0, 0].into()), children).unwrap());
    let field = Field::new("choice", array.data_type().clone(), false);
    RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![array]).unwrap()
}

#[test]
fn alternatives_in_another_order_are_not_mixed_up() {
    let bytes = memory(|file| {
        let mut writer = file.ntuple("Events", union([0, 1]).schema(), small()).unwrap();
        writer.append(&union([0, 1])).unwrap();
        assert!(writer.append(&union([1, 0])).is_err(), "alternatives in another order");
        writer.finish().unwrap();
    });
    assert_eq!(open(&bytes).only().unwrap().entries(), 2);
}

#[test]
fn names_of_items_may_differ() {
    let list = |name: &str| {
        let item = Arc::new(Field::new(name, DataType::Int32, false));
        let values: ArrayRef = Arc::new(Int32Array::from(vec![1, 2]));
        let list: ArrayRef = Arc::new(ListArray::new(item, OffsetBuffer::from_lengths([2]), values, None));
        RecordBatch::try_from_iter([("list", list)]).unwrap()
    };
    let bytes = memory(|file| {
        let mut writer = file.ntuple("Events", list("item").schema(), small()).unwrap();
        writer.append(&list("element")).unwrap();
        writer.finish().unwrap();
    });
    assert_eq!(open(&bytes).only().unwrap().entries(), 1);
}

#[derive(Debug, Row)]
struct Narrow {
    #[rntuple(encoding = "Real32Quant(8;0;1)")]
    x: f32,
}

#[test]
fn rows_that_were_accepted_are_not_lost_without_notice() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.root");
    let mut writer = Writer::create(&path, "Events", Narrow::schema(), small()).unwrap();
    for i in 0..10 {
        writer.append_row(&Narrow { x: if i == 5 { 7.0 } else { 0.5 } }).unwrap();
    }
    assert!(writer.flush_cluster().is_err());
    // The nine others are gone: that must not be forgotten.
    assert!(writer.append_row(&Narrow { x: 0.5 }).and_then(|()| writer.finish()).is_err());
    assert!(!path.exists());
}

#[test]
fn rows_end_with_the_first_error() {
    #[derive(Debug, Row)]
    enum Flag {
        Off,
        On,
    }
    #[derive(Debug, Row)]
    struct Flags {
        flag: Flag,
    }
    let column: ArrayRef = Arc::new(Int32Array::from(vec![0, 9, 1]));
    let field = Flags::schema().field(0).clone();
    let column = arrow::compute::cast(&column, field.data_type()).unwrap();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![column]).unwrap();
    let bytes = memory(|file| {
        let mut writer = file.ntuple("Events", batch.schema(), small()).unwrap();
        writer.append(&batch).unwrap();
        writer.finish().unwrap();
    });
    let rows: Vec<_> = open(&bytes).only().unwrap().scan().rows::<Flags>().unwrap().map(|row| row.is_ok()).collect();
    assert_eq!(rows, [true, false]);
}

#[test]
fn a_schema_that_cannot_be_written_destroys_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.root");
    write_ids(&path, 5);
    let bad: SchemaRef = Arc::new(Schema::new(vec![Field::new("a.b", DataType::Int32, false)]));
    let options = small().checkpoint(Checkpoint::Clusters(1));
    assert!(Writer::create(&path, "Events", Arc::clone(&bad), options.clone()).is_err());
    assert_eq!(Reader::open(&path).unwrap().only().unwrap().entries(), 5);
    assert!(ParallelWriter::create(&path, "Events", bad, options.clone()).is_err());
    assert!(Writer::create(&path, "Ev ents", ids(0..0).schema(), options).is_err());
    assert_eq!(Reader::open(&path).unwrap().only().unwrap().entries(), 5);
}

#[test]
fn leftovers_of_a_killed_process_are_no_obstacle() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.root");
    let first = NewFile::create(&path).unwrap();
    let name = std::fs::read_dir(directory.path()).unwrap().next().unwrap().unwrap().file_name();
    let name = name.into_string().unwrap();
    let number: u64 = name.trim_end_matches(".part").rsplit('-').next().unwrap().parse().unwrap();
    drop(first);
    for n in number..number + 200 {
        let stale = name.replace(&format!("-{number}.part"), &format!("-{n}.part"));
        std::fs::write(directory.path().join(stale), "stale").unwrap();
    }
    let mut file: Box<dyn ByteSink> = Box::new(NewFile::create(&path).unwrap());
    file.write_at(0, b"new").unwrap();
    file.finish().unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"new");
}

#[test]
fn names_of_directories_and_data_sets_do_not_hide_each_other() {
    memory(|file| {
        file.ntuple("dir/Events", ids(0..0).schema(), small()).unwrap().finish().unwrap();
        assert!(file.ntuple("dir", ids(0..0).schema(), small()).is_err(), "hides a directory");
        file.ntuple("Events", ids(0..0).schema(), small()).unwrap().finish().unwrap();
        assert!(file.ntuple("Events/x", ids(0..0).schema(), small()).is_err(), "hides a data set");
        assert!(file.ntuple("d;1/x", ids(0..0).schema(), small()).is_err());
    });
}

fn patched(path: &Path, at: usize, bytes: &[u8]) {
    let mut content = std::fs::read(path).unwrap();
    content[at..at + bytes.len()].copy_from_slice(bytes);
    std::fs::write(path, content).unwrap();
}

#[test]
fn a_file_that_claims_to_be_longer_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.root");
    // The big layout has 64-bit numbers.
    let content = std::fs::read(vectors().join("big_header.root")).unwrap();
    let big = content[4..8] >= 1_000_000_u32.to_be_bytes()[..];
    assert!(big);
    std::fs::write(&path, &content).unwrap();
    FileWriter::open(&path, &small()).unwrap();
    for end in [u64::MAX, u64::MAX - 50, content.len() as u64 + 1] {
        patched(&path, 12, &end.to_be_bytes());
        assert!(FileWriter::open(&path, &small()).is_err(), "{end}");
    }
}

#[test]
fn damaged_files_do_not_panic() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.root");
    let content = std::fs::read(vectors().join("directories.root")).unwrap();
    let mut random = 1_u64;
    for _ in 0..400 {
        let mut damaged = content.clone();
        for _ in 0..3 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let at = (random >> 33) as usize % damaged.len();
            damaged[at] = if random & 1 == 0 { 0xff } else { random.to_le_bytes()[1] };
        }
        std::fs::write(&path, &damaged).unwrap();
        let Ok(file) = FileWriter::open(&path, &small()) else { continue };
        for name in ["top", "a/events", "a/b/events"] {
            if let Ok(writer) = file.reopen(name, small()) {
                drop(writer.finish());
            }
        }
        drop(file.ntuple("a/b/new", ids(0..0).schema(), small()).map(Writer::finish));
        drop(file.finish());
    }
}

/// Reopens a copy of a golden file and adds its own entries once more.
fn twice(name: &str, path: &str) {
    let directory = tempfile::tempdir().unwrap();
    let copy = directory.path().join("copy.root");
    std::fs::copy(vectors().join(name), &copy).unwrap();
    let batch = {
        let ntuple = Reader::open(&copy).unwrap().ntuple(path).unwrap();
        let batches = ntuple.scan().open().unwrap();
        let schema = batches.schema();
        concat_batches(&schema, &batches.map(Result::unwrap).collect::<Vec<_>>()).unwrap()
    };
    let file = FileWriter::open(&copy, &small()).unwrap();
    let mut writer = file.reopen(path, small()).unwrap_or_else(|e| panic!("{name}: {e}"));
    writer.append(&batch).unwrap_or_else(|e| panic!("{name}: {e}"));
    writer.finish().unwrap_or_else(|e| panic!("{name}: {e}"));
    file.finish().unwrap_or_else(|e| panic!("{name}: {e}"));
    let got = read(&Reader::open(&copy).unwrap().ntuple(path).unwrap());
    let want = concat_batches(&batch.schema(), [&batch, &batch]).unwrap();
    assert_eq!(got.num_rows(), want.num_rows(), "{name}");
    for (got, want) in got.columns().iter().zip(want.columns()) {
        assert!(got == want, "{name}: {got:?} {want:?}");
    }
}

#[test]
fn golden_files_can_be_continued() {
    let mut done = 0;
    for set in crate::support::sets().iter().filter(|set| set.is_small() && set.file != "strings.root") {
        // Fields of unknown types, or files that are shorter than they say.
        let directory = tempfile::tempdir().unwrap();
        let copy = directory.path().join("copy.root");
        std::fs::copy(vectors().join(&set.file), &copy).unwrap();
        let Ok(file) = FileWriter::open(&copy, &small()) else {
            eprintln!("{}: cannot be opened", set.name());
            continue;
        };
        if let Err(error) = file.reopen(&set.path, small()) {
            eprintln!("{}: {error}", set.name());
            continue;
        }
        twice(&set.file, &set.path);
        done += 1;
    }
    assert!(done > 60, "{done}");
}

#[test]
fn late_fields_of_all_kinds() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.root");
    let item = |t: DataType| Arc::new(Field::new("item", t, false));
    let kinds = [
        Field::new("text", DataType::Utf8, false),
        Field::new("maybe", DataType::Float32, true),
        Field::new("three", DataType::FixedSizeList(item(DataType::Float32), 3), false),
        Field::new("none", DataType::FixedSizeList(item(DataType::Float32), 0), false),
        Field::new("nested", DataType::FixedSizeList(item(DataType::FixedSizeList(item(DataType::Utf8), 2)), 2), false),
    ];
    let full = |range: std::ops::Range<i32>, n: usize| {
        let rows = range.len();
        let mut fields: Vec<Field> = vec![Field::new("id", DataType::Int32, false)];
        let mut columns: Vec<ArrayRef> = vec![Arc::new(Int32Array::from_iter_values(range.clone()))];
        for kind in kinds.iter().take(n) {
            fields.push(kind.clone());
            let floats =
                |n: usize| Arc::new(Float32Array::from_iter_values((0..n).map(|i| i as f32 + 1.0))) as ArrayRef;
            let texts =
                |n: usize| Arc::new(StringArray::from_iter_values((0..n).map(|i| "y".repeat(1 + i % 3)))) as ArrayRef;
            let fixed = |t: &DataType, values: ArrayRef| {
                let DataType::FixedSizeList(item, n) = t else { unreachable!() };
                let list = arrow::array::FixedSizeListArray::try_new_with_length(Arc::clone(item), *n, values, None, {
                    rows * if *n == 2 && item.data_type() == &DataType::Utf8 { 2 } else { 1 }
                });
                Arc::new(list.unwrap()) as ArrayRef
            };
            columns.push(match kind.name().as_str() {
                "text" => texts(rows),
                "maybe" => Arc::new(Float32Array::from_iter(range.clone().map(|i| (i % 2 == 0).then_some(i as f32)))),
                "three" => fixed(kind.data_type(), floats(3 * rows)),
                "none" => fixed(kind.data_type(), floats(0)),
                _ => {
                    let DataType::FixedSizeList(inner, _) = kind.data_type() else { unreachable!() };
                    fixed(kind.data_type(), fixed(inner.data_type(), texts(4 * rows)))
                }
            });
        }
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
    };
    // One before the first entry, two while writing, the others in a file that was finished and is opened again.
    let mut writer = Writer::create(&path, "Events", ids(0..0).schema(), small()).unwrap();
    writer.extend([kinds[0].clone()]).unwrap();
    writer.append(&full(0..10, 1)).unwrap();
    writer.extend([kinds[1].clone()]).unwrap();
    writer.append(&full(10..20, 2)).unwrap();
    writer.extend([kinds[2].clone()]).unwrap();
    writer.append(&full(20..30, 3)).unwrap();
    writer.finish().unwrap();
    let options = small().checkpoint(Checkpoint::Clusters(1));
    let file = FileWriter::open(&path, &options).unwrap();
    let mut writer = file.reopen("Events", options).unwrap();
    writer.extend([kinds[3].clone(), kinds[4].clone()]).unwrap();
    writer.append(&full(30..40, 5)).unwrap();
    writer.finish().unwrap();
    file.finish().unwrap();
    let got = read(&Reader::open(&path).unwrap().only().unwrap());
    assert_eq!(id_column(&got), (0..40).collect::<Vec<_>>());
    assert_eq!(got.column_by_name("text").unwrap().as_string::<i32>().value(9), "y");
    let maybe = got.column_by_name("maybe").unwrap();
    assert_eq!((maybe.is_null(9), maybe.is_null(10), maybe.is_null(11)), (true, false, true));
    let three = got.column_by_name("three").unwrap().as_fixed_size_list();
    let values = three.values().as_primitive::<Float32Type>();
    assert_eq!((values.value(59), values.value(60), values.value(119)), (0.0, 1.0, 30.0));
    let nested = got.column_by_name("nested").unwrap().as_fixed_size_list().values().clone();
    let texts = nested.as_fixed_size_list().values().clone();
    assert_eq!((texts.as_string::<i32>().value(119), texts.as_string::<i32>().value(121)), ("", "yy"));
}

#[test]
fn a_context_that_fails_spoils_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.root");
    let writer = ParallelWriter::create(&path, "Events", Narrow::schema(), small()).unwrap();
    let mut context = writer.context().unwrap();
    context.append_row(&Narrow { x: 0.5 }).unwrap();
    context.append_row(&Narrow { x: 5.0 }).unwrap();
    assert!(context.flush_cluster().is_err());
    drop(context.finish());
    assert!(writer.finish().is_err());
    assert!(!path.exists());
}
