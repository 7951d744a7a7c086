//! `rntuple convert`.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use rntuple_core::compression::CompressionSettings;
use rntuple_core::schema::ColumnEncoding;
use rntuple_io::{Checkpoint, EntryRange};

use super::values::{self, Compression, ForFields};

/// Write data sets anew: with other compression, other encodings, fewer fields or entries.
///
/// Every type name, alias, description, version, projection and encoding is kept. Each data set is written under its
/// name, without directories; if two have the same name, all keep their directories. OUT appears when it is complete
/// and replaces a file of that name; after an error there is none. Other objects than RNTuples are not carried over.
///
/// Patterns of fields: Muon_*, event.hits.x; `**` stands for any names. They must match something in each data set.
#[derive(Debug, Args)]
#[command(after_help = "\
Compressions: zstd, zlib, lz4, lzma, each with a level if you like (zstd:5); ROOT's numbers (505); none.
Encodings: column types, such as SplitReal32, Real16, Real32Trunc(BITS), Real32Quant(BITS;MIN;MAX), Index32.

Examples:
  rntuple convert muons.root small.root --compression lzma:9
  rntuple convert muons.root first.root --fields 'nMuon,Muon_*' --entries ..100
  rntuple convert muons.root rough.root --encoding '**.Muon_pt=Real32Trunc(16)'
  rntuple convert muons.root tuned.root --cluster-size 50M --field-compression '**.Muon_phi=none'
  rntuple convert muons.root other.root --ntuple Events --name skims/Muons --compression keep")]
pub(crate) struct Convert {
    /// ROOT file to read
    #[arg(value_name = "IN", value_hint = ValueHint::FilePath)]
    pub(crate) input: PathBuf,

    /// ROOT file to write
    #[arg(value_name = "OUT", value_hint = ValueHint::FilePath)]
    pub(crate) output: PathBuf,

    /// Only this RNTuple: NAME, DIR/NAME, NAME;CYCLE [default: the newest cycle of each]
    #[arg(long, short = 'n', value_name = "PATH")]
    pub(crate) ntuple: Option<String>,

    /// Write it under this name, which may have directories; for a single RNTuple
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,

    /// Description of the data set instead of its own
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,

    /// Fields to keep, by path; those that cannot be read are left out with a warning [default: all]
    #[arg(long, short = 'f', value_name = "GLOB,...", value_delimiter = ',')]
    pub(crate) fields: Vec<String>,

    /// Entries to keep, the last one excluded: A..B, A.., ..B, or a single A; negative counts from the end
    #[arg(long, short = 'e', value_name = "A..B", allow_hyphen_values = true, value_parser = values::entries)]
    pub(crate) entries: Option<EntryRange>,

    /// Compression of pages and metadata; `keep`: what most of the source has
    #[arg(long, short = 'c', value_name = "SETTING", default_value = "zstd:5", value_parser = values::compression)]
    pub(crate) compression: Compression,

    /// Compression of the fields that match, and of those below them; may be repeated, the last match counts
    #[arg(long, value_name = "GLOB=SETTING", value_parser = values::field_compression)]
    pub(crate) field_compression: Vec<ForFields<CompressionSettings>>,

    /// Encoding of the fields that match and can have it; may be repeated, the last match counts
    #[arg(long, value_name = "GLOB=ENCODING", value_parser = values::encoding)]
    pub(crate) encoding: Vec<ForFields<ColumnEncoding>>,

    /// Do not keep the encodings of the source, but take those that suit the types and the compression
    #[arg(long)]
    pub(crate) default_encodings: bool,

    /// Bytes that a cluster should have once compressed, such as 50M [default: 128MiB]
    #[arg(long, value_name = "SIZE", value_parser = values::size)]
    pub(crate) cluster_size: Option<u64>,

    /// Bytes of a page before compression, at most [default: 1MiB]
    #[arg(long, value_name = "SIZE", value_parser = values::size)]
    pub(crate) max_page_size: Option<u64>,

    /// Leave out the checksums of pages
    #[arg(long)]
    pub(crate) no_checksums: bool,

    /// Complete OUT every N clusters, or every so many seconds (30s); it is written in place and stays after an error
    #[arg(long, value_name = "N|TIME", value_parser = values::checkpoint)]
    pub(crate) checkpoint: Option<Checkpoint>,

    /// Threads to read and write with [default: one per processor]
    #[arg(long, short = 'j', value_name = "N", value_parser = values::threads)]
    pub(crate) threads: Option<usize>,

    /// Print nothing but messages, and no progress
    #[arg(long, short = 'q')]
    pub(crate) quiet: bool,

    /// Say on standard error what reading cost: requests, bytes, times
    #[arg(long)]
    pub(crate) metrics: bool,
}
