//! Fewer columns, and columns of other types.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int32Array, RecordBatch, RecordBatchOptions, StructArray, UnionArray,
};
use arrow::buffer::NullBuffer;
use arrow::compute::{CastOptions, can_cast_types, cast_with_options, take};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, UnionFields};
use glob::Pattern;
use rntuple_io::Metrics;

use super::Source;
use crate::cli::Convert;
use crate::error::{Error, Result};

/// A source of which some columns are left out or changed.
struct Shaped {
    inner: Box<dyn Source>,
    file: String,
    schema: SchemaRef,
    /// For each column, its place in the batches of the inner source, and what is done to it.
    columns: Vec<(usize, Change)>,
}

#[derive(Debug, Clone, PartialEq)]
enum Change {
    None,
    Cast(DataType),
    UnionToStruct,
}

/// Gives a source the columns that the options ask for. With `fields`, those of --fields, too: sources that read them by
/// themselves have done so.
pub(super) fn shape(
    mut inner: Box<dyn Source>,
    file: &std::path::Path,
    args: &Convert,
    fields: bool,
) -> Result<Box<dyn Source>> {
    let no_fields = Vec::new();
    let wanted = if fields { &args.fields } else { &no_fields };
    if wanted.is_empty() && args.drop.is_empty() && args.cast.is_empty() && !args.unions_as_structs {
        return Ok(inner);
    }
    let file = file.to_string_lossy().into_owned();
    let wrong = |reason: String| Error::Table { file: file.clone(), reason };
    let schema = inner.schema();
    let wanted = matching(&schema, wanted, "--fields").map_err(wrong)?;
    let dropped = matching(&schema, &args.drop, "--drop").map_err(wrong)?;
    let keep: Vec<usize> = (0..schema.fields().len())
        .filter(|i| wanted.as_ref().is_none_or(|wanted| wanted.contains(i)))
        .filter(|i| dropped.as_ref().is_none_or(|dropped| !dropped.contains(i)))
        .collect();
    for (name, _) in &args.cast {
        schema.field_with_name(name).map_err(|_| wrong(format!("--cast: there is no column '{name}'")))?;
    }
    let done = inner.keep(&keep)?;
    let (mut columns, mut out) = (Vec::new(), Vec::new());
    for (position, &i) in keep.iter().enumerate() {
        let field = Arc::clone(schema.fields().get(i).ok_or_else(|| wrong("has a column less".to_owned()))?);
        let (change, field) = changed(field, args).map_err(wrong)?;
        columns.push((if done { position } else { i }, change));
        out.push(field);
    }
    let schema = Arc::new(Schema::new_with_metadata(out, schema.metadata().clone()));
    Ok(Box::new(Shaped { inner, file, schema, columns }))
}

/// The places of the columns that match; `None` when nothing is asked for.
fn matching(schema: &Schema, patterns: &[String], option: &str) -> Result<Option<Vec<usize>>, String> {
    if patterns.is_empty() {
        return Ok(None);
    }
    let mut out = Vec::new();
    for text in patterns {
        let pattern = Pattern::new(text).map_err(|e| format!("{option}: '{text}' is no pattern: {e}"))?;
        let names = |field: &Field| field.name() == text || pattern.matches(field.name());
        let before = out.len();
        out.extend(schema.fields().iter().enumerate().filter(|(_, field)| names(field)).map(|(i, _)| i));
        if out.len() == before {
            return Err(format!("{option}: no column matches '{text}'"));
        }
    }
    Ok(Some(out))
}

fn changed(field: FieldRef, args: &Convert) -> Result<(Change, FieldRef), String> {
    let cast = args.cast.iter().rev().find(|(name, _)| name == field.name());
    if let Some((name, to)) = cast {
        if !can_cast_types(field.data_type(), to) {
            return Err(format!("--cast: column '{name}' of type {} cannot become {to}", field.data_type()));
        }
        let field = Field::new(name, to.clone(), field.is_nullable());
        return Ok((Change::Cast(to.clone()), Arc::new(field)));
    }
    match field.data_type() {
        DataType::Union(..) if args.unions_as_structs => {
            let data_type = without_unions(field.data_type());
            Ok((Change::UnionToStruct, Arc::new(Field::new(field.name(), data_type, true))))
        }
        _ => Ok((Change::None, field)),
    }
}

/// A union as a struct of its alternatives, of which one is not null.
fn without_unions(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Union(fields, _) => {
            let children = valued(fields).map(|(_, field)| {
                Field::new(field.name(), without_unions(field.data_type()), true)
                    .with_metadata(field.metadata().clone())
            });
            DataType::Struct(children.collect())
        }
        other => other.clone(),
    }
}

fn valued(fields: &UnionFields) -> impl Iterator<Item = (i8, &FieldRef)> {
    fields.iter().filter(|(_, field)| field.data_type() != &DataType::Null)
}

fn union_to_struct(union: &UnionArray) -> Result<ArrayRef, arrow::error::ArrowError> {
    let DataType::Union(fields, _) = union.data_type() else {
        return Err(arrow::error::ArrowError::SchemaError("not a union".to_owned()));
    };
    let (mut members, mut columns): (Vec<Field>, Vec<ArrayRef>) = Default::default();
    let mut any = vec![false; union.len()];
    for (id, field) in valued(fields) {
        let places: Int32Array = (0_i32..)
            .zip(union.type_ids())
            .zip(&mut any)
            .map(|((i, other), any)| {
                let here = *other == id;
                *any |= here;
                let offset = || {
                    let i = usize::try_from(i).ok()?;
                    union.offsets().map_or(i32::try_from(i).ok(), |offsets| offsets.get(i).copied())
                };
                if here { offset() } else { None }
            })
            .collect();
        let mut column = take(union.child(id), &places, None)?;
        if let Some(inner) = column.as_union_opt() {
            column = union_to_struct(inner)?;
        }
        members
            .push(Field::new(field.name(), column.data_type().clone(), true).with_metadata(field.metadata().clone()));
        columns.push(column);
    }
    let nulls = NullBuffer::new(BooleanArray::from(any).values().clone());
    let struct_array = StructArray::try_new_with_length(Fields::from(members), columns, Some(nulls), union.len())?;
    Ok(Arc::new(struct_array))
}

impl Source for Shaped {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn rows(&self) -> Option<u64> {
        self.inner.rows()
    }

    fn skip(&mut self, rows: u64) -> Result<u64> {
        self.inner.skip(rows)
    }

    fn next(&mut self) -> Result<Option<RecordBatch>> {
        let Some(batch) = self.inner.next()? else { return Ok(None) };
        let wrong = |name: &str, reason: String| Error::Table {
            file: self.file.clone(),
            reason: format!("column '{name}': {reason}"),
        };
        // Null in place of what does not fit would be a loss without a word.
        let strict = CastOptions { safe: false, ..CastOptions::default() };
        let mut out = Vec::with_capacity(self.columns.len());
        for ((i, change), field) in self.columns.iter().zip(self.schema.fields()) {
            let name = field.name();
            let column = batch.columns().get(*i).ok_or_else(|| wrong(name, "is missing in a batch".to_owned()))?;
            out.push(match change {
                Change::None => Arc::clone(column),
                Change::Cast(to) => cast_with_options(column, to, &strict).map_err(|e| wrong(name, e.to_string()))?,
                Change::UnionToStruct => union_to_struct(column.as_union()).map_err(|e| wrong(name, e.to_string()))?,
            });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), out, &options);
        batch.map(Some).map_err(|e| Error::Table { file: self.file.clone(), reason: e.to_string() })
    }

    fn warnings(&self) -> Vec<String> {
        self.inner.warnings()
    }

    fn metrics(&self) -> Option<Metrics> {
        self.inner.metrics()
    }
}
