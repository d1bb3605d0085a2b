use std::time::Duration;

use redis::cluster_routing::{MultipleNodeRoutingInfo, RoutingInfo};
use redis::{Client, RedisError, Value, cmd};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::time::timeout;

use crate::address::Address;
use crate::durability::Durability;
use crate::keys::Keys;
use crate::open_error::OpenError;
use crate::rights;
use crate::server::{Connection, Endpoint, Greeting, Mode, Role, Server, connect, text};
use crate::store::{Inner, RedisStore};

/// Options of a [`RedisStore`].
///
/// ```no_run
/// # async fn open() -> Result<(), regrant_redis::OpenError> {
/// use std::time::Duration;
///
/// use regrant_redis::{Durability, RedisStore};
///
/// let store = RedisStore::cluster(["redis://a.example:6379", "redis://b.example:6379"])
///     .durability(Durability::Replicated { replicas: 1, timeout: Duration::from_millis(500) })
///     .open()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a store is opened by `open`"]
pub struct RedisStoreBuilder {
    address: Address,
    prefix: String,
    durability: Durability,
    deadline: Duration,
    root_certificate: Option<Vec<u8>>,
    assumes_noeviction: bool,
}

impl RedisStore {
    /// Opens the store at `url` with the default options. See [`builder`](Self::builder) for the form of the URL.
    ///
    /// # Errors
    /// If the server cannot be reached or cannot keep the guarantees of a store.
    pub async fn open(url: impl AsRef<str>) -> Result<Self, OpenError> {
        Self::builder(url).open().await
    }

    /// Options for the store at `url`:
    ///
    /// | deployment | URL |
    /// |---|---|
    /// | a single server | `redis://user:password@host:port/database` |
    /// | Redis Sentinel | `redis-sentinel://user:password@host:port,host:port/name/database` |
    /// | a cluster | `redis-cluster://user:password@host:port,host:port` |
    ///
    /// With TLS the schemes are `rediss`, `rediss-sentinel` and `rediss-cluster`.
    ///
    /// The hosts of `redis-sentinel` are the sentinels, with the port 26379 unless another one is given, and `name` is
    /// that of the primary in their configuration. User, password and database are those of the servers; the
    /// parameters `sentinel_username` and `sentinel_password` are those of the sentinels. Name all sentinels: the
    /// answer with the highest epoch counts. One reachable node of a cluster is enough; several are named for the case
    /// that one is down.
    pub fn builder(url: impl AsRef<str>) -> RedisStoreBuilder {
        RedisStoreBuilder::from_url(url.as_ref())
    }

    /// Options for the store in the cluster with these nodes. Each node is a URL like that of a single server.
    pub fn cluster<T: AsRef<str>>(nodes: impl IntoIterator<Item = T>) -> RedisStoreBuilder {
        RedisStoreBuilder::from_nodes(nodes.into_iter().map(|url| url.as_ref().to_owned()).collect())
    }
}

impl RedisStoreBuilder {
    fn from_url(url: &str) -> Self {
        Self::new(Address::parse(url))
    }

    fn from_nodes(urls: Vec<String>) -> Self {
        Self::new(Address::Cluster(urls))
    }

    fn new(address: Address) -> Self {
        Self {
            address,
            prefix: "regrant:".to_owned(),
            durability: Durability::default(),
            deadline: Duration::from_secs(2),
            root_certificate: None,
            assumes_noeviction: false,
        }
    }

    /// Prefix of all keys. Default: `regrant:`. Must not contain braces.
    pub fn key_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Condition under which a write counts as stored. Default: [`Durability::Acknowledged`].
    pub const fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Longest time of a call; 100 ms or more. It covers the wait for a connection, connecting, redirects, all attempts
    /// and the wait for replicas. Default: 2 seconds.
    ///
    /// A single attempt gets a quarter of it, so that a silent connection can be replaced in time. All checks of
    /// [`open`](Self::open) together have the same limit.
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Root certificate, in PEM, that must have signed the certificates of the servers. By default the roots of the
    /// system are trusted.
    pub fn root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root_certificate = Some(pem.into());
        self
    }

    /// Skips the check of `maxmemory-policy`, for servers that do not report it. The policy must be `noeviction` all
    /// the same: a server that evicts grants logs users out and loses the evidence of token theft.
    pub const fn assume_noeviction(mut self) -> Self {
        self.assumes_noeviction = true;
        self
    }

    /// Opens the store. Checks with temporary keys whether the user has every right that the store needs.
    ///
    /// # Errors
    /// If an option is invalid, the server cannot be reached, a right is missing ([`OpenError::MissingPermission`]
    /// names it), or the server cannot keep the guarantees of a store.
    pub async fn open(self) -> Result<RedisStore, OpenError> {
        let attempt_limit = self.attempt_limit()?;
        if self.root_certificate.as_ref().is_some_and(|pem| CertificateDer::from_pem_slice(pem).is_err()) {
            return Err(option("root_certificate", "must be a certificate in PEM"));
        }
        let keys = Keys::new(self.prefix.clone()).ok_or(option("key_prefix", "must not hold braces"))?;
        let endpoint = timeout(self.deadline, self.endpoint(&keys, attempt_limit)).await.map_err(unreachable)??;
        let server = Server::new(endpoint, attempt_limit, self.deadline);
        Ok(RedisStore::new(Inner { server, keys, durability: self.durability, deadline: self.deadline }))
    }

    /// Time limit of one attempt.
    fn attempt_limit(&self) -> Result<Duration, OpenError> {
        if self.deadline < Duration::from_millis(100) {
            return Err(option("deadline", "must be 100 ms or more"));
        }
        match self.durability {
            Durability::Replicated { replicas: 0, .. } => Err(option("durability", "must name at least one replica")),
            Durability::Replicated { timeout, .. }
                if timeout < Duration::from_millis(1) || timeout >= self.deadline =>
            {
                Err(option("durability", "must wait for 1 ms or more, and less than the deadline"))
            }
            _ => Ok(self.deadline / 4),
        }
    }

    /// Connects to the server or cluster and checks it.
    async fn endpoint(&self, keys: &Keys, attempt_limit: Duration) -> Result<Endpoint, OpenError> {
        let certificate = self.root_certificate.as_deref();
        let (greeting, endpoint) = if let Some(sentinels) = self.address.sentinels(certificate)? {
            let (greeting, _) = sentinels.primary(attempt_limit).await.map_err(OpenError::from_error)?;
            (greeting, Endpoint::Sentinel(sentinels))
        } else {
            let clients = self.address.clients(certificate)?;
            let (greeting, client) = connect_any(clients, attempt_limit).await?;
            (greeting, Endpoint::Single(client))
        };
        if greeting.version < (6, 2) {
            return Err(OpenError::TooOld);
        }
        let endpoint = match (&self.address, greeting.mode) {
            (_, Mode::Sentinel) => return Err(OpenError::Sentinel),
            (Address::Cluster(_), Mode::Standalone) => return Err(OpenError::NotACluster),
            (Address::Cluster(_), Mode::Cluster) => {
                Endpoint::Cluster(self.address.cluster_client(certificate, attempt_limit)?)
            }
            (_, Mode::Cluster) => return Err(OpenError::ClusterNode),
            (_, Mode::Standalone) if greeting.role == Role::Replica => return Err(OpenError::Replica),
            (_, Mode::Standalone) => endpoint,
        };
        let mut connection = endpoint.open(attempt_limit).await.map_err(OpenError::from_error)?;
        if !self.assumes_noeviction {
            check_eviction(&mut connection).await?;
        }
        let waits = matches!(self.durability, Durability::Replicated { .. });
        rights::check(&connection, keys, waits, attempt_limit).await?;
        Ok(endpoint)
    }
}

/// Returns the first server that answers, and its greeting.
async fn connect_any(clients: Vec<Client>, attempt_limit: Duration) -> Result<(Greeting, Client), OpenError> {
    let mut failure = OpenError::Url("no server is named".to_owned());
    for client in clients {
        match connect(&client, attempt_limit).await {
            Ok((greeting, _)) => return Ok((greeting, client)),
            Err(error) => failure = OpenError::from_error(error),
        }
    }
    Err(failure)
}

/// Checks the policy of every primary; that of a replica does not matter until it is promoted.
async fn check_eviction(connection: &mut Connection) -> Result<(), OpenError> {
    let info = cmd("INFO").arg("memory").take();
    let reply = match connection {
        Connection::Single(connection) => info.query_async(connection).await,
        Connection::Cluster(connection) => {
            connection.route_command(info, RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllMasters, None))).await
        }
    };
    let replies = match reply.map_err(policy_error)? {
        Value::Map(replies) => replies.into_iter().map(|(_, reply)| reply).collect(),
        reply => vec![reply],
    };
    for reply in replies {
        let text = text(&reply).unwrap_or_default();
        let policy = text.lines().find_map(|line| line.strip_prefix("maxmemory_policy:"));
        match policy.map(str::trim) {
            Some("noeviction") => {}
            Some(policy) => return Err(OpenError::Evicts(policy.to_owned())),
            None => return Err(OpenError::PolicyUnknown),
        }
    }
    Ok(())
}

fn policy_error(error: RedisError) -> OpenError {
    match error.code() {
        Some(_) => OpenError::PolicyUnknown,
        None => OpenError::from_error(error),
    }
}

fn unreachable(elapsed: tokio::time::error::Elapsed) -> OpenError {
    OpenError::Unreachable(elapsed.into())
}

const fn option(name: &'static str, why: &'static str) -> OpenError {
    OpenError::Option { name, why }
}

impl std::fmt::Debug for RedisStoreBuilder {
    /// Omits the URL, which may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisStoreBuilder")
            .field("key_prefix", &self.prefix)
            .field("durability", &self.durability)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
