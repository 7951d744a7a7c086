//! Unsealed pages: column type, number of elements and range come first.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rntuple_core::encoding::switch::switches;
use rntuple_core::encoding::{EncodingError, IndexKind, Quantizer, bits, index, real, split, zigzag};

fuzz_target!(|data: &[u8]| {
    let Some((head, page)) = data.split_first_chunk::<16>() else { return };
    let word = |i: usize| u32::from_le_bytes(std::array::from_fn(|j| head[i + j]));
    let (kind, width, start, len) = (head[0], u32::from(head[1]), word(4) as usize, usize::from(head[2]));
    // Mostly small numbers, now and then any.
    let n = if head[3] < 250 { usize::from(head[3]) } else { word(8) as usize };
    let start = if head[12] < 200 { start & 0xff } else { start };
    macro_rules! numbers {
        ($decode:path, $($ty:ty),*) => {$(
            let mut out = vec![<$ty>::default(); len];
            let _ = $decode(page, n, start, &mut out);
        )*};
    }
    match kind % 10 {
        0 => {
            numbers!(split::plain, u8, i8, u16, i16, u32, i32, u64, i64, f32, f64);
        }
        1 => {
            numbers!(split::unsplit, u16, u32, u64, f32, f64);
        }
        2 => {
            numbers!(zigzag::unsplit_zigzag, i16, i32, i64);
        }
        3 => {
            numbers!(real::real16, f32, f64);
            numbers!(real::split_real16, f32, f64);
        }
        4 => {
            let mut out = vec![0_f32; len];
            let _ = real::trunc(page, n, width, start, &mut out);
        }
        5 => {
            let (min, max) = (f64::from(f32::from_bits(word(8))), f64::from(f32::from_bits(word(12))));
            if let Ok(quantizer) = Quantizer::new(width, min, max) {
                let mut out = vec![0_f64; len];
                let _ = real::quant(page, n, &quantizer, start, &mut out);
            }
        }
        6 => {
            for kind in [IndexKind::Plain32, IndexKind::Plain64, IndexKind::Split32, IndexKind::Split64] {
                let mut count = 0;
                let walked = index::for_each_index(kind, page, n, start, len, None, &mut |values: &[u64]| {
                    count += values.len();
                    Ok::<_, EncodingError>(())
                });
                assert!(walked.is_err() || count == len);
            }
        }
        7 => {
            let _ = switches(page, n, start, len).map(Iterator::count);
        }
        8 => {
            let mut out = vec![0; len.div_ceil(8) + 1];
            let _ = bits::copy_bits(page, start, &mut out, usize::from(head[12] % 8), len);
        }
        _ => {
            let mut out = vec![0; len];
            let _ = bits::unpack(page, n, width, start, &mut out);
        }
    }
});
