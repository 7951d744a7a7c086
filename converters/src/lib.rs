//! The `rntuple` command: list, show, inspect, verify, convert and recover RNTuple data sets.
//!
//! The binary is a thin shell around [`run`], so that other programs and tests can call a command in-process, with
//! sinks of their own for what would be standard output and standard error:
//!
//! ```
//! use rntuple_converters::{Terminal, run};
//!
//! let (mut out, mut err) = (Vec::new(), Vec::new());
//! let status = run(["rntuple", "--version"], &mut out, &mut err, Terminal::none());
//! assert_eq!(status, 0);
//! assert!(out.starts_with(b"rntuple "));
//! ```
//!
//! [`output`] turns Arrow record batches into newline-delimited JSON, CSV and tables; it needs no RNTuple.

pub mod error;
pub mod interrupt;
pub mod output;

mod cli;
mod commands;
mod formats;
mod guard;
mod transport;

use std::ffi::OsString;
use std::io::Write;

use clap::Parser;

use crate::cli::Cli;
use crate::commands::Console;
use crate::error::Error;

/// Exit status when all went well, and when nobody reads the output any more.
pub const EXIT_OK: u8 = 0;
/// Exit status for a missing, damaged or refused file, an I/O error, and whatever else the data decides; of `diff`, for
/// a difference.
pub const EXIT_FAILED: u8 = 1;
/// Exit status for arguments that are wrong whatever the file holds; of `diff`, for data that cannot be compared.
pub const EXIT_USAGE: u8 = 2;
/// Exit status after Ctrl-C, as shells have it.
pub const EXIT_INTERRUPTED: u8 = 130;

/// What is known about where the output goes.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Terminal {
    /// Columns of the terminal that standard output is; `None` when it is none.
    pub width: Option<usize>,
    /// True when standard error is a terminal, which is when progress bars may be drawn there.
    pub progress: bool,
}

impl Terminal {
    /// Output goes to files, pipes or memory: nothing is cut to a width, no progress is shown.
    #[must_use]
    pub const fn none() -> Self {
        Self { width: None, progress: false }
    }

    /// As [`Terminal::none`], but with tables cut to `columns`.
    #[must_use]
    pub const fn with_width(mut self, columns: usize) -> Self {
        self.width = Some(columns);
        self
    }

    /// Says whether progress bars may be drawn on the process's standard error.
    #[must_use]
    pub const fn with_progress(mut self, progress: bool) -> Self {
        self.progress = progress;
        self
    }
}

/// Runs one command; `args` starts with the program's name. Returns the exit status.
///
/// Results go to `out`, messages to `err`, each message with `rntuple: ` in front. When `out` reports a closed pipe
/// the command ends quietly with [`EXIT_OK`].
pub fn run<A>(args: A, out: &mut dyn Write, err: &mut dyn Write, terminal: Terminal) -> u8
where
    A: IntoIterator,
    A::Item: Into<OsString> + Clone,
{
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(answer) => return say(&answer, out, err),
    };
    let failed = cli.command.failed();
    let mut console = Console { out, err, terminal };
    let done = commands::run(cli, &mut console);
    let done = done.and_then(|()| console.out.flush().map_err(Error::Output));
    match done {
        Ok(()) => EXIT_OK,
        Err(error) if error.is_closed_pipe() => EXIT_OK,
        Err(Error::Reported) => EXIT_FAILED,
        Err(Error::Usage(reason)) => say(&cli::wrong_usage(&reason), console.out, console.err),
        Err(error) => {
            console.complain(&error);
            if matches!(error, Error::Interrupted) { EXIT_INTERRUPTED } else { failed }
        }
    }
}

/// Help, version and usage errors, as clap words them.
fn say(answer: &clap::Error, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let text = answer.render();
    // A sink that takes no text leaves nobody to tell.
    if answer.use_stderr() {
        let _ = write!(err, "{text}").and_then(|()| err.flush());
        EXIT_USAGE
    } else {
        let _ = write!(out, "{text}").and_then(|()| out.flush());
        EXIT_OK
    }
}
