//! RNTuples written anew: everything that they say of themselves is kept.

use std::collections::{HashMap, HashSet};

use rntuple_core::compression::CompressionSettings;
use rntuple_core::container::root_file::StreamerInfoList;
use rntuple_io::{Batches, EntryRange, FileWriter, NTuple, Reader, Scan, WriteOptions, Writer, Written};

use super::{Console, Job, attributes, print_metrics};
use crate::cli::{Compression, Convert, compression as parse_compression};
use crate::error::{Error, Result};
use crate::formats::rntuple::{newest, open_reader, open_writer};
use crate::formats::{Differences, Range};
use crate::interrupt;
use crate::output::progress::{Progress, Unit};
use crate::output::text::{bytes, counted, printable, ratio};

/// A data set of the first input, and where it goes.
struct DataSet {
    ntuple: NTuple,
    path: String,
    target: String,
}

pub(super) fn run(job: &Job<'_>, console: &mut Console<'_>) -> Result<()> {
    let args = job.args;
    let Some(first) = job.inputs.first() else { return Ok(()) };
    let reader = open_reader(first)?;
    let sets = data_sets(args, &reader)?;
    // Everything that can be refused is, before a file is made.
    let setting = compression(args, &sets)?;
    let options = write_options(args, setting);
    let mut done = Vec::new();
    // A damaged description of classes is no reason to give up their data.
    let classes = reader.streamer_info();
    if let Err(error) = &classes {
        console.complain(&format_args!("warning: the descriptions of C++ classes are left out: {error}"));
    }
    let file = open_writer(&args.output, &options)?;
    for set in &sets {
        done.push(one(job, set, &file.writer, &options, classes.as_ref().ok(), console)?);
    }
    let size = file.finish()?;
    if args.metrics
        && let Some(set) = sets.first()
    {
        // Those of the file, and so of all data sets in it.
        print_metrics(&set.ntuple.metrics(), console);
    }
    if args.quiet || crate::transport::is_standard(&args.output) {
        return Ok(());
    }
    for (set, written) in sets.iter().zip(&done) {
        let entries = counted(written.entries, "entry", "entries");
        let clusters = counted(written.clusters, "cluster", "clusters");
        console.print(&format!("{}: {entries} in {clusters}\n", printable(&set.target)))?;
    }
    let output = args.output.to_string_lossy();
    let alone = job.inputs.len() == 1;
    let times = reader
        .size()
        .filter(|_| alone)
        .map_or(String::new(), |source| format!(", {} the size of the source", ratio(size, source)));
    console.print(&format!("{}: {}{times}\n", printable(&output), bytes(size)))
}

/// An error about the file to write.
fn argument(args: &Convert, reason: impl Into<String>) -> Error {
    let file = args.output.to_string_lossy().into();
    Error::Read(rntuple_io::Error::Argument { file, reason: reason.into() })
}

/// Which data sets are converted, and the paths they get.
fn data_sets(args: &Convert, reader: &Reader) -> Result<Vec<DataSet>> {
    let paths = match &args.ntuple {
        Some(path) => vec![path.clone()],
        None => newest(reader)?,
    };
    let ntuples = paths.iter().map(|path| Ok(reader.ntuple(path)?)).collect::<Result<Vec<_>>>()?;
    let targets = match &args.name {
        None => targets(reader, &paths),
        Some(name) if ntuples.len() == 1 => vec![name.clone()],
        Some(_) => {
            let count = counted(ntuples.len() as u64, "RNTuple", "RNTuples");
            return Err(argument(args, format!("--name names one RNTuple, but there are {count}: add --ntuple")));
        }
    };
    let all = ntuples.into_iter().zip(paths).zip(targets);
    Ok(all.map(|((ntuple, path), target)| DataSet { ntuple, path, target }).collect())
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

pub(super) fn write_options(args: &Convert, compression: CompressionSettings) -> WriteOptions {
    let mut options = WriteOptions::new().overwrite(true).compression(compression).page_checksums(!args.no_checksums);
    options = options.keep_encodings(!args.default_encodings);
    for one in &args.encoding {
        options = options.encoding(&one.pattern, one.value);
    }
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
fn compression(args: &Convert, sets: &[DataSet]) -> Result<CompressionSettings> {
    let setting = match rntuple_compression(args)? {
        Compression::To(setting) => return Ok(setting),
        Compression::Keep => {
            let mut bytes: HashMap<u32, u64> = HashMap::new();
            for set in sets {
                for column in set.ntuple.stat()? {
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

/// What --compression asks of an RNTuple.
pub(super) fn rntuple_compression(args: &Convert) -> Result<Compression> {
    let setting =
        args.compression.as_deref().map_or(Ok(Compression::To(CompressionSettings::default())), parse_compression);
    setting.map_err(|reason| Error::Usage(format!("invalid value for '--compression': {reason}")))
}

/// The part of one input that is written.
struct Part<'a> {
    args: &'a Convert,
    ntuple: &'a NTuple,
    entries: EntryRange,
}

impl Part<'_> {
    fn scan(&self) -> Scan {
        // Bytes that are not UTF-8 pass as they are.
        let scan = self.ntuple.scan().strings_as_binary(true).entries(self.entries);
        match self.args.threads {
            Some(threads) => scan.threads(threads),
            None => scan,
        }
    }

    fn open(&self) -> Result<Batches> {
        let fields = &self.args.fields;
        Ok(if fields.is_empty() { self.scan().open()? } else { self.scan().columns(fields).open()? })
    }
}

fn one(
    job: &Job<'_>,
    set: &DataSet,
    file: &FileWriter,
    options: &WriteOptions,
    classes: Option<&StreamerInfoList>,
    console: &mut Console<'_>,
) -> Result<Written> {
    let args = job.args;
    let ntuple = &set.ntuple;
    let mut range = range(job, set)?;
    let part = Part { args, ntuple, entries: range.take(ntuple.entries()) };
    let batches = part.open()?;
    report_skipped(args, set, &batches, console)?;

    let schema = batches.schema();
    let options = options.clone().description(args.description.as_deref().unwrap_or(ntuple.description()));
    let mut writer = file.ntuple(&set.target, schema, options)?;
    writer.add_type_info(ntuple.schema().extra_type_info().iter().cloned());
    if let Some(classes) = classes {
        writer.add_streamer_info(classes);
    }
    let schema = batches.schema();
    let progress = Progress::new(console.terminal.progress && !args.quiet, Unit::Entries, set.target.clone());
    let mut carried = attributes::Carried::default();
    append(&part, batches, &mut writer, &progress, &mut carried)?;
    for input in job.inputs.iter().skip(1) {
        let reader = open_reader(input)?;
        let ntuple = reader.ntuple(&set.path)?;
        let part = Part { args, ntuple: &ntuple, entries: range.take(ntuple.entries()) };
        let batches = part.open()?;
        let name = input.to_string_lossy();
        Differences::between(&schema, &batches.schema()).refuse(&name)?;
        refuse_other_arrow_types(&set.ntuple, &ntuple, &name)?;
        append(&part, batches, &mut writer, &progress, &mut carried)?;
    }
    carried.finish(&mut writer)?;
    Ok(writer.finish()?)
}

/// The same numbers may be seconds in one input and milliseconds in another.
fn refuse_other_arrow_types(first: &NTuple, other: &NTuple, file: &str) -> Result<()> {
    match (first.logical_schema()?, other.logical_schema()?) {
        (None, None) => Ok(()),
        (Some(first), Some(other)) => Differences::between(&first, &other).refuse(file),
        _ => {
            let reason = "has other Arrow types than the first input: one of the two has no record of them".to_owned();
            Err(Error::Table { file: file.to_owned(), reason })
        }
    }
}

/// The entries to keep, counted over all inputs.
fn range(job: &Job<'_>, set: &DataSet) -> Result<Range> {
    let Some(entries) = job.args.entries else { return Ok(Range::default()) };
    let mut total = set.ntuple.entries();
    for input in job.inputs.iter().skip(1) {
        total = total.saturating_add(open_reader(input)?.ntuple(&set.path)?.entries());
    }
    Ok(Range::of(&entries.resolve(total)))
}

fn append(
    part: &Part<'_>,
    mut batches: Batches,
    writer: &mut Writer,
    progress: &Progress,
    carried: &mut attributes::Carried,
) -> Result<()> {
    if writer.schema().fields().len() < batches.schema().fields().len() {
        // Projected fields have been seen in the schema; their data are those of other fields.
        batches = part.scan().schema(writer.schema()).open()?;
    }
    let range = batches.entries();
    let before = writer.entries();
    for batch in batches {
        interrupt::check()?;
        writer.append(&batch?)?;
        progress.update(writer.entries(), before + (range.end - range.start));
    }
    carried.add(part.ntuple, &range, before, writer)
}

/// A field that cannot be read is lost only if the user chose fields by pattern, and is told.
fn report_skipped(args: &Convert, set: &DataSet, batches: &Batches, console: &mut Console<'_>) -> Result<()> {
    if args.fields.is_empty() {
        let Some((field, reason)) = batches.skipped().first() else { return Ok(()) };
        let reason = format!(
            "field '{}' of '{}' cannot be read: {reason}; --fields '*' leaves out what cannot be read",
            printable(field),
            printable(set.ntuple.name()),
        );
        return Err(Error::Read(rntuple_io::Error::Argument { file: set.ntuple.file_name().into(), reason }));
    }
    for (field, reason) in batches.skipped() {
        console.complain(&format_args!("warning: field '{}' is left out: {reason}", printable(field)));
    }
    Ok(())
}
