//! Container records that are written are those that ROOT wrote: keys, directories, key lists, anchors, free lists, the
//! file header, in the small and in the big layout.

use std::ops::Range;

use rntuple_core::Error;
use rntuple_core::container::root_file::{
    Anchor, Directory, EnvelopePlace, FileHeader, FreeSegment, Key, KeyFields, datime, parse_free_list, parse_key_list,
    raw_keys, serialize_free_list, serialize_key_list,
};

use crate::support::{envelope, file_header, read, slice, vectors};
use crate::write_metadata::{Seen, assert_same};

/// The golden files.
pub(crate) fn files() -> Vec<String> {
    let names = std::fs::read_dir(vectors()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".root")).collect();
    names.sort();
    assert_eq!(names.len(), 75);
    names
}

/// A record of a file, listed anywhere or not.
pub(crate) struct Record {
    pub(crate) key: Key,
    range: Range<usize>,
}

impl Record {
    pub(crate) fn payload<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        &bytes[self.range.clone()][usize::from(self.key.key_len)..]
    }

    /// The payload without compression, which small records of these files do not have.
    fn raw<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        assert_eq!(self.key.payload_len(), self.key.object_len, "{:?}", self.key);
        self.payload(bytes)
    }
}

/// All records of a file, from the first to the end, and the gaps between them.
pub(crate) fn records(bytes: &[u8]) -> (Vec<Record>, usize) {
    let header = file_header(bytes);
    let (mut at, end) = (usize::try_from(header.begin).unwrap(), usize::try_from(header.end).unwrap());
    let (mut records, mut gaps) = (Vec::new(), 0);
    while at < end {
        let size = i32::from_be_bytes(*bytes[at..].first_chunk().unwrap());
        if size < 0 {
            gaps += 1;
        } else {
            let key = Key::parse(&bytes[at..], at as u64).unwrap();
            records.push(Record { key, range: at..at + usize::try_from(size).unwrap() });
        }
        at += usize::try_from(size.unsigned_abs()).unwrap();
    }
    assert_eq!(at, end, "records fill the file");
    (records, gaps)
}

#[test]
fn container_records_of_golden_files() {
    let mut seen = Seen::default();
    let mut longer = Vec::new();
    for file in files() {
        let bytes = read(&file);
        let what = |part: &str| format!("{file}: {part}");
        let header = file_header(&bytes);
        assert_same(&header.serialize().unwrap(), &bytes[..FileHeader::STORED_LEN], &what("file header"));
        seen.add("big headers", usize::from(header.big));
        seen.add("headers with UUID", usize::from(header.uuid != [0; 16]));

        let (records, gaps) = records(&bytes);
        seen.add("gaps", gaps);
        let mut directories = vec![header.directory_at().unwrap()];
        for record in &records {
            let key = &record.key;
            let expected = &bytes[record.range.start..][..usize::from(key.key_len)];
            assert_eq!(key.at, record.range.start as u64);
            assert_eq!(key.fields().key_len().unwrap(), key.key_len);
            assert_same(&key.fields().serialize().unwrap(), expected, &what("key"));
            seen.add(if key.big { "big keys" } else { "small keys" }, 1);
            seen.add("keys with long strings", usize::from(key.name.len() > 254));
            if &*key.class == Anchor::CLASS {
                let anchor = Anchor::from_record(record.payload(&bytes), key.object_len).unwrap();
                let again = Anchor::new(anchor.version, anchor.header, anchor.footer, anchor.max_key_size);
                let expected = envelope(
                    &bytes,
                    &anchor,
                    EnvelopePlace { offset: key.payload_at(), stored: key.payload_len().into(), length: 78 },
                );
                assert_same(&again.serialize(), &expected, &what("anchor"));
                seen.add("anchors", 1);
            }
        }

        let record_at = |at: u64| records.iter().find(|record| record.key.at == at).unwrap();
        while let Some(at) = directories.pop() {
            let block = slice(&bytes, at, Directory::LEN as u64);
            let directory = Directory::parse(block, at).unwrap();
            assert_same(&directory.serialize().unwrap(), block, &what("directory"));
            assert_eq!(directory.at + u64::from(directory.nbytes_name), at, "{file}");
            seen.add("directories", 1);
            seen.add("subdirectories", usize::from(directory.parent != 0));
            if directory.key_list_at == 0 {
                continue;
            }
            let record = record_at(directory.key_list_at);
            assert_eq!(record.key.nbytes, directory.key_list_len);
            let payload = record.raw(&bytes);
            let keys = raw_keys(payload, record.key.payload_at()).unwrap();
            let again: Vec<&[u8]> = keys.iter().map(|(_, raw)| *raw).collect();
            let written = serialize_key_list(&again).unwrap();
            assert_same(&written, &payload[..written.len()], &what("key list"));
            assert_eq!(written.len(), payload.len(), "{file}");
            for (key, raw) in keys {
                assert_same(&key.fields().serialize().unwrap(), raw, &what("listed key"));
                assert_same(raw, &bytes[record_at(key.at).range.clone()][..raw.len()], &what("listed key"));
                seen.add("listed keys", 1);
                if Directory::CLASSES.contains(&&*key.class) {
                    directories.push(key.payload_at());
                }
            }
        }

        let (at, len) = header.free_list;
        let record = record_at(at);
        assert_eq!(record.key.nbytes, len, "{file}");
        let payload = record.raw(&bytes);
        let segments = parse_free_list(payload, record.key.payload_at()).unwrap();
        assert_eq!(segments.len(), header.free_segments as usize, "{file}");
        assert_eq!(*segments.last().unwrap(), FreeSegment::tail(header.end), "{file}");
        let written = serialize_free_list(&segments);
        assert_eq!(segments.iter().map(FreeSegment::stored_len).sum::<usize>(), written.len());
        assert_same(&written, &payload[..written.len()], &what("free list"));
        // The record of the list took one of the free segments whole, after its room was set aside.
        if written.len() < payload.len() {
            assert!(payload[written.len()..].iter().all(|byte| *byte == 0), "{file}");
            longer.push(file.clone());
        }
        for segment in &segments[..segments.len() - 1] {
            assert_same(&segment.gap(), slice(&bytes, segment.first, 4), &what("gap"));
            seen.add("free segments", 1);
        }
    }
    seen.check(&[
        ("big headers", 1),
        ("headers with UUID", 11),
        ("big keys", 900),
        ("small keys", 80),
        ("keys with long strings", 1),
        ("anchors", 92),
        ("directories", 82),
        ("subdirectories", 7),
        ("listed keys", 95),
        ("gaps", 20),
        ("free segments", 20),
    ]);
    assert_eq!(longer, ["big_pages.root"]);
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(&String::from_iter(pair), 16).unwrap()).collect()
}

/// From a file of ROOT 6.40 whose records lie behind byte 3,100,000,000.
#[test]
fn big_layouts() {
    let header =
        hex("726f6f74 00103c40 00000064 00000000b8c64a63 00000000b8c642aa 00000056 00000002 00000034 08 00000000
        00000000b8c6431d 000006d3 0001 89906e47eb124dffa5d587989cf16a09");
    let header = [header, vec![0; 25]].concat();
    let parsed = FileHeader::parse(&header).unwrap();
    assert_eq!((parsed.version, parsed.big, parsed.end), (64_000, true, 3_100_002_915));
    assert_eq!((parsed.free_list, parsed.free_segments), ((3_100_000_938, 86), 2));
    assert_eq!(parsed.uuid[..2], [0x89, 0x90]);
    assert_same(&parsed.serialize().unwrap(), &header, "file header");

    for block in [
        "03ed 7eeaba25 7eeaba26 00000073 00000034 0000000000000064 0000000000000000 00000000b8c649f0
            0001 89906e47eb124dffa5d587989cf16a09",
        "03ed 7eeaba25 7eeaba26 000000a4 00000035 00000000b8c63f00 0000000000000064 00000000b8c64206
            0001 69afff053f48402e97bd78eff3ae72ec",
    ] {
        let block = hex(block);
        let directory = Directory::parse(&block, 0).unwrap();
        assert!(directory.big && directory.key_list_at > 3_100_000_000);
        assert_eq!(directory.created + 1, directory.modified);
        assert_same(&directory.serialize().unwrap(), &block, "directory");
    }

    let free = hex("03e9 00000000b8c64300 00000000b8c6431c 03e9 00000000b8c64a63 00000000ee6b2800");
    let segments = parse_free_list(&free, 0).unwrap();
    assert_eq!(segments[0], FreeSegment { first: 3_100_001_024, last: 3_100_001_052 });
    assert_eq!(segments[1], FreeSegment::tail(parsed.end));
    assert_eq!(segments[0].gap(), (-29_i32).to_be_bytes());
    assert_same(&serialize_free_list(&segments), &free, "free list");

    let key = hex("00000071 03ec 0000003c 7eeaba25 0035 0001 00000000b8c63f00 0000000000000064
        0a 544469726563746f7279 03 737562 03 737562");
    let fields = KeyFields {
        nbytes: 113,
        object_len: 60,
        datime: 0x7eea_ba25,
        cycle: 1,
        at: 3_100_000_000,
        directory: 100,
        class: "TDirectory",
        name: "sub",
        title: "sub",
        big: true,
    };
    assert_eq!(fields.datime, datime(2026, 11, 21, 11, 40, 37));
    assert_same(&fields.serialize().unwrap(), &key, "key");
    let parsed = Key::parse(&key, 0).unwrap();
    assert_eq!(parsed.fields(), fields);

    // Behind 4 GiB the small layouts end.
    let mut small = FileHeader { big: false, end: u32::MAX.into(), ..FileHeader::parse(&header).unwrap() };
    assert_eq!(FileHeader::parse(&small.serialize().unwrap()).unwrap(), small);
    small.end += 1;
    assert!(matches!(small.serialize(), Err(Error::Limit { value: 0x1_0000_0000, .. })));
    let small = Directory { big: false, at: 1 << 32, ..Directory::default() };
    assert!(matches!(small.serialize(), Err(Error::Limit { .. })));
    assert!(matches!(KeyFields { big: false, at: 1 << 32, ..fields }.serialize(), Err(Error::Limit { .. })));
}

/// Strings of 255 bytes and more have a longer length; a key has less than 32 KiB; a record less than 2 GiB.
#[test]
fn sizes_of_keys() {
    let text = |len| "x".repeat(len);
    for (class, name, title) in [(0, 0, 0), (254, 255, 256), (1, 300, 254), (0, 32_000, 0)] {
        for big in [false, true] {
            let (class, name, title) = (text(class), text(name), text(title));
            let fields = KeyFields {
                nbytes: 40_000,
                object_len: 9,
                datime: 8,
                cycle: 7,
                at: 6,
                directory: 5,
                class: &class,
                name: &name,
                title: &title,
                big,
            };
            let bytes = fields.serialize().unwrap();
            assert_eq!(bytes.len(), usize::from(fields.key_len().unwrap()));
            let list = serialize_key_list(&[&bytes, &bytes]).unwrap();
            let keys = parse_key_list(&list, 0).unwrap();
            assert!(keys.len() == 2 && keys.iter().all(|key| key.fields() == fields));
            assert!(raw_keys(&list, 0).unwrap().iter().all(|(_, raw)| *raw == bytes));

            let key_len = u32::from(fields.key_len().unwrap());
            assert!(KeyFields { nbytes: key_len, ..fields }.serialize().is_ok());
            let shorter = KeyFields { nbytes: key_len - 1, ..fields };
            assert!(matches!(shorter.serialize(), Err(Error::Inconsistent { .. })));
            let longer = KeyFields { nbytes: 1 << 31, ..fields };
            assert!(matches!(longer.serialize(), Err(Error::Limit { .. })));
            let endless = text(32_768);
            assert!(matches!(KeyFields { name: &endless, ..fields }.serialize(), Err(Error::Limit { .. })));
        }
    }
    let directory = Directory { key_list_len: 1 << 31, ..Directory::default() };
    assert!(matches!(directory.serialize(), Err(Error::Limit { .. })));
}
