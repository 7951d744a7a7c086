//! Streamer infos: descriptions of classes that a ROOT file carries (format-spec/container.md, streamer info).
//!
//! ROOT's RNTuple reader does not need them, but `hadd` refuses files without the record, and the classes in it make
//! more types readable without a dictionary: see the specification page for what ROOT does with them.
//!
//! [`StreamerInfoList`] is the record's payload. [`classes_of`] finds the classes of a schema, and
//! [`type_checksum`] the number by which ROOT tells their versions apart.

mod checksum;
mod class;
mod encode;
mod graph;
mod layout;
mod list;
mod member;
mod schema;
mod spelling;
mod templates;
#[cfg(test)]
mod tests;

pub use checksum::type_checksum;
pub use class::{ElementKind, StreamerBase, StreamerClass, StreamerElement, StreamerMember};
pub use list::{DescribedClass, StreamerInfoList};
pub use schema::{class_checksum, classes_of};
pub use templates::standard_templates_of;
