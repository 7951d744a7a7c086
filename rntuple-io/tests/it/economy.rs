//! What reading costs: how many requests, and for which bytes.

use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Int32Type;
use rntuple_io::storage::{ByteSource, Memory};
use rntuple_io::{NTuple, Reader};

use crate::build::{FieldSpec, PLAIN};
use crate::synthetic::{Changes, File, NO_CHANGES, Page, Shape};

/// A file in memory that notes what is read of it.
#[derive(Debug)]
pub(crate) struct Counting {
    memory: Memory,
    reads: Mutex<Vec<Range<u64>>>,
    /// Bytes of the requests that are under way, and the most there were.
    now: AtomicU64,
    peak: AtomicU64,
}

impl ByteSource for Counting {
    fn size(&self) -> u64 {
        self.memory.size()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let len = buffer.len() as u64;
        let now = self.now.fetch_add(len, Ordering::SeqCst) + len;
        self.peak.fetch_max(now, Ordering::SeqCst);
        self.reads.lock().unwrap().push(offset..offset + len);
        let result = self.memory.read_at(offset, buffer);
        self.now.fetch_sub(len, Ordering::SeqCst);
        result
    }
}

impl Counting {
    fn of(file: &File) -> (Arc<Self>, NTuple) {
        Self::of_bytes(file.bytes.clone())
    }

    pub(crate) fn of_bytes(bytes: Vec<u8>) -> (Arc<Self>, NTuple) {
        let source = Arc::new(Self {
            memory: Memory::new(bytes),
            reads: Mutex::default(),
            now: AtomicU64::new(0),
            peak: AtomicU64::new(0),
        });
        let reader = Reader::from_source("counted", Arc::clone(&source) as Arc<dyn ByteSource>).unwrap();
        (source, reader.ntuple("data").unwrap())
    }

    /// What was read since the last call.
    pub(crate) fn take(&self) -> Vec<Range<u64>> {
        std::mem::take(&mut self.reads.lock().unwrap())
    }
}

pub(crate) fn bytes(reads: &[Range<u64>]) -> u64 {
    reads.iter().map(|read| read.end - read.start).sum()
}

fn overlap(a: &Range<u64>, b: &Range<u64>) -> u64 {
    a.end.min(b.end).saturating_sub(a.start.max(b.start))
}

/// How many of the bytes that were read belong to pages that `chosen` chooses.
fn of_pages(file: &File, reads: &[Range<u64>], chosen: impl Fn(u32, u64) -> bool) -> u64 {
    let pages = file.pages.iter().filter(|page| chosen(page.column, page.cluster));
    pages.map(|page| reads.iter().map(|read| overlap(read, &page.range)).sum::<u64>()).sum()
}

/// The bytes of the pages that `chosen` chooses.
fn size_of_pages(file: &File, chosen: impl Fn(u32, u64) -> bool) -> u64 {
    let pages = file.pages.iter().filter(|page| chosen(page.column, page.cluster));
    pages.map(|page| page.range.end - page.range.start).sum()
}

fn page_requests(file: &File, reads: &[Range<u64>]) -> usize {
    reads.iter().filter(|read| file.pages.iter().any(|page| overlap(read, &page.range) > 0)).count()
}

fn assert_entries(batches: &[RecordBatch], column: u32, entries: Range<u64>) {
    let values = batches.iter().flat_map(|batch| {
        let array = batch.column_by_name(&format!("i{column}")).unwrap();
        array.as_primitive::<Int32Type>().values().to_vec()
    });
    assert!(values.map(|value| u64::try_from(value).unwrap()).eq(entries.map(|e| e + 1_000_000 * u64::from(column))));
}

/// The file is what it says: otherwise the rest means nothing.
#[test]
fn synthetic_files_are_read_right() {
    let shape =
        Shape { integers: 2, lists: 2, clusters: 7, clusters_per_group: 3, pages: 4, rows: 10, ..Shape::default() };
    let file = shape.file();
    let (_, ntuple) = Counting::of(&file);
    assert_eq!((ntuple.entries(), ntuple.cluster_count(), ntuple.cluster_group_count()), (280, 7, 3));
    let batches: Vec<_> = ntuple.scan().batch_rows(33).open().unwrap().map(Result::unwrap).collect();
    assert_entries(&batches, 0, 0..280);
    assert_entries(&batches, 1, 0..280);
    let mut entry = 0;
    for batch in &batches {
        let lists = batch.column_by_name("l1").unwrap().as_list::<i32>();
        for items in lists.iter() {
            let items = items.unwrap();
            let expected = (0..entry % 3).map(|_| entry);
            assert!(items.as_primitive::<Int32Type>().values().iter().copied().eq(expected), "{entry}");
            entry += 1;
        }
    }
    assert!(ntuple.verify(&|_, _| {}).unwrap().damage.is_empty());
}

#[test]
fn opening_does_not_depend_on_clusters_and_reads_no_page_list() {
    let mut requests = Vec::new();
    for (clusters, per_group) in [(1, 1000), (200, 1000), (200, 10)] {
        let file = Shape { clusters, clusters_per_group: per_group, ..Shape::default() }.file();
        let (source, ntuple) = Counting::of(&file);
        ntuple.arrow_schema().unwrap();
        let reads = source.take();
        requests.push(reads.len());
        for read in &reads {
            let pages = file.pages.iter().map(|page| &page.range).chain(&file.page_lists);
            // The start of the file is read at a fixed size; pages may lie within it.
            assert!(read.start < 300 || pages.into_iter().all(|page| overlap(read, page) == 0), "{read:?}");
        }
    }
    assert!(requests.iter().all(|&n| n == requests[0]), "{requests:?}");
    assert!(requests[0] <= 7, "{requests:?}: file header, directory, key list, anchor, header, footer");
}

/// Only the page lists of the groups that hold the entries are read, each once.
#[test]
fn page_lists_are_read_when_needed() {
    let shape = Shape { clusters: 40, clusters_per_group: 4, ..Shape::default() };
    let file = shape.file();
    let (source, ntuple) = Counting::of(&file);
    source.take();
    let lists = |reads: &[Range<u64>]| -> Vec<usize> {
        let touched = |list: &Range<u64>| reads.iter().filter(|read| overlap(read, list) > 0).count();
        file.page_lists.iter().map(touched).collect()
    };
    let mut reader = ntuple.scan().columns(["i0"]).random_access().unwrap();
    assert!(source.take().is_empty(), "nothing is read before it is asked for");
    let entry = shape.rows_per_cluster() * 9 + 3;
    assert_entries(&[reader.read(entry..entry + 1).unwrap()], 0, entry..entry + 1);
    let reads = source.take();
    assert_eq!(lists(&reads), [0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    let mut batches = ntuple.scan().columns(["i1"]).threads(1).batch_rows(10).open().unwrap();
    batches.next().unwrap().unwrap();
    let reads = source.take();
    assert_eq!(lists(&reads)[1..], [0; 9], "the first batch needs the first group");
}

/// Columns whose pages lie far apart: 4 pages of 100 KB each per cluster, 2 MB of others between.
fn wide() -> (Shape, File) {
    let shape =
        Shape { integers: 6, lists: 0, clusters: 5, clusters_per_group: 2, pages: 4, rows: 25_000, ..Shape::default() };
    let file = shape.file();
    (shape, file)
}

#[test]
fn one_column_reads_its_own_pages_once() {
    let (shape, file) = wide();
    for column in [0, 3, 5] {
        for threads in [1, 2] {
            for (rows, memory) in
                [(1000, None), (30_000, None), (500_000, None), (10_000, Some(1 << 20)), (777, Some(1))]
            {
                let (source, ntuple) = Counting::of(&file);
                source.take();
                let mut scan = ntuple.scan().columns([format!("i{column}")]).threads(threads).batch_rows(rows);
                if let Some(memory) = memory {
                    scan = scan.memory(memory);
                }
                let batches: Vec<_> = scan.open().unwrap().map(Result::unwrap).collect();
                assert_entries(&batches, column, 0..shape.entries());
                let reads = source.take();
                let what = format!("column {column}, {threads} threads, {rows} rows, {memory:?} bytes");
                assert_eq!(of_pages(&file, &reads, |c, _| c != column), 0, "{what}: other columns");
                let own = size_of_pages(&file, |c, _| c == column);
                let lists: u64 = file.page_lists.iter().map(|list| list.end - list.start).sum();
                if memory == Some(1) {
                    // Nothing may be kept: a page is fetched again for each batch that needs it.
                    continue;
                }
                let read = bytes(&reads);
                assert!(
                    read * 100 <= (own + lists) * 105,
                    "{what}: {read} bytes for {own} of pages and {lists} of lists"
                );
            }
        }
    }
}

/// Where the pages of all columns end together, those before are used up before those behind are fetched.
#[test]
fn pages_that_begin_together_are_not_held_with_those_before() {
    let (shape, file) = wide();
    let page_rows = shape.rows_per_cluster() / 4;
    for threads in [1, 2] {
        let (source, ntuple) = Counting::of(&file);
        source.take();
        let (mut entries, mut read, mut batches) = (0, 0, Vec::new());
        for batch in ntuple.scan().memory(1 << 20).threads(threads).open().unwrap() {
            let batch = batch.unwrap();
            assert_eq!(
                entries / page_rows,
                (entries + batch.num_rows() as u64 - 1) / page_rows,
                "{threads} threads: a batch from entry {entries} on goes beyond the end of the pages"
            );
            entries += batch.num_rows() as u64;
            read += of_pages(&file, &source.take(), |_, _| true);
            let pages = entries.div_ceil(page_rows);
            let all = size_of_pages(&file, |_, _| true);
            assert!(read <= all * pages / 20, "{threads} threads: {read} of {all} bytes read for {pages} of 20 pages");
            batches.push(batch);
        }
        assert_entries(&batches, 5, 0..shape.entries());
        let rows = ntuple.scan().memory(1 << 20).batch_rows(3000).threads(threads).open().unwrap();
        let rows: Vec<_> = rows.map(|batch| batch.unwrap().num_rows()).collect();
        assert!(rows.iter().rev().skip(1).all(|rows| *rows == 3000), "rows that were chosen are kept to");
    }
}

#[test]
fn some_columns_read_no_others() {
    let (shape, file) = wide();
    let (source, ntuple) = Counting::of(&file);
    source.take();
    let batches: Vec<_> =
        ntuple.scan().columns(["i1", "i4"]).batch_rows(10_000).open().unwrap().map(Result::unwrap).collect();
    assert_entries(&batches, 1, 0..shape.entries());
    assert_entries(&batches, 4, 0..shape.entries());
    let reads = source.take();
    assert_eq!(of_pages(&file, &reads, |c, _| c != 1 && c != 4), 0);
    assert_eq!(of_pages(&file, &reads, |_, _| true), size_of_pages(&file, |c, _| c == 1 || c == 4));
    // The pages of a column in a cluster lie side by side: they share requests.
    assert!(page_requests(&file, &reads) <= 2 * 5 * 2, "{}", page_requests(&file, &reads));
}

#[test]
fn a_range_of_entries_reads_its_clusters() {
    let (shape, file) = wide();
    let (source, ntuple) = Counting::of(&file);
    source.take();
    let n = i64::try_from(shape.rows_per_cluster()).unwrap();
    let batches: Vec<_> = ntuple
        .scan()
        .columns(["i2"])
        .entries(2 * n..3 * n)
        .batch_rows(10_000)
        .open()
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_entries(&batches, 2, shape.rows_per_cluster() * 2..shape.rows_per_cluster() * 3);
    let reads = source.take();
    assert_eq!(of_pages(&file, &reads, |_, cluster| cluster != 2), 0);
    // Within a cluster, the pages of the entries.
    let batches: Vec<_> =
        ntuple.scan().columns(["i2"]).entries(60_000..60_001).open().unwrap().map(Result::unwrap).collect();
    assert_entries(&batches, 2, 60_000..60_001);
    let reads = source.take();
    let page = 25_000 * 4 + 8;
    assert!(of_pages(&file, &reads, |_, _| true) <= page, "one entry is on one page");
}

#[test]
fn one_entry_takes_two_page_reads_per_column() {
    let shape =
        Shape { integers: 3, lists: 2, clusters: 6, clusters_per_group: 2, pages: 30, rows: 2000, ..Shape::default() };
    let file = shape.file();
    let (source, ntuple) = Counting::of(&file);
    for (columns, physical) in [(vec!["i0"], 1), (vec!["i0", "i2"], 2), (vec!["l0"], 2), (vec!["*"], 7)] {
        for entry in [0, 1, 1999, 2000, 2001, 4000, 59_999, 60_000, 60_001, 123_456, shape.entries() - 1] {
            // A fresh reader each time, so that nothing is kept.
            let mut reader = ntuple.scan().columns(&columns).threads(1).random_access().unwrap();
            source.take();
            let batch = reader.read(entry..entry + 1).unwrap();
            let reads = source.take();
            let requests = page_requests(&file, &reads);
            assert!(requests <= 2 * physical, "{columns:?}, entry {entry}: {requests} requests");
            let largest = 2000 * 8 + 8;
            assert!(
                of_pages(&file, &reads, |_, _| true) <= 2 * physical as u64 * largest,
                "{columns:?}, entry {entry}"
            );
            if let Some(lists) = batch.column_by_name("l0") {
                assert_eq!(lists.as_list::<i32>().value(0).len() as u64, entry % 3);
            }
            // The same entry, and its neighbour on the page, cost nothing more.
            reader.read(entry..entry + 1).unwrap();
            assert_eq!(page_requests(&file, &source.take()), 0, "{columns:?}, entry {entry} again");
        }
    }
}

/// What is fetched and not yet given out stays within the memory budget, and so does what is asked for at once.
#[test]
fn memory_budget() {
    let shape =
        Shape { integers: 2, lists: 1, clusters: 40, clusters_per_group: 8, pages: 5, rows: 5000, ..Shape::default() };
    let file = shape.file();
    let page = 5000 * 8 + 8;
    for memory in [1 << 20, 4 << 20] {
        for threads in [1, 2] {
            for rows in [Some(1000), Some(7000), None] {
                let (source, ntuple) = Counting::of(&file);
                source.take();
                source.peak.store(0, Ordering::SeqCst);
                let mut scan = ntuple.scan().memory(memory).threads(threads);
                if let Some(rows) = rows {
                    scan = scan.batch_rows(rows);
                }
                let what = format!("{memory} bytes, {threads} threads, {rows:?} rows");
                let (mut done, mut reads) = (0, Vec::new());
                for batch in scan.open().unwrap() {
                    let batch = batch.unwrap();
                    done += batch.num_rows() as u64;
                    reads.extend(source.take());
                    let touched = |page: &&Page| reads.iter().any(|read| overlap(read, &page.range) > 0);
                    let held: u64 =
                        file.pages.iter().filter(touched).map(|page| page.range.end - page.range.start).sum();
                    // Two integers, an index, and one item on average per entry.
                    let given = done * (4 + 4 + 8 + 4);
                    let ahead = held.saturating_sub(given);
                    assert!(ahead <= memory as u64 + page, "{what}: {ahead} bytes ahead at entry {done}");
                    if rows.is_none() {
                        assert!(
                            batch.get_array_memory_size() <= memory,
                            "{what}: a batch of {} bytes",
                            batch.get_array_memory_size()
                        );
                    }
                }
                assert_eq!(done, shape.entries());
                let peak = source.peak.load(Ordering::SeqCst);
                assert!(peak <= memory as u64, "{what}: {peak} bytes asked for at once");
            }
        }
    }
}

/// Batches need not end where pages do; a page that several of them need is fetched once all the same. The pages of two
/// columns that are fetched together lie further apart here than is read along.
#[test]
fn a_page_is_fetched_once() {
    let shape = Shape {
        integers: 2,
        lists: 1,
        clusters: 10,
        clusters_per_group: 8,
        pages: 5,
        rows: 20_000,
        ..Shape::default()
    };
    let file = shape.file();
    for memory in [4 << 20, 16 << 20] {
        for rows in [1000, 7000, 20_000] {
            let (source, ntuple) = Counting::of(&file);
            source.take();
            let batches = ntuple.scan().memory(memory).threads(1).batch_rows(rows).open().unwrap();
            let batches: Vec<_> = batches.map(Result::unwrap).collect();
            assert_entries(&batches, 1, 0..shape.entries());
            let reads = source.take();
            for column in 0..4 {
                let (read, all) =
                    (of_pages(&file, &reads, |c, _| c == column), size_of_pages(&file, |c, _| c == column));
                let what = format!("{memory} bytes, {rows} rows, column {column}");
                assert!(read * 100 <= all * 105, "{what}: {read} bytes of pages read, there are {all}");
            }
        }
    }
}

/// Two of a thousand columns, a hundred clusters: the page lists are read, but no other page.
#[test]
fn few_of_many_columns() {
    let shape = Shape {
        integers: 1000,
        lists: 0,
        clusters: 20,
        clusters_per_group: 100,
        pages: 1,
        rows: 500,
        ..Shape::default()
    };
    let file = shape.file();
    let (source, ntuple) = Counting::of(&file);
    source.take();
    let batches: Vec<_> = ntuple.scan().columns(["i10", "i900"]).open().unwrap().map(Result::unwrap).collect();
    assert_entries(&batches, 10, 0..shape.entries());
    assert_entries(&batches, 900, 0..shape.entries());
    let reads = source.take();
    assert_eq!(of_pages(&file, &reads, |c, _| c != 10 && c != 900), 0);
    assert_eq!(page_requests(&file, &reads), 2 * 20, "1.8 MB lie between two pages that are needed");
}

/// A scan of a field that shares its columns with another reads them once.
#[test]
fn projected_fields_cost_nothing_more() {
    let shape = Shape {
        integers: 2,
        lists: 0,
        clusters: 3,
        clusters_per_group: 100,
        pages: 2,
        rows: 30_000,
        ..Shape::default()
    };
    let header = |header: &mut crate::build::HeaderSpec| {
        let mut field = FieldSpec::new(2, PLAIN, "again", "std::int32_t");
        (field.flags, field.behind) = (0x02, 0_u32.to_le_bytes().to_vec());
        header.fields.push(field);
        header.aliases.push((0, 2));
        assert_eq!(header.columns.len(), 2);
    };
    let file = shape.file_with(&Changes { header: &header, ..NO_CHANGES });
    let (source, ntuple) = Counting::of(&file);
    source.take();
    let batches: Vec<_> =
        ntuple.scan().columns(["i0", "again"]).batch_rows(100_000).open().unwrap().map(Result::unwrap).collect();
    assert_entries(&batches, 0, 0..shape.entries());
    assert!(batches.iter().all(|batch| batch.column(0) == batch.column(1)));
    assert_eq!(of_pages(&file, &source.take(), |_, _| true), size_of_pages(&file, |c, _| c == 0));
}
