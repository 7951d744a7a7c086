//! The command line: subcommands, options and their help.

mod convert;
mod diff;
mod entries;
mod hist;
mod merge;
mod text;
mod values;

use std::path::PathBuf;

use crate::{EXIT_FAILED, EXIT_USAGE};
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum, ValueHint};
use rntuple_io::EntryRange;

pub(crate) use convert::Convert;
pub(crate) use diff::Diff;
pub(crate) use entries::{Count, Head, Printing, Sample, Tail};
pub(crate) use hist::Hist;
pub(crate) use merge::Merge;
pub(crate) use values::{Compression, compression};

/// Width of help texts where the terminal does not say.
const HELP_WIDTH: usize = 100;

/// List, show, inspect, verify, convert and recover RNTuple data sets in ROOT files.
#[derive(Debug, Parser)]
#[command(
    name = "rntuple",
    version,
    max_term_width = HELP_WIDTH,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_help = "Exit status: 0 fine, 1 data or I/O error, 2 wrong usage, 130 interrupted.\n\
                  `rntuple COMMAND --help` explains a command and shows examples."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What is said of arguments that do not go together, in clap's words.
pub(crate) fn wrong_usage(reason: &str) -> clap::Error {
    Cli::command().error(clap::error::ErrorKind::ArgumentConflict, reason)
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Ls(Ls),
    Schema(Schema),
    Show(Show),
    Head(Head),
    Tail(Tail),
    Sample(Sample),
    Count(Count),
    Hist(Hist),
    Stat(Stat),
    Diff(Diff),
    Verify(Verify),
    Convert(Box<Convert>),
    Merge(Merge),
    Cp(Cp),
    Gc(Gc),
    Recover(Recover),
    Demo(Demo),
    Completions(Completions),
    Man(Man),
}

impl Command {
    /// Whether it writes to a place of its own, which Ctrl-C must not leave half written.
    pub(crate) fn writes(&self) -> bool {
        match self {
            Self::Ls(_) | Self::Schema(_) | Self::Show(_) | Self::Head(_) | Self::Tail(_) | Self::Sample(_) => false,
            Self::Count(_) | Self::Diff(_) | Self::Verify(_) | Self::Completions(_) => false,
            Self::Stat(args) => args.html.is_some(),
            Self::Hist(args) => args.png.is_some(),
            _ => true,
        }
    }

    /// The exit status when it cannot do its work. That of `diff` tells trouble from a difference.
    pub(crate) fn failed(&self) -> u8 {
        if matches!(self, Self::Diff(_)) { EXIT_USAGE } else { EXIT_FAILED }
    }
}

/// List the data sets of files: path, entries, fields, columns, clusters, size, format, writer.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rntuple ls muons.root
  rntuple ls --json muons.root")]
pub(crate) struct Ls {
    /// ROOT files
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,

    /// Print a JSON array with one object per RNTuple
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which RNTuple of a file a command works on.
#[derive(Debug, Args)]
pub(crate) struct Source {
    /// ROOT file
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,

    /// The RNTuple, when the file holds several: NAME, DIR/NAME, NAME;CYCLE
    #[arg(long, short = 'n', value_name = "PATH")]
    pub(crate) ntuple: Option<String>,

    /// Work on this attribute set of the RNTuple instead
    #[arg(long, value_name = "SET")]
    pub(crate) attributes: Option<String>,
}

/// Show the fields as a tree: names, C++ types, encodings, projections, descriptions.
///
/// Behind each field stand its C++ type and the encodings of its columns, one group per column representation.
/// A projected field names its source. What this build cannot read says why.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rntuple schema muons.root
  rntuple schema --arrow muons.root
  rntuple schema --json --ntuple Events muons.root")]
pub(crate) struct Schema {
    #[command(flatten)]
    pub(crate) source: Source,

    /// Add the Arrow type that each top-level field is read as
    #[arg(long)]
    pub(crate) arrow: bool,

    /// Print a JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Print entries as a table, as newline-delimited JSON or as CSV.
///
/// A top-level field that this build cannot read is skipped with a warning; asking for it by name is an error.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rntuple show muons.root
  rntuple show muons.root --fields 'nMuon,Muon_*' --limit 5
  rntuple show muons.root --entries -10.. --format csv
  rntuple show muons.root --ntuple Events --entries 100..200 --format ndjson")]
pub(crate) struct Show {
    #[command(flatten)]
    pub(crate) source: Source,

    /// Fields to show, by path: Muon_*, event.hits.x; `**` stands for any names [default: all]
    #[arg(long, short = 'f', value_name = "GLOB,...", value_delimiter = ',')]
    pub(crate) fields: Vec<String>,

    /// Entries to show, the last one excluded: A..B, A.., ..B, or a single A; negative counts from the end
    #[arg(long, short = 'e', value_name = "A..B", allow_hyphen_values = true, value_parser = values::entries)]
    pub(crate) entries: Option<EntryRange>,

    /// Show at most this many entries [default: 20 for a table, else no limit]
    #[arg(long, short = 'l', value_name = "N")]
    pub(crate) limit: Option<u64>,

    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,

    /// Threads that read and decode [default: one per processor]
    #[arg(long, short = 'j', value_name = "N", value_parser = values::threads)]
    pub(crate) threads: Option<usize>,

    /// Say on standard error what reading cost: requests, bytes, times
    #[arg(long)]
    pub(crate) metrics: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Aligned columns, cells cut to the width of the terminal
    Table,
    /// One JSON object per entry and line
    Ndjson,
    /// A line of field names, then one line per entry; nested values as JSON
    Csv,
}

/// Show how each column is stored: encoding, pages, bytes, compression; with totals.
///
/// `stored` counts compressed pages without their checksums, a page that is shared only once; `raw` is what they hold.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rntuple stat muons.root
  rntuple stat --json muons.root
  rntuple stat --html report.html muons.root")]
pub(crate) struct Stat {
    #[command(flatten)]
    pub(crate) source: Source,

    /// Print a JSON object
    #[arg(long)]
    pub(crate) json: bool,

    /// Write a page for a browser: a map of the storage, sizes of pages and clusters, the tree of fields
    #[arg(long, value_name = "OUT", value_hint = ValueHint::FilePath, conflicts_with = "json")]
    pub(crate) html: Option<PathBuf>,

    /// Show no progress
    #[arg(long, short = 'q')]
    pub(crate) quiet: bool,

    /// Say on standard error what reading cost: requests, bytes, times
    #[arg(long)]
    pub(crate) metrics: bool,
}

/// Check every checksum of every envelope and page.
///
/// Names every damaged place with its offset in the file, and ends with status 1 when there is any, or nothing to check.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rntuple verify muons.root
  rntuple verify --quiet muons.root && echo good")]
pub(crate) struct Verify {
    /// ROOT files
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,

    /// Print nothing but damage, and no progress
    #[arg(long, short = 'q')]
    pub(crate) quiet: bool,

    /// Say on standard error what reading cost: requests, bytes, times
    #[arg(long)]
    pub(crate) metrics: bool,
}

/// Copy between any two places: local files, S3, Google Cloud Storage, Azure, web servers, object and key-value stores.
///
/// A file is copied to a file byte by byte, with all that it holds. Between a file and a store (ntpl+s3://, kv+file://), and
/// between stores, the newest cycle of every RNTuple is copied: its pages as they are, without compressing them again.
/// OUT appears when it is complete, and replaces what is there. A copy of a file to a local file that fails goes on where it
/// ended when it is started again; after Ctrl-C nothing is left of it. Other copies start anew, and `rntuple gc` finds what
/// was left in a store.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rntuple cp muons.root s3://bucket/run1/muons.root --verify
  rntuple cp https://example.org/muons.root muons.root
  rntuple cp muons.root ntpl+s3://bucket/run1/Events
  rntuple cp kv+file:///data/store#run1/Events muons.root")]
pub(crate) struct Cp {
    /// File to copy, a path or URI
    #[arg(value_name = "IN", value_hint = ValueHint::FilePath)]
    pub(crate) input: PathBuf,

    /// Where to, a path or URI
    #[arg(value_name = "OUT", value_hint = ValueHint::FilePath)]
    pub(crate) output: PathBuf,

    /// Read OUT afterwards, and compare it with what was copied or verify its checksums
    #[arg(long)]
    pub(crate) verify: bool,

    /// Bytes of an object that holds pages of one cluster; 0 for one object per page [default: 32MiB]
    #[arg(long, value_name = "SIZE", value_parser = values::size_or_zero)]
    pub(crate) object_size: Option<u64>,

    /// Print nothing but messages, and no progress
    #[arg(long, short = 'q')]
    pub(crate) quiet: bool,
}

/// Find what unfinished writers left in an object or key-value store, and what was replaced.
///
/// Prints the keys that no anchor leads to. Nothing may be writing there meanwhile: what is not finished yet looks the same.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rntuple gc ntpl+s3://bucket/run1/Events
  rntuple gc kv+file:///data/store#run1/Events --delete")]
pub(crate) struct Gc {
    /// URI of a data set
    #[arg(value_name = "URI", value_hint = ValueHint::Url)]
    pub(crate) uri: PathBuf,

    /// Delete them
    #[arg(long)]
    pub(crate) delete: bool,
}

/// Save what can be saved of a file whose writer died, or that was cut short or damaged.
///
/// Prints what was saved and what is lost. Of files that this library writes, every complete cluster is saved; while one
/// is written without checkpoints, it is called .NAME.PID-N.part. Of other files, what their page lists mention is saved.
/// BROKEN is only read; OUT replaces a file of that name. Ends with status 1 when not a single entry could be saved.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rntuple recover muons.root saved.root
  rntuple recover .muons.root.4711-0.part saved.root && rntuple verify saved.root")]
pub(crate) struct Recover {
    /// File to save from
    #[arg(value_name = "BROKEN", value_hint = ValueHint::FilePath)]
    pub(crate) input: PathBuf,

    /// ROOT file to write
    #[arg(value_name = "OUT", value_hint = ValueHint::FilePath)]
    pub(crate) output: PathBuf,

    /// Show no progress
    #[arg(long, short = 'q')]
    pub(crate) quiet: bool,
}

/// Make a data set of collisions, write it, read it back and look at it.
///
/// Writes DIR/demo.root, about 4 MB, which is always the same; an older one is replaced. Prints the masses of pairs of
/// muons, with the particles that they come from, and what takes the space in the file.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rntuple demo
  rntuple demo collisions")]
pub(crate) struct Demo {
    /// Folder for the file; made if it is not there [default: the current one]
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) folder: Option<PathBuf>,
}

/// Print a completion script for a shell.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rntuple completions bash > rntuple.bash
  rntuple completions zsh > _rntuple
  rntuple completions fish > rntuple.fish")]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

/// Print a manual page, or write those of all commands.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rntuple man diff
  rntuple man --dir man1
  rntuple man convert > rntuple-convert.1")]
pub(crate) struct Man {
    /// The command [default: the page about all of them]
    #[arg(value_name = "COMMAND")]
    pub(crate) command: Option<String>,

    /// Write every page into this folder, which is made if it is not there
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, conflicts_with = "command")]
    pub(crate) dir: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clap_finds_no_fault() {
        Cli::command().debug_assert();
    }

    /// The examples of every help text are accepted by the parser, and every command has some.
    #[test]
    fn examples_parse() {
        for command in Cli::command().get_subcommands_mut() {
            let help = command.render_long_help().to_string();
            let examples: Vec<&str> = help.lines().map(str::trim).filter(|line| line.starts_with("rntuple ")).collect();
            assert!(!examples.is_empty(), "{}", command.get_name());
            for example in examples {
                let line = example.split(['>', '&']).next().unwrap();
                let words = line.split_whitespace().map(|word| word.trim_matches('\''));
                Cli::try_parse_from(words).unwrap_or_else(|error| panic!("{example}: {error}"));
            }
        }
    }
}
