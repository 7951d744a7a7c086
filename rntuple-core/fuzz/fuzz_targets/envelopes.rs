//! Header and footer, with frame and checksum put around the input.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use rntuple_core::arrow::{Plan, Projection, ReadOptions};
use rntuple_core::checksum::xxh3;
use rntuple_core::metadata::{Footer, Header};

fn envelope(kind: u64, content: &[u8]) -> Vec<u8> {
    let head = kind | (content.len() as u64 + 16) << 16;
    let mut bytes = [&head.to_le_bytes(), content].concat();
    bytes.extend(xxh3(&bytes).to_le_bytes());
    bytes
}

fuzz_target!(|data: &[u8]| {
    // The first two bytes say where the footer begins.
    let Some((split, rest)) = data.split_first_chunk::<2>() else { return };
    let split = usize::from(u16::from_le_bytes(*split)).min(rest.len());
    let (header, footer) = rest.split_at(split);
    let Ok(header) = Header::parse(&envelope(1, header)) else { return };
    // Flags of the footer, then the checksum that it must repeat.
    let footer = [&[0; 8][..], &header.checksum.to_le_bytes(), footer].concat();
    let Ok((footer, schema)) = Footer::parse(&envelope(2, &footer), header) else { return };
    let _ = footer.entries();
    let schema = Arc::new(schema);
    for field in schema.fields() {
        let _ = (schema.path(field.id), schema.problem(field), field.parsed_type());
    }
    let _ = Plan::new(&schema, &Projection::all(), &ReadOptions::default());
    let _ = Plan::new(&schema, &Projection::patterns(["*.x", "**_0"]), &ReadOptions::default());
});
