//! Which fields to read: paths and patterns.

use std::cell::RefCell;

use crate::error::{Error, Result};
use crate::schema::{Field, Schema};

/// A choice of fields, by patterns over their paths.
///
/// A path is the names from the top level down, joined by dots. The `_0` of collection items, array elements,
/// optionals, atomics and enums may be left out: `event.particles.x` is `event.particles._0.x`. In a pattern `*`
/// stands for any characters within one name, `**` for any characters and `?` for one character. A field that
/// matches is read with everything below it.
#[derive(Debug, Clone, Default)]
pub struct Projection {
    patterns: Option<Vec<String>>,
}

impl Projection {
    /// Every field that this version can read.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// The fields that match one of the patterns.
    pub fn patterns<S: Into<String>>(patterns: impl IntoIterator<Item = S>) -> Self {
        Self { patterns: Some(patterns.into_iter().map(Into::into).collect()) }
    }

    pub(super) fn matcher(&self) -> Matcher<'_> {
        let hits = RefCell::new(vec![false; self.patterns.as_ref().map_or(0, Vec::len)]);
        Matcher { patterns: self.patterns.as_deref(), hits }
    }
}

/// Path of a field in both spellings.
#[derive(Debug, Clone)]
pub(super) struct Path {
    pub(super) full: String,
    short: String,
}

impl Path {
    pub(super) fn top(name: &str) -> Self {
        Self { full: name.to_owned(), short: name.to_owned() }
    }

    /// The path of a subfield; `item`: the subfield is the `_0` that may be left out.
    pub(super) fn child(&self, name: &str, item: bool) -> Self {
        let full = format!("{}.{name}", self.full);
        let short = if item { self.short.clone() } else { format!("{}.{name}", self.short) };
        Self { full, short }
    }
}

pub(super) struct Matcher<'a> {
    patterns: Option<&'a [String]>,
    /// Which patterns matched something.
    hits: RefCell<Vec<bool>>,
}

impl Matcher<'_> {
    pub(super) fn matches(&self, path: &Path) -> bool {
        let Some(patterns) = self.patterns else { return true };
        let mut any = false;
        for (pattern, hit) in patterns.iter().zip(self.hits.borrow_mut().iter_mut()) {
            if glob(pattern.as_bytes(), path.full.as_bytes()) || glob(pattern.as_bytes(), path.short.as_bytes()) {
                *hit = true;
                any = true;
            }
        }
        any
    }

    /// Whether a pattern could match a top-level field or something below it.
    pub(super) fn reaches(&self, field: &str) -> bool {
        self.patterns.is_none_or(|patterns| {
            patterns.iter().any(|pattern| {
                let first = pattern.split('.').next().unwrap_or_default();
                first.contains("**") || glob(first.as_bytes(), field.as_bytes())
            })
        })
    }

    /// Whether a pattern names this path, or one below it, without wildcards.
    pub(super) fn names(&self, field: &str) -> bool {
        self.patterns
            .into_iter()
            .flatten()
            .any(|pattern| !pattern.contains(['*', '?']) && pattern.split('.').next() == Some(field))
    }

    /// Marks the patterns that name a top-level field by its first part, so that they do not count as unmatched.
    pub(super) fn mark(&self, field: &str) {
        for (pattern, hit) in self.patterns.into_iter().flatten().zip(self.hits.borrow_mut().iter_mut()) {
            *hit |= pattern.split('.').next().is_some_and(|first| glob(first.as_bytes(), field.as_bytes()));
        }
    }

    /// An error for the first pattern that matched nothing.
    pub(super) fn check(&self, schema: &Schema) -> Result<()> {
        for (pattern, hit) in self.patterns.into_iter().flatten().zip(self.hits.borrow().iter()) {
            if !hit {
                return Err(Error::NoSuchField { pattern: pattern.clone(), hint: hint(schema, pattern) });
            }
        }
        Ok(())
    }
}

/// Whether `pattern` matches all of `text`: `*` within a name, `**` over names, `?` one byte.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match pattern {
        [] => text.is_empty(),
        [b'*', b'*', rest @ ..] => (0..=text.len()).any(|i| text.get(i..).is_some_and(|text| glob(rest, text))),
        [b'*', rest @ ..] => {
            let end = text.iter().position(|&c| c == b'.').unwrap_or(text.len());
            (0..=end).any(|i| text.get(i..).is_some_and(|text| glob(rest, text)))
        }
        [b'?', rest @ ..] => text.split_first().is_some_and(|(&c, text)| c != b'.' && glob(rest, text)),
        [c, rest @ ..] => text.split_first().is_some_and(|(d, text)| c == d && glob(rest, text)),
    }
}

/// Up to three top-level names that come close to what was asked for.
fn hint(schema: &Schema, pattern: &str) -> String {
    let asked = pattern.split('.').next().unwrap_or(pattern).to_lowercase();
    let mut near: Vec<(usize, &Field)> = schema
        .top_level()
        .map(|field| (distance(&asked, &field.name.to_lowercase()), field))
        .filter(|(d, field)| *d <= 2.max(asked.len() / 3) || field.name.to_lowercase().starts_with(&asked))
        .collect();
    near.sort_by_key(|(d, _)| *d);
    match near.iter().take(3).map(|(_, field)| format!("'{}'", field.name)).collect::<Vec<_>>().join(", ") {
        names if names.is_empty() => String::new(),
        names => format!("; did you mean {names}?"),
    }
}

/// Edit distance, of names cut to a length where it is cheap.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().take(64).collect());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut left = i + 1;
        let mut diagonal = i;
        for (y, cell) in b.iter().zip(row.iter_mut().skip(1)) {
            let best = (diagonal + usize::from(x != y)).min(left + 1).min(*cell + 1);
            diagonal = std::mem::replace(cell, best);
            left = best;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        for (pattern, text, want) in [
            ("Muon_*", "Muon_pt", true),
            ("Muon_*", "nMuon", false),
            ("*", "a.b", false),
            ("**", "a.b", true),
            ("a.*.c", "a.b.c", true),
            ("a.*.c", "a.b.b.c", false),
            ("a.**.c", "a.b.b.c", true),
            ("?uon", "Muon", true),
            ("?uon", "Moon", false),
            ("", "", true),
            ("a", "ab", false),
        ] {
            assert_eq!(glob(pattern.as_bytes(), text.as_bytes()), want, "{pattern} on {text}");
        }
    }

    #[test]
    fn distances() {
        assert_eq!(distance("muon_pt", "muon_pt"), 0);
        assert_eq!(distance("muon_tp", "muon_pt"), 2);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
