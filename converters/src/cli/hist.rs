//! `rntuple hist`.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use clap::{Args, ValueHint};
use rntuple_io::EntryRange;

use super::{Source, values};

/// Draw a histogram of a field.
///
/// Every value counts, those in collections and arrays, too. Numbers get bins of equal width, integers whole ones; of strings
/// the most frequent are shown. Without --range the data are read twice, for the limits first.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rntuple hist muons.root Muon_pt
  rntuple hist muons.root Muon_pt --range 0..100 --bins 50 --log
  rntuple hist muons.root nMuon --entries ..1000
  rntuple hist muons.root Muon_eta --png eta.png")]
pub(crate) struct Hist {
    #[command(flatten)]
    pub(crate) source: Source,

    /// Path of the field: pt, event.hits.x
    #[arg(value_name = "FIELD")]
    pub(crate) field: String,

    /// Number of bins; of strings, how many to show [default: about 25, with a width that is easy to read]
    #[arg(long, short = 'b', value_name = "N", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub(crate) bins: Option<u16>,

    /// Limits of the bins; what lies outside is only counted [default: those of the values]
    #[arg(long, short = 'r', value_name = "A..B", allow_hyphen_values = true, value_parser = values::limits)]
    pub(crate) range: Option<RangeInclusive<f64>>,

    /// Logarithmic scale for the counts
    #[arg(long)]
    pub(crate) log: bool,

    /// Write a picture instead
    #[arg(long, value_name = "OUT", value_hint = ValueHint::FilePath)]
    pub(crate) png: Option<PathBuf>,

    /// Entries to read, the last one excluded: A..B, A.., ..B, or a single A; negative counts from the end
    #[arg(long, short = 'e', value_name = "A..B", allow_hyphen_values = true, value_parser = values::entries)]
    pub(crate) entries: Option<EntryRange>,

    /// Show no progress
    #[arg(long, short = 'q')]
    pub(crate) quiet: bool,

    /// Threads that read and decode [default: one per processor]
    #[arg(long, short = 'j', value_name = "N", value_parser = values::threads)]
    pub(crate) threads: Option<usize>,

    /// Say on standard error what reading cost: requests, bytes, times
    #[arg(long)]
    pub(crate) metrics: bool,
}
