//! What is the same is read once and shared: pages that several columns have in common, and the memory of pages.

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Float32Type;
use rntuple_io::row::RowReader;
use rntuple_io::{NTuple, Row, WriteOptions, Writer};

use crate::economy::{Counting, bytes};

#[derive(Row, PartialEq)]
struct Event {
    entry: u32,
    pt: Vec<f32>,
    eta: Vec<f32>,
    phi: Vec<f64>,
    tracks: Vec<u16>,
    name: String,
}

const ENTRIES: u32 = 60_000;

fn number(entry: u32, item: u32) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "any numbers will do")]
    let number = (entry.wrapping_mul(2_654_435_761) >> 12) as f32 + item as f32;
    number
}

fn event(entry: u32) -> Event {
    let muons = entry % 5;
    Event {
        entry,
        pt: (0..muons).map(|i| number(entry, i)).collect(),
        eta: (0..muons).map(|i| -number(entry, i)).collect(),
        phi: (0..muons).map(|i| f64::from(number(entry, i)) / 2.0).collect(),
        tracks: (0..(entry % 3) as u16).collect(),
        // Characters as many as muons: offsets like those of `pt`, in an index column like theirs.
        name: "µ".repeat(muons as usize / 2) + if muons % 2 == 1 { "x" } else { "" },
    }
}

fn file(options: WriteOptions) -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("shared.root");
    let mut writer = Writer::create(&path, "data", Event::schema(), options).unwrap();
    (0..ENTRIES).for_each(|entry| writer.append_row(&event(entry)).unwrap());
    writer.finish().unwrap();
    std::fs::read(path).unwrap()
}

fn check(ntuple: &NTuple, batch_rows: usize, threads: usize) -> Vec<RecordBatch> {
    let scan = ntuple.scan().batch_rows(batch_rows).threads(threads);
    let batches: Vec<RecordBatch> = scan.open().unwrap().map(Result::unwrap).collect();
    let read = batches.iter().flat_map(|batch| RowReader::<Event>::new(batch).unwrap().map(Result::unwrap));
    assert!(read.eq((0..ENTRIES).map(event)));
    batches
}

#[test]
fn offsets_of_fields_with_the_same_pages_are_shared() {
    // Small pages, so that batches begin and end within them.
    for (page, threads) in [(1 << 20, 1), (1 << 12, 1), (1 << 14, 2)] {
        let options = WriteOptions::default().max_unzipped_page_size(page).initial_unzipped_page_size(256);
        let (source, ntuple) = Counting::of_bytes(file(options));
        source.take();
        let batches = check(&ntuple, 7_001, threads);
        let read = bytes(&source.take());
        assert!(read < source_len(&ntuple), "{read} bytes: pages of several columns were read several times");
        for batch in &batches {
            let offsets = |name: &str| batch.column_by_name(name).unwrap().as_list::<i32>().offsets().clone();
            assert!(offsets("pt").inner().inner().as_ptr() == offsets("eta").inner().inner().as_ptr());
            assert!(offsets("pt").inner().inner().as_ptr() == offsets("phi").inner().inner().as_ptr());
            assert!(offsets("pt").inner().inner().as_ptr() != offsets("tracks").inner().inner().as_ptr());
            let name = batch.column_by_name("name").unwrap().as_string::<i32>().offsets().clone();
            assert!(offsets("pt").inner().inner().as_ptr() == name.inner().inner().as_ptr());
        }
    }
}

fn source_len(ntuple: &NTuple) -> u64 {
    // Every page once, and a little for page lists.
    let mut bytes = 0;
    ntuple
        .unsealed_pages(|_, page, _| {
            bytes += page.locator.size().unwrap() + 8;
            Ok(())
        })
        .unwrap();
    bytes + 16_384
}

#[test]
fn a_part_of_a_page_is_not_copied() {
    let (_, ntuple) = Counting::of_bytes(file(WriteOptions::default()));
    let batches = check(&ntuple, 10_000, 1);
    let values = |batch: &RecordBatch| {
        let list = batch.column_by_name("pt").unwrap().as_list::<i32>().clone();
        list.values().as_primitive::<Float32Type>().values().clone()
    };
    let (first, second) = (values(&batches[0]), values(&batches[1]));
    assert!(first.len() * 4 > 4096);
    assert_eq!(first.as_ptr_range().end, second.as_ptr(), "both lie in the memory of their page");
    // Little is copied: it would keep all of the page in memory.
    let batches = check(&ntuple, 100, 1);
    let (first, second) = (values(&batches[0]), values(&batches[1]));
    assert_ne!(first.as_ptr_range().end, second.as_ptr());
}

#[test]
fn entries_in_any_order_share_pages_too() {
    let (_, ntuple) = Counting::of_bytes(file(WriteOptions::default().max_unzipped_page_size(1 << 13)));
    let mut reader = ntuple.scan().random_access().unwrap();
    for entry in (0..ENTRIES).rev().step_by(977) {
        let batch = reader.read(u64::from(entry)..u64::from(entry) + 1).unwrap();
        let mut rows = RowReader::<Event>::new(&batch).unwrap();
        assert!(rows.next().unwrap().unwrap() == event(entry), "entry {entry}");
    }
}
