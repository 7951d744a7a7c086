//! Errors as exceptions of `rntuple.errors`.

use std::io;
use std::sync::Arc;

use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use rntuple_core::Error as FormatError;
use rntuple_io::Error;

/// What an exception says beside its message.
#[derive(Default)]
struct Facts {
    class: &'static str,
    file: Option<Arc<str>>,
    field: Option<String>,
    entry: Option<u64>,
    offset: Option<u64>,
    cause: Option<PyErr>,
}

/// The exception for an error of reading or writing.
pub(crate) fn raise(py: Python<'_>, error: &Error) -> PyErr {
    let mut facts = Facts { class: "Error", ..Facts::default() };
    match error {
        Error::Io { file, source, what } => {
            facts.class = if source.kind() == io::ErrorKind::NotFound { "MissingFileError" } else { "StorageError" };
            facts.file = Some(Arc::clone(file));
            facts.offset = offset_in(what);
            facts.cause = python_error(py, source);
            if let Some(cause) = facts.cause.take_if(|cause| cause.is_instance_of::<PyKeyboardInterrupt>(py)) {
                return cause;
            }
        }
        Error::BeyondEnd { file, offset, .. } => {
            facts.class = "FormatError";
            facts.file = Some(Arc::clone(file));
            facts.offset = Some(*offset);
        }
        Error::Format { file, source } => {
            facts.file = Some(Arc::clone(file));
            describe(source, &mut facts);
        }
        Error::NotFound { file, .. } => {
            facts.class = "NotFoundError";
            facts.file = Some(Arc::clone(file));
        }
        Error::Choose { file, .. } | Error::Argument { file, .. } => {
            facts.class = "ArgumentError";
            facts.file = Some(Arc::clone(file));
        }
        _ => {}
    }
    build(py, &error.to_string(), facts)
}

/// The exception for an argument that makes no sense, before there is a file to speak of.
pub(crate) fn argument(py: Python<'_>, message: &str) -> PyErr {
    build(py, message, Facts { class: "ArgumentError", ..Facts::default() })
}

/// The exception for something that is not there.
pub(crate) fn not_found(py: Python<'_>, message: &str, field: &str) -> PyErr {
    build(py, message, Facts { class: "NotFoundError", field: Some(field.to_owned()), ..Facts::default() })
}

/// The exception for arrays that do not fit each other or their types.
pub(crate) fn data(py: Python<'_>, message: &str) -> PyErr {
    build(py, message, Facts { class: "FieldError", ..Facts::default() })
}

/// Goes down to what is wrong.
fn describe(error: &FormatError, facts: &mut Facts) {
    facts.class = match error {
        FormatError::In { context, source } => {
            facts.offset = facts.offset.or_else(|| offset_in(context));
            facts.field = facts.field.take().or_else(|| field_in(context));
            return describe(source, facts);
        }
        FormatError::Checksum { .. } => "ChecksumError",
        FormatError::NoSuchField { pattern, .. } => {
            facts.field = Some(pattern.clone());
            "NotFoundError"
        }
        FormatError::Value { field, entry, .. } => {
            facts.entry = Some(*entry);
            facts.field = Some(field.clone());
            "FieldError"
        }
        FormatError::FieldUnavailable { field, .. }
        | FormatError::Unwritable { field, .. }
        | FormatError::Cast { field, .. } => {
            facts.field = Some(field.clone());
            "FieldError"
        }
        FormatError::Arrow(_) => "FieldError",
        _ => "FormatError",
    };
}

/// The place that a context such as `page list at byte 8123 (17 bytes)` names.
fn offset_in(context: &str) -> Option<u64> {
    let (_, rest) = context.rsplit_once("at byte ")?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).map_or(rest, |end| rest.get(..end).unwrap_or_default());
    digits.parse().ok()
}

/// The field that a context such as `field 'jets._0.pt'` names.
fn field_in(context: &str) -> Option<String> {
    Some(context.strip_prefix("field '")?.split_once('\'')?.0.to_owned())
}

/// The exception that a byte source in Python raised.
fn python_error(py: Python<'_>, error: &io::Error) -> Option<PyErr> {
    Some(error.get_ref()?.downcast_ref::<PyErr>()?.clone_ref(py))
}

fn build(py: Python<'_>, message: &str, facts: Facts) -> PyErr {
    let make = || -> PyResult<PyErr> {
        let exception = py.import("rntuple.errors")?.getattr(facts.class)?.call1((message,))?;
        exception.setattr("file", facts.file.as_deref())?;
        exception.setattr("field", facts.field)?;
        exception.setattr("entry", facts.entry)?;
        exception.setattr("offset", facts.offset)?;
        let error = PyErr::from_value(exception);
        error.set_cause(py, facts.cause);
        Ok(error)
    };
    make().unwrap_or_else(|error| error)
}
