//! How the elements of a column are stored, as text: `SplitReal32`, `Real32Trunc(12)`, `Real32Quant(10;0;1)`.

use std::fmt;
use std::str::FromStr;

use super::{Column, ColumnType, Field, Schema};

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

    /// Whether columns of a field with this type can have every element of columns with another encoding, unchanged.
    #[must_use]
    pub fn holds(&self, other: &Self, type_name: &str) -> bool {
        use ColumnType as C;
        if self == other {
            return true;
        }
        match (other.kind, self.kind) {
            (C::Int16 | C::SplitInt16, C::Int16 | C::SplitInt16)
            | (C::UInt16 | C::SplitUInt16, C::UInt16 | C::SplitUInt16)
            | (C::Int32 | C::SplitInt32, C::Int32 | C::SplitInt32)
            | (C::UInt32 | C::SplitUInt32, C::UInt32 | C::SplitUInt32)
            | (C::Int64 | C::SplitInt64, C::Int64 | C::SplitInt64)
            | (C::UInt64 | C::SplitUInt64, C::UInt64 | C::SplitUInt64)
            | (C::Index32 | C::SplitIndex32, C::Index32 | C::SplitIndex32)
            | (C::Index32 | C::SplitIndex32 | C::Index64 | C::SplitIndex64, C::Index64 | C::SplitIndex64)
            | (
                C::Real16 | C::Real32 | C::SplitReal32 | C::Real32Trunc,
                C::Real32 | C::SplitReal32 | C::Real64 | C::SplitReal64,
            )
            | (C::Real64 | C::SplitReal64 | C::Real32Quant, C::Real64 | C::SplitReal64) => true,
            // Steps of a range that single precision may not have.
            (C::Real32Quant, C::Real32 | C::SplitReal32) => type_name != "double",
            (C::Real32Trunc, C::Real32Trunc) => self.bits >= other.bits,
            _ => false,
        }
    }

    /// Reads a list of encodings, separated by commas.
    ///
    /// # Errors
    /// As [`ColumnEncoding::from_str`].
    pub fn parse_list(text: &str) -> Result<Vec<Self>, InvalidEncoding> {
        text.split(',').map(|one| one.trim().parse()).collect()
    }
}

impl Schema {
    /// The encodings of a field's columns: those of its first representation. Where representations of a real number
    /// differ, the one in which the values of all of them are kept as they are; and for a quantised column that was added
    /// while writing, one that has the zero which entries from before read as.
    #[must_use]
    pub fn encodings(&self, field: &Field) -> Vec<ColumnEncoding> {
        let columns = || self.representations(field).flatten().filter_map(|&id| self.column(id));
        let first = self.representations(field).next().unwrap_or_default().iter();
        let first: Vec<_> = first.filter_map(|&id| self.column(id)).map(ColumnEncoding::of_column).collect();
        let [one] = first.as_slice() else { return first };
        let mut all: Vec<ColumnEncoding> = columns().map(ColumnEncoding::of_column).collect();
        if columns().any(|column| column.deferred && column.kind == ColumnType::Real32Quant) {
            all.push(ColumnEncoding::of(ColumnType::SplitReal32));
        }
        if all.iter().all(|other| other == one) {
            return first;
        }
        widest(&all, &field.type_name).map_or(first, |widest| vec![widest])
    }
}

/// Of several encodings, one that keeps the values of all. Only real numbers have encodings that lose anything.
fn widest(all: &[ColumnEncoding], type_name: &str) -> Option<ColumnEncoding> {
    use ColumnType as C;
    let needs_double = |encoding: &ColumnEncoding| match encoding.kind {
        C::Real64 | C::SplitReal64 => Some(true),
        // Steps of a range that single precision may not have.
        C::Real32Quant => Some(type_name == "double"),
        C::Real16 | C::SplitReal16 | C::Real32 | C::SplitReal32 | C::Real32Trunc => Some(false),
        _ => None,
    };
    let double = all.iter().map(needs_double).collect::<Option<Vec<bool>>>()?.contains(&true);
    let enough = if double { [C::Real64, C::SplitReal64] } else { [C::Real32, C::SplitReal32] };
    let split = || enough.last().copied().map(ColumnEncoding::of);
    all.iter().find(|encoding| enough.contains(&encoding.kind)).copied().or_else(split)
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
    fn the_widest_representation() {
        let of = |names: &[&str], type_name| {
            let all: Vec<ColumnEncoding> = names.iter().map(|name| name.parse().unwrap()).collect();
            widest(&all, type_name).map(|encoding| encoding.to_string())
        };
        assert_eq!(of(&["Real16", "SplitReal32"], "float").as_deref(), Some("SplitReal32"));
        assert_eq!(of(&["Real32", "SplitReal32"], "float").as_deref(), Some("Real32"));
        assert_eq!(of(&["Real16", "Real32Trunc(12)"], "float").as_deref(), Some("SplitReal32"));
        assert_eq!(of(&["SplitReal32", "Real32Quant(8;0;1)"], "double").as_deref(), Some("SplitReal64"));
        assert_eq!(of(&["SplitReal32", "Real64"], "double").as_deref(), Some("Real64"));
        assert_eq!(of(&["SplitInt32", "Int32"], "std::int32_t"), None);
    }

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
