//! Layouts that need care: representations that change, fields that came later, keys that are split.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Float32Type, Float64Type, Int16Type};

use crate::support::{answers, data, whole};
use crate::values;

/// ROOT writes this but cannot read it back: doubles in three entries, then the same truncated to 20 bits.
#[test]
fn truncated_doubles_as_second_representation() {
    let ntuple = data("representations_truncated_double");
    assert_eq!((ntuple.entries(), ntuple.cluster_count()), (6, 2));
    for rows in [1, 2, 4, 6] {
        let mut entry = 0;
        for batch in ntuple.scan().batch_rows(rows).open().unwrap() {
            for &value in batch.unwrap().column(0).as_primitive::<Float64Type>().values() {
                let written = f64::from(entry) / 7.0;
                #[expect(clippy::cast_possible_truncation, reason = "what the column holds")]
                let truncated = f64::from(f32::from_bits((written as f32).to_bits() & !0xfff));
                let expected = if entry < 3 { written } else { truncated };
                assert_eq!(value.to_bits(), expected.to_bits(), "entry {entry}");
                entry += 1;
            }
        }
        assert_eq!(entry, 6);
    }
}

/// A batch over all clusters puts the values of every representation into one array.
#[test]
fn representations_in_one_batch() {
    let ntuple = data("representations");
    let answers = answers("representations.ndjson");
    for (start, end) in [(0, 45), (4, 9), (10, 40), (44, 45)] {
        let mut reader = ntuple.scan().random_access().unwrap();
        values::check("representations", &reader.read(start..end).unwrap(), 0, {
            let (start, end) = (usize::try_from(start).unwrap(), usize::try_from(end).unwrap());
            &answers[start..end]
        });
    }
    let batch = whole(ntuple.scan().columns(["f"]), 45);
    assert_eq!(batch.column(0).as_primitive::<Float32Type>().len(), 45);
}

/// Entries from before a field was added are zero, false, empty, absent, valueless.
#[test]
fn fields_that_came_later() {
    let ntuple = data("extension");
    let answers = answers("extension.ndjson");
    let whole = whole(ntuple.scan(), 30);
    values::check("extension", &whole, 0, &answers);
    let zeros = |name: &str| whole.column_by_name(name).unwrap().slice(0, 5);
    assert!(zeros("late").as_primitive::<Float64Type>().values().iter().all(|value| value.to_bits() == 0));
    assert_eq!(zeros("late_bool").as_boolean().true_count(), 0);
    assert_eq!(
        zeros("late_vector").as_list::<i32>().values().len() - zeros("late_vector").as_list::<i32>().values().len(),
        0
    );
    assert!((0..5).all(|i| zeros("late_vector").as_list::<i32>().value_length(i) == 0));
    assert!((0..5).all(|i| zeros("late_string").as_string::<i32>().value(i).is_empty()));
    assert_eq!(zeros("late_optional").null_count(), 5);
    let array = zeros("late_array");
    assert!(array.as_fixed_size_list().value(0).as_primitive::<Int16Type>().values().iter().all(|&value| value == 0));
    // Alone, and from where it begins in the middle of a cluster.
    for field in whole.schema().fields() {
        for (start, end) in [(0, 1), (0, 30), (9, 12), (14, 21), (29, 30)] {
            let mut reader = ntuple.scan().columns([field.name()]).random_access().unwrap();
            let batch = reader.read(start..end).unwrap();
            for (i, entry) in (start..end).enumerate() {
                let answer = &answers[usize::try_from(entry).unwrap()][field.name()];
                values::same(field, batch.column(0), i, answer).unwrap_or_else(|e| panic!("{field}, {entry}: {e}"));
            }
        }
    }
}

#[test]
fn members_that_came_later() {
    let ntuple = data("extension_record");
    let answers = answers("extension_record.ndjson");
    let schema = ntuple.arrow_schema().unwrap();
    for start in 0..answers.len() {
        let first = i64::try_from(start).unwrap();
        let batch = whole(ntuple.scan().entries(first..), ntuple.entries());
        values::check("extension_record", &batch, 0, &answers[start..]);
    }
    // Extension leaves nothing behind in the type: a member is a member.
    assert!(schema.fields().iter().any(|field| matches!(field.data_type(), arrow::datatypes::DataType::Struct(_))));
}

/// Pages over 16 MiB have two compression blocks; the place where they meet is nothing special.
#[test]
fn over_the_edge_of_a_compression_block() {
    let file = |path: &str| crate::support::open("big_pages.root", path);
    let (zstd, raw) = (file("zstd"), whole(file("zstd").scan(), 2_200_000));
    // Element 2_097_151 of 8 bytes ends at 16 MiB; a block holds one byte less.
    for path in ["zstd", "zlib", "lzma"] {
        let mut reader = file(path).scan().random_access().unwrap();
        let batch = reader.read(2_097_140..2_097_160).unwrap();
        assert_eq!(batch.column(0), &raw.column(0).slice(2_097_140, 20), "{path}");
    }
    assert_eq!(zstd.entries(), 2_200_000);
}
