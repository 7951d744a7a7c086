//! Waiting without blocking.

use std::future::Future;
use std::io;
use std::sync::Arc;

use futures_channel::oneshot;

use crate::error::{Error, Result};

/// Runs something that waits for storage on a thread of its own, for asynchronous callers on any runtime:
///
/// ```no_run
/// # async fn example() -> rntuple_io::Result<()> {
/// use rntuple_io::{Reader, unblock};
///
/// let events = unblock(|| Reader::open("s3://bucket/events.root")?.only()).await?;
/// let mut entries = events.scan().random_access()?;
/// let batch = unblock(move || entries.read(0..10)).await?;
/// # Ok(())
/// # }
/// ```
///
/// It begins at once, and goes on to its end if the future is dropped. Scans have a stream of their own:
/// [`Scan::stream`](crate::Scan::stream).
///
/// # Errors
/// Those of `work`, and [`Error::Io`] when no thread can be made.
pub fn unblock<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> impl Future<Output = Result<T>> + Send {
    let (done, result) = oneshot::channel();
    let work = move || {
        // Nobody takes it if the future was dropped.
        let _ = done.send(work());
    };
    let spawned = std::thread::Builder::new().name("rntuple-wait".to_owned()).spawn(work);
    async move {
        let failed = |source: io::Error| Error::io(&Arc::from("background"), "a thread", source);
        spawned.map_err(failed)?;
        result.await.unwrap_or_else(|_| Err(failed(io::Error::other("ended without a result"))))
    }
}
