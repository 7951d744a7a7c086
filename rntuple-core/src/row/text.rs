//! Strings.

use std::mem;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, LargeStringArray, StringArray};
use arrow::buffer::{Buffer, NullBuffer};
use arrow::datatypes::{DataType, Field};

use super::item::{Builder, Item, ReadItem};
use super::metadata::typed;
use super::offsets::Offsets;
use super::path::{Path, ReadError, no_reader, no_request, without_nulls};
use crate::arrow::STREAMER;
use crate::error::Result;

/// Collects strings.
#[derive(Debug, Default)]
pub struct TextBuilder {
    offsets: Offsets,
    bytes: Vec<u8>,
}

impl TextBuilder {
    #[inline]
    fn push(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
        self.offsets.push(self.bytes.len());
    }
}

impl Builder for TextBuilder {
    #[inline]
    fn len(&self) -> usize {
        self.offsets.len()
    }

    #[inline]
    fn size(&self) -> usize {
        self.offsets.size() + self.bytes.len()
    }

    #[inline]
    fn push_empty(&mut self) {
        self.offsets.push(self.bytes.len());
    }

    fn finish(&mut self, _data_type: &DataType, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
        let room = self.bytes.len();
        let bytes = Buffer::from_vec(mem::replace(&mut self.bytes, Vec::with_capacity(room)));
        let offsets = self.offsets.finish("bytes of text in a batch", bytes.len())?;
        Ok(Arc::new(StringArray::try_new(offsets, bytes, nulls)?))
    }
}

impl Item for str {
    type Builder = TextBuilder;

    fn type_name() -> String {
        "std::string".to_owned()
    }

    fn field(name: &str) -> Field {
        typed(name, DataType::Utf8, false, Self::type_name())
    }

    #[inline]
    fn append_to(&self, builder: &mut TextBuilder) {
        builder.push(self);
    }
}

impl Item for String {
    type Builder = TextBuilder;

    fn type_name() -> String {
        str::type_name()
    }

    fn field(name: &str) -> Field {
        str::field(name)
    }

    #[inline]
    fn append_to(&self, builder: &mut TextBuilder) {
        builder.push(self);
    }
}

impl Item for Box<str> {
    type Builder = TextBuilder;

    fn type_name() -> String {
        str::type_name()
    }

    fn field(name: &str) -> Field {
        str::field(name)
    }

    #[inline]
    fn append_to(&self, builder: &mut TextBuilder) {
        builder.push(self);
    }
}

/// Gives strings.
#[derive(Debug, Clone)]
pub struct TextReader(Texts);

#[derive(Debug, Clone)]
enum Texts {
    Small(StringArray),
    Large(LargeStringArray),
}

impl TextReader {
    pub(super) fn request<T>(on_disk: &Field, path: &Path<'_>) -> Result<Field> {
        let data_type = match on_disk.data_type() {
            text @ (DataType::Utf8 | DataType::LargeUtf8) => text.clone(),
            DataType::Binary => DataType::Utf8,
            DataType::LargeBinary => DataType::LargeUtf8,
            _ => return Err(no_request::<T>(on_disk, path)),
        };
        if on_disk.is_nullable() || on_disk.metadata().contains_key(STREAMER) {
            return Err(no_request::<T>(on_disk, path));
        }
        Ok(on_disk.clone().with_data_type(data_type))
    }

    pub(super) fn open<T>(field: &Field, array: &ArrayRef, path: &Path<'_>) -> Result<Self> {
        let small = array.as_string_opt::<i32>().map(|array| Texts::Small(array.clone()));
        let large = || Some(Texts::Large(array.as_string_opt::<i64>()?.clone()));
        let texts = small.or_else(large).ok_or_else(|| no_reader::<T>(field, path))?;
        without_nulls::<T>(field, array, path)?;
        Ok(Self(texts))
    }

    #[inline]
    pub(super) fn get(&self, index: usize) -> Result<&str, ReadError> {
        match &self.0 {
            Texts::Small(array) if index < array.len() => Ok(array.value(index)),
            Texts::Large(array) if index < array.len() => Ok(array.value(index)),
            _ => Err(ReadError::beyond()),
        }
    }
}

macro_rules! read_text {
    ($($rust:ty $(, $value:ident, $text:ident, $into:expr)?;)*) => {$(
        impl ReadItem for $rust {
            type Reader = TextReader;

            fn request(on_disk: &Field, path: &Path<'_>) -> Result<Field> {
                TextReader::request::<Self>(on_disk, path)
            }

            fn open(field: &Field, array: &ArrayRef, path: &Path<'_>) -> Result<TextReader> {
                TextReader::open::<Self>(field, array, path)
            }

            #[inline]
            fn read(reader: &TextReader, index: usize) -> Result<Self, ReadError> {
                Ok(reader.get(index)?.into())
            }

            $(
                #[inline]
                fn read_into(reader: &TextReader, index: usize, $value: &mut Self) -> Result<(), ReadError> {
                    let $text = reader.get(index)?;
                    $into;
                    Ok(())
                }
            )?
        }
    )*};
}

read_text! {
    String, value, text, {
        value.clear();
        value.push_str(text);
    };
    Box<str>;
    std::rc::Rc<str>;
    Arc<str>;
}
