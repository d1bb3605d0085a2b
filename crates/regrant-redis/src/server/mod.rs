//! Calls to the server or cluster, until they are answered or there is no hope.

mod call;
mod connection;
mod greeting;
mod lease;
mod trouble;

use std::time::Duration;

use redis::{Pipeline, RedisError, Value};
use regrant::store::StoreError;
use tokio::time::sleep;

pub(crate) use call::{Call, Wait};
use connection::Target;
pub(crate) use connection::{Connection, Endpoint, meet};
pub(crate) use greeting::{Greeting, Mode, Role, text};
use lease::{Connections, Lease};
use trouble::{Trouble, store_error};

/// Pauses before the next attempt, ms. Long enough for a restart or a slot on its way, not for a whole failover: the
/// client's own retry comes later.
const PAUSES: [u64; 7] = [5, 20, 50, 100, 200, 400, 800];

/// A server or a cluster.
pub(crate) struct Server {
    connections: Connections,
    /// How long one attempt may take.
    patience: Duration,
}

/// What the server replied.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) value: Value,
    /// An attempt before this one may have been executed: its connection was lost before the reply.
    pub(crate) is_repeated: bool,
    /// As many replicas confirmed as the call asked for; it may have asked for none.
    pub(crate) is_replicated: bool,
}

impl Server {
    pub(crate) fn new(endpoint: Endpoint, patience: Duration) -> Self {
        Self { connections: Connections::new(endpoint), patience }
    }

    /// Executes a call that may be sent any number of times: reads, and scripts that know their own writes.
    pub(crate) async fn execute(&self, call: &Call<'_>) -> Result<Reply, StoreError> {
        let mut lease = match call.wait {
            None => self.connections.share(self.patience),
            Some(wait) => self.connections.take(self.patience + wait.timeout).await.map_err(store_error)?,
        };
        let mut attempt = Attempt::default();
        let mut is_repeated = false;
        let mut pauses = PAUSES.into_iter();
        loop {
            let error = match attempt.send(call, &mut lease).await {
                Ok((value, is_replicated)) => {
                    lease.give_back();
                    return Ok(Reply { value, is_repeated, is_replicated });
                }
                Err(error) => error,
            };
            let trouble = Trouble::of(&error);
            let was_sent = lease.is_open();
            lease.failed(&error).await;
            match trouble {
                Trouble::NoScript if !attempt.with_text => {
                    attempt.with_text = true;
                    continue;
                }
                Trouble::Ask { host, port } if attempt.importing.is_none() => {
                    attempt.importing = Some((host, port));
                    continue;
                }
                Trouble::MuchLater | Trouble::Foreign | Trouble::Refused => return Err(store_error(error)),
                Trouble::NoScript | Trouble::Ask { .. } | Trouble::Later => {}
                Trouble::Lost => is_repeated |= was_sent,
            }
            let Some(pause) = pauses.next() else { return Err(store_error(error)) };
            sleep(Duration::from_millis(pause)).await;
            attempt.importing = None;
        }
    }
}

/// What the attempts before taught.
#[derive(Default)]
struct Attempt {
    with_text: bool,
    importing: Option<(String, u16)>,
}

impl Attempt {
    async fn send(&self, call: &Call<'_>, lease: &mut Lease<'_>) -> Result<(Value, bool), RedisError> {
        let limit = lease.limit();
        let connection = lease.connection().await?;
        let command = call.command(self.with_text);
        if call.wait.is_none() && self.importing.is_none() {
            return connection.send(command, call.key(), limit).await.map(|value| (value, true));
        }
        let mut commands = Pipeline::with_capacity(3);
        let mut target = Target::Key(call.key());
        if let Some((host, port)) = &self.importing {
            // In one piece with the command: another one on this connection must not come in between and use it up.
            commands.cmd("ASKING");
            target = Target::Importing { host, port: *port };
        }
        commands.add_command(command);
        if let Some(wait) = call.wait {
            // `WAIT` asks for the writes of its own connection, so it travels with the write: whatever separates the two
            // fails both. Without the key's route it would go to every primary.
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
