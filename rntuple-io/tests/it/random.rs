//! Random schemas, five levels deep, with random values: what is written is what is read.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "small numbers, made into those of all types"
)]

use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BinaryArray, BooleanArray, FixedSizeListArray, Float16Array,
    LargeListArray, LargeStringArray, ListArray, MapArray, NullArray, PrimitiveArray, RecordBatch, RecordBatchOptions,
    StringArray, StructArray, UnionArray, new_empty_array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::*;
use rntuple_core::compression::CompressionSettings;
use rntuple_io::storage::{Memory, MemorySink};
use rntuple_io::{FileWriter, Reader, WriteOptions};

/// A small generator; each case has a number that makes it come again.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, n: usize) -> usize {
        ((self.next() >> 33) as usize) % n
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn data_type(&mut self, depth: usize) -> DataType {
        let leaf = depth == 0 || self.chance(35);
        match if leaf { self.below(15) } else { 15 + self.below(7) } {
            0 => DataType::Boolean,
            1 => DataType::Int8,
            2 => DataType::Int16,
            3 => DataType::Int32,
            4 => DataType::Int64,
            5 => DataType::UInt8,
            6 => DataType::UInt16,
            7 => DataType::UInt32,
            8 => DataType::UInt64,
            9 => DataType::Float16,
            10 => DataType::Float32,
            11 => DataType::Float64,
            12 => DataType::Utf8,
            13 => DataType::LargeUtf8,
            14 => DataType::Binary,
            15 => DataType::List(self.item(depth)),
            16 => DataType::LargeList(self.item(depth)),
            // Of size 0 only at the top: Arrow's kernels lose the length of such arrays within unions.
            17 => DataType::FixedSizeList(self.item(depth), (usize::from(depth < 5) + self.below(3)) as i32),
            18 => {
                let key = Field::new("key", self.data_type(0), false);
                let value = self.field("value", depth - 1);
                let entries = DataType::Struct(Fields::from(vec![key, value]));
                DataType::Map(Arc::new(Field::new("entries", entries, false)), false)
            }
            19 => {
                let fields: Vec<Field> =
                    (0..1 + self.below(3)).map(|i| self.field(&format!("a{i}"), depth - 1)).collect();
                let none = Field::new("none", DataType::Null, true);
                let fields = UnionFields::try_new(0..=fields.len() as i8, std::iter::once(none).chain(fields)).unwrap();
                let mode = if self.chance(50) { UnionMode::Dense } else { UnionMode::Sparse };
                DataType::Union(fields, mode)
            }
            _ => DataType::Struct((0..self.below(4)).map(|i| self.field(&format!("m{i}"), depth - 1)).collect()),
        }
    }

    fn field(&mut self, name: &str, depth: usize) -> Field {
        let data_type = self.data_type(depth);
        // Arrow takes every union for nullable.
        let nullable = self.chance(30) || matches!(data_type, DataType::Union(..));
        Field::new(name, data_type, nullable)
    }

    fn item(&mut self, depth: usize) -> FieldRef {
        Arc::new(self.field("item", depth - 1))
    }

    fn nulls(&mut self, nullable: bool, len: usize) -> Option<NullBuffer> {
        (nullable && self.chance(80)).then(|| NullBuffer::from_iter((0..len).map(|_| !self.chance(30))))
    }

    fn numbers<P: ArrowPrimitiveType>(
        &mut self,
        len: usize,
        nulls: Option<NullBuffer>,
        number: impl Fn(u64) -> P::Native,
    ) -> ArrayRef {
        // Small numbers and any bits.
        let bits: Vec<u64> = (0..len).map(|_| if self.chance(50) { self.next() % 5 } else { self.next() }).collect();
        Arc::new(PrimitiveArray::<P>::new(bits.into_iter().map(number).collect(), nulls))
    }

    fn lens(&mut self, len: usize) -> Vec<usize> {
        (0..len).map(|_| if self.chance(40) { 0 } else { self.below(5) }).collect()
    }

    fn array(&mut self, field: &Field, len: usize) -> ArrayRef {
        let nulls = self.nulls(field.is_nullable(), len);
        match field.data_type() {
            DataType::Boolean => Arc::new(BooleanArray::new((0..len).map(|_| self.chance(50)).collect(), nulls)),
            DataType::Int8 => self.numbers::<Int8Type>(len, nulls, |bits| bits as i8),
            DataType::Int16 => self.numbers::<Int16Type>(len, nulls, |bits| bits as i16),
            DataType::Int32 => self.numbers::<Int32Type>(len, nulls, |bits| bits as i32),
            DataType::Int64 => self.numbers::<Int64Type>(len, nulls, |bits| bits as i64),
            DataType::UInt8 => self.numbers::<UInt8Type>(len, nulls, |bits| bits as u8),
            DataType::UInt16 => self.numbers::<UInt16Type>(len, nulls, |bits| bits as u16),
            DataType::UInt32 => self.numbers::<UInt32Type>(len, nulls, |bits| bits as u32),
            DataType::UInt64 => self.numbers::<UInt64Type>(len, nulls, |bits| bits),
            // Finite halves: what a NaN's bits become on the way to a float is up to the machine.
            DataType::Float16 => {
                let halves = (0..len).map(|_| half::f16::from_bits((self.next() & 0x7bff) as u16));
                Arc::new(Float16Array::new(halves.collect::<Vec<_>>().into(), nulls))
            }
            DataType::Float32 => self.numbers::<Float32Type>(len, nulls, |bits| f32::from_bits(bits as u32)),
            DataType::Float64 => self.numbers::<Float64Type>(len, nulls, f64::from_bits),
            DataType::Utf8 => {
                let text: Vec<String> = self.lens(len).iter().map(|n| "aé∑".repeat(*n)).collect();
                Arc::new(StringArray::new(
                    OffsetBuffer::from_lengths(text.iter().map(String::len)),
                    text.concat().into_bytes().into(),
                    nulls,
                ))
            }
            DataType::LargeUtf8 => {
                let text: Vec<String> = self.lens(len).iter().map(|n| "xyz".repeat(*n)).collect();
                Arc::new(LargeStringArray::new(
                    OffsetBuffer::from_lengths(text.iter().map(String::len)),
                    text.concat().into_bytes().into(),
                    nulls,
                ))
            }
            DataType::Binary => {
                let bytes: Vec<Vec<u8>> =
                    self.lens(len).iter().map(|n| (0..*n).map(|_| self.next() as u8).collect()).collect();
                Arc::new(BinaryArray::new(
                    OffsetBuffer::from_lengths(bytes.iter().map(Vec::len)),
                    bytes.concat().into(),
                    nulls,
                ))
            }
            DataType::List(item) => {
                let lens = self.lens(len);
                let items = self.array(item, lens.iter().sum());
                Arc::new(ListArray::new(Arc::clone(item), OffsetBuffer::from_lengths(lens), items, nulls))
            }
            DataType::LargeList(item) => {
                let lens = self.lens(len);
                let items = self.array(item, lens.iter().sum());
                Arc::new(LargeListArray::new(Arc::clone(item), OffsetBuffer::from_lengths(lens), items, nulls))
            }
            DataType::FixedSizeList(item, n) => {
                let items = self.array(item, len * *n as usize);
                Arc::new(FixedSizeListArray::try_new_with_length(Arc::clone(item), *n, items, nulls, len).unwrap())
            }
            DataType::Map(entries, _) => {
                let lens = self.lens(len);
                let DataType::Struct(members) = entries.data_type() else { unreachable!() };
                let n = lens.iter().sum();
                let columns = members.iter().map(|member| self.array(member, n)).collect();
                let pairs = StructArray::new(members.clone(), columns, None);
                Arc::new(MapArray::new(Arc::clone(entries), OffsetBuffer::from_lengths(lens), pairs, nulls, false))
            }
            DataType::Struct(members) => {
                let columns = members.iter().map(|member| self.array(member, len)).collect();
                Arc::new(StructArray::try_new_with_length(members.clone(), columns, nulls, len).unwrap())
            }
            DataType::Union(fields, mode) => self.union(fields, *mode, len),
            other => panic!("{other}"),
        }
    }

    fn union(&mut self, fields: &UnionFields, mode: UnionMode, len: usize) -> ArrayRef {
        let ids: Vec<i8> = (0..len).map(|_| self.below(fields.len()) as i8).collect();
        let child_len =
            |id: i8| if mode == UnionMode::Sparse { len } else { ids.iter().filter(|other| **other == id).count() };
        let children = fields.iter().map(|(id, field)| match field.data_type() {
            DataType::Null => Arc::new(NullArray::new(child_len(id))) as ArrayRef,
            _ => self.array(field, child_len(id)),
        });
        let children: Vec<ArrayRef> = children.collect();
        // Half of the time, the values of an alternative are not in the order of the elements that hold them.
        let backwards = self.chance(50);
        let offsets = (mode == UnionMode::Dense).then(|| {
            let mut next = vec![0_i32; fields.len()];
            let offset = |&id: &i8| {
                let n = next[id as usize];
                next[id as usize] += 1;
                if backwards { child_len(id) as i32 - 1 - n } else { n }
            };
            ids.iter().map(offset).collect::<ScalarBuffer<i32>>()
        });
        Arc::new(UnionArray::try_new(fields.clone(), ids.into(), offsets, children).unwrap())
    }
}

/// A value without regard to how Arrow holds it.
#[derive(Debug, PartialEq)]
enum Value {
    Null,
    Number(i128),
    Real(u64),
    Bytes(Vec<u8>),
    Many(Vec<Value>),
}

fn value(array: &dyn Array, i: usize) -> Value {
    fn number<P: ArrowPrimitiveType<Native: Into<i128>>>(array: &dyn Array, i: usize) -> Value {
        Value::Number(array.as_primitive::<P>().value(i).into())
    }
    let all = |array: &dyn Array| Value::Many((0..array.len()).map(|i| value(array, i)).collect());
    if array.is_null(i) {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Boolean => Value::Number(array.as_boolean().value(i).into()),
        DataType::Int8 => number::<Int8Type>(array, i),
        DataType::Int16 => number::<Int16Type>(array, i),
        DataType::Int32 => number::<Int32Type>(array, i),
        DataType::Int64 => number::<Int64Type>(array, i),
        DataType::UInt8 => number::<UInt8Type>(array, i),
        DataType::UInt16 => number::<UInt16Type>(array, i),
        DataType::UInt32 => number::<UInt32Type>(array, i),
        DataType::UInt64 => number::<UInt64Type>(array, i),
        // Halves come back as floats.
        DataType::Float16 => Value::Real(array.as_primitive::<Float16Type>().value(i).to_f32().to_bits().into()),
        DataType::Float32 => Value::Real(array.as_primitive::<Float32Type>().value(i).to_bits().into()),
        DataType::Float64 => Value::Real(array.as_primitive::<Float64Type>().value(i).to_bits()),
        DataType::Utf8 => Value::Bytes(array.as_string::<i32>().value(i).as_bytes().to_vec()),
        DataType::LargeUtf8 => Value::Bytes(array.as_string::<i64>().value(i).as_bytes().to_vec()),
        // Bytes come back as collections of bytes.
        DataType::Binary => {
            let bytes = array.as_binary::<i32>().value(i);
            Value::Many(bytes.iter().map(|&byte| Value::Number(byte.into())).collect())
        }
        DataType::List(_) => all(&array.as_list::<i32>().value(i)),
        DataType::LargeList(_) => all(&array.as_list::<i64>().value(i)),
        DataType::FixedSizeList(..) => all(&array.as_fixed_size_list().value(i)),
        DataType::Map(..) => all(&array.as_map().value(i)),
        DataType::Struct(_) => Value::Many(array.as_struct().columns().iter().map(|column| value(column, i)).collect()),
        DataType::Union(..) => {
            let union = array.as_union();
            let child = union.child(union.type_id(i));
            if child.data_type() == &DataType::Null { Value::Null } else { value(child, union.value_offset(i)) }
        }
        other => panic!("{other}"),
    }
}

fn assert_equal(got: &[RecordBatch], want: &RecordBatch, context: &dyn Debug) {
    assert_eq!(got.iter().map(RecordBatch::num_rows).sum::<usize>(), want.num_rows(), "{context:?}");
    for (c, field) in want.schema().fields().iter().enumerate() {
        let mut row = 0;
        for batch in got {
            for i in 0..batch.num_rows() {
                let (got, want) = (value(batch.column(c), i), value(want.column(c), row));
                assert_eq!(got, want, "{context:?}, field {field:?}, entry {row}");
                row += 1;
            }
        }
    }
}

fn check(seed: u64) {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    for _ in 0..5 {
        random.next();
    }
    let fields: Vec<Field> = (0..1 + random.below(5)).map(|i| random.field(&format!("f{i}"), 5)).collect();
    let rows = if random.chance(5) { 0 } else { random.below(400) };
    let columns: Vec<ArrayRef> = fields
        .iter()
        .map(|field| if rows == 0 { new_empty_array(field.data_type()) } else { random.array(field, rows) })
        .collect();
    let schema = Arc::new(Schema::new(fields));
    let row_count = RecordBatchOptions::new().with_row_count(Some(rows));
    let want = RecordBatch::try_new_with_options(Arc::clone(&schema), columns, &row_count).unwrap();
    let compression = [0, 101, 404, 501][random.below(4)];
    let options = WriteOptions::default()
        .compression(CompressionSettings::new(compression))
        .max_unzipped_page_size(1 << (4 + random.below(12)))
        .approx_zipped_cluster_size(1 << (8 + random.below(12)))
        .small_indexes(random.chance(30))
        .page_checksums(random.chance(80))
        .threads(1 + random.below(2));
    let context = (seed, &schema, &options);
    let sink = MemorySink::new();
    let file = FileWriter::to_sink("random.root", Box::new(sink.clone()), &options).unwrap();
    let mut writer = file.ntuple("Random", Arc::clone(&schema), options.clone()).unwrap();
    let mut done = 0;
    while done < rows {
        let take = (1 + random.below(200)).min(rows - done);
        writer.append(&want.slice(done, take)).unwrap_or_else(|e| panic!("{context:?}: {e}"));
        done += take;
    }
    assert_eq!(writer.finish().unwrap().entries, rows as u64);
    file.finish().unwrap();

    let ntuple = Reader::from_source("random.root", Arc::new(Memory::new(sink.bytes()))).unwrap().only().unwrap();
    let report = ntuple.verify(&|_, _| {}).unwrap();
    assert!(report.damage.is_empty(), "{context:?}: {:?}", report.damage);
    let scan = ntuple.scan().batch_rows(1 + random.below(300)).threads(1);
    let got: Vec<RecordBatch> =
        scan.open().unwrap().map(|batch| batch.unwrap_or_else(|e| panic!("{context:?}: {e}"))).collect();
    assert_equal(&got, &want, &context);

    // Once more, from what was read, metadata and all.
    let batches = ntuple.scan().open().unwrap();
    let sink = MemorySink::new();
    let file = FileWriter::to_sink("again.root", Box::new(sink.clone()), &options).unwrap();
    let mut writer = file.ntuple("Random", batches.schema(), options.clone()).unwrap();
    batches.for_each(|batch| writer.append(&batch.unwrap()).unwrap_or_else(|e| panic!("{context:?}: {e}")));
    writer.finish().unwrap();
    file.finish().unwrap();
    let again = Reader::from_source("again.root", Arc::new(Memory::new(sink.bytes()))).unwrap().only().unwrap();
    let got: Vec<RecordBatch> = again.scan().open().unwrap().map(Result::unwrap).collect();
    assert_equal(&got, &want, &context);
    let fields = |ntuple: &rntuple_io::NTuple| format!("{:?}", ntuple.schema().fields());
    assert_eq!(fields(&again), fields(&ntuple), "{context:?}");
}

#[test]
fn schemas_and_values() {
    // More on request: RANDOM_CASES=10000 cargo test -p rntuple-io random
    let cases = std::env::var("RANDOM_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(300);
    (1..=cases).for_each(check);
}
