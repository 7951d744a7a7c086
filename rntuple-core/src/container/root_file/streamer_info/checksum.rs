//! The checksum by which ROOT tells versions of a class apart (format-spec/container.md, streamer info).

/// The checksum of a class as ROOT computes it from its definition.
///
/// - `name`: the class as ROOT spells it, such as `ns::Box<vector<int> >`;
/// - `bases`: name and checksum of each base class; a standard container has none;
/// - `members`: name, type as ROOT spells it, and whether that is an enum (`std::byte` is one), of each member that is
///   stored.
///
/// Ranges in comments (`//[0,1,10]`) and C arrays count as well in C++, but RNTuple does not keep them: C arrays are
/// `std::array` here.
#[must_use]
pub fn type_checksum<'a>(
    name: &str,
    bases: impl IntoIterator<Item = (&'a str, Option<u32>)>,
    members: impl IntoIterator<Item = (&'a str, &'a str, bool)>,
) -> u32 {
    let mut sum = text(0, name);
    for (base, checksum) in bases {
        sum = text(sum, base);
        if let Some(checksum) = checksum {
            sum = step(sum, checksum);
        }
    }
    for (name, type_name, is_enum) in members {
        if is_enum {
            sum = step(sum, 1);
        }
        sum = text(text(sum, name), type_name);
    }
    sum
}

fn step(sum: u32, value: u32) -> u32 {
    sum.wrapping_mul(3).wrapping_add(value)
}

/// Bytes count as C++ chars, which are signed.
fn text(sum: u32, text: &str) -> u32 {
    text.bytes().fold(sum, |sum, byte| step(sum, i32::from(byte.cast_signed()).cast_unsigned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known answers of ROOT 6.40.
    #[test]
    fn as_root_computes_it() {
        let point = [("x", "float", false), ("y", "float", false)];
        assert_eq!(type_checksum("golden::Point", [], point), 0xe48a_a452);
        assert_eq!(type_checksum("golden::Empty", [], []), 0x04fd_6b54);
        let bases = [("golden::BaseA", Some(0x8f4e_8878)), ("golden::BaseB", Some(0x5289_657a))];
        assert_eq!(type_checksum("golden::Derived", bases, [("name", "string", false)]), 0x5258_7927);
        let members = [("n", "string", false), ("c", "Color", true), ("p", "Plain", true)];
        assert_eq!(type_checksum("Der", [("Base", Some(0x0003_e4f2))], members), 0x7aa5_dfe9);
    }
}
