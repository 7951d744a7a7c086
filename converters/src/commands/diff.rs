//! `rntuple diff`: do two data sets hold the same?

mod leaf;
mod nested;
mod schema;

use std::ops::Range;
use std::path::Path;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::SchemaRef;
use rntuple_io::{Batches, NTuple};
use serde_json::{Value, json};

use self::leaf::Tolerance;
use self::nested::{Difference, Node};
use self::schema::TypeDifference;
use super::{Console, open, print_metrics};
use crate::cli::{Diff, Source};
use crate::error::{Error, Result};
use crate::output::progress::{Progress, Unit};
use crate::output::table::Grid;
use crate::output::text::{count, counted, printable};

/// What was found.
struct Report {
    types: Vec<TypeDifference>,
    /// Entries that are compared, of A and of B.
    entries: [Range<u64>; 2],
    /// None where only the schemas are compared.
    values: Option<Values>,
}

struct Values {
    /// Top-level fields that both have.
    fields: usize,
    differences: Vec<Difference>,
}

impl Report {
    fn is_equal(&self) -> bool {
        let values = self.values.as_ref().is_none_or(|values| values.differences.is_empty());
        self.types.is_empty() && !self.sizes_differ() && values
    }

    fn sizes_differ(&self) -> bool {
        let [a, b] = self.lengths();
        self.values.is_some() && a != b
    }

    fn lengths(&self) -> [u64; 2] {
        self.entries.clone().map(|range| range.end - range.start)
    }
}

pub(super) fn run(args: &Diff, console: &mut Console<'_>) -> Result<()> {
    let of = |file: &Path, ntuple: Option<&String>| {
        open(&Source { file: file.to_owned(), ntuple: ntuple.cloned(), attributes: None })
    };
    let a = of(&args.a, args.ntuple.as_ref())?;
    let b = of(&args.b, args.ntuple_b.as_ref().or(args.ntuple.as_ref()))?;
    let report = compare(args, &a, &b, console)?;
    if args.metrics {
        print_metrics(&a.metrics(), console);
        print_metrics(&b.metrics(), console);
    }
    if args.json {
        console.print_json(&to_json(&report))?;
    } else if !args.quiet {
        console.print(&to_text(args, &report, console.terminal.width))?;
    }
    if report.is_equal() { Ok(()) } else { Err(Error::Reported) }
}

fn compare(args: &Diff, a: &NTuple, b: &NTuple, console: &mut Console<'_>) -> Result<Report> {
    let entries = [a, b].map(|ntuple| args.entries.unwrap_or_default().resolve(ntuple.entries()));
    let [a_entries, b_entries] = entries.clone();
    let scan = |ntuple: &NTuple, range: Range<u64>, fields: &[String]| -> Result<Batches> {
        let mut scan = ntuple.scan().strings_as_binary(true).entries(range);
        if !fields.is_empty() {
            scan = scan.columns(fields);
        }
        if let Some(threads) = args.threads {
            scan = scan.threads(threads);
        }
        Ok(scan.open()?)
    };
    // What is left out of a comparison must not pass for equal.
    let all_read = |ntuple: &NTuple, batches: &Batches| match batches.skipped() {
        [(field, reason), ..] if args.fields.is_empty() => {
            let reason = format!(
                "field '{}' cannot be read: {reason}; --fields chooses others, --schema-only compares no values",
                printable(field)
            );
            Err(Error::Read(rntuple_io::Error::Argument { file: ntuple.file_name().into(), reason }))
        }
        _ => Ok(()),
    };
    if args.schema_only {
        // Only for the names that the patterns match.
        let chosen = match args.fields.as_slice() {
            [] => None,
            fields => {
                let (a, b) = (scan(a, 0..0, fields)?, scan(b, 0..0, fields)?);
                Some(names(&a.schema()).chain(names(&b.schema())).collect())
            }
        };
        let types = schema::differences(a.schema(), b.schema(), chosen.as_ref());
        return Ok(Report { types, entries, values: None });
    }
    let (mut a_batches, mut b_batches) =
        (scan(a, a_entries.clone(), &args.fields)?, scan(b, b_entries.clone(), &args.fields)?);
    all_read(a, &a_batches)?;
    all_read(b, &b_batches)?;
    for (field, reason) in a_batches.skipped().iter().chain(b_batches.skipped()) {
        console.complain(&format_args!("warning: field '{}' is not compared: {reason}", printable(field)));
    }
    let (a_schema, b_schema) = (a_batches.schema(), b_batches.schema());
    let chosen = (!args.fields.is_empty()).then(|| names(&a_schema).chain(names(&b_schema)).collect());
    let types = schema::differences(a.schema(), b.schema(), chosen.as_ref());

    let common: Vec<String> = names(&a_schema).filter(|name| b_schema.index_of(name).is_ok()).collect();
    if args.fields.is_empty() && common.len() < a_schema.fields().len().max(b_schema.fields().len()) {
        // What only one of them has is not read.
        if common.is_empty() {
            return Ok(Report { types, entries, values: Some(Values { fields: 0, differences: Vec::new() }) });
        }
        (a_batches, b_batches) = (scan(a, a_entries.clone(), &common)?, scan(b, b_entries.clone(), &common)?);
    }
    let (a_schema, b_schema) = (a_batches.schema(), b_batches.schema());
    let tolerance = Tolerance { absolute: args.tolerance, relative: args.relative };
    let mut nodes = Vec::new();
    for (i, field) in a_schema.fields().iter().enumerate() {
        if let Ok(j) = b_schema.index_of(field.name())
            && let Some(other) = b_schema.fields().get(j)
        {
            nodes.push((i, j, Node::new(field, other)));
        }
    }
    let rows = (a_entries.end - a_entries.start).min(b_entries.end - b_entries.start);
    let bar = Progress::new(console.terminal.progress && !args.quiet, Unit::Entries, "comparing".to_owned());
    let (mut a_side, mut b_side) = (Side::new(a_batches), Side::new(b_batches));
    let mut done = 0;
    while done < rows && nodes.iter().any(|(.., node)| !node.is_done()) {
        let len = a_side.available()?.min(b_side.available()?).min(usize::try_from(rows - done).unwrap_or(usize::MAX));
        if len == 0 {
            break;
        }
        let (one, other) = (a_side.take(len), b_side.take(len));
        for (i, j, node) in &mut nodes {
            let (one, other): (&ArrayRef, &ArrayRef) = (one.column(*i), other.column(*j));
            let name = one_name(&a_schema, *i);
            let place = |row: usize| (a_entries.start + done + row as u64, name.clone());
            if !node.is_done() {
                node.compare(&one.slice(0, len), &other.slice(0, len), tolerance, &place)?;
            }
        }
        done += len as u64;
        bar.update(done, rows);
    }
    let fields = nodes.len();
    let mut differences: Vec<Difference> = nodes.into_iter().flat_map(|(.., node)| node.into_found()).collect();
    differences.sort_by_key(|difference| difference.entry);
    Ok(Report { types, entries, values: Some(Values { fields, differences }) })
}

fn names(schema: &SchemaRef) -> impl Iterator<Item = String> {
    schema.fields().iter().map(|field| field.name().clone())
}

fn one_name(schema: &SchemaRef, at: usize) -> String {
    schema.fields().get(at).map(|field| field.name().clone()).unwrap_or_default()
}

/// One of the two data sets, handed out in pieces that suit the other.
struct Side {
    batches: Batches,
    current: Option<RecordBatch>,
}

impl Side {
    fn new(batches: Batches) -> Self {
        Self { batches, current: None }
    }

    /// Rows that are there at least; 0 at the end.
    fn available(&mut self) -> Result<usize> {
        loop {
            match &self.current {
                Some(batch) if batch.num_rows() > 0 => return Ok(batch.num_rows()),
                _ => match self.batches.next() {
                    Some(batch) => self.current = Some(batch?),
                    None => return Ok(0),
                },
            }
        }
    }

    /// The next rows, as many as are available at most.
    fn take(&mut self, len: usize) -> RecordBatch {
        let Some(batch) = self.current.take() else { return RecordBatch::new_empty(self.batches.schema()) };
        let taken = batch.slice(0, len);
        self.current = Some(batch.slice(len, batch.num_rows() - len));
        taken
    }
}

fn to_text(args: &Diff, report: &Report, width: Option<usize>) -> String {
    let whole = [&args.a, &args.b].map(|file| printable(&file.to_string_lossy()).into_owned());
    let short = whole.clone().map(|name| name.rsplit_once('/').map_or(name.clone(), |(_, name)| name.to_owned()));
    let [a, b] = match &short {
        [a, b] if a == b => &whole,
        _ => &short,
    };
    let mut text = String::new();
    if !report.types.is_empty() {
        let mut grid = Grid::new(["field", a, b]);
        for TypeDifference { field, types } in &report.types {
            let [one, other] = types.clone().map(|name| name.unwrap_or_else(|| "-".to_owned()));
            grid.row([field.clone(), one, other]);
        }
        text += &grid.render(width);
        text.push('\n');
    }
    if report.sizes_differ() {
        let [one, other] = report.lengths();
        text += &format!("{a}: {}, {b}: {}\n\n", counted(one, "entry", "entries"), count(other));
    }
    let Some(values) = &report.values else {
        return if report.is_equal() { "no difference between the fields\n".to_owned() } else { text };
    };
    let entries = counted(report.lengths().into_iter().min().unwrap_or(0), "entry", "entries");
    let fields = counted(values.fields as u64, "field", "fields");
    if report.is_equal() {
        return format!("no difference in {fields} and {entries}\n");
    }
    if values.differences.is_empty() {
        text += &format!("no value differs in the {fields} and {entries} that both have\n");
        return text;
    }
    let mut grid = Grid::new([">entry", "value", a, b]);
    for difference in &values.differences {
        let [one, other] = difference.texts();
        grid.row([count(difference.entry), difference.place.clone(), one, other]);
    }
    text += &grid.render(width);
    text += "Of each field, the first value that differs.\n";
    text
}

fn to_json(report: &Report) -> Value {
    let types =
        report.types.iter().map(|TypeDifference { field, types: [a, b] }| json!({"field": field, "a": a, "b": b}));
    let [a, b] = report.lengths();
    let mut object = json!({
        "equal": report.is_equal(),
        "schema": types.collect::<Vec<_>>(),
    });
    if let (Some(values), Some(object)) = (&report.values, object.as_object_mut()) {
        object.insert("entries".to_owned(), json!([a, b]));
        object.insert("fields".to_owned(), json!(values.fields));
        let differences = values.differences.iter().map(Difference::to_json);
        object.insert("values".to_owned(), differences.collect());
    }
    object
}
