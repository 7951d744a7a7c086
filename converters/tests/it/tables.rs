//! Arrow tables of any type, made from a seed, and the files that hold them.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "numbers that look random may be cut"
)]

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::types::{IntervalDayTime, IntervalMonthDayNano};
use arrow::array::*;
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::*;
use arrow::ipc::reader::FileReader;
use arrow::ipc::writer::FileWriter;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// Numbers that look random.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % n
    }

    fn int(&mut self) -> i64 {
        let bits = self.below(63);
        let value = i64::try_from(self.below(1 << bits.max(1))).unwrap();
        if self.below(2) == 0 { value } else { -value }
    }

    fn chance(&mut self, one_in: u64) -> bool {
        self.below(one_in) == 0
    }
}

const UNITS: [TimeUnit; 4] = [TimeUnit::Second, TimeUnit::Millisecond, TimeUnit::Microsecond, TimeUnit::Nanosecond];

/// Any type that Parquet can hold, or any at all.
pub(crate) fn any_type(r: &mut Random, depth: u32, parquet: bool) -> DataType {
    use DataType as D;
    let unit = |r: &mut Random| UNITS[r.below(4) as usize];
    let item = |r: &mut Random| {
        let name = ["item", "element", "_0"][r.below(3) as usize];
        Arc::new(any_field(r, name, depth - 1, parquet))
    };
    let all = if parquet { 46 } else { 51 };
    match r.below(if depth == 0 { 36 } else { all }) {
        0 => D::Boolean,
        1 => D::Int8,
        2 => D::Int16,
        3 => D::Int32,
        4 => D::Int64,
        5 => D::UInt8,
        6 => D::UInt16,
        7 => D::UInt32,
        8 => D::UInt64,
        9 => D::Float16,
        10 => D::Float32,
        11 => D::Float64,
        12 => D::Timestamp(unit(r), None),
        13 => D::Timestamp(unit(r), Some("Europe/Zurich".into())),
        14 => D::Date32,
        15 => D::Date64,
        16 => D::Time32(UNITS[r.below(2) as usize]),
        17 => D::Time64(UNITS[2 + r.below(2) as usize]),
        18 => D::Duration(unit(r)),
        19 => D::Interval(IntervalUnit::DayTime),
        20 => D::Interval(IntervalUnit::YearMonth),
        21 => D::Decimal32(7, 2),
        22 => D::Decimal64(15, 3),
        23 => D::Decimal128(18, 4),
        24 => D::Decimal128(38, 10),
        25 => D::Decimal256(12, 2),
        26 => D::Decimal256(60, 2),
        27 => D::Utf8,
        28 => D::LargeUtf8,
        29 => D::Utf8View,
        30 => D::Binary,
        31 => D::LargeBinary,
        32 => D::BinaryView,
        33 => D::FixedSizeBinary(1 + r.below(20) as i32),
        34 => D::Null,
        35 => {
            let key = [D::Int8, D::Int32, D::UInt16][r.below(3) as usize].clone();
            D::Dictionary(Box::new(key), Box::new(D::Utf8))
        }
        36 | 37 => D::List(item(r)),
        38 => D::LargeList(item(r)),
        39 => D::FixedSizeList(item(r), 1 + r.below(3) as i32),
        40..=42 => {
            let n = 1 + r.below(3);
            D::Struct((0..n).map(|i| any_field(r, &format!("m{i}"), depth - 1, parquet)).collect())
        }
        43..=45 => {
            let names = [("entries", "keys", "values"), ("key_value", "key", "value")][r.below(2) as usize];
            let key = [D::Utf8, D::Int32, D::Date32, D::LargeUtf8][r.below(4) as usize].clone();
            let value = any_field(r, names.2, depth - 1, parquet);
            let pair = D::Struct(vec![Field::new(names.1, key, false), value].into());
            D::Map(Arc::new(Field::new(names.0, pair, false)), r.chance(2))
        }
        46 => D::Interval(IntervalUnit::MonthDayNano),
        47 => D::ListView(item(r)),
        48 => D::LargeListView(item(r)),
        49 => {
            let ends = Arc::new(Field::new("run_ends", D::Int32, false));
            D::RunEndEncoded(ends, Arc::new(Field::new("values", D::Utf8, true)))
        }
        _ => {
            let n = 1 + r.below(3) as i8;
            let mut fields: Vec<Field> = (0..n).map(|i| any_field(r, &format!("u{i}"), depth - 1, parquet)).collect();
            // A variant needs an alternative: a union that never has a value is refused.
            if let [only] = fields.as_mut_slice()
                && only.data_type() == &D::Null
            {
                *only = Field::new("u0", D::Int8, true);
            }
            D::Union(UnionFields::try_new((0..n).map(|i| i * 5 + 1), fields).unwrap(), UnionMode::Dense)
        }
    }
}

fn any_field(r: &mut Random, name: &str, depth: u32, parquet: bool) -> Field {
    let data_type = any_type(r, depth, parquet);
    let nullable =
        r.chance(2) || matches!(data_type, DataType::Null | DataType::RunEndEncoded(..) | DataType::Union(..));
    let field = Field::new(name, data_type, nullable);
    if r.chance(4) { field.with_metadata(HashMap::from([("note".to_owned(), name.to_owned())])) } else { field }
}

/// A table with columns of any types, some of whose names ROOT does not allow.
pub(crate) fn any_table(seed: u64, parquet: bool) -> RecordBatch {
    let r = &mut Random::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let names = ["a", "a b", "x.y", "a_b", "", "µ", "long/name"];
    let columns = 1 + r.below(5) as usize;
    let rows = [0, 1, 7, 40][r.below(4) as usize];
    let fields: Vec<Field> = (0..columns).map(|i| any_field(r, names[i], 2, parquet)).collect();
    let arrays = fields.iter().map(|field| any_array(r, field, rows)).collect();
    let metadata = if r.chance(2) { HashMap::from([("who".to_owned(), "we".to_owned())]) } else { HashMap::new() };
    RecordBatch::try_new(Arc::new(Schema::new_with_metadata(fields, metadata)), arrays).unwrap()
}

pub(crate) fn any_array(r: &mut Random, field: &Field, n: usize) -> ArrayRef {
    use DataType as D;
    let nulls = (field.is_nullable() && r.chance(2))
        .then(|| NullBuffer::from((0..n).map(|_| !r.chance(3)).collect::<Vec<bool>>()));
    let data_type = field.data_type();
    let words = |r: &mut Random| -> Vec<String> { (0..n).map(|_| "wörds ".repeat(r.below(4) as usize)).collect() };
    let masked = |array: ArrayRef| -> ArrayRef {
        make_array(array.to_data().into_builder().nulls(nulls.clone()).build().unwrap())
    };
    macro_rules! numbers {
        ($ty:ty, $value:expr) => {{
            let values: Vec<_> = (0..n).map(|_| $value(r)).collect();
            Arc::new(PrimitiveArray::<$ty>::new(values.into(), nulls)) as ArrayRef
        }};
    }
    macro_rules! list {
        ($offset:ty, $item:expr) => {{
            let lengths: Vec<usize> = (0..n).map(|_| r.below(4) as usize).collect();
            let values = any_array(r, $item, lengths.iter().sum());
            let offsets = OffsetBuffer::<$offset>::from_lengths(lengths);
            Arc::new(GenericListArray::new(Arc::clone($item), offsets, values, nulls)) as ArrayRef
        }};
    }
    match data_type {
        D::Null => Arc::new(NullArray::new(n)),
        D::Boolean => Arc::new(BooleanArray::new((0..n).map(|_| r.chance(2)).collect::<Vec<_>>().into(), nulls)),
        D::Int8 => numbers!(Int8Type, |r: &mut Random| r.int() as i8),
        D::Int16 => numbers!(Int16Type, |r: &mut Random| r.int() as i16),
        D::Int32 => numbers!(Int32Type, |r: &mut Random| r.int() as i32),
        D::Int64 => numbers!(Int64Type, |r: &mut Random| r.int()),
        D::UInt8 => numbers!(UInt8Type, |r: &mut Random| r.int() as u8),
        D::UInt16 => numbers!(UInt16Type, |r: &mut Random| r.int() as u16),
        D::UInt32 => numbers!(UInt32Type, |r: &mut Random| r.int() as u32),
        D::UInt64 => numbers!(UInt64Type, |r: &mut Random| r.int() as u64),
        D::Float16 => numbers!(Float16Type, |r: &mut Random| half::f16::from_f64(r.int() as f64 / 1024.0)),
        D::Float32 => numbers!(Float32Type, |r: &mut Random| r.int() as f32 / 7.0),
        D::Float64 => numbers!(Float64Type, |r: &mut Random| r.int() as f64 / 7.0),
        D::Timestamp(..) | D::Duration(_) => {
            let values = numbers!(Int64Type, |r: &mut Random| r.int());
            cast(&values, data_type).unwrap()
        }
        D::Date64 => {
            let values = numbers!(Int64Type, |r: &mut Random| (r.int() % 100_000) * 86_400_000);
            cast(&values, data_type).unwrap()
        }
        D::Date32 => {
            let values = numbers!(Int32Type, |r: &mut Random| r.int() as i32);
            cast(&values, data_type).unwrap()
        }
        D::Time32(_) => {
            let values = numbers!(Int32Type, |r: &mut Random| r.below(86_400) as i32);
            cast(&values, data_type).unwrap()
        }
        D::Time64(_) => {
            let values = numbers!(Int64Type, |r: &mut Random| r.below(86_400_000_000) as i64);
            cast(&values, data_type).unwrap()
        }
        D::Interval(IntervalUnit::YearMonth) => numbers!(IntervalYearMonthType, |r: &mut Random| r.int() as i32),
        D::Interval(IntervalUnit::DayTime) => {
            let value = |r: &mut Random| IntervalDayTime::new(r.int() as i32, r.int() as i32);
            numbers!(IntervalDayTimeType, value)
        }
        D::Interval(IntervalUnit::MonthDayNano) => {
            let value = |r: &mut Random| IntervalMonthDayNano::new(r.int() as i32, r.int() as i32, r.int());
            numbers!(IntervalMonthDayNanoType, value)
        }
        D::Decimal32(..) => {
            let values: Vec<i32> = (0..n).map(|_| (r.int() % 9_999_999) as i32).collect();
            Arc::new(Decimal32Array::new(values.into(), nulls).with_data_type(data_type.clone()))
        }
        D::Decimal64(..) => {
            let values: Vec<i64> = (0..n).map(|_| r.int() % 1_000_000_000_000_000).collect();
            Arc::new(Decimal64Array::new(values.into(), nulls).with_data_type(data_type.clone()))
        }
        D::Decimal128(p, _) => {
            let wide = if *p > 18 { 1_000_000_007 } else { 1 };
            let values: Vec<i128> = (0..n).map(|_| i128::from(r.int() % 1_000_000_000_000_000_000) * wide).collect();
            Arc::new(Decimal128Array::new(values.into(), nulls).with_data_type(data_type.clone()))
        }
        D::Decimal256(..) => {
            let values: Vec<i256> = (0..n).map(|_| i256::from_i128((r.int() % 1_000_000_000_000).into())).collect();
            Arc::new(Decimal256Array::new(values.into(), nulls).with_data_type(data_type.clone()))
        }
        D::Utf8 | D::LargeUtf8 | D::Utf8View => {
            masked(cast(&(Arc::new(StringArray::from(words(r))) as ArrayRef), data_type).unwrap())
        }
        D::Binary | D::LargeBinary | D::BinaryView => {
            let words = words(r);
            let bytes: ArrayRef =
                Arc::new(BinaryArray::from_iter_values(words.iter().map(|w| &w.as_bytes()[w.len() / 2..])));
            masked(cast(&bytes, data_type).unwrap())
        }
        D::FixedSizeBinary(size) => {
            let bytes: Vec<u8> = (0..n * *size as usize).map(|_| r.below(256) as u8).collect();
            Arc::new(FixedSizeBinaryArray::new(*size, bytes.into(), nulls))
        }
        D::Dictionary(key, _) => {
            let keys =
                PrimitiveArray::<Int8Type>::new((0..n).map(|_| r.below(3) as i8).collect::<Vec<_>>().into(), nulls);
            let values: ArrayRef = Arc::new(StringArray::from(vec!["one", "", "three"]));
            let array: ArrayRef = Arc::new(DictionaryArray::new(keys, values));
            cast(&array, &D::Dictionary(key.clone(), Box::new(D::Utf8))).unwrap()
        }
        D::RunEndEncoded(..) => {
            let array = masked(Arc::new(StringArray::from(words(r))));
            cast(&array, data_type).unwrap()
        }
        D::List(item) => list!(i32, item),
        D::LargeList(item) => list!(i64, item),
        D::ListView(item) => {
            let list = list!(i32, item);
            cast(&list, data_type).unwrap()
        }
        D::LargeListView(item) => {
            let list = list!(i64, item);
            cast(&list, data_type).unwrap()
        }
        D::FixedSizeList(item, size) => {
            let values = any_array(r, item, n * *size as usize);
            Arc::new(FixedSizeListArray::try_new_with_length(Arc::clone(item), *size, values, nulls, n).unwrap())
        }
        D::Struct(fields) => {
            let columns = fields.iter().map(|field| any_array(r, field, n)).collect();
            Arc::new(StructArray::try_new_with_length(fields.clone(), columns, nulls, n).unwrap())
        }
        D::Map(entries, sorted) => {
            let lengths: Vec<usize> = (0..n).map(|_| r.below(3) as usize).collect();
            let values = any_array(r, entries, lengths.iter().sum());
            let offsets = OffsetBuffer::from_lengths(lengths);
            let values = values.as_struct().clone();
            Arc::new(MapArray::new(Arc::clone(entries), offsets, values, nulls, *sorted))
        }
        D::Union(fields, _) => {
            let ids: Vec<i8> = fields.iter().map(|(id, _)| id).collect();
            let chosen: Vec<i8> = (0..n).map(|_| ids[r.below(ids.len() as u64) as usize]).collect();
            let mut counts: HashMap<i8, i32> = HashMap::new();
            let mut offset = |id: &i8| {
                let count = counts.entry(*id).or_default();
                *count += 1;
                *count - 1
            };
            let offsets: Vec<i32> = chosen.iter().map(&mut offset).collect();
            let children = fields
                .iter()
                .map(|(id, field)| any_array(r, field, counts.get(&id).copied().unwrap_or(0) as usize))
                .collect();
            Arc::new(
                UnionArray::try_new(fields.clone(), chosen.into(), Some(ScalarBuffer::from(offsets)), children)
                    .unwrap(),
            )
        }
    }
}

/// A table as trips may have it.
pub(crate) fn small() -> RecordBatch {
    let times = TimestampMicrosecondArray::from(vec![Some(1), None, Some(3)]).with_timezone("UTC");
    let stops = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), None]), None, Some(vec![])]);
    RecordBatch::try_from_iter([
        ("pickup time", Arc::new(times) as ArrayRef),
        ("fare", Arc::new(Float64Array::from(vec![1.5, 2.5, -0.0])) as _),
        ("stops", Arc::new(stops) as _),
    ])
    .unwrap()
}

pub(crate) fn write_parquet(file: &Path, batch: &RecordBatch) {
    let mut writer = ArrowWriter::try_new(File::create(file).unwrap(), batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

pub(crate) fn read_parquet(file: &Path) -> RecordBatch {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(file).unwrap()).unwrap();
    let schema = Arc::clone(builder.schema());
    let batches: Vec<RecordBatch> = builder.with_batch_size(1 << 20).build().unwrap().map(Result::unwrap).collect();
    concat_batches(
        &schema,
        &batches.iter().map(|b| b.clone().with_schema(Arc::clone(&schema)).unwrap()).collect::<Vec<_>>(),
    )
    .unwrap()
}

pub(crate) fn write_ipc(file: &Path, batch: &RecordBatch) {
    let mut writer = FileWriter::try_new(File::create(file).unwrap(), &batch.schema()).unwrap();
    writer.write(batch).unwrap();
    writer.finish().unwrap();
}

pub(crate) fn read_ipc(file: &Path) -> RecordBatch {
    let reader = FileReader::try_new(File::open(file).unwrap(), None).unwrap();
    let schema = reader.schema();
    let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
    concat_batches(&schema, &batches).unwrap()
}
