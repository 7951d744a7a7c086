//! `rntuple gc`: what unfinished writers left in a store.

use std::sync::Arc;

use rntuple_io::storage::Storage;
use rntuple_io::storage::keyed::orphans;

use super::Console;
use crate::cli::Gc;
use crate::error::{Error, Result};
use crate::output::text::{counted, printable};

pub(super) fn run(args: &Gc, console: &mut Console<'_>) -> Result<()> {
    let name: Arc<str> = args.uri.to_string_lossy().into();
    let failed = |what: &str, e| {
        let (file, what, source) = (Arc::clone(&name), what.to_owned(), Arc::new(e));
        Error::Read(rntuple_io::Error::Io { file, what, source })
    };
    let found = Storage::shared().store(&args.uri).map_err(|e| failed("cannot be opened", e))?;
    let Some((store, base)) = found.filter(|(_, base)| !base.is_empty()) else {
        let reason = "is not the URI of a data set in a store, such as ntpl+s3://bucket/run1/Events".to_owned();
        return Err(Error::Read(rntuple_io::Error::Argument { file: name, reason }));
    };
    let keys = orphans(Arc::clone(&name), &store, &base)?;
    for key in &keys {
        console.print(&format!("{}\n", printable(key)))?;
    }
    let count = counted(keys.len() as u64, "key", "keys");
    if args.delete && !keys.is_empty() {
        let all: Vec<&str> = keys.iter().map(String::as_str).collect();
        store.delete(&all).map_err(|e| failed("deleting", e))?;
        return console.print(&format!("{count} deleted\n"));
    }
    console.print(&format!("{count} that nothing leads to\n"))
}
