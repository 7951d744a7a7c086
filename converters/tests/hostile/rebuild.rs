//! Files with changed envelopes and anchors whose checksums are right, so that the code behind the checksums is reached.

use rntuple_core::checksum::xxh3;

use crate::layout::{Layout, ListedKey, le};
use crate::subject::Subject;

/// The envelopes and the anchor of a data set, to be changed and written behind the end of its file.
#[derive(Debug, Clone)]
pub(crate) struct Parts {
    pub header: Vec<u8>,
    pub footer: Vec<u8>,
    pub page_lists: Vec<Vec<u8>>,
    /// Changes to the 64-bit numbers of the anchor, made last: number (0 to 6) and value.
    pub anchor: Vec<(usize, u64)>,
}

/// Offset of the header's checksum in the footer (behind one word of flags) and in page lists.
const HEADER_CHECKSUM_IN_FOOTER: usize = 16;
const HEADER_CHECKSUM_IN_PAGE_LIST: usize = 8;

impl Parts {
    /// `None` for a data set whose envelopes must be split over several keys: they are not written here.
    pub(crate) fn of(layout: &Layout) -> Option<Self> {
        let parts = Self {
            header: layout.header.clone(),
            footer: layout.footer.clone(),
            page_lists: layout.page_lists.clone(),
            anchor: Vec::new(),
        };
        let longest = parts.page_lists.iter().map(Vec::len).chain([parts.header.len(), parts.footer.len()]).max()?;
        let max = layout.anchor.max_key_size;
        (max == 0 || longest as u64 <= max).then_some(parts)
    }

    pub(crate) fn envelope_mut(&mut self, number: usize) -> &mut Vec<u8> {
        match number {
            0 => &mut self.header,
            1 => &mut self.footer,
            page_list => &mut self.page_lists[page_list - 2],
        }
    }

    /// The file with these parts in place of those it has. Checksums and links are brought in line, but for those that
    /// were changed themselves.
    pub(crate) fn build(&self, subject: &Subject, key: &ListedKey, layout: &Layout) -> Vec<u8> {
        let mut file = subject.bytes.clone();
        let mut append = |bytes: &[u8]| {
            let at = file.len() as u64;
            file.extend_from_slice(bytes);
            at
        };
        let mut header = self.header.clone();
        let checksum = seal(&mut header);
        let header_at = append(&header);

        let mut footer = self.footer.clone();
        keep_or_put(&mut footer, &layout.footer, HEADER_CHECKSUM_IN_FOOTER, &checksum.to_le_bytes());
        for (list, at) in self.page_lists.iter().zip(links(&layout.footer)) {
            let mut list = list.clone();
            let before = &layout.page_lists[0];
            if le(&list, HEADER_CHECKSUM_IN_PAGE_LIST, 8) == le(before, HEADER_CHECKSUM_IN_PAGE_LIST, 8) {
                put(&mut list, HEADER_CHECKSUM_IN_PAGE_LIST, &checksum.to_le_bytes());
            }
            seal(&mut list);
            let list_at = append(&list);
            let len = list.len() as u64;
            keep_or_put(&mut footer, &layout.footer, at, &len.to_le_bytes());
            keep_or_put(&mut footer, &layout.footer, at + 8, &(len as u32).to_le_bytes());
            keep_or_put(&mut footer, &layout.footer, at + 12, &list_at.to_le_bytes());
        }
        seal(&mut footer);
        let footer_at = append(&footer);

        let mut numbers = [
            header_at,
            header.len() as u64,
            header.len() as u64,
            footer_at,
            footer.len() as u64,
            footer.len() as u64,
            layout.anchor.max_key_size,
        ];
        for &(number, value) in &self.anchor {
            numbers[number] = value;
        }
        let anchor_at = append(&anchor(layout.anchor.version, numbers));
        point_key(&mut file, key, anchor_at, 78);
        file
    }
}

/// An anchor record's payload.
pub(crate) fn anchor(version: [u16; 4], numbers: [u64; 7]) -> Vec<u8> {
    let mut anchor = 0x4000_0042_u32.to_be_bytes().to_vec();
    anchor.extend(2_u16.to_be_bytes());
    anchor.extend(version.iter().flat_map(|part| part.to_be_bytes()));
    anchor.extend(numbers.iter().flat_map(|number| number.to_be_bytes()));
    anchor.extend(xxh3(&anchor[6..]).to_be_bytes());
    anchor
}

/// Makes a listed key say that its payload has `len` bytes at `payload_at`, stored without compression.
fn point_key(file: &mut [u8], key: &ListedKey, payload_at: u64, len: usize) {
    let record_at = payload_at - key.key_len as u64;
    put(file, key.at, &((key.key_len + len) as u32).to_be_bytes());
    put(file, key.at + 6, &(len as u32).to_be_bytes());
    let at = record_at.to_be_bytes();
    put(file, key.at + 18, &at[8 - key.width..]);
}

/// Puts the right checksum at the end of an envelope, and gives it.
pub(crate) fn seal(envelope: &mut [u8]) -> u64 {
    let end = envelope.len() - 8;
    let checksum = xxh3(&envelope[..end]);
    put(envelope, end, &checksum.to_le_bytes());
    checksum
}

pub(crate) fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}

/// Puts a value where the bytes are still what they were; what a test has changed stays.
fn keep_or_put(bytes: &mut [u8], before: &[u8], at: usize, value: &[u8]) {
    let range = at..at + value.len();
    if bytes.get(range.clone()).is_some_and(|now| now == &before[range]) {
        put(bytes, at, value);
    }
}

/// Offsets in the footer of the links to page lists: length (8 bytes), size (4), offset (8).
pub(crate) fn links(footer: &[u8]) -> Vec<usize> {
    let list = 24 + le(footer, 24, 8) as usize;
    let mut at = list + 12;
    let mut out = Vec::new();
    for _ in 0..le(footer, list + 8, 4) {
        out.push(at + 8 + 8 + 8 + 4);
        at += le(footer, at, 8) as usize;
    }
    out
}
