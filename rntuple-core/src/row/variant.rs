//! Enums whose variants hold values. What is here, derived code calls.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, NullArray, UnionArray};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, FieldRef, UnionFields, UnionMode};

use super::item::{Builder, ReadItem};
use super::list::unexpected;
use super::metadata::{template, type_of, typed};
use super::number::take;
use super::path::{Path, ReadError, no_reader, no_request, rust_name};
use crate::error::{Error, Result};

/// The field of a derived enum, given the fields of its alternatives `_0`, `_1` and so on.
#[must_use]
pub fn variant_field(name: &str, alternatives: Vec<Field>) -> Field {
    let type_name = template("std::variant", &alternatives.iter().map(type_of).collect::<Vec<_>>());
    // What holds nothing is the null of the first child.
    let none = Field::new("none", DataType::Null, true);
    let fields: UnionFields =
        (0..=i8::MAX).zip([none].into_iter().chain(alternatives)).map(|(id, field)| (id, Arc::new(field))).collect();
    typed(name, DataType::Union(fields, UnionMode::Dense), true, type_name)
}

/// Which alternative each value is.
#[derive(Debug, Default)]
pub struct Slots {
    tags: Vec<i8>,
    offsets: Vec<i32>,
    /// Values that hold nothing.
    nothing: usize,
}

impl Slots {
    /// Number of values.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.tags.len()
    }

    /// Whether there are no values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tags.is_empty()
    }

    /// Bytes in use.
    #[inline]
    #[must_use]
    pub fn size(&self) -> usize {
        size_of_val(self.tags.as_slice()) + size_of_val(self.offsets.as_slice())
    }

    /// The next value is what will be appended to the builder of alternative `tag`, counted from 1.
    #[inline]
    pub fn push(&mut self, tag: i8, alternative: &impl Builder) {
        self.tags.push(tag);
        self.offsets.push(i32::try_from(alternative.len()).unwrap_or(i32::MAX));
    }

    /// The next value holds nothing.
    #[inline]
    pub fn push_nothing(&mut self) {
        self.tags.push(0);
        self.offsets.push(i32::try_from(self.nothing).unwrap_or(i32::MAX));
        self.nothing += 1;
    }

    /// The values, whose alternatives `finish` makes arrays of.
    ///
    /// # Errors
    /// As [`Builder::finish`].
    pub fn finish(
        &mut self,
        data_type: &DataType,
        nulls: Option<&NullBuffer>,
        finish: impl FnOnce(&mut std::slice::Iter<'_, FieldRef>, &mut Vec<ArrayRef>) -> Result<()>,
    ) -> Result<ArrayRef> {
        let DataType::Union(fields, UnionMode::Dense) = data_type else {
            return Err(unexpected("Union", data_type));
        };
        // A union has nulls of its own only.
        if nulls.is_some_and(|nulls| nulls.null_count() > 0) {
            return Err(unexpected("Union", data_type));
        }
        let nothing: ArrayRef = Arc::new(NullArray::new(std::mem::take(&mut self.nothing)));
        let mut arrays = vec![nothing];
        let alternatives: Vec<FieldRef> = fields.iter().skip(1).map(|(_, field)| Arc::clone(field)).collect();
        finish(&mut alternatives.iter(), &mut arrays)?;
        if let Some(len) = arrays.iter().map(Array::len).find(|&len| i32::try_from(len).is_err()) {
            return Err(Error::Limit { what: "variants in a batch", value: len as u64, limit: i32::MAX as u64 });
        }
        let (tags, offsets) = (ScalarBuffer::from(take(&mut self.tags)), ScalarBuffer::from(take(&mut self.offsets)));
        Ok(Arc::new(UnionArray::try_new(fields.clone(), tags, Some(offsets), arrays)?))
    }
}

/// [`ReadItem::request`] of a derived enum; `alternative` is that of the alternatives, by their number.
///
/// # Errors
/// As [`ReadItem::request`].
pub fn request_variant<T>(
    on_disk: &Field,
    path: &Path<'_>,
    mut alternative: impl FnMut(usize, &Field, &Path<'_>) -> Option<Result<Field>>,
) -> Result<Field> {
    let DataType::Union(fields, mode) = on_disk.data_type() else {
        return Err(no_request::<T>(on_disk, path));
    };
    let mut out = Vec::with_capacity(fields.len());
    for (i, (id, field)) in fields.iter().enumerate() {
        out.push(match i.checked_sub(1) {
            None => (id, Arc::clone(field)),
            Some(i) => {
                let asked = alternative(i, field, &path.child(field.name()));
                // More alternatives than the enum has.
                (id, Arc::new(asked.ok_or_else(|| no_request::<T>(on_disk, path))??))
            }
        });
    }
    Ok(on_disk.clone().with_data_type(DataType::Union(out.into_iter().collect(), *mode)))
}

/// Says which alternative each value is.
#[derive(Debug, Clone)]
pub struct SlotsReader {
    tags: ScalarBuffer<i8>,
    offsets: Option<ScalarBuffer<i32>>,
    path: Arc<str>,
    enum_name: String,
}

/// The alternatives of a union.
#[derive(Debug, Clone, Copy)]
pub struct Alternatives<'a> {
    fields: &'a UnionFields,
    array: &'a UnionArray,
}

impl SlotsReader {
    /// Prepares to read a union as the derived enum `T`, which has `known` alternatives.
    ///
    /// # Errors
    /// As [`ReadItem::open`].
    pub fn open<'a, T>(
        field: &Field,
        array: &'a ArrayRef,
        known: usize,
        path: &Path<'_>,
    ) -> Result<(Self, Alternatives<'a>)> {
        let (Some(array), DataType::Union(fields, _)) = (array.as_union_opt(), array.data_type()) else {
            return Err(no_reader::<T>(field, path));
        };
        let in_order = fields.iter().zip(0..).all(|((id, _), i)| id == i);
        let starts_empty = fields.iter().next().is_some_and(|(_, none)| *none.data_type() == DataType::Null);
        if !in_order || !starts_empty || fields.len() > known + 1 {
            return Err(no_reader::<T>(field, path));
        }
        let slots = Self {
            tags: array.type_ids().clone(),
            offsets: array.offsets().cloned(),
            path: path.keep(),
            enum_name: rust_name::<T>(),
        };
        Ok((slots, Alternatives { fields, array }))
    }

    /// Alternative of a value, counted from 1, and where in the array of the alternative it lies.
    ///
    /// # Errors
    /// An index beyond the array.
    #[inline]
    pub fn get(&self, index: usize) -> Result<(i8, usize), ReadError> {
        let tag = *self.tags.get(index).ok_or_else(ReadError::beyond)?;
        let at = match &self.offsets {
            None => Some(index),
            Some(offsets) => offsets.get(index).and_then(|&offset| usize::try_from(offset).ok()),
        };
        Ok((tag, at.ok_or_else(ReadError::beyond)?))
    }

    /// The error for a value that holds no alternative that the enum has.
    #[cold]
    #[must_use]
    pub fn nothing(&self) -> ReadError {
        let name = &self.enum_name;
        let reason = format!("the variant holds nothing: {name} needs a variant without value, or use Option<{name}>");
        ReadError::new(&self.path, reason)
    }
}

impl Alternatives<'_> {
    /// Prepares to read the alternative of number `tag`, counted from 1; `None` where the union does not have it.
    ///
    /// # Errors
    /// As [`ReadItem::open`].
    pub fn open<T: ReadItem>(&self, tag: i8, path: &Path<'_>) -> Result<Option<T::Reader>> {
        let found = self.fields.iter().find(|(id, _)| *id == tag);
        found.map(|(_, field)| T::open(field, self.array.child(tag), &path.child(field.name()))).transpose()
    }
}

/// A value of an alternative.
///
/// # Errors
/// As [`ReadItem::read`].
#[inline]
pub fn read_alternative<T: ReadItem>(reader: &Option<T::Reader>, index: usize) -> Result<T, ReadError> {
    T::read(reader.as_ref().ok_or_else(ReadError::beyond)?, index)
}

/// [`read_alternative`] over another value of the same alternative.
///
/// # Errors
/// As [`ReadItem::read`].
#[inline]
pub fn read_alternative_into<T: ReadItem>(
    reader: &Option<T::Reader>,
    index: usize,
    value: &mut T,
) -> Result<(), ReadError> {
    T::read_into(reader.as_ref().ok_or_else(ReadError::beyond)?, index, value)
}
