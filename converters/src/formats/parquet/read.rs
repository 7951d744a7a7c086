//! Reading Parquet: row groups are decoded on several threads, and come in order.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::reader::{ChunkReader, Length};
use rntuple_io::storage::{ByteSource, ReadRange};

use super::super::Source;
use super::table_error;
use crate::cli::Convert;
use crate::error::{Error, Result};
use crate::guard::quietly;
use crate::transport::Input;

/// Decoded bytes that a batch should have, about.
const BATCH_BYTES: u64 = 8 << 20;
/// Most rows of a batch.
const BATCH_ROWS: u64 = 65_536;
/// Batches that a thread may be ahead.
const AHEAD: usize = 2;
/// Most bytes of pages that are fetched ahead for a row group of a file that is not local.
const FETCH: u64 = 256 << 20;
/// Pages are read with a margin, so that their headers, which have no length of their own, come with them.
const HEADER: u64 = 64 << 10;

/// Opens a Parquet file.
pub(in crate::formats) fn open(file: &Path, args: &Convert) -> Result<Box<dyn Source>> {
    let input = Input::open(file)?;
    let name = input.name().to_owned();
    let bytes = Ranges { source: input.random_access()?, fetched: Arc::default() };
    let size = bytes.len();
    let options = ArrowReaderOptions::new();
    let metadata = match quietly(|| ArrowReaderMetadata::load(&bytes, options)) {
        Ok(Ok(metadata)) => metadata,
        Ok(Err(error)) => {
            return Err(table_error(&name, format_args!("the footer ({size} bytes in the file): {error}")));
        }
        Err(panic) => return Err(table_error(&name, format_args!("the footer cannot be understood: {panic}"))),
    };
    let groups = metadata.metadata().num_row_groups();
    let schema = Arc::clone(metadata.schema());
    let available = || thread::available_parallelism().map_or(1, usize::from);
    let threads = args.threads.unwrap_or_else(available);
    let mask = ProjectionMask::all();
    Ok(Box::new(ParquetSource {
        name,
        bytes,
        metadata,
        schema,
        mask,
        threads,
        next_group: 0,
        groups,
        offset: 0,
        running: VecDeque::new(),
    }))
}

struct ParquetSource {
    name: String,
    bytes: Ranges,
    metadata: ArrowReaderMetadata,
    schema: SchemaRef,
    mask: ProjectionMask,
    threads: usize,
    /// The next row group that a thread is started for.
    next_group: usize,
    groups: usize,
    /// Rows of that row group that are passed over.
    offset: usize,
    running: VecDeque<Receiver<Result<RecordBatch>>>,
}

impl ParquetSource {
    fn group_rows(&self, group: usize) -> u64 {
        let groups = self.metadata.metadata().row_groups();
        groups.get(group).map_or(0, |group| u64::try_from(group.num_rows()).unwrap_or(0))
    }

    fn start(&mut self) -> Result<()> {
        while self.running.len() < self.threads && self.next_group < self.groups {
            let (send, receive) = sync_channel(AHEAD);
            let group = Group {
                name: self.name.clone(),
                number: self.next_group,
                bytes: self.bytes.clone(),
                metadata: self.metadata.clone(),
                mask: self.mask.clone(),
                offset: std::mem::take(&mut self.offset),
            };
            let spawned = thread::Builder::new().name("parquet".to_owned()).spawn(move || group.run(&send));
            spawned.map_err(|source| Error::Io { file: self.name.clone(), source })?;
            self.running.push_back(receive);
            self.next_group += 1;
        }
        Ok(())
    }
}

impl Source for ParquetSource {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn rows(&self) -> Option<u64> {
        let rows = (self.next_group..self.groups).map(|group| self.group_rows(group)).sum::<u64>();
        Some(rows.saturating_sub(self.offset as u64))
    }

    fn skip(&mut self, rows: u64) -> Result<u64> {
        let mut left = rows;
        while self.next_group < self.groups && self.group_rows(self.next_group) <= left {
            left -= self.group_rows(self.next_group);
            self.next_group += 1;
        }
        if self.next_group < self.groups {
            self.offset = usize::try_from(left).unwrap_or(usize::MAX);
            left = 0;
        }
        Ok(rows - left)
    }

    fn keep(&mut self, columns: &[usize]) -> Result<bool> {
        self.mask = ProjectionMask::roots(self.metadata.parquet_schema(), columns.iter().copied());
        let fields: Vec<_> = columns.iter().filter_map(|&i| self.schema.fields().get(i).cloned()).collect();
        self.schema = Arc::new(Schema::new_with_metadata(fields, self.schema.metadata().clone()));
        Ok(true)
    }

    fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            self.start()?;
            let Some(group) = self.running.front() else { return Ok(None) };
            match group.recv() {
                Ok(batch) => {
                    let batch = batch?;
                    // Batches of an empty projection still count rows; metadata of the file belongs to the schema.
                    let batch = batch.with_schema(Arc::clone(&self.schema));
                    return batch.map(Some).map_err(|e| table_error(&self.name, e));
                }
                Err(_) => {
                    self.running.pop_front();
                }
            }
        }
    }
}

/// A row group that a thread decodes.
struct Group {
    name: String,
    number: usize,
    bytes: Ranges,
    metadata: ArrowReaderMetadata,
    mask: ProjectionMask,
    offset: usize,
}

impl Group {
    fn run(mut self, send: &SyncSender<Result<RecordBatch>>) {
        // Sending fails when nobody waits any more.
        let done = quietly(|| self.decode(|batch| send.send(Ok(batch)).is_ok()));
        let reason = match done {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(panic) => format!("it cannot be decoded: {panic}"),
        };
        let _ = send.send(Err(table_error(&self.name, format_args!("row group {}: {reason}", self.number))));
    }

    fn decode(&mut self, mut take: impl FnMut(RecordBatch) -> bool) -> ParquetResult<()> {
        self.bytes.fetched = Arc::new(self.fetch()?);
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(self.bytes.clone(), self.metadata.clone());
        let mut builder = builder
            .with_row_groups(vec![self.number])
            .with_projection(self.mask.clone())
            .with_batch_size(self.batch_rows());
        if self.offset > 0 {
            builder = builder.with_offset(self.offset);
        }
        let mut rows = self.offset as u64;
        for batch in builder.build()? {
            let batch = batch?;
            rows = rows.saturating_add(batch.num_rows() as u64);
            if !take(batch) {
                return Ok(());
            }
        }
        let group = self.metadata.metadata().row_groups().get(self.number);
        let expected = group.map_or(0, |group| u64::try_from(group.num_rows()).unwrap_or(0));
        if rows != expected {
            let reason = format!("{rows} rows were read, but the footer says that there are {expected}");
            return Err(ParquetError::General(reason));
        }
        Ok(())
    }

    fn batch_rows(&self) -> usize {
        let Some(group) = self.metadata.metadata().row_groups().get(self.number) else { return 1 };
        let rows = u64::try_from(group.num_rows()).unwrap_or(1).max(1);
        let read = |(i, _): &(usize, _)| self.mask.leaf_included(*i);
        let columns = group.columns().iter().enumerate().filter(read);
        let bytes: u64 = columns.map(|(_, column)| u64::try_from(column.uncompressed_size()).unwrap_or(0)).sum();
        // Dictionaries make columns look smaller than they are; no row is less than eight bytes.
        let row = (bytes / rows).max(8);
        usize::try_from((BATCH_BYTES / row).clamp(64, BATCH_ROWS)).unwrap_or(1)
    }

    /// Far away, a request for each page would take long: those of a row group come with few.
    fn fetch(&self) -> ParquetResult<Vec<(u64, bytes::Bytes)>> {
        let access = self.bytes.source.access();
        let Some(group) = self.metadata.metadata().row_groups().get(self.number) else { return Ok(Vec::new()) };
        if !access.remote {
            return Ok(Vec::new());
        }
        let size = self.bytes.len();
        let chunks = group.columns().iter().enumerate().filter(|(i, _)| self.mask.leaf_included(*i));
        let mut ranges: Vec<(u64, u64)> = Vec::new();
        let mut sum = 0_u64;
        for (start, len) in chunks.map(|(_, column)| column.byte_range()) {
            let end = start.saturating_add(len).min(size);
            sum = sum.saturating_add(end.saturating_sub(start));
            match ranges.last_mut() {
                Some((_, last)) if *last <= start && start - *last <= access.gap && end - *last <= access.request => {
                    *last = end;
                }
                _ if start < end => ranges.push((start, end)),
                _ => {}
            }
        }
        if sum > FETCH {
            return Ok(Vec::new());
        }
        let mut buffers: Vec<Vec<u8>> =
            ranges.iter().map(|(start, end)| vec![0; usize::try_from(end - start).unwrap_or(0)]).collect();
        let mut reads: Vec<ReadRange<'_>> =
            ranges.iter().zip(&mut buffers).map(|((start, _), buffer)| ReadRange::new(*start, buffer)).collect();
        self.bytes.source.read_many(&mut reads, access.parallel);
        for read in reads {
            read.result?;
        }
        Ok(ranges.into_iter().zip(buffers).map(|((start, _), bytes)| (start, bytes.into())).collect())
    }
}

/// A file of which ranges are read; some are here already.
#[derive(Clone)]
struct Ranges {
    source: Arc<dyn ByteSource>,
    fetched: Arc<Vec<(u64, bytes::Bytes)>>,
}

impl Ranges {
    fn fetched(&self, start: u64, length: usize) -> Option<bytes::Bytes> {
        self.fetched.iter().find_map(|(first, bytes)| {
            let from = usize::try_from(start.checked_sub(*first)?).ok()?;
            let to = from.checked_add(length)?;
            (to <= bytes.len()).then(|| bytes.slice(from..to))
        })
    }
}

impl Length for Ranges {
    fn len(&self) -> u64 {
        self.source.size()
    }
}

impl ChunkReader for Ranges {
    type T = Box<dyn Read>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        let left = self.len().saturating_sub(start);
        for length in [left.min(HEADER), left.min(4 << 10)] {
            let length = usize::try_from(length).unwrap_or(0);
            if let Some(bytes) = self.fetched(start, length) {
                return Ok(Box::new(io::Cursor::new(bytes)));
            }
        }
        Ok(Box::new(io::BufReader::with_capacity(4 << 10, Sequential { source: Arc::clone(&self.source), at: start })))
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<bytes::Bytes> {
        if let Some(bytes) = self.fetched(start, length) {
            return Ok(bytes);
        }
        let fits = start.checked_add(length as u64).is_some_and(|end| end <= self.len());
        if !fits {
            return Err(ParquetError::EOF(format!("{length} bytes at byte {start} are beyond the end of the file")));
        }
        let mut buffer = vec![0; length];
        self.source.read_at(start, &mut buffer)?;
        Ok(buffer.into())
    }
}

/// Reads from a place on.
struct Sequential {
    source: Arc<dyn ByteSource>,
    at: u64,
}

impl Read for Sequential {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.source.size().saturating_sub(self.at)).unwrap_or(usize::MAX);
        let (buffer, _) = buffer.split_at_mut(buffer.len().min(left));
        self.source.read_at(self.at, buffer)?;
        self.at += buffer.len() as u64;
        Ok(buffer.len())
    }
}
