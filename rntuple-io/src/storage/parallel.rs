//! Several blocking reads at a time, on threads.

use std::sync::{Mutex, PoisonError};

use super::{ByteSource, ReadRange};

/// Reads on up to `at_once` threads. They are not those of the decoder: if all of these waited for pages, nobody would
/// read them.
pub(super) fn read<S: ByteSource + ?Sized>(source: &S, reads: &mut [ReadRange<'_>], at_once: usize) {
    let fill = |read: &mut ReadRange<'_>| read.result = source.read_at(read.offset, read.buffer);
    let threads = at_once.min(reads.len());
    if threads < 2 {
        return reads.iter_mut().for_each(fill);
    }
    let rest = Mutex::new(reads.iter_mut());
    let next = || rest.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || {
        while let Some(read) = next() {
            fill(read);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            // Without another thread, this one does all of it.
            let spawned = std::thread::Builder::new().name("rntuple-read".to_owned()).spawn_scoped(scope, work);
            if spawned.is_err() {
                break;
            }
        }
        work();
    });
}
