//! Connections to a server or cluster.

use std::io;
use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster::{ClusterClient, ClusterConfig};
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{Route, RoutingInfo, SingleNodeRoutingInfo, SlotAddr};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionInfo, ErrorKind, Pipeline, RedisError, ServerErrorKind,
    TlsCertificates, Value,
};
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use super::greeting::{Greeting, Role, greet};
use super::sentinels::Sentinels;

/// Source of connections.
pub(crate) enum Endpoint {
    Single(Client),
    /// The server that the sentinels name.
    Sentinel(Sentinels),
    Cluster(ClusterClient),
}

/// A connection to a server, or to each node of a cluster. Clones share it.
#[derive(Clone)]
pub(crate) enum Connection {
    Single(MultiplexedConnection),
    Cluster(ClusterConnection),
}

/// Node of a cluster to send to.
pub(super) enum Target<'a> {
    /// Primary of the slot of this key.
    Key(&'a str),
    /// Node to which a slot is being moved.
    Importing { host: &'a str, port: u16 },
}

impl Endpoint {
    /// Opens a connection. A node that does not answer within `limit` counts as failed.
    pub(crate) async fn open(&self, limit: Duration) -> Result<Connection, RedisError> {
        match self {
            Self::Single(client) => {
                let (greeting, connection) = connect(client, limit).await?;
                match greeting.role {
                    Role::Primary => Ok(Connection::Single(connection)),
                    // After a failover behind the same address, the reads of this server may be old.
                    Role::Replica => Err((ErrorKind::Server(ServerErrorKind::ReadOnly), "a replica").into()),
                }
            }
            Self::Sentinel(sentinels) => sentinels.primary(limit).await.map(|(_, primary)| Connection::Single(primary)),
            Self::Cluster(client) => {
                // The client waits for the named nodes, then for those that they report, so a silent node costs the
                // limit twice.
                let config = ClusterConfig::new().set_connection_timeout(limit / 2).set_response_timeout(limit);
                in_time(timeout(limit * 2, client.get_async_connection_with_config(config)).await)
                    .map(Connection::Cluster)
            }
        }
    }
}

/// Creates the client of a single server. It trusts this root, or the roots of the system.
pub(crate) fn client(server: ConnectionInfo, root_certificate: Option<&[u8]>) -> Result<Client, RedisError> {
    match root_certificate {
        Some(certificate) => Client::build_with_tls(server, certificates(certificate)),
        None => Client::open(server),
    }
}

pub(crate) fn certificates(root: &[u8]) -> TlsCertificates {
    TlsCertificates { client_tls: None, root_cert: Some(root.to_vec()) }
}

/// Opens a connection to a single server and reads its greeting.
pub(crate) async fn connect(client: &Client, limit: Duration) -> Result<(Greeting, MultiplexedConnection), RedisError> {
    // Later commands have timeouts of their own.
    let config = AsyncConnectionConfig::new().set_connection_timeout(Some(limit)).set_response_timeout(None);
    let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
    Ok((in_time(timeout(limit, greet(&mut connection)).await)?, connection))
}

impl Connection {
    pub(crate) const fn is_cluster(&self) -> bool {
        matches!(self, Self::Cluster(_))
    }

    /// Sends one command and returns its reply.
    pub(crate) async fn send(&mut self, command: Cmd, key: &str, limit: Duration) -> Result<Value, RedisError> {
        let reply = match self {
            Self::Single(connection) => in_time(timeout(limit, connection.req_packed_command(&command)).await)?,
            Self::Cluster(connection) => {
                let routed = connection.route_command(command, RoutingInfo::SingleNode(primary_of(key)));
                in_time(timeout(limit, Box::pin(routed)).await)?
            }
        };
        reply.extract_error()
    }

    /// Sends commands together to one node and returns their replies.
    pub(super) async fn send_all(
        &mut self,
        commands: Pipeline,
        target: &Target<'_>,
        limit: Duration,
    ) -> Result<Vec<Value>, RedisError> {
        let count = commands.len();
        match self {
            Self::Single(connection) => {
                in_time(timeout(limit, connection.req_packed_commands(&commands, 0, count)).await)
            }
            Self::Cluster(connection) => {
                let node = match *target {
                    Target::Key(key) => primary_of(key),
                    Target::Importing { host, port } => {
                        SingleNodeRoutingInfo::ByAddress { host: host.to_owned(), port }
                    }
                };
                in_time(timeout(limit, Box::pin(connection.route_pipeline(commands, 0, count, node))).await)
            }
        }
    }

    /// True if a connection that failed with this error must be replaced. A connection to a primary that became a
    /// replica must be: a new one may lead to the new primary. A cluster connection recovers by itself, except that it
    /// does not notice a silent node and does not recover after losing all nodes.
    pub(super) fn must_be_replaced(&self, error: &RedisError) -> bool {
        match self {
            Self::Single(_) => matches!(
                error.kind(),
                ErrorKind::Io
                    | ErrorKind::Parse
                    | ErrorKind::Server(ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown)
            ),
            Self::Cluster(_) => error.is_timeout() || error.kind() == ErrorKind::ClusterConnectionNotFound,
        }
    }
}

/// Routes to the primary: a replica may return old data.
fn primary_of(key: &str) -> SingleNodeRoutingInfo {
    SingleNodeRoutingInfo::SpecificNode(Route::with_key(key, SlotAddr::Master))
}

pub(super) fn in_time<T>(outcome: Result<Result<T, RedisError>, Elapsed>) -> Result<T, RedisError> {
    outcome.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
}
