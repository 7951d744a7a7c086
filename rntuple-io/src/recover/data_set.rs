//! What can be saved of one data set.

use std::collections::HashMap;
use std::ops::Range;

use rntuple_core::metadata::{AttributeSet, ClusterPages};
use rntuple_core::schema::Schema;

use super::evidence::{DataSetAt, Evidence};
use super::pages::{Checker, ranges};
use super::replay::{Replay, end_of, replay};
use crate::copy::{Progress, go_on};
use crate::error::Result;
use crate::reader::File;

/// A data set with the clusters that are whole.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) schema: Schema,
    pub(super) attribute_sets: Vec<AttributeSet>,
    /// The clusters that are whole, their entries renumbered.
    pub(super) clusters: Vec<ClusterPages>,
    pub(super) entries: u64,
    /// Entries that are lost, as they were numbered, with the reason.
    pub(super) lost: Vec<(Range<u64>, String)>,
    /// Entries that are saved under other numbers: as they were numbered, and the number of the first one now.
    pub(super) moved: Vec<(Range<u64>, u64)>,
    /// Whether nothing is missing, not even metadata: the newest anchor leads to all of it.
    pub(super) intact: bool,
    /// Whether there are columns that no footer describes.
    pub(super) extension_lost: bool,
    pub(super) notes: Vec<String>,
    /// Where the last byte of the pages lies.
    pub(super) end: u64,
}

/// Looks for the clusters of a data set, and checks their pages.
pub(super) fn find(
    file: &File,
    evidence: &mut Evidence,
    index: usize,
    progress: Progress<'_>,
) -> Result<Option<Found>> {
    let Some(set) = evidence.data_sets.get(index) else { return Ok(None) };
    let (footer, schema) = set.schema(file)?;
    let Replay { clusters, promised, superseded, extension_lost, groups_fine, notes } = replay(file, set, &schema)?;
    let max_key_size = set.max_key_size;
    let committed = set.anchor.as_ref().map(|(_, footer)| footer.entries().unwrap_or(0));
    let closed = is_closed(set);
    for cluster in &superseded {
        mark(file, evidence, cluster, max_key_size)?;
    }
    let mut found = Found {
        schema,
        attribute_sets: footer.map(|footer| footer.attribute_sets).unwrap_or_default(),
        clusters: Vec::new(),
        entries: 0,
        lost: Vec::new(),
        moved: Vec::new(),
        intact: false,
        extension_lost,
        notes,
        end: 0,
    };
    let mut checker = Checker::new(file, &found.schema, max_key_size);
    let mut good = Vec::new();
    let mut next = 0;
    for (first, cluster) in clusters {
        if first > next {
            found.lost.push((next..first, "nothing tells where their pages lie".to_owned()));
        }
        next = end_of(&cluster);
        let end = mark(file, evidence, &cluster, max_key_size)?;
        go_on(progress, &file.name, end.min(file.size()), 2 * file.size())?;
        match checker.check(&cluster)? {
            None => {
                found.end = found.end.max(end);
                good.push(cluster);
            }
            Some(reason) => found.lost.push((first..next, reason)),
        }
    }
    if promised > next {
        found.lost.push((next..promised, "nothing tells where their pages lie".to_owned()));
    }
    found.intact = closed && groups_fine && !extension_lost && found.lost.is_empty() && committed == Some(next);
    found.entries = good.iter().map(|cluster| cluster.summary.entries).sum();
    found.moved = renumber(&mut good, &found.schema);
    found.clusters = good;
    Ok(Some(found))
}

/// Whether the newest footer is that of the newest anchor.
fn is_closed(set: &DataSetAt) -> bool {
    let Some((anchor, _)) = &set.anchor else { return false };
    set.footers.last_key_value().is_some_and(|(at, _)| *at == anchor.anchor.footer.offset)
}

/// Marks the records of the pages of a cluster; gives where the last byte lies.
fn mark(file: &File, evidence: &mut Evidence, cluster: &ClusterPages, max_key_size: u64) -> Result<u64> {
    let mut last = 0;
    for page in cluster.columns.iter().flat_map(|column| &column.pages) {
        let rntuple_core::metadata::Locator::File { offset, .. } = page.locator else { continue };
        let Some(len) = rntuple_core::page::sealed_len(page) else { continue };
        if max_key_size == 0 || len <= max_key_size {
            evidence.mark(offset);
            last = last.max(offset.saturating_add(len));
            continue;
        }
        for (start, end) in ranges(file, offset, len, max_key_size)? {
            evidence.mark(start);
            last = last.max(end);
        }
    }
    Ok(last)
}

/// Numbers clusters and their entries without gaps. Gives the entries that moved.
fn renumber(clusters: &mut [ClusterPages], schema: &Schema) -> Vec<(Range<u64>, u64)> {
    // Columns that stand for each other in different clusters count together.
    let mut places: HashMap<(u32, u16), u16> = HashMap::new();
    let slots: Vec<(u32, u16)> = schema
        .columns()
        .iter()
        .map(|column| {
            let place = places.entry((column.field.0, column.representation)).or_insert(0);
            let slot = (column.field.0, *place);
            *place = place.saturating_add(1);
            slot
        })
        .collect();
    let mut elements: HashMap<(u32, u16), u64> = HashMap::new();
    let mut moved: Vec<(Range<u64>, u64)> = Vec::new();
    let mut next = 0;
    for (cluster, id) in clusters.iter_mut().zip(0..) {
        let summary = &mut cluster.summary;
        summary.id = id;
        let before = summary.first_entry;
        summary.first_entry = next;
        if before != next {
            match moved.last_mut() {
                Some((range, _)) if range.end == before => range.end = before.saturating_add(summary.entries),
                _ => moved.push((before..before.saturating_add(summary.entries), next)),
            }
        }
        for (pages, (column, slot)) in cluster.columns.iter_mut().zip(schema.columns().iter().zip(&slots)) {
            if pages.suppressed {
                continue;
            }
            let count = elements.entry(*slot).or_insert(0);
            if before != next {
                // Those that were added while writing count as if they had always been there.
                let per_entry = pages.elements.checked_div(summary.entries).unwrap_or(0);
                let first = if column.deferred { next.saturating_mul(per_entry) } else { *count };
                pages.first_element = first.saturating_add(pages.zeros);
            }
            *count = count.saturating_add(pages.elements);
        }
        next = next.saturating_add(summary.entries);
    }
    moved
}
