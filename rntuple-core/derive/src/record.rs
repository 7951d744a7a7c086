//! Structs with named fields.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{DeriveInput, Error, Fields, Ident, Result, Type, parse_quote};

use crate::attributes::{Container, Fallback, Member};
use crate::generics::Parts;
use crate::{encoding, types};

/// A field that is stored.
struct Stored<'a> {
    ident: &'a Ident,
    /// What counts as the field: the type, or the slice it dereferences to.
    item: Type,
    ty: &'a Type,
    name: String,
    member: Member,
}

/// A field that is not.
struct Skipped<'a> {
    ident: &'a Ident,
    ty: &'a Type,
    member: Member,
}

pub(crate) fn expand(input: &DeriveInput, container: &Container, fields: &Fields) -> Result<TokenStream> {
    let (stored, skipped) = sort(input, container, fields)?;
    let parts = Parts::new(input, stored.iter().map(|field| field.item.clone()).collect());
    let write = write(input, container, &stored, &parts)?;
    if container.write_only || stored.iter().any(|field| types::borrows(field.ty)) {
        return Ok(write);
    }
    let read = read(input, container, &stored, &skipped, &parts)?;
    Ok(quote!(#write #read))
}

fn sort<'a>(
    input: &DeriveInput,
    container: &Container,
    fields: &'a Fields,
) -> Result<(Vec<Stored<'a>>, Vec<Skipped<'a>>)> {
    let mut errors: Option<Error> = None;
    let mut fail = |error: Error| match &mut errors {
        Some(errors) => errors.combine(error),
        None => errors = Some(error),
    };
    let (mut stored, mut skipped) = (Vec::<Stored<'a>>::new(), Vec::new());
    for field in fields {
        let (Some(ident), ty) = (&field.ident, &field.ty) else { continue };
        let member = match Member::parse(&field.attrs) {
            Ok(member) => member,
            Err(error) => {
                fail(error);
                continue;
            }
        };
        if member.skip || types::is_phantom(ty) {
            skipped.push(Skipped { ident, ty, member });
            continue;
        }
        if !member.slice
            && let Err(error) = types::check(ty, &input.ident)
        {
            fail(error);
            continue;
        }
        if let Some(encoding) = &member.encoding
            && let Err(error) = encoding::fits(encoding, ty)
        {
            fail(error);
        }
        let own = ident.unraw().to_string();
        let name = match (&member.rename, container.rename_all) {
            (Some(name), _) => name.value(),
            (None, Some(case)) => case.apply(&own),
            (None, None) => own,
        };
        if let Some(other) = stored.iter().find(|other| other.name == name && !other.member.flatten && !member.flatten)
        {
            let message = format!("the field `{}` has the name `{name}` already", other.ident);
            fail(match &member.rename {
                Some(rename) => Error::new_spanned(rename, message),
                None => Error::new_spanned(ident, message),
            });
        }
        let item = if member.slice {
            // The span is that of the type, as it is to blame if it is no slice.
            let target = quote_spanned!(ty.span()=> <#ty as ::core::ops::Deref>::Target);
            parse_quote!(#target)
        } else {
            ty.clone()
        };
        stored.push(Stored { ident, item, ty, name, member });
    }
    errors.map_or(Ok((stored, skipped)), Err)
}

/// The expression for what a member's attributes say.
pub(crate) fn attributes(member: &Member) -> TokenStream {
    let option = |text: &Option<syn::LitStr>| match text {
        Some(text) => quote!(::core::option::Option::Some(#text)),
        None => quote!(::core::option::Option::None),
    };
    let (type_name, description, encoding) =
        (option(&member.type_name), option(&member.description), option(&member.encoding));
    quote! {
        __support::Attributes { type_name: #type_name, description: #description, encoding: #encoding }
    }
}

fn part(i: usize) -> Ident {
    format_ident!("p{i}")
}

fn write(input: &DeriveInput, container: &Container, stored: &[Stored<'_>], parts: &Parts<'_>) -> Result<TokenStream> {
    let (ident, vis) = (&input.ident, &input.vis);
    let (impl_generics, ty_generics, _) = input.generics.split_for_impl();
    let names = parts.names();
    let builder_of = parts.builders();
    let part: Vec<Ident> = (0..stored.len()).map(part).collect();
    let part_types: Vec<TokenStream> = (0..stored.len()).map(|i| parts.builder(i)).collect();

    let mut bounds = parts.bounds(&quote!(__row::Item));
    for field in stored.iter().filter(|field| field.member.flatten && !types::has_lifetime(&field.item)) {
        let ty = &field.item;
        bounds.add(quote_spanned!(ty.span()=> #ty: __row::Row));
    }
    let (class_name, needed) = parts.class_name(container.type_name.as_ref())?;
    for parameter in needed {
        bounds.add(quote!(#parameter: __row::Item));
    }
    let bounds = bounds.clause();

    let append = stored.iter().zip(&part).map(|(field, part)| {
        let (ty, ident) = (&field.item, field.ident);
        let value =
            if field.member.slice { quote!(::core::ops::Deref::deref(&self.#ident)) } else { quote!(&self.#ident) };
        quote_spanned!(field.ty.span()=> <#ty as __row::Item>::append_to(#value, &mut builder.#part);)
    });
    let members = stored.iter().map(|field| {
        let (ty, name) = (&field.item, &field.name);
        if field.member.flatten {
            return quote_spanned!(field.ty.span()=> <#ty as __row::Row>::members(out););
        }
        let attributes = attributes(&field.member);
        quote_spanned!(field.ty.span()=> out.push(#attributes.on(<#ty as __row::Item>::field(#name)));)
    });
    let finish = stored.iter().zip(&part).map(|(field, part)| {
        if field.member.flatten {
            quote!(__row::RecordBuilder::finish_members(&mut self.#part, fields, out)?;)
        } else {
            quote!(__support::finish_member(&mut self.#part, fields, out)?;)
        }
    });
    let item = quote!(__row::Item);
    let struct_bounds = parts.part_bounds(None, &item).clause();
    let mut builder_bounds = parts.part_bounds(Some(&quote!(__row::Builder)), &item);
    let default_bounds = builder_bounds.clause();
    // A flattened part must be a record.
    for (i, field) in stored.iter().enumerate().filter(|(_, field)| field.member.flatten) {
        let ty = &field.item;
        if parts.is_generic(ty) {
            let name = format_ident!("__P{i}");
            builder_bounds.add(quote!(#name: __row::RecordBuilder));
        } else if !types::has_lifetime(ty) {
            builder_bounds.add(quote_spanned!(ty.span()=> #ty: __row::Row));
        }
    }
    let builder_bounds = builder_bounds.clause();

    Ok(quote! {
        #vis struct __Builder<#(#names),*> #struct_bounds {
            len: usize,
            #(#part: #part_types,)*
        }

        impl<#(#names),*> ::core::default::Default for __Builder<#(#names),*> #default_bounds {
            fn default() -> Self {
                Self { len: 0, #(#part: ::core::default::Default::default(),)* }
            }
        }

        impl<#(#names),*> __row::Builder for __Builder<#(#names),*> #builder_bounds {
            #[inline]
            fn len(&self) -> usize {
                self.len
            }

            #[inline]
            fn size(&self) -> usize {
                0 #(+ __row::Builder::size(&self.#part))*
            }

            #[inline]
            fn push_empty(&mut self) {
                self.len += 1;
                #(__row::Builder::push_empty(&mut self.#part);)*
            }

            fn finish(
                &mut self,
                data_type: &__support::DataType,
                nulls: ::core::option::Option<__support::NullBuffer>,
            ) -> __support::Result<__support::ArrayRef> {
                let len = self.len;
                __support::finish_record(self, len, data_type, nulls)
            }
        }

        impl<#(#names),*> __row::RecordBuilder for __Builder<#(#names),*> #builder_bounds {
            fn finish_members(
                &mut self,
                fields: &mut ::core::slice::Iter<'_, __support::FieldRef>,
                out: &mut ::std::vec::Vec<__support::ArrayRef>,
            ) -> __support::Result<()> {
                self.len = 0;
                #(#finish)*
                ::core::result::Result::Ok(())
            }
        }

        #[automatically_derived]
        impl #impl_generics __row::Item for #ident #ty_generics #bounds {
            type Builder = __Builder<#(#builder_of),*>;

            fn type_name() -> ::std::string::String {
                #class_name
            }

            fn field(name: &str) -> __support::Field {
                __support::record_field::<Self>(name, <Self as __row::Item>::type_name())
            }

            #[inline]
            fn append_to(&self, builder: &mut Self::Builder) {
                builder.len += 1;
                #(#append)*
            }
        }

        #[automatically_derived]
        impl #impl_generics __row::Row for #ident #ty_generics #bounds {
            fn members(out: &mut ::std::vec::Vec<__support::Field>) {
                #(#members)*
            }
        }
    })
}

fn read(
    input: &DeriveInput,
    container: &Container,
    stored: &[Stored<'_>],
    skipped: &[Skipped<'_>],
    parts: &Parts<'_>,
) -> Result<TokenStream> {
    let (ident, vis) = (&input.ident, &input.vis);
    let (impl_generics, ty_generics, _) = input.generics.split_for_impl();
    // A slice is read as what owns one.
    let items: Vec<Type> = stored
        .iter()
        .map(|field| {
            let item = &field.item;
            if field.member.slice { parse_quote!(<#item as ::std::borrow::ToOwned>::Owned) } else { item.clone() }
        })
        .collect();
    let read_parts = Parts::new(input, items.clone());
    let names = read_parts.names();
    let reader_of = read_parts.readers();
    let part: Vec<Ident> = (0..stored.len()).map(part).collect();
    let part_types = stored.iter().enumerate().map(|(i, field)| {
        let reader = read_parts.reader(i);
        if field.member.flatten { reader } else { quote!(::core::option::Option<#reader>) }
    });

    let (_, needed) = parts.class_name(container.type_name.as_ref())?;
    let mut bounds = read_parts.bounds(&quote!(__row::ReadItem));
    for parameter in needed {
        bounds.add(quote!(#parameter: __row::Item));
    }
    let has_default = |member: &Member| member.default.is_some() || container.default.is_some();
    for (field, item) in stored.iter().zip(&items) {
        let (ty, slice) = (field.ty, &field.item);
        if field.member.flatten && !types::has_lifetime(ty) {
            bounds.add(quote_spanned!(ty.span()=> #ty: __row::ReadRow));
        }
        if parts.is_generic(ty) {
            if field.member.slice {
                bounds.add(quote!(#slice: __row::Item));
                bounds.add(quote!(#ty: ::core::iter::FromIterator<<#item as ::core::iter::IntoIterator>::Item>));
            }
            if matches!(field.member.default, Some(Fallback::Standard)) {
                bounds.add(quote!(#ty: ::core::default::Default));
            }
        }
    }
    for field in skipped {
        let ty = field.ty;
        if parts.is_generic(ty) && field.member.default.is_none() && !types::is_phantom(ty) {
            bounds.add(quote!(#ty: ::core::default::Default));
        }
    }
    if matches!(container.default, Some(Fallback::Standard)) && !input.generics.params.is_empty() {
        bounds.add(quote!(#ident #ty_generics: ::core::default::Default));
    }
    let bounds = bounds.clause();
    let struct_bounds = read_parts.part_bounds(None, &quote!(__row::ReadItem)).clause();

    let default = |ident: &Ident, member: &Member| match (&member.default, &container.default) {
        (Some(Fallback::Function(function)), _) => quote!(#function()),
        (Some(Fallback::Standard), _) => quote!(::core::default::Default::default()),
        (None, Some(Fallback::Function(function))) => quote!(#function().#ident),
        (None, Some(Fallback::Standard)) => quote!(<Self as ::core::default::Default>::default().#ident),
        (None, None) => quote!(::core::default::Default::default()),
    };
    let request = stored.iter().zip(&items).map(|(field, item)| {
        let (name, has_default) = (&field.name, has_default(&field.member));
        if field.member.flatten {
            return quote_spanned!(field.ty.span()=> <#item as __row::ReadRow>::request_members(on_disk, path, out)?;);
        }
        quote_spanned! {field.ty.span()=>
            __support::request_member::<Self, #item>(on_disk, #name, path, #has_default, out)?;
        }
    });
    let open = stored.iter().zip(&items).zip(&part).map(|((field, item), part)| {
        let (name, has_default) = (&field.name, has_default(&field.member));
        if field.member.flatten {
            return quote_spanned!(field.ty.span()=> #part: <#item as __row::ReadRow>::open_members(members, path)?,);
        }
        quote_spanned! {field.ty.span()=>
            #part: __support::open_member::<Self, #item>(members, #name, path, #has_default)?,
        }
    });
    // A value of its own, and the same over the one that is there.
    let sources: Vec<(TokenStream, TokenStream)> = stored
        .iter()
        .zip(&items)
        .zip(&part)
        .map(|((field, item), part)| {
            let (ident, ty) = (field.ident, field.ty);
            let (new, over) = match (field.member.flatten, field.member.slice, has_default(&field.member)) {
                (true, ..) => (
                    quote!(<#item as __row::ReadItem>::read(&reader.#part, index)?),
                    quote!(<#item as __row::ReadItem>::read_into(&reader.#part, index, &mut value.#ident)?),
                ),
                (false, true, has_default) => {
                    let absent = if has_default {
                        default(ident, &field.member)
                    } else {
                        quote!(return ::core::result::Result::Err(__row::ReadError::beyond()))
                    };
                    let new = quote! {
                        match &reader.#part {
                            ::core::option::Option::Some(reader) => <#ty as ::core::iter::FromIterator<_>>::from_iter(
                                <#item as __row::ReadItem>::read(reader, index)?
                            ),
                            ::core::option::Option::None => #absent,
                        }
                    };
                    let over = quote!(value.#ident = #new);
                    (new, over)
                }
                (false, false, has_default) => {
                    let default = if has_default {
                        let default = default(ident, &field.member);
                        quote!(::core::option::Option::Some(#default))
                    } else {
                        quote!(::core::option::Option::None)
                    };
                    (
                        quote!(__support::read_member::<#item>(&reader.#part, index, || #default)?),
                        quote! {
                            __support::read_member_into::<#item>(
                                &reader.#part, index, &mut value.#ident, || #default
                            )?
                        },
                    )
                }
            };
            let span = field.ty.span();
            (quote_spanned!(span=> #ident: #new,), quote_spanned!(span=> #over;))
        })
        .collect();
    let others = skipped.iter().map(|field| {
        let (ident, default) = (field.ident, default(field.ident, &field.member));
        let span = field.ty.span();
        (quote_spanned!(span=> #ident: #default,), quote_spanned!(span=> value.#ident = #default;))
    });
    let (new, over): (Vec<TokenStream>, Vec<TokenStream>) = sources.into_iter().chain(others).unzip();

    Ok(quote! {
        #vis struct __Reader<#(#names),*> #struct_bounds {
            #(#part: #part_types,)*
        }

        #[automatically_derived]
        impl #impl_generics __row::ReadItem for #ident #ty_generics #bounds {
            type Reader = __Reader<#(#reader_of),*>;

            fn request(on_disk: &__support::Field, path: &__row::Path<'_>) -> __support::Result<__support::Field> {
                __support::request_record::<Self>(on_disk, path)
            }

            fn open(
                field: &__support::Field,
                array: &__support::ArrayRef,
                path: &__row::Path<'_>,
            ) -> __support::Result<Self::Reader> {
                __support::open_record::<Self>(field, array, path)
            }

            #[inline]
            fn read(reader: &Self::Reader, index: usize) -> ::core::result::Result<Self, __row::ReadError> {
                ::core::result::Result::Ok(Self {
                    #(#new)*
                })
            }

            #[inline]
            fn read_into(
                reader: &Self::Reader,
                index: usize,
                value: &mut Self,
            ) -> ::core::result::Result<(), __row::ReadError> {
                #(#over)*
                ::core::result::Result::Ok(())
            }
        }

        #[automatically_derived]
        impl #impl_generics __row::ReadRow for #ident #ty_generics #bounds {
            fn request_members(
                on_disk: &__support::Fields,
                path: &__row::Path<'_>,
                out: &mut ::std::vec::Vec<__support::Field>,
            ) -> __support::Result<()> {
                #(#request)*
                ::core::result::Result::Ok(())
            }

            fn open_members(
                members: &__support::Members<'_>,
                path: &__row::Path<'_>,
            ) -> __support::Result<Self::Reader> {
                ::core::result::Result::Ok(__Reader {
                    #(#open)*
                })
            }
        }
    })
}
