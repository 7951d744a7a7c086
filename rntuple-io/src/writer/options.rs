//! How data sets are written.

use std::time::Duration;

use rntuple_core::arrow::LayoutOptions;
use rntuple_core::compression::CompressionSettings;
use rntuple_core::container::root_file::datime;
use rntuple_core::schema::ColumnEncoding;

use crate::storage::keyed::ObjectLayout;

/// When the file on storage is brought up to date while it is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Checkpoint {
    /// Only at the end: the file appears under its name when it is complete.
    #[default]
    Never,
    /// After this many clusters. The file is written in place, and complete after each checkpoint.
    Clusters(u32),
    /// With the first cluster that ends this long after the checkpoint before.
    Every(Duration),
}

/// How a data set is written. Names and defaults are those of ROOT's `RNTupleWriteOptions`.
#[derive(Debug, Clone)]
pub struct WriteOptions {
    pub(super) compression: CompressionSettings,
    pub(super) field_compression: Vec<(String, CompressionSettings)>,
    pub(super) encodings: Vec<(String, ColumnEncoding)>,
    pub(super) small_indexes: bool,
    pub(super) keep_encodings: bool,
    pub(super) approx_zipped_cluster_size: u64,
    pub(super) max_unzipped_cluster_size: Option<u64>,
    pub(super) initial_unzipped_page_size: usize,
    pub(super) max_unzipped_page_size: usize,
    pub(super) page_buffer_budget: Option<usize>,
    pub(super) page_checksums: bool,
    pub(super) same_page_merging: bool,
    pub(super) max_key_size: u64,
    pub(super) object_layout: ObjectLayout,
    pub(super) object_size: u64,
    pub(super) overwrite: bool,
    pub(super) threads: Option<usize>,
    pub(super) checkpoint: Checkpoint,
    pub(super) ordered: bool,
    pub(super) description: String,
    pub(super) arrow_types: bool,
    pub(super) time: u32,
    pub(super) uuid: [u8; 16],
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self {
            compression: CompressionSettings::default(),
            field_compression: Vec::new(),
            encodings: Vec::new(),
            small_indexes: false,
            keep_encodings: true,
            approx_zipped_cluster_size: 128 << 20,
            max_unzipped_cluster_size: None,
            initial_unzipped_page_size: 256,
            max_unzipped_page_size: 1 << 20,
            page_buffer_budget: None,
            page_checksums: true,
            same_page_merging: true,
            max_key_size: 1 << 30,
            object_layout: ObjectLayout::Native,
            object_size: 32 << 20,
            overwrite: false,
            threads: None,
            checkpoint: Checkpoint::Never,
            ordered: false,
            description: String::new(),
            arrow_types: false,
            // The first moment that a ROOT file can name: the same input gives the same bytes.
            time: datime(1995, 1, 1, 0, 0, 0),
            uuid: [0; 16],
        }
    }
}

/// No page needs more memory to start with.
const MAX_INITIAL: usize = 1 << 30;

impl WriteOptions {
    /// ROOT's defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Compression of all pages and envelopes. By default zstd, level 5.
    #[must_use]
    pub fn compression(mut self, settings: CompressionSettings) -> Self {
        self.compression = settings;
        self
    }

    /// Compression of the columns at and below the fields that match a pattern; of several matches, the last counts.
    #[must_use]
    pub fn field_compression(mut self, pattern: impl Into<String>, settings: CompressionSettings) -> Self {
        self.field_compression.push((pattern.into(), settings));
        self
    }

    /// Encoding of the fields that match a pattern, where it fits their type; of several matches, the last counts. By
    /// default split encodings, or plain ones if nothing is compressed.
    #[must_use]
    pub fn encoding(mut self, pattern: impl Into<String>, encoding: ColumnEncoding) -> Self {
        self.encodings.push((pattern.into(), encoding));
        self
    }

    /// Whether the encodings that a schema brings along, as one that was read does, are kept. By default they are;
    /// otherwise fields have those that they would have without.
    #[must_use]
    pub fn keep_encodings(mut self, yes: bool) -> Self {
        self.keep_encodings = yes;
        self
    }

    /// Stores ends of collections with 32 bits, for clusters of less than 2^32 items. By default 64 bits.
    #[must_use]
    pub fn small_indexes(mut self, yes: bool) -> Self {
        self.small_indexes = yes;
        self
    }

    /// Bytes that a cluster should have once compressed. By default 128 MiB.
    #[must_use]
    pub fn approx_zipped_cluster_size(mut self, bytes: u64) -> Self {
        self.approx_zipped_cluster_size = bytes.max(1);
        self
    }

    /// Bytes that a cluster may have before compression. By default ten times the approximate compressed size.
    #[must_use]
    pub fn max_unzipped_cluster_size(mut self, bytes: u64) -> Self {
        self.max_unzipped_cluster_size = Some(bytes.max(1));
        self
    }

    /// Bytes of memory that a page starts with; it grows by doubling. By default 256.
    #[must_use]
    pub fn initial_unzipped_page_size(mut self, bytes: usize) -> Self {
        self.initial_unzipped_page_size = bytes.min(MAX_INITIAL);
        self
    }

    /// Bytes that the elements of a page take in memory at most. By default 1 MiB.
    #[must_use]
    pub fn max_unzipped_page_size(mut self, bytes: usize) -> Self {
        self.max_unzipped_page_size = bytes.max(1);
        self
    }

    /// Bytes of memory for pages that are not full; beyond, the largest ones are sealed as they are. By default twice
    /// the approximate cluster size.
    #[must_use]
    pub fn page_buffer_budget(mut self, bytes: usize) -> Self {
        self.page_buffer_budget = Some(bytes);
        self
    }

    /// Whether each page is followed by a checksum. By default it is. Without, no identical pages are found.
    #[must_use]
    pub fn page_checksums(mut self, yes: bool) -> Self {
        self.page_checksums = yes;
        self
    }

    /// Whether identical pages of a cluster are stored once. By default they are.
    #[must_use]
    pub fn same_page_merging(mut self, yes: bool) -> Self {
        self.same_page_merging = yes;
        self
    }

    /// Bytes that a record may have, from 4 KiB to 1 GiB; larger pages and envelopes are split. By default 1 GiB.
    #[must_use]
    pub fn max_key_size(mut self, bytes: u64) -> Self {
        // The first record of a split payload must have room for the offsets of the others.
        self.max_key_size = bytes.clamp(4096, 1 << 30);
        self
    }

    /// How a data set is laid out that is written to a store without a file. By default natively.
    #[must_use]
    pub fn object_layout(mut self, layout: ObjectLayout) -> Self {
        self.object_layout = layout;
        self
    }

    /// Bytes that an object may have into which pages are packed, below 1 GiB; larger pages have one of their own. With 0,
    /// every page has, and ROOT's experimental S3 backend can read what is written in the native layout. By default 32 MiB.
    #[must_use]
    pub fn object_size(mut self, bytes: u64) -> Self {
        self.object_size = bytes;
        self
    }

    /// Whether a data set that is in a store already is replaced, once the new one is complete; otherwise that is an error.
    /// A local file is replaced in any case. By default not.
    #[must_use]
    pub fn overwrite(mut self, yes: bool) -> Self {
        self.overwrite = yes;
        self
    }

    /// Threads to encode and compress with. By default those of rayon's global pool; with 1, nothing is spawned. The
    /// bytes written are the same.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// When the file on storage is brought up to date. By default only at the end.
    #[must_use]
    pub fn checkpoint(mut self, checkpoint: Checkpoint) -> Self {
        self.checkpoint = checkpoint;
        self
    }

    /// Whether a [`ParallelWriter`](crate::ParallelWriter) keeps the clusters in the order of its contexts. By default
    /// they come as they are completed.
    #[must_use]
    pub fn ordered(mut self, yes: bool) -> Self {
        self.ordered = yes;
        self
    }

    /// Description of the data set.
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = text.into();
        self
    }

    /// Whether a [`Writer`](crate::Writer) takes Arrow types that RNTuple cannot express: timestamps, decimals, dictionaries
    /// and so on are stored as numbers, bytes and plain values, and [`Scan::arrow_types`](crate::Scan::arrow_types) gives
    /// them back. An attribute set keeps the Arrow schema, unless it would come back anyway. By default not: such types are
    /// an error that says what to cast to.
    #[must_use]
    pub fn arrow_types(mut self, yes: bool) -> Self {
        self.arrow_types = yes;
        self
    }

    /// Time to write into the file, as [`datime`] packs it. By default a fixed one, so that the same data give the same
    /// bytes.
    #[must_use]
    pub fn time(mut self, time: u32) -> Self {
        self.time = time;
        self
    }

    /// UUID of the file. By default zero, as ROOT leaves it.
    #[must_use]
    pub fn uuid(mut self, uuid: [u8; 16]) -> Self {
        self.uuid = uuid;
        self
    }

    pub(super) fn layout(&self) -> LayoutOptions {
        LayoutOptions {
            split: !self.compression.is_none(),
            small_indexes: self.small_indexes,
            keep_encodings: self.keep_encodings,
            encodings: self.encodings.clone(),
        }
    }

    pub(super) fn max_unzipped(&self) -> u64 {
        self.max_unzipped_cluster_size.unwrap_or(self.approx_zipped_cluster_size.saturating_mul(10))
    }

    pub(super) fn budget(&self) -> usize {
        let default = || usize::try_from(self.approx_zipped_cluster_size.saturating_mul(2)).unwrap_or(usize::MAX);
        self.page_buffer_budget.unwrap_or_else(default)
    }
}
