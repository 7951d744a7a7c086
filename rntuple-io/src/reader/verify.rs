//! Verifying every checksum of a data set.

use std::io::ErrorKind;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Instant;

use bytes::Bytes;
use rntuple_core::memory::Pool;
use rntuple_core::metadata::{Locator, PageInfo};
use rntuple_core::page::{sealed_len, unseal, verify};
use rntuple_core::schema::{Column, ColumnId};

use super::file::file_range;
use super::ntuple::NTuple;
use crate::error::{Error, Result};
use crate::threads::Threads;

/// Bytes that are verified between two reports of progress.
const CHUNK: u64 = 32 << 20;

/// What [`NTuple::verify`] found.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct VerifyReport {
    /// Envelopes whose checksum holds.
    pub envelopes: u64,
    /// Different pages that were read and are whole; pages that are stored once for several places count once.
    pub pages: u64,
    /// How many of these have no checksum; that they decompress is all that was seen.
    pub pages_without_checksum: u64,
    /// Bytes that were read.
    pub bytes: u64,
    /// How long it took.
    pub seconds: f64,
    /// What is wrong, by offset.
    pub damage: Vec<Damage>,
}

/// Something in the file that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Damage {
    /// The envelope or page.
    pub what: String,
    /// Where it starts in the file or object; 0 when its locator does not tell.
    pub offset: u64,
    /// What is wrong with it.
    pub reason: String,
}

/// A page of the data set, with the first column that uses it.
struct Page<'a> {
    info: PageInfo,
    column: &'a Column,
    cluster: u64,
    number: usize,
}

impl NTuple {
    /// Reads every envelope and every page, those of linked attribute sets included, and compares all checksums.
    /// Damage does not stop it; it is listed in the report. `progress` is called now and then with bytes done and the
    /// size of the file; without a file, with the bytes of all cluster groups so far.
    ///
    /// # Errors
    /// [`Error::Io`] when the storage fails. (A damaged anchor, header or footer shows on opening.)
    pub fn verify(&self, progress: &(dyn Fn(u64, u64) + Sync)) -> Result<VerifyReport> {
        let started = Instant::now();
        let mut report = VerifyReport::default();
        self.verify_into(&mut report, progress)?;
        // Sets of sets do not exist; a damaged file may have circles of them.
        for name in self.attribute_sets() {
            match self.attribute_set(&name) {
                Ok(set) => set.verify_into(&mut report, progress)?,
                Err(error) => report.damage.push(damage(format!("attribute set '{name}'"), 0, error)?),
            }
        }
        report.damage.sort_by_key(|damage| damage.offset);
        report.seconds = started.elapsed().as_secs_f64();
        Ok(report)
    }

    fn verify_into(&self, report: &mut VerifyReport, progress: &(dyn Fn(u64, u64) + Sync)) -> Result<()> {
        let anchor = &self.data.anchor;
        // Anchor, header and footer were verified on opening, or there would be no `self`.
        report.envelopes += 2;
        report.bytes = report.bytes.saturating_add(anchor.header.stored).saturating_add(anchor.footer.stored);
        let columns: Vec<ColumnId> = self.data.schema.columns().iter().map(|column| column.id).collect();
        for group in 0..self.cluster_group_count() {
            let link = self.data.footer.cluster_groups.get(group).map(|group| group.page_list);
            match self.data.clusters(group, &columns) {
                Ok(clusters) => {
                    report.envelopes += 1;
                    let stored = link.and_then(|link| link.locator.size()).unwrap_or(0);
                    report.bytes = report.bytes.saturating_add(stored);
                    let pages = clusters.iter().flat_map(|cluster| {
                        let columns = self.data.schema.columns().iter().zip(&cluster.columns);
                        columns.flat_map(move |(column, listed)| {
                            let page =
                                move |(number, &info)| Page { info, column, cluster: cluster.summary.id, number };
                            listed.pages.iter().enumerate().map(page)
                        })
                    });
                    self.verify_pages(pages.collect(), report, progress)?;
                }
                Err(error) => {
                    let what = format!("page list of cluster group {group}");
                    let locator = link.map_or(Locator::Unknown { kind: 0 }, |link| link.locator);
                    let (what, offset) = self.place(what, &locator);
                    report.damage.push(damage(what, offset, error)?);
                }
            }
        }
        Ok(())
    }

    fn verify_pages(
        &self,
        mut pages: Vec<Page<'_>>,
        report: &mut VerifyReport,
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<()> {
        pages.sort_by_key(|page| file_range(&page.info.locator));
        // Pages that are stored once for several places stand side by side now.
        pages.dedup_by_key(|page| page.info.locator);
        let size = |page: &Page<'_>| sealed_len(&page.info).unwrap_or(0);
        let total = match &self.data.objects {
            None => self.data.file.size().max(report.bytes),
            // What there is can only be told group by group.
            Some(_) => pages.iter().fold(report.bytes, |sum, page| sum.saturating_add(size(page))),
        };
        let threads = Threads::Shared;
        let pool = Pool::new(usize::try_from(CHUNK).unwrap_or(usize::MAX));
        let mut rest = pages.as_slice();
        while !rest.is_empty() {
            let mut bytes = 0_u64;
            let within = |page: &&Page<'_>| {
                let room = bytes < CHUNK;
                bytes = bytes.saturating_add(size(page));
                room
            };
            let (chunk, later) = rest.split_at(rest.iter().take_while(within).count());
            let sealed = self.data.fetch_pages(chunk.iter().map(|page| &page.info), &pool, &threads);
            let failed = Mutex::new(Vec::new());
            threads.run(chunk.len(), &|i| {
                if let (Some(page), Some(sealed)) = (chunk.get(i), sealed.get(i))
                    && let Err(error) = self.verify_page(page, sealed.as_ref())
                {
                    failed.lock().unwrap_or_else(PoisonError::into_inner).push((i, error));
                }
            });
            let mut failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
            failed.sort_by_key(|(i, _)| *i);
            let mut failed = failed.into_iter().peekable();
            for (i, page) in chunk.iter().enumerate() {
                if let Some((_, error)) = failed.next_if(|(bad, _)| *bad == i) {
                    let (what, offset) = self.place(self.describe(page), &page.info.locator);
                    report.damage.push(damage(what, offset, error)?);
                    continue;
                }
                report.pages += 1;
                report.pages_without_checksum += u64::from(!page.info.checksum);
                report.bytes = report.bytes.saturating_add(size(page));
            }
            rest = later;
            progress(report.bytes.min(total), total);
        }
        Ok(())
    }

    /// Verifies a page; what could not be fetched together with others is read here.
    fn verify_page(&self, page: &Page<'_>, fetched: Option<&Bytes>) -> Result<()> {
        let file = &self.data.file;
        let sealed = match fetched {
            Some(sealed) => sealed.clone(),
            None => self.data.read_page(|| self.describe(page), &page.info)?,
        };
        let checked = if page.info.checksum {
            verify(&sealed, &page.info).map(|_| ())
        } else {
            unseal(&sealed, &page.info, page.column, &mut Vec::new()).map(|_| ())
        };
        checked.map_err(|e| file.format(e))
    }

    /// Completes what something is with the object that has it, and gives the offset in the file or object; 0 when its
    /// locator does not tell.
    fn place(&self, what: String, locator: &Locator) -> (String, u64) {
        let offset = file_range(locator).map_or(0, |(offset, _)| offset);
        match self.data.objects.as_ref().and_then(|objects| objects.place(offset)) {
            Some((key, offset)) => (format!("{what} in object '{key}'"), offset),
            None => (what, offset),
        }
    }

    fn describe(&self, page: &Page<'_>) -> String {
        let field = self.data.schema.path(page.column.field);
        format!("page {} of field '{field}' (column {}) in cluster {}", page.number, page.column.id.0, page.cluster)
    }
}

/// What is wrong with the content is damage; a storage that fails is an error.
fn damage(what: String, offset: u64, error: Error) -> Result<Damage> {
    let reason = match error {
        Error::Format { source, .. } => source.to_string(),
        Error::BeyondEnd { len, size, .. } => format!("{len} bytes are beyond the end of the file, which has {size}"),
        // Of a store that works: an object is not there, or ends too early.
        Error::Io { source, .. } if matches!(source.kind(), ErrorKind::NotFound | ErrorKind::UnexpectedEof) => {
            source.to_string()
        }
        other => return Err(other),
    };
    Ok(Damage { what, offset, reason })
}
