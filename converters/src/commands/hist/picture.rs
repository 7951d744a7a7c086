//! Histograms as pictures.

use std::io::Write;
use std::path::Path;

use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};

use super::axis::{Axis, nice, number};
use super::fill::{Shape, Values};
use super::text::{height, summary};
use crate::error::{Error, Result};
use crate::output::text::{count, counted, cut, printable, to_f64, width};
use crate::transport::Output;

const WIDTH: usize = 960;
const HEIGHT: usize = 600;
/// Where the bars are: left, right, top, bottom.
const LEFT: usize = 100;
const RIGHT: usize = 24;
const TOP: usize = 84;
const BOTTOM: usize = 56;
/// Height of a line of text.
const LINE: usize = 16;

const PAPER: [u8; 3] = [255, 255, 255];
const INK: [u8; 3] = [40, 44, 52];
const PALE: [u8; 3] = [110, 116, 126];
const GRID: [u8; 3] = [228, 231, 236];
const BAR: [u8; 3] = [76, 120, 168];

pub(super) fn write(values: &Values, field: &str, log: bool, out: &Path) -> Result<()> {
    let picture = draw(values, field, log);
    let mut file = Output::create(out)?;
    let failed = |file: &Output, e: png::EncodingError| Error::Io {
        file: file.name().to_owned(),
        source: std::io::Error::other(e),
    };
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, WIDTH_PX, HEIGHT_PX);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().map_err(|e| failed(&file, e))?;
    writer.write_image_data(&picture.pixels).map_err(|e| failed(&file, e))?;
    writer.finish().map_err(|e| failed(&file, e))?;
    file.write_all(&bytes).map_err(|source| Error::Io { file: file.name().to_owned(), source })?;
    file.finish()?;
    Ok(())
}

/// The same as the PNG format has them.
const WIDTH_PX: u32 = 960;
const HEIGHT_PX: u32 = 600;

/// Where a text is, seen from its point.
#[derive(Clone, Copy)]
enum Align {
    Left,
    Middle,
    Right,
}

struct Picture {
    pixels: Vec<u8>,
}

impl Picture {
    fn new() -> Self {
        Self { pixels: PAPER.repeat(WIDTH * HEIGHT) }
    }

    /// Mixes a colour in; `part` of 255.
    fn dot(&mut self, x: usize, y: usize, colour: [u8; 3], part: u8) {
        if x >= WIDTH {
            return;
        }
        let at = 3 * (y * WIDTH + x);
        let Some(pixel) = self.pixels.get_mut(at..at + 3) else { return };
        for (old, new) in pixel.iter_mut().zip(colour) {
            let mixed = (u32::from(*old) * (255 - u32::from(part)) + u32::from(new) * u32::from(part)) / 255;
            *old = u8::try_from(mixed).unwrap_or(u8::MAX);
        }
    }

    fn fill(&mut self, x: usize, y: usize, width: usize, height: usize, colour: [u8; 3]) {
        for y in y..y + height {
            for x in x..x + width {
                self.dot(x, y, colour, 255);
            }
        }
    }

    fn text(&mut self, x: usize, y: usize, text: &str, align: Align, colour: [u8; 3]) {
        let (weight, size) = (FontWeight::Regular, RasterHeight::Size16);
        let step = get_raster_width(weight, size);
        let all = step * text.chars().count();
        let mut x = match align {
            Align::Left => x,
            Align::Middle => x.saturating_sub(all / 2),
            Align::Right => x.saturating_sub(all),
        };
        for c in text.chars() {
            // The font has Western letters; what else there is gets a mark.
            if let Some(glyph) = get_raster(c, weight, size).or_else(|| get_raster('?', weight, size)) {
                for (row, line) in glyph.rows().enumerate() {
                    for (column, part) in line.iter().enumerate() {
                        self.dot(x + column, y + row, colour, *part);
                    }
                }
            }
            x += step;
        }
    }
}

fn draw(values: &Values, field: &str, log: bool) -> Picture {
    let mut picture = Picture::new();
    let n = counted(values.values, "value", "values");
    picture.text(LEFT, 14, &cut(&printable(field), 90), Align::Left, INK);
    let mut about = format!("{n} in {}", counted(values.entries, "entry", "entries"));
    match &values.shape {
        Shape::Numbers { axis, counts, below, above, not_a_number, moments } => {
            if let Some(moments) = moments {
                about += &format!(", {}", summary(moments).join(", "));
            }
            let [low, high] = axis.outside();
            let outside = [(low, below), (high, above), ("not a number".to_owned(), not_a_number)];
            let outside = outside.iter().filter(|(_, n)| **n > 0).map(|(what, n)| format!("{what}: {}", count(**n)));
            picture.text(LEFT, 56, &outside.collect::<Vec<_>>().join("   "), Align::Left, PALE);
            numbers(&mut picture, axis, counts, log);
        }
        Shape::Strings { top, .. } => strings(&mut picture, top, log),
    }
    picture.text(LEFT, 36, &about, Align::Left, PALE);
    picture
}

/// A length in pixels.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "few pixels")]
fn scaled(part: f64, length: usize) -> usize {
    (part.clamp(0.0, 1.0) * length as f64).round() as usize
}

fn numbers(picture: &mut Picture, axis: &Axis, counts: &[u64], log: bool) {
    let (wide, high) = (WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM);
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let bottom = TOP + high;
    for tick in count_ticks(most, log) {
        let y = bottom - scaled(height(tick, most, log), high);
        picture.fill(LEFT, y, wide, 1, GRID);
        picture.text(LEFT - 10, y.saturating_sub(LINE / 2), &count(tick), Align::Right, PALE);
    }
    let at = |bin: usize| LEFT + wide * bin / counts.len().max(1);
    // Bars stand apart where there is room for it.
    let gap = usize::from(wide / counts.len().max(1) >= 6);
    for (bin, count) in counts.iter().enumerate() {
        let tall = scaled(height(*count, most, log), high).max(usize::from(*count > 0));
        let (from, to) = (at(bin), at(bin + 1).max(at(bin) + 1));
        picture.fill(from, bottom - tall, (to - from).saturating_sub(gap).max(1), tall, BAR);
    }
    picture.fill(LEFT, bottom, wide, 1, INK);
    let each = matches!(axis, Axis::Bool | Axis::Integers { width: 1, .. });
    let mut free = 0;
    for (x, label) in bin_ticks(axis, each, wide) {
        let half = 4 * label.chars().count();
        if LEFT + x < free + half {
            continue;
        }
        picture.fill(LEFT + x, bottom, 1, 6, INK);
        picture.text(LEFT + x, bottom + 10, &label, Align::Middle, INK);
        free = LEFT + x + half + 12;
    }
}

/// Counts that have a line of their own.
fn count_ticks(most: u64, log: bool) -> Vec<u64> {
    if log {
        let powers = std::iter::successors(Some(1_u64), |n| n.checked_mul(10));
        return powers.take_while(|n| *n <= most).collect();
    }
    let whole = |step: f64| format!("{:.0}", step.ceil()).parse::<u64>().unwrap_or(1).max(1);
    let step = whole(nice(to_f64(most) / 6.0));
    (1..).map_while(|n| step.checked_mul(n)).take_while(|n| *n <= most).collect()
}

/// Numbers below the bars, with their places.
fn bin_ticks(axis: &Axis, each: bool, wide: usize) -> Vec<(usize, String)> {
    let bins = axis.bins();
    if each {
        // In the middle of their bars.
        return (0..bins).map(|bin| (wide * (2 * bin + 1) / (2 * bins), axis.label(bin))).collect();
    }
    if matches!(axis, Axis::Integers { .. }) {
        return (0..bins).map(|bin| (wide * bin / bins, axis.edge_label(bin))).collect();
    }
    let (low, high) = (axis.edge(0), axis.edge(bins));
    let step = nice((high - low) / 8.0);
    if !step.is_finite() || step <= 0.0 {
        return vec![(0, axis.edge_label(0)), (wide, axis.edge_label(bins))];
    }
    let first = (low / step).ceil();
    let values = (0..20_u32).map(|n| (first + f64::from(n)) * step).take_while(|value| *value <= high + step * 1e-9);
    values.map(|value| (scaled((value - low) / (high - low), wide), number(value, step))).collect()
}

fn strings(picture: &mut Picture, top: &[(String, u64)], log: bool) {
    const LABEL: usize = 34;
    let (top, all) = (top.iter().take((HEIGHT - TOP - 8) / LINE), top);
    let most = all.first().map_or(1, |(_, count)| *count).max(1);
    let labels = all.iter().map(|(text, _)| width(&printable(text)).min(LABEL)).max().unwrap_or(0);
    let left = LEFT + 8 * labels;
    let wide = WIDTH - left - RIGHT - 100;
    let rows = all.len().clamp(1, (HEIGHT - TOP - 8) / LINE);
    let pitch = ((HEIGHT - TOP - 20) / rows).min(32);
    for (row, (text, n)) in top.enumerate() {
        let y = TOP + 8 + row * pitch;
        picture.text(left - 10, y, &cut(&printable(text), LABEL), Align::Right, INK);
        let long = scaled(height(*n, most, log), wide).max(1);
        picture.fill(left, y + 1, long, LINE - 2, BAR);
        picture.text(left + long + 8, y, &count(*n), Align::Left, PALE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coloured(picture: &Picture, x: usize, colour: [u8; 3]) -> usize {
        (TOP..HEIGHT - BOTTOM).filter(|y| picture.pixels[3 * (y * WIDTH + x)..][..3] == colour).count()
    }

    #[test]
    fn bars_are_as_high_as_their_counts() {
        let axis = Axis::Reals { low: 0.0, high: 4.0, bins: 4 };
        let shape =
            Shape::Numbers { axis, counts: vec![100, 50, 0, 1], below: 1, above: 0, not_a_number: 0, moments: None };
        let picture = draw(&Values { entries: 1, values: 152, shape }, "µ_pt ⛵", false);
        let middle = |bin: usize| LEFT + (WIDTH - LEFT - RIGHT) * (2 * bin + 1) / 8;
        let high = HEIGHT - TOP - BOTTOM;
        let heights: Vec<usize> = (0..4).map(|bin| coloured(&picture, middle(bin), BAR)).collect();
        assert_eq!(heights, [high, high / 2, 0, 5]);
        assert!(picture.pixels.len() == 3 * WIDTH * HEIGHT && (WIDTH_PX, HEIGHT_PX) == (960, 600));
    }

    #[test]
    fn ticks_are_few_and_inside() {
        assert_eq!(count_ticks(1234, false), [250, 500, 750, 1000]);
        assert_eq!(count_ticks(3, false), [1, 2, 3]);
        assert_eq!(count_ticks(1234, true), [1, 10, 100, 1000]);
        assert!(count_ticks(u64::MAX, false).len() < 10 && count_ticks(u64::MAX, true).len() == 20);
        let axis = Axis::Reals { low: -2.5, high: 2.5, bins: 25 };
        let ticks = bin_ticks(&axis, false, 800);
        assert!(ticks.contains(&(400, "0".to_owned())), "{ticks:?}");
        assert!(ticks.iter().all(|(x, _)| *x <= 800) && ticks.len() >= 5, "{ticks:?}");
    }
}
