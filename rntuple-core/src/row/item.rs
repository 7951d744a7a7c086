//! The traits: what has a field, how its values become arrays, how arrays become values.

use std::mem;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};

use super::path::{Path, ReadError};
use super::record::Members;
use crate::error::Result;

/// A type whose values a field of an RNTuple holds: the writing side.
///
/// `#[derive(Row)]` implements it, and the types of the standard library have it as the [table](super#types) says.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a field of an RNTuple",
    label = "no RNTuple field stands for this type",
    note = "types of your own need `#[derive(Row)]`; the documentation of `rntuple_core::row` lists all others",
    note = "a field that is not to be stored is marked `#[rntuple(skip)]`"
)]
pub trait Item {
    /// What collects values. References and owners have that of the value.
    type Builder: Builder;

    /// C++ type, normalised; empty for records without a class and collections of them.
    fn type_name() -> String;

    /// The Arrow field, with the metadata that tells a writer which RNTuple field is meant.
    fn field(name: &str) -> Field;

    /// Appends this value.
    fn append_to(&self, builder: &mut Self::Builder);

    /// Appends values one after the other.
    #[inline]
    fn append_slice(values: &[Self], builder: &mut Self::Builder)
    where
        Self: Sized,
    {
        for value in values {
            value.append_to(builder);
        }
    }
}

/// Collects values and makes an Arrow array of them.
///
/// Values of records, lists and so on are not kept as they are: their parts are appended to the builders of the parts,
/// which are plain buffers in the end.
pub trait Builder: Default + Send + 'static {
    /// Whether the Arrow field may be null, or is a union, so that an optional of it needs a box of its own.
    const NULLABLE: bool = false;

    /// Whether a missing value is a value as well: the null of a pointer, of which no optional is made.
    const POINTER: bool = false;

    /// Number of values.
    fn len(&self) -> usize;

    /// Whether there are no values.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that the values take, added up over the buffers; costs no more than a visit of each buffer.
    fn size(&self) -> usize;

    /// Appends what stands in the buffers where a value is missing.
    fn push_empty(&mut self);

    /// The values as an array of `data_type`, which is that of [`Item::field`]; the builder is empty afterwards.
    /// `nulls` says which values are none.
    ///
    /// # Errors
    /// [`Error::Limit`](crate::Error::Limit) for more than 2^31 - 1 list items or bytes of text.
    fn finish(&mut self, data_type: &DataType, nulls: Option<NullBuffer>) -> Result<ArrayRef>;
}

/// The builder of a record.
pub trait RecordBuilder: Builder {
    /// Appends the arrays of the members to `out` and takes their fields from `fields`.
    ///
    /// # Errors
    /// As [`Builder::finish`].
    fn finish_members(&mut self, fields: &mut std::slice::Iter<'_, FieldRef>, out: &mut Vec<ArrayRef>) -> Result<()>;
}

/// A struct whose members can be the top-level fields of an RNTuple: the writing side. Made by `#[derive(Row)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a row of an RNTuple",
    label = "this is no struct with named fields that derives `Row`"
)]
pub trait Row: Item<Builder: RecordBuilder> {
    /// Appends the Arrow fields of the members.
    fn members(out: &mut Vec<Field>);

    /// The Arrow schema of a batch of rows.
    #[must_use]
    fn schema() -> SchemaRef {
        let mut fields = Vec::new();
        Self::members(&mut fields);
        Arc::new(Schema::new(fields))
    }
}

/// A type whose values can be read from a field of an RNTuple.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from an RNTuple",
    label = "values of this type can be written at most",
    note = "types that borrow are written only: a struct that holds them is marked `#[rntuple(write_only)]`"
)]
pub trait ReadItem: Item + Sized {
    /// Gives values out of an array.
    type Reader;

    /// The Arrow field to ask for, given what is on storage: another type where a scan converts, without the members
    /// that are not read.
    ///
    /// # Errors
    /// [`Error::Cast`](crate::Error::Cast) where values of this type cannot be made of it.
    fn request(on_disk: &Field, path: &Path<'_>) -> Result<Field>;

    /// Prepares to read an array, which has a field such as [`ReadItem::request`] gives, or as [`Item::field`].
    ///
    /// # Errors
    /// [`Error::Cast`](crate::Error::Cast) for another type, [`Error::FieldUnavailable`](crate::Error::FieldUnavailable)
    /// for nulls that the type does not have.
    fn open(field: &Field, array: &ArrayRef, path: &Path<'_>) -> Result<Self::Reader>;

    /// A value of the array.
    ///
    /// # Errors
    /// A value that the type does not have, or an index beyond the array.
    fn read(reader: &Self::Reader, index: usize) -> Result<Self, ReadError>;

    /// The same value over another one, of which it keeps the memory where it can: what a vector or a string has room
    /// for is not allocated again. After an error the value is any.
    ///
    /// # Errors
    /// As [`ReadItem::read`].
    #[inline]
    fn read_into(reader: &Self::Reader, index: usize, value: &mut Self) -> Result<(), ReadError> {
        *value = Self::read(reader, index)?;
        Ok(())
    }

    /// Values of the array.
    ///
    /// # Errors
    /// As [`ReadItem::read`].
    #[inline]
    fn read_range(reader: &Self::Reader, range: Range<usize>) -> Result<Vec<Self>, ReadError> {
        let mut out = Vec::with_capacity(range.len());
        for index in range {
            out.push(Self::read(reader, index)?);
        }
        Ok(out)
    }

    /// The same values in place of those of a vector, over as many of them as there are.
    ///
    /// # Errors
    /// As [`ReadItem::read`].
    #[inline]
    fn read_range_into(reader: &Self::Reader, range: Range<usize>, out: &mut Vec<Self>) -> Result<(), ReadError> {
        // Values without memory of their own have none to keep.
        out.truncate(if mem::needs_drop::<Self>() { range.len() } else { 0 });
        Self::read_slice_into(reader, range.start, out)?;
        let missing = range.skip(out.len());
        out.reserve(missing.len());
        for index in missing {
            out.push(Self::read(reader, index)?);
        }
        Ok(())
    }

    /// Values of the array from `start` on, over all of these.
    ///
    /// # Errors
    /// As [`ReadItem::read`].
    #[inline]
    fn read_slice_into(reader: &Self::Reader, start: usize, out: &mut [Self]) -> Result<(), ReadError> {
        for (index, value) in (start..).zip(out) {
            Self::read_into(reader, index, value)?;
        }
        Ok(())
    }

    /// `N` values of the array.
    ///
    /// # Errors
    /// As [`ReadItem::read`].
    #[inline]
    fn read_array<const N: usize>(reader: &Self::Reader, start: usize) -> Result<[Self; N], ReadError> {
        let end = start.checked_add(N).ok_or_else(ReadError::beyond)?;
        Self::read_range(reader, start..end)?.try_into().map_err(|_| ReadError::beyond())
    }

    /// The value where the field does not exist; without one, the field must.
    #[inline]
    fn absent() -> Option<Self> {
        None
    }
}

/// A struct that can be read from the top-level fields of an RNTuple. Made by `#[derive(Row)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read as rows of an RNTuple",
    label = "this is no struct with named fields that derives `Row` and owns its values"
)]
pub trait ReadRow: Row + ReadItem {
    /// Appends the fields to ask for, out of those on storage.
    ///
    /// # Errors
    /// [`Error::NoSuchField`](crate::Error::NoSuchField) for a member that must be there, and as [`ReadItem::request`].
    fn request_members(on_disk: &Fields, path: &Path<'_>, out: &mut Vec<Field>) -> Result<()>;

    /// Prepares to read the members.
    ///
    /// # Errors
    /// As [`ReadItem::open`].
    fn open_members(members: &Members<'_>, path: &Path<'_>) -> Result<Self::Reader>;
}
