//! Rust structs as entries: `#[derive(Row)]`.
//!
//! A struct with named fields stands for the entries of an RNTuple, each of its fields for a top-level field. Rows go
//! into a [`RowsBuilder`], which makes [record batches](arrow::array::RecordBatch) of them, and come out of batches
//! through a [`RowReader`]; `rntuple-io` does both for files. Nothing is kept row by row in between: a builder is a set
//! of buffers, one per column, and so is a batch.
//!
//! ```
//! use rntuple_core::row::{Row, RowReader, RowsBuilder};
//!
//! #[derive(Row, Debug, PartialEq)]
//! struct Event {
//!     run: u32,
//!     #[rntuple(description = "missing transverse energy in GeV", encoding = "Real32Trunc(16)")]
//!     met: f32,
//!     muons: Vec<Muon>,
//!     trigger: Option<Trigger>,
//! }
//!
//! #[derive(Row, Debug, PartialEq)]
//! #[rntuple(type_name = "exp::Muon")]
//! struct Muon {
//!     momentum: [f32; 3],
//!     charge: i8,
//! }
//!
//! #[derive(Row, Debug, PartialEq)]
//! enum Trigger {
//!     Muons(u16),
//!     Path(String),
//! }
//!
//! # fn main() -> rntuple_core::Result<()> {
//! let event = Event {
//!     run: 1,
//!     met: 20.5,
//!     muons: vec![Muon { momentum: [1.0, 2.0, 3.0], charge: -1 }],
//!     trigger: Some(Trigger::Path("HLT_Mu".to_owned())),
//! };
//! let mut rows = RowsBuilder::of::<Event>();
//! rows.push(&event);
//! let batch = rows.finish()?;
//! assert_eq!(batch.schema().field(2).metadata()["rntuple.type"], "std::vector<exp::Muon>");
//!
//! let mut events = RowReader::<Event>::new(&batch)?;
//! assert_eq!(events.next().transpose()?, Some(event));
//! # Ok(())
//! # }
//! ```
//!
//! # Types
//!
//! | Rust | C++ | Arrow |
//! |---|---|---|
//! | `bool`, `i8` ... `u64`, `f32`, `f64` | `bool`, `std::int8_t` ... `std::uint64_t`, `float`, `double` | Boolean, Int8 ... |
//! | [`half::f16`](https://docs.rs/half) | `float`, stored as Real16 | Float16; scans give Float32 |
//! | `String`, `str`, `Box<str>`, `Arc<str>` | `std::string` | Utf8 |
//! | `Vec<T>`, `VecDeque<T>`, `[T]`, `Box<[T]>` | `std::vector<T>` | List |
//! | `[T; N]` | `std::array<T,N>` | `FixedSizeList` |
//! | `BTreeSet<T>`, `HashSet<T>` | `std::set<T>`, `std::unordered_set<T>` | List |
//! | `BTreeMap<K, V>`, `HashMap<K, V>` | `std::map<K,V>`, `std::unordered_map<K,V>` | Map; List if the key is nullable |
//! | `Option<T>` | `std::optional<T>` | T, nullable; boxed if T is nullable by itself |
//! | `Box<T>`, `Option<Box<T>>` | `std::unique_ptr<T>`, always or maybe holding a value | as `Option<T>` |
//! | `(A, B)` | `std::pair<A,B>` | Struct `_0`, `_1` |
//! | `(A,)`, `(A, B, C)` ... 8 items | `std::tuple<...>` | Struct `_0`, `_1` ... |
//! | derived struct | class of that name | Struct |
//! | derived struct `Hit<T>` | class `Hit<float>` and so on | Struct |
//! | derived struct around one value | what the value is | what the value is |
//! | derived enum without values | enum of that name over `std::int32_t`, or over what `#[repr(..)]` says | the integer type |
//! | derived enum with values | `std::variant<...>` | dense Union |
//! | `&T`, `Rc<T>`, `Arc<T>`, `Cow<T>` | what T is | what T is |
//! | `PhantomData<T>` | nothing | nothing |
//!
//! What is not there, and what to do:
//!
//! * `char` is a Unicode character, C++'s a byte: take a `String`, or an `i8` with `type_name = "char"`.
//! * `usize` and `isize` depend on the machine, so take 64 bits. RNTuple has no 128 bits.
//! * Structs that hold themselves would have a schema without end.
//! * Other containers that [dereference](std::ops::Deref) to slices are vectors if they are marked `slice`.
//!
//! **Sets and maps.** `HashSet` and `HashMap` are written in ascending order of their items and keys, which therefore
//! must be [`Ord`]: the same value always gives the same bytes. `std::multimap` and `std::multiset` are a `Vec` with that
//! `type_name`.
//!
//! **Enums with values.** Each variant holds exactly one value, a tuple or struct if need be; variants are alternatives
//! in the order in which they are declared. One variant may hold none: it stands for the variant that holds nothing
//! (`valueless_by_exception`), wherever it is declared. Without it, such a value on storage is an error. Alternatives may be
//! added behind those that files have.
//!
//! **Classes.** A derived struct is a class under its Rust name unless `type_name` says otherwise. With `type_name = ""` it is an untyped record, and so are pairs with it,
//! while vectors, sets and maps of it are untyped collections. For arrays, optionals and variants there is no untyped form
//! that ROOT can read back: give classes names below those. Generic structs have the types that their parameters are in
//! angle brackets; parameters that no stored field mentions are left out. A base class is a field renamed to `:_0`, the
//! second one `:_1`.
//!
//! **ROOT without a dictionary** of these classes reads them if asked to emulate unknown types
//! (`RCreateModelOptions::SetEmulateUnknownTypes`), and vectors, arrays, optionals and unique pointers of them. ROOT 6.40
//! cannot emulate C++ enums, nor a pair, tuple or variant that a class is part of. With `type_name = ""` an enum is a plain
//! integer, and a field with a tuple an untyped record, which it can read.
//!
//! **Generic structs** that are public cannot hold private types with their parameters in them, such as `Private<T>`.
//!
//! # Attributes
//!
//! All are written as `#[rntuple(...)]`, on the container (the struct or enum), on fields of structs, and some on enum
//! variants that hold a value and on the value of a struct around one value.
//!
//! | Attribute | On | Meaning |
//! |---|---|---|
//! | `rename = "name"` | field | name of the field on storage |
//! | `rename_all = "camelCase"` | struct | the same for all fields, by a rule: `lowercase`, `UPPERCASE`, `PascalCase`, `camelCase`, `snake_case`, `SCREAMING_SNAKE_CASE` |
//! | `skip` | field | not stored; [`Default`] when read |
//! | `default`, `default = "path"` | field | value of a field that is missing on storage, and with `skip`: [`Default`] or what a function gives |
//! | `default`, `default = "path"` | struct | the same for all fields, out of a whole struct |
//! | `flatten` | field | the members of a derived struct become members of this one |
//! | `slice` | field | the type is a vector by way of [`Deref`](std::ops::Deref) to a slice, and [`FromIterator`] |
//! | `type_name = "exp::Hit"` | container, field, variant | the C++ type; `{T}` in it stands for the type of a parameter T. On a field it reaches its parts: `std::vector<char>` has items of type `char` |
//! | `description = "..."` | field, variant | description of the field |
//! | `encoding = "Real32Trunc(12)"` | field, variant | how the column is stored, or in collections and optionals that of the numbers in them: a column type, `Real32Trunc(BITS)` or `Real32Quant(BITS;MIN;MAX)` |
//! | `write_only` | container | nothing is derived for reading |
//! | `crate = "path"` | container | where the derived code finds this module, if not in the crate that the macro is from |
//!
//! # Reading
//!
//! [`requested_schema`] says what to ask of a scan so that its batches hold rows of a type:
//!
//! * Fields and members that the struct lacks are not read.
//! * Members that storage lacks must be `Option`s, or have a `default`.
//! * Integers, bools and C++ chars convert into one another, `float` and `double` too. The scan converts, and a value
//!   that does not fit is an error with its entry.
//! * `Option` and `Box` take plain values, `Vec` takes arrays and maps, maps and sets take lists.
//! * Anything else is an [`Error::Cast`](crate::Error::Cast), which names the field by its path and both types.
//!
//! ```
//! use std::sync::Arc;
//! use arrow::array::{Int64Array, RecordBatch};
//! use arrow::datatypes::{DataType, Field, Schema};
//! use rntuple_core::row::{Row, RowReader, requested_schema};
//!
//! #[derive(Row, Debug, PartialEq)]
//! struct Event {
//!     id: i64,
//!     weight: Option<f64>,
//! }
//!
//! # fn main() -> rntuple_core::Result<()> {
//! let on_disk = |data_type| {
//!     let label = Field::new("label", DataType::Utf8, false);
//!     Schema::new(vec![label, Field::new("id", data_type, false)])
//! };
//! let asked = requested_schema::<Event>(&on_disk(DataType::UInt16))?;
//! assert_eq!(*asked.fields()[0], Field::new("id", DataType::Int64, false));
//! assert_eq!(asked.fields().len(), 1);
//!
//! // This is what a scan makes of it.
//! let batch = RecordBatch::try_new(asked, vec![Arc::new(Int64Array::from(vec![7]))])?;
//! let events = RowReader::new(&batch)?.collect::<Result<Vec<Event>, _>>()?;
//! assert_eq!(events, [Event { id: 7, weight: None }]);
//!
//! let error = requested_schema::<Event>(&on_disk(DataType::Utf8)).unwrap_err();
//! assert_eq!(error.to_string(), "field 'id' of type 'Utf8' cannot be read as i64");
//! # Ok(())
//! # }
//! ```
//!
//! # Borrowing
//!
//! A struct whose fields are references, or types with lifetimes, can be written but not read. What it refers to is
//! copied when a row is appended:
//!
//! ```
//! use rntuple_core::row::Row;
//!
//! #[derive(Row)]
//! struct Track<'a> {
//!     name: &'a str,
//!     hits: &'a [Hit],
//! }
//!
//! #[derive(Row)]
//! struct Hit(#[rntuple(encoding = "Real16")] f32);
//!
//! assert_eq!(Track::schema().field(1).metadata()["rntuple.type"], "std::vector<float>");
//! ```

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
pub use record::Members;
pub use rntuple_derive::Row;
#[doc(hidden)]
pub use rntuple_derive::RowThroughIo;
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
        Members, finish_member, finish_record, open_member, open_record, read_member, read_member_into, record_field,
        request_member, request_record,
    };
    pub use super::variant::{
        Slots, SlotsReader, read_alternative, read_alternative_into, request_variant, variant_field,
    };
    pub use crate::error::Result;
}
