//! SQLite: the same two statements on one connection, with one commit each.

use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use regrant_sqlite::SqliteStore;
use rusqlite::{Connection, params};
use tokio::sync::oneshot;

use crate::measure::{GRANTS, Plan, Work};
use crate::service::Service;
use crate::{PAYLOAD, change};

pub(crate) async fn measure(plan: &Plan) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("grants.db")).unwrap();
    let baseline = Baseline::open(&folder.path().join("baseline.db"));
    let place = folder.path().join("sessions.db");
    plan.compare("sqlite", baseline, Service::on(store), place.to_str()).await;
    // The part of the difference that is the way to the writer and back. It is in no table of the report.
    if plan.rows.is_none() {
        let [direct, handed] = ["direct.db", "handed.db"].map(|name| folder.path().join(name));
        let handed = Handed::open(&handed);
        plan.compare("sqlite, writes on a thread", Baseline::open(&direct), handed, None).await;
    }
}

struct Baseline(Mutex<Connection>);

impl Baseline {
    fn open(path: &Path) -> Self {
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

    fn write(&self, place: usize, version: i64, payload: &[u8]) {
        let connection = self.0.lock().unwrap();
        let update = "UPDATE baseline SET version = ?, expires_at = ?, payload = ? WHERE id = ? AND version = ?";
        let row = params![version + 1, version, payload, i64::try_from(place).unwrap(), version];
        assert_eq!(connection.prepare_cached(update).unwrap().execute(row).unwrap(), 1);
    }
}

impl Work for Baseline {
    async fn refresh(&self, place: usize) {
        let (version, mut payload) = self.read(place);
        change(&mut payload, version);
        self.write(place, version, &payload);
    }

    async fn introspect(&self, place: usize) {
        self.read(place);
    }
}

/// The baseline with its writes on a thread of their own, as a store must have them: a commit waits for the disk, and
/// the tasks of a runtime must not.
struct Handed {
    reads: Baseline,
    writer: Sender<Update>,
}

struct Update {
    place: usize,
    version: i64,
    payload: Vec<u8>,
    done: oneshot::Sender<()>,
}

impl Handed {
    fn open(path: &Path) -> Self {
        let reads = Baseline::open(path);
        let updated = Baseline(Mutex::new(Connection::open(path).unwrap()));
        updated.0.lock().unwrap().pragma_update(None, "synchronous", "FULL").unwrap();
        let (writer, queue) = channel::<Update>();
        thread::spawn(move || {
            for update in queue {
                updated.write(update.place, update.version, &update.payload);
                update.done.send(()).unwrap();
            }
        });
        Self { reads, writer }
    }
}

impl Work for Handed {
    async fn refresh(&self, place: usize) {
        let (version, mut payload) = self.reads.read(place);
        change(&mut payload, version);
        let (done, is_done) = oneshot::channel();
        self.writer.send(Update { place, version, payload, done }).unwrap();
        is_done.await.unwrap();
    }

    async fn introspect(&self, place: usize) {
        self.reads.read(place);
    }
}
