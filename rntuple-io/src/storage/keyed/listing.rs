//! Which data sets a store has.

use std::sync::Arc;

use super::layout::is_inner;
use super::space::open_key_value;
use super::{KeyedStore, Keys};
use crate::error::{Error, Result};
use crate::path::join;
use crate::reader::NTuple;

/// The bases of the data sets whose keys begin with `prefix` (of the key-value layout: whose container does), in alphabetical
/// order. Attribute sets are not among them. Goes through all keys, but reads only what it needs for names: of the
/// key-value layout, the header.
///
/// # Errors
/// [`Error::Io`]; [`Error::Format`] for a data set of the key-value layout whose header is damaged.
pub fn data_sets(name: impl Into<Arc<str>>, store: &Arc<dyn KeyedStore>, prefix: &str) -> Result<Vec<String>> {
    let name = name.into();
    let listed = store.list(prefix);
    let listed = listed.map_err(|e| Error::io(&name, format!("listing the keys that begin with '{prefix}'"), e))?;
    let mut found = Vec::new();
    for key in &listed {
        if let Some((container, keys)) = Keys::of_anchor(key) {
            if let Some(found_there) = open_key_value(&name, Arc::clone(store), keys)? {
                let ntuple = NTuple::from_found(Arc::clone(&name), found_there)?;
                found.push(join(container, ntuple.name()));
            }
        } else if is_native_anchor(&listed, key) {
            found.push(key.clone());
        }
    }
    found.sort();
    Ok(found)
}

/// Whether a key has the objects of a data set below it.
fn is_native_anchor(listed: &[String], key: &str) -> bool {
    let has = |below: String| {
        let at = listed.partition_point(|other| *other < below);
        listed
            .get(at)
            .is_some_and(|other| if below.ends_with('/') { other.starts_with(&below) } else { *other == below })
    };
    !key.split('/').any(is_inner) && (has(format!("{key}/0")) || has(format!("{key}/_run/")))
}
