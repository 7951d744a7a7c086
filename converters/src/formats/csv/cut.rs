//! CSV cut into pieces of whole records, so that each can be decoded by itself.

use std::sync::Arc;

use memchr::{memchr, memchr2, memchr3, memrchr};

use super::Dialect;
use crate::error::Result;
use crate::formats::feed::{MAX_RECORD, PIECE, Text, lines, table};

/// Whole records of one file.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) file: Arc<str>,
    /// The line where it starts, from 1.
    pub(super) line: u64,
    pub(super) bytes: Vec<u8>,
}

/// A CSV file that is read piece by piece.
#[derive(Debug)]
pub(super) struct Pieces {
    text: Text,
    line: u64,
}

/// Where in a piece something is wrong with its quotes.
#[derive(Debug, PartialEq, Eq)]
struct BadQuote {
    at: usize,
    reason: &'static str,
}

impl Pieces {
    pub(super) fn new(text: Text) -> Self {
        Self { text, line: 1 }
    }

    /// The first record that is left, with the blank lines and comments before it.
    pub(super) fn first(&mut self, dialect: &Dialect) -> Result<Option<Piece>> {
        self.cut(dialect, true)
    }

    /// The next records.
    pub(super) fn next(&mut self, dialect: &Dialect) -> Result<Option<Piece>> {
        self.cut(dialect, false)
    }

    fn cut(&mut self, dialect: &Dialect, one: bool) -> Result<Option<Piece>> {
        let mut size = PIECE;
        loop {
            self.text.fill(size)?;
            if self.text.buffer.is_empty() {
                return Ok(None);
            }
            let end = dialect.records(&self.text.buffer, self.text.ended, one).map_err(|bad| {
                let before = self.text.buffer.get(..bad.at).unwrap_or_default();
                table(&self.text.name, format!("line {}: {}", self.line + lines(before), bad.reason))
            })?;
            if end > 0 {
                return Ok(Some(self.take(end)));
            }
            if size >= MAX_RECORD {
                let reason = format!(
                    "line {}: a record of more than {} MiB; is a quote not closed? (--quote none: quotes mean nothing)",
                    self.line,
                    MAX_RECORD >> 20
                );
                return Err(table(&self.text.name, reason));
            }
            size *= 2;
        }
    }

    fn take(&mut self, end: usize) -> Piece {
        let bytes = self.text.take(end);
        let line = self.line;
        self.line += lines(&bytes);
        Piece { file: Arc::clone(&self.text.name), line, bytes }
    }
}

impl Dialect {
    /// Where the last whole record of `text` ends, or the first one if `one`; 0 if there is none. `ended`: the text ends
    /// there, and so does its last record.
    fn records(&self, text: &[u8], ended: bool, one: bool) -> Result<usize, BadQuote> {
        let quoted = self.quote.is_some_and(|quote| memchr(quote, text).is_some());
        if !one && !quoted {
            if ended {
                return Ok(text.len());
            }
            // What follows a CR at the end of what is in memory may be its LF.
            let last = memrchr(b'\n', text).or_else(|| memrchr(b'\r', text.split_last()?.1));
            return Ok(last.map_or(0, |at| at + 1));
        }
        let (mut at, mut whole) = (0, 0);
        loop {
            let Some(&first) = text.get(at) else { return Ok(whole) };
            let start = at;
            if first == b'\n' || first == b'\r' {
                // A blank line is no record.
                match behind_break(text, at, ended) {
                    Some(end) => at = end,
                    None => return Ok(whole),
                }
            } else if Some(first) == self.comment {
                match line_end(text, at, ended) {
                    Some(end) => at = end,
                    None => return Ok(whole),
                }
            } else {
                match self.record(text, at, ended)? {
                    Some(end) => at = end,
                    None => return Ok(whole),
                }
                if one {
                    return Ok(at);
                }
            }
            debug_assert!(at > start);
            whole = at;
        }
    }

    /// Where the record ends that starts at `at`; `None` if the text ends before.
    fn record(&self, text: &[u8], mut at: usize, ended: bool) -> Result<Option<usize>, BadQuote> {
        loop {
            // A field starts here.
            if self.quote.is_some() && text.get(at).copied() == self.quote {
                match self.quoted(text, at, ended)? {
                    Some(end) => at = end,
                    None => return Ok(None),
                }
                match text.get(at) {
                    Some(&sign) if sign == self.delimiter => at += 1,
                    Some(b'\n' | b'\r') => return Ok(behind_break(text, at, ended)),
                    None => return Ok(ended.then_some(at)),
                    Some(_) => {
                        let reason = "something follows a closing quote; double a quote that is meant as such, or use \
                                      --escape or --quote";
                        return Err(BadQuote { at, reason });
                    }
                }
                continue;
            }
            let rest = text.get(at..).unwrap_or_default();
            match memchr3(self.delimiter, b'\n', b'\r', rest) {
                None => return Ok(ended.then_some(text.len())),
                Some(length) => {
                    at += length;
                    if rest.get(length) != Some(&self.delimiter) {
                        return Ok(behind_break(text, at, ended));
                    }
                    at += 1;
                }
            }
        }
    }

    /// Where the quoted text that starts at `start` is closed; `None` if the text ends before.
    fn quoted(&self, text: &[u8], start: usize, ended: bool) -> Result<Option<usize>, BadQuote> {
        let Some(quote) = self.quote else { return Ok(Some(start)) };
        let escape = self.escape.unwrap_or(quote);
        let mut at = start + 1;
        loop {
            let Some(length) = memchr2(quote, escape, text.get(at..).unwrap_or_default()) else {
                let reason = "a quote is opened and never closed";
                return if ended { Err(BadQuote { at: start, reason }) } else { Ok(None) };
            };
            at += length;
            let next = text.get(at + 1).copied();
            if text.get(at).copied() == Some(quote) {
                match next {
                    Some(next) if next == quote => at += 2,
                    // The other half of a double quote may be yet to come.
                    None if !ended => return Ok(None),
                    _ => return Ok(Some(at + 1)),
                }
            } else {
                at += 2;
            }
        }
    }
}

/// Where the line ends that `at` is in; `None` if it may go on.
fn line_end(text: &[u8], at: usize, ended: bool) -> Option<usize> {
    match memchr2(b'\n', b'\r', text.get(at..).unwrap_or_default()) {
        Some(length) => behind_break(text, at + length, ended),
        None => ended.then_some(text.len()),
    }
}

/// What comes behind the line break at `at`: LF, CR LF, or CR; `None` if its LF may be yet to come.
fn behind_break(text: &[u8], at: usize, ended: bool) -> Option<usize> {
    match (text.get(at), text.get(at + 1)) {
        (Some(b'\r'), Some(b'\n')) => Some(at + 2),
        (Some(b'\r'), None) if !ended => None,
        _ => Some(at + 1),
    }
}

/// The line, from 1, of the record that is found at or after the offset `at` of a piece.
pub(super) fn line_of(piece: &Piece, at: usize, dialect: &Dialect) -> u64 {
    let mut at = at;
    while let Some(&first) = piece.bytes.get(at) {
        if first == b'\n' || first == b'\r' {
            at += 1;
        } else if Some(first) == dialect.comment {
            at = line_end(&piece.bytes, at, true).unwrap_or(piece.bytes.len());
        } else {
            break;
        }
    }
    piece.line + lines(piece.bytes.get(..at).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All ways to come upon the end of what is in memory cut at the same places.
    #[test]
    fn pieces_end_with_records() {
        let dialect = Dialect { comment: Some(b'#'), escape: Some(b'\\'), ..Dialect::default() };
        let text = "a,\"b\n\"\"c\",d\r\n\n# it's \"so\nx,\"\\\"\",\n\"\",y\rz";
        let ends: Vec<usize> =
            (0..=text.len()).map(|length| dialect.records(&text.as_bytes()[..length], false, false).unwrap()).collect();
        for (length, &end) in ends.iter().enumerate() {
            assert!(end <= length);
            assert!(
                end == 0 || text.as_bytes()[end - 1] == b'\n' || text.as_bytes()[end - 1] == b'\r',
                "{length} {end}"
            );
            // Inside of quotes nothing ends.
            assert!(!(3..=11).contains(&end), "{length}");
        }
        assert_eq!(dialect.records(text.as_bytes(), true, false), Ok(text.len()));
        assert_eq!(dialect.records(text.as_bytes(), true, true), Ok(13));
    }

    #[test]
    fn quotes_must_be_closed_and_end_their_field() {
        let dialect = Dialect::default();
        let bad = |text: &str| dialect.records(text.as_bytes(), true, false).map_err(|bad| (bad.at, bad.reason));
        assert_eq!(bad("a,\"b\nc").unwrap_err(), (2, "a quote is opened and never closed"));
        assert_eq!(bad("a,\"b\"c\n").unwrap_err().0, 5);
        assert_eq!(bad("a,b\"c\"\n"), Ok(7));
        assert_eq!(bad("\"\"\"\""), Ok(4));
        let none = Dialect { quote: None, ..Dialect::default() };
        assert_eq!(none.records(b"a,\"b\nc", true, false), Ok(6));
    }
}
