//! Variants: a switch column becomes type ids and offsets of a dense union.

use std::sync::Arc;

use arrow::array::{ArrayRef, NullArray, UnionArray};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::DataType;

use super::decode::{Decoder, Segment};
use super::fault::{Decoded, PageFault, broken, other};
use super::node::Node;
use crate::error::Error;
use crate::limits::MAX_RESERVE;

impl Decoder<'_> {
    pub(super) fn variant(&self, node: &Node, segments: &[Segment], total: usize) -> Decoded<ArrayRef> {
        let DataType::Union(fields, _) = node.arrow.data_type() else {
            return Err(broken(node, "it is not planned as a union"));
        };
        // Its offsets have 32 bits.
        if i32::try_from(total).is_err() {
            let (what, value) = ("number of variants in a batch (read fewer entries at once)", total as u64);
            return Err(other(node, Error::Limit { what, value, limit: i32::MAX as u64 }));
        }
        let room = total.min(MAX_RESERVE / size_of::<i32>());
        let mut tags: Vec<i8> = Vec::with_capacity(room);
        let mut offsets: Vec<i32> = Vec::with_capacity(room);
        let mut child_segments: Vec<Vec<Segment>> = vec![Vec::new(); node.children.len()];
        let mut child_lens = vec![0_u64; node.children.len()];
        let mut valueless = 0_i32;
        for segment in segments.iter().filter(|segment| segment.len > 0) {
            let (columns, pages) = self.active(node, segment)?;
            let column = self.column(node, columns, 0)?;
            let zeros = self.zeros(node, pages, segment)?;
            for _ in 0..zeros {
                tags.push(0);
                offsets.push(valueless);
                valueless += 1;
            }
            // The elements of each alternative that this segment uses.
            let mut used: Vec<Option<(u64, u64)>> = vec![None; node.children.len()];
            self.switches(node, column, pages, segment, |element| {
                let bad = |reason: String| PageFault::Value { offset: tags.len(), reason };
                let alternative = element.tag.wrapping_sub(1) as usize;
                let (tag, offset) = match (element.tag, used.get_mut(alternative), child_lens.get(alternative)) {
                    (0, ..) => (0, valueless),
                    (tag, Some(used), Some(&before)) => {
                        let (first, next) = *used.get_or_insert((element.index, element.index));
                        // Writers count the values of each alternative; anything else would be a reference back.
                        if element.index != next || next == u64::MAX {
                            let reason = format!("alternative {tag} goes from element {next} to {}", element.index);
                            return Err(bad(reason));
                        }
                        *used = Some((first, next + 1));
                        let offset = i32::try_from(before + (next - first));
                        (tag, offset.map_err(|_| bad("too many values in a batch".to_owned()))?)
                    }
                    (tag, ..) => return Err(bad(format!("the variant has no alternative {tag}"))),
                };
                valueless += i32::from(tag == 0);
                tags.push(i8::try_from(tag).unwrap_or(i8::MAX));
                offsets.push(offset);
                Ok(())
            })?;
            for ((used, segments), len) in used.into_iter().zip(&mut child_segments).zip(&mut child_lens) {
                if let Some((first, next)) = used {
                    segments.push(Segment { cluster: segment.cluster, start: first, len: next - first });
                    *len += next - first;
                }
            }
        }
        let none: ArrayRef = Arc::new(NullArray::new(usize::try_from(valueless).unwrap_or(0)));
        let mut arrays = vec![none];
        for (i, segments) in child_segments.iter().enumerate() {
            let tag = i8::try_from(i + 1).unwrap_or(i8::MAX);
            let position = |item: u64| {
                let holds = |(&t, &o): (&i8, &i32)| t == tag && i64::from(o) == item.cast_signed();
                tags.iter().zip(&offsets).position(holds).unwrap_or(0) as u64
            };
            arrays.push(self.child(node, i, segments).map_err(|fault| fault.at(position))?);
        }
        let array =
            UnionArray::try_new(fields.clone(), ScalarBuffer::from(tags), Some(ScalarBuffer::from(offsets)), arrays);
        Ok(Arc::new(array.map_err(|e| other(node, e))?))
    }
}
