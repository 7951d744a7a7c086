//! Comma-separated values, and those with other delimiters.
//!
//! A file is cut into pieces of whole records (`cut`), each of which becomes one record batch (`decode`), several of them
//! at the same time. The types of columns come from the first rows (`infer`), or from the user.

mod cut;
mod decode;
mod infer;
mod sink;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use self::cut::{Piece, Pieces};
use self::decode::Decoder;
use self::infer::Guess;
use super::feed::{self, Ahead, Files as _, SAMPLE, TextInput, TextSource, next_piece, table};
use super::schema::Wanted;
use super::{Source, names};
use crate::error::Result;
use crate::interrupt;

pub(crate) use self::sink::CsvSink;

/// How values are set apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dialect {
    pub(crate) delimiter: u8,
    pub(crate) quote: Option<u8>,
    pub(crate) escape: Option<u8>,
    /// What lines start with that are left out.
    pub(crate) comment: Option<u8>,
    /// What stands for a missing value.
    pub(crate) null: String,
    /// Whether the first line has the names of the columns.
    pub(crate) header: bool,
}

impl Default for Dialect {
    fn default() -> Self {
        Self { delimiter: b',', quote: Some(b'"'), escape: None, comment: None, null: String::new(), header: true }
    }
}

impl Dialect {
    /// A reader of the records in a piece.
    fn reader<'a>(&self, bytes: &'a [u8]) -> ::csv::Reader<&'a [u8]> {
        let mut builder = ::csv::ReaderBuilder::new();
        builder.has_headers(false).flexible(true).buffer_capacity(64 << 10);
        builder.delimiter(self.delimiter).escape(self.escape).comment(self.comment);
        builder.quoting(self.quote.is_some()).quote(self.quote.unwrap_or(b'"'));
        builder.from_reader(bytes)
    }
}

/// Opens CSV files as one table and finds out about their columns. `warn` hears of names that were changed.
pub(crate) fn open(
    paths: &[PathBuf],
    dialect: Dialect,
    wanted: &Wanted,
    threads: Option<usize>,
    warn: &mut dyn FnMut(String),
) -> Result<impl Source + use<>> {
    let given = wanted.fields()?;
    let twice = given.is_none() && wanted.infer_rows.is_none();
    let mut files = Files::new(paths, dialect, twice)?;
    let first = files.next()?;
    let file = files.first_name();
    let names = if files.dialect.header {
        names::distinct(&files.header, warn)
    } else {
        (1..=files.header.len()).map(|at| format!("column_{at}")).collect()
    };
    wanted.check_names(&file, |name| names.iter().chain(&files.header).any(|known| known == name))?;

    let mut sample = VecDeque::from_iter(first);
    let columns = match &given {
        Some(fields) => decode::given(&names, &files, fields)?,
        None => {
            let guesses = if twice {
                guess_all(&mut files, &mut sample, threads)?
            } else {
                guess_some(&mut files, &mut sample, wanted.infer_rows.unwrap_or(u64::MAX))?
            };
            decode::inferred(&names, &files.header, &guesses, wanted)
        }
    };
    let decoder = Decoder::new(columns, Arc::clone(&files.dialect), wanted.clone());
    TextSource::new(files, sample, decoder.map_err(|reason| table(&file, reason))?, threads)
}

/// What the first rows show. Their pieces are kept.
fn guess_some(files: &mut Files, sample: &mut VecDeque<Piece>, rows: u64) -> Result<Vec<Guess>> {
    let mut guesses = vec![Guess::default(); files.header.len()];
    let (mut left, mut bytes, mut at) = (rows, 0, 0);
    while let Some(piece) = sample.get(at) {
        left = left.saturating_sub(infer::guess(piece, &files.dialect, &mut guesses, left));
        bytes += piece.bytes.len();
        at += 1;
        if left == 0 || bytes >= SAMPLE {
            break;
        }
        interrupt::check()?;
        sample.extend(files.next()?);
    }
    Ok(guesses)
}

/// What all rows show. The files start anew then.
fn guess_all(files: &mut Files, sample: &mut VecDeque<Piece>, threads: Option<usize>) -> Result<Vec<Guess>> {
    let mut all = vec![Guess::default(); files.header.len()];
    let mut ahead = Ahead::new(threads)?;
    loop {
        while ahead.has_room() {
            let Some(piece) = next_piece(sample, files)? else { break };
            let (dialect, mut guesses) = (Arc::clone(&files.dialect), vec![Guess::default(); all.len()]);
            ahead.start(move || {
                infer::guess(&piece, &dialect, &mut guesses, u64::MAX);
                guesses
            });
        }
        let Some(guesses) = ahead.next() else { break };
        all.iter_mut().zip(&guesses).for_each(|(all, one)| all.add(one));
        interrupt::check()?;
    }
    files.rewind();
    Ok(all)
}

/// The files, one after the other.
#[derive(Debug)]
struct Files {
    inputs: Vec<TextInput>,
    dialect: Arc<Dialect>,
    /// The file that comes next.
    at: usize,
    /// The file under way, behind its header.
    current: Option<Pieces>,
    /// The names of columns as they stand in the first file; without a header, as many empty ones.
    header: Vec<String>,
}

impl Files {
    fn new(paths: &[PathBuf], dialect: Dialect, twice: bool) -> Result<Self> {
        let inputs = paths.iter().map(|path| TextInput::new(path, twice)).collect::<Result<_>>()?;
        Ok(Self { inputs, dialect: Arc::new(dialect), at: 0, current: None, header: Vec::new() })
    }

    fn first_name(&self) -> Arc<str> {
        self.inputs.first().map_or_else(|| Arc::from(""), |input| Arc::clone(&input.name))
    }

    fn rewind(&mut self) {
        (self.at, self.current) = (0, None);
    }

    /// Takes the names of columns from the first record of the first file, and compares those of others with them.
    fn check_header(&mut self, first: Option<&Piece>) -> Result<()> {
        let name =
            self.inputs.get(self.at.saturating_sub(1)).map_or_else(|| Arc::from(""), |input| Arc::clone(&input.name));
        let mut record = ::csv::StringRecord::new();
        let read = match first {
            Some(piece) => self.dialect.reader(&piece.bytes).read_record(&mut record),
            None => Ok(false),
        };
        match read {
            Ok(true) => {}
            Ok(false) if self.dialect.header => {
                return Err(table(&name, "the file is empty; its first line should have the names of the columns"));
            }
            Ok(false) => return Err(table(&name, "the file is empty")),
            Err(_) => return Err(table(&name, "line 1: not UTF-8; convert the text first, as in: iconv -t UTF-8")),
        }
        if !self.dialect.header {
            self.header = vec![String::new(); record.len()];
            return Ok(());
        }
        let header: Vec<String> = record.iter().map(|name| name.trim().to_owned()).collect();
        if self.header.is_empty() {
            self.header = header;
        } else if self.header != header {
            let differs = |(at, (a, b)): (usize, (&String, &String))| (a != b).then(|| (at + 1, a.clone(), b.clone()));
            let found = self.header.iter().zip(&header).enumerate().find_map(differs);
            let first = self.first_name();
            let what = match found {
                Some((at, expected, found)) => format!("column {at} is {found:?}, but {expected:?} in {first}"),
                None => format!("{} columns, but {} in {first}", header.len(), self.header.len()),
            };
            return Err(table(&name, format!("{what}; files that are read as one must have the same columns")));
        }
        Ok(())
    }
}

impl feed::Files for Files {
    type Piece = Piece;

    fn next(&mut self) -> Result<Option<Piece>> {
        loop {
            if let Some(current) = &mut self.current {
                if let Some(piece) = current.next(&self.dialect)? {
                    return Ok(Some(piece));
                }
                self.current = None;
            }
            let Some(input) = self.inputs.get(self.at) else { return Ok(None) };
            self.at += 1;
            let mut pieces = Pieces::new(input.open()?);
            if self.dialect.header {
                let first = pieces.first(&self.dialect)?;
                self.check_header(first.as_ref())?;
            } else if self.header.is_empty() {
                // The first record is a row already, but tells how many columns there are.
                let piece = pieces.next(&self.dialect)?;
                self.check_header(piece.as_ref())?;
                self.current = Some(pieces);
                return Ok(piece);
            }
            self.current = Some(pieces);
        }
    }
}
