//! Compressed text, read and written as if it were not.

use std::ffi::OsStr;
use std::io::{self, BufReader, Chain, Cursor, Read, Write};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use liblzma::read::XzDecoder;

use crate::transport::Output;

/// Bytes that tell the compressions apart.
const MAGIC: usize = 6;

/// The text in `stream`, whose compression its first bytes tell: gzip, zstd, xz, bzip2, or none.
pub(crate) fn reader(mut stream: Box<dyn Read + Send>) -> io::Result<Box<dyn Read + Send>> {
    let mut start = Vec::with_capacity(MAGIC);
    stream.by_ref().take(MAGIC as u64).read_to_end(&mut start)?;
    let magic = start.clone();
    let whole: Chain<_, _> = Cursor::new(start).chain(stream);
    Ok(match magic.as_slice() {
        [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(BufReader::new(whole))),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Box::new(zstd::Decoder::new(whole)?),
        [0xfd, b'7', b'z', b'X', b'Z', 0] => Box::new(XzDecoder::new_multi_decoder(whole)),
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => Box::new(bzip2::read::MultiBzDecoder::new(whole)),
        _ => Box::new(whole),
    })
}

/// A text file under way that is compressed as the extension of its name says: `.gz`, `.zst`, `.xz`, `.bz2`, or not at all.
pub(crate) enum Compressed {
    Plain(Output),
    Gzip(flate2::write::GzEncoder<Output>),
    Zstd(zstd::Encoder<'static, Output>),
    Xz(liblzma::write::XzEncoder<Output>),
    Bzip2(bzip2::write::BzEncoder<Output>),
}

impl Compressed {
    /// `name` is that of the output.
    pub(crate) fn new(name: &Path, output: Output) -> io::Result<Self> {
        Ok(match name.extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase).as_deref() {
            Some("gz") => Self::Gzip(flate2::write::GzEncoder::new(output, flate2::Compression::default())),
            Some("zst") => Self::Zstd(zstd::Encoder::new(output, zstd::DEFAULT_COMPRESSION_LEVEL)?),
            Some("xz") => Self::Xz(liblzma::write::XzEncoder::new(output, 6)),
            Some("bz2") => Self::Bzip2(bzip2::write::BzEncoder::new(output, bzip2::Compression::best())),
            _ => Self::Plain(output),
        })
    }

    /// Ends the compressed stream; the output is still to be finished.
    pub(crate) fn end(self) -> io::Result<Output> {
        match self {
            Self::Plain(output) => Ok(output),
            Self::Gzip(encoder) => encoder.finish(),
            Self::Zstd(encoder) => encoder.finish(),
            Self::Xz(encoder) => encoder.finish(),
            Self::Bzip2(encoder) => encoder.finish(),
        }
    }
}

impl Write for Compressed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(output) => output.write(bytes),
            Self::Gzip(encoder) => encoder.write(bytes),
            Self::Zstd(encoder) => encoder.write(bytes),
            Self::Xz(encoder) => encoder.write(bytes),
            Self::Bzip2(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(output) => output.flush(),
            Self::Gzip(encoder) => encoder.flush(),
            Self::Zstd(encoder) => encoder.flush(),
            Self::Xz(encoder) => encoder.flush(),
            Self::Bzip2(encoder) => encoder.flush(),
        }
    }
}

impl std::fmt::Debug for Compressed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compressed").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: Vec<u8>) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        reader(Box::new(Cursor::new(bytes)))?.read_to_end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn magic_bytes_tell_and_members_follow_each_other() {
        let gzip = |text: &str| {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(text.as_bytes()).unwrap();
            encoder.finish().unwrap()
        };
        let xz = |text: &str| {
            let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
            encoder.write_all(text.as_bytes()).unwrap();
            encoder.finish().unwrap()
        };
        let bzip2 = |text: &str| {
            let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
            encoder.write_all(text.as_bytes()).unwrap();
            encoder.finish().unwrap()
        };
        let zstd = |text: &str| zstd::encode_all(text.as_bytes(), 1).unwrap();
        let plain = |text: &str| text.as_bytes().to_vec();
        type Compress<'a> = &'a dyn Fn(&str) -> Vec<u8>;
        let each: [Compress<'_>; 5] = [&gzip, &xz, &bzip2, &zstd, &plain];
        for compress in each {
            let both = [compress("a,b\n1,"), compress("2\n")].concat();
            assert_eq!(read(both.clone()).unwrap(), b"a,b\n1,2\n");
            assert_eq!(read(compress("")).unwrap(), b"");
        }
        // Cut off.
        for compress in [&gzip as &dyn Fn(&str) -> Vec<u8>, &xz, &bzip2, &zstd] {
            let mut bytes = compress("a,b\n1,2\n");
            bytes.truncate(bytes.len() - 5);
            assert!(read(bytes).is_err());
        }
        for text in ["", "a", "a,b\n"] {
            assert_eq!(read(plain(text)).unwrap(), text.as_bytes());
        }
    }
}
