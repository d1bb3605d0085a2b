//! Parsing of URLs into clients.

use std::time::Duration;

use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::io::tcp::TcpSettings;
use redis::{
    Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, ProtocolVersion, RedisError, TlsCertificates,
};

use crate::open_error::OpenError;

/// A server or some nodes of a cluster, as URLs. Has no `Debug`, because the URLs may hold a password.
pub(crate) enum Address {
    Single(String),
    Cluster(Vec<String>),
}

impl Address {
    /// Parses `redis-cluster://user:password@host:port,host:port` into one URL for each node, and any other URL as a
    /// single server.
    pub(crate) fn parse(url: &str) -> Self {
        let split = |scheme: &str, rest: &str| {
            let (credentials, hosts) = rest.rsplit_once('@').map_or(("", rest), |(user, hosts)| (user, hosts));
            let at = if credentials.is_empty() { "" } else { "@" };
            Self::Cluster(hosts.split(',').map(|host| format!("{scheme}://{credentials}{at}{host}")).collect())
        };
        match url.split_once("://") {
            Some(("redis-cluster", rest)) => split("redis", rest),
            Some(("rediss-cluster", rest)) => split("rediss", rest),
            _ => Self::Single(url.to_owned()),
        }
    }

    fn urls(&self) -> &[String] {
        match self {
            Self::Single(url) => std::slice::from_ref(url),
            Self::Cluster(urls) => urls,
        }
    }

    /// Creates a client for each URL.
    pub(crate) fn clients(&self, root_certificate: Option<&[u8]>) -> Result<Vec<Client>, OpenError> {
        self.urls()
            .iter()
            .map(|url| client(server(url)?, root_certificate).map_err(|error| url_error(&error)))
            .collect()
    }

    /// Creates the client of the cluster.
    pub(crate) fn cluster_client(
        &self,
        root_certificate: Option<&[u8]>,
        attempt_limit: Duration,
    ) -> Result<ClusterClient, OpenError> {
        let nodes: Vec<ConnectionInfo> = self.urls().iter().map(|url| server(url)).collect::<Result<_, _>>()?;
        let mut builder = ClusterClientBuilder::new(nodes)
            .use_protocol(ProtocolVersion::RESP3)
            .tcp_settings(tcp_settings())
            .connection_timeout(attempt_limit)
            .response_timeout(attempt_limit)
            .overall_response_timeout(None)
            // `Server::execute` repeats calls, because it knows which ones may have been executed before.
            .retries(0);
        if let Some(certificate) = root_certificate {
            builder = builder.certs(certificates(certificate));
        }
        builder.build().map_err(|error| url_error(&error))
    }
}

fn server(url: &str) -> Result<ConnectionInfo, OpenError> {
    let info = url.into_connection_info().map_err(|error| url_error(&error))?;
    if matches!(info.addr(), ConnectionAddr::TcpTls { .. }) {
        choose_cryptography();
    }
    // RESP3: `HELLO` returns a map, and the cluster client reports lost connections at once.
    let redis = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    Ok(info.set_redis_settings(redis).set_tcp_settings(tcp_settings()))
}

fn client(server: ConnectionInfo, root_certificate: Option<&[u8]>) -> Result<Client, RedisError> {
    match root_certificate {
        Some(certificate) => Client::build_with_tls(server, certificates(certificate)),
        None => Client::open(server),
    }
}

fn certificates(root: &[u8]) -> TlsCertificates {
    TlsCertificates { client_tls: None, root_cert: Some(root.to_vec()) }
}

/// A call is one small packet in each direction; with Nagle's algorithm it could be delayed by 40 ms.
fn tcp_settings() -> TcpSettings {
    TcpSettings::default().set_nodelay(true)
}

/// Installs a cryptography provider for the process unless the application has chosen one. The client library uses the
/// provider of the process, and rustls panics if none is installed and the application links two.
fn choose_cryptography() {
    let provider = rustls::crypto::ring::default_provider();
    // An error means that one is installed already.
    let _ = provider.install_default();
}

/// The message names the fault without repeating the URL.
fn url_error(error: &RedisError) -> OpenError {
    OpenError::Url(error.to_string())
}
