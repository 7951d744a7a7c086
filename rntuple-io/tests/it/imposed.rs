//! A schema that the caller imposes: the conversions that ROOT does on reading, and what is refused.

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Int32Type, Schema, SchemaRef, UInt64Type, UnionFields};
use rntuple_core::Error as FormatError;
use rntuple_core::arrow::TYPE;
use rntuple_core::schema::ColumnType;
use rntuple_io::{Error, NTuple};

use crate::leaves::{Leaf, leaves};
use crate::support::{Set, data, sets, whole};

const INTEGERS: [DataType; 9] = [
    DataType::Boolean,
    DataType::Int8,
    DataType::UInt8,
    DataType::Int16,
    DataType::UInt16,
    DataType::Int32,
    DataType::UInt32,
    DataType::Int64,
    DataType::UInt64,
];

/// The field with other types at its leaves.
fn map(field: &Field, leaf: &impl Fn(&DataType) -> DataType) -> FieldRef {
    let maps = |fields: &Fields| fields.iter().map(|field| map(field, leaf)).collect::<Fields>();
    let data_type = match field.data_type() {
        DataType::List(item) => DataType::List(map(item, leaf)),
        DataType::LargeList(item) => DataType::LargeList(map(item, leaf)),
        DataType::FixedSizeList(item, n) => DataType::FixedSizeList(map(item, leaf), *n),
        DataType::Map(item, sorted) => DataType::Map(map(item, leaf), *sorted),
        DataType::Struct(members) => DataType::Struct(maps(members)),
        DataType::Union(fields, mode) => {
            let (ids, fields): (Vec<i8>, Vec<FieldRef>) =
                fields.iter().map(|(id, field)| (id, map(field, leaf))).unzip();
            DataType::Union(UnionFields::try_new(ids, fields).unwrap(), *mode)
        }
        // The size of a collection is no number column.
        other if field.metadata().get(TYPE).is_some_and(|name| name.starts_with("ROOT::RNTupleCardinality")) => {
            other.clone()
        }
        other => leaf(other),
    };
    Arc::new(field.clone().with_data_type(data_type))
}

fn fits(value: i128, target: &DataType) -> bool {
    match target {
        DataType::Boolean => true,
        DataType::Int8 => i8::try_from(value).is_ok(),
        DataType::UInt8 => u8::try_from(value).is_ok(),
        DataType::Int16 => i16::try_from(value).is_ok(),
        DataType::UInt16 => u16::try_from(value).is_ok(),
        DataType::Int32 => i32::try_from(value).is_ok(),
        DataType::UInt32 => u32::try_from(value).is_ok(),
        DataType::Int64 => i64::try_from(value).is_ok(),
        DataType::UInt64 => u64::try_from(value).is_ok(),
        other => panic!("{other}"),
    }
}

fn one(field: FieldRef) -> SchemaRef {
    Arc::new(Schema::new(vec![field]))
}

/// Field, entry and reason of a value that does not fit.
fn value_error(error: &Error) -> (String, u64, String) {
    let Error::Format { source, .. } = error else { panic!("{error:?}") };
    match &**source {
        FormatError::Value { field, entry, reason } => (field.clone(), *entry, reason.clone()),
        other => panic!("{other:?}"),
    }
}

fn cast_error(error: &Error) -> (String, String, String) {
    let Error::Format { source, .. } = error else { panic!("{error:?}") };
    match &**source {
        FormatError::Cast { field, from, to } => (field.clone(), from.clone(), to.clone()),
        other => panic!("{other:?}"),
    }
}

fn read(ntuple: &NTuple, schema: &SchemaRef, rows: usize, threads: usize) -> Result<RecordBatch, Error> {
    let batches = ntuple.scan().schema(Arc::clone(schema)).batch_rows(rows).threads(threads).open()?;
    let schema = batches.schema();
    let batches = batches.collect::<Result<Vec<_>, _>>()?;
    Ok(arrow::compute::concat_batches(&schema, &batches).unwrap())
}

/// Every field of every golden file that holds integers, characters or bools, however deep, read into each of the nine
/// types: either all values are the same, or the error names the first entry that has one that does not fit.
#[test]
fn integers_into_integers() {
    let (mut converted, mut refused) = (0, 0);
    for set in sets().into_iter().filter(Set::is_small) {
        let all = set.whole();
        let schema = set.ntuple.schema();
        for (i, field) in all.schema().fields().iter().enumerate() {
            let natural = leaves(schema, &all.project(&[i]).unwrap());
            let integer = |leaf: &Leaf| matches!(leaf, Leaf::Integer(_) | Leaf::Bool(_));
            if !natural.values().flatten().any(|(_, leaf)| integer(leaf)) {
                continue;
            }
            for target in INTEGERS {
                let what = format!("{}: '{}' into {target}", set.name(), field.name());
                let imposed = map(field, &|own| if INTEGERS.contains(own) { target.clone() } else { own.clone() });
                let imposed = one(imposed);
                // By field: the first entry with a value that does not fit.
                let bad: Vec<(&String, u64)> = natural
                    .iter()
                    .filter_map(|(path, values)| {
                        let bad = |(_, leaf): &&(u64, Leaf)| match leaf {
                            Leaf::Integer(value) => !fits(*value, &target) && !is_cardinality(&set.ntuple, path),
                            _ => false,
                        };
                        values.iter().find(bad).map(|(entry, _)| (path, *entry))
                    })
                    .collect();
                let first = bad.iter().map(|(_, entry)| *entry).min();
                for rows in [1, 7, 1000] {
                    let result = read(&set.ntuple, &imposed, rows, 1);
                    let Some(first) = first else {
                        let batch = result.unwrap_or_else(|e| panic!("{what}: {e}"));
                        let got = leaves(schema, &batch);
                        assert_eq!(got.len(), natural.len(), "{what}");
                        for (path, values) in &natural {
                            let expected: Vec<(u64, Leaf)> = values
                                .iter()
                                .map(|&(entry, leaf)| {
                                    (entry, convert(leaf, &target, is_cardinality(&set.ntuple, path)))
                                })
                                .collect();
                            assert_eq!(debug(&got[path]), debug(&expected), "{what}: {path}");
                        }
                        converted += 1;
                        continue;
                    };
                    let error = result.map(|_| ()).expect_err(&what);
                    let (path, entry, reason) = value_error(&error);
                    assert!(bad.contains(&(&path, entry)), "{what}: {path}, {entry}; but bad are {bad:?}");
                    if rows == 1 {
                        assert_eq!(entry, first, "{what}: batches come in order");
                    }
                    assert!(entry / rows as u64 == first / rows as u64, "{what}: not in the first bad batch");
                    assert!(reason.contains("does not fit"), "{what}: {reason}");
                    let text = error.to_string();
                    assert!(text.contains(&path) && text.contains(&format!("entry {entry}")), "{text}");
                    refused += 1;
                }
            }
        }
    }
    assert!(converted > 1000 && refused > 1000, "{converted} conversions, {refused} refusals");
}

fn is_cardinality(ntuple: &NTuple, path: &str) -> bool {
    let schema = ntuple.schema();
    let field = schema.fields().iter().find(|field| schema.path(field.id) == path).unwrap();
    field.type_name.starts_with("ROOT::RNTupleCardinality")
}

/// NaN is not equal to itself; its text is.
fn debug(values: &[(u64, Leaf)]) -> String {
    format!("{values:?}")
}

fn convert(leaf: Leaf, target: &DataType, cardinality: bool) -> Leaf {
    match leaf {
        Leaf::Integer(value) if *target == DataType::Boolean && !cardinality => Leaf::Bool(value != 0),
        Leaf::Bool(value) if *target != DataType::Boolean => Leaf::Integer(value.into()),
        other => other,
    }
}

/// The entry in the message is right wherever the value is: in lists, arrays, optionals, variants and maps.
#[test]
fn the_entry_is_right_below_everything() {
    for (name, field, path) in [
        ("associative", "map_string", "map_string._0._1"),
        ("associative", "map_vector", "map_vector._0._1._0"),
        ("arrays", "aa", "aa._0._0"),
        ("arrays", "ao", "ao._0._0"),
        ("arrays", "avar", "avar._0._0"),
        ("nullables", "o", "o._0"),
        ("nullables", "oo", "oo._0._0"),
        ("nullables", "ov", "ov._0._0"),
        ("nullables", "ovar", "ovar._0._0"),
        ("variants", "a", "a._0"),
        ("variants", "vv", "vv._0._1._0"),
        ("variants", "nested", "nested._0._0"),
        ("variants", "in_pair", "in_pair._0._0"),
    ] {
        let ntuple = data(name);
        let all = whole(ntuple.scan().columns([field]), ntuple.entries());
        let natural = leaves(ntuple.schema(), &all);
        let values = &natural[path];
        // The sign of what is read into an unsigned type, or anything that is not a bit.
        let negative = |(_, leaf): &&(u64, Leaf)| matches!(leaf, Leaf::Integer(value) if *value < 0);
        let large = |(_, leaf): &&(u64, Leaf)| matches!(leaf, Leaf::Integer(value) if *value > 127);
        for (target, bad) in [
            (DataType::UInt64, values.iter().find(negative)),
            (
                DataType::Int8,
                values.iter().find(|value| large(value) || matches!(value.1, Leaf::Integer(v) if v < -128)),
            ),
        ] {
            let own = natural.values().flatten().any(|(_, leaf)| matches!(leaf, Leaf::Integer(_)));
            assert!(own, "{name}: {field} has no integers");
            let Some(&(entry, _)) = bad else { continue };
            let schema = all.schema();
            let imposed = one(map(&schema.fields()[0], &|own| {
                if own.is_integer() { target.clone() } else { own.clone() }
            }));
            let error = read(&ntuple, &imposed, 1, 2).expect_err(name);
            let (_, named, _) = value_error(&error);
            let first = natural
                .values()
                .flatten()
                .filter(|(_, leaf)| matches!(leaf, Leaf::Integer(value) if !fits(*value, &target)))
                .map(|(entry, _)| *entry)
                .min();
            assert_eq!(Some(named), first, "{name}: {field}");
            assert!(named <= entry);
        }
    }
}

/// Floats into doubles are exact, doubles into floats are rounded, but keep their class: what would become infinite,
/// zero or subnormal is refused.
#[test]
fn floats_into_floats() {
    let (mut narrowed, mut refused) = (0, 0);
    for set in sets().into_iter().filter(Set::is_small) {
        let all = set.whole();
        let schema = set.ntuple.schema();
        let quantised = |path: &String| {
            let field = schema.fields().iter().find(|field| schema.path(field.id) == *path).unwrap();
            field.columns.iter().filter_map(|&c| schema.column(c)).any(|column| column.kind == ColumnType::Real32Quant)
        };
        for (i, field) in all.schema().fields().iter().enumerate() {
            let natural = leaves(schema, &all.project(&[i]).unwrap());
            for (target, from) in [(DataType::Float64, DataType::Float32), (DataType::Float32, DataType::Float64)] {
                let relevant = |leaf: &Leaf| match leaf {
                    Leaf::Float(_) => from == DataType::Float32,
                    Leaf::Double(_) => from == DataType::Float64,
                    _ => false,
                };
                if !natural.values().flatten().any(|(_, leaf)| relevant(leaf)) || natural.keys().any(quantised) {
                    continue;
                }
                let what = format!("{}: '{}' into {target}", set.name(), field.name());
                let imposed = one(map(field, &|own| if *own == from { target.clone() } else { own.clone() }));
                // A double whose column holds floats or less is such a number again without any check.
                let wide = |path: &str| {
                    let field = schema.fields().iter().find(|field| schema.path(field.id) == path).unwrap();
                    let mut kinds = field.columns.iter().filter_map(|&c| schema.column(c)).map(|column| column.kind);
                    kinds.all(|kind| matches!(kind, ColumnType::Real64 | ColumnType::SplitReal64))
                };
                let bad = natural
                    .iter()
                    .filter(|(path, _)| wide(path))
                    .flat_map(|(_, values)| values)
                    .filter(|(_, leaf)| matches!(leaf, Leaf::Double(v) if relevant(leaf) && narrow(*v).is_none()))
                    .map(|(entry, _)| *entry)
                    .min();
                match (read(&set.ntuple, &imposed, 1, 1), bad) {
                    (Ok(batch), None) => {
                        let got = leaves(schema, &batch);
                        for (path, values) in &natural {
                            let expected: Vec<(u64, Leaf)> = values
                                .iter()
                                .map(|&(entry, leaf)| match leaf {
                                    Leaf::Float(value) if relevant(&leaf) => (entry, Leaf::Double(value.into())),
                                    #[expect(clippy::cast_possible_truncation, reason = "rounding is meant")]
                                    Leaf::Double(value) if relevant(&leaf) => (entry, Leaf::Float(value as f32)),
                                    other => (entry, other),
                                })
                                .collect();
                            assert_eq!(debug(&got[path]), debug(&expected), "{what}: {path}");
                        }
                        narrowed += 1;
                    }
                    (Err(error), Some(entry)) => {
                        let (_, named, _) = value_error(&error);
                        assert_eq!(named, entry, "{what}: {error}");
                        refused += 1;
                    }
                    (got, bad) => panic!("{what}: {got:?}, first bad entry {bad:?}"),
                }
            }
        }
    }
    assert!(narrowed > 100 && refused > 0, "{narrowed} conversions, {refused} refusals");
}

fn narrow(value: f64) -> Option<f32> {
    #[expect(clippy::cast_possible_truncation, reason = "rounding is meant")]
    let narrowed = value as f32;
    (narrowed.classify() == value.classify()).then_some(narrowed)
}

/// The same through double columns that are quantised or truncated: within the resolution.
#[test]
fn quantised_into_the_other_width() {
    let ntuple = data("quantised");
    let all = whole(ntuple.scan(), ntuple.entries());
    let natural = leaves(ntuple.schema(), &all);
    let swap = |own: &DataType| match own {
        DataType::Float32 => DataType::Float64,
        DataType::Float64 => DataType::Float32,
        other => other.clone(),
    };
    let imposed: SchemaRef =
        Arc::new(Schema::new(all.schema().fields().iter().map(|f| map(f, &swap)).collect::<Fields>()));
    let got = leaves(ntuple.schema(), &read(&ntuple, &imposed, 1000, 1).unwrap());
    let value = |leaf: Leaf| match leaf {
        Leaf::Float(value) => f64::from(value),
        Leaf::Double(value) => value,
        other => panic!("{other:?}"),
    };
    for (path, values) in natural {
        for (&(entry, a), &(_, b)) in values.iter().zip(&got[&path]) {
            assert!(
                (value(a) - value(b)).abs() <= 1e-6 * value(a).abs().max(1.0),
                "{path}, entry {entry}: {a:?} {b:?}"
            );
            assert_ne!(std::mem::discriminant(&a), std::mem::discriminant(&b));
        }
    }
}

fn refused(name: &str, field: &str, target: impl Into<DataType>) {
    let target: DataType = target.into();
    let ntuple = data(name);
    let imposed = one(Arc::new(Field::new(field, target.clone(), true)));
    let error = ntuple.scan().schema(imposed).open().map(|_| ()).expect_err(field);
    let (named, from, to) = cast_error(&error);
    let text = error.to_string();
    assert!(named == field || named.starts_with(&format!("{field}.")), "{text}");
    assert!(!from.is_empty() && !to.is_empty() && text.contains(&to), "{text}");
}

#[test]
fn types_that_are_refused() {
    for target in INTEGERS {
        refused("floats", "f_split", target.clone());
    }
    for target in [DataType::Float16, DataType::Float32, DataType::Float64, DataType::Utf8, DataType::Date32] {
        refused("integers", "i32_0", target.clone());
        refused("integers", "bit", target);
    }
    for target in [DataType::Int32, DataType::Utf8View, DataType::new_list(DataType::UInt8, false)] {
        refused("strings", "s", target);
    }
    let item = |data_type| Arc::new(Field::new("_0", data_type, false));
    refused("clusters", "values", DataType::Float32);
    refused("clusters", "values", DataType::List(item(DataType::Int32)));
    refused("clusters", "values", DataType::FixedSizeList(item(DataType::Float32), 3));
    refused("arrays", "a", DataType::FixedSizeList(item(DataType::Float32), 4));
    refused("arrays", "a", DataType::List(item(DataType::Float32)));
    refused("projections", "point", DataType::Float32);
    refused("projections", "n_hits", DataType::Int64);
    refused("variants", "a", DataType::Int32);
    refused("variants", "a", DataType::Utf8);
    // What is not a struct cannot lose members.
    refused("streamer", "one", DataType::Utf8);
}

#[test]
fn lists_and_bytes_with_either_offsets() {
    let ntuple = data("clusters");
    let all = whole(ntuple.scan(), ntuple.entries());
    let item = Arc::new(Field::new("_0", DataType::Float64, false));
    for (list, text) in [
        (DataType::LargeList(Arc::clone(&item)), DataType::LargeUtf8),
        (DataType::List(item), DataType::Binary),
        (DataType::LargeList(Arc::new(Field::new("_0", DataType::Float32, false))), DataType::LargeBinary),
    ] {
        let fields = vec![Field::new("text", text.clone(), false), Field::new("values", list.clone(), false)];
        let imposed = Arc::new(Schema::new(fields));
        let batch = read(&ntuple, &imposed, 17, 2).unwrap();
        let schema = batch.schema();
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(names, ["text", "values"], "in the order of the imposed schema");
        assert_eq!(batch.column(0).data_type(), &text);
        assert!(std::mem::discriminant(batch.column(1).data_type()) == std::mem::discriminant(&list));
        let strings = arrow::compute::cast(batch.column(0), &DataType::Utf8).unwrap();
        assert_eq!(strings.as_string::<i32>(), all.column_by_name("text").unwrap().as_string::<i32>());
        let lists = arrow::compute::cast(batch.column(1), all.column_by_name("values").unwrap().data_type()).unwrap();
        assert_eq!(&lists, all.column_by_name("values").unwrap());
    }
}

#[test]
fn maps_as_lists_of_pairs() {
    let ntuple = data("associative");
    let all = whole(ntuple.scan().columns(["map"]), ntuple.entries());
    let map = all.column(0).as_map();
    let pair = map.entries().data_type().clone();
    let imposed = one(Arc::new(Field::new("map", DataType::new_list(pair, false), false)));
    let batch = read(&ntuple, &imposed, 1000, 1).unwrap();
    let list = batch.column(0).as_list::<i32>();
    assert_eq!(list.offsets(), map.offsets());
    assert_eq!(list.values().as_struct(), map.entries());
}

#[test]
fn members_left_out_and_reordered() {
    let ntuple = data("projections");
    let all = whole(ntuple.scan(), ntuple.entries());
    let DataType::List(hit) = all.column_by_name("hits").unwrap().data_type().clone() else { panic!() };
    let DataType::Struct(members) = hit.data_type() else { panic!() };
    let member = |name: &str| Arc::clone(members.find(name).unwrap().1);
    let y = Arc::new(Field::new("y", DataType::Float64, false));
    let place = Arc::new(Field::new("where", DataType::Struct(vec![y].into()), false));
    let chosen: Fields = vec![member("label"), place, member("id")].into();
    let fields = vec![
        Field::new("n_hits", DataType::UInt32, false),
        Field::new("hits", DataType::List(Arc::new(Field::new("_0", DataType::Struct(chosen), false))), false),
        Field::new("met", DataType::Float32, false),
    ];
    let imposed = Arc::new(Schema::new(fields));
    for rows in [1, 4, 1000] {
        let batch = read(&ntuple, &imposed, rows, 2).unwrap();
        let schema = batch.schema();
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(names, ["n_hits", "hits", "met"]);
        let hits = batch.column(1).as_list::<i32>().values().as_struct();
        assert_eq!(hits.column_names(), ["label", "where", "id"]);
        assert_eq!(hits.column(1).as_struct().column_names(), ["y"]);
        let full = all.column_by_name("hits").unwrap().as_list::<i32>().values().as_struct();
        assert_eq!(hits.column(0), full.column_by_name("label").unwrap());
        assert_eq!(hits.column(2), full.column_by_name("id").unwrap());
        let y = full.column_by_name("where").unwrap().as_struct().column_by_name("y").unwrap();
        assert_eq!(hits.column(1).as_struct().column(0), &arrow::compute::cast(y, &DataType::Float64).unwrap());
        assert_eq!(batch.column(2), all.column_by_name("met").unwrap());
        assert_eq!(
            batch.column(0),
            &arrow::compute::cast(all.column_by_name("n_hits").unwrap(), &DataType::UInt32).unwrap()
        );
    }
    let sizes = all.column_by_name("n_hits").unwrap().as_primitive::<UInt64Type>();
    assert!(sizes.values().iter().any(|&n| n > 1));
}

#[test]
fn fields_that_do_not_exist() {
    let ntuple = data("projections");
    let member = Arc::new(Field::new("z", DataType::Float32, false));
    for (field, named) in [
        (Field::new("nothing", DataType::Int32, false), "nothing"),
        (Field::new("point", DataType::Struct(vec![member].into()), false), "point.z"),
    ] {
        let error = ntuple.scan().schema(one(Arc::new(field))).open().map(|_| ()).unwrap_err();
        let Error::Format { source, .. } = &error else { panic!("{error:?}") };
        assert!(matches!(&**source, FormatError::NoSuchField { pattern, .. } if pattern == named), "{error:?}");
    }
}

/// A schema together with a projection: both must want a field.
#[test]
fn imposed_and_projected() {
    let ntuple = data("clusters");
    let fields = vec![Field::new("id", DataType::Int64, false), Field::new("x", DataType::Float64, false)];
    let imposed: SchemaRef = Arc::new(Schema::new(fields));
    let batches = ntuple.scan().schema(imposed).columns(["id"]).open().unwrap();
    let schema = batches.schema();
    assert_eq!(schema.fields().len(), 1);
    assert_eq!(schema.field(0).data_type(), &DataType::Int64);
}

#[test]
fn strings_that_are_not_utf8() {
    let ntuple = data("strings");
    let answers = crate::support::answers("strings.ndjson");
    let schema = ntuple.arrow_schema().unwrap();
    let mut seen = 0;
    for field in schema.fields() {
        let invalid = |answer: &serde_json::Value| answer[field.name()].to_string().contains("__bytes_hex__");
        let Some(first) = answers.iter().position(invalid) else { continue };
        seen += 1;
        for rows in [1, 3, 1000] {
            for large in [false, true] {
                let scan = ntuple.scan().columns([field.name()]).batch_rows(rows).large_offsets(large);
                let results: Vec<_> = scan.open().unwrap().collect();
                assert!(results.len() <= first / rows + 1, "a scan ends after its first error");
                let error = results.last().unwrap().as_ref().unwrap_err();
                let (named, entry, reason) = value_error(error);
                assert!(named.starts_with(field.name().as_str()), "{named}");
                assert_eq!(entry, first as u64, "{named}");
                assert!(reason.contains("UTF-8") && reason.contains("binary"), "{reason}");
                assert!(results[..results.len() - 1].iter().all(Result::is_ok));
            }
        }
        let batch = whole(ntuple.scan().columns([field.name()]).strings_as_binary(true), ntuple.entries());
        for (i, answer) in answers.iter().enumerate() {
            crate::values::same(batch.schema().field(0), batch.column(0), i, &answer[field.name()]).unwrap();
        }
    }
    assert!(seen > 1, "{seen} fields with strings that are not UTF-8");
}

#[test]
fn plain_values_are_exact() {
    let ntuple = data("clusters");
    let fields = vec![Field::new("id", DataType::Int32, false)];
    let batch = read(&ntuple, &Arc::new(Schema::new(fields)), 7, 2).unwrap();
    assert!(batch.column(0).as_primitive::<Int32Type>().values().iter().copied().eq(0..120));
    assert_eq!(batch.column(0).null_count(), 0);
}

/// A variant is read whole or not at all: what leaves alternatives out, or is no union, is refused.
#[test]
fn variants_are_not_renumbered() {
    let ntuple = data("variants");
    let own = ntuple.arrow_schema().unwrap();
    let (_, field) = own.fields().find("a").unwrap();
    let DataType::Union(alternatives, mode) = field.data_type() else { panic!("{field:?}") };
    let without_first: Vec<(i8, FieldRef)> =
        alternatives.iter().filter(|(id, _)| *id != 1).map(|(id, field)| (id, Arc::clone(field))).collect();
    let (ids, fields): (Vec<i8>, Vec<FieldRef>) = without_first.into_iter().unzip();
    let fewer = DataType::Union(UnionFields::try_new(ids, fields).unwrap(), *mode);
    for asked in [fewer, DataType::Int64, DataType::Utf8] {
        let schema = Arc::new(Schema::new(vec![Field::new("a", asked.clone(), true)]));
        let error = ntuple.scan().schema(schema).open().unwrap_err();
        assert!(error.to_string().contains("cannot be read as"), "{asked}: {error}");
    }
    let schema = Arc::new(Schema::new(vec![Arc::clone(field)]));
    assert_eq!(
        whole(ntuple.scan().schema(schema), ntuple.entries()).column(0),
        whole(ntuple.scan(), ntuple.entries()).column(0)
    );
}
