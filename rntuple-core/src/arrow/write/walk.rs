//! Takes arrays apart into pieces, one or more per column.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, FixedSizeListArray, RecordBatch, StructArray, UInt32Array, UnionArray,
};
use arrow::buffer::NullBuffer;
use arrow::compute::{cast, filter, take};
use arrow::datatypes::{
    ArrowNativeType, ArrowPrimitiveType, DataType, Field, FieldRef, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type, UnionMode,
};

use super::Piece;
use super::draft::Form;
use super::layout::{Layout, Node};
use crate::arrow::node::NumberType;
use crate::encoding::Quantizer;
use crate::error::{Error, Result};
use crate::schema::{ColumnEncoding, ColumnType};

impl Layout {
    /// Takes a record batch apart: adds to `out`, which has a list for each column, what the column gets. Columns of the
    /// batch are found by name; those that are no fields are ignored.
    ///
    /// # Errors
    /// [`Error::NoSuchField`] for a field that is missing, [`Error::Cast`] for one of another Arrow type,
    /// [`Error::Value`] for a null where the field has none and for a value outside of a quantised column's range; the
    /// entry is counted within the batch.
    pub fn pieces(&self, batch: &RecordBatch, out: &mut [Vec<Piece>]) -> Result<()> {
        let mut walk = Walk { layout: self, out };
        for (i, root) in self.roots().iter().enumerate() {
            walk.node(&root.node, &root.column(batch, i)?)?;
        }
        Ok(())
    }
}

impl super::layout::Root {
    /// This field's array in a batch. It is number `guess` in most batches: a search for each of thousands of names would
    /// take longer than all else.
    pub(super) fn column(&self, batch: &RecordBatch, guess: usize) -> Result<ArrayRef> {
        let name = self.arrow.name();
        let guessed = || {
            let same = batch.schema_ref().fields().get(guess).is_some_and(|field| field.name() == name);
            if same { batch.columns().get(guess) } else { None }
        };
        let Some(array) = guessed().or_else(|| batch.column_by_name(name)) else {
            return Err(Error::NoSuchField { pattern: name.clone(), hint: " in the batch".to_owned() });
        };
        if is_same(array.data_type(), self.arrow.data_type()) {
            return Ok(Arc::clone(array));
        }
        let (from, to) = (array.data_type().to_string(), self.arrow.data_type().to_string());
        Err(Error::Cast { field: name.clone(), from, to })
    }
}

/// Whether arrays of one type are taken apart as those of the other. Only names that are not stored may differ, such as
/// those of list items.
fn is_same(a: &DataType, b: &DataType) -> bool {
    let item = |a: &Field, b: &Field| a.is_nullable() == b.is_nullable() && is_same(a.data_type(), b.data_type());
    match (a, b) {
        (DataType::Struct(a), DataType::Struct(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.name() == b.name() && item(a, b))
        }
        (DataType::Union(a, a_mode), DataType::Union(b, b_mode)) => {
            let same = |((a_id, a), (b_id, b)): ((i8, &FieldRef), (i8, &FieldRef))| a_id == b_id && item(a, b);
            a_mode == b_mode && a.len() == b.len() && a.iter().zip(b.iter()).all(same)
        }
        (DataType::List(a), DataType::List(b)) | (DataType::LargeList(a), DataType::LargeList(b)) => item(a, b),
        (DataType::FixedSizeList(a, a_len), DataType::FixedSizeList(b, b_len)) => a_len == b_len && item(a, b),
        (DataType::Map(a, _), DataType::Map(b, _)) => match (a.data_type(), b.data_type()) {
            // Their places say which is the key.
            (DataType::Struct(a), DataType::Struct(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| item(a, b))
            }
            _ => false,
        },
        _ => a == b,
    }
}

struct Walk<'a> {
    layout: &'a Layout,
    out: &'a mut [Vec<Piece>],
}

impl Walk<'_> {
    fn put(&mut self, column: usize, piece: Piece) -> Result<()> {
        let missing = || Error::inconsistent("layout", format!("column {column} does not exist"));
        let encoding = self.layout.columns().get(column).ok_or_else(missing)?;
        if encoding.kind == ColumnType::Real32Quant {
            self.check_range(column, encoding, &piece)?;
        }
        self.out.get_mut(column).ok_or_else(missing)?.push(piece);
        Ok(())
    }

    /// A value that does not fit is refused before anything of the batch is taken.
    fn check_range(&self, column: usize, encoding: &ColumnEncoding, piece: &Piece) -> Result<()> {
        let Some((min, max)) = encoding.range else { return Ok(()) };
        let quantizer = Quantizer::new(encoding.bits.into(), min, max)?;
        let found = match piece {
            Piece::Float32(values) => values.iter().position(|&value| !quantizer.holds(value)),
            Piece::Float64(values) => values.iter().position(|&value| !quantizer.holds(value)),
            _ => None,
        };
        let Some(position) = found else { return Ok(()) };
        let value = match piece {
            Piece::Float32(values) => values.get(position).copied().map_or(f64::NAN, f64::from),
            Piece::Float64(values) => values.get(position).copied().unwrap_or(f64::NAN),
            _ => f64::NAN,
        };
        let field = self.layout.schema().columns().get(column).map(|column| self.layout.schema().path(column.field));
        Err(Error::Unwritable {
            field: field.unwrap_or_default(),
            reason: format!("value {value} (number {position} in the batch) is outside of its range {min} to {max}"),
        })
    }

    fn node(&mut self, node: &Node, array: &ArrayRef) -> Result<()> {
        // Arrow counts the nulls of a union's children as its own; here the switch says what an element holds.
        if !matches!(node.form, Form::Optional { .. } | Form::Wrapper | Form::Variant) && array.null_count() > 0 {
            let entry = array.nulls().map_or(0, |nulls| nulls.iter().position(|valid| !valid).unwrap_or(0));
            let field = self.layout.schema().path(node.field);
            let reason = "it is null, but the field has no nulls".to_owned();
            return Err(Error::Value { field, entry: entry as u64, reason });
        }
        match node.form {
            Form::Number { number, half } => self.number(node, array, number, half),
            Form::Numbers(n, number) => {
                let values = fixed_values(array, n).ok_or_else(|| self.unexpected(node, array))?;
                self.number(node, &values, number, false)
            }
            Form::Bytes => self.bytes(node, array),
            Form::List => self.list(node, array),
            Form::Array(n) => {
                let values = fixed_values(array, n).ok_or_else(|| self.unexpected(node, array))?;
                self.child(node, 0, &values)
            }
            Form::Record => self.record(node, array),
            Form::Variant => self.variant(node, array),
            Form::Optional { boxed } => self.optional(node, array, boxed),
            Form::Wrapper => self.child(node, 0, array),
        }
    }

    fn unexpected(&self, node: &Node, array: &dyn Array) -> Error {
        let reason = format!("an array of type {} is not what its schema says", array.data_type());
        Error::Unwritable { field: self.layout.schema().path(node.field), reason }
    }

    fn child(&mut self, node: &Node, i: usize, array: &ArrayRef) -> Result<()> {
        let child = node.children.get(i).ok_or_else(|| self.unexpected(node, array))?;
        self.node(child, array)
    }

    fn number(&mut self, node: &Node, array: &ArrayRef, number: NumberType, half: bool) -> Result<()> {
        let widened;
        let array = if half {
            widened = cast(array, &DataType::Float32)?;
            &widened
        } else {
            array
        };
        fn values<P: ArrowPrimitiveType>(array: &ArrayRef) -> Option<arrow::buffer::ScalarBuffer<P::Native>> {
            array.as_primitive_opt::<P>().map(|array| array.values().clone())
        }
        let piece = match number {
            NumberType::Bool => array.as_boolean_opt().map(|array| Piece::Bools(array.values().clone())),
            NumberType::Int8 => values::<Int8Type>(array).map(Piece::Int8),
            NumberType::UInt8 => values::<UInt8Type>(array).map(Piece::UInt8),
            NumberType::Int16 => values::<Int16Type>(array).map(Piece::Int16),
            NumberType::UInt16 => values::<UInt16Type>(array).map(Piece::UInt16),
            NumberType::Int32 => values::<Int32Type>(array).map(Piece::Int32),
            NumberType::UInt32 => values::<UInt32Type>(array).map(Piece::UInt32),
            NumberType::Int64 => values::<Int64Type>(array).map(Piece::Int64),
            NumberType::UInt64 => values::<UInt64Type>(array).map(Piece::UInt64),
            NumberType::Float32 => values::<Float32Type>(array).map(Piece::Float32),
            NumberType::Float64 => values::<Float64Type>(array).map(Piece::Float64),
        };
        self.put(node.column, piece.ok_or_else(|| self.unexpected(node, array))?)
    }

    fn bytes(&mut self, node: &Node, array: &ArrayRef) -> Result<()> {
        fn parts<T: arrow::array::types::ByteArrayType>(
            array: &ArrayRef,
        ) -> Option<(arrow::buffer::ScalarBuffer<T::Offset>, Piece)> {
            let array = array.as_bytes_opt::<T>()?;
            let offsets = array.value_offsets();
            let (first, last) = (offsets.first()?.as_usize(), offsets.last()?.as_usize());
            let bytes = array.values().slice_with_length(first, last.checked_sub(first)?);
            Some((array.offsets().inner().clone(), Piece::Bytes(bytes)))
        }
        use arrow::array::types::{BinaryType, LargeBinaryType, LargeUtf8Type, Utf8Type};
        let small = |(offsets, bytes)| (Piece::Offsets32(offsets), bytes);
        let large = |(offsets, bytes)| (Piece::Offsets64(offsets), bytes);
        let parts = match array.data_type() {
            DataType::Utf8 => parts::<Utf8Type>(array).map(small),
            DataType::Binary => parts::<BinaryType>(array).map(small),
            DataType::LargeUtf8 => parts::<LargeUtf8Type>(array).map(large),
            DataType::LargeBinary => parts::<LargeBinaryType>(array).map(large),
            _ => None,
        };
        let (offsets, bytes) = parts.ok_or_else(|| self.unexpected(node, array))?;
        self.put(node.column, offsets)?;
        self.put(node.data, bytes)
    }

    fn list(&mut self, node: &Node, array: &ArrayRef) -> Result<()> {
        let (offsets, items) = list_parts(array).ok_or_else(|| self.unexpected(node, array))?;
        self.put(node.column, offsets)?;
        self.child(node, 0, &items)
    }

    fn record(&mut self, node: &Node, array: &ArrayRef) -> Result<()> {
        let array = array.as_struct_opt().ok_or_else(|| self.unexpected(node, array))?;
        node.children.iter().zip(array.columns()).try_for_each(|(child, array)| self.node(child, array))
    }

    fn optional(&mut self, node: &Node, array: &ArrayRef, boxed: bool) -> Result<()> {
        let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0).cloned();
        let values = present_values(array, nulls.as_ref(), boxed)?.ok_or_else(|| self.unexpected(node, array))?;
        self.put(node.column, Piece::Present { present: nulls, len: array.len() })?;
        self.child(node, 0, &values)
    }

    fn variant(&mut self, node: &Node, array: &ArrayRef) -> Result<()> {
        let union = array.as_union_opt().ok_or_else(|| self.unexpected(node, array))?;
        let alternatives = Alternatives::of(union);
        self.put(node.column, Piece::Tags(alternatives.tags(union)))?;
        for (i, &id) in alternatives.ids.iter().enumerate() {
            self.child(node, i, &alternative_values(union, id)?)?;
        }
        Ok(())
    }
}

/// The items of fixed-size arrays.
pub(super) fn fixed_values(array: &ArrayRef, n: usize) -> Option<ArrayRef> {
    let array: &FixedSizeListArray = array.as_fixed_size_list_opt()?;
    let start = usize::try_from(array.value_offset(0)).ok()?;
    Some(array.values().slice(start, array.len().checked_mul(n)?))
}

/// The offsets of lists or maps, and the items that they cover.
pub(super) fn list_parts(array: &ArrayRef) -> Option<(Piece, ArrayRef)> {
    fn items<O: arrow::array::OffsetSizeTrait>(offsets: &[O], values: &ArrayRef) -> Option<ArrayRef> {
        let (first, last) = (offsets.first()?.as_usize(), offsets.last()?.as_usize());
        Some(values.slice(first, last.checked_sub(first)?))
    }
    match array.data_type() {
        DataType::List(_) => {
            let list = array.as_list_opt::<i32>()?;
            Some((Piece::Offsets32(list.offsets().inner().clone()), items(list.offsets(), list.values())?))
        }
        DataType::LargeList(_) => {
            let list = array.as_list_opt::<i64>()?;
            Some((Piece::Offsets64(list.offsets().inner().clone()), items(list.offsets(), list.values())?))
        }
        DataType::Map(..) => {
            let map = array.as_map_opt()?;
            let entries: ArrayRef = Arc::new(map.entries().clone());
            Some((Piece::Offsets32(map.offsets().inner().clone()), items(map.offsets(), &entries)?))
        }
        _ => None,
    }
}

/// The values of a nullable array that are there, one after the other.
pub(super) fn present_values(array: &ArrayRef, nulls: Option<&NullBuffer>, boxed: bool) -> Result<Option<ArrayRef>> {
    let values = if boxed {
        let Some(member) = array.as_struct_opt().and_then(|array: &StructArray| array.columns().first()) else {
            return Ok(None);
        };
        Arc::clone(member)
    } else {
        Arc::clone(array)
    };
    match nulls {
        None => Ok(Some(values)),
        Some(nulls) => Ok(Some(filter(&values, &BooleanArray::new(nulls.inner().clone(), None))?)),
    }
}

/// The type ids of a union, in the order of the variant's alternatives.
pub(super) struct Alternatives {
    ids: Vec<i8>,
}

impl Alternatives {
    pub(super) fn of(union: &UnionArray) -> Self {
        let DataType::Union(fields, _) = union.data_type() else { return Self { ids: Vec::new() } };
        let valued = fields.iter().filter(|(_, field)| field.data_type() != &DataType::Null);
        Self { ids: valued.map(|(id, _)| id).collect() }
    }

    pub(super) fn ids(&self) -> &[i8] {
        &self.ids
    }

    /// The number of the alternative of each element, 0 for none.
    fn tags(&self, union: &UnionArray) -> Vec<u8> {
        let mut tag_of = [0_u8; 256];
        for (tag, id) in (1..).zip(&self.ids) {
            if let Some(slot) = tag_of.get_mut(usize::from(id.cast_unsigned())) {
                *slot = tag;
            }
        }
        union.type_ids().iter().map(|id| tag_of.get(usize::from(id.cast_unsigned())).copied().unwrap_or(0)).collect()
    }
}

/// The values of one alternative of a union, in the order of the elements that hold it.
pub(super) fn alternative_values(union: &UnionArray, id: i8) -> Result<ArrayRef> {
    let child = union.child(id);
    if matches!(union.data_type(), DataType::Union(_, UnionMode::Sparse)) {
        let chosen = BooleanArray::from_iter(union.type_ids().iter().map(|&other| Some(other == id)));
        return Ok(filter(child, &chosen)?);
    }
    let positions = || {
        let offsets = union.offsets().into_iter().flat_map(|offsets| offsets.iter());
        union.type_ids().iter().zip(offsets).filter(move |(other, _)| **other == id).map(|(_, offset)| *offset)
    };
    let first = positions().next().unwrap_or(0);
    let mut count = 0_usize;
    let mut in_order = true;
    for (expected, position) in (i64::from(first)..).zip(positions()) {
        in_order &= expected == i64::from(position);
        count += 1;
    }
    if in_order {
        return Ok(child.slice(usize::try_from(first).unwrap_or(0), count));
    }
    let positions = UInt32Array::from_iter_values(positions().map(i32::cast_unsigned));
    Ok(take(child, &positions, None)?)
}
