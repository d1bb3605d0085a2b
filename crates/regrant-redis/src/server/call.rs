//! One command with the key that decides where it is executed.

use std::time::Duration;

use redis::{Cmd, cmd};

use crate::script::Script;

/// A command on keys of one slot.
pub(crate) struct Call<'a> {
    pub(super) what: What<'a>,
    pub(super) wait: Option<Wait>,
}

/// How many replicas must confirm a call, and how long they may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    pub(crate) replicas: usize,
    pub(crate) timeout: Duration,
}

pub(super) enum What<'a> {
    /// A read.
    Read { key: &'a str, command: Cmd },
    /// A script with its keys and arguments.
    Run { script: &'static Script, keys: &'a [&'a str], arguments: &'a [&'a [u8]] },
}

impl<'a> Call<'a> {
    /// The value at `key`.
    pub(crate) fn get(key: &'a str) -> Self {
        let mut command = Cmd::with_capacity(2, 3 + key.len());
        command.arg("GET").arg(key);
        Self { what: What::Read { key, command }, wait: None }
    }

    /// At most `limit` members of the sorted set at `key` from `from` on, in their order.
    pub(crate) fn members(key: &'a str, from: &[u8], limit: usize) -> Self {
        let mut command = cmd("ZRANGEBYLEX");
        command.arg(key).arg(from).arg("+").arg("LIMIT").arg(0).arg(limit);
        Self { what: What::Read { key, command }, wait: None }
    }

    /// Runs `script`, and waits for replicas if it is told to.
    pub(crate) const fn run(
        script: &'static Script,
        keys: &'a [&'a str],
        arguments: &'a [&'a [u8]],
        wait: Option<Wait>,
    ) -> Self {
        Self { what: What::Run { script, keys, arguments }, wait }
    }

    /// The key by which a cluster finds the node.
    pub(super) fn key(&self) -> &str {
        match &self.what {
            What::Read { key, .. } => key,
            What::Run { keys, .. } => keys.first().copied().unwrap_or_default(),
        }
    }

    /// What is sent, in one piece. A script goes by its digest, or as text to a node that does not know it.
    pub(super) fn command(&self, with_text: bool) -> Cmd {
        match &self.what {
            What::Read { command, .. } => command.clone(),
            What::Run { script, keys, arguments } => {
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

impl Wait {
    /// The time in ms; 0 would be for ever.
    pub(super) fn millis(self) -> u64 {
        u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX).max(1)
    }
}
