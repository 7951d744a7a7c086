//! Columns as NumPy arrays.

use std::io::{self, Write};
use std::iter::Peekable;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::buffer::Buffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};

use super::spool::{Spool, Stream};
use crate::error::Error;
use crate::formats::types::type_text;

/// Bytes of a column of strings beyond which their padding is looked at.
const WIDE: u64 = 1 << 30;
/// How many times its text such a column may take.
const PADDING: u64 = 100;
/// What the start of the data in a .npy file is a multiple of, so that it can be mapped.
const ALIGN: usize = 64;
/// Bytes of strings that are written at once.
const WRITTEN: usize = 1 << 20;
/// What stands before the description in a .npy file: magic, version, its length.
const PREFIX: usize = 10;

/// Why a column cannot be written.
#[derive(Debug)]
pub(super) enum Fault {
    Io(io::Error),
    Refused(String),
}

impl Fault {
    pub(super) fn into_error(self, file: &str) -> Error {
        match self {
            Self::Io(source) => Error::Io { file: file.to_owned(), source },
            Self::Refused(reason) => Error::Table { file: file.to_owned(), reason },
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A column under way.
#[derive(Debug)]
pub(super) struct ColumnArray {
    name: String,
    shape: Shape,
    values: Values,
}

#[derive(Debug)]
enum Shape {
    Flat,
    /// Two dimensions, of which this is the second.
    Rows(usize),
    /// Lists of any length: their items behind each other, and where each list starts and ends.
    Lists {
        offsets: Stream,
        end: i64,
    },
}

#[derive(Debug)]
struct Values {
    bytes: Stream,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// What NumPy calls it.
    Number(&'static str),
    /// `u32` lengths in bytes, and the characters of the longest.
    Text { lengths: Stream, longest: usize },
}

/// One array of an archive.
#[derive(Debug)]
pub(super) struct Part<'a> {
    pub(super) name: String,
    header: Vec<u8>,
    data: Data<'a>,
}

#[derive(Debug)]
enum Data<'a> {
    Bytes(&'a Stream),
    Text { bytes: &'a Stream, lengths: &'a Stream, width: usize, padded: u64 },
}

impl ColumnArray {
    /// # Errors
    /// A sentence for a column that is no array.
    pub(super) fn new(field: &FieldRef) -> Result<Self, String> {
        let (shape, item): (_, &Field) = match field.data_type() {
            DataType::FixedSizeList(item, size) => (Shape::Rows(usize::try_from(*size).unwrap_or(0)), item),
            DataType::List(item) | DataType::LargeList(item) => {
                (Shape::Lists { offsets: Stream::default(), end: 0 }, item)
            }
            _ => (Shape::Flat, field),
        };
        let values = Values::new(item.data_type()).ok_or_else(|| {
            format!(
                "column '{}' has the type {}, which is no array of numbers or strings; choose others with --fields",
                field.name(),
                type_text(field.data_type())
            )
        })?;
        Ok(Self { name: field.name().clone(), shape, values })
    }

    /// What stands in the spool before the first row.
    pub(super) fn start(&mut self, spool: &mut Spool) -> io::Result<()> {
        match &mut self.shape {
            Shape::Lists { offsets, .. } => spool.append(offsets, &0_i64.to_le_bytes()),
            _ => Ok(()),
        }
    }

    /// Takes the values of a batch; `row` is the first one's number, for messages.
    pub(super) fn append(&mut self, array: &ArrayRef, row: u64, spool: &mut Spool) -> Result<(), Fault> {
        let name = &self.name;
        let missing = |array: &dyn Array| match array.logical_nulls() {
            Some(nulls) if nulls.null_count() > 0 => {
                let first = nulls.iter().position(|valid| !valid).unwrap_or(0) as u64;
                let place = if array.len() as u64 > first {
                    format!(", first near row {}", row + first)
                } else {
                    String::new()
                };
                Err(Fault::Refused(format!(
                    "column '{name}' has missing values{place}, which NumPy arrays cannot hold; leave it out with --fields"
                )))
            }
            _ => Ok(()),
        };
        missing(array)?;
        let items = match &mut self.shape {
            Shape::Flat => array.clone(),
            Shape::Rows(size) => {
                let lists = array.as_fixed_size_list();
                let (from, count) = (lists.value_offset(0), lists.len().saturating_mul(*size));
                lists.values().slice(usize::try_from(from).unwrap_or(0), count)
            }
            Shape::Lists { offsets, end } => {
                let wide = match array.data_type() {
                    DataType::List(item) => &cast(array, &DataType::LargeList(item.clone())).map_err(other)?,
                    _ => array,
                };
                let lists = wide.as_list::<i64>();
                let starts = lists.offsets();
                let first = starts.first().copied().unwrap_or(0);
                let mut bytes = Vec::with_capacity(starts.len() * 8);
                for at in starts.iter().skip(1) {
                    bytes.extend_from_slice(&(*end + (at - first)).to_le_bytes());
                }
                let last = starts.last().copied().unwrap_or(0);
                *end += last - first;
                spool.append(offsets, &bytes)?;
                let place = |at: i64| usize::try_from(at).unwrap_or(0);
                lists.values().slice(place(first), place(last - first))
            }
        };
        missing(&items)?;
        self.values.append(&items, name, spool)
    }

    /// The arrays that the column becomes.
    pub(super) fn parts(&self, rows: u64) -> Result<Vec<Part<'_>>, Fault> {
        let name = self.name.clone();
        match &self.shape {
            Shape::Flat => Ok(vec![self.values.part(name, &[rows])?]),
            Shape::Rows(size) => Ok(vec![self.values.part(name, &[rows, *size as u64])?]),
            Shape::Lists { offsets, end } => {
                let items = self.values.part(name, &[u64::try_from(*end).unwrap_or(0)])?;
                let header = header("<i8", &[offsets.length() / 8]);
                Ok(vec![items, Part { name: format!("{}.offsets", self.name), header, data: Data::Bytes(offsets) }])
            }
        }
    }
}

fn other(error: arrow::error::ArrowError) -> Fault {
    Fault::Io(io::Error::other(error))
}

impl Values {
    fn new(data_type: &DataType) -> Option<Self> {
        let text = || Kind::Text { lengths: Stream::default(), longest: 0 };
        let kind = match data_type {
            DataType::Boolean => Kind::Number("|b1"),
            DataType::Int8 => Kind::Number("|i1"),
            DataType::UInt8 => Kind::Number("|u1"),
            DataType::Int16 => Kind::Number("<i2"),
            DataType::UInt16 => Kind::Number("<u2"),
            DataType::Float16 => Kind::Number("<f2"),
            DataType::Int32 => Kind::Number("<i4"),
            DataType::UInt32 => Kind::Number("<u4"),
            DataType::Float32 => Kind::Number("<f4"),
            DataType::Int64 => Kind::Number("<i8"),
            DataType::UInt64 => Kind::Number("<u8"),
            DataType::Float64 => Kind::Number("<f8"),
            // NumPy counts days and the like since 1970, as Arrow does, but in 64 bits always.
            DataType::Date32 => Kind::Number("<M8[D]"),
            DataType::Timestamp(TimeUnit::Second, _) => Kind::Number("<M8[s]"),
            DataType::Timestamp(TimeUnit::Millisecond, _) | DataType::Date64 => Kind::Number("<M8[ms]"),
            DataType::Timestamp(TimeUnit::Microsecond, _) => Kind::Number("<M8[us]"),
            DataType::Timestamp(TimeUnit::Nanosecond, _) => Kind::Number("<M8[ns]"),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => text(),
            DataType::Dictionary(_, values) => return Self::new(values),
            _ => return None,
        };
        Some(Self { bytes: Stream::default(), kind })
    }

    fn append(&mut self, array: &ArrayRef, name: &str, spool: &mut Spool) -> Result<(), Fault> {
        let plain;
        let array = match array.data_type() {
            DataType::Dictionary(_, values) => {
                plain = cast(array, values).map_err(other)?;
                &plain
            }
            _ => array,
        };
        match &mut self.kind {
            Kind::Text { lengths, longest } => {
                let texts = cast(array, &DataType::Utf8).map_err(other)?;
                let texts: &StringArray = texts.as_string();
                let mut long = Vec::with_capacity(texts.len() * 4);
                for text in texts.iter().flatten() {
                    if text.ends_with('\0') {
                        return Err(Fault::Refused(format!(
                            "column '{name}' has a string with a zero at its end, which NumPy would cut off; leave it out \
                             with --fields"
                        )));
                    }
                    let length = u32::try_from(text.len()).map_err(io::Error::other)?;
                    long.extend_from_slice(&length.to_le_bytes());
                    *longest = (*longest).max(text.chars().count());
                }
                spool.append(lengths, &long)?;
                let (first, last) = (texts.offsets().first(), texts.offsets().last());
                let place = |at: Option<&i32>| usize::try_from(at.copied().unwrap_or(0)).unwrap_or(0);
                let bytes = texts.values().get(place(first)..place(last)).unwrap_or_default();
                Ok(spool.append(&mut self.bytes, bytes)?)
            }
            Kind::Number(_) => {
                if let Some(flags) = array.as_boolean_opt() {
                    let bytes: Vec<u8> = flags.values().iter().map(u8::from).collect();
                    return Ok(spool.append(&mut self.bytes, &bytes)?);
                }
                let days;
                let array = match array.data_type() {
                    DataType::Date32 => {
                        let numbers = cast(array, &DataType::Int32).map_err(other)?;
                        days = cast(&numbers, &DataType::Int64).map_err(other)?;
                        &days
                    }
                    _ => array,
                };
                let data = array.to_data();
                let width = array.data_type().primitive_width().unwrap_or(1);
                let bytes = data.buffers().first().map(Buffer::as_slice).unwrap_or_default();
                let (from, to) = (data.offset() * width, (data.offset() + data.len()) * width);
                Ok(spool.append(&mut self.bytes, bytes.get(from..to).unwrap_or_default())?)
            }
        }
    }

    fn part(&self, name: String, shape: &[u64]) -> Result<Part<'_>, Fault> {
        match &self.kind {
            Kind::Number(code) => Ok(Part { name, header: header(code, shape), data: Data::Bytes(&self.bytes) }),
            Kind::Text { lengths, longest } => {
                // NumPy itself makes strings one character wide at least.
                let width = (*longest).max(1);
                let padded = shape.iter().fold(width as u64 * 4, |bytes, size| bytes.saturating_mul(*size));
                if padded > WIDE && padded / PADDING > self.bytes.length() {
                    return Err(Fault::Refused(format!(
                        "column '{name}' has a string of {longest} characters, and NumPy makes all strings that long: {} \
                         instead of {}; leave it out with --fields",
                        crate::output::text::bytes(padded),
                        crate::output::text::bytes(self.bytes.length())
                    )));
                }
                let header = header(&format!("<U{width}"), shape);
                Ok(Part { name, header, data: Data::Text { bytes: &self.bytes, lengths, width, padded } })
            }
        }
    }
}

/// The start of a .npy file, version 1.0.
fn header(code: &str, shape: &[u64]) -> Vec<u8> {
    let sizes: Vec<String> = shape.iter().map(u64::to_string).collect();
    let comma = if shape.len() == 1 { "," } else { "" };
    let mut text = format!("{{'descr': '{code}', 'fortran_order': False, 'shape': ({}{comma}), }}", sizes.join(", "));
    let end = (PREFIX + text.len() + 1).next_multiple_of(ALIGN);
    text.extend(std::iter::repeat_n(' ', end - PREFIX - text.len() - 1));
    text.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend_from_slice(&u16::try_from(text.len()).unwrap_or(u16::MAX).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

impl Part<'_> {
    /// The size of the .npy file.
    pub(super) fn bytes(&self) -> u64 {
        let data = match &self.data {
            Data::Bytes(stream) => stream.length(),
            Data::Text { padded, .. } => *padded,
        };
        data.saturating_add(self.header.len() as u64)
    }

    pub(super) fn write(&self, spool: &mut Spool, out: &mut impl Write) -> io::Result<()> {
        out.write_all(&self.header)?;
        match &self.data {
            Data::Bytes(stream) => spool.read(stream, |bytes| out.write_all(bytes)),
            Data::Text { bytes, lengths, width, .. } => write_texts(spool, bytes, lengths, *width, out),
        }
    }
}

/// Strings as UTF-32, each padded with zeros.
fn write_texts(
    spool: &mut Spool,
    bytes: &Stream,
    lengths: &Stream,
    width: usize,
    out: &mut impl Write,
) -> io::Result<()> {
    // 4 bytes for each string; its text is not in memory.
    let mut all = Vec::new();
    spool.read(lengths, |piece| {
        all.extend_from_slice(piece);
        Ok(())
    })?;
    let length_of = |four: &[u8]| four.try_into().map_or(0, u32::from_le_bytes) as usize;
    let mut lengths = all.chunks_exact(4).map(length_of).peekable();
    let mut text = Vec::new();
    spool.read(bytes, |piece| {
        text.extend_from_slice(piece);
        widen(&mut text, &mut lengths, width, out)
    })?;
    // Empty strings at the end have no bytes.
    widen(&mut text, &mut lengths, width, out)
}

/// Writes the strings that are whole, and takes them out of `text`.
fn widen(
    text: &mut Vec<u8>,
    lengths: &mut Peekable<impl Iterator<Item = usize>>,
    width: usize,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut used = 0;
    let mut wide = Vec::new();
    while let Some(one) = lengths.peek().and_then(|length| text.get(used..used + length)) {
        let start = wide.len();
        String::from_utf8_lossy(one).chars().for_each(|c| wide.extend_from_slice(&u32::from(c).to_le_bytes()));
        wide.resize(start + width * 4, 0);
        used += one.len();
        lengths.next();
        if wide.len() >= WRITTEN {
            out.write_all(&wide)?;
            wide.clear();
        }
    }
    text.drain(..used);
    out.write_all(&wide)
}
