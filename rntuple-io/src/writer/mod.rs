//! Writing RNTuples to ROOT files.

mod attributes;
mod cluster;
mod container;
mod dataset;
mod file;
pub(crate) mod journal;
mod ntuple;
mod options;
mod output;
mod parallel;
mod resume;
mod rows;

pub use attributes::AttributeWriter;
pub(crate) use container::{Salvage, SalvagedFile, SalvagedFolder};
pub use file::FileWriter;
pub use ntuple::Writer;
pub use options::{Checkpoint, WriteOptions};
pub use output::Written;
pub use parallel::{FillContext, ParallelWriter};
