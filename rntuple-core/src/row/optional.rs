//! Options and boxes: values that may be missing.

use std::sync::Arc;

use arrow::array::builder::NullBufferBuilder;
use arrow::array::{Array, ArrayRef, AsArray, StructArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field};

use super::item::{Builder, Item, ReadItem};
use super::list::unexpected;
use super::metadata::{boxed, collapse};
use super::path::{Path, ReadError, no_reader, no_request};
use crate::arrow::BOXED;
use crate::error::Result;

/// Collects values that may be missing.
///
/// Where the value is a pointer, whose null serves, all goes to the builder of that.
#[derive(Debug)]
pub struct OptionBuilder<B> {
    present: NullBufferBuilder,
    values: B,
}

impl<B: Default> Default for OptionBuilder<B> {
    fn default() -> Self {
        Self { present: NullBufferBuilder::new(0), values: B::default() }
    }
}

impl<B: Builder> OptionBuilder<B> {
    #[inline]
    fn push<T: Item<Builder = B>>(&mut self, value: Option<&T>) {
        if !B::POINTER {
            self.present.append(value.is_some());
        }
        match value {
            Some(value) => value.append_to(&mut self.values),
            None => self.values.push_empty(),
        }
    }
}

impl<B: Builder> Builder for OptionBuilder<B> {
    const NULLABLE: bool = true;

    #[inline]
    fn len(&self) -> usize {
        self.values.len()
    }

    #[inline]
    fn size(&self) -> usize {
        self.present.len().div_ceil(8) + self.values.size()
    }

    #[inline]
    fn push_empty(&mut self) {
        if !B::POINTER {
            self.present.append_null();
        }
        self.values.push_empty();
    }

    fn finish(&mut self, data_type: &DataType, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
        if B::POINTER {
            return self.values.finish(data_type, nulls);
        }
        let nulls = NullBuffer::union(self.present.finish().as_ref(), nulls.as_ref());
        if !B::NULLABLE {
            return self.values.finish(data_type, nulls);
        }
        let DataType::Struct(members) = data_type else {
            return Err(unexpected("Struct", data_type));
        };
        let [value] = members.as_ref() else {
            return Err(unexpected("Struct", data_type));
        };
        let values = self.values.finish(value.data_type(), None)?;
        Ok(Arc::new(StructArray::try_new(members.clone(), vec![values], nulls)?))
    }
}

/// The field of a value that may be missing, as `template` of the value's type.
fn nullable_field<T: Item>(name: &str, template: &str) -> Field {
    let type_name = format!("{template}<{}>", T::type_name());
    let value = T::field("_0");
    if T::Builder::NULLABLE { boxed(name, type_name, value) } else { collapse(name, type_name, &value, true) }
}

/// `std::optional`; of a box, `std::unique_ptr`.
impl<T: Item> Item for Option<T> {
    type Builder = OptionBuilder<T::Builder>;

    fn type_name() -> String {
        if T::Builder::POINTER { T::type_name() } else { format!("std::optional<{}>", T::type_name()) }
    }

    fn field(name: &str) -> Field {
        if T::Builder::POINTER { T::field(name) } else { nullable_field::<T>(name, "std::optional") }
    }

    #[inline]
    fn append_to(&self, builder: &mut Self::Builder) {
        builder.push(self.as_ref());
    }
}

/// Collects boxes.
#[derive(Debug)]
pub struct PointerBuilder<B>(OptionBuilder<B>);

impl<B: Default> Default for PointerBuilder<B> {
    fn default() -> Self {
        Self(OptionBuilder::default())
    }
}

impl<B: Builder> Builder for PointerBuilder<B> {
    const NULLABLE: bool = true;
    const POINTER: bool = true;

    #[inline]
    fn len(&self) -> usize {
        self.0.len()
    }

    #[inline]
    fn size(&self) -> usize {
        self.0.size()
    }

    #[inline]
    fn push_empty(&mut self) {
        self.0.push_empty();
    }

    fn finish(&mut self, data_type: &DataType, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
        self.0.finish(data_type, nulls)
    }
}

/// `std::unique_ptr` that holds a value.
impl<T: Item> Item for Box<T> {
    type Builder = PointerBuilder<T::Builder>;

    fn type_name() -> String {
        format!("std::unique_ptr<{}>", T::type_name())
    }

    fn field(name: &str) -> Field {
        nullable_field::<T>(name, "std::unique_ptr")
    }

    #[inline]
    fn append_to(&self, builder: &mut Self::Builder) {
        builder.0.push(Some(&**self));
    }
}

/// Gives values that may be missing.
#[derive(Debug, Clone)]
pub struct OptionReader<R> {
    nulls: Option<NullBuffer>,
    values: R,
    len: usize,
    path: Arc<str>,
}

impl<R> OptionReader<R> {
    fn request<T, V: ReadItem<Reader = R>>(on_disk: &Field, path: &Path<'_>) -> Result<Field> {
        match (on_disk.data_type(), on_disk.metadata().contains_key(BOXED)) {
            (DataType::Struct(members), true) => {
                let [value] = members.as_ref() else { return Err(no_request::<T>(on_disk, path)) };
                let value = V::request(value, &path.child(value.name()))?;
                Ok(on_disk.clone().with_data_type(DataType::Struct([value].into_iter().collect())))
            }
            // A union's null is its own, not that of an optional.
            (DataType::Union(..), _) => V::request(on_disk, path),
            _ => {
                let value = V::request(&on_disk.clone().with_nullable(false), path)?;
                let nullable = on_disk.is_nullable() || value.is_nullable();
                Ok(value.with_nullable(nullable))
            }
        }
    }

    fn open<T, V: ReadItem<Reader = R>>(field: &Field, array: &ArrayRef, path: &Path<'_>) -> Result<Self> {
        let (len, path_kept) = (array.len(), path.keep());
        if field.metadata().contains_key(BOXED) {
            let boxes = array.as_struct_opt().ok_or_else(|| no_reader::<T>(field, path))?;
            let ([member], [values]) = (boxes.fields().as_ref(), boxes.columns()) else {
                return Err(no_reader::<T>(field, path));
            };
            let values = V::open(member, values, &path.child(member.name()))?;
            return Ok(Self { nulls: boxes.nulls().cloned(), values, len, path: path_kept });
        }
        let nullable = matches!(field.data_type(), DataType::Union(..));
        let values = V::open(&field.clone().with_nullable(nullable), array, path)?;
        Ok(Self { nulls: array.nulls().cloned(), values, len, path: path_kept })
    }

    /// Whether there is a value.
    #[inline]
    fn has(&self, index: usize) -> Result<bool, ReadError> {
        match &self.nulls {
            _ if index >= self.len => Err(ReadError::beyond()),
            Some(nulls) => Ok(nulls.is_valid(index)),
            None => Ok(true),
        }
    }

    /// The error for a null in a box.
    #[cold]
    fn missing(&self) -> ReadError {
        ReadError::new(&self.path, "it is null, which a Box cannot be: use Option<Box<..>>")
    }
}

/// Missing where the field is.
impl<T: ReadItem> ReadItem for Option<T> {
    type Reader = OptionReader<T::Reader>;

    fn request(on_disk: &Field, path: &Path<'_>) -> Result<Field> {
        if T::Builder::POINTER { T::request(on_disk, path) } else { OptionReader::request::<Self, T>(on_disk, path) }
    }

    fn open(field: &Field, array: &ArrayRef, path: &Path<'_>) -> Result<Self::Reader> {
        if !T::Builder::POINTER {
            return OptionReader::open::<Self, T>(field, array, path);
        }
        // The null is the pointer's; it is asked first, as here it is a value.
        let values = T::open(field, array, path)?;
        Ok(OptionReader { nulls: array.nulls().cloned(), values, len: array.len(), path: path.keep() })
    }

    #[inline]
    fn read(reader: &Self::Reader, index: usize) -> Result<Self, ReadError> {
        if reader.has(index)? { T::read(&reader.values, index).map(Some) } else { Ok(None) }
    }

    #[inline]
    fn read_into(reader: &Self::Reader, index: usize, value: &mut Self) -> Result<(), ReadError> {
        match value {
            Some(value) if reader.has(index)? => T::read_into(&reader.values, index, value)?,
            _ => *value = Self::read(reader, index)?,
        }
        Ok(())
    }

    #[inline]
    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: ReadItem> ReadItem for Box<T> {
    type Reader = OptionReader<T::Reader>;

    fn request(on_disk: &Field, path: &Path<'_>) -> Result<Field> {
        OptionReader::request::<Self, T>(on_disk, path)
    }

    fn open(field: &Field, array: &ArrayRef, path: &Path<'_>) -> Result<Self::Reader> {
        OptionReader::open::<Self, T>(field, array, path)
    }

    #[inline]
    fn read(reader: &Self::Reader, index: usize) -> Result<Self, ReadError> {
        if reader.has(index)? { T::read(&reader.values, index).map(Self::new) } else { Err(reader.missing()) }
    }

    #[inline]
    fn read_into(reader: &Self::Reader, index: usize, value: &mut Self) -> Result<(), ReadError> {
        if reader.has(index)? { T::read_into(&reader.values, index, value) } else { Err(reader.missing()) }
    }
}
