//! Objects of the record of a tree, as the file's streamer infos lay them out: of any version of their classes.

use std::collections::HashMap;
use std::rc::Rc;

use super::bytes::{Cursor, Outcome};
use super::number::Number;
use super::streamers::{Class, ClassTags, Classes, Element, MAX_DEPTH, Target, named};

/// The objects of a record; a tree and its branches and leaves refer to each other.
#[derive(Debug, Default)]
pub(super) struct Objects {
    all: Vec<Object>,
}

/// Number of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct ObjectId(usize);

/// An object: what is needed of its members.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) class: Rc<str>,
    members: Vec<(Rc<str>, Value)>,
}

/// A member.
#[derive(Debug)]
pub(super) enum Value {
    Int(i64),
    Text(String),
    Ints(Vec<i64>),
    Object(ObjectId),
    List(Vec<Option<ObjectId>>),
    Basket(Embedded),
}

/// A basket that lies in the record of the tree.
#[derive(Debug, Clone)]
pub(super) struct Embedded {
    pub(super) entries: usize,
    /// Bytes of the key that positions count as well.
    pub(super) key_len: usize,
    /// Where entries start, if that is told.
    pub(super) offsets: Option<Vec<u32>>,
    pub(super) data: Vec<u8>,
    /// Whether offsets are not stored because a count tells them.
    pub(super) generated: bool,
}

impl Objects {
    pub(super) fn get(&self, id: ObjectId) -> Option<&Object> {
        self.all.get(id.0)
    }
}

impl Object {
    fn member(&self, name: &str) -> Option<&Value> {
        self.members.iter().find(|(member, _)| &**member == name).map(|(_, value)| value)
    }

    pub(super) fn int(&self, name: &str) -> Option<i64> {
        match self.member(name)? {
            Value::Int(value) => Some(*value),
            _ => None,
        }
    }

    pub(super) fn text(&self, name: &str) -> &str {
        match self.member(name) {
            Some(Value::Text(text)) => text,
            _ => "",
        }
    }

    pub(super) fn ints(&self, name: &str) -> &[i64] {
        match self.member(name) {
            Some(Value::Ints(values)) => values,
            _ => &[],
        }
    }

    pub(super) fn object(&self, name: &str) -> Option<ObjectId> {
        match self.member(name)? {
            Value::Object(id) => Some(*id),
            _ => None,
        }
    }

    pub(super) fn list(&self, name: &str) -> &[Option<ObjectId>] {
        match self.member(name) {
            Some(Value::List(items)) => items,
            _ => &[],
        }
    }

    pub(super) fn basket(&self) -> Option<&Embedded> {
        match self.member("basket")? {
            Value::Basket(basket) => Some(basket),
            _ => None,
        }
    }
}

/// Reads the object of a class that makes up a record.
pub(super) fn read(classes: &Classes, class: &str, content: &[u8], key_len: usize) -> Outcome<(Objects, ObjectId)> {
    let mut reader =
        Reader { classes, key_len, tags: ClassTags::default(), known: HashMap::new(), objects: Objects::default() };
    let id = reader.object(&mut Cursor::new(content), &class.into(), None, 0)?;
    Ok((reader.objects, id))
}

struct Reader<'a> {
    classes: &'a Classes,
    key_len: usize,
    tags: ClassTags,
    /// Objects by position.
    known: HashMap<usize, ObjectId>,
    objects: Objects,
}

type Members = Vec<(Rc<str>, Value)>;

impl Reader<'_> {
    fn object(
        &mut self,
        cursor: &mut Cursor<'_>,
        class: &Rc<str>,
        at: Option<usize>,
        depth: usize,
    ) -> Outcome<ObjectId> {
        if depth > MAX_DEPTH {
            return Err("objects are nested too deeply".into());
        }
        let id = ObjectId(self.objects.all.len());
        self.objects.all.push(Object { class: Rc::clone(class), members: Vec::new() });
        if let Some(at) = at {
            self.known.insert(at, id);
        }
        let mut members = Vec::new();
        self.content(cursor, class, &mut members, depth)?;
        if let Some(object) = self.objects.all.get_mut(id.0) {
            object.members = members;
        }
        Ok(id)
    }

    fn pointer(&mut self, cursor: &mut Cursor<'_>, depth: usize) -> Outcome<Option<ObjectId>> {
        match self.tags.pointer(cursor, self.key_len)? {
            Target::Null => Ok(None),
            // What was skipped is not needed.
            Target::Known(at) => Ok(self.known.get(&at).copied()),
            Target::New { class, at, end } => {
                let read = is_needed(&class);
                let id = if read { Some(self.object(cursor, &class, Some(at), depth + 1)?) } else { None };
                match end {
                    // A basket ends with bytes that its size does not count.
                    Some(end) if &*class != "TBasket" => cursor.jump(end)?,
                    None if !read => return Err(format!("an object of class {class} without a size")),
                    _ => {}
                }
                Ok(id)
            }
        }
    }

    /// Reads an object with its header.
    fn content(&mut self, cursor: &mut Cursor<'_>, class: &str, out: &mut Members, depth: usize) -> Outcome<()> {
        if depth > MAX_DEPTH {
            return Err("classes are nested too deeply".into());
        }
        match class {
            "TObject" => {
                cursor.root_object()?;
                return Ok(());
            }
            "TNamed" => {
                let (name, title) = named(cursor)?;
                out.push(("fName".into(), Value::Text(name)));
                out.push(("fTitle".into(), Value::Text(title)));
                return Ok(());
            }
            "TObjArray" | "TList" | "THashList" => return self.list(cursor, class == "TObjArray", out, depth),
            "TBasket" => {
                out.push(("basket".into(), Value::Basket(basket(cursor)?)));
                return Ok(());
            }
            _ => {}
        }
        if let Some(size) = class.strip_prefix("TArray").and_then(array_item) {
            let n = cursor.count(size)?;
            cursor.take(n * size)?;
            return Ok(());
        }
        let head = cursor.head()?;
        if class == "TLeaf" && self.classes.find(class, head.version).is_none() {
            self.leaf(cursor, out, depth)?;
            return head.end.map_or(Ok(()), |end| cursor.jump(end));
        }
        let info = match self.classes.find(class, head.version) {
            Some(info) => info.clone(),
            // Other writers than ROOT may not describe leaves; what is needed of them is in their base class.
            None if head.end.is_some() && class.starts_with("TLeaf") && class != "TLeaf" => {
                self.content(cursor, "TLeaf", out, depth + 1)?;
                return head.end.map_or(Ok(()), |end| cursor.jump(end));
            }
            None if head.end.is_some() && !is_needed(class) => return cursor.close(head),
            None => return Err(format!("the file does not describe version {} of class {class}", head.version)),
        };
        self.members(cursor, &info, out, depth).map_err(|e| format!("{class}: {e}"))?;
        cursor.close(head)
    }

    /// `TLeaf` of version 2, which other writers than ROOT may not describe.
    fn leaf(&mut self, cursor: &mut Cursor<'_>, out: &mut Members, depth: usize) -> Outcome<()> {
        self.content(cursor, "TNamed", out, depth + 1)?;
        for name in ["fLen", "fLenType", "fOffset"] {
            out.push((name.into(), Value::Int(cursor.i32()?.into())));
        }
        for name in ["fIsRange", "fIsUnsigned"] {
            out.push((name.into(), Value::Int(cursor.u8()?.into())));
        }
        if let Some(count) = self.pointer(cursor, depth)? {
            out.push(("fLeafCount".into(), Value::Object(count)));
        }
        Ok(())
    }

    fn list(&mut self, cursor: &mut Cursor<'_>, array: bool, out: &mut Members, depth: usize) -> Outcome<()> {
        let head = cursor.head()?;
        cursor.root_object()?;
        cursor.text()?;
        let n = cursor.count(4)?;
        if array {
            cursor.i32()?;
        }
        let mut items = Vec::with_capacity(n);
        for _ in 0..n {
            items.push(self.pointer(cursor, depth)?);
            if !array {
                cursor.text()?;
            }
        }
        out.push(("items".into(), Value::List(items)));
        cursor.close(head)
    }

    fn members(&mut self, cursor: &mut Cursor<'_>, info: &Class, out: &mut Members, depth: usize) -> Outcome<()> {
        for element in &info.elements {
            self.member(cursor, element, out, depth).map_err(|e| format!("member {}: {e}", element.name))?;
        }
        Ok(())
    }

    fn member(&mut self, cursor: &mut Cursor<'_>, element: &Element, out: &mut Members, depth: usize) -> Outcome<()> {
        if element.is_base {
            // The class of a base is its name.
            return self.content(cursor, &element.name, out, depth + 1);
        }
        let mut put = |value| out.push((element.name.as_str().into(), value));
        let class = element.type_name.trim_end_matches('*').trim();
        match element.code {
            code @ 1..=19 if code != 7 => {
                put(Value::Int(number(cursor, Number::of_code(code, &element.title))?));
            }
            code @ 21..=39 => {
                let kind = Number::of_code(code - 20, &element.title).ok_or("an array of no numbers")?;
                let n = element.extents.iter().try_fold(1_usize, |n, extent| n.checked_mul(*extent));
                let n = n.ok_or("an array is too long")?;
                put(Value::Ints(numbers(cursor, kind, n)?));
            }
            code @ 41..=59 => {
                let kind = Number::of_code(code - 40, &element.title).ok_or("an array of no numbers")?;
                let n = out.iter().rev().find(|(name, _)| **name == *element.count).map(|(_, value)| value);
                let Some(&Value::Int(n)) = n else { return Err(format!("no count {}", element.count)) };
                let n = usize::try_from(n).map_err(|_| format!("a count of {n}"))?;
                let values = match cursor.u8()? {
                    0 => Vec::new(),
                    // Offsets in large files, in versions whose description says otherwise.
                    2 if element.name == "fBasketSeek" => numbers(cursor, Number::I64, n)?,
                    _ => numbers(cursor, kind, n)?,
                };
                out.push((element.name.as_str().into(), Value::Ints(values)));
            }
            61 | 62 if is_list(class) || is_needed(class) => {
                let mut inner = Vec::new();
                self.content(cursor, class, &mut inner, depth + 1)?;
                if let Some((_, items @ Value::List(_))) = inner.pop() {
                    put(items);
                }
            }
            61 | 62 | 66 | 67 => {
                // Other objects: attributes, features.
                let mut inner = Vec::new();
                self.content(cursor, class, &mut inner, depth + 1)?;
                for (name, value) in inner {
                    if &*name == "fIOBits" {
                        out.push((name, value));
                    }
                }
            }
            63 | 68 => {
                let mut inner = Vec::new();
                self.content(cursor, class, &mut inner, depth + 1)?;
            }
            64 | 69 => {
                // Friends: that there are some is what matters.
                let start = cursor.at();
                let id = self.pointer(cursor, depth)?;
                if let Some(id) = id {
                    put(Value::Object(id));
                } else if cursor.at() > start + 4 {
                    put(Value::Int(1));
                }
            }
            65 => put(Value::Text(cursor.name()?)),
            code => return Err(format!("its type {} (code {code}) is not known", element.type_name)),
        }
        Ok(())
    }
}

fn is_list(class: &str) -> bool {
    matches!(class, "TObjArray" | "TList" | "THashList")
}

/// Whether objects of this class are looked at.
fn is_needed(class: &str) -> bool {
    class.starts_with("TBranch") && class != "TBranchRef"
        || class.starts_with("TLeaf")
        || matches!(class, "TBasket" | "TTree" | "TNtuple" | "TNtupleD" | "TObjArray" | "TList")
}

fn array_item(letter: &str) -> Option<usize> {
    Some(match letter {
        "C" => 1,
        "S" => 2,
        "I" | "F" => 4,
        "D" | "L" | "L64" => 8,
        _ => return None,
    })
}

/// A number as an integer; fractions are of no interest here.
fn number(cursor: &mut Cursor<'_>, kind: Option<Number>) -> Outcome<i64> {
    let kind = kind.ok_or("its type is not known")?;
    Ok(match kind {
        Number::Bool | Number::U8 => cursor.u8()?.into(),
        Number::Char | Number::I8 => cursor.i8()?.into(),
        Number::I16 => cursor.i16()?.into(),
        Number::U16 => cursor.u16()?.into(),
        Number::I32 => cursor.i32()?.into(),
        Number::U32 | Number::Bits => cursor.u32()?.into(),
        Number::I64 => cursor.i64()?,
        Number::U64 => i64::try_from(cursor.u64()?).unwrap_or(i64::MAX),
        Number::F32 => whole(cursor.f32()?.into()),
        // Old versions count entries in doubles.
        Number::F64 => whole(cursor.f64()?),
        Number::Float16(_) | Number::Double32(_) => {
            cursor.take(kind.stored())?;
            0
        }
    })
}

#[allow(clippy::cast_possible_truncation, reason = "counts are whole, and less than 2^53; others are of no use")]
fn whole(value: f64) -> i64 {
    value as i64
}

fn numbers(cursor: &mut Cursor<'_>, kind: Number, n: usize) -> Outcome<Vec<i64>> {
    if n.saturating_mul(kind.stored()) > cursor.remaining() {
        return Err(format!("{n} numbers with {} bytes left", cursor.remaining()));
    }
    (0..n).map(|_| number(cursor, Some(kind))).collect()
}

/// A basket within the record of a tree: its key, what follows the key of any basket, and its buffer.
fn basket(cursor: &mut Cursor<'_>) -> Outcome<Embedded> {
    let key_len = skip_key(cursor)?;
    let head = Head::read(cursor)?;
    let (entries, last, mut flag) = (head.entries, head.last, head.flag);
    let generated = flag >= 80;
    if generated {
        flag -= 80;
    }
    let mut offsets = None;
    if !generated && flag != 0 && flag % 10 != 2 {
        if entries > 0 {
            let n = cursor.count(4)?;
            offsets = Some((0..n).map(|_| cursor.u32()).collect::<Outcome<Vec<_>>>()?);
        }
        if flag > 40 {
            let n = cursor.count(4)?;
            cursor.take(n * 4)?;
        }
    }
    let mut data = Vec::new();
    if flag == 1 || flag > 10 {
        let buffer = if head.version > 1 {
            cursor.take(last)?
        } else {
            let n = cursor.count(1)?;
            cursor.take(n)?
        };
        data.extend_from_slice(buffer.get(key_len.min(last)..).unwrap_or_default());
    }
    Ok(Embedded { entries, key_len, offsets, data, generated })
}

/// Goes to what the key of a basket has beyond that of other records. Returns the length of the key.
pub(super) fn skip_key(cursor: &mut Cursor<'_>) -> Outcome<usize> {
    const BIG_KEY: u16 = 1000;
    cursor.i32()?;
    let version = cursor.u16()?;
    cursor.take(8)?;
    let key_len = usize::from(cursor.u16()?);
    cursor.u16()?;
    cursor.take(if version > BIG_KEY { 16 } else { 8 })?;
    for _ in 0..3 {
        cursor.text()?;
    }
    Ok(key_len)
}

/// What the key of a basket has beyond that of other records.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    version: u16,
    pub(super) entries: usize,
    /// Bytes of entries, those of the key included.
    pub(super) last: usize,
    flag: i32,
    pub(super) generated: bool,
}

impl Head {
    pub(super) fn read(cursor: &mut Cursor<'_>) -> Outcome<Self> {
        let version = cursor.u16()?;
        cursor.i32()?;
        if cursor.i32()? < 0 {
            cursor.u8()?;
        }
        let size = |value: i32| usize::try_from(value).map_err(|_| "a basket with negative sizes".to_owned());
        let entries = size(cursor.i32()?)?;
        let last = size(cursor.i32()?)?;
        let flag = i32::from(cursor.u8()?);
        Ok(Self { version, entries, last, flag, generated: flag >= 80 })
    }
}
