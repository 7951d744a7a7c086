//! The clusters of a data set, as the file says one after the other.
//!
//! Journals come in the order of time. One that starts again in the middle of what is there tells of a writer that was
//! stopped and continued: what came behind that point before is not part of the data set any more. A page list repeats
//! what journals said, and an anchor says where the data set ended at its time.

use std::collections::BTreeMap;

use rntuple_core::metadata::{ClusterGroup, ClusterPages, EnvelopeLink, Locator, PageListReader};
use rntuple_core::schema::{ColumnId, Schema};
use rntuple_core::{Error as FormatError, Result as FormatResult};

use super::evidence::{DataSetAt, Source, read_envelope};
use crate::error::Result;
use crate::reader::File;
use crate::writer::journal;

/// What was found of a data set.
#[derive(Debug)]
pub(super) struct Replay {
    /// The clusters, by first entry; none overlap, none are empty.
    pub(super) clusters: BTreeMap<u64, ClusterPages>,
    /// Entries that the newest anchor says there are, unless a writer started again before that.
    pub(super) promised: u64,
    /// Clusters that were superseded.
    pub(super) superseded: Vec<ClusterPages>,
    /// Whether some clusters have columns that the schema does not: its extension is lost.
    pub(super) extension_lost: bool,
    /// Whether all page lists that the newest footer links to can be read and say what it says.
    pub(super) groups_fine: bool,
    pub(super) notes: Vec<String>,
}

pub(super) fn replay(file: &File, set: &DataSetAt, schema: &Schema) -> Result<Replay> {
    let mut out = Replay {
        clusters: BTreeMap::new(),
        promised: 0,
        superseded: Vec::new(),
        extension_lost: false,
        groups_fine: true,
        notes: Vec::new(),
    };
    let mut groups: BTreeMap<u64, ClusterGroup> = BTreeMap::new();
    let mut committed = None;
    if let Some((anchor, footer)) = &set.anchor {
        committed = Some((anchor.key.at, footer.entries().unwrap_or(0)));
        for group in &footer.cluster_groups {
            if let Locator::File { offset, .. } = group.page_list.locator {
                groups.insert(offset, *group);
            } else {
                out.groups_fine = false;
            }
        }
    }
    for (&at, source) in &set.sources {
        if let Some((_, entries)) = committed.filter(|(anchor_at, _)| *anchor_at < at) {
            out.cut(entries);
            out.promised = entries;
            committed = None;
        }
        let (bytes, journal) = match *source {
            Source::Journal(len) => {
                let payload = file.read(|| "journal".to_owned(), at, len)?;
                (journal::Record::parse(&payload).ok().flatten().map(|journal| journal.page_list), true)
            }
            Source::PageList(place) => (read_envelope(file, place, set.max_key_size)?, false),
        };
        let what = if journal { "journal of a cluster" } else { "page list" };
        let Some(bytes) = bytes else {
            out.groups_fine &= !groups.contains_key(&at);
            out.notes.push(format!("the {what} at byte {at} cannot be read"));
            continue;
        };
        match clusters(&bytes, set.header.checksum, schema) {
            Ok((group, listed, clusters)) => {
                if let Some(told) = groups.get(&at) {
                    let equal = told.first_entry == group.first_entry
                        && told.entries == group.entries
                        && told.clusters == group.clusters;
                    out.groups_fine &= equal;
                }
                out.extension_lost |= listed as usize > schema.columns().len();
                clusters.into_iter().for_each(|cluster| out.add(cluster, journal));
            }
            Err(error) => {
                out.groups_fine &= !groups.contains_key(&at);
                out.notes.push(format!("the {what} at byte {at} cannot be read: {error}"));
            }
        }
    }
    if let Some((_, entries)) = committed {
        out.cut(entries);
        out.promised = entries;
    }
    Ok(out)
}

impl Replay {
    fn add(&mut self, cluster: ClusterPages, journal: bool) {
        let (first, entries) = (cluster.summary.first_entry, cluster.summary.entries);
        let Some(end) = first.checked_add(entries).filter(|&end| entries > 0 && i64::try_from(end).is_ok()) else {
            return;
        };
        if let Some(known) = self.clusters.get_mut(&first)
            && known.summary.entries == entries
            && known.columns == cluster.columns
        {
            return;
        }
        if journal {
            self.promised = self.promised.min(first);
        }
        // Those that end behind the start of this one, from the last one back.
        while let Some(last) = self.clusters.range(..if journal { u64::MAX } else { end }).next_back()
            && end_of(last.1) > first
        {
            let first = *last.0;
            self.superseded.extend(self.clusters.remove(&first));
        }
        self.clusters.insert(first, cluster);
    }

    /// Forgets what lies behind the end that a commit gave the data set.
    fn cut(&mut self, entries: u64) {
        while let Some(last) = self.clusters.last_entry()
            && end_of(last.get()) > entries
        {
            self.superseded.push(last.remove());
        }
    }
}

pub(super) fn end_of(cluster: &ClusterPages) -> u64 {
    cluster.summary.first_entry.saturating_add(cluster.summary.entries)
}

/// Reads a page list that no footer describes: its group, the columns that its first cluster lists, its clusters.
fn clusters(
    bytes: &[u8],
    header_checksum: u64,
    schema: &Schema,
) -> FormatResult<(ClusterGroup, u32, Vec<ClusterPages>)> {
    let cut_short = || {
        let available = bytes.len() as u64;
        FormatError::Truncated { what: "page list envelope", at: 0, needed: available.saturating_add(1), available }
    };
    let (group, listed) = summary(bytes).ok_or_else(cut_short)?;
    // Columns that a cluster does not list would only take memory.
    let columns = match group.clusters {
        1 => schema.columns().len().min(listed as usize),
        _ => schema.columns().len(),
    };
    let columns: Vec<ColumnId> = schema.columns().iter().take(columns).map(|column| column.id).collect();
    let mut clusters = PageListReader { schema, header_checksum, group: &group }.read(bytes, &columns)?;
    let least = schema.columns().iter().filter(|column| !column.extension).count();
    for cluster in &mut clusters {
        let known = cluster.columns.iter().take_while(|pages| pages.suppressed || pages.compression.is_some()).count();
        cluster.columns.truncate(known);
        cluster.columns.shrink_to_fit();
        if known < least {
            let reason = format!("a cluster lists {known} columns, but the header describes {least}");
            return Err(FormatError::Inconsistent { what: "page list envelope", reason });
        }
    }
    Ok((group, listed, clusters))
}

/// What the footer would say of a page list, and how many columns its first cluster lists. Nothing is checked here that
/// the reader checks.
fn summary(bytes: &[u8]) -> Option<(ClusterGroup, u32)> {
    let word = |at: usize| Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
    let list = |at: usize| {
        let size = i64::from_le_bytes(*bytes.get(at..)?.first_chunk()?).checked_neg()?;
        let count = u32::from_le_bytes(*bytes.get(at.checked_add(8)?..)?.first_chunk()?);
        Some((at.checked_add(usize::try_from(size).ok()?)?, count))
    };
    let (end, clusters) = list(16)?;
    let (mut at, mut first_entry, mut entries) = (28_usize, u64::MAX, 0_u64);
    for _ in 0..clusters {
        let size = usize::try_from(word(at)?).ok().filter(|&size| size >= 24)?;
        first_entry = first_entry.min(word(at.checked_add(8)?)?);
        // The top byte holds flags.
        entries = entries.checked_add(word(at.checked_add(16)?)? & ((1 << 56) - 1))?;
        at = at.checked_add(size)?;
    }
    let listed = list(end.checked_add(12)?).map_or(0, |(_, count)| count);
    let length = bytes.len() as u64;
    let page_list = EnvelopeLink { length, locator: Locator::File { size: length, offset: 0 } };
    let first_entry = if clusters == 0 { 0 } else { first_entry };
    Some((ClusterGroup { first_entry, entries, clusters, first_cluster: 0, page_list }, listed))
}
