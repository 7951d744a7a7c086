//! `rntuple diff`.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use rntuple_io::EntryRange;

use super::values;

/// Compare two data sets: their fields and every value.
///
/// Names the fields that are only in one of them or have other types, and for each field the first value that differs, with
/// its entry. How values are stored makes no difference: encodings, compression, clusters, the order of fields, and whether
/// a field is projected. Numbers of different types are equal if their values are. Not-a-number equals itself, and so do both
/// zeros. Below collections of different sizes nothing more is compared.
///
/// Exit status: 0 when there is no difference, 1 when there is one, 2 when they cannot be compared.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rntuple diff muons.root copy.root
  rntuple diff muons.root copy.root --fields 'Muon_*' --relative 1e-6
  rntuple diff --schema-only --json muons.root copy.root
  rntuple diff muons.root muons.root --ntuple Events --ntuple-b 'Events;1' --entries ..100")]
pub(crate) struct Diff {
    /// ROOT file, a path or URI
    #[arg(value_name = "A", value_hint = ValueHint::FilePath)]
    pub(crate) a: PathBuf,

    /// What to compare it with
    #[arg(value_name = "B", value_hint = ValueHint::FilePath)]
    pub(crate) b: PathBuf,

    /// The RNTuple, when A holds several: NAME, DIR/NAME, NAME;CYCLE
    #[arg(long, short = 'n', value_name = "PATH")]
    pub(crate) ntuple: Option<String>,

    /// The RNTuple of B [default: that of --ntuple]
    #[arg(long, value_name = "PATH")]
    pub(crate) ntuple_b: Option<String>,

    /// Fields to compare, by path: Muon_*, event.hits.x; `**` stands for any names [default: all]
    #[arg(long, short = 'f', value_name = "GLOB,...", value_delimiter = ',')]
    pub(crate) fields: Vec<String>,

    /// Entries to compare, the last one excluded: A..B, A.., ..B, or a single A; negative counts from the end
    #[arg(long, short = 'e', value_name = "A..B", allow_hyphen_values = true, value_parser = values::entries)]
    pub(crate) entries: Option<EntryRange>,

    /// Floating-point numbers may differ by this much
    #[arg(long, value_name = "ABS", default_value_t = 0.0, value_parser = values::tolerance)]
    pub(crate) tolerance: f64,

    /// Floating-point numbers may differ by this part of the larger one
    #[arg(long, value_name = "R", default_value_t = 0.0, value_parser = values::tolerance)]
    pub(crate) relative: f64,

    /// Compare the fields, not their values
    #[arg(long)]
    pub(crate) schema_only: bool,

    /// Print a JSON object
    #[arg(long)]
    pub(crate) json: bool,

    /// Print nothing but errors, and no progress: the exit status tells
    #[arg(long, short = 'q', conflicts_with = "json")]
    pub(crate) quiet: bool,

    /// Threads that read and decode [default: one per processor]
    #[arg(long, short = 'j', value_name = "N", value_parser = values::threads)]
    pub(crate) threads: Option<usize>,

    /// Say on standard error what reading cost: requests, bytes, times
    #[arg(long)]
    pub(crate) metrics: bool,
}
