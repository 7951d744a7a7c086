//! UUIDs of files and directories: a version word and 16 bytes (format-spec/container.md, file header).

use crate::wire::{Be, BeWriter};

const VERSION: u16 = 1;

/// Reads a UUID. No reader needs it, so that one which is cut off counts as none.
pub(super) fn read(cursor: &mut Be<'_>) -> [u8; 16] {
    let mut bytes = || {
        cursor.u16("UUID version").ok()?;
        cursor.take("UUID", 16).ok()?.first_chunk().copied()
    };
    bytes().unwrap_or_default()
}

/// Writes the UUID of a file. Without one the version is left out too, as ROOT's RNTuple writer does.
pub(super) fn write_of_file(out: &mut BeWriter, uuid: &[u8; 16]) {
    if *uuid == [0; 16] {
        out.u16(0);
        out.put(uuid);
    } else {
        write(out, uuid);
    }
}

/// Writes the UUID of a directory. Readers such as uproot want its version even where there is no UUID.
pub(super) fn write(out: &mut BeWriter, uuid: &[u8; 16]) {
    out.u16(VERSION);
    out.put(uuid);
}
