//! Arrow schemas, from and to Python.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{
    DataType, Field as ArrowField, FieldRef, Fields, Schema as ArrowSchema, SchemaRef, UnionFields, UnionMode,
};
use pyo3::prelude::*;
use pyo3_arrow::PySchema;

use crate::conform;
use crate::error::argument;

/// An Arrow schema.
#[pyclass(frozen, module = "rntuple._lib")]
#[derive(Debug, Clone)]
pub(crate) struct Schema {
    schema: SchemaRef,
}

impl Schema {
    pub(crate) fn new(schema: SchemaRef) -> Self {
        Self { schema }
    }

    pub(crate) fn inner(&self) -> &SchemaRef {
        &self.schema
    }
}

#[pymethods]
impl Schema {
    #[new]
    fn from_fields(fields: Vec<PyRef<'_, Field>>) -> Self {
        let fields: Fields = fields.iter().map(|field| Arc::clone(&field.field)).collect();
        Self::new(Arc::new(ArrowSchema::new(fields)))
    }

    /// The schema of anything that offers one by the Arrow C interfaces; types that cannot be written as they are, such
    /// as dictionaries and views, are replaced by those that hold the same values.
    #[staticmethod]
    fn import_from(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        let schema = object.extract::<PySchema>()?.into_inner();
        Ok(Self::new(Arc::new(conform::plain_schema(&schema))))
    }

    #[getter]
    fn fields(&self) -> Vec<Field> {
        self.schema.fields().iter().map(|field| Field { field: Arc::clone(field) }).collect()
    }

    #[getter]
    fn names(&self) -> Vec<String> {
        self.schema.fields().iter().map(|field| field.name().clone()).collect()
    }

    pub(crate) fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Bound::new(py, PySchema::new(SchemaRef::clone(&self.schema)))?.call_method0("__arrow_c_schema__")
    }

    fn __len__(&self) -> usize {
        self.schema.fields().len()
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| other.get().schema == self.schema)
    }

    fn __repr__(&self) -> String {
        let line = |field: &FieldRef| format!("  {}: {}\n", field.name(), describe(field));
        format!("rntuple.Schema(\n{})", self.schema.fields().iter().map(line).collect::<String>())
    }
}

fn describe(field: &ArrowField) -> String {
    format!("{}{}", if field.is_nullable() { "" } else { "non-null " }, field.data_type())
}

/// An Arrow field: a name and a type.
#[pyclass(frozen, module = "rntuple._lib")]
#[derive(Debug, Clone)]
pub(crate) struct Field {
    field: FieldRef,
}

impl Field {
    pub(crate) fn inner(&self) -> &FieldRef {
        &self.field
    }
}

#[pymethods]
impl Field {
    /// A field of a type by its name: `bool`, `int8` to `uint64`, `float16`, `float32`, `float64`, `string`, `binary`,
    /// `null`; or of `list`, `array` (of `size`), `map`, `struct`, `union` with children.
    #[new]
    #[pyo3(signature = (name, kind, children=Vec::new(), *, nullable=false, size=0, metadata=HashMap::new()))]
    fn build(
        py: Python<'_>,
        name: &str,
        kind: &str,
        children: Vec<PyRef<'_, Self>>,
        nullable: bool,
        size: i32,
        metadata: HashMap<String, String>,
    ) -> PyResult<Self> {
        let children: Vec<FieldRef> = children.iter().map(|child| Arc::clone(&child.field)).collect();
        let data_type = compose(kind, children, size).map_err(|message| argument(py, &message))?;
        Ok(Self { field: Arc::new(ArrowField::new(name, data_type, nullable).with_metadata(metadata)) })
    }

    #[getter]
    fn name(&self) -> &str {
        self.field.name()
    }

    #[getter]
    fn nullable(&self) -> bool {
        self.field.is_nullable()
    }

    /// The type by its name, as the constructor takes it.
    #[getter]
    pub(crate) fn kind(&self) -> String {
        kind_of(self.field.data_type())
    }

    /// Elements of an array of fixed size.
    #[getter]
    fn size(&self) -> i32 {
        match self.field.data_type() {
            DataType::FixedSizeList(_, size) => *size,
            _ => 0,
        }
    }

    #[getter]
    fn children(&self) -> Vec<Self> {
        let children: Vec<FieldRef> = match self.field.data_type() {
            DataType::List(item)
            | DataType::LargeList(item)
            | DataType::FixedSizeList(item, _)
            | DataType::Map(item, _) => vec![Arc::clone(item)],
            DataType::Struct(members) => members.iter().cloned().collect(),
            DataType::Union(members, _) => members.iter().map(|(_, member)| Arc::clone(member)).collect(),
            _ => Vec::new(),
        };
        children.into_iter().map(|field| Self { field }).collect()
    }

    #[getter]
    fn metadata(&self) -> HashMap<String, String> {
        self.field.metadata().clone()
    }

    fn with_name(&self, name: &str) -> Self {
        Self { field: Arc::new(self.field.as_ref().clone().with_name(name)) }
    }

    fn with_nullable(&self, nullable: bool) -> Self {
        Self { field: Arc::new(self.field.as_ref().clone().with_nullable(nullable)) }
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| other.get().field == self.field)
    }

    fn __repr__(&self) -> String {
        format!("rntuple.Field({}: {})", self.field.name(), describe(&self.field))
    }
}

const SIMPLE: [(&str, DataType); 15] = [
    ("bool", DataType::Boolean),
    ("int8", DataType::Int8),
    ("int16", DataType::Int16),
    ("int32", DataType::Int32),
    ("int64", DataType::Int64),
    ("uint8", DataType::UInt8),
    ("uint16", DataType::UInt16),
    ("uint32", DataType::UInt32),
    ("uint64", DataType::UInt64),
    ("float16", DataType::Float16),
    ("float32", DataType::Float32),
    ("float64", DataType::Float64),
    ("string", DataType::Utf8),
    ("binary", DataType::Binary),
    ("null", DataType::Null),
];

pub(crate) fn kind_of(data_type: &DataType) -> String {
    if let Some((name, _)) = SIMPLE.iter().find(|(_, simple)| simple == data_type) {
        return (*name).to_owned();
    }
    let name = match data_type {
        DataType::LargeUtf8 => "string",
        DataType::LargeBinary => "binary",
        DataType::List(_) | DataType::LargeList(_) => "list",
        DataType::FixedSizeList(..) => "array",
        DataType::Map(..) => "map",
        DataType::Struct(_) => "struct",
        DataType::Union(..) => "union",
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => "datetime",
        DataType::Duration(_) | DataType::Time32(_) | DataType::Time64(_) => "timedelta",
        other => return other.to_string(),
    };
    name.to_owned()
}

fn compose(kind: &str, mut children: Vec<FieldRef>, size: i32) -> Result<DataType, String> {
    if let Some((_, simple)) = SIMPLE.iter().find(|(name, _)| *name == kind) {
        return Ok(simple.clone());
    }
    let count = children.len();
    let mut one = || match (children.pop(), count) {
        (Some(child), 1) => Ok(child),
        _ => Err(format!("the type '{kind}' has one child, not {count}")),
    };
    Ok(match kind {
        "list" => DataType::List(one()?),
        "array" => DataType::FixedSizeList(one()?, size),
        "map" => DataType::Map(one()?, false),
        "struct" => DataType::Struct(children.into()),
        "union" => {
            let ids = 0..i8::try_from(count).map_err(|_| format!("a union of {count} types"))?;
            let fields = UnionFields::try_new(ids, children).map_err(|error| error.to_string())?;
            DataType::Union(fields, UnionMode::Dense)
        }
        other => return Err(format!("'{other}' is no type")),
    })
}
