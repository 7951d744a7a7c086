//! A progress bar on standard error, for a person who would otherwise wait in front of nothing.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::interrupt;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A job shorter than this shows no bar at all.
const PATIENCE: Duration = Duration::from_secs(1);

/// A bar that appears once a job has taken longer than a second, and leaves no trace.
#[derive(Debug)]
pub(crate) struct Progress {
    /// `None` when nobody is watching.
    bar: Option<ProgressBar>,
    started: Instant,
    shown: AtomicBool,
}

/// What a bar counts.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Unit {
    Bytes,
    Entries,
    Clusters,
}

impl Progress {
    /// `watched`: standard error is a terminal and the user did not ask for quiet.
    pub(crate) fn new(watched: bool, unit: Unit, what: String) -> Self {
        let bar = watched.then(|| {
            let template = match unit {
                Unit::Bytes => "{msg} {wide_bar} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta}",
                Unit::Entries => "{msg} {wide_bar} {human_pos}/{human_len} {per_sec} {eta}",
                Unit::Clusters => "{msg} {wide_bar} {human_pos}/{human_len} clusters {per_sec} {eta}",
            };
            let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()).with_style(style).with_message(what)
        });
        Self { bar, started: Instant::now(), shown: AtomicBool::new(false) }
    }

    /// Says how far the job is. May be called from several threads.
    pub(crate) fn update(&self, done: u64, total: u64) {
        let Some(bar) = &self.bar else { return };
        bar.set_length(total);
        bar.set_position(done);
        let late = !self.shown.load(Ordering::Relaxed) && self.started.elapsed() >= PATIENCE;
        if late && !self.shown.swap(true, Ordering::Relaxed) {
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }

    /// [`Progress::update`] for a callback that may end the job: it does so once the user pressed Ctrl-C.
    pub(crate) fn step(&self, done: u64, total: u64) -> ControlFlow<()> {
        self.update(done, total);
        interrupt::control()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
