//! From the bytes of entries to Arrow arrays.
//!
//! A [`Decoder`] reads values one behind the other and keeps them until an array is made of them. What ROOT does with
//! the items of a collection member by member, and with one object, is the same thing: a member of `n` objects is read
//! at once, with `n` = 1 for a single object.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryArray, FixedSizeListArray, ListArray, MapArray, StringArray, StructArray};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Fields};
use rntuple_core::arrow::TYPE;

use super::bytes::{Cursor, Outcome};
use super::number::Number;

/// Most values of one array in a batch.
const MAX_VALUES: usize = i32::MAX as usize;

/// Reads values of one type.
#[derive(Debug, Clone)]
pub(super) enum Decoder {
    Number {
        kind: Number,
        values: Vec<u8>,
    },
    /// A string with its length.
    Text(Texts),
    /// An array of fixed length.
    Fixed {
        extent: usize,
        item: Box<Decoder>,
        len: usize,
    },
    /// Numbers that something else counts.
    Counted {
        count: Count,
        flag: bool,
        list: List,
    },
    /// A container: number of items, items.
    Container {
        shape: Shape,
        list: List,
    },
    /// What is behind one header for all objects of a collection: containers and strings as members.
    Headed(Box<Decoder>),
    Record(Record),
}

/// What tells how many numbers follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    /// A member of the same record.
    Member(usize),
    /// The bytes that are left, of which members of the same record have equal shares.
    Rest,
}

/// What a container becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    List,
    /// A list with the name of another template: `std::set`.
    Named(&'static str),
    /// A map; pairs have no headers.
    Map(&'static str),
}

/// Items of lists.
#[derive(Debug, Clone)]
pub(super) struct List {
    item: Box<Decoder>,
    ends: Vec<i32>,
}

/// Strings.
#[derive(Debug, Clone)]
pub(super) struct Texts {
    ends: Vec<i32>,
    bytes: Vec<u8>,
    /// Whether bytes pass as they are, rather than as UTF-8.
    raw: bool,
    /// Whether lengths have four bytes, as those of `char *` have.
    long: bool,
    /// Whether there is no header where they are members: those of `TString`.
    bare: bool,
}

/// A record of members.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) members: Vec<(String, Decoder)>,
    pub(super) header: Header,
    pub(super) len: usize,
}

/// What leads an object.
#[derive(Debug, Clone)]
pub(super) enum Header {
    /// Nothing.
    None,
    /// Size and version, which must be this one; the checksum follows where classes have no version.
    Class { name: String, version: u16, checksum: u32 },
    /// `TObject`, which has a way of its own.
    RootObject,
}

impl Decoder {
    pub(super) fn number(kind: Number) -> Self {
        Self::Number { kind, values: Vec::new() }
    }

    pub(super) fn text(raw: bool) -> Self {
        Self::Text(Texts { ends: Vec::new(), bytes: Vec::new(), raw, long: false, bare: false })
    }

    pub(super) fn bare_text(raw: bool) -> Self {
        Self::Text(Texts { ends: Vec::new(), bytes: Vec::new(), raw, long: false, bare: true })
    }

    pub(super) fn long_text(raw: bool) -> Self {
        Self::Text(Texts { ends: Vec::new(), bytes: Vec::new(), raw, long: true, bare: true })
    }

    /// An array of these extents, outermost first.
    pub(super) fn fixed(extents: &[usize], item: Self) -> Self {
        extents.iter().rev().fold(item, |item, &extent| Self::Fixed { extent, item: Box::new(item), len: 0 })
    }

    pub(super) fn container(shape: Shape, item: Self) -> Self {
        Self::Container { shape, list: List::new(item) }
    }

    pub(super) fn counted(count: Count, flag: bool, item: Self) -> Self {
        Self::Counted { count, flag, list: List::new(item) }
    }

    pub(super) fn record(members: Vec<(String, Self)>, header: Header) -> Self {
        Self::Record(Record { members, header, len: 0 })
    }

    /// Behind a header, if it is a container.
    pub(super) fn headed_container(self) -> Self {
        if matches!(self, Self::Container { .. }) { Self::Headed(Box::new(self)) } else { self }
    }

    /// Behind a header, if it is a container or a string: as members are.
    pub(super) fn headed(self) -> Self {
        if self.has_header() { Self::Headed(Box::new(self)) } else { self }
    }

    /// Whether it has a header as a member.
    fn has_header(&self) -> bool {
        matches!(self, Self::Container { .. } | Self::Text(Texts { bare: false, .. }))
    }

    /// Bytes of a value, where all have as many; values of such types lie one behind the other.
    pub(super) fn size(&self) -> Option<usize> {
        match self {
            Self::Number { kind, .. } => kind.is_fixed().then(|| kind.stored()),
            Self::Fixed { extent, item, .. } => item.size()?.checked_mul(*extent),
            Self::Record(Record { members, header: Header::None, .. }) => {
                members.iter().try_fold(0_usize, |sum, (_, member)| sum.checked_add(member.size()?))
            }
            _ => None,
        }
    }

    /// Whether it is made of numbers, strings and their containers only, whose layout is beyond doubt.
    pub(super) fn is_plain(&self) -> bool {
        match self {
            Self::Number { .. } | Self::Text(_) => true,
            Self::Fixed { item, .. } | Self::Headed(item) => item.is_plain(),
            Self::Counted { list, .. } | Self::Container { list, .. } => list.item.is_plain(),
            Self::Record(record) => {
                matches!(record.header, Header::None) && record.members.iter().all(|(_, member)| member.is_plain())
            }
        }
    }

    /// Number of values read so far.
    fn len(&self) -> usize {
        match self {
            Self::Number { kind, values } => values.len() / kind.arrow().primitive_width().unwrap_or(1),
            Self::Text(texts) => texts.ends.len(),
            Self::Fixed { len, .. } => *len,
            Self::Counted { list, .. } | Self::Container { list, .. } => list.ends.len(),
            Self::Headed(inner) => inner.len(),
            Self::Record(record) => record.len,
        }
    }

    /// Reads the values of `n` objects.
    pub(super) fn read(&mut self, n: usize, cursor: &mut Cursor<'_>) -> Outcome<()> {
        match self {
            Self::Number { kind, values } => kind.read(n, cursor, values),
            Self::Text(texts) => (0..n).try_for_each(|_| {
                let text = if texts.long { cursor.count(1).and_then(|n| cursor.take(n)) } else { cursor.text() };
                texts.push(text?)
            }),
            Self::Fixed { extent, item, len } => {
                let all = n.checked_mul(*extent).filter(|all| *all <= MAX_VALUES).ok_or("too many values")?;
                item.read(all, cursor)?;
                *len += n;
                Ok(())
            }
            // Only their record, or their entry, knows how many there are.
            Self::Counted { .. } => Err("arrays of variable length in collections are not supported".into()),
            Self::Container { shape, list } => {
                for _ in 0..n {
                    let count = cursor.count(1)?;
                    match (&*shape, &mut *list.item) {
                        (Shape::Map(_), Self::Record(pair)) => {
                            for _ in 0..count {
                                pair.read_members(cursor)?;
                                pair.len += 1;
                            }
                        }
                        (_, item) => item.read(count, cursor)?,
                    }
                    list.end()?;
                }
                Ok(())
            }
            // Without objects, there is no header.
            Self::Headed(_) if n == 0 => Ok(()),
            Self::Headed(inner) => {
                let head = cursor.head()?;
                if head.memberwise {
                    inner.read_memberwise(n, cursor)?;
                } else {
                    inner.read(n, cursor)?;
                }
                match head.end {
                    Some(end) if end != cursor.at() => {
                        Err(format!("a container ends at byte {end}, its items at byte {}", cursor.at()))
                    }
                    _ => Ok(()),
                }
            }
            Self::Record(record) => record.read(n, cursor),
        }
    }

    /// Reads containers whose items are stored member by member.
    fn read_memberwise(&mut self, n: usize, cursor: &mut Cursor<'_>) -> Outcome<()> {
        let inner = match self {
            Self::Fixed { extent, item, len } => {
                *len += n;
                return item.read_memberwise(n.saturating_mul(*extent), cursor);
            }
            Self::Container { list, .. } => list,
            _ => return Err("objects are stored member by member, which is not expected here".into()),
        };
        let Self::Record(record) = &mut *inner.item else {
            return Err("items that are no objects are stored member by member".into());
        };
        let version = cursor.u16()?;
        if version == 0 {
            record.check(0, Some(cursor.u32()?))?;
        } else {
            record.check(version, None)?;
        }
        for _ in 0..n {
            let count = cursor.count(1)?;
            let Self::Record(record) = &mut *inner.item else { return Ok(()) };
            let bare = matches!(record.header, Header::None);
            for (name, member) in &mut record.members {
                // The pairs of maps lack the headers that members have, but not here.
                let is_headed = bare && count > 0 && member.has_header();
                let head = if is_headed { Some(cursor.head()?) } else { None };
                member.read(count, cursor).map_err(|e| format!("{name}: {e}"))?;
                if let Some(end) = head.and_then(|head| head.end)
                    && end != cursor.at()
                {
                    return Err(format!("{name}: values end at byte {}, not {end}", cursor.at()));
                }
            }
            record.len += count;
            inner.end()?;
        }
        Ok(())
    }

    /// The last number, for what it counts.
    fn last(&self) -> Option<usize> {
        let Self::Number { kind, values } = self else { return None };
        let width = kind.arrow().primitive_width()?;
        let bytes = values.get(values.len().checked_sub(width)?..)?;
        let mut wide = [0; 8];
        wide.get_mut(..width)?.copy_from_slice(bytes);
        // Numbers are kept in the order of this machine.
        let value = if cfg!(target_endian = "little") {
            u64::from_le_bytes(wide)
        } else {
            u64::from_be_bytes(wide).checked_shr(64 - 8 * u32::try_from(width).ok()?)?
        };
        usize::try_from(value).ok()
    }

    /// The Arrow field of its values.
    pub(super) fn field(&self, name: &str) -> Field {
        let (data_type, metadata) = self.describe();
        let metadata = metadata.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        Field::new(name, data_type, false).with_metadata(metadata)
    }

    fn describe(&self) -> (DataType, Vec<(&'static str, String)>) {
        match self {
            Self::Number { kind, .. } => {
                (kind.arrow(), kind.metadata().into_iter().map(|(key, value)| (key, value.to_owned())).collect())
            }
            Self::Text(texts) if texts.raw => (DataType::Binary, vec![(TYPE, "std::string".to_owned())]),
            Self::Text(_) => (DataType::Utf8, Vec::new()),
            Self::Fixed { extent, item, .. } => {
                let extent = i32::try_from(*extent).unwrap_or(i32::MAX);
                (DataType::FixedSizeList(Arc::new(item.field("_0")), extent), Vec::new())
            }
            Self::Counted { list, .. } => (DataType::List(Arc::new(list.item.field("_0"))), Vec::new()),
            Self::Container { shape, list } => {
                let item = Arc::new(list.item.field("_0"));
                let named = |template: &str, arguments: Option<String>| {
                    arguments.map(|arguments| (TYPE, format!("{template}<{arguments}>"))).into_iter().collect()
                };
                match shape {
                    Shape::List => (DataType::List(item), Vec::new()),
                    Shape::Named(template) => (DataType::List(item), named(template, list.item.type_name())),
                    Shape::Map(template) => {
                        let arguments = match &*list.item {
                            Self::Record(pair) => {
                                let names: Option<Vec<_>> = pair.members.iter().map(|(_, it)| it.type_name()).collect();
                                names.map(|names| names.join(","))
                            }
                            _ => None,
                        };
                        (DataType::Map(item, false), named(template, arguments))
                    }
                }
            }
            Self::Headed(inner) => inner.describe(),
            Self::Record(record) => (DataType::Struct(record.fields()), Vec::new()),
        }
    }

    /// The C++ type of its values, where it has a name.
    fn type_name(&self) -> Option<String> {
        let list = |list: &List| list.item.type_name().map(|item| format!("std::vector<{item}>"));
        match self {
            Self::Number { kind: Number::Char, .. } => Some("char".to_owned()),
            Self::Number { kind, .. } => Some(match kind.arrow() {
                DataType::Boolean => "bool".to_owned(),
                DataType::Float32 => "float".to_owned(),
                DataType::Float64 => "double".to_owned(),
                integer => format!("std::{}_t", integer.to_string().to_lowercase()),
            }),
            Self::Text(_) => Some("std::string".to_owned()),
            Self::Fixed { extent, item, .. } => item.type_name().map(|item| format!("std::array<{item},{extent}>")),
            Self::Counted { list: it, .. } => list(it),
            Self::Container { shape: Shape::List, list: it } => list(it),
            Self::Container { .. } => self.describe().1.into_iter().find(|(key, _)| *key == TYPE).map(|(_, name)| name),
            Self::Headed(inner) => inner.type_name(),
            Self::Record(_) => None,
        }
    }

    /// The array of all values read since the last time.
    pub(super) fn take(&mut self) -> Outcome<ArrayRef> {
        let length = self.len();
        Ok(match self {
            Self::Number { kind, values } => {
                let values = std::mem::take(values);
                kind.array(values)?
            }
            Self::Text(texts) => texts.take()?,
            Self::Fixed { extent, item, len } => {
                let field = Arc::new(item.field("_0"));
                let extent = i32::try_from(*extent).map_err(|_| "an array is too long")?;
                let values = item.take()?;
                *len = 0;
                if values.len() != length.saturating_mul(usize::try_from(extent).unwrap_or(0)) {
                    return Err("arrays have lost items".into());
                }
                Arc::new(FixedSizeListArray::try_new(field, extent, values, None).map_err(|e| e.to_string())?)
            }
            Self::Container { shape: Shape::Map(_), list } => {
                let field = Arc::new(list.item.field("_0"));
                let (offsets, items) = list.take()?;
                let entries = items.as_any().downcast_ref::<StructArray>().ok_or("a map of no pairs")?.clone();
                Arc::new(MapArray::try_new(field, offsets, entries, None, false).map_err(|e| e.to_string())?)
            }
            Self::Counted { list, .. } | Self::Container { list, .. } => {
                let field = Arc::new(list.item.field("_0"));
                let (offsets, items) = list.take()?;
                Arc::new(ListArray::try_new(field, offsets, items, None).map_err(|e| e.to_string())?)
            }
            Self::Headed(inner) => inner.take()?,
            Self::Record(record) => {
                let fields = record.fields();
                let arrays = record.members.iter_mut().map(|(_, member)| member.take()).collect::<Outcome<Vec<_>>>()?;
                record.len = 0;
                if fields.is_empty() {
                    // A base class without members.
                    return Ok(Arc::new(StructArray::new_empty_fields(length, None)));
                }
                Arc::new(StructArray::try_new(fields, arrays, None).map_err(|e| e.to_string())?)
            }
        })
    }
}

impl List {
    fn new(item: Decoder) -> Self {
        Self { item: Box::new(item), ends: Vec::new() }
    }

    fn push(&mut self, n: usize, cursor: &mut Cursor<'_>) -> Outcome<()> {
        self.item.read(n, cursor)?;
        self.end()
    }

    fn end(&mut self) -> Outcome<()> {
        let end = i32::try_from(self.item.len()).map_err(|_| "too many items for one batch")?;
        self.ends.push(end);
        Ok(())
    }

    fn take(&mut self) -> Outcome<(OffsetBuffer<i32>, ArrayRef)> {
        Ok((offsets(std::mem::take(&mut self.ends)), self.item.take()?))
    }
}

/// Arrow's offsets, which begin with 0, from the ends of lists.
fn offsets(ends: Vec<i32>) -> OffsetBuffer<i32> {
    let mut all = Vec::with_capacity(ends.len() + 1);
    all.push(0);
    all.extend(ends);
    OffsetBuffer::new(ScalarBuffer::from(all))
}

/// A list array out of the lengths of its lists.
pub(super) fn list_array(lengths: &[usize], field: Field, items: ArrayRef) -> Outcome<ArrayRef> {
    let mut end = 0_usize;
    let mut ends = Vec::with_capacity(lengths.len());
    for length in lengths {
        end += length;
        ends.push(i32::try_from(end).map_err(|_| "too many items for one batch")?);
    }
    if end != items.len() {
        return Err(format!("lists of {end} items in all have {}", items.len()));
    }
    Ok(Arc::new(ListArray::try_new(Arc::new(field), offsets(ends), items, None).map_err(|e| e.to_string())?))
}

impl Texts {
    fn push(&mut self, text: &[u8]) -> Outcome<()> {
        self.bytes.extend_from_slice(text);
        self.ends.push(i32::try_from(self.bytes.len()).map_err(|_| "too much text for one batch")?);
        Ok(())
    }

    fn take(&mut self) -> Outcome<ArrayRef> {
        let offsets = offsets(std::mem::take(&mut self.ends));
        let bytes = Buffer::from_vec(std::mem::take(&mut self.bytes));
        Ok(if self.raw {
            Arc::new(BinaryArray::try_new(offsets, bytes, None).map_err(|e| e.to_string())?)
        } else {
            Arc::new(StringArray::try_new(offsets, bytes, None).map_err(|e| format!("text that is not UTF-8: {e}"))?)
        })
    }
}

impl Record {
    fn fields(&self) -> Fields {
        self.members.iter().map(|(name, member)| member.field(name)).collect()
    }

    fn check(&self, found: u16, sum: Option<u32>) -> Outcome<()> {
        let Header::Class { name, version, checksum } = &self.header else { return Ok(()) };
        let same =
            if found == 0 { sum.is_none_or(|sum| *checksum == 0 || sum == *checksum) } else { found == *version };
        if same {
            return Ok(());
        }
        Err(format!("an object has version {found} of class {name}, others have version {version}; not supported"))
    }

    fn read(&mut self, n: usize, cursor: &mut Cursor<'_>) -> Outcome<()> {
        for _ in 0..n {
            match &self.header {
                Header::None => self.read_members(cursor)?,
                Header::RootObject => {
                    let (id, bits) = cursor.root_object()?;
                    for ((_, member), value) in self.members.iter_mut().zip([id, bits]) {
                        member.read(1, &mut Cursor::new(&value.to_be_bytes()))?;
                    }
                }
                Header::Class { checksum, .. } => {
                    let head = cursor.head()?;
                    let sum = if head.version == 0 && head.end.is_some_and(|end| end >= cursor.at() + 4) {
                        let start = cursor.at();
                        let sum = cursor.u32()?;
                        let known = *checksum == 0 || sum == *checksum;
                        if !known {
                            cursor.jump(start)?;
                        }
                        known.then_some(sum)
                    } else {
                        None
                    };
                    self.check(head.version, sum)?;
                    self.read_members(cursor)?;
                    if let Some(end) = head.end
                        && end != cursor.at()
                    {
                        return Err(format!("an object ends at byte {end}, its members at byte {}", cursor.at()));
                    }
                }
            }
            self.len += 1;
        }
        Ok(())
    }

    fn read_members(&mut self, cursor: &mut Cursor<'_>) -> Outcome<()> {
        let shared = self.shared(cursor.remaining());
        for i in 0..self.members.len() {
            let (before, rest) = self.members.split_at_mut(i);
            let Some((name, member)) = rest.first_mut() else { break };
            let place = |e: String| format!("{name}: {e}");
            if let Decoder::Counted { count, flag, list } = member {
                let n = match *count {
                    Count::Member(i) => before.get(i).and_then(|(_, counter)| counter.last()).ok_or("no count")?,
                    Count::Rest => shared,
                };
                if *flag && cursor.u8()? == 0 && n > 0 {
                    return Err(place("an array is missing".into()));
                }
                list.push(n, cursor).map_err(place)?;
            } else {
                member.read(1, cursor).map_err(place)?;
            }
        }
        Ok(())
    }

    /// Items of each of the members that share what the others leave of an entry.
    fn shared(&self, bytes: usize) -> usize {
        let (mut own, mut each) = (0, 0);
        for (_, member) in &self.members {
            match member {
                Decoder::Counted { count: Count::Rest, list, .. } => each += list.item.size().unwrap_or(0),
                other => own += other.size().unwrap_or(0),
            }
        }
        bytes.saturating_sub(own).checked_div(each).unwrap_or(0)
    }
}
