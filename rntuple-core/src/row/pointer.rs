//! References and owners that are the value as far as a field is concerned.

use std::borrow::Cow;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::Field;

use super::item::{Item, ReadItem};
use super::path::{Path, ReadError};
use crate::error::Result;

macro_rules! pointers {
    ($([$($generics:tt)*] $rust:ty;)*) => {$(
        impl<$($generics)*> Item for $rust {
            type Builder = T::Builder;

            fn type_name() -> String {
                T::type_name()
            }

            fn field(name: &str) -> Field {
                T::field(name)
            }

            #[inline]
            fn append_to(&self, builder: &mut Self::Builder) {
                T::append_to(self, builder);
            }
        }
    )*};
}

pointers! {
    [T: Item + ?Sized] &T;
    [T: Item + ToOwned + ?Sized] Cow<'_, T>;
    [T: Item + ?Sized] Rc<T>;
    [T: Item + ?Sized] Arc<T>;
}

macro_rules! read_pointers {
    ($([$($generics:tt)*] $rust:ty, $value:ty, $wrap:expr, $own:expr;)*) => {$(
        impl<$($generics)*> ReadItem for $rust {
            type Reader = <$value as ReadItem>::Reader;

            fn request(on_disk: &Field, path: &Path<'_>) -> Result<Field> {
                <$value>::request(on_disk, path)
            }

            fn open(field: &Field, array: &ArrayRef, path: &Path<'_>) -> Result<Self::Reader> {
                <$value>::open(field, array, path)
            }

            #[inline]
            fn read(reader: &Self::Reader, index: usize) -> Result<Self, ReadError> {
                <$value>::read(reader, index).map($wrap)
            }

            #[inline]
            fn read_into(reader: &Self::Reader, index: usize, value: &mut Self) -> Result<(), ReadError> {
                let own: fn(&mut Self) -> Option<&mut $value> = $own;
                match own(value) {
                    Some(value) => <$value>::read_into(reader, index, value)?,
                    None => *value = Self::read(reader, index)?,
                }
                Ok(())
            }

            #[inline]
            fn read_range(reader: &Self::Reader, range: Range<usize>) -> Result<Vec<Self>, ReadError> {
                Ok(<$value>::read_range(reader, range)?.into_iter().map($wrap).collect())
            }

            fn absent() -> Option<Self> {
                <$value>::absent().map($wrap)
            }
        }
    )*};
}

read_pointers! {
    [T: Item + ToOwned<Owned: ReadItem> + ?Sized] Cow<'_, T>, T::Owned, Cow::Owned, |cow| match cow {
        Cow::Owned(value) => Some(value),
        Cow::Borrowed(_) => None,
    };
    [T: ReadItem] Rc<T>, T, Rc::new, Rc::get_mut;
    [T: ReadItem] Arc<T>, T, Arc::new, Arc::get_mut;
}
