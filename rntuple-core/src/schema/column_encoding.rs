//! How the elements of a column are stored, as text: `SplitReal32`, `Real32Trunc(12)`, `Real32Quant(10;0;1)`.

use std::fmt;
use std::str::FromStr;

use super::{Column, ColumnType};

/// Type of a column's elements with its parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ColumnEncoding {
    /// Type of the elements.
    pub kind: ColumnType,
    /// Bits per element on storage.
    pub bits: u16,
    /// Smallest and largest value, of quantised columns.
    pub range: Option<(f64, f64)>,
}

impl ColumnEncoding {
    /// A type that needs no parameters: its number of bits is the largest it can have.
    #[must_use]
    pub fn of(kind: ColumnType) -> Self {
        Self { kind, bits: kind.bits().map_or(0, |(_, most)| most), range: None }
    }

    /// The encoding of a column.
    #[must_use]
    pub fn of_column(column: &Column) -> Self {
        Self { kind: column.kind, bits: column.bits, range: column.range }
    }

    /// Reads a list of encodings, separated by commas.
    ///
    /// # Errors
    /// As [`ColumnEncoding::from_str`].
    pub fn parse_list(text: &str) -> Result<Vec<Self>, InvalidEncoding> {
        text.split(',').map(|one| one.trim().parse()).collect()
    }
}

impl fmt::Display for ColumnEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.kind, self.range) {
            (ColumnType::Real32Quant, Some((min, max))) => write!(f, "{}({};{min};{max})", self.kind, self.bits),
            (ColumnType::Real32Trunc | ColumnType::Real32Quant, _) => write!(f, "{}({})", self.kind, self.bits),
            _ => write!(f, "{}", self.kind),
        }
    }
}

/// A text that names no encoding.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{text}' is not an encoding: give a column type such as SplitReal32, Real16, Real32Trunc(BITS) with 10 to 31 bits, \
     or Real32Quant(BITS;MIN;MAX) with 1 to 32 bits"
)]
pub struct InvalidEncoding {
    /// What was given.
    pub text: String,
}

impl FromStr for ColumnEncoding {
    type Err = InvalidEncoding;

    fn from_str(text: &str) -> Result<Self, InvalidEncoding> {
        let invalid = || InvalidEncoding { text: text.to_owned() };
        let (name, parameters) = match text.split_once('(') {
            None => (text, None),
            Some((name, rest)) => (name, Some(rest.strip_suffix(')').ok_or_else(invalid)?)),
        };
        let kind = ColumnType::ALL.iter().copied().find(|kind| kind.to_string() == name.trim()).ok_or_else(invalid)?;
        let mut parameters = parameters.into_iter().flat_map(|list| list.split(';')).map(str::trim);
        let mut out = Self::of(kind);
        if matches!(kind, ColumnType::Real32Trunc | ColumnType::Real32Quant) {
            out.bits = parameters.next().and_then(|bits| bits.parse().ok()).ok_or_else(invalid)?;
        }
        if kind == ColumnType::Real32Quant {
            let mut bound = || parameters.next().and_then(|bound| bound.parse::<f64>().ok());
            let (min, max) = bound().zip(bound()).filter(|(min, max)| min < max).ok_or_else(invalid)?;
            let regular = |value: f64| value.is_normal() || value == 0.0;
            if !regular(min) || !regular(max) || !(max - min).is_finite() {
                return Err(invalid());
            }
            out.range = Some((min, max));
        }
        let possible = kind.bits().is_some_and(|(least, most)| (least..=most).contains(&out.bits));
        if possible && parameters.next().is_none() { Ok(out) } else { Err(invalid()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        for text in
            ["SplitReal32", "Bit", "Switch", "Real32Trunc(12)", "Real32Quant(10;0;1)", "Real32Quant(32;-1.5;1e300)"]
        {
            let encoding: ColumnEncoding = text.parse().unwrap();
            assert_eq!(encoding.to_string().parse(), Ok(encoding), "{text}");
        }
        assert_eq!("SplitInt16".parse::<ColumnEncoding>().unwrap().bits, 16);
        assert_eq!(ColumnEncoding::parse_list("SplitIndex64, Char").unwrap().len(), 2);
        for text in [
            "",
            "Real",
            "SplitReal32(4)",
            "Real32Trunc",
            "Real32Trunc(9)",
            "Real32Trunc(32)",
            "Real32Trunc(12;0;1)",
            "Real32Quant(0;0;1)",
            "Real32Quant(33;0;1)",
            "Real32Quant(8;1;0)",
            "Real32Quant(8;0;NaN)",
            "Real32Quant(8;0;inf)",
            "Real32Quant(8;0;1e-310)",
            "Real32Quant(8;0;1",
            "Unknown(0x99)",
        ] {
            assert!(text.parse::<ColumnEncoding>().is_err(), "{text}");
        }
    }
}
