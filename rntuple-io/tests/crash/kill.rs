//! Writers that are killed at any moment.
//!
//! The writer is this test binary once more: a process of its own that says after each cluster how many entries are safe
//! now, and goes on until it is killed.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field};
use rntuple_core::compression::CompressionSettings;
use rntuple_io::{Checkpoint, FileWriter, NTuple, ParallelWriter, Reader, WriteOptions, Writer, recover};

use crate::data::{assert_counts, assert_whole, batch, mix, open, schema};

/// How the writer writes: a mode and a number that decides the rest.
const JOB: &str = "RNTUPLE_CRASH_JOB";
/// Where to.
const TARGET: &str = "RNTUPLE_CRASH_TARGET";
/// Kills of each kind.
const KILLS: u64 = 50;

/// Not a test: the writer, when it is started as one.
#[test]
fn writer() {
    let (Ok(job), Some(target)) = (std::env::var(JOB), std::env::var_os(TARGET)) else { return };
    let (mode, seed) = job.split_once(' ').unwrap();
    let (seed, target) = (seed.parse().unwrap(), PathBuf::from(target));
    match mode {
        "checkpoints" => checkpoints(&target, seed),
        "default" => one(&target, seed, options(seed)),
        "several" => several(&target, seed),
        "again" => again(&target, seed),
        "parallel" => parallel(&target, seed),
        other => panic!("{other}"),
    }
}

fn say(what: &str, entries: u64) {
    // Whoever does not read any more has killed this process, or is about to.
    let _ = writeln!(std::io::stdout(), "\n@{what} {entries}");
}

fn options(seed: u64) -> WriteOptions {
    let mut options = WriteOptions::default().threads(1);
    if mix(seed).is_multiple_of(3) {
        options = options.compression(CompressionSettings::NONE);
    }
    if mix(seed) % 4 == 1 {
        // Pages and envelopes are split over records.
        options = options.max_key_size(1000).max_unzipped_page_size(4000);
    }
    if mix(seed) % 5 == 2 {
        options = options.page_checksums(false);
    }
    options
}

fn rows(seed: u64, cluster: u64) -> i64 {
    1 + (mix(seed ^ cluster << 32) % 3000) as i64
}

fn checkpoints(target: &Path, seed: u64) {
    let every = 1 + seed % 4;
    let options = options(seed).checkpoint(Checkpoint::Clusters(every as u32));
    let mut writer = Writer::create(target, "Events", schema(), options).unwrap();
    let mut next = 0;
    for cluster in 0..20_000 {
        let end = next + rows(seed, cluster);
        writer.append(&batch(next..end)).unwrap();
        writer.flush_cluster().unwrap();
        next = end;
        if (cluster + 1) % every == 0 {
            say("entries", next as u64);
        }
    }
}

fn one(target: &Path, seed: u64, options: WriteOptions) {
    let mut writer = Writer::create(target, "Events", schema(), options).unwrap();
    let mut next = 0;
    for cluster in 0..20_000 {
        let end = next + rows(seed, cluster);
        if cluster == 3 && seed.is_multiple_of(2) {
            writer.extend([Field::new("late", DataType::Int64, false)]).unwrap();
        }
        let batch =
            if cluster >= 3 && seed.is_multiple_of(2) { with_late(&batch(next..end)) } else { batch(next..end) };
        writer.append(&batch).unwrap();
        writer.flush_cluster().unwrap();
        next = end;
        say("entries", next as u64);
    }
}

fn with_late(batch: &RecordBatch) -> RecordBatch {
    let late: ArrayRef = Arc::new(Int64Array::from_iter_values((0..batch.num_rows() as i64).map(|i| i + 1)));
    let old = batch.schema();
    let fields = old.fields().iter().zip(batch.columns());
    let fields = fields.map(|(field, column)| (field.name().clone(), Arc::clone(column), false));
    RecordBatch::try_from_iter_with_nullable(fields.chain([("late".to_owned(), late, false)])).unwrap()
}

/// Two data sets with equal schemas in one file, one of them in a directory.
fn several(target: &Path, seed: u64) {
    let file = FileWriter::create(target, &options(seed)).unwrap();
    let mut a = file.ntuple("Events", schema(), options(seed)).unwrap();
    let mut b = file.ntuple("runs/2026/Events", schema(), options(seed)).unwrap();
    let (mut next_a, mut next_b) = (0, 0);
    for cluster in 0..20_000 {
        let end = next_a + rows(seed, cluster);
        a.append(&batch(next_a..end)).unwrap();
        a.flush_cluster().unwrap();
        next_a = end;
        say("Events", next_a as u64);
        let end = next_b + rows(seed + 1, cluster);
        b.append(&batch(next_b..end)).unwrap();
        b.flush_cluster().unwrap();
        next_b = end;
        say("runs/2026/Events", next_b as u64);
    }
}

/// Continues a file that is there, with checkpoints.
fn again(target: &Path, seed: u64) {
    let options = options(seed).checkpoint(Checkpoint::Clusters(2));
    let file = FileWriter::open(target, &options).unwrap();
    let mut writer = file.reopen("Events", options).unwrap();
    let mut next = writer.entries() as i64;
    for cluster in 0..20_000 {
        let end = next + rows(seed, cluster);
        writer.append(&batch(next..end)).unwrap();
        writer.flush_cluster().unwrap();
        next = end;
        if cluster % 2 == 1 {
            say("entries", next as u64);
        }
    }
}

fn parallel(target: &Path, seed: u64) {
    let writer = ParallelWriter::create(target, "Events", schema(), options(seed)).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..2_u64 {
            let mut context = writer.context().unwrap();
            scope.spawn(move || {
                for cluster in 0..20_000_u64 {
                    // Which cluster comes first is open: each has entries of its own.
                    let first = ((cluster * 2 + thread) * 10_000) as i64;
                    context.append(&batch(first..first + rows(seed, cluster))).unwrap();
                    context.flush_cluster().unwrap();
                    say("clusters", cluster * 2);
                }
            });
        }
    });
}

struct Job {
    child: Child,
    lines: std::thread::JoinHandle<Vec<(String, u64)>>,
}

fn start(mode: &str, seed: u64, target: &Path) -> Job {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::writer", "--nocapture", "--test-threads=1"])
        .env(JOB, format!("{mode} {seed}"))
        .env(TARGET, target)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let lines = std::thread::spawn(move || {
        let said = |line: String| {
            let (what, number) = line.strip_prefix('@')?.split_once(' ')?;
            Some((what.to_owned(), number.parse().ok()?))
        };
        stdout.lines().map_while(Result::ok).filter_map(said).collect()
    });
    Job { child, lines }
}

/// Runs a writer, kills it after a random time, and gives what it said last of each thing.
fn run_and_kill(mode: &str, seed: u64, target: &Path) -> Vec<(String, u64)> {
    let mut job = start(mode, seed, target);
    // From before the first byte is written to some hundred clusters.
    std::thread::sleep(Duration::from_micros(2_000 + mix(seed ^ 0x5eed) % 120_000));
    job.child.kill().unwrap();
    let status = job.child.wait().unwrap();
    let said = job.lines.join().unwrap();
    assert!(!status.success(), "seed {seed}: the writer ended by itself");
    #[cfg(unix)]
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9), "seed {seed}");
    said
}

fn last(said: &[(String, u64)], what: &str) -> u64 {
    said.iter().rev().find(|(other, _)| other == what).map_or(0, |(_, number)| *number)
}

/// Seeds of some runs; printed, so that a run can be repeated as far as the moment of the kill allows.
fn seeds(kills: u64) -> impl Iterator<Item = u64> {
    let seed = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64;
    let seed = std::env::var("RNTUPLE_CRASH_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(seed % 1_000_000);
    println!("RNTUPLE_CRASH_SEED={seed}");
    (0..kills).map(move |i| mix(seed + i) % 1_000_000)
}

/// What a writer without checkpoints leaves.
fn part(directory: &Path) -> Option<PathBuf> {
    let mut files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    files.find(|path| path.extension().is_some_and(|extension| extension == "part"))
}

#[test]
fn checkpointed_files_open_after_every_kill() {
    let mut seen = 0;
    for seed in seeds(KILLS) {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("events.root");
        let said = run_and_kill("checkpoints", seed, &target);
        let safe = last(&said, "entries");
        if !target.exists() || std::fs::metadata(&target).unwrap().len() == 0 {
            assert_eq!(safe, 0, "seed {seed}");
            continue;
        }
        let reader = Reader::open(&target);
        let Ok(reader) = reader else {
            // Killed before the first commit, which comes before the first entry.
            assert_eq!(safe, 0, "seed {seed}: {:?}", reader.err());
            continue;
        };
        let entries = if reader.list().is_empty() { 0 } else { assert_counts(&open(&target)) };
        assert!(entries >= safe, "seed {seed}: {entries} entries, {safe} were said to be safe");
        seen += u64::from(safe > 0);

        // Recovering brings back what came after the checkpoint, and leaves the source alone.
        let before = std::fs::read(&target).unwrap();
        let saved = directory.path().join("saved.root");
        match recover(&target, &saved) {
            Ok(recovered) => {
                let more = assert_counts(&open(&saved));
                assert!(more >= entries, "seed {seed}: {more} after recovery, {entries} before");
                assert_eq!(recovered.ntuples[0].entries, more);
                assert_eq!(recovered.ntuples[0].lost, Vec::<String>::new(), "seed {seed}");
                assert_eq!(recovered.file_size, std::fs::metadata(&saved).unwrap().len());
            }
            Err(error) => assert_eq!(entries, 0, "seed {seed}: {error}"),
        }
        assert_eq!(before, std::fs::read(&target).unwrap());
    }
    assert!(seen > KILLS / 4, "only {seen} of {KILLS} writers came to a checkpoint");
}

#[test]
fn without_checkpoints_every_complete_cluster_is_recovered() {
    let mut seen = 0;
    for seed in seeds(KILLS) {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("events.root");
        let old = seed % 3 == 0;
        if old {
            std::fs::write(&target, b"old").unwrap();
        }
        let safe = last(&run_and_kill("default", seed, &target), "entries");
        // The target is what it was.
        assert_eq!(std::fs::read(&target).ok(), old.then(|| b"old".to_vec()), "seed {seed}");
        let Some(part) = part(directory.path()) else {
            assert_eq!(safe, 0, "seed {seed}");
            continue;
        };
        let saved = directory.path().join("saved.root");
        match recover(&part, &saved) {
            Ok(recovered) => {
                assert!(!recovered.complete);
                let ntuple = open(&saved);
                let entries = assert_counts(&ntuple);
                assert!(entries >= safe, "seed {seed}: {entries} entries, {safe} were said to be safe\n{recovered}");
                assert_eq!(recovered.ntuples[0].lost, Vec::<String>::new(), "seed {seed}");
                seen += u64::from(safe > 0);
            }
            Err(error) => assert_eq!(safe, 0, "seed {seed}: {error}"),
        }
    }
    assert!(seen > KILLS / 4, "only {seen} of {KILLS} writers came to a cluster");
}

#[test]
fn several_data_sets_are_told_apart() {
    for seed in seeds(KILLS / 5) {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("events.root");
        let said = run_and_kill("several", seed, &target);
        let Some(part) = part(directory.path()) else { continue };
        let saved = directory.path().join("saved.root");
        let recovered = match recover(&part, &saved) {
            Ok(recovered) => recovered,
            Err(error) => {
                assert!(said.is_empty(), "seed {seed}: {error}");
                continue;
            }
        };
        let reader = Reader::open(&saved).unwrap();
        for path in ["Events", "runs/2026/Events"] {
            let safe = last(&said, path);
            let ntuple: Option<NTuple> = reader.ntuple(path).ok();
            let Some(ntuple) = ntuple else {
                assert_eq!(safe, 0, "seed {seed}: {path}\n{recovered}");
                continue;
            };
            assert_whole(&ntuple);
            let entries = assert_counts(&ntuple);
            assert!(entries >= safe, "seed {seed}: {path}: {entries} entries, {safe} were said to be safe");
        }
    }
}

/// A writer that is killed, and continued, and killed: what the first one left behind its last checkpoint is not mixed
/// with what the second one wrote.
#[test]
fn continued_after_a_kill() {
    for seed in seeds(KILLS / 5) {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("events.root");
        let options = WriteOptions::default().threads(1);
        let mut writer = Writer::create(&target, "Events", schema(), options).unwrap();
        writer.append(&batch(0..1000)).unwrap();
        writer.finish().unwrap();
        let mut safe = 1000;
        for run in 0..3 {
            let said = run_and_kill("again", seed + run * 17, &target);
            safe = safe.max(last(&said, "entries"));
            let entries = assert_counts(&open(&target));
            assert!(entries >= safe, "seed {seed}: {entries} entries, {safe} were said to be safe");
            let saved = directory.path().join("saved.root");
            let recovered = recover(&target, &saved).unwrap();
            let more = assert_counts(&open(&saved));
            assert!(more >= entries, "seed {seed}: {more} after recovery, {entries} before");
            assert_eq!(recovered.ntuples[0].lost, Vec::<String>::new(), "seed {seed}, run {run}");
        }
    }
}

#[test]
fn parallel_writers() {
    for seed in seeds(KILLS / 5) {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("events.root");
        let said = run_and_kill("parallel", seed, &target);
        let Some(part) = part(directory.path()) else { continue };
        let saved = directory.path().join("saved.root");
        let recovered = match recover(&part, &saved) {
            Ok(recovered) => recovered,
            Err(error) => {
                assert!(said.is_empty(), "seed {seed}: {error}");
                continue;
            }
        };
        let ntuple = open(&saved);
        let _ = crate::data::ids(&ntuple);
        let clusters = said.len() as u64;
        assert!(ntuple.cluster_count() >= clusters, "seed {seed}: {clusters} were said to be safe\n{recovered}");
    }
}
