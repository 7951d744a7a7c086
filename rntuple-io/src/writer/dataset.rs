//! One RNTuple in a file that is being written: where its clusters lie, and its envelopes.

use std::sync::Arc;

use rntuple_core::arrow::Layout;
use rntuple_core::compression::{self, CompressionSettings};
use rntuple_core::container::root_file::{Anchor, EnvelopePlace};
use rntuple_core::metadata::{
    AttributeSet, ClusterGroup, ClusterListing, ClusterPages, ClusterSummary, ColumnPages, EnvelopeKind, EnvelopeLink,
    Footer, Header, HeaderNames, PageInfo, SerializedEnvelope, serialize_page_list,
};
use rntuple_core::schema::{Column, ColumnId, ExtraTypeInfo, Schema, SchemaBuilder};

use super::cluster::SealedCluster;
use super::container::Container;
use super::embedding::Embedding;
use super::journal;
use super::options::WriteOptions;
use crate::error::Result;
use crate::reader::DataSet;

/// Format version that is written: epoch, major, minor, patch.
const VERSION: [u16; 4] = [1, 0, 2, 0];
/// A journal record that is larger than a record can be is left out.
const MAX_JOURNAL: usize = 1 << 30;
/// What stands in the header as the writer.
const WRITER: &str = concat!("rntuple-rs v", env!("CARGO_PKG_VERSION"));

/// An RNTuple that is being written.
#[derive(Debug)]
pub(super) struct Dataset {
    name: String,
    /// Directories and name.
    path: String,
    options: WriteOptions,
    schema: Arc<Schema>,
    header: EnvelopePlace,
    header_checksum: u64,
    /// Format version of the anchor.
    version: [u16; 4],
    max_key_size: u64,
    clusters: Vec<ClusterListing>,
    /// For each column, the elements in all clusters so far.
    elements: Vec<u64>,
    entries: u64,
    /// Cluster groups of checkpoints: those of the clusters that no page list has yet start behind the last one.
    checkpoints: Vec<ClusterGroup>,
    attribute_sets: Vec<AttributeSet>,
}

impl Dataset {
    /// Starts a data set: writes its header.
    pub(super) fn create(
        embedding: &mut Embedding,
        name: &str,
        layout: &Layout,
        options: &WriteOptions,
    ) -> Result<Self> {
        Self::with_schema(embedding, name, &options.description, Arc::clone(layout.schema()), options)
    }

    /// The same, given the schema, of which the header has what is no extension.
    pub(super) fn with_schema(
        embedding: &mut Embedding,
        name: &str,
        description: &str,
        schema: Arc<Schema>,
        options: &WriteOptions,
    ) -> Result<Self> {
        let names = HeaderNames { name, description, writer: WRITER };
        let envelope = Header::serialize(&names, &schema).map_err(|e| embedding.format(e))?;
        let header = embedding.envelope(EnvelopeKind::Header, &envelope, options.compression, options.max_key_size)?;
        Ok(Self {
            name: name.to_owned(),
            path: name.to_owned(),
            options: options.clone(),
            elements: schema.columns().iter().map(|column| column.first_element).collect(),
            schema,
            header,
            header_checksum: envelope.checksum,
            version: VERSION,
            max_key_size: options.max_key_size,
            clusters: Vec::new(),
            entries: 0,
            checkpoints: Vec::new(),
            attribute_sets: Vec::new(),
        })
    }

    /// Continues a data set that exists, with all its clusters.
    pub(super) fn resume(
        data: &DataSet,
        mut clusters: Vec<ClusterPages>,
        options: &WriteOptions,
    ) -> rntuple_core::Result<Self> {
        // One page list will hold all of them, numbered in the order of their entries.
        clusters.sort_by_key(|cluster| (cluster.summary.first_entry, cluster.summary.entries));
        for (cluster, id) in clusters.iter_mut().zip(0..) {
            cluster.summary.id = id;
        }
        let end_of = |column: &Column| {
            let listed = clusters.iter().filter_map(|cluster| cluster.columns.get(column.id.0 as usize));
            let stored = listed.filter(|pages| pages.compression.is_some());
            let ends =
                stored.map(|pages| pages.first_element.saturating_add(pages.elements.saturating_sub(pages.zeros)));
            ends.max().unwrap_or(column.first_element)
        };
        let mut elements: Vec<u64> = data.schema.columns().iter().map(end_of).collect();
        // Whatever representation a cluster has its elements in, they count in all.
        for field in data.schema.fields().iter().filter(|field| field.source.is_none()) {
            let all: Vec<&[ColumnId]> = data.schema.representations(field).collect();
            for n in 0..all.first().map_or(0, |first| first.len()) {
                let ids = || all.iter().filter_map(|columns| columns.get(n)).map(|id| id.0 as usize);
                let most = ids().filter_map(|i| elements.get(i).copied()).max().unwrap_or(0);
                ids().for_each(|i| elements.get_mut(i).into_iter().for_each(|count| *count = most));
            }
        }
        Ok(Self {
            name: data.header.name.to_string(),
            path: data.header.name.to_string(),
            options: options.clone(),
            schema: Arc::clone(&data.schema),
            header: data.anchor.header,
            header_checksum: data.header.checksum,
            version: VERSION,
            max_key_size: data.anchor.max_key_size,
            elements,
            entries: data.entries,
            clusters: clusters.iter().map(ClusterListing::new).collect::<rntuple_core::Result<_>>()?,
            checkpoints: Vec::new(),
            attribute_sets: data.footer.attribute_sets.clone(),
        })
    }

    /// Starts a copy of a data set, whose header is written already.
    pub(super) fn copy_of(data: &DataSet, header: EnvelopePlace, options: &WriteOptions) -> Self {
        Self {
            name: data.header.name.to_string(),
            path: data.header.name.to_string(),
            options: options.clone(),
            schema: Arc::clone(&data.schema),
            header,
            header_checksum: data.header.checksum,
            version: data.anchor.version,
            max_key_size: options.max_key_size,
            clusters: Vec::new(),
            elements: vec![0; data.schema.columns().len()],
            entries: 0,
            checkpoints: Vec::new(),
            attribute_sets: Vec::new(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Says in which directory of the file the anchor will be, for a recovery.
    pub(super) fn in_directory(mut self, directory: &str) -> Self {
        if !directory.is_empty() {
            self.path = format!("{directory}/{}", self.name);
        }
        self
    }

    pub(super) fn entries(&self) -> u64 {
        self.entries
    }

    pub(super) fn cluster_count(&self) -> u64 {
        self.clusters.len() as u64
    }

    pub(super) fn add_attribute_set(&mut self, set: AttributeSet) {
        self.attribute_sets.push(set);
    }

    pub(super) fn has_attribute_set(&self, name: &str) -> bool {
        self.attribute_sets.iter().any(|set| &*set.name == name)
    }

    pub(super) fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// Takes over a schema with an extension.
    pub(super) fn set_schema(&mut self, schema: Arc<Schema>) {
        // Deferred columns count their elements as if they had always been there.
        let new = schema.columns().iter().skip(self.elements.len());
        self.elements.extend(new.map(|column| column.first_element));
        self.schema = schema;
    }

    /// Adds type information that comes with the data set, such as streamer info.
    pub(super) fn add_type_info(&mut self, extra: impl IntoIterator<Item = ExtraTypeInfo>) {
        let mut builder = SchemaBuilder::resume(Schema::clone(&self.schema));
        extra.into_iter().for_each(|extra| builder.add_extra(extra));
        self.schema = Arc::new(builder.finish());
    }

    /// Writes the pages of a cluster, and where they lie for a scan that has no page list.
    pub(super) fn place(&mut self, embedding: &mut Embedding, cluster: &SealedCluster) -> Result<()> {
        let summary =
            ClusterSummary { id: self.clusters.len() as u64, first_entry: self.entries, entries: cluster.entries };
        let mut placer = embedding.placer(summary.id, self.max_key_size, self.options.same_page_merging)?;
        let mut columns = Vec::with_capacity(cluster.columns.len());
        for (i, sealed) in cluster.columns.iter().enumerate() {
            let first_element = self.elements.get(i).copied().unwrap_or(0);
            let mut out = ColumnPages {
                column: ColumnId(u32::try_from(i).unwrap_or(u32::MAX)),
                suppressed: sealed.is_none(),
                compression: sealed.as_ref().map(|(_, compression)| *compression),
                zeros: 0,
                first_element,
                elements: 0,
                pages: Vec::new(),
            };
            if let Some((sealed, _)) = sealed {
                placer.column(out.column)?;
                out.pages.reserve_exact(sealed.len());
                for page in sealed {
                    let locator = placer.place(page.checksum, &page.bytes)?;
                    let (elements, checksum) = (page.elements, page.checksum);
                    out.pages.push(PageInfo { first: out.elements, elements, checksum, locator });
                    out.elements += u64::from(elements);
                }
            }
            columns.push(out);
        }
        placer.flush()?;
        drop(placer);
        self.add(embedding, &ClusterPages { summary, columns })
    }

    /// Takes a cluster whose pages are written.
    pub(super) fn add(&mut self, embedding: &mut Embedding, pages: &ClusterPages) -> Result<()> {
        self.clusters.push(ClusterListing::new(pages).map_err(|e| embedding.format(e))?);
        // Only now: a cluster that could not be placed leaves no gap.
        for (total, column) in self.elements.iter_mut().zip(&pages.columns) {
            *total = total.saturating_add(column.elements);
        }
        self.entries = self.entries.saturating_add(pages.summary.entries);
        match embedding {
            Embedding::File(container) => self.write_journal(container),
            // Objects stay whatever happens to the writer, but nobody could tell what they are.
            Embedding::Objects(_) => Ok(()),
        }
    }

    /// Leaves a page list of the newest cluster behind it, which only a recovery looks for.
    fn write_journal(&self, container: &mut Container) -> Result<()> {
        let Some(newest) = self.clusters.last() else { return Ok(()) };
        let page_list = serialize_page_list(self.header_checksum, std::slice::from_ref(newest));
        let page_list = page_list.map_err(|e| container.format(e))?;
        let footer = Footer { attribute_sets: self.attribute_sets.clone(), ..Footer::default() };
        let footer = footer.serialize(self.header_checksum, &self.schema).map_err(|e| container.format(e))?;
        let record = journal::Record {
            header: self.header,
            max_key_size: self.max_key_size,
            path: self.path.clone(),
            page_list: page_list.bytes,
            footer: footer.bytes,
        };
        let record = record.serialize(self.options.compression).map_err(|e| container.format(e))?;
        // Never split: only one who knows the maximum key size could put it together again.
        if record.len() <= MAX_JOURNAL {
            container.blob(&[&record])?;
        }
        // What a buffer holds dies with the process.
        container.flush()
    }

    /// Writes the page list and the footer; gives the anchor that makes them a data set. `last`: no more will follow,
    /// so that one page list is written for all clusters; older readers know only the first.
    pub(super) fn write_metadata(&mut self, embedding: &mut Embedding, last: bool) -> Result<Anchor> {
        let mut groups = if last { Vec::new() } else { self.checkpoints.clone() };
        let listed: usize = groups.iter().map(|group| group.clusters as usize).sum();
        let rest = self.clusters.get(listed..).unwrap_or_default();
        if let (Some(first), Some(end)) = (rest.first(), rest.last()) {
            let (ClusterSummary { first_entry, id, .. }, end) = (first.summary(), end.summary());
            let entries = end.first_entry.saturating_add(end.entries).saturating_sub(first_entry);
            let envelope = serialize_page_list(self.header_checksum, rest).map_err(|e| embedding.format(e))?;
            let clusters = u32::try_from(rest.len()).unwrap_or(u32::MAX);
            let place =
                embedding.envelope(EnvelopeKind::PageList, &envelope, self.options.compression, self.max_key_size)?;
            let page_list = EnvelopeLink { length: place.length, locator: embedding.locator(place) };
            groups.push(ClusterGroup { first_entry, entries, clusters, first_cluster: id, page_list });
        }
        self.checkpoints.clone_from(&groups);
        let footer = Footer { cluster_groups: groups, attribute_sets: self.attribute_sets.clone() };
        let envelope = footer.serialize(self.header_checksum, &self.schema).map_err(|e| embedding.format(e))?;
        let place = embedding.envelope(EnvelopeKind::Footer, &envelope, self.options.compression, self.max_key_size)?;
        Ok(Anchor::new(self.version, self.header, place, self.max_key_size))
    }
}

/// Compresses and writes an envelope.
pub(super) fn store(
    container: &mut Container,
    envelope: &SerializedEnvelope,
    compression: CompressionSettings,
    max_key_size: u64,
) -> Result<EnvelopePlace> {
    let mut packed = Vec::new();
    compression::compress(compression, &envelope.bytes, &mut packed).map_err(|e| container.format(e.into()))?;
    let offset = container.payload(&packed, max_key_size)?;
    Ok(EnvelopePlace { offset, stored: packed.len() as u64, length: envelope.bytes.len() as u64 })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rntuple_core::schema::FieldRole;

    use super::*;
    use crate::reader::Reader;

    #[test]
    fn elements_count_in_all_representations() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../format-spec/vectors/representations.root");
        let ntuple = Reader::open(path).unwrap().only().unwrap();
        let data = &ntuple.data;
        let ids: Vec<ColumnId> = data.schema.columns().iter().map(|column| column.id).collect();
        let groups = 0..data.footer.cluster_groups.len();
        let clusters = groups.flat_map(|group| data.clusters(group, &ids).unwrap()).collect();
        let dataset = Dataset::resume(data, clusters, &WriteOptions::default()).unwrap();
        let mut several = 0;
        for field in data.schema.top_level().filter(|field| field.role == FieldRole::Plain && field.source.is_none()) {
            let all: Vec<&[ColumnId]> = data.schema.representations(field).collect();
            several += usize::from(all.len() > 1);
            for id in all.iter().filter_map(|columns| columns.first()) {
                assert_eq!(dataset.elements[id.0 as usize], data.entries, "column {} of {}", id.0, field.name);
            }
        }
        assert!(several > 2);
    }
}
