//! Types of members against ROOT, what is said of templates, and lists that lie.

use super::class::{ElementKind, StreamerElement};
use super::{StreamerClass, StreamerInfoList, class_checksum, classes_of, standard_templates_of};
use crate::error::Error;
use crate::schema::{FieldRecord, Schema, SchemaBuilder, TypeName};

const ENUMS: [(&str, &str); 6] = [
    ("Color", "std::uint8_t"),
    ("ns::E", "std::int32_t"),
    ("SE", "std::int16_t"),
    ("UE", "std::uint32_t"),
    ("LE", "std::int64_t"),
    ("BE", "bool"),
];

type Members = &'static [(&'static str, &'static str)];

const CLASSES: [(&str, Members); 9] = [
    ("Hit", &[("id", "std::int32_t"), ("q", "float")]),
    ("Muon", &[("pt", "float"), ("eta", "float"), ("hits", "std::vector<Hit>")]),
    ("ns::A", &[("a", "double")]),
    ("ns::B", &[("s", "std::string"), ("in", "ns::B::In")]),
    ("ns::B::In", &[("i", "std::int16_t")]),
    ("Pad", &[("c", "char"), ("d", "double"), ("s", "std::int16_t")]),
    ("PadDer", &[(":_0", "Pad"), ("x", "char")]),
    ("ns::Box<std::vector<Hit>>", &[("content", "std::vector<Hit>")]),
    ("Event", &[("run", "std::int32_t"), ("best", "std::pair<std::int32_t,Muon>"), ("color", "Color")]),
];

/// A schema, one field at a time.
#[derive(Default)]
struct Fields {
    builder: SchemaBuilder,
    count: u32,
}

impl Fields {
    fn of(types: &[(&str, &str)]) -> Schema {
        let mut fields = Self::default();
        for (name, type_name) in types {
            fields.add(None, name, type_name);
        }
        fields.builder.finish()
    }

    /// Adds a field with all that its type asks for.
    fn add(&mut self, parent: Option<u32>, name: &str, text: &str) {
        const PLAIN: u16 = 0;
        const COLLECTION: u16 = 1;
        const RECORD: u16 = 2;
        const VARIANT: u16 = 3;
        let id = self.count;
        self.count += 1;
        let TypeName { name: template, arguments } = TypeName::parse(text);
        let class = CLASSES.iter().find(|(name, _)| *name == text);
        let enumeration = ENUMS.iter().find(|(name, _)| *name == text);
        let item = |text: &str| vec![("_0".to_owned(), text.to_owned())];
        let numbered = || arguments.iter().enumerate().map(|(i, text)| (format!("_{i}"), (*text).to_owned())).collect();
        let first = arguments.first().copied().unwrap_or_default();
        let size = || arguments.last().unwrap().parse().unwrap();
        let (role, repetitions, children): (u16, Option<u64>, Vec<(String, String)>) = match template {
            _ if class.is_some() => {
                let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
                (RECORD, None, class.unwrap().1.iter().map(owned).collect())
            }
            _ if enumeration.is_some() => (PLAIN, None, item(enumeration.unwrap().1)),
            "std::array" => (PLAIN, Some(size()), item(first)),
            "std::bitset" => (PLAIN, Some(size()), vec![]),
            "std::atomic" => (PLAIN, None, item(first)),
            "std::pair" | "std::tuple" => (RECORD, None, numbered()),
            "std::variant" => (VARIANT, None, numbered()),
            "std::map" | "std::multimap" | "std::unordered_map" => {
                (COLLECTION, None, item(&format!("std::pair<{}>", arguments.join(","))))
            }
            _ if !arguments.is_empty() => (COLLECTION, None, item(first)),
            _ => (PLAIN, None, vec![]),
        };
        let is_double32 = text.contains("Double32_t");
        let record = FieldRecord {
            version: 0,
            type_version: if class.is_some() { u32::MAX } else { 0 },
            parent: parent.unwrap_or(id),
            role,
            name: name.into(),
            type_name: text.replace("Double32_t", "double").into(),
            type_alias: if is_double32 { text } else { "" }.into(),
            description: "".into(),
            repetitions,
            source: None,
            type_checksum: None,
            soa: false,
            unknown_flags: 0,
        };
        self.builder.add_field(record).unwrap();
        for (name, text) in children {
            self.add(Some(id), &name, &text);
        }
    }
}

/// As a member of a class: name, type, and how ROOT 6.40 streams it.
type Known = (&'static str, &'static str, Option<(ElementKind, &'static str, u32, &'static [u32])>);

const fn number(code: i32) -> ElementKind {
    ElementKind::Number(code)
}

const fn items(container: i32, code: i32) -> ElementKind {
    ElementKind::Container(container, code)
}

const OBJECT: ElementKind = ElementKind::Object;
const POINTER: ElementKind = ElementKind::Pointer;
const TEXT: ElementKind = ElementKind::Text;

/// Members of the class `Zoo`, from the streamer info that ROOT 6.40 writes for it. Three sizes differ: ROOT multiplies
/// those of string arrays (`as`, `aas`) twice, and what stands behind a base class (`padder`) may lie in the padding of
/// that.
#[rustfmt::skip]
const ZOO: [Known; 72] = [
    ("upf", "std::unique_ptr<float>", None),
    ("ups", "std::unique_ptr<std::string>", Some((TEXT, "string*", 8, &[]))),
    ("upv", "std::unique_ptr<std::vector<float>>", Some((POINTER, "vector<float>*", 8, &[]))),
    ("uph", "std::unique_ptr<Hit>", Some((POINTER, "Hit*", 8, &[]))),
    ("avf", "std::array<std::vector<float>,2>", Some((OBJECT, "vector<float>", 48, &[2]))),
    ("as", "std::array<std::string,2>", Some((TEXT, "string", 64, &[2]))),
    ("ac", "std::array<Color,3>", None),
    ("ae", "std::array<ns::E,2>", None),
    ("avh", "std::array<std::vector<Hit>,2>", Some((OBJECT, "vector<Hit>", 48, &[2]))),
    ("aas", "std::array<std::array<std::string,2>,3>", Some((TEXT, "string", 192, &[3, 2]))),
    ("ab", "std::array<bool,3>", Some((number(18), "bool", 3, &[3]))),
    ("aby", "std::array<std::byte,3>", None),
    ("ad32", "std::array<Double32_t,3>", Some((number(9), "Double32_t", 24, &[3]))),
    ("al", "std::array<std::int64_t,2>", Some((number(4), "long", 16, &[2]))),
    ("amap", "std::array<std::map<std::string,std::int32_t>,2>", Some((OBJECT, "map<string,int>", 96, &[2]))),
    ("apair", "std::array<std::pair<std::int32_t,Hit>,2>", Some((OBJECT, "pair<int,Hit>", 24, &[2]))),
    ("abits", "std::array<std::bitset<9>,2>", Some((OBJECT, "bitset<9>", 16, &[2]))),
    ("aat", "std::array<std::atomic<std::int32_t>,2>", Some((OBJECT, "atomic<int>", 8, &[2]))),
    ("rf", "ROOT::VecOps::RVec<float>", Some((items(14, 5), "ROOT::VecOps::RVec<float>", 64, &[]))),
    ("rb", "ROOT::VecOps::RVec<bool>", Some((items(14, 18), "ROOT::VecOps::RVec<bool>", 64, &[]))),
    ("rd", "ROOT::VecOps::RVec<double>", Some((items(14, 8), "ROOT::VecOps::RVec<double>", 80, &[]))),
    ("rh", "ROOT::VecOps::RVec<Hit>", Some((items(14, 61), "ROOT::VecOps::RVec<Hit>", 80, &[]))),
    ("rs", "ROOT::VecOps::RVec<std::string>", Some((items(14, 61), "ROOT::VecOps::RVec<string>", 272, &[]))),
    ("rrf", "ROOT::VecOps::RVec<ROOT::VecOps::RVec<float>>", Some((items(14, 61), "ROOT::VecOps::RVec<ROOT::VecOps::RVec<float> >", 528, &[]))),
    ("rc", "ROOT::VecOps::RVec<Color>", Some((items(14, 11), "ROOT::VecOps::RVec<Color>", 64, &[]))),
    ("ri8", "ROOT::VecOps::RVec<std::int8_t>", Some((items(14, 1), "ROOT::VecOps::RVec<signed char>", 64, &[]))),
    ("vc", "std::vector<char>", Some((items(1, 1), "vector<char>", 24, &[]))),
    ("vi8", "std::vector<std::int8_t>", Some((items(1, 1), "vector<signed char>", 24, &[]))),
    ("vu8", "std::vector<std::uint8_t>", Some((items(1, 11), "vector<unsigned char>", 24, &[]))),
    ("vi64", "std::vector<std::int64_t>", Some((items(1, 4), "vector<long>", 24, &[]))),
    ("vu64", "std::vector<std::uint64_t>", Some((items(1, 14), "vector<unsigned long>", 24, &[]))),
    ("vd", "std::vector<double>", Some((items(1, 8), "vector<double>", 24, &[]))),
    ("vby", "std::vector<std::byte>", Some((items(1, 3), "vector<byte>", 24, &[]))),
    ("vcol", "std::vector<Color>", Some((items(1, 11), "vector<Color>", 24, &[]))),
    ("ve", "std::vector<ns::E>", Some((items(1, 3), "vector<ns::E>", 24, &[]))),
    ("vse", "std::vector<SE>", Some((items(1, 2), "vector<SE>", 24, &[]))),
    ("vue", "std::vector<UE>", Some((items(1, 13), "vector<UE>", 24, &[]))),
    ("vle", "std::vector<LE>", Some((items(1, 4), "vector<LE>", 24, &[]))),
    ("vbe", "std::vector<BE>", Some((items(1, 18), "vector<BE>", 24, &[]))),
    ("vu16", "std::vector<std::uint16_t>", Some((items(1, 12), "vector<unsigned short>", 24, &[]))),
    ("vu32", "std::vector<std::uint32_t>", Some((items(1, 13), "vector<unsigned int>", 24, &[]))),
    ("vp", "std::vector<std::pair<std::int32_t,Hit>>", Some((items(1, 61), "vector<pair<int,Hit> >", 24, &[]))),
    ("vt", "std::vector<std::tuple<Hit,float>>", Some((items(1, 61), "vector<tuple<Hit,float> >", 24, &[]))),
    ("vrv", "std::vector<ROOT::VecOps::RVec<float>>", Some((items(1, 61), "vector<ROOT::VecOps::RVec<float> >", 24, &[]))),
    ("vbits", "std::vector<std::bitset<9>>", Some((items(1, 61), "vector<bitset<9> >", 24, &[]))),
    ("vvb", "std::vector<std::vector<bool>>", Some((items(1, 61), "vector<vector<bool> >", 24, &[]))),
    ("vvar", "std::vector<std::variant<ns::A,ns::B>>", Some((items(1, 61), "vector<variant<ns::A,ns::B> >", 24, &[]))),
    ("vvi", "std::vector<std::variant<std::int32_t,float>>", Some((items(1, 61), "vector<variant<int,float> >", 24, &[]))),
    ("ss", "std::set<std::string>", Some((items(6, 61), "set<string>", 48, &[]))),
    ("ms", "std::multiset<float>", Some((items(7, 5), "multiset<float>", 48, &[]))),
    ("us", "std::unordered_set<std::int64_t>", Some((items(10, 4), "unordered_set<long>", 56, &[]))),
    ("ums", "std::unordered_multiset<std::string>", Some((items(11, 61), "unordered_multiset<string>", 56, &[]))),
    ("b100", "std::bitset<100>", Some((items(8, 0), "bitset<100>", 16, &[]))),
    ("b64", "std::bitset<64>", Some((items(8, 0), "bitset<64>", 8, &[]))),
    ("b1", "std::bitset<1>", Some((items(8, 0), "bitset<1>", 8, &[]))),
    ("atf", "std::atomic<float>", Some((OBJECT, "atomic<float>", 4, &[]))),
    ("atc", "std::atomic<Color>", Some((OBJECT, "atomic<Color>", 1, &[]))),
    ("vif", "std::variant<std::int32_t,float>", Some((OBJECT, "variant<int,float>", 8, &[]))),
    ("vcds", "std::variant<char,double,std::string>", Some((OBJECT, "variant<char,double,string>", 40, &[]))),
    ("tcds", "std::tuple<char,double,std::int16_t>", Some((OBJECT, "tuple<char,double,short>", 24, &[]))),
    ("pcd", "std::pair<char,double>", Some((OBJECT, "pair<char,double>", 16, &[]))),
    ("t1", "std::tuple<float>", Some((OBJECT, "tuple<float>", 4, &[]))),
    ("psv", "std::pair<std::string,std::vector<Hit>>", Some((OBJECT, "pair<string,vector<Hit> >", 56, &[]))),
    ("atb", "std::atomic<bool>", Some((OBJECT, "atomic<bool>", 1, &[]))),
    ("pad", "Pad", Some((OBJECT, "Pad", 24, &[]))),
    ("padder", "PadDer", Some((OBJECT, "PadDer", 32, &[]))),
    ("se", "SE", Some((number(3), "SE", 2, &[]))),
    ("ue", "UE", Some((number(3), "UE", 4, &[]))),
    ("le", "LE", None),
    ("be", "BE", Some((number(3), "BE", 1, &[]))),
    ("d32", "Double32_t", Some((number(9), "Double32_t", 8, &[]))),
    ("bvh", "ns::Box<std::vector<Hit>>", Some((OBJECT, "ns::Box<vector<Hit> >", 24, &[]))),
];

fn zoo() -> (Schema, StreamerClass) {
    let mut fields = Fields::default();
    let record = FieldRecord {
        version: 0,
        type_version: u32::MAX,
        parent: 0,
        role: 2,
        name: "zoo".into(),
        type_name: "Zoo".into(),
        type_alias: "".into(),
        description: "".into(),
        repetitions: None,
        source: None,
        type_checksum: None,
        soa: false,
        unknown_flags: 0,
    };
    fields.builder.add_field(record).unwrap();
    fields.count = 1;
    for (name, type_name, _) in ZOO {
        fields.add(Some(0), name, type_name);
    }
    let schema = fields.builder.finish();
    let class = classes_of(&schema).swap_remove(0);
    (schema, class)
}

#[test]
fn members_as_root_streams_them() {
    let (_, zoo) = zoo();
    assert_eq!((&*zoo.name, zoo.version), ("Zoo", 1));
    for ((name, type_name, known), ours) in ZOO.iter().zip(&zoo.members) {
        let known = known.map(|(kind, text, size, dimensions)| StreamerElement {
            kind,
            type_name: text.to_owned(),
            size,
            dimensions: dimensions.to_vec(),
        });
        assert_eq!((ours.name.as_str(), &ours.element), (*name, &known), "{type_name}");
    }
}

#[test]
fn the_checksum_is_roots() {
    let (schema, zoo) = zoo();
    assert_eq!(zoo.checksum, 0x9c86_8be1);
    assert_eq!(class_checksum(&schema, &schema.fields()[0]), Some(0x9c86_8be1));
    let known = [
        ("Hit", 0x0bf1_506c),
        ("Muon", 0xa511_86e5),
        ("ns::A", 0x01ac_00ae),
        ("ns::B", 0xb657_17b6),
        ("ns::B::In", 0x2d13_c451),
        ("Pad", 0xb393_1ff0),
        ("PadDer", 0x991a_318b),
        ("ns::Box<vector<Hit> >", 0xcc57_aac7),
    ];
    let schema = Fields::of(&CLASSES.map(|(name, _)| (name, name)));
    let classes = classes_of(&schema);
    for (name, checksum) in known {
        let class = classes.iter().find(|class| class.name == name).unwrap();
        assert_eq!((class.checksum, class.computed_checksum()), (checksum, checksum), "{name}");
    }
    assert_eq!(StreamerClass::rntuple().checksum, 0x28e6_32ec);
}

#[test]
fn each_class_once() {
    let schema = Fields::of(&[
        ("a", "std::vector<Muon>"),
        ("b", "std::optional<Muon>"),
        ("c", "std::variant<ns::A,std::pair<Hit,ns::B>>"),
        ("d", "std::map<std::string,Muon>"),
        ("e", "Color"),
    ]);
    let names: Vec<String> = classes_of(&schema).into_iter().map(|class| class.name).collect();
    assert_eq!(names, ["Muon", "Hit", "ns::A", "ns::B", "ns::B::In"]);
    let mut list = StreamerInfoList::for_schema(&schema);
    let bytes = list.serialize(72).unwrap();
    list.add_schema(&schema);
    assert_eq!(list.serialize(72).unwrap(), bytes);
    assert!(list.contains("ROOT::RNTuple", 2) && list.contains("Muon", 1) && !list.contains("Muon", 2));
}

#[test]
fn templates_that_root_cannot_find_by_itself() {
    let names = |types: &[(&str, &str)]| -> Vec<String> {
        standard_templates_of(&Fields::of(types)).into_iter().map(|class| class.name).collect()
    };
    assert_eq!(
        names(&[
            ("a", "std::vector<std::pair<std::string,Muon>>"),
            ("b", "std::tuple<Hit,std::pair<float,std::vector<Hit>>>"),
            ("c", "std::optional<std::variant<ns::A,Event>>"),
            ("d", "std::pair<std::string,Muon>"),
        ]),
        [
            "pair<string,Muon>",
            "pair<int,Muon>",
            "variant<ns::A,Event>",
            "pair<float,vector<Hit> >",
            "tuple<Hit,pair<float,vector<Hit> > >",
        ]
    );
    // ROOT knows what is made of standard types, aborts at maps, and cannot tell the size of the others.
    assert_eq!(
        names(&[
            ("a", "std::pair<std::string,std::int32_t>"),
            ("b", "std::map<std::string,Muon>"),
            ("c", "std::pair<std::int32_t,Event>"),
            ("d", "std::pair<Hit,std::optional<Hit>>"),
            ("e", "std::tuple<Hit,ROOT::VecOps::RVec<Hit>>"),
            ("f", "std::pair<Hit,std::variant<float,bool>>"),
        ]),
        ["pair<int,Muon>"]
    );
    let pair = &standard_templates_of(&Fields::of(&[("a", "std::pair<std::int32_t,Hit>")]))[0];
    let members: Vec<&str> = pair.members.iter().map(|member| &*member.name).collect();
    assert_eq!(members, ["first", "second"]);
}

#[test]
fn damaged_lists() {
    let schema = Fields::of(&[("a", "Event"), ("b", "PadDer")]);
    let payload = StreamerInfoList::for_schema(&schema).serialize(72).unwrap();
    for len in 0..payload.len() {
        assert!(StreamerInfoList::parse(&payload[..len], 72).is_err(), "{len}");
    }
    // Room behind the list, as uproot leaves it, is none of it.
    let roomy = StreamerInfoList::parse(&[&payload[..], &[0; 1003]].concat(), 72).unwrap();
    assert_eq!(roomy.serialize(72).unwrap(), payload);
    for i in 0..payload.len() {
        for value in [0, 1, 0x40, 0x7f, 0x80, 0xff] {
            let mut damaged = payload.clone();
            damaged[i] = value;
            // What still can be read comes back as it was.
            if let Ok(list) = StreamerInfoList::parse(&damaged, 72) {
                assert_eq!(list.serialize(72).unwrap(), damaged, "byte {i} = {value}");
            }
        }
    }
}

/// An object of a class that is named for the first time.
fn object(class: &str, body: &[u8]) -> Vec<u8> {
    let inner = [&[0xff; 4], class.as_bytes(), &[0], body].concat();
    counted(&inner)
}

fn counted(inner: &[u8]) -> Vec<u8> {
    let count = u32::try_from(inner.len()).unwrap() | 0x4000_0000;
    [&count.to_be_bytes()[..], inner].concat()
}

/// A `TList` of objects.
fn list(items: &[Vec<u8>]) -> Vec<u8> {
    let mut body = vec![0, 5, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    body.extend(u32::try_from(items.len()).unwrap().to_be_bytes());
    for item in items {
        body.extend(item);
        body.push(0);
    }
    counted(&body)
}

#[test]
fn lists_that_lie() {
    let parse = |payload: &[u8]| StreamerInfoList::parse(payload, 72);
    assert!(parse(&list(&[])).is_ok());
    // Objects of unknown classes, null pointers and references to objects are kept.
    let known = list(&[object("X", b"abc"), vec![0; 4], (21_u32 + 72 + 2).to_be_bytes().to_vec()]);
    assert_eq!(parse(&known).unwrap().serialize(72).unwrap(), known);
    let reason = |payload: &[u8]| match parse(payload) {
        Err(Error::Malformed { reason, .. }) => reason,
        other => panic!("{other:?}"),
    };
    let nowhere = list(&[object("X", b"abc"), (22_u32 + 72 + 2).to_be_bytes().to_vec()]);
    assert!(reason(&nowhere).contains("none there"));
    // A list that holds itself.
    let item = object("TList", &list(&[(21_u32 + 72 + 2).to_be_bytes().to_vec()]));
    assert!(reason(&list(&[item])).contains("none there"));
    let mut nested = object("X", b"");
    for _ in 0..10_000 {
        nested = object("TList", &list(&[nested]));
    }
    assert!(reason(&list(&[nested])).contains("deep"));
    let mut many = list(&[]);
    many[13..17].copy_from_slice(&u32::MAX.to_be_bytes());
    assert!(matches!(parse(&many), Err(Error::Truncated { .. })));
    assert!(matches!(parse(&vec![0; 17 << 20]), Err(Error::Limit { .. })));
    assert!(StreamerInfoList::parse_extra_type_info(&object("X", b"abc")).is_err());
    assert!(StreamerInfoList::parse_extra_type_info(&[0; 4]).is_err());
}

/// Rules for schema evolution stay at the end.
#[test]
fn rules_stay_last() {
    let rules = object("TList", &list(&[object("TObjString", b"a rule")]));
    let mut both = StreamerInfoList::parse(&list(&[rules]), 72).unwrap();
    both.add(&StreamerClass::rntuple());
    let payload = both.serialize(64).unwrap();
    assert!(payload.ends_with(b"a rule\0\0"));
    let back = StreamerInfoList::parse(&payload, 64).unwrap();
    assert_eq!(back.classes().count(), 1);
    assert_eq!(back.serialize(64).unwrap(), payload);
    let mut other = StreamerInfoList::empty();
    other.merge(&back, |_| true);
    let mut alone = StreamerInfoList::empty();
    alone.add(&StreamerClass::rntuple());
    assert_eq!(other.serialize(72).unwrap(), alone.serialize(72).unwrap());
}
