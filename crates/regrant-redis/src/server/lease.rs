//! Who uses which connection.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::RedisError;
use tokio::sync::{RwLock, Semaphore, SemaphorePermit};

use super::connection::{Connection, Endpoint};

/// How many calls may wait for replicas at a time.
const OWN_CONNECTIONS: usize = 16;

/// The connections of a store: one that all calls share, and some for calls that block theirs by waiting for replicas.
pub(super) struct Connections {
    endpoint: Endpoint,
    shared: RwLock<Shared>,
    idle: Mutex<Vec<Connection>>,
    permits: Semaphore,
}

#[derive(Default)]
struct Shared {
    connection: Option<Connection>,
    /// Counts the connections, so that of many calls that lost one only the first takes it away.
    number: u64,
}

/// A connection for one call, opened when it is needed.
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

    pub(super) const fn share(&self, limit: Duration) -> Lease<'_> {
        Lease { connections: self, connection: None, kind: Kind::Shared { number: 0 }, limit }
    }

    pub(super) async fn take(&self, limit: Duration) -> Result<Lease<'_>, RedisError> {
        let permit = self.permits.acquire().await.map_err(io::Error::other)?;
        let connection = self.idle().pop();
        Ok(Lease { connections: self, connection, kind: Kind::Own { _permit: permit }, limit })
    }

    /// Boxed: it is large and rarely needed, and part of the future of every call.
    async fn open(&self, limit: Duration) -> Result<Connection, RedisError> {
        Box::pin(self.endpoint.open(limit)).await
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The shared connection and its number. Calls that find none wait for the one that opens it.
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

impl Lease<'_> {
    /// How long the server may take for a reply.
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

    /// Gives up a connection that failed with `error`, if it does not mend itself.
    pub(super) async fn failed(&mut self, error: &RedisError) {
        if self.connection.take_if(|connection| connection.is_spent(error)).is_none() {
            return;
        }
        match self.kind {
            Kind::Shared { number } => {
                let mut shared = self.connections.shared.write().await;
                if shared.number == number {
                    shared.connection = None;
                }
            }
            // What broke this one broke the others as a rule.
            Kind::Own { .. } => self.connections.idle().clear(),
        }
    }

    /// Ends the lease after a whole reply. One that is dropped instead closes its connection: the reply to its `WAIT` may
    /// still be on the way.
    pub(super) fn give_back(mut self) {
        if let (Kind::Own { .. }, Some(connection)) = (&self.kind, self.connection.take()) {
            self.connections.idle().push(connection);
        }
    }
}
