//! Copying between storages: files byte by byte, data sets page by page.

use std::ops::{ControlFlow, Range};
use std::path::Path;
use std::sync::Arc;

use rntuple_core::checksum::{Hasher, xxh3};

#[cfg(doc)]
use crate::NTuple;
use crate::error::{Error, Result};
use crate::path::join;
use crate::reader::{File, NTupleKey, Reader};
use crate::storage::{ByteSink, LocalFile, Name, Partial, ReadRange, Storage};
use crate::writer::{FileWriter, WriteOptions};

/// Bytes of a request.
const PIECE: u64 = 8 << 20;
/// Requests under way at once, at most.
const PIECES: usize = 4;

/// Is told how much is done and how much there is in all; [`ControlFlow::Break`] ends the work.
pub(crate) type Progress<'a> = &'a mut dyn FnMut(u64, u64) -> ControlFlow<()>;

/// Says how far the work on `file` is.
pub(crate) fn go_on(progress: Progress<'_>, file: &Arc<str>, done: u64, all: u64) -> Result<()> {
    match progress(done, all) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Error::Stopped { file: Arc::clone(file) }),
    }
}

/// What [`copy_file`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Copied {
    /// Bytes of the file.
    pub bytes: u64,
    /// How many of them an earlier, broken-off copy had brought already.
    pub resumed: u64,
    /// XXH3-64 of the file.
    pub checksum: u64,
}

/// Where a copy goes.
enum Target {
    Partial(Partial),
    Sink(Box<dyn ByteSink>),
}

impl Target {
    fn write(&mut self, offset: u64, bytes: &[u8]) -> std::io::Result<()> {
        match self {
            Self::Partial(file) => file.write_at(offset, bytes),
            Self::Sink(sink) => sink.write_at(offset, bytes),
        }
    }

    fn finish(self, len: u64) -> std::io::Result<()> {
        match self {
            Self::Partial(file) => file.finish(len),
            Self::Sink(sink) => sink.finish(),
        }
    }
}

/// Copies a file, given the paths or URIs of source and target ([`Storage`] tells which there are). The target appears when
/// it is complete. `progress` is called now and then with bytes done and bytes of the file, and may end the copy; then
/// nothing is left of it.
///
/// A copy to a local file that is broken off otherwise leaves its part as `.NAME.….part`, where the next one to the same target goes
/// on, if the source is still the same; the end of the part is compared first. Copies to other storage start anew.
///
/// # Errors
/// [`Error::Io`]; [`Error::Stopped`] when `progress` says so.
pub fn copy_file(
    from: impl AsRef<Path>,
    to: impl AsRef<Path>,
    storage: &Storage,
    progress: Progress<'_>,
) -> Result<Copied> {
    let source = File::open(from.as_ref(), storage)?;
    let to = to.as_ref();
    let name: Arc<str> = to.to_string_lossy().into();
    let writing = |e| Error::io(&name, "writing", e);
    let size = source.size();
    let target = match Name::of(to).map_err(writing)?.into_path() {
        Some(path) => Target::Partial(Partial::open(&path, identity(&source)).map_err(writing)?),
        None => Target::Sink(storage.sink(to).map_err(writing)?),
    };
    let mut copy = Copy { source: &source, target, size, at: 0, checksum: Hasher::default(), writing: &writing };
    let resumed = copy.resume()?;
    let done = copy.run(&name, progress);
    let Copy { target, checksum, .. } = copy;
    if let (Err(Error::Stopped { .. }), Target::Partial(part)) = (&done, &target) {
        part.remove();
    }
    done?;
    target.finish(size).map_err(writing)?;
    Ok(Copied { bytes: size, resumed, checksum: checksum.finish() })
}

/// Copies the newest cycle of every RNTuple between a file and a store, or between stores, given their paths or URIs. Pages
/// are moved as they are, with their checksums verified; what else a file holds stays behind. A data set that is replaced
/// stays visible until the new one is complete. `progress` is called now and then with entries done and entries of the data
/// set at hand, and may end the copy; objects of it that are in a store then are left over, and nothing leads to them. Gives
/// the bytes that were written.
///
/// Several data sets go below the key that the target names, each under its name. Of the options, those of objects count.
///
/// # Errors
/// [`Error::Argument`] for a data set that cannot be in the target, and between files, where [`copy_file`] is the way; those
/// of [`NTuple::copy_to_store`] and [`FileWriter::copy`]; [`Error::Stopped`] when `progress` says so.
pub fn copy_ntuples(
    from: impl AsRef<Path>,
    to: impl AsRef<Path>,
    options: &WriteOptions,
    storage: &Storage,
    progress: Progress<'_>,
) -> Result<u64> {
    let (from, to) = (from.as_ref(), to.as_ref());
    let reader = Reader::open_with(from, storage)?;
    if let Some((_, error)) = reader.damaged().first() {
        return Err(error.clone());
    }
    let newest: Vec<&NTupleKey> = reader.list().iter().filter(|key| key.newest).collect();
    let name: Arc<str> = to.to_string_lossy().into();
    let argument = |reason: &str| Err(Error::Argument { file: Arc::clone(&name), reason: reason.to_owned() });
    if newest.is_empty() {
        return argument("there is no RNTuple to be copied");
    }
    let io = |e| Error::io(&name, "cannot be created", e);
    let Some(keyed) = storage.keyed(to, true).map_err(io)? else {
        if reader.size().is_some() {
            return argument("a file is copied to a file as a whole");
        }
        let file = FileWriter::create_with(to, options, storage)?;
        for key in newest {
            let ntuple = reader.open_key(key)?;
            file.copy_with(&ntuple, ntuple.name(), progress)?;
        }
        return file.finish();
    };
    let options = options.clone().object_layout(keyed.layout);
    let is_key = newest.len() == 1 && !keyed.base.is_empty();
    let mut bytes = 0_u64;
    for key in newest {
        let ntuple = reader.open_key(key)?;
        let base = if is_key { keyed.key_of(ntuple.name()) } else { join(&keyed.base, ntuple.name()) };
        let store = Arc::clone(&keyed.store);
        let written = ntuple.copy_to_store_with(Arc::clone(&name), store, &base, &options, progress)?;
        bytes = bytes.saturating_add(written.file_size);
    }
    Ok(bytes)
}

/// XXH3-64 of a file, given its path or URI. `progress` is called as by [`copy_file`].
///
/// # Errors
/// [`Error::Io`]; [`Error::Stopped`] when `progress` says so.
pub fn checksum_file(name: impl AsRef<Path>, storage: &Storage, progress: Progress<'_>) -> Result<u64> {
    let file = File::open(name.as_ref(), storage)?;
    let (mut checksum, size) = (Hasher::default(), file.size());
    pieces(&file, 0..size, |at, bytes| {
        checksum.update(bytes);
        go_on(progress, &file.name, at + bytes.len() as u64, size)
    })?;
    Ok(checksum.finish())
}

/// Tells the source from another one of its name.
fn identity(source: &File) -> u64 {
    let version = source.source.version().unwrap_or_default();
    xxh3(format!("{}\n{}\n{version}", source.name, source.size()).as_bytes())
}

struct Copy<'a, E> {
    source: &'a File,
    target: Target,
    size: u64,
    at: u64,
    checksum: Hasher,
    writing: &'a E,
}

impl<E: Fn(std::io::Error) -> Error> Copy<'_, E> {
    /// Takes over what is there already. Its end may be damaged, if the machine went down.
    fn resume(&mut self) -> Result<u64> {
        let Target::Partial(part) = &self.target else { return Ok(0) };
        let have = part.len.min(self.size) / PIECE * PIECE;
        if have == 0 {
            return Ok(0);
        }
        let file = part.file.try_clone().map_err(self.writing)?;
        let part = LocalFile::of(file).map_err(self.writing)?;
        let there = File::new("the part that was copied before", Arc::new(part));
        let (checksum, mut last) = (&mut self.checksum, Vec::new());
        pieces(&there, 0..have, |_, bytes| {
            checksum.update(bytes);
            last.clear();
            last.extend_from_slice(bytes);
            Ok(())
        })?;
        let start = have - last.len() as u64;
        if self.source.read(|| "comparing".to_owned(), start, last.len() as u64)? != last {
            self.checksum = Hasher::default();
            return Ok(0);
        }
        self.at = have;
        Ok(have)
    }

    fn run(&mut self, name: &Arc<str>, progress: Progress<'_>) -> Result<()> {
        let Self { source, target, size, at, checksum, writing } = self;
        pieces(source, *at..*size, |offset, bytes| {
            checksum.update(bytes);
            target.write(offset, bytes).map_err(*writing)?;
            go_on(progress, name, offset + bytes.len() as u64, *size)
        })
    }
}

/// Hands over a range of a file piece by piece, in order.
fn pieces(file: &File, range: Range<u64>, mut each: impl FnMut(u64, &[u8]) -> Result<()>) -> Result<()> {
    let at_once = file.source.access().parallel.clamp(1, PIECES);
    let mut buffers = vec![Vec::new(); at_once];
    let mut at = range.start;
    while at < range.end {
        let mut reads = Vec::new();
        let start = at;
        for buffer in &mut buffers {
            let len = PIECE.min(range.end - at);
            if len == 0 {
                break;
            }
            buffer.resize(usize::try_from(len).unwrap_or(usize::MAX), 0);
            reads.push(ReadRange::new(at, buffer));
            at += len;
        }
        file.read_many(&mut reads, at - start, at_once);
        for ReadRange { offset, buffer, result } in reads {
            result.map_err(|e| Error::io(&file.name, format!("reading {} bytes at byte {offset}", buffer.len()), e))?;
            each(offset, buffer)?;
        }
    }
    Ok(())
}
