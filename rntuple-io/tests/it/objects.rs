//! Data sets in stores without a file: both layouts, copies, unfinished writers.

use std::io;
use std::sync::{Arc, Mutex};

use arrow::array::{Float64Array, Int32Array, ListArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Float32Type};
use rntuple_io::storage::keyed::{Created, KeyedRead, KeyedStore, MemoryStore, ObjectLayout, data_sets, orphans};
use rntuple_io::storage::{Memory, MemorySink};
use rntuple_io::{Checkpoint, Error, FileWriter, NTuple, ParallelWriter, Reader, WriteOptions, Writer};

use crate::support::{Set, data, sets};

pub(crate) type Store = Arc<dyn KeyedStore>;

pub(crate) fn memory() -> Store {
    Arc::new(MemoryStore::new())
}

pub(crate) fn options() -> WriteOptions {
    WriteOptions::default()
}

pub(crate) fn layouts() -> [(&'static str, WriteOptions); 4] {
    [
        ("packed", options()),
        ("in small objects", options().object_size(500)),
        ("page by page", options().object_size(0)),
        ("key-value", options().object_layout(ObjectLayout::KeyValue)),
    ]
}

/// Every page: column, first element, bytes stored, and its bytes.
pub(crate) fn pages(ntuple: &NTuple) -> Vec<(u32, u64, Option<u64>, Vec<u8>)> {
    let mut out = Vec::new();
    let each = |column: &rntuple_core::schema::Column, page: &rntuple_core::metadata::PageInfo, bytes: &[u8]| {
        out.push((column.id.0, page.first, page.locator.size(), bytes.to_vec()));
        Ok(())
    };
    ntuple.unsealed_pages(each).unwrap();
    out
}

/// The two are equal, attribute sets included.
pub(crate) fn assert_copy(set: &Set, copy: NTuple, what: &str) {
    let what = format!("{}, {what}", set.name());
    assert_eq!(copy.entries(), set.ntuple.entries(), "{what}");
    assert_eq!(copy.cluster_count(), set.ntuple.cluster_count(), "{what}");
    assert_eq!(copy.attribute_sets(), set.ntuple.attribute_sets(), "{what}");
    let report = copy.verify(&|_, _| {}).unwrap();
    assert!(report.damage.is_empty(), "{what}: {:?}", report.damage);
    for name in copy.attribute_sets() {
        let [copy, original] = [&copy, &set.ntuple].map(|main| main.attribute_set(&name).unwrap());
        assert_eq!(copy.entries(), original.entries(), "{what}, {name}");
        assert_eq!(pages(&copy), pages(&original), "{what}, {name}");
    }
    let copy = Set { file: set.file.clone(), path: set.path.clone(), answers: None, ntuple: copy };
    assert_eq!(copy.whole(), set.whole(), "{what}");
    // Threads, windows and requests that are joined.
    let batches: Vec<RecordBatch> =
        copy.scan().batch_rows(100).threads(2).open().unwrap().map(Result::unwrap).collect();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>() as u64, set.ntuple.entries(), "{what}");
}

/// The pages of a copy in which none are stored for several columns.
fn distinct(pages: Vec<(u32, u64, Option<u64>, Vec<u8>)>) -> Vec<Vec<u8>> {
    let mut bytes: Vec<Vec<u8>> = pages.into_iter().map(|(.., bytes)| bytes).collect();
    bytes.sort();
    bytes.dedup();
    bytes
}

#[test]
fn golden_files_become_objects_and_files_again() {
    let store = memory();
    let mut copied = 0;
    for (i, set) in sets().iter().enumerate() {
        // Each packed, and in one of the other ways.
        for (n, (what, options)) in layouts().iter().enumerate().filter(|(n, _)| *n == 0 || i % 3 == n - 1) {
            let base = format!("golden/{i}/{n}/{}", set.ntuple.name());
            let done = set.ntuple.copy_to_store("memory", Arc::clone(&store), &base, options);
            if !set.ntuple.unavailable().unwrap().is_empty() {
                assert!(matches!(done, Err(Error::Argument { .. })), "{}: {done:?}", set.name());
                continue;
            }
            if *what == "key-value" && !set.ntuple.attribute_sets().is_empty() {
                assert!(done.unwrap_err().to_string().contains("has no attribute sets"));
                assert_eq!(store.list(&format!("golden/{i}/{n}/")).unwrap(), Vec::<String>::new());
                continue;
            }
            assert_eq!(done.unwrap().entries, set.ntuple.entries());
            let copy = NTuple::from_store("memory", Arc::clone(&store), &base).unwrap();
            let (got, want) = (pages(&copy), pages(&set.ntuple));
            if *what == "key-value" {
                assert_eq!(distinct(got), distinct(want), "{}", set.name());
            } else {
                assert_eq!(got, want, "{}, {what}", set.name());
            }
            assert_eq!(orphans("memory", &store, &base).unwrap(), Vec::<String>::new(), "{}, {what}", set.name());

            let sink = MemorySink::new();
            let file = FileWriter::to_sink("back.root", Box::new(sink.clone()), options).unwrap();
            file.copy(&copy, copy.name()).unwrap();
            file.finish().unwrap();
            let back = Reader::from_source("back.root", Arc::new(Memory::new(sink.bytes()))).unwrap();
            let back = back.ntuple(set.ntuple.name()).unwrap();
            assert_eq!(pages(&back), pages(&copy), "{}, {what}", set.name());
            if n == 0 {
                assert_copy(set, back, what);
            }
            assert_copy(set, copy, what);
            copied += 1;
        }
    }
    assert!(copied > 100, "{copied}");
}

pub(crate) fn batch(first: i32, rows: i32) -> RecordBatch {
    let ids = Int32Array::from_iter_values(first..first + rows);
    let xs = Float64Array::from_iter_values((first..first + rows).map(|i| f64::from(i) / 3.0));
    let lists = (first..first + rows).map(|i| Some((0..i % 4).map(move |k| Some((i * 10 + k) as f32))));
    let lists = ListArray::from_iter_primitive::<Float32Type, _, _>(lists);
    let item = Arc::new(Field::new("item", DataType::Float32, false));
    let lists = ListArray::new(item, lists.offsets().clone(), Arc::clone(lists.values()), None);
    RecordBatch::try_from_iter_with_nullable([
        ("id", Arc::new(ids) as _, false),
        ("x", Arc::new(xs) as _, false),
        ("list", Arc::new(lists) as _, false),
    ])
    .unwrap()
}

pub(crate) fn ids(ntuple: &NTuple) -> Vec<i32> {
    let batches: Vec<RecordBatch> = ntuple.scan().columns(["id"]).open().unwrap().map(Result::unwrap).collect();
    let mut out = Vec::new();
    for batch in batches {
        out.extend_from_slice(
            arrow::array::AsArray::as_primitive::<arrow::datatypes::Int32Type>(batch.column(0)).values(),
        );
    }
    out
}

pub(crate) fn writer(store: &Store, base: &str, options: WriteOptions) -> rntuple_io::Result<Writer> {
    Writer::to_store("store", Arc::clone(store), base, "Events", batch(0, 1).schema(), options)
}

pub(crate) fn open(store: &Store, base: &str) -> rntuple_io::Result<NTuple> {
    NTuple::from_store("store", Arc::clone(store), base)
}

/// Writes `clusters` clusters of 100 entries.
pub(crate) fn write(store: &Store, base: &str, first: i32, clusters: i32, options: WriteOptions) -> u64 {
    let mut writer = writer(store, base, options).unwrap();
    for i in 0..clusters {
        writer.append(&batch(first + i * 100, 100)).unwrap();
        writer.flush_cluster().unwrap();
    }
    writer.finish().unwrap().file_size
}

pub(crate) fn expected(first: i32, clusters: i32) -> Vec<i32> {
    (first..first + clusters * 100).collect()
}

#[test]
fn written_and_read() {
    for (what, options) in layouts() {
        let store = memory();
        let options = options.max_unzipped_page_size(64);
        let size = write(&store, "run/Events", 0, 3, options.clone());
        let ntuple = open(&store, "/run/Events/").unwrap();
        assert_eq!((ntuple.entries(), ntuple.cluster_count(), ntuple.name()), (300, 3, "Events"), "{what}");
        let batches: Vec<RecordBatch> = ntuple.scan().open().unwrap().map(Result::unwrap).collect();
        let got = concat_batches(&batches[0].schema(), &batches).unwrap();
        for (name, want) in ["id", "x", "list"].iter().zip(batch(0, 300).columns()) {
            let got = arrow::compute::cast(got.column_by_name(name).unwrap(), want.data_type()).unwrap();
            assert_eq!(&got, want, "{what}, {name}");
        }
        let keys = store.list("").unwrap();
        let sum: u64 = keys.iter().map(|key| store.size(key).unwrap().unwrap()).sum();
        assert_eq!(sum, size, "{what}");
        // The same data give the same bytes.
        let again = memory();
        write(&again, "run/Events", 0, 3, options);
        for key in &keys {
            assert_eq!(again.get_whole(key, 1 << 20).unwrap(), store.get_whole(key, 1 << 20).unwrap(), "{what}, {key}");
        }
        let pages = pages(&ntuple).len();
        match what {
            // Header, page list, footer, anchor; and one object per cluster, one per page, one per cluster and column.
            "packed" => assert_eq!(keys.len(), 4 + 3, "{keys:?}"),
            "page by page" => assert_eq!(keys.len(), 4 + pages, "{keys:?}"),
            "key-value" => assert_eq!(keys.len(), 4 + 3 * 4, "{keys:?}"),
            _ => assert!(keys.len() > 4 + 3 && keys.len() < 4 + pages, "{keys:?}"),
        }
    }
}

#[test]
fn columns_with_the_same_pages() {
    for (what, options) in layouts() {
        let store = memory();
        let x = Arc::clone(batch(0, 100).column(0));
        let same = RecordBatch::try_from_iter(["a", "b", "c"].map(|name| (name, Arc::clone(&x)))).unwrap();
        let mut writer = Writer::to_store("s", Arc::clone(&store), "s/E", "E", same.schema(), options).unwrap();
        writer.append(&same).unwrap();
        writer.finish().unwrap();
        let ntuple = open(&store, "s/E").unwrap();
        let batches: Vec<RecordBatch> = ntuple.scan().open().unwrap().map(Result::unwrap).collect();
        let [got] = batches.as_slice() else { panic!("{what}: {} batches", batches.len()) };
        assert!(got.columns().iter().all(|column| column.as_ref() == x.as_ref()), "{what}");
        // Stored once; in the key-value layout, a key has one column.
        let objects = store.list("").unwrap().len();
        assert_eq!(objects, if what == "key-value" { 4 + 3 } else { 4 + 1 }, "{what}");
    }
}

#[test]
fn the_names_are_those_of_root() {
    let store = memory();
    write(&store, "run/Events", 0, 1, options());
    assert_eq!(store.list("").unwrap(), ["run/Events", "run/Events/0", "run/Events/1", "run/Events/2", "run/Events/3"]);
    let anchor = String::from_utf8(store.get_whole("run/Events", 10_000).unwrap().unwrap()).unwrap();
    for line in
        ["\"urlTemplate\": \"${baseurl}/${objid}\"", "\"headerObjId\": 0", "\"footerObjId\": 3", "\"anchorVersion\": 0"]
    {
        assert!(anchor.contains(line), "{anchor}");
    }
    let store = memory();
    write(&store, "box/Events", 0, 2, options().object_layout(ObjectLayout::KeyValue));
    let keys = store.list("").unwrap();
    let index = "box/0000000087d4b929.";
    assert!(keys.contains(&format!("{index}ffffffffffffffff/5a3c69f0cafe4a11/4243544b5344422a")), "{keys:?}");
    assert!(keys.contains(&format!("{index}fffffffffffffffe/5a3c69f0cafe4a11/0000000000000000")), "{keys:?}");
    // The second column of the second cluster.
    assert!(keys.contains(&format!("{index}0000000000000001/0000000000000001/0000000000000005")), "{keys:?}");
}

#[test]
fn extension_checkpoints_and_attributes() {
    let store = memory();
    let options = options().checkpoint(Checkpoint::Clusters(1));
    let mut main = writer(&store, "Events", options).unwrap();
    main.append(&batch(0, 100)).unwrap();
    assert!(matches!(open(&store, "Events"), Err(Error::NotFound { .. })));
    main.flush_cluster().unwrap();
    let early = open(&store, "Events").unwrap();
    main.extend([Field::new("y", DataType::Float64, false)]).unwrap();
    let with_y = |first: i32| {
        let mut columns: Vec<_> = batch(first, 100).columns().to_vec();
        columns.push(Arc::clone(&columns[1]));
        let mut fields = batch(first, 1).schema().fields().to_vec();
        fields.push(Arc::new(Field::new("y", DataType::Float64, false)));
        RecordBatch::try_new(Arc::new(arrow::datatypes::Schema::new(fields)), columns).unwrap()
    };
    main.append(&with_y(100)).unwrap();
    main.flush_cluster().unwrap();
    assert_eq!(open(&store, "Events").unwrap().entries(), 200);
    let schema = batch(0, 1).project(&[0]).unwrap().schema();
    let mut set = main.attribute_set("runs", &schema).unwrap();
    set.append(&[0..50, 50..200], &batch(7, 2).project(&[0]).unwrap()).unwrap();
    main.add_attribute_set(set).unwrap();
    // One that is started and dropped, under the same name.
    let dropped = main.attribute_set("runs", &schema).unwrap();
    drop(dropped);
    main.finish().unwrap();
    // Who opened it early has it as it was.
    assert_eq!(ids(&early), expected(0, 1));
    let ntuple = open(&store, "Events").unwrap();
    assert_eq!(ids(&ntuple), expected(0, 2));
    let y: Vec<RecordBatch> = ntuple.scan().columns(["y"]).open().unwrap().map(Result::unwrap).collect();
    assert_eq!(y.iter().map(RecordBatch::num_rows).sum::<usize>(), 200);
    assert_eq!(ntuple.attribute_sets(), ["runs"]);
    let runs = ntuple.attribute_set("runs").unwrap();
    assert_eq!(runs.entries(), 2);
    assert!(ntuple.verify(&|_, _| {}).unwrap().damage.is_empty());
    // What the checkpoints and the dropped set left.
    let left = orphans("store", &store, "Events").unwrap();
    assert!(left.iter().any(|key| key.contains("_clone/runs/_run/1/")) && left.len() > 2, "{left:?}");
    store.delete(&left.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
    let ntuple = open(&store, "Events").unwrap();
    assert!(ntuple.verify(&|_, _| {}).unwrap().damage.is_empty());
    assert_eq!(orphans("store", &store, "Events").unwrap(), Vec::<String>::new());
    let refused = writer(&memory(), "Events", WriteOptions::default().object_layout(ObjectLayout::KeyValue)).unwrap();
    assert!(refused.attribute_set("runs", &schema).unwrap_err().to_string().contains("no attribute sets"));
}

#[test]
fn checkpoints_in_the_key_value_layout() {
    let store = memory();
    let options = options().object_layout(ObjectLayout::KeyValue).checkpoint(Checkpoint::Clusters(1));
    let mut main = writer(&store, "box/Events", options).unwrap();
    for i in 0..3 {
        main.append(&batch(i * 100, 100)).unwrap();
        main.flush_cluster().unwrap();
        let ntuple = open(&store, "box/Events").unwrap();
        assert_eq!(ids(&ntuple), expected(0, i + 1));
        assert_eq!(ntuple.cluster_group_count(), usize::try_from(i).unwrap() + 1);
    }
    assert_eq!(main.finish().unwrap().entries, 300);
    let ntuple = open(&store, "box/Events").unwrap();
    assert_eq!((ids(&ntuple), ntuple.cluster_group_count()), (expected(0, 3), 1));
    // The page lists of the checkpoints.
    assert_eq!(orphans("store", &store, "box/Events").unwrap().len(), 3);
}

#[test]
fn names_with_the_same_number() {
    let store = memory();
    let write = |name: &str, overwrite: bool| {
        let options = options().object_layout(ObjectLayout::KeyValue).overwrite(overwrite);
        let schema = batch(0, 1).schema();
        Writer::to_store("store", Arc::clone(&store), &format!("box/{name}"), name, schema, options)
    };
    // Found by trying names.
    let [one, two] = ["Events8009", "Events12038"];
    write(one, false).unwrap().finish().unwrap();
    let error = open(&store, &format!("box/{two}")).unwrap_err();
    assert!(matches!(&error, Error::NotFound { hint, .. } if hint.contains(one)), "{error}");
    assert!(matches!(write(two, false), Err(Error::Argument { .. })));
    assert!(write(two, true).unwrap_err().to_string().contains("another name"));
    assert_eq!(data_sets("store", &store, "box/").unwrap(), [format!("box/{one}")]);
    open(&store, &format!("box/{one}")).unwrap();
}

#[test]
fn from_several_threads() {
    for (what, options) in layouts() {
        let store = memory();
        let options = options.ordered(true);
        let schema = batch(0, 1).schema();
        let writer =
            ParallelWriter::to_store("store", Arc::clone(&store), "a/Events", "Events", schema, options).unwrap();
        std::thread::scope(|scope| {
            for part in 0..4 {
                let mut context = writer.context().unwrap();
                scope.spawn(move || {
                    for cluster in 0..3 {
                        context.append(&batch(part * 300 + cluster * 100, 100)).unwrap();
                        context.flush_cluster().unwrap();
                    }
                    context.finish().unwrap();
                });
            }
        });
        assert_eq!(writer.finish().unwrap().entries, 1200);
        assert_eq!(ids(&open(&store, "a/Events").unwrap()), expected(0, 12), "{what}");
    }
}

#[test]
fn keys_and_names() {
    let store = memory();
    for base in ["", "/", "a/5", "a//Events", "a/../Events", ".", "a/_run/Events", "a/_clone/b"] {
        assert!(matches!(writer(&store, base, options()), Err(Error::Argument { .. })), "{base}");
    }
    let write = |base: &str, name: &str, options: WriteOptions| {
        Writer::to_store("store", Arc::clone(&store), base, name, batch(0, 1).schema(), options).map(drop)
    };
    assert!(write("a/b", "dir/Events", options()).unwrap_err().to_string().contains("has a directory"));
    let error = write("a/b", "Events", options().object_layout(ObjectLayout::KeyValue)).unwrap_err();
    assert!(error.to_string().contains("named 'b'"), "{error}");
    write("a/b", "Events", options()).unwrap();
    let file = FileWriter::to_sink("x.root", Box::new(MemorySink::new()), &options()).unwrap();
    let error = file.copy(&data("clusters"), "other").unwrap_err().to_string();
    assert!(error.contains("cannot be named 'other'"), "{error}");
}

#[test]
fn data_sets_side_by_side_and_below_each_other() {
    for options in [options(), options().object_layout(ObjectLayout::KeyValue)] {
        let store = memory();
        let schema = batch(0, 1).schema();
        for (i, base) in ["a", "a/b", "a/b/c", "b"].iter().enumerate() {
            let name = base.rsplit('/').next().unwrap();
            let mut writer =
                Writer::to_store("s", Arc::clone(&store), base, name, Arc::clone(&schema), options.clone()).unwrap();
            writer.append(&batch(i32::try_from(i).unwrap() * 1000, 100)).unwrap();
            writer.finish().unwrap();
        }
        assert_eq!(data_sets("s", &store, "").unwrap(), ["a", "a/b", "a/b/c", "b"]);
        assert_eq!(data_sets("s", &store, "a/").unwrap().last().unwrap(), "a/b/c");
        assert_eq!(data_sets("s", &store, "none/").unwrap(), Vec::<String>::new());
        store.put(&[("a/notes.txt", b"hello"), ("a/17/Events", b"not ours"), ("a/17", b"nor this")]).unwrap();
        for (i, base) in ["a", "a/b", "a/b/c", "b"].iter().enumerate() {
            assert_eq!(orphans("s", &store, base).unwrap(), Vec::<String>::new(), "{base}");
            assert_eq!(ids(&open(&store, base).unwrap()), expected(i32::try_from(i).unwrap() * 1000, 1), "{base}");
        }
    }
}

/// Notes which keys are read.
#[derive(Debug, Default)]
struct Noting {
    store: MemoryStore,
    read: Mutex<Vec<(String, u64, usize)>>,
}

impl KeyedStore for Noting {
    fn get(&self, reads: &mut [KeyedRead<'_>]) {
        let noted = reads.iter().map(|read| (read.key.to_owned(), read.offset, read.buffer.len()));
        self.read.lock().unwrap().extend(noted);
        self.store.get(reads);
    }

    fn size(&self, key: &str) -> io::Result<Option<u64>> {
        self.store.size(key)
    }

    fn get_whole(&self, key: &str, most: usize) -> io::Result<Option<Vec<u8>>> {
        self.store.get_whole(key, most)
    }

    fn put(&self, values: &[(&str, &[u8])]) -> io::Result<()> {
        self.store.put(values)
    }

    fn guards(&self) -> bool {
        true
    }

    fn put_new(&self, key: &str, value: &[u8]) -> io::Result<Created> {
        self.store.put_new(key, value)
    }

    fn delete(&self, keys: &[&str]) -> io::Result<()> {
        self.store.delete(keys)
    }

    fn list(&self, prefix: &str) -> io::Result<Vec<String>> {
        self.store.list(prefix)
    }
}

#[test]
fn a_column_of_a_cluster_is_one_range() {
    for options in [options(), options().object_layout(ObjectLayout::KeyValue)] {
        let noting = Arc::new(Noting::default());
        let store: Store = Arc::clone(&noting) as _;
        // Pages of incompressible width: many for each column.
        write(&store, "Events", 0, 2, options.max_unzipped_page_size(16));
        let ntuple = open(&store, "Events").unwrap();
        noting.read.lock().unwrap().clear();
        assert_eq!(ids(&ntuple), expected(0, 2));
        let read = noting.read.lock().unwrap();
        // The page list, and one range per cluster.
        assert_eq!(read.len(), 1 + 2, "{read:?}");
    }
}
