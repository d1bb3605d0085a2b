//! What an error means for the next step.

use redis::{ErrorKind, RedisError, ServerErrorKind};
use regrant::store::StoreError;

/// What to do about a failed call.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The node does not know the script: send its text.
    NoScript,
    /// The slot is moving, and the key is at this node already: ask there.
    Ask { host: String, port: u16 },
    /// Nothing was executed, and time heals it: a failover, a restart, a slot on its way.
    Later,
    /// The same, but not within a call: it has no memory, no disk, no replicas or no connections left.
    MuchLater,
    /// The connection broke or is silent. It was executed, or it was not, or it will be.
    Lost,
    /// The key holds something that is not ours.
    Foreign,
    /// The same call will be refused again.
    Refused,
}

impl Trouble {
    pub(super) fn of(error: &RedisError) -> Self {
        match error.kind() {
            ErrorKind::Server(ServerErrorKind::NoScript) => Self::NoScript,
            ErrorKind::Server(ServerErrorKind::Ask) => ask(error).unwrap_or(Self::Later),
            ErrorKind::Server(
                ServerErrorKind::Moved
                | ServerErrorKind::TryAgain
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::MasterDown
                | ServerErrorKind::ReadOnly
                | ServerErrorKind::BusyLoading,
            )
            | ErrorKind::ClusterConnectionNotFound => Self::Later,
            ErrorKind::Io | ErrorKind::Parse => Self::Lost,
            _ => match error.code() {
                Some("BUSY" | "UNBLOCKED") => Self::Later,
                Some("OOM" | "MISCONF" | "NOREPLICAS") => Self::MuchLater,
                Some("ERR") if error.detail().is_some_and(|text| text.starts_with("max number of clients")) => {
                    Self::MuchLater
                }
                Some("WRONGTYPE") => Self::Foreign,
                // NOPERM, NOAUTH, WRONGPASS, CROSSSLOT, an unknown command, a wrong certificate ...
                _ => Self::Refused,
            },
        }
    }
}

fn ask(error: &RedisError) -> Option<Trouble> {
    let (host, port) = error.redirect_node()?.0.rsplit_once(':')?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    Some(Trouble::Ask { host: host.to_owned(), port: port.parse().ok()? })
}

/// The error as the core knows errors.
pub(super) fn store_error(error: RedisError) -> StoreError {
    match Trouble::of(&error) {
        Trouble::NoScript | Trouble::Ask { .. } | Trouble::Later | Trouble::MuchLater | Trouble::Lost => {
            StoreError::unavailable(error)
        }
        Trouble::Foreign => StoreError::corrupt(error),
        Trouble::Refused => StoreError::rejected(error),
    }
}
