//! What keeps the rows of one table from being put behind those of another.

use std::fmt::Write;

use arrow::datatypes::Schema;

use crate::error::{Error, Result};

/// What is wrong with the schema of a further input, in words; nothing when it agrees.
#[derive(Debug, Default)]
pub(crate) struct Differences {
    text: String,
}

impl Differences {
    /// Compares by name and type; metadata and the names of list items do not count.
    pub(crate) fn between(expected: &Schema, other: &Schema) -> Self {
        let mut text = String::new();
        for field in expected.fields() {
            let name = field.name();
            match other.field_with_name(name) {
                Err(_) => {
                    let _ = write!(text, "; column '{name}' is missing");
                }
                Ok(found) if !field.data_type().equals_datatype(found.data_type()) => {
                    let (from, to) = (found.data_type(), field.data_type());
                    let _ = write!(text, "; column '{name}' is {from}, and {to} in the first input");
                }
                Ok(found) if found.is_nullable() && !field.is_nullable() => {
                    let _ = write!(text, "; column '{name}' may be null, and not in the first input");
                }
                Ok(_) => {}
            }
        }
        for field in other.fields().iter().filter(|field| expected.field_with_name(field.name()).is_err()) {
            let _ = write!(text, "; column '{}' is not in the first input", field.name());
        }
        Self { text }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// An error that names the file, if there are any.
    pub(crate) fn refuse(&self, file: &str) -> Result<()> {
        if self.is_empty() {
            return Ok(());
        }
        let differences = self.text.trim_start_matches("; ");
        let reason = format!("its schema is not that of the first input: {differences}");
        Err(Error::Table { file: file.to_owned(), reason })
    }
}
