//! RNTuple to NumPy archives. That NumPy reads them is seen in `tests/text/run.py`.

use std::fs::File;
use std::io::Read;

use crate::csv::Desk;

/// The files in an archive: description, data.
fn arrays(desk: &Desk, name: &str) -> Vec<(String, String, Vec<u8>)> {
    let mut zip = zip::ZipArchive::new(File::open(desk.path(name)).unwrap()).unwrap();
    (0..zip.len())
        .map(|at| {
            let mut file = zip.by_index(at).unwrap();
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).unwrap();
            assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
            let end = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
            assert_eq!(end % 64, 0);
            let header = String::from_utf8(bytes[10..end].to_vec()).unwrap();
            assert!(header.ends_with('\n'));
            (file.name().to_owned(), header.trim_end().to_owned(), bytes[end..].to_vec())
        })
        .collect()
}

#[test]
fn flat_columns_become_arrays() {
    let desk = Desk::new();
    desk.file("in.jsonl", "{\"x\":1,\"b\":true,\"s\":\"\",\"a\":[1,2],\"l\":[]}\n{\"x\":-2,\"b\":false,\"s\":\"é\",\"a\":[3,4],\"l\":[0.5]}\n");
    desk.convert("in.jsonl", "in.root", &["--types", "x=int16,a=array<uint8, 2>,l=list<float32>"]).fine();
    desk.convert("in.root", "out.npz", &[]).fine();
    let array = |name: &str, code: &str, shape: &str, bytes: &[u8]| {
        let header = format!("{{'descr': '{code}', 'fortran_order': False, 'shape': ({shape}), }}");
        (format!("{name}.npy"), header, bytes.to_vec())
    };
    let offsets = [0_i64, 0, 1].map(i64::to_le_bytes).concat();
    assert_eq!(
        arrays(&desk, "out.npz"),
        [
            array("x", "<i2", "2,", &[1, 0, 0xfe, 0xff]),
            array("b", "|b1", "2,", &[1, 0]),
            array("s", "<U1", "2,", &[0, 0, 0, 0, 0xe9, 0, 0, 0]),
            array("a", "|u1", "2, 2", &[1, 2, 3, 4]),
            array("l", "<f4", "1,", &0.5_f32.to_le_bytes()),
            array("l.offsets", "<i8", "3,", &offsets),
        ]
    );
    // A table without rows.
    desk.convert("in.root", "none.npz", &["--entries", "..0"]).fine();
    let shapes: Vec<_> = arrays(&desk, "none.npz").into_iter().map(|(name, _, bytes)| (name, bytes.len())).collect();
    let sizes = [("x", 0), ("b", 0), ("s", 0), ("a", 0), ("l", 0), ("l.offsets", 8)];
    assert_eq!(shapes, sizes.map(|(name, size)| (format!("{name}.npy"), size)));
}

#[test]
fn what_is_no_array_is_refused() {
    let desk = Desk::new();
    for (text, expected) in [
        (
            "{\"a\":1,\"b\":{\"c\":2}}",
            "column 'b' has the type struct<c: int64>, which is no array of numbers or strings; choose others with --fields",
        ),
        (
            "{\"a\":1,\"b\":2}\n{\"a\":1}",
            "column 'b' has missing values, first near row 1, which NumPy arrays cannot hold; leave it out with --fields",
        ),
        (
            "{\"a\":1,\"b\":\"x\\u0000\"}",
            "column 'b' has a string with a zero at its end, which NumPy would cut off; leave it out with --fields",
        ),
    ] {
        desk.file("in.jsonl", text);
        desk.convert("in.jsonl", "in.root", &[]).fine();
        let said = desk.convert("in.root", "out.npz", &[]).failed(1);
        assert_eq!(said, format!("rntuple: {}: {expected}\n", desk.path("out.npz")));
        assert!(!std::path::Path::new(&desk.path("out.npz")).exists());
        desk.convert("in.root", "out.npz", &["--fields", "a"]).fine();
        assert_eq!(arrays(&desk, "out.npz").len(), 1);
        std::fs::remove_file(desk.path("out.npz")).unwrap();
    }
}
