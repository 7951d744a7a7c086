//! What the inputs have, and what becomes of it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use arrow::datatypes::SchemaRef;
use rntuple_core::Error as FormatError;
use rntuple_core::container::root_file::StreamerInfoList;
use rntuple_core::schema::{MergeMode, SchemaMerge};

use crate::error::{Error, Result};
use crate::reader::{NTuple, Reader};
use crate::storage::Storage;
use crate::threads::Threads;

/// Inputs that are open at once: enough to hide that some are far away.
pub(super) const AT_ONCE: usize = 8;

/// Opens some inputs, several at a time.
pub(super) fn open_inputs(
    inputs: &[PathBuf],
    storage: &Storage,
    threads: &Threads,
) -> impl Iterator<Item = Result<Input>> + use<> {
    let opened: Vec<OnceLock<Result<Input>>> = inputs.iter().map(|_| OnceLock::new()).collect();
    threads.run(inputs.len(), &|i| {
        if let (Some(path), Some(slot)) = (inputs.get(i), opened.get(i)) {
            _ = slot.set(Input::open(path, storage));
        }
    });
    opened.into_iter().filter_map(OnceLock::into_inner)
}

/// An open input.
pub(super) struct Input {
    reader: Reader,
}

impl Input {
    fn open(path: &Path, storage: &Storage) -> Result<Self> {
        let reader = Reader::open_with(path, storage)?;
        // What cannot be listed must not be lost without a word.
        match reader.damaged().first() {
            Some((_, error)) => Err(error.clone()),
            None => Ok(Self { reader }),
        }
    }

    /// The newest cycle of each RNTuple, or only the one that is asked for, with its path in the output.
    pub(super) fn ntuples(&self, only: Option<&str>) -> Result<Vec<(String, NTuple)>> {
        let in_file = self.reader.size().is_some();
        let mut out: Vec<(String, NTuple)> = Vec::new();
        for key in self.reader.list().iter().filter(|key| key.newest) {
            let wanted = only.is_none_or(|path| key.path == path.trim_start_matches('/'));
            if in_file && !wanted {
                continue;
            }
            let ntuple = self.reader.open_key(key)?;
            // Stores have keys of their own.
            let path = if in_file { key.path.clone() } else { ntuple.name().to_owned() };
            if out.iter().any(|(other, _)| *other == path) {
                let reason = format!("it has several '{path}': give their keys as inputs");
                return Err(Error::Argument { file: self.reader.name().into(), reason });
            }
            if wanted || only == Some(path.as_str()) {
                out.push((path, ntuple));
            }
        }
        Ok(out)
    }

    pub(super) fn changed(&self, what: &str) -> Error {
        let reason = format!("{what}: the input was changed while it was merged");
        Error::Argument { file: self.reader.name().into(), reason }
    }
}

/// A data set of the output.
#[derive(Debug)]
pub(super) struct PlannedNTuple {
    pub(super) path: String,
    pub(super) description: String,
    pub(super) merge: SchemaMerge,
    pub(super) entries: u64,
    /// In how many inputs it is.
    pub(super) inputs: u64,
    /// Its attribute sets; their paths are their names.
    pub(super) sets: Vec<PlannedNTuple>,
    /// The Arrow types of its fields, where an input keeps them: readers will take the first.
    arrow_types: Option<SchemaRef>,
}

/// What the output will have.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) ntuples: Vec<PlannedNTuple>,
    /// Bytes of the inputs.
    pub(super) bytes: u64,
    /// The C++ classes that they describe.
    pub(super) classes: StreamerInfoList,
    inputs: u64,
    /// Of what is not merged: the first that is so, and how many inputs are.
    other_objects: Note,
    without_ntuples: Note,
    without_classes: Note,
}

/// Something that is so in several inputs.
#[derive(Debug, Default)]
struct Note {
    first: String,
    inputs: u64,
}

impl Note {
    fn add(&mut self, text: impl FnOnce() -> String) {
        if self.inputs == 0 {
            self.first = text();
        }
        self.inputs += 1;
    }

    fn say(&self, notes: &mut Vec<String>) {
        match self.inputs {
            0 => {}
            1 => notes.push(self.first.clone()),
            n => notes.push(format!("{}; so it is in {n} inputs", self.first)),
        }
    }
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            ntuples: Vec::new(),
            bytes: 0,
            classes: StreamerInfoList::empty(),
            inputs: 0,
            other_objects: Note::default(),
            without_ntuples: Note::default(),
            without_classes: Note::default(),
        }
    }
}

impl PlannedNTuple {
    fn new(path: String, ntuple: &NTuple, mode: MergeMode) -> Self {
        let (description, merge) = (ntuple.description().to_owned(), SchemaMerge::new(mode));
        Self { path, description, merge, entries: 0, inputs: 0, sets: Vec::new(), arrow_types: None }
    }

    /// Adds an input, and says in what it differs from those before.
    fn add(&mut self, ntuple: &NTuple, what: &str) -> Result<()> {
        let data = &ntuple.data;
        let within = |e: FormatError| data.file.format(e.within(format!("{what} '{}'", self.path)));
        self.merge.add(&data.schema, self.entries, data.entries).map_err(within)?;
        let entries = self.entries.checked_add(data.entries).filter(|&n| n <= i64::MAX.unsigned_abs());
        self.entries = entries.ok_or_else(|| {
            let reason = format!("'{}' would have more entries than can be counted", self.path);
            Error::Argument { file: Arc::clone(&data.file.name), reason }
        })?;
        self.inputs += 1;
        Ok(())
    }

    /// Numbers that are seconds in one input and milliseconds in another must not become one column.
    fn check_arrow_types(&mut self, ntuple: &NTuple) -> Result<()> {
        let Some(types) = ntuple.logical_schema()? else { return Ok(()) };
        let known = self.arrow_types.get_or_insert_with(|| Arc::clone(&types));
        for field in types.fields() {
            let Ok(other) = known.field_with_name(field.name()) else { continue };
            let (here, there) = (field.data_type(), other.data_type());
            if !here.equals_datatype(there) {
                let reason = format!(
                    "field '{}' of '{}' has the Arrow type {here}, and {there} in an input before: convert one to the other \
                     first (rntuple convert --cast)",
                    field.name(),
                    self.path
                );
                return Err(Error::Argument { file: Arc::clone(&ntuple.data.file.name), reason });
            }
        }
        Ok(())
    }

    fn add_sets(&mut self, ntuple: &NTuple, mode: MergeMode) -> Result<()> {
        let names = ntuple.attribute_sets();
        let file = &ntuple.data.file;
        if mode == MergeMode::Strict && self.inputs > 1 {
            let differs = names.len() != self.sets.len()
                || names.iter().any(|name| self.sets.iter().all(|set| set.path != *name));
            if differs {
                let reason = format!(
                    "'{}' has other attribute sets than in the inputs before: mode `filter` takes all",
                    self.path
                );
                return Err(Error::Argument { file: Arc::clone(&file.name), reason });
            }
        }
        for name in names {
            let set = ntuple.attribute_set(&name)?;
            let at = self.sets.iter().position(|set| set.path == name).unwrap_or(self.sets.len());
            if at == self.sets.len() {
                // Annotations that do not have the same fields mean something else.
                self.sets.push(Self::new(name.clone(), &set, MergeMode::Strict));
            }
            if let Some(planned) = self.sets.get_mut(at) {
                planned.add(&set, "attribute set")?;
            }
        }
        Ok(())
    }
}

impl Plan {
    /// Adds an input.
    pub(super) fn add(&mut self, input: &Input, mode: MergeMode, only: Option<&str>) -> Result<()> {
        let reader = &input.reader;
        let name = reader.name();
        let first = self.inputs == 0;
        self.inputs += 1;
        self.bytes = self.bytes.saturating_add(reader.size().unwrap_or(0));
        let ntuples = input.ntuples(only)?;
        if ntuples.is_empty() {
            self.without_ntuples.add(|| format!("{name}: nothing to merge: it has no {}", wanted(only)));
        }
        if mode == MergeMode::Strict && !first {
            let missing = self.ntuples.iter().find(|known| ntuples.iter().all(|(path, _)| *path != known.path));
            let added = ntuples.iter().find(|(path, _)| self.ntuples.iter().all(|known| known.path != *path));
            if let Some(path) = missing.map(|known| &known.path).or(added.map(|(path, _)| path)) {
                let reason = format!("RNTuple '{path}' is not in all inputs: mode `filter` merges those that have it");
                return Err(Error::Argument { file: name.into(), reason });
            }
        }
        for (path, ntuple) in ntuples {
            let at = self.ntuples.iter().position(|known| known.path == path).unwrap_or(self.ntuples.len());
            if at == self.ntuples.len() {
                self.ntuples.push(PlannedNTuple::new(path, &ntuple, mode));
            }
            if let Some(planned) = self.ntuples.get_mut(at) {
                planned.add(&ntuple, "RNTuple")?;
                planned.check_arrow_types(&ntuple)?;
                planned.add_sets(&ntuple, mode)?;
            }
        }
        match reader.streamer_info() {
            Ok(classes) => self.classes.merge(&classes, |_| true),
            // A damaged description of classes is no reason to give up their data.
            Err(error) => self.without_classes.add(|| format!("descriptions of C++ classes are left out: {error}")),
        }
        if let Some((path, class)) = reader.other_objects().first() {
            let others = match reader.other_objects().len() - 1 {
                0 => String::new(),
                n => format!(" and {n} more objects"),
            };
            let text =
                || format!("{name}: '{path}' ({class}){others} not merged: only RNTuples are, hadd merges the rest");
            self.other_objects.add(text);
        }
        Ok(())
    }

    /// What of the inputs is not in the output.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        self.without_ntuples.say(&mut notes);
        self.other_objects.say(&mut notes);
        self.without_classes.say(&mut notes);
        notes
    }
}

fn wanted(only: Option<&str>) -> String {
    only.map_or_else(|| "RNTuple".to_owned(), |path| format!("RNTuple '{path}'"))
}
