//! How many bytes entries take before compression.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};

use super::draft::Form;
use super::layout::{Layout, Node};
use super::walk::{Alternatives, alternative_values, fixed_values, list_parts, present_values};
use crate::error::Result;

impl Layout {
    /// Bits that the entries of a batch take in the columns, before compression. What the entries of two batches take is
    /// the sum of what each takes.
    ///
    /// # Errors
    /// As [`Layout::pieces`].
    pub fn measure(&self, batch: &RecordBatch) -> Result<u64> {
        let mut bits = 0_u64;
        for (i, root) in self.roots().iter().enumerate() {
            bits = bits.saturating_add(self.measure_node(&root.node, &root.column(batch, i)?)?);
        }
        Ok(bits)
    }

    fn measure_node(&self, node: &Node, array: &ArrayRef) -> Result<u64> {
        let of_column = |column: usize, elements: usize| {
            let bits = self.columns().get(column).map_or(0, |encoding| encoding.bits);
            u64::from(bits).saturating_mul(elements as u64)
        };
        let own = of_column(node.column, array.len());
        let child = |array: Option<ArrayRef>| match (node.children.first(), array) {
            (Some(child), Some(array)) => self.measure_node(child, &array),
            // What does not fit the schema is reported when it is taken apart.
            _ => Ok(0),
        };
        Ok(match node.form {
            Form::Number { .. } => own,
            Form::Numbers(n, _) => own.saturating_mul(n as u64),
            Form::Bytes => own.saturating_add(of_column(node.data, bytes_of(array))),
            Form::List => own.saturating_add(child(list_parts(array).map(|(_, items)| items))?),
            Form::Array(n) => child(fixed_values(array, n))?,
            Form::Wrapper => child(Some(ArrayRef::clone(array)))?,
            Form::Optional { boxed } => {
                let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0);
                own.saturating_add(child(present_values(array, nulls, boxed)?)?)
            }
            Form::Record => {
                let mut bits = 0_u64;
                for (child, array) in node.children.iter().zip(array.as_struct_opt().map_or(&[][..], |a| a.columns())) {
                    bits = bits.saturating_add(self.measure_node(child, array)?);
                }
                bits
            }
            Form::Variant => {
                let Some(union) = array.as_union_opt() else { return Ok(own) };
                let mut bits = own;
                for (child, &id) in node.children.iter().zip(Alternatives::of(union).ids()) {
                    bits = bits.saturating_add(self.measure_node(child, &alternative_values(union, id)?)?);
                }
                bits
            }
        })
    }
}

/// Bytes of all strings or binaries of an array.
fn bytes_of(array: &ArrayRef) -> usize {
    let span32 = |offsets: &[i32]| match (offsets.first(), offsets.last()) {
        (Some(first), Some(last)) => usize::try_from(last - first).unwrap_or(0),
        _ => 0,
    };
    let span64 = |offsets: &[i64]| match (offsets.first(), offsets.last()) {
        (Some(first), Some(last)) => usize::try_from(last - first).unwrap_or(0),
        _ => 0,
    };
    array
        .as_string_opt::<i32>()
        .map(|array| span32(array.value_offsets()))
        .or_else(|| array.as_binary_opt::<i32>().map(|array| span32(array.value_offsets())))
        .or_else(|| array.as_string_opt::<i64>().map(|array| span64(array.value_offsets())))
        .or_else(|| array.as_binary_opt::<i64>().map(|array| span64(array.value_offsets())))
        .unwrap_or(0)
}
