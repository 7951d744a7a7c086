//! What the format layer makes of bytes that ROOT wrote, and of bytes that a later ROOT may write.
//!
//! Everything goes through the public interface, as a reader with input of its own would use it.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests say no by panicking; clippy.toml allows that only inside test functions, not in their helpers"
)]

#[allow(dead_code, reason = "shared with the tests of rntuple-io, which use other parts of it")]
mod build;
mod forward;
mod metadata;
mod page_vectors;
mod pages_in_files;
mod row;
mod streamer_info;
mod support;
mod write_container;
mod write_metadata;
