//! However a set is cut into batches, whatever the threads and the memory, the values are the same.

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use rntuple_io::Scan;

use crate::support::{Set, sets};

/// Reads everything, and compares each batch with the same rows of `whole`.
fn check(what: &str, scan: Scan, batch_rows: Option<usize>, whole: &RecordBatch) -> Vec<RecordBatch> {
    let batches = scan.open().unwrap_or_else(|e| panic!("{what}: {e}"));
    assert_eq!(batches.schema(), whole.schema(), "{what}");
    let mut next = 0;
    let mut out = Vec::new();
    for batch in batches {
        let batch = batch.unwrap_or_else(|e| panic!("{what}: batch at row {next}: {e}"));
        let rows = batch.num_rows();
        assert!(rows > 0, "{what}: an empty batch");
        assert!(next + rows <= whole.num_rows(), "{what}: too many rows");
        if let Some(wanted) = batch_rows {
            assert_eq!(rows, wanted.min(whole.num_rows() - next), "{what}: rows of the batch at row {next}");
        }
        assert_eq!(batch, whole.slice(next, rows), "{what}: batch at row {next}");
        next += rows;
        out.push(batch);
    }
    assert_eq!(next, whole.num_rows(), "{what}: rows in all");
    out
}

#[test]
fn batches_threads_and_memory_do_not_matter() {
    for set in sets() {
        let whole = set.whole();
        assert_eq!(whole.num_rows() as u64, set.ntuple.entries());
        let rows: &[Option<usize>] =
            if set.is_small() { &[Some(1), Some(3), Some(7), Some(1000), None] } else { &[Some(700_000), None] };
        for &batch_rows in rows {
            for threads in [1, 2] {
                for memory in [Some(1 << 10), None] {
                    if !set.is_small() && memory.is_some() && batch_rows.is_none() {
                        // Single rows of millions.
                        continue;
                    }
                    let mut scan = set.scan().threads(threads);
                    if let Some(rows) = batch_rows {
                        scan = scan.batch_rows(rows);
                    }
                    if let Some(memory) = memory {
                        scan = scan.memory(memory);
                    }
                    let what = format!("{}, {batch_rows:?} rows, {threads} threads, {memory:?} bytes", set.name());
                    let batches = check(&what, scan, batch_rows, &whole);
                    if whole.num_columns() > 0 && !batches.is_empty() {
                        assert_eq!(concat_batches(&whole.schema(), &batches).unwrap(), whole, "{what}");
                    }
                }
            }
        }
    }
}

#[test]
fn ranges_of_entries_are_slices() {
    for set in sets() {
        let whole = set.whole();
        let n = i64::try_from(set.ntuple.entries()).unwrap();
        for (start, end) in [(0, 1), (1, 2), (n / 3, n / 2), (n / 2, n), (-1, i64::MAX), (-5, -2), (n, n + 5), (5, 5)] {
            let range = rntuple_io::EntryRange::from(start..end).resolve(set.ntuple.entries());
            let (first, len) =
                (usize::try_from(range.start).unwrap(), usize::try_from(range.end - range.start).unwrap());
            let rows = if set.is_small() { 2 } else { 100_000 };
            let what = format!("{}, entries {start} to {end}", set.name());
            let scan = set.scan().entries(start..end).batch_rows(rows);
            check(&what, scan, Some(rows), &whole.slice(first, len));
        }
    }
}

#[test]
fn random_access_is_a_slice() {
    for set in sets() {
        let whole = set.whole();
        let n = set.ntuple.entries();
        let slice =
            |start: u64, end: u64| whole.slice(usize::try_from(start).unwrap(), usize::try_from(end - start).unwrap());
        for memory in [1 << 10, 64 << 20] {
            for threads in [1, 2] {
                let mut reader = set.scan().memory(memory).threads(threads).random_access().unwrap();
                assert_eq!(reader.schema(), whole.schema());
                let what = format!("{}, {memory} bytes, {threads} threads", set.name());
                // Backwards and with steps, so that no entry profits from the one before.
                let entries: Vec<u64> = match n {
                    0 => vec![],
                    _ if set.is_small() => (0..n).map(|i| (n - 1 - i) * 7 % n).collect(),
                    _ => vec![n - 1, 0, n / 2, n / 2 - 1],
                };
                for entry in entries {
                    assert_eq!(reader.read(entry..entry + 1).unwrap(), slice(entry, entry + 1), "{what}: {entry}");
                }
                for (start, end) in [(0, n), (n / 2, n), (n / 3, n / 3 + n / 4), (n / 2, n / 2), (n, n)] {
                    assert_eq!(reader.read(start..end).unwrap(), slice(start, end), "{what}: {start}..{end}");
                }
                assert!(reader.read(0..n + 1).is_err(), "{what}");
                assert!(reader.read(n + 1..n + 2).is_err(), "{what}");
                #[expect(clippy::reversed_empty_ranges, reason = "it must be refused")]
                let reversed = 1..0;
                assert!(reader.read(reversed).is_err(), "{what}");
            }
        }
    }
}

#[test]
fn a_single_field_is_a_column_of_all() {
    for set in sets().into_iter().filter(Set::is_small) {
        let whole = set.whole();
        for (i, field) in whole.schema().fields().iter().enumerate() {
            // A name may hold what is special in a pattern; it must still find its field.
            let batches = set.scan().columns([field.name()]).open().unwrap_or_else(|e| panic!("{}: {e}", set.name()));
            let batches: Vec<RecordBatch> = batches.map(Result::unwrap).collect();
            let expected = whole.project(&[i]).unwrap();
            assert_eq!(concat_batches(&expected.schema(), &batches).unwrap(), expected, "{}: {field}", set.name());
        }
    }
}
