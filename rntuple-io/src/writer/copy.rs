//! Copying data sets between files and stores: sealed pages are moved as they are.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use rntuple_core::metadata::{ClusterPages, EnvelopeKind, Locator, PageInfo};
use rntuple_core::page::{sealed_len, verify};
use rntuple_core::schema::ColumnId;
use rntuple_core::{Context, Error as FormatError};

use super::dataset::Dataset;
use super::embedding::Embedding;
use super::file::FileWriter;
use super::options::{Checkpoint, WriteOptions};
use super::output::{Output, Shared, Written};
use crate::error::Result;
use crate::reader::{DataSet, NTuple};
use crate::storage::keyed::{KeyedStore, ObjectLayout};

/// Bytes of pages that are held at once, unless objects are larger.
const MIN_CHUNK: u64 = 16 << 20;
const MAX_CHUNK: u64 = 256 << 20;

impl FileWriter {
    /// Copies an RNTuple to a path of this file, whose last part is its name. Pages are moved as they are stored, with
    /// their checksums verified; attribute sets come along. Types of classes are described anew.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] for a data set with fields that this version does not know, or under another name;
    /// [`crate::Error::Format`] for a damaged one; [`crate::Error::Io`].
    pub fn copy(&self, ntuple: &NTuple, path: &str) -> Result<Written> {
        self.copy_with(ntuple, path, &mut |_, _| ())
    }

    /// The same. `progress` is called now and then with entries done and entries of the data set.
    pub(crate) fn copy_with(&self, ntuple: &NTuple, path: &str, progress: &mut dyn FnMut(u64, u64)) -> Result<Written> {
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
        self.copy_to_store_with(store_name.into(), store, base, options, &mut |_, _| ())
    }

    /// The same. `progress` is called now and then with entries done and entries of the data set.
    pub(crate) fn copy_to_store_with(
        &self,
        store_name: Arc<str>,
        store: Arc<dyn KeyedStore>,
        base: &str,
        options: &WriteOptions,
        progress: &mut dyn FnMut(u64, u64),
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
    progress: &mut dyn FnMut(u64, u64),
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
        copy_clusters(&mut copied, &set, options, &mut |_, _| ())?;
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

fn copy_clusters(
    output: &mut Output,
    ntuple: &NTuple,
    options: &WriteOptions,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<()> {
    let data = &ntuple.data;
    let columns: Vec<ColumnId> = data.schema.columns().iter().map(|column| column.id).collect();
    let mut copied = 0_u64;
    // Groups, and the clusters of each, come in the order of their entries.
    for group in 0..data.footer.cluster_groups.len() {
        for cluster in data.clusters(group, &columns)? {
            let mut embedding = output.shared.lock();
            let id = output.dataset.cluster_count();
            let (pages, bytes) = Copy { data, options, id }.pages(&mut embedding, cluster)?;
            output.dataset.add(&mut embedding, &pages)?;
            progress(output.dataset.entries(), ntuple.entries());
            copied = copied.saturating_add(bytes);
            if data.objects.is_none() && copied > data.file.size() {
                let reason = "its pages overlap each other: together they are larger than the file".to_owned();
                return Err(data.file.format(FormatError::Inconsistent { what: "page list", reason }));
            }
        }
    }
    Ok(())
}

/// Copies the pages of a cluster.
struct Copy<'a> {
    data: &'a DataSet,
    options: &'a WriteOptions,
    /// Number of the cluster in the copy.
    id: u64,
}

/// A page that several places share: by its locator; in the key-value layout, only places of one column can.
type Source = (Option<ColumnId>, Locator, bool);

impl Copy<'_> {
    /// Gives the cluster with the places that its pages have now, and the bytes that were copied.
    fn pages(&self, embedding: &mut Embedding, mut cluster: ClusterPages) -> Result<(ClusterPages, u64)> {
        cluster.summary.id = self.id;
        let per_column =
            matches!(&*embedding, Embedding::Objects(objects) if objects.layout() == ObjectLayout::KeyValue);
        let source = |column: ColumnId, page: &PageInfo| -> Source {
            (per_column.then_some(column), page.locator, page.checksum)
        };
        let mut moved: HashMap<Source, Locator> = HashMap::new();
        let limit = self.options.object_size.clamp(MIN_CHUNK, MAX_CHUNK);
        let (mut chunk, mut chunk_len, mut bytes) = (Vec::new(), 0, 0_u64);
        for column in &cluster.columns {
            for page in &column.pages {
                // The place is filled in when it is known.
                if moved.insert(source(column.column, page), Locator::Unknown { kind: 0 }).is_some() {
                    continue;
                }
                let len = sealed_len(page).unwrap_or(u64::MAX);
                if chunk_len + len.min(limit) > limit {
                    self.chunk(embedding, &std::mem::take(&mut chunk), |column, page, locator| {
                        moved.insert(source(column, page), locator);
                    })?;
                    chunk_len = 0;
                }
                chunk.push((column.column, *page));
                chunk_len += len.min(limit);
                bytes = bytes.saturating_add(len);
            }
        }
        self.chunk(embedding, &chunk, |column, page, locator| {
            moved.insert(source(column, page), locator);
        })?;
        for column in &mut cluster.columns {
            for page in &mut column.pages {
                if let Some(locator) = moved.get(&source(column.column, page)) {
                    page.locator = *locator;
                }
            }
        }
        Ok((cluster, bytes))
    }

    /// Copies some pages, and tells where they are.
    fn chunk(
        &self,
        embedding: &mut Embedding,
        pages: &[(ColumnId, PageInfo)],
        mut placed: impl FnMut(ColumnId, &PageInfo, Locator),
    ) -> Result<()> {
        if pages.is_empty() {
            return Ok(());
        }
        let infos: Vec<PageInfo> = pages.iter().map(|(_, page)| *page).collect();
        let sealed: Vec<Bytes> = self.data.sealed_pages(&infos)?;
        let mut placer = embedding.placer(self.id, self.options.max_key_size, false)?;
        let mut open = None;
        for ((column, page), sealed) in pages.iter().zip(&sealed) {
            let what = || format!("page of column {} in cluster {}", column.0, self.id);
            verify(sealed, page).context(what).map_err(|e| self.data.file.format(e))?;
            if open.replace(*column) != Some(*column) {
                placer.column(*column)?;
            }
            placed(*column, page, placer.place(page.checksum, sealed)?);
        }
        placer.flush()
    }
}
