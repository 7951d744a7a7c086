//! `rntuple stat --html`: one page for a browser, which needs nothing else.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use rntuple_core::schema::{Column, ColumnId, ColumnType, Field, FieldId, Schema};
use rntuple_io::NTuple;

use super::sizes::{Layout, Sizes, power_of_bytes};
use super::treemap::{Area, Cell, cells};
use super::{Line, Total, compression, share};
use crate::commands::schema::{encoding, type_text};
use crate::commands::version;
use crate::error::{Error, Result};
use crate::output::text::{bytes, count, counted, printable, ratio, to_f64};
use crate::transport::Output;

/// Rows of a table, at most; the largest are shown.
const ROWS: usize = 500;
/// Fields of the tree that are folded into one, where there are more of them side by side.
const FOLD: usize = 200;
/// Below this depth nothing is drawn.
const DEPTH: usize = 60;

/// Everything on the page.
pub(super) struct Report<'a> {
    pub(super) ntuple: &'a NTuple,
    pub(super) lines: &'a [Line<'a>],
    pub(super) by_field: &'a [(String, Total)],
    pub(super) total: Total,
    pub(super) layout: &'a Layout,
}

impl Report<'_> {
    /// Writes the page. Gives its size.
    pub(super) fn write(&self, out: &Path) -> Result<u64> {
        let mut file = Output::create(out)?;
        let written = file.write_all(self.page().as_bytes());
        written.map_err(|source| Error::Io { file: file.name().to_owned(), source })?;
        file.finish()
    }

    fn page(&self) -> String {
        let name = escape(self.ntuple.name()).into_owned();
        let mut page = format!(
            concat!(
                "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
                "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
                "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; ",
                "style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n",
                "<link rel=\"icon\" href=\"data:,\">\n",
                "<title>{}: storage</title>\n<style>\n{}</style>\n</head>\n<body>\n"
            ),
            name,
            include_str!("report.css"),
        );
        self.head(&mut page, &name);
        page += "<main>\n";
        self.map(&mut page);
        self.fields(&mut page);
        self.columns(&mut page);
        self.sizes(&mut page);
        self.encodings(&mut page);
        self.tree(&mut page);
        let _ = write!(
            page,
            "</main>\n<footer>Stored bytes are those of compressed pages without checksums; a page that is shared counts \
             once. Written by rntuple {}.</footer>\n<script>\n{}</script>\n</body>\n</html>\n",
            env!("CARGO_PKG_VERSION"),
            include_str!("report.js")
        );
        page
    }

    fn head(&self, page: &mut String, name: &str) {
        let ntuple = self.ntuple;
        let _ = write!(page, "<header>\n<h1>{name}</h1>\n<p class=\"file\">{}</p>\n", escape(ntuple.file_name()));
        if !ntuple.description().is_empty() {
            let _ = writeln!(page, "<p>{}</p>", escape(ntuple.description()));
        }
        let mut settings: BTreeMap<u32, u64> = BTreeMap::new();
        for line in self.lines {
            for setting in &line.stat.compression {
                *settings.entry(*setting).or_default() += line.stat.raw_bytes;
            }
        }
        let mut settings: Vec<(u32, u64)> = settings.into_iter().collect();
        settings.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
        let settings: Vec<String> = settings.iter().take(4).map(|(setting, _)| compression(*setting)).collect();
        let facts = [
            ("entries", count(ntuple.entries())),
            ("stored", bytes(self.total.stored)),
            ("before compression", bytes(self.total.raw)),
            ("compression ratio", ratio(self.total.raw, self.total.stored)),
            ("fields", count(self.by_field.len() as u64)),
            ("columns", count(self.total.columns)),
            ("clusters", count(ntuple.cluster_count())),
            ("pages", count(self.total.pages)),
            ("compression", settings.join(", ")),
            ("format", version(ntuple.format_version())),
            ("written by", ntuple.writer().to_owned()),
        ];
        *page += "<dl>\n";
        for (what, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
            let _ = writeln!(page, "<div><dt>{what}</dt><dd>{}</dd></div>", escape(value));
        }
        *page += "</dl>\n</header>\n";
    }

    fn map(&self, page: &mut String) {
        let fields = self.ntuple.schema();
        let stored: HashMap<ColumnId, u64> =
            self.lines.iter().map(|line| (line.stat.column, line.stat.stored_bytes)).collect();
        let areas = fields.top_level().map(|field| area(fields, field, &stored, 0)).collect();
        let cells = cells(areas);
        *page += "<section>\n<h2>Where the bytes are</h2>\n";
        if cells.is_empty() {
            *page += "<p>No column has any pages.</p>\n</section>\n";
            return;
        }
        let _ = writeln!(
            page,
            "<div id=\"map\" role=\"img\" aria-label=\"Map of the storage by field; the tables below have the same \
             numbers\" data-bytes=\"{}\">",
            self.total.stored
        );
        for cell in &cells {
            self.cell(page, cell);
        }
        *page += "</div>\n<ul class=\"legend\" aria-hidden=\"true\">";
        for (class, what) in CLASSES {
            if cells.iter().any(|cell| !cell.outline && cell.class == class) {
                let _ = write!(page, "<li><i class=\"{class}\"></i>{what}</li>");
            }
        }
        *page += "</ul>\n</section>\n";
    }

    fn cell(&self, page: &mut String, cell: &Cell) {
        let Cell { rect, path, bytes: size, class, outline } = cell;
        let percent = |part: f64| format!("{:.4}%", part * 100.0);
        let place = format!(
            "left:{};top:{};width:{};height:{}",
            percent(rect.x),
            percent(rect.y),
            percent(rect.width),
            percent(rect.height)
        );
        if *outline {
            let _ = writeln!(page, "<div class=\"outline\" style=\"{place}\"></div>");
            return;
        }
        let path = escape(path);
        let part = share(*size, self.total.stored);
        // Where the text has no room, it is only in the way.
        let text = if rect.width > 0.035 && rect.height > 0.035 {
            format!("<b>{path}</b><span>{}</span>", bytes(*size))
        } else {
            String::new()
        };
        let title = format!("{path}: {}, {part}", bytes(*size));
        let _ = writeln!(
            page,
            "<div class=\"cell {class}\" data-bytes=\"{size}\" style=\"{place}\" title=\"{title}\">{text}</div>"
        );
    }

    fn fields(&self, page: &mut String) {
        let mut rows: Vec<&(String, Total)> = self.by_field.iter().filter(|(_, sum)| sum.columns > 0).collect();
        rows.sort_by_key(|(_, sum)| std::cmp::Reverse(sum.stored));
        let most = rows.first().map_or(0, |(_, sum)| sum.stored);
        let projected = self.by_field.len() - rows.len();
        *page += "<section>\n<h2>Fields</h2>\n";
        if projected > 0 {
            let _ = writeln!(
                page,
                "<p class=\"note\">{} projected, and have no columns of their own.</p>",
                counted(projected as u64, "field is", "fields are")
            );
        }
        let rest: Vec<u64> = rows.iter().skip(ROWS).map(|(_, sum)| sum.stored).collect();
        table_head(page, &["field", "#stored", "#share", "#before", "#ratio", "#pages", "#columns"], rows.len());
        for (field, sum) in rows.iter().take(ROWS) {
            let _ = write!(page, "<tr><th scope=\"row\">{}</th>", escape(field));
            size_cell(page, sum.stored, most);
            number_cell(page, to_f64(sum.stored), &share(sum.stored, self.total.stored));
            number_cell(page, to_f64(sum.raw), &bytes(sum.raw));
            ratio_cell(page, sum.raw, sum.stored);
            number_cell(page, to_f64(sum.pages), &count(sum.pages));
            number_cell(page, to_f64(sum.columns), &count(sum.columns));
            *page += "</tr>\n";
        }
        table_foot(page, &rest, "fields");
        *page += "</section>\n";
    }

    fn columns(&self, page: &mut String) {
        let mut rows: Vec<&Line<'_>> = self.lines.iter().collect();
        rows.sort_by_key(|line| std::cmp::Reverse(line.stat.stored_bytes));
        let most = rows.first().map_or(0, |line| line.stat.stored_bytes);
        let rest: Vec<u64> = rows.iter().skip(ROWS).map(|line| line.stat.stored_bytes).collect();
        *page += "<section>\n<h2>Columns</h2>\n";
        let titles =
            ["column of", "encoding", "#bits", "#ratio", "#stored", "#before", "#elements", "#pages", "compression"];
        table_head(page, &titles, rows.len());
        for Line { path, column, stat } in rows.into_iter().take(ROWS) {
            let _ = write!(page, "<tr><th scope=\"row\">{}", escape(path));
            if column.representation > 0 {
                let _ = write!(page, " <small>representation {}</small>", column.representation);
            }
            let _ = write!(page, "</th><td><code>{}</code></td>", escape(&encoding(column)));
            number_cell(page, column.bits.into(), &column.bits.to_string());
            ratio_cell(page, stat.raw_bytes, stat.stored_bytes);
            size_cell(page, stat.stored_bytes, most);
            number_cell(page, to_f64(stat.raw_bytes), &bytes(stat.raw_bytes));
            number_cell(page, to_f64(stat.elements), &count(stat.elements));
            number_cell(page, to_f64(stat.pages), &count(stat.pages));
            let settings: Vec<String> = stat.compression.iter().map(|setting| compression(*setting)).collect();
            let _ = writeln!(page, "<td>{}</td></tr>", escape(&settings.join(", ")));
        }
        table_foot(page, &rest, "columns");
        *page += "</section>\n";
    }

    fn sizes(&self, page: &mut String) {
        let figure = |page: &mut String, title: &str, sizes: &Sizes, label: fn(u64) -> String, mean: String| {
            let svg = sizes.svg(title, label);
            let _ = writeln!(
                page,
                "<figure><figcaption>{title}<small>{}, {mean} on average</small></figcaption>\
                 <div class=\"scroll\" tabindex=\"0\">{svg}</div></figure>",
                count(sizes.count)
            );
        };
        let mean = |sizes: &Sizes| sizes.sum.checked_div(sizes.count).unwrap_or(0);
        let Layout { pages, clusters, cluster_entries, .. } = self.layout;
        *page += "<section>\n<h2>Pages and clusters</h2>\n<p class=\"note\">How many there are of each size; a bar \
                  stands for sizes from what is written below it up to twice as much. Bytes are as they are stored.</p>\n<div class=\"figures\">\n";
        figure(page, "Pages", pages, power_of_bytes, bytes(mean(pages)));
        figure(page, "Clusters", clusters, power_of_bytes, bytes(mean(clusters)));
        let entries = counted(mean(cluster_entries), "entry", "entries");
        figure(page, "Entries of clusters", cluster_entries, count, entries);
        *page += "</div>\n</section>\n";
    }

    fn encodings(&self, page: &mut String) {
        let mut sums: BTreeMap<String, Total> = BTreeMap::new();
        for line in self.lines {
            *sums.entry(line.column.kind.to_string()).or_default() += line.stat;
        }
        let mut rows: Vec<(String, Total)> = sums.into_iter().collect();
        rows.sort_by_key(|(_, sum)| std::cmp::Reverse(sum.stored));
        let most = rows.first().map_or(0, |(_, sum)| sum.stored);
        *page += "<section>\n<h2>Encodings</h2>\n";
        table_head(page, &["encoding", "#columns", "#stored", "#share", "#before", "#ratio"], 0);
        for (kind, sum) in &rows {
            let _ = write!(page, "<tr><th scope=\"row\"><code>{}</code></th>", escape(kind));
            number_cell(page, to_f64(sum.columns), &count(sum.columns));
            size_cell(page, sum.stored, most);
            number_cell(page, to_f64(sum.stored), &share(sum.stored, self.total.stored));
            number_cell(page, to_f64(sum.raw), &bytes(sum.raw));
            ratio_cell(page, sum.raw, sum.stored);
            *page += "</tr>\n";
        }
        table_foot(page, &[], "");
        *page += "</section>\n";
    }

    fn tree(&self, page: &mut String) {
        let fields = self.ntuple.schema();
        let mut stored: HashMap<FieldId, u64> = HashMap::new();
        for line in self.lines {
            // What a field takes, all those above it take, too.
            let mut at = Some(line.column.field);
            for _ in 0..DEPTH {
                let Some(id) = at else { break };
                let sum = stored.entry(id).or_default();
                *sum = sum.saturating_add(line.stat.stored_bytes);
                at = fields.field(id).and_then(|field| field.parent);
            }
        }
        let top: Vec<&Field> = fields.top_level().collect();
        *page += "<section>\n<h2>Schema</h2>\n<div class=\"tree\">\n";
        if top.len() <= FOLD {
            *page += "<ul>\n";
            top.iter().for_each(|field| branch(page, fields, field, &stored, 0));
            *page += "</ul>\n";
        } else {
            for (part, chunk) in top.chunks(FOLD).enumerate() {
                let first = part * FOLD + 1;
                let last = first + chunk.len() - 1;
                let _ = write!(page, "<details><summary>fields {first} to {last}</summary>\n<ul>\n");
                chunk.iter().for_each(|field| branch(page, fields, field, &stored, 0));
                *page += "</ul>\n</details>\n";
            }
        }
        *page += "</div>\n</section>\n";
    }
}

/// Classes of cells, with what they stand for.
const CLASSES: [(&str, &str); 6] = [
    ("real", "floating-point numbers"),
    ("integer", "integers"),
    ("index", "sizes of collections"),
    ("bit", "booleans"),
    ("text", "characters and bytes"),
    ("other", "several fields"),
];

fn class(column: &Column) -> &'static str {
    use ColumnType as T;
    match column.kind {
        kind if kind.is_index() => "index",
        T::Switch => "index",
        T::Bit => "bit",
        T::Char | T::Byte => "text",
        T::Real16 | T::Real32 | T::Real64 | T::Real32Trunc | T::Real32Quant | T::SplitReal32 | T::SplitReal64 => "real",
        _ => "integer",
    }
}

/// A field of the map, with those below it. Its own columns stand beside them.
fn area(fields: &Schema, field: &Field, stored: &HashMap<ColumnId, u64>, depth: usize) -> Area {
    // Those of a projected field are its source's.
    let columns = field.columns.iter().filter(|_| field.source.is_none()).filter_map(|id| fields.column(*id));
    let columns: Vec<(&Column, u64)> =
        columns.map(|column| (column, stored.get(&column.id).copied().unwrap_or(0))).collect();
    let own = columns.iter().fold(0_u64, |sum, (_, bytes)| sum.saturating_add(*bytes));
    let path = fields.path(field.id);
    let class = columns.iter().max_by_key(|(_, bytes)| *bytes).map_or("other", |(column, _)| class(column));
    let children: Vec<Area> = if depth < DEPTH {
        fields.children(field).map(|child| area(fields, child, stored, depth + 1)).collect()
    } else {
        Vec::new()
    };
    let below = children.iter().fold(0_u64, |sum, child| sum.saturating_add(child.bytes));
    if below == 0 {
        return Area { path, bytes: own, class, children: Vec::new() };
    }
    let mut all = children;
    if own > 0 {
        all.push(Area { path: path.clone(), bytes: own, class, children: Vec::new() });
    }
    Area { path, bytes: own.saturating_add(below), class: "other", children: all }
}

fn branch(page: &mut String, fields: &Schema, field: &Field, stored: &HashMap<FieldId, u64>, depth: usize) {
    let mut line = format!("<b>{}</b> <span class=\"type\">{}</span>", escape(&field.name), escape(&type_text(field)));
    match field.source {
        Some(source) => {
            let _ = write!(line, " <span class=\"note\">projection of {}</span>", escape(&fields.path(source)));
        }
        None => {
            let encodings: Vec<String> = fields
                .representations(field)
                .map(|ids| {
                    let columns = ids.iter().filter_map(|id| fields.column(*id)).map(encoding);
                    columns.collect::<Vec<_>>().join(" + ")
                })
                .collect();
            if !encodings.is_empty() {
                let _ = write!(line, " <code>{}</code>", escape(&encodings.join(" | ")));
            }
        }
    }
    if let Some(size) = stored.get(&field.id) {
        let _ = write!(line, " <span class=\"size\">{}</span>", bytes(*size));
    }
    if !field.description.is_empty() {
        let _ = write!(line, " <span class=\"note\">{}</span>", escape(&field.description));
    }
    if field.children.is_empty() || depth >= DEPTH {
        let _ = writeln!(page, "<li>{line}</li>");
        return;
    }
    let _ = write!(page, "<li><details><summary>{line}</summary>\n<ul>\n");
    for child in fields.children(field) {
        branch(page, fields, child, stored, depth + 1);
    }
    *page += "</ul>\n</details></li>\n";
}

/// Starts a table. `#` in front of a title is a column of numbers; tables of many rows can be searched.
fn table_head(page: &mut String, titles: &[&str], rows: usize) {
    if rows > 12 {
        *page += "<input type=\"search\" placeholder=\"Search\" aria-label=\"Search the table\">\n";
    }
    *page += "<div class=\"scroll\" tabindex=\"0\"><table>\n<thead><tr>";
    for title in titles {
        let (class, title) = title.strip_prefix('#').map_or(("", *title), |title| (" class=\"number\"", title));
        let _ = write!(page, "<th scope=\"col\"{class}><button type=\"button\">{title}</button></th>");
    }
    *page += "</tr></thead>\n<tbody>\n";
}

fn table_foot(page: &mut String, rest: &[u64], what: &str) {
    *page += "</tbody></table></div>\n";
    if !rest.is_empty() {
        let sum = rest.iter().fold(0_u64, |sum, bytes| sum.saturating_add(*bytes));
        let _ = writeln!(
            page,
            "<p class=\"note\">{} more {what} are not shown; together they take {}.</p>",
            count(rest.len() as u64),
            bytes(sum)
        );
    }
}

fn number_cell(page: &mut String, value: f64, text: &str) {
    let _ = write!(page, "<td class=\"number\" data-value=\"{value}\">{text}</td>");
}

/// A number of bytes with a bar, compared to the largest one.
fn size_cell(page: &mut String, size: u64, most: u64) {
    let part = if most == 0 { 0.0 } else { to_f64(size) / to_f64(most) * 100.0 };
    let _ = write!(
        page,
        "<td class=\"number bar\" data-value=\"{size}\"><i style=\"width:{part:.1}%\"></i><span>{}</span></td>",
        bytes(size)
    );
}

fn ratio_cell(page: &mut String, raw: u64, stored: u64) {
    let value = if stored == 0 { 0.0 } else { to_f64(raw) / to_f64(stored) };
    number_cell(page, value, &ratio(raw, stored).replace('x', "×"));
}

/// Text from a file, as it may stand on a page, in quotes, too.
fn escape(text: &str) -> Cow<'_, str> {
    let text = printable(text);
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return text;
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            c => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_a_file_are_no_markup() {
        assert_eq!(escape("a<script>\"'&\u{1b}\n"), "a&lt;script&gt;&quot;&#39;&amp;\\u{1b}\\n");
        assert!(matches!(escape("Muon_pt"), Cow::Borrowed("Muon_pt")));
    }
}
