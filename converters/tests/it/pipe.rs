//! Output that nobody reads to the end.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use rntuple_converters::{Terminal, run};

use crate::support::muons;

/// Takes so many bytes, then fails.
struct Cut {
    room: usize,
    error: io::ErrorKind,
}

impl Write for Cut {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.room == 0 {
            return Err(self.error.into());
        }
        let taken = bytes.len().min(self.room);
        self.room -= taken;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn commands() -> Vec<Vec<String>> {
    let own = |args: &[&str]| args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<String>>();
    let mut commands = vec![own(&["completions", "bash"])];
    if let Some(file) = muons() {
        for format in ["table", "ndjson", "csv"] {
            commands.push(own(&["show", &file, "--format", format]));
        }
        commands.extend([own(&["ls", &file]), own(&["ls", "--json", &file]), own(&["schema", &file])]);
        commands.extend([own(&["schema", "--json", &file]), own(&["stat", &file]), own(&["stat", "--json", &file])]);
        commands.push(own(&["verify", &file]));
    }
    commands
}

fn run_into(args: &[String], out: &mut dyn Write) -> (u8, String) {
    let mut err = Vec::new();
    let words = std::iter::once("rntuple").chain(args.iter().map(String::as_str));
    let status = run(words, out, &mut err, Terminal::none());
    (status, String::from_utf8(err).unwrap())
}

#[test]
fn a_closed_pipe_ends_the_command_quietly() {
    for args in commands() {
        for room in [0, 1, 50] {
            let end = run_into(&args, &mut Cut { room, error: io::ErrorKind::BrokenPipe });
            assert_eq!(end, (0, String::new()), "{args:?} after {room} bytes");
        }
    }
}

#[test]
fn any_other_failure_of_the_output_is_an_error() {
    for args in commands() {
        for room in [0, 50] {
            let (status, message) = run_into(&args, &mut Cut { room, error: io::ErrorKind::StorageFull });
            assert_eq!(status, 1, "{args:?} after {room} bytes");
            assert!(message.starts_with("rntuple: cannot write the output: "), "{message}");
        }
    }
}

#[test]
fn help_into_a_closed_pipe_is_quiet() {
    for args in [&["--help"][..], &["show", "--help"]] {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let end = run_into(&args, &mut Cut { room: 3, error: io::ErrorKind::BrokenPipe });
        assert_eq!(end, (0, String::new()));
    }
}

/// The real thing: a process whose reader goes away after the first line.
#[test]
fn a_process_survives_head() {
    for args in commands() {
        let mut child = Command::new(env!("CARGO_BIN_EXE_rntuple"))
            .args(&args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = String::new();
        BufReader::with_capacity(16, child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        let end = child.wait_with_output().unwrap();
        assert_eq!((end.status.code(), String::from_utf8_lossy(&end.stderr).as_ref()), (Some(0), ""), "{args:?}");
        assert!(!first.is_empty(), "{args:?}");
    }
}
