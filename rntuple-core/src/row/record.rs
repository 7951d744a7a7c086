//! Structs with named fields. What is here, derived code calls.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StructArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Fields};

use super::item::{Builder, ReadItem, ReadRow, RecordBuilder, Row};
use super::list::unexpected;
use super::metadata::class_field;
use super::path::{Path, ReadError, no_reader, no_request, rust_name, without_nulls};
use crate::error::{Error, Result};

/// The members of a record, side by side.
#[derive(Debug, Clone, Copy)]
pub struct Members<'a> {
    fields: &'a Fields,
    columns: &'a [ArrayRef],
}

impl<'a> Members<'a> {
    pub(super) fn of_batch(batch: &'a RecordBatch) -> Self {
        Self { fields: batch.schema_ref().fields(), columns: batch.columns() }
    }

    /// The members of which a `T` is read.
    pub(super) fn of<T>(field: &Field, array: &'a ArrayRef, path: &Path<'_>) -> Result<Self> {
        without_nulls::<T>(field, array, path)?;
        let record = array.as_struct_opt().ok_or_else(|| no_reader::<T>(field, path))?;
        Ok(Self { fields: record.fields(), columns: record.columns() })
    }
}

/// The field of a derived struct.
#[must_use]
pub fn record_field<T: Row>(name: &str, type_name: String) -> Field {
    let mut members = Vec::new();
    T::members(&mut members);
    class_field(name, type_name, members)
}

/// Appends the array of a member.
///
/// # Errors
/// As [`Builder::finish`].
pub fn finish_member<B: Builder>(
    builder: &mut B,
    fields: &mut std::slice::Iter<'_, FieldRef>,
    out: &mut Vec<ArrayRef>,
) -> Result<()> {
    let field = fields.next().ok_or_else(|| unexpected("Struct with more members", &DataType::Null))?;
    out.push(builder.finish(field.data_type(), None).map_err(|e| e.within(format!("field '{}'", field.name())))?);
    Ok(())
}

/// [`Builder::finish`] of a record of `len` values.
///
/// # Errors
/// As [`Builder::finish`].
pub fn finish_record<B: RecordBuilder>(
    builder: &mut B,
    len: usize,
    data_type: &DataType,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef> {
    let DataType::Struct(members) = data_type else {
        return Err(unexpected("Struct", data_type));
    };
    let (mut fields, mut columns) = (members.iter(), Vec::with_capacity(members.len()));
    builder.finish_members(&mut fields, &mut columns)?;
    Ok(Arc::new(StructArray::try_new_with_length(members.clone(), columns, nulls, len)?))
}

/// [`ReadItem::request`] of a derived struct.
///
/// # Errors
/// As [`ReadItem::request`].
pub fn request_record<T: ReadRow>(on_disk: &Field, path: &Path<'_>) -> Result<Field> {
    match on_disk.data_type() {
        DataType::Struct(members) if !on_disk.is_nullable() => {
            let mut out = Vec::new();
            T::request_members(members, path, &mut out)?;
            Ok(on_disk.clone().with_data_type(DataType::Struct(out.into())))
        }
        _ => Err(no_request::<T>(on_disk, path)),
    }
}

/// [`ReadItem::open`] of a derived struct.
///
/// # Errors
/// As [`ReadItem::open`].
pub fn open_record<T: ReadRow>(field: &Field, array: &ArrayRef, path: &Path<'_>) -> Result<T::Reader> {
    T::open_members(&Members::of::<T>(field, array, path)?, path)
}

/// The error of a record `R` without a member of type `T`.
fn missing<R, T>(name: &str, path: &Path<'_>) -> Error {
    let hint = format!(
        ", which {} reads as {} (a field that may be missing is an Option, or marked #[rntuple(default)])",
        rust_name::<R>(),
        rust_name::<T>()
    );
    Error::NoSuchField { pattern: path.child(name).to_string(), hint }
}

/// Appends the field to ask for as member `name` of record `R`; none where it is missing and may be.
///
/// # Errors
/// [`Error::NoSuchField`] where it must not be missing, and as [`ReadItem::request`].
pub fn request_member<R, T: ReadItem>(
    on_disk: &Fields,
    name: &str,
    path: &Path<'_>,
    has_default: bool,
    out: &mut Vec<Field>,
) -> Result<()> {
    match on_disk.find(name) {
        Some((_, field)) => out.push(T::request(field, &path.child(name))?),
        None if has_default || T::absent().is_some() => {}
        None => return Err(missing::<R, T>(name, path)),
    }
    Ok(())
}

/// Prepares to read member `name` of record `R`; `None` where it is missing and may be.
///
/// # Errors
/// As [`request_member`].
pub fn open_member<R, T: ReadItem>(
    members: &Members<'_>,
    name: &str,
    path: &Path<'_>,
    has_default: bool,
) -> Result<Option<T::Reader>> {
    match members.fields.find(name).and_then(|(i, field)| Some((field, members.columns.get(i)?))) {
        Some((field, column)) => T::open(field, column, &path.child(name)).map(Some),
        None if has_default || T::absent().is_some() => Ok(None),
        None => Err(missing::<R, T>(name, path)),
    }
}

/// A value of a member, or what stands in for it.
///
/// # Errors
/// As [`ReadItem::read`].
#[inline]
pub fn read_member<T: ReadItem>(
    reader: &Option<T::Reader>,
    index: usize,
    default: impl FnOnce() -> Option<T>,
) -> Result<T, ReadError> {
    match reader {
        Some(reader) => T::read(reader, index),
        None => default().or_else(T::absent).ok_or_else(ReadError::beyond),
    }
}

/// [`read_member`] over another value.
///
/// # Errors
/// As [`ReadItem::read`].
#[inline(always)]
pub fn read_member_into<T: ReadItem>(
    reader: &Option<T::Reader>,
    index: usize,
    value: &mut T,
    default: impl FnOnce() -> Option<T>,
) -> Result<(), ReadError> {
    match reader {
        Some(reader) => T::read_into(reader, index, value)?,
        None => *value = read_member(reader, index, default)?,
    }
    Ok(())
}
