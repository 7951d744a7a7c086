//! Writers that are killed, files that are cut short or damaged: what is left can be read, and `recover` saves the rest.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests say no by panicking; clippy.toml allows that only inside test functions, not in their helpers"
)]

mod attributes;
mod damage;
mod data;
mod golden;
mod kill;
mod truncate;
