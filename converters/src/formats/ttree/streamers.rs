//! Streamer infos: how the classes of a file are laid out, version by version.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::bytes::{Cursor, HAS_SIZE, Outcome};

/// Deepest nesting of objects.
pub(super) const MAX_DEPTH: usize = 64;
/// ROOT numbers objects from two bytes behind their start.
const MAP_OFFSET: usize = 2;
const NEW_CLASS: u32 = 0xffff_ffff;
const IS_CLASS: u32 = 0x8000_0000;

/// A version of a class.
#[derive(Debug, Clone)]
pub(super) struct Class {
    pub(super) version: u16,
    pub(super) checksum: u32,
    pub(super) elements: Vec<Element>,
}

/// A base class or a member.
#[derive(Debug, Clone)]
pub(super) struct Element {
    pub(super) name: String,
    /// The comment behind the member, which may have the range of packed numbers.
    pub(super) title: String,
    /// ROOT's code of the type.
    pub(super) code: i32,
    pub(super) type_name: String,
    /// Extents of an array.
    pub(super) extents: Vec<usize>,
    /// The member that counts the items of an array of variable length.
    pub(super) count: String,
    pub(super) is_base: bool,
    /// Version of a base class.
    pub(super) base_version: u16,
}

/// The classes of a file.
#[derive(Debug, Clone, Default)]
pub(super) struct Classes {
    by_name: HashMap<String, Vec<Arc<Class>>>,
}

/// What a pointer in a record leads to.
pub(super) enum Target {
    Null,
    /// An object that was met before, at this position.
    Known(usize),
    /// An object of a class that follows; its position, and where it ends if that is told.
    New {
        class: Rc<str>,
        at: usize,
        end: Option<usize>,
    },
}

/// The classes that the pointers of a record named so far.
#[derive(Debug, Default)]
pub(super) struct ClassTags(HashMap<usize, Rc<str>>);

impl ClassTags {
    /// Reads a pointer; `key_len` bytes lie before the content that positions count as well.
    pub(super) fn pointer(&mut self, cursor: &mut Cursor<'_>, key_len: usize) -> Outcome<Target> {
        let start = cursor.at();
        let first = cursor.u32()?;
        let (tag, tag_at, end) = if first & HAS_SIZE != 0 && first != NEW_CLASS {
            let at = cursor.at();
            (cursor.u32()?, at, Some(at + (first & !HAS_SIZE) as usize))
        } else {
            (first, start, None)
        };
        if tag & IS_CLASS == 0 {
            return Ok(if tag == 0 { Target::Null } else { Target::Known(tag as usize) });
        }
        let class = if tag == NEW_CLASS {
            let name: Rc<str> = String::from_utf8_lossy(cursor.until_zero()?).into();
            self.0.insert(tag_at + key_len + MAP_OFFSET, Rc::clone(&name));
            name
        } else {
            let at = (tag & !IS_CLASS) as usize;
            Rc::clone(self.0.get(&at).ok_or_else(|| format!("an object refers to a class at {at}, where none is"))?)
        };
        Ok(Target::New { class, at: start + key_len + MAP_OFFSET, end })
    }
}

impl Classes {
    /// The latest description of a version of a class; any version where there is none.
    pub(super) fn find(&self, name: &str, version: u16) -> Option<&Arc<Class>> {
        let all = self.by_name.get(name)?;
        all.iter().rev().find(|class| class.version == version)
    }

    pub(super) fn by_checksum(&self, name: &str, checksum: u32) -> Option<&Arc<Class>> {
        self.by_name.get(name)?.iter().find(|class| class.checksum == checksum)
    }

    /// The newest version.
    pub(super) fn newest(&self, name: &str) -> Option<&Arc<Class>> {
        self.by_name.get(name)?.iter().max_by_key(|class| class.version)
    }

    /// Reads the content of the streamer info record.
    pub(super) fn parse(content: &[u8], key_len: usize) -> Outcome<Self> {
        let mut reader = Reader { tags: ClassTags::default(), key_len, elements: HashMap::new() };
        let mut classes = Self::default();
        let mut cursor = Cursor::new(content);
        let cursor = &mut cursor;
        let head = cursor.head()?;
        cursor.root_object()?;
        cursor.text()?;
        let count = cursor.count(5)?;
        for _ in 0..count {
            if let Target::New { class, end, .. } = reader.tags.pointer(cursor, key_len)? {
                // What is not a streamer info is a list of rules for reading older versions.
                if &*class == "TStreamerInfo"
                    && let Some((name, class)) = reader.info(cursor)?
                {
                    classes.by_name.entry(name).or_default().push(Arc::new(class));
                }
                let end = end.ok_or("a streamer info without a size")?;
                cursor.jump(end)?;
            }
            cursor.text()?;
        }
        cursor.close(head)?;
        Ok(classes)
    }
}

struct Reader {
    tags: ClassTags,
    key_len: usize,
    /// Elements by position: classes may share them.
    elements: HashMap<usize, Element>,
}

impl Reader {
    fn info(&mut self, cursor: &mut Cursor<'_>) -> Outcome<Option<(String, Class)>> {
        let head = cursor.head()?;
        let (name, _) = named(cursor)?;
        let checksum = cursor.u32()?;
        let version = cursor.i32()?;
        let mut elements = Vec::new();
        if let Target::New { class, .. } = self.tags.pointer(cursor, self.key_len)? {
            if &*class != "TObjArray" {
                return Err(format!("the elements of class {name} are a {class}"));
            }
            let head = cursor.head()?;
            cursor.root_object()?;
            cursor.text()?;
            let count = cursor.count(4)?;
            cursor.i32()?;
            for _ in 0..count {
                match self.tags.pointer(cursor, self.key_len)? {
                    Target::Null => {}
                    Target::Known(at) => elements.extend(self.elements.get(&at).cloned()),
                    Target::New { class, at, end } => {
                        let element = element(cursor, &class)?;
                        self.elements.insert(at, element.clone());
                        elements.push(element);
                        if let Some(end) = end {
                            cursor.jump(end)?;
                        }
                    }
                }
            }
            cursor.close(head)?;
        }
        cursor.close(head)?;
        let Ok(version) = u16::try_from(version) else { return Ok(None) };
        Ok(Some((name, Class { version, checksum, elements })))
    }
}

/// `TNamed`: name and title.
pub(super) fn named(cursor: &mut Cursor<'_>) -> Outcome<(String, String)> {
    let head = cursor.head()?;
    cursor.root_object()?;
    let names = (cursor.name()?, cursor.name()?);
    cursor.close(head)?;
    Ok(names)
}

fn element(cursor: &mut Cursor<'_>, class: &str) -> Outcome<Element> {
    let outer = cursor.head()?;
    // Elements of strings are elements of containers.
    let middle = if class == "TStreamerSTLstring" { Some(cursor.head()?) } else { None };
    // An element without a class of its own has one header only.
    let head = if class == "TStreamerElement" { outer } else { cursor.head()? };
    let (name, title) = named(cursor)?;
    let mut code = cursor.i32()?;
    let _size = cursor.i32()?;
    let length = cursor.i32()?;
    let dimensions = cursor.i32()?;
    let mut extents = Vec::new();
    if head.version == 1 {
        let n = cursor.count(4)?;
        for _ in 0..n {
            extents.push(cursor.i32()?);
        }
    } else {
        for _ in 0..5 {
            extents.push(cursor.i32()?);
        }
    }
    extents.truncate(usize::try_from(dimensions).unwrap_or(0));
    let mut extents: Vec<usize> = extents.into_iter().map(|n| usize::try_from(n).unwrap_or(0)).collect();
    let length = usize::try_from(length).unwrap_or(0);
    let told = extents.iter().try_fold(1_usize, |product, n| product.checked_mul(*n));
    if told != Some(length.max(1)) {
        extents = if length > 1 { vec![length] } else { Vec::new() };
    }
    let type_name = cursor.name()?;
    cursor.close(head)?;
    let (mut count, mut base_version) = (String::new(), 0);
    match class {
        "TStreamerBase" if outer.version > 2 => base_version = u16::try_from(cursor.i32()?).unwrap_or(0),
        "TStreamerBasicPointer" | "TStreamerLoop" => {
            cursor.i32()?;
            count = cursor.name()?;
        }
        // Both are streamed alike, but only one has a header.
        "TStreamerSTLstring" => code = 365,
        _ => {}
    }
    middle.map_or(Ok(()), |middle| cursor.close(middle))?;
    cursor.close(outer)?;
    Ok(Element { name, title, code, type_name, extents, count, is_base: class == "TStreamerBase", base_version })
}
