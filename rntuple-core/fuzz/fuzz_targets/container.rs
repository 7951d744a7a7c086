//! File header, directory, keys, anchor, split payloads.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rntuple_core::checksum::xxh3;
use rntuple_core::container::root_file::{Anchor, Directory, FileHeader, Key, SplitPayload, parse_key_list};

fuzz_target!(|data: &[u8]| {
    if let Ok(header) = FileHeader::parse(data) {
        let _ = header.directory_at();
    }
    let _ = Directory::parse(data, 0);
    let _ = Key::parse(data, 0).map(|key| (key.payload_at(), key.payload_len()));
    let _ = parse_key_list(data, 0);
    let _ = Anchor::from_record(data, 78);
    // With the right checksum.
    if data.len() > 6 {
        let sealed = [data, &xxh3(&data[6..]).to_be_bytes()].concat();
        let _ = Anchor::parse(&sealed);
    }
    if let Some((numbers, first)) = data.split_first_chunk::<24>() {
        let number = |i: usize| u64::from_le_bytes(std::array::from_fn(|j| numbers[8 * i + j]));
        if let Ok(Some(split)) = SplitPayload::plan(number(0), number(1), number(2)) {
            let _ = (split.first_chunk(), split.first_data_len(), split.other_chunks(first));
        }
    }
});
