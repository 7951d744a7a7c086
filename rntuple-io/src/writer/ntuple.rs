//! Writing one RNTuple, from one thread.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{BinaryArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use rntuple_core::Error as FormatError;
use rntuple_core::arrow::Layout;
use rntuple_core::arrow::logical::{Logical, RECORD, RECORD_FIELD};
use rntuple_core::container::root_file::StreamerInfoList;
use rntuple_core::row::Row;
use rntuple_core::schema::ExtraTypeInfo;

use super::attributes::AttributeWriter;
use super::cluster::ClusterBuilder;
use super::file::FileWriter;
use super::options::{Checkpoint, WriteOptions};
use super::output::{Output, Shared, Written};
use super::rows::PendingRows;
use crate::error::Result;
use crate::storage::keyed::KeyedStore;
use crate::storage::{MemorySink, Storage};
use crate::threads::Threads;

/// Writes an RNTuple from Arrow record batches.
///
/// The schema says which fields there are; `rntuple.` metadata of its fields, as a scan gives them, is kept (types,
/// versions, descriptions, encodings, projections).
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let batch: arrow::array::RecordBatch = unimplemented!();
/// use rntuple_io::{WriteOptions, Writer};
///
/// let mut writer = Writer::create("events.root", "Events", batch.schema(), WriteOptions::default())?;
/// writer.append(&batch)?;
/// println!("{} entries", writer.finish()?.entries);
/// # Ok(())
/// # }
/// ```
///
/// A writer that is dropped without [`Writer::finish`] leaves nothing behind, unless it writes
/// [checkpoints](crate::Checkpoint).
#[derive(Debug)]
pub struct Writer {
    output: Output,
    /// The file, if it is this writer's own.
    file: Option<FileWriter>,
    builder: ClusterBuilder,
    rows: PendingRows,
    options: WriteOptions,
    /// How Arrow types that RNTuple cannot express are stored, if they are taken.
    logical: Option<Logical>,
    failed: bool,
}

impl Writer {
    /// Writes a new file with one RNTuple. An existing file is replaced when the new one is complete.
    ///
    /// # Errors
    /// [`crate::Error::Io`], and [`crate::Error::Format`] for a schema that cannot be written.
    pub fn create(path: impl AsRef<Path>, name: &str, schema: SchemaRef, options: WriteOptions) -> Result<Self> {
        rehearse(path.as_ref(), name, &schema, &options)?;
        let file = FileWriter::create_for(path.as_ref(), Some(name), &options, Storage::shared())?;
        let mut writer = file.ntuple(name, schema, options)?;
        writer.file = Some(file);
        Ok(writer)
    }

    /// Writes an RNTuple to a store that has keys, without a file: `base` is its key (see [`NTuple::from_store`]), `store_name`
    /// is for messages. Options of objects count: layout, size, and whether a data set that is there is replaced.
    ///
    /// It becomes visible when it is complete, or at checkpoints. What a writer puts that is not finished is found by
    /// [`orphans`](crate::storage::keyed::orphans), and so is what was replaced.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use arrow::array::{Int32Array, RecordBatch};
    /// # let batch = RecordBatch::try_from_iter([("x", Arc::new(Int32Array::from(vec![1, 2, 3])) as _)])?;
    /// use std::sync::Arc;
    /// use rntuple_io::storage::keyed::{KeyedStore, MemoryStore};
    /// use rntuple_io::{NTuple, WriteOptions, Writer};
    ///
    /// let store: Arc<dyn KeyedStore> = Arc::new(MemoryStore::new());
    /// let (schema, options) = (batch.schema(), WriteOptions::default());
    /// let mut writer = Writer::to_store("memory", Arc::clone(&store), "run1/Events", "Events", schema, options)?;
    /// writer.append(&batch)?;
    /// writer.finish()?;
    /// assert_eq!(NTuple::from_store("memory", store, "run1/Events")?.entries(), 3);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`crate::Error::Argument`] for a key that cannot be one or that is taken; otherwise as [`Writer::create`].
    ///
    /// [`NTuple::from_store`]: crate::NTuple::from_store
    pub fn to_store(
        store_name: impl Into<Arc<str>>,
        store: Arc<dyn KeyedStore>,
        base: &str,
        name: &str,
        schema: SchemaRef,
        options: WriteOptions,
    ) -> Result<Self> {
        let file = FileWriter::objects(store_name.into(), store, base, &options)?;
        let mut writer = file.ntuple(name, schema, options)?;
        writer.file = Some(file);
        Ok(writer)
    }

    pub(super) fn start(shared: &Shared, path: &str, schema: &SchemaRef, options: WriteOptions) -> Result<Self> {
        let logical = if options.arrow_types { Some(Logical::of(schema)) } else { None };
        let logical = logical.transpose().map_err(|e| shared.format(e))?;
        let stored = logical.as_ref().map_or(schema, Logical::physical_schema);
        let layout = Layout::new(stored, &options.layout()).map_err(|e| shared.format(e))?;
        let builder = builder(shared, layout, &options)?;
        let output = Output::create(shared, path, builder.layout(), &options)?;
        let mut writer = Self::with(output, builder, options);
        if let Some(logical) = logical {
            writer.keep_schema(&logical)?;
            writer.logical = Some(logical);
        }
        Ok(writer)
    }

    /// Keeps an Arrow schema that would not come back without. It holds for all entries, those to come included, so that
    /// checkpoints have it, too.
    fn keep_schema(&mut self, logical: &Logical) -> Result<()> {
        if logical.is_plain().map_err(|e| self.output.shared.format(e))? {
            return Ok(());
        }
        let schema = Arc::new(Schema::new(vec![Field::new(RECORD_FIELD, DataType::Binary, false)]));
        let bytes = BinaryArray::from_vec(vec![&logical.record()]);
        let record = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(bytes)]);
        let record = record.map_err(|e| self.output.shared.format(e.into()))?;
        let mut set = self.attribute_set(RECORD, &schema)?;
        set.append(std::slice::from_ref(&(0..0)), &record)?;
        self.add_attribute_set(set)
    }

    pub(super) fn resume(output: Output, layout: Layout, options: WriteOptions) -> Result<Self> {
        let builder = builder(&output.shared, layout, &options)?;
        Ok(Self::with(output, builder, options))
    }

    fn with(output: Output, builder: ClusterBuilder, options: WriteOptions) -> Self {
        Self { output, file: None, builder, rows: PendingRows::default(), options, logical: None, failed: false }
    }

    /// The Arrow fields that batches must have; projected fields are not among them.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        match &self.logical {
            Some(logical) => Arc::clone(logical.schema()),
            None => self.builder.layout().arrow_schema(),
        }
    }

    /// Number of entries so far.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.output.dataset.entries() + self.builder.entries() + self.rows.len()
    }

    /// Number of clusters that are complete.
    #[must_use]
    pub fn clusters(&self) -> u64 {
        self.output.dataset.cluster_count()
    }

    /// Adds entries. The columns of the batch are found by name; those that are no fields are ignored.
    ///
    /// # Errors
    /// [`crate::Error::Format`] for a missing field, one of another Arrow type, a null where there can be none, and a
    /// value that its encoding cannot hold; [`crate::Error::Io`]. Nothing can be added after an error that came in the
    /// middle of a batch.
    pub fn append(&mut self, batch: &RecordBatch) -> Result<()> {
        self.flush_rows()?;
        self.append_batch(batch)
    }

    /// Adds one entry, of a type that `#[derive(Row)]` was put on and whose schema this writer has:
    ///
    /// ```no_run
    /// use rntuple_io::{Row, WriteOptions, Writer};
    ///
    /// #[derive(Row)]
    /// struct Event {
    ///     run: u32,
    ///     muon_pt: Vec<f32>,
    /// }
    ///
    /// # fn main() -> rntuple_io::Result<()> {
    /// let mut writer = Writer::create("events.root", "Events", Event::schema(), WriteOptions::default())?;
    /// writer.append_row(&Event { run: 1, muon_pt: vec![21.5, 38.0] })?;
    /// writer.finish()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Entries are collected into batches: an error may be about one that was added before, and after it nothing can be
    /// added.
    ///
    /// # Errors
    /// As [`Writer::append`].
    #[inline]
    pub fn append_row<T: Row>(&mut self, row: &T) -> Result<()> {
        match self.rows.push(row) {
            Ok([None, None]) => Ok(()),
            due => self.append_rows(due.map(|due| due.into_iter().flatten().collect())),
        }
    }

    fn flush_rows(&mut self) -> Result<()> {
        let rows = self.rows.take();
        self.append_rows(rows.map(|batch| batch.into_iter().collect()))
    }

    /// Rows that were accepted are lost with the one that is refused: the writer cannot go on as if nothing was.
    fn append_rows(&mut self, due: rntuple_core::Result<Vec<RecordBatch>>) -> Result<()> {
        let done = due.map_err(|e| self.output.shared.format(e));
        let done = done.and_then(|due| due.iter().try_for_each(|batch| self.append_batch(batch)));
        self.failed |= done.is_err();
        done
    }

    fn append_batch(&mut self, batch: &RecordBatch) -> Result<()> {
        let stored = match &self.logical {
            Some(logical) => &logical.to_physical(batch).map_err(|e| self.output.shared.format(e))?,
            None => batch,
        };
        let batch = stored;
        self.guarded(|writer| {
            let mut done = 0;
            while done < batch.num_rows() {
                let rest = batch.slice(done, batch.num_rows() - done);
                let appended = writer.builder.append(&rest).map_err(|error| {
                    // What is refused before anything was taken leaves the writer as it was.
                    writer.failed = done > 0 || !is_refusal(&error);
                    writer.output.shared.format(error)
                });
                let (rows, complete) = appended?;
                done += rows;
                if complete {
                    writer.end_cluster()?;
                }
            }
            Ok(())
        })
    }

    /// Runs a step that leaves the writer unusable when it fails, unless it says otherwise.
    fn guarded<T>(&mut self, step: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.failed {
            return Err(self.output.shared.argument("the writer failed before; what it wrote is incomplete"));
        }
        self.failed = true;
        let done = step(self)?;
        self.failed = false;
        Ok(done)
    }

    /// Ends the open cluster, if it has entries: the next entries start a new one.
    ///
    /// # Errors
    /// As [`Writer::append`].
    pub fn flush_cluster(&mut self) -> Result<()> {
        self.flush_rows()?;
        self.guarded(Self::end_cluster)
    }

    fn end_cluster(&mut self) -> Result<()> {
        let sealed = self.builder.finish().map_err(|e| self.output.shared.format(e))?;
        sealed.map_or(Ok(()), |sealed| self.output.add(&sealed))
    }

    /// Ends the open cluster and brings the file on storage up to date: after this, it is complete.
    ///
    /// # Errors
    /// As [`Writer::append`].
    pub fn checkpoint(&mut self) -> Result<()> {
        self.flush_cluster()?;
        self.guarded(|writer| writer.output.commit())
    }

    /// Adds top-level fields. Entries so far have zeros, empty collections and absent values there; the open cluster is
    /// ended first.
    ///
    /// # Errors
    /// As [`Writer::append`], and for a name that is there already.
    pub fn extend(&mut self, fields: impl IntoIterator<Item = Field>) -> Result<()> {
        self.flush_cluster()?;
        let mut fields: Vec<_> = fields.into_iter().map(Arc::new).collect();
        let shared = self.output.shared.clone();
        let format = |e: FormatError| shared.format(e);
        let mut extended = None;
        if let Some(known) = &self.logical {
            let known = known.schema();
            let all = known.fields().iter().chain(&fields).cloned().collect::<Vec<_>>();
            let all = Schema::new_with_metadata(all, known.metadata().clone());
            let logical = Logical::of(&Arc::new(all)).map_err(format)?;
            let stored: Vec<_> =
                logical.physical_schema().fields().iter().skip(known.fields().len()).cloned().collect();
            // The record of Arrow types is written already.
            if let Some((field, _)) = fields.iter().zip(&stored).find(|(field, stored)| !same_type(field, stored)) {
                let (name, data_type) = (field.name(), field.data_type());
                let reason = format!("field '{name}': a field of Arrow type {data_type} must be there from the start");
                return Err(shared.argument(reason));
            }
            fields = stored;
            extended = Some(logical);
        }
        let dataset = &mut self.output.dataset;
        // Type information was added to the schema of the data set only.
        let layout = self.builder.layout().with_schema(Arc::clone(dataset.schema()));
        let layout = layout.extend(&fields, &self.options.layout(), dataset.entries()).map_err(format)?;
        let layout = Arc::new(layout);
        self.builder.set_layout(Arc::clone(&layout), &self.options).map_err(format)?;
        dataset.set_schema(Arc::clone(layout.schema()));
        shared.lock().add_classes(layout.schema());
        self.logical = extended;
        Ok(())
    }

    /// Adds type information that comes with the data set, such as the streamer info of streamer fields.
    pub fn add_type_info(&mut self, extra: impl IntoIterator<Item = ExtraTypeInfo>) {
        self.output.dataset.add_type_info(extra);
    }

    /// Adds descriptions of C++ classes to the file, as [`Reader::streamer_info`](crate::Reader::streamer_info) gives
    /// them. Those of the schema's own classes are added in any case.
    pub fn add_streamer_info(&mut self, list: &StreamerInfoList) {
        self.output.shared.lock().add_streamer_info(list);
    }

    /// Starts an attribute set: a data set of its own that annotates ranges of entries of this one. `schema` has the
    /// fields of the annotation. It is written with [`Writer::add_attribute_set`].
    ///
    /// # Errors
    /// [`crate::Error::Format`] for a schema that cannot be written.
    pub fn attribute_set(&self, name: &str, schema: &SchemaRef) -> Result<AttributeWriter> {
        AttributeWriter::start(&self.output.shared, name, schema, &self.options)
    }

    /// Writes an attribute set and links it to this data set.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] for a name that is there already or starts with `__`, [`crate::Error::Io`].
    pub fn add_attribute_set(&mut self, set: AttributeWriter) -> Result<()> {
        let name = set.name();
        if name.starts_with("__") || self.output.dataset.has_attribute_set(name) {
            let reason = format!("'{name}' cannot be the name of a further attribute set");
            return Err(self.output.shared.argument(reason));
        }
        let set = set.finish()?;
        self.output.dataset.add_attribute_set(set);
        Ok(())
    }

    /// Writes what is left, and makes the data set visible: together with its file, if the file is the writer's own;
    /// otherwise [`FileWriter::finish`] does that.
    ///
    /// # Errors
    /// As [`Writer::append`].
    pub fn finish(mut self) -> Result<Written> {
        self.flush_cluster()?;
        let mut written = self.output.finish()?;
        if let Some(file) = self.file {
            written.file_size = file.finish()?;
        }
        Ok(written)
    }
}

/// Finds out what an existing file must not be emptied for: an RNTuple that cannot be written.
pub(super) fn rehearse(path: &Path, name: &str, schema: &SchemaRef, options: &WriteOptions) -> Result<()> {
    if options.checkpoint == Checkpoint::Never || !path.exists() {
        return Ok(());
    }
    let file = FileWriter::to_sink(path.to_string_lossy(), Box::new(MemorySink::new()), options)?;
    file.ntuple(name, Arc::clone(schema), options.clone()).map(drop)
}

fn builder(shared: &Shared, layout: Layout, options: &WriteOptions) -> Result<ClusterBuilder> {
    let threads = Threads::new(options.threads).map_err(|e| shared.argument(format!("no threads: {e}")))?;
    ClusterBuilder::new(Arc::new(layout), options, threads).map_err(|e| shared.format(e))
}

fn same_type(a: &Field, b: &Field) -> bool {
    a.data_type().equals_datatype(b.data_type())
}

/// Whether an error came before anything of a batch was taken.
pub(super) fn is_refusal(error: &FormatError) -> bool {
    use FormatError as E;
    matches!(error, E::Cast { .. } | E::NoSuchField { .. } | E::Value { .. } | E::Unwritable { .. })
}
