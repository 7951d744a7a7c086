//! The RNTuple format, without I/O: bytes to metadata to Arrow arrays.
//!
//! RNTuple is the columnar event-data format of CERN ROOT. This crate knows its bytes (the pages of `format-spec/` in
//! the repository say what they are) and nothing of files, sockets or threads: whoever uses it reads the bytes and hands
//! them over. Most users want `rntuple-io`, which does that for files.
//!
//! ```text
//!  byte 0  +---------------------------------+
//!          | file header                     |---.
//!          +---------------------------------+   |
//!     .----| top directory                   |<--'
//!     |    +---------------------------------+
//!     |    | header envelope                 |<------------.   schema: fields, columns
//!     |    +---------------------------------+             |
//!     |    | pages of cluster 0 |||||||||||| |<--.         |   sealed: encoded, compressed, checksummed
//!     |    | pages of cluster 1 |||||||||||| |<--|         |
//!     |    +---------------------------------+   |         |
//!     |    | page list envelope              |---'  <--.   |   per cluster, column and page: where it lies
//!     |    +---------------------------------+         |   |
//!     |    | footer envelope                 |---------'   |   schema extension, cluster groups
//!     |    +---------------------------------+     <--.    |
//!     |    | anchor                          |--------'----'   one per data set
//!     |    +---------------------------------+     <--.
//!     '--->| key list                        |--------'        names of the data sets
//!          +---------------------------------+
//! ```
//!
//! # From the outside in
//!
//! * [`container`]: how the data set is embedded. [`container::root_file`] finds the [anchor] in a ROOT file.
//! * [`metadata`]: the *envelopes*. [`metadata::Header`] and [`metadata::Footer`] give the [`schema::Schema`] and the
//!   cluster groups; [`metadata::PageListReader`] finds the pages of the columns that are asked for.
//! * [`schema`]: the tree of *fields*, each standing for a C++ type, and the *columns* that hold their data.
//! * [`mod@page`]: *unsealing* a page, which verifies its checksum ([`checksum`]) and decompresses it ([`compression`]).
//! * [`encoding`]: the elements of an unsealed page: split, zigzag, delta, truncated and quantised numbers.
//! * [`mod@arrow`]: which Arrow type a field becomes, and how its pages become arrays.
//!
//! # Reading by hand
//!
//! ```
//! use rntuple_core::container::root_file::{Anchor, FileHeader};
//!
//! # fn read(bytes: &[u8]) -> rntuple_core::Result<()> {
//! let header = FileHeader::parse(bytes)?;
//! println!("written by ROOT {}, directory at byte {}", header.version, header.directory_at()?);
//! # Ok(())
//! # }
//! assert!(read(b"not a ROOT file").is_err());
//! assert_eq!(Anchor::LEN, 78);
//! ```
//!
//! # Bytes are hostile
//!
//! No input makes this crate panic or allocate without bound ([`limits`]); every checksum is verified before what it
//! covers is used; errors say what was being read and where. What later versions of the format add is skipped where
//! the format allows it, and refused with a reason where it does not.
//!
//! [anchor]: container::root_file::Anchor

pub mod arrow;
pub mod checksum;
pub mod compression;
pub mod container;
pub mod encoding;
mod error;
pub mod limits;
pub mod memory;
pub mod metadata;
pub mod page;
pub mod row;
pub mod schema;
mod wire;

pub use error::{Context, Error, Result};
