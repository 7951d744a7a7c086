//! JSON: one object per row, on lines of their own, over several lines, or in one array.

mod cut;
mod infer;
mod sink;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Fields, Schema, SchemaRef};
use memchr::memrchr;

use self::cut::{Piece, Pieces, Row};
use self::infer::Objects;
use super::columns::{Fault, Members};
use super::feed::{self, Decode, Files as _, SAMPLE, TextInput, TextSource, table};
use super::schema::Wanted;
use super::{Source, names};
use crate::error::{Error, Result};
use crate::interrupt;

pub(crate) use self::sink::JsonSink;

/// Opens JSON files as one table and finds out about their members. `warn` hears of names that were changed.
pub(crate) fn open(
    paths: &[PathBuf],
    wanted: &Wanted,
    threads: Option<usize>,
    warn: &mut dyn FnMut(String),
) -> Result<impl Source + use<>> {
    let given = wanted.fields()?;
    let twice = given.is_none() && wanted.infer_rows.is_none();
    let inputs = paths.iter().map(|path| TextInput::new(path, twice)).collect::<Result<Vec<_>>>()?;
    let file = inputs.first().map_or_else(|| Arc::from(""), |input| Arc::clone(&input.name));
    let mut files = Files { inputs, at: 0, current: None };
    let mut sample = VecDeque::new();
    let inferred = given.is_none();
    let fields = match given {
        Some(fields) => {
            wanted.check_names(&file, |name| fields.iter().any(|field| field.name() == name))?;
            fields.iter().map(names::fit).collect()
        }
        None => {
            let seen = look(&mut files, &mut sample, wanted)?;
            wanted.check_names(&file, |name| seen.has(name))?;
            seen.fields(wanted, warn).map_err(|reason| table(&file, reason))?
        }
    };
    if inferred && fields.is_empty() {
        return Err(table(&file, "there is no object with a key in it, and so no column"));
    }
    let decoder = Decoder::new(&fields, wanted.clone(), inferred).map_err(|reason| table(&file, reason))?;
    TextSource::new(files, sample, decoder, threads)
}

/// What the first rows show, or all of them. The pieces of the first ones are kept; after all the files start anew.
fn look(files: &mut Files, sample: &mut VecDeque<Piece>, wanted: &Wanted) -> Result<Objects> {
    let mut seen = Objects::default();
    let mut left = wanted.infer_rows.unwrap_or(u64::MAX);
    let mut bytes = 0;
    while left > 0 && (wanted.infer_rows.is_none() || bytes < SAMPLE) {
        let Some(piece) = files.next()? else { break };
        for row in &piece.rows {
            if left == 0 {
                break;
            }
            left -= 1;
            let text = piece.bytes.get(row.start..row.end).unwrap_or_default();
            seen.see(text, row.line, wanted).map_err(|fault| at(&piece, row, &fault, None))?;
        }
        bytes += piece.bytes.len();
        if wanted.infer_rows.is_some() {
            sample.push_back(piece);
        }
        interrupt::check()?;
    }
    if wanted.infer_rows.is_none() {
        (files.at, files.current) = (0, None);
    }
    Ok(seen)
}

/// The error for a fault in a row.
fn at(piece: &Piece, row: &Row, fault: &Fault, advice: Option<&str>) -> Error {
    let line = row.line + (fault.line as u64).saturating_sub(1);
    let before = piece.bytes.get(..row.start).unwrap_or_default();
    let indent = if fault.line > 1 { 0 } else { row.start - memrchr(b'\n', before).map_or(0, |at| at + 1) };
    let path = if fault.path.is_empty() { String::new() } else { format!("{}: ", fault.path) };
    let advice = advice.filter(|_| fault.is_of_type).map_or_else(String::new, |advice| format!("; {advice}"));
    let reason = format!("line {line}, column {}: {path}{}{advice}", indent + fault.column, fault.reason);
    table(&piece.file, reason)
}

/// The files, one after the other.
#[derive(Debug)]
struct Files {
    inputs: Vec<TextInput>,
    /// The file that comes next.
    at: usize,
    current: Option<Pieces>,
}

impl feed::Files for Files {
    type Piece = Piece;

    fn next(&mut self) -> Result<Option<Piece>> {
        loop {
            if let Some(current) = &mut self.current {
                if let Some(piece) = current.next()? {
                    return Ok(Some(piece));
                }
                self.current = None;
            }
            let Some(input) = self.inputs.get(self.at) else { return Ok(None) };
            self.at += 1;
            self.current = Some(Pieces::new(input.open()?));
        }
    }
}

/// What pieces are decoded with.
#[derive(Debug)]
struct Decoder {
    schema: SchemaRef,
    wanted: Wanted,
    /// Whether types come from the rows.
    inferred: bool,
    /// Columns that no piece is being decoded into; they keep their memory.
    idle: Mutex<Vec<Members>>,
}

impl Decoder {
    /// # Errors
    /// A sentence when a column has a type that is not read from JSON.
    fn new(fields: &Fields, wanted: Wanted, inferred: bool) -> Result<Self, String> {
        let idle = Mutex::new(vec![Members::new(fields)?]);
        Ok(Self { schema: Arc::new(Schema::new(fields.clone())), wanted, inferred, idle })
    }

    /// What to do about a value that is not of the type of its column.
    fn advice(&self, fault: &Fault) -> String {
        let column = fault.path.split(['.', '[']).next().unwrap_or_default();
        match self.wanted.infer_rows {
            _ if self.wanted.type_of(column).is_some() => "that is what --types says".to_owned(),
            _ if !self.inferred => "that is what the schema says".to_owned(),
            Some(rows) => {
                format!(
                    "the types come from the first rows ({rows} at most): use --infer-rows all, --schema or --types"
                )
            }
            None => "use --schema or --types".to_owned(),
        }
    }
}

impl Decode<Piece> for Decoder {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn decode(&self, piece: &Piece) -> Result<RecordBatch> {
        let wrong = |reason: String| table(&piece.file, reason);
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut columns = match idle {
            Some(columns) => columns,
            None => Members::new(self.schema.fields()).map_err(wrong)?,
        };
        for row in &piece.rows {
            let text = piece.bytes.get(row.start..row.end).unwrap_or_default();
            columns.push_json(text).map_err(|fault| at(piece, row, &fault, Some(&self.advice(&fault))))?;
        }
        let (rows, arrays) = columns.finish().map_err(|error| wrong(error.to_string()))?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(columns);
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options);
        batch.map_err(|error| wrong(error.to_string()))
    }
}
