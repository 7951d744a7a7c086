//! Like the NanoAOD files of CMS: three collections whose members lie in one vector each, trigger bits, a few numbers.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{BooleanArray, Float32Array, Int32Array, RecordBatch, UInt32Array, UInt64Array};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::Schema;
use rntuple_benches::{Random, truncated};
use rntuple_core::arrow::{SOURCE, TYPE};
use rntuple_io::{Row, WriteOptions};

use super::columns::{Columns, items};
use super::{BATCH, write_as};
use crate::Done;
use crate::check::{Check, Leaf};

/// Number of entries.
pub(crate) const ENTRIES: u32 = 400_000;
/// Five fields of 91: scalars and collections of every kind of size.
pub(crate) const FIVE: &[&str] = &["run", "event", "Muon_pt", "Jet_pt", "MET_pt"];

/// A collection: its name, its mean size, and its members.
type Collection = (&'static str, f64, &'static [&'static str], &'static [&'static str], &'static [&'static str]);

#[rustfmt::skip]
const COLLECTIONS: [Collection; 3] = [
    ("Muon", 0.8, &["pt", "eta", "phi", "mass", "dxy", "dz", "pfRelIso04_all"], &["charge", "pdgId", "jetIdx"], &["tightId", "mediumId"]),
    ("Electron", 0.6, &["pt", "eta", "phi", "mass", "pfRelIso03_all"], &["charge", "cutBased"], &["mvaIso"]),
    ("Jet", 5.0, &["pt", "eta", "phi", "mass", "btagDeepFlavB", "area", "qgl"], &["jetId", "puId", "nConstituents"], &[]),
];

pub(super) fn make(path: &Path) -> Done<()> {
    let plain = batch(0, 1)?.schema();
    let fields = plain.fields().iter().map(|field| {
        // The number of muons is what `Muon_pt` says it is: nothing is stored for it.
        let field = field.as_ref().clone();
        let Some(collection) = field.name().strip_prefix('n') else { return field };
        let source = format!("{collection}_pt");
        let type_name = "ROOT::RNTupleCardinality<std::uint32_t>".to_owned();
        field.with_metadata([(SOURCE.to_owned(), source), (TYPE.to_owned(), type_name)].into())
    });
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    write_as(path, schema, WriteOptions::default(), ENTRIES as usize, BATCH, batch)
}

fn batch(first: usize, rows: usize) -> Done<RecordBatch> {
    let mut columns = Columns::new(first, rows);
    let number = |n: usize| u32::try_from(n);
    let run: Vec<u32> = columns.entries().map(|e| Ok(362_000 + number(e)? / 20_000)).collect::<Done<_>>()?;
    let block: Vec<u32> = columns.entries().map(|e| Ok(1 + number(e)? % 20_000 / 400)).collect::<Done<_>>()?;
    let mut random = columns.random("event");
    let event: Vec<u64> = columns.entries().map(|e| 1_000_000 + e as u64 * 37 + u64::from(random.below(37))).collect();
    columns.add("run", UInt32Array::from(run));
    columns.add("luminosityBlock", UInt32Array::from(block));
    columns.add("event", UInt64Array::from(event));
    for (name, mean, floats, ints, bools) in COLLECTIONS {
        let sizes = columns.sizes(name, |random| random.poisson(mean).min(60));
        let momenta = momenta(&mut columns.random(&format!("{name}_pt")), &sizes);
        for member in floats {
            let full = format!("{name}_{member}");
            let mut random = columns.random(&full);
            let values = momenta.iter().map(|&pt| float(name, member, pt, &mut random));
            columns.list(&full, &sizes, Float32Array::from_iter_values(values))?;
        }
        for member in ints {
            let full = format!("{name}_{member}");
            let mut random = columns.random(&full);
            let values = (0..items(&sizes)).map(|_| int(member, &mut random));
            columns.list(&full, &sizes, Int32Array::from_iter_values(values))?;
        }
        for member in bools {
            let full = format!("{name}_{member}");
            let mut random = columns.random(&full);
            let values: BooleanArray = (0..items(&sizes)).map(|_| Some(random.below(3) != 0)).collect();
            columns.list(&full, &sizes, values)?;
        }
        let counts: Vec<u32> = sizes.lengths().map(u32::try_from).collect::<Result<_, _>>()?;
        columns.add(format!("n{name}"), UInt32Array::from(counts));
    }
    for path in 0..50 {
        columns.bools(&format!("HLT_path{path}"), |random| random.below(1000) < 1 + path * 4);
    }
    columns.floats("MET_pt", |random| truncated(random.exponential(30.0)));
    columns.floats("MET_phi", |random| truncated(angle(random)));
    columns.floats("MET_sumEt", |random| truncated(500.0 + random.exponential(30.0) * 10.0));
    columns.floats("fixedGridRho", |random| truncated(20.0 + random.normal() * 5.0));
    columns.ints("PV_npvs", |random| random.below(60).cast_signed());
    columns.finish()
}

/// Transverse momenta, in each collection from the largest to the smallest.
fn momenta(random: &mut Random, sizes: &OffsetBuffer<i32>) -> Vec<f32> {
    let mut all = Vec::with_capacity(items(sizes));
    for size in sizes.lengths() {
        let mut one: Vec<f32> = (0..size).map(|_| truncated(5.0 + random.exponential(30.0))).collect();
        one.sort_by(|a, b| b.total_cmp(a));
        all.append(&mut one);
    }
    all
}

fn angle(random: &mut Random) -> f64 {
    (random.uniform() * 2.0 - 1.0) * std::f64::consts::PI
}

fn float(collection: &str, member: &str, pt: f32, random: &mut Random) -> f32 {
    match (collection, member) {
        (_, "pt") => pt,
        (_, "eta") => truncated(random.normal() * 1.5),
        (_, "phi") => truncated(angle(random)),
        ("Muon", "mass") => truncated(0.105_712_89),
        ("Electron", "mass") => truncated(random.normal() * 0.01),
        (_, "mass") => truncated(f64::from(pt) * 0.15 * random.uniform()),
        (_, "area") => truncated(0.5 + random.normal() * 0.02),
        _ => truncated(random.uniform()),
    }
}

fn int(member: &str, random: &mut Random) -> i32 {
    let mut below = |n| random.below(n).cast_signed();
    match member {
        "charge" => below(2) * 2 - 1,
        "pdgId" => below(2) * 26 - 13,
        "jetIdx" => below(6) - 1,
        "nConstituents" => below(60),
        _ => below(8),
    }
}

macro_rules! entry {
    ($($name:ident: $type:ty),* $(,)?) => {
        /// All 91 fields of an entry.
        #[derive(Row)]
        #[expect(non_snake_case, reason = "these are the names of the fields")]
        pub(crate) struct Entry {
            $($name: $type,)*
        }

        impl Leaf for Entry {
            fn add_to(&self, check: &mut Check) {
                $(self.$name.add_to(check);)*
            }
        }
    };
}

entry! {
    run: u32, luminosityBlock: u32, event: u64,
    Muon_pt: Vec<f32>, Muon_eta: Vec<f32>, Muon_phi: Vec<f32>, Muon_mass: Vec<f32>, Muon_dxy: Vec<f32>,
    Muon_dz: Vec<f32>, Muon_pfRelIso04_all: Vec<f32>, Muon_charge: Vec<i32>, Muon_pdgId: Vec<i32>,
    Muon_jetIdx: Vec<i32>, Muon_tightId: Vec<bool>, Muon_mediumId: Vec<bool>, nMuon: u32,
    Electron_pt: Vec<f32>, Electron_eta: Vec<f32>, Electron_phi: Vec<f32>, Electron_mass: Vec<f32>,
    Electron_pfRelIso03_all: Vec<f32>, Electron_charge: Vec<i32>, Electron_cutBased: Vec<i32>,
    Electron_mvaIso: Vec<bool>, nElectron: u32,
    Jet_pt: Vec<f32>, Jet_eta: Vec<f32>, Jet_phi: Vec<f32>, Jet_mass: Vec<f32>, Jet_btagDeepFlavB: Vec<f32>,
    Jet_area: Vec<f32>, Jet_qgl: Vec<f32>, Jet_jetId: Vec<i32>, Jet_puId: Vec<i32>, Jet_nConstituents: Vec<i32>,
    nJet: u32,
    HLT_path0: bool, HLT_path1: bool, HLT_path2: bool, HLT_path3: bool, HLT_path4: bool, HLT_path5: bool,
    HLT_path6: bool, HLT_path7: bool, HLT_path8: bool, HLT_path9: bool, HLT_path10: bool, HLT_path11: bool,
    HLT_path12: bool, HLT_path13: bool, HLT_path14: bool, HLT_path15: bool, HLT_path16: bool, HLT_path17: bool,
    HLT_path18: bool, HLT_path19: bool, HLT_path20: bool, HLT_path21: bool, HLT_path22: bool, HLT_path23: bool,
    HLT_path24: bool, HLT_path25: bool, HLT_path26: bool, HLT_path27: bool, HLT_path28: bool, HLT_path29: bool,
    HLT_path30: bool, HLT_path31: bool, HLT_path32: bool, HLT_path33: bool, HLT_path34: bool, HLT_path35: bool,
    HLT_path36: bool, HLT_path37: bool, HLT_path38: bool, HLT_path39: bool, HLT_path40: bool, HLT_path41: bool,
    HLT_path42: bool, HLT_path43: bool, HLT_path44: bool, HLT_path45: bool, HLT_path46: bool, HLT_path47: bool,
    HLT_path48: bool, HLT_path49: bool,
    MET_pt: f32, MET_phi: f32, MET_sumEt: f32, fixedGridRho: f32, PV_npvs: i32,
}
