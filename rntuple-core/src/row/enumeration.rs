//! Enums whose variants hold no values. What is here, derived code calls.

use std::fmt::Display;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::Field;

use super::item::{Item, ReadItem};
use super::metadata::collapse;
use super::path::{Path, ReadError, no_reader, no_request, rust_name};
use crate::error::{Error, Result};

/// The field of a C++ enum over the integer type `N`.
#[must_use]
pub fn enum_field<N: Item>(name: &str, type_name: String) -> Field {
    let number = N::field("_0");
    collapse(name, type_name, &number, false)
}

/// [`ReadItem::request`] of the derived enum `T` over the integer type `N`.
///
/// # Errors
/// As [`ReadItem::request`].
pub fn request_enum<T, N: ReadItem>(on_disk: &Field, path: &Path<'_>) -> Result<Field> {
    N::request(on_disk, path).map_err(|_| no_request::<T>(on_disk, path))
}

/// Gives the numbers of a C++ enum.
#[derive(Debug, Clone)]
pub struct EnumReader<R> {
    numbers: R,
    path: Arc<str>,
    enum_name: String,
}

impl<R> EnumReader<R> {
    /// Prepares to read numbers as the derived enum `T`.
    ///
    /// # Errors
    /// As [`ReadItem::open`].
    pub fn open<T, N: ReadItem<Reader = R>>(field: &Field, array: &ArrayRef, path: &Path<'_>) -> Result<Self> {
        let numbers = N::open(field, array, path).map_err(|error| match error {
            Error::Cast { .. } => no_reader::<T>(field, path),
            other => other,
        })?;
        Ok(Self { numbers, path: path.keep(), enum_name: rust_name::<T>() })
    }

    /// The number of a value.
    ///
    /// # Errors
    /// As [`ReadItem::read`].
    #[inline]
    pub fn get<N: ReadItem<Reader = R>>(&self, index: usize) -> Result<N, ReadError> {
        N::read(&self.numbers, index)
    }

    /// The error for a number that is none of the enum's.
    #[cold]
    #[must_use]
    pub fn unknown(&self, number: impl Display) -> ReadError {
        ReadError::new(&self.path, format!("the value {number} is none of {}", self.enum_name))
    }
}
