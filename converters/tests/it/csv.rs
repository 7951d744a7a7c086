//! CSV to RNTuple and back.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float32Array, Float64Array, Int64Array, ListArray, RecordBatch, StringArray, UInt64Array,
};
use arrow::compute::concat_batches;
use arrow::datatypes::Float64Type;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use rntuple_io::{Reader, WriteOptions, Writer};

use crate::support::{Outcome, path_text, rntuple};

/// Writes files into a folder and converts them there.
pub(crate) struct Desk {
    pub(crate) folder: tempfile::TempDir,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> String {
        path_text(&self.folder.path().join(name))
    }

    pub(crate) fn file(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// Converts between files of the folder.
    pub(crate) fn convert(&self, from: &str, to: &str, options: &[&str]) -> Outcome {
        let (from, to) = (self.path(from), self.path(to));
        rntuple(["convert", &from, &to, "-q"].into_iter().chain(options.iter().copied()))
    }

    /// The text as RNTuple, and that as CSV.
    fn through(&self, text: impl AsRef<[u8]>, options: &[&str]) -> String {
        self.file("in.csv", text);
        assert_eq!(self.convert("in.csv", "out.root", options).fine(), "");
        rntuple(["show", &self.path("out.root"), "--format", "csv"]).fine()
    }

    /// The names of the fields and their types.
    pub(crate) fn types(&self, name: &str) -> String {
        let reader = Reader::open(self.path(name)).unwrap();
        let ntuple = reader.only().unwrap();
        let fields = ntuple.schema().top_level().map(|field| format!("{}: {}", field.name, field.type_name));
        fields.collect::<Vec<_>>().join(", ")
    }

    /// What the conversion of a text says that cannot be done; nothing may be left behind.
    #[track_caller]
    pub(crate) fn refusal(&self, name: &str, text: impl AsRef<[u8]>, options: &[&str]) -> String {
        let file = self.file(name, text);
        let said = self.convert(name, "out.root", options).failed(1);
        let left: Vec<_> = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, [name], "something is left behind");
        fs::remove_file(&file).unwrap();
        said.replace(&format!("rntuple: {file}: "), "").trim_end().to_owned()
    }
}

pub(crate) fn read(path: impl AsRef<Path>) -> RecordBatch {
    let ntuple = Reader::open(path).unwrap().only().unwrap();
    let batches = ntuple.scan().open().unwrap();
    let schema = batches.schema();
    let batches: Vec<_> = batches.map(Result::unwrap).collect();
    concat_batches(&schema, &batches).unwrap()
}

#[test]
fn types_are_inferred() {
    let desk = Desk::new();
    let text = "i,u,d,b,s,n,e\n-1,18446744073709551615,0.1,true,x,1,\n2,0,1e300,FALSE,\"y, \"\"z\"\"\n\",,\n";
    assert_eq!(
        desk.through(text, &[]),
        "i,u,d,b,s,n,e\n-1,18446744073709551615,0.1,true,x,1,\n2,0,1e+300,false,\"y, \"\"z\"\"\n\",,\n"
    );
    assert_eq!(
        desk.types("out.root"),
        "i: std::int64_t, u: std::uint64_t, d: double, b: bool, s: std::string, n: std::optional<std::int64_t>, \
         e: std::optional<std::string>"
    );
}

#[test]
fn types_are_given() {
    let desk = Desk::new();
    let text = "x,y,z,l\n1,2,,\"[1, 2.5]\"\n3,,,[]\n";
    let types = ["--types", "x=float32,y=uint8?", "--types", "z=string,l=list<float64>"];
    assert_eq!(desk.through(text, &types), "x,y,z,l\n1.0,2,,\"[1.0,2.5]\"\n3.0,,,[]\n");
    let expected = "x: float, y: std::optional<std::uint8_t>, z: std::string, l: std::vector<double>";
    assert_eq!(desk.types("out.root"), expected);
    // The same from a file, in the order of the file.
    let schema = desk.file("schema.txt", "l: list<float64>\nx: float32\n# a comment\ny: uint8?\nz: string\n");
    assert_eq!(desk.through(text, &["--schema", &schema]), "l,x,y,z\n\"[1.0,2.5]\",1.0,2,\n[],3.0,,\n");
    // And from an RNTuple.
    fs::copy(desk.path("out.root"), desk.path("like.root")).unwrap();
    let like = desk.path("like.root");
    assert_eq!(desk.through("z,y,x,l\na,1,2,[3]\n", &["--schema", &like]), "l,x,y,z\n[3.0],2.0,1,a\n");
    // And from what `schema` prints.
    let json = rntuple(["schema", "--json", "--arrow", &like]).fine();
    let json = desk.file("schema.json", json);
    assert_eq!(desk.through("z,y,x,l\na,1,2,[3]\n", &["--schema", &json]), "l,x,y,z\n[3.0],2.0,1,a\n");
}

#[test]
fn dialects() {
    let desk = Desk::new();
    let same = "a,b\n1,\"x;y\"\n,z\n".replace('"', "");
    for (text, options) in [
        ("a;b\n1;\"x;y\"\n;z\n", &["--delimiter", ";"][..]),
        ("a\tb\r\n1\tx;y\r\n\tz", &["--delimiter", "tab"]),
        ("\u{feff}a,b\r\n\r\n1,'x;y'\n,z", &["--quote", "'"]),
        ("# one\na,b\n1,x;y\n#\",\n,z\n", &["--comment", "#"]),
        ("a,b\n1,x;y\nNA,z\n", &["--null", "NA"]),
        ("a , b\n 1 ,x;y\n ,z\n", &[]),
    ] {
        assert_eq!(desk.through(text, options), same, "{text:?}");
    }
    assert_eq!(desk.through("a,b\n1,\"x\n", &["--quote", "none"]), "a,b\n1,\"\"\"x\"\n");
    assert_eq!(desk.through("a,b\n1,\"x\\\"\"\n", &["--escape", "\\"]), "a,b\n1,\"x\"\"\"\n");
    assert_eq!(desk.through("1,x\n2,y\n", &["--no-header"]), "column_1,column_2\n1,x\n2,y\n");
    // Written as they are read.
    desk.through("a,b\n1,\"x;y\"\n,\"say \"\"z\"\"\"\n", &[]);
    let options = ["--delimiter", ";", "--null", "NA", "--escape", "\\", "--no-header"];
    desk.convert("out.root", "back.csv", &options).fine();
    assert_eq!(fs::read_to_string(desk.path("back.csv")).unwrap(), "1;\"x;y\"\nNA;\"say \\\"z\\\"\"\n");
    desk.convert("out.root", "back.tsv", &[]).fine();
    assert_eq!(fs::read_to_string(desk.path("back.tsv")).unwrap(), "a\tb\n1\tx;y\n\t\"say \"\"z\"\"\"\n");
}

#[test]
fn names_are_made_valid_with_a_warning() {
    let desk = Desk::new();
    desk.file("in.csv", "x,,x,a.b\n1,2,3,4\n");
    let outcome = desk.convert("in.csv", "out.root", &[]);
    assert_eq!(
        outcome.err,
        "rntuple: warning: column 2 has no name: it is called 'column_2'\n\
         rntuple: warning: column \"x\": it is called 'x_2'\n\
         rntuple: warning: column \"a.b\": it is called 'a_b'\n"
    );
    assert_eq!(outcome.status, 0);
    assert!(desk.types("out.root").starts_with("x: std::int64_t, column_2: "));
}

#[test]
fn several_files_are_one_table() {
    let desk = Desk::new();
    let first = desk.file("1.csv", "a,b\n1,x\n");
    // What is a number in one file and none in the next is a text in both.
    let second = desk.file("2.csv", "a,b\nz,y\n");
    let out = desk.path("out.root");
    rntuple(["convert", &first, &second, &out, "-q"]).fine();
    assert_eq!(rntuple(["show", &out, "--format", "csv"]).fine(), "a,b\n1,x\nz,y\n");
    rntuple(["convert", &first, &second, &out, "-q", "--entries", "1..", "--fields", "b"]).fine();
    assert_eq!(rntuple(["show", &out, "--format", "csv"]).fine(), "b\ny\n");
    let third = desk.file("3.csv", "a,c\n1,x\n");
    let said = rntuple(["convert", &first, &third, &out, "-q"]).failed(1);
    assert!(
        said.ends_with(&format!(
            "3.csv: column 2 is \"c\", but \"b\" in {first}; files that are read as one must have the same columns\n"
        )),
        "{said}"
    );
}

#[test]
fn what_cannot_be_taken_is_named_with_line_and_column() {
    let desk = Desk::new();
    let first = ["--infer-rows", "1"];
    let latin = b"a,b\n1,x\n\n2,caf\xe9\n";
    let table: &[(&[u8], &[&str], &str)] = &[
        (b"a,b\n1,2\n3\n", &[], "line 3: 1 value, but there are 2 columns; is --delimiter right?"),
        (b"a,b\r\n\r\n1,\"2\"\r\n3,4,5\r\n", &[], "line 4: 3 values, but there are 2 columns"),
        (b"a,b\n\n# x\n1,\"x\ny\"\n2,3,4\n", &["--comment", "#"], "line 6: 3 values, but there are 2 columns"),
        (b"a,b\n1,\"x\ny\n", &[], "line 2: a quote is opened and never closed"),
        (
            b"a,b\n1,\"x\"y\n",
            &[],
            "line 2: something follows a closing quote; double a quote that is meant as such, or use --escape or --quote",
        ),
        (
            b"a,b\n1,\"2\n\"\n2.5,x\n",
            &first,
            "line 4, column 'a': \"2.5\" is not of the type int64; the type comes from the first rows (1 at most): use \
             --infer-rows all, or --types 'a=float64'",
        ),
        (
            b"a,b\n1,2\nx,3\n",
            &first,
            "line 3, column 'a': \"x\" is not of the type int64; the type comes from the first rows (1 at most): use \
             --infer-rows all, or --types 'a=string'",
        ),
        (
            b"a,b\n1,2\n3,\n",
            &first,
            "line 3, column 'b': no value, but none is missing before; the type comes from the first rows (1 at most): use \
             --infer-rows all, or --types 'b=int64?'",
        ),
        (
            b"a,b\n1,300\n",
            &["--types", "b=uint8"],
            "line 2, column 'b': \"300\" is not of the type uint8; the type was given; to take it, give string",
        ),
        (
            b"a\n1e999\n",
            &["--types", "a=float64"],
            "line 2, column 'a': \"1e999\" is not of the type float64; the type was given; to take it, give string",
        ),
        (latin, &[], "line 4: column 'b' is not UTF-8; convert the text first, as in: iconv -f LATIN1 -t UTF-8"),
        (b"\xff\xfea\0", &[], "the text is UTF-16; make it UTF-8 first, as in: iconv -f UTF-16 -t UTF-8"),
        (b"", &[], "the file is empty; its first line should have the names of the columns"),
        (b"a,b\n1,2\n", &["--types", "c=int8"], "--types names the column \"c\", which is not there"),
    ];
    for (text, options, expected) in table {
        assert_eq!(desk.refusal("bad.csv", text, options), *expected, "{}", String::from_utf8_lossy(text));
    }
    // Far behind the first piece, and on several threads.
    let mut text = "a,b\n".to_owned();
    for line in 0..1_000_000 {
        text += if line == 777_777 { "\"1\n\",2\n3,x\n" } else { "1,2\n" };
    }
    let said = desk.refusal("bad.csv", &text, &[]);
    assert!(said.starts_with("line 777779, column 'a': \"1\\n\" is not of the type int64"), "{said}");
}

#[test]
fn all_rows_tell_the_types_if_asked() {
    let desk = Desk::new();
    let mut text = "a,b\n".to_owned();
    (0..200_000).for_each(|row| text += &format!("{row},{row}\n"));
    text += "0.5,\n";
    assert!(
        desk.refusal("in.csv", &text, &[]).starts_with("line 200002, column 'a': \"0.5\" is not of the type int64")
    );
    for threads in ["1", "3"] {
        desk.through(&text, &["--infer-rows", "all", "--threads", threads]);
        assert_eq!(desk.types("out.root"), "a: double, b: std::optional<std::int64_t>");
        assert_eq!(read(desk.path("out.root")).num_rows(), 200_001);
    }
}

#[test]
fn wrong_usage() {
    let desk = Desk::new();
    let (csv, root) = (desk.file("a.csv", "a\n1\n"), desk.path("out.root"));
    for options in [
        &["--types", "a"][..],
        &["--types", "a=flot"],
        &["--infer-rows", "0"],
        &["--delimiter", ";;"],
        &["--quote", ""],
    ] {
        let said = rntuple(["convert", &csv, &root].into_iter().chain(options.iter().copied())).failed(2);
        assert!(said.contains("--help"), "{said}");
    }
    desk.convert("a.csv", "out.root", &[]).fine();
    let said = desk.convert("out.root", "b.json", &["--null", "NA"]).failed(2);
    assert!(said.contains("--null is for CSV only"), "{said}");
    let said = desk.convert("out.root", "b.csv", &["--types", "a=int8"]).failed(2);
    assert!(said.contains("--types is for CSV and JSON input only"), "{said}");
}

/// Texts with everything in them that CSV has to mind.
fn texts() -> impl Strategy<Value = String> {
    proptest::string::string_regex("[a,\"'\n\r\té\\\\ ]{0,6}").unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// RNTuple -> CSV -> RNTuple gives the same values, nested ones too, when the schema is given.
    #[test]
    fn values_come_back(
        rows in vec((any::<i64>(), any::<u64>(), any::<f64>(), any::<f32>(), any::<bool>(), texts(), option::of(texts()), vec(any::<f64>(), 0..4)), 1..50),
        delimiter in prop::sample::select(vec![",", ";", "tab"]),
    ) {
        let desk = Desk::new();
        // NaN has one text for all its bits.
        let double = |x: f64| if x.is_nan() { f64::NAN } else { x };
        let single = |x: f32| if x.is_nan() { f32::NAN } else { x };
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("i", Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.0)))),
            ("u", Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.1)))),
            ("d", Arc::new(Float64Array::from_iter_values(rows.iter().map(|row| double(row.2))))),
            ("f", Arc::new(Float32Array::from_iter_values(rows.iter().map(|row| single(row.3))))),
            ("b", Arc::new(BooleanArray::from_iter(rows.iter().map(|row| Some(row.4))))),
            ("s", Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row.5)))),
            ("o", Arc::new(StringArray::from_iter(rows.iter().map(|row| row.6.as_ref())))),
            ("l", Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(
                rows.iter().map(|row| Some(row.7.iter().map(|x| Some(double(*x))))),
            ))),
        ];
        let batch = RecordBatch::try_from_iter_with_nullable(
            columns.into_iter().map(|(name, array)| (name, array, name == "o")),
        ).unwrap();
        let path = desk.path("in.root");
        let mut writer = Writer::create(&path, "Events", batch.schema(), WriteOptions::new()).unwrap();
        writer.append(&batch).unwrap();
        writer.finish().unwrap();
        desk.convert("in.root", "out.csv", &["--null", "\\N", "--delimiter", delimiter]).fine();
        desk.convert("out.csv", "back.root", &["--null", "\\N", "--delimiter", delimiter, "--schema", &path]).fine();
        prop_assert_eq!(read(&path), read(desk.path("back.root")));
    }
}

/// Writes the text files that the examples of the help texts speak of.
pub(crate) fn write_examples(folder: &Path) {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, b"run,comment,x\n1,NA,0.5\n2,good,NA\n").unwrap();
    fs::write(folder.join("runs.csv.gz"), encoder.finish().unwrap()).unwrap();
    let events = folder.join("events.jsonl");
    fs::write(&events, "{\"run\": 1, \"hits\": [0.5]}\n{\"run\": 2, \"hits\": []}\n").unwrap();
    let other = path_text(&folder.join("other.root"));
    rntuple(["convert", &path_text(&events), &other, "-q", "--types", "run=uint8,hits=list<float32>"]).fine();
}
