//! Builds envelopes byte by byte, so that tests can put anything into them.

use rntuple_core::checksum::xxh3;

pub(crate) const HEADER: u16 = 1;
pub(crate) const FOOTER: u16 = 2;
pub(crate) const PAGE_LIST: u16 = 3;

pub(crate) const PLAIN: u16 = 0;
pub(crate) const COLLECTION: u16 = 1;
pub(crate) const RECORD: u16 = 2;
pub(crate) const VARIANT: u16 = 3;

/// An envelope with its type, length and checksum.
pub(crate) fn seal(kind: u16, content: &[u8]) -> Vec<u8> {
    let mut bytes = (u64::from(kind) | ((content.len() + 16) as u64) << 16).to_le_bytes().to_vec();
    bytes.extend(content);
    bytes.extend(xxh3(&bytes).to_le_bytes());
    bytes
}

/// The checksum that ends an envelope.
pub(crate) fn checksum_of(envelope: &[u8]) -> u64 {
    u64::from_le_bytes(*envelope.last_chunk().unwrap())
}

pub(crate) fn record(content: &[u8]) -> Vec<u8> {
    [&(i64::try_from(content.len()).unwrap() + 8).to_le_bytes()[..], content].concat()
}

pub(crate) fn list(items: &[Vec<u8>]) -> Vec<u8> {
    list_with(items, &[])
}

/// A list frame with bytes behind its items.
pub(crate) fn list_with(items: &[Vec<u8>], behind: &[u8]) -> Vec<u8> {
    let content = [items.concat().as_slice(), behind].concat();
    let size = -(i64::try_from(content.len()).unwrap() + 12);
    [&size.to_le_bytes()[..], &u32::try_from(items.len()).unwrap().to_le_bytes(), &content].concat()
}

pub(crate) fn string(text: &str) -> Vec<u8> {
    [&u32::try_from(text.len()).unwrap().to_le_bytes()[..], text.as_bytes()].concat()
}

#[derive(Debug, Clone, Default)]
pub(crate) struct FieldSpec {
    pub(crate) version: u32,
    pub(crate) parent: u32,
    pub(crate) role: u16,
    pub(crate) flags: u16,
    pub(crate) name: String,
    pub(crate) type_name: String,
    /// What the flags announce, and anything behind it.
    pub(crate) behind: Vec<u8>,
}

impl FieldSpec {
    pub(crate) fn new(parent: u32, role: u16, name: &str, type_name: &str) -> Self {
        Self { parent, role, name: name.to_owned(), type_name: type_name.to_owned(), ..Self::default() }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend(self.version.to_le_bytes());
        out.extend(0_u32.to_le_bytes());
        out.extend(self.parent.to_le_bytes());
        out.extend(self.role.to_le_bytes());
        out.extend(self.flags.to_le_bytes());
        for text in [&self.name, &self.type_name, "", ""] {
            out.extend(string(text));
        }
        out.extend(&self.behind);
        record(&out)
    }
}

#[derive(Debug, Clone, Default)]
pub(crate) struct ColumnSpec {
    pub(crate) kind: u16,
    pub(crate) bits: u16,
    pub(crate) field: u32,
    pub(crate) flags: u16,
    pub(crate) representation: u16,
    /// What the flags announce, and anything behind it.
    pub(crate) behind: Vec<u8>,
}

impl ColumnSpec {
    pub(crate) fn new(field: u32, kind: u16, bits: u16) -> Self {
        Self { kind, bits, field, ..Self::default() }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend(self.kind.to_le_bytes());
        out.extend(self.bits.to_le_bytes());
        out.extend(self.field.to_le_bytes());
        out.extend(self.flags.to_le_bytes());
        out.extend(self.representation.to_le_bytes());
        out.extend(&self.behind);
        record(&out)
    }
}

#[derive(Debug, Clone, Default)]
pub(crate) struct HeaderSpec {
    /// Feature flag words; none stands for one word of zero.
    pub(crate) features: Vec<u64>,
    pub(crate) fields: Vec<FieldSpec>,
    pub(crate) columns: Vec<ColumnSpec>,
    /// Physical column and field.
    pub(crate) aliases: Vec<(u32, u32)>,
    /// Extra type information, as whole records.
    pub(crate) extra: Vec<Vec<u8>>,
    /// Bytes behind the items of each list.
    pub(crate) behind_lists: Vec<u8>,
    /// Bytes behind everything.
    pub(crate) behind: Vec<u8>,
}

impl HeaderSpec {
    pub(crate) fn schema(&self) -> Vec<u8> {
        let behind = &self.behind_lists;
        let fields: Vec<_> = self.fields.iter().map(FieldSpec::bytes).collect();
        let columns: Vec<_> = self.columns.iter().map(ColumnSpec::bytes).collect();
        let alias = |&(column, field): &(u32, u32)| record(&[column.to_le_bytes(), field.to_le_bytes()].concat());
        let aliases: Vec<_> = self.aliases.iter().map(alias).collect();
        [
            list_with(&fields, behind),
            list_with(&columns, behind),
            list_with(&aliases, behind),
            list_with(&self.extra, behind),
        ]
        .concat()
    }

    pub(crate) fn envelope(&self) -> Vec<u8> {
        let mut out = features(&self.features);
        for text in ["data", "a data set", "test"] {
            out.extend(string(text));
        }
        out.extend(self.schema());
        out.extend(&self.behind);
        seal(HEADER, &out)
    }
}

pub(crate) fn features(words: &[u64]) -> Vec<u8> {
    let words = if words.is_empty() { &[0] } else { words };
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// A simple locator: 32-bit size, 64-bit offset.
pub(crate) fn locator(size: usize, offset: usize) -> Vec<u8> {
    [&i32::try_from(size).unwrap().to_le_bytes()[..], &(offset as u64).to_le_bytes()].concat()
}

/// A locator of any type.
pub(crate) fn typed_locator(kind: u8, payload: &[u8]) -> Vec<u8> {
    let head = i32::try_from(payload.len() + 4).unwrap() | (i32::from(kind) << 24);
    [&(-head).to_le_bytes()[..], payload].concat()
}

#[derive(Debug, Clone, Default)]
pub(crate) struct GroupSpec {
    pub(crate) first_entry: u64,
    pub(crate) entries: u64,
    pub(crate) clusters: u32,
    /// Bytes of the page list once decompressed.
    pub(crate) length: u64,
    pub(crate) locator: Vec<u8>,
    pub(crate) behind: Vec<u8>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct FooterSpec {
    pub(crate) features: Vec<u64>,
    pub(crate) header_checksum: u64,
    /// Content of the schema extension's frame.
    pub(crate) extension: Vec<u8>,
    pub(crate) groups: Vec<GroupSpec>,
    /// The list of attribute sets; `None` for a footer of an old version, which has no such list.
    pub(crate) attribute_sets: Option<Vec<Vec<u8>>>,
    pub(crate) behind: Vec<u8>,
}

impl FooterSpec {
    pub(crate) fn envelope(&self) -> Vec<u8> {
        let mut out = features(&self.features);
        out.extend(self.header_checksum.to_le_bytes());
        out.extend(record(&self.extension));
        let group = |group: &GroupSpec| {
            let mut out = Vec::new();
            out.extend(group.first_entry.to_le_bytes());
            out.extend(group.entries.to_le_bytes());
            out.extend(group.clusters.to_le_bytes());
            out.extend(group.length.to_le_bytes());
            out.extend(&group.locator);
            out.extend(&group.behind);
            record(&out)
        };
        out.extend(list(&self.groups.iter().map(group).collect::<Vec<_>>()));
        if let Some(sets) = &self.attribute_sets {
            out.extend(list(sets));
        }
        out.extend(&self.behind);
        seal(FOOTER, &out)
    }
}

#[derive(Debug, Clone, Default)]
pub(crate) struct PageSpec {
    pub(crate) elements: i32,
    pub(crate) locator: Vec<u8>,
}

/// The pages of a column in a cluster: `None` for a suppressed column.
pub(crate) type ColumnPagesSpec = Option<Vec<PageSpec>>;

#[derive(Debug, Clone, Default)]
pub(crate) struct ClusterSpec {
    pub(crate) first_entry: u64,
    pub(crate) entries: u64,
    pub(crate) flags: u8,
    pub(crate) columns: Vec<ColumnPagesSpec>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct PageListSpec {
    pub(crate) header_checksum: u64,
    pub(crate) clusters: Vec<ClusterSpec>,
    /// Bytes behind the content of each frame.
    pub(crate) behind_frames: Vec<u8>,
    pub(crate) behind: Vec<u8>,
}

impl PageListSpec {
    pub(crate) fn envelope(&self) -> Vec<u8> {
        let behind = self.behind_frames.as_slice();
        let summary = |cluster: &ClusterSpec| {
            let entries = cluster.entries | u64::from(cluster.flags) << 56;
            record(&[&cluster.first_entry.to_le_bytes()[..], &entries.to_le_bytes(), behind].concat())
        };
        let pages = |column: &ColumnPagesSpec| {
            let Some(pages) = column else {
                return list_with(&[], &[&i64::MIN.to_le_bytes()[..], behind].concat());
            };
            let page = |page: &PageSpec| [&page.elements.to_le_bytes()[..], &page.locator].concat();
            let pages: Vec<_> = pages.iter().map(page).collect();
            list_with(&pages, &[&0_i64.to_le_bytes()[..], &0_u32.to_le_bytes(), behind].concat())
        };
        let columns = |cluster: &ClusterSpec| list_with(&cluster.columns.iter().map(pages).collect::<Vec<_>>(), behind);
        let mut out = self.header_checksum.to_le_bytes().to_vec();
        out.extend(list_with(&self.clusters.iter().map(summary).collect::<Vec<_>>(), behind));
        out.extend(list_with(&self.clusters.iter().map(columns).collect::<Vec<_>>(), behind));
        out.extend(&self.behind);
        seal(PAGE_LIST, &out)
    }
}
