use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use regrant_mysql::Table;
use testbed::MariaDb;

/// One server for all tests of the process.
pub(crate) fn server() -> &'static MariaDb {
    static SERVER: LazyLock<MariaDb> = LazyLock::new(|| MariaDb::start_with(&["--max-connections=1000"]));
    &SERVER
}

/// A table for one test.
pub(crate) fn new_table() -> Table {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    Table::new(&format!("grants_{}", NEXT.fetch_add(1, Ordering::Relaxed))).unwrap()
}
