//! Merging data sets: their entries one after the other, in one file.
//!
//! The inputs are opened twice: first their schemas are compared, which settles what the output looks like before a byte
//! of it is written; then their pages are moved. Only a few are open at a time.

mod append;
mod plan;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rntuple_core::compression::CompressionSettings;
use rntuple_core::schema::MergeMode;

use self::append::{Shift, Target};
use self::plan::{Plan, PlannedNTuple, open_inputs};
use super::embedding::Embedding;
use super::file::FileWriter;
use super::options::WriteOptions;
use super::transfer::{Moved, pool};
use crate::copy::{Progress, go_on};
use crate::error::{Error, Result};
use crate::path::split;
use crate::storage::keyed::ObjectLayout;
use crate::storage::{Name, Storage};
use crate::threads::Threads;

/// Merges RNTuples of several files or stores: the entries of the second follow those of the first, and so on.
///
/// RNTuples are merged that have the same path: name, and directories in their files. Pages are moved as they are stored,
/// unless they are to be compressed anew, or an encoding is not among those of the output and fits into one without
/// changing a value; where it does not fit, the field gets a further representation. Attribute sets come along, with their
/// ranges counted in the output, and so do descriptions of C++ classes. Other objects in the files do not.
///
/// ```no_run
/// # fn main() -> rntuple_io::Result<()> {
/// use rntuple_io::{Merge, MergeMode};
///
/// let merged = Merge::new(["a.root", "b.root"]).mode(MergeMode::Union).write("all.root")?;
/// println!("{} entries", merged.entries());
/// for note in &merged.notes {
///     println!("{note}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Merge {
    inputs: Vec<PathBuf>,
    mode: MergeMode,
    ntuple: Option<String>,
    compression: Option<CompressionSettings>,
    verify: bool,
    options: WriteOptions,
}

/// What [`Merge::write`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Merged {
    /// Every RNTuple of the output.
    pub ntuples: Vec<MergedNTuple>,
    /// Inputs that were read.
    pub inputs: u64,
    /// Bytes of pages that were read.
    pub bytes_read: u64,
    /// Bytes of the output.
    pub file_size: u64,
    /// Pages that were taken over as they were stored.
    pub pages_kept: u64,
    /// Pages that were compressed anew, but not encoded.
    pub pages_recompressed: u64,
    /// Pages that were encoded anew.
    pub pages_reencoded: u64,
    /// What the user should know: what of the inputs is not in the output.
    pub notes: Vec<String>,
}

/// An RNTuple that was merged.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MergedNTuple {
    /// Directories and name.
    pub path: String,
    /// Number of entries.
    pub entries: u64,
    /// Number of clusters.
    pub clusters: u64,
    /// In how many inputs it is.
    pub inputs: u64,
}

impl Merged {
    /// Entries of all RNTuples.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.ntuples.iter().map(|ntuple| ntuple.entries).sum()
    }
}

impl Merge {
    /// Inputs, given their paths or URIs ([`Storage`] tells which there are), in the order of the entries.
    pub fn new(inputs: impl IntoIterator<Item = impl Into<PathBuf>>) -> Self {
        Self {
            inputs: inputs.into_iter().map(Into::into).collect(),
            mode: MergeMode::default(),
            ntuple: None,
            compression: None,
            verify: true,
            options: WriteOptions::new().overwrite(true),
        }
    }

    /// Which fields the output has. By default those of the first input.
    pub fn mode(mut self, mode: MergeMode) -> Self {
        self.mode = mode;
        self
    }

    /// Merges only this RNTuple: its name, with directories if it is in one. By default all are merged.
    pub fn ntuple(mut self, path: impl Into<String>) -> Self {
        self.ntuple = Some(path.into());
        self
    }

    /// Compresses all pages anew that are compressed otherwise. By default they stay as they are.
    pub fn compression(mut self, settings: CompressionSettings) -> Self {
        self.compression = Some(settings);
        self.options = self.options.compression(settings);
        self
    }

    /// Whether the checksums are verified of pages that are taken over as they are. By default they are. What is not
    /// verified may be damaged, and is found damaged by those who read the output. Pages that are sealed anew are verified
    /// in any case.
    pub fn verify_checksums(mut self, yes: bool) -> Self {
        self.verify = yes;
        self
    }

    /// Threads to read, verify and compress with. By default those of rayon's global pool. The output is the same.
    pub fn threads(mut self, threads: usize) -> Self {
        self.options = self.options.threads(threads);
        self
    }

    /// Merges into a file or store, given its path or URI. It appears when it is complete, and replaces what is there.
    ///
    /// # Errors
    /// [`Error::Format`] for inputs that do not fit each other (with the input, the RNTuple and the field) or that are
    /// damaged; [`Error::NotFound`] when no input has the RNTuple; [`Error::Argument`] when the output is among the
    /// inputs, or cannot hold what there is; [`Error::Io`].
    pub fn write(self, output: impl AsRef<Path>) -> Result<Merged> {
        self.write_with(output, Storage::shared(), &mut |_, _| ControlFlow::Continue(()))
    }

    /// The same, with settings of one's own for what is not a local file. `progress` is called now and then with bytes
    /// read and bytes of all inputs, as far as they are known; when it breaks, nothing is left behind.
    ///
    /// # Errors
    /// The same, and [`Error::Stopped`] when `progress` breaks.
    pub fn write_with(self, output: impl AsRef<Path>, storage: &Storage, progress: Progress<'_>) -> Result<Merged> {
        let output = output.as_ref();
        let name: Arc<str> = output.to_string_lossy().into();
        let argument = |reason: String| Error::Argument { file: Arc::clone(&name), reason };
        if self.inputs.is_empty() {
            return Err(argument("there is nothing to merge into it".to_owned()));
        }
        if let Some(input) = self.inputs.iter().find(|input| same_place(input, output)) {
            let reason = format!("it is an input, too ('{}'): write to another file", input.display());
            return Err(argument(reason));
        }
        let threads = Threads::new(self.options.threads).map_err(|e| argument(format!("no threads: {e}")))?;
        let mut most = 0;
        let mut tell = |done: u64, all: u64| {
            // Attribute sets are counted for themselves.
            most = done.max(most);
            go_on(progress, &name, most, all.max(most))
        };

        let mut plan = Plan::default();
        for inputs in self.inputs.chunks(plan::AT_ONCE) {
            for input in open_inputs(inputs, storage, &threads) {
                plan.add(&input?, self.mode, self.ntuple.as_deref())?;
                tell(0, plan.bytes)?;
            }
        }
        let Plan { ntuples, bytes, classes, .. } = &mut plan;
        if ntuples.is_empty() {
            let file = self.inputs.first().map(|input| input.to_string_lossy().into()).unwrap_or_default();
            return Err(match self.ntuple {
                Some(path) => Error::NotFound { file, path, hint: ", and neither has any other input".to_owned() },
                None => argument("there is no RNTuple in any input".to_owned()),
            });
        }
        let (total, ntuples) = (*bytes, std::mem::take(ntuples));
        let in_store = Storage::names_store(output);
        if in_store && ntuples.len() > 1 {
            let paths: Vec<&str> = ntuples.iter().map(|ntuple| ntuple.path.as_str()).collect();
            let reason = format!("a store takes one RNTuple under a key: choose one of {}", paths.join(", "));
            return Err(argument(reason));
        }
        let single = ntuples.first().filter(|_| in_store).map(|ntuple| split(&ntuple.path).1.to_owned());
        let file = FileWriter::create_for(output, single.as_deref(), &self.options, storage)?;
        let with_sets = ntuples.iter().find(|ntuple| !ntuple.sets.is_empty());
        if let (Embedding::Objects(objects), Some(ntuple)) = (&*file.shared().lock(), with_sets)
            && objects.layout() == ObjectLayout::KeyValue
        {
            let reason = format!("the key-value layout has no attribute sets, and '{}' has some", ntuple.path);
            return Err(objects.argument(reason));
        }
        file.shared().lock().add_streamer_info(classes);
        let mut targets = ntuples
            .into_iter()
            .map(|ntuple| Targets::start(&file, ntuple, in_store, &self.options))
            .collect::<Result<Vec<_>>>()?;
        let (pool, mut moved) = (pool(), Moved::default());
        for inputs in self.inputs.chunks(plan::AT_ONCE) {
            for input in open_inputs(inputs, storage, &threads) {
                let input = input?;
                for (path, ntuple) in input.ntuples(self.ntuple.as_deref())? {
                    let found = targets.iter_mut().find(|target| target.path == path);
                    let changed = || input.changed(&format!("RNTuple '{path}' was not there before"));
                    let targets = found.ok_or_else(changed)?;
                    let mut job = append::Job {
                        compression: self.compression,
                        verify: self.verify,
                        options: &self.options,
                        threads: &threads,
                        pool: &pool,
                        tell: &mut |bytes| tell(moved.bytes.saturating_add(bytes), total),
                    };
                    let step = targets.append(&ntuple, &mut job)?;
                    moved += step;
                }
            }
        }
        let ntuples = targets.into_iter().map(Targets::finish).collect::<Result<Vec<_>>>()?;
        let file_size = file.finish()?;
        Ok(Merged {
            ntuples,
            inputs: self.inputs.len() as u64,
            bytes_read: moved.bytes,
            file_size,
            pages_kept: moved.kept,
            pages_recompressed: moved.compressed,
            pages_reencoded: moved.encoded,
            notes: plan.notes(),
        })
    }
}

/// An RNTuple that is being merged, with its attribute sets.
struct Targets {
    path: String,
    inputs: u64,
    main: Target,
    sets: Vec<(String, Target)>,
}

impl Targets {
    fn start(file: &FileWriter, ntuple: PlannedNTuple, in_store: bool, options: &WriteOptions) -> Result<Self> {
        let PlannedNTuple { path, description, merge, inputs, sets, .. } = ntuple;
        let target = if in_store { split(&path).1.to_owned() } else { path.clone() };
        let main = Target::start(file.shared(), &target, &description, merge, options)?;
        let mut started = Vec::with_capacity(sets.len());
        for set in sets {
            let target = Target::start_linked(&main, &set.path, &set.description, set.merge, options)?;
            started.push((set.path, target));
        }
        Ok(Self { path, inputs, main, sets: started })
    }

    fn append(&mut self, ntuple: &crate::reader::NTuple, job: &mut append::Job<'_>) -> Result<Moved> {
        let before = self.main.entries();
        let mut moved = self.main.append(ntuple, Shift::None, job)?;
        for name in ntuple.attribute_sets() {
            let set = ntuple.attribute_set(&name)?;
            if let Some((_, target)) = self.sets.iter_mut().find(|(other, _)| *other == name) {
                moved += target.append(&set, Shift::Ranges(before), job)?;
            }
        }
        Ok(moved)
    }

    fn finish(self) -> Result<MergedNTuple> {
        let Self { path, inputs, mut main, sets } = self;
        for (_, set) in sets {
            main.add_attribute_set(set)?;
        }
        let written = main.finish()?;
        Ok(MergedNTuple { path, entries: written.entries, clusters: written.clusters, inputs })
    }
}

/// Whether two names mean the same file.
fn same_place(a: &Path, b: &Path) -> bool {
    let local = |name: &Path| Name::of(name).ok().and_then(Name::into_path);
    match (local(a), local(b)) {
        (Some(a), Some(b)) => same_file(&a, &b).unwrap_or(false),
        _ => a == b,
    }
}

#[cfg(unix)]
fn same_file(a: &Path, b: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let (a, b) = (std::fs::metadata(a)?, std::fs::metadata(b)?);
    Ok((a.dev(), a.ino()) == (b.dev(), b.ino()))
}

#[cfg(not(unix))]
fn same_file(a: &Path, b: &Path) -> std::io::Result<bool> {
    Ok(std::fs::canonicalize(a)? == std::fs::canonicalize(b)?)
}
