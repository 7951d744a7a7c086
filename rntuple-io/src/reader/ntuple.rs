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
use crate::storage::ByteSource;
use crate::storage::keyed::{self, KeyedStore, ObjectSpace};

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
        Ok(Self { data: Arc::new(DataSet::open(file, anchor, None)?) })
    }

    /// Opens an RNTuple that lies in a store without a file: in the native object layout, or in the key-value layout.
    /// `base` is its key: that of the anchor, or container and name joined by a slash; `name` is for messages.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use rntuple_io::storage::keyed::{KeyedStore, MemoryStore};
    ///
    /// let store: Arc<dyn KeyedStore> = Arc::new(MemoryStore::new());
    /// let missing = rntuple_io::NTuple::from_store("memory", store, "run1/Events");
    /// assert!(matches!(missing, Err(rntuple_io::Error::NotFound { .. })));
    /// ```
    ///
    /// # Errors
    /// [`Error::NotFound`] without an anchor, [`Error::Io`], and [`Error::Format`] when its metadata cannot be read.
    pub fn from_store(name: impl Into<Arc<str>>, store: Arc<dyn KeyedStore>, base: &str) -> Result<Self> {
        let name = name.into();
        let found = keyed::open(&name, store, base)?;
        let wanted = found.0.keys.name_of(base).map(str::to_owned);
        let ntuple = Self::from_found(Arc::clone(&name), found)?;
        // The number of a data set in its container may be that of another name, too.
        match wanted.filter(|wanted| wanted != ntuple.name()) {
            None => Ok(ntuple),
            Some(path) => {
                let hint = format!("; '{}' has the same number", ntuple.name());
                Err(Error::NotFound { file: name, path, hint })
            }
        }
    }

    pub(crate) fn from_found(name: Arc<str>, (objects, anchor): keyed::Found) -> Result<Self> {
        let source: Arc<dyn ByteSource> = Arc::clone(&objects) as _;
        Ok(Self { data: Arc::new(DataSet::open(File::new(name, source), anchor, Some(objects))?) })
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
        check_attribute_version(file, set)?;
        if let Some(objects) = &self.data.objects {
            return self.attribute_set_in(objects, set);
        }
        let anchor = read_attribute_anchor(file, anchor, set)?;
        Self::open(file.clone(), anchor)
    }

    /// What reading cost so far: from this file, all its data sets and scans together.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.data.file.metrics()
    }

    /// An attribute set that lies in objects has an anchor under a key of its own.
    fn attribute_set_in(&self, objects: &ObjectSpace, set: &AttributeSet) -> Result<Self> {
        let file = &self.data.file;
        let what = || format!("attribute set '{}'", set.name);
        let format = |reason| file.format(FormatError::Inconsistent { what: "anchor", reason }.within(what()));
        let base = objects.keys.attribute_set(&set.name).map_err(format)?;
        match Self::from_store(Arc::clone(&file.name), Arc::clone(&objects.store), &base) {
            // The set is said to be there.
            Err(Error::NotFound { .. }) => Err(format(format!("object '{base}' is missing"))),
            opened => opened,
        }
    }

    /// Starts to read data: choose fields, entries and resources, then [`Scan::open`].
    pub fn scan(&self) -> Scan {
        Scan::new(Arc::clone(&self.data))
    }
}

fn check_attribute_version(file: &File, set: &AttributeSet) -> Result<()> {
    if set.schema_version[0] == 1 {
        return Ok(());
    }
    let reason = format!("schema version {} is unknown to this version", set.schema_version[0]);
    Err(file.format(FormatError::FieldUnavailable { field: set.name.to_string(), reason }))
}

fn read_attribute_anchor(file: &File, main: &Anchor, set: &AttributeSet) -> Result<Anchor> {
    let what = || format!("anchor of attribute set '{}'", set.name);
    let Locator::File { size, offset } = set.anchor else {
        let reason = "its locator does not point into a file".to_owned();
        return Err(file.format(FormatError::Inconsistent { what: "anchor", reason }.within(what())));
    };
    let payload = file.read_payload(what, offset, size, main.max_key_size)?;
    Anchor::from_record(&payload, set.anchor_len).context(what).map_err(|e| file.format(e))
}
