//! Reopening a finished RNTuple, to add entries and fields.

use std::sync::Arc;

use rntuple_core::Error as FormatError;
use rntuple_core::arrow::Layout;
use rntuple_core::schema::ColumnId;

use super::dataset::Dataset;
use super::embedding::Embedding;
use super::ntuple::Writer;
use super::options::WriteOptions;
use super::output::{Output, Place, Shared};
use crate::error::Result;
use crate::path::split;
use crate::reader::{File, Reader};

/// Continues the RNTuple at a path. What is new goes behind the end of the file; the anchor that is there stays valid
/// until the file is committed.
pub(super) fn resume(file: &File, shared: &Shared, path: &str, options: WriteOptions) -> Result<Writer> {
    let reader = Reader::from_file(file.clone())?;
    // Not the newest cycle that there is by now: the one that is read.
    let key = reader.find(path)?;
    let ntuple = reader.open_key(key)?;
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
    let (directory, name) = split(&key.path);
    let cycle = key.cycle;
    let folder = match &*shared.lock() {
        Embedding::File(container) => container.find(directory, name, cycle),
        Embedding::Objects(_) => None,
    };
    let folder = folder.ok_or_else(|| shared.argument(format!("'{path}' is not in its key lists")))?;
    let place = Place::Listed { folder, cycle };
    let dataset = Dataset::resume(data, clusters, &options).map_err(format)?.in_directory(directory);
    shared.claim(folder, name, cycle)?;
    let checkpoint = options.checkpoint;
    Writer::resume(Output::new(shared.clone(), dataset, place, checkpoint), layout, options)
}
