//! JSON cut into pieces of whole values, so that each piece can be decoded by itself.

use std::sync::Arc;

use memchr::{memchr_iter, memchr2};

use crate::error::Result;
use crate::formats::feed::{MAX_RECORD, PIECE, Text, table};

/// Whole values of one file.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) file: Arc<str>,
    pub(super) bytes: Vec<u8>,
    pub(super) rows: Vec<Row>,
}

/// Where a value stands in its piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) start: usize,
    pub(super) end: usize,
    /// The line of the file where it starts, from 1.
    pub(super) line: u64,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The first value, or the bracket of an array of all.
    Start,
    /// Values that follow each other.
    Values,
    /// A value of the array, or its end.
    First,
    /// A value of the array.
    Item,
    /// A comma, or the end of the array.
    Comma,
    /// Nothing.
    Done,
}

/// A JSON file that is read piece by piece.
#[derive(Debug)]
pub(super) struct Pieces {
    text: Text,
    line: u64,
    state: State,
}

impl Pieces {
    pub(super) fn new(text: Text) -> Self {
        Self { text, line: 1, state: State::Start }
    }

    /// The next values.
    pub(super) fn next(&mut self) -> Result<Option<Piece>> {
        let mut size = PIECE;
        loop {
            self.text.fill(size)?;
            if self.text.buffer.is_empty() {
                let open = matches!(self.state, State::First | State::Item | State::Comma);
                return if open {
                    Err(self.wrong(self.line, "the array that starts the file is not closed"))
                } else {
                    Ok(None)
                };
            }
            let mut rows = Vec::new();
            let used = self.values(&mut rows)?;
            if used > 0 {
                let bytes = self.text.take(used);
                return Ok(Some(Piece { file: Arc::clone(&self.text.name), bytes, rows }));
            }
            if size >= MAX_RECORD {
                return Err(self.wrong(self.line, &format!("a row of more than {} MiB", MAX_RECORD >> 20)));
            }
            size *= 2;
        }
    }

    fn wrong(&self, line: u64, reason: &str) -> crate::error::Error {
        table(&self.text.name, format!("line {line}: {reason}"))
    }

    /// Finds the values in the buffer. Returns how many of its bytes were understood.
    fn values(&mut self, rows: &mut Vec<Row>) -> Result<usize> {
        let mut at = 0;
        while let Some(&sign) = self.text.buffer.get(at) {
            match (sign, self.state) {
                (b' ' | b'\t' | b'\r', _) => at += 1,
                (b'\n', _) => {
                    at += 1;
                    self.line += 1;
                }
                (b'[', State::Start) => {
                    at += 1;
                    self.state = State::First;
                }
                (b']', State::First | State::Comma) => {
                    at += 1;
                    self.state = State::Done;
                }
                (b',', State::Comma) => {
                    at += 1;
                    self.state = State::Item;
                }
                (_, State::Comma) => return Err(self.wrong(self.line, "a comma or ] should follow the object")),
                (_, State::Done) => return Err(self.wrong(self.line, "something follows the end of the array")),
                (b',' | b']' | b'}' | b':', _) => {
                    return Err(self.wrong(self.line, &format!("{:?} stands where an object should", char::from(sign))));
                }
                _ => {
                    let rest = self.text.buffer.get(at..).unwrap_or_default();
                    let length = match value(rest) {
                        Some(length) => length,
                        // What is broken off is found out when it is decoded.
                        None if self.text.ended => rest.len(),
                        None => break,
                    };
                    let lines = memchr_iter(b'\n', rest.get(..length).unwrap_or_default()).count() as u64;
                    rows.push(Row { start: at, end: at + length, line: self.line });
                    at += length;
                    self.line += lines;
                    let in_array = matches!(self.state, State::First | State::Item);
                    self.state = if in_array { State::Comma } else { State::Values };
                }
            }
        }
        Ok(at)
    }
}

/// The length of the value that a text starts with; `None` if the text ends before.
fn value(text: &[u8]) -> Option<usize> {
    let (mut at, mut depth) = (0, 0_usize);
    loop {
        match text.get(at)? {
            b'"' => {
                at = string(text, at)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' => {
                at += 1;
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(at);
                }
            }
            _ if depth > 0 => at += 1,
            // A number or a word.
            _ => {
                let ends = |b: &u8| b.is_ascii_whitespace() || matches!(b, b',' | b']' | b'}' | b'{' | b'[' | b'"');
                return text.get(at..)?.iter().position(ends).map(|length| at + length);
            }
        }
    }
}

/// Where the string ends that starts at `at`.
fn string(text: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    loop {
        at += memchr2(b'"', b'\\', text.get(at..)?)?;
        if text.get(at) == Some(&b'"') {
            return Some(at + 1);
        }
        at += 2;
    }
}
