//! Columns of values that have no parts: numbers, text, bytes, dates, times.

use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::timezone::Tz;
use arrow::array::{
    ArrayRef, ArrowPrimitiveType, BooleanArray, BooleanBufferBuilder, GenericByteArray, OffsetSizeTrait as _,
    PrimitiveArray,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::kernels::cast_utils::{Parser, string_to_datetime};
use arrow::datatypes::{
    ArrowNativeType as _, ByteArrayType, DataType, Date32Type, Date64Type, Float16Type, Float32Type, Float64Type,
    GenericBinaryType, GenericStringType, Int8Type, Int16Type, Int32Type, Int64Type, Time32MillisecondType,
    Time32SecondType, Time64MicrosecondType, Time64NanosecondType, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use arrow::error::ArrowError;

/// Values of one type.
pub(super) trait Leaf: Debug + Send {
    /// Takes the value that a text stands for; `false` when it stands for none of this type.
    fn text(&mut self, text: &str) -> bool;

    /// Takes bytes that are no text; `false` when this cannot hold them.
    fn bytes(&mut self, _bytes: &[u8]) -> bool {
        false
    }

    /// Takes something in place of a missing value.
    fn filler(&mut self);

    /// True when all texts are values as they are.
    fn is_text(&self) -> bool {
        false
    }

    /// True when JSON has this value as the string `text`.
    fn in_quotes(&self, text: &str) -> bool;

    fn finish(&mut self, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError>;
}

/// `None` for a type that has no text.
pub(super) fn of(data_type: &DataType) -> Option<Box<dyn Leaf>> {
    Some(match data_type {
        DataType::Boolean => Box::new(Flags(BooleanBufferBuilder::new(0))),
        DataType::Int8 => number::<Int8Type>(data_type, parse_integer::<Int8Type>),
        DataType::Int16 => number::<Int16Type>(data_type, parse_integer::<Int16Type>),
        DataType::Int32 => number::<Int32Type>(data_type, parse_integer::<Int32Type>),
        DataType::Int64 => number::<Int64Type>(data_type, parse_integer::<Int64Type>),
        DataType::UInt8 => number::<UInt8Type>(data_type, parse_integer::<UInt8Type>),
        DataType::UInt16 => number::<UInt16Type>(data_type, parse_integer::<UInt16Type>),
        DataType::UInt32 => number::<UInt32Type>(data_type, parse_integer::<UInt32Type>),
        DataType::UInt64 => number::<UInt64Type>(data_type, parse_integer::<UInt64Type>),
        DataType::Float16 => number::<Float16Type>(data_type, |text| {
            let value = Float16Type::parse(text)?;
            (value.is_finite() || is_special(text)).then_some(value)
        }),
        DataType::Float32 => number::<Float32Type>(data_type, |text| {
            let value = Float32Type::parse(text)?;
            (value.is_finite() || is_special(text)).then_some(value)
        }),
        DataType::Float64 => number::<Float64Type>(data_type, parse_double),
        DataType::Date32 => quoted::<Date32Type>(data_type, parse_date),
        DataType::Date64 => quoted::<Date64Type>(data_type, Date64Type::parse),
        DataType::Time32(TimeUnit::Second) => quoted::<Time32SecondType>(data_type, Time32SecondType::parse),
        DataType::Time32(TimeUnit::Millisecond) => {
            quoted::<Time32MillisecondType>(data_type, Time32MillisecondType::parse)
        }
        DataType::Time64(TimeUnit::Microsecond) => {
            quoted::<Time64MicrosecondType>(data_type, Time64MicrosecondType::parse)
        }
        DataType::Time64(TimeUnit::Nanosecond) => {
            quoted::<Time64NanosecondType>(data_type, Time64NanosecondType::parse)
        }
        DataType::Timestamp(unit, zone) => {
            // What has a zone is a moment in UTC, whatever the zone is called.
            let (unit, zoned) = (*unit, zone.is_some());
            let parse = move |text: &str| parse_moment(text, unit, zoned);
            match unit {
                TimeUnit::Second => quoted::<TimestampSecondType>(data_type, parse),
                TimeUnit::Millisecond => quoted::<TimestampMillisecondType>(data_type, parse),
                TimeUnit::Microsecond => quoted::<TimestampMicrosecondType>(data_type, parse),
                TimeUnit::Nanosecond => quoted::<TimestampNanosecondType>(data_type, parse),
            }
        }
        DataType::Utf8 => Box::new(Texts::<GenericStringType<i32>>::new(true)),
        DataType::LargeUtf8 => Box::new(Texts::<GenericStringType<i64>>::new(true)),
        DataType::Binary => Box::new(Texts::<GenericBinaryType<i32>>::new(false)),
        DataType::LargeBinary => Box::new(Texts::<GenericBinaryType<i64>>::new(false)),
        _ => return None,
    })
}

/// Whether a text is one of an integer of 64 bits, signed or not.
pub(crate) fn is_integer(text: &str) -> (bool, bool) {
    (parse_integer::<Int64Type>(text).is_some(), parse_integer::<UInt64Type>(text).is_some())
}

fn parse_integer<T: Parser>(text: &str) -> Option<T::Native> {
    // Arrow's parser would leave out white space.
    let (first, last) = (text.as_bytes().first()?, text.as_bytes().last()?);
    let whole = last.is_ascii_digit() && (first.is_ascii_digit() || matches!(first, b'-' | b'+'));
    if whole { T::parse(text) } else { None }
}

/// A double; neither a number too large for it, which would become infinite, nor a text.
pub(crate) fn parse_double(text: &str) -> Option<f64> {
    let value = Float64Type::parse(text)?;
    (value.is_finite() || is_special(text)).then_some(value)
}

/// NaN and the infinities, in the spellings that are about.
fn is_special(text: &str) -> bool {
    let name = text.strip_prefix(['-', '+']).unwrap_or(text);
    ["nan", "inf", "infinity"].iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// A date as `2026-11-21`.
pub(crate) fn parse_date(text: &str) -> Option<i32> {
    let shape =
        text.bytes().enumerate().all(|(at, b)| if matches!(at, 4 | 7) { b == b'-' } else { b.is_ascii_digit() });
    if text.len() == 10 && shape { Date32Type::parse(text) } else { None }
}

/// A moment as `2026-11-21 12:34:56.789`, with `T` or a space; with a zone (`Z`, `+01:00`) if `zoned`, which may be left
/// out for UTC. What has more digits than the unit is none.
pub(crate) fn parse_moment(text: &str, unit: TimeUnit, zoned: bool) -> Option<i64> {
    let (digits, zone) = parts(text)?;
    let room = match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 3,
        TimeUnit::Microsecond => 6,
        TimeUnit::Nanosecond => 9,
    };
    if digits > room || (zone && !zoned) {
        return None;
    }
    let utc: Tz = "+00:00".parse().ok()?;
    let moment = string_to_datetime(&utc, text).ok()?;
    match unit {
        TimeUnit::Second => Some(moment.timestamp()),
        TimeUnit::Millisecond => Some(moment.timestamp_millis()),
        TimeUnit::Microsecond => Some(moment.timestamp_micros()),
        TimeUnit::Nanosecond => moment.timestamp_nanos_opt(),
    }
}

/// How many digits that count a moment has after the point, and whether it names its zone; `None` when it is no moment.
pub(crate) fn parts(text: &str) -> Option<(usize, bool)> {
    let (date, time) = text.split_at_checked(10)?;
    parse_date(date)?;
    if time.is_empty() {
        return Some((0, false));
    }
    let time = time.strip_prefix(['T', 't', ' '])?;
    let zone = time.find(['Z', 'z', '+', '-', ' ']);
    let clock = time.split_at_checked(zone.unwrap_or(time.len()))?.0;
    let digits = clock.split_once('.').map_or(0, |(_, digits)| digits.trim_end_matches('0').len());
    Some((digits, zone.is_some()))
}

/// Truth values.
#[derive(Debug)]
struct Flags(BooleanBufferBuilder);

impl Leaf for Flags {
    fn text(&mut self, text: &str) -> bool {
        let Some(value) = parse_flag(text) else { return false };
        self.0.append(value);
        true
    }

    fn filler(&mut self) {
        self.0.append(false);
    }

    fn in_quotes(&self, _text: &str) -> bool {
        false
    }

    fn finish(&mut self, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
        Ok(Arc::new(BooleanArray::new(self.0.finish(), nulls)))
    }
}

/// `true` and `false`, in capitals or not.
pub(crate) fn parse_flag(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// Values of a fixed size.
struct Numbers<T: ArrowPrimitiveType, P> {
    values: Vec<T::Native>,
    data_type: DataType,
    parse: P,
    /// Whether JSON has them as strings.
    quoted: bool,
}

impl<T: ArrowPrimitiveType, P> Debug for Numbers<T, P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Numbers").field("data_type", &self.data_type).finish_non_exhaustive()
    }
}

fn number<T: ArrowPrimitiveType>(
    data_type: &DataType,
    parse: impl Fn(&str) -> Option<T::Native> + Send + 'static,
) -> Box<dyn Leaf> {
    Box::new(Numbers::<T, _> { values: Vec::new(), data_type: data_type.clone(), parse, quoted: false })
}

fn quoted<T: ArrowPrimitiveType>(
    data_type: &DataType,
    parse: impl Fn(&str) -> Option<T::Native> + Send + 'static,
) -> Box<dyn Leaf> {
    Box::new(Numbers::<T, _> { values: Vec::new(), data_type: data_type.clone(), parse, quoted: true })
}

impl<T: ArrowPrimitiveType, P: Fn(&str) -> Option<T::Native> + Send> Leaf for Numbers<T, P> {
    fn text(&mut self, text: &str) -> bool {
        let Some(value) = (self.parse)(text) else { return false };
        self.values.push(value);
        true
    }

    fn filler(&mut self) {
        self.values.push(T::Native::default());
    }

    fn in_quotes(&self, text: &str) -> bool {
        self.quoted || (self.data_type.is_floating() && is_special(text))
    }

    fn finish(&mut self, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
        let values = ScalarBuffer::from(std::mem::take(&mut self.values));
        Ok(Arc::new(PrimitiveArray::<T>::try_new(values, nulls)?.with_data_type(self.data_type.clone())))
    }
}

/// Texts, or bytes.
struct Texts<T: ByteArrayType> {
    bytes: Vec<u8>,
    ends: Vec<T::Offset>,
    utf8: bool,
}

impl<T: ByteArrayType> Debug for Texts<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Texts").field("utf8", &self.utf8).finish_non_exhaustive()
    }
}

impl<T: ByteArrayType> Texts<T> {
    fn new(utf8: bool) -> Self {
        Self { bytes: Vec::new(), ends: vec![T::Offset::default()], utf8 }
    }

    /// `false` past 2 GiB in one batch.
    fn push(&mut self, bytes: &[u8]) -> bool {
        let end = self.bytes.len().saturating_add(bytes.len());
        if end > T::Offset::MAX_OFFSET {
            return false;
        }
        let end = T::Offset::usize_as(end);
        self.bytes.extend_from_slice(bytes);
        self.ends.push(end);
        true
    }
}

impl<T: ByteArrayType> Leaf for Texts<T> {
    fn text(&mut self, text: &str) -> bool {
        self.push(text.as_bytes())
    }

    fn bytes(&mut self, bytes: &[u8]) -> bool {
        !self.utf8 && self.push(bytes)
    }

    fn filler(&mut self) {
        self.push(b"");
    }

    fn is_text(&self) -> bool {
        true
    }

    fn in_quotes(&self, _text: &str) -> bool {
        true
    }

    fn finish(&mut self, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
        let ends = std::mem::replace(&mut self.ends, vec![T::Offset::default()]);
        let offsets = OffsetBuffer::new(ScalarBuffer::from(ends));
        let bytes = Buffer::from_vec(std::mem::take(&mut self.bytes));
        Ok(Arc::new(GenericByteArray::<T>::try_new(offsets, bytes, nulls)?))
    }
}
