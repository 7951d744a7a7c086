//! Histograms as text: a bar per line.

use super::axis::number;
use super::fill::{Moments, Shape, Values};
use crate::output::text::{count, counted, cut, printable, to_f64, width};

/// Columns where nobody says how many there are.
const COLUMNS: usize = 80;
/// The longest label, of strings.
const LABEL: usize = 30;
/// Eighths of a column.
const BLOCKS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

pub(super) fn draw(values: &Values, field: &str, log: bool, columns: Option<usize>) -> String {
    let mut text = title(values, field);
    let rows: Vec<(String, u64)> = match &values.shape {
        Shape::Numbers { axis, counts, .. } => {
            counts.iter().enumerate().map(|(at, count)| (axis.label(at), *count)).collect()
        }
        Shape::Strings { top, .. } => {
            top.iter().map(|(text, count)| (cut(&printable(text), LABEL).into_owned(), *count)).collect()
        }
    };
    let right = matches!(values.shape, Shape::Numbers { .. });
    let labels = rows.iter().map(|(label, _)| width(label)).max().unwrap_or(0);
    let counts = rows.iter().map(|(_, n)| width(&count(*n))).max().unwrap_or(0);
    let room = columns.unwrap_or(COLUMNS).min(120).saturating_sub(labels + counts + 5).max(8);
    let most = rows.iter().map(|(_, count)| *count).max().unwrap_or(0);
    for (label, n) in &rows {
        let space = " ".repeat(labels - width(label));
        let (before, behind) = if right { (space.as_str(), "") } else { ("", space.as_str()) };
        let bar = bar(height(*n, most, log), room);
        let line = format!("{before}{label}{behind} ┤{bar}{}  {:>counts$}", " ".repeat(room - width(&bar)), count(*n));
        text += line.trim_end();
        text.push('\n');
    }
    text + &rest(values, log)
}

/// What stands above the bars.
fn title(values: &Values, field: &str) -> String {
    let (n, entries) = (counted(values.values, "value", "values"), counted(values.entries, "entry", "entries"));
    let mut text = format!("{}: {n} in {entries}\n", printable(field));
    if let Shape::Numbers { moments: Some(moments), .. } = &values.shape {
        text += &format!("{}\n", summary(moments).join(", "));
    }
    text.push('\n');
    text
}

/// Mean, standard deviation and limits.
pub(super) fn summary(moments: &Moments) -> [String; 4] {
    let Moments { mean, deviation, smallest, largest } = *moments;
    let step = if deviation > 0.0 { 10_f64.powf(deviation.log10().floor() - 3.0) } else { mean.abs() * 1e-6 };
    let whole = |value: f64| value.fract() == 0.0 && value.abs() < 1e15;
    let exact = |value: f64| if whole(value) { format!("{:.0}", value + 0.0) } else { number(value, step) };
    [
        format!("mean {}", number(mean, step)),
        format!("std dev {}", number(deviation, step)),
        format!("smallest {}", exact(smallest)),
        format!("largest {}", exact(largest)),
    ]
}

/// What is not in the bars.
fn rest(values: &Values, log: bool) -> String {
    let mut lines = Vec::new();
    match &values.shape {
        Shape::Numbers { axis, below, above, not_a_number, .. } => {
            let [low, high] = axis.outside();
            for (what, n) in [(low, below), (high, above), ("not a number".to_owned(), not_a_number)] {
                if *n > 0 {
                    lines.push(format!("{what}: {}", count(*n)));
                }
            }
        }
        Shape::Strings { top, different } => {
            let shown: u64 = top.iter().map(|(_, count)| count).sum();
            match different {
                Some(different) if *different > top.len() as u64 => lines.push(format!(
                    "{} more: {}",
                    counted(different - top.len() as u64, "string", "strings"),
                    count(values.values.saturating_sub(shown))
                )),
                Some(_) => {}
                None => lines.push("counts are lower limits: there are too many different strings".to_owned()),
            }
        }
    }
    if log {
        lines.push("the length of the bars is logarithmic".to_owned());
    }
    if lines.is_empty() { String::new() } else { format!("\n{}\n", lines.join("\n")) }
}

/// Part of the largest bar, from 0 to 1.
pub(super) fn height(count: u64, most: u64, log: bool) -> f64 {
    if count == 0 {
        0.0
    } else if log {
        // The scale goes up from one half, so that a single count can be seen.
        (to_f64(count) * 2.0).ln() / (to_f64(most) * 2.0).ln()
    } else {
        to_f64(count) / to_f64(most)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "some columns"
)]
fn bar(height: f64, room: usize) -> String {
    let eighths = (height.clamp(0.0, 1.0) * (8 * room) as f64).round() as usize;
    // What is there can be seen.
    let eighths = if height > 0.0 { eighths.max(1) } else { 0 };
    let mut bar = "█".repeat(eighths / 8);
    if eighths % 8 > 0 {
        bar.extend(BLOCKS.get(eighths % 8));
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::super::axis::Axis;
    use super::*;

    #[test]
    fn bars_are_as_long_as_their_counts() {
        assert_eq!(bar(1.0, 4), "████");
        assert_eq!(bar(0.5, 4), "██");
        assert_eq!(bar(0.53, 4), "██▏");
        assert_eq!(bar(1e-9, 4), "▏");
        assert_eq!(bar(0.0, 4), "");
        assert_eq!(height(1, 1000, false), 0.001);
        assert!(height(1, 1000, true) > 0.09);
    }

    #[test]
    fn a_drawing_has_all_counts() {
        let axis = Axis::Integers { first: 8, width: 1, bins: 3 };
        let moments = Some(Moments { mean: 9.0, deviation: 0.5, smallest: 3.0, largest: 10.0 });
        let shape = Shape::Numbers { axis, counts: vec![10, 0, 5], below: 1, above: 0, not_a_number: 0, moments };
        let text = draw(&Values { entries: 7, values: 16, shape }, "a\u{1b}b", false, Some(27));
        assert_eq!(
            text,
            concat!(
                "a\\u{1b}b: 16 values in 7 entries\n",
                "mean 9.0000, std dev 0.5000, smallest 3, largest 10\n",
                "\n",
                " 8 ┤██████████████████  10\n",
                " 9 ┤                     0\n",
                "10 ┤█████████            5\n",
                "\n",
                "< 8: 1\n",
            )
        );
    }
}
