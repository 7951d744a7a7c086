//! Index columns to Arrow offsets: lists, maps, strings, sizes of collections.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, GenericBinaryArray, GenericListArray, GenericStringArray, MapArray, OffsetSizeTrait,
    PrimitiveArray,
};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{ArrowPrimitiveType, DataType, FieldRef, UInt32Type, UInt64Type};

use super::decode::{Decoder, Segment, total};
use super::fault::{Decoded, Fault, PageFault, broken, other};
use super::node::{Node, NumberType};
use super::shared::Offsets;
use crate::error::Error;
use crate::limits::MAX_RESERVE;
use crate::schema::Column;

/// Position in the list array of the list that holds an item.
pub(super) fn list_of<O: OffsetSizeTrait>(offsets: &[O], item: u64) -> u64 {
    offsets.partition_point(|offset| offset.as_usize() as u64 <= item).saturating_sub(1) as u64
}

impl Decoder<'_> {
    pub(super) fn list(&self, node: &Node, segments: &[Segment]) -> Decoded<ArrayRef> {
        match node.arrow.data_type() {
            DataType::Map(item, ordered) => {
                let (offsets, values) = self.items::<i32>(node, segments)?;
                let entries = values.as_struct_opt().ok_or_else(|| broken(node, "its items are not pairs"))?.clone();
                let array = MapArray::try_new(Arc::clone(item), offsets, entries, None, *ordered);
                Ok(Arc::new(array.map_err(|e| other(node, e))?))
            }
            DataType::List(item) => self.generic_list::<i32>(node, item, segments),
            DataType::LargeList(item) => self.generic_list::<i64>(node, item, segments),
            _ => Err(broken(node, "it is not planned as a list")),
        }
    }

    fn generic_list<O: OffsetSizeTrait>(
        &self,
        node: &Node,
        item: &FieldRef,
        segments: &[Segment],
    ) -> Decoded<ArrayRef> {
        let (offsets, values) = self.items::<O>(node, segments)?;
        let array = GenericListArray::<O>::try_new(Arc::clone(item), offsets, values, None);
        Ok(Arc::new(array.map_err(|e| other(node, e))?))
    }

    fn items<O: OffsetSizeTrait>(&self, node: &Node, segments: &[Segment]) -> Decoded<(OffsetBuffer<O>, ArrayRef)> {
        let (offsets, segments) = self.offsets::<O>(node, segments)?;
        let values = self.child(node, 0, &segments).map_err(|fault| fault.at(|item| list_of(&offsets, item)))?;
        Ok((offsets, values))
    }

    /// Strings and streamed objects.
    pub(super) fn bytes(&self, node: &Node, segments: &[Segment]) -> Decoded<ArrayRef> {
        match node.arrow.data_type() {
            DataType::LargeUtf8 => self.text::<i64>(node, segments),
            DataType::Utf8 => self.text::<i32>(node, segments),
            DataType::LargeBinary => self.binary::<i64>(node, segments),
            _ => self.binary::<i32>(node, segments),
        }
    }

    fn text<O: OffsetSizeTrait>(&self, node: &Node, segments: &[Segment]) -> Decoded<ArrayRef> {
        let (offsets, values) = self.byte_values::<O>(node, segments)?;
        let bad = |offsets: &OffsetBuffer<O>, values: &Buffer| {
            let text = |ends: &[O]| match ends {
                [start, end] => values.get(start.as_usize()..end.as_usize()).and_then(|s| std::str::from_utf8(s).ok()),
                _ => None,
            };
            offsets.windows(2).position(|ends| text(ends).is_none())
        };
        match GenericStringArray::<O>::try_new(offsets.clone(), values.clone(), None) {
            Ok(array) => Ok(Arc::new(array)),
            Err(error) => Err(match bad(&offsets, &values) {
                Some(position) => Fault::Value {
                    field: node.id,
                    position: position as u64,
                    reason: "the string is not UTF-8 (read strings as binary to have its bytes)".to_owned(),
                },
                None => other(node, error),
            }),
        }
    }

    fn binary<O: OffsetSizeTrait>(&self, node: &Node, segments: &[Segment]) -> Decoded<ArrayRef> {
        let (offsets, values) = self.byte_values::<O>(node, segments)?;
        let array = GenericBinaryArray::<O>::try_new(offsets, values, None);
        Ok(Arc::new(array.map_err(|e| other(node, e))?))
    }

    fn byte_values<O: OffsetSizeTrait>(&self, node: &Node, segments: &[Segment]) -> Decoded<(OffsetBuffer<O>, Buffer)> {
        let (offsets, byte_segments) = self.offsets::<O>(node, segments)?;
        let room = offsets.last().map_or(0, |last| last.as_usize());
        let mut out = self.source.memory(room.min(MAX_RESERVE));
        for segment in byte_segments.iter() {
            let (columns, _) = self.active(node, segment)?;
            let column = self.column(node, columns, 1)?;
            let pages = self.source.pages(segment.cluster, column.id).map_err(|e| other(node, e))?;
            self.append_bytes(node, column, pages, segment, &mut out)?;
        }
        Ok((offsets, out.into_buffer()))
    }

    /// Arrow offsets of the collections in `segments`, and the segments of their items. Fields whose index columns have
    /// the same pages share them.
    pub(super) fn offsets<O: OffsetSizeTrait>(&self, node: &Node, segments: &[Segment]) -> Decoded<Offsets<O>> {
        let mut source = Vec::with_capacity(segments.len());
        for &segment in segments {
            let column = if segment.len > 0 { Some(self.index_column(node, &segment)?.id) } else { None };
            source.push((column, segment));
        }
        let mut failed = None;
        let decode = || self.decode_offsets(node, segments).map_err(|fault| failed = Some(fault)).ok();
        match self.shared.offsets(source, decode) {
            Some(offsets) => Ok(offsets),
            None => Err(match failed {
                Some(fault) => fault,
                // Another field failed with them, or has them in another type: this one says it in its own name.
                None => return self.decode_offsets(node, segments),
            }),
        }
    }

    /// The column that is read for the principal column of a node.
    fn index_column(&self, node: &Node, segment: &Segment) -> Decoded<&Column> {
        let (_, pages) = self.active(node, segment)?;
        let column = self.schema.column(self.source.same_pages(segment.cluster, pages.column));
        column.ok_or_else(|| broken(node, "it lacks a column"))
    }

    fn decode_offsets<O: OffsetSizeTrait>(&self, node: &Node, segments: &[Segment]) -> Decoded<Offsets<O>> {
        let count = total(node, segments)? + 1;
        let mut out = self.source.memory((count * size_of::<O>()).min(MAX_RESERVE));
        out.grow_zeroed(size_of::<O>());
        let mut items = Vec::with_capacity(segments.len());
        let mut base = 0;
        for segment in segments {
            let range = self.ends(node, segment, out.len() / size_of::<O>() - 1, |first, ends| {
                let largest = ends.last().map_or(0, |end| end - first).saturating_add(base);
                if largest > O::MAX_OFFSET as u64 {
                    let what = "number of items in a batch (read fewer entries at once, or with large offsets)";
                    let limit = O::MAX_OFFSET as u64;
                    return Err(PageFault::Other(Error::Limit { what, value: largest, limit }));
                }
                #[expect(clippy::cast_possible_truncation, reason = "the largest was compared with the largest offset")]
                for (out, end) in out.grow::<O>(ends.len()).iter_mut().zip(ends) {
                    *out = O::usize_as((end - first + base) as usize);
                }
                Ok(())
            })?;
            base += range.end - range.start;
            items.push(Segment { cluster: segment.cluster, start: range.start, len: range.end - range.start });
        }
        Ok((OffsetBuffer::new(ScalarBuffer::new(out.into_buffer(), 0, count)), items.into()))
    }

    pub(super) fn cardinalities(&self, node: &Node, number: NumberType, segments: &[Segment]) -> Decoded<ArrayRef> {
        match number {
            NumberType::UInt32 => self.sizes::<UInt32Type>(node, segments),
            _ => self.sizes::<UInt64Type>(node, segments),
        }
    }

    fn sizes<P: ArrowPrimitiveType<Native: TryFrom<u64>>>(
        &self,
        node: &Node,
        segments: &[Segment],
    ) -> Decoded<ArrayRef> {
        let count = total(node, segments)?;
        let mut out: Vec<P::Native> = Vec::with_capacity(count.min(MAX_RESERVE / size_of::<P::Native>()));
        for segment in segments {
            let mut before = None;
            self.ends(node, segment, out.len(), |first, ends| {
                for &end in ends {
                    let size = end - before.replace(end).unwrap_or(first);
                    out.push(P::Native::try_from(size).map_err(|_| PageFault::Value {
                        offset: out.len(),
                        reason: format!("the collection size {size} does not fit into {}", P::DATA_TYPE),
                    })?);
                }
                Ok(())
            })?;
        }
        Ok(Arc::new(PrimitiveArray::<P>::new(ScalarBuffer::from(out), None)))
    }

    /// Walks the ends of the collections in a segment: calls `each` with where the first collection starts, and with
    /// the ends piece by piece; they never decrease. Gives the range of items. `position` is that of the segment in
    /// the array, for messages.
    fn ends(
        &self,
        node: &Node,
        segment: &Segment,
        position: usize,
        mut each: impl FnMut(u64, &[u64]) -> Result<(), PageFault>,
    ) -> Decoded<Range<u64>> {
        if segment.len == 0 {
            return Ok(0..0);
        }
        let column = self.index_column(node, segment)?;
        let pages = self.source.pages(segment.cluster, column.id).map_err(|e| other(node, e))?;
        let zeros = self.zeros(node, pages, segment)?;
        let mut done = position;
        for start in (0..zeros).step_by(ZEROS.len()) {
            let chunk = ZEROS.get(..ZEROS.len().min(zeros - start)).unwrap_or_default();
            each(0, chunk).map_err(|fault| page_fault(node, fault))?;
            done += chunk.len();
        }
        // Where the first collection starts is where the one before it ends.
        let before = self.source.end_before(segment.cluster, column.id, segment.start);
        let mut lead = segment.start > pages.zeros && before.is_none();
        let walk = if lead { Segment { start: segment.start - 1, len: segment.len + 1, ..*segment } } else { *segment };
        let (mut first, mut last) = (before.unwrap_or(0), before.unwrap_or(0));
        self.indexes(node, column, pages, &walk, before, |mut ends| {
            if let (true, Some((&end, rest))) = (lead, ends.split_first()) {
                (first, last, ends, lead) = (end, end, rest, false);
            }
            let Some(&newest) = ends.last() else { return Ok(()) };
            if ends.first().is_some_and(|&end| end < last) || !ends.is_sorted() {
                let fall = ends.windows(2).position(|pair| !pair.is_sorted()).map_or(0, |i| i + 1);
                return Err(PageFault::Value {
                    offset: done + fall,
                    reason: "a collection ends before it starts: its index decreases".to_owned(),
                });
            }
            (last, done) = (newest, done + ends.len());
            each(first, ends)
        })?;
        self.source.keep_end(segment.cluster, column.id, segment.start + segment.len, last);
        Ok(first..last)
    }
}

/// What ends of collections from before the field was added read as.
const ZEROS: [u64; 256] = [0; 256];

fn page_fault(node: &Node, fault: PageFault) -> Fault {
    match fault {
        PageFault::Value { offset, reason } => Fault::Value { field: node.id, position: offset as u64, reason },
        PageFault::Other(error) => other(node, error),
    }
}
