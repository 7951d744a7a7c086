//! Checks that the pages of clusters are there and whole.

use std::collections::HashSet;

use rntuple_core::container::root_file::SplitPayload;
use rntuple_core::metadata::{ClusterPages, Locator, PageInfo};
use rntuple_core::page::{sealed_len, unseal, verify};
use rntuple_core::schema::{Column, Schema};

use crate::error::{Error, Result};
use crate::reader::File;

/// Pages of one data set have no more bytes than this many times those of the file.
const MAX_READ: u64 = 2;

/// Checks the clusters of one data set.
pub(super) struct Checker<'a> {
    file: &'a File,
    schema: &'a Schema,
    max_key_size: u64,
    /// Places of pages that are whole: several columns may share one.
    good: HashSet<(u64, u64)>,
    read: u64,
    scratch: Vec<u8>,
}

impl<'a> Checker<'a> {
    pub(super) fn new(file: &'a File, schema: &'a Schema, max_key_size: u64) -> Self {
        Self { file, schema, max_key_size, good: HashSet::new(), read: 0, scratch: Vec::new() }
    }

    /// Why a cluster cannot be used, if it cannot. Only the storage can fail.
    pub(super) fn check(&mut self, cluster: &ClusterPages) -> Result<Option<String>> {
        let mut pages: Vec<(u64, &PageInfo, usize)> = Vec::new();
        for (i, listed) in cluster.columns.iter().enumerate() {
            for page in &listed.pages {
                let Locator::File { offset, .. } = page.locator else {
                    return Ok(Some(format!("{}: it does not lie in the file", self.name(i))));
                };
                pages.push((offset, page, i));
            }
        }
        pages.sort_unstable_by_key(|(offset, ..)| *offset);
        for (offset, page, i) in pages {
            match self.page(offset, page, i) {
                Ok(()) => {}
                Err(Error::Io { file, what, source }) => return Err(Error::Io { file, what, source }),
                Err(Error::BeyondEnd { .. }) => {
                    return Ok(Some(format!("{} at byte {offset}: the file ends before it does", self.name(i))));
                }
                Err(Error::Format { source, .. }) => {
                    return Ok(Some(format!("{} at byte {offset}: {source}", self.name(i))));
                }
                Err(other) => return Ok(Some(format!("{} at byte {offset}: {other}", self.name(i)))),
            }
        }
        Ok(None)
    }

    fn name(&self, column: usize) -> String {
        match self.column(column) {
            Some(column) => format!("page of field '{}'", self.schema.path(column.field)),
            None => "page".to_owned(),
        }
    }

    fn column(&self, i: usize) -> Option<&'a Column> {
        self.schema.columns().get(i)
    }

    fn page(&mut self, offset: u64, page: &PageInfo, column: usize) -> Result<()> {
        let inconsistent = |reason: &str| {
            let reason = reason.to_owned();
            self.file.format(rntuple_core::Error::Inconsistent { what: "page", reason })
        };
        let len = sealed_len(page).ok_or_else(|| inconsistent("its size is out of range"))?;
        // Without checksum, a page is good for the column that it was checked for only.
        if page.checksum && self.good.contains(&(offset, len)) {
            return Ok(());
        }
        self.read = self.read.saturating_add(len);
        if self.read > self.file.size().saturating_mul(MAX_READ) {
            return Err(inconsistent("pages of the data set have more bytes than the file"));
        }
        let sealed = self.file.read_payload(|| "page".to_owned(), offset, len, self.max_key_size)?;
        let format = |e| self.file.format(e);
        if page.checksum {
            verify(&sealed, page).map_err(format)?;
            self.good.insert((offset, len));
        } else if let Some(column) = self.column(column) {
            unseal(&sealed, page, column, &mut self.scratch).map_err(format)?;
        }
        Ok(())
    }
}

/// The bytes of the file that a payload takes, in one range or, when it is split, in several. Nothing for what lies
/// beyond the end of the file.
pub(super) fn ranges(file: &File, offset: u64, stored: u64, max_key_size: u64) -> Result<Vec<(u64, u64)>> {
    let range = |start: u64, end: u64| (end <= file.size() && start < end).then_some((start, end));
    let Ok(Some(split)) = SplitPayload::plan(offset, stored, max_key_size) else {
        return Ok(range(offset, offset.saturating_add(stored)).into_iter().collect());
    };
    let first = split.first_chunk();
    let Some(first) = range(first.start, first.end) else { return Ok(Vec::new()) };
    let bytes = file.read(|| "split payload".to_owned(), first.0, first.1 - first.0)?;
    let mut out = vec![first];
    if let Ok(others) = split.other_chunks(&bytes) {
        out.extend(others.iter().filter_map(|chunk| range(chunk.start, chunk.end)));
    }
    Ok(out)
}
