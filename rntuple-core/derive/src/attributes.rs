//! What `#[rntuple(...)]` says.

use syn::meta::ParseNestedMeta;
use syn::{Attribute, DeriveInput, Error, Expr, ExprPath, Ident, LitStr, Path, Result};

use crate::encoding;

/// In place of a value that is not stored.
pub(crate) enum Fallback {
    /// `Default::default()`, or the field of the container's default.
    Standard,
    /// What this function gives.
    Function(ExprPath),
}

/// Attributes of a struct or enum.
#[derive(Default)]
pub(crate) struct Container {
    pub(crate) rename_all: Option<Case>,
    pub(crate) type_name: Option<LitStr>,
    pub(crate) default: Option<Fallback>,
    pub(crate) write_only: bool,
    pub(crate) path: Option<Path>,
}

impl Container {
    const KNOWN: &str = "a struct or enum takes `rename_all`, `type_name`, `default`, `write_only` and `crate`";

    pub(crate) fn parse(input: &DeriveInput) -> Result<Self> {
        let mut out = Self::default();
        let mut path = None;
        parse(&input.attrs, |name, meta| match name {
            "rename_all" => set(&mut out.rename_all, meta, |meta| Case::parse(&string(meta)?)),
            "type_name" => set(&mut out.type_name, meta, string),
            "default" => set(&mut out.default, meta, fallback),
            "write_only" => flag(&mut out.write_only, meta),
            "crate" => set(&mut path, meta, |meta| string(meta)?.parse_with(Path::parse_mod_style)),
            _ => Err(unknown(meta, Self::KNOWN)),
        })?;
        out.path = path;
        Ok(out)
    }

    /// Refuses attributes that say nothing about this sort of type.
    pub(crate) fn refuse(&self, input: &DeriveInput, what: &str, refused: &[&str]) -> Result<()> {
        let given = |name: &&&str| match **name {
            "rename_all" => self.rename_all.is_some(),
            "type_name" => self.type_name.is_some(),
            "default" => self.default.is_some(),
            _ => false,
        };
        match refused.iter().find(given) {
            None => Ok(()),
            Some(name) => Err(Error::new_spanned(&input.ident, format!("`{name}` means nothing on {what}"))),
        }
    }
}

/// Attributes of a field, or of the value of a variant.
#[derive(Default)]
pub(crate) struct Member {
    pub(crate) rename: Option<LitStr>,
    pub(crate) skip: bool,
    pub(crate) default: Option<Fallback>,
    pub(crate) flatten: bool,
    pub(crate) slice: bool,
    pub(crate) type_name: Option<LitStr>,
    pub(crate) description: Option<LitStr>,
    pub(crate) encoding: Option<LitStr>,
}

impl Member {
    const KNOWN: &str = "a field takes `rename`, `skip`, `default`, `flatten`, `slice`, `type_name`, `description` and \
                         `encoding`";
    const KNOWN_ALTERNATIVE: &str = "a variant takes `type_name`, `description` and `encoding`";

    pub(crate) fn parse(attributes: &[Attribute]) -> Result<Self> {
        let mut out = Self::default();
        parse(attributes, |name, meta| match name {
            "rename" => set(&mut out.rename, meta, |meta| field_name(string(meta)?)),
            "skip" => flag(&mut out.skip, meta),
            "default" => set(&mut out.default, meta, fallback),
            "flatten" => flag(&mut out.flatten, meta),
            "slice" => flag(&mut out.slice, meta),
            _ => out.common(name, meta, Self::KNOWN),
        })?;
        let also = |name: &str, with: &[(&str, bool)]| match with.iter().find(|(_, given)| *given) {
            None => Ok(()),
            Some((with, _)) => {
                let attribute = attributes.iter().find(|attribute| attribute.path().is_ident("rntuple"));
                Err(Error::new_spanned(attribute, format!("`{name}` leaves no place for `{with}`")))
            }
        };
        let stored = [
            ("rename", out.rename.is_some()),
            ("type_name", out.type_name.is_some()),
            ("description", out.description.is_some()),
            ("encoding", out.encoding.is_some()),
            ("slice", out.slice),
        ];
        if out.skip {
            also("skip", &stored)?;
            also("skip", &[("flatten", out.flatten)])?;
        }
        if out.flatten {
            also("flatten", &stored)?;
            also("flatten", &[("default", out.default.is_some())])?;
        }
        Ok(out)
    }

    /// Attributes of a variant that holds a value.
    pub(crate) fn parse_alternative(attributes: &[Attribute]) -> Result<Self> {
        let mut out = Self::default();
        parse(attributes, |name, meta| out.common(name, meta, Self::KNOWN_ALTERNATIVE))?;
        Ok(out)
    }

    fn common(&mut self, name: &str, meta: &ParseNestedMeta<'_>, known: &str) -> Result<()> {
        match name {
            "type_name" => set(&mut self.type_name, meta, string),
            "description" => set(&mut self.description, meta, string),
            "encoding" => set(&mut self.encoding, meta, |meta| {
                let encoding = string(meta)?;
                encoding::check(&encoding)?;
                Ok(encoding)
            }),
            _ => Err(unknown(meta, known)),
        }
    }
}

/// Refuses all attributes.
pub(crate) fn none(attributes: &[Attribute], what: &str) -> Result<()> {
    parse(attributes, |_, meta| Err(unknown(meta, &format!("{what} takes none"))))
}

fn parse(attributes: &[Attribute], mut each: impl FnMut(&str, &ParseNestedMeta<'_>) -> Result<()>) -> Result<()> {
    let mut errors: Option<Error> = None;
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("rntuple")) {
        let result = attribute.parse_nested_meta(|meta| {
            let name = meta.path.get_ident().map(Ident::to_string).unwrap_or_default();
            each(&name, &meta)
        });
        match (result, &mut errors) {
            (Ok(()), _) => {}
            (Err(error), Some(errors)) => errors.combine(error),
            (Err(error), None) => errors = Some(error),
        }
    }
    errors.map_or(Ok(()), Err)
}

fn unknown(meta: &ParseNestedMeta<'_>, known: &str) -> Error {
    let path = &meta.path;
    meta.error(format!("unknown attribute `{}`: {known}", quote::quote!(#path)))
}

fn set<T>(
    slot: &mut Option<T>,
    meta: &ParseNestedMeta<'_>,
    value: impl FnOnce(&ParseNestedMeta<'_>) -> Result<T>,
) -> Result<()> {
    let value = value(meta)?;
    if slot.replace(value).is_some() {
        return Err(meta.error("this is given twice"));
    }
    Ok(())
}

fn flag(slot: &mut bool, meta: &ParseNestedMeta<'_>) -> Result<()> {
    if meta.input.peek(syn::Token![=]) {
        return Err(meta.error("this takes no value"));
    }
    if std::mem::replace(slot, true) {
        return Err(meta.error("this is given twice"));
    }
    Ok(())
}

fn string(meta: &ParseNestedMeta<'_>) -> Result<LitStr> {
    meta.value()?.parse()
}

fn fallback(meta: &ParseNestedMeta<'_>) -> Result<Fallback> {
    if !meta.input.peek(syn::Token![=]) {
        return Ok(Fallback::Standard);
    }
    let path = string(meta)?;
    match path.parse::<Expr>() {
        Ok(Expr::Path(function)) => Ok(Fallback::Function(function)),
        _ => {
            Err(Error::new_spanned(path, "this must be the path of a function without arguments, such as \"my::zero\""))
        }
    }
}

/// A name that a field of an RNTuple may have.
fn field_name(name: LitStr) -> Result<LitStr> {
    let text = name.value();
    if text.is_empty() {
        return Err(Error::new_spanned(name, "a field must have a name"));
    }
    if let Some(bad) = text.chars().find(|c| c.is_control() || matches!(c, '.' | '/' | '\\' | ' ')) {
        return Err(Error::new_spanned(name, format!("the name of a field must not hold {bad:?}")));
    }
    Ok(name)
}

/// How names are spelt.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Case {
    Lower,
    Upper,
    Pascal,
    Camel,
    Snake,
    ScreamingSnake,
}

impl Case {
    fn parse(text: &LitStr) -> Result<Self> {
        Ok(match text.value().as_str() {
            "lowercase" => Self::Lower,
            "UPPERCASE" => Self::Upper,
            "PascalCase" => Self::Pascal,
            "camelCase" => Self::Camel,
            "snake_case" => Self::Snake,
            "SCREAMING_SNAKE_CASE" => Self::ScreamingSnake,
            _ => {
                let message = "expected \"lowercase\", \"UPPERCASE\", \"PascalCase\", \"camelCase\", \"snake_case\" or \
                               \"SCREAMING_SNAKE_CASE\"";
                return Err(Error::new_spanned(text, message));
            }
        })
    }

    /// The name of a Rust field, which is in snake case, in this case.
    pub(crate) fn apply(self, name: &str) -> String {
        let pascal = || -> String {
            let word = |word: &str| {
                let mut chars = word.chars();
                chars.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(chars).collect::<String>()
            };
            name.split('_').map(word).collect()
        };
        match self {
            Self::Lower | Self::Snake => name.to_owned(),
            Self::Upper | Self::ScreamingSnake => name.to_ascii_uppercase(),
            Self::Pascal => pascal(),
            Self::Camel => {
                let pascal = pascal();
                let mut chars = pascal.chars();
                chars.next().map(|c| c.to_ascii_lowercase()).into_iter().chain(chars).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Case;

    #[test]
    fn cases() {
        let all = [Case::Lower, Case::Upper, Case::Pascal, Case::Camel, Case::Snake, Case::ScreamingSnake];
        let names = all.map(|case| case.apply("n_muons_2"));
        assert_eq!(names, ["n_muons_2", "N_MUONS_2", "NMuons2", "nMuons2", "n_muons_2", "N_MUONS_2"]);
    }
}
