//! An RNTuple without a file: anchor, envelopes and pages are values of a store that has keys (format-spec/objects.md).

mod daos;
mod native;

pub use daos::{
    AKEY_ANCHOR, AKEY_FOOTER, AKEY_HEADER, DKEY_DEFAULT, DaosAnchor, DaosEnvelope, OID_LOW_METADATA, OID_LOW_PAGE_LIST,
    ntuple_index,
};
pub use native::{CLONE_TEMPLATE, NativeAnchor, ObjectPlace, URL_TEMPLATE};
