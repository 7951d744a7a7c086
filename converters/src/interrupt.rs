//! Ctrl-C: a job that writes ends between two steps, and takes back what is half written.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use crate::EXIT_INTERRUPTED;
use crate::error::{Error, Result};

static SIGNALS: OnceLock<Signals> = OnceLock::new();

#[derive(Default)]
struct Signals {
    /// The user wants the job to end.
    asked: Arc<AtomicBool>,
    /// The next signal ends the process.
    at_once: Arc<AtomicBool>,
}

/// From now on Ctrl-C, or a request to terminate, ends what is under way. A job that writes ends at its next step; a second
/// signal ends the process at once, as the first one does while nothing is being written. For binaries: a library leaves
/// signals alone.
///
/// # Errors
/// Those of the operating system.
pub fn watch() -> std::io::Result<()> {
    let Signals { asked, at_once } = SIGNALS.get_or_init(Signals::default);
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        // In this order: what a signal sets counts for the next one.
        signal_hook::flag::register_conditional_shutdown(signal, EXIT_INTERRUPTED.into(), Arc::clone(at_once))?;
        signal_hook::flag::register(signal, Arc::clone(at_once))?;
        signal_hook::flag::register(signal, Arc::clone(asked))?;
    }
    Ok(())
}

/// While it lives, the first signal ends the process: there is nothing to take back, and the job need not ask.
#[derive(Debug)]
pub(crate) struct AtOnce(());

impl AtOnce {
    pub(crate) fn new() -> Self {
        set_at_once(true);
        Self(())
    }
}

impl Drop for AtOnce {
    fn drop(&mut self) {
        set_at_once(false);
    }
}

fn set_at_once(yes: bool) {
    if let Some(signals) = SIGNALS.get() {
        signals.at_once.store(yes, Ordering::SeqCst);
    }
}

/// What every job that writes asks between two steps.
///
/// # Errors
/// [`Error::Interrupted`] once the user wants it to end.
pub(crate) fn check() -> Result<()> {
    match SIGNALS.get() {
        Some(signals) if signals.asked.load(Ordering::Relaxed) => Err(Error::Interrupted),
        _ => Ok(()),
    }
}

/// [`check`], as callbacks of the library want it.
pub(crate) fn control() -> ControlFlow<()> {
    if check().is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
}
