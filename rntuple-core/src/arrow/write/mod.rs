//! Arrow arrays as RNTuple columns (format-spec/arrow.md, writing).
//!
//! A [`Layout`] fixes which fields and columns an Arrow schema becomes. [`Layout::pieces`] takes a record batch apart into
//! what each column gets: pieces that share the batch's memory. A [`ColumnBuffer`] turns pieces into sealed pages; each
//! works on its own, so that columns can be encoded in parallel.

mod column;
mod draft;
mod layout;
mod measure;
mod metadata;
mod piece;
mod types;
mod walk;

pub use column::{ColumnBuffer, PageOptions, Scratch, SealedColumn, SealedPage};
pub use layout::{Layout, LayoutOptions};
pub use piece::Piece;
