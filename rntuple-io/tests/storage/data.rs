//! Data whose every value follows from the number of its entry, so that any piece of it can be checked.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float32Array, Float64Array, ListArray, RecordBatch, StringArray, UInt64Array,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Float32Type, Float64Type, UInt64Type};
use rntuple_core::compression::CompressionSettings;
use rntuple_io::storage::{ByteSink, MemorySink, Storage};
use rntuple_io::{FileWriter, NTuple, Reader, Result, WriteOptions};

/// Entries that are appended at once.
const BATCH: u64 = 100_000;

/// A number that looks random.
pub(crate) fn mix(n: u64) -> u64 {
    let mut z = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Content {
    /// Tells one content from another; it is part of every value.
    pub(crate) version: u64,
    pub(crate) entries: u64,
}

impl Content {
    pub(crate) fn new(version: u64, entries: u64) -> Self {
        Self { version, entries }
    }

    fn id(self, entry: u64) -> u64 {
        (self.version << 40) + entry
    }

    /// Noise that nothing compresses.
    fn x(self, entry: u64) -> f64 {
        f64::from_bits((mix(self.id(entry)) >> 12) | 0x3ff0_0000_0000_0000)
    }

    fn v(self, entry: u64) -> impl Iterator<Item = f32> {
        let id = self.id(entry);
        (0..entry % 4).map(move |i| f32::from_bits(u32::try_from(mix(id ^ (i << 60)) >> 41).unwrap() | 0x3f80_0000))
    }

    fn s(self, entry: u64) -> String {
        format!("{}-{}", self.version, entry % 100)
    }

    /// Entries from `first` on.
    pub(crate) fn batch(self, first: u64, rows: u64) -> RecordBatch {
        let entries = || first..first + rows;
        let id: ArrayRef = Arc::new(UInt64Array::from_iter_values(entries().map(|e| self.id(e))));
        let x: ArrayRef = Arc::new(Float64Array::from_iter_values(entries().map(|e| self.x(e))));
        let items = Arc::new(Float32Array::from_iter_values(entries().flat_map(|e| self.v(e))));
        let ends = OffsetBuffer::from_lengths(entries().map(|e| usize::try_from(e % 4).unwrap()));
        let item = Arc::new(Field::new("item", DataType::Float32, false));
        let v: ArrayRef = Arc::new(ListArray::new(item, ends, items, None));
        let s: ArrayRef = Arc::new(StringArray::from_iter_values(entries().map(|e| self.s(e))));
        RecordBatch::try_from_iter([("id", id), ("x", x), ("v", v), ("s", s)]).unwrap()
    }

    /// Whether a batch, which may lack fields, has the values of the entries from `first` on.
    pub(crate) fn check(self, batch: &RecordBatch, first: u64) {
        let at = |i: usize| first + i as u64;
        if let Some(ids) = batch.column_by_name("id") {
            let ids = ids.as_primitive::<UInt64Type>();
            for (i, id) in ids.values().iter().enumerate() {
                assert_eq!(*id, self.id(at(i)), "id of entry {}", at(i));
            }
        }
        if let Some(x) = batch.column_by_name("x") {
            for (i, x) in x.as_primitive::<Float64Type>().values().iter().enumerate() {
                assert_eq!(x.to_bits(), self.x(at(i)).to_bits(), "x of entry {}", at(i));
            }
        }
        if let Some(v) = batch.column_by_name("v") {
            let v = v.as_list::<i32>();
            for i in 0..v.len() {
                let values = v.value(i);
                let same = values.as_primitive::<Float32Type>().values().iter().copied().eq(self.v(at(i)));
                assert!(same, "v of entry {}", at(i));
            }
        }
        if let Some(s) = batch.column_by_name("s") {
            for (i, s) in s.as_string::<i32>().iter().enumerate() {
                assert_eq!(s, Some(&*self.s(at(i))), "s of entry {}", at(i));
            }
        }
    }

    /// Reads everything and compares it.
    pub(crate) fn scan(self, data: &NTuple) -> Result<()> {
        assert_eq!(data.entries(), self.entries);
        let mut next = 0;
        for batch in data.scan().open()? {
            let batch = batch?;
            assert_eq!(batch.num_columns(), 4);
            self.check(&batch, next);
            next += batch.num_rows() as u64;
        }
        assert_eq!(next, self.entries);
        Ok(())
    }

    /// Writes to a file that is open, up to some number of entries.
    fn append(self, file: &FileWriter, options: WriteOptions, most: u64) -> Result<rntuple_io::Writer> {
        let mut writer = file.ntuple("data", self.batch(0, 0).schema(), options)?;
        let mut first = 0;
        while first < most {
            let rows = BATCH.min(most - first);
            writer.append(&self.batch(first, rows))?;
            first += rows;
        }
        Ok(writer)
    }

    /// Writes a file to a path or URI; returns its size.
    pub(crate) fn write(self, name: &str, storage: &Storage) -> Result<u64> {
        let file = FileWriter::create_with(name, &options(), storage)?;
        self.append(&file, options(), self.entries)?.finish()?;
        file.finish()
    }

    /// Writes half of a file, and gives up.
    pub(crate) fn write_half(self, name: &str, storage: &Storage) -> Result<()> {
        let file = FileWriter::create_with(name, &options(), storage)?;
        drop(self.append(&file, options(), self.entries / 2)?);
        drop(file);
        Ok(())
    }

    /// The bytes of such a file.
    pub(crate) fn bytes(self) -> Vec<u8> {
        let sink = MemorySink::new();
        let file = FileWriter::to_sink("memory", Box::new(sink.clone()) as Box<dyn ByteSink>, &options()).unwrap();
        self.append(&file, options(), self.entries).unwrap().finish().unwrap();
        file.finish().unwrap();
        sink.bytes()
    }
}

/// Clusters of 4 MiB, so that some megabytes have several of them, and pages of 64 KiB. Time goes into compression of
/// noise otherwise.
fn options() -> WriteOptions {
    WriteOptions::default()
        // As a file is.
        .overwrite(true)
        .compression(CompressionSettings::NONE)
        .approx_zipped_cluster_size(4 << 20)
        .max_unzipped_page_size(64 << 10)
}

pub(crate) fn open(name: &str, storage: &Storage) -> Result<NTuple> {
    Reader::open_with(name, storage)?.only()
}
