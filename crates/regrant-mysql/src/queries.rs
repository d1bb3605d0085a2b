use crate::table::Table;

/// Rows that one statement of a purge examines: few enough to finish well within a deadline.
pub(crate) const WINDOW: usize = 1000;

/// Statements of the store. A call runs one of them, with two exceptions: a load that finds nothing also runs `load`,
/// and a purge alternates `postpone` and `delete`, then runs `delete_marks`.
#[derive(Debug)]
pub(crate) struct Queries {
    /// Reads the grant of a key. Cheaper than `load`, but its empty result does not prove absence.
    pub(crate) find: Query,
    /// Reads the grant of a key, or confirms its absence on a server that accepts writes.
    pub(crate) load: Query,
    pub(crate) insert: Query,
    pub(crate) update: Query,
    pub(crate) page_of_subject: Query,
    pub(crate) page_of_client: Query,
    pub(crate) page_of_both: Query,
    pub(crate) postpone: Query,
    pub(crate) delete: Query,
    pub(crate) mark: Query,
    pub(crate) delete_marks: Query,
}

#[derive(Debug)]
pub(crate) struct Query {
    pub(crate) sql: String,
    pub(crate) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A read whose first row has `read_only` and nothing else. The found rows follow, and have NULL there.
    Read,
    /// A read of rows that begin with `read_only`. No row does not distinguish an absent grant from a replica that is
    /// behind.
    Find,
    /// A write whose changed rows are counted.
    Write,
    /// An insertion; a row with its primary key is no error, but no change.
    ///
    /// `INSERT IGNORE` would hide every other error, too. `ON DUPLICATE KEY UPDATE` reports a found row as a changed
    /// one.
    Insert,
}

impl Kind {
    /// True if the statement may be repeated after its reply was lost.
    pub(crate) fn is_read(self) -> bool {
        matches!(self, Self::Read | Self::Find)
    }
}

impl Queries {
    pub(crate) fn of(table: &Table) -> Self {
        let marks = table.marks();
        let one = "WHERE realm = ? AND id = ?";
        Self {
            find: query(Kind::Find, format!("SELECT {READ_ONLY}, {RECORD} FROM {table} {one}")),
            load: read(6, &format!("{RECORD} FROM {table} {one}")),
            insert: query(
                Kind::Insert,
                format!(
                    "INSERT INTO {table} (realm, id, version, client_id, subject, expires_at, purge_at, payload) \
                     VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
                ),
            ),
            // Changes no indexed column unless the expiry moves earlier. LEAST is NULL if one of its arguments is.
            update: query(
                Kind::Write,
                format!(
                    "UPDATE {table} SET version = ?, expires_at = ?, \
                     purge_at = COALESCE(LEAST(purge_at, ?), purge_at, ?), payload = ? {one} AND version = ?"
                ),
            ),
            page_of_subject: page(table, "subject = ?"),
            page_of_client: page(table, "client_id = ?"),
            page_of_both: page(table, "subject = ? AND client_id = ?"),
            postpone: query(
                Kind::Write,
                format!(
                    "UPDATE {} SET grants.purge_at = grants.expires_at \
                     WHERE grants.expires_at IS NULL OR grants.expires_at > ?",
                    due(table)
                ),
            ),
            delete: query(Kind::Write, format!("DELETE grants FROM {} WHERE grants.expires_at <= ?", due(table))),
            // Sent once, as every write: a repeated insertion would find its own mark and report a replay.
            mark: query(Kind::Insert, format!("INSERT INTO {marks} (id, expires_at) VALUES (?, ?)")),
            delete_marks: query(
                Kind::Write,
                format!("DELETE FROM {marks} WHERE expires_at <= ? ORDER BY expires_at LIMIT ?"),
            ),
        }
    }

    pub(crate) const fn all(&self) -> [&Query; 11] {
        let Self { find, load, insert, update, page_of_subject, page_of_client, page_of_both, .. } = self;
        let Self { postpone, delete, mark, delete_marks, .. } = self;
        [
            find,
            load,
            insert,
            update,
            page_of_subject,
            page_of_client,
            page_of_both,
            postpone,
            delete,
            mark,
            delete_marks,
        ]
    }
}

/// Statements of the directory of clients.
#[derive(Debug)]
pub(crate) struct ClientQueries {
    pub(crate) find: Query,
    pub(crate) page: Query,
    /// Reads each distinct text of features once.
    pub(crate) features: Query,
    pub(crate) put: Query,
    pub(crate) delete: Query,
}

impl ClientQueries {
    pub(crate) fn of(table: &Table) -> Self {
        let clients = table.clients();
        let client = "registration, metadata, secrets";
        // Jumps from each distinct key to the next one in the index: anyone may cause this call, and clients are
        // many.
        let distinct = format!(
            "WITH RECURSIVE distinct_keys (features_key) AS ( \
             (SELECT features_key FROM {clients} WHERE realm = ? AND features_key IS NOT NULL \
             ORDER BY features_key LIMIT 1) \
             UNION ALL \
             SELECT (SELECT following.features_key FROM {clients} following \
             WHERE following.realm = ? AND following.features_key > distinct_keys.features_key \
             ORDER BY following.features_key LIMIT 1) \
             FROM distinct_keys WHERE distinct_keys.features_key IS NOT NULL) "
        );
        let features = format!(
            "(SELECT found.features FROM {clients} found \
             WHERE found.realm = ? AND found.features_key = distinct_keys.features_key LIMIT 1) \
             FROM distinct_keys WHERE distinct_keys.features_key IS NOT NULL"
        );
        let features = read(1, &features);
        Self {
            find: read(
                3,
                &format!("{client} FROM {clients} WHERE realm = ? AND client_id = ? AND metadata IS NOT NULL"),
            ),
            page: read(
                3,
                &format!(
                    "{client} FROM {clients} WHERE realm = ? AND client_id > ? AND metadata IS NOT NULL \
                     ORDER BY client_id LIMIT ?"
                ),
            ),
            features: Query { sql: distinct + &features.sql, ..features },
            // A deleted client leaves its number behind, so that the next one with its id gets a higher one. The
            // assignments run in this order, so `registration` sees the former `metadata`. LAST_INSERT_ID reports the
            // number in the reply.
            put: query(
                Kind::Write,
                format!(
                    "INSERT INTO {clients} \
                     (realm, client_id, registration, metadata, secrets, features, features_key) \
                     VALUES (?, ?, LAST_INSERT_ID(?), ?, ?, ?, ?) ON DUPLICATE KEY UPDATE \
                     registration = LAST_INSERT_ID(GREATEST(VALUES(registration), registration + (metadata IS NULL))), \
                     metadata = VALUES(metadata), secrets = VALUES(secrets), features = VALUES(features), \
                     features_key = VALUES(features_key)"
                ),
            ),
            delete: query(
                Kind::Write,
                format!(
                    "UPDATE {clients} SET metadata = NULL, secrets = NULL, features = NULL, features_key = NULL \
                     WHERE realm = ? AND client_id = ? AND metadata IS NOT NULL"
                ),
            ),
        }
    }

    pub(crate) const fn all(&self) -> [&Query; 5] {
        let Self { find, page, features, put, delete } = self;
        [find, page, features, put, delete]
    }
}

/// 1 on a server that accepts no writes. `read_only` is a number on MySQL and older MariaDB, a word on newer MariaDB. A
/// reader of Aurora says it with `innodb_read_only`.
pub(crate) const READ_ONLY: &str = "(CAST(@@read_only AS CHAR) NOT IN ('0', 'OFF') OR @@innodb_read_only)";

const RECORD: &str = "id, version, client_id, subject, expires_at, payload";

fn page(table: &Table, owner: &str) -> Query {
    read(6, &format!("{RECORD} FROM {table} WHERE realm = ? AND {owner} AND id > ? ORDER BY id LIMIT ?"))
}

/// Every read also returns whether the server is read-only, even if it finds nothing. A replica answers reads, and a
/// record that has not reached it would look absent, which logs the user out. The server sends the rows of a
/// `UNION ALL` as it finds them, without a temporary table.
fn read(columns: usize, found: &str) -> Query {
    let nothing = ", NULL".repeat(columns);
    query(Kind::Read, format!("SELECT {READ_ONLY} AS read_only{nothing} UNION ALL (SELECT NULL, {found})"))
}

const fn query(kind: Kind, sql: String) -> Query {
    Query { sql, kind }
}

/// The grants that may be due, at most `LIMIT ?` of them, to be changed under a condition: it is checked when the row
/// is locked, so a grant refreshed in the meantime is kept. The join has a fixed order: first the window of the index,
/// then each of its rows by its key. Purges on several nodes lock rows in the same order, so they cannot deadlock.
fn due(table: &Table) -> String {
    format!(
        "(SELECT realm, id FROM {table} WHERE purge_at <= ? ORDER BY purge_at LIMIT ?) due \
         STRAIGHT_JOIN {table} grants ON grants.realm = due.realm AND grants.id = due.id"
    )
}
