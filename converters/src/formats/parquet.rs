//! Apache Parquet.

mod read;
mod write;

use std::fmt::Display;

use parquet::basic::{BrotliLevel, Compression, GzipLevel, ZstdLevel};

use crate::cli::Convert;
use crate::error::{Error, Result};

pub(super) use read::open;
pub(super) use write::create;

/// Level of zstd without one, that of zstd itself.
const ZSTD_LEVEL: i32 = 3;

fn table_error(file: &str, reason: impl Display) -> Error {
    Error::Table { file: file.to_owned(), reason: reason.to_string() }
}

/// What --compression asks of a Parquet file.
pub(crate) fn compression(args: &Convert) -> Result<Compression> {
    let Some(text) = args.compression.as_deref() else {
        return codec("zstd", None).map_err(Error::Usage);
    };
    let (name, level) = text.split_once(':').map_or((text, None), |(name, level)| (name, Some(level)));
    let known = "give zstd, gzip or brotli, with a level if you like (zstd:9), or snappy, lz4, none";
    let wrong = |reason: String| {
        let reason = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
        Error::Usage(format!("invalid value {text:?} for '--compression' of a Parquet file{reason}: {known}"))
    };
    codec(name, level).map_err(wrong)
}

fn codec(name: &str, level: Option<&str>) -> Result<Compression, String> {
    let number =
        |usual: i32| level.map_or(Ok(usual), |level| level.parse().map_err(|_| format!("{level} is no level")));
    let positive = |usual: i32| number(usual).and_then(|level| u32::try_from(level).map_err(|e| e.to_string()));
    match (name, level) {
        ("zstd", _) => ZstdLevel::try_new(number(ZSTD_LEVEL)?).map(Compression::ZSTD).map_err(|e| e.to_string()),
        ("gzip", _) => GzipLevel::try_new(positive(6)?).map(Compression::GZIP).map_err(|e| e.to_string()),
        ("brotli", _) => BrotliLevel::try_new(positive(5)?).map(Compression::BROTLI).map_err(|e| e.to_string()),
        ("snappy", None) => Ok(Compression::SNAPPY),
        ("lz4", None) => Ok(Compression::LZ4_RAW),
        ("none", None) => Ok(Compression::UNCOMPRESSED),
        _ => Err(String::new()),
    }
}
