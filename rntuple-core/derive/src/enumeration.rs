//! Enums whose variants hold no values: C++ enums.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{DataEnum, DeriveInput, Error, Ident, Result};

use crate::attributes::{self, Container};

pub(crate) fn expand(input: &DeriveInput, container: &Container, data: &DataEnum) -> Result<TokenStream> {
    container.refuse(input, "an enum", &["rename_all", "default"])?;
    for variant in &data.variants {
        attributes::none(&variant.attrs, "a variant without value")?;
    }
    let ident = &input.ident;
    let (impl_generics, ty_generics, where_clause) = input.generics.split_for_impl();
    let explicit = integer(input)?;
    let number = explicit.clone().unwrap_or_else(|| format_ident!("i32"));
    let (class, field) = match &container.type_name {
        // Without a name, it is its number.
        Some(name) if name.value().is_empty() => {
            (quote!(<#number as __row::Item>::type_name()), quote!(<#number as __row::Item>::field(name)))
        }
        explicit => {
            let class = match explicit {
                Some(name) => quote!(__support::normalise(#name)),
                None => {
                    let name = ident.unraw().to_string();
                    quote!(::std::string::String::from(#name))
                }
            };
            (class, quote!(__support::enum_field::<#number>(name, <Self as __row::Item>::type_name())))
        }
    };
    let names: Vec<&Ident> = data.variants.iter().map(|variant| &variant.ident).collect();
    let constants: Vec<Ident> = (0..names.len()).map(|i| format_ident!("__V{i}")).collect();
    // Without a representation the numbers are of Rust's own choice, and need not fit.
    let checks = names.iter().filter(|_| explicit.is_none()).map(|name| {
        let message = format!("the number of `{name}` does not fit into i32: give the enum a #[repr(..)]");
        quote_spanned!(name.span()=> const _: () = assert!(#ident::#name as i128 == #ident::#name as #number as i128, #message);)
    });
    let write = quote! {
        #(#checks)*
        #(const #constants: #number = #ident::#names as #number;)*

        #[automatically_derived]
        impl #impl_generics __row::Item for #ident #ty_generics #where_clause {
            type Builder = <#number as __row::Item>::Builder;

            fn type_name() -> ::std::string::String {
                #class
            }

            fn field(name: &str) -> __support::Field {
                #field
            }

            #[inline]
            fn append_to(&self, builder: &mut Self::Builder) {
                let number = match self {
                    #(Self::#names => #constants,)*
                };
                <#number as __row::Item>::append_to(&number, builder);
            }
        }
    };
    if container.write_only {
        return Ok(write);
    }
    Ok(quote! {
        #write

        #[automatically_derived]
        impl #impl_generics __row::ReadItem for #ident #ty_generics #where_clause {
            type Reader = __support::EnumReader<<#number as __row::ReadItem>::Reader>;

            fn request(on_disk: &__support::Field, path: &__row::Path<'_>) -> __support::Result<__support::Field> {
                __support::request_enum::<Self, #number>(on_disk, path)
            }

            fn open(
                field: &__support::Field,
                array: &__support::ArrayRef,
                path: &__row::Path<'_>,
            ) -> __support::Result<Self::Reader> {
                __support::EnumReader::open::<Self, #number>(field, array, path)
            }

            #[inline]
            fn read(reader: &Self::Reader, index: usize) -> ::core::result::Result<Self, __row::ReadError> {
                match reader.get::<#number>(index)? {
                    #(#constants => ::core::result::Result::Ok(Self::#names),)*
                    number => ::core::result::Result::Err(reader.unknown(number)),
                }
            }
        }
    })
}

/// The integer type that `#[repr(..)]` names.
fn integer(input: &DeriveInput) -> Result<Option<Ident>> {
    let mut found = None;
    for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("repr")) {
        attribute.parse_nested_meta(|meta| {
            if let Some(ident) = meta.path.get_ident() {
                match ident.to_string().as_str() {
                    "i8" | "u8" | "i16" | "u16" | "i32" | "u32" | "i64" | "u64" => found = Some(ident.clone()),
                    "C" => {}
                    other => {
                        let message = format!("a C++ enum has an integer of 8 to 64 bits, not `{other}`");
                        return Err(Error::new(meta.path.span(), message));
                    }
                }
            }
            Ok(())
        })?;
    }
    Ok(found)
}
