//! Writing page lists (format-spec/envelopes.md, page list).

use super::envelope::{EnvelopeKind, SerializedEnvelope};
use super::frame;
use super::page_list::{ClusterPages, ClusterSummary, ColumnPages, ENTRIES_MASK, PageInfo, WHAT};
use crate::error::{Error, Result};
use crate::wire::LeWriter;

/// A cluster as page lists hold it: a writer keeps this, which is some 20 bytes per page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterListing {
    summary: ClusterSummary,
    /// The list frame of its columns.
    columns: Box<[u8]>,
}

impl ClusterListing {
    /// Lists the columns of the schema from the first on, in order. Columns at the end that are neither suppressed nor
    /// have compression settings (as a cluster has them that was read and is older than those columns) are left out.
    ///
    /// # Errors
    /// [`Error::Inconsistent`] when columns are not numbered without gaps, when pages do not follow each other or do not
    /// make up the elements of their column, or for a locator of unknown type; [`Error::Limit`] for what is too large for
    /// the format, such as a page of 2^31 elements.
    pub fn new(cluster: &ClusterPages) -> Result<Self> {
        let context = |e: Error| e.within(format!("cluster {}", cluster.summary.id));
        let entries = cluster.summary.entries;
        if entries > ENTRIES_MASK {
            return Err(context(Error::Limit { what: "entries of a cluster", value: entries, limit: ENTRIES_MASK }));
        }
        let mut out = LeWriter::new();
        let columns = listed(&cluster.columns).map_err(context)?;
        frame::put_list(&mut out, "list of columns", columns, put_column).map_err(context)?;
        Ok(Self { summary: cluster.summary, columns: out.into_bytes().into() })
    }

    /// The entries of the cluster.
    #[must_use]
    pub fn summary(&self) -> ClusterSummary {
        self.summary
    }
}

/// Writes a page list envelope: the clusters of one group, in the order of their numbers.
///
/// # Errors
/// [`Error::Inconsistent`] when clusters are not numbered without gaps; [`Error::Limit`] for more than the format can
/// count.
pub fn serialize_page_list(header_checksum: u64, clusters: &[ClusterListing]) -> Result<SerializedEnvelope> {
    for (cluster, next) in clusters.iter().zip(clusters.iter().skip(1)) {
        if Some(next.summary.id) != cluster.summary.id.checked_add(1) {
            let reason = format!("cluster {} is followed by cluster {}", cluster.summary.id, next.summary.id);
            return Err(Error::inconsistent(WHAT, reason));
        }
    }
    EnvelopeKind::PageList.seal(|out| {
        out.u64(header_checksum);
        frame::put_records(out, "list of cluster summaries", clusters, |out, cluster| {
            out.u64(cluster.summary.first_entry);
            out.u64(cluster.summary.entries);
            Ok(())
        })?;
        frame::put_list(out, "list of clusters", clusters, |out, cluster| {
            out.put(&cluster.columns);
            Ok(())
        })
    })
}

/// The columns that a cluster lists: all before the first that it knows nothing of.
fn listed(columns: &[ColumnPages]) -> Result<&[ColumnPages]> {
    let known = |column: &ColumnPages| column.suppressed || column.compression.is_some();
    let (listed, absent) = columns.split_at(columns.iter().position(|column| !known(column)).unwrap_or(columns.len()));
    // Columns that are suppressed in all clusters from before they were added need not be listed there.
    if let Some(column) = absent.iter().find(|column| column.compression.is_some()) {
        let reason = format!("column {} is listed behind one that is not", column.column.0);
        return Err(Error::inconsistent(WHAT, reason));
    }
    match listed.iter().zip(0..).find(|(column, expected)| column.column.0 != *expected) {
        Some((column, expected)) => {
            let reason = format!("column {} stands where column {expected} is expected", column.column.0);
            Err(Error::inconsistent(WHAT, reason))
        }
        None => Ok(listed),
    }
}

fn put_column(out: &mut LeWriter, column: &ColumnPages) -> Result<()> {
    let context = |e: Error| e.within(format!("column {}", column.column.0));
    put_column_pages(out, column).map_err(context)
}

fn put_column_pages(out: &mut LeWriter, column: &ColumnPages) -> Result<()> {
    let mut next = column.zeros;
    for page in &column.pages {
        if page.first != next {
            let reason = format!("a page starts at element {}, expected {next}", page.first);
            return Err(Error::inconsistent(WHAT, reason));
        }
        next = next.saturating_add(page.elements.into());
    }
    if !column.suppressed && next != column.elements {
        let reason = format!("the pages end at element {next}, expected {}", column.elements);
        return Err(Error::inconsistent(WHAT, reason));
    }
    if column.suppressed && !column.pages.is_empty() {
        return Err(Error::inconsistent(WHAT, "a suppressed column has pages"));
    }
    let behind = |out: &mut LeWriter| {
        match column.compression {
            Some(compression) if !column.suppressed => {
                let (value, limit) = (column.first_element, i64::MAX as u64);
                let too_large = |_| Error::Limit { what: "element offset", value, limit };
                out.i64(i64::try_from(value).map_err(too_large)?);
                out.u32(compression);
            }
            // Suppressed: no offset is that of an element, and no settings follow.
            _ => out.i64(i64::MIN),
        }
        Ok(())
    };
    frame::put_list_behind(out, "list of pages", &column.pages, put_page, behind)
}

fn put_page(out: &mut LeWriter, page: &PageInfo) -> Result<()> {
    let too_large =
        |_| Error::Limit { what: "elements of a page", value: page.elements.into(), limit: i32::MAX as u64 };
    let elements = i32::try_from(page.elements).map_err(too_large)?;
    // The sign tells of the checksum, and zero has none.
    if elements == 0 && page.checksum {
        return Err(Error::inconsistent(WHAT, "a page with a checksum has no elements"));
    }
    out.i32(if page.checksum { -elements } else { elements });
    page.locator.write(out)
}
