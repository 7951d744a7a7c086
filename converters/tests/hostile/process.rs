//! The real binary, with little address space.

use std::path::Path;
use std::process::{Command as Process, Stdio};
use std::time::{Duration, Instant};

use crate::judge::Command;
use crate::random::Random;
use crate::rebuild::Parts;
use crate::subject::{Subject, vectors};

/// Address space of the process, in KiB. Code, stacks of threads and what allocators set aside count, too.
const SPACE: u32 = 400_000;
/// After that it is ended.
const PATIENCE: Duration = Duration::from_secs(10);

/// What became of a process.
#[derive(Debug)]
pub(crate) enum End {
    Status(i32),
    Signal,
    Late,
}

/// Runs `rntuple` in a process of its own, throws away what it prints, and gives its messages.
pub(crate) fn run(args: &[String]) -> (End, String, Duration) {
    let errors = tempfile::NamedTempFile::new().unwrap();
    let started = Instant::now();
    let mut process = Process::new("sh");
    process.arg("-c").arg(format!("ulimit -v {SPACE} && exec \"$0\" \"$@\""));
    process.arg(env!("CARGO_BIN_EXE_rntuple")).args(&args[1..]);
    process.env("RAYON_NUM_THREADS", "2").stdin(Stdio::null()).stdout(Stdio::null());
    let mut child = process.stderr(errors.reopen().unwrap()).spawn().unwrap();
    let end = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status.code().map_or(End::Signal, End::Status);
        }
        if started.elapsed() > PATIENCE {
            child.kill().unwrap();
            child.wait().unwrap();
            break End::Late;
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    (end, String::from_utf8_lossy(&std::fs::read(errors.path()).unwrap()).into_owned(), started.elapsed())
}

/// What is wrong with how a command ends on a file; `None` when all is well.
pub(crate) fn complaint(command: Command, choice: &[String], file: &Path) -> Option<String> {
    let args = command.args(file, choice, true, Some(1000));
    let (end, err, elapsed) = run(&args);
    let named = err.contains(file.to_str().unwrap());
    match end {
        End::Status(0) => None,
        End::Status(1) if named && !err.contains("panicked") => None,
        end => Some(format!("{command:?}: {end:?} after {elapsed:.1?}: {}", err.chars().take(300).collect::<String>())),
    }
}

#[test]
fn a_sample_with_little_address_space() {
    let mut random = Random::new("process");
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("damaged.root");
    let mut wrong = Vec::new();
    let files: Vec<_> = vectors();
    for run in 0..56 {
        let subject = Subject::read(files[random.below(files.len())].clone());
        let mut bytes = subject.bytes.clone();
        let mut what = format!("{}: ", subject.name);
        let at = random.below(bytes.len());
        let parts = Parts::of(&subject.ntuples[0].1);
        match (run % 4, parts) {
            (0, _) => {
                bytes.truncate(at);
                what += &format!("cut to {at} bytes");
            }
            (1, Some(mut parts)) => {
                let (key, layout) = &subject.ntuples[0];
                let envelope = parts.envelope_mut(random.below(2 + layout.page_lists.len()));
                let places = crate::layout::numbers(envelope);
                let (at, width) = places[random.below(places.len())];
                envelope[at..at + width].copy_from_slice(&[0xff; 8][..width]);
                envelope[at + width - 1] = 0x7f;
                what += &format!("{width} bytes at {at} of an envelope");
                bytes = parts.build(&subject, key, layout);
            }
            _ => {
                bytes[at] ^= 0xff;
                what += &format!("byte {at} ^ 0xff");
            }
        }
        std::fs::write(&copy, &bytes).unwrap();
        let command = Command::ALL[run % Command::ALL.len()];
        let choice = &subject.choices[random.below(subject.choices.len())];
        wrong.extend(complaint(command, choice, &copy).map(|complaint| format!("{what}: {complaint}")));
    }
    eprintln!("a_sample_with_little_address_space: 56 processes");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
