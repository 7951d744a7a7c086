//! Sealing pages on other threads, while the caller fills the next ones.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use rntuple_core::arrow::{FullPage, Scratch, SealedPage};
use rntuple_core::{Error, Result};

use crate::threads::Threads;

/// Bytes of pages that may wait until the caller seals some, too: enough to keep other threads at work while it fills the
/// pages of all columns.
const WAITING: usize = 32 << 20;

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Seals pages in any order, and gives them in that of their columns.
#[derive(Debug)]
pub(super) struct Sealing {
    threads: Threads,
    queue: Arc<Queue>,
    /// Pages handed over for each column, since the last cluster.
    pages: Vec<usize>,
}

#[derive(Debug, Default)]
struct Queue {
    state: Mutex<State>,
    /// Told when nothing waits and nobody works.
    idle: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<(Place, FullPage)>,
    waiting_bytes: usize,
    working: usize,
    sealed: Vec<(Place, SealedPage)>,
    failed: Option<(Place, Error)>,
}

/// The column of a page, and its number there.
type Place = (usize, usize);

impl Sealing {
    pub(super) fn new(threads: Threads) -> Self {
        Self { threads, queue: Arc::default(), pages: Vec::new() }
    }

    /// Sees to it that a page is sealed. Gives the page back if it is already.
    pub(super) fn submit(&mut self, column: usize, page: FullPage) -> Result<Option<FullPage>> {
        if self.pages.len() <= column {
            self.pages.resize(column + 1, 0);
        }
        let count = self.pages.get_mut(column).map_or(0, |count| {
            *count += 1;
            *count
        });
        let place = (column, count);
        if self.threads.is_one() {
            let sealed = seal(&page)?;
            self.queue.lock().sealed.push((place, sealed));
            return Ok(Some(page));
        }
        let mut state = self.queue.lock();
        state.waiting_bytes += page.bytes();
        state.waiting.push_back((place, page));
        let full = state.waiting_bytes > WAITING;
        drop(state);
        let queue = Arc::clone(&self.queue);
        self.threads.spawn(move || {
            queue.work();
        });
        if full {
            self.queue.work();
        }
        Ok(None)
    }

    /// Waits until all pages are sealed. Gives those of each column, or the column that failed.
    pub(super) fn finish(&mut self) -> Result<Vec<Vec<SealedPage>>, (usize, Error)> {
        // Whoever waits for other threads may keep them from working, where it is one of them.
        while self.queue.work() {}
        let mut state = self.queue.lock();
        while state.working > 0 {
            state = self.queue.idle.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let mut sealed = std::mem::take(&mut state.sealed);
        if let Some(((column, _), error)) = state.failed.take() {
            return Err((column, error));
        }
        drop(state);
        sealed.sort_unstable_by_key(|(place, _)| *place);
        let counts = std::mem::take(&mut self.pages);
        let mut columns: Vec<Vec<SealedPage>> = counts.into_iter().map(Vec::with_capacity).collect();
        for ((column, _), page) in sealed {
            if let Some(pages) = columns.get_mut(column) {
                pages.push(page);
            }
        }
        Ok(columns)
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Seals a page that waits, if there is one.
    fn work(&self) -> bool {
        let mut state = self.lock();
        let Some((place, page)) = state.waiting.pop_front() else { return false };
        state.waiting_bytes = state.waiting_bytes.saturating_sub(page.bytes());
        state.working += 1;
        drop(state);
        let done = seal(&page);
        // Before the lock: giving back memory may take long.
        drop(page);
        let mut state = self.lock();
        match done {
            Ok(sealed) => state.sealed.push((place, sealed)),
            // The same error, whichever thread was faster.
            Err(error) => {
                if state.failed.as_ref().is_none_or(|(other, _)| place < *other) {
                    state.failed = Some((place, error));
                }
            }
        }
        state.working -= 1;
        if state.working == 0 {
            self.idle.notify_all();
        }
        true
    }
}

fn seal(page: &FullPage) -> Result<SealedPage> {
    SCRATCH.with_borrow_mut(|scratch| page.seal(scratch))
}
