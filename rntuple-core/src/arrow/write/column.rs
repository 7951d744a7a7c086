//! The open page of a column, and how full pages are sealed.

use std::ops::Range;

use arrow::buffer::{BooleanBuffer, NullBuffer};

use super::Piece;
use crate::arrow::fault::PageFault;
use crate::arrow::number::Number;
use crate::compression::CompressionSettings;
use crate::encoding::switch::{Switch, encode_switches};
use crate::encoding::{
    Element, EncodingError, Quantizer, Real, bits, index, packed_size, real, split, zigzag, zigzag::Zigzag,
};
use crate::error::{Error, Result};
use crate::page::{self, CHECKSUM_LEN, index_kind};
use crate::schema::{ColumnEncoding, ColumnType};

/// How pages are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageOptions {
    /// Memory that a page starts with, in bytes; it grows by doubling.
    pub initial_unzipped: usize,
    /// A page is sealed when its elements take this many bytes in memory.
    pub max_unzipped: usize,
    /// Whether each page is followed by a checksum.
    pub checksums: bool,
    /// How pages are compressed.
    pub compression: CompressionSettings,
}

/// Memory for sealing, to be used again.
#[derive(Debug, Default)]
pub struct Scratch {
    encoded: Vec<u8>,
    values: Vec<f32>,
    stored: Vec<u8>,
}

/// A page that was filled and is to be sealed, on any thread.
#[derive(Debug)]
pub struct FullPage {
    encoding: ColumnEncoding,
    options: PageOptions,
    elements: Open,
}

/// A sealed page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedPage {
    /// Number of elements.
    pub elements: u32,
    /// The page as stored, with its checksum.
    pub bytes: Vec<u8>,
    /// Whether the last 8 bytes are the checksum of the others.
    pub checksum: bool,
}

/// Collects the elements of a column, page by page.
#[derive(Debug)]
pub struct ColumnBuffer {
    encoding: ColumnEncoding,
    options: PageOptions,
    open: Open,
    /// Elements that the open page takes.
    capacity: usize,
    /// Items of all collections of the cluster so far, of index columns.
    items: u64,
    /// Values of each alternative in the cluster so far, of switch columns.
    alternatives: Vec<u64>,
}

/// The elements of the open page, as they are in memory.
#[derive(Debug)]
enum Open {
    Bools(Vec<bool>),
    Int8(Vec<i8>),
    UInt8(Vec<u8>),
    Int16(Vec<i16>),
    UInt16(Vec<u16>),
    Int32(Vec<i32>),
    UInt32(Vec<u32>),
    Int64(Vec<i64>),
    UInt64(Vec<u64>),
    Float32(Vec<f32>),
    Float64(Vec<f64>),
    /// Ends of collections.
    Ends(Vec<u64>),
    Switches(Vec<Switch>),
    /// Nothing yet: what the first piece brings decides.
    Unknown,
}

macro_rules! each_open {
    ($open:expr, $values:ident => $do:expr, $none:expr) => {
        match $open {
            Open::Bools($values) => $do,
            Open::Int8($values) => $do,
            Open::UInt8($values) => $do,
            Open::Int16($values) => $do,
            Open::UInt16($values) => $do,
            Open::Int32($values) => $do,
            Open::UInt32($values) => $do,
            Open::Int64($values) => $do,
            Open::UInt64($values) => $do,
            Open::Float32($values) => $do,
            Open::Float64($values) => $do,
            Open::Ends($values) => $do,
            Open::Switches($values) => $do,
            Open::Unknown => $none,
        }
    };
}

impl Open {
    fn len(&self) -> usize {
        each_open!(self, values => values.len(), 0)
    }

    fn clear(&mut self) {
        each_open!(self, values => values.clear(), ());
    }

    /// Sets memory aside.
    fn with_capacity(mut self, elements: usize) -> Self {
        each_open!(&mut self, values => values.reserve_exact(elements), ());
        self
    }

    /// Bytes of one element in memory, by which ROOT counts the size of a page.
    fn element_size(&self) -> usize {
        fn size<T>(_: &[T]) -> usize {
            size_of::<T>()
        }
        each_open!(self, values => size(values), 1)
    }

    /// An empty page for what a piece brings.
    fn for_piece(piece: &Piece) -> Self {
        match piece {
            Piece::Bools(_) => Self::Bools(Vec::new()),
            Piece::Int8(_) => Self::Int8(Vec::new()),
            Piece::UInt8(_) | Piece::Bytes(_) => Self::UInt8(Vec::new()),
            Piece::Int16(_) => Self::Int16(Vec::new()),
            Piece::UInt16(_) => Self::UInt16(Vec::new()),
            Piece::Int32(_) => Self::Int32(Vec::new()),
            Piece::UInt32(_) => Self::UInt32(Vec::new()),
            Piece::Int64(_) => Self::Int64(Vec::new()),
            Piece::UInt64(_) => Self::UInt64(Vec::new()),
            Piece::Float32(_) => Self::Float32(Vec::new()),
            Piece::Float64(_) => Self::Float64(Vec::new()),
            Piece::Offsets32(_) | Piece::Offsets64(_) | Piece::Present { .. } => Self::Ends(Vec::new()),
            Piece::Tags(_) => Self::Switches(Vec::new()),
        }
    }
}

impl ColumnBuffer {
    /// An empty buffer for a column with this encoding.
    #[must_use]
    pub fn new(encoding: ColumnEncoding, options: PageOptions) -> Self {
        Self { encoding, options, open: Open::Unknown, capacity: 0, items: 0, alternatives: Vec::new() }
    }

    /// How pages are made.
    #[must_use]
    pub fn options(&self) -> &PageOptions {
        &self.options
    }

    /// Bytes of the open page in memory.
    #[must_use]
    pub fn open_bytes(&self) -> usize {
        self.open.len() * self.open.element_size()
    }

    /// Adds elements. Pages that get full are handed over; one that comes back, sealed, gives its memory to the next.
    ///
    /// # Errors
    /// [`Error::Inconsistent`] for a piece of another type than the one before; those of `full`. What was added then is
    /// undefined.
    pub fn append(&mut self, piece: &Piece, mut full: impl FnMut(FullPage) -> Result<Option<FullPage>>) -> Result<()> {
        if matches!(self.open, Open::Unknown) {
            let open = Open::for_piece(piece);
            let elements = |bytes| bytes / open.element_size();
            self.capacity = elements(self.options.max_unzipped).clamp(1, i32::MAX as usize);
            let initial = elements(self.options.initial_unzipped.min(self.options.max_unzipped));
            self.open = open.with_capacity(initial);
        }
        let mut start = 0;
        while start < piece.len() {
            let take = (self.capacity - self.open.len()).min(piece.len() - start);
            self.fill(piece, start..start + take)?;
            start += take;
            if self.open.len() == self.capacity
                && let Some(page) = self.take_page()
            {
                self.open = match full(page)? {
                    Some(FullPage { elements: mut memory, .. }) => {
                        memory.clear();
                        memory
                    }
                    // What filled one page is expected to fill the next.
                    None => Open::for_piece(piece).with_capacity(self.capacity),
                };
            }
        }
        Ok(())
    }

    /// Moves elements of a piece to the open page.
    fn fill(&mut self, piece: &Piece, range: Range<usize>) -> Result<()> {
        match (&mut self.open, piece) {
            (Open::Bools(open), Piece::Bools(values)) => open.extend(&values.slice(range.start, range.len())),
            (Open::Int8(open), Piece::Int8(values)) => extend(open, values, range),
            (Open::UInt8(open), Piece::UInt8(values)) => extend(open, values, range),
            (Open::UInt8(open), Piece::Bytes(values)) => extend(open, values, range),
            (Open::Int16(open), Piece::Int16(values)) => extend(open, values, range),
            (Open::UInt16(open), Piece::UInt16(values)) => extend(open, values, range),
            (Open::Int32(open), Piece::Int32(values)) => extend(open, values, range),
            (Open::UInt32(open), Piece::UInt32(values)) => extend(open, values, range),
            (Open::Int64(open), Piece::Int64(values)) => extend(open, values, range),
            (Open::UInt64(open), Piece::UInt64(values)) => extend(open, values, range),
            (Open::Float32(open), Piece::Float32(values)) => extend(open, values, range),
            (Open::Float64(open), Piece::Float64(values)) => extend(open, values, range),
            (Open::Ends(open), Piece::Offsets32(offsets)) => {
                self.items = ends(open, offsets, range, self.items, |offset| u64::from(offset.cast_unsigned()));
            }
            (Open::Ends(open), Piece::Offsets64(offsets)) => {
                self.items = ends(open, offsets, range, self.items, i64::cast_unsigned);
            }
            (Open::Ends(open), Piece::Present { present, .. }) => {
                self.items = presence(open, present.as_ref(), range, self.items);
            }
            (Open::Switches(open), Piece::Tags(tags)) => {
                for &tag in tags.get(range).unwrap_or_default() {
                    open.push(Switch { index: next_index(&mut self.alternatives, tag), tag: tag.into() });
                }
            }
            _ => {
                let reason = "a batch brings values of another type than the one before".to_owned();
                return Err(Error::inconsistent("column", reason));
            }
        }
        Ok(())
    }

    /// Takes the open page away, if it has elements.
    pub fn take_page(&mut self) -> Option<FullPage> {
        if self.open.len() == 0 {
            return None;
        }
        let elements = std::mem::replace(&mut self.open, Open::Unknown);
        Some(FullPage { encoding: self.encoding, options: self.options, elements })
    }

    /// Ends the cluster, whose last page has been [taken](ColumnBuffer::take_page).
    pub fn end_cluster(&mut self) {
        self.items = 0;
        self.alternatives.clear();
    }
}

impl FullPage {
    /// Bytes of the elements in memory.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.elements.len() * self.elements.element_size()
    }

    /// Encodes, compresses and checksums the page.
    ///
    /// # Errors
    /// [`Error::Encoding`] for a value that the encoding cannot hold, [`Error::Compression`].
    pub fn seal(&self, scratch: &mut Scratch) -> Result<SealedPage> {
        let elements = self.elements.len();
        let len = packed_size(elements, self.encoding.bits.into()).unwrap_or(usize::MAX);
        scratch.encoded.resize(len, 0);
        encode(&self.encoding, &self.elements, &mut scratch.values, &mut scratch.encoded)?;
        let stored = &mut scratch.stored;
        stored.clear();
        let checksum = self.options.checksums;
        page::seal(&scratch.encoded, self.options.compression, checksum, stored)?;
        debug_assert!(stored.len() <= len + CHECKSUM_LEN, "sealed pages are never longer than their elements");
        let elements = u32::try_from(elements).unwrap_or(u32::MAX);
        Ok(SealedPage { elements, bytes: stored.clone(), checksum })
    }
}

fn extend<T: Copy>(open: &mut Vec<T>, values: &[T], range: Range<usize>) {
    open.extend_from_slice(values.get(range).unwrap_or_default());
}

/// Appends where collections end, counted in the cluster; gives the items so far.
fn ends<T: Copy>(open: &mut Vec<u64>, offsets: &[T], range: Range<usize>, items: u64, widen: fn(T) -> u64) -> u64 {
    let Some((&first, ends)) = offsets.get(range.start..=range.end).and_then(<[T]>::split_first) else { return items };
    let base = items.wrapping_sub(widen(first));
    open.extend(ends.iter().map(|&end| base.wrapping_add(widen(end))));
    ends.last().map_or(items, |&end| base.wrapping_add(widen(end)))
}

fn presence(open: &mut Vec<u64>, present: Option<&NullBuffer>, range: Range<usize>, mut items: u64) -> u64 {
    match present {
        None => {
            open.extend((items + 1..).take(range.len()));
            items + range.len() as u64
        }
        Some(nulls) => {
            let present: BooleanBuffer = nulls.inner().slice(range.start, range.len());
            open.extend(present.iter().map(|present| {
                items += u64::from(present);
                items
            }));
            items
        }
    }
}

/// The index of the next value of an alternative.
fn next_index(alternatives: &mut Vec<u64>, tag: u8) -> u64 {
    let Some(i) = usize::from(tag).checked_sub(1) else { return 0 };
    if alternatives.len() <= i {
        alternatives.resize(i + 1, 0);
    }
    alternatives.get_mut(i).map_or(0, |count| std::mem::replace(count, *count + 1))
}

/// Decodes the elements of an unsealed page and encodes them anew, without an error only if that changes no value
/// ([`ColumnEncoding::holds`]); `shift` is added to unsigned integers of 64 bits.
///
/// # Errors
/// [`Error::Encoding`] and [`Error::Inconsistent`] for a page without its elements, and for an encoding that does not hold
/// the other.
pub fn recode(
    page: &[u8],
    elements: u32,
    from: &ColumnEncoding,
    to: &ColumnEncoding,
    shift: u64,
    out: &mut Vec<u8>,
) -> Result<()> {
    use ColumnType as C;
    let n = elements as usize;
    let len = packed_size(n, to.bits.into()).unwrap_or(usize::MAX);
    // No element takes less than a sixty-fourth of what it takes elsewhere.
    if len / 64 > page.len() {
        return Err(Error::inconsistent("page", format!("{elements} elements in {} bytes", page.len())));
    }
    let open = match to.kind {
        C::Int16 | C::SplitInt16 => Open::Int16(decoded(page, n, from)?),
        C::UInt16 | C::SplitUInt16 => Open::UInt16(decoded(page, n, from)?),
        C::Int32 | C::SplitInt32 => Open::Int32(decoded(page, n, from)?),
        C::UInt32 | C::SplitUInt32 => Open::UInt32(decoded(page, n, from)?),
        C::Int64 | C::SplitInt64 => Open::Int64(decoded(page, n, from)?),
        C::UInt64 | C::SplitUInt64 => {
            let mut values: Vec<u64> = decoded(page, n, from)?;
            values.iter_mut().for_each(|value| *value = value.saturating_add(shift));
            Open::UInt64(values)
        }
        C::Real32 | C::SplitReal32 | C::Real32Trunc => Open::Float32(decoded(page, n, from)?),
        C::Real64 | C::SplitReal64 => Open::Float64(decoded(page, n, from)?),
        _ => {
            let kind = index_kind(from.kind).filter(|_| to.kind.is_index()).ok_or_else(|| mismatch(to))?;
            let mut ends = vec![0; n];
            index::undelta_page(kind, page, n, &mut ends)?;
            Open::Ends(ends)
        }
    };
    out.clear();
    out.resize(len, 0);
    encode(to, &open, &mut Vec::new(), out)
}

fn decoded<T: Number + Default>(page: &[u8], n: usize, encoding: &ColumnEncoding) -> Result<Vec<T>> {
    let mut values = vec![T::default(); n];
    T::decode(encoding, page, n, 0, &mut values).map_err(|fault| match fault {
        PageFault::Value { reason, .. } => Error::inconsistent("page", reason),
        PageFault::Other(error) => error,
    })?;
    Ok(values)
}

/// Encodes the elements of a page.
fn encode(encoding: &ColumnEncoding, open: &Open, narrowed: &mut Vec<f32>, out: &mut [u8]) -> Result<()> {
    use ColumnType as C;
    let done = match (open, encoding.kind) {
        (Open::Bools(values), C::Bit) => bits::pack_bools(values, out),
        (Open::Int8(values), C::Int8 | C::Char) => split::encode_plain(values, out),
        (Open::UInt8(values), C::UInt8 | C::Byte | C::Char) => split::encode_plain(values, out),
        (Open::Int16(values), kind) => integers(values, kind, C::Int16, C::SplitInt16, out),
        (Open::UInt16(values), kind) => unsigned(values, kind, C::UInt16, C::SplitUInt16, out),
        (Open::Int32(values), kind) => integers(values, kind, C::Int32, C::SplitInt32, out),
        (Open::UInt32(values), kind) => unsigned(values, kind, C::UInt32, C::SplitUInt32, out),
        (Open::Int64(values), kind) => integers(values, kind, C::Int64, C::SplitInt64, out),
        (Open::UInt64(values), kind) => unsigned(values, kind, C::UInt64, C::SplitUInt64, out),
        (Open::Float32(values), C::Real32) => split::encode_plain(values, out),
        (Open::Float32(values), C::SplitReal32) => split::split(values, out),
        (Open::Float64(values), C::Real64) => split::encode_plain(values, out),
        (Open::Float64(values), C::SplitReal64) => split::split(values, out),
        (Open::Float64(values), kind @ (C::Real32 | C::SplitReal32)) => {
            narrowed.clear();
            narrowed.extend(values.iter().copied().map(narrow));
            if kind == C::Real32 { split::encode_plain(narrowed, out) } else { split::split(narrowed, out) }
        }
        (Open::Float32(values), _) => low_precision(encoding, values, out),
        (Open::Float64(values), _) => low_precision(encoding, values, out),
        (Open::Ends(values), kind) => match index_kind(kind) {
            Some(kind) => index::encode_index(kind, values, out),
            None => return Err(mismatch(encoding)),
        },
        (Open::Switches(values), C::Switch) => encode_switches(values, out),
        _ => return Err(mismatch(encoding)),
    };
    done.map_err(Error::from)
}

#[expect(clippy::cast_possible_truncation, reason = "a double stored as a float loses precision")]
fn narrow(value: f64) -> f32 {
    value as f32
}

fn mismatch(encoding: &ColumnEncoding) -> Error {
    Error::inconsistent("column", format!("values of this type cannot be stored as {encoding}"))
}

fn integers<T: Zigzag + Element>(
    values: &[T],
    kind: ColumnType,
    plain: ColumnType,
    zigzagged: ColumnType,
    out: &mut [u8],
) -> Result<(), EncodingError> {
    debug_assert!(kind == plain || kind == zigzagged, "the layout allows no other encoding");
    if kind == plain { split::encode_plain(values, out) } else { zigzag::split_zigzag(values, out) }
}

fn unsigned<T: Element>(
    values: &[T],
    kind: ColumnType,
    plain: ColumnType,
    planes: ColumnType,
    out: &mut [u8],
) -> Result<(), EncodingError> {
    debug_assert!(kind == plain || kind == planes, "the layout allows no other encoding");
    if kind == plain { split::encode_plain(values, out) } else { split::split(values, out) }
}

fn low_precision<T: Real>(encoding: &ColumnEncoding, values: &[T], out: &mut [u8]) -> Result<(), EncodingError> {
    match (encoding.kind, encoding.range) {
        (ColumnType::Real16, _) => real::encode_real16(values, out),
        (ColumnType::Real32Trunc, _) => real::encode_trunc(values, encoding.bits.into(), out),
        (_, Some((min, max))) => real::encode_quant(values, &Quantizer::new(encoding.bits.into(), min, max)?, out),
        _ => Err(EncodingError::InvalidBits { bits: encoding.bits.into(), min: 1, max: 32 }),
    }
}
