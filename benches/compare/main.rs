//! The same work done by this library, ROOT, uproot, Parquet and a program that does only what cannot be left out.
//!
//! `cargo run --release -p rntuple-benches --bin compare -- DIR` makes the data in DIR once (some 4 GB), runs every
//! work by every contender in turn, and writes what came out to `benches/RESULTS.md`. ROOT takes part if its
//! `root-config` and `rootcling` are on PATH, uproot and pyarrow if the Python of `--python` has them.
//!
//! * [`data`]: what is read and written.
//! * [`works`]: what there is to do, by whom, and how fast we want to be.
//! * [`contenders`]: those who do it, each in a process of its own. It does the work once to warm up and to add up all
//!   values, so that none does less than the others, and once more with a clock. Imports and start-up do not count;
//!   opening the file does.
//! * [`report`]: the tables.

mod check;
mod contenders;
mod data;
mod report;
mod works;

use std::path::PathBuf;

use clap::Parser;

/// As the `rntuple` binary and the Python package have it; so do arrow-rs and the limit program, which are this program, and
/// pyarrow brings it along.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What may go wrong in a benchmark is only ever told.
pub(crate) type Done<T> = Result<T, Box<dyn std::error::Error>>;

/// Does the same work with this library and its peers, and compares.
#[derive(Debug, Parser)]
pub(crate) struct Arguments {
    /// Directory for the data; they are made where they are missing
    dir: PathBuf,
    /// Do only this work; may be given several times
    #[arg(long, value_name = "WORK")]
    only: Vec<String>,
    /// Runs of each contender
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Python that has uproot and pyarrow
    #[arg(long, default_value = "python3")]
    python: String,
    /// One round, without those that take long; nothing is kept
    #[arg(long)]
    quick: bool,
    /// Only list the works
    #[arg(long)]
    list: bool,
    /// Be one of the contenders
    #[arg(long, hide = true, requires = "only")]
    child: Option<String>,
}

fn main() -> Done<()> {
    let arguments = Arguments::parse();
    let works = works::all();
    if arguments.list {
        works.iter().for_each(|work| println!("{:14} {}", work.name, work.title));
        return Ok(());
    }
    if let Some(name) = arguments.only.iter().find(|name| works.iter().all(|work| work.name != **name)) {
        return Err(format!("no work is called '{name}'; --list lists them").into());
    }
    let chosen =
        || works.iter().filter(|work| arguments.only.is_empty() || arguments.only.iter().any(|n| n == work.name));
    if let Some(program) = &arguments.child {
        let work = chosen().next().ok_or("no work")?;
        println!("{}", contenders::child(program, work, &arguments.dir)?.to_json());
        return Ok(());
    }
    std::fs::create_dir_all(&arguments.dir)?;
    let runner = contenders::Runner::new(&arguments)?;
    for work in chosen() {
        let outcomes = runner.run(work)?;
        let rows = report::rows(work, &outcomes);
        report::print(work, &rows);
        report::agree(work, &outcomes)?;
        if !arguments.quick {
            report::keep(&arguments.dir, work, &rows)?;
        }
    }
    if !arguments.quick {
        report::write(&arguments.dir, &works, &runner.versions())?;
    }
    Ok(())
}
