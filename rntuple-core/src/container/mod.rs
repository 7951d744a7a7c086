//! Embeddings: how the anchor, the envelopes and the pages of an RNTuple lie in a container.

pub mod objects;
pub mod root_file;
