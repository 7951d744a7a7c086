//! Open RNTuples.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arrow::datatypes::Schema as ArrowSchema;
use pyo3::prelude::*;
use rntuple_io::{EntryReader, Scan};

use crate::batch::Batch;
use crate::error::raise;
use crate::keys::{Key, keys};
use crate::schema::Schema;
use crate::stream::Stream;
use crate::work::{fallible, threads};

/// With more fields than this, they are chosen by a schema: patterns are each compared with every field.
const MANY: usize = 64;

/// An open RNTuple.
#[pyclass(frozen, module = "rntuple._lib")]
#[derive(Debug)]
pub(crate) struct NTuple {
    inner: rntuple_io::NTuple,
    /// Bytes of the file that it is in.
    file_size: Option<u64>,
    keys: OnceLock<(Vec<Key>, HashMap<String, usize>)>,
    /// For reading single rows.
    rows: Arc<Mutex<Option<EntryReader>>>,
}

impl NTuple {
    pub(crate) fn new(inner: rntuple_io::NTuple, file_size: Option<u64>) -> Self {
        Self { inner, file_size, keys: OnceLock::new(), rows: Arc::default() }
    }

    fn index(&self) -> &(Vec<Key>, HashMap<String, usize>) {
        self.keys.get_or_init(|| {
            let keys = keys(self.inner.schema());
            let mut places = HashMap::with_capacity(keys.len());
            for (i, key) in keys.iter().enumerate() {
                places.entry(key.path.clone()).or_insert(i);
            }
            (keys, places)
        })
    }

    /// Whether fields have types that only Arrow knows; the first call may read them from the file.
    fn has_arrow_types(&self, py: Python<'_>) -> PyResult<bool> {
        let ntuple = self.inner.clone();
        if !ntuple.attribute_sets().iter().any(|set| set == rntuple_core::arrow::logical::RECORD) {
            return Ok(false);
        }
        fallible(py, move || ntuple.logical_schema()).map(|schema| schema.is_some())
    }

    /// A scan of some fields, by their paths on storage.
    fn choose(&self, py: Python<'_>, fields: Option<Vec<String>>) -> PyResult<Scan> {
        let scan = self.inner.scan();
        if self.has_arrow_types(py)? {
            let scan = scan.arrow_types(true);
            return Ok(match fields {
                None => scan,
                Some(fields) => scan.columns(fields),
            });
        }
        let Some(fields) = fields else { return Ok(scan) };
        let special = |field: &String| field.contains(['*', '?']);
        if fields.len() <= MANY && !fields.iter().any(special) {
            return Ok(scan.columns(fields));
        }
        let nested = |field: &String| field.contains('.');
        if fields.iter().any(nested) {
            return Ok(scan.columns(fields));
        }
        let all = self.inner.arrow_schema().map_err(|error| raise(py, &error))?;
        let wanted: std::collections::HashSet<&str> = fields.iter().map(String::as_str).collect();
        let chosen: Vec<_> =
            all.fields().iter().filter(|field| wanted.contains(field.name().as_str())).cloned().collect();
        if chosen.len() < wanted.len() {
            // Says which field cannot be read, and why.
            return Ok(scan.columns(fields));
        }
        Ok(scan.schema(Arc::new(ArrowSchema::new(chosen))))
    }
}

/// What a scan is to use.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Resources {
    batch_rows: Option<usize>,
    memory: Option<usize>,
    threads: Option<usize>,
    large_offsets: bool,
    strings_as_binary: bool,
}

impl Resources {
    fn apply(&self, mut scan: Scan) -> Scan {
        if let Some(rows) = self.batch_rows {
            scan = scan.batch_rows(rows);
        }
        if let Some(bytes) = self.memory {
            scan = scan.memory(bytes);
        }
        if let Some(threads) = threads(self.threads) {
            scan = scan.threads(threads);
        }
        scan.large_offsets(self.large_offsets).strings_as_binary(self.strings_as_binary)
    }
}

#[pymethods]
impl NTuple {
    #[getter]
    fn name(&self) -> &str {
        self.inner.name()
    }

    #[getter]
    fn description(&self) -> &str {
        self.inner.description()
    }

    #[getter]
    fn writer(&self) -> &str {
        self.inner.writer()
    }

    #[getter]
    fn file(&self) -> &str {
        self.inner.file_name()
    }

    #[getter]
    fn file_size(&self) -> Option<u64> {
        self.file_size
    }

    #[getter]
    fn entries(&self) -> u64 {
        self.inner.entries()
    }

    #[getter]
    fn clusters(&self) -> u64 {
        self.inner.cluster_count()
    }

    /// Arrow schema of all fields that can be read.
    fn schema(&self, py: Python<'_>) -> PyResult<Schema> {
        if self.has_arrow_types(py)? {
            let scan = self.inner.scan().arrow_types(true).entries(0..0).threads(1);
            return Ok(Schema::new(fallible(py, move || scan.open())?.schema()));
        }
        self.inner.arrow_schema().map(Schema::new).map_err(|error| raise(py, &error))
    }

    /// Fields that cannot be read, with the reason.
    fn unavailable(&self, py: Python<'_>) -> PyResult<Vec<(String, String)>> {
        self.inner.unavailable().map(<[_]>::to_vec).map_err(|error| raise(py, &error))
    }

    /// Path, name, type, description and depth of each field that has a name.
    fn keys(&self) -> Vec<(&str, &str, &str, &str, usize)> {
        self.index()
            .0
            .iter()
            .map(|key| (&*key.path, &*key.name, &*key.type_name, &*key.description, key.depth))
            .collect()
    }

    /// Path on storage of the field that has this key.
    fn stored(&self, key: &str) -> Option<&str> {
        let (keys, places) = self.index();
        places.get(key).and_then(|&i| keys.get(i)).map(|key| &*key.stored)
    }

    #[pyo3(signature = (fields, start, stop, resources))]
    fn scan(
        &self,
        py: Python<'_>,
        fields: Option<Vec<String>>,
        start: u64,
        stop: u64,
        resources: Resources,
    ) -> PyResult<Stream> {
        let scan = resources.apply(self.choose(py, fields)?).entries(start..stop);
        Ok(Stream::new(fallible(py, move || scan.open())?))
    }

    /// Arrow schema of a scan.
    #[pyo3(signature = (fields, resources))]
    fn scan_schema(&self, py: Python<'_>, fields: Option<Vec<String>>, resources: Resources) -> PyResult<Schema> {
        let scan = resources.apply(self.choose(py, fields)?).entries(0..0);
        scan.threads(1).open().map(|batches| Schema::new(batches.schema())).map_err(|error| raise(py, &error))
    }

    /// One entry, of all fields. What was read for it is kept for its neighbours.
    fn row(&self, py: Python<'_>, entry: u64) -> PyResult<Batch> {
        let (rows, ntuple) = (Arc::clone(&self.rows), self.inner.clone());
        let batch = fallible(py, move || {
            let mut rows = rows.lock().unwrap_or_else(PoisonError::into_inner);
            let reader = match &mut *rows {
                Some(reader) => reader,
                // One entry is little work, and the reader may be used after a fork.
                none => none.insert(ntuple.scan().arrow_types(true).threads(1).random_access()?),
            };
            reader.read(entry..entry + 1)
        })?;
        Ok(Batch::new(batch))
    }

    fn attribute_sets(&self) -> Vec<String> {
        self.inner.attribute_sets()
    }

    fn attribute_set(&self, py: Python<'_>, name: String) -> PyResult<Self> {
        let ntuple = self.inner.clone();
        Ok(Self::new(fallible(py, move || ntuple.attribute_set(&name))?, self.file_size))
    }

    /// Checks every checksum; gives what is damaged: what, offset and reason.
    fn verify(&self, py: Python<'_>) -> PyResult<Vec<(String, u64, String)>> {
        let ntuple = self.inner.clone();
        let report = fallible(py, move || ntuple.verify(&|_, _| {}))?;
        Ok(report.damage.into_iter().map(|damage| (damage.what, damage.offset, damage.reason)).collect())
    }
}
