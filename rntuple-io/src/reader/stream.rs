//! Record batches for asynchronous callers.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::task::{Context, Poll};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures_channel::mpsc::{UnboundedReceiver, unbounded};
use futures_core::Stream;

use super::batches::Batches;
use crate::error::{Error, Result};

/// Batches that are decoded before they are asked for.
const AHEAD: usize = 1;

/// The record batches of a scan, in order of entries, for callers that must not block. Ends after the first error.
///
/// A thread of its own reads and decodes, one batch ahead of the caller, so this works on any runtime and none. Dropping
/// it ends the scan.
#[derive(Debug)]
pub struct BatchStream {
    schema: SchemaRef,
    wanted: Sender<()>,
    batches: UnboundedReceiver<Result<RecordBatch>>,
}

impl BatchStream {
    pub(super) fn start(batches: Batches, file: &Arc<str>) -> Result<Self> {
        let (wanted, orders) = channel();
        let (done, received) = unbounded();
        let schema = batches.schema();
        let work = move || {
            let mut batches = batches;
            while orders.recv().is_ok() {
                let Some(batch) = batches.next() else { break };
                if done.unbounded_send(batch).is_err() {
                    break;
                }
            }
        };
        let spawned = std::thread::Builder::new().name("rntuple-scan".to_owned()).spawn(work);
        spawned.map_err(|e| Error::io(file, "starting a thread", e))?;
        let stream = Self { schema, wanted, batches: received };
        (0..=AHEAD).for_each(|_| stream.order());
        Ok(stream)
    }

    /// Asks for one more batch. At the end of the scan, nobody is there to take the order.
    fn order(&self) {
        let _ = self.wanted.send(());
    }

    /// Arrow schema of the batches.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// The next batch; `None` at the end.
    pub async fn next(&mut self) -> Option<Result<RecordBatch>> {
        std::future::poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }
}

impl Stream for BatchStream {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = Pin::new(&mut self.batches).poll_next(context);
        if let Poll::Ready(Some(_)) = next {
            self.order();
        }
        next
    }
}
