//! Arrow record batches as newline-delimited JSON: one object per entry.
//!
//! The Arrow types of a batch are resolved once, into a tree of writers that share the arrays; after that each
//! entry is a walk over that tree which appends text to one reused buffer. No JSON value is ever built.
//!
//! | value | JSON |
//! |---|---|
//! | boolean, integers | `true`, `false`, number |
//! | float, double | the shortest decimal that reads back the same; `"NaN"`, `"Infinity"`, `"-Infinity"` |
//! | string | string; bytes that are not UTF-8: `{"__bytes_hex__": "..."}` |
//! | list, large list, fixed-size list | array |
//! | struct | object; a struct that only boxes an optional value: that value |
//! | map | array of `{"_0": key, "_1": value}` |
//! | dense union | the bare value, `null` when it holds none |
//! | streamer field | `{"__streamer__": "<base64>"}` |
//! | date, time, timestamp, decimal | string as Arrow prints it: `"2026-11-21T12:00:00Z"` |
//! | dictionary | the value |

use std::io::Write;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Float16Array, Float32Array, Float64Array, Int8Array,
    Int16Array, Int32Array, Int64Array, LargeBinaryArray, LargeStringArray, RecordBatch, StringArray, StructArray,
    UInt8Array, UInt16Array, UInt32Array, UInt64Array,
};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, UnionMode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::error::{Error, Result};

/// Arrow metadata key that marks a Binary field as the bytes of a streamer field.
const STREAMER: &str = "rntuple.streamer";
/// Arrow metadata key that marks a one-field struct which stands for an optional value of its child.
const BOXED: &str = "rntuple.boxed";

/// Text is handed to the sink whenever the buffer has grown past this many bytes.
const FLUSH_AT: usize = 256 * 1024;

/// Writes every entry of `batch` to `out` as one JSON object and a newline.
///
/// `buffer` is scratch space: passing the same one for every batch of a scan saves its allocation.
///
/// # Errors
/// [`Error::UnsupportedArrow`] for an Arrow type that no RNTuple field maps to, [`Error::Output`] when `out` fails.
pub fn write_batch(batch: &RecordBatch, buffer: &mut Vec<u8>, out: &mut dyn Write) -> Result<()> {
    let rows = Rows::new(batch)?;
    buffer.clear();
    for row in 0..batch.num_rows() {
        rows.write(row, buffer);
        buffer.push(b'\n');
        if buffer.len() >= FLUSH_AT {
            out.write_all(buffer).map_err(Error::Output)?;
            buffer.clear();
        }
    }
    out.write_all(buffer).map_err(Error::Output)?;
    buffer.clear();
    Ok(())
}

/// The entries of one batch, ready to be written as JSON objects.
#[derive(Debug)]
pub struct Rows {
    members: Vec<Member>,
}

impl Rows {
    /// Resolves the Arrow types of `batch`. The arrays are shared, not copied.
    ///
    /// # Errors
    /// [`Error::UnsupportedArrow`] for an Arrow type that no RNTuple field maps to.
    pub fn new(batch: &RecordBatch) -> Result<Self> {
        let schema = batch.schema_ref();
        let columns = schema.fields().iter().zip(batch.columns());
        let members = columns.enumerate().map(|(at, (field, array))| Member::new(at, field, array));
        Ok(Self { members: members.collect::<Result<_>>()? })
    }

    /// Appends entry `row` (counted from the start of the batch) as one JSON object, without a newline.
    pub fn write(&self, row: usize, out: &mut Vec<u8>) {
        write_object(&self.members, row, out);
    }
}

/// One column of a batch, for output that shows single cells (tables, CSV).
#[derive(Debug)]
pub struct Cells {
    node: Node,
}

impl Cells {
    /// Resolves the Arrow type of one column.
    ///
    /// # Errors
    /// [`Error::UnsupportedArrow`] for an Arrow type that no RNTuple field maps to.
    pub fn new(field: &Field, array: &ArrayRef) -> Result<Self> {
        Ok(Self { node: Node::new(field, array)? })
    }

    /// Whether `row` has no value.
    #[must_use]
    pub fn is_absent(&self, row: usize) -> bool {
        self.node.is_absent(row)
    }

    /// Appends the value of `row` in plain form: scalars without JSON's quotes, nested values as JSON, nothing for
    /// an absent value.
    pub fn write_plain(&self, row: usize, out: &mut Vec<u8>) {
        self.node.write_plain(row, out);
    }
}

/// One member of a JSON object.
#[derive(Debug)]
struct Member {
    /// What comes before the value: `{"name":` or `,"name":`, escaped already.
    key: Vec<u8>,
    node: Node,
}

impl Member {
    fn new(at: usize, field: &Field, array: &ArrayRef) -> Result<Self> {
        let mut key = vec![if at == 0 { b'{' } else { b',' }];
        write_text(field.name(), &mut key);
        key.push(b':');
        Ok(Self { key, node: Node::new(field, array)? })
    }
}

/// An array together with what is needed to write any one of its values.
#[derive(Debug)]
struct Node {
    /// Set only when there is at least one null, so that the common case costs one comparison.
    nulls: Option<NullBuffer>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Null,
    Bool(BooleanArray),
    Int8(Int8Array),
    Int16(Int16Array),
    Int32(Int32Array),
    Int64(Int64Array),
    UInt8(UInt8Array),
    UInt16(UInt16Array),
    UInt32(UInt32Array),
    UInt64(UInt64Array),
    Float16(Float16Array),
    Float32(Float32Array),
    Float64(Float64Array),
    Text(StringArray),
    LargeText(LargeStringArray),
    Bytes(BinaryArray),
    LargeBytes(LargeBinaryArray),
    Streamer(BinaryArray),
    LargeStreamer(LargeBinaryArray),
    List(ScalarBuffer<i32>, Box<Node>),
    LargeList(ScalarBuffer<i64>, Box<Node>),
    FixedList(usize, Box<Node>),
    Map(ScalarBuffer<i32>, Vec<Member>),
    Struct(Vec<Member>),
    /// A struct that exists only to carry a null which its child cannot carry.
    Boxed(Box<Node>),
    Union {
        type_ids: ScalarBuffer<i8>,
        /// `None` in a sparse union, where the child's row is the union's row.
        offsets: Option<ScalarBuffer<i32>>,
        /// By type id; ids are 0..=127.
        children: Vec<Option<Node>>,
    },
}

impl Node {
    fn new(field: &Field, array: &ArrayRef) -> Result<Self> {
        let streamer = is_set(field, STREAMER);
        let kind = match array.data_type() {
            DataType::Null => Kind::Null,
            DataType::Boolean => Kind::Bool(array.as_boolean().clone()),
            DataType::Int8 => Kind::Int8(array.as_primitive().clone()),
            DataType::Int16 => Kind::Int16(array.as_primitive().clone()),
            DataType::Int32 => Kind::Int32(array.as_primitive().clone()),
            DataType::Int64 => Kind::Int64(array.as_primitive().clone()),
            DataType::UInt8 => Kind::UInt8(array.as_primitive().clone()),
            DataType::UInt16 => Kind::UInt16(array.as_primitive().clone()),
            DataType::UInt32 => Kind::UInt32(array.as_primitive().clone()),
            DataType::UInt64 => Kind::UInt64(array.as_primitive().clone()),
            DataType::Float16 => Kind::Float16(array.as_primitive().clone()),
            DataType::Float32 => Kind::Float32(array.as_primitive().clone()),
            DataType::Float64 => Kind::Float64(array.as_primitive().clone()),
            DataType::Utf8 => Kind::Text(array.as_string().clone()),
            DataType::LargeUtf8 => Kind::LargeText(array.as_string().clone()),
            DataType::Binary if streamer => Kind::Streamer(array.as_binary().clone()),
            DataType::Binary => Kind::Bytes(array.as_binary().clone()),
            DataType::LargeBinary if streamer => Kind::LargeStreamer(array.as_binary().clone()),
            DataType::LargeBinary => Kind::LargeBytes(array.as_binary().clone()),
            DataType::List(child) => {
                let list = array.as_list::<i32>();
                Kind::List(list.offsets().inner().clone(), Self::child(child, list.values())?)
            }
            DataType::LargeList(child) => {
                let list = array.as_list::<i64>();
                Kind::LargeList(list.offsets().inner().clone(), Self::child(child, list.values())?)
            }
            DataType::FixedSizeList(child, size) => {
                let list = array.as_fixed_size_list();
                Kind::FixedList(usize::try_from(*size).unwrap_or(0), Self::child(child, list.values())?)
            }
            DataType::Map(_, _) => {
                let map = array.as_map();
                Kind::Map(map.offsets().inner().clone(), members(map.entries())?)
            }
            DataType::Struct(fields) => {
                let array = array.as_struct();
                match (is_set(field, BOXED), &**fields, array.columns()) {
                    (true, [child], [values]) => Kind::Boxed(Self::child(child, values)?),
                    _ => Kind::Struct(members(array)?),
                }
            }
            DataType::Union(fields, mode) => {
                let array = array.as_union();
                let mut children = Vec::new();
                for (id, field) in fields.iter() {
                    // Arrow itself allows no negative type id.
                    let at = usize::try_from(id).unwrap_or(0);
                    children.resize_with(children.len().max(at + 1), || None);
                    if let Some(slot) = children.get_mut(at) {
                        *slot = Some(Self::new(field, array.child(id))?);
                    }
                }
                let offsets = if *mode == UnionMode::Dense { array.offsets().cloned() } else { None };
                Kind::Union { type_ids: array.type_ids().clone(), offsets, children }
            }
            other => {
                if let Some(plain) = plain(other) {
                    // Arrow itself makes text of it, such as `2026-11-21T12:00:00`.
                    let refused =
                        |_| Error::UnsupportedArrow { field: field.name().clone(), arrow_type: other.to_string() };
                    return Self::new(field, &cast(array, &plain).map_err(refused)?);
                }
                return Err(Error::UnsupportedArrow { field: field.name().clone(), arrow_type: other.to_string() });
            }
        };
        // A union has no validity of its own, and of a Null array every value is null anyhow.
        let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0).cloned();
        Ok(Self { nulls, kind })
    }

    fn child(field: &Field, array: &ArrayRef) -> Result<Box<Self>> {
        Self::new(field, array).map(Box::new)
    }

    fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }

    /// Whether `null` stands for the value.
    fn is_absent(&self, row: usize) -> bool {
        self.is_null(row)
            || match &self.kind {
                Kind::Null => true,
                Kind::Boxed(child) => child.is_absent(row),
                Kind::Union { type_ids, offsets, children } => {
                    alternative(type_ids, offsets.as_ref(), children, row).is_none_or(|(child, at)| child.is_absent(at))
                }
                _ => false,
            }
    }

    fn write(&self, row: usize, out: &mut Vec<u8>) {
        if self.is_null(row) {
            return out.extend_from_slice(b"null");
        }
        match &self.kind {
            Kind::Null => out.extend_from_slice(b"null"),
            Kind::Bool(array) => out.extend_from_slice(if array.value(row) { b"true" } else { b"false" }),
            Kind::Int8(array) => array.value(row).write_number(out),
            Kind::Int16(array) => array.value(row).write_number(out),
            Kind::Int32(array) => array.value(row).write_number(out),
            Kind::Int64(array) => array.value(row).write_number(out),
            Kind::UInt8(array) => array.value(row).write_number(out),
            Kind::UInt16(array) => array.value(row).write_number(out),
            Kind::UInt32(array) => array.value(row).write_number(out),
            Kind::UInt64(array) => array.value(row).write_number(out),
            Kind::Float16(array) => write_float(array.value(row).to_f32(), out),
            Kind::Float32(array) => write_float(array.value(row), out),
            Kind::Float64(array) => write_float(array.value(row), out),
            Kind::Text(array) => write_text(array.value(row), out),
            Kind::LargeText(array) => write_text(array.value(row), out),
            Kind::Bytes(array) => write_bytes(array.value(row), out),
            Kind::LargeBytes(array) => write_bytes(array.value(row), out),
            Kind::Streamer(array) => write_streamer(array.value(row), out),
            Kind::LargeStreamer(array) => write_streamer(array.value(row), out),
            Kind::List(offsets, child) => {
                let (from, to) = span(offsets, row);
                write_array(from..to, out, |at, out| child.write(at, out));
            }
            Kind::LargeList(offsets, child) => {
                let (from, to) = span(offsets, row);
                write_array(from..to, out, |at, out| child.write(at, out));
            }
            Kind::FixedList(size, child) => {
                write_array(row * size..(row + 1) * size, out, |at, out| child.write(at, out));
            }
            Kind::Map(offsets, entry) => {
                let (from, to) = span(offsets, row);
                write_array(from..to, out, |at, out| write_object(entry, at, out));
            }
            Kind::Struct(members) => write_object(members, row, out),
            Kind::Boxed(child) => child.write(row, out),
            Kind::Union { type_ids, offsets, children } => match alternative(type_ids, offsets.as_ref(), children, row)
            {
                Some((child, at)) => child.write(at, out),
                None => out.extend_from_slice(b"null"),
            },
        }
    }

    fn write_plain(&self, row: usize, out: &mut Vec<u8>) {
        if self.is_null(row) {
            return;
        }
        match &self.kind {
            Kind::Null => {}
            Kind::Float16(array) => write_float_plain(array.value(row).to_f32(), out),
            Kind::Float32(array) => write_float_plain(array.value(row), out),
            Kind::Float64(array) => write_float_plain(array.value(row), out),
            Kind::Text(array) => out.extend_from_slice(array.value(row).as_bytes()),
            Kind::LargeText(array) => out.extend_from_slice(array.value(row).as_bytes()),
            Kind::Bytes(array) => write_bytes_plain(array.value(row), out),
            Kind::LargeBytes(array) => write_bytes_plain(array.value(row), out),
            Kind::Boxed(child) => child.write_plain(row, out),
            Kind::Union { type_ids, offsets, children } => {
                if let Some((child, at)) = alternative(type_ids, offsets.as_ref(), children, row) {
                    child.write_plain(at, out);
                }
            }
            _ => self.write(row, out),
        }
    }
}

/// The type that holds the same values in a plainer form.
fn plain(data_type: &DataType) -> Option<DataType> {
    Some(match data_type {
        // Names of zones need a table that Arrow may lack; in UTC the moments are the same.
        DataType::Timestamp(unit, Some(zone)) if !zone.starts_with(['+', '-']) => {
            DataType::Timestamp(*unit, Some("+00:00".into()))
        }
        DataType::Date32
        | DataType::Date64
        | DataType::Time32(_)
        | DataType::Time64(_)
        | DataType::Timestamp(..)
        | DataType::Duration(_)
        | DataType::Decimal32(..)
        | DataType::Decimal64(..)
        | DataType::Decimal128(..)
        | DataType::Decimal256(..)
        | DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView | DataType::FixedSizeBinary(_) => DataType::Binary,
        DataType::Dictionary(_, values) => values.as_ref().clone(),
        DataType::RunEndEncoded(_, values) => values.data_type().clone(),
        DataType::ListView(item) => DataType::List(item.clone()),
        DataType::LargeListView(item) => DataType::LargeList(item.clone()),
        _ => return None,
    })
}

fn is_set(field: &Field, key: &str) -> bool {
    field.metadata().get(key).is_some_and(|value| value == "true")
}

fn members(array: &StructArray) -> Result<Vec<Member>> {
    let columns = array.fields().iter().zip(array.columns());
    columns.enumerate().map(|(at, (field, array))| Member::new(at, field, array)).collect()
}

/// The child elements of list `row`. Arrow keeps offsets non-negative, ascending and one longer than the list.
#[expect(clippy::indexing_slicing, reason = "Arrow lists hold one more offset than rows")]
fn span<T: Copy + TryInto<usize>>(offsets: &[T], row: usize) -> (usize, usize) {
    (offsets[row].try_into().unwrap_or(0), offsets[row + 1].try_into().unwrap_or(0))
}

/// The alternative that `row` holds and the row of it in that alternative's array.
fn alternative<'a>(
    type_ids: &[i8],
    offsets: Option<&ScalarBuffer<i32>>,
    children: &'a [Option<Node>],
    row: usize,
) -> Option<(&'a Node, usize)> {
    let id = usize::try_from(*type_ids.get(row)?).ok()?;
    let at = match offsets {
        Some(offsets) => usize::try_from(*offsets.get(row)?).ok()?,
        None => row,
    };
    Some((children.get(id)?.as_ref()?, at))
}

fn write_object(members: &[Member], row: usize, out: &mut Vec<u8>) {
    if members.is_empty() {
        out.push(b'{');
    }
    for member in members {
        out.extend_from_slice(&member.key);
        member.node.write(row, out);
    }
    out.push(b'}');
}

fn write_array(elements: std::ops::Range<usize>, out: &mut Vec<u8>, write: impl Fn(usize, &mut Vec<u8>)) {
    out.push(b'[');
    let first = elements.start;
    for at in elements {
        if at != first {
            out.push(b',');
        }
        write(at, out);
    }
    out.push(b']');
}

/// Numbers that JSON can hold: printed by `serde_json`, each in its own width, because the shortest decimal of a
/// float is not that of the same value as a double.
trait Number: Copy {
    fn write_number(self, out: &mut Vec<u8>);
}

macro_rules! number {
    ($($type:ty),*) => {$(
        impl Number for $type {
            fn write_number(self, out: &mut Vec<u8>) {
                must_have_worked(&serde_json::to_writer(out, &self));
            }
        }
    )*};
}
number!(i8, i16, i32, i64, u8, u16, u32, u64, f32, f64);

/// Neither a number nor a string can fail to serialize, and neither can writing to memory.
fn must_have_worked(written: &serde_json::Result<()>) {
    debug_assert!(written.is_ok(), "{written:?}");
}

/// The name of a value that JSON has no number for. Widening keeps what is asked here.
fn special(value: f64) -> Option<&'static str> {
    if value.is_finite() {
        None
    } else if value.is_nan() {
        Some("NaN")
    } else if value > 0.0 {
        Some("Infinity")
    } else {
        Some("-Infinity")
    }
}

fn write_float<F: Number + Into<f64>>(value: F, out: &mut Vec<u8>) {
    match special(value.into()) {
        Some(name) => write_text(name, out),
        None => value.write_number(out),
    }
}

fn write_float_plain<F: Number + Into<f64>>(value: F, out: &mut Vec<u8>) {
    match special(value.into()) {
        Some(name) => out.extend_from_slice(name.as_bytes()),
        None => value.write_number(out),
    }
}

fn write_text(value: &str, out: &mut Vec<u8>) {
    must_have_worked(&serde_json::to_writer(out, value));
}

/// The bytes of a `std::string`.
fn write_bytes(value: &[u8], out: &mut Vec<u8>) {
    match std::str::from_utf8(value) {
        Ok(text) => write_text(text, out),
        Err(_) => write_hex(value, out),
    }
}

fn write_bytes_plain(value: &[u8], out: &mut Vec<u8>) {
    match std::str::from_utf8(value) {
        Ok(text) => out.extend_from_slice(text.as_bytes()),
        Err(_) => write_hex(value, out),
    }
}

fn write_hex(value: &[u8], out: &mut Vec<u8>) {
    let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' + (nibble - 10) };
    out.extend_from_slice(b"{\"__bytes_hex__\":\"");
    for byte in value {
        out.extend_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
    }
    out.extend_from_slice(b"\"}");
}

fn write_streamer(value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"__streamer__\":\"");
    out.extend_from_slice(BASE64.encode(value).as_bytes());
    out.extend_from_slice(b"\"}");
}

#[cfg(test)]
mod tests;
