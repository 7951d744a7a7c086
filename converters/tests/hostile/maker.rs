//! Data sets put together byte by byte, to say what no writer would.

use rntuple_core::compression::{CompressionSettings, compress};

use crate::rebuild::{anchor, seal};

/// A record frame.
pub(crate) fn record(content: &[u8]) -> Vec<u8> {
    [&(content.len() as u64 + 8).to_le_bytes(), content].concat()
}

/// A list frame; `items` bring their own frames.
pub(crate) fn list(items: &[Vec<u8>]) -> Vec<u8> {
    let content = items.concat();
    let size = (content.len() as u64 + 12).wrapping_neg();
    [&size.to_le_bytes()[..], &(items.len() as u32).to_le_bytes(), &content].concat()
}

/// An envelope with the right checksum.
pub(crate) fn envelope(kind: u64, content: &[u8]) -> Vec<u8> {
    let head = kind | (content.len() as u64 + 16) << 16;
    let mut bytes = [&head.to_le_bytes(), content, &[0; 8]].concat();
    seal(&mut bytes);
    bytes
}

fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat()
}

pub(crate) const PLAIN: u16 = 0;
pub(crate) const COLLECTION: u16 = 1;
pub(crate) const RECORD: u16 = 2;
pub(crate) const VARIANT: u16 = 3;

/// A field. At the top level `parent` is its own number.
pub(crate) fn field(parent: u32, role: u16, name: &str, type_name: &str, repetitions: Option<u64>) -> Vec<u8> {
    let mut out = [[0_u32, 0, parent].map(u32::to_le_bytes).concat(), role.to_le_bytes().to_vec()].concat();
    out.extend(u16::from(repetitions.is_some()).to_le_bytes());
    out.extend([name, type_name, "", ""].map(text).concat());
    out.extend(repetitions.map_or_else(Vec::new, |n| n.to_le_bytes().to_vec()));
    record(&out)
}

/// A column; with `first_element` a deferred one.
pub(crate) fn column(kind: u16, bits: u16, field: u32, first_element: Option<i64>) -> Vec<u8> {
    let mut out = [kind, bits].map(u16::to_le_bytes).concat();
    out.extend(field.to_le_bytes());
    out.extend([u16::from(first_element.is_some()), 0].map(u16::to_le_bytes).concat());
    out.extend(first_element.map_or_else(Vec::new, |first| first.to_le_bytes().to_vec()));
    record(&out)
}

/// A quantised column.
pub(crate) fn quantised(bits: u16, field: u32, min: f64, max: f64) -> Vec<u8> {
    let mut out = [0x1d, bits].map(u16::to_le_bytes).concat();
    out.extend(field.to_le_bytes());
    out.extend([2_u16, 0].map(u16::to_le_bytes).concat());
    out.extend([min, max].map(f64::to_le_bytes).concat());
    record(&out)
}

pub(crate) const BIT: u16 = 0x00;
pub(crate) const CHAR: u16 = 0x02;
pub(crate) const REAL64: u16 = 0x0d;
pub(crate) const INDEX64: u16 = 0x0f;
pub(crate) const SWITCH: u16 = 0x10;
pub(crate) const SPLIT_REAL64: u16 = 0x19;

/// A page without checksum: elements, stored bytes, offset.
pub(crate) fn page(elements: u32, size: u64, offset: u64) -> Vec<u8> {
    let mut out = elements.to_le_bytes().to_vec();
    match i32::try_from(size) {
        Ok(size) => out.extend(size.to_le_bytes()),
        // The head of a large locator.
        Err(_) => {
            out.extend([0xec, 0xff, 0xff, 0xfe]);
            out.extend(size.to_le_bytes());
        }
    }
    out.extend(offset.to_le_bytes());
    out
}

/// The pages of a column in a cluster.
pub(crate) fn pages(pages: &[Vec<u8>]) -> Vec<u8> {
    let mut content = (pages.len() as u32).to_le_bytes().to_vec();
    content.extend(pages.concat());
    content.extend([0; 8 + 4]);
    [&(content.len() as u64 + 8).wrapping_neg().to_le_bytes()[..], &content].concat()
}

/// What a data set consists of.
#[derive(Debug, Clone, Default)]
pub(crate) struct Maker {
    pub fields: Vec<Vec<u8>>,
    pub columns: Vec<Vec<u8>>,
    /// Fields and columns of the schema extension.
    pub more_fields: Vec<Vec<u8>>,
    pub more_columns: Vec<Vec<u8>>,
    /// Entries and column lists of each cluster.
    pub clusters: Vec<(u64, Vec<Vec<u8>>)>,
    /// Bytes of pages; they lie at [`PAGES_AT`].
    pub data: Vec<u8>,
    /// Whether envelopes are compressed, and how many bytes that mean nothing are behind them, so that they do not
    /// look too small for what is in them.
    pub packed: Option<usize>,
}

/// Where page data begin.
pub(crate) const PAGES_AT: u64 = 1000;

impl Maker {
    pub(crate) fn build(&self) -> Vec<u8> {
        let mut file = vec![0; PAGES_AT as usize];
        file.extend(&self.data);
        let mut place = |kind: u64, mut content: Vec<u8>| -> ([u64; 3], u64) {
            // No compression gets these small.
            let mut noise = crate::random::Random::new("noise");
            content.extend((0..self.packed.unwrap_or(0)).map(|_| noise.next().to_le_bytes()[0]));
            let bytes = envelope(kind, &content);
            let mut stored = Vec::new();
            let settings = CompressionSettings::from(if self.packed.is_some() { 505 } else { 0 });
            compress(settings, &bytes, &mut stored).unwrap();
            let at = file.len() as u64;
            file.extend(&stored);
            let checksum = u64::from_le_bytes(*bytes.last_chunk().unwrap());
            ([at, stored.len() as u64, bytes.len() as u64], checksum)
        };
        let empty = list(&[]);
        let mut content = vec![0; 8];
        content.extend(["data", "", "test"].map(text).concat());
        content.extend([list(&self.fields), list(&self.columns), empty.clone(), empty.clone()].concat());
        let (header, checksum) = place(1, content);

        let mut first = 0;
        let (mut summaries, mut columns) = (Vec::new(), Vec::new());
        for (entries, lists) in &self.clusters {
            summaries.push(record(&[first, *entries].map(u64::to_le_bytes).concat()));
            columns.push(list(lists));
            first += entries;
        }
        let content = [&checksum.to_le_bytes()[..], &list(&summaries), &list(&columns)].concat();
        let (page_list, _) = place(3, content);

        let extension = record(&[list(&self.more_fields), list(&self.more_columns), empty.clone(), empty].concat());
        let mut group = [0, first].map(u64::to_le_bytes).concat();
        group.extend((self.clusters.len() as u32).to_le_bytes());
        group.extend(page_list[2].to_le_bytes());
        group.extend((page_list[1] as u32).to_le_bytes());
        group.extend(page_list[0].to_le_bytes());
        let content = [&[0; 8][..], &checksum.to_le_bytes(), &extension, &list(&[record(&group)]), &list(&[])].concat();
        let (footer, _) = place(2, content);

        let [h, f] = [header, footer];
        let anchor = anchor([1, 0, 2, 0], [h[0], h[1], h[2], f[0], f[1], f[2], 0]);
        let anchor_at = file.len() as u64;
        file.extend(&anchor);
        let keys = [key("ROOT::RNTuple", "data", anchor_at, 78)];
        with_directory(file, &keys)
    }
}

/// A key in the big layout whose payload lies at `payload_at`.
pub(crate) fn key(class: &str, name: &str, payload_at: u64, len: u32) -> Vec<u8> {
    let mut out = Vec::new();
    let key_len = (34 + 3 + class.len() + name.len()) as u32;
    out.extend((key_len + len).to_be_bytes());
    out.extend(1004_u16.to_be_bytes());
    out.extend(len.to_be_bytes());
    out.extend(0_u32.to_be_bytes());
    out.extend((key_len as u16).to_be_bytes());
    out.extend(1_u16.to_be_bytes());
    out.extend((payload_at.saturating_sub(key_len.into())).to_be_bytes());
    out.extend(100_u64.to_be_bytes());
    for text in [class, name, ""] {
        out.push(text.len() as u8);
        out.extend(text.as_bytes());
    }
    out
}

/// The key list record of some keys.
pub(crate) fn key_list(keys: &[Vec<u8>]) -> Vec<u8> {
    let payload = [&(keys.len() as u32).to_be_bytes()[..], &keys.concat()].concat();
    [key("", "test", 0, payload.len() as u32), payload].concat()
}

/// A directory block.
pub(crate) fn directory(list_at: u64, list_len: u32) -> Vec<u8> {
    let mut out = 1005_u16.to_be_bytes().to_vec();
    out.extend([0, 0, list_len, 0].map(u32::to_be_bytes).concat());
    out.extend([100, 0, list_at].map(u64::to_be_bytes).concat());
    out
}

/// Adds file header, top directory (both within the first 1000 bytes) and its keys.
pub(crate) fn with_directory(mut file: Vec<u8>, keys: &[Vec<u8>]) -> Vec<u8> {
    let (at, list) = (file.len() as u64, key_list(keys));
    file.extend(&list);
    let mut header = b"root".to_vec();
    header.extend([64_000_u32, 100, 0, 0, 0, 0, 0].map(u32::to_be_bytes).concat());
    file[..header.len()].copy_from_slice(&header);
    let top = directory(at, list.len() as u32);
    file[100..100 + top.len()].copy_from_slice(&top);
    file
}
