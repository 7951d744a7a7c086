use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, DictionaryArray, FixedSizeListArray, Float16Array,
    Float32Array, Float64Array, Int8Array, Int16Array, Int32Array, Int64Array, IntervalYearMonthArray,
    LargeBinaryArray, LargeListArray, LargeStringArray, ListArray, MapArray, NullArray, RecordBatch,
    RecordBatchOptions, StringArray, StructArray, TimestampMicrosecondArray, UInt8Array, UInt16Array, UInt32Array,
    UInt64Array, UnionArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Fields, Int8Type, Schema, UnionFields};

use super::{Rows, write_batch};
use crate::error::Error;

fn field(name: &str, array: &dyn Array) -> Field {
    Field::new(name, array.data_type().clone(), true)
}

fn marked(field: Field, key: &str) -> Field {
    field.with_metadata(HashMap::from([(key.to_owned(), "true".to_owned())]))
}

fn batch(field: &Field, array: &ArrayRef) -> RecordBatch {
    RecordBatch::try_new(Arc::new(Schema::new(vec![field.clone()])), vec![array.clone()]).unwrap()
}

fn lines(batch: &RecordBatch) -> Vec<String> {
    let mut out = Vec::new();
    write_batch(batch, &mut Vec::new(), &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    text.lines().map(str::to_owned).collect()
}

/// The values of one column as JSON, whole and through every slice, which must all agree.
fn values_of(field: Field, array: &ArrayRef) -> Vec<String> {
    let field = field.with_name("x");
    let values = |array: &ArrayRef| -> Vec<String> {
        let unwrap = |line: String| line.strip_prefix("{\"x\":").unwrap().strip_suffix('}').unwrap().to_owned();
        lines(&batch(&field, array)).into_iter().map(unwrap).collect()
    };
    let whole = values(array);
    for from in 0..=array.len() {
        for to in from..=array.len() {
            assert_eq!(values(&array.slice(from, to - from)), whole[from..to], "{from}..{to}");
        }
    }
    for value in &whole {
        serde_json::from_str::<serde_json::Value>(value).unwrap();
    }
    whole
}

fn values(array: impl Array + 'static) -> Vec<String> {
    values_of(field("x", &array), &(Arc::new(array) as ArrayRef))
}

fn offsets(of: &[i32]) -> OffsetBuffer<i32> {
    OffsetBuffer::new(ScalarBuffer::from(of.to_vec()))
}

fn list(of: &[i32], child: ArrayRef, nulls: Option<Vec<bool>>) -> ListArray {
    let field = Arc::new(field("_0", &child));
    ListArray::new(field, offsets(of), child, nulls.map(NullBuffer::from))
}

#[test]
fn booleans_and_integers() {
    assert_eq!(values(BooleanArray::from(vec![Some(true), Some(false), None])), ["true", "false", "null"]);
    assert_eq!(values(Int8Array::from(vec![Some(i8::MIN), None, Some(i8::MAX)])), ["-128", "null", "127"]);
    assert_eq!(values(Int16Array::from(vec![i16::MIN, i16::MAX])), ["-32768", "32767"]);
    assert_eq!(values(Int32Array::from(vec![i32::MIN, i32::MAX])), ["-2147483648", "2147483647"]);
    assert_eq!(values(Int64Array::from(vec![i64::MIN, i64::MAX])), ["-9223372036854775808", "9223372036854775807"]);
    assert_eq!(values(UInt8Array::from(vec![0, u8::MAX])), ["0", "255"]);
    assert_eq!(values(UInt16Array::from(vec![0, u16::MAX])), ["0", "65535"]);
    assert_eq!(values(UInt32Array::from(vec![0, u32::MAX])), ["0", "4294967295"]);
    assert_eq!(values(UInt64Array::from(vec![0, u64::MAX])), ["0", "18446744073709551615"]);
}

#[test]
fn floats_are_shortest_in_their_own_width() {
    assert_eq!(
        values(Float32Array::from(vec![0.1, 1.0, -0.0, 3.4028235e38, 1e-45])),
        ["0.1", "1.0", "-0.0", "3.4028235e+38", "1e-45"]
    );
    assert_eq!(
        values(Float64Array::from(vec![0.1, f64::from(0.1_f32), 5e-324, f64::MAX])),
        ["0.1", "0.10000000149011612", "5e-324", "1.7976931348623157e+308"]
    );
    let half = |value: f32| half_from(value);
    assert_eq!(
        values(Float16Array::from(vec![half(1.5), half(f32::NAN), half(f32::INFINITY)])),
        ["1.5", "\"NaN\"", "\"Infinity\""]
    );
}

fn half_from(value: f32) -> <arrow::datatypes::Float16Type as arrow::datatypes::ArrowPrimitiveType>::Native {
    <arrow::datatypes::Float16Type as arrow::datatypes::ArrowPrimitiveType>::Native::from_f32(value)
}

#[test]
fn every_float_reads_back_to_the_same_bits() {
    // A walk over bit patterns that meets every exponent of both widths.
    for bits in (0..u32::MAX).step_by(1_000_003) {
        let value = f32::from_bits(bits);
        if value.is_finite() {
            let text = values(Float32Array::from(vec![value])).remove(0);
            assert_eq!(text.parse::<f32>().unwrap().to_bits(), bits, "{text}");
            let widened: f64 = serde_json::from_str(&text).unwrap();
            #[expect(clippy::cast_possible_truncation, reason = "back to the width it came from")]
            let narrowed = widened as f32;
            assert_eq!(narrowed.to_bits(), bits, "{text}");
        }
    }
    for bits in (0..u64::MAX).step_by(0x000f_1234_5678_9abd) {
        let value = f64::from_bits(bits);
        if value.is_finite() {
            let text = values(Float64Array::from(vec![value])).remove(0);
            assert_eq!(serde_json::from_str::<f64>(&text).unwrap().to_bits(), bits, "{text}");
        }
    }
}

#[test]
fn floats_without_a_number_are_words() {
    let words = ["\"NaN\"", "\"NaN\"", "\"Infinity\"", "\"-Infinity\""];
    assert_eq!(values(Float32Array::from(vec![f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY])), words);
    assert_eq!(values(Float64Array::from(vec![f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY])), words);
}

#[test]
fn strings() {
    let texts = vec![Some("plain"), Some(""), None, Some("\"\\/\n\t\u{1}\u{7f}é粒🎉\u{2028}")];
    let escaped = r#""\"\\/\n\t\u0001"#.to_owned() + "\u{7f}é粒🎉\u{2028}\"";
    let expected = ["\"plain\"", "\"\"", "null", &escaped];
    assert_eq!(values(StringArray::from(texts.clone())), expected);
    assert_eq!(values(LargeStringArray::from(texts.clone())), expected);
    let bytes: Vec<Option<&[u8]>> = texts.into_iter().map(|text| text.map(str::as_bytes)).collect();
    assert_eq!(values(BinaryArray::from(bytes.clone())), expected);
    assert_eq!(values(LargeBinaryArray::from(bytes)), expected);
}

#[test]
fn bytes_that_are_no_text_are_hex() {
    let bytes: Vec<&[u8]> = vec![b"ok", b"\xff\x00\x9a", b"caf\xe9", b"\xed\xa0\x80"];
    let expected =
        ["\"ok\"", r#"{"__bytes_hex__":"ff009a"}"#, r#"{"__bytes_hex__":"636166e9"}"#, r#"{"__bytes_hex__":"eda080"}"#];
    assert_eq!(values(BinaryArray::from(bytes.clone())), expected);
    assert_eq!(values(LargeBinaryArray::from(bytes)), expected);
}

#[test]
fn streamer_fields_are_base64_even_when_they_look_like_text() {
    let bytes: Vec<Option<&[u8]>> = vec![Some(b"text"), Some(b"\xff\xfe\xfd\xfc"), Some(b""), None];
    let expected =
        [r#"{"__streamer__":"dGV4dA=="}"#, r#"{"__streamer__":"//79/A=="}"#, r#"{"__streamer__":""}"#, "null"];
    let array = BinaryArray::from(bytes.clone());
    assert_eq!(values_of(marked(field("x", &array), "rntuple.streamer"), &(Arc::new(array) as ArrayRef)), expected);
    let array = LargeBinaryArray::from(bytes);
    assert_eq!(values_of(marked(field("x", &array), "rntuple.streamer"), &(Arc::new(array) as ArrayRef)), expected);
}

#[test]
fn lists_of_every_kind() {
    let numbers: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), Some(2), None, Some(4), Some(5), Some(6)]));
    let expected = ["[1,2]", "[]", "[null]", "null", "[4,5,6]"];
    let nulls = vec![true, true, true, false, true];
    assert_eq!(values(list(&[0, 2, 2, 3, 3, 6], numbers.clone(), Some(nulls.clone()))), expected);

    let child = Arc::new(field("_0", &numbers));
    let large = OffsetBuffer::new(ScalarBuffer::from(vec![0_i64, 2, 2, 3, 3, 6]));
    let large = LargeListArray::new(child.clone(), large, numbers.clone(), Some(NullBuffer::from(nulls)));
    assert_eq!(values(large), expected);

    let fixed = FixedSizeListArray::new(child.clone(), 2, numbers.clone(), Some(vec![true, false, true].into()));
    assert_eq!(values(fixed), ["[1,2]", "null", "[5,6]"]);
    let nothing = numbers.slice(0, 0);
    let fixed = FixedSizeListArray::try_new_with_length(child, 0, nothing, None, 3).unwrap();
    assert_eq!(values(fixed), ["[]", "[]", "[]"]);
}

#[test]
fn a_list_may_start_behind_the_first_child_element() {
    let numbers: ArrayRef = Arc::new(UInt8Array::from(vec![9, 9, 1, 2, 3, 9]));
    assert_eq!(values(list(&[2, 4, 5], numbers, None)), ["[1,2]", "[3]"]);
}

#[test]
fn bitsets_have_bit_0_first() {
    let bits: ArrayRef = Arc::new(BooleanArray::from(vec![true, false, false, true, true, false]));
    let fixed = FixedSizeListArray::new(Arc::new(Field::new("_0", DataType::Boolean, false)), 3, bits, None);
    assert_eq!(values(fixed), ["[true,false,false]", "[true,true,false]"]);
}

#[test]
fn structs_are_objects_with_the_names_on_disk() {
    let base = StructArray::from(vec![(
        Arc::new(Field::new("fB", DataType::Int32, false)),
        Arc::new(Int32Array::from(vec![1, 2, 3])) as ArrayRef,
    )]);
    let odd = Arc::new(Field::new("naïve \"name\"", DataType::Utf8, true));
    let fields: Fields = vec![Arc::new(field(":_0", &base)), odd].into();
    let columns: Vec<ArrayRef> = vec![Arc::new(base), Arc::new(StringArray::from(vec![Some("a"), None, Some("c")]))];
    let nulls = NullBuffer::from(vec![true, true, false]);
    assert_eq!(
        values(StructArray::new(fields, columns, Some(nulls))),
        [r#"{":_0":{"fB":1},"naïve \"name\"":"a"}"#, r#"{":_0":{"fB":2},"naïve \"name\"":null}"#, "null"]
    );
}

#[test]
fn empty_structs_are_empty_objects() {
    let empty = StructArray::new_empty_fields(3, Some(NullBuffer::from(vec![true, false, true])));
    assert_eq!(values(empty), ["{}", "null", "{}"]);
    let empty: ArrayRef = Arc::new(StructArray::new_empty_fields(3, None));
    assert_eq!(values(list(&[0, 2, 2, 3], empty, None)), ["[{},{}]", "[]", "[{}]"]);
}

fn map(of: &[i32], keys: ArrayRef, values: ArrayRef) -> MapArray {
    let fields: Fields = vec![Field::new("_0", keys.data_type().clone(), false), field("_1", &values)].into();
    let entries = StructArray::new(fields, vec![keys, values], None);
    let entry = Arc::new(Field::new("entries", entries.data_type().clone(), false));
    MapArray::new(entry, offsets(of), entries, None, false)
}

#[test]
fn maps_are_arrays_of_pairs_and_keep_duplicate_keys() {
    let keys: ArrayRef = Arc::new(BinaryArray::from(vec![&b"a"[..], b"a", b"\xff"]));
    let values_: ArrayRef = Arc::new(Float32Array::from(vec![Some(0.5), None, Some(f32::NAN)]));
    assert_eq!(
        values(map(&[0, 2, 2, 3], keys, values_)),
        [r#"[{"_0":"a","_1":0.5},{"_0":"a","_1":null}]"#, "[]", r#"[{"_0":{"__bytes_hex__":"ff"},"_1":"NaN"}]"#]
    );
}

/// The union of a null child, an integer and a list: what a variant becomes.
fn union(type_ids: &[i8], of: Option<&[i32]>, children: Vec<ArrayRef>) -> UnionArray {
    let fields = children.iter().enumerate().map(|(at, child)| field(&format!("_{at}"), child));
    let ids = (0..i8::try_from(children.len()).unwrap()).collect::<Vec<_>>();
    let fields = UnionFields::try_new(ids, fields).unwrap();
    UnionArray::try_new(fields, type_ids.to_vec().into(), of.map(|of| of.to_vec().into()), children).unwrap()
}

#[test]
fn variants_are_bare() {
    let integers: ArrayRef = Arc::new(Int64Array::from(vec![Some(7), None, Some(9)]));
    let lists: ArrayRef = Arc::new(list(&[0, 1, 3], Arc::new(UInt8Array::from(vec![1, 2, 3])), None));
    let nothing: ArrayRef = Arc::new(NullArray::new(1));
    let dense = union(&[1, 0, 2, 1, 1, 2], Some(&[0, 0, 0, 1, 2, 1]), vec![nothing, integers.clone(), lists]);
    assert_eq!(values(dense), ["7", "null", "[1]", "null", "9", "[2,3]"]);
    let sparse = union(&[0, 1, 0], None, vec![integers, Arc::new(StringArray::from(vec!["a", "b", "c"]))]);
    assert_eq!(values(sparse), ["7", "\"b\"", "9"]);
}

#[test]
fn type_ids_need_not_be_dense() {
    let fields = UnionFields::try_new(
        vec![3, 100],
        vec![Field::new("_0", DataType::Int8, true), Field::new("_1", DataType::Boolean, true)],
    )
    .unwrap();
    let children: Vec<ArrayRef> =
        vec![Arc::new(Int8Array::from(vec![5])), Arc::new(BooleanArray::from(vec![false, true]))];
    let array = UnionArray::try_new(fields, vec![100, 3, 100].into(), Some(vec![0, 0, 1].into()), children).unwrap();
    assert_eq!(values(array), ["false", "5", "true"]);
}

#[test]
fn boxed_optionals_show_what_is_in_the_box() {
    let inner: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None, Some(3)]));
    let fields: Fields = vec![field("_0", &inner)].into();
    let boxed = StructArray::new(fields.clone(), vec![inner.clone()], Some(vec![true, true, false].into()));
    let mark = marked(field("x", &boxed), "rntuple.boxed");
    assert_eq!(values_of(mark.clone(), &(Arc::new(boxed.clone()) as ArrayRef)), ["1", "null", "null"]);
    // The same array without the mark is an ordinary record.
    assert_eq!(values(boxed.clone()), [r#"{"_0":1}"#, r#"{"_0":null}"#, "null"]);
    // A box in a box in a list.
    let outer = StructArray::new(vec![mark.with_name("_0")].into(), vec![Arc::new(boxed)], None);
    let outer_field = marked(field("_0", &outer), "rntuple.boxed");
    let boxes = ListArray::new(Arc::new(outer_field), offsets(&[0, 3, 3]), Arc::new(outer), None);
    assert_eq!(values(boxes), ["[1,null,null]", "[]"]);
}

#[test]
fn deep_nesting() {
    // list<map<string, list<struct{ variant<nothing, array<float, 2>>, optional<string> }>>>
    let floats: ArrayRef = Arc::new(Float32Array::from(vec![0.1, 0.2, 0.3, f32::INFINITY]));
    let pairs = FixedSizeListArray::new(Arc::new(Field::new("_0", DataType::Float32, false)), 2, floats, None);
    let variants = union(&[1, 0, 1], Some(&[0, 0, 1]), vec![Arc::new(NullArray::new(1)), Arc::new(pairs)]);
    let names: ArrayRef = Arc::new(BinaryArray::from(vec![Some(&b"n"[..]), None, Some(&b"\x80"[..])]));
    let fields: Fields = vec![field("v", &variants), field("o", &names)].into();
    let records: ArrayRef = Arc::new(StructArray::new(fields, vec![Arc::new(variants), names], None));
    let lists: ArrayRef = Arc::new(list(&[0, 2, 2, 3], records, None));
    let keys: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "c"]));
    let maps: ArrayRef = Arc::new(map(&[0, 1, 3], keys, lists));
    assert_eq!(
        values(list(&[0, 2, 2], maps, Some(vec![true, false]))),
        [
            concat!(
                r#"[[{"_0":"a","_1":[{"v":[0.1,0.2],"o":"n"},{"v":null,"o":null}]}],"#,
                r#"[{"_0":"b","_1":[]},{"_0":"c","_1":[{"v":[0.3,"Infinity"],"o":{"__bytes_hex__":"80"}}]}]]"#
            ),
            "null"
        ]
    );
}

#[test]
fn fields_keep_the_order_of_the_schema() {
    let schema = Schema::new(vec![
        Field::new("z", DataType::UInt32, false),
        Field::new("a", DataType::Boolean, false),
        Field::new("", DataType::Null, true),
    ]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(UInt32Array::from(vec![1, 2])),
        Arc::new(BooleanArray::from(vec![true, false])),
        Arc::new(NullArray::new(2)),
    ];
    let batch = RecordBatch::try_new(Arc::new(schema), columns).unwrap();
    assert_eq!(lines(&batch), [r#"{"z":1,"a":true,"":null}"#, r#"{"z":2,"a":false,"":null}"#]);
}

#[test]
fn a_batch_without_fields_still_has_its_entries() {
    let options = RecordBatchOptions::new().with_row_count(Some(2));
    let batch = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options).unwrap();
    assert_eq!(lines(&batch), ["{}", "{}"]);
}

#[test]
fn the_buffer_is_handed_on_before_it_grows_without_end() {
    struct Sink(Vec<usize>);
    impl std::io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.push(bytes.len());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let text = "x".repeat(1000);
    let array: ArrayRef = Arc::new(StringArray::from(vec![text.as_str(); 1000]));
    let mut sink = Sink(Vec::new());
    write_batch(&batch(&field("x", &array), &array), &mut Vec::new(), &mut sink).unwrap();
    assert_eq!(sink.0.iter().sum::<usize>(), 1000 * (1000 + r#"{"x":""}"#.len() + 1));
    assert!(sink.0.iter().all(|written| *written < super::FLUSH_AT + 2000), "{:?}", sink.0);
}

#[test]
fn dates_and_the_like_are_text() {
    assert_eq!(values(Date32Array::from(vec![Some(1), None])), ["\"1970-01-02\"", "null"]);
    let moment = TimestampMicrosecondArray::from(vec![1_500_000]).with_timezone("Europe/Zurich");
    assert_eq!(values(moment), ["\"1970-01-01T00:00:01.500Z\""]);
    let words: DictionaryArray<Int8Type> = ["a", "b", "a"].into_iter().collect();
    assert_eq!(values(words), ["\"a\"", "\"b\"", "\"a\""]);
}

#[test]
fn a_type_without_a_json_form_is_refused_by_name() {
    let array: ArrayRef = Arc::new(IntervalYearMonthArray::from(vec![1]));
    let nested: ArrayRef = Arc::new(list(&[0, 1], array, None));
    match Rows::new(&batch(&field("when", &nested), &nested)) {
        Err(Error::UnsupportedArrow { field, arrow_type }) => {
            assert_eq!((field.as_str(), arrow_type.as_str()), ("_0", "Interval(YearMonth)"));
        }
        other => panic!("{other:?}"),
    }
}
