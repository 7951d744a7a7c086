//! Whether anything else was running while somebody was measured.

use std::fs;
use std::time::Instant;

/// Processor time that the whole machine and this program with its children have taken, in ticks of 10 ms.
pub(super) struct Load {
    machine: u64,
    own: u64,
    at: Instant,
}

impl Load {
    /// What it is now; nothing where the system does not tell.
    pub(super) fn now() -> Option<Self> {
        let stat = fs::read_to_string("/proc/stat").ok()?;
        let machine: Vec<u64> = stat.lines().next()?.split_whitespace().skip(1).flat_map(str::parse).collect();
        // Without idle, waiting, and what guests took, which is in user time already.
        let machine = [0, 1, 2, 5, 6, 7].iter().filter_map(|&i| machine.get::<usize>(i)).sum();
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        // Behind the name, which may have blanks: user and system time, of itself and of its children.
        let own = stat.rsplit_once(')')?.1.split_whitespace().skip(11).take(4).flat_map(str::parse::<u64>).sum();
        Some(Self { machine, own, at: Instant::now() })
    }

    /// How many processors others have kept busy since then.
    pub(super) fn others_since(&self, before: &Self) -> f64 {
        let others = (self.machine - before.machine).saturating_sub(self.own - before.own);
        others as f64 * 0.01 / (self.at - before.at).as_secs_f64()
    }
}
