//! Classes of errors and their consequences.

use redis::{ErrorKind, RedisError, ServerErrorKind};
use regrant::store::StoreError;

/// Class of an error, by the next step of the call.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ErrorClass {
    /// The node does not know the script: send its text.
    NoScript,
    /// The slot is moving and the key is on this node already: ask there.
    Ask { host: String, port: u16 },
    /// Nothing was executed, and a retry within the call may succeed: a failover, a restart, a moving slot.
    Retryable,
    /// Nothing was executed, and a retry within the call will not help: no memory, disk, replicas or connections left.
    Exhausted,
    /// The connection broke or is silent. The command was executed, was not, or will be.
    Lost,
    /// The key holds a value of another type.
    WrongType,
    /// A retry will be refused, too.
    Refused,
}

impl ErrorClass {
    pub(super) fn of(error: &RedisError) -> Self {
        match error.kind() {
            ErrorKind::Server(ServerErrorKind::NoScript) => Self::NoScript,
            ErrorKind::Server(ServerErrorKind::Ask) => ask(error).unwrap_or(Self::Retryable),
            ErrorKind::Server(
                ServerErrorKind::Moved
                | ServerErrorKind::TryAgain
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::MasterDown
                | ServerErrorKind::ReadOnly
                | ServerErrorKind::BusyLoading,
            )
            | ErrorKind::ClusterConnectionNotFound => Self::Retryable,
            ErrorKind::Io | ErrorKind::Parse => Self::Lost,
            _ => match error.code() {
                Some("BUSY" | "UNBLOCKED") => Self::Retryable,
                Some("OOM" | "MISCONF" | "NOREPLICAS") => Self::Exhausted,
                Some("ERR") if error.detail().is_some_and(|text| text.starts_with("max number of clients")) => {
                    Self::Exhausted
                }
                Some("WRONGTYPE") => Self::WrongType,
                // NOPERM, NOAUTH, WRONGPASS, CROSSSLOT, an unknown command, a wrong certificate ...
                _ => Self::Refused,
            },
        }
    }
}

/// True for the refusal of a primary that has too few replicas (`min-replicas-to-write`).
pub(super) fn is_without_replicas(error: &RedisError) -> bool {
    error.code() == Some("NOREPLICAS")
}

fn ask(error: &RedisError) -> Option<ErrorClass> {
    let (host, port) = error.redirect_node()?.0.rsplit_once(':')?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    Some(ErrorClass::Ask { host: host.to_owned(), port: port.parse().ok()? })
}

/// Converts to the error of the store port.
pub(super) fn store_error(error: RedisError) -> StoreError {
    match ErrorClass::of(&error) {
        ErrorClass::NoScript
        | ErrorClass::Ask { .. }
        | ErrorClass::Retryable
        | ErrorClass::Exhausted
        | ErrorClass::Lost => StoreError::unavailable(error),
        ErrorClass::WrongType => StoreError::corrupt(error),
        ErrorClass::Refused => StoreError::rejected(error),
    }
}
