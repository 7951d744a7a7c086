//! Streamer infos: what we write for the classes of a schema against what ROOT wrote for the same classes.

use std::collections::BTreeSet;
use std::path::Path;

use rntuple_core::compression::decompress_to_vec;
use rntuple_core::container::root_file::{Anchor, Key, StreamerClass, StreamerInfoList, class_checksum, classes_of};
use rntuple_core::metadata::{Footer, Header};
use rntuple_core::schema::Schema;

use crate::support::*;

/// The streamer info record of a file: its payload, and the length of its key. `None` where it has none.
fn record(bytes: &[u8]) -> Option<(Vec<u8>, u16)> {
    let (at, len) = file_header(bytes).streamer_info;
    if len == 0 {
        return None;
    }
    let record = slice(bytes, at, len.into());
    let key = Key::parse(record, at).unwrap();
    assert_eq!((&*key.class, &*key.name), (StreamerInfoList::CLASS, StreamerInfoList::NAME));
    let mut payload = Vec::new();
    let stored = &record[usize::from(key.key_len)..];
    decompress_to_vec(stored, key.object_len as usize, &mut payload).unwrap();
    Some((payload, key.key_len))
}

/// All files with streamer infos: the golden ones, and the corpus where it is there.
fn files() -> Vec<String> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    let folders = ["validation", "wild", "edge"].map(|folder| corpus.join(folder));
    let mut files = Vec::new();
    for folder in folders.into_iter().chain([vectors()]) {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "root") {
                files.push(path.to_str().unwrap().to_owned());
            }
        }
    }
    files.sort();
    files
}

/// The schemas of the RNTuples in the top directory of a file.
fn schemas(file: &str) -> Vec<Schema> {
    let bytes = read(file);
    let anchors = keys(&bytes, file_header(&bytes).directory_at().unwrap());
    let anchors = anchors.into_iter().filter(|key| &*key.class == Anchor::CLASS);
    let open = |key: Key| {
        let record = slice(&bytes, key.payload_at(), key.payload_len().into());
        let anchor = Anchor::from_record(record, key.object_len).ok()?;
        let header = Header::parse(&envelope(&bytes, &anchor, anchor.header)).ok()?;
        let footer = envelope(&bytes, &anchor, anchor.footer);
        Some(Footer::parse(&footer, header).ok()?.1)
    };
    anchors.filter_map(open).collect()
}

fn alone(list: &StreamerInfoList, name: &str, version: u32) -> Vec<u8> {
    let mut one = StreamerInfoList::empty();
    one.merge(list, |class| class.name == name && class.version == version);
    assert_eq!(one.classes().count(), 1, "{name}");
    one.serialize(72).unwrap()
}

/// A class as a file of the given ROOT version has it: before 6.36, streamer infos had another version themselves.
fn of_class(class: &StreamerClass, root: u32) -> Vec<u8> {
    const VERSION_AT: usize = 48;
    let mut one = StreamerInfoList::empty();
    one.add(class);
    let mut bytes = one.serialize(72).unwrap();
    assert_eq!(bytes[VERSION_AT], 10);
    if root < 63_600 {
        bytes[VERSION_AT] = 9;
    }
    bytes
}

#[test]
fn records_come_back_byte_for_byte() {
    let mut records = 0;
    for file in files() {
        let Some((payload, key_len)) = record(&read(&file)) else { continue };
        let list = StreamerInfoList::parse(&payload, key_len).unwrap();
        assert_eq!(list.serialize(key_len).unwrap(), payload, "{file}");
        // With another key all references shift, and come back.
        let shifted = list.serialize(1234).unwrap();
        assert_eq!(shifted.len(), payload.len());
        let list = StreamerInfoList::parse(&shifted, 1234).unwrap();
        assert_eq!(list.serialize(key_len).unwrap(), payload, "{file}");
        assert!(list.contains("ROOT::RNTuple", 2), "{file}");
        assert!(StreamerInfoList::parse(&shifted, 1235).is_err());
        records += 1;
    }
    assert!(records > 50);
}

#[test]
fn the_anchors_class_is_roots() {
    let (payload, key_len) = record(&read("abv.root")).unwrap();
    assert_eq!(key_len, StreamerInfoList::key_len(true));
    let list = StreamerInfoList::for_schema(&Set::open("abv.root", "n").schema);
    assert_eq!(list.serialize(key_len).unwrap(), payload);
}

/// What a schema tells of a class is what ROOT says of it, byte for byte, but for what RNTuple does not keep.
#[test]
fn classes_are_roots() {
    let (mut equal, mut other) = (BTreeSet::new(), BTreeSet::new());
    for file in files() {
        let bytes = read(&file);
        let Some((payload, key_len)) = record(&bytes) else { continue };
        let roots = StreamerInfoList::parse(&payload, key_len).unwrap();
        for class in schemas(&file).iter().flat_map(classes_of) {
            let root = alone(&roots, &class.name, class.version);
            let same = of_class(&class, file_header(&bytes).version) == root;
            if same { &mut equal } else { &mut other }.insert(class.name);
        }
    }
    // Comments and long long; the size of a class that is stored by its streamer.
    assert_eq!(other, ["golden::HasStreamed", "golden::Members"].map(str::to_owned).into());
    assert!(equal.len() >= 18, "{equal:?}");
    for class in ["golden::DeepDerived", "golden::Box<vector<golden::Point> >", "golden::Object", "GoldenParticleSoA"] {
        assert!(equal.contains(class), "{class}");
    }
}

#[test]
fn checksums_are_roots() {
    let (mut equal, mut other) = (BTreeSet::new(), BTreeSet::new());
    for schema in files().iter().flat_map(|file| schemas(file)) {
        for field in schema.fields() {
            // ROOT puts zero on arrays of classes.
            let stored = field.type_checksum.filter(|&checksum| checksum != 0);
            if let (Some(computed), Some(stored)) = (class_checksum(&schema, field), stored) {
                if computed == stored { &mut equal } else { &mut other }.insert(field.type_name.to_string());
            }
        }
    }
    // They have C arrays, which look like std::array in an RNTuple. EdgeDerived is in the corpus.
    other.remove("EdgeDerived");
    assert_eq!(other, ["golden::Members"].map(str::to_owned).into());
    assert!(equal.len() >= 18, "{equal:?}");
}

/// A list from a file with other objects takes the classes of a new RNTuple, and keeps all that it has.
#[test]
fn merging() {
    let (payload, key_len) = record(&read("with_objects.root")).unwrap();
    let mut list = StreamerInfoList::parse(&payload, key_len).unwrap();
    let before: Vec<String> = list.classes().map(|class| class.name.to_owned()).collect();
    assert_eq!(before.len(), 15);
    let schema = Set::data("classes").schema;
    list.add_schema(&schema);
    let merged = list.serialize(72).unwrap();
    let merged = StreamerInfoList::parse(&merged, 72).unwrap();
    let after: Vec<&str> = merged.classes().map(|class| class.name).collect();
    assert_eq!(after[..15], before);
    assert_eq!(after.len(), 15 + classes_of(&schema).len());
    for class in list.classes() {
        assert_eq!(alone(&merged, class.name, class.version), alone(&list, class.name, class.version));
    }

    // The other way round, and only some.
    let (payload, key_len) = record(&read("classes.root")).unwrap();
    let mut classes = StreamerInfoList::parse(&payload, key_len).unwrap();
    let count = classes.classes().count();
    classes.merge(&list, |class| class.name.starts_with('T'));
    assert_eq!(classes.classes().count(), count + 14);
    assert!(classes.contains("TH1F", 3) && classes.contains("golden::Versioned", 7));
    let roots = StreamerInfoList::parse(&payload, key_len).unwrap();
    assert_eq!(alone(&classes, "golden::Hit", 1), alone(&roots, "golden::Hit", 1));
}

/// The streamer infos that come with streamer fields describe the same classes as the file's record.
#[test]
fn extra_type_information() {
    let set = Set::data("streamer");
    let mut list = StreamerInfoList::for_schema(&set.schema);
    let extra = set.schema.extra_type_info();
    assert!(!extra.is_empty());
    for extra in extra {
        list.merge(&StreamerInfoList::parse_extra_type_info(&extra.content).unwrap(), |_| true);
    }
    let (payload, key_len) = record(&set.bytes).unwrap();
    let roots = StreamerInfoList::parse(&payload, key_len).unwrap();
    for class in ["golden::Streamed", "golden::Poly", "golden::PolyChild", "pair<int,string>"] {
        assert_eq!(alone(&list, class, 1), alone(&roots, class, 1), "{class}");
    }
    assert_eq!(list.classes().count(), roots.classes().count());
}
