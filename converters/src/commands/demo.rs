//! `rntuple demo`: a data set to try things on, and what can be done with it.

mod events;
mod plot;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rntuple_core::row::{Row, RowReader, RowsBuilder, requested_schema};
use rntuple_io::{NTuple, Reader, WriteOptions, Writer};

use self::events::Generator;
use self::plot::Histogram;
use super::{Console, stat};
use crate::cli::{Demo, Source, Stat};
use crate::error::{Error, Result};
use crate::output::text::{bytes, count, printable};

/// Name of the data set, and of the file.
const NAME: &str = "Events";
const FILE: &str = "demo.root";
/// Tells a file of ours, which may be replaced, from one that happens to have its name.
const DESCRIPTION: &str = "Proton collisions that never happened, made by `rntuple demo`";
const EVENTS: u64 = 100_000;
/// Rows per batch: a batch fits into a processor's cache.
const ROWS: usize = 4096;
/// Columns of the drawing where nobody says how many there are.
const WIDTH: usize = 80;
/// Mass of the muon in `GeV`.
const MUON_MASS: f64 = 0.105_66;

/// What is read back. The other members of the events, and of their muons, are not even fetched.
#[derive(Row)]
struct Pair {
    muons: Vec<Charged>,
}

#[derive(Row)]
struct Charged {
    charge: i8,
    momentum: [f32; 3],
}

pub(super) fn run(args: &Demo, console: &mut Console<'_>) -> Result<()> {
    let folder = args.folder.as_deref().unwrap_or(Path::new(""));
    let path = folder.join(FILE);
    let name = path.to_string_lossy().into_owned();
    let io = |what: &str, source| {
        let (file, what) = (name.as_str().into(), what.to_owned());
        Error::Read(rntuple_io::Error::Io { file, what, source: std::sync::Arc::new(source) })
    };
    if path.exists() && !is_demo(&path) {
        let reason = "is there already, and is no demo file: name another folder".to_owned();
        return Err(Error::Read(rntuple_io::Error::Argument { file: name.as_str().into(), reason }));
    }
    if !folder.as_os_str().is_empty() {
        fs::create_dir_all(folder).map_err(|source| io("cannot make its folder", source))?;
    }

    let started = Instant::now();
    let size = write(&path)?;
    console.print(&format!(
        "Made {} collisions and wrote them to {}: {} in {}.\n",
        count(EVENTS),
        printable(&name),
        bytes(size),
        seconds(started.elapsed()),
    ))?;

    let started = Instant::now();
    let ntuple = Reader::open(&path)?.only()?;
    let masses = masses(&ntuple)?;
    console.print(&format!(
        "Read back muons.charge and muons.momentum, and no other column: {} pairs of opposite charge in {}.\n\n",
        count(masses.len() as u64),
        seconds(started.elapsed()),
    ))?;
    console.print(&drawing(&masses, console.terminal.width))?;

    console.print("\nWhat takes the space (rntuple stat):\n\n")?;
    let source = Source { file: path.clone(), ntuple: None, attributes: None };
    stat::run(&Stat { source, json: false, html: None, quiet: true, metrics: false }, console)?;
    console.print(&suggestions(&name))
}

fn is_demo(path: &Path) -> bool {
    let ntuple = Reader::open(path).and_then(|reader| reader.ntuple(NAME));
    ntuple.is_ok_and(|ntuple| ntuple.description() == DESCRIPTION)
}

/// Writes the events; gives the size of the file.
fn write(path: &Path) -> Result<u64> {
    let file = |source| {
        let file = path.to_string_lossy().into();
        Error::Read(rntuple_io::Error::Format { file, source: std::sync::Arc::new(source) })
    };
    let mut rows = RowsBuilder::of::<events::Collision>();
    let options = WriteOptions::new().description(DESCRIPTION);
    let mut writer = Writer::create(path, NAME, rows.schema().clone(), options)?;
    let mut generator = Generator::new();
    for number in 0..EVENTS {
        rows.push(&generator.collision(number));
        if rows.len() == ROWS {
            writer.append(&rows.finish().map_err(file)?)?;
        }
    }
    writer.append(&rows.finish().map_err(file)?)?;
    Ok(writer.finish()?.file_size)
}

/// The masses of all pairs of muons with opposite charges, in `GeV`.
fn masses(ntuple: &NTuple) -> Result<Vec<f64>> {
    let file = |source| {
        Error::Read(rntuple_io::Error::Format { file: ntuple.file_name().into(), source: std::sync::Arc::new(source) })
    };
    let schema = requested_schema::<Pair>(&*ntuple.arrow_schema()?).map_err(file)?;
    let mut masses = Vec::new();
    for batch in ntuple.scan().schema(schema).open()? {
        for event in RowReader::<Pair>::new(&batch?).map_err(file)? {
            let Pair { muons } = event.map_err(file)?;
            for (i, one) in muons.iter().enumerate() {
                let others = muons.iter().skip(i + 1).filter(|other| other.charge != one.charge);
                masses.extend(others.map(|other| mass(one.momentum, other.momentum)));
            }
        }
    }
    Ok(masses)
}

/// The invariant mass of two muons.
fn mass(a: [f32; 3], b: [f32; 3]) -> f64 {
    let (a, b) = (a.map(f64::from), b.map(f64::from));
    let energy = |p: [f64; 3]| (p.iter().map(|x| x * x).sum::<f64>() + MUON_MASS * MUON_MASS).sqrt();
    let momentum: f64 = a.iter().zip(&b).map(|(x, y)| (x + y) * (x + y)).sum();
    let total = energy(a) + energy(b);
    (total * total - momentum).max(0.0).sqrt()
}

fn drawing(masses: &[f64], width: Option<usize>) -> String {
    let mut histogram = Histogram::new(2.0, 200.0, width.unwrap_or(WIDTH).clamp(60, 120) - 10);
    masses.iter().for_each(|mass| histogram.fill(*mass));
    let mut text = "Mass of the pairs in GeV, both scales logarithmic:\n".to_owned();
    text += &histogram.draw(&[("J/ψ", 3.097), ("Υ", 9.46), ("Z", 91.19)]);
    let mut peak: Vec<f64> = masses.iter().copied().filter(|mass| (80.0..102.0).contains(mass)).collect();
    peak.sort_by(f64::total_cmp);
    if let Some(median) = peak.get(peak.len() / 2) {
        let pairs = count(peak.len() as u64);
        text += &format!("\n{pairs} pairs lie between 80 and 102 GeV, half of them below {median:.1}: the Z boson.\n");
    }
    text
}

fn suggestions(file: &str) -> String {
    let word = quoted(file);
    let mut text = format!(
        "
Try next:
  rntuple schema {word}
  rntuple show {word} --limit 5
  rntuple show {word} --fields muons.momentum,missing_pt --entries 100..110 --format ndjson
  rntuple convert {word} small.root --compression lzma:9 --encoding '**.isolation=Real16'
"
    );
    // Within quotes of two languages, only plain names are easy to read.
    if word == file {
        text += &format!("  root -e 'ROOT::RDataFrame(\"{NAME}\", \"{file}\").Histo1D(\"missing_pt\")->Draw()'\n");
        text +=
            &format!("  python3 -c 'import uproot; print(uproot.open(\"{file}\")[\"{NAME}\"].arrays([\"muons\"]))'\n");
    }
    text
}

/// A file name as a word for a shell.
fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,@%:".contains(c);
    if name.chars().all(plain) { name.to_owned() } else { format!("'{}'", name.replace('\'', r"'\''")) }
}

fn seconds(time: Duration) -> String {
    if time.as_secs() > 0 { format!("{:.1} s", time.as_secs_f64()) } else { format!("{} ms", time.as_millis()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masses_are_invariant() {
        // Two muons back to back with 50 GeV each, and the same pair in motion along z.
        assert!((mass([50.0, 0.0, 0.0], [-50.0, 0.0, 0.0]) - 100.0).abs() < 1e-3);
        assert!((mass([50.0, 0.0, 37.5], [-50.0, 0.0, 37.5]) - 100.0).abs() < 1e-3);
        assert!(mass([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]) - 2.0 * MUON_MASS < 1e-6);
    }

    #[test]
    fn names_are_words() {
        assert_eq!(quoted("a/demo.root"), "a/demo.root");
        assert_eq!(quoted("my dir/demo.root"), "'my dir/demo.root'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
