//! Open files.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use rntuple_io::Reader;

use crate::ntuple::NTuple;
use crate::source::PythonSource;
use crate::storage::storage;
use crate::work::fallible;

/// An open ROOT file.
#[pyclass(frozen, module = "rntuple._lib")]
#[derive(Debug)]
pub(crate) struct File {
    reader: Reader,
}

#[pymethods]
impl File {
    /// Opens what a path or a URI names.
    #[staticmethod]
    #[pyo3(signature = (location, storage_options=None))]
    fn open(py: Python<'_>, location: String, storage_options: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let storage = storage(py, storage_options)?;
        let reader = fallible(py, move || Reader::open_with(location, &storage))?;
        Ok(Self { reader })
    }

    /// Opens an object with `read_at(offset, length) -> bytes`.
    #[staticmethod]
    fn from_source(py: Python<'_>, name: String, source: Py<PyAny>, size: u64, remote: bool) -> PyResult<Self> {
        let source = Arc::new(PythonSource::new(source, size, remote));
        let reader = fallible(py, move || Reader::from_source(name, source))?;
        Ok(Self { reader })
    }

    #[getter]
    fn name(&self) -> &str {
        self.reader.name()
    }

    #[getter]
    fn size(&self) -> Option<u64> {
        self.reader.size()
    }

    /// Path, cycle, and whether it is the newest cycle, of each RNTuple.
    fn listing(&self) -> Vec<(String, u16, bool)> {
        self.reader.list().iter().map(|key| (key.path.clone(), key.cycle, key.newest)).collect()
    }

    /// Directories that cannot be read, with the reason.
    fn damaged(&self) -> Vec<(String, String)> {
        self.reader.damaged().iter().map(|(path, error)| (path.clone(), error.to_string())).collect()
    }

    fn ntuple(&self, py: Python<'_>, path: String) -> PyResult<NTuple> {
        let reader = self.reader.clone();
        Ok(NTuple::new(fallible(py, move || reader.ntuple(&path))?, self.reader.size()))
    }

    fn only(&self, py: Python<'_>) -> PyResult<NTuple> {
        let reader = self.reader.clone();
        Ok(NTuple::new(fallible(py, move || reader.only())?, self.reader.size()))
    }
}
