//! Tests of the whole way: bytes that ROOT wrote, round trips, and damage.
#![expect(clippy::cast_possible_truncation, reason = "test data")]

use std::io::{BufRead, Read};

use proptest::prelude::*;

use super::*;

const ALL: [Algorithm; 5] = [Algorithm::Zlib, Algorithm::Lzma, Algorithm::OldDeflate, Algorithm::Lz4, Algorithm::Zstd];

/// One and the same page in blocks that ROOT wrote, with its settings.
const FROM_ROOT: [(u32, Algorithm, &str); 6] = [
    (101, Algorithm::Zlib, "5a4c08220000d007007801636064626661189104c328180d81d110180d81d110180d81e112020055c401f5"),
    (105, Algorithm::Zlib, "5a4c081c0000d00700785e6360646266611891c4281805a360148c8251306c000055c401f5"),
    (
        201,
        Algorithm::Lzma,
        "585a00540000d00700fd377a585a0000016922de360200210100000000372797d6e007cf00175d00000052500a9cc5d0e9920695442e\
         849312ac8a86d700000000779635f100012fd00f000000310c39e43e300d8b020000000001595a",
    ),
    (301, Algorithm::OldDeflate, "4353081c0000d00700636064626661189104c328180d81d110180d81d110180d81e1120200"),
    (404, Algorithm::Lz4, "4c3401210000d00700cc66bb36d21870215f00010203040500e30f0100ffffffffffffc3500000000000"),
    (505, Algorithm::Zstd, "5a5301190000d0070028b52ffd60d0067d00002800010203040200d2821fcc41152d"),
];

fn page_of_root() -> Vec<u8> {
    let mut page: Vec<u8> = (0..250u32).map(|i| (i % 5) as u8).collect();
    page.resize(2000, 0);
    page
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()
}

/// All three ways to unpack; they must agree on success, and on the bytes.
fn unpack(src: &[u8], expected: usize) -> Result<Vec<u8>, CompressionError> {
    let mut dst = vec![0xee; expected];
    let one = decompress(src, &mut dst).map(|()| dst);
    let mut out = vec![1, 2, 3];
    let two = decompress_to_vec(src, expected, &mut out).map(|()| out);
    let mut out = Vec::new();
    let three = BlockReader::new(src, expected).map_err(std::io::Error::from).and_then(|mut reader| {
        reader.read_to_end(&mut out)?;
        assert_eq!(reader.position(), out.len());
        Ok(out)
    });
    assert_eq!(one, two);
    match (&one, three) {
        (Ok(one), Ok(three)) => assert_eq!(*one, three),
        (Err(_), Err(error)) => {
            assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
            assert!(error.get_ref().unwrap().is::<CompressionError>());
        }
        (one, three) => panic!("{:?}, but the reader {:?}", one.is_ok(), three),
    }
    one
}

fn pack(settings: u32, src: &[u8]) -> Vec<u8> {
    let mut out = vec![7];
    compress(CompressionSettings::new(settings), src, &mut out).unwrap();
    assert_eq!(out.remove(0), 7);
    out
}

/// Compressible, but not trivially: slowly changing numbers.
fn numbers(len: usize) -> Vec<u8> {
    let mut state = 1u32;
    (0..len)
        .map(|i| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (i >> 9) as u8 ^ (state >> 30) as u8
        })
        .collect()
}

#[test]
fn blocks_of_root() {
    for (settings, algorithm, block) in FROM_ROOT {
        let block = hex(block);
        let headers: Vec<_> = block_headers(&block).collect::<Result<_, _>>().unwrap();
        assert_eq!(headers.len(), 1);
        assert_eq!(headers[0].algorithm, algorithm);
        assert_eq!(CompressionSettings::new(settings).algorithm(), Some(algorithm));
        assert_eq!(headers[0].uncompressed, 2000);
        assert_eq!(headers[0].data(&block).len(), block.len() - BLOCK_HEADER_SIZE);
        assert_eq!(unpack(&block, 2000).unwrap(), page_of_root());
    }
}

/// Where encoders are the same as ROOT's, so are their bytes.
#[test]
fn same_bytes_as_root() {
    for (settings, _, block) in FROM_ROOT {
        if matches!(settings, 201 | 404 | 505) {
            assert_eq!(pack(settings, &page_of_root()), hex(block), "{settings}");
        }
    }
}

/// One byte saved is enough.
#[test]
fn just_smaller_as_in_root() {
    for (settings, content, block) in [
        (
            401,
            "0000000000a1000000000000000000000000000000000000000000000000000000000000",
            "4c34011a0000240000ecfdb727d95af7b41000010010a105000f020002500000000000",
        ),
        (
            404,
            "026d000000000000000000000000000000000046bf004e0000000000560000000000000090000a0000",
            "4c34011f0000290000b3fc70d53a8a84a33c026d0001004146bf004e0900135611005090000a0000",
        ),
    ] {
        let (content, block) = (hex(content), hex(block));
        assert_eq!(block.len() + 1, content.len());
        assert_eq!(pack(settings, &content), block);
        assert_eq!(unpack(&block, content.len()).unwrap(), content);
    }
}

#[test]
fn stored_without_blocks() {
    assert_eq!(unpack(b"ZL\x08 anything", 12).unwrap(), b"ZL\x08 anything");
    assert_eq!(unpack(b"", 0).unwrap(), b"");
    assert_eq!(unpack(b"ab", 1), Err(CompressionError::StoredTooLarge { stored: 2, expected: 1 }));
    assert_eq!(unpack(b"", 1), Err(CompressionError::SizeMismatch { declared: 0, expected: 1 }));
}

#[test]
fn what_does_not_shrink_is_stored() {
    let noise: Vec<u8> = (0..300u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 23) as u8).collect();
    for algorithm in ALL {
        let settings = algorithm.code() * 100 + 5;
        for data in [&noise[..], b"", b"a", &[0; 10]] {
            assert_eq!(pack(settings, data), data, "{algorithm}");
        }
        assert!(pack(settings, &[0; 200]).len() < 200, "{algorithm}");
    }
    assert_eq!(pack(0, &[0; 200]), [0; 200]);
    assert_eq!(pack(500, &[0; 200]), [0; 200]);
    let mut out = Vec::new();
    assert_eq!(
        compress(CompressionSettings::new(605), &[0; 200], &mut out),
        Err(CompressionError::UnknownSettings { settings: 605 })
    );
    assert!(compress(CompressionSettings::new(5), &[0; 200], &mut out).is_err());
}

#[test]
fn several_blocks() {
    for algorithm in ALL {
        let level = if algorithm == Algorithm::Lzma { 0 } else { 1 };
        let settings = algorithm.code() * 100 + level.max(1);
        for (len, blocks) in [(MAX_BLOCK_SIZE, 1), (MAX_BLOCK_SIZE + 100, 2), (2 * MAX_BLOCK_SIZE + 5000, 3)] {
            if algorithm == Algorithm::Lzma && blocks == 3 {
                continue; // slow
            }
            let mut data = numbers(len.min(1 << 20));
            data.resize(len, 3);
            let packed = pack(settings, &data);
            let sizes: Vec<_> = block_headers(&packed).map(|header| header.unwrap().uncompressed).collect();
            assert_eq!(sizes.len(), blocks, "{algorithm}");
            assert_eq!(sizes[0], MAX_BLOCK_SIZE);
            assert_eq!(sizes.iter().sum::<usize>(), len);
            assert!(unpack(&packed, len).unwrap() == data);
        }
        // one last byte does not shrink: nothing is compressed
        let data = vec![0; MAX_BLOCK_SIZE + 1];
        assert!(pack(settings, &data) == data);
    }
}

#[test]
fn levels() {
    let data = numbers(100_000);
    for algorithm in ALL {
        let mut sizes = Vec::new();
        for level in 1..=9 {
            let packed = pack(algorithm.code() * 100 + level, &data);
            assert_eq!(unpack(&packed, data.len()).unwrap(), data);
            // the same again, whatever the thread did in between
            assert_eq!(pack(algorithm.code() * 100 + level, &data), packed);
            sizes.push(packed.len());
        }
        assert!(sizes[8] <= sizes[0], "{algorithm}: {sizes:?}");
        assert!(pack(algorithm.code() * 100 + 99, &data).len() < data.len());
    }
}

#[test]
fn what_is_appended_to() {
    let mut out = vec![7];
    let unknown = compress(CompressionSettings::new(605), &[0; 200], &mut out);
    assert_eq!(unknown, Err(CompressionError::UnknownSettings { settings: 605 }));
    assert_eq!(out, [7]);
    for algorithm in ALL {
        let settings = CompressionSettings::new(algorithm.code() * 100 + 1);
        // room is made for the result, not for what it might have been
        let mut out = Vec::new();
        compress(settings, &[0; 1 << 20], &mut out).unwrap();
        assert!(out.capacity() < 8000, "{algorithm}: {}", out.capacity());
        // two buffers, one behind the other
        let first = out.len();
        compress(settings, &numbers(5000), &mut out).unwrap();
        assert_eq!(unpack(&out[..first], 1 << 20).unwrap(), [0; 1 << 20]);
        assert_eq!(unpack(&out[first..], 5000).unwrap(), numbers(5000));
    }
}

/// A buffer for the result is kept; what was in it must not matter, and neither must how long it is.
#[test]
fn lengths_up_and_down() {
    let data = numbers(100_000);
    for settings in [101, 109, 203, 401, 409, 501, 505] {
        let lengths = [100_000, 10, 11, 30, 300, 65_536, 65_535, 2000, 99_999];
        let expected: Vec<_> = lengths
            .into_iter()
            .map(|len| {
                let data = data[..len].to_vec();
                std::thread::spawn(move || pack(settings, &data)).join().unwrap()
            })
            .collect();
        for _ in 0..2 {
            for (len, expected) in lengths.into_iter().zip(&expected) {
                assert!(pack(settings, &data[..len]) == *expected, "{settings}: {len}");
            }
        }
    }
}

#[test]
fn lz4_levels() {
    let data = numbers(100_000);
    let [fast, .., highest] = [401, 402, 403, 404, 405, 406, 407, 408, 409].map(|settings| pack(settings, &data));
    for settings in [402, 403] {
        assert!(pack(settings, &data) == fast);
    }
    for settings in [410, 412, 499] {
        assert!(pack(settings, &data) == highest);
    }
    let four = pack(404, &data).len();
    assert!(highest.len() < four && four < fast.len(), "{} {four} {}", fast.len(), highest.len());
    // nothing that is too short to be packed is a problem
    for len in 0..40 {
        for settings in [401, 404, 409] {
            assert_eq!(unpack(&pack(settings, &data[..len]), len).unwrap(), data[..len]);
            assert_eq!(unpack(&pack(settings, &vec![0; len]), len).unwrap(), vec![0; len]);
        }
    }
}

/// What levels mean to the encoders is part of being the same as ROOT.
#[test]
fn levels_of_the_encoders() {
    let data = numbers(2 << 20);
    for level in [1u32, 3, 5] {
        let expected = ::zstd::bulk::compress(&data, 2 * level.cast_signed()).unwrap();
        assert!(pack(500 + level, &data)[BLOCK_HEADER_SIZE..] == expected);
    }
    // the dictionary size of the LZMA2 filter: 2^18, a quarter of the data, 2^12
    let dictionary = |level: u32, len: usize| pack(200 + level, &numbers(len))[BLOCK_HEADER_SIZE + 16];
    assert_eq!(dictionary(1, 2 << 20), 14);
    assert_eq!(dictionary(1, 1 << 20), 12);
    assert_eq!(dictionary(1, 8000), 0);
    assert_eq!(dictionary(9, 8000), 0);
}

#[test]
fn lzma_with_a_huge_dictionary_is_refused() {
    use liblzma::stream::{Action, Check, Filters, LzmaOptions, Stream};
    let mut options = LzmaOptions::new_preset(0).unwrap();
    options.dict_size(256 << 20);
    let mut stream = Stream::new_stream_encoder(Filters::new().lzma2(&options), Check::Crc32).unwrap();
    let mut data = vec![0; 1000];
    stream.process(&[0; 2000], &mut data, Action::Finish).unwrap();
    data.truncate(stream.total_out() as usize);
    let mut block = vec![0; BLOCK_HEADER_SIZE];
    assert!(write_header(Algorithm::Lzma, data.len(), 2000, &mut block));
    block.extend(data);
    let error = unpack(&block, 2000).unwrap_err();
    assert!(matches!(error, CompressionError::Codec { algorithm: "lzma", .. }), "{error}");
}

#[test]
fn headers_that_lie() {
    for (_, algorithm, block) in FROM_ROOT {
        let block = hex(block);
        // too much or too little expected
        for expected in [0, 1, block.len() - 1, 1999, 2001, usize::MAX] {
            let error = decompress_to_vec(&block, expected, &mut Vec::new()).unwrap_err();
            let small = expected < block.len();
            match error {
                CompressionError::StoredTooLarge { .. } => assert!(small),
                CompressionError::SizeMismatch { declared: 2000, .. } => assert!(!small),
                error => panic!("{error}"),
            }
            assert!(BlockReader::new(&block, expected).is_err());
        }
        // the block declares more or less than there is, and so does the caller
        for declared in [1999usize, 2001, 2100, 0xff_ffff] {
            let mut block = block.clone();
            block[6..9].copy_from_slice(&(declared as u32).to_le_bytes()[..3]);
            let error = unpack(&block, declared).unwrap_err();
            assert!(matches!(error, CompressionError::Codec { offset: 0, .. }), "{algorithm} {declared} {error}");
        }
        // less data than there is: garbage after it, or a cut off end
        for change in [-9isize, -1, 1, 4] {
            let mut data = block[BLOCK_HEADER_SIZE..].to_vec();
            data.resize(data.len().checked_add_signed(change).unwrap(), 0);
            let mut block = vec![0; BLOCK_HEADER_SIZE];
            assert!(write_header(algorithm, data.len(), 2000, &mut block));
            block.extend(data);
            assert!(unpack(&block, 2000).is_err(), "{algorithm} {change}");
        }
        // cut off, or trailing garbage, around whole blocks
        for len in 0..block.len() {
            assert!(unpack(&block[..len], 2000).is_err());
        }
        for extra in [1, 8, 9, 20] {
            let mut block = block.clone();
            block.resize(block.len() + extra, 0);
            assert!(unpack(&block, 2000).is_err());
        }
        // a second block, and what that does to the sizes
        let twice = [&block[..], &block[..]].concat();
        assert_eq!(unpack(&twice, 4000).unwrap(), [page_of_root(), page_of_root()].concat());
        assert_eq!(unpack(&twice, 2000), Err(CompressionError::SizeMismatch { declared: 4000, expected: 2000 }));
        // not smaller than its content
        let mut block = block.clone();
        let len = block.len();
        block[6..9].copy_from_slice(&(len as u32).to_le_bytes()[..3]);
        block.push(0);
        assert!(matches!(block_headers(&block).next().unwrap(), Err(CompressionError::NotSmaller { offset: 0, .. })));
    }
}

#[test]
fn algorithms_and_methods() {
    for (_, _, block) in FROM_ROOT {
        let block = hex(block);
        for (at, value) in [(0, b'?'), (1, b'z'), (2, 9), (2, 2)] {
            let mut block = block.clone();
            block[at] = value;
            assert!(matches!(
                unpack(&block, 2000),
                Err(CompressionError::UnknownAlgorithm { offset: 0, bytes }) if bytes[at] == value
            ));
        }
    }
}

#[test]
fn lz4_checksum() {
    let mut block = hex(FROM_ROOT[4].2);
    block[9] ^= 1;
    let CompressionError::Checksum { offset: 0, stored, computed } = unpack(&block, 2000).unwrap_err() else {
        panic!()
    };
    assert_eq!(stored ^ computed, 1 << 56);
}

/// No byte of a block may matter in a way that is not noticed or harmless.
#[test]
fn damaged_bytes() {
    for (_, algorithm, block) in FROM_ROOT {
        let block = hex(block);
        for at in 0..block.len() {
            for flip in 1..=255u8 {
                let mut block = block.clone();
                block[at] ^= flip;
                let Ok(data) = unpack(&block, 2000) else {
                    continue;
                };
                // Algorithms with a checksum of their content notice all; the bare ones may give other data.
                let checked = matches!(algorithm, Algorithm::Zlib | Algorithm::Lzma | Algorithm::Lz4);
                assert!(!checked || data == page_of_root(), "{algorithm}: byte {at} ^ {flip}");
            }
        }
    }
}

#[test]
fn reader_gives_pieces_and_keeps_its_error() {
    let data = numbers(3_000_000);
    let packed = pack(505, &data);
    let mut reader = BlockReader::new(&packed, data.len()).unwrap();
    let mut longest = 0;
    let mut seen = Vec::new();
    loop {
        let piece = reader.fill_buf().unwrap();
        if piece.is_empty() {
            break;
        }
        longest = longest.max(piece.len());
        let take = piece.len().min(100_000);
        seen.extend_from_slice(&piece[..take]);
        reader.consume(take);
    }
    assert!(seen == data);
    assert!(longest <= 256 << 10);

    let mut damaged = packed.clone();
    let at = damaged.len() - 20;
    damaged[at..].fill(0xff);
    let mut reader = BlockReader::new(&damaged, data.len()).unwrap();
    let mut out = Vec::new();
    let first = reader.read_to_end(&mut out).unwrap_err().to_string();
    assert!(out.len() < data.len() && data.starts_with(&out));
    assert_eq!(reader.fill_buf().unwrap_err().to_string(), first);
    reader.consume(1000);
    assert_eq!(reader.position(), out.len());

    // nothing from behind a damaged block
    let good = hex(FROM_ROOT[4].2);
    let mut bad = good.clone();
    bad[9] ^= 1;
    let blocks = [&good[..], &bad, &good].concat();
    let mut reader = BlockReader::new(&blocks, 6000).unwrap();
    let mut out = Vec::new();
    for _ in 0..3 {
        assert!(reader.read_to_end(&mut out).is_err());
    }
    assert!(out == page_of_root());
}

#[test]
fn a_small_lie_allocates_little() {
    // 60 blocks of 16 MiB promised, garbage inside
    let mut src = Vec::new();
    for _ in 0..60 {
        src.extend(b"ZS\x01\x04\x00\x00\xff\xff\xff\x00\x00\x00\x00");
    }
    let mut out = Vec::new();
    assert!(decompress_to_vec(&src, 60 * MAX_BLOCK_SIZE, &mut out).is_err());
    assert!(out.capacity() <= 2 * MAX_BLOCK_SIZE);
    assert!(decompress_to_vec(&src, usize::MAX, &mut out).is_err());
}

proptest! {
    #[test]
    fn round_trip(
        data in prop::collection::vec(prop_oneof![Just(0u8), Just(1), any::<u8>()], 0..3000),
        code in 1u32..=5, level in 0u32..=9,
    ) {
        let packed = pack(code * 100 + level, &data);
        prop_assert!(packed.len() <= data.len());
        prop_assert_eq!(unpack(&packed, data.len()).unwrap(), data);
    }

    #[test]
    fn no_input_panics(
        mut src in prop::collection::vec(any::<u8>(), 0..200),
        algorithm in 0usize..5, expected in 0usize..4000,
    ) {
        let _ = unpack(&src, expected);
        if let Some(compressed) = src.len().checked_sub(BLOCK_HEADER_SIZE)
            && write_header(ALL[algorithm], compressed, expected, &mut src)
        {
            let _ = unpack(&src, expected);
        }
    }
}
