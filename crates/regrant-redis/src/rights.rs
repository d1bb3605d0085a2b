//! Checks when a store is opened that the user has every right that the store needs. Otherwise the first request would
//! find a missing one.

use std::time::Duration;

use redis::{Cmd, ErrorKind, RedisError, ServerErrorKind, Value, cmd};
use tokio::task::JoinSet;

use crate::keys::Keys;
use crate::open_error::OpenError;
use crate::script::PROBE;
use crate::server::{Connection, text};

/// Slots to check in a cluster, where each node has its own users.
const SLOTS: usize = 16;

/// Missing rights in the syntax of `ACL SETUSER`.
#[derive(Default)]
struct Missing(Vec<String>);

/// Tries the commands that the store sends and those of its scripts. `waits` is true if the store waits for replicas.
pub(crate) async fn check(connection: &Connection, keys: &Keys, waits: bool, limit: Duration) -> Result<(), OpenError> {
    let slots = if connection.is_cluster() { SLOTS } else { 1 };
    let mut trials = JoinSet::new();
    for slot in 0..slots {
        let (mut connection, [value, set]) = (connection.clone(), keys.probe(slot));
        let commands = commands(&value, &set, waits, connection.is_cluster());
        trials.spawn(async move {
            let mut replies = Vec::with_capacity(commands.len());
            for (name, command) in commands {
                replies.push((name, connection.send(command, &value, limit).await));
            }
            replies
        });
    }
    let mut missing = Missing::default();
    while let Some(replies) = trials.join_next().await {
        for (name, reply) in replies.map_err(|error| OpenError::Unreachable(error.into()))? {
            missing.note(keys, name, reply)?;
        }
    }
    if missing.0.is_empty() { Ok(()) } else { Err(OpenError::MissingPermission { missing: missing.0.join(" ") }) }
}

/// Commands to try, each with the right that it needs.
fn commands(value: &str, set: &str, waits: bool, is_cluster: bool) -> Vec<(&'static str, Cmd)> {
    let run = |name: &str, script: &str| cmd(name).arg(script).arg(2).arg(value).arg(set).take();
    let mut commands = vec![("eval", run("EVAL", PROBE.source)), ("evalsha", run("EVALSHA", &PROBE.digest))];
    if waits {
        commands.push(("wait", cmd("WAIT").arg(0).arg(1).take()));
    }
    if is_cluster {
        commands.extend([("ping", cmd("PING")), ("asking", cmd("ASKING"))]);
    }
    commands
}

impl Missing {
    /// Records only errors about rights: a server that is loading or full can be opened.
    fn note(&mut self, keys: &Keys, name: &str, reply: Result<Value, RedisError>) -> Result<(), OpenError> {
        match reply {
            Ok(Value::Array(denied)) => denied.iter().filter_map(text).for_each(|name| self.add(format!("+{name}"))),
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoPerm) => {
                let is_of_keys = error.detail().is_some_and(|words| words.contains("key"));
                self.add(if is_of_keys { keys.all() } else { format!("+{name}") });
            }
            Err(error) if error.kind() == ErrorKind::Io => return Err(OpenError::from_error(error)),
            Ok(_) | Err(_) => {}
        }
        Ok(())
    }

    fn add(&mut self, right: String) {
        if !self.0.contains(&right) {
            self.0.push(right);
        }
    }
}
