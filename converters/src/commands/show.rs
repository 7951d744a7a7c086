//! `rntuple show`: print entries.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use rntuple_io::NTuple;

use super::{Console, open, print_metrics};
use crate::cli::{Format, Show};
use crate::error::Result;
use crate::output::csv::{CsvFormat, CsvWriter};
use crate::output::json;
use crate::output::progress::{Progress, Unit};
use crate::output::table::{EntryTable, fields_that_fit};
use crate::output::text::{count, counted, printable};

/// Entries in a table when the user gives no limit.
const TABLE_ENTRIES: u64 = 20;

/// What is printed.
pub(super) struct Entries<'a> {
    pub(super) schema: SchemaRef,
    /// The fields that cannot be read, with the reason.
    pub(super) skipped: Vec<(String, String)>,
    /// Entries of all batches.
    pub(super) rows: u64,
    pub(super) batches: Box<dyn Iterator<Item = Result<RecordBatch>> + 'a>,
}

pub(super) fn run(args: &Show, console: &mut Console<'_>) -> Result<()> {
    let ntuple = open(&args.source)?;
    let range = {
        let all = args.entries.unwrap_or_default().resolve(ntuple.entries());
        let limit = args.limit.or((args.format == Format::Table).then_some(TABLE_ENTRIES));
        limit.map_or(all.clone(), |limit| all.start..all.end.min(all.start.saturating_add(limit)))
    };
    let scan = |fields: &[String]| -> Result<Entries<'_>> {
        let mut scan = ntuple.scan().strings_as_binary(true).entries(range.clone());
        if !fields.is_empty() {
            scan = scan.columns(fields);
        }
        if let Some(threads) = args.threads {
            scan = scan.threads(threads);
        }
        let batches = scan.open()?;
        Ok(Entries {
            schema: batches.schema(),
            skipped: batches.skipped().to_vec(),
            rows: range.end - range.start,
            batches: Box::new(batches.map(|batch| Ok(batch?))),
        })
    };
    print(&ntuple, &args.fields, args.format, &scan, console)?;
    if args.metrics {
        print_metrics(&ntuple.metrics(), console);
    }
    Ok(())
}

/// Prints the entries that `read` gives for a choice of fields.
pub(super) fn print<'a>(
    ntuple: &NTuple,
    fields: &[String],
    format: Format,
    read: &dyn Fn(&[String]) -> Result<Entries<'a>>,
    console: &mut Console<'_>,
) -> Result<()> {
    let entries = read(fields)?;
    for (field, reason) in &entries.skipped {
        console.complain(&format_args!("warning: field '{}' is skipped: {reason}", printable(field)));
    }
    let watched = console.terminal.progress && console.terminal.width.is_none();
    let progress = Progress::new(watched, Unit::Entries, ntuple.name().to_owned());
    let (rows, mut done) = (entries.rows, 0);
    let mut count = |batch: &RecordBatch| {
        done += batch.num_rows() as u64;
        progress.update(done, rows);
    };

    match format {
        Format::Ndjson => {
            let mut buffer = Vec::new();
            for batch in entries.batches {
                let batch = batch?;
                json::write_batch(&batch, &mut buffer, console.out)?;
                count(&batch);
            }
            Ok(())
        }
        Format::Csv => {
            let mut writer = CsvWriter::new(&entries.schema, &CsvFormat::default(), &mut *console.out)?;
            for batch in entries.batches {
                let batch = batch?;
                writer.write(&batch)?;
                count(&batch);
            }
            writer.finish().map(|_| ())
        }
        Format::Table => {
            let all = entries.schema.fields().len();
            let fit = console.terminal.width.map_or(all, |columns| fields_that_fit(&entries.schema, columns));
            let entries = if fit < all { read(&first_names(&entries.schema, fit))? } else { entries };
            table(entries, ntuple, all, console)
        }
    }
}

fn table(entries: Entries<'_>, ntuple: &NTuple, all_fields: usize, console: &mut Console<'_>) -> Result<()> {
    let Entries { schema, rows, batches, .. } = entries;
    let mut table = EntryTable::new(&schema);
    for batch in batches {
        table.add(&batch?)?;
    }
    if !schema.fields().is_empty() {
        console.print(&table.render(console.terminal.width))?;
    }
    let mut last = format!("{} of {}", count(rows), counted(ntuple.entries(), "entry", "entries"));
    let shown = schema.fields().len();
    if shown < all_fields {
        last += &format!(", {shown} of {all_fields} fields (choose with --fields, or use --format ndjson)");
    }
    last.push('\n');
    console.print(&last)
}

/// The first `count` field names, as patterns.
fn first_names(schema: &SchemaRef, count: usize) -> Vec<String> {
    schema.fields().iter().take(count).map(|field| field.name().clone()).collect()
}
