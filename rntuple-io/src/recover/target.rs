//! Writes the recovered file.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use rntuple_core::container::root_file::{Anchor, EnvelopePlace};
use rntuple_core::metadata::{
    AttributeSet, ClusterGroup, ClusterListing, EnvelopeLink, Footer, Locator, serialize_page_list,
};

use super::data_set::Found;
use super::directories::Tree;
use super::evidence::Evidence;
use crate::copy::{Progress, go_on};
use crate::error::{Error, Result};
use crate::reader::File;
use crate::storage::{ByteSink, NewFile};
use crate::writer::Salvage;

/// Format version that is written where no anchor says which it was.
const VERSION: [u16; 4] = [1, 0, 2, 0];
/// Bytes copied at once.
const CHUNK: usize = 1 << 20;

/// Where the anchor of a data set goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Destination {
    /// It stays where it is.
    Keep {
        /// Path of the directory.
        directory: String,
    },
    /// A directory, with the cycle if it had one.
    Listed {
        /// Path of the directory.
        directory: String,
        /// Name of the anchor.
        name: String,
        /// Cycle; none for the next one.
        cycle: Option<u16>,
    },
    /// Another data set links to it: number of that data set, and the link.
    Linked {
        /// Number of the data set that it is an attribute set of.
        parent: usize,
        /// What the link says.
        set: AttributeSet,
        /// Whether it stays as it is.
        keep: bool,
    },
    /// It is not part of the file any more.
    Nowhere,
}

/// A sink for the target, and a name for messages.
pub(super) struct Target {
    pub(super) name: Arc<str>,
    sink: Box<dyn ByteSink>,
}

impl Target {
    pub(super) fn create(path: &Path) -> Result<Self> {
        let name: Arc<str> = path.to_string_lossy().into();
        let sink = NewFile::create(path).map_err(|e| Error::io(&name, "cannot be created", e))?;
        let sink = Box::new(sink);
        Ok(Self { name, sink })
    }

    fn copy(&mut self, file: &File, end: u64, progress: Progress<'_>) -> Result<()> {
        let mut at = 0;
        while at < end {
            let len = usize::try_from(end - at).unwrap_or(CHUNK).min(CHUNK);
            let bytes = file.read(|| "copying".to_owned(), at, len as u64)?;
            self.sink.write_at(at, &bytes).map_err(|e| Error::io(&self.name, "writing", e))?;
            at += len as u64;
            go_on(progress, &self.name, file.size().saturating_add(at), 2 * file.size())?;
        }
        Ok(())
    }

    /// Writes an equal file; gives its size.
    pub(super) fn equal(mut self, file: &File, progress: Progress<'_>) -> Result<u64> {
        self.copy(file, file.size(), progress)?;
        self.sink.finish().map_err(|e| Error::io(&self.name, "finishing", e))?;
        Ok(file.size())
    }

    /// Writes what was found; gives the size of the file.
    pub(super) fn write(
        mut self,
        file: &File,
        evidence: &Evidence,
        tree: Tree,
        found: &[Found],
        destinations: &[Destination],
        progress: Progress<'_>,
    ) -> Result<u64> {
        let end = end(file, evidence, &tree, found, destinations);
        self.copy(file, end, progress)?;
        let mut salvage = Salvage::start(self.name, self.sink, tree.salvage(file, evidence, end)?);
        // Attribute sets first: what they are linked by comes later.
        let mut links: HashMap<usize, Vec<AttributeSet>> = HashMap::new();
        for (i, destination) in destinations.iter().enumerate() {
            if let Destination::Linked { parent, set, keep } = destination {
                let set = match (found.get(i), evidence.data_sets.get(i)) {
                    (Some(found), Some(at)) if !*keep => {
                        let (place, version) = metadata(&mut salvage, at, found, Vec::new())?;
                        salvage.linked(set, &Anchor::new(version, at.place, place, at.max_key_size))?
                    }
                    _ => set.clone(),
                };
                links.entry(*parent).or_default().push(set);
            }
        }
        // Older cycles before newer ones, and those that have none yet last.
        let mut order: Vec<usize> = (0..destinations.len()).collect();
        order.sort_by_key(|i| match (destinations.get(*i), evidence.data_sets.get(*i)) {
            (Some(Destination::Listed { cycle, .. }), _) => cycle.map_or(u32::MAX, u32::from),
            (Some(Destination::Keep { .. }), Some(set)) => set.anchor.as_ref().map_or(0, |(a, _)| a.key.cycle.into()),
            _ => 0,
        });
        for i in order {
            let (Some(found), Some(at)) = (found.get(i), evidence.data_sets.get(i)) else { continue };
            match destinations.get(i) {
                Some(Destination::Keep { directory }) => {
                    if let Some((anchor, _)) = &at.anchor {
                        salvage.keep(directory, anchor.key.clone(), anchor.key_bytes.clone())?;
                    }
                }
                Some(Destination::Listed { directory, name, cycle }) => {
                    let (place, version) = metadata(&mut salvage, at, found, links.remove(&i).unwrap_or_default())?;
                    let anchor = Anchor::new(version, at.place, place, at.max_key_size);
                    salvage.anchor(directory, name, *cycle, &anchor)?;
                }
                _ => continue,
            }
            salvage.add_classes(&found.schema);
        }
        salvage.finish()
    }
}

/// Writes page list and footer of a data set; gives the place of the footer.
fn metadata(
    salvage: &mut Salvage,
    at: &super::evidence::DataSetAt,
    found: &Found,
    attribute_sets: Vec<AttributeSet>,
) -> Result<(EnvelopePlace, [u16; 4])> {
    let checksum = at.header.checksum;
    let mut cluster_groups = Vec::new();
    if !found.clusters.is_empty() {
        let clusters: rntuple_core::Result<Vec<_>> = found.clusters.iter().map(ClusterListing::new).collect();
        let envelope = clusters.and_then(|clusters| serialize_page_list(checksum, &clusters));
        let envelope = envelope.map_err(|e| salvage.format(e))?;
        let place = salvage.envelope(&envelope, at.max_key_size)?;
        cluster_groups.push(ClusterGroup {
            first_entry: 0,
            entries: found.entries,
            clusters: u32::try_from(found.clusters.len()).unwrap_or(u32::MAX),
            first_cluster: 0,
            page_list: EnvelopeLink {
                length: place.length,
                locator: Locator::File { size: place.stored, offset: place.offset },
            },
        });
    }
    let footer = Footer { cluster_groups, attribute_sets };
    let envelope = footer.serialize(checksum, &found.schema).map_err(|e| salvage.format(e))?;
    let place = salvage.envelope(&envelope, at.max_key_size)?;
    let version = at.anchor.as_ref().map_or(VERSION, |(anchor, _)| anchor.anchor.version);
    Ok((place, version))
}

/// How much of the source is copied: up to the end of the last record that is needed.
fn end(file: &File, evidence: &Evidence, tree: &Tree, found: &[Found], destinations: &[Destination]) -> u64 {
    let mut end = tree.end();
    let mut need = |place: EnvelopePlace| end = end.max(place.offset.saturating_add(place.stored));
    for ((set, found), destination) in evidence.data_sets.iter().zip(found).zip(destinations) {
        if *destination == Destination::Nowhere {
            continue;
        }
        need(set.place);
        need(EnvelopePlace { offset: found.end, ..EnvelopePlace::default() });
        if let (true, Some((anchor, footer))) = (found.intact, &set.anchor) {
            need(anchor.anchor.footer);
            need(EnvelopePlace { offset: anchor.end, ..EnvelopePlace::default() });
            for group in &footer.cluster_groups {
                if let Locator::File { size, offset } = group.page_list.locator {
                    need(EnvelopePlace { offset, stored: size, ..EnvelopePlace::default() });
                }
            }
        }
    }
    let blobs = evidence.blobs.iter().map(|blob| (blob.at, blob.end));
    let objects = evidence.objects.iter().map(|object| (object.key.at, object.end));
    for (start, stop) in blobs.chain(objects) {
        // Other objects may need any of the records.
        if tree.foreign || start < end {
            end = end.max(stop);
        }
    }
    end.min(file.size())
}
