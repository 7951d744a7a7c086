//! `rntuple convert`: tables from any format to any other.

mod attributes;
mod inputs;
mod rntuples;
mod tables;

use super::{Console, print_metrics};
use crate::cli::Convert;
use crate::error::{Error, Result};
use crate::formats::{self, Format, ttree};

/// What is read and written, once names and options are understood.
struct Job<'a> {
    args: &'a Convert,
    /// At least one.
    inputs: Vec<std::path::PathBuf>,
    from: Format,
    to: Format,
}

pub(super) fn run(args: &Convert, console: &mut Console<'_>) -> Result<()> {
    let to = match args.to {
        Some(format) => format,
        None => inputs::format(&args.output, "--to")?,
    };
    let inputs = inputs::expand(&args.inputs)?;
    let mut from = inputs::format_of_all(&inputs, args.from)?;
    if args.from.is_none()
        && from == Format::RNTuple
        && inputs.first().is_some_and(|input| ttree::has_trees_only(input))
    {
        from = Format::TTree;
    }
    check_options(args, from, to)?;
    if let Some((option, what)) = args.text.useless(from, to) {
        return Err(Error::Usage(format!("{option} is for {what} only")));
    }
    inputs::refuse_source_as_target(&inputs, &args.output)?;
    let job = Job { args, inputs, from, to };
    if from == Format::RNTuple && to == Format::RNTuple {
        rntuples::run(&job, console)
    } else {
        tables::run(&job, console)
    }
}

/// Options that would have no effect are refused: whoever gives one expects something of it.
fn check_options(args: &Convert, from: Format, to: Format) -> Result<()> {
    if args.collections.is_some() && from != Format::TTree {
        return Err(Error::Usage("--collections is for TTree input only".to_owned()));
    }
    match to {
        Format::RNTuple => rntuples::rntuple_compression(args).map(drop)?,
        Format::Parquet => formats::parquet::compression(args).map(drop)?,
        Format::Arrow => formats::ipc::compression(args).map(drop)?,
        _ if args.compression.is_some() => {
            return Err(Error::Usage("--compression is for RNTuple, Parquet and Arrow output".to_owned()));
        }
        _ => {}
    }
    if args.row_group_rows.is_some() && to != Format::Parquet {
        return Err(Error::Usage("--row-group-rows is for Parquet output only".to_owned()));
    }
    if to == Format::RNTuple {
        let shaping = !args.drop.is_empty() || !args.cast.is_empty() || args.unions_as_structs;
        if from == Format::RNTuple && shaping {
            let reason = "--drop, --cast and --unions-as-structs are for other formats: choose with --fields";
            return Err(Error::Usage(reason.to_owned()));
        }
        return Ok(());
    }
    let of_rntuples = [
        ("--name", args.name.is_some()),
        ("--description", args.description.is_some()),
        ("--field-compression", !args.field_compression.is_empty()),
        ("--encoding", !args.encoding.is_empty()),
        ("--default-encodings", args.default_encodings),
        ("--cluster-size", args.cluster_size.is_some()),
        ("--max-page-size", args.max_page_size.is_some()),
        ("--no-checksums", args.no_checksums),
        ("--checkpoint", args.checkpoint.is_some()),
    ];
    match of_rntuples.into_iter().find(|(_, given)| *given) {
        Some((option, _)) => Err(Error::Usage(format!("{option} is for RNTuple output only"))),
        None => Ok(()),
    }
}
