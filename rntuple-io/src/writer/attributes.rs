//! Attribute sets: annotations of ranges of entries (format-spec/schema.md, attribute sets).

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StructArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema as ArrowSchema, SchemaRef};
use rntuple_core::arrow::Layout;
use rntuple_core::metadata::AttributeSet;

use super::cluster::ClusterBuilder;
use super::ntuple::is_refusal;
use super::options::{Checkpoint, WriteOptions};
use super::output::{Output, Shared};
use crate::error::Result;
use crate::threads::Threads;

/// Writes an attribute set; made by [`Writer::attribute_set`](crate::Writer::attribute_set).
#[derive(Debug)]
pub struct AttributeWriter {
    output: Output,
    builder: ClusterBuilder,
    schema: SchemaRef,
    user: SchemaRef,
    failed: bool,
}

impl AttributeWriter {
    pub(super) fn start(shared: &Shared, name: &str, user: &SchemaRef, options: &WriteOptions) -> Result<Self> {
        let schema = Arc::new(ArrowSchema::new(vec![
            Field::new("_rangeStart", DataType::UInt64, false),
            Field::new("_rangeLen", DataType::UInt64, false),
            Field::new("_userData", DataType::Struct(user.fields().clone()), false),
        ]));
        // Patterns of the options mean fields of the main data set.
        let options = WriteOptions {
            encodings: Vec::new(),
            field_compression: Vec::new(),
            checkpoint: Checkpoint::Never,
            description: String::new(),
            ..options.clone()
        };
        let layout = Layout::new(&schema, &options.layout()).map_err(|e| shared.format(e))?;
        let output = Output::linked(shared, name, &layout, &options)?;
        let builder = ClusterBuilder::new(Arc::new(layout), &options, Threads::One).map_err(|e| shared.format(e))?;
        Ok(Self { output, builder, schema, user: Arc::clone(user), failed: false })
    }

    pub(super) fn name(&self) -> &str {
        self.output.dataset.name()
    }

    /// Annotates ranges of entries: each with one row of the batch. Ranges may overlap and may be empty.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] when there are not as many ranges as rows, and as
    /// [`Writer::append`](crate::Writer::append).
    pub fn append(&mut self, ranges: &[Range<u64>], values: &RecordBatch) -> Result<()> {
        let shared = self.output.shared.clone();
        if ranges.len() != values.num_rows() {
            let reason = format!("{} ranges of entries with {} annotations", ranges.len(), values.num_rows());
            return Err(shared.argument(reason));
        }
        let mut columns = Vec::with_capacity(self.user.fields().len());
        for field in self.user.fields() {
            let Some(column) = values.column_by_name(field.name()) else {
                return Err(shared.argument(format!("the annotations have no column '{}'", field.name())));
            };
            columns.push(Arc::clone(column));
        }
        let user = StructArray::try_new_with_length(self.user.fields().clone(), columns, None, ranges.len())
            .map_err(|e| shared.format(e.into()))?;
        let starts: ArrayRef = Arc::new(UInt64Array::from_iter_values(ranges.iter().map(|range| range.start)));
        let len = |range: &Range<u64>| range.end.saturating_sub(range.start);
        let lens: ArrayRef = Arc::new(UInt64Array::from_iter_values(ranges.iter().map(len)));
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), vec![starts, lens, Arc::new(user)])
            .map_err(|e| shared.format(e.into()))?;
        self.guard()?;
        let mut done = 0;
        while done < batch.num_rows() {
            let rest = batch.slice(done, batch.num_rows() - done);
            let (rows, complete) = self.builder.append(&rest).map_err(|error| {
                self.failed = done > 0 || !is_refusal(&error);
                shared.format(error)
            })?;
            done += rows;
            if complete {
                self.end_cluster()?;
            }
        }
        Ok(())
    }

    fn guard(&self) -> Result<()> {
        if self.failed {
            return Err(self.output.shared.argument("the attribute set failed before; what it has is incomplete"));
        }
        Ok(())
    }

    fn end_cluster(&mut self) -> Result<()> {
        self.guard()?;
        self.failed = true;
        self.seal_cluster()?;
        self.failed = false;
        Ok(())
    }

    fn seal_cluster(&mut self) -> Result<()> {
        let sealed = self.builder.finish().map_err(|e| self.output.shared.format(e))?;
        sealed.map_or(Ok(()), |sealed| self.output.add(&sealed))
    }

    pub(super) fn finish(mut self) -> Result<AttributeSet> {
        self.end_cluster()?;
        self.output.finish_linked()
    }
}
