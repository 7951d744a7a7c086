//! Parameters of the derived type, and those of the types that are made for it.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{DeriveInput, Error, GenericParam, Ident, LitStr, Result, Type};

use crate::types::{has_lifetime, is_primitive, mentions, without_lifetimes};

/// The bounds of an implementation.
pub(crate) struct Bounds {
    predicates: Vec<TokenStream>,
}

impl Bounds {
    /// Those that the type is declared with.
    pub(crate) fn of(input: &DeriveInput) -> Self {
        let declared = input.generics.where_clause.iter().flat_map(|clause| &clause.predicates);
        Self { predicates: declared.map(|predicate| quote!(#predicate)).collect() }
    }

    pub(crate) fn add(&mut self, predicate: TokenStream) {
        self.predicates.push(predicate);
    }

    pub(crate) fn clause(&self) -> TokenStream {
        let predicates = &self.predicates;
        quote!(where #(#predicates),*)
    }
}

/// That a type implements a trait, as if this were written where the type is.
fn at(ty: &Type, part: &TokenStream) -> TokenStream {
    let part = part.clone().into_iter().map(|mut token| {
        token.set_span(ty.span());
        token
    });
    let part: TokenStream = part.collect();
    quote_spanned!(ty.span()=> #ty: #part)
}

/// Name of a type parameter or constant parameter.
fn name_of(parameter: &GenericParam) -> Option<&Ident> {
    match parameter {
        GenericParam::Type(ty) => Some(&ty.ident),
        GenericParam::Const(constant) => Some(&constant.ident),
        GenericParam::Lifetime(_) => None,
    }
}

/// The stored fields of a type, one after the other, with the parameters that they need.
///
/// Builders and readers are made of those of the fields. Where a field's type has a parameter in it, its builder is a
/// parameter of the whole's builder, so that nothing has to be known of it; all others are spelt out.
pub(crate) struct Parts<'a> {
    input: &'a DeriveInput,
    parameters: Vec<&'a Ident>,
    /// The types that count as fields, each with whether it has a parameter in it.
    types: Vec<(Type, bool)>,
}

impl<'a> Parts<'a> {
    pub(crate) fn new(input: &'a DeriveInput, types: Vec<Type>) -> Self {
        let parameters = input.generics.params.iter().filter_map(name_of).collect::<Vec<_>>();
        let types = types.into_iter().map(|ty| {
            let generic = mentions(&ty, &parameters);
            (ty, generic)
        });
        Self { input, types: types.collect(), parameters }
    }

    /// The parameters of the builder, or of the reader.
    pub(crate) fn names(&self) -> Vec<Ident> {
        let generic = self.types.iter().enumerate().filter(|(_, (_, generic))| *generic);
        generic.map(|(i, _)| Ident::new(&format!("__P{i}"), Span::call_site())).collect()
    }

    /// What the builder's parameters stand for.
    pub(crate) fn builders(&self) -> Vec<TokenStream> {
        self.generic().map(|ty| quote!(<#ty as __row::Item>::Builder)).collect()
    }

    /// What the reader's parameters stand for.
    pub(crate) fn readers(&self) -> Vec<TokenStream> {
        self.generic().map(|ty| quote!(<#ty as __row::ReadItem>::Reader)).collect()
    }

    fn generic(&self) -> impl Iterator<Item = &Type> {
        self.types.iter().filter(|(_, generic)| *generic).map(|(ty, _)| ty)
    }

    /// The type of the builder of part `i`.
    pub(crate) fn builder(&self, i: usize) -> TokenStream {
        match self.types.get(i) {
            Some((ty, false)) => {
                let ty = without_lifetimes(ty);
                quote!(<#ty as __row::Item>::Builder)
            }
            _ => {
                let name = Ident::new(&format!("__P{i}"), Span::call_site());
                quote!(#name)
            }
        }
    }

    /// The type of the reader of part `i`.
    pub(crate) fn reader(&self, i: usize) -> TokenStream {
        match self.types.get(i) {
            Some((ty, false)) => quote!(<#ty as __row::ReadItem>::Reader),
            _ => {
                let name = Ident::new(&format!("__P{i}"), Span::call_site());
                quote!(#name)
            }
        }
    }

    /// The bounds of an implementation for the derived type under which all parts implement a trait.
    pub(crate) fn bounds(&self, part: &TokenStream) -> Bounds {
        let mut bounds = Bounds::of(self.input);
        for ty in self.generic() {
            bounds.add(at(ty, part));
        }
        for predicate in self.checks(part) {
            bounds.add(predicate);
        }
        bounds
    }

    /// That the parts without parameters implement a trait.
    ///
    /// It goes without saying, if they do. If not, the compiler says so where it finds this bound, which is at the type
    /// of the field, and takes it for granted everywhere else: one message instead of a dozen.
    pub(crate) fn checks(&self, part: &TokenStream) -> Vec<TokenStream> {
        let plain = self.types.iter().filter(|(ty, generic)| !generic && !is_primitive(ty) && !has_lifetime(ty));
        plain.map(|(ty, _)| at(ty, part)).collect()
    }

    /// The bounds of a builder or reader, whose parameters implement a trait.
    pub(crate) fn part_bounds(&self, parameter: Option<&TokenStream>, part: &TokenStream) -> Bounds {
        let mut predicates = self.checks(part);
        if let Some(parameter) = parameter {
            predicates.extend(self.names().iter().map(|name| quote!(#name: #parameter)));
        }
        Bounds { predicates }
    }

    /// The parameters that occur in what is stored.
    pub(crate) fn stored_parameters(&self) -> impl Iterator<Item = &GenericParam> {
        self.input.generics.params.iter().filter(|parameter| {
            let Some(name) = name_of(parameter) else { return false };
            self.types.iter().any(|(ty, generic)| *generic && mentions(ty, &[name]))
        })
    }

    /// An expression for the name of the C++ class, and the parameters that must have a type name for it.
    pub(crate) fn class_name(&self, explicit: Option<&LitStr>) -> Result<(TokenStream, Vec<Ident>)> {
        let argument = |parameter: &GenericParam, needed: &mut Vec<Ident>| match parameter {
            GenericParam::Type(ty) => {
                let ident = &ty.ident;
                needed.push(ident.clone());
                quote!(<#ident as __row::Item>::type_name())
            }
            GenericParam::Const(constant) => {
                let ident = &constant.ident;
                quote!(::std::string::ToString::to_string(&#ident))
            }
            GenericParam::Lifetime(_) => quote!(::std::string::String::new()),
        };
        let mut needed = Vec::new();
        let Some(explicit) = explicit else {
            use syn::ext::IdentExt;
            let class = self.input.ident.unraw().to_string();
            let arguments: Vec<TokenStream> =
                self.stored_parameters().map(|parameter| argument(parameter, &mut needed)).collect();
            if arguments.is_empty() {
                return Ok((quote!(::std::string::String::from(#class)), needed));
            }
            return Ok((quote!(__support::compose(#class, &[#(#arguments),*])), needed));
        };
        // Names of parameters in braces stand for what they are.
        let mut parts = Vec::new();
        let text = explicit.value();
        let mut rest = text.as_str();
        while let Some((before, behind)) = rest.split_once('{') {
            parts.push(quote!(::std::string::String::from(#before)));
            let (name, behind) =
                behind.split_once('}').ok_or_else(|| Error::new_spanned(explicit, "a brace is not closed"))?;
            let is_meant = |parameter: &&GenericParam| name_of(parameter).is_some_and(|ident| ident == name);
            let parameter = self.input.generics.params.iter().find(is_meant);
            let parameter = parameter.ok_or_else(|| {
                let of = &self.input.ident;
                Error::new_spanned(explicit, format!("`{name}` is no type parameter or constant parameter of `{of}`"))
            })?;
            parts.push(argument(parameter, &mut needed));
            rest = behind;
        }
        parts.push(quote!(::std::string::String::from(#rest)));
        Ok((quote!(__support::normalise(&[#(#parts),*].concat())), needed))
    }

    /// Whether a type has a parameter in it.
    pub(crate) fn is_generic(&self, ty: &Type) -> bool {
        mentions(ty, &self.parameters)
    }
}
