//! Collisions from a random number generator: the same ones every time.

use std::f64::consts::{PI, TAU};

use rntuple_core::row::Row;

use super::MUON_MASS;

/// What a detector could have seen of one collision.
#[derive(Row)]
pub(super) struct Collision {
    run: u32,
    number: u64,
    #[rntuple(description = "What made the detector keep it")]
    trigger: &'static str,
    #[rntuple(description = "Where it happened, in cm")]
    vertex: [f32; 3],
    #[rntuple(description = "The hardest first")]
    muons: Vec<Muon>,
    #[rntuple(description = "The hardest first")]
    jets: Vec<Jet>,
    #[rntuple(description = "GeV", encoding = "Real32Trunc(18)")]
    missing_pt: f32,
    #[rntuple(description = "Energy of the hardest photon in GeV, if there is one")]
    photon: Option<f32>,
}

#[derive(Row)]
pub(super) struct Muon {
    charge: i8,
    #[rntuple(description = "x, y, z in GeV; z is the direction of the beam")]
    momentum: [f32; 3],
    #[rntuple(description = "Energy of other particles around it, as a part of its own")]
    isolation: f32,
    #[rntuple(description = "Hits in the muon chambers")]
    hits: u8,
}

#[derive(Row)]
pub(super) struct Jet {
    pt: f32,
    eta: f32,
    phi: f32,
    mass: f32,
    b_tag: bool,
}

/// What decays to two muons, how often, and what it is like. Masses, widths and momenta are in `GeV`.
struct Resonance {
    /// Per mille of the collisions.
    share: u64,
    mass: f64,
    width: f64,
    /// Mean momentum across the beam.
    pt: f64,
}

const RESONANCES: [Resonance; 6] = [
    Resonance { share: 90, mass: 3.0969, width: 0.0, pt: 11.0 },
    Resonance { share: 5, mass: 3.6861, width: 0.0, pt: 11.0 },
    Resonance { share: 45, mass: 9.4604, width: 0.0, pt: 7.0 },
    Resonance { share: 12, mass: 10.0234, width: 0.0, pt: 7.0 },
    Resonance { share: 9, mass: 10.3551, width: 0.0, pt: 7.0 },
    Resonance { share: 160, mass: 91.1876, width: 2.4955, pt: 12.0 },
];
/// Per mille of the collisions with a pair of any mass.
const CONTINUUM: u64 = 200;

/// Muons beyond this angle, or with less momentum across the beam, go unseen.
const MAX_ETA: f64 = 2.4;
const MIN_PT: f64 = 3.0;

/// Makes collisions, one after the other.
#[derive(Debug)]
pub(super) struct Generator {
    /// State of a xorshift generator; never zero.
    state: u64,
}

impl Generator {
    pub(super) fn new() -> Self {
        Self { state: 0x9e37_79b9_7f4a_7c15 }
    }

    pub(super) fn collision(&mut self, number: u64) -> Collision {
        let mut muons = self.pair();
        // What else there is, most of it soft.
        for _ in 0..self.poisson(0.25) {
            let pt = MIN_PT + self.exponential(3.0);
            let (eta, phi) = (self.uniform(-MAX_ETA, MAX_ETA), self.uniform(-PI, PI));
            let charge = if self.below(2) == 0 { 1 } else { -1 };
            let isolation = self.exponential(0.8);
            muons.extend(self.seen([pt * phi.cos(), pt * phi.sin(), pt * eta.sinh()], charge, isolation));
        }
        muons.sort_by(|a, b| pt(b.momentum).total_cmp(&pt(a.momentum)));
        let mut jets: Vec<Jet> = (0..self.poisson(1.4)).map(|_| self.jet()).collect();
        jets.sort_by(|a, b| b.pt.total_cmp(&a.pt));
        let trigger = match (muons.as_slice(), jets.as_slice()) {
            ([_, _, ..], _) => "two muons",
            ([_], _) => "muon",
            ([], [jet, ..]) if jet.pt > 60.0 => "jet",
            _ => "unbiased",
        };
        Collision {
            run: 400_000 + u32::try_from(number / 20_000).unwrap_or(u32::MAX),
            number,
            trigger,
            vertex: [single(self.gauss(0.001)), single(self.gauss(0.001)), single(self.gauss(4.5))],
            muons,
            jets,
            missing_pt: single(self.gauss(9.0).hypot(self.gauss(9.0))),
            photon: (self.below(8) == 0).then(|| single(10.0 + self.exponential(15.0))),
        }
    }

    /// The muons of what decays to two, as far as they are seen.
    fn pair(&mut self) -> Vec<Muon> {
        let mut dice = self.below(1000);
        for resonance in &RESONANCES {
            if dice < resonance.share {
                let mass = self.breit_wigner(resonance.mass, resonance.width);
                return self.decay(mass, resonance.pt);
            }
            dice -= resonance.share;
        }
        if dice < CONTINUUM {
            let mass = 2.0 / (1.0 - self.unit() * 0.99).powf(0.8);
            return self.decay(mass, 9.0);
        }
        Vec::new()
    }

    /// Two muons from something of this mass: back to back where it rests, in any direction.
    fn decay(&mut self, mass: f64, mean_pt: f64) -> Vec<Muon> {
        let (pt, phi, rapidity) = (self.exponential(mean_pt), self.uniform(-PI, PI), self.gauss(1.1));
        let transverse = mass.hypot(pt);
        let parent = [pt * phi.cos(), pt * phi.sin(), transverse * rapidity.sinh()];
        let energy = transverse * rapidity.cosh();

        let momentum = (0.25 * mass * mass - MUON_MASS * MUON_MASS).max(0.0).sqrt();
        let (cos, angle) = (self.uniform(-1.0, 1.0), self.uniform(0.0, TAU));
        let sin = (1.0 - cos * cos).sqrt();
        let direction = [sin * angle.cos(), sin * angle.sin(), cos];
        let first = if self.below(2) == 0 { 1 } else { -1 };
        let mut muons = Vec::new();
        for (sign, charge) in [(1.0, first), (-1.0, -first)] {
            let own = direction.map(|x| sign * momentum * x);
            // Into the frame of the laboratory, where the parent moves.
            let along: f64 = own.iter().zip(&parent).map(|(x, p)| x * p).sum();
            let factor = along / (mass * (energy + mass)) + 0.5;
            let [x, y, z] = own;
            let [px, py, pz] = parent.map(|p| p * factor);
            let isolation = self.exponential(0.05);
            muons.extend(self.seen([x + px, y + py, z + pz], charge, isolation));
        }
        muons
    }

    /// What the detector makes of a muon.
    fn seen(&mut self, momentum: [f64; 3], charge: i8, isolation: f64) -> Option<Muon> {
        let scale = 1.0 + self.gauss(0.011);
        let [x, y, z] = momentum.map(|p| p * scale);
        let across = x.hypot(y);
        let missed = self.below(20) == 0;
        if missed || across < MIN_PT || (z / across).asinh().abs() > MAX_ETA {
            return None;
        }
        let hits = u8::try_from(9 + self.below(20)).unwrap_or(u8::MAX);
        Some(Muon { charge, momentum: [single(x), single(y), single(z)], isolation: single(isolation), hits })
    }

    fn jet(&mut self) -> Jet {
        let pt = 20.0 + self.exponential(22.0);
        Jet {
            pt: single(pt),
            eta: single(self.gauss(1.8)),
            phi: single(self.uniform(-PI, PI)),
            mass: single(pt * (0.12 + self.gauss(0.02)).abs()),
            b_tag: self.below(12) == 0,
        }
    }

    fn next(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        // The lowest bits of the state are the least random ones.
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Above 0, below 1.
    #[expect(clippy::cast_precision_loss, reason = "52 bits")]
    fn unit(&mut self) -> f64 {
        ((self.next() >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
    }

    fn uniform(&mut self, min: f64, max: f64) -> f64 {
        min + (max - min) * self.unit()
    }

    /// Below `n`.
    fn below(&mut self, n: u64) -> u64 {
        ((self.next() >> 32) * n) >> 32
    }

    fn exponential(&mut self, mean: f64) -> f64 {
        -mean * self.unit().ln()
    }

    fn gauss(&mut self, sigma: f64) -> f64 {
        sigma * (-2.0 * self.unit().ln()).sqrt() * (TAU * self.unit()).cos()
    }

    /// The wings of a resonance are long; no one has seen those far beyond.
    fn breit_wigner(&mut self, mass: f64, width: f64) -> f64 {
        loop {
            let value = mass + 0.5 * width * (PI * (self.unit() - 0.5)).tan();
            if (value - mass).abs() <= 0.5 * mass {
                return value;
            }
        }
    }

    fn poisson(&mut self, mean: f64) -> usize {
        let (limit, mut product, mut n) = ((-mean).exp(), self.unit(), 0);
        while product > limit {
            product *= self.unit();
            n += 1;
        }
        n
    }
}

fn pt([x, y, _]: [f32; 3]) -> f32 {
    x.hypot(y)
}

#[expect(clippy::cast_possible_truncation, reason = "a detector is not that precise")]
fn single(x: f64) -> f32 {
    x as f32
}
