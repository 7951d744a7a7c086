//! Ctrl-C while a command runs: nothing half written is left, and what was there before is untouched.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{path_text, rntuple};

/// How a command ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Interrupted,
    /// It was done before.
    Done,
    /// The process had not even begun to listen.
    Early,
}

struct Job {
    folder: tempfile::TempDir,
    input: PathBuf,
}

const OLD: &[u8] = b"what was there before";

impl Job {
    /// Data that take a while: some collisions, many times.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        rntuple(["demo", &path_text(folder.path())]).fine();
        let input = folder.path().join("demo.root");
        Self { folder, input }
    }

    fn start(&self, args: &[&str]) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rntuple"));
        command.args(args).current_dir(&self.folder);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// What is in a folder.
    fn files(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Runs a command that writes `out/OUT`, where there is a file already, and interrupts it once `when` says so.
    fn interrupt(&self, args: &[&str], signal: &str, when: impl Fn(Duration, &[String]) -> bool) -> End {
        let out = self.folder.path().join("out");
        fs::create_dir_all(&out).unwrap();
        fs::write(out.join("OUT"), OLD).unwrap();
        let mut child = self.start(args);
        let started = Instant::now();
        while child.try_wait().unwrap().is_none() && !when(started.elapsed(), &Self::files(&out)) {
            std::thread::sleep(Duration::from_millis(1));
        }
        let kill = Command::new("kill").args([signal, &child.id().to_string()]).stderr(Stdio::null()).status();
        kill.unwrap();
        let done = child.wait_with_output().unwrap();
        let message = String::from_utf8_lossy(&done.stderr).into_owned();
        match done.status.code() {
            Some(0) => {
                assert_ne!(fs::read(out.join("OUT")).unwrap(), OLD, "{args:?} was done: {message}");
                assert_eq!(Self::files(&out), ["OUT"]);
                End::Done
            }
            Some(130) => {
                assert_eq!(Self::files(&out), ["OUT"], "{args:?}: {message}");
                assert_eq!(fs::read(out.join("OUT")).unwrap(), OLD, "{args:?}: {message}");
                assert!(message.is_empty() || message.starts_with("rntuple: interrupted"), "{message}");
                End::Interrupted
            }
            None if matches!(done.status.signal(), Some(2 | 15)) => {
                assert_eq!(
                    (Self::files(&out), fs::read(out.join("OUT")).unwrap()),
                    (vec!["OUT".to_owned()], OLD.into())
                );
                End::Early
            }
            other => panic!("{args:?} ended with {other:?}, {:?}: {message}", done.status),
        }
    }

    /// Interrupts a command early and late; at least once, it is in the middle of its work: a part of the file is there.
    fn at_several_moments(&self, args: &[&str]) {
        for signal in ["-INT", "-TERM"] {
            let part = |_: Duration, files: &[String]| files.iter().any(|name| name.ends_with(".part"));
            // It may be done between two looks; not every time.
            let middle = (0..10).any(|_| self.interrupt(args, signal, part) == End::Interrupted);
            assert!(middle, "{args:?} cannot be interrupted in the middle");
        }
        for wait in [0, 1, 5, 20, 60, 150, 400] {
            self.interrupt(args, "-INT", |time, _| time >= Duration::from_millis(wait));
        }
    }
}

#[test]
fn convert_leaves_nothing_behind() {
    let job = Job::new();
    let input = path_text(&job.input);
    for threads in ["1", "2"] {
        let options = ["--to", "rntuple", "--compression", "lzma:9", "--cluster-size", "200K", "-j", threads];
        let args: Vec<&str> = ["convert", &input, "out/OUT"].into_iter().chain(options).collect();
        job.at_several_moments(&args);
    }
}

#[test]
fn cp_leaves_nothing_behind() {
    let job = Job::new();
    // A file with holes: quickly made, and long to copy.
    let large = job.folder.path().join("large");
    fs::File::create(&large).unwrap().set_len(400 << 20).unwrap();
    job.at_several_moments(&["cp", "large", "out/OUT"]);
    // One that broke off otherwise goes on where it ended; its part is of no use any more once it is interrupted.
    fs::remove_file(&large).unwrap();
}

#[test]
fn cp_from_a_store_leaves_nothing_behind() {
    let job = Job::new();
    let input = path_text(&job.input);
    // Many clusters: a copy ends between two of them.
    rntuple(["convert", "-q", &input, &path_text(&job.folder.path().join("many.root")), "--cluster-size", "20K"])
        .fine();
    let store = format!("kv+file://{}#Events", path_text(&job.folder.path().join("store")));
    rntuple(["cp", "-q", &path_text(&job.folder.path().join("many.root")), &store]).fine();
    job.at_several_moments(&["cp", &store, "out/OUT"]);
}

#[test]
fn recover_leaves_nothing_behind() {
    let job = Job::new();
    let large = path_text(&job.folder.path().join("large.root"));
    rntuple(["convert", "-q", &path_text(&job.input), &large, "--compression", "none", "--cluster-size", "200K"])
        .fine();
    // A damaged page: the rest is worth saving.
    let mut bytes = fs::read(&large).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&large, bytes).unwrap();
    for wait in [0, 2, 5, 10, 20, 40] {
        job.interrupt(&["recover", &large, "out/OUT"], "-INT", |time, _| time >= Duration::from_millis(wait));
    }
}

#[test]
fn what_only_reads_ends_at_once() {
    let job = Job::new();
    let input = path_text(&job.input);
    let many: Vec<&str> = std::iter::repeat_n(input.as_str(), 400).collect();
    let before = Job::files(job.folder.path());
    let verify: Vec<&str> = ["verify"].into_iter().chain(many).collect();
    for args in [&verify[..], &["show", &input, "--format", "ndjson"]] {
        for (signal, wait) in [("-INT", 30), ("-TERM", 60)] {
            let mut child = job.start(args);
            // Nobody reads what it prints, so that it is still there.
            std::thread::sleep(Duration::from_millis(wait));
            assert!(child.try_wait().unwrap().is_none(), "{args:?} was done too early");
            let asked = Instant::now();
            Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
            assert_eq!(child.wait().unwrap().code(), Some(130));
            assert!(asked.elapsed() < Duration::from_secs(5));
        }
    }
    assert_eq!(Job::files(job.folder.path()), before);
}
