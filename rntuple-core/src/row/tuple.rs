//! Tuples: `std::pair` of two, `std::tuple` of other numbers.

use arrow::array::{ArrayRef, StructArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field};

use std::sync::Arc;

use super::item::{Builder, Item, ReadItem};
use super::list::unexpected;
use super::metadata::{compose, typed};
use super::path::{Path, ReadError, no_request};
use super::record::{Members, finish_member, open_member, read_member, read_member_into, request_member};
use crate::error::Result;

macro_rules! tuples {
    ($($template:literal: $($item:ident $builder:ident $reader:ident $name:literal),+;)*) => {$(
        impl<$($item: Builder),+> Builder for ($($item,)+) {
            #[inline]
            fn len(&self) -> usize {
                self.0.len()
            }

            #[inline]
            fn size(&self) -> usize {
                let ($($builder,)+) = self;
                0 $(+ $builder.size())+
            }

            #[inline]
            fn push_empty(&mut self) {
                let ($($builder,)+) = self;
                $($builder.push_empty();)+
            }

            fn finish(&mut self, data_type: &DataType, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
                let DataType::Struct(members) = data_type else {
                    return Err(unexpected("Struct", data_type));
                };
                let ($($builder,)+) = self;
                let (mut fields, mut columns) = (members.iter(), Vec::with_capacity(members.len()));
                $(finish_member($builder, &mut fields, &mut columns)?;)+
                Ok(Arc::new(StructArray::try_new(members.clone(), columns, nulls)?))
            }
        }

        impl<$($item: Item),+> Item for ($($item,)+) {
            type Builder = ($($item::Builder,)+);

            fn type_name() -> String {
                compose($template, &[$($item::type_name()),+])
            }

            fn field(name: &str) -> Field {
                let members = vec![$($item::field($name)),+];
                typed(name, DataType::Struct(members.into()), false, Self::type_name())
            }

            #[inline]
            fn append_to(&self, builder: &mut Self::Builder) {
                let ($($reader,)+) = self;
                let ($($builder,)+) = builder;
                $($reader.append_to($builder);)+
            }
        }

        impl<$($item: ReadItem),+> ReadItem for ($($item,)+) {
            type Reader = ($(Option<$item::Reader>,)+);

            fn request(on_disk: &Field, path: &Path<'_>) -> Result<Field> {
                let DataType::Struct(members) = on_disk.data_type() else {
                    return Err(no_request::<Self>(on_disk, path));
                };
                if on_disk.is_nullable() {
                    return Err(no_request::<Self>(on_disk, path));
                }
                let mut out = Vec::new();
                $(request_member::<Self, $item>(members, $name, path, false, &mut out)?;)+
                Ok(on_disk.clone().with_data_type(DataType::Struct(out.into())))
            }

            fn open(field: &Field, array: &ArrayRef, path: &Path<'_>) -> Result<Self::Reader> {
                let members = Members::of::<Self>(field, array, path)?;
                Ok(($(open_member::<Self, $item>(&members, $name, path, false)?,)+))
            }

            #[inline]
            fn read(reader: &Self::Reader, index: usize) -> Result<Self, ReadError> {
                let ($($reader,)+) = reader;
                Ok(($(read_member($reader, index, || None)?,)+))
            }

            #[inline]
            fn read_into(reader: &Self::Reader, index: usize, value: &mut Self) -> Result<(), ReadError> {
                let ($($reader,)+) = reader;
                let ($($builder,)+) = value;
                $(read_member_into($reader, index, $builder, || None)?;)+
                Ok(())
            }
        }
    )*};
}

tuples! {
    "std::tuple": A a x "_0";
    "std::pair": A a x "_0", B b y "_1";
    "std::tuple": A a x "_0", B b y "_1", C c z "_2";
    "std::tuple": A a x "_0", B b y "_1", C c z "_2", D d w "_3";
    "std::tuple": A a x "_0", B b y "_1", C c z "_2", D d w "_3", E e v "_4";
    "std::tuple": A a x "_0", B b y "_1", C c z "_2", D d w "_3", E e v "_4", F f u "_5";
    "std::tuple": A a x "_0", B b y "_1", C c z "_2", D d w "_3", E e v "_4", F f u "_5", G g t "_6";
    "std::tuple": A a x "_0", B b y "_1", C c z "_2", D d w "_3", E e v "_4", F f u "_5", G g t "_6", H h s "_7";
}
