//! Writes files in every way there is, for converters/tests/interop to have them read by other implementations.
//!
//! ```text
//! cargo run -p rntuple-io --example interop -- all DIR          everything that starts with a new file
//! cargo run -p rntuple-io --example interop -- add FILE         two RNTuples to an existing ROOT file
//! cargo run -p rntuple-io --example interop -- append FILE PATH the last 10 entries of an RNTuple once more
//! cargo run -p rntuple-io --example interop -- large FILE       a file of more than 2 GiB
//! ```
//!
//! The values follow from the number of the entry, by rules that converters/tests/interop/made.py repeats.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "entries are few and values wrap on purpose"
)]

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs};

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, UInt32Array,
};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Field, Float16Type, Schema};
use rntuple_core::compression::CompressionSettings;
use rntuple_core::container::root_file::datime;
use rntuple_core::row::{Row, RowsBuilder};
use rntuple_io::{Checkpoint, FileWriter, ParallelWriter, Reader, WriteOptions, Writer};

type Half = <Float16Type as ArrowPrimitiveType>::Native;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// What every reader understands.
#[derive(Row)]
struct Event {
    id: u32,
    x: f32,
    y: f64,
    name: String,
    values: Vec<f32>,
    maybe: Option<i64>,
    grid: [i16; 3],
    flag: bool,
}

fn event(i: u32) -> Event {
    Event {
        id: i,
        x: i as f32 * 0.5,
        y: f64::from(i) / -8.0,
        name: format!("entry {i}"),
        values: (0..i % 4).map(|k| (i + k) as f32 * 0.25).collect(),
        maybe: (!i.is_multiple_of(3)).then(|| i64::from(i) * -1_000_000_007),
        grid: [i as i16, -1, 7],
        flag: i.is_multiple_of(2),
    }
}

fn events(range: std::ops::Range<u32>) -> Result<RecordBatch> {
    let mut rows = RowsBuilder::of::<Event>();
    for i in range {
        rows.push(&event(i));
    }
    Ok(rows.finish()?)
}

/// Everything that a struct can be made of and that ROOT reads without a dictionary.
#[derive(Row)]
struct Collision {
    run: u32,
    vertex: Vertex,
    tracks: Vec<Track>,
    best: Option<Track>,
    signal: Signal,
    signals: Vec<Signal>,
    boxed: Option<Box<Vertex>>,
    corners: [Vertex; 2],
    numbers: (i32, f64),
    triple: (u8, String, Vec<i64>),
    flags: BTreeSet<u16>,
    names: BTreeMap<String, i32>,
    hashed: HashMap<String, f64>,
    unique: HashSet<i64>,
    half: Half,
    #[rntuple(rename = "fCharge", description = "of the leading track", encoding = "Real32Trunc(16)")]
    charge: f32,
    nested: Vec<Vec<Option<f32>>>,
    anonymous: Anonymous,
    generic: Pair<Vertex, f32>,
    #[rntuple(skip)]
    scratch: u64,
}

#[derive(Row, Clone)]
struct Vertex {
    x: f32,
    y: f32,
    z: f64,
}

#[derive(Row)]
#[rntuple(type_name = "interop::Track")]
struct Track {
    hits: Vec<Hit>,
    chi2: f64,
    vertex: Option<Vertex>,
    label: String,
}

#[derive(Row)]
struct Hit {
    layer: u8,
    at: [f32; 2],
}

#[derive(Row)]
enum Signal {
    Charge(f64),
    Label(String),
    Samples(Vec<u16>),
    At(Vertex),
}

#[derive(Row)]
#[rntuple(type_name = "")]
struct Anonymous {
    a: i8,
    b: Vec<Anonymous2>,
}

#[derive(Row)]
#[rntuple(type_name = "")]
struct Anonymous2 {
    c: String,
}

#[derive(Row)]
struct Pair<A, B> {
    first: A,
    second: B,
}

fn vertex(i: u32) -> Vertex {
    Vertex { x: i as f32, y: i as f32 * -0.5, z: f64::from(i) * 0.125 }
}

fn track(i: u32) -> Track {
    Track {
        hits: (0..i % 3).map(|k| Hit { layer: k as u8, at: [i as f32, k as f32 * 0.5] }).collect(),
        chi2: f64::from(i) / 16.0,
        vertex: (i % 2 == 1).then(|| vertex(i)),
        label: format!("track {i}"),
    }
}

fn signal(i: u32) -> Signal {
    match i % 4 {
        0 => Signal::Charge(f64::from(i) * 0.25),
        1 => Signal::Label(format!("signal {i}")),
        2 => Signal::Samples((0..i as u16 % 5).collect()),
        _ => Signal::At(vertex(i)),
    }
}

fn collision(i: u32) -> Collision {
    Collision {
        run: i / 10,
        vertex: vertex(i),
        tracks: (0..i % 4).map(|k| track(i + k)).collect(),
        best: (!i.is_multiple_of(4)).then(|| track(i)),
        signal: signal(i),
        signals: (0..i % 3).map(|k| signal(i + k)).collect(),
        boxed: (!i.is_multiple_of(5)).then(|| Box::new(vertex(i + 1))),
        corners: [vertex(i), vertex(i + 2)],
        numbers: (-(i as i32), f64::from(i) * 0.5),
        triple: (i as u8, format!("{i}"), (0..i64::from(i % 3)).collect()),
        flags: (0..i as u16 % 4).map(|k| k * 100).collect(),
        names: (0..i as i32 % 3).map(|k| (format!("name {k}"), k - 1)).collect(),
        hashed: i.is_multiple_of(2).then(|| ("half".to_owned(), f64::from(i) / 2.0)).into_iter().collect(),
        unique: i.is_multiple_of(3).then(|| i64::from(i) - 5).into_iter().collect(),
        half: Half::from_f32(i as f32 * 0.25),
        charge: if i.is_multiple_of(2) { 1.0 } else { -1.0 },
        nested: (0..i % 3).map(|k| vec![None, Some(k as f32)]).collect(),
        anonymous: Anonymous { a: i as i8, b: (0..i % 2).map(|k| Anonymous2 { c: format!("c{k}") }).collect() },
        generic: Pair { first: vertex(i), second: i as f32 * 2.0 },
        scratch: u64::from(i),
    }
}

/// What a program in C++ has as well (converters/tests/interop/structs.hpp), enums included: those must be known to
/// ROOT, from a dictionary or from the interpreter.
#[derive(Row)]
struct Shared {
    vertex: Vertex,
    cluster: Cluster,
    clusters: Vec<Cluster>,
    best: Option<Cluster>,
    detector: Detector,
    detectors: Vec<Detector>,
    hit: DetectorHit,
    hits: Vec<DetectorHit>,
}

#[derive(Row)]
#[rntuple(type_name = "interop::Cluster")]
struct Cluster {
    hits: Vec<Hit>,
    center: Vertex,
    label: String,
}

#[derive(Row, Clone, Copy)]
#[rntuple(type_name = "interop::Detector")]
#[repr(i16)]
enum Detector {
    Pixel = 1,
    Strip = 2,
    Muon = -5,
}

#[derive(Row)]
#[rntuple(type_name = "interop::DetectorHit")]
struct DetectorHit {
    detector: Detector,
    energy: f32,
}

fn shared(i: u32) -> Shared {
    let detector = |k: u32| match k % 3 {
        0 => Detector::Pixel,
        1 => Detector::Strip,
        _ => Detector::Muon,
    };
    let hit = |k: u32| DetectorHit { detector: detector(k), energy: k as f32 * 1.5 };
    let cluster = |k: u32| Cluster { hits: track(k).hits, center: vertex(k), label: format!("cluster {k}") };
    Shared {
        vertex: vertex(i),
        cluster: cluster(i),
        clusters: (0..i % 3).map(|k| cluster(i + k)).collect(),
        best: (!i.is_multiple_of(3)).then(|| cluster(i)),
        detector: detector(i),
        detectors: (0..i % 4).map(|k| detector(i + k)).collect(),
        hit: hit(i),
        hits: (0..i % 3).map(|k| hit(i + k)).collect(),
    }
}

fn main() -> Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["all", dir] => all(Path::new(dir)),
        ["add", file] => add(Path::new(file)),
        ["append", file, path] => append(Path::new(file), path),
        ["large", file] => large(Path::new(file)),
        _ => Err("usage: interop all DIR | add FILE | append FILE PATH | large FILE".into()),
    }
}

/// Small pages and clusters, so that a small file has many.
fn small() -> WriteOptions {
    WriteOptions::new().max_unzipped_page_size(256).initial_unzipped_page_size(64).approx_zipped_cluster_size(1000)
}

fn all(dir: &Path) -> Result<()> {
    fs::create_dir_all(dir)?;
    let (schema, hundred) = (Event::schema(), events(0..100)?);
    let write = |file: &str, options: WriteOptions| -> Result<()> {
        let mut writer = Writer::create(dir.join(file), "events", Arc::clone(&schema), options)?;
        writer.append(&hundred)?;
        writer.finish()?;
        Ok(())
    };
    write("plain.root", WriteOptions::new().description("a hundred events"))?;
    write("small.root", small())?;
    write("small_none.root", small().compression(CompressionSettings::new(0)))?;
    // Two of the same schema for hadd, with different settings.
    write("hadd_a.root", small().compression(CompressionSettings::new(404)))?;
    write("hadd_b.root", WriteOptions::new())?;
    write("no_merging.root", small().same_page_merging(false))?;
    write("small_indexes.root", WriteOptions::new().small_indexes(true))?;
    write("budget.root", WriteOptions::new().page_buffer_budget(2000))?;
    write("time_uuid.root", WriteOptions::new().time(datime(2026, 11, 21, 12, 30, 59)).uuid(*b"0123456789abcdef"))?;
    let per_field = small().field_compression("values", CompressionSettings::new(101));
    write("per_field.root", per_field.field_compression("name", CompressionSettings::new(207)))?;

    let mut empty = Writer::create(dir.join("no_entries.root"), "events", Arc::clone(&schema), WriteOptions::new())?;
    empty.flush_cluster()?;
    empty.finish()?;
    let nothing = Arc::new(Schema::empty());
    Writer::create(dir.join("no_fields.root"), "events", nothing, WriteOptions::new())?.finish()?;

    split_keys(dir)?;
    several(dir)?;
    extended(dir)?;
    attributes(dir)?;
    reopened(dir)?;
    parallel(dir)?;
    checkpoints(dir)?;
    recovered(dir)?;
    rows(dir)?;
    columns(dir)
}

/// Records of 4 KiB at most: header, footer, page lists and pages in several keys.
fn split_keys(dir: &Path) -> Result<()> {
    let options = WriteOptions::new().max_key_size(4096).compression(CompressionSettings::new(0));
    let fields: Vec<Field> = (0..300).map(|k| Field::new(format!("column_{k}"), DataType::Int32, false)).collect();
    let columns = (0..300).map(|k| Arc::new(Int32Array::from_iter_values((0..2000).map(|i| i * 1000 + k))) as ArrayRef);
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns.collect())?;
    let mut writer = Writer::create(dir.join("split_keys.root"), "wide", batch.schema(), options)?;
    writer.append(&batch)?;
    writer.finish()?;
    Ok(())
}

fn several(dir: &Path) -> Result<()> {
    let file = FileWriter::create(dir.join("several.root"), &WriteOptions::new())?;
    let mut top = file.ntuple("events", Event::schema(), small())?;
    let mut inner = file.ntuple("a/b/events", Event::schema(), small().description("inner"))?;
    let mut names = file.ntuple("Größe/größer", Event::schema(), small())?;
    for i in 0..30 {
        top.append_row(&event(i))?;
        inner.append_row(&event(i + 100))?;
        names.append_row(&event(i + 200))?;
    }
    names.finish()?;
    inner.finish()?;
    top.finish()?;
    let mut later = file.ntuple("a/later", Event::schema(), small())?;
    later.append(&events(0..5)?)?;
    later.finish()?;
    // A further cycle of the first.
    let mut again = file.ntuple("events", Event::schema(), small())?;
    again.append(&events(0..3)?)?;
    again.finish()?;
    file.finish()?;
    Ok(())
}

/// The columns that come later.
fn later(range: std::ops::Range<u32>) -> Vec<(&'static str, ArrayRef)> {
    let text: StringArray = range.clone().map(|i| Some(format!("later {i}"))).collect();
    let number: UInt32Array = range.map(|i| i.is_multiple_of(2).then_some(i)).collect();
    vec![("late_text", Arc::new(text)), ("late_number", Arc::new(number))]
}

fn with_later(range: std::ops::Range<u32>) -> Result<RecordBatch> {
    let batch = events(range.clone())?;
    let mut columns: Vec<(String, ArrayRef, bool)> = batch
        .schema()
        .fields()
        .iter()
        .zip(batch.columns())
        .map(|(field, column)| (field.name().clone(), Arc::clone(column), field.is_nullable()))
        .collect();
    columns.extend(later(range).into_iter().map(|(name, column)| (name.to_owned(), column, name == "late_number")));
    Ok(RecordBatch::try_from_iter_with_nullable(columns)?)
}

fn late_fields() -> [Field; 2] {
    let text = Field::new("late_text", DataType::Utf8, false);
    [text, Field::new("late_number", DataType::UInt32, true)]
}

fn extended(dir: &Path) -> Result<()> {
    let mut writer = Writer::create(dir.join("extended.root"), "events", Event::schema(), small())?;
    writer.append(&events(0..25)?)?;
    writer.extend(late_fields())?;
    writer.append(&with_later(25..60)?)?;
    writer.finish()?;
    // Before the first entry.
    let mut writer = Writer::create(dir.join("extended_first.root"), "events", Event::schema(), small())?;
    writer.extend(late_fields())?;
    writer.append(&with_later(0..60)?)?;
    writer.finish()?;
    Ok(())
}

fn attributes(dir: &Path) -> Result<()> {
    let mut writer = Writer::create(dir.join("attributes.root"), "events", Event::schema(), small())?;
    writer.append(&events(0..40)?)?;
    let good: ArrayRef = Arc::new(BooleanArray::from(vec![true, false, true]));
    let name: ArrayRef = Arc::new(StringArray::from(vec!["first", "", "third"]));
    let notes = RecordBatch::try_from_iter([("good", good), ("name", name)])?;
    let mut runs = writer.attribute_set("runs", &notes.schema())?;
    runs.append(&[0..10, 10..40, 5..5], &notes)?;
    writer.add_attribute_set(runs)?;
    let none = writer.attribute_set("empty", &notes.schema())?;
    writer.add_attribute_set(none)?;
    writer.finish()?;
    Ok(())
}

fn reopened(dir: &Path) -> Result<()> {
    let path = dir.join("reopened.root");
    let mut writer = Writer::create(&path, "events", Event::schema(), small())?;
    writer.append(&events(0..20)?)?;
    writer.finish()?;
    let file = FileWriter::open(&path, &WriteOptions::new())?;
    let mut writer = file.reopen("events", small().compression(CompressionSettings::new(101)))?;
    writer.append(&events(20..50)?)?;
    writer.finish()?;
    file.finish()?;
    let file = FileWriter::open(&path, &WriteOptions::new())?;
    let mut writer = file.reopen("events", small())?;
    writer.extend(late_fields())?;
    writer.append(&with_later(50..70)?)?;
    writer.finish()?;
    file.finish()?;
    Ok(())
}

fn parallel(dir: &Path) -> Result<()> {
    let options = small().ordered(true);
    let writer = ParallelWriter::create(dir.join("parallel.root"), "events", Event::schema(), options)?;
    std::thread::scope(|scope| -> Result<()> {
        for part in 0..4 {
            let mut context = writer.context()?;
            let batch = events(part * 25..part * 25 + 25)?;
            scope.spawn(move || -> rntuple_io::Result<()> {
                context.append(&batch)?;
                context.finish()
            });
        }
        Ok(())
    })?;
    writer.finish()?;
    Ok(())
}

/// A writer that stops after its third checkpoint, as if it had been killed.
fn checkpoints(dir: &Path) -> Result<()> {
    let options = small().checkpoint(Checkpoint::Every(Duration::from_secs(3600)));
    let mut writer = Writer::create(dir.join("checkpoints.root"), "events", Event::schema(), options)?;
    for part in 0..3 {
        writer.append(&events(part * 20..part * 20 + 20)?)?;
        writer.checkpoint()?;
    }
    writer.append(&events(60..80)?)?;
    writer.flush_cluster()?;
    // Neither finished nor dropped.
    std::mem::forget(writer);
    Ok(())
}

/// What is saved of the file before: with the cluster that came after the last checkpoint, and of a file cut short.
fn recovered(dir: &Path) -> Result<()> {
    rntuple_io::recover(dir.join("checkpoints.root"), dir.join("recovered.root"))?;
    let whole = fs::read(dir.join("small.root"))?;
    let cut = dir.join("cut.broken");
    fs::write(&cut, whole.get(..whole.len() * 2 / 3).unwrap_or_default())?;
    rntuple_io::recover(&cut, dir.join("recovered_cut.root"))?;
    Ok(())
}

fn rows(dir: &Path) -> Result<()> {
    for (file, range, options) in [
        ("derived.root", 0..100, WriteOptions::new()),
        ("derived_more.root", 100..160, small()),
        ("derived_none.root", 0..100, small().compression(CompressionSettings::new(0))),
    ] {
        let mut writer = Writer::create(dir.join(file), "collisions", Collision::schema(), options)?;
        for i in range {
            writer.append_row(&collision(i))?;
        }
        writer.finish()?;
    }
    let mut writer = Writer::create(dir.join("shared.root"), "shared", Shared::schema(), small())?;
    for i in 0..50 {
        writer.append_row(&shared(i))?;
    }
    writer.finish()?;
    Ok(())
}

/// Arrow types without a counterpart are stored by what they are made of.
fn columns(dir: &Path) -> Result<()> {
    let time =
        TimestampMicrosecondArray::from_iter_values((0..20).map(|i| 1_700_000_000_000_000 + i)).with_timezone("UTC");
    let date = Date32Array::from_iter_values(19_000..19_020);
    let decimal = Decimal128Array::from_iter_values((0..20).map(|i| i * -12_345)).with_precision_and_scale(18, 3)?;
    let columns: [(&str, ArrayRef); 3] =
        [("time", Arc::new(time)), ("date", Arc::new(date)), ("decimal", Arc::new(decimal))];
    for (name, column) in columns {
        let path = dir.join(format!("logical_{name}.root"));
        let batch = RecordBatch::try_from_iter([(name, column)])?;
        match Writer::create(&path, "logical", batch.schema(), WriteOptions::new()) {
            Ok(mut writer) => {
                writer.append(&batch)?;
                writer.finish()?;
            }
            // Types may be refused, with a reason.
            Err(error) => println!("{name}: {error}"),
        }
    }
    Ok(())
}

fn add(path: &Path) -> Result<()> {
    let file = FileWriter::open(path, &WriteOptions::new())?;
    let mut top = file.ntuple("ours", Event::schema(), small())?;
    let mut inner = file.ntuple("deep/er/ours", Event::schema(), small())?;
    top.append(&events(0..100)?)?;
    inner.append(&events(100..150)?)?;
    top.finish()?;
    inner.finish()?;
    file.finish()?;
    Ok(())
}

/// Reads the last 10 entries of a data set and adds them again.
fn append(path: &Path, name: &str) -> Result<()> {
    let ntuple = Reader::open(path)?.ntuple(name)?;
    let last = ntuple.entries().saturating_sub(10)..ntuple.entries();
    let batches: Vec<RecordBatch> = ntuple.scan().entries(last).open()?.collect::<rntuple_io::Result<_>>()?;
    let file = FileWriter::open(path, &WriteOptions::new())?;
    let mut writer = file.reopen(name, small())?;
    for batch in &batches {
        writer.append(batch)?;
    }
    writer.finish()?;
    file.finish()?;
    Ok(())
}

/// RNTuples in front of, across and behind the position 2^31, from which on a ROOT file has another layout.
fn large(path: &Path) -> Result<()> {
    const ROWS: u32 = 1 << 22;
    let file = FileWriter::create(path, &WriteOptions::new())?;
    let mut first = file.ntuple("first", Event::schema(), small())?;
    first.append(&events(0..100)?)?;
    first.finish()?;

    let options = WriteOptions::new().compression(CompressionSettings::new(0)).same_page_merging(false);
    let fields = vec![Field::new("number", DataType::UInt32, false), Field::new("half", DataType::Float64, false)];
    let schema = Arc::new(Schema::new(fields));
    let mut big = file.ntuple("big", Arc::clone(&schema), options)?;
    for start in (0..48 * ROWS).step_by(ROWS as usize) {
        let number: UInt32Array = (start..start + ROWS).map(Some).collect();
        let half: Float64Array = (start..start + ROWS).map(|i| Some(f64::from(i) / 2.0)).collect();
        big.append(&RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(number), Arc::new(half)])?)?;
    }
    big.finish()?;

    let mut last = file.ntuple("behind/last", Event::schema(), small())?;
    last.append(&events(100..200)?)?;
    last.finish()?;
    file.finish()?;
    Ok(())
}
