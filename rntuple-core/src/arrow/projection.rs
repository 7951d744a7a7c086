//! Which fields to read: paths and patterns.

use std::cell::RefCell;

use crate::error::{Error, Result};
use crate::schema::{Field, Schema};

/// A choice of fields, by patterns over their paths.
///
/// A path is the names from the top level down, joined by dots. The `_0` of collection items, array elements,
/// optionals, atomics and enums may be left out: `event.particles.x` is `event.particles._0.x`. In a name, `*` stands
/// for any characters and `?` for one; `**` in place of a name stands for any number of names. A field that matches is
/// read with everything below it.
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

    /// Whether it chooses the field of this path, or one above it: the names from the top level down, each with whether
    /// it is a `_0` that may be left out.
    ///
    /// ```
    /// use rntuple_core::arrow::Projection;
    ///
    /// let path = [("Muon", false), ("_0", true), ("pt", false)];
    /// assert!(Projection::patterns(["Muon.p*"]).chooses(&path));
    /// assert!(Projection::patterns(["Muon"]).chooses(&path));
    /// assert!(!Projection::patterns(["Muon.eta"]).chooses(&path));
    /// ```
    #[must_use]
    pub fn chooses(&self, path: &[(&str, bool)]) -> bool {
        self.patterns.as_ref().is_none_or(|patterns| {
            patterns.iter().any(|pattern| {
                let pattern: Vec<&str> = pattern.split('.').collect();
                (1..=path.len()).any(|n| path_matches(&pattern, path.get(..n).unwrap_or_default()))
            })
        })
    }

    /// Whether it could choose a top-level field of this name, or something below it.
    #[must_use]
    pub fn reaches(&self, name: &str) -> bool {
        self.matcher().reaches(name)
    }

    pub(super) fn matcher(&self) -> Matcher<'_> {
        let hits = RefCell::new(vec![false; self.patterns.as_ref().map_or(0, Vec::len)]);
        Matcher { patterns: self.patterns.as_deref(), hits }
    }
}

/// Path of a field: its name, and those above it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Path<'a> {
    above: Option<&'a Path<'a>>,
    name: &'a str,
    /// Whether this is the `_0` that may be left out.
    item: bool,
}

impl<'a> Path<'a> {
    pub(super) fn top(name: &'a str) -> Self {
        Self { above: None, name, item: false }
    }

    pub(super) fn child(&'a self, name: &'a str, item: bool) -> Self {
        Self { above: Some(self), name, item }
    }

    /// The names from the top level down, each with whether it may be left out.
    fn names(&self) -> Vec<(&'a str, bool)> {
        let mut names = self.above.map(Path::names).unwrap_or_default();
        names.push((self.name, self.item));
        names
    }

    /// The whole path.
    pub(super) fn full(&self) -> String {
        self.names().iter().map(|(name, _)| *name).collect::<Vec<_>>().join(".")
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
        let names = path.names();
        let mut any = false;
        for (pattern, hit) in patterns.iter().zip(self.hits.borrow_mut().iter_mut()) {
            if path_matches(&pattern.split('.').collect::<Vec<_>>(), &names) {
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
                first == "**" || glob(first.as_bytes(), field.as_bytes())
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

/// Whether the names of a pattern match all names of a path.
fn path_matches(pattern: &[&str], names: &[(&str, bool)]) -> bool {
    let Some((&(name, item), below)) = names.split_first() else {
        return pattern.iter().all(|&name| name == "**");
    };
    match pattern {
        ["**", rest @ ..] => path_matches(rest, names) || path_matches(pattern, below),
        [first, rest @ ..] if glob(first.as_bytes(), name.as_bytes()) && path_matches(rest, below) => true,
        _ => item && path_matches(pattern, below),
    }
}

/// Whether `pattern` matches all of a name: `*` any characters, `?` one.
fn glob(pattern: &[u8], name: &[u8]) -> bool {
    match pattern {
        [] => name.is_empty(),
        [b'*', rest @ ..] => (0..=name.len()).any(|i| name.get(i..).is_some_and(|name| glob(rest, name))),
        [b'?', rest @ ..] => name.split_first().is_some_and(|(_, name)| {
            // The bytes that continue a UTF-8 character belong to it.
            let more = name.iter().take_while(|&&byte| byte & 0xc0 == 0x80).count();
            glob(rest, name.get(more..).unwrap_or_default())
        }),
        [c, rest @ ..] => name.split_first().is_some_and(|(d, name)| c == d && glob(rest, name)),
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
    fn patterns() {
        // A blank before a name: it is an item, and may be left out.
        let matches = |pattern: &str, path: &str| {
            let names: Vec<(&str, bool)> =
                path.split('.').map(|name| (name.trim_start(), name.starts_with(' '))).collect();
            path_matches(&pattern.split('.').collect::<Vec<_>>(), &names)
        };
        for (pattern, path, want) in [
            ("Muon_*", "Muon_pt", true),
            ("Muon_*", "nMuon", false),
            ("*", "a.b", false),
            ("**", "a.b", true),
            ("a.**", "a", true),
            ("a.*.c", "a.b.c", true),
            ("a.*.c", "a.b.b.c", false),
            ("a.**.c", "a.b.b.c", true),
            ("a.**.c", "a.c", true),
            ("?uon", "Muon", true),
            ("?uon", "Moon", false),
            ("?", "é", true),
            ("??", "é", false),
            ("", "", true),
            ("a", "ab", false),
            ("a.b", "a. _0.b", true),
            ("a._0.b", "a. _0.b", true),
            ("a._0", "a. _0. _0", true),
            ("a.b._0", "a. _0.b. _0", true),
            ("a.b", "a._0.b", false),
        ] {
            assert_eq!(matches(pattern, path), want, "{pattern} on {path}");
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
