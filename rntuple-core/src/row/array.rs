//! Arrays of fixed size.

use std::mem;
use std::sync::Arc;

use arrow::array::{ArrayRef, FixedSizeListArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field};

use super::item::{Builder, Item, ReadItem};
use super::list::unexpected;
use super::metadata::typed;
use super::offsets::Spans;
use super::path::{Path, ReadError, no_reader, no_request, without_nulls};
use crate::error::Result;

/// Collects arrays of `N` items.
#[derive(Debug, Default)]
pub struct ArrayBuilder<B, const N: usize> {
    len: usize,
    items: B,
}

impl<B: Builder, const N: usize> Builder for ArrayBuilder<B, N> {
    #[inline]
    fn len(&self) -> usize {
        self.len
    }

    #[inline]
    fn size(&self) -> usize {
        self.items.size()
    }

    #[inline]
    fn push_empty(&mut self) {
        self.len += 1;
        for _ in 0..N {
            self.items.push_empty();
        }
    }

    fn finish(&mut self, data_type: &DataType, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
        let DataType::FixedSizeList(item, size) = data_type else {
            return Err(unexpected("FixedSizeList", data_type));
        };
        let len = mem::take(&mut self.len);
        let items = self.items.finish(item.data_type(), None)?;
        let array = FixedSizeListArray::try_new_with_length(Arc::clone(item), *size, items, nulls, len)?;
        Ok(Arc::new(array))
    }
}

impl<T: Item, const N: usize> Item for [T; N] {
    type Builder = ArrayBuilder<T::Builder, N>;

    fn type_name() -> String {
        format!("std::array<{},{N}>", T::type_name())
    }

    fn field(name: &str) -> Field {
        // Larger ones do not fit into memory.
        let size = i32::try_from(N).unwrap_or(i32::MAX);
        typed(name, DataType::FixedSizeList(Arc::new(T::field("_0")), size), false, Self::type_name())
    }

    #[inline]
    fn append_to(&self, builder: &mut Self::Builder) {
        builder.len += 1;
        T::append_slice(self, &mut builder.items);
    }
}

/// Gives arrays.
#[derive(Debug, Clone)]
pub struct ArrayReader<R> {
    len: usize,
    items: R,
}

impl<R> ArrayReader<R> {
    /// Where the first item of an array of `N` is.
    #[inline]
    fn start<const N: usize>(&self, index: usize) -> Result<usize, ReadError> {
        if index < self.len { Ok(index * N) } else { Err(ReadError::beyond()) }
    }
}

impl<T: ReadItem, const N: usize> ReadItem for [T; N] {
    type Reader = ArrayReader<T::Reader>;

    fn request(on_disk: &Field, path: &Path<'_>) -> Result<Field> {
        match on_disk.data_type() {
            DataType::FixedSizeList(item, size) if !on_disk.is_nullable() && usize::try_from(*size) == Ok(N) => {
                let item = T::request(item, &path.child(item.name()))?;
                Ok(on_disk.clone().with_data_type(DataType::FixedSizeList(Arc::new(item), *size)))
            }
            _ => Err(no_request::<Self>(on_disk, path)),
        }
    }

    fn open(field: &Field, array: &ArrayRef, path: &Path<'_>) -> Result<Self::Reader> {
        without_nulls::<Self>(field, array, path)?;
        match Spans::of(array) {
            Some((Spans::Fixed(size, len), item, items)) if size == N => {
                Ok(ArrayReader { len, items: T::open(&item, &items, &path.child(item.name()))? })
            }
            _ => Err(no_reader::<Self>(field, path)),
        }
    }

    #[inline]
    fn read(reader: &Self::Reader, index: usize) -> Result<Self, ReadError> {
        T::read_array(&reader.items, reader.start::<N>(index)?)
    }

    #[inline]
    fn read_into(reader: &Self::Reader, index: usize, value: &mut Self) -> Result<(), ReadError> {
        T::read_slice_into(&reader.items, reader.start::<N>(index)?, value)
    }
}
