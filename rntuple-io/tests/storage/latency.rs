//! A server that is 20 ms away: few requests, many at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float32Array, Int32Array, ListArray, RecordBatch, UInt32Array, UInt64Array,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{Field, Float32Type, UInt32Type, UInt64Type};
use rntuple_io::storage::{MemorySink, Storage};
use rntuple_io::{FileWriter, WriteOptions};

use crate::data::{mix, open};
use crate::server::{Habits, Server};

const ENTRIES: u32 = 400_000;
const LATENCY: Duration = Duration::from_millis(20);
const BANDWIDTH: u32 = 10_000_000;
const FIVE: [&str; 5] = ["run", "event", "Muon_pt", "Jet_pt", "MET_pt"];

fn noise(field: usize, entry: u32, item: u32) -> u64 {
    mix(((field as u64) << 48) ^ (u64::from(entry) << 8) ^ u64::from(item))
}

/// About as many bits as a momentum has.
fn momentum(field: usize, entry: u32, item: u32) -> f32 {
    let noise = u16::try_from(noise(field, entry, item) >> 48).unwrap();
    5.0 + f32::from(noise) / 256.0
}

/// How many items a collection has in an entry.
fn items(collection: usize, entry: u32) -> u32 {
    let most = [3, 2, 11][collection];
    u32::try_from(noise(200 + collection, entry, 0) % most).unwrap()
}

/// Shaped like `NanoAOD` files: 91 fields, of which 50 are bits and 30 members of three collections. The values are
/// noise of 16 bits, which costs less time than physics.
fn batch(first: u32, rows: u32) -> RecordBatch {
    let entries = || first..first + rows;
    let mut fields: Vec<(String, ArrayRef)> = vec![
        ("run".to_owned(), Arc::new(UInt32Array::from_iter_values(entries().map(|e| 362_000 + e / 20_000)))),
        (
            "luminosityBlock".to_owned(),
            Arc::new(UInt32Array::from_iter_values(entries().map(|e| 1 + e % 20_000 / 400))),
        ),
        ("event".to_owned(), Arc::new(UInt64Array::from_iter_values(entries().map(event)))),
    ];
    for (collection, (name, members)) in [("Muon", 12), ("Electron", 8), ("Jet", 10)].into_iter().enumerate() {
        let sizes = || OffsetBuffer::<i32>::from_lengths(entries().map(|e| items(collection, e) as usize));
        for member in 0..members {
            let number = 10 * collection + member;
            let values = entries().flat_map(|e| (0..items(collection, e)).map(move |i| momentum(number, e, i)));
            let values = Arc::new(Float32Array::from_iter_values(values));
            let item = Arc::new(Field::new("item", values.data_type().clone(), false));
            let member = if member == 0 { "pt".to_owned() } else { format!("member{member}") };
            fields.push((format!("{name}_{member}"), Arc::new(ListArray::new(item, sizes(), values, None))));
        }
        let counts = entries().map(|e| i32::try_from(items(collection, e)).unwrap());
        fields.push((format!("n{name}"), Arc::new(Int32Array::from_iter_values(counts))));
    }
    for path in 0..50 {
        let bits: BooleanArray = entries().map(|e| Some(noise(60 + path, e, 0) % 1000 < 1 + 4 * path as u64)).collect();
        fields.push((format!("HLT_path{path}"), Arc::new(bits)));
    }
    for (i, name) in ["MET_pt", "MET_phi", "MET_sumEt", "fixedGridRho", "PV_npvs"].into_iter().enumerate() {
        let values = Float32Array::from_iter_values(entries().map(|e| momentum(120 + i, e, 0)));
        fields.push((name.to_owned(), Arc::new(values)));
    }
    RecordBatch::try_from_iter(fields).unwrap()
}

fn event(entry: u32) -> u64 {
    1_000_000 + u64::from(entry) * 37 + noise(2, entry, 0) % 37
}

fn file() -> Vec<u8> {
    let sink = MemorySink::new();
    let options = WriteOptions::default();
    let file = FileWriter::to_sink("nano", Box::new(sink.clone()), &options).unwrap();
    let schema = batch(0, 0).schema();
    assert_eq!(schema.fields().len(), 91);
    let mut writer = file.ntuple("Events", schema, options).unwrap();
    for first in (0..ENTRIES).step_by(50_000) {
        writer.append(&batch(first, 50_000)).unwrap();
    }
    writer.finish().unwrap();
    file.finish().unwrap();
    sink.bytes()
}

fn check(batch: &RecordBatch, first: u32) {
    let column = |name| batch.column_by_name(name).unwrap();
    for (e, row) in (first..).zip(0..batch.num_rows()) {
        assert_eq!(column("run").as_primitive::<UInt32Type>().value(row), 362_000 + e / 20_000);
        assert_eq!(column("event").as_primitive::<UInt64Type>().value(row), event(e));
        assert_eq!(column("MET_pt").as_primitive::<Float32Type>().value(row).to_bits(), momentum(120, e, 0).to_bits());
        assert_eq!(column("Muon_pt").as_list::<i32>().value_length(row), i32::try_from(items(0, e)).unwrap());
        assert_eq!(column("Jet_pt").as_list::<i32>().value_length(row), i32::try_from(items(2, e)).unwrap());
    }
}

#[test]
fn five_fields_of_many() {
    let bytes = file();
    let size = bytes.len();
    let server = Server::new();
    server.put("nano.root", bytes);
    server.habits(Habits { latency: LATENCY, bandwidth: BANDWIDTH.into(), ..Habits::default() });
    let storage = Storage::new().hedge_after(None);
    let mut tries = Vec::new();
    // Others may need this machine, too: once is enough.
    while tries.len() < 8 && tries.last().is_none_or(|(took, most)| took > most) {
        let since = Instant::now();
        let data = open(&server.uri("nano.root"), &storage).unwrap();
        let opened = data.metrics().requests;
        let batches: Vec<RecordBatch> = data.scan().columns(FIVE).open().unwrap().collect::<Result<_, _>>().unwrap();
        let took = since.elapsed();
        let metrics = data.metrics();
        let bytes = u32::try_from(metrics.bytes_asked).unwrap();
        let ideal = LATENCY * 3 + Duration::from_secs(1) * bytes / BANDWIDTH;
        println!(
            "{size} bytes; {opened} requests to open it, {} to read five fields: {took:?}, three round trips and {bytes} \
             bytes at {BANDWIDTH} per second are {ideal:?}; {} bytes were read",
            metrics.requests - opened,
            metrics.bytes_read
        );
        assert!(opened <= 2, "{opened} requests to open");
        // The five fields have seven columns of one cluster, which fit into one window: at most one range for each. The
        // page list lies in the end that opening read.
        assert!(metrics.requests - opened <= 7, "{metrics:?}");
        assert!(metrics.overhead() < 1.3, "{metrics:?}");
        let mut first = 0;
        for batch in &batches {
            check(batch, first);
            first += u32::try_from(batch.num_rows()).unwrap();
        }
        assert_eq!(first, ENTRIES);
        tries.push((took, ideal.mul_f64(1.3)));
    }
    let (took, most) = tries.last().unwrap();
    assert!(took <= most, "{took:?}, but no more than {most:?} was expected");
}
