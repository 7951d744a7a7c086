//! Writers that are killed, files that are cut short or damaged: what is left can be read, and `recover` saves the rest.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "tests say no by panicking; clippy.toml allows that only inside test functions, not in their helpers; numbers are small"
)]

mod attributes;
mod damage;
mod data;
mod golden;
mod kill;
mod truncate;
