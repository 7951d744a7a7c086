//! Arrow IPC to RNTuple and back.

use std::fs;
use std::process::{Command, Stdio};

use proptest::prelude::*;

use crate::support::{path_text, rntuple};
use crate::tables::{any_table, read_ipc, small, write_ipc};

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_table_comes_back(seed in any::<u64>()) {
        let folder = tempfile::tempdir().unwrap();
        let [a, root, b] = ["a.arrow", "a.root", "b.arrow"].map(|name| folder.path().join(name));
        write_ipc(&a, &any_table(seed, false));
        rntuple(["convert", &path_text(&a), &path_text(&root)]).fine();
        rntuple(["verify", &path_text(&root)]).fine();
        rntuple(["convert", &path_text(&root), &path_text(&b)]).fine();
        let (before, after) = (read_ipc(&a), read_ipc(&b));
        prop_assert_eq!(before.schema(), after.schema());
        prop_assert_eq!(&before, &after);
        // The same as a stream.
        let stream = folder.path().join("c.arrows");
        rntuple(["convert", &path_text(&root), &path_text(&stream)]).fine();
        rntuple(["convert", &path_text(&stream), &path_text(&b)]).fine();
        let after = read_ipc(&b);
        prop_assert_eq!(before.schema(), after.schema());
        prop_assert_eq!(before, after);
    }
}

#[test]
fn files_and_streams_go_through_pipes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.arrow");
    write_ipc(&file, &small());
    let convert = |args: &[&str], input: &std::path::Path| {
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
