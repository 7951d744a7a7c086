//! Work without the GIL, that Ctrl-C can end.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::error::raise;

/// How often signals are looked for.
const PATIENCE: Duration = Duration::from_millis(50);

/// Runs `work` on a thread of its own, without the GIL. Python's signal handlers run meanwhile: when one raises, as
/// Ctrl-C does, that is returned at once. The thread then ends with what it was doing, and its result is dropped.
pub(crate) fn detached<T: Send + 'static>(py: Python<'_>, work: impl FnOnce() -> T + Send + 'static) -> PyResult<T> {
    let (done, mut result) = channel();
    let run = move || {
        // Nobody waits any more after a signal.
        let _ = done.send(work());
    };
    std::thread::Builder::new().name("rntuple-python".to_owned()).spawn(run)?;
    loop {
        let waited = py.detach(move || {
            let waited = result.recv_timeout(PATIENCE);
            (result, waited)
        });
        result = waited.0;
        match waited.1 {
            Ok(value) => return Ok(value),
            Err(RecvTimeoutError::Timeout) => py.check_signals()?,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(PyRuntimeError::new_err(
                    "an internal error, described on standard error; please report it",
                ));
            }
        }
    }
}

/// The same for work that may fail.
pub(crate) fn fallible<T: Send + 'static>(
    py: Python<'_>,
    work: impl FnOnce() -> rntuple_io::Result<T> + Send + 'static,
) -> PyResult<T> {
    detached(py, work)?.map_err(|error| raise(py, &error))
}

/// The process in which this library was used first.
static PROCESS: AtomicU32 = AtomicU32::new(0);

/// The number of threads to ask for, where the user asked for none. After a fork the threads of the shared pool are
/// gone, and waiting for them would never end: there, scans and writers get threads of their own.
pub(crate) fn threads(asked: Option<usize>) -> Option<usize> {
    let here = std::process::id();
    let first = PROCESS.compare_exchange(0, here, Ordering::Relaxed, Ordering::Relaxed);
    asked.or_else(|| match first {
        Err(process) if process != here => Some(std::thread::available_parallelism().map_or(1, usize::from)),
        _ => None,
    })
}
