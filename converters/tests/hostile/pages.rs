//! Damage to pages.

use rntuple_core::checksum::xxh3;

use crate::container::{BLOWN_4, BLOWN_8};
use crate::judge::{Truth, Verdict};
use crate::layout::PlacedPage;
use crate::random::Random;
use crate::subject::{all, vectors};

/// Flips tried per file.
const FLIPS: usize = 250;
/// Changes under a good checksum tried per file.
const CHANGES: usize = 500;

#[test]
fn flips_in_pages_with_checksums_are_noticed() {
    Verdict::new("flips_in_pages_with_checksums_are_noticed").over(all(), |subject, bench| {
        let mut random = Random::new(&subject.name);
        // `verify` looks at every data set, `show` at one; a page of another one must not be asked of it.
        let [(_, layout)] = subject.ntuples.as_slice() else { return };
        if subject.limit.is_some() {
            return; // the page may not be among those that are read
        }
        let pages: Vec<&PlacedPage> = layout.pages.iter().filter(|page| page.checksum && page.elements > 0).collect();
        let bytes = pages.iter().flat_map(|page| page.ranges.iter().cloned().flatten()).collect();
        for at in random.sample(bytes, FLIPS / subject.weight()) {
            let flip = [0x01, 0xff, 0x80][random.below(3)];
            let byte = subject.bytes[at] ^ flip;
            bench.page_flipped(at, byte, &|| format!("byte {at} of a page ^ {flip:#04x}"));
        }
    });
}

#[test]
fn pages_changed_under_a_good_checksum() {
    Verdict::new("pages_changed_under_a_good_checksum").over(vectors(), |subject, bench| {
        let mut random = Random::new(&subject.name);
        let pages: Vec<PlacedPage> = subject.ntuples.iter().flat_map(|(_, layout)| layout.all_pages()).collect();
        let pages: Vec<&PlacedPage> = pages.iter().filter(|page| page.ranges.len() == 1).collect();
        if pages.is_empty() {
            return;
        }
        for _ in 0..CHANGES / subject.weight() {
            let page = pages[random.below(pages.len())];
            let range = page.ranges[0].clone();
            let mut bytes = subject.bytes[range.clone()].to_vec();
            let end = bytes.len() - if page.checksum { 8 } else { 0 };
            if end == 0 {
                continue;
            }
            let at = random.below(end);
            let value = match random.below(4) {
                0 => vec![bytes[at] ^ 1 << random.below(8)],
                1 => vec![random.next().to_le_bytes()[0]],
                2 => BLOWN_4[random.below(4)].to_le_bytes().to_vec(),
                _ => BLOWN_8[random.below(5)].to_le_bytes().to_vec(),
            };
            let to = (at + value.len()).min(end);
            bytes[at..to].copy_from_slice(&value[..to - at]);
            if page.checksum {
                let checksum = xxh3(&bytes[..end]).to_le_bytes();
                bytes[end..].copy_from_slice(&checksum);
            }
            let raw = if page.raw { "raw" } else { "compressed" };
            bench.patched(range.start, &bytes, Truth::Open, &|| {
                format!("{raw} page at {}, bytes {at}.. = {value:02x?}", range.start)
            });
        }
    });
}
