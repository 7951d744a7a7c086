//! Sizes of pages and clusters, counted by powers of two.

use std::fmt::Write as _;

use rntuple_core::metadata::{ClusterPages, Locator};
use std::collections::HashSet;

use crate::output::text::{bytes, count, to_f64};

/// How many there are of each size.
#[derive(Debug, Clone, Default)]
pub(super) struct Sizes {
    /// By the number of bits of the size.
    bins: Vec<u64>,
    pub(super) count: u64,
    pub(super) sum: u64,
}

impl Sizes {
    pub(super) fn add(&mut self, size: u64) {
        let bin = usize::try_from(u64::BITS - size.leading_zeros()).unwrap_or(0);
        if self.bins.len() <= bin {
            self.bins.resize(bin + 1, 0);
        }
        if let Some(count) = self.bins.get_mut(bin) {
            *count += 1;
        }
        self.count += 1;
        self.sum = self.sum.saturating_add(size);
    }

    /// A drawing, with labels for powers of two written by `label`.
    pub(super) fn svg(&self, title: &str, label: impl Fn(u64) -> String) -> String {
        const HIGH: usize = 120;
        const WIDE: usize = 34;
        const STEP: usize = 40;
        let first = self.bins.iter().position(|count| *count > 0).unwrap_or(0);
        let shown: Vec<(usize, u64)> = self.bins.iter().copied().enumerate().skip(first).collect();
        let most = shown.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1);
        let width = STEP * shown.len().max(1) + 8;
        let mut svg = format!(
            "<svg class=\"bars\" viewBox=\"0 0 {width} {}\" width=\"{width}\" role=\"img\" aria-label=\"{title}\">",
            HIGH + 46
        );
        for (at, (bin, n)) in shown.iter().enumerate() {
            let high = (to_f64(*n) / to_f64(most) * 120.0).max(if *n > 0 { 1.5 } else { 0.0 });
            let (x, y) = (4 + STEP * at, 18.0 + 120.0 - high);
            let low = if *bin == 0 { 0 } else { 1_u64 << (bin - 1) };
            let from = label(low);
            let _ = write!(svg, "<g><title>from {from}: {}</title>", count(*n));
            let _ = write!(svg, "<rect x=\"{x}\" y=\"{y:.1}\" width=\"{WIDE}\" height=\"{high:.1}\" rx=\"2\"/>");
            let middle = x + WIDE / 2;
            if *n > 0 {
                let _ = write!(svg, "<text x=\"{middle}\" y=\"{:.1}\">{}</text>", y - 4.0, short(*n));
            }
            // Every other one has room for its label.
            if at % 2 == 0 {
                let _ = write!(svg, "<text class=\"tick\" x=\"{x}\" y=\"{}\">{from}</text>", HIGH + 36);
            }
            svg += "</g>";
        }
        let base = 18 + HIGH;
        let _ = write!(svg, "<line x1=\"0\" x2=\"{width}\" y1=\"{base}\" y2=\"{base}\"/></svg>");
        svg
    }
}

/// A count in few letters.
fn short(n: u64) -> String {
    match n {
        0..10_000 => n.to_string(),
        10_000..10_000_000 => format!("{}k", n / 1000),
        _ => format!("{}M", n / 1_000_000),
    }
}

/// What a report says of pages and clusters.
#[derive(Debug, Clone, Default)]
pub(super) struct Layout {
    pub(super) pages: Sizes,
    pub(super) clusters: Sizes,
    pub(super) cluster_entries: Sizes,
    seen: HashSet<Locator>,
}

impl Layout {
    /// Takes in a cluster. A page that is stored once for several places counts once.
    pub(super) fn add(&mut self, cluster: &ClusterPages) {
        let mut stored = 0_u64;
        for page in cluster.columns.iter().flat_map(|column| &column.pages) {
            if self.seen.insert(page.locator) {
                let size = page.locator.size().unwrap_or(0);
                self.pages.add(size);
                stored = stored.saturating_add(size);
            }
        }
        self.clusters.add(stored);
        self.cluster_entries.add(cluster.summary.entries);
    }
}

/// Sizes as powers of two, without decimals.
pub(super) fn power_of_bytes(size: u64) -> String {
    bytes(size).replace(".0 ", " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_counted_by_their_bits() {
        let mut sizes = Sizes::default();
        [0, 1, 2, 3, 4, 1023, 1024, u64::MAX].into_iter().for_each(|size| sizes.add(size));
        assert_eq!(sizes.bins.iter().sum::<u64>(), 8);
        assert_eq!((sizes.bins[0], sizes.bins[2], sizes.bins[10], sizes.bins[11], sizes.bins[64]), (1, 2, 1, 1, 1));
        let svg = sizes.svg("pages", power_of_bytes);
        assert!(svg.contains("from 1 KiB: 1<") && svg.contains("from 2 B: 2<"), "{svg}");
        assert!(!Sizes::default().svg("none", power_of_bytes).contains("<rect"));
    }
}
