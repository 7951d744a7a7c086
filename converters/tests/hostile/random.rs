//! The same sample every time.

/// A small generator of numbers that only look random (`SplitMix64`).
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    /// Numbers that depend on `seed` alone.
    pub(crate) fn new(seed: &str) -> Self {
        Self(rntuple_core::checksum::xxh3(seed.as_bytes()))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    /// At most `most` of these, in their order; all of them when there are no more.
    pub(crate) fn sample<T>(&mut self, all: Vec<T>, most: usize) -> Vec<T> {
        let mut left = all.len();
        let mut wanted = most.min(left);
        let chosen = |_: &T| {
            let take = self.below(left) < wanted;
            left -= 1;
            wanted -= usize::from(take);
            take
        };
        all.into_iter().filter(chosen).collect()
    }
}
