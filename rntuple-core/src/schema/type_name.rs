//! C++ type names (format-spec/schema.md, type names).

/// A type name taken apart: `std::map<int,A<B> >` is `std::map` with the arguments `int` and `A<B>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeName<'a> {
    /// Name without template arguments.
    pub name: &'a str,
    /// Template arguments, outermost only, without surrounding blanks.
    pub arguments: Vec<&'a str>,
}

impl<'a> TypeName<'a> {
    /// Takes a type name apart. Never fails: what is not a template has no arguments.
    #[must_use]
    pub fn parse(text: &'a str) -> Self {
        let text = text.trim();
        let Some((name, rest)) = text.split_once('<') else {
            return Self { name: text, arguments: Vec::new() };
        };
        let Some(list) = rest.trim_end().strip_suffix('>') else {
            return Self { name: text, arguments: Vec::new() };
        };
        let mut arguments = Vec::new();
        let (mut depth, mut start) = (0_i32, 0);
        for (i, c) in list.char_indices() {
            match c {
                '<' | '(' => depth += 1,
                '>' | ')' => depth -= 1,
                ',' if depth == 0 => {
                    arguments.extend(list.get(start..i).map(str::trim));
                    start = i + 1;
                }
                _ => {}
            }
        }
        arguments.extend(list.get(start..).map(str::trim).filter(|argument| !argument.is_empty()));
        Self { name: name.trim(), arguments }
    }

    /// Whether this is one of the standard maps, whose collections hold pairs of key and value.
    #[must_use]
    pub fn is_map(&self) -> bool {
        matches!(self.name, "std::map" | "std::unordered_map" | "std::multimap" | "std::unordered_multimap")
    }

    /// Whether this is a type that holds one value or none.
    #[must_use]
    pub fn is_nullable(&self) -> bool {
        matches!(self.name, "std::optional" | "std::unique_ptr")
    }

    /// A type name in the normal form of the specification, as far as that needs no knowledge of the types: no
    /// blanks but those between words, and the long name of `RVec`. Files of ROOT 6.34 have `A<B<C> >`.
    #[must_use]
    pub fn normalise(text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let mut chars = text.trim().chars().peekable();
        while let Some(c) = chars.next() {
            if c.is_whitespace() {
                let between_words =
                    out.chars().next_back().is_some_and(is_word) && chars.peek().is_some_and(|&c| is_word(c));
                if between_words {
                    out.push(' ');
                }
            } else {
                out.push(c);
            }
        }
        out.replace("ROOT::RVec<", "ROOT::VecOps::RVec<")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse() {
        let parts = |text| {
            let TypeName { name, arguments } = TypeName::parse(text);
            (name, arguments)
        };
        assert_eq!(parts("float"), ("float", vec![]));
        assert_eq!(parts(""), ("", vec![]));
        assert_eq!(parts("std::vector<A<B<C> > >"), ("std::vector", vec!["A<B<C> >"]));
        assert_eq!(parts("std::map<std::pair<int,char>,X<1,2>>"), ("std::map", vec!["std::pair<int,char>", "X<1,2>"]));
        assert_eq!(parts("std::tuple<>"), ("std::tuple", vec![]));
        assert_eq!(parts("odd<"), ("odd<", vec![]));
        assert!(TypeName::parse("std::unordered_multimap<int,int>").is_map());
        assert!(TypeName::parse("std::unique_ptr<A>").is_nullable());
        assert!(!TypeName::parse("my::map<int,int>").is_map());
    }

    #[test]
    fn normal_form() {
        assert_eq!(TypeName::normalise("A<B<C> >"), "A<B<C>>");
        assert_eq!(
            TypeName::normalise(" std::pair<unsigned  int, ROOT::RVec<A> > "),
            "std::pair<unsigned int,ROOT::VecOps::RVec<A>>"
        );
    }
}
