//! Arrow record batches as CSV: one line of field names, then one line per entry.
//!
//! Scalars are plain, nested values are JSON as in [`json`](super::json), an absent value is an empty cell or a text of your
//! choice.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;

use super::json::Cells;
use crate::error::{Error, Result};

/// How values are set apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CsvFormat<'a> {
    /// Stands between values.
    pub delimiter: u8,
    /// Stands around values that need it.
    pub quote: u8,
    /// Stands before a quote inside of quotes; `None`: the quote is doubled.
    pub escape: Option<u8>,
    /// Stands for an absent value.
    pub null: &'a str,
    /// Whether there is a line of field names.
    pub header: bool,
}

impl Default for CsvFormat<'_> {
    fn default() -> Self {
        Self { delimiter: b',', quote: b'"', escape: None, null: "", header: true }
    }
}

/// Writes CSV to a sink.
pub struct CsvWriter<W: Write> {
    writer: ::csv::Writer<W>,
    null: Vec<u8>,
    cell: Vec<u8>,
}

impl<W: Write> std::fmt::Debug for CsvWriter<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CsvWriter").finish_non_exhaustive()
    }
}

impl<W: Write> CsvWriter<W> {
    /// Writes the line of field names. A data set without fields has no such line, and none for its entries.
    ///
    /// # Errors
    /// [`Error::Output`] when `out` fails.
    pub fn new(schema: &Schema, format: &CsvFormat<'_>, out: W) -> Result<Self> {
        let mut builder = ::csv::WriterBuilder::new();
        builder.delimiter(format.delimiter).quote(format.quote).buffer_capacity(64 << 10);
        if let Some(escape) = format.escape {
            builder.double_quote(false).escape(escape);
        }
        let mut writer = builder.from_writer(out);
        if format.header && !schema.fields().is_empty() {
            writer.write_record(schema.fields().iter().map(|field| field.name()))?;
        }
        Ok(Self { writer, null: format.null.as_bytes().to_vec(), cell: Vec::new() })
    }

    /// Writes every entry of `batch`, which must have the fields of the schema that [`CsvWriter::new`] was given.
    ///
    /// # Errors
    /// [`Error::UnsupportedArrow`] for an Arrow type that has no text, [`Error::Output`] when the sink fails.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        if batch.num_columns() == 0 {
            return Ok(());
        }
        let columns = batch.schema_ref().fields().iter().zip(batch.columns());
        let columns = columns.map(|(field, array)| Cells::new(field, array)).collect::<Result<Vec<_>>>()?;
        for row in 0..batch.num_rows() {
            for column in &columns {
                self.cell.clear();
                if column.is_absent(row) {
                    self.cell.extend_from_slice(&self.null);
                } else {
                    column.write_plain(row, &mut self.cell);
                }
                self.writer.write_field(&self.cell)?;
            }
            self.writer.write_record(None::<&[u8]>)?;
        }
        Ok(())
    }

    /// Hands everything to the sink, and gives it back.
    ///
    /// # Errors
    /// [`Error::Output`] when the sink fails.
    pub fn finish(self) -> Result<W> {
        self.writer.into_inner().map_err(|error| Error::Output(error.into_error()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, BinaryArray, BooleanArray, Float64Array, Int32Array, ListArray, RecordBatchOptions};
    use arrow::datatypes::{Field, Int32Type};

    use super::*;

    fn csv(batch: &RecordBatch) -> String {
        let mut out = Vec::new();
        let mut writer = CsvWriter::new(batch.schema_ref(), &CsvFormat::default(), &mut out).unwrap();
        writer.write(batch).unwrap();
        writer.finish().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn scalars_are_plain_and_nested_values_are_json() {
        let lists = ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1), None]), None, Some([None; 2])]);
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("n,o", Arc::new(Int32Array::from(vec![Some(1), None, Some(-3)]))),
            ("f", Arc::new(Float64Array::from(vec![f64::NAN, 0.1, f64::NEG_INFINITY]))),
            ("b", Arc::new(BooleanArray::from(vec![true, false, true]))),
            ("s", Arc::new(BinaryArray::from(vec![&b"a \"b\", c"[..], b"line\nbreak", b"\xff"]))),
            ("l", Arc::new(lists)),
        ];
        let fields = columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let batch = RecordBatch::try_new(schema, columns.into_iter().map(|(_, array)| array).collect()).unwrap();
        assert_eq!(
            csv(&batch),
            "\"n,o\",f,b,s,l\n\
             1,NaN,true,\"a \"\"b\"\", c\",\"[1,null]\"\n\
             ,0.1,false,\"line\nbreak\",\n\
             -3,-Infinity,true,\"{\"\"__bytes_hex__\"\":\"\"ff\"\"}\",\"[null,null]\"\n"
        );
    }

    #[test]
    fn no_fields_no_lines() {
        let options = RecordBatchOptions::new().with_row_count(Some(3));
        let batch = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options).unwrap();
        assert_eq!(csv(&batch), "");
    }
}
