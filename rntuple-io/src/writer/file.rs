//! Writing several RNTuples to one file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use super::container::Container;
use super::embedding::Embedding;
use super::ntuple::Writer;
use super::objects::Objects;
use super::options::{Checkpoint, WriteOptions};
use super::output::Shared;
use super::parallel::ParallelWriter;
use super::resume::resume;
use crate::error::{Error, Result};
use crate::reader::File;
use crate::storage::keyed::{KeyedStore, is_inner};
use crate::storage::{ByteSink, FileInPlace, Name, Storage};

/// The path of what must be a local file, because it is changed where it is.
fn local(name: &Path) -> Result<PathBuf> {
    let file: Arc<str> = name.to_string_lossy().into();
    let path = Name::of(name).map_err(|e| Error::io(&file, "cannot be opened", e))?.into_path();
    let reason = "only a local file can be written in place, as checkpoints and additions to a file are";
    path.ok_or_else(|| Error::Argument { file, reason: reason.to_owned() })
}

/// A ROOT file to which RNTuples are written, one after the other or several at once.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (events, runs): (arrow::array::RecordBatch, arrow::array::RecordBatch) = unimplemented!();
/// use rntuple_io::{FileWriter, WriteOptions};
///
/// let file = FileWriter::create("run.root", &WriteOptions::default())?;
/// let mut a = file.ntuple("Events", events.schema(), WriteOptions::default())?;
/// let mut b = file.ntuple("meta/Runs", runs.schema(), WriteOptions::default())?;
/// a.append(&events)?;
/// b.append(&runs)?;
/// a.finish()?;
/// b.finish()?;
/// file.finish()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct FileWriter {
    shared: Shared,
    /// The file as it was, if it is not a new one.
    existing: Option<File>,
}

impl FileWriter {
    /// Starts a new file, given its path or URI ([`Storage`] tells which there are), or a data set without a file, which takes
    /// one RNTuple. It appears under its name with
    /// [`FileWriter::finish`]; with checkpoints, it is written in place from the start. Of the options, those of the file
    /// count here: checkpoints, time, UUID, compression of the streamer info.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Argument`] for checkpoints of what is no local file.
    pub fn create(name: impl AsRef<Path>, options: &WriteOptions) -> Result<Self> {
        Self::create_with(name, options, Storage::shared())
    }

    /// The same, with settings of one's own for what is not a local file.
    ///
    /// # Errors
    /// As [`FileWriter::create`].
    pub fn create_with(name: impl AsRef<Path>, options: &WriteOptions, storage: &Storage) -> Result<Self> {
        Self::create_for(name.as_ref(), None, options, storage)
    }

    /// The same, for a data set that will have this name.
    pub(super) fn create_for(
        path: &Path,
        ntuple: Option<&str>,
        options: &WriteOptions,
        storage: &Storage,
    ) -> Result<Self> {
        let name: Arc<str> = path.to_string_lossy().into();
        let io = |e| Error::io(&name, "cannot be created", e);
        if let Some(keyed) = storage.keyed(path, true).map_err(io)? {
            let base = ntuple.map_or_else(|| keyed.base.clone(), |ntuple| keyed.key_of(ntuple));
            return Self::objects(name, keyed.store, &base, &options.clone().object_layout(keyed.layout));
        }
        let in_place = options.checkpoint != Checkpoint::Never;
        let sink: Box<dyn ByteSink> = if in_place {
            Box::new(FileInPlace::create(&local(path)?).map_err(io)?)
        } else {
            storage.sink(path).map_err(io)?
        };
        let file = Self::to_sink(Arc::clone(&name), sink, options)?;
        if in_place {
            file.shared.lock().commit()?;
        }
        Ok(file)
    }

    /// Starts a new file in any sink; `name` is for messages, and its last part is the name within the file.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn to_sink(name: impl Into<Arc<str>>, sink: Box<dyn ByteSink>, options: &WriteOptions) -> Result<Self> {
        let container = Container::create(name.into(), sink, options)?;
        Ok(Self { shared: Shared::new(Embedding::File(Box::new(container))), existing: None })
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// The objects of one data set, in place of a file.
    pub(super) fn objects(
        name: Arc<str>,
        store: Arc<dyn KeyedStore>,
        base: &str,
        options: &WriteOptions,
    ) -> Result<Self> {
        if let Some(part) = base.split('/').find(|part| is_inner(part)) {
            let reason = format!("'{base}' is no key for a data set: '{part}' is within one");
            return Err(Error::Argument { file: name, reason });
        }
        let objects = Objects::create(name, store, base, options)?;
        Ok(Self { shared: Shared::new(Embedding::Objects(Box::new(objects))), existing: None })
    }

    /// Opens a ROOT file that exists, to add RNTuples to it. Its content stays as it is; what is added becomes visible
    /// with [`FileWriter::finish`] or at checkpoints, and until then readers see the file as it was. Nothing keeps two
    /// `FileWriter`s, here or in another process, from writing over each other: have one at a time.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Format`] when it is no ROOT file or its directories are damaged; [`Error::Argument`] when
    /// it is shorter than it says.
    pub fn open(path: impl AsRef<Path>, options: &WriteOptions) -> Result<Self> {
        let path = local(path.as_ref())?;
        let file = File::open(&path, Storage::shared())?;
        let sink = FileInPlace::open(&path).map_err(|e| Error::io(&file.name, "cannot be opened", e))?;
        let sink = Box::new(sink);
        let container = Container::open(&file, sink, options)?;
        Ok(Self { shared: Shared::new(Embedding::File(Box::new(container))), existing: Some(file) })
    }

    /// Starts an RNTuple at a path such as `Events` or `dir/sub/Events`; directories that are missing are made. If there
    /// is one of that name, this becomes its next cycle.
    ///
    /// # Errors
    /// [`Error::Format`] for a schema that cannot be written, [`Error::Argument`] for an impossible name or that of a
    /// directory, [`Error::Io`].
    #[expect(clippy::needless_pass_by_value, reason = "as in Writer::create, and schemas are cheap to clone")]
    pub fn ntuple(&self, path: &str, schema: SchemaRef, options: WriteOptions) -> Result<Writer> {
        Writer::start(&self.shared, path, &schema, options)
    }

    /// The same, to be written from several threads.
    ///
    /// # Errors
    /// As [`FileWriter::ntuple`].
    #[expect(clippy::needless_pass_by_value, reason = "as in FileWriter::ntuple")]
    pub fn parallel_ntuple(&self, path: &str, schema: SchemaRef, options: WriteOptions) -> Result<ParallelWriter> {
        ParallelWriter::start(&self.shared, path, &schema, options)
    }

    /// Continues an RNTuple of a file that was [opened](FileWriter::open): entries, fields and attribute sets can be
    /// added. Its encodings stay; of the options, those of compression, clusters, pages and threads count. Found are the
    /// RNTuples that the file has on storage, each to be continued once.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Argument`] for a data set with fields that this version does not know, for one that
    /// had a writer already, and for a file that is new.
    pub fn reopen(&self, path: &str, options: WriteOptions) -> Result<Writer> {
        match &self.existing {
            Some(file) => resume(file, &self.shared, path, options),
            None => Err(self.shared.argument("the file is new: there is nothing to continue")),
        }
    }

    /// Makes everything visible; gives the size of the file in bytes. Writers of this file must be finished before.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Argument`] while a writer of this file is not finished.
    pub fn finish(self) -> Result<u64> {
        self.shared.into_inner()?.finish()
    }
}
