//! Structs around one value: the field is that of the value.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Error, FieldsUnnamed, Result};

use crate::attributes::{Container, Member};
use crate::generics::Parts;
use crate::record::attributes;
use crate::{encoding, types};

pub(crate) fn expand(input: &DeriveInput, container: &Container, fields: &FieldsUnnamed) -> Result<TokenStream> {
    container.refuse(input, "a struct around one value", &["rename_all", "default"])?;
    let Some(field) = fields.unnamed.first() else {
        return Err(Error::new_spanned(fields, "a value is missing"));
    };
    let mut member = Member::parse_alternative(&field.attrs)?;
    types::check(&field.ty, &input.ident)?;
    if let Some(encoding) = &member.encoding {
        encoding::fits(encoding, &field.ty)?;
    }
    member.type_name = member.type_name.or_else(|| container.type_name.clone());
    let (ident, ty) = (&input.ident, &field.ty);
    let (impl_generics, ty_generics, _) = input.generics.split_for_impl();
    let parts = Parts::new(input, vec![ty.clone()]);
    let bounds = parts.bounds(&quote!(__row::Item)).clause();
    let attributes = attributes(&member);
    let type_name = match &member.type_name {
        Some(type_name) => quote!(__support::normalise(#type_name)),
        None => quote!(<#ty as __row::Item>::type_name()),
    };
    let write = quote! {
        #[automatically_derived]
        impl #impl_generics __row::Item for #ident #ty_generics #bounds {
            type Builder = <#ty as __row::Item>::Builder;

            fn type_name() -> ::std::string::String {
                #type_name
            }

            fn field(name: &str) -> __support::Field {
                #attributes.on(<#ty as __row::Item>::field(name))
            }

            #[inline]
            fn append_to(&self, builder: &mut Self::Builder) {
                <#ty as __row::Item>::append_to(&self.0, builder);
            }
        }
    };
    if container.write_only || types::borrows(ty) {
        return Ok(write);
    }
    let bounds = parts.bounds(&quote!(__row::ReadItem)).clause();
    Ok(quote! {
        #write

        #[automatically_derived]
        impl #impl_generics __row::ReadItem for #ident #ty_generics #bounds {
            type Reader = <#ty as __row::ReadItem>::Reader;

            fn request(on_disk: &__support::Field, path: &__row::Path<'_>) -> __support::Result<__support::Field> {
                <#ty as __row::ReadItem>::request(on_disk, path)
            }

            fn open(
                field: &__support::Field,
                array: &__support::ArrayRef,
                path: &__row::Path<'_>,
            ) -> __support::Result<Self::Reader> {
                <#ty as __row::ReadItem>::open(field, array, path)
            }

            #[inline]
            fn read(reader: &Self::Reader, index: usize) -> ::core::result::Result<Self, __row::ReadError> {
                <#ty as __row::ReadItem>::read(reader, index).map(Self)
            }

            #[inline]
            fn read_into(
                reader: &Self::Reader,
                index: usize,
                value: &mut Self,
            ) -> ::core::result::Result<(), __row::ReadError> {
                <#ty as __row::ReadItem>::read_into(reader, index, &mut value.0)
            }

            #[inline]
            fn absent() -> ::core::option::Option<Self> {
                <#ty as __row::ReadItem>::absent().map(Self)
            }
        }
    })
}
