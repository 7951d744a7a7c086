//! Turning record batches and reports into text.

pub mod csv;
pub mod json;
pub mod table;
pub mod text;

pub(crate) mod progress;
pub(crate) mod tree;
