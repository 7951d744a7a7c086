//! Copying data sets between files and stores: sealed pages are moved as they are.

use std::ops::ControlFlow;
use std::sync::Arc;

use rntuple_core::metadata::{EnvelopeKind, Locator};
use rntuple_core::schema::ColumnId;

use super::dataset::Dataset;
use super::embedding::Embedding;
use super::file::FileWriter;
use super::options::{Checkpoint, WriteOptions};
use super::output::{Output, Shared, Written};
use super::transfer::{Transfer, Treatment, pool};
use crate::copy::{Progress, go_on};
use crate::error::Result;
use crate::reader::NTuple;
use crate::storage::keyed::{KeyedStore, ObjectLayout};
use crate::threads::Threads;

impl FileWriter {
    /// Copies an RNTuple to a path of this file, whose last part is its name. Pages are moved as they are stored, with
    /// their checksums verified; attribute sets come along. Types of classes are described anew.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] for a data set with fields that this version does not know, or under another name;
    /// [`crate::Error::Format`] for a damaged one; [`crate::Error::Io`].
    pub fn copy(&self, ntuple: &NTuple, path: &str) -> Result<Written> {
        self.copy_with(ntuple, path, &mut |_, _| ControlFlow::Continue(()))
    }

    /// The same. `progress` is called now and then with entries done and entries of the data set.
    pub(crate) fn copy_with(&self, ntuple: &NTuple, path: &str, progress: Progress<'_>) -> Result<Written> {
        copy(self.shared(), ntuple, path, &WriteOptions::default(), progress)
    }
}

impl NTuple {
    /// Copies the RNTuple to a store that has keys, as [`Writer::to_store`](crate::Writer::to_store) would write it. Pages
    /// are moved as they are stored, with their checksums verified; attribute sets come along. Of the options, those of
    /// objects count.
    ///
    /// # Errors
    /// As [`FileWriter::copy`], and [`crate::Error::Argument`] for a key that cannot be one or that is taken.
    pub fn copy_to_store(
        &self,
        store_name: impl Into<Arc<str>>,
        store: Arc<dyn KeyedStore>,
        base: &str,
        options: &WriteOptions,
    ) -> Result<Written> {
        self.copy_to_store_with(store_name.into(), store, base, options, &mut |_, _| ControlFlow::Continue(()))
    }

    /// The same. `progress` is called now and then with entries done and entries of the data set.
    pub(crate) fn copy_to_store_with(
        &self,
        store_name: Arc<str>,
        store: Arc<dyn KeyedStore>,
        base: &str,
        options: &WriteOptions,
        progress: Progress<'_>,
    ) -> Result<Written> {
        let options = WriteOptions { checkpoint: Checkpoint::Never, ..options.clone() };
        let file = FileWriter::objects(store_name, store, base, &options)?;
        let mut written = copy(file.shared(), self, self.name(), &options, progress)?;
        written.file_size = file.finish()?;
        Ok(written)
    }
}

fn copy(
    shared: &Shared,
    ntuple: &NTuple,
    path: &str,
    options: &WriteOptions,
    progress: Progress<'_>,
) -> Result<Written> {
    if let (Embedding::Objects(objects), [name, ..]) = (&*shared.lock(), ntuple.attribute_sets().as_slice())
        && objects.layout() == ObjectLayout::KeyValue
    {
        return Err(objects.argument(format!("the key-value layout has no attribute sets, and there is '{name}'")));
    }
    let start = |embedding: &mut Embedding, name: &str| {
        if name != ntuple.name() {
            let reason = format!("a copy of '{}' cannot be named '{name}': the name is part of it", ntuple.name());
            return Err(embedding.argument(reason));
        }
        begin(embedding, ntuple, options)
    };
    let mut output = Output::start(shared, path, start, Checkpoint::Never)?;
    copy_clusters(&mut output, ntuple, options, progress)?;
    for name in ntuple.attribute_sets() {
        let set = ntuple.attribute_set(&name)?;
        let start = |embedding: &mut Embedding| begin(embedding, &set, options);
        let mut copied = Output::start_linked(&output.shared, &name, start, options)?;
        copy_clusters(&mut copied, &set, options, progress)?;
        output.dataset.add_attribute_set(copied.finish_linked()?);
    }
    output.finish()
}

/// Starts the copy: moves the header.
fn begin(embedding: &mut Embedding, ntuple: &NTuple, options: &WriteOptions) -> Result<Dataset> {
    if let [(field, reason), ..] = ntuple.unavailable()? {
        let reason = format!("the data set has a field '{field}' that this version cannot write: {reason}");
        return Err(embedding.argument(reason));
    }
    let data = &ntuple.data;
    let at = data.anchor.header;
    let locator = Locator::File { size: at.stored, offset: at.offset };
    let what = || "header envelope".to_owned();
    let packed = data.file.read_sealed_envelope(what, locator, at.length, data.anchor.max_key_size)?;
    let header = embedding.sealed_envelope(EnvelopeKind::Header, packed, at.length, options.max_key_size)?;
    embedding.add_classes(&data.schema);
    Ok(Dataset::copy_of(data, header, options))
}

fn copy_clusters(output: &mut Output, ntuple: &NTuple, options: &WriteOptions, progress: Progress<'_>) -> Result<()> {
    let data = &ntuple.data;
    let columns: Vec<ColumnId> = data.schema.columns().iter().map(|column| column.id).collect();
    let kept = vec![Treatment { reseal: None, zeros: 0, bits: 0, compression: 0 }; columns.len()];
    let (pool, mut copied) = (pool(), 0_u64);
    // Groups, and the clusters of each, come in the order of their entries.
    for group in 0..data.footer.cluster_groups.len() {
        for cluster in data.clusters(group, &columns)? {
            let mut embedding = output.shared.lock();
            let transfer = Transfer {
                data,
                id: output.dataset.cluster_count(),
                max_key_size: options.max_key_size,
                object_size: options.object_size,
                verify: true,
                threads: &Threads::Shared,
                pool: &pool,
            };
            let (pages, moved) = transfer.pages(&mut embedding, cluster, &kept)?;
            output.dataset.add(&mut embedding, &pages)?;
            go_on(progress, &data.file.name, output.dataset.entries(), ntuple.entries())?;
            copied = copied.saturating_add(moved.bytes);
            transfer.check_total(copied)?;
        }
    }
    Ok(())
}
