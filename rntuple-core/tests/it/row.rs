//! Derived structs to record batches and back.

#![expect(clippy::box_collection, clippy::type_complexity, clippy::vec_box, reason = "types as users may nest them")]

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::fmt::Debug;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeListArray, Float32Array, Int32Array, LargeListArray, LargeStringArray,
    ListArray, RecordBatch, StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields, Float32Type, Int32Type, Schema, UnionMode};
use half::f16;
use proptest::prelude::*;
use rntuple_core::Error;
use rntuple_core::arrow::{BOXED, DESCRIPTION, ENCODING, TYPE};
use rntuple_core::row::{Item, ReadRow, Row, RowBuffer, RowReader, RowsBuilder, requested_schema};

fn batch_of<T: Row>(rows: &[T]) -> RecordBatch {
    let mut builder = RowsBuilder::of::<T>();
    for row in rows {
        builder.push(row);
    }
    assert_eq!(builder.len(), rows.len());
    let batch = builder.finish().unwrap();
    assert_eq!(batch.num_rows(), rows.len());
    assert!(builder.is_empty(), "nothing is left behind");
    batch
}

fn rows_of<T: ReadRow>(batch: &RecordBatch) -> Result<Vec<T>, Error> {
    RowReader::new(batch)?.collect()
}

/// Reads all rows into one, the last of which it has before: it is each of them in turn, whatever it was.
fn over_each_other<T: ReadRow + Debug + PartialEq>(batch: &RecordBatch, rows: &[T]) {
    let Some(last) = rows.len().checked_sub(1) else { return };
    let mut reader = RowReader::<T>::new(batch).unwrap();
    let mut row = reader.get(last).unwrap();
    for expected in rows {
        assert!(reader.next_into(&mut row).unwrap());
        assert_eq!(row, *expected);
    }
    assert!(!reader.next_into(&mut row).unwrap());
    assert_eq!(row, rows[last], "what is left when there are no more");
    for (index, expected) in rows.iter().enumerate().rev() {
        reader.read_into(index, &mut row).unwrap();
        assert_eq!(row, *expected);
    }
}

/// Rows to a batch and back, whole and in slices, one by one and over each other. What is asked of the scan, given the batch's own schema, is that.
fn there_and_back<T: ReadRow + Debug + PartialEq>(rows: &[T]) -> RecordBatch {
    let batch = batch_of(rows);
    assert_eq!(rows_of::<T>(&batch).unwrap(), rows);
    let (start, len) = (rows.len() / 3, rows.len() - rows.len() / 3 - rows.len() / 4);
    assert_eq!(rows_of::<T>(&batch.slice(start, len)).unwrap(), rows[start..start + len]);
    over_each_other(&batch, rows);
    over_each_other(&batch.slice(start, len), &rows[start..start + len]);
    let asked = requested_schema::<T>(&batch.schema()).unwrap();
    for (asked, own) in asked.fields().iter().zip(batch.schema().fields()) {
        assert!(
            own.data_type().equals_datatype(asked.data_type()) || format!("{own}").contains("Float16"),
            "{own}: {asked}"
        );
    }
    batch
}

fn type_name<T: Item>() -> String {
    T::field("x").metadata()[TYPE].clone()
}

#[derive(Row, Debug, Clone, PartialEq, Default)]
struct Numbers {
    bool: bool,
    i8: i8,
    u8: u8,
    i16: i16,
    u16: u16,
    i32: i32,
    u32: u32,
    i64: i64,
    u64: u64,
    f32: f32,
    f64: f64,
    f16: f16,
}

#[test]
fn numbers() {
    let low = Numbers { i8: i8::MIN, i16: i16::MIN, i32: i32::MIN, i64: i64::MIN, f32: f32::MIN, ..Numbers::default() };
    let high = Numbers {
        bool: true,
        i8: i8::MAX,
        u8: u8::MAX,
        i16: i16::MAX,
        u16: u16::MAX,
        i32: i32::MAX,
        u32: u32::MAX,
        i64: i64::MAX,
        u64: u64::MAX,
        f32: f32::INFINITY,
        f64: f64::MIN_POSITIVE / 2.0,
        f16: f16::MAX,
    };
    let batch = there_and_back(&[low, high, Numbers::default()]);
    let schema = batch.schema();
    let types: Vec<(&str, &DataType)> =
        schema.fields().iter().map(|field| (field.metadata()[TYPE].as_str(), field.data_type())).collect();
    assert_eq!(
        types,
        [
            ("bool", &DataType::Boolean),
            ("std::int8_t", &DataType::Int8),
            ("std::uint8_t", &DataType::UInt8),
            ("std::int16_t", &DataType::Int16),
            ("std::uint16_t", &DataType::UInt16),
            ("std::int32_t", &DataType::Int32),
            ("std::uint32_t", &DataType::UInt32),
            ("std::int64_t", &DataType::Int64),
            ("std::uint64_t", &DataType::UInt64),
            ("float", &DataType::Float32),
            ("double", &DataType::Float64),
            ("float", &DataType::Float16),
        ]
    );
    assert_eq!(schema.field(11).metadata()[ENCODING], "Real16");
    assert!(schema.fields().iter().all(|field| !field.is_nullable()));
}

#[derive(Row, Debug, Clone, PartialEq, Default)]
struct Text {
    string: String,
    boxed: Box<str>,
    cow: Cow<'static, str>,
    shared: Option<Arc<str>>,
    list: Vec<String>,
}

#[test]
fn text() {
    let full = Text {
        string: "Σ → ∞".to_owned(),
        boxed: "b".into(),
        cow: Cow::Borrowed("cow"),
        shared: Some("s".into()),
        list: vec![String::new(), "two".to_owned()],
    };
    let batch = there_and_back(&[full, Text::default(), Text { string: "x".repeat(1000), ..Text::default() }]);
    let schema = batch.schema();
    let types: Vec<&str> = schema.fields().iter().map(|field| field.metadata()[TYPE].as_str()).collect();
    let string = "std::string";
    assert_eq!(types, [string, string, string, "std::optional<std::string>", "std::vector<std::string>"]);
}

#[derive(Row, Debug, Clone, PartialEq, Default)]
struct Lists {
    vec: Vec<u16>,
    deque: VecDeque<bool>,
    boxed: Box<[f64]>,
    nested: Vec<Vec<Vec<Vec<i32>>>>,
    set: BTreeSet<String>,
    hash_set: HashSet<i64>,
    array: [f32; 3],
    arrays: [[Vec<u8>; 2]; 2],
    empty: [u8; 0],
    rc: Rc<Vec<i8>>,
}

#[test]
fn lists() {
    let mut deque: VecDeque<bool> = [true, false, true].into();
    deque.rotate_left(1);
    deque.push_front(false);
    let full = Lists {
        vec: vec![1, 2, 3],
        deque,
        boxed: Box::new([0.5]),
        nested: vec![vec![], vec![vec![vec![1], vec![2, 3]], vec![]]],
        set: ["b".to_owned(), "a".to_owned()].into(),
        hash_set: [5, -5, 0].into(),
        array: [1.0, 2.0, 3.0],
        arrays: [[vec![1], vec![]], [vec![2, 3], vec![4]]],
        empty: [],
        rc: Rc::new(vec![-1]),
    };
    let batch = there_and_back(&[Lists::default(), full.clone(), full, Lists::default()]);
    let names: Vec<String> = batch.schema().fields().iter().map(|field| field.metadata()[TYPE].clone()).collect();
    assert_eq!(
        names,
        [
            "std::vector<std::uint16_t>",
            "std::vector<bool>",
            "std::vector<double>",
            "std::vector<std::vector<std::vector<std::vector<std::int32_t>>>>",
            "std::set<std::string>",
            "std::unordered_set<std::int64_t>",
            "std::array<float,3>",
            "std::array<std::array<std::vector<std::uint8_t>,2>,2>",
            "std::array<std::uint8_t,0>",
            "std::vector<std::int8_t>",
        ]
    );
    let schema = batch.schema();
    let DataType::List(item) = schema.field(0).data_type() else { panic!() };
    assert_eq!((item.name().as_str(), item.metadata()[TYPE].as_str()), ("_0", "std::uint16_t"));
}

/// Sets and maps without an order of their own come out in the order of their keys.
#[test]
fn same_values_same_order() {
    #[derive(Row, Default)]
    struct Hashed {
        set: HashSet<u32>,
        map: HashMap<String, u32>,
    }
    let numbers: Vec<u32> = (0..100).map(|i| i * 7919 % 101).collect();
    let one =
        Hashed { set: numbers.iter().copied().collect(), map: numbers.iter().map(|n| (n.to_string(), *n)).collect() };
    let batch = batch_of(&[one]);
    let set =
        batch.column(0).as_list::<i32>().values().as_primitive::<arrow::datatypes::UInt32Type>().values().to_vec();
    assert!(set.is_sorted() && set.len() == 100);
    let keys: Vec<&str> = batch.column(1).as_map().keys().as_string::<i32>().iter().flatten().collect();
    assert!(keys.is_sorted() && keys.len() == 100);
}

#[derive(Row, Debug, Clone, PartialEq, Default)]
struct Maps {
    map: BTreeMap<u8, String>,
    hash_map: HashMap<String, Vec<f32>>,
    of_maps: BTreeMap<i32, BTreeMap<i32, Option<i32>>>,
    null_keys: BTreeMap<Option<u8>, u8>,
    pairs: Vec<(u8, f32)>,
}

#[test]
fn maps() {
    let full = Maps {
        map: [(2, "two".to_owned()), (1, "one".to_owned())].into(),
        hash_map: [("a".to_owned(), vec![1.0]), ("b".to_owned(), vec![])].into(),
        of_maps: [(1, [(2, Some(3)), (4, None)].into()), (0, BTreeMap::new())].into(),
        null_keys: [(None, 0), (Some(0), 1)].into(),
        pairs: vec![(1, 0.5), (1, 0.25)],
    };
    let batch = there_and_back(&[full.clone(), Maps::default(), full]);
    let schema = batch.schema();
    let names: Vec<&str> = schema.fields().iter().map(|field| field.metadata()[TYPE].as_str()).collect();
    assert_eq!(
        names,
        [
            "std::map<std::uint8_t,std::string>",
            "std::unordered_map<std::string,std::vector<float>>",
            "std::map<std::int32_t,std::map<std::int32_t,std::optional<std::int32_t>>>",
            "std::map<std::optional<std::uint8_t>,std::uint8_t>",
            "std::vector<std::pair<std::uint8_t,float>>",
        ]
    );
    let DataType::Map(entries, false) = schema.field(0).data_type() else { panic!() };
    let DataType::Struct(members) = entries.data_type() else { panic!() };
    let names: Vec<&str> = members.iter().map(|member| member.name().as_str()).collect();
    assert_eq!((entries.name().as_str(), names), ("_0", vec!["_0", "_1"]));
    assert_eq!(entries.metadata()[TYPE], "std::pair<std::uint8_t,std::string>");
    assert!(matches!(schema.field(3).data_type(), DataType::List(_)), "Arrow's maps have no null keys");
}

#[derive(Row, Debug, Clone, PartialEq, Default)]
struct Optionals {
    number: Option<f32>,
    bool: Option<bool>,
    text: Option<String>,
    list: Option<Vec<u8>>,
    array: Option<[u16; 2]>,
    record: Option<Inner>,
    map: Option<BTreeMap<u8, u8>>,
    pair: Option<(u8, String)>,
    twice: Option<Option<i32>>,
    thrice: Option<Option<Option<i32>>>,
    items: Vec<Option<Vec<Option<u8>>>>,
    value: Option<Value>,
    level: Option<Level>,
    boxed: Box<u32>,
    pointer: Option<Box<u32>>,
    pointer_to_optional: Option<Box<Option<u32>>>,
    optional_pointer: Option<Option<Box<u32>>>,
    boxes: Vec<Box<Inner>>,
    unique_list: Box<Vec<Box<u8>>>,
}

#[derive(Row, Debug, Clone, PartialEq, Default)]
struct Inner {
    x: f64,
    tags: Vec<u8>,
}

#[derive(Row, Debug, Clone, PartialEq, Default)]
enum Value {
    #[default]
    Nothing,
    Number(f64),
    Text(String),
    Items(Vec<Value2>),
    Inner(Inner),
    Maybe(Option<i32>),
}

#[derive(Row, Debug, Clone, PartialEq)]
enum Value2 {
    Int(i64),
    Pair((u8, u8)),
}

#[derive(Row, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
#[repr(u8)]
enum Level {
    #[default]
    Low = 1,
    High = 200,
}

#[derive(Row, Debug, Clone, Copy, PartialEq, Default)]
#[rntuple(type_name = "exp::Color")]
enum Color {
    #[default]
    Red,
    Green = -7,
    Blue,
}

#[test]
fn optionals() {
    let full = Optionals {
        number: Some(1.5),
        bool: Some(true),
        text: Some("t".to_owned()),
        list: Some(vec![1, 2]),
        array: Some([3, 4]),
        record: Some(Inner { x: 1.0, tags: vec![5] }),
        map: Some([(1, 2)].into()),
        pair: Some((6, "p".to_owned())),
        twice: Some(Some(7)),
        thrice: Some(Some(None)),
        items: vec![None, Some(vec![None, Some(1)]), Some(vec![])],
        value: Some(Value::Items(vec![Value2::Int(-1), Value2::Pair((1, 2)), Value2::Int(3)])),
        level: Some(Level::High),
        boxed: Box::new(8),
        pointer: Some(Box::new(9)),
        pointer_to_optional: Some(Box::new(None)),
        optional_pointer: Some(None),
        boxes: vec![Box::new(Inner { x: 2.0, tags: vec![] })],
        unique_list: Box::new(vec![Box::new(1), Box::new(2)]),
    };
    let some_none = Optionals {
        twice: Some(None),
        thrice: Some(None),
        value: Some(Value::Nothing),
        pointer_to_optional: Some(Box::new(Some(1))),
        optional_pointer: Some(Some(Box::new(1))),
        ..Optionals::default()
    };
    let batch = there_and_back(&[Optionals::default(), full.clone(), some_none, full, Optionals::default()]);
    let schema = batch.schema();
    let field = |name: &str| schema.field_with_name(name).unwrap();
    let what = |name: &str| {
        let field = field(name);
        (field.metadata()[TYPE].as_str(), field.is_nullable(), field.metadata().contains_key(BOXED))
    };
    assert_eq!(what("number"), ("std::optional<float>", true, false));
    assert_eq!(field("number").metadata()["rntuple._0.type"], "float");
    assert_eq!(what("twice"), ("std::optional<std::optional<std::int32_t>>", true, true));
    assert_eq!(what("boxed"), ("std::unique_ptr<std::uint32_t>", true, false));
    assert_eq!(what("pointer"), ("std::unique_ptr<std::uint32_t>", true, false));
    assert_eq!(what("pointer_to_optional"), ("std::unique_ptr<std::optional<std::uint32_t>>", true, true));
    assert_eq!(what("optional_pointer"), ("std::optional<std::unique_ptr<std::uint32_t>>", true, true));
    let (type_name, nullable, boxed) = what("value");
    assert!(
        type_name.starts_with("std::optional<std::variant<double,std::string,") && nullable && boxed,
        "{type_name}"
    );
    let DataType::Struct(members) = field("value").data_type() else { panic!() };
    assert!(matches!(members[0].data_type(), DataType::Union(_, UnionMode::Dense)) && members[0].name() == "_0");
    let level = field("level").metadata();
    assert_eq!(level[TYPE], "std::optional<Level>");
    assert_eq!((level["rntuple._0.type"].as_str(), level["rntuple._0._0.type"].as_str()), ("Level", "std::uint8_t"));
    assert_eq!(batch.column_by_name("number").unwrap().null_count(), 3);
    assert_eq!(batch.column_by_name("boxed").unwrap().null_count(), 0);
}

#[derive(Row, Debug, Clone, PartialEq, Default)]
struct Enums {
    value: Value,
    values: Vec<Value>,
    array: [Value; 2],
    by_level: BTreeMap<Level, Value>,
    color: Color,
    colors: Vec<Color>,
}

#[test]
fn enums() {
    let inner = Inner { x: 3.0, tags: vec![9, 9] };
    let full = Enums {
        value: Value::Text("v".to_owned()),
        values: vec![Value::Number(1.0), Value::Nothing, Value::Maybe(None), Value::Number(2.0), Value::Inner(inner)],
        array: [Value::Maybe(Some(1)), Value::Items(vec![])],
        by_level: [(Level::High, Value::Nothing), (Level::Low, Value::Number(0.0))].into(),
        color: Color::Green,
        colors: vec![Color::Blue, Color::Red],
    };
    let batch = there_and_back(&[full.clone(), Enums::default(), full]);
    let schema = batch.schema();
    let DataType::Union(fields, UnionMode::Dense) = schema.field(0).data_type() else { panic!() };
    let names: Vec<(i8, &str)> = fields.iter().map(|(id, field)| (id, field.name().as_str())).collect();
    assert_eq!(names, [(0, "none"), (1, "_0"), (2, "_1"), (3, "_2"), (4, "_3"), (5, "_4")]);
    assert_eq!(*fields.iter().next().unwrap().1.data_type(), DataType::Null);
    let alternatives = "double,std::string,std::vector<std::variant<std::int64_t,std::pair<std::uint8_t,std::uint8_t>>>,\
                        Inner,std::optional<std::int32_t>";
    assert_eq!(schema.field(0).metadata()[TYPE], format!("std::variant<{alternatives}>"));
    assert!(schema.field(0).is_nullable());
    let color = schema.field(4).metadata();
    assert_eq!((color[TYPE].as_str(), color["rntuple._0.type"].as_str()), ("exp::Color", "std::int32_t"));
    let numbers = batch.column(4).as_primitive::<Int32Type>().values();
    assert_eq!(numbers.as_ref(), [-7, 0, -7]);
    assert_eq!(type_name::<Vec<Color>>(), "std::vector<exp::Color>");
    let union = batch.column(0).as_union();
    assert_eq!(union.child(0).len(), 1, "as many nulls as there are values that hold nothing");
    assert_eq!(
        (union.type_ids().as_ref(), union.offsets().unwrap().as_ref()),
        ([2, 0, 2].as_slice(), [0, 0, 1].as_slice())
    );
}

#[test]
fn tuples() {
    #[derive(Row, Debug, PartialEq)]
    struct Tuples {
        one: (u8,),
        pair: (String, Option<f32>),
        three: (u8, (u8, u8), Vec<u8>),
        eight: (u8, u16, u32, u64, i8, i16, i32, i64),
    }
    let row = |n: u8| Tuples {
        one: (n,),
        pair: (n.to_string(), Some(f32::from(n))),
        three: (n, (1, 2), vec![n; 2]),
        eight: (n, 2, 3, 4, 5, 6, 7, 8),
    };
    let batch = there_and_back(&[row(1), row(2)]);
    let names: Vec<String> = batch.schema().fields().iter().map(|field| field.metadata()[TYPE].clone()).collect();
    assert_eq!(
        names[..3],
        [
            "std::tuple<std::uint8_t>",
            "std::pair<std::string,std::optional<float>>",
            "std::tuple<std::uint8_t,std::pair<std::uint8_t,std::uint8_t>,std::vector<std::uint8_t>>",
        ]
    );
}

#[derive(Row, Debug, Clone, PartialEq, Default)]
struct Hit<T> {
    at: [T; 3],
    weights: Vec<T>,
}

#[derive(Row, Debug, Clone, PartialEq)]
#[rntuple(type_name = "exp::Track<{T}, {N}>")]
struct Track<T: Clone, M, const N: usize>
where
    T: Debug,
{
    hits: [Hit<T>; N],
    seed: Option<Box<T>>,
    state: State<T>,
    model: PhantomData<M>,
}

#[derive(Row, Debug, Clone, PartialEq)]
enum State<T> {
    Fitted(Vec<T>),
    Failed(Hit<T>),
    Open,
}

#[derive(Row, Debug, Clone, PartialEq)]
struct Id<T>(T);

#[test]
fn generics() {
    #[derive(Debug, Clone, PartialEq)]
    struct Kalman;

    #[derive(Row, Debug, Clone, PartialEq)]
    struct Event {
        id: Id<u64>,
        tracks: Vec<Track<f32, Kalman, 2>>,
        single: Hit<Id<i16>>,
    }
    let hit = |x: f32| Hit { at: [x, 0.0, -x], weights: vec![x; 2] };
    let track = |state| Track { hits: [hit(1.0), hit(2.0)], seed: Some(Box::new(0.5)), state, model: PhantomData };
    let tracks = vec![track(State::Open), track(State::Failed(hit(3.0))), track(State::Fitted(vec![1.0]))];
    let event = Event { id: Id(7), tracks, single: Hit { at: [Id(1), Id(2), Id(3)], weights: vec![] } };
    let batch = there_and_back(&[event.clone(), event]);
    let names: Vec<String> = batch.schema().fields().iter().map(|field| field.metadata()[TYPE].clone()).collect();
    assert_eq!(names, ["std::uint64_t", "std::vector<exp::Track<float,2>>", "Hit<std::int16_t>"]);
    assert_eq!(type_name::<State<f32>>(), "std::variant<std::vector<float>,Hit<float>>");
}

#[test]
fn untyped() {
    #[derive(Row)]
    #[rntuple(type_name = "")]
    struct Anonymous {
        x: f32,
    }
    assert_eq!(type_name::<Anonymous>(), "");
    assert_eq!(type_name::<Vec<Anonymous>>(), "");
    assert_eq!(type_name::<BTreeMap<u8, Anonymous>>(), "");
    assert_eq!(type_name::<(u8, Anonymous)>(), "");
    assert_eq!(type_name::<Hit<Anonymous>>(), "");
    assert_eq!(type_name::<Option<Anonymous>>(), "std::optional<>");

    #[derive(Row, Debug, PartialEq)]
    #[rntuple(type_name = "")]
    #[repr(i8)]
    enum Number {
        One = 1,
    }
    #[derive(Row, Debug, PartialEq)]
    struct Holder {
        number: Number,
        #[rntuple(type_name = "")]
        pair: (u8, Number),
    }
    let batch = there_and_back(&[Holder { number: Number::One, pair: (2, Number::One) }]);
    let schema = batch.schema();
    assert_eq!(schema.field(0), &i8::field("number"));
    assert_eq!(schema.field(1).metadata()[TYPE], "");
}

#[derive(Row, Debug, PartialEq)]
#[rntuple(rename_all = "camelCase")]
struct Attributes {
    n_muons: u8,
    #[rntuple(rename = "met", description = "Missing energy in GeV", encoding = "Real32Trunc(12)")]
    missing_energy: f32,
    #[rntuple(type_name = "ROOT::RVec<char>")]
    chars: Vec<i8>,
    #[rntuple(encoding = "Real32Quant(10; 0; 1)")]
    weights: Vec<Option<f64>>,
    #[rntuple(skip)]
    cache: Option<usize>,
    #[rntuple(skip, default = "answer")]
    answer: u128,
    r#type: u8,
    #[rntuple(flatten)]
    common: Common,
    #[rntuple(slice)]
    few: Few,
}

#[derive(Row, Debug, PartialEq, Default)]
struct Common {
    run: u32,
    lumi: u32,
}

/// A vector of another crate, as far as this one knows.
#[derive(Debug, PartialEq, Default)]
struct Few(Vec<u8>);

impl std::ops::Deref for Few {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl FromIterator<u8> for Few {
    fn from_iter<I: IntoIterator<Item = u8>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

fn answer() -> u128 {
    42
}

#[test]
fn attributes() {
    let row = Attributes {
        n_muons: 2,
        missing_energy: 0.5,
        chars: vec![1],
        weights: vec![Some(0.5), None],
        cache: None,
        answer: 42,
        r#type: 3,
        common: Common { run: 1, lumi: 2 },
        few: Few(vec![1, 2]),
    };
    let batch = there_and_back(std::slice::from_ref(&row));
    let mut other = Attributes {
        n_muons: 0,
        missing_energy: 0.0,
        chars: vec![3, 4],
        weights: vec![],
        cache: Some(1),
        answer: 0,
        r#type: 0,
        common: Common::default(),
        few: Few::default(),
    };
    RowReader::new(&batch).unwrap().read_into(0, &mut other).unwrap();
    assert_eq!(other, row, "what is not stored is as if it were read anew");
    let schema = batch.schema();
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["nMuons", "met", "chars", "weights", "type", "run", "lumi", "few"]);
    let met = schema.field(1).metadata();
    assert_eq!((met[DESCRIPTION].as_str(), met[ENCODING].as_str()), ("Missing energy in GeV", "Real32Trunc(12)"));
    assert_eq!(schema.field(2).metadata()[TYPE], "ROOT::VecOps::RVec<char>");
    let DataType::List(weight) = schema.field(3).data_type() else { panic!() };
    assert_eq!(weight.metadata()["rntuple._0.encoding"], "Real32Quant(10; 0; 1)");
    assert_eq!(schema.field(7).metadata()[TYPE], "std::vector<std::uint8_t>");
}

mod reexport {
    pub(super) use rntuple_core::row;
}

/// The derived code goes where it is told to, and needs no name but those that it spells out.
#[test]
fn another_path() {
    #[allow(dead_code, reason = "names that derived code could stumble over")]
    mod odd {
        pub(super) struct Option;
        pub(super) struct Result;
        pub(super) struct Vec;
        pub(super) struct String;
        pub(super) struct Default;

        #[derive(rntuple_core::row::Row)]
        #[rntuple(crate = "crate::row::reexport::row")]
        pub(super) struct Odd<T> {
            pub(super) builder: T,
            pub(super) reader: u8,
            pub(super) index: std::vec::Vec<std::option::Option<T>>,
            #[rntuple(default)]
            pub(super) path: u8,
        }
    }
    let batch = batch_of(&[odd::Odd { builder: 1_u8, reader: 2, index: vec![Some(3), None], path: 4 }]);
    let odd: Vec<odd::Odd<u8>> = rows_of(&batch).unwrap();
    assert_eq!(
        (odd[0].builder, odd[0].reader, odd[0].index.as_slice(), odd[0].path),
        (1, 2, [Some(3), None].as_slice(), 4)
    );
}

/// Sizes are those of the buffers.
#[test]
fn sizes() {
    #[derive(Row)]
    struct Sized {
        number: u64,
        text: String,
        list: Vec<u16>,
        array: [f32; 2],
        flag: bool,
        optional: Option<u32>,
    }
    let mut rows = RowsBuilder::of::<Sized>();
    let empty = rows.size();
    for _ in 0..16 {
        rows.push(&Sized {
            number: 1,
            text: "text".to_owned(),
            list: vec![1, 2, 3],
            array: [0.0; 2],
            flag: true,
            optional: None,
        });
    }
    // A bit for the flag and one for the optional.
    assert_eq!(rows.size() - empty, 16 * (8 + (4 + 4) + (4 + 6) + 8 + 4) + 2 + 2);
}

/// A row may refer to what is elsewhere, for as long as it is appended.
#[test]
fn borrowed() {
    #[derive(Row)]
    struct Part<'a, T> {
        name: &'a str,
        values: &'a [T],
    }

    #[derive(Row)]
    #[rntuple(type_name = "Whole")]
    struct Whole<'a, 'b> {
        name: Cow<'a, str>,
        parts: Vec<Part<'b, f32>>,
        deep: &'b Vec<Option<&'a str>>,
        first: Option<&'b Part<'b, f32>>,
        fixed: &'static str,
    }

    #[derive(Row, Debug, PartialEq)]
    struct OwnedPart {
        name: String,
        values: Vec<f32>,
    }

    #[derive(Row, Debug, PartialEq)]
    struct Owned {
        name: String,
        parts: Vec<OwnedPart>,
        deep: Vec<Option<String>>,
        first: Option<OwnedPart>,
        fixed: String,
    }

    let mut rows = RowsBuilder::of::<Whole>();
    for n in 0..3 {
        let text = n.to_string();
        let values = [0.5; 2];
        let deep = vec![None, Some(text.as_str())];
        let part = Part { name: &text, values: &values };
        let parts = vec![Part { name: "p", values: &values[1..] }];
        rows.push(&Whole { name: Cow::Borrowed(&text), parts, deep: &deep, first: Some(&part), fixed: "f" });
    }
    let batch = rows.finish().unwrap();
    let read: Vec<Owned> = rows_of(&batch).unwrap();
    let expected = Owned {
        name: "2".to_owned(),
        parts: vec![OwnedPart { name: "p".to_owned(), values: vec![0.5] }],
        deep: vec![None, Some("2".to_owned())],
        first: Some(OwnedPart { name: "2".to_owned(), values: vec![0.5; 2] }),
        fixed: "f".to_owned(),
    };
    assert_eq!(read[2], expected);
    assert_eq!(type_name::<Part<'_, f32>>(), "Part<float>");
}

#[test]
fn no_columns() {
    #[derive(Row, Debug, PartialEq, Clone, Default)]
    struct Empty {}

    #[derive(Row, Debug, PartialEq, Clone)]
    struct Unit;

    #[derive(Row, Debug, PartialEq, Clone)]
    struct Holder {
        empty: Empty,
        units: Vec<Unit>,
        maybe: Option<Empty>,
    }
    assert_eq!(rows_of::<Empty>(&batch_of(&[Empty {}, Empty {}])).unwrap().len(), 2);
    there_and_back(&[
        Holder { empty: Empty {}, units: vec![Unit; 3], maybe: None },
        Holder { empty: Empty {}, units: vec![], maybe: Some(Empty {}) },
    ]);
}

#[test]
fn rows_of_changing_type() {
    #[derive(Row, Debug, PartialEq)]
    struct A {
        x: u8,
    }
    #[derive(Row, Debug, PartialEq)]
    struct B<'a> {
        y: &'a str,
    }
    let mut buffer = RowBuffer::default();
    assert!(buffer.push(&A { x: 1 }).unwrap().is_none());
    assert!(buffer.push(&A { x: 2 }).unwrap().is_none());
    assert_eq!((buffer.len(), buffer.size()), (2, 2));
    let before = buffer.push(&B { y: &"y".repeat(3) }).unwrap().unwrap();
    assert_eq!(rows_of::<A>(&before).unwrap(), [A { x: 1 }, A { x: 2 }]);
    assert_eq!(buffer.len(), 1);
    assert_eq!(buffer.size(), 8 + 3, "two offsets and three bytes");
    assert_eq!(buffer.finish().unwrap().unwrap().column(0).as_string::<i32>().value(0), "yyy");
    assert!(buffer.is_empty() && buffer.finish().unwrap().is_none());
    let send: &dyn Send = &buffer;
    let _ = send;
}

/// What a row has room for is not allocated again.
#[test]
fn memory_is_kept() {
    #[derive(Row, Debug, Clone, PartialEq)]
    struct Kept {
        numbers: Vec<f32>,
        many: Vec<u64>,
        bools: Vec<bool>,
        text: String,
        deque: VecDeque<i16>,
        nested: Vec<Vec<String>>,
        optional: Option<Vec<f64>>,
        boxed: Box<Inner>,
        array: [Vec<i8>; 2],
        pair: (u8, String),
        value: Value,
        shared: Rc<Vec<u16>>,
        cow: Cow<'static, [u32]>,
    }
    fn memory(row: &Kept) -> Vec<*const u8> {
        let value = match &row.value {
            Value::Text(text) => text.as_ptr(),
            _ => std::ptr::null(),
        };
        vec![
            row.numbers.as_ptr().cast(),
            row.many.as_ptr().cast(),
            row.bools.as_ptr().cast(),
            row.text.as_ptr(),
            row.deque.as_slices().0.as_ptr().cast(),
            row.nested.as_ptr().cast(),
            row.nested[0].as_ptr().cast(),
            row.nested[0][0].as_ptr(),
            row.optional.as_ref().unwrap().as_ptr().cast(),
            std::ptr::from_ref(&*row.boxed).cast(),
            row.boxed.tags.as_ptr(),
            row.array[1].as_ptr().cast(),
            row.pair.1.as_ptr(),
            value,
            row.shared.as_ptr().cast(),
            row.cow.as_ptr().cast(),
        ]
    }
    let row = |n: u8, text: &str| Kept {
        numbers: vec![n.into(); n.into()],
        many: vec![n.into(); 100 * usize::from(n)],
        bools: vec![true; n.into()],
        text: text.to_owned(),
        deque: vec![n.into(); n.into()].into(),
        nested: vec![vec![text.to_owned(); n.into()]; n.into()],
        optional: Some(vec![n.into(); n.into()]),
        boxed: Box::new(Inner { x: n.into(), tags: vec![n; n.into()] }),
        array: [vec![], vec![1; n.into()]],
        pair: (n, text.to_owned()),
        value: Value::Text(text.to_owned()),
        shared: Rc::new(vec![n.into(); n.into()]),
        cow: Cow::Owned(vec![n.into(); n.into()]),
    };
    let rows = [row(3, "three"), row(1, "one"), row(2, "two")];
    let batch = batch_of(&rows);
    let reader = RowReader::<Kept>::new(&batch).unwrap();
    let mut over = reader.get(0).unwrap();
    let before = memory(&over);
    assert!(before.iter().all(|address| !address.is_null()));
    for (index, row) in rows.iter().enumerate().skip(1) {
        reader.read_into(index, &mut over).unwrap();
        assert_eq!((&over, memory(&over)), (row, before.clone()));
    }
    // What is shared is left to those who share it.
    let shared = Rc::clone(&over.shared);
    reader.read_into(0, &mut over).unwrap();
    assert_eq!((&*shared, &over), (&vec![2, 2], &rows[0]));
}

/// Lists of all sizes, some of them the last ones of their arrays.
#[test]
fn sizes_of_lists() {
    #[derive(Row, Debug, PartialEq)]
    struct Sized {
        a: Vec<u8>,
        b: Vec<bool>,
        c: Vec<f64>,
        d: VecDeque<f16>,
    }
    let row = |n: u8| {
        let all = 0..n;
        Sized {
            a: all.clone().collect(),
            b: all.clone().map(|i| i.is_multiple_of(3)).collect(),
            c: all.clone().map(f64::from).collect(),
            d: all.map(f16::from).collect(),
        }
    };
    there_and_back(&(0..150).map(row).collect::<Vec<_>>());
    there_and_back(&(0..150).rev().map(row).collect::<Vec<_>>());
    for n in 0..20 {
        there_and_back(&[row(n), row(1), row(20 - n), row(0)]);
    }
}

mod on_disk {
    //! Files whose fields are not quite those of the struct.

    use super::*;

    fn field(name: &str, data_type: DataType, nullable: bool, type_name: &str) -> Field {
        Field::new(name, data_type, nullable).with_metadata([(TYPE.to_owned(), type_name.to_owned())].into())
    }

    fn cast<T: ReadRow>(fields: Vec<Field>) -> (String, String, String) {
        match requested_schema::<T>(&Schema::new(fields)).unwrap_err() {
            Error::Cast { field, from, to } => (field, from, to),
            other => panic!("{other:?}"),
        }
    }

    #[derive(Row, Debug, PartialEq)]
    struct Wanted {
        b: i64,
        a: bool,
        c: f32,
        list: Vec<Item1>,
        gone: Option<u8>,
        #[rntuple(default)]
        count: u16,
        #[rntuple(default = "answer")]
        answer: u128_like::Wide,
    }

    mod u128_like {
        use super::*;

        #[derive(Row, Debug, PartialEq)]
        pub(super) struct Wide(pub(super) u64);
    }

    fn answer() -> u128_like::Wide {
        u128_like::Wide(42)
    }

    #[derive(Row, Debug, Clone, PartialEq)]
    #[rntuple(default)]
    struct Item1 {
        x: f64,
        y: i8,
        z: String,
    }

    impl Default for Item1 {
        fn default() -> Self {
            Self { x: -1.0, y: -2, z: "z".to_owned() }
        }
    }

    fn list(item: Field) -> DataType {
        DataType::List(Arc::new(item))
    }

    #[test]
    fn extra_missing_converted() {
        let item = field(
            "_0",
            DataType::Struct(Fields::from(vec![
                field("w", DataType::Utf8, false, "std::string"),
                field("x", DataType::Float32, false, "float"),
            ])),
            false,
            "exp::Hit",
        );
        let schema = Schema::new(vec![
            field("a", DataType::UInt8, false, "std::uint8_t"),
            field("extra", DataType::UInt8, false, "std::uint8_t"),
            field("b", DataType::Int8, false, "char"),
            field("c", DataType::Float64, false, "double"),
            field("list", list(item), false, "std::vector<exp::Hit>"),
        ]);
        let asked = requested_schema::<Wanted>(&schema).unwrap();
        let types: Vec<(&str, String)> =
            asked.fields().iter().map(|field| (field.name().as_str(), field.data_type().to_string())).collect();
        assert_eq!(types[..3], [("b", "Int64".to_owned()), ("a", "Boolean".to_owned()), ("c", "Float32".to_owned())]);
        assert_eq!(types.len(), 4, "{types:?}");
        let DataType::List(item) = asked.field(3).data_type() else { panic!() };
        let DataType::Struct(members) = item.data_type() else { panic!() };
        assert_eq!(members.len(), 1);
        assert_eq!((members[0].name().as_str(), members[0].data_type()), ("x", &DataType::Float64));

        // What such a scan gives.
        let x: ArrayRef = Arc::new(arrow::array::Float64Array::from(vec![0.5, 1.5]));
        let items = StructArray::try_new(members.clone(), vec![x], None).unwrap();
        let lists =
            ListArray::try_new(Arc::clone(item), OffsetBuffer::from_lengths([0, 2]), Arc::new(items), None).unwrap();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(arrow::array::Int64Array::from(vec![-5, 5])),
            Arc::new(arrow::array::BooleanArray::from(vec![true, false])),
            Arc::new(Float32Array::from(vec![0.25, 0.5])),
            Arc::new(lists),
        ];
        let batch = RecordBatch::try_new(asked, columns).unwrap();
        let read: Vec<Wanted> = rows_of(&batch).unwrap();
        let item = |x| Item1 { x, ..Item1::default() };
        let row = |b, a, c, list| Wanted { b, a, c, list, gone: None, count: 0, answer: u128_like::Wide(42) };
        assert_eq!(read, [row(-5, true, 0.25, vec![]), row(5, false, 0.5, vec![item(0.5), item(1.5)])]);
        over_each_other(&batch, &read);
        let other = |x| Item1 { x, y: 7, z: "other".to_owned() };
        let mut over =
            Wanted { gone: Some(1), count: 1, answer: u128_like::Wide(1), ..row(0, true, 0.0, vec![other(9.0); 3]) };
        RowReader::new(&batch).unwrap().read_into(1, &mut over).unwrap();
        assert_eq!(over, read[1], "members that are missing have their defaults again");
    }

    #[derive(Row, Debug)]
    struct Outer {
        inner: Vec<Leaf>,
    }

    #[derive(Row, Debug)]
    struct Leaf {
        x: i32,
    }

    #[test]
    fn errors_name_the_field_and_both_types() {
        let outer = |leaf| {
            let record = DataType::Struct(Fields::from(vec![leaf]));
            vec![field("inner", list(field("_0", record, false, "Leaf")), false, "std::vector<Leaf>")]
        };
        let text = requested_schema::<Outer>(&Schema::new(outer(field("x", DataType::Float32, false, "float"))));
        let text = text.unwrap_err().to_string();
        assert_eq!(text, "field 'inner._0.x' of type 'float' cannot be read as i32");
        let text = requested_schema::<Outer>(&Schema::new(outer(field("y", DataType::Int32, false, "")))).unwrap_err();
        assert_eq!(
            text.to_string(),
            "no field matches 'inner._0.x', which Leaf reads as i32 (a field that may be missing is an Option, or marked \
             #[rntuple(default)])"
        );
        let names = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
        assert_eq!(
            cast::<Outer>(vec![field("inner", DataType::Utf8, false, "std::string")]),
            names("inner", "std::string", "Vec<Leaf>")
        );
        let optional = field("x", DataType::Int32, true, "std::optional<std::int32_t>");
        assert_eq!(cast::<Leaf>(vec![optional]), names("x", "std::optional<std::int32_t>", "i32"));
        #[derive(Row)]
        struct Many {
            many: Option<BTreeMap<String, [Value2; 2]>>,
        }
        assert_eq!(
            cast::<Many>(vec![field("many", DataType::Int8, false, "char")]),
            names("many", "char", "BTreeMap<String, [Value2; 2]>")
        );
        #[derive(Row)]
        struct Three {
            three: [f32; 3],
        }
        let four = DataType::FixedSizeList(Arc::new(field("_0", DataType::Float32, false, "float")), 4);
        assert_eq!(
            cast::<Three>(vec![field("three", four, false, "std::array<float,4>")]),
            names("three", "std::array<float,4>", "[f32; 3]")
        );
    }

    #[test]
    fn batches_of_other_types() {
        let batch = |field: Field, array: ArrayRef| {
            RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![array]).unwrap()
        };
        let wrong = batch(Field::new("x", DataType::Float32, false), Arc::new(Float32Array::from(vec![1.0])));
        let error = RowReader::<Leaf>::new(&wrong).unwrap_err().to_string();
        assert_eq!(error, "field 'x' of type 'Float32' cannot be read as i32");
        let nulls = batch(Field::new("x", DataType::Int32, true), Arc::new(Int32Array::from(vec![Some(1), None])));
        let error = RowReader::<Leaf>::new(&nulls).unwrap_err().to_string();
        assert_eq!(error, "field 'x' cannot be read: 1 of its 2 values are null, which i32 cannot be: use Option<i32>");
        let none = batch(Field::new("x", DataType::Int32, true), Arc::new(Int32Array::from(vec![Some(1), Some(2)])));
        assert_eq!(RowReader::<Leaf>::new(&none).unwrap().count(), 2);
        let other = batch(Field::new("y", DataType::Int32, true), Arc::new(Int32Array::from(vec![1])));
        assert!(matches!(RowReader::<Leaf>::new(&other), Err(Error::NoSuchField { pattern, .. }) if pattern == "x"));
    }

    #[test]
    fn values_that_a_type_does_not_have() {
        #[derive(Row, Debug)]
        struct Leveled {
            level: Vec<Level>,
        }
        #[derive(Row)]
        struct Numbered {
            level: Vec<u8>,
        }
        let batch = batch_of(&[Numbered { level: vec![1] }, Numbered { level: vec![200, 2] }]);
        let mut rows = RowReader::<Leveled>::new(&batch).unwrap().first_entry(100);
        assert!(rows.next().unwrap().is_ok());
        let error = rows.next().unwrap().unwrap_err();
        assert_eq!(error.to_string(), "field 'level._0', entry 101: the value 2 is none of Level");
        assert!(rows.next().is_none());
        let rows = RowReader::<Leveled>::new(&batch).unwrap();
        assert!(matches!(rows.get(2), Err(Error::Value { entry: 2, .. })));

        #[derive(Row, Debug)]
        struct Strict {
            value: Full,
        }
        #[derive(Row, Debug)]
        enum Full {
            Number(f64),
        }
        #[derive(Row)]
        struct Loose {
            value: Half,
        }
        #[derive(Row)]
        enum Half {
            Number(f64),
            Nothing,
        }
        let batch = batch_of(&[Loose { value: Half::Number(1.0) }, Loose { value: Half::Nothing }]);
        let mut rows = RowReader::<Strict>::new(&batch).unwrap();
        assert!(rows.next().unwrap().is_ok());
        let error = rows.next().unwrap().unwrap_err().to_string();
        assert_eq!(
            error,
            "field 'value', entry 1: the variant holds nothing: Full needs a variant without value, or use Option<Full>"
        );

        #[derive(Row, Debug)]
        struct Small {
            x: f16,
        }
        #[derive(Row)]
        struct Single {
            x: f32,
        }
        let batch = batch_of(&[Single { x: f32::INFINITY }, Single { x: 65520.0 }]);
        let mut rows = RowReader::<Small>::new(&batch).unwrap();
        assert!(rows.next().unwrap().is_ok());
        assert_eq!(
            rows.next().unwrap().unwrap_err().to_string(),
            "field 'x', entry 1: the value 65520 does not fit into f16"
        );

        #[derive(Row, Debug)]
        struct Boxed {
            x: Box<u8>,
        }
        #[derive(Row)]
        struct Pointer {
            x: Option<Box<u8>>,
        }
        let batch = batch_of(&[Pointer { x: Some(Box::new(1)) }, Pointer { x: None }]);
        let mut rows = RowReader::<Boxed>::new(&batch).unwrap();
        assert!(rows.next().unwrap().is_ok());
        assert!(rows.next().unwrap().unwrap_err().to_string().contains("it is null, which a Box cannot be"));
    }

    /// A row that could not be read is good for the next one.
    #[test]
    fn after_an_error() {
        #[derive(Row, Debug, PartialEq)]
        struct Leveled {
            before: Vec<String>,
            deque: VecDeque<Level>,
            level: Vec<Option<Box<Level>>>,
            after: String,
        }
        #[derive(Row)]
        struct Numbered {
            before: Vec<String>,
            deque: Vec<u8>,
            level: Vec<Option<u8>>,
            after: String,
        }
        let row = |before: &[&str], deque: &[u8], level: &[Option<u8>], after: &str| Numbered {
            before: before.iter().map(|&text| text.to_owned()).collect(),
            deque: deque.to_vec(),
            level: level.to_vec(),
            after: after.to_owned(),
        };
        let batch = batch_of(&[
            row(&["a", "b"], &[1, 200], &[Some(1), Some(200), None], "x"),
            row(&["c"], &[1, 2], &[], "y"),
            row(&[], &[], &[Some(200), Some(0), Some(1)], "z"),
            row(&["d", "e", "f"], &[200, 1, 1], &[None, Some(1), Some(200), Some(1)], "end"),
        ]);
        let mut reader = RowReader::<Leveled>::new(&batch).unwrap().first_entry(10);
        let good = [reader.get(0).unwrap(), reader.get(3).unwrap()];
        let mut row = reader.get(3).unwrap();
        assert!(reader.next_into(&mut row).unwrap());
        assert_eq!(row, good[0]);
        let error = reader.next_into(&mut row).unwrap_err();
        assert_eq!(error.to_string(), "field 'deque._0', entry 11: the value 2 is none of Level");
        let error = reader.next_into(&mut row).unwrap_err();
        assert_eq!(error.to_string(), "field 'level._0', entry 12: the value 0 is none of Level");
        assert!(reader.next_into(&mut row).unwrap());
        assert_eq!(row, good[1]);
        let error = reader.read_into(4, &mut row).unwrap_err();
        assert_eq!(error.to_string(), "field '', entry 14: it is not in the batch");
        assert_eq!(row, good[1]);
    }

    /// A variant may have gained alternatives since the file was written, but not lost any.
    #[test]
    fn fewer_alternatives() {
        #[derive(Row, Debug, PartialEq)]
        enum Old {
            Int(u8),
        }
        #[derive(Row, Debug, PartialEq)]
        enum New {
            Int(i64),
            Text(String),
        }
        #[derive(Row, Debug, PartialEq)]
        struct With<T> {
            x: T,
        }
        let old = With::<Old>::schema();
        let asked = requested_schema::<With<New>>(&old).unwrap();
        let DataType::Union(fields, _) = asked.field(0).data_type() else { panic!() };
        assert_eq!(
            fields.iter().map(|(_, field)| field.data_type().clone()).collect::<Vec<_>>(),
            [DataType::Null, DataType::Int64]
        );
        let batch = batch_of(&[With { x: Wide::Int(3) }, With { x: Wide::Int(4) }]);
        let read: Vec<With<New>> = rows_of(&batch).unwrap();
        assert_eq!(read, [With { x: New::Int(3) }, With { x: New::Int(4) }]);
        over_each_other(&batch, &read);
        let mut text = With { x: New::Text("text".to_owned()) };
        RowReader::new(&batch).unwrap().read_into(0, &mut text).unwrap();
        assert_eq!(text, read[0]);
        assert!(matches!(requested_schema::<With<Old>>(&With::<New>::schema()), Err(Error::Cast { .. })));
        #[derive(Row)]
        enum Wide {
            Int(i64),
        }
    }

    /// Optionals of plain values, boxes of optionals, lists of arrays, maps of lists: what ROOT converts as well.
    #[test]
    fn evolution() {
        #[derive(Row, Debug, PartialEq)]
        struct New {
            maybe: Option<u32>,
            owned: Box<u32>,
            list: Vec<f32>,
            map: BTreeMap<u8, f32>,
            pairs: Vec<(u8, f32)>,
            tuple: (u8, f32),
            set: BTreeSet<u8>,
            record: Wide,
            flag: Level,
        }
        #[derive(Row, Debug, PartialEq)]
        struct Wide {
            a: i64,
            b: Option<i64>,
        }
        #[derive(Row)]
        struct Old {
            maybe: u32,
            owned: Option<u32>,
            list: [f32; 2],
            map: Vec<(u8, f32)>,
            pairs: BTreeMap<u8, f32>,
            tuple: (u8, f32, u8),
            set: Vec<u8>,
            record: Thin,
            flag: u8,
        }
        #[derive(Row)]
        struct Thin {
            b: i64,
            a: i64,
            c: bool,
        }
        let old = Old {
            maybe: 1,
            owned: Some(2),
            list: [0.5, 1.5],
            map: vec![(2, 0.5), (1, 0.25), (2, 0.75)],
            pairs: [(1, 1.0)].into(),
            tuple: (3, 0.125, 4),
            set: vec![5, 4, 5],
            record: Thin { b: 6, a: 7, c: true },
            flag: 200,
        };
        let batch = batch_of(&[old]);
        requested_schema::<New>(&batch.schema()).unwrap();
        let new: Vec<New> = rows_of(&batch).unwrap();
        let expected = New {
            maybe: Some(1),
            owned: Box::new(2),
            list: vec![0.5, 1.5],
            map: [(1, 0.25), (2, 0.75)].into(),
            pairs: vec![(1, 1.0)],
            tuple: (3, 0.125),
            set: [4, 5].into(),
            record: Wide { a: 7, b: Some(6) },
            flag: Level::High,
        };
        assert_eq!(new, [expected]);
        over_each_other(&batch, &new);
    }

    #[test]
    fn large_offsets() {
        #[derive(Row, Debug, PartialEq)]
        struct Large {
            list: Vec<String>,
        }
        let strings: ArrayRef = Arc::new(LargeStringArray::from(vec!["a", "b", "c"]));
        let item = Arc::new(Field::new("_0", DataType::LargeUtf8, false));
        let lists = LargeListArray::try_new(item, OffsetBuffer::from_lengths([2, 1]), strings, None).unwrap();
        let field = Field::new("list", lists.data_type().clone(), false);
        let batch = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![Arc::new(lists)]).unwrap();
        let row = |list: &[&str]| Large { list: list.iter().map(|&text| text.to_owned()).collect() };
        let rows = [row(&["a", "b"]), row(&["c"])];
        assert_eq!(rows_of::<Large>(&batch).unwrap(), rows);
        over_each_other(&batch, &rows);
        let asked = requested_schema::<Large>(&batch.schema()).unwrap();
        assert_eq!(asked.field(0).data_type(), batch.schema().field(0).data_type());
    }

    /// Values below something that is null are never asked for, whatever they are.
    #[test]
    fn nulls_that_hide_values() {
        #[derive(Row, Debug, PartialEq)]
        struct Hidden {
            x: Option<Leaf2>,
            y: Option<[Level; 2]>,
        }
        #[derive(Row, Debug, PartialEq)]
        struct Leaf2 {
            level: Level,
            n: f32,
        }
        let schema = Hidden::schema();
        let DataType::Struct(members) = schema.field(0).data_type() else { panic!() };
        let DataType::FixedSizeList(item, size) = schema.field(1).data_type() else { panic!() };
        // As `take` makes them: nulls go down to the members.
        let levels: ArrayRef = Arc::new(arrow::array::UInt8Array::from(vec![Some(1), None, Some(200)]));
        let numbers: ArrayRef = Arc::new(Float32Array::from(vec![Some(0.5), None, Some(1.5)]));
        let nulls = Some(vec![true, false, true].into());
        let records = StructArray::try_new(members.clone(), vec![levels, numbers], nulls).unwrap();
        let items: ArrayRef = Arc::new(arrow::array::UInt8Array::from(vec![0, 0, 1, 200, 200, 1]));
        let arrays =
            FixedSizeListArray::try_new(Arc::clone(item), *size, items, Some(vec![false, true, true].into())).unwrap();
        let batch = RecordBatch::try_new(schema, vec![Arc::new(records), Arc::new(arrays)]).unwrap();
        let leaf = |level, n| Some(Leaf2 { level, n });
        let rows = [
            Hidden { x: leaf(Level::Low, 0.5), y: None },
            Hidden { x: None, y: Some([Level::Low, Level::High]) },
            Hidden { x: leaf(Level::High, 1.5), y: Some([Level::High, Level::Low]) },
        ];
        assert_eq!(rows_of::<Hidden>(&batch).unwrap(), rows);
        over_each_other(&batch, &rows);
        assert_eq!(batch.column(0).as_struct().column(1).as_primitive::<Float32Type>().null_count(), 1);
    }
}

/// Everything inside everything.
#[derive(Row, Debug, Clone, PartialEq, Default)]
struct Deep {
    a: Vec<BTreeMap<String, Option<[Value; 2]>>>,
    b: Option<Vec<(Option<Box<Inner>>, HashMap<u8, Vec<bool>>)>>,
    c: [Option<Option<Value>>; 2],
    d: Vec<Option<Vec<Option<Vec<Option<Color>>>>>>,
    e: BTreeMap<Vec<u8>, (BTreeSet<i16>, [[f32; 2]; 2])>,
}

fn inner() -> impl Strategy<Value = Inner> {
    (any::<i32>(), prop::collection::vec(any::<u8>(), 0..3)).prop_map(|(x, tags)| Inner { x: f64::from(x), tags })
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Nothing),
        any::<i32>().prop_map(|x| Value::Number(x.into())),
        ".{0,4}".prop_map(Value::Text),
        prop::collection::vec(
            prop_oneof![any::<i64>().prop_map(Value2::Int), any::<(u8, u8)>().prop_map(Value2::Pair)],
            0..3
        )
        .prop_map(Value::Items),
        inner().prop_map(Value::Inner),
        any::<Option<i32>>().prop_map(Value::Maybe),
    ]
}

fn few<S: Strategy>(item: S) -> impl Strategy<Value = Vec<S::Value>>
where
    S::Value: Debug,
{
    prop::collection::vec(item, 0..4)
}

fn deep() -> impl Strategy<Value = Deep> {
    use prop::option::of;
    let color = prop::sample::select(vec![Color::Red, Color::Green, Color::Blue]);
    (
        few(prop::collection::btree_map(".{0,3}", of([value(), value()]), 0..3)),
        of(few((of(inner().prop_map(Box::new)), prop::collection::hash_map(any::<u8>(), few(any::<bool>()), 0..3)))),
        [of(of(value())), of(of(value()))],
        few(of(few(of(few(of(color)))))),
        prop::collection::btree_map(
            few(any::<u8>()),
            (
                prop::collection::btree_set(any::<i16>(), 0..3),
                prop::array::uniform2(prop::array::uniform2(-1e3_f32..1e3)),
            ),
            0..3,
        ),
    )
        .prop_map(|(a, b, c, d, e)| Deep { a, b, c, d, e })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn values_survive(rows in prop::collection::vec(deep(), 0..12)) {
        there_and_back(&rows);
    }

    #[test]
    fn numbers_survive(
        rows in prop::collection::vec(any::<(bool, i8, u8, i16, u16, i32, u32, i64, u64)>(), 0..40),
        floats in any::<(f32, f64, u16)>().prop_filter("NaN is not equal to itself", |(a, b, c)| {
            !a.is_nan() && !b.is_nan() && !f16::from_bits(*c).is_nan()
        }),
    ) {
        let (f32, f64, bits) = floats;
        let rows: Vec<Numbers> = rows
            .into_iter()
            .map(|(bool, i8, u8, i16, u16, i32, u32, i64, u64)| Numbers {
                bool, i8, u8, i16, u16, i32, u32, i64, u64, f32, f64, f16: f16::from_bits(bits),
            })
            .collect();
        there_and_back(&rows);
    }
}
