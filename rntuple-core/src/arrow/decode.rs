//! Walks the tree of nodes and fills Arrow arrays from pages.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arrow::array::{ArrayRef, BooleanArray, FixedSizeListArray, PrimitiveArray, StructArray};
use arrow::buffer::{BooleanBuffer, Buffer, MutableBuffer, ScalarBuffer};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};

use super::fault::{Decoded, Fault, PageFault, broken, other};
use super::node::{Kind, Node, NumberType};
use super::number::{Number, decode_bools};
use super::shared::Shared;
use super::{PageSource, UnsealedPage};
use crate::encoding::index::for_each_index;
use crate::encoding::switch::{Switch, switches};
use crate::encoding::{EncodingError, bits};
use crate::error::{Error, Result};
use crate::limits::{MAX_BATCH_ELEMENTS, MAX_RESERVE, MAX_SYNTHETIC};
use crate::memory::Memory;
use crate::metadata::ColumnPages;
use crate::page::index_kind;
use crate::schema::{Column, ColumnEncoding, ColumnId, ColumnType, Schema};

/// Elements of a field in one cluster, numbered within the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Segment {
    /// Which cluster; the numbering is that of the [`PageSource`].
    pub cluster: usize,
    /// First element.
    pub start: u64,
    /// Number of elements.
    pub len: u64,
}

/// The part of a page that a segment covers.
#[derive(Debug, Clone, Copy)]
struct Part {
    page: usize,
    /// Elements of the whole page.
    elements: usize,
    /// First element of the part within the page.
    start: usize,
    len: usize,
    /// Whether the page is likely to be needed again.
    again: bool,
}

impl Part {
    fn is_whole(&self) -> bool {
        self.len == self.elements
    }

    /// Its bytes on a page of elements of `width` bytes.
    fn bytes<'p>(&self, page: &'p [u8], width: usize) -> Result<&'p [u8], EncodingError> {
        let truncated = EncodingError::Truncated { needed: self.elements * width, available: page.len() };
        page.get(self.start * width..(self.start + self.len) * width).ok_or(truncated)
    }
}

/// Less memory of one array is filled by one thread.
const WORTHWHILE: usize = 256 << 10;

#[derive(Clone, Copy)]
pub(super) struct Decoder<'a> {
    pub(super) source: &'a dyn PageSource,
    pub(super) schema: &'a Schema,
    pub(super) shared: &'a Shared,
}

impl<'a> Decoder<'a> {
    /// The array of a node over the given elements.
    pub(super) fn array(&self, node: &Node, segments: &[Segment]) -> Decoded<ArrayRef> {
        let total = total(node, segments)?;
        match node.kind {
            Kind::Number(number) => self.numbers(node, number, segments),
            Kind::Bytes => self.bytes(node, segments),
            Kind::Cardinality(number) => self.cardinalities(node, number, segments),
            Kind::List | Kind::Map => self.list(node, segments),
            Kind::Optional => self.optional(node, segments),
            Kind::Array(n) => self.fixed_size(node, n, segments, total, |segments| self.child(node, 0, segments)),
            Kind::Numbers(n, number) => {
                self.fixed_size(node, n, segments, total, |segments| self.numbers(node, number, segments))
            }
            Kind::Struct => self.record(node, segments, total),
            Kind::Variant => self.variant(node, segments, total),
            Kind::Wrapper => self.child(node, 0, segments),
        }
    }

    pub(super) fn child(&self, node: &Node, i: usize, segments: &[Segment]) -> Decoded<ArrayRef> {
        let child = node.children.get(i).ok_or_else(|| broken(node, "it has no such subfield"))?;
        self.array(child, segments)
    }

    /// The arrays of several nodes, in parallel if the source has threads.
    pub(super) fn arrays(
        &self,
        nodes: &[Node],
        array: impl Fn(&Node) -> Decoded<ArrayRef> + Sync,
    ) -> Decoded<Vec<ArrayRef>> {
        if let [node] = nodes {
            return Ok(vec![array(node)?]);
        }
        let Some(first) = nodes.first() else { return Ok(Vec::new()) };
        self.each(first, nodes.iter().collect(), array)
    }

    /// What a task makes of each of several items, in parallel if the source has threads. Of several errors, that of the
    /// first item is given.
    fn each<I: Send, T: Send + Sync>(
        &self,
        node: &Node,
        items: Vec<I>,
        task: impl Fn(I) -> Decoded<T> + Sync,
    ) -> Decoded<Vec<T>> {
        let slots: Vec<_> = items.into_iter().map(|item| (Mutex::new(Some(item)), OnceLock::new())).collect();
        self.source.run(slots.len(), &|i| {
            let Some((item, done)) = slots.get(i) else { return };
            if let Some(item) = item.lock().unwrap_or_else(PoisonError::into_inner).take() {
                done.get_or_init(|| task(item));
            }
        });
        let not_run = || Err(broken(node, "it was not decoded"));
        slots.into_iter().map(|(_, done)| done.into_inner().unwrap_or_else(not_run)).collect()
    }

    fn fixed_size(
        &self,
        node: &Node,
        n: u64,
        segments: &[Segment],
        total: usize,
        items: impl Fn(&[Segment]) -> Decoded<ArrayRef>,
    ) -> Decoded<ArrayRef> {
        let too_large = || broken(node, "its arrays have too many elements");
        let scale = |segment: &Segment| {
            let start = segment.start.checked_mul(n)?;
            let len = segment.len.checked_mul(n).filter(|&len| len <= MAX_BATCH_ELEMENTS)?;
            Some(Segment { start, len, ..*segment })
        };
        let item_segments = segments.iter().map(scale).collect::<Option<Vec<_>>>().ok_or_else(too_large)?;
        let values = items(&item_segments).map_err(|fault| fault.at(|position| position / n.max(1)))?;
        let DataType::FixedSizeList(item, size) = node.arrow.data_type() else {
            return Err(broken(node, "it is not planned as a fixed-size list"));
        };
        let array = FixedSizeListArray::try_new_with_length(Arc::clone(item), *size, values, None, total);
        Ok(Arc::new(array.map_err(|e| other(node, e))?))
    }

    fn record(&self, node: &Node, segments: &[Segment], total: usize) -> Decoded<ArrayRef> {
        let DataType::Struct(members) = node.arrow.data_type() else {
            return Err(broken(node, "it is not planned as a struct"));
        };
        let arrays = self.arrays(&node.children, |child| self.array(child, segments))?;
        let array = StructArray::try_new_with_length(members.clone(), arrays, None, total);
        Ok(Arc::new(array.map_err(|e| other(node, e))?))
    }

    fn numbers(&self, node: &Node, number: NumberType, segments: &[Segment]) -> Decoded<ArrayRef> {
        match number {
            NumberType::Bool => self.booleans(node, segments),
            NumberType::Int8 => self.primitive::<Int8Type>(node, segments),
            NumberType::UInt8 => self.primitive::<UInt8Type>(node, segments),
            NumberType::Int16 => self.primitive::<Int16Type>(node, segments),
            NumberType::UInt16 => self.primitive::<UInt16Type>(node, segments),
            NumberType::Int32 => self.primitive::<Int32Type>(node, segments),
            NumberType::UInt32 => self.primitive::<UInt32Type>(node, segments),
            NumberType::Int64 => self.primitive::<Int64Type>(node, segments),
            NumberType::UInt64 => self.primitive::<UInt64Type>(node, segments),
            NumberType::Float32 => self.primitive::<Float32Type>(node, segments),
            NumberType::Float64 => self.primitive::<Float64Type>(node, segments),
        }
    }

    fn primitive<P: ArrowPrimitiveType<Native: Number>>(&self, node: &Node, segments: &[Segment]) -> Decoded<ArrayRef> {
        let total = self.total_on_pages(node, segments)?;
        let width = size_of::<P::Native>();
        let mut out = self.source.memory((total * width).min(MAX_RESERVE));
        for segment in segments {
            let (columns, pages) = self.active(node, segment)?;
            let column = self.column(node, columns, 0)?;
            let zeros = self.zeros(node, pages, segment)?;
            out.grow_zeroed(zeros * width);
            let plain = P::Native::is_plain(column.kind);
            self.groups(node, column, pages, segment, width, |parts| match parts {
                [part] => self.append_numbers::<P::Native>(node, column, segment, *part, &mut out),
                parts if plain => self.copy_parts(node, column, segment, parts, width, &mut out),
                parts => self.decode_parts::<P::Native>(node, column, segment, parts, &mut out),
            })?;
        }
        let values = ScalarBuffer::new(out.into_buffer(), 0, total);
        Ok(Arc::new(PrimitiveArray::<P>::new(values, None)))
    }

    fn append_numbers<N: Number>(
        &self,
        node: &Node,
        column: &Column,
        segment: &Segment,
        part: Part,
        out: &mut Memory,
    ) -> Decoded<()> {
        let width = size_of::<N>();
        let done = out.len() / width;
        if N::is_plain(column.kind) && part.is_whole() && part.len * width <= MAX_RESERVE {
            return self.page_into(node, column, segment, part, out.grow(part.len * width));
        }
        let appended = self.with_part(node, segment, part, column, |page, encoding| {
            let bytes = part.start * width..(part.start + part.len) * width;
            match page.shared {
                Some(shared) if N::is_plain(encoding.kind) && bytes.end <= shared.len() => {
                    out.share::<N>(shared.slice(bytes));
                    Ok(())
                }
                _ => out.fill(part.len, |first, elements: &mut [N]| {
                    let start = part.start + first;
                    let done = N::decode(encoding, page.bytes, part.elements, start, elements);
                    done.map_err(|fault| fault.behind(first))
                }),
            }
        });
        appended.map_err(|fault| fault.at(|position| position + done as u64))
    }

    /// Decodes several parts, in parallel if the source has threads.
    fn decode_parts<N: Number>(
        &self,
        node: &Node,
        column: &Column,
        segment: &Segment,
        parts: &[Part],
        out: &mut Memory,
    ) -> Decoded<()> {
        let mut done = (out.len() / size_of::<N>()) as u64;
        let mut rest = out.grow::<N>(parts.iter().map(|part| part.len).sum());
        let mut items = Vec::with_capacity(parts.len());
        for part in parts {
            let elements = rest.split_off_mut(..part.len).unwrap_or_default();
            items.push((*part, done, elements));
            done += part.len as u64;
        }
        let decode = |(part, done, elements): (Part, u64, &mut [N])| {
            let decoded = self.with_part(node, segment, part, column, |page, encoding| {
                N::decode(encoding, page.bytes, part.elements, part.start, elements)
            });
            decoded.map_err(|fault| fault.at(|position| position + done))
        };
        self.each(node, items, decode).map(drop)
    }

    /// Copies several parts whose elements have `width` bytes and are stored as they are in memory, in parallel if the
    /// source has threads.
    fn copy_parts(
        &self,
        node: &Node,
        column: &Column,
        segment: &Segment,
        parts: &[Part],
        width: usize,
        out: &mut Memory,
    ) -> Decoded<()> {
        let mut rest = out.grow::<u8>(parts.iter().map(|part| part.len * width).sum());
        let mut items = Vec::with_capacity(parts.len());
        for part in parts {
            items.push((*part, rest.split_off_mut(..part.len * width).unwrap_or_default()));
        }
        let copy = |(part, to): (Part, &mut [u8])| {
            if part.is_whole() {
                return self.page_into(node, column, segment, part, to);
            }
            self.with_part(node, segment, part, column, |page, _| {
                to.copy_from_slice(part.bytes(page.bytes, width)?);
                Ok(())
            })
        };
        self.each(node, items, copy).map(drop)
    }

    /// Appends the bytes of a column of characters over a segment.
    pub(super) fn append_bytes(
        &self,
        node: &Node,
        column: &Column,
        pages: &ColumnPages,
        segment: &Segment,
        out: &mut Memory,
    ) -> Decoded<()> {
        out.grow_zeroed(self.zeros(node, pages, segment)?);
        self.groups(node, column, pages, segment, 1, |parts| match *parts {
            [part] if part.is_whole() && part.len <= MAX_RESERVE => {
                self.page_into(node, column, segment, part, out.grow(part.len))
            }
            [part] => self.with_part(node, segment, part, column, |page, _| {
                let bytes = part.bytes(page.bytes, 1)?;
                match page.shared {
                    Some(shared) => out.share::<u8>(shared.slice(part.start..part.start + part.len)),
                    None => out.grow(bytes.len()).copy_from_slice(bytes),
                }
                Ok(())
            }),
            _ => self.copy_parts(node, column, segment, parts, 1, out),
        })
    }

    fn page_into(&self, node: &Node, column: &Column, segment: &Segment, part: Part, out: &mut [u8]) -> Decoded<()> {
        self.source.page_into(segment.cluster, column.id, part.page, out).map_err(|e| other(node, e))
    }

    fn booleans(&self, node: &Node, segments: &[Segment]) -> Decoded<ArrayRef> {
        let total = self.total_on_pages(node, segments)?;
        let mut out = MutableBuffer::new(total.div_ceil(8).min(MAX_RESERVE));
        let mut done = 0;
        for segment in segments {
            let (columns, pages) = self.active(node, segment)?;
            let column = self.column(node, columns, 0)?;
            done += self.zeros(node, pages, segment)?;
            out.resize(done.div_ceil(8), 0);
            self.parts(node, column, pages, segment, |part| {
                let first = done;
                done += part.len;
                self.with_part(node, segment, part, column, |page, encoding| {
                    let page = page.bytes;
                    out.resize(done.div_ceil(8), 0);
                    if encoding.kind == ColumnType::Bit {
                        return Ok(bits::copy_bits(page, part.start, out.as_slice_mut(), first, part.len)?);
                    }
                    let mut truths = [false; 256];
                    for (i, start) in (0..part.len).step_by(truths.len()).enumerate() {
                        let chunk = truths.get_mut(..(part.len - start).min(256)).unwrap_or_default();
                        decode_bools(encoding, page, part.elements, part.start + start, chunk)?;
                        let at = first + i * 256;
                        for (j, _) in chunk.iter().enumerate().filter(|(_, truth)| **truth) {
                            if let Some(byte) = out.as_slice_mut().get_mut((at + j) / 8) {
                                *byte |= 1 << ((at + j) % 8);
                            }
                        }
                    }
                    Ok(())
                })
            })?;
        }
        Ok(Arc::new(BooleanArray::new(BooleanBuffer::new(Buffer::from(out), 0, total), None)))
    }

    /// Number of elements of an array, all of which the columns have, so that memory can be asked for.
    fn total_on_pages(&self, node: &Node, segments: &[Segment]) -> Decoded<usize> {
        for segment in segments {
            let (_, pages) = self.active(node, segment)?;
            self.zeros(node, pages, segment)?;
        }
        total(node, segments)
    }

    /// The representation of a node that holds its data in a cluster, with the pages of its principal column.
    pub(super) fn active<'n>(&self, node: &'n Node, segment: &Segment) -> Decoded<(&'n [ColumnId], &'a ColumnPages)> {
        for columns in &node.columns {
            let Some(&principal) = columns.first() else { continue };
            let pages = self.source.pages(segment.cluster, principal).map_err(|e| other(node, e))?;
            if !pages.suppressed {
                return Ok((columns, pages));
            }
        }
        Err(broken(node, "none of its column representations has data in this cluster"))
    }

    pub(super) fn column(&self, node: &Node, columns: &[ColumnId], i: usize) -> Decoded<&'a Column> {
        let column = columns.get(i).and_then(|&id| self.schema.column(id));
        column.ok_or_else(|| broken(node, "it lacks a column"))
    }

    /// How many elements of a segment precede the first page because the column was added later. The segment must
    /// lie within the column.
    pub(super) fn zeros(&self, node: &Node, pages: &ColumnPages, segment: &Segment) -> Decoded<usize> {
        let end = segment.start.checked_add(segment.len);
        if end.is_none_or(|end| end > pages.elements) {
            let reason = format!(
                "elements {} to {} are asked for, but column {} has {} in this cluster",
                segment.start,
                end.unwrap_or(u64::MAX),
                pages.column.0,
                pages.elements
            );
            return Err(broken(node, reason));
        }
        let zeros = pages.zeros.saturating_sub(segment.start).min(segment.len);
        match usize::try_from(zeros) {
            Ok(n) if zeros <= MAX_SYNTHETIC => Ok(n),
            _ => {
                let what = "number of elements from before the field was added";
                Err(other(node, Error::Limit { what, value: zeros, limit: MAX_SYNTHETIC }))
            }
        }
    }

    /// Calls `each` for the parts of pages that make up a segment, leading zeros left out, in order.
    fn parts(
        &self,
        node: &Node,
        column: &Column,
        pages: &ColumnPages,
        segment: &Segment,
        mut each: impl FnMut(Part) -> Decoded<()>,
    ) -> Decoded<()> {
        let (mut next, end) = (segment.start.max(pages.zeros), segment.start + segment.len);
        if next >= end {
            return Ok(());
        }
        let (first, last) = (pages.page_of(next), pages.page_of(end - 1));
        for (i, page) in pages.pages.iter().enumerate().take(last + 1).skip(first) {
            // `next` lies on this page, as pages follow each other without gaps.
            let start = next - page.first;
            let len = (u64::from(page.elements).saturating_sub(start)).min(end - next);
            next += len;
            let usize_of = |n: u64| usize::try_from(n).map_err(|_| broken(node, "a page has too many elements"));
            if len > 0 {
                self.source.announce(segment.cluster, column.id, i, last).map_err(|e| other(node, e))?;
                let (elements, start, len) = (page.elements as usize, usize_of(start)?, usize_of(len)?);
                each(Part { page: i, elements, start, len, again: start + len < elements })?;
            }
        }
        Ok(())
    }

    /// Calls `each` with single parts, or with several that are worth the work of several threads: of at least
    /// [`WORTHWHILE`] and at most [`MAX_RESERVE`] bytes of memory, as pages may promise what they do not hold.
    fn groups(
        &self,
        node: &Node,
        column: &Column,
        pages: &ColumnPages,
        segment: &Segment,
        width: usize,
        mut each: impl FnMut(&[Part]) -> Decoded<()>,
    ) -> Decoded<()> {
        let mut take = |group: &mut Vec<Part>, bytes: usize| {
            let done = if bytes < WORTHWHILE { group.chunks(1).try_for_each(&mut each) } else { each(group) };
            group.clear();
            done
        };
        let (mut group, mut bytes) = (Vec::new(), 0_usize);
        self.parts(node, column, pages, segment, |part| {
            let more = part.len.saturating_mul(width);
            if !group.is_empty() && bytes.saturating_add(more) > MAX_RESERVE {
                take(&mut group, std::mem::take(&mut bytes))?;
            }
            group.push(part);
            bytes = bytes.saturating_add(more);
            Ok(())
        })?;
        take(&mut group, bytes)
    }

    /// Hands a page to `decode`, with how its elements are encoded.
    fn with_part(
        &self,
        node: &Node,
        segment: &Segment,
        part: Part,
        column: &Column,
        mut decode: impl FnMut(UnsealedPage<'_>, &ColumnEncoding) -> Result<(), PageFault>,
    ) -> Decoded<()> {
        let mut value = None;
        let result = self.source.with_page(segment.cluster, column.id, part.page, part.again, &mut |page| {
            let encoding = ColumnEncoding { kind: page.kind, ..ColumnEncoding::of_column(column) };
            match decode(page, &encoding) {
                Ok(()) => Ok(()),
                Err(PageFault::Other(error)) => Err(error),
                Err(PageFault::Value { offset, reason }) => {
                    value.get_or_insert((offset, reason));
                    Ok(())
                }
            }
        });
        result.map_err(|e| other(node, e))?;
        match value {
            None => Ok(()),
            Some((offset, reason)) => Err(Fault::Value { field: node.id, position: offset as u64, reason }),
        }
    }

    /// Calls `each` with the values of an index column over a segment, piece by piece. Leading zeros are not called.
    /// `before` is the value in front of the segment, if it is known.
    pub(super) fn indexes(
        &self,
        node: &Node,
        column: &Column,
        pages: &ColumnPages,
        segment: &Segment,
        before: Option<u64>,
        mut each: impl FnMut(&[u64]) -> Result<(), PageFault>,
    ) -> Decoded<()> {
        let mut before = before;
        self.parts(node, column, pages, segment, |part| {
            let before = before.take();
            self.with_part(node, segment, part, column, |page, _| {
                let kind = index_kind(page.kind).ok_or_else(|| PageFault::unsupported(page.kind))?;
                for_each_index(kind, page.bytes, part.elements, part.start, part.len, before, &mut each)
            })
        })
    }

    /// Calls `each` with whole elements of a switch column over a segment.
    pub(super) fn switches(
        &self,
        node: &Node,
        column: &Column,
        pages: &ColumnPages,
        segment: &Segment,
        mut each: impl FnMut(Switch) -> Result<(), PageFault>,
    ) -> Decoded<()> {
        self.parts(node, column, pages, segment, |part| {
            self.with_part(node, segment, part, column, |page, _| {
                for element in switches(page.bytes, part.elements, part.start, part.len)? {
                    each(element)?;
                }
                Ok(())
            })
        })
    }
}

/// Number of elements of an array.
pub(super) fn total(node: &Node, segments: &[Segment]) -> Decoded<usize> {
    let total = segments.iter().try_fold(0_u64, |sum, segment| sum.checked_add(segment.len));
    match total.map(usize::try_from) {
        Some(Ok(n)) if n as u64 <= MAX_BATCH_ELEMENTS => Ok(n),
        _ => {
            let (what, value) =
                ("number of elements in a batch (read fewer entries at once)", total.unwrap_or(u64::MAX));
            Err(other(node, Error::Limit { what, value, limit: MAX_BATCH_ELEMENTS }))
        }
    }
}
