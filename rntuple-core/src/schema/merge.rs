//! One schema for several data sets, so that their pages can follow each other (format-spec/schema.md, merging).
//!
//! Top-level fields are matched by name, those below them by name as well. What is matched must agree in everything that
//! says what the values mean; how they are encoded may differ.

use std::collections::HashMap;
use std::sync::Arc;

use super::{
    AliasRecord, ColumnEncoding, ColumnId, ColumnRecord, ColumnType, ExtraTypeInfo, Field, FieldId, FieldRecord,
    FieldRole, Schema, SchemaBuilder, TypeName,
};
use crate::container::root_file::StreamerInfoList;
use crate::error::{Error, Result};

/// Which fields a merged data set has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MergeMode {
    /// Those of the first input. All others must have them; what else these have is left out.
    #[default]
    Filter,
    /// Those of the first input. All others must have the same.
    Strict,
    /// Those of all inputs. Where an input has not got a field, its entries have zeros, empty collections and strings, and
    /// absent values.
    Union,
}

/// A field of the merged schema.
#[derive(Debug)]
struct Node {
    /// As the first input that has it describes it; its numbers and columns mean nothing here.
    field: Field,
    parent: Option<usize>,
    children: Vec<usize>,
    /// Entries of all inputs before the first that has it.
    since: u64,
    /// Of a projected field: what it shows, and which of the columns that has in each of its representations.
    source: Option<(usize, Vec<usize>)>,
    /// The encodings of its columns, for each representation.
    representations: Vec<Vec<ColumnEncoding>>,
}

/// Merges the schemas of several data sets, given one after the other.
#[derive(Debug)]
pub struct SchemaMerge {
    mode: MergeMode,
    tree: Tree,
    extra: Vec<ExtraTypeInfo>,
    /// The classes that `extra` describes.
    classes: StreamerInfoList,
    inputs: u64,
    /// Names of the fields that were left out.
    dropped: Vec<String>,
}

/// The fields that were found so far, each behind the one above it.
#[derive(Debug, Default)]
struct Tree {
    nodes: Vec<Node>,
    top: HashMap<Box<str>, usize>,
}

/// A merged schema, and how data sets fit into it.
#[derive(Debug)]
pub struct MergedSchema {
    /// The schema. Fields that the first inputs do not have are an extension of it.
    pub schema: Arc<Schema>,
    tree: Tree,
}

/// Where a field of a merged data set finds its data in an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldSource {
    /// The field's columns in the merged data set, by representation.
    pub columns: Vec<Vec<ColumnId>>,
    /// Its columns in the input, by representation, and the representation of the merged data set that takes them; `None`
    /// if the input has no such field.
    pub input: Option<Vec<(Vec<ColumnId>, usize)>>,
    /// The representation that takes zeros.
    pub zeros: usize,
    /// How many elements of its first column each entry has, if that is a fixed number.
    pub per_entry: Option<u64>,
    /// Entries of the merged data set before the first that may have data of this field.
    pub since: u64,
}

impl SchemaMerge {
    /// Nothing so far.
    #[must_use]
    pub fn new(mode: MergeMode) -> Self {
        let (tree, extra, classes) = (Tree::default(), Vec::new(), StreamerInfoList::empty());
        Self { mode, tree, extra, classes, inputs: 0, dropped: Vec::new() }
    }

    /// Adds the schema of an input with some entries; `before`: entries of all inputs before it.
    ///
    /// # Errors
    /// [`Error::Unmergeable`] when it does not fit those before, [`Error::FieldUnavailable`] for a field that this version
    /// does not know. The merge is of no more use then.
    pub fn add(&mut self, schema: &Schema, before: u64, entries: u64) -> Result<()> {
        let first = self.inputs == 0;
        self.inputs += 1;
        let known = self.tree.nodes.len();
        let mut seen = vec![false; known];
        for field in schema.top_level() {
            let node = self.tree.top.get(&field.name).copied();
            if node.is_none() && self.mode == MergeMode::Filter && !first {
                if !self.dropped.iter().any(|name| **name == *field.name) {
                    self.dropped.push(field.name.to_string());
                }
                continue;
            }
            if let Some(reason) = schema.problem(field) {
                return Err(Error::FieldUnavailable { field: field.name.to_string(), reason });
            }
            match node {
                Some(node) => {
                    let again = seen.get_mut(node).is_none_or(|seen| std::mem::replace(seen, true));
                    if again {
                        return Err(conflict(schema, field, "the input has two fields of this name"));
                    }
                    self.tree.agree(node, schema, field)?;
                }
                None if first || self.mode == MergeMode::Union => _ = self.tree.insert(None, schema, field, before)?,
                None => {
                    let reason = "the inputs before have no such field: mode `filter` leaves it out, `union` keeps it";
                    return Err(conflict(schema, field, reason));
                }
            }
        }
        self.tree.resolve_projections(schema, known)?;
        for id in 0..known {
            if seen.get(self.tree.top_of(id)) == Some(&true) {
                continue;
            }
            if self.mode != MergeMode::Union {
                let reason = "this input has no such field, but those before have: mode `union` fills it with zeros";
                return Err(Error::Unmergeable { field: self.tree.path(id), reason: reason.to_owned() });
            }
            if entries > 0 {
                self.tree.make_room_for_zeros(id)?;
            }
        }
        self.add_extra(schema);
        Ok(())
    }

    /// Names of the fields that were left out so far.
    #[must_use]
    pub fn dropped(&self) -> &[String] {
        &self.dropped
    }

    /// Adds type information, unless all classes that it describes are described already.
    fn add_extra(&mut self, schema: &Schema) {
        for extra in schema.extra_type_info() {
            let same = |other: &ExtraTypeInfo| {
                (other.content_id, other.type_version) == (extra.content_id, extra.type_version)
                    && other.type_name == extra.type_name
                    && other.content == extra.content
            };
            if self.extra.iter().any(same) {
                continue;
            }
            if extra.content_id == 0
                && let Ok(classes) = StreamerInfoList::parse_extra_type_info(&extra.content)
            {
                let before = self.classes.classes().count();
                self.classes.merge(&classes, |_| true);
                if before > 0 && self.classes.classes().count() == before {
                    continue;
                }
            }
            self.extra.push(extra.clone());
        }
    }

    /// The schema of all inputs.
    ///
    /// # Errors
    /// [`Error::Limit`] for more fields or columns than can be numbered.
    pub fn finish(self) -> Result<MergedSchema> {
        let Self { tree, extra, .. } = self;
        let mut builder = SchemaBuilder::default();
        // Nodes come in the order in which they were found: those of the header first.
        let header = tree.nodes.iter().position(|node| node.since > 0).unwrap_or(tree.nodes.len());
        let mut first_columns = Vec::with_capacity(tree.nodes.len());
        let mut columns = 0;
        for part in [0..header, header..tree.nodes.len()] {
            if part.start == header {
                builder.begin_extension();
            }
            for (id, node) in part.clone().zip(tree.nodes.get(part.clone()).unwrap_or_default()) {
                builder.add_field(node.record(id)?)?;
            }
            for (id, node) in part.clone().zip(tree.nodes.get(part.clone()).unwrap_or_default()) {
                first_columns.push(columns);
                for record in tree.columns(id, node)? {
                    builder.add_column(&record)?;
                    columns += 1;
                }
            }
            for (id, node) in part.clone().zip(tree.nodes.get(part).unwrap_or_default()) {
                let Some((source, positions)) = &node.source else { continue };
                let of = tree.nodes.get(*source).map_or(&[][..], |source| &source.representations);
                let mut physical: u32 = first_columns.get(*source).copied().unwrap_or(0);
                for representation in of {
                    for position in positions {
                        let physical = physical.saturating_add(number(*position)?);
                        builder.add_alias(AliasRecord { physical, field: number(id)? })?;
                    }
                    physical = physical.saturating_add(number(representation.len())?);
                }
            }
        }
        extra.into_iter().for_each(|extra| builder.add_extra(extra));
        Ok(MergedSchema { schema: Arc::new(builder.finish()), tree })
    }
}

impl MergedSchema {
    /// Where each field with columns finds its data in an input, whose schema was among those merged. Together they have
    /// every column once.
    ///
    /// # Errors
    /// [`Error::Unmergeable`] for another schema.
    pub fn sources(&self, schema: &Schema) -> Result<Vec<FieldSource>> {
        let mut found: Vec<Option<&Field>> = vec![None; self.tree.nodes.len()];
        let mut open: Vec<(usize, &Field)> = Vec::new();
        for field in schema.top_level() {
            open.extend(self.tree.top.get(&field.name).map(|node| (*node, field)));
        }
        while let Some((id, field)) = open.pop() {
            found.get_mut(id).into_iter().for_each(|slot| *slot = Some(field));
            for child in schema.children(field) {
                let node = self.tree.child(id, &child.name).ok_or_else(|| changed(schema, child))?;
                open.push((node, child));
            }
        }
        let mut out = Vec::new();
        for (id, (node, field)) in self.tree.nodes.iter().zip(found).enumerate() {
            if node.representations.is_empty() {
                continue;
            }
            let merged = FieldId(number(id)?);
            let of = |schema: &Schema, field: &Field| -> Vec<Vec<ColumnId>> {
                schema.representations(field).map(<[ColumnId]>::to_vec).collect()
            };
            let input = match field {
                None => None,
                Some(field) => {
                    let takers = encodings(schema, field)
                        .into_iter()
                        .map(|wanted| node.taker(&wanted, &field.type_name).ok_or_else(|| changed(schema, field)));
                    Some(of(schema, field).into_iter().zip(takers.collect::<Result<Vec<_>>>()?).collect())
                }
            };
            out.push(FieldSource {
                columns: self.schema.field(merged).map(|field| of(&self.schema, field)).unwrap_or_default(),
                input,
                zeros: node.zeros().unwrap_or(0),
                per_entry: self.tree.is_entry_wise(id).then(|| self.tree.repetitions(id)),
                since: node.since,
            });
        }
        Ok(out)
    }
}

impl Node {
    fn record(&self, id: usize) -> Result<FieldRecord> {
        let Field { version, type_version, role, name, type_name, type_alias, description, .. } = &self.field;
        Ok(FieldRecord {
            version: *version,
            type_version: *type_version,
            parent: number(self.parent.unwrap_or(id))?,
            role: role.code(),
            name: name.clone(),
            type_name: type_name.clone(),
            type_alias: type_alias.clone(),
            description: description.clone(),
            repetitions: self.field.repetitions,
            source: self.source.as_ref().map(|(source, _)| number(*source)).transpose()?,
            type_checksum: self.field.type_checksum,
            soa: self.field.soa,
            unknown_flags: 0,
        })
    }

    /// The representation that takes columns with these encodings: best one with just these.
    fn taker(&self, wanted: &[ColumnEncoding], type_name: &str) -> Option<usize> {
        let holds = |own: &Vec<ColumnEncoding>| {
            own.len() == wanted.len() && own.iter().zip(wanted).all(|(own, other)| own.holds(other, type_name))
        };
        let same = self.representations.iter().position(|own| own == wanted);
        same.or_else(|| self.representations.iter().position(holds))
    }

    /// The representation in which zero bytes are zeros.
    fn zeros(&self) -> Option<usize> {
        let is_zero = |own: &Vec<ColumnEncoding>| own.first().is_some_and(|one| one.kind != ColumnType::Real32Quant);
        self.representations.iter().position(is_zero)
    }
}

impl Tree {
    fn insert(&mut self, parent: Option<usize>, schema: &Schema, field: &Field, since: u64) -> Result<usize> {
        let id = self.nodes.len();
        let taken = match parent {
            None => self.top.insert(field.name.clone(), id).is_some(),
            Some(parent) => {
                let taken = self.child(parent, &field.name).is_some();
                self.nodes.get_mut(parent).into_iter().for_each(|parent| parent.children.push(id));
                taken
            }
        };
        if taken {
            return Err(conflict(schema, field, "the input has two fields of this name"));
        }
        let representations = if field.source.is_some() { Vec::new() } else { encodings(schema, field) };
        if field.source.is_none() {
            let foreign = |id: &ColumnId| schema.column(*id).is_none_or(|column| column.field != field.id);
            let lengths = representations.iter().map(Vec::len);
            if field.columns.iter().any(foreign) || lengths.min() != representations.iter().map(Vec::len).max() {
                return Err(conflict(schema, field, "its columns are not those of one field"));
            }
        }
        let (children, source) = (Vec::new(), None);
        self.nodes.push(Node { field: field.clone(), parent, children, since, source, representations });
        if since > 0 {
            self.refuse_streamer(id)?;
        }
        for child in schema.children(field) {
            self.insert(Some(id), schema, child, since)?;
        }
        Ok(id)
    }

    /// Finds what the projected fields show that were added from a node on.
    fn resolve_projections(&mut self, schema: &Schema, from: usize) -> Result<()> {
        for id in from..self.nodes.len() {
            let Some(field) = self.nodes.get(id).map(|node| node.field.clone()) else { continue };
            if field.source.is_some() {
                let source = self.source_of(schema, &field)?;
                self.nodes.get_mut(id).into_iter().for_each(|node| node.source = Some(source.clone()));
            }
        }
        Ok(())
    }

    /// What a projected field of an input shows: a node, and which of its columns.
    fn source_of(&self, schema: &Schema, field: &Field) -> Result<(usize, Vec<usize>)> {
        let missing = || conflict(schema, field, "what it projects is not there");
        let source = field.source.and_then(|id| schema.field(id)).ok_or_else(missing)?;
        let mut names: Vec<&str> = schema.upwards(source.id).map(|field| &*field.name).collect();
        let mut node = names.pop().and_then(|name| self.top.get(name).copied());
        while let Some(name) = names.pop() {
            node = node.and_then(|node| self.child(node, name));
        }
        let all: Vec<&[ColumnId]> = schema.representations(source).collect();
        let position = |id: &ColumnId| all.iter().find_map(|columns| columns.iter().position(|other| other == id));
        let shown = schema.representations(field).next().unwrap_or_default();
        let positions = shown.iter().map(position).collect::<Option<Vec<_>>>().ok_or_else(missing)?;
        Ok((node.ok_or_else(missing)?, positions))
    }

    /// Compares a field with the one that is there, and makes room for its encodings.
    fn agree(&mut self, id: usize, schema: &Schema, field: &Field) -> Result<()> {
        let Some(node) = self.nodes.get(id) else { return Ok(()) };
        if let Some(difference) = difference(&node.field, field) {
            return Err(conflict(schema, field, difference));
        }
        let children = node.children.len();
        if field.source.is_some() {
            let source = self.source_of(schema, field)?;
            if node.source.as_ref() != Some(&source) {
                let shown = node.source.as_ref().map(|(source, _)| self.path(*source)).unwrap_or_default();
                let reason = format!("it projects another field here; in the inputs before, it projects '{shown}'");
                return Err(conflict(schema, field, reason));
            }
        } else {
            for wanted in encodings(schema, field) {
                let Some(node) = self.nodes.get_mut(id) else { continue };
                if node.representations.first().map(Vec::len) != Some(wanted.len()) {
                    return Err(conflict(schema, field, "it has another number of columns than in the inputs before"));
                }
                if node.taker(&wanted, &field.type_name).is_none() {
                    node.representations.push(wanted);
                }
            }
            if field.columns.is_empty() && self.nodes.get(id).is_some_and(|node| !node.representations.is_empty()) {
                return Err(conflict(schema, field, "it has no columns, but has in the inputs before"));
            }
        }
        if field.children.len() != children {
            let reason = format!("it has {} subfields; in the inputs before, {children}", field.children.len());
            return Err(conflict(schema, field, reason));
        }
        let mut seen = Vec::new();
        for child in schema.children(field) {
            let node = self.child(id, &child.name).filter(|node| !seen.contains(node));
            let node = node.ok_or_else(|| conflict(schema, child, "the inputs before have no such subfield"))?;
            seen.push(node);
            self.agree(node, schema, child)?;
        }
        Ok(())
    }

    /// Makes sure that a field can have zeros.
    fn make_room_for_zeros(&mut self, id: usize) -> Result<()> {
        self.refuse_streamer(id)?;
        if !self.is_entry_wise(id) {
            return Ok(());
        }
        if let Some(node) = self.nodes.get_mut(id)
            && !node.representations.is_empty()
            && node.zeros().is_none()
        {
            node.representations.push(vec![with_zero(&node.field.type_name)]);
        }
        Ok(())
    }

    /// There are no bytes from which an object could be read that was never written.
    fn refuse_streamer(&self, id: usize) -> Result<()> {
        let streamed = self.nodes.get(id).is_some_and(|node| node.field.role == FieldRole::Streamer);
        if streamed && self.is_entry_wise(id) {
            let reason = "not all inputs have it, and an object of a streamer field has no default: leave it out with                           mode `filter` and an input without it in front";
            return Err(Error::Unmergeable { field: self.path(id), reason: reason.to_owned() });
        }
        Ok(())
    }

    /// The columns of a node. Of a field that begins late, those that have elements for each entry say so.
    fn columns(&self, id: usize, node: &Node) -> Result<Vec<ColumnRecord>> {
        let elements = node.since.saturating_mul(self.repetitions(id));
        let elements = Some(elements).filter(|&n| n > 0 && self.is_entry_wise(id)).map(u64::cast_signed);
        let mut out = Vec::new();
        for (i, columns) in node.representations.iter().enumerate() {
            for (n, ColumnEncoding { kind, bits, range }) in columns.iter().enumerate() {
                // The others are not in use for the entries before.
                let first_element = elements.filter(|_| n == 0).map(|n| if i == 0 { n } else { -n });
                let representation = u16::try_from(i).unwrap_or(u16::MAX);
                let (kind, bits, range, field) = (kind.code(), *bits, *range, number(id)?);
                let unknown_flags = 0;
                out.push(ColumnRecord { kind, bits, field, representation, first_element, range, unknown_flags });
            }
        }
        Ok(out)
    }

    fn child(&self, id: usize, name: &str) -> Option<usize> {
        let named = |child: &&usize| self.nodes.get(**child).is_some_and(|node| *node.field.name == *name);
        self.nodes.get(id)?.children.iter().find(named).copied()
    }

    /// A node, the one above it, and so on.
    fn upwards(&self, id: usize) -> impl Iterator<Item = (usize, &Node)> {
        let at = |id: usize| Some((id, self.nodes.get(id)?));
        std::iter::successors(at(id), move |(_, node)| at(node.parent?))
    }

    fn top_of(&self, id: usize) -> usize {
        self.upwards(id).last().map_or(id, |(top, _)| top)
    }

    fn path(&self, id: usize) -> String {
        let mut names: Vec<&str> = self.upwards(id).map(|(_, node)| &*node.field.name).collect();
        names.reverse();
        names.join(".")
    }

    fn is_entry_wise(&self, id: usize) -> bool {
        let bounded = |node: &Node| !matches!(node.field.role, FieldRole::Collection | FieldRole::Variant);
        self.upwards(id).skip(1).all(|(_, node)| bounded(node))
    }

    fn repetitions(&self, id: usize) -> u64 {
        self.upwards(id).map(|(_, node)| node.field.array_size().unwrap_or(1)).fold(1, u64::saturating_mul)
    }
}

/// The encodings of a field's columns in each representation; where a quantised column has zeros in front, those that
/// all of its elements can have.
fn encodings(schema: &Schema, field: &Field) -> Vec<Vec<ColumnEncoding>> {
    let one = |id: &ColumnId| {
        let column = schema.column(*id)?;
        let starts_late = column.deferred && !column.suppressed_deferred && column.kind == ColumnType::Real32Quant;
        Some(if starts_late { with_zero(&field.type_name) } else { ColumnEncoding::of_column(column) })
    };
    schema.representations(field).map(|columns| columns.iter().filter_map(one).collect()).collect()
}

/// An encoding that has zero, and all values of quantised columns.
fn with_zero(type_name: &str) -> ColumnEncoding {
    ColumnEncoding::of(if type_name == "double" { ColumnType::SplitReal64 } else { ColumnType::SplitReal32 })
}

/// In what two fields differ that are to be one.
fn difference(old: &Field, new: &Field) -> Option<String> {
    let differ =
        |what: &str, new: String, old: String| Some(format!("{what} {new} here, and {old} in the inputs before"));
    if old.source.is_some() != new.source.is_some() {
        let word = |field: &Field| if field.source.is_some() { "a projection" } else { "data" }.to_owned();
        return differ("it is", word(new), word(old));
    }
    let normal = TypeName::normalise;
    if old.type_name != new.type_name && normal(&old.type_name) != normal(&new.type_name) {
        let name = |field: &Field| {
            if field.type_name.is_empty() { "none".to_owned() } else { format!("'{}'", field.type_name) }
        };
        return differ("its type is", name(new), name(old));
    }
    if old.role != new.role {
        return differ("its structural role is", format!("{:?}", new.role), format!("{:?}", old.role));
    }
    if old.type_version != new.type_version {
        return differ("its class has version", new.type_version.to_string(), old.type_version.to_string());
    }
    if let (Some(old), Some(new)) = (old.type_checksum, new.type_checksum)
        && old != new
    {
        return differ("its class has checksum", format!("{new:#010x}"), format!("{old:#010x}"));
    }
    if old.repetitions != new.repetitions {
        let size = |size: Option<u64>| size.map_or("none".to_owned(), |size| size.to_string());
        return differ("its array size is", size(new.repetitions), size(old.repetitions));
    }
    (old.soa != new.soa).then(|| "it is a structure of arrays in some inputs only".to_owned())
}

fn number(n: usize) -> Result<u32> {
    u32::try_from(n).map_err(|_| Error::Limit { what: "fields of a schema", value: n as u64, limit: u32::MAX.into() })
}

fn conflict(schema: &Schema, field: &Field, reason: impl Into<String>) -> Error {
    Error::Unmergeable { field: schema.path(field.id), reason: reason.into() }
}

fn changed(schema: &Schema, field: &Field) -> Error {
    conflict(schema, field, "the input is not what it was when its schema was compared")
}
