//! `rntuple convert`.

use std::path::PathBuf;

use arrow::datatypes::DataType;
use clap::{Args, ValueHint};
use rntuple_core::compression::CompressionSettings;
use rntuple_core::schema::ColumnEncoding;
use rntuple_io::{Checkpoint, EntryRange};

use super::text::TextArgs;
use super::values::{self, ForFields};
use crate::formats::Format;
use crate::formats::ttree::Collections;

/// Convert tables between RNTuple and other formats, or write RNTuples anew with other settings.
///
/// Formats are told by the extensions, or by --from and --to: .root (RNTuple, TTree), .parquet, .arrow and .feather
/// (Arrow IPC file), .arrows (IPC stream), .csv, .tsv, .json and .jsonl (one object per line), .npz (written only).
/// Text may be compressed: .gz, .zst, .xz. IN and OUT may be URIs, and - for standard input and output. The rows of
/// several inputs are joined; quoted patterns ('part-*.parquet') are expanded. OUT appears when it is complete and
/// replaces a file of that name; after an error there is none.
///
/// From RNTuple to RNTuple, every type name, alias, description, version, projection and encoding is kept. Each data set
/// is written under its name, without directories; if two have the same name, all keep their directories. Other objects
/// are not carried over. From other formats, the RNTuple is called Events unless --name says otherwise. Arrow types that
/// RNTuple lacks (timestamps, decimals, dictionaries ..) are stored as numbers and the like, and come back on the way out.
///
/// Patterns of fields: Muon_*, event.hits.x; `**` stands for any names. They must match something in each data set.
/// Of formats other than RNTuple, they choose whole columns.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Compressions: zstd, zlib, lz4, lzma, each with a level if you like (zstd:5); ROOT's numbers (505); none.
For Parquet: zstd, gzip, brotli, each with a level if you like; snappy, lz4, none. For Arrow: zstd, lz4, none.
Encodings: column types, such as SplitReal32, Real16, Real32Trunc(BITS), Real32Quant(BITS;MIN;MAX), Index32.

Examples:
  rntuple convert trips.parquet trips.root
  rntuple convert 'day-*.parquet' year.root --name Trips
  rntuple convert muons.root muons.parquet --fields 'nMuon,Muon_*' --compression zstd:9
  rntuple convert muons.root - --to arrow > muons.arrows
  rntuple convert runs.csv.gz runs.root --types 'run=uint32,comment=string?' --null NA
  rntuple convert muons.root muons.tsv --fields 'nMuon' --null NA
  rntuple convert events.jsonl events.root --infer-rows all
  rntuple convert events.jsonl events.root --schema other.root
  rntuple convert muons.root muons.npz --fields nMuon
  rntuple convert muons.root small.root --compression lzma:9
  rntuple convert muons.root first.root --fields 'nMuon,Muon_*' --entries ..100
  rntuple convert muons.root rough.root --encoding '**.Muon_pt=Real32Trunc(16)'
  rntuple convert muons.root tuned.root --cluster-size 50M --field-compression '**.Muon_phi=none'
  rntuple convert muons.root other.root --ntuple Events --name skims/Muons --compression keep")]
pub(crate) struct Convert {
    /// Files to read: paths, patterns, URIs, or - for standard input
    #[arg(required = true, value_name = "IN", value_hint = ValueHint::FilePath)]
    pub(crate) inputs: Vec<PathBuf>,

    /// File to write: a path, a URI, or - for standard output
    #[arg(required = true, value_name = "OUT", value_hint = ValueHint::FilePath)]
    pub(crate) output: PathBuf,

    /// Format of IN [default: by its extension]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) from: Option<Format>,

    /// Format of OUT [default: by its extension]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) to: Option<Format>,

    /// Only this RNTuple or TTree: NAME, DIR/NAME, NAME;CYCLE [default: the newest cycle of each]
    #[arg(long, short = 'n', visible_alias = "tree", value_name = "PATH")]
    pub(crate) ntuple: Option<String>,

    /// Write it under this name, which may have directories; for a single RNTuple [default: that of the source, or Events]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,

    /// Description of the data set instead of its own
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,

    /// Fields to keep, by path; those that cannot be read are left out with a warning [default: all]
    #[arg(long, short = 'f', value_name = "GLOB,...", value_delimiter = ',')]
    pub(crate) fields: Vec<String>,

    /// Of a TTree, what becomes of branches that share a count [default: shared for RNTuples]
    #[arg(long, value_enum, value_name = "HOW")]
    pub(crate) collections: Option<Collections>,

    /// Entries to keep, the last one excluded: A..B, A.., ..B, or a single A; negative counts from the end
    #[arg(long, short = 'e', value_name = "A..B", allow_hyphen_values = true, value_parser = values::entries)]
    pub(crate) entries: Option<EntryRange>,

    /// Columns to leave out, by their names at the top level
    #[arg(long, value_name = "GLOB,...", value_delimiter = ',')]
    pub(crate) drop: Vec<String>,

    /// Another type for a column: int64, float, string, date32, 'Timestamp(us)' ..; may be repeated
    #[arg(long, value_name = "COLUMN=TYPE", value_parser = values::cast)]
    pub(crate) cast: Vec<(String, DataType)>,

    /// Write a variant as a struct of its alternatives, of which one is not null
    #[arg(long)]
    pub(crate) unions_as_structs: bool,

    /// Rows of a row group of a Parquet file, at most [default: 1048576]
    #[arg(long, value_name = "N", value_parser = values::rows)]
    pub(crate) row_group_rows: Option<usize>,

    /// Compression of what is written; `keep`: what most of the source has [default: zstd:5, Parquet: zstd:3, Arrow: none]
    #[arg(long, short = 'c', value_name = "SETTING")]
    pub(crate) compression: Option<String>,

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

    #[command(flatten)]
    pub(crate) text: TextArgs,
}
