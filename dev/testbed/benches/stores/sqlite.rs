//! SQLite: the same two statements on one connection, with one commit each.

use std::sync::Mutex;

use regrant_sqlite::SqliteStore;
use rusqlite::{Connection, params};

use crate::measure::{GRANTS, Plan, Work};
use crate::service::Service;
use crate::{PAYLOAD, change};

pub(crate) async fn measure(plan: &Plan) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("grants.db")).unwrap();
    let baseline = Baseline::open(&folder.path().join("baseline.db"));
    let place = folder.path().join("sessions.db");
    plan.compare("sqlite", baseline, Service::on(store), place.to_str()).await;
}

struct Baseline(Mutex<Connection>);

impl Baseline {
    fn open(path: &std::path::Path) -> Self {
        let connection = Connection::open(path).unwrap();
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
                 CREATE TABLE baseline (id INTEGER PRIMARY KEY, version INTEGER, expires_at INTEGER, payload BLOB);",
            )
            .unwrap();
        for place in 0..GRANTS {
            let row = params![i64::try_from(place).unwrap(), 0, 0, vec![7_u8; PAYLOAD]];
            connection.execute("INSERT INTO baseline VALUES (?, ?, ?, ?)", row).unwrap();
        }
        Self(Mutex::new(connection))
    }

    fn read(&self, place: usize) -> (i64, Vec<u8>) {
        let connection = self.0.lock().unwrap();
        let mut select = connection.prepare_cached("SELECT version, payload FROM baseline WHERE id = ?").unwrap();
        select.query_row([i64::try_from(place).unwrap()], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
    }
}

impl Work for Baseline {
    async fn refresh(&self, place: usize) {
        let (version, mut payload) = self.read(place);
        change(&mut payload, version);
        let connection = self.0.lock().unwrap();
        let update = "UPDATE baseline SET version = ?, expires_at = ?, payload = ? WHERE id = ? AND version = ?";
        let row = params![version + 1, version, payload, i64::try_from(place).unwrap(), version];
        assert_eq!(connection.prepare_cached(update).unwrap().execute(row).unwrap(), 1);
    }

    async fn introspect(&self, place: usize) {
        self.read(place);
    }
}
