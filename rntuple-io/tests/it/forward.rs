//! Files from later versions of the format: what this version knows of them can be read.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int32Type;
use rntuple_core::Error as FormatError;
use rntuple_io::storage::Memory;
use rntuple_io::{Error, NTuple, Reader};

use crate::build::{FooterSpec, HeaderSpec, typed_locator};
use crate::synthetic::{Changes, File, NO_CHANGES, Shape};

fn open(file: File) -> Result<NTuple, Error> {
    Reader::from_source("later.root", Arc::new(Memory::new(file.bytes)))?.ntuple("data")
}

fn names(batch: &RecordBatch) -> Vec<String> {
    batch.schema().fields().iter().map(|field| field.name().clone()).collect()
}

/// Field `i1` is not to be had, with this in the reason; `i0`, `i2` and `l0` are.
fn assert_unavailable(change: impl Fn(&mut HeaderSpec), reason: &str) {
    let shape = Shape { lists: 1, ..Shape::default() };
    let ntuple = open(shape.file_with(&Changes { header: &change, ..NO_CHANGES })).unwrap();
    assert_eq!(ntuple.entries(), shape.entries());
    let unavailable = ntuple.unavailable().unwrap();
    let [(field, why)] = unavailable else { panic!("{unavailable:?}") };
    assert_eq!(field, "i1");
    assert!(why.contains(reason), "'{why}' does not say '{reason}'");

    for patterns in [vec!["**"], vec!["*"], vec!["i*", "l0"]] {
        let batches = ntuple.scan().columns(&patterns).open().unwrap();
        assert_eq!(batches.skipped(), unavailable, "{patterns:?}");
        let batches: Vec<_> = batches.map(Result::unwrap).collect();
        assert_eq!(names(&batches[0]), ["i0", "i2", "l0"]);
        let values = batches[0].column(1).as_primitive::<Int32Type>().values();
        assert!(values.iter().copied().eq((0..40).map(|entry| 2_000_000 + entry)));
    }
    for patterns in [vec!["i1"], vec!["*", "i1"], vec!["i1.more"]] {
        let error = ntuple.scan().columns(&patterns).open().map(|_| ()).unwrap_err();
        let Error::Format { source, .. } = &error else { panic!("{error:?}") };
        assert!(matches!(&**source, FormatError::FieldUnavailable { field, .. } if field == "i1"), "{error:?}");
        let text = error.to_string();
        assert!(text.contains(reason) && text.contains("later.root") && text.contains("'i1'"), "{text}");
    }
    assert!(ntuple.verify(&|_, _| {}).unwrap().damage.is_empty(), "its pages are whole all the same");
    assert_eq!(ntuple.stat().unwrap().len(), 5);
}

#[test]
fn unknown_parts_of_the_schema() {
    assert_unavailable(|header| header.columns[1].kind = 0x99, "0x99");
    assert_unavailable(|header| header.fields[1].role = 0x99, "0x99");
    assert_unavailable(|header| header.fields[1].version = 1, "version 1");
    assert_unavailable(|header| header.fields[1].flags = 0x4000, "flag");
    assert_unavailable(|header| header.columns[1].flags = 0x0100, "flag");
}

#[test]
fn everything_unknown() {
    let change = |header: &mut HeaderSpec| header.fields.iter_mut().for_each(|field| field.role = 0x99);
    let shape = Shape::default();
    let ntuple = open(shape.file_with(&Changes { header: &change, ..NO_CHANGES })).unwrap();
    assert_eq!(ntuple.unavailable().unwrap().len(), 3);
    let rows: Vec<usize> = ntuple.scan().batch_rows(15).open().unwrap().map(|b| b.unwrap().num_rows()).collect();
    assert_eq!(rows, [15, 15, 10], "the entries are still there");
}

#[test]
fn what_is_appended_is_skipped() {
    let header = |header: &mut HeaderSpec| {
        header.fields.iter_mut().for_each(|field| field.behind = vec![1; 5]);
        header.columns.iter_mut().for_each(|column| column.behind = vec![2; 6]);
        (header.behind_lists, header.behind) = (vec![3; 7], vec![4; 8]);
    };
    let footer = |footer: &mut FooterSpec| {
        footer.groups.iter_mut().for_each(|group| group.behind = vec![5; 9]);
        footer.behind = vec![6; 10];
    };
    let shape = Shape { lists: 1, ..Shape::default() };
    let changed = open(shape.file_with(&Changes { header: &header, footer: &footer, ..NO_CHANGES })).unwrap();
    let plain = open(shape.file()).unwrap();
    let read = |ntuple: &NTuple| crate::support::whole(ntuple.scan(), ntuple.entries());
    assert_eq!(read(&changed), read(&plain));
}

#[test]
fn unknown_features_refuse_the_file() {
    let more = 1_u64 << 63;
    for (words, bit) in [(vec![1], 0), (vec![1 << 62], 62), (vec![more, 1], 64), (vec![more, more, 1 << 9], 137)] {
        let header = |header: &mut HeaderSpec| header.features.clone_from(&words);
        let footer = |footer: &mut FooterSpec| footer.features.clone_from(&words);
        for changes in [Changes { header: &header, ..NO_CHANGES }, Changes { footer: &footer, ..NO_CHANGES }] {
            let error = open(Shape::default().file_with(&changes)).map(|_| ()).unwrap_err();
            let text = error.to_string();
            assert!(text.contains(&format!("feature: flag bit {bit}")), "{text}");
            assert!(text.contains("later.root"), "{text}");
        }
    }
    let words = [more, 0];
    let header = |header: &mut HeaderSpec| header.features = words.to_vec();
    assert!(open(Shape::default().file_with(&Changes { header: &header, ..NO_CHANGES })).is_ok());
}

/// A page in an unknown place takes the entries that need it away, and no others.
#[test]
fn unknown_locators() {
    let shape = Shape { clusters: 3, ..Shape::default() };
    for payload in [0, 8, 30] {
        let locator = |column, cluster, number, known: Vec<u8>| match (column, cluster, number) {
            (1, 1, 1) => typed_locator(0x7e, &vec![9; payload]),
            _ => known,
        };
        let ntuple = open(shape.file_with(&Changes { locator: &locator, ..NO_CHANGES })).unwrap();
        for column in ["i0", "i2"] {
            let rows: usize = ntuple.scan().columns([column]).open().unwrap().map(|b| b.unwrap().num_rows()).sum();
            assert_eq!(rows, 60);
        }
        // Entries 30 to 39 of the field are gone.
        for threads in [1, 2] {
            let results: Vec<_> =
                ntuple.scan().columns(["i1"]).batch_rows(10).threads(threads).open().unwrap().collect();
            assert_eq!(results.len(), 4, "three batches and an error");
            assert!(results[..3].iter().all(Result::is_ok));
            let text = results[3].as_ref().unwrap_err().to_string();
            assert!(text.contains("locator") && text.contains("i1"), "{text}");
        }
        let mut reader = ntuple.scan().columns(["i1"]).random_access().unwrap();
        assert!(reader.read(29..30).is_ok() && reader.read(40..60).is_ok());
        assert!(reader.read(30..31).is_err() && reader.read(39..40).is_err());
        let report = ntuple.verify(&|_, _| {}).unwrap();
        assert_eq!(report.damage.len(), 1, "{:?}", report.damage);
        assert_eq!(report.pages, 3 * 3 * 2 - 1);
    }
}

#[test]
fn unknown_locator_of_a_page_list() {
    let footer = |footer: &mut FooterSpec| footer.groups[1].locator = typed_locator(0x7e, &[1, 2, 3]);
    let shape = Shape { clusters: 4, clusters_per_group: 2, ..Shape::default() };
    let ntuple = open(shape.file_with(&Changes { footer: &footer, ..NO_CHANGES })).unwrap();
    assert_eq!(ntuple.entries(), 80);
    let mut reader = ntuple.scan().random_access().unwrap();
    assert_eq!(reader.read(0..40).unwrap().num_rows(), 40);
    let text = reader.read(40..41).map(|_| ()).unwrap_err().to_string();
    assert!(text.contains("page list of cluster group 1") && text.contains("locator"), "{text}");
}
