//! Saving what can be saved of a file whose writer died, or that was cut short or damaged (format-spec/container.md,
//! journal).
//!
//! ```text
//!  scan         records, as far as there are keys       tolerates gaps, garbage and a missing end
//!    |
//!  evidence     headers, journals, page lists, footers, anchors: each with a checksum; which belong together
//!    |
//!  replay       the clusters of each data set            journals of this writer, page lists of any
//!    |
//!  pages        checksums of all pages                   a cluster with a damaged page is lost
//!    |
//!  directories  key lists, or what the keys of the records say
//!    |
//!  target       the records as they are, where they are; behind them a new page list, footer, anchor, key lists
//! ```

mod data_set;
mod directories;
mod envelopes;
mod evidence;
mod pages;
mod replay;
mod scan;
mod target;

use std::collections::HashMap;
use std::fmt;
use std::ops::{ControlFlow, Range};
use std::path::Path;
use std::sync::Arc;

use rntuple_core::container::root_file::Anchor;
use rntuple_core::metadata::{AttributeSet, Locator};

use crate::copy::Progress;
use crate::error::{Error, Result};
use crate::path::{join, split};
use crate::reader::File;
use crate::storage::Storage;
use data_set::Found;
use directories::Tree;
use evidence::{AnchorAt, DataSetAt, Evidence};
use target::{Destination, Target};

/// What [`recover()`] saved and what is lost.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Recovered {
    /// Whether the source was complete and whole: the target is equal to it.
    pub complete: bool,
    /// The data sets of the target. Attribute sets come behind the data set that they belong to.
    pub ntuples: Vec<RecoveredNTuple>,
    /// What else is to be said about the file.
    pub notes: Vec<String>,
    /// Bytes in records of which nothing tells what they hold: pages that no page list mentions.
    pub unassigned_bytes: u64,
    /// Bytes of the target.
    pub file_size: u64,
}

/// What was saved of one data set.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct RecoveredNTuple {
    /// Directories and name, joined by slashes. For an attribute set, that of its data set, a colon, its name.
    pub path: String,
    /// Entries that were saved.
    pub entries: u64,
    /// Clusters that were saved.
    pub clusters: u64,
    /// What is lost, ready to print.
    pub lost: Vec<String>,
    /// The entries that are lost, as they were numbered in the source. What follows was moved up.
    pub lost_entries: Vec<Range<u64>>,
}

impl fmt::Display for Recovered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ntuple in &self.ntuples {
            writeln!(f, "{}: {}", ntuple.path, saved(ntuple.entries, ntuple.clusters))?;
            for lost in &ntuple.lost {
                writeln!(f, "{}: {lost}", ntuple.path)?;
            }
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "{note}"))
    }
}

fn saved(entries: u64, clusters: u64) -> String {
    let s = |n: u64| if n == 1 { "" } else { "s" };
    format!("{entries} entr{} in {clusters} cluster{}", if entries == 1 { "y" } else { "ies" }, s(clusters))
}

/// Saves what can be saved of the file `source` into the new file `target`. An existing `target` is replaced when the
/// new one is complete; `source` is only read.
///
/// Of a file of this library whose writer died, every cluster that was written is saved, with or without checkpoints: a
/// file without them is found beside its name, as `.NAME.PID-N.part`. Of files of other writers, what is saved is what
/// page lists mention. A cluster of which a page is damaged is lost; those behind it are kept, and their entries
/// numbered anew. A file that lacks nothing is copied as it is.
///
/// # Errors
/// [`Error::Io`]; [`Error::Argument`] when both are the same file, and when there is no data set to be saved: then no
/// target is written.
pub fn recover(source: impl AsRef<Path>, target: impl AsRef<Path>) -> Result<Recovered> {
    recover_with(source, target, &mut |_, _| ControlFlow::Continue(()))
}

/// [`recover()`] for those who wait: `progress` is called now and then with bytes done and bytes in all, which is twice the
/// size of the source, as it is checked and then copied; it may end the work, and then there is no target.
///
/// # Errors
/// As [`recover()`]; [`Error::Stopped`] when `progress` says so.
pub fn recover_with(source: impl AsRef<Path>, target: impl AsRef<Path>, progress: Progress<'_>) -> Result<Recovered> {
    let (source, target) = (source.as_ref(), target.as_ref());
    let file = File::open(source, Storage::shared())?;
    if same(source, target) {
        let reason = "a file cannot be recovered into itself; choose another name".to_owned();
        return Err(Error::Argument { file: file.name, reason });
    }
    let mut evidence = Evidence::gather(&file)?;
    if evidence.data_sets.is_empty() {
        let mut reasons = vec!["nothing can be saved: there is no header of an RNTuple".to_owned()];
        reasons.append(&mut evidence.notes);
        reasons.extend(unassigned(&evidence).1);
        return Err(Error::Argument { file: Arc::clone(&file.name), reason: reasons.join("; ") });
    }
    let base_name = target.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let tree = Tree::build(&file, &evidence, &base_name)?;
    let mut found = Vec::new();
    for index in 0..evidence.data_sets.len() {
        found.extend(data_set::find(&file, &mut evidence, index, progress)?);
    }
    let (destinations, mut notes) = destinations(&file, &evidence, &tree, &mut found)?;
    let mut recovered =
        Recovered { complete: complete(&evidence, &tree, &found, &destinations), ..Recovered::default() };
    let paths = paths(&evidence, &destinations);
    let mut sets: HashMap<usize, Vec<(usize, &str)>> = HashMap::new();
    for (i, destination) in destinations.iter().enumerate() {
        if let Destination::Linked { parent, set, .. } = destination {
            sets.entry(*parent).or_default().push((i, &set.name));
        }
    }
    for (i, path) in paths.iter().enumerate() {
        let Some(path) = path else { continue };
        let own = (i, path.clone());
        let linked = sets.get(&i).into_iter().flatten().map(|(i, name)| (*i, format!("{path}:{name}")));
        for (i, path) in std::iter::once(own).chain(linked) {
            let Some(found) = found.get(i) else { continue };
            recovered.notes.extend(found.notes.iter().map(|note| format!("{path}: {note}")));
            recovered.ntuples.push(report(path, found));
        }
    }
    let target = Target::create(target)?;
    if recovered.complete {
        recovered.notes.clear();
        recovered.file_size = target.equal(&file, progress)?;
        recovered.notes.push("the file is complete and whole: the copy is equal to it".to_owned());
        return Ok(recovered);
    }
    let (bytes, unassigned) = unassigned(&evidence);
    recovered.unassigned_bytes = bytes;
    recovered.notes.append(&mut evidence.notes.clone());
    recovered.notes.extend(tree.notes.iter().cloned());
    recovered.notes.append(&mut notes);
    recovered.notes.extend(unassigned);
    recovered.notes.extend(garbage(&evidence));
    recovered.file_size = target.write(&file, &evidence, tree, &found, &destinations, progress)?;
    Ok(recovered)
}

/// Whether two paths are one file.
fn same(a: &Path, b: &Path) -> bool {
    match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => a == b,
    }
}

fn report(path: String, found: &Found) -> RecoveredNTuple {
    let mut lost: Vec<String> = Vec::new();
    for (range, reason) in &found.lost {
        lost.push(format!("lost {}: {reason}", entries(range)));
    }
    for (range, now) in &found.moved {
        lost.push(format!("{} are entries {now} to {} now", entries(range), now + (range.end - range.start) - 1));
    }
    if found.extension_lost {
        let reason = "fields that were added while writing: the footers that described them cannot be read";
        lost.push(format!("lost {reason}"));
    }
    RecoveredNTuple {
        path,
        entries: found.entries,
        clusters: found.clusters.len() as u64,
        lost,
        lost_entries: found.lost.iter().map(|(range, _)| range.clone()).collect(),
    }
}

/// A range of entries, for messages.
fn entries(range: &Range<u64>) -> String {
    let count = range.end.saturating_sub(range.start);
    match count {
        1 => format!("entry {}", range.start),
        _ => format!("entries {} to {} ({count})", range.start, range.end.saturating_sub(1)),
    }
}

/// Paths of the data sets in the target, where they have one; with the cycle, if there is a newer one.
fn paths(evidence: &Evidence, destinations: &[Destination]) -> Vec<Option<String>> {
    let place = |(set, destination): (&DataSetAt, &Destination)| match destination {
        Destination::Keep { directory } => {
            let (anchor, _) = set.anchor.as_ref()?;
            Some((join(directory, &anchor.key.name), u32::from(anchor.key.cycle)))
        }
        // The next cycle is newer than all that there are.
        Destination::Listed { directory, name, cycle } => {
            Some((join(directory, name), cycle.map_or(u32::MAX, u32::from)))
        }
        Destination::Linked { .. } | Destination::Nowhere => None,
    };
    let places: Vec<Option<(String, u32)>> = evidence.data_sets.iter().zip(destinations).map(place).collect();
    let mut newest: HashMap<&str, u32> = HashMap::new();
    for (path, cycle) in places.iter().flatten() {
        let newest = newest.entry(path).or_insert(*cycle);
        *newest = (*newest).max(*cycle);
    }
    let name = |(path, cycle): &(String, u32)| {
        if newest.get(path.as_str()) == Some(cycle) { path.clone() } else { format!("{path};{cycle}") }
    };
    places.iter().map(|place| place.as_ref().map(name)).collect()
}

/// Whether there is nothing to be done.
fn complete(evidence: &Evidence, tree: &Tree, found: &[Found], destinations: &[Destination]) -> bool {
    let end = tree.header.end;
    let behind = evidence.blobs.iter().any(|blob| blob.at >= end);
    let as_they_are =
        found.iter().zip(destinations).zip(&evidence.data_sets).all(|((found, destination), set)| match destination {
            Destination::Keep { .. } => {
                // The key list must say the same of the anchor as the anchor's own record.
                let is_listed =
                    |at: &AnchorAt| tree.listed.get(&at.key.at).is_some_and(|(_, key)| *key == at.key_bytes);
                found.intact && set.anchor.as_ref().is_some_and(|(anchor, _)| is_listed(anchor))
            }
            Destination::Linked { keep, .. } => *keep,
            Destination::Nowhere => true,
            Destination::Listed { .. } => false,
        });
    evidence.notes.is_empty() && tree.whole && tree.sound && tree.committed.is_some() && !behind && as_they_are
}

/// Decides where the anchors of the data sets go.
fn destinations(
    file: &File,
    evidence: &Evidence,
    tree: &Tree,
    found: &mut [Found],
) -> Result<(Vec<Destination>, Vec<String>)> {
    let mut notes = Vec::new();
    let links = links(file, evidence, found, &mut notes)?;
    let mut out = Vec::new();
    for (i, set) in evidence.data_sets.iter().enumerate() {
        let Some(this) = found.get(i) else { continue };
        let destination = match links.get(&i) {
            Some((parent, link, equal)) => {
                Destination::Linked { parent: *parent, set: link.clone(), keep: this.intact && *equal }
            }
            None => listed(set, this, tree, &mut notes),
        };
        out.push(destination);
    }
    // What annotates a data set that is not there any more, or is itself linked, goes with it.
    for i in 0..out.len() {
        let Some(Destination::Linked { parent, .. }) = out.get(i) else { continue };
        let gone = !matches!(out.get(*parent), Some(Destination::Keep { .. } | Destination::Listed { .. }));
        if let (true, Some(destination)) = (gone, out.get_mut(i)) {
            *destination = Destination::Nowhere;
        }
    }
    adopt(evidence, tree, found, &mut out, &mut notes);
    leave_out_empty(evidence, found, &mut out, &mut notes);
    // A footer that links to a set that is written anew is written anew itself.
    for i in 0..out.len() {
        let rewritten: Vec<usize> = match out.get(i) {
            Some(Destination::Linked { parent, keep: false, .. }) => vec![*parent],
            _ => continue,
        };
        for parent in rewritten {
            if let (Some(set), Some(found)) = (evidence.data_sets.get(parent), found.get_mut(parent))
                && let Some(Destination::Keep { directory }) = out.get(parent)
            {
                found.intact = false;
                let destination = place(set, directory.clone());
                if let Some(slot) = out.get_mut(parent) {
                    *slot = destination;
                }
            }
        }
    }
    for destination in &out {
        if let Destination::Linked { parent, set, .. } = destination
            && found.get(*parent).is_some_and(|found| !found.moved.is_empty())
        {
            let name = &set.name;
            notes.push(format!("the attribute set '{name}' still means entries as they were numbered before"));
        }
    }
    Ok((out, notes))
}

/// The anchor of a data set, in a directory, under its name and cycle.
fn place(set: &DataSetAt, directory: String) -> Destination {
    let cycle = set.anchor.as_ref().map(|(anchor, _)| anchor.key.cycle);
    Destination::Listed { directory, name: set.header.name.to_string(), cycle }
}

/// Where the anchor of a data set goes that nothing links to.
fn listed(set: &DataSetAt, found: &Found, tree: &Tree, notes: &mut Vec<String>) -> Destination {
    if let Some((anchor, _)) = &set.anchor {
        let directory = match tree.listed.get(&anchor.key.at) {
            Some((directory, _)) => Some(directory.clone()),
            None => {
                // A commit that came later and does not list it means that it was removed.
                if tree.committed.is_some_and(|at| at > anchor.key.at) && tree.sound && found.intact {
                    notes.push(format!(
                        "'{}' at byte {} is in no directory and was left out: it was removed, or replaced",
                        anchor.key.name, anchor.key.at
                    ));
                    return Destination::Nowhere;
                }
                tree.path(anchor.key.directory).map(ToOwned::to_owned)
            }
        };
        let directory = directory.unwrap_or_default();
        // Keys have no checksum. One that agrees with the list, or else with the header, is taken for whole.
        let sound = anchor.whole
            && match tree.listed.get(&anchor.key.at) {
                Some((_, bytes)) => *bytes == anchor.key_bytes,
                None => anchor.key.name == set.header.name,
            };
        return if found.intact && sound { Destination::Keep { directory } } else { place(set, directory) };
    }
    let path = set.path.as_deref().unwrap_or(&set.header.name);
    let (directory, name) = split(path);
    Destination::Listed { directory: directory.to_owned(), name: name.to_owned(), cycle: None }
}

/// Attribute sets that footers link to: number of the data set, and its link; whether it leads to what is newest.
type Links = HashMap<usize, (usize, AttributeSet, bool)>;

fn links(file: &File, evidence: &Evidence, found: &[Found], notes: &mut Vec<String>) -> Result<Links> {
    let mut out = Links::new();
    let mut by_header: HashMap<u64, usize> = HashMap::new();
    let mut by_name: HashMap<&str, usize> = HashMap::new();
    for (i, set) in evidence.data_sets.iter().enumerate() {
        by_header.insert(set.place.offset, i);
        by_name.entry(&set.header.name).or_insert(i);
    }
    for (parent, set) in found.iter().enumerate() {
        let max_key_size = evidence.data_sets.get(parent).map_or(0, |set| set.max_key_size);
        for link in &set.attribute_sets {
            let Locator::File { size, offset } = link.anchor else { continue };
            let read = file.read_payload(|| "anchor of an attribute set".to_owned(), offset, size, max_key_size);
            let anchor = match read {
                Ok(bytes) => Anchor::from_record(&bytes, link.anchor_len).ok(),
                Err(Error::Io { file, what, source }) => return Err(Error::Io { file, what, source }),
                Err(_) => None,
            };
            // Without its anchor, it is known by name.
            let child = match &anchor {
                Some(anchor) => by_header.get(&anchor.header.offset),
                None => by_name.get(&*link.name),
            };
            let child = child.copied().filter(|child| *child != parent);
            match child {
                Some(child) if !out.contains_key(&child) => {
                    let newest = evidence.data_sets.get(child).and_then(|set| set.anchor.as_ref());
                    let equal = newest.is_some_and(|(newest, _)| Some(&newest.anchor) == anchor.as_ref());
                    out.insert(child, (parent, link.clone(), equal));
                }
                _ => notes.push(format!("the attribute set '{}' is lost", link.name)),
            }
        }
    }
    Ok(out)
}

/// Links attribute sets that were not finished to the data set that they belong to, if there is only one.
fn adopt(evidence: &Evidence, tree: &Tree, found: &[Found], destinations: &mut [Destination], notes: &mut Vec<String>) {
    let is_set = |i: usize| {
        let names: Option<Vec<&str>> = found.get(i).map(|found| found.schema.top_level().map(|f| &*f.name).collect());
        names.is_some_and(|names| names == ["_rangeStart", "_rangeLen", "_userData"])
    };
    let main: Vec<usize> = destinations
        .iter()
        .enumerate()
        .filter(|(i, d)| matches!(d, Destination::Keep { .. } | Destination::Listed { .. }) && !is_set(*i))
        .map(|(i, _)| i)
        .collect();
    for i in 0..destinations.len() {
        let anchor = evidence.data_sets.get(i).and_then(|set| set.anchor.as_ref());
        let in_directory = anchor.is_some_and(|(anchor, _)| tree.listed.contains_key(&anchor.key.at));
        let open = matches!(destinations.get(i), Some(Destination::Keep { .. } | Destination::Listed { .. }));
        if !open || in_directory || !is_set(i) {
            continue;
        }
        let Some(name) = evidence.data_sets.get(i).map(|set| set.header.name.clone()) else { continue };
        match main.as_slice() {
            [parent] => {
                let set = AttributeSet {
                    name: name.clone(),
                    schema_version: [1, 0],
                    anchor_len: 0,
                    anchor: Locator::File { size: 0, offset: 0 },
                };
                if let Some(slot) = destinations.get_mut(i) {
                    *slot = Destination::Linked { parent: *parent, set, keep: false };
                }
            }
            _ => notes.push(format!(
                "'{name}' looks like an attribute set; nothing tells of which data set, so that it became one of its own"
            )),
        }
    }
}

/// Leaves out data sets of which nothing but the header was written, where another one has their name: in which directory
/// they would have been is not known.
fn leave_out_empty(evidence: &Evidence, found: &[Found], destinations: &mut [Destination], notes: &mut Vec<String>) {
    let paths: Vec<Option<String>> = paths(evidence, destinations)
        .into_iter()
        .map(|path| path.map(|path| path.split(';').next().unwrap_or_default().to_owned()))
        .collect();
    let mut count: HashMap<&str, usize> = HashMap::new();
    paths.iter().flatten().for_each(|path| *count.entry(path).or_default() += 1);
    let data_sets = evidence.data_sets.iter().zip(found).zip(&paths);
    for (((set, found), path), destination) in data_sets.zip(destinations) {
        let Some(path) = path else { continue };
        if set.anchored || set.path.is_some() || found.entries > 0 || !matches!(destination, Destination::Listed { .. })
        {
            continue;
        }
        if let Some(count) = count.get_mut(path.as_str()).filter(|count| **count > 1) {
            *count -= 1;
            *destination = Destination::Nowhere;
            notes.push(format!("a second data set '{path}' has no entries and was left out"));
        }
    }
}

/// Records of which nothing tells what they hold: their bytes, and a message about them.
fn unassigned(evidence: &Evidence) -> (u64, Option<String>) {
    let unknown = evidence.blobs.iter().filter(|blob| !blob.known && blob.end > blob.payload_at);
    let (count, bytes) =
        unknown.fold((0_u64, 0_u64), |(count, bytes), blob| (count + 1, bytes + (blob.end - blob.payload_at)));
    let message = (count > 0).then(|| {
        let (holds, s) = if count == 1 { ("holds", "") } else { ("hold", "s") };
        format!(
            "{count} record{s} {holds} {} of pages that no page list mentions: to which columns and entries they belong \
             is not written anywhere, so that they cannot be saved",
            size(bytes)
        )
    });
    (bytes, message)
}

fn garbage(evidence: &Evidence) -> Option<String> {
    let bytes: u64 = evidence.garbage.iter().map(|(start, end)| end - start).sum();
    let first = evidence.garbage.first()?.0;
    (bytes > 0).then(|| format!("{} (the first at byte {first}) belong to no record", size(bytes)))
}

/// Bytes, for messages.
#[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
fn size(bytes: u64) -> String {
    match bytes {
        0..1000 => format!("{bytes} bytes"),
        1000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}
