//! Tries, when a store is opened, if the user may do all that the store will do: a right that is missing would
//! otherwise be found at the first request.

use std::time::Duration;

use redis::{Cmd, ErrorKind, RedisError, ServerErrorKind, Value, cmd};
use tokio::task::JoinSet;

use crate::keys::Keys;
use crate::open_error::OpenError;
use crate::script::PROBE;
use crate::server::{Connection, text};

/// How many slots to try in a cluster, whose nodes have their users each for themselves.
const SLOTS: usize = 16;

/// The rights that are missing, in the words of `ACL SETUSER`.
#[derive(Default)]
struct Missing(Vec<String>);

/// Tries what the store sends, and what its scripts do. `waits` if it waits for replicas.
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

/// The commands to try, by the rights that they need.
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
    /// Only what the server says about rights counts: one that is loading or full can be opened.
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
