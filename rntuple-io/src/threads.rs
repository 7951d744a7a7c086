//! How many threads the work is spread over.

use std::sync::Arc;

use rayon::prelude::*;

/// Where tasks run.
#[derive(Debug, Clone)]
pub(crate) enum Threads {
    /// On the caller's thread, in order; nothing is spawned.
    One,
    /// On rayon's global pool.
    Shared,
    /// On a pool of its own.
    Own(Arc<rayon::ThreadPool>),
}

impl Threads {
    /// `None`: as many as rayon's global pool has.
    pub(crate) fn new(count: Option<usize>) -> Result<Self, rayon::ThreadPoolBuildError> {
        Ok(match count {
            Some(0 | 1) => Self::One,
            None if rayon::current_num_threads() == 1 => Self::One,
            None => Self::Shared,
            Some(n) => Self::Own(Arc::new(rayon::ThreadPoolBuilder::new().num_threads(n).build()?)),
        })
    }

    pub(crate) fn is_one(&self) -> bool {
        matches!(self, Self::One)
    }

    /// Starts something that nobody waits for; with one thread, it is done at once.
    pub(crate) fn spawn(&self, task: impl FnOnce() + Send + 'static) {
        match self {
            Self::One => task(),
            Self::Shared => rayon::spawn_fifo(task),
            Self::Own(pool) => pool.spawn_fifo(task),
        }
    }

    /// Runs `task` for each of `0..n`.
    pub(crate) fn run(&self, n: usize, task: &(dyn Fn(usize) + Sync)) {
        let parallel = || (0..n).into_par_iter().for_each(task);
        match self {
            _ if n < 2 => (0..n).for_each(task),
            Self::One => (0..n).for_each(task),
            Self::Shared => parallel(),
            Self::Own(pool) => pool.install(parallel),
        }
    }
}
