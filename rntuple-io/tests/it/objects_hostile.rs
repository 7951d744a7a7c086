//! Objects that are damaged, missing, or lie.

use std::sync::Arc;

use rntuple_core::checksum::xxh3;
use rntuple_core::container::objects::{NativeAnchor, ObjectPlace};
use rntuple_io::storage::keyed::ObjectLayout;
use rntuple_io::{Error, NTuple, WriteOptions};

use crate::objects::{Store, ids, memory, open, options, write};

const BASE: &str = "a/Events";

fn whole(store: &Store, key: &str) -> Vec<u8> {
    store.get_whole(key, 1 << 20).unwrap().unwrap()
}

fn written(options: WriteOptions) -> Store {
    let store = memory();
    write(&store, BASE, 0, 2, options);
    store
}

/// Opens and reads everything; gives the error.
fn error(store: &Store) -> Error {
    let read = |ntuple: NTuple| {
        for batch in ntuple.scan().open()? {
            batch?;
        }
        Ok(())
    };
    open(store, BASE).and_then(read).unwrap_err()
}

fn anchor(store: &Store) -> NativeAnchor {
    NativeAnchor::parse(&whole(store, BASE)).unwrap()
}

fn put_anchor(store: &Store, anchor: &NativeAnchor) {
    store.put(&[(BASE, anchor.serialize().as_bytes())]).unwrap();
}

#[test]
fn anchors_that_are_none() {
    let store = written(options());
    let good = String::from_utf8(whole(&store, BASE)).unwrap();
    let bad = [
        String::new(),
        "[]".to_owned(),
        good.replace("\"nBytesHeader\": ", "\"nBytesHeader\": 1"),
        good.replace("\"headerObjId\": 0", "\"headerObjId\": \"0\""),
        good.replace("\"anchorVersion\": 0", "\"anchorVersion\": 1"),
        good[..good.len() - 2].to_owned(),
        "x".repeat(1 << 21),
    ];
    for bad in &bad {
        store.put(&[(BASE, bad.as_bytes())]).unwrap();
        let error = error(&store).to_string();
        assert!(error.contains("anchor 'a/Events'"), "{error}");
    }
    // Nothing is an orphan of what cannot be read.
    assert!(rntuple_io::storage::keyed::orphans("store", &store, BASE).is_err());
}

#[test]
fn anchors_that_lie() {
    let store = written(options());
    let good = anchor(&store);
    let huge = [u64::MAX, 1 << 40, (1 << 34) + 1, 200 << 20, 50 << 20];
    for value in huge {
        let header = good.header;
        for place in [
            ObjectPlace { stored: value, ..header },
            ObjectPlace { offset: value, ..header },
            ObjectPlace { length: value, ..header },
            ObjectPlace { object: value, ..header },
            ObjectPlace { stored: value, length: value, ..header },
            ObjectPlace { offset: value, stored: value, length: value, object: value },
        ] {
            for anchor in
                [NativeAnchor { header: place, ..good.clone() }, NativeAnchor { footer: place, ..good.clone() }]
            {
                put_anchor(&store, &anchor);
                let error = error(&store).to_string();
                assert!(error.contains("envelope"), "{error}");
            }
        }
    }
    for template in ["", "${objid}", "http://elsewhere/${objid}", "${baseurl}/../x/${objid}", "${baseurl}/x"] {
        put_anchor(&store, &NativeAnchor { url_template: template.to_owned(), ..good.clone() });
        let error = error(&store).to_string();
        assert!(error.contains("template"), "{error}");
    }
    put_anchor(&store, &NativeAnchor { url_template: "${baseurl}/x/${objid}".to_owned(), ..good });
    let error = error(&store).to_string();
    assert!(error.contains("object 'a/Events/x/0': is missing"), "{error}");
}

#[test]
fn every_object_is_needed_and_checked() {
    for options in [options(), options().object_size(0), options().object_layout(ObjectLayout::KeyValue)] {
        let store = written(options);
        assert_eq!(ids(&open(&store, BASE).unwrap()).len(), 200);
        let keys = store.list("").unwrap();
        let is_anchor = |key: &str| key == BASE || key.ends_with("4243544b5344422a");
        for key in &keys {
            let good = whole(&store, key);
            store.delete(&[key]).unwrap();
            let missing = error(&store);
            if is_anchor(key) {
                assert!(matches!(missing, Error::NotFound { .. }), "{missing}");
            } else {
                assert!(matches!(&missing, Error::Io { .. }), "{missing:?}");
                assert!(missing.to_string().contains(&format!("object '{key}': is missing")), "{missing}");
            }
            store.put(&[(key, &good[..good.len() - 1])]).unwrap();
            let short = error(&store).to_string();
            assert!(is_anchor(key) || short.contains(&format!("object '{key}': is too short")), "{short}");
            for at in [0, good.len() / 2, good.len() - 1] {
                let mut damaged = good.clone();
                damaged[at] ^= 0x10;
                store.put(&[(key, &damaged)]).unwrap();
                let damaged = error(&store);
                assert!(matches!(damaged, Error::Format { .. }), "{key}, byte {at}: {damaged}");
            }
            store.put(&[(key, &good)]).unwrap();
        }
        assert_eq!(ids(&open(&store, BASE).unwrap()).len(), 200);
    }
}

/// Pseudo-random numbers, always the same.
fn numbers() -> impl FnMut(usize) -> usize {
    let mut state = 1_u64;
    move |below| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    }
}

#[test]
fn damage_anywhere_is_an_error_or_does_no_harm() {
    let mut number = numbers();
    for options in [options(), plain(), plain().object_layout(ObjectLayout::KeyValue)] {
        let store = written(options);
        let keys = store.list("").unwrap();
        let good = ids(&open(&store, BASE).unwrap());
        let mut errors = 0;
        for _ in 0..500 {
            let key = &keys[number(keys.len())];
            let before = whole(&store, key);
            let mut damaged = before.clone();
            for _ in 0..=number(3) {
                let at = number(damaged.len());
                damaged[at] = [0, 0xff, damaged[at] ^ 1, b'9'][number(4)];
            }
            store.put(&[(key, &damaged)]).unwrap();
            let read = open(&store, BASE).and_then(|ntuple| {
                let copied = ntuple.copy_to_store("copy", memory(), "b/Events", &WriteOptions::default());
                let batches = ntuple.scan().columns(["id"]).open()?.collect::<rntuple_io::Result<Vec<_>>>()?;
                copied?;
                Ok((batches.len(), ids(&ntuple)))
            });
            match read {
                Ok((_, ids)) => assert_eq!(ids, good, "{key}"),
                Err(_) => errors += 1,
            }
            store.put(&[(key, &before)]).unwrap();
        }
        assert!(errors > 300, "{errors}");
    }
}

#[test]
fn verification_names_what_is_damaged() {
    let store = written(options().object_size(0));
    let keys = store.list("a/Events/").unwrap();
    let mut damaged = 0;
    for key in keys {
        let good = whole(&store, &key);
        let mut bad = good.clone();
        bad[0] ^= 1;
        store.put(&[(&key, &bad)]).unwrap();
        if let Ok(ntuple) = open(&store, BASE) {
            assert_eq!(ntuple.verify(&|_, _| {}).unwrap().damage.len(), 1, "{key}");
            damaged += 1;
            store.delete(&[&key]).unwrap();
            let report = ntuple.verify(&|done, total| assert!(done <= total && total < 1 << 20)).unwrap();
            let [damage] = report.damage.as_slice() else { panic!("{key}: {report:?}") };
            assert!(damage.reason.contains(&format!("object '{key}': is missing")), "{damage:?}");
            assert!(damage.what.contains(&format!(" in object '{key}'")) && damage.offset == 0, "{damage:?}");
            store.put(&[(&key, &good[1..])]).unwrap();
            let report = ntuple.verify(&|_, _| {}).unwrap();
            assert!(report.damage[0].reason.contains(&format!("object '{key}': is too short")), "{report:?}");
        }
        store.put(&[(&key, &good)]).unwrap();
    }
    // Eight pages and the page list.
    assert_eq!(damaged, 9);
}

/// Footers and page lists whose locators lie. Envelopes are stored as they are, and sealed anew after the change.
fn reseal(bytes: &mut [u8]) -> u64 {
    let end = bytes.len() - 8;
    let checksum = xxh3(&bytes[..end]);
    bytes[end..].copy_from_slice(&checksum.to_le_bytes());
    checksum
}

fn replace(bytes: &mut [u8], from: &[u8], to: &[u8]) -> usize {
    assert_eq!(from.len(), to.len());
    let places: Vec<usize> = (0..=bytes.len() - from.len()).filter(|at| bytes[*at..].starts_with(from)).collect();
    for at in &places {
        bytes[*at..*at + to.len()].copy_from_slice(to);
    }
    places.len()
}

fn plain() -> WriteOptions {
    options().compression(rntuple_core::compression::CompressionSettings::NONE)
}

#[test]
fn locators_that_lie() {
    let store = written(plain());
    let good = whole(&store, "a/Events/3");
    // The head of a locator of a part of an object of 4 bytes per element and 100 elements: size 400, object 1.
    let head =
        |size: u32, object: u32| [&[0xf0, 0xff, 0xff, 0xfc][..], &size.to_le_bytes(), &object.to_le_bytes()].concat();
    let lies: [(&str, Vec<u8>); 4] = [
        ("object 'a/Events/1': is too short", head(60_000_000, 1)),
        ("which has", head(4_000_000_000, 1)),
        ("object 'a/Events/4294967295': is missing", head(400, u32::MAX)),
        ("which is missing", head(4_000_000_000, u32::MAX)),
    ];
    for (expected, lie) in lies {
        let mut bad = good.clone();
        assert!(replace(&mut bad, &head(400, 1), &lie) > 0);
        reseal(&mut bad);
        store.put(&[("a/Events/3", &bad)]).unwrap();
        let error = error(&store).to_string();
        assert!(error.contains(expected), "{expected}: {error}");
        if let Ok(ntuple) = open(&store, BASE) {
            drop(ntuple.verify(&|_, _| {}));
            let refused = ntuple.copy_to_store("copy", memory(), "b/Events", &options());
            assert!(refused.is_err());
        }
    }
    // A locator of a file, with the offset that is the address of the page: four bytes shorter, and what follows it, first
    // element and compression, four bytes earlier. Frames may have more at their end.
    let mut bad = good.clone();
    let at = (0..bad.len()).find(|at| bad[*at..].starts_with(&head(400, 1))).unwrap();
    let follows = bad[at + 16..at + 28].to_vec();
    // Header, footer and page list got their addresses before.
    let address = 3_u64 << 34;
    let file = [&400_u32.to_le_bytes()[..], &address.to_le_bytes(), &follows, &[0; 4]].concat();
    bad[at..at + 28].copy_from_slice(&file);
    reseal(&mut bad);
    store.put(&[("a/Events/3", &bad)]).unwrap();
    let error = error(&store).to_string();
    assert!(error.contains("does not point into a file"), "{error}");

    store.put(&[("a/Events/3", &good)]).unwrap();
    assert_eq!(ids(&open(&store, BASE).unwrap()).len(), 200);
}

#[test]
fn attribute_sets_that_are_not_there() {
    let set = crate::support::open("attributes.root", "data");
    let store = memory();
    set.copy_to_store("store", Arc::clone(&store), "a/data", &plain()).unwrap();
    let ntuple = NTuple::from_store("store", Arc::clone(&store), "a/data").unwrap();
    ntuple.attribute_set("runs").unwrap();
    store.delete(&["a/data/_clone/runs"]).unwrap();
    let error = ntuple.attribute_set("runs").unwrap_err();
    assert!(matches!(error, Error::Format { .. }), "{error:?}");
    assert!(error.to_string().contains("object 'a/data/_clone/runs' is missing"), "{error}");
    let report = ntuple.verify(&|_, _| {}).unwrap();
    assert_eq!(report.damage.len(), 1);
    assert!(rntuple_io::storage::keyed::orphans("store", &store, "a/data").is_err());
}
