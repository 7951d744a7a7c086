//! Arrays from `NumPy` arrays and from Python objects.

use std::sync::Arc;

use arrow::array::{Array as _, BinaryArray, LargeBinaryArray, ListArray};
use arrow::array::{
    ArrayRef, BooleanArray, FixedSizeListArray, GenericBinaryArray, LargeListArray, LargeStringArray, MapArray,
    NullArray, PrimitiveArray, StringArray, StructArray, UInt64Array, UnionArray, new_empty_array,
};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::TakeOptions;
use arrow::datatypes::*;
use arrow::error::ArrowError;
use numpy::{Element, PyArray1, PyArrayMethods};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyString};

use crate::array::Array;
use crate::conform;
use crate::error::data;
use crate::schema::{Field, kind_of};

fn arrow(py: Python<'_>, error: &ArrowError) -> PyErr {
    data(py, &error.to_string())
}

fn named(array: ArrayRef) -> Array {
    let field = arrow::datatypes::Field::new("", array.data_type().clone(), array.null_count() > 0);
    Array::new(array, Arc::new(field))
}

/// A copy of the values of a one-dimensional `NumPy` array, if it has this type.
fn copied<T: Element + Copy>(values: &Bound<'_, PyAny>) -> PyResult<Option<Vec<T>>> {
    let Ok(values) = values.cast::<PyArray1<T>>() else { return Ok(None) };
    Ok(Some(values.try_readonly().map_err(|error| PyValueError::new_err(error.to_string()))?.as_slice()?.to_vec()))
}

fn required<T: Element + Copy>(values: &Bound<'_, PyAny>, what: &str) -> PyResult<Vec<T>> {
    copied(values)?.ok_or_else(|| PyTypeError::new_err(format!("{what} are not of the expected NumPy type")))
}

/// Numbers and booleans from a one-dimensional, contiguous `NumPy` array of native byte order.
#[pyfunction]
pub(crate) fn numbers(values: &Bound<'_, PyAny>) -> PyResult<Array> {
    fn of<T: ArrowPrimitiveType>(values: &Bound<'_, PyAny>) -> PyResult<Option<ArrayRef>>
    where
        T::Native: Element + Copy,
    {
        let values = copied::<T::Native>(values)?;
        Ok(values.map(|values| Arc::new(PrimitiveArray::<T>::from_iter_values(values)) as ArrayRef))
    }
    if let Some(values) = copied::<bool>(values)? {
        return Ok(named(Arc::new(BooleanArray::from(values))));
    }
    let ways = [
        of::<Float32Type>,
        of::<Float64Type>,
        of::<Int32Type>,
        of::<Int64Type>,
        of::<UInt8Type>,
        of::<Int8Type>,
        of::<Int16Type>,
        of::<UInt16Type>,
        of::<UInt32Type>,
        of::<UInt64Type>,
        of::<Float16Type>,
    ];
    for way in ways {
        if let Some(array) = way(values)? {
            return Ok(named(array));
        }
    }
    let dtype = values.getattr("dtype")?;
    Err(PyTypeError::new_err(format!("NumPy arrays of {dtype} cannot be written")))
}

fn offsets(values: &Bound<'_, PyAny>) -> PyResult<OffsetBuffer<i64>> {
    let values = required::<i64>(values, "offsets")?;
    let rising = values.first().is_some_and(|&first| first >= 0) && values.is_sorted();
    if !rising {
        return Err(PyValueError::new_err("offsets must not be negative, and must not fall"));
    }
    Ok(OffsetBuffer::new(ScalarBuffer::from(values)))
}

/// Strings, or binaries, from their bytes and the places (int64) where they begin and end.
#[pyfunction]
pub(crate) fn strings(
    py: Python<'_>,
    places: &Bound<'_, PyAny>,
    bytes: &Bound<'_, PyAny>,
    text: bool,
) -> PyResult<Array> {
    let (places, bytes) = (offsets(places)?, Buffer::from_vec(required::<u8>(bytes, "bytes")?));
    let array: ArrayRef = if text {
        Arc::new(LargeStringArray::try_new(places, bytes, None).map_err(|error| arrow(py, &error))?)
    } else {
        Arc::new(GenericBinaryArray::<i64>::try_new(places, bytes, None).map_err(|error| arrow(py, &error))?)
    };
    Ok(named(array))
}

/// Lists of the items between offsets (int64).
#[pyfunction]
pub(crate) fn lists(py: Python<'_>, places: &Bound<'_, PyAny>, items: PyRef<'_, Array>) -> PyResult<Array> {
    let field = Arc::new(items.field().as_ref().clone().with_name("_0"));
    let array = LargeListArray::try_new(field, offsets(places)?, Arc::clone(items.inner()), None);
    Ok(named(Arc::new(array.map_err(|error| arrow(py, &error))?)))
}

/// Arrays of fixed size.
#[pyfunction]
pub(crate) fn fixed(py: Python<'_>, items: PyRef<'_, Array>, size: i32, length: usize) -> PyResult<Array> {
    let field = Arc::new(items.field().as_ref().clone().with_name("_0"));
    let array = FixedSizeListArray::try_new_with_length(field, size, Arc::clone(items.inner()), None, length);
    Ok(named(Arc::new(array.map_err(|error| arrow(py, &error))?)))
}

/// Records of named members.
#[pyfunction]
pub(crate) fn structs(py: Python<'_>, members: Vec<(String, PyRef<'_, Array>)>, length: usize) -> PyResult<Array> {
    let fields: Fields = members.iter().map(|(name, array)| array.field().as_ref().clone().with_name(name)).collect();
    let arrays = members.iter().map(|(_, array)| Arc::clone(array.inner())).collect();
    let array = StructArray::try_new_with_length(fields, arrays, None, length);
    Ok(named(Arc::new(array.map_err(|error| arrow(py, &error))?)))
}

/// Numbers (int64) as points of time (`point`) since 1970 or spans of time, in a unit: `s`, `ms`, `us`, `ns`.
#[pyfunction]
pub(crate) fn times(py: Python<'_>, numbers: PyRef<'_, Array>, point: bool, unit: &str) -> PyResult<Array> {
    let unit = match unit {
        "s" => TimeUnit::Second,
        "ms" => TimeUnit::Millisecond,
        "us" => TimeUnit::Microsecond,
        _ => TimeUnit::Nanosecond,
    };
    let data_type = if point { DataType::Timestamp(unit, None) } else { DataType::Duration(unit) };
    let array = arrow::compute::cast(numbers.inner(), &data_type).map_err(|error| arrow(py, &error))?;
    let field = numbers.field().as_ref().clone().with_data_type(data_type);
    Ok(Array::new(array, Arc::new(field)))
}

/// The values spread over the places where `valid` (bool) says yes, with nulls at the others. The array is nullable from
/// then on.
#[pyfunction]
pub(crate) fn nullable(py: Python<'_>, values: PyRef<'_, Array>, valid: &Bound<'_, PyAny>) -> PyResult<Array> {
    let array = spread(values.inner(), required::<bool>(valid, "masks")?).map_err(|error| arrow(py, &error))?;
    let field = values.field().as_ref().clone().with_nullable(true);
    Ok(Array::new(array, Arc::new(field)))
}

fn spread(packed: &ArrayRef, valid: Vec<bool>) -> Result<ArrayRef, ArrowError> {
    let mut next = 0_u64;
    let place = |there: bool| {
        next += u64::from(there);
        there.then(|| next - 1)
    };
    let places = UInt64Array::from_iter(valid.into_iter().map(place));
    arrow::compute::take(packed, &places, Some(TakeOptions { check_bounds: true }))
}

/// Values that are each of one of several types: `tags` (int8) says which, `places` (int32) where in its array.
#[pyfunction]
pub(crate) fn unions(
    py: Python<'_>,
    tags: &Bound<'_, PyAny>,
    places: &Bound<'_, PyAny>,
    children: Vec<PyRef<'_, Array>>,
) -> PyResult<Array> {
    let field = |(i, child): (usize, &PyRef<'_, Array>)| child.field().as_ref().clone().with_name(format!("_{i}"));
    let fields: Vec<_> = children.iter().enumerate().map(field).collect();
    let ids = 0..i8::try_from(fields.len()).map_err(|_| data(py, "too many types in a union"))?;
    let fields = UnionFields::try_new(ids, fields).map_err(|error| arrow(py, &error))?;
    let (tags, places) = (required::<i8>(tags, "tags")?, required::<i32>(places, "places")?);
    let arrays = children.iter().map(|child| Arc::clone(child.inner())).collect();
    let array = UnionArray::try_new(fields, tags.into(), Some(places.into()), arrays);
    Ok(named(Arc::new(array.map_err(|error| arrow(py, &error))?)))
}

/// The array in the type of a field, where that loses nothing.
#[pyfunction]
pub(crate) fn cast(py: Python<'_>, array: PyRef<'_, Array>, field: PyRef<'_, Field>) -> PyResult<Array> {
    let cast = conform::array(array.inner(), field.inner()).map_err(|message| data(py, &message))?;
    Ok(Array::new(cast, Arc::clone(field.inner())))
}

/// Python objects as an array of the type of a field. Records are mappings, objects with attributes, or sequences.
#[pyfunction]
pub(crate) fn objects(py: Python<'_>, values: Vec<Bound<'_, PyAny>>, field: PyRef<'_, Field>) -> PyResult<Array> {
    let array = convert(py, &values, field.inner())?;
    Ok(Array::new(array, Arc::clone(field.inner())))
}

fn convert(py: Python<'_>, values: &[Bound<'_, PyAny>], field: &FieldRef) -> PyResult<ArrayRef> {
    let valid: Vec<bool> = values.iter().map(|value| !value.is_none()).collect();
    let is_union = matches!(field.data_type(), DataType::Union(..) | DataType::Null);
    if !is_union && valid.contains(&false) {
        if !field.is_nullable() {
            return Err(data(py, &format!("field '{}': None in a field that always has a value", field.name())));
        }
        return with_nulls(py, values, valid, field);
    }
    present(py, values, field)
}

/// Converts the values that are there, and puts nulls between them.
fn with_nulls(py: Python<'_>, values: &[Bound<'_, PyAny>], valid: Vec<bool>, field: &FieldRef) -> PyResult<ArrayRef> {
    let there: Vec<Bound<'_, PyAny>> = values.iter().filter(|value| !value.is_none()).cloned().collect();
    let packed = present(py, &there, field)?;
    spread(&packed, valid).map_err(|error| arrow(py, &error))
}

fn numbers_of<T: ArrowPrimitiveType>(values: &[Bound<'_, PyAny>], field: &FieldRef) -> PyResult<ArrayRef>
where
    T::Native: for<'a, 'py> FromPyObject<'a, 'py>,
{
    let one = |value: &Bound<'_, PyAny>| value.extract::<T::Native>().map_err(|_| unfit(value, field));
    Ok(Arc::new(PrimitiveArray::<T>::from_iter_values(values.iter().map(one).collect::<PyResult<Vec<_>>>()?)))
}

fn unfit(value: &Bound<'_, PyAny>, field: &FieldRef) -> PyErr {
    let shown = value.repr().map_or_else(|_| "a value".to_owned(), |repr| repr.to_string());
    let message = format!("field '{}': {shown} is no {}", field.name(), kind_of(field.data_type()));
    data(value.py(), &message)
}

/// The items of each value one after the other, and where those of each value end.
fn flatten<'py>(
    values: &[Bound<'py, PyAny>],
    field: &FieldRef,
    entries: bool,
) -> PyResult<(Vec<Bound<'py, PyAny>>, OffsetBuffer<i32>)> {
    let mut items = Vec::new();
    let mut lengths = Vec::with_capacity(values.len());
    for value in values {
        let before = items.len();
        if value.is_instance_of::<PyString>() {
            return Err(unfit(value, field));
        }
        let value = if entries && value.hasattr("items")? { value.call_method0("items")? } else { value.clone() };
        for item in value.try_iter().map_err(|_| unfit(&value, field))? {
            items.push(item?);
        }
        lengths.push(items.len() - before);
    }
    if i32::try_from(items.len()).is_err() {
        return Err(PyValueError::new_err("too many items in one go: write fewer rows at once"));
    }
    Ok((items, OffsetBuffer::from_lengths(lengths)))
}

fn member<'py>(value: &Bound<'py, PyAny>, field: &FieldRef, number: usize) -> PyResult<Bound<'py, PyAny>> {
    let name = field.name();
    if let Ok(mapping) = value.cast::<PyDict>() {
        return match mapping.get_item(name)? {
            Some(value) => Ok(value),
            None if field.is_nullable() => Ok(value.py().None().into_bound(value.py())),
            None => Err(data(value.py(), &format!("a record has no '{name}'"))),
        };
    }
    value
        .getattr(name.as_str())
        .or_else(|_| value.get_item(number))
        .or_else(|_| value.get_item(name))
        .map_err(|_| data(value.py(), &format!("an object has no '{name}'")))
}

fn present(py: Python<'_>, values: &[Bound<'_, PyAny>], field: &FieldRef) -> PyResult<ArrayRef> {
    let failed = |error: ArrowError| arrow(py, &error);
    Ok(match field.data_type() {
        DataType::Null => Arc::new(NullArray::new(values.len())),
        DataType::Boolean => {
            let one = |value: &Bound<'_, PyAny>| value.extract::<bool>().map_err(|_| unfit(value, field));
            Arc::new(BooleanArray::from(values.iter().map(one).collect::<PyResult<Vec<_>>>()?))
        }
        DataType::Int8 => numbers_of::<Int8Type>(values, field)?,
        DataType::Int16 => numbers_of::<Int16Type>(values, field)?,
        DataType::Int32 => numbers_of::<Int32Type>(values, field)?,
        DataType::Int64 => numbers_of::<Int64Type>(values, field)?,
        DataType::UInt8 => numbers_of::<UInt8Type>(values, field)?,
        DataType::UInt16 => numbers_of::<UInt16Type>(values, field)?,
        DataType::UInt32 => numbers_of::<UInt32Type>(values, field)?,
        DataType::UInt64 => numbers_of::<UInt64Type>(values, field)?,
        DataType::Float32 => numbers_of::<Float32Type>(values, field)?,
        DataType::Float64 => numbers_of::<Float64Type>(values, field)?,
        DataType::Utf8 => {
            let one = |value: &Bound<'_, PyAny>| value.extract::<String>().map_err(|_| unfit(value, field));
            Arc::new(StringArray::from(values.iter().map(one).collect::<PyResult<Vec<_>>>()?))
        }
        DataType::Binary => {
            let one = |value: &Bound<'_, PyAny>| value.extract::<Vec<u8>>().map_err(|_| unfit(value, field));
            Arc::new(BinaryArray::from_iter_values(values.iter().map(one).collect::<PyResult<Vec<_>>>()?))
        }
        DataType::LargeBinary => {
            let one = |value: &Bound<'_, PyAny>| value.extract::<Vec<u8>>().map_err(|_| unfit(value, field));
            Arc::new(LargeBinaryArray::from_iter_values(values.iter().map(one).collect::<PyResult<Vec<_>>>()?))
        }
        DataType::List(item) => {
            let (items, ends) = flatten(values, field, false)?;
            Arc::new(ListArray::try_new(Arc::clone(item), ends, convert(py, &items, item)?, None).map_err(failed)?)
        }
        DataType::Map(entry, sorted) => {
            let (items, ends) = flatten(values, field, true)?;
            let entries = convert(py, &items, entry)?;
            let entries = arrow::array::AsArray::as_struct(&entries).clone();
            Arc::new(MapArray::try_new(Arc::clone(entry), ends, entries, None, *sorted).map_err(failed)?)
        }
        DataType::FixedSizeList(item, size) => {
            let (items, ends) = flatten(values, field, false)?;
            let expected = usize::try_from(*size).unwrap_or(0);
            if let Some(i) = ends.lengths().position(|length| length != expected) {
                let message = format!("field '{}': value {i} does not have {size} elements", field.name());
                return Err(data(py, &message));
            }
            let items = convert(py, &items, item)?;
            let array = FixedSizeListArray::try_new_with_length(Arc::clone(item), *size, items, None, values.len());
            Arc::new(array.map_err(failed)?)
        }
        DataType::Struct(fields) => {
            let mut columns = Vec::with_capacity(fields.len());
            for (number, field) in fields.iter().enumerate() {
                let members = values.iter().map(|value| member(value, field, number)).collect::<PyResult<Vec<_>>>()?;
                columns.push(convert(py, &members, field)?);
            }
            Arc::new(StructArray::try_new_with_length(fields.clone(), columns, None, values.len()).map_err(failed)?)
        }
        DataType::Union(fields, _) => union(py, values, fields, field)?,
        other => {
            let array = new_empty_array(other);
            if values.is_empty() {
                return Ok(array);
            }
            let message = format!("field '{}': Python objects cannot be written as {other}", field.name());
            return Err(data(py, &message));
        }
    })
}

/// Each value goes to the first alternative that takes it.
fn union(py: Python<'_>, values: &[Bound<'_, PyAny>], fields: &UnionFields, field: &FieldRef) -> PyResult<ArrayRef> {
    let mut tags: Vec<i8> = Vec::with_capacity(values.len());
    let mut places: Vec<i32> = Vec::with_capacity(values.len());
    let mut parts: Vec<Vec<Bound<'_, PyAny>>> = vec![Vec::new(); fields.len()];
    for value in values {
        let takes = |child: &FieldRef| match child.data_type() {
            DataType::Null => value.is_none(),
            DataType::Boolean => value.is_instance_of::<PyBool>(),
            kind if kind.is_integer() && value.is_instance_of::<PyBool>() => false,
            _ => !value.is_none() && convert(py, std::slice::from_ref(value), child).is_ok(),
        };
        let choice = fields.iter().zip(&mut parts).find(|((_, child), _)| takes(child));
        let Some(((id, _), part)) = choice else { return Err(unfit(value, field)) };
        tags.push(id);
        places.push(i32::try_from(part.len()).map_err(|_| PyValueError::new_err("too many values in one go"))?);
        part.push(value.clone());
    }
    let arrays = fields.iter().zip(&parts).map(|((_, child), part)| convert(py, part, child));
    let arrays = arrays.collect::<PyResult<Vec<_>>>()?;
    let array = UnionArray::try_new(fields.clone(), tags.into(), Some(places.into()), arrays);
    Ok(Arc::new(array.map_err(|error| arrow(py, &error))?))
}
