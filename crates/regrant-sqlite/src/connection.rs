use std::path::Path;
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::db::Db;
use crate::deadline::Deadline;
use crate::synchronous::Synchronous;
use crate::table_prefix::Tables;

/// Pause between two attempts to take a lock. SQLite's own busy handler backs off to 100 ms. Beside a process that
/// commits continuously, and leaves gaps of microseconds, that is too slow to get a turn within the deadline.
const LOCK_POLL: Duration = Duration::from_millis(1);

/// Opens a connection for one thread.
pub(crate) fn connect(
    path: &Path,
    tables: &Tables,
    synchronous: Synchronous,
    deadline: Deadline,
) -> rusqlite::Result<Db> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(Duration::ZERO)?;
    retry_while_busy(deadline, || db.pragma_update(None, "synchronous", synchronous.pragma()))?;
    // On macOS a plain fsync leaves the data in the disk's own cache. Other systems ignore this pragma.
    retry_while_busy(deadline, || db.pragma_update(None, "fullfsync", synchronous == Synchronous::Full))?;
    Ok(Db::new(db, tables.clone()))
}

/// Repeats `attempt` while another connection holds the lock, until the deadline.
pub(crate) fn retry_while_busy<T>(
    deadline: Deadline,
    mut attempt: impl FnMut() -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    loop {
        match attempt() {
            Err(error) if is_busy(&error) && !deadline.has_passed() => wait_for_lock(),
            result => return result,
        }
    }
}

pub(crate) fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
}

pub(crate) fn wait_for_lock() {
    thread::sleep(LOCK_POLL);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_has_the_durability_that_was_configured() {
        let folder = tempfile::tempdir().unwrap();
        for (synchronous, expected) in [(Synchronous::Full, [2, 1]), (Synchronous::Normal, [1, 0])] {
            let deadline = Deadline::after(Duration::from_secs(5));
            let db = connect(&folder.path().join("grants.db"), &Tables::default(), synchronous, deadline).unwrap();
            let value = |pragma| db.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0)).unwrap();
            assert_eq!(["synchronous", "fullfsync"].map(value), expected);
        }
    }
}
