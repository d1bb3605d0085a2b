use std::fmt;
use std::path::Path;
use std::sync::Arc;

use regrant::store::StoreError;
use rusqlite::{Error, ErrorCode};

/// Cause of a failed call. Writes of one transaction share the cause.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The work may have begun: a write may still be stored.
    #[error("no answer within the deadline: another connection holds the lock, or the disk is slow")]
    DeadlinePassed,
    #[error("the thread of the database has ended")]
    ThreadEnded,
    #[error("SQLite rolled back the transaction that this write shared")]
    RolledBack,
    #[error("the transaction may not have been committed")]
    Commit(#[source] Arc<Error>),
    #[error("the rows of the host could not be written, so the grant was not stored either")]
    HostRows(#[source] Arc<Error>),
    #[error("the code that writes rows of the host panicked, so the grant was not stored")]
    HostPanicked,
    #[error(transparent)]
    Sqlite(Arc<Error>),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Sqlite(Arc::new(error))
    }
}

/// A failure with the path of its file: a process may have several files.
#[derive(Debug)]
struct InFile {
    path: Arc<Path>,
    failure: Failure,
}

impl fmt::Display for InFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.failure)
    }
}

impl std::error::Error for InFile {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.failure.source()
    }
}

impl Failure {
    /// Converts to the error of the store port, for the file at `path`.
    pub(crate) fn at(self, path: &Arc<Path>) -> StoreError {
        let verdict = self.verdict();
        verdict(Box::new(InFile { path: Arc::clone(path), failure: self }))
    }

    fn verdict(&self) -> fn(Box<InFile>) -> StoreError {
        let error = match self {
            Self::Sqlite(error) | Self::HostRows(error) => error,
            Self::HostPanicked => return StoreError::rejected,
            // All writes of a batch share its commit, so its error says nothing about a single write.
            Self::DeadlinePassed | Self::ThreadEnded | Self::RolledBack | Self::Commit(_) => {
                return StoreError::unavailable;
            }
        };
        match error.sqlite_error_code() {
            // Not of SQLite, but of the code of the host.
            None if matches!(self, Self::HostRows(_)) => StoreError::rejected,
            // No SQLite code: a column holds a value that this crate does not write.
            None | Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::corrupt,
            // Another connection or the machine is the cause. A full disk recovers too: by the next purge or log
            // rotation.
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
            ) => StoreError::unavailable,
            Some(_) => StoreError::rejected,
        }
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    /// Some of these errors cannot be provoked on every machine, so they are constructed.
    #[test]
    fn only_errors_that_can_pass_are_transient() {
        let path: Arc<Path> = Path::new("/data/grants.db").into();
        for (code, is_transient) in [
            (ffi::SQLITE_BUSY, true),
            (ffi::SQLITE_FULL, true),
            (ffi::SQLITE_NOMEM, true),
            (ffi::SQLITE_IOERR_FSYNC, true),
            (ffi::SQLITE_PERM, false),
            (ffi::SQLITE_AUTH, false),
            (ffi::SQLITE_READONLY, false),
            (ffi::SQLITE_TOOBIG, false),
        ] {
            let error = Failure::from(Error::SqliteFailure(ffi::Error::new(code), None)).at(&path);
            assert_eq!(error.is_transient(), is_transient, "{code}");
            assert!(!error.is_corrupt(), "{code}");
            assert!(std::error::Error::source(&error).unwrap().to_string().starts_with("/data/grants.db: "));
        }
    }
}
