//! Envelopes: the serialized schema, the clusters, and where the pages lie (format-spec/envelopes.md).
//!
//! An *envelope* is a checksummed block of *frames*; a frame knows its size, so that readers skip what later versions
//! append. The [`Header`] holds the schema, the [`Footer`] its extension and the cluster groups, and each cluster
//! group has a page list envelope with the place of every page of its clusters. Page lists grow with columns times
//! clusters; [`PageListReader`] walks one as a stream and keeps only the columns that are asked for.
//!
//! Writing goes the other way round: pages come first, then for each group of clusters [`serialize_page_list`], then
//! [`Footer::serialize`]. [`Header::serialize`] gives the checksum that all of them repeat, so that the header must be
//! settled before; what is added to the schema later goes into the footer.
//!
//! Everything in envelopes is little-endian.

mod description;
mod envelope;
mod footer;
mod frame;
mod header;
mod listing;
mod locator;
mod page_list;

pub use envelope::{EnvelopeKind, EnvelopeLink, SerializedEnvelope};
pub use footer::{AttributeSet, ClusterGroup, Footer};
pub use header::{Header, HeaderNames};
pub use listing::{ClusterListing, serialize_page_list};
pub use locator::Locator;
pub use page_list::{ClusterPages, ClusterSummary, ColumnPages, PageInfo, PageListReader};

use crate::error::{Error, Result};
use crate::wire::Le;

/// Feature flags: 64-bit words, each announcing the next by its top bit. No feature is defined that this version
/// reads, so any set bit is an error.
fn read_feature_flags(cursor: &mut Le<'_>) -> Result<()> {
    const MORE: u64 = 1 << 63;
    let mut base = 0_u32;
    loop {
        let word = cursor.u64("feature flags")?;
        if word & !MORE != 0 {
            return Err(Error::FeatureFlag { bit: base.saturating_add((word & !MORE).trailing_zeros()) });
        }
        if word & MORE == 0 {
            return Ok(());
        }
        base = base.saturating_add(64);
    }
}
