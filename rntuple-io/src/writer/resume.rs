//! Reopening a finished RNTuple, to add entries and fields.

use std::sync::Arc;

use rntuple_core::Error as FormatError;
use rntuple_core::arrow::Layout;
use rntuple_core::schema::ColumnId;

use super::dataset::Dataset;
use super::ntuple::Writer;
use super::options::WriteOptions;
use super::output::{Output, Place, Shared};
use crate::error::Result;
use crate::reader::{File, NTupleKey, Reader};

/// Continues the RNTuple at a path. What is new goes behind the end of the file; the anchor that is there stays valid
/// until the file is committed.
pub(super) fn resume(file: &File, shared: &Shared, path: &str, options: WriteOptions) -> Result<Writer> {
    let reader = Reader::from_source(Arc::clone(&file.name), Arc::clone(&file.source))?;
    let ntuple = reader.ntuple(path)?;
    let format = |e: FormatError| file.format(e);
    if let [(field, reason), ..] = ntuple.unavailable()? {
        let reason = format!("the data set has a field '{field}' that this version cannot write: {reason}");
        return Err(shared.argument(reason));
    }
    let data = &ntuple.data;
    let columns: Vec<ColumnId> = data.schema.columns().iter().map(|column| column.id).collect();
    let mut clusters = Vec::new();
    for group in 0..data.footer.cluster_groups.len() {
        clusters.extend(data.clusters(group, &columns)?);
    }
    let arrow = ntuple.arrow_schema()?;
    let layout = Layout::resume(Arc::clone(&data.schema), &arrow).map_err(format)?;
    let (wanted, cycle) = path_and_cycle(path);
    let (directory, name) = wanted.rsplit_once('/').unwrap_or(("", wanted));
    // Not the newest cycle that there is by now: the one that was read.
    let of_path = |key: &&NTupleKey| key.path == wanted && cycle.map_or(key.newest, |cycle| key.cycle == cycle);
    let cycle = reader.list().iter().find(of_path).map(|key| key.cycle);
    let found = cycle.and_then(|cycle| shared.lock().find(directory, name, cycle).map(|folder| (folder, cycle)));
    let (folder, cycle) = found.ok_or_else(|| shared.argument(format!("'{path}' is not in its key lists")))?;
    let place = Place::Listed { folder, cycle };
    let dataset = Dataset::resume(data, clusters, &options).map_err(format)?.in_directory(directory);
    shared.claim(folder, name, cycle)?;
    let checkpoint = options.checkpoint;
    Writer::resume(Output::new(shared.clone(), dataset, place, checkpoint), layout, options)
}

fn path_and_cycle(path: &str) -> (&str, Option<u16>) {
    let path = path.trim_start_matches('/');
    let with_cycle = path.rsplit_once(';').and_then(|(path, cycle)| Some((path, cycle.parse().ok()?)));
    with_cycle.map_or((path, None), |(path, cycle)| (path, Some(cycle)))
}
