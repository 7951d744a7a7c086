//! Writing.

use std::sync::{Mutex, PoisonError};

use arrow::array::{ArrayRef, RecordBatch, RecordBatchReader};
use arrow::datatypes::{Fields, Schema as ArrowSchema, SchemaRef};
use arrow::error::ArrowError;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use pyo3_arrow::PyRecordBatchReader;
use rntuple_io::storage::MemorySink;
use rntuple_io::{Error, Written};

use crate::batch::Batch;
use crate::conform;
use crate::error::{data, raise};
use crate::options::write_options;
use crate::parallel::ParallelNTupleWriter;
use crate::schema::{Field, Schema};
use crate::storage::storage;
use crate::work::{detached, fallible};

/// Something that is taken away while a thread works with it, and for good once it is finished or the work was
/// interrupted.
pub(crate) struct Slot<T>(Mutex<Option<T>>);

impl<T> std::fmt::Debug for Slot<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Slot")
    }
}

impl<T: Send + 'static> Slot<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Mutex::new(Some(value)))
    }

    pub(crate) fn take(&self) -> PyResult<T> {
        let value = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        value.ok_or_else(|| PyRuntimeError::new_err("the writer is closed, was interrupted, or is in use elsewhere"))
    }

    fn put(&self, value: T) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
    }

    /// Works with the value without the GIL.
    pub(crate) fn with<R: Send + 'static>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut T) -> rntuple_io::Result<R> + Send + 'static,
    ) -> PyResult<R> {
        let mut value = self.take()?;
        let (value, done) = detached(py, move || {
            let done = work(&mut value);
            (value, done)
        })?;
        self.put(value);
        done.map_err(|error| raise(py, &error))
    }

    /// Looks at the value.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&T) -> R) -> PyResult<R> {
        let value = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let value = value.as_ref().ok_or_else(|| PyRuntimeError::new_err("the writer is closed"))?;
        Ok(look(value))
    }
}

/// A ROOT file that is written.
#[pyclass(frozen, module = "rntuple._lib")]
#[derive(Debug)]
pub(crate) struct FileWriter {
    file: Slot<rntuple_io::FileWriter>,
    /// The content of a file in memory.
    memory: Option<MemorySink>,
}

#[pymethods]
impl FileWriter {
    /// A new file; without a path, one in memory.
    #[staticmethod]
    #[pyo3(signature = (path, options=None, storage_options=None))]
    fn create(
        py: Python<'_>,
        path: Option<String>,
        options: Option<&Bound<'_, PyDict>>,
        storage_options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let options = write_options(py, options)?;
        let storage = storage(py, storage_options)?;
        let memory = path.is_none().then(MemorySink::new);
        let sink = memory.clone();
        let file = fallible(py, move || match (path, sink) {
            (Some(path), _) => rntuple_io::FileWriter::create_with(path, &options, &storage),
            (None, sink) => {
                rntuple_io::FileWriter::to_sink("memory.root", Box::new(sink.unwrap_or_default()), &options)
            }
        })?;
        Ok(Self { file: Slot::new(file), memory })
    }

    /// A file that exists.
    #[staticmethod]
    #[pyo3(signature = (path, options=None))]
    fn open(py: Python<'_>, path: String, options: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let options = write_options(py, options)?;
        let file = fallible(py, move || rntuple_io::FileWriter::open(path, &options))?;
        Ok(Self { file: Slot::new(file), memory: None })
    }

    #[pyo3(signature = (path, schema, options=None))]
    fn ntuple(
        &self,
        py: Python<'_>,
        path: String,
        schema: PyRef<'_, Schema>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<NTupleWriter> {
        let options = write_options(py, options)?;
        let schema = SchemaRef::clone(schema.inner());
        let foreign = schema.fields().iter().any(|field| conform::is_foreign(field.data_type()));
        let options = options.arrow_types(foreign);
        Ok(NTupleWriter::new(self.file.with(py, move |file| file.ntuple(&path, schema, options))?))
    }

    #[pyo3(signature = (path, schema, options=None))]
    fn parallel_ntuple(
        &self,
        py: Python<'_>,
        path: String,
        schema: PyRef<'_, Schema>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<ParallelNTupleWriter> {
        let options = write_options(py, options)?;
        let schema = SchemaRef::clone(schema.inner());
        let given = SchemaRef::clone(&schema);
        let writer = self.file.with(py, move |file| file.parallel_ntuple(&path, given, options))?;
        Ok(ParallelNTupleWriter::new(writer, schema))
    }

    #[pyo3(signature = (path, options=None))]
    fn reopen(&self, py: Python<'_>, path: String, options: Option<&Bound<'_, PyDict>>) -> PyResult<NTupleWriter> {
        let options = write_options(py, options)?;
        let writer = self.file.with(py, move |file| file.reopen(&path, options))?;
        Ok(NTupleWriter::new(writer))
    }

    /// Makes everything visible; gives the size of the file.
    fn finish(&self, py: Python<'_>) -> PyResult<u64> {
        let file = self.file.take()?;
        fallible(py, move || file.finish())
    }

    /// Gives up: a new file leaves nothing behind.
    fn abandon(&self, py: Python<'_>) -> PyResult<()> {
        let Ok(file) = self.file.take() else { return Ok(()) };
        detached(py, move || drop(file))
    }

    /// The content of a file in memory.
    fn content<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.memory.as_ref().map(|memory| PyBytes::new(py, &memory.bytes()))
    }
}

/// An RNTuple that is written.
#[pyclass(frozen, module = "rntuple._lib")]
#[derive(Debug)]
pub(crate) struct NTupleWriter {
    writer: Slot<rntuple_io::Writer>,
}

impl NTupleWriter {
    fn new(writer: rntuple_io::Writer) -> Self {
        Self { writer: Slot::new(writer) }
    }
}

#[pymethods]
impl NTupleWriter {
    #[getter]
    fn schema(&self) -> PyResult<Schema> {
        self.writer.look(|writer| Schema::new(writer.schema()))
    }

    #[getter]
    fn entries(&self) -> PyResult<u64> {
        self.writer.look(rntuple_io::Writer::entries)
    }

    #[getter]
    fn clusters(&self) -> PyResult<u64> {
        self.writer.look(rntuple_io::Writer::clusters)
    }

    /// Adds the rows of a batch, in the types of the RNTuple.
    fn append(&self, py: Python<'_>, batch: PyRef<'_, Batch>) -> PyResult<()> {
        let batch = batch.arrow().clone();
        let schema = self.writer.look(rntuple_io::Writer::schema)?;
        let batch = detached(py, move || conform::batch(&batch, &schema))?.map_err(|message| data(py, &message))?;
        self.writer.with(py, move |writer| writer.append(&batch))
    }

    /// Adds the rows of a stream, batch by batch.
    fn append_stream(&self, py: Python<'_>, stream: PyRef<'_, OpenStream>) -> PyResult<()> {
        let mut reader = stream.reader.take()?;
        let schema = self.writer.look(rntuple_io::Writer::schema)?;
        loop {
            let target = SchemaRef::clone(&schema);
            let (back, next) = detached(py, move || {
                let next = reader.next();
                let next = next.map(|batch: Result<RecordBatch, ArrowError>| {
                    batch.map_err(|error| error.to_string()).and_then(|batch| conform::batch(&batch, &target))
                });
                (reader, next)
            })?;
            reader = back;
            let Some(batch) = next.transpose().map_err(|message| data(py, &message))? else { return Ok(()) };
            self.writer.with(py, move |writer| writer.append(&batch))?;
        }
    }

    /// Adds top-level fields.
    fn add_fields(&self, py: Python<'_>, fields: Vec<PyRef<'_, Field>>) -> PyResult<()> {
        let fields: Vec<_> = fields.iter().map(|field| field.inner().as_ref().clone()).collect();
        self.writer.with(py, move |writer| writer.extend(fields))
    }

    fn flush_cluster(&self, py: Python<'_>) -> PyResult<()> {
        self.writer.with(py, rntuple_io::Writer::flush_cluster)
    }

    fn checkpoint(&self, py: Python<'_>) -> PyResult<()> {
        self.writer.with(py, rntuple_io::Writer::checkpoint)
    }

    fn attribute_set(&self, py: Python<'_>, name: String, schema: PyRef<'_, Schema>) -> PyResult<AttributeWriter> {
        let schema = SchemaRef::clone(schema.inner());
        let user = SchemaRef::clone(&schema);
        let writer = self.writer.with(py, move |writer| writer.attribute_set(&name, &schema))?;
        Ok(AttributeWriter { writer: Slot::new(writer), schema: user })
    }

    fn add_attribute_set(&self, py: Python<'_>, set: PyRef<'_, AttributeWriter>) -> PyResult<()> {
        let set = set.writer.take()?;
        self.writer.with(py, move |writer| writer.add_attribute_set(set))
    }

    /// Writes what is left; gives the numbers of entries and clusters.
    fn finish(&self, py: Python<'_>) -> PyResult<(u64, u64)> {
        let writer = self.writer.take()?;
        let done: Result<Written, Error> = detached(py, move || writer.finish())?;
        done.map(|written| (written.entries, written.clusters)).map_err(|error| raise(py, &error))
    }

    /// Gives up.
    fn abandon(&self, py: Python<'_>) -> PyResult<()> {
        let Ok(writer) = self.writer.take() else { return Ok(()) };
        detached(py, move || drop(writer))
    }
}

/// An attribute set that is written.
#[pyclass(frozen, module = "rntuple._lib")]
#[derive(Debug)]
pub(crate) struct AttributeWriter {
    writer: Slot<rntuple_io::AttributeWriter>,
    schema: SchemaRef,
}

#[pymethods]
impl AttributeWriter {
    #[getter]
    fn schema(&self) -> Schema {
        Schema::new(SchemaRef::clone(&self.schema))
    }

    /// Annotates ranges of entries, each with one row.
    fn append(&self, py: Python<'_>, ranges: Vec<(u64, u64)>, batch: PyRef<'_, Batch>) -> PyResult<()> {
        let batch = conform::batch(batch.arrow(), &self.schema).map_err(|message| data(py, &message))?;
        let ranges: Vec<_> = ranges.into_iter().map(|(start, stop)| start..stop).collect();
        self.writer.with(py, move |writer| writer.append(&ranges, &batch))
    }
}

/// An Arrow stream of someone else.
#[pyclass(frozen, module = "rntuple._lib")]
#[derive(Debug)]
pub(crate) struct OpenStream {
    reader: Slot<Box<dyn RecordBatchReader + Send>>,
    schema: SchemaRef,
}

#[pymethods]
impl OpenStream {
    #[new]
    fn import(source: &Bound<'_, PyAny>) -> PyResult<Self> {
        let reader = source.extract::<PyRecordBatchReader>()?.into_reader()?;
        let schema = SchemaRef::new(conform::plain_schema(&reader.schema()));
        Ok(Self { reader: Slot::new(reader), schema })
    }

    #[getter]
    fn schema(&self) -> Schema {
        Schema::new(SchemaRef::clone(&self.schema))
    }
}

/// The schema to write batches with: types that can be written, and nulls only where there are some.
#[pyfunction]
pub(crate) fn writable_schema(batches: Vec<PyRef<'_, Batch>>, schema: PyRef<'_, Schema>) -> Schema {
    let column = |batch: &PyRef<'_, Batch>, name: &str| batch.arrow().column_by_name(name).cloned();
    let tight = |field: &arrow::datatypes::FieldRef| {
        let arrays: Vec<ArrayRef> = batches.iter().filter_map(|batch| column(batch, field.name())).collect();
        conform::tighten(field, &arrays)
    };
    let fields: Fields = schema.inner().fields().iter().map(tight).collect();
    let tightened = ArrowSchema::new_with_metadata(fields, schema.inner().metadata().clone());
    Schema::new(SchemaRef::new(conform::plain_schema(&tightened)))
}
