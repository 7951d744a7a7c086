//! `rntuple cp`: copy files between storages.

use rntuple_io::storage::Storage;
use rntuple_io::{Reader, WriteOptions, checksum_file, copy_file, copy_ntuples};

use super::Console;
use crate::cli::Cp;
use crate::error::{Error, Result};
use crate::interrupt::AtOnce;
use crate::output::progress::{Progress, Unit};
use crate::output::text::{bytes, printable};

pub(super) fn run(args: &Cp, console: &mut Console<'_>) -> Result<()> {
    if Storage::names_store(&args.input) || Storage::names_store(&args.output) {
        return ntuples(args, console);
    }
    let storage = Storage::shared();
    let output = args.output.to_string_lossy();
    let show = console.terminal.progress && !args.quiet;
    let progress = |what: &str| {
        let bar = Progress::new(show, Unit::Bytes, what.to_owned());
        move |done: u64, all: u64| bar.step(done, all)
    };
    let copied = copy_file(&args.input, &args.output, storage, &mut progress("copying"))?;
    if args.verify {
        let checksum = checksum_file(&args.output, storage, &mut progress("verifying"))?;
        if checksum != copied.checksum {
            let reason =
                format!("has checksum {checksum:016x}, but {:016x} was copied: copy it again", copied.checksum);
            return Err(Error::Read(rntuple_io::Error::Argument { file: output.into(), reason }));
        }
    }
    if args.quiet {
        return Ok(());
    }
    let resumed = match copied.resumed {
        0 => String::new(),
        there => format!(", of which {} were there already", bytes(there)),
    };
    console.print(&format!("{}: {}{resumed}\n", printable(&output), bytes(copied.bytes)))
}

/// Copies between files and stores.
fn ntuples(args: &Cp, console: &mut Console<'_>) -> Result<()> {
    let storage = Storage::shared();
    let output = args.output.to_string_lossy();
    let show = console.terminal.progress && !args.quiet;
    let mut options = WriteOptions::new().overwrite(true);
    if let Some(size) = args.object_size {
        options = options.object_size(size);
    }
    let written = {
        let bar = Progress::new(show, Unit::Entries, "copying".to_owned());
        let progress = &mut |done, all| bar.step(done, all);
        copy_ntuples(&args.input, &args.output, &options, storage, progress)?
    };
    if args.verify {
        verify(args, show)?;
    }
    if args.quiet {
        return Ok(());
    }
    console.print(&format!("{}: {}\n", printable(&output), bytes(written)))
}

/// Verifies every checksum of the target, which were those of the source.
fn verify(args: &Cp, show: bool) -> Result<()> {
    // The copy is complete.
    let _nothing_half = AtOnce::new();
    let reader = Reader::open(&args.output)?;
    for key in reader.list().iter().filter(|key| key.newest) {
        let ntuple = reader.ntuple(&key.path)?;
        let bar = Progress::new(show, Unit::Bytes, "verifying".to_owned());
        let report = ntuple.verify(&|done, all| bar.update(done, all))?;
        if let Some(damage) = report.damage.first() {
            let reason = format!("{}: {}: copy it again", damage.what, damage.reason);
            return Err(Error::Read(rntuple_io::Error::Argument { file: reader.name().into(), reason }));
        }
    }
    Ok(())
}
