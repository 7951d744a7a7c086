//! `rntuple convert`: read data sets and write them anew.

mod attributes;

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::Path;

use rntuple_core::compression::CompressionSettings;
use rntuple_core::container::root_file::StreamerInfoList;
use rntuple_io::{Batches, FileWriter, NTuple, Reader, Scan, WriteOptions, Written};

use super::{Console, print_metrics};
use crate::cli::{Compression, Convert};
use crate::error::{Error, Result};
use crate::output::progress::{Progress, Unit};
use crate::output::text::{bytes, counted, printable, ratio};

/// A data set of the source, and where it goes.
struct Job {
    ntuple: NTuple,
    target: String,
}

pub(super) fn run(args: &Convert, console: &mut Console<'_>) -> Result<()> {
    let reader = Reader::open(&args.input)?;
    refuse_source_as_target(args)?;
    let jobs = jobs(args, &reader)?;
    // Everything that can be refused is, before a file is made.
    let setting = compression(args, &jobs)?;
    let options = write_options(args, setting);
    let mut done = Vec::new();
    // A damaged description of classes is no reason to give up their data.
    let classes = reader.streamer_info();
    if let Err(error) = &classes {
        console.complain(&format_args!("warning: the descriptions of C++ classes are left out: {error}"));
    }
    let file = FileWriter::create(&args.output, &options)?;
    for job in &jobs {
        done.push(one(args, job, &file, &options, classes.as_ref().ok(), console)?);
    }
    let size = file.finish()?;
    if args.metrics
        && let Some(job) = jobs.first()
    {
        // Those of the file, and so of all jobs.
        print_metrics(&job.ntuple.metrics(), console);
    }
    if args.quiet {
        return Ok(());
    }
    for (job, written) in jobs.iter().zip(&done) {
        let entries = counted(written.entries, "entry", "entries");
        let clusters = counted(written.clusters, "cluster", "clusters");
        console.print(&format!("{}: {entries} in {clusters}\n", printable(&job.target)))?;
    }
    let output = args.output.to_string_lossy();
    let times =
        reader.size().map_or(String::new(), |source| format!(", {} the size of the source", ratio(size, source)));
    console.print(&format!("{}: {}{times}\n", printable(&output), bytes(size)))
}

/// The source may hold more than what is carried over, and with checkpoints it would be gone before it is read.
fn refuse_source_as_target(args: &Convert) -> Result<()> {
    let same = same_file(&args.input, &args.output).unwrap_or(false);
    if same { Err(argument(args, "is the source; write to another file")) } else { Ok(()) }
}

#[cfg(unix)]
fn same_file(a: &Path, b: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let (a, b) = (fs::metadata(a)?, fs::metadata(b)?);
    Ok((a.dev(), a.ino()) == (b.dev(), b.ino()))
}

#[cfg(not(unix))]
fn same_file(a: &Path, b: &Path) -> io::Result<bool> {
    Ok(fs::canonicalize(a)? == fs::canonicalize(b)?)
}

/// An error about the file to write.
fn argument(args: &Convert, reason: impl Into<String>) -> Error {
    let file = args.output.to_string_lossy().into();
    Error::Read(rntuple_io::Error::Argument { file, reason: reason.into() })
}

/// Which data sets are converted, and the paths they get.
fn jobs(args: &Convert, reader: &Reader) -> Result<Vec<Job>> {
    let paths: Vec<String> = match &args.ntuple {
        Some(path) => vec![path.clone()],
        None => {
            // What cannot be listed must not be lost without a word.
            if let Some((_, error)) = reader.damaged().first() {
                return Err(error.clone().into());
            }
            reader.list().iter().filter(|key| key.newest).map(|key| key.path.clone()).collect()
        }
    };
    if paths.is_empty() {
        // Says that there is none.
        reader.only()?;
    }
    let ntuples = paths.iter().map(|path| Ok(reader.ntuple(path)?)).collect::<Result<Vec<_>>>()?;
    let targets = match &args.name {
        None => targets(reader, &paths),
        Some(name) if ntuples.len() == 1 => vec![name.clone()],
        Some(_) => {
            let count = counted(ntuples.len() as u64, "RNTuple", "RNTuples");
            return Err(argument(args, format!("--name names one RNTuple, but there are {count}: add --ntuple")));
        }
    };
    Ok(ntuples.into_iter().zip(targets).map(|(ntuple, target)| Job { ntuple, target }).collect())
}

/// Base names if they differ, or else the whole paths, which do.
fn targets(reader: &Reader, paths: &[String]) -> Vec<String> {
    let without_cycle = |path: &String| -> String {
        let path = path.trim_start_matches('/');
        let is_path = reader.list().iter().any(|key| key.path == path);
        match path.rsplit_once(';') {
            Some((name, _)) if !is_path => name.to_owned(),
            _ => path.to_owned(),
        }
    };
    let paths: Vec<String> = paths.iter().map(without_cycle).collect();
    let bases: Vec<String> = paths.iter().map(|path| base(path).to_owned()).collect();
    let distinct = bases.iter().collect::<HashSet<_>>().len();
    if distinct == bases.len() { bases } else { paths }
}

fn base(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

fn write_options(args: &Convert, compression: CompressionSettings) -> WriteOptions {
    let mut options = WriteOptions::new().overwrite(true).compression(compression).page_checksums(!args.no_checksums);
    for one in &args.field_compression {
        options = options.field_compression(&one.pattern, one.value);
    }
    if let Some(size) = args.cluster_size {
        options = options.approx_zipped_cluster_size(size);
    }
    if let Some(size) = args.max_page_size {
        options = options.max_unzipped_page_size(usize::try_from(size).unwrap_or(usize::MAX));
    }
    if let Some(threads) = args.threads {
        options = options.threads(threads);
    }
    if let Some(checkpoint) = args.checkpoint {
        options = options.checkpoint(checkpoint);
    }
    options
}

/// The compression setting that is asked for; of a source with several, the one that most bytes have.
fn compression(args: &Convert, jobs: &[Job]) -> Result<CompressionSettings> {
    let setting = match args.compression {
        Compression::To(setting) => return Ok(setting),
        Compression::Keep => {
            let mut bytes: HashMap<u32, u64> = HashMap::new();
            for job in jobs {
                for column in job.ntuple.stat()? {
                    for setting in column.compression {
                        let sum = bytes.entry(setting).or_default();
                        *sum = sum.saturating_add(column.raw_bytes);
                    }
                }
            }
            bytes.into_iter().max_by_key(|&(setting, bytes)| (bytes, setting)).map(|(setting, _)| setting)
        }
    };
    Ok(setting.map_or_else(CompressionSettings::default, CompressionSettings::new))
}

fn one(
    args: &Convert,
    job: &Job,
    file: &FileWriter,
    options: &WriteOptions,
    classes: Option<&StreamerInfoList>,
    console: &mut Console<'_>,
) -> Result<Written> {
    let ntuple = &job.ntuple;
    let scan = || -> Scan {
        // Bytes that are not UTF-8 pass as they are.
        let scan = ntuple.scan().strings_as_binary(true).entries(args.entries.unwrap_or_default());
        match args.threads {
            Some(threads) => scan.threads(threads),
            None => scan,
        }
    };
    let mut batches = if args.fields.is_empty() { scan().open()? } else { scan().columns(&args.fields).open()? };
    report_skipped(args, job, &batches, console)?;

    let schema = batches.schema();
    let mut options = options.clone().description(args.description.as_deref().unwrap_or(ntuple.description()));
    options = options.keep_encodings(!args.default_encodings);
    for one in &args.encoding {
        options = options.encoding(&one.pattern, one.value);
    }
    let mut writer = file.ntuple(&job.target, schema, options)?;
    writer.add_type_info(ntuple.schema().extra_type_info().iter().cloned());
    if let Some(classes) = classes {
        writer.add_streamer_info(classes);
    }
    if writer.schema().fields().len() < batches.schema().fields().len() {
        // Projected fields have been seen in the schema; their data are those of other fields.
        batches = scan().schema(writer.schema()).open()?;
    }

    let range = batches.entries();
    let progress = Progress::new(console.terminal.progress && !args.quiet, Unit::Entries, job.target.clone());
    for batch in batches {
        writer.append(&batch?)?;
        progress.update(writer.entries(), range.end - range.start);
    }
    attributes::carry(ntuple, &range, &mut writer)?;
    Ok(writer.finish()?)
}

/// A field that cannot be read is lost only if the user chose fields by pattern, and is told.
fn report_skipped(args: &Convert, job: &Job, batches: &Batches, console: &mut Console<'_>) -> Result<()> {
    if args.fields.is_empty() {
        let Some((field, reason)) = batches.skipped().first() else { return Ok(()) };
        let reason = format!(
            "field '{}' of '{}' cannot be read: {reason}; --fields '*' leaves out what cannot be read",
            printable(field),
            printable(job.ntuple.name()),
        );
        return Err(Error::Read(rntuple_io::Error::Argument { file: job.ntuple.file_name().into(), reason }));
    }
    for (field, reason) in batches.skipped() {
        console.complain(&format_args!("warning: field '{}' is left out: {reason}", printable(field)));
    }
    Ok(())
}
