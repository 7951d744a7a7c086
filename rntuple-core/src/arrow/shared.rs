//! Offsets that several fields of a batch have in common.

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arrow::array::OffsetSizeTrait;
use arrow::buffer::OffsetBuffer;

use super::decode::Segment;
use crate::schema::ColumnId;

/// Arrow offsets, and the segments of the items.
pub(super) type Offsets<O> = (OffsetBuffer<O>, Arc<[Segment]>);

/// Where offsets come from: for each segment, the column that is read.
pub(super) type Source = Vec<(Option<ColumnId>, Segment)>;

/// Offsets of a batch by what they were decoded from. All are of one type, as a scan says whether they are large; should
/// they differ, they are just not found.
#[derive(Debug, Default)]
pub(super) struct Shared(Mutex<HashMap<Source, Arc<dyn Any + Send + Sync>>>);

impl Shared {
    /// The offsets from this source, decoded by `decode` the first time; `None` if that failed.
    pub(super) fn offsets<O: OffsetSizeTrait>(
        &self,
        source: Source,
        decode: impl FnOnce() -> Option<Offsets<O>>,
    ) -> Option<Offsets<O>> {
        let slot = {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(known.entry(source).or_insert_with(|| Arc::new(OnceLock::<Option<Offsets<O>>>::new())))
        };
        slot.downcast_ref::<OnceLock<Option<Offsets<O>>>>()?.get_or_init(decode).clone()
    }
}
