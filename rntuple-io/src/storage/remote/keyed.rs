//! Objects as values of a keyed store.

use std::io;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{Error as StoreError, GetRange, ObjectStore, ObjectStoreExt, PutMode, PutOptions};

use super::super::Access;
use super::super::keyed::{Created, KeyedRead, KeyedStore};
use super::super::uri::Settings;
use super::attempts::{Failure, insist, limit, within};
use super::object::{Object, Wanted};
use super::{Service, runtime};

/// Objects that are put or deleted at once.
const PARALLEL: usize = 8;
/// Bytes per second below which a server is given up.
const SLOWEST: u64 = 64 << 10;
/// A key that nobody has.
const PROBE: &str = "rntuple-probe";

/// The objects of a bucket. A key is a path in it.
#[derive(Debug)]
pub(super) struct Objects {
    service: Service,
    settings: Settings,
    /// Whether the service minds conditions, once that was found out.
    guards: OnceLock<bool>,
}

impl Objects {
    pub(super) fn new(service: Service, settings: &Settings) -> Self {
        Self { service, settings: settings.clone(), guards: OnceLock::new() }
    }

    fn path(key: &str) -> io::Result<Path> {
        Path::parse(key).map_err(|e| io::Error::new(io::ErrorKind::InvalidInput, e))
    }

    /// What a task takes along.
    fn parts(&self) -> (Arc<dyn ObjectStore>, Settings) {
        (Arc::clone(&self.service.store), self.settings.clone())
    }

    /// The service minds conditions if it does not create what is there already.
    fn probe(&self) -> io::Result<bool> {
        let key = format!("{PROBE}-{:016x}", std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), PROBE));
        let first = self.put_new(&key, b"probe")?;
        let second = self.put_new(&key, b"again");
        let deleted = self.delete(&[&key]);
        let minded = first == Created::Yes && matches!(second, Ok(Created::Exists));
        deleted.map(|()| minded)
    }
}

impl KeyedStore for Objects {
    fn get(&self, reads: &mut [KeyedRead<'_>]) {
        let parallel = self.settings.access.parallel;
        let mut wanted = Vec::new();
        for (i, read) in reads.iter_mut().enumerate() {
            let range = read.offset..read.offset.saturating_add(read.buffer.len() as u64);
            match Self::path(read.key) {
                _ if read.buffer.is_empty() => read.result = Ok(()),
                Ok(path) => wanted.push((i, path, range)),
                Err(error) => read.result = Err(error),
            }
        }
        let (store, settings) = self.parts();
        let answers = runtime::wait(async move {
            let one = |(i, path, range): (usize, Path, Range<u64>)| {
                let object = Object::new(Arc::clone(&store), path, &settings);
                let len = range.end - range.start;
                let wanted = Wanted { range: Some(GetRange::Bounded(range)), len, version: None };
                async move { (i, object.collect(wanted, Failure::is_passing).await.map(|(_, bytes)| bytes)) }
            };
            Ok(stream::iter(wanted).map(one).buffer_unordered(parallel).collect::<Vec<_>>().await)
        });
        let answers = match answers {
            Ok(answers) => answers,
            Err(error) => {
                return reads.iter_mut().for_each(|read| read.result = Err(error.kind().into()));
            }
        };
        for (i, answer) in answers {
            let Some(read) = reads.get_mut(i) else { continue };
            read.result = match answer {
                Ok(bytes) if bytes.len() == read.buffer.len() => {
                    read.buffer.copy_from_slice(&bytes);
                    Ok(())
                }
                // The object is shorter than that.
                Ok(_) | Err(Failure::BeyondEnd(_) | Failure::OtherRange(_)) => Err(io::ErrorKind::UnexpectedEof.into()),
                Err(failure) => Err(failure.into_error()),
            };
        }
    }

    fn size(&self, key: &str) -> io::Result<Option<u64>> {
        let path = Self::path(key)?;
        let (store, settings) = self.parts();
        let head = runtime::wait(async move { ask(&settings, 0, || store.head(&path)).await });
        found(head.map(|meta| meta.size))
    }

    fn get_whole(&self, key: &str, most: usize) -> io::Result<Option<Vec<u8>>> {
        let path = Self::path(key)?;
        let (store, settings) = self.parts();
        let get = runtime::wait(async move {
            let get = || async {
                let answer = store.get(&path).await?;
                if answer.meta.size > most as u64 {
                    return Ok(Err(answer.meta.size));
                }
                answer.bytes().await.map(Ok)
            };
            ask(&settings, most as u64, get).await
        });
        match found(get)? {
            None => Ok(None),
            Some(Ok(bytes)) => Ok(Some(bytes.into())),
            Some(Err(size)) => {
                Err(io::Error::new(io::ErrorKind::InvalidData, format!("has {size} bytes, more than {most}")))
            }
        }
    }

    fn put(&self, values: &[(&str, &[u8])]) -> io::Result<()> {
        let all = values.iter().map(|(key, value)| Ok((Self::path(key)?, Bytes::copy_from_slice(value))));
        let all: Vec<_> = all.collect::<io::Result<_>>()?;
        let (store, settings) = self.parts();
        runtime::wait(async move {
            let put = async |(path, value): (Path, Bytes)| {
                let len = value.len() as u64;
                ask(&settings, len, || store.put(&path, value.clone().into())).await.map(drop)
            };
            stream::iter(all).map(put).buffer_unordered(PARALLEL).try_collect::<()>().await
        })
    }

    fn guards(&self) -> bool {
        *self.guards.get_or_init(|| self.probe().unwrap_or(false))
    }

    fn put_new(&self, key: &str, value: &[u8]) -> io::Result<Created> {
        let path = Self::path(key)?;
        let (store, value) = (Arc::clone(&self.service.store), Bytes::copy_from_slice(value));
        let limit = limit(&self.settings, value.len() as u64, SLOWEST);
        // Not repeated: what failed may have been done, and would be taken for another's.
        let put = runtime::wait(async move {
            let options = PutOptions::from(PutMode::Create);
            let put = async { store.put_opts(&path, value.into(), options).await.map_err(Failure::of) };
            within(limit, put).await.map_err(Failure::into_error)
        });
        match put {
            Ok(_) => Ok(Created::Yes),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Created::Exists),
            Err(error) => Err(error),
        }
    }

    fn delete(&self, keys: &[&str]) -> io::Result<()> {
        let paths: Vec<Path> = keys.iter().map(|key| Self::path(key)).collect::<io::Result<_>>()?;
        let (store, settings) = self.parts();
        runtime::wait(async move {
            let delete = async |path: Path| found(ask(&settings, 0, || store.delete(&path)).await).map(drop);
            stream::iter(paths).map(delete).buffer_unordered(PARALLEL).try_collect::<()>().await
        })
    }

    fn list(&self, prefix: &str) -> io::Result<Vec<String>> {
        // Stores list whole parts of a path; what is left of the last part is looked at here.
        let (folder, _) = prefix.rsplit_once('/').unwrap_or(("", prefix));
        let folder = Self::path(folder)?;
        let (store, settings) = self.parts();
        let listed = runtime::wait(async move {
            let list = || store.list(Some(&folder)).map_ok(|meta| meta.location.to_string()).try_collect();
            ask(&settings, 1 << 30, list).await
        });
        let mut keys: Vec<String> = listed?;
        keys.retain(|key| key.starts_with(prefix));
        keys.sort();
        Ok(keys)
    }

    fn access(&self) -> Access {
        self.settings.access
    }
}

/// Asks until there is an answer or no hope.
async fn ask<T, F: Future<Output = Result<T, StoreError>>>(
    settings: &Settings,
    len: u64,
    request: impl Fn() -> F,
) -> io::Result<T> {
    let attempt = || within(limit(settings, len, SLOWEST), async { request().await.map_err(Failure::of) });
    insist(settings, Failure::may_pass, attempt).await.map_err(Failure::into_error)
}

/// What is not there is no error.
fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The service as a keyed store.
pub(super) fn store(service: Service, settings: &Settings) -> Arc<dyn KeyedStore> {
    Arc::new(Objects::new(service, settings))
}
