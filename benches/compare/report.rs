//! The tables: on the terminal, and in `benches/RESULTS.md`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::Done;
use crate::contenders::{Measured, Outcome};
use crate::works::{Program, Target, Work};

/// What stands behind this line is written by hand, and kept.
const MARK: &str = "<!-- written by hand from here on -->";
const HEADINGS: [&str; 8] =
    ["contender", "best", "median", "times ours", "peak memory", "bytes", "we want to be", "met"];

/// Cells of a table, as [`HEADINGS`].
pub(crate) type Row = [String; 8];

/// One line per contender and target.
pub(crate) fn rows(work: &Work, outcomes: &[Outcome]) -> Vec<Row> {
    let best: Vec<Option<Measured>> = outcomes.iter().map(best).collect();
    let ours = best.first().copied().flatten();
    let named = |label: &str| {
        let place = work.contenders.iter().position(|contender| contender.label == label);
        place.and_then(|i| best.get(i).copied().flatten())
    };
    let mut rows = Vec::new();
    for ((contender, outcome), measured) in work.contenders.iter().zip(outcomes).zip(&best) {
        let label = contender.label.to_owned();
        let (runs, measured) = match (outcome, measured) {
            (Ok(runs), Some(measured)) => (runs, measured),
            (Err(reason), _) => {
                rows.push([label, dash(), dash(), dash(), dash(), dash(), dash(), reason.clone()]);
                continue;
            }
            _ => continue,
        };
        let than = contender.than.map_or(ours, named);
        let timed = measured.seconds > 0.0;
        let ratio = than.filter(|_| timed).map(|than| format!("{:.2}", measured.seconds / than.seconds));
        let mut row = [
            label,
            if timed { time(measured.seconds) + if measured.disturbed { " ~" } else { "" } } else { dash() },
            if timed { time(median(runs)) } else { dash() },
            ratio.unwrap_or_else(dash),
            if measured.peak > 0 { megabytes(measured.peak) } else { dash() },
            measured.bytes.map_or_else(dash, |bytes| bytes.to_string()),
            dash(),
            dash(),
        ];
        if contender.targets.is_empty() {
            rows.push(row);
            continue;
        }
        for target in &contender.targets {
            let (text, found) = judge(*target, than, measured);
            let [.., wanted, met] = &mut row;
            *wanted = text;
            *met = found.map_or_else(dash, |(value, ok)| format!("{}: {value}", if ok { "yes" } else { "NO" }));
            rows.push(row.clone());
            // What was said of the contender is not said again.
            row = [row[0].clone(), dash(), dash(), dash(), dash(), dash(), dash(), dash()];
        }
    }
    rows
}

/// What is wanted, what it is, and whether it is met.
fn judge(target: Target, than: Option<Measured>, it: &Measured) -> (String, Option<(String, bool)>) {
    let ratio = |a: f64, b: f64| (b > 0.0).then(|| a / b);
    let bytes = |n: Option<u64>| n.map_or(0.0, |n| n as f64);
    let at_least = |value: Option<f64>, x: f64| value.map(|value| (format!("{value:.2}"), value >= x));
    let at_most = |value: Option<f64>, x: f64| value.map(|value| (format!("{value:.2}"), value <= x));
    let us = than.unwrap_or_default();
    match target {
        Target::Faster(x) => (format!("at least {x} times faster"), at_least(ratio(it.seconds, us.seconds), x)),
        Target::Within(x) => (format!("at most {x} times its time"), at_most(ratio(us.seconds, it.seconds), x)),
        Target::Speedup(x) => {
            (format!("at least {x} times as fast as one thread"), at_least(ratio(us.seconds, it.seconds), x))
        }
        Target::Memory(x) => (format!("at most {x} of its memory"), at_most(ratio(us.peak as f64, it.peak as f64), x)),
        Target::Peak(most) => (format!("below {}", megabytes(most)), Some((megabytes(it.peak), it.peak < most))),
        Target::Overread(x) => {
            (format!("at most {x} times its bytes"), at_most(ratio(bytes(us.bytes), bytes(it.bytes)), x))
        }
        Target::Size(x) => (format!("at most {x} of its size"), at_most(ratio(bytes(us.bytes), bytes(it.bytes)), x)),
    }
}

/// Fails if contenders read different things, or if one of us failed.
pub(crate) fn agree(work: &Work, outcomes: &[Outcome]) -> Done<()> {
    let mut expected = None;
    for (contender, outcome) in work.contenders.iter().zip(outcomes) {
        if let (Program::Child(_), Err(reason)) = (contender.program, outcome) {
            return Err(format!("{}: {}: {reason}", work.name, contender.label).into());
        }
        for run in outcome.iter().flatten() {
            let Some(check) = run.check else { continue };
            let (label, first) = *expected.get_or_insert((contender.label, check));
            if !check.agrees(first) {
                return Err(format!("{}: {} read {check:?}, {label} {first:?}", work.name, contender.label).into());
            }
        }
    }
    Ok(())
}

/// Shows the table of a work.
pub(crate) fn print(work: &Work, rows: &[Row]) {
    let lines: Vec<[&str; 8]> =
        [HEADINGS].into_iter().chain(rows.iter().map(|row| row.each_ref().map(String::as_str))).collect();
    // The last column is as wide as it likes.
    let mut widths = [0; 8];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line).take(7) {
            *width = cell.len().max(*width);
        }
    }
    println!("\n{} [{}]: {}", work.title, work.name, work.data.what);
    for line in lines {
        let cells = line.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        println!("  {}", cells.collect::<Vec<_>>().join("  "));
    }
}

/// Remembers the table of a work, for the report.
pub(crate) fn keep(dir: &Path, work: &Work, rows: &[Row]) -> Done<()> {
    let results = dir.join("results");
    fs::create_dir_all(&results)?;
    Ok(fs::write(results.join(work.name).with_extension("json"), json!(rows).to_string())?)
}

/// Writes the report: the last results of every work.
pub(crate) fn write(dir: &Path, works: &[Work], versions: &[(&'static str, String)]) -> Done<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("RESULTS.md");
    let before = fs::read_to_string(&path).unwrap_or_default();
    let by_hand = before.split_once(MARK).map_or("\n", |(_, by_hand)| by_hand);
    let mut text = INTRODUCTION.to_owned();
    for (what, version) in machine().into_iter().chain(versions.iter().cloned()) {
        writeln!(text, "* {what}: {version}")?;
    }
    let kept: Vec<(&Work, Vec<Row>)> = works.iter().filter_map(|work| Some((work, kept(dir, work)?))).collect();
    text += "\n## Targets\n\n| work | contender | we want to be | met |\n|---|---|---|---|\n";
    for (work, rows) in &kept {
        for [contender, .., wanted, met] in rows.iter().filter(|[.., wanted, _]| *wanted != dash()) {
            writeln!(text, "| {} | {contender} | {wanted} | {met} |", work.title)?;
        }
    }
    for (work, rows) in &kept {
        writeln!(text, "\n## {}\n\nData: {}.\n", work.title, work.data.what)?;
        writeln!(text, "| {} |\n|{}", HEADINGS.join(" | "), "---|".repeat(HEADINGS.len()))?;
        for row in rows {
            writeln!(text, "| {} |", row.join(" | "))?;
        }
    }
    Ok(fs::write(path, format!("{text}\n{MARK}{by_hand}"))?)
}

/// What was remembered of a work, if it was done.
fn kept(dir: &Path, work: &Work) -> Option<Vec<Row>> {
    let text = fs::read_to_string(dir.join("results").join(work.name).with_extension("json")).ok()?;
    let value: Value = serde_json::from_str(&text).ok()?;
    let cells = |row: &Value| {
        Row::try_from(row.as_array()?.iter().filter_map(|cell| Some(cell.as_str()?.to_owned())).collect::<Vec<_>>())
            .ok()
    };
    value.as_array()?.iter().map(cells).collect()
}

const INTRODUCTION: &str = "\
# Results

Written by `cargo run --release -p rntuple-benches --bin compare -- DIR`. Each work was done by its contenders in turn,
several times. *best* and *median* are wall time, opening the file included, of a process that had done the same once
before; *times ours* is how many times as long a contender takes as this library on as many threads. All read the same
values. Most leave them in memory as arrays: *ours*, uproot, Parquet, *limit*. ROOT leaves one entry, or one bulk, at a
time, and is compared with *ours, batches not kept*, which leaves one batch. *limit* knows where the pages
are, reads them, compares checksums, decompresses and copies them, and does nothing else. *peak memory* is that of the
process, *bytes* are those read from the file or written to it. Only ratios mean something: times are of one machine.
A time with ~ was taken while other programs kept more than a tenth of a processor busy.

";

fn machine() -> Vec<(&'static str, String)> {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let rustc = Command::new("rustc")
        .arg("--version")
        .output()
        .map(|done| String::from_utf8_lossy(&done.stdout).trim().to_owned());
    vec![
        ("CPU", format!("{}, {cores} cores", model.trim_start_matches([' ', '\t', ':']))),
        ("Linux", fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned()),
        ("Rust", rustc.unwrap_or_default()),
        ("Parquet", parquet::file::properties::DEFAULT_CREATED_BY.to_owned()),
    ]
}

/// The fastest of the quiet runs, or of all if none was quiet.
fn best(outcome: &Outcome) -> Option<Measured> {
    let faster = |a: &Measured, b: &Measured| a.disturbed.cmp(&b.disturbed).then(a.seconds.total_cmp(&b.seconds));
    outcome.as_ref().ok()?.iter().copied().min_by(faster)
}

fn median(runs: &[Measured]) -> f64 {
    let mut seconds: Vec<f64> = runs.iter().map(|run| run.seconds).collect();
    seconds.sort_by(f64::total_cmp);
    seconds.get(seconds.len() / 2).copied().unwrap_or_default()
}

fn time(seconds: f64) -> String {
    if seconds < 1.0 { format!("{:.1} ms", seconds * 1000.0) } else { format!("{seconds:.2} s") }
}

fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes / 1_000_000)
}

fn dash() -> String {
    "-".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Check;
    use crate::works;

    fn measured(seconds: f64, bytes: u64) -> Measured {
        Measured {
            seconds,
            peak: bytes,
            check: Some(Check { count: 3, sum: 0.5 }),
            bytes: Some(bytes),
            disturbed: false,
        }
    }

    #[test]
    fn targets() {
        let (us, it) = (measured(2.0, 100), measured(10.0, 150));
        for (target, want) in [
            (Target::Faster(5.0), ("5.00", true)),
            (Target::Faster(5.1), ("5.00", false)),
            (Target::Within(0.2), ("0.20", true)),
            (Target::Within(0.1), ("0.20", false)),
            (Target::Speedup(0.2), ("0.20", true)),
            (Target::Speedup(1.8), ("0.20", false)),
            (Target::Memory(0.7), ("0.67", true)),
            (Target::Memory(0.1), ("0.67", false)),
            (Target::Peak(151), ("0 MB", true)),
            (Target::Peak(150), ("0 MB", false)),
            (Target::Overread(0.7), ("0.67", true)),
            (Target::Size(0.6), ("0.67", false)),
        ] {
            let (_, found) = judge(target, Some(us), &it);
            assert_eq!(found, Some((want.0.to_owned(), want.1)), "{target:?}");
        }
        assert_eq!(judge(Target::Faster(1.0), None, &it).1, None);
    }

    #[test]
    fn contenders_that_differ() {
        let works = works::all();
        let work = works.iter().find(|work| work.name == "size").unwrap();
        let other = Measured { check: Some(Check { count: 4, sum: 0.5 }), ..measured(1.0, 1) };
        agree(work, &[Ok(vec![measured(1.0, 1)]), Err("missing".to_owned()), Ok(vec![measured(2.0, 2)])]).unwrap();
        agree(work, &[Ok(vec![measured(1.0, 1)]), Ok(vec![other])]).unwrap_err();
        agree(work, &[Err("failed".to_owned())]).unwrap_err();
    }

    #[test]
    fn the_median_and_the_best() {
        let runs = vec![measured(3.0, 0), measured(1.0, 0), measured(2.0, 0)];
        assert_eq!(median(&runs), 2.0);
        let disturbed = Measured { disturbed: true, ..measured(0.5, 0) };
        assert_eq!(best(&Ok([runs, vec![disturbed]].concat())).unwrap().seconds, 1.0);
        assert_eq!(best(&Ok(vec![disturbed])).unwrap().seconds, 0.5);
    }
}
