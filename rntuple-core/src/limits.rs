//! Bounds on what a file can make this library do. All of them lie far above what real data sets need.

/// Largest uncompressed envelope, in bytes (16 GiB: a page list of some 500 million pages).
pub const MAX_ENVELOPE: u64 = 16 << 30;

/// Deepest nesting of fields. Each level of nesting is a level of recursion when reading.
pub const MAX_FIELD_DEPTH: usize = 128;

/// Deepest nesting of directories in a ROOT file.
pub const MAX_DIRECTORY_DEPTH: usize = 64;

/// Most directories that are listed in a ROOT file.
pub const MAX_DIRECTORIES: usize = 100_000;

/// Longest key list of a directory, in bytes.
pub const MAX_KEY_LIST: u64 = 256 << 20;

/// Most elements of a fixed-size array, nested arrays multiplied, whose items have no data: nothing on storage bounds
/// them.
pub const MAX_EMPTY_ITEMS: u64 = 1 << 16;

/// Most elements of one field that are made up for entries written before the field existed, per batch.
pub const MAX_SYNTHETIC: u64 = 1 << 27;

/// Bytes reserved at once for decoded values; beyond, memory grows only as pages really decode.
pub const MAX_RESERVE: usize = 16 << 20;

/// Most elements of one array in a batch. Lists and strings with 32-bit offsets have a lower limit by themselves.
pub const MAX_BATCH_ELEMENTS: u64 = 1 << 36;
