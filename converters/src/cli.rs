//! The command line: subcommands, options and their help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use rntuple_io::EntryRange;

/// Width of help texts where the terminal does not say.
const HELP_WIDTH: usize = 100;

/// List, show, inspect and verify RNTuple data sets in ROOT files.
#[derive(Debug, Parser)]
#[command(
    name = "rntuple",
    version,
    max_term_width = HELP_WIDTH,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_help = "Exit status: 0 fine, 1 data or I/O error, 2 wrong usage.\n\
                  `rntuple COMMAND --help` explains a command and shows examples."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Ls(Ls),
    Schema(Schema),
    Show(Show),
    Stat(Stat),
    Verify(Verify),
    Completions(Completions),
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
    #[arg(long, short = 'e', value_name = "A..B", allow_hyphen_values = true, value_parser = entries)]
    pub(crate) entries: Option<EntryRange>,

    /// Show at most this many entries [default: 20 for a table, else no limit]
    #[arg(long, short = 'l', value_name = "N")]
    pub(crate) limit: Option<u64>,

    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,

    /// Threads that read and decode [default: one per processor]
    #[arg(long, short = 'j', value_name = "N", value_parser = threads)]
    pub(crate) threads: Option<usize>,
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
  rntuple stat --json muons.root")]
pub(crate) struct Stat {
    #[command(flatten)]
    pub(crate) source: Source,

    /// Print a JSON object
    #[arg(long)]
    pub(crate) json: bool,
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

fn threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("at least one thread is needed".to_owned()),
        Ok(threads) => Ok(threads),
        Err(_) => Err("not a number of threads".to_owned()),
    }
}

/// A range of entries as a user writes it; negative bounds count from the end.
fn entries(text: &str) -> Result<EntryRange, String> {
    let wrong = || format!("{text:?} is not a range of entries such as 100..200, 100.., ..200, -10.. or 7");
    let bound = |text: &str| match text.trim() {
        "" => Ok(None),
        number => number.parse::<i64>().map(Some).map_err(|_| wrong()),
    };
    if let Some((start, end)) = text.split_once("..") {
        return Ok(EntryRange::new(bound(start)?, bound(end)?));
    }
    let Some(only) = bound(text)? else { return Err(wrong()) };
    // The entry after the last one is the end, not entry 0.
    let end = if only == -1 { None } else { Some(only.checked_add(1).ok_or_else(wrong)?) };
    Ok(EntryRange::new(Some(only), end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn clap_finds_no_fault() {
        Cli::command().debug_assert();
    }

    #[test]
    fn ranges_are_resolved_against_the_number_of_entries() {
        let resolve = |text: &str| entries(text).unwrap().resolve(10);
        assert_eq!(resolve("2..5"), 2..5);
        assert_eq!(resolve("2.."), 2..10);
        assert_eq!(resolve("..5"), 0..5);
        assert_eq!(resolve(".."), 0..10);
        assert_eq!(resolve("-3.."), 7..10);
        assert_eq!(resolve("-3..-1"), 7..9);
        assert_eq!(resolve("..-3"), 0..7);
        assert_eq!(resolve("4"), 4..5);
        assert_eq!(resolve("-1"), 9..10);
        assert_eq!(resolve("-2"), 8..9);
        // Outside, empty, backwards.
        assert_eq!(resolve("8..99"), 8..10);
        assert_eq!(resolve("-99..2"), 0..2);
        assert_eq!(resolve("5..5"), 5..5);
        assert_eq!(resolve("5..2"), 5..5);
        assert_eq!(resolve("99.."), 10..10);
        assert_eq!(resolve("99"), 10..10);
        assert_eq!(resolve("-9223372036854775808.."), 0..10);
    }

    #[test]
    fn other_texts_are_no_ranges() {
        for text in [
            "",
            "a",
            "1..b",
            "1...3",
            "1-3",
            "0x1..",
            "1..2..3",
            "1.5",
            "9223372036854775807",
            "99999999999999999999..",
        ] {
            assert!(entries(text).is_err(), "{text}");
        }
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
