//! Arrow arrays as RNTuple columns (format-spec/arrow.md, writing).
//!
//! A [`Layout`] fixes which fields and columns an Arrow schema becomes. [`Layout::pieces`] takes a record batch apart into
//! what each column gets: pieces that share the batch's memory. A [`ColumnBuffer`] turns pieces into pages; each
//! [`FullPage`] is sealed on its own, on any thread.

mod column;
mod draft;
mod layout;
mod measure;
mod metadata;
mod piece;
mod types;
mod walk;

pub use column::{ColumnBuffer, FullPage, PageOptions, Scratch, SealedPage, recode};
pub use layout::{Layout, LayoutOptions};
pub use piece::Piece;
