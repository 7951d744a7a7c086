//! The page list envelope, read as a stream (format-spec/envelopes.md, page list).
//!
//! A page list has one entry per page, column and cluster; for 10,000 columns and 100 clusters it is tens of
//! megabytes of which a scan of two columns needs next to nothing. [`PageListReader`] therefore pulls the envelope
//! through a small buffer, hashes all of it, and keeps only the columns that are asked for.

use std::io::BufRead;

use xxhash_rust::xxh3::Xxh3;

use super::envelope::{CHECKSUM, EnvelopeKind, HEAD};
use super::locator::{Head, Locator};
use super::{ClusterGroup, footer};
use crate::error::{Error, Result};
use crate::schema::{ColumnId, Schema};
use crate::wire::Le;

pub(super) const WHAT: &str = "page list envelope";
/// Columns without data that a page list may have in any case, however short it is.
const MAX_ABSENT: u64 = 1 << 18;
/// Cluster summaries hold the flags in the top byte of the number of entries.
pub(super) const ENTRIES_MASK: u64 = (1 << 56) - 1;
/// The flag of sharded clusters, which no version defines yet.
const SHARDED: u64 = 1 << 56;

/// The entries of one cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClusterSummary {
    /// Running number of the cluster in the data set.
    pub id: u64,
    /// First entry.
    pub first_entry: u64,
    /// Number of entries.
    pub entries: u64,
}

/// The place of one page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageInfo {
    /// First element of the page, counted within the cluster.
    pub first: u64,
    /// Number of elements.
    pub elements: u32,
    /// Whether an XXH3 checksum of 8 bytes follows the stored page.
    pub checksum: bool,
    /// Where it lies.
    pub locator: Locator,
}

/// The pages of one column in one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnPages {
    /// The column.
    pub column: ColumnId,
    /// Whether another representation of the field holds the data of this cluster.
    pub suppressed: bool,
    /// Compression settings (algorithm * 100 + level); `None` when suppressed or not listed in this cluster.
    pub compression: Option<u32>,
    /// Elements before the first page that were never written, because the column was added later. They read as zero.
    pub zeros: u64,
    /// Index, counted over all clusters, of the first element that is stored in this one; zero when suppressed or not
    /// listed.
    pub first_element: u64,
    /// All elements of the cluster, [`ColumnPages::zeros`] included.
    pub elements: u64,
    /// The pages, in order of elements.
    pub pages: Vec<PageInfo>,
}

impl ColumnPages {
    /// Index of the page that holds an element (counted within the cluster, not one of the leading zeros).
    #[must_use]
    pub fn page_of(&self, element: u64) -> usize {
        self.pages.partition_point(|page| page.first <= element).saturating_sub(1)
    }
}

/// One cluster with the pages of the columns asked for, in the order asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterPages {
    /// Its entries.
    pub summary: ClusterSummary,
    /// Its columns.
    pub columns: Vec<ColumnPages>,
}

/// Reads page list envelopes.
#[derive(Debug, Clone, Copy)]
pub struct PageListReader<'a> {
    /// The schema of the data set.
    pub schema: &'a Schema,
    /// Checksum of the header envelope, which the page list must repeat.
    pub header_checksum: u64,
    /// The cluster group that the page list belongs to.
    pub group: &'a ClusterGroup,
}

impl PageListReader<'_> {
    /// Reads the uncompressed page list from `envelope`: every cluster of the group, with the pages of `columns`
    /// (ascending). Nothing is given out unless the checksum of the whole envelope holds.
    ///
    /// # Errors
    /// [`Error::Checksum`], [`Error::Malformed`], [`Error::Truncated`]; [`Error::Storage`] when `envelope` fails.
    pub fn read(&self, envelope: impl BufRead, columns: &[ColumnId]) -> Result<Vec<ClusterPages>> {
        let mut stream = Stream::open(envelope, self.group.page_list.length)?;
        footer::check_header(&mut Le::new(&stream.array::<8>()?, HEAD as u64), self.header_checksum)?;
        let mut clusters = self.summaries(&mut stream)?;
        let (items, end) = stream.list()?;
        if items as usize != clusters.len() {
            let reason = format!("pages of {items} clusters, but {} are summarised", clusters.len());
            return Err(Error::malformed(WHAT, stream.at, reason));
        }
        let mut absent = 0;
        let limit = MAX_ABSENT + self.group.page_list.length / 4;
        for cluster in &mut clusters {
            let context = |e: Error| e.within(format!("cluster {}", cluster.summary.id));
            cluster.columns = self.columns(&mut stream, &cluster.summary, columns).map_err(context)?;
            // Columns that a cluster does not list take no room on storage, but they do in memory.
            absent += cluster.columns.iter().filter(|column| column.compression.is_none()).count() as u64;
            if absent > limit {
                return Err(Error::Limit {
                    what: "number of columns without data, over all clusters",
                    value: absent,
                    limit,
                });
            }
        }
        stream.skip_to(end)?;
        stream.finish()?;
        self.order(&mut clusters)?;
        Ok(clusters)
    }

    fn summaries<R: BufRead>(&self, stream: &mut Stream<R>) -> Result<Vec<ClusterPages>> {
        let (items, end) = stream.list()?;
        if items != self.group.clusters {
            let reason = format!("{items} clusters, but the footer announces {}", self.group.clusters);
            return Err(Error::malformed(WHAT, stream.at, reason));
        }
        let mut clusters = Vec::new();
        for i in 0..items {
            let at = stream.at;
            let item_end = stream.record(16)?;
            let first_entry = stream.u64()?;
            let word = stream.u64()?;
            stream.skip_to(item_end)?;
            if word & SHARDED != 0 {
                return Err(Error::malformed(WHAT, at, format!("cluster {i} is sharded, which is not supported")));
            }
            let summary = ClusterSummary {
                id: self.group.first_cluster + u64::from(i),
                first_entry,
                entries: word & ENTRIES_MASK,
            };
            clusters.push(ClusterPages { summary, columns: Vec::new() });
        }
        stream.skip_to(end)?;
        Ok(clusters)
    }

    /// Puts the clusters in the order of their entries, which must be those of the group, without gaps.
    fn order(&self, clusters: &mut [ClusterPages]) -> Result<()> {
        clusters.sort_by_key(|cluster| (cluster.summary.first_entry, cluster.summary.entries));
        let mut next = self.group.first_entry;
        for ClusterSummary { id, first_entry, entries } in clusters.iter().map(|cluster| cluster.summary) {
            if first_entry != next {
                let reason = format!("cluster {id} starts at entry {first_entry}, expected {next}");
                return Err(Error::inconsistent(WHAT, reason));
            }
            next = next.saturating_add(entries);
        }
        let expected = self.group.first_entry.saturating_add(self.group.entries);
        if next == expected {
            return Ok(());
        }
        Err(Error::inconsistent(WHAT, format!("clusters end at entry {next}, but the footer announces {expected}")))
    }

    /// Reads the column list of one cluster. Clusters from before a schema extension list fewer columns.
    fn columns<R: BufRead>(
        &self,
        stream: &mut Stream<R>,
        summary: &ClusterSummary,
        wanted: &[ColumnId],
    ) -> Result<Vec<ColumnPages>> {
        let (listed, end) = stream.list()?;
        let mut out = Vec::with_capacity(wanted.len());
        let mut next = 0;
        for &column in wanted {
            if column.0 >= listed {
                out.push(self.complete(summary, ColumnPages::absent(column))?);
                continue;
            }
            stream.skip_lists(column.0 - next)?;
            next = column.0 + 1;
            let pages = column_pages(stream, column).map_err(|e| e.within(format!("column {}", column.0)))?;
            out.push(self.complete(summary, pages)?);
        }
        stream.skip_to(end)?;
        Ok(out)
    }

    /// Adds the leading zeros of a column that was added while writing.
    fn complete(&self, summary: &ClusterSummary, mut pages: ColumnPages) -> Result<ColumnPages> {
        let Some(column) = self.schema.column(pages.column).filter(|column| column.deferred) else {
            return Ok(pages);
        };
        if pages.suppressed || (pages.compression.is_none() && column.suppressed_deferred) {
            pages.suppressed = true;
            return Ok(pages);
        }
        if !self.schema.is_entry_wise(column) {
            return Ok(pages);
        }
        let wrong = |reason: String| Error::inconsistent(WHAT, format!("column {}: {reason}", column.id.0));
        let expected = summary
            .entries
            .checked_mul(self.schema.repetitions(column.field))
            .ok_or_else(|| wrong("too many elements".to_owned()))?;
        pages.zeros = expected
            .checked_sub(pages.elements)
            .ok_or_else(|| wrong(format!("{} elements in a cluster, expected {expected}", pages.elements)))?;
        for page in &mut pages.pages {
            page.first += pages.zeros;
        }
        pages.elements = expected;
        Ok(pages)
    }
}

impl ColumnPages {
    fn absent(column: ColumnId) -> Self {
        Self {
            column,
            suppressed: false,
            compression: None,
            zeros: 0,
            first_element: 0,
            elements: 0,
            pages: Vec::new(),
        }
    }
}

/// Reads the page list of one column: pages, element offset, compression.
fn column_pages<R: BufRead>(stream: &mut Stream<R>, column: ColumnId) -> Result<ColumnPages> {
    let (items, end) = stream.list()?;
    let mut out = ColumnPages::absent(column);
    // A page takes at least 8 bytes here, so a lying count is noticed before it asks for memory.
    let possible = (end - stream.at) / 8;
    if u64::from(items) > possible {
        let reason = format!("{items} pages are announced where there is room for {possible}");
        return Err(Error::malformed(WHAT, stream.at, reason));
    }
    out.pages.reserve_exact((items as usize).min(1 << 16));
    for _ in 0..items {
        let count = i32::from_le_bytes(stream.array()?);
        let elements = count.unsigned_abs();
        let locator = stream.locator()?;
        out.pages.push(PageInfo { first: out.elements, elements, checksum: count < 0, locator });
        out.elements = out
            .elements
            .checked_add(elements.into())
            .filter(|&n| n <= i64::MAX as u64)
            .ok_or_else(|| Error::malformed(WHAT, stream.at, "too many elements"))?;
    }
    let offset = i64::from_le_bytes(stream.array()?);
    out.suppressed = offset < 0;
    if out.suppressed {
        if items > 0 {
            return Err(Error::malformed(WHAT, stream.at, "a suppressed column has pages"));
        }
    } else {
        out.first_element = offset.unsigned_abs();
        out.compression = Some(u32::from_le_bytes(stream.array()?));
    }
    stream.skip_to(end)?;
    Ok(out)
}

/// The uncompressed envelope as a stream that hashes what it yields.
struct Stream<R> {
    inner: R,
    hasher: Xxh3,
    /// Offset of the next byte in the envelope.
    at: u64,
    /// Offset of the trailing checksum.
    end: u64,
    /// How many bytes of the inner buffer are hashed already.
    ahead: usize,
    /// How many bytes before the checksum are not hashed yet.
    unhashed: u64,
}

impl<R: BufRead> Stream<R> {
    fn open(inner: R, available: u64) -> Result<Self> {
        let (end, unhashed) = (u64::MAX, HEAD as u64);
        let mut stream = Self { inner, hasher: Xxh3::new(), at: 0, end, ahead: 0, unhashed };
        let length = EnvelopeKind::PageList.check_head(stream.u64()?, available)?;
        stream.end = length - CHECKSUM as u64;
        stream.unhashed = stream.end - HEAD as u64;
        Ok(stream)
    }

    /// What the inner buffer holds: never empty, every byte before the checksum hashed.
    fn buffer(&mut self) -> Result<&[u8]> {
        let buffer = self.inner.fill_buf().map_err(|e| Error::Storage(Box::new(e)))?;
        if buffer.is_empty() {
            return Err(Error::Truncated { what: WHAT, at: self.at, needed: 1, available: 0 });
        }
        let fresh = buffer.get(self.ahead..).unwrap_or_default();
        let take = fresh.len().min(usize::try_from(self.unhashed).unwrap_or(usize::MAX));
        self.hasher.update(fresh.get(..take).unwrap_or_default());
        self.ahead += take;
        self.unhashed -= take as u64;
        Ok(buffer)
    }

    fn consume(&mut self, n: usize) {
        self.inner.consume(n);
        self.ahead = self.ahead.saturating_sub(n);
        self.at += n as u64;
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.need(N as u64)?;
        if let Some(bytes) = self.buffer()?.first_chunk::<N>() {
            let bytes = *bytes;
            self.consume(N);
            return Ok(bytes);
        }
        let mut out = [0; N];
        let mut filled = 0;
        while let Some(rest) = out.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let buffer = self.buffer()?;
            let n = rest.len().min(buffer.len());
            for (to, from) in rest.iter_mut().zip(buffer) {
                *to = *from;
            }
            self.consume(n);
            filled += n;
        }
        Ok(out)
    }

    fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn need(&self, n: u64) -> Result<()> {
        let available = self.end.saturating_sub(self.at);
        if n > available {
            return Err(Error::Truncated { what: WHAT, at: self.at, needed: n, available });
        }
        Ok(())
    }

    /// Skips to an offset that was found inside the envelope before.
    fn skip_to(&mut self, end: u64) -> Result<()> {
        let Some(mut left) = end.checked_sub(self.at) else {
            return Err(Error::malformed(WHAT, self.at, "content runs over the end of its frame"));
        };
        while left > 0 {
            let n = self.buffer()?.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            self.consume(n);
            left -= n as u64;
        }
        Ok(())
    }

    /// Enters a record frame of at least `least` bytes of content; gives the offset of its end.
    fn record(&mut self, least: u64) -> Result<u64> {
        let at = self.at;
        let size = i64::from_le_bytes(self.array()?);
        self.frame_end(at, size, 8 + least)
    }

    /// Enters a list frame; gives the number of items and the offset of its end.
    fn list(&mut self) -> Result<(u32, u64)> {
        let at = self.at;
        let head = self.array::<12>()?;
        let (size, items) = head.split_first_chunk::<8>().unwrap_or((&[0; 8], &[]));
        let size = i64::from_le_bytes(*size).checked_neg().unwrap_or(i64::MIN);
        let items = u32::from_le_bytes(items.first_chunk().copied().unwrap_or_default());
        Ok((items, self.frame_end(at, size, 12)?))
    }

    /// Skips list frames. This is where the time goes for data sets with many columns.
    fn skip_lists(&mut self, mut n: u32) -> Result<()> {
        while n > 0 {
            // As many as end within the buffer, one after the other.
            let (mut at, end) = (self.at, self.end);
            let buffer = self.buffer()?;
            let mut rest = buffer;
            while n > 0
                && let Some(size) = rest.first_chunk().and_then(|size| i64::from_le_bytes(*size).checked_neg())
                && let Some(size) = usize::try_from(size).ok().filter(|&size| size >= 12 && size as u64 <= end - at)
                && let Some(behind) = rest.get(size..)
            {
                (rest, at, n) = (behind, at + size as u64, n - 1);
            }
            let used = buffer.len() - rest.len();
            self.consume(used);
            // The next one reaches over the end of the buffer, or is damaged.
            if n > 0 {
                let (_, end) = self.list()?;
                self.skip_to(end)?;
                n -= 1;
            }
        }
        Ok(())
    }

    fn frame_end(&self, at: u64, size: i64, least: u64) -> Result<u64> {
        u64::try_from(size)
            .ok()
            .filter(|&size| size >= least && size <= self.end - at)
            .map(|size| at + size)
            .ok_or_else(|| Error::malformed(WHAT, at, format!("frame size {size} is not possible here")))
    }

    fn locator(&mut self) -> Result<Locator> {
        let at = self.at;
        let head = Head::parse(i32::from_le_bytes(self.array()?), at)?;
        let len = head.payload_len() as u64;
        self.need(len)?;
        let end = self.at + len;
        // No known locator has more than 16 bytes of payload.
        let locator = if len >= 16 {
            head.finish(&mut Le::new(&self.array::<16>()?, at))?
        } else if len >= 12 {
            head.finish(&mut Le::new(&self.array::<12>()?, at))?
        } else if len >= 8 {
            head.finish(&mut Le::new(&self.array::<8>()?, at))?
        } else {
            head.finish(&mut Le::new(&[], at))?
        };
        self.skip_to(end)?;
        Ok(locator)
    }

    /// Reads to the end and compares the checksum.
    fn finish(mut self) -> Result<()> {
        self.skip_to(self.end)?;
        let computed = self.hasher.digest();
        self.end += CHECKSUM as u64;
        let stored = self.u64()?;
        if stored != computed {
            return Err(Error::Checksum { what: WHAT, stored, computed });
        }
        Ok(())
    }
}
