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
//! All numbers are big-endian; byte offsets count from the start of the file.

mod anchor;
mod directory;
mod header;
mod key;
mod split;

pub use anchor::{Anchor, EnvelopePlace};
pub use directory::Directory;
pub use header::FileHeader;
pub use key::{Key, parse_key_list};
pub use split::SplitPayload;
