//! A tree as a source of record batches.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Schema, SchemaRef};
use rayon::prelude::*;

use super::bytes::Outcome;
use super::fields::Fields;
use super::file::File;
use crate::error::Result;
use crate::formats::Source;

/// Bytes of a batch, about.
const BATCH_BYTES: u64 = 32 << 20;
/// Most rows of a batch.
const BATCH_ROWS: u64 = 1 << 18;

/// Reads a tree from front to back.
pub(super) struct TreeSource {
    file: File,
    tree: String,
    fields: Fields,
    schema: SchemaRef,
    entries: u64,
    next: u64,
    rows: u64,
    /// Where several branches are read at a time.
    pool: Option<rayon::ThreadPool>,
    warnings: Vec<String>,
}

impl TreeSource {
    pub(super) fn new(
        file: File,
        tree: &str,
        fields: Fields,
        entries: u64,
        threads: Option<usize>,
        warnings: Vec<String>,
    ) -> Self {
        let bytes = fields.members.iter().fold(0_u64, |sum, member| sum.saturating_add(member.node.bytes()));
        let each = (bytes / entries.max(1)).max(1);
        let rows = (BATCH_BYTES / each).clamp(1, BATCH_ROWS);
        let threads = threads.or_else(|| std::thread::available_parallelism().ok().map(Into::into)).unwrap_or(1);
        // Without further threads, the one at hand does it all.
        let pool = (threads > 1).then(|| rayon::ThreadPoolBuilder::new().num_threads(threads).build().ok()).flatten();
        let schema = Arc::new(Schema::new(fields.columns.iter().map(|it| Arc::clone(&it.field)).collect::<Vec<_>>()));
        Self { file, tree: tree.to_owned(), fields, schema, entries, next: 0, rows, pool, warnings }
    }

    fn batch(&mut self, entries: std::ops::Range<u64>) -> Outcome<RecordBatch> {
        let rows = usize::try_from(entries.end - entries.start).unwrap_or(usize::MAX);
        let (file, members) = (&self.file, &mut self.fields.members);
        let arrays: Vec<Outcome<ArrayRef>> = match &self.pool {
            Some(pool) => {
                pool.install(|| members.par_iter_mut().map(|member| member.node.read(file, entries.clone())).collect())
            }
            None => members.iter_mut().map(|member| member.node.read(file, entries.clone())).collect(),
        };
        let arrays = arrays.into_iter().collect::<Outcome<Vec<_>>>()?;
        let columns = self.fields.columns.iter().map(|column| column.content.array(&arrays, &column.field));
        let columns = columns.collect::<Outcome<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options).map_err(|e| e.to_string())
    }
}

impl Source for TreeSource {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn rows(&self) -> Option<u64> {
        Some(self.entries)
    }

    fn warnings(&self) -> Vec<String> {
        self.warnings.clone()
    }

    fn next(&mut self) -> Result<Option<RecordBatch>> {
        if self.next >= self.entries {
            return Ok(None);
        }
        let end = self.next.saturating_add(self.rows).min(self.entries);
        let batch = self.batch(self.next..end);
        let batch = batch.map_err(|reason| self.file.error(format!("tree '{}': {reason}", self.tree)))?;
        self.next = end;
        Ok(Some(batch))
    }
}
