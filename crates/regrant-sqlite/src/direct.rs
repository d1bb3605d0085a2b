use std::sync::Mutex;
use std::thread;

use crate::connection::is_busy;
use crate::db::Db;
use crate::threads::close;

/// Most connections of this kind. Each has a page cache of its own.
const MOST: usize = 8;

/// Connections for reads on the calling thread. A read of one row takes microseconds, less than the way to another
/// thread and back.
pub(crate) struct Direct(Vec<Mutex<Db>>);

impl Direct {
    /// Opens a connection for each processor.
    pub(crate) fn open(connect: impl Fn() -> rusqlite::Result<Db>) -> rusqlite::Result<Self> {
        let count = thread::available_parallelism().map_or(1, usize::from).min(MOST);
        (0..count).map(|_| connect().map(Mutex::new)).collect::<Result<_, _>>().map(Self)
    }

    pub(crate) const fn none() -> Self {
        Self(Vec::new())
    }

    /// Runs `work`, or returns `None` if it would have to wait: for a connection, or for the lock of another process.
    pub(crate) fn try_read<T>(&self, work: impl FnOnce(&Db) -> rusqlite::Result<T>) -> Option<rusqlite::Result<T>> {
        let db = self.0.iter().find_map(|db| db.try_lock().ok())?;
        Some(work(&db)).filter(|result| !result.as_ref().is_err_and(is_busy))
    }
}

impl Drop for Direct {
    fn drop(&mut self) {
        self.0.drain(..).filter_map(|db| db.into_inner().ok()).for_each(close);
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::{Connection, Error, ffi};

    use super::*;
    use crate::table_prefix::Tables;

    #[test]
    fn a_read_that_would_wait_is_left_to_a_thread() {
        let direct = Direct(vec![Mutex::new(Db::new(Connection::open_in_memory().unwrap(), Tables::default()))]);
        let fails = |code| direct.try_read(|_| Err::<(), _>(Error::SqliteFailure(ffi::Error::new(code), None)));
        assert!(fails(ffi::SQLITE_BUSY).is_none(), "another process has the lock");
        assert!(matches!(fails(ffi::SQLITE_CORRUPT), Some(Err(_))));
        let in_use = direct.try_read(|_| Ok(direct.try_read(|_| Ok(())).is_none()));
        assert!(matches!(in_use, Some(Ok(true))));
        assert!(matches!(direct.try_read(|_| Ok(7)), Some(Ok(7))), "it is free again");
        assert!(Direct::none().try_read(|_| Ok(7)).is_none());
    }
}
