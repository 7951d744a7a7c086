//! Which fields a tree becomes: collections of branches with one count, names, descriptions.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayData, ArrayRef, AsArray, ListArray, UInt32Array, make_array};
use arrow::datatypes::{DataType, Field, FieldRef};
use rntuple_core::arrow::{ENCODING, Projection, SOURCE, TYPE};

use super::Collections;
use super::branches::Builder;
use super::bytes::Outcome;
use super::file::File;
use super::node::{Member, Node};
use super::object::ObjectId;
use super::tree::{Branch, Tree};

/// What ROOT does not allow in names of fields.
pub(super) const FORBIDDEN: fn(char) -> bool = |c| c.is_control() || matches!(c, '.' | '/' | '\\' | ' ');

/// Entries of objects that are read before anything is written.
const PROBE: u64 = 20;

/// The fields of a tree.
#[derive(Debug)]
pub(super) struct Fields {
    /// What is read.
    pub(super) members: Vec<Member>,
    /// What is shown, in order.
    pub(super) columns: Vec<Column>,
    pub(super) refused: Vec<(String, String)>,
}

/// A field of the result.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) field: FieldRef,
    pub(super) content: Content,
}

/// Where the array of a field comes from.
#[derive(Debug, Clone)]
pub(super) enum Content {
    /// What a member reads.
    Member(usize),
    /// The number of items of a collection.
    Count(usize),
    /// One member of the items of a collection.
    Item(usize, String),
}

impl Content {
    /// The array, of those that the members gave.
    pub(super) fn array(&self, arrays: &[ArrayRef], field: &Field) -> Outcome<ArrayRef> {
        let get = |i: &usize| arrays.get(*i).ok_or("a field without data");
        let list = |i: &usize| get(i)?.as_list_opt::<i32>().ok_or("a collection that is no list");
        Ok(match self {
            Self::Member(i) => Arc::clone(get(i)?),
            Self::Count(i) => {
                let lengths = list(i)?.offsets().lengths();
                Arc::new(lengths.map(|n| u32::try_from(n).unwrap_or(u32::MAX)).collect::<UInt32Array>())
            }
            Self::Item(i, name) => {
                let list = list(i)?;
                let items = list.values().as_struct_opt().and_then(|items| items.column_by_name(name));
                let items = Arc::clone(items.ok_or("a collection without that member")?);
                let DataType::List(item) = field.data_type() else { return Err("not a list".into()) };
                let items = make_array(retype(items.to_data(), item.data_type())?);
                let array = ListArray::try_new(Arc::clone(item), list.offsets().clone(), items, None);
                Arc::new(array.map_err(|e| e.to_string())?)
            }
        })
    }
}

/// The same array, with the metadata that the fields below a projected one have.
fn retype(data: ArrayData, data_type: &DataType) -> Outcome<ArrayData> {
    if data.data_type() == data_type {
        return Ok(data);
    }
    let fields: Vec<&FieldRef> = match data_type {
        DataType::List(item) | DataType::FixedSizeList(item, _) => vec![item],
        DataType::Struct(fields) => fields.iter().collect(),
        _ => Vec::new(),
    };
    let children = data.child_data().iter().zip(fields);
    let children = children.map(|(child, field)| retype(child.clone(), field.data_type())).collect::<Outcome<_>>()?;
    data.into_builder().data_type(data_type.clone()).child_data(children).build().map_err(|e| e.to_string())
}

/// Branches that one leaf counts.
struct Group<'a> {
    name: String,
    count: &'a Branch,
    /// What names of members leave out.
    prefix: String,
    /// Where the collection is among the members, once it is.
    place: Option<usize>,
}

/// The fields of all branches that `patterns` choose.
pub(super) fn fields(
    file: &File,
    tree: &Tree,
    builder: &mut Builder<'_>,
    collections: Collections,
    patterns: &[String],
) -> Outcome<Fields> {
    let projection = if patterns.is_empty() { Projection::all() } else { Projection::patterns(patterns) };
    let groups = if collections == Collections::Shared { groups(tree, builder) } else { HashMap::new() };
    let (group_of, mut groups) = by_branch(tree, groups);
    let chosen = |branch: &Branch, group: Option<&Group<'_>>| {
        let name = field_name(branch);
        let member = |group: &Group<'_>| {
            let member = name.strip_prefix(&group.prefix).unwrap_or(name);
            projection.chooses(&[(&group.name, false), ("_0", true), (member, false)])
        };
        projection.reaches(name) || group.is_some_and(member)
    };

    let mut names: HashSet<String> = groups.iter().map(|group| group.name.clone()).collect();
    let mut out = Fields { members: Vec::new(), columns: Vec::new(), refused: Vec::new() };
    for branch in &tree.branches {
        let group = group_of.get(&branch.name).and_then(|i| groups.get_mut(*i));
        if !chosen(branch, group.as_deref()) {
            continue;
        }
        let name = field_name(branch).replace(FORBIDDEN, "_");
        if !names.insert(name.clone()) {
            let reason = format!("a branch before it has the field '{name}', in whose name dots are underscores");
            out.refused.push((branch.name.clone(), reason));
            continue;
        }
        let Some(mut node) = builder.branch(branch) else { continue };
        if !node.probe(file, tree.entries.min(PROBE), &mut builder.refused) {
            continue;
        }
        let description = description(branch);
        let Some(group) = group else {
            if !narrow(&mut node, &mut vec![(name.clone(), false)], &projection) {
                continue;
            }
            out.add(Member { name, description, node });
            continue;
        };
        let Node::List(column) = node else { continue };
        let member = name.strip_prefix(&group.prefix).filter(|rest| !rest.is_empty()).unwrap_or(&name).to_owned();
        let place = match group.place {
            Some(place) => place,
            None => {
                let count = group.count.leaves.first().and_then(|leaf| builder.counter(leaf.id));
                let count = count.ok_or_else(|| format!("branch '{}' cannot count", group.count.name))?;
                let node = Node::Collection { count, members: Vec::new() };
                let place = out.add(Member { name: group.name.clone(), description: None, node });
                group.place = Some(place);
                place
            }
        };
        if let Some(Member { node: Node::Collection { members, .. }, .. }) = out.members.get_mut(place) {
            members.push(Member { name: member.clone(), description: description.clone(), node: Node::Value(column) });
        }
        let field = Arc::new(Field::new(&name, DataType::Null, false));
        out.columns.push(Column { field, content: Content::Item(place, member) });
    }
    out.refused.append(&mut builder.refused);
    out.project(&groups);
    if !tree.branches.is_empty() {
        check_patterns(&out, patterns)?;
    }
    Ok(out)
}

impl Fields {
    fn add(&mut self, member: Member) -> usize {
        let place = self.members.len();
        let field = Arc::new(Field::new(&member.name, DataType::Null, false));
        self.columns.push(Column { field, content: Content::Member(place) });
        self.members.push(member);
        place
    }

    /// Puts each collection before the fields that show it: ROOT wants to know the source of a projection already.
    fn collections_first(&mut self) {
        for place in 0..self.members.len() {
            let is_shown = |column: &Column| {
                column.content.member() == Some(place) && !matches!(column.content, Content::Member(_))
            };
            let is_it = |column: &Column| matches!(column.content, Content::Member(it) if it == place);
            let first = self.columns.iter().position(is_shown);
            if let (Some(first), Some(it)) = (first, self.columns.iter().position(is_it))
                && first < it
            {
                let column = self.columns.remove(it);
                self.columns.insert(first, column);
            }
        }
    }

    /// Gives fields their types, now that collections are complete; counts of collections show their sizes.
    fn project(&mut self, groups: &[Group<'_>]) {
        for group in groups {
            let (Some(place), name) = (group.place, field_name(group.count)) else { continue };
            let counted = self.columns.iter_mut().find(|column| column.field.name() == name);
            if let Some(column) = counted {
                column.content = Content::Count(place);
            }
        }
        self.collections_first();
        for column in &mut self.columns {
            let name = column.field.name().clone();
            column.field = Arc::new(match &column.content {
                Content::Member(place) => match self.members.get(*place) {
                    Some(member) => member.field(),
                    None => continue,
                },
                Content::Count(place) => {
                    let Some(collection) = self.members.get(*place) else { continue };
                    let type_name = "ROOT::RNTupleCardinality<std::uint32_t>".to_owned();
                    let metadata = [(TYPE.to_owned(), type_name), (SOURCE.to_owned(), collection.name.clone())];
                    Field::new(name, DataType::UInt32, false).with_metadata(metadata.into())
                }
                Content::Item(place, member) => {
                    let Some(collection) = self.members.get(*place) else { continue };
                    let Node::Collection { members, .. } = &collection.node else { continue };
                    let Some(item) = members.iter().find(|it| it.name == *member) else { continue };
                    shown(&name, &collection.name, item)
                }
            });
        }
        // A count that is not read for itself is still read by its collection.
        let used: HashSet<usize> = self.columns.iter().filter_map(|column| column.content.member()).collect();
        let mut places = HashMap::new();
        let mut kept = Vec::new();
        for (i, member) in std::mem::take(&mut self.members).into_iter().enumerate() {
            if used.contains(&i) {
                places.insert(i, kept.len());
                kept.push(member);
            }
        }
        self.members = kept;
        for column in &mut self.columns {
            if let Content::Member(i) | Content::Count(i) | Content::Item(i, _) = &mut column.content
                && let Some(new) = places.get(i)
            {
                *i = *new;
            }
        }
    }
}

impl Content {
    fn member(&self) -> Option<usize> {
        match self {
            Self::Member(i) => Some(*i),
            Self::Count(i) | Self::Item(i, _) => Some(*i),
        }
    }
}

/// The projected field that shows a member of the items of a collection.
fn shown(name: &str, collection: &str, item: &Member) -> Field {
    let source = format!("{collection}._0.{}", item.name);
    let own = item.field();
    let type_name = own.metadata().get(TYPE).cloned().or_else(|| plain_type(own.data_type()));
    let items = with_source(&own.with_name("_0"), &source);
    let mut metadata = HashMap::from([(SOURCE.to_owned(), collection.to_owned())]);
    if let Some(type_name) = type_name {
        metadata.insert(TYPE.to_owned(), format!("ROOT::VecOps::RVec<{type_name}>"));
    }
    if let Some(text) = &item.description {
        metadata.insert(rntuple_core::arrow::DESCRIPTION.to_owned(), text.clone());
    }
    Field::new(name, DataType::List(Arc::new(items)), false).with_metadata(metadata)
}

fn plain_type(data_type: &DataType) -> Option<String> {
    Some(match data_type {
        DataType::Boolean => "bool".to_owned(),
        DataType::Float32 => "float".to_owned(),
        DataType::Float64 => "double".to_owned(),
        integer if integer.is_integer() => format!("std::{}_t", integer.to_string().to_lowercase()),
        DataType::FixedSizeList(item, extent) => format!("std::array<{},{extent}>", plain_type(item.data_type())?),
        _ => return None,
    })
}

/// A field that shows another one, and so do those below it.
fn with_source(field: &Field, source: &str) -> Field {
    let mut metadata = field.metadata().clone();
    metadata.remove(ENCODING);
    metadata.remove(rntuple_core::arrow::DESCRIPTION);
    metadata.insert(SOURCE.to_owned(), source.to_owned());
    let below = |child: &FieldRef| Arc::new(with_source(child, &format!("{source}.{}", child.name())));
    let data_type = match field.data_type() {
        DataType::FixedSizeList(item, n) => DataType::FixedSizeList(below(item), *n),
        DataType::List(item) => DataType::List(below(item)),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(below).collect()),
        other => other.clone(),
    };
    Field::new(field.name(), data_type, false).with_metadata(metadata)
}

/// The leaves that count others, with the branches that they count.
fn groups<'a>(tree: &'a Tree, builder: &Builder<'a>) -> HashMap<ObjectId, Vec<&'a Branch>> {
    let mut out: HashMap<ObjectId, Vec<&Branch>> = HashMap::new();
    for branch in tree.branches.iter().filter(|branch| branch.class == "TBranch" && branch.branches.is_empty()) {
        if let [leaf] = &*branch.leaves
            && leaf.class != "TLeafC"
            && let Some(count) = leaf.count
            && builder.counter(count).is_some()
        {
            out.entry(count).or_default().push(branch);
        }
    }
    out
}

/// Groups in the order of their counts, and which branch is in which.
fn by_branch<'a>(
    tree: &'a Tree,
    mut groups: HashMap<ObjectId, Vec<&'a Branch>>,
) -> (HashMap<String, usize>, Vec<Group<'a>>) {
    let mut taken: HashSet<String> =
        tree.branches.iter().map(|branch| field_name(branch).replace(FORBIDDEN, "_")).collect();
    let (mut of, mut out) = (HashMap::new(), Vec::new());
    for count in &tree.branches {
        let Some(members) = count.leaves.first().and_then(|leaf| groups.remove(&leaf.id)) else { continue };
        let names: Vec<&str> = members.iter().map(|branch| field_name(branch)).collect();
        let found = shared_prefix(field_name(count), &names).filter(|name| !taken.contains(*name));
        let (name, prefix) = match found {
            Some(name) => (name.to_owned(), format!("{name}_")),
            None => (format!("_collection{}", out.len()), String::new()),
        };
        taken.insert(name.clone());
        for member in members {
            of.insert(member.name.clone(), out.len());
        }
        out.push(Group { name, count, prefix, place: None });
    }
    (of, out)
}

/// What all names begin with, before an underscore; the count may tell it.
fn shared_prefix<'a>(count: &'a str, names: &[&'a str]) -> Option<&'a str> {
    let is_shared = |prefix: &str| {
        !prefix.is_empty()
            && names.iter().all(|name| {
                name.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_')).is_some_and(|rest| !rest.is_empty())
            })
    };
    let told = count.strip_prefix(['n', 'N']).map(|rest| rest.trim_start_matches('_')).filter(|name| is_shared(name));
    if told.is_some() {
        return told;
    }
    let first = names.first().filter(|_| names.len() > 1)?;
    let ends = first.rmatch_indices('_').map(|(i, _)| i);
    ends.filter_map(|end| first.get(..end)).find(|prefix| is_shared(prefix))
}

/// The name of the field of a top-level branch.
fn field_name(branch: &Branch) -> &str {
    branch.name.trim_end_matches('.')
}

/// Leaves out members that are not chosen. Returns whether anything is left.
fn narrow(node: &mut Node, path: &mut Vec<(String, bool)>, projection: &Projection) -> bool {
    let chosen = {
        let path: Vec<(&str, bool)> = path.iter().map(|(name, item)| (&**name, *item)).collect();
        projection.chooses(&path)
    };
    if chosen {
        return true;
    }
    let is_item = matches!(node, Node::Collection { .. });
    match node {
        Node::Record(members) | Node::Collection { members, .. } => {
            if is_item {
                path.push(("_0".to_owned(), true));
            }
            members.retain_mut(|member| {
                path.push((member.name.clone(), false));
                let kept = narrow(&mut member.node, path, projection);
                path.pop();
                kept
            });
            if is_item {
                path.pop();
            }
            !members.is_empty()
        }
        Node::Value(_) | Node::List(_) => false,
    }
}

/// A title that says more than name and type.
fn description(branch: &Branch) -> Option<String> {
    let title = branch.title.trim();
    let is_leaf_list = title.starts_with(branch.name.as_str())
        || branch.leaves.iter().any(|leaf| title == leaf.title || title.starts_with(&format!("{}/", leaf.name)));
    (branch.class == "TBranch" && !title.is_empty() && !is_leaf_list).then(|| title.to_owned())
}

/// Each pattern must choose something.
fn check_patterns(fields: &Fields, patterns: &[String]) -> Outcome<()> {
    for pattern in patterns {
        let one = Projection::patterns([pattern]);
        let names = fields.columns.iter().map(|column| &**column.field.name());
        let refused = fields.refused.iter().map(|(name, _)| &**name);
        if !names.chain(refused).any(|name| one.reaches(name)) {
            return Err(format!("no field matches '{pattern}'"));
        }
    }
    Ok(())
}
