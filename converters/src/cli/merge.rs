//! `rntuple merge`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use rntuple_core::compression::CompressionSettings;
use rntuple_io::MergeMode;

use super::values;

/// Merge the RNTuples of several files into one: the entries of the second IN follow those of the first, and so on.
///
/// RNTuples of the same path are merged: name, and directories in the file. Pages are taken over as they are, with their
/// encodings and compressions, so that clusters stay as large as they are; `rntuple convert` makes larger ones of many small
/// ones. Attribute sets come along, their ranges counted in OUT, and so do descriptions of C++ classes. Other objects, such as
/// histograms and trees, are not merged; a warning names them. OUT appears when it is complete and replaces a file of that
/// name; after an error there is none.
///
/// Fields are matched by name. Type, class version and structure must agree; encodings may differ. A page whose encoding OUT
/// does not have is encoded anew if no value changes by that (plain as split integers, half as single precision); otherwise
/// the field has a further representation in OUT, as RNTuple allows. Pages keep their checksums, and those without stay
/// without.
#[derive(Debug, Args)]
#[command(after_help = "\
IN may be a path, a URI, a pattern such as 'run*.root' in quotes, or @FILE, which has one name per line.
Compressions: zstd, zlib, lz4, lzma, each with a level if you like (zstd:5); ROOT's numbers (505); none.

Examples:
  rntuple merge all.root run1.root run2.root
  rntuple merge all.root 'run*.root' --mode union
  rntuple merge small.root @names.txt --compression zstd:9 --ntuple Events
  rntuple merge s3://bucket/all.root ntpl+s3://bucket/run1/Events run2.root")]
pub(crate) struct Merge {
    /// ROOT file to write, a path or URI
    #[arg(value_name = "OUT", value_hint = ValueHint::FilePath)]
    pub(crate) output: PathBuf,

    /// What to merge, in the order of the entries
    #[arg(required = true, value_name = "IN", value_hint = ValueHint::FilePath)]
    pub(crate) inputs: Vec<PathBuf>,

    /// Which fields OUT has
    #[arg(long, short = 'm', value_enum, default_value_t = Mode::Filter)]
    pub(crate) mode: Mode,

    /// Only this RNTuple: NAME or DIR/NAME [default: all]
    #[arg(long, short = 'n', value_name = "PATH")]
    pub(crate) ntuple: Option<String>,

    /// Compress all pages anew that are compressed otherwise [default: as they are]
    #[arg(long, short = 'c', value_name = "SETTING", value_parser = values::setting)]
    pub(crate) compression: Option<CompressionSettings>,

    /// Do not verify the checksums of pages that are taken over as they are
    #[arg(long)]
    pub(crate) no_verify: bool,

    /// Threads to read, verify and compress with; OUT is the same [default: one per processor]
    #[arg(long, short = 'j', value_name = "N", value_parser = values::threads)]
    pub(crate) threads: Option<usize>,

    /// Print nothing but messages, and no progress
    #[arg(long, short = 'q')]
    pub(crate) quiet: bool,

    /// Say on standard error what was read and what became of the pages
    #[arg(long)]
    pub(crate) metrics: bool,
}

/// As hadd has them, by the same names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// Those of the first IN; all others must have them, what else these have is left out
    Filter,
    /// Those of the first IN; all others must have the same
    Strict,
    /// Those of every IN; entries of an IN without a field have zeros, empty collections, absent values
    Union,
}

impl From<Mode> for MergeMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Filter => Self::Filter,
            Mode::Strict => Self::Strict,
            Mode::Union => Self::Union,
        }
    }
}
