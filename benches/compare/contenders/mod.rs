//! Those who do the work, each in a process of its own.

mod limit;
mod load;
mod ours;
mod parquet;
mod python;
mod root;
mod write;

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;

use arrow::array::RecordBatch;
use rntuple_benches::{Random, seconds};
use serde_json::{Value, json};

use self::load::Load;
use crate::check::Check;
use crate::data::{DataSet, nano};
use crate::works::{Contender, Program, Work};
use crate::{Arguments, Done};

/// Seconds of a run that is not repeated.
const SLOW: f64 = 20.0;
/// Processors that others keep busy in a run that does not count as quiet.
const DISTURBED: f64 = 0.1;

/// What a contender found in one run.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Measured {
    /// Wall time.
    pub(crate) seconds: f64,
    /// Most memory that the process had, in bytes.
    pub(crate) peak: u64,
    /// What it read; nothing where the contender does not look at values.
    pub(crate) check: Option<Check>,
    /// Bytes that it read from the file or wrote, if it knows.
    pub(crate) bytes: Option<u64>,
    /// Whether other programs had a noticeable part of the machine meanwhile.
    pub(crate) disturbed: bool,
}

impl Measured {
    pub(crate) fn to_json(self) -> Value {
        json!({
            "seconds": self.seconds,
            "peak": self.peak,
            "count": self.check.map(|check| check.count),
            "sum": self.check.map(|check| check.sum),
            "bytes": self.bytes,
        })
    }

    fn from_json(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        let count = value.get("count").and_then(Value::as_u64);
        let sum = value.get("sum").and_then(Value::as_f64);
        Some(Self {
            seconds: value.get("seconds")?.as_f64()?,
            peak: value.get("peak")?.as_u64()?,
            check: count.zip(sum).map(|(count, sum)| Check { count, sum }),
            bytes: value.get("bytes").and_then(Value::as_u64),
            disturbed: false,
        })
    }
}

/// The runs of a contender, or why there are none.
pub(crate) type Outcome = Result<Vec<Measured>, String>;

/// Runs contenders.
pub(crate) struct Runner {
    dir: PathBuf,
    rounds: usize,
    quick: bool,
    python: python::Python,
    root: Result<root::Root, String>,
}

impl Runner {
    /// Finds out who is there.
    pub(crate) fn new(arguments: &Arguments) -> Done<Self> {
        Ok(Self {
            dir: arguments.dir.clone(),
            rounds: if arguments.quick { 1 } else { arguments.rounds.max(1) },
            quick: arguments.quick,
            python: python::Python::new(&arguments.python, &arguments.dir)?,
            root: root::Root::new(&arguments.dir)?,
        })
    }

    /// Who is there, in which version.
    pub(crate) fn versions(&self) -> Vec<(&'static str, String)> {
        let root = self.root.as_ref().map_or_else(|missing| format!("missing: {missing}"), |root| root.version.clone());
        let mut versions = vec![("ROOT", root)];
        versions.extend(self.python.versions());
        versions
    }

    /// Has a work done by each contender in turn, as many times as there are rounds.
    pub(crate) fn run(&self, work: &Work) -> Done<Vec<Outcome>> {
        self.prepare(work)?;
        let mut outcomes: Vec<Outcome> = work.contenders.iter().map(|_| Ok(Vec::new())).collect();
        for round in 0..self.rounds {
            for (contender, outcome) in work.contenders.iter().zip(&mut outcomes) {
                let Ok(runs) = outcome else { continue };
                // Who takes that long does not have to show it again.
                let is_slow = runs.first().is_some_and(|run| run.seconds > SLOW);
                if is_slow || (self.quick && contender.slow) {
                    continue;
                }
                eprint!("\r\x1b[K{} {}/{}: {}", work.name, round + 1, self.rounds, contender.label);
                match self.undisturbed(work, contender) {
                    Ok(run) => runs.push(run),
                    Err(reason) => *outcome = Err(reason),
                }
            }
        }
        eprint!("\r\x1b[K");
        for outcome in &mut outcomes {
            if outcome.as_ref().is_ok_and(Vec::is_empty) {
                *outcome = Err("left out: it takes long".to_owned());
            }
        }
        Ok(outcomes)
    }

    /// Makes the data, before anybody is measured.
    fn prepare(&self, work: &Work) -> Done<()> {
        work.data.file(&self.dir)?;
        let needs_parquet =
            |contender: &Contender| matches!(contender.program, Program::Parquet(_) | Program::Pyarrow(_));
        if work.contenders.iter().any(needs_parquet) {
            work.data.parquet(&self.dir)?;
        }
        let mut random = Random::new(1);
        let numbers = (0..10_000).map(|_| random.below(nano::ENTRIES).to_string());
        Ok(fs::write(entries(&self.dir), numbers.collect::<Vec<_>>().join("\n"))?)
    }

    /// Runs a contender, once more if it was disturbed.
    fn undisturbed(&self, work: &Work, contender: &Contender) -> Result<Measured, String> {
        let first = self.watched(work, contender)?;
        if first.disturbed && !self.quick && first.seconds < SLOW { self.watched(work, contender) } else { Ok(first) }
    }

    /// Runs a contender, and sees whether others take part of the machine.
    fn watched(&self, work: &Work, contender: &Contender) -> Result<Measured, String> {
        let before = Load::now();
        let run = self.once(work, contender)?;
        let others = Load::now().zip(before).map_or(0.0, |(after, before)| after.others_since(&before));
        Ok(Measured { disturbed: others > DISTURBED, ..run })
    }

    fn once(&self, work: &Work, contender: &Contender) -> Result<Measured, String> {
        let file = |extension| path(work.data, &self.dir, extension);
        let mut command = match contender.program {
            Program::Child(words) | Program::Parquet(words) => {
                let program = std::env::current_exe().map_err(|e| e.to_string())?;
                let mut command = Command::new(program);
                let words = match contender.program {
                    Program::Parquet(words) => format!("{words} parquet"),
                    _ => words.to_owned(),
                };
                command.arg(&self.dir).args(["--only", work.name, "--child", &words]);
                command
            }
            Program::Root(mode, threads) => {
                let mut command = self.root.as_ref()?.command("read");
                command.arg(file("root")).arg(mode).arg(threads.to_string()).arg(entries(&self.dir)).args(work.columns);
                command
            }
            Program::RootWrite(how) => {
                let mut command = self.root.as_ref()?.command("write");
                command.arg(file("root")).arg(output(&self.dir)).arg(how);
                command
            }
            Program::Awkward(module, mode) => {
                let mut command = self.python.command(module)?;
                command.arg(file("root")).arg(mode).arg(entries(&self.dir)).args(work.columns);
                command
            }
            Program::Pyarrow(threads) => {
                let mut command = self.python.command("pyarrow")?;
                command.arg(file("parquet")).arg(threads.to_string()).args(work.parquet_columns());
                command
            }
        };
        let done = command.output().map_err(|e| e.to_string())?;
        let text = String::from_utf8_lossy(&done.stdout);
        let mut measured = Measured::from_json(&text).filter(|_| done.status.success()).ok_or_else(|| {
            let message = String::from_utf8_lossy(&done.stderr);
            let last = message.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no message");
            format!("failed ({}): {last}", done.status)
        })?;
        if matches!(contender.program, Program::RootWrite(_)) {
            measured.bytes = output(&self.dir).metadata().ok().map(|file| file.len());
        }
        Ok(measured)
    }
}

/// Does a work as one of the contenders that are written in Rust.
pub(crate) fn child(program: &str, work: &Work, dir: &Path) -> Done<Measured> {
    let words: Vec<&str> = program.split_whitespace().collect();
    let threads = |n: &str| n.parse::<usize>();
    let file = path(work.data, dir, "root");
    match *words.as_slice() {
        ["scan", n] => ours::scan(&file, work.columns, threads(n)?, true),
        ["stream", n] => ours::scan(&file, work.columns, threads(n)?, false),
        ["once"] => ours::once(&file),
        ["rows", n] => ours::rows::<nano::Entry>(&file, threads(n)?),
        ["rows-nested"] => ours::rows::<crate::data::nested::Entry>(&file, 1),
        ["random"] => ours::random(&file, work.columns, &fs::read_to_string(entries(dir))?),
        ["limit", n] => limit::limit(&file, work.columns, threads(n)?, true),
        ["limit-stream", n] => limit::limit(&file, work.columns, threads(n)?, false),
        ["zstd"] => limit::decompress(&file, work.columns),
        ["compress"] => limit::compress(&file),
        ["write", n] => write::sequential(&file, &output(dir), threads(n)?),
        ["batches", n] => write::batches(&file, &output(dir), threads(n)?),
        ["touch"] => write::touch(&file),
        ["contexts", n] => write::contexts(&file, &output(dir), threads(n)?),
        ["parquet", "parquet"] => parquet::read(&path(work.data, dir, "parquet"), work.parquet_columns()),
        ["size"] => size(&file),
        ["size", "parquet"] => size(&path(work.data, dir, "parquet")),
        _ => Err(format!("no contender is called '{program}'").into()),
    }
}

fn size(file: &Path) -> Done<Measured> {
    Ok(Measured { bytes: Some(file.metadata()?.len()), ..Measured::default() })
}

fn path(data: &DataSet, dir: &Path, extension: &str) -> PathBuf {
    dir.join(data.name).with_extension(extension)
}

/// Where contenders write to: into memory, where the system has a place for that, to leave the disk out of it.
fn output(dir: &Path) -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory.join("rntuple-compare.root") } else { dir.join("output.root") }
}

/// The numbers of the entries for random access.
fn entries(dir: &Path) -> PathBuf {
    dir.join("entries.txt")
}

/// Measures something that gives record batches: first every value is added up, then the clock runs. Batches are kept
/// until it stops, or dropped one by one.
fn measure_batches(keep: bool, run: impl Fn(&mut dyn FnMut(RecordBatch) -> Done<()>) -> Done<()>) -> Done<Measured> {
    let mut check = Check::default();
    let mut kept = Vec::new();
    run(&mut |batch| {
        check.add_batch(&batch)?;
        if keep {
            kept.push(batch);
        }
        Ok(())
    })?;
    kept.clear();
    let (seconds, done) = seconds(|| {
        run(&mut |batch| {
            if keep {
                kept.push(batch);
            } else {
                black_box(&batch);
            }
            Ok(())
        })
    });
    done?;
    Ok(Measured { seconds, peak: peak()?, check: Some(check), ..Measured::default() })
}

/// Measures something without values to check, after having done it once.
fn measure<T>(run: impl Fn() -> Done<T>) -> Done<Measured> {
    run()?;
    let (seconds, done) = seconds(&run);
    black_box(&done?);
    Ok(Measured { seconds, peak: peak()?, ..Measured::default() })
}

/// Most memory that this process has had, in bytes.
fn peak() -> Done<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse::<u64>()? * 1024)
}
