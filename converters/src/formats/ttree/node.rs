//! The fields that branches become, and how they are read.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, StructArray};
use arrow::datatypes::{DataType, Field};

use super::bytes::Outcome;
use super::column::{Column, counts};
use super::decode::list_array;
use super::file::File;

/// A field, and below it the columns that it is made of.
#[derive(Debug)]
pub(super) enum Node {
    /// One value per entry, or per item of the collection above.
    Value(Column),
    /// Items that their branch counts itself.
    List(Column),
    Record(Vec<Member>),
    /// A record for each item; one branch counts them for all.
    Collection {
        count: Column,
        members: Vec<Member>,
    },
}

/// A named node.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) node: Node,
}

impl Member {
    pub(super) fn field(&self) -> Field {
        let field = match &self.node {
            Node::Value(column) => column.field(&self.name),
            Node::List(column) => Field::new(&self.name, DataType::List(Arc::new(column.field("_0"))), false),
            Node::Record(members) => Field::new(&self.name, record(members), false),
            Node::Collection { members, .. } => {
                Field::new(&self.name, DataType::List(Arc::new(Field::new("_0", record(members), false))), false)
            }
        };
        let mut metadata = field.metadata().clone();
        if let Some(text) = &self.description {
            metadata.insert(rntuple_core::arrow::DESCRIPTION.to_owned(), text.clone());
        }
        field.with_metadata(metadata)
    }
}

fn record(members: &[Member]) -> DataType {
    DataType::Struct(members.iter().map(Member::field).collect())
}

impl Node {
    /// Bytes of all entries, about.
    pub(super) fn bytes(&self) -> u64 {
        let sum = |members: &[Member]| members.iter().fold(0, |sum: u64, it| sum.saturating_add(it.node.bytes()));
        match self {
            Self::Value(column) | Self::List(column) => column.bytes(),
            Self::Record(members) => sum(members),
            Self::Collection { count, members } => sum(members).saturating_add(count.bytes()),
        }
    }

    /// Reads the first entries of objects, to see whether they are what the file says; drops what cannot be read and
    /// gives the reasons, with the names of branches.
    pub(super) fn probe(&mut self, file: &File, entries: u64, refused: &mut Vec<(String, String)>) -> bool {
        match self {
            Self::Value(column) | Self::List(column) => {
                if column.is_plain() {
                    return true;
                }
                let read = column.read(file, 0..entries, None).and_then(|()| column.restart());
                read.map_err(|reason| refused.push((column.name.clone(), reason))).is_ok()
            }
            Self::Record(members) => {
                members.retain_mut(|member| member.node.probe(file, entries, refused));
                !members.is_empty()
            }
            Self::Collection { count, members } => {
                let counted = count.read(file, 0..entries, None).and_then(|()| counts(&count.take()?));
                let counted = counted.and_then(|counts| count.restart().map(|()| counts));
                match counted {
                    Ok(counts) => members.retain_mut(|member| member.node.probe_items(file, &counts, refused)),
                    Err(reason) => {
                        refused.push((count.name.clone(), reason));
                        return false;
                    }
                }
                !members.is_empty()
            }
        }
    }

    fn probe_items(&mut self, file: &File, counts: &[usize], refused: &mut Vec<(String, String)>) -> bool {
        match self {
            Self::Value(column) => {
                let read = column.read(file, 0..counts.len() as u64, Some(counts)).and_then(|()| column.restart());
                read.map_err(|reason| refused.push((column.name.clone(), reason))).is_ok()
            }
            Self::Record(members) => {
                members.retain_mut(|member| member.node.probe_items(file, counts, refused));
                !members.is_empty()
            }
            Self::List(_) | Self::Collection { .. } => true,
        }
    }

    /// Reads entries, which follow those read before.
    pub(super) fn read(&mut self, file: &File, entries: Range<u64>) -> Outcome<ArrayRef> {
        match self {
            Self::Value(column) => {
                named(column, |column| column.read(file, entries, None))?;
                column.take()
            }
            Self::List(column) => {
                named(column, |column| column.read(file, entries, None))?;
                list_array(&column.take_lengths(), column.field("_0"), column.take()?)
            }
            Self::Record(members) => {
                let arrays = members.iter_mut().map(|member| member.node.read(file, entries.clone()));
                let arrays = arrays.collect::<Outcome<Vec<_>>>()?;
                structure(members, arrays)
            }
            Self::Collection { count, members } => {
                named(count, |count| count.read(file, entries.clone(), None))?;
                let counts = counts(&count.take()?)?;
                let items = members.iter_mut().map(|member| member.node.read_items(file, entries.clone(), &counts));
                let items = items.collect::<Outcome<Vec<_>>>()?;
                let items = structure(members, items)?;
                list_array(&counts, Field::new("_0", record(members), false), items)
            }
        }
    }

    /// Reads what belongs to the items of a collection.
    fn read_items(&mut self, file: &File, entries: Range<u64>, counts: &[usize]) -> Outcome<ArrayRef> {
        match self {
            Self::Value(column) => {
                named(column, |column| column.read(file, entries.clone(), Some(counts)))?;
                let lengths = column.take_lengths();
                let wrong = lengths.iter().zip(counts).position(|(length, count)| length != count);
                if let (true, Some(i)) = (column.is_jagged(), wrong) {
                    return Err(format!(
                        "branch '{}': entry {} has {} items where its count says {}; with --collections independent \
                         each branch keeps the items it has",
                        column.name,
                        entries.start + i as u64,
                        lengths.get(i).copied().unwrap_or_default(),
                        counts.get(i).copied().unwrap_or_default(),
                    ));
                }
                column.take()
            }
            Self::Record(members) => {
                let arrays = members.iter_mut().map(|member| member.node.read_items(file, entries.clone(), counts));
                let arrays = arrays.collect::<Outcome<Vec<_>>>()?;
                structure(members, arrays)
            }
            Self::List(column) => Err(format!("branch '{}': a list of its own in a collection", column.name)),
            Self::Collection { count, .. } => Err(format!("branch '{}': a collection in a collection", count.name)),
        }
    }
}

fn named(column: &mut Column, read: impl FnOnce(&mut Column) -> Outcome<()>) -> Outcome<()> {
    read(column).map_err(|e| format!("branch '{}': {e}", column.name))
}

fn structure(members: &[Member], arrays: Vec<ArrayRef>) -> Outcome<ArrayRef> {
    let fields = members.iter().map(Member::field).collect();
    Ok(Arc::new(StructArray::try_new(fields, arrays, None).map_err(|e| e.to_string())?))
}
