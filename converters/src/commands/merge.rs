//! `rntuple merge`: several files as one.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rntuple_io::Merged;
use rntuple_io::storage::Storage;

use super::Console;
use crate::cli::Merge;
use crate::error::{Error, Result};
use crate::output::progress::{Progress, Unit};
use crate::output::text::{bytes, counted, printable};
use crate::transport::Input;

pub(super) fn run(args: &Merge, console: &mut Console<'_>) -> Result<()> {
    let started = Instant::now();
    let mut merge = rntuple_io::Merge::new(inputs(args)?).mode(args.mode.into()).verify_checksums(!args.no_verify);
    if let Some(path) = &args.ntuple {
        merge = merge.ntuple(path);
    }
    if let Some(settings) = args.compression {
        merge = merge.compression(settings);
    }
    if let Some(threads) = args.threads {
        merge = merge.threads(threads);
    }
    let merged = {
        let bar = Progress::new(console.terminal.progress && !args.quiet, Unit::Bytes, "merging".to_owned());
        merge.write_with(&args.output, Storage::shared(), &mut |done, all| bar.step(done, all))?
    };
    for note in &merged.notes {
        console.complain(&format_args!("warning: {note}"));
    }
    if args.metrics {
        let _ = console.err.write_all(metrics(&merged, started.elapsed()).as_bytes());
    }
    if args.quiet {
        return Ok(());
    }
    for ntuple in &merged.ntuples {
        let entries = counted(ntuple.entries, "entry", "entries");
        let clusters = counted(ntuple.clusters, "cluster", "clusters");
        let inputs = counted(ntuple.inputs, "input", "inputs");
        console.print(&format!("{}: {entries} in {clusters} of {inputs}\n", printable(&ntuple.path)))?;
    }
    let kept = counted(merged.pages_kept, "page", "pages");
    let size = bytes(merged.file_size);
    let output = args.output.to_string_lossy();
    console.print(&format!("{}: {size}; {kept} as they were{}\n", printable(&output), anew(&merged)))
}

/// What was not taken over as it was.
fn anew(merged: &Merged) -> String {
    let mut text = String::new();
    for (pages, done) in [(merged.pages_recompressed, "compressed"), (merged.pages_reencoded, "encoded")] {
        if pages > 0 {
            text += &format!(", {} {done} anew", counted(pages, "page", "pages"));
        }
    }
    text
}

fn metrics(merged: &Merged, time: Duration) -> String {
    format!(
        "inputs             {}\nbytes of pages     {}\npages kept         {}\npages recompressed {}\npages reencoded    {}\n\
         time               {:.3} s\n",
        merged.inputs,
        merged.bytes_read,
        merged.pages_kept,
        merged.pages_recompressed,
        merged.pages_reencoded,
        time.as_secs_f64(),
    )
}

/// The inputs that the arguments name.
fn inputs(args: &Merge) -> Result<Vec<PathBuf>> {
    let mut out = Vec::new();
    for input in &args.inputs {
        match input.to_str().and_then(|text| text.strip_prefix('@')) {
            Some(list) => {
                for name in names(Path::new(list))? {
                    add(&mut out, &name)?;
                }
            }
            None => add(&mut out, input)?,
        }
    }
    Ok(out)
}

/// Adds a path or URI, or the files that a pattern matches, in alphabetical order.
fn add(out: &mut Vec<PathBuf>, input: &Path) -> Result<()> {
    let text = input.to_string_lossy();
    if text.contains("://") || !text.contains(['*', '?', '[']) || input.exists() {
        out.push(input.to_owned());
        return Ok(());
    }
    let wrong = |reason: String| Error::Table { file: text.to_string(), reason };
    let before = out.len();
    for found in glob::glob(&text).map_err(|error| wrong(format!("is no pattern of files: {error}")))? {
        out.push(found.map_err(|error| wrong(error.to_string()))?);
    }
    if out.len() == before { Err(wrong("no file matches this pattern".to_owned())) } else { Ok(()) }
}

/// The lines of a file, those aside that are empty or begin with `#`.
fn names(list: &Path) -> Result<Vec<PathBuf>> {
    let input = Input::open(list)?;
    let file = input.name().to_owned();
    let mut out = Vec::new();
    for line in BufReader::new(input.stream()).lines() {
        let line = line.map_err(|source| Error::Io { file: file.clone(), source })?;
        let name = line.trim();
        if !name.is_empty() && !name.starts_with('#') {
            out.push(PathBuf::from(name));
        }
    }
    if out.is_empty() { Err(Error::Table { file, reason: "has no names of files".to_owned() }) } else { Ok(out) }
}
