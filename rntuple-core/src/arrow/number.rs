//! Pages of one column to Arrow primitives, with the conversions that ROOT allows on reading.

use arrow::datatypes::ArrowNativeType;

use super::fault::PageFault;
use crate::encoding::{Element, Quantizer, bits, real, split, zigzag};
use crate::schema::{ColumnEncoding, ColumnType};

/// A number that pages decode into.
pub(super) trait Number: ArrowNativeType + Element {
    /// Whether the bytes of an unsealed page are the values already.
    fn is_plain(kind: ColumnType) -> bool;

    /// Decodes the elements from `start` on of a page of `n` elements.
    fn decode(
        encoding: &ColumnEncoding,
        page: &[u8],
        n: usize,
        start: usize,
        out: &mut [Self],
    ) -> Result<(), PageFault>;
}

/// Elements converted at a time, on the stack.
const CHUNK: usize = 256;

/// Decodes elements of type `S` piecewise and converts each; `None` from `convert` is a value that does not fit.
fn converted<S: Element + Default + std::fmt::Display, T>(
    start: usize,
    out: &mut [T],
    decode: impl Fn(usize, &mut [S]) -> Result<(), PageFault>,
    convert: impl Fn(S) -> Option<T>,
) -> Result<(), PageFault> {
    let mut values = [S::default(); CHUNK];
    for (i, out) in out.chunks_mut(CHUNK).enumerate() {
        let values = values.get_mut(..out.len()).unwrap_or_default();
        decode(start + i * CHUNK, values)?;
        for (j, (out, &value)) in out.iter_mut().zip(values.iter()).enumerate() {
            *out = convert(value).ok_or_else(|| PageFault::Value {
                offset: i * CHUNK + j,
                reason: format!("the value {value} does not fit into {}", std::any::type_name::<T>()),
            })?;
        }
    }
    Ok(())
}

/// Decodes any integer-like column, converting through `convert`, which is given the column's own type.
macro_rules! decode_integers {
    ($encoding:expr, $page:expr, $n:expr, $start:expr, $out:expr, $convert:ident) => {{
        let (page, n, start, out) = ($page, $n, $start, $out);
        macro_rules! from {
            ($source:ty, $decode:path) => {
                converted::<$source, _>(
                    start,
                    out,
                    |start, out| Ok($decode(page, n, start, out)?),
                    |value| $convert!(value),
                )
            };
        }
        match $encoding.kind {
            ColumnType::Bit => converted::<u8, _>(
                start,
                out,
                |start, out| {
                    let mut wide = [0; CHUNK];
                    let wide = wide.get_mut(..out.len()).unwrap_or_default();
                    bits::unpack(page, n, 1, start, wide)?;
                    out.iter_mut().zip(wide).for_each(|(out, bit)| *out = u8::from(*bit != 0));
                    Ok(())
                },
                |value| $convert!(value),
            ),
            ColumnType::Char | ColumnType::Int8 => from!(i8, split::plain),
            ColumnType::Byte | ColumnType::UInt8 => from!(u8, split::plain),
            ColumnType::Int16 => from!(i16, split::plain),
            ColumnType::UInt16 => from!(u16, split::plain),
            ColumnType::Int32 => from!(i32, split::plain),
            ColumnType::UInt32 => from!(u32, split::plain),
            ColumnType::Int64 => from!(i64, split::plain),
            ColumnType::UInt64 => from!(u64, split::plain),
            ColumnType::SplitInt16 => from!(i16, zigzag::unsplit_zigzag),
            ColumnType::SplitUInt16 => from!(u16, split::unsplit),
            ColumnType::SplitInt32 => from!(i32, zigzag::unsplit_zigzag),
            ColumnType::SplitUInt32 => from!(u32, split::unsplit),
            ColumnType::SplitInt64 => from!(i64, zigzag::unsplit_zigzag),
            ColumnType::SplitUInt64 => from!(u64, split::unsplit),
            other => Err(PageFault::unsupported(other)),
        }
    }};
}

macro_rules! integers {
    ($($ty:ty: $plain:pat, $($split:pat => $unsplit:path)?;)*) => {$(
        impl Number for $ty {
            fn is_plain(kind: ColumnType) -> bool {
                cfg!(target_endian = "little") && matches!(kind, $plain)
            }

            fn decode(
                encoding: &ColumnEncoding,
                page: &[u8],
                n: usize,
                start: usize,
                out: &mut [Self],
            ) -> Result<(), PageFault> {
                macro_rules! fit {
                    ($value:ident) => { Self::try_from($value).ok() };
                }
                match encoding.kind {
                    $plain => Ok(split::plain(page, n, start, out)?),
                    $($split => Ok($unsplit(page, n, start, out)?),)?
                    _ => decode_integers!(encoding, page, n, start, out, fit),
                }
            }
        }
    )*};
}

integers! {
    i8: ColumnType::Int8 | ColumnType::Char,;
    u8: ColumnType::UInt8 | ColumnType::Byte,;
    i16: ColumnType::Int16, ColumnType::SplitInt16 => zigzag::unsplit_zigzag;
    u16: ColumnType::UInt16, ColumnType::SplitUInt16 => split::unsplit;
    i32: ColumnType::Int32, ColumnType::SplitInt32 => zigzag::unsplit_zigzag;
    u32: ColumnType::UInt32, ColumnType::SplitUInt32 => split::unsplit;
    i64: ColumnType::Int64, ColumnType::SplitInt64 => zigzag::unsplit_zigzag;
    u64: ColumnType::UInt64, ColumnType::SplitUInt64 => split::unsplit;
}

/// Decodes an integer column into booleans, as bytes: whatever is not zero is true.
pub(super) fn decode_bools(
    encoding: &ColumnEncoding,
    page: &[u8],
    n: usize,
    start: usize,
    out: &mut [bool],
) -> Result<(), PageFault> {
    macro_rules! truth {
        ($value:ident) => {
            Some($value != 0)
        };
    }
    decode_integers!(encoding, page, n, start, out, truth)
}

impl Number for f32 {
    fn is_plain(kind: ColumnType) -> bool {
        cfg!(target_endian = "little") && kind == ColumnType::Real32
    }

    fn decode(
        encoding: &ColumnEncoding,
        page: &[u8],
        n: usize,
        start: usize,
        out: &mut [Self],
    ) -> Result<(), PageFault> {
        match encoding.kind {
            ColumnType::Real32 => split::plain(page, n, start, out)?,
            ColumnType::SplitReal32 => split::unsplit(page, n, start, out)?,
            ColumnType::Real64 => {
                return converted(start, out, |start, out| Ok(split::plain(page, n, start, out)?), narrow);
            }
            ColumnType::SplitReal64 => {
                return converted(start, out, |start, out| Ok(split::unsplit(page, n, start, out)?), narrow);
            }
            _ => low_precision(encoding, page, n, start, out)?,
        }
        Ok(())
    }
}

impl Number for f64 {
    fn is_plain(kind: ColumnType) -> bool {
        cfg!(target_endian = "little") && kind == ColumnType::Real64
    }

    fn decode(
        encoding: &ColumnEncoding,
        page: &[u8],
        n: usize,
        start: usize,
        out: &mut [Self],
    ) -> Result<(), PageFault> {
        let widen = |value: f32| Some(Self::from(value));
        match encoding.kind {
            ColumnType::Real64 => split::plain(page, n, start, out)?,
            ColumnType::SplitReal64 => split::unsplit(page, n, start, out)?,
            ColumnType::Real32 => {
                return converted(start, out, |start, out| Ok(split::plain(page, n, start, out)?), widen);
            }
            ColumnType::SplitReal32 => {
                return converted(start, out, |start, out| Ok(split::unsplit(page, n, start, out)?), widen);
            }
            _ => low_precision(encoding, page, n, start, out)?,
        }
        Ok(())
    }
}

/// A double as a float, unless that makes another kind of number of it: infinite, zero, subnormal.
fn narrow(value: f64) -> Option<f32> {
    #[expect(clippy::cast_possible_truncation, reason = "rounding is what reading a double as float means")]
    let narrowed = value as f32;
    (narrowed.classify() == value.classify()).then_some(narrowed)
}

fn low_precision<T: real::Real>(
    encoding: &ColumnEncoding,
    page: &[u8],
    n: usize,
    start: usize,
    out: &mut [T],
) -> Result<(), PageFault> {
    match encoding.kind {
        ColumnType::Real16 => real::real16(page, n, start, out)?,
        ColumnType::SplitReal16 => real::split_real16(page, n, start, out)?,
        ColumnType::Real32Trunc => real::trunc(page, n, encoding.bits.into(), start, out)?,
        ColumnType::Real32Quant => {
            let (min, max) = encoding.range.unwrap_or_default();
            real::quant(page, n, &Quantizer::new(encoding.bits.into(), min, max)?, start, out)?;
        }
        other => return Err(PageFault::unsupported(other)),
    }
    Ok(())
}
