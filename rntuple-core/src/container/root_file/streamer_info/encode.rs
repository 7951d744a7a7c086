//! A class as objects of ROOT: `TStreamerInfo`, and one `TStreamerElement` for each base class and member.

use super::class::{ElementKind, StreamerBase, StreamerClass, StreamerElement, StreamerMember};
use super::graph::{Graph, Object, ObjectId, Part, Summary};

/// Versions of the classes as ROOT 6.40 writes them.
const INFO_VERSION: u16 = 10;
const ARRAY_VERSION: u16 = 3;
const ELEMENT_VERSION: u16 = 4;

/// Codes of element types.
const BASE: i32 = 0;
const ARRAY: i32 = 20;
const OBJECT: i32 = 61;
const ANY: i32 = 62;
const STRING: i32 = 365;
const T_OBJECT: i32 = 66;
const T_NAMED: i32 = 67;
const ANY_POINTER: i32 = 69;
const CONTAINER: i32 = 500;

/// Bits of a `TStreamerInfo` in a file.
const INFO_BITS: u32 = 1 << 16;

/// Adds the streamer info of a class to a graph.
pub(super) fn encode(class: &StreamerClass, summary: Summary, graph: &mut Graph) -> ObjectId {
    let mut pointers = Vec::with_capacity(class.bases.len() + class.members.len());
    for base in &class.bases {
        pointers.push(graph.add(encode_base(base)));
    }
    for member in &class.members {
        if let Some(element) = &member.element {
            pointers.push(graph.add(encode_member(member, element)));
        }
    }
    // TObject, empty name, number of elements, lower bound.
    let mut head = tobject(0);
    head.push(0);
    word(&mut head, u32::try_from(pointers.len()).unwrap_or(u32::MAX));
    word(&mut head, 0);
    let mut array = vec![Part::Bytes(head)];
    array.extend(pointers.into_iter().map(|id| Part::Pointer(Some(id))));
    let elements = graph.add(Object {
        class: (*b"TObjArray").into(),
        parts: vec![Part::Counted(ARRAY_VERSION, array)],
        summary: None,
    });

    let mut head = named(&class.name, "", INFO_BITS);
    word(&mut head, class.checksum);
    word(&mut head, class.version);
    let info = vec![Part::Bytes(head), Part::Pointer(Some(elements))];
    let parts = vec![Part::Counted(INFO_VERSION, info)];
    graph.add(Object { class: (*b"TStreamerInfo").into(), parts, summary: Some(summary) })
}

fn encode_base(base: &StreamerBase) -> Object {
    let (code, title) = match &*base.name {
        "TObject" => (T_OBJECT, "Basic ROOT object"),
        "TNamed" => (T_NAMED, "The basis for a named object (name, title)"),
        _ => (BASE, ""),
    };
    // The checksum stands where an array would have its second extent.
    let mut body = element(&base.name, title, code, 0, &[], &[0, base.checksum], "BASE");
    word(&mut body, base.version);
    object("TStreamerBase", 3, body)
}

fn encode_member(member: &StreamerMember, streamed: &StreamerElement) -> Object {
    let StreamerElement { kind, type_name, size, dimensions } = streamed;
    let array = if dimensions.is_empty() { 0 } else { ARRAY };
    let plain = |code| element(&member.name, "", code, *size, dimensions, dimensions, type_name);
    let with = |container: i32, contained: i32| {
        let mut body = plain(CONTAINER);
        body.extend(container.to_be_bytes());
        body.extend(contained.to_be_bytes());
        body
    };
    match *kind {
        ElementKind::Number(code) => object("TStreamerBasicType", 2, plain(code + array)),
        ElementKind::Text => object("TStreamerSTLstring", 2, counted(3, &with(STRING, STRING))),
        ElementKind::Container(code, contained) => object("TStreamerSTL", 3, with(code, contained)),
        ElementKind::Object => object("TStreamerObjectAny", 2, plain(ANY + array)),
        ElementKind::RootObject => object("TStreamerObject", 2, plain(OBJECT + array)),
        ElementKind::Pointer => object("TStreamerObjectAnyPointer", 1, plain(ANY_POINTER)),
    }
}

/// The `TStreamerElement` part.
fn element(
    name: &str,
    title: &str,
    code: i32,
    size: u32,
    dimensions: &[u32],
    extents: &[u32],
    type_name: &str,
) -> Vec<u8> {
    let mut body = named(name, title, 0);
    body.extend(code.to_be_bytes());
    word(&mut body, size);
    let len = dimensions.iter().fold(1_u32, |len, &n| len.saturating_mul(n));
    word(&mut body, if dimensions.is_empty() { 0 } else { len });
    word(&mut body, u32::try_from(dimensions.len()).unwrap_or(u32::MAX));
    for i in 0..5 {
        word(&mut body, extents.get(i).copied().unwrap_or_default());
    }
    string(&mut body, type_name);
    counted(ELEMENT_VERSION, &body)
}

fn object(class: &str, version: u16, body: Vec<u8>) -> Object {
    let parts = vec![Part::Counted(version, vec![Part::Bytes(body)])];
    Object { class: class.as_bytes().into(), parts, summary: None }
}

fn tobject(bits: u32) -> Vec<u8> {
    let mut bytes = vec![0, 1, 0, 0, 0, 0];
    word(&mut bytes, bits);
    bytes
}

fn named(name: &str, title: &str, bits: u32) -> Vec<u8> {
    let mut body = tobject(bits);
    string(&mut body, name);
    string(&mut body, title);
    counted(1, &body)
}

/// A byte count and a version before what they cover.
fn counted(version: u16, body: &[u8]) -> Vec<u8> {
    let count = u32::try_from(body.len() + 2).unwrap_or(u32::MAX) | 0x4000_0000;
    [&count.to_be_bytes()[..], &version.to_be_bytes(), body].concat()
}

fn word(bytes: &mut Vec<u8>, value: u32) {
    bytes.extend(value.to_be_bytes());
}

fn string(bytes: &mut Vec<u8>, text: &str) {
    match u8::try_from(text.len()) {
        Ok(len) if len < 255 => bytes.push(len),
        _ => {
            bytes.push(255);
            word(bytes, u32::try_from(text.len()).unwrap_or(u32::MAX));
        }
    }
    bytes.extend(text.as_bytes());
}
