//! Bytes that come from Python: file objects, fsspec file systems, obstore stores.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use rntuple_io::storage::{Access, ByteSource};

/// An object with `read_at(offset, length) -> bytes`.
#[derive(Debug)]
pub(crate) struct PythonSource {
    object: Py<PyAny>,
    size: u64,
    access: Access,
}

impl PythonSource {
    /// `remote`: whether it is worth having several requests under way.
    pub(crate) fn new(object: Py<PyAny>, size: u64, remote: bool) -> Self {
        Self { object, size, access: if remote { Access::REMOTE } else { Access::LOCAL } }
    }
}

impl ByteSource for PythonSource {
    fn size(&self) -> u64 {
        self.size
    }

    fn access(&self) -> Access {
        self.access
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let read = |py: Python<'_>| -> PyResult<io::Result<()>> {
            let bytes = self.object.bind(py).call_method1("read_at", (offset, buffer.len()))?;
            let bytes = bytes.cast_into::<PyBytes>()?;
            let bytes = bytes.as_bytes();
            if bytes.len() != buffer.len() {
                return Ok(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            buffer.copy_from_slice(bytes);
            Ok(Ok(()))
        };
        let _call = Call::begin();
        let closing = || io::Error::other("Python is shutting down");
        if CLOSING.load(Ordering::SeqCst) {
            return Err(closing());
        }
        Python::try_attach(read).ok_or_else(closing)?.map_err(io::Error::other)?
    }
}

/// How many threads are in Python code, or about to be.
static CALLS: AtomicUsize = AtomicUsize::new(0);
static CLOSING: AtomicBool = AtomicBool::new(false);
/// How long the end of the process waits for them.
const PATIENCE: Duration = Duration::from_secs(5);

struct Call;

impl Call {
    fn begin() -> Self {
        CALLS.fetch_add(1, Ordering::SeqCst);
        Self
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        CALLS.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Waits until no thread runs Python code, and lets none begin to: Python ends threads that want the GIL after it has shut
/// down, and the process with them. Called at the exit of Python.
#[pyfunction]
pub(crate) fn wind_up(py: Python<'_>) {
    CLOSING.store(true, Ordering::SeqCst);
    py.detach(|| {
        let started = Instant::now();
        while CALLS.load(Ordering::SeqCst) > 0 && started.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(1));
        }
    });
}
