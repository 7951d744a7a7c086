//! Which fields and columns an Arrow schema becomes.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::datatypes::{Field as ArrowField, FieldRef, Schema as ArrowSchema, SchemaRef};

use super::draft::{Choices, Draft, Drafter, Form};
use super::types::Content;
use crate::arrow::Projection;
use crate::arrow::projection::Path;
use crate::container::root_file::class_checksum;
use crate::error::{Error, Result};
use crate::schema::{
    AliasRecord, Column, ColumnEncoding, ColumnId, ColumnRecord, Field, FieldId, FieldRecord, Schema, SchemaBuilder,
};

/// Version of classes that have none of their own.
const UNVERSIONED: u32 = u32::MAX;

/// How fields are stored where there is a choice.
#[derive(Debug, Clone)]
pub struct LayoutOptions {
    /// Whether the data will be compressed: split encodings, which compress better.
    pub split: bool,
    /// Ends of collections with 32 bits, for clusters of less than 2^32 items.
    pub small_indexes: bool,
    /// Whether encodings that `rntuple.encoding` metadata names are kept.
    pub keep_encodings: bool,
    /// Encodings for fields that match a pattern (see [`Projection`]); of several matches, the last counts.
    pub encodings: Vec<(String, ColumnEncoding)>,
}

impl Default for LayoutOptions {
    /// Split encodings, 64-bit indexes: what ROOT writes.
    fn default() -> Self {
        Self { split: true, small_indexes: false, keep_encodings: true, encodings: Vec::new() }
    }
}

/// The fields and columns that an Arrow schema becomes, and how arrays are taken apart into the columns.
#[derive(Debug, Clone)]
pub struct Layout {
    schema: Arc<Schema>,
    roots: Vec<Root>,
    columns: Vec<ColumnEncoding>,
    /// Which columns arrays bring elements for.
    written: Vec<bool>,
}

/// A top-level field that batches bring data for.
#[derive(Debug, Clone)]
pub(super) struct Root {
    pub(super) arrow: FieldRef,
    pub(super) node: Node,
}

/// A field with the columns that its arrays go to.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) field: FieldId,
    pub(super) form: Form,
    /// The field's first column; the others follow it.
    pub(super) column: usize,
    /// The form of a data column that belongs to the child: its column.
    pub(super) data: usize,
    pub(super) children: Vec<Node>,
}

impl Layout {
    /// The fields that an Arrow schema becomes. What `rntuple.` metadata of its fields says is kept: types, versions,
    /// descriptions, encodings, projections. Projected fields whose source is not in the schema get data of their own.
    ///
    /// # Errors
    /// [`Error::Unwritable`] for a field whose Arrow type or name has no counterpart, [`Error::NoSuchField`] for an
    /// encoding whose pattern matches no field that can have it.
    pub fn new(schema: &ArrowSchema, options: &LayoutOptions) -> Result<Self> {
        let empty = Self { schema: Arc::default(), roots: Vec::new(), columns: Vec::new(), written: Vec::new() };
        empty.with_fields(schema.fields().iter(), options, None)
    }

    /// The same with more top-level fields, which begin with entry number `entries`: a schema extension.
    ///
    /// # Errors
    /// As [`Layout::new`], and for a name that is there already.
    pub fn extend(&self, fields: &[FieldRef], options: &LayoutOptions, entries: u64) -> Result<Self> {
        self.with_fields(fields.iter(), options, Some(entries))
    }

    fn with_fields<'a>(
        &self,
        fields: impl Iterator<Item = &'a FieldRef>,
        options: &LayoutOptions,
        extension: Option<u64>,
    ) -> Result<Self> {
        let fields: Vec<&FieldRef> = fields.collect();
        let overrides = Overrides::new(options);
        let drafter = Drafter { choices: &overrides, keep: options.keep_encodings };
        let mut drafts = fields.iter().map(|field| drafter.top(field)).collect::<Result<Vec<_>>>()?;
        // Later, the fields that the patterns mean may be those from before.
        if extension.is_none() {
            overrides.check()?;
        }
        let mut known: HashMap<String, FieldId> =
            self.schema.fields().iter().map(|field| (self.schema.path(field.id), field.id)).collect();
        let mut names = HashSet::new();
        for draft in &drafts {
            if known.contains_key(&draft.name) || !names.insert(&draft.name) {
                let reason = "there are two fields of this name".to_owned();
                return Err(Error::Unwritable { field: draft.name.clone(), reason });
            }
        }
        resolve_projections(&mut drafts, &known);
        let mut numbering = self.schema.fields().len();
        drafts.iter().for_each(|draft| number_fields(draft, "", &mut numbering, &mut known));

        let builder = match extension {
            None => SchemaBuilder::default(),
            Some(_) => SchemaBuilder::resume(Schema::clone(&self.schema)),
        };
        let mut emitter = Emitter {
            builder,
            known: &known,
            columns: self.columns.clone(),
            records: Vec::new(),
            next_field: self.schema.fields().len(),
            first_entry: extension.filter(|&entries| entries > 0),
        };
        let mut roots = self.roots.clone();
        for (arrow, draft) in fields.iter().zip(&drafts) {
            let node = emitter.field(draft, None, true, 1)?;
            if draft.source.is_none() {
                roots.push(Root { arrow: Arc::clone(arrow), node });
            }
        }
        let (mut schema, columns) = emitter.finish(&drafts)?;
        identify_classes(&mut schema, self.schema.fields().len());
        let written = written(&roots, columns.len());
        Ok(Self { schema: Arc::new(schema), roots, columns, written })
    }

    /// The same, with a schema that has more type information.
    #[must_use]
    pub fn with_schema(&self, schema: Arc<Schema>) -> Self {
        Self { schema, ..self.clone() }
    }

    /// The RNTuple schema.
    #[must_use]
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// How each column is stored, by id.
    #[must_use]
    pub fn columns(&self) -> &[ColumnEncoding] {
        &self.columns
    }

    /// The Arrow fields that batches must have; projected fields are not among them.
    #[must_use]
    pub fn arrow_schema(&self) -> SchemaRef {
        Arc::new(ArrowSchema::new(self.roots.iter().map(|root| Arc::clone(&root.arrow)).collect::<Vec<_>>()))
    }

    pub(super) fn roots(&self) -> &[Root] {
        &self.roots
    }

    /// Continues a data set that exists: `schema` is what it has, `arrow` the Arrow schema that it is read as. Of fields
    /// with several representations, the one is written that keeps all values, if there is one; else the first.
    ///
    /// # Errors
    /// [`Error::Unwritable`] for a field that this version cannot write as it is.
    pub fn resume(schema: Arc<Schema>, arrow: &ArrowSchema) -> Result<Self> {
        let choices = Stored;
        let drafter = Drafter { choices: &choices, keep: true };
        let columns: Vec<_> = schema.columns().iter().map(ColumnEncoding::of_column).collect();
        let mut roots = Vec::new();
        for field in schema.top_level().filter(|field| field.source.is_none()) {
            let found = arrow.fields().iter().find(|arrow| *arrow.name() == *field.name);
            let Some(arrow) = found else {
                let reason = "it cannot be read by this version".to_owned();
                return Err(Error::Unwritable { field: field.name.to_string(), reason });
            };
            let draft = drafter.top(arrow)?;
            let node = resumed(&schema, field, &draft)?;
            roots.push(Root { arrow: Arc::clone(arrow), node });
        }
        let written = written(&roots, columns.len());
        Ok(Self { schema, roots, columns, written })
    }

    /// The physical columns at and below the fields that match a pattern (see [`Projection`]).
    ///
    /// # Errors
    /// [`Error::NoSuchField`] when it matches nothing.
    pub fn matching_columns(&self, pattern: &str) -> Result<Vec<ColumnId>> {
        let projection = Projection::patterns([pattern]);
        let matcher = projection.matcher();
        let mut out = Vec::new();
        for field in self.schema.top_level().filter(|field| field.source.is_none()) {
            self.collect_matching(field, &Path::top(&field.name), false, &matcher, &mut out);
        }
        matcher.check(&self.schema)?;
        Ok(out)
    }

    fn collect_matching(
        &self,
        field: &Field,
        path: &Path<'_>,
        above: bool,
        matcher: &crate::arrow::projection::Matcher<'_>,
        out: &mut Vec<ColumnId>,
    ) {
        let wanted = matcher.matches(path) || above;
        if wanted {
            out.extend(&field.columns);
        }
        let item = !matches!(field.role, crate::schema::FieldRole::Record | crate::schema::FieldRole::Variant);
        for child in self.schema.children(field) {
            self.collect_matching(child, &path.child(&child.name, item), wanted, matcher, out);
        }
    }
}

/// Gives classes that come without version and checksum those that ROOT would compute: from field number `first` on.
fn identify_classes(schema: &mut Schema, first: usize) {
    let unknown = |field: &&Field| field.type_checksum.is_none() && field.type_version == 0;
    let of_field = |field: &Field| Some((field.id, class_checksum(schema, field)?));
    let found: Vec<_> = schema.fields().iter().skip(first).filter(unknown).filter_map(of_field).collect();
    for (id, checksum) in found {
        if let Some(field) = schema.field_mut(id) {
            field.type_version = UNVERSIONED;
            field.type_checksum = Some(checksum);
        }
    }
}

/// Which of the columns the nodes write.
fn written(roots: &[Root], columns: usize) -> Vec<bool> {
    fn mark(node: &Node, out: &mut [bool]) {
        let own = match node.form {
            Form::Array(_) | Form::Record | Form::Wrapper => None,
            _ => Some(node.column),
        };
        let data = (node.form == Form::Bytes).then_some(node.data);
        for column in own.into_iter().chain(data) {
            if let Some(slot) = out.get_mut(column) {
                *slot = true;
            }
        }
        node.children.iter().for_each(|child| mark(child, out));
    }
    let mut out = vec![false; columns];
    roots.iter().for_each(|root| mark(&root.node, &mut out));
    out
}

/// The node of a field that exists; its structure must be the one that its Arrow type would be given.
fn resumed(schema: &Schema, field: &Field, draft: &Draft) -> Result<Node> {
    let refuse = || Error::Unwritable {
        field: schema.path(field.id),
        reason: format!("its type '{}' is stored in a way that cannot be continued", field.type_name),
    };
    // Of several representations, the one that loses nothing, if there is one.
    let wanted = schema.encodings(field);
    let encodings = |columns: &[ColumnId]| -> Vec<_> {
        columns.iter().filter_map(|id| schema.column(*id)).map(ColumnEncoding::of_column).collect()
    };
    let all = || schema.representations(field);
    let columns = all().find(|columns| encodings(columns) == wanted).or_else(|| all().next()).unwrap_or_default();
    let first = columns.first().map_or(0, |column| column.0 as usize);
    let holds = |(id, drafted): (&ColumnId, &ColumnEncoding)| {
        let stored = schema.column(*id).map(ColumnEncoding::of_column);
        let content = Content::of_default(drafted.kind);
        content.zip(stored).is_some_and(|(content, stored)| content.allows(&stored))
    };
    let fits = field.children.len() == draft.children.len()
        && columns.len() == draft.encodings.len()
        && columns.iter().zip(&draft.encodings).all(holds)
        && field.role == draft.role;
    if !fits {
        return Err(refuse());
    }
    let children: Vec<Node> = schema
        .children(field)
        .zip(&draft.children)
        .map(|(child, draft)| resumed(schema, child, draft))
        .collect::<Result<_>>()?;
    let data = data_column(draft, first, &children);
    Ok(Node { field: field.id, form: draft.shape, column: first, data, children })
}

/// The column of the bytes of a string or the like.
fn data_column(draft: &Draft, first: usize, children: &[Node]) -> usize {
    match children {
        [item] if draft.shape == Form::Bytes => item.column,
        _ => first + 1,
    }
}

/// Projected fields keep their source if it will be there, and get data of their own otherwise.
fn resolve_projections(drafts: &mut [Draft], known: &HashMap<String, FieldId>) {
    let mut physical: HashSet<String> = known.keys().cloned().collect();
    for draft in drafts.iter().filter(|draft| draft.source.is_none()) {
        collect_paths(draft, "", &mut physical);
    }
    for draft in drafts {
        let is_complete = draft.source.is_some() && sources_exist(draft, &physical);
        if !is_complete {
            draft.detach();
        }
    }
}

fn join(above: &str, name: &str) -> String {
    if above.is_empty() { name.to_owned() } else { format!("{above}.{name}") }
}

fn collect_paths(draft: &Draft, above: &str, out: &mut HashSet<String>) {
    let path = join(above, &draft.name);
    draft.children.iter().for_each(|child| collect_paths(child, &path, out));
    out.insert(path);
}

fn sources_exist(draft: &Draft, physical: &HashSet<String>) -> bool {
    draft.source.as_ref().is_none_or(|source| physical.contains(source))
        && draft.children.iter().all(|child| sources_exist(child, physical))
}

fn number_fields(draft: &Draft, above: &str, next: &mut usize, out: &mut HashMap<String, FieldId>) {
    let path = join(above, &draft.name);
    let id = FieldId(u32::try_from(*next).unwrap_or(u32::MAX));
    *next += 1;
    draft.children.iter().for_each(|child| number_fields(child, &path, next, out));
    out.insert(path, id);
}

/// Gives fields and columns their numbers: fields from the top down, each with everything below it before the next;
/// columns in the order of their fields.
struct Emitter<'a> {
    builder: SchemaBuilder,
    known: &'a HashMap<String, FieldId>,
    columns: Vec<ColumnEncoding>,
    records: Vec<ColumnRecord>,
    next_field: usize,
    /// The first entry that an extension has data for.
    first_entry: Option<u64>,
}

impl Emitter<'_> {
    /// `entry_wise`: no collection or variant lies above, so that the columns have `repetitions` elements per entry.
    fn field(&mut self, draft: &Draft, parent: Option<FieldId>, entry_wise: bool, repetitions: u64) -> Result<Node> {
        let limit = |_| Error::Limit { what: "field", value: u64::MAX, limit: u32::MAX.into() };
        let id = FieldId(u32::try_from(self.next_field).map_err(limit)?);
        self.next_field += 1;
        self.builder.add_field(FieldRecord {
            version: 0,
            type_version: draft.version,
            parent: parent.unwrap_or(id).0,
            role: draft.role.code(),
            name: draft.name.as_str().into(),
            type_name: draft.type_name.as_str().into(),
            type_alias: draft.alias.as_str().into(),
            description: draft.description.as_str().into(),
            repetitions: draft.repetitions,
            source: draft.source.as_ref().and_then(|source| self.known.get(source)).map(|source| source.0),
            type_checksum: draft.checksum,
            soa: draft.soa,
            unknown_flags: 0,
        })?;
        let repetitions = match draft.shape {
            Form::Array(n) | Form::Numbers(n, _) => repetitions.saturating_mul(n as u64),
            _ => repetitions,
        };
        let first = self.columns.len();
        if draft.source.is_none() {
            for (i, encoding) in draft.encodings.iter().enumerate() {
                let deferred = self.first_entry.filter(|_| entry_wise && i == 0);
                let first_element = deferred.map(|entries| entries.saturating_mul(repetitions));
                let first_element = first_element.map(|first| i64::try_from(first).unwrap_or(i64::MAX));
                self.columns.push(*encoding);
                self.records.push(ColumnRecord {
                    kind: encoding.kind.code(),
                    bits: encoding.bits,
                    field: id.0,
                    representation: 0,
                    first_element,
                    range: encoding.range,
                    unknown_flags: 0,
                });
            }
        }
        let below =
            entry_wise && !matches!(draft.shape, Form::List | Form::Optional { .. } | Form::Variant | Form::Bytes);
        let mut children = Vec::with_capacity(draft.children.len());
        for child in &draft.children {
            children.push(self.field(child, Some(id), below, repetitions)?);
        }
        let data = data_column(draft, first, &children);
        Ok(Node { field: id, form: draft.shape, column: first, data, children })
    }

    fn finish(mut self, drafts: &[Draft]) -> Result<(Schema, Vec<ColumnEncoding>)> {
        for record in &self.records {
            self.builder.add_column(record)?;
        }
        // The columns of projected fields are those of their sources.
        let sources: Vec<(FieldId, FieldId)> = drafts.iter().flat_map(|draft| self.projections(draft, "")).collect();
        let schema = self.builder.clone().finish();
        for (field, source) in sources {
            let columns = schema.field(source).and_then(|source| schema.representations(source).next());
            for column in columns.unwrap_or_default() {
                self.builder.add_alias(AliasRecord { physical: column.0, field: field.0 })?;
            }
        }
        Ok((self.builder.finish(), self.columns))
    }

    /// The projected fields at and below a draft, with their sources.
    fn projections(&self, draft: &Draft, above: &str) -> Vec<(FieldId, FieldId)> {
        let path = join(above, &draft.name);
        let source = draft.source.as_ref().and_then(|source| self.known.get(source));
        let own = self.known.get(&path).copied().zip(source.copied());
        own.into_iter().chain(draft.children.iter().flat_map(|child| self.projections(child, &path))).collect()
    }
}

/// The encodings that options ask for.
struct Overrides<'a> {
    options: &'a LayoutOptions,
    projections: Vec<(Projection, ColumnEncoding)>,
    hits: RefCell<Vec<bool>>,
}

impl<'a> Overrides<'a> {
    fn new(options: &'a LayoutOptions) -> Self {
        let projections: Vec<_> =
            options.encodings.iter().map(|(pattern, encoding)| (Projection::patterns([pattern]), *encoding)).collect();
        let hits = RefCell::new(vec![false; projections.len()]);
        Self { options, projections, hits }
    }

    fn check(&self) -> Result<()> {
        for ((pattern, encoding), hit) in self.options.encodings.iter().zip(self.hits.borrow().iter()) {
            if !hit {
                let hint = format!(" that can be stored as {encoding}");
                return Err(Error::NoSuchField { pattern: pattern.clone(), hint });
            }
        }
        Ok(())
    }
}

impl Choices for Overrides<'_> {
    fn encoding(&self, path: &Path<'_>, content: Content, stored: Option<&ColumnEncoding>) -> Result<ColumnEncoding> {
        let mut chosen = None;
        for ((projection, encoding), hit) in self.projections.iter().zip(self.hits.borrow_mut().iter_mut()) {
            if content.allows(encoding) && projection.matcher().matches(path) {
                *hit = true;
                chosen = Some(*encoding);
            }
        }
        let kept = stored.filter(|encoding| content.allows(encoding)).copied();
        let default = || content.default_encoding(self.options.split, self.options.small_indexes);
        Ok(chosen.or(kept).unwrap_or_else(default))
    }
}

/// The encodings that a data set has already; which ones does not matter to the structure.
struct Stored;

impl Choices for Stored {
    fn encoding(&self, _: &Path<'_>, content: Content, _: Option<&ColumnEncoding>) -> Result<ColumnEncoding> {
        Ok(content.default_encoding(true, false))
    }
}

/// The columns of a layout as the schema has them.
impl Layout {
    /// A column of the schema.
    ///
    /// # Errors
    /// When there is none of this number.
    pub fn column(&self, id: ColumnId) -> Result<&Column> {
        let missing = || Error::inconsistent("layout", format!("column {} does not exist", id.0));
        self.schema.column(id).ok_or_else(missing)
    }

    /// Whether arrays bring elements for a column. The others are of further representations of a field.
    #[must_use]
    pub fn writes(&self, column: usize) -> bool {
        self.written.get(column).copied().unwrap_or(false)
    }

    /// The Arrow field of a top-level field that batches bring data for.
    #[must_use]
    pub fn arrow_field(&self, name: &str) -> Option<&ArrowField> {
        self.roots.iter().map(|root| &*root.arrow).find(|arrow| arrow.name() == name)
    }
}
