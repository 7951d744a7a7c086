//! What is written is read back; the same data give the same bytes.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::single_range_in_vec_init,
    reason = "small numbers, made into those of all types; and a list of one range of entries"
)]

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float32Array, Int32Array, ListArray, RecordBatch, StringArray, StructArray, UInt32Array,
};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Fields, Int32Type, Schema, SchemaRef};
use rntuple_core::compression::CompressionSettings;
use rntuple_io::storage::{Memory, MemorySink};
use rntuple_io::{Checkpoint, FileWriter, NTuple, ParallelWriter, Reader, WriteOptions, Writer};

/// A batch of nested data: numbers, strings, lists of structs, nullable values.
fn batch(first: i32, rows: i32) -> RecordBatch {
    let ids: ArrayRef = Arc::new(Int32Array::from_iter_values(first..first + rows));
    let names: ArrayRef =
        Arc::new(StringArray::from_iter_values((first..first + rows).map(|i| "x".repeat((i % 5) as usize))));
    let lens = (first..first + rows).map(|i| (i % 4) as usize);
    let offsets = arrow::buffer::OffsetBuffer::<i32>::from_lengths(lens.clone());
    let n: usize = lens.sum();
    let pts: ArrayRef = Arc::new(Float32Array::from_iter_values((0..n).map(|i| i as f32 + first as f32 / 2.0)));
    let charges: ArrayRef = Arc::new(Int32Array::from_iter((0..n as i32).map(|i| (i % 3 != 0).then_some(i - 50))));
    let fields =
        Fields::from(vec![Field::new("pt", DataType::Float32, false), Field::new("charge", DataType::Int32, true)]);
    let muons = StructArray::new(fields.clone(), vec![pts, charges], None);
    let item = Arc::new(Field::new("item", DataType::Struct(fields), false));
    let list: ArrayRef = Arc::new(ListArray::new(item, offsets, Arc::new(muons), None));
    RecordBatch::try_from_iter_with_nullable([("id", ids, false), ("name", names, false), ("muons", list, false)])
        .unwrap()
}

fn read(ntuple: &NTuple) -> RecordBatch {
    let batches = ntuple.scan().open().unwrap();
    let schema = batches.schema();
    let all: Vec<RecordBatch> = batches.map(Result::unwrap).collect();
    concat_batches(&schema, &all).unwrap()
}

/// Same values; names of list items and metadata may differ.
fn assert_same(got: &RecordBatch, want: &RecordBatch) {
    assert_eq!(got.num_rows(), want.num_rows());
    for field in want.schema().fields() {
        let (got, want) = (got.column_by_name(field.name()).unwrap(), want.column_by_name(field.name()).unwrap());
        let got = arrow::compute::cast(got, want.data_type()).unwrap();
        assert_eq!(&got, want, "{}", field.name());
    }
}

fn memory(write: impl FnOnce(&FileWriter)) -> Vec<u8> {
    memory_with(&WriteOptions::default(), write)
}

fn memory_with(options: &WriteOptions, write: impl FnOnce(&FileWriter)) -> Vec<u8> {
    let sink = MemorySink::new();
    let file = FileWriter::to_sink("test.root", Box::new(sink.clone()), options).unwrap();
    write(&file);
    file.finish().unwrap();
    sink.bytes()
}

fn open(bytes: &[u8]) -> Reader {
    Reader::from_source("test.root", Arc::new(Memory::new(bytes.to_vec()))).unwrap()
}

fn verify(ntuple: &NTuple) {
    let report = ntuple.verify(&|_, _| {}).unwrap();
    assert!(report.damage.is_empty(), "{:?}", report.damage);
}

fn small() -> WriteOptions {
    WriteOptions::default().approx_zipped_cluster_size(4000).max_unzipped_page_size(512)
}

#[test]
fn write_and_read() {
    let want = batch(0, 5000);
    for options in [
        WriteOptions::default(),
        small(),
        small().compression(CompressionSettings::NONE),
        small().compression(CompressionSettings::new(404)).page_checksums(false),
        small().max_unzipped_page_size(1 << 20).compression(CompressionSettings::NONE).max_key_size(4096),
        small().small_indexes(true).page_buffer_budget(1),
    ] {
        let bytes = memory(|file| {
            let mut writer = file.ntuple("Events", want.schema(), options.clone()).unwrap();
            writer.append(&want).unwrap();
            let written = writer.finish().unwrap();
            assert_eq!(written.entries, 5000);
        });
        let ntuple = open(&bytes).only().unwrap();
        verify(&ntuple);
        assert_same(&read(&ntuple), &want);
    }
}

#[test]
fn bytes_do_not_depend_on_threads_or_batches() {
    let want = batch(0, 3000);
    let write = |threads: usize, rows: usize| {
        memory(|file| {
            let mut writer = file.ntuple("Events", want.schema(), small().threads(threads)).unwrap();
            for start in (0..want.num_rows()).step_by(rows) {
                writer.append(&want.slice(start, rows.min(want.num_rows() - start))).unwrap();
            }
            assert!(writer.finish().unwrap().clusters > 3);
        })
    };
    let one = write(1, 3000);
    assert_eq!(one, write(2, 3000));
    assert_eq!(one, write(1, 1));
    assert_eq!(one, write(3, 777));
}

#[test]
fn identical_pages_are_stored_once() {
    let column: ArrayRef = Arc::new(Int32Array::from(vec![7; 10_000]));
    let same = RecordBatch::try_from_iter((0..20).map(|i| (format!("c{i}"), Arc::clone(&column)))).unwrap();
    let size = |merging: bool| {
        let options = WriteOptions::default().compression(CompressionSettings::NONE).same_page_merging(merging);
        memory(|file| {
            let mut writer = file.ntuple("Events", same.schema(), options).unwrap();
            writer.append(&same).unwrap();
            writer.finish().unwrap();
        })
        .len()
    };
    assert!(size(true) * 10 < size(false), "{} {}", size(true), size(false));
}

#[test]
fn several_data_sets_and_directories() {
    let (a, b) = (batch(0, 100), batch(1000, 50));
    let bytes = memory(|file| {
        let mut first = file.ntuple("Events", a.schema(), small()).unwrap();
        let mut second = file.ntuple("runs/2026/Events", b.schema(), small()).unwrap();
        first.append(&a).unwrap();
        second.append(&b).unwrap();
        second.finish().unwrap();
        first.finish().unwrap();
        let mut newer = file.ntuple("Events", b.schema(), small()).unwrap();
        newer.append(&b).unwrap();
        newer.finish().unwrap();
    });
    let reader = open(&bytes);
    let mut names: Vec<String> = reader.list().iter().map(ToString::to_string).collect();
    names.sort();
    assert_eq!(names, ["Events", "Events;1", "runs/2026/Events"]);
    assert_same(&read(&reader.ntuple("Events").unwrap()), &b);
    assert_same(&read(&reader.ntuple("Events;1").unwrap()), &a);
    assert_same(&read(&reader.ntuple("runs/2026/Events").unwrap()), &b);
}

#[test]
fn fields_added_while_writing() {
    let want = batch(0, 300);
    let bytes = memory(|file| {
        let mut writer = file.ntuple("Events", want.schema(), small()).unwrap();
        writer.append(&want.slice(0, 100)).unwrap();
        let extra = [
            Field::new("late", DataType::Float32, false),
            Field::new_list("lates", Field::new("item", DataType::UInt32, false), false),
        ];
        writer.extend(extra.clone()).unwrap();
        assert!(writer.append(&want.slice(100, 100)).is_err(), "the new columns are missing");
        let late: ArrayRef = Arc::new(Float32Array::from_iter_values((100..300).map(|i| i as f32)));
        let lens = arrow::buffer::OffsetBuffer::<i32>::from_lengths((0..200).map(|i| i % 3));
        let values: ArrayRef = Arc::new(UInt32Array::from_iter_values(0..*lens.last().unwrap() as u32));
        let DataType::List(item) = extra[1].data_type() else { unreachable!() };
        let lates: ArrayRef = Arc::new(ListArray::new(Arc::clone(item), lens, values, None));
        let fields: Vec<_> =
            want.schema().fields().iter().cloned().chain(extra.iter().cloned().map(Arc::new)).collect();
        let columns: Vec<ArrayRef> = want.slice(100, 200).columns().iter().cloned().chain([late, lates]).collect();
        let rest = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap();
        writer.append(&rest).unwrap();
        assert!(writer.extend([Field::new("late", DataType::Int8, false)]).is_err());
        writer.finish().unwrap();
    });
    let ntuple = open(&bytes).only().unwrap();
    verify(&ntuple);
    let got = read(&ntuple);
    assert_same(&got, &want);
    let late = got.column_by_name("late").unwrap().as_primitive::<arrow::datatypes::Float32Type>();
    assert_eq!((late.value(99), late.value(100), late.value(299)), (0.0, 100.0, 299.0));
    let lates = got.column_by_name("lates").unwrap().as_list::<i32>();
    assert_eq!((lates.value_length(99), lates.value_length(100), lates.value_length(102)), (0, 0, 2));
}

#[test]
fn attribute_sets() {
    let want = batch(0, 100);
    let user: SchemaRef = Arc::new(Schema::new(vec![Field::new("quality", DataType::Int32, false)]));
    let bytes = memory(|file| {
        let mut writer = file.ntuple("Events", want.schema(), small()).unwrap();
        let mut set = writer.attribute_set("runs", &user).unwrap();
        writer.append(&want).unwrap();
        let column: ArrayRef = Arc::new(Int32Array::from(vec![3, 4]));
        let values = RecordBatch::try_new(Arc::clone(&user), vec![column]).unwrap();
        assert!(set.append(&[0..1], &values).is_err(), "one range for two rows");
        set.append(&[0..60, 60..100], &values).unwrap();
        writer.add_attribute_set(set).unwrap();
        let again = writer.attribute_set("runs", &user).unwrap();
        assert!(writer.add_attribute_set(again).is_err(), "the name is taken");
        writer.finish().unwrap();
    });
    let reader = open(&bytes);
    assert_eq!(reader.list().len(), 1);
    let set = reader.only().unwrap().attribute_set("runs").unwrap();
    verify(&set);
    let got = read(&set);
    assert_eq!(got.num_rows(), 2);
    let data = got.column_by_name("_userData").unwrap().as_struct();
    assert_eq!(data.column(0).as_primitive::<Int32Type>().values(), &[3, 4]);
}

#[test]
fn reopened() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.root");
    let want = batch(0, 400);
    let mut writer = Writer::create(&path, "Events", want.schema(), small()).unwrap();
    writer.append(&want.slice(0, 150)).unwrap();
    writer.finish().unwrap();
    let before = std::fs::read(&path).unwrap();

    // Nothing is visible before it is finished.
    let options = small().compression(CompressionSettings::new(101));
    let file = FileWriter::open(&path, &options).unwrap();
    assert!(file.reopen("Nothing", options.clone()).is_err());
    let mut writer = file.reopen("Events", options.clone()).unwrap();
    writer.append(&want.slice(150, 250)).unwrap();
    assert_same(&read(&Reader::open(&path).unwrap().only().unwrap()), &want.slice(0, 150));
    drop((writer, file));
    assert_same(&read(&Reader::open(&path).unwrap().only().unwrap()), &want.slice(0, 150));

    let file = FileWriter::open(&path, &options).unwrap();
    let mut writer = file.reopen("Events", options.clone()).unwrap();
    writer.append(&want.slice(150, 250)).unwrap();
    assert_eq!(writer.finish().unwrap().entries, 400);
    let mut other = file.ntuple("Other", want.schema(), small()).unwrap();
    other.append(&want).unwrap();
    other.finish().unwrap();
    file.finish().unwrap();
    let reader = Reader::open(&path).unwrap();
    for name in ["Events", "Other"] {
        let ntuple = reader.ntuple(name).unwrap();
        verify(&ntuple);
        assert_eq!(ntuple.cluster_group_count(), 1);
        assert_same(&read(&ntuple), &want);
    }
    // What was there is there still, but for the header and the top directory.
    let after = std::fs::read(&path).unwrap();
    assert_eq!(before[300..], after[300..before.len()]);
}

#[test]
fn parallel_and_ordered() {
    let want = batch(0, 4000);
    let write = |path: &std::path::Path, ordered: bool, reverse: bool| {
        let writer = ParallelWriter::create(path, "Events", want.schema(), small().ordered(ordered)).unwrap();
        let mut contexts: Vec<_> = (0..4).map(|i| (i, writer.context().unwrap())).collect();
        if reverse {
            contexts.reverse();
        }
        std::thread::scope(|scope| {
            for (i, mut context) in contexts {
                let part = want.slice(i * 1000, 1000);
                let run = move || {
                    for start in (0..1000).step_by(100) {
                        context.append(&part.slice(start, 100)).unwrap();
                    }
                    context.finish().unwrap();
                };
                if reverse { run() } else { drop(scope.spawn(run)) }
            }
        });
        assert_eq!(writer.finish().unwrap().entries, 4000);
    };
    let directory = tempfile::tempdir().unwrap();
    let (a, b, c) = (directory.path().join("x"), directory.path().join("y"), directory.path().join("z"));
    write(&a, true, false);
    let got = read(&Reader::open(&a).unwrap().only().unwrap());
    assert_same(&got, &want);
    std::fs::rename(&a, &b).unwrap();
    write(&a, true, true);
    assert!(std::fs::read(&a).unwrap() == std::fs::read(&b).unwrap(), "the order of work shows in the bytes");
    write(&c, false, false);
    let ntuple = Reader::open(&c).unwrap().only().unwrap();
    verify(&ntuple);
    let mut ids: Vec<i32> = read(&ntuple).column(0).as_primitive::<Int32Type>().values().to_vec();
    ids.sort_unstable();
    assert!(ids.into_iter().eq(0..4000));
}

#[test]
fn unfinished_contexts_are_errors() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.root");
    let want = batch(0, 10);
    let writer = ParallelWriter::create(&path, "Events", want.schema(), small()).unwrap();
    let mut context = writer.context().unwrap();
    context.append(&want).unwrap();
    drop(context);
    assert!(writer.finish().unwrap_err().to_string().contains("10 entries unwritten"));
    assert!(!path.exists());
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "a temporary file was left");
}

#[test]
fn checkpoints_are_complete_files() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.root");
    let want = batch(0, 1000);
    let options = small().checkpoint(Checkpoint::Clusters(2));
    let mut writer = Writer::create(&path, "Events", want.schema(), options).unwrap();
    let mut seen = 0;
    for start in (0..1000).step_by(50) {
        writer.append(&want.slice(start, 50)).unwrap();
        if writer.clusters() >= 2 {
            let ntuple = Reader::open(&path).unwrap().only().unwrap();
            verify(&ntuple);
            assert_eq!(ntuple.cluster_count(), writer.clusters() / 2 * 2);
            assert!(ntuple.entries() >= seen);
            seen = ntuple.entries();
            assert_same(&read(&ntuple), &want.slice(0, seen as usize));
        }
    }
    assert!(seen > 300);
    writer.checkpoint().unwrap();
    assert_eq!(Reader::open(&path).unwrap().only().unwrap().entries(), 1000);
    writer.finish().unwrap();
    let ntuple = Reader::open(&path).unwrap().only().unwrap();
    assert_eq!(ntuple.cluster_group_count(), 1);
    assert_same(&read(&ntuple), &want);
}

#[test]
fn a_refused_batch_leaves_the_writer_as_it_was() {
    let want = batch(0, 10);
    let null: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None]));
    let bytes = memory(|file| {
        let schema = Arc::new(Schema::new(vec![Field::new("id", DataType::Int32, false)]));
        let options = small();
        let mut writer = file.ntuple("Events", schema, options).unwrap();
        let nulls = RecordBatch::try_from_iter_with_nullable([("id", null, true)]).unwrap();
        let message = writer.append(&nulls).unwrap_err().to_string();
        assert!(message.contains("field 'id', entry 1"), "{message}");
        let renamed = RecordBatch::try_from_iter([("di", Arc::clone(want.column(0)))]).unwrap();
        assert!(writer.append(&renamed).unwrap_err().to_string().contains("'id'"));
        writer.append(&want.project(&[0]).unwrap()).unwrap();
        writer.finish().unwrap();
    });
    assert_eq!(read(&open(&bytes).only().unwrap()).num_rows(), 10);
}

#[test]
fn values_out_of_range_are_errors() {
    let column: ArrayRef = Arc::new(Float32Array::from(vec![0.5, 1.5]));
    let batch = RecordBatch::try_from_iter([("x", column)]).unwrap();
    let bytes = memory(|file| {
        let options = small().encoding("x", "Real32Quant(8;0;1)".parse().unwrap());
        let mut writer = file.ntuple("Events", batch.schema(), options).unwrap();
        let message = writer.append(&batch).unwrap_err().to_string();
        assert!(message.contains("'x'") && message.contains("1.5") && message.contains("0 to 1"), "{message}");
        writer.append(&batch.slice(0, 1)).unwrap();
        writer.finish().unwrap();
        let wrong = small().encoding("y*", "Real16".parse().unwrap());
        let message = file.ntuple("Other", batch.schema(), wrong).unwrap_err().to_string();
        assert!(message.contains("y*"), "{message}");
    });
    let got = read(&open(&bytes).only().unwrap());
    let x = got.column(0).as_primitive::<arrow::datatypes::Float32Type>().value(0);
    assert!((x - 0.5).abs() < 1.0 / 255.0);
}

#[test]
fn empty() {
    let bytes = memory(|file| {
        file.ntuple("Events", batch(0, 1).schema(), small()).unwrap().finish().unwrap();
        file.ntuple("Nothing", Arc::new(Schema::empty()), small()).unwrap().finish().unwrap();
    });
    let reader = open(&bytes);
    assert_eq!(reader.ntuple("Events").unwrap().entries(), 0);
    assert_eq!(reader.ntuple("Events").unwrap().cluster_group_count(), 0);
    assert_eq!(read(&reader.ntuple("Nothing").unwrap()).num_columns(), 0);
}

mod rows {
    use std::collections::BTreeMap;

    use rntuple_io::{ParallelWriter, Reader, Row, WriteOptions, Writer};

    #[derive(Debug, Clone, PartialEq, Row)]
    struct Hit {
        x: f32,
        layers: Vec<u8>,
    }

    #[derive(Debug, Clone, Copy, PartialEq, Row)]
    enum Quality {
        Bad,
        Good = 5,
    }

    #[derive(Debug, Clone, PartialEq, Row)]
    enum Found {
        Hit(Hit),
        Energy(f64),
    }

    #[derive(Debug, Clone, PartialEq, Row)]
    struct Event {
        id: u64,
        name: String,
        hits: Vec<Hit>,
        best: Option<Hit>,
        quality: Quality,
        found: Vec<Found>,
        momentum: [f32; 3],
        counts: BTreeMap<String, i16>,
        pair: (i32, Option<String>),
    }

    fn event(i: u64) -> Event {
        let hit = |n: u64| Hit { x: n as f32 / 4.0, layers: (0..n as u8 % 5).collect() };
        Event {
            id: i,
            name: format!("event {i}"),
            hits: (0..i % 4).map(hit).collect(),
            best: i.is_multiple_of(3).then(|| hit(i)),
            quality: if i.is_multiple_of(2) { Quality::Good } else { Quality::Bad },
            found: (0..i % 3).map(|n| if n == 1 { Found::Energy(i as f64) } else { Found::Hit(hit(n)) }).collect(),
            momentum: [i as f32, 0.5, -1.0],
            counts: (0..i % 3).map(|n| (format!("k{n}"), n as i16)).collect(),
            pair: (i as i32, i.is_multiple_of(5).then(|| "x".to_owned())),
        }
    }

    #[test]
    fn written_and_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("events.root");
        let mut writer = Writer::create(&path, "Events", Event::schema(), super::small()).unwrap();
        for i in 0..40_000 {
            writer.append_row(&event(i)).unwrap();
            assert_eq!(writer.entries(), i + 1);
        }
        writer.finish().unwrap();
        let ntuple = Reader::open(&path).unwrap().only().unwrap();
        super::verify(&ntuple);
        let rows = ntuple.scan().rows::<Event>().unwrap();
        let mut n = 0;
        for row in rows {
            assert_eq!(row.unwrap(), event(n));
            n += 1;
        }
        assert_eq!(n, 40_000);
        let last = ntuple.scan().entries(-1..).rows::<Event>().unwrap().next().unwrap().unwrap();
        assert_eq!(last, event(39_999));
    }

    #[test]
    fn other_types() {
        #[derive(Debug, Row)]
        struct Less {
            #[rntuple(rename = "id")]
            number: i32,
            #[rntuple(default)]
            missing: u8,
            absent: Option<f32>,
        }
        #[derive(Debug, Row)]
        struct Wrong {
            name: f32,
        }
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("events.root");
        let writer = ParallelWriter::create(&path, "Events", Event::schema(), WriteOptions::default()).unwrap();
        let mut context = writer.context().unwrap();
        for i in 0..10 {
            context.append_row(&event(i)).unwrap();
        }
        context.finish().unwrap();
        writer.finish().unwrap();
        let ntuple = Reader::open(&path).unwrap().only().unwrap();
        let less: Vec<Less> = ntuple.scan().rows::<Less>().unwrap().map(Result::unwrap).collect();
        assert_eq!((less[9].number, less[9].missing, less[9].absent), (9, 0, None));
        let message = ntuple.scan().rows::<Wrong>().unwrap_err().to_string();
        assert!(message.contains("'name'") && message.contains("std::string") && message.contains("f32"), "{message}");
    }
}
