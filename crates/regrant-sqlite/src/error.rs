use std::fmt;
use std::path::Path;
use std::sync::Arc;

use regrant::store::StoreError;
use rusqlite::{Error, ErrorCode};

/// Why a call has no answer. Writes that shared a transaction share the cause.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Begun or not: a write may be done yet.
    #[error("no answer within the deadline: another connection holds the lock, or the disk is slow")]
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

/// A failure with the path of the file: a process may have several.
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
    /// As the service knows errors, of the file at `path`.
    pub(crate) fn at(self, path: &Arc<Path>) -> StoreError {
        let verdict = self.verdict();
        verdict(Box::new(InFile { path: Arc::clone(path), failure: self }))
    }

    fn verdict(&self) -> fn(Box<InFile>) -> StoreError {
        // A commit is shared: what is wrong with one write is not wrong with its neighbours.
        let Self::Sqlite(error) = self else { return StoreError::unavailable };
        match error.sqlite_error_code() {
            // None is not SQLite's complaint: a column does not hold what this crate writes there.
            None | Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::corrupt,
            // Another connection, or the machine, is in the way. A full disk too: the next purge frees space, or the
            // next log rotation.
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

    /// Errors that no test can bring about on every machine, as SQLite would tell them.
    #[test]
    fn what_time_mends_is_transient_and_nothing_else_is() {
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
