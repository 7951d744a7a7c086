//! Writing RNTuples to ROOT files, and to objects of stores.

mod attributes;
mod cluster;
mod container;
mod copy;
mod dataset;
mod embedding;
mod file;
pub(crate) mod journal;
mod merge;
mod ntuple;
mod objects;
mod options;
mod output;
mod parallel;
mod place;
mod resume;
mod rows;
mod sealing;
mod transfer;

pub use attributes::AttributeWriter;
pub(crate) use container::{Salvage, SalvagedFile, SalvagedFolder};
pub use file::FileWriter;
pub use merge::{Merge, Merged, MergedNTuple};
pub use ntuple::Writer;
pub use options::{Checkpoint, WriteOptions};
pub use output::Written;
pub use parallel::{FillContext, ParallelWriter};
