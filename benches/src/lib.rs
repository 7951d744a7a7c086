//! What the benchmarks share: data that Rust and C++ programs make alike, and timing.

use std::time::Instant;

/// The pseudo-random numbers of `peers/data.hpp`: both give the same sequence.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// A sequence by its number.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// 32 bits.
    pub fn bits(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 32) as u32
    }

    /// A number from 0 to 1.
    pub fn uniform(&mut self) -> f64 {
        f64::from(self.bits()) / 4_294_967_296.0
    }

    /// A transverse momentum: exponential, with the 12 bits of mantissa that analysis formats keep.
    #[expect(clippy::cast_possible_truncation, reason = "a float is what is wanted")]
    pub fn momentum(&mut self) -> f32 {
        let value = (-30.0 * (1.0 - self.uniform()).ln()) as f32;
        f32::from_bits(value.to_bits() & 0xffff_f800)
    }

    /// The size of a collection: 0 to 9, 3 on average.
    pub fn size(&mut self) -> usize {
        (0..9).filter(|_| self.bits().is_multiple_of(3)).count()
    }
}

/// Seconds that something takes.
pub fn seconds<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let start = Instant::now();
    let result = work();
    (start.elapsed().as_secs_f64(), result)
}
