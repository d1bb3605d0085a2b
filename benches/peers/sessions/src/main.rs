//! tower-sessions on the database of a bench: what a Rust user knows as a store.
//!
//! ```text
//! sessions sqlite FILE | postgres URL | redis URL
//! ```
//!
//! Each line of the input is one measurement, `Refresh 8 1500`: the operation, the number of tasks, milliseconds. The
//! line of the answer is the number of operations a second.
//!
//! A refresh is a `load` and a `save` of 300 changed bytes. The `save` is unconditional, where regrant compares and
//! swaps: a tower session has no version, so of two writers at once one is lost.

use std::env;
use std::io::stdin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use time::OffsetDateTime;
use tokio::task::JoinSet;
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};
use tower_sessions_redis_store::RedisStore;
use tower_sessions_redis_store::fred::prelude::{ClientLike as _, Config, Pool};
use tower_sessions_sqlx_store::sqlx::postgres::PgPoolOptions;
use tower_sessions_sqlx_store::sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use tower_sessions_sqlx_store::{PostgresStore, SqliteStore};

/// Sessions of each task, as in the bench of the stores.
const EACH: usize = 16;

/// The most tasks.
const TASKS: usize = 32;

/// Characters of the data of a session.
const PAYLOAD: usize = 300;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [kind, place] = &arguments[..] else { panic!("sessions sqlite|postgres|redis PLACE") };
    match kind.as_str() {
        "sqlite" => {
            let options = SqliteConnectOptions::new()
                .filename(place)
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full);
            let store = SqliteStore::new(SqlitePoolOptions::new().connect_with(options).await.expect("SQLite"));
            store.migrate().await.expect("a table");
            serve(store).await;
        }
        "postgres" => {
            let pool = PgPoolOptions::new().max_connections(TASKS as u32).connect(place).await.expect("PostgreSQL");
            let store = PostgresStore::new(pool);
            store.migrate().await.expect("a table");
            serve(store).await;
        }
        "redis" => {
            let config = Config::from_url(place).expect("a URL");
            let pool = Pool::new(config, None, None, None, 1).expect("one connection, as the others have");
            drop(pool.connect());
            pool.wait_for_connect().await.expect("Redis");
            serve(RedisStore::new(pool)).await;
        }
        _ => panic!("no such store: {kind}"),
    }
}

async fn serve(store: impl SessionStore) {
    let store = Arc::new(store);
    let mut ids = Vec::new();
    for number in 0..TASKS * EACH {
        let mut record = record(Id::default(), number);
        store.create(&mut record).await.expect("a session");
        ids.push(record.id);
    }
    let ids: Arc<[Id]> = ids.into();
    for line in stdin().lines() {
        let line = line.expect("text");
        let mut words = line.split(' ');
        let mut next = || words.next().expect("three words");
        let (saves, tasks, millis) = (next() == "Refresh", next(), next());
        let tasks = tasks.parse().expect("a number");
        let span = Duration::from_millis(millis.parse().expect("a number"));
        println!("{:.1}", rate(&store, &ids, saves, tasks, span).await);
    }
}

/// Returns how often per second `tasks` tasks together load, and save, a session.
async fn rate(store: &Arc<impl SessionStore>, ids: &Arc<[Id]>, saves: bool, tasks: usize, span: Duration) -> f64 {
    let begin = Instant::now();
    let mut set = JoinSet::new();
    for task in 0..tasks {
        let (store, ids) = (Arc::clone(store), Arc::clone(ids));
        set.spawn(async move {
            let mut done = 0;
            while begin.elapsed() < span {
                let id = ids[task * EACH + done % EACH];
                let loaded = store.load(&id).await.expect("loaded").expect("a session");
                if saves {
                    store.save(&Record { data: record(id, done).data, ..loaded }).await.expect("saved");
                }
                done += 1;
            }
            done
        });
    }
    let done: usize = set.join_all().await.into_iter().sum();
    done as f64 / begin.elapsed().as_secs_f64()
}

/// A session with as many bytes as a typical grant, half of which change.
fn record(id: Id, number: usize) -> Record {
    let data = format!("{:>half$}{number:>half$}", "", half = PAYLOAD / 2);
    let data = [("grant".to_owned(), Value::String(data))].into();
    Record { id, data, expiry_date: OffsetDateTime::now_utc() + Duration::from_secs(7 * 24 * 3600) }
}
