//! `rntuple head`, `tail`, `sample`, `count`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::values;
use super::{Format, Source};

/// How entries are printed.
#[derive(Debug, Clone, Args)]
pub(crate) struct Printing {
    /// Fields to show, by path: Muon_*, event.hits.x; `**` stands for any names [default: all]
    #[arg(long, short = 'f', value_name = "GLOB,...", value_delimiter = ',')]
    pub(crate) fields: Vec<String>,

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

/// Print the first entries.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rntuple head muons.root
  rntuple head muons.root -l 3 --fields 'Muon_*' --format ndjson")]
pub(crate) struct Head {
    #[command(flatten)]
    pub(crate) source: Source,

    /// How many
    #[arg(long, short = 'l', value_name = "N", default_value_t = 10)]
    pub(crate) limit: u32,

    #[command(flatten)]
    pub(crate) printing: Printing,
}

/// Print the last entries.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rntuple tail muons.root
  rntuple tail muons.root -l 3 --format csv")]
pub(crate) struct Tail {
    #[command(flatten)]
    pub(crate) source: Source,

    /// How many
    #[arg(long, short = 'l', value_name = "N", default_value_t = 10)]
    pub(crate) limit: u32,

    #[command(flatten)]
    pub(crate) printing: Printing,
}

/// Print entries chosen at random, in their order, none of them twice.
///
/// Every entry has the same chance. The same seed chooses the same entries; only their pages are read.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rntuple sample muons.root
  rntuple sample muons.root -l 100 --seed 7 --format ndjson")]
pub(crate) struct Sample {
    #[command(flatten)]
    pub(crate) source: Source,

    /// How many
    #[arg(long, short = 'l', value_name = "N", default_value_t = 10)]
    pub(crate) limit: u32,

    /// Any number; another one chooses other entries
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    pub(crate) seed: u64,

    #[command(flatten)]
    pub(crate) printing: Printing,
}

/// Print the number of entries.
///
/// For one file the bare number, for several a line for each and one for their total. Costs no more than opening them.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rntuple count muons.root
  rntuple count --ntuple Events *.root")]
pub(crate) struct Count {
    /// ROOT files, paths or URIs
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,

    /// The RNTuple, where files hold several: NAME, DIR/NAME, NAME;CYCLE
    #[arg(long, short = 'n', value_name = "PATH")]
    pub(crate) ntuple: Option<String>,
}
