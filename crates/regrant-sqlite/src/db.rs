use std::ops::Deref;

use rusqlite::{CachedStatement, Connection};

use crate::table_prefix::Tables;

/// A connection that knows the names of its tables. Statements name them with the prefix `regrant_`.
pub(crate) struct Db {
    connection: Connection,
    tables: Tables,
}

impl Db {
    pub(crate) const fn new(connection: Connection, tables: Tables) -> Self {
        Self { connection, tables }
    }

    /// True in a file of the application's.
    pub(crate) const fn is_shared(&self) -> bool {
        self.tables.are_prefixed()
    }

    pub(crate) fn prepare_cached(&self, sql: &str) -> rusqlite::Result<CachedStatement<'_>> {
        self.connection.prepare_cached(&self.tables.named_in(sql))
    }

    pub(crate) fn execute_batch(&self, sql: &str) -> rusqlite::Result<()> {
        self.connection.execute_batch(&self.tables.named_in(sql))
    }
}

impl Deref for Db {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}
