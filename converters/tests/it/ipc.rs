//! Arrow IPC to RNTuple and back.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, Decimal128Array, FixedSizeBinaryArray, FixedSizeListArray, LargeStringArray, RecordBatch,
    StructArray, UnionArray,
};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Fields, UnionFields, UnionMode};
use arrow::util::display::array_value_to_string;
use proptest::prelude::*;

use crate::support::{path_text, rntuple};
use crate::tables::{any_table, read_ipc, small, write_ipc};

/// A table as it is in a file, and as it comes back from `a.root`.
fn there_and_back(folder: &Path, table: &RecordBatch) -> (RecordBatch, RecordBatch) {
    let [a, root, b] = ["a.arrow", "a.root", "b.arrow"].map(|name| folder.join(name));
    write_ipc(&a, table);
    rntuple(["convert", &path_text(&a), &path_text(&root)]).fine();
    rntuple(["verify", &path_text(&root)]).fine();
    rntuple(["convert", &path_text(&root), &path_text(&b)]).fine();
    let (before, after) = (read_ipc(&a), read_ipc(&b));
    assert_eq!(before.schema(), after.schema());
    (before, after)
}

fn comes_back(table: &RecordBatch) {
    let folder = tempfile::tempdir().unwrap();
    let (before, after) = there_and_back(folder.path(), table);
    assert_eq!(&before, &after);
    // The same as a stream.
    let [root, stream, b] = ["a.root", "c.arrows", "b.arrow"].map(|name| folder.path().join(name));
    rntuple(["convert", &path_text(&root), &path_text(&stream)]).fine();
    rntuple(["convert", &path_text(&stream), &path_text(&b)]).fine();
    let after = read_ipc(&b);
    assert_eq!(before.schema(), after.schema());
    assert_eq!(before, after);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_table_comes_back(seed in any::<u64>()) {
        comes_back(&any_table(seed, false));
    }
}

/// A union has no null of its own: what it holds below one is made up when it is read.
#[test]
fn unions_below_nulls() {
    let alternatives = [
        Field::new("number", DataType::Decimal128(30, 2), false),
        Field::new("text", DataType::LargeUtf8, false),
        Field::new("pair", DataType::FixedSizeBinary(2), true),
    ];
    let fields = UnionFields::try_new([1, 4, 9], alternatives).unwrap();
    let numbers: ArrayRef = Arc::new(Decimal128Array::from(vec![1, 2, 3, 4]).with_precision_and_scale(30, 2).unwrap());
    let texts: ArrayRef = Arc::new(LargeStringArray::from(vec!["a", "b", "c", "d"]));
    let pairs: ArrayRef =
        Arc::new(FixedSizeBinaryArray::try_from_iter([b"ab", b"cd", b"ef", b"gh"].into_iter()).unwrap());
    let ids = |ids: [i8; 4]| ScalarBuffer::from(ids.to_vec());
    for ids in [ids([4, 1, 9, 4]), ids([1, 1, 1, 1]), ids([9, 9, 4, 9])] {
        for dense in [true, false] {
            let mode = if dense { UnionMode::Dense } else { UnionMode::Sparse };
            let offsets = dense.then(|| ScalarBuffer::from(vec![0, 1, 2, 3]));
            let children = [&numbers, &texts, &pairs].map(Arc::clone).to_vec();
            let union: ArrayRef =
                Arc::new(UnionArray::try_new(fields.clone(), ids.clone(), offsets, children).unwrap());
            let inner = Fields::from(vec![Field::new("union", DataType::Union(fields.clone(), mode), false)]);
            for valid in [[true, false, true, false], [false, false, true, true], [false; 4], [true; 4]] {
                let nulls = Some(NullBuffer::from(valid.to_vec()));
                let record = StructArray::try_new(inner.clone(), vec![Arc::clone(&union)], nulls).unwrap();
                let nested = Fields::from(vec![Field::new("record", record.data_type().clone(), true)]);
                let twice = StructArray::try_new(nested, vec![Arc::new(record.clone())], None).unwrap();
                let item = Arc::new(Field::new("item", twice.data_type().clone(), false));
                let nulls = Some(NullBuffer::from(vec![valid[0], valid[2]]));
                let pairs = FixedSizeListArray::try_new(item, 2, Arc::new(twice.clone()), nulls).unwrap();
                let columns: [(ArrayRef, bool); 3] =
                    [(Arc::new(record), true), (Arc::new(twice), false), (Arc::new(pairs), true)];
                for (column, nullable) in columns {
                    let table = RecordBatch::try_from_iter_with_nullable([("x", column, nullable)]).unwrap();
                    let folder = tempfile::tempdir().unwrap();
                    let (before, after) = there_and_back(folder.path(), &table);
                    // Arrow compares sparse unions with what they do not show.
                    let row = |batch: &RecordBatch, row| {
                        let columns = batch.columns().iter();
                        columns.map(|column| array_value_to_string(column, row).unwrap()).collect::<Vec<_>>()
                    };
                    let rows = |batch: &RecordBatch| (0..batch.num_rows()).map(|i| row(batch, i)).collect::<Vec<_>>();
                    assert_eq!(rows(&before), rows(&after));
                }
            }
        }
    }
}

/// Once found among random tables.
#[test]
fn tables_that_did_not_come_back() {
    comes_back(&any_table(7_385_684_957_594_834_603, false));
}

#[test]
fn files_and_streams_go_through_pipes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.arrow");
    write_ipc(&file, &small());
    let convert = |args: &[&str], input: &Path| {
        let input = fs::File::open(input).unwrap();
        let binary = env!("CARGO_BIN_EXE_rntuple");
        let mut command = Command::new(binary);
        let done = command.arg("convert").args(args).current_dir(&folder).stdin(Stdio::from(input)).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        done.stdout
    };
    // A file comes in, a stream goes out, and comes in again.
    let stream = convert(&["-", "-", "--from", "arrow", "--to", "arrow", "-c", "zstd"], &file);
    fs::write(folder.path().join("b.arrows"), &stream).unwrap();
    let root = convert(&["-", "-", "--from", "arrow", "--to", "rntuple"], &folder.path().join("b.arrows"));
    fs::write(folder.path().join("c.root"), root).unwrap();
    assert_eq!(
        convert(&["-", "d.feather", "--from", "rntuple", "-c", "lz4", "-q"], &folder.path().join("c.root")),
        b""
    );
    assert_eq!(read_ipc(&folder.path().join("d.feather")), small());
}

#[test]
fn damaged_files_leave_nothing_behind() {
    damage("a.arrow", &[]);
    damage("a.arrow", &["--compression", "zstd"]);
    damage("a.arrows", &["--compression", "lz4"]);
}

fn damage(name: &str, options: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    let sound = folder.path().join("sound.arrow");
    write_ipc(&sound, &small());
    rntuple(["convert", &path_text(&sound), &path_text(&file)].iter().chain(options)).fine();
    fs::remove_file(&sound).unwrap();
    let whole = fs::read(&file).unwrap();
    let target = folder.path().join("out.root");
    for len in (0..whole.len()).step_by(17) {
        fs::write(&file, &whole[..len]).unwrap();
        let done = rntuple(["convert", &path_text(&file), &path_text(&target)]);
        // A stream may lack its end: the batches before are whole.
        let whole = name.ends_with('s') && done.status == 0;
        assert!(whole || (done.status == 1 && done.err.contains("a.arrow")), "{len}: {}", done.err);
        assert_eq!(fs::remove_file(&target).is_ok(), whole, "{len}");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "{len}");
    }
    for place in (0..whole.len()).step_by(3) {
        let mut bytes = whole.clone();
        bytes[place] ^= 0x5a;
        fs::write(&file, &bytes).unwrap();
        let done = rntuple(["convert", &path_text(&file), &path_text(&target)]);
        assert!(done.status == 0 || (done.status == 1 && done.err.contains("a.arrow")), "{place}: {}", done.err);
        assert_eq!(target.exists(), done.status == 0, "{place}");
        let _ = fs::remove_file(&target);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "{place}");
    }
}

#[test]
fn dictionaries_grow_from_batch_to_batch() {
    use arrow::array::{Array, ArrayRef, AsArray, DictionaryArray, Int32Array, ListArray, RecordBatch};
    use arrow::buffer::OffsetBuffer;
    use arrow::datatypes::{DataType, Field, Int8Type, Int32Type};
    use std::sync::Arc;

    let folder = tempfile::tempdir().unwrap();
    let [a, root, b] = ["a.parquet", "a.root", "b.arrow"].map(|name| folder.path().join(name));
    // More rows than a batch has, and other values in each.
    let rows = 150_000;
    let words: Vec<String> = (0..rows).map(|i| format!("word {}", i / 2000)).collect();
    let words: DictionaryArray<Int32Type> = words.iter().map(String::as_str).collect();
    let inner: DictionaryArray<Int8Type> =
        (0..rows).map(|i| if i % 7 == 0 { None } else { Some(["x", "y", "z"][(i / 60_000) % 3]) }).collect();
    let item = Arc::new(Field::new("item", inner.data_type().clone(), true));
    let lists = ListArray::new(item, OffsetBuffer::from_lengths(vec![1; rows]), Arc::new(inner), None);
    let numbers = Int32Array::from_iter_values(0..150_000);
    let batch = RecordBatch::try_from_iter([
        ("words", Arc::new(words) as ArrayRef),
        ("lists", Arc::new(lists) as _),
        ("numbers", Arc::new(numbers) as _),
    ]);
    let batch = batch.unwrap();
    crate::tables::write_parquet(&a, &batch);
    rntuple(["convert", &path_text(&a), &path_text(&root)]).fine();
    rntuple(["convert", &path_text(&root), &path_text(&b)]).fine();
    let after = read_ipc(&b);
    assert!(matches!(after.schema().field(0).data_type(), DataType::Dictionary(..)));
    assert_eq!(after.column(0).as_any_dictionary().values().len() % 75, 0);
    for (before, after) in batch.columns().iter().zip(after.columns()) {
        let plain = |array: &ArrayRef| -> ArrayRef {
            match array.data_type() {
                DataType::Dictionary(_, values) => arrow::compute::cast(array, values).unwrap(),
                DataType::List(_) => plain_items(array),
                _ => Arc::clone(array),
            }
        };
        assert_eq!(&plain(before), &plain(after));
    }

    fn plain_items(list: &ArrayRef) -> ArrayRef {
        arrow::compute::cast(list.as_list::<i32>().values(), &DataType::Utf8).unwrap()
    }
}
