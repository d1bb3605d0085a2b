//! Every case of the HTTP kit and all flows with real signatures, over each store, with every crate of the process
//! logging at TRACE. Then a search for each secret of the run in the logs, events, errors, metrics and panic messages,
//! in each record that was written, and in the files of the store.

use std::path::Path;
use std::time::Duration;

use fixtures::Secrets;
use regrant::MemoryStore;
use regrant::store::{GrantIndex, SingleUse, TokenStore};
use regrant_conformance::http::{Direct, HttpHarness, RING_KEY, WatchedStore, cases, play};
use regrant_mysql::MysqlStore;
use regrant_postgres::PostgresStore;
use regrant_redis::RedisStore;
use regrant_sqlite::SqliteStore;
use secrets::recorder::{Recorder, Remembering};
use secrets::servers::{ActixWeb, Axum};
use secrets::store::Copying;
use secrets::witness::Witness;
use testbed::{LONG, MariaDb, Postgres, Redis};

use crate::life::Life;

/// A run on one store: the secrets, and the bytes to search.
struct Run {
    secrets: Secrets,
    places: Vec<(String, Vec<u8>)>,
}

impl Run {
    /// Plays everything on `store`, and some of it again after `breaking` it.
    async fn on<S>(harness: &dyn HttpHarness, store: S, breaking: Option<&(dyn Fn() + Sync)>) -> Self
    where
        S: TokenStore + GrantIndex + SingleUse + Clone + 'static,
    {
        let witness = Witness::of_the_process();
        let store = Copying::new(store, witness.clone());
        let mut secrets = play_all(harness, &store, &witness).await;
        let mut life = Life::start(store.clone(), witness.clone()).await;
        life.live().await;
        if let Some(breaking) = breaking {
            breaking();
            life.suffer().await;
        }
        secrets.extend(life.secrets());
        let places = vec![("a record".to_owned(), store.written()), ("the log".to_owned(), witness.bytes())];
        Self { secrets, places }
    }

    fn and(mut self, place: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        self.places.push((place.into(), bytes.into()));
        self
    }

    /// All files of a folder.
    fn and_files_of(mut self, folder: &Path) -> Self {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                self = self.and_files_of(&entry);
            } else if let Ok(bytes) = std::fs::read(&entry) {
                self = self.and(entry.display().to_string(), bytes);
            }
        }
        self
    }

    fn assert_clean(&self) {
        let search = self.secrets.search();
        println!("{} secrets, searched in", self.secrets.iter().count());
        let searched = self.places.iter().map(|(place, bytes)| {
            println!("{:>12} bytes of {place}", bytes.len());
            search.report(place, bytes)
        });
        let report: String = searched.collect();
        assert!(report.is_empty(), "{report}");
    }
}

/// Plays the cases of the kit, each with tokens of its own.
async fn play_all<S>(harness: &dyn HttpHarness, store: &Copying<S>, witness: &Witness) -> Secrets
where
    S: TokenStore + GrantIndex + Clone + 'static,
{
    let mut recorder = Recorder::new(&[(1, *RING_KEY)]);
    let drawn = Remembering::default();
    for (number, case) in cases().iter().flat_map(|group| &group.cases).enumerate() {
        let store = WatchedStore::over(store.in_realm(number));
        let watched = play(harness, case, store, |service| service.events(witness.clone()).entropy(drawn.clone()));
        let played = watched.await;
        for (request, response) in &played.exchanged {
            recorder.sent(request);
            recorder.exchanged(request, response);
            witness.note(&format!("{} {:?}", response.status, response.headers));
            if response.status >= 400 {
                witness.note(&String::from_utf8_lossy(&response.body));
            }
        }
        played.unanswered.iter().for_each(|request| recorder.sent(request));
        played.codes.iter().for_each(|code| recorder.value("code", code));
    }
    for drawn in drawn.take(32) {
        recorder.secrets.add("32 drawn bytes", drawn);
    }
    recorder.secrets
}

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(test);
}

#[test]
fn no_secret_is_seen_over_the_memory_store() {
    // Nothing breaks this store.
    run(async { Run::on(&ActixWeb, MemoryStore::new(), None).await.assert_clean() });
}

#[test]
fn no_secret_is_seen_over_sqlite() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("grants.db");
        let store = SqliteStore::builder().deadline(Duration::from_secs(60)).open(&path).unwrap();
        let breaking = || {
            let connection = rusqlite::Connection::open(&path).unwrap();
            connection.execute_batch("ALTER TABLE regrant_grants RENAME TO lost").unwrap();
        };
        Run::on(&Axum, store, Some(&breaking)).await.and_files_of(folder.path()).assert_clean();
    });
}

#[test]
fn no_secret_is_seen_over_postgresql() {
    run(async {
        let server = Postgres::start_with(&["log_statement=all", "log_parameter_max_length=-1"]);
        let builder = PostgresStore::builder(server.url()).unwrap().deadline(LONG);
        builder.migrate().await.unwrap();
        let witness = Witness::of_the_process();
        let wrong = server.url().replace(server.password(), "wr0ng-password-of-the-database");
        for url in [wrong.replace("127.0.0.1", "127.0.0.9"), wrong, server.url() + "?sslmode=require"] {
            match PostgresStore::open(&url).await {
                Ok(_) => {}
                Err(error) => witness.error(&error),
            }
        }
        let store = builder.open().await.unwrap();
        witness.debug(&store);
        let run = Run::on(&Axum, store, Some(&|| server.kill())).await;
        server.restart();
        let log = server.execute("SELECT pg_read_file(current_setting('data_directory') || '/../server.log')");
        assert!(log.contains("regrant_grants"), "the statements are not logged");
        let tables = server.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'");
        let mut run = run.and("the log of PostgreSQL", log);
        for table in tables.lines() {
            run = run.and(table, server.execute(&format!("COPY public.{table} TO STDOUT")));
        }
        let files = server.execute("SELECT name FROM pg_ls_waldir() WHERE size > 0");
        for file in files.lines() {
            let read = format!("SELECT encode(pg_read_binary_file('pg_wal/{file}'), 'hex')");
            run = run.and(format!("WAL {file}"), server.execute(&read));
        }
        run.secrets.add("password of the database", server.password());
        run.secrets.add("wrong password of the database", "wr0ng-password-of-the-database");
        run.assert_clean();
    });
}

#[test]
fn no_secret_is_seen_over_mariadb() {
    run(async {
        let server = MariaDb::start_with(&["--general-log", "--general-log-file=general.log"]);
        let builder = MysqlStore::builder(server.url()).unwrap().deadline(LONG);
        builder.migrate().await.unwrap();
        let witness = Witness::of_the_process();
        let wrong = server.url().replace(server.password(), "wr0ng-password-of-the-database");
        for url in [wrong.replace("127.0.0.1", "127.0.0.9"), wrong, server.url() + "?ssl-mode=REQUIRED"] {
            match MysqlStore::open(&url).await {
                Ok(_) => {}
                Err(error) => witness.error(&error),
            }
        }
        let store = builder.open().await.unwrap();
        witness.debug(&store);
        let mut run = Run::on(&Axum, store, Some(&|| server.kill())).await;
        let socket = server.socket();
        let data = socket.parent().unwrap();
        // The tables, every statement with its parameters, and the logs of the changes.
        for file in ["general.log", "log.000001", "ib_logfile0", "ibdata1"] {
            run = run.and(file, std::fs::read(data.join(file)).unwrap());
        }
        let (_, statements) = &run.places[run.places.len() - 4];
        assert!(String::from_utf8_lossy(statements).contains("INSERT INTO `regrant_grants`"), "no statements");
        let mut run = run.and_files_of(&data.join("regrant"));
        run.secrets.add("password of the database", server.password());
        run.secrets.add("wrong password of the database", "wr0ng-password-of-the-database");
        run.assert_clean();
    });
}

#[test]
fn no_secret_is_seen_over_redis() {
    run(async {
        let password = "Yb4-password-of-the-redis-server";
        let server = Redis::start_with(&["--requirepass", password]);
        let store = RedisStore::builder(server.url()).deadline(LONG).open().await.unwrap();
        let witness = Witness::of_the_process();
        witness.debug(&store);
        for url in [server.url().replace(password, "wr0ng-password-of-redis"), "redis://127.0.0.9:1/".to_owned()] {
            match RedisStore::open(&url).await {
                Ok(_) => {}
                Err(error) => witness.error(&error),
            }
        }
        let folder = server.command(&["CONFIG", "GET", "dir"]);
        let folder = folder.lines().last().unwrap().to_owned();
        let mut run = Run::on(&Direct, store, Some(&|| server.kill())).await.and_files_of(Path::new(&folder));
        run.secrets.add("password of Redis", password);
        run.secrets.add("wrong password of Redis", "wr0ng-password-of-redis");
        run.assert_clean();
    });
}
