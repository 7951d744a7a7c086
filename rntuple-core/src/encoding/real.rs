//! Real numbers with fewer bits than a float: half floats, truncated and quantised ones.
//!
//! | column type | stored | value |
//! |---|---|---|
//! | `Real16` | IEEE 754 half float, little endian | the half float |
//! | `SplitReal16` | the same in byte planes | the half float |
//! | `Real32Trunc`, `b` = 10 to 31 | the top `b` bits of a float, packed | the float with zeros in its low bits |
//! | `Real32Quant`, `b` = 1 to 32 | a number `q` of `b` bits, packed | `q * ((max - min) / (2^b - 1)) + min`, at most `max` |
//!
//! All of them decode to `f32` and to `f64`, for `float` and `double` fields. Results have the very bits that ROOT has:
//! quantised values are computed in `f64`, with the scale rounded first, and only then rounded to `f32`; a `double`
//! becomes a half or a truncated float by way of a `float`. Decoding keeps the payload of a NaN.

use super::bits::{pack_map, unpack_map};
use super::split::{split_map, unsplit_map};
use super::{EncodingError, check_output, element_range, page_bytes};

/// A type that these columns decode into: `f32` or `f64`. Sealed.
pub trait Real: super::Element + sealed::Convert {}

impl Real for f32 {}
impl Real for f64 {}

mod sealed {
    /// Conversions between real types, rounding to nearest.
    pub trait Convert: Copy {
        /// From a float, which is exact.
        fn from_f32(value: f32) -> Self;
        /// From a double.
        fn from_f64(value: f64) -> Self;
        /// To a float.
        fn to_f32(self) -> f32;
        /// To a double, which is exact.
        fn to_f64(self) -> f64;
    }
    impl Convert for f32 {
        #[inline(always)]
        fn from_f32(value: f32) -> Self {
            value
        }
        #[inline(always)]
        #[expect(clippy::cast_possible_truncation, reason = "rounding is what is wanted")]
        fn from_f64(value: f64) -> Self {
            value as f32
        }
        #[inline(always)]
        fn to_f32(self) -> f32 {
            self
        }
        #[inline(always)]
        fn to_f64(self) -> f64 {
            f64::from(self)
        }
    }
    impl Convert for f64 {
        #[inline(always)]
        fn from_f32(value: f32) -> Self {
            f64::from(value)
        }
        #[inline(always)]
        fn from_f64(value: f64) -> Self {
            value
        }
        #[inline(always)]
        #[expect(clippy::cast_possible_truncation, reason = "rounding is what is wanted")]
        fn to_f32(self) -> f32 {
            self as f32
        }
        #[inline(always)]
        fn to_f64(self) -> f64 {
            self
        }
    }
}

/// The value of a half float. Exact; the payload of a NaN is kept.
///
/// Without branches, so that a loop over it becomes vector code.
#[must_use]
#[inline(always)]
pub fn half_to_f32(half: u16) -> f32 {
    const EXPONENT: u32 = 0x1f << 23;
    let magnitude = (u32::from(half) & 0x7fff) << 13;
    let sign = (u32::from(half) & 0x8000) << 16;
    let exponent = magnitude & EXPONENT;
    // from exponent bias 15 to 127
    let normal = magnitude + (112 << 23);
    // all ones must stay all ones
    let special = magnitude + (224 << 23);
    // below the smallest normal number: one too much in the exponent stands for the missing leading bit
    let subnormal = (f32::from_bits(magnitude + (113 << 23)) - f32::from_bits(113 << 23)).to_bits();
    let bits = if exponent == EXPONENT {
        special
    } else if exponent == 0 {
        subnormal
    } else {
        normal
    };
    f32::from_bits(bits | sign)
}

/// The half float nearest to `value`, ties to even; infinity from 65520 on.
///
/// A NaN becomes a quiet NaN with the top bits of its payload, as the conversion of a CPU does it.
#[must_use]
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "each magnitude has at most 15 bits")]
pub fn f32_to_half(value: f32) -> u16 {
    let bits = value.to_bits();
    let sign = ((bits >> 16) & 0x8000) as u16;
    let bits = bits & 0x7fff_ffff;
    let magnitude = if bits > 0x7f80_0000 {
        0x7e00 | ((bits >> 13) as u16 & 0x1ff)
    } else if bits >= 0x477f_f000 {
        0x7c00
    } else if bits < 0x3880_0000 {
        // Adding 0.5 leaves a unit of 2^-24, that of subnormal halves, in the last place: the addition rounds.
        (f32::from_bits(bits) + 0.5).to_bits().wrapping_sub(0.5f32.to_bits()) as u16
    } else {
        let odd = (bits >> 13) & 1;
        ((bits - (112 << 23) + 0xfff + odd) >> 13) as u16
    };
    sign | magnitude
}

/// Decodes `Real16` elements `start .. start + out.len()` of a page of `n`.
///
/// # Errors
///
/// The page is too short for `n` elements, or the range is not on it.
#[inline(never)]
pub fn real16<T: Real>(page: &[u8], n: usize, start: usize, out: &mut [T]) -> Result<(), EncodingError> {
    let range = element_range(n, start, out.len())?;
    let page = page_bytes(page, n, 16)?;
    let halves = page.as_chunks().0.get(range).unwrap_or_default();
    for (out, half) in out.iter_mut().zip(halves) {
        *out = T::from_f32(half_to_f32(u16::from_le_bytes(*half)));
    }
    Ok(())
}

/// Decodes `SplitReal16` elements `start .. start + out.len()` of a page of `n`.
///
/// The format describes this column type; ROOT neither writes nor reads it.
///
/// # Errors
///
/// The page is too short for `n` elements, or the range is not on it.
#[inline(never)]
pub fn split_real16<T: Real>(page: &[u8], n: usize, start: usize, out: &mut [T]) -> Result<(), EncodingError> {
    unsplit_map(page, n, start, out, |half: u16| T::from_f32(half_to_f32(half)))
}

/// Encodes `values` as `Real16`.
///
/// # Errors
///
/// `out` has not exactly `2 * values.len()` bytes.
#[inline(never)]
pub fn encode_real16<T: Real>(values: &[T], out: &mut [u8]) -> Result<(), EncodingError> {
    check_output(out, values.len(), 16)?;
    for (out, value) in out.as_chunks_mut().0.iter_mut().zip(values) {
        *out = f32_to_half(value.to_f32()).to_le_bytes();
    }
    Ok(())
}

/// Encodes `values` as `SplitReal16`.
///
/// # Errors
///
/// `out` has not exactly `2 * values.len()` bytes.
#[inline(never)]
pub fn encode_split_real16<T: Real>(values: &[T], out: &mut [u8]) -> Result<(), EncodingError> {
    split_map(values, out, |value: T| f32_to_half(value.to_f32()))
}

fn check_trunc_bits(bits: u32) -> Result<(), EncodingError> {
    if (10..=31).contains(&bits) { Ok(()) } else { Err(EncodingError::InvalidBits { bits, min: 10, max: 31 }) }
}

/// Decodes `Real32Trunc` elements of `bits` bits (10 to 31), `start .. start + out.len()` of a page of `n`.
///
/// # Errors
///
/// `bits` is not 10 to 31, the page is too short for `n` elements, or the range is not on it.
#[inline(never)]
pub fn trunc<T: Real>(page: &[u8], n: usize, bits: u32, start: usize, out: &mut [T]) -> Result<(), EncodingError> {
    check_trunc_bits(bits)?;
    let shift = 32 - bits;
    unpack_map(page, n, bits, start, out, |value| T::from_f32(f32::from_bits(value << shift)))
}

/// Encodes `values` as `Real32Trunc` of `bits` bits (10 to 31): low bits are cut off, not rounded.
///
/// # Errors
///
/// `bits` is not 10 to 31, or `out` has not exactly `ceil(values.len() * bits / 8)` bytes.
#[inline(never)]
pub fn encode_trunc<T: Real>(values: &[T], bits: u32, out: &mut [u8]) -> Result<(), EncodingError> {
    check_trunc_bits(bits)?;
    let shift = 32 - bits;
    pack_map(values, bits, out, |value: T| value.to_f32().to_bits() >> shift)
}

/// Bits and value range of a `Real32Quant` column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantizer {
    bits: u32,
    min: f64,
    max: f64,
}

impl Quantizer {
    /// A column of `bits` bits (1 to 32) for values `min ..= max`.
    ///
    /// # Errors
    ///
    /// `bits` is not 1 to 32; or `min`, `max` or their difference is not finite, or `min` or `max` is subnormal, or
    /// `min` is greater than `max`.
    pub fn new(bits: u32, min: f64, max: f64) -> Result<Self, EncodingError> {
        if !(1..=32).contains(&bits) {
            return Err(EncodingError::InvalidBits { bits, min: 1, max: 32 });
        }
        let regular = |value: f64| value.is_normal() || value == 0.0;
        if regular(min) && regular(max) && min <= max && (max - min).is_finite() {
            Ok(Self { bits, min, max })
        } else {
            Err(EncodingError::InvalidRange { min, max })
        }
    }

    /// Bits per element.
    #[must_use]
    pub const fn bits(&self) -> u32 {
        self.bits
    }

    /// Lower end of the value range: what a stored 0 stands for.
    #[must_use]
    pub const fn min(&self) -> f64 {
        self.min
    }

    /// Upper end of the value range.
    #[must_use]
    pub const fn max(&self) -> f64 {
        self.max
    }

    /// Whether a value can be stored: it is in the range, whose ends count as `T` has them. What is decoded can always be
    /// encoded again.
    #[must_use]
    pub fn holds<T: Real>(&self, value: T) -> bool {
        let value = value.to_f64();
        let (low, high) = (T::from_f64(self.min).to_f64(), T::from_f64(self.max).to_f64());
        (low.min(self.min)..=high.max(self.max)).contains(&value)
    }

    /// The greatest stored number.
    fn steps(&self) -> f64 {
        f64::from(u32::MAX >> (32 - self.bits))
    }

    /// The range must be one of the type that is decoded into or encoded from.
    fn check_type<T: Real>(&self) -> Result<(), EncodingError> {
        if T::from_f64(self.min).to_f64().is_finite() && T::from_f64(self.max).to_f64().is_finite() {
            Ok(())
        } else {
            Err(EncodingError::InvalidRange { min: self.min, max: self.max })
        }
    }
}

/// Decodes `Real32Quant` elements `start .. start + out.len()` of a page of `n`.
///
/// # Errors
///
/// The page is too short for `n` elements, the range is not on it, or `T` is `f32` and the value range is beyond that.
#[inline(never)]
pub fn quant<T: Real>(
    page: &[u8],
    n: usize,
    quantizer: &Quantizer,
    start: usize,
    out: &mut [T],
) -> Result<(), EncodingError> {
    quantizer.check_type::<T>()?;
    let Quantizer { bits, min, max } = *quantizer;
    let scale = (max - min) / quantizer.steps();
    unpack_map(page, n, bits, start, out, |stored| {
        let value = f64::from(stored) * scale + min;
        T::from_f64(if max < value { max } else { value })
    })
}

/// Encodes `values` as `Real32Quant`: to the nearest step, halves upwards.
///
/// # Errors
///
/// A value is not in the column's range (NaN is in none), `T` is `f32` and the range is beyond that, or `out` has not
/// exactly `ceil(values.len() * bits / 8)` bytes. What is in `out` then means nothing.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rounds down; the value is in range, hence 0 to 2^bits - 1/2; and the cast saturates"
)]
#[inline(never)]
pub fn encode_quant<T: Real>(values: &[T], quantizer: &Quantizer, out: &mut [u8]) -> Result<(), EncodingError> {
    quantizer.check_type::<T>()?;
    let Quantizer { bits, min, max } = *quantizer;
    if let Some(position) = values.iter().position(|&value| !quantizer.holds(value)) {
        return Err(EncodingError::ValueOutOfRange {
            position,
            value: values.get(position).map_or(f64::NAN, |value| value.to_f64()),
            min,
            max,
        });
    }
    // A range of one value gives an infinite scale and 0 * infinity: NaN, which casts to 0, the only value there is.
    let scale = quantizer.steps() / (max - min);
    pack_map(values, bits, out, |value: T| (0.5 + (value.to_f64().clamp(min, max) - min) * scale) as u32)
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "narrow random numbers out of wide ones")]
mod tests {
    use half::f16;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_range_decodes_to_can_be_encoded() {
        // In single precision, the upper end of the first and the lower end of the second lie outside.
        for (min, max) in [(0.0, 0.15), (-0.15, 0.0), (0.1, 0.7), (-1e30, 1e30)] {
            for bits in [1, 8, 24, 32] {
                let quantizer = Quantizer::new(bits, min, max).unwrap();
                let stored = [0, u32::MAX >> (32 - bits)];
                let mut page = vec![0; (2 * bits as usize).div_ceil(8)];
                pack_map(&stored, bits, &mut page, |stored| stored).unwrap();
                let (mut values, mut again) = ([0_f32; 2], [0_f32; 2]);
                quant(&page, 2, &quantizer, 0, &mut values).unwrap();
                encode_quant(&values, &quantizer, &mut page).unwrap();
                quant(&page, 2, &quantizer, 0, &mut again).unwrap();
                assert_eq!(again, values, "{bits} bits, {min} to {max}");
            }
        }
        let quantizer = Quantizer::new(8, 0.0, 0.15).unwrap();
        assert!(quantizer.holds(0.15_f32) && quantizer.holds(0.15_f64));
        assert!(
            !quantizer.holds(f64::from(0.15_f32)) && !quantizer.holds(0.150_000_03_f32) && !quantizer.holds(f32::NAN)
        );
    }

    #[test]
    fn every_half_float() {
        for bits in 0..=u16::MAX {
            let value = half_to_f32(bits);
            let expected = f16::from_bits(bits).to_f32();
            if expected.is_nan() {
                // kept as it is, where the hardware would set the quiet bit
                assert_eq!(
                    value.to_bits(),
                    (u32::from(bits & 0x8000) << 16) | 0x7f80_0000 | (u32::from(bits & 0x3ff) << 13)
                );
            } else {
                assert_eq!(value.to_bits(), expected.to_bits(), "{bits:04x}");
            }
            assert_eq!(f32_to_half(value), if value.is_nan() { bits | 0x0200 } else { bits });
        }
    }

    #[test]
    fn halves_round_to_even() {
        // pages that ROOT wrote: 1e10 / 3 is infinite
        assert_eq!(f32_to_half(1e10 / 3.0), 0x7c00);
        assert_eq!(f32_to_half(65519.996), 0x7bff);
        assert_eq!(f32_to_half(65520.0), 0x7c00);
        assert_eq!(f32_to_half(-65520.0), 0xfc00);
        assert_eq!(f32_to_half(2049.0), f16::from_f32(2048.0).to_bits());
        assert_eq!(f32_to_half(2051.0), f16::from_f32(2052.0).to_bits());
        assert_eq!(f32_to_half(f32::from_bits(0x3300_0000)), 0); // 2^-25, a tie
        assert_eq!(f32_to_half(f32::from_bits(0x3300_0001)), 1);
        assert_eq!(f32_to_half(-0.0), 0x8000);
        assert_eq!(f32_to_half(f32::from_bits(0x7f80_1001)), 0x7e00);
        assert_eq!(f32_to_half(f32::from_bits(0x7f89_a006)), 0x7e4d);
        let mut page = [0; 4];
        encode_real16(&[1.0f64, -2.0], &mut page).unwrap();
        assert_eq!(page, [0x00, 0x3c, 0x00, 0xc0]);
        encode_split_real16(&[1.0f32, -2.0], &mut page).unwrap();
        assert_eq!(page, [0x00, 0x00, 0x3c, 0xc0]);
    }

    #[test]
    fn known_truncated_page() {
        let mut page = [0; 3];
        encode_trunc(&[1.0f32, -2.5], 12, &mut page).unwrap();
        assert_eq!(page, [0xf8, 0x23, 0xc0]);
        let mut out = [0f64; 2];
        trunc(&page, 2, 12, 0, &mut out).unwrap();
        assert_eq!(out, [1.0, -2.5]);
    }

    #[test]
    fn known_quantised_pages() {
        let column = Quantizer::new(5, 0.0, 10.0).unwrap();
        let mut page = [0; 2];
        encode_quant(&[0.0f32, 10.0], &column, &mut page).unwrap();
        assert_eq!(page, [0xe0, 0x03]);
        encode_quant(&[3.3f64, 5.0], &column, &mut page).unwrap();
        assert_eq!(page, [0x0a, 0x02]);
        let mut out = [0f64; 2];
        quant(&page, 2, &column, 0, &mut out).unwrap();
        assert_eq!(out, [10.0 * (10.0 / 31.0), 16.0 * (10.0 / 31.0)]);
        // never above max, however the product rounds
        for bits in 1..=32 {
            for (min, max) in [(0.1, 0.7), (-3.5e-20, 1.25e-19), (0.1, 0.3), (-10.0, 20.0)] {
                let column = Quantizer::new(bits, min, max).unwrap();
                let mut page = vec![0; 8];
                let size = (2 * bits as usize).div_ceil(8);
                encode_quant(&[min, max], &column, &mut page[..size]).unwrap();
                let mut out = [0f64; 2];
                quant(&page, 2, &column, 0, &mut out).unwrap();
                assert_eq!(out[0], min);
                assert!(out[1] <= max && (out[1] - max).abs() <= 1e-15 * (max - min), "{bits} {max}");
            }
        }
    }

    /// What ROOT 6.40 reads as double; with the product computed before the division the last bit is another one.
    #[test]
    fn quantised_values_have_the_bits_of_root() {
        let single = |value: f32| f64::from(value);
        for (bits, min, max, stored, value) in [
            (5, 0.0, 10.0, 28u32, 0x4022_1084_2108_4210u64),
            (12, -10.0, 20.0, 1041, 0xc002_fd2f_d2fd_2fd4),
            (12, -1000.0, 1000.0, 1185, 0xc07a_53ed_3ed3_ed40),
            (20, single(0.1), single(0.7), 675_491, 0x3fdf_2322_50eb_5f0e),
            (31, 0.1, 0.3, 860_168_546, 0x3fc7_0dd3_7a14_820d),
            (31, -1e100, 0.001, 771_605_254, 0xd4a7_6f09_91f7_9e14),
            (32, single(-3.5e-20), single(1.25e-19), 1_478_688_682, 0x3bd7_b674_52fe_579c),
            (32, single(-1e38), single(2e38), 1_990_674_123, 0x47bd_602c_bfbb_ed78),
        ] {
            let column = Quantizer::new(bits, min, max).unwrap();
            let mut page = vec![0; (bits as usize).div_ceil(8)];
            super::super::bits::pack(&[stored], bits, &mut page).unwrap();
            let mut out = [0f64];
            quant(&page, 1, &column, 0, &mut out).unwrap();
            assert_eq!(out[0].to_bits(), value, "{bits} bits, {min} to {max}: {stored}");
            let mut again = vec![0; page.len()];
            encode_quant(&out, &column, &mut again).unwrap();
            assert_eq!(again, page);
        }
    }

    #[test]
    fn a_range_of_one_value() {
        let column = Quantizer::new(8, 5.0, 5.0).unwrap();
        let mut page = [9; 2];
        encode_quant(&[5.0f32, 5.0], &column, &mut page).unwrap();
        assert_eq!(page, [0, 0]);
        let mut out = [0f32; 2];
        quant(&[0, 255], 2, &column, 0, &mut out).unwrap();
        assert_eq!(out, [5.0, 5.0]);
    }

    #[test]
    fn impossible_columns_are_errors() {
        let tiny = f64::MIN_POSITIVE / 2.0;
        for (bits, min, max) in [
            (0, 0.0, 1.0),
            (33, 0.0, 1.0),
            (8, 1.0, 0.0),
            (8, f64::NAN, 1.0),
            (8, 0.0, f64::NAN),
            (8, 0.0, f64::INFINITY),
            (8, tiny, 1.0),
            (8, -f64::MAX, f64::MAX),
        ] {
            assert!(Quantizer::new(bits, min, max).is_err(), "{bits} {min} {max}");
        }
        let wide = Quantizer::new(8, 0.0, 1e300).unwrap();
        assert!(quant(&[0], 1, &wide, 0, &mut [0f32]).is_err());
        assert!(quant(&[0], 1, &wide, 0, &mut [0f64]).is_ok());
        assert!(trunc(&[0; 64], 1, 9, 0, &mut [0f32]).is_err());
        assert!(trunc(&[0; 64], 1, 32, 0, &mut [0f32]).is_err());
        assert!(encode_trunc(&[0f32], 32, &mut [0; 4]).is_err());
        let column = Quantizer::new(8, 0.0, 1.0).unwrap();
        for value in [-0.001f32, 1.001, f32::NAN, f32::INFINITY] {
            let error = encode_quant(&[0.5, value], &column, &mut [0; 2]).unwrap_err();
            assert!(matches!(error, EncodingError::ValueOutOfRange { position: 1, .. }));
        }
    }

    #[test]
    fn wrong_sizes_are_errors() {
        let column = Quantizer::new(5, 0.0, 1.0).unwrap();
        let mut out = [0f32; 3];
        assert!(real16(&[0; 5], 3, 0, &mut out).is_err());
        assert!(real16(&[0; 6], 3, 1, &mut out).is_err());
        assert!(split_real16(&[0; 5], 3, 0, &mut out).is_err());
        assert!(trunc(&[0; 3], 3, 10, 0, &mut out).is_err());
        assert!(quant(&[0; 1], 3, &column, 0, &mut out).is_err());
        assert!(quant(&[0; 2], 3, &column, 1, &mut out).is_err());
        assert!(encode_real16(&out, &mut [0; 5]).is_err());
        assert!(encode_split_real16(&out, &mut [0; 7]).is_err());
        assert!(encode_trunc(&out, 10, &mut [0; 5]).is_err());
        assert!(encode_quant(&out, &column, &mut [0; 1]).is_err());
    }

    proptest! {
        #[test]
        fn halves_agree_with_another_implementation(bits in any::<u32>()) {
            let value = f32::from_bits(bits);
            if !value.is_nan() {
                prop_assert_eq!(f32_to_half(value), f16::from_f32(value).to_bits());
            }
        }

        #[test]
        fn round_trips(
            raw in prop::collection::vec(any::<u32>(), 0..300),
            bits in 10u32..=31, cut in (0usize..300, 0usize..300),
        ) {
            let n = raw.len();
            let start = cut.0.min(n);
            let len = cut.1.min(n - start);
            let mut out = vec![0f32; len];

            let halves: Vec<f32> = raw.iter().map(|v| half_to_f32((*v as u16) & 0xfbff)).collect();
            let expected: Vec<u32> = halves[start..start + len].iter().map(|v| v.to_bits()).collect();
            let mut page = vec![0; 2 * n];
            encode_real16(&halves, &mut page).unwrap();
            real16(&page, n, start, &mut out).unwrap();
            prop_assert_eq!(&out.iter().map(|v| v.to_bits()).collect::<Vec<_>>(), &expected);
            encode_split_real16(&halves, &mut page).unwrap();
            split_real16(&page, n, start, &mut out).unwrap();
            prop_assert_eq!(&out.iter().map(|v| v.to_bits()).collect::<Vec<_>>(), &expected);

            let floats: Vec<f32> = raw.iter().map(|v| f32::from_bits(*v)).collect();
            let mut page = vec![0; (n * bits as usize).div_ceil(8)];
            encode_trunc(&floats, bits, &mut page).unwrap();
            trunc(&page, n, bits, start, &mut out).unwrap();
            let keep = u32::MAX << (32 - bits);
            let expected: Vec<u32> = raw[start..start + len].iter().map(|v| v & keep).collect();
            prop_assert_eq!(&out.iter().map(|v| v.to_bits()).collect::<Vec<_>>(), &expected);
        }

        #[test]
        fn quantised_values_are_half_a_step_off_at_most(
            parts in prop::collection::vec(0f64..=1.0, 0..200),
            bits in 1u32..=32, min in -1e6f64..1e6, width in 1e-3f64..1e6, cut in (0usize..200, 0usize..200),
        ) {
            let max = min + width;
            let column = Quantizer::new(bits, min, max).unwrap();
            let values: Vec<f64> = parts.iter().map(|p| (min + p * width).clamp(min, max)).collect();
            let n = values.len();
            let mut page = vec![0; (n * bits as usize).div_ceil(8)];
            encode_quant(&values, &column, &mut page).unwrap();
            let start = cut.0.min(n);
            let len = cut.1.min(n - start);
            let mut out = vec![0f64; len];
            quant(&page, n, &column, start, &mut out).unwrap();
            let step = width / ((1u64 << bits) - 1) as f64;
            for (out, value) in out.iter().zip(&values[start..]) {
                prop_assert!((out - value).abs() <= step * 0.5 + 1e-9);
                prop_assert!((min..=max).contains(out));
            }
        }
    }
}
