//! The list of streamer infos: parse, merge, serialize.

use std::collections::{HashMap, HashSet};

use super::encode::encode;
use super::graph::{Graph, Item, List, Object, ObjectId, Part, Reader, Summary, Writer};
use super::{StreamerClass, classes_of, standard_templates_of};
use crate::error::{Error, Result};
use crate::schema::Schema;
use crate::wire::Be;

/// Version of `TList` as ROOT 6 writes it.
const LIST_VERSION: u16 = 5;
/// `TObject` without bits, and an empty name.
const PLAIN_HEAD: [u8; 11] = [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// Descriptions of classes: the payload of a file's streamer info record.
///
/// Entries of another file are kept object by object, whatever they hold, and can be written into a record with
/// another key length or behind other entries.
///
/// ```
/// use rntuple_core::container::root_file::{StreamerClass, StreamerInfoList};
///
/// let mut list = StreamerInfoList::empty();
/// list.add(&StreamerClass::rntuple());
/// let payload = list.serialize(StreamerInfoList::key_len(true))?;
///
/// // What another file needs, behind what it has.
/// let mut merged = StreamerInfoList::parse(&payload, StreamerInfoList::key_len(true))?;
/// merged.merge(&list, |_| true);
/// assert_eq!(merged.classes().count(), 1);
/// # Ok::<(), rntuple_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct StreamerInfoList {
    graph: Graph,
    /// Up to the last entry that describes a class.
    list: List,
    /// The entries behind it: ROOT puts schema evolution rules at the end.
    tail: Vec<Item>,
    /// The classes that are described.
    known: HashSet<Summary>,
}

/// Which class a streamer info describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DescribedClass<'a> {
    /// Name in ROOT's spelling: no `std::`, `> >` where templates close.
    pub name: &'a str,
    /// Version of the class; 1 for classes that have none.
    pub version: u32,
    /// Checksum of the class.
    pub checksum: u32,
}

impl Default for StreamerInfoList {
    fn default() -> Self {
        Self::empty()
    }
}

impl StreamerInfoList {
    /// Class name in the key of the record.
    pub const CLASS: &'static str = "TList";
    /// Name in the key of the record.
    pub const NAME: &'static str = "StreamerInfo";
    /// Title in the key of the record.
    pub const TITLE: &'static str = "Doubly linked list";

    /// Bytes of the key of a streamer info record, with 64-bit offsets (`big`) or without.
    #[must_use]
    pub const fn key_len(big: bool) -> u16 {
        // Three strings, each led by a byte for its length: 3 + 5 + 12 + 18.
        if big { 34 + 38 } else { 26 + 38 }
    }

    /// A list without entries.
    #[must_use]
    pub fn empty() -> Self {
        let list = List { version: LIST_VERSION, head: PLAIN_HEAD.to_vec(), items: Vec::new() };
        Self { graph: Graph::default(), list, tail: Vec::new(), known: HashSet::new() }
    }

    fn new(graph: Graph, mut list: List) -> Self {
        let summary = |id: Option<ObjectId>| graph.get(id?)?.summary.as_ref();
        let known = list.items.iter().filter_map(|(id, _)| summary(*id)).cloned().collect();
        let infos = list.items.iter().rposition(|(id, _)| summary(*id).is_some()).map_or(0, |last| last + 1);
        let tail = list.items.split_off(infos);
        Self { graph, list, tail, known }
    }

    /// What a file with an RNTuple of this schema needs: the class of the anchor, [`classes_of`], and
    /// [`standard_templates_of`].
    #[must_use]
    pub fn for_schema(schema: &Schema) -> Self {
        let mut list = Self::empty();
        list.add_schema(schema);
        list
    }

    /// Adds what [`StreamerInfoList::for_schema`] has.
    pub fn add_schema(&mut self, schema: &Schema) {
        self.add(&StreamerClass::rntuple());
        classes_of(schema).iter().chain(&standard_templates_of(schema)).for_each(|class| self.add(class));
    }

    /// Reads the payload of a streamer info record, uncompressed; `key_len` is the length of the key before it.
    ///
    /// # Errors
    /// [`Error::Truncated`] and [`Error::Malformed`] with offsets from the start of the payload, and
    /// [`Error::Limit`] where it is larger than 16 MiB.
    pub fn parse(payload: &[u8], key_len: u16) -> Result<Self> {
        Reader::check_len(payload)?;
        let mut cursor = Be::new(payload, 0);
        let mut reader = Reader::new(key_len);
        // What follows means nothing: uproot leaves room for more classes there.
        let (list, _) = reader.list(&mut cursor, 0)?;
        Ok(Self::new(reader.finish(), list))
    }

    /// Reads the list that comes with streamer fields, the content of
    /// [`ExtraTypeInfo`](crate::schema::ExtraTypeInfo) with content identifier 0.
    ///
    /// # Errors
    /// As [`StreamerInfoList::parse`].
    pub fn parse_extra_type_info(content: &[u8]) -> Result<Self> {
        Reader::check_len(content)?;
        let mut cursor = Be::new(content, 0);
        let mut reader = Reader::new(0);
        let (id, _) = reader.pointer(&mut cursor, 0)?;
        end(&cursor)?;
        let graph = reader.finish();
        let list = id.and_then(|id| graph.get(id)).and_then(List::of);
        let list = list.ok_or_else(|| Error::malformed("type information", 0, "not a list of streamer infos"))?;
        Ok(Self::new(graph, list))
    }

    /// The classes that are described, in order.
    pub fn classes(&self) -> impl Iterator<Item = DescribedClass<'_>> {
        self.list.items.iter().filter_map(|(id, _)| self.summary(*id)).map(Summary::described)
    }

    /// Whether a version of a class is described; `name` as ROOT spells it.
    #[must_use]
    pub fn contains(&self, name: &str, version: u32) -> bool {
        self.classes().any(|class| class.name == name && class.version == version)
    }

    /// Adds the description of a class, unless the same version with the same checksum is there.
    pub fn add(&mut self, class: &StreamerClass) {
        let summary = class.summary();
        if self.known.insert(summary.clone()) {
            let id = encode(class, summary, &mut self.graph);
            self.list.items.push((Some(id), vec![0]));
        }
    }

    /// Adds the descriptions of another list for which `choose` returns true, unless the same version with the same
    /// checksum is there. Entries that describe no class (schema evolution rules) are left out.
    pub fn merge(&mut self, other: &Self, mut choose: impl FnMut(DescribedClass<'_>) -> bool) {
        let mut copied = HashMap::new();
        for (id, option) in &other.list.items {
            let Some((id, summary)) = id.and_then(|id| Some((id, other.summary(Some(id))?))) else { continue };
            if choose(summary.described()) && self.known.insert(summary.clone()) {
                let new = self.graph.copy(&other.graph, id, &mut copied);
                self.list.items.push((Some(new), option.clone()));
            }
        }
    }

    /// The payload of a streamer info record whose key has `key_len` bytes (see [`StreamerInfoList::key_len`]).
    ///
    /// # Errors
    /// [`Error::Limit`] where it is larger than 16 MiB.
    pub fn serialize(&self, key_len: u16) -> Result<Vec<u8>> {
        let mut writer = Writer::new(&self.graph, key_len);
        writer.list(&self.list, &self.tail);
        writer.finish()
    }

    fn summary(&self, id: Option<ObjectId>) -> Option<&Summary> {
        self.graph.get(id?)?.summary.as_ref()
    }
}

impl Summary {
    fn described(&self) -> DescribedClass<'_> {
        DescribedClass { name: &self.name, version: self.version, checksum: self.checksum }
    }
}

impl List {
    /// The list that an object is.
    fn of(object: &Object) -> Option<Self> {
        let [Part::Counted(version, parts)] = &*object.parts else { return None };
        let [Part::Bytes(head), Part::Bytes(_count), items @ ..] = &**parts else { return None };
        let item = |pair: &[Part]| match pair {
            [Part::Pointer(id), Part::Bytes(option)] => Some((*id, option.clone())),
            _ => None,
        };
        let items = items.chunks(2).map(item).collect::<Option<_>>()?;
        (*object.class == *b"TList").then_some(Self { version: *version, head: head.clone(), items })
    }
}

fn end(cursor: &Be<'_>) -> Result<()> {
    if cursor.remaining() > 0 {
        let reason = format!("{} bytes behind its end", cursor.remaining());
        return Err(Error::malformed("list of streamer infos", cursor.at(), reason));
    }
    Ok(())
}
