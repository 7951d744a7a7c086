//! How ROOT's type system spells C++ types, which is not how RNTuple does.
//!
//! RNTuple writes `std::map<std::string,std::vector<std::int32_t>>`; classes, streamer infos and type checksums know
//! the same type as `map<string,vector<int> >`.

/// Deepest nesting of smart pointers that is spelt out. Each level doubles the text.
const MAX_POINTERS: usize = 4;
/// Longest name in which smart pointers are spelt out at all: looking for their ends takes time.
const MAX_LEN: usize = 4096;

/// What a `std::unique_ptr` becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pointers {
    /// `unique_ptr<T,default_delete<T> >`: the type of a member, in checksums.
    Spelt,
    /// `T*`: what is streamed.
    Bare,
}

/// A type name of RNTuple as ROOT's type system spells it.
pub(super) fn root_name(type_name: &str, pointers: Pointers) -> String {
    let mut out = String::with_capacity(type_name.len());
    let depth = if type_name.len() > MAX_LEN { 0 } else { MAX_POINTERS };
    spell(type_name, pointers, depth, &mut out);
    out
}

fn spell(text: &str, pointers: Pointers, depth: usize, out: &mut String) {
    let mut rest = text.trim();
    while let Some(c) = rest.chars().next() {
        let word_len = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(rest.len());
        if word_len == 0 {
            // Template brackets that close at once are kept apart.
            if c == '>' && out.ends_with('>') {
                out.push(' ');
            }
            out.push(c);
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
            continue;
        }
        let (word, behind) = rest.split_at(word_len);
        rest = behind;
        let argument = behind.strip_prefix('<').filter(|_| word == "std::unique_ptr" && depth > 0);
        if let Some((argument, behind)) = argument.and_then(first_argument) {
            rest = behind;
            let mut inner = String::new();
            spell(argument, pointers, depth - 1, &mut inner);
            out.push_str(&match pointers {
                Pointers::Bare => format!("{inner}*"),
                Pointers::Spelt => {
                    let gap = if inner.ends_with('>') { " " } else { "" };
                    format!("unique_ptr<{inner},default_delete<{inner}{gap}> >")
                }
            });
            continue;
        }
        out.push_str(match word {
            "std::int8_t" => "signed char",
            "std::uint8_t" => "unsigned char",
            "std::int16_t" => "short",
            "std::uint16_t" => "unsigned short",
            "std::int32_t" => "int",
            "std::uint32_t" => "unsigned int",
            "std::int64_t" => "long",
            "std::uint64_t" => "unsigned long",
            other => other.strip_prefix("std::").unwrap_or(other),
        });
    }
}

/// The first argument of a template, and what follows its closing bracket; `text` starts behind the opening one.
fn first_argument(text: &str) -> Option<(&str, &str)> {
    let (mut depth, mut end) = (0_usize, None);
    for (i, c) in text.char_indices() {
        match c {
            '<' | '(' => depth += 1,
            '>' if depth == 0 => return Some((text.get(..end.unwrap_or(i))?, text.get(i + 1..)?)),
            '>' | ')' => depth = depth.checked_sub(1)?,
            ',' if depth == 0 => end = end.or(Some(i)),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Types of members as ROOT 6.40 spells them (`TDataMember::GetTrueTypeName`).
    #[test]
    fn members_as_root_spells_them() {
        for (ours, roots) in [
            ("std::int8_t", "signed char"),
            ("std::uint64_t", "unsigned long"),
            ("Double32_t", "Double32_t"),
            ("std::byte", "byte"),
            ("std::vector<std::vector<Hit>>", "vector<vector<Hit> >"),
            ("std::unordered_map<std::int32_t,Hit>", "unordered_map<int,Hit>"),
            ("std::unique_ptr<Muon>", "unique_ptr<Muon,default_delete<Muon> >"),
            (
                "std::unique_ptr<golden::Hit,default_delete<golden::Hit>>",
                "unique_ptr<golden::Hit,default_delete<golden::Hit> >",
            ),
            ("std::unique_ptr<std::vector<float>>", "unique_ptr<vector<float>,default_delete<vector<float> > >"),
            ("std::vector<std::unique_ptr<Hit>>", "vector<unique_ptr<Hit,default_delete<Hit> > >"),
            ("std::array<std::array<float,2>,3>", "array<array<float,2>,3>"),
            (
                "std::variant<std::int32_t,golden::Point,std::vector<golden::Point>>",
                "variant<int,golden::Point,vector<golden::Point> >",
            ),
            ("ROOT::VecOps::RVec<ROOT::VecOps::RVec<float>>", "ROOT::VecOps::RVec<ROOT::VecOps::RVec<float> >"),
            ("std::optional<std::variant<std::int32_t,float>>", "optional<variant<int,float> >"),
            ("ns::Box<std::vector<Hit>>", "ns::Box<vector<Hit> >"),
            ("ns::Box<std::int16_t>::Inner", "ns::Box<short>::Inner"),
        ] {
            assert_eq!(root_name(ours, Pointers::Spelt), roots);
        }
        assert_eq!(root_name("std::vector<std::unique_ptr<Hit>>", Pointers::Bare), "vector<Hit*>");
        assert_eq!(root_name("my::std::vector<A>", Pointers::Bare), "my::std::vector<A>");
    }

    #[test]
    fn strange_names() {
        for (ours, roots) in [
            ("", ""),
            ("std::unique_ptr<", "unique_ptr<"),
            ("std::unique_ptr<)>", "unique_ptr<)>"),
            ("<>>>", "<> > >"),
            ("é<ü>", "é<ü>"),
        ] {
            assert_eq!(root_name(ours, Pointers::Spelt), roots);
        }
        for depth in [200, 100_000] {
            let deep = format!("{}int{}", "std::unique_ptr<".repeat(depth), ">".repeat(depth));
            assert!(root_name(&deep, Pointers::Spelt).len() < 32 * deep.len());
        }
    }
}
