//! Bins, and how their limits are written.

use super::fill::{Kind, Limits};

/// Bins unless the user says how many: about as many.
const BINS: u16 = 25;

/// Bins of equal width.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Axis {
    /// `false` and `true`.
    Bool,
    /// Bins of `width` integers each.
    Integers { first: i128, width: i128, bins: usize },
    /// From `low` to `high`, both included.
    Reals { low: f64, high: f64, bins: usize },
}

impl Axis {
    /// `fixed`: the limits are what the user wants, and not just those of the values.
    pub(super) fn new(kind: Kind, limits: &Limits, bins: Option<u16>, fixed: bool) -> Self {
        match kind {
            Kind::Bool => Self::Bool,
            Kind::Integer => {
                let (first, last) = limits.integers();
                let count = last.saturating_sub(first).saturating_add(1);
                let width = |bins: u16| (count + i128::from(bins) - 1) / i128::from(bins);
                let (first, width) = match bins {
                    Some(bins) => (first, width(bins)),
                    None => {
                        let width = nice_integer(width(BINS));
                        (if fixed { first } else { first.div_euclid(width) * width }, width)
                    }
                };
                let bins = usize::try_from((last - first) / width + 1).unwrap_or(1);
                Self::Integers { first, width, bins }
            }
            Kind::Real | Kind::Text => {
                let (mut low, mut high) = limits.reals();
                if low == high {
                    let room = (low.abs() * 0.01).max(0.5);
                    (low, high) = (low - room, high + room);
                }
                match bins {
                    Some(bins) => Self::Reals { low, high, bins: bins.into() },
                    None if fixed => Self::Reals { low, high, bins: BINS.into() },
                    None => Self::round(low, high),
                }
            }
        }
    }

    /// Limits and widths that are easy to read.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some 25 bins")]
    fn round(low: f64, high: f64) -> Self {
        let width = nice(high / f64::from(BINS) - low / f64::from(BINS));
        let (first, last) = ((low / width).floor(), (high / width).ceil());
        let (from, to) = (first * width, last * width);
        if from.is_finite() && to.is_finite() && from <= low && high <= to && last - first < 1000.0 {
            Self::Reals { low: from, high: to, bins: (last - first) as usize }
        } else {
            Self::Reals { low, high, bins: BINS.into() }
        }
    }

    pub(super) fn bins(&self) -> usize {
        match self {
            Self::Bool => 2,
            Self::Integers { bins, .. } | Self::Reals { bins, .. } => *bins,
        }
    }

    /// Where bin `at` starts, as far as a picture needs to know; that of bin [`Axis::bins`] is where the last one ends.
    #[expect(clippy::cast_precision_loss, reason = "for labels and pictures")]
    pub(super) fn edge(&self, at: usize) -> f64 {
        match self {
            Self::Bool => at as f64,
            Self::Integers { first, width, .. } => (*first as f64) + (*width as f64) * (at as f64),
            Self::Reals { low, high, bins } => {
                let part = at as f64 / *bins as f64;
                low * (1.0 - part) + high * part
            }
        }
    }

    /// What is written beside a bin.
    pub(super) fn label(&self, at: usize) -> String {
        match self {
            Self::Bool => (at > 0).to_string(),
            Self::Integers { first, width, .. } => {
                let from = first + width * i128::try_from(at).unwrap_or_default();
                if *width == 1 { from.to_string() } else { format!("{from} … {}", from + width - 1) }
            }
            Self::Reals { .. } => format!("{} … {}", self.edge_label(at), self.edge_label(at + 1)),
        }
    }

    pub(super) fn edge_label(&self, at: usize) -> String {
        match self {
            Self::Integers { first, width, .. } => (first + width * i128::try_from(at).unwrap_or_default()).to_string(),
            _ => number(self.edge(at), self.edge(1) - self.edge(0)),
        }
    }

    /// What lies below the first bin, and above the last one.
    pub(super) fn outside(&self) -> [String; 2] {
        match self {
            Self::Integers { first, width, bins } => {
                let last = first + width * i128::try_from(*bins).unwrap_or_default() - 1;
                [format!("< {first}"), format!("> {last}")]
            }
            _ => [format!("< {}", self.edge_label(0)), format!("> {}", self.edge_label(self.bins()))],
        }
    }
}

/// A number with as many digits as steps of this size need.
pub(super) fn number(value: f64, step: f64) -> String {
    let size = value.abs().max(step.abs());
    if value != 0.0 && !(1e-4..1e7).contains(&size) {
        // As many digits as tell neighbours apart.
        let digits = (size / step.abs()).log10().ceil().clamp(1.0, 15.0) + 1.0;
        return exponent(value, digits);
    }
    let mut digits = 0_usize;
    let mut scale = 1.0;
    // Until the step is a whole number of units, or nearly; one that never is has three digits of its own.
    while digits < digits_below(step) && (step * scale - (step * scale).round()).abs() > 1e-6 * (step * scale).abs() {
        digits += 1;
        scale *= 10.0;
    }
    let text = format!("{value:.digits$}");
    if text.trim_start_matches('-').trim_matches(['0', '.']).is_empty() { text.replace('-', "") } else { text }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and not negative")]
fn digits_below(step: f64) -> usize {
    (2.0 - step.abs().log10().floor()).clamp(0.0, 12.0) as usize
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 15")]
fn exponent(value: f64, digits: f64) -> String {
    let digits = digits.clamp(0.0, 15.0) as usize;
    let text = format!("{value:.digits$e}");
    let Some((number, power)) = text.split_once('e') else { return text };
    let number = if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number };
    format!("{number}e{power}")
}

/// The next larger of 1, 2, 2.5 and 5 times a power of ten.
pub(super) fn nice(width: f64) -> f64 {
    let power = 10_f64.powf(width.log10().floor());
    let steps = [1.0, 2.0, 2.5, 5.0, 10.0];
    let fits = |step: &f64| step * power >= width * (1.0 - 1e-9);
    steps.into_iter().find(fits).unwrap_or(10.0) * power
}

fn nice_integer(width: i128) -> i128 {
    let mut power = 1_i128;
    loop {
        for step in [1, 2, 5] {
            let candidate = power.saturating_mul(step);
            if candidate >= width {
                return candidate;
            }
        }
        power = power.saturating_mul(10);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reals(low: f64, high: f64) -> Limits {
        Limits::given(&(low..=high))
    }

    #[test]
    fn bins_have_round_limits() {
        let axis = |low, high| Axis::new(Kind::Real, &reals(low, high), None, false);
        assert_eq!(axis(0.3, 99.2), Axis::Reals { low: 0.0, high: 100.0, bins: 20 });
        assert_eq!(axis(-2.4, 2.41), Axis::Reals { low: -2.4000000000000004, high: 2.6, bins: 25 });
        assert_eq!(axis(7.0, 7.0), Axis::Reals { low: 6.5, high: 7.5, bins: 20 });
        let given = |bins, fixed| Axis::new(Kind::Real, &reals(0.0, 1.0), bins, fixed);
        assert_eq!(given(Some(3), false), Axis::Reals { low: 0.0, high: 1.0, bins: 3 });
        assert_eq!(given(None, true).bins(), 25);
        let widest = Axis::new(Kind::Real, &Limits::of_reals(-f64::MAX, f64::MAX), None, false);
        assert!(widest.edge(1).is_finite() && widest.edge(0) < widest.edge(1), "{widest:?}");
    }

    #[test]
    fn integers_have_whole_bins() {
        let axis = |low: f64, high: f64, bins| Axis::new(Kind::Integer, &reals(low, high), bins, false);
        assert_eq!(axis(0.0, 7.0, None), Axis::Integers { first: 0, width: 1, bins: 8 });
        assert_eq!(axis(0.0, 7.0, None).label(3), "3");
        assert_eq!(axis(3.0, 103.0, None), Axis::Integers { first: 0, width: 5, bins: 21 });
        assert_eq!(axis(3.0, 103.0, None).label(1), "5 … 9");
        assert_eq!(axis(-7.0, 7.0, Some(4)), Axis::Integers { first: -7, width: 4, bins: 4 });
        assert_eq!(axis(-7.0, 7.0, Some(4)).outside(), ["< -7", "> 8"]);
        let all = Limits::of_integers(i64::MIN.into(), u64::MAX.into());
        assert!(Axis::new(Kind::Integer, &all, None, false).bins() <= 26);
    }

    #[test]
    fn numbers_have_the_digits_that_they_need() {
        assert_eq!(number(0.30000000000000004, 0.1), "0.3");
        assert_eq!(number(20.0, 2.5), "20.0");
        assert_eq!(number(-0.00000001, 0.5), "0.0");
        assert_eq!(number(4.0, 4.0), "4");
        assert_eq!(number(1.0 / 3.0, 1.0 / 3.0), "0.333");
        assert_eq!(number(2.5e9, 5e8), "2.5e9");
        assert_eq!(number(-3e-7, 1e-7), "-3e-7");
    }
}
