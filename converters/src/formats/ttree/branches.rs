//! From branches to fields: which decoder each needs, and what records and collections they make up.

use std::collections::HashMap;

use super::bytes::Outcome;
use super::classes::Planner;
use super::column::{Column, Form};
use super::decode::{Count, Decoder, Header};
use super::fields::FORBIDDEN;
use super::node::{Member, Node};
use super::number::Number;
use super::object::ObjectId;
use super::streamers::{Element, MAX_DEPTH};
use super::tree::{Branch, ElementInfo, Leaf, Tree};

/// Makes nodes of the branches of a tree.
#[derive(Debug)]
pub(super) struct Builder<'a> {
    pub(super) planner: Planner<'a>,
    pub(super) entries: u64,
    /// Branches by their leaves.
    pub(super) owners: HashMap<ObjectId, &'a Branch>,
    /// Branches that cannot be converted, with the reason.
    pub(super) refused: Vec<(String, String)>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(planner: Planner<'a>, tree: &'a Tree) -> Self {
        Self { planner, entries: tree.entries, owners: tree.owners(), refused: Vec::new() }
    }

    /// The node of a branch; `None` when it is refused.
    pub(super) fn branch(&mut self, branch: &Branch) -> Option<Node> {
        match self.node(branch) {
            Ok(node) => Some(node),
            Err(reason) => {
                self.refused.push((branch.name.clone(), reason));
                None
            }
        }
    }

    fn node(&mut self, branch: &Branch) -> Outcome<Node> {
        if !branch.branches.is_empty() {
            let mut members = self.children(branch)?;
            let collection = branch.element.as_ref().is_some_and(ElementInfo::is_collection);
            return if collection {
                let is_map = branch.element.as_ref().is_some_and(|element| element.items.starts_with("pair<"));
                if is_map && let [first, second] = &mut *members {
                    // As RNTuple calls them.
                    (first.name, second.name) = ("_0".to_owned(), "_1".to_owned());
                }
                let count = self.column(branch, Form::Single(Some(4)), Decoder::number(Number::I32))?;
                Ok(Node::Collection { count, members })
            } else {
                Ok(Node::Record(members))
            };
        }
        match (&*branch.class, &branch.element) {
            ("TBranch", _) => self.leaves(branch),
            ("TBranchElement", Some(element)) => self.element(branch, element),
            (class, _) => Err(format!("branches of class {class} are not supported")),
        }
    }

    fn column(&self, branch: &Branch, form: Form, decoder: Decoder) -> Outcome<Column> {
        if let Some(obstacle) = &branch.data.obstacle {
            return Err(obstacle.clone());
        }
        if branch.data.entries < self.entries {
            return Err(format!("it has {} entries, the tree has {}", branch.data.entries, self.entries));
        }
        if matches!(form, Form::Single(Some(0))) {
            return Err("its entries have no bytes".into());
        }
        Ok(Column::new(&branch.name, &branch.data, form, decoder))
    }

    /// A branch of a single value, of a member that is fixed or not.
    fn single(&self, branch: &Branch, decoder: Decoder) -> Outcome<Node> {
        Ok(Node::Value(self.column(branch, Form::Single(decoder.size()), decoder)?))
    }

    // Leaves.

    fn leaves(&self, branch: &Branch) -> Outcome<Node> {
        match &*branch.leaves {
            [] => Err("it has no leaves".into()),
            [leaf] if leaf.class == "TLeafC" => {
                let column = self.column(branch, Form::Single(None), self.planner.text())?;
                Ok(Node::Value(column.loose()))
            }
            [leaf] => {
                let decoder = leaf_decoder(leaf)?;
                let Some(count) = leaf.count else { return self.single(branch, decoder) };
                let size = decoder.size().filter(|size| *size > 0).ok_or("its items have no size")?;
                let counter = self.counter(count).map(Box::new);
                let column = self.column(branch, Form::Jagged { size, skip: 0, counter }, decoder)?;
                Ok(Node::List(column))
            }
            leaves => {
                let member = |leaf: &Leaf| {
                    let decoder = match (&*leaf.class, leaf.count) {
                        ("TLeafC", _) => self.planner.text(),
                        (_, None) => leaf_decoder(leaf)?,
                        (_, Some(count)) => {
                            let counter = leaves.iter().position(|leaf| leaf.id == count);
                            let count = counter.map_or(Count::Rest, Count::Member);
                            Decoder::counted(count, false, leaf_decoder(leaf)?)
                        }
                    };
                    Ok((leaf.name.clone(), decoder))
                };
                let members = leaves.iter().map(member).collect::<Outcome<Vec<_>>>()?;
                self.single(branch, Decoder::record(members, Header::None))
            }
        }
    }

    /// The column of a leaf that counts others.
    pub(super) fn counter(&self, leaf: ObjectId) -> Option<Column> {
        let branch = self.owners.get(&leaf)?;
        let [leaf] = &*branch.leaves else { return None };
        let decoder = leaf_decoder(leaf).ok().filter(|_| leaf.count.is_none() && leaf.len == 1)?;
        let is_integer = Number::of_leaf(&leaf.class, leaf.unsigned, "").is_some_and(Number::is_integer);
        self.column(branch, Form::Single(decoder.size().filter(|_| is_integer)), decoder).ok()
    }

    // Objects.

    fn element(&self, branch: &Branch, element: &ElementInfo) -> Outcome<Node> {
        if element.is_collection() {
            return Err("it counts items whose members have no branches".into());
        }
        if element.id < 0 && !element.is_item() {
            let decoder = self.planner.whole(&element.class, element.version, element.kind == ElementInfo::CUSTOM)?;
            return self.single(branch, decoder);
        }
        let classes = self.planner.classes;
        let class = classes
            .by_checksum(&element.class, element.checksum)
            .filter(|_| element.checksum != 0)
            .or_else(|| classes.find(&element.class, element.version))
            .or_else(|| classes.newest(&element.class))
            .ok_or_else(|| format!("the file does not describe class '{}'", element.class))?;
        let name = last_name(&branch.name);
        let by_id = usize::try_from(element.id).ok().and_then(|id| class.elements.get(id));
        let member = by_id
            .filter(|member| same_name(member, name))
            .or_else(|| class.elements.iter().find(|member| same_name(member, name)))
            .ok_or_else(|| format!("class '{}' has no member '{name}'", element.class))?;
        let decoder = self.planner.member(member, &class.elements, 0)?;
        match decoder {
            Decoder::Counted { .. } if element.is_item() => {
                Err("arrays of variable length in collections are not supported".into())
            }
            Decoder::Counted { .. } => {
                let kind = Number::of_code(member.code - 40, &member.title).ok_or("an array of no numbers")?;
                let form = Form::Jagged { size: kind.stored(), skip: 1, counter: None };
                Ok(Node::List(self.column(branch, form, Decoder::number(kind))?))
            }
            decoder if element.is_item() => Ok(Node::Value(self.column(branch, Form::Items, decoder)?)),
            decoder => self.single(branch, decoder),
        }
    }

    /// The members that the branches below a branch make up.
    fn children(&mut self, branch: &Branch) -> Outcome<Vec<Member>> {
        let mut members = Vec::new();
        self.add_children(branch, &[&branch.name], &mut members);
        if members.is_empty() {
            return Err("none of its branches can be converted".into());
        }
        Ok(members)
    }

    fn add_children(&mut self, branch: &Branch, above: &[&str], out: &mut Vec<Member>) {
        for child in &branch.branches {
            let is_base = child.element.as_ref().is_some_and(|element| element.kind == ElementInfo::BASE);
            if is_base {
                // The members of a base class are members. A base class without branches has nothing to read.
                if !child.branches.is_empty() {
                    // Its name is part of theirs in some trees only.
                    let above: Vec<&str> = std::iter::once(&*child.name).chain(above.iter().copied()).collect();
                    self.add_children(child, &above, out);
                } else if child.data.bytes > 0 && !child.data.baskets.is_empty() {
                    self.add(child, above, out);
                }
                continue;
            }
            self.add(child, above, out);
        }
    }

    fn add(&mut self, child: &Branch, above: &[&str], out: &mut Vec<Member>) {
        let Some(node) = self.branch(child) else { return };
        let name = relative(&child.name, above);
        let name = name.replace(|c| c != '.' && FORBIDDEN(c), "_");
        let path: Vec<&str> = name.split('.').filter(|part| !part.is_empty()).collect();
        let inserted =
            if path.len() > MAX_DEPTH { Err("its name has too many dots".into()) } else { insert(out, &path, node) };
        if let Err(reason) = inserted {
            self.refused.push((child.name.clone(), reason));
        }
    }
}

/// Puts a node below records that its path names.
fn insert(members: &mut Vec<Member>, path: &[&str], node: Node) -> Outcome<()> {
    let twice = |name: &str| format!("there are two members of the name '{name}'");
    match path {
        [] => Err("it has no name".into()),
        [name] => {
            if let Some(there) = members.iter_mut().find(|member| member.name == *name) {
                return match (&mut there.node, node) {
                    // A record that the path of an earlier branch made.
                    (Node::Record(old), Node::Record(new)) => {
                        old.extend(new);
                        Ok(())
                    }
                    _ => Err(twice(name)),
                };
            }
            members.push(Member { name: (*name).to_owned(), description: None, node });
            Ok(())
        }
        [name, rest @ ..] => {
            if members.iter().all(|member| member.name != *name) {
                members.push(Member { name: (*name).to_owned(), description: None, node: Node::Record(Vec::new()) });
            }
            match members.iter_mut().find(|member| member.name == *name).map(|member| &mut member.node) {
                Some(Node::Record(inner)) => insert(inner, rest, node),
                _ => Err(twice(name)),
            }
        }
    }
}

/// The name of a branch below another, without extents of arrays.
fn relative(name: &str, above: &[&str]) -> String {
    let below = |above: &&str| name.strip_prefix(above.trim_end_matches('.')).and_then(|rest| rest.strip_prefix('.'));
    let name = above.iter().find_map(below).unwrap_or(name);
    let mut out = String::new();
    let mut depth = 0_usize;
    for c in name.chars() {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            c if depth == 0 => out.push(c),
            _ => {}
        }
    }
    out
}

fn last_name(name: &str) -> &str {
    let name = name.split('[').next().unwrap_or(name).trim_end_matches('.');
    name.rsplit('.').next().unwrap_or(name)
}

fn same_name(member: &Element, name: &str) -> bool {
    member.name.split('[').next() == Some(name)
}

/// Numbers of a leaf, of one item where it is counted.
fn leaf_decoder(leaf: &Leaf) -> Outcome<Decoder> {
    let kind = Number::of_leaf(&leaf.class, leaf.unsigned, &leaf.title)
        .ok_or_else(|| format!("leaves of class {} are not supported", leaf.class))?;
    let number = Decoder::number(kind);
    if leaf.len == 1 {
        return Ok(number);
    }
    let extents: Vec<usize> =
        leaf.title.split('[').skip(1).filter_map(|part| part.split(']').next()?.parse().ok()).collect();
    let told = extents.iter().try_fold(1_usize, |product, n| product.checked_mul(*n));
    Ok(if told == Some(leaf.len) { Decoder::fixed(&extents, number) } else { Decoder::fixed(&[leaf.len], number) })
}
