//! RNTuple fields as Arrow arrays (format-spec/arrow.md).
//!
//! A [`Plan`] fixes which fields are read and what Arrow types they become; [`Plan::decode`] reads a range of entries
//! into a record batch. Pages come from a [`PageSource`], so that the same decoder serves files and object stores, one
//! thread or many.
//!
//! Decoding goes down the tree of fields. A node is given the *segments* of elements it stands for, one per cluster;
//! a collection first turns its index column into Arrow offsets, which tells the segments of its items, and so on.
//! Every array is allocated once and filled page by page.

mod decode;
mod fault;
pub mod logical;
mod metadata;
mod node;
mod nullable;
mod number;
mod offsets;
mod plan;
mod projection;
mod shared;
mod source;
mod variant;
mod write;

pub use decode::Segment;
pub use metadata::{
    ALIAS, BOXED, CHECKSUM, DESCRIPTION, ENCODING, INNER, PREFIX, SOA, SOURCE, STREAMER, TYPE, VERSION,
};
pub use plan::{Plan, ReadOptions};
pub use projection::Projection;
pub use source::{PageSource, UnsealedPage};
pub use write::{ColumnBuffer, FullPage, Layout, LayoutOptions, PageOptions, Piece, Scratch, SealedPage, recode};
