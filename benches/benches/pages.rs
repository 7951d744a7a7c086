//! Pages of one column: sealing, unsealing and decoding, for each encoding and each compression.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run has nothing to say")]

mod support;

use std::hint::black_box;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float32Array, Int32Array, Int64Array, ListArray, RecordBatch, UInt16Array};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{ArrowNativeType, DataType, Field, Schema};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rntuple_benches::{Random, truncated};
use rntuple_core::metadata::Locator;
use rntuple_core::page::{CHECKSUM_LEN, unseal};
use rntuple_io::{WriteOptions, Writer};

const ELEMENTS: usize = 1 << 20;

fn array(kind: &str) -> (ArrayRef, Option<&'static str>) {
    let mut random = Random::of(kind, 1);
    let floats = |random: &mut Random| (0..ELEMENTS).map(|_| truncated(random.uniform())).collect::<Vec<f32>>();
    match kind {
        "Bit" => (Arc::new((0..ELEMENTS).map(|_| Some(random.below(3) == 0)).collect::<BooleanArray>()), None),
        "UInt16" => (
            Arc::new(UInt16Array::from_iter_values((0..ELEMENTS).map(|_| (random.bits() >> 50) as u16))),
            Some("UInt16"),
        ),
        "SplitInt32" => {
            (Arc::new(Int32Array::from_iter_values((0..ELEMENTS).map(|_| random.below(5).cast_signed() - 2))), None)
        }
        "SplitInt64" => (Arc::new(Int64Array::from_iter_values((0_i64..).take(ELEMENTS).map(|i| 3 * i))), None),
        "SplitIndex64" => {
            let offsets = OffsetBuffer::<i32>::from_lengths((0..ELEMENTS).map(|_| random.poisson(0.5)));
            let items = UInt16Array::from(vec![0; offsets.last().unwrap().as_usize()]);
            let item = Arc::new(Field::new("item", DataType::UInt16, false));
            (Arc::new(ListArray::new(item, offsets, Arc::new(items), None)), None)
        }
        "Real16" => (Arc::new(Float32Array::from(floats(&mut random))), Some("Real16")),
        "Real32Trunc" => (Arc::new(Float32Array::from(floats(&mut random))), Some("Real32Trunc(13)")),
        "Real32Quant" => (Arc::new(Float32Array::from(floats(&mut random))), Some("Real32Quant(11;0;1)")),
        "Real32" => (Arc::new(Float32Array::from(floats(&mut random))), Some("Real32")),
        _ => (Arc::new(Float32Array::from(floats(&mut random))), None),
    }
}

const KINDS: [&str; 10] = [
    "Bit",
    "UInt16",
    "SplitInt32",
    "SplitInt64",
    "SplitIndex64",
    "SplitReal32",
    "Real32",
    "Real16",
    "Real32Trunc",
    "Real32Quant",
];

fn batch(kind: &str) -> RecordBatch {
    let (array, encoding) = array(kind);
    let mut field = Field::new("x", array.data_type().clone(), false);
    if let Some(encoding) = encoding {
        field = field.with_metadata([("rntuple.encoding".to_owned(), encoding.to_owned())].into());
    }
    RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![array]).unwrap()
}

fn options(compression: &str) -> WriteOptions {
    WriteOptions::default().compression(compression.parse().unwrap()).threads(1)
}

/// Encoding and decoding alone: pages are not compressed.
fn encodings(c: &mut Criterion) {
    let mut group = c.benchmark_group("encode");
    group.throughput(Throughput::Elements(ELEMENTS as u64));
    for kind in KINDS {
        let batch = batch(kind);
        group.bench_with_input(BenchmarkId::from_parameter(kind), &batch, |b, batch| {
            b.iter(|| support::written(std::slice::from_ref(batch), batch.schema(), options("none")));
        });
    }
    group.finish();
    let mut group = c.benchmark_group("decode");
    group.throughput(Throughput::Elements(ELEMENTS as u64));
    for kind in KINDS {
        let batch = batch(kind);
        let ntuple = support::open(support::written(std::slice::from_ref(&batch), batch.schema(), options("none")));
        group.bench_function(kind, |b| b.iter(|| ntuple.scan().threads(1).open().unwrap().count()));
    }
    group.finish();
}

/// Pages of floats with 12 bits of mantissa, sealed and unsealed.
fn compressions(c: &mut Criterion) {
    let batch = batch("SplitReal32");
    for settings in ["none", "zstd:5", "lz4:4", "zlib:1", "lzma:1"] {
        let mut group = c.benchmark_group("seal");
        group.sample_size(10).throughput(Throughput::Bytes(4 * ELEMENTS as u64));
        group.bench_function(settings, |b| {
            b.iter(|| support::written(std::slice::from_ref(&batch), batch.schema(), options(settings)));
        });
        group.finish();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pages.root");
        let mut writer = Writer::create(&path, "Events", batch.schema(), options(settings)).unwrap();
        writer.append(&batch).unwrap();
        writer.finish().unwrap();
        let (file, ntuple) = (std::fs::read(&path).unwrap(), support::open(std::fs::read(&path).unwrap()));
        let mut pages = Vec::new();
        ntuple
            .unsealed_pages(|column, page, _| {
                pages.push((column.clone(), *page));
                Ok(())
            })
            .unwrap();
        let mut group = c.benchmark_group("unseal");
        group.throughput(Throughput::Bytes(4 * ELEMENTS as u64));
        group.bench_function(settings, |b| {
            let mut buffer = Vec::new();
            b.iter(|| {
                for (column, page) in &pages {
                    let Locator::File { offset, size } = page.locator else { continue };
                    let start = usize::try_from(offset).unwrap();
                    let sealed = file.get(start..start + usize::try_from(size).unwrap() + CHECKSUM_LEN).unwrap();
                    black_box(unseal(sealed, page, column, &mut buffer).unwrap());
                }
            });
        });
        group.finish();
    }
}

criterion_group!(benches, encodings, compressions);
criterion_main!(benches);
