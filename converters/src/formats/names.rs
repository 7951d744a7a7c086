//! Names of columns that a field can have.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};

use super::columns::KEY;

/// The name with what fields cannot have in theirs turned into underscores.
pub(crate) fn valid(name: &str) -> Cow<'_, str> {
    let bad = |c: char| c.is_control() || matches!(c, '.' | '/' | '\\' | ' ');
    if name.contains(bad) { Cow::Owned(name.replace(bad, "_")) } else { Cow::Borrowed(name) }
}

/// Names that are valid and differ: an empty one becomes `column_3`, a second `x` becomes `x_2`. `warn` hears of each.
pub(crate) fn distinct(names: &[String], mut warn: impl FnMut(String)) -> Vec<String> {
    let mut taken: HashSet<String> = HashSet::new();
    // Those that need no change keep their names, wherever they stand.
    let whole: HashSet<&str> = names.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
    let mut out = Vec::with_capacity(names.len());
    for (at, name) in names.iter().enumerate() {
        let wanted = if name.is_empty() { format!("column_{}", at + 1) } else { valid(name).into_owned() };
        let free = |candidate: &str| !taken.contains(candidate) && (candidate == name || !whole.contains(candidate));
        let chosen = if free(&wanted) {
            wanted
        } else {
            let numbered = (2..).map(|n: u64| format!("{wanted}_{n}"));
            numbered.into_iter().find(|candidate| free(candidate)).unwrap_or(wanted)
        };
        if chosen != *name {
            let what =
                if name.is_empty() { format!("column {} has no name", at + 1) } else { format!("column {name:?}") };
            warn(format!("{what}: it is called '{chosen}'"));
        }
        taken.insert(chosen.clone());
        out.push(chosen);
    }
    out
}

/// The field, and those below it, with valid names; those that were not remember their JSON keys.
pub(crate) fn fit(field: &FieldRef) -> FieldRef {
    let data_type = match field.data_type() {
        DataType::Struct(members) => DataType::Struct(members.iter().map(fit).collect()),
        DataType::List(item) => DataType::List(fit(item)),
        DataType::LargeList(item) => DataType::LargeList(fit(item)),
        DataType::FixedSizeList(item, size) => DataType::FixedSizeList(fit(item), *size),
        DataType::Map(entries, sorted) => DataType::Map(fit(entries), *sorted),
        other => other.clone(),
    };
    let name = valid(field.name());
    let mut metadata: HashMap<String, String> = field.metadata().clone();
    if name != field.name().as_str() {
        metadata.insert(KEY.to_owned(), field.name().clone());
    }
    Arc::new(Field::new(name, data_type, field.is_nullable()).with_metadata(metadata))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_valid_and_distinct() {
        let names = ["x", "", "x", "a.b", "a_b", "x_2", "Muon pt", "µ"].map(str::to_owned);
        let mut warnings = Vec::new();
        let names = distinct(&names, |warning| warnings.push(warning));
        assert_eq!(names, ["x", "column_2", "x_3", "a_b_2", "a_b", "x_2", "Muon_pt", "µ"]);
        assert_eq!(
            warnings,
            [
                "column 2 has no name: it is called 'column_2'",
                "column \"x\": it is called 'x_3'",
                "column \"a.b\": it is called 'a_b_2'",
                "column \"Muon pt\": it is called 'Muon_pt'",
            ]
        );
    }
}
