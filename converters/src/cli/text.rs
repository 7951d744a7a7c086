//! Options of `rntuple convert` for CSV and JSON.

use std::path::PathBuf;

use arrow::datatypes::DataType;
use clap::{Args, ValueHint};

use super::values::threads;
use crate::formats::csv::Dialect;
use crate::formats::schema::{INFER_ROWS, Wanted};
use crate::formats::{Format, types};

/// How CSV is read and written, and where the types of text come from.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "CSV and JSON")]
pub(crate) struct TextArgs {
    /// Types of columns: x=float64,id=uint64,name=string? (`?`: may be missing) [default: those of the first rows]
    #[arg(long, value_name = "NAME=TYPE,...", value_parser = column_types)]
    pub(crate) types: Vec<ColumnTypes>,

    /// Types of all columns: lines of `name: type`, what `rntuple schema --json --arrow` prints, or an RNTuple
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) schema: Option<PathBuf>,

    /// Rows that tell the types of columns, or `all`, which reads the files twice [default: 100000, 64 MiB at most]
    #[arg(long, value_name = "N|all", value_parser = infer_rows)]
    pub(crate) infer_rows: Option<InferRows>,

    /// What stands for a missing value in CSV [default: nothing]
    #[arg(long, value_name = "TEXT")]
    pub(crate) null: Option<String>,

    /// Sign between values; `tab`, `space` [default: a comma; a tab for .tsv]
    #[arg(long, value_name = "SIGN", value_parser = sign)]
    pub(crate) delimiter: Option<u8>,

    /// Sign around values that have delimiters or line breaks in them; `none`: quotes mean nothing [default: "]
    #[arg(long, value_name = "SIGN", value_parser = quote)]
    pub(crate) quote: Option<Quote>,

    /// Sign before a quote inside of quotes [default: the quote is doubled]
    #[arg(long, value_name = "SIGN", value_parser = sign)]
    pub(crate) escape: Option<u8>,

    /// Sign that starts lines to be left out
    #[arg(long, value_name = "SIGN", value_parser = sign)]
    pub(crate) comment: Option<u8>,

    /// There is no line of column names: they are `column_1`, `column_2`, ..
    #[arg(long)]
    pub(crate) no_header: bool,
}

/// What [`types::parse`] made of types, by the names of columns.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ColumnTypes(Vec<(String, (DataType, bool))>);

/// How many rows tell the types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InferRows {
    All,
    First(u64),
}

/// The sign around values, if there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quote(Option<u8>);

impl TextArgs {
    pub(crate) fn dialect(&self, format: Format) -> Dialect {
        let default = Dialect::default();
        let delimiter = if format == Format::Tsv { b'\t' } else { default.delimiter };
        Dialect {
            delimiter: self.delimiter.unwrap_or(delimiter),
            quote: self.quote.map_or(default.quote, |quote| quote.0),
            escape: self.escape,
            comment: self.comment,
            null: self.null.clone().unwrap_or_default(),
            header: !self.no_header,
        }
    }

    pub(crate) fn wanted(&self) -> Wanted {
        Wanted {
            schema: self.schema.clone(),
            types: self.types.iter().flat_map(|types| types.0.clone()).collect(),
            infer_rows: match self.infer_rows {
                None => Some(INFER_ROWS),
                Some(InferRows::First(rows)) => Some(rows),
                Some(InferRows::All) => None,
            },
        }
    }

    /// The first option that would have no effect with these formats, and what it is for.
    pub(crate) fn useless(&self, from: Format, to: Format) -> Option<(&'static str, &'static str)> {
        let is_csv = |format| matches!(format, Format::Csv | Format::Tsv);
        let (reads, csv) = (is_csv(from) || from == Format::Json, is_csv(from) || is_csv(to));
        let given = [
            ("--types", !self.types.is_empty() && !reads, "CSV and JSON input"),
            ("--schema", self.schema.is_some() && !reads, "CSV and JSON input"),
            ("--infer-rows", self.infer_rows.is_some() && !reads, "CSV and JSON input"),
            ("--comment", self.comment.is_some() && !is_csv(from), "CSV input"),
            ("--null", self.null.is_some() && !csv, "CSV"),
            ("--delimiter", self.delimiter.is_some() && !csv, "CSV"),
            ("--quote", self.quote.is_some() && !csv, "CSV"),
            ("--escape", self.escape.is_some() && !csv, "CSV"),
            ("--no-header", self.no_header && !csv, "CSV"),
        ];
        given.into_iter().find(|(_, useless, _)| *useless).map(|(option, _, what)| (option, what))
    }
}

fn column_types(text: &str) -> Result<ColumnTypes, String> {
    let mut all = Vec::new();
    for one in parts(text) {
        let (name, of) =
            one.split_once('=').ok_or_else(|| format!("{one:?} is not of the form NAME=TYPE, such as x=float64"))?;
        all.push((name.trim().to_owned(), types::parse(of)?));
    }
    Ok(ColumnTypes(all))
}

/// The text cut at those commas that are not within brackets.
fn parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0_i64, 0);
    for (at, sign) in text.char_indices() {
        match sign {
            '<' | '[' => depth += 1,
            '>' | ']' => depth -= 1,
            ',' if depth <= 0 => {
                parts.push(text.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts
}

fn infer_rows(text: &str) -> Result<InferRows, String> {
    if text == "all" {
        return Ok(InferRows::All);
    }
    // A count is written as a number of threads is: at least one.
    let wrong = || "not a number of rows, nor `all`".to_owned();
    threads(text).map_err(|_| wrong())?;
    text.parse().map(InferRows::First).map_err(|_| wrong())
}

fn sign(text: &str) -> Result<u8, String> {
    match (text, text.as_bytes()) {
        ("tab" | "\\t", _) => Ok(b'\t'),
        ("space", _) => Ok(b' '),
        (_, [b'\n' | b'\r', ..]) => Err("lines end with line breaks already".to_owned()),
        (_, [one]) => Ok(*one),
        _ => Err(format!("{text:?} is not one sign of ASCII, nor `tab` or `space`")),
    }
}

fn quote(text: &str) -> Result<Quote, String> {
    if text == "none" { Ok(Quote(None)) } else { sign(text).map(|sign| Quote(Some(sign))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_of_columns_are_set_apart_by_commas() {
        let ColumnTypes(all) =
            column_types("x=float64, t=timestamp[us, UTC]?,s=struct<a: int8, b: list<string>>").unwrap();
        let text: Vec<_> =
            all.iter().map(|(name, (of, nullable))| format!("{name} {}", types::field_text(of, *nullable))).collect();
        assert_eq!(text, ["x float64", "t timestamp[us, UTC]?", "s struct<a: int8, b: list<string>>"]);
        assert!(column_types("x").is_err());
        assert!(column_types("x=flot").is_err());
    }

    #[test]
    fn signs_are_single() {
        assert_eq!(sign(";"), Ok(b';'));
        assert_eq!(sign("tab"), Ok(b'\t'));
        for text in ["", ";;", "§", "\n"] {
            assert!(sign(text).is_err(), "{text:?}");
        }
        assert_eq!(infer_rows("10"), Ok(InferRows::First(10)));
        assert!(infer_rows("0").is_err());
    }
}
