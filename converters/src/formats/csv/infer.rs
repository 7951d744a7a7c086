//! What the texts of a column are.

use arrow::datatypes::{DataType, TimeUnit};

use super::Dialect;
use super::cut::Piece;
use crate::formats::columns::leaf::{is_integer, parse_double, parse_flag, parse_moment, parts};

/// What has been seen in a column.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Guess {
    /// A missing value.
    pub(super) missing: bool,
    flag: bool,
    /// An integer that is one of 64 bits with a sign, and one that is not.
    integer: bool,
    large: bool,
    negative: bool,
    double: bool,
    date: bool,
    moment: bool,
    /// A moment with a zone.
    zoned: bool,
    /// Digits after the point of seconds.
    digits: usize,
    text: bool,
}

/// Looks at the records of a piece, `rows` at most. Returns how many there were. What is wrong with them is said when they
/// are decoded.
pub(super) fn guess(piece: &Piece, dialect: &Dialect, guesses: &mut [Guess], rows: u64) -> u64 {
    let mut reader = dialect.reader(&piece.bytes);
    let mut record = ::csv::StringRecord::new();
    let mut seen = 0;
    while seen < rows && matches!(reader.read_record(&mut record), Ok(true)) {
        for (guess, text) in guesses.iter_mut().zip(&record) {
            guess.see(text, &dialect.null);
        }
        seen += 1;
    }
    seen
}

impl Guess {
    /// Adds what was seen elsewhere in the column.
    pub(super) fn add(&mut self, other: &Self) {
        self.missing |= other.missing;
        self.flag |= other.flag;
        self.integer |= other.integer;
        self.large |= other.large;
        self.negative |= other.negative;
        self.double |= other.double;
        self.date |= other.date;
        self.moment |= other.moment;
        self.zoned |= other.zoned;
        self.digits = self.digits.max(other.digits);
        self.text |= other.text;
    }

    pub(super) fn see(&mut self, text: &str, null: &str) {
        let trimmed = text.trim_matches(|c| matches!(c, ' ' | '\t'));
        if text == null || trimmed == null {
            self.missing = true;
            return;
        }
        if self.text {
            return;
        }
        // What most columns of numbers hold comes first.
        if parse_double(trimmed).is_some() {
            return self.see_number(trimmed);
        }
        if parse_flag(trimmed).is_some() {
            self.flag = true;
        } else if let Some((digits, zoned)) = parts(trimmed) {
            if trimmed.len() == 10 {
                self.date = true;
            } else if parse_moment(trimmed, TimeUnit::Nanosecond, zoned).is_some()
                || parse_moment(trimmed, TimeUnit::Microsecond, zoned).is_some()
            {
                self.moment |= !zoned;
                self.zoned |= zoned;
                self.digits = self.digits.max(digits);
            } else {
                self.text = true;
            }
        } else {
            self.text = true;
        }
    }

    fn see_number(&mut self, text: &str) {
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            self.double = true;
            return;
        }
        match is_integer(text) {
            (true, _) => {
                self.integer = true;
                self.negative |= text.starts_with('-');
            }
            (false, true) => self.large = true,
            // More than 64 bits: as a double it would lose digits.
            (false, false) => self.text = true,
        }
    }

    /// The type that holds all that was seen, without losing anything.
    pub(super) fn data_type(&self) -> DataType {
        let numbers = self.integer || self.large || self.double;
        let moments = self.date || self.moment || self.zoned;
        let kinds = [self.flag, numbers, moments, self.text];
        if self.text || kinds.iter().filter(|&&kind| kind).count() != 1 {
            return DataType::Utf8;
        }
        if self.flag {
            return DataType::Boolean;
        }
        if numbers {
            return match (self.double, self.large, self.negative) {
                (true, ..) => DataType::Float64,
                (false, true, false) => DataType::UInt64,
                (false, true, true) => DataType::Utf8,
                (false, false, _) => DataType::Int64,
            };
        }
        let unit = if self.digits > 6 { TimeUnit::Nanosecond } else { TimeUnit::Microsecond };
        match (self.moment, self.zoned) {
            (false, false) => DataType::Date32,
            (true, false) => DataType::Timestamp(unit, None),
            (false, true) if !self.date => DataType::Timestamp(unit, Some("UTC".into())),
            _ => DataType::Utf8,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::types::field_text;

    #[test]
    fn the_type_holds_all_that_was_seen() {
        for (texts, expected) in [
            (&["1", "-2", "+3", " 4 "][..], "int64"),
            (&["1", "18446744073709551615"], "uint64"),
            (&["-1", "18446744073709551615"], "string"),
            (&["1", "18446744073709551616"], "string"),
            (&["1", "2.5", ""], "float64?"),
            (&["1e3", "-inf", "NaN"], "float64"),
            (&["1e999", "1"], "string"),
            (&["true", "False", "TRUE"], "bool"),
            (&["true", "1"], "string"),
            (&["2026-11-21", ""], "date?"),
            (&["2026-11-21", "2026-11-21 12:00:00"], "timestamp[us]"),
            (&["2026-11-21T12:00:00.123456789"], "timestamp[ns]"),
            (&["2026-11-21T12:00:00Z", "2026-11-21T12:00:00+01:00"], "timestamp[us, UTC]"),
            (&["2026-11-21T12:00:00Z", "2026-11-21T12:00:00"], "string"),
            (&["2026-02-30"], "string"),
            (&["2026-11-21 25:00:00"], "string"),
            (&["12:30"], "string"),
            (&["1", "x"], "string"),
            (&["", ""], "string?"),
            (&["0x10"], "string"),
            (&["1 000"], "string"),
            (&["-"], "string"),
        ] {
            let mut guess = Guess::default();
            texts.iter().for_each(|text| guess.see(text, ""));
            assert_eq!(field_text(&guess.data_type(), guess.missing), expected, "{texts:?}");
        }
    }
}
