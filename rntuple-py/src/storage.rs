//! Options of remote storage, from keyword arguments.

use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict};
use rntuple_io::storage::Storage;

use crate::error::argument;

/// The storage with the options of a dict: `timeout` and `hedge_after` in seconds, `retries`, and those of the services by
/// name (`aws_endpoint`). Without a dict, the one that the whole process shares.
pub(crate) fn storage(py: Python<'_>, given: Option<&Bound<'_, PyDict>>) -> PyResult<Storage> {
    let Some(given) = given else { return Ok(Storage::shared().clone()) };
    let mut storage = Storage::new();
    for (name, value) in given {
        let name: String = name.extract()?;
        storage = match name.as_str() {
            "timeout" => storage.timeout(seconds(py, &name, &value)?),
            "retries" => storage.retries(value.extract()?),
            "hedge_after" if value.is_none() => storage.hedge_after(None),
            "hedge_after" => storage.hedge_after(Some(seconds(py, &name, &value)?)),
            _ if value.is_instance_of::<PyBool>() => storage.option(name, value.extract::<bool>()?.to_string()),
            _ => storage.option(name, value.str()?.to_string()),
        };
    }
    Ok(storage)
}

fn seconds(py: Python<'_>, name: &str, value: &Bound<'_, PyAny>) -> PyResult<Duration> {
    Duration::try_from_secs_f64(value.extract()?).map_err(|error| argument(py, &format!("{name}: {error}")))
}
