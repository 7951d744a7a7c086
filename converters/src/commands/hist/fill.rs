//! Counting values.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray};
use arrow::datatypes::{
    DataType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};

use super::axis::Axis;

/// Different strings that are counted at once.
const STRINGS: usize = 100_000;
/// Bytes of a string that count.
const STRING: usize = 256;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Integer,
    Real,
    Text,
}

impl Kind {
    pub(super) fn of(data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Boolean => Self::Bool,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Binary | DataType::LargeBinary => Self::Text,
            number if number.is_integer() => Self::Integer,
            number if number.is_floating() => Self::Real,
            _ => return None,
        })
    }
}

/// Takes the values of arrays one by one.
trait Take {
    fn integer(&mut self, value: i128);
    fn real(&mut self, value: f64);
}

/// Gives every value of an array that has numbers. None of them is null.
fn each(array: &ArrayRef, take: &mut impl Take) {
    fn integers<T: ArrowPrimitiveType<Native: Into<i128>>>(array: &ArrayRef, take: &mut impl Take) {
        array.as_primitive::<T>().values().iter().for_each(|value| take.integer((*value).into()));
    }
    match array.data_type() {
        DataType::Boolean => array.as_boolean().values().iter().for_each(|value| take.integer(value.into())),
        DataType::Int8 => integers::<Int8Type>(array, take),
        DataType::Int16 => integers::<Int16Type>(array, take),
        DataType::Int32 => integers::<Int32Type>(array, take),
        DataType::Int64 => integers::<Int64Type>(array, take),
        DataType::UInt8 => integers::<UInt8Type>(array, take),
        DataType::UInt16 => integers::<UInt16Type>(array, take),
        DataType::UInt32 => integers::<UInt32Type>(array, take),
        DataType::UInt64 => integers::<UInt64Type>(array, take),
        DataType::Float16 => array.as_primitive::<Float16Type>().values().iter().for_each(|v| take.real(v.to_f64())),
        DataType::Float32 => {
            array.as_primitive::<Float32Type>().values().iter().for_each(|value| take.real((*value).into()));
        }
        DataType::Float64 => array.as_primitive::<Float64Type>().values().iter().for_each(|value| take.real(*value)),
        _ => {}
    }
}

#[expect(clippy::cast_precision_loss, reason = "for means and limits")]
fn to_f64(value: i128) -> f64 {
    value as f64
}

/// The smallest and the largest finite value.
#[derive(Debug, Clone, Default)]
pub(super) struct Limits {
    integers: Option<(i128, i128)>,
    reals: Option<(f64, f64)>,
}

impl Limits {
    #[expect(clippy::cast_possible_truncation, reason = "what is beyond all integers stays beyond")]
    pub(super) fn given(range: &RangeInclusive<f64>) -> Self {
        let (low, high) = (*range.start(), *range.end());
        let (first, last) = (low.ceil().max(-1e30) as i128, high.floor().min(1e30) as i128);
        Self { integers: Some((first, last.max(first))), reals: Some((low, high)) }
    }

    #[cfg(test)]
    pub(super) fn of_integers(first: i128, last: i128) -> Self {
        Self { integers: Some((first, last)), reals: None }
    }

    #[cfg(test)]
    pub(super) fn of_reals(low: f64, high: f64) -> Self {
        Self { integers: None, reals: Some((low, high)) }
    }

    pub(super) fn add(&mut self, array: &ArrayRef) {
        each(array, self);
    }

    pub(super) fn integers(&self) -> (i128, i128) {
        self.integers.unwrap_or((0, 0))
    }

    pub(super) fn reals(&self) -> (f64, f64) {
        self.reals.unwrap_or((0.0, 1.0))
    }
}

impl Take for Limits {
    fn integer(&mut self, value: i128) {
        let (low, high) = self.integers.get_or_insert((value, value));
        *low = value.min(*low);
        *high = value.max(*high);
    }

    fn real(&mut self, value: f64) {
        if value.is_finite() {
            let (low, high) = self.reals.get_or_insert((value, value));
            *low = value.min(*low);
            *high = value.max(*high);
        }
    }
}

/// What was counted.
#[derive(Debug, Clone)]
pub(super) struct Values {
    pub(super) entries: u64,
    /// All values, those that are outside or no numbers included.
    pub(super) values: u64,
    pub(super) shape: Shape,
}

#[derive(Debug, Clone)]
pub(super) enum Shape {
    Numbers {
        axis: Axis,
        counts: Vec<u64>,
        below: u64,
        above: u64,
        not_a_number: u64,
        /// Of all finite values, in the histogram or not.
        moments: Option<Moments>,
    },
    Strings {
        /// The most frequent ones, with their counts.
        top: Vec<(String, u64)>,
        /// How many others there are; nothing when there are too many to know.
        different: Option<u64>,
    },
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Moments {
    pub(super) mean: f64,
    pub(super) deviation: f64,
    pub(super) smallest: f64,
    pub(super) largest: f64,
}

/// A histogram of numbers.
#[derive(Debug)]
pub(super) struct Counts {
    axis: Axis,
    counts: Vec<u64>,
    below: u64,
    above: u64,
    not_a_number: u64,
    finite: u64,
    /// Sums are of differences to the first value: those of large numbers that differ little would cancel.
    origin: f64,
    sum: f64,
    squares: f64,
    smallest: f64,
    largest: f64,
}

impl Counts {
    pub(super) fn new(axis: Axis) -> Self {
        let counts = vec![0; axis.bins()];
        let (below, above, not_a_number, finite) = Default::default();
        let (origin, sum, squares) = Default::default();
        let (smallest, largest) = (f64::INFINITY, f64::NEG_INFINITY);
        Self { axis, counts, below, above, not_a_number, finite, origin, sum, squares, smallest, largest }
    }

    pub(super) fn add(&mut self, array: &ArrayRef) {
        each(array, self);
    }

    fn moment(&mut self, value: f64) {
        if self.finite == 0 {
            self.origin = value;
        }
        self.finite += 1;
        let away = value - self.origin;
        self.sum += away;
        self.squares += away * away;
        self.smallest = self.smallest.min(value);
        self.largest = self.largest.max(value);
    }

    fn count(&mut self, bin: usize) {
        if let Some(count) = self.counts.get_mut(bin) {
            *count += 1;
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "for a mean")]
    pub(super) fn finish(self, entries: u64) -> Values {
        let Self { axis, counts, below, above, not_a_number, finite, origin, sum, squares, smallest, largest } = self;
        let moments = (finite > 0).then(|| {
            let (mean, square) = (sum / finite as f64, squares / finite as f64);
            let deviation = (square - mean * mean).max(0.0).sqrt();
            Moments { mean: origin + mean, deviation, smallest, largest }
        });
        let values = counts.iter().sum::<u64>() + below + above + not_a_number;
        Values { entries, values, shape: Shape::Numbers { axis, counts, below, above, not_a_number, moments } }
    }
}

impl Take for Counts {
    fn integer(&mut self, value: i128) {
        self.moment(to_f64(value));
        match self.axis {
            Axis::Integers { first, .. } if value < first => self.below += 1,
            // Few integers are further apart than 64 bits, and dividing these is several times faster.
            Axis::Integers { first, width, bins } => {
                let away = value - first;
                let bin = match (u64::try_from(away), u64::try_from(width)) {
                    (Ok(away), Ok(width)) => away.checked_div(width).and_then(|bin| usize::try_from(bin).ok()),
                    _ => usize::try_from(away / width).ok(),
                };
                match bin.filter(|bin| *bin < bins) {
                    Some(bin) => self.count(bin),
                    None => self.above += 1,
                }
            }
            Axis::Bool => self.count(usize::from(value != 0)),
            Axis::Reals { .. } => {}
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "between 0 and the number of bins"
    )]
    fn real(&mut self, value: f64) {
        if value.is_nan() {
            self.not_a_number += 1;
            return;
        }
        if value.is_finite() {
            self.moment(value);
        }
        let Axis::Reals { low, high, bins } = self.axis else { return };
        if value < low {
            self.below += 1;
        } else if value > high {
            self.above += 1;
        } else {
            // Halves: the difference of the limits may be beyond all numbers.
            let part = (value * 0.5 - low * 0.5) / (high * 0.5 - low * 0.5);
            self.count(((part * bins as f64) as usize).min(bins - 1));
        }
    }
}

/// The most frequent strings, in bounded memory.
#[derive(Debug, Default)]
pub(super) struct Strings {
    counts: HashMap<Vec<u8>, u64>,
    values: u64,
    /// Whether there were more than can be counted; then counts are a little too small.
    many: bool,
}

impl Strings {
    pub(super) fn add(&mut self, array: &ArrayRef) {
        match array.data_type() {
            DataType::Utf8 => array.as_string::<i32>().iter().flatten().for_each(|text| self.one(text.as_bytes())),
            DataType::LargeUtf8 => array.as_string::<i64>().iter().flatten().for_each(|text| self.one(text.as_bytes())),
            DataType::Binary => array.as_binary::<i32>().iter().flatten().for_each(|text| self.one(text)),
            DataType::LargeBinary => array.as_binary::<i64>().iter().flatten().for_each(|text| self.one(text)),
            _ => {}
        }
    }

    fn one(&mut self, text: &[u8]) {
        self.values += 1;
        let key = text.get(..STRING).unwrap_or(text);
        if let Some(count) = self.counts.get_mut(key) {
            *count += 1;
            return;
        }
        if self.counts.len() >= STRINGS {
            // Whatever is frequent stays: each round takes one from many different strings.
            self.many = true;
            self.counts.retain(|_, count| {
                *count -= 1;
                *count > 0
            });
        }
        if self.counts.len() < STRINGS {
            self.counts.insert(key.to_owned(), 1);
        }
    }

    pub(super) fn finish(self, entries: u64, show: usize) -> Values {
        let different = (!self.many).then_some(self.counts.len() as u64);
        let mut all: Vec<(Vec<u8>, u64)> = self.counts.into_iter().collect();
        all.sort_by(|(a, n), (b, m)| m.cmp(n).then_with(|| a.cmp(b)));
        all.truncate(show);
        let top = all.into_iter().map(|(text, count)| (String::from_utf8_lossy(&text).into_owned(), count)).collect();
        Values { entries, values: self.values, shape: Shape::Strings { top, different } }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Float64Array, StringArray, UInt64Array};

    use super::*;

    #[test]
    fn every_value_is_counted_once() {
        let values = [-1.0, 0.0, 0.99, 1.0, 2.5, 4.0, 4.1, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
        let mut counts = Counts::new(Axis::Reals { low: 0.0, high: 4.0, bins: 4 });
        counts.add(&(Arc::new(Float64Array::from(values.to_vec())) as ArrayRef));
        let all = counts.finish(3);
        let Shape::Numbers { counts, below, above, not_a_number, moments, .. } = all.shape else { panic!() };
        assert_eq!((counts, below, above, not_a_number, all.values), (vec![2, 1, 1, 1], 2, 2, 1, 10));
        let moments = moments.unwrap();
        let finite = &values[..7];
        let mean = finite.iter().sum::<f64>() / 7.0;
        let deviation = (finite.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / 7.0).sqrt();
        assert!((moments.mean - mean).abs() < 1e-12 && (moments.deviation - deviation).abs() < 1e-12);
        assert_eq!((moments.smallest, moments.largest), (-1.0, 4.1));
    }

    #[test]
    fn the_largest_integers_have_their_bins() {
        let array: ArrayRef = Arc::new(UInt64Array::from(vec![u64::MAX, u64::MAX - 1, u64::MAX - 1, 0]));
        let first = i128::from(u64::MAX) - 1;
        let mut counts = Counts::new(Axis::Integers { first, width: 1, bins: 2 });
        counts.add(&array);
        let Shape::Numbers { counts, below, .. } = counts.finish(4).shape else { panic!() };
        assert_eq!((counts, below), (vec![2, 1], 1));
    }

    #[test]
    fn frequent_strings_are_found_among_many() {
        let mut strings = Strings::default();
        for round in 0..5 {
            let texts = (0..50_000).map(|i| if i % 5 == 0 { "often".to_owned() } else { format!("{round} {i}") });
            strings.add(&(Arc::new(StringArray::from_iter_values(texts)) as ArrayRef));
        }
        assert!(strings.counts.len() <= STRINGS);
        let Values { values, shape: Shape::Strings { top, different }, .. } = strings.finish(1, 1) else { panic!() };
        assert_eq!((values, different, top[0].0.as_str()), (250_000, None, "often"));
        assert!(top[0].1 > 40_000, "{top:?}");
    }
}
