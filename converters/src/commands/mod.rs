//! One module per subcommand, and what they share.

mod completions;
mod convert;
mod cp;
mod demo;
mod diff;
mod entries;
mod gc;
mod hist;
mod ls;
mod man;
mod merge;
mod recover;
mod schema;
mod show;
mod stat;
mod verify;

use std::fmt::Display;
use std::io::Write;

use rntuple_io::{Metrics, NTuple, Reader};

use crate::Terminal;
use crate::cli::{Cli, Command, Source};
use crate::error::{Error, Result};
use crate::interrupt::AtOnce;
use crate::output::text::{self, printable_lines};

/// Where a command writes.
pub(crate) struct Console<'a> {
    /// Results.
    pub(crate) out: &'a mut dyn Write,
    /// Messages.
    pub(crate) err: &'a mut dyn Write,
    pub(crate) terminal: Terminal,
}

impl Console<'_> {
    /// Prints a message for the user. Losing it must not change how the command ends.
    pub(crate) fn complain(&mut self, message: &dyn Display) {
        let _ = writeln!(self.err, "rntuple: {}", printable_lines(&message.to_string()));
    }

    /// Prints part of the result.
    pub(crate) fn print(&mut self, text: &str) -> Result<()> {
        self.out.write_all(text.as_bytes()).map_err(Error::Output)
    }

    /// Prints a JSON value over several lines.
    pub(crate) fn print_json(&mut self, value: &serde_json::Value) -> Result<()> {
        serde_json::to_writer_pretty(&mut *self.out, value)?;
        self.print("\n")
    }
}

/// Runs the command that the arguments name.
pub(crate) fn run(cli: Cli, console: &mut Console<'_>) -> Result<()> {
    let _nothing_to_take_back = (!cli.command.writes()).then(AtOnce::new);
    match cli.command {
        Command::Ls(args) => ls::run(&args, console),
        Command::Schema(args) => schema::run(&args, console),
        Command::Show(args) => show::run(&args, console),
        Command::Head(args) => entries::head(args, console),
        Command::Tail(args) => entries::tail(args, console),
        Command::Sample(args) => entries::sample(&args, console),
        Command::Count(args) => entries::count(&args, console),
        Command::Hist(args) => hist::run(&args, console),
        Command::Stat(args) => stat::run(&args, console),
        Command::Diff(args) => diff::run(&args, console),
        Command::Verify(args) => verify::run(&args, console),
        Command::Convert(args) => convert::run(&args, console),
        Command::Merge(args) => merge::run(&args, console),
        Command::Cp(args) => cp::run(&args, console),
        Command::Gc(args) => gc::run(&args, console),
        Command::Recover(args) => recover::run(&args, console),
        Command::Demo(args) => demo::run(&args, console),
        Command::Completions(args) => completions::run(&args, console),
        Command::Man(args) => man::run(&args, console),
    }
}

/// Opens the RNTuple that the arguments mean.
fn open(source: &Source) -> Result<NTuple> {
    let reader = Reader::open(&source.file)?;
    let ntuple = match &source.ntuple {
        Some(path) => reader.ntuple(path)?,
        None => reader.only()?,
    };
    match &source.attributes {
        Some(set) => Ok(ntuple.attribute_set(set)?),
        None => Ok(ntuple),
    }
}

/// Prints what reading cost.
fn print_metrics(metrics: &Metrics, console: &mut Console<'_>) {
    // As for messages: losing it must not change how the command ends.
    let _ = console.err.write_all(text::metrics(metrics).as_bytes());
}

/// A format version as `1.0.2.0`.
fn version(version: [u16; 4]) -> String {
    version.map(|part| part.to_string()).join(".")
}
