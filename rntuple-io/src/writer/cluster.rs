//! Collects the entries of one cluster after the other, and seals their pages.

use std::sync::Arc;

use arrow::array::RecordBatch;
use rntuple_core::arrow::{ColumnBuffer, Layout, PageOptions, Piece, SealedPage};
use rntuple_core::compression::CompressionSettings;
use rntuple_core::schema::ColumnEncoding;
use rntuple_core::{Error, Result};

use super::options::WriteOptions;
use super::sealing::Sealing;
use crate::threads::Threads;

/// A complete cluster, ready to be placed in a file.
#[derive(Debug)]
pub(super) struct SealedCluster {
    pub(super) entries: u64,
    /// The pages of the columns, by id, with their compression settings; `None` for those that other columns of their
    /// field stand for.
    pub(super) columns: Vec<Option<(Vec<SealedPage>, u32)>>,
}

impl SealedCluster {
    pub(super) fn bytes(&self) -> u64 {
        self.columns.iter().flatten().flat_map(|(pages, _)| pages).map(|page| page.bytes.len() as u64).sum()
    }
}

/// Builds clusters out of record batches.
#[derive(Debug)]
pub(super) struct ClusterBuilder {
    layout: Arc<Layout>,
    /// The columns that are written, with their ids.
    columns: Vec<(usize, ColumnBuffer)>,
    pieces: Vec<Vec<Piece>>,
    sealing: Sealing,
    budget: usize,
    target: u64,
    max_unzipped: u64,
    /// Bits that a cluster should have before compression, as far as can be told.
    threshold: u64,
    /// Entries and bits before compression of the open cluster.
    entries: u64,
    bits: u64,
    /// Bits before compression, and bytes after it, of all clusters so far.
    filled: u64,
    stored: u64,
}

impl ClusterBuilder {
    pub(super) fn new(layout: Arc<Layout>, options: &WriteOptions, threads: Threads) -> Result<Self> {
        let target = options.approx_zipped_cluster_size;
        // What is not compressed has its size; for the rest ROOT starts with half of it.
        let expected = if options.compression.is_none() { target } else { target.saturating_mul(2) };
        let mut builder = Self {
            layout: Arc::clone(&layout),
            columns: Vec::new(),
            pieces: Vec::new(),
            sealing: Sealing::new(threads),
            budget: options.budget(),
            target,
            max_unzipped: options.max_unzipped(),
            threshold: 0,
            entries: 0,
            bits: 0,
            filled: 0,
            stored: 0,
        };
        builder.set_threshold(expected);
        builder.set_layout(layout, options)?;
        Ok(builder)
    }

    fn set_threshold(&mut self, bytes: u64) {
        self.threshold = bytes.min(self.max_unzipped).max(1).saturating_mul(8);
    }

    /// Takes over a layout with more columns. The open cluster must be empty.
    pub(super) fn set_layout(&mut self, layout: Arc<Layout>, options: &WriteOptions) -> Result<()> {
        let mut compression = vec![options.compression; layout.columns().len()];
        for (pattern, settings) in &options.field_compression {
            for column in layout.matching_columns(pattern)? {
                if let Some(slot) = compression.get_mut(column.0 as usize) {
                    *slot = *settings;
                }
            }
        }
        let buffer = |(i, (encoding, compression)): (usize, (&ColumnEncoding, CompressionSettings))| {
            let pages = PageOptions {
                initial_unzipped: options.initial_unzipped_page_size,
                max_unzipped: options.max_unzipped_page_size,
                checksums: options.page_checksums,
                compression,
            };
            layout.writes(i).then(|| (i, ColumnBuffer::new(*encoding, pages)))
        };
        self.columns = layout.columns().iter().zip(compression).enumerate().filter_map(buffer).collect();
        self.pieces = vec![Vec::new(); layout.columns().len()];
        self.layout = layout;
        Ok(())
    }

    pub(super) fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// Entries of the open cluster.
    pub(super) fn entries(&self) -> u64 {
        self.entries
    }

    /// Adds entries from `batch`, as many as belong to the open cluster; gives how many that are. The cluster is
    /// complete if those were not all, or if it says so.
    pub(super) fn append(&mut self, batch: &RecordBatch) -> Result<(usize, bool)> {
        let rows = batch.num_rows();
        let bits = self.layout.measure(batch)?;
        if self.bits.saturating_add(bits) < self.threshold {
            self.add(batch, bits)?;
            return Ok((rows, false));
        }
        // The cluster ends with the first entry that takes it over the threshold, however the batches are cut.
        let (mut below, mut enough) = (0, rows);
        while enough - below > 1 {
            let middle = below + (enough - below) / 2;
            let bits = self.layout.measure(&batch.slice(0, middle))?;
            if self.bits.saturating_add(bits) < self.threshold { below = middle } else { enough = middle }
        }
        let first = batch.slice(0, enough);
        let bits = self.layout.measure(&first)?;
        self.add(&first, bits)?;
        Ok((enough, true))
    }

    fn add(&mut self, batch: &RecordBatch, bits: u64) -> Result<()> {
        self.pieces.iter_mut().for_each(Vec::clear);
        self.layout.pieces(batch, &mut self.pieces)?;
        for (i, column) in &mut self.columns {
            for piece in self.pieces.get(*i).into_iter().flatten() {
                let done = column.append(piece, |page| self.sealing.submit(*i, page));
                done.map_err(|error| within_field(&self.layout, *i, error))?;
            }
        }
        self.pieces.iter_mut().for_each(Vec::clear);
        self.entries += batch.num_rows() as u64;
        self.bits = self.bits.saturating_add(bits);
        self.keep_budget()
    }

    /// Seals the largest open pages when all of them take more memory than they may.
    fn keep_budget(&mut self) -> Result<()> {
        let mut open: Vec<(usize, usize)> =
            self.columns.iter().enumerate().map(|(n, (_, column))| (column.open_bytes(), n)).collect();
        let mut total: usize = open.iter().map(|(bytes, _)| bytes).sum();
        if total <= self.budget {
            return Ok(());
        }
        open.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        for (bytes, n) in open {
            // Half of it, so that this does not happen with every batch.
            if total <= self.budget / 2 {
                break;
            }
            self.seal(n)?;
            total = total.saturating_sub(bytes);
        }
        Ok(())
    }

    /// Seals the open page of the column that is written as the `n`-th.
    fn seal(&mut self, n: usize) -> Result<()> {
        let Some((i, column)) = self.columns.get_mut(n) else { return Ok(()) };
        let Some(page) = column.take_page() else { return Ok(()) };
        self.sealing.submit(*i, page).map_err(|error| within_field(&self.layout, *i, error))?;
        Ok(())
    }

    /// Ends the open cluster, unless it has no entries.
    pub(super) fn finish(&mut self) -> Result<Option<SealedCluster>> {
        if self.entries == 0 {
            return Ok(None);
        }
        (0..self.columns.len()).try_for_each(|n| self.seal(n))?;
        let sealed = self.sealing.finish();
        let mut sealed = sealed.map_err(|(i, error)| within_field(&self.layout, i, error))?;
        let mut columns = vec![None; self.layout.columns().len()];
        for (i, column) in &mut self.columns {
            column.end_cluster();
            let pages = sealed.get_mut(*i).map(std::mem::take).unwrap_or_default();
            if let Some(slot) = columns.get_mut(*i) {
                *slot = Some((pages, column.options().compression.get()));
            }
        }
        let cluster = SealedCluster { entries: std::mem::take(&mut self.entries), columns };
        self.filled = self.filled.saturating_add(std::mem::take(&mut self.bits));
        self.stored = self.stored.saturating_add(cluster.bytes());
        self.learn_ratio();
        Ok(Some(cluster))
    }

    /// The next cluster will be as large as the compression so far says.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate; the cast back saturates"
    )]
    fn learn_ratio(&mut self) {
        if self.stored > 0 {
            let ratio = self.filled as f64 / 8.0 / self.stored as f64;
            self.set_threshold((self.target as f64 * ratio) as u64);
        }
    }
}

fn within_field(layout: &Layout, column: usize, error: Error) -> Error {
    let field = layout.schema().columns().get(column).map(|column| column.field);
    let path = field.map(|field| layout.schema().path(field)).unwrap_or_default();
    error.within(format!("field '{path}'"))
}
