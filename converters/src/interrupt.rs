//! Ctrl-C: a job ends between two batches, and takes back what is half written.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use crate::error::{Error, Result};

static ASKED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// From now on the first Ctrl-C, or request to terminate, ends what is under way at the next [`check`]; a second one ends
/// the process at once. For binaries: a library leaves signals alone.
///
/// # Errors
/// Those of the operating system.
pub fn watch() -> std::io::Result<()> {
    let asked = ASKED.get_or_init(Arc::default);
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        // The first handler runs first: at the second signal it finds the flag set.
        signal_hook::flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(asked))?;
        signal_hook::flag::register(signal, Arc::clone(asked))?;
    }
    Ok(())
}

/// What every long job asks between two steps.
///
/// # Errors
/// [`Error::Interrupted`] once the user wants it to end.
pub(crate) fn check() -> Result<()> {
    match ASKED.get() {
        Some(asked) if asked.load(Ordering::Relaxed) => Err(Error::Interrupted),
        _ => Ok(()),
    }
}
