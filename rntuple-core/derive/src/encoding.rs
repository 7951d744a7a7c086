//! Checks of `encoding = "..."`.

use syn::{Error, LitStr, Result, Type};

/// Column types that a writer can choose, without those that have parameters.
const PLAIN: [&str; 26] = [
    "Bit",
    "Byte",
    "Char",
    "Int8",
    "UInt8",
    "Int16",
    "UInt16",
    "Int32",
    "UInt32",
    "Int64",
    "UInt64",
    "SplitInt16",
    "SplitUInt16",
    "SplitInt32",
    "SplitUInt32",
    "SplitInt64",
    "SplitUInt64",
    "Index32",
    "Index64",
    "SplitIndex32",
    "SplitIndex64",
    "Real16",
    "Real32",
    "Real64",
    "SplitReal32",
    "SplitReal64",
];

/// Whether a text is an encoding, or several for a field with several columns.
pub(crate) fn check(text: &LitStr) -> Result<()> {
    for one in text.value().split(',') {
        if let Err(reason) = check_one(one.trim()) {
            return Err(Error::new_spanned(text, reason));
        }
    }
    Ok(())
}

fn check_one(text: &str) -> std::result::Result<(), String> {
    let (name, parameters) = match text.split_once('(') {
        Some((name, rest)) => match rest.strip_suffix(')') {
            Some(parameters) => (name, Some(parameters)),
            None => return Err(format!("`{text}` lacks a closing parenthesis")),
        },
        None => (text, None),
    };
    let bits = |text: &str, least: u16, most: u16| match text.trim().parse::<u16>() {
        Ok(bits) if (least..=most).contains(&bits) => Ok(()),
        _ => Err(format!("{name} stores {least} to {most} bits, not `{}`", text.trim())),
    };
    match (name, parameters) {
        ("Real32Trunc", Some(parameters)) => bits(parameters, 10, 31),
        ("Real32Trunc", None) => Err("give the number of bits: Real32Trunc(BITS)".to_owned()),
        ("Real32Quant", parameters) => {
            let parts: Vec<&str> = parameters.unwrap_or_default().split(';').collect();
            let [n, min, max] = parts.as_slice() else {
                return Err("give the number of bits and the range of values: Real32Quant(BITS;MIN;MAX)".to_owned());
            };
            bits(n, 1, 32)?;
            match (min.trim().parse::<f64>(), max.trim().parse::<f64>()) {
                (Ok(min), Ok(max)) if min < max && min.is_finite() && max.is_finite() => Ok(()),
                _ => Err(format!("`{}` to `{}` is no range of numbers", min.trim(), max.trim())),
            }
        }
        (name, None) if PLAIN.contains(&name) => Ok(()),
        (name, Some(_)) if PLAIN.contains(&name) => Err(format!("{name} has no parameters")),
        _ => Err(format!(
            "unknown encoding `{text}`: give a column type such as \"Real16\", \"SplitReal32\", \"Real32Trunc(12)\" or \
             \"Real32Quant(10;0;1)\""
        )),
    }
}

/// Whether an encoding can be that of a type, as far as the spelling of the type says what it is.
pub(crate) fn fits(encoding: &LitStr, ty: &Type) -> Result<()> {
    let Some(number) = number(ty) else { return Ok(()) };
    let text = encoding.value();
    let stores_reals = text.trim_start_matches("Split").starts_with("Real");
    let is_real = matches!(number.as_str(), "f16" | "f32" | "f64");
    let is_index = text.trim_start_matches("Split").starts_with("Index");
    let narrows = number == "f32" && text.ends_with("Real64");
    if is_index || (stores_reals == is_real && !narrows) {
        return Ok(());
    }
    Err(Error::new_spanned(encoding, format!("`{text}` does not store values of type `{number}`")))
}

/// The number that a type consists of, if that is plain to see.
fn number(ty: &Type) -> Option<String> {
    match ty {
        Type::Array(array) => number(&array.elem),
        Type::Slice(slice) => number(&slice.elem),
        Type::Reference(reference) => number(&reference.elem),
        Type::Paren(paren) => number(&paren.elem),
        Type::Group(group) => number(&group.elem),
        Type::Path(path) => {
            let last = path.path.segments.last()?;
            let name = last.ident.to_string();
            match (&last.arguments, name.as_str()) {
                (syn::PathArguments::AngleBracketed(arguments), "Vec" | "VecDeque" | "Option" | "Box") => {
                    match arguments.args.first()? {
                        syn::GenericArgument::Type(ty) => number(ty),
                        _ => None,
                    }
                }
                (
                    syn::PathArguments::None,
                    "bool" | "i8" | "u8" | "i16" | "u16" | "i32" | "u32" | "i64" | "u64" | "f16" | "f32" | "f64",
                ) => Some(name),
                _ => None,
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        for text in ["Real16", "SplitIndex32,Char", "Real32Trunc(10)", "Real32Trunc( 31 )", "Real32Quant(1; -2.5; 3e4)"]
        {
            assert_eq!(text.split(',').try_for_each(|one| check_one(one.trim())), Ok(()), "{text}");
        }
        for text in [
            "",
            "real16",
            "Real16()",
            "Real32Trunc",
            "Real32Trunc(9)",
            "Real32Trunc(32)",
            "Real32Trunc(12",
            "SplitReal16",
            "Real32Quant(12)",
            "Real32Quant(0;0;1)",
            "Real32Quant(33;0;1)",
            "Real32Quant(8;1;1)",
            "Real32Quant(8;0;inf)",
            "Real32Quant(8;0;NaN)",
            "Real32Quant(8;0;1;2)",
        ] {
            assert!(check_one(text).is_err(), "{text}");
        }
    }

    #[test]
    fn types() {
        let fits = |encoding: &str, ty: &str| {
            let encoding = LitStr::new(encoding, proc_macro2::Span::call_site());
            fits(&encoding, &syn::parse_str(ty).unwrap()).is_ok()
        };
        assert!(fits("Real16", "Vec<[f32; 3]>") && fits("Real32Trunc(12)", "Option<f64>") && fits("Real64", "f64"));
        assert!(fits("SplitIndex32", "Vec<u8>") && fits("Int32", "i32") && fits("Real16", "Mine<u8>"));
        assert!(!fits("Real16", "u32") && !fits("SplitReal64", "Vec<f32>") && !fits("Int32", "&'a [f32]"));
    }
}
