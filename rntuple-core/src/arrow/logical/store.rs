//! From arrays with Arrow types to those that are stored.

use std::sync::Arc;

use arrow::array::types::{
    ArrowPrimitiveType, Decimal128Type, Decimal256Type, Int32Type, Int64Type, IntervalDayTimeType,
    IntervalMonthDayNanoType, IntervalYearMonthType,
};
use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeListArray, GenericListArray, Int32Array, Int64Array, MapArray, OffsetSizeTrait,
    PrimitiveArray, StructArray, UInt8Array, UnionArray, new_null_array,
};
use arrow::buffer::{Buffer, NullBuffer, ScalarBuffer};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, IntervalUnit, i256};

use super::types::{DIGITS_OF_64_BITS, bytes, interval_fields};
use crate::error::{Error, Result};

/// The array as it is stored.
pub(super) fn array(array: &ArrayRef, physical: &Field, column: &str) -> Result<ArrayRef> {
    Store { column }.array(array, physical.data_type())
}

struct Store<'a> {
    column: &'a str,
}

impl Store<'_> {
    fn wrong(&self, array: &dyn Array, physical: &DataType) -> Error {
        let (from, to) = (array.data_type().to_string(), physical.to_string());
        Error::Cast { field: self.column.to_owned(), from, to }
    }

    fn array(&self, array: &ArrayRef, physical: &DataType) -> Result<ArrayRef> {
        use DataType as D;
        if array.data_type() == physical {
            return Ok(Arc::clone(array));
        }
        let wrong = || self.wrong(array, physical);
        Ok(match (array.data_type(), physical) {
            (D::Null, _) => new_null_array(physical, array.len()),
            (D::Interval(unit), _) => interval(array, *unit).ok_or_else(wrong)?,
            (D::Decimal32(..), _) => {
                reinterpreted::<arrow::datatypes::Decimal32Type, Int32Type>(array).ok_or_else(wrong)?
            }
            (D::Decimal64(..), _) => {
                reinterpreted::<arrow::datatypes::Decimal64Type, Int64Type>(array).ok_or_else(wrong)?
            }
            (D::Decimal128(digits, _), _) => self.decimal128(array, *digits)?,
            (D::Decimal256(digits, _), _) => self.decimal256(array, *digits)?,
            (D::FixedSizeBinary(n), _) => {
                let binary = array.as_fixed_size_binary();
                self.fixed_bytes(binary.values().slice(at(binary.offset(), *n)), array.len(), *n, array.nulls())?
            }
            (D::Dictionary(_, values), _) => self.array(&cast(array, values)?, physical)?,
            (D::RunEndEncoded(_, values), _) => self.array(&cast(array, values.data_type())?, physical)?,
            (D::ListView(item), _) => self.array(&cast(array, &D::List(Arc::clone(item)))?, physical)?,
            (D::LargeListView(item), _) => self.array(&cast(array, &D::LargeList(Arc::clone(item)))?, physical)?,
            (D::List(_), D::List(item)) => self.list::<i32>(array, item)?,
            (D::LargeList(_), D::LargeList(item)) => self.list::<i64>(array, item)?,
            (D::FixedSizeList(_, n), D::FixedSizeList(item, _)) => {
                let list = array.as_fixed_size_list();
                let values = self.array(list.values(), item.data_type())?;
                let (n, len) = (*n, array.len());
                Arc::new(FixedSizeListArray::try_new_with_length(
                    Arc::clone(item),
                    n,
                    values,
                    array.nulls().cloned(),
                    len,
                )?)
            }
            (D::Struct(_), D::Struct(fields)) => Arc::new(self.record(array.as_struct(), fields)?),
            (D::Map(..), D::Map(entries, sorted)) => self.map(array.as_map(), entries, *sorted)?,
            (D::Union(..), D::Union(fields, _)) => {
                let union = array.as_union();
                let children = fields.iter().map(|(id, field)| self.array(union.child(id), field.data_type()));
                let children = children.collect::<Result<Vec<_>>>()?;
                let (ids, offsets) = (union.type_ids().clone(), union.offsets().cloned());
                Arc::new(UnionArray::try_new(fields.clone(), ids, offsets, children)?)
            }
            // Arrow takes numbers for times, and times for numbers, as they are.
            (D::Timestamp(..) | D::Date32 | D::Date64 | D::Time32(_) | D::Time64(_) | D::Duration(_), _)
            | (D::Utf8View | D::BinaryView, _) => cast(array, physical)?,
            _ => return Err(wrong()),
        })
    }

    fn list<O: OffsetSizeTrait>(&self, array: &ArrayRef, item: &FieldRef) -> Result<ArrayRef> {
        let list = array.as_list::<O>();
        let values = self.array(list.values(), item.data_type())?;
        let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
        Ok(Arc::new(GenericListArray::<O>::try_new(Arc::clone(item), offsets, values, nulls)?))
    }

    fn record(&self, array: &StructArray, fields: &Fields) -> Result<StructArray> {
        let columns = array.columns().iter().zip(fields).map(|(array, field)| self.array(array, field.data_type()));
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let nulls = array.nulls().cloned();
        Ok(StructArray::try_new_with_length(fields.clone(), columns, nulls, array.len())?)
    }

    fn map(&self, map: &MapArray, entries: &FieldRef, sorted: bool) -> Result<ArrayRef> {
        let DataType::Struct(pair) = entries.data_type() else { return Err(self.wrong(map, entries.data_type())) };
        let values = self.record(map.entries(), pair)?;
        let (offsets, nulls) = (map.offsets().clone(), map.nulls().cloned());
        Ok(Arc::new(MapArray::try_new(Arc::clone(entries), offsets, values, nulls, sorted)?))
    }

    fn decimal128(&self, array: &ArrayRef, digits: u8) -> Result<ArrayRef> {
        let values = array.as_primitive::<Decimal128Type>();
        if digits > DIGITS_OF_64_BITS {
            return self.fixed_bytes(values.values().inner().clone(), array.len(), 16, array.nulls());
        }
        self.narrowed(values, |value| i64::try_from(value).ok())
    }

    fn decimal256(&self, array: &ArrayRef, digits: u8) -> Result<ArrayRef> {
        let values = array.as_primitive::<Decimal256Type>();
        if digits > DIGITS_OF_64_BITS {
            return self.fixed_bytes(values.values().inner().clone(), array.len(), 32, array.nulls());
        }
        self.narrowed(values, |value: i256| value.to_i128().and_then(|value| i64::try_from(value).ok()))
    }

    /// Unscaled values as 64-bit numbers. Arrow does not see to it that they have no more digits than their type.
    fn narrowed<T: ArrowPrimitiveType>(
        &self,
        values: &PrimitiveArray<T>,
        narrow: impl Fn(T::Native) -> Option<i64>,
    ) -> Result<ArrayRef> {
        let mut out = Vec::with_capacity(values.len());
        for (i, value) in values.values().iter().enumerate() {
            match narrow(*value) {
                Some(value) => out.push(value),
                // What lies under a null means nothing.
                None if values.is_null(i) => out.push(0),
                None => {
                    let reason = format!("a decimal has more digits than its type, {}", values.data_type());
                    return Err(Error::Value { field: self.column.to_owned(), entry: i as u64, reason });
                }
            }
        }
        Ok(Arc::new(Int64Array::new(out.into(), values.nulls().cloned())))
    }

    fn fixed_bytes(&self, values: Buffer, len: usize, n: i32, nulls: Option<&NullBuffer>) -> Result<ArrayRef> {
        let DataType::FixedSizeList(item, _) = bytes(n) else { return Ok(new_null_array(&DataType::Null, len)) };
        let size = len.saturating_mul(usize::try_from(n).unwrap_or(0));
        let short = || Error::inconsistent("array", format!("'{}' has fewer bytes than values", self.column));
        if values.len() < size {
            return Err(short());
        }
        let values = UInt8Array::new(ScalarBuffer::new(values, 0, size), None);
        Ok(Arc::new(FixedSizeListArray::try_new_with_length(item, n, Arc::new(values), nulls.cloned(), len)?))
    }
}

/// Where the bytes of element `offset` begin.
fn at(offset: usize, n: i32) -> usize {
    offset.saturating_mul(usize::try_from(n).unwrap_or(0))
}

/// The same bits as another type.
fn reinterpreted<A, B>(array: &ArrayRef) -> Option<ArrayRef>
where
    A: ArrowPrimitiveType,
    B: ArrowPrimitiveType<Native = A::Native>,
{
    Some(Arc::new(array.as_primitive_opt::<A>()?.reinterpret_cast::<B>()))
}

fn interval(array: &ArrayRef, unit: IntervalUnit) -> Option<ArrayRef> {
    let fields = interval_fields(unit);
    let columns: Vec<ArrayRef> = match unit {
        IntervalUnit::YearMonth => return reinterpreted::<IntervalYearMonthType, Int32Type>(array),
        IntervalUnit::DayTime => {
            let values = array.as_primitive_opt::<IntervalDayTimeType>()?.values();
            vec![
                Arc::new(values.iter().map(|value| value.days).collect::<Int32Array>()),
                Arc::new(values.iter().map(|value| value.milliseconds).collect::<Int32Array>()),
            ]
        }
        IntervalUnit::MonthDayNano => {
            let values = array.as_primitive_opt::<IntervalMonthDayNanoType>()?.values();
            vec![
                Arc::new(values.iter().map(|value| value.months).collect::<Int32Array>()),
                Arc::new(values.iter().map(|value| value.days).collect::<Int32Array>()),
                Arc::new(values.iter().map(|value| value.nanoseconds).collect::<Int64Array>()),
            ]
        }
    };
    StructArray::try_new(fields, columns, array.nulls().cloned()).ok().map(|array| Arc::new(array) as ArrayRef)
}
