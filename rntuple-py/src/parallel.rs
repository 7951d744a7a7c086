//! Writing one RNTuple from several threads.

use arrow::datatypes::SchemaRef;
use pyo3::prelude::*;
use rntuple_io::{FillContext, ParallelWriter};

use crate::batch::Batch;
use crate::conform;
use crate::error::{data, raise};
use crate::schema::Schema;
use crate::work::{detached, fallible};
use crate::writer::Slot;

/// An RNTuple that several threads write, each through a context of its own.
#[pyclass(frozen, module = "rntuple._lib")]
#[derive(Debug)]
pub(crate) struct ParallelNTupleWriter {
    writer: Slot<ParallelWriter>,
    schema: SchemaRef,
}

impl ParallelNTupleWriter {
    pub(crate) fn new(writer: ParallelWriter, schema: SchemaRef) -> Self {
        Self { writer: Slot::new(writer), schema }
    }
}

#[pymethods]
impl ParallelNTupleWriter {
    #[getter]
    fn schema(&self) -> Schema {
        Schema::new(SchemaRef::clone(&self.schema))
    }

    /// Number of entries in complete clusters.
    #[getter]
    fn entries(&self) -> PyResult<u64> {
        self.writer.look(ParallelWriter::entries)
    }

    fn context(&self, py: Python<'_>) -> PyResult<ContextWriter> {
        let context = self.writer.look(ParallelWriter::context)?.map_err(|error| raise(py, &error))?;
        Ok(ContextWriter { context: Slot::new(context), schema: SchemaRef::clone(&self.schema) })
    }

    /// Writes the metadata; gives the numbers of entries and clusters.
    fn finish(&self, py: Python<'_>) -> PyResult<(u64, u64)> {
        let writer = self.writer.take()?;
        let written = fallible(py, move || writer.finish())?;
        Ok((written.entries, written.clusters))
    }

    /// Gives up.
    fn abandon(&self, py: Python<'_>) -> PyResult<()> {
        let Ok(writer) = self.writer.take() else { return Ok(()) };
        detached(py, move || drop(writer))
    }
}

/// What one thread writes through.
#[pyclass(frozen, module = "rntuple._lib")]
#[derive(Debug)]
pub(crate) struct ContextWriter {
    context: Slot<FillContext>,
    schema: SchemaRef,
}

#[pymethods]
impl ContextWriter {
    /// Adds the rows of a batch, in the types of the RNTuple.
    fn append(&self, py: Python<'_>, batch: PyRef<'_, Batch>) -> PyResult<()> {
        let (batch, schema) = (batch.arrow().clone(), SchemaRef::clone(&self.schema));
        let batch = detached(py, move || conform::batch(&batch, &schema))?.map_err(|message| data(py, &message))?;
        self.context.with(py, move |context| context.append(&batch))
    }

    fn flush_cluster(&self, py: Python<'_>) -> PyResult<()> {
        self.context.with(py, FillContext::flush_cluster)
    }

    fn finish(&self, py: Python<'_>) -> PyResult<()> {
        let context = self.context.take()?;
        fallible(py, move || context.finish())
    }

    /// Gives up; the data set cannot be finished then.
    fn abandon(&self, py: Python<'_>) -> PyResult<()> {
        let Ok(context) = self.context.take() else { return Ok(()) };
        detached(py, move || drop(context))
    }
}
