//! Objects that point to each other, as ROOT buffers store them (format-spec/container.md, streamer info).
//!
//! A pointer is stored as the object itself where it occurs first, and as a reference to that place afterwards; class
//! names likewise. References count bytes from the start of the *key*, so that they change with its length and with
//! everything that comes before them. Objects are therefore taken apart into a graph that knows no offsets, and
//! written anew.

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::wire::Be;

/// Set in a word that counts bytes.
const BYTE_COUNT: u32 = 0x4000_0000;
/// Instead of a class reference: the name of the class follows.
const NEW_CLASS: u32 = u32::MAX;
/// Set in a reference to a class.
const CLASS_REFERENCE: u32 = 0x8000_0000;
/// References point this many bytes behind the place that they mean.
const REFERENCE_OFFSET: u32 = 2;
/// Set in the bits of a `TObject` that is followed by the number of its process.
const IS_REFERENCED: u32 = 1 << 4;
/// In place of a version: this is the upper half of a byte count.
const VERSION_IS_COUNT: u16 = 0x4000;
/// Deepest nesting of objects; ROOT's lists have three levels, five with schema evolution rules.
const MAX_DEPTH: usize = 16;
/// Longest name of a class.
const MAX_CLASS_NAME: usize = 4096;
/// Most bytes that are read or written: far beyond real lists, well below what a byte count can hold.
const MAX_LEN: u64 = 16 << 20;

/// Index of an object in a [`Graph`].
pub(super) type ObjectId = usize;

/// A piece of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// Bytes that hold no reference.
    Bytes(Vec<u8>),
    /// A byte count, a class version, and what they cover.
    Counted(u16, Vec<Part>),
    /// A pointer.
    Pointer(Option<ObjectId>),
}

/// An object: its class and what it is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) class: Box<[u8]>,
    pub(super) parts: Vec<Part>,
    /// What a `TStreamerInfo` says of its class.
    pub(super) summary: Option<Summary>,
}

/// The class that a `TStreamerInfo` describes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Summary {
    pub(super) name: Box<str>,
    pub(super) version: u32,
    pub(super) checksum: u32,
}

/// Objects without offsets. An object only points to objects with smaller numbers.
#[derive(Debug, Clone, Default)]
pub(super) struct Graph {
    objects: Vec<Object>,
}

impl Graph {
    pub(super) fn get(&self, id: ObjectId) -> Option<&Object> {
        self.objects.get(id)
    }

    /// Adds an object; those that it points to are there already.
    pub(super) fn add(&mut self, object: Object) -> ObjectId {
        self.objects.push(object);
        self.objects.len() - 1
    }

    /// Copies an object and all that it points to from another graph; `copied` keeps what was copied before.
    pub(super) fn copy(&mut self, from: &Self, id: ObjectId, copied: &mut HashMap<ObjectId, ObjectId>) -> ObjectId {
        if let Some(&known) = copied.get(&id) {
            return known;
        }
        let Some(object) = from.get(id) else { return id };
        let parts = self.copy_parts(from, &object.parts, copied);
        let new = self.add(Object { class: object.class.clone(), parts, summary: object.summary.clone() });
        copied.insert(id, new);
        new
    }

    fn copy_parts(&mut self, from: &Self, parts: &[Part], copied: &mut HashMap<ObjectId, ObjectId>) -> Vec<Part> {
        let mut out = Vec::with_capacity(parts.len());
        for part in parts {
            out.push(match part {
                Part::Bytes(bytes) => Part::Bytes(bytes.clone()),
                Part::Counted(version, inner) => Part::Counted(*version, self.copy_parts(from, inner, copied)),
                Part::Pointer(id) => Part::Pointer(id.map(|id| self.copy(from, id, copied))),
            });
        }
        out
    }
}

/// Takes the bytes of a buffer apart.
#[derive(Debug)]
pub(super) struct Reader {
    graph: Graph,
    /// Bytes before the payload that references count.
    key_len: u32,
    /// By the value of references to them.
    classes: HashMap<u32, Box<[u8]>>,
    objects: HashMap<u32, ObjectId>,
    /// How many objects deep each object goes.
    depths: Vec<usize>,
}

impl Reader {
    pub(super) fn new(key_len: u16) -> Self {
        Self {
            graph: Graph::default(),
            key_len: key_len.into(),
            classes: HashMap::new(),
            objects: HashMap::new(),
            depths: Vec::new(),
        }
    }

    pub(super) fn finish(self) -> Graph {
        self.graph
    }

    pub(super) fn check_len(payload: &[u8]) -> Result<()> {
        limit(payload.len() as u64)
    }

    /// A byte count and a version; the cursor over what they cover.
    pub(super) fn counted<'a>(cursor: &mut Be<'a>, what: &'static str) -> Result<(u16, Be<'a>)> {
        let at = cursor.at();
        let word = cursor.u32(what)?;
        if word & BYTE_COUNT == 0 {
            return Err(Error::malformed(what, at, "stored without a byte count"));
        }
        let mut inner = cursor.sub(what, (word & !BYTE_COUNT) as usize)?;
        Ok((inner.u16("class version")?, inner))
    }

    /// A pointer with what it points to, at a depth of `depth` objects.
    pub(super) fn pointer(&mut self, cursor: &mut Be<'_>, depth: usize) -> Result<(Option<ObjectId>, usize)> {
        let at = cursor.at();
        let word = cursor.u32("object")?;
        if word == 0 {
            return Ok((None, 0));
        }
        if word & BYTE_COUNT == 0 {
            let id = self.objects.get(&word).copied();
            let id =
                id.ok_or_else(|| Error::malformed("reference to an object", at, format!("{word:#x}: none there")))?;
            let height = self.depths.get(id).copied().unwrap_or_default();
            return self.check_depth(at, depth + height).map(|()| (Some(id), height));
        }
        self.check_depth(at, depth + 1)?;
        let mut body = cursor.sub("object", (word & !BYTE_COUNT) as usize)?;
        let class = self.class(&mut body)?;
        let (parts, summary, below) = self.body(&class, &mut body, depth + 1)?;
        if body.remaining() > 0 {
            return Err(Error::malformed("object", at, "holds more than its class says"));
        }
        let id = self.graph.add(Object { class, parts, summary });
        self.depths.push(below + 1);
        self.objects.insert(self.reference(at), id);
        Ok((Some(id), below + 1))
    }

    fn check_depth(&self, at: u64, depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(Error::malformed("object", at, format!("nested more than {MAX_DEPTH} deep")));
        }
        Ok(())
    }

    /// How a reference to a place in the payload is stored.
    #[expect(clippy::cast_possible_truncation, reason = "payloads are at most MAX_LEN bytes long")]
    fn reference(&self, at: u64) -> u32 {
        at as u32 + self.key_len + REFERENCE_OFFSET
    }

    fn class(&mut self, cursor: &mut Be<'_>) -> Result<Box<[u8]>> {
        let at = cursor.at();
        let tag = cursor.u32("class of an object")?;
        if tag == NEW_CLASS {
            let mut name = Vec::new();
            loop {
                match cursor.u8("class name")? {
                    0 => break,
                    byte => name.push(byte),
                }
                if name.len() > MAX_CLASS_NAME {
                    return Err(Error::malformed("class name", at, format!("longer than {MAX_CLASS_NAME} bytes")));
                }
            }
            let name: Box<[u8]> = name.into();
            self.classes.insert(self.reference(at), name.clone());
            return Ok(name);
        }
        let known = self.classes.get(&(tag & !CLASS_REFERENCE)).filter(|_| tag & CLASS_REFERENCE != 0);
        known.cloned().ok_or_else(|| Error::malformed("reference to a class", at, format!("{tag:#x}: none there")))
    }

    /// What an object is made of, and how deep it goes. Only three classes hold pointers.
    fn body(&mut self, class: &[u8], cursor: &mut Be<'_>, depth: usize) -> Result<(Vec<Part>, Option<Summary>, usize)> {
        match class {
            b"TStreamerInfo" => {
                let (version, mut inner) = Self::counted(cursor, "streamer info")?;
                let mut probe = inner.clone();
                let (_, mut named) = Self::counted(&mut probe, "name of a streamer info")?;
                tobject(&mut named)?;
                let name = named.string("class name of a streamer info")?;
                let checksum = probe.u32("class checksum")?;
                let class_version = probe.u32("class version")?;
                let head = between(&mut inner, &probe)?;
                let (elements, below) = self.pointer(&mut inner, depth)?;
                let rest = inner.take("streamer info", inner.remaining())?.to_vec();
                let mut parts = vec![Part::Bytes(head), Part::Pointer(elements)];
                if !rest.is_empty() {
                    parts.push(Part::Bytes(rest));
                }
                let summary = Summary { name, version: class_version, checksum };
                Ok((vec![Part::Counted(version, parts)], Some(summary), below))
            }
            b"TObjArray" => {
                let at = cursor.at();
                let (version, mut inner) = Self::counted(cursor, "array of objects")?;
                if version < 3 {
                    return Err(Error::malformed("array of objects", at, format!("version {version}: too old")));
                }
                let mut probe = inner.clone();
                let count = sequence_head(&mut probe)?;
                probe.i32("lower bound of an array")?;
                let mut parts = vec![Part::Bytes(between(&mut inner, &probe)?)];
                let mut below = 0;
                for _ in 0..count {
                    let (item, height) = self.pointer(&mut inner, depth)?;
                    below = below.max(height);
                    parts.push(Part::Pointer(item));
                }
                whole(&inner, "array of objects")?;
                Ok((vec![Part::Counted(version, parts)], None, below))
            }
            b"TList" => {
                let (list, below) = self.list(cursor, depth)?;
                Ok((vec![Part::Counted(list.version, list.into_parts())], None, below))
            }
            _ => Ok((vec![Part::Bytes(cursor.take("object", cursor.remaining())?.to_vec())], None, 0)),
        }
    }

    /// A `TList` without the class tag that leads an object behind a pointer.
    pub(super) fn list(&mut self, cursor: &mut Be<'_>, depth: usize) -> Result<(List, usize)> {
        let at = cursor.at();
        let (version, mut inner) = Self::counted(cursor, "list")?;
        if version < 4 {
            return Err(Error::malformed("list", at, format!("version {version}: too old")));
        }
        let mut probe = inner.clone();
        let count = sequence_head(&mut probe)?;
        let head = between(&mut inner, &probe)?;
        // Without the count, which changes with the list.
        let head = head.get(..head.len().saturating_sub(4)).unwrap_or_default().to_vec();
        let (mut items, mut below) = (Vec::new(), 0);
        for _ in 0..count {
            let (item, height) = self.pointer(&mut inner, depth)?;
            below = below.max(height);
            let mut probe = inner.clone();
            probe.string("option of a list item")?;
            items.push((item, between(&mut inner, &probe)?));
        }
        whole(&inner, "list")?;
        Ok((List { version, head, items }, below))
    }
}

/// An item of a list, and the option that is stored with it.
pub(super) type Item = (Option<ObjectId>, Vec<u8>);

/// A `TList`: version, base class and name, items.
#[derive(Debug, Clone)]
pub(super) struct List {
    pub(super) version: u16,
    pub(super) head: Vec<u8>,
    pub(super) items: Vec<Item>,
}

impl List {
    /// What the object is made of, behind its version.
    fn into_parts(self) -> Vec<Part> {
        let mut parts = vec![Part::Bytes(self.head), Part::Bytes(small(self.items.len()).to_be_bytes().to_vec())];
        for (item, option) in self.items {
            parts.extend([Part::Pointer(item), Part::Bytes(option)]);
        }
        parts
    }
}

/// The bytes from a cursor to where a copy of it has gone.
fn between(cursor: &mut Be<'_>, probe: &Be<'_>) -> Result<Vec<u8>> {
    let len = usize::try_from(probe.at() - cursor.at()).unwrap_or_default();
    Ok(cursor.take("object", len)?.to_vec())
}

fn whole(cursor: &Be<'_>, what: &'static str) -> Result<()> {
    if cursor.remaining() > 0 {
        return Err(Error::malformed(what, cursor.at(), format!("{} bytes too long", cursor.remaining())));
    }
    Ok(())
}

/// The `TObject` part of an object.
fn tobject(cursor: &mut Be<'_>) -> Result<()> {
    if cursor.u16("version of TObject")? & VERSION_IS_COUNT != 0 {
        cursor.u16("byte count of TObject")?;
        cursor.u16("version of TObject")?;
    }
    cursor.u32("unique id of TObject")?;
    if cursor.u32("bits of TObject")? & IS_REFERENCED != 0 {
        cursor.u16("process of TObject")?;
    }
    Ok(())
}

/// What leads the items of a collection; returns their number.
fn sequence_head(cursor: &mut Be<'_>) -> Result<u32> {
    tobject(cursor)?;
    cursor.string("name of a collection")?;
    cursor.u32("number of objects")
}

fn limit(len: u64) -> Result<()> {
    if len > MAX_LEN {
        return Err(Error::Limit { what: "size of the streamer info in bytes", value: len, limit: MAX_LEN });
    }
    Ok(())
}

/// Writes objects of a graph behind one another.
#[derive(Debug)]
pub(super) struct Writer<'a> {
    graph: &'a Graph,
    bytes: Vec<u8>,
    key_len: u32,
    classes: HashMap<&'a [u8], u32>,
    objects: HashMap<ObjectId, u32>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(graph: &'a Graph, key_len: u16) -> Self {
        Self { graph, bytes: Vec::new(), key_len: key_len.into(), classes: HashMap::new(), objects: HashMap::new() }
    }

    pub(super) fn finish(self) -> Result<Vec<u8>> {
        limit(self.bytes.len() as u64)?;
        Ok(self.bytes)
    }

    pub(super) fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }

    /// A byte count and what `write` writes.
    pub(super) fn counted(&mut self, write: impl FnOnce(&mut Self)) {
        let at = self.bytes.len();
        self.put(&[0; 4]);
        write(self);
        let count = BYTE_COUNT | small(self.bytes.len() - at - 4);
        if let Some(place) = self.bytes.get_mut(at..).and_then(|rest| rest.first_chunk_mut()) {
            *place = count.to_be_bytes();
        }
    }

    pub(super) fn pointer(&mut self, id: Option<ObjectId>) {
        let graph = self.graph;
        let Some((id, object)) = id.and_then(|id| Some((id, graph.get(id)?))) else {
            return self.put(&[0; 4]);
        };
        if let Some(reference) = self.objects.get(&id) {
            let reference = reference.to_be_bytes();
            return self.put(&reference);
        }
        let reference = self.reference();
        self.counted(|writer| {
            writer.class(&object.class);
            writer.parts(&object.parts);
        });
        self.objects.insert(id, reference);
    }

    /// A `TList` without a class tag, and more items behind its own.
    pub(super) fn list(&mut self, list: &'a List, more: &'a [Item]) {
        self.counted(|writer| {
            writer.put(&list.version.to_be_bytes());
            writer.put(&list.head);
            writer.put(&small(list.items.len() + more.len()).to_be_bytes());
            for (id, option) in list.items.iter().chain(more) {
                writer.pointer(*id);
                writer.put(option);
            }
        });
    }

    fn class(&mut self, class: &'a [u8]) {
        if let Some(reference) = self.classes.get(class) {
            let tag = (CLASS_REFERENCE | reference).to_be_bytes();
            return self.put(&tag);
        }
        self.classes.insert(class, self.reference());
        self.put(&NEW_CLASS.to_be_bytes());
        self.put(class);
        self.put(&[0]);
    }

    fn parts(&mut self, parts: &'a [Part]) {
        for part in parts {
            match part {
                Part::Bytes(bytes) => self.put(bytes),
                Part::Counted(version, inner) => self.counted(|writer| {
                    writer.put(&version.to_be_bytes());
                    writer.parts(inner);
                }),
                Part::Pointer(id) => self.pointer(*id),
            }
        }
    }

    /// How a reference to the next byte is stored.
    fn reference(&self) -> u32 {
        small(self.bytes.len()).saturating_add(self.key_len + REFERENCE_OFFSET)
    }
}

/// Sizes of more than [`MAX_LEN`] bytes are refused in the end, whatever stands for them until then.
fn small(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX) & !(BYTE_COUNT | CLASS_REFERENCE)
}
