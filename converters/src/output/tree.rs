//! Trees for people: a label per node, guides in front of it, details in aligned columns behind it.

use super::text::{printable, width};

/// One node of a tree.
#[derive(Debug, Default)]
pub(crate) struct Branch {
    /// What the guides lead to.
    pub label: String,
    /// Cells behind the label, aligned over the whole tree. Trailing empty ones are not padded.
    pub details: Vec<String>,
    /// Lines of their own below the node.
    pub notes: Vec<String>,
    /// The nodes below.
    pub children: Vec<Branch>,
}

/// The forest as text, one line per node and note.
pub(crate) fn render(roots: &[Branch]) -> String {
    let mut lines = Vec::new();
    for root in roots {
        collect(root, "", "", &mut lines);
    }
    let mut widths: Vec<usize> = Vec::new();
    for (cells, _) in &lines {
        widths.resize(widths.len().max(cells.len()), 0);
        for (widest, cell) in widths.iter_mut().zip(cells) {
            *widest = width(cell).max(*widest);
        }
    }
    let mut text = String::new();
    for (cells, notes) in &lines {
        let mut line = String::new();
        for (cell, widest) in cells.iter().zip(&widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', widest - width(cell) + 2));
        }
        text.push_str(line.trim_end());
        text.push('\n');
        for note in notes {
            text.push_str(note);
            text.push('\n');
        }
    }
    text
}

/// The cells of a node's line, then its notes, ready to be printed.
type Line = (Vec<String>, Vec<String>);

fn collect(branch: &Branch, before: &str, below: &str, lines: &mut Vec<Line>) {
    let mut cells = vec![format!("{before}{}", printable(&branch.label))];
    cells.extend(branch.details.iter().map(|detail| printable(detail).into_owned()));
    let guide = if branch.children.is_empty() { "    " } else { "│   " };
    let notes = branch.notes.iter().map(|note| format!("{below}{guide}{}", printable(note)));
    lines.push((cells, notes.collect()));
    let mut children = branch.children.iter().peekable();
    while let Some(child) = children.next() {
        let (elbow, guide) = if children.peek().is_some() { ("├─ ", "│  ") } else { ("└─ ", "   ") };
        collect(child, &format!("{below}{elbow}"), &format!("{below}{guide}"), lines);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn branch(label: &str, details: &[&str], notes: &[&str], children: Vec<Branch>) -> Branch {
        let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Branch { label: label.to_owned(), details: own(details), notes: own(notes), children }
    }

    #[test]
    fn guides_and_columns() {
        let leaf = |label: &str| branch(label, &["t", "e"], &[], Vec::new());
        let deep = branch("deep", &["vector"], &["a note"], vec![leaf("_0")]);
        let last = branch("last", &["x"], &["no\nbreak"], Vec::new());
        let roots = [branch("root", &["class"], &["about"], vec![leaf("x"), deep, last]), leaf("µ")];
        assert_eq!(
            render(&roots),
            concat!(
                "root      class\n",
                "│   about\n",
                "├─ x      t       e\n",
                "├─ deep   vector\n",
                "│  │   a note\n",
                "│  └─ _0  t       e\n",
                "└─ last   x\n",
                "       no\\nbreak\n",
                "µ         t       e\n",
            )
        );
    }
}
