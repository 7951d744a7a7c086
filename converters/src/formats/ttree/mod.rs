//! `TTree`: the format of event data before RNTuple (format-spec/ttree.md).
//!
//! ```text
//!  file      directories, records                       file
//!     |
//!  classes   streamer infos                             streamers
//!     |
//!  tree      branches, leaves, baskets                  object (any version), tree (what is needed of it)
//!     |
//!  fields    a decoder for each branch, collections     number, decode, classes, branches, node, fields
//!     |
//!  batches   baskets -> entries -> arrays               column, source
//! ```
//!
//! Nothing is known beforehand of the versions of `TTree`, `TBranch` and `TLeaf`: the streamer infos of the file say how
//! they are laid out.

mod branches;
mod bytes;
mod classes;
mod column;
mod decode;
mod fields;
mod file;
mod node;
mod number;
mod object;
mod source;
mod streamers;
mod tree;

use std::collections::HashMap;
use std::path::Path;

use self::branches::Builder;
use self::classes::Planner;
use self::file::{Entry, File};
use self::source::TreeSource;
use self::streamers::Classes;
use self::tree::Tree;
use super::{Format, Source};
use crate::cli::Convert;
use crate::error::Result;
use crate::transport::Input;

/// What becomes of branches that share a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Collections {
    /// One collection of records, and projected fields with the names of the branches
    Shared,
    /// Each branch a vector of its own, the count a number
    Independent,
}

/// Classes of trees.
const CLASSES: [&str; 3] = ["TTree", "TNtuple", "TNtupleD"];

/// The newest cycles of all trees of a file.
pub(super) fn names(path: &Path) -> Result<Vec<Option<String>>> {
    let trees = Trees::open(path)?;
    let newest = trees.newest();
    if newest.is_empty() {
        return Err(trees.file.error("has no TTree"));
    }
    Ok(newest.into_iter().map(|entry| Some(entry.path.clone())).collect())
}

/// Whether a file is a ROOT file with trees and without RNTuples.
pub(crate) fn has_trees_only(path: &Path) -> bool {
    let is_root = Format::of(path) == Some(Format::RNTuple) && !crate::transport::is_standard(path);
    let list = || -> Result<bool> {
        let file = File::open(path)?;
        let found = file.list(&file.header()?, |class| CLASSES.contains(&class) || class.ends_with("RNTuple"))?;
        Ok(!found.is_empty() && found.iter().all(|entry| CLASSES.contains(&&*entry.key.class)))
    };
    is_root && list().unwrap_or(false)
}

/// The entries of one tree.
pub(super) fn open(path: &Path, name: Option<&str>, args: &Convert) -> Result<Box<dyn Source>> {
    let trees = Trees::open(path)?;
    let entry = trees.find(name)?;
    let to = args.to.or_else(|| Format::of(&args.output)).unwrap_or(Format::RNTuple);
    // Other formats have no projected fields: vectors can be read by name everywhere.
    let default = if to == Format::RNTuple { Collections::Shared } else { Collections::Independent };
    let collections = args.collections.unwrap_or(default);
    let wrong = |reason: String| trees.file.error(format!("tree '{}': {reason}", entry.path));

    let classes = trees.classes()?;
    let (_, _, record) = trees.file.record(entry.key.at, None).map_err(wrong)?;
    let (objects, id) = object::read(&classes, &entry.key.class, &record.content, record.key_len).map_err(wrong)?;
    let tree = Tree::new(&objects, id).map_err(wrong)?;
    drop(objects);
    let mut warnings = Vec::new();
    if tree.friends > 0 {
        let reason = "has friends, trees whose branches are read along with its own; they are not converted";
        if args.fields.is_empty() {
            let remedy = "--fields '*' converts the tree without them";
            return Err(wrong(format!("{reason}; {remedy}")));
        }
        warnings.push(format!("tree '{}' {reason}", entry.path));
    }
    let planner = Planner::new(&classes, to == Format::RNTuple);
    let mut builder = Builder::new(planner, &tree);
    let fields = fields::fields(&trees.file, &tree, &mut builder, collections, &args.fields).map_err(wrong)?;
    if args.fields.is_empty()
        && let Some((branch, reason)) = fields.refused.first()
    {
        let others = match fields.refused.len() - 1 {
            0 => String::new(),
            n => format!(" (and {n} more)"),
        };
        let remedy = "--fields '*' leaves out what cannot be converted";
        return Err(wrong(format!("branch '{branch}' cannot be converted: {reason}{others}; {remedy}")));
    }
    if fields.columns.is_empty() {
        return Err(wrong("it has no branch that can be converted".into()));
    }
    let left_out = |(branch, reason)| format!("tree '{}': branch '{branch}' is left out: {reason}", entry.path);
    warnings.extend(fields.refused.iter().map(|(branch, reason)| left_out((branch, reason))));
    let entries = tree.entries;
    Ok(Box::new(TreeSource::new(trees.file.clone(), &entry.path, fields, entries, args.threads, warnings)))
}

/// The trees of a file.
struct Trees {
    file: File,
    streamer_info: (u64, u32),
    entries: Vec<Entry>,
}

impl Trees {
    fn open(path: &Path) -> Result<Self> {
        let file = File::open(path)?;
        let header = file.header()?;
        let entries = file.list(&header, |class| CLASSES.contains(&class))?;
        Ok(Self { file, streamer_info: header.streamer_info, entries })
    }

    /// Of the trees with one path, the newest, in the order of the file.
    fn newest(&self) -> Vec<&Entry> {
        let mut best: HashMap<&str, u16> = HashMap::new();
        for entry in &self.entries {
            let cycle = best.entry(&entry.path).or_default();
            *cycle = (*cycle).max(entry.key.cycle);
        }
        self.entries.iter().filter(|entry| best.get(&*entry.path) == Some(&entry.key.cycle)).collect()
    }

    /// `PATH` or `PATH;CYCLE`; without a name, the only one.
    fn find(&self, name: Option<&str>) -> Result<&Entry> {
        let newest = self.newest();
        let list = || newest.iter().map(|entry| &*entry.path).collect::<Vec<_>>().join(", ");
        let Some(name) = name else {
            return match &*newest {
                [one] => Ok(one),
                [] => Err(self.file.error("has no TTree")),
                _ => Err(self.file.error(format!("has several TTrees; choose with --tree: {}", list()))),
            };
        };
        let path = name.trim_start_matches('/');
        if let Some(entry) = newest.iter().find(|entry| entry.path == path) {
            return Ok(entry);
        }
        let cycle = path.rsplit_once(';').and_then(|(path, cycle)| Some((path, cycle.parse::<u16>().ok()?)));
        let of_cycle = |(path, cycle): (&str, u16)| {
            self.entries.iter().find(|entry| entry.path == path && entry.key.cycle == cycle)
        };
        let found = cycle.and_then(of_cycle);
        found.ok_or_else(|| self.file.error(format!("has no TTree '{name}'; it has: {}", list())))
    }

    fn classes(&self) -> Result<Classes> {
        let (at, len) = self.streamer_info;
        if at == 0 || len == 0 {
            return Err(self.file.error("has no streamer infos, without which its trees cannot be understood"));
        }
        let read = || {
            let (_, _, record) = self.file.record(at, usize::try_from(len).ok())?;
            Classes::parse(&record.content, record.key_len)
        };
        read().map_err(|reason| self.file.error(format!("streamer infos: {reason}")))
    }
}

impl File {
    fn open(path: &Path) -> Result<Self> {
        let input = Input::open(path)?;
        let name = input.name().to_owned();
        let source = input.random_access()?;
        Ok(Self::new(&name, source))
    }
}
