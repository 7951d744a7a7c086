//! Where requests run.

use std::future::Future;
use std::io;
use std::sync::OnceLock;
use std::sync::mpsc::sync_channel;

use tokio::runtime::{Builder, Runtime};
use tokio::task::AbortHandle;

/// Threads that look after requests; they wait for sockets, and decrypt.
const THREADS: usize = 2;

static RUNTIME: OnceLock<Runtime> = OnceLock::new();

/// The runtime, made when it is first asked for.
fn runtime() -> io::Result<&'static Runtime> {
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let made = Builder::new_multi_thread().worker_threads(THREADS).thread_name("rntuple-io").enable_all().build()?;
    Ok(RUNTIME.get_or_init(|| made))
}

/// Starts a task; what is returned can end it before its time.
pub(super) fn spawn(task: impl Future<Output = ()> + Send + 'static) -> io::Result<AbortHandle> {
    Ok(runtime()?.spawn(task).abort_handle())
}

/// Runs a task and waits for its end. May be called from any thread but those of requests.
pub(super) fn wait<T: Send + 'static>(task: impl Future<Output = io::Result<T>> + Send + 'static) -> io::Result<T> {
    let (done, result) = sync_channel(1);
    spawn(async move {
        // Nobody is waiting any more only if its thread is gone.
        let _ = done.send(task.await);
    })?;
    result.recv().map_err(|_| io::Error::other("the request was given up"))?
}
