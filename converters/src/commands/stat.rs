//! `rntuple stat`: what takes the space?

mod html;
mod sizes;
mod treemap;

use std::ops::AddAssign;

use rntuple_core::schema::{Column, FieldId};
use rntuple_io::{ColumnStat, NTuple};
use serde_json::{Value, json};

use self::html::Report;
use self::sizes::Layout;
use super::schema::{encoding, top_level_of};
use super::{Console, open, print_metrics};
use crate::cli::Stat;
use crate::error::Result;
use crate::interrupt::AtOnce;
use crate::output::progress::{Progress, Unit};
use crate::output::table::Grid;
use crate::output::text::{bytes, count, counted, printable, ratio, to_f64};
use crate::transport::is_standard;

/// Sums over columns.
#[derive(Debug, Clone, Copy, Default)]
struct Total {
    columns: u64,
    pages: u64,
    elements: u64,
    stored: u64,
    raw: u64,
}

impl AddAssign<&ColumnStat> for Total {
    fn add_assign(&mut self, column: &ColumnStat) {
        self.columns += 1;
        self.pages += column.pages;
        self.elements = self.elements.saturating_add(column.elements);
        self.stored = self.stored.saturating_add(column.stored_bytes);
        self.raw = self.raw.saturating_add(column.raw_bytes);
    }
}

/// One column with what the schema says about it.
struct Line<'a> {
    path: String,
    column: &'a Column,
    stat: &'a ColumnStat,
}

pub(super) fn run(args: &Stat, console: &mut Console<'_>) -> Result<()> {
    let ntuple = open(&args.source)?;
    let mut layout = Layout::default();
    let stats = {
        // Nothing is written yet.
        let _nothing_half = AtOnce::new();
        let watched = console.terminal.progress && !args.quiet;
        let bar = Progress::new(watched, Unit::Clusters, ntuple.name().to_owned());
        let mut clusters = 0;
        ntuple.stat_with(&mut |cluster| {
            clusters += 1;
            bar.update(clusters, ntuple.cluster_count());
            if args.html.is_some() {
                layout.add(cluster);
            }
        })?
    };
    if args.metrics {
        print_metrics(&ntuple.metrics(), console);
    }
    let fields = ntuple.schema();

    let mut total = Total::default();
    let mut by_field: Vec<(FieldId, Total)> = fields.top_level().map(|field| (field.id, Total::default())).collect();
    let mut lines = Vec::with_capacity(stats.len());
    for stat in &stats {
        let Some(column) = fields.column(stat.column) else { continue };
        total += stat;
        // Top-level fields are numbered in their order.
        let top = top_level_of(fields, column.field);
        let at = by_field.binary_search_by_key(&top, |(id, _)| *id);
        if let Some((_, sum)) = at.ok().and_then(|at| by_field.get_mut(at)) {
            *sum += stat;
        }
        lines.push(Line { path: fields.path(column.field), column, stat });
    }
    let by_field: Vec<(String, Total)> = by_field.into_iter().map(|(id, sum)| (fields.path(id), sum)).collect();

    if args.json {
        return console.print_json(&to_json(&ntuple, &lines, &by_field, total));
    }
    if let Some(out) = &args.html {
        let report = Report { ntuple: &ntuple, lines: &lines, by_field: &by_field, total, layout: &layout };
        let size = report.write(out)?;
        // The page itself may go to standard output.
        if args.quiet || is_standard(out) {
            return Ok(());
        }
        return console.print(&format!("{}: {}\n", printable(&out.to_string_lossy()), bytes(size)));
    }
    let width = console.terminal.width;
    console.print(&format!(
        "{}: {} in {}\n\n",
        printable(ntuple.name()),
        counted(ntuple.entries(), "entry", "entries"),
        counted(ntuple.cluster_count(), "cluster", "clusters")
    ))?;
    console.print(&columns_table(&lines, total).render(width))?;
    console.print("\n")?;
    console.print(&fields_table(&by_field, total).render(width))
}

fn columns_table(lines: &[Line<'_>], total: Total) -> Grid {
    let titles = ["column of", "encoding", ">bits", ">pages", ">elements", ">stored", ">raw", ">ratio", "compression"];
    let mut grid = Grid::new(titles);
    for Line { path, column, stat } in lines {
        let place = match column.representation {
            0 => path.clone(),
            other => format!("{path} (representation {other})"),
        };
        grid.row([
            place,
            encoding(column),
            column.bits.to_string(),
            count(stat.pages),
            count(stat.elements),
            bytes(stat.stored_bytes),
            bytes(stat.raw_bytes),
            ratio(stat.raw_bytes, stat.stored_bytes),
            stat.compression.iter().map(|setting| compression(*setting)).collect::<Vec<_>>().join(", "),
        ]);
    }
    grid.rule();
    grid.row([
        counted(total.columns, "column", "columns"),
        String::new(),
        String::new(),
        count(total.pages),
        count(total.elements),
        bytes(total.stored),
        bytes(total.raw),
        ratio(total.raw, total.stored),
        String::new(),
    ]);
    grid
}

fn fields_table(by_field: &[(String, Total)], total: Total) -> Grid {
    let mut grid = Grid::new(["field", ">columns", ">pages", ">stored", ">raw", ">ratio", ">share"]);
    // Projected fields have no columns of their own.
    for (field, sum) in by_field.iter().filter(|(_, sum)| sum.columns > 0) {
        grid.row([
            field.clone(),
            sum.columns.to_string(),
            count(sum.pages),
            bytes(sum.stored),
            bytes(sum.raw),
            ratio(sum.raw, sum.stored),
            share(sum.stored, total.stored),
        ]);
    }
    grid
}

fn share(part: u64, whole: u64) -> String {
    if whole == 0 { "-".to_owned() } else { format!("{:.1} %", 100.0 * to_f64(part) / to_f64(whole)) }
}

/// ROOT's compression setting, 100 x algorithm + level, in words.
fn compression(setting: u32) -> String {
    let (algorithm, level) = (setting / 100, setting % 100);
    let name = match algorithm {
        _ if level == 0 => return "none".to_owned(),
        1 => "zlib",
        2 => "lzma",
        3 => "old zlib",
        4 => "lz4",
        5 => "zstd",
        _ => return setting.to_string(),
    };
    format!("{name} {level}")
}

fn to_json(ntuple: &NTuple, lines: &[Line<'_>], by_field: &[(String, Total)], total: Total) -> Value {
    let columns = lines.iter().map(|Line { path, column, stat }| {
        json!({
            "column": stat.column.0,
            "field": path,
            "type": column.kind.to_string(),
            "bits": column.bits,
            "representation": column.representation,
            "clusters": stat.clusters,
            "pages": stat.pages,
            "elements": stat.elements,
            "stored_bytes": stat.stored_bytes,
            "raw_bytes": stat.raw_bytes,
            "compression": stat.compression,
        })
    });
    let fields = by_field.iter().map(|(field, sum)| {
        json!({
            "field": field,
            "columns": sum.columns,
            "pages": sum.pages,
            "stored_bytes": sum.stored,
            "raw_bytes": sum.raw,
        })
    });
    json!({
        "name": ntuple.name(),
        "entries": ntuple.entries(),
        "clusters": ntuple.cluster_count(),
        "columns": columns.collect::<Vec<_>>(),
        "fields": fields.collect::<Vec<_>>(),
        "total": {
            "columns": total.columns,
            "pages": total.pages,
            "elements": total.elements,
            "stored_bytes": total.stored,
            "raw_bytes": total.raw,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compression_settings_have_names() {
        let named = [505, 404, 207, 101, 301, 0, 500, 901].map(compression);
        assert_eq!(named, ["zstd 5", "lz4 4", "lzma 7", "zlib 1", "old zlib 1", "none", "none", "901"]);
    }

    #[test]
    fn shares_are_percentages() {
        assert_eq!(share(1, 3), "33.3 %");
        assert_eq!(share(0, 0), "-");
    }
}
