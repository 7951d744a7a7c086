//! Arrow arrays against what ROOT reads from the same file (the ndjson files among the golden files).

use arrow::array::{Array, ArrayRef, AsArray, OffsetSizeTrait, RecordBatch, UnionArray};
use arrow::datatypes::{
    DataType, Field, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rntuple_core::arrow::{BOXED, STREAMER};
use serde_json::{Value, json};

use crate::support::{Set, answers, open, sets, table, whole};

/// Compares rows of a batch, from `first` on, with answers.
pub(crate) fn check(what: &str, batch: &RecordBatch, first: usize, answers: &[Value]) {
    for (i, answer) in answers.iter().enumerate() {
        let object = answer.as_object().unwrap();
        let schema = batch.schema();
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(names, object.keys().map(String::as_str).collect::<Vec<_>>(), "{what}");
        for ((field, array), want) in schema.fields().iter().zip(batch.columns()).zip(object.values()) {
            if let Err(difference) = same(field, array, first + i, want) {
                panic!("{what}: entry {i}, field '{}': {difference}", field.name());
            }
        }
    }
}

/// Whether an element is what ROOT reads; an error that says what differs.
pub(crate) fn same(field: &Field, array: &ArrayRef, i: usize, want: &Value) -> Result<(), String> {
    let check = |same: bool| if same { Ok(()) } else { Err(format!("{want} in ROOT, {:?} here", array.slice(i, 1))) };
    if array.is_null(i) {
        return check(want.is_null());
    }
    macro_rules! integer {
        ($kind:ty) => {{
            let value = i128::from(array.as_primitive::<$kind>().value(i));
            check(want.as_i64().map(i128::from).or(want.as_u64().map(i128::from)) == Some(value))
        }};
    }
    match array.data_type() {
        DataType::Boolean => check(want.as_bool() == Some(array.as_boolean().value(i))),
        DataType::Int8 => integer!(Int8Type),
        DataType::UInt8 => integer!(UInt8Type),
        DataType::Int16 => integer!(Int16Type),
        DataType::UInt16 => integer!(UInt16Type),
        DataType::Int32 => integer!(Int32Type),
        DataType::UInt32 => integer!(UInt32Type),
        DataType::Int64 => integer!(Int64Type),
        DataType::UInt64 => integer!(UInt64Type),
        DataType::Float32 => {
            let value = array.as_primitive::<Float32Type>().value(i);
            #[expect(clippy::cast_possible_truncation, reason = "the shortest decimal of a float")]
            let want = real(want).map(|want| want as f32);
            check(want.is_some_and(|want| want.to_bits() == value.to_bits() || (want.is_nan() && value.is_nan())))
        }
        DataType::Float64 => {
            let value = array.as_primitive::<Float64Type>().value(i);
            let want = real(want);
            check(want.is_some_and(|want| want.to_bits() == value.to_bits() || (want.is_nan() && value.is_nan())))
        }
        DataType::Utf8 => check(want.as_str() == Some(array.as_string::<i32>().value(i))),
        DataType::LargeUtf8 => check(want.as_str() == Some(array.as_string::<i64>().value(i))),
        DataType::Binary => check(bytes(field, array.as_binary::<i32>().value(i)) == *want || unread(field, want)),
        DataType::LargeBinary => check(bytes(field, array.as_binary::<i64>().value(i)) == *want || unread(field, want)),
        DataType::List(item) => items(item, &list_items::<i32>(array, i), want),
        DataType::LargeList(item) => items(item, &list_items::<i64>(array, i), want),
        DataType::FixedSizeList(item, _) => items(item, &array.as_fixed_size_list().value(i), want),
        DataType::Map(item, _) => {
            let entries: ArrayRef = std::sync::Arc::new(array.as_map().value(i));
            items(item, &entries, want)
        }
        DataType::Struct(members) => {
            let record = array.as_struct();
            if field.metadata().contains_key(BOXED) {
                return same(&members[0], record.column(0), i, want);
            }
            let object = want.as_object().ok_or_else(|| format!("{want} in ROOT, a record here"))?;
            let names: Vec<&String> = members.iter().map(|member| member.name()).collect();
            if !object.keys().eq(names.iter().copied()) {
                return Err(format!("{want} in ROOT, a record of {names:?} here"));
            }
            let members = members.iter().zip(record.columns()).zip(object.values());
            members.into_iter().try_for_each(|((member, array), want)| {
                same(member, array, i, want).map_err(|e| format!(".{}{e}", member.name()))
            })
        }
        DataType::Union(alternatives, _) => {
            let union: &UnionArray = array.as_any().downcast_ref().unwrap();
            let id = union.type_id(i);
            if id == 0 {
                return check(want.is_null());
            }
            let (_, alternative) = alternatives.iter().find(|(other, _)| *other == id).unwrap();
            same(alternative, union.child(id), union.value_offset(i), want)
        }
        other => Err(format!("no test for {other}")),
    }
}

fn list_items<O: OffsetSizeTrait>(array: &ArrayRef, i: usize) -> ArrayRef {
    array.as_list::<O>().value(i)
}

fn items(item: &Field, values: &ArrayRef, want: &Value) -> Result<(), String> {
    let want = want.as_array().ok_or_else(|| format!("{want} in ROOT, a list here"))?;
    if want.len() != values.len() {
        return Err(format!("{} items in ROOT, {} here", want.len(), values.len()));
    }
    want.iter().enumerate().try_for_each(|(i, want)| same(item, values, i, want).map_err(|e| format!("[{i}]{e}")))
}

fn real(value: &Value) -> Option<f64> {
    match value.as_str() {
        Some("NaN") => Some(f64::NAN),
        Some("Infinity") => Some(f64::INFINITY),
        Some("-Infinity") => Some(f64::NEG_INFINITY),
        Some(_) => None,
        None => value.as_f64(),
    }
}

fn bytes(field: &Field, value: &[u8]) -> Value {
    if field.metadata().contains_key(STREAMER) {
        return json!({ "__streamer__": BASE64_STANDARD.encode(value) });
    }
    match std::str::from_utf8(value) {
        Ok(text) => json!(text),
        Err(_) => {
            let hex: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
            json!({ "__bytes_hex__": hex })
        }
    }
}

/// The answers of MANIFEST.txt leave out the bytes of streamer fields.
fn unread(field: &Field, want: &Value) -> bool {
    field.metadata().contains_key(STREAMER) && *want == json!({ "__streamer__": null })
}

#[test]
fn every_set_has_the_values_that_root_reads() {
    for set in sets() {
        let Some(name) = &set.answers else { continue };
        let answers = answers(name);
        assert_eq!(answers.len() as u64, set.ntuple.entries().min(200), "{name}");
        let first = whole(set.scan().entries(..200), 200);
        check(&set.name(), &first, 0, &answers);
    }
}

#[test]
fn last_entries_of_large_sets() {
    let ranges: Vec<[String; 4]> = table("RANGES.txt");
    assert_eq!(ranges.len(), 4);
    for [file, path, first, name] in ranges {
        let (ntuple, answers) = (open(&file, &path), answers(&name));
        let first: i64 = first.parse().unwrap();
        assert_eq!(answers.len(), 50);
        assert_eq!(first + 50, i64::try_from(ntuple.entries()).unwrap());
        for scan in [ntuple.scan().entries(first..), ntuple.scan().entries(-50..)] {
            check(&file, &whole(scan, 50), 0, &answers);
        }
        let mut reader = ntuple.scan().random_access().unwrap();
        let batch = reader.read(ntuple.entries() - 50..ntuple.entries()).unwrap();
        check(&file, &batch, 0, &answers);
    }
}

#[test]
fn streamed_objects() {
    let streams: Vec<[String; 3]> = table("STREAMS.txt");
    assert_eq!(streams.len(), 1);
    for [file, path, name] in streams {
        let ntuple = open(&file, &path);
        let answers = answers(&name);
        assert!(answers.iter().any(|answer| answer.to_string().contains("__streamer__\":\"")));
        for large in [false, true] {
            let batch = whole(ntuple.scan().large_offsets(large), ntuple.entries());
            check(&file, &batch, 0, &answers);
        }
    }
}

#[test]
fn with_64_bit_offsets() {
    for set in sets().into_iter().filter(Set::is_small) {
        let Some(name) = &set.answers else { continue };
        let batch = whole(set.scan().large_offsets(true), set.ntuple.entries());
        check(&set.name(), &batch, 0, &answers(name));
        let has_small =
            |data_type: &DataType| matches!(data_type, DataType::List(_) | DataType::Utf8 | DataType::Binary);
        for field in batch.schema().flattened_fields() {
            assert!(!has_small(field.data_type()), "{}: {field}", set.name());
        }
    }
}
