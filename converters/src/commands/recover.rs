//! `rntuple recover`: save what can be saved of a broken file.

use rntuple_io::Recovered;

use super::Console;
use crate::cli::Recover;
use crate::error::{Error, Result};
use crate::output::progress::{Progress, Unit};
use crate::output::text::{bytes, counted, printable};

pub(super) fn run(args: &Recover, console: &mut Console<'_>) -> Result<()> {
    let output = args.output.to_string_lossy();
    let recovered = {
        let bar = Progress::new(console.terminal.progress && !args.quiet, Unit::Bytes, "recovering".to_owned());
        rntuple_io::recover_with(&args.input, &args.output, &mut |done, all| bar.step(done, all))?
    };
    console.print(&report(&recovered))?;
    console.print(&format!("{}: {}\n", printable(&output), bytes(recovered.file_size)))?;
    if !recovered.complete && recovered.ntuples.iter().all(|ntuple| ntuple.entries == 0) {
        let name = args.input.to_string_lossy();
        console.complain(&format_args!("{name}: no entry could be saved"));
        return Err(Error::Reported);
    }
    Ok(())
}

fn report(recovered: &Recovered) -> String {
    let mut text = String::new();
    for ntuple in &recovered.ntuples {
        let path = printable(&ntuple.path);
        let entries = counted(ntuple.entries, "entry", "entries");
        let clusters = counted(ntuple.clusters, "cluster", "clusters");
        text += &format!("{path}: saved {entries} in {clusters}\n");
        for lost in &ntuple.lost {
            text += &format!("{path}: {}\n", printable(lost));
        }
    }
    for note in &recovered.notes {
        text += &format!("{}\n", printable(note));
    }
    text
}
