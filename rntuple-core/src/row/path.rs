//! Where in the schema something is, and what goes wrong there.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::Field;

use crate::arrow::TYPE;
use crate::error::Error;

/// The path of a field, for messages.
#[derive(Debug, Clone, Copy)]
pub struct Path<'a> {
    above: Option<&'a Path<'a>>,
    name: &'a str,
}

impl Path<'static> {
    /// Above the top-level fields.
    #[must_use]
    pub fn root() -> Self {
        Self { above: None, name: "" }
    }
}

impl<'a> Path<'a> {
    /// The path of a subfield.
    #[must_use]
    pub fn child(&'a self, name: &'a str) -> Self {
        Path { above: Some(self), name }
    }

    /// The path as something to keep.
    pub(super) fn keep(&self) -> Arc<str> {
        self.to_string().into()
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.above {
            Some(above) if above.above.is_some() => write!(f, "{above}.{}", self.name),
            _ => f.write_str(self.name),
        }
    }
}

/// A value that cannot be read, before it is known which entry it belongs to.
#[derive(Debug)]
pub struct ReadError(Box<(String, String)>);

impl ReadError {
    /// A value of the field at `path` that is not one of the type, because of `reason`.
    #[cold]
    #[must_use]
    pub fn new(path: &str, reason: impl Into<String>) -> Self {
        Self(Box::new((path.to_owned(), reason.into())))
    }

    /// A position that the array does not have.
    #[cold]
    #[must_use]
    pub fn beyond() -> Self {
        Self::new("", "it is not in the batch")
    }

    /// The error, now that the entry is known.
    pub(super) fn at(self, entry: u64) -> Error {
        let (field, reason) = *self.0;
        Error::Value { field, entry, reason }
    }
}

/// The Rust type, without the modules that its names lie in.
pub(super) fn rust_name<T: ?Sized>() -> String {
    let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let mut out = String::new();
    let mut rest = std::any::type_name::<T>();
    while let Some(start) = rest.find(is_path) {
        let (before, path) = rest.split_at(start);
        let (path, behind) = path.split_at(path.find(|c| !is_path(c)).unwrap_or(path.len()));
        out += before;
        out += path.rsplit("::").next().unwrap_or_default();
        rest = behind;
    }
    out + rest
}

/// A field on storage of which `T` cannot be made.
pub(super) fn no_request<T: ?Sized>(on_disk: &Field, path: &Path<'_>) -> Error {
    let from = match on_disk.metadata().get(TYPE) {
        Some(name) if !name.is_empty() => name.clone(),
        _ => on_disk.data_type().to_string(),
    };
    Error::Cast { field: path.to_string(), from, to: rust_name::<T>() }
}

/// An array of which `T` cannot be read.
pub(super) fn no_reader<T: ?Sized>(field: &Field, path: &Path<'_>) -> Error {
    Error::Cast { field: path.to_string(), from: field.data_type().to_string(), to: rust_name::<T>() }
}

/// Refuses an array with nulls. Arrow sees to it that others than nullable fields have none, but where what is around
/// them is null itself.
pub(super) fn without_nulls<T: ?Sized>(field: &Field, array: &ArrayRef, path: &Path<'_>) -> Result<(), Error> {
    let nulls = array.null_count();
    if !field.is_nullable() || nulls == 0 {
        return Ok(());
    }
    let name = rust_name::<T>();
    let reason = format!("{nulls} of its {} values are null, which {name} cannot be: use Option<{name}>", array.len());
    Err(Error::FieldUnavailable { field: path.to_string(), reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(rust_name::<f32>(), "f32");
        assert_eq!(rust_name::<Option<Vec<[String; 3]>>>(), "Option<Vec<[String; 3]>>");
        assert_eq!(rust_name::<(&str, std::collections::BTreeMap<u8, Error>)>(), "(&str, BTreeMap<u8, Error>)");
    }

    #[test]
    fn paths() {
        let root = Path::root();
        let event = root.child("event");
        let hits = event.child("hits");
        assert_eq!(event.to_string(), "event");
        assert_eq!(hits.child("_0").to_string(), "event.hits._0");
    }
}
