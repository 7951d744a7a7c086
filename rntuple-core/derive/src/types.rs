//! What the spelling of a type says about it, so that messages can.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Error, GenericArgument, Ident, PathArguments, Result, Type};

/// Largest tuple that is an item.
const MAX_TUPLE: usize = 8;

/// Refuses types of which it is plain to see that they are no items, with a reason. `owner` is the type that is
/// derived.
pub(crate) fn check(ty: &Type, owner: &Ident) -> Result<()> {
    let no = |reason: String| Err(Error::new_spanned(ty, reason));
    match ty {
        Type::Array(array) => check(&array.elem, owner),
        Type::Slice(slice) => check(&slice.elem, owner),
        Type::Paren(paren) => check(&paren.elem, owner),
        Type::Group(group) => check(&group.elem, owner),
        Type::Reference(reference) if reference.mutability.is_some() => {
            no("a mutable reference is no field: use `&`".to_owned())
        }
        Type::Reference(reference) => check(&reference.elem, owner),
        Type::Tuple(tuple) if tuple.elems.is_empty() => no("`()` holds nothing: mark it #[rntuple(skip)]".to_owned()),
        Type::Tuple(tuple) if tuple.elems.len() > MAX_TUPLE => {
            no(format!("tuples of more than {MAX_TUPLE} are not supported: use a struct"))
        }
        Type::Tuple(tuple) => tuple.elems.iter().try_for_each(|item| check(item, owner)),
        Type::Ptr(_) => no("a raw pointer is no field: use a reference or a Box".to_owned()),
        Type::BareFn(_) => no("a function is no field: mark it #[rntuple(skip)]".to_owned()),
        Type::TraitObject(_) => no("a trait object has no schema: use an enum".to_owned()),
        Type::Path(path) => {
            if path.qself.is_none()
                && let Some(ident) = path.path.get_ident()
            {
                let name = ident.to_string();
                match name.as_str() {
                    "char" => {
                        return no(
                            "`char` is a Unicode character, which C++ has no field for: use String, or i8 with \
                                   #[rntuple(type_name = \"char\")] for a C++ char"
                                .to_owned(),
                        );
                    }
                    "usize" | "isize" => {
                        let fixed = name.replace("size", "64");
                        return no(format!("the size of `{name}` depends on the machine: use `{fixed}`"));
                    }
                    "u128" | "i128" => return no(format!("RNTuple has no integers of 128 bits, which `{name}` is")),
                    _ => {}
                }
            }
            if path.path.is_ident(owner) || path.path.is_ident("Self") {
                return no(format!("`{owner}` holds itself, so that its schema would have no end"));
            }
            for segment in &path.path.segments {
                if let PathArguments::AngleBracketed(arguments) = &segment.arguments {
                    for argument in &arguments.args {
                        if let GenericArgument::Type(ty) = argument {
                            check(ty, owner)?;
                        }
                    }
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Whether this is a `PhantomData`, which holds nothing.
pub(crate) fn is_phantom(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "PhantomData"))
}

/// Whether this is one of the types that certainly are items.
pub(crate) fn is_primitive(ty: &Type) -> bool {
    const NAMES: [&str; 12] = ["bool", "i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64", "f32", "f64", "String"];
    matches!(ty, Type::Path(path) if path.path.get_ident().is_some_and(|ident| NAMES.iter().any(|name| ident == name)))
}

/// Whether a lifetime is written in a type, or left out of a reference.
pub(crate) fn has_lifetime(ty: &Type) -> bool {
    fn any(tokens: TokenStream) -> bool {
        tokens.into_iter().any(|token| match token {
            TokenTree::Punct(punct) => matches!(punct.as_char(), '&' | '\''),
            TokenTree::Group(group) => any(group.stream()),
            _ => false,
        })
    }
    any(ty.to_token_stream())
}

/// Whether a type borrows from something that may go: such values can be written only.
pub(crate) fn borrows(ty: &Type) -> bool {
    fn any(tokens: TokenStream) -> bool {
        let mut quote = false;
        tokens.into_iter().any(|token| match token {
            TokenTree::Punct(punct) if punct.as_char() == '&' => true,
            TokenTree::Punct(punct) => {
                quote = punct.as_char() == '\'';
                false
            }
            TokenTree::Ident(ident) => std::mem::take(&mut quote) && ident != "static",
            TokenTree::Group(group) => any(group.stream()),
            TokenTree::Literal(_) => false,
        })
    }
    any(ty.to_token_stream())
}

/// Whether one of the names occurs in a type.
pub(crate) fn mentions(ty: &Type, names: &[&Ident]) -> bool {
    fn any(tokens: TokenStream, names: &[&Ident]) -> bool {
        let mut quote = false;
        tokens.into_iter().any(|token| match token {
            TokenTree::Punct(punct) => {
                quote = punct.as_char() == '\'';
                false
            }
            TokenTree::Ident(ident) => !std::mem::take(&mut quote) && names.contains(&&ident),
            TokenTree::Group(group) => any(group.stream(), names),
            TokenTree::Literal(_) => false,
        })
    }
    any(ty.to_token_stream(), names)
}

/// The type with `'static` for every lifetime and without references around it: its builder is the same.
pub(crate) fn without_lifetimes(ty: &Type) -> TokenStream {
    fn change(tokens: TokenStream) -> TokenStream {
        let mut quote = false;
        let token = |token| match token {
            TokenTree::Punct(punct) => {
                quote = punct.as_char() == '\'';
                TokenTree::Punct(punct)
            }
            TokenTree::Ident(ident) if std::mem::take(&mut quote) => {
                TokenTree::Ident(Ident::new("static", ident.span()))
            }
            TokenTree::Group(group) => {
                let mut changed = proc_macro2::Group::new(group.delimiter(), change(group.stream()));
                changed.set_span(group.span());
                TokenTree::Group(changed)
            }
            other => other,
        };
        tokens.into_iter().map(token).collect()
    }
    match ty {
        Type::Reference(reference) => without_lifetimes(&reference.elem),
        Type::Paren(paren) => without_lifetimes(&paren.elem),
        Type::Group(group) => without_lifetimes(&group.elem),
        _ => change(ty.to_token_stream()),
    }
}
