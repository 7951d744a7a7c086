//! `rntuple cp`: copy files between storages.

use rntuple_io::storage::Storage;
use rntuple_io::{checksum_file, copy_file};

use super::Console;
use crate::cli::Cp;
use crate::error::{Error, Result};
use crate::output::progress::{Progress, Unit};
use crate::output::text::{bytes, printable};

pub(super) fn run(args: &Cp, console: &mut Console<'_>) -> Result<()> {
    let storage = Storage::shared();
    let output = args.output.to_string_lossy();
    let show = console.terminal.progress && !args.quiet;
    let progress = |what: &str| {
        let bar = Progress::new(show, Unit::Bytes, what.to_owned());
        move |done: u64, all: u64| bar.update(done, all)
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
