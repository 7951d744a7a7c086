//! Numbers as ROOT streams them, and as Arrow has them.

use arrow::array::{ArrayRef, BooleanArray, make_array};
use arrow::buffer::{BooleanBuffer, Buffer};
use arrow::datatypes::DataType;

use super::bytes::{Cursor, Outcome};

/// How a number is stored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number {
    Bool,
    Char,
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    I64,
    U64,
    F32,
    F64,
    /// `Float16_t`.
    Float16(Packing),
    /// `Double32_t`.
    Double32(Packing),
    /// `TObject`'s bits, which two more bytes may follow.
    Bits,
}

/// How `Float16_t` and `Double32_t` are packed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Packing {
    /// As `float`.
    Float,
    /// Exponent, and so many bits of the mantissa and the sign, in three bytes.
    Mantissa(u32),
    /// A 32-bit integer: value = minimum + integer / factor.
    Range { minimum: f64, factor: f64 },
}

impl Number {
    /// ROOT's code of a basic type; `title` may have the range of packed numbers.
    pub(super) fn of_code(code: i32, title: &str) -> Option<Self> {
        Some(match code {
            1 => Self::Char,
            2 => Self::I16,
            3 | 6 => Self::I32,
            4 | 16 => Self::I64,
            5 => Self::F32,
            8 => Self::F64,
            9 => Self::Double32(packing(title, Packing::Float)),
            11 => Self::U8,
            12 => Self::U16,
            13 => Self::U32,
            14 | 17 => Self::U64,
            15 => Self::Bits,
            18 => Self::Bool,
            19 => Self::Float16(packing(title, Packing::Mantissa(12))),
            _ => return None,
        })
    }

    /// The type that C++ code, or ROOT, spells like this.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        Some(match name {
            "bool" | "Bool_t" => Self::Bool,
            "char" | "Char_t" => Self::Char,
            "signed char" | "int8_t" | "std::int8_t" => Self::I8,
            "unsigned char" | "UChar_t" | "uint8_t" | "std::uint8_t" | "Byte_t" => Self::U8,
            "short" | "Short_t" | "short int" | "int16_t" | "std::int16_t" => Self::I16,
            "unsigned short" | "UShort_t" | "uint16_t" | "std::uint16_t" => Self::U16,
            "int" | "Int_t" | "int32_t" | "std::int32_t" => Self::I32,
            "unsigned int" | "UInt_t" | "unsigned" | "uint32_t" | "std::uint32_t" => Self::U32,
            "long" | "Long_t" | "long long" | "Long64_t" | "int64_t" | "std::int64_t" => Self::I64,
            "unsigned long" | "ULong_t" | "unsigned long long" | "ULong64_t" | "uint64_t" | "std::uint64_t"
            | "size_t" => Self::U64,
            "float" | "Float_t" => Self::F32,
            "double" | "Double_t" => Self::F64,
            "Float16_t" => Self::Float16(Packing::Mantissa(12)),
            "Double32_t" => Self::Double32(Packing::Float),
            _ => return None,
        })
    }

    /// The type of a leaf of this class.
    pub(super) fn of_leaf(class: &str, unsigned: bool, title: &str) -> Option<Self> {
        Some(match (class, unsigned) {
            ("TLeafO", _) => Self::Bool,
            ("TLeafB", false) => Self::Char,
            ("TLeafB", true) => Self::U8,
            ("TLeafS", false) => Self::I16,
            ("TLeafS", true) => Self::U16,
            ("TLeafI", false) => Self::I32,
            ("TLeafI", true) => Self::U32,
            ("TLeafL" | "TLeafG", false) => Self::I64,
            ("TLeafL" | "TLeafG", true) => Self::U64,
            ("TLeafF", _) => Self::F32,
            ("TLeafD", _) => Self::F64,
            ("TLeafF16", _) => Self::Float16(packing(title, Packing::Mantissa(12))),
            ("TLeafD32", _) => Self::Double32(packing(title, Packing::Float)),
            _ => return None,
        })
    }

    /// Bytes as stored.
    pub(super) fn stored(self) -> usize {
        match self {
            Self::Bool | Self::Char | Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::I32 | Self::U32 | Self::F32 | Self::Bits => 4,
            Self::I64 | Self::U64 | Self::F64 => 8,
            Self::Float16(Packing::Mantissa(_)) | Self::Double32(Packing::Mantissa(_)) => 3,
            Self::Float16(_) | Self::Double32(_) => 4,
        }
    }

    /// Whether each takes as many bytes.
    pub(super) fn is_fixed(self) -> bool {
        self != Self::Bits
    }

    pub(super) fn arrow(self) -> DataType {
        match self {
            Self::Bool => DataType::Boolean,
            Self::Char | Self::I8 => DataType::Int8,
            Self::U8 => DataType::UInt8,
            Self::I16 => DataType::Int16,
            Self::U16 => DataType::UInt16,
            Self::I32 => DataType::Int32,
            Self::U32 | Self::Bits => DataType::UInt32,
            Self::I64 => DataType::Int64,
            Self::U64 => DataType::UInt64,
            Self::F32 | Self::Float16(_) => DataType::Float32,
            Self::F64 | Self::Double32(_) => DataType::Float64,
        }
    }

    pub(super) fn is_integer(self) -> bool {
        self.arrow().is_integer()
    }

    /// What an RNTuple field needs to know beside the Arrow type: type name, alias, encoding.
    pub(super) fn metadata(self) -> Vec<(&'static str, &'static str)> {
        use rntuple_core::arrow::{ALIAS, ENCODING, TYPE};
        match self {
            Self::Char => vec![(TYPE, "char")],
            // The values are those of floats: nothing is lost.
            Self::Double32(Packing::Float | Packing::Mantissa(_)) => {
                vec![(TYPE, "double"), (ALIAS, "Double32_t"), (ENCODING, "SplitReal32")]
            }
            _ => Vec::new(),
        }
    }

    /// Reads `n` numbers, and appends them in the byte order of this machine.
    pub(super) fn read(self, n: usize, cursor: &mut Cursor<'_>, out: &mut Vec<u8>) -> Outcome<()> {
        if self == Self::Bits {
            const REFERENCED: u32 = 1 << 4;
            for _ in 0..n {
                let bits = cursor.u32()?;
                if bits & REFERENCED != 0 {
                    cursor.u16()?;
                }
                out.extend(bits.to_ne_bytes());
            }
            return Ok(());
        }
        let len = n.checked_mul(self.stored()).ok_or("too many numbers")?;
        let bytes = cursor.take(len)?;
        match self {
            Self::Float16(packing) => unpack::<4>(packing, bytes, out, |value| as_float(value).to_ne_bytes()),
            Self::Double32(packing) => unpack::<8>(packing, bytes, out, f64::to_ne_bytes),
            _ => match self.stored() {
                1 => out.extend_from_slice(bytes),
                2 => swap(bytes, out, |b| u16::from_be_bytes(b).to_ne_bytes()),
                4 => swap(bytes, out, |b| u32::from_be_bytes(b).to_ne_bytes()),
                _ => swap(bytes, out, |b| u64::from_be_bytes(b).to_ne_bytes()),
            },
        }
        Ok(())
    }

    /// The array of what was read.
    pub(super) fn array(self, values: Vec<u8>) -> Outcome<ArrayRef> {
        if self == Self::Bool {
            let bits = BooleanBuffer::collect_bool(values.len(), |i| values.get(i).is_some_and(|&byte| byte != 0));
            return Ok(std::sync::Arc::new(BooleanArray::new(bits, None)));
        }
        let data_type = self.arrow();
        let width = data_type.primitive_width().unwrap_or(1);
        let len = values.len() / width;
        let data = arrow::array::ArrayData::builder(data_type)
            .len(len)
            .add_buffer(Buffer::from_vec(values))
            // Bytes grew one by one: their place may not suit wider numbers.
            .align_buffers(true)
            .build()
            .map_err(|e| e.to_string())?;
        Ok(make_array(data))
    }
}

fn swap<const N: usize>(bytes: &[u8], out: &mut Vec<u8>, change: impl Fn([u8; N]) -> [u8; N]) {
    let start = out.len();
    out.extend_from_slice(bytes);
    for value in out.get_mut(start..).unwrap_or_default().as_chunks_mut::<N>().0 {
        *value = change(*value);
    }
}

fn unpack<const N: usize>(packing: Packing, bytes: &[u8], out: &mut Vec<u8>, store: impl Fn(f64) -> [u8; N]) {
    match packing {
        Packing::Float => {
            for value in bytes.as_chunks::<4>().0 {
                out.extend(store(f32::from_be_bytes(*value).into()));
            }
        }
        Packing::Mantissa(bits) => {
            for &[exponent, high, low] in bytes.as_chunks::<3>().0 {
                out.extend(store(mantissa(exponent, u16::from_be_bytes([high, low]), bits).into()));
            }
        }
        Packing::Range { minimum, factor } => {
            for value in bytes.as_chunks::<4>().0 {
                out.extend(store(f64::from(u32::from_be_bytes(*value)) / factor + minimum));
            }
        }
    }
}

#[allow(clippy::cast_possible_truncation, reason = "Float16_t is a float in memory")]
fn as_float(value: f64) -> f32 {
    value as f32
}

/// A float out of its exponent and the upper bits of its mantissa, with the sign above those.
fn mantissa(exponent: u8, mantissa: u16, bits: u32) -> f32 {
    let fraction = (u32::from(mantissa) & ((1 << (bits + 1)) - 1)) << 23_u32.saturating_sub(bits);
    let value = f32::from_bits((u32::from(exponent) << 23) | fraction);
    if u32::from(mantissa) & (1 << (bits + 1)) != 0 { -value } else { value }
}

/// What a comment such as `x[3][0,10,8]` says: minimum, maximum, bits.
fn packing(title: &str, default: Packing) -> Packing {
    let bracket = |text: &str| -> Option<(String, String)> {
        let (_, inner) = text.split_once('[')?;
        let (inner, rest) = inner.split_once(']')?;
        Some((inner.to_owned(), rest.to_owned()))
    };
    let mut rest = title.to_owned();
    // The first bracket with a comma; the ones before are extents of arrays.
    let inner = loop {
        match bracket(&rest) {
            None => return default,
            Some((inner, _)) if inner.contains(',') => break inner,
            Some((_, after)) => rest = after,
        }
    };
    let mut parts = inner.split(',');
    let (low, high) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let bits = parts.next().and_then(|bits| bits.trim().parse::<u32>().ok()).unwrap_or(32);
    let bits = if (2..=32).contains(&bits) { bits } else { 32 };
    let (minimum, maximum) = (limit(low), limit(high));
    if minimum < maximum {
        let steps = if bits < 32 { f64::from(1_u32 << bits) } else { f64::from(u32::MAX) };
        return Packing::Range { minimum, factor: steps / (maximum - minimum) };
    }
    if bits < 15 { Packing::Mantissa(bits) } else { default }
}

fn limit(text: &str) -> f64 {
    use std::f64::consts::PI;
    let text = text.trim().to_lowercase();
    if !text.contains("pi") {
        return text.parse().unwrap_or(0.0);
    }
    let value = if text.contains("2pi") || text.contains("2*pi") || text.contains("twopi") {
        2.0 * PI
    } else if text.contains("pi/2") {
        PI / 2.0
    } else if text.contains("pi/4") {
        PI / 4.0
    } else {
        PI
    };
    if text.contains('-') { -value } else { value }
}
