//! From any format to any other, as Arrow record batches.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::rntuples::{rntuple_compression, write_options};
use super::{Console, Job, print_metrics};
use crate::cli::{Compression, Convert};
use crate::error::{Error, Result};
use crate::formats::chain::Chain;
use crate::formats::rntuple::{NTupleSink, NewFile, open_writer};
use crate::formats::{self, Format, Sink, Source};
use crate::interrupt;
use crate::output::progress::{Progress, Unit};
use crate::output::text::{bytes, count, counted, printable};
use crate::transport::is_standard;

/// Name of an RNTuple whose source has none: the one that events have in most files of the field.
const NAME: &str = "Events";

pub(super) fn run(job: &Job<'_>, console: &mut Console<'_>) -> Result<()> {
    let args = job.args;
    let mut names = names(job)?;
    let mut done = Vec::new();
    let size = if job.to == Format::RNTuple {
        let compression = match rntuple_compression(args)? {
            Compression::To(setting) => setting,
            Compression::Keep => return Err(Error::Usage("--compression keep is for RNTuple sources".to_owned())),
        };
        // The types of trees are those of RNTuple.
        let mut options = write_options(args, compression).arrow_types(job.from != Format::TTree);
        if let Some(description) = &args.description {
            options = options.description(description);
        }
        if args.name.is_some() && names.len() > 1 {
            let reason = format!("--name names one RNTuple, but there are {}: add --ntuple", names.len());
            return Err(Error::Table { file: args.output.to_string_lossy().into_owned(), reason });
        }
        // The first source is open before a file is made: what cannot be read leaves what was there.
        let mut file = None;
        for name in &mut names {
            let mut source = open(job, name.as_deref(), console)?;
            let target = args.name.clone().or(name.take().map(without_cycle)).unwrap_or_else(|| NAME.to_owned());
            let file = match &mut file {
                Some(file) => file,
                empty => empty.insert(open_writer(&args.output, &options)?),
            };
            let writer = file.writer.ntuple(&target, source.schema(), options.clone())?;
            let mut sink = NTupleSink::new(writer);
            let progress = Progress::new(console.terminal.progress && !args.quiet, Unit::Entries, target.clone());
            pump(&mut *source, &mut sink, &progress, args, console)?;
            let written = sink.into_writer().finish()?;
            let entries = counted(written.entries, "entry", "entries");
            let clusters = counted(written.clusters, "cluster", "clusters");
            done.push(format!("{}: {entries} in {clusters}\n", printable(&target)));
        }
        file.map_or(Ok(0), NewFile::finish)?
    } else {
        if names.len() > 1 {
            let names: Vec<String> = names.into_iter().flatten().collect();
            let reason = format!(
                "holds {} data sets, and the output has room for one; choose with --ntuple: {}",
                names.len(),
                names.join(", ")
            );
            let file = job.inputs.first().map(|input| input.to_string_lossy().into_owned()).unwrap_or_default();
            return Err(Error::Table { file, reason });
        }
        let name = names.into_iter().next().flatten();
        let mut source = open(job, name.as_deref(), console)?;
        let mut sink = formats::create(job.to, args, &source.schema())?;
        let what = args.output.to_string_lossy().into_owned();
        let progress = Progress::new(console.terminal.progress && !args.quiet, Unit::Entries, what);
        let rows = pump(&mut *source, &mut *sink, &progress, args, console)?;
        let size = sink.finish()?;
        done.push(format!("{}\n", counted(rows, "row", "rows")));
        size
    };
    if args.quiet || is_standard(&args.output) {
        return Ok(());
    }
    done.iter().try_for_each(|line| console.print(line))?;
    let output = args.output.to_string_lossy();
    console.print(&format!("{}: {}\n", printable(&output), bytes(size)))
}

/// A name as it was asked for, `NAME;CYCLE`, is `NAME` in the output.
fn without_cycle(name: String) -> String {
    match name.rsplit_once(';') {
        Some((base, cycle)) if cycle.parse::<u16>().is_ok() => base.to_owned(),
        _ => name,
    }
}

/// The tables to convert: those of the first input, which the others must have, too.
fn names(job: &Job<'_>) -> Result<Vec<Option<String>>> {
    let Some(first) = job.inputs.first() else { return Ok(Vec::new()) };
    if job.args.ntuple.is_some() || is_standard(first) {
        return Ok(vec![job.args.ntuple.clone()]);
    }
    formats::names(job.from, first)
}

/// The rows of a table in all inputs.
fn open(job: &Job<'_>, name: Option<&str>, console: &mut Console<'_>) -> Result<Box<dyn Source>> {
    let mut warn = |warning: String| console.complain(&format_args!("warning: {warning}"));
    if let Some(source) = formats::open_text(job.from, &job.inputs, job.args, &mut warn)? {
        let first = job.inputs.first().map(|input| input.to_string_lossy().into_owned()).unwrap_or_default();
        return Chain::over(source, &first, job.args.entries);
    }
    let (from, args) = (job.from, job.args.clone());
    let name = name.map(ToOwned::to_owned);
    let open = move |input: &PathBuf| formats::open(from, input, name.as_deref(), &args);
    Chain::open(job.inputs.clone(), open, job.args.entries)
}

/// Carries all rows over. Gives their number.
fn pump(
    source: &mut dyn Source,
    sink: &mut dyn Sink,
    progress: &Progress,
    args: &Convert,
    console: &mut Console<'_>,
) -> Result<u64> {
    let (mut rows, mut batches) = (0_u64, 0_u64);
    let (mut reading, mut writing) = (Duration::ZERO, Duration::ZERO);
    let total = source.rows();
    for warning in source.warnings() {
        console.complain(&format_args!("warning: {}", printable(&warning)));
    }
    loop {
        interrupt::check()?;
        let started = Instant::now();
        let batch = source.next()?;
        let read = Instant::now();
        reading += read - started;
        let Some(batch) = batch else { break };
        sink.append(&batch)?;
        writing += read.elapsed();
        rows = rows.saturating_add(batch.num_rows() as u64);
        batches += 1;
        progress.update(rows, total.unwrap_or(rows));
    }
    if args.metrics {
        if let Some(metrics) = source.metrics() {
            print_metrics(&metrics, console);
        }
        let text = format!(
            "{} rows in {} batches: waited {:.3} s for the source, {:.3} s for the output",
            count(rows),
            count(batches),
            reading.as_secs_f64(),
            writing.as_secs_f64()
        );
        let _ = writeln!(console.err, "{text}");
    }
    Ok(rows)
}
