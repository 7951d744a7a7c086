//! The derive macro behind `rntuple_core::row::Row`; the attributes are described there.
//!
//! Of a struct with named fields, it makes an implementation of `Row` and `Item`, and of `ReadRow` and `ReadItem`
//! unless it borrows. Of enums and structs around one value, it makes those that are named after items: they are
//! fields, not rows.

mod attributes;
mod encoding;
mod enumeration;
mod generics;
mod newtype;
mod record;
mod types;
mod variant;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Fields, parse_macro_input};

use attributes::Container;

/// Implements the traits of `rntuple_core::row` for a struct or enum.
#[proc_macro_derive(Row, attributes(rntuple))]
pub fn derive_row(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(&input, &quote!(::rntuple_core::row)).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// The same for crates that have `rntuple-io` for a dependency and not `rntuple-core`.
#[proc_macro_derive(RowThroughIo, attributes(rntuple))]
pub fn derive_row_through_io(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(&input, &quote!(::rntuple_io::row)).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// The implementations, for traits in the module `row`.
fn expand(input: &DeriveInput, row: &TokenStream) -> syn::Result<TokenStream> {
    let container = Container::parse(input)?;
    let body = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => newtype::expand(input, &container, fields)?,
            Fields::Unnamed(fields) => {
                let message =
                    format!("give the fields of `{}` names, or use a tuple for a std::pair or std::tuple", input.ident);
                return Err(syn::Error::new_spanned(fields, message));
            }
            Fields::Named(_) | Fields::Unit => record::expand(input, &container, &data.fields)?,
        },
        Data::Enum(data) if data.variants.is_empty() => {
            let message = format!("`{}` has no values: an enum must have a variant", input.ident);
            return Err(syn::Error::new_spanned(&input.ident, message));
        }
        Data::Enum(data) if data.variants.iter().all(|variant| matches!(variant.fields, Fields::Unit)) => {
            enumeration::expand(input, &container, data)?
        }
        Data::Enum(data) => variant::expand(input, &container, data)?,
        Data::Union(data) => {
            return Err(syn::Error::new_spanned(data.union_token, "a union cannot say what it holds: use an enum"));
        }
    };
    let row = match &container.path {
        Some(path) => quote!(#path),
        None => row.clone(),
    };
    Ok(quote! {
        #[doc(hidden)]
        #[allow(
            clippy::all,
            clippy::pedantic,
            clippy::restriction,
            missing_debug_implementations,
            missing_docs,
            private_bounds,
            private_interfaces,
            trivial_bounds,
            unreachable_patterns,
            unreachable_pub,
            unused_qualifications,
            unused_variables
        )]
        const _: () = {
            use #row as __row;
            use __row::support as __support;
            #body
        };
    })
}
