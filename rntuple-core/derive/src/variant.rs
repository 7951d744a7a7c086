//! Enums whose variants hold values: `std::variant`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{DataEnum, DeriveInput, Error, Fields, Ident, Result, Type, Variant};

use crate::attributes::{self, Container, Member};
use crate::generics::Parts;
use crate::record::attributes as attributes_of;
use crate::{encoding, types};

/// Tags end at 125.
const MAX_ALTERNATIVES: usize = 125;

/// A variant that holds a value.
struct Alternative<'a> {
    ident: &'a Ident,
    ty: &'a Type,
    member: Member,
}

pub(crate) fn expand(input: &DeriveInput, container: &Container, data: &DataEnum) -> Result<TokenStream> {
    container.refuse(
        input,
        "an enum that holds values: it is a std::variant",
        &["rename_all", "type_name", "default"],
    )?;
    let (alternatives, nothing) = sort(input, data)?;
    let (ident, vis) = (&input.ident, &input.vis);
    let (impl_generics, ty_generics, _) = input.generics.split_for_impl();
    let tys: Vec<&Type> = alternatives.iter().map(|alternative| alternative.ty).collect();
    let parts = Parts::new(input, tys.iter().map(|&ty| ty.clone()).collect());
    let names = parts.names();
    let builder_of = parts.builders();
    let count = alternatives.len();
    let part: Vec<Ident> = (0..count).map(|i| format_ident!("p{i}")).collect();
    let idents: Vec<&Ident> = alternatives.iter().map(|alternative| alternative.ident).collect();
    let tags: Vec<i8> = (1..=i8::MAX).take(count).collect();
    let part_types: Vec<TokenStream> = (0..count).map(|i| parts.builder(i)).collect();
    let bounds = parts.bounds(&quote!(__row::Item)).clause();
    let fields = alternatives.iter().enumerate().map(|(i, alternative)| {
        let (ty, name, attributes) = (alternative.ty, format!("_{i}"), attributes_of(&alternative.member));
        quote_spanned!(ty.span()=> #attributes.on(<#ty as __row::Item>::field(#name)))
    });
    let append = alternatives.iter().zip(&part).zip(&tags).map(|((alternative, part), tag)| {
        let (ident, ty) = (alternative.ident, alternative.ty);
        quote_spanned! {ty.span()=>
            Self::#ident(value) => {
                builder.slots.push(#tag, &builder.#part);
                <#ty as __row::Item>::append_to(value, &mut builder.#part);
            }
        }
    });
    let append_nothing = nothing.iter().map(|ident| quote!(Self::#ident => builder.slots.push_nothing(),));
    let item = quote!(__row::Item);
    let struct_bounds = parts.part_bounds(None, &item).clause();
    let builder_bounds = parts.part_bounds(Some(&quote!(__row::Builder)), &item).clause();
    let write = quote! {
        #vis struct __Builder<#(#names),*> #struct_bounds {
            slots: __support::Slots,
            #(#part: #part_types,)*
        }

        impl<#(#names),*> ::core::default::Default for __Builder<#(#names),*> #builder_bounds {
            fn default() -> Self {
                Self {
                    slots: ::core::default::Default::default(),
                    #(#part: ::core::default::Default::default(),)*
                }
            }
        }

        impl<#(#names),*> __row::Builder for __Builder<#(#names),*> #builder_bounds {
            const NULLABLE: bool = true;

            #[inline]
            fn len(&self) -> usize {
                self.slots.len()
            }

            #[inline]
            fn size(&self) -> usize {
                self.slots.size() #(+ __row::Builder::size(&self.#part))*
            }

            #[inline]
            fn push_empty(&mut self) {
                self.slots.push_nothing();
            }

            fn finish(
                &mut self,
                data_type: &__support::DataType,
                nulls: ::core::option::Option<__support::NullBuffer>,
            ) -> __support::Result<__support::ArrayRef> {
                let Self { slots, #(#part),* } = self;
                slots.finish(data_type, nulls.as_ref(), |fields, out| {
                    #(__support::finish_member(#part, fields, out)?;)*
                    ::core::result::Result::Ok(())
                })
            }
        }

        #[automatically_derived]
        impl #impl_generics __row::Item for #ident #ty_generics #bounds {
            type Builder = __Builder<#(#builder_of),*>;

            fn type_name() -> ::std::string::String {
                __support::type_of(&<Self as __row::Item>::field(""))
            }

            fn field(name: &str) -> __support::Field {
                let alternatives = ::std::vec![#(#fields),*];
                __support::variant_field(name, alternatives)
            }

            #[inline]
            fn append_to(&self, builder: &mut Self::Builder) {
                match self {
                    #(#append)*
                    #(#append_nothing)*
                }
            }
        }
    };
    if container.write_only || tys.iter().any(|ty| types::borrows(ty)) {
        return Ok(write);
    }

    let struct_bounds = parts.part_bounds(None, &quote!(__row::ReadItem)).clause();
    let reader_of = parts.readers();
    let part_types = (0..count).map(|i| parts.reader(i));
    let bounds = parts.bounds(&quote!(__row::ReadItem)).clause();
    let request = alternatives.iter().enumerate().map(|(i, alternative)| {
        let ty = alternative.ty;
        quote_spanned! {ty.span()=>
            #i => ::core::option::Option::Some(<#ty as __row::ReadItem>::request(field, path)),
        }
    });
    let open = alternatives.iter().zip(&part).zip(&tags).map(|((alternative, part), tag)| {
        let ty = alternative.ty;
        quote_spanned!(ty.span()=> #part: alternatives.open::<#ty>(#tag, path)?,)
    });
    let nothing = match nothing {
        Some(ident) => quote!(::core::result::Result::Ok(Self::#ident)),
        None => quote!(::core::result::Result::Err(reader.slots.nothing())),
    };
    Ok(quote! {
        #write

        #vis struct __Reader<#(#names),*> #struct_bounds {
            slots: __support::SlotsReader,
            #(#part: ::core::option::Option<#part_types>,)*
        }

        #[automatically_derived]
        impl #impl_generics __row::ReadItem for #ident #ty_generics #bounds {
            type Reader = __Reader<#(#reader_of),*>;

            fn request(on_disk: &__support::Field, path: &__row::Path<'_>) -> __support::Result<__support::Field> {
                __support::request_variant::<Self>(on_disk, path, |alternative, field, path| match alternative {
                    #(#request)*
                    _ => ::core::option::Option::None,
                })
            }

            fn open(
                field: &__support::Field,
                array: &__support::ArrayRef,
                path: &__row::Path<'_>,
            ) -> __support::Result<Self::Reader> {
                let (slots, alternatives) = __support::SlotsReader::open::<Self>(field, array, #count, path)?;
                ::core::result::Result::Ok(__Reader {
                    slots,
                    #(#open)*
                })
            }

            #[inline]
            fn read(reader: &Self::Reader, index: usize) -> ::core::result::Result<Self, __row::ReadError> {
                let (tag, at) = reader.slots.get(index)?;
                match tag {
                    #(#tags => __support::read_alternative(&reader.#part, at).map(Self::#idents),)*
                    _ => #nothing,
                }
            }

            #[inline]
            fn read_into(
                reader: &Self::Reader,
                index: usize,
                value: &mut Self,
            ) -> ::core::result::Result<(), __row::ReadError> {
                let (tag, at) = reader.slots.get(index)?;
                match (tag, value) {
                    #((#tags, Self::#idents(value)) => __support::read_alternative_into(&reader.#part, at, value),)*
                    (_, value) => {
                        *value = <Self as __row::ReadItem>::read(reader, index)?;
                        ::core::result::Result::Ok(())
                    }
                }
            }
        }
    })
}

/// The variants that hold a value, and the one that does not.
fn sort<'a>(input: &DeriveInput, data: &'a DataEnum) -> Result<(Vec<Alternative<'a>>, Option<&'a Ident>)> {
    let (mut alternatives, mut nothing) = (Vec::new(), None);
    for variant in &data.variants {
        match payload(variant)? {
            Some(ty) => {
                let member = Member::parse_alternative(&variant.attrs)?;
                types::check(ty, &input.ident)?;
                if let Some(encoding) = &member.encoding {
                    encoding::fits(encoding, ty)?;
                }
                alternatives.push(Alternative { ident: &variant.ident, ty, member });
            }
            None => {
                attributes::none(&variant.attrs, "a variant without value")?;
                if let Some(other) = nothing.replace(&variant.ident) {
                    let message = format!(
                        "`{other}` and `{}` hold no value, and a std::variant has one such state only: give all but one \
                         a value",
                        variant.ident
                    );
                    return Err(Error::new_spanned(variant, message));
                }
            }
        }
    }
    if let Some(variant) = data.variants.iter().filter(|variant| variant.fields.len() == 1).nth(MAX_ALTERNATIVES) {
        let message = format!("a std::variant has at most {MAX_ALTERNATIVES} alternatives");
        return Err(Error::new_spanned(variant, message));
    }
    Ok((alternatives, nothing))
}

/// The type of what a variant holds.
fn payload(variant: &Variant) -> Result<Option<&Type>> {
    let name = &variant.ident;
    match &variant.fields {
        Fields::Unit => Ok(None),
        Fields::Unnamed(fields) => match fields.unnamed.first() {
            Some(field) if fields.unnamed.len() == 1 => {
                attributes::none(&field.attrs, "the value of a variant, unlike the variant,")?;
                Ok(Some(&field.ty))
            }
            Some(_) => {
                let message =
                    format!("`{name}` holds {} values: a variant holds one, such as a tuple", fields.unnamed.len());
                Err(Error::new_spanned(fields, message))
            }
            None => Err(Error::new_spanned(variant, format!("`{name}` holds no value: write it without parentheses"))),
        },
        Fields::Named(fields) => {
            let message =
                format!("`{name}` has named fields: make them a struct, and give the variant that for its value");
            Err(Error::new_spanned(fields, message))
        }
    }
}
