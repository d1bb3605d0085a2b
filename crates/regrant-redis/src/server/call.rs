//! Commands, each with the key that selects its node.

use std::time::Duration;

use redis::{Cmd, cmd};

use crate::script::Script;

/// A command on keys of one slot.
pub(crate) struct Call<'a> {
    pub(super) action: Action<'a>,
    pub(super) wait: Option<Wait>,
}

/// Number of replicas that must confirm a call, and their time limit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    pub(crate) replicas: usize,
    pub(crate) timeout: Duration,
}

pub(super) enum Action<'a> {
    /// A read of the value at a key.
    Get { key: &'a str },
    /// Another read.
    Read { key: &'a str, command: Cmd },
    /// A script with its keys and arguments.
    Run { script: &'static Script, keys: &'a [&'a str], arguments: &'a [&'a [u8]] },
}

impl<'a> Call<'a> {
    /// Reads the value at `key`.
    pub(crate) const fn get(key: &'a str) -> Self {
        Self { action: Action::Get { key }, wait: None }
    }

    /// Reads at most `limit` members of the sorted set at `key`, in order, starting at `from`.
    pub(crate) fn members(key: &'a str, from: &[u8], limit: usize) -> Self {
        let mut command = cmd("ZRANGEBYLEX");
        command.arg(key).arg(from).arg("+").arg("LIMIT").arg(0).arg(limit);
        Self { action: Action::Read { key, command }, wait: None }
    }

    /// Runs `script`, then waits for replicas if `wait` is given.
    pub(crate) const fn run(
        script: &'static Script,
        keys: &'a [&'a str],
        arguments: &'a [&'a [u8]],
        wait: Option<Wait>,
    ) -> Self {
        Self { action: Action::Run { script, keys, arguments }, wait }
    }

    /// Key that selects the node of a cluster.
    pub(super) fn key(&self) -> &str {
        match &self.action {
            Action::Get { key } | Action::Read { key, .. } => key,
            Action::Run { keys, .. } => keys.first().copied().unwrap_or_default(),
        }
    }

    /// True for a read. A replica answers it, too, from old data.
    pub(super) const fn is_read(&self) -> bool {
        matches!(self.action, Action::Get { .. } | Action::Read { .. })
    }

    /// Command with the same reply that a replica refuses, if there is one. `GETEX` without an option changes nothing,
    /// but counts as a write.
    pub(super) fn on_primary(&self) -> Option<Cmd> {
        match &self.action {
            Action::Get { key } => Some(value("GETEX", key)),
            Action::Read { .. } | Action::Run { .. } => None,
        }
    }

    /// Command that a replica refuses (`READONLY`), and that changes nothing: a write of no bytes.
    pub(super) fn role_check(&self) -> Cmd {
        let mut command = cmd("SETRANGE");
        command.arg(self.key()).arg(0).arg("");
        command
    }

    /// Command to send. A script is sent by its digest, or as text to a node that does not know it.
    pub(super) fn command(&self, with_text: bool) -> Cmd {
        match &self.action {
            Action::Get { key } => value("GET", key),
            Action::Read { command, .. } => command.clone(),
            Action::Run { script, keys, arguments } => {
                let size = 100 + arguments.iter().map(|argument| argument.len()).sum::<usize>();
                let mut command = Cmd::with_capacity(3 + keys.len() + arguments.len(), size);
                if with_text {
                    command.arg("EVAL").arg(script.source);
                } else {
                    command.arg("EVALSHA").arg(&script.digest);
                }
                command.arg(keys.len()).arg(*keys).arg(*arguments);
                command
            }
        }
    }
}

fn value(name: &str, key: &str) -> Cmd {
    let mut command = Cmd::with_capacity(2, name.len() + key.len());
    command.arg(name).arg(key);
    command
}

impl Wait {
    /// Time limit in ms; at least 1, because `WAIT` treats 0 as unlimited.
    pub(super) fn millis(self) -> u64 {
        u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX).max(1)
    }
}
