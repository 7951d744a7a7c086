//! A data set in a shared file: places clusters and keeps the file up to date.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rntuple_core::Error as FormatError;
use rntuple_core::arrow::Layout;
use rntuple_core::container::root_file::Anchor;
use rntuple_core::metadata::{AttributeSet, Locator};

use super::cluster::SealedCluster;
use super::container::Container;
use super::dataset::Dataset;
use super::embedding::Embedding;
use super::options::{Checkpoint, WriteOptions};
use crate::error::{Error, Result};
use crate::path::split;

/// The file that several writers share, or the objects of one.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    embedding: Arc<Mutex<Embedding>>,
    /// Directory, name and cycle of each data set that has a writer, or had one: no other may write there.
    claims: Arc<Mutex<HashSet<(usize, String, u16)>>>,
}

impl Shared {
    pub(super) fn new(embedding: Embedding) -> Self {
        Self { embedding: Arc::new(Mutex::new(embedding)), claims: Arc::default() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Embedding> {
        self.embedding.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the next cycle of a name for a new data set, which is not in the file before it is finished.
    fn claim_next(&self, container: &Container, folder: usize, name: &str) -> Result<u16> {
        let mut claims = self.claims.lock().unwrap_or_else(PoisonError::into_inner);
        let claimed = claims.iter().filter(|(other, of, _)| *other == folder && of == name).map(|(_, _, cycle)| *cycle);
        let next = container.next_cycle(folder, name, claimed.max().unwrap_or(0))?;
        claims.insert((folder, name.to_owned(), next));
        Ok(next)
    }

    /// Takes a data set that exists, to continue it; only one writer can do that.
    pub(super) fn claim(&self, folder: usize, name: &str, cycle: u16) -> Result<()> {
        let mut claims = self.claims.lock().unwrap_or_else(PoisonError::into_inner);
        if claims.insert((folder, name.to_owned(), cycle)) {
            return Ok(());
        }
        drop(claims);
        Err(self.argument(format!("'{name}' has or had a writer already; finish the file and open it again")))
    }

    /// An error of the format layer, with the name of the file.
    pub(super) fn format(&self, error: FormatError) -> Error {
        self.lock().format(error)
    }

    pub(super) fn argument(&self, reason: impl Into<String>) -> Error {
        self.lock().argument(reason)
    }

    /// The file, if nobody else writes to it.
    pub(super) fn into_inner(self) -> Result<Embedding> {
        let Self { embedding, claims } = self;
        match Arc::try_unwrap(embedding) {
            Ok(embedding) => Ok(embedding.into_inner().unwrap_or_else(PoisonError::into_inner)),
            Err(embedding) => Err(Self { embedding, claims }.argument("a writer of this file is not finished yet")),
        }
    }
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written {
    /// Number of entries of the data set.
    pub entries: u64,
    /// Number of its clusters.
    pub clusters: u64,
    /// Bytes of the file so far; without a file, those that were put.
    pub file_size: u64,
}

/// Where the anchor goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Into a directory, as this cycle of the name.
    Listed {
        /// Number of the directory.
        folder: usize,
        /// Cycle.
        cycle: u16,
    },
    /// Under the key of the objects.
    Base,
    /// Nowhere: another data set links to it.
    Linked,
}

/// A data set that is being written to a shared file.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) shared: Shared,
    pub(super) dataset: Dataset,
    place: Place,
    checkpoint: Checkpoint,
    clusters_since: u32,
    checkpointed: Instant,
}

impl Output {
    /// Starts a data set at a path such as `dir/Events`.
    pub(super) fn create(shared: &Shared, path: &str, layout: &Layout, options: &WriteOptions) -> Result<Self> {
        let start = |embedding: &mut Embedding, name: &str| {
            let dataset = Dataset::create(embedding, name, layout, options)?;
            embedding.add_classes(layout.schema());
            Ok(dataset)
        };
        Self::start(shared, path, start, options.checkpoint)
    }

    /// The same, with a data set that `start` begins, given its name.
    pub(super) fn start(
        shared: &Shared,
        path: &str,
        start: impl FnOnce(&mut Embedding, &str) -> Result<Dataset>,
        checkpoint: Checkpoint,
    ) -> Result<Self> {
        let path = path.trim_start_matches('/');
        let mut embedding = shared.lock();
        let (directory, name) = split(path);
        check_name(&embedding, name)?;
        let place = match &mut *embedding {
            Embedding::File(container) => {
                container.check_no_folder(path)?;
                let folder = container.folder(directory)?;
                Place::Listed { folder, cycle: shared.claim_next(container, folder, name)? }
            }
            Embedding::Objects(objects) if !directory.is_empty() => {
                return Err(objects.argument(format!("'{path}' has a directory, but objects have a key instead")));
            }
            Embedding::Objects(objects) => match objects.wanted_name().filter(|wanted| *wanted != name) {
                None => Place::Base,
                Some(wanted) => {
                    return Err(
                        objects.argument(format!("under this key, a data set is named '{wanted}', not '{name}'"))
                    );
                }
            },
        };
        let dataset = start(&mut embedding, name)?.in_directory(directory);
        drop(embedding);
        Ok(Self::new(shared.clone(), dataset, place, checkpoint))
    }

    /// Starts a data set that another one links to.
    pub(super) fn linked(shared: &Shared, name: &str, layout: &Layout, options: &WriteOptions) -> Result<Self> {
        let start = |embedding: &mut Embedding| {
            let dataset = Dataset::create(embedding, name, layout, options)?;
            embedding.add_classes(layout.schema());
            Ok(dataset)
        };
        Self::start_linked(shared, name, start, options)
    }

    /// The same, with a data set that `start` begins.
    pub(super) fn start_linked(
        shared: &Shared,
        name: &str,
        start: impl FnOnce(&mut Embedding) -> Result<Dataset>,
        options: &WriteOptions,
    ) -> Result<Self> {
        let mut embedding = shared.lock();
        check_name(&embedding, name)?;
        if let Embedding::Objects(objects) = &*embedding {
            // It has objects and an anchor of its own.
            let own = Shared::new(Embedding::Objects(Box::new(objects.attribute_set(name, options)?)));
            drop(embedding);
            let dataset = start(&mut own.lock())?;
            return Ok(Self::new(own, dataset, Place::Base, Checkpoint::Never));
        }
        let dataset = start(&mut embedding)?;
        drop(embedding);
        Ok(Self::new(shared.clone(), dataset, Place::Linked, Checkpoint::Never))
    }

    pub(super) fn new(shared: Shared, dataset: Dataset, place: Place, checkpoint: Checkpoint) -> Self {
        Self { shared, dataset, place, checkpoint, clusters_since: 0, checkpointed: Instant::now() }
    }

    /// Writes a cluster, and brings the file up to date if it is time.
    pub(super) fn add(&mut self, cluster: &SealedCluster) -> Result<()> {
        self.dataset.place(&mut self.shared.lock(), cluster)?;
        self.clusters_since += 1;
        let due = match self.checkpoint {
            Checkpoint::Never => false,
            Checkpoint::Clusters(n) => self.clusters_since >= n,
            Checkpoint::Every(time) => self.checkpointed.elapsed() >= time,
        };
        if due { self.commit() } else { Ok(()) }
    }

    /// Brings the file up to date.
    pub(super) fn commit(&mut self) -> Result<()> {
        self.put_anchor(false)?;
        self.shared.lock().commit()?;
        self.clusters_since = 0;
        self.checkpointed = Instant::now();
        Ok(())
    }

    fn put_anchor(&mut self, last: bool) -> Result<()> {
        let mut embedding = self.shared.lock();
        let anchor = self.dataset.write_metadata(&mut embedding, last)?;
        match (&mut *embedding, self.place) {
            (Embedding::File(container), Place::Listed { folder, cycle }) => {
                container.put(folder, Anchor::CLASS, self.dataset.name(), "", &anchor.serialize(), cycle)?;
            }
            (Embedding::Objects(objects), _) => {
                let set = objects.set_anchor(&anchor);
                set.map_err(|e| embedding.format(e))?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Writes the metadata for the last time.
    pub(super) fn finish(mut self) -> Result<Written> {
        self.put_anchor(true)?;
        let file_size = self.shared.lock().size();
        Ok(Written { entries: self.dataset.entries(), clusters: self.dataset.cluster_count(), file_size })
    }

    /// Writes the metadata, and an anchor for another data set to link to.
    pub(super) fn finish_linked(mut self) -> Result<AttributeSet> {
        let name = self.dataset.name().into();
        if let Place::Base = self.place {
            self.put_anchor(true)?;
            self.shared.lock().commit()?;
            // Its anchor is found by its name; ROOT leaves the link empty, too.
            let anchor = Locator::File { size: 0, offset: 0 };
            return Ok(AttributeSet { name, schema_version: [1, 0], anchor_len: 0, anchor });
        }
        let mut embedding = self.shared.lock();
        let anchor = self.dataset.write_metadata(&mut embedding, true)?.serialize();
        let offset = match &mut *embedding {
            Embedding::File(container) => container.unlisted(Anchor::CLASS, self.dataset.name(), &anchor)?,
            Embedding::Objects(objects) => return Err(objects.argument("an attribute set needs a key of its own")),
        };
        let size = anchor.len() as u64;
        Ok(AttributeSet {
            name,
            schema_version: [1, 0],
            anchor_len: u32::try_from(size).unwrap_or(u32::MAX),
            anchor: Locator::File { size, offset },
        })
    }
}

fn check_name(embedding: &Embedding, name: &str) -> Result<()> {
    let bad = |c: char| c.is_control() || matches!(c, '.' | '/' | '\\' | ' ' | ';');
    if name.is_empty() || name.chars().any(bad) {
        let reason =
            format!("'{name}' is no name for an RNTuple: it must not be empty or have blanks, '.', '/', '\\', ';'");
        return Err(embedding.argument(reason));
    }
    Ok(())
}
