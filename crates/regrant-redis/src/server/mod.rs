//! Calls to the server or cluster, repeated until they are answered or cannot succeed.

mod call;
mod connection;
mod error_class;
mod greeting;
mod lease;
mod sentinels;

use std::iter;
use std::time::Duration;

use redis::{ErrorKind, Pipeline, RedisError, ServerErrorKind, Value};
use regrant::store::StoreError;
use tokio::time::{Instant, sleep};

pub(crate) use call::{Call, Wait};
use connection::Target;
pub(crate) use connection::{Connection, Endpoint, certificates, client, connect};
use error_class::{ErrorClass, is_without_replicas, store_error};
pub(crate) use greeting::{Greeting, Mode, Role, text};
use lease::{Connections, Lease};
pub(crate) use sentinels::Sentinels;
use sentinels::Standing;

/// Pauses before the next attempts, in ms. Long enough for a restart or a moving slot, not for a whole failover: the
/// client retries later.
const PAUSES: &[u64] = &[5, 20, 50, 100, 200, 400, 800];

/// Pauses, in ms, while sentinels choose another primary.
const PATIENT_PAUSES: &[u64] = &[5, 20, 50, 100, 200];

/// A server or a cluster.
pub(crate) struct Server {
    connections: Connections,
    /// Time limit of one attempt.
    attempt_limit: Duration,
    /// Time limit of a call.
    deadline: Duration,
}

/// Reply of the server.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) value: Value,
    /// True if an earlier attempt may have been executed: its connection was lost before the reply.
    pub(crate) is_repeated: bool,
    /// True if as many replicas confirmed as the call asked for; it may have asked for none.
    pub(crate) is_replicated: bool,
}

impl Server {
    pub(crate) fn new(endpoint: Endpoint, attempt_limit: Duration, deadline: Duration) -> Self {
        Self { connections: Connections::new(endpoint), attempt_limit, deadline }
    }

    /// Executes a call that may be sent several times: a read, or a script that recognises its own write.
    pub(crate) async fn execute(&self, call: &Call<'_>) -> Result<Reply, StoreError> {
        let begin = Instant::now();
        if self.connections.are_due() {
            // Boxed: this future is large and rarely needed.
            Box::pin(self.connections.confirm(self.attempt_limit / 2)).await;
        }
        let mut lease = match call.wait {
            None => self.connections.share(self.attempt_limit),
            Some(wait) => self.connections.take(self.attempt_limit + wait.timeout).await.map_err(store_error)?,
        };
        let mut attempt = Attempt::default();
        let mut is_repeated = false;
        let mut pauses = self.pauses();
        loop {
            let error = match attempt.send(call, &mut lease).await {
                Ok((value, is_replicated)) => {
                    lease.release();
                    return Ok(Reply { value, is_repeated, is_replicated });
                }
                Err(error) => self.connections.explained(error, self.attempt_limit).await,
            };
            let class = ErrorClass::of(&error);
            let was_sent = lease.is_open();
            lease.failed(&error).await;
            match class {
                ErrorClass::NoScript if !attempt.with_text => {
                    attempt.with_text = true;
                    continue;
                }
                ErrorClass::Ask { host, port } if attempt.importing.is_none() => {
                    attempt.importing = Some((host, port));
                    continue;
                }
                ErrorClass::Exhausted | ErrorClass::WrongType | ErrorClass::Refused => return Err(store_error(error)),
                ErrorClass::NoScript | ErrorClass::Ask { .. } | ErrorClass::Retryable => {}
                ErrorClass::Lost => is_repeated |= was_sent,
            }
            // The last error says more than the end of the deadline would.
            let is_in_time = |pause: &Duration| begin.elapsed() + *pause + self.attempt_limit / 4 < self.deadline;
            let Some(pause) = pauses.next().filter(is_in_time) else { return Err(store_error(error)) };
            sleep(pause).await;
            attempt.importing = None;
        }
    }

    /// Pauses before the next attempts.
    fn pauses(&self) -> impl Iterator<Item = Duration> + Send + use<> {
        let (first, rest) = if self.connections.are_patient() { (PATIENT_PAUSES, Some(200)) } else { (PAUSES, None) };
        first.iter().copied().chain(rest.into_iter().flat_map(iter::repeat)).map(Duration::from_millis)
    }
}

/// State carried from one attempt to the next.
#[derive(Default)]
struct Attempt {
    with_text: bool,
    importing: Option<(String, u16)>,
}

impl Attempt {
    async fn send(&self, call: &Call<'_>, lease: &mut Lease<'_>) -> Result<(Value, bool), RedisError> {
        let limit = lease.limit();
        let connections = lease.connections();
        let connection = lease.connection().await?;
        if call.is_read() && !connection.is_cluster() {
            return read(call, connection, connections, limit).await.map(|value| (value, true));
        }
        let command = call.command(self.with_text);
        if call.wait.is_none() && self.importing.is_none() {
            return connection.send(command, call.key(), limit).await.map(|value| (value, true));
        }
        let mut commands = Pipeline::with_capacity(3);
        let mut target = Target::Key(call.key());
        if let Some((host, port)) = &self.importing {
            // Sent together with the command: another command on this connection would consume the `ASKING`.
            commands.cmd("ASKING");
            target = Target::Importing { host, port: *port };
        }
        commands.add_command(command);
        if let Some(wait) = call.wait {
            // `WAIT` covers the writes of its own connection, so it is sent together with the write: a fault between
            // the two fails both. Without the route of the key it would go to every primary.
            commands.cmd("WAIT").arg(wait.replicas).arg(wait.millis());
        }
        let replies = connection.send_all(commands, &target, limit).await?;
        let mut replies = replies.into_iter().skip(usize::from(self.importing.is_some()));
        let value = replies.next().unwrap_or_default().extract_error()?;
        let confirmed = replies.next().and_then(|reply| redis::from_redis_value::<usize>(reply).ok()).unwrap_or(0);
        let is_replicated = call.wait.is_none_or(|wait| confirmed >= wait.replicas);
        Ok((value, is_replicated))
    }
}

/// Reads from a single server, unless the server has become a replica behind an open connection. Then the data is old:
/// a missing record would end a session, and a revocation would be missed. Nodes of a cluster redirect such a read.
async fn read(
    call: &Call<'_>,
    connection: &mut Connection,
    connections: &Connections,
    limit: Duration,
) -> Result<Value, RedisError> {
    if let Some(command) = call.on_primary() {
        match connection.send(command, call.key(), limit).await {
            // Reads go on while the server can store nothing: no disk, no replicas.
            Err(error) if ErrorClass::of(&error) == ErrorClass::Exhausted => {}
            reply => return reply,
        }
    }
    let mut commands = Pipeline::with_capacity(2);
    commands.add_command(call.command(false)).add_command(call.role_check());
    let mut replies = connection.send_all(commands, &Target::Key(call.key()), limit).await?.into_iter();
    let value = replies.next().unwrap_or_default().extract_error()?;
    match replies.next().unwrap_or_default().extract_error() {
        Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly) => Err(error),
        // A primary without replicas may be a former one that is cut off from its successor.
        Err(error)
            if is_without_replicas(&error) && Box::pin(connections.confirm(limit)).await != Standing::Confirmed =>
        {
            Err(error)
        }
        _ => Ok(value),
    }
}
