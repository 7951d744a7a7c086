//! `rntuple completions`: scripts that teach a shell the commands and options.

use clap::CommandFactory;

use super::Console;
use crate::cli::{Cli, Completions};
use crate::error::{Error, Result};

pub(super) fn run(args: &Completions, console: &mut Console<'_>) -> Result<()> {
    // Into memory first: clap_complete panics when its sink fails.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "rntuple", &mut script);
    console.out.write_all(&script).map_err(Error::Output)
}
