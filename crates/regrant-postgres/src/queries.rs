use crate::table::Table;

/// Rows that one statement of a purge examines: few enough to finish well within a deadline.
pub(crate) const WINDOW: usize = 1000;

/// Statements of the store. A call runs one of them, with two exceptions: a load that finds nothing also runs `load`,
/// and a purge alternates `postpone` and `delete`, then runs `delete_marks`.
#[derive(Debug)]
pub(crate) struct Queries {
    /// Reads the grant of a key. Cheaper than `load`, but its empty result does not prove absence.
    pub(crate) find: Query,
    /// Reads the grant of a key, or confirms its absence on a primary.
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
    /// A read of rows that begin with `read_only`; there is always at least one row.
    Read,
    /// A read that may return no row. That does not distinguish an absent grant from a replica that is behind.
    Find,
    /// A write whose changed rows are counted: with `RETURNING` the server would buffer them first.
    Write,
    /// A write that returns rows.
    Clear,
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
        let grants = Rows { table: &table.to_string(), key: "id, realm", due_at: "purge_at" };
        Self {
            find: Query {
                sql: format!("SELECT {READ_ONLY}, {RECORD} FROM {table} WHERE id = $1 AND realm = $2"),
                kind: Kind::Find,
            },
            load: read(&format!("SELECT {RECORD} FROM {table} WHERE id = $1 AND realm = $2"), ""),
            // The conflict target is named: on a table without this key the server refuses the statement; otherwise it
            // would store a second record.
            insert: write(format!(
                "INSERT INTO {table} (id, realm, version, client_id, subject, expires_at, purge_at, payload) \
                 VALUES ($1, $2, $3, $4, $5, $6, $6, $7) ON CONFLICT (id, realm) DO NOTHING"
            )),
            // A HOT update: it changes no indexed column unless the expiry moves earlier. LEAST ignores NULL.
            update: write(format!(
                "UPDATE {table} SET version = $4, expires_at = $5, purge_at = LEAST(purge_at, $5), payload = $6 \
                 WHERE id = $1 AND realm = $2 AND version = $3"
            )),
            page_of_subject: page(table, "subject = $4"),
            page_of_client: page(table, "client_id = $4"),
            page_of_both: page(table, "subject = $4 AND client_id = $5"),
            postpone: grants
                .due("(expires_at IS NULL OR expires_at > $1)", &format!("UPDATE {table} SET purge_at = expires_at")),
            delete: grants.due("expires_at <= $1", &format!("DELETE FROM {table}")),
            // Sent once, as every write: a repeated insert would find its own mark and report a replay.
            mark: write(format!("INSERT INTO {marks} (id, expires_at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING")),
            delete_marks: Rows { table: &marks, key: "id", due_at: "expires_at" }
                .due("expires_at <= $1", &format!("DELETE FROM {marks}")),
        }
    }

    pub(crate) fn all(&self) -> [&Query; 11] {
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
        let next = |condition: &str| {
            format!(
                "SELECT features_key, features FROM {clients} \
                 WHERE realm = $1 AND features IS NOT NULL {condition} ORDER BY features_key LIMIT 1"
            )
        };
        let features = format!(
            "WITH RECURSIVE distinct_features AS (({}) UNION ALL \
             SELECT following.features_key, following.features FROM distinct_features, LATERAL ({}) following) \
             SELECT features FROM distinct_features",
            next(""),
            next("AND features_key > distinct_features.features_key")
        );
        Self {
            find: read(
                &format!("SELECT {client} FROM {clients} WHERE realm = $1 AND client_id = $2 AND metadata IS NOT NULL"),
                "",
            ),
            page: read(
                &format!(
                    "SELECT {client}, client_id FROM {clients} \
                     WHERE realm = $1 AND client_id > $2 AND metadata IS NOT NULL ORDER BY client_id LIMIT $3"
                ),
                "ORDER BY found.client_id",
            ),
            features: read(&features, ""),
            // A deleted client leaves its number behind, so that the next one with its id gets a higher one.
            put: Query {
                sql: format!(
                    "INSERT INTO {clients} AS former \
                     (realm, client_id, registration, metadata, secrets, features, features_key) \
                     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (realm, client_id) DO UPDATE SET \
                     registration = GREATEST(EXCLUDED.registration, \
                     former.registration + CASE WHEN former.metadata IS NULL THEN 1 ELSE 0 END), \
                     metadata = EXCLUDED.metadata, secrets = EXCLUDED.secrets, features = EXCLUDED.features, \
                     features_key = EXCLUDED.features_key \
                     RETURNING registration"
                ),
                kind: Kind::Clear,
            },
            delete: Query {
                sql: format!(
                    "UPDATE {clients} SET metadata = NULL, secrets = NULL, features = NULL, features_key = NULL \
                     WHERE realm = $1 AND client_id = $2 AND metadata IS NOT NULL RETURNING registration"
                ),
                kind: Kind::Clear,
            },
        }
    }

    pub(crate) const fn all(&self) -> [&Query; 5] {
        let Self { find, page, features, put, delete } = self;
        [find, page, features, put, delete]
    }
}

const READ_ONLY: &str = "current_setting('transaction_read_only') = 'on' AS read_only";
const RECORD: &str = "id, version, client_id, subject, expires_at, payload";

fn page(table: &Table, owner: &str) -> Query {
    let page = format!("SELECT {RECORD} FROM {table} WHERE realm = $1 AND {owner} AND id > $2 ORDER BY id LIMIT $3");
    read(&page, "ORDER BY found.id")
}

/// Every read also returns whether the session is read-only, even if it finds nothing. A replica answers reads, and a
/// record that has not reached it would look absent, which logs the user out.
fn read(found: &str, order: &str) -> Query {
    let sql = format!(
        "SELECT session.read_only, found.* \
         FROM (SELECT {READ_ONLY}) session \
         LEFT JOIN ({found}) found ON TRUE {order}"
    );
    Query { sql, kind: Kind::Read }
}

const fn write(sql: String) -> Query {
    Query { sql, kind: Kind::Write }
}

/// Rows that a purge examines: their table, their key, and the column with the earliest time at which they may be
/// deleted.
struct Rows<'a> {
    table: &'a str,
    key: &'a str,
    due_at: &'a str,
}

impl Rows<'_> {
    /// Runs `action` on at most `$2` of the rows that may be due and meet `condition`. Returns the number of rows
    /// examined and of rows changed.
    ///
    /// The condition is checked again after the row is locked: a grant refreshed in the meantime is kept. Rows are
    /// locked in key order, so purges on several nodes cannot deadlock.
    fn due(&self, condition: &str, action: &str) -> Query {
        let Self { table, key, due_at } = self;
        let sql = format!(
            "WITH due AS (SELECT {key}, expires_at FROM {table} WHERE {due_at} <= $1 ORDER BY {due_at} LIMIT {WINDOW}), \
             chosen AS (SELECT {key} FROM {table} \
             WHERE ({key}) IN (SELECT {key} FROM due WHERE {condition}) AND {condition} \
             ORDER BY {key} LIMIT $2 FOR UPDATE), \
             done AS ({action} WHERE ({key}) IN (SELECT {key} FROM chosen) RETURNING 1) \
             SELECT (SELECT count(*) FROM due), (SELECT count(*) FROM done)"
        );
        Query { sql, kind: Kind::Clear }
    }
}
