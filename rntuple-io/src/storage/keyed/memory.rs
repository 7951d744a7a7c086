//! A store in memory.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;

use super::{Created, KeyedRead, KeyedStore, read_from, whole_len};

/// Keeps values in memory; clones share them.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    values: Arc<RwLock<BTreeMap<String, Bytes>>>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn value(&self, key: &str) -> Option<Bytes> {
        self.values.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }
}

impl KeyedStore for MemoryStore {
    fn get(&self, reads: &mut [KeyedRead<'_>]) {
        for read in reads {
            read.result = read_from(self.value(read.key).as_deref(), read.offset, read.buffer);
        }
    }

    fn size(&self, key: &str) -> io::Result<Option<u64>> {
        Ok(self.value(key).map(|value| value.len() as u64))
    }

    fn get_whole(&self, key: &str, most: usize) -> io::Result<Option<Vec<u8>>> {
        let Some(value) = self.value(key) else { return Ok(None) };
        whole_len(value.len() as u64, most).map(|_| Some(value.into()))
    }

    fn put(&self, values: &[(&str, &[u8])]) -> io::Result<()> {
        for (key, value) in values {
            let value = Bytes::copy_from_slice(value);
            self.values.write().unwrap_or_else(PoisonError::into_inner).insert((*key).to_owned(), value);
        }
        Ok(())
    }

    fn guards(&self) -> bool {
        true
    }

    fn put_new(&self, key: &str, value: &[u8]) -> io::Result<Created> {
        let mut values = self.values.write().unwrap_or_else(PoisonError::into_inner);
        if values.contains_key(key) {
            return Ok(Created::Exists);
        }
        values.insert(key.to_owned(), Bytes::copy_from_slice(value));
        Ok(Created::Yes)
    }

    fn delete(&self, keys: &[&str]) -> io::Result<()> {
        let mut values = self.values.write().unwrap_or_else(PoisonError::into_inner);
        for key in keys {
            values.remove(*key);
        }
        Ok(())
    }

    fn list(&self, prefix: &str) -> io::Result<Vec<String>> {
        let values = self.values.read().unwrap_or_else(PoisonError::into_inner);
        let from = values.range(prefix.to_owned()..);
        Ok(from.map(|(key, _)| key).take_while(|key| key.starts_with(prefix)).cloned().collect())
    }
}
