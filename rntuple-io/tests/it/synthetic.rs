//! Files of any shape, made here: they are not for correctness (the golden files are), but for layouts that golden
//! files would have to be large for, and for what no ROOT writes yet.

use std::ops::Range;

use rntuple_core::checksum::xxh3;

use crate::build::{
    COLLECTION, ClusterSpec, ColumnSpec, FieldSpec, FooterSpec, GroupSpec, HeaderSpec, PLAIN, PageListSpec, PageSpec,
    checksum_of, locator,
};

/// How a file is laid out. In each cluster, the pages of a column lie together and the columns one after the other.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    /// Fields `i0`, `i1`, ...: `entry + 1_000_000 * number`.
    pub(crate) integers: u32,
    /// Fields `l0`, `l1`, ...: lists of `entry % 3` items, each the entry number.
    pub(crate) lists: u32,
    pub(crate) clusters: u64,
    pub(crate) clusters_per_group: u64,
    /// Pages of a column in a cluster.
    pub(crate) pages: u64,
    /// Entries of a page; the pages of items have their items.
    pub(crate) rows: u64,
    /// Whether clusters without entries stand before, between and behind the others.
    pub(crate) empty_clusters: bool,
}

impl Default for Shape {
    fn default() -> Self {
        Self { integers: 3, lists: 0, clusters: 2, clusters_per_group: 1000, pages: 2, rows: 10, empty_clusters: false }
    }
}

/// A page of a synthetic file.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) column: u32,
    pub(crate) cluster: u64,
    /// Bytes of the file, checksum included.
    pub(crate) range: Range<u64>,
}

/// A synthetic file.
#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) bytes: Vec<u8>,
    pub(crate) pages: Vec<Page>,
    /// Where the page lists lie.
    pub(crate) page_lists: Vec<Range<u64>>,
}

/// What may be changed on the way.
pub(crate) struct Changes<'a> {
    pub(crate) header: &'a dyn Fn(&mut HeaderSpec),
    pub(crate) footer: &'a dyn Fn(&mut FooterSpec),
    /// The locator of a page (column, cluster, number, the right one).
    pub(crate) locator: &'a dyn Fn(u32, u64, u64, Vec<u8>) -> Vec<u8>,
}

pub(crate) const NO_CHANGES: Changes<'static> =
    Changes { header: &|_| {}, footer: &|_| {}, locator: &|_, _, _, locator| locator };

impl Shape {
    pub(crate) fn rows_per_cluster(&self) -> u64 {
        self.pages * self.rows
    }

    pub(crate) fn entries(&self) -> u64 {
        self.rows_per_cluster() * self.clusters
    }

    fn header(&self) -> HeaderSpec {
        let mut header = HeaderSpec::default();
        for i in 0..self.integers {
            header.fields.push(FieldSpec::new(i, PLAIN, &format!("i{i}"), "std::int32_t"));
            header.columns.push(ColumnSpec::new(i, 0x07, 32));
        }
        for i in 0..self.lists {
            let id = self.integers + 2 * i;
            header.fields.push(FieldSpec::new(id, COLLECTION, &format!("l{i}"), "std::vector<std::int32_t>"));
            header.fields.push(FieldSpec::new(id, PLAIN, "_0", "std::int32_t"));
            header.columns.push(ColumnSpec::new(id, 0x0f, 64));
            header.columns.push(ColumnSpec::new(id + 1, 0x07, 32));
        }
        header
    }

    /// The elements of a page, as bytes, and how many they are.
    fn page(&self, column: u32, entries: Range<u64>, cluster_start: u64) -> (Vec<u8>, usize) {
        let int = |value: u64| i32::try_from(value).unwrap().to_le_bytes();
        let bytes: Vec<Vec<u8>> = match column.checked_sub(self.integers) {
            None => entries.map(|entry| int(entry + 1_000_000 * u64::from(column)).to_vec()).collect(),
            Some(i) if i % 2 == 0 => {
                let mut end: u64 = (cluster_start..entries.start).map(|entry| entry % 3).sum();
                let mut next = |entry| {
                    end += entry % 3;
                    end.to_le_bytes().to_vec()
                };
                entries.map(&mut next).collect()
            }
            Some(_) => {
                entries.flat_map(|entry| (0..entry % 3).map(move |_| entry)).map(|entry| int(entry).to_vec()).collect()
            }
        };
        (bytes.concat(), bytes.len())
    }

    pub(crate) fn file(&self) -> File {
        self.file_with(&NO_CHANGES)
    }

    pub(crate) fn file_with(&self, changes: &Changes<'_>) -> File {
        let mut blob = Blob { bytes: Vec::new() };
        let mut header = self.header();
        let columns = self.integers + 2 * self.lists;
        (changes.header)(&mut header);
        let header = header.envelope();
        let header_checksum = checksum_of(&header);
        let header_at = blob.put(&header);
        let mut pages = Vec::new();
        let mut clusters: Vec<ClusterSpec> = Vec::new();
        let empty = |first_entry| ClusterSpec {
            first_entry,
            entries: 0,
            flags: 0,
            columns: (0..columns).map(|_| Some(Vec::new())).collect(),
        };
        for cluster in 0..self.clusters {
            let first_entry = cluster * self.rows_per_cluster();
            if self.empty_clusters {
                clusters.push(empty(first_entry));
            }
            let mut listed = Vec::new();
            for column in 0..columns {
                let mut specs = Vec::new();
                for number in 0..self.pages {
                    let start = first_entry + number * self.rows;
                    let (mut bytes, elements) = self.page(column, start..start + self.rows, first_entry);
                    let size = bytes.len();
                    bytes.extend(xxh3(&bytes).to_le_bytes());
                    let at = blob.put(&bytes);
                    pages.push(Page { column, cluster, range: at as u64..(at + bytes.len()) as u64 });
                    let locator = (changes.locator)(column, cluster, number, locator(size, at));
                    specs.push(PageSpec { elements: -i32::try_from(elements).unwrap(), locator });
                }
                listed.push(Some(specs));
            }
            let entries = self.rows_per_cluster();
            clusters.push(ClusterSpec { first_entry, entries, flags: 0, columns: listed });
        }
        if self.empty_clusters {
            clusters.push(empty(self.entries()));
        }
        let mut groups = Vec::new();
        let mut page_lists = Vec::new();
        for clusters in clusters.chunks(usize::try_from(self.clusters_per_group).unwrap()) {
            let list = PageListSpec { header_checksum, clusters: clusters.to_vec(), ..PageListSpec::default() };
            let list = list.envelope();
            let at = blob.put(&list);
            page_lists.push(at as u64..(at + list.len()) as u64);
            groups.push(GroupSpec {
                first_entry: clusters[0].first_entry,
                entries: clusters.iter().map(|cluster| cluster.entries).sum(),
                clusters: u32::try_from(clusters.len()).unwrap(),
                length: list.len() as u64,
                locator: locator(list.len(), at),
                ..GroupSpec::default()
            });
        }
        let mut footer = FooterSpec { header_checksum, groups, attribute_sets: Some(vec![]), ..FooterSpec::default() };
        (changes.footer)(&mut footer);
        let footer = footer.envelope();
        let footer_at = blob.put(&footer);
        let anchor = anchor((header_at, header.len()), (footer_at, footer.len()));
        File { bytes: container(&blob.bytes, &[("data", anchor)]), pages, page_lists }
    }
}

/// What follows the fixed start of a file.
struct Blob {
    bytes: Vec<u8>,
}

impl Blob {
    /// Appends bytes; gives their offset in the file.
    fn put(&mut self, bytes: &[u8]) -> usize {
        let at = START + self.bytes.len();
        self.bytes.extend(bytes);
        at
    }
}

/// Where the top directory's block lies.
const DIRECTORY: usize = 164;
/// Where free space begins.
const START: usize = 256;

fn anchor(header: (usize, usize), footer: (usize, usize)) -> Vec<u8> {
    let mut out = 0x4000_0042_u32.to_be_bytes().to_vec();
    for word in [2_u16, 1, 0, 2, 0] {
        out.extend(word.to_be_bytes());
    }
    for (at, len) in [header, footer] {
        for word in [at, len, len] {
            out.extend((word as u64).to_be_bytes());
        }
    }
    out.extend((1_u64 << 30).to_be_bytes());
    let checksum = xxh3(&out[6..]);
    out.extend(checksum.to_be_bytes());
    out
}

fn key(at: usize, class: &str, name: &str, payload: usize) -> Vec<u8> {
    let len = 26 + 3 + class.len() + name.len();
    let mut out = i32::try_from(len + payload).unwrap().to_be_bytes().to_vec();
    out.extend(4_u16.to_be_bytes());
    out.extend(u32::try_from(payload).unwrap().to_be_bytes());
    out.extend(0_u32.to_be_bytes());
    out.extend(u16::try_from(len).unwrap().to_be_bytes());
    out.extend(1_u16.to_be_bytes());
    out.extend(u32::try_from(at).unwrap().to_be_bytes());
    out.extend(100_u32.to_be_bytes());
    for text in [class, name, ""] {
        out.push(u8::try_from(text.len()).unwrap());
        out.extend(text.as_bytes());
    }
    out
}

/// A ROOT file with `blob` from byte [`START`] on and anchors under names.
pub(crate) fn container(blob: &[u8], anchors: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut out = vec![0; START];
    out.extend(blob);
    let mut keys = Vec::new();
    for (name, anchor) in anchors {
        let key = key(out.len(), "ROOT::RNTuple", name, anchor.len());
        out.extend(&key);
        out.extend(anchor);
        keys.push(key);
    }
    let list_at = out.len();
    let list = [&u32::try_from(keys.len()).unwrap().to_be_bytes()[..], &keys.concat()].concat();
    let list = [key(list_at, "TFile", "file.root", list.len()), list].concat();
    out.extend(&list);
    let be = |n: usize| u32::try_from(n).unwrap().to_be_bytes();
    let mut header = b"root".to_vec();
    for word in [64_000, 100, out.len(), 0, 0, 0, DIRECTORY - 100] {
        header.extend(be(word));
    }
    header.push(4);
    header.extend([0; 12]);
    let mut directory = 5_u16.to_be_bytes().to_vec();
    for word in [0, 0, list.len(), DIRECTORY - 100, 100, 0, list_at] {
        directory.extend(be(word));
    }
    out[..header.len()].copy_from_slice(&header);
    out[DIRECTORY..DIRECTORY + directory.len()].copy_from_slice(&directory);
    out
}
