//! Damage to the file as it is stored. Checksums stay as they are.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::judge::{Truth, Verdict};
use crate::random::Random;
use crate::subject::{Subject, all};

/// Flips tried per file.
const FLIPS: usize = 1200;
/// Numbers blown up per file.
const BLOWN: usize = 500;

/// What lengths and offsets are replaced by.
pub(crate) const BLOWN_4: [u32; 4] = [0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0];
pub(crate) const BLOWN_8: [u64; 5] = [1 << 63, (1 << 63) - 1, u64::MAX, 1 << 31, 0];

#[test]
fn files_cut_short() {
    Verdict::new("files_cut_short").over(all(), |subject, bench| {
        let len = subject.bytes.len();
        let weight = subject.weight();
        let edge = |len: usize| (0..len.min(400)).step_by(weight);
        let mut cuts: BTreeSet<usize> = edge(len).collect();
        cuts.extend(edge(len).map(|i| len - 1 - i));
        let spread = 60 / weight.min(10);
        cuts.extend((0..spread).map(|i| len * i / spread));
        for (i, cut) in cuts.into_iter().enumerate() {
            bench.truncated(cut, i % 8 == 0);
        }
    });
}

#[test]
fn bytes_outside_of_pages_flipped() {
    Verdict::new("bytes_outside_of_pages_flipped").over(all(), |subject, bench| {
        let flips = subject.metadata().into_iter().flat_map(|at| [(at, 0x01), (at, 0xff)]).collect();
        let flips = Random::new(&subject.name).sample(flips, FLIPS / subject.weight());
        for (at, flip) in flips {
            let byte = subject.bytes[at] ^ flip;
            bench.patched(at, &[byte], Truth::Protected, &|| format!("byte {at} ^ {flip:#04x}"));
        }
    });
}

#[test]
fn lengths_in_the_container_blown_up() {
    Verdict::new("lengths_in_the_container_blown_up").over(all(), |subject, bench| {
        let places = records(subject).into_iter().flatten();
        let mut blown: Vec<(usize, Vec<u8>)> = Vec::new();
        for at in places {
            blown.extend(BLOWN_4.map(|value| (at, value.to_be_bytes().to_vec())));
            blown.extend(BLOWN_8.map(|value| (at, value.to_be_bytes().to_vec())));
        }
        blown.retain(|(at, value)| at + value.len() <= subject.bytes.len());
        for (at, value) in Random::new(&subject.name).sample(blown, BLOWN / subject.weight()) {
            bench.patched(at, &value, Truth::Protected, &|| format!("bytes {at}.. = {value:02x?}"));
        }
    });
}

/// Header, directories, key lists, and the records of anchors.
fn records(subject: &Subject) -> Vec<Range<usize>> {
    let mut out: Vec<Range<usize>> = std::iter::once(0..100).collect();
    out.extend(subject.directories.ranges.iter().cloned());
    out.extend(subject.ntuples.iter().map(|(key, _)| key.record.clone()));
    out
}
