//! One transaction for each batch, into a table without secondary indexes, which are built afterwards.

use std::path::Path;

use regrant::Subject;
use regrant::clock::Timestamp;
use regrant::store::Version;
use regrant_sqlite::SqliteStore;
use rusqlite::{Connection, params};

use super::Batches;
use crate::population::{Census, Session};

/// Loads a population into a new file, and returns the sessions of the sample.
pub fn into_sqlite(path: &Path, census: Census) -> Vec<Session> {
    drop(SqliteStore::open(path).expect("a new file"));
    let mut db = Connection::open(path).expect("the file");
    run(&db, "PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000; PRAGMA wal_autocheckpoint = 20000");
    let indexes: Vec<(String, String)> = {
        let sql = "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'regrant_grants' \
                   AND sql IS NOT NULL";
        let mut select = db.prepare(sql).expect("a schema");
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("a schema");
        rows.map(|row| row.expect("an index")).collect()
    };
    for (name, _) in &indexes {
        run(&db, &format!("DROP INDEX {name}"));
    }
    let mut batches = Batches::of(census);
    while let Some(mut batch) = batches.next() {
        // Neighbours in the tree of the primary key are written together.
        batch.sort_unstable_by_key(|made| made.key.id);
        let transaction = db.transaction().expect("a transaction");
        {
            let insert = "INSERT INTO regrant_grants \
                          (id, realm, version, client_id, subject, expires_at, purge_at, payload) \
                          VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7)";
            let mut insert = transaction.prepare_cached(insert).expect("a statement");
            for made in &batch {
                let (key, record) = (&made.key, &made.record);
                let row = params![
                    key.id.as_bytes(),
                    key.realm.as_str(),
                    Version::random().0.cast_signed(),
                    record.client_id.as_str(),
                    record.subject.as_ref().map(Subject::as_str),
                    record.expires_at.map(Timestamp::as_millis),
                    record.payload,
                ];
                insert.execute(row).expect("a row");
            }
        }
        transaction.commit().expect("a commit");
    }
    eprintln!("building indexes");
    for (_, sql) in &indexes {
        run(&db, sql);
    }
    run(&db, "PRAGMA wal_checkpoint(TRUNCATE)");
    batches.sessions
}

fn run(db: &Connection, sql: &str) {
    db.execute_batch(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
}
