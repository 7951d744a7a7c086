//! Which physical type stands for an Arrow type.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, IntervalUnit, UnionFields};

use crate::arrow::{PREFIX, TYPE};
use crate::error::{Error, Result};

/// Decimal digits that fit 64 bits.
pub(super) const DIGITS_OF_64_BITS: u8 = 18;

/// The fields on storage; `above` is the path that leads there, for messages.
pub(super) fn physical_fields(fields: &Fields, above: &str) -> Result<Fields> {
    let names = physical_names(fields);
    fields.iter().zip(names).map(|(field, name)| physical_field(field, name, above)).collect()
}

/// Names on storage: those that ROOT does not allow are changed, and those that are there already get a number.
pub(super) fn physical_names(fields: &Fields) -> Vec<String> {
    let fine = |c: char| !(c.is_control() || matches!(c, '.' | '/' | '\\' | ' '));
    let is_fine = |name: &str| !name.is_empty() && name.chars().all(fine);
    // A name that may stay is not taken from its field.
    let mut taken: HashSet<String> = fields.iter().map(|f| f.name().clone()).filter(|name| is_fine(name)).collect();
    let mut seen = HashSet::new();
    let mut unique = |name: &str| {
        if is_fine(name) && seen.insert(name.to_owned()) {
            return name.to_owned();
        }
        let base: String = name.chars().map(|c| if fine(c) { c } else { '_' }).collect();
        let base = if base.is_empty() { "_".to_owned() } else { base };
        let numbered = (2_u32..).map(|i| format!("{base}_{i}"));
        let free = std::iter::once(base.clone()).chain(numbered).find(|name| !taken.contains(name));
        let free = free.unwrap_or(base);
        taken.insert(free.clone());
        free
    };
    fields.iter().map(|field| unique(field.name())).collect()
}

fn physical_field(field: &Field, name: String, above: &str) -> Result<FieldRef> {
    let path = if above.is_empty() { field.name().clone() } else { format!("{above}.{}", field.name()) };
    let data_type = physical_type(field.data_type(), &path)?;
    let metadata = field.metadata().iter().filter(|(key, _)| key.starts_with(PREFIX));
    let metadata = metadata.map(|(key, value)| (key.clone(), value.clone())).collect();
    let nullable = field.is_nullable() || matches!(logical_value(field.data_type()), DataType::Null);
    Ok(Arc::new(Field::new(name, data_type, nullable).with_metadata(metadata)))
}

/// The type of the values, whatever way they are packed.
fn logical_value(data_type: &DataType) -> &DataType {
    match data_type {
        DataType::Dictionary(_, values) => logical_value(values),
        DataType::RunEndEncoded(_, values) => logical_value(values.data_type()),
        other => other,
    }
}

fn item(field: &Field, above: &str) -> Result<FieldRef> {
    physical_field(field, field.name().clone(), above)
}

/// The fields of an interval, by their names.
pub(super) fn interval_fields(unit: IntervalUnit) -> Fields {
    let field = |name: &str, data_type| Field::new(name, data_type, false);
    match unit {
        IntervalUnit::YearMonth => Fields::empty(),
        IntervalUnit::DayTime => {
            Fields::from(vec![field("days", DataType::Int32), field("milliseconds", DataType::Int32)])
        }
        IntervalUnit::MonthDayNano => Fields::from(vec![
            field("months", DataType::Int32),
            field("days", DataType::Int32),
            field("nanoseconds", DataType::Int64),
        ]),
    }
}

/// An array of so many bytes.
pub(super) fn bytes(n: i32) -> DataType {
    let byte =
        Field::new("_0", DataType::UInt8, false).with_metadata([(TYPE.to_owned(), "std::byte".to_owned())].into());
    DataType::FixedSizeList(Arc::new(byte), n)
}

pub(super) fn physical_type(data_type: &DataType, path: &str) -> Result<DataType> {
    use DataType as D;
    let refuse = |reason: String| Err(Error::Unwritable { field: path.to_owned(), reason });
    Ok(match data_type {
        D::Null => D::Boolean,
        D::Timestamp(..) | D::Date64 | D::Time64(_) | D::Duration(_) => D::Int64,
        D::Date32 | D::Time32(_) | D::Interval(IntervalUnit::YearMonth) | D::Decimal32(..) => D::Int32,
        D::Interval(unit) => D::Struct(interval_fields(*unit)),
        D::Decimal64(..) => D::Int64,
        D::Decimal128(digits, _) | D::Decimal256(digits, _) if *digits <= DIGITS_OF_64_BITS => D::Int64,
        D::Decimal128(..) => bytes(16),
        D::Decimal256(..) => bytes(32),
        D::FixedSizeBinary(n) => bytes(*n),
        D::Utf8View => D::LargeUtf8,
        D::BinaryView => D::LargeBinary,
        D::Dictionary(_, values) => {
            if !can_be_packed(values) {
                return refuse(format!("dictionaries of {values} cannot be restored; cast it to {values}"));
            }
            physical_type(values, path)?
        }
        D::RunEndEncoded(_, values) => {
            if !can_be_packed(values.data_type()) {
                let values = values.data_type();
                return refuse(format!("run-end encoded {values} cannot be restored; cast it to {values}"));
            }
            physical_type(values.data_type(), path)?
        }
        D::List(field) | D::ListView(field) => D::List(item(field, path)?),
        D::LargeList(field) | D::LargeListView(field) => D::LargeList(item(field, path)?),
        D::FixedSizeList(field, n) => D::FixedSizeList(item(field, path)?, *n),
        D::Struct(fields) => D::Struct(physical_fields(fields, path)?),
        D::Map(entries, sorted) => match entries.data_type() {
            D::Struct(pair) if pair.len() == 2 => {
                let pair: Fields = pair.iter().map(|field| item(field, path)).collect::<Result<_>>()?;
                D::Map(Arc::new(entries.as_ref().clone().with_data_type(D::Struct(pair))), *sorted)
            }
            _ => return refuse("the entries of a map must have a key and a value".to_owned()),
        },
        D::Union(fields, mode) => {
            let none = fields.iter().position(|(_, field)| field.data_type() == &D::Null);
            let children = fields.iter().enumerate().map(|(i, (_, field))| {
                // The first child without values is the empty state of a variant.
                if Some(i) == none { Ok(Arc::clone(field)) } else { item(field, path) }
            });
            let children = children.collect::<Result<Vec<_>>>()?;
            D::Union(UnionFields::try_new(fields.iter().map(|(id, _)| id), children)?, *mode)
        }
        other => other.clone(),
    })
}

/// Whether Arrow can tell which values are equal, to make a dictionary or runs of them.
fn can_be_packed(values: &DataType) -> bool {
    use DataType as D;
    values.is_integer()
        || values.is_floating()
        || values.is_decimal()
        || matches!(
            values,
            D::Date32 | D::Date64 | D::Time32(_) | D::Time64(_) | D::Timestamp(..) | D::FixedSizeBinary(_)
        )
        || matches!(values, D::Utf8 | D::LargeUtf8 | D::Utf8View | D::Binary | D::LargeBinary | D::BinaryView)
        || matches!(values, D::Boolean | D::Duration(_))
}

/// What is left of a field of the record when only a part of it was read; `None` when it does not fit.
pub(super) fn prune(logical: &Field, physical: &Field) -> Option<FieldRef> {
    let data_type = prune_type(logical.data_type(), physical.data_type())?;
    Some(Arc::new(logical.clone().with_data_type(data_type)))
}

fn prune_type(logical: &DataType, physical: &DataType) -> Option<DataType> {
    use DataType as D;
    let item = |field: &Field| match physical {
        D::List(item) | D::LargeList(item) | D::FixedSizeList(item, _) | D::Map(item, _) => prune(field, item),
        _ => None,
    };
    Some(match logical {
        D::Struct(fields) => {
            let D::Struct(read) = physical else { return None };
            let names = physical_names(fields);
            let found = |field: &FieldRef| {
                let position = names.iter().position(|name| name == field.name())?;
                prune(fields.get(position)?, field)
            };
            D::Struct(read.iter().map(found).collect::<Option<_>>()?)
        }
        D::List(field) => D::List(item(field)?),
        D::LargeList(field) => D::LargeList(item(field)?),
        D::ListView(field) => D::ListView(item(field)?),
        D::LargeListView(field) => D::LargeListView(item(field)?),
        D::FixedSizeList(field, n) => D::FixedSizeList(item(field)?, *n),
        D::Map(entries, sorted) => {
            let read = pair(physical)?;
            let D::Struct(pair) = entries.data_type() else { return None };
            let pair = pair.iter().zip(&read).map(|(field, read)| prune(field, read));
            let pair = D::Struct(pair.collect::<Option<_>>()?);
            D::Map(Arc::new(entries.as_ref().clone().with_data_type(pair)), *sorted)
        }
        other => other.clone(),
    })
}

/// Key and value of what a map was read as.
fn pair(physical: &DataType) -> Option<Vec<FieldRef>> {
    match physical {
        DataType::Map(entries, _) | DataType::List(entries) => match entries.data_type() {
            DataType::Struct(pair) if pair.len() == 2 => Some(pair.iter().cloned().collect()),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_root_does_not_allow_are_changed() {
        let names = ["a", "a b", "a_b", "a.b", "", "", "_", "x/y\\z", "a"];
        let fields: Fields = names.iter().map(|name| Field::new(*name, DataType::Int8, false)).collect();
        let physical = physical_names(&fields);
        assert_eq!(physical, ["a", "a_b_2", "a_b", "a_b_3", "__2", "__3", "_", "x_y_z", "a_2"]);
    }

    #[test]
    fn columns_that_cannot_be_kept_are_named() {
        let lists = DataType::List(Arc::new(Field::new("item", DataType::Int8, true)));
        let dictionary = DataType::Dictionary(Box::new(DataType::Int8), Box::new(lists));
        let inner = Field::new("inner", dictionary, true);
        let outer = Field::new("outer", DataType::Struct(vec![inner].into()), true);
        let error = physical_fields(&vec![outer].into(), "").unwrap_err().to_string();
        assert!(error.contains("'outer.inner'") && error.contains("cast"), "{error}");
    }
}
