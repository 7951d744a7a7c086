//! Running a command on a damaged file, and what must be true of the outcome.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, Once, PoisonError, RwLock};
use std::time::{Duration, Instant};

use peak_alloc::PeakAlloc;
use rntuple_converters::{Terminal, run};

use crate::subject::Subject;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Additional memory that a damaged file may take, in bytes.
const MOST_MEMORY: usize = 64 << 20;
/// Time that one command may take. Code that is not optimised is given more.
const MOST_TIME: Duration = Duration::from_millis(if cfg!(debug_assertions) { 3000 } else { 1000 });
/// A command that runs that long is taken to hang: the test process ends.
const HANGS: Duration = Duration::from_secs(60);
/// No damaged copy of the files used here has that much to say.
const MOST_OUTPUT: usize = 64 << 20;
/// Complaints that are printed in full per test.
const MOST_COMPLAINTS: usize = 25;

/// A subcommand, with its form of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    Ls,
    Schema,
    Ndjson,
    Csv,
    Table,
    Stat,
    Verify,
}

impl Command {
    pub(crate) const ALL: [Self; 7] =
        [Self::Ls, Self::Schema, Self::Ndjson, Self::Csv, Self::Table, Self::Stat, Self::Verify];

    /// Whether it prints values.
    pub(crate) fn shows(self) -> bool {
        matches!(self, Self::Ndjson | Self::Csv | Self::Table)
    }

    /// The whole command line.
    pub(crate) fn args(self, file: &Path, choice: &[String], threads: bool, limit: Option<u32>) -> Vec<String> {
        let mut args: Vec<String> = ["rntuple"].map(str::to_owned).to_vec();
        let words: &[&str] = match self {
            Self::Ls => &["ls"],
            Self::Schema => &["schema", "--arrow"],
            Self::Ndjson => &["show", "--format", "ndjson"],
            Self::Csv => &["show", "--format", "csv"],
            Self::Table => &["show", "--format", "table"],
            Self::Stat => &["stat"],
            Self::Verify => &["verify"],
        };
        args.extend(words.iter().map(|word| (*word).to_owned()));
        if self.shows() && !threads {
            args.extend(["--threads", "1"].map(str::to_owned));
        }
        if let Some(limit) = limit.filter(|_| self.shows()) {
            args.extend(["--limit".to_owned(), limit.to_string()]);
        }
        if !matches!(self, Self::Ls | Self::Verify) {
            args.extend_from_slice(choice);
        }
        args.push(file.to_str().unwrap().to_owned());
        args
    }
}

/// How the outcome on a damaged file relates to the undamaged one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Truth {
    /// Values are protected by checksums: what is printed must be right, as far as it goes.
    Protected,
    /// Data were changed and checksums tell: it must fail.
    MustFail,
    /// The file says the same in other words: it must work.
    Untouched,
    /// Checksums were made good, or there are none: anything may be printed.
    Open,
}

/// Standard output of a command that prints: compared as it comes, and not kept.
struct Out<'a> {
    wanted: Vec<&'a [u8]>,
    len: usize,
    flooded: bool,
}

impl Write for Out<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let at = self.len;
        self.wanted.retain(|wanted| wanted.get(at..).is_some_and(|rest| rest.starts_with(bytes)));
        self.len += bytes.len();
        if self.len > MOST_OUTPUT {
            self.flooded = true;
            return Err(io::Error::other("the test reads no further"));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Several commands run at once and share one count of memory; whoever measures has it alone.
static ALONE: RwLock<()> = RwLock::new(());
/// Panics on any thread, those of thread pools included.
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// What runs at the moment, and since when.
static RUNNING: Mutex<Vec<(String, Instant)>> = Mutex::new(Vec::new());

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Notes panics in place of printing them, and ends the process when a command hangs.
fn watch() {
    static WATCH: Once = Once::new();
    WATCH.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            // Those of the tests themselves are meant to be seen.
            let place = info.location().map(ToString::to_string).unwrap_or_default();
            if place.contains("tests/hostile") {
                before(info);
            } else {
                lock(&PANICS).push(info.to_string());
            }
        }));
        std::thread::spawn(|| {
            loop {
                std::thread::sleep(Duration::from_secs(1));
                if let Some((label, _)) = lock(&RUNNING).iter().find(|(_, since)| since.elapsed() > HANGS) {
                    eprintln!("hangs: {label}");
                    std::process::exit(101);
                }
            }
        });
    });
}

struct Outcome {
    /// `None` after a panic.
    status: Option<u8>,
    err: String,
    elapsed: Duration,
    panics: Vec<String>,
}

fn execute(args: &[String], label: &dyn Fn() -> String, out: &mut dyn Write) -> Outcome {
    watch();
    lock(&RUNNING).push((label(), Instant::now()));
    let mut err = Vec::new();
    let started = Instant::now();
    let status = catch_unwind(AssertUnwindSafe(|| run(args, out, &mut err, Terminal::none()))).ok();
    let elapsed = started.elapsed();
    let mut running = lock(&RUNNING);
    let label = label();
    if let Some(at) = running.iter().position(|(other, _)| *other == label) {
        running.swap_remove(at);
    }
    drop(running);
    let panics = std::mem::take(&mut *lock(&PANICS));
    Outcome { status, err: String::from_utf8_lossy(&err).into_owned(), elapsed, panics }
}

/// What a command prints of an undamaged file, and the bytes of memory that takes.
pub(crate) fn undamaged(file: &Path, command: Command, choice: &[String], limit: Option<u32>) -> (Vec<u8>, usize) {
    let alone = ALONE.write().unwrap_or_else(PoisonError::into_inner);
    let args = command.args(file, choice, true, limit);
    let mut out = Vec::new();
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    let outcome = execute(&args, &|| args.join(" "), &mut out);
    let memory = MEMORY.peak_usage().saturating_sub(before);
    drop(alone);
    assert!(outcome.status == Some(0), "{args:?}: {} {:?}", outcome.err, outcome.panics);
    (out, memory)
}

/// Tries damaged copies of one file and collects what is wrong with the outcomes.
pub(crate) struct Bench<'a> {
    subject: &'a Subject,
    verdict: &'a Verdict,
    /// Where the damaged copies lie.
    copy: PathBuf,
    file: std::fs::File,
    _folder: tempfile::TempDir,
    /// Turns through commands and data sets.
    turn: usize,
}

impl<'a> Bench<'a> {
    pub(crate) fn new(subject: &'a Subject, verdict: &'a Verdict) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The name must come up in messages.
        let copy = folder.path().join(format!("damaged {}", subject.name));
        std::fs::write(&copy, &subject.bytes).unwrap();
        let file = std::fs::File::options().write(true).open(&copy).unwrap();
        Self { subject, verdict, copy, file, _folder: folder, turn: 0 }
    }

    /// The file with some bytes replaced: `show` and another command.
    pub(crate) fn patched(&mut self, at: usize, bytes: &[u8], truth: Truth, what: &dyn Fn() -> String) {
        let before = &self.subject.bytes[at..at + bytes.len()];
        if before == bytes {
            return;
        }
        write_at(&self.file, at, bytes);
        self.some(truth, what);
        write_at(&self.file, at, before);
    }

    /// The first `len` bytes of the file: every command, or `show` and another one.
    pub(crate) fn truncated(&mut self, len: usize, every: bool) {
        self.file.set_len(len as u64).unwrap();
        let what = || format!("cut to {len} bytes");
        if every {
            self.every(Truth::Protected, &what);
        } else {
            self.some(Truth::Protected, &what);
        }
        write_at(&self.file, len, &self.subject.bytes[len..]);
    }

    /// Another content altogether: `show` and another command.
    pub(crate) fn replaced(&mut self, bytes: &[u8], truth: Truth, what: &dyn Fn() -> String) {
        std::fs::write(&self.copy, bytes).unwrap();
        self.some(truth, what);
    }

    /// Another content that must be read like the undamaged file.
    pub(crate) fn must_work(&mut self, bytes: &[u8], what: &dyn Fn() -> String) {
        std::fs::write(&self.copy, bytes).unwrap();
        self.turn += 1;
        for command in Command::ALL {
            self.one(command, Truth::Untouched, what);
        }
    }

    /// Another content: these commands, with this choice of a data set.
    pub(crate) fn all_of(
        &mut self,
        bytes: &[u8],
        commands: &[Command],
        choice: &[String],
        truth: Truth,
        what: &dyn Fn() -> String,
    ) {
        std::fs::write(&self.copy, bytes).unwrap();
        for command in commands {
            self.chosen(*command, choice, truth, what);
        }
    }

    /// A byte of a page replaced: `show` in turn with its forms, and `verify`, must notice.
    pub(crate) fn page_flipped(&mut self, at: usize, byte: u8, what: &dyn Fn() -> String) {
        write_at(&self.file, at, &[byte]);
        self.turn += 1;
        // The main data set: attribute sets have other pages.
        let choice = self.subject.choices.last().map(Vec::as_slice).unwrap_or_default();
        let show = if self.turn.is_multiple_of(4) { Command::Csv } else { Command::Ndjson };
        self.chosen(show, choice, Truth::MustFail, what);
        self.chosen(Command::Verify, choice, Truth::MustFail, what);
        if self.turn.is_multiple_of(4) {
            self.chosen(Command::Table, choice, Truth::Protected, what);
        }
        write_at(&self.file, at, &self.subject.bytes[at..=at]);
    }

    /// The content put back as it was, after [`Bench::replaced`].
    pub(crate) fn restore(&mut self) {
        std::fs::write(&self.copy, &self.subject.bytes).unwrap();
    }

    fn some(&mut self, truth: Truth, what: &dyn Fn() -> String) {
        self.turn += 1;
        let other = Command::ALL[self.turn % Command::ALL.len()];
        self.one(Command::Ndjson, truth, what);
        if other != Command::Ndjson {
            self.one(other, truth, what);
        }
    }

    fn every(&mut self, truth: Truth, what: &dyn Fn() -> String) {
        self.turn += 1;
        for command in Command::ALL {
            self.one(command, truth, what);
        }
    }

    /// Runs one command on the copy as it is now.
    fn one(&self, command: Command, truth: Truth, what: &dyn Fn() -> String) {
        let choices = &self.subject.choices;
        let choice = choices.get(self.turn % choices.len().max(1)).map(Vec::as_slice).unwrap_or_default();
        self.chosen(command, choice, truth, what);
    }

    fn chosen(&self, command: Command, choice: &[String], truth: Truth, what: &dyn Fn() -> String) {
        // Mostly on one thread, where it is clear who did what.
        let args = command.args(&self.copy, choice, self.turn.is_multiple_of(8), self.subject.limit);
        let label = || format!("{}: {}: {}", self.subject.name, what(), args[1..args.len() - 1].join(" "));
        self.verdict.runs.fetch_add(1, Ordering::Relaxed);

        let shared = ALONE.read().unwrap_or_else(PoisonError::into_inner);
        let mut wrong = self.attempt(command, &args, truth, &label);
        let memory = MEMORY.peak_usage().saturating_sub(self.verdict.memory_at_start);
        drop(shared);
        let suspicious = memory > MOST_MEMORY || wrong.iter().any(|wrong| wrong.depends_on_others);
        if suspicious {
            let _alone = ALONE.write().unwrap_or_else(PoisonError::into_inner);
            MEMORY.reset_peak_usage();
            let before = MEMORY.current_usage();
            wrong = self.attempt(command, &args, truth, &label);
            let memory = MEMORY.peak_usage().saturating_sub(before);
            if memory > MOST_MEMORY.max(self.subject.needs * 5 / 4) {
                wrong.push(Wrong::surely(format!("takes {} MiB", memory >> 20)));
            }
            MEMORY.reset_peak_usage();
        }
        if !wrong.is_empty() {
            let all: Vec<String> = wrong.into_iter().map(|wrong| wrong.text).collect();
            lock(&self.verdict.complaints).push(format!("{}: {}", label(), all.join("; ")));
        }
    }

    /// Runs a command and says what is wrong with the outcome, memory left out.
    fn attempt(&self, command: Command, args: &[String], truth: Truth, label: &dyn Fn() -> String) -> Vec<Wrong> {
        let empty = BTreeSet::new();
        let shown = self.subject.shown.iter().find(|(of, _)| *of == command).map_or(&empty, |(_, shown)| shown);
        let mut out = Out { wanted: shown.iter().map(Vec::as_slice).collect(), len: 0, flooded: false };
        let outcome = execute(args, label, &mut out);
        let mut wrong = Vec::new();
        let err = outcome.err.replace('\n', " | ");
        for panic in &outcome.panics {
            // Another thread's panic may have been noted here.
            wrong.push(Wrong { text: format!("PANIC {panic}"), depends_on_others: true });
        }
        if outcome.err.contains("panicked") {
            wrong.push(Wrong::surely(format!("speaks of a panic: {err}")));
        }
        if outcome.elapsed > MOST_TIME {
            let text = format!("takes {:.1} s", outcome.elapsed.as_secs_f64());
            wrong.push(Wrong { text, depends_on_others: true });
        }
        if out.flooded {
            wrong.push(Wrong::surely(format!("prints over {} MiB", MOST_OUTPUT >> 20)));
        }
        match outcome.status {
            Some(0) => {
                let right = out.wanted.iter().any(|wanted| wanted.len() == out.len);
                if command.shows() && matches!(truth, Truth::Protected | Truth::Untouched) && !right {
                    wrong.push(Wrong::surely(format!("prints wrong values ({} bytes) and no error: {err}", out.len)));
                }
                if truth == Truth::MustFail {
                    wrong.push(Wrong::surely("does not notice".to_owned()));
                }
            }
            Some(_) if truth == Truth::Untouched => wrong.push(Wrong::surely(format!("does not work: {err}"))),
            Some(1) => {
                let name = self.copy.to_str().unwrap();
                if !outcome.err.contains(name) && !out.flooded {
                    wrong.push(Wrong::surely(format!("fails and does not name the file: {err:?}")));
                }
                if command.shows() && truth != Truth::Open && out.wanted.is_empty() {
                    wrong.push(Wrong::surely(format!("prints wrong values before it fails: {err}")));
                }
            }
            Some(status) => wrong.push(Wrong::surely(format!("exit status {status}: {err}"))),
            None => wrong.push(Wrong::surely("panics".to_owned())),
        }
        wrong
    }
}

struct Wrong {
    text: String,
    /// Whether what runs at the same time may be to blame.
    depends_on_others: bool,
}

impl Wrong {
    fn surely(text: String) -> Self {
        Self { text, depends_on_others: false }
    }
}

fn write_at(file: &std::fs::File, at: usize, bytes: &[u8]) {
    #[cfg(unix)]
    std::os::unix::fs::FileExt::write_all_at(file, bytes, at as u64).unwrap();
    #[cfg(windows)]
    assert_eq!(std::os::windows::fs::FileExt::seek_write(file, bytes, at as u64).unwrap(), bytes.len());
}

/// The outcome of one test: how many runs, and what was wrong with them.
pub(crate) struct Verdict {
    test: &'static str,
    runs: AtomicUsize,
    memory_at_start: usize,
    complaints: Mutex<Vec<String>>,
    started: Instant,
}

impl Verdict {
    pub(crate) fn new(test: &'static str) -> Self {
        Self {
            test,
            runs: AtomicUsize::new(0),
            memory_at_start: MEMORY.current_usage(),
            complaints: Mutex::default(),
            started: Instant::now(),
        }
    }

    /// Tries each file through `damage`.
    pub(crate) fn over(self, files: Vec<PathBuf>, damage: impl Fn(&Subject, &mut Bench<'_>)) {
        let count = files.len();
        for file in files {
            let subject = Subject::read(file);
            damage(&subject, &mut Bench::new(&subject, &self));
        }
        self.end(&format!("{count} files"));
    }

    /// Adds something that was found wrong elsewhere.
    pub(crate) fn complain(&self, text: String) {
        lock(&self.complaints).push(text);
    }

    /// Prints the count of runs; fails when anything was wrong.
    pub(crate) fn end(self, over: &str) {
        let runs = self.runs.into_inner();
        let seconds = self.started.elapsed().as_secs_f64();
        eprintln!("{}: {runs} runs over {over} in {seconds:.1} s", self.test);
        let complaints = self.complaints.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Ok(path) = std::env::var("HOSTILE_COMPLAINTS") {
            // Everything, for who wants to look into it.
            std::fs::write(Path::new(&path).join(self.test), complaints.join("\n")).unwrap();
        }
        assert!(runs > 0, "nothing was tried");
        let some: Vec<&str> = complaints.iter().map(String::as_str).take(MOST_COMPLAINTS).collect();
        assert!(complaints.is_empty(), "{} of {runs} runs:\n{}", complaints.len(), some.join("\n"));
    }
}
