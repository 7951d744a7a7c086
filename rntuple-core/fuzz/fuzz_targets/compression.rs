//! Stored buffers: the first four bytes say how long the content should be.
#![no_main]

use std::io::Read;

use libfuzzer_sys::fuzz_target;
use rntuple_core::compression::{BlockReader, block_headers, decompress, decompress_to_vec};

fuzz_target!(|data: &[u8]| {
    let Some((expected, src)) = data.split_first_chunk::<4>() else { return };
    // Up to the size of one block, and a little more.
    let expected = u32::from_le_bytes(*expected) as usize & 0x1ff_ffff;
    let _ = block_headers(src).count();
    let mut whole = Vec::new();
    let whole = decompress_to_vec(src, expected, &mut whole).map(|()| whole);
    let mut pieces = Vec::new();
    let pieces = match BlockReader::new(src, expected) {
        Ok(mut reader) => reader.read_to_end(&mut pieces).map(|_| pieces).map_err(|_| ()),
        Err(_) => Err(()),
    };
    // Two ways to the same content.
    if let (Ok(whole), Ok(pieces)) = (&whole, &pieces) {
        assert!(whole == pieces);
    }
    if expected < 1 << 16 {
        let mut out = vec![0; expected];
        if decompress(src, &mut out).is_ok() {
            assert!(whole.is_ok_and(|whole| whole == out));
        }
    }
});
