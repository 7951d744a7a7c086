//! Which part of a data set lies under which key (format-spec/objects.md).

use rntuple_core::container::objects::{AKEY_ANCHOR, DKEY_DEFAULT, NativeAnchor, OID_LOW_METADATA, OID_LOW_PAGE_LIST};
use rntuple_core::container::objects::{CLONE_TEMPLATE, URL_TEMPLATE, ntuple_index};
use rntuple_core::metadata::Locator;
use rntuple_core::schema::ColumnId;

use crate::path::{join, split};

/// How a data set is laid out in a store that has keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ObjectLayout {
    /// A JSON anchor under the key of the data set, and numbered objects below it, as ROOT's S3 backend has them. For
    /// object stores.
    #[default]
    Native,
    /// Object id, distribution key and attribute key, as ROOT's DAOS backend has them. For key-value stores.
    KeyValue,
}

/// Something that has a key of its own. Objects of the native layout have nothing but a number, the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Part {
    /// Low half of the object id.
    oid: u64,
    /// Distribution key.
    dkey: u64,
    /// Attribute key.
    akey: u64,
}

impl Part {
    /// An object of the native layout.
    pub(crate) fn object(number: u64) -> Self {
        Self { oid: 0, dkey: 0, akey: number }
    }

    /// Anchor, header or footer of the key-value layout.
    pub(crate) fn metadata(akey: u64) -> Self {
        Self { oid: OID_LOW_METADATA, dkey: DKEY_DEFAULT, akey }
    }
}

/// A range within a part.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range {
    pub(crate) part: Part,
    pub(crate) offset: u64,
    /// Bytes; for a page without its checksum.
    pub(crate) size: u64,
}

/// The keys of a data set.
#[derive(Debug, Clone)]
pub(crate) enum Keys {
    Native {
        base: String,
        /// What stands before and behind the number of an object.
        object: (String, String),
        clone_template: String,
    },
    KeyValue {
        /// What stands before the low half of the object id.
        prefix: String,
    },
}

const BASE: &str = "${baseurl}";
const ID: &str = "${objid}";
const NAME: &str = "${name}";
/// Where the objects of writers are that were not the first.
const RUNS: &str = "_run";
/// Where the attribute sets are.
const CLONES: &str = "_clone";

/// Whether this part of a key leads to something within a data set.
pub(crate) fn is_inner(part: &str) -> bool {
    matches!(part, RUNS | CLONES)
}

impl Keys {
    /// The keys of the native layout, from the templates of an anchor.
    pub(crate) fn native(base: &str, anchor: &NativeAnchor) -> Result<Self, String> {
        Self::with_templates(base, &anchor.url_template, &anchor.clone_template)
    }

    fn with_templates(base: &str, url_template: &str, clone_template: &str) -> Result<Self, String> {
        let inside = |template: &str| {
            let rest = template.strip_prefix(BASE).filter(|rest| rest.starts_with('/'));
            let rest = rest.ok_or_else(|| format!("the template '{template}' leads out of the store"))?;
            // Only a file system gives a meaning to such parts.
            if rest.split('/').any(|part| matches!(part, "." | "..")) {
                return Err(format!("the template '{template}' leads out of '{base}'"));
            }
            Ok(format!("{base}{rest}"))
        };
        let Some((before, behind)) = url_template.split_once(ID) else {
            return Err(format!("the template '{url_template}' names no object"));
        };
        inside(url_template)?;
        let object = (inside(before)?, behind.to_owned());
        // That of attribute sets is looked at when there is one.
        Ok(Self::Native { base: base.to_owned(), object, clone_template: clone_template.to_owned() })
    }

    /// Templates and keys for what a writer puts: the names that ROOT has, or others below a run of its own.
    pub(crate) fn of_run(base: &str, run: Option<&str>) -> (Self, String, String) {
        let (url_template, clone_template) = match run {
            None => (URL_TEMPLATE.to_owned(), CLONE_TEMPLATE.to_owned()),
            Some(run) => (
                URL_TEMPLATE.replace(BASE, &format!("{BASE}/{RUNS}/{run}")),
                CLONE_TEMPLATE.replace(BASE, &format!("{BASE}/{RUNS}/{run}")),
            ),
        };
        let object = match run {
            None => format!("{base}/"),
            Some(run) => format!("{base}/{RUNS}/{run}/"),
        };
        let object = (object, String::new());
        let keys = Self::Native { base: base.to_owned(), object, clone_template: clone_template.clone() };
        (keys, url_template, clone_template)
    }

    /// The keys of the key-value layout: the last part of the base is the name of the data set, what stands before it the
    /// container.
    pub(crate) fn key_value(base: &str) -> Self {
        let (container, name) = split(base);
        Self::KeyValue { prefix: join(container, &format!("{:016x}.", ntuple_index(name))) }
    }

    /// The container of an anchor of the key-value layout, and the keys of its data set; `None` for other keys.
    pub(super) fn of_anchor(key: &str) -> Option<(&str, Self)> {
        let anchor = Self::KeyValue { prefix: String::new() }.anchor();
        let before = key.strip_suffix(&anchor)?;
        let (container, index) = split(before);
        let index = index.strip_suffix('.')?;
        let is_index = index.len() == 16 && u64::from_str_radix(index, 16).is_ok();
        is_index.then(|| (container, Self::KeyValue { prefix: before.to_owned() }))
    }

    pub(crate) fn key(&self, part: Part) -> String {
        let Part { oid, dkey, akey } = part;
        match self {
            Self::Native { object: (before, behind), .. } => format!("{before}{akey}{behind}"),
            Self::KeyValue { prefix } => format!("{prefix}{oid:016x}/{dkey:016x}/{akey:016x}"),
        }
    }

    /// The key of the anchor.
    pub(crate) fn anchor(&self) -> String {
        match self {
            Self::Native { base, .. } => base.clone(),
            Self::KeyValue { .. } => self.key(Part::metadata(AKEY_ANCHOR)),
        }
    }

    /// The name that the data set of a base must have, where its keys say so.
    pub(crate) fn name_of<'a>(&self, base: &'a str) -> Option<&'a str> {
        match self {
            Self::Native { .. } => None,
            Self::KeyValue { .. } => Some(split(base.trim_matches('/')).1),
        }
    }

    /// The key under which an attribute set has its anchor.
    pub(crate) fn attribute_set(&self, name: &str) -> Result<String, String> {
        let Self::Native { base, clone_template, .. } = self else {
            return Err("the key-value layout has no attribute sets".to_owned());
        };
        if name.is_empty() || name.contains(['/', '\\']) || matches!(name, "." | "..") {
            return Err(format!("'{name}' is no name of an attribute set"));
        }
        if !clone_template.contains(NAME) {
            return Err(format!("the template '{clone_template}' names no attribute set"));
        }
        // The same rules as for objects.
        match Self::with_templates(base, &clone_template.replacen(NAME, ID, 1), clone_template)? {
            Self::Native { object: (before, behind), .. } => Ok(format!("{before}{name}{behind}")),
            Self::KeyValue { .. } => Err("no template".to_owned()),
        }
    }

    /// Where a page lies.
    pub(crate) fn page(&self, locator: Locator, cluster: u64, column: ColumnId) -> Option<Range> {
        let part = |id: u64| match self {
            Self::Native { .. } => Part::object(id),
            Self::KeyValue { .. } => Part { oid: cluster, dkey: column.0.into(), akey: id },
        };
        range(locator, part)
    }

    /// Where a page list lies.
    pub(crate) fn page_list(&self, locator: Locator) -> Option<Range> {
        let part = |id: u64| match self {
            Self::Native { .. } => Part::object(id),
            Self::KeyValue { .. } => Part { oid: OID_LOW_PAGE_LIST, dkey: DKEY_DEFAULT, akey: id },
        };
        range(locator, part)
    }
}

fn range(locator: Locator, part: impl Fn(u64) -> Part) -> Option<Range> {
    match locator {
        Locator::Object { size, location } => Some(Range { part: part(location), offset: 0, size }),
        Locator::Multi { size, object, offset } => {
            Some(Range { part: part(object.into()), offset: offset.into(), size })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn native(url: &str, clone: &str) -> Result<Keys, String> {
        Keys::with_templates("data/run1", url, clone)
    }

    #[test]
    fn names_of_objects() {
        let keys = native(URL_TEMPLATE, CLONE_TEMPLATE).unwrap();
        assert_eq!(keys.anchor(), "data/run1");
        assert_eq!(keys.key(Part::object(7)), "data/run1/7");
        assert_eq!(keys.attribute_set("runs").unwrap(), "data/run1/_clone/runs");
        let keys = native("${baseurl}/x/${objid}.obj", "${baseurl}/y").unwrap();
        assert_eq!(keys.key(Part::object(u64::MAX)), "data/run1/x/18446744073709551615.obj");
        assert!(keys.attribute_set("runs").is_err());
        let (keys, url, clone) = Keys::of_run("data/run1", Some("3"));
        assert_eq!(keys.key(Part::object(0)), "data/run1/_run/3/0");
        let read = native(&url, &clone).unwrap();
        assert_eq!(read.key(Part::object(0)), "data/run1/_run/3/0");
        assert_eq!(read.attribute_set("a").unwrap(), "data/run1/_run/3/_clone/a");
    }

    #[test]
    fn templates_that_lead_elsewhere() {
        for url in [
            "",
            "${objid}",
            "/etc/${objid}",
            "https://other/${objid}",
            "${baseurl}",
            "${baseurl}/x",
            "${baseurl}x/${objid}",
        ] {
            assert!(native(url, CLONE_TEMPLATE).is_err(), "{url}");
        }
        for url in ["${baseurl}/../${objid}", "${baseurl}/${objid}/..", "${baseurl}/./${objid}"] {
            assert!(native(url, CLONE_TEMPLATE).unwrap_err().contains("leads out"), "{url}");
        }
        let keys = native(URL_TEMPLATE, CLONE_TEMPLATE).unwrap();
        for name in ["", "a/b", "..", "a\\b"] {
            assert!(keys.attribute_set(name).is_err(), "{name}");
        }
    }

    #[test]
    fn keys_of_the_key_value_layout() {
        let keys = Keys::key_value("store/Events");
        assert_eq!(keys.anchor(), "store/0000000087d4b929.ffffffffffffffff/5a3c69f0cafe4a11/4243544b5344422a");
        let page = keys.page(Locator::Multi { size: 5, object: 3, offset: 9 }, 2, ColumnId(4)).unwrap();
        let key = "store/0000000087d4b929.0000000000000002/0000000000000004/0000000000000003";
        assert_eq!((keys.key(page.part).as_str(), page.offset, page.size), (key, 9, 5));
        let list = keys.page_list(Locator::Object { size: 5, location: 1 }).unwrap();
        assert!(keys.key(list.part).ends_with(".fffffffffffffffe/5a3c69f0cafe4a11/0000000000000001"));
        assert!(keys.page(Locator::File { size: 5, offset: 9 }, 2, ColumnId(4)).is_none());
        assert!(keys.attribute_set("a").is_err());
    }
}
