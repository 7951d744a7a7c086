//! What the names on the command line stand for: files, and their formats.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::error::{Error, Result};
use crate::formats::Format;
use crate::transport::is_standard;

/// The files that the arguments mean. A name with `*`, `?` or `[` that is no file is a pattern, which the shell left alone.
pub(super) fn expand(names: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut out = Vec::new();
    for name in names {
        let text = name.to_string_lossy();
        if !text.contains(['*', '?', '[']) || text.contains("://") || name.exists() {
            out.push(name.clone());
            continue;
        }
        let wrong = |reason: String| Error::Table { file: text.clone().into_owned(), reason };
        let found = glob::glob(&text).map_err(|e| wrong(format!("not a pattern of file names: {e}")))?;
        let before = out.len();
        for path in found {
            out.push(path.map_err(|e| Error::Io { file: e.path().display().to_string(), source: e.into() })?);
        }
        if out.len() == before {
            return Err(wrong("no file matches this pattern".to_owned()));
        }
    }
    Ok(out)
}

/// The format that the extension of a file tells.
pub(super) fn format(name: &Path, option: &str) -> Result<Format> {
    if rntuple_io::storage::Storage::names_store(name) {
        return Ok(Format::RNTuple);
    }
    Format::of(name).ok_or_else(|| {
        let what = if is_standard(name) { "standard input and output have" } else { "its name has" };
        let name = name.to_string_lossy();
        Error::Usage(format!("{name}: {what} no extension that tells the format; say it with {option}"))
    })
}

/// The one format that all inputs have.
pub(super) fn format_of_all(inputs: &[PathBuf], given: Option<Format>) -> Result<Format> {
    if let Some(format) = given {
        return Ok(format);
    }
    let mut all = inputs.iter();
    let Some(first) = all.next() else { return Err(Error::Usage("there is nothing to read".to_owned())) };
    let format = format(first, "--from")?;
    for other in all {
        if self::format(other, "--from")? != format {
            let (first, other) = (first.to_string_lossy(), other.to_string_lossy());
            let reason = format!("{first} and {other} have different formats; convert each, then join the results");
            return Err(Error::Usage(reason));
        }
    }
    Ok(format)
}

/// The source may hold more than what is carried over, and with checkpoints it would be gone before it is read.
pub(super) fn refuse_source_as_target(inputs: &[PathBuf], output: &Path) -> Result<()> {
    for input in inputs.iter().filter(|input| !is_standard(input)) {
        if same_file(input, output).unwrap_or(input == output) {
            let file = output.to_string_lossy().into();
            let reason = "is the source; write to another file".to_owned();
            return Err(Error::Read(rntuple_io::Error::Argument { file, reason }));
        }
    }
    Ok(())
}

#[cfg(unix)]
fn same_file(a: &Path, b: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let (a, b) = (fs::metadata(a)?, fs::metadata(b)?);
    Ok((a.dev(), a.ino()) == (b.dev(), b.ino()))
}

#[cfg(not(unix))]
fn same_file(a: &Path, b: &Path) -> io::Result<bool> {
    Ok(fs::canonicalize(a)? == fs::canonicalize(b)?)
}
