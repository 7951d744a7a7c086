//! What storage by URI promises, tried on every kind of storage that there is, and on a server that fails on purpose.
//!
//! `local`, `memory` and the server of this program always run. Those that need a server of their own are ignored unless
//! `servers.py` starts it: `python3 rntuple-io/tests/storage/servers.py` (see there).
#![cfg(feature = "remote")]
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests say no by panicking; clippy.toml allows that only inside test functions, not in their helpers"
)]

mod data;
mod faults;
mod hedging;
mod http;
mod latency;
mod memory;
mod osd;
mod server;
mod suite;
mod targets;
mod uploads;
