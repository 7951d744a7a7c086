//! Single pages with what ROOT reads from them (`pages*.txt` of the golden files).

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::str::FromStr;

use rntuple_core::encoding::bits::{copy_bits, pack_bools};
use rntuple_core::encoding::index::{encode_index, for_each_index, undelta_page};
use rntuple_core::encoding::real::{
    Real, encode_quant, encode_real16, encode_split_real16, encode_trunc, quant, real16, split_real16, trunc,
};
use rntuple_core::encoding::split::{encode_plain, plain, split, unsplit};
use rntuple_core::encoding::switch::{Switch, encode_switches, switches};
use rntuple_core::encoding::zigzag::{Zigzag, split_zigzag, unsplit_zigzag};
use rntuple_core::encoding::{Element, EncodingError, IndexKind, Quantizer, packed_size};
use rntuple_core::schema::ColumnType;

use crate::support::text;

struct Line {
    /// For messages.
    at: String,
    kind: ColumnType,
    bits: u16,
    range: Option<(f64, f64)>,
    values: Vec<String>,
    page: Vec<u8>,
}

fn lines(file: &str) -> Vec<Line> {
    let parse = |(number, line): (usize, &str)| {
        let parts: Vec<&str> = line.split('|').map(str::trim).collect();
        let [head, values, hex] = parts.as_slice() else { panic!("{file}, line {}: {line}", number + 1) };
        let head: Vec<&str> = head.split_whitespace().collect();
        let [kind, bits, min, max] = head.as_slice() else { panic!("{file}, line {}: {line}", number + 1) };
        let page = hex.as_bytes().chunks(2).map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16));
        Line {
            at: format!("{file}, line {}", number + 1),
            kind: *ColumnType::ALL.iter().find(|known| known.to_string() == *kind).expect("a known column type"),
            bits: bits.parse().unwrap(),
            range: (*min != "-").then(|| (min.parse().unwrap(), max.parse().unwrap())),
            values: values.split_whitespace().map(str::to_owned).collect(),
            page: page.map(Result::unwrap).collect(),
        }
    };
    text(file).lines().enumerate().map(parse).collect()
}

/// Values that are the same only if they are the same bits, NaN aside.
trait Same: Debug + Copy {
    fn same(self, other: Self) -> bool;
}

macro_rules! same {
    ($($exact:ty)*; $($float:ty)*) => {
        $(impl Same for $exact {
            fn same(self, other: Self) -> bool {
                self == other
            }
        })*
        $(impl Same for $float {
            fn same(self, other: Self) -> bool {
                self.to_bits() == other.to_bits() || (self.is_nan() && other.is_nan())
            }
        })*
    };
}
same!(bool i8 u8 i16 u16 i32 u32 i64 u64 Switch; f32 f64);

impl Line {
    fn parsed<T: FromStr<Err: Debug>>(&self) -> Vec<T> {
        self.values
            .iter()
            .map(|value| value.parse().unwrap_or_else(|e| panic!("{}: {value}: {e:?}", self.at)))
            .collect()
    }

    fn quantizer(&self) -> Quantizer {
        let (min, max) = self.range.expect("a value range");
        Quantizer::new(self.bits.into(), min, max).unwrap()
    }

    /// Decodes the whole page and every part of it.
    fn check<T: Same + Default>(
        &self,
        expected: &[T],
        decode: impl Fn(&[u8], usize, usize, &mut [T]) -> Result<(), EncodingError>,
    ) {
        let n = expected.len();
        assert_eq!(packed_size(n, self.bits.into()), Some(self.page.len()), "{}", self.at);
        for start in 0..=n {
            for len in 0..=n - start {
                let mut out = vec![T::default(); len];
                decode(&self.page, n, start, &mut out).unwrap_or_else(|e| panic!("{}: {start}, {len}: {e}", self.at));
                for (i, (&got, &want)) in out.iter().zip(&expected[start..]).enumerate() {
                    assert!(got.same(want), "{}: element {}: {got:?}, not {want:?}", self.at, start + i);
                }
            }
        }
        let mut out = vec![T::default(); n + 1];
        assert!(decode(&self.page, n, 0, &mut out).is_err(), "{}: one element too many", self.at);
        assert!(decode(&self.page, n, 1, &mut out[1..]).is_err(), "{}: a range over the end", self.at);
        assert!(decode(&self.page[..self.page.len() - 1], n, 0, &mut out[1..]).is_err(), "{}: a byte less", self.at);
    }

    /// Encodes the values, which must give the bytes that ROOT wrote.
    fn check_encoding(&self, encode: impl Fn(&mut [u8]) -> Result<(), EncodingError>) {
        let mut page = vec![0xaa; self.page.len()];
        encode(&mut page).unwrap_or_else(|e| panic!("{}: {e}", self.at));
        assert_eq!(page, self.page, "{}: encoded", self.at);
    }

    fn number<T: Element + Same + FromStr<Err: Debug>>(&self) {
        let values = self.parsed::<T>();
        self.check(&values, plain::<T>);
        self.check_encoding(|out| encode_plain(&values, out));
    }

    fn split_number<T: Element + Same + FromStr<Err: Debug>>(&self) {
        let values = self.parsed::<T>();
        self.check(&values, unsplit::<T>);
        self.check_encoding(|out| split(&values, out));
    }

    fn zigzag<T: Zigzag + Same + Default + FromStr<Err: Debug>>(&self) {
        let values = self.parsed::<T>();
        self.check(&values, unsplit_zigzag::<T>);
        self.check_encoding(|out| split_zigzag(&values, out));
    }

    fn index(&self, kind: IndexKind) {
        let values = self.parsed::<u64>();
        let n = values.len();
        self.check(&values, |page, n, start, out| {
            let mut next = 0;
            for_each_index(kind, page, n, start, out.len(), None, &mut |piece: &[u64]| {
                out[next..next + piece.len()].copy_from_slice(piece);
                next += piece.len();
                Ok::<_, EncodingError>(())
            })?;
            assert_eq!(next, out.len());
            Ok(())
        });
        let mut whole = vec![0; n];
        undelta_page(kind, &self.page, n, &mut whole).unwrap();
        assert_eq!(whole, values, "{}", self.at);
        self.check_encoding(|out| encode_index(kind, &values, out));
    }

    fn bits(&self) {
        let values: Vec<bool> = self.parsed::<u8>().into_iter().map(|bit| bit != 0).collect();
        let n = values.len();
        // Into a bitmap that starts anywhere, with every other bit left as it was.
        for dst_bit in [0, 1, 7, 8, 13] {
            self.check(&values, |page, n, start, out| {
                if start + out.len() > n {
                    // Where a page of bits ends is up to the caller; this function knows bytes.
                    return Err(EncodingError::OutOfRange { start, len: out.len(), elements: n });
                }
                for fill in [0x00_u8, 0xff] {
                    let mut bitmap = vec![fill; (dst_bit + out.len()).div_ceil(8) + 1];
                    let page = page.get(..n.div_ceil(8)).unwrap_or_default();
                    if page.is_empty() {
                        return Err(EncodingError::Truncated { needed: n.div_ceil(8), available: 0 });
                    }
                    copy_bits(page, start, &mut bitmap, dst_bit, out.len())?;
                    for bit in 0..bitmap.len() * 8 {
                        let set = bitmap[bit / 8] >> (bit % 8) & 1 == 1;
                        match bit.checked_sub(dst_bit).and_then(|i| out.get_mut(i)) {
                            Some(out) => *out = set,
                            None => assert_eq!(set, fill == 0xff, "{}: bit {bit} was touched", self.at),
                        }
                    }
                }
                Ok(())
            });
        }
        // ROOT leaves in the bits behind the last element whatever was in its buffer; ours are zero.
        let mut page = self.page.clone();
        if let (Some(last), used @ 1..) = (page.last_mut(), n % 8) {
            *last &= (1 << used) - 1;
        }
        Line { at: self.at.clone(), values: Vec::new(), page, ..*self }.check_encoding(|out| pack_bools(&values, out));
    }

    fn switches(&self) {
        let parse = |value: &String| {
            let (index, tag) = value.split_once(':').unwrap();
            Switch { index: index.parse().unwrap(), tag: tag.parse().unwrap() }
        };
        let values: Vec<Switch> = self.values.iter().map(parse).collect();
        self.check(&values, |page, n, start, out| {
            let elements = switches(page, n, start, out.len())?;
            assert_eq!(elements.len(), out.len());
            out.iter_mut().zip(elements).for_each(|(out, value)| *out = value);
            Ok(())
        });
        self.check_encoding(|out| encode_switches(&values, out));
    }

    fn narrow_real<T: Real + Same + FromStr<Err: Debug>>(&self) {
        let values = self.parsed::<T>();
        match self.kind {
            ColumnType::Real16 => {
                self.check(&values, real16::<T>);
                // ROOT has no split form of it; its planes can only be made here.
                let mut planes: Vec<u8> = self.page.iter().copied().step_by(2).collect();
                planes.extend(self.page.iter().copied().skip(1).step_by(2));
                let split = Line {
                    at: self.at.clone() + ", split",
                    page: planes,
                    values: self.values.clone(),
                    range: None,
                    ..*self
                };
                split.check(&values, split_real16::<T>);
            }
            ColumnType::Real32Trunc => {
                let bits = self.bits.into();
                self.check(&values, |page, n, start, out| trunc::<T>(page, n, bits, start, out));
            }
            _ => {
                let quantizer = self.quantizer();
                self.check(&values, |page, n, start, out| quant::<T>(page, n, &quantizer, start, out));
            }
        }
    }

    /// What was written, which may not be what is read.
    fn narrow_real_written<T: Real + Same + FromStr<Err: Debug>>(&self) {
        let values = self.parsed::<T>();
        self.check_encoding(|out| match self.kind {
            ColumnType::Real16 => encode_real16(&values, out),
            ColumnType::Real32Trunc => encode_trunc(&values, self.bits.into(), out),
            _ => encode_quant(&values, &self.quantizer(), out),
        });
    }
}

#[test]
fn what_root_reads_from_a_page_is_what_we_read() {
    for line in lines("pages.txt") {
        match line.kind {
            ColumnType::Bit => line.bits(),
            ColumnType::Byte | ColumnType::UInt8 => line.number::<u8>(),
            ColumnType::Char | ColumnType::Int8 => line.number::<i8>(),
            ColumnType::Int16 => line.number::<i16>(),
            ColumnType::UInt16 => line.number::<u16>(),
            ColumnType::Int32 => line.number::<i32>(),
            ColumnType::UInt32 => line.number::<u32>(),
            ColumnType::Int64 => line.number::<i64>(),
            ColumnType::UInt64 => line.number::<u64>(),
            ColumnType::Real32 => line.number::<f32>(),
            ColumnType::Real64 => line.number::<f64>(),
            ColumnType::SplitInt16 => line.zigzag::<i16>(),
            ColumnType::SplitInt32 => line.zigzag::<i32>(),
            ColumnType::SplitInt64 => line.zigzag::<i64>(),
            ColumnType::SplitUInt16 => line.split_number::<u16>(),
            ColumnType::SplitUInt32 => line.split_number::<u32>(),
            ColumnType::SplitUInt64 => line.split_number::<u64>(),
            ColumnType::SplitReal32 => line.split_number::<f32>(),
            ColumnType::SplitReal64 => line.split_number::<f64>(),
            ColumnType::Index32 => line.index(IndexKind::Plain32),
            ColumnType::Index64 => line.index(IndexKind::Plain64),
            ColumnType::SplitIndex32 => line.index(IndexKind::Split32),
            ColumnType::SplitIndex64 => line.index(IndexKind::Split64),
            // In a test of their own.
            ColumnType::Switch => {}
            ColumnType::Real16 | ColumnType::Real32Trunc | ColumnType::Real32Quant => line.narrow_real::<f32>(),
            other => panic!("{}: no test for {other}", line.at),
        }
    }
}

#[test]
fn switches_are_what_root_wrote() {
    let lines: Vec<Line> = lines("pages.txt").into_iter().filter(|line| line.kind == ColumnType::Switch).collect();
    assert_eq!(lines.len(), 3);
    for line in &lines {
        line.switches();
    }
    // The last page is of another cluster, where the alternatives are counted from 0 again.
    assert!(lines[2].values.iter().all(|value| value.starts_with("0:")));
}

/// A variant that holds nothing has tag 0; some page must show that.
#[test]
fn some_switch_is_valueless() {
    let lines = lines("pages.txt");
    let mut switches = lines.iter().filter(|line| line.kind == ColumnType::Switch);
    assert!(switches.any(|line| line.page.chunks(12).any(|element| element[8..] == [0; 4])));
}

#[test]
fn narrow_reals_read_as_doubles() {
    for line in lines("pages_double.txt") {
        match line.kind {
            ColumnType::Real16 | ColumnType::Real32Trunc | ColumnType::Real32Quant => line.narrow_real::<f64>(),
            // Floats, read into doubles: exact.
            ColumnType::Real32 | ColumnType::SplitReal32 => {
                let expected = line.parsed::<f64>();
                line.check(&expected, |page, n, start, out| {
                    let mut floats = vec![0_f32; out.len()];
                    match line.kind {
                        ColumnType::Real32 => plain(page, n, start, &mut floats)?,
                        _ => unsplit(page, n, start, &mut floats)?,
                    }
                    out.iter_mut().zip(floats).for_each(|(out, float)| *out = float.into());
                    Ok(())
                });
            }
            other => panic!("{}: no test for {other}", line.at),
        }
    }
}

#[test]
fn what_root_writes_is_what_we_write() {
    for line in lines("pages_written.txt") {
        line.narrow_real_written::<f32>();
    }
    for line in lines("pages_double_written.txt") {
        match line.kind {
            // A double in a column of floats is rounded first; that is the caller's business.
            ColumnType::Real32 | ColumnType::SplitReal32 => {
                #[expect(clippy::cast_possible_truncation, reason = "rounding is what is written")]
                let values: Vec<f32> = line.parsed::<f64>().into_iter().map(|value| value as f32).collect();
                line.check_encoding(|out| match line.kind {
                    ColumnType::Real32 => encode_plain(&values, out),
                    _ => split(&values, out),
                });
            }
            _ => line.narrow_real_written::<f64>(),
        }
    }
}

#[test]
fn split_halves_are_halves() {
    let values = [0.0_f32, -0.0, 1.0, -1.5, 65504.0, f32::INFINITY, 5.960_464_5e-8];
    let (mut halves, mut planes) = (vec![0; 14], vec![0; 14]);
    encode_real16(&values, &mut halves).unwrap();
    encode_split_real16(&values, &mut planes).unwrap();
    let low: Vec<u8> = halves.iter().copied().step_by(2).collect();
    let high: Vec<u8> = halves.iter().copied().skip(1).step_by(2).collect();
    assert_eq!(planes, [low, high].concat());
    let mut out = [0_f32; 7];
    split_real16(&planes, 7, 0, &mut out).unwrap();
    assert_eq!(out.map(f32::to_bits), values.map(f32::to_bits));
}

/// The vectors cover every column type that ROOT can write, in every width.
#[test]
fn coverage() {
    let lines = lines("pages.txt");
    let missing: Vec<ColumnType> =
        ColumnType::ALL.iter().copied().filter(|&kind| !lines.iter().any(|line| line.kind == kind)).collect();
    assert_eq!(missing, [ColumnType::SplitReal16], "column types without a page that ROOT wrote");
    let widths = |kind| lines.iter().filter(|line| line.kind == kind).map(|line| line.bits).collect::<BTreeSet<u16>>();
    assert!(widths(ColumnType::Real32Trunc).into_iter().eq(10..=31));
    assert!(widths(ColumnType::Real32Quant).into_iter().eq(1..=32));
    for line in &lines {
        let (least, most) = line.kind.bits().unwrap();
        assert!((least..=most).contains(&line.bits), "{}", line.at);
        assert_eq!(line.range.is_some(), line.kind == ColumnType::Real32Quant, "{}", line.at);
    }
    let negatives = |kind| lines.iter().any(|line| line.kind == kind && line.values.iter().any(|v| v.starts_with('-')));
    assert!(negatives(ColumnType::SplitInt64) && negatives(ColumnType::Int8) && negatives(ColumnType::Char));
}
