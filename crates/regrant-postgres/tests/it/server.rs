use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use regrant_postgres::Table;
use testbed::Postgres;

/// One server for all tests of the process.
pub(crate) fn server() -> &'static Postgres {
    static SERVER: LazyLock<Postgres> = LazyLock::new(|| Postgres::start_with(&["max_connections=300"]));
    &SERVER
}

/// A table for one test.
pub(crate) fn new_table() -> Table {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    Table::new("public", &format!("grants_{}", NEXT.fetch_add(1, Ordering::Relaxed))).unwrap()
}
