//! `rntuple hist`: how are the values of a field distributed?

mod axis;
mod fill;
mod picture;
mod text;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::compute::filter;
use arrow::datatypes::{DataType, Field};
use rntuple_io::{Batches, NTuple};

use self::axis::Axis;
use self::fill::{Counts, Kind, Limits, Values};
use super::{Console, open, print_metrics};
use crate::cli::Hist;
use crate::error::{Error, Result};
use crate::interrupt;
use crate::output::progress::{Progress, Unit};
use crate::output::text::printable;

/// Strings that are shown unless the user says how many.
const STRINGS: usize = 20;

pub(super) fn run(args: &Hist, console: &mut Console<'_>) -> Result<()> {
    let ntuple = open(&args.source)?;
    let values = collect(args, &ntuple, console)?;
    if args.metrics {
        print_metrics(&ntuple.metrics(), console);
    }
    match &args.png {
        Some(out) => picture::write(&values, &args.field, args.log, out),
        None => console.print(&text::draw(&values, &args.field, args.log, console.terminal.width)),
    }
}

fn collect(args: &Hist, ntuple: &NTuple, console: &Console<'_>) -> Result<Values> {
    let scan = || -> Result<Batches> {
        let entries = args.entries.unwrap_or_default();
        let scan = ntuple.scan().strings_as_binary(true).entries(entries).columns([&args.field]);
        Ok(match args.threads {
            Some(threads) => scan.threads(threads),
            None => scan,
        }
        .open()?)
    };
    let wrong = |reason: String| Error::Read(rntuple_io::Error::Argument { file: ntuple.file_name().into(), reason });
    let batches = scan()?;
    let fields = batches.schema();
    let mut leaves = Vec::new();
    fields.fields().iter().for_each(|field| find_leaves(field, "", &mut leaves));
    let field = printable(&args.field);
    let kind = match leaves.as_slice() {
        [(_, Some(kind))] => *kind,
        [(name, None)] => return Err(wrong(format!("'{}' has no numbers and no strings", printable(name)))),
        [] => return Err(wrong(format!("'{field}' holds nothing to be counted"))),
        several => {
            let names: Vec<&str> = several.iter().take(10).map(|(name, _)| name.as_str()).collect();
            let more = if several.len() > names.len() { ", …" } else { "" };
            let names = printable(&names.join(", ")).into_owned();
            return Err(wrong(format!("'{field}' holds several fields, choose one of: {names}{more}")));
        }
    };
    let range = batches.entries();
    let rows = range.end - range.start;
    let pass = |what: &str, batches: Batches, each: &mut dyn FnMut(&ArrayRef)| -> Result<()> {
        let bar = Progress::new(console.terminal.progress && !args.quiet, Unit::Entries, what.to_owned());
        let mut done = 0;
        for batch in batches {
            interrupt::check()?;
            let batch = batch?;
            for column in batch.columns() {
                each(&flatten(column)?);
            }
            done += batch.num_rows() as u64;
            bar.update(done, rows);
        }
        Ok(())
    };
    if kind == Kind::Text {
        let mut strings = fill::Strings::default();
        pass("counting", batches, &mut |array| strings.add(array))?;
        return Ok(strings.finish(rows, args.bins.map_or(STRINGS, usize::from)));
    }
    let (limits, batches) = match &args.range {
        Some(range) => (Limits::given(range), batches),
        None => {
            let mut limits = Limits::default();
            pass("finding the limits", batches, &mut |array| limits.add(array))?;
            (limits, scan()?)
        }
    };
    let axis = Axis::new(kind, &limits, args.bins, args.range.is_some());
    let mut counts = Counts::new(axis);
    pass("counting", batches, &mut |array| counts.add(array))?;
    Ok(counts.finish(rows))
}

/// The fields below one that have values, with what these are.
fn find_leaves(field: &Field, above: &str, leaves: &mut Vec<(String, Option<Kind>)>) {
    let name = if above.is_empty() { field.name().clone() } else { format!("{above}.{}", field.name()) };
    match field.data_type() {
        // The names of items may be left out.
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            let mut below = Vec::new();
            find_leaves(&Field::clone(item).with_name(""), "", &mut below);
            let join = |(path, kind): (String, _)| {
                let path = path.trim_start_matches('.');
                (if path.is_empty() { name.clone() } else { format!("{name}.{path}") }, kind)
            };
            leaves.extend(below.into_iter().map(join));
        }
        DataType::Map(item, _) => find_leaves(&Field::clone(item).with_name(&name), "", leaves),
        DataType::Struct(members) => members.iter().for_each(|member| find_leaves(member, &name, leaves)),
        DataType::Union(members, _) => {
            let members = members.iter().filter(|(_, member)| *member.data_type() != DataType::Null);
            members.for_each(|(_, member)| find_leaves(member, &name, leaves));
        }
        _ if field.metadata().contains_key("rntuple.streamer") => leaves.push((name, None)),
        other => leaves.push((name, Kind::of(other))),
    }
}

/// The values at the end of a chain of collections and records of one member, those that are not null.
fn flatten(array: &ArrayRef) -> Result<ArrayRef> {
    let array = match array.nulls().filter(|nulls| nulls.null_count() > 0) {
        Some(nulls) => {
            let there = BooleanArray::new(nulls.inner().clone(), None);
            filter(array, &there).map_err(|e| Error::Output(std::io::Error::other(e)))?
        }
        None => array.clone(),
    };
    let own = |offset: i32| usize::try_from(offset).unwrap_or_default();
    let part = |values: &ArrayRef, from: usize, to: usize| flatten(&values.slice(from, to - from));
    match array.data_type() {
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            let ends = list.offsets().first().zip(list.offsets().last());
            let (from, to) = ends.map_or((0, 0), |(from, to)| (own(*from), own(*to)));
            part(list.values(), from, to)
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            let own = |offset: i64| usize::try_from(offset).unwrap_or_default();
            let ends = list.offsets().first().zip(list.offsets().last());
            let (from, to) = ends.map_or((0, 0), |(from, to)| (own(*from), own(*to)));
            part(list.values(), from, to)
        }
        DataType::Map(..) => {
            let map = array.as_map();
            let ends = map.offsets().first().zip(map.offsets().last());
            let (from, to) = ends.map_or((0, 0), |(from, to)| (own(*from), own(*to)));
            let entries: ArrayRef = std::sync::Arc::new(map.entries().slice(from, to - from));
            flatten(&entries)
        }
        DataType::FixedSizeList(..) => {
            let list = array.as_fixed_size_list();
            part(list.values(), own(list.value_offset(0)), own(list.value_offset(list.len())))
        }
        DataType::Struct(_) => match array.as_struct().columns() {
            [member] => flatten(member),
            _ => Ok(array.clone()),
        },
        // With one alternative that has values, these are all that there is.
        DataType::Union(members, _) => {
            let union = array.as_union();
            let mut there = members.iter().filter(|(_, member)| *member.data_type() != DataType::Null);
            let Some((id, _)) = there.next() else { return Ok(array.clone()) };
            let rows = (0..union.len()).filter(|&row| union.type_id(row) == id);
            let offsets: Vec<u64> = rows.map(|row| union.value_offset(row) as u64).collect();
            let offsets = arrow::array::UInt64Array::from(offsets);
            let taken = arrow::compute::take(union.child(id), &offsets, None);
            flatten(&taken.map_err(|e| Error::Output(std::io::Error::other(e)))?)
        }
        _ => Ok(array.clone()),
    }
}
