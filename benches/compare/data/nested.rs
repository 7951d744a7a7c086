//! Tracks with hits, strings and variants. `peers/nested.hpp` has the same classes in C++.

use std::path::Path;

use rntuple_benches::{Random, truncated};
use rntuple_io::{Row, WriteOptions, Writer};

use crate::Done;
use crate::check::{Check, Leaf};

const ENTRIES: u64 = 100_000;

#[derive(Row)]
#[rntuple(type_name = "bench::Hit")]
pub(crate) struct Hit {
    x: f32,
    y: f32,
    z: f32,
    detector: i32,
}

#[derive(Row)]
#[rntuple(type_name = "bench::Track")]
pub(crate) struct Track {
    pt: f32,
    algorithm: String,
    hits: Vec<Hit>,
    residuals: Vec<Vec<f32>>,
    quality: Quality,
}

/// `std::variant<float, std::int32_t, std::string>`
#[derive(Row)]
pub(crate) enum Quality {
    Value(f32),
    Grade(i32),
    Remark(String),
}

#[derive(Row)]
pub(crate) struct Entry {
    number: u64,
    label: String,
    tracks: Vec<Track>,
}

/// What Parquet can hold: it has no variants.
pub(crate) const WITHOUT_VARIANT: &[&str] =
    &["number", "label", "tracks.pt", "tracks.algorithm", "tracks.hits.**", "tracks.residuals.**"];

pub(super) fn make(path: &Path) -> Done<()> {
    let mut writer = Writer::create(path, "Events", Entry::schema(), WriteOptions::default())?;
    for number in 0..ENTRIES {
        writer.append_row(&entry(number, &mut Random::of("nested", number)))?;
    }
    writer.finish()?;
    Ok(())
}

fn entry(number: u64, random: &mut Random) -> Entry {
    let count = random.poisson(3.0);
    Entry {
        number,
        label: format!("event {}", random.below(1000)),
        tracks: (0..count).map(|_| track(random)).collect(),
    }
}

fn track(random: &mut Random) -> Track {
    let algorithm = match random.below(3) {
        0 => "",
        1 => "kalman",
        _ => "gaussian sum filter",
    };
    let (hits, groups) = (random.poisson(6.0), random.poisson(1.5));
    Track {
        pt: truncated(random.exponential(30.0)),
        algorithm: algorithm.to_owned(),
        hits: (0..hits).map(|_| hit(random)).collect(),
        residuals: (0..groups)
            .map(|_| (0..random.poisson(2.0)).map(|_| truncated(random.normal())).collect())
            .collect(),
        quality: match random.below(3) {
            0 => Quality::Value(truncated(random.uniform())),
            1 => Quality::Grade(random.below(10).cast_signed()),
            _ => Quality::Remark(format!("remark {}", random.below(10))),
        },
    }
}

fn hit(random: &mut Random) -> Hit {
    let mut place = || truncated(random.normal() * 100.0);
    Hit { x: place(), y: place(), z: place(), detector: random.below(5000).cast_signed() }
}

impl Leaf for Hit {
    fn add_to(&self, check: &mut Check) {
        [self.x, self.y, self.z].iter().for_each(|value| value.add_to(check));
        self.detector.add_to(check);
    }
}

impl Leaf for Track {
    fn add_to(&self, check: &mut Check) {
        self.pt.add_to(check);
        self.algorithm.add_to(check);
        self.hits.add_to(check);
        self.residuals.add_to(check);
        match &self.quality {
            Quality::Value(value) => value.add_to(check),
            Quality::Grade(value) => value.add_to(check),
            Quality::Remark(value) => value.add_to(check),
        }
    }
}

impl Leaf for Entry {
    fn add_to(&self, check: &mut Check) {
        self.number.add_to(check);
        self.label.add_to(check);
        self.tracks.add_to(check);
    }
}
