//! What decodes a member, or a type that C++ spells.

use std::cell::Cell;

use super::bytes::Outcome;
use super::decode::{Count, Decoder, Header, Record, Shape};
use super::fields::FORBIDDEN;
use super::number::Number;
use super::streamers::{Class, Classes, Element, MAX_DEPTH};

/// Makes decoders for the classes of a file.
#[derive(Debug)]
pub(super) struct Planner<'a> {
    pub(super) classes: &'a Classes,
    /// Whether strings pass as bytes.
    raw: bool,
    /// How many members may still be planned: classes may be nested in themselves.
    budget: Cell<usize>,
}

/// Most members, those of members included, in all branches of a tree.
const MAX_MEMBERS: usize = 1_000_000;

/// Objects of these classes write themselves, not as their streamer info says.
const CUSTOM: [&str; 13] = [
    "TClonesArray",
    "TObjArray",
    "TList",
    "THashList",
    "TMap",
    "TRef",
    "TRefArray",
    "TExMap",
    "TBits",
    "TUUID",
    "TProcessID",
    "TCollection",
    "TTree",
];

impl<'a> Planner<'a> {
    pub(super) fn new(classes: &'a Classes, raw: bool) -> Self {
        Self { classes, raw, budget: Cell::new(MAX_MEMBERS) }
    }

    /// The decoder of strings.
    pub(super) fn text(&self) -> Decoder {
        Decoder::text(self.raw)
    }

    /// The decoder of a member, for any number of objects.
    pub(super) fn member(&self, element: &Element, siblings: &[Element], depth: usize) -> Outcome<Decoder> {
        if depth > MAX_DEPTH {
            return Err("classes are nested too deeply".into());
        }
        let left = self.budget.get().checked_sub(1).ok_or("the classes of the tree have too many members")?;
        self.budget.set(left);
        let type_name = element.type_name.as_str();
        if element.is_base {
            let base = self.object(&element.name, Some(element.base_version), depth + 1);
            return base.or_else(|e| self.standard(&element.name, depth).unwrap_or(Err(e)));
        }
        let fixed = |item| Decoder::fixed(&element.extents, item);
        let number = |code| {
            let kind = Number::of_code(code, &element.title);
            kind.map(Decoder::number).ok_or_else(|| format!("its type '{type_name}' is not supported"))
        };
        match element.code {
            code @ (1..=6 | 8..=19) => number(code).map(fixed),
            code @ 21..=39 => number(code - 20).map(fixed),
            code @ 41..=59 => {
                let counter = siblings.iter().position(|sibling| sibling.name == element.count);
                let counter = counter.map_or(Count::Rest, Count::Member);
                Ok(Decoder::counted(counter, true, number(code - 40)?))
            }
            61 | 62 | 66 | 67 | 81 | 82 | 86 | 87 => Ok(fixed(self.object(type_name, None, depth + 1)?)),
            7 => Ok(Decoder::long_text(self.raw)),
            65 | 85 => Ok(fixed(self.text())),
            // The string of a member has a header, and so has a container.
            300 | 320 | 365 | 385 | 500 | 520 => match self.standard(type_name, depth + 1) {
                Some(inner) => Ok(Decoder::Headed(Box::new(fixed(inner?)))),
                None => Err(format!("its type '{type_name}' writes itself in a way of its own")),
            },
            63 | 64 | 68 | 69 | 71 | 83 | 84 | 501 => {
                Err(format!("'{type_name}' points to objects, which cannot be converted"))
            }
            code => Err(format!("its type '{type_name}' (code {code}) is not supported")),
        }
    }

    /// A string or a container, without its header; `None` for other types.
    fn standard(&self, type_name: &str, depth: usize) -> Option<Outcome<Decoder>> {
        let name = plain(type_name);
        if matches!(name, "string" | "basic_string<char>") {
            return Some(Ok(self.text()));
        }
        let (template, arguments) = template(name)?;
        let argument = |i: usize| {
            let type_name = arguments.get(i).ok_or_else(|| format!("'{name}' lacks an argument"))?;
            self.item(type_name, depth + 1)
        };
        let list = |shape| argument(0).map(|item| Decoder::container(shape, item));
        let map = |shape| {
            let pair = vec![("_0".to_owned(), argument(0)?), ("_1".to_owned(), argument(1)?)];
            // Stored member by member, pairs come with the checksum of a class that the file may not describe.
            Ok(Decoder::container(shape, Decoder::record(pair, Header::None)))
        };
        Some(match template {
            "vector" | "list" | "deque" | "forward_list" | "ROOT::VecOps::RVec" | "ROOT::RVec" => list(Shape::List),
            "set" => list(Shape::Named("std::set")),
            "multiset" => list(Shape::Named("std::multiset")),
            "unordered_set" => list(Shape::Named("std::unordered_set")),
            "unordered_multiset" => list(Shape::Named("std::unordered_multiset")),
            "map" => map(Shape::Map("std::map")),
            "multimap" => map(Shape::Map("std::multimap")),
            "unordered_map" => map(Shape::Map("std::unordered_map")),
            "unordered_multimap" => map(Shape::Map("std::unordered_multimap")),
            "bitset" => Ok(Decoder::container(Shape::List, Decoder::number(Number::Bool))),
            _ => return None,
        })
    }

    /// An item of a container.
    fn item(&self, type_name: &str, depth: usize) -> Outcome<Decoder> {
        if depth > MAX_DEPTH {
            return Err("types are nested too deeply".into());
        }
        let name = plain(type_name);
        if let Some(kind) = Number::of_name(name) {
            return Ok(Decoder::number(kind));
        }
        match self.standard(name, depth) {
            Some(decoder) => decoder,
            None => self.object(name, None, depth),
        }
    }

    /// A whole branch of this type; `headed` when its objects have headers.
    pub(super) fn whole(&self, type_name: &str, version: u16, headed: bool) -> Outcome<Decoder> {
        match self.standard(type_name, 0) {
            Some(decoder) => Ok(decoder?.headed_container()),
            None => match self.object(plain(type_name), Some(version), 0)? {
                Decoder::Record(Record { members, header: Header::Class { .. }, .. }) if !headed => {
                    Ok(Decoder::record(members, Header::None))
                }
                decoder => Ok(decoder),
            },
        }
    }

    /// An object with its header.
    fn object(&self, name: &str, version: Option<u16>, depth: usize) -> Outcome<Decoder> {
        if name.ends_with('*') {
            return Err(format!("'{name}' points to objects, which cannot be converted"));
        }
        match name {
            "TObject" => {
                let number = |name: &str| (name.to_owned(), Decoder::number(Number::U32));
                return Ok(Decoder::record(vec![number("fUniqueID"), number("fBits")], Header::RootObject));
            }
            "TString" => return Ok(Decoder::bare_text(self.raw)),
            "TDatime" => return Ok(Decoder::number(Number::U32)),
            _ => {}
        }
        let array = name.strip_prefix("TArray").and_then(|letter| match letter {
            "C" => Some(Number::Char),
            "S" => Some(Number::I16),
            "I" => Some(Number::I32),
            "L" | "L64" => Some(Number::I64),
            "F" => Some(Number::F32),
            "D" => Some(Number::F64),
            _ => None,
        });
        if let Some(kind) = array {
            return Ok(Decoder::container(Shape::List, Decoder::number(kind)));
        }
        if CUSTOM.contains(&name) {
            return Err(format!("objects of class '{name}' are not supported"));
        }
        let found = version.and_then(|version| self.classes.find(name, version));
        let Some(class) = found.or_else(|| self.classes.newest(name)) else {
            if let Some(("pair", arguments)) = template(name)
                && let [first, second] = &*arguments
            {
                let member = |type_name| Ok::<_, String>(self.item(type_name, depth + 1)?.headed());
                let members = vec![("_0".to_owned(), member(first)?), ("_1".to_owned(), member(second)?)];
                let header = Header::Class { name: name.to_owned(), version: 0, checksum: 0 };
                return Ok(Decoder::record(members, header));
            }
            return Err(format!("the file does not describe class '{name}'"));
        };
        let mut members = self.members(class, depth).map_err(|e| format!("class '{name}': {e}"))?;
        if name.starts_with("pair<") {
            // As RNTuple calls them.
            for (i, (name, _)) in members.iter_mut().enumerate() {
                *name = format!("_{i}");
            }
        }
        if members.is_empty() {
            return Err(format!("class '{name}' has no members"));
        }
        let header = Header::Class { name: name.to_owned(), version: class.version, checksum: class.checksum };
        Ok(Decoder::record(members, header))
    }

    fn members(&self, class: &Class, depth: usize) -> Outcome<Vec<(String, Decoder)>> {
        let mut out = Vec::new();
        for element in &class.elements {
            let decoder = self.member(element, &class.elements, depth + 1);
            let decoder = match decoder {
                // A base class without members is its header only.
                Err(_) if element.is_base && self.is_empty(&element.name) => {
                    let name = element.name.clone();
                    let header = Header::Class { name, version: element.base_version, checksum: 0 };
                    Decoder::record(Vec::new(), header)
                }
                decoder => decoder.map_err(|e| format!("member '{}': {e}", element.name))?,
            };
            out.push((element.name.replace(FORBIDDEN, "_"), decoder));
        }
        Ok(out)
    }

    fn is_empty(&self, name: &str) -> bool {
        self.classes.newest(name).is_some_and(|class| class.elements.is_empty())
    }
}

/// A type name without qualifiers.
fn plain(name: &str) -> &str {
    let name = name.trim().strip_prefix("const ").unwrap_or(name.trim()).trim();
    let inner = name.strip_prefix("std::").unwrap_or(name);
    // Standard numbers keep their spelling.
    if inner.starts_with("byte") { name } else { inner }
}

/// `name<a,b<c,d> >` as `name` and `a`, `b<c,d>`.
fn template(name: &str) -> Option<(&str, Vec<&str>)> {
    let (template, rest) = name.split_once('<')?;
    let inner = rest.trim_end().strip_suffix('>')?;
    let (mut depth, mut start) = (0_usize, 0);
    let mut arguments = Vec::new();
    for (i, c) in inner.char_indices() {
        match c {
            '<' => depth += 1,
            '>' => depth = depth.checked_sub(1)?,
            ',' if depth == 0 => {
                arguments.push(inner.get(start..i)?.trim());
                start = i + 1;
            }
            _ => {}
        }
    }
    arguments.push(inner.get(start..)?.trim());
    Some((template, arguments))
}
