//! Where things are in an undamaged file, found without the code under test as far as the container goes.

use std::ops::Range;

use rntuple_core::compression;
use rntuple_core::container::root_file::{Anchor, EnvelopePlace, SplitPayload};
use rntuple_core::metadata::{Footer, Header, Locator, PageListReader};
use rntuple_core::page::sealed_len;
use rntuple_core::schema::ColumnId;

/// A big-endian number of `width` bytes.
pub(crate) fn be(bytes: &[u8], at: usize, width: usize) -> usize {
    bytes[at..at + width].iter().fold(0, |n, byte| n << 8 | usize::from(*byte))
}

/// A little-endian number of `width` bytes.
pub(crate) fn le(bytes: &[u8], at: usize, width: usize) -> u64 {
    bytes[at..at + width].iter().rev().fold(0, |n, byte| n << 8 | u64::from(*byte))
}

/// A key as it stands in a key list.
#[derive(Debug, Clone)]
pub(crate) struct ListedKey {
    /// Where this copy of the key starts in the file.
    pub at: usize,
    /// Bytes of an offset in it: 4 or 8.
    pub width: usize,
    pub key_len: usize,
    /// The record that it stands for.
    pub record: Range<usize>,
    pub object_len: usize,
    pub class: String,
    /// Directories and name.
    pub path: String,
    pub cycle: u16,
}

/// The directories of a file.
#[derive(Debug, Default)]
pub(crate) struct Directories {
    /// Directory blocks and key list records.
    pub ranges: Vec<Range<usize>>,
    pub keys: Vec<ListedKey>,
}

impl Directories {
    pub(crate) fn of(file: &[u8]) -> Self {
        let big = be(file, 4, 4) >= 1_000_000;
        let names = be(file, if big { 36 } else { 28 }, 4);
        let mut directories = Self::default();
        directories.walk(file, be(file, 8, 4) + names, "");
        directories
    }

    fn walk(&mut self, file: &[u8], at: usize, path: &str) {
        let width = if be(file, at, 2) > 1000 { 8 } else { 4 };
        let (len, list) = (be(file, at + 10, 4), be(file, at + 18 + 2 * width, width));
        self.ranges.push(at..at + 18 + 3 * width);
        if list == 0 {
            return;
        }
        self.ranges.push(list..list + len);
        let mut at = list + be(file, list + 14, 2);
        let count = be(file, at, 4);
        at += 4;
        for _ in 0..count {
            let (key, end) = listed_key(file, at, path);
            at = end;
            if key.class.starts_with("TDirectory") {
                self.walk(file, key.record.start + key.key_len, &key.path);
            }
            self.keys.push(key);
        }
    }
}

fn listed_key(file: &[u8], at: usize, directory: &str) -> (ListedKey, usize) {
    let width = if be(file, at + 4, 2) > 1000 { 8 } else { 4 };
    let mut end = at + 18 + 2 * width;
    let mut text = || {
        let mut len = be(file, end, 1);
        end += 1;
        if len == 255 {
            len = be(file, end, 4);
            end += 4;
        }
        end += len;
        String::from_utf8_lossy(&file[end - len..end]).into_owned()
    };
    let (class, name, _title) = (text(), text(), text());
    let start = be(file, at + 18, width);
    let key = ListedKey {
        at,
        width,
        key_len: be(file, at + 14, 2),
        record: start..start + be(file, at, 4),
        object_len: be(file, at + 6, 4),
        class,
        path: if directory.is_empty() { name } else { format!("{directory}/{name}") },
        cycle: be(file, at + 16, 2) as u16,
    };
    (key, end)
}

/// A page in the file.
#[derive(Debug, Clone)]
pub(crate) struct PlacedPage {
    /// Stored bytes with the checksum; several ranges for a page split over several keys.
    pub ranges: Vec<Range<usize>>,
    pub checksum: bool,
    pub elements: u32,
    /// Stored without compression.
    pub raw: bool,
}

/// One RNTuple of an undamaged file.
#[derive(Debug)]
pub(crate) struct Layout {
    pub anchor: Anchor,
    pub entries: u64,
    /// The envelopes, uncompressed.
    pub header: Vec<u8>,
    pub footer: Vec<u8>,
    pub page_lists: Vec<Vec<u8>>,
    pub pages: Vec<PlacedPage>,
    /// The main data set's attribute sets.
    pub attribute_sets: Vec<(String, Layout)>,
}

impl Layout {
    /// `None` for a data set that uses a feature which is not supported.
    pub(crate) fn of(file: &[u8], payload: &[u8], object_len: usize) -> Option<Self> {
        let anchor = Anchor::from_record(payload, object_len as u32).unwrap();
        let open = |place: EnvelopePlace| {
            let ranges = split(file, place.offset, place.stored, anchor.max_key_size);
            let stored = ranges.iter().flat_map(|range| &file[range.clone()]).copied().collect::<Vec<u8>>();
            let mut out = Vec::new();
            compression::decompress_to_vec(&stored, place.length as usize, &mut out).unwrap();
            out
        };
        let header = open(anchor.header);
        let footer = open(anchor.footer);
        let head = match Header::parse(&header) {
            Err(rntuple_core::Error::FeatureFlag { .. }) => return None,
            head => head.unwrap(),
        };
        let header_checksum = head.checksum;
        let (foot, schema) = Footer::parse(&footer, head).unwrap();
        let entries = foot.entries().unwrap();
        let columns: Vec<ColumnId> = schema.columns().iter().map(|column| column.id).collect();
        let (mut page_lists, mut pages) = (Vec::new(), Vec::new());
        for group in &foot.cluster_groups {
            let Locator::File { size, offset } = group.page_list.locator else { panic!("not a file") };
            let list = open(EnvelopePlace { offset, stored: size, length: group.page_list.length });
            let reader = PageListReader { schema: &schema, header_checksum, group };
            for cluster in reader.read(list.as_slice(), &columns).unwrap() {
                for (listed, column) in cluster.columns.iter().zip(schema.columns()) {
                    for page in &listed.pages {
                        let Locator::File { size, offset } = page.locator else { panic!("not a file") };
                        pages.push(PlacedPage {
                            ranges: split(file, offset, sealed_len(page).unwrap(), anchor.max_key_size),
                            checksum: page.checksum,
                            elements: page.elements,
                            raw: size == column.page_len(page.elements),
                        });
                    }
                }
            }
            page_lists.push(list);
        }
        let attribute_sets = foot.attribute_sets.iter().filter_map(|set| {
            let Locator::File { size, offset } = set.anchor else { panic!("not a file") };
            let payload = &file[offset as usize..(offset + size) as usize];
            Some((set.name.to_string(), Self::of(file, payload, set.anchor_len as usize)?))
        });
        let attribute_sets = attribute_sets.collect();
        Some(Self { anchor, entries, header, footer, page_lists, pages, attribute_sets })
    }

    /// The pages of this data set and of its attribute sets.
    pub(crate) fn all_pages(&self) -> Vec<PlacedPage> {
        let below = self.attribute_sets.iter().flat_map(|(_, set)| set.all_pages());
        self.pages.iter().cloned().chain(below).collect()
    }
}

fn split(file: &[u8], offset: u64, stored: u64, max: u64) -> Vec<Range<usize>> {
    let usize_range = |range: Range<u64>| range.start as usize..range.end as usize;
    let Some(split) = SplitPayload::plan(offset, stored, max).unwrap() else {
        return vec![usize_range(offset..offset + stored)];
    };
    let first = usize_range(split.first_chunk());
    let others = split.other_chunks(&file[first.clone()]).unwrap();
    let data = first.start..first.start + split.first_data_len() as usize;
    std::iter::once(data).chain(others.into_iter().map(usize_range)).collect()
}

/// Places of the numbers in an uncompressed envelope: offset and width in bytes.
pub(crate) fn numbers(envelope: &[u8]) -> Vec<(usize, usize)> {
    let mut walk = Walk { bytes: envelope, at: 0, found: Vec::new() };
    match envelope[0] {
        1 => {
            walk.u(&[8, 8]);
            (0..3).for_each(|_| walk.text());
            walk.schema();
        }
        2 => {
            walk.u(&[8, 8, 8]);
            let end = walk.at + le(envelope, walk.at, 8) as usize;
            walk.u(&[8]);
            if walk.at < end {
                walk.schema();
            }
            walk.list(|walk| {
                walk.u(&[8, 8, 8, 4, 8]);
                walk.locator();
            });
            if envelope.len() - walk.at >= 8 + 12 {
                walk.list(|walk| {
                    walk.u(&[8, 2, 2, 4]);
                    walk.locator();
                    walk.text();
                });
            }
        }
        _ => {
            walk.u(&[8, 8]);
            walk.list(|walk| walk.u(&[8, 8, 8]));
            walk.list(|walk| walk.list(Walk::column_pages));
        }
    }
    // A walk that lost its way would test nothing.
    assert_eq!(walk.at, envelope.len() - 8, "envelope of type {}", envelope[0]);
    walk.u(&[8]);
    walk.found
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    found: Vec<(usize, usize)>,
}

impl Walk<'_> {
    fn u(&mut self, widths: &[usize]) {
        for &width in widths {
            self.found.push((self.at, width));
            self.at += width;
        }
    }

    fn text(&mut self) {
        let len = le(self.bytes, self.at, 4) as usize;
        self.u(&[4]);
        self.at += len;
    }

    fn locator(&mut self) {
        let head = le(self.bytes, self.at, 4) as u32;
        let size = if head >> 31 == 0 { 12 } else { (head.wrapping_neg() & 0xffff) as usize };
        self.u(&[4, 8]);
        if size == 20 {
            self.u(&[8]);
        }
    }

    fn list(&mut self, mut item: impl FnMut(&mut Self)) {
        let items = le(self.bytes, self.at + 8, 4);
        self.u(&[8, 4]);
        (0..items).for_each(|_| item(self));
    }

    fn column_pages(&mut self) {
        let end = self.at + le(self.bytes, self.at, 8).wrapping_neg() as usize;
        self.list(|walk| {
            walk.u(&[4]);
            walk.locator();
        });
        self.u(&[8]);
        if self.at < end {
            self.u(&[4]);
        }
    }

    fn schema(&mut self) {
        self.list(|walk| {
            let end = walk.at + le(walk.bytes, walk.at, 8) as usize;
            walk.u(&[8, 4, 4, 4, 2, 2]);
            (0..4).for_each(|_| walk.text());
            walk.rest(end);
        });
        self.list(|walk| {
            let end = walk.at + le(walk.bytes, walk.at, 8) as usize;
            walk.u(&[8, 2, 2, 4, 2, 2]);
            walk.rest(end);
        });
        self.list(|walk| walk.u(&[8, 4, 4]));
        self.list(|walk| {
            walk.u(&[8, 4, 4]);
            walk.text();
            walk.text();
        });
    }

    /// Optional numbers up to the end of a record, by their widths as far as these matter.
    fn rest(&mut self, end: usize) {
        while self.at < end {
            self.u(&[if end - self.at >= 8 { 8 } else { 4 }]);
        }
    }
}
