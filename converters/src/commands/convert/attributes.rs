//! Attribute sets: carried over with the data set that they annotate.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, RecordBatchOptions};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Schema, SchemaRef, UInt64Type};
use rntuple_core::arrow::logical::RECORD;
use rntuple_io::{AttributeWriter, NTuple, Writer};

use crate::error::{Error, Result};
use crate::formats::Differences;

/// The attribute sets that are being written, of one or several sources.
#[derive(Default)]
pub(super) struct Carried {
    sets: Vec<(String, SchemaRef, AttributeWriter)>,
}

impl Carried {
    /// Takes over every attribute set of `source`. Of its entries, those in `kept` were written, from entry `first` on:
    /// ranges are cut to them.
    pub(super) fn add(&mut self, source: &NTuple, kept: &Range<u64>, first: u64, writer: &Writer) -> Result<()> {
        for name in source.attribute_sets() {
            let annotations = source.attribute_set(&name)?;
            let batches = annotations.scan().strings_as_binary(true).open()?;
            let wrong = |reason: &str| {
                let reason = format!("attribute set '{name}' {reason}");
                Error::Read(rntuple_io::Error::Argument { file: source.file_name().into(), reason })
            };
            // The record of the Arrow schema holds for all entries, and is the same for all sources.
            let is_record = name == RECORD;
            if is_record && self.sets.iter().any(|(other, ..)| other == RECORD) {
                continue;
            }
            let odd = || wrong("has not the fields that one has");
            let schema = user_schema(&batches.schema()).ok_or_else(odd)?;
            let known = self.sets.iter().position(|(other, ..)| *other == name);
            let known = match known {
                Some(known) => known,
                None => {
                    let set = writer.attribute_set(&name, &schema)?;
                    self.sets.push((name.clone(), Arc::clone(&schema), set));
                    self.sets.len() - 1
                }
            };
            let Some((_, expected, set)) = self.sets.get_mut(known) else { continue };
            if !Differences::between(expected, &schema).is_empty() {
                return Err(wrong("has other fields than in the inputs before"));
            }
            for batch in batches {
                let batch = batch?;
                let ranges = ranges(&batch).ok_or_else(odd)?;
                let mut values = values(&batch, &schema).ok_or_else(odd)?;
                let cut = |range: &Range<u64>| if is_record { Some(range.clone()) } else { cut(range, kept) };
                let ranges: Vec<Option<Range<u64>>> = ranges.iter().map(cut).collect();
                if ranges.contains(&None) {
                    let chosen = ranges.iter().map(Option::is_some).collect::<Vec<bool>>().into();
                    values = filter_record_batch(&values, &chosen).map_err(|_| odd())?;
                }
                let moved = |range: Range<u64>| range.start.saturating_add(first)..range.end.saturating_add(first);
                let ranges: Vec<Range<u64>> = ranges.into_iter().flatten().map(moved).collect();
                set.append(&ranges, &values)?;
            }
        }
        Ok(())
    }

    /// Links them to the data set.
    pub(super) fn finish(self, writer: &mut Writer) -> Result<()> {
        self.sets.into_iter().try_for_each(|(_, _, set)| Ok(writer.add_attribute_set(set)?))
    }
}

/// The fields of the annotation.
fn user_schema(schema: &SchemaRef) -> Option<SchemaRef> {
    match schema.field_with_name("_userData").ok()?.data_type() {
        DataType::Struct(fields) => Some(Arc::new(Schema::new(fields.clone()))),
        _ => None,
    }
}

fn ranges(batch: &RecordBatch) -> Option<Vec<Range<u64>>> {
    let column = |name: &str| batch.column_by_name(name)?.as_primitive_opt::<UInt64Type>();
    let (starts, lens) = (column("_rangeStart")?, column("_rangeLen")?);
    Some(starts.values().iter().zip(lens.values()).map(|(start, len)| *start..start.saturating_add(*len)).collect())
}

fn values(batch: &RecordBatch, schema: &SchemaRef) -> Option<RecordBatch> {
    let values = batch.column_by_name("_userData")?.as_struct_opt()?;
    let options = RecordBatchOptions::new().with_row_count(Some(values.len()));
    RecordBatch::try_new_with_options(Arc::clone(schema), values.columns().to_vec(), &options).ok()
}

/// The part of a range that was kept, counted from the first entry that was; `None` when nothing is left. A range
/// without entries stands for a place between them.
fn cut(range: &Range<u64>, kept: &Range<u64>) -> Option<Range<u64>> {
    let (start, end) = (range.start.max(kept.start), range.end.min(kept.end));
    let inside = if range.is_empty() { start <= end } else { start < end };
    inside.then(|| start - kept.start..end - kept.start)
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn ranges_are_cut_to_the_entries_kept() {
        let kept = 10..20;
        for (range, want) in [
            (10..20, Some(0..10)),
            (0..30, Some(0..10)),
            (12..15, Some(2..5)),
            (5..12, Some(0..2)),
            (18..25, Some(8..10)),
            (0..10, None),
            (20..30, None),
            (10..10, Some(0..0)),
            (15..15, Some(5..5)),
            (20..20, Some(10..10)),
            (9..9, None),
            (21..21, None),
        ] {
            assert_eq!(cut(&range, &kept), want, "{range:?}");
        }
    }
}
