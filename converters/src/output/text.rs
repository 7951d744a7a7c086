//! Text for people: sizes, counts, and strings from a file that must not reach a terminal as they are.

use std::borrow::Cow;
use std::time::Duration;

use rntuple_io::Metrics;
use std::fmt::Write;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What a cut text ends with.
const ELLIPSIS: char = '…';

/// `text` with its control characters escaped.
///
/// Names and strings come from the file; an escape sequence in them must not steer the user's terminal.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    if text.contains(is_unprintable) { Cow::Owned(escape(text, is_unprintable)) } else { Cow::Borrowed(text) }
}

/// [`printable`] that leaves line breaks alone, for messages of several lines.
#[must_use]
pub fn printable_lines(text: &str) -> Cow<'_, str> {
    let unprintable = |c| c != '\n' && is_unprintable(c);
    if text.contains(unprintable) { Cow::Owned(escape(text, unprintable)) } else { Cow::Borrowed(text) }
}

/// Control characters, and those that turn the direction of text around.
fn is_unprintable(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn escape(text: &str, unprintable: impl Fn(char) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if unprintable(c) {
            escaped.extend(c.escape_default());
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// The number of terminal columns that `text` takes.
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

/// `text` cut to at most `columns` terminal columns, the last of them an ellipsis when something is missing.
#[must_use]
pub fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    // Measured no further than needed: a cell may hold megabytes of JSON.
    let (mut used, mut keep) = (0, 0);
    for (at, c) in text.char_indices() {
        let next = used + c.width().unwrap_or(0);
        if next > columns {
            let mut cut = text.get(..keep).unwrap_or_default().to_owned();
            if columns > 0 {
                cut.push(ELLIPSIS);
            }
            return Cow::Owned(cut);
        }
        used = next;
        // The longest prefix that leaves room for the ellipsis.
        if used < columns {
            keep = at + c.len_utf8();
        }
    }
    Cow::Borrowed(text)
}

/// A number of bytes with a binary unit: `512 B`, `1.5 KiB`, `38.1 MiB`.
#[must_use]
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let mut text = String::new();
    let (mut scaled, mut units) = (to_f64(count), UNITS.iter().peekable());
    while let Some(unit) = units.next() {
        scaled /= 1024.0;
        // 1023.96 would be printed as 1024.0.
        if scaled < 1023.95 || units.peek().is_none() {
            text = format!("{scaled:.1} {unit}");
            break;
        }
    }
    text
}

/// A count with thousands separated: `1,234,567`.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 entry`, `2 entries`: a count with the word for it.
#[must_use]
pub fn counted(number: u64, one: &str, many: &str) -> String {
    let mut text = count(number);
    let _ = write!(text, " {}", if number == 1 { one } else { many });
    text
}

/// `whole / part` as `3.4x`; a dash where nothing is stored.
#[must_use]
pub fn ratio(whole: u64, part: u64) -> String {
    if part == 0 { "-".to_owned() } else { format!("{:.2}x", to_f64(whole) / to_f64(part)) }
}

/// What reading cost, line by line.
pub(crate) fn metrics(metrics: &Metrics) -> String {
    let Metrics { requests, hedged, bytes_asked, bytes_read, .. } = *metrics;
    let time = |time: Duration| format!("{:.3} s", time.as_secs_f64());
    let whole = |number: f64| format!("{number:.0}").parse().unwrap_or(0);
    let lines = [
        ("requests", format!("{}, {} of them asked a second time", count(requests), count(hedged))),
        ("bytes asked for", bytes(bytes_asked)),
        ("bytes read", format!("{}, {:.2} times those asked for", bytes(bytes_read), metrics.overhead())),
        ("time of requests", format!("{}, {}/s", time(metrics.reading), bytes(whole(metrics.bandwidth())))),
        ("time of waiting", time(metrics.waiting)),
        ("time of unsealing", time(metrics.unsealing)),
    ];
    lines.iter().map(|(what, value)| format!("{what:<18} {value}\n")).collect()
}

/// For display: past 2^53 the last digits are lost.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "shown with two digits after the point")]
pub fn to_f64(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_never_reach_the_terminal() {
        assert_eq!(printable("a\u{1b}[31mb\nc\u{202e}d\te"), "a\\u{1b}[31mb\\nc\\u{202e}d\\te");
        assert_eq!(printable_lines("a\nb\r"), "a\nb\\r");
        assert!(matches!(printable("µ⁺ 粒子 é"), Cow::Borrowed("µ⁺ 粒子 é")));
    }

    #[test]
    fn cutting_counts_terminal_columns() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdef", 5), "abcd…");
        assert_eq!(cut("abcdef", 1), "…");
        assert_eq!(cut("abcdef", 0), "");
        assert_eq!(cut("", 0), "");
        // Each of these takes two columns; an odd budget leaves one unused.
        assert_eq!(cut("粒子物理", 8), "粒子物理");
        assert_eq!(cut("粒子物理", 7), "粒子物…");
        assert_eq!(cut("粒子物理", 6), "粒子…");
        assert_eq!(width(&cut("粒子物理", 6)), 5);
    }

    #[test]
    fn sizes_are_short() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1024), "1.0 KiB");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes(1024 * 1024 - 1), "1.0 MiB");
        assert_eq!(bytes(u64::MAX), "16.0 EiB");
    }

    #[test]
    fn counts_are_grouped() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1000), "1,000");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(counted(1, "entry", "entries"), "1 entry");
        assert_eq!(counted(2000, "entry", "entries"), "2,000 entries");
        assert_eq!(ratio(10, 4), "2.50x");
        assert_eq!(ratio(10, 0), "-");
    }
}
