//! Opens the golden files with nothing but the public functions of this crate.

use std::path::{Path, PathBuf};

use rntuple_core::compression::decompress_to_vec;
use rntuple_core::container::root_file::{
    Anchor, Directory, EnvelopePlace, FileHeader, Key, SplitPayload, parse_key_list,
};
use rntuple_core::metadata::{ClusterPages, Footer, Header, Locator, PageInfo, PageListReader};
use rntuple_core::page::sealed_len;
use rntuple_core::schema::{ColumnId, Field, Schema};

pub(crate) fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../format-spec/vectors")
}

pub(crate) fn read(name: &str) -> Vec<u8> {
    let path = vectors().join(name);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

pub(crate) fn text(name: &str) -> String {
    String::from_utf8(read(name)).unwrap()
}

/// Every RNTuple of the golden files: file and path, those that ROOT cannot read back included.
pub(crate) fn manifest() -> Vec<(String, String)> {
    let line = |line: &str| {
        let mut parts = line.split('\t');
        (parts.next().unwrap().to_owned(), parts.next().unwrap().to_owned())
    };
    text("MANIFEST.txt").lines().map(line).collect()
}

pub(crate) fn file_header(bytes: &[u8]) -> FileHeader {
    FileHeader::parse(&bytes[..FileHeader::LEN.min(bytes.len())]).unwrap()
}

/// The keys of a directory whose block lies at `at`.
pub(crate) fn keys(bytes: &[u8], at: u64) -> Vec<Key> {
    let at = usize::try_from(at).unwrap();
    let directory = Directory::parse(&bytes[at..bytes.len().min(at + Directory::LEN)], at as u64).unwrap();
    let start = usize::try_from(directory.key_list_at).unwrap();
    if start == 0 {
        return Vec::new();
    }
    let record = &bytes[start..start + directory.key_list_len as usize];
    let key = Key::parse(record, directory.key_list_at).unwrap();
    let payload = usize::from(key.key_len);
    parse_key_list(&record[payload..], key.payload_at()).unwrap()
}

/// The key of the object at a path such as `dir/name` or `name;2`.
pub(crate) fn find(bytes: &[u8], path: &str) -> Key {
    let (path, cycle) = match path.rsplit_once(';') {
        Some((path, cycle)) => (path, Some(cycle.parse::<u16>().unwrap())),
        None => (path, None),
    };
    let mut at = file_header(bytes).directory_at().unwrap();
    let mut names = path.split('/').peekable();
    while let Some(name) = names.next() {
        let found = keys(bytes, at).into_iter().filter(|key| &*key.name == name);
        let key = found.filter(|key| cycle.is_none_or(|cycle| key.cycle == cycle)).max_by_key(|key| key.cycle);
        let key = key.unwrap_or_else(|| panic!("no key '{name}'"));
        if names.peek().is_none() {
            return key;
        }
        assert!(Directory::CLASSES.contains(&&*key.class), "{key:?}");
        at = key.payload_at();
    }
    unreachable!("a path has at least one name");
}

/// Bytes of the file, as they are.
pub(crate) fn slice(bytes: &[u8], offset: u64, len: u64) -> &[u8] {
    let start = usize::try_from(offset).unwrap();
    &bytes[start..start + usize::try_from(len).unwrap()]
}

/// A payload that may be split over several keys.
pub(crate) fn payload(bytes: &[u8], offset: u64, stored: u64, max_key_size: u64) -> Vec<u8> {
    let Some(split) = SplitPayload::plan(offset, stored, max_key_size).unwrap() else {
        return slice(bytes, offset, stored).to_vec();
    };
    let first = split.first_chunk();
    let first = slice(bytes, first.start, first.end - first.start);
    let mut out = first[..usize::try_from(split.first_data_len()).unwrap()].to_vec();
    for chunk in split.other_chunks(first).unwrap() {
        out.extend(slice(bytes, chunk.start, chunk.end - chunk.start));
    }
    assert_eq!(out.len() as u64, stored);
    out
}

/// An open RNTuple.
pub(crate) struct Set {
    pub(crate) bytes: Vec<u8>,
    pub(crate) key: Key,
    pub(crate) anchor: Anchor,
    pub(crate) header: Header,
    pub(crate) footer: Footer,
    pub(crate) schema: Schema,
}

impl Set {
    pub(crate) fn open(file: &str, path: &str) -> Self {
        let bytes = read(file);
        let key = find(&bytes, path);
        assert_eq!(&*key.class, Anchor::CLASS);
        let record = slice(&bytes, key.payload_at(), key.payload_len().into());
        let anchor = Anchor::from_record(record, key.object_len).unwrap();
        Self::at(bytes, key, anchor)
    }

    pub(crate) fn at(bytes: Vec<u8>, key: Key, anchor: Anchor) -> Self {
        let header = Header::parse(&envelope(&bytes, &anchor, anchor.header)).unwrap();
        let (footer, schema) = Footer::parse(&envelope(&bytes, &anchor, anchor.footer), header.clone()).unwrap();
        Self { bytes, key, anchor, header, footer, schema }
    }

    /// The RNTuple `data` of a file.
    pub(crate) fn data(name: &str) -> Self {
        Self::open(&format!("{name}.root"), "data")
    }

    pub(crate) fn all_columns(&self) -> Vec<ColumnId> {
        self.schema.columns().iter().map(|column| column.id).collect()
    }

    /// The page list envelope of a cluster group.
    pub(crate) fn page_list(&self, group: usize) -> Vec<u8> {
        let link = self.footer.cluster_groups[group].page_list;
        let Locator::File { size, offset } = link.locator else { panic!("{:?}", link.locator) };
        envelope(&self.bytes, &self.anchor, EnvelopePlace { offset, stored: size, length: link.length })
    }

    pub(crate) fn page_list_reader(&self, group: usize) -> PageListReader<'_> {
        PageListReader {
            schema: &self.schema,
            header_checksum: self.header.checksum,
            group: &self.footer.cluster_groups[group],
        }
    }

    /// The clusters with the pages of some columns.
    pub(crate) fn clusters_of(&self, columns: &[ColumnId]) -> Vec<ClusterPages> {
        let group = |group| self.page_list_reader(group).read(self.page_list(group).as_slice(), columns).unwrap();
        (0..self.footer.cluster_groups.len()).flat_map(group).collect()
    }

    /// The clusters with all pages.
    pub(crate) fn clusters(&self) -> Vec<ClusterPages> {
        self.clusters_of(&self.all_columns())
    }

    /// A page as stored, with its checksum.
    pub(crate) fn sealed(&self, page: &PageInfo) -> Vec<u8> {
        let Locator::File { offset, .. } = page.locator else { panic!("{:?}", page.locator) };
        payload(&self.bytes, offset, sealed_len(page).unwrap(), self.anchor.max_key_size)
    }

    /// The field at a path.
    pub(crate) fn field(&self, path: &str) -> &Field {
        let found = self.schema.fields().iter().find(|field| self.schema.path(field.id) == path);
        found.unwrap_or_else(|| panic!("no field '{path}'"))
    }
}

pub(crate) fn envelope(bytes: &[u8], anchor: &Anchor, place: EnvelopePlace) -> Vec<u8> {
    let stored = payload(bytes, place.offset, place.stored, anchor.max_key_size);
    let mut out = Vec::new();
    decompress_to_vec(&stored, usize::try_from(place.length).unwrap(), &mut out).unwrap();
    out
}
