//! Values of options as users write them.

use std::num::IntErrorKind;
use std::ops::RangeInclusive;
use std::time::Duration;

use arrow::datatypes::DataType;
use rntuple_core::compression::CompressionSettings;
use rntuple_core::schema::ColumnEncoding;
use rntuple_io::{Checkpoint, EntryRange};

/// A number of threads.
pub(super) fn threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("at least one thread is needed".to_owned()),
        Ok(threads) => Ok(threads),
        Err(_) => Err("not a number of threads".to_owned()),
    }
}

/// A number of rows.
pub(super) fn rows(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("at least one row is needed".to_owned()),
        Ok(rows) => Ok(rows),
        Err(_) => Err("not a number of rows".to_owned()),
    }
}

/// A column, and an Arrow type for it.
pub(super) fn cast(text: &str) -> Result<(String, DataType), String> {
    let wrong = || format!("{text:?} is not of the form COLUMN=TYPE");
    let (column, name) = text.rsplit_once('=').filter(|(column, _)| !column.is_empty()).ok_or_else(wrong)?;
    let short = match name.to_ascii_lowercase().as_str() {
        "bool" | "boolean" => Some(DataType::Boolean),
        "int8" => Some(DataType::Int8),
        "int16" => Some(DataType::Int16),
        "int32" => Some(DataType::Int32),
        "int64" => Some(DataType::Int64),
        "uint8" => Some(DataType::UInt8),
        "uint16" => Some(DataType::UInt16),
        "uint32" => Some(DataType::UInt32),
        "uint64" => Some(DataType::UInt64),
        "half" | "float16" => Some(DataType::Float16),
        "float" | "float32" => Some(DataType::Float32),
        "double" | "float64" => Some(DataType::Float64),
        "string" | "utf8" => Some(DataType::Utf8),
        "binary" => Some(DataType::Binary),
        "date" | "date32" => Some(DataType::Date32),
        "date64" => Some(DataType::Date64),
        _ => None,
    };
    let known = "int8 to int64, uint8 to uint64, half, float, double, bool, string, binary, date, or an Arrow type such as \
                 'Timestamp(µs)'";
    let parsed = short.map_or_else(|| name.parse().map_err(|e| format!("{e}; types are {known}")), Ok)?;
    Ok((column.to_owned(), parsed))
}

/// How far numbers may be apart.
pub(super) fn tolerance(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number >= 0.0 && number.is_finite() => Ok(number),
        _ => Err("not a number of at least zero".to_owned()),
    }
}

/// The limits of a histogram.
pub(super) fn limits(text: &str) -> Result<RangeInclusive<f64>, String> {
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    let limits = text.split_once("..").and_then(|(low, high)| Some((number(low)?, number(high)?)));
    match limits {
        Some((low, high)) if low < high && (high - low).is_finite() => Ok(low..=high),
        _ => Err(format!("{text:?} is not a range of numbers such as 0..100 or -2.5..2.5")),
    }
}

/// A range of entries; negative bounds count from the end.
pub(super) fn entries(text: &str) -> Result<EntryRange, String> {
    let wrong = || format!("{text:?} is not a range of entries such as 100..200, 100.., ..200, -10.. or 7");
    let bound = |text: &str| match text.trim() {
        "" => Ok(None),
        number => number.parse::<i64>().map(Some).map_err(|_| wrong()),
    };
    if let Some((start, end)) = text.split_once("..") {
        return Ok(EntryRange::new(bound(start)?, bound(end)?));
    }
    let Some(only) = bound(text)? else { return Err(wrong()) };
    // The entry after the last one is the end, not entry 0.
    let end = if only == -1 { None } else { Some(only.checked_add(1).ok_or_else(wrong)?) };
    Ok(EntryRange::new(Some(only), end))
}

/// As [`size`], or none at all.
pub(super) fn size_or_zero(text: &str) -> Result<u64, String> {
    if text.trim() == "0" { Ok(0) } else { size(text) }
}

/// A number of bytes, at least 1: `4096`, `512K`, `128MiB`, `1.5G`, `2 MB`. Units are powers of 1024, but KB, MB, GB and
/// TB are powers of 1000.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is not a size such as 65536, 512K, 128MiB or 1G");
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit: u64 = match unit.trim_start().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "t" | "tib" => 1 << 40,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        _ => return Err(wrong()),
    };
    let (whole, part) = number.split_once('.').map_or((number, ""), |(whole, part)| (whole, part));
    // More digits after the point than a billion-th of a unit are a slip of the finger.
    if (whole.is_empty() && part.is_empty()) || part.len() > 9 {
        return Err(wrong());
    }
    let too_large = || format!("{text:?} is more than a file can hold");
    let digits = |digits: &str| match digits.parse::<u64>() {
        Ok(number) => Ok(number),
        Err(error) => match error.kind() {
            IntErrorKind::Empty => Ok(0),
            IntErrorKind::PosOverflow => Err(too_large()),
            _ => Err(wrong()),
        },
    };
    let scale = 10_u64.pow(u32::try_from(part.len()).unwrap_or(9));
    let fraction = u128::from(digits(part)?) * u128::from(unit) / u128::from(scale);
    let bytes = u128::from(digits(whole)?) * u128::from(unit) + fraction;
    match u64::try_from(bytes) {
        Ok(0) => Err("at least one byte is needed".to_owned()),
        Ok(bytes) if bytes <= i64::MAX.unsigned_abs() => Ok(bytes),
        _ => Err(too_large()),
    }
}

/// How pages are to be compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    /// With the setting that most of the source's data have.
    Keep,
    To(CompressionSettings),
}

pub(crate) fn compression(text: &str) -> Result<Compression, String> {
    if text == "keep" { Ok(Compression::Keep) } else { setting(text).map(Compression::To) }
}

pub(super) fn setting(text: &str) -> Result<CompressionSettings, String> {
    let known =
        "give zstd, zlib, lz4 or lzma, with a level if you like (zstd:5), a number as ROOT has them (505), or none";
    text.parse().map_err(|error| format!("{error}; {known}"))
}

/// A value for the fields that match a pattern.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ForFields<T> {
    pub(crate) pattern: String,
    pub(crate) value: T,
}

fn for_fields<T>(text: &str, value: impl FnOnce(&str) -> Result<T, String>) -> Result<ForFields<T>, String> {
    // Names of fields may have an equals sign in them, values have none.
    let (pattern, text) = text.rsplit_once('=').ok_or_else(|| format!("{text:?} is not of the form FIELDS=VALUE"))?;
    if pattern.is_empty() {
        return Err("which fields? `**` stands for all".to_owned());
    }
    Ok(ForFields { pattern: pattern.to_owned(), value: value(text)? })
}

pub(super) fn field_compression(text: &str) -> Result<ForFields<CompressionSettings>, String> {
    for_fields(text, setting)
}

pub(super) fn encoding(text: &str) -> Result<ForFields<ColumnEncoding>, String> {
    for_fields(text, |text| text.parse().map_err(|error: rntuple_core::schema::InvalidEncoding| error.to_string()))
}

/// When to bring the file up to date: a number of clusters, or a time in seconds such as `30s`.
pub(super) fn checkpoint(text: &str) -> Result<Checkpoint, String> {
    let wrong = || format!("{text:?} is neither a number of clusters such as 4 nor a time such as 30s");
    if let Some(seconds) = text.strip_suffix('s') {
        let seconds = seconds.trim_end().parse::<f64>().map_err(|_| wrong())?;
        let time = Duration::try_from_secs_f64(seconds).map_err(|_| wrong())?;
        return Ok(Checkpoint::Every(time));
    }
    match text.parse() {
        Ok(0) | Err(_) => Err(wrong()),
        Ok(clusters) => Ok(Checkpoint::Clusters(clusters)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rntuple_core::schema::ColumnType;

    #[test]
    fn ranges_are_resolved_against_the_number_of_entries() {
        let resolve = |text: &str| entries(text).unwrap().resolve(10);
        assert_eq!(resolve("2..5"), 2..5);
        assert_eq!(resolve("2.."), 2..10);
        assert_eq!(resolve("..5"), 0..5);
        assert_eq!(resolve(".."), 0..10);
        assert_eq!(resolve("-3.."), 7..10);
        assert_eq!(resolve("-3..-1"), 7..9);
        assert_eq!(resolve("..-3"), 0..7);
        assert_eq!(resolve("4"), 4..5);
        assert_eq!(resolve("-1"), 9..10);
        assert_eq!(resolve("-2"), 8..9);
        // Outside, empty, backwards.
        assert_eq!(resolve("8..99"), 8..10);
        assert_eq!(resolve("-99..2"), 0..2);
        assert_eq!(resolve("5..5"), 5..5);
        assert_eq!(resolve("5..2"), 5..5);
        assert_eq!(resolve("99.."), 10..10);
        assert_eq!(resolve("99"), 10..10);
        assert_eq!(resolve("-9223372036854775808.."), 0..10);
    }

    #[test]
    fn other_texts_are_no_ranges() {
        for text in [
            "",
            "a",
            "1..b",
            "1...3",
            "1-3",
            "0x1..",
            "1..2..3",
            "1.5",
            "9223372036854775807",
            "99999999999999999999..",
        ] {
            assert!(entries(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_have_units() {
        for (text, bytes) in [
            ("1", 1),
            ("65536", 65536),
            ("512K", 512 << 10),
            ("1m", 1 << 20),
            ("128MiB", 128 << 20),
            ("1.5G", 3 << 29),
            ("2 MB", 2_000_000),
            (".5k", 512),
            ("4096B", 4096),
            ("8191P", 0),
            ("0", 0),
            ("0.1", 0),
            ("-1", 0),
            ("", 0),
            ("M", 0),
            (".", 0),
            ("1.2.3", 0),
            ("1e9", 0),
            ("99999999999999999999", 0),
            ("9999999999G", 0),
        ] {
            assert_eq!(size(text).ok(), (bytes > 0).then_some(bytes), "{text}");
        }
    }

    #[test]
    fn compressions_have_names_and_numbers() {
        let to = |n| Ok(Compression::To(CompressionSettings::new(n)));
        assert_eq!(compression("keep"), Ok(Compression::Keep));
        assert_eq!(compression("none"), to(0));
        assert_eq!(compression("zstd:9"), to(509));
        assert_eq!(compression("207"), to(207));
        for text in ["", "gzip", "zstd:", "zstd:100", "905", "-1"] {
            assert!(compression(text).is_err(), "{text}");
        }
        let one = field_compression("a=b=lz4:4").unwrap();
        assert_eq!((one.pattern.as_str(), one.value.get()), ("a=b", 404));
        for text in ["zstd", "=zstd", "a=", "a=keep"] {
            assert!(field_compression(text).is_err(), "{text}");
        }
    }

    #[test]
    fn encodings_are_those_of_columns() {
        let one = encoding("Muon_*=Real32Quant(12;-4;4)").unwrap();
        assert_eq!(one.pattern, "Muon_*");
        assert_eq!((one.value.kind, one.value.bits), (ColumnType::Real32Quant, 12));
        assert!(encoding("Muon_pt=Float").is_err());
    }

    #[test]
    fn checkpoints_count_clusters_or_seconds() {
        assert_eq!(checkpoint("3"), Ok(Checkpoint::Clusters(3)));
        assert_eq!(checkpoint("30s"), Ok(Checkpoint::Every(Duration::from_secs(30))));
        assert_eq!(checkpoint("0.5s"), Ok(Checkpoint::Every(Duration::from_millis(500))));
        for text in ["", "0", "-1", "s", "-1s", "NaNs", "infs", "3 clusters"] {
            assert!(checkpoint(text).is_err(), "{text}");
        }
    }
}
