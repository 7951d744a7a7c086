//! Comparing arrays of plain values.

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray};
use arrow::datatypes::{
    DataType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};

/// How far floating-point numbers may be apart.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tolerance {
    pub(super) absolute: f64,
    /// In parts of the larger one.
    pub(super) relative: f64,
}

impl Tolerance {
    fn allows(self, a: f64, b: f64) -> bool {
        if a == b || (a.is_nan() && b.is_nan()) {
            return true;
        }
        let apart = (a - b).abs();
        // An infinite number is near to no other one.
        apart.is_finite() && (apart <= self.absolute || apart <= self.relative * a.abs().max(b.abs()))
    }
}

/// What values are, so far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Nothing,
    Bool,
    Number,
    Bytes,
}

impl Kind {
    pub(super) fn of(data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Null => Self::Nothing,
            DataType::Boolean => Self::Bool,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Binary | DataType::LargeBinary => Self::Bytes,
            number if number.is_integer() || number.is_floating() => Self::Number,
            _ => return None,
        })
    }
}

/// The first row where both have a value, and not the same. Both are of the same kind and length.
pub(super) fn mismatch(a: &ArrayRef, b: &ArrayRef, tolerance: Tolerance) -> Option<usize> {
    use DataType as T;
    match (a.data_type(), b.data_type()) {
        (T::Null, T::Null) => None,
        (T::Boolean, T::Boolean) => {
            let (one, other) = (a.as_boolean(), b.as_boolean());
            (0..a.len()).find(|&i| one.is_valid(i) && one.value(i) != other.value(i))
        }
        (T::Int8, T::Int8) => integers::<Int8Type>(a, b),
        (T::Int16, T::Int16) => integers::<Int16Type>(a, b),
        (T::Int32, T::Int32) => integers::<Int32Type>(a, b),
        (T::Int64, T::Int64) => integers::<Int64Type>(a, b),
        (T::UInt8, T::UInt8) => integers::<UInt8Type>(a, b),
        (T::UInt16, T::UInt16) => integers::<UInt16Type>(a, b),
        (T::UInt32, T::UInt32) => integers::<UInt32Type>(a, b),
        (T::UInt64, T::UInt64) => integers::<UInt64Type>(a, b),
        (T::Float32, T::Float32) => {
            primitives::<Float32Type>(a, b, |a, b| a == b || tolerance.allows(a.into(), b.into()))
        }
        (T::Float64, T::Float64) => primitives::<Float64Type>(a, b, |a, b| tolerance.allows(a, b)),
        _ => (0..a.len()).find(|&i| a.is_valid(i) && !same(a, b, i, tolerance)),
    }
}

fn integers<T: ArrowPrimitiveType>(a: &ArrayRef, b: &ArrayRef) -> Option<usize> {
    primitives::<T>(a, b, |a, b| a == b)
}

fn primitives<T: ArrowPrimitiveType>(
    a: &ArrayRef,
    b: &ArrayRef,
    same: impl Fn(T::Native, T::Native) -> bool,
) -> Option<usize> {
    let (a, b): (&PrimitiveArray<T>, &PrimitiveArray<T>) = (a.as_primitive(), b.as_primitive());
    let pairs = a.values().iter().zip(b.values().iter());
    pairs.enumerate().find(|(i, (x, y))| !same(**x, **y) && a.is_valid(*i)).map(|(i, _)| i)
}

/// For strings, and for numbers of two types.
fn same(a: &ArrayRef, b: &ArrayRef, row: usize, tolerance: Tolerance) -> bool {
    match (number(a, row), number(b, row)) {
        (Some(Number::Integer(a)), Some(Number::Integer(b))) => a == b,
        (Some(a), Some(b)) => tolerance.allows(a.to_f64(), b.to_f64()),
        _ => bytes(a, row) == bytes(b, row),
    }
}

#[derive(Debug, Clone, Copy)]
enum Number {
    Integer(i128),
    Real(f64),
}

impl Number {
    #[expect(clippy::cast_precision_loss, reason = "compared with a number that is no more precise")]
    fn to_f64(self) -> f64 {
        match self {
            Self::Integer(number) => number as f64,
            Self::Real(number) => number,
        }
    }
}

fn number(array: &ArrayRef, row: usize) -> Option<Number> {
    Some(match array.data_type() {
        DataType::Int8 => Number::Integer(array.as_primitive::<Int8Type>().value(row).into()),
        DataType::Int16 => Number::Integer(array.as_primitive::<Int16Type>().value(row).into()),
        DataType::Int32 => Number::Integer(array.as_primitive::<Int32Type>().value(row).into()),
        DataType::Int64 => Number::Integer(array.as_primitive::<Int64Type>().value(row).into()),
        DataType::UInt8 => Number::Integer(array.as_primitive::<UInt8Type>().value(row).into()),
        DataType::UInt16 => Number::Integer(array.as_primitive::<UInt16Type>().value(row).into()),
        DataType::UInt32 => Number::Integer(array.as_primitive::<UInt32Type>().value(row).into()),
        DataType::UInt64 => Number::Integer(array.as_primitive::<UInt64Type>().value(row).into()),
        DataType::Float16 => Number::Real(array.as_primitive::<Float16Type>().value(row).to_f64()),
        DataType::Float32 => Number::Real(array.as_primitive::<Float32Type>().value(row).into()),
        DataType::Float64 => Number::Real(array.as_primitive::<Float64Type>().value(row)),
        _ => return None,
    })
}

fn bytes(array: &ArrayRef, row: usize) -> Option<&[u8]> {
    Some(match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().value(row).as_bytes(),
        DataType::LargeUtf8 => array.as_string::<i64>().value(row).as_bytes(),
        DataType::Binary => array.as_binary::<i32>().value(row),
        DataType::LargeBinary => array.as_binary::<i64>().value(row),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Float32Array, Float64Array, Int32Array, StringArray, UInt64Array};

    use super::*;

    fn first(a: impl Array + 'static, b: impl Array + 'static, absolute: f64, relative: f64) -> Option<usize> {
        mismatch(&(Arc::new(a) as ArrayRef), &(Arc::new(b) as ArrayRef), Tolerance { absolute, relative })
    }

    #[test]
    fn floating_point_numbers() {
        let a = || Float64Array::from(vec![f64::NAN, -0.0, f64::INFINITY, 1.0, 1e9]);
        assert_eq!(first(a(), a(), 0.0, 0.0), None);
        let b = |last| Float64Array::from(vec![-f64::NAN, 0.0, f64::INFINITY, 1.0, last]);
        assert_eq!(first(a(), b(1e9), 0.0, 0.0), None);
        assert_eq!(first(a(), b(1e9 + 1.0), 0.5, 0.0), Some(4));
        assert_eq!(first(a(), b(1e9 + 1.0), 1.0, 0.0), None);
        assert_eq!(first(a(), b(1e9 + 1.0), 0.0, 1e-9), None);
        assert_eq!(first(a(), b(f64::INFINITY), 1e300, 1.0), Some(4));
        assert_eq!(first(a(), b(f64::NAN), 1e300, 1.0), Some(4));
    }

    #[test]
    fn numbers_of_two_types_are_their_values() {
        assert_eq!(first(Int32Array::from(vec![1, -1]), UInt64Array::from(vec![1, u64::MAX]), 0.0, 0.0), Some(1));
        assert_eq!(first(Float32Array::from(vec![0.5, 0.1]), Float64Array::from(vec![0.5, 0.1]), 0.0, 0.0), Some(1));
        assert_eq!(first(Float32Array::from(vec![0.5, 0.1]), Float64Array::from(vec![0.5, 0.1]), 0.0, 1e-7), None);
        assert_eq!(first(Int32Array::from(vec![3]), Float64Array::from(vec![3.0]), 0.0, 0.0), None);
    }

    #[test]
    fn what_is_null_has_no_value() {
        let a = Int32Array::from(vec![Some(1), None, Some(3)]);
        let b = Int32Array::new(vec![1, 7, 4].into(), a.nulls().cloned());
        assert_eq!(first(a, b, 0.0, 0.0), Some(2));
        assert_eq!(first(StringArray::from(vec!["a", "b"]), StringArray::from(vec!["a", "c"]), 0.0, 0.0), Some(1));
    }
}
