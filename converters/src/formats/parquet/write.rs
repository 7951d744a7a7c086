//! Writing Parquet: the columns of a row group are encoded on several threads.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, FieldRef, IntervalUnit, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{
    ArrowColumnWriter, ArrowLeafColumn, ArrowRowGroupWriterFactory, ArrowWriterOptions, compute_leaves,
};
use parquet::errors::Result as ParquetResult;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::super::Sink;
use super::{compression, table_error};
use crate::cli::Convert;
use crate::error::{Error, Result};
use crate::guard::quietly;
use crate::transport::Output;

/// Rows of a row group, unless it gets too large before.
const GROUP_ROWS: usize = 1 << 20;
/// Bytes of encoded columns that end a row group: they are held until it is complete.
const GROUP_BYTES: usize = 128 << 20;

/// Starts to write a Parquet file.
pub(in crate::formats) fn create(args: &Convert, schema: &SchemaRef) -> Result<Box<dyn Sink>> {
    let file = args.output.to_string_lossy().into_owned();
    for field in schema.fields() {
        check(field, field.name(), &file)?;
    }
    let properties = WriterProperties::builder().set_compression(compression(args)?).build();
    let options = ArrowWriterOptions::new().with_properties(properties);
    let output = Output::create(&args.output)?;
    let writer = ArrowWriter::try_new_with_options(output, Arc::clone(schema), options);
    let (writer, factory) = writer.and_then(ArrowWriter::into_serialized_writer).map_err(|e| table_error(&file, e))?;
    let mut pool = ThreadPoolBuilder::new().thread_name(|_| "parquet".to_owned());
    if let Some(threads) = args.threads {
        pool = pool.num_threads(threads);
    }
    let pool = pool.build().map_err(|e| table_error(&file, e))?;
    let group_rows = args.row_group_rows.unwrap_or(GROUP_ROWS);
    Ok(Box::new(ParquetSink { file, writer, factory, pool, schema: Arc::clone(schema), group_rows, group: None }))
}

/// Refuses what Parquet, or the library that writes it, cannot hold.
fn check(field: &FieldRef, path: &str, file: &str) -> Result<()> {
    let refuse = |reason: &str| {
        let column = path.split('.').next().unwrap_or(path);
        let remedy = format!("leave it out with --drop '{column}', or convert it with --cast '{column}=TYPE'");
        Err(table_error(file, format_args!("column '{path}': {reason}; {remedy}")))
    };
    match field.data_type() {
        DataType::Union(..) if !path.contains('.') => {
            let remedy =
                format!("leave it out with --drop '{path}', or write its alternatives with --unions-as-structs");
            Err(table_error(file, format_args!("column '{path}': Parquet has no unions (variants); {remedy}")))
        }
        DataType::Union(..) => refuse("Parquet has no unions (variants)"),
        DataType::Struct(fields) if fields.is_empty() => refuse("Parquet has no structs without members"),
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            refuse("intervals of months, days and nanoseconds do not fit")
        }
        DataType::RunEndEncoded(..) => refuse("run-end encoded columns do not come back from Parquet"),
        DataType::Struct(fields) => {
            fields.iter().try_for_each(|field| check(field, &format!("{path}.{}", field.name()), file))
        }
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _)
        | DataType::Map(item, _) => check(item, &format!("{path}.{}", item.name()), file),
        _ => Ok(()),
    }
}

struct ParquetSink {
    file: String,
    writer: SerializedFileWriter<Output>,
    factory: ArrowRowGroupWriterFactory,
    pool: ThreadPool,
    schema: SchemaRef,
    group_rows: usize,
    group: Option<Group>,
}

/// A row group under way.
struct Group {
    columns: Vec<ArrowColumnWriter>,
    rows: usize,
}

impl Sink for ParquetSink {
    fn append(&mut self, batch: &RecordBatch) -> Result<()> {
        let mut done = 0;
        while done < batch.num_rows() {
            let started = self.group.take();
            let mut group = match started {
                Some(group) => group,
                None => {
                    let number = self.writer.flushed_row_groups().len();
                    let columns = self.factory.create_column_writers(number).map_err(|e| table_error(&self.file, e))?;
                    Group { columns, rows: 0 }
                }
            };
            let rows = (batch.num_rows() - done).min(self.group_rows.saturating_sub(group.rows).max(1));
            let part = batch.slice(done, rows);
            let encoded = quietly(|| self.pool.install(|| group.append(&part, &self.schema)));
            match encoded {
                Ok(encoded) => encoded
                    .map_err(|(column, error)| table_error(&self.file, format_args!("column '{column}': {error}")))?,
                Err(panic) => return Err(table_error(&self.file, format_args!("cannot be encoded: {panic}"))),
            }
            done += rows;
            let bytes: usize = group.columns.iter().map(ArrowColumnWriter::memory_size).sum();
            self.group = Some(group);
            if self.group.as_ref().is_some_and(|group| group.rows >= self.group_rows) || bytes >= GROUP_BYTES {
                self.end_group()?;
            }
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<u64> {
        self.end_group()?;
        let file = self.file;
        let output = self.writer.into_inner().map_err(|e| table_error(&file, e))?;
        output.finish()
    }
}

impl ParquetSink {
    /// Errors of the output keep their kind: a closed pipe is none to complain about.
    fn error(&self, error: parquet::errors::ParquetError) -> Error {
        match error {
            parquet::errors::ParquetError::External(source) => match source.downcast::<std::io::Error>() {
                Ok(source) => Error::Io { file: self.file.clone(), source: *source },
                Err(source) => table_error(&self.file, source),
            },
            other => table_error(&self.file, other),
        }
    }

    fn end_group(&mut self) -> Result<()> {
        let Some(group) = self.group.take() else { return Ok(()) };
        let close = || -> ParquetResult<Vec<_>> {
            use rayon::prelude::*;
            group.columns.into_par_iter().map(ArrowColumnWriter::close).collect()
        };
        let chunks = self.pool.install(close).map_err(|e| self.error(e))?;
        let put = || -> ParquetResult<()> {
            let mut writer = self.writer.next_row_group()?;
            for chunk in chunks {
                chunk.append_to_row_group(&mut writer)?;
            }
            writer.close().map(drop)
        };
        put().map_err(|e| self.error(e))
    }
}

impl Group {
    /// Encodes rows; an error comes with the name of its column.
    fn append(
        &mut self,
        batch: &RecordBatch,
        schema: &SchemaRef,
    ) -> Result<(), (String, parquet::errors::ParquetError)> {
        use rayon::prelude::*;
        let fields: Vec<_> = schema.fields().iter().zip(batch.columns()).collect();
        let leaves: Vec<(usize, ArrowLeafColumn)> = fields
            .par_iter()
            .enumerate()
            .map(|(i, (field, array))| {
                let leaves = compute_leaves(field, array).map_err(|e| (field.name().clone(), e))?;
                Ok(leaves.into_iter().map(|leaf| (i, leaf)).collect::<Vec<_>>())
            })
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .flatten()
            .collect();
        self.columns.par_iter_mut().zip(&leaves).try_for_each(|(writer, (i, leaf))| {
            let name = || fields.get(*i).map_or_else(String::new, |(field, _)| field.name().clone());
            writer.write(leaf).map_err(|e| (name(), e))
        })?;
        self.rows += batch.num_rows();
        Ok(())
    }
}
