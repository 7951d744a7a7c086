//! RNTuple data sets in files, object stores and key-value stores, as Arrow record batches and Rust structs.
//!
//! ```no_run
//! # fn main() -> rntuple_io::Result<()> {
//! use rntuple_io::Reader;
//!
//! let events = Reader::open("events.root")?.ntuple("Events")?;
//! println!("{} entries in {} clusters", events.entries(), events.cluster_count());
//! for batch in events.scan().columns(["nMuon", "Muon_*"]).open()? {
//!     let batch = batch?; // an arrow::array::RecordBatch
//!     println!("{} rows of {}", batch.num_rows(), batch.schema());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # From a file to record batches
//!
//! ```text
//!  Reader::open      file header, directories            which RNTuples there are
//!     |
//!  NTuple            anchor, header, footer              schema, number of entries
//!     |
//!  scan().open()     plan: fields -> columns             Arrow schema
//!     |
//!  Batches           page list -> pages of the columns   (streamed; other columns leave no trace)
//!                    fetch    few large positional reads, ahead of use, within a memory budget
//!                    unseal   checksum, decompress       \  on several threads
//!                    decode   into the Arrow buffers     /
//! ```
//!
//! * **All entries in order**: [`NTuple::scan`], [`Scan::open`]; the [`Scan`] chooses fields, entries, batch size,
//!   threads and memory.
//! * **Some entries, in any order**: [`Scan::random_access`], [`EntryReader::read`].
//! * **What is in a file**: [`Reader::list`], [`NTuple::schema`], [`NTuple::stat`], [`NTuple::verify`].
//! * **Annotations of entry ranges**: [`NTuple::attribute_set`].
//! * **Files whose writer died**, or that were cut short or damaged: [`recover()`].
//! * **Several files as one**: [`Merge`].
//! * **Asynchronous callers**: [`Scan::stream`], and [`unblock`] for all else; they work on any runtime.
//! * **Objects and web servers**: URIs instead of paths, see [`storage::Storage`].
//! * **Other storage**: anything that is a [`storage::ByteSource`], through [`Reader::from_source`].
//!
//! Cost follows what is asked for: opening does not depend on the number of clusters, and reading two of ten thousand
//! columns reads, checks and remembers the pages of two columns. A cluster is never needed in memory as a whole.

mod copy;
mod error;
mod path;
mod reader;
mod recover;
/// Rust structs as rows: `#[derive(Row)]`, and what stands behind it.
pub mod row {
    pub use rntuple_core::row::RowThroughIo as Row;
    pub use rntuple_core::row::*;
}
pub mod storage;
mod threads;
mod unblock;
mod writer;

pub use copy::{Copied, checksum_file, copy_file, copy_ntuples};
pub use error::{Error, Result};
pub use reader::{
    BatchStream, Batches, ColumnStat, Damage, EntryRange, EntryReader, Metrics, NTuple, NTupleKey, Reader, Rows, Scan,
    VerifyReport,
};
pub use recover::{Recovered, RecoveredNTuple, recover, recover_with};
pub use rntuple_core::arrow::Projection;
pub use rntuple_core::schema::MergeMode;
pub use row::Row;
pub use unblock::unblock;
pub use writer::{
    AttributeWriter, Checkpoint, FileWriter, FillContext, Merge, Merged, MergedNTuple, ParallelWriter, WriteOptions,
    Writer, Written,
};
