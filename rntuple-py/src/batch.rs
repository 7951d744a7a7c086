//! Record batches.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, RecordBatch, RecordBatchIterator, RecordBatchOptions};
use arrow::compute::{cast, concat as concat_arrays};
use arrow::datatypes::{DataType, Field, Fields, Schema as ArrowSchema, SchemaRef};
use arrow::error::ArrowError;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use pyo3_arrow::{PyRecordBatch, PyRecordBatchReader};

use crate::array::Array;
use crate::conform;
use crate::error::{data, not_found};
use crate::schema::Schema;
use crate::stream::stream_capsule;
use crate::work::detached;

/// A record batch: columns of the same length.
#[pyclass(frozen, module = "rntuple._lib")]
#[derive(Debug)]
pub(crate) struct Batch {
    batch: RecordBatch,
}

impl Batch {
    pub(crate) fn new(batch: RecordBatch) -> Self {
        Self { batch }
    }

    pub(crate) fn into_inner(self) -> RecordBatch {
        self.batch
    }

    pub(crate) fn arrow(&self) -> &RecordBatch {
        &self.batch
    }
}

#[pymethods]
impl Batch {
    /// A batch of named arrays.
    #[staticmethod]
    fn from_arrays(py: Python<'_>, columns: Vec<(String, PyRef<'_, Array>)>) -> PyResult<Self> {
        let fields: Fields =
            columns.iter().map(|(name, array)| array.field().as_ref().clone().with_name(name)).collect();
        let arrays: Vec<ArrayRef> = columns.iter().map(|(_, array)| Arc::clone(array.inner())).collect();
        let rows = arrays.first().map_or(0, ArrayRef::len);
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        for (name, array) in &columns {
            if array.inner().len() != rows {
                let message =
                    format!("column '{name}' has {} values, and those before have {rows}", array.inner().len());
                return Err(data(py, &message));
            }
        }
        let batch = RecordBatch::try_new_with_options(Arc::new(ArrowSchema::new(fields)), arrays, &options);
        batch.map(Self::new).map_err(|error| data(py, &error.to_string()))
    }

    /// The batches of anything that offers them by the Arrow C interfaces, with the types that can be written.
    #[staticmethod]
    fn import_all(py: Python<'_>, object: &Bound<'_, PyAny>) -> PyResult<Vec<Self>> {
        let batches = if object.hasattr("__arrow_c_stream__")? {
            let reader = object.extract::<PyRecordBatchReader>()?.into_reader()?;
            detached(py, move || reader.collect::<Result<Vec<_>, ArrowError>>())?
        } else {
            Ok(vec![object.extract::<PyRecordBatch>()?.into_inner()])
        };
        Ok(batches.map_err(|error| data(py, &error.to_string()))?.into_iter().map(Self::new).collect())
    }

    #[getter]
    fn num_rows(&self) -> usize {
        self.batch.num_rows()
    }

    #[getter]
    fn num_columns(&self) -> usize {
        self.batch.num_columns()
    }

    #[getter]
    fn nbytes(&self) -> usize {
        self.batch.get_array_memory_size()
    }

    #[getter]
    fn schema(&self) -> Schema {
        Schema::new(self.batch.schema())
    }

    /// Names of the columns.
    #[getter]
    fn names(&self) -> Vec<String> {
        self.batch.schema().fields().iter().map(|field| field.name().clone()).collect()
    }

    fn column(&self, py: Python<'_>, name: &str) -> PyResult<Array> {
        let schema = self.batch.schema();
        let place = schema.fields().find(name).and_then(|(i, field)| Some((self.batch.columns().get(i)?, field)));
        let (array, field) = place.ok_or_else(|| not_found(py, &format!("no column '{name}'"), name))?;
        Ok(Array::new(Arc::clone(array), Arc::clone(field)))
    }

    /// All columns, in order.
    fn columns(&self) -> Vec<Array> {
        let schema = self.batch.schema();
        let pair = |(array, field): (&ArrayRef, &Arc<Field>)| Array::new(Arc::clone(array), Arc::clone(field));
        self.batch.columns().iter().zip(schema.fields()).map(pair).collect()
    }

    fn slice(&self, start: usize, length: usize) -> Self {
        let start = start.min(self.batch.num_rows());
        Self::new(self.batch.slice(start, length.min(self.batch.num_rows() - start)))
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Bound::new(py, PyRecordBatch::new(self.batch.clone()))?.call_method1("__arrow_c_array__", (requested_schema,))
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.schema().__arrow_c_schema__(py)
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let reader = RecordBatchIterator::new([Ok(self.batch.clone())], self.batch.schema());
        stream_capsule(py, Box::new(reader), requested_schema)
    }

    fn __len__(&self) -> usize {
        self.batch.num_rows()
    }
}

/// One batch of several that have the same columns.
#[pyfunction]
pub(crate) fn concat(py: Python<'_>, batches: Vec<PyRef<'_, Batch>>) -> PyResult<Batch> {
    let Some(first) = batches.first() else { return Err(data(py, "there are no batches to put together")) };
    let schema = first.batch.schema();
    let mut alike = Vec::with_capacity(batches.len());
    for batch in &batches {
        // Files may differ in how they store a field, which the types within it tell.
        let same = batch.batch.schema().fields() == schema.fields();
        let batch = if same { Ok(batch.batch.clone()) } else { conform::batch(&batch.batch, &schema) };
        alike.push(batch.map_err(|message| data(py, &message))?);
    }
    concat_batches(py, schema, alike)
}

/// One batch of those of a stream.
pub(crate) fn concat_batches(py: Python<'_>, schema: SchemaRef, mut batches: Vec<RecordBatch>) -> PyResult<Batch> {
    if batches.len() < 2 {
        return Ok(Batch::new(batches.pop().unwrap_or_else(|| RecordBatch::new_empty(schema))));
    }
    let joined = detached(py, move || join(&schema, batches))?;
    joined.map(Batch::new).map_err(|error| data(py, &error.to_string()))
}

fn join(schema: &SchemaRef, batches: Vec<RecordBatch>) -> Result<RecordBatch, ArrowError> {
    let rows = batches.iter().map(RecordBatch::num_rows).sum();
    let mut parts: Vec<Vec<ArrayRef>> = vec![Vec::with_capacity(batches.len()); schema.fields().len()];
    for batch in batches {
        parts.iter_mut().zip(batch.columns()).for_each(|(parts, column)| parts.push(Arc::clone(column)));
    }
    // Each column's pieces are freed before the next column needs memory.
    let mut columns = Vec::with_capacity(parts.len());
    let mut fields = Vec::with_capacity(parts.len());
    for (mut pieces, field) in parts.into_iter().zip(schema.fields()) {
        let items: usize = pieces.iter().map(most_items).fold(0, usize::saturating_add);
        if i32::try_from(items).is_err() {
            let wide = conform::large(field.data_type());
            pieces = pieces.iter().map(|piece| cast(piece, &wide)).collect::<Result<_, _>>()?;
        }
        let pieces: Vec<&dyn arrow::array::Array> = pieces.iter().map(AsRef::as_ref).collect();
        let column = concat_arrays(&pieces)?;
        fields.push(Arc::new(field.as_ref().clone().with_data_type(column.data_type().clone())));
        columns.push(column);
    }
    let schema = Arc::new(ArrowSchema::new_with_metadata(fields, schema.metadata().clone()));
    RecordBatch::try_new_with_options(schema, columns, &RecordBatchOptions::new().with_row_count(Some(rows)))
}

/// The most items, or bytes of text, that an array or one within it has.
fn most_items(array: &ArrayRef) -> usize {
    use arrow::array::AsArray;
    match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().values().len(),
        DataType::Binary => array.as_binary::<i32>().values().len(),
        DataType::List(_) => array.len().max(most_items(array.as_list::<i32>().values())),
        DataType::LargeList(_) => most_items(array.as_list::<i64>().values()),
        DataType::FixedSizeList(..) => most_items(array.as_fixed_size_list().values()),
        DataType::Map(..) => {
            let entries: ArrayRef = Arc::new(array.as_map().entries().clone());
            entries.len().max(most_items(&entries))
        }
        DataType::Struct(_) => array.as_struct().columns().iter().map(most_items).max().unwrap_or(0),
        DataType::Union(fields, _) => {
            let union = array.as_union();
            let child = |(id, _)| most_items(union.child(id));
            fields.iter().map(child).max().unwrap_or(0).max(array.len())
        }
        _ => 0,
    }
}
