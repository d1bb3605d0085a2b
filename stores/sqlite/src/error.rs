use std::sync::Arc;

use regrant::store::StoreError;
use rusqlite::{Error, ErrorCode};

/// Why a call has no answer. Writes that shared a transaction share the cause.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("the deadline passed before the call had its turn")]
    DeadlinePassed,
    #[error("the thread of the database has ended")]
    ThreadEnded,
    #[error("SQLite rolled back the transaction that this write shared")]
    RolledBack,
    #[error("the transaction may not have been committed")]
    Commit(#[source] Arc<Error>),
    #[error(transparent)]
    Sqlite(Arc<Error>),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Sqlite(Arc::new(error))
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Sqlite(error) => sqlite_error(error),
            failure => Self::unavailable(failure),
        }
    }
}

fn sqlite_error(error: Arc<Error>) -> StoreError {
    match error.sqlite_error_code() {
        // None is not SQLite's complaint: a column does not hold what this crate writes there.
        None | Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::corrupt(error),
        // Another connection, or the machine, is in the way. A full disk too: a log rotation may be all it takes.
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::SchemaChanged
            | ErrorCode::OperationAborted
            | ErrorCode::OperationInterrupted
            | ErrorCode::OutOfMemory
            | ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::DiskFull,
        ) => StoreError::unavailable(error),
        Some(_) => StoreError::rejected(error),
    }
}
