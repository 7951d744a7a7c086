//! The ROOT file embedding (format-spec/container.md).
//!
//! A ROOT file is a sequence of *records*, each led by a [`Key`]. Directories list the keys of the objects in them; an
//! RNTuple is listed by the key of its [`Anchor`], which says where header and footer envelopes lie. Pages and
//! envelopes sit in unlisted `RBlob` records, and locators point at their payloads directly.
//!
//! Everything here takes bytes that the caller has read; the order of reads is:
//!
//! 1. [`FileHeader::parse`] on the first [`FileHeader::LEN`] bytes,
//! 2. [`Directory::parse`] at [`FileHeader::directory_at`], and for a subdirectory at [`Key::payload_at`],
//! 3. [`parse_key_list`] on the record at [`Directory::key_list_at`],
//! 4. [`Anchor::from_record`] on the payload of a key of class [`Anchor::CLASS`],
//! 5. envelopes and pages, each possibly split over several records: [`SplitPayload`].
//!
//! The records of a file that is written come from [`FileHeader::serialize`], [`KeyFields`], [`Directory::serialize`],
//! [`serialize_key_list`], [`Anchor::serialize`] and [`serialize_free_list`]. What refers to other records (header,
//! directory) is best written last: it makes the rest visible.
//!
//! All numbers are big-endian; byte offsets count from the start of the file.

mod anchor;
mod datime;
mod directory;
mod free_list;
mod header;
mod key;
mod split;
mod streamer_info;
mod uuid;

pub use anchor::{Anchor, EnvelopePlace};
pub use datime::datime;
pub use directory::Directory;
pub use free_list::{FreeSegment, parse_free_list, serialize_free_list};
pub use header::FileHeader;
pub use key::{Key, KeyFields, parse_key_list, raw_keys, serialize_key_list};
pub use split::SplitPayload;
pub use streamer_info::{
    DescribedClass, ElementKind, StreamerBase, StreamerClass, StreamerElement, StreamerInfoList, StreamerMember,
    class_checksum, classes_of, standard_templates_of, type_checksum,
};
