//! Maps: lists of pairs.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray, MapArray, StructArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field};

use super::item::{Builder, Item, ReadItem};
use super::list::{ListReader, unexpected};
use super::metadata::{compose, typed};
use super::offsets::{Offsets, Spans};
use super::path::{Path, ReadError};
use crate::error::Result;

/// Collects maps.
#[derive(Debug, Default)]
pub struct MapBuilder<K, V> {
    offsets: Offsets,
    keys: K,
    values: V,
}

impl<K: Builder, V: Builder> Builder for MapBuilder<K, V> {
    #[inline]
    fn len(&self) -> usize {
        self.offsets.len()
    }

    #[inline]
    fn size(&self) -> usize {
        self.offsets.size() + self.keys.size() + self.values.size()
    }

    #[inline]
    fn push_empty(&mut self) {
        self.offsets.push(self.keys.len());
    }

    fn finish(&mut self, data_type: &DataType, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
        let (DataType::Map(entries, _) | DataType::List(entries)) = data_type else {
            return Err(unexpected("Map", data_type));
        };
        let DataType::Struct(members) = entries.data_type() else {
            return Err(unexpected("Map", data_type));
        };
        let [key, value] = members.as_ref() else {
            return Err(unexpected("Map", data_type));
        };
        let columns = vec![self.keys.finish(key.data_type(), None)?, self.values.finish(value.data_type(), None)?];
        let pairs = StructArray::try_new(members.clone(), columns, None)?;
        let offsets = self.offsets.finish("map entries in a batch", arrow::array::Array::len(&pairs))?;
        let entries = Arc::clone(entries);
        Ok(match data_type {
            DataType::Map(_, sorted) => Arc::new(MapArray::try_new(entries, offsets, pairs, nulls, *sorted)?),
            _ => Arc::new(ListArray::try_new(entries, offsets, Arc::new(pairs), nulls)?),
        })
    }
}

fn map_field<K: Item, V: Item>(name: &str, template: &str) -> Field {
    let pair = Arc::new(<(K, V)>::field("_0"));
    // Arrow's maps have no null for a key; see `format-spec/arrow.md`.
    let data_type = if K::Builder::NULLABLE { DataType::List(pair) } else { DataType::Map(pair, false) };
    typed(name, data_type, false, compose(template, &[K::type_name(), V::type_name()]))
}

impl<K: Item, V: Item> Item for BTreeMap<K, V> {
    type Builder = MapBuilder<K::Builder, V::Builder>;

    fn type_name() -> String {
        compose("std::map", &[K::type_name(), V::type_name()])
    }

    fn field(name: &str) -> Field {
        map_field::<K, V>(name, "std::map")
    }

    #[inline]
    fn append_to(&self, builder: &mut Self::Builder) {
        for (key, value) in self {
            key.append_to(&mut builder.keys);
            value.append_to(&mut builder.values);
        }
        builder.push_empty();
    }
}

/// Written in ascending order of the keys, so that the same map gives the same bytes.
impl<K: Item + Ord, V: Item, S> Item for HashMap<K, V, S> {
    type Builder = MapBuilder<K::Builder, V::Builder>;

    fn type_name() -> String {
        compose("std::unordered_map", &[K::type_name(), V::type_name()])
    }

    fn field(name: &str) -> Field {
        map_field::<K, V>(name, "std::unordered_map")
    }

    #[inline]
    fn append_to(&self, builder: &mut Self::Builder) {
        let mut entries: Vec<(&K, &V)> = self.iter().collect();
        entries.sort_unstable_by_key(|(key, _)| *key);
        for (key, value) in entries {
            key.append_to(&mut builder.keys);
            value.append_to(&mut builder.values);
        }
        builder.push_empty();
    }
}

macro_rules! read_maps {
    ($([$($generics:tt)*] $rust:ty;)*) => {$(
        impl<$($generics)*> ReadItem for $rust {
            type Reader = ListReader<<(K, V) as ReadItem>::Reader>;

            fn request(on_disk: &Field, path: &Path<'_>) -> Result<Field> {
                let field = Spans::request::<Self, (K, V)>(on_disk, path)?;
                // As a list where it is one; a map stays a map.
                Ok(match (on_disk.data_type(), field.data_type()) {
                    (DataType::Map(_, sorted), DataType::List(entries)) => {
                        let data_type = DataType::Map(Arc::clone(entries), *sorted);
                        field.with_data_type(data_type)
                    }
                    _ => field,
                })
            }

            fn open(field: &Field, array: &ArrayRef, path: &Path<'_>) -> Result<Self::Reader> {
                ListReader::open::<Self, (K, V)>(field, array, path)
            }

            #[inline]
            fn read(reader: &Self::Reader, index: usize) -> Result<Self, ReadError> {
                reader.collect::<(K, V), _>(index)
            }
        }
    )*};
}

read_maps! {
    [K: ReadItem + Ord, V: ReadItem] BTreeMap<K, V>;
    [K: ReadItem + Ord + Hash, V: ReadItem, S: BuildHasher + Default] HashMap<K, V, S>;
}
