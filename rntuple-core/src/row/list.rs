//! Vectors and sets.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::hash::{BuildHasher, Hash};
use std::mem;
use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field};

use super::item::{Builder, Item, ReadItem};
use super::metadata::{compose, typed};
use super::offsets::{Offsets, Spans};
use super::path::{Path, ReadError, no_reader, without_nulls};
use crate::error::{Error, Result};

/// Collects lists.
#[derive(Debug, Default)]
pub struct ListBuilder<B> {
    offsets: Offsets,
    items: B,
}

impl<B: Builder> ListBuilder<B> {
    /// Ends a list after the items that were appended.
    #[inline]
    fn close(&mut self) {
        self.offsets.push(self.items.len());
    }
}

impl<B: Builder> Builder for ListBuilder<B> {
    #[inline]
    fn len(&self) -> usize {
        self.offsets.len()
    }

    #[inline]
    fn size(&self) -> usize {
        self.offsets.size() + self.items.size()
    }

    #[inline]
    fn push_empty(&mut self) {
        self.close();
    }

    fn finish(&mut self, data_type: &DataType, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
        let DataType::List(item) = data_type else {
            return Err(unexpected("List", data_type));
        };
        let items = self.items.finish(item.data_type(), None)?;
        let offsets = self.offsets.finish("list items in a batch", items.len())?;
        Ok(Arc::new(ListArray::try_new(Arc::clone(item), offsets, items, nulls)?))
    }
}

/// A builder that was asked for another type than its own.
pub(super) fn unexpected(own: &'static str, asked: &DataType) -> Error {
    Error::inconsistent("row builder", format!("it makes a {own}, not a {asked}"))
}

fn list_field<T: Item>(name: &str, template: &str) -> Field {
    let item = Arc::new(T::field("_0"));
    typed(name, DataType::List(item), false, compose(template, &[T::type_name()]))
}

/// Gives lists.
#[derive(Debug, Clone)]
pub struct ListReader<R> {
    spans: Spans,
    items: R,
}

impl<R> ListReader<R> {
    pub(super) fn open<T, I>(field: &Field, array: &ArrayRef, path: &Path<'_>) -> Result<Self>
    where
        I: ReadItem<Reader = R>,
    {
        without_nulls::<T>(field, array, path)?;
        let (spans, item, items) = Spans::of(array).ok_or_else(|| no_reader::<T>(field, path))?;
        let items = I::open(&item, &items, &path.child(item.name()))?;
        Ok(Self { spans, items })
    }

    #[inline]
    pub(super) fn get<I: ReadItem<Reader = R>>(&self, index: usize) -> Result<Vec<I>, ReadError> {
        I::read_range(&self.items, self.spans.get(index)?)
    }

    #[inline(always)]
    pub(super) fn get_into<I>(&self, index: usize, out: &mut Vec<I>) -> Result<(), ReadError>
    where
        I: ReadItem<Reader = R>,
    {
        I::read_range_into(&self.items, self.spans.get(index)?, out)
    }

    /// The items of a list one by one, for what keeps them in an order of its own.
    #[inline]
    pub(super) fn collect<I: ReadItem<Reader = R>, C: FromIterator<I>>(&self, index: usize) -> Result<C, ReadError> {
        self.spans.get(index)?.map(|item| I::read(&self.items, item)).collect()
    }
}

macro_rules! lists {
    ($(
        $(#[$attribute:meta])*
        [$($generics:tt)*] $rust:ty, $template:literal, $self:ident, $builder:ident, $push:block;
    )*) => {$(
        $(#[$attribute])*
        impl<$($generics)*> Item for $rust {
            type Builder = ListBuilder<T::Builder>;

            fn type_name() -> String {
                compose($template, &[T::type_name()])
            }

            fn field(name: &str) -> Field {
                list_field::<T>(name, $template)
            }

            #[inline]
            fn append_to(&$self, $builder: &mut Self::Builder) {
                $push
                $builder.close();
            }
        }
    )*};
}

lists! {
    [T: Item] [T], "std::vector", self, builder, { T::append_slice(self, &mut builder.items); };
    [T: Item] Vec<T>, "std::vector", self, builder, { T::append_slice(self, &mut builder.items); };
    [T: Item] Box<[T]>, "std::vector", self, builder, { T::append_slice(self, &mut builder.items); };
    [T: Item] VecDeque<T>, "std::vector", self, builder, {
        let (front, back) = self.as_slices();
        T::append_slice(front, &mut builder.items);
        T::append_slice(back, &mut builder.items);
    };
    [T: Item] BTreeSet<T>, "std::set", self, builder, {
        for item in self {
            item.append_to(&mut builder.items);
        }
    };
    /// Written in ascending order, so that the same set gives the same bytes.
    [T: Item + Ord, S] HashSet<T, S>, "std::unordered_set", self, builder, {
        let mut items: Vec<&T> = self.iter().collect();
        items.sort_unstable();
        for item in items {
            item.append_to(&mut builder.items);
        }
    };
}

macro_rules! read_lists {
    ($([$($generics:tt)*] $rust:ty, $reader:ident, $index:ident, $read:expr $(, $value:ident, $into:expr)?;)*) => {$(
        impl<$($generics)*> ReadItem for $rust {
            type Reader = ListReader<T::Reader>;

            fn request(on_disk: &Field, path: &Path<'_>) -> Result<Field> {
                Spans::request::<Self, T>(on_disk, path)
            }

            fn open(field: &Field, array: &ArrayRef, path: &Path<'_>) -> Result<Self::Reader> {
                ListReader::open::<Self, T>(field, array, path)
            }

            #[inline]
            fn read($reader: &Self::Reader, $index: usize) -> Result<Self, ReadError> {
                $read
            }

            $(
                #[inline(always)]
                fn read_into($reader: &Self::Reader, $index: usize, $value: &mut Self) -> Result<(), ReadError> {
                    $into
                }
            )?
        }
    )*};
}

read_lists! {
    [T: ReadItem] Vec<T>, reader, index, reader.get(index), value, reader.get_into(index, value);
    [T: ReadItem] Box<[T]>, reader, index, Ok(reader.get(index)?.into_boxed_slice());
    [T: ReadItem] VecDeque<T>, reader, index, Ok(reader.get(index)?.into()), value, {
        // One becomes the other without a copy.
        let mut items = Vec::from(mem::take(value));
        let done = reader.get_into(index, &mut items);
        *value = items.into();
        done
    };
    [T: ReadItem + Ord] BTreeSet<T>, reader, index, reader.collect(index);
    [T: ReadItem + Ord + Hash, S: BuildHasher + Default] HashSet<T, S>, reader, index, reader.collect(index);
}
