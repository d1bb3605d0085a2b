use crate::table::Table;

/// How many rows one statement of a purge looks at: few enough to be done well within a deadline.
pub(crate) const WINDOW: usize = 1000;

/// The statements of the store. A call is one of them, but for two: a load that finds nothing goes on to `load`, and a
/// purge is `postpone` and `delete` in turns, then `delete_marks`.
#[derive(Debug)]
pub(crate) struct Queries {
    /// The grant of a key, if there is one: without the join that the answer "there is none" takes.
    pub(crate) find: Query,
    /// The grant of a key, or a primary's word that there is none.
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
    /// A read of rows that begin with `read_only`, of which there is always one.
    Read,
    /// A read that may find nothing. That does not tell an absence from a replica that is behind.
    Find,
    /// A write whose changed rows are counted: `RETURNING` would have the server keep them in a store of its own first.
    Write,
    /// A write that gives rows.
    Clear,
}

impl Kind {
    /// It may be asked again when its answer got lost.
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
            // The key is named: on a table without it the server refuses, where it would otherwise store a second record.
            insert: write(format!(
                "INSERT INTO {table} (id, realm, version, client_id, subject, expires_at, purge_at, payload) \
                 VALUES ($1, $2, $3, $4, $5, $6, $6, $7) ON CONFLICT (id, realm) DO NOTHING"
            )),
            // Sets no column of an index, as long as the end does not move closer: a HOT update. LEAST ignores NULL.
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
            // Sent once, as any write: one that was sent again would meet its own mark and take it for somebody else's.
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

const READ_ONLY: &str = "current_setting('transaction_read_only') = 'on' AS read_only";
const RECORD: &str = "id, version, client_id, subject, expires_at, payload";

fn page(table: &Table, owner: &str) -> Query {
    let page = format!("SELECT {RECORD} FROM {table} WHERE realm = $1 AND {owner} AND id > $2 ORDER BY id LIMIT $3");
    read(&page, "ORDER BY found.id")
}

/// A replica answers reads without complaint, and a record that has not reached it yet would look absent: a log-out. So
/// every answer begins with whether the session takes writes, also where nothing was found.
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

/// Rows that a purge looks at: of which table, by which key, and due at what time at the earliest.
struct Rows<'a> {
    table: &'a str,
    key: &'a str,
    due_at: &'a str,
}

impl Rows<'_> {
    /// `action` on at most `$2` of the rows that may be due, and meet `condition`. Gives the number of rows looked at, and
    /// of those acted upon.
    ///
    /// The condition is checked again when the row is locked: a grant that was refreshed meanwhile lives on. Rows are locked
    /// in the order of their keys, so that purges on several nodes never wait for each other in a circle.
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
