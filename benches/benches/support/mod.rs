//! The data of the benchmarks: made in memory, the same in every run.

#![allow(dead_code, reason = "each benchmark uses some of it")]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run has nothing to say")]

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use rntuple_benches::{Random, truncated};
use rntuple_io::row::RowsBuilder;
use rntuple_io::storage::{Memory, MemorySink};
use rntuple_io::{FileWriter, NTuple, Reader, Row, WriteOptions};

#[derive(Row, Debug, Default, Clone)]
pub(crate) struct Hit {
    pub(crate) x: f32,
    pub(crate) time: u16,
}

#[derive(Row, Debug, Default, Clone)]
pub(crate) struct Event {
    pub(crate) number: u64,
    pub(crate) weight: f64,
    pub(crate) passed: bool,
    pub(crate) pt: Vec<f32>,
    pub(crate) eta: Vec<f32>,
    pub(crate) charge: Vec<i32>,
    pub(crate) hits: Vec<Hit>,
    pub(crate) vertex: Option<u32>,
    pub(crate) stream: String,
}

impl Event {
    fn random(number: u64, random: &mut Random) -> Self {
        let tracks = random.poisson(4.0);
        let mut floats = |mean| -> Vec<f32> { (0..tracks).map(|_| truncated(random.exponential(mean))).collect() };
        let (pt, eta) = (floats(30.0), floats(1.0));
        let hits = (0..random.poisson(6.0))
            .map(|_| Hit { x: truncated(random.normal()), time: u16::try_from(random.below(4000)).unwrap_or_default() })
            .collect();
        Self {
            number,
            weight: random.normal(),
            passed: random.below(3) == 0,
            charge: (0..tracks).map(|_| if random.below(2) == 0 { 1 } else { -1 }).collect(),
            pt,
            eta,
            hits,
            vertex: (random.below(4) > 0).then(|| random.below(60)),
            stream: if random.below(3) == 0 { "calibration" } else { "physics" }.to_owned(),
        }
    }
}

/// Entries of [`events`].
pub(crate) const ENTRIES: u64 = 50_000;

/// The events as structs.
pub(crate) fn events() -> Vec<Event> {
    let mut random = Random::new(1);
    (0..ENTRIES).map(|number| Event::random(number, &mut random)).collect()
}

/// The events as batches of `rows`.
pub(crate) fn batches(events: &[Event], rows: usize) -> Vec<RecordBatch> {
    let mut builder = RowsBuilder::of::<Event>();
    events
        .chunks(rows)
        .map(|events| {
            events.iter().for_each(|event| builder.push(event));
            builder.finish().unwrap()
        })
        .collect()
}

/// A file in memory that holds these batches.
pub(crate) fn written(batches: &[RecordBatch], schema: SchemaRef, options: WriteOptions) -> Vec<u8> {
    let sink = MemorySink::new();
    let file = FileWriter::to_sink("memory", Box::new(sink.clone()), &options).unwrap();
    let mut writer = file.ntuple("Events", schema, options).unwrap();
    batches.iter().for_each(|batch| writer.append(batch).unwrap());
    writer.finish().unwrap();
    file.finish().unwrap();
    sink.bytes()
}

/// The events as a data set.
pub(crate) fn ntuple(options: WriteOptions) -> NTuple {
    open(written(&batches(&events(), 10_000), Event::schema(), options))
}

pub(crate) fn open(bytes: Vec<u8>) -> NTuple {
    Reader::from_source("memory", Arc::new(Memory::new(bytes))).unwrap().only().unwrap()
}

/// A file of `columns` floats in `clusters` clusters of 10 entries.
pub(crate) fn wide(columns: usize, clusters: usize) -> Vec<u8> {
    let fields: Vec<Field> = (0..columns).map(|i| Field::new(format!("c{i}"), DataType::Float32, false)).collect();
    let schema: SchemaRef = Arc::new(Schema::new(fields));
    let mut random = Random::new(2);
    let arrays = (0..columns).map(|_| {
        let values = (0..10).map(|_| truncated(random.normal()));
        Arc::new(arrow::array::Float32Array::from_iter_values(values)) as arrow::array::ArrayRef
    });
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays.collect()).unwrap();
    let sink = MemorySink::new();
    let options = WriteOptions::default();
    let file = FileWriter::to_sink("memory", Box::new(sink.clone()), &options).unwrap();
    let mut writer = file.ntuple("Events", schema, options).unwrap();
    for _ in 0..clusters {
        writer.append(&batch).unwrap();
        writer.flush_cluster().unwrap();
    }
    writer.finish().unwrap();
    file.finish().unwrap();
    sink.bytes()
}
