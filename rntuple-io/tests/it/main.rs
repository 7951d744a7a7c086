//! Reading whole files: what comes out, in which pieces, and what it costs.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests say no by panicking; clippy.toml allows that only inside test functions, not in their helpers"
)]

mod asynchronous;
mod attributes;
#[path = "../../../rntuple-core/tests/it/build.rs"]
#[allow(dead_code, reason = "shared with the tests of rntuple-core, which use other parts of it")]
mod build;
mod concurrency;
mod copying;
mod economy;
mod forward;
mod imposed;
mod large;
mod layout;
mod leaves;
mod merge;
mod objects;
mod objects_engines;
mod objects_hostile;
mod objects_writers;
mod opening;
mod pieces;
mod projection;
mod random;
mod rows;
mod sharing;
mod support;
mod synthetic;
#[cfg(feature = "remote")]
mod uris;
mod values;
mod writing;
mod writing_review;
