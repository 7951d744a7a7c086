//! Connections to web servers.

use std::error::Error;
use std::time::Duration;

use object_store::client::{HttpClient, HttpConnector};
use object_store::{ClientConfigKey, ClientOptions, Error as StoreError, Result};
use reqwest::{ClientBuilder, NoProxy, Proxy};

use super::super::uri::Settings;
use super::{CONNECT, Purpose};

/// Options of the client that web servers know, beside those that all settings have.
const KNOWN: [ClientConfigKey; 6] = [
    ClientConfigKey::AllowHttp,
    ClientConfigKey::AllowInvalidCertificates,
    ClientConfigKey::PoolMaxIdlePerHost,
    ClientConfigKey::ProxyUrl,
    ClientConfigKey::ProxyExcludes,
    ClientConfigKey::UserAgent,
];

/// Makes clients that send headers as `Range` and `Content-Length`. By the standard `range` is the same, but there are
/// servers (`XRootD` 5.5) that then send the whole object, or store an empty one.
#[derive(Debug)]
pub(super) struct Connector {
    timeout: Duration,
    purpose: Purpose,
    unknown: Option<String>,
}

impl Connector {
    pub(super) fn new(settings: &Settings, purpose: Purpose) -> Self {
        let unknown = |name: &&String| name.parse().is_ok_and(|key: ClientConfigKey| !KNOWN.contains(&key));
        let unknown = settings.options.iter().map(|(name, _)| name).find(unknown).cloned();
        Self { timeout: settings.timeout, purpose, unknown }
    }
}

fn failure(error: impl Into<Box<dyn Error + Send + Sync>>) -> StoreError {
    StoreError::Generic { store: "HTTP", source: error.into() }
}

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> Result<HttpClient> {
        if let Some(option) = &self.unknown {
            return Err(failure(format!("web servers do not know the storage option '{option}'")));
        }
        let get = |key| options.get_config_value(&key);
        let is =
            |key| get(key).is_some_and(|value| matches!(&*value.to_lowercase(), "true" | "1" | "yes" | "on" | "y"));
        let mut builder = ClientBuilder::new()
            .http1_only()
            .http1_title_case_headers()
            .connect_timeout(self.timeout.min(CONNECT))
            .https_only(!is(ClientConfigKey::AllowHttp))
            // Compressed bodies have other ranges.
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate();
        if self.purpose == Purpose::Read {
            builder = builder.read_timeout(self.timeout);
        }
        if is(ClientConfigKey::AllowInvalidCertificates) {
            builder = builder.danger_accept_invalid_certs(true);
        }
        if let Some(agent) = get(ClientConfigKey::UserAgent) {
            builder = builder.user_agent(agent);
        }
        if let Some(most) = get(ClientConfigKey::PoolMaxIdlePerHost) {
            builder = builder.pool_max_idle_per_host(most.parse().map_err(failure)?);
        }
        if let Some(url) = get(ClientConfigKey::ProxyUrl) {
            let excludes = get(ClientConfigKey::ProxyExcludes);
            let proxy = Proxy::all(url).map_err(failure)?;
            builder = builder.proxy(proxy.no_proxy(excludes.and_then(|names| NoProxy::from_string(&names))));
        }
        Ok(HttpClient::new(builder.build().map_err(failure)?))
    }
}
