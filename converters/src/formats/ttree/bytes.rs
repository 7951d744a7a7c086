//! A bounds-checked cursor over streamed objects: big-endian numbers, strings, and the headers of objects.

/// Why something cannot be read; the caller says where.
pub(super) type Outcome<T> = Result<T, String>;

/// In the size of an object: that it is one, and not a reference.
pub(super) const HAS_SIZE: u32 = 0x4000_0000;
/// The same, in the upper half of the size.
const SIZE_UPPER: u16 = 0x4000;
/// In the version of a collection: its objects are stored member by member.
const MEMBERWISE: u16 = 0x4000;

/// Position in the bytes of a record or of an entry.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// What leads an object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) version: u16,
    /// Position behind the object, where the header tells it.
    pub(super) end: Option<usize>,
    pub(super) memberwise: bool,
}

macro_rules! numbers {
    ($($name:ident $ty:ty, $size:literal;)*) => {$(
        pub(super) fn $name(&mut self) -> Outcome<$ty> {
            Ok(<$ty>::from_be_bytes(self.array()?))
        }
    )*};
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    pub(super) fn take(&mut self, n: usize) -> Outcome<&'a [u8]> {
        match self.bytes.get(self.at..).and_then(|rest| rest.get(..n)) {
            Some(taken) => {
                self.at += n;
                Ok(taken)
            }
            None => Err(format!("cut short: {n} bytes needed at byte {}, {} left", self.at, self.remaining())),
        }
    }

    fn array<const N: usize>(&mut self) -> Outcome<[u8; N]> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N)?);
        Ok(out)
    }

    numbers! {
        u8 u8, 1;
        i8 i8, 1;
        u16 u16, 2;
        i16 i16, 2;
        u32 u32, 4;
        i32 i32, 4;
        u64 u64, 8;
        i64 i64, 8;
        f32 f32, 4;
        f64 f64, 8;
    }

    /// Continues at a position that was met before, or that an object's size tells.
    pub(super) fn jump(&mut self, to: usize) -> Outcome<()> {
        if to > self.bytes.len() {
            return Err(format!("cut short: an object ends at byte {to} of {}", self.bytes.len()));
        }
        self.at = to;
        Ok(())
    }

    /// A count that is followed by at least `size` bytes for each item.
    pub(super) fn count(&mut self, size: usize) -> Outcome<usize> {
        let count = self.i32()?;
        match usize::try_from(count) {
            Ok(n) if n.saturating_mul(size) <= self.remaining() => Ok(n),
            _ => Err(format!("a count of {count} with {} bytes left", self.remaining())),
        }
    }

    /// The bytes of a string: length in one byte, or 255 and four bytes.
    pub(super) fn text(&mut self) -> Outcome<&'a [u8]> {
        let n = match self.u8()? {
            255 => usize::try_from(self.i32()?).map_err(|_| "a string of negative length".to_owned())?,
            short => usize::from(short),
        };
        self.take(n)
    }

    /// A name; what is not UTF-8 is replaced.
    pub(super) fn name(&mut self) -> Outcome<String> {
        Ok(String::from_utf8_lossy(self.text()?).into_owned())
    }

    /// The bytes up to a zero.
    pub(super) fn until_zero(&mut self) -> Outcome<&'a [u8]> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let n = rest.iter().position(|&byte| byte == 0).ok_or("a string without end")?;
        self.at += n + 1;
        Ok(rest.get(..n).unwrap_or_default())
    }

    /// The header of an object: its size, if it has one, and the version of its class.
    pub(super) fn head(&mut self) -> Outcome<Head> {
        let start = self.at;
        let size = self.u32()?;
        if size & HAS_SIZE == 0 {
            // Old objects, and some small ones, have a version only.
            self.at = start;
            return Ok(Head { version: self.u16()?, end: None, memberwise: false });
        }
        let end = self.at + (size & !HAS_SIZE) as usize;
        if end > self.bytes.len() || end < self.at + 2 {
            return Err(format!("an object of {} bytes with {} left", size & !HAS_SIZE, self.remaining()));
        }
        let version = self.u16()?;
        Ok(Head { version: version & !MEMBERWISE, end: Some(end), memberwise: version & MEMBERWISE != 0 })
    }

    /// Goes to the end of an object, over what is not known of it.
    pub(super) fn close(&mut self, head: Head) -> Outcome<()> {
        match head.end {
            Some(end) if end < self.at => Err(format!("an object has {} bytes less than its members", self.at - end)),
            Some(end) => self.jump(end),
            None => Ok(()),
        }
    }

    /// Reads `TObject`: unique ID, bits, and the ID of the process that objects that are referred to bring.
    pub(super) fn root_object(&mut self) -> Outcome<(u32, u32)> {
        const REFERENCED: u32 = 1 << 4;
        let version = self.u16()?;
        if version & SIZE_UPPER != 0 {
            self.take(4)?;
        }
        let (id, bits) = (self.u32()?, self.u32()?);
        if bits & REFERENCED != 0 {
            self.u16()?;
        }
        Ok((id, bits))
    }
}
