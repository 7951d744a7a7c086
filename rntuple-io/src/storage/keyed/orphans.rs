//! What unfinished writers left behind.

use std::collections::HashSet;
use std::sync::Arc;

use rntuple_core::Error as FormatError;
use rntuple_core::metadata::Locator;

use super::layout::is_inner;
use super::{KeyedStore, Keys};
use crate::error::{Error, Result};
use crate::reader::NTuple;

/// The keys of a base that its data set does not need: left by writers that did not finish, or by a data set that was
/// replaced. [`KeyedStore::delete`] frees them. Keys that are not of the layouts are not looked at, and neither are other
/// data sets below the base.
///
/// Nothing may be writing there: what is not finished yet looks the same.
///
/// # Errors
/// [`Error::Io`]; [`Error::Format`] when there is a data set whose metadata cannot be read: then nothing is known to be
/// needed by nobody.
pub fn orphans(name: impl Into<Arc<str>>, store: &Arc<dyn KeyedStore>, base: &str) -> Result<Vec<String>> {
    let (name, base) = (name.into(), base.trim_matches('/'));
    let list = |prefix: &str| {
        store.list(prefix).map_err(|e| Error::io(&name, format!("listing the keys that begin with '{prefix}'"), e))
    };
    let needed = match NTuple::from_store(Arc::clone(&name), Arc::clone(store), base) {
        Ok(ntuple) => needed(&ntuple)?,
        Err(Error::NotFound { .. }) => HashSet::new(),
        Err(error) => return Err(error),
    };
    let below = format!("{base}/");
    let listed = list(&below)?;
    let is_object = |key: &&String| {
        let Some(rest) = key.strip_prefix(&below) else { return false };
        match rest.split_once('/') {
            Some((first, _)) => is_inner(first),
            None => is_number(rest) && !has_children(&listed, key),
        }
    };
    let mut found: Vec<String> = listed.iter().filter(is_object).cloned().collect();
    if let Keys::KeyValue { prefix } = Keys::key_value(base) {
        found.extend(list(&prefix)?);
    }
    found.retain(|key| !needed.contains(key));
    Ok(found)
}

/// Whether a part of a key could be the number of an object.
pub(crate) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit())
}

/// Whether a key is the base of another data set.
fn has_children(listed: &[String], key: &str) -> bool {
    let below = format!("{key}/");
    let at = listed.partition_point(|other| other.as_str() < below.as_str());
    listed.get(at).is_some_and(|other| other.starts_with(&below))
}

/// The keys that a data set and its attribute sets need.
fn needed(ntuple: &NTuple) -> Result<HashSet<String>> {
    let mut out = HashSet::new();
    // Asking for all pages gives all of them an address.
    let columns: Vec<_> = ntuple.schema().columns().iter().map(|column| column.id).collect();
    for group in 0..ntuple.cluster_group_count() {
        for cluster in ntuple.data.clusters(group, &columns)? {
            let pages = cluster.columns.iter().flat_map(|column| &column.pages);
            if let Some(page) = pages.into_iter().find(|page| !matches!(page.locator, Locator::File { .. })) {
                let reason = format!("a page lies where this version cannot tell ({:?})", page.locator);
                return Err(ntuple.data.file.format(FormatError::Inconsistent { what: "page list", reason }));
            }
        }
    }
    if let Some(space) = &ntuple.data.objects {
        out.insert(space.keys.anchor());
        out.extend(space.named());
    }
    for name in ntuple.attribute_sets() {
        out.extend(needed(&ntuple.attribute_set(&name)?)?);
    }
    Ok(out)
}
