//! Optionals and unique pointers: collections of none or one become nullable values.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, StructArray};
use arrow::buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use arrow::compute::take;
use arrow::datatypes::DataType;

use super::decode::{Decoder, Segment};
use super::fault::{Decoded, Fault, other};
use super::metadata::BOXED;
use super::node::Node;
use super::offsets::list_of;

impl Decoder<'_> {
    pub(super) fn optional(&self, node: &Node, segments: &[Segment]) -> Decoded<ArrayRef> {
        let (offsets, item_segments) = self.offsets::<i32>(node, segments)?;
        if let Some(position) = offsets.windows(2).position(|ends| matches!(ends, [start, end] if end - start > 1)) {
            let reason = "it holds more than one value".to_owned();
            return Err(Fault::Value { field: node.id, position: position as u64, reason });
        }
        let items = self.child(node, 0, &item_segments).map_err(|fault| fault.at(|item| list_of(&offsets, item)))?;
        let rows = offsets.len() - 1;
        let present = BooleanBuffer::from_iter(offsets.windows(2).map(|ends| ends.first() != ends.last()));
        let nulls = Some(NullBuffer::new(present)).filter(|nulls| nulls.null_count() > 0);
        let values = match &nulls {
            None => items,
            Some(nulls) => {
                let starts = ScalarBuffer::from_iter(offsets.iter().copied().take(rows));
                take(&items, &Int32Array::new(starts, Some(nulls.clone())), None).map_err(|e| other(node, e))?
            }
        };
        match node.arrow.data_type() {
            DataType::Struct(members) if node.arrow.metadata().contains_key(BOXED) => {
                let array = StructArray::try_new(members.clone(), vec![values], nulls);
                Ok(Arc::new(array.map_err(|e| other(node, e))?))
            }
            _ => Ok(values),
        }
    }
}
