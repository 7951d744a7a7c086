//! A bounds-checked cursor over bytes from outside, and its counterpart that writes, in either byte order.

use std::marker::PhantomData;

use byteorder::{BigEndian, ByteOrder, LittleEndian};

use crate::error::{Error, Result};

/// Cursor over little-endian bytes: the content of envelopes.
pub(crate) type Le<'a> = Cursor<'a, LittleEndian>;
/// Cursor over big-endian bytes: the records of a ROOT file.
pub(crate) type Be<'a> = Cursor<'a, BigEndian>;

#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a, O> {
    bytes: &'a [u8],
    pos: usize,
    /// Offset of `bytes[0]` in the structure that errors refer to.
    base: u64,
    order: PhantomData<O>,
}

macro_rules! numbers {
    ($($name:ident $ty:ty, $size:literal, $read:ident;)*) => {$(
        pub(crate) fn $name(&mut self, what: &'static str) -> Result<$ty> {
            Ok(O::$read(self.take(what, $size)?))
        }
    )*};
}

impl<'a, O: ByteOrder> Cursor<'a, O> {
    pub(crate) fn new(bytes: &'a [u8], base: u64) -> Self {
        Self { bytes, pos: 0, base, order: PhantomData }
    }

    /// Offset of the next byte, in the terms of errors.
    pub(crate) fn at(&self) -> u64 {
        self.base + self.pos as u64
    }

    pub(crate) fn remaining(&self) -> usize {
        self.bytes.len() - self.pos
    }

    pub(crate) fn take(&mut self, what: &'static str, n: usize) -> Result<&'a [u8]> {
        match self.bytes.get(self.pos..).and_then(|rest| rest.get(..n)) {
            Some(taken) => {
                self.pos += n;
                Ok(taken)
            }
            None => Err(Error::Truncated { what, at: self.at(), needed: n as u64, available: self.remaining() as u64 }),
        }
    }

    /// The next `n` bytes as a cursor of their own; this one continues behind them.
    pub(crate) fn sub(&mut self, what: &'static str, n: usize) -> Result<Self> {
        let base = self.at();
        Ok(Self::new(self.take(what, n)?, base))
    }

    numbers! {
        u16 u16, 2, read_u16;
        u32 u32, 4, read_u32;
        i32 i32, 4, read_i32;
        u64 u64, 8, read_u64;
        i64 i64, 8, read_i64;
        f64 f64, 8, read_f64;
    }

    pub(crate) fn u8(&mut self, what: &'static str) -> Result<u8> {
        Ok(self.take(what, 1)?.first().copied().unwrap_or_default())
    }

    /// `n` bytes of text.
    pub(crate) fn text(&mut self, what: &'static str, n: usize) -> Result<Box<str>> {
        let at = self.at();
        match std::str::from_utf8(self.take(what, n)?) {
            Ok(text) => Ok(text.into()),
            Err(e) => Err(Error::malformed(what, at, format!("not UTF-8: {e}"))),
        }
    }
}

impl Le<'_> {
    /// A string of an envelope: u32 length, then the bytes (format-spec/envelopes.md, basic types).
    pub(crate) fn string(&mut self, what: &'static str) -> Result<Box<str>> {
        let n = self.u32(what)? as usize;
        self.text(what, n)
    }
}

impl Be<'_> {
    /// A string of a ROOT file: u8 length, or 255 and a u32 length (format-spec/container.md, strings).
    ///
    /// Names in ROOT files have no declared encoding; bytes that are not UTF-8 are replaced.
    pub(crate) fn string(&mut self, what: &'static str) -> Result<Box<str>> {
        let n = match self.u8(what)? {
            255 => self.u32(what)? as usize,
            short => usize::from(short),
        };
        Ok(String::from_utf8_lossy(self.take(what, n)?).into())
    }
}

/// Writes little-endian bytes: the content of envelopes.
pub(crate) type LeWriter = Writer<LittleEndian>;
/// Writes big-endian bytes: the records of a ROOT file.
pub(crate) type BeWriter = Writer<BigEndian>;

/// Bytes put together number by number.
#[derive(Debug)]
pub(crate) struct Writer<O> {
    bytes: Vec<u8>,
    order: PhantomData<O>,
}

macro_rules! put_numbers {
    ($($name:ident $ty:ty, $size:literal, $write:ident;)*) => {$(
        pub(crate) fn $name(&mut self, value: $ty) {
            let mut bytes = [0; $size];
            O::$write(&mut bytes, value);
            self.bytes.extend(bytes);
        }
    )*};
}

impl<O: ByteOrder> Writer<O> {
    pub(crate) fn new() -> Self {
        Self { bytes: Vec::new(), order: PhantomData }
    }

    put_numbers! {
        u16 u16, 2, write_u16;
        u32 u32, 4, write_u32;
        i32 i32, 4, write_i32;
        u64 u64, 8, write_u64;
        i64 i64, 8, write_i64;
        f64 f64, 8, write_f64;
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }

    /// Bytes written so far.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    /// Fills with zeros up to `len` bytes.
    pub(crate) fn zeros_to(&mut self, len: usize) {
        if self.bytes.len() < len {
            self.bytes.resize(len, 0);
        }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// An offset, which has 64 bits in the big layouts of a ROOT file and else 32.
    pub(crate) fn offset(&mut self, what: &'static str, value: u64, big: bool) -> Result<()> {
        if big {
            self.u64(value);
        } else {
            self.u32(to_u32(what, value)?);
        }
        Ok(())
    }
}

impl LeWriter {
    /// Puts another number where [`Writer::u64`] or [`Writer::i64`] wrote one before.
    pub(crate) fn replace(&mut self, at: usize, value: [u8; 8]) {
        if let Some(place) = self.bytes.get_mut(at..).and_then(|rest| rest.first_chunk_mut()) {
            *place = value;
        }
    }

    /// A string of an envelope: u32 length, then the bytes (format-spec/envelopes.md, basic types).
    pub(crate) fn string(&mut self, what: &'static str, text: &str) -> Result<()> {
        self.blob(what, text.as_bytes())
    }

    /// Bytes, stored as a string is.
    pub(crate) fn blob(&mut self, what: &'static str, bytes: &[u8]) -> Result<()> {
        self.u32(to_u32(what, bytes.len() as u64)?);
        self.put(bytes);
        Ok(())
    }
}

impl BeWriter {
    /// A string of a ROOT file: u8 length, or 255 and a u32 length (format-spec/container.md, strings).
    pub(crate) fn string(&mut self, what: &'static str, text: &str) -> Result<()> {
        match u8::try_from(text.len()) {
            Ok(len) if len < 255 => self.u8(len),
            _ => {
                self.u8(255);
                self.u32(to_u32(what, text.len() as u64)?);
            }
        }
        self.put(text.as_bytes());
        Ok(())
    }
}

/// A number for a place of 32 bits.
pub(crate) fn to_u32(what: &'static str, value: u64) -> Result<u32> {
    u32::try_from(value).map_err(|_| Error::Limit { what, value, limit: u32::MAX.into() })
}
