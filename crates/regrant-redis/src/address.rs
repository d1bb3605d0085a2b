//! Parsing of URLs into clients.

use std::time::Duration;

use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::io::tcp::TcpSettings;
use redis::{Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, ProtocolVersion, RedisError};

use crate::open_error::OpenError;
use crate::server::{Sentinels, certificates, client};

/// A server, sentinels that know it, or some nodes of a cluster, as URLs. Has no `Debug`, because the URLs may hold a
/// password.
pub(crate) enum Address {
    Single(String),
    Sentinel {
        sentinels: Vec<String>,
        /// URL of the primary, except that the host is that of a sentinel.
        node: String,
        /// Name of the primary in the configuration of the sentinels.
        name: String,
    },
    Cluster(Vec<String>),
    /// No URL, and the reason.
    Invalid(&'static str),
}

impl Address {
    /// Parses `redis-cluster://user:password@host:port,host:port` into one URL for each node,
    /// `redis-sentinel://user:password@host:port,host:port/name` into one for each sentinel, and any other URL as a
    /// single server.
    pub(crate) fn parse(url: &str) -> Self {
        match url.split_once("://") {
            Some(("redis-cluster", rest)) => Self::cluster("redis", rest),
            Some(("rediss-cluster", rest)) => Self::cluster("rediss", rest),
            Some(("redis-sentinel", rest)) => Self::sentinel("redis", rest).unwrap_or_else(Self::Invalid),
            Some(("rediss-sentinel", rest)) => Self::sentinel("rediss", rest).unwrap_or_else(Self::Invalid),
            _ => Self::Single(url.to_owned()),
        }
    }

    fn cluster(scheme: &str, rest: &str) -> Self {
        let (credentials, hosts) = credentials(rest);
        Self::Cluster(hosts.split(',').map(|host| format!("{scheme}://{credentials}{host}")).collect())
    }

    /// Parses `user:password@host:port,host:port/name/database?sentinel_username=user&sentinel_password=password`.
    fn sentinel(scheme: &str, rest: &str) -> Result<Self, &'static str> {
        let (credentials, rest) = credentials(rest);
        let (rest, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let (hosts, path) = rest.split_once('/').ok_or("the name of the primary is missing")?;
        let (name, database) = path.split_once('/').unwrap_or((path, ""));
        // The characters that a sentinel allows.
        let is_of_a_name = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_of_a_name) {
            return Err("the name of the primary must be letters, digits, dots, dashes and underscores");
        }
        let (mut user, mut password) = ("", "");
        for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
            match parameter.split_once('=') {
                Some(("sentinel_username", value)) => user = value,
                Some(("sentinel_password", value)) => password = value,
                _ => return Err("the parameters are sentinel_username and sentinel_password"),
            }
        }
        let own = if user.is_empty() && password.is_empty() { String::new() } else { format!("{user}:{password}@") };
        let hosts: Vec<String> = hosts.split(',').map(with_sentinel_port).collect();
        let node = hosts.first().map(|host| format!("{scheme}://{credentials}{host}/{database}")).unwrap_or_default();
        let sentinels = hosts.iter().map(|host| format!("{scheme}://{own}{host}")).collect();
        Ok(Self::Sentinel { sentinels, node, name: name.to_owned() })
    }

    fn urls(&self) -> &[String] {
        match self {
            Self::Single(url) => std::slice::from_ref(url),
            Self::Cluster(urls) | Self::Sentinel { sentinels: urls, .. } => urls,
            Self::Invalid(_) => &[],
        }
    }

    /// Creates a client for each URL.
    pub(crate) fn clients(&self, root_certificate: Option<&[u8]>) -> Result<Vec<Client>, OpenError> {
        if let Self::Invalid(why) = self {
            return Err(OpenError::Url((*why).to_owned()));
        }
        self.urls()
            .iter()
            .map(|url| client(server(url)?, root_certificate).map_err(|error| url_error(&error)))
            .collect()
    }

    /// Returns the sentinels, if the address names any.
    pub(crate) fn sentinels(&self, root_certificate: Option<&[u8]>) -> Result<Option<Sentinels>, OpenError> {
        let Self::Sentinel { node, name, .. } = self else { return Ok(None) };
        let clients = self.clients(root_certificate)?;
        Ok(Some(Sentinels::new(clients, name.clone(), server(node)?, root_certificate.map(<[u8]>::to_vec))))
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

/// Splits `user:password@hosts` behind the `@`.
fn credentials(rest: &str) -> (&str, &str) {
    rest.split_at(rest.rfind('@').map_or(0, |at| at + 1))
}

/// Adds the port of a sentinel, 26379, to a host without a port.
fn with_sentinel_port(host: &str) -> String {
    // The colons of an IPv6 address are in brackets.
    let has_port = host.rsplit(']').next().is_some_and(|rest| rest.contains(':'));
    if has_port || host.is_empty() { host.to_owned() } else { format!("{host}:26379") }
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
