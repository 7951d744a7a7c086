//! Trees, branches and leaves: what their objects say.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::bytes::Outcome;
use super::object::{Embedded, Object, ObjectId, Objects};
use super::streamers::MAX_DEPTH;

/// A tree.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) entries: u64,
    pub(super) friends: usize,
    pub(super) branches: Vec<Branch>,
}

/// A branch.
#[derive(Debug, Clone)]
pub(super) struct Branch {
    pub(super) name: String,
    pub(super) title: String,
    /// Class of the branch itself: `TBranch`, `TBranchElement`, or others that are not read.
    pub(super) class: String,
    pub(super) leaves: Vec<Leaf>,
    pub(super) branches: Vec<Branch>,
    pub(super) data: Data,
    /// What branches of objects know of their class.
    pub(super) element: Option<ElementInfo>,
}

/// What a `TBranchElement` knows.
#[derive(Debug, Clone)]
pub(super) struct ElementInfo {
    /// Class of the object, or class whose member this is.
    pub(super) class: String,
    /// Class of the items of a collection.
    pub(super) items: String,
    pub(super) version: u16,
    pub(super) checksum: u32,
    /// Number of the member in the class; negative: the whole object.
    pub(super) id: i64,
    /// ROOT's kind of the branch.
    pub(super) kind: i64,
}

impl ElementInfo {
    /// An object of a class that writes itself, with a header.
    pub(super) const CUSTOM: i64 = -1;
    /// A base class, whose members are branches.
    pub(super) const BASE: i64 = 1;
    /// A `TClonesArray`, whose members are branches.
    pub(super) const CLONES: i64 = 3;
    /// A container, whose items' members are branches.
    pub(super) const CONTAINER: i64 = 4;
    /// A member of the items of a `TClonesArray`.
    pub(super) const CLONES_MEMBER: i64 = 31;
    /// A member of the items of a container.
    pub(super) const CONTAINER_MEMBER: i64 = 41;

    pub(super) fn is_collection(&self) -> bool {
        matches!(self.kind, Self::CLONES | Self::CONTAINER)
    }

    pub(super) fn is_item(&self) -> bool {
        matches!(self.kind, Self::CLONES_MEMBER | Self::CONTAINER_MEMBER)
    }
}

/// Where the entries of a branch are.
#[derive(Debug, Clone)]
pub(super) struct Data {
    pub(super) entries: u64,
    /// First entry and place of each basket.
    pub(super) baskets: Arc<[(u64, Place)]>,
    /// Bytes before compression.
    pub(super) bytes: u64,
    /// Whether baskets tell where entries start.
    pub(super) offsets: bool,
    /// Why it cannot be read, if so.
    pub(super) obstacle: Option<String>,
}

/// Where a basket is.
#[derive(Debug, Clone)]
pub(super) enum Place {
    /// Offset in the file, and bytes with its key.
    File(u64, usize),
    Here(Arc<Embedded>),
}

/// A leaf.
#[derive(Debug, Clone)]
pub(super) struct Leaf {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) class: String,
    /// Numbers per entry; per item of a count where there is one.
    pub(super) len: usize,
    pub(super) unsigned: bool,
    /// The leaf that counts it.
    pub(super) count: Option<ObjectId>,
    pub(super) id: ObjectId,
}

impl Tree {
    /// Out of the objects of the record of a tree.
    pub(super) fn new(objects: &Objects, id: ObjectId) -> Outcome<Self> {
        let tree = objects.get(id).ok_or("no tree")?;
        let entries = tree.int("fEntries").and_then(|n| u64::try_from(n).ok()).ok_or("no number of entries")?;
        let friends = tree.object("fFriends").and_then(|id| objects.get(id)).map_or(0, |list| list.list("items").len());
        let branches = branches(objects, tree, &mut HashSet::new(), 0)?;
        Ok(Self { entries, friends, branches })
    }

    /// Which branch a leaf belongs to.
    pub(super) fn owners(&self) -> HashMap<ObjectId, &Branch> {
        fn add<'a>(branches: &'a [Branch], out: &mut HashMap<ObjectId, &'a Branch>) {
            for branch in branches {
                out.extend(branch.leaves.iter().map(|leaf| (leaf.id, branch)));
                add(&branch.branches, out);
            }
        }
        let mut out = HashMap::new();
        add(&self.branches, &mut out);
        out
    }
}

/// The branches below; each object is one branch only, whatever refers to it.
fn branches(objects: &Objects, above: &Object, seen: &mut HashSet<ObjectId>, depth: usize) -> Outcome<Vec<Branch>> {
    if depth > MAX_DEPTH {
        return Err("branches are nested too deeply".into());
    }
    let mut out = Vec::new();
    for id in above.list("fBranches").iter().flatten() {
        if let Some(object) = objects.get(*id).filter(|_| seen.insert(*id)) {
            out.push(branch(objects, object, seen, depth)?);
        }
    }
    Ok(out)
}

fn branch(objects: &Objects, object: &Object, seen: &mut HashSet<ObjectId>, depth: usize) -> Outcome<Branch> {
    let name = object.text("fName").to_owned();
    let leaves = object.list("fLeaves").iter().flatten();
    let leaves = leaves.filter_map(|id| Some((*id, objects.get(*id)?))).map(|(id, leaf)| Leaf {
        name: leaf.text("fName").to_owned(),
        title: leaf.text("fTitle").to_owned(),
        class: leaf.class.to_string(),
        len: leaf.int("fLen").and_then(|n| usize::try_from(n).ok()).unwrap_or(1),
        unsigned: leaf.int("fIsUnsigned").is_some_and(|n| n != 0),
        count: leaf.object("fLeafCount"),
        id,
    });
    let element = (&*object.class == "TBranchElement").then(|| ElementInfo {
        class: object.text("fClassName").to_owned(),
        items: object.text("fClonesName").to_owned(),
        version: object.int("fClassVersion").and_then(|n| u16::try_from(n).ok()).unwrap_or(0),
        checksum: object.int("fCheckSum").and_then(|n| u32::try_from(n).ok()).unwrap_or(0),
        id: object.int("fID").unwrap_or(-1),
        kind: object.int("fType").unwrap_or(0),
    });
    Ok(Branch {
        title: object.text("fTitle").to_owned(),
        class: object.class.to_string(),
        leaves: leaves.collect(),
        data: data(objects, object).map_err(|e| format!("branch '{name}': {e}"))?,
        branches: branches(objects, object, seen, depth + 1)?,
        element,
        name,
    })
}

fn data(objects: &Objects, branch: &Object) -> Outcome<Data> {
    let int = |name: &str| branch.int(name).and_then(|n| u64::try_from(n).ok());
    let entries = int("fEntries").ok_or("a negative number of entries")?;
    let written = usize::try_from(int("fWriteBasket").unwrap_or(0)).unwrap_or(0);
    let firsts = branch.ints("fBasketEntry");
    let (places, lengths) = (branch.ints("fBasketSeek"), branch.ints("fBasketBytes"));
    let embedded = branch.list("fBaskets");
    let mut baskets = Vec::new();
    let mut obstacle = None;
    for i in 0..=written {
        let Some(first) = firsts.get(i).and_then(|first| u64::try_from(*first).ok()) else { break };
        let on_disk = places.get(i).zip(lengths.get(i)).filter(|(seek, _)| **seek > 0);
        let here = || {
            let object = embedded.get(i).copied().flatten().and_then(|id| objects.get(id));
            object.and_then(Object::basket).filter(|basket| basket.entries > 0)
        };
        match on_disk {
            Some((&seek, &len)) if i < written => {
                let place = u64::try_from(seek).ok().zip(usize::try_from(len).ok());
                let (seek, len) = place.ok_or("a basket at a negative offset")?;
                baskets.push((first, Place::File(seek, len)));
            }
            _ => {
                if let Some(basket) = here() {
                    baskets.push((first, Place::Here(Arc::new(basket.clone()))));
                }
            }
        }
    }
    // Baskets of trees that were saved early may lie behind the one that was filled last.
    if baskets.windows(2).any(|pair| matches!(pair, [(a, _), (b, _)] if a > b)) {
        obstacle = Some("its baskets are out of order".to_owned());
    }
    if !branch.text("fFileName").is_empty() {
        obstacle = Some(format!("its data are in another file, '{}'", branch.text("fFileName")));
    }
    if int("fFirstEntry").unwrap_or(0) != 0 {
        obstacle = Some("it does not begin with the first entry".to_owned());
    }
    let offsets = int("fEntryOffsetLen").unwrap_or(0) > 0;
    Ok(Data { entries, baskets: baskets.into(), bytes: int("fTotBytes").unwrap_or(0), offsets, obstacle })
}
