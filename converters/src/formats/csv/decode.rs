//! Pieces of CSV into record batches.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};

use super::cut::{Piece, line_of};
use super::infer::Guess;
use super::{Dialect, Files};
use crate::error::{Error, Result};
use crate::formats::columns::{Column, Refused};
use crate::formats::feed::{Decode, table};
use crate::formats::names;
use crate::formats::schema::Wanted;
use crate::formats::types::type_text;
use crate::output::text::cut;

/// Columns of the text of a cell that a message shows.
const SHOWN: usize = 40;

/// A column of a CSV file.
#[derive(Debug, Clone)]
pub(super) struct CsvColumn {
    field: FieldRef,
    /// Where it stands in the table that is made.
    place: usize,
    /// Whether its type comes from a sample.
    inferred: bool,
}

/// What pieces are decoded with.
#[derive(Debug)]
pub(super) struct Decoder {
    /// In the order of the file.
    columns: Vec<CsvColumn>,
    schema: SchemaRef,
    dialect: Arc<Dialect>,
    wanted: Wanted,
    /// Columns that no piece is being decoded into; they keep their memory.
    idle: Mutex<Vec<Vec<Column>>>,
}

/// The columns with the types that were guessed, unless the user gave them.
pub(super) fn inferred(names: &[String], header: &[String], guesses: &[Guess], wanted: &Wanted) -> Vec<CsvColumn> {
    let columns = names.iter().zip(header).zip(guesses).enumerate();
    let column = |(place, ((name, own), guess)): (usize, ((&String, &String), &Guess))| {
        let given = wanted.type_of(name).or_else(|| wanted.type_of(own));
        let (data_type, nullable) = given.cloned().unwrap_or_else(|| (guess.data_type(), guess.missing));
        CsvColumn { field: Arc::new(Field::new(name, data_type, nullable)), place, inferred: given.is_none() }
    };
    columns.map(column).collect()
}

/// The columns with the fields of a schema, found by name, or by place in a file without names.
pub(super) fn given(columns: &[String], files: &Files, fields: &Fields) -> Result<Vec<CsvColumn>> {
    let file = files.first_name();
    if columns.len() != fields.len() && !files.dialect.header {
        let reason = format!("there are {} columns, but {} in the schema", columns.len(), fields.len());
        return Err(table(&file, reason));
    }
    let by_name =
        |name: &String, own: &String| fields.iter().position(|field| field.name() == own || field.name() == name);
    let mut found = Vec::with_capacity(columns.len());
    for (at, (name, own)) in columns.iter().zip(&files.header).enumerate() {
        let place = if files.dialect.header { by_name(name, own) } else { Some(at) };
        let field = place.and_then(|place| Some((place, fields.get(place)?)));
        let (place, field) = field.ok_or_else(|| table(&file, format!("column '{name}' is not in the schema")))?;
        let field = field.as_ref().clone().with_name(names::valid(field.name()));
        found.push(CsvColumn { field: Arc::new(field), place, inferred: false });
    }
    match fields.iter().enumerate().find(|(place, _)| found.iter().all(|column| column.place != *place)) {
        Some((_, field)) => Err(table(
            &file,
            format!("column '{}' of the schema is not there; the columns are {}", field.name(), columns.join(", ")),
        )),
        None => Ok(found),
    }
}

impl Decoder {
    /// # Errors
    /// A sentence when a column has a type that is not read from text.
    pub(super) fn new(columns: Vec<CsvColumn>, dialect: Arc<Dialect>, wanted: Wanted) -> Result<Self, String> {
        let mut fields: Vec<(usize, FieldRef)> =
            columns.iter().map(|column| (column.place, Arc::clone(&column.field))).collect();
        fields.sort_by_key(|(place, _)| *place);
        let fields: Fields = fields.into_iter().map(|(_, field)| field).collect();
        let decoder =
            Self { columns, schema: Arc::new(Schema::new(fields)), dialect, wanted, idle: Mutex::new(Vec::new()) };
        decoder.empty()?;
        Ok(decoder)
    }

    fn empty(&self) -> Result<Vec<Column>, String> {
        self.columns.iter().map(|column| Column::new(&column.field)).collect()
    }

    /// Puts the records of a piece into columns. Returns their number.
    fn read(&self, piece: &Piece, columns: &mut [Column]) -> Result<usize> {
        let mut reader = self.dialect.reader(&piece.bytes);
        let mut record = ::csv::StringRecord::new();
        let mut rows = 0;
        let line = |at: u64| line_of(piece, usize::try_from(at).unwrap_or(usize::MAX), &self.dialect);
        loop {
            let start = reader.position().byte();
            match reader.read_record(&mut record) {
                Ok(true) => {}
                Ok(false) => return Ok(rows),
                Err(error) => return Err(self.unreadable(piece, line(start), &error)),
            }
            if record.len() != columns.len() {
                return Err(table(&piece.file, self.ragged(line(start), record.len())));
            }
            for (at, (column, text)) in columns.iter_mut().zip(&record).enumerate() {
                if let Err(refused) = column.push_text(text, &self.dialect.null) {
                    return Err(self.refused(piece, line(start), at, text, refused));
                }
            }
            rows += 1;
        }
    }

    fn ragged(&self, line: u64, found: usize) -> String {
        let expected = self.columns.len();
        let (values, columns) = (plural(found, "value"), plural(expected, "column"));
        let advice = if found == 1 && expected > 1 { "; is --delimiter right?" } else { "" };
        format!("line {line}: {values}, but there are {columns}{advice}")
    }

    fn unreadable(&self, piece: &Piece, line: u64, error: &::csv::Error) -> Error {
        let reason = match error.kind() {
            ::csv::ErrorKind::Utf8 { err, .. } => {
                let name = self.columns.get(err.field()).map_or("", |column| column.field.name());
                format!("column '{name}' is not UTF-8; convert the text first, as in: iconv -f LATIN1 -t UTF-8")
            }
            _ => error.to_string(),
        };
        table(&piece.file, format!("line {line}: {reason}"))
    }

    fn refused(&self, piece: &Piece, line: u64, at: usize, text: &str, refused: Refused) -> Error {
        let Some(column) = self.columns.get(at) else { return table(&piece.file, format!("line {line}")) };
        let (name, of) = (column.field.name(), type_text(column.field.data_type()));
        let (what, better) = match refused {
            Refused::Missing => ("no value, but none is missing before".to_owned(), format!("{of}?")),
            Refused::Wrong => {
                let better = match column.field.data_type() {
                    DataType::Int64 | DataType::UInt64 if text.trim().parse::<f64>().is_ok() => "float64",
                    _ => "string",
                };
                (format!("{:?} is not of the type {of}", cut(text, SHOWN)), better.to_owned())
            }
        };
        let what = if column.inferred || refused == Refused::Wrong { what } else { "no value".to_owned() };
        let remedy = self.wanted.remedy(name, column.inferred, &better);
        table(&piece.file, format!("line {line}, column '{name}': {what}; {remedy}"))
    }
}

impl Decode<Piece> for Decoder {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn decode(&self, piece: &Piece) -> Result<RecordBatch> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut columns = match idle {
            Some(columns) => columns,
            None => self.empty().map_err(|reason| table(&piece.file, reason))?,
        };
        let rows = self.read(piece, &mut columns)?;
        let built = columns.iter_mut().map(Column::finish).collect::<Result<Vec<_>, _>>();
        let mut arrays: Vec<(usize, ArrayRef)> = built
            .map(|arrays| self.columns.iter().map(|column| column.place).zip(arrays).collect())
            .map_err(|error| table(&piece.file, error.to_string()))?;
        arrays.sort_by_key(|(place, _)| *place);
        let arrays = arrays.into_iter().map(|(_, array)| array).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(self.schema(), arrays, &options);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(columns);
        batch.map_err(|error| table(&piece.file, error.to_string()))
    }
}

fn plural(count: usize, what: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {what}{s}")
}
