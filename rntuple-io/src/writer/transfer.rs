//! Pages of a cluster that go from one data set to another: as they are stored, or sealed anew.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::AddAssign;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use rntuple_core::arrow::recode;
use rntuple_core::compression::CompressionSettings;
use rntuple_core::memory::Pool;
use rntuple_core::metadata::{ClusterPages, Locator, PageInfo};
use rntuple_core::page::{seal, sealed_len, unseal, verify};
use rntuple_core::schema::{Column, ColumnEncoding, ColumnId, ColumnType};
use rntuple_core::{Context, Error as FormatError, Result as FormatResult};

use super::embedding::Embedding;
use crate::error::Result;
use crate::reader::DataSet;
use crate::storage::keyed::ObjectLayout;
use crate::threads::Threads;

/// Bytes of pages that are held at once, unless objects are larger.
const MIN_CHUNK: u64 = 16 << 20;
const MAX_CHUNK: u64 = 256 << 20;
/// Bytes of memory that are kept for the next pages.
const MAX_POOL: usize = 64 << 20;

/// Stands for a place that is not known yet.
pub(super) const NOWHERE: Locator = Locator::Unknown { kind: 0 };

/// What becomes of the pages of a column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Treatment<'a> {
    /// How they are sealed anew, unless they are kept as they are.
    pub(super) reseal: Option<Reseal<'a>>,
    /// How many pages in front have only zeros, and lie nowhere yet.
    pub(super) zeros: usize,
    /// Bits of an element in the new data set, and compression settings for pages of zeros.
    pub(super) bits: u16,
    pub(super) compression: u32,
}

/// How pages are sealed anew.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reseal<'a> {
    /// The column that they come from.
    pub(super) from: &'a Column,
    /// The encoding that they get.
    pub(super) to: ColumnEncoding,
    /// Their new compression.
    pub(super) compression: CompressionSettings,
    /// What is added to unsigned integers of 64 bits.
    pub(super) shift: u64,
}

impl Reseal<'_> {
    fn encodes(&self) -> bool {
        self.shift > 0 || ColumnEncoding::of_column(self.from) != self.to
    }
}

/// What is encoded anew in the same way gives the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Recoded {
    from: (ColumnType, u16),
    range: Option<(u64, u64)>,
    to: (ColumnType, u16),
    shift: u64,
}

impl Recoded {
    fn of(reseal: &Reseal<'_>) -> Option<Self> {
        let Reseal { from, to, shift, .. } = reseal;
        let range = from.range.map(|(min, max)| (min.to_bits(), max.to_bits()));
        let recoded = Self { from: (from.kind, from.bits), range, to: (to.kind, to.bits), shift: *shift };
        reseal.encodes().then_some(recoded)
    }
}

/// What was moved.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Moved {
    /// Bytes of pages that were read.
    pub(super) bytes: u64,
    /// Pages that were taken over as they were stored.
    pub(super) kept: u64,
    /// Pages that were compressed anew, but not encoded.
    pub(super) compressed: u64,
    /// Pages that were encoded anew.
    pub(super) encoded: u64,
}

impl AddAssign for Moved {
    fn add_assign(&mut self, other: Self) {
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.kept += other.kept;
        self.compressed += other.compressed;
        self.encoded += other.encoded;
    }
}

/// Moves the pages of a cluster.
pub(super) struct Transfer<'a> {
    pub(super) data: &'a DataSet,
    /// Number of the cluster in the new data set.
    pub(super) id: u64,
    pub(super) max_key_size: u64,
    pub(super) object_size: u64,
    /// Whether checksums are verified of pages that are kept.
    pub(super) verify: bool,
    pub(super) threads: &'a Threads,
    /// Memory for pages.
    pub(super) pool: &'a Arc<Pool>,
}

/// Memory for the pages of a transfer.
pub(super) fn pool() -> Arc<Pool> {
    Pool::new(MAX_POOL)
}

/// A page that several places share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Source {
    /// As it lies in the old data set; in the key-value layout, only places of one column can share it.
    Kept(Option<ColumnId>, Locator, bool),
    /// Sealed anew: bytes and compression settings, and how it is encoded if that changes.
    Resealed(Option<ColumnId>, Locator, bool, u64, u32, Option<Recoded>),
    /// Zeros: bytes and compression settings.
    Zeros(Option<ColumnId>, u64, u32, bool),
}

/// A page that is to be moved.
struct Job<'a> {
    source: Source,
    column: ColumnId,
    page: PageInfo,
    treatment: Treatment<'a>,
}

/// What a page is in the new data set.
fn source(column: ColumnId, per_column: bool, number: usize, page: &PageInfo, treatment: &Treatment<'_>) -> Source {
    let owner = per_column.then_some(column);
    match treatment.reseal {
        _ if number < treatment.zeros => {
            let bytes = (u64::from(page.elements) * u64::from(treatment.bits)).div_ceil(8);
            Source::Zeros(owner, bytes, treatment.compression, page.checksum)
        }
        Some(reseal) => {
            let bytes = reseal.from.page_len(page.elements);
            let settings = reseal.compression.get();
            Source::Resealed(owner, page.locator, page.checksum, bytes, settings, Recoded::of(&reseal))
        }
        None => Source::Kept(owner, page.locator, page.checksum),
    }
}

impl Job<'_> {
    /// Bytes of memory that it takes.
    fn weight(&self) -> u64 {
        let stored = sealed_len(&self.page).unwrap_or(0);
        let elements = u64::from(self.page.elements);
        match (self.source, self.treatment.reseal) {
            (Source::Zeros(_, bytes, ..), _) => bytes,
            (_, Some(reseal)) => {
                let bits = u64::from(self.treatment.bits.max(reseal.from.bits));
                stored.saturating_add(elements * bits / 8)
            }
            _ => stored,
        }
    }

    fn is_stored(&self) -> bool {
        !matches!(self.source, Source::Zeros(..))
    }
}

impl Transfer<'_> {
    /// Gives the cluster with the places that its pages have now. `cluster` has the columns of the new data set, with the
    /// pages where they are in the old one; `treatments` are those of its columns.
    pub(super) fn pages(
        &self,
        embedding: &mut Embedding,
        mut cluster: ClusterPages,
        treatments: &[Treatment<'_>],
    ) -> Result<(ClusterPages, Moved)> {
        cluster.summary.id = self.id;
        let per_column =
            matches!(&*embedding, Embedding::Objects(objects) if objects.layout() == ObjectLayout::KeyValue);
        let mut places: HashMap<Source, Locator> = HashMap::new();
        let limit = self.object_size.clamp(MIN_CHUNK, MAX_CHUNK);
        let (mut chunk, mut chunk_len, mut moved) = (Vec::new(), 0, Moved::default());
        for (column, treatment) in cluster.columns.iter().zip(treatments) {
            for (n, page) in column.pages.iter().enumerate() {
                let source = source(column.column, per_column, n, page, treatment);
                // The place is filled in when it is known; that of a page from an earlier chunk is.
                match places.entry(source) {
                    Entry::Occupied(_) => continue,
                    Entry::Vacant(place) => _ = place.insert(NOWHERE),
                }
                let job = Job { source, column: column.column, page: *page, treatment: *treatment };
                let weight = job.weight().min(limit);
                if chunk_len + weight > limit {
                    moved += self.chunk(embedding, &std::mem::take(&mut chunk), &mut places)?;
                    chunk_len = 0;
                }
                chunk.push(job);
                chunk_len += weight;
            }
        }
        moved += self.chunk(embedding, &chunk, &mut places)?;
        for (column, treatment) in cluster.columns.iter_mut().zip(treatments) {
            for (n, page) in column.pages.iter_mut().enumerate() {
                if let Some(locator) = places.get(&source(column.column, per_column, n, page, treatment)) {
                    page.locator = *locator;
                }
            }
        }
        Ok((cluster, moved))
    }

    /// Moves some pages, and notes where they are.
    fn chunk(
        &self,
        embedding: &mut Embedding,
        jobs: &[Job<'_>],
        places: &mut HashMap<Source, Locator>,
    ) -> Result<Moved> {
        let mut moved = Moved::default();
        if jobs.is_empty() {
            return Ok(moved);
        }
        let stored: Vec<PageInfo> = jobs.iter().filter(|job| job.is_stored()).map(|job| job.page).collect();
        let mut stored = self.data.sealed_pages(&stored, self.pool, self.threads)?.into_iter();
        let sealed: Vec<Bytes> = jobs
            .iter()
            .map(|job| if job.is_stored() { stored.next().unwrap_or_default() } else { Bytes::new() })
            .collect();
        let ready: Vec<OnceLock<FormatResult<Bytes>>> = jobs.iter().map(|_| OnceLock::new()).collect();
        self.threads.run(jobs.len(), &|i| {
            if let (Some(job), Some(sealed), Some(ready)) = (jobs.get(i), sealed.get(i), ready.get(i)) {
                _ = ready.set(self.treated(job, sealed));
            }
        });
        let mut pages = Vec::with_capacity(jobs.len());
        for (job, ready) in jobs.iter().zip(ready) {
            let page = ready.into_inner().unwrap_or_else(|| Ok(Bytes::new()));
            pages.push(page.map_err(|e| self.data.file.format(e))?);
            if !job.is_stored() {
                continue;
            }
            moved.bytes = moved.bytes.saturating_add(sealed_len(&job.page).unwrap_or(0));
            match &job.treatment.reseal {
                None => moved.kept += 1,
                Some(reseal) if reseal.encodes() => moved.encoded += 1,
                Some(_) => moved.compressed += 1,
            }
        }
        let mut placer = embedding.placer(self.id, self.max_key_size, false)?;
        let mut open = None;
        for (job, page) in jobs.iter().zip(&pages) {
            if open.replace(job.column) != Some(job.column) {
                placer.column(job.column)?;
            }
            places.insert(job.source, placer.place(job.page.checksum, page)?);
        }
        placer.flush()?;
        Ok(moved)
    }

    /// A page as it is to be stored.
    fn treated(&self, job: &Job<'_>, sealed: &Bytes) -> FormatResult<Bytes> {
        let Job { column, page, treatment, .. } = job;
        let what = || format!("page of column {} in cluster {}", column.0, self.id);
        let mut out = Vec::new();
        match (job.source, &treatment.reseal) {
            (Source::Zeros(_, bytes, ..), _) => {
                let zeros = vec![0; usize::try_from(bytes).unwrap_or(usize::MAX)];
                seal(&zeros, CompressionSettings::new(treatment.compression), page.checksum, &mut out)?;
            }
            (_, None) => {
                if self.verify {
                    verify(sealed, page).context(what)?;
                }
                return Ok(sealed.clone());
            }
            (_, Some(reseal)) => {
                let column = format!("column {} ({})", reseal.from.id.0, self.data.schema.path(reseal.from.field));
                let what = || format!("page of {column}");
                let (mut buffer, mut encoded) = (Vec::new(), Vec::new());
                let mut unsealed = unseal(sealed, page, reseal.from, &mut buffer).context(what)?;
                if reseal.encodes() {
                    let from = ColumnEncoding::of_column(reseal.from);
                    recode(unsealed, page.elements, &from, &reseal.to, reseal.shift, &mut encoded).context(what)?;
                    unsealed = &encoded;
                }
                seal(unsealed, reseal.compression, page.checksum, &mut out).context(what)?;
            }
        }
        Ok(out.into())
    }

    /// Refuses pages that are larger, all together, than the file that they come from.
    pub(super) fn check_total(&self, bytes: u64) -> Result<()> {
        if self.data.objects.is_some() || bytes <= self.data.file.size() {
            return Ok(());
        }
        let reason = "its pages overlap each other: together they are larger than the file".to_owned();
        Err(self.data.file.format(FormatError::Inconsistent { what: "page list", reason }))
    }
}
