//! Arrays, as the buffers that `NumPy` and Awkward Array look at.

use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, AsArray, FixedSizeListArray, LargeListArray, ListArray, make_array, new_empty_array,
};
use arrow::buffer::{BooleanBuffer, Buffer as ArrowBuffer, NullBuffer};
use arrow::compute::cast;
use arrow::datatypes::{ArrowNativeType, DataType, FieldRef, TimeUnit};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCapsule, PyDict, PyList, PyString, PyTuple};
use pyo3_arrow::input::AnyArray;

use crate::error::data;
use crate::keys::member_number;
use crate::schema::kind_of;

/// Memory that `NumPy` can look at, through `__array_interface__`. It lives as long as one of its arrays does.
#[pyclass(frozen, module = "rntuple._lib")]
#[derive(Debug)]
pub(crate) struct Buffer {
    memory: ArrowBuffer,
    typestr: &'static str,
    items: usize,
}

impl Buffer {
    fn new(memory: ArrowBuffer, typestr: &'static str, item: usize) -> Self {
        let items = memory.len() / item.max(1);
        Self { memory, typestr, items }
    }

    fn of<T: ArrowNativeType>(memory: ArrowBuffer, typestr: &'static str) -> Self {
        Self::new(memory, typestr, size_of::<T>())
    }
}

#[pymethods]
impl Buffer {
    #[getter]
    fn __array_interface__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let interface = PyDict::new(py);
        interface.set_item("version", 3)?;
        interface.set_item("shape", (self.items,))?;
        interface.set_item("typestr", self.typestr)?;
        interface.set_item("data", (self.memory.as_ptr() as usize, true))?;
        Ok(interface)
    }

    fn __len__(&self) -> usize {
        self.items
    }
}

/// An Arrow array with its field.
#[pyclass(frozen, module = "rntuple._lib")]
#[derive(Debug)]
pub(crate) struct Array {
    array: ArrayRef,
    field: FieldRef,
}

impl Array {
    pub(crate) fn new(array: ArrayRef, field: FieldRef) -> Self {
        Self { array, field }
    }

    pub(crate) fn inner(&self) -> &ArrayRef {
        &self.array
    }

    pub(crate) fn field(&self) -> &FieldRef {
        &self.field
    }

    fn child(array: &ArrayRef, field: &FieldRef) -> Self {
        Self::new(Arc::clone(array), Arc::clone(field))
    }
}

#[pymethods]
impl Array {
    fn __len__(&self) -> usize {
        self.array.len()
    }

    #[getter]
    fn name(&self) -> &str {
        self.field.name()
    }

    #[getter]
    fn kind(&self) -> String {
        kind_of(self.field.data_type())
    }

    #[getter]
    fn nullable(&self) -> bool {
        self.field.is_nullable()
    }

    #[getter]
    fn null_count(&self) -> usize {
        self.array.null_count()
    }

    #[getter]
    fn boxed(&self) -> bool {
        self.field.metadata().contains_key(rntuple_core::arrow::BOXED)
    }

    #[getter]
    fn type_name(&self) -> Option<String> {
        self.field.metadata().get(rntuple_core::arrow::TYPE).cloned()
    }

    /// Which values are there, as bits, least significant first; `None` when all are.
    fn validity(&self) -> Option<Buffer> {
        self.array.nulls().map(|nulls| Buffer::of::<u8>(aligned_bits(nulls), "|u1"))
    }

    /// The values of numbers; of booleans one byte each; the bytes of strings.
    fn values(&self, py: Python<'_>) -> PyResult<Buffer> {
        use arrow::datatypes::*;
        fn of<T: ArrowPrimitiveType>(array: &ArrayRef, typestr: &'static str) -> Buffer {
            Buffer::of::<T::Native>(array.as_primitive::<T>().values().inner().clone(), typestr)
        }
        let array = &self.array;
        Ok(match array.data_type() {
            DataType::Boolean => Buffer::of::<u8>(spread(array.as_boolean().values()), "|b1"),
            DataType::Int8 => of::<Int8Type>(array, "|i1"),
            DataType::Int16 => of::<Int16Type>(array, "<i2"),
            DataType::Int32 => of::<Int32Type>(array, "<i4"),
            DataType::Int64 => of::<Int64Type>(array, "<i8"),
            DataType::UInt8 => of::<UInt8Type>(array, "|u1"),
            DataType::UInt16 => of::<UInt16Type>(array, "<u2"),
            DataType::UInt32 => of::<UInt32Type>(array, "<u4"),
            DataType::UInt64 => of::<UInt64Type>(array, "<u8"),
            DataType::Float16 => of::<Float16Type>(array, "<f2"),
            DataType::Float32 => of::<Float32Type>(array, "<f4"),
            DataType::Float64 => of::<Float64Type>(array, "<f8"),
            DataType::Date32 | DataType::Time32(_) => times(&wide(py, array)?, array.data_type()),
            data_type if is_time(data_type) => times(array, data_type),
            DataType::Utf8 => Buffer::of::<u8>(array.as_string::<i32>().values().clone(), "|u1"),
            DataType::LargeUtf8 => Buffer::of::<u8>(array.as_string::<i64>().values().clone(), "|u1"),
            DataType::Binary => Buffer::of::<u8>(array.as_binary::<i32>().values().clone(), "|u1"),
            DataType::LargeBinary => Buffer::of::<u8>(array.as_binary::<i64>().values().clone(), "|u1"),
            other => return Err(data(py, &format!("an array of type {other} has no values of its own"))),
        })
    }

    /// Where the values of strings and lists begin and end.
    fn offsets(&self, py: Python<'_>) -> PyResult<Buffer> {
        let array = &self.array;
        let small = |buffer: &ArrowBuffer| Buffer::of::<i32>(buffer.clone(), "<i4");
        let large = |buffer: &ArrowBuffer| Buffer::of::<i64>(buffer.clone(), "<i8");
        Ok(match array.data_type() {
            DataType::Utf8 => small(array.as_string::<i32>().offsets().inner().inner()),
            DataType::Binary => small(array.as_binary::<i32>().offsets().inner().inner()),
            DataType::List(_) => small(array.as_list::<i32>().offsets().inner().inner()),
            DataType::Map(..) => small(array.as_map().offsets().inner().inner()),
            DataType::LargeUtf8 => large(array.as_string::<i64>().offsets().inner().inner()),
            DataType::LargeBinary => large(array.as_binary::<i64>().offsets().inner().inner()),
            DataType::LargeList(_) => large(array.as_list::<i64>().offsets().inner().inner()),
            other => return Err(data(py, &format!("an array of type {other} has no offsets"))),
        })
    }

    /// For unions, which child each value is of.
    fn tags(&self, py: Python<'_>) -> PyResult<Buffer> {
        let union = self.array.as_union_opt().ok_or_else(|| data(py, "only unions have tags"))?;
        Ok(Buffer::of::<i8>(union.type_ids().inner().clone(), "|i1"))
    }

    /// For unions, the places of the values within their children; `None` when they are at their own place.
    fn places(&self, py: Python<'_>) -> PyResult<Option<Buffer>> {
        let union = self.array.as_union_opt().ok_or_else(|| data(py, "only unions have places"))?;
        Ok(union.offsets().map(|offsets| Buffer::of::<i32>(offsets.inner().clone(), "<i4")))
    }

    /// Elements of an array of fixed size.
    #[getter]
    fn size(&self) -> i32 {
        match self.array.data_type() {
            DataType::FixedSizeList(_, size) => *size,
            _ => 0,
        }
    }

    /// Arrays within this one: items, members, alternatives.
    fn children(&self) -> Vec<Self> {
        let array = &self.array;
        match array.data_type() {
            DataType::List(item) => vec![Self::child(array.as_list::<i32>().values(), item)],
            DataType::LargeList(item) => vec![Self::child(array.as_list::<i64>().values(), item)],
            DataType::FixedSizeList(item, size) => {
                let list = array.as_fixed_size_list();
                let size = usize::try_from(*size).unwrap_or(0);
                // Where the array is a slice, its child is not one.
                let child = list.values().slice(0, (list.len() * size).min(list.values().len()));
                vec![Self::new(child, Arc::clone(item))]
            }
            DataType::Map(entries, _) => {
                vec![Self::new(Arc::new(array.as_map().entries().clone()), Arc::clone(entries))]
            }
            DataType::Struct(members) => array
                .as_struct()
                .columns()
                .iter()
                .zip(members)
                .map(|(child, field)| Self::child(child, field))
                .collect(),
            DataType::Union(members, _) => {
                let union = array.as_union();
                members.iter().map(|(id, field)| Self::child(union.child(id), field)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// A member of records; what is missing of the records is missing of the member.
    fn member(&self, py: Python<'_>, name: &str) -> PyResult<Self> {
        let found = self.array.as_struct_opt().and_then(|records| {
            let (i, field) = records.fields().find(name)?;
            Some((records.columns().get(i)?, field))
        });
        let (array, field) = found.ok_or_else(|| data(py, &format!("there is no member '{name}'")))?;
        if !self.field.is_nullable() || matches!(field.data_type(), DataType::Union(..)) {
            return Ok(Self::child(array, field));
        }
        let nulls = NullBuffer::union(self.array.nulls(), array.nulls());
        let masked = array.to_data().into_builder().nulls(nulls).build();
        let masked = masked.map_err(|error| data(py, &error.to_string()))?;
        Ok(Self::new(make_array(masked), Arc::new(field.as_ref().clone().with_nullable(true))))
    }

    /// The same lists with other items.
    fn with_items(&self, py: Python<'_>, items: PyRef<'_, Self>) -> PyResult<Self> {
        let child = Arc::new(items.field.as_ref().clone());
        let item = Arc::clone(&items.array);
        let nulls = self.array.nulls().cloned();
        let array: Result<ArrayRef, _> = match self.array.data_type() {
            DataType::List(_) => {
                let offsets = self.array.as_list::<i32>().offsets().clone();
                ListArray::try_new(child, offsets, item, nulls).map(|array| Arc::new(array) as ArrayRef)
            }
            DataType::LargeList(_) => {
                let offsets = self.array.as_list::<i64>().offsets().clone();
                LargeListArray::try_new(child, offsets, item, nulls).map(|array| Arc::new(array) as ArrayRef)
            }
            DataType::Map(..) => {
                let offsets = self.array.as_map().offsets().clone();
                ListArray::try_new(child, offsets, item, nulls).map(|array| Arc::new(array) as ArrayRef)
            }
            DataType::FixedSizeList(_, size) => {
                FixedSizeListArray::try_new_with_length(child, *size, item, nulls, self.array.len())
                    .map(|array| Arc::new(array) as ArrayRef)
            }
            other => return Err(data(py, &format!("an array of type {other} has no items"))),
        };
        let array = array.map_err(|error| data(py, &error.to_string()))?;
        let field = self.field.as_ref().clone().with_data_type(array.data_type().clone());
        Ok(Self::new(array, Arc::new(field)))
    }

    /// The array of anything that offers one by the Arrow C interfaces.
    #[staticmethod]
    fn import_from(py: Python<'_>, object: AnyArray) -> PyResult<Self> {
        match object {
            AnyArray::Array(array) => {
                let (array, field) = array.into_inner();
                Ok(Self::new(array, field))
            }
            AnyArray::Stream(reader) => {
                let (arrays, field) = reader.into_chunked_array()?.into_inner();
                if arrays.is_empty() {
                    return Ok(Self::new(new_empty_array(field.data_type()), field));
                }
                let arrays: Vec<&dyn arrow::array::Array> = arrays.iter().map(AsRef::as_ref).collect();
                let array = arrow::compute::concat(&arrays).map_err(|error| data(py, &error.to_string()))?;
                Ok(Self::new(array, field))
            }
        }
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let field = Arc::clone(&self.field);
        Ok(pyo3_arrow::ffi::to_array_pycapsules(py, field, &self.array, requested_schema)?)
    }

    /// A value as Python has it: numbers, strings, lists, tuples, dicts, `None`.
    fn value<'py>(&self, py: Python<'py>, index: usize) -> PyResult<Bound<'py, PyAny>> {
        if index >= self.array.len() {
            return Err(data(py, &format!("index {index} in an array of {}", self.array.len())));
        }
        value(py, &self.array, self.boxed(), index)
    }

    /// All values as Python has them.
    fn to_list<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        list(py, &self.array, self.boxed())
    }
}

/// Points and spans of time, as `NumPy` has them; time of the day is the span since midnight.
fn is_time(data_type: &DataType) -> bool {
    use DataType as D;
    matches!(data_type, D::Timestamp(..) | D::Date32 | D::Date64 | D::Time32(_) | D::Time64(_) | D::Duration(_))
}

/// What `NumPy` calls a type of time.
fn time_type(data_type: &DataType) -> &'static str {
    use TimeUnit as U;
    match data_type {
        DataType::Date32 => "<M8[D]",
        DataType::Date64 | DataType::Timestamp(U::Millisecond, _) => "<M8[ms]",
        DataType::Timestamp(U::Second, _) => "<M8[s]",
        DataType::Timestamp(U::Microsecond, _) => "<M8[us]",
        DataType::Timestamp(U::Nanosecond, _) => "<M8[ns]",
        DataType::Duration(U::Second) | DataType::Time32(U::Second) => "<m8[s]",
        DataType::Duration(U::Millisecond) | DataType::Time32(_) => "<m8[ms]",
        DataType::Duration(U::Microsecond) | DataType::Time64(U::Microsecond) => "<m8[us]",
        _ => "<m8[ns]",
    }
}

/// Numbers of 32 bits with 64, as `NumPy` has all times.
fn wide(py: Python<'_>, array: &ArrayRef) -> PyResult<ArrayRef> {
    let number = |array: &ArrayRef| cast(&cast(array, &DataType::Int32)?, &DataType::Int64);
    number(array).map_err(|error| data(py, &error.to_string()))
}

fn times(array: &ArrayRef, data_type: &DataType) -> Buffer {
    let memory = array.to_data().buffers().first().cloned().unwrap_or_else(|| ArrowBuffer::from(Vec::<u8>::new()));
    let start = array.offset() * size_of::<i64>();
    Buffer::of::<i64>(memory.slice_with_length(start, array.len() * size_of::<i64>()), time_type(data_type))
}

/// A time as a scalar of `NumPy`.
fn time<'py>(py: Python<'py>, array: &ArrayRef, index: usize) -> PyResult<Bound<'py, PyAny>> {
    let number = match array.data_type() {
        DataType::Date32 | DataType::Time32(_) => wide(py, &array.slice(index, 1))?,
        _ => cast(&array.slice(index, 1), &DataType::Int64).map_err(|error| data(py, &error.to_string()))?,
    };
    let number = number.as_primitive::<arrow::datatypes::Int64Type>().value(0);
    let name = time_type(array.data_type());
    let unit = name.split(['[', ']']).nth(1);
    py.import("numpy")?.call_method1("dtype", (name,))?.getattr("type")?.call1((number, unit))
}

/// The bits of a mask, from the first bit of its memory on.
fn aligned_bits(nulls: &NullBuffer) -> ArrowBuffer {
    nulls.inner().sliced()
}

/// The eight bits of each byte as bytes, the lowest first in memory.
const SPREAD: [u64; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut bit = 0;
        while bit < 8 {
            #[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
            {
                table[byte] |= ((byte as u64 >> bit) & 1) << (8 * bit);
            }
            bit += 1;
        }
        byte += 1;
    }
    table
};

/// Bits as bytes.
fn spread(bits: &BooleanBuffer) -> ArrowBuffer {
    let whole = bits.sliced();
    let eights = whole.as_slice().iter().take(bits.len().div_ceil(8));
    let bytes: Vec<u64> = eights.map(|&byte| SPREAD.get(usize::from(byte)).copied().unwrap_or(0).to_le()).collect();
    ArrowBuffer::from_vec(bytes).slice_with_length(0, bits.len())
}

fn list<'py>(py: Python<'py>, array: &ArrayRef, boxed: bool) -> PyResult<Bound<'py, PyList>> {
    let values = (0..array.len()).map(|i| value(py, array, boxed, i)).collect::<PyResult<Vec<_>>>()?;
    PyList::new(py, values)
}

fn value<'py>(py: Python<'py>, array: &ArrayRef, boxed: bool, index: usize) -> PyResult<Bound<'py, PyAny>> {
    use arrow::datatypes::*;
    fn number<'py, T>(py: Python<'py>, array: &ArrayRef, index: usize) -> PyResult<Bound<'py, PyAny>>
    where
        T: ArrowPrimitiveType,
        T::Native: IntoPyObject<'py>,
    {
        array.as_primitive::<T>().value(index).into_bound_py_any(py)
    }
    if array.is_null(index) {
        return Ok(py.None().into_bound(py));
    }
    match array.data_type() {
        DataType::Null => Ok(py.None().into_bound(py)),
        DataType::Boolean => array.as_boolean().value(index).into_bound_py_any(py),
        DataType::Int8 => number::<Int8Type>(py, array, index),
        DataType::Int16 => number::<Int16Type>(py, array, index),
        DataType::Int32 => number::<Int32Type>(py, array, index),
        DataType::Int64 => number::<Int64Type>(py, array, index),
        DataType::UInt8 => number::<UInt8Type>(py, array, index),
        DataType::UInt16 => number::<UInt16Type>(py, array, index),
        DataType::UInt32 => number::<UInt32Type>(py, array, index),
        DataType::UInt64 => number::<UInt64Type>(py, array, index),
        DataType::Float16 => array.as_primitive::<Float16Type>().value(index).to_f64().into_bound_py_any(py),
        DataType::Float32 => number::<Float32Type>(py, array, index),
        DataType::Float64 => number::<Float64Type>(py, array, index),
        DataType::Utf8 => Ok(PyString::new(py, array.as_string::<i32>().value(index)).into_any()),
        DataType::LargeUtf8 => Ok(PyString::new(py, array.as_string::<i64>().value(index)).into_any()),
        DataType::Binary => Ok(PyBytes::new(py, array.as_binary::<i32>().value(index)).into_any()),
        DataType::LargeBinary => Ok(PyBytes::new(py, array.as_binary::<i64>().value(index)).into_any()),
        DataType::List(item) => items(py, &array.as_list::<i32>().value(index), item),
        DataType::LargeList(item) => items(py, &array.as_list::<i64>().value(index), item),
        DataType::FixedSizeList(item, _) => items(py, &array.as_fixed_size_list().value(index), item),
        DataType::Map(entries, _) => {
            let slice: ArrayRef = Arc::new(array.as_map().value(index));
            items(py, &slice, entries)
        }
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns();
            if let ([column], [field], true) = (columns, &**fields, boxed) {
                return value(py, column, is_boxed(field), index);
            }
            let values = columns.iter().zip(fields).map(|(column, field)| value(py, column, is_boxed(field), index));
            if fields.iter().all(|field| member_number(field.name()).is_some()) {
                return Ok(PyTuple::new(py, values.collect::<PyResult<Vec<_>>>()?)?.into_any());
            }
            let members = PyDict::new(py);
            for (field, value) in fields.iter().zip(values) {
                members.set_item(field.name(), value?)?;
            }
            Ok(members.into_any())
        }
        DataType::Union(fields, _) => {
            let union = array.as_union();
            let id = union.type_id(index);
            let boxed = fields.iter().find(|(other, _)| *other == id).is_some_and(|(_, field)| is_boxed(field));
            value(py, union.child(id), boxed, union.value_offset(index))
        }
        DataType::FixedSizeBinary(_) => Ok(PyBytes::new(py, array.as_fixed_size_binary().value(index)).into_any()),
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => {
            let text = arrow::util::display::array_value_to_string(array, index);
            let text = text.map_err(|error| data(py, &error.to_string()))?;
            py.import("decimal")?.call_method1("Decimal", (text,))
        }
        other if is_time(other) => time(py, array, index),
        other => Err(data(py, &format!("values of type {other} cannot be shown in Python"))),
    }
}

fn items<'py>(py: Python<'py>, array: &ArrayRef, field: &FieldRef) -> PyResult<Bound<'py, PyAny>> {
    Ok(list(py, array, is_boxed(field))?.into_any())
}

fn is_boxed(field: &FieldRef) -> bool {
    field.metadata().contains_key(rntuple_core::arrow::BOXED)
}
