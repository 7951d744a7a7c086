//! A map of the storage: each field has a rectangle as large as its part of the bytes (squarified treemaps).

/// A field, with what is below it.
#[derive(Debug, Clone, Default)]
pub(super) struct Area {
    /// Its path.
    pub(super) path: String,
    pub(super) bytes: u64,
    /// What colours it: the class of its largest column.
    pub(super) class: &'static str,
    pub(super) children: Vec<Area>,
}

/// A rectangle, in parts of the map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rect {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Rect {
    pub(super) const ALL: Self = Self { x: 0.0, y: 0.0, width: 1.0, height: 1.0 };

    fn area(self) -> f64 {
        self.width * self.height
    }
}

/// Something that is drawn.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    pub(super) rect: Rect,
    pub(super) path: String,
    pub(super) bytes: u64,
    pub(super) class: &'static str,
    /// An outline around others; else a cell of its own.
    pub(super) outline: bool,
}

/// The least part of the map that gets a cell of its own; the number of cells is limited by it.
const SMALLEST: f64 = 1.0 / 1500.0;
/// Width of the map in heights, as it looks on most screens.
const ASPECT: f64 = 16.0 / 9.0;

/// The cells of a map. Their areas are as their bytes, and sum up to the whole of it.
pub(super) fn cells(areas: Vec<Area>) -> Vec<Cell> {
    let mut cells = Vec::new();
    divide(areas, Rect::ALL, "", &mut cells);
    cells
}

fn divide(mut areas: Vec<Area>, rect: Rect, above: &str, cells: &mut Vec<Cell>) {
    areas.retain(|area| area.bytes > 0);
    areas.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.path.cmp(&b.path)));
    let total: f64 = areas.iter().map(|area| float(area.bytes)).sum();
    // Those too small to be seen share a cell.
    let seen = areas.partition_point(|area| float(area.bytes) / total * rect.area() >= SMALLEST);
    let small = areas.split_off(seen);
    if let [only] = small.as_slice() {
        areas.push(only.clone());
    } else if !small.is_empty() {
        let bytes = small.iter().map(|area| area.bytes).sum();
        let more = if areas.is_empty() { "" } else { "more " };
        let below = if above.is_empty() { String::new() } else { format!("{above}: ") };
        let path = format!("{below}{} {more}fields", small.len());
        areas.push(Area { path, bytes, class: "other", children: Vec::new() });
        areas.sort_by_key(|area| std::cmp::Reverse(area.bytes));
    }
    let sizes: Vec<f64> = areas.iter().map(|area| float(area.bytes)).collect();
    for (area, rect) in areas.into_iter().zip(squarify(&sizes, rect)) {
        let Area { path, bytes, class, children } = area;
        let divided = !children.is_empty() && rect.area() > 2.0 * SMALLEST;
        cells.push(Cell { rect, path: path.clone(), bytes, class, outline: divided });
        if divided {
            divide(children, rect, &path, cells);
        }
    }
}

/// Rectangles with areas as these sizes (descending), as near to squares as goes, that fill one.
fn squarify(sizes: &[f64], mut room: Rect) -> Vec<Rect> {
    let mut left: f64 = sizes.iter().sum();
    let (mut out, mut rest) = (Vec::with_capacity(sizes.len()), sizes);
    while !rest.is_empty() && left > 0.0 {
        // Rows are laid along the shorter side, as seen on the screen.
        let (wide, high) = (room.width * ASPECT, room.height);
        let (side, scale) = (wide.min(high), wide * high / left);
        let worst = |row: &[f64], sum: f64| {
            let (sum, first, last) =
                (sum * scale, row.first().map_or(0.0, |s| s * scale), row.last().map_or(0.0, |s| s * scale));
            (side * side * first / (sum * sum)).max(sum * sum / (side * side * last))
        };
        let (mut count, mut sum) = (1, rest.first().copied().unwrap_or(0.0));
        while let (Some(row), Some(longer), Some(next)) = (rest.get(..count), rest.get(..=count), rest.get(count)) {
            if worst(longer, sum + next) > worst(row, sum) {
                break;
            }
            sum += next;
            count += 1;
        }
        let (row, later) = rest.split_at(count.min(rest.len()));
        let part = (sum / left).min(1.0);
        let upright = wide >= high;
        let mut at = 0.0;
        for size in row {
            let along = size / sum;
            out.push(if upright {
                Rect { x: room.x, y: room.y + room.height * at, width: room.width * part, height: room.height * along }
            } else {
                Rect { x: room.x + room.width * at, y: room.y, width: room.width * along, height: room.height * part }
            });
            at += along;
        }
        if upright {
            room.x += room.width * part;
            room.width *= 1.0 - part;
        } else {
            room.y += room.height * part;
            room.height *= 1.0 - part;
        }
        left -= sum;
        rest = later;
    }
    out
}

fn float(bytes: u64) -> f64 {
    crate::output::text::to_f64(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(path: &str, bytes: u64, children: Vec<Area>) -> Area {
        Area { path: path.to_owned(), bytes, class: "real", children }
    }

    #[test]
    fn areas_are_as_their_bytes() {
        let inner = vec![area("a.x", 30, vec![]), area("a.y", 20, vec![])];
        let cells =
            cells(vec![area("b", 25, vec![]), area("a", 50, inner), area("c", 25, vec![]), area("d", 0, vec![])]);
        let names: Vec<&str> = cells.iter().map(|cell| cell.path.as_str()).collect();
        assert_eq!(names, ["a", "a.x", "a.y", "b", "c"]);
        for cell in &cells {
            assert!((cell.rect.area() - float(cell.bytes) / 100.0).abs() < 1e-9, "{cell:?}");
            let Rect { x, y, width, height } = cell.rect;
            assert!(x >= 0.0 && y >= 0.0 && x + width < 1.0 + 1e-9 && y + height < 1.0 + 1e-9, "{cell:?}");
        }
        assert!(cells[0].outline && !cells[1].outline);
    }

    #[test]
    fn ten_thousand_fields_are_few_cells() {
        let areas = (0..10_000).map(|i| area(&format!("f{i}"), 1000 + i, vec![]));
        let same = cells(areas.collect());
        assert_eq!(same.len(), 1);
        assert_eq!(same[0].path, "10000 fields");
        let areas = (0..10_000).map(|i| area(&format!("f{i}"), 10_000_000 / (i + 1), vec![]));
        let cells = cells(areas.collect());
        assert!((100..1600).contains(&cells.len()), "{}", cells.len());
        let all: f64 = cells.iter().map(|cell| cell.rect.area()).sum();
        assert!((all - 1.0).abs() < 1e-6, "{all}");
        // Most of them are near to squares.
        let long = |cell: &&Cell| {
            let aspect = cell.rect.width * ASPECT / cell.rect.height;
            aspect.max(1.0 / aspect) > 3.0
        };
        assert!(cells.iter().filter(long).count() * 10 < cells.len());
    }
}
