//! A file as it is: opened, listed, verified, read.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use rntuple_io::storage::Memory;
use rntuple_io::{NTuple, Reader};

/// Entries read of each data set; an empty one may claim any number.
const MOST: i64 = 10_000;

fn read(ntuple: &NTuple) {
    let _ = ntuple.stat();
    let _ = ntuple.verify(&|_, _| {});
    let _ = (ntuple.arrow_schema(), ntuple.unavailable());
    if let Ok(batches) = ntuple.scan().threads(1).entries(0..MOST).open() {
        for batch in batches {
            if batch.is_err() {
                break;
            }
        }
    }
    if let Ok(mut entries) = ntuple.scan().threads(1).random_access() {
        let _ = entries.read(0..ntuple.entries().min(1));
        let last = ntuple.entries();
        let _ = entries.read(last.saturating_sub(1)..last);
    }
}

fuzz_target!(|data: &[u8]| {
    let Ok(reader) = Reader::from_source("fuzz", Arc::new(Memory::new(data.to_vec()))) else { return };
    for key in reader.list() {
        let Ok(ntuple) = reader.ntuple(&key.to_string()) else { continue };
        read(&ntuple);
        for set in ntuple.attribute_sets() {
            if let Ok(set) = ntuple.attribute_set(&set) {
                read(&set);
            }
        }
    }
});
