//! Writing one RNTuple from several threads.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use rntuple_core::Error as FormatError;
use rntuple_core::arrow::Layout;
use rntuple_core::row::Row;

use super::cluster::{ClusterBuilder, SealedCluster};
use super::file::FileWriter;
use super::ntuple::rehearse;
use super::options::WriteOptions;
use super::output::{Output, Shared, Written};
use super::rows::PendingRows;
use crate::error::{Error, Result};
use crate::storage::Storage;
use crate::storage::keyed::KeyedStore;
use crate::threads::Threads;

/// Writes an RNTuple from several threads: each fills whole clusters of its own through a [`FillContext`], and only
/// placing a complete cluster in the file takes a lock.
///
/// By default clusters follow each other as they are completed. With [`WriteOptions::ordered`], those of the context
/// that was made first come first, and so on, so that the same data give the same bytes; clusters wait in memory until
/// the contexts before theirs are finished.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (schema, batches): (arrow::datatypes::SchemaRef, Vec<arrow::array::RecordBatch>) = unimplemented!();
/// use rntuple_io::{ParallelWriter, WriteOptions};
///
/// let writer = ParallelWriter::create("events.root", "Events", schema, WriteOptions::default())?;
/// std::thread::scope(|scope| {
///     for chunk in batches.chunks(100) {
///         let mut context = writer.context()?;
///         scope.spawn(move || -> rntuple_io::Result<()> {
///             chunk.iter().try_for_each(|batch| context.append(batch))?;
///             context.finish()
///         });
///     }
///     Ok::<(), rntuple_io::Error>(())
/// })?;
/// writer.finish()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ParallelWriter {
    state: Arc<Mutex<State>>,
    shared: Shared,
    layout: Arc<Layout>,
    options: WriteOptions,
    file: Option<FileWriter>,
}

#[derive(Debug)]
struct State {
    output: Output,
    /// With ordered contexts: which one may place its clusters.
    turn: u64,
    /// What contexts that must wait have so far.
    waiting: BTreeMap<u64, Waiting>,
    contexts: u64,
    open_contexts: u64,
    /// Why the data set is not complete.
    failed: Option<String>,
}

#[derive(Debug, Default)]
struct Waiting {
    clusters: Vec<SealedCluster>,
    finished: bool,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ParallelWriter {
    /// Writes a new file with one RNTuple, as [`Writer::create`](crate::Writer::create) does.
    ///
    /// # Errors
    /// As there.
    pub fn create(path: impl AsRef<Path>, name: &str, schema: SchemaRef, options: WriteOptions) -> Result<Self> {
        rehearse(path.as_ref(), name, &schema, &options)?;
        let file = FileWriter::create_for(path.as_ref(), Some(name), &options, Storage::shared())?;
        let mut writer = file.parallel_ntuple(name, schema, options)?;
        writer.file = Some(file);
        Ok(writer)
    }

    /// Writes an RNTuple to a store that has keys, as [`Writer::to_store`](crate::Writer::to_store) does.
    ///
    /// # Errors
    /// As there.
    pub fn to_store(
        store_name: impl Into<Arc<str>>,
        store: Arc<dyn KeyedStore>,
        base: &str,
        name: &str,
        schema: SchemaRef,
        options: WriteOptions,
    ) -> Result<Self> {
        let file = FileWriter::objects(store_name.into(), store, base, &options)?;
        let mut writer = file.parallel_ntuple(name, schema, options)?;
        writer.file = Some(file);
        Ok(writer)
    }

    pub(super) fn start(shared: &Shared, path: &str, schema: &SchemaRef, options: WriteOptions) -> Result<Self> {
        if options.arrow_types {
            return Err(shared.argument("Arrow types that RNTuple cannot express are for writers of one thread"));
        }
        let layout = Layout::new(schema, &options.layout()).map_err(|e| shared.format(e))?;
        let output = Output::create(shared, path, &layout, &options)?;
        let (turn, waiting) = (0, BTreeMap::new());
        let state = State { output, turn, waiting, contexts: 0, open_contexts: 0, failed: None };
        let (state, layout) = (Arc::new(Mutex::new(state)), Arc::new(layout));
        Ok(Self { state, shared: shared.clone(), layout, options, file: None })
    }

    /// A context for one thread.
    ///
    /// # Errors
    /// [`crate::Error::Format`] for patterns in the options that match nothing.
    pub fn context(&self) -> Result<FillContext> {
        let builder = ClusterBuilder::new(Arc::clone(&self.layout), &self.options, Threads::One)
            .map_err(|e| self.shared.format(e))?;
        let mut state = lock(&self.state);
        let number = state.contexts;
        state.contexts += 1;
        state.open_contexts += 1;
        let (shared, ordered) = (self.shared.clone(), self.options.ordered);
        drop(state);
        let (state, rows) = (Arc::clone(&self.state), PendingRows::default());
        Ok(FillContext { state, shared, builder, rows, number, ordered, finished: false })
    }

    /// Number of entries in complete clusters that are placed in the file.
    #[must_use]
    pub fn entries(&self) -> u64 {
        lock(&self.state).output.dataset.entries()
    }

    /// Writes the metadata, as [`Writer::finish`](crate::Writer::finish) does.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] while a context is not finished, or after one failed or was dropped with entries.
    pub fn finish(self) -> Result<Written> {
        let problem = {
            let state = lock(&self.state);
            let open =
                (state.open_contexts > 0).then(|| format!("{} fill contexts are not finished", state.open_contexts));
            state.failed.clone().or(open)
        };
        if let Some(problem) = problem {
            return Err(self.shared.argument(problem));
        }
        let Ok(state) = Arc::try_unwrap(self.state) else {
            return Err(self.shared.argument("a fill context is still in use"));
        };
        drop(self.shared);
        let state = state.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut written = state.output.finish()?;
        if let Some(file) = self.file {
            written.file_size = file.finish()?;
        }
        Ok(written)
    }
}

/// Fills clusters of a [`ParallelWriter`], on one thread.
#[derive(Debug)]
pub struct FillContext {
    state: Arc<Mutex<State>>,
    shared: Shared,
    builder: ClusterBuilder,
    rows: PendingRows,
    number: u64,
    ordered: bool,
    finished: bool,
}

impl FillContext {
    /// Adds entries, as [`Writer::append`](crate::Writer::append) does.
    ///
    /// # Errors
    /// As there; the data set can then not be finished.
    pub fn append(&mut self, batch: &RecordBatch) -> Result<()> {
        self.flush_rows()?;
        self.append_batch(batch)
    }

    /// Adds one entry, as [`Writer::append_row`](crate::Writer::append_row) does.
    ///
    /// # Errors
    /// As there.
    #[inline]
    pub fn append_row<T: Row>(&mut self, row: &T) -> Result<()> {
        match self.rows.push(row) {
            Ok([None, None]) => Ok(()),
            Ok(due) => due.iter().flatten().try_for_each(|batch| self.append_batch(batch)),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// What a context has lost, the data set lacks.
    fn failed(&self, error: FormatError) -> Error {
        lock(&self.state).failed.get_or_insert_with(|| format!("a fill context failed: {error}"));
        self.shared.format(error)
    }

    fn flush_rows(&mut self) -> Result<()> {
        let rows = self.rows.take().map_err(|e| self.failed(e))?;
        rows.map_or(Ok(()), |batch| self.append_batch(&batch))
    }

    fn append_batch(&mut self, batch: &RecordBatch) -> Result<()> {
        let mut done = 0;
        while done < batch.num_rows() {
            let rest = batch.slice(done, batch.num_rows() - done);
            let appended = self.builder.append(&rest);
            let (rows, complete) = appended.map_err(|e| self.failed(e))?;
            done += rows;
            if complete {
                self.end_cluster()?;
            }
        }
        Ok(())
    }

    /// Ends the open cluster, if it has entries.
    ///
    /// # Errors
    /// As [`FillContext::append`].
    pub fn flush_cluster(&mut self) -> Result<()> {
        self.flush_rows()?;
        self.end_cluster()
    }

    fn end_cluster(&mut self) -> Result<()> {
        let sealed = self.builder.finish().map_err(|e| self.failed(e))?;
        let Some(sealed) = sealed else { return Ok(()) };
        let mut state = lock(&self.state);
        if self.ordered && state.turn != self.number {
            state.waiting.entry(self.number).or_default().clusters.push(sealed);
            return Ok(());
        }
        state.add(&sealed)
    }

    /// Ends the context.
    ///
    /// # Errors
    /// As [`FillContext::append`].
    pub fn finish(mut self) -> Result<()> {
        self.flush_cluster()?;
        self.finished = true;
        let mut state = lock(&self.state);
        state.open_contexts -= 1;
        if self.ordered { state.end_turn(self.number) } else { Ok(()) }
    }
}

impl State {
    fn add(&mut self, cluster: &SealedCluster) -> Result<()> {
        if let Some(problem) = &self.failed {
            return Err(self.output.shared.argument(format!("the data set cannot be finished: {problem}")));
        }
        let added = self.output.add(cluster);
        if let Err(error) = &added {
            self.failed.get_or_insert_with(|| error.to_string());
        }
        added
    }

    /// A context is finished: the next one may place its clusters, if it was its turn.
    fn end_turn(&mut self, number: u64) -> Result<()> {
        self.waiting.entry(number).or_default().finished = true;
        while let Some(waiting) = self.waiting.get_mut(&self.turn) {
            let clusters = std::mem::take(&mut waiting.clusters);
            let finished = waiting.finished;
            clusters.iter().try_for_each(|cluster| self.add(cluster))?;
            if !finished {
                break;
            }
            self.waiting.remove(&self.turn);
            self.turn += 1;
        }
        Ok(())
    }
}

impl Drop for FillContext {
    fn drop(&mut self) {
        if !self.finished {
            let entries = self.builder.entries() + self.rows.len();
            let problem =
                format!("a fill context was dropped without being finished, with {entries} entries unwritten");
            let mut state = lock(&self.state);
            state.open_contexts = state.open_contexts.saturating_sub(1);
            state.failed.get_or_insert(problem);
        }
    }
}
