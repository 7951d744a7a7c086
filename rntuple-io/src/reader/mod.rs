//! Reading: from a file to record batches.

mod batches;
mod cluster;
mod dataset;
mod entries;
mod export;
mod fetch;
mod file;
mod logical;
mod metrics;
mod ntuple;
mod open;
mod page_lists;
mod pages;
mod rows;
mod scan;
mod stat;
mod stream;
mod verify;
mod window;

pub use batches::Batches;
pub(crate) use dataset::DataSet;
pub use entries::EntryReader;
pub(crate) use file::File;
pub use metrics::Metrics;
pub use ntuple::NTuple;
pub use open::{NTupleKey, Reader};
pub use rows::Rows;
pub use scan::{EntryRange, Scan};
pub use stat::ColumnStat;
pub use stream::BatchStream;
pub use verify::{Damage, VerifyReport};
