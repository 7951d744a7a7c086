//! Options of writing, from keyword arguments.

use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyInt};
use rntuple_core::compression::CompressionSettings;
use rntuple_core::schema::ColumnEncoding;
use rntuple_io::{Checkpoint, WriteOptions};

use crate::error::argument;
use crate::work::threads;

/// The options that a dict of keyword arguments gives; what is `None` keeps its default.
pub(crate) fn write_options(py: Python<'_>, given: Option<&Bound<'_, PyDict>>) -> PyResult<WriteOptions> {
    let mut options = WriteOptions::default();
    let mut asked_threads = None;
    for (name, value) in given.into_iter().flatten() {
        let name: String = name.extract()?;
        if value.is_none() {
            continue;
        }
        options = match name.as_str() {
            "compression" => options.compression(compression(py, &value)?),
            "field_compression" => {
                let each = value.cast_into::<PyDict>()?;
                each.iter().try_fold(options, |options, (pattern, value)| -> PyResult<_> {
                    Ok(options.field_compression(pattern.extract::<String>()?, compression(py, &value)?))
                })?
            }
            "encodings" => {
                let each = value.cast_into::<PyDict>()?;
                each.iter().try_fold(options, |options, (pattern, value)| -> PyResult<_> {
                    let text: String = value.extract()?;
                    let encoding = text.parse::<ColumnEncoding>().map_err(|error| argument(py, &error.to_string()))?;
                    Ok(options.encoding(pattern.extract::<String>()?, encoding))
                })?
            }
            "small_indexes" => options.small_indexes(value.extract()?),
            "keep_encodings" => options.keep_encodings(value.extract()?),
            "approx_zipped_cluster_size" => options.approx_zipped_cluster_size(value.extract()?),
            "max_unzipped_cluster_size" => options.max_unzipped_cluster_size(value.extract()?),
            "initial_unzipped_page_size" => options.initial_unzipped_page_size(value.extract()?),
            "max_unzipped_page_size" => options.max_unzipped_page_size(value.extract()?),
            "page_checksums" => options.page_checksums(value.extract()?),
            "same_page_merging" => options.same_page_merging(value.extract()?),
            "max_key_size" => options.max_key_size(value.extract()?),
            "ordered" => options.ordered(value.extract()?),
            "description" => options.description(value.extract::<String>()?),
            "checkpoint" => options.checkpoint(checkpoint(py, &value)?),
            "threads" => {
                asked_threads = Some(value.extract()?);
                options
            }
            other => return Err(argument(py, &format!("'{other}' is no option of writing"))),
        };
    }
    Ok(match threads(asked_threads) {
        Some(count) => options.threads(count),
        None => options,
    })
}

/// `"zstd:5"`, `"lz4"`, `"none"`, or ROOT's number.
fn compression(py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<CompressionSettings> {
    let text = if value.is_instance_of::<PyInt>() { value.str()?.to_string() } else { value.extract::<String>()? };
    text.parse().map_err(|error: rntuple_core::compression::CompressionError| argument(py, &error.to_string()))
}

/// An int: after so many clusters. A float: after so many seconds.
fn checkpoint(py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<Checkpoint> {
    if value.is_instance_of::<PyInt>() && !value.is_instance_of::<PyBool>() {
        return Ok(Checkpoint::Clusters(value.extract()?));
    }
    let time = Duration::try_from_secs_f64(value.extract()?);
    time.map(Checkpoint::Every).map_err(|error| argument(py, &format!("checkpoint: {error}")))
}
