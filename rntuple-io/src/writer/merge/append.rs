//! A data set that others are appended to.

use std::sync::Arc;

use rntuple_core::compression::CompressionSettings;
use rntuple_core::memory::Pool;
use rntuple_core::metadata::{ClusterPages, ClusterSummary, ColumnPages, PageInfo};
use rntuple_core::schema::{ColumnEncoding, ColumnId, FieldSource, MergedSchema, Schema, SchemaMerge};
use rntuple_core::{Error as FormatError, Result as FormatResult};

use crate::error::Result;
use crate::reader::{DataSet, NTuple};
use crate::threads::Threads;
use crate::writer::dataset::Dataset;
use crate::writer::embedding::Embedding;
use crate::writer::options::{Checkpoint, WriteOptions};
use crate::writer::output::{Output, Shared, Written};
use crate::writer::transfer::{Moved, NOWHERE, Reseal, Transfer, Treatment};

/// Bytes of zeros in a page before compression.
const ZERO_PAGE: u64 = 1 << 20;
/// Most pages of zeros that are made up for a cluster: a few bytes may claim any number of entries.
const MAX_ZERO_PAGES: u64 = 1 << 20;
/// The field of an attribute set that counts entries of the data set.
const RANGE_START: &str = "_rangeStart";

/// How appending is done.
pub(super) struct Job<'a> {
    pub(super) compression: Option<CompressionSettings>,
    pub(super) verify: bool,
    pub(super) options: &'a WriteOptions,
    pub(super) threads: &'a Threads,
    pub(super) pool: &'a Arc<Pool>,
    /// Told the bytes of pages that were read of the data set at hand.
    pub(super) tell: &'a mut dyn FnMut(u64) -> Result<()>,
}

/// What must be added to values.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shift {
    None,
    /// The entries that ranges of an attribute set count from here on.
    Ranges(u64),
}

/// A data set that is being put together.
pub(super) struct Target {
    output: Output,
    merged: MergedSchema,
    /// For each column, the elements so far, in whatever representation.
    elements: Vec<u64>,
}

impl Target {
    pub(super) fn start(
        shared: &Shared,
        path: &str,
        description: &str,
        merge: SchemaMerge,
        options: &WriteOptions,
    ) -> Result<Self> {
        let merged = merge.finish().map_err(|e| shared.format(e))?;
        let start = |embedding: &mut Embedding, name: &str| begin(embedding, name, description, &merged, options);
        let output = Output::start(shared, path, start, Checkpoint::Never)?;
        Ok(Self::new(output, merged))
    }

    /// Starts an attribute set of another data set.
    pub(super) fn start_linked(
        main: &Self,
        name: &str,
        description: &str,
        merge: SchemaMerge,
        options: &WriteOptions,
    ) -> Result<Self> {
        let shared = &main.output.shared;
        let merged = merge.finish().map_err(|e| shared.format(e))?;
        let start = |embedding: &mut Embedding| begin(embedding, name, description, &merged, options);
        let output = Output::start_linked(shared, name, start, options)?;
        Ok(Self::new(output, merged))
    }

    fn new(output: Output, merged: MergedSchema) -> Self {
        let elements = merged.schema.columns().iter().map(|column| column.first_element).collect();
        Self { output, merged, elements }
    }

    pub(super) fn entries(&self) -> u64 {
        self.output.dataset.entries()
    }

    pub(super) fn add_attribute_set(&mut self, set: Self) -> Result<()> {
        self.output.dataset.add_attribute_set(set.output.finish_linked()?);
        Ok(())
    }

    pub(super) fn finish(self) -> Result<Written> {
        self.output.finish()
    }

    /// Appends a data set whose schema was among those that were merged.
    pub(super) fn append(&mut self, ntuple: &NTuple, shift: Shift, job: &mut Job<'_>) -> Result<Moved> {
        let data = &ntuple.data;
        let within = |e: FormatError| data.file.format(e.within(format!("RNTuple '{}'", ntuple.name())));
        let sources = self.merged.sources(&data.schema).map_err(within)?;
        let mut columns: Vec<ColumnId> = sources
            .iter()
            .flat_map(|source| source.input.iter().flatten())
            .flat_map(|(columns, _)| columns)
            .copied()
            .collect();
        columns.sort_unstable();
        let before = self.entries();
        let mut moved = Moved::default();
        // Groups, and the clusters of each, come in the order of their entries.
        for group in 0..data.footer.cluster_groups.len() {
            for cluster in data.clusters(group, &columns)? {
                if cluster.summary.entries == 0 {
                    continue;
                }
                let schema = Arc::clone(&self.merged.schema);
                let step = Step { data, schema: &schema, cluster: &cluster, before, shift, job };
                let (pages, treatments) = step
                    .cluster(&sources, &self.elements)
                    .map_err(|e| within(e.within(format!("cluster {}", cluster.summary.id))))?;
                let mut embedding = self.output.shared.lock();
                let transfer = Transfer {
                    data,
                    id: self.output.dataset.cluster_count(),
                    max_key_size: job.options.max_key_size,
                    object_size: job.options.object_size,
                    verify: job.verify,
                    threads: job.threads,
                    pool: job.pool,
                };
                let summary = ClusterSummary {
                    id: 0,
                    first_entry: self.output.dataset.entries(),
                    entries: pages.summary.entries,
                };
                let pages = ClusterPages { summary, ..pages };
                let (pages, step) = transfer.pages(&mut embedding, pages, &treatments)?;
                self.output.dataset.add(&mut embedding, &pages)?;
                drop(embedding);
                moved += step;
                transfer.check_total(moved.bytes)?;
                self.count(&sources, &pages);
                (job.tell)(moved.bytes)?;
            }
        }
        Ok(moved)
    }

    /// Whatever representation a cluster has its elements in, they count in all.
    fn count(&mut self, sources: &[FieldSource], cluster: &ClusterPages) {
        for source in sources {
            for n in 0..source.columns.first().map_or(0, Vec::len) {
                let ids = || source.columns.iter().filter_map(|columns| columns.get(n)).map(|id| id.0 as usize);
                let added =
                    ids().filter_map(|i| cluster.columns.get(i)).map(|column| column.elements).max().unwrap_or(0);
                for i in ids() {
                    self.elements.get_mut(i).into_iter().for_each(|sum| *sum = sum.saturating_add(added));
                }
            }
        }
    }
}

fn begin(
    embedding: &mut Embedding,
    name: &str,
    description: &str,
    merged: &MergedSchema,
    options: &WriteOptions,
) -> Result<Dataset> {
    let dataset = Dataset::with_schema(embedding, name, description, Arc::clone(&merged.schema), options)?;
    embedding.add_classes(&merged.schema);
    Ok(dataset)
}

/// A cluster of an input on its way.
struct Step<'a, 'b> {
    data: &'a DataSet,
    schema: &'a Schema,
    cluster: &'a ClusterPages,
    /// Entries of the output before this input.
    before: u64,
    shift: Shift,
    job: &'a Job<'b>,
}

impl<'a> Step<'a, '_> {
    /// The columns of the output with the pages where they are in the input, and what becomes of these.
    fn cluster(&self, sources: &[FieldSource], elements: &[u64]) -> FormatResult<(ClusterPages, Vec<Treatment<'a>>)> {
        let absent = |i: usize| ColumnPages {
            column: ColumnId(u32::try_from(i).unwrap_or(u32::MAX)),
            suppressed: false,
            compression: None,
            zeros: 0,
            first_element: elements.get(i).copied().unwrap_or(0),
            elements: 0,
            pages: Vec::new(),
        };
        let mut columns: Vec<ColumnPages> = (0..self.schema.columns().len()).map(absent).collect();
        let none = Treatment { reseal: None, zeros: 0, bits: 0, compression: 0 };
        let mut treatments = vec![none; columns.len()];
        let mut zero_pages = 0;
        for source in sources.iter().filter(|source| source.since <= self.before) {
            let (taker, input) = match &source.input {
                None => (source.zeros, None),
                Some(input) => self.in_use(input)?,
            };
            for (n, ids) in source.columns.iter().enumerate() {
                for (position, id) in ids.iter().enumerate() {
                    let i = id.0 as usize;
                    let (Some(out), Some(treatment)) = (columns.get_mut(i), treatments.get_mut(i)) else { continue };
                    if n != taker {
                        (out.suppressed, out.first_element) = (true, 0);
                        continue;
                    }
                    let pages = input.and_then(|columns| self.listed(*columns.get(position)?));
                    let per_entry = source.per_entry.filter(|_| position == 0);
                    *treatment = self.column(out, pages, per_entry)?;
                    zero_pages += treatment.zeros as u64;
                    if zero_pages > MAX_ZERO_PAGES {
                        let what = "pages of zeros in a cluster";
                        return Err(FormatError::Limit { what, value: zero_pages, limit: MAX_ZERO_PAGES });
                    }
                }
            }
        }
        Ok((ClusterPages { summary: self.cluster.summary, columns }, treatments))
    }

    /// The representation of a field that has the data of this cluster, and the one that takes it.
    fn in_use<'c>(&self, input: &'c [(Vec<ColumnId>, usize)]) -> FormatResult<(usize, Option<&'c [ColumnId]>)> {
        let state = |columns: &[ColumnId]| columns.first().and_then(|id| self.listed(*id));
        let stored =
            |(columns, _): &&(Vec<ColumnId>, usize)| state(columns).is_some_and(|pages| pages.compression.is_some());
        let open = |(columns, _): &&(Vec<ColumnId>, usize)| state(columns).is_some_and(|pages| !pages.suppressed);
        let found = input.iter().find(stored).or_else(|| input.iter().find(open));
        let Some((columns, taker)) = found else {
            let column = input.first().and_then(|(columns, _)| columns.first()).map_or(0, |id| id.0);
            let reason = format!("neither column {column} nor another representation has its data");
            return Err(FormatError::Inconsistent { what: "page list", reason });
        };
        Ok((*taker, Some(columns)))
    }

    fn listed(&self, id: ColumnId) -> Option<&'a ColumnPages> {
        let columns = &self.cluster.columns;
        columns.binary_search_by_key(&id, |column| column.column).ok().and_then(|i| columns.get(i))
    }

    /// Fills in a column of the output, given that of the input; `per_entry`: how many elements each entry must have.
    fn column(
        &self,
        out: &mut ColumnPages,
        input: Option<&'a ColumnPages>,
        per_entry: Option<u64>,
    ) -> FormatResult<Treatment<'a>> {
        let Some(own) = self.schema.column(out.column) else {
            return Err(FormatError::Inconsistent { what: "schema", reason: "a column is missing".to_owned() });
        };
        let expected = per_entry.map(|n| n.saturating_mul(self.cluster.summary.entries));
        let (zeros, elements) = match input {
            None => (expected.unwrap_or(0), expected.unwrap_or(0)),
            Some(pages) => (pages.zeros, pages.elements),
        };
        if expected.is_some_and(|expected| expected != elements) {
            let reason = format!("column {} has {elements} elements, expected {}", out.column.0, expected.unwrap_or(0));
            return Err(FormatError::Inconsistent { what: "page list", reason });
        }
        let default = self.job.options.compression.get();
        let stored = input.and_then(|pages| pages.compression);
        let compression = self.job.compression.map(CompressionSettings::get).or(stored).unwrap_or(default);
        out.compression = Some(compression);
        out.elements = elements;
        let bits = own.bits;
        let zeros = zero_pages(zeros, bits, &mut out.pages)?;
        out.pages.extend(input.into_iter().flat_map(|pages| &pages.pages));
        let treatment = Treatment { reseal: None, zeros, bits, compression };
        let Some(from) = input.and_then(|pages| self.data.schema.column(pages.column)) else { return Ok(treatment) };
        let to = ColumnEncoding::of_column(own);
        let shift = match self.shift {
            Shift::Ranges(entries) if self.schema.path(own.field) == RANGE_START => entries,
            _ => 0,
        };
        let other =
            stored.is_some_and(|stored| stored != compression) || ColumnEncoding::of_column(from) != to || shift > 0;
        let compression = CompressionSettings::new(compression);
        Ok(Treatment { reseal: other.then_some(Reseal { from, to, compression, shift }), ..treatment })
    }
}

/// Adds pages of zeros; gives their number.
fn zero_pages(elements: u64, bits: u16, out: &mut Vec<PageInfo>) -> FormatResult<usize> {
    let most = (ZERO_PAGE * 8 / u64::from(bits.max(1))).max(1);
    let count = elements.div_ceil(most);
    if count > MAX_ZERO_PAGES {
        return Err(FormatError::Limit { what: "pages of zeros in a cluster", value: count, limit: MAX_ZERO_PAGES });
    }
    let mut first = 0;
    while first < elements {
        let elements = u32::try_from(most.min(elements - first)).unwrap_or(u32::MAX);
        out.push(PageInfo { first, elements, checksum: true, locator: NOWHERE });
        first += u64::from(elements);
    }
    Ok(out.len())
}
