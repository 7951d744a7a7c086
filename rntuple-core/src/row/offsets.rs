//! Where the values of one entry end among all: the offsets of lists and strings.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, FieldRef};

use std::ops::Range;
use std::sync::Arc;

use super::item::ReadItem;
use super::number::take;
use super::path::{Path, ReadError, no_request};
use crate::error::{Error, Result};

/// Offsets as they are collected.
#[derive(Debug)]
pub(super) struct Offsets(Vec<i32>);

impl Default for Offsets {
    fn default() -> Self {
        Self(vec![0])
    }
}

impl Offsets {
    /// Number of lists.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.0.len() - 1
    }

    #[inline]
    pub(super) fn size(&self) -> usize {
        size_of_val(self.0.as_slice())
    }

    /// Ends a list where there are `items` in all. More than fit are noticed by [`Offsets::finish`].
    #[inline]
    pub(super) fn push(&mut self, items: usize) {
        self.0.push(i32::try_from(items).unwrap_or(i32::MAX));
    }

    /// The offsets of lists with `items` in all.
    pub(super) fn finish(&mut self, what: &'static str, items: usize) -> Result<OffsetBuffer<i32>> {
        let offsets = take(&mut self.0);
        self.0.push(0);
        if i32::try_from(items).is_err() {
            return Err(Error::Limit { what, value: items as u64, limit: i32::MAX as u64 });
        }
        Ok(OffsetBuffer::new(ScalarBuffer::from(offsets)))
    }
}

/// Where the items of each list lie.
#[derive(Debug, Clone)]
pub(super) enum Spans {
    Small(OffsetBuffer<i32>),
    Large(OffsetBuffer<i64>),
    /// Lists that all have as many items, and how many lists.
    Fixed(usize, usize),
}

impl Spans {
    /// The lists of an array, with the field and the array of their items.
    pub(super) fn of(array: &ArrayRef) -> Option<(Self, FieldRef, ArrayRef)> {
        Some(match array.data_type() {
            DataType::List(item) => {
                let lists = array.as_list_opt::<i32>()?;
                (Self::Small(lists.offsets().clone()), Arc::clone(item), Arc::clone(lists.values()))
            }
            DataType::LargeList(item) => {
                let lists = array.as_list_opt::<i64>()?;
                (Self::Large(lists.offsets().clone()), Arc::clone(item), Arc::clone(lists.values()))
            }
            DataType::Map(entries, _) => {
                let maps = array.as_map_opt()?;
                (Self::Small(maps.offsets().clone()), Arc::clone(entries), Arc::new(maps.entries().clone()))
            }
            DataType::FixedSizeList(item, size) => {
                let lists = array.as_fixed_size_list_opt()?;
                let size = usize::try_from(*size).ok()?;
                (Self::Fixed(size, lists.len()), Arc::clone(item), Arc::clone(lists.values()))
            }
            _ => return None,
        })
    }

    /// The items of a list.
    #[inline(always)]
    pub(super) fn get(&self, index: usize) -> Result<Range<usize>, ReadError> {
        match self {
            Self::Small(offsets) => span(offsets, index).ok_or_else(ReadError::beyond),
            _ => self.get_other(index),
        }
    }

    /// Apart, to keep what is usual small.
    #[inline(never)]
    fn get_other(&self, index: usize) -> Result<Range<usize>, ReadError> {
        let span = match self {
            Self::Small(offsets) => span(offsets, index),
            Self::Large(offsets) => span(offsets, index),
            Self::Fixed(size, lists) if index < *lists => Some(index * size..(index + 1) * size),
            Self::Fixed(..) => None,
        };
        span.ok_or_else(ReadError::beyond)
    }

    /// What to ask for where `T` has items `I`.
    pub(super) fn request<T, I: ReadItem>(on_disk: &Field, path: &Path<'_>) -> Result<Field> {
        let items = |item: &Field| Ok::<_, Error>(Arc::new(I::request(item, &path.child(item.name()))?));
        let data_type = match on_disk.data_type() {
            _ if on_disk.is_nullable() => return Err(no_request::<T>(on_disk, path)),
            DataType::List(item) | DataType::Map(item, _) => DataType::List(items(item)?),
            DataType::LargeList(item) => DataType::LargeList(items(item)?),
            DataType::FixedSizeList(item, size) => DataType::FixedSizeList(items(item)?, *size),
            _ => return Err(no_request::<T>(on_disk, path)),
        };
        Ok(on_disk.clone().with_data_type(data_type))
    }
}

#[inline(always)]
fn span<O: arrow::array::OffsetSizeTrait>(offsets: &OffsetBuffer<O>, index: usize) -> Option<Range<usize>> {
    match offsets.get(index..)? {
        [start, end, ..] => Some(start.as_usize()..end.as_usize()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets() {
        let mut offsets = Offsets::default();
        offsets.push(2);
        offsets.push(2);
        assert_eq!(offsets.len(), 2);
        let finished = offsets.finish("items", 2).unwrap();
        assert_eq!(finished.as_ref(), [0, 2, 2]);
        assert_eq!((offsets.len(), offsets.size()), (0, 4));
    }

    #[test]
    fn too_many_items() {
        let mut offsets = Offsets::default();
        offsets.push(1 << 31);
        let error = offsets.finish("list items in a batch", 1 << 31).unwrap_err();
        assert_eq!(error.to_string(), "list items in a batch: 2147483648 is over the limit of 2147483647");
        assert_eq!(offsets.len(), 0);
    }
}
