//! Numbers and bools.

use std::fmt;
use std::mem;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, BooleanBufferBuilder, PrimitiveArray};
use arrow::buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Field, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use half::f16;

use super::item::{Builder, Item, ReadItem};
use super::metadata::typed;
use super::path::{Path, ReadError, no_reader, no_request, without_nulls};
use crate::arrow::ENCODING;
use crate::error::Result;

/// Collects numbers.
pub struct NumberBuilder<P: ArrowPrimitiveType> {
    values: Vec<P::Native>,
}

impl<P: ArrowPrimitiveType> Default for NumberBuilder<P> {
    fn default() -> Self {
        Self { values: Vec::new() }
    }
}

impl<P: ArrowPrimitiveType> fmt::Debug for NumberBuilder<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NumberBuilder").field("len", &self.values.len()).finish_non_exhaustive()
    }
}

impl<P: ArrowPrimitiveType> Builder for NumberBuilder<P> {
    #[inline]
    fn len(&self) -> usize {
        self.values.len()
    }

    #[inline]
    fn size(&self) -> usize {
        size_of_val(self.values.as_slice())
    }

    #[inline]
    fn push_empty(&mut self) {
        self.values.push(P::Native::default());
    }

    fn finish(&mut self, _data_type: &DataType, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
        let values = take(&mut self.values);
        Ok(Arc::new(PrimitiveArray::<P>::try_new(ScalarBuffer::from(values), nulls)?))
    }
}

/// The content of a buffer, in place of which comes an empty one that has room for as much again.
pub(super) fn take<T>(values: &mut Vec<T>) -> Vec<T> {
    let room = values.len();
    mem::replace(values, Vec::with_capacity(room))
}

/// Gives numbers.
#[derive(Debug, Clone)]
pub struct NumberReader<N: arrow::datatypes::ArrowNativeType> {
    values: ScalarBuffer<N>,
}

/// Puts other values in place of those of a vector. Where there is no room for them, it makes some for `usual` ones.
#[cold]
#[inline(never)]
fn replace<N: Copy>(out: &mut Vec<N>, values: Option<&[N]>, usual: usize) -> Result<(), ReadError> {
    let values = values.ok_or_else(ReadError::beyond)?;
    out.clear();
    if out.capacity() < values.len() {
        out.reserve(values.len().max(usual));
    }
    out.extend_from_slice(values);
    Ok(())
}

/// Numbers of `size` bytes that are copied at once.
const fn chunk(size: usize) -> usize {
    if size > 4 { 8 } else { 32 / size }
}

fn is_integer(data_type: &DataType) -> bool {
    data_type.is_integer() || *data_type == DataType::Boolean
}

macro_rules! item {
    ($rust:ty, $arrow:ty, $cpp:literal) => {
        impl Item for $rust {
            type Builder = NumberBuilder<$arrow>;

            fn type_name() -> String {
                $cpp.to_owned()
            }

            fn field(name: &str) -> Field {
                typed(name, <$arrow>::DATA_TYPE, false, Self::type_name())
            }

            #[inline]
            fn append_to(&self, builder: &mut Self::Builder) {
                builder.values.push(*self);
            }

            #[inline]
            fn append_slice(values: &[Self], builder: &mut Self::Builder) {
                builder.values.extend_from_slice(values);
            }
        }
    };
}

macro_rules! numbers {
    ($($rust:ty, $arrow:ty, $cpp:literal, $converts:expr;)*) => {$(
        item!($rust, $arrow, $cpp);

        impl ReadItem for $rust {
            type Reader = NumberReader<$rust>;

            fn request(on_disk: &Field, path: &Path<'_>) -> Result<Field> {
                let converts: fn(&DataType) -> bool = $converts;
                if on_disk.is_nullable() || !converts(on_disk.data_type()) {
                    return Err(no_request::<Self>(on_disk, path));
                }
                Ok(on_disk.clone().with_data_type(<$arrow>::DATA_TYPE))
            }

            fn open(field: &Field, array: &ArrayRef, path: &Path<'_>) -> Result<Self::Reader> {
                let numbers = array.as_primitive_opt::<$arrow>().ok_or_else(|| no_reader::<Self>(field, path))?;
                without_nulls::<Self>(field, array, path)?;
                Ok(NumberReader { values: numbers.values().clone() })
            }

            #[inline]
            fn read(reader: &Self::Reader, index: usize) -> Result<Self, ReadError> {
                reader.values.get(index).copied().ok_or_else(ReadError::beyond)
            }

            #[inline(always)]
            fn read_into(reader: &Self::Reader, index: usize, value: &mut Self) -> Result<(), ReadError> {
                *value = *reader.values.get(index).ok_or_else(ReadError::beyond)?;
                Ok(())
            }

            #[inline]
            fn read_range(reader: &Self::Reader, range: Range<usize>) -> Result<Vec<Self>, ReadError> {
                Ok(reader.values.get(range).ok_or_else(ReadError::beyond)?.to_vec())
            }

            #[inline(always)]
            fn read_range_into(
                reader: &Self::Reader,
                range: Range<usize>,
                out: &mut Vec<Self>,
            ) -> Result<(), ReadError> {
                const CHUNK: usize = chunk(size_of::<$rust>());
                let len = range.end.wrapping_sub(range.start);
                // Most lists are short. Copying more than the list, as much each time, needs no branch that depends on
                // its length, which nobody can foresee.
                if let Some(chunk) = reader.values.get(range.start..).and_then(<[Self]>::first_chunk::<CHUNK>)
                    && len <= CHUNK
                    && out.capacity() >= CHUNK
                {
                    out.clear();
                    out.extend_from_slice(chunk);
                    out.truncate(len);
                    return Ok(());
                }
                replace(out, reader.values.get(range), CHUNK)
            }

            #[inline]
            fn read_slice_into(reader: &Self::Reader, start: usize, out: &mut [Self]) -> Result<(), ReadError> {
                let values = reader.values.get(start..).and_then(|values| values.get(..out.len()));
                out.copy_from_slice(values.ok_or_else(ReadError::beyond)?);
                Ok(())
            }

            #[inline]
            fn read_array<const N: usize>(reader: &Self::Reader, start: usize) -> Result<[Self; N], ReadError> {
                let values = reader.values.get(start..).and_then(<[Self]>::first_chunk);
                values.copied().ok_or_else(ReadError::beyond)
            }
        }
    )*};
}

numbers! {
    i8, Int8Type, "std::int8_t", is_integer;
    u8, UInt8Type, "std::uint8_t", is_integer;
    i16, Int16Type, "std::int16_t", is_integer;
    u16, UInt16Type, "std::uint16_t", is_integer;
    i32, Int32Type, "std::int32_t", is_integer;
    u32, UInt32Type, "std::uint32_t", is_integer;
    i64, Int64Type, "std::int64_t", is_integer;
    u64, UInt64Type, "std::uint64_t", is_integer;
    f32, Float32Type, "float", DataType::is_floating;
    f64, Float64Type, "double", DataType::is_floating;
}

impl Item for f16 {
    type Builder = NumberBuilder<Float16Type>;

    fn type_name() -> String {
        "float".to_owned()
    }

    fn field(name: &str) -> Field {
        let mut field = typed(name, DataType::Float16, false, Self::type_name());
        field.metadata_mut().insert(ENCODING.to_owned(), "Real16".to_owned());
        field
    }

    #[inline]
    fn append_to(&self, builder: &mut Self::Builder) {
        builder.values.push(*self);
    }

    #[inline]
    fn append_slice(values: &[Self], builder: &mut Self::Builder) {
        builder.values.extend_from_slice(values);
    }
}

/// Gives half-precision numbers, which scans read as `float`.
#[derive(Debug, Clone)]
pub struct HalfReader {
    values: HalfValues,
    path: Arc<str>,
}

#[derive(Debug, Clone)]
enum HalfValues {
    Half(ScalarBuffer<f16>),
    Single(ScalarBuffer<f32>),
}

impl ReadItem for f16 {
    type Reader = HalfReader;

    fn request(on_disk: &Field, path: &Path<'_>) -> Result<Field> {
        match on_disk.data_type() {
            DataType::Float16 if !on_disk.is_nullable() => Ok(on_disk.clone()),
            _ => f32::request(on_disk, path).map_err(|_| no_request::<Self>(on_disk, path)),
        }
    }

    fn open(field: &Field, array: &ArrayRef, path: &Path<'_>) -> Result<HalfReader> {
        without_nulls::<Self>(field, array, path)?;
        let half = array.as_primitive_opt::<Float16Type>().map(|half| HalfValues::Half(half.values().clone()));
        let single = || Some(HalfValues::Single(array.as_primitive_opt::<Float32Type>()?.values().clone()));
        let values = half.or_else(single).ok_or_else(|| no_reader::<Self>(field, path))?;
        Ok(HalfReader { values, path: path.keep() })
    }

    #[inline]
    fn read(reader: &HalfReader, index: usize) -> Result<Self, ReadError> {
        match &reader.values {
            HalfValues::Half(values) => values.get(index).copied().ok_or_else(ReadError::beyond),
            HalfValues::Single(values) => {
                let single = *values.get(index).ok_or_else(ReadError::beyond)?;
                let half = f16::from_f32(single);
                if single.is_finite() && !half.is_finite() {
                    return Err(ReadError::new(&reader.path, format!("the value {single} does not fit into f16")));
                }
                Ok(half)
            }
        }
    }
}

/// Collects bools.
#[derive(Debug)]
pub struct BoolBuilder {
    bits: BooleanBufferBuilder,
}

impl Default for BoolBuilder {
    fn default() -> Self {
        Self { bits: BooleanBufferBuilder::new(0) }
    }
}

impl Builder for BoolBuilder {
    #[inline]
    fn len(&self) -> usize {
        self.bits.len()
    }

    #[inline]
    fn size(&self) -> usize {
        self.bits.len().div_ceil(8)
    }

    #[inline]
    fn push_empty(&mut self) {
        self.bits.append(false);
    }

    fn finish(&mut self, _data_type: &DataType, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
        let bits = self.bits.finish();
        // What is checked by `PrimitiveArray::try_new`; this constructor would panic.
        if nulls.as_ref().is_some_and(|nulls| nulls.len() != bits.len()) {
            return Err(crate::Error::inconsistent("bools", "there are not as many values as nulls"));
        }
        Ok(Arc::new(BooleanArray::new(bits, nulls)))
    }
}

impl Item for bool {
    type Builder = BoolBuilder;

    fn type_name() -> String {
        "bool".to_owned()
    }

    fn field(name: &str) -> Field {
        typed(name, DataType::Boolean, false, Self::type_name())
    }

    #[inline]
    fn append_to(&self, builder: &mut BoolBuilder) {
        builder.bits.append(*self);
    }

    #[inline]
    fn append_slice(values: &[Self], builder: &mut BoolBuilder) {
        builder.bits.append_slice(values);
    }
}

impl ReadItem for bool {
    type Reader = BooleanBuffer;

    fn request(on_disk: &Field, path: &Path<'_>) -> Result<Field> {
        if on_disk.is_nullable() || !is_integer(on_disk.data_type()) {
            return Err(no_request::<Self>(on_disk, path));
        }
        Ok(on_disk.clone().with_data_type(DataType::Boolean))
    }

    fn open(field: &Field, array: &ArrayRef, path: &Path<'_>) -> Result<BooleanBuffer> {
        let bools = array.as_boolean_opt().ok_or_else(|| no_reader::<Self>(field, path))?;
        without_nulls::<Self>(field, array, path)?;
        Ok(bools.values().clone())
    }

    #[inline]
    fn read(reader: &BooleanBuffer, index: usize) -> Result<Self, ReadError> {
        if index < reader.len() { Ok(reader.value(index)) } else { Err(ReadError::beyond()) }
    }

    #[inline(always)]
    fn read_into(reader: &BooleanBuffer, index: usize, value: &mut Self) -> Result<(), ReadError> {
        if index >= reader.len() {
            return Err(ReadError::beyond());
        }
        *value = reader.value(index);
        Ok(())
    }

    #[inline]
    fn read_range(reader: &BooleanBuffer, range: Range<usize>) -> Result<Vec<Self>, ReadError> {
        let mut out = Vec::new();
        Self::read_range_into(reader, range, &mut out)?;
        Ok(out)
    }

    #[inline]
    fn read_range_into(reader: &BooleanBuffer, range: Range<usize>, out: &mut Vec<Self>) -> Result<(), ReadError> {
        if range.end > reader.len() {
            return Err(ReadError::beyond());
        }
        out.clear();
        out.extend(range.map(|index| reader.value(index)));
        Ok(())
    }
}
