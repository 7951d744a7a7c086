//! Objects of S3, Google Cloud Storage, Azure and web servers, through the `object_store` crate.
//!
//! That crate is asynchronous. Its requests run on two threads of this process that are made when the first of them is
//! needed; callers wait for them on channels, and so may be threads of any runtime, or of none.

mod attempts;
mod keyed;
mod object;
mod runtime;
mod sink;
mod source;
mod web;

use std::collections::HashMap;
use std::error::Error as _;
use std::fmt::Debug;
use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::http::HttpBuilder;
use object_store::memory::InMemory;
use object_store::multipart::MultipartStore;
use object_store::path::Path;
use object_store::{ClientConfigKey, ClientOptions, Error as StoreError, ObjectStore, RetryConfig};
use url::Url;

use super::keyed::KeyedStore;
use super::uri::Settings;
use super::{ByteSink, ByteSource};

/// Where machines in the cloud get credentials: AWS and Azure, Google.
const METADATA_SERVICES: [&str; 2] = ["169.254.169.254", "metadata.google.internal"];

/// How long to wait for a connection.
const CONNECT: Duration = Duration::from_secs(10);

/// The services that were connected to, so that connections are used again.
#[derive(Debug, Default)]
pub(super) struct Clients {
    known: Mutex<HashMap<(String, Purpose), Service>>,
}

/// What is read must come without a longer pause; what is sent takes its time before there is an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Purpose {
    Read,
    Write,
}

/// A service where objects can be written in parts.
trait InParts: MultipartStore + Debug {}

impl<S: MultipartStore + Debug> InParts for S {}

/// A connection to a service.
#[derive(Debug, Clone)]
struct Service {
    store: Arc<dyn ObjectStore>,
    /// Where objects can be written in parts.
    parts: Option<Arc<dyn InParts>>,
}

impl Service {
    fn with_parts<S: ObjectStore + MultipartStore>(store: S) -> Self {
        let store = Arc::new(store);
        Self { store: Arc::clone(&store) as Arc<dyn ObjectStore>, parts: Some(store) }
    }
}

impl Clients {
    pub(super) fn source(&self, uri: &Url, settings: &Settings) -> io::Result<Arc<dyn ByteSource>> {
        let (service, path) = self.connect(uri, settings, Purpose::Read)?;
        Ok(Arc::new(source::RemoteFile::open(service.store, path, settings)?))
    }

    pub(super) fn sink(&self, uri: &Url, settings: &Settings) -> io::Result<Box<dyn ByteSink>> {
        let (service, path) = self.connect(uri, settings, Purpose::Write)?;
        Ok(Box::new(sink::Upload::new(service, path, settings)))
    }

    /// The bucket of a URI as a keyed store, and the key that the rest of the URI is.
    pub(super) fn keyed(&self, uri: &Url, settings: &Settings) -> io::Result<(Arc<dyn KeyedStore>, String)> {
        let (service, path) = self.connect(uri, settings, Purpose::Write)?;
        Ok((keyed::store(service, settings), path.to_string()))
    }

    fn connect(&self, uri: &Url, settings: &Settings, purpose: Purpose) -> io::Result<(Service, Path)> {
        // What stands in a query, such as a signature, belongs to the very object.
        let whole = matches!(uri.scheme(), "http" | "https") && uri.query().is_some();
        let (origin, path) = if whole {
            (uri.to_string(), Path::default())
        } else {
            let authority = uri.authority();
            let path =
                if uri.scheme() == "memory" { format!("{authority}{}", uri.path()) } else { uri.path().to_owned() };
            let path = Path::from_url_path(path).map_err(|e| io::Error::new(io::ErrorKind::InvalidInput, e))?;
            (format!("{}://{authority}", uri.scheme()), path)
        };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(service) = known.get(&(origin.clone(), purpose)) {
            return Ok((service.clone(), path));
        }
        let service = connect(uri.scheme(), &origin, settings, purpose)?;
        known.insert((origin, purpose), service.clone());
        Ok((service, path))
    }
}

fn connect(scheme: &str, origin: &str, settings: &Settings, purpose: Purpose) -> io::Result<Service> {
    // What failed is tried again here, in one way for all services; the client would do that in its own.
    let retry = RetryConfig { max_retries: 0, ..RetryConfig::default() };
    let client = client(settings, scheme, purpose)?;
    match scheme {
        "memory" => Ok(memory()),
        "s3" | "s3a" => {
            let mut builder =
                AmazonS3Builder::from_env().with_client_options(client).with_retry(retry).with_url(origin);
            for (name, value) in &settings.options {
                if let Some(key) = own::<AmazonS3ConfigKey>(name, "aws_")? {
                    builder = builder.with_config(key, value);
                }
            }
            let endpoint = builder.get_config_value(&AmazonS3ConfigKey::Endpoint);
            let plain = endpoint.is_some_and(|endpoint| endpoint.starts_with("http://"));
            let builder = if plain { builder.with_allow_http(true) } else { builder };
            Ok(Service::with_parts(builder.build().map_err(to_io)?))
        }
        "gs" => {
            let mut builder =
                GoogleCloudStorageBuilder::from_env().with_client_options(client).with_retry(retry).with_url(origin);
            for (name, value) in &settings.options {
                if let Some(key) = own::<GoogleConfigKey>(name, "google_")? {
                    builder = builder.with_config(key, value);
                }
            }
            Ok(Service::with_parts(builder.build().map_err(to_io)?))
        }
        "az" | "azure" | "abfs" | "abfss" | "adl" => {
            let mut builder =
                MicrosoftAzureBuilder::from_env().with_client_options(client).with_retry(retry).with_url(origin);
            for (name, value) in &settings.options {
                if let Some(key) = own::<AzureConfigKey>(name, "azure_")? {
                    builder = builder.with_config(key, value);
                }
            }
            Ok(Service::with_parts(builder.build().map_err(to_io)?))
        }
        "http" | "https" => {
            let builder = HttpBuilder::new().with_client_options(client).with_retry(retry).with_url(origin);
            let builder = builder.with_http_connector(web::Connector::new(settings, purpose));
            Ok(Service { store: Arc::new(builder.build().map_err(to_io)?), parts: None })
        }
        _ => {
            let known = "file, memory, s3, gs, az, http and https";
            let reason = format!("there is no storage for '{scheme}://'; known are {known}");
            Err(io::Error::new(io::ErrorKind::Unsupported, reason))
        }
    }
}

/// The key that an option of this service has; `None` for options that concern another service, or all of them.
fn own<K: std::str::FromStr>(name: &str, prefix: &str) -> io::Result<Option<K>> {
    if !name.starts_with(prefix) {
        return Ok(None);
    }
    name.parse().map(Some).map_err(|_| unknown(name))
}

fn unknown(option: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("there is no storage option '{option}'"))
}

fn client(settings: &Settings, scheme: &str, purpose: Purpose) -> io::Result<ClientOptions> {
    let agent = concat!("rntuple/", env!("CARGO_PKG_VERSION"));
    let mut options = ClientOptions::new()
        .with_config(ClientConfigKey::UserAgent, agent)
        .with_timeout_disabled()
        .with_connect_timeout(settings.timeout.min(CONNECT))
        .with_allow_http(scheme == "http");
    if purpose == Purpose::Read {
        options = options.with_read_timeout(settings.timeout);
    }
    let of_a_service = |name: &str| ["aws_", "google_", "azure_"].iter().any(|prefix| name.starts_with(prefix));
    for (name, value) in settings.options.iter().filter(|(name, _)| !of_a_service(name)) {
        let key: ClientConfigKey = name.parse().map_err(|_| unknown(name))?;
        options = options.with_config(key, value);
    }
    Ok(options)
}

/// The memory of this process.
fn memory() -> Service {
    static MEMORY: OnceLock<Service> = OnceLock::new();
    MEMORY.get_or_init(|| Service::with_parts(InMemory::new())).clone()
}

/// Says what lies at the bottom of an error, too: that a connection was refused, or a name is unknown.
#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
fn to_io(error: StoreError) -> io::Error {
    use io::ErrorKind as Kind;
    let mut kind = match &error {
        StoreError::NotFound { .. } => Kind::NotFound,
        StoreError::PermissionDenied { .. } | StoreError::Unauthenticated { .. } => Kind::PermissionDenied,
        StoreError::AlreadyExists { .. } | StoreError::Precondition { .. } => Kind::AlreadyExists,
        StoreError::NotSupported { .. } | StoreError::NotImplemented { .. } => Kind::Unsupported,
        StoreError::InvalidPath { .. } | StoreError::UnknownConfigurationKey { .. } => Kind::InvalidInput,
        _ => Kind::Other,
    };
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let timed_out = error.downcast_ref::<reqwest::Error>().is_some_and(reqwest::Error::is_timeout);
        let beneath = error.downcast_ref::<io::Error>().map(io::Error::kind);
        match beneath {
            _ if kind != Kind::Other => {}
            _ if timed_out => kind = Kind::TimedOut,
            // It is not the object that such an error does not find.
            Some(beneath) if beneath != Kind::NotFound => kind = beneath,
            _ => {}
        }
        cause = error.source();
        let last = error.to_string();
        if cause.is_none() && !text.contains(&last) {
            text = format!("{text}: {last}");
        }
    }
    // Without credentials, clients look for those that a machine in the cloud has.
    if METADATA_SERVICES.iter().any(|service| text.contains(service)) {
        let text = format!(
            "there are no credentials (such as AWS_ACCESS_KEY_ID; AWS_SKIP_SIGNATURE=true for public data): {text}"
        );
        return io::Error::new(io::ErrorKind::PermissionDenied, text);
    }
    io::Error::new(kind, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_credentials_are_named() {
        let source = "Error performing PUT http://169.254.169.254/latest/api/token".into();
        let error = to_io(StoreError::Generic { store: "S3", source });
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        assert!(error.to_string().contains("AWS_ACCESS_KEY_ID"), "{error}");
        let other = to_io(StoreError::Generic { store: "S3", source: "something else".into() });
        assert_eq!(other.kind(), io::ErrorKind::Other);
    }
}
