//! An open RNTuple.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use rntuple_core::container::root_file::Anchor;
use rntuple_core::metadata::{AttributeSet, Locator};
use rntuple_core::schema::Schema;
use rntuple_core::{Context, Error as FormatError};

use super::dataset::DataSet;
use super::file::File;
use super::metrics::Metrics;
use super::scan::Scan;
use crate::error::{Error, Result};

/// An open RNTuple: schema, counts, and the way to its data.
///
/// Cheap to clone, and to be shared between threads. Opening reads the anchor and the header and footer envelopes;
/// page lists are read when data are asked for, and of them only what concerns the columns asked for.
#[derive(Debug, Clone)]
pub struct NTuple {
    pub(crate) data: Arc<DataSet>,
}

impl NTuple {
    pub(super) fn open(file: File, anchor: Anchor) -> Result<Self> {
        Ok(Self { data: Arc::new(DataSet::open(file, anchor)?) })
    }

    /// Name of the data set.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.data.header.name
    }

    /// Description of the data set.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.data.header.description
    }

    /// Program or library that wrote it.
    #[must_use]
    pub fn writer(&self) -> &str {
        &self.data.header.writer
    }

    /// The file that it is in, as it was named on opening.
    #[must_use]
    pub fn file_name(&self) -> &str {
        &self.data.file.name
    }

    /// Format version that the writer supports: epoch, major, minor, patch.
    #[must_use]
    pub fn format_version(&self) -> [u16; 4] {
        self.data.anchor.version
    }

    /// Number of entries.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.data.entries
    }

    /// Number of clusters.
    #[must_use]
    pub fn cluster_count(&self) -> u64 {
        self.data.footer.cluster_groups.iter().map(|group| u64::from(group.clusters)).sum()
    }

    /// Number of cluster groups.
    #[must_use]
    pub fn cluster_group_count(&self) -> usize {
        self.data.footer.cluster_groups.len()
    }

    /// The RNTuple schema: fields and columns.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.data.schema
    }

    /// The Arrow schema of all fields that can be read.
    ///
    /// # Errors
    /// [`Error::Format`] when Arrow cannot express the schema.
    pub fn arrow_schema(&self) -> Result<SchemaRef> {
        Ok(Arc::clone(self.data.everything()?.schema()))
    }

    /// Top-level fields that this version cannot read, each with the reason. The others can be read.
    ///
    /// # Errors
    /// As [`NTuple::arrow_schema`].
    pub fn unavailable(&self) -> Result<&[(String, String)]> {
        Ok(self.data.everything()?.skipped())
    }

    /// Names of the linked attribute sets.
    #[must_use]
    pub fn attribute_sets(&self) -> Vec<String> {
        self.data.footer.attribute_sets.iter().map(|set| set.name.to_string()).collect()
    }

    /// Opens a linked attribute set: an RNTuple whose entries annotate ranges of entries of this one. Its fields are
    /// `_rangeStart`, `_rangeLen` and the record `_userData`.
    ///
    /// # Errors
    /// [`Error::NotFound`], and [`Error::Format`] when it cannot be read or has a schema version other than 1.
    pub fn attribute_set(&self, name: &str) -> Result<Self> {
        let DataSet { file, anchor, footer, .. } = &*self.data;
        let Some(set) = footer.attribute_sets.iter().find(|set| &*set.name == name) else {
            let hint = match self.attribute_sets().join(", ") {
                names if names.is_empty() => "; the data set has no attribute sets".to_owned(),
                names => format!("; there are the attribute sets: {names}"),
            };
            return Err(Error::NotFound { file: Arc::clone(&file.name), path: name.to_owned(), hint });
        };
        let anchor = read_attribute_anchor(file, anchor, set)?;
        Self::open(file.clone(), anchor)
    }

    /// What reading cost so far: from this file, all its data sets and scans together.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.data.file.metrics()
    }

    /// Starts to read data: choose fields, entries and resources, then [`Scan::open`].
    pub fn scan(&self) -> Scan {
        Scan::new(Arc::clone(&self.data))
    }
}

fn read_attribute_anchor(file: &File, main: &Anchor, set: &AttributeSet) -> Result<Anchor> {
    let what = || format!("anchor of attribute set '{}'", set.name);
    if set.schema_version[0] != 1 {
        let reason = format!("schema version {} is unknown to this version", set.schema_version[0]);
        return Err(file.format(FormatError::FieldUnavailable { field: set.name.to_string(), reason }));
    }
    let Locator::File { size, offset } = set.anchor else {
        let reason = "its locator does not point into a file".to_owned();
        return Err(file.format(FormatError::Inconsistent { what: "anchor", reason }.within(what())));
    };
    let payload = file.read_payload(what, offset, size, main.max_key_size)?;
    Anchor::from_record(&payload, set.anchor_len).context(what).map_err(|e| file.format(e))
}
