//! From a file to a mass spectrum: reads five columns, combines muons of opposite charge, draws a histogram.
//!
//! `cargo run --release -p rntuple-io --example dimuon [FILE]`

#![expect(clippy::indexing_slicing, reason = "every list of an event has one value per muon")]
#![expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bins are checked to be in range")]

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{Float32Type, Int32Type};

const BINS: usize = 40;
/// Range of the histogram in `GeV`; bins are of equal width in the logarithm.
const RANGE: (f64, f64) = (0.5, 150.0);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args().nth(1).unwrap_or_else(|| "examples/dimuon.root".to_owned());
    let events = rntuple_io::Reader::open(&file)?.only()?;
    let columns = ["Muon_pt", "Muon_eta", "Muon_phi", "Muon_mass", "Muon_charge"];
    let mut histogram = [0_usize; BINS];
    for batch in events.scan().columns(columns).open()? {
        fill(&batch?, &mut histogram)?;
    }
    println!("{}: invariant mass of two muons of opposite charge", events.name());
    let most = histogram.iter().copied().max().unwrap_or(0).max(1);
    for (bin, &count) in histogram.iter().enumerate() {
        let low = RANGE.0 * (RANGE.1 / RANGE.0).powf(bin as f64 / BINS as f64);
        println!("{low:7.2} GeV {count:5} {}", "#".repeat(count * 60 / most));
    }
    Ok(())
}

fn fill(batch: &RecordBatch, histogram: &mut [usize; BINS]) -> Result<(), Box<dyn std::error::Error>> {
    let column = |name: &str| batch.column_by_name(name).ok_or_else(|| format!("no column {name}"));
    let charges = column("Muon_charge")?.as_list::<i32>();
    let floats: Vec<&ArrayRef> =
        ["Muon_pt", "Muon_eta", "Muon_phi", "Muon_mass"].map(column).into_iter().collect::<Result<_, _>>()?;
    for event in 0..batch.num_rows() {
        let charge = charges.value(event);
        let charge = charge.as_primitive::<Int32Type>().values();
        let [pt, eta, phi, mass] = [0, 1, 2, 3].map(|i| floats[i].as_list::<i32>().value(event));
        let muon = |i: usize| {
            let at = |values: &ArrayRef| f64::from(values.as_primitive::<Float32Type>().value(i));
            let (pt, eta, phi, mass) = (at(&pt), at(&eta), at(&phi), at(&mass));
            let (px, py, pz) = (pt * phi.cos(), pt * phi.sin(), pt * eta.sinh());
            [(px * px + py * py + pz * pz + mass * mass).sqrt(), px, py, pz]
        };
        for i in 0..charge.len() {
            for j in 0..i {
                if charge[i] + charge[j] == 0 {
                    let (a, b) = (muon(i), muon(j));
                    let [e, x, y, z] = [0, 1, 2, 3].map(|k| a[k] + b[k]);
                    let mass = (e * e - x * x - y * y - z * z).max(0.0).sqrt();
                    let bin = (mass / RANGE.0).ln() / (RANGE.1 / RANGE.0).ln() * BINS as f64;
                    if (0.0..BINS as f64).contains(&bin) {
                        histogram[bin as usize] += 1;
                    }
                }
            }
        }
    }
    Ok(())
}
