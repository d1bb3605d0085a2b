//! Assignment of connections to calls.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::{ErrorKind, RedisError, ServerErrorKind};
use tokio::sync::{RwLock, Semaphore, SemaphorePermit};

use super::connection::{Connection, Endpoint};
use super::error_class::is_without_replicas;
use super::sentinels::Standing;

/// Most calls that wait for replicas at a time.
const OWN_CONNECTIONS: usize = 16;

/// Connections of a store: one that calls share, and some for calls that block their connection while they wait for
/// replicas.
pub(super) struct Connections {
    endpoint: Endpoint,
    shared: RwLock<Shared>,
    idle: Mutex<Vec<Connection>>,
    permits: Semaphore,
}

#[derive(Default)]
struct Shared {
    connection: Option<Connection>,
    /// Number of the connection: of several calls that lost the same connection, only the first removes it.
    number: u64,
}

/// A connection for one call, opened on demand.
pub(super) struct Lease<'a> {
    connections: &'a Connections,
    connection: Option<Connection>,
    kind: Kind<'a>,
    limit: Duration,
}

enum Kind<'a> {
    Shared { number: u64 },
    Own { _permit: SemaphorePermit<'a> },
}

impl Connections {
    pub(super) fn new(endpoint: Endpoint) -> Self {
        Self { endpoint, shared: RwLock::default(), idle: Mutex::default(), permits: Semaphore::new(OWN_CONNECTIONS) }
    }

    /// True if the primary may have been replaced although its connections are open: [`confirm`](Self::confirm) first.
    pub(super) fn are_due(&self) -> bool {
        matches!(&self.endpoint, Endpoint::Sentinel(sentinels) if sentinels.is_due())
    }

    /// Asks the sentinels, and drops the connections if they name another primary.
    pub(super) async fn confirm(&self, limit: Duration) -> Standing {
        let Endpoint::Sentinel(sentinels) = &self.endpoint else { return Standing::Confirmed };
        let standing = sentinels.standing(limit).await;
        if standing == Standing::Replaced {
            self.shared.write().await.connection = None;
            self.idle().clear();
        }
        standing
    }

    /// Returns the reason of a refusal: a primary that has lost its replicas may have been replaced.
    pub(super) async fn explained(&self, error: RedisError, limit: Duration) -> RedisError {
        if is_without_replicas(&error) && Box::pin(self.confirm(limit)).await == Standing::Replaced {
            return (ErrorKind::Server(ServerErrorKind::ReadOnly), "the sentinels name another primary").into();
        }
        error
    }

    /// True if calls are repeated until their deadline: a failover takes longer than a restart.
    pub(super) const fn are_patient(&self) -> bool {
        matches!(self.endpoint, Endpoint::Sentinel(_))
    }

    pub(super) const fn share(&self, limit: Duration) -> Lease<'_> {
        Lease { connections: self, connection: None, kind: Kind::Shared { number: 0 }, limit }
    }

    pub(super) async fn take(&self, limit: Duration) -> Result<Lease<'_>, RedisError> {
        let permit = self.permits.acquire().await.map_err(io::Error::other)?;
        let connection = self.idle().pop();
        Ok(Lease { connections: self, connection, kind: Kind::Own { _permit: permit }, limit })
    }

    /// Boxed: this future is large and rarely needed, and part of the future of every call.
    async fn open(&self, limit: Duration) -> Result<Connection, RedisError> {
        Box::pin(self.endpoint.open(limit)).await
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the shared connection and its number. Calls that find none wait for the call that opens it.
    async fn shared(&self, limit: Duration) -> Result<(Connection, u64), RedisError> {
        if let Shared { connection: Some(connection), number } = &*self.shared.read().await {
            return Ok((connection.clone(), *number));
        }
        let mut shared = self.shared.write().await;
        if let Shared { connection: Some(connection), number } = &*shared {
            return Ok((connection.clone(), *number));
        }
        let connection = self.open(limit).await?;
        *shared = Shared { connection: Some(connection.clone()), number: shared.number + 1 };
        Ok((connection, shared.number))
    }
}

impl<'a> Lease<'a> {
    pub(super) const fn connections(&self) -> &'a Connections {
        self.connections
    }

    /// Time limit for a reply.
    pub(super) const fn limit(&self) -> Duration {
        self.limit
    }

    pub(super) const fn is_open(&self) -> bool {
        self.connection.is_some()
    }

    pub(super) async fn connection(&mut self) -> Result<&mut Connection, RedisError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => match &mut self.kind {
                Kind::Own { .. } => self.connections.open(self.limit).await?,
                Kind::Shared { number } => {
                    let (connection, current) = self.connections.shared(self.limit).await?;
                    *number = current;
                    connection
                }
            },
        };
        Ok(self.connection.insert(connection))
    }

    /// Drops a connection that failed with `error`, unless it recovers by itself.
    pub(super) async fn failed(&mut self, error: &RedisError) {
        if self.connection.take_if(|connection| connection.must_be_replaced(error)).is_none() {
            return;
        }
        match self.kind {
            Kind::Shared { number } => {
                let mut shared = self.connections.shared.write().await;
                if shared.number == number {
                    shared.connection = None;
                }
            }
            // The cause usually broke the other idle connections, too.
            Kind::Own { .. } => self.connections.idle().clear(),
        }
    }

    /// Returns the connection after a complete reply. A lease that is dropped instead closes its connection: the reply
    /// to its `WAIT` may still arrive.
    pub(super) fn release(mut self) {
        if let (Kind::Own { .. }, Some(connection)) = (&self.kind, self.connection.take()) {
            self.connections.idle().push(connection);
        }
    }
}
