//! Envelopes and anchors with numbers changed and all checksums right again.

use crate::container::{BLOWN_4, BLOWN_8};
use crate::judge::{Truth, Verdict};
use crate::layout::numbers;
use crate::random::Random;
use crate::rebuild::Parts;
use crate::subject::{all, vector, vectors};

/// Changes tried per data set.
const TRIES: usize = 900;

#[test]
fn numbers_in_envelopes_blown_up() {
    Verdict::new("numbers_in_envelopes_blown_up").over(all(), |subject, bench| {
        for (key, layout) in &subject.ntuples {
            let Some(parts) = Parts::of(layout) else { continue };
            let mut changes = Vec::new();
            for envelope in 0..2 + parts.page_lists.len() {
                let bytes = parts.clone().envelope_mut(envelope).clone();
                for (at, width) in numbers(&bytes) {
                    let values: Vec<Vec<u8>> = match width {
                        2 => [0, 1, 0x7fff, 0x8000, 0xffff_u16].map(|value| value.to_le_bytes().to_vec()).to_vec(),
                        4 => BLOWN_4.map(|value| value.to_le_bytes().to_vec()).to_vec(),
                        _ => BLOWN_8.map(|value| value.to_le_bytes().to_vec()).to_vec(),
                    };
                    changes.extend(values.into_iter().map(|value| (envelope, at, value)));
                }
            }
            let tries = TRIES / subject.weight() / subject.ntuples.len();
            for (envelope, at, value) in Random::new(&subject.name).sample(changes, tries) {
                let mut changed = parts.clone();
                let bytes = changed.envelope_mut(envelope);
                bytes[at..at + value.len()].copy_from_slice(&value);
                bench.replaced(&changed.build(subject, key, layout), Truth::Open, &|| {
                    format!("{}: envelope {envelope}, bytes {at}.. = {value:02x?}", key.path)
                });
            }
        }
        bench.restore();
    });
}

#[test]
fn bytes_in_envelopes_changed() {
    Verdict::new("bytes_in_envelopes_changed").over(vectors(), |subject, bench| {
        let mut random = Random::new(&subject.name);
        for (key, layout) in &subject.ntuples {
            let Some(parts) = Parts::of(layout) else { continue };
            for _ in 0..TRIES / 3 / subject.weight() / subject.ntuples.len() {
                let mut changed = parts.clone();
                let envelope = random.below(2 + parts.page_lists.len());
                let bytes = changed.envelope_mut(envelope);
                let mut what = format!("{}: envelope {envelope}:", key.path);
                // Several at once, as one lie often needs another.
                for _ in 0..1 + random.below(3) {
                    let (at, value) = (random.below(bytes.len()), random.next().to_le_bytes()[0]);
                    bytes[at] = value;
                    what += &format!(" [{at}] = {value:#04x}");
                }
                bench.replaced(&changed.build(subject, key, layout), Truth::Open, &|| what.clone());
            }
        }
        bench.restore();
    });
}

#[test]
fn numbers_in_the_anchor_blown_up_in_pairs() {
    const VALUES: [u64; 8] = [0, 1, 8, 100, 0x7fff_ffff, 1 << 31, (1 << 63) - 1, u64::MAX];
    let verdict = Verdict::new("numbers_in_the_anchor_blown_up_in_pairs");
    let subject = vector("clusters");
    let mut bench = crate::judge::Bench::new(&subject, &verdict);
    let (key, layout) = &subject.ntuples[0];
    let parts = Parts::of(layout).unwrap();
    for a in 0..7 {
        for b in a..7 {
            for (x, y) in VALUES.iter().flat_map(|x| VALUES.map(|y| (*x, y))) {
                let changed = Parts { anchor: vec![(a, x), (b, y)], ..parts.clone() };
                bench.replaced(&changed.build(&subject, key, layout), Truth::Open, &|| {
                    format!("anchor: number {a} = {x:#x}, {b} = {y:#x}")
                });
            }
        }
    }
    drop(bench);
    verdict.end("one file");
}

/// The changes above mean something only if a file put together again is read like the one it was made from.
#[test]
fn unchanged_parts_give_the_same_values() {
    Verdict::new("unchanged_parts_give_the_same_values").over(vectors(), |subject, bench| {
        for (key, layout) in &subject.ntuples {
            let Some(parts) = Parts::of(layout) else { continue };
            let file = parts.build(subject, key, layout);
            // Under the truth that a change is noticed or harmless, with every command.
            for _ in 0..7 {
                bench.must_work(&file, &|| format!("{}: nothing changed", key.path));
            }
        }
        bench.restore();
    });
}
