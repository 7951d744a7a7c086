//! Tables for people: aligned columns, each cell on one line, cut where the terminal ends.

use std::borrow::Cow;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema};
use comfy_table::{Cell, CellAlignment, ContentArrangement, Row, Table};

use super::json::Cells;
use super::text::{cut, printable, width};
use crate::error::Result;

/// No cell is wider than this, even on the widest terminal or without one.
const WIDEST_CELL: usize = 60;
/// A column is not cut below this to make room for others; whole columns are left out instead.
const NARROWEST_CELL: usize = 12;
/// Blank columns between two cells.
const GAP: usize = 2;
/// The same, as comfy-table counts it.
const GAP_PADDING: u16 = 2;
/// A cell's JSON is dropped after this many bytes, long before it is measured.
const CELL_BYTES: usize = 4 * WIDEST_CELL + 4;

/// A table that is built row by row and printed as a whole.
#[derive(Debug, Default)]
pub struct Grid {
    header: Vec<Vec<String>>,
    rows: Vec<Vec<String>>,
    right: Vec<bool>,
    separated: Vec<usize>,
}

impl Grid {
    /// A table with one line of column titles; `>` in front of a title aligns its column to the right.
    #[must_use]
    pub fn new<'a>(titles: impl IntoIterator<Item = &'a str>) -> Self {
        let mut grid = Self::default();
        let mut line = Vec::new();
        for title in titles {
            grid.right.push(title.starts_with('>'));
            line.push(title.trim_start_matches('>').to_owned());
        }
        grid.header.push(line);
        grid
    }

    /// Appends a row; control characters are escaped.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|cell| printable(&cell).into_owned()).collect());
    }

    /// Draws a line between the rows so far and those to come.
    pub fn rule(&mut self) {
        self.separated.push(self.rows.len());
    }

    /// The table as text, each line at most `columns` wide where columns are given. Cells are cut, the widest first.
    #[must_use]
    pub fn render(&self, columns: Option<usize>) -> String {
        let natural = self.natural_widths();
        let gaps = GAP * natural.len().saturating_sub(1);
        let limit = columns.map_or(usize::MAX, |columns| widest_allowed(&natural, columns.saturating_sub(gaps)));
        let widths: Vec<usize> = natural.iter().map(|natural| (*natural).min(limit)).collect();

        let mut table = Table::new();
        table.load_preset(comfy_table::presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        let draw = |cells: &[String]| {
            let mut row = Row::new();
            for ((cell, width), right) in cells.iter().zip(&widths).zip(&self.right) {
                let align = if *right { CellAlignment::Right } else { CellAlignment::Left };
                row.add_cell(Cell::new(cut(cell, *width)).set_alignment(align));
            }
            row
        };
        let rule = || {
            let mut row = Row::new();
            for width in &widths {
                row.add_cell(Cell::new("─".repeat(*width)));
            }
            row
        };
        for line in &self.header {
            table.add_row(draw(line));
        }
        table.add_row(rule());
        for (at, line) in self.rows.iter().enumerate() {
            if self.separated.contains(&at) {
                table.add_row(rule());
            }
            table.add_row(draw(line));
        }
        for (at, column) in table.column_iter_mut().enumerate() {
            column.set_padding((if at == 0 { 0 } else { GAP_PADDING }, 0));
        }
        let mut text = table.trim_fmt();
        text.push('\n');
        text
    }

    fn natural_widths(&self) -> Vec<usize> {
        let mut widths = vec![0; self.right.len()];
        for line in self.header.iter().chain(&self.rows) {
            for (widest, cell) in widths.iter_mut().zip(line) {
                *widest = width(cell).max(*widest);
            }
        }
        widths
    }
}

/// The largest `limit` for which the sum of all widths, each cut to `limit`, is at most `room`; at least 1.
fn widest_allowed(natural: &[usize], room: usize) -> usize {
    let (mut low, mut high) = (1, room.max(1));
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        let total: usize = natural.iter().map(|natural| (*natural).min(middle)).sum();
        if total <= room {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    low
}

/// How many of the fields of `schema` can be shown side by side on a terminal of `columns` columns. At least one.
#[must_use]
pub fn fields_that_fit(schema: &Schema, columns: usize) -> usize {
    let mut used = 0;
    for (at, field) in schema.fields().iter().enumerate() {
        let header = width(field.name()).max(width(&type_of(field)));
        used += header.min(NARROWEST_CELL) + if at == 0 { 0 } else { GAP };
        if used > columns {
            return at.max(1);
        }
    }
    schema.fields().len()
}

/// A [`Grid`] of entries: field names and types on top, one row per entry.
#[derive(Debug)]
pub struct EntryTable {
    grid: Grid,
}

impl EntryTable {
    /// An empty table for the fields of `schema`. Under each name stands the C++ type, or Arrow's where there is none.
    #[must_use]
    pub fn new(schema: &Schema) -> Self {
        let (mut names, mut types, mut right) = (Vec::new(), Vec::new(), Vec::new());
        for field in schema.fields() {
            names.push(short(field.name()));
            types.push(short(&type_of(field)));
            right.push(is_number(field.data_type()));
        }
        Self { grid: Grid { header: vec![names, types], right, ..Grid::default() } }
    }

    /// Appends every entry of `batch`, which must have the fields of the schema that [`EntryTable::new`] was given.
    ///
    /// # Errors
    /// [`Error::UnsupportedArrow`](crate::error::Error::UnsupportedArrow) for an Arrow type that no RNTuple field
    /// maps to.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        let columns = batch.schema_ref().fields().iter().zip(batch.columns());
        let columns = columns.map(|(field, array)| Cells::new(field, array)).collect::<Result<Vec<_>>>()?;
        let mut cell = Vec::new();
        for row in 0..batch.num_rows() {
            let line = columns.iter().map(|column| {
                cell.clear();
                column.write_plain(row, &mut cell);
                if cell.len() > CELL_BYTES {
                    cell.truncate(CELL_BYTES);
                    cell.extend_from_slice("…".as_bytes());
                }
                // Cutting may have split a character, which is shown as the replacement character if at all.
                short(&String::from_utf8_lossy(&cell))
            });
            let line = line.collect();
            self.grid.rows.push(line);
        }
        Ok(())
    }

    /// The table as text, each line at most `columns` wide where columns are given.
    #[must_use]
    pub fn render(&self, columns: Option<usize>) -> String {
        self.grid.render(columns)
    }
}

/// `text` as it may stand in a cell.
fn short(text: &str) -> String {
    cut(&printable(text), WIDEST_CELL).into_owned()
}

/// The C++ type of a field; what stands for it below untyped records and collections.
fn type_of(field: &Field) -> Cow<'_, str> {
    match (field.metadata().get("rntuple.type").map(String::as_str), field.data_type()) {
        (Some(name), _) if !name.is_empty() => Cow::Borrowed(name),
        (_, DataType::Struct(_)) => Cow::Borrowed("(record)"),
        (_, DataType::List(_) | DataType::LargeList(_)) => Cow::Borrowed("(collection)"),
        (_, other) => Cow::Owned(other.to_string()),
    }
}

fn is_number(data_type: &DataType) -> bool {
    data_type.is_numeric()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;

    use super::*;
    use arrow::array::{ArrayRef, Int32Array, StringArray};

    fn table(columns: Vec<(&str, &str, ArrayRef)>, width: Option<usize>) -> String {
        let fields = columns.iter().map(|(name, written, array)| {
            let metadata = HashMap::from([("rntuple.type".to_owned(), (*written).to_owned())]);
            Field::new(*name, array.data_type().clone(), true).with_metadata(metadata)
        });
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let columns = columns.into_iter().map(|(_, _, array)| array).collect();
        let mut table = EntryTable::new(&schema);
        table.add(&RecordBatch::try_new(schema, columns).unwrap()).unwrap();
        table.render(width)
    }

    #[test]
    fn columns_are_aligned_under_name_and_type() {
        let text = table(
            vec![
                ("n", "std::int32_t", Arc::new(Int32Array::from(vec![Some(1), None, Some(-300)]))),
                ("name", "std::string", Arc::new(StringArray::from(vec!["µ", "", "a\u{1b}[1mb"]))),
            ],
            None,
        );
        assert_eq!(
            text,
            concat!(
                "           n  name\n",
                "std::int32_t  std::string\n",
                "────────────  ───────────\n",
                "           1  µ\n",
                "\n",
                "        -300  a\\u{1b}[1mb\n",
            )
        );
    }

    #[test]
    fn lines_end_with_the_terminal() {
        let long = "0123456789".repeat(100);
        let columns = |width| {
            let long: ArrayRef = Arc::new(StringArray::from(vec![long.as_str()]));
            let short: ArrayRef = Arc::new(StringArray::from(vec!["abc"]));
            table(vec![("a", "t", long.clone()), ("b", "t", short), ("c", "t", long)], width)
        };
        for room in 12..200 {
            let text = columns(Some(room));
            let widest = text.lines().map(width).max().unwrap();
            assert!(widest <= room, "{room}: {widest}");
            // Room is used: only a remainder too small for one more column each, or the cap on cells, leaves some.
            assert!(widest + 2 >= room.min(2 * WIDEST_CELL + 3 + 2 * GAP), "{room}: {widest}");
            if room > 20 {
                assert!(text.contains("  abc  "), "a short column is not cut while long ones can be: {text}");
            }
            assert!(text.contains('…'));
        }
        assert_eq!(columns(None).lines().map(width).max(), Some(2 * WIDEST_CELL + 3 + 2 * GAP));
    }

    #[test]
    fn fields_that_do_not_fit_are_counted() {
        let names = ["a", "bb", "a_long_name", "d"];
        let schema = Schema::new(names.map(|name| Field::new(name, DataType::Int8, false)).to_vec());
        // Widths 4 (the type, Int8), 4, 11, 4, and gaps of 2.
        assert_eq!(fields_that_fit(&schema, 29), 4);
        assert_eq!(fields_that_fit(&schema, 28), 3);
        assert_eq!(fields_that_fit(&schema, 23), 3);
        assert_eq!(fields_that_fit(&schema, 22), 2);
        assert_eq!(fields_that_fit(&schema, 0), 1);
        assert_eq!(fields_that_fit(&Schema::empty(), 0), 0);
    }

    #[test]
    fn grids_have_titles_and_rules() {
        let mut grid = Grid::new(["name", ">size"]);
        grid.row(["a".to_owned(), "1".to_owned()]);
        grid.rule();
        grid.row(["all".to_owned(), "1000".to_owned()]);
        assert_eq!(grid.render(None), "name  size\n────  ────\na        1\n────  ────\nall   1000\n");
    }
}
