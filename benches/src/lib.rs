//! What the benchmarks share: numbers that are the same in every run, and timing.

use std::time::Instant;

/// Pseudo-random numbers (splitmix64): the same on every machine.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// A sequence by its number.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A sequence by a name and a number.
    #[must_use]
    pub fn of(name: &str, number: u64) -> Self {
        let mix = |state: u64, byte: u8| (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        Self::new(Self(name.bytes().fold(number.wrapping_mul(0x9e37_79b9_7f4a_7c15), mix)).bits())
    }

    /// 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// An integer from 0 up to but not including `n`, which is not 0.
    pub fn below(&mut self, n: u32) -> u32 {
        u32::try_from(((self.bits() >> 32) * u64::from(n)) >> 32).unwrap_or_default()
    }

    /// A number from 0 to 1, not including 1.
    pub fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number from the normal distribution around 0 of width 1.
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// A number from the exponential distribution.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.uniform()).ln()
    }

    /// A number from the Poisson distribution.
    pub fn poisson(&mut self, mean: f64) -> usize {
        let limit = (-mean).exp();
        let mut product = self.uniform();
        let mut n = 0;
        while product > limit {
            product *= self.uniform();
            n += 1;
        }
        n
    }
}

/// The nearest `f32` with the 12 bits of mantissa that analysis formats keep.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "a float is what is wanted")]
pub fn truncated(value: f64) -> f32 {
    f32::from_bits((value as f32).to_bits() & 0xffff_f800)
}

/// Seconds that something takes.
pub fn seconds<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let start = Instant::now();
    let result = work();
    (start.elapsed().as_secs_f64(), result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distributions() {
        let mut random = Random::of("a name", 1);
        let mean = |random: &mut Random, of: fn(&mut Random) -> f64| -> f64 {
            (0..100_000).map(|_| of(random)).sum::<f64>() / 100_000.0
        };
        assert!((mean(&mut random, Random::uniform) - 0.5).abs() < 0.01);
        assert!(mean(&mut random, Random::normal).abs() < 0.02);
        assert!((mean(&mut random, |r| r.normal().powi(2)) - 1.0).abs() < 0.03);
        assert!((mean(&mut random, |r| r.exponential(30.0)) - 30.0).abs() < 0.5);
        assert!((mean(&mut random, |r| f64::from(r.below(7))) - 3.0).abs() < 0.03);
        assert!((mean(&mut random, |r| f64::from(u32::try_from(r.poisson(5.0)).unwrap())) - 5.0).abs() < 0.05);
    }
}
