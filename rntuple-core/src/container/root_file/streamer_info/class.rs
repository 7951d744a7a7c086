//! What a streamer info says of a class.

use super::checksum::type_checksum;
use super::graph::Summary;

/// Version of classes that have none: in fields and base classes. Their streamer infos have version 1 instead.
pub(super) const UNVERSIONED: u32 = u32::MAX;

/// A class as its streamer info describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamerClass {
    /// Name as ROOT spells it: no `std::`, `> >` where templates close.
    pub name: String,
    /// Version; 1 for a class that has none.
    pub version: u32,
    /// Checksum of the class: the one that fields of the class carry, or [`StreamerClass::computed_checksum`].
    pub checksum: u32,
    /// Base classes, in order.
    pub bases: Vec<StreamerBase>,
    /// Members that are stored, in order.
    pub members: Vec<StreamerMember>,
}

/// A base class.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamerBase {
    /// Name as ROOT spells it.
    pub name: String,
    /// Version; `0xFFFFFFFF` for a class that has none.
    pub version: u32,
    /// Checksum of the class.
    pub checksum: u32,
}

/// A data member.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamerMember {
    /// Name.
    pub name: String,
    /// Type as ROOT spells it.
    pub type_name: String,
    /// Whether the type is an enum. `std::byte` is one.
    pub is_enum: bool,
    /// How ROOT streams the member. `None` for those that ROOT leaves out: arrays of enums, enums of 64 bits, pointers
    /// to numbers, arrays of pointers.
    pub element: Option<StreamerElement>,
}

/// How a member is streamed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamerElement {
    /// Kind of the member.
    pub kind: ElementKind,
    /// Type of the member, or of the items of an array, as ROOT spells it.
    pub type_name: String,
    /// Bytes in memory of a C++ program on Linux; all items of an array.
    pub size: u32,
    /// Extents of an array, outermost first; at most 5.
    pub dimensions: Vec<u32>,
}

/// What kind of thing a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ElementKind {
    /// A number, with ROOT's code for its type; enums are `int`.
    Number(i32),
    /// A string.
    Text,
    /// A standard container: its code, and the code of the type of its items.
    Container(i32, i32),
    /// An object of a class.
    Object,
    /// An object of a class below `TObject`.
    RootObject,
    /// A pointer to an object.
    Pointer,
}

impl StreamerClass {
    /// The class of anchors, version 2, which every file with RNTuples describes.
    #[must_use]
    pub fn rntuple() -> Self {
        let number = |name: &str, code, size, type_name: &str| StreamerMember {
            name: name.to_owned(),
            type_name: type_name.to_owned(),
            is_enum: false,
            element: Some(StreamerElement {
                kind: ElementKind::Number(code),
                type_name: type_name.to_owned(),
                size,
                dimensions: Vec::new(),
            }),
        };
        let version = ["fVersionEpoch", "fVersionMajor", "fVersionMinor", "fVersionPatch"];
        let place =
            ["fSeekHeader", "fNBytesHeader", "fLenHeader", "fSeekFooter", "fNBytesFooter", "fLenFooter", "fMaxKeySize"];
        let version = version.iter().map(|name| number(name, 12, 2, "unsigned short"));
        let place = place.iter().map(|name| number(name, 14, 8, "unsigned long"));
        let mut class = Self {
            name: "ROOT::RNTuple".to_owned(),
            version: 2,
            checksum: 0,
            bases: Vec::new(),
            members: version.chain(place).collect(),
        };
        class.checksum = class.computed_checksum();
        class
    }

    /// The checksum that ROOT computes for a class of this definition.
    #[must_use]
    pub fn computed_checksum(&self) -> u32 {
        // Base classes that are containers of the standard library count by name only.
        let bases = self.bases.iter().map(|base| (&*base.name, (!is_container(&base.name)).then_some(base.checksum)));
        let members = self.members.iter().map(|member| (&*member.name, &*member.type_name, member.is_enum));
        type_checksum(&self.name, bases, members)
    }

    pub(super) fn summary(&self) -> Summary {
        Summary { name: self.name.as_str().into(), version: self.version, checksum: self.checksum }
    }
}

/// ROOT's code for a container, by its name with or without `std::`.
pub(super) fn container_code(name: &str) -> Option<i32> {
    Some(match name.strip_prefix("std::").unwrap_or(name) {
        "vector" => 1,
        "list" => 2,
        "deque" => 3,
        "map" => 4,
        "multimap" => 5,
        "set" => 6,
        "multiset" => 7,
        "bitset" => 8,
        "forward_list" => 9,
        "unordered_set" => 10,
        "unordered_multiset" => 11,
        "unordered_map" => 12,
        "unordered_multimap" => 13,
        "ROOT::VecOps::RVec" => 14,
        _ => return None,
    })
}

fn is_container(name: &str) -> bool {
    name.split_once('<').is_some_and(|(template, _)| container_code(template).is_some())
}
