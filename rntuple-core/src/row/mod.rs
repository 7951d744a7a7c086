//! Rows.

mod array;
mod enumeration;
mod item;
mod list;
mod map;
mod metadata;
mod number;
mod offsets;
mod optional;
mod path;
mod pointer;
mod record;
mod rows;
mod text;
mod tuple;
mod variant;

pub use item::{Builder, Item, ReadItem, ReadRow, RecordBuilder, Row};
pub use path::{Path, ReadError};
pub use rntuple_derive::Row;
pub use rows::{RowBuffer, RowReader, RowsBuilder, requested_schema};

/// What derived code calls; nothing to call by hand.
#[doc(hidden)]
pub mod support {
    pub use arrow::array::ArrayRef;
    pub use arrow::buffer::NullBuffer;
    pub use arrow::datatypes::{DataType, Field, FieldRef, Fields};

    pub use super::enumeration::{EnumReader, enum_field, request_enum};
    pub use super::metadata::{Attributes, compose, normalise, type_of};
    pub use super::record::{
        Members, finish_member, finish_record, open_member, open_record, read_member, record_field, request_member,
        request_record,
    };
    pub use super::variant::{Slots, SlotsReader, read_alternative, request_variant, variant_field};
    pub use crate::error::Result;
}
