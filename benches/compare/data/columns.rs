//! Batches, column by column. Each column has random numbers of its own, so that none depends on what else there is.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Float32Array, Float64Array, Int32Array, ListArray, RecordBatch};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{Field, Schema};
use rntuple_benches::Random;

use crate::Done;

/// A batch that is being made.
pub(super) struct Columns {
    first: usize,
    rows: usize,
    fields: Vec<Field>,
    arrays: Vec<ArrayRef>,
}

impl Columns {
    /// A batch of entries from `first` on.
    pub(super) fn new(first: usize, rows: usize) -> Self {
        Self { first, rows, fields: Vec::new(), arrays: Vec::new() }
    }

    /// The random numbers of a column.
    pub(super) fn random(&self, name: &str) -> Random {
        Random::of(name, self.first as u64)
    }

    /// The numbers of the entries.
    pub(super) fn entries(&self) -> std::ops::Range<usize> {
        self.first..self.first + self.rows
    }

    pub(super) fn add(&mut self, name: impl Into<String>, array: impl Array + 'static) {
        self.fields.push(Field::new(name, array.data_type().clone(), false));
        self.arrays.push(Arc::new(array));
    }

    pub(super) fn floats(&mut self, name: &str, mut value: impl FnMut(&mut Random) -> f32) {
        let mut random = self.random(name);
        self.add(name, Float32Array::from_iter_values((0..self.rows).map(|_| value(&mut random))));
    }

    pub(super) fn doubles(&mut self, name: &str, mut value: impl FnMut(&mut Random) -> f64) {
        let mut random = self.random(name);
        self.add(name, Float64Array::from_iter_values((0..self.rows).map(|_| value(&mut random))));
    }

    pub(super) fn ints(&mut self, name: &str, mut value: impl FnMut(&mut Random) -> i32) {
        let mut random = self.random(name);
        self.add(name, Int32Array::from_iter_values((0..self.rows).map(|_| value(&mut random))));
    }

    pub(super) fn bools(&mut self, name: &str, mut value: impl FnMut(&mut Random) -> bool) {
        let mut random = self.random(name);
        self.add(name, (0..self.rows).map(|_| Some(value(&mut random))).collect::<BooleanArray>());
    }

    /// Sizes of a collection, by entry.
    pub(super) fn sizes(&self, name: &str, mut size: impl FnMut(&mut Random) -> usize) -> OffsetBuffer<i32> {
        let mut random = self.random(name);
        OffsetBuffer::from_lengths((0..self.rows).map(|_| size(&mut random)))
    }

    pub(super) fn list(&mut self, name: &str, sizes: &OffsetBuffer<i32>, values: impl Array + 'static) -> Done<()> {
        let item = Field::new("_0", values.data_type().clone(), false);
        self.add(name, ListArray::try_new(Arc::new(item), sizes.clone(), Arc::new(values), None)?);
        Ok(())
    }

    pub(super) fn finish(self) -> Done<RecordBatch> {
        Ok(RecordBatch::try_new(Arc::new(Schema::new(self.fields)), self.arrays)?)
    }
}

/// Number of items in all collections of these sizes.
pub(super) fn items(sizes: &OffsetBuffer<i32>) -> usize {
    usize::try_from(sizes.last().copied().unwrap_or(0)).unwrap_or(0)
}
