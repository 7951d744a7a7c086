//! Rust structs out of the golden files, and back into the same arrays.

#![expect(clippy::box_collection, reason = "pointers are what is tested")]

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Debug;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use rntuple_core::arrow::TYPE;
use rntuple_core::row::{ReadRow, Row, RowReader, RowsBuilder, requested_schema};

use rntuple_io::NTuple;

use crate::leaves::leaves;
use crate::support::{data, whole};

/// Types of a field and of everything below it, with what they are called on storage.
fn types(field: &Field, out: &mut Vec<String>) {
    let inner: BTreeMap<_, _> = field.metadata().iter().filter(|(key, _)| key.ends_with("type")).collect();
    out.push(format!("{}: {inner:?} {}", field.name(), field.is_nullable()));
    match field.data_type() {
        DataType::List(item) | DataType::FixedSizeList(item, _) | DataType::Map(item, _) => types(item, out),
        DataType::Struct(members) => members.iter().for_each(|member| types(member, out)),
        DataType::Union(fields, _) => fields.iter().skip(1).for_each(|(_, field)| types(field, out)),
        other => out.push(other.to_string()),
    }
}

/// Reads all entries into one row, beginning with the last one; batches are small.
fn over_each_other<T: ReadRow + Debug>(ntuple: &NTuple, expected: &[T]) {
    let last = ntuple.scan().entries(-1..).rows::<T>().unwrap().next();
    let Some(Ok(mut row)) = last else { panic!("no last row: {last:?}") };
    let mut rows = ntuple.scan().batch_rows(3).rows::<T>().unwrap();
    for expected in expected {
        assert!(rows.read_into(&mut row).unwrap());
        assert_eq!(format!("{row:?}"), format!("{expected:?}"));
    }
    assert!(!rows.read_into(&mut row).unwrap() && rows.next().is_none());
    assert_eq!(format!("{row:?}"), format!("{:?}", expected.last().unwrap()));
}

/// Reads `T` and writes it again: the same numbers, and the same fields but for those that `T` lacks.
fn there_and_back<T: ReadRow + Debug>(name: &str) -> Vec<T> {
    let ntuple = data(name);
    let own = whole(ntuple.scan(), ntuple.entries());
    let asked = requested_schema::<T>(&own.schema()).unwrap();
    let batch = whole(ntuple.scan().schema(Arc::clone(&asked)), ntuple.entries());
    let rows: Vec<T> = RowReader::new(&batch).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(rows.len() as u64, ntuple.entries());
    over_each_other(&ntuple, &rows);
    let mut builder = RowsBuilder::of::<T>();
    rows.iter().for_each(|row| builder.push(row));
    let again = builder.finish().unwrap();
    let (own_leaves, leaves) = (leaves(ntuple.schema(), &own), leaves(ntuple.schema(), &again));
    assert!(!leaves.is_empty());
    for (path, values) in &leaves {
        assert_eq!(format!("{values:?}"), format!("{:?}", own_leaves[path]), "{name}: {path}");
    }
    for field in again.schema().fields() {
        let (mut expected, mut got) = (Vec::new(), Vec::new());
        types(own.schema().field_with_name(field.name()).unwrap(), &mut expected);
        types(field, &mut got);
        assert_eq!(got, expected, "{name}: {}", field.metadata()[TYPE]);
    }
    rows
}

#[derive(Row, Debug, PartialEq)]
#[rntuple(type_name = "golden::Point")]
struct Point {
    x: f32,
    y: f32,
}

#[derive(Row, Debug)]
#[rntuple(type_name = "golden::Hit")]
struct Hit {
    id: i32,
    r#where: Point,
    charges: Vec<f32>,
    label: String,
}

#[derive(Row, Debug)]
enum Either<A, B> {
    A(A),
    B(B),
    Nothing,
}

#[test]
fn variants() {
    #[derive(Row, Debug)]
    enum Wide {
        Bool(bool),
        Small(i8),
        UShort(u16),
        Long(i64),
        Float(f32),
        Double(f64),
        Text(String),
        Texts(Vec<String>),
        Pair([i16; 2]),
        Point(Point),
        Nothing,
    }
    #[derive(Row, Debug)]
    enum Three {
        Float(f32),
        List(Vec<i32>),
        Text(String),
        Nothing,
    }
    #[derive(Row, Debug)]
    enum One {
        Double(f64),
        Nothing,
    }
    #[derive(Row, Debug)]
    struct Variants {
        a: Either<i32, String>,
        wide: Wide,
        vv: Vec<Three>,
        nested: Either<Either<i32, bool>, Option<String>>,
        one: One,
        in_pair: (Either<i32, f32>, i32),
        unused_alternative: Either<i32, Vec<f64>>,
        empty: Either<Hit, i32>,
    }
    let rows = there_and_back::<Variants>("variants");
    assert!(rows.iter().any(|row| matches!(&row.a, Either::B(text) if !text.is_empty())));
}

#[test]
fn nullables() {
    #[derive(Row, Debug)]
    #[rntuple(type_name = "golden::Empty")]
    struct Empty;
    #[derive(Row, Debug)]
    struct Nullables {
        o: Option<i32>,
        os: Option<String>,
        oo: Option<Option<i32>>,
        ov: Option<Vec<i32>>,
        ovar: Option<Either<i32, String>>,
        vo: Vec<Option<String>>,
        vvo: Vec<Vec<Option<f32>>>,
        u: Option<Box<f64>>,
        us: Option<Box<String>>,
        uv: Option<Box<Vec<bool>>>,
        up: Option<Box<Point>>,
        vu: Vec<Option<Box<i16>>>,
        uo: Option<Box<Option<i32>>>,
        oa: Option<[f32; 2]>,
        ob: Option<bool>,
        op: Option<Hit>,
        #[rntuple(type_name = "std::optional<std::tuple<std::int32_t,std::optional<std::string>>>")]
        ot: Option<(i32, Option<String>)>,
        oe: Option<Empty>,
        never: Option<f64>,
        always: Option<f64>,
    }
    let rows = there_and_back::<Nullables>("nullables");
    assert!(rows.iter().any(|row| row.oo == Some(None)) && rows.iter().any(|row| row.oo.is_none()));
    assert!(rows.iter().all(|row| row.never.is_none() && row.always.is_some()));
}

#[test]
fn tuples() {
    #[derive(Row, Debug)]
    struct Tuples {
        pair: (i32, String),
        tuple1: (f32,),
        #[rntuple(type_name = "std::tuple<char, std::vector<double>, bool, std::string>")]
        tuple: (i8, Vec<f64>, bool, String),
        #[rntuple(
            type_name = "std::pair<std::tuple<std::int8_t,std::int64_t>,std::pair<bool,std::pair<float,std::byte>>>"
        )]
        pair_tuple: ((i8, i64), (bool, (f32, u8))),
        vector_pair: Vec<(u8, f64)>,
        #[rntuple(type_name = "std::vector<std::tuple<std::string,std::vector<std::pair<std::int16_t,std::string>>>>")]
        vector_tuple: Vec<(String, Vec<(i16, String)>)>,
        optional_pair: Option<(i32, Vec<String>)>,
    }
    there_and_back::<Tuples>("tuples");
}

#[test]
fn associative() {
    #[derive(Row, Debug)]
    struct Associative {
        set: BTreeSet<i32>,
        set_string: BTreeSet<String>,
        set_pair: BTreeSet<(i32, String)>,
        set_set: BTreeSet<BTreeSet<i32>>,
        #[rntuple(type_name = "std::multiset<std::int64_t>")]
        multiset: Vec<i64>,
        #[rntuple(type_name = "std::unordered_multiset<float>")]
        unordered_multiset: Vec<f32>,
        map: BTreeMap<i32, f32>,
        map_string: BTreeMap<String, i64>,
        map_point: BTreeMap<String, Point>,
        map_vector: BTreeMap<String, Vec<i32>>,
        map_map: BTreeMap<i32, BTreeMap<i32, String>>,
        #[rntuple(type_name = "std::map<char,double>")]
        map_char: BTreeMap<i8, f64>,
        vector_map: Vec<BTreeMap<i32, String>>,
        optional_map: Option<BTreeMap<i32, f32>>,
    }
    there_and_back::<Associative>("associative");

    // Their order is not kept.
    #[derive(Row, Debug)]
    struct Unordered {
        unordered_set: HashSet<String>,
        unordered_map: HashMap<String, i32>,
        multimap: Vec<(i32, String)>,
    }
    let ntuple = data("associative");
    let asked = requested_schema::<Unordered>(&whole(ntuple.scan(), ntuple.entries()).schema()).unwrap();
    let batch = whole(ntuple.scan().schema(asked), ntuple.entries());
    let rows: Vec<Unordered> = RowReader::new(&batch).unwrap().collect::<Result<_, _>>().unwrap();
    assert!(
        rows.iter().any(|row| row.unordered_set.len() > 1 && row.unordered_map.len() > 1 && row.multimap.len() > 1)
    );
}

#[test]
fn enums() {
    #[derive(Row, Debug, PartialEq)]
    #[rntuple(type_name = "golden::Short")]
    #[repr(i16)]
    enum Short {
        Min = i16::MIN,
        Max = i16::MAX,
        Zero = 0,
        One = 1,
    }
    #[derive(Row, Debug)]
    struct Enums {
        optional_enum: Option<Short>,
        #[rntuple(type_name = "std::atomic<float>", default)]
        missing: f32,
    }
    let ntuple = data("atomics_enums");
    let own = whole(ntuple.scan(), ntuple.entries());
    let asked = requested_schema::<Enums>(&own.schema()).unwrap();
    let batch = whole(ntuple.scan().schema(asked), ntuple.entries());
    let rows: Vec<Enums> = RowReader::new(&batch).unwrap().map(|row| row.unwrap()).collect();
    assert!(rows.iter().any(|row| row.optional_enum == Some(Short::Min)) && rows[0].missing == 0.0, "{rows:?}");
    let (mut expected, mut got) = (Vec::new(), Vec::new());
    types(own.schema().field_with_name("optional_enum").unwrap(), &mut expected);
    types(Enums::schema().field(0), &mut got);
    assert_eq!(got, expected);
}

/// A row may be read over another one or anew, in any order, and there is nothing behind an error.
#[test]
fn one_way_or_the_other() {
    #[derive(Row, Debug, Clone, PartialEq, Default)]
    enum Number {
        #[default]
        A = 0,
        B = -1,
        C = -2,
        D = -3,
        E = -4,
        F = -5,
        G = -6,
    }
    #[derive(Row, Debug, Clone, PartialEq, Default)]
    struct Enums {
        atomic_int: Number,
    }
    let ntuple = data("atomics_enums");
    let good = 7;
    let rows = || ntuple.scan().batch_rows(2).rows::<Enums>().unwrap();
    let (mut anew, mut both, mut row) = (rows(), rows(), Enums::default());
    for entry in 0..good {
        let expected = anew.next().unwrap().unwrap();
        if entry % 3 == 1 {
            assert_eq!(both.next().unwrap().unwrap(), expected);
        } else {
            assert!(both.read_into(&mut row).unwrap());
            assert_eq!(row, expected);
        }
    }
    let messages = [anew.next().unwrap().unwrap_err(), both.read_into(&mut row).unwrap_err()].map(|e| e.to_string());
    assert_eq!(messages[0], messages[1]);
    assert!(messages[0].contains(&format!("entry {good}: ")), "{messages:?}");
    let before = row.clone();
    assert!(!both.read_into(&mut row).unwrap() && both.next().is_none() && anew.next().is_none());
    assert_eq!(row, before);
}

#[test]
fn arrays_and_sequences() {
    #[derive(Row, Debug)]
    struct Arrays {
        a: [f32; 3],
        aa: [[i32; 2]; 3],
        ab: [bool; 11],
        r#as: [String; 2],
        av: [Vec<u8>; 2],
        ao: [Option<i32>; 2],
        avar: [Either<i32, String>; 2],
        ap: [Point; 2],
        one: [f64; 1],
        aav: [[Vec<[f32; 2]>; 2]; 2],
        #[rntuple(type_name = "std::array<std::bitset<3>,2>")]
        abits: [[bool; 3]; 2],
        vav: Vec<[Vec<String>; 2]>,
        none: [f32; 0],
    }
    there_and_back::<Arrays>("arrays");

    #[derive(Row, Debug)]
    struct Sequences {
        v: Vec<i32>,
        vb: Vec<bool>,
        vv: Vec<Vec<f32>>,
        vvvs: Vec<Vec<Vec<String>>>,
        #[rntuple(type_name = "std::vector<std::byte>")]
        vbyte: Vec<u8>,
        #[rntuple(type_name = "std::vector<char>")]
        vchar: Vec<i8>,
        #[rntuple(type_name = "ROOT::RVec<ROOT::RVec<std::int16_t>>")]
        rr: Vec<Vec<i16>>,
        va: Vec<[i16; 3]>,
        never: Vec<Vec<f64>>,
    }
    there_and_back::<Sequences>("sequences");
}

#[test]
fn classes() {
    #[derive(Row, Debug)]
    #[rntuple(type_name = "golden::BaseA")]
    struct BaseA {
        a: i32,
        r#as: Vec<i16>,
    }
    #[derive(Row, Debug)]
    #[rntuple(type_name = "golden::Empty")]
    struct Empty {}
    #[derive(Row, Debug)]
    #[rntuple(type_name = "golden::BaseB")]
    struct BaseB {
        b: f64,
        nothing: Empty,
    }
    #[derive(Row, Debug)]
    #[rntuple(type_name = "golden::Derived")]
    struct Derived {
        #[rntuple(rename = ":_0")]
        base_a: BaseA,
        #[rntuple(rename = ":_1")]
        base_b: BaseB,
        name: String,
    }
    #[derive(Row, Debug)]
    #[rntuple(type_name = "golden::Box<{T}>")]
    struct Content<T> {
        content: T,
    }
    #[derive(Row, Debug)]
    struct Classes {
        empty: Empty,
        hit: Hit,
        derived: Derived,
        r#box: Content<i32>,
        boxes: Content<Vec<Point>>,
        empties: Vec<Empty>,
    }
    there_and_back::<Classes>("classes");
}

/// Members that the struct lacks are not read; numbers are converted by the scan; the others are as they should be.
#[test]
fn conversions() {
    #[derive(Row, Debug, PartialEq)]
    struct Thin {
        label: String,
        id: i64,
        #[rntuple(default)]
        weight: f64,
        r#where: Wide,
    }
    #[derive(Row, Debug, PartialEq)]
    struct Wide {
        y: f64,
    }
    #[derive(Row, Debug)]
    struct Classes {
        missing: Option<u8>,
        hit: Thin,
        boxes: Content,
    }
    #[derive(Row, Debug)]
    struct Content {
        content: Vec<Wide>,
    }
    let ntuple = data("classes");
    let own = whole(ntuple.scan(), ntuple.entries());
    let asked = requested_schema::<Classes>(&own.schema()).unwrap();
    let batch = whole(ntuple.scan().schema(asked), ntuple.entries());
    let rows: Vec<Classes> = RowReader::new(&batch).unwrap().collect::<Result<_, _>>().unwrap();
    #[derive(Row)]
    struct Own {
        hit: Hit,
    }
    for (row, own) in rows.iter().zip(RowReader::<Own>::new(&own).unwrap()) {
        let hit = own.unwrap().hit;
        let y = f64::from(hit.r#where.y);
        assert_eq!(row.hit, Thin { label: hit.label, id: hit.id.into(), weight: 0.0, r#where: Wide { y } });
        assert_eq!(row.missing, None);
    }
    assert!(rows.iter().any(|row| !row.boxes.content.is_empty()));
}

#[test]
fn half_precision() {
    #[derive(Row, Debug)]
    struct Halves {
        f_half: half::f16,
    }
    let ntuple = data("floats");
    let own = whole(ntuple.scan(), ntuple.entries());
    let asked = requested_schema::<Halves>(&own.schema()).unwrap();
    let batch = whole(ntuple.scan().schema(asked), ntuple.entries());
    for (row, value) in RowReader::<Halves>::new(&batch).unwrap().zip(0..) {
        let expected = arrow::array::AsArray::as_primitive::<arrow::datatypes::Float32Type>(
            own.column_by_name("f_half").unwrap().as_ref(),
        )
        .value(value);
        assert_eq!(row.unwrap().f_half.to_f32().to_bits(), expected.to_bits());
    }
}

#[test]
fn through_io() {
    #[derive(rntuple_io::Row)]
    struct Event {
        x: f32,
        y: Vec<Option<Wrapped>>,
        z: Kind,
        w: Value,
    }
    #[derive(rntuple_io::row::Row)]
    struct Wrapped(u8);
    #[derive(rntuple_io::Row)]
    enum Kind {
        A,
    }
    #[derive(rntuple_io::Row)]
    enum Value {
        A(Wrapped),
        B,
    }
    fn fields<T: Row>() -> usize {
        T::schema().fields().len()
    }
    assert_eq!(fields::<Event>(), 4);
    let event = Event { x: 0.0, y: vec![Some(Wrapped(1))], z: Kind::A, w: Value::A(Wrapped(2)) };
    let mut rows = RowsBuilder::of::<Event>();
    rows.push(&event);
    rows.push(&Event { w: Value::B, ..event });
    assert_eq!(RowReader::<Event>::new(&rows.finish().unwrap()).unwrap().count(), 2);
}
