//! `rntuple verify`: are all the bytes still what was written?

use rntuple_io::{NTuple, Reader, VerifyReport};

use super::{Console, print_metrics};
use crate::cli::Verify;
use crate::error::{Error, Result};
use crate::output::progress::{Progress, Unit};
use crate::output::text::{bytes, counted, to_f64};

pub(super) fn run(args: &Verify, console: &mut Console<'_>) -> Result<()> {
    let mut bad = false;
    for file in &args.files {
        let name = file.to_string_lossy();
        match Reader::open(file) {
            Ok(reader) => {
                // Damage may hide a data set: that nothing was looked at must not pass for sound.
                if reader.list().is_empty() {
                    console.complain(&format_args!("{name}: holds no RNTuple"));
                    bad = true;
                }
                for (_, error) in reader.damaged() {
                    bad |= unreadable(error, console);
                }
                for key in reader.list() {
                    let path = key.to_string();
                    // What cannot even be opened is damaged, too; the others are still worth a look.
                    bad |= match reader.ntuple(&path) {
                        Ok(ntuple) => !one(&format!("{name}: {path}"), &ntuple, args, console)?,
                        Err(error) => unreadable(&error, console),
                    };
                }
            }
            Err(error) => bad |= unreadable(&error, console),
        }
    }
    if bad { Err(Error::Reported) } else { Ok(()) }
}

fn unreadable(error: &rntuple_io::Error, console: &mut Console<'_>) -> bool {
    console.complain(error);
    true
}

/// Verifies one RNTuple; true when it is sound.
fn one(label: &str, ntuple: &NTuple, args: &Verify, console: &mut Console<'_>) -> Result<bool> {
    let report = {
        let progress = Progress::new(console.terminal.progress && !args.quiet, Unit::Bytes, label.to_owned());
        ntuple.verify(&|done, total| progress.update(done, total))
    };
    let report = match report {
        Ok(report) => report,
        Err(error) => return Ok(!unreadable(&error, console)),
    };
    if args.metrics {
        print_metrics(&ntuple.metrics(), console);
    }
    let sound = report.damage.is_empty();
    if !args.quiet {
        let verdict = if sound { "ok" } else { "DAMAGED" };
        console.print(&format!("{label}: {verdict}, {}\n", counts(&report)))?;
    }
    for damage in &report.damage {
        console.complain(&format_args!("{label}: {} at offset {}: {}", damage.what, damage.offset, damage.reason));
    }
    Ok(sound)
}

/// What was looked at, and how fast.
fn counts(report: &VerifyReport) -> String {
    let mut text = format!(
        "{}, {}, {}",
        counted(report.envelopes, "envelope", "envelopes"),
        counted(report.pages, "page", "pages"),
        bytes(report.bytes),
    );
    if report.pages_without_checksum > 0 {
        text += &format!(", {} without a checksum", counted(report.pages_without_checksum, "page", "pages"));
    }
    if report.seconds > 0.0 {
        text += &format!(", {}", throughput(report));
    }
    if !report.damage.is_empty() {
        text += &format!(", {}", counted(report.damage.len() as u64, "damaged place", "damaged places"));
    }
    text
}

fn throughput(report: &VerifyReport) -> String {
    const MIB: f64 = 1024.0 * 1024.0;
    format!("{:.0} MiB/s", to_f64(report.bytes) / MIB / report.seconds)
}
