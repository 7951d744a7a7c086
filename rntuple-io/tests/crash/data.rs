//! Data whose values tell the number of their entry.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array, ListArray, RecordBatch, StringArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Float64Type, Int32Type, Int64Type, SchemaRef};
use rntuple_io::{NTuple, Reader};

/// Entries with these numbers.
pub(crate) fn batch(entries: impl Iterator<Item = i64> + Clone) -> RecordBatch {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(entries.clone()));
    // Values that do not compress away.
    let noise: ArrayRef = Arc::new(Float64Array::from_iter_values(entries.clone().map(noise)));
    let names: ArrayRef = Arc::new(StringArray::from_iter_values(entries.clone().map(|i| format!("entry {i}"))));
    let lens = entries.clone().map(len);
    let items: Vec<i32> = entries.flat_map(items).collect();
    let item = Arc::new(Field::new("item", DataType::Int32, false));
    let lists = ListArray::new(
        item,
        OffsetBuffer::<i32>::from_lengths(lens),
        Arc::new(arrow::array::Int32Array::from(items)),
        None,
    );
    let lists: ArrayRef = Arc::new(lists);
    RecordBatch::try_from_iter_with_nullable([
        ("id", ids, false),
        ("noise", noise, false),
        ("name", names, false),
        ("list", lists, false),
    ])
    .unwrap()
}

pub(crate) fn schema() -> SchemaRef {
    batch(0..0).schema()
}

fn noise(i: i64) -> f64 {
    (mix(i.unsigned_abs()) >> 11) as f64
}

fn len(i: i64) -> usize {
    (i % 4) as usize
}

fn items(i: i64) -> impl Iterator<Item = i32> {
    (0..len(i) as i32).map(move |k| (i as i32).wrapping_mul(7).wrapping_add(k))
}

/// A well-mixed number (splitmix64).
pub(crate) fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The only data set of a file, whole.
pub(crate) fn open(path: &Path) -> NTuple {
    let reader = Reader::open(path).unwrap();
    assert!(reader.damaged().is_empty());
    let ntuple = reader.only().unwrap();
    assert_whole(&ntuple);
    ntuple
}

pub(crate) fn assert_whole(ntuple: &NTuple) {
    let report = ntuple.verify(&|_, _| {}).unwrap();
    assert_eq!(report.damage, []);
}

/// The numbers of the entries, after comparing all of their values.
pub(crate) fn ids(ntuple: &NTuple) -> Vec<i64> {
    let mut all = Vec::new();
    for got in ntuple.scan().columns(["id", "noise", "name", "list"]).open().unwrap() {
        let got = got.unwrap();
        let ids = got.column_by_name("id").unwrap().as_primitive::<Int64Type>().values().to_vec();
        let noises = got.column_by_name("noise").unwrap().as_primitive::<Float64Type>();
        let names = got.column_by_name("name").unwrap().as_string::<i32>();
        let lists = got.column_by_name("list").unwrap().as_list::<i32>();
        for (row, &id) in ids.iter().enumerate() {
            assert_eq!(noises.value(row), noise(id), "entry {id}");
            assert_eq!(names.value(row), format!("entry {id}"));
            let list = lists.value(row);
            let list = list.as_primitive::<Int32Type>().values();
            assert!(list.iter().copied().eq(items(id)), "entry {id}: {list:?}");
        }
        all.extend(ids);
    }
    assert_eq!(all.len() as u64, ntuple.entries());
    all
}

/// That a data set has the first entries, in order, without gaps; how many.
pub(crate) fn assert_counts(ntuple: &NTuple) -> u64 {
    let ids = ids(ntuple);
    assert!(ids.iter().copied().eq(0..ids.len() as i64), "{:?}...", &ids[..ids.len().min(20)]);
    ids.len() as u64
}
