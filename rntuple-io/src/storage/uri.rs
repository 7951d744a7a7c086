//! Finding storage by path or URI.

use std::io;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

#[cfg(all(feature = "kv", feature = "remote"))]
use super::keyed::EmbeddedStore;
#[cfg(all(feature = "rados", feature = "remote"))]
use super::keyed::RadosStore;
use super::keyed::{KeyedStore, ObjectLayout};
use super::{Access, ByteSink, ByteSource, LocalFile, NewFile};
use crate::path::join;

/// How to reach what paths and URIs name: credentials, patience, and the connections made so far.
///
/// | | |
/// |---|---|
/// | `dir/file.root` | a local file |
/// | `file:///dir/file.root` | the same |
/// | `memory://name` | memory of this process |
/// | `s3://bucket/key` | S3 and what speaks its protocol (`AWS_ENDPOINT_URL`, or option `aws_endpoint`) |
/// | `gs://bucket/key` | Google Cloud Storage |
/// | `az://container/key` | Azure Blob Storage |
/// | `https://host/path`, `http://…` | a web server that answers range requests; read only, unless it takes PUT |
/// | `ntpl+s3://bucket/base` | a data set without a file, in the native object layout; likewise `ntpl+gs`, `ntpl+az`, `ntpl+memory`, and `ntpl+s3+https://host/bucket/base` as in ROOT |
/// | `kv+file:///dir#container/name` | a data set in the embedded key-value store of a directory (feature `kv`) |
/// | `kv+rados://pool/container/name` | a data set in a pool of Ceph (feature `rados`) |
///
/// Without a name, the last three mean all data sets of a container, or of the store. All but the first need the feature `remote`, which is on unless it is turned off. Credentials come from the usual
/// variables (`AWS_ACCESS_KEY_ID`, `GOOGLE_APPLICATION_CREDENTIALS`, `AZURE_STORAGE_ACCOUNT_NAME` and so on; for public
/// data `AWS_SKIP_SIGNATURE=true`) and from [`Storage::option`].
///
/// An object that is replaced while it is read gives an error, if its server tells versions apart: by `ETag`, date of
/// change, or size. Some do not: nginx makes its `ETag` of size and time in seconds, and the HTTP side of `XRootD` 5.5
/// tells the size only. That server also shows what is written to it before it is complete.
///
/// ```no_run
/// use std::time::Duration;
/// use rntuple_io::{Reader, storage::Storage};
///
/// # fn main() -> rntuple_io::Result<()> {
/// let storage = Storage::new().option("aws_endpoint", "http://127.0.0.1:9000").timeout(Duration::from_secs(10));
/// let events = Reader::open_with("s3://bucket/events.root", &storage)?.only()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Storage {
    pub(super) settings: Settings,
    #[cfg(feature = "remote")]
    clients: Arc<super::remote::Clients>,
}

/// What can be chosen.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) options: Vec<(String, String)>,
    pub(super) timeout: Duration,
    pub(super) retries: usize,
    pub(super) hedge: Option<Duration>,
    pub(super) access: Access,
}

impl Default for Settings {
    fn default() -> Self {
        let (timeout, hedge) = (Duration::from_secs(30), Some(Duration::from_secs(3)));
        Self { options: Vec::new(), timeout, retries: 5, hedge, access: Access::REMOTE }
    }
}

impl Storage {
    /// The usual settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is used where no other is given; its connections are shared by the whole process.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Storage> = OnceLock::new();
        SHARED.get_or_init(Self::new)
    }

    /// Sets an option of the service, by the name that it has as a variable, in lower case: `aws_endpoint`,
    /// `aws_region`, `aws_access_key_id`, `google_service_account`, `azure_storage_account_name`, `allow_http`,
    /// `proxy_url` and so on. It takes precedence over the variable.
    pub fn option(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.options.push((name.into(), value.into()));
        self.reset();
        self
    }

    /// How long to wait for a server that sends nothing; 30 seconds by default. A request as a whole may take this long
    /// and a second for each 64 KiB; one that sends bytes, this long and a second for each 256 KiB.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = timeout;
        self.reset();
        self
    }

    /// How often a request is repeated that failed for a reason that may pass; 5 times by default, with growing pauses.
    pub fn retries(mut self, retries: usize) -> Self {
        self.settings.retries = retries;
        self.reset();
        self
    }

    /// After what time a read that is not answered is asked for a second time, the first answer to be taken; 3 seconds by
    /// default. `None`: never.
    pub fn hedge_after(mut self, time: Option<Duration>) -> Self {
        self.settings.hedge = time;
        self
    }

    /// How servers are read: bytes of gaps that are read along, bytes and number of requests. See [`Access::REMOTE`].
    pub fn access(mut self, gap: u64, request: u64, parallel: usize) -> Self {
        self.settings.access = Access { gap, request: request.max(1), parallel: parallel.max(1), remote: true };
        self
    }

    /// Connections belong to the settings that they were made with.
    fn reset(&mut self) {
        #[cfg(feature = "remote")]
        {
            self.clients = Arc::default();
        }
    }

    /// Opens the file that a path or URI names.
    ///
    /// # Errors
    /// Those of the storage; [`io::ErrorKind::Unsupported`] for a URI of an unknown kind, or of no file.
    pub fn source(&self, name: impl AsRef<Path>) -> io::Result<Arc<dyn ByteSource>> {
        match Name::of(name.as_ref())? {
            Name::Path(path) => Ok(Arc::new(LocalFile::open(&path)?)),
            #[cfg(feature = "remote")]
            Name::Remote(uri) => self.clients.source(&uri, &self.settings),
        }
    }

    /// Starts to write what a path or URI names. It appears when it is complete.
    ///
    /// # Errors
    /// As [`Storage::source`].
    pub fn sink(&self, name: impl AsRef<Path>) -> io::Result<Box<dyn ByteSink>> {
        match Name::of(name.as_ref())? {
            Name::Path(path) => Ok(Box::new(NewFile::create(&path)?)),
            #[cfg(feature = "remote")]
            Name::Remote(uri) => self.clients.sink(&uri, &self.settings),
        }
    }
}

/// A store and a key in it.
#[derive(Debug, Clone)]
pub(crate) struct Keyed {
    pub(crate) store: Arc<dyn KeyedStore>,
    /// The key of a data set, or what those of several begin with; empty for all.
    pub(crate) base: String,
    pub(crate) layout: ObjectLayout,
}

impl Keyed {
    /// The key of a data set of this name. In the key-value layout, the name is its last part.
    pub(crate) fn key_of(&self, ntuple: &str) -> String {
        if self.layout == ObjectLayout::Native || self.base.rsplit('/').next() == Some(ntuple) {
            self.base.clone()
        } else {
            join(&self.base, ntuple)
        }
    }
}

impl Storage {
    /// Whether a URI names data sets without a file: `ntpl+…` and `kv+…`.
    #[must_use]
    pub fn names_store(name: impl AsRef<Path>) -> bool {
        Name::of(name.as_ref()).is_ok_and(|name| name.store().is_some())
    }

    /// The store that a URI of a data set without a file names, and the key in it; `None` for a file.
    ///
    /// # Errors
    /// As [`Storage::source`].
    pub fn store(&self, name: impl AsRef<Path>) -> io::Result<Option<(Arc<dyn KeyedStore>, String)>> {
        Ok(self.keyed(name.as_ref(), false)?.map(|keyed| (keyed.store, keyed.base)))
    }

    /// The store that a URI names, if it names one: `ntpl+…` and `kv+…`. With `create`, it is made if that can be done.
    pub(crate) fn keyed(&self, name: &Path, create: bool) -> io::Result<Option<Keyed>> {
        let _ = create;
        match Name::of(name)?.store() {
            None => Ok(None),
            #[cfg(feature = "remote")]
            Some((uri, ObjectLayout::Native, service)) => self.native(uri, service).map(Some),
            #[cfg(feature = "remote")]
            Some((uri, ObjectLayout::KeyValue, engine)) => key_value(uri, engine, create).map(Some),
        }
    }

    #[cfg(feature = "remote")]
    fn native(&self, uri: &url::Url, inner: &str) -> io::Result<Keyed> {
        let invalid = |reason: String| io::Error::new(io::ErrorKind::InvalidInput, reason);
        let rest = uri.as_str().split_once("://").map_or("", |(_, rest)| rest);
        // ROOT names the endpoint, and the bucket in the path.
        let (inner, storage) = match inner.strip_prefix("s3+") {
            Some(http) => {
                let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
                (format!("s3://{path}"), self.clone().option("aws_endpoint", format!("{http}://{host}")))
            }
            None => (format!("{inner}://{rest}"), self.clone()),
        };
        let inner = url::Url::parse(&inner).map_err(|e| invalid(format!("not a URI: {e}")))?;
        let (store, base) = storage.clients.keyed(&inner, &storage.settings)?;
        Ok(Keyed { store, base, layout: ObjectLayout::Native })
    }
}

/// A key-value store.
#[cfg(feature = "remote")]
fn key_value(uri: &url::Url, engine: &str, create: bool) -> io::Result<Keyed> {
    let unsupported = |reason: String| io::Error::new(io::ErrorKind::Unsupported, reason);
    let _ = create;
    let (store, base): (Arc<dyn KeyedStore>, String) = match engine {
        #[cfg(feature = "kv")]
        "file" => {
            let path = uri.as_str().strip_prefix("kv+").and_then(|uri| url::Url::parse(uri).ok()?.to_file_path().ok());
            let Some(path) = path else {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "not the URI of a local directory"));
            };
            let open = if create { EmbeddedStore::open } else { EmbeddedStore::open_existing };
            (Arc::new(open(path)?), uri.fragment().unwrap_or_default().to_owned())
        }
        #[cfg(feature = "rados")]
        "rados" => (Arc::new(RadosStore::open(uri.authority())?), uri.path().trim_matches('/').to_owned()),
        other => {
            let reason =
                format!("there is no storage for 'kv+{other}://' in this program; known are kv+file and kv+rados");
            return Err(unsupported(reason));
        }
    };
    Ok(Keyed { store, base, layout: ObjectLayout::KeyValue })
}

/// What a name is.
pub(crate) enum Name {
    /// A path of the local file system.
    Path(std::path::PathBuf),
    /// Something that is not.
    #[cfg(feature = "remote")]
    Remote(url::Url),
}

impl Name {
    /// A name is a URI if it has `://` behind letters, digits and signs; a path else.
    pub(crate) fn of(name: &Path) -> io::Result<Self> {
        let is_scheme = |scheme: &&str| {
            let sign = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
            scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(sign)
        };
        let uri = name
            .to_str()
            .filter(|name| name.split_once("://").map(|(scheme, _)| scheme).is_some_and(|s| is_scheme(&s)));
        match uri {
            None => Ok(Self::Path(name.to_owned())),
            Some(uri) => Self::of_uri(uri),
        }
    }

    #[cfg(feature = "remote")]
    fn of_uri(uri: &str) -> io::Result<Self> {
        let invalid = |reason: String| io::Error::new(io::ErrorKind::InvalidInput, reason);
        let uri = url::Url::parse(uri).map_err(|e| invalid(format!("not a URI: {e}")))?;
        if uri.scheme() != "file" {
            return Ok(Self::Remote(uri));
        }
        uri.to_file_path().map(Self::Path).map_err(|()| invalid("not the URI of a local file".to_owned()))
    }

    #[cfg(not(feature = "remote"))]
    fn of_uri(_: &str) -> io::Result<Self> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "URIs need the feature 'remote', which this program lacks"))
    }

    /// The URI, if it names data sets without a file, how they are laid out, and what is behind the first part of the scheme.
    #[cfg(feature = "remote")]
    fn store(&self) -> Option<(&url::Url, ObjectLayout, &str)> {
        let Self::Remote(uri) = self else { return None };
        match uri.scheme().split_once('+')? {
            ("ntpl", service) => Some((uri, ObjectLayout::Native, service)),
            ("kv", engine) => Some((uri, ObjectLayout::KeyValue, engine)),
            _ => None,
        }
    }

    /// No path names data sets without a file.
    #[cfg(not(feature = "remote"))]
    fn store(&self) -> Option<std::convert::Infallible> {
        None
    }

    /// The path, if it is one.
    pub(crate) fn into_path(self) -> Option<std::path::PathBuf> {
        match self {
            Self::Path(path) => Some(path),
            #[cfg(feature = "remote")]
            Self::Remote(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_no_uris() {
        for path in ["a.root", "/a/b:c", "dir://", "1s3://x", "C:\\x.root", "a b://c", "://x"] {
            let is_path = matches!(Name::of(Path::new(path)), Ok(Name::Path(p)) if p == Path::new(path));
            assert_eq!(is_path, path != "dir://", "{path}");
        }
    }

    #[cfg(feature = "remote")]
    #[test]
    fn uris() {
        let path = Name::of(Path::new("file:///a%20b/c.root")).unwrap().into_path();
        assert_eq!(path.as_deref(), Some(Path::new("/a b/c.root")));
        assert!(Name::of(Path::new("file://host/c.root")).is_err());
        assert!(matches!(Name::of(Path::new("s3://b/k")), Ok(Name::Remote(_))));
        let error = Storage::new().source("gopher://x/y").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Unsupported);
        assert!(error.to_string().contains("gopher"), "{error}");
    }
}
