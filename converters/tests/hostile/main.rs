//! Damaged and hostile files: every subcommand must answer soon, in little memory, and never with a wrong value.
//!
//! The files are those of `format-spec/vectors/`, and of `../shared/corpus/` where that is there, changed in every way
//! that comes to mind:
//!
//! | module | what is changed |
//! |---|---|
//! | [`container`] | the file cut short; bytes outside of pages flipped; lengths and offsets in header, directories, keys and anchor blown up |
//! | [`envelopes`] | every number in anchor, header, footer and page list, with all checksums made good again |
//! | [`pages`] | bytes of pages, with and without the checksum made good again |
//! | [`crafted`] | files made to hurt: circles, bombs, promises of gigabytes |
//! | [`process`] | a sample of all that, in a process of its own with little address space |
//!
//! Where the full product of files, places and values is too large, a sample is taken, always the same one. Commands run
//! in this process ([`judge`]), which counts its memory; what C libraries allocate is not counted.

#![expect(
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests say no by panicking; clippy.toml allows that only inside test functions, not in their helpers"
)]

mod container;
mod crafted;
mod envelopes;
mod judge;
mod layout;
mod maker;
mod pages;
mod process;
mod random;
mod rebuild;
mod subject;
