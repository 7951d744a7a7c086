//! `rntuple head`, `tail`, `sample`, `count`: a look at some entries, and how many there are.

use std::collections::BTreeSet;
use std::ops::Range;

use arrow::array::RecordBatch;
use rntuple_io::EntryRange;

use super::{Console, open, print_metrics, show};
use crate::cli::{Count, Head, Printing, Sample, Show, Source, Tail};
use crate::error::{Error, Result};
use crate::output::table::Grid;
use crate::output::text;

pub(super) fn head(args: Head, console: &mut Console<'_>) -> Result<()> {
    let Head { source, limit, printing } = args;
    show_range(source, EntryRange::from(..i64::from(limit)), limit, printing, console)
}

pub(super) fn tail(args: Tail, console: &mut Console<'_>) -> Result<()> {
    let Tail { source, limit, printing } = args;
    // The last 0 entries begin behind all of them, not at entry -0.
    let start = if limit == 0 { i64::MAX } else { -i64::from(limit) };
    show_range(source, EntryRange::from(start..), limit, printing, console)
}

fn show_range(
    source: Source,
    entries: EntryRange,
    limit: u32,
    printing: Printing,
    console: &mut Console<'_>,
) -> Result<()> {
    let Printing { fields, format, threads, metrics } = printing;
    let (entries, limit) = (Some(entries), Some(limit.into()));
    show::run(&Show { source, fields, entries, limit, format, threads, metrics }, console)
}

pub(super) fn sample(args: &Sample, console: &mut Console<'_>) -> Result<()> {
    let ntuple = open(&args.source)?;
    let printing = &args.printing;
    let scan = |fields: &[String]| {
        let mut scan = ntuple.scan().strings_as_binary(true).entries(0..0);
        if !fields.is_empty() {
            scan = scan.columns(fields);
        }
        if let Some(threads) = printing.threads {
            scan = scan.threads(threads);
        }
        scan
    };
    let chosen = choose(ntuple.entries(), args.limit.into(), args.seed);
    let rows = chosen.len() as u64;
    let read = |fields: &[String]| -> Result<show::Entries<'_>> {
        // For what it skips.
        let planned = scan(fields).open()?;
        let mut reader = scan(fields).random_access()?;
        let schema = reader.schema();
        let batches = ranges(&chosen).map(move |range| -> Result<RecordBatch> { Ok(reader.read(range)?) });
        Ok(show::Entries { schema, skipped: planned.skipped().to_vec(), rows, batches: Box::new(batches) })
    };
    show::print(&ntuple, &printing.fields, printing.format, &read, console)?;
    if printing.metrics {
        print_metrics(&ntuple.metrics(), console);
    }
    Ok(())
}

/// Entries that follow each other are read together, some at a time.
fn ranges(chosen: &BTreeSet<u64>) -> impl Iterator<Item = Range<u64>> {
    const TOGETHER: u64 = 1024;
    let mut chosen = chosen.iter().copied().peekable();
    std::iter::from_fn(move || {
        let start = chosen.next()?;
        let mut end = start + 1;
        while end - start < TOGETHER && chosen.next_if_eq(&end).is_some() {
            end += 1;
        }
        Some(start..end)
    })
}

/// `count` of the numbers below `all`, each choice as likely as any other (Floyd's algorithm); all of them if there are no
/// more than `count`.
fn choose(all: u64, count: u64, seed: u64) -> BTreeSet<u64> {
    let mut random = Random(seed);
    let mut chosen = BTreeSet::new();
    for last in all.saturating_sub(count)..all {
        // Of the numbers up to `last`, one, or `last` itself if it was taken before.
        let one = random.below(last + 1);
        if !chosen.insert(one) {
            chosen.insert(last);
        }
    }
    chosen
}

/// Random numbers (`SplitMix64`), always the same ones for a seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not 0.
    fn below(&mut self, bound: u64) -> u64 {
        // Numbers from the incomplete last round would make small ones more likely.
        let rest = (u64::MAX % bound + 1) % bound;
        loop {
            let number = self.next();
            if number <= u64::MAX - rest {
                return number % bound;
            }
        }
    }
}

pub(super) fn count(args: &Count, console: &mut Console<'_>) -> Result<()> {
    let (mut grid, mut total, mut failed) = (Grid::new([">entries", "file"]), 0_u64, false);
    for file in &args.files {
        let source = Source { file: file.clone(), ntuple: args.ntuple.clone(), attributes: None };
        match open(&source) {
            Ok(ntuple) if args.files.len() == 1 => return console.print(&format!("{}\n", ntuple.entries())),
            Ok(ntuple) => {
                total = total.saturating_add(ntuple.entries());
                grid.row([text::count(ntuple.entries()), file.to_string_lossy().into_owned()]);
            }
            // The others are still counted.
            Err(error) => {
                console.complain(&error);
                failed = true;
            }
        }
    }
    if args.files.len() > 1 {
        grid.rule();
        let what = if failed { "total of those that could be opened" } else { "total" };
        grid.row([text::count(total), what.to_owned()]);
        console.print(&grid.render(console.terminal.width))?;
    }
    if failed { Err(Error::Reported) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_have_no_entry_twice_and_every_entry_its_chance() {
        assert_eq!(choose(10, 20, 1).into_iter().collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
        assert!(choose(0, 5, 1).is_empty() && choose(5, 0, 1).is_empty());
        assert_eq!(choose(1 << 60, 100, 3), choose(1 << 60, 100, 3));
        assert_ne!(choose(1 << 60, 100, 3), choose(1 << 60, 100, 4));
        let mut hits = [0_u32; 10];
        for seed in 0..10_000 {
            let chosen = choose(10, 3, seed);
            assert_eq!(chosen.len(), 3);
            chosen.into_iter().for_each(|entry| hits[usize::try_from(entry).unwrap()] += 1);
        }
        // 3000 each, with a standard deviation of 46.
        assert!(hits.iter().all(|hits| (2770..3230).contains(hits)), "{hits:?}");
    }

    #[test]
    fn neighbours_are_read_together() {
        let chosen = BTreeSet::from([1, 2, 3, 7, 9, 10]);
        assert_eq!(ranges(&chosen).collect::<Vec<_>>(), [1..4, 7..8, 9..11]);
        assert_eq!(ranges(&(0..2000).collect()).collect::<Vec<_>>(), [0..1024, 1024..2000]);
    }
}
