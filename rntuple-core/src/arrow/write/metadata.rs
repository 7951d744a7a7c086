//! What an Arrow field's metadata says of an RNTuple field.

use arrow::datatypes::Field as ArrowField;

use crate::arrow::{
    ALIAS, BOXED, CHECKSUM, DESCRIPTION, ENCODING, INNER, PREFIX, SOA, SOURCE, STREAMER, TYPE, VERSION,
};
use crate::schema::ColumnEncoding;

/// The metadata of an Arrow field, or of a subfield that it stands for as well.
#[derive(Clone, Copy)]
pub(super) struct Metadata<'a> {
    field: &'a ArrowField,
    /// How many subfields without Arrow fields of their own lie between.
    depth: usize,
}

impl<'a> Metadata<'a> {
    pub(super) fn of(field: &'a ArrowField) -> Self {
        Self { field, depth: 0 }
    }

    pub(super) fn inner(self) -> Self {
        Self { depth: self.depth + 1, ..self }
    }

    fn get(self, key: &str) -> Option<&'a str> {
        let metadata = self.field.metadata();
        if self.depth == 0 {
            return metadata.get(key).map(String::as_str);
        }
        let inner = INNER.strip_prefix(PREFIX).unwrap_or_default().repeat(self.depth);
        metadata.get(&format!("{PREFIX}{inner}{}", key.strip_prefix(PREFIX).unwrap_or(key))).map(String::as_str)
    }

    pub(super) fn type_name(self) -> Option<&'a str> {
        self.get(TYPE)
    }

    pub(super) fn alias(self) -> &'a str {
        self.get(ALIAS).unwrap_or_default()
    }

    pub(super) fn description(self) -> &'a str {
        self.get(DESCRIPTION).unwrap_or_default()
    }

    pub(super) fn version(self) -> u32 {
        self.get(VERSION).and_then(|version| version.parse().ok()).unwrap_or(0)
    }

    pub(super) fn checksum(self) -> Option<u32> {
        u32::from_str_radix(self.get(CHECKSUM)?.strip_prefix("0x")?, 16).ok()
    }

    pub(super) fn encoding(self) -> Vec<ColumnEncoding> {
        self.get(ENCODING).and_then(|list| ColumnEncoding::parse_list(list).ok()).unwrap_or_default()
    }

    pub(super) fn source(self) -> Option<&'a str> {
        self.get(SOURCE)
    }

    pub(super) fn is_soa(self) -> bool {
        self.get(SOA).is_some()
    }

    pub(super) fn is_boxed(self) -> bool {
        self.get(BOXED).is_some()
    }

    pub(super) fn is_streamer(self) -> bool {
        self.get(STREAMER).is_some()
    }
}
