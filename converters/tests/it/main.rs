//! The `rntuple` command as its users meet it: arguments in, text and exit status out.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests say no by panicking; clippy.toml allows that only inside test functions, not in their helpers"
)]

mod compare;
mod convert;
mod corpus;
mod cp;
mod csv;
mod demo;
mod diff;
mod heads;
mod help;
mod hist;
mod hostile;
mod html;
#[cfg(unix)]
mod interrupt;
mod ipc;
mod json;
mod merge;
mod npz;
mod parquet;
mod pipe;
#[cfg(unix)]
mod readme;
mod recover;
mod reports;
mod show;
mod support;
mod tables;
mod ttree;
mod unavailable;
mod usage;
mod vectors;
