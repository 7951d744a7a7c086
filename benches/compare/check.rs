//! What shows that all contenders read the same: the number of leaf values, and their sum.
//!
//! A leaf is a number, a bool (0 or 1), or a byte of a string. Offsets of collections and tags of variants are none.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Float32Type, Float64Type, Int32Type, UInt32Type, UInt64Type};

use crate::Done;

/// Number and sum of leaf values.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Check {
    pub(crate) count: u64,
    pub(crate) sum: f64,
}

impl Check {
    /// Whether both are of the same data; sums may differ in rounding.
    pub(crate) fn agrees(self, other: Self) -> bool {
        self.count == other.count && (self.sum - other.sum).abs() <= 1e-9 * self.sum.abs().max(1.0)
    }

    pub(crate) fn add(&mut self, value: f64) {
        self.count += 1;
        self.sum += value;
    }

    /// Adds all leaf values of a batch.
    pub(crate) fn add_batch(&mut self, batch: &RecordBatch) -> Done<()> {
        batch.columns().iter().try_for_each(|column| self.add_array(column))
    }

    fn add_array(&mut self, array: &ArrayRef) -> Done<()> {
        match array.data_type() {
            DataType::Boolean => array.as_boolean().values().iter().for_each(|bit| self.add(f64::from(u8::from(bit)))),
            DataType::Float32 => self.add_numbers::<Float32Type>(array, f64::from),
            DataType::Float64 => self.add_numbers::<Float64Type>(array, |value| value),
            DataType::Int32 => self.add_numbers::<Int32Type>(array, f64::from),
            DataType::UInt32 => self.add_numbers::<UInt32Type>(array, f64::from),
            #[expect(clippy::cast_precision_loss, reason = "the same loss as with the others")]
            DataType::UInt64 => self.add_numbers::<UInt64Type>(array, |value| value as f64),
            DataType::Utf8 => array.as_string::<i32>().iter().flatten().for_each(|text| text.add_to(self)),
            DataType::List(_) => {
                let list = array.as_list::<i32>();
                let (first, last) = (list.value_offsets().first().copied(), list.value_offsets().last().copied());
                let (first, last) = (usize::try_from(first.unwrap_or(0))?, usize::try_from(last.unwrap_or(0))?);
                self.add_array(&list.values().slice(first, last - first))?;
            }
            DataType::Struct(_) => array.as_struct().columns().iter().try_for_each(|child| self.add_array(child))?,
            DataType::Union(fields, _) => {
                // The alternatives of a dense union that was read hold what is used, and nothing else.
                let union = array.as_union();
                fields.iter().skip(1).try_for_each(|(id, _)| self.add_array(union.child(id)))?;
            }
            other => return Err(format!("no check for {other}").into()),
        }
        Ok(())
    }

    fn add_numbers<T: ArrowPrimitiveType>(&mut self, array: &ArrayRef, value: impl Fn(T::Native) -> f64) {
        array.as_primitive::<T>().values().iter().for_each(|&number| self.add(value(number)));
    }
}

/// A value of a row, with leaf values in it.
pub(crate) trait Leaf {
    fn add_to(&self, check: &mut Check);
}

macro_rules! numbers {
    ($($type:ty)*) => {$(
        impl Leaf for $type {
            fn add_to(&self, check: &mut Check) {
                check.add(f64::from(*self));
            }
        }
    )*};
}

numbers!(f32 i32 u32);

impl Leaf for u64 {
    #[expect(clippy::cast_precision_loss, reason = "the same loss as with the others")]
    fn add_to(&self, check: &mut Check) {
        check.add(*self as f64);
    }
}

impl Leaf for bool {
    fn add_to(&self, check: &mut Check) {
        check.add(f64::from(u8::from(*self)));
    }
}

impl Leaf for str {
    fn add_to(&self, check: &mut Check) {
        self.bytes().for_each(|byte| check.add(f64::from(byte)));
    }
}

impl Leaf for String {
    fn add_to(&self, check: &mut Check) {
        self.as_str().add_to(check);
    }
}

impl<T: Leaf> Leaf for Vec<T> {
    fn add_to(&self, check: &mut Check) {
        self.iter().for_each(|value| value.add_to(check));
    }
}
