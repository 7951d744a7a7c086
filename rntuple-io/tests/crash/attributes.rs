//! Attribute sets of data sets that were not finished.

use std::fs;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::UInt64Type;
use rntuple_io::{NTuple, WriteOptions, Writer, recover};

use crate::data::{assert_counts, batch, open, schema};
use crate::truncate::records;

fn marks(first: i64) -> RecordBatch {
    let marks: ArrayRef = Arc::new(Int64Array::from(vec![first, first + 1]));
    RecordBatch::try_from_iter_with_nullable([("mark", marks, false)]).unwrap()
}

fn starts(set: &NTuple) -> Vec<u64> {
    let batches = set.scan().open().unwrap().map(Result::unwrap);
    let starts = batches.map(|batch| batch.column(0).as_primitive::<UInt64Type>().values().to_vec());
    starts.collect::<Vec<_>>().concat()
}

#[test]
fn links_are_kept_or_made_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.root");
    let options = WriteOptions::default().threads(1);
    let mut writer = Writer::create(&path, "Events", schema(), options).unwrap();
    let mut set = writer.attribute_set("quality", &marks(0).schema()).unwrap();
    for cluster in 0..3 {
        writer.append(&batch(cluster * 100..(cluster + 1) * 100)).unwrap();
        writer.flush_cluster().unwrap();
        let start = cluster as u64 * 100;
        set.append(&[start..start + 50, start + 50..start + 100], &marks(cluster)).unwrap();
    }
    writer.add_attribute_set(set).unwrap();
    writer.append(&batch(300..400)).unwrap();
    writer.finish().unwrap();
    let bytes = fs::read(&path).unwrap();
    let (cut, saved) = (directory.path().join("cut.root"), directory.path().join("saved.root"));
    let mut seen = 0;
    for place in records(&bytes) {
        fs::write(&cut, &bytes[..place]).unwrap();
        let Ok(recovered) = recover(&cut, &saved) else { continue };
        let ntuple = open(&saved);
        let entries = assert_counts(&ntuple);
        // The set has a header from the start, and was written once the third cluster was.
        if ntuple.attribute_sets().is_empty() {
            assert_eq!(entries, 0, "{recovered}");
            continue;
        }
        assert_eq!(ntuple.attribute_sets(), ["quality"]);
        let set = ntuple.attribute_set("quality").unwrap();
        crate::data::assert_whole(&set);
        assert!(recovered.ntuples.iter().any(|ntuple| ntuple.path == "Events:quality"), "{recovered}");
        let starts = starts(&set);
        assert!(starts.is_empty() || starts == [0, 50, 100, 150, 200, 250], "{starts:?}");
        seen += usize::from(!starts.is_empty());
    }
    assert!(seen >= 3, "{seen}");
}
