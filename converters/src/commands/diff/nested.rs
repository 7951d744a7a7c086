//! Comparing arrays of any type, column by column: whole arrays of plain values, wherever they are nested.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use serde_json::{Value, json};

use super::leaf::{Kind, Tolerance, mismatch};
use crate::error::Result;
use crate::output::json::Rows;
use crate::output::text::counted;

/// The first value of a field that differs.
#[derive(Debug, PartialEq)]
pub(super) struct Difference {
    pub(super) entry: u64,
    /// Where in the entry: `muons[2].pt`.
    pub(super) place: String,
    what: What,
}

#[derive(Debug, PartialEq)]
enum What {
    Values(Value, Value),
    /// Sizes of collections.
    Sizes(u64, u64),
}

impl Difference {
    /// Both for a table.
    pub(super) fn texts(&self) -> [String; 2] {
        match &self.what {
            What::Values(a, b) => [a, b].map(Value::to_string),
            What::Sizes(a, b) => [*a, *b].map(|size| counted(size, "item", "items")),
        }
    }

    pub(super) fn to_json(&self) -> Value {
        let (what, a, b) = match &self.what {
            What::Values(a, b) => ("value", a.clone(), b.clone()),
            What::Sizes(a, b) => ("size", json!(a), json!(b)),
        };
        json!({"entry": self.entry, "place": self.place, "what": what, "a": a, "b": b})
    }
}

/// A field of both, with what was found so far.
#[derive(Debug)]
pub(super) struct Node {
    fields: [FieldRef; 2],
    shape: Shape,
    /// A difference of the field itself: nothing below it is compared any more.
    found: Option<Difference>,
}

#[derive(Debug)]
enum Shape {
    Leaf,
    List(Box<Node>),
    /// The members that both have, with their numbers.
    Struct(Vec<(usize, usize, Node)>),
    /// By type id.
    Union(Vec<(i8, Node)>),
    /// Types that have no values in common.
    Incomparable,
}

/// Entry, and where in it, for a row of the arrays at hand.
type Place<'a> = &'a dyn Fn(usize) -> (u64, String);

impl Node {
    pub(super) fn new(a: &FieldRef, b: &FieldRef) -> Self {
        let shape = match (a.data_type(), b.data_type()) {
            (DataType::Struct(ours), DataType::Struct(theirs)) => {
                let pairs = ours.iter().enumerate().filter_map(|(i, one)| {
                    let (j, other) = theirs.find(one.name())?;
                    Some((i, j, Self::new(one, other)))
                });
                Shape::Struct(pairs.collect())
            }
            (DataType::Union(ours, _), DataType::Union(theirs, _)) => {
                let pairs = ours.iter().filter_map(|(id, one)| {
                    let (_, other) = theirs.iter().find(|(other, _)| *other == id)?;
                    Some((id, Self::new(one, other)))
                });
                Shape::Union(pairs.collect())
            }
            (ours, theirs) => match (item(ours), item(theirs)) {
                (Some(one), Some(other)) => Shape::List(Box::new(Self::new(one, other))),
                (None, None) if Kind::of(ours).is_some() && Kind::of(ours) == Kind::of(theirs) => Shape::Leaf,
                _ => Shape::Incomparable,
            },
        };
        Self { fields: [Arc::clone(a), Arc::clone(b)], shape, found: None }
    }

    /// Whether nothing is left to be found.
    pub(super) fn is_done(&self) -> bool {
        self.found.is_some()
            || match &self.shape {
                Shape::Leaf => false,
                Shape::List(item) => item.is_done(),
                // Whether it is null, or which alternative it has, may still differ.
                Shape::Struct(members) => !self.is_nullable() && members.iter().all(|(.., member)| member.is_done()),
                Shape::Union(_) => false,
                Shape::Incomparable => true,
            }
    }

    fn is_nullable(&self) -> bool {
        self.fields.iter().any(|field| field.is_nullable())
    }

    /// Everything that was found.
    pub(super) fn into_found(self) -> Vec<Difference> {
        let mut all: Vec<Difference> = self.found.into_iter().collect();
        match self.shape {
            Shape::Leaf | Shape::Incomparable => {}
            Shape::List(item) => all.extend(item.into_found()),
            Shape::Struct(members) => all.extend(members.into_iter().flat_map(|(.., member)| member.into_found())),
            Shape::Union(members) => all.extend(members.into_iter().flat_map(|(_, member)| member.into_found())),
        }
        all
    }

    /// Compares two arrays of the same length, row by row.
    pub(super) fn compare(&mut self, a: &ArrayRef, b: &ArrayRef, tolerance: Tolerance, place: Place<'_>) -> Result<()> {
        if self.is_done() {
            return Ok(());
        }
        // Where one is null and the other is not, this field ends; what comes before is still compared.
        let only_one = (a.nulls().is_some() || b.nulls().is_some())
            .then(|| (0..a.len()).find(|&row| a.is_null(row) != b.is_null(row)))
            .flatten();
        let len = only_one.unwrap_or(a.len());
        let (one, other) = (a.slice(0, len), b.slice(0, len));
        if let Shape::Leaf = self.shape {
            if let Some(row) = mismatch(&one, &other, tolerance).or(only_one) {
                self.values(a, b, row, place)?;
            }
            return Ok(());
        }
        // What is below a null does not count, and may be anything.
        match one.nulls().filter(|nulls| nulls.null_count() > 0) {
            Some(nulls) => {
                for (start, end) in nulls.valid_slices() {
                    if self.found.is_none() {
                        let place = |row: usize| place(start + row);
                        let (one, other) = (one.slice(start, end - start), other.slice(start, end - start));
                        self.nested(&one, &other, tolerance, &place)?;
                    }
                }
            }
            None => self.nested(&one, &other, tolerance, place)?,
        }
        match only_one {
            Some(row) if self.found.is_none() => self.values(a, b, row, place),
            _ => Ok(()),
        }
    }

    /// Compares arrays of which no row is null.
    fn nested(&mut self, a: &ArrayRef, b: &ArrayRef, tolerance: Tolerance, place: Place<'_>) -> Result<()> {
        match &mut self.shape {
            Shape::Leaf | Shape::Incomparable => Ok(()),
            Shape::List(item) => {
                let (Some((ours, one)), Some((theirs, other))) = (Items::of(a), Items::of(b)) else { return Ok(()) };
                let differs = (0..a.len()).find(|&row| ours.size(row) != theirs.size(row));
                let rows = differs.unwrap_or(a.len());
                let (from, len) = (ours.start(0), ours.start(rows) - ours.start(0));
                let below = |at: usize| {
                    let (row, index) = ours.row_of(from + at);
                    let (entry, place) = place(row);
                    (entry, format!("{place}[{index}]"))
                };
                item.compare(&one.slice(from, len), &other.slice(theirs.start(0), len), tolerance, &below)?;
                if let Some(row) = differs {
                    let (entry, place) = place(row);
                    let what = What::Sizes(ours.size(row) as u64, theirs.size(row) as u64);
                    self.found = Some(Difference { entry, place, what });
                }
                Ok(())
            }
            Shape::Struct(members) => {
                let (ours, theirs) = (a.as_struct(), b.as_struct());
                // A struct that only stands for an optional value has no name in the data.
                let boxed = self.fields.iter().all(|field| field.metadata().contains_key("rntuple.boxed"));
                for (i, j, member) in members {
                    let name = member.fields.first().map(|field| field.name().clone()).unwrap_or_default();
                    let below = |row: usize| {
                        let (entry, place) = place(row);
                        (entry, if boxed { place } else { format!("{place}.{name}") })
                    };
                    member.compare(ours.column(*i), theirs.column(*j), tolerance, &below)?;
                }
                Ok(())
            }
            Shape::Union(members) => {
                let (ours, theirs) = (a.as_union(), b.as_union());
                let differs = (0..a.len()).find(|&row| ours.type_id(row) != theirs.type_id(row));
                let rows = differs.unwrap_or(a.len());
                for (id, member) in members {
                    for run in runs((0..rows).filter(|&row| ours.type_id(row) == *id), |row| {
                        (ours.value_offset(row), theirs.value_offset(row))
                    }) {
                        let (one, other) = (ours.child(*id), theirs.child(*id));
                        let (one, other) =
                            (one.slice(run.ours, run.rows.len()), other.slice(run.theirs, run.rows.len()));
                        let below = |at: usize| place(run.rows.get(at).copied().unwrap_or_default());
                        member.compare(&one, &other, tolerance, &below)?;
                    }
                }
                match differs {
                    Some(row) => self.values(a, b, row, place),
                    None => Ok(()),
                }
            }
        }
    }

    /// Notes that the values in this row differ.
    fn values(&mut self, a: &ArrayRef, b: &ArrayRef, row: usize, place: Place<'_>) -> Result<()> {
        let (entry, place) = place(row);
        let [ours, theirs] = &self.fields;
        let what = What::Values(value(ours, a, row)?, value(theirs, b, row)?);
        self.found = Some(Difference { entry, place, what });
        Ok(())
    }
}

/// The field of what is in a collection.
fn item(data_type: &DataType) -> Option<&FieldRef> {
    match data_type {
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::FixedSizeList(item, _)
        | DataType::Map(item, _) => Some(item),
        _ => None,
    }
}

/// Where the items of each row start, and where those of the last row end.
struct Items(Vec<usize>);

impl Items {
    fn of(array: &ArrayRef) -> Option<(Self, ArrayRef)> {
        let own = |offset: &i32| usize::try_from(*offset).unwrap_or_default();
        Some(match array.data_type() {
            DataType::List(_) => {
                let list = array.as_list::<i32>();
                (Self(list.offsets().iter().map(own).collect()), Arc::clone(list.values()))
            }
            DataType::LargeList(_) => {
                let list = array.as_list::<i64>();
                let starts = list.offsets().iter().map(|offset| usize::try_from(*offset).unwrap_or_default());
                (Self(starts.collect()), Arc::clone(list.values()))
            }
            DataType::Map(..) => {
                let map = array.as_map();
                (Self(map.offsets().iter().map(own).collect()), Arc::new(map.entries().clone()))
            }
            DataType::FixedSizeList(_, size) => {
                let list = array.as_fixed_size_list();
                let (size, first) = (usize::try_from(*size).unwrap_or_default(), own(&list.value_offset(0)));
                (Self((0..=list.len()).map(|row| first + row * size).collect()), Arc::clone(list.values()))
            }
            _ => return None,
        })
    }

    fn start(&self, row: usize) -> usize {
        self.0.get(row).copied().unwrap_or_default()
    }

    fn size(&self, row: usize) -> usize {
        self.start(row + 1).saturating_sub(self.start(row))
    }

    /// The row that an item belongs to, and its number there.
    fn row_of(&self, item: usize) -> (usize, usize) {
        let row = self.0.partition_point(|start| *start <= item).saturating_sub(1);
        (row, item - self.start(row))
    }
}

/// Rows of a union whose values follow each other.
struct Run {
    rows: Vec<usize>,
    ours: usize,
    theirs: usize,
}

fn runs(rows: impl Iterator<Item = usize>, offsets: impl Fn(usize) -> (usize, usize)) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for row in rows {
        let (ours, theirs) = offsets(row);
        match runs.last_mut() {
            Some(run) if (run.ours + run.rows.len(), run.theirs + run.rows.len()) == (ours, theirs) => {
                run.rows.push(row);
            }
            _ => runs.push(Run { rows: vec![row], ours, theirs }),
        }
    }
    runs
}

/// A value as `rntuple show --format ndjson` prints it.
fn value(field: &FieldRef, array: &ArrayRef, row: usize) -> Result<Value> {
    const NAME: &str = "value";
    let field = Field::clone(field).with_name(NAME).with_nullable(true);
    let schema = Arc::new(Schema::new(vec![field]));
    let Ok(batch) = RecordBatch::try_new(schema, vec![array.slice(row, 1)]) else { return Ok(Value::Null) };
    let mut text = Vec::new();
    Rows::new(&batch)?.write(0, &mut text);
    let mut object: Value = serde_json::from_slice(&text)?;
    Ok(object.get_mut(NAME).map(Value::take).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use arrow::array::{Float64Array, Int32Array, ListArray, StructArray, UnionArray};
    use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
    use arrow::datatypes::UnionFields;

    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "tests make their arrays in place")]
    fn found(a: ArrayRef, b: ArrayRef) -> Vec<(u64, String, [String; 2])> {
        let field = |array: &ArrayRef| Arc::new(Field::new("x", array.data_type().clone(), true));
        let mut node = Node::new(&field(&a), &field(&b));
        node.compare(&a, &b, Tolerance::default(), &|row| (100 + row as u64, "x".to_owned())).unwrap();
        let found = node.into_found();
        found.into_iter().map(|found| (found.entry, found.place.clone(), found.texts())).collect()
    }

    fn list(sizes: &[usize], values: ArrayRef, nulls: Option<NullBuffer>) -> ArrayRef {
        let item = Arc::new(Field::new("_0", values.data_type().clone(), true));
        Arc::new(ListArray::new(item, OffsetBuffer::from_lengths(sizes.iter().copied()), values, nulls))
    }

    fn pair(x: Vec<i32>, y: Vec<f64>, nulls: Option<NullBuffer>) -> ArrayRef {
        let columns: Vec<ArrayRef> = vec![Arc::new(Int32Array::from(x)), Arc::new(Float64Array::from(y))];
        let fields = ["x", "y"].iter().zip(&columns).map(|(name, c)| Field::new(*name, c.data_type().clone(), true));
        Arc::new(StructArray::new(fields.collect::<Vec<_>>().into(), columns, nulls))
    }

    fn texts(a: &str, b: &str) -> [String; 2] {
        [a.to_owned(), b.to_owned()]
    }

    #[test]
    fn each_leaf_has_its_first_difference_and_its_place() {
        let a = list(&[1, 0, 3], pair(vec![1, 2, 3, 4], vec![0.0, 1.0, 2.0, 3.0], None), None);
        let b = list(&[1, 0, 3], pair(vec![1, 2, 5, 6], vec![0.5, 1.0, 2.0, 7.0], None), None);
        let expected =
            vec![(102, "x[1].x".to_owned(), texts("3", "5")), (100, "x[0].y".to_owned(), texts("0.0", "0.5"))];
        assert_eq!(found(Arc::clone(&a), b.clone()), expected);
        assert_eq!(found(a.slice(1, 2), b.slice(1, 2))[0], (101, "x[1].x".to_owned(), texts("3", "5")));
        assert!(found(Arc::clone(&a), a).is_empty());
    }

    #[test]
    fn collections_of_different_sizes_end_the_comparison_below() {
        let a = list(&[1, 2, 1], Arc::new(Int32Array::from(vec![1, 2, 3, 4])), None);
        let b = list(&[1, 1, 1], Arc::new(Int32Array::from(vec![1, 9, 9])), None);
        assert_eq!(found(a, b), [(101, "x".to_owned(), texts("2 items", "1 item"))]);
    }

    #[test]
    fn what_lies_below_a_null_does_not_count() {
        let nulls = || Some(NullBuffer::from(vec![true, false, true]));
        let a = list(&[1, 1, 1], Arc::new(Int32Array::from(vec![1, 2, 3])), nulls());
        let b = list(&[1, 2, 1], Arc::new(Int32Array::from(vec![1, 7, 8, 4])), nulls());
        assert_eq!(found(a, b), [(102, "x[0]".to_owned(), texts("3", "4"))]);
        let a = pair(vec![1, 2, 3], vec![0.0; 3], nulls());
        let b = pair(vec![1, 5, 3], vec![0.0; 3], nulls());
        assert!(found(Arc::clone(&a), b).is_empty());
        let b = pair(vec![1, 5, 4], vec![0.0; 3], Some(NullBuffer::from(vec![true, true, true])));
        assert_eq!(found(a, b), [(101, "x".to_owned(), texts("null", r#"{"x":5,"y":0.0}"#))]);
    }

    #[test]
    fn unions_differ_in_alternative_or_value() {
        let fields = UnionFields::try_new(
            vec![1, 2],
            vec![Field::new("a", DataType::Int32, true), Field::new("b", DataType::Float64, true)],
        )
        .unwrap();
        let union = |ids: Vec<i8>, offsets: Vec<i32>, ints: Vec<i32>| -> ArrayRef {
            let children: Vec<ArrayRef> =
                vec![Arc::new(Int32Array::from(ints)), Arc::new(Float64Array::from(vec![0.5, 1.5]))];
            let (ids, offsets) = (ScalarBuffer::from(ids), ScalarBuffer::from(offsets));
            Arc::new(UnionArray::try_new(fields.clone(), ids, Some(offsets), children).unwrap())
        };
        let a = union(vec![1, 2, 1, 2], vec![0, 0, 1, 1], vec![7, 8]);
        // The same values in another order of storage.
        let b = union(vec![1, 2, 1, 2], vec![1, 0, 0, 1], vec![8, 7]);
        assert!(found(Arc::clone(&a), b).is_empty());
        let b = union(vec![1, 2, 1, 1], vec![0, 0, 1, 0], vec![7, 9]);
        let expected = vec![(103, "x".to_owned(), texts("1.5", "7")), (102, "x".to_owned(), texts("8", "9"))];
        assert_eq!(found(a, b), expected);
    }
}
