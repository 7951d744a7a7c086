//! `rntuple show`: print entries.

use arrow::datatypes::SchemaRef;
use rntuple_io::{Batches, NTuple};

use super::{Console, open, print_metrics};
use crate::cli::{Format, Show};
use crate::error::Result;
use crate::output::csv::CsvWriter;
use crate::output::json;
use crate::output::progress::{Progress, Unit};
use crate::output::table::{EntryTable, fields_that_fit};
use crate::output::text::{count, counted, printable};

/// Entries in a table when the user gives no limit.
const TABLE_ENTRIES: u64 = 20;

pub(super) fn run(args: &Show, console: &mut Console<'_>) -> Result<()> {
    let ntuple = open(&args.source)?;
    print(args, &ntuple, console)?;
    if args.metrics {
        print_metrics(&ntuple.metrics(), console);
    }
    Ok(())
}

fn print(args: &Show, ntuple: &NTuple, console: &mut Console<'_>) -> Result<()> {
    let range = {
        let all = args.entries.unwrap_or_default().resolve(ntuple.entries());
        let limit = args.limit.or((args.format == Format::Table).then_some(TABLE_ENTRIES));
        limit.map_or(all.clone(), |limit| all.start..all.end.min(all.start.saturating_add(limit)))
    };
    let rows = range.end - range.start;
    let scan = |fields: &[String]| -> Result<Batches> {
        let mut scan = ntuple.scan().strings_as_binary(true).entries(range.clone());
        if !fields.is_empty() {
            scan = scan.columns(fields);
        }
        if let Some(threads) = args.threads {
            scan = scan.threads(threads);
        }
        Ok(scan.open()?)
    };
    let batches = scan(&args.fields)?;
    for (field, reason) in batches.skipped() {
        console.complain(&format_args!("warning: field '{}' is skipped: {reason}", printable(field)));
    }
    let watched = console.terminal.progress && console.terminal.width.is_none();
    let progress = Progress::new(watched, Unit::Entries, ntuple.name().to_owned());

    match args.format {
        Format::Ndjson => {
            let (mut buffer, mut done) = (Vec::new(), 0);
            for batch in batches {
                let batch = batch?;
                json::write_batch(&batch, &mut buffer, console.out)?;
                done += batch.num_rows() as u64;
                progress.update(done, rows);
            }
            Ok(())
        }
        Format::Csv => {
            let mut writer = CsvWriter::new(&batches.schema(), console.out)?;
            let mut done = 0;
            for batch in batches {
                let batch = batch?;
                writer.write(&batch)?;
                done += batch.num_rows() as u64;
                progress.update(done, rows);
            }
            writer.finish()
        }
        Format::Table => {
            let schema = batches.schema();
            let all = schema.fields().len();
            let fit = console.terminal.width.map_or(all, |columns| fields_that_fit(&schema, columns));
            let batches = if fit < all { scan(&first_names(&schema, fit))? } else { batches };
            table(batches, ntuple, rows, all, console)
        }
    }
}

fn table(batches: Batches, ntuple: &NTuple, rows: u64, all_fields: usize, console: &mut Console<'_>) -> Result<()> {
    let schema = batches.schema();
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
