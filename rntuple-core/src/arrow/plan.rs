//! From the schema and a choice of fields to a tree of nodes that the decoder walks.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{
    DataType, Field as ArrowField, FieldRef, Fields, Schema as ArrowSchema, SchemaRef, UnionFields, UnionMode,
};

use super::decode::{Decoder, Segment};
use super::fault::Fault;
use super::metadata::{BOXED, STREAMER, arrow_field};
use super::node::{Kind, Node, NumberType};
use super::projection::{Matcher, Path};
use super::shared::Shared;
use super::{PageSource, Projection};
use crate::error::{Error, Result};
use crate::limits::MAX_EMPTY_ITEMS;
use crate::schema::{ColumnId, ColumnType, Field, FieldRole, Schema};

/// How Arrow types are chosen where there is a choice.
#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    /// Strings as Binary, which takes any bytes; as Utf8, bytes that are not UTF-8 are an error.
    pub strings_as_binary: bool,
    /// `LargeList`, `LargeUtf8` and `LargeBinary`, whose 64-bit offsets allow batches with over 2^31 items.
    pub large_offsets: bool,
    /// Arrow types to read into, by name, in place of the fields' own. Fields that are not in it are not read.
    ///
    /// Numbers are converted as ROOT does on reading: any integer, character or bool into any other, with a check of
    /// the range, and floats into floats.
    pub schema: Option<SchemaRef>,
}

/// What is read of a data set, and into which Arrow types.
#[derive(Debug, Clone)]
pub struct Plan {
    fields: Arc<Schema>,
    schema: SchemaRef,
    roots: Vec<Node>,
    columns: Vec<ColumnId>,
    shared: Vec<ColumnId>,
    skipped: Vec<(String, String)>,
}

impl Plan {
    /// Plans to read the fields that `projection` chooses.
    ///
    /// # Errors
    /// [`Error::NoSuchField`] for a pattern that matches nothing, [`Error::FieldUnavailable`] for a field that is
    /// named but cannot be read, [`Error::Cast`] for a type in [`ReadOptions::schema`] that a field cannot become.
    pub fn new(schema: &Arc<Schema>, projection: &Projection, options: &ReadOptions) -> Result<Self> {
        let matcher = projection.matcher();
        let planner = Planner { schema, matcher: &matcher, options };
        let mut roots = Vec::new();
        let mut skipped = Vec::new();
        for field in schema.top_level().filter(|field| matcher.reaches(&field.name)) {
            let target = match &options.schema {
                None => None,
                Some(target) => match target.fields().find(&field.name) {
                    None => continue,
                    Some((_, target)) => Some(&**target),
                },
            };
            let planned = match schema.problem(field) {
                Some(problem) => {
                    matcher.mark(&field.name);
                    Err(unavailable(field.name.to_string(), problem))
                }
                None => planner.node(field, &Path::top(&field.name), false, target),
            };
            match planned {
                Ok(node) => roots.extend(node),
                Err(Error::FieldUnavailable { reason, .. }) if target.is_none() && !matcher.names(&field.name) => {
                    skipped.push((field.name.to_string(), reason));
                }
                Err(error) => return Err(error),
            }
        }
        matcher.check(schema)?;
        if let Some(target) = &options.schema {
            let missing = |target: &&FieldRef| !schema.top_level().any(|field| *field.name == **target.name());
            if let Some(missing) = target.fields().iter().find(missing) {
                return Err(Error::NoSuchField { pattern: missing.name().clone(), hint: String::new() });
            }
            let position = |node: &Node| target.fields().find(node.arrow.name()).map(|(i, _)| i);
            roots.sort_by_key(position);
        }
        let mut columns = Vec::new();
        roots.iter().for_each(|root| root.collect_columns(&mut columns));
        columns.sort_unstable();
        let twice = |pair: &[ColumnId]| pair.first().filter(|&first| pair.last() == Some(first)).copied();
        let mut shared: Vec<ColumnId> = columns.windows(2).filter_map(twice).collect();
        shared.dedup();
        columns.dedup();
        let fields: Fields = roots.iter().map(|root| Arc::clone(&root.arrow)).collect();
        let arrow = Arc::new(ArrowSchema::new(fields));
        Ok(Self { fields: Arc::clone(schema), schema: arrow, roots, columns, shared, skipped })
    }

    /// Arrow schema of the batches.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The columns that are read, ascending: every representation of every field.
    #[must_use]
    pub fn columns(&self) -> &[ColumnId] {
        &self.columns
    }

    /// The columns that several fields are read from, ascending: those of projected fields whose source is read too.
    #[must_use]
    pub fn shared_columns(&self) -> &[ColumnId] {
        &self.shared
    }

    /// Top-level fields that were left out because this version cannot read them, with the reason.
    #[must_use]
    pub fn skipped(&self) -> &[(String, String)] {
        &self.skipped
    }

    /// Reads entries into a record batch. `segments` are the entries by cluster, numbered within their clusters;
    /// `first_entry` is the number of the first one in the data set, for messages.
    ///
    /// # Errors
    /// [`Error::Value`] for a value that does not fit its type, and whatever the pages and their source give.
    pub fn decode(&self, source: &dyn PageSource, segments: &[Segment], first_entry: u64) -> Result<RecordBatch> {
        let decoder = Decoder { source, schema: &self.fields, shared: &Shared::default() };
        let rows: u64 = segments.iter().map(|segment| segment.len).sum();
        let arrays = decoder.arrays(&self.roots, |root| decoder.array(root, segments));
        let arrays = arrays.map_err(|fault| self.error(fault, first_entry))?;
        let rows = usize::try_from(rows).unwrap_or(usize::MAX);
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)?)
    }

    fn error(&self, fault: Fault, first_entry: u64) -> Error {
        match fault {
            Fault::Value { field, position, reason } => {
                Error::Value { field: self.fields.path(field), entry: first_entry.saturating_add(position), reason }
            }
            Fault::Other { field, error } => error.within(format!("field '{}'", self.fields.path(field))),
        }
    }
}

fn unavailable(field: String, reason: impl Into<String>) -> Error {
    Error::FieldUnavailable { field, reason: reason.into() }
}

struct Planner<'a> {
    schema: &'a Schema,
    matcher: &'a Matcher<'a>,
    options: &'a ReadOptions,
}

impl Planner<'_> {
    /// The node of a field, or nothing when neither it nor anything below it is wanted.
    fn node(&self, field: &Field, path: &Path<'_>, wanted: bool, target: Option<&ArrowField>) -> Result<Option<Node>> {
        let mut wanted = self.matcher.matches(path) || wanted;
        let kind = self.kind(field, path)?;
        if kind == Kind::Variant && !wanted {
            // Half a variant would lose which alternative an entry holds: all of it, or nothing.
            wanted = self.matches_below(field, path);
            if !wanted {
                return Ok(None);
            }
        }
        let columns: Vec<Box<[ColumnId]>> = self.schema.representations(field).map(Into::into).collect();
        self.check_columns(field, path, kind, &columns)?;

        let cast = || Error::Cast {
            field: path.full(),
            from: field.type_name.to_string(),
            to: target.map_or(DataType::Null, |target| target.data_type().clone()).to_string(),
        };
        let item = !matches!(kind, Kind::Struct | Kind::Variant);
        let children = |wanted: bool| -> Result<Vec<Node>> {
            let mut out = Vec::new();
            for (i, child) in self.schema.children(field).enumerate() {
                let child_target = match target.map(|target| child_of(target, kind, i, child)) {
                    // The caller's schema leaves this member out.
                    Some(None) if kind == Kind::Struct => continue,
                    Some(None) => return Err(cast()),
                    Some(target) => target,
                    None => None,
                };
                let child_path = path.child(&child.name, item);
                out.extend(self.node(child, &child_path, wanted, child_target.as_deref())?);
            }
            Ok(out)
        };
        let nodes = children(wanted)?;
        if !wanted && nodes.is_empty() {
            return Ok(None);
        }
        let node = self.finish(field, path, kind, columns, nodes, target)?;
        match target {
            // Whatever the arms of `finish` let pass: what comes out is what was asked for, or an error.
            Some(target) if !node.arrow.data_type().equals_datatype(target.data_type()) => Err(cast()),
            Some(target) if node.arrow.is_nullable() && !target.is_nullable() => Err(cast()),
            _ => Ok(Some(node)),
        }
    }

    /// Whether a pattern matches something below a variant.
    fn matches_below(&self, field: &Field, path: &Path<'_>) -> bool {
        self.schema.children(field).fold(false, |any, child| {
            // Alternatives of variants and members of records have names of their own.
            let item = !matches!(field.role, FieldRole::Record | FieldRole::Variant);
            let path = path.child(&child.name, item);
            // All of them are asked, so that no pattern counts as matching nothing.
            self.matcher.matches(&path) | self.matches_below(child, &path) | any
        })
    }

    /// What the schema says a field is.
    fn kind(&self, field: &Field, path: &Path<'_>) -> Result<Kind> {
        let children = field.children.len();
        let columns = self.schema.representations(field).next().unwrap_or_default();
        let kinds: Vec<ColumnType> =
            columns.iter().filter_map(|&id| self.schema.column(id)).map(|column| column.kind).collect();
        let refuse = |reason: &str| Err(unavailable(path.full(), reason));
        let type_name = field.parsed_type();
        match field.role {
            FieldRole::Collection | FieldRole::Record | FieldRole::Variant | FieldRole::Streamer
                if field.repetitions.is_some() =>
            {
                refuse("only plain fields can be fixed-size arrays")
            }
            FieldRole::Collection if children != 1 => refuse("a collection must have one subfield"),
            FieldRole::Collection if type_name.is_nullable() => Ok(Kind::Optional),
            FieldRole::Collection if type_name.is_map() && self.has_pairs(field) => Ok(Kind::Map),
            FieldRole::Collection => Ok(Kind::List),
            FieldRole::Record => Ok(Kind::Struct),
            FieldRole::Variant if !(1..=125).contains(&children) => refuse("a variant must have 1 to 125 alternatives"),
            FieldRole::Variant => Ok(Kind::Variant),
            FieldRole::Streamer => Ok(Kind::Bytes),
            FieldRole::Plain => match (children, field.array_size(), kinds.as_slice()) {
                (1, Some(n), []) => Ok(Kind::Array(n)),
                (1, None, []) => Ok(Kind::Wrapper),
                (0, None, [index, _]) if index.is_index() => Ok(Kind::Bytes),
                (0, None, [index]) if index.is_index() => Ok(Kind::Cardinality(match type_name.arguments.as_slice() {
                    ["std::uint32_t"] => NumberType::UInt32,
                    _ => NumberType::UInt64,
                })),
                (0, Some(n), [kind]) => Ok(Kind::Numbers(n, NumberType::of(&type_name, *kind))),
                (0, None, [kind]) => Ok(Kind::Number(NumberType::of(&type_name, *kind))),
                _ => refuse("its columns and subfields do not make up a known type"),
            },
            FieldRole::Unknown(_) => refuse("unknown structural role"),
        }
    }

    /// Whether the items of a collection are records of two members, of which the first, the key, is never null.
    fn has_pairs(&self, field: &Field) -> bool {
        let may_be_null = |key: &Field| key.role == FieldRole::Variant || key.parsed_type().is_nullable();
        self.schema.children(field).all(|item| {
            item.role == FieldRole::Record
                && item.children.len() == 2
                && self.schema.children(item).next().is_some_and(|key| !may_be_null(key))
        })
    }

    /// Every representation must have the columns that the kind of the field needs.
    fn check_columns(&self, field: &Field, path: &Path<'_>, kind: Kind, columns: &[Box<[ColumnId]>]) -> Result<()> {
        let needs: &[fn(ColumnType) -> bool] = match kind {
            Kind::Number(_) | Kind::Numbers(..) => &[|kind| !matches!(kind, ColumnType::Switch)],
            Kind::Bytes => &[ColumnType::is_index, |kind| matches!(kind, ColumnType::Char | ColumnType::Byte)],
            Kind::Cardinality(_) | Kind::List | Kind::Map | Kind::Optional => &[ColumnType::is_index],
            Kind::Variant => &[|kind| kind == ColumnType::Switch],
            Kind::Array(_) | Kind::Struct | Kind::Wrapper => &[],
        };
        let fits = |representation: &[ColumnId]| {
            representation.len() == needs.len()
                && representation
                    .iter()
                    .zip(needs)
                    .all(|(&id, fits)| self.schema.column(id).is_some_and(|c| fits(c.kind)))
        };
        if columns.iter().all(|representation| fits(representation)) && columns.is_empty() == needs.is_empty() {
            return Ok(());
        }
        let kinds: Vec<String> = field
            .columns
            .iter()
            .filter_map(|&id| self.schema.column(id))
            .map(|column| column.kind.to_string())
            .collect();
        let reason = format!("its columns ({}) do not fit its type '{}'", kinds.join(", "), field.type_name);
        Err(unavailable(path.full(), reason))
    }

    /// Chooses the Arrow type, now that the subfields are known.
    fn finish(
        &self,
        field: &Field,
        path: &Path<'_>,
        kind: Kind,
        columns: Vec<Box<[ColumnId]>>,
        mut children: Vec<Node>,
        target: Option<&ArrowField>,
    ) -> Result<Node> {
        let as_field = target;
        let target = target.map(ArrowField::data_type);
        let (mut kind, mut nullable, mut mark) = (kind, false, None);
        let item = |children: &[Node]| children.first().map(|child| Arc::clone(&child.arrow));
        let no_item = || unavailable(path.full(), "it has no subfield");
        let data_type = match kind {
            Kind::Number(own) => {
                let number = self.number(own, &columns, target, path)?;
                kind = Kind::Number(number);
                number.data_type()
            }
            Kind::Cardinality(own) => {
                let number = match target {
                    Some(DataType::UInt32) => NumberType::UInt32,
                    Some(DataType::UInt64) => NumberType::UInt64,
                    _ => own,
                };
                kind = Kind::Cardinality(number);
                number.data_type()
            }
            Kind::Bytes => {
                let streamer = field.role == FieldRole::Streamer;
                mark = streamer.then_some(STREAMER);
                match target {
                    Some(text @ (DataType::Utf8 | DataType::LargeUtf8)) if !streamer => text.clone(),
                    Some(bytes @ (DataType::Binary | DataType::LargeBinary)) => bytes.clone(),
                    _ => match (streamer || self.options.strings_as_binary, self.options.large_offsets) {
                        (true, true) => DataType::LargeBinary,
                        (true, false) => DataType::Binary,
                        (false, true) => DataType::LargeUtf8,
                        (false, false) => DataType::Utf8,
                    },
                }
            }
            Kind::List | Kind::Map => {
                let item = item(&children).ok_or_else(no_item)?;
                let whole_pairs = matches!(item.data_type(), DataType::Struct(members) if members.len() == 2);
                let large = match target {
                    None => self.options.large_offsets,
                    Some(target) => matches!(target, DataType::LargeList(_)),
                };
                let as_map = kind == Kind::Map && whole_pairs && matches!(target, None | Some(DataType::Map(..)));
                kind = if as_map { Kind::Map } else { Kind::List };
                match (as_map, large) {
                    (true, _) => DataType::Map(item, false),
                    (false, true) => DataType::LargeList(item),
                    (false, false) => DataType::List(item),
                }
            }
            Kind::Optional => {
                nullable = true;
                let item = item(&children).ok_or_else(no_item)?;
                // A value that may be null already cannot be null for another reason, too.
                if item.is_nullable() {
                    mark = Some(BOXED);
                    DataType::Struct([item].into_iter().collect())
                } else {
                    mark = mark_of(&item);
                    item.data_type().clone()
                }
            }
            Kind::Array(n) => {
                let items = children.iter().map(Node::empty_items).sum::<Option<u64>>();
                if items.is_some_and(|items| items.saturating_mul(n) > MAX_EMPTY_ITEMS) {
                    return Err(unavailable(path.full(), format!("arrays of {n} elements without data are too large")));
                }
                DataType::FixedSizeList(item(&children).ok_or_else(no_item)?, self.array_size(n, path)?)
            }
            Kind::Numbers(n, own) => {
                let target = match target {
                    Some(DataType::FixedSizeList(item, _)) => Some(item),
                    _ => None,
                };
                let number = self.number(own, &columns, target.map(|item| item.data_type()), path)?;
                kind = Kind::Numbers(n, number);
                let item = || Arc::new(ArrowField::new("_0", number.data_type(), false));
                DataType::FixedSizeList(target.cloned().unwrap_or_else(item), self.array_size(n, path)?)
            }
            Kind::Struct => {
                if let Some(DataType::Struct(members)) = target {
                    if let Some(missing) = members.iter().find(|m| !children.iter().any(|c| c.arrow.name() == m.name()))
                    {
                        let pattern = format!("{}.{}", path.full(), missing.name());
                        return Err(Error::NoSuchField { pattern, hint: String::new() });
                    }
                    children.sort_by_key(|child| members.find(child.arrow.name()).map(|(i, _)| i));
                }
                DataType::Struct(children.iter().map(|child| Arc::clone(&child.arrow)).collect())
            }
            Kind::Variant => {
                // What Arrow calls the null of a union is the null of the child it selects: here the empty one.
                nullable = true;
                let none = match target {
                    Some(DataType::Union(fields, _)) => fields.iter().next().map(|(_, none)| Arc::clone(none)),
                    _ => None,
                };
                let none = none.unwrap_or_else(|| Arc::new(ArrowField::new("none", DataType::Null, true)));
                let fields = std::iter::once(none).chain(children.iter().map(|child| Arc::clone(&child.arrow)));
                let fields = UnionFields::try_new(0..=i8::try_from(children.len()).unwrap_or(i8::MAX), fields)?;
                DataType::Union(fields, UnionMode::Dense)
            }
            Kind::Wrapper => {
                let item = item(&children).ok_or_else(no_item)?;
                nullable = item.is_nullable();
                mark = mark_of(&item);
                item.data_type().clone()
            }
        };
        // Of these two, the value has no Arrow field of its own, unless it is boxed.
        let inner = match kind {
            Kind::Wrapper => item(&children),
            Kind::Optional => item(&children).filter(|item| !item.is_nullable()),
            _ => None,
        };
        let mut arrow = arrow_field(self.schema, field, data_type, nullable, mark, inner.as_deref());
        if let Some(target) = as_field {
            arrow = arrow.with_name(target.name()).with_nullable(nullable || target.is_nullable());
        }
        let arrow = Arc::new(arrow);
        Ok(Node { id: field.id, arrow, kind, columns, children })
    }

    /// The number type to read a column into. Every representation must allow it.
    fn number(
        &self,
        own: NumberType,
        columns: &[Box<[ColumnId]>],
        target: Option<&DataType>,
        path: &Path<'_>,
    ) -> Result<NumberType> {
        let reads = |number: NumberType| {
            let mut kinds = columns.iter().filter_map(|representation| self.schema.column(*representation.first()?));
            kinds.all(|column| number.reads(column.kind))
        };
        if !reads(own) {
            let reason = format!("its column does not hold values of type {}", own.data_type());
            return Err(unavailable(path.full(), reason));
        }
        // A target that cannot be had is noticed when the whole field is compared with it.
        Ok(target.and_then(NumberType::of_arrow).filter(|&number| reads(number)).unwrap_or(own))
    }

    fn array_size(&self, n: u64, path: &Path<'_>) -> Result<i32> {
        i32::try_from(n).map_err(|_| unavailable(path.full(), format!("arrays of {n} elements are too large")))
    }
}

/// What a field that passes on the type of its subfield passes on with it.
fn mark_of(item: &ArrowField) -> Option<&'static str> {
    [BOXED, STREAMER].into_iter().find(|&mark| item.metadata().contains_key(mark))
}

/// What the caller's schema says about subfield number `i`; `None` where it has no place for it.
fn child_of<'a>(target: &'a ArrowField, kind: Kind, i: usize, child: &Field) -> Option<Cow<'a, ArrowField>> {
    let field = match (kind, target.data_type()) {
        (Kind::Struct, DataType::Struct(members)) => members.find(&child.name).map(|(_, member)| &**member),
        // Every alternative must be there, as the first child is the empty one.
        (Kind::Variant, DataType::Union(fields, _)) => fields.iter().nth(i + 1).map(|(_, field)| &**field),
        (
            Kind::List | Kind::Map | Kind::Array(_),
            DataType::List(item)
            | DataType::LargeList(item)
            | DataType::Map(item, _)
            | DataType::FixedSizeList(item, _),
        ) => Some(&**item),
        (Kind::Optional, DataType::Struct(members)) if target.metadata().contains_key(BOXED) => {
            members.first().map(|member| &**member)
        }
        // The null is the optional's own, not that of its value.
        (Kind::Optional, _) => return Some(Cow::Owned(target.clone().with_nullable(false))),
        (Kind::Wrapper, _) => Some(target),
        _ => None,
    };
    field.map(Cow::Borrowed)
}
