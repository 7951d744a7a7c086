//! From arrays that were read to those with their Arrow types.

use std::sync::Arc;

use arrow::array::types::{
    ArrowPrimitiveType, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, Int32Type, Int64Type,
    IntervalDayTime, IntervalDayTimeType, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalYearMonthType,
    UInt8Type,
};
use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, FixedSizeBinaryArray, FixedSizeListArray, GenericListArray, Int32Array,
    MapArray, NullArray, PrimitiveArray, StructArray, UnionArray,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, IntervalUnit, UnionFields, UnionMode, i256};

use super::types::DIGITS_OF_64_BITS;
use crate::error::{Error, Result};

/// The array with its Arrow type.
pub(super) fn array(array: &ArrayRef, logical: &Field, column: &str) -> Result<ArrayRef> {
    Load { column }.array(array, logical.data_type(), None)
}

struct Load<'a> {
    column: &'a str,
}

impl Load<'_> {
    fn wrong(&self, array: &dyn Array, logical: &DataType) -> Error {
        let (from, to) = (array.data_type().to_string(), logical.to_string());
        Error::Cast { field: self.column.to_owned(), from, to }
    }

    /// `seen` says which elements are not hidden by a null above them; all, if nothing is said.
    fn array(&self, array: &ArrayRef, logical: &DataType, seen: Option<&NullBuffer>) -> Result<ArrayRef> {
        use DataType as D;
        if array.data_type() == logical {
            return Ok(Arc::clone(array));
        }
        let wrong = || self.wrong(array, logical);
        Ok(match (array.data_type(), logical) {
            (D::Boolean, D::Null) => Arc::new(NullArray::new(array.len())),
            (D::Int64, D::Timestamp(..) | D::Date64 | D::Time64(_) | D::Duration(_))
            | (D::Int32, D::Date32 | D::Time32(_))
            | (D::Float32, D::Float16)
            | (D::Utf8, D::LargeUtf8 | D::Utf8View) => cast(array, logical)?,
            (_, D::Interval(unit)) => interval(array, *unit).ok_or_else(wrong)?,
            (_, D::Decimal32(p, s)) => Arc::new(
                reinterpreted::<Int32Type, Decimal32Type>(array)
                    .ok_or_else(wrong)?
                    .with_data_type(D::Decimal32(*p, *s)),
            ),
            (_, D::Decimal64(p, s)) => Arc::new(
                reinterpreted::<Int64Type, Decimal64Type>(array)
                    .ok_or_else(wrong)?
                    .with_data_type(D::Decimal64(*p, *s)),
            ),
            (_, D::Decimal128(p, _)) => {
                decimal::<Decimal128Type>(array, *p, logical, 16, i128::from).ok_or_else(wrong)?
            }
            (_, D::Decimal256(p, _)) => {
                let widen = |value: i64| i256::from_i128(value.into());
                decimal::<Decimal256Type>(array, *p, logical, 32, widen).ok_or_else(wrong)?
            }
            (D::FixedSizeList(_, n), D::FixedSizeBinary(wanted)) if n == wanted => {
                let values = fixed_bytes(array, *n).ok_or_else(wrong)?;
                let nulls = array.nulls().cloned();
                Arc::new(FixedSizeBinaryArray::try_new_with_len(*n, values, nulls, array.len())?)
            }
            (D::List(_), D::Binary) => Arc::new(binary(array).ok_or_else(wrong)?),
            (D::List(_), D::LargeBinary | D::BinaryView) => {
                let binary: ArrayRef = Arc::new(binary(array).ok_or_else(wrong)?);
                cast(&binary, logical)?
            }
            (_, D::Dictionary(_, values)) => {
                let values = self.array(array, values, seen)?;
                self.pack(&values, logical)?
            }
            (_, D::RunEndEncoded(_, values)) => {
                let values = self.array(array, values.data_type(), seen)?;
                self.pack(&values, logical)?
            }
            (D::List(_), D::List(item)) => self.list(array, item)?,
            (D::List(_), D::LargeList(item)) => {
                let list = array.as_list::<i32>();
                let values = self.array(list.values(), item.data_type(), None)?;
                let offsets: ScalarBuffer<i64> = list.offsets().iter().map(|&offset| i64::from(offset)).collect();
                let nulls = list.nulls().cloned();
                Arc::new(GenericListArray::<i64>::try_new(Arc::clone(item), OffsetBuffer::new(offsets), values, nulls)?)
            }
            (D::List(_), D::ListView(item)) => cast(&self.list(array, item)?, logical)?,
            (D::List(_), D::LargeListView(item)) => {
                cast(&self.array(array, &D::LargeList(Arc::clone(item)), seen)?, logical)?
            }
            (D::FixedSizeList(_, n), D::FixedSizeList(item, wanted)) if n == wanted => {
                let list = array.as_fixed_size_list();
                let size = usize::try_from(*n).map_err(|_| wrong())?;
                let seen = NullBuffer::union(seen, array.nulls()).map(|seen| seen.expand(size));
                let values = self.array(list.values(), item.data_type(), seen.as_ref())?;
                let (nulls, len) = (array.nulls().cloned(), array.len());
                Arc::new(FixedSizeListArray::try_new_with_length(Arc::clone(item), *n, values, nulls, len)?)
            }
            (D::Struct(_), D::Struct(fields)) => Arc::new(self.record(array.as_struct(), fields, seen)?),
            (D::Map(..), D::Map(entries, sorted)) => {
                let map = array.as_map();
                self.map(map.entries(), map.offsets(), array.nulls(), entries, *sorted)?
            }
            (D::List(_), D::Map(entries, sorted)) => {
                let list = array.as_list::<i32>();
                let values = list.values().as_struct_opt().ok_or_else(wrong)?;
                self.map(values, list.offsets(), array.nulls(), entries, *sorted)?
            }
            (D::Union(..), D::Union(fields, mode)) => self.union(array.as_union(), fields, *mode, seen)?,
            _ => return Err(wrong()),
        })
    }

    /// Encodes values as a dictionary or as runs.
    fn pack(&self, values: &ArrayRef, logical: &DataType) -> Result<ArrayRef> {
        // Arrow packs these two by way of others.
        let through = match (logical, values.data_type()) {
            (DataType::Dictionary(keys, _), DataType::Boolean) => Some((keys, DataType::UInt8)),
            (DataType::Dictionary(keys, _), DataType::Duration(_)) => Some((keys, DataType::Int64)),
            _ => None,
        };
        let packed = match through {
            None => cast(values, logical),
            Some((keys, plain)) => cast(values, &plain)
                .and_then(|values| cast(&values, &DataType::Dictionary(keys.clone(), Box::new(plain))))
                .and_then(|packed| {
                    let dictionary = packed.as_any_dictionary();
                    Ok(dictionary.with_values(cast(dictionary.values(), values.data_type())?))
                }),
        };
        packed.map_err(|error| {
            let (field, to) = (self.column.to_owned(), logical.to_string());
            Error::Packing { field, to, reason: error.to_string() }
        })
    }

    fn list(&self, array: &ArrayRef, item: &FieldRef) -> Result<ArrayRef> {
        let list = array.as_list::<i32>();
        let values = self.array(list.values(), item.data_type(), None)?;
        let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
        Ok(Arc::new(GenericListArray::<i32>::try_new(Arc::clone(item), offsets, values, nulls)?))
    }

    fn record(&self, array: &StructArray, fields: &Fields, seen: Option<&NullBuffer>) -> Result<StructArray> {
        if array.num_columns() != fields.len() {
            return Err(self.wrong(array, &DataType::Struct(fields.clone())));
        }
        let seen = NullBuffer::union(seen, array.nulls());
        let column = |(array, field): (_, &FieldRef)| self.array(array, field.data_type(), seen.as_ref());
        let columns = array.columns().iter().zip(fields).map(column).collect::<Result<Vec<_>>>()?;
        let nulls = array.nulls().cloned();
        Ok(StructArray::try_new_with_length(fields.clone(), columns, nulls, array.len())?)
    }

    fn map(
        &self,
        values: &StructArray,
        offsets: &OffsetBuffer<i32>,
        nulls: Option<&NullBuffer>,
        entries: &FieldRef,
        sorted: bool,
    ) -> Result<ArrayRef> {
        let DataType::Struct(pair) = entries.data_type() else { return Err(self.wrong(values, entries.data_type())) };
        let values = self.record(values, pair, None)?;
        Ok(Arc::new(MapArray::try_new(Arc::clone(entries), offsets.clone(), values, nulls.cloned(), sorted)?))
    }

    /// Variants are read as dense unions whose first child is the empty state.
    fn union(
        &self,
        union: &UnionArray,
        fields: &UnionFields,
        mode: UnionMode,
        seen: Option<&NullBuffer>,
    ) -> Result<ArrayRef> {
        let wrong = || self.wrong(union, &DataType::Union(fields.clone(), mode));
        let offsets = union.offsets().ok_or_else(wrong)?;
        let none = fields.iter().find(|(_, field)| field.data_type() == &DataType::Null).map(|(id, _)| id);
        let mut ids: Vec<Option<i8>> = vec![none];
        ids.extend(fields.iter().map(|(id, _)| id).filter(|id| Some(*id) != none).map(Some));
        let DataType::Union(read, _) = union.data_type() else { return Err(wrong()) };
        if read.len() != ids.len() {
            return Err(wrong());
        }
        let mut children = Vec::with_capacity(fields.len());
        for (id, field) in fields.iter() {
            let place = ids.iter().position(|other| *other == Some(id)).ok_or_else(wrong)?;
            let child = union.child(i8::try_from(place).map_err(|_| wrong())?);
            children.push(self.array(child, field.data_type(), None)?);
        }
        // What is below a null is empty. Where the union has no place for that, it may be anything.
        let held = children.iter().position(|child| !child.is_empty()).unwrap_or(0);
        let (any, field) = fields.iter().nth(held).ok_or_else(wrong)?;
        let (mut out_ids, mut places) = (Vec::with_capacity(union.len()), Vec::with_capacity(union.len()));
        for (i, (id, offset)) in union.type_ids().iter().zip(offsets).enumerate() {
            let id = usize::try_from(*id).ok().and_then(|id| ids.get(id).copied().flatten());
            if id.is_none() && seen.is_none_or(|seen| seen.is_valid(i)) {
                let reason = "the variant is empty, and the union has no place for that".to_owned();
                return Err(Error::Value { field: self.column.to_owned(), entry: i as u64, reason });
            }
            out_ids.push(id.unwrap_or(any));
            places.push(id.map(|_| *offset));
        }
        let offsets = match mode {
            UnionMode::Dense => {
                if let Some(child) = children.get_mut(held)
                    && child.is_empty()
                    && places.contains(&None)
                {
                    *child = chosen(child, field, &Int32Array::new_null(1))?;
                }
                Some(places.into_iter().map(Option::unwrap_or_default).collect())
            }
            UnionMode::Sparse => {
                for ((id, field), child) in fields.iter().zip(&mut children) {
                    let here = out_ids.iter().zip(&places).map(|(other, place)| place.filter(|_| *other == id));
                    *child = chosen(child, field, &here.collect())?;
                }
                None
            }
        };
        Ok(Arc::new(UnionArray::try_new(fields.clone(), out_ids.into(), offsets, children)?))
    }
}

/// The values of a child at places, or some that nobody sees.
fn chosen(child: &ArrayRef, field: &Field, places: &Int32Array) -> Result<ArrayRef> {
    let chosen = take(child, places, None)?;
    if field.is_nullable() || chosen.null_count() == 0 {
        return Ok(chosen);
    }
    // A value that nobody sees, but no null.
    Ok(arrow::array::make_array(chosen.to_data().into_builder().nulls(None).build()?))
}

/// The same bits as another type.
fn reinterpreted<A, B>(array: &ArrayRef) -> Option<PrimitiveArray<B>>
where
    A: ArrowPrimitiveType,
    B: ArrowPrimitiveType<Native = A::Native>,
{
    Some(array.as_primitive_opt::<A>()?.reinterpret_cast::<B>())
}

/// Decimals from 64-bit numbers, or from their own bytes.
fn decimal<T: ArrowPrimitiveType>(
    array: &ArrayRef,
    digits: u8,
    data_type: &DataType,
    width: i32,
    widen: impl Fn(i64) -> T::Native,
) -> Option<ArrayRef> {
    let values: ScalarBuffer<T::Native> = if digits <= DIGITS_OF_64_BITS {
        array.as_primitive_opt::<Int64Type>()?.values().iter().map(|&value| widen(value)).collect()
    } else {
        let bytes = fixed_bytes(array, width)?;
        // Bytes of a page need not lie where numbers may.
        let aligned = bytes.as_ptr().align_offset(align_of::<T::Native>()) == 0;
        let bytes = if aligned { bytes } else { Buffer::from_slice_ref(bytes.as_slice()) };
        ScalarBuffer::new(bytes, 0, array.len())
    };
    Some(Arc::new(PrimitiveArray::<T>::new(values, array.nulls().cloned()).with_data_type(data_type.clone())))
}

/// The bytes of arrays of `n` bytes, one after the other.
fn fixed_bytes(array: &ArrayRef, n: i32) -> Option<Buffer> {
    let list = array.as_fixed_size_list_opt()?;
    if list.value_length() != n {
        return None;
    }
    let values = list.values().as_primitive_opt::<UInt8Type>()?;
    let n = usize::try_from(n).ok()?;
    let start = usize::try_from(list.value_offset(0)).ok()?;
    let len = list.len().checked_mul(n)?;
    let bytes = values.values().inner();
    (start.checked_add(len)? <= bytes.len()).then(|| bytes.slice_with_length(start, len))
}

/// Lists of bytes as binaries.
fn binary(array: &ArrayRef) -> Option<BinaryArray> {
    let list = array.as_list_opt::<i32>()?;
    let values = list.values().as_primitive_opt::<UInt8Type>()?;
    let bytes = values.values().inner().clone();
    BinaryArray::try_new(list.offsets().clone(), bytes, list.nulls().cloned()).ok()
}

fn interval(array: &ArrayRef, unit: IntervalUnit) -> Option<ArrayRef> {
    let member = |i: usize| array.as_struct_opt()?.columns().get(i);
    let nulls = array.nulls().cloned();
    Some(match unit {
        IntervalUnit::YearMonth => Arc::new(reinterpreted::<Int32Type, IntervalYearMonthType>(array)?),
        IntervalUnit::DayTime => {
            let days = member(0)?.as_primitive_opt::<Int32Type>()?.values();
            let milliseconds = member(1)?.as_primitive_opt::<Int32Type>()?.values();
            let values = days.iter().zip(milliseconds);
            let values = values.map(|(&days, &milliseconds)| IntervalDayTime::new(days, milliseconds));
            Arc::new(PrimitiveArray::<IntervalDayTimeType>::new(values.collect(), nulls))
        }
        IntervalUnit::MonthDayNano => {
            let months = member(0)?.as_primitive_opt::<Int32Type>()?.values();
            let days = member(1)?.as_primitive_opt::<Int32Type>()?.values();
            let nanoseconds = member(2)?.as_primitive_opt::<Int64Type>()?.values();
            let values = months.iter().zip(days).zip(nanoseconds);
            let values =
                values.map(|((&months, &days), &nanoseconds)| IntervalMonthDayNano::new(months, days, nanoseconds));
            Arc::new(PrimitiveArray::<IntervalMonthDayNanoType>::new(values.collect(), nulls))
        }
    })
}
