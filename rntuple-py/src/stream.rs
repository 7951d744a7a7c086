//! Scans that are under way.

use std::sync::{Mutex, PoisonError};

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use pyo3_arrow::PyRecordBatchReader;
use rntuple_io::Batches;

use crate::batch::{Batch, concat_batches};
use crate::error::raise;
use crate::schema::Schema;
use crate::work::detached;

/// The record batches of a scan, in order. It can be read once.
#[pyclass(frozen, module = "rntuple._lib")]
#[derive(Debug)]
pub(crate) struct Stream {
    /// Not there while it is read, and after it was given away.
    batches: Mutex<Option<Batches>>,
    schema: SchemaRef,
}

impl Stream {
    pub(crate) fn new(batches: Batches) -> Self {
        let schema = batches.schema();
        Self { batches: Mutex::new(Some(batches)), schema }
    }

    fn take(&self) -> PyResult<Batches> {
        let batches = self.batches.lock().unwrap_or_else(PoisonError::into_inner).take();
        batches.ok_or_else(|| PyRuntimeError::new_err("the stream is in use, was interrupted, or was given away"))
    }

    fn put(&self, batches: Batches) {
        *self.batches.lock().unwrap_or_else(PoisonError::into_inner) = Some(batches);
    }
}

#[pymethods]
impl Stream {
    #[getter]
    fn schema(&self) -> Schema {
        Schema::new(SchemaRef::clone(&self.schema))
    }

    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Batch>> {
        let mut batches = self.take()?;
        let (batches, next) = detached(py, move || {
            let next = batches.next();
            (batches, next)
        })?;
        self.put(batches);
        next.transpose().map(|batch| batch.map(Batch::new)).map_err(|error| raise(py, &error))
    }

    /// Reads batches until they have this many bytes, and gives them as one; all of them where no number is given.
    /// `progress` is called with the number of rows of each batch.
    #[pyo3(signature = (bytes=None, progress=None))]
    fn read(&self, py: Python<'_>, bytes: Option<usize>, progress: Option<Py<PyAny>>) -> PyResult<Option<Batch>> {
        let mut have: Vec<RecordBatch> = Vec::new();
        let mut size = 0_usize;
        while bytes.is_none_or(|bytes| size < bytes) {
            let Some(next) = self.__next__(py)? else { break };
            let batch = next.into_inner();
            if let Some(progress) = &progress {
                progress.call1(py, (batch.num_rows(),))?;
            }
            size = size.saturating_add(batch.get_array_memory_size());
            have.push(batch);
        }
        if have.is_empty() && bytes.is_some() {
            return Ok(None);
        }
        let schema = SchemaRef::clone(&self.schema);
        Ok(Some(concat_batches(py, schema, have)?))
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let reader = Detached { batches: self.take()?, schema: SchemaRef::clone(&self.schema) };
        stream_capsule(py, Box::new(reader), requested_schema)
    }
}

/// A capsule for the Arrow C stream interface.
pub(crate) fn stream_capsule<'py>(
    py: Python<'py>,
    reader: Box<dyn RecordBatchReader + Send>,
    requested_schema: Option<Bound<'py, PyCapsule>>,
) -> PyResult<Bound<'py, PyAny>> {
    let reader = Bound::new(py, PyRecordBatchReader::new(reader))?;
    reader.call_method1("__arrow_c_stream__", (requested_schema,))
}

/// Reads without the GIL, whether the consumer of the stream has it or not: threads that fetch bytes through Python
/// need it.
struct Detached {
    batches: Batches,
    schema: SchemaRef,
}

impl Iterator for Detached {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut next = None;
        let batches = &mut self.batches;
        let attached = Python::try_attach(|py| py.detach(|| next = batches.next())).is_some();
        let next = if attached { next } else { self.batches.next() };
        next.map(|batch| batch.map_err(|error| ArrowError::ExternalError(Box::new(error))))
    }
}

impl RecordBatchReader for Detached {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }
}
