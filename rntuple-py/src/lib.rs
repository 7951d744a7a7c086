//! `rntuple._lib`: what the Python package `rntuple` is made of.
//!
//! ```text
//!  File, NTuple      what is in a file, and which fields an RNTuple has       (file, ntuple)
//!  Stream            record batches of a scan, one by one or as one           (stream)
//!  Batch, Array      Arrow data: buffers for NumPy and Awkward, C interface   (batch, array, build)
//!  Schema, Field     Arrow types, from and to Python                          (schema)
//!  FileWriter, ...   writing                                                  (writer, parallel, options, conform)
//! ```
//!
//! This layer converts arguments, gives up the GIL and turns errors into exceptions; what is convenient is made in Python
//! on top of it. Everything that may take long runs on a thread of its own, so that Ctrl-C is answered meanwhile
//! (`work`).

#![expect(clippy::needless_pass_by_value, reason = "what functions called by Python take is extracted for them")]

mod array;
mod batch;
mod build;
mod conform;
mod error;
mod file;
mod keys;
mod ntuple;
mod options;
mod parallel;
mod schema;
mod source;
mod storage;
mod stream;
mod work;
mod writer;

use pyo3::prelude::*;

/// Memory that was used for one result is used again for the next. The allocator of most systems gives large arrays back at
/// once, and most of the time of reading would go into touching new memory for the first time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[pymodule(gil_used = false)]
mod _lib {
    #[pymodule_export]
    use super::array::{Array, Buffer};
    #[pymodule_export]
    use super::batch::{Batch, concat};
    #[pymodule_export]
    use super::build::{cast, fixed, lists, nullable, numbers, objects, strings, structs, times, unions};
    #[pymodule_export]
    use super::file::File;
    #[pymodule_export]
    use super::ntuple::NTuple;
    #[pymodule_export]
    use super::parallel::{ContextWriter, ParallelNTupleWriter};
    #[pymodule_export]
    use super::schema::{Field, Schema};
    #[pymodule_export]
    use super::stream::Stream;
    #[pymodule_export]
    use super::writer::{AttributeWriter, FileWriter, NTupleWriter, OpenStream, writable_schema};
    use super::{Bound, PyAnyMethods, PyModule, PyModuleMethods, PyResult};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let wind_up = pyo3::wrap_pyfunction!(super::source::wind_up, module)?;
        module.py().import("atexit")?.call_method1("register", (wind_up,))?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
