//! Histograms as text.

use std::fmt::Write as _;

use crate::output::text::width;

/// Lines of a drawing.
const HEIGHT: usize = 12;
/// Eighths of a line, from none to all.
const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Counts in bins of equal width on a logarithmic scale.
#[derive(Debug)]
pub(super) struct Histogram {
    min: f64,
    max: f64,
    counts: Vec<u32>,
}

impl Histogram {
    pub(super) fn new(min: f64, max: f64, bins: usize) -> Self {
        Self { min, max, counts: vec![0; bins] }
    }

    pub(super) fn fill(&mut self, value: f64) {
        if let Some(count) = self.bin(value).and_then(|bin| self.counts.get_mut(bin)) {
            *count += 1;
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a value within the limits, and few bins"
    )]
    fn bin(&self, value: f64) -> Option<usize> {
        let part = (value / self.min).ln() / (self.max / self.min).ln();
        (0.0..1.0).contains(&part).then_some((part * self.counts.len() as f64) as usize)
    }

    /// A drawing with logarithmic counts, numbers at both axes, and these names above the values they stand for.
    pub(super) fn draw(&self, names: &[(&str, f64)]) -> String {
        let most = f64::from(self.counts.iter().copied().max().unwrap_or(0).max(1));
        // The scale goes up from one half, so that a single count can be seen.
        let decades = (most * 2.0).log10();
        let mut out = String::new();
        let place = |texts: &mut dyn Iterator<Item = (String, f64)>| {
            let mut line = String::new();
            for (text, value) in texts {
                let Some(bin) = self.bin(value) else { continue };
                let start = bin.saturating_sub(width(&text) / 2);
                let used = width(&line);
                // Names that would touch the one before are left out.
                if start >= used + usize::from(used > 0) {
                    line.extend(std::iter::repeat_n(' ', start - used));
                    line += &text;
                }
            }
            line
        };
        let _ = writeln!(out, "{:8}{}", "", place(&mut names.iter().map(|(name, at)| ((*name).to_owned(), *at))));
        let mut labels = self.labels(decades);
        for line in (0..HEIGHT).rev() {
            let label = labels.iter().position(|(at, _)| *at == line).map(|i| labels.swap_remove(i).1);
            let tick = if label.is_some() { '┤' } else { '│' };
            let bars: String = self.counts.iter().map(|count| block(*count, decades, line)).collect();
            let _ = writeln!(out, "{:>6} {tick}{}", label.unwrap_or_default(), bars.trim_end());
        }
        let _ = writeln!(out, "{:7}└{}", "", "─".repeat(self.counts.len()));
        let numbers = [2, 3, 5, 10, 20, 30, 50, 100, 200].map(|n| (n.to_string(), f64::from(n)));
        let _ = writeln!(out, "{:8}{}", "", place(&mut numbers.into_iter()));
        out
    }

    /// The powers of ten, and the lines that they belong to.
    fn labels(&self, decades: f64) -> Vec<(usize, String)> {
        let line = |power: i32| eighths(10_f64.powi(power), decades) / 8;
        (0..9)
            .take_while(|power| f64::from(*power) < decades)
            .map(|n| (line(n), 10_u64.pow(n.unsigned_abs()).to_string()))
            .collect()
    }
}

/// Height of a bar in eighths of a line.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "between 0 and 8 times the few lines there are"
)]
fn eighths(count: f64, decades: f64) -> usize {
    let part = ((count * 2.0).log10() / decades).clamp(0.0, 1.0);
    (part * (8 * HEIGHT) as f64).round() as usize
}

/// What a bar has on a line.
fn block(count: u32, decades: f64, line: usize) -> char {
    let height = if count == 0 { 0 } else { eighths(count.into(), decades) };
    let part = height.saturating_sub(8 * line).min(8);
    BLOCKS.get(part).copied().unwrap_or(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peaks_stand_where_they_should() {
        let mut histogram = Histogram::new(2.0, 200.0, 60);
        (0..5000).for_each(|_| histogram.fill(91.0));
        (0..50).for_each(|_| histogram.fill(3.1));
        histogram.fill(20.0);
        // Outside.
        histogram.fill(1.0);
        histogram.fill(200.0);
        histogram.fill(f64::NAN);
        assert_eq!(histogram.counts.iter().sum::<u32>(), 5051);

        let text = histogram.draw(&[("J/ψ", 3.1), ("Z", 91.0)]);
        let lines: Vec<Vec<char>> = text.lines().map(|line| line.chars().collect()).collect();
        assert_eq!(lines.len(), HEIGHT + 3, "{text}");
        let column = lines[0].iter().position(|c| *c == 'Z').unwrap();
        assert_eq!(lines[1].iter().filter(|c| **c == '█').count(), 1, "{text}");
        assert_eq!(lines[1][column], '█', "{text}");
        let lowest: String = lines[HEIGHT].iter().collect();
        assert_eq!(lowest.matches(['█', '▇', '▆', '▅', '▄', '▃', '▂', '▁']).count(), 3, "{text}");
        let tall =
            |bin: usize| (1..=HEIGHT).filter(|line| lines[*line].get(bin + 8).is_some_and(|c| *c != ' ')).count();
        assert!(tall(histogram.bin(91.0).unwrap()) > tall(histogram.bin(3.1).unwrap()), "{text}");
        assert!(text.contains("1000 ┤") && text.contains(" 1 ┤"), "{text}");
    }

    #[test]
    fn an_empty_histogram_is_a_frame() {
        let text = Histogram::new(1.0, 10.0, 5).draw(&[]);
        assert!(!text.contains('█') && text.contains("└─────\n"), "{text}");
    }
}
