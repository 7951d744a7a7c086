//! An Arrow schema as bytes: the message that an Arrow IPC stream begins with.

use std::panic::catch_unwind;

use arrow::datatypes::Schema;
use arrow::ipc::convert::try_schema_from_ipc_buffer;
use arrow::ipc::writer::{DictionaryTracker, IpcDataGenerator, IpcWriteOptions};

use crate::error::{Error, Result};

/// Schemas of real tables are far smaller.
const MAX_RECORD: usize = 64 << 20;

/// The bytes of a record: marker, length, message, as at the start of an IPC stream.
#[must_use]
pub fn write_record(schema: &Schema) -> Vec<u8> {
    let mut tracker = DictionaryTracker::new(true);
    let options = IpcWriteOptions::default();
    let message =
        IpcDataGenerator::default().schema_to_bytes_with_dictionary_tracker(schema, &mut tracker, &options).ipc_message;
    let mut out = vec![0xff; 4];
    // A schema that took more memory than that could not have been made.
    out.extend(u32::try_from(message.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend(message);
    out
}

/// The schema of a record.
///
/// # Errors
/// [`Error::Inconsistent`] when the bytes are not a schema.
pub fn parse_record(bytes: &[u8]) -> Result<Schema> {
    let wrong = |reason: String| Error::inconsistent("record of the Arrow schema", reason);
    if bytes.len() > MAX_RECORD {
        return Err(wrong(format!("{} bytes are too many", bytes.len())));
    }
    // Arrow checks the structure of the message, but panics at types that contradict themselves.
    match catch_unwind(|| try_schema_from_ipc_buffer(bytes)) {
        Ok(Ok(schema)) => Ok(schema),
        Ok(Err(error)) => Err(wrong(error.to_string())),
        Err(_) => Err(wrong("it has a type that does not exist".to_owned())),
    }
}
